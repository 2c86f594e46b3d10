"""Index sets for training, validation and test: made by stratum, kept as committed files, checked for leaks.

The course fixes a split once, commits it as a CSV file with the columns `index,part`, and from then on reads it. A
split made afresh in every notebook would quietly move examples between the sets whenever a library changes.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from course_utils import files

PARTS = ("train", "validation", "test")
ELPV_SEEDS = (0, 1, 2)  # one committed split each; lesson 22 runs on all three, every other lesson on split 0
_SPLITS_DIR = files.REPO / "data" / "splits"


@dataclass(frozen=True, eq=False)
class Split:
    """Three sets of example numbers.

    Args:
        train: indices of the training examples; shape (N_train,), integers; stored sorted as int64, read-only.
        validation: indices of the examples that choose between models; shape (N_validation,).
        test: indices of the examples that are scored once, at the end; shape (N_test,).
        name: what to call the split in messages and records, e.g. ``"elpv_0"``.

    Raises:
        ValueError: if a part is not a one-dimensional list of integers.

    >>> split = Split(train=[3, 0, 1], validation=[], test=[2])
    >>> split.train
    array([0, 1, 3])
    >>> split.sizes
    {'train': 3, 'validation': 0, 'test': 1}
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    name: str = "split"

    def __post_init__(self):
        for part in PARTS:
            object.__setattr__(self, part, _index_array(getattr(self, part), part))

    @property
    def sizes(self) -> dict[str, int]:
        """Number of examples in each part."""
        return {part: len(getattr(self, part)) for part in PARTS}


def stratified_split(
    strata: Sequence, *, fractions: tuple[float, float, float] = (0.65, 0.10, 0.25), seed: int, name: str = "split"
) -> Split:
    """Split examples at random so that each part holds the same share of every stratum.

    The test part is drawn first, then validation from the rest, both by scikit-learn's `train_test_split`. The parts'
    sizes are exact: test and validation are their fraction of N, rounded half up, and training is what remains.

    Args:
        strata: the stratum of each example (a class, or a class with a group); shape (N,), strings or integers.
        fractions: shares of train, validation and test, each in [0, 1], with sum 1. A share of 0 leaves the part empty.
        seed: the same seed and strata give the same split.
        name: name of the split.

    Returns:
        A `Split` in which every example 0 … N - 1 occurs exactly once.

    Raises:
        ValueError: if `strata` is empty or not one-dimensional, if the fractions are no shares of 1, or if a stratum
            has too few examples to be shared out.

    >>> split = stratified_split(["good"] * 60 + ["bad"] * 20, fractions=(0.5, 0.25, 0.25), seed=0)
    >>> split.sizes
    {'train': 40, 'validation': 20, 'test': 20}
    >>> int((split.test >= 60).sum())  # a quarter of the 20 bad ones
    5
    """
    codes = _strata_codes(strata)
    n = len(codes)
    if len(fractions) != 3 or min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-9:
        raise ValueError(
            f"Expected `fractions` to be three shares of train, validation and test with sum 1, but got {fractions}. "
            "Example: (0.65, 0.10, 0.25)."
        )
    n_validation, n_test = (int(np.floor(fraction * n + 0.5)) for fraction in fractions[1:])
    rest, test = _draw(np.arange(n), codes, n_drawn=n_test, seed=seed)
    train, validation = _draw(rest, codes, n_drawn=min(n_validation, len(rest)), seed=seed)
    split = Split(train, validation, test, name)
    check_split(split, n)
    return split


def check_split(split: Split, n: int) -> None:
    """Make sure that a split shares out the examples 0 … n - 1, each to exactly one part.

    Args:
        split: the split to check.
        n: number of examples in the whole set.

    Raises:
        ValueError: if an index is out of range, occurs twice (an overlap between parts is a leak), or is missing.

    >>> check_split(Split([0, 1], [2], [3]), 4)
    >>> check_split(Split([0, 1], [2], [1, 3]), 4)
    Traceback (most recent call last):
    ...
    ValueError: Expected every example of split 'split' in one part only, but got 1 in more than one place: [1]. \
Scores on such a split are too good; make it again with `stratified_split`.
    """
    indices = np.concatenate([split.train, split.validation, split.test])
    outside = indices[(indices < 0) | (indices >= n)]
    if len(outside):
        raise ValueError(
            f"Expected the indices of split {split.name!r} to lie in 0 … {n - 1}, but got {_some(outside)}. "
            "Does the split belong to this data set?"
        )
    counts = np.bincount(indices, minlength=n)
    repeated, missing = np.flatnonzero(counts > 1), np.flatnonzero(counts == 0)
    if len(repeated):
        raise ValueError(
            f"Expected every example of split {split.name!r} in one part only, but got {len(repeated)} in more than "
            f"one place: {_some(repeated)}. Scores on such a split are too good; make it again with `stratified_split`."
        )
    if len(missing):
        raise ValueError(
            f"Expected split {split.name!r} to cover all {n} examples, but got no part for {len(missing)} of them: "
            f"{_some(missing)}. Make it again with `stratified_split`."
        )


def write_split(split: Split, path: str | Path) -> None:
    """Write a split as CSV with the columns `index,part`, one line an example, in the order of the index.

    Args:
        split: the split; must be whole (see `check_split`), so that no leak is ever committed.
        path: file to write; it is replaced in one move, or left as it was if writing fails.

    Raises:
        ValueError: if the split has gaps or overlaps.
    """
    check_split(split, sum(split.sizes.values()))
    rows = sorted((int(index), part) for part in PARTS for index in getattr(split, part))
    with files.replacing(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["index", "part"])
        writer.writerows(rows)


def read_split(path: str | Path) -> Split:
    """Read what `write_split` wrote; the split is named after the file.

    Args:
        path: CSV file with the columns `index,part`, where part is train, validation or test.

    Returns:
        The `Split`, checked for gaps and overlaps.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if a line is not `index,part`, or the split has gaps or overlaps.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"Expected a split file at {path}, but there is none. Write it with `write_split`.")
    indices = {part: [] for part in PARTS}
    with open(path, newline="", encoding="utf-8") as file:
        rows = csv.reader(file)
        if next(rows, None) != ["index", "part"]:
            raise ValueError(f"Expected the first line of {path} to be 'index,part'. Write it with `write_split`.")
        for number, row in enumerate(rows, start=2):
            if len(row) != 2 or not row[0].isdecimal() or row[1] not in PARTS:
                raise ValueError(
                    f"Expected line {number} of {path} to be a whole number and one of {', '.join(PARTS)}, "
                    f"but got {','.join(row)!r}. Write the file with `write_split`."
                )
            indices[row[1]].append(int(row[0]))
    split = Split(**indices, name=path.stem)
    check_split(split, sum(split.sizes.values()))
    return split


def elpv_split(seed: int = 0) -> Split:
    """Read one of the committed splits of the 2,624 solar cells of elpv.

    Test 25 %, validation 10 % and training 65 %, stratified on defect probability × module type.

    Args:
        seed: 0, 1 or 2.

    Returns:
        The `Split` named ``elpv_<seed>``.

    Raises:
        ValueError: if there is no committed split for that seed.

    >>> elpv_split(0).sizes
    {'train': 1706, 'validation': 262, 'test': 656}
    """
    if seed not in ELPV_SEEDS:
        raise ValueError(f"Expected `seed` to be one of {ELPV_SEEDS}, but got {seed!r}. No other split is committed.")
    return read_split(_SPLITS_DIR / f"elpv_{seed}.csv")


def _index_array(indices: Sequence[int], part: str) -> np.ndarray:
    array = np.asarray(indices)
    if array.ndim != 1 or (array.size and not np.issubdtype(array.dtype, np.integer)):
        raise ValueError(
            f"Expected `{part}` to be a one-dimensional list of integers, but got shape {array.shape} of "
            f"{array.dtype}. Turn a boolean mask into indices with `numpy.flatnonzero`."
        )
    array = np.sort(array.astype(np.int64))
    array.flags.writeable = False
    return array


def _strata_codes(strata: Sequence) -> np.ndarray:
    array = np.asarray(strata)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(
            f"Expected `strata` to be (N,) with N >= 1, but got shape {array.shape}. "
            "Join several columns into one first, for example f'{probability:.2f} {module_type}'."
        )
    return np.unique(array, return_inverse=True)[1]


def _draw(pool: np.ndarray, codes: np.ndarray, *, n_drawn: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw `n_drawn` of the indices in `pool`, by stratum; return those left and those drawn."""
    if n_drawn == 0:
        return pool, pool[:0]
    if n_drawn == len(pool):
        return pool[:0], pool
    from sklearn.model_selection import train_test_split  # seconds to import, and only this function needs it

    try:
        left, drawn = train_test_split(pool, test_size=n_drawn, random_state=seed, stratify=codes[pool])
    except ValueError as error:
        sizes = np.unique(codes[pool], return_counts=True)[1]
        raise ValueError(
            f"Expected every stratum to have an example for each part, but got {len(sizes)} strata, the smallest of "
            f"size {sizes.min()}, to draw {n_drawn} of {len(pool)} from. Merge small strata, or enlarge the part."
        ) from error
    return left, drawn


def _some(indices: np.ndarray) -> str:
    shown = ", ".join(str(index) for index in indices[:5])
    return f"[{shown}{', …' if len(indices) > 5 else ''}]"
