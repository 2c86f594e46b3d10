"""Version 1 of the scenes: a street by day with up to three signs; its pixels do not change."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image, ImageFilter
from torch import Tensor

from course_utils.annotations import ImageAnnotations
from course_utils.synthetic.arguments import check_count, check_scene
from course_utils.synthetic.backgrounds import PHOTOGRAPHS, crop_photo, load_backgrounds
from course_utils.synthetic.paint import paint_over
from course_utils.synthetic.signs import CLASSES, place_sign
from course_utils.synthetic.streets import draw_street

SIGN_SHARE = (0.10, 0.35)  # of the scene's side: 16 to 56 pixels at 160
VISIBLE_SHARE = 0.6  # a nearer sign hides less than the rest of a farther one
TRIES = 3  # places tried for a sign before it is left out


def make_scenes(
    n: int, *, seed: int, size: int = 160, part: str = "train", max_signs: int = 3
) -> list[tuple[np.ndarray, ImageAnnotations]]:
    """Draw n street scenes; scene i depends on (seed, part, i) and not on n.

    Args:
        n: How many, 0 or more.
        seed: 0 or more.
        size: Side of the square scene, pixels, 64 or more. A sign's side is 10 to 35 % of it.
        part: "train", "validation" or "test": which photographs stand behind the street.
        max_signs: 1 to this many signs are tried in a scene; 0 gives empty streets.

    Returns:
        n pairs: image uint8 (size, size, 3) RGB, and its annotations, far signs first. A mask holds the pixels that a
        sign covers by half or more and that no nearer sign or pole hides: masks are disjoint, boxes are tight. The pole
        is not part of the sign.

    Raises:
        ValueError: An argument is out of its range.

    >>> image, truth = make_scenes(3, seed=0, size=64)[2]
    >>> image.shape, truth.masks.shape[1:], 1 <= len(truth) <= 3
    ((64, 64, 3), torch.Size([64, 64]), True)
    """
    check_count("n", n, least=0)
    check_scene(seed, size, part, max_signs)
    streams = ([seed, list(PHOTOGRAPHS).index(part), index] for index in range(n))
    rngs = (np.random.default_rng(np.random.SeedSequence(stream)) for stream in streams)
    return [_draw_scene(rng, size, part, max_signs) for rng in rngs]


def make_scene(
    seed: int, *, size: int = 160, part: str = "train", max_signs: int = 3
) -> tuple[np.ndarray, ImageAnnotations]:
    """Draw one street scene: the first of `make_scenes` with the same arguments.

    Args:
        seed: 0 or more.
        size: Side of the square scene, pixels, 64 or more.
        part: "train", "validation" or "test".
        max_signs: At most this many signs; 0 gives an empty street.

    Returns:
        Image uint8 (size, size, 3) RGB, and its annotations, as in `make_scenes`.

    Raises:
        ValueError: An argument is out of its range.

    >>> image, truth = make_scene(0, max_signs=0)
    >>> image.shape, len(truth)
    ((160, 160, 3), 0)
    """
    return make_scenes(1, seed=seed, size=size, part=part, max_signs=max_signs)[0]


def make_boxes(n: int, *, size_hw: tuple[int, int], seed: int) -> Tensor:
    """Draw n random boxes inside an image, to try out code that compares boxes.

    Args:
        n: How many, 0 or more.
        size_hw: (H, W) of the image, pixels, each 2 or more.
        seed: 0 or more.

    Returns:
        float32 (n, 4), xyxy between pixel edges; each side is 5 to 60 % of the image's, so every area is positive.

    Raises:
        ValueError: An argument is out of its range.

    >>> boxes = make_boxes(500, size_hw=(120, 160), seed=0)
    >>> boxes.shape, bool((boxes[:, 2:] > boxes[:, :2]).all())
    (torch.Size([500, 4]), True)
    """
    check_count("n", n, least=0)
    check_count("seed", seed, least=0)
    if len(size_hw) != 2:
        raise ValueError(f"Expected `size_hw` to be (height, width), but got {size_hw!r}. Use `image.shape[:2]`.")
    for name, side in zip(("height", "width"), size_hw, strict=True):
        check_count(f"size_hw ({name})", side, least=2)
    rng = np.random.default_rng(seed)
    sides = rng.uniform(0.05, 0.60, (n, 2))  # width, height; shares of the image
    corners = rng.uniform(0, 1, (n, 2)) * (1 - sides)
    scale = np.array([size_hw[1], size_hw[0]] * 2)
    return torch.from_numpy((np.hstack([corners, corners + sides]) * scale).astype(np.float32))


def _draw_scene(rng: np.random.Generator, size: int, part: str, max_signs: int) -> tuple[np.ndarray, ImageAnnotations]:
    photos = list(load_backgrounds(part).values())
    horizon, vanishing = size * rng.uniform(0.48, 0.62), size * rng.uniform(0.3, 0.7)
    canvas = draw_street(rng, crop_photo(rng, photos[rng.integers(len(photos))], size), horizon, vanishing)
    masks: list[np.ndarray] = []
    full_areas: list[int] = []
    labels: list[int] = []
    tried = rng.integers(1, max_signs + 1) if max_signs else 0
    for side in np.sort(np.exp(rng.uniform(*np.log(SIGN_SHARE), tried))) * size:  # far to near, all sizes of one street
        label = int(rng.integers(len(CLASSES)))
        for _ in range(TRIES):
            sign, pole = place_sign(rng, label, side, horizon, vanishing, size)
            rest = visible_masks(masks, sign, pole)
            if all(left.sum() >= VISIBLE_SHARE * area for left, area in zip(rest, full_areas, strict=True)):
                canvas = paint_over(paint_over(canvas, pole), sign)
                masks, labels = [*rest, sign[..., 3] >= 0.5], [*labels, label]
                full_areas.append(masks[-1].sum())
                break
    stack = torch.from_numpy(np.array(masks, dtype=bool).reshape(-1, size, size))  # (N, H, W), also for N = 0
    truth = ImageAnnotations.from_masks(stack, torch.tensor(labels, dtype=torch.int64))
    return take_picture(rng, canvas), truth


def visible_masks(masks: list[np.ndarray], sign: np.ndarray, pole: np.ndarray) -> list[np.ndarray]:
    """What a nearer sign and its pole leave of the masks (H, W) behind them."""
    return [mask & (sign[..., 3] < 0.5) & (pole[..., 3] < 0.5) for mask in masks]


def take_picture(rng: np.random.Generator, canvas: np.ndarray) -> np.ndarray:
    """What a camera makes of the scene: exposure, a little blur, noise; geometry, and so the truth, is untouched."""
    exposed = np.clip(canvas * rng.uniform(0.75, 1.2) * rng.uniform(0.94, 1.06, 3), 0, 1)
    image = Image.fromarray((exposed * 255).astype(np.uint8))
    blurred = np.asarray(image.filter(ImageFilter.GaussianBlur(rng.uniform(0, 0.7))), dtype=np.float32)
    noise = rng.standard_normal(canvas.shape, dtype=np.float32) * rng.uniform(1, 5)
    return np.clip(np.round(blurred + noise), 0, 255).astype(np.uint8)
