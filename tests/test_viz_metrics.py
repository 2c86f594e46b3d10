"""Charts about measuring, tested by their lines, patches and words."""

import numpy as np
import pytest
import torch

from course_utils import metrics, viz


def words(fig):
    """Every string of a figure's axes and legends."""
    found = [text.get_text() for ax in fig.axes for text in ax.texts]
    legends = [ax.get_legend() for ax in fig.axes if ax.get_legend()] + fig.legends
    return found + [text.get_text() for legend in legends for text in legend.get_texts()]


def test_splits_are_drawn_in_stretches_of_one_part():
    """Each run of equal parts is one bar, in the part's colour and hatching, and all parts are in the legend."""
    rows = {"by time": ["train"] * 4 + ["validation"] + ["test"] * 2, "at random": ["train", "test"] * 3 + ["train"]}
    fig = viz.plot_splits(rows, title="t", xlabel="frame", borders=[3])
    ax = fig.axes[0]
    assert [len(bar.get_paths()) for bar in ax.collections] == [1] * 3 + [1] * 7
    assert len({(bar.get_facecolor().tobytes(), bar.get_hatch()) for bar in ax.collections}) == 3
    assert [label.get_text() for label in ax.get_yticklabels()] == list(rows)
    assert words(fig) == ["train", "validation", "test"] and len(ax.lines) == 1


@pytest.mark.parametrize("rows", [{}, {"a": ["train"], "b": ["train", "test"]}, {"a": ["trian"]}])
def test_splits_of_unequal_length_or_unknown_part_are_refused(rows):
    """No rows, rows of different length and a misspelt part are refused."""
    with pytest.raises(ValueError, match="Expected rows of one length"):
        viz.plot_splits(rows, title="t", xlabel="frame")


def test_ranking_curves_carry_their_areas():
    """Both curves of both methods are there, labelled with the area that the metrics give."""
    target = np.array([0, 0, 1, 1, 0])
    good, bad = np.array([0.1, 0.4, 0.35, 0.8, 0.2]), np.array([0.9, 0.4, 0.35, 0.1, 0.2])
    fig = viz.plot_roc_and_precision_recall({"good": good, "bad": bad}, target, title="t")
    assert len(fig.axes) == 2 and all(len(ax.lines) == 3 for ax in fig.axes)
    assert f"good: {metrics.roc_auc(good, target):.2f}" in words(fig)
    assert f"bad: {metrics.average_precision(bad, target):.2f}" in words(fig)
    assert "at random: 0.40" in words(fig)


def test_shifted_box_has_the_iou_of_the_metrics():
    """The curve equals `metrics.box_iou` of the box and its shifted copy."""
    fig = viz.plot_iou_against_shift(range(0, 31, 5), box_sizes=(20, 40), title="t")
    drawn = fig.axes[0].lines[0].get_ydata()
    for shift, iou in zip(range(0, 31, 5), drawn, strict=True):
        boxes = torch.tensor([[0.0, 0, 20, 20]]), torch.tensor([[shift, 0.0, 20 + shift, 20]])
        assert metrics.box_iou(*boxes).item() == pytest.approx(iou, abs=1e-6)
    assert len(words(fig)) == 3


def test_average_precision_curve_has_its_envelope_and_eleven_points():
    """The envelope never rises with recall and lies on or above the curve; VOC's points stand on it."""
    precision, recall = np.array([1, 1 / 2, 2 / 3, 2 / 4, 3 / 5]), np.array([0.25, 0.25, 0.5, 0.5, 0.75])
    ax = viz.plot_average_precision(precision, recall, title="t").axes[0]
    curve, envelope, eleven = ax.lines
    assert (np.diff(envelope.get_ydata()) <= 0).all() and (envelope.get_ydata()[1:] >= curve.get_ydata()).all()
    assert eleven.get_ydata().tolist() == pytest.approx([1] * 3 + [2 / 3] * 3 + [0.6] * 2 + [0] * 3)
    with pytest.raises(ValueError, match="one value of each for every detection"):
        viz.plot_average_precision([], [], title="t")


def test_intervals_against_n_say_their_half_width():
    """Each number of examples has a bar from low to high and its half width in points."""
    intervals = {50: {"value": 0.8, "low": 0.7, "high": 0.9}, 200: {"value": 0.82, "low": 0.77, "high": 0.87}}
    fig = viz.plot_intervals_against_n(intervals, title="t", ylabel="accuracy")
    assert words(fig) == ["±10.0", "±5.0"]
    assert fig.axes[0].lines[0].get_ydata().tolist() == [0.7, 0.9]
    with pytest.raises(ValueError, match="at least one interval"):
        viz.plot_intervals_against_n({}, title="t", ylabel="accuracy")


def test_reliability_leaves_empty_bins_out():
    """Only bins with examples have a point; the larger count has the larger area."""
    table = metrics.reliability([0.1, 0.12, 0.14, 0.9], [0, 0, 1, 1], bins=5)
    fig = viz.plot_reliability({"before": table, "after": table}, title="t")
    assert len(fig.axes) == 2
    points = fig.axes[0].collections[0]
    np.testing.assert_allclose(points.get_offsets(), [[0.12, 1 / 3], [0.9, 1.0]])
    assert points.get_sizes()[0] > points.get_sizes()[1]
    with pytest.raises(ValueError, match="at least one table"):
        viz.plot_reliability({}, title="t")


def test_distribution_has_its_marks():
    """All values are counted, and each mark is a line at its place."""
    fig = viz.plot_distribution([1, 2, 2, 3], title="t", xlabel="x", marks={"promise": 2.5}, bins=3)
    ax = fig.axes[0]
    assert sum(patch.get_height() for patch in ax.patches) == 4
    assert ax.lines[0].get_xdata() == [2.5, 2.5] and words(fig) == ["promise"]
    for bad in ([], [1, np.nan]):
        with pytest.raises(ValueError, match="finite numbers"):
            viz.plot_distribution(bad, title="t", xlabel="x")
