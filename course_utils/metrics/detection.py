"""Boxes and masks against the truth: overlap, and average precision as COCO defines it."""

import math
from collections.abc import Sequence

import numpy as np
import torch


def box_iou(a: torch.Tensor, b: torch.Tensor, *, generalised: bool = False) -> torch.Tensor:
    """Intersection over union of every box of one set with every box of another, by torchvision.

    Args:
        a: Float (N, 4), xyxy in pixels.
        b: Float (M, 4), xyxy in pixels.
        generalised: Take off the share of the smallest enclosing box that neither covers: the result is negative for
            boxes far apart.

    Returns:
        Float (N, M), in [0, 1], or in (−1, 1] when generalised; NaN between two boxes without area.

    Raises:
        ValueError: A shape is not (N, 4), or a box has x2 < x1 or y2 < y1.

    Reference:
        Rezatofighi et al., Generalized intersection over union, CVPR 2019, https://arxiv.org/abs/1902.09630

    >>> box_iou(torch.tensor([[0.0, 0, 10, 10]]), torch.tensor([[5.0, 0, 15, 10]]))
    tensor([[0.3333]])
    """
    from torchvision import ops

    for name, boxes in (("a", a), ("b", b)):
        if boxes.ndim != 2 or boxes.shape[1] != 4 or not (boxes[:, 2:] >= boxes[:, :2]).all():
            raise ValueError(
                f"Expected `{name}` to be (N, 4) as x1 <= x2, y1 <= y2, but got shape {tuple(boxes.shape)} or a box "
                "turned round. Convert with `torchvision.ops.box_convert`."
            )
    return (ops.generalized_box_iou if generalised else ops.box_iou)(a, b)


def mean_average_precision(
    predictions: list[dict[str, torch.Tensor]], targets: list[dict[str, torch.Tensor]], *, masks: bool = False
) -> dict[str, float]:
    """Average precision of detections as COCO defines it, by pycocotools through torchmetrics.

    Args:
        predictions: For each image a dict of `boxes` float (N, 4) xyxy pixels (with `masks=True` instead `masks` bool
            (N, H, W)), `scores` float (N) and `labels` int64 (N). N may be 0.
        targets: For each image a dict of the same keys without `scores`.
        masks: Compare masks instead of boxes.

    Returns:
        `map50_95` (mean over IoU thresholds 0.50 to 0.95 and classes), `map50`, `map75`, `recall100` (average recall
        with at most 100 detections an image): each in [0, 1], or NaN where no target exists.

    Raises:
        ValueError: The lists differ in length or are empty, a key is missing, or a shape is wrong.

    Reference:
        Lin et al., Microsoft COCO, ECCV 2014, https://arxiv.org/abs/1405.0312

    >>> box, label = torch.tensor([[0.0, 0.0, 10.0, 10.0]]), torch.tensor([0])
    >>> found = {"boxes": box, "scores": torch.tensor([0.9]), "labels": label}
    >>> mean_average_precision([found], [{"boxes": box, "labels": label}])["map50"]
    1.0
    """
    from torchmetrics.detection import MeanAveragePrecision

    if len(predictions) != len(targets) or not targets:
        raise ValueError(
            f"Expected one prediction for each target and at least one, but got {len(predictions)} predictions and "
            f"{len(targets)} targets. An image without objects takes a dict of empty tensors."
        )
    compared = ("masks",) if masks else ("boxes",)
    for image, (found, true) in enumerate(zip(predictions, targets, strict=True)):
        _check_detections(found, (*compared, "scores", "labels"), f"predictions[{image}]")
        _check_detections(true, (*compared, "labels"), f"targets[{image}]")
    # The library's own thresholds are float32: a recall of exactly 0.3 would miss its 0.30000001. These are COCO's.
    thresholds = {
        "iou_thresholds": np.linspace(0.5, 0.95, 10).tolist(),
        "rec_thresholds": np.linspace(0, 1, 101).tolist(),
    }
    kinds, prefix = (("bbox", "segm"), "segm_") if masks else ("bbox", "")
    if masks:  # asked for masks alone, the library leaves out images without true ones, and with them false alarms
        predictions, targets = ([_with_any_boxes(one) for one in images] for images in (predictions, targets))
    metric = MeanAveragePrecision(iou_type=kinds, backend="pycocotools", **thresholds)
    metric.update(predictions, targets)
    scores = metric.compute()
    names = {"map50_95": "map", "map50": "map_50", "map75": "map_75", "recall100": "mar_100"}
    values = {name: scores[prefix + theirs].item() for name, theirs in names.items()}
    return {name: value if value >= 0 else math.nan for name, value in values.items()}  # COCO writes −1 for undefined


def detection_faults(
    found: dict[str, torch.Tensor], truth: dict[str, torch.Tensor], *, lowest: float = 0.3
) -> list[str]:
    """Name what is wrong with the boxes found in one image, and what is missed.

    Boxes are taken by falling score, each with the object that it overlaps most. Where that is an IoU below 0.1 there
    is "nothing there"; below 0.5 the box is "misplaced"; with another label it is of the "wrong class"; an object that
    has been found before is "found twice". An object that no box finds is "missed". Crowd regions are no objects.

    Args:
        found: `boxes` float (N, 4) xyxy pixels, `scores` float (N), `labels` int64 (N).
        truth: `boxes`, `labels` and maybe `iscrowd` of the image.
        lowest: boxes with a lower score are not looked at.

    Returns:
        A word a fault; an empty list where all is well.

    Reference:
        Bolya et al., TIDE, ECCV 2020, https://arxiv.org/abs/2008.08115 (its kinds of fault, more simply told apart)

    >>> one = {"boxes": torch.tensor([[0.0, 0, 10, 10]]), "labels": torch.tensor([1])}
    >>> detection_faults({**one, "scores": torch.tensor([0.9])}, one | {"labels": torch.tensor([2])})
    ['wrong class', 'missed']
    """
    _check_detections(found, ("boxes", "scores", "labels"), "found")
    _check_detections(truth, ("boxes", "labels"), "truth")
    real = ~truth["iscrowd"].bool() if "iscrowd" in truth else torch.ones(len(truth["labels"]), dtype=torch.bool)
    boxes, labels = truth["boxes"][real], truth["labels"][real]
    order = found["scores"].argsort(descending=True, stable=True)
    order = order[found["scores"][order] >= lowest]
    overlaps = box_iou(found["boxes"][order], boxes)  # (n, M)
    seen, faults = set(), []
    for overlap, label in zip(overlaps, found["labels"][order], strict=True):
        best = int(overlap.argmax()) if len(boxes) else -1
        reason = "nothing there" if best < 0 or overlap[best] < 0.1 else "misplaced" if overlap[best] < 0.5 else ""
        reason = reason or ("wrong class" if labels[best] != label else "found twice" if best in seen else "")
        faults += [reason] if reason else []
        seen |= set() if reason else {best}
    return faults + ["missed"] * (len(boxes) - len(seen))


def best_overlaps(found: Sequence[torch.Tensor], truth: Sequence[torch.Tensor]) -> torch.Tensor:
    """How well the best box of its image overlaps each object: what recall at any threshold is made of.

    Args:
        found: For each image boxes float (P, 4) xyxy pixels; P may be 0.
        truth: For each image the true boxes float (M, 4).

    Returns:
        Float (number of objects in all images), IoU in [0, 1]; 0 where an image has no boxes.

    Raises:
        ValueError: The lists differ in length or are empty, or a shape is not (N, 4).

    >>> box = torch.tensor([[0.0, 0.0, 10.0, 10.0]])
    >>> best_overlaps([box, box[:0]], [torch.tensor([[5.0, 0.0, 15.0, 10.0]]), box])
    tensor([0.3333, 0.0000])
    """
    if len(found) != len(truth) or not truth:
        raise ValueError(
            f"Expected boxes for each image and at least one image, but got {len(found)} of found and {len(truth)} of "
            "true boxes. An image without boxes takes `torch.zeros(0, 4)`."
        )
    best = [box_iou(true, boxes) for true, boxes in zip(truth, found, strict=True)]  # (M, P)
    return torch.cat([one.amax(dim=1) if one.shape[1] else one.new_zeros(len(one)) for one in best])


def _with_any_boxes(found: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same masks with boxes that nothing depends on."""
    return found | {"boxes": torch.tensor([[0.0, 0.0, 1.0, 1.0]]).repeat(len(found["labels"]), 1)}


def _check_detections(found: dict[str, torch.Tensor], keys: tuple[str, ...], name: str) -> None:
    """All keys there, one row for each object, boxes of four numbers."""
    missing = [key for key in keys if key not in found]
    if missing:
        raise ValueError(f"Expected {name} to have the keys {list(keys)}, but got no {missing}. Add them, maybe empty.")
    dimensions = {"boxes": 2, "masks": 3, "scores": 1, "labels": 1}
    shapes = {key: tuple(found[key].shape) for key in keys}
    right = all(len(shape) == dimensions[key] and shape[0] == len(found["labels"]) for key, shape in shapes.items())
    if not right or shapes.get("boxes", (0, 4))[1] != 4:
        raise ValueError(
            f"Expected {name} to have boxes (N, 4), masks (N, H, W), scores (N) and labels (N), but got {shapes}. "
            "No object at all is boxes (0, 4): `torch.zeros(0, 4)`."
        )
