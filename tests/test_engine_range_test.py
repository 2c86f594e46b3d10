"""The range test takes the steps that a loop by hand takes, ends where training fails, and leaves no trace."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from course_utils import engine


def network() -> nn.Sequential:
    """Four features to three classes, with BatchNorm, whose statistics change in training."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))


def batches() -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Three batches of a task that can be learned."""
    inputs = torch.randn(24, 4, generator=torch.Generator().manual_seed(1))
    return list(zip(inputs.split(8), inputs[:, :3].argmax(1).split(8), strict=True))


def test_range_test_equals_a_loop_by_hand():
    """Seven steps over three batches: rates and losses are those of plain PyTorch."""
    model, twin, found = network(), network(), []
    optimizer = torch.optim.SGD(twin.parameters(), lr=1.0, momentum=0.9)
    for step in range(7):
        rate = 1e-3 * 10 ** (step / 3)
        optimizer.param_groups[0]["lr"] = rate
        inputs, targets = batches()[step % 3]
        loss = F.cross_entropy(twin(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found.append((rate, loss.item()))
    recipe = engine.Recipe(F.cross_entropy, torch.optim.SGD(model.parameters(), lr=1.0, momentum=0.9))
    rows = engine.learning_rate_range_test(model, batches(), recipe, low=1e-3, high=0.1, steps=7)
    torch.testing.assert_close([(row["rate"], row["loss"]) for row in rows], found)
    weights = torch.tensor([0.8**age for age in range(7)]).flip(0)  # the smoothed loss of the last step, in one sum
    assert rows[-1]["smooth"] == pytest.approx((weights @ torch.tensor(found)[:, 1] / weights.sum()).item(), rel=1e-4)


@pytest.mark.parametrize("optimizer", ["SGD", "AdamW", "Ranger"])
def test_range_test_leaves_no_trace(optimizer):
    """Weights, statistics, rate, optimiser state and modes are afterwards as they were, also of a trained network."""
    import timm.optim

    model = network()
    make = {
        "SGD": lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9),
        "AdamW": lambda p: torch.optim.AdamW(p, lr=0.01),
        "Ranger": lambda p: timm.optim.Lookahead(timm.optim.RAdam(p, lr=0.01)),
    }
    recipe = engine.Recipe(F.cross_entropy, make[optimizer](model.parameters()))
    engine.fit(model, batches(), None, recipe, epochs=3)
    model[0].eval()
    before = copy.deepcopy((model.state_dict(), recipe.optimizer.state_dict(), [x.training for x in model.modules()]))
    engine.learning_rate_range_test(model, batches(), recipe, steps=10)
    after = model.state_dict(), recipe.optimizer.state_dict(), [x.training for x in model.modules()]
    torch.testing.assert_close(after[0], before[0], rtol=0, atol=0)
    torch.testing.assert_close(after[1], before[1], rtol=0, atol=0)
    assert after[2] == before[2]
    assert all(parameter.grad is None for parameter in model.parameters())


def test_range_test_ends_where_the_loss_explodes():
    """A linear least-squares problem diverges above its largest stable rate: few rows, all of them finite."""
    model = nn.Linear(1, 1, bias=False)
    recipe = engine.Recipe(F.mse_loss, torch.optim.SGD(model.parameters(), lr=1.0))
    rows = engine.learning_rate_range_test(
        model, [(torch.ones(4, 1), torch.zeros(4, 1))], recipe, low=0.1, high=1e6, steps=50
    )
    assert 2 < len(rows) < 50
    smooth = [row["smooth"] for row in rows]
    ended = [value > 4 * min(smooth[: k + 1]) for k, value in enumerate(smooth)]
    assert ended == [False] * (len(rows) - 1) + [True]


def test_range_test_ends_at_a_loss_that_is_not_finite():
    """NaN from the second batch on: one row, and the network is restored."""
    model = nn.Linear(1, 1)
    before = copy.deepcopy(model.state_dict())
    pairs = [(torch.ones(2, 1), torch.zeros(2, 1)), (torch.full((2, 1), torch.nan), torch.zeros(2, 1))]
    rows = engine.learning_rate_range_test(
        model, pairs, engine.Recipe(F.mse_loss, torch.optim.SGD(model.parameters(), lr=1.0)), steps=9
    )
    assert len(rows) == 1
    torch.testing.assert_close(model.state_dict(), before, rtol=0, atol=0)


@pytest.mark.parametrize("wrong", [{"low": 0.0}, {"low": 1.0, "high": 0.1}, {"steps": 1}])
def test_range_test_refuses_rates_and_steps_that_do_not_fit(wrong):
    """A first rate of zero, a range upside down and a single step are told."""
    model = network()
    recipe = engine.Recipe(F.cross_entropy, torch.optim.SGD(model.parameters(), lr=0.1))
    with pytest.raises(ValueError, match="Expected 0 < low < high"):
        engine.learning_rate_range_test(model, batches(), recipe, **wrong)


def test_range_test_needs_a_batch():
    """No batches are told, not looped over for ever."""
    model = network()
    recipe = engine.Recipe(F.cross_entropy, torch.optim.SGD(model.parameters(), lr=0.1))
    with pytest.raises(ValueError, match="at least one batch"):
        engine.learning_rate_range_test(model, [], recipe)
