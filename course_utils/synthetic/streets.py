"""A street in one-point perspective over a photograph: sky, houses with windows, pavement, road."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from course_utils.synthetic.paint import as_paint, paint_over

ROAD_SLOPE = 0.8  # half the road's width, in pixels per pixel below the horizon
WALLS = ((188, 96, 70), (214, 186, 140), (150, 152, 160), (206, 206, 200), (120, 138, 110), (196, 150, 90))
SKIES = (((86, 142, 214), (206, 226, 244)), ((150, 158, 168), (220, 222, 224)), ((70, 84, 140), (246, 178, 120)))


def draw_street(rng: np.random.Generator, photo: Image.Image, horizon: float, vanishing: float) -> np.ndarray:
    """Float (H, W, 3) in 0..1: the photograph under sky, ground, houses and road, all in one perspective."""
    size, zoom = photo.width, 2
    rows = (np.arange(size * zoom) + 0.5) / zoom
    top, low = (np.array(colour) for colour in SKIES[rng.integers(len(SKIES))])
    share = np.clip(rows / horizon, 0, 1)[:, None]
    sky = np.hstack([top * (1 - share) + low * share, np.full_like(share, 235)])
    ground = np.array([*rng.uniform(120, 180) * np.array([1.0, 0.98, 0.94]), 150])
    column = np.where(rows[:, None] < horizon, sky, ground)  # (H, 4): RGBA of each row
    paint = Image.fromarray(np.repeat(column[:, None], size * zoom, axis=1).astype(np.uint8))
    draw = ImageDraw.Draw(paint)
    for direction in (-1, 1):
        _draw_houses(rng, draw, (vanishing * zoom, horizon * zoom), direction, size * zoom)
    _draw_road(rng, draw, (vanishing * zoom, horizon * zoom), size * zoom)
    return paint_over(np.asarray(photo, dtype=np.float32) / 255, as_paint(paint.convert("RGBa").reduce(zoom)))


def _draw_houses(
    rng: np.random.Generator, draw: ImageDraw.ImageDraw, origin: tuple[float, float], direction: int, size: int
) -> None:
    """One side of the street: walls between rays from the vanishing point, each with storeys of windows."""

    def quad(near: float, far: float, low: float, high: float) -> list[tuple[float, float]]:
        corners = ((near, low), (far, low), (far, high), (near, high))
        return [(origin[0] + direction * along, origin[1] - along * height) for along, height in corners]

    along = 0.05 * size
    while along < size:
        end, height = along * rng.uniform(1.35, 1.9), rng.uniform(0.55, 1.5)
        wall = WALLS[rng.integers(len(WALLS))]
        draw.polygon(quad(along, end, -0.5, height + 0.06), fill=(*(np.array(wall) // 3).tolist(), 210))  # eaves
        draw.polygon(quad(along, end, -0.5, height), fill=(*wall, 95))
        lit = (250, 226, 150, 200) if rng.random() < 0.3 else (44, 54, 70, 200)
        for storey in np.arange(-0.2, height - 0.25, 0.42):
            for start in np.linspace(along, end, 4)[:-1]:
                width = (end - along) / 3
                draw.polygon(quad(start + 0.3 * width, start + 0.75 * width, storey, storey + 0.24), fill=lit)
        along = end


def _draw_road(rng: np.random.Generator, draw: ImageDraw.ImageDraw, origin: tuple[float, float], size: int) -> None:
    x, y = origin
    depth = size - y
    grey = int(rng.uniform(50, 95))
    for slope, fill in (
        (ROAD_SLOPE * 1.08, (190, 188, 182, 200)),  # kerb
        (ROAD_SLOPE, (grey, grey, grey + 4, 205)),
    ):
        draw.polygon([(x, y), (x - slope * depth, size), (x + slope * depth, size)], fill=fill)
    far = depth * rng.uniform(0.06, 0.1)
    while far < depth:  # dashes of the centre line grow towards us
        near, half = far * 1.3, 0.03
        left = [(x - half * row, y + row) for row in (far, near)]
        right = [(x + half * row, y + row) for row in (near, far)]
        draw.polygon(left + right, fill=(235, 235, 228, 220))
        far *= 1.75
