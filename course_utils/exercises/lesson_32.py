"""Checkers of 32_unet: two views of an image, strides turned into gaps, weights from frequencies."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from course_utils.exercises import Wrong, checker, describe, expect_close, question_for

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


def _expect_layers(found, right: list, *, given: str, mistakes: dict) -> None:
    """Layers in a list, whatever each of them is kept in."""
    listed = [tuple(layer) for layer in found] if isinstance(found, list) else found
    if listed != right:
        question = next((words for words, wrong in mistakes.items() if listed in wrong), "")
        raise Wrong(f"for {given}: expected {right}, got {describe(found)}. {question}".rstrip())


def _through(layers: list, x: torch.Tensor, seed: int) -> torch.Tensor:
    """One line of numbers through convolutions without padding; the weights depend on seed and place alone."""
    for number, (kernel, stride, dilation) in enumerate(layers):
        weight = torch.randn(1, 1, kernel, generator=_draws(seed + number), dtype=x.dtype)
        x = F.conv1d(x, weight, stride=stride, dilation=dilation)
    return x


@checker("32.2", hint="Are the strides taken out multiplied up, for the gaps of every later layer?")
def check_32_2(function, seed):
    """keep_step(layers, largest) -> list of tuples (kernel, stride, dilation)."""
    _expect_layers(function([], 16), [], given="no layer", mistakes={})
    halves = [(3, 2, 1), (3, 2, 1), (3, 1, 1)]
    mistakes = {
        "Two strides of 2 make a step of 4: is the second taken out?": [halves],
        "Does the layer that loses its stride keep its own gaps?": [[(3, 2, 1), (3, 1, 2), (3, 1, 2)]],
        "Do later layers get gaps?": [[(3, 2, 1), (3, 1, 1), (3, 1, 1)]],
        "Is a step as large as `largest` allowed, and its stride left in?": [[(3, 1, 1), (3, 1, 2), (3, 1, 4)]],
    }
    right = [(3, 2, 1), (3, 1, 1), (3, 1, 2)]
    _expect_layers(function(list(halves), 2), right, given=f"{halves}, largest 2", mistakes=mistakes)
    four = [(3, 2, 1), (3, 2, 1), (3, 2, 1), (3, 1, 3)]
    mistakes = {
        "Is the layer's own dilation multiplied, not replaced?": [[*right, (3, 1, 4)]],
        "Do all strides taken out before a layer count, multiplied?": [
            [*right, (3, 1, 6)],
            [(3, 2, 1), (3, 1, 1), (3, 1, 2), (3, 1, 2)],
        ],
    }
    kept = list(four)
    _expect_layers(function(four, 2), [*right, (3, 1, 12)], given=f"{four}, largest 2", mistakes=mistakes)
    expect_close(four, kept, given="the layers after the call", hint=UNCHANGED)
    for number in range(5):
        _check_same_numbers(function, seed + number)
    return "by hand, and five random stacks: the same numbers where the strides would have stepped"


def _check_same_numbers(function, seed: int) -> None:
    """A random stack and the learner's give the same numbers, at no more than the largest step."""
    draws = _draws(seed)
    layers = [tuple(int(torch.randint(1, 4, (), generator=draws)) for _ in range(3)) for _ in range(4)]
    largest = int(torch.randint(1, 5, (), generator=draws))
    given = f"{layers}, largest {largest}"
    found = [tuple(layer) for layer in function(list(layers), largest)]
    step = 1
    for (kernel, stride, _), layer in zip(layers, found, strict=True):
        wanted = stride if step * stride <= largest else 1
        if layer[:2] != (kernel, wanted):
            question = "Is a stride taken out where, and only where, it would make the step larger than `largest`?"
            raise Wrong(f"for {given}: expected kernel {kernel} and stride {wanted}, got {layer}. {question}")
        step *= wanted
    x = torch.randn(1, 1, 400, generator=draws, dtype=torch.float64)
    sparse, dense = _through(layers, x, seed), _through(found, x, seed)
    taken_out = math.prod(stride for _, stride, _ in layers) // step
    hint = "Do all strides taken out before a layer multiply its gaps, and no later ones?"
    every = dense[..., ::taken_out][..., : sparse.shape[-1]]
    expect_close(every, sparse, given=f"{given}, every {taken_out}th number", hint=hint)


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
