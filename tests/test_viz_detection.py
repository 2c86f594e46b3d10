"""Figures of a detector: as many axes, cells and boxes as there should be."""

import numpy as np
import torch

from course_utils import viz
from course_utils.annotations import ImageAnnotations

IMAGE = np.zeros((64, 64, 3), np.uint8)
TRUTH = ImageAnnotations((64, 64), torch.tensor([[8.0, 8, 24, 30]]), torch.tensor([1]))
NONE = ImageAnnotations((64, 64), torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))
NAMES = ("cat", "dog")


def hatched(ax):
    return [patch for patch in ax.patches if patch.get_hatch()]


def test_cells_are_drawn_and_filled():
    """Lines for every cell border; each filled cell once, at its place."""
    fig = viz.plot_cells(IMAGE, TRUTH, NAMES, (16, 32), cells={16: np.array([[1, 0], [1, 0], [2, 3]])}, title="cells")
    assert [len(ax.lines) for ax in fig.axes] == [10, 6]
    assert [len(hatched(ax)) for ax in fig.axes] == [2, 0]
    assert (hatched(fig.axes[0])[1].get_xy() == np.array([2 * 16 - 0.5, 3 * 16 - 0.5])).all()
    assert "2 answer" in fig.axes[0].get_title(loc="left")


def test_anchors_stand_among_the_boxes_and_as_boxes():
    """One point a box, one square and one rectangle an anchor."""
    fig = viz.plot_anchors(np.ones((5, 2)), np.array([[4.0, 6.0], [10.0, 8.0]]), title="anchors")
    assert [len(line.get_xdata()) for line in fig.axes[0].lines] == [5, 2]
    assert [(patch.get_width(), patch.get_height()) for patch in fig.axes[1].patches] == [(4, 6), (10, 8)]


def test_truth_and_found_stand_above_each_other():
    """Two pictures, one where nothing was found: four axes, reasons as titles, scores beside names."""
    found = [(TRUTH, torch.tensor([0.75])), (NONE, torch.zeros(0))]
    fig = viz.plot_found([IMAGE] * 2, [TRUTH] * 2, found, NAMES, titles=["", "1 missed"], title="found")
    assert len(fig.axes) == 4 and [text.get_text() for text in fig.axes[2].texts] == ["dog 0.75"]
    assert fig.axes[3].get_title(loc="left") == "1 missed" and not fig.axes[3].patches


def test_suppression_shows_both_numbers():
    """All candidates on the left, what is kept on the right."""
    fig = viz.plot_suppressed(IMAGE, TRUTH, (NONE, torch.zeros(0)), NAMES, title="suppressed")
    assert [ax.get_title(loc="left") for ax in fig.axes] == ["before: 1 boxes", "after: 0"]
    assert len(fig.axes[0].patches) == 1
