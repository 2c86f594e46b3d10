"""Signs, poles, lorries and branches as patches of paint, and the order in which they hide one another."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from course_utils.synthetic.signs import sign_template
from course_utils.synthetic.town import EYE, Occluder, Sign, View
from course_utils.synthetic.townscape import Canvas, fill

SUPERSAMPLING = 3  # signs are warped this many times larger, then averaged down
POLE = 0.07  # of the sign's side: its width
LORRY_WIDTH = 2.2  # metres
LEAVES, LEAF = 46, 0.085  # leaves of a branch; half the length of one, in sign sides
WEAR = 0.25  # how far signs of a plausible town have faded and gathered dirt; domain randomisation adds to it


@dataclass(frozen=True)
class Layer:
    """Paint at one distance: RGBA float32 (h, w, 4), colour multiplied by alpha, and its corner (row, column).

    `mirror` tells a sign's face, which throws a lamp's light back.
    """

    paint: np.ndarray
    corner: tuple[int, int]
    z: float
    mirror: bool = False

    def window(self, size: int) -> tuple[tuple[slice, slice], tuple[slice, slice]] | None:
        """Where it lies in a picture of this size, and which of its own pixels those are; None outside."""
        ends = [
            (max(start, 0), min(start + length, size))
            for start, length in zip(self.corner, self.paint.shape, strict=False)
        ]
        if any(low >= high for low, high in ends):
            return None
        inside = tuple(slice(low, high) for low, high in ends)
        own = tuple(slice(low - start, high - start) for (low, high), start in zip(ends, self.corner, strict=True))
        return inside, own


def paint_layer(canvas: Canvas, layer: Layer) -> None:
    """Lay a layer over the canvas, in place: colour, distance, and whether lamps are thrown back."""
    if (window := layer.window(len(canvas.paint))) is None:
        return
    inside, own = window
    paint = layer.paint[own]
    alpha = paint[..., 3]
    left = 1 - alpha
    canvas.paint[inside] = canvas.paint[inside] * left[..., None] + paint[..., :3]
    canvas.glow[inside] *= left[..., None]
    canvas.sky[inside] *= left
    canvas.depth[inside] = canvas.depth[inside] * left + layer.z * alpha
    canvas.mirror[inside] = canvas.mirror[inside] * left + (alpha if layer.mirror else 0)
    canvas.ground[inside] *= left


def covered(layer: Layer, size: int) -> np.ndarray:
    """Pixels that the layer covers by half or more, bool (size, size)."""
    mask = np.zeros((size, size), dtype=bool)
    if (window := layer.window(size)) is not None:
        inside, own = window
        mask[inside] = layer.paint[own][..., 3] >= 0.5
    return mask


def sign_layer(sign: Sign, view: View, z: float, strength: float) -> Layer:
    """A sign's face, turned and tilted, with its colours worn; z metres ahead."""
    side, (across, down) = sign.side * view.scale(z), view.project(sign.x, sign.up, z)
    half = math.ceil(0.65 * side)  # a square sign, turned and tilted, just fits
    corner = (round(down) - half, round(across) - half)
    middle = [(value - start) * SUPERSAMPLING for value, start in ((across, corner[1]), (down, corner[0]))]
    template = _template(sign.label, 2 ** math.ceil(math.log2(side * SUPERSAMPLING)))
    matrix = _face_to_template(sign, side * SUPERSAMPLING, middle, len(template))
    shape = (2 * half * SUPERSAMPLING,) * 2
    large = cv2.warpPerspective(template, matrix, shape, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    small = cv2.resize(large, (2 * half, 2 * half), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    return Layer(_wear(small, sign, strength), corner, z, mirror=True)


def pole_layer(sign: Sign, view: View, z: float) -> Layer:
    """The pole under a sign, from its middle to the ground; border pixels are covered in part."""
    (across, top), (_, foot) = view.project(sign.x, sign.up, z), view.project(sign.x, -EYE, z)
    half = max(1.2, POLE * sign.side * view.scale(z)) / 2
    rows, columns = (_coverage(low, high) for low, high in ((top, foot), (across - half, across + half)))
    light = 0.55 * sign.light
    paint = rows[:, None, None] * columns[None, :, None] * np.array([light, light, light, 1], dtype=np.float32)
    return Layer(paint.astype(np.float32), (math.floor(top), math.floor(across - half)), z)


def occluder_layer(occluder: Occluder, view: View, z: float) -> Layer:
    """A lorry from behind, or a branch with leaves; z metres ahead."""
    return _lorry_layer(occluder, view, z) if occluder.kind == "lorry" else _branch_layer(occluder, view, z)


def _face_to_template(sign: Sign, side: float, middle: list[float], template: int) -> np.ndarray:
    """Homography from a pixel of the enlarged patch to the template, as cv2 wants it: between pixel centres."""
    scale = template / side
    cos, sin = math.cos(sign.turn) * scale, math.sin(sign.turn) * scale
    tilt = [value / (0.65 * side) for value in sign.tilt]
    to_middle = np.array([[1, 0, 0.5 - middle[0]], [0, 1, 0.5 - middle[1]], [0, 0, 1]])
    perspective = np.array([[sign.narrow * cos, sin, 0], [-sign.narrow * sin, cos, 0], [*tilt, 1]])
    to_template = np.array([[1, 0, template / 2 - 0.5], [0, 1, template / 2 - 0.5], [0, 0, 1]])
    return to_template @ perspective @ to_middle


def _template(label: int, side: int) -> np.ndarray:
    return np.asarray(sign_template(label, side))


def _wear(paint: np.ndarray, sign: Sign, strength: float) -> np.ndarray:
    """Fade, dirty and relight a sign's colours; its alpha, and so its mask, stays."""
    rng = np.random.default_rng(sign.look)
    fade, dirt = rng.uniform(0, WEAR + 0.35 * strength), rng.uniform(0, WEAR + 0.45 * strength)
    colour, alpha = paint[..., :3], paint[..., 3:]
    grey = colour.mean(axis=-1, keepdims=True) * 0.7 + 0.25 * alpha
    colour = colour * (1 - fade) + grey * fade
    spots = cv2.resize(rng.uniform(0, 1, (7, 7)).astype(np.float32), paint.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    colour = colour * (1 - dirt * np.clip(2 * spots - 0.8, 0, 1))[..., None]
    hue = np.eye(3) + strength * rng.normal(0, 0.07, (3, 3))  # a little of each colour seen as another
    tint = sign.light * (1 + strength * rng.uniform(-0.25, 0.15, 3))
    colour = np.clip(colour @ (hue * tint).astype(np.float32), 0, 1) * (alpha > 0)
    return np.concatenate([np.minimum(colour, alpha), alpha], axis=-1)


def _coverage(low: float, high: float) -> np.ndarray:
    """How much of each pixel from floor(low) on lies between low and high, float32."""
    pixel = np.arange(math.floor(low), math.ceil(high) + 1)
    return np.clip(np.minimum(pixel + 1, high) - np.maximum(pixel, low), 0, 1).astype(np.float32)


def _lorry_layer(lorry: Occluder, view: View, z: float) -> Layer:
    rng = np.random.default_rng(lorry.look)
    scale, (left, top) = view.scale(z), view.project(lorry.x, lorry.up, z)
    _, foot = view.project(lorry.x, -EYE, z)
    corner = (math.floor(top) - 1, math.floor(left) - 1)
    shape = (math.ceil(foot) + 2 - corner[0], math.ceil(left + LORRY_WIDTH * scale) + 2 - corner[1])
    patch = np.zeros((*shape, 4), dtype=np.uint8)
    body = rng.uniform(0.25, 0.9) * np.clip(rng.uniform(0.4, 1.0, 3), 0, 1)

    def box(x1: float, y1: float, x2: float, y2: float, colour: tuple[float, ...] | np.ndarray) -> None:
        """A box of the lorry's back: x in shares of its width, y of its height from the top."""
        xs = [left - corner[1] + x * LORRY_WIDTH * scale for x in (x1, x2)]
        ys = [top - corner[0] + y * (foot - top) for y in (y1, y2)]
        fill(patch, [(xs[0], ys[0]), (xs[1], ys[0]), (xs[1], ys[1]), (xs[0], ys[1])], (*colour, 1.0))

    box(0.0, 0.0, 1.0, 0.86, body)
    box(0.06, 0.04, 0.485, 0.76, body * 0.85)  # the two doors
    box(0.515, 0.04, 0.94, 0.76, body * 0.85)
    for side in (0.04, 0.76):
        box(side, 0.84, side + 0.2, 1.0, (0.08, 0.08, 0.09))  # wheels
        box(side, 0.78, side + 0.2, 0.83, (0.7, 0.08, 0.06))  # rear lamps
    return Layer(_multiplied(patch), corner, z)


def _branch_layer(branch: Occluder, view: View, z: float) -> Layer:
    rng = np.random.default_rng(branch.look)
    scale, (across, down) = branch.side * view.scale(z), view.project(branch.x, branch.up, z)
    half = math.ceil(0.95 * scale) + 1
    corner = (math.floor(down) - half, math.floor(across) - half)
    patch = np.zeros((2 * half, 2 * half, 4), dtype=np.uint8)
    outward = np.array([math.cos(branch.angle), math.sin(branch.angle)])
    along = np.array([-outward[1], outward[0]])
    centre = np.array([across - corner[1], down - corner[0]])
    stem = [centre + scale * (outward * reach + along * width) for reach, width in _STEM]
    fill(patch, stem, (0.3, 0.22, 0.14, 1.0))
    out, aside = rng.normal(0, 0.3, (2, LEAVES, 1))
    places = centre + scale * (outward * (branch.reach + LEAF + np.abs(out)) + along * aside)
    greens = np.array([0.16, 0.4, 0.12]) * rng.uniform(0.6, 1.5, (LEAVES, 1)) + rng.uniform(0, 0.08, (LEAVES, 3))
    for place, green, turn in zip(places, greens, rng.uniform(0, 2 * math.pi, LEAVES), strict=True):
        cos, sin = math.cos(turn), math.sin(turn)
        fill(patch, place + scale * LEAF * _LEAF_OUTLINE @ np.array([[cos, sin], [-sin, cos]]), (*green, 1.0))
    return Layer(_multiplied(patch), corner, z)


_STEM = ((0.1, 0.012), (0.95, 0.03), (0.95, -0.03), (0.1, -0.012))  # sign sides, outward and across
_AROUND = np.linspace(0, 2 * math.pi, 8, endpoint=False)
_LEAF_OUTLINE = np.stack([np.cos(_AROUND), 0.5 * np.sin(_AROUND)], axis=1)  # twice as long as wide


def _multiplied(patch: np.ndarray) -> np.ndarray:
    paint = patch.astype(np.float32) / 255
    paint[..., :3] *= paint[..., 3:]
    return paint
