"""Shuffled batches bring every example once an epoch, in an order and with changes that repeat with the seed."""

import pytest
import torch

from course_utils import engine


def make(seed: int = 0, **more) -> engine.ShuffledBatches:
    """Ten examples whose target is twice their input, in batches of four."""
    inputs = torch.arange(10.0)[:, None]
    chance = torch.Generator().manual_seed(seed)
    return engine.ShuffledBatches(inputs, 2 * inputs[:, 0], 4, generator=chance, **more)


def test_each_epoch_brings_every_example_once_in_a_new_order():
    """Two epochs: all ten examples, targets beside their inputs, orders that differ, a short last batch."""
    batches = make()
    epochs = [list(batches), list(batches)]
    orders = [torch.cat([x[:, 0] for x, _ in epoch]) for epoch in epochs]
    assert all(order.sort().values.tolist() == list(range(10)) for order in orders)
    assert orders[0].tolist() != orders[1].tolist()
    assert all(torch.equal(y, 2 * x[:, 0]) for epoch in epochs for x, y in epoch)
    assert [len(x) for x, _ in epochs[0]] == [4, 4, 2] and len(batches) == 3


def test_the_seed_decides_order_and_changes():
    """Equal seeds give equal batches, another seed others; changes see each batch and draw from the generator."""

    def noisy(x, generator):
        return x + torch.rand(x.shape, generator=generator)

    def drawn(seed):
        return torch.cat([x for x, _ in make(seed, change=noisy)])

    assert torch.equal(drawn(1), drawn(1)) and not torch.equal(drawn(1), drawn(2))
    assert not torch.equal(drawn(1), drawn(1).round())


def test_stored_inputs_are_not_changed():
    """A change in place touches the batch alone."""
    batches = make(change=lambda x, _: x.zero_())
    list(batches)
    assert batches.inputs[:, 0].tolist() == list(range(10))


@pytest.mark.parametrize(("n", "m", "size"), [(0, 0, 1), (3, 2, 1), (3, 3, 0)])
def test_what_does_not_fit_is_told(n, m, size):
    """No examples, unequal numbers and a size of zero are refused."""
    with pytest.raises(ValueError, match=f"but got {n} inputs, {m} targets and size {size}"):
        engine.ShuffledBatches(torch.zeros(n, 1), torch.zeros(m), size, generator=torch.Generator())
