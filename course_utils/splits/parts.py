"""The three index sets: checked, written and read as committed files.

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
            object.__setattr__(self, part, index_array(getattr(self, part), part))

    @property
    def sizes(self) -> dict[str, int]:
        """Number of examples in each part."""
        return {part: len(getattr(self, part)) for part in PARTS}

    @property
    def parts(self) -> np.ndarray:
        """Part of example 0, 1, …, as text; shape (N,), N being one more than the largest index; "" for a gap."""
        indices = [getattr(self, part) for part in PARTS]
        named = np.full(1 + max((part.max() for part in indices if len(part)), default=-1), "", dtype="<U10")
        for part, own in zip(PARTS, indices, strict=True):
            named[own] = part
        return named


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
            f"Expected the indices of split {split.name!r} to lie in 0 … {n - 1}, but got {some(outside)}. "
            "Does the split belong to this data set?"
        )
    counts = np.bincount(indices, minlength=n)
    repeated, missing = np.flatnonzero(counts > 1), np.flatnonzero(counts == 0)
    if len(repeated):
        raise ValueError(
            f"Expected every example of split {split.name!r} in one part only, but got {len(repeated)} in more than "
            f"one place: {some(repeated)}. Scores on such a split are too good; make it again with `stratified_split`."
        )
    if len(missing):
        raise ValueError(
            f"Expected split {split.name!r} to cover all {n} examples, but got no part for {len(missing)} of them: "
            f"{some(missing)}. Make it again with `stratified_split`."
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


def index_array(indices: Sequence[int], part: str) -> np.ndarray:
    """Indices as a sorted read-only int64 array; `part` is their name in an error."""
    array = np.asarray(indices)
    if array.ndim != 1 or (array.size and not np.issubdtype(array.dtype, np.integer)):
        raise ValueError(
            f"Expected `{part}` to be a one-dimensional list of integers, but got shape {array.shape} of "
            f"{array.dtype}. Turn a boolean mask into indices with `numpy.flatnonzero`."
        )
    array = np.sort(array.astype(np.int64))
    array.flags.writeable = False
    return array


def some(indices: np.ndarray) -> str:
    """The first few of many indices, for an error."""
    shown = ", ".join(str(index) for index in indices[:5])
    return f"[{shown}{', …' if len(indices) > 5 else ''}]"
