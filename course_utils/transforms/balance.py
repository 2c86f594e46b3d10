"""Classes of unequal size: weights for the loss, and a sampler that shows the rare ones more often."""

import numpy as np
import torch
from torch.utils.data import WeightedRandomSampler

Labels = torch.Tensor | np.ndarray


def class_counts(labels: Labels, *, num_classes: int) -> torch.Tensor:
    """Count the examples of each class.

    Args:
        labels: integer (N,), in 0…K−1, N of at least 1.
        num_classes: K.

    Returns:
        int64 (K,).

    Raises:
        TypeError: labels are not integers.
        ValueError: labels are not (N,), there are none, or one is outside 0…K−1.

    >>> class_counts(torch.tensor([0, 0, 2]), num_classes=4)
    tensor([2, 0, 1, 0])
    """
    labels = torch.as_tensor(labels)
    if labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
        raise TypeError(f"Expected `labels` to be class indices, but got {labels.dtype}. Round probabilities first.")
    if labels.ndim != 1 or len(labels) == 0:
        raise ValueError(f"Expected `labels` to be (N,) with N of at least 1, but got {tuple(labels.shape)}.")
    if not 0 <= labels.min() <= labels.max() < num_classes:
        raise ValueError(
            f"Expected `labels` in 0…{num_classes - 1}, but got {labels.min()}…{labels.max()}. Check `num_classes`."
        )
    return torch.bincount(labels, minlength=num_classes)


def inverse_frequency_weights(labels: Labels, *, num_classes: int) -> torch.Tensor:
    """Weight of each class in the loss: one over its number of examples, so that all classes count the same in sum.

    The mean weight of an example is 1: the loss keeps its size. The same as scikit-learn's
    `compute_class_weight("balanced")`.

    Args:
        labels: integer (N,), of the training part.
        num_classes: K.

    Returns:
        float32 (K,): N / (number of classes that occur · n_k); 0 for a class that does not occur, which no loss sees.

    Raises:
        TypeError, ValueError: see `class_counts`.

    >>> inverse_frequency_weights(torch.tensor([0, 0, 0, 1]), num_classes=2)
    tensor([0.6667, 2.0000])
    """
    counts = class_counts(labels, num_classes=num_classes)
    return _scaled(1 / counts.double(), counts)


def effective_number_weights(labels: Labels, *, num_classes: int, beta: float = 0.999) -> torch.Tensor:
    """Weight of each class in the loss: one over its effective number of examples, (1 − βⁿ) / (1 − β).

    The idea: the more examples a class has, the more of them are near repetitions. With β = 0 all classes weigh the
    same, as β goes to 1 the weights become those of `inverse_frequency_weights`. We scale them so that the mean weight
    of an example is 1; the paper lets them sum to K, which changes the size of the loss.

    Args:
        labels: integer (N,), of the training part.
        num_classes: K.
        beta: in [0, 1).

    Returns:
        float32 (K,); 0 for a class that does not occur.

    Raises:
        TypeError, ValueError: see `class_counts`; or `beta` is outside [0, 1).

    Reference:
        Cui et al., Class-balanced loss based on effective number of samples, CVPR 2019,
        https://arxiv.org/abs/1901.05555

    >>> effective_number_weights(torch.tensor([0, 0, 0, 1]), num_classes=2, beta=0.5)  # 1.75 and 1 effective examples
    tensor([0.8421, 1.4737])
    """
    if not 0 <= beta < 1:
        raise ValueError(f"Expected `beta` in [0, 1), but got {beta}. 0.99 to 0.9999 are the published choices.")
    counts = class_counts(labels, num_classes=num_classes)
    return _scaled((1 - beta) / (1 - beta ** counts.double()), counts)


def balanced_sampler(
    labels: Labels, *, num_classes: int, generator: torch.Generator, num_samples: int | None = None
) -> WeightedRandomSampler:
    """Draw examples so that each class comes as often as the others, with replacement.

    Args:
        labels: integer (N,), of the training part.
        num_classes: K.
        generator: draws the order of every pass.
        num_samples: examples of a pass; None: N, as many as there are.

    Returns:
        A sampler for `torch.utils.data.DataLoader`; it yields indices into `labels`.

    Raises:
        TypeError, ValueError: see `class_counts`.

    >>> labels = torch.tensor([0] * 90 + [1] * 10)
    >>> drawn = list(balanced_sampler(labels, num_classes=2, generator=torch.Generator().manual_seed(0)))
    >>> len(drawn), 35 < labels[drawn].sum() < 65
    (100, tensor(True))
    """
    weights = inverse_frequency_weights(labels, num_classes=num_classes).double()
    labels = torch.as_tensor(labels)
    return WeightedRandomSampler(weights[labels], num_samples or len(labels), replacement=True, generator=generator)


def _scaled(weights: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
    """Weights (K,) times a number, so that the mean over all examples is 1; 0 for absent classes."""
    weights = weights.where(counts > 0, 0)
    return (weights * counts.sum() / (weights * counts).sum()).float()
