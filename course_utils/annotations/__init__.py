"""The one annotation value of the course: what is where in one image; and the files that others keep it in.

Boxes are ``(x1, y1, x2, y2)`` in pixels, measured between pixel *edges*: the pixel in row 0 and column 0 covers
``(0, 0, 1, 1)``, so ``x2`` and ``y2`` are exclusive, the width is ``x2 - x1``, and the whole image is ``(0, 0, W, H)``.
"""

from course_utils.annotations.checks import INSIDE_TOLERANCE
from course_utils.annotations.coco import read_coco, write_coco
from course_utils.annotations.cvat import read_cvat, write_cvat
from course_utils.annotations.documents import MAX_MB
from course_utils.annotations.formats import FORMATS, Format, round_trip_losses
from course_utils.annotations.found import class_map_to_annotations, found_to_annotations
from course_utils.annotations.geometry import masks_to_boxes, masks_to_polygons, polygons_joined, polygons_to_mask
from course_utils.annotations.labelme import read_labelme, write_labelme
from course_utils.annotations.values import AnnotationSet, ImageAnnotations
from course_utils.annotations.via import read_via, write_via
from course_utils.annotations.voc import box_to_pixels, read_voc, write_voc
from course_utils.annotations.yolo import image_sizes, read_yolo, write_yolo

__all__ = [
    "FORMATS",
    "INSIDE_TOLERANCE",
    "MAX_MB",
    "AnnotationSet",
    "Format",
    "ImageAnnotations",
    "box_to_pixels",
    "class_map_to_annotations",
    "found_to_annotations",
    "image_sizes",
    "masks_to_boxes",
    "masks_to_polygons",
    "polygons_joined",
    "polygons_to_mask",
    "read_coco",
    "read_cvat",
    "read_labelme",
    "read_via",
    "read_voc",
    "read_yolo",
    "round_trip_losses",
    "write_coco",
    "write_cvat",
    "write_labelme",
    "write_via",
    "write_voc",
    "write_yolo",
]
