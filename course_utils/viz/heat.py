"""Maps of a network's attention or evidence, drawn over the picture that they belong to."""

import matplotlib.colors
import numpy as np
from matplotlib.figure import Figure

from course_utils.viz.base import new_figure, show_image, styled


@styled
def plot_heat(images, maps, *, titles=None, columns: int = 4, title: str = "", label: str = "share") -> Figure:
    """Draw images in grey, each under a map of numbers such as the shares of its patches.

    Args:
        images: N arrays (H, W) or (H, W, 3), uint8 in 0–255 or float in 0–1; colours are turned into grey.
        maps: (N, h, w); each number is drawn over its part of the image, on one scale from the least to the greatest.
        titles: N strings, one above each image, or None.
        columns: images in a row.
        title: the finding.
        label: quantity and unit of the maps.

    Returns:
        The figure: an axes an image, and the scale's.

    Raises:
        ValueError: `maps` is not (N, h, w) with a map an image, or `titles` has another length.
    """
    maps = np.asarray(maps, dtype=float)
    titles = [""] * len(images) if titles is None else list(titles)
    if maps.ndim != 3 or not len(maps) == len(images) == len(titles) or not len(maps):
        raise ValueError(
            f"Expected `maps` to be ({len(images)}, h, w), one for each image, and as many titles, but got "
            f"{maps.shape} and {len(titles)}. Reshape the patches into rows and columns."
        )
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)  # rounded up
    fig = new_figure(2.2 * columns + 1.2, 2.4 * rows + 0.4, title)
    scale = matplotlib.colors.Normalize(maps.min(), maps.max())
    axes = [fig.add_subplot(rows, columns, number + 1) for number in range(len(images))]
    for ax, image, heat, text in zip(axes, images, maps, titles, strict=True):
        show_image(ax, _grey(image), text)
        height, width = np.shape(image)[:2]
        place = (-0.5, width - 0.5, height - 0.5, -0.5)
        shade = ax.imshow(heat, cmap="cividis", norm=scale, alpha=0.55, extent=place)
    fig.colorbar(shade, ax=axes, label=label, shrink=0.8)
    return fig


def _grey(image) -> np.ndarray:
    """Image (H, W) or (H, W, 3) → (H, W), of the same kind."""
    image = np.asarray(image)
    return image if image.ndim == 2 else image[..., :3].mean(axis=2).astype(image.dtype)
