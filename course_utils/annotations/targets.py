"""Annotations as `torchvision.transforms.v2` wants them, so that they move with their image, and back."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms.v2 import functional

from course_utils.annotations.values import ImageAnnotations

ROWS = ("labels", "iscrowd")  # what holds one number an object and does not move


class EdgePoints(tv_tensors.KeyPoints):
    """Points measured between pixel edges, like our boxes: the centre of the first pixel lies at (0.5, 0.5).

    torchvision (0.26 to 0.29) resizes and turns its `KeyPoints` as if they were measured between edges, but mirrors
    them as if they were numbers of pixels, to W - 1 - x: one pixel beside their object. These are mirrored to W - x.
    """


@functional.register_kernel("horizontal_flip", EdgePoints)
def _mirror_left_right(points: EdgePoints) -> EdgePoints:
    return _mirrored(points, axis=0, length=points.canvas_size[1])


@functional.register_kernel("vertical_flip", EdgePoints)
def _mirror_up_down(points: EdgePoints) -> EdgePoints:
    return _mirrored(points, axis=1, length=points.canvas_size[0])


def _mirrored(points: EdgePoints, *, axis: int, length: int) -> EdgePoints:
    plain = points.as_subclass(Tensor).clone()
    plain[..., axis] = length - plain[..., axis]
    return tv_tensors.wrap(plain, like=points)


def annotations_to_target(annotations: ImageAnnotations) -> dict[str, Tensor]:
    """Wrap annotations so that each transform of `torchvision.transforms.v2` knows what to do with each part.

    Args:
        annotations: of one image; N objects, N may be 0.

    Returns:
        "boxes" (`tv_tensors.BoundingBoxes`, xyxy) and "labels"; where there are any, "masks" (`tv_tensors.Mask`),
        "keypoints" (`EdgePoints`, (N, K, 2)) with "visibility" (N, K), and "iscrowd". Copies, nothing is shared.

    >>> one = ImageAnnotations((4, 6), torch.tensor([[0., 1., 2., 4.]]), torch.tensor([3]))
    >>> functional.horizontal_flip(annotations_to_target(one)["boxes"]).tolist()
    [[4.0, 1.0, 6.0, 4.0]]
    """
    size_hw = annotations.size_hw
    boxes = tv_tensors.BoundingBoxes(annotations.boxes.clone(), format="XYXY", canvas_size=size_hw)
    target = {"boxes": boxes}
    target |= {key: getattr(annotations, key).clone() for key in ROWS if getattr(annotations, key) is not None}
    if annotations.masks is not None:
        target["masks"] = tv_tensors.Mask(annotations.masks.clone())
    if annotations.keypoints is not None:
        target["keypoints"] = EdgePoints(annotations.keypoints[..., :2].clone(), canvas_size=size_hw)
        target["visibility"] = annotations.keypoints[..., 2].clone()
    return target


def target_to_annotations(target: dict[str, Tensor], size_hw: Sequence[int]) -> ImageAnnotations:
    """Unwrap what a transform made of `annotations_to_target`'s result.

    Args:
        target: see there; every part has one row for each object that is left.
        size_hw: (H, W) of the image after the transform. It is asked of the image and not of the boxes, since
            torchvision forgets to change the size that empty boxes carry.

    Returns:
        The annotations. A key point that has left the image is (0, 0) with visibility 0, as COCO writes what is not
        marked.

    Raises:
        ValueError: the parts do not fit together, for example because a transform dropped boxes but not their masks.
    """
    size_hw = (int(size_hw[0]), int(size_hw[1]))
    plain = {key: value.as_subclass(Tensor) for key, value in target.items()}
    if "keypoints" in plain:
        plain["keypoints"] = _with_visibility(plain["keypoints"], plain.pop("visibility"), size_hw)
    return ImageAnnotations(size_hw, **plain)


def _with_visibility(points: Tensor, visibility: Tensor, size_hw: tuple[int, int]) -> Tensor:
    """(N, K, 2) and (N, K) to (N, K, 3), zero for what lies outside the image."""
    limits = torch.tensor([size_hw[1], size_hw[0]], dtype=points.dtype, device=points.device)
    inside = ((points >= 0) & (points <= limits)).all(dim=-1, keepdim=True)  # (N, K, 1)
    return torch.cat([points, visibility.unsqueeze(-1)], dim=-1).where(inside, 0)


def annotations_to_class_map(annotations: ImageAnnotations, *, background: int = 0) -> Tensor:
    """One class a pixel, as semantic segmentation wants it: things of one class are no longer told apart.

    Args:
        annotations: with masks, or without any object; where masks overlap, the later one lies on top.
        background: class of pixels that belong to no object; the objects' classes are their labels plus 1.

    Returns:
        int64 (H, W).

    Raises:
        ValueError: there are objects, but no masks.

    >>> mask = torch.tensor([[[False, True], [False, True]]])
    >>> annotations_to_class_map(ImageAnnotations.from_masks(mask, torch.tensor([4])))
    tensor([[0, 5],
            [0, 5]])
    """
    if annotations.masks is None and len(annotations):
        raise ValueError(
            "Expected `annotations` to have masks, but got boxes alone. A box also holds pixels beside its object."
        )
    classes = torch.full(annotations.size_hw, background)
    for mask, label in zip(annotations.masks if len(annotations) else (), annotations.labels.tolist(), strict=True):
        classes[mask] = label + 1
    return classes
