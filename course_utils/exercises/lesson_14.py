"""Checkers of 14_augment: a quarter turn of boxes, objects in a crop, the label of a pasted patch, any turn."""

import math

import torch
from torchvision import tv_tensors
from torchvision.transforms import v2

from course_utils.exercises import Wrong, checker, describe, expect_close


def _boxes(n: int, size_hw: tuple[int, int], seed: int) -> torch.Tensor:
    """n random boxes (N, 4) inside an image, not square and not in its middle."""
    generator = torch.Generator().manual_seed(seed)
    limit = torch.tensor([size_hw[1], size_hw[0]])
    corners = torch.rand(n, 2, 2, generator=generator).sort(dim=1).values * limit
    return corners.flatten(1)  # (N, 2, 2) -> (N, 4)


def _wrapped(boxes: torch.Tensor, size_hw: tuple[int, int]) -> tv_tensors.BoundingBoxes:
    return tv_tensors.BoundingBoxes(boxes.clone(), format="XYXY", canvas_size=size_hw)


def _unchanged(given: torch.Tensor, before: torch.Tensor, what: str) -> None:
    if not torch.equal(given, before):
        raise Wrong(f"for {what}: expected the input as it was, got it changed. Is it changed in place?")


def _question(answer, mistakes: dict[str, torch.Tensor]) -> str:
    """The question of the known mistake that leads to this very answer; empty where none does."""
    if answer is None:
        return "Is there a `return`?"
    for question, found in mistakes.items():
        if isinstance(answer, torch.Tensor) and answer.shape == found.shape and torch.allclose(answer.double(), found):
            return question
    return ""


@checker("14.1", hint="Which point of the old box becomes the upper left corner of the new one?")
def check_14_1(function, seed):
    """quarter_turn_boxes(boxes, width) -> boxes after a quarter turn anticlockwise."""
    boxes = torch.tensor([[1.0, 2.0, 4.0, 8.0]])
    answer = function(boxes.clone(), 10)
    mistakes = {
        "Is it turned anticlockwise? The right edge of the image becomes its upper edge.": [[2.0, 1.0, 8.0, 4.0]],
        "Does x2 come with the smaller new y? The upper left corner has the smaller coordinates.": [[2, 9, 8, 6]],
        "Boxes lie between pixel edges: does x = width go to 0, and not to -1?": [[2.0, 5.0, 8.0, 8.0]],
        "Are x and y exchanged?": [[6.0, 2.0, 9.0, 8.0]],
    }
    known = {question: torch.tensor(values, dtype=torch.float64) for question, values in mistakes.items()}
    given = "the box (1, 2, 4, 8) in an image 10 wide"
    expect_close(answer, torch.tensor([[2.0, 6.0, 8.0, 9.0]]), given=given, hint=_question(answer, known))
    expect_close(function(torch.zeros(0, 4), 10), torch.zeros(0, 4), given="no boxes", hint="Do zero boxes stay zero?")
    size_hw = (60, 90)
    boxes = _boxes(50, size_hw, seed)
    kept = boxes.clone()
    turned = function(boxes, size_hw[1])
    _unchanged(boxes, kept, "50 random boxes")
    expected = v2.functional.rotate(_wrapped(boxes, size_hw), 90, expand=True).as_subclass(torch.Tensor)
    expect_close(turned, expected, given="50 random boxes in an image of 60 × 90", tolerance=1e-4)
    for _ in range(3):
        size_hw = size_hw[::-1]
        turned = function(turned, size_hw[1])
    expect_close(turned, boxes, given="four quarter turns of 50 boxes, width 90, 60, 90 and 60", tolerance=1e-4)
    return "a box by hand, none, 50 random boxes against torchvision's rotate, four quarter turns"


@checker("14.2", hint="Is every box shifted, cut at the crop's border, and judged by what is left of both its sides?")
def check_14_2(function, seed):
    """crop_objects(boxes, labels, crop, smallest) -> boxes and labels of what is left."""
    boxes = torch.tensor(
        [[12.0, 12.0, 18.0, 20.0], [0.0, 0.0, 11.0, 30.0], [25.0, 5.0, 60.0, 16.0], [40.0, 40.0, 50.0, 50.0]]
    )
    labels, crop, given = torch.tensor([7, 8, 9, 7]), (10, 10, 30, 40), "four boxes, crop (10, 10, 30, 40), smallest 2"
    kept = boxes.clone(), labels.clone()
    answer = function(boxes, labels, crop, 2)
    _unchanged(boxes, kept[0], given)
    _unchanged(labels, kept[1], given)
    left, named = _pair(answer, given)
    inside = [[2.0, 2.0, 8.0, 10.0], [15.0, 0.0, 20.0, 6.0]]
    _check_rows(left, named, 2, given)
    mistakes = {
        "Are boxes measured from the upper left corner of the crop?": [[12, 12, 18, 20], [25, 10, 30, 16]],
        "Is what reaches beyond the crop cut off?": [[2.0, 2.0, 8.0, 10.0], [15.0, -5.0, 50.0, 6.0]],
        "Is the crop's width x2 - x1?": [[2.0, 2.0, 8.0, 10.0], [15.0, 0.0, 30.0, 6.0]],
    }
    known = {question: torch.tensor(values, dtype=torch.float64) for question, values in mistakes.items()}
    expect_close(left, torch.tensor(inside), given=given, hint=_question(left, known))
    expect_close(named, torch.tensor([7, 9]), given=given + ", labels 7, 8, 9, 7", hint="Do labels go with their box?")
    none = _pair(function(torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64), crop, 2), "no boxes")
    expect_close(none[0], torch.zeros(0, 4), given="no boxes", hint="Do zero boxes stay zero?")
    _check_thin(function)
    _check_random_crops(function, seed)
    return "inside, cut, gone and thin boxes by hand, none, 40 random boxes against torchvision's crop"


def _pair(answer, given: str) -> tuple[torch.Tensor, torch.Tensor]:
    if not isinstance(answer, tuple) or len(answer) != 2:
        raise Wrong(f"for {given}: expected the pair (boxes, labels), got {describe(answer)}. Is it a tuple of two?")
    return answer


def _check_rows(left, named, rows: int, given: str) -> None:
    lengths = [len(part) if isinstance(part, torch.Tensor) and part.ndim else describe(part) for part in (left, named)]
    if lengths[0] != lengths[1]:
        question = "Does one mask pick the rows of both?"
        raise Wrong(f"for {given}: expected as many labels as boxes, got {lengths[0]} and {lengths[1]}. {question}")
    if lengths[0] != rows:
        question = "Is an object dropped if width or height is too small, and only then?"
        raise Wrong(f"for {given}: expected {rows} objects to be left, got {lengths[0]}. {question}")


def _check_thin(function) -> None:
    """Boxes of which exactly 2 pixels, or less in one direction alone, are left."""
    boxes = torch.tensor([[0.0, 0.0, 2.0, 9.0], [0.0, 0.0, 1.9, 9.0], [0.0, 0.0, 9.0, 1.0]])
    given = "boxes 2, 1.9 and 9 wide and 9, 9 and 1 high, smallest 2"
    left, named = _pair(function(boxes, torch.tensor([0, 1, 2]), (0, 0, 10, 10), 2), given)
    question = "Is exactly `smallest` enough, of the width and of the height?"
    expect_close(named, torch.tensor([0]), given=given, hint=question)
    expect_close(left, boxes[:1], given=given, hint=question)


def _check_random_crops(function, seed: int) -> None:
    size_hw, (x1, y1, x2, y2), smallest = (80, 100), (17, 9, 71, 52), 3
    boxes, labels = _boxes(40, size_hw, seed), torch.arange(40)
    cut = v2.functional.crop(_wrapped(boxes, size_hw), y1, x1, y2 - y1, x2 - x1).as_subclass(torch.Tensor)
    seen = ((cut[:, 2:] - cut[:, :2]) >= smallest).all(dim=1)
    given = "40 random boxes, crop (17, 9, 71, 52), smallest 3"
    left, named = _pair(function(boxes, labels, (x1, y1, x2, y2), smallest), given)
    expect_close(named, labels[seen], given=f"the labels of {given}")
    expect_close(left, cut[seen], given=given, tolerance=1e-4)


@checker("14.3", hint="Is the rectangle cut at the border before its area is compared with that of the image?")
def check_14_3(function, seed):
    """cutmix_shares(shares, partner, box, size_hw) -> labels after pasting."""
    shares, partner = torch.eye(3), torch.tensor([2, 0, 1])
    before = shares.clone()
    for box, size_hw, pasted, given in (
        ((0, 0, 5, 4), (10, 8), 0.25, "the box (0, 0, 5, 4), 10 high and 8 wide"),
        ((6, -3, 12, 5), (10, 8), 0.125, "the box (6, -3, 12, 5), 10 high and 8 wide"),
        ((-4, 8, 4, 14), (10, 8), 0.1, "the box (-4, 8, 4, 14), 10 high and 8 wide"),
        ((3, 3, 3, 9), (10, 8), 0.0, "the empty box (3, 3, 3, 9)"),
        ((9, 2, 14, 6), (10, 8), 0.0, "the box (9, 2, 14, 6), which lies outside of an image 8 wide"),
        ((-1, -1, 9, 11), (10, 8), 1.0, "a box that covers all of the image"),
    ):
        answer = function(shares, partner, box, size_hw)
        _unchanged(shares, before, given)
        raw = (box[2] - box[0]) * (box[3] - box[1]) / (size_hw[0] * size_hw[1])
        mistakes = {
            "Is the share of the partner the area that is pasted, and not the rest?": (pasted, 1 - pasted, partner),
            "Is the rectangle cut at the border of the image first?": (1 - raw, raw, partner),
            "Is the partner of each image the one that `partner` names?": (1 - pasted, pasted, torch.tensor([1, 2, 0])),
        }
        known = {
            question: (own * shares + other * shares[rows]).double()
            for question, (own, other, rows) in mistakes.items()
        }
        expected = (1 - pasted) * shares + pasted * shares[partner]
        expect_close(answer, expected, given=given, hint=_question(answer, known))
    _check_random_mix(function, seed)
    return "boxes inside, over the border, outside, empty and all of it; a random batch of soft labels counted by pixel"


def _check_random_mix(function, seed: int) -> None:
    """Soft labels of five images, the area counted by painting."""
    generator = torch.Generator().manual_seed(seed)
    shares = torch.rand(5, 4, generator=generator).softmax(dim=1)
    partner = torch.randperm(5, generator=generator)
    x1, y1, wide, high = torch.randint(-6, 12, (4,), generator=generator).tolist()
    box = (x1, y1, x1 + wide + 8, y1 + high + 8)
    painted = sum(box[0] <= x < box[2] and box[1] <= y < box[3] for x in range(15) for y in range(9)) / 135
    expected = (1 - painted) * shares + painted * shares[partner]
    expect_close(
        function(shares, partner, box, (9, 15)), expected, given=f"soft labels, the box {box}, 9 high, 15 wide"
    )


@checker("14.4", hint="Are all four corners turned about the centre of the image, and then enclosed?")
def check_14_4(function, seed):
    """turn_boxes(boxes, degrees, size_hw) -> upright boxes that enclose the turned ones."""
    boxes, given = torch.tensor([[10.0, 20.0, 30.0, 50.0]]), "the box (10, 20, 30, 50), 100 high and 100 wide"
    for degrees, expected in ((0, [[10, 20, 30, 50]]), (90, [[20, 70, 50, 90]]), (180, [[70, 50, 90, 80]])):
        answer = function(boxes.clone(), degrees, (100, 100))
        mistakes = {"Is it turned anticlockwise, with y pointing down?": [[50.0, 10.0, 80.0, 30.0]]}
        known = {question: torch.tensor(values, dtype=torch.float64) for question, values in mistakes.items()}
        wanted = torch.tensor(expected, dtype=torch.float32)
        hint = _question(answer, known)
        expect_close(answer, wanted, given=f"{given}, turned by {degrees}°", hint=hint, tolerance=1e-4)
    empty = function(torch.zeros(0, 4), 30, (100, 100))
    expect_close(empty, torch.zeros(0, 4), given="no boxes", hint="Do zero boxes stay zero?")
    middle = function(torch.tensor([[40.0, 40.0, 60.0, 60.0]]), 45, (100, 100))
    half = 10 * math.sqrt(2)
    enclosing = torch.tensor([[50 - half, 50 - half, 50 + half, 50 + half]])
    hint = "Are all four corners turned? Two of them do not enclose the box."
    expect_close(middle, enclosing, given="a square in the middle, turned by 45°", hint=hint, tolerance=1e-4)
    _check_random_turns(function, seed)
    return "turns of 0°, 90°, 180° and 45° by hand, none, 30 random boxes by five angles against torchvision's rotate"


def _check_random_turns(function, seed: int) -> None:
    size_hw = (60, 90)
    boxes = _boxes(30, size_hw, seed)
    kept = boxes.clone()
    for degrees in (-100, -20, 7, 33.5, 150):
        expected = v2.functional.rotate(_wrapped(boxes, size_hw), degrees).as_subclass(torch.Tensor)
        given = f"30 random boxes in an image of 60 × 90, turned by {degrees}°"
        answer = function(boxes, degrees, size_hw)
        _unchanged(boxes, kept, given)
        hint = "Is the result cut at the border, x at the width and y at the height?"
        expect_close(answer, expected, given=given, hint=hint, tolerance=1e-3)
