"""Pictures seen from close up: their numbers, and what becomes of them when their size changes."""

import numpy as np
from matplotlib.figure import Figure

from course_utils.viz.base import new_figure, show_image, styled

LONGEST = 32  # rows or columns in which a number can still be read


@styled
def plot_pixels(image, *, title: str, label: str) -> Figure:
    """Draw a small grey image with the number of every pixel written into it, rows and columns counted.

    Args:
        image: (H, W), any numbers, at most 32 a side.
        title: the finding.
        label: quantity and unit of the numbers.

    Returns:
        The figure, with one axes and a colour bar.

    Raises:
        ValueError: `image` is not (H, W), or too large for its numbers to be read.
    """
    image = np.asarray(image)
    if image.ndim != 2 or image.size == 0 or max(image.shape) > LONGEST:
        raise ValueError(
            f"Expected `image` to be (H, W) with at most {LONGEST} a side, but got {image.shape}. "
            "Cut a piece out of it."
        )
    height, width = image.shape
    fig = new_figure(0.45 * width + 2.2, 0.45 * height + 1.2, title)
    ax = fig.add_subplot(xlabel="column", ylabel="row")
    shade = ax.imshow(image, cmap="gray")
    for (row, column), value in np.ndenumerate(image):
        text = f"{value}" if image.dtype.kind in "iub" else f"{value:.2f}"
        tone = "black" if shade.norm(value) > 0.5 else "white"
        ax.text(column, row, text, ha="center", va="center", fontsize=9, color=tone)
    ax.set_xticks(range(width))
    ax.set_yticks(range(height))
    fig.colorbar(shade, label=label, shrink=0.8)
    return fig


@styled
def plot_sizes(images, *, titles, columns: int = 3, title: str = "") -> Figure:
    """Draw pictures of different sizes in equal space, so that the drawing itself adds no false patterns.

    A picture with fewer pixels than its space is enlarged to squares; one with more is shrunk with antialiasing.

    Args:
        images: sequence of N arrays, each (H, W) or (H, W, 3), uint8 in 0–255 or float in 0–1.
        titles: N strings, one above each picture.
        columns: pictures in a row.
        title: the finding, above all of it.

    Returns:
        The figure, with one axes a picture.

    Raises:
        ValueError: there are no pictures, `titles` and `images` differ in number, or a picture has another shape.
    """
    titles = list(titles)
    if len(titles) != len(images) or not titles:
        raise ValueError(
            f"Expected one title a picture and at least one, but got {len(titles)} for {len(images)}. "
            "Give as many of each."
        )
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)  # rounded up
    tallest = max(np.shape(image)[0] / np.shape(image)[1] for image in images)
    fig = new_figure(3.3 * columns, (3.2 * tallest + 0.35) * rows + 0.4, title)
    for index, (image, text) in enumerate(zip(images, titles, strict=True)):
        ax = fig.add_subplot(rows, columns, index + 1)
        show_image(ax, image, text)
        drawn = ax.images[0]
        if np.asarray(image).dtype.kind == "f":
            drawn.set_clim(0, 1)  # grey as it is, not stretched to black and white
        drawn.set_interpolation("antialiased" if np.shape(image)[1] > 330 else "nearest")
    return fig
