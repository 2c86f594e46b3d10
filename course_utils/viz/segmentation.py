"""Pictures with a class for every pixel: maps, errors, and how errors gather at edges."""

import matplotlib.colors
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from course_utils.viz.base import COLOURS, MARKERS, new_figure, show_image, styled

UNLABELLED = "#BBBBBB"
WRONG = "#E3000F"  # no class has it
# For more classes than five: Okabe and Ito's other three, then three of Paul Tol's muted set; the key names each.
MORE = ("#56B4E9", "#F0E442", "#E69F00", "#882255", "#117733", "#AA4499")


def class_colours(num_classes: int, *, background: bool) -> list[str]:
    """One colour a class: the course's own, then more; a background is white.

    >>> class_colours(3, background=True)
    ['white', '#0072B2', '#D55E00']
    """
    colours = [*(["white"] if background else []), *COLOURS, *MORE]
    return [colours[index % len(colours)] for index in range(num_classes)]


@styled
def plot_class_maps(rows, names, *, titles, title: str = "", background: bool = False, wrong: bool = True) -> Figure:
    """Draw images with their true and their predicted classes side by side, a row an image, and a key of the classes.

    Args:
        rows: N triples of an image (H, W, 3), uint8 or float in 0–1, its true classes (H, W) and the predicted ones
            (H, W); a value beyond the names counts as unlabelled, and is grey.
        names: class names, indexed by class.
        titles: N strings, what to say of each row.
        title: the finding.
        background: class 0 is the background, and white.
        wrong: add a fourth column in which wrong pixels are red and right ones are pale.

    Returns:
        The figure.

    Raises:
        ValueError: there is no row, or not one title a row.
    """
    if not len(rows) or len(rows) != len(titles):
        raise ValueError(f"Expected rows and one title each, but got {len(rows)} and {len(titles)}.")
    columns = 4 if wrong else 3
    height, width = np.shape(rows[0][1])
    fig = new_figure(2.7 * columns, 2.7 * len(rows) * height / width + 1.3, title)
    axes = fig.subplots(len(rows), columns, squeeze=False)
    colours = class_colours(len(names), background=background)
    for row, (image, truth, predicted), text in zip(axes, rows, titles, strict=True):
        show_image(row[0], image, text)
        show_image(row[1], coloured(truth, colours), "truth")
        show_image(row[2], coloured(predicted, colours), "prediction")
        if wrong:
            show_image(row[3], _errors(image, truth, predicted, len(names)), "wrong pixels")
        for ax in row:
            ax.set_axis_on()
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_visible(True)  # a frame: the background of a map may be white
    occurring = np.unique(np.concatenate([np.ravel(one) for row in rows for one in row[1:]]))
    key = [Patch(facecolor=colours[k], edgecolor="black", label=names[k]) for k in occurring if 0 <= k < len(names)]
    if (occurring >= len(names)).any():
        key.append(Patch(facecolor=UNLABELLED, edgecolor="black", label="unlabelled"))
    columns = len(key) if len(key) <= 8 else -(-len(key) // 2)
    fig.legend(handles=key, loc="outside lower center", ncols=columns, frameon=False, fontsize=8)
    return fig


def coloured(classes, colours) -> np.ndarray:
    """Class map (H, W) → picture (H, W, 3), uint8; grey where the class has no colour."""
    palette = np.array([matplotlib.colors.to_rgb(colour) for colour in (*colours, UNLABELLED)])
    classes = np.asarray(classes)
    known = np.where((classes >= 0) & (classes < len(colours)), classes, len(colours))
    return np.round(255 * palette[known]).astype(np.uint8)


def _errors(image, truth, predicted, num_classes: int) -> np.ndarray:
    """The image pale and grey, wrong pixels in red, unlabelled ones as they are."""
    image = np.asarray(image)
    scale = 255 if image.dtype == np.uint8 else 1
    grey = (image[..., :3] / scale).mean(axis=2, keepdims=True)
    out = np.repeat(0.6 + 0.4 * grey, 3, axis=2)
    truth, predicted = np.asarray(truth), np.asarray(predicted)
    out[(truth != predicted) & (truth >= 0) & (truth < num_classes)] = matplotlib.colors.to_rgb(WRONG)
    return np.round(255 * out).astype(np.uint8)


@styled
def plot_class_scores(scores, names, *, shares=None, title: str, xlabel: str) -> Figure:
    """Draw several scores of each class as points on one line a class, with the class's share of the pixels.

    Args:
        scores: name → (K,) values in 0–1, or (S, K) of S runs, of which the mean is drawn; NaN is left out.
        names: K class names.
        shares: (K,) share of the pixels of each class, written beside its name; None leaves it out.
        title: the finding.
        xlabel: quantity and unit.

    Returns:
        The figure, first class on top.

    Raises:
        ValueError: a score does not have K values.
    """
    fig = new_figure(7.5, 0.36 * len(names) + 1.6, title)
    ax = fig.add_subplot(xlabel=xlabel)
    for number, (name, values) in enumerate(scores.items()):
        values = np.atleast_2d(np.asarray(values, dtype=float))
        if values.shape[1] != len(names):
            raise ValueError(f"Expected {len(names)} values of {name!r}, but got {values.shape[1]}. One a class.")
        look = {"color": COLOURS[number % 5], "marker": MARKERS[number % 5], "linestyle": "none", "markersize": 7}
        ax.plot(values.mean(axis=0), range(len(names)), label=name, **look)
    words = names if shares is None else [f"{name} ({share:.1%})" for name, share in zip(names, shares, strict=True)]
    ax.set_yticks(range(len(names)), words)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_xlim(-0.02, 1.02)
    ax.grid(axis="y", linewidth=0.5, color="#DDDDDD")
    if len(scores) > 1:
        ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    return fig
