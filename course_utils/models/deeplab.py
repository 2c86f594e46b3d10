"""DeepLabV3+: convolutions with gaps of several widths look at one map, and a small decoder finds the borders again."""

from collections.abc import Sequence

import torch
from torch import nn

from course_utils.models.classic import conv_block
from course_utils.models.unet import Lite0Encoder, resized

QUARTER = -4  # among the maps of `Lite0Encoder`, the one of a quarter of the image's height and width


def atrous_block(in_channels: int, out_channels: int, *, dilation: int) -> nn.Sequential:
    """Convolution 3 × 3 whose weights are `dilation` pixels apart, batch normalisation and ReLU; the size stays.

    >>> atrous_block(4, 8, dilation=6)(torch.zeros(2, 4, 5, 7)).shape
    torch.Size([2, 8, 5, 7])
    """
    convolution = nn.Conv2d(in_channels, out_channels, 3, padding=dilation, dilation=dilation, bias=False)
    nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
    return nn.Sequential(convolution, nn.BatchNorm2d(out_channels), nn.ReLU())


class AtrousPyramid(nn.Module):
    """One map seen at several scales at once (atrous spatial pyramid pooling, ASPP).

    Side by side: a 1 × 1 convolution, 3 × 3 convolutions with gaps, and the mean over the whole picture; then a 1 × 1
    convolution of all of them. The branch of the mean has no batch normalisation, which would need two pictures.

    Args:
        in_channels: Channels of the map.
        width: Channels of each branch and of the result.
        rates: Dilations, in steps of the map.

    Reference:
        Chen et al., Rethinking atrous convolution for semantic image segmentation, 2017,
        https://arxiv.org/abs/1706.05587

    >>> AtrousPyramid(8, 4, rates=(2, 4)).eval()(torch.zeros(1, 8, 6, 6)).shape
    torch.Size([1, 4, 6, 6])
    """

    def __init__(self, in_channels: int, width: int, *, rates: Sequence[int] = (6, 12, 18)):
        super().__init__()
        gaps = (atrous_block(in_channels, width, dilation=rate) for rate in rates)
        self.branches = nn.ModuleList([conv_block(in_channels, width, kernel=1), *gaps])
        self.whole = conv_block(in_channels, width, kernel=1, norm=False)
        self.join = conv_block((2 + len(rates)) * width, width, kernel=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (B, in, h, w) → (B, width, h, w)."""
        whole = self.whole(x.mean(dim=(2, 3), keepdim=True)).expand(-1, -1, *x.shape[2:])  # (B, width, h, w)
        return self.join(torch.cat([*(branch(x) for branch in self.branches), whole], dim=1))


class DeepLabV3Plus(nn.Module):
    """Encoder, atrous pyramid on its coarsest map, and a decoder with one skip, from the map at a quarter of the size.

    Args:
        encoder: `Lite0Encoder`, best with `output_stride` 16 or 8.
        num_classes: Logits K of a pixel.
        width: Channels of the pyramid and the decoder.
        skip_width: Channels to which the finer map is reduced, so that it does not outweigh the pyramid.
        rates: Dilations of the pyramid, in steps of the coarsest map; half as large a picture wants half as large ones.

    Reference:
        Chen et al., Encoder-decoder with atrous separable convolution for semantic image segmentation, ECCV 2018,
        https://arxiv.org/abs/1802.02611. Its convolutions in pyramid and decoder are separable; here they are whole.

    >>> encoder = Lite0Encoder(pretrained=False, output_stride=16)
    >>> DeepLabV3Plus(encoder, 3, width=16, skip_width=8).eval()(torch.zeros(1, 3, 64, 96)).shape
    torch.Size([1, 3, 64, 96])
    """

    def __init__(
        self,
        encoder: Lite0Encoder,
        num_classes: int,
        *,
        width: int = 256,
        skip_width: int = 48,
        rates: Sequence[int] = (6, 12, 18),
    ):
        super().__init__()
        self.encoder = encoder
        self.pyramid = AtrousPyramid(encoder.channels[-1], width, rates=rates)
        self.skip = conv_block(encoder.channels[QUARTER], skip_width, kernel=1)
        self.decoder = nn.Sequential(conv_block(width + skip_width, width), conv_block(width, width))
        self.head = nn.Conv2d(width, num_classes, kernel_size=1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images (B, 3, H, W) → logits (B, K, H, W)."""
        return self.decode(self.encoder(images), images.shape[-2:])

    def decode(self, maps: list[torch.Tensor], size_hw: Sequence[int]) -> torch.Tensor:
        """Maps of the encoder → logits (B, K, *size_hw)."""
        skip = self.skip(maps[QUARTER])  # (B, skip_width, H/4, W/4)
        coarse = resized(self.pyramid(maps[-1]), skip.shape[-2:])  # (B, width, h, w) → (B, width, H/4, W/4)
        return resized(self.head(self.decoder(torch.cat([coarse, skip], dim=1))), size_hw)
