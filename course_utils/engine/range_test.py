"""The range test: one short run in which the learning rate rises, to see which rates a network can take."""

import copy
import itertools
import math

from torch import nn

from course_utils.engine.training import NO_BATCH, Batches, Recipe, train_one_epoch

MEMORY = 0.8  # share of the smoothed loss that each step keeps: about the mean of the last five


def learning_rate_range_test(
    model: nn.Module, batches: Batches, recipe: Recipe, *, low: float = 1e-5, high: float = 1.0, steps: int = 100
) -> list[dict[str, float]]:
    """Train for some steps while the learning rate rises by the same factor each step, then put everything back.

    The run ends early where the loss is not finite, or its smoothed value more than four times the smallest so far.

    Args:
        model: any network; its weights and statistics are the old ones afterwards, and so is its mode.
        batches: as in `train_one_epoch`; begun again as often as the steps need.
        recipe: loss, optimiser and precision; all groups of the optimiser get the same rate. Its schedule is not used,
            and the optimiser's state is the old one afterwards.
        low, high: first and last rate, 0 < low < high.
        steps: steps from low to high, at least 2.

    Returns:
        One dict a step with `rate`, `loss`, the loss of that step's batch before the step was made, and `smooth`, a
        running mean of the losses that forgets, without the pull to zero at its start.

    Raises:
        ValueError: rates or steps do not fit, or there is no batch.

    Reference:
        Smith, Cyclical learning rates for training neural networks, WACV 2017, https://arxiv.org/abs/1506.01186

    >>> import torch
    >>> model = nn.Linear(2, 2)
    >>> recipe = Recipe(nn.functional.cross_entropy, torch.optim.SGD(model.parameters(), lr=1.0))
    >>> rows = learning_rate_range_test(model, [(torch.eye(2), torch.arange(2))], recipe, low=0.01, high=1.0, steps=3)
    >>> [round(row["rate"], 3) for row in rows]
    [0.01, 0.1, 1.0]
    """
    if not 0 < low < high or steps < 2:
        raise ValueError(
            f"Expected 0 < low < high and at least 2 steps, but got {low}, {high} and {steps}. Try 1e-5, 1 and 100."
        )
    before = copy.deepcopy((model.state_dict(), recipe.optimizer.state_dict(), _modes(model)))
    rates = [low * (high / low) ** (step / (steps - 1)) for step in range(steps)]
    try:
        return _rising(model, batches, recipe, rates)
    finally:
        model.load_state_dict(before[0])
        recipe.optimizer.load_state_dict(before[1])
        for layer, training in zip(model.modules(), before[2], strict=True):
            layer.training = training
        model.zero_grad(set_to_none=True)


def _modes(model: nn.Module) -> list[bool]:
    return [layer.training for layer in model.modules()]


def _rising(model: nn.Module, batches: Batches, recipe: Recipe, rates: list[float]) -> list[dict[str, float]]:
    """The steps themselves."""
    bare = Recipe(recipe.loss_fn, recipe.optimizer, None, recipe.precision, recipe.clip_norm)
    rows, smallest, running = [], math.inf, 0.0
    for rate, batch in zip(rates, _endless(batches), strict=False):
        for group in recipe.optimizer.param_groups:
            group["lr"] = rate
        try:
            loss = train_one_epoch(model, [batch], bare)
        except FloatingPointError:  # too fast: that is what the test is for
            break
        running = MEMORY * running + (1 - MEMORY) * loss
        smooth = running / (1 - MEMORY ** (len(rows) + 1))
        rows.append({"rate": rate, "loss": loss, "smooth": smooth})
        smallest = min(smallest, smooth)
        if smooth > 4 * smallest:
            break
    return rows


def _endless(batches: Batches):
    """Batches over and over."""
    for _ in itertools.count():
        batch = None
        for batch in batches:
            yield batch
        if batch is None:
            raise ValueError(NO_BATCH)
