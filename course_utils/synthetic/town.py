"""A street in metres: houses, signs and what may stand before them, and the view that a camera has of it.

x runs to the right from the middle of the road, up from the eye, z forward along the road.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FOCAL = 1.1  # of the picture's side: a view of 49 degrees
EYE = 1.25  # metres from the ground to the camera
SIGN_SIDE = (0.35, 1.0)  # metres: the smallest and the largest plate
ROAD, KERB, WALL = 1.0, 1.1, 2.6  # metres from the middle of the road to its border, the kerb's outside, the houses
NEAREST, FARTHEST = 1.2, 90.0  # metres between which houses are drawn
STOREY, LAMPS_ON = 1.05, 0.35  # metres from window to window, upwards; share of windows with a lamp on
CARS_EVERY, CARS_SEEN = (12.0, 60.0), 40.0  # metres between two cars, and to where they are followed


@dataclass(frozen=True)
class View:
    """Where a point of the street is in the picture: one-point perspective.

    Args:
        size: Side of the square picture, pixels.
        horizon: Row of the horizon, pixels.
        vanishing: Column where the road ends, pixels.
        travelled: How far the camera has come along the road, metres.
    """

    size: int
    horizon: float
    vanishing: float
    travelled: float = 0.0

    def scale(self, z: float) -> float:
        """Pixels a metre, z metres ahead of the camera."""
        return FOCAL * self.size / z

    def project(self, x: float, up: float, z: float) -> tuple[float, float]:
        """Column and row of a point, z metres ahead of the camera."""
        return self.vanishing + x * self.scale(z), self.horizon - up * self.scale(z)


@dataclass(frozen=True)
class House:
    """A house with its front along the street: side -1 or 1, from near to far, its roof above the eye, its paint.

    `panes` are its windows: side; from, to, lower and upper edge in metres; whether a lamp is on.
    """

    side: int
    near: float
    far: float
    roof: float
    wall: int
    panes: list[tuple[float, ...]]


@dataclass(frozen=True)
class Sign:
    """A sign on its pole: class, place of its middle and side in metres, how it is turned and lit, its wear's seed."""

    label: int
    x: float
    up: float
    z: float
    side: float
    turn: float
    narrow: float
    tilt: tuple[float, float]
    light: float
    look: int


@dataclass(frozen=True)
class Occluder:
    """What stands before a sign: a lorry (x: left side, up: its top) or a branch (x, up: the middle of its sign).

    For a branch, `angle` is where it comes from, `side` the sign's, and `reach` how far from the sign's middle the
    leaves begin, in sign sides.
    """

    kind: str
    x: float
    up: float
    z: float
    look: int
    angle: float = 0.0
    reach: float = 0.0
    side: float = 1.0


@dataclass(frozen=True)
class Car:
    """A car that comes towards us: where its lamps are at the start, and how fast it nears, metres a second."""

    x: float
    z: float
    speed: float


def make_houses(rng: np.random.Generator, length: float) -> list[House]:
    """Houses on both sides of `length` metres of street, and as far as one sees beyond."""
    houses = []
    for side, own in zip((-1, 1), rng.spawn(2), strict=True):  # one side's length does not move the other's houses
        near = NEAREST - own.uniform(0, 4)
        while near < length + FARTHEST:
            far = near + own.uniform(4, 9)
            roof, wall = own.uniform(1.5, 4.2), int(own.integers(1 << 16))
            houses.append(House(side, near, far, roof, wall, _make_panes(own, side, (near, far), roof)))
            near = far
    return houses


def _make_panes(rng: np.random.Generator, side: int, ends: tuple[float, float], roof: float) -> list[tuple[float, ...]]:
    """Three windows a storey."""
    (near, far), storeys = ends, np.arange(-0.5, roof - 0.6, STOREY).tolist()
    starts = [near + (number + 0.3) * (far - near) / 3 for number in range(3)]
    lamps = iter((rng.random(3 * len(storeys)) < LAMPS_ON).tolist())
    return [
        (side, start, start + 0.15 * (far - near), low, low + 0.6, next(lamps)) for low in storeys for start in starts
    ]


def make_cars(rng: np.random.Generator, length: float) -> list[Car]:
    """Cars that come towards us on `length` metres of street; sometimes none."""
    cars, z = [], rng.uniform(*CARS_EVERY) - CARS_EVERY[0]
    while z < 2.5 * length + CARS_SEEN:
        cars.append(Car(-ROAD / 2, z, rng.uniform(4, 7)))
        z += rng.uniform(*CARS_EVERY)
    return cars


def make_sign(rng: np.random.Generator, label: int, place: tuple[float, float, float], side: float) -> Sign:
    """A sign of this class, place (x, up, z) and side, a little turned and tilted."""
    tilt = tuple(rng.uniform(-0.15, 0.15, 2).tolist())
    turn, narrow, light = np.radians(rng.uniform(-10, 10)), rng.uniform(1.0, 1.25), rng.uniform(0.75, 1.05)
    return Sign(
        label,
        *map(float, place),
        float(side),
        float(turn),
        float(narrow),
        tilt,
        float(light),
        int(rng.integers(1 << 31)),
    )
