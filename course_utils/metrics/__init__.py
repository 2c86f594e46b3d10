"""Counts first, scores second: what a model got right, and how sure we are of that number.

Scores of a class that did not occur are NaN, never 0: an average must not call an absent class a failure.

torchmetrics and SciPy are imported inside the functions that need them: on two CPU cores torchmetrics takes about 8 s,
or under 1 s where torchvision, Matplotlib and SciPy are loaded already, and SciPy's statistics take 2 s.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch

Labels = torch.Tensor | np.ndarray | Sequence[int]


def confusion_counts(
    predicted: Labels, target: Labels, *, num_classes: int, ignore_index: int | None = None
) -> torch.Tensor:
    """Count how often each true class was given each predicted class.

    Args:
        predicted: Class indices in 0…K−1, integer or bool, any shape.
        target: True class indices, same shape.
        num_classes: K.
        ignore_index: Value in `target` whose positions are not counted, for example 255 for unlabelled pixels.

    Returns:
        Int64 (K, K): row = true class, column = predicted class.

    Raises:
        ValueError: Shapes differ, the input is empty, or a class is outside 0…K−1.
        TypeError: Not integers, for example logits instead of their argmax.

    >>> confusion_counts([0, 1, 1, 1], [0, 0, 1, 1], num_classes=2)
    tensor([[1, 1],
            [0, 2]])
    """
    from torchmetrics.functional.classification import multiclass_confusion_matrix

    predicted, target = _checked_labels(predicted, target)
    if ignore_index is not None:
        kept = target != ignore_index
        predicted, target = predicted[kept], target[kept]
    for name, labels in (("predicted", predicted), ("target", target)):
        if labels.numel() and not 0 <= labels.min() <= labels.max() < num_classes:
            raise ValueError(
                f"Expected classes of `{name}` in 0…{num_classes - 1}, but got {labels.min()}…{labels.max()}. "
                "Check `num_classes`, and name the value of unlabelled positions in `ignore_index`."
            )
    counted = max(num_classes, 2)  # the library refuses a single class
    counts = multiclass_confusion_matrix(predicted, target, num_classes=counted, validate_args=False)
    return counts[:num_classes, :num_classes]


def accuracy(predicted: Labels, target: Labels) -> float:
    """Share of equal entries, in [0, 1].

    Args:
        predicted: Class indices, integer or bool, any shape.
        target: True class indices, same shape.

    Raises:
        ValueError: Shapes differ or the input is empty.
        TypeError: Not integers.

    >>> accuracy([0, 1, 1, 1], [0, 0, 1, 1])
    0.75
    """
    predicted, target = _checked_labels(predicted, target)
    return (predicted == target).double().mean().item()


def precision_per_class(counts: torch.Tensor) -> torch.Tensor:
    """Of what was predicted as a class, the share that belongs to it.

    Args:
        counts: Int64 (K, K) of `confusion_counts`.

    Returns:
        Float64 (K), in [0, 1]; NaN for a class that was never predicted.

    Raises:
        ValueError: `counts` is not square.

    >>> precision_per_class(torch.tensor([[1, 1], [0, 2]]))
    tensor([1.0000, 0.6667], dtype=torch.float64)
    """
    counts = _checked_counts(counts)
    return counts.diagonal() / counts.sum(0)


def recall_per_class(counts: torch.Tensor) -> torch.Tensor:
    """Of what belongs to a class, the share that was predicted as it.

    Args:
        counts: Int64 (K, K) of `confusion_counts`.

    Returns:
        Float64 (K), in [0, 1]; NaN for a class that does not occur.

    Raises:
        ValueError: `counts` is not square.

    >>> recall_per_class(torch.tensor([[1, 1], [0, 2]]))
    tensor([0.5000, 1.0000], dtype=torch.float64)
    """
    counts = _checked_counts(counts)
    return counts.diagonal() / counts.sum(1)


def macro_f1(predicted: Labels, target: Labels, *, num_classes: int) -> float:
    """Mean of the classes' F1 scores, each class weighing the same; F1 = 2 · precision · recall / (precision + recall).

    Args:
        predicted: Class indices in 0…K−1, integer or bool, any shape.
        target: True class indices, same shape.
        num_classes: K; classes neither true nor predicted anywhere are left out.

    Returns:
        Score in [0, 1].

    Raises:
        ValueError: Shapes differ, the input is empty, or a class is outside 0…K−1.
        TypeError: Not integers.

    >>> round(macro_f1([0, 1, 1, 1], [0, 0, 1, 1], num_classes=2), 4)  # (2/3 + 4/5) / 2
    0.7333
    """
    counts = confusion_counts(predicted, target, num_classes=num_classes).double()
    # As 2 · hits / (predicted + true), which is the same and also defined where one of the two is empty.
    return (2 * counts.diagonal() / (counts.sum(0) + counts.sum(1))).nanmean().item()


def roc_auc(scores: torch.Tensor | np.ndarray | Sequence[float], target: Labels) -> float:
    """Area under the ROC curve: the chance that a positive example scores above a negative one, ties half.

    Args:
        scores: Float (N), probability or logit of the positive class; only their order matters.
        target: (N), 1 or True for positive, 0 or False for negative.

    Returns:
        Area in [0, 1]; NaN where one of the two classes is absent.

    Raises:
        ValueError: Shapes are not (N), N is 0, a score is NaN, or a target is neither 0 nor 1.

    >>> roc_auc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])  # three of the four pairs are in order
    0.75
    """
    from torchmetrics.functional.classification import binary_auroc

    scores, target = torch.as_tensor(scores), torch.as_tensor(target)
    if scores.ndim != 1 or scores.shape != target.shape or not len(scores):
        raise ValueError(
            "Expected `scores` and `target` to be (N) with N of at least 1, but got "
            f"{tuple(scores.shape)} and {tuple(target.shape)}. Take the column of the positive class: `logits[:, 1]`."
        )
    if scores.isnan().any() or not ((target == 0) | (target == 1)).all():
        raise ValueError(
            "Expected no NaN among `scores` and nothing but 0 and 1 in `target`, but got others. "
            "NaN comes from a training that diverged; probabilities as targets need a threshold first."
        )
    if (target == target[0]).all():
        return math.nan
    # The library puts scores outside [0, 1] through a sigmoid, which makes ties of large logits: give it ranks.
    distinct, rank = scores.unique(return_inverse=True)
    return binary_auroc(rank.double() / len(distinct), target.long(), validate_args=False).item()


def segmentation_iou(
    predicted: torch.Tensor, target: torch.Tensor, *, num_classes: int, ignore_index: int | None = None
) -> torch.Tensor:
    """Intersection over union of each class, its pixels summed over all images.

    Args:
        predicted: Int64 (B, H, W), class indices in 0…K−1.
        target: Int64 (B, H, W), true class indices.
        num_classes: K.
        ignore_index: Value in `target` whose pixels are not counted.

    Returns:
        Float64 (K), in [0, 1]; NaN for a class neither true nor predicted. `.nanmean()` is the mean IoU.

    Raises:
        ValueError: Shapes differ or are not (B, H, W), the input is empty, or a class is outside 0…K−1.
        TypeError: Not integers.

    >>> segmentation_iou(torch.tensor([[[0, 1, 1]]]), torch.tensor([[[0, 0, 1]]]), num_classes=3)
    tensor([0.5000, 0.5000,    nan], dtype=torch.float64)
    """
    if predicted.ndim != 3:
        raise ValueError(
            f"Expected `predicted` to be (B, H, W), but got {tuple(predicted.shape)}. "
            "Take the argmax over the classes of logits (B, C, H, W): `logits.argmax(1)`."
        )
    counts = confusion_counts(predicted, target, num_classes=num_classes, ignore_index=ignore_index).double()
    shared = counts.diagonal()  # (K)
    return shared / (counts.sum(0) + counts.sum(1) - shared)


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
    metric = MeanAveragePrecision(iou_type="segm" if masks else "bbox", backend="pycocotools")
    metric.update(predictions, targets)
    scores = metric.compute()
    names = {"map50_95": "map", "map50": "map_50", "map75": "map_75", "recall100": "mar_100"}
    values = {name: scores[theirs].item() for name, theirs in names.items()}
    return {name: value if value >= 0 else math.nan for name, value in values.items()}  # COCO writes −1 for undefined


def paired_difference(
    a: Sequence[float] | np.ndarray, b: Sequence[float] | np.ndarray, *, confidence: float = 0.95
) -> dict[str, float]:
    """Mean of a − b over pairs, such as two methods on the same splits, with its t-interval.

    Pairing takes out what both have in common, such as an easy split, so the interval is narrower than that of two
    separate means. It supposes that the differences are roughly normal.

    Args:
        a: (N) numbers, in any unit.
        b: (N) numbers of the same pairs.
        confidence: Share of such intervals that contain the true mean, in (0, 1).

    Returns:
        `mean`, `low` and `high` in the unit of the input, and `n`. With one pair `low` and `high` are NaN: not known.

    Raises:
        ValueError: Shapes differ, are not (N), or N is 0, or `confidence` is outside (0, 1).

    >>> result = paired_difference([0.86, 0.88, 0.87], [0.84, 0.85, 0.86])
    >>> [round(result[key], 3) for key in ("mean", "low", "high")]
    [0.02, -0.005, 0.045]
    """
    from scipy import stats

    _check_confidence(confidence)
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if a.ndim != 1 or a.shape != b.shape or not len(a):
        raise ValueError(
            f"Expected `a` and `b` to be (N) with N of at least 1, but got {a.shape} and {b.shape}. "
            "Give one number of each method for every pair."
        )
    difference = a - b
    half_width = math.nan
    if len(a) > 1:
        half_width = stats.t.ppf(0.5 + confidence / 2, len(a) - 1) * stats.sem(difference)
    mean = difference.mean()
    return {"mean": float(mean), "low": float(mean - half_width), "high": float(mean + half_width), "n": len(a)}


def bootstrap_interval(
    values: torch.Tensor | np.ndarray | Sequence,
    statistic: Callable[[np.ndarray], float],
    *,
    confidence: float = 0.95,
    n: int = 2000,
    seed: int,
) -> dict[str, float]:
    """Percentile bootstrap: the statistic of `n` samples drawn with replacement, and the range of their middle share.

    It answers how much the number would vary with another test set of the same kind; it says nothing about another
    training run. Rows are drawn whole, so scores and targets side by side stay together.

    Args:
        values: (N, …), one row for each example.
        statistic: Function of an array of rows (N, …) that returns one number.
        confidence: Share of the samples inside the interval, in (0, 1).
        n: Number of samples.
        seed: Seed of the draws.

    Returns:
        `value` (the statistic of `values` itself), `low`, `high`, and `n`, the number of samples. The interval is NaN
        where the statistic of any sample is.

    Raises:
        ValueError: `values` is empty, `n` < 1, or `confidence` is outside (0, 1).

    Reference:
        Efron and Tibshirani, An introduction to the bootstrap, 1993, chapter 13.

    >>> correct = [True] * 90 + [False] * 10
    >>> interval = bootstrap_interval(correct, np.mean, seed=0)
    >>> [float(round(interval[key], 2)) for key in ("value", "low", "high")]
    [0.9, 0.84, 0.96]
    """
    _check_confidence(confidence)
    values = np.asarray(values)
    if values.ndim == 0 or not len(values):
        raise ValueError(f"Expected `values` to be (N, …) with N of at least 1, but got {values.shape}. Give examples.")
    if n < 1:
        raise ValueError(f"Expected `n` of at least 1 sample, but got {n}. 2000 is enough for a 95 % interval.")
    generator = np.random.default_rng(seed)
    draws = (generator.integers(len(values), size=len(values)) for _ in range(n))
    samples = np.array([statistic(values[rows]) for rows in draws], dtype=float)  # (n)
    low, high = np.quantile(samples, [0.5 - confidence / 2, 0.5 + confidence / 2])
    return {"value": float(statistic(values)), "low": float(low), "high": float(high), "n": n}


def _checked_labels(predicted: Labels, target: Labels) -> tuple[torch.Tensor, torch.Tensor]:
    """Both as int64 (N): every score here is a sum over positions, wherever they stand."""
    predicted, target = torch.as_tensor(predicted), torch.as_tensor(target)
    if predicted.shape != target.shape:
        raise ValueError(
            "Expected `predicted` and `target` of one shape, but got "
            f"{tuple(predicted.shape)} and {tuple(target.shape)}. "
            "Take the argmax over the classes first, and give every prediction its target."
        )
    if predicted.numel() == 0:
        raise ValueError("Expected at least one prediction, but got none. Check that the split has examples.")
    for name, labels in (("predicted", predicted), ("target", target)):
        if labels.is_floating_point() or labels.is_complex():
            raise TypeError(
                f"Expected `{name}` to hold class indices, but got {labels.dtype}. Take the argmax or threshold first."
            )
    return predicted.flatten().long(), target.flatten().long()  # (N), (N)


def _checked_counts(counts: torch.Tensor) -> torch.Tensor:
    """Counts as float64, in which 0 / 0 is NaN and every count below 2^53 is exact."""
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1]:
        raise ValueError(f"Expected `counts` to be (K, K), but got {tuple(counts.shape)}. Use `confusion_counts`.")
    return counts.double()


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise ValueError(f"Expected `confidence` between 0 and 1, but got {confidence}. Write 95 % as 0.95.")


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
