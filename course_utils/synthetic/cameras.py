"""Cameras that see one street each in their own way: colour, noise, sharpness, vignetting, JPEG.

A camera changes how a scene looks and never where anything is, so the annotations hold for every camera.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from course_utils.synthetic.arguments import check_count, check_image

READ_NOISE = 0.004  # of full scale at gain 1: noise of the electronics, alike in light and shadow
SHOT_NOISE = 0.010  # of full scale at gain 1 in full light: photons come one by one, noise grows with their root


@dataclass(frozen=True)
class Camera:
    """How a camera sees.

    Args:
        name: For tables and captions.
        white_balance: Factors for red, green, blue; (1, 1, 1) is neutral.
        exposure: Factor of the light, 1 as metered.
        gamma: Exponent of the tone curve; above 1 darkens the middle tones, below 1 lifts them.
        gain: Amplification and with it noise, relative to a clean camera of 1; 0 has no noise at all.
        blur: Standard deviation of the lens's blur, pixels at 160.
        vignetting: Share of the light lost in the corners, 0 to 1.
        resolution: Side of the sensor over the side of the image it hands out; below 1 it is interpolated, 1 or less.
        sharpening: How much of what a blur removes is added again; 0.5 is visible, 1.5 makes halos.
        jpeg_quality: 1 to 100; None stores without loss.

    Raises:
        ValueError: A field is out of its range.
    """

    name: str
    white_balance: tuple[float, float, float] = (1.0, 1.0, 1.0)
    exposure: float = 1.0
    gamma: float = 1.0
    gain: float = 1.0
    blur: float = 0.4
    vignetting: float = 0.0
    resolution: float = 1.0
    sharpening: float = 0.0
    jpeg_quality: int | None = None

    def __post_init__(self) -> None:
        limits = {"exposure": (0.05, 20), "gamma": (0.2, 5), "gain": (0, 50), "blur": (0, 10), "vignetting": (0, 1)}
        for field, (least, most) in (limits | {"resolution": (0.1, 1), "sharpening": (0, 5)}).items():
            self._check(field, getattr(self, field), least, most)
        if self.jpeg_quality is not None:
            self._check("jpeg_quality", self.jpeg_quality, 1, 100)
        if len(self.white_balance) != 3 or not all(0.1 <= factor <= 10 for factor in self.white_balance):
            raise ValueError(
                f"Expected `white_balance` to be three factors from 0.1 to 10, but got {self.white_balance!r}. "
                "They multiply red, green and blue; (1, 1, 1) is neutral."
            )

    def _check(self, field: str, value: float, least: float, most: float) -> None:
        if not isinstance(value, (int, float)) or not least <= value <= most:
            raise ValueError(
                f"Expected `{field}` to be from {least} to {most}, but got {value!r}. "
                "Start from one of CAMERAS with dataclasses.replace."
            )


CAMERAS = {
    camera.name: camera
    for camera in (
        Camera("reference"),
        Camera("phone", (1.06, 1.0, 0.93), 1.1, 0.9, 1.5, 0.3, 0.1, 1.0, 1.2, 80),  # warm, bright, sharpened
        Camera("dashcam", (0.9, 1.0, 1.08), 0.9, 1.1, 3.0, 0.7, 0.35, 0.75, 0.4, 45),  # cool, noisy, hard JPEG
        Camera("old_webcam", (1.0, 1.08, 0.86), 0.85, 0.85, 5.0, 0.9, 0.25, 0.5, 0.0, 30),  # greenish, coarse
    )
}


def apply_camera(image: np.ndarray, camera: Camera, *, seed: int) -> np.ndarray:
    """Take a picture of a picture with another camera.

    Args:
        image: uint8 (H, W, 3) RGB.
        camera: One of `CAMERAS.values()`, or your own.
        seed: 0 or more; decides the noise alone.

    Returns:
        uint8 (H, W, 3) RGB.

    Raises:
        ValueError: Not such an image, or a negative seed.

    >>> grey = np.full((64, 64, 3), 120, dtype=np.uint8)
    >>> seen = apply_camera(grey, CAMERAS["phone"], seed=0)
    >>> seen.shape, bool(seen[..., 0].mean() > seen[..., 2].mean())
    ((64, 64, 3), True)
    """
    check_image(image, colour=True)
    check_count("seed", seed, least=0)
    return take_picture(np.random.default_rng(seed), image.astype(np.float32) / 255, camera)


def take_picture(rng: np.random.Generator, light: np.ndarray, camera: Camera) -> np.ndarray:
    """What the camera stores, uint8 (H, W, 3), of light float32 (H, W, 3), where 1 is white."""
    scale = light.shape[0] / 160  # blur is given for scenes of 160 pixels
    seen = light * _lens_light(light.shape[:2], camera.vignetting) * np.float32(camera.exposure)
    seen = np.minimum(seen * np.array(camera.white_balance, dtype=np.float32), 1)
    if camera.blur:
        seen = cv2.GaussianBlur(seen, (0, 0), max(camera.blur * scale, 0.1))
    if camera.resolution < 1:
        seen = cv2.resize(seen, None, fx=camera.resolution, fy=camera.resolution, interpolation=cv2.INTER_AREA)
    if camera.gain:
        seen = _add_noise(rng, seen, camera.gain)
    if camera.resolution < 1:
        seen = cv2.resize(seen, light.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    if camera.gamma != 1:
        seen = cv2.pow(seen, camera.gamma)
    if camera.sharpening:
        seen = seen + camera.sharpening * (seen - cv2.GaussianBlur(seen, (0, 0), 1.0 * scale))
    stored = np.round(np.clip(seen, 0, 1) * 255).astype(np.uint8)
    return stored if camera.jpeg_quality is None else _through_jpeg(stored, camera.jpeg_quality)


def _add_noise(rng: np.random.Generator, seen: np.ndarray, gain: float) -> np.ndarray:
    spread = cv2.sqrt(np.float32(READ_NOISE**2 * gain**2) + np.float32(SHOT_NOISE**2 * gain) * np.maximum(seen, 0))
    noisy = seen + spread * rng.standard_normal(seen.shape, dtype=np.float32)
    return np.clip(noisy, 0, 1)


@lru_cache(maxsize=16)
def _lens_light(size_hw: tuple[int, int], vignetting: float) -> np.ndarray:
    """Share of the light that reaches each pixel, float32 (H, W, 1)."""
    y, x = (np.linspace(-1, 1, side, dtype=np.float32) for side in size_hw)
    return (1 - vignetting * (y[:, None] ** 2 + x**2) / 2)[..., None]


def _through_jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    _, stored = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(quality)])
    return np.ascontiguousarray(cv2.imdecode(stored, cv2.IMREAD_COLOR)[..., ::-1])
