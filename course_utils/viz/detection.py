"""What a detector sees and says: cells over a picture, anchors among widths and heights, boxes beside the truth."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from course_utils.viz.base import COLOURS, CONTRAST, new_figure, show_image, styled
from course_utils.viz.images import plot_boxes

if TYPE_CHECKING:
    from course_utils.annotations import ImageAnnotations

WIDEST = 12.0  # inches of a row of pictures


@styled
def plot_cells(
    image,
    annotations: ImageAnnotations,
    names,
    strides: Sequence[int],
    *,
    cells: dict[int, np.ndarray] | None = None,
    title: str,
) -> Figure:
    """Draw a picture once for each stride, with the cells that a detector lays over it.

    Args:
        image: (H, W, 3), uint8 in 0–255 or float in 0–1.
        annotations: boxes of that image.
        names: class names, indexed by label.
        strides: sides of a cell, pixels.
        cells: stride → (n, 2) columns and rows of cells to fill; None fills none.
        title: what the figure shows.

    Returns:
        The figure, one axes a stride.
    """
    height, width = np.shape(image)[:2]
    fig = new_figure(WIDEST, WIDEST / len(strides) * height / width + 0.5, title)
    for ax, stride in zip(fig.subplots(1, len(strides), squeeze=False)[0], strides, strict=True):
        filled = np.unique(np.reshape((cells or {}).get(stride, []), (-1, 2)), axis=0)
        words = f"stride {stride}: {height // stride} × {width // stride} cells"
        plot_boxes(image, annotations, names, title=words if cells is None else f"{words}, {len(filled)} answer", ax=ax)
        for edge in range(0, width + 1, stride):
            ax.plot([edge - 0.5] * 2, [-0.5, height - 0.5], color=CONTRAST, linewidth=0.6)
        for edge in range(0, height + 1, stride):
            ax.plot([-0.5, width - 0.5], [edge - 0.5] * 2, color=CONTRAST, linewidth=0.6)
        for column, row in filled:
            corner = (column * stride - 0.5, row * stride - 0.5)
            look = {"facecolor": COLOURS[3], "alpha": 0.55, "edgecolor": "black", "hatch": "//", "linewidth": 0.5}
            ax.add_patch(Rectangle(corner, stride, stride, **look))
    return fig


@styled
def plot_anchors(sides, anchors, *, title: str) -> Figure:
    """Draw widths and heights of boxes, the anchors among them, and the anchors as boxes on one centre.

    Args:
        sides: (N, 2), width and height of boxes, pixels.
        anchors: (A, 2).
        title: the finding.

    Returns:
        The figure, with two axes.
    """
    sides, anchors = np.asarray(sides), np.asarray(anchors)
    fig = new_figure(9.0, 4.2, title)
    left, right = fig.subplots(1, 2)
    left.plot(*sides.T, linestyle="none", marker=".", markersize=3, color=COLOURS[0], alpha=0.5, label="a box")
    left.plot(*anchors.T, linestyle="none", marker="s", markersize=7, color=COLOURS[1], label="an anchor")
    left.set(xlabel="width (pixels)", ylabel="height (pixels)", aspect="equal")
    left.set(xlim=(0, None), ylim=(0, None))
    left.legend(frameon=False)
    reach = anchors.max() / 2 * 1.1
    for width, height in anchors:
        look = {"fill": False, "edgecolor": COLOURS[1], "linewidth": 1.5}
        right.add_patch(Rectangle((-width / 2, -height / 2), width, height, **look))
    right.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    right.set(xlabel="from the centre (pixels)", ylabel="from the centre (pixels)")
    return fig


@styled
def plot_found(images, truths, found, names, *, titles: Sequence[str] | None = None, title: str) -> Figure:
    """Draw each picture twice: with the truth above, with what was found below.

    Args:
        images: n arrays (H, W, 3), uint8 in 0–255 or float in 0–1.
        truths: n `ImageAnnotations`.
        found: n pairs of `ImageAnnotations` and scores (N,).
        names: class names, indexed by label.
        titles: n strings, one below the truth of each picture; None for none.
        title: the finding.

    Returns:
        The figure, 2 n axes.
    """
    height, width = np.shape(images[0])[:2]
    fig = new_figure(WIDEST, 2 * (WIDEST / len(images) * height / width + 0.3) + 0.4, title)
    axes = fig.subplots(2, len(images), squeeze=False)
    titles = [""] * len(images) if titles is None else titles
    for column, (image, truth, (boxes, scores), words) in enumerate(zip(images, truths, found, titles, strict=True)):
        plot_boxes(image, truth, names, title="truth", ax=axes[0, column])
        plot_boxes(image, boxes, names, scores=scores, title=textwrap.fill(words or "found", 30), ax=axes[1, column])
    return fig


@styled
def plot_suppressed(image, before, after, names, *, title: str) -> Figure:
    """Draw a picture, all boxes that a detector is sure of, and those that suppression keeps.

    Args:
        image: (H, W, 3).
        before: `ImageAnnotations` of all candidates; they are drawn without names.
        after: pair of `ImageAnnotations` and scores (N,).
        names: class names, indexed by label.
        title: the finding.

    Returns:
        The figure, with two axes.
    """
    height, width = np.shape(image)[:2]
    fig = new_figure(9.0, 4.5 * height / width + 0.5, title)
    left, right = fig.subplots(1, 2)
    show_image(left, image, f"before: {len(before)} boxes")
    for x1, y1, x2, y2 in np.asarray(before.boxes).tolist():
        look = {"fill": False, "edgecolor": COLOURS[1], "linewidth": 0.8}
        left.add_patch(Rectangle((x1 - 0.5, y1 - 0.5), x2 - x1, y2 - y1, **look))
    plot_boxes(image, after[0], names, scores=after[1], title=f"after: {len(after[0])}", ax=right)
    return fig
