"""How an answer is compared with the right one, and how both are told in a few words."""

from collections.abc import Iterable

import numpy as np
import torch


class Wrong(Exception):
    """What an answer gets wrong: "for <input>: expected …, got …"; an own hint may follow as a question."""


def expect_close(actual, expected, *, given: str, hint: str = "", tolerance: float = 1e-5) -> None:
    """Raise `Wrong` unless the answer has the expected type, shape, kind of number and values.

    Args:
        actual: the learner's answer.
        expected: number, string, None, tensor, array, or tuples, lists and dicts of them. Where a number is expected,
            a tensor or array without axes will do; a tensor is not an array, nor are integers floats inside of one.
        given: the input, as the learner would name it: "boxes (0, 0, 2, 2) and (4, 0, 6, 2)".
        hint: a question for this very mistake; empty: the checker's own.
        tolerance: numbers agree within `tolerance` · (1 + |expected|); NaN agrees with nothing.

    Raises:
        Wrong: with one line that says what was expected and what came.

    >>> expect_close(torch.tensor([0.5, 0.25]), torch.tensor([0.5, 0.25]), given="two halves")
    >>> expect_close(np.zeros((2, 3)), np.zeros((3, 2)), given="a (2, 3) image")
    Traceback (most recent call last):
    course_utils.exercises.compare.Wrong: for a (2, 3) image: expected shape (3, 2), got shape (2, 3).
    """
    difference = _difference(actual, expected, tolerance)
    if difference:
        raise Wrong(f"for {given}: expected {difference[0]}, got {difference[1]}. {hint}".rstrip())


def question_for(actual, mistakes: dict) -> str:
    """The question of the first known mistake whose outcome the answer equals; empty where it is wrong in its own way.

    Args:
        actual: the learner's answer.
        mistakes: question -> what the mistake leads to; several outcomes in a tuple.

    >>> question_for(8.0, {"Is the root taken?": 9.0, "Is the bias counted?": (7.0, 8.0)})
    'Is the bias counted?'
    """
    for question, outcomes in mistakes.items():
        for outcome in outcomes if isinstance(outcomes, tuple) else (outcomes,):
            if _difference(actual, outcome, 1e-5) is None:
                return question
    return ""


def describe(value) -> str:
    """A value in a few words: small ones in full, large ones by kind and shape.

    >>> describe(torch.zeros(3, 224, 224)), describe(np.array([1, 2])), describe((1, 0.5)), describe("cat")
    ('a float32 tensor of shape (3, 224, 224)', '[1, 2]', '(1, 0.5000)', "'cat'")
    """
    if isinstance(value, torch.Tensor | np.ndarray):
        if 0 < value.ndim < 3 and 0 < _size(value) <= 8:
            return describe(value.tolist())
        return _number(value.item()) if value.ndim == 0 else f"{_kind(value)} of shape {tuple(value.shape)}"
    if isinstance(value, tuple | list) and len(value) <= 8:
        inside = ", ".join(describe(item) for item in value)
        return f"[{inside}]" if isinstance(value, list) else f"({inside}{',' * (len(value) == 1)})"
    if isinstance(value, str | bool | int | float | complex | np.generic | None):
        text = repr(value) if isinstance(value, str) else _number(value)
        return text if len(text) <= 60 else text[:60] + "…"
    return getattr(value, "__name__", None) or f"a {type(value).__name__}"


def _difference(actual, expected, tolerance: float) -> tuple[str, str] | None:
    """(expected, got) in words at the first place where two values part; None where they agree."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        if actual.keys() != expected.keys():
            return f"the keys {sorted(map(str, expected))}", f"{sorted(map(str, actual))}"
        return _first_difference(((key, actual[key], expected[key]) for key in expected), tolerance)
    if isinstance(expected, tuple | list) and isinstance(actual, tuple | list):
        if type(actual) is not type(expected) or len(actual) != len(expected):
            return tuple(f"a {type(side).__name__} of {len(side)}" for side in (expected, actual))
        return _first_difference(zip(range(len(expected)), actual, expected, strict=True), tolerance)
    if isinstance(expected, torch.Tensor | np.ndarray):
        return _array_difference(actual, expected, tolerance)
    if isinstance(expected, bool | int | float | np.generic):
        return _number_difference(actual, expected, tolerance)
    same = type(actual) is type(expected) and bool(actual == expected)
    return None if same else (describe(expected), describe(actual))


def _first_difference(items: Iterable[tuple], tolerance: float) -> tuple[str, str] | None:
    for place, actual, expected in items:
        difference = _difference(actual, expected, tolerance)
        if difference:
            return f"{difference[0]} at [{place!r}]", difference[1]
    return None


def _number_difference(actual, expected, tolerance: float) -> tuple[str, str] | None:
    actual, expected = (side.item() if getattr(side, "ndim", None) == 0 else side for side in (actual, expected))
    if not isinstance(actual, bool | int | float) or isinstance(actual, bool) != isinstance(expected, bool):
        return describe(expected), describe(actual)
    if actual == expected or abs(actual - expected) <= tolerance * (1 + abs(expected)):
        return None
    return _pair(expected, actual)


def _array_difference(actual, expected, tolerance: float) -> tuple[str, str] | None:
    family = torch.Tensor if isinstance(expected, torch.Tensor) else np.ndarray
    if not isinstance(actual, family):
        other = _kind(actual) if isinstance(actual, torch.Tensor | np.ndarray) else describe(actual)
        return f"{_kind(expected)} of shape {tuple(expected.shape)}", other
    if tuple(actual.shape) != tuple(expected.shape):
        return f"shape {tuple(expected.shape)}", f"shape {tuple(actual.shape)}"
    here, there = given, wished = _as_array(actual), _as_array(expected)
    if here.dtype.kind != there.dtype.kind:
        return _kind(expected), _kind(actual)
    if here.dtype.kind in "fciu":
        here, there = (side.astype(np.complex128 if side.dtype.kind == "c" else np.float64) for side in (here, there))
        with np.errstate(invalid="ignore"):
            agree = (here == there) | (np.abs(here - there) <= tolerance * (1 + np.abs(there)))
    else:
        agree = here == there
    if agree.all():
        return None
    if here.ndim == 1 and here.size <= 6:
        return describe(expected), describe(actual)
    place = tuple(int(index) for index in np.argwhere(~agree)[0])
    wanted, got = _pair(wished[place].item(), given[place].item())
    return f"{wanted} at {list(place)}", f"{got} ({int((~agree).sum())} of {agree.size} values differ)"


def _as_array(value) -> np.ndarray:
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        value = value.double() if value.is_floating_point() else value  # NumPy knows no bfloat16
        return value.resolve_conj().numpy()
    return value


def _size(value) -> int:
    return value.numel() if isinstance(value, torch.Tensor) else value.size


def _kind(value) -> str:
    name, dtype = "tensor" if isinstance(value, torch.Tensor) else "array", str(value.dtype).removeprefix("torch.")
    return f"{'an' if dtype.startswith('i') else 'a'} {dtype} {name}"


def _pair(expected, actual) -> tuple[str, str]:
    """Two unequal numbers, in as many digits as it takes to tell them apart."""
    texts = _number(expected), _number(actual)
    return texts if texts[0] != texts[1] else (repr(expected), repr(actual))


def _number(value) -> str:
    """Four decimals for everyday numbers, four digits for the very small and very large."""
    value = value.item() if isinstance(value, np.generic) else value
    if not isinstance(value, float):
        return repr(value)
    return f"{value:.4f}" if value == 0 or 1e-3 <= abs(value) < 1e5 else f"{value:.4g}"
