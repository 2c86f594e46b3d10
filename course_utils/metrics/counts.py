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
