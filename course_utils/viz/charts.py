"""Charts of numbers: curves, intervals, tables."""

import numpy as np
from matplotlib.figure import Figure

from course_utils import ledger
from course_utils.viz.base import COLOURS, MARKERS, new_figure, styled


@styled
def plot_curves(x, series, *, title: str, xlabel: str, ylabel: str, log_x: bool = False) -> Figure:
    """Draw one or more named curves over the same x, with the interval where runs were repeated.

    Args:
        x: (N,) positions, in the unit that `xlabel` names.
        series: name → (N,) values, or (S, N) values of S ≥ 2 runs: their mean as the line and, as the band, the
            95 % t-interval of that mean.
        title: the finding.
        xlabel: quantity and unit of x.
        ylabel: quantity and unit of the values.
        log_x: logarithmic x axis, ticks at the given positions.

    Returns:
        The figure. Every line ends in its name; lines differ in marker and colour.

    Raises:
        ValueError: a series does not have N values.
    """
    x = np.asarray(x, dtype=float)
    fig = new_figure(7.5, 4.0, title)
    ax = fig.add_subplot(xlabel=xlabel, ylabel=ylabel)
    if log_x:
        ax.set_xscale("log")
        ax.set_xticks(x, [f"{value:g}" for value in x])
        ax.minorticks_off()
    elif (x == x.round()).all():  # epochs and counts have no halves
        ax.xaxis.get_major_locator().set_params(integer=True)
    ends = {name: _draw_curve(ax, x, values, name, index) for index, (name, values) in enumerate(series.items())}
    _name_lines(ax, ends)
    return fig


def _draw_curve(ax, x: np.ndarray, values, name: str, index: int) -> float:
    """Draw one curve with its band and give the height at which it ends."""
    values = np.atleast_2d(np.asarray(values, dtype=float))  # (S, N), S = 1 for a single run
    if values.ndim != 2 or values.shape[1] != len(x):
        raise ValueError(
            f"Expected series {name!r} to have {len(x)} values a run, as x has, but got shape {values.shape}. "
            "Put runs on the first axis and positions on the second."
        )
    mean, colour = values.mean(axis=0), COLOURS[index % len(COLOURS)]
    if len(values) > 1:
        half = np.array([ledger.mean_and_spread(column)[1] for column in values.T])
        ax.fill_between(x, mean - half, mean + half, color=colour, alpha=0.18, linewidth=0)
    every = max(1, len(x) // 12)  # markers stay apart on a long curve
    ax.plot(x, mean, color=colour, marker=MARKERS[index % len(MARKERS)], markevery=every, markersize=5, label=name)
    finite = mean[np.isfinite(mean)]
    return float(finite[-1]) if len(finite) else np.nan


def _name_lines(ax, ends: dict[str, float]) -> None:
    """Write each line's name at its right end, with its marker, far enough apart to read."""
    low, high = ax.get_ylim()
    wanted = {name: (0.0 if np.isnan(end) else (end - low) / (high - low)) for name, end in ends.items()}
    below = -1.0
    for name in sorted(wanted, key=wanted.get):
        height = max(wanted[name], below + 0.08)
        line = next(line for line in ax.get_lines() if line.get_label() == name)
        mark = {"color": line.get_color(), "marker": line.get_marker(), "markersize": 5, "linestyle": "none"}
        ax.plot([1.02], [height], transform=ax.transAxes, clip_on=False, **mark)
        ax.annotate(name, (1.04, height), xycoords="axes fraction", va="center")
        below = height


@styled
def plot_history(history, *, title: str, keys=("train_loss", "validation_loss"), ylabel: str = "Loss") -> Figure:
    """Draw what a training run wrote down, epoch by epoch.

    Args:
        history: list of dicts, one an epoch, as `engine.fit` returns; epochs count from 1.
        title: the finding.
        keys: entries to draw; one that no epoch has is left out, one missing in some epochs leaves a gap.
        ylabel: quantity and unit of these entries.

    Returns:
        The figure.

    Raises:
        ValueError: no epoch has any of the keys.
    """
    present = [key for key in keys if any(key in epoch for epoch in history)]
    if not present:
        found = sorted({key for epoch in history for key in epoch})
        raise ValueError(
            f"Expected `history` to hold one of {tuple(keys)}, but got {found}. Name the entries to draw in `keys`."
        )
    epochs = [epoch.get("epoch", index + 1) for index, epoch in enumerate(history)]
    names = {key: key.replace("train_", "training_").replace("_", " ") for key in present}
    series = {names[key]: [epoch.get(key, np.nan) for epoch in history] for key in present}
    return plot_curves(epochs, series, title=title, xlabel="Epoch (passes over the training set)", ylabel=ylabel)


@styled
def plot_intervals(rows, *, title: str, xlabel: str, zero_line: bool = False) -> Figure:
    """Draw named values as points with their interval as a bar, first row on top.

    Args:
        rows: name → (mean, low, high), or a dict with these keys as `metrics.paired_difference` returns it; NaN for
            low and high where there is no interval.
        title: the finding.
        xlabel: quantity and unit.
        zero_line: draw the line of no difference at 0.

    Returns:
        The figure. Each row is labelled with its name and its mean.

    Raises:
        ValueError: no rows.
    """
    if not rows:
        raise ValueError("Expected at least one row, but got none. Pass name → (mean, low, high).")
    fig = new_figure(7.5, 0.5 * len(rows) + 1.4, title)
    ax = fig.add_subplot(xlabel=xlabel)
    for height, values in enumerate(rows.values()):
        mean, low, high = (values[k] for k in ("mean", "low", "high")) if isinstance(values, dict) else values
        ax.plot([low, high], [height, height], color=COLOURS[0], linewidth=3, solid_capstyle="butt")
        ax.plot([mean], [height], color=COLOURS[1], marker="D", markersize=7, linestyle="none")
        ax.annotate(f"{mean:.3g}", (mean, height), xytext=(0, 7), textcoords="offset points", ha="center", fontsize=9)
    if zero_line:
        ax.axvline(0, color="black", linewidth=1, linestyle="--")
    ax.set_yticks(range(len(rows)), list(rows))
    ax.set_ylim(len(rows) - 0.5, -0.6)  # the first row on top
    return fig


@styled
def plot_matrix(values, names, *, title: str, label: str, xlabel: str = "", ylabel: str = "") -> Figure:
    """Draw a square table of numbers as a map, with the number in every cell.

    Args:
        values: (K, K) numbers, e.g. similarities or confusion counts with the truth in rows.
        names: K names of rows and columns.
        title: the finding.
        label: quantity and unit of the numbers.
        xlabel: what the columns are.
        ylabel: what the rows are.

    Returns:
        The figure.

    Raises:
        ValueError: `values` is not (K, K).
    """
    values = np.asarray(values)
    if values.shape != (len(names), len(names)):
        raise ValueError(
            f"Expected `values` to be ({len(names)}, {len(names)}), but got {values.shape}. Give one name a row."
        )
    side = 2.4 + 0.48 * len(names)
    fig = new_figure(side + 0.8, side, title)
    ax = fig.add_subplot(xlabel=xlabel, ylabel=ylabel)
    shade = ax.imshow(values)
    for (row, column), value in np.ndenumerate(values):
        text = f"{value}" if values.dtype.kind in "iu" else f"{value:.2f}"
        tone = "black" if shade.norm(value) > 0.5 else "white"
        ax.text(column, row, text, ha="center", va="center", fontsize=8, color=tone)
    ax.set_xticks(range(len(names)), names, rotation=40, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(len(names)), names)
    fig.colorbar(shade, label=label, shrink=0.8)
    return fig
