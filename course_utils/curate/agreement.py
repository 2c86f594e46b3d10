"""Boxes of several people: which of them mean the same object, and what two or more agree on."""

from collections.abc import Sequence

import numpy as np
import torch

from course_utils import metrics
from course_utils.annotations import ImageAnnotations


def match_boxes(a: ImageAnnotations, b: ImageAnnotations, *, least_iou: float = 0.5) -> tuple[np.ndarray, ...]:
    """Pair the boxes of two drawings of one image, whatever their classes, so that the sum of IoU is largest.

    Args:
        a: N boxes.
        b: M boxes.
        least_iou: a pair that overlaps by less is none, in (0, 1].

    Returns:
        Rows of `a`, rows of `b`, and IoU of each pair: int64, int64 and float arrays of one length.

    Reference:
        H. W. Kuhn, The Hungarian method for the assignment problem, 1955, https://doi.org/10.1002/nav.3800020109

    >>> a = ImageAnnotations((9, 9), torch.tensor([[0.0, 0, 4, 4], [5, 5, 9, 9]]), torch.tensor([0, 0]))
    >>> b = ImageAnnotations((9, 9), torch.tensor([[5.0, 5, 9, 8]]), torch.tensor([1]))
    >>> [column.tolist() for column in match_boxes(a, b)]
    [[1], [0], [0.75]]
    """
    from scipy import optimize

    overlap = metrics.box_iou(a.boxes, b.boxes).nan_to_num().double().numpy()
    rows, columns = optimize.linear_sum_assignment(np.where(overlap >= least_iou, overlap, 0), maximize=True)
    kept = overlap[rows, columns] >= least_iou
    return rows[kept], columns[kept], overlap[rows, columns][kept]


def consensus(drawings: Sequence[ImageAnnotations], *, least: int = 2, least_iou: float = 0.5) -> ImageAnnotations:
    """What several people agree on in one image: objects that `least` of them drew, median box, most frequent class.

    Each drawing in turn is matched with the objects found so far, which are represented by the median of their boxes.
    Of classes that are equally frequent the one with the smallest number is taken.

    Args:
        drawings: one a person, of one image; at least one.
        least: people who must have drawn an object.
        least_iou: overlap from which on two boxes mean the same object.

    Returns:
        The objects agreed on, in the order in which they were first drawn.

    Raises:
        ValueError: No drawings.
    """
    if not drawings:
        raise ValueError("Expected one drawing or more, but got none. A consensus needs somebody to agree.")
    groups: list[list[tuple[torch.Tensor, torch.Tensor]]] = []  # boxes and labels of one object
    for drawing in drawings:
        columns, rows, _ = match_boxes(_summary(groups, drawing.size_hw), drawing, least_iou=least_iou)
        partner = dict(zip(rows.tolist(), columns.tolist(), strict=True))
        for row, object_drawn in enumerate(zip(drawing.boxes, drawing.labels, strict=True)):
            if row in partner:
                groups[partner[row]].append(object_drawn)
            else:
                groups.append([object_drawn])
    return _summary([group for group in groups if len(group) >= least], drawings[0].size_hw)


def _summary(groups: list[list], size_hw: tuple[int, int]) -> ImageAnnotations:
    """Median box and most frequent class of each group."""
    boxes = [np.median(np.stack([box.numpy() for box, _ in group]), axis=0) for group in groups]
    labels = [np.bincount([int(label) for _, label in group]).argmax() for group in groups]
    boxes = torch.from_numpy(np.array(boxes, dtype=np.float32).reshape(-1, 4))
    return ImageAnnotations(size_hw, boxes, torch.tensor(np.array(labels, dtype=np.int64)))
