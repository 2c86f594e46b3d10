"""COCO: all images of a set in one JSON file, boxes as x, y, width, height, masks as polygons or run lengths.

Coordinates are pixels between edges from 0, as ours; nothing is rounded. ``torchvision.datasets.CocoDetection``,
``pycocotools.coco.COCO`` and FiftyOne's ``COCODetectionDataset`` read such a file too.

Reference: Lin et al. 2014, "Microsoft COCO: Common Objects in Context", https://arxiv.org/abs/1405.0312; format:
https://cocodataset.org/#format-data
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
import torch
from pycocotools import mask as coco_mask

from course_utils import files
from course_utils.annotations.documents import MAX_MB, Node, Said, fault, read_json
from course_utils.annotations.objects import Found, Rules, checked_size, gathered_set
from course_utils.annotations.values import AnnotationSet, ImageAnnotations
from course_utils.annotations.writing import check_writable, polygons_of


def read_coco(
    path: str | os.PathLike,
    *,
    masks: bool = True,
    clip: bool = False,
    drop_empty: bool = False,
    max_mb: float = MAX_MB,
) -> AnnotationSet:
    """Read a COCO instances file; pycocotools draws the masks.

    ``pycocotools.coco.COCO(path)`` and ``torchvision.datasets.CocoDetection(images, path)`` read the same file into
    lists of dicts, without checks; FiftyOne reads it with
    ``Dataset.from_dir(dataset_type=fiftyone.types.COCODetectionDataset, …)``.

    Args:
        path: the JSON file.
        masks: read masks where there are any; False takes the boxes alone.
        clip: cut boxes and polygons at the border of the image; otherwise one that lies outside is refused.
        drop_empty: set objects of zero size aside with a warning that lists them; otherwise one is refused.
        max_mb: a larger file is refused before it is read.

    Returns:
        Images in the order of the file; classes in the order of the category ids, from which labels count 0, 1, 2, ….
        Objects of an image stand in the order of the file. An object without key points has visibility 0 for all.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: Something in it is wrong; the message names the file, the line or key, and what to do.
    """
    document, rules = read_json(path, max_mb), Rules(clip, drop_empty, masks)
    names = {category: name for category, name in sorted(_categories(document))}
    images: dict[int, tuple[str, str, tuple[int, int], list[Found]]] = {}
    for image in document.get("images").each():
        number = _new_id(image, images)
        size_hw = checked_size(image.get("height").whole(), image.get("width").whole(), image.where)
        images[number] = (image.get("file_name").where, image.get("file_name").text(), size_hw, [])
    seen: set[int] = set()
    for annotation in document.get("annotations").each():
        seen.add(_new_id(annotation, seen))
        number = annotation.get("image_id").whole()
        if number not in images:
            remedy = "Add the image or leave the annotation out."
            raise fault(annotation.get("image_id").where, "the id of one of the images", number, remedy)
        *_, size_hw, found = images[number]
        found.append(_found(annotation, names, size_hw))
    return gathered_set(images.values(), list(names.values()), f"{path}, key categories", rules)


def write_coco(annotation_set: AnnotationSet, path: str | os.PathLike, *, polygons: bool = False) -> None:
    """Write a COCO instances file, whole or not at all; category ids and image ids count from 1.

    Args:
        annotation_set: what to write.
        path: the JSON file.
        polygons: write masks as polygons, which lose holes, for tools that read nothing else; otherwise as run lengths,
            which lose nothing. Regions of many objects (`iscrowd`) are run lengths always, as COCO has it.

    Raises:
        ValueError: An object has zero size, or a mask without a pixel that polygons cannot express.
    """
    check_writable(annotation_set)
    images, annotations, points = [], [], 0
    for number, (name, one) in enumerate(annotation_set.images.items(), start=1):
        height, width = one.size_hw
        images.append({"id": number, "file_name": name, "height": height, "width": width})
        points = max(points, 0 if one.keypoints is None else one.keypoints.shape[1])
        for row in range(len(one)):
            rest = _annotation(one, row, polygons, f"{name}, object {row}")
            annotations.append({"id": len(annotations) + 1, "image_id": number} | rest)
    categories = [{"id": number, "name": name} for number, name in enumerate(annotation_set.classes, start=1)]
    if points:
        for category in categories:
            category |= {"keypoints": [f"point_{place}" for place in range(points)], "skeleton": []}
    files.write_json(path, {"images": images, "annotations": annotations, "categories": categories})


def counts_of(text: str, where: str) -> list[int]:
    """Run lengths out of COCO's compressed text, checked, since the decoder trusts what it gets.

    Each number is written in groups of five bits, low first, with a bit that says whether another follows; from the
    fourth on it is the difference to the number two before.

    >>> counts_of("232", "a test")
    [2, 3, 2]
    """
    counts: list[int] = []
    value = shift = 0
    for letter in text:
        group = ord(letter) - 48
        if not 0 <= group < 64 or shift > 30:
            raise fault(where, "compressed run lengths", text, "Export the mask again.")
        value |= (group & 31) << shift
        shift += 5
        if not group & 32:
            value -= (1 << shift) if group & 16 else 0
            counts.append(value + (counts[-2] if len(counts) > 2 else 0))
            value = shift = 0
    if shift:
        raise fault(where, "compressed run lengths", Said("an end in the middle of a number"), "Export the mask again.")
    return counts


def _categories(document: Node) -> Iterator[tuple[int, str]]:
    seen: set[int] = set()
    for category in document.get("categories").each():
        number = _new_id(category, seen)
        seen.add(number)
        yield number, category.get("name").text()


def _new_id(node: Node, seen: set[int] | dict[int, object]) -> int:
    number = node.get("id").whole()
    if number in seen:
        raise fault(node.get("id").where, "each id once", number, "Give the second another id, or remove it.")
    return number


def _found(annotation: Node, names: dict[int, str], size_hw: tuple[int, int]) -> Found:
    category = annotation.get("category_id").whole()
    if category not in names:
        remedy = "Add the category, or correct the id."
        raise fault(annotation.get("category_id").where, f"an id out of {sorted(names)[:20]}", category, remedy)
    crowd = annotation.get("iscrowd").whole() if "iscrowd" in annotation else 0
    if crowd not in (0, 1):
        raise fault(annotation.get("iscrowd").where, "0 or 1", crowd, "1 marks a region of many objects.")
    x, y, width, height = annotation.get("bbox").numbers(4)
    found = Found(annotation.get("bbox").where, names[category], (x, y, x + width, y + height), crowd=bool(crowd))
    if "keypoints" in annotation:
        found.keypoints = _keypoints(annotation.get("keypoints"))
    if "segmentation" in annotation:
        _add_segmentation(found, annotation.get("segmentation"), size_hw)
    return found


def _keypoints(node: Node) -> list[list[float]] | None:
    flat = node.numbers()
    if len(flat) % 3:
        remedy = "Each key point has x, y and visibility."
        raise fault(node.where, "three numbers a key point", Said(f"{len(flat)} numbers"), remedy)
    return [flat[place : place + 3] for place in range(0, len(flat), 3)] or None


def _add_segmentation(found: Found, node: Node, size_hw: tuple[int, int]) -> None:
    """Polygons, or run lengths as a list or as compressed text; an empty list counts as none."""
    found.shape_where = node.where
    if isinstance(node.value, list):
        found.polygons = [_corners(polygon) for polygon in node.each()] or None
        return
    size, where = node.get("size").numbers(2), node.get("counts").where
    if tuple(size) != size_hw:
        remedy = "The mask belongs to another image, or is it [width, height]?"
        raise fault(
            node.get("size").where, f"[{size_hw[0]}, {size_hw[1]}], height and width of the image", size, remedy
        )
    counts = node.get("counts")
    runs = counts_of(counts.value, where) if isinstance(counts.value, str) else [run.whole() for run in counts.each()]
    if min(runs, default=0) < 0 or sum(runs) != size_hw[0] * size_hw[1]:
        got = Said(f"{len(runs)} runs with the sum {sum(runs)}, the shortest {min(runs, default=0)}")
        wish = f"runs of 0 or more with the sum {size_hw[0] * size_hw[1]}, the pixels of the image"
        raise fault(where, wish, got, "Export the mask again.")
    found.mask = lambda: coco_mask.decode(coco_mask.frPyObjects({"size": size_hw, "counts": runs}, *size_hw)).astype(
        bool
    )


def _corners(node: Node) -> list[float]:
    flat = node.numbers()
    if len(flat) < 6 or len(flat) % 2:
        remedy = "Two corners are a line or a box: draw the outline again, or leave it out."
        raise fault(node.where, "three corners or more, two numbers each", Said(f"{len(flat)} numbers"), remedy)
    return flat


def _annotation(one: ImageAnnotations, row: int, polygons: bool, where: str) -> dict[str, object]:
    x1, y1, x2, y2 = one.boxes[row].tolist()
    crowd = one.iscrowd is not None and bool(one.iscrowd[row])
    result: dict[str, object] = {
        "category_id": int(one.labels[row]) + 1,
        "bbox": [x1, y1, x2 - x1, y2 - y1],
        "area": (x2 - x1) * (y2 - y1),
        "iscrowd": int(crowd),
    }
    if one.masks is not None:
        result["area"] = int(one.masks[row].count_nonzero())
        result["segmentation"] = _segmentation(one.masks[row], polygons and not crowd, where)
    if one.keypoints is not None:
        result["keypoints"] = one.keypoints[row].flatten().tolist()  # (K, 3) -> (K*3,)
        result["num_keypoints"] = int((one.keypoints[row, :, 2] > 0).sum())
    return result


def _segmentation(mask: torch.Tensor, polygons: bool, where: str) -> object:
    if polygons:
        return [polygon.ravel().tolist() for polygon in polygons_of(mask, where)]
    encoded = coco_mask.encode(np.asfortranarray(mask.cpu().numpy().astype(np.uint8)))
    return {"size": encoded["size"], "counts": encoded["counts"].decode("ascii")}
