"""Stored runs: one (arm, seed) is trained once and used again while code, data and settings stay as they are."""

import functools
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

from course_utils import runtime
from course_utils.engine import checkpoints

Result = tuple[dict[str, torch.Tensor], dict]  # tensors by name, and what JSON can hold about them
Known = dict[int, tuple]  # id → (the object, its digest): kept with it, so that no other object gets its id meanwhile
PLAIN = str | int | float | bool | None | range | np.generic | torch.dtype | torch.device


def stored(make: Callable[..., Result], *arguments, folder: Path, name: str, settings: dict) -> Result:
    """Return ``make(*arguments)``, from disk when the same has been made before.

    The fingerprint covers the source of ``make`` and of every function, class and module of lesson and course that it
    uses, the constants, arrays and tensors that these name, the content of the arguments, the settings, the version of
    PyTorch and the device. It does not cover other objects that ``make`` finds by name: pass them, or name them in
    ``settings``.

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
        TypeError: for an argument or a setting whose content cannot be hashed.
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
    device = torch.cuda.get_device_name() if runtime.pick_device().type == "cuda" else "cpu"
    digest = hashlib.sha256(_content([settings, torch.__version__, device, arguments]))
    for text in sorted(set(_named("make", make, {}))):
        digest.update(text.encode())
    return digest.hexdigest()[:16]


def _is_plain(value) -> bool:
    """Whether a value is data alone, without code; looks at types and not at content, which may be long to hash."""
    if isinstance(value, dict):
        return all(_is_plain(item) for pair in value.items() for item in pair)
    if isinstance(value, list | tuple):
        return all(_is_plain(item) for item in value)
    if isinstance(value, np.ndarray):
        return not value.dtype.hasobject
    return isinstance(value, torch.Tensor | PLAIN)


def _content(value) -> bytes:
    """Bytes that stand for the content of an argument, a setting or a constant; different for different contents."""
    if isinstance(value, torch.Tensor):
        numbers = value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
        return repr((tuple(value.shape), str(value.dtype))).encode() + hashlib.sha256(numbers).digest()
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        numbers = np.ascontiguousarray(value).reshape(-1).view(np.uint8)  # hashed where they lie: no copy
        return repr((value.shape, str(value.dtype))).encode() + hashlib.sha256(numbers).digest()
    if isinstance(value, PLAIN):
        return repr(value).encode()
    if isinstance(value, list | tuple):
        return b"[" + b",".join(_content(item) for item in value) + b"]"
    if isinstance(value, dict):
        return b"{" + b",".join(sorted(_content(key) + b":" + _content(item) for key, item in value.items())) + b"}"
    raise TypeError(
        f"Expected arrays, tensors, numbers, text, or lists and dicts of these, but got {type(value).__name__}. "
        "Pass its arrays, or put what identifies it into settings."
    )


def _named(name: str, value, known: Known) -> Iterator[str]:
    """What stands for a value that code calls ``name``: its content, or the sources of the functions in it."""
    if _is_plain(value):
        if id(value) not in known:  # an array that several functions name is hashed once
            known[id(value)] = value, hashlib.sha256(_content(value)).hexdigest()
        yield f"{name} = {known[id(value)][1]}"
        return
    yield f"{name}:"  # code, or a collection of code
    if isinstance(value, functools.partial):
        value = [value.func, *value.args, *value.keywords.values()]
    elif isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _named(f"{name}.{number}", item, known)
    else:
        yield from _sources(value, known)


def _sources(thing, known: Known) -> Iterator[str]:
    """Source text of a function, class or module of lesson or course, and of everything of ours that it refers to."""
    if isinstance(thing, types.FunctionType | staticmethod | classmethod | functools._lru_cache_wrapper):
        thing = inspect.unwrap(thing)  # what torch.no_grad() or functools.cache wraps
    if not isinstance(thing, types.ModuleType | types.FunctionType | type) or id(thing) in known:
        return
    known[id(thing)] = thing, ""
    module = thing.__name__ if isinstance(thing, types.ModuleType) else thing.__module__
    if f"{module}.".startswith("course_utils."):
        if not isinstance(thing, types.ModuleType):
            yield from _sources(sys.modules[module], known)
            return
        yield inspect.getsource(thing)
        for used in vars(thing).values():
            yield from _sources(used, known)
    elif module == "__main__" and isinstance(thing, type):
        yield f"class {thing.__qualname__}{thing.__bases__}"  # inspect finds no source of a class in a notebook
        for name, part in [*vars(thing).items(), *enumerate(thing.__bases__)]:
            yield from _named(f"{thing.__qualname__}.{name}", part, known)
    elif module == "__main__":
        yield from _function(thing, known)


def _function(function: types.FunctionType, known: Known) -> Iterator[str]:
    """Source of a function, its default and captured values, and the globals that it or a function inside it names."""
    code = function.__code__
    yield _text(code)
    held = {f"default {number}": value for number, value in enumerate(function.__defaults__ or ())}
    held |= {f"default {name}": value for name, value in (function.__kwdefaults__ or {}).items()}
    held |= {f"captured {name}": cell for name, cell in inspect.getclosurevars(function).nonlocals.items()}
    codes = [code]
    for code in codes:
        codes += [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
        held |= {name: function.__globals__[name] for name in code.co_names if name in function.__globals__}
    for name, value in held.items():
        yield from _named(f"{function.__qualname__} {name}", value, known)


@functools.lru_cache(maxsize=1024)
def _text(code: types.CodeType) -> str:
    """Source of a code object, remembered while this process lives: to find where it ends takes milliseconds.

    A cell that has been changed and run again makes new code objects; what a compiled one does never changes.
    """
    try:
        return inspect.getsource(code)
    except OSError:  # written by a program, as the __init__ of a dataclass is
        return f"{code.co_name} {code.co_code.hex()} {code.co_names}"
