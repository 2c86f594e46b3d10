"""Counts first, scores second: how often each class was taken for each, and what follows from that."""

from collections.abc import Sequence

import numpy as np
import torch

Labels = torch.Tensor | np.ndarray | Sequence[int]


def confusion_counts(
    predicted: Labels, target: Labels, *, num_classes: int, ignore_index: int | None = None
) -> torch.Tensor:
    """Count how often each true class was given each predicted class.

    Args:
        predicted: Class indices in 0…K−1, integer or bool, any shape.
        target: True class indices, same shape.
        num_classes: K.
        ignore_index: Value in `target` whose positions are not counted, for example 255 for unlabelled pixels.

    Returns:
        Int64 (K, K): row = true class, column = predicted class.

    Raises:
        ValueError: Shapes differ, the input is empty, or a class is outside 0…K−1.
        TypeError: Not integers, for example logits instead of their argmax.

    >>> confusion_counts([0, 1, 1, 1], [0, 0, 1, 1], num_classes=2)
    tensor([[1, 1],
            [0, 2]])
    """
    from torchmetrics.functional.classification import multiclass_confusion_matrix

    predicted, target = checked_labels(predicted, target)
    if ignore_index is not None:
        kept = target != ignore_index
        predicted, target = predicted[kept], target[kept]
    for name, labels in (("predicted", predicted), ("target", target)):
        if labels.numel() and not 0 <= labels.min() <= labels.max() < num_classes:
            raise ValueError(
                f"Expected classes of `{name}` in 0…{num_classes - 1}, but got {labels.min()}…{labels.max()}. "
                "Check `num_classes`, and name the value of unlabelled positions in `ignore_index`."
            )
    counted = max(num_classes, 2)  # the library refuses a single class
    counts = multiclass_confusion_matrix(predicted, target, num_classes=counted, validate_args=False)
    return counts[:num_classes, :num_classes]


def accuracy(predicted: Labels, target: Labels) -> float:
    """Share of equal entries, in [0, 1].

    Args:
        predicted: Class indices, integer or bool, any shape.
        target: True class indices, same shape.

    Raises:
        ValueError: Shapes differ or the input is empty.
        TypeError: Not integers.

    >>> accuracy([0, 1, 1, 1], [0, 0, 1, 1])
    0.75
    """
    predicted, target = checked_labels(predicted, target)
    return (predicted == target).double().mean().item()


def precision_per_class(counts: torch.Tensor) -> torch.Tensor:
    """Of what was predicted as a class, the share that belongs to it.

    Args:
        counts: Int64 (K, K) of `confusion_counts`.

    Returns:
        Float64 (K), in [0, 1]; NaN for a class that was never predicted.

    Raises:
        ValueError: `counts` is not square.

    >>> precision_per_class(torch.tensor([[1, 1], [0, 2]]))
    tensor([1.0000, 0.6667], dtype=torch.float64)
    """
    counts = _checked_counts(counts)
    return counts.diagonal() / counts.sum(0)


def recall_per_class(counts: torch.Tensor) -> torch.Tensor:
    """Of what belongs to a class, the share that was predicted as it.

    Args:
        counts: Int64 (K, K) of `confusion_counts`.

    Returns:
        Float64 (K), in [0, 1]; NaN for a class that does not occur.

    Raises:
        ValueError: `counts` is not square.

    >>> recall_per_class(torch.tensor([[1, 1], [0, 2]]))
    tensor([0.5000, 1.0000], dtype=torch.float64)
    """
    counts = _checked_counts(counts)
    return counts.diagonal() / counts.sum(1)


def macro_f1(predicted: Labels, target: Labels, *, num_classes: int) -> float:
    """Mean of the classes' F1 scores, each class weighing the same; F1 = 2 · precision · recall / (precision + recall).

    Args:
        predicted: Class indices in 0…K−1, integer or bool, any shape.
        target: True class indices, same shape.
        num_classes: K; classes neither true nor predicted anywhere are left out.

    Returns:
        Score in [0, 1].

    Raises:
        ValueError: Shapes differ, the input is empty, or a class is outside 0…K−1.
        TypeError: Not integers.

    >>> round(macro_f1([0, 1, 1, 1], [0, 0, 1, 1], num_classes=2), 4)  # (2/3 + 4/5) / 2
    0.7333
    """
    counts = confusion_counts(predicted, target, num_classes=num_classes).double()
    # As 2 · hits / (predicted + true), which is the same and also defined where one of the two is empty.
    return (2 * counts.diagonal() / (counts.sum(0) + counts.sum(1))).nanmean().item()


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
    if predicted.ndim != 3:
        raise ValueError(
            f"Expected `predicted` to be (B, H, W), but got {tuple(predicted.shape)}. "
            "Take the argmax over the classes of logits (B, C, H, W): `logits.argmax(1)`."
        )
    counts = confusion_counts(predicted, target, num_classes=num_classes, ignore_index=ignore_index).double()
    shared = counts.diagonal()  # (K)
    return shared / (counts.sum(0) + counts.sum(1) - shared)


def dice(
    predicted: torch.Tensor, target: torch.Tensor, *, num_classes: int, ignore_index: int | None = None
) -> torch.Tensor:
    """Dice coefficient of each class, its pixels summed over all images: 2 · shared / (predicted + true).

    The same number as the F1 score of the pixels, and a function of the IoU: Dice = 2 · IoU / (1 + IoU).

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

    Reference:
        L. R. Dice, Measures of the amount of ecologic association between species, Ecology 26, 1945,
        https://doi.org/10.2307/1932409

    >>> dice(torch.tensor([[[0, 1, 1]]]), torch.tensor([[[0, 0, 1]]]), num_classes=3)
    tensor([0.6667, 0.6667,    nan], dtype=torch.float64)
    """
    iou = segmentation_iou(predicted, target, num_classes=num_classes, ignore_index=ignore_index)
    return 2 * iou / (1 + iou)


def checked_labels(predicted: Labels, target: Labels) -> tuple[torch.Tensor, torch.Tensor]:
    """Both as int64 (N): every score here is a sum over positions, wherever they stand."""
    predicted, target = torch.as_tensor(predicted), torch.as_tensor(target)
    if predicted.shape != target.shape:
        raise ValueError(
            "Expected `predicted` and `target` of one shape, but got "
            f"{tuple(predicted.shape)} and {tuple(target.shape)}. "
            "Take the argmax over the classes first, and give every prediction its target."
        )
    if predicted.numel() == 0:
        raise ValueError("Expected at least one prediction, but got none. Check that the split has examples.")
    for name, labels in (("predicted", predicted), ("target", target)):
        if labels.is_floating_point() or labels.is_complex():
            raise TypeError(
                f"Expected `{name}` to hold class indices, but got {labels.dtype}. Take the argmax or threshold first."
            )
    return predicted.flatten().long(), target.flatten().long()  # (N), (N)


def _checked_counts(counts: torch.Tensor) -> torch.Tensor:
    """Counts as float64, in which 0 / 0 is NaN and every count below 2^53 is exact."""
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1]:
        raise ValueError(f"Expected `counts` to be (K, K), but got {tuple(counts.shape)}. Use `confusion_counts`.")
    return counts.double()
