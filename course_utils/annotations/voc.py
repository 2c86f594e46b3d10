"""Pascal VOC: an XML file an image, boxes as the first and last pixel in whole numbers that count from 1.

**Half a pixel.** VOC names pixels, we measure edges. The box around the first pixel alone is ``xmin = 1, xmax = 1`` in
VOC and ``x1 = 0, x2 = 1`` with us: pixel n lies between the edges n - 1 and n. So reading is exact, ``x1 = xmin - 1``
and ``x2 = xmax``, and the width is ``xmax - xmin + 1``. Writing rounds each edge to the nearest whole one and loses at
most half a pixel; a box too narrow to keep a pixel takes the one under its centre, and an edge moves by one at most.

**Not all files follow VOC.** LabelImg and others write the corners where the mouse was: there ``x1 = xmin`` and
``x2 = xmax``, and ``xmin = xmax`` is no pixel. VOC has no field that says which; the two differ by one pixel at the
left and top. Without ``pixels=`` the reader counts as VOC does, and refuses the box that tells the two apart: with
``xmin = xmax`` it is one pixel wide in VOC and a click without a drag elsewhere. Files that we wrote say how they
count.

``torchvision.datasets.VOCDetection`` returns the numbers as they stand in the file; FiftyOne takes them for corners.

Reference: Everingham et al. 2010, "The Pascal Visual Object Classes (VOC) Challenge",
https://doi.org/10.1007/s11263-009-0275-4
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from xml.sax.saxutils import escape

from course_utils.annotations.documents import MAX_MB, Element, fault, read_xml
from course_utils.annotations.objects import Found, Rules, checked_size, folder_files, gathered_set
from course_utils.annotations.values import AnnotationSet, ImageAnnotations
from course_utils.annotations.writing import check_writable, write_folder

CORNERS = ("xmin", "ymin", "xmax", "ymax")
COUNTING = ("inclusive", "edges")
SOURCE = "pixels counted from 1, first and last inclusive"  # in <source><annotation>, by which we know our own files


def read_voc(
    folder: str | os.PathLike,
    *,
    classes: Sequence[str] | None = None,
    pixels: str | None = None,
    clip: bool = False,
    drop_empty: bool = False,
    max_mb: float = MAX_MB,
) -> AnnotationSet:
    """Read a folder of Pascal VOC XML files; the half-pixel story stands at the top of the module.

    ``torchvision.datasets.VOCDetection`` reads the layout of the challenge (``Annotations``, ``ImageSets``,
    ``JPEGImages``) into dicts of texts; FiftyOne reads it with ``fiftyone.types.VOCDetectionDataset``.

    Args:
        folder: with one ``.xml`` an image, also in folders below it, whose names become part of the file names.
        classes: names in the order of their labels; None: those that occur, sorted, since VOC keeps no list.
        pixels: "inclusive": first and last pixel from 1, as VOC has it; "edges": corners, as LabelImg writes them;
            None: inclusive, but ``xmin = xmax`` or ``ymin = ymax`` counts as zero size unless we wrote the file.
        clip: cut boxes at the border of the image; otherwise one that lies outside is refused.
        drop_empty: set objects of zero size aside with a warning that lists them; otherwise one is refused.
        max_mb: a larger file is refused before it is read.

    Returns:
        Images sorted by the path of their XML file. Objects marked ``difficult`` have `iscrowd` True: VOC's evaluation
        counts them neither as found nor as missed, as COCO's does crowds. ``truncated``, ``pose``, parts are not read.

    Raises:
        FileNotFoundError: There is no such folder.
        ValueError: Something is wrong; the message names the file and line, and what to do.
    """
    if pixels not in (None, *COUNTING):
        raise ValueError(
            f"Expected `pixels` to be None or one of {COUNTING}, but got {pixels!r}. See the module's text."
        )
    folder, rules = Path(folder), Rules(clip, drop_empty, masks=False)
    images = []
    for path in folder_files(folder, ".xml"):
        root = read_xml(path, "annotation", max_mb)
        name, size = root.one("filename"), root.one("size")
        size_hw = checked_size(size.one("height").whole(), size.one("width").whole(), size.where)
        counting = pixels or _counting(root)
        found = [_found(element, number, counting) for number, element in enumerate(root.all("object"))]
        above = path.parent.relative_to(folder)
        images.append((name.where, str(PurePosixPath(above.as_posix(), name.text.strip())), size_hw, found))
    return gathered_set(images, classes, "the argument `classes`", rules)


def write_voc(annotation_set: AnnotationSet, folder: str | os.PathLike) -> None:
    """Write one Pascal VOC XML file an image into a folder: boxes in whole pixels from 1, `iscrowd` as ``difficult``.

    Masks and key points are lost: VOC keeps masks as pictures in another folder.

    Args:
        annotation_set: what to write. ``train/a.jpg`` becomes ``train/a.xml``.
        folder: made where it is missing; it must hold no XML files of other images.

    Raises:
        ValueError: An object has zero size, two images would share a file, or the folder holds other files.
    """
    check_writable(annotation_set)
    write_folder(annotation_set, Path(folder), ".xml", lambda name, one: _document(name, one, annotation_set.classes))


def box_to_pixels(box: Sequence[float], size_hw: tuple[int, int]) -> tuple[int, int, int, int]:
    """First and last pixel of a box, counted from 1; at least one pixel, inside the image.

    >>> box_to_pixels((0, 0, 1, 1), (4, 6)), box_to_pixels((2.4, 1.0, 6.0, 3.6), (4, 6))
    ((1, 1, 1, 1), (3, 2, 6, 4))
    """
    (left, right), (top, bottom) = (_edges(box[axis], box[axis + 2], size_hw[1 - axis]) for axis in (0, 1))
    return left + 1, top + 1, right, bottom


def _edges(low: float, high: float, side: int) -> tuple[int, int]:
    first, last = round(low), round(high)
    if first >= last:  # less than a pixel: the one under its centre
        first = min(math.floor((low + high) / 2), side - 1)
        last = first + 1
    return max(first, 0), min(last, side)


def _counting(root: Element) -> str | None:
    source = root.all("source")
    ours = source and any(child.text.strip() == SOURCE for child in source[0].all("annotation"))
    return "inclusive" if ours else None


def _found(element: Element, number: int, counting: str | None) -> Found:
    corners = element.one("bndbox")
    x1, y1, x2, y2 = (corners.one(tag).number() for tag in CORNERS)
    name = element.one("name").text.strip()
    where = f"{element.file}, line {corners.line}, object {number} ({name})"
    difficult = element.all("difficult")
    crowd = bool(difficult and difficult[0].text.strip() and difficult[0].whole())
    if counting == "edges" or (counting is None and (x1 >= x2 or y1 >= y2)):
        return Found(where, name, (x1, y1, x2, y2), crowd=crowd)  # the second: zero size or turned round, for the rules
    if x1 < 1 or y1 < 1:
        remedy = 'VOC counts pixels from 1. If the tool wrote corners from 0, read with pixels="edges".'
        raise fault(where, "xmin and ymin of 1 or more", (x1, y1), remedy)
    return Found(where, name, (x1 - 1, y1 - 1, x2, y2), crowd=crowd)


def _document(name: str, one: ImageAnnotations, classes: Sequence[str]) -> str:
    height, width = one.size_hw
    lines = [
        "<annotation>",
        f"  <filename>{escape(PurePosixPath(name).name)}</filename>",
        f"  <source><annotation>{SOURCE}</annotation></source>",
        f"  <size><width>{width}</width><height>{height}</height><depth>3</depth></size>",
        "  <segmented>0</segmented>",
    ]
    for row, (box, label) in enumerate(zip(one.boxes.tolist(), one.labels.tolist(), strict=True)):
        difficult = int(one.iscrowd is not None and bool(one.iscrowd[row]))
        corners = zip(CORNERS, box_to_pixels(box, one.size_hw), strict=True)
        lines += [
            "  <object>",
            f"    <name>{escape(classes[label])}</name>",
            f"    <pose>Unspecified</pose><truncated>0</truncated><difficult>{difficult}</difficult>",
            f"    <bndbox>{''.join(f'<{tag}>{value}</{tag}>' for tag, value in corners)}</bndbox>",
            "  </object>",
        ]
    return "\n".join([*lines, "</annotation>", ""])
