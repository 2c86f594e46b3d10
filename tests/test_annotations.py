"""Tests of the annotation values: what they accept and refuse; masks, boxes and polygons against slow loops."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage

from course_utils.annotations import (
    AnnotationSet,
    ImageAnnotations,
    box_to_pixels,
    masks_to_boxes,
    masks_to_polygons,
    polygons_joined,
    polygons_to_mask,
)

BOXES = torch.tensor([[0.0, 0.0, 2.0, 2.0], [3.0, 1.0, 6.0, 4.0]])
LABELS = torch.tensor([0, 2])
SIZE = (4, 6)
POINTS = torch.tensor([[[1.0, 1.0, 2.0], [0.0, 0.0, 0.0]], [[6.0, 4.0, 1.0], [3.5, 1.0, 2.0]]])
CROWD = torch.tensor([False, True])
MASKS = arrays.arrays(bool, arrays.array_shapes(min_dims=2, max_dims=2, max_side=12))


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
        ({"keypoints": torch.zeros(2, 5)}, ValueError, r"`keypoints` to be \(2, any, 3\), but got \(2, 5\)"),
        ({"keypoints": torch.zeros(1, 5, 3)}, ValueError, r"`keypoints` to be \(2, any, 3\)"),
        ({"keypoints": torch.zeros(2, 5, 3).double()}, TypeError, "torch.float32, but got torch.float64"),
        ({"keypoints": torch.full((2, 1, 3), float("nan"))}, ValueError, "keypoint to be finite, .* row 0, point 0"),
        ({"keypoints": torch.ones(2, 1, 3) * 3}, ValueError, "visibility 0, 1 or 2, but got .* row 0, point 0"),
        ({"keypoints": POINTS + torch.tensor([0.1, 0, 0])}, ValueError, "inside the image .* row 1, point 0"),
        ({"iscrowd": torch.tensor([0, 1])}, TypeError, "torch.bool, but got torch.int64"),
        ({"iscrowd": torch.tensor([True])}, ValueError, r"`iscrowd` to be \(2,\)"),
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


def test_points_and_crowds_are_kept_and_may_be_of_no_object():
    """Key points and crowd marks have a row an object; a point that nobody set may lie anywhere; none is none."""
    value = ImageAnnotations(SIZE, BOXES, LABELS, keypoints=POINTS, iscrowd=CROWD)
    assert value.keypoints is POINTS and value.iscrowd is CROWD
    nobody = POINTS.clone()
    nobody[0, 1] = torch.tensor([-7.0, 99.0, 0.0])
    assert ImageAnnotations(SIZE, BOXES, LABELS, keypoints=nobody).keypoints is nobody
    none = torch.zeros(0, dtype=torch.int64)
    empty = ImageAnnotations(SIZE, torch.zeros(0, 4), none, keypoints=torch.zeros(0, 17, 3), iscrowd=none.bool())
    assert len(empty) == 0


def test_set_keeps_its_images_and_does_not_follow_the_callers_dict():
    """A set has its images in order, says what it holds, and later changes of the dict do not reach it."""
    one = ImageAnnotations(SIZE, BOXES, LABELS)
    images = {"b.jpg": one, "train/a.jpg": one}
    value = AnnotationSet(images, ("stop", "speed", "danger"))
    images["../c.jpg"] = "no annotations"
    assert list(value.images) == ["b.jpg", "train/a.jpg"] and len(value) == 2
    assert repr(value) == "AnnotationSet(2 images, 4 objects, 3 classes)"
    with pytest.raises(FrozenInstanceError):
        value.classes = ()


def test_set_may_be_empty():
    """No images and no classes are a set too."""
    assert repr(AnnotationSet({}, ())) == "AnnotationSet(0 images, 0 objects, 0 classes)"


CLIMBING = ["", "/etc/a.jpg", "../a.jpg", "a/../../b.jpg", "a/./b.jpg", "a//b.jpg", "a/", ".hidden.jpg"]
WINDOWS = ["a\\b.jpg", "C:a.jpg", "c:/a.jpg", "\\\\server\\a.jpg"]
UNSEEN = ["a\0.jpg", "a\n.jpg", " a.jpg", "a.jpg ", "\ud800.jpg", "a" * 1001]


@pytest.mark.parametrize("name", [*CLIMBING, *WINDOWS, *UNSEEN], ids=ascii)
def test_names_that_lead_out_of_the_folder_are_refused(name):
    """Absolute names, dots that climb, backslashes, drive letters and control characters are no names of images."""
    with pytest.raises(ValueError, match="name of an image below its folder"):
        AnnotationSet({name: ImageAnnotations(SIZE, BOXES, LABELS)}, ("a", "b", "c"))


@pytest.mark.parametrize(
    ("images", "classes", "error", "message"),
    [
        ({"a.jpg": BOXES}, ("a",), TypeError, "hold ImageAnnotations, but got Tensor for 'a.jpg'"),
        ({1: ImageAnnotations(SIZE, BOXES, LABELS)}, ("a", "b", "c"), ValueError, "name of an image"),
        ({"a.jpg": ImageAnnotations(SIZE, BOXES, LABELS)}, ("a", "b"), ValueError, "labels of a.jpg below 2, .* got 2"),
        ({}, ["a"], TypeError, "`classes` to be a tuple of names, but got list"),
        ({}, ("a", "a"), ValueError, "each class once .* 'a' 2 times"),
        ({}, ("a", ""), ValueError, "names of classes"),
        ({}, ("a ",), ValueError, "without blanks around it"),
        ({}, ("a", 3), ValueError, "names of classes .* got '3'"),
        ({}, ("a\x07",), ValueError, "control characters"),
    ],
)
def test_wrong_sets_are_refused(images, classes, error, message):
    """A set names the image or class that is wrong."""
    with pytest.raises(error, match=message):
        AnnotationSet(images, classes)


def filled(mask):
    """The mask with its holes filled, part by part: parts hang together by their sides."""
    parts, count = ndimage.label(mask)  # 4-connected
    holes = np.ones((3, 3))  # outside hangs together by corners, where the parts do not
    return np.any([ndimage.binary_fill_holes(parts == part, holes) for part in range(1, count + 1)] + [mask], axis=0)


@settings(max_examples=150, deadline=None)
@given(MASKS)
def test_polygons_draw_the_mask_again_but_for_its_holes(mask):
    """Outlines of a mask, drawn by pycocotools, give back exactly its pixels and those of its holes."""
    drawn = polygons_to_mask(masks_to_polygons(mask), mask.shape).numpy()
    np.testing.assert_array_equal(drawn, filled(mask))


@settings(max_examples=100, deadline=None)
@given(MASKS)
def test_outlines_are_as_many_as_parts_and_as_tight_as_boxes(mask):
    """One outline for each part that hangs together by its sides, holes filled; whole corners; the ends are the box."""
    polygons = masks_to_polygons(mask)
    assert len(polygons) == ndimage.label(filled(mask))[1]
    if polygons:
        corners = np.concatenate(polygons)
        assert (corners == corners.round()).all()
        assert [*corners.min(axis=0), *corners.max(axis=0)] == box_by_loop(torch.from_numpy(mask))


@settings(max_examples=100, deadline=None)
@given(MASKS.filter(np.any))
def test_joined_outlines_cover_the_same_pixels(mask):
    """A polygon joined from several by bridges draws what they draw: bridges have no width."""
    polygons = masks_to_polygons(mask)
    joined = polygons_to_mask([polygons_joined(polygons)], mask.shape)
    assert torch.equal(joined, polygons_to_mask(polygons, mask.shape))


def test_outline_of_a_hand_drawn_mask():
    """An L of three pixels has six corners, clockwise from the top left; its hole-free area is three."""
    mask = torch.tensor([[1, 0], [1, 1]], dtype=torch.bool)
    assert masks_to_polygons(mask)[0].tolist() == [[0, 0], [1, 0], [1, 1], [2, 1], [2, 2], [0, 2]]


def test_island_in_a_hole_is_filled_with_it():
    """A pixel in the middle of a ring gets no outline of its own: joined with the ring's it would count as a hole."""
    ring = torch.ones(5, 5, dtype=torch.bool)
    ring[1:4, 1:4] = False
    ring[2, 2] = True
    assert [polygon.tolist() for polygon in masks_to_polygons(ring)] == [[[0, 0], [5, 0], [5, 5], [0, 5]]]


def test_no_polygons_are_no_pixels():
    """No polygons draw an empty mask, and an empty mask has no polygons."""
    assert not polygons_to_mask([], SIZE).any() and polygons_to_mask([], SIZE).shape == SIZE
    assert masks_to_polygons(torch.zeros(SIZE, dtype=torch.bool)) == []


@pytest.mark.parametrize(
    ("polygon", "message"),
    [
        ([(0, 0), (1, 1)], "three corners or more"),
        ([0, 0, 1, 1, 2, 2], "three corners or more"),
        ([(0, 0), (1, 1), (float("nan"), 0)], "inside the image"),
        ([(0, 0), (1, 1), (7, 0)], "inside the image of height 4 and width 6"),
        ([(0, 0), (6, 4)] * 200_001, "below 2,000,000 pixels"),
    ],
)
def test_polygons_that_cannot_be_drawn_are_refused(polygon, message):
    """Too few corners, corners outside the image and endless outlines are refused before anything is drawn."""
    with pytest.raises(ValueError, match=message):
        polygons_to_mask([polygon], SIZE)


@pytest.mark.parametrize("mask", [torch.ones(4, 6), torch.ones(1, 4, 6, dtype=torch.bool)])
def test_outlines_want_one_bool_mask(mask):
    """A mask of numbers, or several at once, are refused."""
    with pytest.raises(ValueError, match=r"`mask` to be bool \(H, W\)"):
        masks_to_polygons(mask)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(0, 50, width=32), min_size=4, max_size=4))
def test_box_in_whole_pixels_moves_by_a_pixel_at_most(numbers):
    """VOC's whole numbers lie inside the image, hold a pixel, and are within half a pixel unless the box is thinner."""
    (x1, x2), (y1, y2) = sorted(numbers[:2]), sorted(numbers[2:])
    xmin, ymin, xmax, ymax = box_to_pixels((x1, y1, x2, y2), (50, 50))
    for low, high, first, last in ((x1, x2, xmin, xmax), (y1, y2, ymin, ymax)):
        assert 1 <= first <= last <= 50
        limit = 0.5 if high - low > 1 else 1
        assert abs(first - 1 - low) <= limit and abs(last - high) <= limit
