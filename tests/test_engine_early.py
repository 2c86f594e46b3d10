"""Early stopping ends where it should, and keeps the weights of the lowest validation loss."""

import copy

import pytest
import torch
from torch import nn

from course_utils import engine
from course_utils.engine import early

PAIRS = [(torch.ones(2, 1), torch.zeros(2, 1))]


def one_number() -> tuple[nn.Linear, engine.Recipe]:
    """A network of one weight that grows by one each step, so that it counts the epochs."""
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    return model, engine.Recipe(lambda output, _: -output.mean(), torch.optim.SGD(model.parameters(), lr=1.0))


@pytest.mark.parametrize(
    ("losses", "patience", "trained", "kept"),
    [
        ([3.0, 2.0, 1.0, 1.5, 1.4, 1.3, 0.1], 3, 6, 3),
        ([3.0, 2.0, 1.0, 1.5, 0.5, 2.0, 2.0], 2, 7, 5),
        ([3.0, 2.0, 2.0, 2.0, 1.0, 1.0, 1.0], 2, 4, 2),
        ([1.0, 2.0, 0.5, 0.4, 0.3, 0.2, 0.1], 1, 2, 1),
        ([3.0, 2.9, 2.8, 2.7, 2.6, 2.5, 2.4], 1, 7, 7),
        ([3.0, float("nan"), float("nan"), 1.0, 1.0, 1.0, 1.0], 2, 3, 1),
    ],
)
def test_fit_early_stops_and_goes_back(monkeypatch, losses, patience, trained, kept):
    """Planted validation losses: how many epochs are trained, and of which the weights stay."""
    planted = iter(losses)
    monkeypatch.setattr(early, "evaluate", lambda *_: {"loss": next(planted)})
    model, recipe = one_number()
    history = engine.fit_early(model, PAIRS, PAIRS, recipe, epochs=len(losses), patience=patience)
    assert [row["epoch"] for row in history] == list(range(1, trained + 1))
    assert model.weight.item() == kept


def test_fit_early_without_a_stop_equals_fit():
    """Where the validation loss falls to the end, history and weights are those of `fit`."""
    one, recipe = one_number()
    other, same = one_number()
    history = engine.fit_early(one, PAIRS, PAIRS, recipe, epochs=3, patience=1)
    assert history == engine.fit(other, PAIRS, PAIRS, same, epochs=3)
    torch.testing.assert_close(one.state_dict(), other.state_dict(), rtol=0, atol=0)


def test_fit_early_restores_statistics_too():
    """BatchNorm's running statistics belong to the weights that are kept."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(1, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    recipe = engine.Recipe(nn.functional.mse_loss, torch.optim.SGD(model.parameters(), lr=0.5))
    train = [(torch.randn(8, 1), torch.randn(8, 1))]
    check = [(torch.randn(8, 1), torch.randn(8, 1))]
    twin = copy.deepcopy(model)
    history = engine.fit_early(model, train, check, recipe, epochs=6, patience=2)
    best = min(history, key=lambda row: row["validation_loss"])["epoch"]
    assert best < len(history)  # it did go back
    again = engine.Recipe(nn.functional.mse_loss, torch.optim.SGD(twin.parameters(), lr=0.5))
    engine.fit(twin, train, None, again, epochs=best)
    torch.testing.assert_close(model.state_dict(), twin.state_dict(), rtol=0, atol=0)


@pytest.mark.parametrize("wrong", [{"epochs": 0, "patience": 1}, {"epochs": 1, "patience": 0}])
def test_fit_early_refuses_no_epochs_and_no_patience(wrong):
    """Zero epochs and a patience of zero are told."""
    model, recipe = one_number()
    with pytest.raises(ValueError, match="Expected epochs and patience of at least 1"):
        engine.fit_early(model, PAIRS, PAIRS, recipe, **wrong)


@pytest.mark.parametrize(("train", "check"), [([], PAIRS), (PAIRS, [])])
def test_fit_early_needs_batches(train, check):
    """Empty training or validation batches are told."""
    model, recipe = one_number()
    with pytest.raises(ValueError, match="at least one batch"):
        engine.fit_early(model, train, check, recipe, epochs=1, patience=1)
