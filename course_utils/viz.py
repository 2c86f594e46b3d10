"""Floor 3: every figure of the course, and the one way to show it with alt text.

Each `plot_` function returns a matplotlib `Figure`, takes a `title` that states the finding, and names its axes.
The style is set inside the call, never on import, and the figures are not registered with pyplot: nothing appears
unless `show` is called. Colour is never alone: lines have markers and names, outlines have a text label.
"""

import base64
import functools
import html
import io
import textwrap
from typing import TYPE_CHECKING

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from course_utils import ledger

if TYPE_CHECKING:
    from course_utils.annotations import ImageAnnotations

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "black")  # Okabe–Ito, in the order of the course
MARKERS = ("o", "s", "^", "D", "v")  # beside the colour, for whoever does not see it
LINES = ("-", "--", ":")  # the second and third round through the five colours
CONTRAST = "white"  # the outer tone of an outline: seen on dark ground where the inner one is not
SHORTEST_ALT = 20  # characters; "a chart" describes nothing
CHARACTERS_PER_INCH = 11  # of title text, at its size of 11 points
STYLE = {
    "font.size": 10,
    "axes.titlesize": 10,
    "figure.titlesize": 11,
    "figure.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "image.cmap": "cividis",
    "image.interpolation": "nearest",  # a pixel is drawn as a pixel
}


def show(fig: Figure, *, alt: str) -> None:
    """Show a figure in the notebook together with its alternative text, then close it.

    Args:
        fig: the figure to show; it is closed afterwards and cannot be shown twice.
        alt: kind of chart, axes and finding, at least 20 characters, for readers who do not see the picture.

    Raises:
        ValueError: `alt` is shorter than 20 characters.
    """
    if len(alt.strip()) < SHORTEST_ALT:
        raise ValueError(
            f"Expected `alt` to have at least {SHORTEST_ALT} characters, but got {alt!r}. "
            "Write the kind of chart, its axes and what it shows."
        )
    display(_bundle(fig, alt.strip()), raw=True)
    plt.close(fig)


def _bundle(fig: Figure, alt: str) -> dict[str, str]:
    """MIME bundle of a figure. The HTML form carries the alt text: metadata of image/png is lost by nbconvert."""
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png")
    png = base64.b64encode(buffer.getvalue()).decode("ascii")
    image = f'<img alt="{html.escape(alt)}" style="max-width: 100%" src="data:image/png;base64,{png}">'
    return {"text/html": image, "image/png": png, "text/plain": f"<Figure: {alt}>"}


def _styled(function):
    """Run a plotting function in the course's style and leave the reader's own settings untouched."""

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        with matplotlib.rc_context(STYLE):
            return function(*args, **kwargs)

    return wrapper


def _figure(width: float, height: float, title: str) -> Figure:
    """An empty figure, size in inches, whose title is wrapped to its width."""
    fig = Figure(figsize=(width, height), layout="constrained", dpi=100)
    fig.suptitle(textwrap.fill(title, int(width * CHARACTERS_PER_INCH)), x=0.01, ha="left")
    return fig


def _show_image(ax, image, title: str = "") -> None:
    """Draw one image, (H, W) or (H, W, 3), without ticks."""
    image = np.asarray(image)
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] not in (3, 4)):
        raise ValueError(
            f"Expected an image of shape (H, W) or (H, W, 3), but got {image.shape}. Put the channels last."
        )
    whole = {"vmin": 0, "vmax": 255} if image.dtype == np.uint8 else {}  # a dark picture stays dark
    ax.imshow(image, cmap="gray" if image.ndim == 2 else None, **whole)
    ax.set_title(title, loc="left")
    ax.set_axis_off()


@_styled
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
    fig = _figure(max(4.0, 2.2 * columns), max(1, 2.3 * rows) + 0.4, title)
    for index, (image, text) in enumerate(zip(images, titles, strict=True)):
        _show_image(fig.add_subplot(rows, columns, index + 1), image, text)
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
        fig = _figure(5.0, 5.0 * height / width + 0.4, title)
        ax, title = fig.add_subplot(), ""
    _show_image(ax, image, title)
    return ax, ax.figure


def _write_label(ax, box, text: str, colour: str, others) -> None:
    """Write a name on a white plate above its box, or below where it would cover another; inside the picture."""
    x1, y1, _, y2 = box
    plate = {"facecolor": "white", "edgecolor": colour, "pad": 1.5, "linewidth": 1}
    height = abs(ax.get_ylim()[0] - ax.get_ylim()[1])
    covers = any(left < x1 < right and top < y1 < bottom for left, top, right, bottom in others)
    y, side = (y2 + 2, "top") if covers and y2 < 0.92 * height else (max(y1 - 2, 0.06 * height), "bottom")
    ax.text(max(x1, 0), y, text, fontsize=8, color="black", va=side, bbox=plate, clip_on=True)


@_styled
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


@_styled
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


@_styled
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
    fig = _figure(12.0, 3.0 * height / width + 0.5, title)
    bare, boxes, areas, things = fig.subplots(1, 4)
    _show_image(bare, image, "picture")
    plot_boxes(image, annotations, names, title="boxes", ax=boxes)
    plot_masks(image, annotations, names, semantic=True, title="semantic mask: one area per class", ax=areas)
    plot_masks(image, annotations, names, title="instance masks: one per thing", ax=things)
    return fig


@_styled
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
    fig = _figure(7.5, 4.0, title)
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


@_styled
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


@_styled
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
    fig = _figure(7.5, 0.5 * len(rows) + 1.4, title)
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


@_styled
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
    fig = _figure(10.0, 2.3 * rows + 0.4, title)
    for index, (image, row) in enumerate(zip(images, probabilities, strict=True)):
        _show_image(fig.add_subplot(rows, 4, 2 * index + 1), image, titles[index] if titles else "")
        _draw_bars(fig.add_subplot(rows, 4, 2 * index + 2), row, names, k)
    return fig


def _draw_bars(ax, row: np.ndarray, names, k: int) -> None:
    """Draw the k greatest of (K,) probabilities, greatest on top, each bar with its name and value."""
    top = np.argsort(-row, kind="stable")[:k]
    ax.barh(range(len(top)), row[top], height=0.35, color=COLOURS[0])
    for height, index in enumerate(top.tolist()):
        ax.text(0, height - 0.24, f"{names[index]}  {row[index]:.2f}", fontsize=8, va="bottom")
    ax.set(xlim=(0, 1), xlabel="Probability", yticks=[])
    ax.set_ylim(len(top) - 0.6, -0.9)


@_styled
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
    fig = _figure(side + 0.8, side, title)
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
