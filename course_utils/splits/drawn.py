"""Ways to share out examples: at random, by stratum, by group, by time."""

from collections.abc import Sequence

import numpy as np

from course_utils.splits.parts import Split, check_split

Fractions = tuple[float, float, float]
USUAL: Fractions = (0.65, 0.10, 0.25)  # train, validation, test, as in the elpv protocol
_ORDERS = 50  # random orders of the groups that are tried, until the sizes are met


def random_split(n: int, *, fractions: Fractions = USUAL, seed: int, name: str = "split") -> Split:
    """Share out n examples by lot. Fair where the examples have nothing to do with one another, and large in number.

    Args:
        n: number of examples, at least 1.
        fractions: shares of train, validation and test, each in [0, 1], with sum 1. A share of 0 leaves the part empty.
        seed: the same seed and n give the same split.
        name: name of the split.

    Returns:
        A `Split` in which every example 0 … n - 1 occurs exactly once; test and validation are their fraction of n,
        rounded half up, and training is what remains.

    Raises:
        ValueError: if n < 1 or the fractions are no shares of 1.

    >>> random_split(8, fractions=(0.5, 0.25, 0.25), seed=0).sizes
    {'train': 4, 'validation': 2, 'test': 2}
    """
    if n < 1:
        raise ValueError(f"Expected `n` to be at least 1, but got {n}. Count the examples first.")
    n_validation, n_test = _sizes(n, fractions)
    order = np.random.default_rng(seed).permutation(n)
    test, validation, train = np.split(order, [n_test, n_test + n_validation])
    return Split(train, validation, test, name)


def stratified_split(strata: Sequence, *, fractions: Fractions = USUAL, seed: int, name: str = "split") -> Split:
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
    codes = _codes(strata, "strata")
    n = len(codes)
    n_validation, n_test = _sizes(n, fractions)
    rest, test = _draw(np.arange(n), codes, n_drawn=n_test, seed=seed)
    train, validation = _draw(rest, codes, n_drawn=n_validation, seed=seed)
    split = Split(train, validation, test, name)
    check_split(split, n)
    return split


def grouped_split(groups: Sequence, *, fractions: Fractions = USUAL, seed: int, name: str = "split") -> Split:
    """Share out whole groups, so that what belongs together (one drive, one patient, one panel) is never separated.

    Groups are taken in random order: first for the test part, then for validation; a group that would overfill the
    part waits for the next. Of up to 50 such orders the one counts that comes nearest to the wanted sizes. (In
    scikit-learn's `GroupShuffleSplit` the fractions are those of groups, not of examples.)

    Args:
        groups: the group of each example; shape (N,), strings or integers.
        fractions: shares of the examples, each in [0, 1], with sum 1. A share of 0 leaves the part empty.
        seed: the same seed and groups give the same split.
        name: name of the split.

    Returns:
        A `Split` in which every example occurs exactly once and every group in one part only.

    Raises:
        ValueError: if `groups` is empty or not one-dimensional, if the fractions are no shares of 1, or if there are
            fewer groups than parts.

    >>> drives = ["a"] * 5 + ["b"] * 3 + ["c"] * 2 + ["d"] * 10
    >>> split = grouped_split(drives, fractions=(0.5, 0.25, 0.25), seed=0)
    >>> split.sizes
    {'train': 10, 'validation': 5, 'test': 5}
    """
    codes = _codes(groups, "groups")
    n_validation, n_test = _sizes(len(codes), fractions)
    sizes = np.bincount(codes)
    wanted = [fraction > 0 for fraction in fractions]
    if len(sizes) < sum(wanted):
        raise ValueError(
            f"Expected a group for each of the {sum(wanted)} parts, but got {len(sizes)} groups in {len(codes)} "
            "examples. A group cannot be divided: collect more groups, or give a part the fraction 0."
        )
    generator = np.random.default_rng(seed)
    best = None
    for _ in range(_ORDERS):
        taken = _share_out(generator.permutation(len(sizes)).tolist(), sizes, (n_validation, n_test), wanted)
        misses = sum(abs(sizes[taken[part]].sum() - size) for part, size in ((1, n_validation), (2, n_test)))
        best = min(best or (misses, taken), (misses, taken), key=lambda found: found[0])
        if misses == 0:
            break
    split = Split(*(np.flatnonzero(np.isin(codes, best[1][part])) for part in range(3)), name)
    check_split(split, len(codes))
    return split


def time_split(times: Sequence, *, fractions: Fractions = USUAL, name: str = "split") -> Split:
    """Train on the past, choose on what came next, test on the latest: how a model meets the world.

    Examples of the same time stay together, so the parts are as near to their fractions as the times allow.

    Args:
        times: when each example was taken; shape (N,), numbers or `numpy.datetime64`.
        fractions: shares of train, validation and test, each in [0, 1], with sum 1. A share of 0 leaves the part empty.
        name: name of the split.

    Returns:
        A `Split` in which every training time is before every validation time, and that before every test time.

    Raises:
        ValueError: if `times` is empty, not one-dimensional, text, or has gaps (NaN, NaT), if the fractions are no
            shares of 1, or if there are fewer distinct times than parts.

    >>> split = time_split([2021, 2020, 2023, 2022, 2022], fractions=(0.4, 0.4, 0.2))
    >>> split.train, split.validation, split.test
    (array([0, 1]), array([3, 4]), array([2]))
    """
    times = np.asarray(times)
    if times.ndim != 1 or not times.size or times.dtype.kind not in "iufM":
        raise ValueError(
            f"Expected `times` to be (N,) numbers or datetime64 with N >= 1, but got shape {times.shape} of "
            f"{times.dtype}. Turn text and datetime into `numpy.array(times, dtype='datetime64[us]')`."
        )
    if (times != times).any():  # NaN and NaT alone differ from themselves
        raise ValueError(
            f"Expected a time for every example, but got none for {int((times != times).sum())} of {len(times)}. "
            "Set those aside: an example without a time may come from the future."
        )
    moment = np.unique(times, return_inverse=True)[1]
    first, second = _time_borders(np.bincount(moment), fractions)
    parts = [moment < first, (first <= moment) & (moment < second), second <= moment]
    split = Split(*(np.flatnonzero(part) for part in parts), name)
    check_split(split, len(times))
    return split


def _sizes(n: int, fractions: Fractions) -> tuple[int, int]:
    """Number of validation and test examples among n: rounded half up, and together at most n."""
    if len(fractions) != 3 or not min(fractions) >= 0 or not abs(sum(fractions) - 1) <= 1e-9:  # NaN fails too
        raise ValueError(
            f"Expected `fractions` to be three shares of train, validation and test with sum 1, but got {fractions}. "
            "Example: (0.65, 0.10, 0.25)."
        )
    n_validation, n_test = (int(np.floor(fraction * n + 0.5)) for fraction in fractions[1:])
    return min(n_validation, n - n_test), n_test


def _share_out(waiting: list[int], sizes: np.ndarray, targets: tuple[int, int], wanted: list[bool]) -> list[list[int]]:
    """Groups of train, validation and test: test first, and the first part that is wanted gets what is left."""
    taken: list[list[int]] = [[], [], []]
    for part, target in ((2, targets[1]), (1, targets[0])):
        others = sum(wanted[:part])  # parts that still need a group
        if wanted[part] and others:
            taken[part], waiting = _take(waiting, sizes, max(target, 1), kept=others)
    taken[wanted.index(True)] = waiting
    return taken


def _take(waiting: list[int], sizes: np.ndarray, target: int, *, kept: int) -> tuple[list[int], list[int]]:
    """Take groups in order until their examples come as near to `target` as they get; leave at least `kept` groups."""
    taken, left, total, most = [], [], 0, len(waiting) - kept
    for group in waiting:
        fits = total + sizes[group] <= target and len(taken) < most
        (taken if fits else left).append(group)
        total += sizes[group] if fits else 0
    smallest = min(left, key=lambda group: sizes[group], default=None)
    if len(taken) < most and (not taken or total + sizes[smallest] - target < target - total):
        taken.append(smallest)
        left.remove(smallest)
    return taken, left


def _time_borders(counts: np.ndarray, fractions: Fractions) -> tuple[int, int]:
    """Number of distinct times before validation, and before test, nearest to the fractions of the examples."""
    n = int(counts.sum())
    n_validation, n_test = _sizes(n, fractions)
    needed = [int(fraction > 0) for fraction in fractions]
    if len(counts) < sum(needed):
        raise ValueError(
            f"Expected a time for each of the {sum(needed)} parts, but got {len(counts)} distinct times in {n} "
            "examples. Use a finer clock, or give a part the fraction 0."
        )
    before = np.concatenate([[0], counts.cumsum()])  # examples before each border
    second = len(counts) if not needed[2] else _nearest(before, n - n_test, needed[0] + needed[1], len(counts) - 1)
    if not needed[1]:
        return second, second
    return _nearest(before, n - n_test - n_validation, needed[0], second - 1) if needed[0] else 0, second


def _nearest(before: np.ndarray, target: int, lowest: int, highest: int) -> int:
    """The border from lowest to highest that has nearest to `target` examples before it."""
    return lowest + int(np.abs(before[lowest : highest + 1] - target).argmin())


def _codes(labels: Sequence, name: str) -> np.ndarray:
    """Labels as numbers 0 … K - 1 in the order of the sorted labels."""
    array = np.asarray(labels)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(
            f"Expected `{name}` to be (N,) with N >= 1, but got shape {array.shape}. "
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
