"""Wrong answers to the exercises of 23_mixed_precision, named after the mistake; each checker must refuse its own."""

import torch


# 23.1 pairwise_sum(values)
def running_sum(values):
    total = values.new_zeros(())
    for value in values:
        total = total + value
    return total


def leaves_it_to_torch(values):
    return values.sum()


def wider_inside(values):
    return values.double().sum().to(values.dtype)


def wider_result(values):
    return values.float().sum()


def last_of_odd_dropped(values):
    if len(values) == 0:
        return values.new_zeros(())
    while len(values) > 1:
        half = len(values) // 2
        values = values[0 : 2 * half : 2] + values[1 : 2 * half : 2]
    return values[0].clone()


def last_of_odd_added_twice(values):
    if len(values) == 0:
        return values.new_zeros(())
    while len(values) > 1:
        if len(values) % 2:
            values = torch.cat([values, values[-1:]])
        values = values[0::2] + values[1::2]
    return values[0].clone()


def fails_without_values(values):
    while len(values) > 1:
        values = torch.cat([values, values.new_zeros(len(values) % 2)])
        values = values[0::2] + values[1::2]
    return values[0].clone()


def keeps_an_axis(values):
    while len(values) > 1:
        values = torch.cat([values, values.new_zeros(len(values) % 2)])
        values = values[0::2] + values[1::2]
    return values.clone() if len(values) else values.new_zeros(1)


def one_round_of_pairs(values):
    values = torch.cat([values, values.new_zeros(len(values) % 2)])
    return running_sum(values[0::2] + values[1::2])


def mean_of_pairs(values):
    while len(values) > 1:
        values = torch.cat([values, values.new_zeros(len(values) % 2)])
        values = (values[0::2] + values[1::2]) / 2
    return values[0].clone() if len(values) else values.new_zeros(())


def sums_in_place(values):
    n = len(values)
    while n > 1:
        half = (n + 1) // 2
        values[: n // 2] += values[half:n].clone()
        n = half
    return values[0].clone() if len(values) else values.new_zeros(())


def number_instead_of_tensor(values):
    while len(values) > 1:
        values = torch.cat([values, values.new_zeros(len(values) % 2)])
        values = values[0::2] + values[1::2]
    return values[0].item() if len(values) else 0.0


# 23.2 unscale_and_clip(gradients, scale, max_norm)
def common_norm(gradients):
    return float(sum((gradient**2).sum() for gradient in gradients) ** 0.5)


def finite(gradients):
    return all(bool(gradient.isfinite().all()) for gradient in gradients)


def clips_before_unscaling(gradients, scale, max_norm):
    if not finite(gradients):
        return None
    factor = min(1.0, max_norm / max(common_norm(gradients), 1e-30))
    return [gradient * factor / scale for gradient in gradients]


def forgets_the_scale(gradients, scale, max_norm):
    if not finite(gradients):
        return None
    return [gradient * min(1.0, max_norm / max(common_norm(gradients), 1e-30)) for gradient in gradients]


def each_tensor_alone(gradients, scale, max_norm):
    if not finite(gradients):
        return None
    true = [gradient / scale for gradient in gradients]
    return [gradient * min(1.0, max_norm / max(common_norm([gradient]), 1e-30)) for gradient in true]


def small_norms_stretched(gradients, scale, max_norm):
    if not finite(gradients):
        return None
    true = [gradient / scale for gradient in gradients]
    return [gradient * max_norm / max(common_norm(true), 1e-30) for gradient in true]


def numbers_clamped(gradients, scale, max_norm):
    if not finite(gradients):
        return None
    return [(gradient / scale).clamp(-max_norm, max_norm) for gradient in gradients]


def infinity_not_noticed(gradients, scale, max_norm):
    true = [gradient / scale for gradient in gradients]
    return [gradient * min(1.0, max_norm / max(common_norm(true), 1e-30)) for gradient in true]


def only_nan_noticed(gradients, scale, max_norm):
    if any(bool(gradient.isnan().any()) for gradient in gradients):
        return None
    return infinity_not_noticed(gradients, scale, max_norm)


def only_the_first_tensor_checked(gradients, scale, max_norm):
    return infinity_not_noticed(gradients, scale, max_norm) if finite(gradients[:1]) else None


def divides_zero_by_zero(gradients, scale, max_norm):
    if not finite(gradients):
        return None
    true = [gradient / scale for gradient in gradients]
    norm = sum((gradient**2).sum() for gradient in true) ** 0.5
    return [gradient * (max_norm / norm).clamp(max=1) if norm else gradient / norm for gradient in true]


def norm_without_root(gradients, scale, max_norm):
    if not finite(gradients):
        return None
    true = [gradient / scale for gradient in gradients]
    return [gradient * min(1.0, max_norm / max(common_norm(true) ** 2, 1e-30)) for gradient in true]


def unscaled_in_place(gradients, scale, max_norm):
    if not finite(gradients):
        return None
    for gradient in gradients:
        gradient /= scale
    return [gradient * min(1.0, max_norm / max(common_norm(gradients), 1e-30)) for gradient in gradients]


# 23.3 stochastic_bfloat16(x, generator)
def nearest(x, generator):
    return x.bfloat16()


def always_toward_zero(x, generator):
    return (x.contiguous().view(torch.int32) & -65536).view(torch.float32).bfloat16()


def up_as_often_as_down(x, generator):
    bits = x.contiguous().view(torch.int32) & -65536
    up = torch.randint(0, 2, x.shape, generator=generator, dtype=torch.int32) * 65536
    rounded = (bits + up).view(torch.float32).bfloat16()
    return torch.where(x == x.bfloat16(), x.bfloat16(), rounded)


def one_draw_for_all(x, generator):
    noise = torch.randint(0, 2**16, (1,), generator=generator, dtype=torch.int32)
    return ((x.contiguous().view(torch.int32) + noise) & -65536).view(torch.float32).bfloat16()


def too_little_noise(x, generator):
    noise = torch.randint(0, 2**15, x.shape, generator=generator, dtype=torch.int32)
    return ((x.contiguous().view(torch.int32) + noise) & -65536).view(torch.float32).bfloat16()


def lower_bits_not_cut(x, generator):
    noise = torch.randint(0, 2**16, x.shape, generator=generator, dtype=torch.int32)
    return (x.contiguous().view(torch.int32) + noise).view(torch.float32).bfloat16()


def generator_forgotten(x, generator):
    noise = torch.randint(0, 2**16, x.shape, dtype=torch.int32)
    return ((x.contiguous().view(torch.int32) + noise) & -65536).view(torch.float32).bfloat16()


def noise_of_a_fixed_size(x, generator):
    noise = (torch.rand(x.shape, generator=generator) - 0.5) * torch.finfo(torch.bfloat16).eps
    return (x + noise).bfloat16()


def left_in_float32(x, generator):
    noise = torch.randint(0, 2**16, x.shape, generator=generator, dtype=torch.int32)
    return ((x.contiguous().view(torch.int32) + noise) & -65536).view(torch.float32)


def shape_lost(x, generator):
    noise = torch.randint(0, 2**16, (x.numel(),), generator=generator, dtype=torch.int32)
    return ((x.flatten().view(torch.int32) + noise) & -65536).view(torch.float32).bfloat16()


def in_place(x, generator):
    noise = torch.randint(0, 2**16, x.shape, generator=generator, dtype=torch.int32)
    x.view(torch.int32).add_(noise).bitwise_and_(-65536)
    return x.bfloat16()


def by_a_uniform_draw(x, generator):
    """No mistake: what most would write."""
    low = (x.contiguous().view(torch.int32) & -65536).view(torch.float32)
    away = ((x.contiguous().view(torch.int32) & -65536) + 65536).view(torch.float32)
    up = torch.rand(x.shape, generator=generator) < (x - low) / (away - low)
    return torch.where(up, away, low).bfloat16()


WRONG = {
    "23.1": (
        running_sum,
        leaves_it_to_torch,
        wider_inside,
        wider_result,
        last_of_odd_dropped,
        last_of_odd_added_twice,
        fails_without_values,
        keeps_an_axis,
        one_round_of_pairs,
        mean_of_pairs,
        sums_in_place,
        number_instead_of_tensor,
    ),
    "23.2": (
        clips_before_unscaling,
        forgets_the_scale,
        each_tensor_alone,
        small_norms_stretched,
        numbers_clamped,
        infinity_not_noticed,
        only_nan_noticed,
        only_the_first_tensor_checked,
        divides_zero_by_zero,
        norm_without_root,
        unscaled_in_place,
    ),
    "23.3": (
        nearest,
        always_toward_zero,
        up_as_often_as_down,
        one_draw_for_all,
        too_little_noise,
        lower_bits_not_cut,
        generator_forgotten,
        noise_of_a_fixed_size,
        left_in_float32,
        shape_lost,
        in_place,
    ),
}
RIGHT = {"23.3": [by_a_uniform_draw]}
