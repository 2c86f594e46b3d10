"""Boxes drawn by hand in JupyterLab, and the same boxes handed over by a program: one path for both.

The widget (jupyter_bbox_widget) keeps boxes as dicts `{"x", "y", "width", "height", "label"}` in image pixels.
"""

import io
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image

from course_utils.annotations import ImageAnnotations


def box_widget(image: np.ndarray, classes: Sequence[str], *, annotations: ImageAnnotations | None = None):
    """A drawing board for boxes; shown as the last value of a cell in JupyterLab.

    Press and drag to draw, drag a box or its edges to change it, click a class to choose it. What is drawn stands in
    `widget.bboxes` at once; a program may set the same field instead.

    Args:
        image: uint8 (H, W, 3) or (H, W).
        classes: names to choose from.
        annotations: boxes to begin with, such as a model's proposals.

    Returns:
        The `jupyter_bbox_widget.BBoxWidget`.
    """
    from jupyter_bbox_widget import BBoxWidget

    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim not in (2, 3):
        raise ValueError(f"Expected an image uint8 (H, W, 3), but got {image.dtype} {image.shape}. Scale it to 0–255.")
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="PNG")
    widget = BBoxWidget(classes=list(classes), hide_buttons=True)
    widget.image_bytes = buffer.getvalue()
    if annotations is not None:
        widget.bboxes = annotations_to_widget(annotations, classes)
    return widget


def annotations_to_widget(annotations: ImageAnnotations, classes: Sequence[str]) -> list[dict]:
    """Boxes as the widget keeps them.

    >>> one = ImageAnnotations((40, 60), torch.tensor([[10., 5., 30., 25.]]), torch.tensor([1]))
    >>> annotations_to_widget(one, ("stop", "speed"))
    [{'x': 10.0, 'y': 5.0, 'width': 20.0, 'height': 20.0, 'label': 'speed'}]
    """
    rows = zip(annotations.boxes.tolist(), annotations.labels.tolist(), strict=True)
    return [
        {"x": x1, "y": y1, "width": x2 - x1, "height": y2 - y1, "label": classes[label]}
        for (x1, y1, x2, y2), label in rows
    ]


def widget_to_annotations(bboxes: Sequence[dict], size_hw: tuple[int, int], classes: Sequence[str]) -> ImageAnnotations:
    """What was drawn, as annotations: boxes cut to the image, drawn in whatever direction.

    Args:
        bboxes: `widget.bboxes`.
        size_hw: (H, W) of the image, pixels.
        classes: names, indexed by label.

    Raises:
        ValueError: a box without a known class, with a missing or infinite number, or without area inside the image;
            the box is named by its position.

    >>> drawn = [{"x": 10, "y": 5, "width": 20, "height": 20, "label": "speed"}]
    >>> widget_to_annotations(drawn, (40, 60), ("stop", "speed")).boxes
    tensor([[10.,  5., 30., 25.]])
    """
    height, width = size_hw
    boxes = np.array([_corners(bbox, row) for row, bbox in enumerate(bboxes)], dtype=np.float32).reshape(-1, 4)
    boxes = np.clip(boxes, 0, [width, height, width, height]).astype(np.float32)
    for row, (bbox, (x1, y1, x2, y2)) in enumerate(zip(bboxes, boxes, strict=True)):
        if bbox.get("label") not in classes:
            raise ValueError(f"Expected a class for box {row}, but got {bbox.get('label')!r}. Choose one first.")
        if x1 == x2 or y1 == y2:
            raise ValueError(f"Expected box {row} to have an area, but got {bbox}. Delete it: a click is no box.")
    labels = torch.tensor([list(classes).index(bbox["label"]) for bbox in bboxes], dtype=torch.int64)
    return ImageAnnotations((height, width), torch.from_numpy(boxes), labels)


def _corners(bbox: dict, row: int) -> list[float]:
    """x1, y1, x2, y2 of one of the widget's boxes."""
    try:
        x, y, width, height = (float(bbox[key]) for key in ("x", "y", "width", "height"))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"Expected x, y, width and height in box {row}, but got {bbox!r}. Draw it again.") from error
    if not np.isfinite([x, y, width, height]).all():
        raise ValueError(f"Expected finite numbers in box {row}, but got {bbox!r}. Draw it again.")
    return [min(x, x + width), min(y, y + height), max(x, x + width), max(y, y + height)]
