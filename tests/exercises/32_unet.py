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


# 32.2 keep_step(layers, largest)
def walk(layers, largest, *, own=False, forget=False, last=False, replace=False, exclusive=False, add=False):
    """The reference with one mistake built in."""
    step, out, found = 1, 1, []
    for kernel, stride, dilation in layers:
        lost = step * stride >= largest if exclusive else step * stride > largest
        now = out * stride if own and lost else out
        found.append((kernel, 1 if lost else stride, dilation if forget else now if replace else dilation * now))
        if not lost:
            step *= stride
        else:
            out = stride if last else out + stride - 1 if add else out * stride
    return found


def nothing_taken_out(layers, largest):
    return list(layers)


def no_gaps(layers, largest):
    return walk(layers, largest, forget=True)


def own_gaps_too(layers, largest):
    return walk(layers, largest, own=True)


def last_stride_alone_counts(layers, largest):
    return walk(layers, largest, last=True)


def dilation_replaced(layers, largest):
    return walk(layers, largest, replace=True)


def largest_itself_refused(layers, largest):
    return walk(layers, largest, exclusive=True)


def strides_added(layers, largest):
    return walk(layers, largest, add=True)


def every_stride_above_largest(layers, largest):
    return [(kernel, 1 if stride > largest else stride, dilation) for kernel, stride, dilation in layers]


def step_forgets_the_kept_strides(layers, largest):
    return [layer for one in layers for layer in walk([one], largest)]


def input_changed(layers, largest):
    layers[:] = walk(layers, largest)
    return layers


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
        nothing_taken_out,
        no_gaps,
        own_gaps_too,
        last_stride_alone_counts,
        dilation_replaced,
        largest_itself_refused,
        strides_added,
        every_stride_above_largest,
        step_forgets_the_kept_strides,
        input_changed,
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
