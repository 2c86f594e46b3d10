"""Checkers of 32_unet: two views of an image, how far a network sees, weights from frequencies."""

import torch
from torch import nn

from course_utils.exercises import checker, expect_close, question_for

UNCHANGED = "Are the inputs left as they were?"


def _draws(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@checker("32.1", hint="Is the mirror image's answer mirrored back, and the mean taken of probabilities?")
def check_32_1(function, seed):
    """mirror_averaged(network, images) -> probabilities (B, K, H, W)."""
    images = torch.randn(2, 3, 6, 8, generator=_draws(seed))
    weight = torch.randn(4, 3, 3, 3, generator=_draws(seed + 1))
    calls = []

    def network(x):
        calls.append(x.clone())
        return nn.functional.conv2d(x, weight, padding=1)

    def view(*axes):
        return network(images.flip(axes)).softmax(dim=1)

    plain, mirrored = view(), view(-1)
    right = (plain + mirrored.flip(-1)) / 2
    logits = (network(images) + network(images.flip(-1)).flip(-1)) / 2
    mistakes = {
        "Does each pixel meet itself: is the second answer mirrored back?": (plain + mirrored) / 2,
        "Is it the mean of two, not their sum?": 2 * right,
        "Left to right is the last axis. Is that the one?": (plain + view(-2).flip(-2)) / 2,
        "Is the mean taken of probabilities, after the softmax?": (logits, logits.softmax(dim=1)),
        "Do the probabilities of a pixel, over the classes, sum to 1?": (
            (network(images).softmax(-1) + network(images.flip(-1)).softmax(-1).flip(-1)) / 2
        ),
        "Is the network asked about the mirror image too?": plain,
    }
    kept = images.clone()
    found = function(network, images)
    hint = question_for(found, mistakes)
    expect_close(found, right, given="two random images of 6 × 8 pixels and a convolution", hint=hint)
    expect_close(images, kept, given="the images after the call", hint=UNCHANGED)
    return "two random images under a convolution that is not symmetric"


def _field_by_steps(layers: list[tuple[int, int, int]]) -> int:
    """The same, backwards: places of each layer's input that its outputs need, from the last layer to the first."""
    needed = 1
    for kernel, stride, dilation in reversed(layers):
        needed = (needed - 1) * stride + dilation * (kernel - 1) + 1
    return needed


@checker("32.2", hint="Does each layer add dilation · (kernel − 1) steps, as long as the strides before it make them?")
def check_32_2(function, seed):
    """receptive_field(layers) -> pixels."""
    expect_close(function([]), 1, given="no layer", hint="One number sees itself: 1 pixel.")
    expect_close(function([(3, 1, 1)]), 3, given="one layer (3, 1, 1)", hint="A kernel of 3 sees 3 pixels.")
    gaps = [(3, 1, 1), (3, 1, 2), (3, 1, 4)]
    found = function(gaps)
    mistakes = {
        "Is the dilation counted?": 7,
        "Do fields of layers overlap by one pixel? 1 + 2 · (1 + 2 + 4).": (17, 14, 3 * 5 * 9),
        "A dilation is no stride: does the step stay?": 1 + 2 + 2 * 2 + 2 * 4 * 2,
    }
    expect_close(found, 15, given="3 × 3 with dilation 1, 2, 4", hint=question_for(found, mistakes))
    halves = [(3, 2, 1), (3, 2, 1), (3, 1, 1)]
    found = function(halves)
    mistakes = {
        "Is the stride counted?": 7,
        "Does a stride widen the layers after it, and not its own?": (1 + 2 * 2 + 2 * 4 + 2 * 4, 13, 21),
        "Do strides multiply?": 1 + 2 + 4 + 2 * 4 + 1,
        "Does a stride make the next layers' steps longer, not shorter?": 1 + 2 + 1 + 0.5,
    }
    expect_close(found, 15, given="3 × 3 with stride 2, 2, 1", hint=question_for(found, mistakes))
    for _ in range(5):
        layers = torch.randint(1, 5, (4, 3), generator=_draws(seed))
        layers = [tuple(row) for row in layers.tolist()]
        seed += 1
        expect_close(function(layers), _field_by_steps(layers), given=f"the layers {layers}")
    return "no layer, gaps, strides, five random stacks counted from the last layer to the first"


def _weights_by_loop(maps: torch.Tensor, classes: int, void: int) -> torch.Tensor:
    """Median frequency weights with a loop over classes and images."""
    frequency = {}
    for c in range(classes):
        holding = [one for one in maps if (one == c).any()]
        if holding:
            pixels, labelled = (sum(int(found.sum()) for found in many) for many in _pixels(holding, c, void))
            frequency[c] = pixels / labelled
    middle = sorted(frequency.values())
    half = len(middle) // 2
    median = middle[half] if len(middle) % 2 else (middle[half - 1] + middle[half]) / 2
    return torch.tensor([median / frequency[c] if c in frequency else 0.0 for c in range(classes)], dtype=torch.float64)


def _pixels(maps, c: int, void: int) -> tuple[list, list]:
    return [one == c for one in maps], [one != void for one in maps]


@checker("32.3", hint="Is a class's frequency taken over the labelled pixels of those images alone in which it occurs?")
def check_32_3(function, seed):
    """median_frequency_weights(maps, classes, void) -> float64 (K,)."""
    maps = torch.tensor([[[0, 0], [0, 1]], [[0, 2], [2, 255]]])  # 0: 4 of 7, 1: 1 of 4, 2: 2 of 3
    right = torch.tensor([1.0, (4 / 7) * 4, (4 / 7) * 1.5], dtype=torch.float64)
    found = function(maps, 3, 255)
    mistakes = {
        "Is the frequency over those images alone that hold the class?": (
            torch.tensor([2 / 4, 2.0, 1.0], dtype=torch.float64)
        ),
        "Do unlabelled pixels count in the denominator?": (torch.tensor([1.0, 2.0, 1.0], dtype=torch.float64),),
        "Is it the median over the class's own frequency?": 1 / right,
        "Is it the median of the frequencies, not their mean?": right * (4 / 7 + 1 / 4 + 2 / 3) / 3 / (4 / 7),
    }
    given = "two images of 2 × 2 pixels, one pixel unlabelled"
    expect_close(found, right, given=given, hint=question_for(found, mistakes))
    hint = "A class that never occurs has weight 0, and no part in the median. Has it?"
    expect_close(function(maps, 4, 255), torch.cat([right, right.new_zeros(1)]), given=f"{given}, 4 classes", hint=hint)
    even = torch.tensor([[[0, 0], [0, 1]]])  # 3 of 4 and 1 of 4: the median is 1/2
    hint = "Of two frequencies the median is their mean. Is it?"
    expected = torch.tensor([2 / 3, 2.0], dtype=torch.float64)
    expect_close(function(even, 2, 255), expected, given="three pixels of class 0 and one of class 1", hint=hint)
    maps = torch.randint(6, (5, 6, 7), generator=_draws(seed))
    maps = maps.where(torch.rand(maps.shape, generator=_draws(seed + 1)) < 0.8, 11)
    maps[:3] = maps[:3].where(maps[:3] != 4, 0)  # class 4 in two images alone
    kept = maps.clone()
    hint = "Of six frequencies the median is the mean of the middle two. Is it?"
    expect_close(
        function(maps, 6, 11), _weights_by_loop(maps, 6, 11), given="five random maps of six classes", hint=hint
    )
    expect_close(maps, kept, given="the maps after the call", hint=UNCHANGED)
    return "three small images by hand, an absent class, five random maps against a loop"
