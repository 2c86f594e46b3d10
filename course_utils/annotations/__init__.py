"""The one annotation value of the course: what is where in one image.

Boxes are ``(x1, y1, x2, y2)`` in pixels, measured between pixel *edges*: the pixel in row 0 and column 0 covers
``(0, 0, 1, 1)``, so ``x2`` and ``y2`` are exclusive, the width is ``x2 - x1``, and the whole image is ``(0, 0, W, H)``.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision import ops

INSIDE_TOLERANCE = 1e-3  # pixels; float32 rounding may push a box this far over the border


@dataclass(frozen=True, eq=False)
class ImageAnnotations:
    """Boxes, labels and optional masks of the N objects in one image; checked when it is made, zero objects included.

    Args:
        size_hw: (H, W) of the image, pixels.
        boxes: float32 (N, 4), xyxy between pixel edges, inside the image, ``x1 <= x2`` and ``y1 <= y2``.
        labels: int64 (N,), class indices from 0.
        masks: bool (N, H, W), row i belongs to box i; None where nobody drew masks.

    Raises:
        TypeError: A field is not a tensor of the stated dtype.
        ValueError: Shapes do not fit, a box is not finite, turned round or outside the image, or a label is negative.

    >>> two = ImageAnnotations((4, 6), torch.tensor([[0., 0., 2., 2.], [3., 1., 6., 4.]]), torch.tensor([0, 2]))
    >>> len(two), two.masks is None
    (2, True)
    """

    size_hw: tuple[int, int]
    boxes: Tensor
    labels: Tensor
    masks: Tensor | None = None

    def __post_init__(self) -> None:
        _check_size(self.size_hw)
        _check_boxes(self.boxes, self.size_hw)
        _check_tensor("labels", self.labels, torch.int64, (len(self.boxes),))
        if (self.labels < 0).any():
            raise ValueError(
                f"Expected every label to be 0 or more, but got {self.labels.min().item()}. "
                "Leave objects without a class out, or give them a class of their own."
            )
        if self.masks is not None:
            _check_tensor("masks", self.masks, torch.bool, (len(self.boxes), *self.size_hw))

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


def masks_to_boxes(masks: Tensor) -> Tensor:
    """Tight box of every mask, ``x2`` and ``y2`` exclusive (torchvision's own function gives the last pixel *inside*).

    Args:
        masks: bool (N, H, W), at least one pixel each.

    Returns:
        float32 (N, 4), xyxy between pixel edges; (0, 4) for no masks.

    Raises:
        TypeError: Not a bool tensor.
        ValueError: Not (N, H, W), or a mask without a pixel.

    >>> masks_to_boxes(torch.ones(1, 2, 3, dtype=torch.bool))
    tensor([[0., 0., 3., 2.]])
    """
    _check_tensor("masks", masks, torch.bool, (None, None, None))
    empty = torch.nonzero(~masks.flatten(1).any(dim=1)).flatten()  # (N, H, W) -> (N, H*W) -> indices
    if len(empty):
        raise ValueError(
            f"Expected every mask to have at least one pixel, but got none in mask {empty[0].item()}. "
            "Drop hidden objects before asking for their boxes."
        )
    boxes = ops.masks_to_boxes(masks).to(torch.float32)
    boxes[:, 2:] += 1  # from the last pixel inside to the edge behind it
    return boxes


def _check_size(size_hw: tuple[int, int]) -> None:
    fits = isinstance(size_hw, tuple) and len(size_hw) == 2 and all(isinstance(side, int) for side in size_hw)
    if not fits or min(size_hw) < 1:
        raise ValueError(
            f"Expected `size_hw` to be a tuple (height, width) of positive integers, but got {size_hw!r}. "
            "For an array of shape (H, W, 3) that is `image.shape[:2]`."
        )


def _check_tensor(name: str, value: Tensor, dtype: torch.dtype, shape: tuple[int | None, ...]) -> None:
    """Raise unless `value` is a tensor of `dtype` and `shape`, where None fits any length."""
    if not isinstance(value, Tensor) or value.dtype != dtype:
        got = value.dtype if isinstance(value, Tensor) else type(value).__name__
        raise TypeError(
            f"Expected `{name}` to be a tensor of {dtype}, but got {got}. "
            f"Convert it with `torch.as_tensor({name}, dtype={dtype})`."
        )
    fits = value.ndim == len(shape) and all(want in (None, got) for want, got in zip(shape, value.shape, strict=True))
    if not fits:
        wanted = ", ".join("any" if want is None else str(want) for want in shape) + ("," if len(shape) == 1 else "")
        raise ValueError(
            f"Expected `{name}` to be ({wanted}), but got {tuple(value.shape)}. "
            "Boxes, labels and masks have one row for each object, also when there is none: boxes `torch.zeros(0, 4)`."
        )


def _check_boxes(boxes: Tensor, size_hw: tuple[int, int]) -> None:
    _check_tensor("boxes", boxes, torch.float32, (None, 4))
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
