"""Kappas against published examples, hand counts and libraries; overlap of masks and boxes against loops."""

import math

import numpy as np
import pytest
import torch
import torchvision
from torchmetrics.functional.classification import multiclass_cohen_kappa
from torchmetrics.functional.nominal import fleiss_kappa as theirs
from torchmetrics.functional.segmentation import dice_score

from course_utils import metrics

FLEISS_1971_STYLE = [  # ten examples, fourteen annotators, five classes: the example of Wikipedia's article
    [0, 0, 0, 0, 14],
    [0, 2, 6, 4, 2],
    [0, 0, 3, 5, 6],
    [0, 3, 9, 2, 0],
    [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0],
    [3, 2, 6, 3, 0],
    [2, 5, 3, 2, 2],
    [6, 5, 2, 1, 0],
    [0, 2, 2, 3, 7],
]


def test_fleiss_kappa_equals_a_published_example_and_nearly_torchmetrics():
    """The textbook's 0.210; torchmetrics differs by its 1e-5 in the denominator alone."""
    value = metrics.fleiss_kappa(FLEISS_1971_STYLE)
    assert value == pytest.approx(0.210, abs=5e-4)
    assert value == pytest.approx(theirs(torch.tensor(FLEISS_1971_STYLE)).item(), abs=1e-4)


def test_fleiss_kappa_of_full_agreement_and_of_one_class():
    """Full agreement on two classes is 1; where only one class was ever given, nothing is known."""
    assert metrics.fleiss_kappa([[3, 0], [0, 3]]) == 1
    assert math.isnan(metrics.fleiss_kappa([[3, 0], [3, 0]]))


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ([[3, 0], [1, 1]], "same number of annotators"),
        ([[1, 0], [0, 1]], "2 or more"),
        ([[4, -1], [3, 0]], "same number of annotators"),
        ([3, 3], r"shape \(2,\)"),
        (torch.zeros(0, 2, dtype=torch.int64), r"shape \(0, 2\)"),
    ],
)
def test_fleiss_kappa_refuses_what_are_no_votes(counts, message):
    """Unequal, single and negative votes, a list and nothing are refused."""
    with pytest.raises(ValueError, match=message):
        metrics.fleiss_kappa(counts)
    with pytest.raises(TypeError, match="Count the votes"):
        metrics.fleiss_kappa([[0.5, 0.5]])


@pytest.mark.parametrize("weights", [None, "linear", "quadratic"])
def test_cohens_kappa_equals_torchmetrics(weights):
    """With and without weights, on two annotators who agree in part."""
    generator = torch.Generator().manual_seed(0)
    a = torch.randint(4, (200,), generator=generator)
    b = torch.where(torch.rand(200, generator=generator) < 0.6, a, torch.randint(4, (200,), generator=generator))
    expected = multiclass_cohen_kappa(a, b, num_classes=4, weights=weights).item()
    assert metrics.cohens_kappa(a, b, weights=weights) == pytest.approx(expected, abs=1e-6)


def test_cohens_kappa_without_any_difference_is_not_defined(recwarn):
    """Two annotators who give one class throughout leave nothing to correct for chance."""
    assert math.isnan(metrics.cohens_kappa([1, 1], [1, 1]))
    assert not recwarn.list
    with pytest.raises(ValueError, match="at least one prediction"):
        metrics.cohens_kappa([], [])


def test_dice_equals_torchmetrics_and_twice_the_overlap():
    """Class by class over all images, and NaN for the class that is nowhere."""
    generator = torch.Generator().manual_seed(0)
    predicted, target = torch.randint(3, (2, 2, 9, 8), generator=generator)
    ours = metrics.dice(predicted, target, num_classes=4)
    joined = [labels.reshape(1, -1, 1) for labels in (predicted, target)]  # the library averages over images
    expected = dice_score(*joined, num_classes=4, average="none", input_format="index")[0, :3]
    torch.testing.assert_close(ours[:3], expected.double())
    shared = ((predicted == 1) & (target == 1)).sum() * 2 / ((predicted == 1).sum() + (target == 1).sum())
    assert ours[1].item() == pytest.approx(shared.item()) and ours[3].isnan()


def test_dice_ignores_what_it_is_told_to():
    """Pixels without a label count neither way."""
    predicted, target = torch.tensor([[[0, 1, 1]]]), torch.tensor([[[0, 1, 255]]])
    assert metrics.dice(predicted, target, num_classes=2, ignore_index=255).tolist() == [1, 1]


def test_box_iou_is_that_of_torchvision_and_of_pixels():
    """On whole-number boxes, counting pixels gives the same; generalised is torchvision's."""
    generator = np.random.default_rng(0)
    corners = generator.integers(0, 10, (12, 2))
    boxes = torch.tensor(np.concatenate([corners, corners + generator.integers(1, 8, (12, 2))], 1), dtype=torch.float32)
    pixels = torch.zeros(12, 20, 20, dtype=torch.bool)
    for mask, (x1, y1, x2, y2) in zip(pixels, boxes.int().tolist(), strict=True):
        mask[y1:y2, x1:x2] = True
    shared = (pixels[:, None] & pixels[None]).sum((2, 3))
    torch.testing.assert_close(metrics.box_iou(boxes, boxes), shared / (pixels[:, None] | pixels[None]).sum((2, 3)))
    expected = torchvision.ops.generalized_box_iou(boxes, boxes[:5])
    torch.testing.assert_close(metrics.box_iou(boxes, boxes[:5], generalised=True), expected)
    assert metrics.box_iou(torch.zeros(0, 4), boxes).shape == (0, 12)


@pytest.mark.parametrize("bad", [torch.zeros(3, 5), torch.zeros(4), torch.tensor([[5.0, 0, 1, 1]])])
def test_box_iou_refuses_what_are_no_boxes(bad):
    """Five columns, a single box without its axis, and a box turned round are refused."""
    with pytest.raises(ValueError, match=r"Expected `b` to be \(N, 4\) as x1 <= x2"):
        metrics.box_iou(torch.zeros(1, 4), bad)


def test_paired_bootstrap_equals_the_bootstrap_of_the_differences():
    """For a mean, it is the interval of the mean difference; for equal methods it is zero wide."""
    a, b = np.random.default_rng(0).random((2, 80))
    paired = metrics.paired_bootstrap(a, b, np.mean, n=300, seed=3)
    single = metrics.bootstrap_interval(a - b, np.mean, n=300, seed=3)
    assert [paired[key] for key in ("value", "low", "high")] == pytest.approx(
        [single[key] for key in ("value", "low", "high")]
    )
    same = metrics.paired_bootstrap(a, a, np.mean, n=50, seed=0)
    assert (same["low"], same["value"], same["high"]) == (0, 0, 0)


def test_paired_bootstrap_refuses_what_is_not_paired():
    """Different numbers of examples, and none, are refused."""
    with pytest.raises(ValueError, match="Score both methods on the same examples"):
        metrics.paired_bootstrap([1, 2], [1, 2, 3], np.mean, seed=0)
    for empty in ([], 1.0):
        with pytest.raises(ValueError, match="with N of at least 1"):
            metrics.paired_bootstrap(empty, empty, np.mean, seed=0)
