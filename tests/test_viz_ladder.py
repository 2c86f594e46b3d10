"""The figure of a ladder of changes, tested by its structure and numbers."""

import numpy as np
import pytest

from course_utils import viz

RUNGS = {"foot": ([4.0, 5.0, 6.0], [0.5, 0.6, 0.7]), "aside": ([9.0], [0.4]), "top": ([1.0, 1.0], [0.8, 0.9])}
STANDS_ON = {"foot": "foot", "aside": "foot", "top": "foot"}


def test_plot_ladder_numbers_its_rungs_and_joins_each_with_the_one_below():
    """A point at the means, a line from the rung stood on, the names with their numbers in a list."""
    fig = viz.plot_ladder(RUNGS, STANDS_ON, title="Up", xlabel="seconds", ylabel="accuracy")
    ax = fig.axes[0]
    assert [text.get_text() for text in ax.texts] == ["1", "2", "3"]
    assert [text.get_text() for text in fig.legends[0].get_texts()] == ["1  foot", "2  aside", "3  top"]
    lines = [line.get_xydata() for line in ax.get_lines() if line.get_color() == "0.6"]
    np.testing.assert_allclose(lines, [[[5, 0.6], [5, 0.6]], [[5, 0.6], [9, 0.4]], [[5, 0.6], [1, 0.85]]])
    assert ax.get_xscale() == "log" and ax.get_xlabel() == "seconds"


def test_plot_ladder_draws_intervals_where_runs_were_repeated():
    """Half widths of the 95 % t-interval: 2.484 for 4, 5, 6; none for a single run."""
    fig = viz.plot_ladder(RUNGS, STANDS_ON, title="Up", xlabel="seconds", ylabel="accuracy")
    across = [bars.lines[2][0].get_segments() for bars in fig.axes[0].containers if bars.has_xerr]
    np.testing.assert_allclose(across[0][0][:, 0], [5 - 2.484, 5 + 2.484], atol=1e-3)
    assert len(across) == 2


@pytest.mark.parametrize(
    ("rungs", "stands_on", "match"),
    [
        ({}, {}, "at least one rung"),
        ({"a": ([0.0], [1.0])}, {"a": "a"}, "costs above 0"),
        ({"a": ([1.0], [1.0])}, {"a": "b"}, "stand on one of"),
        ({"a": ([1.0], [1.0])}, {}, "stand on one of"),
    ],
)
def test_plot_ladder_refuses_what_is_no_ladder(rungs, stands_on, match):
    """No rungs, a cost without logarithm, a rung that stands on nothing."""
    with pytest.raises(ValueError, match=match):
        viz.plot_ladder(rungs, stands_on, title="None", xlabel="x", ylabel="y")
