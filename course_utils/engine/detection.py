"""What a detector finds in many images, batch by batch: boxes, labels, scores, and masks where it draws them."""

import torch
from torch import nn

from course_utils import boxes, models
from course_utils.models.two_stage import compiled_roi_align

CANDIDATES = 1000  # pairs of box and class an image that go into suppression
Found = list[dict[str, torch.Tensor]]


@torch.inference_mode()
def detect(
    network: models.Yolo, images: torch.Tensor, *, batch_size: int = 50, every_class: bool = False, **suppression
) -> Found:
    """Ask a one-stage detector, decode its answer and suppress what it found twice.

    Args:
        network: `models.Yolo`, in evaluation mode.
        images: uint8 (N, 3, H, W), sides multiples of 32; they are moved to the network's device.
        batch_size: images in a batch.
        every_class: see `boxes.best_candidates`; True suits average precision.
        suppression: `lowest`, `iou`, `most` and `by_class` of `boxes.suppress`.

    Returns:
        For each image a dict of `boxes` (n, 4) xyxy in pixels, `scores` (n,) and `labels` int64 (n,), by falling score,
        on the processor. Boxes may reach beyond the image.

    Raises:
        ValueError: The images are not uint8 (N, 3, H, W), or `batch_size` is below 1.

    >>> network = models.Yolo(6, torch.ones(3, 3, 2), width=4).eval()
    >>> len(detect(network, torch.zeros(3, 3, 64, 64, dtype=torch.uint8), batch_size=2, lowest=0.5))
    3
    """
    batches = _split(images, batch_size)
    grid, device, found = network.grid(images.shape[2:]), network.anchors.device, []
    for batch in batches:
        decoded = boxes.decode(network(batch.to(device) / 255), grid)
        found += boxes.suppress(boxes.best_candidates(*decoded, CANDIDATES, every_class=every_class), **suppression)
    return _on_processor(found)


@torch.inference_mode()
def detect_instances(detector: nn.Module, images: torch.Tensor, *, batch_size: int = 20) -> Found:
    """Ask a detector of two stages, with the labels of the course.

    Args:
        detector: from `models.mask_rcnn` or `models.faster_rcnn`, in evaluation mode.
        images: uint8 (N, 3, H, W); they are moved to the detector's device.
        batch_size: images in a batch.

    Returns:
        For each image a dict of `boxes` (n, 4) xyxy in pixels, `scores` (n,), `labels` int64 (n,) from 0, and of a Mask
        R-CNN `masks` bool (n, H, W), by falling score, on the processor.

    Raises:
        ValueError: The images are not uint8 (N, 3, H, W), or `batch_size` is below 1.

    >>> detector = models.mask_rcnn(6, size=64, pretrained=False).eval()
    >>> sorted(detect_instances(detector, torch.zeros(1, 3, 64, 64, dtype=torch.uint8))[0])
    ['boxes', 'labels', 'masks', 'scores']
    """
    batches = _split(images, batch_size)
    device, found = next(detector.parameters()).device, []
    with compiled_roi_align():
        for batch in batches:
            found += models.to_course_labels(detector(list(batch.to(device) / 255)))
    return _on_processor(found)


def _split(images: torch.Tensor, batch_size: int) -> list[torch.Tensor]:
    """Batches of at least one image each."""
    if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] != 3 or batch_size < 1:
        raise ValueError(
            "Expected images uint8 (N, 3, H, W) and `batch_size` of at least 1, but got "
            f"{images.dtype} {tuple(images.shape)} and {batch_size}. Arrays (H, W, 3) need `permute` first."
        )
    return [batch for batch in images.split(batch_size) if len(batch)]


def _on_processor(found: Found) -> Found:
    return [{name: value.cpu() for name, value in one.items()} for one in found]
