"""Paint: colour already multiplied by its alpha, laid over a canvas."""

from __future__ import annotations

import numpy as np
from PIL import Image


def as_paint(image: Image.Image) -> np.ndarray:
    """Paint, float32 (H, W, 4) in 0..1: the colour comes already multiplied by the alpha (Pillow's mode RGBa)."""
    return np.asarray(image, dtype=np.float32) / 255


def paint_over(canvas: np.ndarray, paint: np.ndarray) -> np.ndarray:
    return canvas * (1 - paint[..., 3:]) + paint[..., :3]  # (H, W, 3)
