"""Losses that the course teaches and PyTorch does not have: focal loss for several classes, Dice loss, detection loss.

Cross-entropy, also with probabilities as targets and with label smoothing, is `torch.nn.functional.cross_entropy`; the
focal loss of independent yes-or-no outputs is `torchvision.ops.sigmoid_focal_loss`.
"""

import torch
import torch.nn.functional as F
from torchvision import ops

from course_utils import boxes

IGNORED = -100  # target that takes no part in a loss; PyTorch's own default


def focal_loss(
    logits: torch.Tensor,
    targets: torch.Tensor,
    *,
    gamma: float = 2.0,
    weight: torch.Tensor | None = None,
    ignore_index: int = IGNORED,
) -> torch.Tensor:
    """Cross-entropy in which an example counts less the surer the network is of its true class.

    Each example's cross-entropy −log p is multiplied by (1 − p)^gamma, where p is the probability of its true class.
    With gamma 0 this is the cross-entropy itself.

    Args:
        logits: Float (B, K) or (B, K, …), before the softmax.
        targets: Int64 (B) or (B, …), class indices in 0…K−1, or `ignore_index`.
        gamma: How strongly easy examples are played down, ≥ 0.
        weight: Float (K), weight of each class; the mean is then divided by the sum of the weights, as in PyTorch.
        ignore_index: Target value that takes no part.

    Returns:
        Scalar: mean over what takes part; 0 where nothing does (PyTorch's cross-entropy is NaN there).

    Raises:
        ValueError: Shapes do not fit, the batch is empty, or gamma is negative.
        TypeError: Targets are not int64.

    Reference:
        Lin et al., Focal loss for dense object detection, ICCV 2017, https://arxiv.org/abs/1708.02002

    >>> logits = torch.tensor([[0.0, 0.0], [0.0, 4.0]])  # undecided, and sure of class 1
    >>> targets = torch.tensor([1, 1])
    >>> F.cross_entropy(logits, targets, reduction="none")
    tensor([0.6931, 0.0181])
    >>> focal_loss(logits, targets)  # (0.6931 · 0.5² + 0.0181 · 0.0180²) / 2
    tensor(0.0866)
    """
    _check(logits, targets)
    if gamma < 0:
        raise ValueError(
            f"Expected `gamma` of at least 0, but got {gamma}. 2 is the published choice, 0 is cross-entropy."
        )
    kept = targets != ignore_index  # (B, …)
    log_p = F.log_softmax(logits, dim=1)  # (B, K, …)
    true_class = targets.where(kept, 0).unsqueeze(1)  # (B, 1, …)
    log_p_true = log_p.gather(1, true_class).squeeze(1)  # (B, …)
    # 1 − p without cancellation; the clamp keeps the gradient finite where p is 1 and gamma below 1.
    doubt = (-torch.expm1(log_p_true)).clamp(min=1e-12)
    share = kept.to(log_p.dtype) if weight is None else weight[true_class.squeeze(1)] * kept  # (B, …)
    total = share.sum()
    return -(share * doubt**gamma * log_p_true).sum() / total.where(total > 0, 1)


def dice_loss(logits: torch.Tensor, targets: torch.Tensor, *, ignore_index: int = IGNORED) -> torch.Tensor:
    """One minus the soft Dice score, the mean over the classes that occur in the batch.

    The Dice score of a class is 2 · shared / (predicted + true), where predicted and true are its numbers of pixels and
    a pixel counts with its probability. A class of ten pixels weighs as much as one of ten thousand. Pixels are summed
    over the whole batch. A class that no pixel of the batch belongs to has no score and is left out of the mean.

    Args:
        logits: Float (B, C, H, W), before the softmax.
        targets: Int64 (B, H, W), class indices in 0…C−1, or `ignore_index`.
        ignore_index: Target value that takes no part.

    Returns:
        Scalar in [0, 1]; 0 where every pixel is ignored.

    Raises:
        ValueError: Shapes do not fit, or the batch is empty.
        TypeError: Targets are not int64.

    Reference:
        Milletari et al., V-Net, 3DV 2016, https://arxiv.org/abs/1606.04797 (squares in the denominator);
        Sudre et al., Generalised Dice overlap, DLMIA 2017, https://arxiv.org/abs/1707.03237 (without squares, as here).

    >>> targets = torch.tensor([[[0, 1]]])  # one image of 1 × 2 pixels
    >>> dice_loss(torch.zeros(1, 2, 1, 2), targets)  # every probability 1/2: 1 − 2 · 0.5 / (1 + 1)
    tensor(0.5000)
    """
    _check(logits, targets)
    if logits.ndim != 4:
        raise ValueError(f"Expected `logits` to be (B, C, H, W), but got {tuple(logits.shape)}. Dice compares areas.")
    kept = targets != ignore_index  # (B, H, W)
    nowhere = torch.zeros_like(logits, dtype=torch.bool)  # (B, C, H, W)
    truth = nowhere.scatter(1, targets.where(kept, 0).unsqueeze(1), kept.unsqueeze(1))  # (B, C, H, W)
    probability = logits.softmax(dim=1) * kept.unsqueeze(1)  # (B, C, H, W)
    per_class = (0, 2, 3)
    true = truth.sum(per_class)  # (C)
    shared = (probability * truth).sum(per_class)  # (C)
    score = 2 * shared / (probability.sum(per_class) + true).clamp(min=1)  # (C); the clamp changes absent classes only
    present = true > 0
    return ((1 - score) * present).sum() / present.sum().clamp(min=1)


def detection_losses(raw: torch.Tensor, targets: torch.Tensor, grid: boxes.Grid) -> dict[str, torch.Tensor]:
    """The three parts of a one-stage detector's loss: where, whether, what.

    Args:
        raw: Float (B, N, 5 + K), see `boxes.decode`; computed in float32 whatever its type.
        targets: Float (B, M, 5), rows of label, x1, y1, x2, y2 in pixels; rows with label −1 only fill up.
        grid: The N places.

    Returns:
        `box`: mean of 1 − CIoU over the assigned pairs. `objectness`: mean cross-entropy over all places, whose target
        is the CIoU of the box predicted there, at least 0, and 0 where nothing is assigned. `class`: mean
        cross-entropy over pairs and classes, each class a yes-or-no question. Without any object, the first and third
        are 0.

    Reference:
        Zheng et al., Distance-IoU loss, AAAI 2020, https://arxiv.org/abs/1911.08287; Jocher, YOLOv5, 2020.

    >>> grid = boxes.make_grid((32, 32), torch.tensor([[[16.0, 16.0]]]), (32,))
    >>> target = torch.tensor([[[0.0, 8.0, 8.0, 24.0, 24.0]]])
    >>> {name: round(part.item(), 3) for name, part in detection_losses(torch.zeros(1, 1, 6), target, grid).items()}
    {'box': 0.0, 'objectness': 0.693, 'class': 0.693}
    """
    raw = raw.float()
    found = boxes.assign(targets, grid)
    answers = raw[found.image, found.place]  # (T, 5 + K)
    predicted, _ = boxes.decode(answers, boxes.Grid(*(of[found.place] for of in grid[:3]), grid.kinds))
    apart = ops.complete_box_iou_loss(predicted, found.boxes)  # (T), 1 − CIoU
    overlap = torch.zeros(raw.shape[:2], device=raw.device).flatten()  # (B * N)
    place = found.image * raw.shape[1] + found.place
    overlap = overlap.scatter_reduce(0, place, (1 - apart.detach()).clamp(min=0), "amax").view(raw.shape[:2])
    classes = F.one_hot(found.labels, raw.shape[2] - 5).to(raw)  # (T, K)
    count = max(len(place), 1)
    return {
        "box": apart.sum() / count,
        "objectness": F.binary_cross_entropy_with_logits(raw[..., 4], overlap),
        "class": F.binary_cross_entropy_with_logits(answers[:, 5:], classes, reduction="sum") / max(classes.numel(), 1),
    }


def detection_loss(
    raw: torch.Tensor,
    targets: torch.Tensor,
    grid: boxes.Grid,
    *,
    weights: tuple[float, float, float] = (1.0, 20.0, 1.0),
) -> torch.Tensor:
    """Weighted sum of `detection_losses`: box, objectness, class.

    Args:
        raw, targets, grid: See there.
        weights: Of the three parts. Objectness is a mean over places that are nearly all empty: it needs a large one.

    Returns:
        Scalar.
    """
    parts = detection_losses(raw, targets, grid).values()
    return sum(weight * part for weight, part in zip(weights, parts, strict=True))


def cross_entropy_and_dice(logits: torch.Tensor, targets: torch.Tensor, *, ignore_index: int = IGNORED) -> torch.Tensor:
    """Sum of both, as segmentation networks are often trained: one asks for every pixel, the other for every class.

    Args:
        logits: Float (B, C, H, W), before the softmax.
        targets: Int64 (B, H, W), class indices in 0…C−1, or `ignore_index`.
        ignore_index: Target value that takes no part.

    Returns:
        Scalar; the cross-entropy is NaN where every pixel is ignored.

    Raises:
        ValueError: Shapes do not fit, or the batch is empty.
        TypeError: Targets are not int64.

    >>> cross_entropy_and_dice(torch.zeros(1, 2, 1, 2), torch.tensor([[[0, 1]]]))  # log 2 + 1/2
    tensor(1.1931)
    """
    return dice_loss(logits, targets, ignore_index=ignore_index) + F.cross_entropy(
        logits, targets, ignore_index=ignore_index
    )


def _check(logits: torch.Tensor, targets: torch.Tensor) -> None:
    """Shapes and type, which cost nothing to look at; values are left to PyTorch, as reading them would stall a GPU."""
    if logits.ndim < 2 or targets.shape != (logits.shape[0], *logits.shape[2:]):
        raise ValueError(
            "Expected `logits` to be (B, K, …) and `targets` (B, …), but got "
            f"{tuple(logits.shape)} and {tuple(targets.shape)}. "
            "The classes are the second axis of the logits, and the targets have no such axis."
        )
    if targets.dtype != torch.int64:
        raise TypeError(f"Expected `targets` to be int64 class indices, but got {targets.dtype}. Convert with .long().")
    if targets.numel() == 0:
        raise ValueError("Expected at least one target, but got an empty batch. Skip batches without examples.")
