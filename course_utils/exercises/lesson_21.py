"""Checkers of 21_recipe: a better start, when to stop and what to keep, a share of false alarms."""

import math

import numpy as np
import torch
from scipy import stats
from torch.nn import functional as F

from course_utils.exercises import Wrong, checker, describe, expect_close


def _pair(answer, given: str, names: str) -> tuple:
    if not isinstance(answer, tuple) or len(answer) != 2:
        raise Wrong(f"for {given}: expected the pair {names}, got {describe(answer)}. Is it a tuple of two?")
    return answer


@checker("21.1", hint="Are the logits logarithms of shares, and is the loss a mean over all examples?")
def check_21_1(function, seed):
    """sensible_start(counts) -> bias (K,), mean cross-entropy."""
    counts = torch.tensor([3, 1])
    given = "counts (3, 1)"
    bias, loss = _pair(function(counts), given, "(bias, loss)")
    _check_bias(bias, counts, given)
    wanted = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    expect_close(loss, wanted, given=given, hint=_loss_question(loss))
    generator = torch.Generator().manual_seed(seed)
    for k in (1, 5, 10):
        counts = torch.randint(1, 200, (k,), generator=generator)
        given = f"counts {counts.tolist()}"
        bias, loss = _pair(function(counts.clone()), given, "(bias, loss)")
        _check_bias(bias, counts, given)
        targets = torch.arange(k).repeat_interleave(counts)
        logits = counts.div(counts.sum()).log().expand(len(targets), k)
        expect_close(loss, F.cross_entropy(logits, targets).item(), given=given, tolerance=1e-4)
    even = _pair(function(torch.full((10,), 7)), "ten equal counts", "(bias, loss)")[1]
    expect_close(even, math.log(10), given="ten equal counts", hint="Is it log K where the classes are equal?")
    return "shares of 3 and 1 by hand, random counts against PyTorch's cross-entropy, log 10 for ten equal classes"


def _check_bias(bias, counts: torch.Tensor, given: str) -> None:
    shares = counts / counts.sum()
    question = ""
    if isinstance(bias, torch.Tensor) and bias.shape == shares.shape and bias.is_floating_point():
        total = bias.double().exp().sum().item()
        if torch.allclose(bias.double(), shares.double()):
            question = "Is the softmax of these numbers the shares? They are logits, so take the logarithm."
        elif torch.allclose(bias.double().softmax(0), shares.double(), atol=1e-5) and abs(total - 1) > 1e-4:
            question = "Do the exponentials add up to 1?"
    expect_close(bias, shares.log(), given=given, hint=question)


def _loss_question(loss) -> str:
    """The question of a known mistake with the counts 3 and 1."""
    logs = [math.log(0.75), math.log(0.25)]
    known = {
        "Is an example of the frequent class counted as often as it occurs? This is the mean over classes.": -sum(logs)
        / 2,
        "Is it divided by the number of examples? This is the sum over all of them.": -(3 * logs[0] + logs[1]),
        "Is the sign right? A loss is not negative.": 0.75 * logs[0] + 0.25 * logs[1],
        "This is log K: does the loss know that the classes are not equally frequent?": math.log(2),
        "Is it the natural logarithm?": -(0.75 * logs[0] + 0.25 * logs[1]) / math.log(2),
    }
    value = loss.item() if isinstance(loss, torch.Tensor) and loss.ndim == 0 else loss
    if not isinstance(value, int | float):
        return ""
    return next((question for question, found in known.items() if abs(value - found) < 1e-4), "")


@checker("21.2", hint="Is the lowest loss so far remembered with its epoch, and are epochs counted from 1?")
def check_21_2(function, seed):
    """keep_and_stop(losses, patience) -> (epoch kept, epochs trained)."""
    cases = [
        ([3.0, 2.0, 1.0, 1.5, 1.4, 1.3, 0.1], 3, (3, 6), "Do epochs count from 1, and is epoch 7 too late?"),
        ([3.0, 2.0, 1.0], 2, (3, 3), "Does the list end before patience does?"),
        ([3.0, 2.0, 2.5, 1.0, 1.5, 1.2], 2, (4, 6), "Does a new low set the count back to zero?"),
        ([2.0, 1.0, 1.0, 1.0, 0.5], 2, (2, 4), "Is an equal loss no new low, and the first of equals kept?"),
        ([1.0, 2.0, 0.5], 1, (1, 2), "With a patience of 1, does the first epoch without a new low end it?"),
        ([3.0, 1.0, 2.0, 1.5, 1.2, 1.1], 3, (2, 5), "Is a loss held against the lowest, not against the one before?"),
        ([0.7], 5, (1, 1), "Is one epoch kept and trained?"),
    ]
    for losses, patience, wanted, question in cases:
        given, before = f"losses {losses} and patience {patience}", list(losses)
        answer = _pair(function(losses, patience), given, "(kept, trained)")
        if losses != before:
            raise Wrong(f"for {given}: expected the list as it was, got it changed. Is it changed in place?")
        expect_close(answer, wanted, given=given, hint=question)
    generator = np.random.default_rng(seed)
    for _ in range(200):
        losses = generator.integers(0, 12, size=generator.integers(1, 15)).tolist()
        patience = int(generator.integers(1, 5))
        answer = _pair(function(list(losses), patience), f"losses {losses} and patience {patience}", "(kept, trained)")
        expect_close(answer, _slow_stop(losses, patience), given=f"losses {losses} and patience {patience}")
    return "seven histories by hand, 200 random ones against a slow loop"


def _slow_stop(losses: list[float], patience: int) -> tuple[int, int]:
    """The definition, word by word."""
    without = 0
    for epoch in range(1, len(losses) + 1):
        new_low = all(losses[epoch - 1] < earlier for earlier in losses[: epoch - 1])
        without = 0 if new_low else without + 1
        if without == patience or epoch == len(losses):
            seen = losses[:epoch]
            return seen.index(min(seen)) + 1, epoch
    raise AssertionError("a history has at least one epoch")


@checker(
    "21.3", hint="Is each sorted value multiplied by m and divided by its rank, and the minimum taken from the right?"
)
def check_21_3(function, seed):
    """false_discovery(p) -> p-values adjusted as Benjamini and Hochberg did."""
    p = np.array([0.01, 0.04, 0.03, 0.8])
    answer = function(p.copy())
    known = {
        "Is it m divided by the rank, not m − rank + 1? This is Holm's correction.": [0.04, 0.09, 0.09, 0.8],
        "Is the rank taken into account? This is Bonferroni's correction.": [0.04, 0.16, 0.12, 1.0],
        "May a value be larger than one that follows it in the sorted order?": [0.04, 0.16 / 3, 0.06, 0.8],
        "Does the running minimum start at the largest p-value?": [0.04, 0.04, 0.04, 0.04],
    }
    wanted = np.array([0.04, 0.16 / 3, 0.16 / 3, 0.8])
    question = ""
    if isinstance(answer, np.ndarray) and answer.shape == wanted.shape:
        question = next((q for q, found in known.items() if np.allclose(answer, found)), "")
    expect_close(answer, wanted, given="p = (0.01, 0.04, 0.03, 0.8)", hint=question)
    given = np.array([0.8, 0.01, 0.03, 0.04])
    kept = given.copy()
    expect_close(
        function(given), wanted[[3, 0, 2, 1]], given="p = (0.8, 0.01, 0.03, 0.04)", hint="Is the order the input's?"
    )
    if not np.array_equal(given, kept):
        raise Wrong(
            "for p = (0.8, 0.01, 0.03, 0.04): expected the input as it was, got it changed. Is it sorted in place?"
        )
    expect_close(function(np.zeros(0)), np.zeros(0), given="no p-values", hint="Do zero comparisons stay zero?")
    generator = np.random.default_rng(seed)
    for m in (1, 2, 7, 30, 100):
        p = generator.random(m) ** 3
        expect_close(function(p.copy()), stats.false_discovery_control(p), given=f"{m} random p-values")
    tied = generator.integers(1, 5, size=20) / 20
    expect_close(function(tied.copy()), stats.false_discovery_control(tied), given="20 p-values with ties")
    return "four p-values by hand, none, ties, random ones against scipy.stats.false_discovery_control"
