"""Costs of a network against counts by hand."""

import pytest
import torch
from torch import nn

from course_utils import models


@pytest.fixture
def network():
    """A convolution of 5 kernels of 3 × 3 × 2, ReLU, and a linear layer: 90 + 5 + 5 · 36 · 4 + 4 numbers."""
    return nn.Sequential(nn.Conv2d(2, 5, 3), nn.ReLU(), nn.Flatten(), nn.Linear(5 * 36, 4))


def test_operations_and_parameters_are_those_of_a_count_by_hand(network):
    """A multiplication and an addition for every use of a weight; the share of the linear weights."""
    costs = models.network_costs(network, torch.zeros(3, 2, 8, 8))
    assert costs["parameters"] == 95 + 724
    assert costs["dense"] == pytest.approx(720 / 819)
    assert costs["flops"] == 2 * (90 * 36 + 720)


def test_kept_memory_is_the_inputs_and_what_relu_let_through(network):
    """The convolution keeps its input; ReLU its output, which the linear layer keeps too, and which counts once."""
    costs = models.network_costs(network, torch.zeros(3, 2, 8, 8))
    assert costs["kept_bytes"] == 4 * (2 * 64 + 5 * 36)


def test_stored_averages_are_no_activations():
    """Batch normalisation keeps its input, and for each channel mean and spread of the batch."""
    costs = models.network_costs(nn.BatchNorm2d(3), torch.rand(2, 3, 4, 4))
    assert costs["kept_bytes"] == pytest.approx(4 * (3 * 16 + 2 * 3 / 2))


def test_counting_leaves_a_network_in_training_mode_without_gradients(network):
    """Costs are those of training, and nothing is left behind for the first step to trip over."""
    models.network_costs(network.eval(), torch.zeros(3, 2, 8, 8))
    assert network.training
    assert all(parameter.grad is None for parameter in network.parameters())


def test_shapes_follow_the_layers(network):
    """Channels and height of the image and of every output; features without a place are one pixel high."""
    shapes = models.layer_shapes(network, torch.zeros(1, 2, 8, 8))
    assert shapes == [(2, 8), (5, 6), (5, 6), (180, 1), (4, 1)]
    assert models.layer_shapes(nn.Sequential(), torch.zeros(1, 2, 8, 8)) == [(2, 8)]


def test_batch_without_channels_is_refused(network):
    """A wrong shape is named by the layer that meets it."""
    with pytest.raises(RuntimeError, match="expected input"):
        models.network_costs(network, torch.zeros(3, 1, 8, 8))


def test_kept_bytes_are_counted_by_hand():
    """Two linear layers and a ReLU keep the input, the output of the ReLU, and nothing else beside the weights."""
    network, inputs = nn.Sequential(nn.Linear(10, 6), nn.ReLU(), nn.Linear(6, 3)), torch.rand(8, 10)
    assert models.kept_bytes(lambda: network(inputs), network) == 8 * (10 + 6) * 4


def test_autocast_keeps_half_and_a_copy_of_the_weights():
    """Under autocast the same two tensors have 2 bytes a number; the second layer's weights are kept as a copy."""
    network, inputs = nn.Sequential(nn.Linear(10, 6), nn.ReLU(), nn.Linear(6, 3)), torch.rand(8, 10)

    def forward():
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return network(inputs)

    assert models.kept_bytes(forward, network) == 2 * (8 * (10 + 6) + 6 * 3)


def test_nothing_is_kept_where_nothing_is_learnt():
    """Without gradients there is nothing to keep."""
    network = nn.Linear(10, 6).requires_grad_(False)
    assert models.kept_bytes(lambda: network(torch.rand(8, 10)), network) == 0


def test_a_slice_keeps_the_whole_tensor():
    """Eight rows of a hundred hold the memory of a hundred, which PyTorch cannot give back in part."""
    network, inputs = nn.Linear(10, 6), torch.rand(100, 10)
    assert models.kept_bytes(lambda: network(inputs[:8]), network) == 100 * 10 * 4
