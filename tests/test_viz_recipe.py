"""Figures of optimisers, tested by their structure and numbers."""

import numpy as np
import pytest

from course_utils import viz


def bowl(x, y):
    """A valley, four times as steep across as along."""
    return x**2 + 4 * y**2


def test_plot_paths_gives_each_method_a_panel_on_the_same_axes():
    """Five paths: two rows, the points as given, the last height in the title, axes shared."""
    paths = {f"method {k}": [[4.0, 1.0], [2.0 + k, 0.5], [1.0, k / 10]] for k in range(5)}
    fig = viz.plot_paths(bowl, paths, title="Five ways", xlabel="first weight", ylabel="second weight")
    shown = [ax for ax in fig.axes if ax.axison]
    assert len(shown) == 5
    assert shown[2].get_title(loc="left") == "method 2: 1.2"
    np.testing.assert_allclose(shown[2].get_lines()[0].get_xydata(), paths["method 2"])
    assert len({ax.get_xlim() for ax in shown}) == len({ax.get_ylim() for ax in shown}) == 1
    assert fig.get_supxlabel() == "first weight"


def test_plot_paths_shows_start_end_and_the_lowest_point():
    """The map covers every point and the origin."""
    fig = viz.plot_paths(bowl, {"one": [[5.0, 3.0], [4.0, 2.0]]}, title="One", xlabel="x", ylabel="y")
    low, high = zip(fig.axes[0].get_xlim(), fig.axes[0].get_ylim(), strict=True)
    assert all(value < 0 for value in low) and high[0] > 5 and high[1] > 3


@pytest.mark.parametrize("paths", [{}, {"flat": [1.0, 2.0]}, {"short": [[1.0, 2.0]]}, {"wide": [[1, 2, 3], [1, 2, 3]]}])
def test_plot_paths_refuses_what_is_no_path(paths):
    """No paths, and points of another shape, are told."""
    with pytest.raises(ValueError, match="Expected paths of"):
        viz.plot_paths(bowl, paths, title="None", xlabel="x", ylabel="y")
