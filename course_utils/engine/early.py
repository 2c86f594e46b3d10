"""Early stopping: train while the validation loss falls, and keep the weights of its lowest point."""

import copy
import math

from torch import nn

from course_utils.engine.training import Batches, Recipe, evaluate, train_one_epoch


def fit_early(
    model: nn.Module, train: Batches, validation: Batches, recipe: Recipe, *, epochs: int, patience: int
) -> list[dict[str, float]]:
    """Train until the validation loss has not reached a new low for some epochs, then go back to the best weights.

    Args:
        model, train, recipe: see `fit`.
        validation: batches that decide; never the test set. What they decide they cannot judge: score on others.
        epochs: most passes over `train`, at least 1.
        patience: epochs without a new low after which training ends, at least 1.

    Returns:
        History: one dict an epoch that was trained, with `epoch` (from 1), `train_loss` and `validation_loss`. The
        model has the weights of the epoch whose validation loss is lowest, of the first such epoch where several are.

    Raises:
        ValueError: for fewer than one epoch or a patience below one, or no batch.
        FloatingPointError: when the loss is not finite any more.

    Reference:
        Prechelt, Early stopping – but when?, in Neural networks: tricks of the trade, 1998,
        https://doi.org/10.1007/3-540-49430-8_3
    """
    if epochs < 1 or patience < 1:
        raise ValueError(
            f"Expected epochs and patience of at least 1, but got {epochs} and {patience}. "
            "A patience of 3 bears two epochs without progress."
        )
    history, lowest, kept, waited = [], math.inf, copy.deepcopy(model.state_dict()), 0
    for epoch in range(1, epochs + 1):
        row = {"epoch": epoch, "train_loss": train_one_epoch(model, train, recipe)}
        row["validation_loss"] = evaluate(model, validation, recipe.loss_fn)["loss"]
        history.append(row)
        waited += 1
        if row["validation_loss"] < lowest:
            lowest, kept, waited = row["validation_loss"], copy.deepcopy(model.state_dict()), 0
        if waited >= patience:
            break
    model.load_state_dict(kept)
    return history
