"""Checkers of 01_pixels_and_learning: what has changed, a batch for a network, when to stop, gradient descent."""

import itertools

import numpy as np
import torch

from course_utils.exercises import Wrong, checker, describe, expect_close


def _hint(answer, mistakes: dict) -> str:
    """The question whose wrong outcome the answer equals; empty where there is none, which leaves the checker's own."""
    if answer is None:
        return "Is there a `return`?"
    for question, outcomes in mistakes.items():
        for outcome in outcomes if isinstance(outcomes, list) else [outcomes]:
            try:
                expect_close(answer, outcome, given="a known mistake")
            except Wrong:
                continue
            return question
    return ""


@checker("01.1", hint="Are both images converted before the subtraction, and the result back to uint8?")
def check_01_1(function, seed):
    """change(first, second), both uint8 of one shape -> their absolute difference, uint8."""
    first, second = (np.array([values], np.uint8) for values in ([90, 200, 0, 255], [100, 190, 255, 0]))
    right = np.array([[10, 10, 255, 255]], np.uint8)
    given = "[[90, 200, 0, 255]] and [[100, 190, 255, 0]]"
    kept = first.copy(), second.copy()
    answer = function(first, second)
    if isinstance(answer, np.ndarray) and answer.dtype != np.uint8:
        question = "Is the difference converted back?"
        raise Wrong(f"for {given}: expected dtype uint8, got {answer.dtype}. {question}")
    expect_close(answer, right, given=given, hint=_hint(answer, _difference_mistakes(*kept)))
    hint = "Are the images of the caller left as they were?"
    expect_close(first, kept[0], given="the first image after the call", hint=hint)
    expect_close(second, kept[1], given="the second image after the call", hint=hint)
    every = np.arange(256, dtype=np.uint8)
    first, second = np.repeat(every, 256).reshape(256, 256), np.tile(every, 256).reshape(256, 256)
    slow = [[abs(a - b) for b in range(256)] for a in range(256)]
    expect_close(function(first, second), np.array(slow, np.uint8), given="each of the 65,536 pairs of values")
    photos = np.random.default_rng(seed).integers(0, 256, (2, 5, 7, 3), dtype=np.uint8)
    slow = [abs(a - b) for a, b in zip(photos[0].ravel().tolist(), photos[1].ravel().tolist(), strict=True)]
    expect_close(function(*photos), np.array(slow, np.uint8).reshape(5, 7, 3), given="two random (5, 7, 3) images")
    nothing = np.zeros((0, 4), np.uint8)
    expect_close(function(nothing, nothing), nothing, given="two images without rows")
    return "four pixels by hand, every pair of values, random colour images against a plain loop"


def _difference_mistakes(first: np.ndarray, second: np.ndarray) -> dict:
    wide = first.astype(int) - second.astype(int)
    as_int8 = np.abs(first.astype(np.int8) - second.astype(np.int8))
    return {
        "90 - 100 has wrapped round to 246. Is the conversion done before the subtraction?": first - second,
        "Negative differences have become 0. Is the absolute value taken of numbers that can be negative?": np.clip(
            wide, 0, 255
        ).astype(np.uint8),
        "A difference of 255 has become 1. Which type holds -255 to 255?": as_int8.view(np.uint8),
        "Has `abs` been applied to an array that cannot be negative any more?": np.abs(first - second),
    }


@checker("01.2", hint="Do axes move without mixing pixels, and do 0 and 255 become -1 and 1?")
def check_01_2(function, seed):
    """to_network(photos uint8 (N, H, W, 3)) -> float32 tensor (N, 3, H, W) from -1 to 1."""
    photos = np.random.default_rng(seed).integers(0, 256, (2, 4, 5, 3), dtype=np.uint8)
    photos[0, 0, 0], photos[1, 3, 4] = (0, 51, 255), (255, 102, 0)
    kept, given = photos.copy(), "two random photographs of 4 × 5 pixels"
    answer = function(photos)
    expect_close(photos, kept, given="the photographs after the call", hint="Are they left as they were?")
    right = _channels_first(photos)
    _check_kind(answer, given)
    expect_close(answer, right, given=given, hint=_hint(answer, _layout_mistakes(photos)))
    square = np.random.default_rng(seed + 1).integers(0, 256, (1, 3, 3, 3), dtype=np.uint8)
    mistakes = {"Height and width have changed places. Which axis goes where?": _channels_first(square).mT}
    answer = function(square)
    expect_close(answer, _channels_first(square), given="one photograph of 3 × 3", hint=_hint(answer, mistakes))
    answer = function(np.full((1, 2, 2, 3), 128, np.uint8))
    hint = "0 to 255 is mapped to -1 to 1 whatever the photograph holds. Is it?"
    expect_close(answer, torch.full((1, 3, 2, 2), 128 / 127.5 - 1), given="an even grey of 128", hint=hint)
    return "values, order of axes and channels, dtype; a square photograph; an even grey"


def _channels_first(photos: np.ndarray) -> torch.Tensor:
    """The right answer, pixel by pixel."""
    n, height, width, _ = photos.shape
    result = torch.zeros(n, 3, height, width)
    for i, row, column, channel in itertools.product(range(n), range(height), range(width), range(3)):
        result[i, channel, row, column] = int(photos[i, row, column, channel]) / 127.5 - 1
    return result


def _check_kind(answer, given: str) -> None:
    """A float32 tensor, or a line that says what came."""
    if not isinstance(answer, torch.Tensor):
        question = "Is there a `return`?" if answer is None else "Does torch.from_numpy begin the conversion?"
        raise Wrong(f"for {given}: expected a float32 tensor, got {describe(answer)}. {question}")
    if answer.dtype != torch.float32:
        question = "Are the numbers converted to torch.float32?"
        raise Wrong(f"for {given}: expected a float32 tensor, got {answer.dtype}. {question}")


def _layout_mistakes(photos: np.ndarray) -> dict:
    right = _channels_first(photos)
    plain = torch.from_numpy(photos).float() / 127.5 - 1
    n, height, width, _ = photos.shape
    means = photos.astype(np.float32).mean(axis=(0, 1, 2)), photos.astype(np.float32).std(axis=(0, 1, 2))
    standardised = torch.from_numpy((photos - means[0]) / means[1]).permute(0, 3, 1, 2).float()
    return {
        "`reshape` gives the right shape and mixes the pixels. Is `permute` used?": plain.reshape(n, 3, height, width),
        "The channels are still the last axis. Are they moved to the second place?": plain,
        "Height and width have changed places. Which axis goes where?": plain.permute(0, 3, 2, 1),
        "Red and blue have changed places. The photographs are RGB. Are the channels left in order?": right.flip(1),
        "The range is 0 to 1. Should it not be -1 to 1?": (right + 1) / 2,
        "The range is 0 to 255. Is it scaled?": (right + 1) * 127.5,
        "Divided by 128, 255 does not become 1. Which number is half of 255?": (right + 1) * 127.5 / 128 - 1,
        "Is the order first divide, then subtract 1?": ((right + 1) * 127.5 - 1) / 127.5,
        "Is the scale that of the task, not one of the mean and spread of these photographs?": standardised,
    }


@checker("01.3", hint="Is the best loss kept with its epoch, and does the walk end after `patience` without a better?")
def check_01_3(function, seed):
    """stopping_epoch(losses, patience) -> epoch of the lowest loss before training ends, counted from 1."""
    for losses, patience, right, mistakes in _stopping_cases():
        answer = function(list(losses), patience)
        expect_close(answer, right, given=f"losses {losses} and patience {patience}", hint=_hint(answer, mistakes))
    random = np.random.default_rng(seed)
    for patience in (1, 2, 3, 5):
        losses = random.integers(1, 30, 40).tolist()
        right = _slow_stop(losses, patience)
        given = f"40 random losses from {losses[0]}, {losses[1]}, {losses[2]} on and patience {patience}"
        expect_close(function(list(losses), patience), right, given=given)
    return "seven short lists by hand, among them equal losses; random lists against a plain definition"


def _stopping_cases() -> list[tuple]:
    """Losses, patience, the right epoch, and the question that belongs to each wrong one."""
    future = "Training has ended by then. Does a loss count that was never computed?"
    ended = "Is that the epoch in which training ended, or the one with the lowest loss before?"
    counted = "Are epochs counted from 1?"
    early = "`patience` epochs without a better loss are allowed. Does the walk end one too soon?"
    late = "Does the walk end as soon as `patience` epochs have brought nothing better?"
    value = "Is the epoch asked for, or its loss?"
    equal = "An equal loss is no better one. Is the first of equals returned?"
    in_a_row = "Epochs in a row are counted. Does a better loss start the count again?"
    rises = "Are losses compared with the lowest so far, not with the one before?"
    return [
        ([50, 40, 30, 40, 50, 60, 10], 2, 3, {future: 7, ended: 5, counted: 2, value: 30}),
        ([5, 3, 4, 2, 6, 7, 8], 2, 4, {early: 2, counted: 3, ended: [6, 7]}),
        ([5, 3, 4, 4, 2], 2, 2, {late: 5, counted: 1}),
        ([3, 2, 2, 2, 2], 3, 2, {equal: [3, 4, 5], counted: 1}),
        ([9, 8, 9, 7, 9, 6, 9, 5], 2, 8, {in_a_row: [2, 4], counted: 7}),
        ([5, 1, 4, 3, 2, 0.5], 3, 2, {rises: 6, counted: 1}),
        ([4], 1, 1, {counted: 0}),
    ]


def _slow_stop(losses: list, patience: int) -> int:
    """The definition, epoch by epoch: the first of the lowest losses up to the epoch in which training ends."""
    for end in range(1, len(losses) + 1):
        best = losses.index(min(losses[:end])) + 1
        if end - best >= patience:
            break
    return best


@checker("01.4", hint="Is each step: an empty gradient, backward, then weights minus rate times gradient, unrecorded?")
def check_01_4(function, seed):
    """descend(loss_fn, start, rate, steps) -> the tensor after `steps` steps of gradient descent."""
    start = torch.tensor([4.0, -2.0])
    given = "the loss (w ** 2).sum(), start [4, -2], rate 0.25 and 3 steps"
    answer = function(_bowl, start, 0.25, 3)
    expect_close(start, torch.tensor([4.0, -2.0]), given="`start` after the call", hint="Is a copy of it changed?")
    if isinstance(answer, torch.Tensor) and answer.requires_grad:
        question = "Is it detached?"
        raise Wrong(f"for {given}: expected a tensor that needs no gradient, got one with requires_grad. {question}")
    expect_close(answer, torch.tensor([0.5, -0.25]), given=given, hint=_hint(answer, _descent_mistakes()))
    answer = function(_bowl, start, 0.25, 0)
    expect_close(answer, start, given="0 steps", hint="Without a step, is the start returned?")
    if answer is start or answer.data_ptr() == start.data_ptr():
        raise Wrong("for 0 steps: expected a tensor of its own, got `start` itself. Is it cloned?")
    matrix = torch.randn(5, 3, generator=torch.Generator().manual_seed(seed))
    goal = torch.randn(5, generator=torch.Generator().manual_seed(seed + 1))
    expected = np.zeros(3)
    for _ in range(20):  # the gradient of the mean squared error, by hand
        expected -= 0.1 * 2 / 5 * matrix.numpy().T.astype(float) @ (matrix.numpy() @ expected - goal.numpy())
    answer = function(lambda w: (matrix @ w - goal).square().mean(), torch.zeros(3), 0.1, 20)
    expect_close(answer, torch.tensor(expected, dtype=torch.float32), given="a line fitted in 20 steps", tolerance=1e-4)
    _check_other_starts(function)
    return "a bowl by hand, no step, a fit of 20 steps against NumPy, a table of weights, a start that needs a gradient"


def _bowl(weights: torch.Tensor) -> torch.Tensor:
    return weights.square().sum()


def _descent_mistakes() -> dict:
    """What the bowl gives from [4, -2] at rate 0.25 in three steps, mistake by mistake; a right step halves."""
    start = torch.tensor([4.0, -2.0])
    return {
        "Gradients add up in `.grad`. Is it emptied before each backward?": -0.875 * start,
        "That is uphill. Is the gradient subtracted?": 3.375 * start,
        "Is the gradient computed anew in each step?": -0.5 * start,
        "One step is missing. How often is the gradient taken?": start / 4,
        "There is one step too many. How often is the gradient taken?": start / 16,
        "Is the gradient multiplied by the rate?": -start,
        "The start has come back unchanged. Is the result of the step stored?": start,
    }


def _check_other_starts(function) -> None:
    """A start of two axes in 64 bits, and one that requires a gradient and has one already."""
    table = torch.arange(6, dtype=torch.float64).reshape(2, 3)
    hint = "Does the result keep shape and dtype of `start`?"
    expect_close(function(_bowl, table, 0.25, 1), table / 2, given="a float64 start of shape (2, 3)", hint=hint)
    leaf = torch.tensor([2.0], requires_grad=True)
    leaf.grad = torch.tensor([7.0])
    hint = "A start may carry a gradient of its own. Is a detached clone used?"
    expect_close(function(_bowl, leaf, 0.25, 1), torch.tensor([1.0]), given="a start with requires_grad", hint=hint)
    expect_close(leaf.grad, torch.tensor([7.0]), given="the gradient of `start` after the call", hint=hint)
