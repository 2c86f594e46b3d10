"""Holm's correction against its definition, and comparisons of runs against SciPy and a simulation."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from course_utils import metrics


def by_sets(p: np.ndarray) -> list[float]:
    """Closed testing: the largest Bonferroni p-value of all sets that contain the comparison."""
    members = range(len(p))
    sets = [chosen for size in members for chosen in itertools.combinations(members, size + 1)]
    return [max(min(1, len(s) * min(p[list(s)])) for s in sets if k in s) for k in members]


@pytest.mark.parametrize("m", [1, 2, 3, 6])
def test_holm_is_the_closure_of_bonferroni(m):
    """Random p-values, some equal, give what all sets of comparisons give."""
    for draw in np.random.default_rng(m).random((40, m)).round(2) ** 3:
        np.testing.assert_allclose(metrics.holm(draw), by_sets(draw))


def test_holm_of_nothing_is_nothing():
    """No comparisons: no p-values."""
    assert metrics.holm([]).shape == (0,)


@pytest.mark.parametrize("wrong", [[0.5, 1.2], [-0.1], [math.nan], [[0.1, 0.2]], 0.5])
def test_holm_refuses_what_is_no_list_of_p_values(wrong):
    """Values outside of [0, 1], NaN and other shapes are told."""
    with pytest.raises(ValueError, match="values in"):
        metrics.holm(wrong)


def test_holm_keeps_false_alarms_below_the_level():
    """3,000 times ten comparisons of noise that share a base: at most 5 % have any p-value below 0.05."""
    chance = np.random.default_rng(0)
    noise = chance.normal(size=(3000, 10, 6)) - chance.normal(size=(3000, 1, 6))
    p = stats.ttest_1samp(noise, 0, axis=-1).pvalue
    assert (p.min(axis=1) < 0.05).mean() > 0.2
    assert np.mean([metrics.holm(one).min() < 0.05 for one in p]) < 0.05


def test_compare_runs_against_scipy():
    """Means, intervals and p-values of three methods are SciPy's; Holm counts three."""
    chance = np.random.default_rng(1)
    scores = {name: chance.normal(k / 10, 0.1, size=5) for k, name in enumerate(("base", "a", "b", "c"))}
    rows = metrics.compare_runs(scores, "base")
    assert list(rows) == ["a", "b", "c"]
    for name, row in rows.items():
        test = stats.ttest_rel(scores[name], scores["base"])
        low, high = test.confidence_interval(0.95)
        assert [row[key] for key in ("low", "high", "p")] == pytest.approx([low, high, test.pvalue])
    np.testing.assert_allclose([row["holm"] for row in rows.values()], metrics.holm([r["p"] for r in rows.values()]))


def test_control_is_not_counted():
    """A control has a p-value of its own, no Holm value, and makes nobody else's larger."""
    scores = {"base": [1.0, 2.0, 3.0], "a": [1.5, 2.4, 3.6], "again": [1.1, 1.9, 3.0]}
    rows = metrics.compare_runs(scores, "base", controls=["again"])
    assert rows["a"]["holm"] == rows["a"]["p"] and math.isnan(rows["again"]["holm"]) and rows["again"]["p"] > 0.05


def test_equal_runs_show_no_difference():
    """A method that gives the base's scores has a p-value of 1, not NaN."""
    row = metrics.compare_runs({"base": [1.0, 2.0], "same": [1.0, 2.0]}, "base")["same"]
    assert (row["mean"], row["p"], row["holm"]) == (0.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("scores", "more"),
    [({"a": [1, 2]}, {}), ({"base": [1, 2]}, {"controls": ["again"]}), ({"base": [1], "a": [2]}, {})],
)
def test_compare_runs_refuses_what_cannot_be_compared(scores, more):
    """No base, no such control, a single run."""
    with pytest.raises(ValueError, match="among the scores, with two runs or more"):
        metrics.compare_runs(scores, "base", **more)


def test_unequal_numbers_of_runs_are_told():
    """Runs that are not paired are refused by the paired difference."""
    with pytest.raises(ValueError, match="one number of each method for every pair"):
        metrics.compare_runs({"base": [1.0, 2.0], "a": [1.0, 2.0, 3.0]}, "base")
