"""The six traffic signs: how each is painted, turned and tilted, and put on its pole at the roadside."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw

from course_utils.synthetic.paint import as_paint
from course_utils.synthetic.streets import ROAD_SLOPE

CLASSES = ("stop", "speed", "danger", "priority", "crossing", "ahead")
SUPERSAMPLING = 4  # signs are drawn this many times larger, then averaged down
RED, BLUE, YELLOW, WHITE, BLACK = (196, 22, 36), (18, 84, 178), (252, 194, 16), (246, 246, 242), (22, 22, 26)


def place_sign(
    rng: np.random.Generator, label: int, side: float, horizon: float, vanishing: float, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Paint (H, W, 4) of a sign and of its pole, at the roadside where a sign of this size stands."""
    foot = horizon + side * rng.uniform(1.1, 1.4)
    top = max(horizon - side * rng.uniform(0.1, 0.8), 0.55 * side)
    kerb = ROAD_SLOPE * 1.2 * (foot - horizon)
    reach = {-1: vanishing - 0.55 * side, 1: size - 0.55 * side - vanishing}  # how far out it stays in the picture
    direction = int(rng.choice([way for way in reach if reach[way] > kerb] or [max(reach, key=reach.get)]))
    # Near signs have little room between kerb and border: they may stand over the kerb, lest all stand in one spot.
    across = vanishing + direction * rng.uniform(min(kerb, reach[direction] - 0.4 * side), reach[direction])
    light = rng.uniform(0.7, 1.05)
    patch, corner = warp_sign(rng, label, side, (across, top))
    sign = Image.new("RGBa", (size, size))
    sign.paste(patch, corner)
    lit = np.array([light, light, light, 1], dtype=np.float32)
    return as_paint(sign) * lit, pole_paint(across, (top, foot), max(1.2, 0.07 * side), 0.55 * light, size)


def warp_sign(
    rng: np.random.Generator, label: int, side: float, centre: tuple[float, float]
) -> tuple[Image.Image, tuple[int, int]]:
    """The sign turned, narrowed and tilted: an RGBa patch at the scene's scale, and where its corner goes."""
    half = math.ceil(0.65 * side)  # a square sign, turned and tilted, just fits
    middle = half * SUPERSAMPLING
    corner = (round(centre[0]) - half, round(centre[1]) - half)
    template = sign_template(label, 2 ** math.ceil(math.log2(side * SUPERSAMPLING)))
    scale = template.width / (side * SUPERSAMPLING)
    angle, narrow = math.radians(rng.uniform(-10, 10)), rng.uniform(1.0, 1.25)
    tilt = rng.uniform(-0.15, 0.15, 2) / middle
    cos, sin = math.cos(angle) * scale, math.sin(angle) * scale
    to_middle = np.array([[1, 0, -middle], [0, 1, -middle], [0, 0, 1]])
    perspective = np.array([[narrow * cos, sin, 0], [-narrow * sin, cos, 0], [*tilt, 1]])
    to_template = np.array([[1, 0, template.width / 2], [0, 1, template.width / 2], [0, 0, 1]])
    matrix = to_template @ perspective @ to_middle  # from a pixel of the patch to the template, as PIL wants it
    coefficients = (matrix / matrix[2, 2]).flatten()[:8].tolist()
    shape = (2 * middle, 2 * middle)
    large = template.transform(shape, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BILINEAR)
    return large.reduce(SUPERSAMPLING), corner


@lru_cache(maxsize=64)
def sign_template(label: int, side: int) -> Image.Image:
    """One sign, upright, RGBa (side, side); its strokes are given in a square from -1 to 1."""
    image = Image.new("RGBA", (side, side), (*WHITE, 0))
    draw = ImageDraw.Draw(image)
    for kind, colour, *points in _STROKES[CLASSES[label]]:
        pixels = [((x + 1) * side / 2, (y + 1) * side / 2) for x, y in points]
        if kind == "fill":
            draw.polygon(pixels, fill=colour)
        else:
            draw.line(pixels, fill=colour, width=round(kind * side / 2), joint="curve")
    return image.convert("RGBa")


def pole_paint(across: float, ends: tuple[float, float], width: float, light: float, size: int) -> np.ndarray:
    """Paint (H, W, 4) of an upright pole; border pixels are covered in part."""
    pixel = np.arange(size)

    def covered(low: float, high: float) -> np.ndarray:
        return np.clip(np.minimum(pixel + 1, high) - np.maximum(pixel, low), 0, 1)

    rows, columns = covered(*ends), covered(across - width / 2, across + width / 2)
    touched = np.flatnonzero(columns)
    paint = np.zeros((size, size, 4), dtype=np.float32)
    paint[:, touched] = rows[:, None, None] * columns[None, touched, None] * np.array([light, light, light, 1])
    return paint


def _regular(corners: int, radius: float, turn: float = 0.0) -> list[tuple[float, float]]:
    """Corners of a regular polygon around the origin, the first straight above it (y points down) but for the turn."""
    angles = (2 * math.pi * (k + turn) / corners for k in range(corners))
    return [(radius * math.sin(angle), -radius * math.cos(angle)) for angle in angles]


def _moved(points: list[tuple[float, float]], across: float, down: float) -> list[tuple[float, float]]:
    return [(x + across, y + down) for x, y in points]


def _letters(text: str, colour: tuple[int, ...], width: float, height: float, stroke: float) -> list[tuple]:
    """Strokes of block letters, centred, that need no font file."""
    block = {
        "S": [[(1, 0), (0, 0), (0, 0.5), (1, 0.5), (1, 1), (0, 1)]],
        "T": [[(0, 0), (1, 0)], [(0.5, 0), (0.5, 1)]],
        "O": [[(0, 0), (1, 0), (1, 1), (0, 1), (0, 0), (1, 0)]],
        "P": [[(0, 1), (0, 0), (1, 0), (1, 0.55), (0, 0.55)]],
        "3": [[(0, 0), (1, 0), (1, 1), (0, 1)], [(0.2, 0.5), (1, 0.5)]],
    }
    pitch, wide = width / len(text), 0.62 * width / len(text)
    left = -width / 2 + (pitch - wide) / 2
    return [
        (stroke, colour, *[(left + i * pitch + x * wide, (y - 0.5) * height) for x, y in points])
        for i, letter in enumerate(text)
        for points in block[letter]
    ]


_STROKES = {  # class -> (("fill" or the line's width), colour, points…), painted in this order, y down
    "stop": [
        ("fill", WHITE, *_regular(8, 1.0, 0.5)),
        ("fill", RED, *_regular(8, 0.9, 0.5)),
        *_letters("STOP", WHITE, 1.5, 0.56, 0.12),
    ],
    "speed": [
        ("fill", RED, *_regular(72, 0.96)),
        ("fill", WHITE, *_regular(72, 0.72)),
        *_letters("3O", BLACK, 1.0, 0.66, 0.16),
    ],
    "danger": [
        ("fill", RED, *_moved(_regular(3, 1.14), 0, 0.26)),
        ("fill", WHITE, *_moved(_regular(3, 0.72), 0, 0.26)),
        (0.17, BLACK, (0, -0.12), (0, 0.3)),
        ("fill", BLACK, *_moved(_regular(24, 0.1), 0, 0.48)),
    ],
    "priority": [
        ("fill", BLACK, *_regular(4, 1.0)),
        ("fill", WHITE, *_regular(4, 0.95)),
        ("fill", YELLOW, *_regular(4, 0.66)),
    ],
    "crossing": [
        ("fill", WHITE, *_regular(4, 1.28, 0.5)),
        ("fill", BLUE, *_regular(4, 1.18, 0.5)),
        ("fill", WHITE, *_moved(_regular(3, 0.86), 0, 0.22)),
        ("fill", BLACK, *_moved(_regular(24, 0.1), 0, -0.2)),  # a walker: head, trunk, legs, arms
        (0.15, BLACK, (0, -0.08), (0, 0.26)),
        (0.1, BLACK, (-0.2, 0.62), (0, 0.22), (0.2, 0.62)),
        (0.08, BLACK, (-0.2, 0.2), (0, 0.0), (0.2, 0.16)),
    ],
    "ahead": [
        ("fill", WHITE, *_regular(72, 0.96)),
        ("fill", BLUE, *_regular(72, 0.89)),
        ("fill", WHITE, (0, -0.68), (0.44, -0.14), (-0.44, -0.14)),
        (0.26, WHITE, (0, -0.2), (0, 0.64)),
    ],
}
