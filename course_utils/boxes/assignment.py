"""Which places of a detector answer for which object, as YOLOv5 decides it, for all objects of a batch at once."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from course_utils.boxes.grid import Grid

NO_OBJECT = -1  # label of a row that only fills up
LARGEST_RATIO = 4.0  # of an object's side to the anchor's, or the other way round


class Assigned(NamedTuple):
    """T pairs of a place and the object it answers for; a place may answer for several objects."""

    image: Tensor  # int64 (T,), position in the batch
    place: Tensor  # int64 (T,), row of the grid
    boxes: Tensor  # float (T, 4), xyxy in pixels
    labels: Tensor  # int64 (T,)


def assign(targets: Tensor, grid: Grid, *, largest_ratio: float = LARGEST_RATIO) -> Assigned:
    """Find the places that answer for each object.

    An anchor answers if neither its width nor its height differs from the object's by a factor of `largest_ratio` or
    more. It does so in the cell that holds the centre, and in the two neighbours, across and up or down, to which the
    centre is nearest, where there are such.

    Args:
        targets: float (B, M, 5), rows of label, x1, y1, x2, y2 in pixels; rows with label −1 or without area are none.
        grid: the places.
        largest_ratio: above 1.

    Returns:
        T pairs, ordered by image and object.

    Raises:
        ValueError: `targets` is not (B, M, 5), or `largest_ratio` is not above 1.

    Reference:
        Jocher, YOLOv5, 2020, https://doi.org/10.5281/zenodo.3908559

    >>> from course_utils.boxes import make_grid
    >>> grid = make_grid((64, 64), torch.tensor([[[16.0, 16.0]]]), (16,))  # 4 × 4 cells, one anchor
    >>> assign(torch.tensor([[[3.0, 12.0, 12.0, 26.0, 30.0]]]), grid).place.tolist()  # centre (19, 21): row 1, column 1
    [5, 4, 1]
    """
    if targets.ndim != 3 or targets.shape[2] != 5 or largest_ratio <= 1:
        raise ValueError(
            f"Expected `targets` to be (B, M, 5) and `largest_ratio` above 1, but got {tuple(targets.shape)} and "
            f"{largest_ratio}. `datasets.pad_annotations` makes such targets."
        )
    first, columns, rows = grid.kinds.unbind(dim=1)  # (P,) each
    sides = targets[..., 3:] - targets[..., 1:3]  # (B, M, 2)
    ratio = sides[:, :, None] / grid.anchors[first]  # (B, M, P, 2)
    fits = torch.maximum(ratio, 1 / ratio).amax(dim=3) < largest_ratio  # (B, M, P); no area: 1/0 is infinite
    fits &= (targets[..., :1] != NO_OBJECT) & (sides > 0).all(dim=2, keepdim=True)
    image, row, kind = fits.nonzero(as_tuple=True)  # (S,) each
    chosen = targets[image, row]  # (S, 5)
    centre = (chosen[:, 1:3] + chosen[:, 3:]) / 2 / grid.strides[first[kind], None]  # (S, 2), in cells
    size = torch.stack([columns, rows], dim=1)[kind]  # (S, 2)
    cell, inside = _cells(centre, size)  # (S, 3, 2), (S, 3)
    place = first[kind, None] + cell[..., 1] * size[:, :1] + cell[..., 0]  # (S, 3)
    pair = torch.arange(len(kind), device=kind.device)[:, None].expand_as(place)[inside]
    return Assigned(image[pair], place[inside], chosen[pair, 1:], chosen[pair, 0].long())


def _cells(centre: Tensor, size: Tensor) -> tuple[Tensor, Tensor]:
    """The cell of each centre and its nearest neighbours across and up or down; which of them lie in the grid."""
    own = torch.minimum(centre.floor().long().clamp(min=0), size - 1)  # (S, 2)
    step = torch.where(centre - own < 0.5, -1, 1)  # (S, 2), towards the nearest neighbour along each axis
    zero = torch.zeros_like(step[:, 0])
    moves = torch.stack([torch.stack([zero, zero], 1), torch.stack([step[:, 0], zero], 1)], dim=1)
    moves = torch.cat([moves, torch.stack([zero, step[:, 1]], 1)[:, None]], dim=1)  # (S, 3, 2)
    cell = own[:, None] + moves
    return cell, ((cell >= 0) & (cell < size[:, None])).all(dim=2)
