"""Scores of class maps: overlap of each class from one table of counts, and errors near edges against inside."""

import torch

from course_utils.metrics.counts import confusion_counts


def iou_per_class(counts: torch.Tensor) -> torch.Tensor:
    """Intersection over union of each class: shared / (predicted + true − shared).

    Args:
        counts: Int64 (K, K) of `confusion_counts`; counts of several batches may be added up first.

    Returns:
        Float64 (K), in [0, 1]; NaN for a class neither true nor predicted. `.nanmean()` is the mean IoU.

    Raises:
        ValueError: `counts` is not square.

    >>> iou_per_class(torch.tensor([[1, 1, 0], [0, 1, 0], [0, 0, 0]]))
    tensor([0.5000, 0.5000,    nan], dtype=torch.float64)
    """
    shared, predicted, true = _shared_and_areas(counts)
    return shared / (predicted + true - shared)


def dice_per_class(counts: torch.Tensor) -> torch.Tensor:
    """Dice coefficient of each class: 2 · shared / (predicted + true), which is 2 · IoU / (1 + IoU).

    Args:
        counts: Int64 (K, K) of `confusion_counts`; counts of several batches may be added up first.

    Returns:
        Float64 (K), in [0, 1]; NaN for a class neither true nor predicted.

    Raises:
        ValueError: `counts` is not square.

    Reference:
        L. R. Dice, Measures of the amount of ecologic association between species, Ecology 26, 1945,
        https://doi.org/10.2307/1932409

    >>> dice_per_class(torch.tensor([[1, 1, 0], [0, 1, 0], [0, 0, 0]]))
    tensor([0.6667, 0.6667,    nan], dtype=torch.float64)
    """
    shared, predicted, true = _shared_and_areas(counts)
    return 2 * shared / (predicted + true)


def segmentation_iou(
    predicted: torch.Tensor, target: torch.Tensor, *, num_classes: int, ignore_index: int | None = None
) -> torch.Tensor:
    """Intersection over union of each class, its pixels summed over all images.

    Args:
        predicted: Int64 (B, H, W), class indices in 0…K−1.
        target: Int64 (B, H, W), true class indices.
        num_classes: K.
        ignore_index: Value in `target` whose pixels are not counted.

    Returns:
        Float64 (K), in [0, 1]; NaN for a class neither true nor predicted. `.nanmean()` is the mean IoU.

    Raises:
        ValueError: Shapes differ or are not (B, H, W), the input is empty, or a class is outside 0…K−1.
        TypeError: Not integers.

    >>> segmentation_iou(torch.tensor([[[0, 1, 1]]]), torch.tensor([[[0, 0, 1]]]), num_classes=3)
    tensor([0.5000, 0.5000,    nan], dtype=torch.float64)
    """
    return iou_per_class(_counts_of_maps(predicted, target, num_classes, ignore_index))


def dice(
    predicted: torch.Tensor, target: torch.Tensor, *, num_classes: int, ignore_index: int | None = None
) -> torch.Tensor:
    """Dice coefficient of each class, its pixels summed over all images; see `dice_per_class`.

    The same number as the F1 score of the pixels.

    Args:
        predicted: Int64 (B, H, W), class indices in 0…K−1.
        target: Int64 (B, H, W), true class indices.
        num_classes: K.
        ignore_index: Value in `target` whose pixels are not counted.

    Returns:
        Float64 (K), in [0, 1]; NaN for a class neither true nor predicted.

    Raises:
        ValueError: Shapes differ or are not (B, H, W), the input is empty, or a class is outside 0…K−1.
        TypeError: Not integers.

    >>> dice(torch.tensor([[[0, 1, 1]]]), torch.tensor([[[0, 0, 1]]]), num_classes=3)
    tensor([0.6667, 0.6667,    nan], dtype=torch.float64)
    """
    return dice_per_class(_counts_of_maps(predicted, target, num_classes, ignore_index))


def edge_distance(target: torch.Tensor, *, farthest: int, ignore_index: int | None = None) -> torch.Tensor:
    """Distance of each pixel to the nearest edge between two classes, in pixels, up to a limit.

    A pixel has distance 1 if one of its eight neighbours belongs to another class, 2 if not but one in the 5 × 5 pixels
    around it does, and so on. The picture's border is no edge, and neither is that of pixels without a class.

    Args:
        target: Int64 (B, H, W), class indices, or `ignore_index`.
        farthest: Pixels farther away get `farthest` + 1; at least 1.
        ignore_index: Value of pixels without a class.

    Returns:
        Int64 (B, H, W), 1 … `farthest` + 1.

    Raises:
        ValueError: `target` is not (B, H, W), or `farthest` is below 1.

    >>> edge_distance(torch.tensor([[[0, 0, 0, 0, 1, 1]]]), farthest=2)
    tensor([[[3, 3, 2, 1, 1, 2]]])
    """
    if target.ndim != 3 or farthest < 1:
        raise ValueError(
            f"Expected `target` (B, H, W) and `farthest` of at least 1, but got {tuple(target.shape)} and {farthest}. "
            "Give class maps, a map an image."
        )
    kept = torch.ones_like(target, dtype=torch.bool) if ignore_index is None else target != ignore_index
    # Largest and smallest class around a pixel: where they differ, an edge is near. Ignored pixels take no part.
    high = target.where(kept, target.min() - 1).float()
    low = -target.where(kept, target.max() + 1).float()  # the largest of the negated is the smallest
    near = torch.zeros_like(target)
    for _ in range(farthest):
        high, low = (torch.nn.functional.max_pool2d(x, kernel_size=3, stride=1, padding=1) for x in (high, low))
        near += high > -low
    return farthest + 1 - near


def errors_by_distance(
    predicted: torch.Tensor, target: torch.Tensor, *, farthest: int, ignore_index: int | None = None
) -> dict[str, torch.Tensor]:
    """Share of wrong pixels near edges and far from them, by `edge_distance`.

    Args:
        predicted: (B, H, W), class indices.
        target: (B, H, W), true class indices.
        farthest: As in `edge_distance`.
        ignore_index: Value in `target` whose pixels are not counted.

    Returns:
        Float64 (farthest + 1) each: `wrong`, of the pixels at distance 1 … farthest and beyond the share that is wrong,
        NaN where there are none; `of_errors` and `of_area`, their shares of all wrong pixels and of all pixels.

    Raises:
        ValueError: Shapes differ or are not (B, H, W), or `farthest` is below 1.

    >>> found = errors_by_distance(torch.zeros(1, 1, 6).long(), torch.tensor([[[0, 0, 0, 0, 1, 1]]]), farthest=1)
    >>> found["wrong"], found["of_errors"]
    (tensor([0.5000, 0.2500], dtype=torch.float64), tensor([0.5000, 0.5000], dtype=torch.float64))
    """
    if predicted.shape != target.shape:
        raise ValueError(
            f"Expected `predicted` and `target` of one shape, but got {tuple(predicted.shape)} and "
            f"{tuple(target.shape)}. Take the argmax over the classes first."
        )
    target = target.long()
    kept = torch.ones_like(target, dtype=torch.bool) if ignore_index is None else target != ignore_index
    place = edge_distance(target, farthest=farthest, ignore_index=ignore_index) - 1
    pixels = torch.bincount(place[kept], minlength=farthest + 1).double()
    wrong = torch.bincount(place[kept & (predicted != target)], minlength=farthest + 1).double()
    return {"wrong": wrong / pixels, "of_errors": wrong / wrong.sum(), "of_area": pixels / pixels.sum()}


def _counts_of_maps(
    predicted: torch.Tensor, target: torch.Tensor, num_classes: int, ignore_index: int | None
) -> torch.Tensor:
    if predicted.ndim != 3:
        raise ValueError(
            f"Expected `predicted` to be (B, H, W), but got {tuple(predicted.shape)}. "
            "Take the argmax over the classes of logits (B, C, H, W): `logits.argmax(1)`."
        )
    return confusion_counts(predicted, target, num_classes=num_classes, ignore_index=ignore_index)


def _shared_and_areas(counts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Of each class the pixels that are right, that were predicted and that are true, float64 (K): 0 / 0 is NaN."""
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1]:
        raise ValueError(f"Expected `counts` to be (K, K), but got {tuple(counts.shape)}. Use `confusion_counts`.")
    counts = counts.double()
    return counts.diagonal(), counts.sum(0), counts.sum(1)
