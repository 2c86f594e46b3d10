"""Colours and textures of a street: a plausible town, or, with domain randomisation, anything."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from course_utils.synthetic.streets import WALLS

SKIES = {  # (time of day, overcast) -> colour overhead, colour at the horizon
    ("day", False): ((86, 142, 214), (206, 226, 244)),
    ("day", True): ((160, 166, 174), (214, 217, 220)),
    ("dusk", False): ((64, 70, 128), (250, 164, 96)),
    ("dusk", True): ((84, 80, 96), (190, 150, 130)),
    ("night", False): ((6, 8, 22), (26, 28, 48)),
    ("night", True): ((16, 17, 22), (40, 38, 40)),
}
PHOTO_SHARE = {"sky": 0.08, "ground": 0.41, "wall": 0.63}  # how much of the photograph shows through the paint
MOST_DISTRACTORS = 14  # shapes behind the signs at full strength
CASTS = 0.35  # at full strength: how far the light's colour and strength stray


@dataclass(frozen=True)
class Palette:
    """Paint of one street: colours float32 (3,) in 0..1, and how strongly they stray from a plausible town's."""

    strength: float
    walls: np.ndarray
    ground: np.ndarray
    road: np.ndarray
    photo: dict[str, float]
    cast: np.ndarray
    sky_tint: np.ndarray


def make_palette(rng: np.random.Generator, strength: float) -> Palette:
    """Colours for one street; strength 0 takes them from a town, 1 from anywhere."""

    def stray(colour: np.ndarray) -> np.ndarray:
        mix = strength * rng.uniform(0, 1)
        return ((1 - mix) * np.asarray(colour) + mix * rng.uniform(0, 1, np.shape(colour))).astype(np.float32)

    walls = stray(np.array(WALLS)[rng.permutation(len(WALLS))] / 255)
    ground = stray(rng.uniform(0.47, 0.7) * np.array([1.0, 0.98, 0.94]))
    road = stray(rng.uniform(0.2, 0.37) * np.array([1.0, 1.0, 1.04]))
    photo = {of: float(np.clip(share + strength * rng.uniform(-0.4, 0.4), 0, 1)) for of, share in PHOTO_SHARE.items()}
    cast = 1 + strength * CASTS * rng.uniform(-1, 1, 3) + strength * CASTS * rng.uniform(-1, 0.7)
    return Palette(strength, walls, ground, road, photo, cast.astype(np.float32), stray(np.ones(3)))


def add_texture(rng: np.random.Generator, canvas: np.ndarray, strength: float) -> np.ndarray:
    """Waves, blotches and shapes of any colour over float32 (H, W, 3), behind everything that is annotated."""
    if not strength:
        return canvas
    size = len(canvas)
    blotches = cv2.resize(rng.uniform(-1, 1, (6, 6, 3)).astype(np.float32), (size, size))
    canvas = canvas + 0.25 * strength * blotches
    y, x = np.mgrid[:size, :size].astype(np.float32) / size
    wave = np.sin(2 * np.pi * (rng.uniform(-20, 20) * x + rng.uniform(-20, 20) * y))
    canvas = np.clip(canvas + 0.12 * strength * wave[..., None] * rng.uniform(-1, 1, 3).astype(np.float32), 0, 1)
    for _ in range(rng.integers(round(MOST_DISTRACTORS * strength) + 1)):
        canvas = _add_shape(rng, canvas)
    return canvas


def _add_shape(rng: np.random.Generator, canvas: np.ndarray) -> np.ndarray:
    """A disc, bar or polygon that means nothing, blended in: what must not be mistaken for a sign."""
    size, colour = len(canvas), rng.uniform(0, 1, 3).tolist()
    centre, radius = rng.uniform(0, size, 2), size * np.exp(rng.uniform(np.log(0.02), np.log(0.15)))
    angles = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 9)))
    if rng.random() < 0.4:  # an even outline looks more like a sign
        angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    stretch = np.exp(rng.uniform(-0.7, 0.7))
    points = centre + radius * np.stack([np.cos(angles) * stretch, np.sin(angles) / stretch], axis=1)
    painted = canvas.copy()
    cv2.fillPoly(painted, [np.round(points * 8).astype(np.int32)], colour, shift=3)
    share = np.float32(rng.uniform(0.4, 1))
    return canvas * (1 - share) + painted * share
