"""A detector of one stage on the same body and pyramid as Faster R-CNN: torchvision's SSD on EfficientNet-Lite0.

The original SSD reads its maps as the body puts them out. Here they come from the pyramid, so that a comparison with
`two_stage.faster_rcnn` is one of the second look at each box, as far as boxes a cell and losses are alike. `run_single`
goes on from the maps of the body as `two_stage.run_stages` does, whether these were stored or computed a moment ago.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn

from course_utils.models.two_stage import BODY_LEVELS, Lite0Pyramid, Maps, frames_of

TWO_SHAPES = 2  # default boxes a cell: a square of the level's side, and one between it and the next level's


def ssd(
    num_classes: int, sides: Sequence[float], *, size: int = 160, backbone: nn.Module | None = None, **changed
) -> nn.Module:
    """torchvision's SSD on the pyramid of Lite0, with two square default boxes in every cell.

    Args:
        num_classes: Classes K, the background not counted; its labels are 1 to K.
        sides: Sides of the default boxes, pixels, growing, one for each of the strides 4, 8, 16 and 32.
        size: Side of the square images, pixels, a multiple of 32.
        backbone: Images to maps by stride, with `out_channels`; None: a new `Lite0Pyramid`, its body frozen.
        changed: Other arguments of `torchvision.models.detection.SSD`, in the place of ours.

    Returns:
        Network in training mode: lists of images float32 (3, H, W) in [0, 1] and of targets → losses by name; in
        evaluation mode images → detections, a dict for each image.

    Raises:
        ValueError: No class, a size that is no multiple of 32, or other than four growing sides.

    Reference:
        Liu et al., SSD: single shot multibox detector, ECCV 2016, https://arxiv.org/abs/1512.02325

    >>> detector = ssd(6, (8, 16, 32, 48), size=64, backbone=Lite0Pyramid(pretrained=False)).eval()
    >>> sorted(detector([torch.zeros(3, 64, 64)])[0])
    ['boxes', 'labels', 'scores']
    """
    levels, growing = len(BODY_LEVELS), all(a < b for a, b in pairwise((0, *sides)))
    if num_classes < 1 or size < 32 or size % 32 or len(sides) != levels or not growing:
        raise ValueError(
            f"Expected at least one class, a size that is a multiple of 32 and {levels} growing sides, but got "
            f"{num_classes}, {size} and {tuple(sides)}. `boxes.fit_anchors` finds sides; do not count the background."
        )
    from torchvision.models.detection import ssd as parts
    from torchvision.models.detection.anchor_utils import DefaultBoxGenerator

    backbone = Lite0Pyramid() if backbone is None else backbone
    scales = [side / size for side in (*sides, sides[-1] ** 2 / sides[-2])]  # shares; beyond the last one as before it
    settings = {
        "backbone": backbone,
        "anchor_generator": DefaultBoxGenerator([[]] * levels, scales=scales),
        "size": (size, size),
        "num_classes": num_classes + 1,  # and the background
        "image_mean": [0.5] * 3,
        "image_std": [0.5] * 3,
        "detections_per_img": 100,  # what COCO counts
        "head": parts.SSDHead([backbone.out_channels] * levels, [TWO_SHAPES] * levels, num_classes + 1),
    }
    return parts.SSD(**settings | changed)


def run_single(
    detector: nn.Module, maps: Maps, size_hw: Sequence[int], targets: list[dict] | None = None
) -> tuple[list[dict], dict[str, torch.Tensor]]:
    """Everything after the body of `ssd`: pyramid, head, default boxes, and loss or suppression.

    Args:
        detector: From `ssd`.
        maps: What `detector.backbone.body` gives for B images: (B, C, h, w) by stride.
        size_hw: (H, W) of these images, multiples of 32.
        targets: For each image what `rcnn_targets` gives; only in training mode.

    Returns:
        Detections, a dict for each image (empty in training mode), and losses by name (empty in evaluation mode).
    """
    frames = frames_of(maps, size_hw)
    sizes = frames.image_sizes
    pyramid = list(detector.backbone.fpn(maps).values())
    said, defaults = detector.head(pyramid), detector.anchor_generator(frames, pyramid)
    if detector.training:
        matched = [_matched(detector, one, target["boxes"]) for one, target in zip(defaults, targets, strict=True)]
        return [], detector.compute_loss(targets, said, defaults, matched)
    found = detector.postprocess_detections(said, defaults, sizes)
    return detector.transform.postprocess(found, sizes, sizes), {}


def _matched(detector: nn.Module, defaults: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """For each default box (N, 4) the object of the image (M, 4) that it answers for, −1 for none: int64 (N,)."""
    if not len(truth):
        return torch.full((len(defaults),), -1, device=defaults.device)
    from torchvision import ops

    return detector.proposal_matcher(ops.box_iou(truth, defaults))
