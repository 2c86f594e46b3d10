"""Figures of two-stage detectors: how many axes, what stands in them, and what is refused."""

import numpy as np
import pytest
import torch

from course_utils import viz
from course_utils.annotations import ImageAnnotations

IMAGE = np.zeros((24, 32, 3), np.uint8)
NAMES = ("stop", "speed")


def two_things(labels=(0, 1)):
    """Two squares with masks."""
    masks = torch.zeros(2, 24, 32, dtype=torch.bool)
    masks[0, 2:10, 3:11] = masks[1, 12:20, 15:25] = True
    return ImageAnnotations.from_masks(masks[: len(labels)], torch.tensor(labels, dtype=torch.int64))


def texts(ax):
    """What is written inside an axes."""
    return [text.get_text() for text in ax.texts]


def test_stages_shows_proposals_boxes_and_masks():
    """Four axes; each proposal is two outlines, half a pixel up and left; labels carry scores and numbers."""
    proposals = torch.tensor([[1.0, 2, 5, 8], [3, 3, 20, 20], [0, 0, 32, 24]])
    fig = viz.plot_stages(IMAGE, proposals, two_things(), NAMES, scores=[0.9, 0.75], title="three stages")
    _, first, boxes, masks = fig.axes
    assert len(first.patches) == 6 and first.get_title("left") == "first stage: 3 proposals"
    assert first.patches[0].get_xy() == (0.5, 1.5) and first.patches[0].get_width() == 4
    assert texts(boxes) == ["stop 0.90", "speed 0.75"] and texts(masks) == ["1 stop", "2 speed"]


def test_stages_without_proposals_or_objects_is_drawn():
    """An empty street is no problem."""
    fig = viz.plot_stages(IMAGE, torch.zeros(0, 4), two_things(()), NAMES, scores=[], title="nothing")
    assert len(fig.axes) == 4 and not fig.axes[1].patches and not texts(fig.axes[3])


def test_verdicts_have_the_truth_above_and_what_was_found_below():
    """Nothing found is said in words."""
    found = [(two_things((1, 0)), [0.8, 0.6]), (two_things(()), [])]
    fig = viz.plot_verdicts([(IMAGE, two_things())] * 2, found, NAMES, titles=["good", "bad"], title="two")
    above, below = fig.axes[:2], fig.axes[2:]
    assert [ax.get_title("left") for ax in above] == ["good", "bad"] and texts(above[0]) == ["1 stop", "2 speed"]
    assert texts(below[0]) == ["1 speed", "2 stop"]
    assert [ax.get_title("left") for ax in below] == ["score 0.80, 0.60", "nothing found"]


def test_numbers_that_do_not_fit_are_refused():
    """Lists of different lengths, and none at all."""
    with pytest.raises(ValueError, match="as many detections"):
        viz.plot_verdicts([(IMAGE, two_things())], [], NAMES, titles=["a"], title="none")
    with pytest.raises(ValueError, match="as many detections"):
        viz.plot_verdicts([], [], NAMES, titles=[], title="none")
