"""What all readers share: objects as a file states them, checked one by one, become the annotations of an image."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from course_utils.annotations.documents import Said, fault
from course_utils.annotations.geometry import check_polygon, masks_to_boxes, polygons_to_mask
from course_utils.annotations.values import AnnotationSet, ImageAnnotations, check_classes, check_file_name

ROUNDING = 0.01  # pixels; files with few decimals put a box this far over the border, which is no fault of the box
LARGEST_SIDE = 100_000  # pixels of an image
LARGEST_MASKS = 4_000_000_000  # pixels of all masks of a set, a byte each
LISTED = 20  # objects that a warning names one by one


@dataclass
class Rules:
    """What to do with boxes that are not in order, and the list of what was set aside."""

    clip: bool = False
    drop_empty: bool = False
    masks: bool = True
    dropped: list[str] = field(default_factory=list)

    def report(self) -> None:
        """Warn of every object that was set aside."""
        if self.dropped:
            listed = "; ".join(self.dropped[:LISTED])
            more = f"; and {len(self.dropped) - LISTED} more" if len(self.dropped) > LISTED else ""
            count = len(self.dropped)
            text = f"Set aside {count} object{'s' * (count > 1)} of zero size: {listed}{more}."
            warnings.warn(text, UserWarning, stacklevel=4)  # the caller of read_…


@dataclass
class Found:
    """One object as its file states it.

    Args:
        where: file and line or key.
        name: its class.
        box: x1, y1, x2, y2 between pixel edges; None where the shape gives it.
        polygons: flat x, y, x, y, … lists; several are parts of one object.
        mask: function that gives bool (H, W), called after the size of the image has been checked.
        keypoints: rows of x, y, visibility.
        crowd: a region of many.
        shape_where: place of the shape, where it is another than the box's.
    """

    where: str
    name: str
    box: Sequence[float] | None = None
    polygons: list[Sequence[float]] | None = None
    mask: Callable[[], np.ndarray] | None = None
    keypoints: list[Sequence[float]] | None = None
    crowd: bool = False
    shape_where: str = ""

    @property
    def has_shape(self) -> bool:
        return self.polygons is not None or self.mask is not None


def checked_size(height: int, width: int, where: str) -> tuple[int, int]:
    """(H, W), if an image can have them."""
    if not (1 <= height <= LARGEST_SIDE and 1 <= width <= LARGEST_SIDE):
        got = Said(f"height {height} and width {width}")
        remedy = "Take the size from the image itself."
        raise fault(where, f"a height and width from 1 to {LARGEST_SIDE:,}", got, remedy)
    return height, width


def checked_box(box: Sequence[float], size_hw: tuple[int, int], where: str, rules: Rules) -> list[float] | None:
    """The box inside its image, as float32 would hold it; None where it was set aside."""
    x1, y1, x2, y2 = box
    height, width = size_hw
    shown = Said(f"({x1:g}, {y1:g}, {x2:g}, {y2:g})")
    if x1 > x2 or y1 > y2:
        remedy = "Width or height is negative: swap the corners, or is it another order of numbers?"
        raise fault(where, "a box with x1 <= x2 and y1 <= y2", shown, remedy)
    slack = ROUNDING + 2e-6 * max(size_hw)  # the second part: six decimals of the side
    if not rules.clip and (min(x1, y1) < -slack or x2 > width + slack or y2 > height + slack):
        remedy = "Read with clip=True to cut it at the border, or is the size (width, height)?"
        raise fault(where, f"a box inside the image of height {height} and width {width}", shown, remedy)
    inside = np.clip(np.array(box, dtype=np.float64), 0, [width, height, width, height]).astype(np.float32)
    if inside[0] < inside[2] and inside[1] < inside[3]:
        return inside.tolist()
    if not rules.drop_empty:
        remedy = "A click without a drag? Read with drop_empty=True to set such objects aside, or correct the file."
        raise fault(where, "a box with a width and height above zero", shown, remedy)
    rules.dropped.append(where)
    return None


def gathered(
    found: Iterable[Found], size_hw: tuple[int, int], indices: Mapping[str, int], rules: Rules
) -> ImageAnnotations:
    """Objects of one image as its annotations.

    Args:
        found: as the file states them.
        size_hw: (H, W), checked.
        indices: name of each class → its label.
        rules: see there; what is set aside is added to it.
    """
    found = list(found)
    _check_shapes(found, rules)
    with_masks = rules.masks and any(one.has_shape for one in found)
    kept, boxes, masks = [], [], []
    for one in found:
        if one.name not in indices:
            remedy = "Add the class, or correct the spelling."
            raise fault(one.where, f"a class out of {sorted(indices)}"[:300], one.name, remedy)
        mask = _mask(one, size_hw, rules) if with_masks or (one.box is None and one.mask) else None
        box = checked_box(_box(one, mask), size_hw, one.where, rules)
        if box is not None:
            kept.append(one)
            boxes.append(box)
            masks.append(mask)
    return ImageAnnotations(
        size_hw,
        torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
        torch.tensor([indices[one.name] for one in kept], dtype=torch.int64),
        torch.stack(masks) if with_masks and kept else None,
        _keypoints(kept, size_hw),
        torch.tensor([one.crowd for one in kept]) if any(one.crowd for one in kept) else None,
    )


def gathered_set(
    images: Iterable[tuple[str, str, tuple[int, int], list[Found]]],
    classes: Sequence[str] | None,
    source: str,
    rules: Rules,
) -> AnnotationSet:
    """Images of a set, each with its place, name, size and objects, as one value; warns of what was set aside.

    Args:
        images: (where, file name, size_hw, objects) of each.
        classes: names in the order of their labels; None: those that occur, sorted.
        source: where the classes stand, for the message.
        rules: see there.
    """
    listed = list(images)
    if classes is None:
        first = {one.name: one.where for *_, found in reversed(listed) for one in reversed(found)}
        classes = sorted(name for name, where in first.items() if check_classes((name,), where))
    indices = {name: index for index, name in enumerate(check_classes(tuple(classes), source))}
    _check_memory(listed, rules)
    result: dict[str, ImageAnnotations] = {}
    for where, name, size_hw, found in listed:
        if check_file_name(name, where) in result:
            raise fault(where, "each image once", name, "Rename or remove the second.")
        result[name] = gathered(found, checked_size(*size_hw, where), indices, rules)
    rules.report()
    return AnnotationSet(result, tuple(classes))


def folder_files(folder: str | Path, ending: str) -> list[Path]:
    """Files of a folder and those below it with an ending, sorted; an error where there is none.

    Raises:
        FileNotFoundError: There is no such folder.
        ValueError: It is a file, or has no such files.
    """
    folder = Path(folder)
    if not folder.exists():
        raise FileNotFoundError(f"Expected the folder {folder}, but there is none. Is the path right?")
    paths = sorted(path for path in folder.rglob(f"*{ending}") if path.is_file() and not path.name.startswith("."))
    if not paths:
        got = Said("none" if folder.is_dir() else "a file")
        raise fault(str(folder), f"a folder with files that end in {ending}", got, "Give the folder that holds them.")
    return paths


def _check_memory(images: list[tuple[str, str, tuple[int, int], list[Found]]], rules: Rules) -> None:
    """Refuse more masks than memory holds, before the first is drawn."""
    total = 0
    for where, _, (height, width), found in images:
        drawn = [one for one in found if (one.has_shape if rules.masks else one.mask is not None and one.box is None)]
        total += height * width * (len(drawn) if rules.masks else bool(drawn))
        if total > LARGEST_MASKS:
            got = Said("more up to here")
            remedy = "Are the sizes of the images right? If so, read with masks=False to take the boxes alone."
            raise fault(where, f"masks of at most {LARGEST_MASKS:,} pixels in all", got, remedy)


def _check_shapes(found: list[Found], rules: Rules) -> None:
    """Refuse shapes for some objects only."""
    bare = [one for one in found if not one.has_shape]
    if rules.masks and 0 < len(bare) < len(found):
        remedy = "Draw its outline too, or read with masks=False to take the boxes alone."
        raise fault(bare[0].where, "a mask or polygon, since other objects of the image have one", Said("none"), remedy)


def _mask(one: Found, size_hw: tuple[int, int], rules: Rules) -> torch.Tensor:
    if one.mask is not None:
        return torch.from_numpy(one.mask())
    where = one.shape_where or one.where
    polygons = [_polygon(flat, where) for flat in one.polygons or []]
    if rules.clip:
        polygons = [np.clip(polygon, 0, size_hw[::-1]) for polygon in polygons]
    return polygons_to_mask([check_polygon(polygon, size_hw, where) for polygon in polygons], size_hw)


def _polygon(flat: Sequence[float], where: str) -> np.ndarray:
    """Flat x, y, x, y as (M, 2), of three corners or more."""
    if len(flat) < 6 or len(flat) % 2:
        got = Said(f"{len(flat)} numbers")
        remedy = "Two corners are a line or a box: draw the outline again, or write a box."
        raise fault(where, "a polygon of three corners or more, two numbers each", got, remedy)
    return np.array(flat, dtype=np.float64).reshape(-1, 2)


def _box(one: Found, mask: torch.Tensor | None) -> Sequence[float]:
    """The box that the file states, or the tight box of the shape."""
    if one.box is not None:
        return one.box
    if one.polygons:
        corners = np.concatenate([_polygon(flat, one.where) for flat in one.polygons])
        return (*corners.min(axis=0), *corners.max(axis=0))
    if mask is None or not mask.any():
        raise fault(one.where, "a mask with at least one pixel", Said("none"), "Leave this object out.")
    return masks_to_boxes(mask[None])[0].tolist()


def _keypoints(kept: list[Found], size_hw: tuple[int, int]) -> torch.Tensor | None:
    """float32 (N, K, 3), zeros for objects without points; None where no object has any."""
    counts = {len(one.keypoints): one for one in kept if one.keypoints is not None}
    if not counts:
        return None
    if len(counts) > 1:
        one = list(counts.values())[1]
        remedy = "Give all objects of an image the same points; those that are not labelled have visibility 0."
        raise fault(one.where, f"{next(iter(counts))} key points", Said(len(one.keypoints)), remedy)
    height, width = size_hw
    for one in kept:
        for x, y, seen in one.keypoints or []:
            inside = -ROUNDING <= x <= width + ROUNDING and -ROUNDING <= y <= height + ROUNDING
            if seen not in (0, 1, 2) or (seen and not inside):
                wish = f"key points inside the image of height {height} and width {width} with visibility 0, 1 or 2"
                remedy = "Set the visibility of a point outside to 0."
                raise fault(one.where, wish, Said(f"({x:g}, {y:g}, {seen:g})"), remedy)
    none = [(0.0, 0.0, 0.0)] * next(iter(counts))
    rows = np.array([one.keypoints if one.keypoints is not None else none for one in kept], dtype=np.float64)
    rows = rows.reshape(len(kept), -1, 3)
    rows[..., :2] = np.where(rows[..., 2:] > 0, np.clip(rows[..., :2], 0, [width, height]), 0)
    return torch.from_numpy(rows.astype(np.float32))
