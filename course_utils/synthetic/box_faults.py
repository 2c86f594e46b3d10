"""Wrong boxes planted on purpose, each with its truth: moved, of another class, left out, or all three in one set."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import torch

from course_utils.annotations import ImageAnnotations
from course_utils.synthetic.arguments import check_count, check_share
from course_utils.synthetic.faults import flip_labels, generator

Annotations = list[ImageAnnotations]
Truth = list[np.ndarray]


def shift_boxes(
    annotations: Sequence[ImageAnnotations], *, share: float, seed: int, by: float = 0.3
) -> tuple[Annotations, Truth]:
    """Move some boxes off their objects; masks and keypoints stay where they are.

    Args:
        annotations: One an image.
        share: Share of all boxes that move, 0 to 1.
        seed: 0 or more.
        by: How far, as a share of the box's own width and of its height, above 0: both ways at once, each to a random
            side. A box that would leave the image goes to the other side; what still sticks out is cut off.

    Returns:
        Annotations, one an image, and for each image bool (number of boxes,), True where a box moved.

    Raises:
        ValueError: `share`, `seed` or `by` is out of its range.

    >>> box = ImageAnnotations((100, 100), torch.tensor([[40.0, 40.0, 60.0, 50.0]]), torch.tensor([0]))
    >>> moved, truth = shift_boxes([box], share=1, seed=0, by=0.5)
    >>> (moved[0].boxes - box.boxes).abs().tolist(), truth[0].tolist()
    ([[10.0, 5.0, 10.0, 5.0]], [True])
    """
    if not by > 0:
        raise ValueError(f"Expected `by` above 0, but got {by!r}. 0.3 moves a box by 30 % of its width and height.")
    rng = generator(seed)
    chosen = _chosen_boxes(annotations, share, rng)
    return [_shifted(one, rows, by, rng) for one, rows in zip(annotations, chosen, strict=True)], chosen


def drop_boxes(annotations: Sequence[ImageAnnotations], *, share: float, seed: int) -> tuple[Annotations, Truth]:
    """Leave out some objects, as an annotator in a hurry does.

    Args:
        annotations: One an image.
        share: Share of all boxes that are left out, 0 to 1.
        seed: 0 or more.

    Returns:
        Annotations, one an image, and for each image bool (number of boxes *before*,), True where one was left out.

    Raises:
        ValueError: `share` or `seed` is out of its range.
    """
    chosen = _chosen_boxes(annotations, share, generator(seed))
    return [_kept(one, ~rows) for one, rows in zip(annotations, chosen, strict=True)], chosen


def relabel_boxes(
    annotations: Sequence[ImageAnnotations], *, share: float, seed: int, num_classes: int
) -> tuple[Annotations, Truth]:
    """Give some boxes the name of another class.

    Args:
        annotations: One an image, labels 0…K−1.
        share: Share of all boxes with a wrong class, 0 to 1.
        seed: 0 or more.
        num_classes: K, 2 or more.

    Returns:
        Annotations, one an image, and for each image bool (number of boxes,), True where the class is wrong.

    Raises:
        ValueError: `share`, `seed` or a label is out of its range.
    """
    labels = np.concatenate([np.zeros(0, dtype=np.int64), *(one.labels.numpy() for one in annotations)])
    given, flipped = flip_labels(labels, share=share, seed=seed, num_classes=num_classes)
    pairs = zip(annotations, _by_image(given, annotations), strict=True)
    changed = [dataclasses.replace(one, labels=torch.from_numpy(piece.copy())) for one, piece in pairs]
    return changed, _by_image(flipped, annotations)


def plant_box_faults(
    annotations: Sequence[ImageAnnotations], *, share: float, seed: int, num_classes: int, by: float = 0.3
) -> tuple[Annotations, dict[str, Truth]]:
    """Move some boxes, rename some and leave some out: what a careless annotator hands in.

    Args:
        annotations: One an image, labels 0…K−1.
        share: Share of all boxes that get each of the three faults, drawn independently: a box may be moved and
            renamed, and of those that are left out nothing else is to be seen.
        seed: 0 or more.
        num_classes: K, 2 or more.
        by: As in `shift_boxes`.

    Returns:
        Annotations, one an image, and three lists with one bool array an image: "moved" and "renamed" for the boxes
        that are left, "dropped" for the boxes that were there.

    Raises:
        ValueError: `share`, `seed`, `by` or a label is out of its range.

    >>> box = ImageAnnotations((9, 9), torch.tensor([[0.0, 0.0, 4.0, 4.0]]), torch.tensor([0]))
    >>> given, faults = plant_box_faults([box] * 4, share=0.5, seed=0, num_classes=2)
    >>> sum(map(len, given)), int(np.concatenate(faults["dropped"]).sum()), sorted(faults)
    (2, 2, ['dropped', 'moved', 'renamed'])
    """
    check_count("seed", seed, least=0)
    seeds = np.random.SeedSequence(seed).generate_state(3).tolist()
    given, moved = shift_boxes(annotations, share=share, seed=seeds[0], by=by)
    given, renamed = relabel_boxes(given, share=share, seed=seeds[1], num_classes=num_classes)
    given, dropped = drop_boxes(given, share=share, seed=seeds[2])
    seen = {"moved": moved, "renamed": renamed}
    left = {name: [rows[~gone] for rows, gone in zip(truth, dropped, strict=True)] for name, truth in seen.items()}
    return given, left | {"dropped": dropped}


def _by_image(values: np.ndarray, annotations: Sequence[ImageAnnotations]) -> Truth:
    """Values of all boxes, cut into those of each image."""
    sizes = [len(one) for one in annotations]
    return [values[end - size : end] for size, end in zip(sizes, np.cumsum(sizes), strict=True)]


def _chosen_boxes(annotations: Sequence[ImageAnnotations], share: float, rng: np.random.Generator) -> Truth:
    """For each image which of its boxes are chosen: the share of all boxes, rounded."""
    check_share("share", share)
    chosen = np.zeros(sum(len(one) for one in annotations), dtype=bool)
    chosen[rng.choice(len(chosen), round(share * len(chosen)), replace=False)] = True
    return _by_image(chosen, annotations)


def _shifted(one: ImageAnnotations, rows: np.ndarray, by: float, rng: np.random.Generator) -> ImageAnnotations:
    height, width = one.size_hw
    boxes = one.boxes.numpy().copy()
    corner, far = boxes[rows, :2], boxes[rows, 2:]  # (n, 2) each
    step = by * (far - corner) * rng.choice([-1, 1], corner.shape)
    leaves = (corner + step < 0) | (far + step > (width, height))
    step = np.where(leaves, -step, step)
    boxes[rows] = np.hstack([corner + step, far + step]).clip(0, (width, height, width, height))
    return dataclasses.replace(one, boxes=torch.from_numpy(boxes.astype(np.float32)))


def _kept(one: ImageAnnotations, rows: np.ndarray) -> ImageAnnotations:
    """The objects of some rows, with every field that there is."""
    rows = torch.from_numpy(rows)
    fields = [field.name for field in dataclasses.fields(one) if field.name != "size_hw"]
    return dataclasses.replace(one, **{name: _rows(getattr(one, name), rows) for name in fields})


def _rows(values: torch.Tensor | None, rows: torch.Tensor) -> torch.Tensor | None:
    return None if values is None else values[rows]
