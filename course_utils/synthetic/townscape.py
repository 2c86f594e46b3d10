"""The street without its signs, as paint, distance and lamps: what stands behind everything that is annotated."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from course_utils.synthetic.palette import Palette
from course_utils.synthetic.town import EYE, FARTHEST, FOCAL, KERB, NEAREST, ROAD, WALL, House, View

SKY_DISTANCE = 200.0  # metres; far enough for any fog
WINDOWED = 45.0  # metres up to which houses get windows
DASH, DASH_GAP = 1.2, 3.2  # metres: length and period of the centre line
SUBPIXEL = 4  # bits: cv2 takes corners in sixteenths of a pixel
EAVES = 0.15  # metres
WINDOW_DARK, WINDOW_LIT = (0.17, 0.21, 0.27), (0.98, 0.87, 0.58)


@dataclass
class Canvas:
    """A picture in the making; painters change it in place.

    Args:
        paint: float32 (H, W, 3), how much of white light each pixel throws back, 0 to 1.
        depth: float32 (H, W), metres to what is seen.
        glow: float32 (H, W, 3), light of its own: lit windows and lamps, by day unseen.
        mirror: float32 (H, W), how strongly a pixel throws light back to the lamp: signs do.
        ground: float32 (H, W), 1 where the ground is seen.
        sky: float32 (H, W), 1 where the sky is seen.
    """

    paint: np.ndarray
    depth: np.ndarray
    glow: np.ndarray
    mirror: np.ndarray
    ground: np.ndarray
    sky: np.ndarray


def draw_townscape(view: View, photo: np.ndarray, houses: list[House], palette: Palette) -> Canvas:
    """Paint photograph, ground, houses and road; the sky stays the photograph's until `light` paints it."""
    size = view.size
    rows, columns = (np.arange(size, dtype=np.float32) + 0.5 for _ in range(2))
    cover = np.zeros((size, size, 4), dtype=np.uint8)  # colour and how much of it covers the photograph
    below = rows > view.horizon
    cover[below] = _bytes((*palette.ground, 1 - palette.photo["ground"]))
    walls, glow = np.zeros((size, size), dtype=np.uint8), np.zeros((size, size, 3), dtype=np.uint8)
    for house in houses:
        _draw_house(cover, walls, view, house, palette)
    _draw_windows(cover, glow, view, houses)
    ground = (below[:, None] & (walls < 128)).astype(np.float32)
    _draw_road(cover, view, palette)
    cover = cover.astype(np.float32) / 255
    paint = photo * (1 - cover[..., 3:]) + cover[..., :3] * cover[..., 3:]
    floor = FOCAL * size * EYE / np.maximum(rows - view.horizon, 1e-3)
    front = FOCAL * size * WALL / np.maximum(np.abs(columns - view.vanishing), 1e-3)
    seen = below[:, None] | (walls > 127)
    depth = np.where(seen, np.minimum(np.where(below, floor, SKY_DISTANCE)[:, None], front), SKY_DISTANCE)
    depth = np.minimum(depth, SKY_DISTANCE).astype(np.float32)
    sky = 1 - np.maximum(walls.astype(np.float32) / 255, below[:, None].astype(np.float32))
    return Canvas(paint, depth, glow.astype(np.float32) / 255, np.zeros_like(sky), ground, sky)


def fill(image: np.ndarray, corners: np.ndarray | list, colour: tuple[float, ...]) -> None:
    """Fill polygons of uint8 (H, W, C) in place: corners (K, 2) or (M, K, 2), column and row between edges, in 0..1."""
    points = np.asarray(corners)
    points = np.round((points.reshape(-1, *points.shape[-2:]) - 0.5) * 2**SUBPIXEL).astype(np.int32)
    cv2.fillPoly(image, list(points), _bytes(colour), cv2.LINE_AA, SUBPIXEL)


def _bytes(colour: tuple[float, ...]) -> tuple[int, ...]:
    return tuple(round(255 * min(max(float(part), 0), 1)) for part in colour)


def _draw_house(cover: np.ndarray, walls: np.ndarray, view: View, house: House, palette: Palette) -> None:
    near, far = max(house.near - view.travelled, NEAREST), min(house.far - view.travelled, FARTHEST)
    if near >= far:
        return

    def front(roof: float) -> list[tuple[float, float]]:
        return [
            view.project(house.side * WALL, up, z) for z, up in ((near, -EYE), (far, -EYE), (far, roof), (near, roof))
        ]

    colour, eaves = palette.walls[house.wall % len(palette.walls)], front(house.roof + EAVES)
    fill(cover, eaves, (*(colour / 3).tolist(), 0.82))
    fill(cover, front(house.roof), (*colour.tolist(), 1 - palette.photo["wall"]))
    fill(walls, eaves, (1.0,))


def _draw_windows(cover: np.ndarray, glow: np.ndarray, view: View, houses: list[House]) -> None:
    panes = np.array([pane for house in houses for pane in house.panes], dtype=np.float64)  # (P, 6)
    side, near, far, low, high, lit = (panes - [0, view.travelled, view.travelled, 0, 0, 0]).T
    z, up = np.stack([near, far, far, near], axis=1), np.stack([low, low, high, high], axis=1)  # (P, 4)
    corners = np.stack(view.project(side[:, None] * WALL, up, np.maximum(z, NEAREST)), axis=-1)  # (P, 4, 2)
    seen = (near > NEAREST) & (near < WINDOWED)
    if seen.any():
        fill(cover, corners[seen], (*WINDOW_DARK, 0.78))
    if (seen & (lit > 0)).any():
        fill(glow, corners[seen & (lit > 0)], WINDOW_LIT)


def _draw_road(cover: np.ndarray, view: View, palette: Palette) -> None:
    def strip(left: float, right: float, near: float, far: float) -> list[tuple[float, float]]:
        return [view.project(x, -EYE, z) for x, z in ((left, near), (right, near), (right, far), (left, far))]

    fill(cover, strip(-KERB, KERB, 0.9, FARTHEST * 4), (0.74, 0.73, 0.71, 0.78))
    fill(cover, strip(-ROAD, ROAD, 0.9, FARTHEST * 4), (*palette.road.tolist(), 0.8))
    near = -(view.travelled % DASH_GAP) + DASH_GAP * 0.3
    while near < 40:
        if near + DASH > 0.9:
            fill(cover, strip(-0.04, 0.04, max(near, 0.9), near + DASH), (0.92, 0.92, 0.89, 0.86))
        near += DASH_GAP
