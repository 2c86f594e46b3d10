"""Checkpoints: safetensors files that say what they hold, and refuse what they do not."""

import hashlib
import json
import struct
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import nn

from course_utils import files


def architecture(tensors: dict[str, torch.Tensor]) -> str:
    """Fingerprint of names and shapes: equal for two checkpoints of one architecture, whatever their values.

    >>> architecture({"w": torch.zeros(2)}) == architecture({"w": torch.ones(2)})
    True
    """
    return _digest(json.dumps([(name, list(tensors[name].shape)) for name in sorted(tensors)]).encode())


def _digest(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()[:16]


def _content(tensors: dict[str, torch.Tensor]) -> str:
    """Hash of the values, in the order of the names."""
    return _digest(*(name.encode() + tensor_bytes(tensor) for name, tensor in sorted(tensors.items())))


def tensor_bytes(tensor: torch.Tensor) -> bytes:
    """Bytes of a tensor's values, of any shape and type; the tensor is on the CPU."""
    return tensor.contiguous().view(-1).view(torch.uint8).numpy().tobytes()


def save_checkpoint(path: str | Path, model: nn.Module, metadata: dict, *, half: bool = False) -> Path:
    """Write a model's tensors with what they are: architecture, hash of the content, and ``metadata``.

    Args:
        path: ends in ``.safetensors``; written to a temporary name and moved.
        model: any module.
        metadata: values that JSON can hold: command, commit, settings, split, score, device, licence of the data.
        half: store floating tensors as float16, half the size, for shipped checkpoints.

    Returns:
        The path.

    Raises:
        ValueError: when the path does not end in ``.safetensors``.
    """
    state = model.state_dict()
    if half:
        state = {name: _halved(name, value) if value.is_floating_point() else value for name, value in state.items()}
    return write_checkpoint(path, state, metadata)


def _halved(name: str, value: torch.Tensor) -> torch.Tensor:
    half = value.half()
    if (half.isinf() & ~value.isinf()).any():
        raise ValueError(
            f"Expected numbers up to 65504, which float16 can hold, but {name} has {value.abs().max():.4g}. "
            "Save it with half=False."
        )
    return half


def write_checkpoint(path: str | Path, tensors: dict[str, torch.Tensor], metadata: dict) -> Path:
    """Write tensors by name; see :func:`save_checkpoint`, which takes a model."""
    path = Path(path)
    if path.suffix != ".safetensors":
        raise ValueError(f"Expected a path ending in .safetensors, but got {path.name}. Pickles are not written here.")
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    about = {**metadata, "architecture": architecture(tensors), "content": _content(tensors)}
    with files.replacing(path) as temporary:  # one key: the order of several is not fixed, and bytes shall be equal
        safetensors.torch.save_file(tensors, temporary, {"about": json.dumps(about, sort_keys=True)})
    return path


def read_checkpoint(path: str | Path) -> tuple[dict[str, torch.Tensor], dict]:
    """Tensors and metadata of a checkpoint, after a look at its form and its content's hash.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when it is a pickle, is no checkpoint of ours, or its content does not match its hash.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(
            f"Expected a checkpoint at {path}, but there is none. "
            "Check the spelling; restore it from git, or train again."
        )
    _refuse_pickle(path)
    try:
        with safetensors.safe_open(path, "pt") as file:
            about = json.loads((file.metadata() or {}).get("about", "{}"))
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    except (safetensors.SafetensorError, json.JSONDecodeError) as error:
        raise ValueError(
            f"Expected {path} to be a safetensors file, but it does not read ({error}). Fetch it again."
        ) from error
    if about.get("content") != _content(state):
        raise ValueError(
            f"Expected the content of {path} to have hash {about.get('content')}, but got {_content(state)}. "
            "The file was damaged or not written by save_checkpoint: restore it from git, or train again."
        )
    return state, about


def _refuse_pickle(path: Path) -> None:
    """A zip archive (torch.save) or a pickle opcode where safetensors has the length of its header."""
    with open(path, "rb") as file:
        start = file.read(8)
    is_pickle = start[:2] == b"PK" or (start[:1] == b"\x80" and start[1:2] in b"\x02\x03\x04\x05")
    if is_pickle and (len(start) < 8 or struct.unpack("<Q", start)[0] > path.stat().st_size):
        raise ValueError(
            f"Expected {path} to be a safetensors file, but it is a pickle, which may run code when it is opened. "
            "Convert it where you trust it: torch.load(…, weights_only=True), then engine.save_checkpoint."
        )


def load_checkpoint(path: str | Path, model: nn.Module) -> dict:
    """Load a checkpoint into a model of the same architecture, in place.

    Returns:
        The checkpoint's metadata.

    Raises:
        FileNotFoundError, ValueError: see :func:`read_checkpoint`; ValueError also for another architecture, naming
            the first tensors that differ. The model is unchanged then.
    """
    state, about = read_checkpoint(path)
    own = model.state_dict()
    if architecture(state) != architecture(own):
        raise ValueError(
            f"Expected {path} to hold the tensors of {type(model).__name__}, but {_first_differences(state, own)}. "
            "Build the model with the settings of the checkpoint's metadata."
        )
    model.load_state_dict(state)  # float16 values are widened to the model's type here
    return about


def _first_differences(state: dict, own: dict, most: int = 3) -> str:
    """Words for the first names or shapes that two state dicts do not share."""
    shapes = {name: (tuple(own[name].shape) if name in own else None) for name in own | state}
    found = {name: (tuple(state[name].shape) if name in state else None) for name in own | state}
    differing = [f"{name} is {found[name]}, not {shapes[name]}" for name in shapes if shapes[name] != found[name]]
    return "; ".join(differing[:most]) + (f"; and {len(differing) - most} more" if len(differing) > most else "")
