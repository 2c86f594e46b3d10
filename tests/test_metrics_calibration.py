"""Calibration against torchmetrics, loops and closed forms; conformal sets against their promise."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from torchmetrics.functional.classification import binary_calibration_error, multiclass_calibration_error

from course_utils import metrics


def answers(n, classes=4, sharpness=2.0, seed=0):
    """Logits (n, classes) and classes drawn from their softmax: calibrated by construction."""
    generator = torch.Generator().manual_seed(seed)
    logits = sharpness * torch.randn(n, classes, generator=generator, dtype=torch.float64)
    return logits, torch.multinomial(logits.softmax(1), 1, generator=generator)[:, 0]


@pytest.mark.parametrize("bins", [1, 7, 15])
def test_calibration_error_equals_torchmetrics(bins):
    """For several classes and for two, over any number of bins."""
    logits, target = answers(500)
    probabilities = logits.softmax(1)
    first = probabilities[:, 0].contiguous()
    expected = multiclass_calibration_error(probabilities, target, num_classes=4, n_bins=bins).item()
    assert metrics.expected_calibration_error(probabilities, target, bins=bins) == pytest.approx(expected, abs=1e-6)
    positive = (target == 0).long()
    expected = binary_calibration_error(first, positive, n_bins=bins).item()
    ours = metrics.expected_calibration_error(first, positive, bins=bins)
    assert ours == pytest.approx(expected, abs=1e-6)


def test_calibration_error_is_that_of_its_diagram():
    """The error is the mean distance of the diagram's bins, weighted by their counts, and a loop counts the same."""
    logits, target = answers(200)
    probabilities = logits.softmax(1)
    table = metrics.reliability(probabilities, target, bins=10)
    for b in range(10):
        inside = [i for i, p in enumerate(probabilities.max(1).values.tolist()) if b / 10 <= p < (b + 1) / 10]
        assert table["count"][b] == len(inside)
        if inside:
            right = (probabilities.argmax(1) == target)[inside].double().mean()
            torch.testing.assert_close(table["accuracy"][b], right)
        else:
            assert table["accuracy"][b].isnan() and table["confidence"][b].isnan()
    distance = ((table["accuracy"] - table["confidence"]).abs() * table["count"]).nansum() / 200
    assert metrics.expected_calibration_error(probabilities, target, bins=10) == pytest.approx(distance.item())


def test_full_confidence_stands_in_the_last_bin():
    """A probability of exactly 1 is counted with those just below it."""
    table = metrics.reliability([0.95, 1.0], [0, 1], bins=10)
    assert table["count"].tolist() == [0] * 9 + [2]
    assert metrics.expected_calibration_error([0.95, 1.0], [0, 1], bins=10) == pytest.approx(0.475)


def test_temperature_finds_what_was_multiplied_in():
    """Calibrated logits multiplied by 3 get a temperature near 3, and no other temperature has a lower loss."""
    logits, target = answers(5000)
    temperature = metrics.temperature_scale(3 * logits, target)
    assert temperature == pytest.approx(3, rel=0.1)
    losses = [F.cross_entropy(3 * logits / (temperature * factor), target).item() for factor in (0.99, 1, 1.01)]
    assert losses[1] == min(losses)


def test_temperature_of_two_classes_is_the_same_either_way():
    """A sigmoid of one logit is the softmax of that logit and 0."""
    logits, target = answers(300, classes=2)
    one = logits[:, 1] - logits[:, 0]
    with torch.inference_mode():  # evaluation often happens there
        assert metrics.temperature_scale(one, target) == pytest.approx(
            metrics.temperature_scale(logits, target), rel=1e-4
        )


def test_temperature_where_none_is_best_is_a_number():
    """Logits that are always right want no temperature at all, always wrong ones an endless one: both are finite."""
    logits = torch.tensor([[5.0, -5.0], [-5.0, 5.0]])
    assert 0 < metrics.temperature_scale(logits, [0, 1]) < 1
    assert 1 < metrics.temperature_scale(logits, [1, 0]) < math.inf


@pytest.mark.parametrize("n", [9, 10, 19, 50])
@pytest.mark.parametrize("miss_rate", [0.1, 0.2])
def test_conformal_threshold_is_the_stated_order_statistic(n, miss_rate):
    """The smallest score with at least (n + 1)(1 − miss rate) of the scores at or below it; ∞ where there is none."""
    logits, target = answers(n)
    probabilities = logits.softmax(1)
    scores = sorted(1 - probabilities[i, target[i]].item() for i in range(n))
    wanted = [s for k, s in enumerate(scores, start=1) if k >= (n + 1) * (1 - miss_rate) - 1e-9]
    expected = wanted[0] if wanted else math.inf
    assert metrics.conformal_threshold(probabilities, target, miss_rate=miss_rate) == pytest.approx(expected)


def test_sets_cover_as_often_as_promised():
    """Over 400 draws of 50 calibration examples, coverage averages (⌈51 · 0.9⌉)/51 = 0.902, for any model."""
    logits, target = answers(4000, seed=1)
    probabilities = (0.3 * logits).softmax(1)  # badly calibrated: the promise holds all the same
    generator, covered = np.random.default_rng(0), []
    for _ in range(400):
        order = generator.permutation(4000)
        threshold = metrics.conformal_threshold(probabilities[order[:50]], target[order[:50]])
        sets = metrics.conformal_sets(probabilities[order[50:250]], threshold)
        covered.append(sets.gather(1, target[order[50:250], None]).double().mean().item())
    assert np.mean(covered) == pytest.approx(46 / 51, abs=0.01)


def test_every_class_belongs_where_calibration_is_too_small():
    """Eight examples cannot promise nine in ten: the threshold is ∞ and every set is full."""
    logits, target = answers(8)
    threshold = metrics.conformal_threshold(logits.softmax(1), target)
    assert threshold == math.inf
    assert metrics.conformal_sets(logits.softmax(1), threshold).all()


@pytest.mark.parametrize(
    "score", [metrics.reliability, metrics.expected_calibration_error, metrics.conformal_threshold]
)
@pytest.mark.parametrize(
    ("probabilities", "target", "message"),
    [
        (np.zeros((0, 2)), [], r"N of at least 1, but got \(0, 2\)"),
        ([[0.5, 0.5]], [0, 1], r"but got \(1, 2\) and \(2,\)"),
        ([[2.0, -1.0]], [0], "Take the softmax"),
        ([[0.5, 0.1]], [0], "each row with sum 1"),
        ([[math.nan, 0.5]], [0], "probabilities from 0 to 1"),
        ([[0.5, 0.5]], [2], "classes in 0…1"),
        ([[0.5, 0.5]], [0.5], "classes in 0…1"),
    ],
)
def test_what_are_no_probabilities_is_refused(score, probabilities, target, message):
    """Nothing, unequal lengths, logits, rows without sum 1, NaN and unknown classes are refused."""
    with pytest.raises(ValueError, match=message):
        score(probabilities, target)


def test_settings_that_make_no_sense_are_refused():
    """No bins, a miss rate of 0 or 1, a single column of sets, and logits that are not finite are refused."""
    with pytest.raises(ValueError, match="`bins` of at least 1, but got 0"):
        metrics.reliability([0.5], [1], bins=0)
    for miss_rate in (0, 1):
        with pytest.raises(ValueError, match="a `miss_rate` between 0 and 1"):
            metrics.conformal_threshold([[0.5, 0.5]], [1], miss_rate=miss_rate)
    with pytest.raises(ValueError, match=r"stack 1 - p and p"):
        metrics.conformal_threshold([0.5], [1])
    with pytest.raises(ValueError, match=r"stack 1 - p and p"):
        metrics.conformal_sets([0.5], 0.5)
    with pytest.raises(ValueError, match="before softmax"):
        metrics.temperature_scale(torch.tensor([[math.inf, 0.0]]), [0])
