"""What annotators write down: one object in four ways, and the boxes of several people side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from course_utils.viz.base import COLOURS, CONTRAST, new_figure, show_image, styled
from course_utils.viz.images import plot_boxes, plot_masks

if TYPE_CHECKING:
    from course_utils.annotations import ImageAnnotations


@styled
def plot_four_ways(image, annotations: ImageAnnotations, polygons, names, *, title: str) -> Figure:
    """Draw the same objects as boxes, outlines, masks and key points.

    Args:
        image: (H, W) or (H, W, 3), uint8 in 0–255 or float in 0–1.
        annotations: `boxes`, `labels`, `masks` and `keypoints` of that image.
        polygons: arrays (M, 2), x and y of corners between pixel edges.
        names: class names, indexed by label.
        title: what the figure shows.

    Returns:
        The figure, with four axes.
    """
    height, width = np.shape(image)[:2]
    fig = new_figure(12.0, 3.0 * height / width + 0.5, title)
    boxes, outlines, masks, points = fig.subplots(1, 4)
    plot_boxes(image, annotations, names, title="boxes", ax=boxes)
    show_image(outlines, image, "polygons: corners in order")
    for polygon in polygons:
        _draw_corners(outlines, polygon, closed=True)
    plot_masks(image, annotations, names, title="masks: pixel by pixel", ax=masks)
    show_image(points, image, "key points: named places")
    for placed in np.asarray(annotations.keypoints):
        _draw_corners(points, placed[placed[:, 2] > 0, :2], closed=False)
    return fig


def _draw_corners(ax, points, *, closed: bool) -> None:
    """Points (M, 2) between pixel edges in two tones: large dots, or small ones on a closed line."""
    points = np.asarray(points, dtype=float) - 0.5  # matplotlib counts pixel centres
    if closed:
        points = np.vstack([points, points[:1]])
    sizes, line = ((0, 3), "-") if closed else ((8, 5), "none")
    for width, size, colour in zip((3, 1.2), sizes, (CONTRAST, COLOURS[1]), strict=True):
        ax.plot(*points.T, color=colour, linewidth=width, linestyle=line, marker="o", markersize=size)


@styled
def plot_box_sets(image, sets: dict[str, ImageAnnotations], names, *, title: str) -> Figure:
    """Draw one image once for each set of boxes, side by side.

    Args:
        image: (H, W) or (H, W, 3), uint8 in 0–255 or float in 0–1.
        sets: whose boxes → the boxes of that image.
        names: class names, indexed by label.
        title: the finding.

    Returns:
        The figure, one axes a set.
    """
    height, width = np.shape(image)[:2]
    fig = new_figure(12.0, 12.0 / len(sets) * height / width + 0.5, title)
    for ax, (whose, drawn) in zip(fig.subplots(1, len(sets), squeeze=False)[0], sets.items(), strict=True):
        plot_boxes(image, drawn, names, title=whose, ax=ax)
    return fig
