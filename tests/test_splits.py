"""Splits cover every example once, keep the shares of the strata, and stay as they were committed."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils import catalogue, files, splits


def elpv_strata():
    """Probability × module type of every cell, as the committed splits were stratified."""
    probability, module_type = catalogue.load_elpv_labels()
    return [f"{p:.2f} {kind}" for p, kind in zip(probability, module_type, strict=True)]


@pytest.mark.parametrize("seed", splits.ELPV_SEEDS)
def test_committed_splits_are_those_that_the_code_makes(seed, tmp_path):
    """Regenerating a committed elpv split gives the same file, byte for byte."""
    made = splits.stratified_split(elpv_strata(), seed=seed, name=f"elpv_{seed}")
    splits.write_split(made, tmp_path / "again.csv")
    committed = files.REPO / "data" / "splits" / f"elpv_{seed}.csv"
    assert (tmp_path / "again.csv").read_bytes() == committed.read_bytes()


@pytest.mark.parametrize("seed", splits.ELPV_SEEDS)
def test_elpv_parts_hold_every_stratum_in_its_share(seed):
    """Counted by hand, each part of a committed split holds each stratum in proportion, to within two cells."""
    strata, split = np.array(elpv_strata()), splits.elpv_split(seed)
    whole = Counter(strata)
    assert len(whole) == 8
    for part, fraction in zip(splits.PARTS, (0.65, 0.10, 0.25), strict=True):
        counts = Counter(strata[getattr(split, part)])
        assert all(abs(counts[stratum] - fraction * n) <= 2 for stratum, n in whole.items())


def test_elpv_splits_have_the_stated_sizes_and_differ():
    """The three committed splits test a quarter of the cells each, and not the same ones."""
    tests = [set(splits.elpv_split(seed).test.tolist()) for seed in splits.ELPV_SEEDS]
    assert [len(test) for test in tests] == [656, 656, 656]
    assert len(set.union(*tests)) > 1300


@settings(max_examples=30, deadline=None)
@given(counts=st.lists(st.integers(20, 60), min_size=1, max_size=4), seed=st.integers(0, 2**16))
def test_any_split_is_a_partition_of_exact_size(counts, seed):
    """Whatever the strata, every index occurs once, sizes are the rounded fractions, and the seed decides alone."""
    strata = np.repeat(np.arange(len(counts)), counts)
    split = splits.stratified_split(strata, seed=seed)
    n = len(strata)
    assert sorted([*split.train, *split.validation, *split.test]) == list(range(n))
    assert (len(split.validation), len(split.test)) == (int(0.10 * n + 0.5), int(0.25 * n + 0.5))
    again = splits.stratified_split([f"class {code}" for code in strata], seed=seed)
    assert all(np.array_equal(getattr(split, part), getattr(again, part)) for part in splits.PARTS)


def test_fraction_zero_leaves_a_part_empty():
    """A split without validation has an empty validation part, and one that is all training has nothing else."""
    assert splits.stratified_split([0, 1] * 10, fractions=(0.5, 0, 0.5), seed=0).sizes["validation"] == 0
    whole = splits.stratified_split([0], fractions=(1, 0, 0), seed=0)
    assert whole.sizes == {"train": 1, "validation": 0, "test": 0}


@pytest.mark.parametrize(
    ("strata", "fractions", "message"),
    [
        ([], (0.65, 0.10, 0.25), r"Expected `strata` to be \(N,\) with N >= 1, but got shape \(0,\)"),
        ([["a", "b"], ["a", "b"]], (0.65, 0.10, 0.25), r"but got shape \(2, 2\).*Join several columns"),
        ([0] * 10, (0.65, 0.10), "three shares of train, validation and test with sum 1"),
        ([0] * 10, (0.9, 0.2, -0.1), "three shares of train, validation and test with sum 1"),
        ([0] * 10, (0.5, 0.1, 0.1), "three shares of train, validation and test with sum 1"),
        ([0] * 10 + [1], (0.5, 0.25, 0.25), "the smallest of size 1, to draw 3 of 11 from. Merge small strata"),
    ],
)
def test_impossible_splits_are_refused(strata, fractions, message):
    """No examples, several columns, fractions that are no shares, and strata too small to share are refused."""
    with pytest.raises(ValueError, match=message):
        splits.stratified_split(strata, fractions=fractions, seed=0)


@pytest.mark.parametrize(
    ("parts", "n", "message"),
    [
        (([0, 1], [2], [1, 3]), 4, r"in one part only, but got 1 in more than one place: \[1\]"),
        (([0, 0, 1], [2], [3]), 4, r"more than one place: \[0\]"),
        (([0, 1], [], [3]), 4, r"to cover all 4 examples, but got no part for 1 of them: \[2\]"),
        (([0, 1], [2], [4]), 4, r"to lie in 0 … 3, but got \[4\]"),
        (([-1, 1], [2], [0]), 3, r"to lie in 0 … 2, but got \[-1\]"),
        (([], [], []), 9, r"but got no part for 9 of them: \[0, 1, 2, 3, 4, …\]"),
    ],
)
def test_check_split_names_the_fault(parts, n, message):
    """Overlap, repetition, gap and foreign indices are each told apart, with the indices."""
    with pytest.raises(ValueError, match=message):
        splits.check_split(splits.Split(*parts), n)


def test_check_split_accepts_the_empty_split_of_nothing():
    """No examples in three empty parts are a whole split."""
    splits.check_split(splits.Split([], [], []), 0)


@pytest.mark.parametrize("bad", [[True, False], [0.5, 1.0], [[0, 1]], "01"])
def test_parts_that_are_no_index_lists_are_refused(bad):
    """A boolean mask, fractions, a table and text are not taken for indices."""
    with pytest.raises(ValueError, match="Expected `train` to be a one-dimensional list of integers"):
        splits.Split(bad, [], [])


def test_parts_cannot_be_changed():
    """A split is fixed: writing into a part fails."""
    with pytest.raises(ValueError, match="read-only"):
        splits.Split([0, 1], [], []).train[0] = 5


def test_what_is_written_is_read_again(tmp_path):
    """Reading back gives the same parts, named after the file, one line an example."""
    split = splits.stratified_split(["a", "b"] * 20, seed=3)
    path = tmp_path / "mine_3.csv"
    splits.write_split(split, path)
    again = splits.read_split(path)
    assert again.name == "mine_3"
    assert all(np.array_equal(getattr(split, part), getattr(again, part)) for part in splits.PARTS)
    lines = path.read_text().splitlines()
    assert lines[0] == "index,part" and [int(line.split(",")[0]) for line in lines[1:]] == list(range(40))


def test_a_leaking_split_is_not_written(tmp_path):
    """Writing a split with an overlap fails and leaves no file."""
    with pytest.raises(ValueError, match="in one part only"):
        splits.write_split(splits.Split([0, 1], [], [1, 2]), tmp_path / "leak.csv")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Expected the first line of .* to be 'index,part'"),
        ("part,index\n0,train\n", "Expected the first line of .* to be 'index,part'"),
        ("index,part\n0,train\n1,trian\n", "Expected line 3 of .* but got '1,trian'"),
        ("index,part\n0.5,train\n", "Expected line 2 of .* but got '0.5,train'"),
        ("index,part\n0\n", "Expected line 2 of .* but got '0'"),
        ("index,part\n0,train\n0,test\n", "in more than one place|no part"),
        ("index,part\n0,train\n2,test\n", "to lie in 0 … 1"),
    ],
)
def test_damaged_split_files_are_refused(tmp_path, text, message):
    """A wrong header, an unknown part, a broken line, a repeated and a missing index are refused with the line."""
    path = tmp_path / "damaged.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        splits.read_split(path)


def test_missing_files_and_unknown_seeds_are_refused(tmp_path):
    """No such file, and a seed without a committed split, each say what to do."""
    with pytest.raises(FileNotFoundError, match=r"Expected a split file at .*Write it with `write_split`"):
        splits.read_split(tmp_path / "nowhere.csv")
    with pytest.raises(ValueError, match=r"Expected `seed` to be one of \(0, 1, 2\), but got 3"):
        splits.elpv_split(3)


def test_parts_name_the_part_of_every_example():
    """The part of each index in order; a gap is empty, and no examples have no parts."""
    assert splits.Split([0, 2], [1], [4]).parts.tolist() == ["train", "validation", "train", "", "test"]
    assert splits.Split([], [], []).parts.shape == (0,)
