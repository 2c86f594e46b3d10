"""The values that annotations are: what is where in one image, and the images of a set with its classes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from course_utils.annotations.checks import INSIDE_TOLERANCE, check_size, check_tensor
from course_utils.annotations.geometry import masks_to_boxes

CONTROL = re.compile("[\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]")  # no place for them in names


@dataclass(frozen=True, eq=False)
class ImageAnnotations:
    """Boxes, labels and optional fields of the N objects in one image; checked when it is made, zero objects included.

    Args:
        size_hw: (H, W) of the image, pixels.
        boxes: float32 (N, 4), xyxy between pixel edges, inside the image, ``x1 <= x2`` and ``y1 <= y2``.
        labels: int64 (N,), class indices from 0.
        masks: bool (N, H, W), row i belongs to box i; None where nobody drew masks.
        keypoints: float32 (N, K, 3): x and y in pixels between edges, as the boxes, and the visibility as in COCO: 0
            not labelled, 1 labelled but hidden, 2 visible. None where nobody set points.
        iscrowd: bool (N,), True for a region of many objects that nobody drew one by one: an evaluation counts it
            neither as found nor as missed. None where there is none.

    Raises:
        TypeError: A field is not a tensor of the stated dtype.
        ValueError: Shapes do not fit, a box or point is not finite, turned round or outside the image, a label is
            negative, or a visibility is not 0, 1 or 2.

    >>> two = ImageAnnotations((4, 6), torch.tensor([[0., 0., 2., 2.], [3., 1., 6., 4.]]), torch.tensor([0, 2]))
    >>> len(two), two.masks is None
    (2, True)
    """

    size_hw: tuple[int, int]
    boxes: Tensor
    labels: Tensor
    masks: Tensor | None = None
    keypoints: Tensor | None = None
    iscrowd: Tensor | None = None

    def __post_init__(self) -> None:
        check_size(self.size_hw)
        _check_boxes(self.boxes, self.size_hw)
        check_tensor("labels", self.labels, torch.int64, (len(self.boxes),))
        if (self.labels < 0).any():
            raise ValueError(
                f"Expected every label to be 0 or more, but got {self.labels.min().item()}. "
                "Leave objects without a class out, or give them a class of their own."
            )
        if self.masks is not None:
            check_tensor("masks", self.masks, torch.bool, (len(self.boxes), *self.size_hw))
        if self.keypoints is not None:
            check_tensor("keypoints", self.keypoints, torch.float32, (len(self.boxes), None, 3))
            _check_keypoints(self.keypoints, self.size_hw)
        if self.iscrowd is not None:
            check_tensor("iscrowd", self.iscrowd, torch.bool, (len(self.boxes),))

    def __len__(self) -> int:
        return len(self.boxes)

    @classmethod
    def from_masks(cls, masks: Tensor, labels: Tensor) -> ImageAnnotations:
        """Annotations whose boxes are the tight boxes of the masks.

        Args:
            masks: bool (N, H, W), at least one pixel each.
            labels: int64 (N,).

        Raises:
            TypeError: A tensor has another dtype.
            ValueError: Shapes do not fit, or a mask is empty.

        >>> mask = torch.zeros(1, 4, 6, dtype=torch.bool)
        >>> mask[0, 1:3, 2:5] = True
        >>> ImageAnnotations.from_masks(mask, torch.tensor([0])).boxes
        tensor([[2., 1., 5., 3.]])
        """
        boxes = masks_to_boxes(masks)
        return cls((masks.shape[1], masks.shape[2]), boxes, labels, masks)


@dataclass(frozen=True, eq=False, repr=False)
class AnnotationSet:
    """The annotations of several images, and the names of the classes that their labels count.

    Args:
        images: file name of each image → its annotations, in the order of the set. A name is a relative path with
            forward slashes, such as ``"a.jpg"`` or ``"train/a.jpg"``.
        classes: names of the classes; label i is ``classes[i]``. Classes without an object may stand here too.

    Raises:
        TypeError: A value is not an `ImageAnnotations`, or a name not a string.
        ValueError: A file name leaves its folder, a class is empty or there twice, or a label is beyond the classes.

    >>> none = ImageAnnotations((4, 6), torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))
    >>> AnnotationSet({"a.jpg": none}, ("stop",))
    AnnotationSet(1 image, 0 objects, 1 class)
    """

    images: Mapping[str, ImageAnnotations]
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "images", dict(self.images))  # ours: the caller's may change after the checks
        check_classes(self.classes)
        for name, one in self.images.items():
            if not isinstance(one, ImageAnnotations):
                raise TypeError(
                    f"Expected `images` to hold ImageAnnotations, but got {type(one).__name__} for {name!r}. "
                    "Make one with `ImageAnnotations(size_hw, boxes, labels)`."
                )
            check_file_name(name, "an AnnotationSet")
            if len(one) and int(one.labels.max()) >= len(self.classes):
                raise ValueError(
                    f"Expected labels of {name} below {len(self.classes)}, the number of classes, but got "
                    f"{int(one.labels.max())}. Labels count from 0; add the missing names to `classes`."
                )

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        counts = (len(self), "image"), (sum(map(len, self.images.values())), "object"), (len(self.classes), "class")
        plural = {"image": "images", "object": "objects", "class": "classes"}
        return f"AnnotationSet({', '.join(f'{n} {word if n == 1 else plural[word]}' for n, word in counts)})"


def check_file_name(name: object, where: str) -> str:
    """The name of an image file, if it is one that cannot lead out of its folder, on no operating system.

    Args:
        name: what stands in a file.
        where: the file and line or key, for the message.

    Raises:
        ValueError: Not a string, empty, absolute, with ``..``, a backslash, a drive letter or a control character.

    >>> check_file_name("train/a.jpg", "a test")
    'train/a.jpg'
    """
    parts = name.split("/") if isinstance(name, str) else [""]
    if not isinstance(name, str) or CONTROL.search(name) or re.search(r"\\|^[A-Za-z]:", name):
        bad = True
    else:
        bad = any(part.startswith(".") or not part or part != part.strip() for part in parts)
    if bad or len(name) > 1000:
        raise ValueError(
            f"Expected the name of an image below its folder in {where}, but got {str(name)[:100]!r}. Write it as "
            "`a.jpg` or `train/a.jpg`: no leading slash or dot, no `..`, backslash, drive letter or control character."
        )
    return name


def check_classes(classes: object, where: str = "an AnnotationSet") -> tuple[str, ...]:
    """The names of the classes, if they are names and each stands there once.

    Raises:
        TypeError: Not a tuple.
        ValueError: A name is not a string, empty, with blanks around it or control characters, or stands there twice.
    """
    if not isinstance(classes, tuple):
        raise TypeError(f"Expected `classes` to be a tuple of names, but got {type(classes).__name__}. Use `tuple(…)`.")
    for name in classes:
        if not isinstance(name, str) or not name or name != name.strip() or CONTROL.search(name):
            raise ValueError(
                f"Expected names of classes in {where}, but got {str(name)[:100]!r}. A name is a string that is not "
                "empty, without blanks around it and without control characters."
            )
    name, times = Counter(classes).most_common(1)[0] if classes else ("", 0)
    if times > 1:
        raise ValueError(f"Expected each class once in {where}, but got {name!r} {times} times. Rename or merge them.")
    return classes


def _check_keypoints(keypoints: Tensor, size_hw: tuple[int, int]) -> None:
    points, seen = keypoints[..., :2], keypoints[..., 2]  # (N, K, 2), (N, K)
    limits = torch.tensor(size_hw[::-1], dtype=torch.float32, device=points.device)  # (2,): W, H
    outside = ((points < -INSIDE_TOLERANCE) | (points > limits + INSIDE_TOLERANCE)).any(dim=-1) & (seen > 0)
    faults = {
        "be finite": (~torch.isfinite(keypoints).all(dim=-1), "Points that nobody set are (0, 0, 0)."),
        "have visibility 0, 1 or 2": (
            ~((seen == 0) | (seen == 1) | (seen == 2)),
            "As in COCO: 0 not labelled, 1 labelled but hidden, 2 visible.",
        ),
        f"lie inside the image of height {size_hw[0]} and width {size_hw[1]}": (
            outside,
            "Set the visibility of a point that left the image to 0, or is the size (width, height)?",
        ),
    }
    for wish, (wrong, remedy) in faults.items():
        if wrong.any():
            row, point = torch.nonzero(wrong)[0].tolist()
            got = keypoints[row, point].tolist()
            raise ValueError(f"Expected every keypoint to {wish}, but got {got} in row {row}, point {point}. {remedy}")


def _check_boxes(boxes: Tensor, size_hw: tuple[int, int]) -> None:
    check_tensor("boxes", boxes, torch.float32, (None, 4))
    height, width = size_hw
    limits = torch.tensor([width, height, width, height], dtype=torch.float32, device=boxes.device)
    inside = (boxes >= -INSIDE_TOLERANCE) & (boxes <= limits + INSIDE_TOLERANCE)
    faults = {
        "be finite": (~torch.isfinite(boxes).all(dim=1), "Find where the division by zero came from."),
        "have x1 <= x2 and y1 <= y2": (
            (boxes[:, :2] > boxes[:, 2:]).any(dim=1),
            "Is it (x, y, width, height)? `torchvision.ops.box_convert` turns it into xyxy.",
        ),
        f"lie inside the image of height {height} and width {width}": (
            ~inside.all(dim=1),
            "Clip it with `torchvision.ops.clip_boxes_to_image`, or is the size (width, height)?",
        ),
    }
    for wish, (wrong, remedy) in faults.items():
        if wrong.any():
            row = int(torch.nonzero(wrong)[0])
            raise ValueError(f"Expected every box to {wish}, but got {boxes[row].tolist()} in row {row}. {remedy}")
