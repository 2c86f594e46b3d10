"""Detectors of two stages: torchvision's Faster R-CNN and Mask R-CNN on EfficientNet-Lite0 with its ImageNet weights.

The body of the backbone is frozen, so what it puts out can be computed once and stored: `run_stages` goes on from
there. What is learnt (pyramid, proposals, heads) is small, and `learnt_part` is what a checkpoint need hold.

torchvision counts classes from 1, since 0 is the background; `rcnn_targets` and `to_course_labels` translate. It is
imported inside the functions that need it: on two CPU cores that takes 7 s.
"""

import contextlib
from collections import OrderedDict
from collections.abc import Iterator, Sequence

import torch
from torch import nn

from course_utils.annotations import ImageAnnotations
from course_utils.models.parameters import freeze
from course_utils.models.unet import Lite0Encoder

BODY_LEVELS = {"4": 24, "8": 40, "16": 112, "32": 320}  # pixels a step of the map → channels of Lite0
ANCHOR_SIDES = (16, 28, 44, 64)  # pixels, one a level: signs of 13 to 56 pixels
BOX_GRID, MASK_GRID = 7, 14  # cells a side that RoIAlign cuts out for the two heads
BOX_FEATURES = 128  # numbers that the box head makes of an object; torchvision's own has 1024
MASK_LAYERS = 2  # convolutions of the mask head; torchvision's own has 4
Maps = dict[str, torch.Tensor]


class Lite0Body(nn.Module):
    """EfficientNet-Lite0 without its head: images → maps at strides 4, 8, 16 and 32.

    Args:
        pretrained: Start from the ImageNet weights.
        frozen: Nothing in it changes in training; False: it learns with the rest.

    >>> [tuple(one.shape) for one in Lite0Body(pretrained=False)(torch.zeros(1, 3, 64, 64)).values()]
    [(1, 24, 16, 16), (1, 40, 8, 8), (1, 112, 4, 4), (1, 320, 2, 2)]
    """

    def __init__(self, *, pretrained: bool = True, frozen: bool = True):
        super().__init__()
        encoder = Lite0Encoder(pretrained=pretrained)
        self.encoder = freeze(encoder) if frozen else encoder

    def forward(self, images: torch.Tensor) -> Maps:
        """Images (B, 3, H, W), normalised with 0.5 and 0.5, sides multiples of 32 → maps by stride."""
        return OrderedDict(zip(BODY_LEVELS, self.encoder(images)[1:], strict=True))


class Lite0Pyramid(nn.Module):
    """Body and a feature pyramid on it: every level gets the same channels, and what the coarser ones know.

    Args:
        channels: Channels of every level.
        pretrained, frozen: Of the body.

    Reference:
        Lin et al., Feature pyramid networks for object detection, CVPR 2017, https://arxiv.org/abs/1612.03144

    >>> {stride: tuple(one.shape) for stride, one in Lite0Pyramid(pretrained=False)(torch.zeros(1, 3, 64, 64)).items()}
    {'4': (1, 64, 16, 16), '8': (1, 64, 8, 8), '16': (1, 64, 4, 4), '32': (1, 64, 2, 2)}
    """

    def __init__(self, channels: int = 64, *, pretrained: bool = True, frozen: bool = True):
        from torchvision.ops import FeaturePyramidNetwork

        super().__init__()
        self.out_channels = channels  # torchvision asks for this name
        self.body = Lite0Body(pretrained=pretrained, frozen=frozen)
        self.fpn = FeaturePyramidNetwork(list(BODY_LEVELS.values()), channels, norm_layer=nn.BatchNorm2d)

    def forward(self, images: torch.Tensor) -> Maps:
        """Images (B, 3, H, W) → maps (B, channels, H / stride, W / stride) by stride."""
        return self.fpn(self.body(images))


def _stages(num_classes: int, size: int, channels: int, pretrained: bool) -> dict:
    """Arguments that Faster and Mask R-CNN share."""
    if num_classes < 1 or size < 32 or size % 32:
        raise ValueError(
            f"Expected at least one class and a size that is a multiple of 32, but got {num_classes} and {size}. "
            "Do not count the background as a class."
        )
    from torchvision.models.detection import faster_rcnn as faster
    from torchvision.models.detection import rpn

    return {
        "backbone": Lite0Pyramid(channels, pretrained=pretrained),
        "min_size": size,
        "max_size": size,
        "image_mean": [0.5] * 3,
        "image_std": [0.5] * 3,
        "rpn_anchor_generator": rpn.AnchorGenerator([(side,) for side in ANCHOR_SIDES], [(1.0,)] * len(ANCHOR_SIDES)),
        "rpn_pre_nms_top_n_train": 200,  # places a level that survive by their score
        "rpn_pre_nms_top_n_test": 200,
        "rpn_post_nms_top_n_train": 60,  # proposals an image; torchvision has 2000 for photographs of 800 pixels
        "rpn_post_nms_top_n_test": 40,
        "rpn_batch_size_per_image": 64,  # anchors in the loss of the first stage
        "box_roi_pool": _roi_align(BOX_GRID),
        "box_head": faster.TwoMLPHead(channels * BOX_GRID**2, BOX_FEATURES),
        "box_predictor": faster.FastRCNNPredictor(BOX_FEATURES, num_classes + 1),  # and the background
        "box_batch_size_per_image": 32,  # proposals in the loss of the second stage
        "box_positive_fraction": 0.5,  # of these lie on an object, at most; a quarter where there is more time to learn
        "box_detections_per_img": 20,
    }


def _roi_align(grid: int) -> nn.Module:
    """Cuts (grid, grid) out of the level that suits the size of a box: below 32 pixels stride 4, below 64 stride 8."""
    from torchvision.ops import MultiScaleRoIAlign

    return MultiScaleRoIAlign(list(BODY_LEVELS), grid, sampling_ratio=2, canonical_scale=64, canonical_level=4)


def faster_rcnn(
    num_classes: int, *, size: int = 160, channels: int = 64, pretrained: bool = True, **changed
) -> nn.Module:
    """torchvision's Faster R-CNN on Lite0, sized for two processor cores.

    Args:
        num_classes: Classes K, the background not counted; its labels are 1 to K.
        size: Side of the square images, pixels, a multiple of 32.
        channels: Channels of every level of the pyramid.
        pretrained: Start the frozen body from its ImageNet weights.
        changed: Other arguments of `torchvision.models.detection.FasterRCNN`, in the place of ours.

    Returns:
        Network in training mode: lists of images float32 (3, H, W) in [0, 1] and of targets → losses by name; in
        evaluation mode images → detections, a dict for each image.

    Raises:
        ValueError: No class, or a size that is no multiple of 32.

    Reference:
        Ren et al., Faster R-CNN, NeurIPS 2015, https://arxiv.org/abs/1506.01497

    >>> detector = faster_rcnn(6, size=64, pretrained=False).eval()
    >>> sorted(detector([torch.zeros(3, 64, 64)])[0])
    ['boxes', 'labels', 'scores']
    """
    from torchvision.models.detection import FasterRCNN

    return FasterRCNN(**_stages(num_classes, size, channels, pretrained) | changed)


def boxes_of_sides(sides: Sequence[float], size: int, *, objects: int = 3, most: int = 100) -> dict:
    """Arguments of `faster_rcnn` for objects of other sizes than ours, or more of them, and for average precision.

    Args:
        sides: of the square anchors, pixels, one for each of the strides 4, 8, 16 and 32; torchvision rounds halves of
            them to whole pixels.
        size: side of the square images, pixels. A proposal below a quarter of it is cut out of the map of stride 4,
            one below half of it out of that of stride 8, and so on.
        objects: most objects in an image; where they are many, more places take part in the losses.
        most: proposals and detections an image after training.

    Returns:
        Arguments by name.

    Raises:
        ValueError: there are not four sides.

    >>> boxes_of_sides((16, 32, 64, 128), 256, objects=30)["box_batch_size_per_image"]
    120
    """
    if len(sides) != len(BODY_LEVELS):
        raise ValueError(
            f"Expected {len(BODY_LEVELS)} sides, one for each stride, but got {tuple(sides)}. `boxes.fit_anchors` "
            "finds as many as you ask for."
        )
    from torchvision.models.detection import rpn
    from torchvision.ops import MultiScaleRoIAlign

    return {
        "rpn_anchor_generator": rpn.AnchorGenerator([(side,) for side in sides], [(1.0,)] * len(sides)),
        "rpn_batch_size_per_image": max(64, 8 * objects),
        "rpn_post_nms_top_n_train": max(60, 8 * objects),
        "rpn_post_nms_top_n_test": most,
        "box_roi_pool": MultiScaleRoIAlign(list(BODY_LEVELS), BOX_GRID, 2, canonical_scale=size // 2),
        "box_batch_size_per_image": max(32, 4 * objects),
        "box_score_thresh": 0.01,  # average precision looks at unsure boxes too
        "box_detections_per_img": most,
    }


def mask_rcnn(
    num_classes: int, *, size: int = 160, channels: int = 64, pretrained: bool = True, **changed
) -> nn.Module:
    """torchvision's Mask R-CNN on Lite0: `faster_rcnn` with a third head, which outlines what the others found.

    Args:
        num_classes, size, channels, pretrained: As for `faster_rcnn`.
        changed: Other arguments of `torchvision.models.detection.MaskRCNN`, in the place of ours.

    Returns:
        As for `faster_rcnn`; detections also have `masks`, float32 (N, 1, H, W) in [0, 1].

    Raises:
        ValueError: No class, or a size that is no multiple of 32.

    Reference:
        He et al., Mask R-CNN, ICCV 2017, https://arxiv.org/abs/1703.06870

    >>> detector = mask_rcnn(6, size=64, pretrained=False).eval()
    >>> sorted(detector([torch.zeros(3, 64, 64)])[0])
    ['boxes', 'labels', 'masks', 'scores']
    """
    from torchvision.models.detection import MaskRCNN
    from torchvision.models.detection import mask_rcnn as mask

    head = {
        "mask_roi_pool": _roi_align(MASK_GRID),
        "mask_head": mask.MaskRCNNHeads(channels, (channels,) * MASK_LAYERS, dilation=1),
        "mask_predictor": mask.MaskRCNNPredictor(channels, channels, num_classes + 1),
    }
    return MaskRCNN(**_stages(num_classes, size, channels, pretrained) | head | changed)


def run_stages(
    detector: nn.Module, maps: Maps, size_hw: Sequence[int], targets: list[dict] | None = None
) -> tuple[list[dict], dict[str, torch.Tensor]]:
    """Everything after the frozen body: pyramid, proposals, heads.

    Args:
        detector: From `faster_rcnn` or `mask_rcnn`.
        maps: What `detector.backbone.body` gives for B images: (B, C, h, w) by stride.
        size_hw: (H, W) of these images, multiples of 32.
        targets: For each image what `rcnn_targets` gives; only in training mode.

    Returns:
        Detections, a dict for each image (empty in training mode), and losses by name (empty in evaluation mode).
    """
    frames = frames_of(maps, size_hw)
    sizes = frames.image_sizes
    with compiled_roi_align():
        pyramid = detector.backbone.fpn(maps)
        proposals, first_losses = detector.rpn(frames, pyramid, targets)
        found, second_losses = detector.roi_heads(pyramid, proposals, sizes, targets)
    if detector.training:
        return [], first_losses | second_losses
    return detector.transform.postprocess(found, sizes, sizes), {}


def frames_of(maps: Maps, size_hw: Sequence[int]):
    """The images that maps (B, C, h, w) were made of, as torchvision's parts ask for them: only their shape counts."""
    from torchvision.models.detection.image_list import ImageList

    finest = next(iter(maps.values()))
    return ImageList(finest.new_zeros(1).expand(len(finest), 3, *size_hw), [tuple(size_hw)] * len(finest))


@contextlib.contextmanager
def compiled_roi_align() -> Iterator[None]:
    """Determinism not asked for: on an accelerator torchvision would replace RoIAlign by one that is far slower.

    So a run on an accelerator is repeated up to rounding only; on the processor nothing changes.
    """
    asked = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(False)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(asked, warn_only=warn_only)


def learnt_part(detector: nn.Module) -> nn.ModuleDict:
    """Pyramid, first stage and heads: what training changes. It shares its parameters with the detector.

    >>> sorted(learnt_part(faster_rcnn(6, size=64, pretrained=False)))
    ['fpn', 'roi_heads', 'rpn']
    """
    return nn.ModuleDict({"fpn": detector.backbone.fpn, "rpn": detector.rpn, "roi_heads": detector.roi_heads})


def rcnn_targets(annotations: ImageAnnotations) -> dict[str, torch.Tensor]:
    """An image's truth as torchvision's detectors take it: labels from 1, masks as numbers; crowds are left out.

    >>> one = ImageAnnotations((4, 6), torch.tensor([[0., 0., 2., 2.]]), torch.tensor([0]))
    >>> rcnn_targets(one)["labels"]
    tensor([1])
    """
    single = slice(None) if annotations.iscrowd is None else ~annotations.iscrowd
    target = {"boxes": annotations.boxes[single], "labels": annotations.labels[single] + 1}
    return target if annotations.masks is None else target | {"masks": annotations.masks[single].byte()}


def to_course_labels(found: list[dict[str, torch.Tensor]], *, threshold: float = 0.5) -> list[dict[str, torch.Tensor]]:
    """Detections with labels from 0, and masks as bool (N, H, W): probability at least `threshold`.

    >>> found = {"labels": torch.tensor([1]), "masks": torch.tensor([[[[0.2, 0.7]]]])}
    >>> to_course_labels([found])[0]
    {'labels': tensor([0]), 'masks': tensor([[[False,  True]]])}
    """
    masks = [{"masks": one["masks"][:, 0] >= threshold} if "masks" in one else {} for one in found]  # (N, 1, H, W) → …
    return [one | {"labels": one["labels"] - 1} | binary for one, binary in zip(found, masks, strict=True)]
