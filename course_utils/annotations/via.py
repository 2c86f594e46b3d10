"""VIA 2 (VGG Image Annotator): a set in one JSON file, a list of regions for each image; pixel edges from 0.

One region is one object: a rectangle (x, y, width, height), or a polygon, whose box is that of its corners. VIA has no
field for the size of an image (its ``size`` counts bytes): we write ``width`` and ``height`` as file attributes and
read them there. The classes are the options of the region attribute. Key points and crowds have no place beside a
region, nor have the parts of one object: polygons of several parts are joined by a bridge without width. FiftyOne has
no importer for it.

Reference: Dutta and Zisserman 2019, "The VIA Annotation Software for Images, Audio and Video",
https://doi.org/10.1145/3343031.3350535
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from course_utils import files
from course_utils.annotations.documents import MAX_MB, Node, Said, fault, read_json, to_whole
from course_utils.annotations.geometry import polygons_joined
from course_utils.annotations.objects import Found, Rules, checked_size, gathered_set
from course_utils.annotations.values import AnnotationSet, ImageAnnotations
from course_utils.annotations.writing import check_one_shape, check_writable, polygons_of

ATTRIBUTES = ("label", "class", "name", "type")  # of a region; the first that is there names its class


def read_via(
    path: str | os.PathLike,
    images: Mapping[str, tuple[int, int]] | None = None,
    *,
    masks: bool = True,
    clip: bool = False,
    drop_empty: bool = False,
    max_mb: float = MAX_MB,
) -> AnnotationSet:
    """Read a VIA 2 project, or its annotations exported as JSON.

    Args:
        path: the JSON file.
        images: file name → (H, W), as `image_sizes` gives it; None: file attributes ``width`` and ``height``.
        masks: make masks of polygons; False takes their boxes alone.
        clip: cut at the border of the image; otherwise what lies outside is refused.
        drop_empty: set objects of zero size aside with a warning that lists them; otherwise one is refused.
        max_mb: a larger file is refused before it is read.

    Returns:
        Images in the order of the file. Classes are the options of the region attribute (``label``, ``class``, ``name``
        or ``type``) in the order of the project, or the names that occur, sorted, where there are none.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: Something is wrong, or a region is no rectangle or polygon; the message names the file and key.
    """
    document, rules, result = read_json(path, max_mb), Rules(clip, drop_empty, masks), []
    project = "_via_img_metadata" in document
    entries = document.get("_via_img_metadata") if project else document
    for _, entry in entries.items():
        name = entry.get("filename")
        size_hw = _size(entry, name, images)
        regions = entry.get("regions")
        listed = [node for _, node in regions.items()] if isinstance(regions.value, dict) else regions.each()  # VIA 1
        result.append((name.where, name.text(), size_hw, [_found(region) for region in listed]))
    return gathered_set(result, _classes(document) if project else None, f"{path}, key _via_attributes.region", rules)


def write_via(annotation_set: AnnotationSet, path: str | os.PathLike, *, masks: bool = True) -> None:
    """Write a VIA 2 project: polygons where there are masks, rectangles elsewhere.

    Holes of masks, key points and crowd marks are lost.

    Args:
        annotation_set: what to write.
        path: the JSON file.
        masks: False writes the boxes of objects with masks too.

    Raises:
        ValueError: An object has zero size, or a box more than a pixel from its mask's.
    """
    check_writable(annotation_set)
    entries = {}
    for name, one in annotation_set.images.items():
        height, width = one.size_hw
        entries[f"{name}-1"] = {  # VIA's key: the name, then its size in bytes, -1 where that is not known
            "filename": name,
            "size": -1,
            "regions": _regions(name, one, annotation_set.classes, masks),
            "file_attributes": {"width": str(width), "height": str(height)},
        }
    options = dict.fromkeys(annotation_set.classes, "")
    label = {"type": "dropdown", "description": "class", "options": options, "default_options": {}}
    pixels = {"type": "text", "description": "pixels", "default_value": ""}
    project = {
        "_via_settings": {"project": {"name": Path(path).stem}},
        "_via_img_metadata": entries,
        "_via_attributes": {"region": {"label": label}, "file": {"width": pixels, "height": pixels}},
        "_via_data_format_version": "2.0.10",
        "_via_image_id_list": list(entries),
    }
    # not files.write_json, which sorts keys: the order of the options is the order of the classes
    files.write_text(path, json.dumps(project, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def _size(entry: Node, name: Node, images: Mapping[str, tuple[int, int]] | None) -> tuple[int, int]:
    """(H, W) from the argument or from the file attributes."""
    if images is not None:
        if name.text() not in images:
            remedy = "Add its size to `images`, or remove its entry."
            raise fault(name.where, "an image whose size is known", name.value, remedy)
        return checked_size(*images[name.value], f"the size of {name.value}")
    attributes = entry.get("file_attributes") if "file_attributes" in entry else entry
    sides = [attributes.get(side) for side in ("height", "width") if side in attributes]
    if len(sides) < 2:
        remedy = "VIA does not say how large an image is: pass images={name: (H, W)}, as image_sizes(folder) gives it."
        raise fault(attributes.where, "width and height in pixels, or the argument `images`", Said("neither"), remedy)
    return checked_size(*(to_whole(side.value, side.where) for side in sides), attributes.where)


def _classes(document: Node) -> tuple[str, ...] | None:
    """Options of the region attribute that names the class, in their order; None where there are none."""
    if "_via_attributes" not in document or "region" not in document.get("_via_attributes"):
        return None
    region = document.get("_via_attributes").get("region")
    attribute = next((region.get(name) for name in ATTRIBUTES if name in region), None)
    if attribute is None or "options" not in attribute:
        return None
    return tuple(name for name, _ in attribute.get("options").items()) or None


def _found(region: Node) -> Found:
    attributes, shape = region.get("region_attributes"), region.get("shape_attributes")
    label = next((attributes.get(name) for name in ATTRIBUTES if name in attributes), None)
    if label is None:
        raise fault(attributes.where, f"one of {ATTRIBUTES}", attributes.value, "Name the class in one of these.")
    found, kind = Found(shape.where, label.text()), shape.get("name").text()
    if kind == "rect":
        x, y, width, height = (shape.get(key).number() for key in ("x", "y", "width", "height"))
        found.box = (x, y, x + width, y + height)
    elif kind == "polygon":
        x, y = shape.get("all_points_x").numbers(), shape.get("all_points_y").numbers()
        if len(x) != len(y) or len(x) < 3:
            remedy = "Two corners are a line or a box: draw the outline again, or make it a rectangle."
            raise fault(shape.where, "three corners or more, x and y", Said(f"{len(x)} x, {len(y)} y"), remedy)
        found.polygons = [[number for corner in zip(x, y, strict=True) for number in corner]]
    else:
        remedy = "Draw it as a polygon, or leave it out."
        raise fault(shape.get("name").where, "rect or polygon", kind, remedy)
    return found


def _regions(name: str, one: ImageAnnotations, classes: Sequence[str], masks: bool) -> list[dict[str, object]]:
    regions = []
    for row, (x1, y1, x2, y2) in enumerate(one.boxes.tolist()):
        shape: dict[str, object] = {"name": "rect", "x": x1, "y": y1, "width": x2 - x1, "height": y2 - y1}
        if masks and one.masks is not None:
            check_one_shape(one, row, f"{name}, object {row}")
            corners = polygons_joined(polygons_of(one.masks[row], f"{name}, object {row}"))
            shape = {"name": "polygon", "all_points_x": corners[:, 0].tolist(), "all_points_y": corners[:, 1].tolist()}
        regions.append({"shape_attributes": shape, "region_attributes": {"label": classes[int(one.labels[row])]}})
    return regions
