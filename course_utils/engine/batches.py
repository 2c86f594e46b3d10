"""Batches out of tensors that are in memory already, on whatever device they are."""

from collections.abc import Callable, Iterator

import torch


class ShuffledBatches:
    """Training batches: every example once an epoch, in a new order, with new changes.

    Nothing is copied to the host and no worker is started, so that small examples on an accelerator do not wait.

    Args:
        inputs: (N, …).
        targets: (N, …), on the same device.
        size: examples in a batch, at least 1; the last batch of an epoch may be smaller.
        generator: a generator on the CPU, for order and changes: the draws are the same on every device.
        change: function of (inputs of a batch, generator) that returns changed inputs; `None` for none.

    Raises:
        ValueError: there are no examples, numbers of inputs and targets differ, or `size` is below 1.

    >>> batches = ShuffledBatches(torch.zeros(5, 3), torch.arange(5), 2, generator=torch.Generator().manual_seed(0))
    >>> len(batches), [len(targets) for _, targets in batches]
    (3, [2, 2, 1])
    """

    def __init__(
        self,
        inputs: torch.Tensor,
        targets: torch.Tensor,
        size: int,
        *,
        generator: torch.Generator,
        change: Callable[[torch.Tensor, torch.Generator], torch.Tensor] | None = None,
    ):
        if len(inputs) != len(targets) or not len(inputs) or size < 1:
            raise ValueError(
                "Expected as many targets as inputs, at least one, and a size of at least 1, but got "
                f"{len(inputs)} inputs, {len(targets)} targets and size {size}. Is the split empty?"
            )
        self.inputs, self.targets, self.size = inputs, targets, size
        self.generator, self.change = generator, change

    def __len__(self) -> int:
        """Batches of an epoch."""
        return -(-len(self.inputs) // self.size)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """One epoch."""
        order = torch.randperm(len(self.inputs), generator=self.generator).to(self.inputs.device)
        for rows in order.split(self.size):
            inputs = self.inputs[rows]
            yield (inputs if self.change is None else self.change(inputs, self.generator)), self.targets[rows]
