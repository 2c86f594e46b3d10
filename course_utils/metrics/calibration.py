"""Do probabilities mean what they say? Calibration, and sets that cover the truth as often as promised."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional as F

from course_utils.metrics.counts import Labels

Probabilities = torch.Tensor | np.ndarray | Sequence


def reliability(probabilities: Probabilities, target: Labels, *, bins: int = 10) -> dict[str, torch.Tensor]:
    """What a reliability diagram shows: in each bin of confidence, how often the answer was right.

    Args:
        probabilities: Float (N, K), each row with sum 1: the confidence is the largest, and it is right where that
            class is the true one. Or float (N): the probability of the positive class, compared with how often it is.
        target: (N), true classes in 0…K−1, or 0 and 1.
        bins: Number of bins of equal width from 0 to 1; each holds its lower edge, the last one both.

    Returns:
        `confidence` (mean in the bin) and `accuracy`, float64 (bins), NaN for an empty bin; `count`, int64 (bins).

    Raises:
        ValueError: Shapes do not fit, the input is empty, `bins` < 1, or probabilities are none.

    >>> table = reliability([0.1, 0.3, 0.8, 0.9], [0, 1, 1, 1], bins=2)
    >>> table["accuracy"].tolist(), table["count"].tolist(), table["confidence"].round(decimals=4).tolist()
    ([0.5, 1.0], [2, 2], [0.2, 0.85])
    """
    confidence, right = _confidence(probabilities, target, bins)
    edges = torch.linspace(0, 1, bins + 1, dtype=torch.float64)
    row = (torch.bucketize(confidence, edges, right=True) - 1).clamp(max=bins - 1)
    count = torch.bincount(row, minlength=bins)
    sums = (torch.zeros(bins, dtype=torch.float64).index_add(0, row, values) for values in (confidence, right))
    mean_confidence, accuracy = (total / count for total in sums)  # 0 / 0 is NaN
    return {"confidence": mean_confidence, "accuracy": accuracy, "count": count}


def expected_calibration_error(probabilities: Probabilities, target: Labels, *, bins: int = 10) -> float:
    """Mean distance of confidence and accuracy over the bins of `reliability`, weighted by their counts.

    It depends on `bins`, and is above 0 for a perfectly calibrated model too, since small bins scatter.

    Args:
        probabilities: As for `reliability`.
        target: As for `reliability`.
        bins: Number of bins of equal width.

    Returns:
        Error in [0, 1].

    Raises:
        ValueError: As for `reliability`.

    Reference:
        Guo et al., On calibration of modern neural networks, ICML 2017, https://arxiv.org/abs/1706.04599

    >>> round(expected_calibration_error([0.1, 0.3, 0.8, 0.9], [0, 1, 1, 1], bins=2), 4)  # (0.3 + 0.15) / 2
    0.225
    """
    from torchmetrics.functional.classification import binary_calibration_error

    confidence, right = _confidence(probabilities, target, bins)
    # The library gives a confidence of exactly 1 a bin of its own; a hair less, and it joins the last one.
    confidence = confidence.clamp(max=math.nextafter(1, 0))
    return binary_calibration_error(confidence, right, n_bins=bins, norm="l1", validate_args=False).item()


def temperature_scale(logits: torch.Tensor, target: Labels) -> float:
    """The temperature T for which softmax(logits / T) fits held-out examples best, by likelihood.

    One number, fitted by LBFGS; it changes how sure the model is, never which class it prefers. Fit it on the
    validation part: neither on what was trained on, where the model is too sure of itself, nor on the test part.

    Args:
        logits: Float (N, K), or (N) for two classes and a sigmoid.
        target: (N), true classes in 0…K−1, or 0 and 1.

    Returns:
        T > 0; above 1 where the model was too sure. Where the logits are right on every example, no T is best: the
        result is then very small.

    Raises:
        ValueError: Shapes do not fit, the input is empty, or a logit is not finite.

    Reference:
        Guo et al., On calibration of modern neural networks, ICML 2017, https://arxiv.org/abs/1706.04599

    >>> logits, target = torch.full((5,), 4.0), [1, 1, 1, 1, 0]  # 98 % sure, and right in 80 %
    >>> round(temperature_scale(logits, target), 2)  # 4 / log(0.8 / 0.2)
    2.89
    """
    logits, target = torch.as_tensor(logits).detach().double(), torch.as_tensor(target, device=logits.device)
    if logits.ndim not in (1, 2) or logits.shape[:1] != target.shape or not len(logits) or not logits.isfinite().all():
        raise ValueError(
            f"Expected finite `logits` (N, K) or (N) and `target` (N), but got {tuple(logits.shape)} and "
            f"{tuple(target.shape)}. Give the network's outputs before softmax."
        )
    with torch.inference_mode(False), torch.enable_grad():  # evaluation often happens without gradients
        return math.exp(_fitted_log_temperature(logits.clone(), target.clone()))


def _fitted_log_temperature(logits: torch.Tensor, target: torch.Tensor) -> float:
    log_temperature = torch.zeros((), dtype=torch.float64, device=logits.device, requires_grad=True)
    optimizer = torch.optim.LBFGS([log_temperature], max_iter=100, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        scaled = logits * torch.exp(-log_temperature)
        if logits.ndim == 2:
            loss = F.cross_entropy(scaled, target.long())
        else:
            loss = F.binary_cross_entropy_with_logits(scaled, target.double())
        loss.backward()
        return loss

    optimizer.step(closure)
    return log_temperature.item()


def conformal_threshold(probabilities: Probabilities, target: Labels, *, miss_rate: float = 0.1) -> float:
    """Split conformal prediction: how unlikely a class may be and still belong to the answer.

    The score of a calibration example is 1 − probability of its true class; the threshold is the ⌈(n + 1)(1 −
    miss_rate)⌉-th smallest of the n scores. For new examples drawn as the calibration ones were, the sets of
    `conformal_sets` then hold the true class in at least 1 − miss_rate of the cases, on average over calibration sets.

    Args:
        probabilities: Float (N, K) of examples that neither trained nor chose the model.
        target: (N), true classes in 0…K−1.
        miss_rate: Share of sets that may miss the true class, in (0, 1).

    Returns:
        The threshold; ∞ where n is too small for the promise (n + 1 < 1 / miss_rate): every class belongs then.

    Raises:
        ValueError: Shapes do not fit, the input is empty, probabilities are none, or `miss_rate` is outside (0, 1).

    Reference:
        Vovk, Gammerman and Shafer, Algorithmic learning in a random world, 2005; Angelopoulos and Bates, A gentle
        introduction to conformal prediction, https://arxiv.org/abs/2107.07511

    >>> sure = torch.tensor([0.9, 0.8, 0.7, 0.6])
    >>> threshold = conformal_threshold(torch.stack([sure, 1 - sure], 1), [0, 0, 0, 0], miss_rate=0.25)
    >>> round(threshold, 4)  # the 4th of 4: 1 − 0.6
    0.4
    """
    probabilities, target = _checked(probabilities, target)
    if probabilities.ndim != 2 or not 0 < miss_rate < 1:
        raise ValueError(
            "Expected probabilities (N, K) and a `miss_rate` between 0 and 1, but got "
            f"{tuple(probabilities.shape)} and {miss_rate}. For two classes stack 1 - p and p."
        )
    scores = 1 - probabilities.gather(1, target[:, None])[:, 0]  # (N)
    rank = math.ceil(round((len(scores) + 1) * (1 - miss_rate), 9))  # rounded: 10 · (1 − 0.1) must not exceed 9
    return math.inf if rank > len(scores) else scores.sort().values[rank - 1].item()


def conformal_sets(probabilities: Probabilities, threshold: float) -> torch.Tensor:
    """The classes that belong to each answer: those with 1 − probability ≤ threshold.

    Args:
        probabilities: Float (N, K).
        threshold: Of `conformal_threshold`.

    Returns:
        Bool (N, K). One True is an answer, several are an abstention between them, none says: like nothing seen.

    Raises:
        ValueError: `probabilities` is not (N, K).

    >>> conformal_sets(torch.tensor([[0.9, 0.1], [0.5, 0.5]]), 0.6).tolist()
    [[True, False], [True, True]]
    """
    probabilities = torch.as_tensor(probabilities, dtype=torch.float64)
    if probabilities.ndim != 2:
        raise ValueError(
            f"Expected probabilities (N, K), but got {tuple(probabilities.shape)}. For two classes stack 1 - p and p."
        )
    return 1 - probabilities <= threshold


def _confidence(probabilities: Probabilities, target: Labels, bins: int) -> tuple[torch.Tensor, torch.Tensor]:
    """How sure each answer was and whether it was right (for (N): whether it was positive), float64 (N) each."""
    probabilities, target = _checked(probabilities, target)
    if bins < 1:
        raise ValueError(f"Expected `bins` of at least 1, but got {bins}. 10 suit hundreds of examples, 15 thousands.")
    if probabilities.ndim == 1:
        return probabilities, target.double()
    confidence, predicted = probabilities.max(1)
    return confidence.clamp(max=1), (predicted == target).double()


def _checked(probabilities: Probabilities, target: Labels) -> tuple[torch.Tensor, torch.Tensor]:
    """Probabilities float64 (N) or (N, K) and classes int64 (N), on the processor."""
    probabilities = torch.as_tensor(probabilities, dtype=torch.float64).detach().cpu()
    target = torch.as_tensor(target).cpu()
    if probabilities.ndim not in (1, 2) or probabilities.shape[:1] != target.shape or not len(target):
        raise ValueError(
            f"Expected probabilities (N, K) or (N) and `target` (N) with N of at least 1, but got "
            f"{tuple(probabilities.shape)} and {tuple(target.shape)}. Give one row for each example."
        )
    whole = probabilities.ndim == 1 or ((probabilities.sum(1) - 1).abs() < 1e-3).all()
    if not whole or not ((probabilities >= 0) & (probabilities <= 1 + 1e-6)).all():
        raise ValueError(
            "Expected probabilities from 0 to 1, each row with sum 1, but got others. "
            "Take the softmax (or the sigmoid) of logits first."
        )
    classes = 2 if probabilities.ndim == 1 else probabilities.shape[1]
    if target.is_floating_point() or not ((target >= 0) & (target < classes)).all():
        raise ValueError(f"Expected classes in 0…{classes - 1} as `target`, but got others. Check their order.")
    return probabilities, target.long()
