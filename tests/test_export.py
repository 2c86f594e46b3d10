"""Tests of course_utils.export."""

import pytest
import torch
from torch import nn

from course_utils import export, models


def test_callable_equals_the_network_it_was_made_from():
    """The fast function gives what the network gives, also for batches of another size."""
    lower, _ = models.lite0_stages(models.load_lite0().eval(), frozen_blocks=3)
    fast = export.frozen_callable(lower, torch.zeros(1, 3, 64, 64))
    for batch in (0, 1, 5, 70):  # 70: in three parts
        images = torch.randn(batch, 3, 64, 64)
        with torch.inference_mode():
            torch.testing.assert_close(fast(images), lower(images), rtol=1e-4, atol=1e-4)


def test_network_is_put_into_evaluation_mode():
    """A network in training mode is carried out as it predicts: dropout does nothing."""
    fast = export.frozen_callable(nn.Sequential(nn.Flatten(), nn.Dropout(0.9)).train(), torch.ones(1, 8))
    torch.testing.assert_close(fast(torch.ones(4, 8)), torch.ones(4, 8))


def test_example_that_is_no_batch_of_one_is_refused():
    """The message says which input to pass."""
    with pytest.raises(ValueError, match=r"Expected `example` to be one input \(1, …\), but got \(2, 3\)"):
        export.frozen_callable(nn.Linear(3, 1), torch.zeros(2, 3))


def test_recorded_function_gives_what_the_function_gives():
    """Tensors and tuples come back, without gradients, and a second call sees its own input."""
    layer = nn.Linear(3, 2)
    recorded = export.captured_callable(lambda x: (layer(x), x.sum()), torch.zeros(4, 3))
    for seed in range(2):
        x = torch.randn(4, 3, generator=torch.Generator().manual_seed(seed))
        found, total = recorded(x)
        torch.testing.assert_close(found, layer(x).detach())
        torch.testing.assert_close(total, x.sum())
        assert not found.requires_grad
