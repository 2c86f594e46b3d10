"""Faults planted on purpose, each with its truth: wrong labels, near-duplicates, a shortcut.

A fault whose place is known shows how many of its kind a method finds. Every function leaves its input alone and
returns the changed data and the truth about them. The number of faults is exact; the seed decides where they are.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from course_utils.synthetic.arguments import check_count, check_share

SQUARES = 4  # of the shortcut's chequered patch, along a side


def flip_labels(
    labels: Sequence[int] | np.ndarray,
    *,
    share: float | Sequence[float],
    seed: int,
    num_classes: int,
    towards: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Give some examples a wrong class.

    Args:
        labels: Class indices 0…K−1, integer or bool (N,).
        share: Share of the labels that are flipped, 0 to 1: of all of them, or K shares, one for each class.
        seed: 0 or more.
        num_classes: K, 2 or more.
        towards: Float (K, K), 0 or more: row k weighs the classes that a label k may turn into; the diagonal is not
            used. None: every other class alike (symmetric flips).

    Returns:
        Labels int64 (N,), and bool (N,), True where they differ from the input: the share of N, rounded, or the share
        of each class, rounded.

    Raises:
        ValueError: A label, share or weight is out of its range, or a shape does not fit.

    >>> given, flipped = flip_labels([0, 0, 0, 0, 1, 1, 1, 1], share=0.25, seed=0, num_classes=2)
    >>> int(flipped.sum()), given[flipped].tolist()
    (2, [0, 0])
    """
    labels = _class_array(labels, num_classes)
    towards = _weights(towards, num_classes)
    rng = generator(seed)
    shares = np.atleast_1d(np.asarray(share, dtype=float))
    if np.ndim(share) and shares.shape != (num_classes,):
        raise ValueError(f"Expected one `share`, or {num_classes}, one a class, but got {share!r}. Give as many.")
    of_class = [np.flatnonzero(labels == k) for k in range(num_classes)]
    pools = of_class if np.ndim(share) else [np.arange(len(labels))]
    flipped = np.zeros(len(labels), dtype=bool)
    for pool, part in zip(pools, shares.tolist(), strict=True):
        check_share("share", part)
        flipped[rng.choice(pool, round(part * len(pool)), replace=False)] = True
    given = labels.copy()
    for k, members in enumerate(of_class):
        chosen = members[flipped[members]]
        given[chosen] = rng.choice(num_classes, len(chosen), p=towards[k])
    return given, flipped


def plant_duplicates(
    images: Sequence[np.ndarray] | np.ndarray, *, seed: int, kinds: Sequence[str] | None = None
) -> tuple[list[np.ndarray], np.ndarray]:
    """Make one near-duplicate of every image, such as another part of a data set may hold by accident.

    Args:
        images: N images uint8, (H, W) or (H, W, 3).
        seed: 0 or more.
        kinds: What may happen to a copy, dealt out at random in equal numbers: "jpeg" (quality 20 to 50), "brightness"
            (10 to 30 % darker or brighter), "crop" (2 to 6 % lost at each border, then scaled back), "rotation" (2 to 6
            degrees either way, the corners filled by reflection), "turn" (one to three quarter turns). None: all.

    Returns:
        N copies, uint8, each of the shape of its image (a quarter turn exchanges height and width), and their kinds,
        str (N,).

    Raises:
        ValueError: An image is not uint8 or has another shape, or a kind is not known.

    >>> copies, kinds = plant_duplicates(np.full((4, 16, 16), 200, np.uint8), seed=0, kinds=("jpeg", "turn"))
    >>> len(copies), copies[0].shape, sorted(kinds.tolist())
    (4, (16, 16), ['jpeg', 'jpeg', 'turn', 'turn'])
    """
    kinds = tuple(_CHANGES) if kinds is None else tuple(kinds)
    if not kinds or not set(kinds) <= set(_CHANGES):
        raise ValueError(f"Expected `kinds` among {', '.join(_CHANGES)}, but got {kinds}. Name at least one of them.")
    _check_images(images)
    rng = generator(seed)
    dealt = rng.permutation(np.resize(np.array(kinds), len(images)))
    return [_CHANGES[kind](np.asarray(image), rng) for image, kind in zip(images, dealt, strict=True)], dealt


def plant_shortcut(
    images: np.ndarray,
    labels: Sequence[int] | np.ndarray,
    *,
    target: int,
    seed: int,
    shares: tuple[float, float] = (0.95, 0.05),
    size: float = 0.08,
) -> tuple[np.ndarray, np.ndarray]:
    """Stamp a chequered patch into the lower right corner of most images of one class and of few others.

    Args:
        images: uint8 (N, H, W) or (N, H, W, 3).
        labels: Class indices, integer or bool (N,).
        target: The class that the patch gives away.
        seed: 0 or more; decides which images are stamped.
        shares: Share of the images of class `target` that get the patch, and share of all others; each 0 to 1.
        size: Side of the patch as a share of the shorter side of the image, above 0, at most 1.

    Returns:
        Images uint8 as given but for the patches, and bool (N,), True where there is one.

    Raises:
        ValueError: Shapes do not fit, or a number is out of its range.

    >>> images, patched = plant_shortcut(np.zeros((20, 50, 50), np.uint8), [0] * 10 + [1] * 10, target=1, seed=0)
    >>> int(patched[:10].sum()), int(patched[10:].sum()), int((images > 0).any(axis=(1, 2)).sum())
    (0, 10, 10)
    """
    _check_images(images)
    is_target = np.asarray(labels) == target
    if is_target.shape != (len(images),):
        raise ValueError(f"Expected one label for each of {len(images)} images, but got shape {is_target.shape}.")
    if not 0 < size <= 1:
        raise ValueError(f"Expected `size` above 0 and at most 1, but got {size!r}. 0.1 is a tenth of the side.")
    rng = generator(seed)
    patched = np.zeros(len(images), dtype=bool)
    for pool, part in zip((is_target, ~is_target), shares, strict=True):
        check_share("shares", part)
        patched[rng.choice(np.flatnonzero(pool), round(part * int(pool.sum())), replace=False)] = True
    stamped = np.array(images)
    side = max(1, round(size * min(stamped.shape[1:3])))
    square = (np.arange(side) * SQUARES // side) % 2
    patch = (square[:, None] == square[None, :]).astype(np.uint8) * 255  # (side, side)
    stamped[patched, -side:, -side:] = patch if stamped.ndim == 3 else patch[..., None]
    return stamped, patched


def _jpeg(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=int(rng.integers(20, 51)))
    return np.asarray(Image.open(buffer))


def _brightness(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    factor = 1 + rng.choice([-1, 1]) * rng.uniform(0.1, 0.3)
    return np.clip(np.round(image * factor), 0, 255).astype(np.uint8)


def _crop(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    height, width = image.shape[:2]
    left, top, right, bottom = rng.uniform(0.02, 0.06, 4) * (width, height, width, height)
    box = (left, top, width - right, height - bottom)
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC, box))


def _rotation(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    height, width = image.shape[:2]
    down, across = (max(1, side // 8) for side in (height, width))  # more than the corners of 6 degrees reach
    margins = ((down, down), (across, across), (0, 0))[: image.ndim]
    angle = rng.choice([-1, 1]) * rng.uniform(2, 6)
    wide = Image.fromarray(np.pad(image, margins, mode="symmetric")).rotate(angle, Image.Resampling.BICUBIC)
    return np.asarray(wide)[down : down + height, across : across + width]


def _turn(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.rot90(image, int(rng.integers(1, 4))).copy()


_CHANGES: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "jpeg": _jpeg,
    "brightness": _brightness,
    "crop": _crop,
    "rotation": _rotation,
    "turn": _turn,
}
DUPLICATES = tuple(_CHANGES)


def generator(seed: int) -> np.random.Generator:
    check_count("seed", seed, least=0)
    return np.random.default_rng(seed)


def _class_array(labels: Sequence[int] | np.ndarray, num_classes: int) -> np.ndarray:
    check_count("num_classes", num_classes, least=2)
    labels = np.asarray(labels)
    if labels.ndim != 1 or (labels.size and labels.dtype.kind not in "biu"):
        raise ValueError(
            f"Expected `labels` to be class indices (N,), but got shape {labels.shape} of {labels.dtype}. "
            "Take the argmax of probabilities, and a number for each name."
        )
    labels = labels.astype(np.int64)
    if labels.size and not 0 <= labels.min() <= labels.max() < num_classes:
        raise ValueError(
            f"Expected `labels` in 0…{num_classes - 1}, but got {labels.min()}…{labels.max()}. Check `num_classes`."
        )
    return labels


def _weights(towards: np.ndarray | None, num_classes: int) -> np.ndarray:
    """(K, K), rows of sum 1, nothing on the diagonal."""
    weights = np.ones((num_classes, num_classes)) if towards is None else np.array(towards, dtype=float)
    if weights.shape != (num_classes, num_classes) or not (np.isfinite(weights) & (weights >= 0)).all():
        raise ValueError(
            f"Expected `towards` to be ({num_classes}, {num_classes}) weights of 0 or more, but got {towards!r}. "
            "Row k says what a label k turns into."
        )
    np.fill_diagonal(weights, 0)
    if not (weights.sum(axis=1) > 0).all():
        raise ValueError("Expected every row of `towards` to have a weight off the diagonal, but got none in one. Add.")
    return weights / weights.sum(axis=1, keepdims=True)


def _check_images(images: Sequence[np.ndarray] | np.ndarray) -> None:
    for row, image in enumerate(images):
        image = np.asarray(image)
        if image.dtype != np.uint8 or image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3):
            raise ValueError(
                f"Expected image {row} to be uint8 (H, W) or (H, W, 3), but got {image.dtype} {image.shape}. "
                "Give the pictures as they are stored, several of them in a list or an array (N, …)."
            )
