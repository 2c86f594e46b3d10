"""Street scenes with traffic signs, drawn by us over real photographs, whose truth is known to the pixel.

A scene is one of scikit-image's bundled photographs, seen through translucent paint (sky, houses, pavement, road), with signs
of six classes in front. Class, box, mask and instance come from the paint itself, so no annotator was needed and none erred.
Training, validation and test scenes use different photographs. Every pixel follows from (seed, part, index).
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFilter
from skimage import data

from course_utils.annotations import ImageAnnotations

CLASSES = ("stop", "speed", "danger", "priority", "crossing", "ahead")
PHOTOGRAPHS = {  # names in skimage.data; no photograph serves two parts
    "train": ("brick", "camera", "moon", "rocket", "stereo_motorcycle"),
    "validation": ("chelsea", "gravel"),
    "test": ("coffee", "grass"),
}

SMALLEST_SCENE = 64  # pixels; below, a far sign has no pictogram left
SIGN_SIDE = (0.10, 0.35)  # share of the scene's side: 16 to 56 pixels at 160
SUPERSAMPLING = 4  # signs are drawn this many times larger, then averaged down
VISIBLE_SHARE = 0.6  # a nearer sign may hide at most the rest of a farther one
TRIES = 8  # places tried for a sign before it is left out

RED, BLUE, YELLOW, WHITE, BLACK = (190, 24, 36), (20, 82, 170), (248, 190, 20), (246, 246, 242), (24, 24, 26)


def make_scenes(
    n: int, *, seed: int, size: int = 160, part: str = "train", max_signs: int = 3
) -> list[tuple[np.ndarray, ImageAnnotations]]:
    """Draw n street scenes; scene i depends on (seed, part, i) and not on n.

    Args:
        n: How many, 0 or more.
        seed: 0 or more.
        size: Side of the square scene, pixels, 64 or more. Signs have sides of 10 to 35 % of it.
        part: "train", "validation" or "test": which photographs stand behind the street.
        max_signs: 1 to this many signs are tried in each scene; 0 gives empty streets.

    Returns:
        n pairs: image uint8 (size, size, 3) RGB, and annotations with disjoint masks of what is *visible* of each sign
        (drawn alpha of at least one half, less what nearer signs and poles hide), far signs first.

    Raises:
        ValueError: An argument is out of its range.

    >>> scenes = make_scenes(2, seed=0, size=64)
    >>> [(image.shape, len(truth)) for image, truth in scenes]  # doctest: +SKIP
    """
    _check_count("n", n, least=0)
    return [_make_scene((seed, index), size=size, part=part, max_signs=max_signs) for index in range(n)]
