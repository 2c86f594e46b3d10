"""Figures of changed images, tested by their structure and numbers."""

import types

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle

from course_utils import ledger, viz

NAMES = ("fine", "cracked", "broken")


def known(n: int, *, masks: bool = True):
    """Annotations of n boxes in an image of 20 × 30 pixels."""
    boxes = np.array([[2 + 8 * k, 3, 8 + 8 * k, 15] for k in range(n)], dtype=float).reshape(-1, 4)
    areas = np.zeros((n, 20, 30), bool)
    for area, (x1, y1, x2, y2) in zip(areas, boxes.astype(int), strict=True):
        area[y1:y2, x1:x2] = True
    labels = np.arange(n) % len(NAMES)
    return types.SimpleNamespace(boxes=boxes, labels=labels, masks=areas if masks else None)


def test_plot_changes_frames_each_image_by_its_verdict():
    """✔, ✘ and ? stand before the titles, and the frames differ in colour."""
    images = [np.zeros((8, 8), np.uint8)] * 3
    fig = viz.plot_changes(images, ["flip", "mirror", "hue"], [True, False, None], title="Three")
    assert [ax.get_title(loc="left") for ax in fig.axes] == ["✔ flip", "✘ mirror", "? hue"]
    frames = [ax.spines["left"].get_edgecolor() for ax in fig.axes]
    assert frames == [to_rgba(viz.COLOURS[k]) for k in (2, 1, 3)]
    with pytest.raises(ValueError, match="but got 3 images, 2 titles and 1 verdicts"):
        viz.plot_changes(images, ["a", "b"], [True])


@pytest.mark.parametrize("masks", [False, True])
def test_plot_followed_draws_boxes_over_masks_and_takes_none(masks):
    """Two boxes give two names and four outlines, an image without objects none; a title above each."""
    images = [np.zeros((20, 30, 3), np.uint8)] * 2
    cases = [known(2, masks=masks), known(0, masks=masks)]
    fig = viz.plot_followed(images, cases, NAMES, titles=["flip", "crop"])
    outlines = [[patch for patch in ax.patches if isinstance(patch, Rectangle)] for ax in fig.axes]
    assert [len(found) for found in outlines] == [4, 0]
    assert [[text.get_text() for text in ax.texts] for ax in fig.axes] == [["fine", "cracked"], []]
    assert [ax.get_title(loc="left") for ax in fig.axes] == ["flip", "crop"]
    with pytest.raises(ValueError, match="but got 2 images, 1 annotations and 2 titles"):
        viz.plot_followed(images, cases[:1], NAMES, titles=["flip", "crop"])


def test_plot_mixes_divides_a_bar_as_the_label_is():
    """The parts of the bar are as wide as the shares; a part too narrow for its name has none."""
    images = [np.zeros((8, 8), np.uint8)] * 2
    fig = viz.plot_mixes(images, [[0.25, 0.75, 0.0], [0.95, 0.0, 0.05]], NAMES, titles=["a", "b"])
    bars = [[patch.get_width() for patch in ax.patches] for ax in fig.axes[1::2]]
    assert bars == [pytest.approx([0.25, 0.75]), pytest.approx([0.95, 0.05])]
    words = [[text.get_text() for text in ax.texts] for ax in fig.axes[1::2]]
    assert words == [["fine\n0.25", "cracked\n0.75"], ["fine\n0.95"]]


@pytest.mark.parametrize("shares", [[[0.5, 0.5]], [[0.5, 0.6, 0.0]], [1, 0, 0]])
def test_plot_mixes_refuses_labels_that_are_no_shares(shares):
    """Another number of classes, a sum that is not 1, and class indices are refused."""
    with pytest.raises(ValueError, match="rows that sum to 1"):
        viz.plot_mixes([np.zeros((8, 8), np.uint8)], shares, NAMES)


def test_plot_by_class_draws_mean_and_interval_of_each_method():
    """Points lie at the means of the runs, bars at their t-intervals; single runs have no bar; notes join the names."""
    values = {"plain": [[0.9, 0.2, 0.5], [0.8, 0.4, 0.6], [0.7, 0.3, 0.7]], "weighted": [0.6, 0.5, 0.4]}
    fig = viz.plot_by_class(values, NAMES, title="Found", xlabel="recall", notes=["n = 9", "n = 3", "n = 2"])
    (ax,) = fig.axes
    points = {line.get_label(): line.get_xdata() for line in ax.get_lines() if line.get_linestyle() == "None"}
    np.testing.assert_allclose(points["plain"], [0.8, 0.3, 0.6])
    np.testing.assert_allclose(points["weighted"], [0.6, 0.5, 0.4])
    bars = [line.get_xdata() for line in ax.get_lines() if line.get_linewidth() == 2]
    mean, half = ledger.mean_and_spread([0.9, 0.8, 0.7])
    assert len(bars) == 3 and mean + half > 1
    np.testing.assert_allclose(bars[0], [mean - half, 1.0])  # no recall above 1
    assert [label.get_text() for label in ax.get_yticklabels()] == ["fine\nn = 9", "cracked\nn = 3", "broken\nn = 2"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["plain", "weighted"]


def test_plot_by_class_refuses_values_of_other_classes():
    """Two values for three classes, and too few notes, are refused."""
    with pytest.raises(ValueError, match="Expected 3 values a run"):
        viz.plot_by_class({"plain": [0.5, 0.5]}, NAMES, title="", xlabel="recall")
    with pytest.raises(ValueError, match="and 1 notes"):
        viz.plot_by_class({"plain": [0.5] * 3}, NAMES, title="", xlabel="recall", notes=["n"])
