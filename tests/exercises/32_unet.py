"""Wrong answers to the exercises of 32_unet, named after the mistake; every one must be refused."""

import torch


# 32.1 mirror_averaged(network, images)
def not_mirrored_back(network, images):
    return (network(images).softmax(1) + network(images.flip(-1)).softmax(1)) / 2


def upside_down(network, images):
    return (network(images).softmax(1) + network(images.flip(-2)).softmax(1).flip(-2)) / 2


def mean_of_logits(network, images):
    return ((network(images) + network(images.flip(-1)).flip(-1)) / 2).softmax(1)


def no_softmax(network, images):
    return (network(images) + network(images.flip(-1)).flip(-1)) / 2


def softmax_over_columns(network, images):
    return (network(images).softmax(-1) + network(images.flip(-1)).softmax(-1).flip(-1)) / 2


def sum_not_mean(network, images):
    return network(images).softmax(1) + network(images.flip(-1)).softmax(1).flip(-1)


def one_view(network, images):
    return network(images).softmax(1)


def mirrors_classes_back(network, images):
    return (network(images).softmax(1) + network(images.flip(-1)).softmax(1).flip(1)) / 2


def largest_not_mean(network, images):
    return torch.maximum(network(images).softmax(1), network(images.flip(-1)).softmax(1).flip(-1))


def mirrors_in_place(network, images):
    plain = network(images).softmax(1)
    images.copy_(images.flip(-1))
    return (plain + network(images).softmax(1).flip(-1)) / 2


# 32.2 receptive_field(layers)
def dilation_forgotten(layers):
    field, step = 1, 1
    for kernel, stride, _ in layers:
        field += (kernel - 1) * step
        step *= stride
    return field


def stride_forgotten(layers):
    return 1 + sum(dilation * (kernel - 1) for kernel, _, dilation in layers)


def stride_in_its_own_layer(layers):
    field, step = 1, 1
    for kernel, stride, dilation in layers:
        step *= stride
        field += dilation * (kernel - 1) * step
    return field


def starts_at_zero(layers):
    field, step = 0, 1
    for kernel, stride, dilation in layers:
        field += dilation * (kernel - 1) * step
        step *= stride
    return field


def strides_added(layers):
    field, step = 1, 1
    for kernel, stride, dilation in layers:
        field += dilation * (kernel - 1) * step
        step += stride - 1
    return field


def fields_multiplied(layers):
    field = 1
    for kernel, _, dilation in layers:
        field *= dilation * (kernel - 1) + 1
    return field


def dilation_widens_the_step(layers):
    field, step = 1, 1
    for kernel, stride, dilation in layers:
        field += dilation * (kernel - 1) * step
        step *= stride * dilation
    return field


def dilation_times_kernel(layers):
    field, step = 1, 1
    for kernel, stride, dilation in layers:
        field += (dilation * kernel - 1) * step
        step *= stride
    return field


def layers_from_the_last(layers):
    field, step = 1, 1
    for kernel, stride, dilation in reversed(layers):
        field += dilation * (kernel - 1) * step
        step *= stride
    return field


# 32.3 median_frequency_weights(maps, classes, void)
def _frequency(maps, classes, void, *, everywhere=False, labelled_alone=True):
    pixels = torch.stack([(maps == c).sum((1, 2)) for c in range(classes)], dim=1).double()
    area = (maps != void).sum((1, 2)) if labelled_alone else torch.full((len(maps),), maps[0].numel())
    held = torch.ones_like(pixels) if everywhere else (pixels > 0)
    return pixels.sum(0) / (held * area.double()[:, None]).sum(0), pixels.sum(0) > 0


def _weights(frequency, occurs):
    return (torch.quantile(frequency[occurs], 0.5) / frequency).where(occurs, 0.0)


def over_all_images(maps, classes, void):
    return _weights(*_frequency(maps, classes, void, everywhere=True))


def unlabelled_pixels_counted(maps, classes, void):
    return _weights(*_frequency(maps, classes, void, labelled_alone=False))


def mean_in_place_of_median(maps, classes, void):
    frequency, occurs = _frequency(maps, classes, void)
    return (frequency[occurs].mean() / frequency).where(occurs, 0.0)


def lower_median(maps, classes, void):
    frequency, occurs = _frequency(maps, classes, void)
    return (frequency[occurs].median() / frequency).where(occurs, 0.0)


def upside_down_weights(maps, classes, void):
    frequency, occurs = _frequency(maps, classes, void)
    return (frequency / torch.quantile(frequency[occurs], 0.5)).where(occurs, 0.0)


def absent_class_is_nan(maps, classes, void):
    frequency, occurs = _frequency(maps, classes, void)
    return torch.quantile(frequency[occurs], 0.5) / frequency


def absent_class_in_the_median(maps, classes, void):
    frequency, occurs = _frequency(maps, classes, void)
    return (torch.quantile(frequency.nan_to_num(0), 0.5) / frequency).where(occurs, 0.0)


def counts_in_place_of_frequencies(maps, classes, void):
    pixels = torch.bincount(maps.flatten(), minlength=256)[:classes].double()
    return (torch.quantile(pixels[pixels > 0], 0.5) / pixels).where(pixels > 0, 0.0)


def single_precision(maps, classes, void):
    return _weights(*_frequency(maps, classes, void)).tolist()


def mean_over_images(maps, classes, void):
    pixels = torch.stack([(maps == c).sum((1, 2)) for c in range(classes)], dim=1).double()
    shares = pixels / (maps != void).sum((1, 2)).double()[:, None]
    return _weights(shares.where(pixels > 0, torch.nan).nanmean(0), pixels.sum(0) > 0)


WRONG = {
    "32.1": [
        not_mirrored_back,
        upside_down,
        mean_of_logits,
        no_softmax,
        softmax_over_columns,
        sum_not_mean,
        one_view,
        mirrors_classes_back,
        largest_not_mean,
        mirrors_in_place,
    ],
    "32.2": [
        dilation_forgotten,
        stride_forgotten,
        stride_in_its_own_layer,
        starts_at_zero,
        strides_added,
        fields_multiplied,
        dilation_widens_the_step,
        dilation_times_kernel,
        layers_from_the_last,
    ],
    "32.3": [
        over_all_images,
        unlabelled_pixels_counted,
        mean_in_place_of_median,
        lower_median,
        upside_down_weights,
        absent_class_is_nan,
        absent_class_in_the_median,
        counts_in_place_of_frequencies,
        single_precision,
        mean_over_images,
    ],
}
