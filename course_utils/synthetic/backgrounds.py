"""The photographs behind the scenes: names, parts, and the square crop that a scene takes of one."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PIL import Image
from skimage import data

PHOTOGRAPHS = {  # names in skimage.data, each of a stated licence; no photograph serves two parts
    "train": ("brick", "camera", "clock", "rocket", "hubble_deep_field"),
    "validation": ("chelsea", "gravel"),
    "test": ("coffee", "grass"),
}


@lru_cache(maxsize=len(PHOTOGRAPHS))
def load_backgrounds(part: str) -> dict[str, np.ndarray]:
    """The photographs behind the scenes of one part, from the files inside the scikit-image package.

    Args:
        part: "train", "validation" or "test".

    Returns:
        Name in `skimage.data` to uint8 (H, W, 3) RGB, read-only; grey photographs have three equal channels.

    Raises:
        ValueError: No such part.

    >>> sorted(load_backgrounds("test"))
    ['coffee', 'grass']
    """
    check_part(part)
    photos = {}
    for name in PHOTOGRAPHS[part]:
        photo = getattr(data, name)()
        photo = np.stack([photo] * 3, axis=-1) if photo.ndim == 2 else photo.copy()  # (H, W) -> (H, W, 3)
        photo.setflags(write=False)
        photos[name] = photo
    return photos


def crop_photo(rng: np.random.Generator, photo: np.ndarray, size: int) -> Image.Image:
    """A random square of the photograph, perhaps mirrored, at the scene's size."""
    height, width = photo.shape[:2]
    side = rng.uniform(0.3, 0.7) * min(height, width)
    left, top = rng.uniform(0, width - side), rng.uniform(0, height - side)
    crop = Image.fromarray(photo).resize((size, size), Image.Resampling.BILINEAR, (left, top, left + side, top + side))
    return crop.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else crop


def check_part(part: str) -> None:
    if part not in PHOTOGRAPHS:
        raise ValueError(
            f"Expected `part` to be one of {', '.join(PHOTOGRAPHS)}, but got {part!r}. "
            "The parts have different photographs behind their streets."
        )
