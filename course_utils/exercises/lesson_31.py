"""Checkers of 31_two_stage: offsets undone, hard negatives, what each query should have said."""

import itertools

import torch
from torchvision.models.detection import _utils as parts

from course_utils import synthetic
from course_utils.exercises import checker, expect_close

UNCHANGED = "Are the inputs left as they were?"


def _boxes(seed: int, count: int) -> torch.Tensor:
    return synthetic.make_boxes(count, size_hw=(100, 160), seed=seed)


@checker("31.1", hint="Does encoding your boxes give the offsets back?")
def check_31_1(function, seed):
    """decode(offsets, defaults, scale) -> (N, 4) xyxy."""
    default = torch.tensor([[10.0, 20.0, 30.0, 60.0]])
    given = "offsets of 0 and the default box (10, 20, 30, 60)"
    hint = "No offset leaves the box as it is: are corners returned, half a side from the centre?"
    expect_close(function(torch.zeros(1, 4), default, (10.0, 10.0, 5.0, 5.0)), default, given=given, hint=hint)
    hint = "Moved by a tenth of its width, 2 pixels: is t divided by its factor and multiplied with the default's side?"
    moved = torch.tensor([[12.0, 20.0, 32.0, 60.0]])
    offsets = torch.tensor([[1.0, 0, 0, 0]])
    expect_close(function(offsets, default, (10.0, 10.0, 5.0, 5.0)), moved, given="t = (1, 0, 0, 0)", hint=hint)
    expect_close(function(torch.zeros(0, 4), default[:0], (1.0, 1.0, 1.0, 1.0)), default[:0], given="no boxes at all")
    for number, scale in enumerate(((10.0, 10.0, 5.0, 5.0), (1.0, 1.0, 1.0, 1.0), (2.0, 4.0, 8.0, 16.0))):
        found, defaults = _boxes(seed + number, 40), _boxes(seed + number + 100, 40)
        offsets = parts.BoxCoder(scale).encode_single(found, defaults)
        kept = offsets.clone(), defaults.clone()
        hint = "Are x and y measured in the default's width and height, and is each number divided by its own factor?"
        given = f"40 random boxes, scale {scale}"
        expect_close(function(offsets, defaults, scale), found, given=given, hint=hint, tolerance=1e-3)
        expect_close(torch.cat([offsets, defaults]), torch.cat(kept), given="the inputs after the call", hint=UNCHANGED)
    return "no offsets, one by hand, no boxes, three random sets encoded by torchvision"


@checker("31.2", hint="In each picture: rank the boxes that do not answer by their loss, and take the first of them?")
def check_31_2(function, seed):
    """hard_negatives(box_losses, answers, ratio) -> bool (B, N)."""
    losses = torch.tensor([[0.9, 0.1, 0.5, 0.7, 0.3, 0.2]])
    answers = torch.tensor([[True, False, False, False, False, False]])
    hint = "One box answers; of the other five the three with losses 0.7, 0.5 and 0.3?"
    wanted = torch.tensor([[False, False, True, True, True, False]])
    given = "losses 0.9, 0.1, 0.5, 0.7, 0.3, 0.2, the first box answers, ratio 3"
    expect_close(function(losses, answers, 3), wanted, given=given, hint=hint)
    hint = "No box answers, so none of the empty ones counts."
    expect_close(function(losses, answers & False, 3), wanted & False, given="a picture without objects", hint=hint)
    many = torch.tensor([[True, True, True, False, False, True]])
    hint = "Four answer and two are left: all two, and never a box that answers."
    expect_close(function(losses, many, 3), ~many, given="four boxes that answer, two that do not", hint=hint)
    generator = torch.Generator().manual_seed(seed)
    for ratio in (1, 2, 3):
        losses = torch.rand(4, 50, generator=generator)
        answers = torch.rand(4, 50, generator=generator) < torch.tensor([[0.0], [0.04], [0.1], [0.6]])
        kept = losses.clone()
        hint = "Is every picture ranked by itself, with its own number of boxes that answer?"
        wanted = _hardest(losses, answers, ratio)
        expect_close(function(losses, answers, ratio), wanted, given=f"4 × 50 random losses, ratio {ratio}", hint=hint)
        expect_close(losses, kept, given="the losses after the call", hint=UNCHANGED)
    return "one picture by hand, one without objects, one with few empty boxes, three random sets against a loop"


def _hardest(losses: torch.Tensor, answers: torch.Tensor, ratio: int) -> torch.Tensor:
    taken = torch.zeros_like(answers)
    for row in range(len(losses)):
        empty = [column for column in range(losses.shape[1]) if not answers[row, column]]
        empty.sort(key=lambda column: -losses[row, column].item())
        taken[row, empty[: ratio * int(answers[row].sum())]] = True
    return taken


@checker("31.3", hint="Costs (N, M), pairs of least total cost, and the class K for queries without a pair?")
def check_31_3(function, seed):
    """query_targets(probabilities, distances, labels, weight) -> int64 (N,)."""
    probabilities = torch.tensor([[0.1, 0.8, 0.1], [0.1, 0.7, 0.2], [0.3, 0.3, 0.4]])
    distances = torch.tensor([[0.3], [0.1], [0.9]])
    given = "three queries, one object of class 1, weight 5"
    hint = "The second query is a little less sure and much nearer: it is the object, the others say nothing (2)."
    wanted = torch.tensor([2, 1, 2])
    expect_close(function(probabilities, distances, torch.tensor([1]), 5.0), wanted, given=given, hint=hint)
    given, hint = given[:-1] + "0", "With weight 0 the surest query wins: is distance weighted, probability taken off?"
    expect_close(
        function(probabilities, distances, torch.tensor([1]), 0.0), torch.tensor([1, 2, 2]), given=given, hint=hint
    )
    none = torch.zeros(0, dtype=torch.int64)
    expect_close(function(probabilities, distances[:, :0], none, 5.0), torch.full((3,), 2), given="no object at all")
    two = torch.tensor([[0.1, 0.2], [0.2, 0.9], [0.95, 0.9]])
    hint = "The nearest pair is 0.1 apart, but then the other object gets a bad query: the total counts."
    wanted = torch.tensor([1, 0, 2])
    flat = torch.full((3, 3), 1 / 3)
    expect_close(function(flat, two, torch.tensor([0, 1]), 1.0), wanted, given="two objects, equal odds", hint=hint)
    generator = torch.Generator().manual_seed(seed)
    for weight in (0.5, 2.0, 5.0):
        probabilities = torch.randn(6, 5, generator=generator).softmax(dim=1)
        distances, labels = torch.rand(6, 3, generator=generator), torch.randint(4, (3,), generator=generator)
        kept = probabilities.clone()
        wanted = _by_all_ways(probabilities, distances, labels, weight)
        given = f"6 random queries, objects of classes {labels.tolist()}, weight {weight}"
        expect_close(function(probabilities, distances, labels, weight), wanted, given=given)
        expect_close(probabilities, kept, given="the probabilities after the call", hint=UNCHANGED)
    return "one object by hand, none, two that compete, three random sets against all ways of pairing"


def _by_all_ways(probabilities, distances, labels, weight) -> torch.Tensor:
    costs = (weight * distances - probabilities[:, labels]).tolist()
    ways = itertools.permutations(range(len(costs)), len(labels))
    best = min(ways, key=lambda way: sum(costs[row][column] for column, row in enumerate(way)))
    targets = torch.full((len(costs),), probabilities.shape[1] - 1)
    for column, row in enumerate(best):
        targets[row] = labels[column]
    return targets
