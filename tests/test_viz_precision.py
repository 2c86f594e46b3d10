"""Figures of bits, magnitudes, operations and memory, tested by their structure and numbers."""

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle

from course_utils import viz


def words(ax):
    """All strings written into an axes."""
    return [text.get_text() for text in ax.texts]


def test_plot_bits_draws_a_box_a_bit():
    """16 bits give 16 boxes, one of the sign's colour; letters and the sum stand beside them."""
    ax = viz.plot_bits({"half": (5, 10)}, title="t").axes[0]
    boxes = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    assert len(boxes) == 16
    assert [box.get_facecolor() for box in boxes].count(to_rgba(viz.COLOURS[1])) == 1
    assert "".join(words(ax)[:16]) == "S" + 5 * "E" + 10 * "M"
    assert words(ax)[16] == "1 + 5 + 10 = 16 bits"
    with pytest.raises(ValueError, match="at least one format"):
        viz.plot_bits({}, title="t")


def test_plot_magnitudes_counts_powers_of_two_without_zeros():
    """Of 1, 1.5, −4 and 0, two thirds lie in [1, 2) and one third in [4, 8); a limit is an upright line."""
    ax = viz.plot_magnitudes({"a": [1, 1.5, -4, 0]}, {"least": 0.25}, title="t", xlabel="size").axes[0]
    steps = ax.patches[0].get_data()
    np.testing.assert_allclose(steps.values, [2 / 3, 0, 1 / 3])
    np.testing.assert_array_equal(steps.edges, [0, 1, 2, 3])
    assert ax.get_lines()[0].get_xdata()[0] == -2
    assert words(ax) == [" least"]
    with pytest.raises(ValueError, match="zeros"):
        viz.plot_magnitudes({"a": np.zeros(3)}, {}, title="t", xlabel="size")


def test_plot_operations_ranks_and_adds_up_the_rest():
    """The two slowest operations have rows, the others are summed; an operation that a run lacks counts zero."""
    runs = {
        "one": [{"name": "aten::mm", "seconds": 0.003}, {"name": "aten::add", "seconds": 0.001}],
        "two": [{"name": "aten::mul", "seconds": 0.002}, {"name": "aten::sub", "seconds": 0.0005}],
    }
    ax = viz.plot_operations(runs, title="t", most=2).axes[0]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["mm", "mul", "2 others"]
    widths = [patch.get_width() for patch in ax.patches]
    np.testing.assert_allclose(widths, [3, 0, 1, 0, 2, 0.5])
    few = viz.plot_operations(runs, title="t").axes[0]
    assert len(few.get_yticklabels()) == 4
    with pytest.raises(ValueError, match="Profile a step"):
        viz.plot_operations({"one": []}, title="t")


def test_plot_memory_marks_the_peak():
    """The line runs through the changes in their order, in megabytes, and its peak is named."""
    changes = [(0.0, 1_000_000), (0.1, 3_500_000), (0.2, 2_000_000), (2.0, 0)]
    ax = viz.plot_memory({"a": changes, "b": [(0.0, 2_788_000_000)]}, title="t").axes[0]
    line = ax.get_lines()[0]
    np.testing.assert_allclose(line.get_xdata(), [0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(line.get_ydata(), [1, 3.5, 2, 0])
    assert words(ax) == ["3.5 MB", "2,788 MB"]
    with pytest.raises(ValueError, match="Did the step use the device"):
        viz.plot_memory({"a": []}, title="t")
