"""Floor 3: every figure of the course, and the one way to show it with alt text.

Each `plot_` function returns a matplotlib `Figure`, takes a `title` that states the finding, and names its axes.
The style is set inside the call, never on import, and the figures are not registered with pyplot: nothing appears
unless `show` is called. Colour is never alone: lines have markers and names, outlines have a text label.
"""

from course_utils.viz.augment import plot_by_class, plot_changes, plot_followed, plot_mixes
from course_utils.viz.base import COLOURS, MARKERS, show
from course_utils.viz.charts import plot_curves, plot_history, plot_intervals, plot_matrix
from course_utils.viz.detection import plot_anchors, plot_cells, plot_found, plot_suppressed
from course_utils.viz.heat import plot_heat
from course_utils.viz.images import (
    class_style,
    plot_annotations,
    plot_boxes,
    plot_images,
    plot_masks,
    plot_top_predictions,
)
from course_utils.viz.instances import plot_stages, plot_verdicts
from course_utils.viz.ladder import plot_ladder
from course_utils.viz.learning import plot_fits, plot_slope
from course_utils.viz.metrics import (
    plot_average_precision,
    plot_distribution,
    plot_intervals_against_n,
    plot_iou_against_shift,
    plot_reliability,
    plot_roc_and_precision_recall,
    plot_splits,
)
from course_utils.viz.networks import plot_shapes, plot_tradeoff
from course_utils.viz.outlines import plot_box_sets, plot_four_ways
from course_utils.viz.pixels import plot_pixels, plot_sizes
from course_utils.viz.precision import plot_bits, plot_magnitudes, plot_memory, plot_operations
from course_utils.viz.recipe import plot_paths
from course_utils.viz.segmentation import class_colours, plot_class_maps, plot_class_scores
from course_utils.viz.tasks import plot_answers

__all__ = [
    "COLOURS",
    "MARKERS",
    "class_colours",
    "class_style",
    "plot_anchors",
    "plot_annotations",
    "plot_answers",
    "plot_average_precision",
    "plot_bits",
    "plot_box_sets",
    "plot_boxes",
    "plot_by_class",
    "plot_cells",
    "plot_changes",
    "plot_class_maps",
    "plot_class_scores",
    "plot_curves",
    "plot_distribution",
    "plot_fits",
    "plot_followed",
    "plot_found",
    "plot_four_ways",
    "plot_heat",
    "plot_history",
    "plot_images",
    "plot_intervals",
    "plot_intervals_against_n",
    "plot_iou_against_shift",
    "plot_ladder",
    "plot_magnitudes",
    "plot_masks",
    "plot_matrix",
    "plot_memory",
    "plot_mixes",
    "plot_operations",
    "plot_paths",
    "plot_pixels",
    "plot_reliability",
    "plot_roc_and_precision_recall",
    "plot_shapes",
    "plot_sizes",
    "plot_slope",
    "plot_splits",
    "plot_stages",
    "plot_suppressed",
    "plot_top_predictions",
    "plot_tradeoff",
    "plot_verdicts",
    "show",
]
