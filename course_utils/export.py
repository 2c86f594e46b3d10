"""Floor 3: networks carried out of PyTorch, and networks that run fast: on a processor, or as a CUDA graph."""

import io
import warnings
from collections.abc import Callable

import torch
from torch import nn

from course_utils import speedrun

MOST = 32  # inputs at a time on a processor


def frozen_callable(module: nn.Module, example: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
    """Turn a network that is no longer trained into a function that computes the same in less time.

    On a processor the network goes through ONNX Runtime, which joins convolution, normalisation and activation into
    one step: about four times as many images a second as PyTorch for EfficientNet-Lite0. On an accelerator it stays as
    it is. Lesson 53 explains the format; the TorchScript-based exporter used here is PyTorch's older one (deprecated
    in 2025), chosen because it needs one second where the newer one needs ten.

    Args:
        module: any network with one input and one output; put into evaluation mode here.
        example: an input (1, …) of the right shape; the size of the batch may differ later, the rest may not.

    Returns:
        Function of inputs (B, …) to outputs (B, …), on the device of ``example``, without gradients. Outputs equal the
        module's to about 1e-5. On a processor 32 go through at a time, so that memory does not grow with the batch.

    Raises:
        ValueError: when ``example`` is not a batch of one.

    >>> double = frozen_callable(nn.Conv2d(1, 1, 1), torch.zeros(1, 1, 4, 4))
    >>> double(torch.zeros(3, 1, 4, 4)).shape
    torch.Size([3, 1, 4, 4])
    """
    if example.ndim < 2 or len(example) != 1:
        raise ValueError(f"Expected `example` to be one input (1, …), but got {tuple(example.shape)}. Pass x[:1].")
    module.eval()
    if example.device.type != "cpu":
        return torch.inference_mode()(module)
    session = _onnx_session(module, example)

    def run(inputs: torch.Tensor) -> torch.Tensor:
        parts = inputs.contiguous().split(MOST)
        found = [torch.from_numpy(session.run(None, {"input": part.numpy()})[0]) for part in parts]
        return found[0] if len(found) == 1 else torch.cat(found)

    return run


def captured_callable(forward: Callable, example: torch.Tensor) -> Callable:
    """Record what a function does on an accelerator once, and play it back: a CUDA graph, started as one step.

    A small network at batch 1 waits for the processor that starts its many steps, one by one. The graph starts them
    all at once. On a processor there is nothing to record, and the function runs as it is.

    Args:
        forward: of one tensor; returns a tensor, or tuples of tensors, whose shapes and steps do not depend on values.
        example: an input of the shape and type of all later ones.

    Returns:
        The same function, without gradients. Its results lie in the same memory each time: copy what shall last.

    >>> captured_callable(torch.relu, torch.zeros(2))(torch.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    forward = torch.inference_mode()(forward)
    if example.device.type != "cuda":
        return forward
    inputs, outputs = example.clone(), []

    def once() -> None:
        outputs[:] = [forward(inputs)]

    play = speedrun.recorded(once)

    def replay(values: torch.Tensor):
        inputs.copy_(values)
        play()
        return outputs[0]

    return replay


def _onnx_session(module: nn.Module, example: torch.Tensor):
    """An ONNX Runtime session of the module, with as many threads as PyTorch uses."""
    import onnxruntime

    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        axes = {"input": {0: "batch"}, "output": {0: "batch"}}
        names = {"input_names": ["input"], "output_names": ["output"]}
        torch.onnx.export(module, (example,), buffer, dynamo=False, dynamic_axes=axes, **names)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    return onnxruntime.InferenceSession(buffer.getvalue(), options, providers=["CPUExecutionProvider"])
