"""Targets in one tensor, and pictures brought to a square with their boxes."""

import numpy as np
import pytest
import torch

from course_utils import datasets
from course_utils.annotations import ImageAnnotations


def annotated(*rows, size_hw=(30, 60), crowd=None):
    """Annotations from rows of label, x1, y1, x2, y2."""
    rows = torch.tensor(rows, dtype=torch.float32).reshape(-1, 5)
    iscrowd = None if crowd is None else torch.tensor(crowd)
    return ImageAnnotations(size_hw, rows[:, 1:], rows[:, 0].long(), iscrowd=iscrowd)


def test_targets_are_padded_to_the_longest():
    """Images with two, no and one objects: rows in order, −1 and zeros behind them."""
    both = annotated((1, 0, 0, 5, 5), (2, 10, 10, 20, 30))
    padded = datasets.pad_annotations([both, annotated(), annotated((0, 1, 2, 3, 4))])
    assert padded.shape == (3, 2, 5) and padded[0, 1].tolist() == [2, 10, 10, 20, 30]
    assert padded[1].tolist() == [[-1, 0, 0, 0, 0]] * 2 and padded[2, 0].tolist() == [0, 1, 2, 3, 4]


def test_targets_without_any_object_keep_a_row():
    """Only empty images, and no image at all: one row of filling, so that shapes stay usable."""
    assert datasets.pad_annotations([annotated()]).tolist() == [[[-1, 0, 0, 0, 0]]]
    assert datasets.pad_annotations([]).shape == (0, 1, 5)


def test_crowds_are_not_taught_but_told_to_the_evaluation():
    """A crowd region is no target of training, and stands in the truth with iscrowd 1."""
    one = annotated((1, 0, 0, 5, 5), (1, 0, 0, 60, 30), crowd=[False, True])
    assert datasets.pad_annotations([one])[0].tolist() == [[1, 0, 0, 5, 5]]
    assert datasets.detection_targets([one, annotated()])[0]["iscrowd"].tolist() == [0, 1]


@pytest.mark.parametrize(("size_hw", "inner"), [((30, 60), (8, 24, 0, 32)), ((60, 30), (0, 32, 8, 24))])
def test_a_letterbox_keeps_the_shape_and_moves_the_boxes(size_hw, inner):
    """A white picture in a grey square: where it ends is where the box of the whole picture ends."""
    image = np.full((*size_hw, 3), 255, np.uint8)
    square, moved = datasets.letterbox(image, annotated((3, 0, 0, size_hw[1], size_hw[0]), size_hw=size_hw), 32)
    top, bottom, left, right = inner
    assert (square[:, top:bottom, left:right] == 255).all() and (square == 114).sum() == 3 * 32 * 16
    assert moved.size_hw == (32, 32) and moved.boxes.tolist() == [[left, top, right, bottom]]
    assert moved.labels.tolist() == [3] and square.dtype == torch.uint8


def test_a_square_of_the_right_size_stays_as_it_is():
    """Nothing is resampled, boxes are equal, and no objects are fine."""
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    square, moved = datasets.letterbox(image, annotated(size_hw=(32, 32)), 32)
    assert np.array_equal(square.permute(1, 2, 0).numpy(), image) and len(moved) == 0
