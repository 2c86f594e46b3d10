"""Images whose boxes, masks and key points change with them, through `torchvision.transforms.v2`."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torchvision import tv_tensors
from torchvision.transforms import v2

from course_utils.annotations import ImageAnnotations
from course_utils.annotations.targets import annotations_to_target, target_to_annotations
from course_utils.transforms.batched import drawn_from
from course_utils.transforms.pixels import LITE0_MEAN, LITE0_STD, check_numbers


class Changed(NamedTuple):
    """What `transform_annotated` returns."""

    image: np.ndarray  # (H, W, 3), in the dtype that the transform left
    annotations: ImageAnnotations  # of the objects that are left
    kept: torch.Tensor  # int64, which of the objects before these are, in order
    dropped: torch.Tensor  # int64, which have left the image


def transform_annotated(
    image: np.ndarray,
    annotations: ImageAnnotations,
    transform: Callable,
    *,
    seed: int | None = None,
    smallest_side: float = 2.0,
) -> Changed:
    """Change an image together with all that is known about it, and tell which objects have left it.

    Args:
        image: uint8 (H, W, 3), RGB.
        annotations: of that image; N objects, N may be 0.
        transform: of (image, target) as in `torchvision.transforms.v2`, such as `v2.RandomRotation(20)` or a
            `v2.Compose`. One that removes objects itself has to remove them from every part of the target, as
            `DropUnseen` does and `v2.SanitizeBoundingBoxes` does not.
        seed: of its random draws, PyTorch's global generator then stays as it was; None: it draws from that.
        smallest_side: an object with less than this many pixels of width or height left is dropped, as is one with
            nothing left of its mask.

    Returns:
        See `Changed`.

    Raises:
        ValueError: image and annotations do not belong together, or the transform took objects from one part alone.

    >>> truth = ImageAnnotations((4, 8), torch.tensor([[0., 0., 2., 2.], [5., 1., 8., 4.]]), torch.tensor([7, 8]))
    >>> changed = transform_annotated(np.zeros((4, 8, 3), np.uint8), truth, v2.CenterCrop(4), smallest_side=1)
    >>> changed.annotations.boxes.tolist(), changed.annotations.labels.tolist(), changed.dropped.tolist()
    ([[3.0, 1.0, 4.0, 4.0]], [8], [0])
    """
    if image.dtype != np.uint8 or image.shape != (*annotations.size_hw, 3):
        raise ValueError(
            f"Expected `image` to be uint8 {(*annotations.size_hw, 3)}, as its annotations say, but got {image.dtype} "
            f"{image.shape}. Are these the annotations of another image, or of one before it was resized?"
        )
    pixels = tv_tensors.Image(torch.from_numpy(image.copy()).permute(2, 0, 1))  # (H, W, 3) -> (3, H, W)
    target = annotations_to_target(annotations) | {"number": torch.arange(len(annotations))}
    pixels, target = _drawn(transform, (pixels, target), seed)
    _check_rows(target)
    pixels, target = DropUnseen(smallest_side)(pixels, target)
    kept = target.pop("number")
    dropped = torch.from_numpy(np.setdiff1d(np.arange(len(annotations)), kept.numpy()))
    left = target_to_annotations(target, pixels.shape[-2:])
    return Changed(pixels.permute(1, 2, 0).numpy(), left, kept, dropped)  # (3, H, W) -> (H, W, 3)


class DropUnseen(torch.nn.Module):
    """Drop objects of which a transform left too little to see: box, label, mask, key points, all of it.

    torchvision's `SanitizeBoundingBoxes` drops a box that is too small together with label and mask. It does not look
    whether anything is left inside the mask, and it leaves key points and everything else behind unless told.

    Args:
        smallest_side: pixels of width and of height that must be left of a box, 0 or more.

    Raises:
        ValueError: `smallest_side` is negative.
    """

    def __init__(self, smallest_side: float = 2.0):
        super().__init__()
        if smallest_side < 0:
            raise ValueError(f"Expected `smallest_side` of at least 0 pixels, but got {smallest_side}. Try 2.")
        self.smallest_side = smallest_side

    def forward(self, image: torch.Tensor, target: dict[str, torch.Tensor]) -> tuple[torch.Tensor, dict]:
        """Image and target, as `annotations_to_target` makes it, without the objects that are gone."""
        boxes = target["boxes"].as_subclass(torch.Tensor)
        seen = ((boxes[:, 2:] - boxes[:, :2]) >= self.smallest_side).all(dim=1)
        if "masks" in target:
            seen &= target["masks"].as_subclass(torch.Tensor).flatten(1).any(dim=1)  # (N, H, W) -> (N, H*W) -> (N,)
        return image, {key: tv_tensors.wrap(value[seen], like=value) for key, value in target.items()}


def make_scenes_train(
    size: int, *, mean: Sequence[float] = LITE0_MEAN, std: Sequence[float] = LITE0_STD, smallest_crop: float = 0.5
) -> v2.Compose:
    """Make random crops, scales and colours for images with boxes and masks, which move along.

    There is no mirror image among the changes: no street has a mirrored STOP. What a crop leaves too little of
    is dropped, see `DropUnseen`.

    Args:
        size: side of the result, pixels.
        mean: what to subtract from R, G and B, on the scale 0 … 1.
        std: what to divide by then, above 0.
        smallest_crop: the crop covers this share of the image's area, or more, up to all of it; in (0, 1].

    Returns:
        A transform of (image, target) for `datasets.AnnotatedImages`, drawing from PyTorch's global generator.

    Raises:
        ValueError: if an argument is out of its range.
    """
    check_numbers(size, mean, std)
    if not 0 < smallest_crop <= 1:
        raise ValueError(f"Expected `smallest_crop` in (0, 1], but got {smallest_crop}. It is a share of the area.")
    return v2.Compose(
        [
            v2.RandomResizedCrop(size, scale=(smallest_crop, 1.0), ratio=(0.9, 1.1), antialias=True),
            v2.ColorJitter(brightness=0.3, contrast=0.3, saturation=0.3, hue=0.02),  # little hue: it tells signs apart
            v2.ClampBoundingBoxes(),
            DropUnseen(),
            *_image_to_numbers(mean, std),
        ]
    )


def make_scenes_eval(size: int, *, mean: Sequence[float] = LITE0_MEAN, std: Sequence[float] = LITE0_STD) -> v2.Compose:
    """Resize and normalise images with boxes and masks; nothing random, and every object stays.

    Args:
        size: side of the result, pixels; the aspect ratio is not kept.
        mean: what to subtract from R, G and B, on the scale 0 … 1.
        std: what to divide by then, above 0.

    Returns:
        A transform of (image, target) for `datasets.AnnotatedImages`.

    Raises:
        ValueError: if an argument is out of its range.
    """
    check_numbers(size, mean, std)
    return v2.Compose([v2.Resize([size, size], antialias=True), *_image_to_numbers(mean, std)])


def _image_to_numbers(mean: Sequence[float], std: Sequence[float]) -> list[v2.Transform]:
    return [
        v2.ToDtype(torch.float32, scale=True),  # changes the image alone
        v2.Normalize(list(mean), list(std)),
    ]


def _drawn(transform: Callable, inputs: tuple, seed: int | None) -> tuple:
    """What the transform makes of the inputs, drawing from a generator with this seed; None: from the global one."""
    if seed is None:
        return transform(*inputs)
    return drawn_from(transform, torch.Generator().manual_seed(seed))(*inputs)


def _check_rows(target: dict[str, torch.Tensor]) -> None:
    rows = {key: len(value) for key, value in target.items()}
    if len(set(rows.values())) > 1:
        raise ValueError(
            f"Expected a transform that leaves as many of each, but got {rows}. It dropped boxes and forgot what "
            "belongs to them: leave `SanitizeBoundingBoxes` out, and put `DropUnseen` in its place."
        )
