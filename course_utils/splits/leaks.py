"""Finding examples that stand in two parts: the same pixels, nearly the same picture, or nearly the same features."""

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np

from course_utils.splits.parts import Split, check_split

_ROWS = 512  # rows of the distance matrix at a time: 512 × 60,000 float32 are 120 MB

KINDS = {"exact": 0.0, "perceptual": 6.0, "embedding": 0.05}  # how, and the largest distance that counts by default


def find_leaks(
    examples: Sequence[np.ndarray] | np.ndarray,
    split: Split,
    *,
    by: str = "exact",
    at_most: float | None = None,
    within: bool = False,
) -> list[dict]:
    """List the pairs of examples that stand in different parts and are (nearly) the same.

    A pair is a suspicion, not a verdict: look at it. Flat pictures have perceptual hashes that mean little.

    Args:
        examples: for ``"exact"``, N images of any shape and dtype; for ``"perceptual"``, N images uint8 (H, W) or
            (H, W, 3), or their `perceptual_hashes` bool (N, B); for ``"embedding"``, features float (N, D).
        split: the split of these N examples.
        by: ``"exact"`` equal pixels; ``"perceptual"`` Hamming distance of perceptual hashes, in bits, which sees
            through small changes of brightness, size and compression; ``"embedding"`` cosine distance 1 - cos, from 0
            to 2.
        at_most: largest distance that counts; None: 0 (exact), 6 bits of 64 (perceptual), 0.05 (embedding).
        within: also list the pairs inside of one part.

    Returns:
        One dict a pair, nearest first: `first` < `second` (indices), `first_part`, `second_part`, `distance`.

    Raises:
        ValueError: if `by` is none of the three, if the split is not one of N examples, or if the examples are not what
            `by` needs.

    >>> images = [np.zeros((2, 2)), np.ones((2, 2)), np.ones((2, 2))]
    >>> find_leaks(images, Split([0, 1], [], [2]))
    [{'first': 1, 'second': 2, 'first_part': 'train', 'second_part': 'test', 'distance': 0.0}]
    """
    if by not in KINDS:
        raise ValueError(f"Expected `by` to be one of {', '.join(KINDS)}, but got {by!r}. Start with 'exact'.")
    check_split(split, len(examples))
    part_of = split.parts.tolist()
    limit = KINDS[by] if at_most is None else at_most
    near = {"exact": _equal_pairs, "perceptual": _near_hashes, "embedding": _near_features}[by](examples, limit)
    rows = [
        {"first": i, "second": j, "first_part": part_of[i], "second_part": part_of[j], "distance": distance}
        for i, j, distance in near
        if within or part_of[i] != part_of[j]
    ]
    return sorted(rows, key=lambda row: (row["distance"], row["first"], row["second"]))


def perceptual_hashes(images: Sequence[np.ndarray], *, hash_size: int = 8) -> np.ndarray:
    """Perceptual hash of each image: which of its lowest frequencies are above their median.

    Args:
        images: N images uint8 (H, W) grey or (H, W, 3) RGB, of any sizes.
        hash_size: the hash has hash_size² bits.

    Returns:
        Bool (N, hash_size²). The Hamming distance of two rows is near 0 for one picture in two sizes or compressions,
        and near half of the bits for two unrelated ones.

    Raises:
        ValueError: if an image is not uint8 or has another shape.

    Reference:
        N. Krawetz, Looks like it, 2011, https://www.hackerfactor.com/blog/index.php?/archives/432-Looks-Like-It.html
    """
    import imagehash  # a third of a second, for one kind of leak
    from PIL import Image

    hashes = np.zeros((len(images), hash_size**2), dtype=bool)
    for row, image in enumerate(images):
        image = np.asarray(image)
        if image.dtype != np.uint8 or image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3):
            raise ValueError(
                f"Expected image {row} to be uint8 (H, W) or (H, W, 3), but got {image.dtype} {image.shape}. "
                "Give the pictures as they are stored, before any normalisation."
            )
        hashes[row] = imagehash.phash(Image.fromarray(image), hash_size=hash_size).hash.ravel()
    return hashes


def _equal_pairs(images: Sequence[np.ndarray], _limit: float) -> Iterator[tuple[int, int, float]]:
    seen: dict[str, list[int]] = {}
    for j, image in enumerate(images):
        image = np.ascontiguousarray(image)
        digest = hashlib.sha256(f"{image.shape} {image.dtype}".encode() + image.tobytes()).hexdigest()
        for i in seen.setdefault(digest, []):
            yield i, j, 0.0
        seen[digest].append(j)


def _near_hashes(examples: Sequence[np.ndarray] | np.ndarray, limit: float) -> Iterator[tuple[int, int, float]]:
    given = isinstance(examples, np.ndarray) and examples.dtype == bool and examples.ndim == 2
    hashes = examples if given else perceptual_hashes(examples)
    signs = np.where(hashes, np.float32(1), np.float32(-1))  # (N, B); equal bits give +1, others -1
    for i, j, product in _large_products(signs, hashes.shape[1] - 2 * limit):
        yield i, j, float(round((hashes.shape[1] - product) / 2))


def _near_features(examples: np.ndarray, limit: float) -> Iterator[tuple[int, int, float]]:
    features = np.asarray(examples, dtype=np.float32)
    if features.ndim != 2 or not np.isfinite(features).all() or not (features != 0).any(axis=1).all():
        raise ValueError(
            f"Expected finite features (N, D), none of them all zeros, but got shape {features.shape}. "
            "Give one row of a network's features for each example."
        )
    features = features / np.linalg.norm(features, axis=1, keepdims=True)
    for i, j, cosine in _large_products(features, 1 - limit):
        yield i, j, max(0.0, 1 - cosine)


def _large_products(vectors: np.ndarray, least: float) -> Iterator[tuple[int, int, float]]:
    """Pairs i < j of rows (N, D) with a scalar product of at least `least`, in blocks: N² numbers would not fit."""
    for start in range(0, len(vectors), _ROWS):
        products = vectors[start : start + _ROWS] @ vectors[start:].T  # (rows, N - start)
        rows, columns = np.nonzero(np.triu(products >= least - 1e-6, k=1))  # 1e-6: float32 rounds
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            yield start + row, start + column, float(products[row, column])
