"""Day, dusk and night: the sky, how much light falls where, lit windows, lamps, and headlights that dazzle."""

from __future__ import annotations

import cv2
import numpy as np

from course_utils.synthetic.palette import SKIES, Palette
from course_utils.synthetic.town import Car, View
from course_utils.synthetic.townscape import Canvas

AMBIENT = {  # light from the sky on everything: factors for red, green, blue
    "day": (1.0, 1.0, 1.0),
    "dusk": (0.60, 0.47, 0.45),
    "night": (0.075, 0.085, 0.13),
}
GLOW = {"day": 0.0, "dusk": 0.7, "night": 0.9}  # how bright lit windows look
BEAM = {"day": 0.0, "dusk": 0.12, "night": 0.75}  # our own headlights
BEAM_REACH = 16.0  # metres after which our headlights have lost two thirds
BEAM_WIDTH = 0.33  # of the picture's side, to either side of the road's end
MIRROR = 1.6  # how much brighter a sign looks in the headlights than a wall: its sheet throws the light back
LAMP_RADIUS, LAMP_UP, LAMP_SPREAD = 0.075, -0.55, 0.62  # metres: a headlight, its height, half the distance of two
BLOOM = ((0.009, 1.0), (0.04, 0.8), (0.15, 0.9))  # of the picture's side: how far a lamp's light spreads, and its share
LAMP_POWER = 9.0  # a headlight against white paint by day


def paint_sky(canvas: Canvas, view: View, time_of_day: str, weather: str, palette: Palette) -> None:
    """Paint the sky over the photograph, in place; overcast unless the weather is clear."""
    top, low = (np.array(colour, dtype=np.float32) / 255 for colour in SKIES[time_of_day, weather != "clear"])
    share = np.clip((np.arange(view.size, dtype=np.float32) + 0.5) / view.horizon, 0, 1)[:, None, None]
    photo = palette.photo["sky"] * max(AMBIENT[time_of_day])
    sky = ((1 - share) * top + share * low) * palette.sky_tint * (1 - photo) + photo * canvas.paint
    canvas.paint = canvas.paint + canvas.sky[..., None] * (sky - canvas.paint)


def shine(canvas: Canvas, time_of_day: str, view: View, palette: Palette) -> np.ndarray:
    """The light that comes from every pixel, float32 (H, W, 3), 1 as white paint by day."""
    light = np.array(AMBIENT[time_of_day], dtype=np.float32) * palette.cast
    if BEAM[time_of_day]:
        beam = headlight_beam(canvas.depth, view) * BEAM[time_of_day] * (1 + MIRROR * canvas.mirror)
        light = light + beam[..., None] * np.array([1.0, 0.96, 0.86], dtype=np.float32)
    light = light + canvas.sky[..., None] * (1 - light)  # the sky's colours are those of its time already
    return canvas.paint * light + GLOW[time_of_day] * canvas.glow


def add_headlights(light: np.ndarray, view: View, cars: list[Car], seconds: float, depth: np.ndarray) -> np.ndarray:
    """Lamps of cars that come towards us, with the glare that they make in a lens."""
    size = view.size
    lamps = np.zeros((size, size), dtype=np.float32)
    for car in cars:
        z = car.z - view.travelled - car.speed * seconds
        if z < 2:
            continue
        for side in (-LAMP_SPREAD, LAMP_SPREAD):
            column, row = view.project(car.x + side, LAMP_UP, z)
            radius = max(LAMP_RADIUS * view.scale(z), 0.6)
            if 0 <= column < size and 0 <= row < size and depth[int(row), int(column)] > z:  # no sign stands before it
                _add_disc(lamps, column, row, radius)
    if not lamps.any():
        return light
    spread = sum(part * _soften(lamps, width * size) for width, part in BLOOM)
    return light + LAMP_POWER * spread[..., None] * np.array([1.0, 0.97, 0.88], dtype=np.float32)


def headlight_beam(depth: np.ndarray, view: View) -> np.ndarray:
    """Light of our own headlights, float32 (H, W): less far away, to the sides and high up."""
    rows, columns = (np.arange(view.size, dtype=np.float32) + 0.5 for _ in range(2))
    aside = np.exp(-0.5 * ((columns - view.vanishing) / (BEAM_WIDTH * view.size)) ** 2)
    above = np.clip((view.horizon - rows) / view.size, 0, 1)
    upward = np.exp(-0.5 * (above / 0.22) ** 2)
    return (np.exp(-depth / BEAM_REACH) * aside * upward[:, None]).astype(np.float32)


def _add_disc(lamps: np.ndarray, column: float, row: float, radius: float) -> None:
    reach = int(np.ceil(radius)) + 1
    top, left = max(int(row) - reach, 0), max(int(column) - reach, 0)
    part = lamps[top : int(row) + reach + 1, left : int(column) + reach + 1]
    y, x = (np.arange(length) + 0.5 for length in part.shape)
    far = np.hypot(y[:, None] + top - row, x + left - column)
    np.maximum(part, np.clip(radius - far + 0.5, 0, 1), out=part)


def _soften(image: np.ndarray, width: float) -> np.ndarray:
    """Gaussian blur; wide ones are made small, blurred and made large again, which is quicker."""
    if width < 4:
        return cv2.GaussianBlur(image, (0, 0), width)
    step = max(int(width / 2), 1)
    small = cv2.resize(image, None, fx=1 / step, fy=1 / step, interpolation=cv2.INTER_AREA)
    return cv2.resize(cv2.GaussianBlur(small, (0, 0), width / step), image.shape[1::-1])
