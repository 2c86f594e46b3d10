"""A chart of a ladder of changes: what each run took, and what it reached."""

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from course_utils import ledger
from course_utils.viz.base import COLOURS, MARKERS, new_figure, styled


@styled
def plot_ladder(rungs, stands_on, *, title: str, xlabel: str, ylabel: str) -> Figure:
    """Draw one score against one cost, a numbered point for each rung, joined with the rung that it stands on.

    Args:
        rungs: name → (costs, scores), each with one number a run; in the order of the ladder.
        stands_on: name of each rung → name of the one below it, its own for the lowest.
        title: the finding.
        xlabel: quantity and unit of the cost, above 0.
        ylabel: quantity and unit of the score.

    Returns:
        The figure: means with their 95 % t-intervals in both directions, over a logarithmic cost; a list names the
        numbers.

    Raises:
        ValueError: there are no rungs, one stands on none of them, or a cost is not above 0.
    """
    if not rungs or not all(cost > 0 for costs, _ in rungs.values() for cost in costs):
        raise ValueError(f"Expected at least one rung, and costs above 0, but got {dict(rungs)}.")
    if any(stands_on.get(name) not in rungs for name in rungs):
        raise ValueError(f"Expected every rung to stand on one of {list(rungs)}, but got {stands_on}.")
    fig = new_figure(9.0, 4.6, title)
    ax = fig.add_subplot(xlabel=xlabel, ylabel=ylabel, xscale="log")
    points = {name: [ledger.mean_and_spread(values) for values in pair] for name, pair in rungs.items()}
    for name, ((x, _), (y, _)) in points.items():
        (other_x, _), (other_y, _) = points[stands_on[name]]
        ax.plot([other_x, x], [other_y, y], color="0.6", linewidth=1, zorder=1)
    for number, (name, (x, y)) in enumerate(points.items(), start=1):
        look = {"color": COLOURS[number % len(COLOURS) - 1], "marker": MARKERS[number % len(MARKERS) - 1]}
        bars = {"xerr": x[1], "yerr": y[1], "elinewidth": 1, "capsize": 2, "linestyle": "none"}
        ax.errorbar([x[0]], [y[0]], markersize=7, label=f"{number}  {name}", **look, **bars)
        place = {"xytext": (6, 6 if number % 2 else -12), "textcoords": "offset points"}
        ax.annotate(str(number), (x[0], y[0]), fontsize=10, **place)
    _write_plain_ticks(ax)
    fig.legend(*ax.get_legend_handles_labels(), loc="outside right center", frameon=False)
    return fig


def _write_plain_ticks(ax) -> None:
    """Write seconds as 0.5, 1, 2, 5, not as powers of ten."""
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_axisbelow(True)
    ax.grid(axis="y", alpha=0.3)
