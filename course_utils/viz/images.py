"""Pictures with what was found or marked in them."""

from typing import TYPE_CHECKING

import matplotlib.colors
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from course_utils.viz.base import COLOURS, CONTRAST, LINES, new_figure, show_image, styled

if TYPE_CHECKING:
    from course_utils.annotations import ImageAnnotations


@styled
def plot_images(images, *, titles=None, columns: int = 4, title: str = "") -> Figure:
    """Draw a grid of images, row by row.

    Args:
        images: sequence of N arrays, each (H, W) or (H, W, 3), uint8 in 0–255 or float in 0–1; sizes may differ.
        titles: N strings, one above each image, or None.
        columns: images in a row.
        title: what the grid shows, above all of it.

    Returns:
        The figure, with one axes an image.

    Raises:
        ValueError: `titles` and `images` differ in number, or an image has another shape.
    """
    titles = [""] * len(images) if titles is None else list(titles)
    if len(titles) != len(images):
        raise ValueError(f"Expected one title an image, but got {len(titles)} for {len(images)}. Give as many of each.")
    columns = max(1, min(columns, len(images)))
    rows = -(-len(images) // columns)  # rounded up
    fig = new_figure(max(4.0, 2.2 * columns), max(1, 2.3 * rows) + 0.4, title)
    for index, (image, text) in enumerate(zip(images, titles, strict=True)):
        show_image(fig.add_subplot(rows, columns, index + 1), image, text)
    return fig


def class_style(label: int) -> tuple[str, str]:
    """Colour and line style of a class, the same in every figure of the course.

    Args:
        label: class index, 0 or greater. Class 5 has the colour of class 0 again, but dashed.

    Returns:
        (colour, line style) for matplotlib.

    >>> class_style(0)
    ('#0072B2', '-')
    >>> class_style(6)
    ('#D55E00', '--')
    """
    return COLOURS[label % len(COLOURS)], LINES[label // len(COLOURS) % len(LINES)]


def _place(image, ax, title: str):
    """The axes to draw an image on, and their figure: those given, or new ones."""
    if ax is None:
        height, width = np.shape(image)[:2]
        fig = new_figure(5.0, 5.0 * height / width + 0.4, title)
        ax, title = fig.add_subplot(), ""
    show_image(ax, image, title)
    return ax, ax.figure


def _write_label(ax, box, text: str, colour: str, others) -> None:
    """Write a name on a white plate above its box, or below where it would cover another; inside the picture."""
    x1, y1, _, y2 = box
    plate = {"facecolor": "white", "edgecolor": colour, "pad": 1.5, "linewidth": 1}
    height = abs(ax.get_ylim()[0] - ax.get_ylim()[1])
    covers = any(left < x1 < right and top < y1 < bottom for left, top, right, bottom in others)
    y, side = (y2 + 2, "top") if covers and y2 < 0.92 * height else (max(y1 - 2, 0.06 * height), "bottom")
    ax.text(max(x1, 0), y, text, fontsize=8, color="black", va=side, bbox=plate, clip_on=True)


@styled
def plot_boxes(image, annotations: "ImageAnnotations", names, *, scores=None, title: str = "", ax=None) -> Figure:
    """Draw an image with its boxes: two-tone outline, class name, and score where there is one.

    Args:
        image: (H, W) or (H, W, 3), uint8 in 0–255 or float in 0–1.
        annotations: `boxes` (N, 4) xyxy in pixels and `labels` (N,) of that image; N may be 0.
        names: class names, indexed by label.
        scores: N confidences in 0–1 of predicted boxes; None for a truth.
        title: what the figure shows.
        ax: axes to draw on, or None for a new figure.

    Returns:
        The figure.
    """
    ax, fig = _place(image, ax, title)
    boxes, labels = np.asarray(annotations.boxes), np.asarray(annotations.labels)
    for index, ((x1, y1, x2, y2), label) in enumerate(zip(boxes.tolist(), labels.tolist(), strict=True)):
        colour, line = class_style(label)
        for width, edge, style in ((4, CONTRAST, "-"), (2, colour, line)):
            look = {"fill": False, "linewidth": width, "edgecolor": edge, "linestyle": style}
            ax.add_patch(Rectangle((x1 - 0.5, y1 - 0.5), x2 - x1, y2 - y1, **look))  # matplotlib counts pixel centres
        score = "" if scores is None else f" {float(scores[index]):.2f}"
        _write_label(ax, (x1, y1, x2, y2), names[label] + score, colour, boxes)
    return fig


@styled
def plot_masks(image, annotations: "ImageAnnotations", names, *, semantic=False, title: str = "", ax=None) -> Figure:
    """Draw an image with its masks: tinted area, two-tone outline, name.

    Args:
        image: (H, W) or (H, W, 3), uint8 in 0–255 or float in 0–1.
        annotations: `masks` (N, H, W) bool and `labels` (N,) of that image; N may be 0.
        names: class names, indexed by label.
        semantic: True: one area a class, as in semantic segmentation; False: one a thing, numbered.
        title: what the figure shows.
        ax: axes to draw on, or None for a new figure.

    Returns:
        The figure.

    Raises:
        ValueError: the annotations have no masks.
    """
    if annotations.masks is None:
        raise ValueError("Expected `annotations` to have masks, but got None. Use `plot_boxes`, or draw masks first.")
    ax, fig = _place(image, ax, title)
    masks, labels = np.asarray(annotations.masks, dtype=bool), np.asarray(annotations.labels)
    if semantic:
        regions = [(masks[labels == k].any(axis=0), k, names[k]) for k in np.unique(labels).tolist()]
    else:
        regions = [(m, k, f"{i + 1} {names[k]}") for i, (m, k) in enumerate(zip(masks, labels.tolist(), strict=True))]
    regions = [region for region in regions if region[0].any()]  # a thing that is hidden has nothing to draw
    boxes = [_mask_to_box(mask) for mask, _, _ in regions]
    for (mask, label, text), box in zip(regions, boxes, strict=True):
        _draw_mask(ax, mask, label)
        _write_label(ax, box, text, class_style(label)[0], boxes)
    return fig


def _mask_to_box(mask: np.ndarray) -> tuple[int, int, int, int]:
    """Tight box (x1, y1, x2, y2) of a mask (H, W) with at least one pixel."""
    rows, columns = np.nonzero(mask)
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


def _draw_mask(ax, mask: np.ndarray, label: int) -> None:
    """Tint and outline one mask (H, W)."""
    colour, line = class_style(label)
    height, width = mask.shape
    tint = np.zeros((height, width, 4))
    tint[mask] = matplotlib.colors.to_rgba(colour, alpha=0.35)
    ax.imshow(tint)
    padded = np.pad(mask, 1).astype(float)  # a mask that touches the border is outlined there too
    xs, ys = np.arange(-1, width + 1), np.arange(-1, height + 1)
    for thickness, edge, style in ((3, CONTRAST, "-"), (1.5, colour, line)):
        ax.contour(xs, ys, padded, levels=[0.5], colors=[edge], linewidths=thickness, linestyles=style)
    ax.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))


@styled
def plot_annotations(image, annotations: "ImageAnnotations", names, *, title: str = "") -> Figure:
    """Draw one image four times: bare, with boxes, with one area a class, with one area a thing.

    Args:
        image: (H, W) or (H, W, 3), uint8 in 0–255 or float in 0–1.
        annotations: `boxes`, `labels` and `masks` of that image.
        names: class names, indexed by label.
        title: what the figure shows; say whether it is the truth or a prediction.

    Returns:
        The figure, with four axes.
    """
    height, width = np.shape(image)[:2]
    fig = new_figure(12.0, 3.0 * height / width + 0.5, title)
    bare, boxes, areas, things = fig.subplots(1, 4)
    show_image(bare, image, "picture")
    plot_boxes(image, annotations, names, title="boxes", ax=boxes)
    plot_masks(image, annotations, names, semantic=True, title="semantic mask: one area per class", ax=areas)
    plot_masks(image, annotations, names, title="instance masks: one per thing", ax=things)
    return fig


@styled
def plot_top_predictions(images, probabilities, names, *, k: int = 5, titles=None, title: str = "") -> Figure:
    """Draw each image beside its k most probable classes.

    Args:
        images: N arrays (H, W) or (H, W, 3), uint8 in 0–255 or float in 0–1.
        probabilities: (N, K) in 0–1, a row an image.
        names: K class names.
        k: bars an image.
        titles: N strings, one above each image, or None.
        title: the finding.

    Returns:
        The figure: 2N axes, image and bars in turn, two images a row.

    Raises:
        ValueError: the numbers of images, rows, or names do not fit.
    """
    probabilities = np.asarray(probabilities, dtype=float)
    if probabilities.shape != (len(images), len(names)):
        raise ValueError(
            f"Expected `probabilities` to be ({len(images)}, {len(names)}), a row an image and a column a name, "
            f"but got {probabilities.shape}. For one image, pass lists of length one."
        )
    rows = -(-len(images) // 2)
    fig = new_figure(10.0, 2.3 * rows + 0.4, title)
    for index, (image, row) in enumerate(zip(images, probabilities, strict=True)):
        show_image(fig.add_subplot(rows, 4, 2 * index + 1), image, titles[index] if titles else "")
        draw_bars(fig.add_subplot(rows, 4, 2 * index + 2), row, names, k)
    return fig


def draw_bars(ax, row: np.ndarray, names, k: int) -> None:
    """Draw the k greatest of (K,) probabilities, greatest on top, each bar with its name and value."""
    top = np.argsort(-row, kind="stable")[:k]
    ax.barh(range(len(top)), row[top], height=0.35, color=COLOURS[0])
    for height, index in enumerate(top.tolist()):
        ax.text(0, height - 0.24, f"{names[index]}  {row[index]:.2f}", fontsize=8, va="bottom")
    ax.set(xlim=(0, 1), xlabel="Probability", yticks=[])
    ax.set_ylim(len(top) - 0.6, -0.9)
