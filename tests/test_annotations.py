"""Tests of the annotation value: what it accepts, what it refuses, and boxes from masks against a slow loop."""

from dataclasses import FrozenInstanceError

import pytest
import torch

from course_utils.annotations import ImageAnnotations, masks_to_boxes

BOXES = torch.tensor([[0.0, 0.0, 2.0, 2.0], [3.0, 1.0, 6.0, 4.0]])
LABELS = torch.tensor([0, 2])
SIZE = (4, 6)


def box_by_loop(mask):
    """Edges around every set pixel of one mask, pixel by pixel."""
    x1 = y1 = 10**9
    x2 = y2 = -1
    for row, line in enumerate(mask.tolist()):
        for column, inside in enumerate(line):
            if inside:
                x1, y1, x2, y2 = min(x1, column), min(y1, row), max(x2, column + 1), max(y2, row + 1)
    return [float(edge) for edge in (x1, y1, x2, y2)]


def test_value_keeps_its_fields_and_knows_its_length():
    """Valid annotations keep what they are given and count their objects."""
    masks = torch.zeros(2, *SIZE, dtype=torch.bool)
    value = ImageAnnotations(SIZE, BOXES, LABELS, masks)
    assert len(value) == 2
    assert value.boxes is BOXES and value.labels is LABELS and value.masks is masks


def test_value_is_frozen():
    """A field cannot be set again, so the checks of construction stay true."""
    with pytest.raises(FrozenInstanceError):
        ImageAnnotations(SIZE, BOXES, LABELS).labels = LABELS + 1


@pytest.mark.parametrize("masks", [None, torch.zeros(0, *SIZE, dtype=torch.bool)])
def test_zero_objects_are_allowed(masks):
    """An image without objects has (0, 4) boxes, (0,) labels and (0, H, W) masks or none."""
    value = ImageAnnotations(SIZE, torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64), masks)
    assert len(value) == 0


def test_border_and_rounding_are_allowed():
    """A box over the whole image, a box of zero area and float32 rounding over the border all pass."""
    boxes = torch.tensor([[0.0, 0.0, 6.0, 4.0], [2.0, 2.0, 2.0, 3.0], [-0.0005, 0.0, 6.0005, 4.0]])
    assert len(ImageAnnotations(SIZE, boxes, torch.zeros(3, dtype=torch.int64))) == 3


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([0.0, float("nan"), 1.0, 1.0], r"be finite, but got .* in row 1"),
        ([0.0, 0.0, float("inf"), 1.0], "be finite"),
        ([3.0, 0.0, 2.0, 1.0], r"have x1 <= x2 and y1 <= y2, but got \[3\.0, 0\.0, 2\.0, 1\.0\]"),
        ([0.0, 3.0, 2.0, 1.0], "box_convert"),
        ([0.0, 0.0, 4.0, 6.0], "lie inside the image of height 4 and width 6"),
        ([-0.01, 0.0, 4.0, 4.0], "clip_boxes_to_image"),
    ],
)
def test_bad_boxes_are_named_with_row_and_remedy(row, message):
    """A box that is not finite, turned round or outside the image is refused, and the error names it."""
    with pytest.raises(ValueError, match=message):
        ImageAnnotations(SIZE, torch.stack([BOXES[0], torch.tensor(row)]), LABELS)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"size_hw": [4, 6]}, ValueError, r"Expected `size_hw` to be a tuple \(height, width\)"),
        ({"size_hw": (4, 0)}, ValueError, "positive integers"),
        ({"size_hw": (4, 6, 3)}, ValueError, r"image\.shape\[:2\]"),
        ({"boxes": torch.zeros(2, 5)}, ValueError, r"Expected `boxes` to be \(any, 4\), but got \(2, 5\)"),
        ({"boxes": BOXES.double()}, TypeError, r"`boxes` to be a tensor of torch.float32, but got torch.float64"),
        ({"boxes": BOXES.tolist()}, TypeError, "but got list"),
        ({"labels": torch.tensor([0])}, ValueError, r"Expected `labels` to be \(2,\), but got \(1,\)"),
        ({"labels": torch.tensor([0.0, 1.0])}, TypeError, "torch.int64"),
        ({"labels": torch.tensor([0, -1])}, ValueError, "every label to be 0 or more, but got -1"),
        ({"masks": torch.zeros(2, 6, 4, dtype=torch.bool)}, ValueError, r"Expected `masks` to be \(2, 4, 6\)"),
        ({"masks": torch.zeros(2, 4, 6, dtype=torch.uint8)}, TypeError, "torch.bool, but got torch.uint8"),
    ],
)
def test_wrong_fields_are_refused(change, error, message):
    """A field of the wrong shape, type or range raises an error that says what was expected and what came."""
    fields = {"size_hw": SIZE, "boxes": BOXES, "labels": LABELS, "masks": None} | change
    with pytest.raises(error, match=message):
        ImageAnnotations(**fields)


def test_masks_to_boxes_equals_a_slow_loop():
    """Boxes of random masks, of one pixel, one row and the whole image equal a loop over their pixels."""
    generator = torch.Generator().manual_seed(0)
    masks = torch.rand(8, 9, 12, generator=generator) > 0.9
    masks[0], masks[1] = False, False
    masks[0, 8, 11] = True
    masks[1, 3, 2:7] = True
    masks[2] = True
    masks = masks[masks.flatten(1).any(dim=1)]
    assert masks_to_boxes(masks).tolist() == [box_by_loop(mask) for mask in masks]


def test_masks_to_boxes_of_no_masks():
    """No masks give no boxes, still (0, 4) and float32."""
    boxes = masks_to_boxes(torch.zeros(0, 5, 7, dtype=torch.bool))
    assert boxes.shape == (0, 4) and boxes.dtype == torch.float32


@pytest.mark.parametrize(
    ("masks", "error", "message"),
    [
        (torch.zeros(5, 7, dtype=torch.bool), ValueError, r"`masks` to be \(any, any, any\), but got \(5, 7\)"),
        (torch.ones(1, 5, 7), TypeError, "torch.bool, but got torch.float32"),
        (torch.zeros(1, 5, 7, dtype=torch.bool), ValueError, "at least one pixel, but got none in mask 0"),
    ],
)
def test_masks_to_boxes_refuses_what_has_no_box(masks, error, message):
    """Masks of the wrong shape or type, or without a pixel, are refused rather than given the box (0, 0, 1, 1)."""
    with pytest.raises(error, match=message):
        masks_to_boxes(masks)


def test_from_masks_takes_size_and_boxes_from_the_masks():
    """The image size is the masks' and every box is the tight box of its mask."""
    masks = torch.zeros(2, *SIZE, dtype=torch.bool)
    masks[0, :2, :2] = True
    masks[1, 1:, 3:] = True
    value = ImageAnnotations.from_masks(masks, LABELS)
    assert value.size_hw == SIZE
    assert torch.equal(value.boxes, BOXES)
