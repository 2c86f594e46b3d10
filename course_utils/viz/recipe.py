"""How optimisers walk: the paths of several over one map of a function of two weights."""

from collections.abc import Callable

import numpy as np
from matplotlib.figure import Figure

from course_utils.viz.base import COLOURS, LINES, MARKERS, new_figure, styled

LEVELS = 14  # contour lines, each at the square root's even distance: the valley shows as well as its walls


@styled
def plot_paths(
    height: Callable[[np.ndarray, np.ndarray], np.ndarray], paths, *, title: str, xlabel: str, ylabel: str
) -> Figure:
    """Draw the contour lines of a function of two numbers and the points that each method visits, a panel each.

    Args:
        height: function of two arrays of one shape that returns the height, at least 0, at each pair.
        paths: name → (T + 1, 2) points from the start on, T ≥ 1 steps.
        title: the finding.
        xlabel: what the first number is.
        ylabel: what the second number is.

    Returns:
        The figure, up to four panels in a row, all on the same axes; each panel tells the height of its last point.

    Raises:
        ValueError: there are no paths, or one is not (T + 1, 2).
    """
    tracks = {name: np.asarray(points, dtype=float) for name, points in paths.items()}
    wrong = [name for name, points in tracks.items() if points.ndim != 2 or points.shape[1] != 2 or len(points) < 2]
    if not tracks or wrong:
        raise ValueError(
            f"Expected paths of (T + 1, 2) points, but got {[(n, tracks[n].shape) for n in wrong] or 'none'}. "
            "Give start and steps, one row each."
        )
    columns = min(4, len(tracks))
    rows = -(-len(tracks) // columns)
    fig = new_figure(2.6 * columns, 2.8 * rows + 0.4, title)
    panels = fig.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    grid = _grid(np.concatenate(list(tracks.values())))
    heights = height(*grid)
    for index, (ax, (name, points)) in enumerate(zip(panels.ravel(), tracks.items(), strict=False)):
        ax.contour(*grid, heights, levels=heights.max() * np.linspace(0, 1, LEVELS) ** 2, colors="0.8", linewidths=0.8)
        look = {"color": COLOURS[index % len(COLOURS)], "marker": MARKERS[index % len(MARKERS)]}
        ax.plot(*points.T, **look, markersize=3, linewidth=1, linestyle=LINES[index // len(COLOURS) % len(LINES)])
        ax.plot(*points[0], color="black", marker="x", linestyle="none")
        ax.set_title(f"{name}: {float(height(*points[-1])):.2g}", loc="left")
    for ax in panels.ravel()[len(tracks) :]:
        ax.set_axis_off()
    fig.supxlabel(xlabel, fontsize="medium")
    fig.supylabel(ylabel, fontsize="medium")
    return fig


def _grid(points: np.ndarray) -> list[np.ndarray]:
    """Two (100, 100) arrays of positions around all points and the origin, with a margin."""
    low, high = np.minimum(points.min(axis=0), 0), np.maximum(points.max(axis=0), 0)
    margin = 0.12 * (high - low) + 1e-9
    return np.meshgrid(*np.linspace(low - margin, high + margin, 100).T)
