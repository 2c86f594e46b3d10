"""Images and their class maps changed together, a draw of its own for every example, on whatever device they are."""

import torch
import torch.nn.functional as F


def random_crops(
    images: torch.Tensor,
    maps: torch.Tensor,
    generator: torch.Generator,
    *,
    size_hw: tuple[int, int],
    zoom: tuple[float, float] = (0.5, 2.0),
    unlabelled: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Enlarge or shrink each example by its own factor, mirror half of them, and cut out a window at a random place.

    The image is resampled bilinearly; the map takes the class of the nearest pixel, since a class of 1.5 does not
    exist. Where the window reaches beyond a shrunken image, the image is mirrored there and its pixels are unlabelled.

    Args:
        images: float (N, C, H, W).
        maps: int64 (N, H, W), class indices.
        generator: a generator on the CPU, so that the draws are the same wherever the images are.
        size_hw: height and width of the window, pixels.
        zoom: smallest and largest factor, drawn evenly on a logarithmic scale; above 0.
        unlabelled: value of map pixels without a class.

    Returns:
        Images (N, C, *size_hw) and maps (N, *size_hw).

    Raises:
        ValueError: images and maps do not belong together, or a factor is not above 0.

    >>> images, maps = torch.zeros(2, 3, 8, 12), torch.zeros(2, 8, 12, dtype=torch.int64)
    >>> chance = torch.Generator().manual_seed(0)
    >>> [tuple(one.shape) for one in random_crops(images, maps, chance, size_hw=(4, 6), unlabelled=255)]
    [(2, 3, 4, 6), (2, 4, 6)]
    """
    if images.ndim != 4 or maps.shape != (len(images), *images.shape[2:]) or not 0 < zoom[0] <= zoom[1]:
        raise ValueError(
            "Expected `images` (N, C, H, W), `maps` (N, H, W) and factors 0 < least ≤ most, but got "
            f"{tuple(images.shape)}, {tuple(maps.shape)} and {zoom}. One map an image, of the same height and width."
        )
    theta = _windows(len(images), images.shape[-2:], size_hw, zoom, generator).to(images)
    grid = F.affine_grid(theta, [len(images), 1, *size_hw], align_corners=False)  # (N, h, w, 2)
    seen = F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    # Classes are small whole numbers, exact in floating point. Counted from 1, 0 is left for what lies outside.
    classes = F.grid_sample(maps[:, None].to(images) + 1, grid, mode="nearest", align_corners=False)[:, 0]
    classes = classes.round().long() - 1
    return seen, classes.where(classes >= 0, unlabelled)


def _windows(
    n: int, from_hw: tuple[int, int], size_hw: tuple[int, int], zoom: tuple[float, float], generator: torch.Generator
) -> torch.Tensor:
    """From n random windows to the image, (n, 2, 3), in coordinates from -1 to 1 along x and y."""
    least, most = torch.tensor(zoom).log()
    factor = (least + (most - least) * torch.rand(n, generator=generator)).exp()  # (n,)
    mirror = 1 - 2 * torch.randint(2, (n,), generator=generator)  # (n,): 1 or -1
    share = torch.tensor(size_hw) / (factor[:, None] * torch.tensor(from_hw))  # (n, 2): window over image, y and x
    # The window's middle stays where all of it is inside the image, or in the image's middle where it is larger.
    middle = (1 - share).clamp(min=0) * (2 * torch.rand(n, 2, generator=generator) - 1)  # (n, 2)
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0], theta[:, 0, 2] = share[:, 1] * mirror, middle[:, 1]
    theta[:, 1, 1], theta[:, 1, 2] = share[:, 0], middle[:, 0]
    return theta


def random_tint(images: torch.Tensor, generator: torch.Generator, *, strength: float = 0.4) -> torch.Tensor:
    """Make red, green and blue of each image brighter or darker by factors of its own: another light, another camera.

    Args:
        images: uint8 (N, 3, H, W).
        generator: a generator on the CPU.
        strength: largest logarithm of a factor, at least 0; 0.4 makes a colour darker by a third to brighter by half.

    Returns:
        uint8 (N, 3, H, W), a new tensor, in the memory layout of the images.

    Raises:
        ValueError: the images are not uint8 (N, 3, H, W), or the strength is negative.

    >>> grey = torch.full((1, 3, 1, 1), 100, dtype=torch.uint8)
    >>> random_tint(grey, torch.Generator().manual_seed(0)).flatten().tolist()
    [100, 124, 72]
    """
    if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] != 3 or strength < 0:
        raise ValueError(
            f"Expected uint8 `images` (N, 3, H, W) and `strength` of at least 0, but got {images.dtype} "
            f"{tuple(images.shape)} and {strength}. Change the tone before the images are normalised."
        )
    factors = (strength * (2 * torch.rand(len(images), 3, 1, 1, generator=generator) - 1)).exp().to(images.device)
    return (images * factors).round().clamp(0, 255).to(torch.uint8)
