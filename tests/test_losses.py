"""Losses against slow loops and against the libraries' special cases."""

import math

import pytest
import torch
import torch.nn.functional as F
from torchvision.ops import sigmoid_focal_loss

from course_utils import losses


def example(*shape: int, classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Random logits (B, K, …) and class indices (B, …) of a given (B, …)."""
    generator = torch.Generator().manual_seed(len(shape))
    logits = 3 * torch.randn(shape[0], classes, *shape[1:], generator=generator)
    return logits, torch.randint(classes, shape, generator=generator)


@pytest.mark.parametrize("shape", [(1,), (7,), (2, 3, 4)])
@pytest.mark.parametrize("weighted", [False, True])
def test_focal_loss_without_gamma_is_cross_entropy(shape, weighted):
    """At gamma 0 value and gradient equal PyTorch's cross-entropy, with class weights and an ignored target too."""
    logits, targets = example(*shape, classes=5)
    targets.view(-1)[1:2] = losses.IGNORED
    weight = torch.tensor([1.0, 2.0, 0.5, 3.0, 1.5]) if weighted else None
    ours, theirs = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    loss = losses.focal_loss(ours, targets, gamma=0.0, weight=weight)
    expected = F.cross_entropy(theirs, targets, weight=weight)
    torch.testing.assert_close(loss, expected)
    loss.backward(), expected.backward()
    torch.testing.assert_close(ours.grad, theirs.grad)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_focal_loss_equals_a_slow_loop(gamma):
    """Each example is −(1 − p)^gamma · log p with p from a softmax written out, then the mean."""
    logits, targets = example(6, classes=3)
    terms = []
    for row, target in zip(logits.tolist(), targets.tolist(), strict=True):
        p = math.exp(row[target]) / sum(math.exp(value) for value in row)
        terms.append(-((1 - p) ** gamma) * math.log(p))
    expected = torch.tensor(sum(terms) / len(terms))
    torch.testing.assert_close(losses.focal_loss(logits, targets, gamma=gamma), expected)


@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_focal_loss_of_two_classes_is_torchvisions_binary_one(gamma):
    """Logits (0, z) of two classes give the sigmoid focal loss of z; alpha is the pair of class weights."""
    z = torch.linspace(-6, 6, 25)
    targets = torch.arange(25) % 2
    logits = torch.stack([torch.zeros(25), z], dim=1)  # (N, 2)
    plain = sigmoid_focal_loss(z, targets.float(), alpha=-1, gamma=gamma, reduction="mean")
    torch.testing.assert_close(losses.focal_loss(logits, targets, gamma=gamma), plain)
    weight = torch.tensor([0.75, 0.25])
    balanced = sigmoid_focal_loss(z, targets.float(), alpha=0.25, gamma=gamma, reduction="sum") / weight[targets].sum()
    torch.testing.assert_close(losses.focal_loss(logits, targets, gamma=gamma, weight=weight), balanced)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_loss_of_sure_answers_has_a_finite_gradient(gamma):
    """Probabilities that round to 1 and to 0 give finite losses and gradients."""
    logits = torch.tensor([[300.0, 0.0], [300.0, 0.0]], requires_grad=True)
    losses.focal_loss(logits, torch.tensor([0, 1]), gamma=gamma).backward()
    assert torch.isfinite(logits.grad).all()


def soft_dice_by_loop(logits: torch.Tensor, targets: torch.Tensor, ignored: int) -> float:
    """The definition, pixel by pixel, over the classes that occur."""
    probability = logits.softmax(1)
    scores = []
    for c in range(logits.shape[1]):
        shared = predicted = true = 0.0
        for b, y, x in torch.cartesian_prod(*(torch.arange(n) for n in targets.shape)).tolist():
            if targets[b, y, x] == ignored:
                continue
            p = probability[b, c, y, x].item()
            predicted += p
            true += targets[b, y, x].item() == c
            shared += p * (targets[b, y, x].item() == c)
        if true:
            scores.append(2 * shared / (predicted + true))
    return 1 - sum(scores) / len(scores)


@pytest.mark.parametrize("ignored", [losses.IGNORED, 255, 0])
def test_dice_loss_equals_a_slow_loop(ignored):
    """Two images, four classes of which one is absent, some pixels ignored."""
    logits, targets = example(2, 5, 6, classes=4)
    targets[targets == 3] = 1
    targets[:, :2] = ignored
    expected = soft_dice_by_loop(logits, targets, ignored)
    assert losses.dice_loss(logits, targets, ignore_index=ignored).item() == pytest.approx(expected, abs=1e-6)


def test_dice_loss_ends_at_nought_and_one():
    """A sure and right answer costs nothing, a sure and wrong one costs 1."""
    targets = torch.tensor([[[0, 1], [1, 1]]])
    right = 100.0 * F.one_hot(targets, 3).movedim(-1, 1)
    torch.testing.assert_close(losses.dice_loss(right, targets), torch.tensor(0.0))
    torch.testing.assert_close(losses.dice_loss(-right, targets), torch.tensor(1.0))


def test_ignored_pixels_have_no_gradient():
    """What stands under an ignored pixel moves neither loss."""
    logits, targets = example(1, 2, 2, classes=3)
    targets[0, 0, 0] = 255
    for loss in (losses.focal_loss, losses.dice_loss):
        free = logits.clone().requires_grad_()
        loss(free, targets, ignore_index=255).backward()
        assert not free.grad[0, :, 0, 0].any() and free.grad[0, :, 1, 1].any()


def test_nothing_but_ignored_pixels_costs_nothing():
    """A crop without a labelled pixel gives 0 with a gradient of 0, not NaN, which would end the training."""
    logits, targets = example(1, 2, 2, classes=3)
    for loss in (losses.focal_loss, losses.dice_loss):
        free = logits.clone().requires_grad_()
        value = loss(free, torch.full_like(targets, losses.IGNORED))
        value.backward()
        assert value.item() == 0 and not free.grad.any()


def test_one_class_costs_nothing():
    """With a single class the softmax is 1 everywhere and both losses are 0."""
    logits, targets = torch.randn(2, 1, 3, 3), torch.zeros(2, 3, 3, dtype=torch.int64)
    assert losses.focal_loss(logits, targets).item() == losses.dice_loss(logits, targets).item() == 0


@pytest.mark.parametrize("loss", [losses.focal_loss, losses.dice_loss])
def test_wrong_input_is_refused_with_a_remedy(loss):
    """Shapes that do not fit, probabilities or floats as targets, and an empty batch are errors."""
    logits, targets = example(2, 4, 4, classes=3)
    with pytest.raises(ValueError, match=r"but got \(2, 3, 4, 4\) and \(2, 1, 4, 4\)"):
        loss(logits, targets.unsqueeze(1))
    with pytest.raises(TypeError, match=r"int64 class indices, but got torch.float32. Convert with .long\(\)"):
        loss(logits, targets.float())
    with pytest.raises(ValueError, match="got an empty batch"):
        loss(logits[:0], targets[:0])


def test_the_sum_is_the_sum_without_ignored_pixels():
    """Cross-entropy and Dice of the pixels that count, and nothing of the others."""
    logits, targets = example(2, 5, 6, classes=4)
    targets[0, :2] = 255
    found = losses.cross_entropy_and_dice(logits, targets, ignore_index=255)
    seen = targets != 255
    pixels = F.cross_entropy(logits.movedim(1, -1)[seen], targets[seen])
    torch.testing.assert_close(found, pixels + losses.dice_loss(logits, targets, ignore_index=255))


def test_a_class_beyond_the_last_is_an_error_in_dice():
    """A target that there is no logit for is not passed over in silence."""
    with pytest.raises(RuntimeError, match="out of bounds"):
        losses.dice_loss(torch.zeros(1, 2, 1, 2), torch.tensor([[[0, 2]]]))


def test_settings_outside_their_range_are_refused():
    """A negative gamma, and Dice without an image plane, are errors."""
    logits, targets = example(2, classes=3)
    with pytest.raises(ValueError, match="`gamma` of at least 0, but got -1"):
        losses.focal_loss(logits, targets, gamma=-1)
    with pytest.raises(ValueError, match=r"to be \(B, C, H, W\), but got \(2, 3\)"):
        losses.dice_loss(logits, targets)
