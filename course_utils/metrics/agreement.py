"""Agreement of annotators beyond what chance would give."""

import math
import warnings

import torch

from course_utils.metrics.counts import Labels, checked_labels


def cohens_kappa(a: Labels, b: Labels, *, weights: str | None = None) -> float:
    """Agreement of two annotators: (observed − expected) / (1 − expected), expected from how often each uses a class.

    Args:
        a: Classes that the first annotator gave, integers (N).
        b: Classes that the second gave to the same examples, integers (N).
        weights: None where a disagreement is a disagreement; "linear" or "quadratic" where classes are ordered and
            neighbours nearly agree.

    Returns:
        1 for full agreement, 0 for chance, below 0 for less; NaN where both gave one and the same class throughout.

    Raises:
        ValueError: Shapes differ or the input is empty.
        TypeError: Not integers.

    Reference:
        J. Cohen, A coefficient of agreement for nominal scales, 1960, https://doi.org/10.1177/001316446002000104

    >>> cohens_kappa([0, 0, 1, 1], [0, 0, 1, 0])  # 3/4 observed, 1/2 expected
    0.5
    """
    from sklearn.metrics import cohen_kappa_score

    a, b = checked_labels(a, b)
    with warnings.catch_warnings():  # about 0 / 0, which is NaN here
        warnings.simplefilter("ignore")
        return float(cohen_kappa_score(a.numpy(), b.numpy(), weights=weights))


def fleiss_kappa(counts: Labels) -> float:
    """Agreement of any number of annotators, the same number for each example.

    Computed here: torchmetrics adds 1e-5 to the denominator, which moves the fifth digit.

    Args:
        counts: Integers (N, K): how many annotators gave example i the class k; every row has the same sum R ≥ 2.

    Returns:
        1 for full agreement, 0 for chance, below 0 for less; NaN where everybody gave one class throughout.

    Raises:
        ValueError: Not (N, K), negative, or rows with different sums.
        TypeError: Not integers.

    Reference:
        J. L. Fleiss, Measuring nominal scale agreement among many raters, 1971, https://doi.org/10.1037/h0031619

    >>> round(fleiss_kappa([[3, 0], [0, 3], [2, 1], [1, 2]]), 4)  # (2/3 − 1/2) / (1 − 1/2)
    0.3333
    """
    counts = torch.as_tensor(counts)
    if counts.is_floating_point():
        raise TypeError(f"Expected `counts` to be integers, but got {counts.dtype}. Count the votes for each class.")
    votes = counts.sum(1) if counts.ndim == 2 else counts
    if counts.ndim != 2 or not counts.numel() or (counts < 0).any() or (votes != votes[0]).any() or votes[0] < 2:
        raise ValueError(
            "Expected `counts` to be (N, K) with the same number of annotators, 2 or more, in every row, but got "
            f"shape {tuple(counts.shape)}. Leave out examples that fewer people judged."
        )
    n, raters, counts = len(counts), int(votes[0]), counts.double()
    agreeing = ((counts**2).sum(1) - raters) / (raters * (raters - 1))  # (N), share of pairs of annotators
    expected = float(((counts.sum(0) / (n * raters)) ** 2).sum())
    return (float(agreeing.mean()) - expected) / (1 - expected) if expected < 1 else math.nan
