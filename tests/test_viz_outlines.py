"""Figures of what annotators write down: one axes a way or a person, every object in each."""

import numpy as np
import pytest
import torch

from course_utils import annotations, viz

NAMES = ("stop", "speed")


@pytest.fixture
def truth():
    """Two objects with masks and two key points each, of which one is not visible."""
    masks = torch.zeros(2, 40, 60, dtype=torch.bool)
    masks[0, 3:13, 2:12] = masks[1, 20:35, 40:55] = True
    points = torch.tensor([[[4.0, 5, 2], [9, 9, 0]], [[45, 25, 2], [50, 30, 1]]])
    boxes = annotations.masks_to_boxes(masks)
    return annotations.ImageAnnotations((40, 60), boxes, torch.tensor([0, 1]), masks, points)


def test_four_ways_show_the_same_objects(truth):
    """Boxes, closed outlines, masks, and the key points that are there."""
    polygons = [polygon for mask in truth.masks for polygon in annotations.masks_to_polygons(mask)]
    fig = viz.plot_four_ways(np.zeros((40, 60, 3), np.uint8), truth, polygons, NAMES, title="four ways")
    boxes, outlines, _, points = fig.axes
    assert len(boxes.patches) == 4  # two tones each
    lines = [line.get_xydata() for line in outlines.get_lines()]
    assert len(lines) == 4 and all(np.array_equal(line[0], line[-1]) for line in lines)
    assert sorted({len(line.get_xydata()) for line in points.get_lines()}) == [1, 2]


def test_box_sets_have_an_axes_each(truth):
    """One axes a person, with a name; one who drew nothing has an empty one."""
    nobody = annotations.ImageAnnotations((40, 60), torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))
    sets = {"careful": truth, "asleep": nobody}
    fig = viz.plot_box_sets(np.zeros((40, 60, 3), np.uint8), sets, NAMES, title="two people")
    assert [ax.get_title(loc="left") for ax in fig.axes] == ["careful", "asleep"]
    assert [len(ax.patches) for ax in fig.axes] == [4, 0]
    assert len(viz.plot_box_sets(np.zeros((40, 60, 3)), {"one": truth}, NAMES, title="one").axes) == 1
