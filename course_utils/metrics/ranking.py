"""Scores of a ranking: what a threshold on the score would give, over all thresholds."""

import math
import warnings
from collections.abc import Sequence

import numpy as np
import torch

from course_utils.metrics.counts import Labels

Scores = torch.Tensor | np.ndarray | Sequence[float]


def roc_auc(scores: Scores, target: Labels) -> float:
    """Area under the ROC curve: the chance that a positive example scores above a negative one, ties half.

    Args:
        scores: Float (N), probability or logit of the positive class; only their order matters.
        target: (N), 1 or True for positive, 0 or False for negative.

    Returns:
        Area in [0, 1]; NaN where one of the two classes is absent.

    Raises:
        ValueError: Shapes are not (N), N is 0, a score is NaN, or a target is neither 0 nor 1.

    >>> roc_auc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])  # three of the four pairs are in order
    0.75
    """
    from torchmetrics.functional.classification import binary_auroc

    scores, target = _checked_scores(scores, target)
    if (target == target[0]).all():
        return math.nan
    # The library puts scores outside [0, 1] through a sigmoid, which makes ties of large logits: give it ranks.
    distinct, rank = scores.unique(return_inverse=True)
    return binary_auroc(rank.double() / len(distinct), target.long(), validate_args=False).item()


def roc_curve(scores: Scores, target: Labels) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Share of false alarms and share of finds at every threshold that changes something.

    Args:
        scores: Float (N), the higher the more likely positive.
        target: (N), 1 or True for positive, 0 or False for negative.

    Returns:
        False-positive rate, true-positive rate and threshold, float64 (M) each, from the strictest threshold (∞:
        nothing is found) to the laxest. A rate is NaN where its class is absent.

    Raises:
        ValueError: As for `roc_auc`.

    >>> false_alarms, found, threshold = roc_curve([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
    >>> false_alarms.tolist(), found.tolist()
    ([0.0, 0.0, 0.5, 0.5, 1.0], [0.0, 0.5, 0.5, 1.0, 1.0])
    """
    from sklearn.metrics import roc_curve as curve

    scores, target = _checked_scores(scores, target)
    with warnings.catch_warnings():  # about an absent class, which is NaN here
        warnings.simplefilter("ignore")
        found = curve(target.numpy().astype(bool), scores.numpy(), drop_intermediate=False)
    return tuple(torch.from_numpy(np.array(values, dtype=float)) for values in found)


def precision_recall_curve(scores: Scores, target: Labels) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Precision and recall at every threshold, a score equal to the threshold counting as found.

    Args:
        scores: Float (N), the higher the more likely positive.
        target: (N), 1 or True for positive, 0 or False for negative.

    Returns:
        Precision (M + 1), recall (M + 1) and threshold (M), float64, thresholds ascending; the last point is precision
        1 at recall 0, which no threshold reaches. Recall is NaN where no example is positive.

    Raises:
        ValueError: As for `roc_auc`.

    >>> precision, recall, threshold = precision_recall_curve([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
    >>> precision.tolist(), recall.tolist()
    ([0.5, 0.6666666666666666, 0.5, 1.0, 1.0], [1.0, 1.0, 0.5, 0.5, 0.0])
    """
    from sklearn.metrics import precision_recall_curve as curve

    scores, target = _checked_scores(scores, target)
    with warnings.catch_warnings():  # about an absent class, which is NaN here
        warnings.simplefilter("ignore")
        found = curve(target.numpy().astype(bool), scores.numpy())
    precision, recall, threshold = (torch.from_numpy(np.array(values, dtype=float)) for values in found)
    return precision, recall if target.any() else torch.full_like(recall, math.nan), threshold


def average_precision(scores: Scores, target: Labels) -> float:
    """Mean precision over the recall gained at each threshold: Σ (Rᵢ − Rᵢ₋₁) · Pᵢ, without interpolation.

    Detection uses other definitions (VOC's 11 points, COCO's 101 points, precision made monotonous):
    `mean_average_precision`. A ranking at random gets the share of positives.

    Args:
        scores: Float (N), the higher the more likely positive.
        target: (N), 1 or True for positive, 0 or False for negative.

    Returns:
        Score in [0, 1]; NaN where no example is positive.

    Raises:
        ValueError: As for `roc_auc`.

    >>> round(average_precision([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]), 4)  # 1/2 · 1 + 1/2 · 2/3
    0.8333
    """
    from sklearn.metrics import average_precision_score

    scores, target = _checked_scores(scores, target)
    if not target.any():
        return math.nan
    return float(average_precision_score(target.numpy().astype(bool), scores.numpy()))


def _checked_scores(scores: Scores, target: Labels) -> tuple[torch.Tensor, torch.Tensor]:
    """Scores and targets as tensors (N) on the processor."""
    scores, target = torch.as_tensor(scores, dtype=torch.float64).detach().cpu(), torch.as_tensor(target).cpu()
    if scores.ndim != 1 or scores.shape != target.shape or not len(scores):
        raise ValueError(
            "Expected `scores` and `target` to be (N) with N of at least 1, but got "
            f"{tuple(scores.shape)} and {tuple(target.shape)}. Take the column of the positive class: `logits[:, 1]`."
        )
    if scores.isnan().any() or not ((target == 0) | (target == 1)).all():
        raise ValueError(
            "Expected no NaN among `scores` and nothing but 0 and 1 in `target`, but got others. "
            "NaN comes from a training that diverged; probabilities as targets need a threshold first."
        )
    return scores, target
