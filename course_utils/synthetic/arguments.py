"""What the generators refuse: counts, seeds, sizes and parts out of range, each named with what to do."""

from __future__ import annotations

import numpy as np

from course_utils.synthetic.backgrounds import check_part

SMALLEST_SCENE = 64  # pixels; below, a far sign has no pictogram left


def check_scene(seed: int, size: int, part: str, max_signs: int) -> None:
    check_count("seed", seed, least=0)
    check_count("size", size, least=SMALLEST_SCENE)
    check_count("max_signs", max_signs, least=0)
    check_part(part)


def check_count(name: str, value: int, *, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ValueError(
            f"Expected `{name}` to be an integer of {least} or more, but got {value!r}. Give a number in that range."
        )


def check_share(name: str, value: float) -> None:
    number = isinstance(value, (bool, int, float, np.integer, np.floating))
    if not number or not 0 <= value <= 1:
        raise ValueError(f"Expected `{name}` to be a number from 0 to 1, but got {value!r}. 0 is none of it, 1 is all.")


def check_choice(name: str, value: object, choices: tuple) -> None:
    if value not in choices:
        raise ValueError(
            f"Expected `{name}` to be one of {', '.join(map(str, choices))}, but got {value!r}. Choose one of these."
        )


def check_image(image: np.ndarray, *, colour: bool) -> None:
    fits = isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.size
    shapes = "(H, W, 3)" if colour else "(H, W, 3) or (H, W)"
    if not fits or not ((image.ndim == 3 and image.shape[2] == 3) or (image.ndim == 2 and not colour)):
        got = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise ValueError(f"Expected `image` to be a uint8 array {shapes}, but got {got}. Is it a tensor, or in 0..1?")


def check_range(name: str, value: float, least: float, most: float) -> None:
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not number or not least <= value <= most:
        raise ValueError(f"Expected `{name}` to be a number from {least} to {most}, but got {value!r}.")
