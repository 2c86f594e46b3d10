"""Segmentation scores against torchmetrics, and distances to edges against a slow loop."""

import pytest
import torch
from torchmetrics.functional.segmentation import dice_score
from torchmetrics.segmentation import MeanIoU

from course_utils import metrics


def maps(*shape, classes, seed=0):
    """Two random class maps that agree at about half of the pixels."""
    generator = torch.Generator().manual_seed(seed)
    target = torch.randint(classes, shape, generator=generator)
    other = torch.randint(classes, shape, generator=generator)
    return torch.where(torch.rand(shape, generator=generator) < 0.5, target, other), target


def test_iou_and_dice_per_class_equal_torchmetrics():
    """From one table of counts, the same numbers as the library's, over one picture that holds all pixels."""
    predicted, target = maps(1, 60, 70, classes=6)
    counts = metrics.confusion_counts(predicted, target, num_classes=6)
    theirs = MeanIoU(num_classes=6, per_class=True, input_format="index")
    theirs.update(predicted, target)
    torch.testing.assert_close(metrics.iou_per_class(counts).float(), theirs.compute())
    dice = dice_score(predicted, target, num_classes=6, average="none", input_format="index")[0]
    torch.testing.assert_close(metrics.dice_per_class(counts).float(), dice.float())


def test_counts_of_batches_add_up():
    """The sum of two batches' counts gives the scores of both together, which a mean of scores does not."""
    predicted, target = maps(4, 9, 9, classes=3)
    halves = [metrics.confusion_counts(predicted[i : i + 2], target[i : i + 2], num_classes=3) for i in (0, 2)]
    whole = metrics.segmentation_iou(predicted, target, num_classes=3)
    torch.testing.assert_close(metrics.iou_per_class(sum(halves)), whole)


@pytest.mark.parametrize("score", [metrics.iou_per_class, metrics.dice_per_class])
def test_a_class_that_is_absent_has_no_score(score):
    """Neither true nor predicted: NaN; predicted and never true: 0."""
    values = score(torch.tensor([[3, 1, 0], [0, 0, 0], [0, 0, 0]]))
    assert values[1] == 0 and values[2].isnan()
    with pytest.raises(ValueError, match=r"\(K, K\)"):
        score(torch.zeros(2, 3))


def edge_distance_by_loop(target, farthest, ignored):
    """For every pixel, the smallest window that holds two classes, by looking at each window."""
    out = torch.full_like(target, farthest + 1)
    for b, y, x in torch.cartesian_prod(*map(torch.arange, target.shape)).tolist():
        for reach in range(farthest, 0, -1):
            window = target[b, max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1]
            if len(window[window != ignored].unique()) > 1:
                out[b, y, x] = reach
    return out


@pytest.mark.parametrize("ignored", [-1, 2])
def test_edge_distance_equals_a_slow_loop(ignored):
    """Blocks of classes, one of them ignored in turn."""
    target = maps(2, 4, 5, classes=3, seed=1)[1].repeat_interleave(4, 1).repeat_interleave(4, 2)
    ours = metrics.edge_distance(target, farthest=3, ignore_index=None if ignored < 0 else ignored)
    assert torch.equal(ours, edge_distance_by_loop(target, 3, ignored))


def test_edge_distance_without_an_edge():
    """One class alone has no edge, not even at the picture's border; nor have pixels that are all ignored."""
    assert (metrics.edge_distance(torch.zeros(1, 5, 5, dtype=torch.int64), farthest=2) == 3).all()
    assert (metrics.edge_distance(torch.full((1, 5, 5), 255), farthest=2, ignore_index=255) == 3).all()
    with pytest.raises(ValueError, match="farthest"):
        metrics.edge_distance(torch.zeros(5, 5), farthest=2)


def test_errors_by_distance_add_up():
    """Shares at each distance, weighted by their pixels, give the share of all; ignored pixels take no part."""
    target = maps(2, 4, 5, classes=3, seed=1)[1].repeat_interleave(5, 1).repeat_interleave(5, 2)
    target[0, :3] = 255
    predicted = maps(*target.shape, classes=3, seed=2)[1]
    found = metrics.errors_by_distance(predicted, target, farthest=2, ignore_index=255)
    kept = target != 255
    wrong = (predicted != target)[kept].double().mean()
    torch.testing.assert_close((found["wrong"].nan_to_num() * found["of_area"]).sum(), wrong)
    assert found["of_errors"].sum() == pytest.approx(1) and found["of_area"].sum() == pytest.approx(1)
    with pytest.raises(ValueError, match="one shape"):
        metrics.errors_by_distance(predicted[:1], target, farthest=2)
