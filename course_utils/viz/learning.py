"""What learning looks like: a slope, and the curves of several kinds of fit side by side."""

import numpy as np
from matplotlib.figure import Figure

from course_utils import ledger
from course_utils.viz.base import COLOURS, MARKERS, new_figure, styled


@styled
def plot_slope(x, values, *, at: tuple[float, float], slope: float, title: str, xlabel: str, ylabel: str) -> Figure:
    """Draw a curve, one point of it, and the straight line through that point with a given slope.

    Args:
        x: (N,) positions, ascending.
        values: (N,) the curve over them.
        at: (x, value) of the point.
        slope: of the line, in units of `values` for one unit of `x`.
        title: the finding.
        xlabel: quantity and unit of x.
        ylabel: quantity and unit of the values.

    Returns:
        The figure. Where the slope is right, the line touches the curve.

    Raises:
        ValueError: `x` and `values` differ in length, or there are fewer than two.
    """
    x, values = np.asarray(x, dtype=float), np.asarray(values, dtype=float)
    if x.shape != values.shape or x.ndim != 1 or len(x) < 2:
        raise ValueError(
            f"Expected `x` and `values` to be of one length, two or more, but got shapes {x.shape} and {values.shape}. "
            "Give one value a position."
        )
    fig = new_figure(7.5, 3.8, title)
    ax = fig.add_subplot(xlabel=xlabel, ylabel=ylabel)
    ax.plot(x, values, color=COLOURS[0], label="loss")
    heights = ax.get_ylim()  # of the curve: the line is cut off where it leaves them
    line = at[1] + slope * (x - at[0])
    ax.plot(x, line, color=COLOURS[1], linestyle="--", label=f"line of slope {slope:.3g}")
    ax.plot(*at, color="black", marker="D", markersize=7, linestyle="none", label="where we stand")
    ax.set_ylim(*heights)
    ax.legend(frameon=False)
    return fig


@styled
def plot_fits(fits, *, title: str, ylabel: str = "loss") -> Figure:
    """Draw training and validation loss of several networks, a panel each, all on one scale.

    Args:
        fits: name → S ≥ 1 histories, one a run, as `engine.fit` returns them; a panel's runs have equally many epochs.
        title: the finding.
        ylabel: quantity and unit of the losses.

    Returns:
        The figure, two panels a row. Lines are means over the runs; bands are their 95 % t-intervals.

    Raises:
        ValueError: there are no fits, or one of them has no history.
    """
    if not fits or not all(fits.values()):
        raise ValueError(f"Expected at least one fit with at least one history each, but got {dict(fits)}. Train some.")
    rows = -(-len(fits) // 2)
    fig = new_figure(9.0, 2.9 * rows + 0.4, title)
    panels = fig.subplots(rows, 2, sharey=True, squeeze=False).ravel()
    for ax, (name, histories) in zip(panels, fits.items(), strict=False):
        _draw_fit(ax, histories)
        ax.set_title(name, loc="left")
    for ax in panels[: len(fits)]:
        ax.set_xlabel("epoch (passes over the training images)")
        ax.set_ylabel(ylabel)
        ax.yaxis.set_tick_params(labelleft=True)
    for ax in panels[len(fits) :]:
        ax.set_axis_off()
    panels[0].set_ylim(bottom=0)
    return fig


def _draw_fit(ax, histories) -> None:
    """Draw the two curves of one network, named at their right end."""
    epochs = [row["epoch"] for row in histories[0]]
    for index, (key, name) in enumerate((("train_loss", "training"), ("validation_loss", "validation"))):
        runs = np.array([[row[key] for row in history] for history in histories])  # (S, N)
        mean, colour = runs.mean(axis=0), COLOURS[index]
        if len(runs) > 1:
            half = np.array([ledger.mean_and_spread(column)[1] for column in runs.T])
            ax.fill_between(epochs, np.maximum(mean - half, 0), mean + half, color=colour, alpha=0.18, linewidth=0)
        look = {"marker": MARKERS[index], "markevery": max(1, len(epochs) // 8), "markersize": 5}
        ax.plot(epochs, mean, color=colour, label=name, **look)
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.legend(frameon=False, loc="upper right")
