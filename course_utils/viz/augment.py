"""Changed images: whether their label still holds, where their boxes went, what was mixed, and what it did by class."""

from typing import TYPE_CHECKING

import matplotlib.patheffects
import numpy as np
from matplotlib.figure import Figure

from course_utils import ledger
from course_utils.viz.base import COLOURS, CONTRAST, MARKERS, new_figure, show_image, styled
from course_utils.viz.images import plot_boxes, plot_masks

if TYPE_CHECKING:
    from course_utils.annotations import ImageAnnotations

VERDICTS = {True: ("✔", COLOURS[2]), False: ("✘", COLOURS[1]), None: ("?", COLOURS[3])}


@styled
def plot_changes(images, titles, kept, *, columns: int = 4, title: str = "") -> Figure:
    """Draw changed images, each framed by the verdict whether its label still holds.

    Args:
        images: N arrays (H, W) or (H, W, 3), uint8 in 0–255 or float in 0–1.
        titles: N strings, what was done to each.
        kept: N verdicts: True (✔, green frame), False (✘, red frame), or None for one that depends (?, pink frame).
        columns: images in a row.
        title: the finding.

    Returns:
        The figure, with one axes an image.

    Raises:
        ValueError: images, titles and verdicts differ in number.
    """
    if not len(images) == len(titles) == len(kept):
        raise ValueError(
            f"Expected as many titles and verdicts as images, but got {len(images)} images, {len(titles)} titles and "
            f"{len(kept)} verdicts. Give one of each."
        )
    columns = max(1, min(columns, len(images)))
    rows = -(-len(images) // columns)  # rounded up
    fig = new_figure(max(4.0, 2.2 * columns), 2.4 * rows + 0.4, title)
    for number, (image, text, verdict) in enumerate(zip(images, titles, kept, strict=True), start=1):
        mark, colour = VERDICTS[verdict]
        ax = fig.add_subplot(rows, columns, number)
        show_image(ax, image, f"{mark} {text}")
        ax.set_axis_on()
        ax.set(xticks=[], yticks=[])
        for spine in ax.spines.values():
            spine.set(visible=True, color=colour, linewidth=4)
    return fig


@styled
def plot_followed(
    images, annotations: "list[ImageAnnotations]", names, *, titles, columns: int = 4, title=""
) -> Figure:
    """Draw changed images with their boxes and, where there are any, their masks.

    Args:
        images: N arrays (H, W, 3), uint8 in 0–255 or float in 0–1.
        annotations: N of them, `boxes` (M, 4) xyxy pixels, `labels` (M,), `masks` (M, H, W) or None; M may be 0.
        names: class names, indexed by label.
        titles: N strings, what was done to each.
        columns: images in a row.
        title: the finding.

    Returns:
        The figure, with one axes an image: box as outline, mask as tinted area.

    Raises:
        ValueError: images, annotations and titles differ in number.
    """
    if not len(images) == len(annotations) == len(titles):
        raise ValueError(
            f"Expected as many annotations and titles as images, but got {len(images)} images, {len(annotations)} "
            f"annotations and {len(titles)} titles. Give one of each."
        )
    columns = max(1, min(columns, len(images)))
    rows = -(-len(images) // columns)
    fig = new_figure(max(4.0, 2.6 * columns), 2.7 * rows + 0.4, title)
    for number, (image, known, text) in enumerate(zip(images, annotations, titles, strict=True), start=1):
        ax = fig.add_subplot(rows, columns, number)
        if known.masks is not None:
            plot_masks(image, known, [""] * len(names), semantic=True, ax=ax)
            for plate in list(ax.texts):  # the names stand at the boxes
                plate.remove()
        plot_boxes(image, known, names, title=text, ax=ax)
        ax.set_title(text, loc="left")
    return fig


@styled
def plot_mixes(images, shares, names, *, titles=None, columns: int = 4, title: str = "") -> Figure:
    """Draw mixed images, each above a bar that is divided as its label is.

    Args:
        images: N arrays (H, W) or (H, W, 3), uint8 in 0–255 or float in 0–1.
        shares: (N, K), the soft labels; each row sums to 1.
        names: K class names.
        titles: N strings, or None.
        columns: images in a row.
        title: the finding.

    Returns:
        The figure: 2N axes, image and bar in turn.

    Raises:
        ValueError: `shares` is not (N, K), or a row does not sum to 1.
    """
    shares = np.asarray(shares, dtype=float)
    if shares.shape != (len(images), len(names)) or not np.allclose(shares.sum(axis=1), 1, atol=1e-4):
        raise ValueError(
            f"Expected `shares` to be ({len(images)}, {len(names)}) with rows that sum to 1, but got {shares.shape} "
            f"with sums {shares.sum(axis=-1).round(3).tolist()}. Class indices become shares by `one_hot`."
        )
    columns = max(1, min(columns, len(images)))
    rows = -(-len(images) // columns)
    fig = new_figure(max(4.0, 2.2 * columns), 2.8 * rows + 0.4, title)
    grid = fig.add_gridspec(2 * rows, columns, height_ratios=[6, 1] * rows)
    for index, (image, row) in enumerate(zip(images, shares, strict=True)):
        place = 2 * (index // columns), index % columns
        show_image(fig.add_subplot(grid[place]), image, titles[index] if titles is not None else "")
        _draw_shares(fig.add_subplot(grid[place[0] + 1, place[1]]), row, names)
    return fig


def _draw_shares(ax, row: np.ndarray, names) -> None:
    """One bar from 0 to 1, divided into the shares (K,) of the classes that have one, each with name and share."""
    left = 0.0
    halo = [matplotlib.patheffects.withStroke(linewidth=2.5, foreground=CONTRAST)]
    for label, share in enumerate(row.tolist()):
        if share > 0:
            ax.barh(0, share, left=left, color=COLOURS[label % len(COLOURS)], edgecolor="white", height=1)
        if share >= 0.12:  # a narrower part has no room for its name
            text = f"{names[label]}\n{share:.2f}"
            ax.text(left + share / 2, 0, text, ha="center", va="center", fontsize=8, path_effects=halo)
        left += share
    ax.set(xlim=(0, 1), ylim=(-0.5, 0.5))
    ax.set_axis_off()


@styled
def plot_by_class(values, names, *, title: str, xlabel: str, notes=None, limits=(0.0, 1.0)) -> Figure:
    """Draw one score of several methods class by class, with the interval where runs were repeated.

    Args:
        values: method → (K,) values, or (S, K) of S ≥ 2 runs: the mean as the point and its 95 % t-interval as the bar;
            NaN where a class has no score.
        names: K class names; the first stands on top.
        title: the finding.
        xlabel: quantity and unit.
        notes: K strings written below the names, such as numbers of examples; or None.
        limits: (least, greatest) value that the score can take; bars end there.

    Returns:
        The figure. Methods differ in marker and colour, and stand in the legend.

    Raises:
        ValueError: a method does not have K values a run, or `notes` are not K.
    """
    notes = [""] * len(names) if notes is None else list(notes)
    rows = {method: np.atleast_2d(np.asarray(found, dtype=float)) for method, found in values.items()}  # (S, K)
    shapes = {method: found.shape[1:] for method, found in rows.items()}
    if any(shape != (len(names),) for shape in shapes.values()) or len(notes) != len(names):
        raise ValueError(
            f"Expected {len(names)} values a run and as many notes, but got {shapes} and {len(notes)} notes. "
            "Put runs on the first axis and classes on the second."
        )
    fig = new_figure(7.5, (0.22 * len(rows) + 0.35) * len(names) + 1.3, title)
    ax = fig.add_subplot(xlabel=xlabel)
    for index, (method, found) in enumerate(rows.items()):
        heights = np.arange(len(names)) + 0.7 * ((index + 0.5) / len(rows) - 0.5)
        look = {"color": COLOURS[index % len(COLOURS)], "marker": MARKERS[index % len(MARKERS)]}
        ax.plot(found.mean(axis=0), heights, linestyle="none", markersize=7, label=method, **look)
        for height, column in zip(heights, found.T, strict=True):
            mean, half = ledger.mean_and_spread(column)
            if half is not None:
                ax.plot(
                    np.clip([mean - half, mean + half], *limits), [height, height], color=look["color"], linewidth=2
                )
    labels = [f"{name}\n{note}" if note else name for name, note in zip(names, notes, strict=True)]
    ax.set_yticks(range(len(names)), labels)
    ax.set_ylim(len(names) - 0.5, -0.5)  # the first class on top
    for edge in range(1, len(names)):
        ax.axhline(edge - 0.5, color="0.85", linewidth=1)
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    return fig
