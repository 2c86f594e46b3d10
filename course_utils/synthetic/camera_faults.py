"""Cameras that fail: dirt, defocus, stuck exposure, dead lines, a shift of colour, condensation.

A fault changes what is seen, not what is there: annotations stay as they are. The seed is that of the camera, so that
the same dirt lies on the same spot in every frame.
"""

from __future__ import annotations

import cv2
import numpy as np

from course_utils.synthetic.arguments import check_choice, check_count, check_image, check_share

MOST_SPOTS = 22  # of dirt, at full severity
DIRT = (0.16, 0.13, 0.10)  # red, green, blue
WIDEST_DEFOCUS = 0.045  # of the shorter side: radius of the disc that a point becomes
MOST_STOPS = 3.0  # of exposure, either way: a factor of 2 each
MOST_LINES = 0.15  # of all rows, and of all columns
STRONGEST_TINT = 0.65  # share by which a channel is raised or lowered
VEIL = 0.82  # how light breath on the lens is


def add_camera_fault(image: np.ndarray, fault: str, *, severity: float, seed: int) -> np.ndarray:
    """What a failing camera makes of an image.

    Args:
        image: uint8 (H, W, 3) RGB or (H, W) grey.
        fault: One of `CAMERA_FAULTS`.
        severity: 0 (none: a copy) to 1 (the camera should be replaced).
        seed: 0 or more, of the camera: where the dirt lies, which lines are dead, which way light and colour go.

    Returns:
        uint8, of the same shape; in a grey image "colour_shift" shifts the tone.

    Raises:
        ValueError: An argument is out of its range.

    >>> grey = np.full((64, 64), 120, dtype=np.uint8)
    >>> failed = add_camera_fault(grey, "dead_lines", severity=0.5, seed=0)
    >>> failed.shape, bool((failed != grey).any(axis=1).all())
    ((64, 64), True)
    """
    check_image(image, colour=False)
    check_choice("fault", fault, CAMERA_FAULTS)
    check_share("severity", severity)
    check_count("seed", seed, least=0)
    if severity == 0:
        return image.copy()
    seen = image.reshape(*image.shape[:2], -1).astype(np.float32) / 255  # (H, W) -> (H, W, 1)
    failed = _FAULTS[fault](np.random.default_rng(seed), seen, float(severity))
    return np.round(np.clip(failed, 0, 1) * 255).astype(np.uint8).reshape(image.shape)


def _dirt(rng: np.random.Generator, seen: np.ndarray, severity: float) -> np.ndarray:
    """Soft brown spots, always the same for one seed; more and denser ones as severity grows."""
    height, width = seen.shape[:2]
    spots = rng.uniform(0, 1, (MOST_SPOTS, 4))
    y, x = np.mgrid[:height, :width].astype(np.float32)
    clear = np.ones((height, width), dtype=np.float32)
    for down, across, large, dense in spots[: 2 + round((MOST_SPOTS - 2) * severity)]:
        radius = min(height, width) * (0.03 + 0.13 * large**2)
        far = np.hypot(y - down * height, x - across * width) / radius
        clear *= 1 - severity * (0.6 + 0.4 * dense) * np.clip(1.6 - far, 0, 1)
    return _blend(_matching(DIRT, seen), seen, clear)


def _defocus(rng: np.random.Generator, seen: np.ndarray, severity: float) -> np.ndarray:
    """Every point becomes an even disc."""
    radius = severity * WIDEST_DEFOCUS * min(seen.shape[:2])
    reach = int(np.ceil(radius))
    far = np.hypot(*np.mgrid[-reach : reach + 1, -reach : reach + 1])
    disc = np.clip(radius - far + 0.5, 0, 1)
    return cv2.filter2D(seen, -1, disc / disc.sum(), borderType=cv2.BORDER_REFLECT).reshape(seen.shape)


def _stuck_exposure(rng: np.random.Generator, seen: np.ndarray, severity: float) -> np.ndarray:
    """Much too bright, or much too dark."""
    return seen * 2.0 ** (rng.choice((-1, 1)) * MOST_STOPS * severity)


def _dead_lines(rng: np.random.Generator, seen: np.ndarray, severity: float) -> np.ndarray:
    """Rows and columns of the sensor that give black or white, whatever they see."""
    failed = seen.copy()
    for axis in (0, 1):
        length = seen.shape[axis]
        dead = rng.permutation(length)[: max(1, round(MOST_LINES * severity * length))]
        np.moveaxis(failed, axis, 0)[dead] = rng.integers(0, 2, length)[dead, None, None]
    return failed


def _colour_shift(rng: np.random.Generator, seen: np.ndarray, severity: float) -> np.ndarray:
    """One colour channel too strong, another too weak."""
    factors = rng.permutation([1 - STRONGEST_TINT * severity, 1.0, 1 + STRONGEST_TINT * severity])
    return seen * np.float32(factors if seen.shape[2] == 3 else factors.min())


def _condensation(rng: np.random.Generator, seen: np.ndarray, severity: float) -> np.ndarray:
    """Breath on the lens: a blurred, milky patch that grows until it covers everything."""
    height, width = seen.shape[:2]
    cloud = cv2.resize(rng.uniform(0, 1, (4, 4)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    misted = np.clip((0.3 + 1.9 * severity - cloud) / 0.6, 0, 1) * (0.35 + 0.65 * severity)
    blurred = cv2.GaussianBlur(seen, (0, 0), 0.03 * min(height, width)).reshape(seen.shape)
    milky = 0.45 * blurred + 0.55 * VEIL * (0.4 + 0.6 * blurred.mean())
    return _blend(milky, seen, 1 - misted)


def _matching(colour: tuple[float, float, float], seen: np.ndarray) -> np.ndarray:
    """A colour for an image of as many channels."""
    return np.array(colour if seen.shape[2] == 3 else [np.mean(colour)], dtype=np.float32)


def _blend(other: np.ndarray, seen: np.ndarray, share: np.ndarray) -> np.ndarray:
    return seen * share[..., None] + other * (1 - share[..., None])


_FAULTS = {
    "dirt": _dirt,
    "defocus": _defocus,
    "stuck_exposure": _stuck_exposure,
    "dead_lines": _dead_lines,
    "colour_shift": _colour_shift,
    "condensation": _condensation,
}
CAMERA_FAULTS = tuple(_FAULTS)
