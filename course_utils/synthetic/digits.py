"""Digits drawn with fonts, in the format of scikit-learn's handwritten ones: how far does rendered training data carry?

scikit-learn's digits were scanned as 32 × 32 black-and-white bitmaps, brought to one size and position, and counted in
blocks of 4 × 4: 64 numbers from 0 to 16. Ours take the same way from fonts that Matplotlib and OpenCV carry.

Reference: E. Alpaydin, C. Kaynak, "Optical recognition of handwritten digits", UCI, 1998, doi:10.24432/C50P49.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from course_utils.synthetic.arguments import check_count, check_share

PLAIN_FONT = "DejaVuSans"
DIGIT_FONTS = (  # files of Matplotlib that have all ten digits
    *("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSans-BoldOblique"),
    *("DejaVuSansMono", "DejaVuSansMono-Bold", "DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-Italic"),
    *("STIXGeneral", "STIXGeneralItalic", "STIXGeneralBol", "cmr10", "cmss10", "cmti10", "cmtt10", "cmmi10"),
    *("HERSHEY_SIMPLEX", "HERSHEY_PLAIN", "HERSHEY_COMPLEX", "HERSHEY_SCRIPT_COMPLEX"),  # pen strokes of OpenCV
)
BITMAP = 32  # pixels: side of the bitmap that UCI counted in blocks
BLOCK = 4  # pixels: side of a block, so that its count runs from 0 to 16
CANVAS, GLYPH = 64, 40  # pixels: where a digit is bent, and how high it stands there

# Ranges at full strength. They were set by looking at the first 1,200 of scikit-learn's digits; the other 597 had no
# part in it.
TURN = 8  # degrees, either way
SLANT = (-0.30, 0.15)  # pixels across per pixel down; many fonts lean to the right already
WIDEN = (-0.25, 0.20)  # log of the change in width
STRETCH = 0.2  # share of the height by which the middle moves up or down
ELASTIC = 2.5  # pixels of the canvas: standard deviation of the bending
PEN, PEN_RANGE = 3.2, 1.2  # pixels of the canvas: half a stroke's width, and how far it goes either way
PRESSURE = 0.5  # pixels of the canvas: how much that width varies within one digit
SHRINK, SHIFT = 0.08, 0.8  # share of the size; pixels of the bitmap
BARRED_SEVENS = 0.5  # share; common in handwriting, and no font here has them


def render_digits(n: int, *, seed: int, randomise: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Draw n digits, the ten classes equally often; digit i depends on (seed, randomise, i) and not on n.

    Args:
        n: How many, 0 or more.
        seed: 0 or more.
        randomise: 0 (or False) draws one clean upright font, so that only ten different images exist; from there to
            1 (or True) fonts, slant, turn, width, pen width, bending, size and place vary more and more.

    Returns:
        Images float32 (n, 8, 8), whole numbers from 0 (paper) to 16 (ink), as `sklearn.datasets.load_digits().images`;
        labels int64 (n,), 0 to 9.

    Raises:
        ValueError: An argument is out of its range.

    >>> images, labels = render_digits(20, seed=0)
    >>> images.shape, images.min(), images.max(), np.bincount(labels).tolist()
    ((20, 8, 8), np.float32(0.0), np.float32(16.0), [2, 2, 2, 2, 2, 2, 2, 2, 2, 2])
    """
    check_count("n", n, least=0)
    check_count("seed", seed, least=0)
    check_share("randomise", randomise)
    labels = np.arange(n, dtype=np.int64) % 10
    rngs = (np.random.default_rng([seed, index]) for index in range(n))
    bitmaps = (_draw_bitmap(rng, index % 10, float(randomise)) for index, rng in enumerate(rngs))
    images = [_count_blocks(bitmap) for bitmap in bitmaps]
    return np.array(images, dtype=np.float32).reshape(-1, BITMAP // BLOCK, BITMAP // BLOCK), labels


def _draw_bitmap(rng: np.random.Generator, label: int, strength: float) -> np.ndarray:
    """One digit as bool (32, 32)."""
    if strength == 0:
        return _normalise(_glyph(PLAIN_FONT, label), 1.0, (0, 0))
    font = DIGIT_FONTS[rng.integers(len(DIGIT_FONTS))] if rng.random() < 0.5 + strength / 2 else PLAIN_FONT
    # A pen follows the middle of the font's strokes; its width, not the font's weight, decides how thick they are.
    barred = label == 7 and rng.random() < BARRED_SEVENS * strength
    far = _pen_distance(font, label, barred)
    distance = cv2.remap(far, *_bend(rng, strength), cv2.INTER_LINEAR, borderValue=CANVAS)
    pen = PEN + strength * (rng.uniform(-PEN_RANGE, PEN_RANGE) + PRESSURE * _smooth_noise(rng, 3))
    pen = np.maximum(pen, 1)  # the faintest stroke still leaves ink
    scale, shift = 1 - strength * rng.uniform(0, SHRINK), strength * rng.uniform(-SHIFT, SHIFT, 2)
    return _normalise(np.clip(pen - distance + 0.5, 0, 1).astype(np.float32), scale, shift)


def _bend(rng: np.random.Generator, strength: float) -> tuple[np.ndarray, np.ndarray]:
    """Where each pixel of the bent digit comes from: columns and rows, float32 (64, 64) each."""
    turn, slant = np.radians(strength * rng.uniform(-TURN, TURN)), strength * rng.uniform(*SLANT)
    wide, middle = np.exp(strength * rng.uniform(*WIDEN)), CANVAS / 2 - 0.5
    cos, sin = np.cos(turn), np.sin(turn)
    y, x = np.mgrid[:CANVAS, :CANVAS] - middle
    y = _stretch(y, strength * rng.uniform(-1, 1))  # loops and tails change their share of the height
    columns = (cos * x + sin * y + slant * y) / wide + strength * ELASTIC * _smooth_noise(rng, 4)
    rows = -sin * x + cos * y + strength * ELASTIC * _smooth_noise(rng, 4)
    return (columns + middle).astype(np.float32), (rows + middle).astype(np.float32)


def _stretch(y: np.ndarray, amount: float) -> np.ndarray:
    """Rows around the middle, the middle of the digit moved up (amount > 0) or down; top and bottom stay."""
    share = np.clip(2 * y / GLYPH, -1, 1)
    return y + STRETCH * GLYPH * amount * (1 - share**2)


def _smooth_noise(rng: np.random.Generator, knots: int) -> np.ndarray:
    """A surface through knots × knots standard normal heights, (64, 64)."""
    return cv2.resize(rng.standard_normal((knots, knots)), (CANVAS, CANVAS), interpolation=cv2.INTER_CUBIC)


def _normalise(ink: np.ndarray, scale: float, shift: tuple[float, float]) -> np.ndarray:
    """Bring ink (64, 64) in 0..1 to one size and to the middle, as UCI did: bool (32, 32)."""
    rows, columns = np.flatnonzero((ink > 0.5).any(axis=1)), np.flatnonzero((ink > 0.5).any(axis=0))
    height, width = rows[-1] + 1 - rows[0], columns[-1] + 1 - columns[0]
    zoom = scale * BITMAP / max(height, width)
    centre = (columns[0] + width / 2, rows[0] + height / 2)
    # From the bitmap's pixel centres back to the canvas: cv2 measures between pixel centres, we between edges.
    offset = [middle - (BITMAP / 2 + move) / zoom for middle, move in zip(centre, shift, strict=True)]
    matrix = np.array([[1 / zoom, 0, offset[0]], [0, 1 / zoom, offset[1]]]) + [[0, 0, 0.5 / zoom - 0.5]] * 2
    return cv2.warpAffine(ink, matrix, (BITMAP, BITMAP), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP) > 0.5


def _count_blocks(bitmap: np.ndarray) -> np.ndarray:
    blocks = BITMAP // BLOCK
    return bitmap.reshape(blocks, BLOCK, blocks, BLOCK).sum(axis=(1, 3))  # (32, 32) -> (8, 4, 8, 4) -> (8, 8)


@cache
def _pen_distance(font: str, label: int, barred: bool) -> np.ndarray:
    """Pixels to the middle line of the nearest stroke of a font's digit, float32 (64, 64)."""
    from skimage.morphology import skeletonize  # takes a second to import

    line = skeletonize(_glyph(font, label) > 0.5)
    if barred:
        line[CANVAS // 2, CANVAS // 2 - GLYPH // 4 : CANVAS // 2 + GLYPH // 4] = True
    return cv2.distanceTransform((~line).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)


@cache
def _glyph(font: str, label: int) -> np.ndarray:
    """A font's digit, 40 pixels high in the middle of float32 (64, 64) in 0..1."""
    large = Image.fromarray(_hershey(font, label)) if font.startswith("HERSHEY") else _truetype(font, label)
    large = large.crop(large.getbbox())
    size = (round(large.width * GLYPH / large.height), GLYPH)
    canvas = Image.new("L", (CANVAS, CANVAS))
    canvas.paste(large.resize(size, Image.Resampling.BOX), ((CANVAS - size[0]) // 2, (CANVAS - GLYPH) // 2))
    return np.asarray(canvas, dtype=np.float32) / 255


def _truetype(font: str, label: int) -> Image.Image:
    from matplotlib import get_data_path  # half a second to import

    image = Image.new("L", (400, 400))
    path = Path(get_data_path()) / "fonts" / "ttf" / f"{font}.ttf"
    ImageDraw.Draw(image).text((100, 50), str(label), font=ImageFont.truetype(path, 200), fill=255)
    return image


def _hershey(font: str, label: int) -> np.ndarray:
    image = np.zeros((400, 400), dtype=np.uint8)
    scale = 12.0 if font == "HERSHEY_PLAIN" else 6.0
    return cv2.putText(image, str(label), (100, 250), getattr(cv2, f"FONT_{font}"), scale, 255, 14, cv2.LINE_AA)
