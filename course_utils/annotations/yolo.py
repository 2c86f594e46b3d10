"""YOLO: a text file an image, a line an object, in fractions of the width and height; names in ``data.yaml``.

``class cx cy w h`` for boxes, with key points ``class cx cy w h x y v x y v …`` (pose), or ``class x1 y1 x2 y2 x3 y3
…`` for outlines (segment), whose boxes are the tight boxes of the outlines. Coordinates are pixels between edges from
0, divided by the sides; so nobody knows the pixels without the **size of the image, which is not in the files**, nor
are the endings of the image names. Six decimals lose about a millionth of the side. Ultralytics' tools and FiftyOne's
``YOLOv5Dataset`` read such a folder too.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

from course_utils import files
from course_utils.annotations.documents import MAX_MB, Said, decoded, fault, read_limited, to_number, to_whole
from course_utils.annotations.geometry import polygons_joined
from course_utils.annotations.objects import Found, Rules, checked_size, gathered_set
from course_utils.annotations.values import AnnotationSet, ImageAnnotations, check_classes, check_file_name
from course_utils.annotations.writing import beside, check_one_shape, check_writable, polygons_of, write_folder

TASKS = ("detect", "segment", "pose")
IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")
DATA_YAML_MB = 1.0
TURNED = (5, 6, 7, 8)  # values of the EXIF orientation that swap width and height
EXIF_ORIENTATION = 0x0112
SMALLEST = 1e-6  # of a side: the last of the decimals that we write, so that no box becomes one of zero size


def image_sizes(folder: str | os.PathLike) -> dict[str, tuple[int, int]]:
    """Sizes of the pictures in a folder and below, read from their first bytes: what YOLO files do not say.

    Args:
        folder: with the images.

    Returns:
        File name below the folder → (H, W) as the picture is shown, that is after its EXIF orientation; sorted.

    Raises:
        FileNotFoundError: There is no such folder.
        ValueError: A file is no picture.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"Expected the folder {folder} with images, but there is none. Is the path right?")
    sizes = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in IMAGE_ENDINGS and path.is_file():
            try:
                with Image.open(path) as image:
                    width, height = image.size
                    turned = image.getexif().get(EXIF_ORIENTATION) in TURNED
            except Exception as error:  # Pillow raises what its decoders raise
                got = Said(f"{type(error).__name__}: {str(error)[:80]}")
                raise fault(str(path), "an image", got, "Fetch it again or remove it with its annotations.") from error
            sizes[path.relative_to(folder).as_posix()] = (width, height) if turned else (height, width)
    return sizes


def read_yolo(
    folder: str | os.PathLike,
    images: Mapping[str, tuple[int, int]] | str | os.PathLike | None = None,
    *,
    masks: bool = True,
    clip: bool = False,
    drop_empty: bool = False,
    max_mb: float = MAX_MB,
) -> AnnotationSet:
    """Read a folder with ``data.yaml`` and ``labels/``; the size of each image must come from elsewhere.

    FiftyOne reads such a folder, images beside the labels, with ``fiftyone.types.YOLOv5Dataset``.

    Args:
        folder: with ``data.yaml`` (names) and ``labels/*.txt``.
        images: file name → (H, W) of every image, or the folder with the pictures; None: ``images`` in the folder.
        masks: make masks of outlines; False takes their boxes alone.
        clip: cut at the border of the image; otherwise what lies outside is refused.
        drop_empty: set objects of zero size aside with a warning that lists them; otherwise one is refused.
        max_mb: a larger file is refused before it is read.

    Returns:
        Images in the order of `images`; one without a text file has no objects, as YOLO has it.

    Raises:
        FileNotFoundError: There is no such folder, no ``data.yaml`` or no folder of images.
        ValueError: Something is wrong; the message names the file and line, and what to do.
    """
    folder, rules = Path(folder), Rules(clip, drop_empty, masks)
    if images is None and not (folder / "images").is_dir():
        got = Said("neither")
        remedy = "YOLO files do not say how large images are: pass images={name: (H, W)} or the folder of pictures."
        raise fault(str(folder), "a folder `images`, or the argument `images`", got, remedy)
    sizes = images if isinstance(images, Mapping) else image_sizes(folder / "images" if images is None else images)
    names, points = _read_data_yaml(folder / "data.yaml")
    result = []
    for path, name in _paired(folder / "labels", sizes).items():
        size_hw = checked_size(*sizes[name], f"the size of {name}")
        found = _read_labels(path, names, points, size_hw, max_mb) if path.exists() else []
        result.append((str(path), name, size_hw, found))
    return gathered_set(result, names, f"{folder / 'data.yaml'}, key names", rules)


def write_yolo(annotation_set: AnnotationSet, folder: str | os.PathLike, *, task: str = "detect") -> None:
    """Write ``data.yaml`` and ``labels/`` with a text file an image, empty where the image is.

    Sizes and endings of the images and crowd marks are lost. Put the pictures into ``images/``.

    Args:
        annotation_set: what to write. ``train/a.jpg`` becomes ``labels/train/a.txt``.
        folder: made where it is missing; ``labels`` in it must hold no files of other images.
        task: "detect" writes boxes; "segment" outlines of the masks, without their holes, the parts of one object
            joined by a bridge without width; "pose" boxes and key points.

    Raises:
        ValueError: An object has zero size, or for "segment" a box that is not its mask's, images lack masks or key
            points or differ in their number, two images would share a file, or the folder holds other files.
    """
    if task not in TASKS:
        raise ValueError(f"Expected `task` to be one of {TASKS}, but got {task!r}. Boxes alone are 'detect'.")
    check_writable(annotation_set)
    points = _check_fields(annotation_set, task)
    folder = Path(folder)
    write_folder(annotation_set, folder / "labels", ".txt", lambda name, one: _lines(name, one, task))
    data = {"path": ".", "train": "images", "val": "images", "names": dict(enumerate(annotation_set.classes))}
    if task == "pose":
        data["kpt_shape"] = [points, 3]
    files.write_text(folder / "data.yaml", yaml.safe_dump(data, sort_keys=False, allow_unicode=True))


def _paired(folder: Path, sizes: Mapping[str, object]) -> dict[Path, str]:
    """Text file of each image, whether it is there or not → name of the image; no file is left over."""
    if not folder.is_dir():
        raise FileNotFoundError(f"Expected the folder {folder}, but there is none. YOLO keeps its text files there.")
    pairs: dict[Path, str] = {}
    for name in sizes:
        path = folder / beside(check_file_name(name, "the argument `images`"), ".txt")
        if path in pairs:
            got = Said(f"{pairs[path]} and {name}")
            raise fault(str(path), "one image for each file", got, "Rename one of them.")
        pairs[path] = name
    there = {path for path in folder.rglob("*.txt") if path.is_file() and not path.name.startswith(".")}
    if there - set(pairs):
        remedy = "Add the image, or remove the text file."
        raise fault(str(min(there - set(pairs))), "an image for every text file", Said("none of that name"), remedy)
    return pairs


def _read_data_yaml(path: Path) -> tuple[tuple[str, ...], tuple[int, int]]:
    """Names of the classes, and number and width of key points ((0, 0) for none)."""
    text = decoded(read_limited(path, DATA_YAML_MB), str(path))
    try:
        data = yaml.load(text, Loader=yaml.BaseLoader)  # texts only: a class `no` stays a name
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}, line {mark.line + 1}" if mark else str(path)
        got = Said(getattr(error, "problem", None) or str(error)[:80])
        raise fault(where, "YAML", got, "Correct it or export it again.") from error
    names = data.get("names") if isinstance(data, dict) else None
    where = f"{path}, key names"
    if isinstance(names, dict):
        numbers = {to_whole(key, where, least=0): name for key, name in names.items()}
        if sorted(numbers) != list(range(len(names))):
            raise fault(where, "the numbers 0, 1, 2, … without a gap", list(names), "Number the classes from 0.")
        names = [numbers[number] for number in range(len(numbers))]
    if not isinstance(names, list):
        raise fault(where, "names of the classes", names, "List them there: `names: [stop, speed]`.")
    if "nc" in data and to_whole(data["nc"], f"{path}, key nc") != len(names):
        raise fault(
            f"{path}, key nc", f"{len(names)}, the number of names", data["nc"], "Correct the one or the other."
        )
    return check_classes(tuple(names), where), _key_point_shape(data.get("kpt_shape"), f"{path}, key kpt_shape")


def _key_point_shape(value: object, where: str) -> tuple[int, int]:
    if value is None:
        return 0, 0
    if not isinstance(value, list) or len(value) != 2:
        raise fault(where, "two numbers, such as [17, 3]", value, "The number of key points, and 2 or 3 numbers each.")
    count, each = (to_whole(number, where, least=1) for number in value)
    if each not in (2, 3):
        raise fault(where, "2 or 3 numbers a key point", each, "2: x, y; 3: x, y, visibility.")
    return count, each


def _read_labels(
    path: Path, names: Sequence[str], points: tuple[int, int], size_hw: tuple[int, int], max_mb: float
) -> list[Found]:
    found = []
    for line, text in enumerate(decoded(read_limited(path, max_mb), str(path)).splitlines(), start=1):
        if text.strip():
            where = f"{path}, line {line}"
            first, *rest = text.split()
            index = to_whole(first, where, least=0)
            if index >= len(names):
                remedy = "Add its name to data.yaml, or correct the number."
                raise fault(where, f"a class from 0 to {len(names) - 1}", index, remedy)
            found.append(_found(where, names[index], [to_number(part, where) for part in rest], points, size_hw))
    return found


def _found(where: str, name: str, numbers: list[float], points: tuple[int, int], size_hw: tuple[int, int]) -> Found:
    height, width = size_hw
    count, each = points
    if len(numbers) == 4 + count * each:
        cx, cy, w, h = (number * side for number, side in zip(numbers, (width, height) * 2, strict=False))
        if w < 0 or h < 0:
            raise fault(where, "a width and height of 0 or more", numbers[2:4], "Swap the corners of this box.")
        found = Found(where, name, (cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2))
        if count:
            rows = np.array(numbers[4:]).reshape(count, each)  # (K*3,) -> (K, 3)
            seen = rows[:, 2:] if each == 3 else np.where(rows.any(axis=1, keepdims=True), 2.0, 0.0)
            found.keypoints = np.concatenate([rows[:, :2] * (width, height), seen], axis=1).tolist()
        return found
    if not count and len(numbers) >= 6 and len(numbers) % 2 == 0:
        return Found(where, name, polygons=[(np.array(numbers).reshape(-1, 2) * (width, height)).ravel().tolist()])
    wish = f"{4 + count * each} numbers after the class" + ("" if count else ", or an outline of three corners or more")
    remedy = "A box is cx cy w h, an outline x y x y x y …, all in fractions of the sides."
    raise fault(where, wish, Said(f"{len(numbers)} numbers"), remedy)


def _check_fields(annotation_set: AnnotationSet, task: str) -> int:
    """Refuse images that lack what the task writes; the number of key points."""
    points = set()
    for name, one in annotation_set.images.items():
        field = {"segment": one.masks, "pose": one.keypoints}.get(task)
        if task != "detect" and len(one) and (field is None or not field.shape[1]):
            wish = "masks" if task == "segment" else "key points"
            raise fault(name, f"{wish} for task={task!r}", Said("none"), "Write task='detect', or leave the image out.")
        if task == "pose" and len(one):
            points.add(one.keypoints.shape[1])
    if len(points) > 1:
        raise fault("the set", "one number of key points", sorted(points), "Write the images with others apart.")
    return min(points, default=1)


def _lines(name: str, one: ImageAnnotations, task: str) -> str:
    lines = []
    for row in range(len(one)):
        numbers = _outline(name, one, row) if task == "segment" else _box(one, row, task)
        lines.append(" ".join([str(int(one.labels[row])), *(f"{number:.6f}" for number in numbers)]))
    return "".join(f"{line}\n" for line in lines)


def _outline(name: str, one: ImageAnnotations, row: int) -> list[float]:
    check_one_shape(one, row, f"{name}, object {row}")
    joined = polygons_joined(polygons_of(one.masks[row], f"{name}, object {row}"))
    return (joined / one.size_hw[::-1]).ravel().tolist()


def _box(one: ImageAnnotations, row: int, task: str) -> list[float]:
    height, width = one.size_hw
    x1, y1, x2, y2 = one.boxes[row].tolist()
    sides = (max((x2 - x1) / width, SMALLEST), max((y2 - y1) / height, SMALLEST))
    numbers = [(x1 + x2) / 2 / width, (y1 + y2) / 2 / height, *sides]
    if task == "pose":
        for x, y, seen in one.keypoints[row].tolist():
            numbers += [x / width, y / height, seen] if seen else [0, 0, 0]
    return numbers
