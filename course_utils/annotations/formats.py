"""The six formats side by side, and what a set loses on the way through each: written, read, compared."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch

from course_utils.annotations.coco import read_coco, write_coco
from course_utils.annotations.cvat import read_cvat, write_cvat
from course_utils.annotations.labelme import read_labelme, write_labelme
from course_utils.annotations.values import AnnotationSet, ImageAnnotations
from course_utils.annotations.via import read_via, write_via
from course_utils.annotations.voc import read_voc, write_voc
from course_utils.annotations.yolo import read_yolo, write_yolo


@dataclass(frozen=True)
class Format:
    """One way to keep annotations in files, as our reader and writer use it.

    Args:
        title: name as people say it.
        path: a file or folder name of the right kind.
        boxes: what the numbers of a box are, and where they count from.
        masks: how they are kept; "" where they are lost.
        keypoints: whether key points are kept.
        crowd: whether the marks of crowds are kept.
        image_size: whether height and width are in the files.
        class_list: whether all classes are in the files, in their order.
        read: path → set.
        write: (set, path, **options).
        variants: name → options of other ways to write the same format.
    """

    title: str
    path: str
    boxes: str
    masks: str
    keypoints: bool
    crowd: bool
    image_size: bool
    class_list: bool
    read: Callable[..., AnnotationSet]
    write: Callable[..., None]
    variants: dict[str, dict[str, object]] = field(default_factory=dict)


FORMATS = {
    "coco": Format(
        title="COCO",
        path="annotations.json",
        boxes="x, y, width, height; pixel edges from 0",
        masks="run lengths or polygons",
        keypoints=True,
        crowd=True,
        image_size=True,
        class_list=True,
        read=read_coco,
        write=write_coco,
        variants={"polygons": {"polygons": True}},
    ),
    "voc": Format(
        title="Pascal VOC",
        path="Annotations",
        boxes="first and last pixel in whole numbers from 1",
        masks="",
        keypoints=False,
        crowd=True,
        image_size=True,
        class_list=False,
        read=read_voc,
        write=write_voc,
    ),
    "yolo": Format(
        title="YOLO",
        path="yolo",
        boxes="centre, width, height; fractions of the sides",
        masks="polygons (segment)",
        keypoints=True,
        crowd=False,
        image_size=False,
        class_list=True,
        read=read_yolo,
        write=write_yolo,
        variants={"segment": {"task": "segment"}, "pose": {"task": "pose"}},
    ),
    "labelme": Format(
        title="LabelMe",
        path="labelme",
        boxes="two corners; pixel edges from 0",
        masks="polygons",
        keypoints=False,
        crowd=False,
        image_size=True,
        class_list=False,
        read=read_labelme,
        write=write_labelme,
    ),
    "via": Format(
        title="VIA 2",
        path="via.json",
        boxes="x, y, width, height; pixel edges from 0",
        masks="polygons",
        keypoints=False,
        crowd=False,
        image_size=True,  # as file attributes that we add
        class_list=True,
        read=read_via,
        write=write_via,
    ),
    "cvat": Format(
        title="CVAT for images 1.1",
        path="annotations.xml",
        boxes="two corners; pixel edges from 0",
        masks="run lengths or polygons",
        keypoints=True,
        crowd=True,
        image_size=True,
        class_list=True,
        read=read_cvat,
        write=write_cvat,
    ),
}


def round_trip_losses(annotation_set: AnnotationSet, folder: str | os.PathLike) -> list[dict[str, object]]:
    """Write a set in every format and variant, read it back, and say what came back different.

    Args:
        annotation_set: what to send round. A variant is left out where the set lacks what it is for (masks, key
            points).
        folder: where the files go, one folder a row; they stay there to be looked at.

    Returns:
        A row for each way to write, with None where the set has nothing of the kind:
        "format"; "objects", how many came back, and "box_error", the largest distance of an edge in pixels;
        "labels", whether every object has its class; "masks", the lowest IoU, 0 where they are lost; "keypoints",
        whether they are back within a pixel; "crowd" and "empty_images", whether all are back; "image_size" and
        "class_list", whether the files alone say them; "bytes" of all files.

    Raises:
        ValueError: A writer refuses the set, for example since a box is not its mask's.
    """
    rows = []
    for key, form in FORMATS.items():
        for variant, options in {"": {}, **form.variants}.items():
            name = f"{key} {variant}".strip()
            if not _lacks(annotation_set, variant):
                path = Path(folder) / name.replace(" ", "_") / form.path
                form.write(annotation_set, path, **options)
                rows.append({"format": name, **_losses(annotation_set, path, form), "bytes": _bytes(path)})
    return rows


def _lacks(annotation_set: AnnotationSet, variant: str) -> bool:
    wanted = {"polygons": "masks", "segment": "masks", "pose": "keypoints"}.get(variant)
    return wanted is not None and any(
        getattr(one, wanted) is None and len(one) for one in annotation_set.images.values()
    )


def _losses(before: AnnotationSet, path: Path, form: Format) -> dict[str, object]:
    try:
        after, image_size = form.read(path), True
    except ValueError:
        if form.image_size:
            raise
        after, image_size = form.read(path, {name: one.size_hw for name, one in before.images.items()}), False
    pairs = [(one, after.images[name]) for name, one in before.images.items() if name in after.images]
    image_size = image_size and all(one.size_hw == other.size_hw for one, other in pairs)
    empty = [name for name, one in before.images.items() if not len(one)]
    same = [(one, other) for one, other in pairs if len(one) == len(other)]
    errors = [float((one.boxes - other.boxes).abs().max()) for one, other in same if len(one)]
    return {
        "objects": sum(len(other) for _, other in pairs),
        "box_error": max(errors, default=None),
        "labels": len(same) == len(before)
        and all(_names(one, before.classes) == _names(other, after.classes) for one, other in same),
        "masks": _lowest_iou(same),
        "keypoints": _keypoints_kept(same),
        "crowd": _crowd_kept(same),
        "empty_images": all(name in after.images for name in empty) if empty else None,
        "image_size": image_size,
        "class_list": after.classes == before.classes,
    }


def _names(one: ImageAnnotations, classes: tuple[str, ...]) -> list[str]:
    return [classes[label] for label in one.labels.tolist()]


def _lowest_iou(pairs: list[tuple[ImageAnnotations, ImageAnnotations]]) -> float | None:
    """Lowest intersection over union of a mask before and after; 0 where it is lost."""
    lowest = []
    for one, other in pairs:
        if one.masks is not None and len(one):
            after = torch.zeros_like(one.masks) if other.masks is None else other.masks
            shared = (one.masks & after).count_nonzero(dim=(1, 2))  # (N, H, W) -> (N,)
            covered = (one.masks | after).count_nonzero(dim=(1, 2))
            lowest.append(float((shared / covered.clamp(min=1)).where(covered > 0, 1.0).min()))
    return min(lowest, default=None)


def _keypoints_kept(pairs: list[tuple[ImageAnnotations, ImageAnnotations]]) -> bool | None:
    with_points = [(one, other) for one, other in pairs if one.keypoints is not None and len(one)]
    if not with_points:
        return None
    for one, other in with_points:
        if other.keypoints is None or other.keypoints.shape != one.keypoints.shape:
            return False
        seen = one.keypoints[..., 2] > 0
        far = (one.keypoints - other.keypoints)[..., :2].abs()[seen]
        if (far > 1).any() or not torch.equal(one.keypoints[..., 2], other.keypoints[..., 2]):
            return False
    return True


def _crowd_kept(pairs: list[tuple[ImageAnnotations, ImageAnnotations]]) -> bool | None:
    marks = [(_marks(one), _marks(other)) for one, other in pairs]
    return all(torch.equal(one, other) for one, other in marks) if any(one.any() for one, _ in marks) else None


def _marks(one: ImageAnnotations) -> torch.Tensor:
    return torch.zeros(len(one), dtype=torch.bool) if one.iscrowd is None else one.iscrowd.cpu()


def _bytes(path: Path) -> int:
    paths = [path] if path.is_file() else path.rglob("*")
    return sum(each.stat().st_size for each in paths if each.is_file())
