"""Rain, fog and snow over a lit street; what is farther is hidden more."""

from __future__ import annotations

import cv2
import numpy as np

from course_utils.synthetic.light import headlight_beam
from course_utils.synthetic.town import View
from course_utils.synthetic.townscape import Canvas

SIGHT = {  # metres after which a third of the contrast is left, in the thinnest and in the thickest
    "rain": (90.0, 55.0),
    "fog": (16.0, 7.0),
    "snow": (60.0, 30.0),
}
HAZE = {"rain": 0.62, "fog": 0.80, "snow": 0.86}  # how light the air is by day
AIR = {"day": (1.0, 1.0, 1.0), "dusk": (0.56, 0.51, 0.53), "night": (0.10, 0.11, 0.14)}  # and at which share it stays
SCATTER = 0.22  # of our headlights: what the air throws back at night
FALLING = {"rain": 0.75, "snow": 0.97}  # how light drops and flakes are by day
RAIN_LIGHT = 0.78  # share of the light that rain clouds let through
WET, STREAKS, FLAKES = 0.30, 150, 320  # how much a wet road mirrors; streaks and flakes in a picture
SNOW_COVER = 0.85  # how white the ground is
NIGHT_FALL = 0.4  # in the dark, lamps light drops and flakes


def prepare_ground(rng: np.random.Generator, canvas: Canvas, view: View, weather: str) -> None:
    """Lay snow on the ground, or make it wet, in place, before light falls on it."""
    if weather == "snow":
        patches = cv2.resize(rng.uniform(0, 1, (9, 9)).astype(np.float32), (view.size, view.size))
        share = (canvas.ground * SNOW_COVER * np.clip(0.55 + 0.9 * patches, 0, 1))[..., None]
        canvas.paint = canvas.paint * (1 - share) + share * np.array([0.93, 0.95, 0.98], dtype=np.float32)
    if weather == "rain":
        canvas.paint = canvas.paint * (1 - 0.25 * canvas.ground)[..., None]  # wet ground is darker


def wet_reflection(light: np.ndarray, canvas: Canvas, view: View) -> np.ndarray:
    """The wet ground shows what stands above it, upside down and blurred."""
    horizon = round(view.horizon)
    below = view.size - horizon
    source = np.clip(horizon - 1 - np.arange(below), 0, horizon - 1)
    mirrored = cv2.blur(light[source], (3, 9 if view.size > 100 else 5))
    share = (WET * canvas.ground[horizon:])[..., None]
    light = light.copy()
    light[horizon:] = light[horizon:] * (1 - share) + mirrored * share
    return light


def add_weather(
    rng: np.random.Generator, light: np.ndarray, canvas: Canvas, view: View, what: tuple[str, str, float]
) -> np.ndarray:
    """Haze that grows with distance, then what falls; float32 (H, W, 3); `what`: weather, time of day, density."""
    weather, time_of_day, density = what
    if weather == "clear":
        return light
    (clearest, thickest), air = SIGHT[weather], np.array(AIR[time_of_day], dtype=np.float32)
    through = np.exp(-canvas.depth / np.float32(clearest + density * (thickest - clearest)))[..., None]
    haze = HAZE[weather] * air
    if time_of_day == "night":
        haze = haze + SCATTER * headlight_beam(np.zeros_like(canvas.depth), view)[..., None]
    light = light * (RAIN_LIGHT if weather == "rain" else 1) * through + haze * (1 - through)
    if weather == "fog":
        return light
    fall = _streaks(rng, len(light)) if weather == "rain" else _flakes(rng, len(light))
    return light + np.maximum(FALLING[weather] * np.maximum(air, NIGHT_FALL) - light, 0) * fall[..., None]


def _streaks(rng: np.random.Generator, size: int) -> np.ndarray:
    """How far each pixel is covered by falling rain, float32 (H, W): thin slanted lines, near ones long and broad."""
    lean, fall = rng.uniform(-0.3, 0.3), np.zeros((size, size), dtype=np.uint8)
    width = max(round(size / 200), 1)
    starts, nears = rng.uniform(-0.1, 1, (STREAKS, 2)) * size, rng.uniform(0.3, 1, STREAKS) ** 2
    for (x, y), near in zip(starts, nears, strict=True):
        length = size * 0.11 * near + 2
        ends = np.round(np.array([x, y, x + lean * length, y + length]) * 16).astype(int).tolist()
        cv2.line(fall, tuple(ends[:2]), tuple(ends[2:]), int(70 + 100 * near), width, cv2.LINE_AA, 4)
    return fall.astype(np.float32) / 255


def _flakes(rng: np.random.Generator, size: int) -> np.ndarray:
    """How far each pixel is covered by falling snow, float32 (H, W): discs, few of them near and large."""
    fall = np.zeros((size, size), dtype=np.uint8)
    places = rng.uniform(0, size, (FLAKES, 2))
    radii = size / 160 * (0.45 + 2.2 * rng.uniform(0, 1, FLAKES) ** 6)
    for (x, y), radius in zip(places, radii, strict=True):
        centre = (int(x * 16), int(y * 16))
        cv2.circle(fall, centre, int(radius * 16), int(rng.integers(140, 245)), -1, cv2.LINE_AA, 4)
    soft = cv2.GaussianBlur(fall, (0, 0), max(0.35 * size / 160, 0.2))
    return soft.astype(np.float32) / 255
