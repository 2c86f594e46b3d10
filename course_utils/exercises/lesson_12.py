"""Checkers of 12_measure: balanced accuracy, generalised IoU, a conformal quantile.

scikit-learn and torchvision, which two of the checkers compare with, are imported where they are needed.
"""

import math

import numpy as np
import torch

from course_utils.exercises import Wrong, checker, describe, expect_close, question_for


@checker("12.1", hint="Is the recall of each class taken first, and then their plain mean?")
def check_12_1(function, seed):
    """balanced_accuracy(predicted, target) -> mean of the recalls of the classes that occur in target."""
    given = "predicted [0, 0, 0, 0, 1, 0] and target [0, 0, 0, 0, 1, 1]"
    answer = function(np.array([0, 0, 0, 0, 1, 0]), np.array([0, 0, 0, 0, 1, 1]))
    mistakes = {
        "That is the accuracy, in which the larger class counts more. Does each class weigh the same?": 5 / 6,
        "Is it divided by how often a class is true, not by how often it is predicted?": 0.9,
        "That is the mean F1 score. Is it recall that is asked for?": 7 / 9,
        "Is the result a share between 0 and 1?": 75.0,
    }
    expect_close(answer, 0.75, given=given, hint=question_for(answer, mistakes))
    answer = function(np.array([3, 9, 7]), np.array([3, 3, 7]))
    mistakes = {
        "Class 9 is never true and has no recall. Is it left out?": 0.5,
        "Do the classes have to be numbered from 0?": (0.15, 0.1875, 0.0),
    }
    given = "predicted [3, 9, 7] and target [3, 3, 7]"
    expect_close(answer, 0.75, given=given, hint=question_for(answer, mistakes))
    expect_close(function(np.array([1]), np.array([1])), 1.0, given="a single example, which is right")
    from sklearn.metrics import balanced_accuracy_score

    target = np.random.default_rng(seed).choice([0, 1, 2, 5], 300, p=[0.7, 0.2, 0.07, 0.03])
    predicted = np.where(np.random.default_rng(seed + 1).random(300) < 0.5, target, np.roll(target, 1))
    kept = predicted.copy(), target.copy()
    expected = float(balanced_accuracy_score(target, predicted))
    expect_close(function(predicted, target), expected, given="300 random examples of four classes")
    expect_close((predicted, target), kept, given="the arrays after the call", hint=UNCHANGED)
    return "six examples by hand, a class that is never true, 300 random examples against scikit-learn"


UNCHANGED = "Are the inputs left as they were?"


@checker("12.2", hint="Is the part that neither box covers measured against the enclosing box?")
def check_12_2(function, seed):
    """generalised_iou(a, b) of two boxes (x1, y1, x2, y2)."""
    hint = "Equal boxes fill the box that encloses them. Is nothing taken off, then?"
    expect_close(function((1, 2, 4, 6), (1, 2, 4, 6)), 1.0, given="a box and itself", hint=hint)
    answer = function((0, 0, 2, 2), (4, 0, 6, 2))
    mistakes = {
        "Is the empty part divided by the enclosing box, not by the union?": -0.5,
        "The boxes are apart. Is anything taken off the IoU?": 0.0,
        "Does the sign say that boxes far apart are worse?": 1 / 3,
        "The empty part has 4 pixels. Is its share of the enclosing box taken off?": -4.0,
        "Is the union taken off the enclosing box before the division?": (-1.0, -2 / 3),
    }
    given = "boxes (0, 0, 2, 2) and (4, 0, 6, 2)"
    expect_close(answer, -1 / 3, given=given, hint=question_for(answer, mistakes))
    given = "boxes (0, 0, 10, 10) and (5, 5, 15, 15)"
    answer = function((0, 0, 10, 10), (5, 5, 15, 15))
    mistakes = {
        "Does the enclosing box take the smaller left edge and the larger right edge?": (
            1 / 7,
            1 / 7 - (25 - 175) / 25,
        ),
        "Is the shared part counted once in the union?": 1 / 7 - 25 / 225,
    }
    expect_close(answer, 1 / 7 - 50 / 225, given=given, hint=question_for(answer, mistakes))
    expect_close(function((0, 0, 4, 4), (1, 1, 2, 3)), 2 / 16, given="a box inside of another")
    _check_against_torchvision(function, seed)
    return "equal, separate, crossing and nested boxes, 200 random pairs against torchvision.ops.generalized_box_iou"


def _check_against_torchvision(function, seed: int) -> None:
    from torchvision.ops import generalized_box_iou

    corners = torch.rand(400, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 40
    sides = 1 + torch.rand(400, 2, generator=torch.Generator().manual_seed(seed + 1), dtype=torch.float64) * 20
    boxes = torch.cat([corners, corners + sides], dim=1)
    expected = generalized_box_iou(boxes[:200], boxes[200:]).diagonal().tolist()
    for a, b, value in zip(boxes[:200].tolist(), boxes[200:].tolist(), expected, strict=True):
        given = f"boxes {tuple(round(x, 1) for x in a)} and {tuple(round(x, 1) for x in b)}"
        expect_close(function(tuple(a), tuple(b)), value, given=given)


@checker("12.3", hint="Of n sorted scores, is it number ⌈(n + 1)(1 − miss_rate)⌉, counted from 1?")
def check_12_3(function, seed):
    """conformal_quantile(scores, miss_rate) -> the ⌈(n + 1)(1 − miss_rate)⌉-th smallest score, or ∞."""
    scores = np.array([0.8, 0.1, 0.6, 0.7, 0.3, 0.4, 0.5, 0.2])
    answer = function(scores.copy(), 0.25)  # 9 · 0.75 = 6.75: the 7th
    mistakes = {
        "Is that number 6? The new example counts too: n + 1. And is the product rounded up?": 0.6,
        "Is the rank counted from 1, while Python counts from 0?": 0.8,
        "Is it a score that occurs, without interpolation?": (0.625, 0.65, 0.7125, 0.675),
        "`miss_rate` is the share of misses. Is the rank that of the share that is covered?": (0.3, 0.2, 0.4, 0.275),
        "Are the scores sorted first?": 0.5,
    }
    given = "scores 0.1, 0.2, …, 0.8 in some order, miss_rate 0.25"
    expect_close(answer, 0.7, given=given, hint=question_for(answer, mistakes))
    hint = "4 · 0.875 = 3.5: the 4th of 3 scores does not exist. Is the threshold then ∞, so that every class belongs?"
    answer = function(np.array([0.2, 0.1, 0.3]), 0.125)
    if not isinstance(answer, float) or answer != math.inf:  # expect_close takes any number for close to infinity
        raise Wrong(f"for three scores and miss_rate 0.125: expected the number inf, got {describe(answer)}. {hint}")
    hint = "3 · 0.5 = 1.5: the 2nd of 2. Is the largest score allowed?"
    expect_close(function(np.array([0.2, 0.1]), 0.5), 0.2, given="scores [0.2, 0.1], miss_rate 0.5", hint=hint)
    generator = np.random.default_rng(seed)
    for n in (12, 47, 203):
        scores = generator.random(n)
        kept = scores.copy()
        expected = sorted(scores.tolist())[math.ceil((n + 1) * 0.9) - 1]
        expect_close(function(scores, 0.1), expected, given=f"{n} random scores, miss_rate 0.1", tolerance=1e-9)
        expect_close(
            scores, kept, given="the scores after the call", hint="Is a sorted copy made, not sorted in place?"
        )
    return "eight scores by hand, too few, just enough, three random sets against a sorted list"
