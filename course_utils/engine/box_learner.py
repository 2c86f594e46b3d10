"""Detectors as `fit` wants a network: inputs in, maps or raw numbers out, and a loss of these and padded boxes.

torchvision's detectors take lists of images and of dicts, which leaves no room for maps that were stored before
training, or for changes that join several pictures of a batch.
"""

import torch
from torch import nn

from course_utils import boxes, losses, models

Outputs = dict[str, torch.Tensor] | torch.Tensor


class BoxLearner(nn.Module):
    """A detector to be trained from images or, where its body stays as it is, from stored maps of that body.

    Args:
        detector: from `models.ssd`, `models.faster_rcnn` or `models.Yolo`; shared, not copied, so that what is learnt
            here is learnt there.
        size: side of the square images, pixels, a multiple of 32.

    >>> learner = BoxLearner(models.faster_rcnn(6, size=64, pretrained=False), 64)
    >>> images, truth = torch.rand(2, 3, 64, 64), torch.tensor([[[0.0, 8, 8, 40, 40]], [[-1.0, 0, 0, 0, 0]]])
    >>> bool(learner.loss(learner(images), truth) > 0)
    True
    """

    def __init__(self, detector: nn.Module, size: int):
        super().__init__()
        self.detector, self.size_hw = detector, (size, size)
        self.shapes: dict[str, torch.Size] = {}
        self.grid = detector.grid(self.size_hw) if isinstance(detector, models.Yolo) else None
        self.run = models.run_stages if hasattr(detector, "rpn") else models.run_single
        if self.grid is None:
            body, black = detector.backbone.body, next(detector.parameters()).new_zeros(1, 3, size, size)
            training = body.training
            with torch.no_grad():  # which maps a picture of this size gives
                self.shapes = {stride: one.shape[1:] for stride, one in body.eval()(black).items()}
            body.train(training)

    @torch.no_grad()
    def store(self, images: torch.Tensor, *, batch_size: int = 32) -> torch.Tensor:
        """What the frozen body makes of images, uint8 (N, 3, S, S), packed: float16 (N, F) on the body's device.

        Raises:
            TypeError: The detector is a `models.Yolo`, which has no frozen body.
        """
        if self.grid is not None:
            raise TypeError("Expected an SSD or Faster R-CNN, but got a Yolo, all of which learns. Train it on images.")
        device, body = next(self.parameters()).device, self.detector.backbone.body.eval()
        chunks = images.split(batch_size)
        return torch.cat([models.pack_maps(list(body(chunk.to(device) / 127.5 - 1).values())) for chunk in chunks])

    def forward(self, inputs: torch.Tensor) -> Outputs:
        """Images (B, 3, S, S) in [0, 1], or packed maps (B, F) → maps (B, C, h, w) by stride; raw numbers of a Yolo."""
        if self.grid is not None:
            return self.detector(inputs)
        if inputs.ndim == 4:
            return self.detector.backbone.body(inputs * 2 - 1)
        parts = inputs.float().split([shape.numel() for shape in self.shapes.values()], dim=1)  # (B, h·w·C) each
        maps = {}
        for (stride, (channels, height, width)), part in zip(self.shapes.items(), parts, strict=True):
            maps[stride] = part.unflatten(1, (height, width, channels)).permute(0, 3, 1, 2)  # → (B, C, h, w)
        return maps

    def loss(self, outputs: Outputs, targets: torch.Tensor) -> torch.Tensor:
        """Sum of the detector's losses, beyond the maps in float32: eight bits would round an offset to pixels.

        Args:
            outputs: of `forward`, the detector in training mode.
            targets: (B, M, 5), rows of label, x1, y1, x2, y2 in pixels; rows with label −1 only fill up.
        """
        if self.grid is not None:
            return losses.detection_loss(outputs, targets, self.grid)
        rows = [row[row[:, 0] != boxes.NO_OBJECT] for row in targets]
        truth = [{"boxes": row[:, 1:], "labels": row[:, 0].long() + 1} for row in rows]  # 0 is the background
        with torch.autocast(targets.device.type, enabled=False):
            exact = {stride: one.float() for stride, one in outputs.items()}
            return sum(self.run(self.detector, exact, self.size_hw, truth)[1].values())
