"""From images to the tensors that a network eats, and the changes of an image that do not change what it shows."""

from collections.abc import Sequence

import numpy as np
import torch
from torchvision.transforms import v2

IMAGENET_MEAN = (0.485, 0.456, 0.406)  # R, G, B of ImageNet's training images, on the scale 0 … 1
IMAGENET_STD = (0.229, 0.224, 0.225)
LITE0_MEAN = (0.5, 0.5, 0.5)  # EfficientNet-Lite0 was trained on values from -1 to 1
LITE0_STD = (0.5, 0.5, 0.5)
_CHUNK = 64  # images resized at a time: bounds the memory beside the result
_SMALLEST_SIDE = 2  # pixels that a crop must leave of a box

DIHEDRAL = range(8)  # the eight ways to lay a square on itself: four quarter turns, each plain or mirrored first


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
    _check_numbers(size, mean, std)
    batch = torch.empty(len(images), 3, size, size, device=getattr(images, "device", None))
    for start in range(0, len(images), _CHUNK):
        pixels = images[start : start + _CHUNK]
        pixels = torch.from_numpy(pixels.copy()) if isinstance(pixels, np.ndarray) else pixels
        pixels = pixels.unsqueeze(1) if pixels.ndim == 3 else pixels.permute(0, 3, 1, 2)  # -> (N, 1 or 3, H, W)
        pixels = v2.functional.resize(pixels.to(torch.float32) / 255, [size, size], antialias=True)
        batch[start : start + _CHUNK] = v2.functional.normalize(pixels.expand(-1, 3, -1, -1), list(mean), list(std))
    return batch


def dihedral(x: torch.Tensor, k: int) -> torch.Tensor:
    """Turn and mirror images; a solar cell, a blood cell or a satellite picture has no upper side.

    Args:
        x: (…, H, W), any dtype.
        k: 0 … 7. The image is mirrored left to right if k ≥ 4, then turned anticlockwise by k mod 4 quarters.

    Returns:
        (…, H, W), or (…, W, H) after an odd number of quarter turns.

    Raises:
        ValueError: if k is another number, or `x` has fewer than two dimensions.

    >>> dihedral(torch.tensor([[1, 2], [3, 4]]), 1)
    tensor([[2, 4],
            [1, 3]])
    """
    if k not in DIHEDRAL:
        raise ValueError(f"Expected `k` to be 0 … 7, but got {k}. There are eight ways to lay a square on itself.")
    if x.ndim < 2:
        raise ValueError(f"Expected `x` to be (…, H, W), but got {tuple(x.shape)}. Reshape it to an image first.")
    return torch.rot90(x.flip(-1) if k >= 4 else x, k % 4, dims=(-2, -1))


def random_dihedral(x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Give each example of a batch its own random one of the eight `dihedral` changes.

    Works on images and on feature maps alike. The examples that draw the same change are changed together.

    Args:
        x: (N, …, S, S), square.
        generator: a generator on the CPU, so that the draws are the same wherever `x` is.

    Returns:
        (N, …, S, S), a new tensor.

    Raises:
        ValueError: if the images are not square, or there is no batch dimension.

    >>> x = torch.arange(8.).reshape(2, 1, 2, 2)
    >>> random_dihedral(x, torch.Generator().manual_seed(0)).shape
    torch.Size([2, 1, 2, 2])
    """
    if x.ndim < 3 or x.shape[-1] != x.shape[-2]:
        raise ValueError(
            f"Expected `x` to be (N, …, S, S) with square images, but got {tuple(x.shape)}. "
            "A quarter turn of an oblong has another shape: crop or resize to a square first."
        )
    draws = torch.randint(len(DIHEDRAL), (len(x),), generator=generator).to(x.device)
    out = torch.empty_like(x)
    for k in DIHEDRAL:
        chosen = draws == k
        out[chosen] = dihedral(x[chosen], k)
    return out


def make_scenes_train(
    size: int, *, mean: Sequence[float] = LITE0_MEAN, std: Sequence[float] = LITE0_STD, smallest_crop: float = 0.5
) -> v2.Compose:
    """Make random crops, scales and colours for images with boxes and masks, which move along.

    There is no mirror image among the changes: no street has a mirrored STOP. An object is dropped, with label
    and mask, if the crop leaves less than 2 pixels of its box in width or height, or nothing of its mask.

    Args:
        size: side of the result, pixels.
        mean: what to subtract from R, G and B, on the scale 0 … 1.
        std: what to divide by then, above 0.
        smallest_crop: the crop covers this share of the image's area, or more, up to all of it; in (0, 1].

    Returns:
        A transform of (image, target) for `datasets.AnnotatedImages`, drawing from PyTorch's global generator.

    Raises:
        ValueError: if an argument is out of its range.
    """
    _check_numbers(size, mean, std)
    if not 0 < smallest_crop <= 1:
        raise ValueError(f"Expected `smallest_crop` in (0, 1], but got {smallest_crop}. It is a share of the area.")
    return v2.Compose(
        [
            v2.RandomResizedCrop(size, scale=(smallest_crop, 1.0), ratio=(0.9, 1.1), antialias=True),
            v2.ColorJitter(brightness=0.3, contrast=0.3, saturation=0.3, hue=0.02),  # little hue: it tells signs apart
            v2.ClampBoundingBoxes(),
            _DropUnseen(),
            *_image_to_numbers(mean, std),
        ]
    )


def make_scenes_eval(size: int, *, mean: Sequence[float] = LITE0_MEAN, std: Sequence[float] = LITE0_STD) -> v2.Compose:
    """Resize and normalise images with boxes and masks; nothing random, and every object stays.

    Args:
        size: side of the result, pixels; the aspect ratio is not kept.
        mean: what to subtract from R, G and B, on the scale 0 … 1.
        std: what to divide by then, above 0.

    Returns:
        A transform of (image, target) for `datasets.AnnotatedImages`.

    Raises:
        ValueError: if an argument is out of its range.
    """
    _check_numbers(size, mean, std)
    return v2.Compose([v2.Resize([size, size], antialias=True), *_image_to_numbers(mean, std)])


class _DropUnseen(torch.nn.Module):
    """Drop objects of which a crop left nothing to see; torchvision's `SanitizeBoundingBoxes` looks at boxes alone."""

    def forward(self, image: torch.Tensor, target: dict[str, torch.Tensor]) -> tuple[torch.Tensor, dict]:
        boxes = target["boxes"]
        seen = ((boxes[:, 2:] - boxes[:, :2]) >= _SMALLEST_SIDE).all(dim=1)
        if "masks" in target:
            seen &= target["masks"].flatten(1).any(dim=1)  # (N, H, W) -> (N, H*W) -> (N,)
        return image, {key: value[seen] for key, value in target.items()}


def _image_to_numbers(mean: Sequence[float], std: Sequence[float]) -> list[v2.Transform]:
    return [
        v2.ToDtype(torch.float32, scale=True),  # changes the image alone
        v2.Normalize(list(mean), list(std)),
    ]


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


def _check_numbers(size: int, mean: Sequence[float], std: Sequence[float]) -> None:
    if not isinstance(size, int) or size < 1:
        raise ValueError(f"Expected `size` to be a whole number of pixels, 1 or more, but got {size!r}. Try 224.")
    if len(mean) != 3 or len(std) != 3 or min(std) <= 0:
        raise ValueError(
            f"Expected `mean` and `std` to be three numbers each, with every std above 0, but got {mean} and {std}. "
            "Networks trained on ImageNet want IMAGENET_MEAN and IMAGENET_STD, EfficientNet-Lite0 those of LITE0."
        )
