"""Losses that the course teaches and PyTorch does not have: focal loss for several classes, and Dice loss.

Cross-entropy, also with probabilities as targets and with label smoothing, is `torch.nn.functional.cross_entropy`; the
focal loss of independent yes-or-no outputs is `torchvision.ops.sigmoid_focal_loss`.
"""

import torch
import torch.nn.functional as F

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
    truth = F.one_hot(targets.where(kept, 0), logits.shape[1]).movedim(-1, 1)  # (B, H, W, C) → (B, C, H, W)
    truth = truth * kept.unsqueeze(1)
    probability = logits.softmax(dim=1) * kept.unsqueeze(1)  # (B, C, H, W)
    per_class = (0, 2, 3)
    true = truth.sum(per_class)  # (C)
    shared = (probability * truth).sum(per_class)  # (C)
    score = 2 * shared / (probability.sum(per_class) + true).clamp(min=1)  # (C); the clamp changes absent classes only
    present = true > 0
    return ((1 - score) * present).sum() / present.sum().clamp(min=1)


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
