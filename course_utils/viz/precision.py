"""Numbers of few bits, and where the time and the memory of a training step go."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from course_utils.viz.base import COLOURS, MARKERS, new_figure, styled

_FIELDS = (("S", COLOURS[1]), ("E", COLOURS[2]), ("M", COLOURS[0]))  # letter and colour of sign, exponent, mantissa
_HATCHES = ("", "//", "..")  # of the bars of several runs, beside their colour


@styled
def plot_bits(formats, *, title: str) -> Figure:
    """Draw the bits of floating-point formats, a row each, every bit marked S (sign), E (exponent) or M (mantissa).

    Args:
        formats: name → (exponent bits, mantissa bits); one sign bit is added.
        title: the finding.

    Returns:
        The figure. Exponents begin under each other, so that longer ones stand out.

    Raises:
        ValueError: there are no formats.
    """
    if not formats:
        raise ValueError("Expected at least one format, but got none. Pass name → (exponent bits, mantissa bits).")
    longest = max(1 + exponent + mantissa for exponent, mantissa in formats.values())
    fig = new_figure(9.0, 0.55 * len(formats) + 0.7, title)
    ax = fig.add_subplot(xlim=(-0.2, longest + 7.0), ylim=(len(formats) - 0.35, -0.6))
    for row, (exponent, mantissa) in enumerate(formats.values()):
        fields = [0] + [1] * exponent + [2] * mantissa
        for place, (letter, colour) in enumerate(_FIELDS[field] for field in fields):
            ax.add_patch(Rectangle((place, row - 0.36), 0.92, 0.72, color=colour))
            ax.text(place + 0.46, row, letter, ha="center", va="center", color="white", fontsize=8)
        ax.text(len(fields) + 0.4, row, f"1 + {exponent} + {mantissa} = {len(fields)} bits", va="center")
    ax.set_yticks(range(len(formats)), list(formats))
    ax.tick_params(left=False, bottom=False, labelbottom=False)
    ax.spines[["left", "bottom"]].set_visible(False)
    return fig


@styled
def plot_magnitudes(groups, limits, *, title: str, xlabel: str) -> Figure:
    """Draw histograms of the sizes of numbers over powers of two, with lines where a number format ends.

    Args:
        groups: name → numbers of any shape and sign; zeros have no size and are left out.
        limits: name of a limit → its value, above 0, drawn as an upright line.
        title: the finding.
        xlabel: quantity and unit.

    Returns:
        The figure: a step line for each group, shares that sum to 1.

    Raises:
        ValueError: a group has no number other than zero.
    """
    fig = new_figure(8.5, 4.0, title)
    ax = fig.add_subplot(xlabel=f"{xlabel}, power of two", ylabel="share of the numbers")
    for index, (name, values) in enumerate(groups.items()):
        sizes = np.abs(np.asarray(values, dtype=float).ravel())
        if not sizes.any():
            raise ValueError(f"Expected numbers other than zero in {name!r}, but got {sizes.size} zeros.")
        powers = np.floor(np.log2(sizes[sizes > 0])).astype(int)
        places, counts = np.unique(powers, return_counts=True)
        shares = np.zeros(np.ptp(places) + 1)
        shares[places - places.min()] = counts / counts.sum()
        edges = np.arange(places.min(), places.max() + 2)
        style = {"color": COLOURS[index], "linewidth": 2, "linestyle": ("-", "--", ":")[index % 3]}
        ax.stairs(shares, edges, label=name, **style)
    ax.set_ylim(top=1.45 * ax.get_ylim()[1])  # room for the names of the limits
    for index, (name, value) in enumerate(limits.items()):
        ax.axvline(np.log2(value), color="black", linewidth=1, linestyle=":")
        place = (np.log2(value), 0.98 - 0.09 * (index % 3))
        ax.annotate(f" {name}", place, xycoords=("data", "axes fraction"), va="top", fontsize=9)
    ax.legend(frameon=False, loc="center left")
    return fig


@styled
def plot_operations(runs, *, title: str, most: int = 8) -> Figure:
    """Draw the seconds of the slowest operations of some runs as bars side by side, the slowest on top.

    Args:
        runs: name → list of dicts with `name` and `seconds`, as `engine.profile_step(…).operations`.
        title: the finding.
        most: operations shown; the others are added up in a last row.

    Returns:
        The figure.

    Raises:
        ValueError: no run has an operation.
    """
    tables = {run: {row["name"]: row["seconds"] for row in rows} for run, rows in runs.items()}
    names = {name for table in tables.values() for name in table}
    if not names:
        raise ValueError("Expected runs with operations, but got none. Profile a step first.")
    ranked = sorted(names, key=lambda name: -max(table.get(name, 0.0) for table in tables.values()))
    shown, others = ranked[:most], ranked[most:]
    labels = shown + [f"{len(others)} others"] * bool(others)
    fig = new_figure(8.5, 0.5 * len(labels) + 1.3, title)
    ax = fig.add_subplot(xlabel="milliseconds a step")
    height = 0.8 / len(tables)
    for index, (run, table) in enumerate(tables.items()):
        values = [table.get(name, 0.0) for name in shown] + [sum(table.get(name, 0.0) for name in others)]
        places = np.arange(len(labels)) + (index - (len(tables) - 1) / 2) * height
        style = {"color": COLOURS[index], "hatch": _HATCHES[index % len(_HATCHES)], "edgecolor": "white"}
        ax.barh(places, 1e3 * np.array(values)[: len(labels)], height, label=run, **style)
    ax.set_yticks(range(len(labels)), [label.removeprefix("aten::") for label in labels])
    ax.invert_yaxis()
    ax.legend(frameon=False, loc="lower right")
    return fig


@styled
def plot_memory(timelines, *, title: str) -> Figure:
    """Draw the memory that is held during a step, one line a run, change by change.

    Changes are drawn in their order and not in time: an accelerator's memory is handed out by the processor, which is
    soon done with a step that the accelerator still computes.

    Args:
        timelines: name → list of (seconds, bytes), as `engine.profile_step(…).memory`.
        title: the finding.

    Returns:
        The figure, with a mark and the number at each peak.

    Raises:
        ValueError: a run has no changes of memory.
    """
    fig = new_figure(8.5, 3.8, title)
    ax = fig.add_subplot(xlabel="share of all changes of memory in the step", ylabel="MB beyond those before the step")
    for index, (name, timeline) in enumerate(timelines.items()):
        if not len(timeline):
            raise ValueError(f"Expected changes of memory in {name!r}, but got none. Did the step use the device?")
        megabytes = np.array(timeline, dtype=float)[:, 1] / 1e6
        done = np.arange(1, len(megabytes) + 1) / len(megabytes)
        ax.step(done, megabytes, where="post", color=COLOURS[index], linestyle=("-", "--", ":")[index % 3], label=name)
        peak = megabytes.argmax()
        ax.plot(done[peak], megabytes[peak], color=COLOURS[index], marker=MARKERS[index])
        place = {"xytext": (5, 5), "textcoords": "offset points"}
        number = f"{megabytes[peak]:,.0f}" if megabytes[peak] >= 100 else f"{megabytes[peak]:.3g}"
        ax.annotate(f"{number} MB", (done[peak], megabytes[peak]), **place)
    low, high = ax.get_ylim()
    ax.set_ylim(0 if low > -0.06 * high else low, 1.1 * high)  # below 0: what the step before it left is given back
    ax.legend(frameon=False)
    return fig
