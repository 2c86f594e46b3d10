"""Masks of single things: overlap by a slow loop, and every verdict in a picture drawn for it."""

import pytest
import torch

from course_utils import metrics


def squares(*corners, side=10, size=40):
    """Bool (N, size, size): filled squares by row and column of their upper left corner."""
    masks = torch.zeros(len(corners), size, size, dtype=torch.bool)
    for mask, (row, column) in zip(masks, corners, strict=True):
        mask[row : row + side, column : column + side] = True
    return masks


def sorted_out(true, true_labels, found, found_labels):
    """sort_errors on squares."""
    return metrics.sort_errors(squares(*true), torch.tensor(true_labels), squares(*found), torch.tensor(found_labels))


def test_overlap_equals_a_slow_loop():
    """Random masks, one of them empty; sets of pixels are the oracle."""
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.rand(n, 6, 5, generator=generator) < 0.5 for n in (3, 4))
    b[2] = False
    sets = [[set(map(tuple, one.nonzero().tolist())) for one in masks] for masks in (a, b)]
    expected = [[len(x & y) / len(x | y) for y in sets[1]] for x in sets[0]]
    torch.testing.assert_close(metrics.mask_iou(a, b), torch.tensor(expected, dtype=torch.float64))


def test_overlap_of_none_and_of_empty_masks():
    """No masks make an empty table, two empty masks overlap by 0."""
    assert metrics.mask_iou(squares(), squares((0, 0))).shape == (0, 1)
    assert metrics.mask_iou(squares((0, 0), side=0), squares((0, 0), side=0)).item() == 0


@pytest.mark.parametrize(
    ("found", "labels", "words"),
    [
        ([(0, 0)], [1], ["found"]),
        ([(0, 3)], [1], ["found"]),  # 70 of 130 pixels
        ([(0, 0)], [2], ["wrong class"]),
        ([(0, 4)], [1], ["poor outline"]),  # 60 of 140
        ([(0, 4)], [2], ["poor outline"]),
        ([(0, 9)], [1], ["missed", "false alarm"]),  # 10 of 190
        ([], [], ["missed"]),
        ([(0, 0), (0, 1)], [1, 1], ["found", "false alarm"]),
        ([(0, 0), (0, 1)], [2, 1], ["found", "false alarm"]),  # the right name goes before the larger overlap
        ([(0, 0), (20, 20)], [1, 1], ["found", "false alarm"]),
    ],
)
def test_verdict_on_one_square(found, labels, words):
    """Each verdict, at overlaps counted by hand."""
    assert sorted_out([(0, 0)], [1], found, labels) == words


def test_one_detection_over_two_that_touch_serves_one():
    """Two squares side by side, found as one half-way: the nearer is a poor outline or found, the other missed."""
    assert sorted_out([(0, 0), (0, 10)], [1, 1], [(0, 2)], [1]) == ["found", "missed"]


def test_pairs_are_one_to_one_and_the_order_of_the_truth_is_kept():
    """Detections given in another order find their own."""
    assert sorted_out([(0, 0), (0, 10), (20, 0)], [1, 1, 2], [(20, 0), (0, 10), (0, 0)], [3, 1, 1]) == [
        "found",
        "found",
        "wrong class",
    ]


def test_no_truth_and_nothing_found():
    """An empty street is judged too."""
    assert sorted_out([], [], [], []) == [] and sorted_out([], [], [(0, 0)], [1]) == ["false alarm"]


def test_masks_of_two_sizes_are_refused():
    """A mask of 28 × 28 cells is not in the picture yet."""
    with pytest.raises(ValueError, match="Paste the masks"):
        metrics.mask_iou(squares((0, 0)), squares((0, 0), size=28))
