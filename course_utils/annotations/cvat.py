"""CVAT for images 1.1: all images of a set in one XML file; corners in pixels between edges from 0, floats.

An object may have several elements, held together by ``group_id``: a ``<box>``, a ``<mask>`` (run lengths inside its
box) or ``<polygon>``s, and a ``<skeleton>`` of key points. So nothing is lost. A crowd is the attribute ``is_crowd``,
as in CVAT's own COCO export. FiftyOne's ``CVATImageDataset`` reads boxes and polygons of such a file too.

Reference: https://docs.cvat.ai/docs/other/xml_format
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from xml.sax.saxutils import escape, quoteattr

import numpy as np
import torch

from course_utils import files
from course_utils.annotations.documents import MAX_MB, Element, Said, fault, read_xml, to_number, to_whole
from course_utils.annotations.objects import Found, Rules, checked_size, gathered_set
from course_utils.annotations.values import AnnotationSet, ImageAnnotations
from course_utils.annotations.writing import check_writable

SHAPES = ("box", "polygon", "mask", "skeleton")
# refused, since our boxes and masks do not follow from them
REFUSED = ("polyline", "points", "ellipse", "cuboid", "track")
CORNERS = ("xtl", "ytl", "xbr", "ybr")


def read_cvat(
    path: str | os.PathLike,
    *,
    masks: bool = True,
    clip: bool = False,
    drop_empty: bool = False,
    max_mb: float = MAX_MB,
) -> AnnotationSet:
    """Read a "CVAT for images 1.1" XML file.

    FiftyOne reads its boxes, polygons and points with ``fiftyone.types.CVATImageDataset``.

    Args:
        path: the XML file, ``annotations.xml`` in CVAT's archive.
        masks: make masks of masks and polygons; False takes their boxes alone.
        clip: cut at the border of the image; otherwise what lies outside is refused.
        drop_empty: set objects of zero size aside with a warning that lists them; otherwise one is refused.
        max_mb: a larger file is refused before it is read.

    Returns:
        Images and classes (``<label>``) in the order of the file; classes that occur, sorted, where it lists none.
        Objects stand in the order of their first element.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: Something is wrong, or a shape has no box here (a rotated box, points, a polyline, a track of a
            video); the message names the file and line.
    """
    root, rules, images = read_xml(path, "annotations", max_mb), Rules(clip, drop_empty, masks), []
    version = root.one("version")
    if version.text.strip() != "1.1":
        remedy = "Export as “CVAT for images 1.1”."
        raise fault(version.where, "1.1", version.text.strip(), remedy)
    for track in root.all("track"):
        raise fault(track.where, "images", Said("a track of a video"), "Export as “CVAT for images 1.1”.")
    for image in root.all("image"):
        size_hw = image.attribute_whole("height"), image.attribute_whole("width")
        checked_size(*size_hw, image.where)
        images.append((image.where, image.attribute("name"), size_hw, _objects(image, size_hw)))
    return gathered_set(images, *_classes(root), rules)


def write_cvat(annotation_set: AnnotationSet, path: str | os.PathLike, *, masks: bool = True) -> None:
    """Write a "CVAT for images 1.1" XML file: a box for each object, its mask and key points in the same group.

    Args:
        annotation_set: what to write.
        path: the XML file.
        masks: False writes the boxes of objects with masks alone.

    Raises:
        ValueError: An object has zero size.
    """
    check_writable(annotation_set)
    labels = "".join(f"<label><name>{escape(name)}</name></label>" for name in annotation_set.classes)
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        "<annotations>",
        "  <version>1.1</version>",
        f"  <meta><job><labels>{labels}</labels></job></meta>",
    ]
    group = 0
    for number, (name, one) in enumerate(annotation_set.images.items()):
        height, width = one.size_hw
        lines.append(f'  <image id="{number}" name={quoteattr(name)} width="{width}" height="{height}">')
        for row in range(len(one)):
            group += 1
            lines += _elements(one, row, annotation_set.classes, group, masks)
        lines.append("  </image>")
    files.write_text(path, "\n".join([*lines, "</annotations>", ""]))


def _classes(root: Element) -> tuple[list[str] | None, str]:
    """Names of the classes, None where the file lists none, and where they stand."""
    for part in (part for meta in root.all("meta") for part in meta.children):  # job, task or project
        for labels in part.all("labels"):
            return [label.one("name").text.strip() for label in labels.all("label")] or None, labels.where
    return None, root.where


def _objects(image: Element, size_hw: tuple[int, int]) -> list[Found]:
    """Objects of an image: elements of one group and label with at most one box and skeleton are one object."""
    groups: dict[object, list[Element]] = {}
    for place, child in enumerate(image.children):
        if child.tag in REFUSED:
            raise fault(child.where, f"one of {SHAPES}", child.tag, "Draw it as a polygon, or leave it out.")
        if child.tag in SHAPES:
            group = to_whole(child.attributes.get("group_id") or "0", f"{child.where} group_id", least=0)
            groups.setdefault((group, child.attribute("label")) if group else place, []).append(child)
    found = []
    for members in groups.values():
        tags = [member.tag for member in members]
        whole = all(tags.count(tag) <= 1 for tag in ("box", "mask", "skeleton")) and {"box", "mask"} & set(tags)
        for parts in [members] if whole or set(tags) == {"polygon"} else [[member] for member in members]:
            found.append(_found(parts, size_hw))
    return found


def _found(members: list[Element], size_hw: tuple[int, int]) -> Found:
    found = Found(members[0].where, members[0].attribute("label"))
    for member in members:
        crowd = [part.text.strip().lower() for part in member.all("attribute") if part.attribute("name") == "is_crowd"]
        found.crowd |= bool(crowd) and crowd[0] in ("true", "1")
        if member.tag == "box":
            if to_number(member.attributes.get("rotation") or "0", f"{member.where} rotation"):
                remedy = "Turn it back, or draw it as a polygon in CVAT."
                raise fault(member.where, "a box without rotation", member.attributes["rotation"], remedy)
            found.box = [member.attribute_number(corner) for corner in CORNERS]
        elif member.tag == "polygon":
            found.polygons = [*(found.polygons or []), _polygon(member)]
        elif member.tag == "mask":
            found.mask = _mask(member, size_hw)
        else:
            found.keypoints = [_point(point) for point in member.all("points")] or None
    if found.box is None and not found.has_shape:
        raise fault(members[0].where, "a box, polygon or mask in the group of the skeleton", Said("none"), "Draw one.")
    return found


def _pairs(element: Element) -> list[list[float]]:
    where = f"{element.where} points"
    pairs = [pair.split(",") for pair in element.attribute("points").split(";")]
    if any(len(pair) != 2 for pair in pairs):
        raise fault(where, "x,y;x,y;…", element.attribute("points"), "Export it again.")
    return [[to_number(part.strip(), where) for part in pair] for pair in pairs]


def _polygon(element: Element) -> list[float]:
    pairs = _pairs(element)
    if len(pairs) < 3:
        remedy = "Two corners are a line or a box: draw the outline again, or make it a rectangle."
        raise fault(f"{element.where} points", "three corners or more", Said(len(pairs)), remedy)
    return [number for pair in pairs for number in pair]


def _point(element: Element) -> list[float]:
    """x, y and visibility: outside is 0, occluded is 1."""
    pairs = _pairs(element)
    if len(pairs) != 1:
        raise fault(
            f"{element.where} points", "one point in each part of a skeleton", Said(len(pairs)), "Draw it again."
        )
    if element.attributes.get("outside") == "1":
        return [0.0, 0.0, 0.0]
    return [*pairs[0], 1.0 if element.attributes.get("occluded") == "1" else 2.0]


def _mask(element: Element, size_hw: tuple[int, int]) -> Callable[[], np.ndarray]:
    """Function that draws the run lengths, rows first, outside first, inside the box of the mask."""
    left, top = (element.attribute_whole(name, least=0) for name in ("left", "top"))
    width, height = (element.attribute_whole(name, least=1) for name in ("width", "height"))
    if left + width > size_hw[1] or top + height > size_hw[0]:
        got = Said(f"{width} × {height} at ({left}, {top})")
        wish = f"a mask inside the image of height {size_hw[0]} and width {size_hw[1]}"
        raise fault(element.where, wish, got, "Export it again.")
    where = f"{element.where} rle"
    runs = [to_whole(part.strip(), where, least=0) for part in element.attribute("rle").split(",")]
    if sum(runs) != width * height:
        got = Said(f"the sum {sum(runs)}")
        raise fault(where, f"runs with the sum {width * height}, the pixels of its box", got, "Export it again.")

    def draw() -> np.ndarray:
        mask = np.zeros(size_hw, dtype=bool)
        inside = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
        mask[top : top + height, left : left + width] = inside.reshape(height, width)
        return mask

    return draw


def _elements(one: ImageAnnotations, row: int, classes: Sequence[str], group: int, masks: bool) -> list[str]:
    with_mask, with_points = masks and one.masks is not None, one.keypoints is not None
    grouped = f' group_id="{group}"' if with_mask or with_points else ""
    shared = f'label={quoteattr(classes[int(one.labels[row])])} source="manual" occluded="0"{grouped} z_order="0"'
    corners = " ".join(f'{name}="{_short(v)}"' for name, v in zip(CORNERS, one.boxes[row], strict=True))
    crowd = one.iscrowd is not None and bool(one.iscrowd[row])
    inside = '<attribute name="is_crowd">true</attribute>' if crowd else ""
    lines = [f"    <box {shared} {corners}>{inside}</box>"]
    if with_mask:
        lines.append(f"    <mask {shared} {_runs(one.masks[row])}></mask>")
    if with_points:
        lines += [f"    <skeleton {shared}>", *_points(one.keypoints[row]), "    </skeleton>"]
    return lines


def _short(value: torch.Tensor) -> str:
    """The fewest digits that give the same float32 back."""
    return np.format_float_positional(np.float32(value.item()), trim="-")


def _runs(mask: torch.Tensor) -> str:
    """Place, size and run lengths of a mask inside its tight box; an empty mask is one pixel that is outside."""
    rows, columns = (torch.nonzero(mask.any(dim=axis)).flatten().tolist() or [0] for axis in (1, 0))
    top, left, height, width = rows[0], columns[0], rows[-1] + 1 - rows[0], columns[-1] + 1 - columns[0]
    flat = mask[top : top + height, left : left + width].flatten().cpu().numpy()
    ends = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff([0, *ends, flat.size]).tolist()
    if flat[0]:
        runs = [0, *runs]
    rle = ", ".join(map(str, runs))
    return f'rle="{rle}" left="{left}" top="{top}" width="{width}" height="{height}"'


def _points(points: torch.Tensor) -> list[str]:
    lines = []
    for place, (x, y, seen) in enumerate(points):
        state = f'occluded="{int(seen == 1)}" outside="{int(seen == 0)}"'
        lines.append(f'      <points label="point_{place}" {state} points="{_short(x)},{_short(y)}"></points>')
    return lines
