"""Stored runs: one (arm, seed) is trained once and used again while code, data and settings stay as they are."""

import hashlib
import inspect
import json
import re
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch

from course_utils.engine import checkpoints

Result = tuple[dict[str, torch.Tensor], dict]  # tensors by name, and what JSON can hold about them


def stored(make: Callable[..., Result], *arguments, folder: Path, name: str, settings: dict) -> Result:
    """Return ``make(*arguments)``, from disk when the same has been made before.

    The fingerprint covers the source of ``make`` and of every function, class and module of the course that it uses,
    the content of arrays and tensors among the arguments, the settings, and the versions of PyTorch and the device.

    Args:
        make: a function that returns tensors by name, and a dict that JSON can hold.
        arguments: passed on; their content is part of the fingerprint.
        folder: where stored runs are kept, such as ``runtime.data_root() / "stored" / LESSON``.
        name: what a person would call the unit, such as ``fine_tuned-0``: arm and seed.
        settings: what else the result depends on.

    Returns:
        What ``make`` returned, tensors on the CPU.

    Raises:
        ValueError: when ``name`` is no plain file name.
        TypeError: for an argument whose content cannot be hashed.
    """
    if not re.fullmatch(r"[\w.-]+", name):
        raise ValueError(f"Expected name to be made of letters, digits, '_', '.' and '-', but got {name!r}.")
    path = Path(folder) / f"{name}-{fingerprint(make, *arguments, settings=settings)}.safetensors"
    if path.exists():
        tensors, about = checkpoints.read_checkpoint(path)
        return tensors, about["result"]
    tensors, result = make(*arguments)
    checkpoints.write_checkpoint(path, tensors, {"result": result})
    return checkpoints.read_checkpoint(path)[0], json.loads(json.dumps(result))


def fingerprint(make: Callable, *arguments, settings: dict) -> str:
    """16 hexadecimal digits that change when code, data, settings, PyTorch or the device change."""
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    digest = hashlib.sha256(json.dumps([settings, torch.__version__, device], sort_keys=True, default=str).encode())
    for text in sorted(set(_sources(make, set()))):
        digest.update(text.encode())
    for argument in arguments:
        digest.update(_content(argument))
    return digest.hexdigest()[:16]


def _content(value) -> bytes:
    """Bytes that stand for an argument's content."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray):
        return repr((value.shape, str(value.dtype))).encode() + np.ascontiguousarray(value).tobytes()
    if isinstance(value, str | int | float | bool | None):
        return repr(value).encode()
    if isinstance(value, list | tuple):
        return b"".join(_content(item) for item in value)
    raise TypeError(
        f"Expected arrays, tensors, numbers, text or lists of these as arguments, but got {type(value).__name__}. "
        "Pass its arrays, or put what identifies it into settings."
    )


def _sources(thing, seen: set[int]) -> Iterator[str]:
    """Source text of a function, class or course module, and of everything of ours that it refers to."""
    if id(thing) in seen:
        return
    seen.add(id(thing))
    if isinstance(thing, types.ModuleType):
        if thing.__name__.startswith("course_utils."):
            yield inspect.getsource(thing)
            for used in vars(thing).values():
                if isinstance(used, types.ModuleType):
                    yield from _sources(used, seen)
    elif isinstance(thing, types.FunctionType | type) and thing.__module__.startswith("course_utils."):
        yield from _sources(sys.modules[thing.__module__], seen)
    elif isinstance(thing, types.FunctionType | type) and thing.__module__ == "__main__":
        yield inspect.getsource(thing)
        functions = [thing] if isinstance(thing, types.FunctionType) else vars(thing).values()
        for function in functions:
            yield from _referred(function, seen)
    elif isinstance(thing, str | int | float | bool | tuple | None):
        yield repr(thing)


def _referred(function, seen: set[int]) -> Iterator[str]:
    """Sources of the globals that a function names, also in functions written inside it."""
    if not isinstance(function, types.FunctionType):
        return
    codes = [function.__code__]
    for code in codes:
        codes += [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
        for name in code.co_names:
            if name in function.__globals__:
                yield f"{name}:"
                yield from _sources(function.__globals__[name], seen)
