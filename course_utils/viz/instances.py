"""Detectors of two stages at work: proposals, boxes, masks, and what was found beside what is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from course_utils.viz.base import COLOURS, CONTRAST, new_figure, show_image, styled
from course_utils.viz.images import plot_boxes, plot_masks

if TYPE_CHECKING:
    from course_utils.annotations import ImageAnnotations


@styled
def plot_stages(image, proposals, found: ImageAnnotations, names, *, scores, title: str) -> Figure:
    """Draw what a two-stage detector makes of an image: its proposals, its boxes, its masks.

    Args:
        image: (H, W) or (H, W, 3), uint8 in 0–255 or float in 0–1.
        proposals: (P, 4) boxes xyxy in pixels, of the first stage.
        found: `boxes`, `labels` and `masks` of the second stage.
        names: class names, indexed by label.
        scores: confidence of each box in `found`, 0–1.
        title: the finding.

    Returns:
        The figure, with four axes: picture, proposals, boxes with score, masks.
    """
    height, width = np.shape(image)[:2]
    fig = new_figure(12.0, 3.0 * height / width + 0.5, title)
    bare, first, boxes, masks = fig.subplots(1, 4)
    show_image(bare, image, "picture")
    proposals = np.asarray(proposals)
    show_image(first, image, f"first stage: {len(proposals)} proposals")
    for x1, y1, x2, y2 in proposals.tolist():
        for thickness, colour in ((2, CONTRAST), (0.8, COLOURS[1])):
            place = (x1 - 0.5, y1 - 0.5), x2 - x1, y2 - y1  # matplotlib counts pixel centres
            first.add_patch(Rectangle(*place, fill=False, edgecolor=colour, linewidth=thickness))
    plot_boxes(image, found, names, scores=scores, title="box head: class and box", ax=boxes)
    plot_masks(image, found, names, title="mask head: one outline a thing", ax=masks)
    return fig


@styled
def plot_verdicts(scenes, found, names, *, titles, title: str) -> Figure:
    """Draw pictures twice: the truth above, what was found below.

    Args:
        scenes: N pairs of an image, (H, W) or (H, W, 3), uint8 in 0–255 or float in 0–1, and its true
            `ImageAnnotations` with masks.
        found: N pairs of `ImageAnnotations` with masks and their confidences in 0–1.
        names: class names, indexed by label.
        titles: N strings, above the truth.
        title: the finding.

    Returns:
        The figure, with 2 N axes.

    Raises:
        ValueError: The lists differ in length or are empty.
    """
    if not len(scenes) == len(found) == len(titles) or not len(scenes):
        raise ValueError(
            f"Expected as many detections and titles as scenes, at least one, but got {len(scenes)} scenes, "
            f"{len(found)} and {len(titles)}. Give one of each for every picture."
        )
    fig = new_figure(max(5.0, 2.9 * len(scenes)), 6.4, title)
    axes = fig.subplots(2, len(scenes), squeeze=False)
    for column, ((image, truth), (seen, scores)) in enumerate(zip(scenes, found, strict=True)):
        plot_masks(image, truth, names, title=titles[column], ax=axes[0, column])
        sure = ", ".join(f"{float(score):.2f}" for score in scores)
        plot_masks(image, seen, names, title=f"score {sure}" if sure else "nothing found", ax=axes[1, column])
    return fig
