"""The detector's loss against loops, and where there is nothing to find."""

import pytest
import torch
from torch.nn import functional as F
from torchvision import ops

from course_utils import boxes, losses

GRID = boxes.make_grid((64, 64), torch.tensor([[[8.0, 8], [16, 12]], [[24, 24], [40, 30]]]), (16, 32))


def raw_numbers(seed, images=3, classes=3):
    return torch.randn(images, len(GRID.cells), 5 + classes, generator=torch.Generator().manual_seed(seed))


TARGETS = torch.full((3, 3, 5), -1.0)
TARGETS[0, :2] = torch.tensor([[0.0, 4, 4, 20, 24], [2, 6, 4, 24, 22]])  # two that share places
TARGETS[1, 0] = torch.tensor([1.0, 40, 40, 64, 64])  # on the border; the third image is empty


def by_loop(raw):
    found, (predicted, _) = boxes.assign(TARGETS, GRID), boxes.decode(raw, GRID)
    wanted, where, what = torch.zeros(raw.shape[:2]), [], []
    for image, place, truth, label in zip(*found, strict=True):
        apart = ops.complete_box_iou_loss(predicted[image, place], truth)
        where.append(apart)
        wanted[image, place] = max(wanted[image, place], 1 - apart.detach())
        what.append(F.binary_cross_entropy_with_logits(raw[image, place, 5:], F.one_hot(label, 3).float()))
    whether = F.binary_cross_entropy_with_logits(raw[..., 4], wanted)
    return {"box": torch.stack(where).mean(), "objectness": whether, "class": torch.stack(what).mean()}


@pytest.mark.parametrize("seed", range(3))
def test_three_parts_equal_a_loop_over_pairs(seed):
    """Box, objectness and class, with two objects that share places, one on the border and an empty image."""
    raw = raw_numbers(seed)
    torch.testing.assert_close(losses.detection_losses(raw, TARGETS, GRID), by_loop(raw))


def test_the_sum_is_weighted_and_has_gradients():
    """Weights 1, 2, 3 of the parts; every place gets a gradient, finite everywhere."""
    raw = raw_numbers(0).requires_grad_()
    parts = losses.detection_losses(raw, TARGETS, GRID)
    total = losses.detection_loss(raw, TARGETS, GRID, weights=(1.0, 2.0, 3.0))
    torch.testing.assert_close(total, parts["box"] + 2 * parts["objectness"] + 3 * parts["class"])
    total.backward()
    assert torch.isfinite(raw.grad).all() and (raw.grad[..., 4] != 0).all()


def test_images_without_objects_train_objectness_alone():
    """Box and class are zero, not NaN, and objectness learns to say nothing."""
    raw = raw_numbers(0).requires_grad_()
    parts = losses.detection_losses(raw, torch.full((3, 2, 5), -1.0), GRID)
    assert parts["box"] == parts["class"] == 0 and parts["objectness"] > 0
    sum(parts.values()).backward()
    assert torch.isfinite(raw.grad).all() and (raw.grad[..., 4] > 0).all()


def test_one_class_and_half_precision():
    """A single class works, and half precision is computed in full."""
    raw = raw_numbers(1, classes=1)
    targets = TARGETS.clone()
    targets[..., 0] = targets[..., 0].clamp(max=0)
    full, half = (losses.detection_loss(numbers, targets, GRID) for numbers in (raw, raw.bfloat16()))
    assert half.dtype == torch.float32 and abs(full - half) / full < 0.02


def test_collapsed_boxes_keep_the_loss_finite():
    """Numbers so negative that a box would have no width give finite losses and gradients."""
    raw = torch.full((3, len(GRID.cells), 8), -80.0, requires_grad=True)
    loss = losses.detection_loss(raw, TARGETS, GRID)
    loss.backward()
    assert torch.isfinite(loss) and torch.isfinite(raw.grad).all()
