"""A one-stage detector in the manner of YOLO: a backbone, a way back from coarse to fine maps, and a head on each."""

import copy
import math

import torch
from torch import nn
from torch.nn.utils import fusion

from course_utils import boxes

STRIDES = (8, 16, 32)  # pixels a cell of the three outputs
ANCHORS_EACH = 3  # anchors a stride
PRIOR = 0.01  # objectness that an untrained network tells: nearly everywhere is nothing


class ConvUnit(nn.Sequential):
    """Convolution, BatchNorm, SiLU: (B, C, H, W) → (B, D, H/stride, W/stride)."""

    def __init__(self, in_channels: int, out_channels: int, size: int = 1, *, stride: int = 1):
        convolution = nn.Conv2d(in_channels, out_channels, size, stride, padding=size // 2, bias=False)
        super().__init__(convolution, nn.BatchNorm2d(out_channels), nn.SiLU(inplace=True))


class Bottleneck(nn.Module):
    """Half the channels by 1 × 1, all again by 3 × 3, added to the input: (B, C, H, W) → the same shape.

    Reference:
        Redmon and Farhadi, YOLOv3, 2018, https://arxiv.org/abs/1804.02767
    """

    def __init__(self, channels: int):
        super().__init__()
        self.layers = nn.Sequential(ConvUnit(channels, channels // 2), ConvUnit(channels // 2, channels, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Feature maps (B, C, H, W) → the same shape."""
        return x + self.layers(x)


def _stage(in_channels: int, out_channels: int, depth: int) -> nn.Sequential:
    """Half the height and width, then some bottlenecks: (B, C, H, W) → (B, D, H/2, W/2)."""
    down = ConvUnit(in_channels, out_channels, 3, stride=2)
    return nn.Sequential(down, *(Bottleneck(out_channels) for _ in range(depth)))


class Yolo(nn.Module):
    """The detector: 0.37 million parameters at width 12 and depth 1, 4.1 million at width 32 and depth 3.

    Args:
        num_classes: Number of classes K.
        anchors: float (3, 3, 2), width and height in pixels: three for each of the strides 8, 16 and 32. They are kept
            with the weights, which mean nothing without them.
        width: Channels after the first layer, even; they double three times.
        depth: Bottlenecks a stage.

    The output is raw: `boxes.decode` turns it into boxes and scores. Its shape depends on that of the images alone, and
    nothing in the forward pass on what they show, so that it can be exported, compiled, or captured as a CUDA graph.

    Raises:
        ValueError: No class, anchors of another shape, an odd width or a depth below 1.

    >>> network = Yolo(6, torch.ones(3, 3, 2), width=4)
    >>> network(torch.zeros(2, 3, 64, 96)).shape  # 3 anchors · (8 · 12 + 4 · 6 + 2 · 3) cells, 5 + 6 numbers
    torch.Size([2, 378, 11])
    """

    def __init__(self, num_classes: int, anchors: torch.Tensor, *, width: int = 12, depth: int = 1):
        super().__init__()
        if anchors.shape != (len(STRIDES), ANCHORS_EACH, 2):
            raise ValueError(
                f"Expected `anchors` to be (3, 3, 2), but got {tuple(anchors.shape)}. Nine of `boxes.fit_anchors`, "
                "reshaped: small ones for the small stride."
            )
        if num_classes < 1 or width < 2 or width % 2 or depth < 1:
            raise ValueError(
                "Expected at least one class, an even width of 2 or more and a depth of at least 1, but got "
                f"{num_classes}, {width} and {depth}. Width 12 and depth 1 train in minutes on a processor."
            )
        c1, c2, c3, c4 = (width * 2**k for k in range(4))
        self.stage2 = nn.Sequential(ConvUnit(3, c1, 3, stride=2), _stage(c1, c2, depth))  # → (B, 2w, H/4, W/4)
        self.stage3 = _stage(c2, c3, depth)  # → (B, 4w, H/8, W/8)
        self.stage4 = _stage(c3, c4, depth)  # → (B, 8w, H/16, W/16)
        self.stage5 = _stage(c4, c4, depth)  # → (B, 8w, H/32, W/32)
        self.upsample = nn.Upsample(scale_factor=2, mode="nearest")
        self.back4, self.mix4 = ConvUnit(c4, c4), ConvUnit(c4, c4, 3)
        self.back3, self.mix3 = ConvUnit(c4, c3), ConvUnit(c3, c3, 3)
        self.numbers = 5 + num_classes  # x, y, width, height, objectness, and a number for each class
        self.heads = nn.ModuleList(nn.Conv2d(c, ANCHORS_EACH * self.numbers, 1) for c in (c3, c4, c4))
        self.register_buffer("anchors", anchors.clone().float())
        self._start_with_nothing()

    def grid(self, size_hw: tuple[int, int]) -> boxes.Grid:
        """The places of the output for images of a size, on the network's device."""
        return boxes.make_grid(size_hw, self.anchors, STRIDES).to(self.anchors.device)

    def _start_with_nothing(self) -> None:
        """Objectness starts at PRIOR, lest the many empty places fill the first steps with their gradients."""
        for head in self.heads:
            bias = head.bias.detach().view(ANCHORS_EACH, self.numbers)  # a view: (A*(5+K),) → (A, 5+K)
            bias[:, 4] = math.log(PRIOR / (1 - PRIOR))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images (B, 3, H, W), sides multiples of 32 → raw numbers (B, N, 5 + K) in the order of `boxes.make_grid`."""
        x3 = self.stage3(self.stage2(images))
        x4 = self.stage4(x3)
        x5 = self.stage5(x4)
        y4 = self.mix4(x4 + self.upsample(self.back4(x5)))  # the finer map learns what lies around
        y3 = self.mix3(x3 + self.upsample(self.back3(y4)))
        return torch.cat([self._rows(head(y)) for head, y in zip(self.heads, (y3, y4, x5), strict=True)], dim=1)

    def _rows(self, maps: torch.Tensor) -> torch.Tensor:
        """(B, A*(5+K), H, W) → (B, A*H*W, 5+K)."""
        return maps.unflatten(1, (ANCHORS_EACH, self.numbers)).permute(0, 1, 3, 4, 2).flatten(1, 3)


def fuse_norms(network: nn.Module) -> nn.Module:
    """Fold each BatchNorm of a trained detector into the convolution before it: the same numbers from fewer steps.

    Args:
        network: Of `ConvUnit`s, in any mode; left as it is.

    Returns:
        A copy in evaluation mode.

    >>> network = Yolo(2, torch.ones(3, 3, 2), width=4).eval()
    >>> images = torch.rand(1, 3, 32, 32)
    >>> torch.allclose(fuse_norms(network)(images), network(images), atol=1e-5)
    True
    """
    fused = copy.deepcopy(network).eval()
    for unit in fused.modules():
        if isinstance(unit, ConvUnit) and isinstance(unit[1], nn.BatchNorm2d):
            unit[0], unit[1] = fusion.fuse_conv_bn_eval(unit[0], unit[1]), nn.Identity()
    return fused
