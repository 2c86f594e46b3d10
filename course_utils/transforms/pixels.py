"""From images as they are stored to the tensors that a network eats: scaled, resized, normalised."""

from collections.abc import Sequence

import numpy as np
import torch
from torchvision.transforms import v2

IMAGENET_MEAN = (0.485, 0.456, 0.406)  # R, G, B of ImageNet's training images, on the scale 0 … 1
IMAGENET_STD = (0.229, 0.224, 0.225)
LITE0_MEAN = (0.5, 0.5, 0.5)  # EfficientNet-Lite0 was trained on values from -1 to 1
LITE0_STD = (0.5, 0.5, 0.5)
_CHUNK = 64  # images resized at a time: bounds the memory beside the result


def to_batch(
    images: np.ndarray | torch.Tensor, *, size: int, mean: Sequence[float], std: Sequence[float]
) -> torch.Tensor:
    """Turn images as they are stored into a batch for a network: scaled, resized, normalised, channels first.

    Resizing is bilinear with antialiasing, on floats: each new pixel is a weighted mean of *all* pixels that it covers.
    The aspect ratio is not kept.

    Args:
        images: uint8, grey (N, H, W) or RGB (N, H, W, 3), 0 … 255; a grey image fills three equal channels.
        size: side of the result, pixels.
        mean: what to subtract from R, G and B, on the scale 0 … 1, e.g. `LITE0_MEAN`.
        std: what to divide by then, above 0, e.g. `LITE0_STD`.

    Returns:
        float32 (N, 3, size, size); 12 · size² bytes an image, so 2,624 images of 224 pixels take 1.6 GB. Convert them
        batch by batch where that is too much.

    Raises:
        TypeError: if `images` is not uint8.
        ValueError: if a shape, the size, or mean and std do not fit.

    >>> batch = to_batch(np.full((2, 30, 40), 255, np.uint8), size=8, mean=LITE0_MEAN, std=LITE0_STD)
    >>> batch.shape, round(batch.min().item(), 5)
    (torch.Size([2, 3, 8, 8]), 1.0)
    """
    _check_images(images)
    check_numbers(size, mean, std)
    batch = torch.empty(len(images), 3, size, size, device=getattr(images, "device", None))
    for start in range(0, len(images), _CHUNK):
        pixels = images[start : start + _CHUNK]
        pixels = torch.from_numpy(pixels.copy()) if isinstance(pixels, np.ndarray) else pixels
        pixels = pixels.unsqueeze(1) if pixels.ndim == 3 else pixels.permute(0, 3, 1, 2)  # -> (N, 1 or 3, H, W)
        pixels = v2.functional.resize(pixels.to(torch.float32) / 255, [size, size], antialias=True)
        batch[start : start + _CHUNK] = v2.functional.normalize(pixels.expand(-1, 3, -1, -1), list(mean), list(std))
    return batch


def _check_images(images: np.ndarray | torch.Tensor) -> None:
    if images.dtype not in (np.uint8, torch.uint8):
        raise TypeError(
            f"Expected `images` to be uint8, 0 … 255, but got {images.dtype}. "
            "Floats from 0 to 1 become uint8 by `(images * 255).round().astype('uint8')`."
        )
    shape = tuple(images.shape)
    if not (len(shape) == 3 or (len(shape) == 4 and shape[3] == 3)) or 0 in shape[1:]:
        raise ValueError(
            f"Expected `images` to be (N, H, W) or (N, H, W, 3), but got {shape}. "
            "A single image needs `images[None]`; channels come last here."
        )


def check_numbers(size: int, mean: Sequence[float], std: Sequence[float]) -> None:
    """Raise ValueError unless size, mean and std can be those of a network's input."""
    if not isinstance(size, int) or size < 1:
        raise ValueError(f"Expected `size` to be a whole number of pixels, 1 or more, but got {size!r}. Try 224.")
    if len(mean) != 3 or len(std) != 3 or min(std) <= 0:
        raise ValueError(
            f"Expected `mean` and `std` to be three numbers each, with every std above 0, but got {mean} and {std}. "
            "Networks trained on ImageNet want IMAGENET_MEAN and IMAGENET_STD, EfficientNet-Lite0 those of LITE0."
        )
