"""Grids of answers: one axes an answer, in the order given, each drawn as its task wants it."""

import numpy as np
import pytest
import torch

from course_utils import viz
from course_utils.annotations import ImageAnnotations

IMAGE = np.zeros((24, 32, 3), np.uint8)
NAMES = ("stop", "speed")


def two_things(labels=(0, 0)):
    """Two squares of one class, with masks."""
    masks = torch.zeros(2, 24, 32, dtype=torch.bool)
    masks[0, 2:10, 3:11] = masks[1, 12:20, 15:25] = True
    return ImageAnnotations.from_masks(masks[: len(labels)], torch.tensor(labels, dtype=torch.int64))


def texts(ax):
    """What is written inside an axes."""
    return [text.get_text() for text in ax.texts]


def test_each_answer_is_drawn_as_its_task_wants():
    """A bare picture, boxes with scores or without, one area a class, one a thing, and the most probable names."""
    things = two_things()
    panels = [
        ("a picture", "picture", IMAGE, None),
        ("found", "boxes", IMAGE, (things, [0.9, 0.75])),
        ("truth", "boxes", IMAGE, (things, None)),
        ("areas", "areas", IMAGE, things),
        ("things", "things", IMAGE, things),
        ("names", "bars", None, (np.array([0.1, 0.7, 0.2]), ("cat", "cup", "tripod"))),
    ]
    fig = viz.plot_answers(panels, NAMES, columns=4, title="six answers")
    assert [ax.get_title("left") for ax in fig.axes] == [words for words, *_ in panels]
    expected = [[], ["stop 0.90", "stop 0.75"], ["stop", "stop"], ["stop"], ["1 stop", "2 stop"]]
    assert [texts(ax) for ax in fig.axes[:5]] == expected
    assert texts(fig.axes[5]) == ["cup  0.70", "tripod  0.20", "cat  0.10"] and not fig.axes[5].images
    geometry = fig.axes[4].get_subplotspec().get_geometry()
    assert geometry[:2] == (2, 4)


def test_nothing_found_is_drawn():
    """An empty answer leaves the picture."""
    none = two_things(())
    panels = [("boxes", "boxes", IMAGE, (none, [])), ("areas", "areas", IMAGE, none), ("things", "things", IMAGE, none)]
    fig = viz.plot_answers(panels, NAMES, columns=3, title="nothing")
    assert all(ax.images and not texts(ax) for ax in fig.axes)


def test_what_cannot_be_drawn_is_refused():
    """No panels, no column, and a way to draw that there is not."""
    with pytest.raises(ValueError, match="Expected panels"):
        viz.plot_answers([], NAMES, columns=2, title="none")
    with pytest.raises(ValueError, match="at least one column"):
        viz.plot_answers([("", "picture", IMAGE, None)], NAMES, columns=0, title="none")
    with pytest.raises(ValueError, match="got 'circles'"):
        viz.plot_answers([("", "circles", IMAGE, None)], NAMES, columns=1, title="none")
