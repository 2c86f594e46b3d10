"""Two small networks to read line by line: one of plain convolutions, one of residual blocks."""

import torch
from torch import nn


class SmallCNN(nn.Module):
    """Three convolutions, each halving what the next one has to look at: about 24,000 parameters at width 16.

    Args:
        num_classes: Number of logits K.
        in_channels: Channels C of the images, 3 for colour and 1 for grey.
        width: Channels D after the first convolution; they double twice.

    >>> SmallCNN(10, in_channels=1)(torch.zeros(2, 1, 8, 8)).shape
    torch.Size([2, 10])
    """

    def __init__(self, num_classes: int, *, in_channels: int = 3, width: int = 16):
        super().__init__()
        self.features = nn.Sequential(
            _convolution(in_channels, width),  # (B, C, H, W) → (B, D, H, W)
            nn.MaxPool2d(2),  # → (B, D, H/2, W/2)
            _convolution(width, 2 * width),  # → (B, 2D, H/2, W/2)
            nn.MaxPool2d(2),  # → (B, 2D, H/4, W/4)
            _convolution(2 * width, 4 * width),  # → (B, 4D, H/4, W/4)
        )
        self.classifier = nn.Linear(4 * width, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images (B, C, H, W), at least 4 × 4 pixels → logits (B, K)."""
        features = self.features(images).mean(dim=(2, 3))  # (B, 4D): where it was seen no longer matters
        return self.classifier(features)


def _convolution(in_channels: int, out_channels: int, stride: int = 1) -> nn.Sequential:
    """Convolution 3 × 3, BatchNorm, ReLU: (B, in, H, W) → (B, out, H/stride, W/stride)."""
    # No bias: BatchNorm subtracts the mean, so a constant added before it would vanish.
    convolution = nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(out_channels), nn.ReLU())


class ResidualBlock(nn.Module):
    """Two convolutions that learn what to *add* to their input, which goes round them by a shortcut.

    Reference:
        He et al., Deep residual learning for image recognition, CVPR 2016, https://arxiv.org/abs/1512.03385
    """

    def __init__(self, in_channels: int, out_channels: int, *, stride: int = 1):
        super().__init__()
        self.conv1 = _convolution(in_channels, out_channels, stride)
        self.conv2 = nn.Conv2d(out_channels, out_channels, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.shortcut = nn.Identity()
        if stride != 1 or in_channels != out_channels:  # the sum needs equal shapes
            self.shortcut = nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Feature maps (B, in, H, W) → (B, out, H/stride, W/stride)."""
        change = self.bn2(self.conv2(self.conv1(x)))  # (B, out, H/stride, W/stride)
        return torch.relu(self.shortcut(x) + change)


class SmallResNet(nn.Module):
    """A stem and three residual blocks: about 77,000 parameters at width 16.

    Args:
        num_classes: Number of logits K.
        in_channels: Channels C of the images, 3 for colour and 1 for grey.
        width: Channels D after the stem; they double twice.

    >>> SmallResNet(10)(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(self, num_classes: int, *, in_channels: int = 3, width: int = 16):
        super().__init__()
        self.stem = _convolution(in_channels, width)  # (B, C, H, W) → (B, D, H, W)
        self.blocks = nn.Sequential(
            ResidualBlock(width, width),  # → (B, D, H, W)
            ResidualBlock(width, 2 * width, stride=2),  # → (B, 2D, H/2, W/2)
            ResidualBlock(2 * width, 4 * width, stride=2),  # → (B, 4D, H/4, W/4)
        )
        self.classifier = nn.Linear(4 * width, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images (B, C, H, W) → logits (B, K)."""
        features = self.blocks(self.stem(images)).mean(dim=(2, 3))  # (B, 4D)
        return self.classifier(features)
