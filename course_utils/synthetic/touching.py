"""Scenes in which signs of one class touch or hide a part of each other: what a class for each pixel cannot count."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from scipy import ndimage

from course_utils.annotations import ImageAnnotations
from course_utils.synthetic.arguments import check_count, check_scene
from course_utils.synthetic.backgrounds import PHOTOGRAPHS, crop_photo, load_backgrounds
from course_utils.synthetic.paint import as_paint, paint_over
from course_utils.synthetic.scenes import take_picture, visible_masks
from course_utils.synthetic.signs import CLASSES, pole_paint, warp_sign
from course_utils.synthetic.streets import draw_street

SIGN_SHARE = (0.14, 0.30)  # of the scene's side
APART = (0.75, 1.0)  # distance of two neighbours, as share of their side
VISIBLE_SHARE = 0.6  # what the others leave of a sign, at least
TRIES = 20  # places tried for a neighbour
STREAM = 33  # keeps these scenes apart from those of `make_scenes` with the same seed
NEIGHBOURS = np.ones((3, 3), dtype=bool)


def make_touching_scenes(
    n: int, *, seed: int, size: int = 160, part: str = "train", max_signs: int = 3
) -> list[tuple[np.ndarray, ImageAnnotations]]:
    """Draw n streets, each with one row of signs of the same class that touch; scene i depends on (seed, part, i).

    Args:
        n: How many, 0 or more.
        seed: 0 or more.
        size: Side of the square scene, pixels, 64 or more. A sign's side is 14 to 30 % of it.
        part: "train", "validation" or "test": which photographs stand behind the street.
        max_signs: 2 to this many signs are tried.

    Returns:
        n pairs as of `make_scenes`. The masks are disjoint; together they are one connected area, corners counting as
        contact, except where the pole of a nearer sign cuts a sign in two.

    Raises:
        ValueError: An argument is out of its range.

    >>> image, truth = make_touching_scenes(2, seed=0, size=64)[1]
    >>> image.shape, len(truth) >= 2, len(truth.labels.unique())
    ((64, 64, 3), True, 1)
    """
    check_count("n", n, least=0)
    check_count("max_signs", max_signs, least=2)
    check_scene(seed, size, part, max_signs)
    streams = ([seed, STREAM, list(PHOTOGRAPHS).index(part), index] for index in range(n))
    rngs = (np.random.default_rng(np.random.SeedSequence(stream)) for stream in streams)
    return [_draw_scene(rng, size, part, max_signs) for rng in rngs]


def _draw_scene(rng: np.random.Generator, size: int, part: str, max_signs: int) -> tuple[np.ndarray, ImageAnnotations]:
    photos = list(load_backgrounds(part).values())
    horizon, vanishing = size * rng.uniform(0.48, 0.62), size * rng.uniform(0.3, 0.7)
    street = draw_street(rng, crop_photo(rng, photos[rng.integers(len(photos))], size), horizon, vanishing)
    label, wanted = int(rng.integers(len(CLASSES))), int(rng.integers(2, max_signs + 1))
    masks: list[np.ndarray] = []
    while len(masks) < 2:  # a first sign without room beside it is drawn again
        canvas, masks = _draw_row(rng, street, label, wanted, horizon)
    stack = torch.from_numpy(np.array(masks))  # (N, H, W)
    labels = torch.full((len(masks),), label, dtype=torch.int64)
    return take_picture(rng, canvas), ImageAnnotations.from_masks(stack, labels)


def _draw_row(
    rng: np.random.Generator, street: np.ndarray, label: int, wanted: int, horizon: float
) -> tuple[np.ndarray, list[np.ndarray]]:
    """A first sign, and neighbours on one side of it, each nearer than the one before: canvas and visible masks."""
    size = len(street)
    side = size * float(np.exp(rng.uniform(*np.log(SIGN_SHARE))))
    direction = int(rng.choice([-1, 1]))
    middle = np.array([rng.uniform(0.6, 0.4 + 0.6 * size / side) * side, horizon - rng.uniform(0, 0.6) * side])
    canvas, masks, areas = street, [], []
    for _ in range(TRIES):
        step = rng.uniform(*APART) * side * np.array([direction, rng.uniform(-0.35, 0.35)]) if masks else 0
        place = np.clip(middle + step, 0.6 * side, size - 0.6 * side)
        sign, pole = _paint_sign(rng, label, side * rng.uniform(0.95, 1.05), place, size)
        mask, rest = sign[..., 3] >= 0.5, visible_masks(masks, sign, pole)
        free = all(left.sum() >= VISIBLE_SHARE * area for left, area in zip(rest, areas, strict=True))
        if masks and not (free and (ndimage.binary_dilation(mask, NEIGHBOURS) & rest[-1]).any()):
            continue
        canvas, middle = paint_over(paint_over(canvas, pole), sign), place
        masks, areas = [*rest, mask], [*areas, mask.sum()]
        if len(masks) == wanted:
            break
    return canvas, masks


def _paint_sign(
    rng: np.random.Generator, label: int, side: float, place: np.ndarray, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Paint (H, W, 4) of a sign with its middle at `place`, and of its pole."""
    light = rng.uniform(0.7, 1.05)
    patch, corner = warp_sign(rng, label, side, tuple(place))
    sheet = Image.new("RGBa", (size, size))
    sheet.paste(patch, corner)
    ends = (place[1], place[1] + 1.3 * side)
    pole = pole_paint(place[0], ends, max(1.2, 0.07 * side), 0.55 * light, size)
    return as_paint(sheet) * np.array([light, light, light, 1], dtype=np.float32), pole
