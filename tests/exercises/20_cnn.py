"""Wrong answers to the exercises of 20_cnn, named after the mistake; each checker must refuse its own."""

import torch
from torch import nn
from torch.nn import functional as F


# 20.1 conv_cost(in_channels, out_channels, kernel, out_height, out_width)
def bias_forgotten(before, after, kernel, height, width):
    weights = after * before * kernel**2
    return weights, weights * height * width


def one_bias_for_all(before, after, kernel, height, width):
    weights = after * before * kernel**2
    return weights + 1, weights * height * width


def kernel_with_one_layer(before, after, kernel, height, width):
    weights = after * kernel**2
    return weights + after, weights * height * width


def kernel_not_squared(before, after, kernel, height, width):
    weights = after * before * kernel
    return weights + after, weights * height * width


def bias_multiplied(before, after, kernel, height, width):
    total = after * before * kernel**2 + after
    return total, total * height * width


def weights_used_once(before, after, kernel, height, width):
    weights = after * before * kernel**2
    return weights + after, weights


def square_map_taken_for_granted(before, after, kernel, height, width):
    weights = after * before * kernel**2
    return weights + after, weights * height * height


def additions_counted(before, after, kernel, height, width):
    weights = after * before * kernel**2
    return weights + after, 2 * weights * height * width


def parameters_alone(before, after, kernel, height, width):
    return after * before * kernel**2 + after


# 20.2 dilated_field(layers)
def dilation_ignored(layers):
    field, jump = 1, 1
    for kernel, stride, _ in layers:
        field, jump = field + (kernel - 1) * jump, jump * stride
    return field


def kernel_times_dilation(layers):
    field, jump = 1, 1
    for kernel, stride, dilation in layers:
        field, jump = field + (kernel * dilation - 1) * jump, jump * stride
    return field


def stride_before_the_layer(layers):
    field, jump = 1, 1
    for kernel, stride, dilation in layers:
        jump *= stride
        field += dilation * (kernel - 1) * jump
    return field


def stride_ignored(layers):
    return 1 + sum(dilation * (kernel - 1) for kernel, _, dilation in layers)


def dilation_moves_the_jump(layers):
    field, jump = 1, 1
    for kernel, stride, dilation in layers:
        field, jump = field + dilation * (kernel - 1) * jump, jump * stride * dilation
    return field


def begins_at_zero(layers):
    field, jump = 0, 1
    for kernel, stride, dilation in layers:
        field, jump = field + dilation * (kernel - 1) * jump, jump * stride
    return field


def gaps_one_too_many(layers):
    field, jump = 1, 1
    for kernel, stride, dilation in layers:
        field, jump = field + (dilation + 1) * (kernel - 1) * jump, jump * stride
    return field


def strides_added(layers):
    field, jump = 1, 1
    for kernel, stride, dilation in layers:
        field, jump = field + dilation * (kernel - 1) * jump, jump + stride - 1
    return field


# 20.3 convolve_by_product(images, kernels, stride, padding)
def product(images, kernels, stride, padding):
    return kernels.flatten(1) @ F.unfold(images, kernels.shape[-1], stride=stride, padding=padding)


def sizes(images, kernels, stride, padding):
    return [(size + 2 * padding - kernels.shape[-1]) // stride + 1 for size in images.shape[-2:]]


def calls_the_convolution(images, kernels, stride, padding):
    return F.conv2d(images, kernels, stride=stride, padding=padding)


def kernel_turned(images, kernels, stride, padding):
    found = product(images, kernels.flip(2, 3), stride, padding)
    return found.reshape(len(images), len(kernels), *sizes(images, kernels, stride, padding))


def kernel_transposed(images, kernels, stride, padding):
    found = product(images, kernels.mT, stride, padding)
    return found.reshape(len(images), len(kernels), *sizes(images, kernels, stride, padding))


def stride_forgotten(images, kernels, stride, padding):
    found = product(images, kernels, 1, padding)
    return found.reshape(len(images), len(kernels), *sizes(images, kernels, 1, padding))


def padding_forgotten(images, kernels, stride, padding):
    found = product(images, kernels, stride, 0)
    return found.reshape(len(images), len(kernels), *sizes(images, kernels, stride, 0))


def rows_and_columns_swapped(images, kernels, stride, padding):
    rows, columns = sizes(images, kernels, stride, padding)
    return product(images, kernels, stride, padding).reshape(len(images), len(kernels), columns, rows)


def places_left_flat(images, kernels, stride, padding):
    return product(images, kernels, stride, padding)


def places_before_channels(images, kernels, stride, padding):
    found = product(images, kernels, stride, padding).transpose(1, 2).contiguous()
    return found.reshape(len(images), len(kernels), *sizes(images, kernels, stride, padding))


def padded_in_place(images, kernels, stride, padding):
    found = product(images, kernels, stride, padding)
    images.zero_()
    return found.reshape(len(images), len(kernels), *sizes(images, kernels, stride, padding))


# 20.4 fold(convolution, norm)
def like(convolution, weight, bias, **changes):
    kept = {"stride": convolution.stride, "padding": convolution.padding} | changes
    new = nn.Conv2d(convolution.in_channels, convolution.out_channels, convolution.kernel_size, **kept)
    new.weight, new.bias = nn.Parameter(weight.detach().clone()), nn.Parameter(bias.detach().clone())
    return new


def parts(convolution, norm):
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    bias = torch.zeros_like(norm.bias) if convolution.bias is None else convolution.bias
    return scale, scale[:, None, None, None], bias


def old_bias_forgotten(convolution, norm):
    scale, wide, _ = parts(convolution, norm)
    return like(convolution, convolution.weight * wide, norm.bias - norm.running_mean * scale)


def bias_expected_always(convolution, norm):
    scale, wide, _ = parts(convolution, norm)
    return like(convolution, convolution.weight * wide, (convolution.bias - norm.running_mean) * scale + norm.bias)


def root_forgotten(convolution, norm):
    scale = norm.weight / (norm.running_var + norm.eps)
    bias = parts(convolution, norm)[2]
    weight = convolution.weight * scale[:, None, None, None]
    return like(convolution, weight, (bias - norm.running_mean) * scale + norm.bias)


def epsilon_forgotten(convolution, norm):
    scale = norm.weight / norm.running_var.sqrt()
    bias = parts(convolution, norm)[2]
    weight = convolution.weight * scale[:, None, None, None]
    return like(convolution, weight, (bias - norm.running_mean) * scale + norm.bias)


def mean_not_scaled(convolution, norm):
    scale, wide, bias = parts(convolution, norm)
    return like(convolution, convolution.weight * wide, bias * scale - norm.running_mean + norm.bias)


def shift_scaled_too(convolution, norm):
    scale, wide, bias = parts(convolution, norm)
    return like(convolution, convolution.weight * wide, (bias - norm.running_mean + norm.bias) * scale)


def weights_not_scaled(convolution, norm):
    scale, _, bias = parts(convolution, norm)
    return like(convolution, convolution.weight, (bias - norm.running_mean) * scale + norm.bias)


def input_channels_scaled(convolution, norm):
    scale, _, bias = parts(convolution, norm)
    weight = convolution.weight * scale[: convolution.in_channels][None, :, None, None]
    return like(convolution, weight, (bias - norm.running_mean) * scale + norm.bias)


def stride_lost(convolution, norm):
    scale, wide, bias = parts(convolution, norm)
    return like(convolution, convolution.weight * wide, (bias - norm.running_mean) * scale + norm.bias, stride=1)


def padding_lost(convolution, norm):
    scale, wide, bias = parts(convolution, norm)
    return like(convolution, convolution.weight * wide, (bias - norm.running_mean) * scale + norm.bias, padding=0)


def both_layers_returned(convolution, norm):
    return nn.Sequential(convolution, norm)


def changed_in_place(convolution, norm):
    scale, wide, bias = parts(convolution, norm)
    new = (bias - norm.running_mean) * scale + norm.bias
    convolution.weight.data *= wide
    convolution.bias = nn.Parameter(new.detach())
    return convolution


WRONG = {
    "20.1": [
        bias_forgotten,
        one_bias_for_all,
        kernel_with_one_layer,
        kernel_not_squared,
        bias_multiplied,
        weights_used_once,
        square_map_taken_for_granted,
        additions_counted,
        parameters_alone,
    ],
    "20.2": [
        dilation_ignored,
        kernel_times_dilation,
        stride_before_the_layer,
        stride_ignored,
        dilation_moves_the_jump,
        begins_at_zero,
        gaps_one_too_many,
        strides_added,
    ],
    "20.3": [
        calls_the_convolution,
        kernel_turned,
        kernel_transposed,
        stride_forgotten,
        padding_forgotten,
        rows_and_columns_swapped,
        places_left_flat,
        places_before_channels,
        padded_in_place,
    ],
    "20.4": [
        old_bias_forgotten,
        bias_expected_always,
        root_forgotten,
        epsilon_forgotten,
        mean_not_scaled,
        shift_scaled_too,
        weights_not_scaled,
        input_channels_scaled,
        stride_lost,
        padding_lost,
        both_layers_returned,
        changed_in_place,
    ],
}
