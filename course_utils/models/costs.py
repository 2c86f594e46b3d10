"""What a network costs, counted: numbers to store, operations to compute, memory to keep."""

from collections.abc import Callable

import torch
from torch import nn

from course_utils.models.parameters import count_parameters


@torch.no_grad()
def layer_shapes(network: nn.Sequential, images: torch.Tensor) -> list[tuple[int, int]]:
    """Channels and height of the images and of what each layer of a network makes of them.

    Args:
        network: Layers, one after the other; in evaluation mode afterwards.
        images: (B, C, H, W).

    Returns:
        Pairs (C, H), the images first; a layer without maps, (B, C), counts as one pixel high.

    >>> layer_shapes(nn.Sequential(nn.MaxPool2d(2), nn.Flatten()), torch.zeros(1, 3, 8, 8))
    [(3, 8), (3, 4), (48, 1)]
    """
    outputs = [images]
    for layer in network.eval():
        outputs.append(layer(outputs[-1]))
    return [(output.shape[1], output.shape[2] if output.ndim == 4 else 1) for output in outputs]


def network_costs(network: nn.Module, images: torch.Tensor) -> dict[str, float]:
    """Count what training with a batch costs; `engine.time_in_turn` measures the time.

    Args:
        network: In any mode; in training mode afterwards.
        images: A batch (B, C, H, W) on the network's device.

    Returns:
        `parameters`; `dense`, the share of them in weights of linear layers; `flops`, floating-point operations of the
        forward pass of one image, where a multiplication and an addition are two, in convolutions and linear layers;
        `kept_bytes`, what an image's forward pass keeps for the backward pass beside the weights.

    >>> network_costs(nn.Sequential(nn.Flatten(), nn.Linear(12, 5, bias=False)), torch.rand(2, 3, 2, 2))
    {'parameters': 60, 'dense': 1.0, 'flops': 120.0, 'kept_bytes': 48.0}
    """
    from torch.utils.flop_counter import FlopCounterMode  # half a second, which every import of models need not pay

    network.train()
    with FlopCounterMode(display=False) as counter:
        network(images)
    total = count_parameters(network)["total"]
    linear = sum(layer.weight.numel() for layer in network.modules() if isinstance(layer, nn.Linear))
    return {
        "parameters": total,
        "dense": linear / total,
        "flops": counter.get_total_flops() / len(images),
        "kept_bytes": kept_bytes(lambda: network(images), network) / len(images),
    }


def kept_bytes(forward: Callable[[], torch.Tensor], network: nn.Module) -> int:
    """Count the bytes that autograd keeps from a forward pass for the backward pass, the network's weights apart.

    Args:
        forward: runs the network and returns a tensor that depends on it. Of an input that is a slice, the whole tensor
            is kept, and counts.
        network: whose parameters and stored averages are kept anyway and do not count.

    Returns:
        Bytes of all distinct pieces of memory that are kept.

    >>> network = nn.Linear(10, 5)
    >>> kept_bytes(lambda: network(torch.rand(8, 10)), network)  # the input: 8 · 10 numbers of 4 bytes
    320
    """
    own = {tensor.untyped_storage().data_ptr() for tensor in network.state_dict().values()}
    kept = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        out = forward()  # as long as it lives, so does what it keeps, and no address is used twice
    del out
    return sum(size for place, size in kept.items() if place not in own)
