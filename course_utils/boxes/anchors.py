"""Anchor boxes: a few widths and heights that stand for those of all objects, found by k-means."""

from __future__ import annotations

import torch
from torch import Tensor

STARTS, ROUNDS = 8, 60  # draws of first anchors; rounds of each, more than it takes to settle


def side_iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of boxes that are laid on one another's corner, so that only width and height count.

    Args:
        a: float (N, 2), width and height, above 0.
        b: float (M, 2).

    Returns:
        float (N, M), in (0, 1].

    >>> side_iou(torch.tensor([[10.0, 10.0]]), torch.tensor([[10.0, 10.0], [20.0, 5.0]]))
    tensor([[1.0000, 0.3333]])
    """
    shared = torch.minimum(a[:, None], b[None]).prod(dim=2)  # (N, M, 2) -> (N, M)
    return shared / (a.prod(dim=1)[:, None] + b.prod(dim=1)[None] - shared)


def fit_anchors(sides: Tensor, count: int, *, generator: torch.Generator) -> Tensor:
    """Find the anchors by k-means on widths and heights, where 1 − IoU is the distance.

    With a Euclidean distance large boxes would count for more than small ones; the IoU is the same at every scale.

    Args:
        sides: float (N, 2), width and height of the objects of the *training* set, pixels, above 0; N ≥ `count`.
        count: number of anchors.
        generator: draws the objects that the search starts from.

    Returns:
        float (count, 2), by growing area.

    Raises:
        ValueError: shapes do not fit, a side is not above 0, or there are fewer objects than anchors.

    Reference:
        Redmon and Farhadi, YOLO9000, CVPR 2017, https://arxiv.org/abs/1612.08242

    >>> sides = torch.tensor([[8.0, 10.0], [10.0, 8.0], [40.0, 20.0], [44.0, 20.0]])
    >>> fit_anchors(sides, 2, generator=torch.Generator().manual_seed(0))
    tensor([[ 9.,  9.],
            [42., 20.]])
    """
    if sides.ndim != 2 or sides.shape[1] != 2 or count < 1 or len(sides) < count or not (sides > 0).all():
        raise ValueError(
            f"Expected `sides` to be (N, 2), all above 0, with N of at least `count`, but got {tuple(sides.shape)}, "
            f"count {count}. Leave boxes without area out; take fewer anchors."
        )
    fits = []
    for _ in range(STARTS):
        anchors = sides[torch.randperm(len(sides), generator=generator)[:count]]
        for _ in range(ROUNDS):
            anchors = _moved(sides, anchors)
        fits.append((mean_best_iou(sides, anchors), anchors))
    best = max(fits, key=lambda fit: fit[0])[1]
    return best[best.prod(dim=1).argsort()]


def mean_best_iou(sides: Tensor, anchors: Tensor) -> float:
    """Mean over objects of the IoU with the anchor that fits best: what `fit_anchors` makes large."""
    return side_iou(sides, anchors).amax(dim=1).mean().item()


def _moved(sides: Tensor, anchors: Tensor) -> Tensor:
    """Each anchor becomes the mean of the objects nearest to it; one that has none stays."""
    nearest = side_iou(sides, anchors).argmax(dim=1)
    members = torch.nn.functional.one_hot(nearest, len(anchors)).to(sides)  # (N, k)
    number = members.sum(dim=0)[:, None]
    return torch.where(number > 0, members.T @ sides / number.clamp(min=1), anchors)
