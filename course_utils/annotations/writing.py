"""What all writers share: objects that no format can hold are named before a file is touched."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePosixPath

import numpy as np
import torch

from course_utils import files
from course_utils.annotations.documents import Said, fault
from course_utils.annotations.geometry import masks_to_boxes, masks_to_polygons
from course_utils.annotations.values import AnnotationSet, ImageAnnotations

FARTHEST = 1.0  # pixels between a box and its mask's, where a format holds one shape an object


def check_writable(annotation_set: AnnotationSet) -> None:
    """Refuse boxes of zero size: every reader would."""
    for name, one in annotation_set.images.items():
        empty = torch.nonzero((one.boxes[:, :2] >= one.boxes[:, 2:]).any(dim=1)).flatten()
        if len(empty):
            row = int(empty[0])
            got = Said(str(one.boxes[row].tolist()))
            raise fault(
                f"{name}, object {row}", "a box with a width and height above zero", got, "Leave the object out."
            )


def polygons_of(mask: torch.Tensor, where: str) -> list[np.ndarray]:
    """Outlines of a mask that has some."""
    polygons = masks_to_polygons(mask)
    if not polygons:
        raise fault(where, "a mask with at least one pixel", Said("none"), "Leave it out, or write run lengths (COCO).")
    return polygons


def check_one_shape(one: ImageAnnotations, row: int, where: str) -> None:
    """Refuse an object whose box says something else than its mask, where only the mask is written."""
    if not one.masks[row].any():
        raise fault(where, "a mask with at least one pixel", Said("none"), "Leave it out, or write with masks=False.")
    far = float((masks_to_boxes(one.masks[row][None])[0] - one.boxes[row]).abs().max())
    if far > FARTHEST:
        remedy = "The format holds one shape an object: write boxes alone with masks=False, or take boxes from masks."
        got = Said(f"{far:.1f} pixels between them")
        raise fault(where, f"the box within {FARTHEST:g} pixel of its mask", got, remedy)


def write_folder(
    annotation_set: AnnotationSet, folder: Path, ending: str, to_text: Callable[[str, ImageAnnotations], str]
) -> None:
    """Write one file an image, each whole or not at all; all are made before the first is written.

    Raises:
        ValueError: Two images would share a file, or the folder holds files of other images, which a reader would take.
    """
    texts: dict[Path, str] = {}
    for name, one in annotation_set.images.items():
        path = folder / beside(name, ending)
        if path in texts:
            remedy = "Their names differ in the ending alone: rename one."
            raise fault(str(folder), "one image for each file", Said(f"two for {path.name}, the second {name}"), remedy)
        texts[path] = to_text(name, one)
    found = {path for path in folder.rglob(f"*{ending}") if not path.name.startswith(".")} - set(texts)
    if found:
        got = Said(f"{len(found)}, such as {min(found)}")
        raise fault(str(folder), f"no {ending} files of other images", got, "Write to an empty folder.")
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in texts.items():
        files.write_text(path, text)


def beside(name: str, ending: str) -> str:
    """Name of the annotation file of an image: the last ending is replaced.

    >>> beside("train/a.jpg", ".xml")
    'train/a.xml'
    """
    return str(PurePosixPath(name).with_suffix(ending))
