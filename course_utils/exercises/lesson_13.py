"""Checkers of 13_label_quality: the reviewer's effort, a noise matrix, a loss that knows how people err."""

import math

import numpy as np
import torch
from torch.nn import functional as F

from course_utils.exercises import Wrong, checker, describe, expect_close


@checker("13.1", hint="Is it the smallest number of labels, from the top, that hold `share` of the wrong ones?")
def check_13_1(function, seed):
    """reviews_needed(wrong, share) -> number of labels to look at, from the top."""
    wrong = [True, False, True, True, False, False, True, False]  # the four wrong ones at the places 1, 3, 4, 7
    hints = {
        0.25: "The first label is wrong, and one of four is a quarter. Does the count begin at 1?",
        0.5: "Two of the four wrong labels: is it the place of the second, and not half of the list?",
        0.6: "Two of four are less than 60 %, so three are needed. Is the share rounded up?",
        1.0: "All four: is it the place of the last wrong label, and not the length of the list?",
        0.0: "A share of nothing has been seen before anybody looks. Is it 0?",
    }
    for share, expected in ((0.5, 3), (0.25, 1), (0.6, 4), (1.0, 7), (0.0, 0)):
        given = f"wrong labels at the places 1, 3, 4 and 7 of 8, share {share}"
        _expect_number(function(list(wrong), share), expected, given, hints[share])
    _expect_number(function([False] * 3, 0.5), 0, "three right labels", "There is nothing to find. Is it 0?")
    _expect_number(function([], 0.5), 0, "an empty list", "There is nothing to look at. Is it 0?")
    _expect_number(function([False, False, True], 0.5), 3, "[False, False, True]", "Where does the wrong label stand?")
    _check_untouched(function)
    generator = np.random.default_rng(seed)
    for _ in range(20):
        wrong, share = (generator.random(30) < 0.4).tolist(), float(generator.choice([0.125, 0.25, 0.5, 0.75]))
        _expect_number(function(list(wrong), share), _places(wrong, share), f"30 random labels, share {share}", "")
    return "eight labels by hand, nothing wrong, an empty list, 20 random rankings against the places of the wrong ones"


def _expect_number(actual, expected: int, given: str, hint: str) -> None:
    """A whole number; a float that happens to be one is not."""
    if isinstance(actual, np.integer):
        actual = int(actual)
    if isinstance(actual, bool) or not isinstance(actual, int):
        raise Wrong(f"for {given}: expected the whole number {expected}, got {actual!r}. Is it a count of labels?")
    expect_close(actual, expected, given=given, hint=hint)


def _places(wrong: list[bool], share: float) -> int:
    """The answer from the places of the wrong labels, sorted: that of the ⌈share · n⌉-th."""
    places = [place for place, is_wrong in enumerate(wrong, start=1) if is_wrong]
    needed = math.ceil(share * len(places))
    return places[needed - 1] if needed else 0


def _check_untouched(function) -> None:
    wrong = [False, True, True, False]
    function(wrong, 0.5)
    hint = "Is the list left as it was?"
    expect_close(wrong, [False, True, True, False], given="the list after the call", hint=hint)


@checker("13.2", hint="Does row k, column j hold the share of true class k that was labelled j?")
def check_13_2(function, seed):
    """noise_matrix(given, true, num_classes) -> float64 (K, K), rows of sum 1 or NaN."""
    given, true = np.array([0, 1, 1, 1, 2, 2, 2, 2, 0]), np.array([0, 0, 0, 0, 2, 2, 2, 1, 1])
    words = "given [0, 1, 1, 1, 2, 2, 2, 2, 0] and true [0, 0, 0, 0, 2, 2, 2, 1, 1]"
    right = np.array([[0.25, 0.75, 0], [0.5, 0, 0.5], [0, 0, 1]])
    found = function(given.copy(), true.copy(), 3)
    expect_close(found, right, given=words, hint=_matrix_question(found, given, true, right))
    _check_unseen_class(function)
    generator = np.random.default_rng(seed)
    true, given = generator.permutation(np.arange(400) % 5), generator.integers(0, 5, 400)
    kept = given.copy(), true.copy()
    expect_close(function(given, true, 5), _by_loops(given, true, 5), given="400 random labels of five classes")
    expect_close((given, true), kept, given="both arrays after the call", hint="Are the inputs left as they were?")
    return "nine labels by hand, classes that never occur, 400 random labels against a count by loops"


def _matrix_question(found, given: np.ndarray, true: np.ndarray, right: np.ndarray) -> str:
    """The question that leads out of a known mistake."""
    counts = np.zeros((3, 3))
    np.add.at(counts, (true, given), 1)
    unique = np.zeros((3, 3))
    unique[true, given] += 1
    mistakes = {
        "Are the rows the true classes, and the columns the given ones?": right.T,
        "Is each row divided by its own sum?": counts / counts.sum(),
        "Rows of the true class sum to 1. Is each row, and not each column, divided by its sum?": counts
        / counts.sum(axis=0),
        "Are the counts turned into shares?": counts,
        "Does a pair that occurs three times count three times? `counts[true, given] += 1` adds 1 once.": unique
        / unique.sum(axis=1, keepdims=True),
    }
    mistakes["Are the rows the true classes, and each divided by its sum?"] = counts.T / counts.T.sum(1, keepdims=True)
    found = np.asarray(found, dtype=float) if np.shape(found) == (3, 3) else np.full((3, 3), np.nan)
    return next((question for question, wrong in mistakes.items() if np.allclose(found, wrong)), "")


def _check_unseen_class(function) -> None:
    """Classes 1 and 3 of four never occur as the true one; 1 is given once."""
    found = function(np.array([0, 1, 2]), np.array([0, 0, 2]), 4)
    words = "four classes, of which 1 and 3 never occur as the true one"
    if np.shape(found) != (4, 4):
        raise Wrong(f"for {words}: expected shape (4, 4), got {np.shape(found)}. Is every class a row and a column?")
    found = np.asarray(found)
    if not np.isnan(found[[1, 3]]).all():
        question = "Nothing is known about a class that was not seen. Is its row NaN, and not 0?"
        raise Wrong(f"for {words}: expected rows 1 and 3 of NaN, got {describe(found[1])} in row 1. {question}")
    right = np.array([[0.5, 0.5, 0, 0], [0, 0, 1, 0]])
    expect_close(found[[0, 2]], right, given=f"rows 0 and 2 of {words}", hint="Are the other rows as usual?")


def _by_loops(given: np.ndarray, true: np.ndarray, num_classes: int) -> np.ndarray:
    return np.array([[np.mean(given[true == k] == j) for j in range(num_classes)] for k in range(num_classes)])


@checker("13.3", hint="Is it the mean of -log of the probability of the given label, softmax(logits) @ noise?")
def check_13_3(function, seed):
    """forward_loss(logits, given, noise) -> tensor without axes."""
    logits = torch.log(torch.tensor([[0.7, 0.3]]))
    noise, given = torch.tensor([[0.9, 0.1], [0.4, 0.6]]), torch.tensor([1])
    words = "probabilities [0.7, 0.3], noise [[0.9, 0.1], [0.4, 0.6]] and label 1"
    found = function(logits, given, noise)  # 0.7 · 0.1 + 0.3 · 0.6 = 0.25
    expect_close(found, torch.tensor(-math.log(0.25)), given=words, hint=_loss_question(found))
    generator = torch.Generator().manual_seed(seed)
    logits, given = torch.randn(40, 5, generator=generator), torch.randint(5, (40,), generator=generator)
    usual = F.cross_entropy(logits, given)
    hint = "Without noise it is the usual cross-entropy, a mean over the examples. Is it?"
    expect_close(function(logits, given, torch.eye(5)), usual, given="40 random examples, identity as noise", hint=hint)
    noise = torch.rand(5, 5, generator=generator).softmax(dim=1)
    found = function(logits, given, noise)
    expect_close(found, _loss_by_loops(logits, given, noise), given="40 examples, random noise")
    _check_gradient(function, logits, given, noise)
    return "one example by hand, the identity against F.cross_entropy, random noise against loops, the gradient"


def _loss_question(found) -> str:
    """The question that leads out of a known mistake, of the example worked by hand."""
    mistakes = {
        "Row k of the noise belongs to true class k. Is it p @ noise, without a transpose?": -math.log(0.46),
        "Is the noise used?": -math.log(0.3),
        "Is the sign that of -log? A loss is positive here. Is yours?": math.log(0.25),
        "Is the logarithm taken?": -0.25,
        "F.cross_entropy takes logits and applies softmax itself. Is softmax applied once?": math.log1p(math.exp(0.5)),
    }
    value = float(found) if isinstance(found, torch.Tensor) and found.numel() == 1 else math.nan
    return next((question for question, loss in mistakes.items() if math.isclose(value, loss, rel_tol=1e-4)), "")


def _loss_by_loops(logits: torch.Tensor, given: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
    """The formula, example by example and class by class."""
    total = 0.0
    for row, label in zip(logits.double().tolist(), given.tolist(), strict=True):
        weights = [math.exp(value) for value in row]
        total -= math.log(sum(w / sum(weights) * float(noise[k, label]) for k, w in enumerate(weights)))
    return torch.tensor(total / len(given))


def _check_gradient(function, logits: torch.Tensor, given: torch.Tensor, noise: torch.Tensor) -> None:
    """A gradient that reaches the logits, equal to finite differences in two places."""
    leaf = logits.double().requires_grad_(True)
    loss = function(leaf, given, noise.double())
    if not (isinstance(loss, torch.Tensor) and loss.requires_grad):
        question = "Is it computed with tensors from the logits on, without .item() or detach()?"
        raise Wrong(f"for logits that require a gradient: expected a loss that has one, got {loss!r}. {question}")
    (gradient,) = torch.autograd.grad(loss, leaf)
    for place in ((0, 1), (7, 4)):
        step = torch.zeros_like(leaf)
        step[place] = 1e-4
        both = [_loss_by_loops(leaf.detach() + sign * step, given, noise.double()).double() for sign in (1, -1)]
        expected = float(both[0] - both[1]) / 2e-4
        hint = "Does the gradient flow through softmax, noise and logarithm?"
        expect_close(float(gradient[place]), expected, given=f"the gradient at {place}", hint=hint, tolerance=2e-3)
