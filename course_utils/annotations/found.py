"""What a network found in an image, as annotations: to be drawn, counted and compared like a truth."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from course_utils.annotations.values import ImageAnnotations


def found_to_annotations(
    found: dict[str, Tensor], size_hw: Sequence[int], *, lowest: float = 0.5
) -> tuple[ImageAnnotations, Tensor]:
    """Take the detections that a network is sure of; boxes are cut at the border, since annotations lie inside.

    Args:
        found: of one image: `boxes` float (N, 4) xyxy pixels, `scores` float (N,), `labels` int64 (N,), and maybe
            `masks` bool (N, H, W), from which the boxes are then made.
        size_hw: (H, W) of the image.
        lowest: detections with a lower score are left out; so are those of which nothing lies inside.

    Returns:
        The annotations, and the score of each.

    >>> found = {"boxes": torch.tensor([[1., 1., 9., 3.], [0., 0., 2., 2.]]), "scores": torch.tensor([0.9, 0.4])}
    >>> kept, scores = found_to_annotations(found | {"labels": torch.tensor([3, 0])}, (4, 6))
    >>> kept.boxes.tolist(), kept.labels.tolist()
    ([[1.0, 1.0, 6.0, 3.0]], [3])
    """
    size_hw = (int(size_hw[0]), int(size_hw[1]))
    limits = torch.tensor([size_hw[1], size_hw[0]] * 2)
    inside = found["boxes"].clamp(min=0).minimum(limits.to(found["boxes"]))
    seen = found["masks"].any(dim=(1, 2)) if "masks" in found else (inside[:, 2:] > inside[:, :2]).all(dim=1)
    rows = (found["scores"] >= lowest) & seen
    if "masks" in found:
        return ImageAnnotations.from_masks(found["masks"][rows], found["labels"][rows]), found["scores"][rows]
    return ImageAnnotations(size_hw, inside[rows], found["labels"][rows]), found["scores"][rows]


def class_map_to_annotations(classes: Tensor) -> ImageAnnotations:
    """One object a class that occurs: the way back from a class map, which does not tell things of a class apart.

    Args:
        classes: integers (H, W), 0 for the background, label plus 1 elsewhere.

    Returns:
        Annotations with masks, by rising label.

    >>> class_map_to_annotations(torch.tensor([[0, 5], [2, 5]])).labels
    tensor([1, 4])
    """
    occurring = classes.unique()
    occurring = occurring[occurring > 0].long()
    return ImageAnnotations.from_masks(classes == occurring[:, None, None], occurring - 1)  # (K, 1, 1) → (K, H, W)
