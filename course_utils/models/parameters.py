"""The numbers in a network that are learnt: keep a part of them fixed, and count them."""

import types

from torch import nn


def freeze(module: nn.Module) -> nn.Module:
    """Turn a network, or a part of one, into a fixed function: nothing in it changes in training any more.

    Two things would change it. The optimiser moves parameters, so `requires_grad` is set to False. BatchNorm in
    training mode normalises with the statistics of the present batch and updates its running ones, with no gradient
    involved, so every layer inside is put into evaluation mode *and kept there*: calling `train()` on a network calls
    the `train` of each of its parts in turn, and that of each frozen layer is replaced by one that stays in evaluation
    mode. Dropout inside is off too. Copies made by `copy.deepcopy` stay frozen; to thaw, build the network anew.

    Args:
        module: Network or part; changed in place.

    Returns:
        The same module.

    >>> network = nn.Sequential(freeze(nn.BatchNorm2d(3)), nn.BatchNorm2d(3)).train()
    >>> [layer.training for layer in network]
    [False, True]
    """
    for layer in module.modules():
        layer.train = types.MethodType(_train_in_eval_mode, layer)
    return module.requires_grad_(False).eval()


def _train_in_eval_mode(layer: nn.Module, mode: bool = True) -> nn.Module:
    """Stand-in for `Module.train` of a frozen layer: whatever the mode asked for, evaluation mode."""
    return type(layer).train(layer, False)


def count_parameters(model: nn.Module) -> dict[str, int]:
    """Count the numbers in a network that are learnt; BatchNorm's running statistics are not among them.

    Returns:
        `total`, and `trainable` (those with `requires_grad`).

    >>> count_parameters(nn.Sequential(freeze(nn.Linear(3, 2)), nn.Linear(2, 1)))
    {'total': 11, 'trainable': 3}
    """
    parameters = list(model.parameters())
    return {
        "total": sum(p.numel() for p in parameters),
        "trainable": sum(p.numel() for p in parameters if p.requires_grad),
    }
