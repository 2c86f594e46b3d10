"""LabelMe: a JSON file an image, a list of shapes; corners in pixels between edges from 0, floats, nothing rounded.

One shape is one object: a rectangle, or a polygon, whose box is that of its corners. Shapes with the same label and
``group_id`` are parts of one object, as in LabelMe's own ``labelme2coco.py``. LabelMe can also write ``mask`` (a PNG
inside its box) and ``circle``: both are read. No list of classes, key points or crowds. FiftyOne has no importer for
it.

Reference: Wada et al., "Labelme: Image Polygonal Annotation with Python", https://github.com/wkentaro/labelme
"""

from __future__ import annotations

import base64
import io
import json
import math
import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from course_utils.annotations.documents import MAX_MB, Node, Said, fault, read_json, to_number
from course_utils.annotations.objects import Found, Rules, checked_size, folder_files, gathered_set
from course_utils.annotations.values import AnnotationSet, ImageAnnotations
from course_utils.annotations.writing import check_one_shape, check_writable, polygons_of, write_folder

CIRCLE_CORNERS = 64


def read_labelme(
    folder: str | os.PathLike,
    *,
    classes: Sequence[str] | None = None,
    masks: bool = True,
    clip: bool = False,
    drop_empty: bool = False,
    max_mb: float = MAX_MB,
) -> AnnotationSet:
    """Read a folder of LabelMe JSON files.

    Args:
        folder: with one ``.json`` an image, also in folders below it, whose names become part of the file names.
        classes: names in the order of their labels; None: those that occur, sorted, since LabelMe's files keep no list.
        masks: make masks of polygons, circles and masks; False takes their boxes alone.
        clip: cut at the border of the image; otherwise what lies outside is refused.
        drop_empty: set objects of zero size aside with a warning that lists them; otherwise one is refused.
        max_mb: a larger file is refused before it is read. Files that carry the picture (``imageData``) are large.

    Returns:
        Images sorted by the path of their file. Objects stand in the order of their first shape.

    Raises:
        FileNotFoundError: There is no such folder.
        ValueError: Something is wrong, or a shape has no area (point, line); the message names the file and key.
    """
    folder, rules, images = Path(folder), Rules(clip, drop_empty, masks), []
    for path in folder_files(folder, ".json"):
        document = read_json(path, max_mb)
        size_hw = document.get("imageHeight").whole(), document.get("imageWidth").whole()
        checked_size(*size_hw, document.where)
        name, above = document.get("imagePath"), path.parent.relative_to(folder)
        found = _merged([_found(shape, size_hw) for shape in document.get("shapes").each()])
        images.append((name.where, str(PurePosixPath(above.as_posix(), name.text())), size_hw, found))
    return gathered_set(images, classes, "the argument `classes`", rules)


def write_labelme(annotation_set: AnnotationSet, folder: str | os.PathLike, *, masks: bool = True) -> None:
    """Write one LabelMe JSON file an image: polygons where there are masks, rectangles elsewhere.

    The list of classes, holes of masks, key points and crowd marks are lost.

    Args:
        annotation_set: what to write. ``train/a.jpg`` becomes ``train/a.json``.
        folder: made where it is missing; it must hold no JSON files of other images.
        masks: False writes the boxes of objects with masks too.

    Raises:
        ValueError: An object has zero size, or a box more than a pixel from its mask's, two images would share a file,
            or the folder holds other files.
    """
    check_writable(annotation_set)
    to_text = lambda name, one: _document(name, one, annotation_set.classes, masks)  # noqa: E731
    write_folder(annotation_set, Path(folder), ".json", to_text)


def _found(shape: Node, size_hw: tuple[int, int]) -> tuple[Found, object]:
    """One shape and its group."""
    label = shape.get("label").text()
    kind = shape.get("shape_type").text() if "shape_type" in shape else "polygon"
    points = shape.get("points")
    corners = [corner.numbers(2) for corner in points.each()]
    found = Found(points.where, label)
    if kind == "polygon":
        found.polygons = [_polygon(corners, points)]
    elif kind in ("rectangle", "circle", "mask"):
        if len(corners) != 2:
            raise fault(points.where, f"two points for a {kind}", Said(len(corners)), "Draw it again.")
        (x1, y1), (x2, y2) = corners
        if kind == "circle":
            found.polygons = [_circle(x1, y1, to_number(math.hypot(x2 - x1, y2 - y1), points.where))]
        else:  # LabelMe keeps the corners in the order of the clicks
            found.box = (min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))
        if kind == "mask":
            found.box = (found.box[0], found.box[1], found.box[2] + 1, found.box[3] + 1)  # the last pixel is inside
            found.mask = lambda: _picture(shape.get("mask"), found.box, size_hw)
    else:
        wish = "a polygon, rectangle, circle or mask"
        raise fault(shape.get("shape_type").where, wish, kind, "A point or line has no area: leave it out.")
    group = shape.get("group_id").whole() if "group_id" in shape else None
    return found, None if group is None else (label, group)


def _polygon(corners: list[list[float]], points: Node) -> list[float]:
    if len(corners) < 3:
        remedy = "Two corners are a line or a box: draw the outline again, or make it a rectangle."
        raise fault(points.where, "three corners or more", Said(f"{len(corners)}"), remedy)
    return [number for corner in corners for number in corner]


def _circle(x: float, y: float, radius: float) -> list[float]:
    angles = [2 * math.pi * step / CIRCLE_CORNERS for step in range(CIRCLE_CORNERS)]
    return [number for angle in angles for number in (x + radius * math.cos(angle), y + radius * math.sin(angle))]


def _picture(node: Node, box: Sequence[float], size_hw: tuple[int, int]) -> np.ndarray:
    """The PNG inside its box as bool (H, W)."""
    x, y = round(box[0]), round(box[1])
    try:
        with Image.open(io.BytesIO(base64.b64decode(node.text(), validate=True)), formats=["PNG"]) as image:
            if image.size[0] > size_hw[1] or image.size[1] > size_hw[0]:
                raise ValueError(f"a PNG of {image.size[0]} × {image.size[1]}, larger than the image")
            inside = np.asarray(image.convert("L")) > 0
    except Exception as error:  # Pillow raises what its decoders raise
        raise fault(node.where, "a PNG in base64", Said(str(error)[:80]), "Draw the mask again.") from error
    mask = np.zeros(size_hw, dtype=bool)
    if x < 0 or y < 0 or mask[y : y + inside.shape[0], x : x + inside.shape[1]].shape != inside.shape:
        raise fault(node.where, "a mask inside the image", Said(f"{inside.shape} at ({x}, {y})"), "Draw it again.")
    mask[y : y + inside.shape[0], x : x + inside.shape[1]] = inside
    return mask


def _merged(shapes: list[tuple[Found, object]]) -> list[Found]:
    """Polygons of one label and group as one object; everything else as it is."""
    result: list[Found] = []
    groups: dict[object, Found] = {}
    for found, group in shapes:
        if group is not None and found.polygons and group in groups:
            groups[group].polygons += found.polygons
            continue
        if group is not None and found.polygons:
            groups[group] = found
        result.append(found)
    return result


def _document(name: str, one: ImageAnnotations, classes: Sequence[str], masks: bool) -> str:
    shapes = []
    for row, box in enumerate(one.boxes.tolist()):
        label, where = classes[int(one.labels[row])], f"{name}, object {row}"
        if masks and one.masks is not None:
            check_one_shape(one, row, where)
            parts = [polygon.tolist() for polygon in polygons_of(one.masks[row], where)]
            group = row + 1 if len(parts) > 1 else None
            shapes += [_shape(label, points, "polygon", group) for points in parts]
        else:
            shapes.append(_shape(label, [box[:2], box[2:]], "rectangle", None))
    height, width = one.size_hw
    document = {
        "version": "5.5.0",
        "flags": {},
        "shapes": shapes,
        "imagePath": PurePosixPath(name).name,
        "imageData": None,
        "imageHeight": height,
        "imageWidth": width,
    }
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _shape(label: str, points: list[list[float]], kind: str, group: int | None) -> dict[str, object]:
    return {"label": label, "points": points, "group_id": group, "shape_type": kind, "flags": {}}
