"""Checkers of 30_yolo: places counted, a box encoded, suppression by class, suppression that lowers scores."""

import math

import torch
from torchvision import ops

from course_utils import boxes
from course_utils.exercises import checker, expect_close

UNCHANGED = "Are the inputs left as they were?"


def _boxes(seed: int, count: int, side: float = 60.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    corners = torch.rand(count, 2, generator=generator) * side
    return torch.cat([corners, corners + 4 + torch.rand(count, 2, generator=generator) * 24], dim=1)


def _scores(seed: int, count: int) -> torch.Tensor:
    return torch.rand(count, generator=torch.Generator().manual_seed(seed + 1000))


@checker("30.1", hint="Is it the sum over strides of rows times columns, times the anchors of a cell?")
def check_30_1(function, seed):
    """count_places(height, width, strides, anchors_each) -> whole number."""
    hint = "One stride, one anchor: is it rows times columns?"
    expect_close(function(64, 96, (32,), 1), 6, given="64 × 96 pixels, stride 32, one anchor", hint=hint)
    hint = "Are the anchors counted in every cell?"
    expect_close(function(64, 96, (32,), 3), 18, given="64 × 96 pixels, stride 32, three anchors", hint=hint)
    expect_close(function(640, 640, (8, 16, 32), 3), 25200, given="640 × 640 pixels, strides 8, 16, 32, three anchors")
    generator = torch.Generator().manual_seed(seed)
    for _ in range(3):
        rows, columns, each = torch.randint(1, 9, (3,), generator=generator).tolist()
        size = (64 * rows, 64 * columns)
        wanted = len(boxes.make_grid(size, torch.ones(2, each, 2), (16, 64)).cells)
        expect_close(function(*size, (16, 64), each), wanted, given=f"{size}, strides 16 and 64, {each} anchors")
    return "one stride, three strides, three random sizes against boxes.make_grid"


@checker("30.2", hint="Does decoding your four numbers give the box back?")
def check_30_2(function, seed):
    """encode(box, cell, stride, anchor) -> (4,)."""
    box, cell, anchor = torch.tensor([11.0, 6.0, 21.0, 26.0]), torch.zeros(2), torch.tensor([10.0, 20.0])
    hint = "The centre of its cell and the anchor's size: every σ(t) is ½, so every t is 0?"
    given = "the box (11, 6, 21, 26), cell (0, 0), stride 32, anchor (10, 20)"
    expect_close(function(box, cell, 32, anchor), torch.zeros(4), given=given, hint=hint)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(5):
        stride = int(torch.tensor([8, 16, 32])[torch.randint(3, (1,), generator=generator)])
        cell = torch.randint(0, 6, (2,), generator=generator).float()
        anchor = 8 + 40 * torch.rand(2, generator=generator)
        wanted = 4 * torch.rand(4, generator=generator) - 2
        grid = boxes.Grid(cell[None], torch.tensor([float(stride)]), anchor[None], torch.zeros(1, 3))
        box = boxes.decode(torch.cat([wanted, torch.zeros(2)])[None], grid)[0][0]
        kept = box.clone()
        given = f"a box that {[round(value, 2) for value in wanted.tolist()]} decodes to, stride {stride}"
        hint = "Is the cell taken off in cells, not in pixels, and is the root taken before the division by 2?"
        expect_close(function(box, cell, stride, anchor), wanted, given=given, hint=hint, tolerance=1e-3)
        expect_close(box, kept, given="the box after the call", hint=UNCHANGED)
    return "a box of t = 0, five random ones against boxes.decode"


@checker("30.3", hint="Are boxes of different classes far apart when nms sees them?")
def check_30_3(function, seed):
    """nms_by_class(candidates, scores, labels, threshold) -> int64 positions."""
    one = torch.tensor([[0.0, 0, 10, 10], [1.0, 0, 11, 10], [0.0, 1, 10, 11]])
    scores, labels = torch.tensor([0.5, 0.7, 0.9]), torch.tensor([0, 0, 1])
    hint = "The first falls to the second, the third is of another class. Are positions returned, by falling score?"
    given = "three boxes on one spot, two of class 0 and one of class 1"
    expect_close(function(one, scores, labels, 0.5), torch.tensor([2, 1]), given=given, hint=hint)
    none = torch.zeros(0, 4), torch.zeros(0), torch.zeros(0, dtype=torch.int64)
    expect_close(function(*none, 0.5), torch.zeros(0, dtype=torch.int64), given="no boxes at all")
    hint = "Is the step between classes above the whole region, negatives too, and not so large that digits are lost?"
    for number, (count, side, threshold) in enumerate(((60, 60.0, 0.3), (80, 40.0, 0.6), (60, 1000.0, 0.5))):
        candidates, scores = _boxes(seed + number, count, side) - side / 2, _scores(seed + number, count)
        candidates[: count // 2] = candidates[count // 2 : 2 * (count // 2)] + 0.5  # neighbours that are nearly equal
        labels = torch.randint(4, (count,), generator=torch.Generator().manual_seed(seed + number))
        kept = candidates.clone()
        wanted = _class_by_class(candidates, scores, labels, threshold)
        given = f"{count} random boxes of 4 classes, coordinates about 0, threshold {threshold}"
        expect_close(function(candidates, scores, labels, threshold), wanted, given=given, hint=hint)
        expect_close(candidates, kept, given="the boxes after the call", hint=UNCHANGED)
    far = torch.tensor([[490.0, 0, 500, 10], [-11.0, -501, -1, -491]])  # 501 = largest coordinate + 1 apart
    answer = function(far, torch.tensor([0.9, 0.8]), torch.tensor([0, 1]), 0.5)
    hint = "One has negative coordinates. Is the step between classes the whole region from least to largest, and more?"
    expect_close(answer, torch.arange(2), given="two boxes 501 pixels apart along both axes, of two classes", hint=hint)
    return "three boxes by hand, none, three random sets against a loop over classes, boxes far apart"


def _class_by_class(candidates: torch.Tensor, scores: torch.Tensor, labels: torch.Tensor, threshold: float):
    """torchvision's own `batched_nms` moves boxes by their largest coordinate, too little where some are negative."""
    kept = []
    for label in labels.unique():
        rows = (labels == label).nonzero().flatten()
        kept.append(rows[ops.nms(candidates[rows], scores[rows], threshold)])
    kept = torch.cat(kept)
    return kept[scores[kept].argsort(descending=True)]


@checker("30.4", hint="In each round: the best of those left by its present score, then all others that are left?")
def check_30_4(function, seed):
    """soft_nms(candidates, scores, sigma) -> (N,)."""
    two = torch.tensor([[0.0, 0, 10, 10], [5.0, 0, 15, 10]])
    wanted = torch.tensor([0.9, 0.8 * math.exp(-1 / 9 / 0.4)])
    hint = "Their IoU is 1/3, so the lower score becomes 0.8 · exp(−(1/3)² / 0.4)?"
    expect_close(function(two, torch.tensor([0.9, 0.8]), 0.4), wanted, given="two boxes, IoU 1/3, sigma 0.4", hint=hint)
    hint = "Are the new scores in the order of the input?"
    turned = function(two.flip(0), torch.tensor([0.8, 0.9]), 0.4)
    expect_close(turned, wanted.flip(0), given="the same two boxes, the better one last", hint=hint)
    expect_close(function(torch.zeros(0, 4), torch.zeros(0), 0.5), torch.zeros(0), given="no boxes at all")
    for number, sigma in enumerate((0.1, 0.5, 2.0)):
        candidates, scores = _boxes(seed + number, 25), _scores(seed + number, 25)
        kept = scores.clone()
        given = f"25 random boxes, sigma {sigma}"
        hint = "Is the order decided anew in each round, by scores that have been lowered, and is every box taken once?"
        expect_close(function(candidates, scores, sigma), _softly(candidates, kept, sigma), given=given, hint=hint)
        expect_close(scores, kept, given="the scores after the call", hint=UNCHANGED)
    return "two boxes by hand in both orders, none, three random sets against a loop over boxes"


def _softly(candidates: torch.Tensor, scores: torch.Tensor, sigma: float) -> torch.Tensor:
    """Soft NMS by a loop over pairs."""
    scores, left = scores.tolist(), set(range(len(scores)))
    while left:
        best = max(left, key=lambda i: scores[i])
        left.remove(best)
        for i in left:
            overlap = ops.box_iou(candidates[[best]], candidates[[i]]).item()
            scores[i] *= math.exp(-(overlap**2) / sigma)
    return torch.tensor(scores)
