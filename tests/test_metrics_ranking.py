"""ROC and precision-recall curves against counts at every threshold, one by one."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchmetrics.functional.classification import binary_average_precision

from course_utils import metrics

EXAMPLES = st.lists(st.tuples(st.integers(-5, 5), st.booleans()), min_size=2, max_size=40)


def slow(scores, target, threshold):
    """False-positive rate, true-positive rate and precision when everything from the threshold up is found."""
    found = [s >= threshold for s in scores]
    true = sum(f and t for f, t in zip(found, target, strict=True))
    false = sum(f and not t for f, t in zip(found, target, strict=True))
    return false / (len(target) - sum(target)), true / sum(target), true / (true + false) if true + false else math.nan


@settings(max_examples=60, deadline=None)
@given(examples=EXAMPLES.filter(lambda examples: len({positive for _, positive in examples}) == 2))
def test_curves_equal_counts_at_every_threshold(examples):
    """With ties and any order, each point of both curves is what counting gives at its threshold."""
    scores, target = [float(score) for score, _ in examples], [positive for _, positive in examples]
    for false_alarms, found, threshold in torch.stack(metrics.roc_curve(scores, target), 1).tolist():
        assert (false_alarms, found) == pytest.approx(slow(scores, target, threshold)[:2])
    precision, recall, thresholds = metrics.precision_recall_curve(scores, target)
    assert (precision[-1], recall[-1]) == (1, 0) and len(precision) == len(thresholds) + 1
    for p, r, threshold in torch.stack([precision[:-1], recall[:-1], thresholds], 1).tolist():
        assert (r, p) == pytest.approx(slow(scores, target, threshold)[1:])


@settings(max_examples=60, deadline=None)
@given(examples=EXAMPLES.filter(lambda examples: any(positive for _, positive in examples)))
def test_average_precision_is_the_sum_over_the_steps(examples):
    """The score is Σ (Rᵢ − Rᵢ₋₁) · Pᵢ over distinct thresholds, from the strictest on."""
    scores, target = [float(score) for score, _ in examples], [positive for _, positive in examples]
    total, before = 0.0, 0.0
    for threshold in sorted(set(scores), reverse=True):
        found = [t for s, t in zip(scores, target, strict=True) if s >= threshold]
        total += (sum(found) / sum(target) - before) * sum(found) / len(found)
        before = sum(found) / sum(target)
    assert metrics.average_precision(scores, target) == pytest.approx(total)


def test_average_precision_equals_torchmetrics_for_probabilities():
    """On probabilities, the two libraries agree; on large logits, whose sigmoid has ties, ours keeps the order."""
    generator = torch.Generator().manual_seed(0)
    scores = torch.rand(300, generator=generator)
    target = (torch.rand(300, generator=generator) < scores).long()
    theirs = binary_average_precision(scores, target).item()
    assert metrics.average_precision(scores, target) == pytest.approx(theirs, abs=1e-6)
    assert metrics.average_precision(scores * 1000, target) == pytest.approx(theirs, abs=1e-6)


def test_area_under_the_roc_curve_is_roc_auc():
    """The trapezoids under `roc_curve` sum to `roc_auc`, which counts pairs."""
    scores, target = np.random.default_rng(0).integers(0, 9, 200) / 9, np.random.default_rng(1).random(200) < 0.4
    false_alarms, found, _ = metrics.roc_curve(scores, target)
    assert torch.trapezoid(found, false_alarms).item() == pytest.approx(metrics.roc_auc(scores, target), abs=1e-6)


def test_absent_classes_have_no_rate(recwarn):
    """Without positives recall, their rate and average precision are NaN; without negatives the false alarms are."""
    assert metrics.precision_recall_curve([0.1, 0.9], [0, 0])[1].isnan().all()
    assert math.isnan(metrics.average_precision([0.1, 0.9], [0, 0]))
    assert metrics.roc_curve([0.1, 0.9], [0, 0])[1].isnan().all()
    assert metrics.roc_curve([0.1, 0.9], [1, 1])[0].isnan().all()
    assert metrics.average_precision([0.1, 0.9], [1, 1]) == 1
    assert not recwarn.list


@pytest.mark.parametrize("score", [metrics.roc_curve, metrics.precision_recall_curve, metrics.average_precision])
@pytest.mark.parametrize(
    ("scores", "target", "message"),
    [
        ([], [], r"N of at least 1, but got \(0,\)"),
        ([[0.5, 0.5]], [1], r"but got \(1, 2\) and \(1,\)"),
        ([0.5, math.nan], [0, 1], "no NaN"),
        ([0.5, 0.6], [0, 2], "nothing but 0 and 1"),
    ],
)
def test_curves_refuse_wrong_input(score, scores, target, message):
    """Nothing, a table, NaN and other targets are refused by each score of a ranking."""
    with pytest.raises(ValueError, match=message):
        score(scores, target)
