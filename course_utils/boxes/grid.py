"""The places where a one-stage detector looks: cells of several sizes, each with some anchor boxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torchvision import ops

SMALLEST_HALF = 0.05  # pixels: in float32 a thinner box far from the corner has no width, and its shape is 0/0


class Grid(NamedTuple):
    """Every place at which a network predicts a box; the order is stride, then anchor, then row, then column."""

    cells: Tensor  # (N, 2), column and row of the cell, counted in cells
    strides: Tensor  # (N,), side of the cell, pixels
    anchors: Tensor  # (N, 2), width and height of the anchor, pixels
    kinds: Tensor  # int64 (P, 3), a row for each stride and anchor: first place, columns, rows

    def to(self, device: torch.device | str) -> Grid:
        """The same grid on another device."""
        return Grid(*(tensor.to(device) for tensor in self))


def make_grid(size_hw: tuple[int, int], anchors: Tensor, strides: Sequence[int]) -> Grid:
    """Lay cells of several sizes over an image.

    Args:
        size_hw: (H, W) of the network's input, pixels, multiples of every stride.
        anchors: float (L, A, 2), width and height in pixels: A anchors for each of the L strides.
        strides: L sides of a cell, pixels.

    Returns:
        The places, N = Σ A · (H / stride) · (W / stride).

    Raises:
        ValueError: anchors and strides do not fit together, or the image is no multiple of a stride.

    >>> grid = make_grid((64, 96), torch.ones(2, 3, 2), (16, 32))
    >>> len(grid.cells), grid.kinds.tolist()[3]  # 3 · (4 · 6 + 2 · 3); the first anchor of stride 32 starts at 72
    (90, [72, 3, 2])
    """
    if anchors.ndim != 3 or anchors.shape[0] != len(strides) or anchors.shape[2] != 2:
        raise ValueError(
            f"Expected `anchors` to be (L, A, 2) for L = {len(strides)} strides, but got {tuple(anchors.shape)}. "
            "Sort the anchors by area and reshape them: small ones for the small stride."
        )
    if any(side % stride or side < stride for side in size_hw for stride in strides):
        raise ValueError(
            f"Expected a height and width that every stride of {tuple(strides)} divides, but got {tuple(size_hw)}. "
            f"Resize or pad the images to multiples of {max(strides)}."
        )
    parts, kinds, first = [], [], 0
    for level, stride in zip(anchors.float().cpu(), strides, strict=True):
        rows, columns = size_hw[0] // stride, size_hw[1] // stride
        y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
        cells = torch.stack([x, y], dim=2).reshape(1, -1, 2).float()  # (1, H*W, 2)
        cells = cells.expand(len(level), -1, -1)  # (A, H*W, 2)
        boxes = level[:, None].expand_as(cells)
        parts.append((cells.flatten(0, 1), torch.full((cells[..., 0].numel(),), float(stride)), boxes.flatten(0, 1)))
        kinds += [(first + anchor * rows * columns, columns, rows) for anchor in range(len(level))]
        first += len(level) * rows * columns
    return Grid(*(torch.cat(part) for part in zip(*parts, strict=True)), torch.tensor(kinds))


def decode(raw: Tensor, grid: Grid) -> tuple[Tensor, Tensor]:
    """Turn a network's numbers into boxes and scores, as YOLOv5 does.

    With σ for the sigmoid: the centre is (2 σ(t) − 0.5 + cell) · stride, so it can leave its cell by half a cell to
    every side; a side is (2 σ(t))² times the anchor's, from none to four times. A score is objectness times class.

    Args:
        raw: float (…, N, 5 + K) of any precision: t of centre x and y, of width and height; logits of objectness and of
            K classes.
        grid: N places; all of them, or the rows of some (`Grid` of indexed tensors).

    Returns:
        Boxes (…, N, 4), xyxy in pixels, not cut at the border; scores (…, N, K) in [0, 1].

    Reference:
        Jocher, YOLOv5, 2020, https://doi.org/10.5281/zenodo.3908559

    >>> grid = make_grid((32, 32), torch.tensor([[[10.0, 20.0]]]), (32,))
    >>> boxes, scores = decode(torch.zeros(1, 1, 6), grid)  # σ(0) = ½: the centre of the cell, the anchor's size
    >>> boxes.tolist(), scores.tolist()
    ([[[11.0, 6.0, 21.0, 26.0]]], [[[0.25]]])
    """
    probability = raw.float().sigmoid()  # half precision would round a coordinate of 600 to half a pixel
    centres = (2 * probability[..., :2] - 0.5 + grid.cells) * grid.strides[:, None]
    halves = ((2 * probability[..., 2:4]) ** 2 * grid.anchors / 2).clamp(min=SMALLEST_HALF)
    return torch.cat([centres - halves, centres + halves], dim=-1), probability[..., 4:5] * probability[..., 5:]


class Candidates(NamedTuple):
    """The T best pairs of box and class of each image; the shapes do not depend on what is found."""

    boxes: Tensor  # (B, T, 4), xyxy in pixels
    scores: Tensor  # (B, T), falling
    labels: Tensor  # int64 (B, T)


def best_candidates(boxes: Tensor, scores: Tensor, count: int = 500, *, every_class: bool = True) -> Candidates:
    """Take the best pairs of box and class of each image.

    Args:
        boxes: float (B, N, 4), xyxy in pixels.
        scores: float (B, N, K).
        count: T, or all pairs where they are fewer.
        every_class: a box may be there for several classes, as suits average precision; False: for its best one, as
            suits whoever looks at the boxes. Its others then have the score 0.

    Raises:
        ValueError: the shapes do not fit together.

    >>> best_candidates(torch.zeros(1, 2, 4), torch.tensor([[[0.1, 0.7], [0.2, 0.3]]]), 2).labels
    tensor([[1, 1]])
    """
    if boxes.ndim != 3 or scores.ndim != 3 or boxes.shape[:2] != scores.shape[:2] or boxes.shape[2] != 4:
        raise ValueError(
            f"Expected `boxes` (B, N, 4) and `scores` (B, N, K), but got {tuple(boxes.shape)} and "
            f"{tuple(scores.shape)}. Decode the network's output first."
        )
    classes = scores.shape[2]
    if not every_class:
        scores = scores.where(scores == scores.amax(dim=2, keepdim=True), 0)
    best, pair = scores.flatten(1).topk(min(count, scores[0].numel()), dim=1)  # (B, N*K) -> (B, T)
    return Candidates(boxes.gather(1, (pair // classes)[..., None].expand(-1, -1, 4)), best, pair % classes)


def suppress(
    candidates: Candidates, *, lowest: float = 0.001, iou: float = 0.6, most: int = 100, by_class: bool = True
) -> list[dict[str, Tensor]]:
    """Non-maximum suppression by image, and by class: of boxes that overlap, the one with the best score is kept.

    All images and classes go through one call of `torchvision.ops.nms`, each group moved to a region of its own, where
    it meets no other.

    Args:
        candidates: of `best_candidates`.
        lowest: a score must be above this.
        iou: of two boxes of a class that overlap by more, the one with the lower score goes.
        most: at most this many are kept an image.
        by_class: boxes of different classes leave one another alone, as suits average precision; False: a box goes for
            a better one of any class, as suits whoever looks at the boxes.

    Returns:
        B dicts of `boxes` (n, 4), `scores` (n) and `labels` int64 (n), by falling score: what
        `metrics.mean_average_precision` takes.

    >>> boxes = torch.tensor([[[0.0, 0.0, 10.0, 10.0], [1.0, 0.0, 11.0, 10.0], [50.0, 50.0, 60.0, 60.0]]])
    >>> suppress(best_candidates(boxes, torch.tensor([[[0.8], [0.9], [0.3]]])))[0]["scores"]
    tensor([0.9000, 0.3000])
    """
    images = torch.arange(len(candidates.boxes), device=candidates.boxes.device)
    above = candidates.scores > lowest  # (B, T)
    chosen, scores, labels = (part[above] for part in candidates)
    image = images[:, None].expand_as(above)[above]
    kept = ops.nms(_apart(chosen, torch.stack([image, labels * by_class])), scores, iou)
    kept = kept[image[kept].argsort(stable=True)]  # image by image, still by falling score in each
    counts = image[kept].bincount(minlength=len(images)).tolist()  # an accelerator is waited for once
    parts = [[one[:most] for one in part[kept].split(counts)] for part in (chosen, scores, labels)]
    return [dict(zip(("boxes", "scores", "labels"), one, strict=True)) for one in zip(*parts, strict=True)]


def _apart(boxes: Tensor, group: Tensor) -> Tensor:
    """Boxes (T, 4) moved, by image across and by label down (group (2, T)), so that no two groups meet."""
    if not len(boxes):
        return boxes
    lowest, highest = boxes.min(), boxes.max()
    return boxes - lowest + (group.T * (highest - lowest + 1)).repeat(1, 2)
