"""U-Net: an encoder that makes maps of many sizes, and a decoder that puts them together again at full size.

`UNet` takes any encoder with `channels`, from the finest map to the coarsest, that returns a list of maps:

- `PlainEncoder`: pairs of convolutions and pooling, as in the paper; starts from random values.
- `Lite0Encoder`: EfficientNet-Lite0 with its ImageNet weights, cut into five stages.

Every network here takes images of any size; sizes that do not halve evenly are rounded up on the way down. Where the
encoder stays as it is, its maps can be computed once: `stored_maps` packs them into one tensor, `OnStoredMaps` learns
from it.
"""

import functools
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F

from course_utils.models.classic import conv_block
from course_utils.models.lite0 import load_lite0

DECODER_WIDTHS = (256, 128, 64, 32)  # channels of the decoder for `Lite0Encoder`, from coarse to fine


def _pair(in_channels: int, out_channels: int) -> nn.Sequential:
    """Two convolutions 3 × 3: (B, in, H, W) → (B, out, H, W)."""
    return nn.Sequential(conv_block(in_channels, out_channels), conv_block(out_channels, out_channels))


class PlainEncoder(nn.Module):
    """The left half of the U: pairs of convolutions, with pooling between them.

    Args:
        widths: Channels of the maps, from fine to coarse; each is half as high and wide as the one before.
        in_channels: Channels C of the images.

    Reference:
        Ronneberger et al., U-Net, MICCAI 2015, https://arxiv.org/abs/1505.04597

    >>> [tuple(one.shape) for one in PlainEncoder((8, 16, 32))(torch.zeros(2, 3, 32, 32))]
    [(2, 8, 32, 32), (2, 16, 16, 16), (2, 32, 8, 8)]
    """

    def __init__(self, widths: Sequence[int] = (32, 64, 128, 256), *, in_channels: int = 3):
        super().__init__()
        self.channels = tuple(widths)
        self.stages = nn.ModuleList(_pair(a, b) for a, b in pairwise((in_channels, *widths)))

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Images (B, C, H, W) → maps (B, widths[i], ⌈H / 2^i⌉, ⌈W / 2^i⌉)."""
        maps = [self.stages[0](images)]
        for stage in self.stages[1:]:
            maps.append(stage(F.max_pool2d(maps[-1], 2, ceil_mode=True)))
        return maps


class Lite0Encoder(nn.Module):
    """EfficientNet-Lite0 without its head, as five stages, each of which halves the map.

    Args:
        pretrained: Start from the ImageNet weights, whose images are normalised with 0.5 and 0.5.
        with_image: Put the image itself before the five maps, so that a decoder can go back to full size.
        output_stride: Pixels of the image to a step of the coarsest map: 32 as trained, or 16 or 8, where the last one
            or two stages do not halve the map but put gaps between the weights of their convolutions (dilation).

    Raises:
        ValueError: `output_stride` is not 8, 16 or 32.

    >>> [tuple(one.shape[1:]) for one in Lite0Encoder(pretrained=False)(torch.zeros(1, 3, 64, 96))[2:]]
    [(40, 8, 12), (112, 4, 6), (320, 2, 3)]
    """

    def __init__(self, *, pretrained: bool = True, with_image: bool = False, output_stride: int = 32):
        super().__init__()
        if output_stride not in (8, 16, 32):
            raise ValueError(f"Expected `output_stride` of 8, 16 or 32, but got {output_stride}. 32 is as trained.")
        self.with_image = with_image
        self.channels = (*((3,) if with_image else ()), 16, 24, 40, 112, 320)
        network = load_lite0(pretrained=pretrained)
        blocks = network.blocks
        self.stages = nn.ModuleList(
            [
                nn.Sequential(network.conv_stem, network.bn1, blocks[0]),  # (B, 3, H, W) → (B, 16, H/2, W/2)
                blocks[1],  # → (B, 24, H/4, W/4)
                blocks[2],  # → (B, 40, H/8, W/8)
                blocks[3:5],  # → (B, 112, H/16, W/16)
                blocks[5:7],  # → (B, 320, H/32, W/32)
            ]
        )
        gaps = {32: {}, 16: {4: 2}, 8: {3: 2, 4: 4}}[output_stride]
        for stage, dilation in gaps.items():
            _dilate(self.stages[stage], dilation)

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Images (B, 3, H, W) → maps from fine to coarse, with the channels of `channels`."""
        maps = [images]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        return maps if self.with_image else maps[1:]


def _dilate(stage: nn.Module, dilation: int) -> None:
    """Take the stride out of a stage, in place, and put gaps into its kernels so that they meet what they met before.

    Up to the layer that had the stride, the map has grown by half of the dilation; after it, by all of it.
    """
    gap = dilation // 2
    for layer in stage.modules():
        if isinstance(layer, nn.Conv2d) and layer.kernel_size != (1, 1):
            layer.dilation = (gap, gap)
            if layer.stride == (1, 1):
                layer.padding = tuple(gap * (side // 2) for side in layer.kernel_size)
            else:  # timm's layer with a stride pads by itself
                layer.stride, gap = (1, 1), dilation


class UNetDecoder(nn.Module):
    """The right half of the U: enlarge the coarse map, lay the finer one beside it, convolve; and so on.

    Args:
        channels: Channels of the encoder's maps, from fine to coarse.
        widths: Channels after each step, from coarse to fine; one fewer than maps.

    Raises:
        ValueError: There is not one width a step.

    >>> maps = [torch.zeros(2, 8, 32, 32), torch.zeros(2, 16, 16, 16), torch.zeros(2, 32, 8, 8)]
    >>> UNetDecoder((8, 16, 32), (16, 8))(maps).shape
    torch.Size([2, 8, 32, 32])
    """

    def __init__(self, channels: Sequence[int], widths: Sequence[int]):
        super().__init__()
        if len(widths) != len(channels) - 1 or not len(widths):
            raise ValueError(
                f"Expected one width fewer than maps, but got {tuple(widths)} for maps of {tuple(channels)} channels. "
                "Each step joins the coarse map with the next finer one."
            )
        coarse = [channels[-1], *widths]
        skips = channels[-2::-1]
        self.steps = nn.ModuleList(
            _pair(a + skip, b) for a, skip, b in zip(coarse[:-1], skips, coarse[1:], strict=True)
        )

    def forward(self, maps: list[torch.Tensor]) -> torch.Tensor:
        """Maps from fine to coarse → (B, widths[-1], H, W), with the size of the finest."""
        x = maps[-1]
        for step, skip in zip(self.steps, maps[-2::-1], strict=True):
            x = resized(x, skip.shape[-2:])  # (B, C, h, w) → (B, C, 2h, 2w)
            x = step(torch.cat([x, skip], dim=1))
        return x


class UNet(nn.Module):
    """Encoder, decoder and a last layer that gives every pixel one number for each class.

    Args:
        encoder: Makes the maps; has `channels`. See `PlainEncoder` and `Lite0Encoder`.
        num_classes: Logits K of a pixel.
        widths: Channels of the decoder, from coarse to fine; one fewer than the encoder has maps.

    >>> UNet(PlainEncoder((8, 16)), 3, widths=(8,))(torch.zeros(2, 3, 33, 50)).shape
    torch.Size([2, 3, 33, 50])
    """

    def __init__(self, encoder: nn.Module, num_classes: int, *, widths: Sequence[int] = DECODER_WIDTHS):
        super().__init__()
        self.encoder = encoder
        self.decoder = UNetDecoder(encoder.channels, widths)
        self.head = nn.Conv2d(widths[-1], num_classes, kernel_size=1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images (B, C, H, W) → logits (B, K, H, W)."""
        return self.decode(self.encoder(images), images.shape[-2:])

    def decode(self, maps: list[torch.Tensor], size_hw: Sequence[int]) -> torch.Tensor:
        """Maps of the encoder → logits (B, K, *size_hw), enlarged where the finest map is smaller."""
        return resized(self.head(self.decoder(maps)), size_hw)


def resized(x: torch.Tensor, size_hw: Sequence[int]) -> torch.Tensor:
    """Maps (B, C, h, w) → (B, C, *size_hw), bilinearly; as they are where they have that size."""
    if x.shape[-2:] == tuple(size_hw):
        return x
    return F.interpolate(x, size=tuple(size_hw), mode="bilinear") if x.is_cpu else resized_by_products(x, size_hw)


def resized_by_products(x: torch.Tensor, size_hw: Sequence[int]) -> torch.Tensor:
    """The same as two products with matrices: every row of the result is a weighted sum of rows, then every column.

    On accelerators PyTorch's own gradient is either not the same from run to run or, where deterministic algorithms are
    asked for, slow; products are neither.
    """
    rows, columns = (_weights(new, old, x.device) for new, old in zip(size_hw, x.shape[-2:], strict=True))
    x = x.permute(0, 2, 3, 1)  # (B, C, h, w) → (B, h, w, C), as it lies in memory where channels are last
    x = (rows @ x.flatten(2)).unflatten(2, x.shape[2:])  # (H, h) × (B, h, w · C) → (B, H, w, C)
    return (columns @ x).permute(0, 3, 1, 2)  # (W, w) × (B, H, w, C) → (B, H, W, C) → (B, C, H, W)


@functools.lru_cache(maxsize=64)
def _weights(new: int, old: int, device: torch.device) -> torch.Tensor:
    """Matrix (new, old) of linear interpolation between pixel centres."""
    with torch.inference_mode(False):  # it is kept, and training may want it after a prediction made it
        return F.interpolate(torch.eye(old)[None], size=new, mode="linear")[0].T.contiguous().to(device)


def pack_maps(maps: list[torch.Tensor]) -> torch.Tensor:
    """Put an encoder's maps, (B, C, h, w) each, into one tensor of half the bits, float16 (B, sum of all C · h · w).

    >>> pack_maps([torch.zeros(2, 3, 4, 4), torch.zeros(2, 5, 2, 2)]).shape
    torch.Size([2, 68])
    """
    # Channels last, as convolutions on processors and on accelerators in half precision read them fastest.
    return torch.cat([one.permute(0, 2, 3, 1).flatten(1) for one in maps], dim=1).half()  # (B, h, w, C) → (B, h·w·C)


@torch.no_grad()
def stored_maps(encoder: nn.Module, images: torch.Tensor, *, batch_size: int = 20) -> torch.Tensor:
    """What a frozen encoder makes of images (N, C, H, W), packed, float16 (N, F); in evaluation mode."""
    encoder.eval()
    return torch.cat([pack_maps(encoder(batch)) for batch in images.split(batch_size)])


class OnStoredMaps(nn.Module):
    """A network whose encoder has done its part already: it learns from packed maps in the place of images.

    Args:
        network: `UNet` or `DeepLabV3Plus`; shared, not copied, so that what is learnt here is learnt there.
        image: (1, C, H, W), any image of the size of all, to see which maps the encoder makes.

    >>> network = UNet(PlainEncoder((8, 16)), 3, widths=(8,)).eval()
    >>> images = torch.randn(2, 3, 8, 8)
    >>> on_maps = OnStoredMaps(network, images[:1]).eval()
    >>> torch.allclose(on_maps(stored_maps(network.encoder, images)), network(images), atol=0.01)
    True
    """

    def __init__(self, network: nn.Module, image: torch.Tensor):
        super().__init__()
        with torch.no_grad():
            self.shapes = [one.shape[1:] for one in network.encoder.eval()(image)]
        self.network, self.size_hw = network, image.shape[2:]

    def forward(self, packed: torch.Tensor) -> torch.Tensor:
        """Packed maps (B, F) → logits (B, K, H, W)."""
        parts = packed.float().split([shape.numel() for shape in self.shapes], dim=1)  # (B, h·w·C) each
        maps = [part.unflatten(1, (h, w, c)) for part, (c, h, w) in zip(parts, self.shapes, strict=True)]
        return self.network.decode([one.permute(0, 3, 1, 2) for one in maps], self.size_hw)  # → (B, C, h, w)


def library_unet(num_classes: int) -> nn.Module:
    """U-Net of the library segmentation-models-pytorch, around the weights that `Lite0Encoder` starts from.

    Args:
        num_classes: Logits K of a pixel.

    Returns:
        Network with an `encoder`: images (B, 3, H, W) → logits (B, K, H, W); H and W are multiples of 32.

    Raises:
        ModuleNotFoundError: The library is not installed; the course does without it.
        RuntimeError: A tensor of its encoder got no weights.
    """
    import segmentation_models_pytorch

    network = segmentation_models_pytorch.Unet("tu-tf_efficientnet_lite0", encoder_weights=None, classes=num_classes)
    missing = network.encoder.model.load_state_dict(load_lite0().state_dict(), strict=False).missing_keys
    if missing:
        raise RuntimeError(f"Expected weights for every tensor of the library's encoder, but got none for {missing}.")
    return network
