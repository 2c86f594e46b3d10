"""Counts first, scores second: what a model got right, and how sure we are of that number.

Scores of a class that did not occur are NaN, never 0: an average must not call an absent class a failure.

torchmetrics, scikit-learn and SciPy are imported inside the functions that need them: on two CPU cores torchmetrics
takes about 8 s, or under 1 s where torchvision, Matplotlib and SciPy are loaded already, and SciPy's statistics 2 s.
"""

from course_utils.metrics.agreement import cohens_kappa, fleiss_kappa
from course_utils.metrics.calibration import (
    conformal_sets,
    conformal_threshold,
    expected_calibration_error,
    reliability,
    temperature_scale,
)
from course_utils.metrics.comparisons import compare_runs, holm
from course_utils.metrics.counts import (
    accuracy,
    confusion_counts,
    macro_f1,
    precision_per_class,
    recall_per_class,
)
from course_utils.metrics.detection import best_overlaps, box_iou, detection_faults, mean_average_precision
from course_utils.metrics.instances import mask_iou, sort_errors
from course_utils.metrics.intervals import bootstrap_interval, paired_bootstrap, paired_difference
from course_utils.metrics.ranking import average_precision, precision_recall_curve, roc_auc, roc_curve
from course_utils.metrics.segmentation import (
    dice,
    dice_per_class,
    edge_distance,
    errors_by_distance,
    iou_per_class,
    segmentation_iou,
)

__all__ = [
    "accuracy",
    "average_precision",
    "best_overlaps",
    "bootstrap_interval",
    "box_iou",
    "cohens_kappa",
    "compare_runs",
    "conformal_sets",
    "conformal_threshold",
    "confusion_counts",
    "detection_faults",
    "dice",
    "dice_per_class",
    "edge_distance",
    "errors_by_distance",
    "expected_calibration_error",
    "fleiss_kappa",
    "holm",
    "iou_per_class",
    "macro_f1",
    "mask_iou",
    "mean_average_precision",
    "paired_bootstrap",
    "paired_difference",
    "precision_per_class",
    "precision_recall_curve",
    "recall_per_class",
    "reliability",
    "roc_auc",
    "roc_curve",
    "segmentation_iou",
    "sort_errors",
    "temperature_scale",
]
