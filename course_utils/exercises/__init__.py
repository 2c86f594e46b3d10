"""Checkers of the exercises: each says in one line what is right, what is wrong, or that nothing is there yet.

A lesson's checkers live in `lesson_NN.py` and are reached as `exercises.check_NN_k`, imported when first asked for:

    @checker("12.2", hint="Is the part that neither box covers measured against the enclosing box?")
    def check_12_2(function, seed):
        expect_close(function((0, 0, 2, 2), (4, 0, 6, 2)), -1 / 3, given="boxes (0, 0, 2, 2) and (4, 0, 6, 2)")
        ...
        return "equal boxes, nested boxes, 200 random pairs against torchvision"

`COURSE_STRICT=1` (our own runs) turns a wrong answer into an AssertionError; a stub that waits for its learner stays
silent. `COURSE_GRADING=1` (nbgrader's autograder, for which a cell without an error earns every point) refuses both.
"""

import contextlib
import functools
import importlib
import importlib.util
import os
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from course_utils.exercises.compare import Wrong, describe, expect_close, question_for

__all__ = ["Result", "Wrong", "checker", "describe", "expect_close", "question_for"]

STUB = "your turn"  # what a stripped exercise raises: NotImplementedError("your turn")
LONGEST = 300  # characters of a message: a learner reads a line, not a page


@dataclass(frozen=True)
class Result:
    """What a check found; `passed` is None where nothing has been written yet."""

    exercise: str
    passed: bool | None
    message: str

    def _ipython_display_(self) -> None:
        """Show nothing: the line has been printed already."""


def checker(exercise: str, *, hint: str) -> Callable:
    """Turn a function `(function, seed) -> what was checked` into a checker `(function, *, seed=0) -> Result`.

    The body calls `function` as a learner would and compares with `expect_close`, or raises `Wrong`. Whatever goes
    wrong inside is told in one line; the global generators of random numbers are left as they were found, so that
    solving an exercise does not change the numbers of the lesson around it.

    Args:
        exercise: "22.1", lesson and number; the body must be called `check_22_1`.
        hint: a question that leads on, shown after every message that has none of its own.

    Raises:
        ValueError: the body's name does not belong to `exercise`.

    >>> @checker("12.9", hint="Is every number multiplied?")
    ... def check_12_9(function, seed):
    ...     expect_close(function([1, 2]), [2, 4], given="[1, 2]")
    ...     return "one list"
    >>> result = check_12_9(lambda numbers: [2 * number for number in numbers])
    12.9 ✔ one list
    >>> result = check_12_9(lambda numbers: numbers)
    12.9 ✘ for [1, 2]: expected 2 at [0], got 1. Is every number multiplied?
    >>> result.passed
    False
    """

    def decorate(body: Callable) -> Callable:
        if body.__name__ != "check_" + exercise.replace(".", "_"):
            expected = "check_" + exercise.replace(".", "_")
            raise ValueError(f"Expected the checker of {exercise} to be called {expected}, but got {body.__name__}.")

        @functools.wraps(body)
        def check(function: Callable, *, seed: int = 0) -> Result:
            with _generators_kept():
                result = _judge(body, function, seed, exercise, hint)
            print(result.message)
            _enforce(result)
            return result

        return check

    return decorate


class _NotDone(Exception):
    """The stub is still in place."""


def _judge(body: Callable, function: Callable, seed: int, exercise: str, hint: str) -> Result:
    """Run one checker on one answer, whatever that answer does."""
    try:
        if not callable(function):
            raise Wrong(f"expected a function, got {describe(function)}.")
        checked = body(_guarded(function), seed)
    except _NotDone:
        return Result(exercise, None, f"{exercise} … not done yet")
    except Wrong as wrong:
        return Result(exercise, False, f"{exercise} ✘ {_line(str(wrong), hint)}")
    except Exception as error:  # the body choked on an answer of an unforeseen kind
        text = f"expected an answer that can be compared, got one that leads to {type(error).__name__}: {error}."
        return Result(exercise, False, f"{exercise} ✘ {_line(text, hint)}")
    assert isinstance(checked, str) and checked, f"The checker of {exercise} must return what it checked."
    return Result(exercise, True, f"{exercise} ✔ {checked}")


def _guarded(function: Callable) -> Callable:
    """The learner's function, its errors turned into messages that name the call."""

    @functools.wraps(function)
    def call(*args, **kwargs):
        try:
            return function(*args, **kwargs)
        except NotImplementedError as error:
            if str(error) in ("", STUB):  # libraries raise it too, with a text of their own
                raise _NotDone from None
            raise _as_wrong(function, args, kwargs, error) from None
        except Exception as error:
            raise _as_wrong(function, args, kwargs, error) from None

    return call


def _as_wrong(function: Callable, args: tuple, kwargs: dict, error: Exception) -> Wrong:
    given = [describe(value) for value in args] + [f"{name}={describe(value)}" for name, value in kwargs.items()]
    name = getattr(function, "__name__", type(function).__name__)
    return Wrong(f"for {name}({', '.join(given)}): expected an answer, got {type(error).__name__}: {error}.")


def _line(text: str, hint: str) -> str:
    """One line of a message, closed by a question."""
    text = " ".join(text.split())
    text = text if len(text) <= LONGEST else text[:LONGEST] + " …"
    return text if text.endswith("?") else f"{text} {hint}".rstrip()


def _enforce(result: Result) -> None:
    refused = result.passed is False and os.environ.get("COURSE_STRICT") == "1"
    refused = refused or (not result.passed and os.environ.get("COURSE_GRADING") == "1")
    if refused:
        raise AssertionError(result.message)


@contextlib.contextmanager
def _generators_kept() -> Iterator[None]:
    """Give the global generators of Python, NumPy and torch back as they were."""
    python, numpy = random.getstate(), np.random.get_state()
    devices = [torch.cuda.current_device()] if torch.cuda.is_initialized() else []
    try:
        with torch.random.fork_rng(devices=devices):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)


def __getattr__(name: str):
    """Find `check_22_1` in `lesson_22`, importing that module now."""
    match = re.fullmatch(r"check_(\d\d)_\d+", name)
    if not match:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    lesson = f"lesson_{match[1]}"
    if importlib.util.find_spec(f"{__name__}.{lesson}") is None:
        raise AttributeError(
            f"Expected the checker of a lesson, but got {name}: there is no {lesson}.py. Look at its number."
        )
    module = importlib.import_module(f"{__name__}.{lesson}")
    if name not in vars(module):
        known = ", ".join(sorted(key for key in vars(module) if key.startswith("check_")))
        raise AttributeError(f"Expected a checker of {lesson} ({known}), but got {name}.")
    return vars(module)[name]
