"""Masks, boxes and polygons of objects, from one to the other.

A pixel covers the square between its edges, so polygons run along edges as boxes do: the mask of the pixel in row 0 and
column 0 is the polygon (0, 0), (1, 0), (1, 1), (0, 1). Libraries that put corners on pixel *centres* (OpenCV's
``findContours``) give polygons that are half a pixel too small on each side.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike
from pycocotools import mask as coco_mask
from scipy import ndimage
from torch import Tensor
from torchvision import ops

from course_utils.annotations.checks import check_size, check_tensor
from course_utils.annotations.documents import Said, fault

LONGEST_OUTLINE = 2_000_000  # pixels of all edges of one polygon; drawing takes about 40 bytes a pixel


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
    check_tensor("masks", masks, torch.bool, (None, None, None))
    empty = torch.nonzero(~masks.flatten(1).any(dim=1)).flatten()  # (N, H, W) -> (N, H*W) -> indices
    if len(empty):
        raise ValueError(
            f"Expected every mask to have at least one pixel, but got none in mask {empty[0].item()}. "
            "Drop hidden objects before asking for their boxes."
        )
    boxes = ops.masks_to_boxes(masks).to(torch.float32)
    boxes[:, 2:] += 1  # from the last pixel inside to the edge behind it
    return boxes


def masks_to_polygons(mask: Tensor | ArrayLike) -> list[np.ndarray]:
    """Outlines of one mask along the edges of its pixels, one polygon for each part; holes are filled.

    Parts that touch at a corner alone are separate; one in a hole of another is filled with the hole.
    `polygons_to_mask` gives the same mask back, but for the holes.

    Args:
        mask: bool (H, W).

    Returns:
        float64 (M, 2) arrays of corners x, y, clockwise on the screen, no three of them in a line; [] for no pixel.

    Raises:
        ValueError: Not a bool mask of two dimensions.

    >>> masks_to_polygons(torch.ones(2, 3, dtype=torch.bool))[0].tolist()
    [[0.0, 0.0], [3.0, 0.0], [3.0, 2.0], [0.0, 2.0]]
    """
    array = np.asarray(mask.cpu() if isinstance(mask, Tensor) else mask)
    if array.ndim != 2 or array.dtype != bool:
        raise ValueError(
            f"Expected `mask` to be bool (H, W), but got {array.dtype} {array.shape}. Take one row of `masks`."
        )
    if not array.any():
        return []
    rows, columns = (np.flatnonzero(array.any(axis=axis)) for axis in (1, 0))
    top, left = rows[0], columns[0]
    inside = array[top : rows[-1] + 1, left : columns[-1] + 1]  # objects are small, images are not
    whole = ndimage.binary_fill_holes(inside, structure=np.ones((3, 3)))  # outside, unlike parts, passes corners
    steps, outlines = _edge_steps(whole), []
    while steps:
        corners = np.array(_walk(steps), dtype=np.float64)
        along = np.roll(corners, -1, axis=0) - corners
        turns = (along != np.roll(along, 1, axis=0)).any(axis=1)
        outlines.append(corners[turns] + (left, top))
    return outlines


def polygons_to_mask(polygons: list[ArrayLike], size_hw: tuple[int, int]) -> Tensor:
    """The pixels that any of the polygons covers, drawn by pycocotools, as COCO's own evaluation draws them.

    Args:
        polygons: (M, 2) corners x, y in pixels between edges, M at least 3, inside the image.
        size_hw: (H, W) of the image.

    Returns:
        bool (H, W).

    Raises:
        ValueError: A polygon has fewer than three corners, is not finite, lies outside the image, or is too long.

    >>> polygons_to_mask([[(0, 0), (2, 0), (2, 1), (0, 1)]], (2, 3)).int()
    tensor([[1, 1, 0],
            [0, 0, 0]], dtype=torch.int32)
    """
    check_size(size_hw)
    arrays = [check_polygon(polygon, size_hw, f"polygon {place}") for place, polygon in enumerate(polygons)]
    if not arrays:
        return torch.zeros(size_hw, dtype=torch.bool)
    encoded = coco_mask.frPyObjects([array.ravel().tolist() for array in arrays], *size_hw)
    return torch.from_numpy(coco_mask.decode(coco_mask.merge(encoded)).astype(bool))


def check_polygon(polygon: ArrayLike, size_hw: tuple[int, int], where: str) -> np.ndarray:
    """The polygon as float64 (M, 2), if it is one that can be drawn; `where` is the place that the message names."""
    array = np.asarray(polygon, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != 2 or len(array) < 3:
        remedy = "Two corners are a line or a box: draw the outline again, or write a box."
        raise fault(where, "three corners or more, (M, 2)", array.shape, remedy)
    height, width = size_hw
    if not np.isfinite(array).all() or (array < -0.01).any() or (array > (width + 0.01, height + 0.01)).any():
        (x1, y1), (x2, y2) = array.min(axis=0), array.max(axis=0)
        remedy = "Read with clip=True to move them to the border, or is the size (width, height)?"
        wish = f"the corners of a polygon inside the image of height {height} and width {width}"
        raise fault(where, wish, Said(f"x from {x1:g} to {x2:g} and y from {y1:g} to {y2:g}"), remedy)
    length = np.abs(np.roll(array, -1, axis=0) - array).max(axis=1).sum()
    if length > LONGEST_OUTLINE:
        remedy = "It runs to and fro over the image: draw it again."
        raise fault(where, f"an outline below {LONGEST_OUTLINE:,} pixels", Said(f"{length:,.0f}"), remedy)
    return array


def polygons_joined(polygons: list[np.ndarray]) -> np.ndarray:
    """Several polygons as one, for formats that hold one an object: bridges that are walked there and back join them.

    A bridge has no width, so it covers no pixel. The polygons must not lie in each other, as those of
    `masks_to_polygons` never do.

    >>> square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
    >>> polygons_joined([square, square + 4]).shape
    (10, 2)
    """
    joined = list(polygons[0])
    for polygon in polygons[1:]:
        joined += [*polygon, polygon[0], joined[-1]]
    return np.array(joined)


def _edge_steps(mask: np.ndarray) -> dict[tuple[int, int], list[tuple[int, int]]]:
    """Corner → corners one pixel on, along every edge between inside and outside, the inside on the right hand."""
    padded = np.pad(mask.astype(np.int8), 1)
    rows, columns = np.diff(padded, axis=0), np.diff(padded, axis=1)
    edges = [
        ([((x - 1, y), (x, y)) for y, x in np.argwhere(rows == 1).tolist()]),  # top edge of a pixel: to the right
        ([((x, y), (x - 1, y)) for y, x in np.argwhere(rows == -1).tolist()]),  # bottom: to the left
        ([((x, y), (x, y - 1)) for y, x in np.argwhere(columns == 1).tolist()]),  # left: up
        ([((x, y - 1), (x, y)) for y, x in np.argwhere(columns == -1).tolist()]),  # right: down
    ]
    steps: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for start, end in (edge for side in edges for edge in side):
        steps.setdefault(start, []).append(end)
    return steps


def _walk(steps: dict[tuple[int, int], list[tuple[int, int]]]) -> list[tuple[int, int]]:
    """Take one closed walk out of the steps; where two pixels meet at a corner, turn right and stay with the first."""
    start = point = next(iter(steps))
    before, walk = None, []
    while True:
        walk.append(point)
        choices = steps[point]
        right = before and (point[0] - (point[1] - before[1]), point[1] + (point[0] - before[0]))
        chosen = right if right in choices else choices[0]
        choices.remove(chosen)
        if not choices:
            del steps[point]
        before, point = point, chosen
        if point == start:
            return walk
