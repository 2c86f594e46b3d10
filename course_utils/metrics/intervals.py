"""How sure we are of a number: intervals over examples and over pairs."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch


def paired_difference(
    a: Sequence[float] | np.ndarray, b: Sequence[float] | np.ndarray, *, confidence: float = 0.95
) -> dict[str, float]:
    """Mean of a − b over pairs, such as two methods on the same splits, with its t-interval.

    Pairing takes out what both have in common, such as an easy split, so the interval is narrower than that of two
    separate means. It supposes that the differences are roughly normal.

    Args:
        a: (N) numbers, in any unit.
        b: (N) numbers of the same pairs.
        confidence: Share of such intervals that contain the true mean, in (0, 1).

    Returns:
        `mean`, `low` and `high` in the unit of the input, and `n`. With one pair `low` and `high` are NaN: not known.

    Raises:
        ValueError: Shapes differ, are not (N), or N is 0, or `confidence` is outside (0, 1).

    >>> result = paired_difference([0.86, 0.88, 0.87], [0.84, 0.85, 0.86])
    >>> [round(result[key], 3) for key in ("mean", "low", "high")]
    [0.02, -0.005, 0.045]
    """
    from scipy import stats

    _check_confidence(confidence)
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if a.ndim != 1 or a.shape != b.shape or not len(a):
        raise ValueError(
            f"Expected `a` and `b` to be (N) with N of at least 1, but got {a.shape} and {b.shape}. "
            "Give one number of each method for every pair."
        )
    difference = a - b
    half_width = math.nan
    if len(a) > 1:
        half_width = stats.t.ppf(0.5 + confidence / 2, len(a) - 1) * stats.sem(difference)
    mean = difference.mean()
    return {"mean": float(mean), "low": float(mean - half_width), "high": float(mean + half_width), "n": len(a)}


def bootstrap_interval(
    values: torch.Tensor | np.ndarray | Sequence,
    statistic: Callable[[np.ndarray], float],
    *,
    confidence: float = 0.95,
    n: int = 2000,
    seed: int,
) -> dict[str, float]:
    """Percentile bootstrap: the statistic of `n` samples drawn with replacement, and the range of their middle share.

    It answers how much the number would vary with another test set of the same kind; it says nothing about another
    training run. Rows are drawn whole, so scores and targets side by side stay together.

    Args:
        values: (N, …), one row for each example.
        statistic: Function of an array of rows (N, …) that returns one number.
        confidence: Share of the samples inside the interval, in (0, 1).
        n: Number of samples.
        seed: Seed of the draws.

    Returns:
        `value` (the statistic of `values` itself), `low`, `high`, and `n`, the number of samples. The interval is NaN
        where the statistic of any sample is.

    Raises:
        ValueError: `values` is empty, `n` < 1, or `confidence` is outside (0, 1).

    Reference:
        Efron and Tibshirani, An introduction to the bootstrap, 1993, chapter 13.

    >>> correct = [True] * 90 + [False] * 10
    >>> interval = bootstrap_interval(correct, np.mean, seed=0)
    >>> [float(round(interval[key], 2)) for key in ("value", "low", "high")]
    [0.9, 0.84, 0.96]
    """
    _check_confidence(confidence)
    values = np.asarray(values)
    if values.ndim == 0 or not len(values):
        raise ValueError(f"Expected `values` to be (N, …) with N of at least 1, but got {values.shape}. Give examples.")
    if n < 1:
        raise ValueError(f"Expected `n` of at least 1 sample, but got {n}. 2000 is enough for a 95 % interval.")
    generator = np.random.default_rng(seed)
    draws = (generator.integers(len(values), size=len(values)) for _ in range(n))
    samples = np.array([statistic(values[rows]) for rows in draws], dtype=float)  # (n)
    low, high = np.quantile(samples, [0.5 - confidence / 2, 0.5 + confidence / 2])
    return {"value": float(statistic(values)), "low": float(low), "high": float(high), "n": n}


def paired_bootstrap(
    a: torch.Tensor | np.ndarray | Sequence,
    b: torch.Tensor | np.ndarray | Sequence,
    statistic: Callable[[np.ndarray], float],
    *,
    confidence: float = 0.95,
    n: int = 2000,
    seed: int,
) -> dict[str, float]:
    """Percentile bootstrap of a difference, statistic(a) − statistic(b), on the same examples.

    Each sample draws examples and takes what both methods made of them, so what is hard for both cancels.

    Args:
        a: (N, …), one row for each example, such as whether method A was right, or its score beside the target.
        b: (N, …), the rows of method B for the same examples in the same order.
        statistic: Function of an array of rows that returns one number.
        confidence: Share of the samples inside the interval, in (0, 1).
        n: Number of samples.
        seed: Seed of the draws.

    Returns:
        `value`, `low`, `high` and `n`, as `bootstrap_interval`.

    Raises:
        ValueError: `a` and `b` differ in length or are empty, `n` < 1, or `confidence` is outside (0, 1).

    >>> right_a, right_b = [True] * 90 + [False] * 10, [True] * 85 + [False] * 15
    >>> interval = paired_bootstrap(right_a, right_b, np.mean, seed=0)
    >>> [round(interval[key], 2) for key in ("value", "low", "high")]
    [0.05, 0.01, 0.1]
    """
    a, b = np.asarray(a), np.asarray(b)
    if a.shape[:1] != b.shape[:1]:
        raise ValueError(
            f"Expected a row of `a` and of `b` for each example, but got {a.shape} and {b.shape}. "
            "Score both methods on the same examples, in the same order."
        )
    rows = np.arange(len(a)) if a.ndim else np.zeros(0)
    return bootstrap_interval(
        rows, lambda drawn: statistic(a[drawn]) - statistic(b[drawn]), confidence=confidence, n=n, seed=seed
    )


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise ValueError(f"Expected `confidence` between 0 and 1, but got {confidence}. Write 95 % as 0.95.")
