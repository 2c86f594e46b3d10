"""Charts about measuring: who is in which part, what a threshold gives, how sure a number is."""

import math

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import PercentFormatter

from course_utils import metrics
from course_utils.viz.base import COLOURS, LINES, MARKERS, new_figure, styled

PART_STYLE = {"train": (COLOURS[0], ""), "validation": (COLOURS[1], "///"), "test": (COLOURS[2], "...")}


@styled
def plot_splits(rows, *, title: str, xlabel: str, borders=()) -> Figure:
    """Draw which part each example belongs to, one row a way of splitting.

    Args:
        rows: name → N parts ("train", "validation" or "test"), in the order in which the examples are to stand.
        title: the finding.
        xlabel: what the examples are, and their order.
        borders: positions where a group begins, drawn as thin lines across all rows.

    Returns:
        The figure. The parts differ in colour and hatching.

    Raises:
        ValueError: no rows, rows of different length, or an unknown part.
    """
    sizes = {len(parts) for parts in rows.values()}
    unknown = {part for parts in rows.values() for part in parts} - set(PART_STYLE)
    if len(sizes) != 1 or unknown:
        raise ValueError(
            f"Expected rows of one length with the parts {tuple(PART_STYLE)}, but got lengths {sorted(sizes)} and "
            f"parts {sorted(unknown)}. Name every example's part, in every row."
        )
    fig = new_figure(8.0, 0.6 * len(rows) + 1.3, title)
    ax = fig.add_subplot(xlabel=xlabel)
    for height, parts in enumerate(rows.values()):
        for start, stop in _stretches(parts):
            colour, hatch = PART_STYLE[parts[start]]
            look = {"facecolor": colour, "hatch": hatch, "edgecolor": "white", "linewidth": 0}
            ax.broken_barh([(start, stop - start)], (height - 0.35, 0.7), **look)
    for border in borders:
        ax.axvline(border, color="black", linewidth=0.8)
    ax.set_yticks(range(len(rows)), list(rows))
    ax.set(xlim=(0, sizes.pop()), ylim=(len(rows) - 0.5, -0.5))
    handles = [Patch(facecolor=c, hatch=h, edgecolor="white", label=p) for p, (c, h) in PART_STYLE.items()]
    fig.legend(handles=handles, loc="outside right center", frameon=False)
    return fig


def _stretches(parts) -> list[tuple[int, int]]:
    """Start and stop of each run of equal parts."""
    starts = [i for i in range(len(parts)) if i == 0 or parts[i] != parts[i - 1]]
    return list(zip(starts, [*starts[1:], len(parts)], strict=True))


@styled
def plot_roc_and_precision_recall(methods, target, *, title: str) -> Figure:
    """Draw the ROC curve and the precision-recall curve of one or more methods side by side.

    Args:
        methods: name → scores (N,), the higher the more likely positive.
        target: (N,) True or 1 for positive.
        title: the finding.

    Returns:
        The figure, with two axes. Each curve's label has the area; the dashed line is a ranking at random.
    """
    share = float(np.mean(np.asarray(target, dtype=float)))
    fig = new_figure(9.0, 4.3, title)
    roc, pr = fig.subplots(1, 2)
    for index, (name, scores) in enumerate(methods.items()):
        look = {"color": COLOURS[index], "linestyle": LINES[index % len(LINES)], "linewidth": 2}
        false_alarms, found, _ = metrics.roc_curve(scores, target)
        roc.plot(false_alarms, found, label=f"{name}: {metrics.roc_auc(scores, target):.2f}", **look)
        precision, recall, _ = metrics.precision_recall_curve(scores, target)
        label = f"{name}: {metrics.average_precision(scores, target):.2f}"
        pr.plot(recall, precision, drawstyle="steps-post", label=label, **look)
    roc.plot([0, 1], [0, 1], color="black", linewidth=1, linestyle="--", label="at random: 0.50")
    pr.plot([0, 1], [share, share], color="black", linewidth=1, linestyle="--", label=f"at random: {share:.2f}")
    roc.set(xlabel="false alarms: share of negatives", ylabel="finds: share of positives (recall)")
    pr.set(xlabel="recall: share of positives found", ylabel="precision: share of finds that are right")
    for ax, name in ((roc, "ROC curve, area"), (pr, "precision-recall, average precision")):
        ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
        ax.set_title(name, loc="left")
        ax.legend(frameon=False, loc="lower right" if ax is roc else "lower left")
    return fig


@styled
def plot_iou_against_shift(shifts, box_sizes=(20,), *, title: str) -> Figure:
    """Draw the IoU of a square box and the same box moved sideways.

    Args:
        shifts: how far it is moved, pixels.
        box_sizes: sides of the boxes, pixels; one curve each.
        title: the finding.

    Returns:
        The figure, with a dashed line at the usual threshold of 0.5.
    """
    fig = new_figure(7.0, 3.6, title)
    ax = fig.add_subplot(xlabel="shift (pixels)", ylabel="IoU")
    shifts = np.asarray(shifts, dtype=float)
    for index, size in enumerate(box_sizes):
        shared = np.clip(size - shifts, 0, None) * size
        curve = shared / (2 * size**2 - shared)
        look = {"color": COLOURS[index], "marker": MARKERS[index], "markevery": max(1, len(shifts) // 12)}
        ax.plot(shifts, curve, label=f"box of {size} × {size} pixels", **look)
    ax.axhline(0.5, color="black", linewidth=1, linestyle="--", label="usual threshold")
    ax.legend(frameon=False)
    ax.set_ylim(-0.02, 1.02)
    return fig


@styled
def plot_average_precision(precision, recall, *, title: str) -> Figure:
    """Draw a detector's precision over recall with the envelope that COCO reads and VOC's eleven points on it.

    Args:
        precision: (N,) precision after each detection, highest score first.
        recall: (N,) recall after each detection, ascending.
        title: the finding.

    Returns:
        The figure.

    Raises:
        ValueError: `precision` and `recall` are not (N,) with N of at least 1.
    """
    precision, recall = np.asarray(precision, dtype=float), np.asarray(recall, dtype=float)
    if precision.ndim != 1 or precision.shape != recall.shape or not len(precision):
        raise ValueError(
            f"Expected `precision` and `recall` to be (N,) with N >= 1, but got {precision.shape} and {recall.shape}. "
            "Give one value of each for every detection."
        )
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    eleven = np.linspace(0, 1, 11)
    heights = [envelope[recall >= point - 1e-9].max(initial=0) for point in eleven]
    fig = new_figure(7.0, 3.8, title)
    ax = fig.add_subplot(xlabel="recall: share of objects found", ylabel="precision")
    ax.plot(recall, precision, color=COLOURS[0], linewidth=1.5, label="after each detection")
    steps = {"color": COLOURS[1], "linestyle": "--", "drawstyle": "steps-pre", "linewidth": 2}
    ax.plot(np.r_[0, recall], np.r_[envelope[0], envelope], label="envelope: best precision from here on", **steps)
    ax.plot(eleven, heights, color=COLOURS[2], marker="D", linestyle="none", label="eleven points of VOC 2007")
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.05))
    ax.legend(frameon=False, loc="lower left")
    return fig


@styled
def plot_intervals_against_n(intervals, *, title: str, ylabel: str) -> Figure:
    """Draw how an interval narrows as examples are added.

    Args:
        intervals: number of examples → dict with `value`, `low` and `high`, as `metrics.bootstrap_interval` gives.
        title: the finding.
        ylabel: quantity and unit.

    Returns:
        The figure; each bar has its half width in percentage points above it.

    Raises:
        ValueError: no intervals.
    """
    if not intervals:
        raise ValueError("Expected at least one interval, but got none. Pass n → {value, low, high}.")
    fig = new_figure(7.0, 3.6, title)
    ax = fig.add_subplot(xlabel="examples scored", ylabel=ylabel)
    ax.set_xscale("log")
    for n, interval in intervals.items():
        low, high = interval["low"], interval["high"]
        ax.plot([n, n], [low, high], color=COLOURS[0], linewidth=3, solid_capstyle="butt")
        ax.plot([n], [interval["value"]], color=COLOURS[1], marker="D", markersize=7, linestyle="none")
        ax.annotate(f"±{50 * (high - low):.1f}", (n, high), xytext=(0, 4), textcoords="offset points", ha="center")
    ax.set_xticks(list(intervals), [f"{n:,}" for n in intervals])
    ax.minorticks_off()
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.margins(x=0.1, y=0.15)
    return fig


@styled
def plot_reliability(tables, *, title: str) -> Figure:
    """Draw reliability diagrams side by side: what was promised, what happened, and how often it was said.

    Args:
        tables: name → what `metrics.reliability` returns.
        title: the finding.

    Returns:
        The figure, one axes a table. The area of a point is the number of examples in its bin; below the dashed line
        the model was too sure.

    Raises:
        ValueError: no tables.
    """
    if not tables:
        raise ValueError("Expected at least one table, but got none. Pass name → `metrics.reliability(…)`.")
    fig = new_figure(max(4.5, 4.2 * len(tables)), 4.3, title)
    axes = fig.subplots(1, len(tables), sharey=True, squeeze=False)[0]
    for index, (ax, (name, table)) in enumerate(zip(axes, tables.items(), strict=True)):
        confidence, happened, count = (np.asarray(table[key], float) for key in ("confidence", "accuracy", "count"))
        there = count > 0
        ax.plot([0, 1], [0, 1], color="black", linewidth=1, linestyle="--")
        ax.plot(confidence[there], happened[there], color=COLOURS[index], linewidth=1)
        area = 20 + 400 * count[there] / count.sum()
        ax.scatter(confidence[there], happened[there], s=area, color=COLOURS[index], marker=MARKERS[index])
        ax.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal", xlabel="predicted probability")
        ax.set_title(name, loc="left")
    axes[0].set_ylabel("share that came true")
    return fig


@styled
def plot_distribution(
    values, *, title: str, xlabel: str, ylabel: str = "number of cases", marks=(), bins: int = 30
) -> Figure:
    """Draw a histogram with named vertical lines.

    Args:
        values: (N,) numbers.
        title: the finding.
        xlabel: quantity and unit.
        ylabel: what is counted.
        marks: name → position of a vertical line.
        bins: number of bins.

    Returns:
        The figure.

    Raises:
        ValueError: no values, or one that is not finite.
    """
    values = np.asarray(values, dtype=float)
    if values.ndim != 1 or not len(values) or not all(map(math.isfinite, values)):
        raise ValueError(f"Expected `values` to be (N,) finite numbers, but got shape {values.shape}. Drop the others.")
    fig = new_figure(7.0, 3.4, title)
    ax = fig.add_subplot(xlabel=xlabel, ylabel=ylabel)
    ax.hist(values, bins=bins, color=COLOURS[0])
    for index, (name, position) in enumerate(dict(marks).items(), start=1):
        line = LINES[index % len(LINES)]
        ax.axvline(position, color=COLOURS[index], linewidth=2, linestyle=line, label=name)
    if marks:
        ax.legend(frameon=False)
    return fig
