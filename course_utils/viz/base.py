"""What every figure shares: colours, style, an empty figure, and the one way to show it with alt text."""

import base64
import functools
import html
import io
import textwrap

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from matplotlib.figure import Figure

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


def styled(function):
    """Run a plotting function in the course's style and leave the reader's own settings untouched."""

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        with matplotlib.rc_context(STYLE):
            return function(*args, **kwargs)

    return wrapper


def new_figure(width: float, height: float, title: str) -> Figure:
    """An empty figure, size in inches, whose title is wrapped to its width."""
    fig = Figure(figsize=(width, height), layout="constrained", dpi=100)
    fig.suptitle(textwrap.fill(title, int(width * CHARACTERS_PER_INCH)), x=0.01, ha="left")
    return fig


def show_image(ax, image, title: str = "") -> None:
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
