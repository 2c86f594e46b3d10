"""Random changes of a whole batch, in which every example has its own draw, on whatever device the batch is.

`torchvision.transforms.v2` gives all the images of a batch that it gets the same change. A loop over single images
costs Python time for each; here a batch takes a few operations, whatever its size.
"""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F

DIHEDRAL = range(8)  # the eight ways to lay a square on itself: four quarter turns, each plain or mirrored first


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
    draws = torch.randint(len(DIHEDRAL), (len(x),), generator=generator)
    order, counts = draws.argsort(stable=True), draws.bincount(minlength=len(DIHEDRAL)).tolist()
    groups = x[order.to(x.device)].split(counts)  # who changes how is known here: an accelerator need not be asked
    changed = torch.cat([dihedral(group, k) for k, group in zip(DIHEDRAL, groups, strict=True)])
    return changed[order.argsort().to(x.device)]


def affine_each(
    images: torch.Tensor,
    *,
    degrees: torch.Tensor,
    shifts: torch.Tensor,
    scales: torch.Tensor,
    padding: str = "reflection",
) -> torch.Tensor:
    """Turn, enlarge and shift each image about its centre by its own amounts, bilinearly.

    The same as `torchvision.transforms.v2.functional.affine` image by image, where `padding` is "zeros".

    Args:
        images: float (N, C, H, W).
        degrees: (N,), clockwise.
        shifts: (N, 2), pixels to the right and down, after turning.
        scales: (N,), above 0; 2 shows everything twice as large.
        padding: what stands where there was no image: "reflection", "border" (the outermost pixel) or "zeros".

    Returns:
        (N, C, H, W), a new tensor.

    Raises:
        ValueError: a shape does not fit, or a scale is not above 0.

    >>> image = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> amounts = {"degrees": torch.tensor([90.0]), "shifts": torch.zeros(1, 2), "scales": torch.ones(1)}
    >>> affine_each(image, **amounts).round()
    tensor([[[[3., 1.],
              [4., 2.]]]])
    """
    _check_amounts(images, degrees, shifts, scales)
    if len(images) == 0:
        return images.clone()
    height, width = images.shape[-2:]
    radians = degrees * (math.pi / 180)
    cos, sin = torch.cos(radians) / scales, torch.sin(radians) / scales  # (N,)
    right, down = shifts.unbind(dim=1)
    # For each pixel of the result: where in the image it comes from, in coordinates from -1 to 1 along each axis.
    from_x = torch.stack([cos, sin * height / width, -(cos * right + sin * down) * 2 / width], dim=1)
    from_y = torch.stack([-sin * width / height, cos, (sin * right - cos * down) * 2 / height], dim=1)
    theta = torch.stack([from_x, from_y], dim=1).to(images)  # (N, 2, 3)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)  # (N, H, W, 2)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode=padding, align_corners=False)


def random_affine(
    images: torch.Tensor, generator: torch.Generator, *, degrees: float = 10.0, shift: float = 0.05, zoom: float = 0.1
) -> torch.Tensor:
    """Turn, shift and enlarge each image by its own small random amounts; what is bared at the border is mirrored.

    Args:
        images: float (N, C, H, W).
        generator: a generator on the CPU.
        degrees: largest turn to either side.
        shift: largest shift along each axis, as a share of the image's side.
        zoom: largest share by which the image grows or shrinks, below 1.

    Returns:
        (N, C, H, W), a new tensor.

    Raises:
        ValueError: a shape or an amount does not fit.

    >>> random_affine(torch.zeros(2, 1, 8, 8), torch.Generator().manual_seed(0)).shape
    torch.Size([2, 1, 8, 8])
    """
    if min(degrees, shift, zoom) < 0 or zoom >= 1:
        raise ValueError(
            f"Expected `degrees`, `shift` and `zoom` of at least 0, `zoom` below 1, but got {degrees}, {shift}, {zoom}."
            " They are the largest amounts, to either side."
        )
    draws = 2 * torch.rand(4, len(images), generator=generator) - 1  # in [-1, 1)
    sides = torch.tensor([images.shape[-1], images.shape[-2]])
    amounts = {"degrees": draws[0] * degrees, "shifts": draws[1:3].T * shift * sides, "scales": 1 + draws[3] * zoom}
    return affine_each(images, **{name: amount.to(images.device) for name, amount in amounts.items()})


def random_tone(
    images: torch.Tensor, generator: torch.Generator, *, brightness: float = 0.2, contrast: float = 0.3
) -> torch.Tensor:
    """Give each image its own random brightness and contrast; nothing is cut off at black or white.

    Args:
        images: float (N, C, H, W), on any scale, normalised ones too.
        generator: a generator on the CPU.
        brightness: largest amount that is added or subtracted, on the scale of the images.
        contrast: largest share by which the distance of the pixels from their mean grows or shrinks.

    Returns:
        (N, C, H, W), a new tensor.

    Raises:
        ValueError: an amount is negative, or the images have no batch and channel dimension.

    >>> random_tone(torch.zeros(2, 1, 8, 8), torch.Generator().manual_seed(0), brightness=0.0)[0, 0, 0, 0]
    tensor(0.)
    """
    if images.ndim != 4 or min(brightness, contrast) < 0:
        raise ValueError(
            "Expected `images` to be (N, C, H, W), `brightness` and `contrast` at least 0, but got "
            f"{tuple(images.shape)}, {brightness} and {contrast}. A single image needs `image[None]`."
        )
    draws = (2 * torch.rand(2, len(images), 1, 1, 1, generator=generator) - 1).to(images)
    mean = images.mean(dim=(1, 2, 3), keepdim=True)  # (N, 1, 1, 1)
    return mean + (images - mean) * (1 + draws[1] * contrast) + draws[0] * brightness


def drawn_from(transform: Callable, generator: torch.Generator) -> Callable:
    """Let a transform of torchvision draw from a generator of our own, where it knows PyTorch's global one alone.

    So MixUp, CutMix, RandAugment and the rest repeat with their seed, whatever else draws random numbers meanwhile,
    and the global generator is left as it was.

    Args:
        transform: takes anything, such as `v2.MixUp(num_classes=4)`.
        generator: a generator on the CPU; each call takes one number from it.

    Returns:
        A function of the same arguments and result.

    >>> from torchvision.transforms import v2
    >>> mix = drawn_from(v2.MixUp(alpha=0.4, num_classes=3), torch.Generator().manual_seed(0))
    >>> images, targets = mix(torch.rand(4, 1, 8, 8), torch.tensor([0, 1, 2, 0]))
    >>> targets.shape, targets.sum(dim=1)
    (torch.Size([4, 3]), tensor([1., 1., 1., 1.]))
    """

    def call(*inputs):
        seed = int(torch.randint(2**62, (), generator=generator))
        devices = [torch.cuda.current_device()] if torch.cuda.is_initialized() else []
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(seed)
            return transform(*inputs)

    return call


def mixed_in_batches(
    transform: Callable,
    images: torch.Tensor,
    targets: torch.Tensor,
    generator: torch.Generator,
    *,
    batch_size: int = 32,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Shuffle examples and mix them batch by batch, each batch with its own draw: a mixed version of a whole set.

    Args:
        transform: of (images, targets), such as `v2.MixUp(alpha=0.4)` or `v2.CutMix()`.
        images: (N, C, H, W).
        targets: shares (N, K), or class indices (N,) where the transform knows `num_classes`.
        generator: a generator on the CPU; shuffles, and draws for the transform.
        batch_size: examples that are partners of one another; the last batch may be smaller.

    Returns:
        Mixed images (N, C, H, W) and shares (N, K), in the shuffled order.

    Raises:
        ValueError: there is no example.

    >>> chance = torch.Generator().manual_seed(0)
    >>> images, shares = mixed_in_batches(lambda x, y: (x, y), torch.arange(3), torch.eye(3), chance)
    >>> torch.equal(shares.argmax(dim=1), images), images.sort().values.tolist()
    (True, [0, 1, 2])
    """
    if len(images) == 0:
        raise ValueError("Expected at least one example to mix, but got none. Is the split empty?")
    order, mix = torch.randperm(len(images), generator=generator), drawn_from(transform, generator)
    mixed = [mix(images[index], targets[index]) for index in order.split(batch_size)]
    return torch.cat([image for image, _ in mixed]), torch.cat([target for _, target in mixed])


def on_each(transform: Callable, images: torch.Tensor) -> torch.Tensor:
    """Apply a transform image by image, so that each has its own draw: right, and slow.

    Args:
        transform: of one image (C, H, W); all results must be of one shape.
        images: (N, C, H, W), N of at least 1.

    Returns:
        (N, …), the results.

    Raises:
        ValueError: there is no image.

    >>> on_each(lambda image: image.flip(-1), torch.arange(4).reshape(2, 1, 1, 2)).flatten().tolist()
    [1, 0, 3, 2]
    """
    if len(images) == 0:
        raise ValueError("Expected at least one image, but got none. Which shape the results have is then unknown.")
    return torch.stack([transform(image) for image in images])


def _check_amounts(images: torch.Tensor, degrees: torch.Tensor, shifts: torch.Tensor, scales: torch.Tensor) -> None:
    n = len(images)
    got = tuple(tuple(value.shape) for value in (images, degrees, shifts, scales))
    if images.ndim != 4 or got[1:] != ((n,), (n, 2), (n,)):
        raise ValueError(
            "Expected `images` to be (N, C, H, W), `degrees` (N,), `shifts` (N, 2) and `scales` (N,), but got "
            f"{', '.join(map(str, got))}. Each image has amounts of its own; repeat one by `torch.full((n,), amount)`."
        )
    if not (scales > 0).all():
        raise ValueError(f"Expected every scale to be above 0, but got {scales.min().item()}. 1 leaves the size.")
