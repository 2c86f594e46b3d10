"""Boxes as a detector needs them: anchors, the places that predict, which of them answer for what, and what is kept.

- `anchors`: k-means on widths and heights, with 1 − IoU as the distance.
- `grid`: the places at which a network predicts; from its numbers to boxes; suppression of what is found twice.
- `assignment`: which places answer for which object.

Boxes are (x1, y1, x2, y2) in pixels between edges, as everywhere in the course. Overlap of two sets of boxes is
`metrics.box_iou`; other operations on boxes are `torchvision.ops`.
"""

from course_utils.boxes.anchors import fit_anchors, mean_best_iou, side_iou
from course_utils.boxes.assignment import LARGEST_RATIO, NO_OBJECT, Assigned, assign
from course_utils.boxes.grid import Candidates, Grid, best_candidates, decode, make_grid, suppress

__all__ = [
    "LARGEST_RATIO",
    "NO_OBJECT",
    "Assigned",
    "Candidates",
    "Grid",
    "assign",
    "best_candidates",
    "decode",
    "fit_anchors",
    "make_grid",
    "mean_best_iou",
    "side_iou",
    "suppress",
]
