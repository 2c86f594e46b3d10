"""Charts of networks: the shapes that an image passes through, and what accuracy costs."""

from itertools import groupby

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from course_utils import ledger
from course_utils.viz.base import COLOURS, MARKERS, new_figure, styled

GAP = 0.35  # between two layers, in units of the narrowest
ROW_INCHES = 1.25


@styled
def plot_shapes(networks, *, title: str) -> Figure:
    """Draw what an image becomes inside of networks, one row each, from the left to the right.

    Args:
        networks: name → list of (C, H) for the image and every layer's output: C channels on a map H pixels high.
            Equal neighbours are drawn once, with their number. The first entry is the image.
        title: the finding.

    Returns:
        The figure. A layer's box is as high as its map; its width grows with the root of its channels.

    Raises:
        ValueError: there are no networks, or one of them has no shapes.
    """
    if not networks or not all(networks.values()):
        raise ValueError(f"Expected at least one network with at least one shape each, but got {dict(networks)}.")
    fig = new_figure(9.0, ROW_INCHES * len(networks) + 0.5, title)
    panels = fig.subplots(len(networks), 1, squeeze=False, sharex=True).ravel()
    tallest = max(height for shapes in networks.values() for _, height in shapes)
    ends = [_draw_row(ax, shapes, tallest) for ax, shapes in zip(panels, networks.values(), strict=True)]
    for ax, name in zip(panels, networks, strict=True):
        ax.set_xlim(-GAP, max(ends))
        ax.set_ylim(-0.55 * tallest, 1.05 * tallest)
        ax.set_title(name, loc="left")
        ax.set_axis_off()
    return fig


def _draw_row(ax, shapes, tallest: float) -> float:
    """Draw one network and give the place where it ends."""
    place = 0.0
    for index, (shape, same) in enumerate(groupby(shapes)):
        (channels, height), count = shape, len(list(same))
        width = 0.5 + 0.22 * channels**0.5
        drawn, bottom = max(height, 0.06 * tallest), (tallest - max(height, 0.06 * tallest)) / 2
        colour = "white" if index == 0 else COLOURS[0 if height > 1 else 1]
        ax.add_patch(Rectangle((place, bottom), width, drawn, facecolor=colour, edgecolor="black", linewidth=0.8))
        times = f"\n× {count}" if count > 1 else ""
        map_size = f"{channels}·{height}²" if height > 1 else f"{channels}"
        ax.annotate(map_size + times, (place + width / 2, -0.08 * tallest), ha="center", va="top", fontsize=7.5)
        place += max(width, 0.36 * len(map_size)) + GAP
    return place


@styled
def plot_tradeoff(points, *, title: str, xlabels, ylabel: str) -> Figure:
    """Draw one score of several networks against what it costs, a panel for each kind of cost.

    Args:
        points: name → (costs, scores): as many costs above 0 as there are panels, and the score of each run.
        title: the finding.
        xlabels: quantity and unit of each cost.
        ylabel: quantity and unit of the score.

    Returns:
        The figure: means with their 95 % t-intervals over logarithmic costs; networks differ in marker and colour and
        are named in a legend.

    Raises:
        ValueError: there are no points, or one has another number of costs or a cost that has no logarithm.
    """
    if not points:
        raise ValueError("Expected at least one point, but got none. Pass name → (costs, scores).")
    fig = new_figure(9.0, 4.0, title)
    panels = fig.subplots(1, len(xlabels), sharey=True, squeeze=False).ravel()
    for index, (name, (costs, scores)) in enumerate(points.items()):
        if len(costs) != len(xlabels) or not all(cost > 0 for cost in costs):
            raise ValueError(f"Expected {len(xlabels)} costs above 0 for {name!r}, but got {costs}.")
        mean, half = ledger.mean_and_spread(scores)
        look = {"color": COLOURS[index % len(COLOURS)], "marker": MARKERS[index % len(MARKERS)], "linestyle": "none"}
        for ax, cost in zip(panels, costs, strict=True):
            hollow = {"markerfacecolor": "white"} if index >= len(COLOURS) else {}
            ax.errorbar([cost], [mean], yerr=half, capsize=4, markersize=8, label=name, **look, **hollow)
    for ax, xlabel in zip(panels, xlabels, strict=True):
        ax.set_xscale("log")
        decades = np.log10(np.divide(*ax.get_xlim()[::-1]))
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < 1.5 else (1, 3) if decades < 3 else (1,)))
        ax.xaxis.set_major_formatter(FuncFormatter(_short))
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.set_xlabel(xlabel)
        ax.set_axisbelow(True)
        ax.grid(axis="y", alpha=0.3)
    panels[0].set_ylabel(ylabel)
    fig.legend(*panels[0].get_legend_handles_labels(), loc="outside right center", frameon=False)
    return fig


def _short(number: float, _place: int | None = None) -> str:
    """A cost in few characters, so that the labels of an axis do not touch: 200 k, 1.5 M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= max(size, 1e4):  # thousands are short enough
            return f"{number / size:g} {letter}"
    return f"{number:,g}"
