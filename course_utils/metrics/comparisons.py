"""Several methods against one: differences over paired runs, and p-values that account for how many there are."""

from collections.abc import Mapping, Sequence

import numpy as np

from course_utils.metrics.intervals import paired_difference


def holm(p: Sequence[float] | np.ndarray) -> np.ndarray:
    """Adjust p-values for the number of comparisons: the chance of any false alarm stays below the level.

    It holds whatever the dependence between the comparisons, such as a base that all of them share.

    Args:
        p: (M) p-values in [0, 1].

    Returns:
        (M) adjusted p-values in the same order, to be compared with the level as they are.

    Raises:
        ValueError: `p` is not (M), or a value is outside [0, 1] or NaN.

    Reference:
        Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6, 1979.

    >>> [round(float(value), 3) for value in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p, dtype=float)
    if p.ndim != 1 or not ((p >= 0) & (p <= 1)).all():
        raise ValueError(f"Expected `p` to be (M) values in [0, 1], but got {p}. Give one p-value a comparison.")
    order = np.argsort(p)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1)
    return adjusted


def compare_runs(
    scores: Mapping[str, Sequence[float] | np.ndarray], base: str, *, controls: Sequence[str] = ()
) -> dict[str, dict[str, float]]:
    """Compare methods with a base over paired runs, and say how sure each difference is.

    Args:
        scores: name → (N) scores of N ≥ 2 runs, run i of every method with the same data and seed.
        base: the name that the others are compared with.
        controls: names whose true difference is known to be zero: they are no comparison, and Holm does not count them.

    Returns:
        For each other name what `paired_difference` returns, with `p`, the two-sided p-value of the paired t-test (1
        where all differences are zero), and `holm`, that value after Holm's correction; NaN for controls.

    Raises:
        ValueError: `base` or a control is not among the names, or there are fewer than two runs, or unequally many.

    >>> rows = compare_runs({"plain": [0.80, 0.82, 0.81], "longer": [0.84, 0.85, 0.85]}, "plain")
    >>> {key: round(value, 3) for key, value in rows["longer"].items()}
    {'mean': 0.037, 'low': 0.022, 'high': 0.051, 'n': 3, 'p': 0.008, 'holm': 0.008}
    """
    from scipy import stats

    missing = [name for name in (base, *controls) if name not in scores]
    if missing or len(np.atleast_1d(scores[base])) < 2:
        raise ValueError(
            f"Expected {base!r} and the controls among the scores, with two runs or more, but got "
            f"{ {name: len(np.atleast_1d(one)) for name, one in scores.items()} }. One run shows no difference."
        )
    rows = {name: paired_difference(one, scores[base]) for name, one in scores.items() if name != base}
    for name, row in rows.items():
        same = np.array_equal(np.asarray(scores[name], float), np.asarray(scores[base], float))
        row["p"] = 1.0 if same else float(stats.ttest_rel(scores[name], scores[base]).pvalue)
        row["holm"] = float("nan")
    compared = [name for name in rows if name not in controls]
    for name, value in zip(compared, holm([rows[name]["p"] for name in compared]), strict=True):
        rows[name]["holm"] = float(value)
    return rows
