"""Random, grouped and time splits: whole, as near to their fractions as they can be, and fixed by their seed."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils import splits

FRACTIONS = [(0.65, 0.10, 0.25), (0.5, 0.0, 0.5), (0.0, 0.5, 0.5), (0.0, 0.0, 1.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)]


def part_of(split, n):
    """Part of every example as a list."""
    parts = [None] * n
    for part in splits.PARTS:
        for index in getattr(split, part):
            parts[index] = part
    return parts


@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 300), seed=st.integers(0, 2**16), fractions=st.sampled_from(FRACTIONS))
def test_random_split_is_whole_and_of_exact_size(n, seed, fractions):
    """Every index occurs once, test is its rounded fraction, and the seed decides alone."""
    split = splits.random_split(n, fractions=fractions, seed=seed)
    splits.check_split(split, n)
    assert split.sizes["test"] == int(fractions[2] * n + 0.5)
    assert part_of(split, n) == part_of(splits.random_split(n, fractions=fractions, seed=seed), n)


def test_random_split_depends_on_the_seed_and_not_on_the_order():
    """Two seeds give two splits, and the test part is not the head or tail of the list."""
    first, second = (splits.random_split(200, seed=seed).test.tolist() for seed in (0, 1))
    assert first != second
    assert first != list(range(50)) and first != list(range(150, 200))


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 9), min_size=3, max_size=30),
    seed=st.integers(0, 99),
    fractions=st.sampled_from(FRACTIONS),
)
def test_groups_never_cross_and_wanted_parts_are_never_empty(sizes, seed, fractions):
    """Whatever the sizes, each group lies in one part, and a part has examples exactly where its fraction is not 0."""
    groups = np.repeat(np.arange(len(sizes)), sizes)
    split = splits.grouped_split(groups, fractions=fractions, seed=seed)
    splits.check_split(split, len(groups))
    parts = part_of(split, len(groups))
    for group in range(len(sizes)):
        assert len({part for part, other in zip(parts, groups, strict=True) if other == group}) == 1
    assert [size > 0 for size in split.sizes.values()] == [fraction > 0 for fraction in fractions]


@settings(max_examples=60, deadline=None)
@given(sizes=st.lists(st.integers(1, 9), min_size=12, max_size=40), seed=st.integers(0, 99))
def test_grouped_sizes_miss_by_at_most_half_a_group(sizes, seed):
    """With many small groups, test and validation are within half of the largest group of their fraction."""
    groups = np.repeat(np.arange(len(sizes)), sizes)
    split = splits.grouped_split(groups, fractions=(0.5, 0.25, 0.25), seed=seed)
    for part in ("validation", "test"):
        assert abs(split.sizes[part] - int(0.25 * len(groups) + 0.5)) <= max(sizes) / 2


def test_grouped_test_part_is_as_large_as_the_best_of_all_assignments():
    """Over all ways to choose among seven groups, none has a test part nearer to its fraction."""
    sizes, target = np.array([13, 8, 7, 5, 4, 2, 1]), 10
    groups = np.repeat(np.arange(7), sizes)
    best = min(abs(sum(c) - target) for k in range(1, 7) for c in itertools.combinations(sizes.tolist(), k))
    for seed in range(20):
        split = splits.grouped_split(groups, fractions=(0.75, 0, 0.25), seed=seed)
        assert abs(split.sizes["test"] - target) == best
    tests = {tuple(splits.grouped_split(groups, fractions=(0.75, 0, 0.25), seed=seed).test) for seed in range(20)}
    assert len(tests) > 2  # and the seed still chooses among them


def test_one_huge_group_goes_to_training_whatever_the_seed():
    """A group of nine tenths cannot be a tenth: it is trained on, and the small ones are shared out."""
    groups = ["huge"] * 90 + [f"small {i}" for i in range(10)]
    for seed in range(10):
        assert set(range(90)) <= set(splits.grouped_split(groups, seed=seed).train.tolist())


def test_as_many_groups_as_parts_give_one_to_each():
    """Three groups and three parts: each part gets one, though no fraction is met."""
    split = splits.grouped_split(["a"] * 10 + ["b"] * 10 + ["c"] * 10, seed=0)
    assert split.sizes == {"train": 10, "validation": 10, "test": 10}


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([], r"Expected `groups` to be \(N,\) with N >= 1, but got shape \(0,\)"),
        (["a", "a", "b"], "a group for each of the 3 parts, but got 2 groups in 3 examples.*collect more groups"),
        ([["a"], ["b"]], r"but got shape \(2, 1\)"),
    ],
)
def test_impossible_groups_are_refused(groups, message):
    """No examples, too few groups and a table are told apart."""
    with pytest.raises(ValueError, match=message):
        splits.grouped_split(groups, seed=0)


@settings(max_examples=60, deadline=None)
@given(
    times=st.lists(st.integers(0, 12), min_size=3, max_size=60).filter(lambda times: len(set(times)) >= 3),
    fractions=st.sampled_from(FRACTIONS),
)
def test_time_goes_forward_and_ties_stay_together(times, fractions):
    """All training times are before all validation times, those before all test times; wanted parts have examples."""
    split = splits.time_split(times, fractions=fractions)
    splits.check_split(split, len(times))
    spans = [np.array(times)[getattr(split, part)] for part in splits.PARTS if split.sizes[part]]
    assert all(earlier.max() < later.min() for earlier, later in itertools.pairwise(spans))
    assert [size > 0 for size in split.sizes.values()] == [fraction > 0 for fraction in fractions]


def test_time_split_without_ties_has_the_exact_sizes():
    """With a hundred different days the parts are the rounded fractions, oldest first."""
    days = np.datetime64("2026-01-01") + np.random.default_rng(0).permutation(100)
    split = splits.time_split(days)
    assert split.sizes == {"train": 65, "validation": 10, "test": 25}
    assert days[split.test].min() == np.datetime64("2026-01-01") + 75


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ([], r"to be \(N,\) numbers or datetime64 with N >= 1, but got shape \(0,\)"),
        (["2026-01-01", "2026-01-02", "2026-01-03"], "of <U10. Turn text"),
        ([1.0, np.nan, 2.0, 3.0], "a time for every example, but got none for 1 of 4"),
        (np.array(["2026-01-01", "NaT"], dtype="datetime64[s]"), "but got none for 1 of 2"),
        ([5, 5, 5, 6], "a time for each of the 3 parts, but got 2 distinct times in 4 examples"),
    ],
)
def test_impossible_times_are_refused(times, message):
    """No times, text, gaps and too few moments are told apart."""
    with pytest.raises(ValueError, match=message):
        splits.time_split(times)


@pytest.mark.parametrize("fractions", [(0.5, 0.5), (0.9, 0.2, -0.1), (0.5, 0.1, 0.1), (0.5, 0.5, float("nan"))])
@pytest.mark.parametrize(
    "draw",
    [
        lambda fractions: splits.random_split(9, fractions=fractions, seed=0),
        lambda fractions: splits.grouped_split(range(9), fractions=fractions, seed=0),
        lambda fractions: splits.time_split(range(9), fractions=fractions),
    ],
)
def test_fractions_that_are_no_shares_are_refused(draw, fractions):
    """Two fractions, a negative one, a sum below 1 and NaN are refused by every way to draw."""
    with pytest.raises(ValueError, match="three shares of train, validation and test with sum 1"):
        draw(fractions)


def test_random_split_of_nothing_is_refused():
    """No examples cannot be shared out."""
    with pytest.raises(ValueError, match="Expected `n` to be at least 1, but got 0"):
        splits.random_split(0, seed=0)
