"""Scores against scikit-learn, SciPy, hand counts and slow loops."""

import ast
import math
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
import sklearn.metrics
import torch
import torchmetrics.functional.classification as reference

from course_utils import metrics


def guesses(n: int, classes: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Random predicted and true classes, each int64 (N)."""
    drawn = torch.randint(classes, (2, n), generator=torch.Generator().manual_seed(seed))
    return drawn[0], drawn[1]


# Counts and the scores made of them ---------------------------------------------------------------------------------


def test_counts_equal_scikit_learn_with_the_truth_in_rows():
    """The matrix is the one of scikit-learn, not its transpose, and holds every example."""
    predicted, target = guesses(200, 4)
    counts = metrics.confusion_counts(predicted, target, num_classes=4)
    assert counts.tolist() == sklearn.metrics.confusion_matrix(target, predicted).tolist()
    assert counts.dtype == torch.int64 and counts.sum() == 200


@pytest.mark.parametrize("ignored", [2, 255])
def test_ignored_positions_are_not_counted(ignored):
    """Positions whose truth is the ignored value vanish, whatever was predicted there."""
    predicted, target = torch.tensor([0, 1, 2, 1]), torch.tensor([0, 1, ignored, ignored])
    counts = metrics.confusion_counts(predicted, target, num_classes=3, ignore_index=ignored)
    assert counts.tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 0]]


def test_counts_take_bool_arrays_lists_and_a_single_class():
    """Truth values, NumPy arrays and lists count as classes; one class gives a 1 × 1 matrix."""
    counts = metrics.confusion_counts(np.array([True, False]), [1, 1], num_classes=2)
    assert counts.tolist() == [[0, 0], [1, 1]]
    assert metrics.confusion_counts([0, 0, 0], [0, 0, 0], num_classes=1).tolist() == [[3]]


def test_accuracy_equals_scikit_learn():
    """The share of hits, also over several axes."""
    predicted, target = guesses(60, 3)
    expected = sklearn.metrics.accuracy_score(target, predicted)
    assert metrics.accuracy(predicted, target) == pytest.approx(expected, abs=1e-12)
    assert metrics.accuracy(predicted.reshape(3, 4, 5), target.reshape(3, 4, 5)) == pytest.approx(expected, abs=1e-12)


def test_precision_and_recall_equal_scikit_learn():
    """Class by class, where each class occurs and is predicted."""
    predicted, target = guesses(100, 3)
    counts = metrics.confusion_counts(predicted, target, num_classes=3)
    precision, recall, _, _ = sklearn.metrics.precision_recall_fscore_support(target, predicted)
    np.testing.assert_allclose(metrics.precision_per_class(counts), precision)
    np.testing.assert_allclose(metrics.recall_per_class(counts), recall)


def test_absent_classes_have_no_score():
    """A class never predicted has no precision and one that never occurs no recall: NaN, not 0."""
    counts = metrics.confusion_counts([0, 0, 2], [0, 1, 0], num_classes=4)
    np.testing.assert_equal(metrics.precision_per_class(counts).numpy(), [0.5, np.nan, 0.0, np.nan])
    np.testing.assert_equal(metrics.recall_per_class(counts).numpy(), [0.5, 0.0, np.nan, np.nan])


@pytest.mark.parametrize("classes", [2, 5])
def test_macro_f1_equals_scikit_learn_and_torchmetrics(classes):
    """The mean of the F1 scores; classes that occur nowhere do not pull it down."""
    predicted, target = guesses(80, classes)
    ours = metrics.macro_f1(predicted, target, num_classes=classes + 3)
    assert ours == pytest.approx(sklearn.metrics.f1_score(target, predicted, average="macro"), abs=1e-12)
    theirs = reference.multiclass_f1_score(predicted, target, num_classes=classes + 3, average="macro")
    assert ours == pytest.approx(theirs.item(), abs=1e-6)
    assert metrics.macro_f1([0, 0], [0, 0], num_classes=1) == 1.0


@pytest.mark.parametrize("score", [metrics.accuracy, lambda p, t: metrics.macro_f1(p, t, num_classes=2)])
def test_wrong_labels_are_refused_with_a_remedy(score):
    """Nothing to score, shapes that differ, and logits in place of classes are errors."""
    with pytest.raises(ValueError, match=r"at least one prediction, but got none\. Check"):
        score([], [])
    with pytest.raises(ValueError, match=r"of one shape, but got \(3, 2\) and \(3,\)"):
        score(torch.zeros(3, 2), torch.zeros(3, dtype=torch.int64))
    with pytest.raises(TypeError, match=r"`predicted` to hold class indices, but got torch.float32. Take the argmax"):
        score(torch.zeros(3), torch.zeros(3, dtype=torch.int64))


@pytest.mark.parametrize(("predicted", "target", "name"), [([0, 3], [0, 1], "predicted"), ([0, 1], [0, -1], "target")])
def test_classes_out_of_range_are_refused(predicted, target, name):
    """A class beyond the number of classes is named, with its side."""
    with pytest.raises(ValueError, match=f"classes of `{name}` in 0…2, but got"):
        metrics.confusion_counts(predicted, target, num_classes=3)


def test_counts_must_be_square():
    """Predictions handed to a score of counts are an error that names the function to use."""
    for score in (metrics.precision_per_class, metrics.recall_per_class):
        with pytest.raises(ValueError, match=r"to be \(K, K\), but got \(3,\). Use `confusion_counts`"):
            score(torch.zeros(3))


# ROC ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [0.1, 1.0, 1000.0])
def test_roc_auc_equals_scikit_learn_for_logits_of_any_size(scale):
    """Only the order counts: large logits, which a sigmoid would make equal, give the same area, with ties."""
    generator = np.random.default_rng(1)
    scores = generator.normal(size=300).round(1) * scale
    target = generator.random(300) < 0.3
    expected = sklearn.metrics.roc_auc_score(target, scores)
    assert metrics.roc_auc(scores, target) == pytest.approx(expected, abs=1e-6)
    assert metrics.roc_auc(torch.tensor(-scores), torch.tensor(target)) == pytest.approx(1 - expected, abs=1e-6)


def test_roc_auc_of_one_class_is_not_defined():
    """Without a positive or without a negative example there is no pair to compare."""
    assert math.isnan(metrics.roc_auc([0.2, 0.9], [1, 1])) and math.isnan(metrics.roc_auc([0.2], [0]))


@pytest.mark.parametrize(
    ("scores", "target", "message"),
    [
        (torch.zeros(4, 2), torch.zeros(4), r"but got \(4, 2\) and \(4,\)\. Take the column"),
        ([], [], r"N of at least 1, but got \(0,\)"),
        ([0.1, 0.2], [0, 2], "nothing but 0 and 1"),
        ([0.1, 0.2], [0.33, 1.0], "probabilities as targets need a threshold"),
        ([0.1, math.nan], [0, 1], "no NaN among `scores`"),
    ],
)
def test_roc_auc_refuses_wrong_input(scores, target, message):
    """Two columns, nothing, three classes, probabilities as truth, and NaN each give an error with a remedy."""
    with pytest.raises(ValueError, match=message):
        metrics.roc_auc(scores, target)


# Segmentation and detection ------------------------------------------------------------------------------------------


def test_segmentation_iou_equals_a_loop_over_sets_of_pixels():
    """Intersection and union of the sets of pixels, for classes present, missed and absent, with ignored pixels."""
    predicted, target = (drawn.reshape(2, 5, 6) for drawn in guesses(60, 3, seed=4))
    predicted[predicted == 2] = 3  # class 2 is true only, 3 predicted only, 4 neither
    target[:, 0] = 255
    expected = []
    for c in range(5):
        found = {i for i, p in enumerate(predicted.flatten().tolist()) if p == c and target.flatten()[i] != 255}
        true = {i for i, t in enumerate(target.flatten().tolist()) if t == c}
        expected.append(len(found & true) / len(found | true) if found | true else math.nan)
    ours = metrics.segmentation_iou(predicted, target, num_classes=5, ignore_index=255)
    np.testing.assert_allclose(ours, expected)
    assert expected[2] == expected[3] == 0 and math.isnan(expected[4])


def test_segmentation_iou_refuses_logits_and_empty_batches():
    """Logits and a batch without images are errors that say what to pass."""
    with pytest.raises(ValueError, match=r"to be \(B, H, W\), but got \(2, 3, 4, 4\).*argmax"):
        metrics.segmentation_iou(torch.zeros(2, 3, 4, 4), torch.zeros(2, 4, 4), num_classes=3)
    nothing = torch.zeros(0, 4, 4, dtype=torch.int64)
    with pytest.raises(ValueError, match="at least one prediction, but got none"):
        metrics.segmentation_iou(nothing, nothing, num_classes=3)


def detections(boxes: list[list[float]], *, scores: list[float] | None = None) -> dict[str, torch.Tensor]:
    """One image's objects of class 0; with scores a prediction, without a target."""
    found = {"boxes": torch.tensor(boxes).reshape(-1, 4), "labels": torch.zeros(len(boxes), dtype=torch.int64)}
    return found if scores is None else {**found, "scores": torch.tensor(scores)}


def test_average_precision_equals_a_hand_count():
    """Of two objects the surer box hits one at IoU 0.87 and the other misses: precision is 1 up to recall 1/2."""
    target = detections([[0, 0, 10, 10], [50, 50, 60, 60]])
    prediction = detections([[0, 0, 10, 8.7], [100, 100, 110, 110]], scores=[0.9, 0.8])
    scores = metrics.mean_average_precision([prediction], [target])
    half = 51 / 101  # COCO reads precision at the recalls 0.00, 0.01 … 1.00: 51 of them lie at or below 1/2
    assert scores["map50"] == pytest.approx(half, abs=1e-6) and scores["map75"] == pytest.approx(half, abs=1e-6)
    met = 8 / 10  # of the thresholds 0.50, 0.55 … 0.95 the hit reaches those up to 0.85
    assert scores["map50_95"] == pytest.approx(half * met, abs=1e-6)
    assert scores["recall100"] == pytest.approx(0.5 * met, abs=1e-6)


def test_average_precision_of_masks_differs_from_that_of_boxes():
    """Two triangles that share a bounding box: the boxes agree and the masks do not."""
    upper = torch.ones(20, 20).triu().bool().unsqueeze(0)
    label = torch.tensor([0])
    prediction = {"masks": upper, "scores": torch.tensor([0.9]), "labels": label}
    right = metrics.mean_average_precision([prediction], [{"masks": upper, "labels": label}], masks=True)
    wrong = metrics.mean_average_precision([prediction], [{"masks": upper.mT, "labels": label}], masks=True)
    assert right["map50_95"] == 1 and wrong["map50_95"] == 0


def test_images_without_objects_or_detections_are_scored():
    """Nothing found of something is 0, nothing to find at all is NaN, and an empty image spoils no other."""
    box = [[0.0, 0.0, 8.0, 8.0]]
    nothing, found = detections([], scores=[]), detections(box, scores=[0.5])
    assert metrics.mean_average_precision([nothing], [detections(box)])["map50"] == 0
    assert math.isnan(metrics.mean_average_precision([found], [detections([])])["map50"])
    both = metrics.mean_average_precision([found, nothing], [detections(box), detections([])])
    assert both["map50"] == 1


def test_average_precision_refuses_wrong_input():
    """Lists of unequal length, no image, a missing key and boxes of a wrong shape name the place and the remedy."""
    box = [[0.0, 0.0, 8.0, 8.0]]
    found, true = detections(box, scores=[0.5]), detections(box)
    with pytest.raises(ValueError, match="got 2 predictions and 1 targets"):
        metrics.mean_average_precision([found, found], [true])
    with pytest.raises(ValueError, match="got 0 predictions and 0 targets"):
        metrics.mean_average_precision([], [])
    with pytest.raises(ValueError, match=r"predictions\[0\] to have the keys .* but got no \['scores'\]"):
        metrics.mean_average_precision([true], [true])
    with pytest.raises(ValueError, match=r"targets\[0\] to have boxes \(N, 4\)"):
        metrics.mean_average_precision([found], [{**true, "boxes": torch.zeros(0)}])
    with pytest.raises(ValueError, match=r"predictions\[0\] to have boxes \(N, 4\)"):
        metrics.mean_average_precision([{**found, "scores": torch.zeros(2)}], [true])


# Intervals -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("confidence", [0.5, 0.95])
def test_paired_difference_equals_scipys_paired_test(confidence):
    """Mean and interval are those of SciPy's t-test on related samples."""
    a, b = np.random.default_rng(0).normal(size=(2, 6))
    expected = scipy.stats.ttest_rel(a, b).confidence_interval(confidence)
    ours = metrics.paired_difference(a, b, confidence=confidence)
    assert ours == pytest.approx({"mean": (a - b).mean(), "low": expected.low, "high": expected.high, "n": 6})


def test_paired_difference_of_one_pair_has_no_interval_and_of_equal_pairs_a_point():
    """One pair says nothing about the spread; a constant difference has none."""
    one = metrics.paired_difference([0.9], [0.5])
    assert one["mean"] == pytest.approx(0.4) and math.isnan(one["low"]) and math.isnan(one["high"])
    assert metrics.paired_difference([3, 4, 5], [1, 2, 3]) == {"mean": 2, "low": 2, "high": 2, "n": 3}


def test_paired_difference_refuses_what_is_not_paired():
    """Unequal lengths, no pair, and a confidence in per cent are errors."""
    with pytest.raises(ValueError, match=r"but got \(3,\) and \(2,\)"):
        metrics.paired_difference([1, 2, 3], [1, 2])
    with pytest.raises(ValueError, match=r"at least 1, but got \(0,\)"):
        metrics.paired_difference([], [])
    with pytest.raises(ValueError, match=r"but got 95\. Write 95 % as 0\.95"):
        metrics.paired_difference([1, 2], [1, 2], confidence=95)


def test_bootstrap_agrees_with_scipy():
    """The percentile interval of a mean is SciPy's up to the noise of the draws, and the same for the same seed."""
    values = np.random.default_rng(2).exponential(size=80)
    ours = metrics.bootstrap_interval(values, np.mean, n=10_000, seed=5)
    theirs = scipy.stats.bootstrap((values,), np.mean, method="percentile", n_resamples=10_000, rng=5)
    interval = theirs.confidence_interval
    assert [ours["low"], ours["high"]] == pytest.approx([interval.low, interval.high], abs=0.015 * values.std())
    assert ours["value"] == pytest.approx(values.mean())
    assert ours == metrics.bootstrap_interval(values, np.mean, n=10_000, seed=5)
    assert ours != metrics.bootstrap_interval(values, np.mean, n=10_000, seed=6)


def test_bootstrap_draws_rows_whole():
    """A statistic of two columns sees them side by side: their difference stays what it is in every sample."""
    column = np.arange(10.0)
    rows = torch.tensor(np.stack([column, column + 3], axis=1))  # (N, 2)
    interval = metrics.bootstrap_interval(rows, lambda sample: (sample[:, 1] - sample[:, 0]).max(), n=50, seed=0)
    assert interval == {"value": 3, "low": 3, "high": 3, "n": 50}


def test_bootstrap_of_an_undefined_statistic_is_not_a_number():
    """Where a sample can lack a class, the interval is NaN instead of one that leaves the sample out."""
    rows = np.array([[0.1, 0], [0.9, 1]])
    interval = metrics.bootstrap_interval(rows, lambda sample: metrics.roc_auc(*sample.T), n=20, seed=0)
    assert interval["value"] == 1 and math.isnan(interval["low"]) and math.isnan(interval["high"])


def test_bootstrap_refuses_wrong_input():
    """No examples, a bare number, no samples, and a confidence in per cent are errors."""
    for values in ([], 3.0):
        with pytest.raises(ValueError, match="with N of at least 1"):
            metrics.bootstrap_interval(values, np.mean, seed=0)
    with pytest.raises(ValueError, match="`n` of at least 1 sample, but got 0"):
        metrics.bootstrap_interval([1, 2], np.mean, n=0, seed=0)
    with pytest.raises(ValueError, match="`confidence` between 0 and 1, but got 95"):
        metrics.bootstrap_interval([1, 2], np.mean, confidence=95, seed=0)


def test_import_leaves_heavy_libraries_alone():
    """The module imports torchmetrics and SciPy, which cost seconds, only inside the functions that need them."""
    sources = [path.read_text(encoding="utf-8") for path in Path(metrics.__file__).parent.glob("*.py")]
    body = [node for source in sources for node in ast.parse(source).body]
    imported = {ast.unparse(node).split()[1] for node in body if isinstance(node, ast.Import | ast.ImportFrom)}
    others = {name for name in imported if not name.startswith("course_utils.metrics")}
    assert others == {"math", "warnings", "collections.abc", "numpy", "torch", "torch.nn"}
