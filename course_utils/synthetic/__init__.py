"""Street scenes with traffic signs, drawn by us over real photographs, whose truth is known to the pixel.

A scene is one of scikit-image's bundled photographs seen through translucent paint (sky, houses, pavement, road), with
signs of six classes in front. Class, box, mask and instance come from the paint itself, so no annotator was needed and
none erred. Training, validation and test scenes use different photographs. (seed, part, index) decide every pixel.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFilter
from skimage import data
from torch import Tensor

from course_utils.annotations import ImageAnnotations

CLASSES = ("stop", "speed", "danger", "priority", "crossing", "ahead")
PHOTOGRAPHS = {  # names in skimage.data, each of a stated licence; no photograph serves two parts
    "train": ("brick", "camera", "clock", "rocket", "hubble_deep_field"),
    "validation": ("chelsea", "gravel"),
    "test": ("coffee", "grass"),
}
SMALLEST_SCENE = 64  # pixels; below, a far sign has no pictogram left
SIGN_SHARE = (0.10, 0.35)  # of the scene's side: 16 to 56 pixels at 160
SUPERSAMPLING = 4  # signs are drawn this many times larger, then averaged down
VISIBLE_SHARE = 0.6  # a nearer sign hides less than the rest of a farther one
TRIES = 3  # places tried for a sign before it is left out
ROAD_SLOPE = 0.8  # half the road's width, in pixels per pixel below the horizon

RED, BLUE, YELLOW, WHITE, BLACK = (196, 22, 36), (18, 84, 178), (252, 194, 16), (246, 246, 242), (22, 22, 26)
WALLS = ((188, 96, 70), (214, 186, 140), (150, 152, 160), (206, 206, 200), (120, 138, 110), (196, 150, 90))
SKIES = (((86, 142, 214), (206, 226, 244)), ((150, 158, 168), (220, 222, 224)), ((70, 84, 140), (246, 178, 120)))


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
    _check_count("n", n, least=0)
    _check_scene(seed, size, part, max_signs)
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
    _check_count("n", n, least=0)
    _check_count("seed", seed, least=0)
    if len(size_hw) != 2:
        raise ValueError(f"Expected `size_hw` to be (height, width), but got {size_hw!r}. Use `image.shape[:2]`.")
    for name, side in zip(("height", "width"), size_hw, strict=True):
        _check_count(f"size_hw ({name})", side, least=2)
    rng = np.random.default_rng(seed)
    sides = rng.uniform(0.05, 0.60, (n, 2))  # width, height; shares of the image
    corners = rng.uniform(0, 1, (n, 2)) * (1 - sides)
    scale = np.array([size_hw[1], size_hw[0]] * 2)
    return torch.from_numpy((np.hstack([corners, corners + sides]) * scale).astype(np.float32))


@lru_cache(maxsize=len(PHOTOGRAPHS))
def load_backgrounds(part: str) -> dict[str, np.ndarray]:
    """The photographs behind the scenes of one part, from the files inside the scikit-image package.

    Args:
        part: "train", "validation" or "test".

    Returns:
        Name in `skimage.data` to uint8 (H, W, 3) RGB, read-only; grey photographs have three equal channels.

    Raises:
        ValueError: No such part.

    >>> sorted(load_backgrounds("test"))
    ['coffee', 'grass']
    """
    _check_part(part)
    photos = {}
    for name in PHOTOGRAPHS[part]:
        photo = getattr(data, name)()
        photo = np.stack([photo] * 3, axis=-1) if photo.ndim == 2 else photo.copy()  # (H, W) -> (H, W, 3)
        photo.setflags(write=False)
        photos[name] = photo
    return photos


def _draw_scene(rng: np.random.Generator, size: int, part: str, max_signs: int) -> tuple[np.ndarray, ImageAnnotations]:
    photos = list(load_backgrounds(part).values())
    horizon, vanishing = size * rng.uniform(0.48, 0.62), size * rng.uniform(0.3, 0.7)
    canvas = _draw_street(rng, _crop_photo(rng, photos[rng.integers(len(photos))], size), horizon, vanishing)
    masks: list[np.ndarray] = []
    full_areas: list[int] = []
    labels: list[int] = []
    tried = rng.integers(1, max_signs + 1) if max_signs else 0
    for side in np.sort(np.exp(rng.uniform(*np.log(SIGN_SHARE), tried))) * size:  # far to near, all sizes of one street
        label = int(rng.integers(len(CLASSES)))
        for _ in range(TRIES):
            sign, pole = _place_sign(rng, label, side, horizon, vanishing, size)
            rest = _visible_masks(masks, sign, pole)
            if all(left.sum() >= VISIBLE_SHARE * area for left, area in zip(rest, full_areas, strict=True)):
                canvas = _paint_over(_paint_over(canvas, pole), sign)
                masks, labels = [*rest, sign[..., 3] >= 0.5], [*labels, label]
                full_areas.append(masks[-1].sum())
                break
    stack = torch.from_numpy(np.array(masks, dtype=bool).reshape(-1, size, size))  # (N, H, W), also for N = 0
    truth = ImageAnnotations.from_masks(stack, torch.tensor(labels, dtype=torch.int64))
    return _take_picture(rng, canvas), truth


def _visible_masks(masks: list[np.ndarray], sign: np.ndarray, pole: np.ndarray) -> list[np.ndarray]:
    """What a nearer sign and its pole leave of the masks (H, W) behind them."""
    return [mask & (sign[..., 3] < 0.5) & (pole[..., 3] < 0.5) for mask in masks]


def _crop_photo(rng: np.random.Generator, photo: np.ndarray, size: int) -> Image.Image:
    """A random square of the photograph, perhaps mirrored, at the scene's size."""
    height, width = photo.shape[:2]
    side = rng.uniform(0.3, 0.7) * min(height, width)
    left, top = rng.uniform(0, width - side), rng.uniform(0, height - side)
    crop = Image.fromarray(photo).resize((size, size), Image.Resampling.BILINEAR, (left, top, left + side, top + side))
    return crop.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else crop


def _draw_street(rng: np.random.Generator, photo: Image.Image, horizon: float, vanishing: float) -> np.ndarray:
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
    return _paint_over(np.asarray(photo, dtype=np.float32) / 255, _as_paint(paint.convert("RGBa").reduce(zoom)))


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


def _place_sign(
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
    patch, corner = _warp_sign(rng, label, side, (across, top))
    sign = Image.new("RGBa", (size, size))
    sign.paste(patch, corner)
    lit = np.array([light, light, light, 1], dtype=np.float32)
    return _as_paint(sign) * lit, _pole_paint(across, (top, foot), max(1.2, 0.07 * side), 0.55 * light, size)


def _warp_sign(
    rng: np.random.Generator, label: int, side: float, centre: tuple[float, float]
) -> tuple[Image.Image, tuple[int, int]]:
    """The sign turned, narrowed and tilted: an RGBa patch at the scene's scale, and where its corner goes."""
    half = math.ceil(0.65 * side)  # a square sign, turned and tilted, just fits
    middle = half * SUPERSAMPLING
    corner = (round(centre[0]) - half, round(centre[1]) - half)
    template = _sign_template(label, 2 ** math.ceil(math.log2(side * SUPERSAMPLING)))
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
def _sign_template(label: int, side: int) -> Image.Image:
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


def _pole_paint(across: float, ends: tuple[float, float], width: float, light: float, size: int) -> np.ndarray:
    """Paint (H, W, 4) of an upright pole; border pixels are covered in part."""
    pixel = np.arange(size)

    def covered(low: float, high: float) -> np.ndarray:
        return np.clip(np.minimum(pixel + 1, high) - np.maximum(pixel, low), 0, 1)

    rows, columns = covered(*ends), covered(across - width / 2, across + width / 2)
    touched = np.flatnonzero(columns)
    paint = np.zeros((size, size, 4), dtype=np.float32)
    paint[:, touched] = rows[:, None, None] * columns[None, touched, None] * np.array([light, light, light, 1])
    return paint


def _as_paint(image: Image.Image) -> np.ndarray:
    """Paint, float32 (H, W, 4) in 0..1: the colour comes already multiplied by the alpha (Pillow's mode RGBa)."""
    return np.asarray(image, dtype=np.float32) / 255


def _paint_over(canvas: np.ndarray, paint: np.ndarray) -> np.ndarray:
    return canvas * (1 - paint[..., 3:]) + paint[..., :3]  # (H, W, 3)


def _take_picture(rng: np.random.Generator, canvas: np.ndarray) -> np.ndarray:
    """What a camera makes of the scene: exposure, a little blur, noise; geometry, and so the truth, is untouched."""
    exposed = np.clip(canvas * rng.uniform(0.75, 1.2) * rng.uniform(0.94, 1.06, 3), 0, 1)
    image = Image.fromarray((exposed * 255).astype(np.uint8))
    blurred = np.asarray(image.filter(ImageFilter.GaussianBlur(rng.uniform(0, 0.7))), dtype=np.float32)
    noise = rng.standard_normal(canvas.shape, dtype=np.float32) * rng.uniform(1, 5)
    return np.clip(np.round(blurred + noise), 0, 255).astype(np.uint8)


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


def _check_scene(seed: int, size: int, part: str, max_signs: int) -> None:
    _check_count("seed", seed, least=0)
    _check_count("size", size, least=SMALLEST_SCENE)
    _check_count("max_signs", max_signs, least=0)
    _check_part(part)


def _check_part(part: str) -> None:
    if part not in PHOTOGRAPHS:
        raise ValueError(
            f"Expected `part` to be one of {', '.join(PHOTOGRAPHS)}, but got {part!r}. "
            "The parts have different photographs behind their streets."
        )


def _check_count(name: str, value: int, *, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ValueError(
            f"Expected `{name}` to be an integer of {least} or more, but got {value!r}. Give a number in that range."
        )
