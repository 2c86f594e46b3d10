"""Floor 3: every figure of the course, and the one way to show it with alt text.

Each `plot_` function returns a matplotlib `Figure`, takes a `title` that states the finding, and names its axes.
The style is set inside the call, never on import, and the figures are not registered with pyplot: nothing appears
unless `show` is called. Colour is never alone: lines have markers and names, outlines have a text label.
"""

from course_utils.viz.base import COLOURS, MARKERS, show
from course_utils.viz.charts import plot_curves, plot_history, plot_intervals, plot_matrix
from course_utils.viz.images import (
    class_style,
    plot_annotations,
    plot_boxes,
    plot_images,
    plot_masks,
    plot_top_predictions,
)

__all__ = [
    "COLOURS",
    "MARKERS",
    "class_style",
    "plot_annotations",
    "plot_boxes",
    "plot_curves",
    "plot_history",
    "plot_images",
    "plot_intervals",
    "plot_masks",
    "plot_matrix",
    "plot_top_predictions",
    "show",
]
