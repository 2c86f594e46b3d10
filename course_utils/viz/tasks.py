"""Answers to pictures in a grid, whatever the task: boxes, areas, single things, or bars of probabilities."""

import numpy as np
from matplotlib.figure import Figure

from course_utils.viz.base import new_figure, show_image, styled
from course_utils.viz.images import draw_bars, plot_boxes, plot_masks

SIDE = 2.9  # inches of a picture
BARS = 5  # most probable names


@styled
def plot_answers(panels, names, *, columns: int, title: str) -> Figure:
    """Draw a grid of pictures, each with one answer to it, row by row.

    Args:
        panels: N tuples (words, how, image, answer): what to write above it; how it is drawn; the image (H, W, 3),
            uint8 in 0–255 or float in 0–1; and

            - "picture": None;
            - "boxes": a pair of `ImageAnnotations` and scores (n,) in 0–1, or None for a truth;
            - "areas", one a class, or "things", numbered: `ImageAnnotations` with masks;
            - "bars": probabilities (K,) and their K names; the image is not drawn.
        names: names of the signs, indexed by label.
        columns: pictures in a row.
        title: the finding.

    Returns:
        The figure, N axes.

    Raises:
        ValueError: There is no panel, or another way to draw.
    """
    if not len(panels) or columns < 1:
        raise ValueError(f"Expected panels and at least one column, but got {len(panels)} and {columns}.")
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)  # rounded up
    fig = new_figure(SIDE * columns, (SIDE + 0.3) * rows + 0.4, title)
    for number, (words, how, image, answer) in enumerate(panels, start=1):
        _draw(fig.add_subplot(rows, columns, number), how, image, answer, names, words)
    return fig


def _draw(ax, how: str, image, answer, names, words: str) -> None:
    if how == "picture":
        show_image(ax, image, words)
    elif how == "boxes":
        plot_boxes(image, answer[0], names, scores=answer[1], title=words, ax=ax)
    elif how in ("areas", "things"):
        plot_masks(image, answer, names, semantic=how == "areas", title=words, ax=ax)
    elif how == "bars":
        draw_bars(ax, np.asarray(answer[0], dtype=float), answer[1], BARS)
        ax.set_title(words, loc="left")
    else:
        raise ValueError(f"Expected picture, boxes, areas, things or bars, but got {how!r}. Choose one of them.")
