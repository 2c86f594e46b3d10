"""Four steps of the history of convolutional networks, built small from the same few pieces.

Every network takes images of 32 × 32 pixels and is an `nn.Sequential` of `conv_block`, pooling, `dense_block` and a
last linear layer, so that what differs between two of them is what differs between two functions here:

- `lenet` (1998): convolutions share their weights over the image, pooling halves it.
- `alexnet` (2012): wider, ReLU, pooling windows that overlap, dropout in a large head.
- `vgg` (2014): nothing but 3 × 3 convolutions in stacks; stacks double the channels, up to 8 times the first.
- `resnet` (2015): batch normalisation, a head without hidden layers, and blocks that add to their input.

Initial values are those of He et al. (2015), https://arxiv.org/abs/1502.01852, which keep the size of the signal from
layer to layer where ReLU follows.
"""

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F

SIDE = 32  # pixels; the heads of lenet, alexnet and vgg are made for images of this size
VGG_GROWTH = 8  # the last stacks of VGG have this many times the channels of the first
PER_STEP = 6  # layers that a ResNet gains with one more block in each of its three stages


def conv_block(
    in_channels: int, out_channels: int, *, kernel: int = 3, stride: int = 1, padding: int | None = None, norm=True
) -> nn.Sequential:
    """Convolution, batch normalisation (if `norm`) and ReLU.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output, one for each kernel that is learnt.
        kernel: Side of the square kernels, pixels.
        stride: Pixels from one place of the kernel to the next.
        padding: Zeros added on every side, pixels; None keeps the size of the image at stride 1 (odd kernels).
        norm: Normalise each channel over the batch. The convolution then has no bias: the mean is subtracted anyway.

    Returns:
        Layers (B, in, H, W) → (B, out, H', W') with H' = ⌊(H + 2 · padding − kernel) / stride⌋ + 1; ReLU is the last.

    >>> conv_block(3, 8, stride=2)(torch.zeros(1, 3, 32, 32)).shape
    torch.Size([1, 8, 16, 16])
    """
    padding = kernel // 2 if padding is None else padding
    convolution = nn.Conv2d(in_channels, out_channels, kernel, stride, padding, bias=not norm)
    nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
    if not norm:
        nn.init.zeros_(convolution.bias)
    return nn.Sequential(convolution, *([nn.BatchNorm2d(out_channels)] if norm else []), nn.ReLU())


def dense_block(in_features: int, out_features: int, *, drop_rate: float = 0.0) -> nn.Sequential:
    """Linear layer and ReLU, with dropout before them: (B, in) → (B, out)."""
    linear = nn.Linear(in_features, out_features)
    nn.init.kaiming_normal_(linear.weight, nonlinearity="relu")
    nn.init.zeros_(linear.bias)
    return nn.Sequential(nn.Dropout(drop_rate), linear, nn.ReLU())


def lenet(num_classes: int, *, in_channels: int = 3) -> nn.Sequential:
    """LeNet-5 in today's form: ReLU, max pooling, every map seen by every kernel, and a linear last layer.

    Args:
        num_classes: Number of logits K.
        in_channels: Channels C of the images, 3 for colour and 1 for grey.

    Returns:
        Network: images (B, C, 32, 32) → logits (B, K).

    Reference:
        LeCun et al., Gradient-based learning applied to document recognition, Proceedings of the IEEE 86, 1998,
        https://doi.org/10.1109/5.726791

    >>> sum(p.numel() for p in lenet(10, in_channels=1).parameters())
    61706
    """
    return nn.Sequential(
        conv_block(in_channels, 6, kernel=5, padding=0, norm=False),  # (B, C, 32, 32) → (B, 6, 28, 28)
        nn.MaxPool2d(2),  # → (B, 6, 14, 14)
        conv_block(6, 16, kernel=5, padding=0, norm=False),  # → (B, 16, 10, 10)
        nn.MaxPool2d(2),  # → (B, 16, 5, 5)
        nn.Flatten(),  # → (B, 400)
        dense_block(16 * 5 * 5, 120),
        dense_block(120, 84),
        nn.Linear(84, num_classes),
    )


def alexnet(num_classes: int, *, in_channels: int = 3, width: int = 16, drop_rate: float = 0.5) -> nn.Sequential:
    """AlexNet for small images: five convolutions, pooling windows that overlap, and two large dense layers.

    Left out are the first layer's 11 × 11 kernel with stride 4, made for 224 pixels, and the local response
    normalisation, which nobody uses any more. The channels of the convolutions are those of torchvision's variant where
    `width` is 64; the dense layers then have 1,024 features, where it has 4,096.

    Args:
        num_classes: Number of logits K.
        in_channels: Channels C of the images.
        width: Channels D after the first convolution.
        drop_rate: Share of the features dropped before each dense layer in training.

    Returns:
        Network: images (B, C, 32, 32) → logits (B, K).

    Reference:
        Krizhevsky, Sutskever and Hinton, ImageNet classification with deep convolutional neural networks, NIPS 2012.
    """
    return nn.Sequential(
        conv_block(in_channels, width, kernel=5, norm=False),  # (B, C, 32, 32) → (B, D, 32, 32)
        nn.MaxPool2d(3, stride=2),  # → (B, D, 15, 15)
        conv_block(width, 3 * width, kernel=5, norm=False),  # → (B, 3D, 15, 15)
        nn.MaxPool2d(3, stride=2),  # → (B, 3D, 7, 7)
        conv_block(3 * width, 6 * width, norm=False),
        conv_block(6 * width, 4 * width, norm=False),
        conv_block(4 * width, 4 * width, norm=False),  # → (B, 4D, 7, 7)
        nn.MaxPool2d(3, stride=2),  # → (B, 4D, 3, 3)
        nn.Flatten(),  # → (B, 36D)
        dense_block(4 * width * 3 * 3, 16 * width, drop_rate=drop_rate),
        dense_block(16 * width, 16 * width, drop_rate=drop_rate),
        nn.Linear(16 * width, num_classes),
    )


def vgg(
    num_classes: int,
    *,
    in_channels: int = 3,
    width: int = 16,
    convolutions: tuple[int, ...] = (1, 1, 2, 2, 2),
    norm: bool = False,
    drop_rate: float = 0.5,
) -> nn.Sequential:
    """VGG: stacks of 3 × 3 convolutions, each followed by pooling; as given, VGG-11.

    Where `width` is 64, the convolutions have the channels of the paper; the dense layers have 512 features, where the
    paper, for images of 224 pixels, has 4,096.

    Args:
        num_classes: Number of logits K.
        in_channels: Channels C of the images.
        width: Channels D of the first stack; they double from stack to stack, up to 8D.
        convolutions: Convolutions in each of the five stacks; (2, 2, 3, 3, 3) makes VGG-16.
        norm: Batch normalisation after each convolution, which was invented a year after VGG.
        drop_rate: Share of the features dropped before each dense layer in training.

    Returns:
        Network: images (B, C, 32, 32) → logits (B, K).

    Reference:
        Simonyan and Zisserman, Very deep convolutional networks for large-scale image recognition, ICLR 2015,
        https://arxiv.org/abs/1409.1556
    """
    layers, channels = [], in_channels
    for stack, count in enumerate(convolutions):
        wanted = width * min(2**stack, VGG_GROWTH)
        for _ in range(count):
            layers.append(conv_block(channels, wanted, norm=norm))
            channels = wanted
        layers.append(nn.MaxPool2d(2))
    features = channels * (SIDE // 2 ** len(convolutions)) ** 2  # one pixel is left after five stacks
    head = [
        dense_block(features, 8 * width, drop_rate=drop_rate),
        dense_block(8 * width, 8 * width, drop_rate=drop_rate),
    ]
    return nn.Sequential(*layers, nn.Flatten(), *head, nn.Linear(8 * width, num_classes))


class ConvPair(nn.Module):
    """Two convolutions, whose result is added to their input (`residual`) or takes its place (plain).

    The way round them has no weights: where the shape changes, every second pixel is taken and channels of zeros are
    appended (option A of the paper). So a plain and a residual pair have the same parameters, name by name.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output, at least as many.
        stride: 1, or 2 to halve height and width.
        residual: Add the input.
    """

    def __init__(self, in_channels: int, out_channels: int, *, stride: int = 1, residual: bool = True):
        super().__init__()
        self.first = conv_block(in_channels, out_channels, stride=stride)
        self.second = conv_block(out_channels, out_channels)[:-1]  # without its ReLU: that follows the sum
        self.stride, self.more_channels, self.residual = stride, out_channels - in_channels, residual

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Feature maps (B, in, H, W) → (B, out, ⌈H / stride⌉, ⌈W / stride⌉)."""
        found = self.second(self.first(x))
        if self.residual:
            kept = x[:, :, :: self.stride, :: self.stride]
            found = found + F.pad(kept, (0, 0, 0, 0, 0, self.more_channels))  # zeros at the end of the channels
        return F.relu(found)


def resnet(
    num_classes: int, *, depth: int = 20, in_channels: int = 3, width: int = 16, residual: bool = True
) -> nn.Sequential:
    """ResNet for small images, of 6n + 2 layers, or the plain network of the same depth, width and parameters.

    Args:
        num_classes: Number of logits K.
        depth: Layers with weights: 8, 14, 20, 26, 32, …, 56, …, 110; a convolution, three stages of n pairs, a head.
        in_channels: Channels C of the images.
        width: Channels D of the first stage; they double twice.
        residual: Every pair of convolutions adds to its input; False gives the plain network.

    Returns:
        Network: images (B, C, H, W) of any size → logits (B, K).

    Raises:
        ValueError: `depth` is not 6n + 2 with n ≥ 1.

    Reference:
        He et al., Deep residual learning for image recognition, CVPR 2016, section 4.2,
        https://arxiv.org/abs/1512.03385

    >>> sum(p.numel() for p in resnet(10, depth=20).parameters())
    269722
    """
    if depth < PER_STEP + 2 or (depth - 2) % PER_STEP:
        raise ValueError(f"Expected `depth` to be 6n + 2 with n of at least 1, but got {depth}. Try 8, 20, 32 or 56.")
    widths = [width, width, 2 * width, 4 * width]
    pairs = []
    for stage, (before, after) in enumerate(pairwise(widths)):
        for place in range((depth - 2) // PER_STEP):
            halves = stage > 0 and place == 0  # the first pair of the later stages
            pairs.append(ConvPair(after if place else before, after, stride=1 + halves, residual=residual))
    head = [
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4 * width, num_classes),
    ]  # (B, 4D, h, w) → (B, 4D) → (B, K)
    return nn.Sequential(conv_block(in_channels, width), *pairs, *head)
