"""The vault: the test set is opened when every choice has been made, and each opening is written down.

Nothing can stop a reader from indexing the test part directly. The vault makes the honest way the short one, and leaves
a log in which a second look shows.
"""

import datetime
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from course_utils.splits.parts import index_array

_openings: list[tuple[object, dict[str, dict]]] = []  # (run, name → first opening) of the runs in this process


def open_test_set(run, name: str, test: Sequence[int] | np.ndarray, *, chosen: dict) -> np.ndarray:
    """Hand out the test indices once a lesson run and name, and write down when, and what had been chosen by then.

    Scoring the same choice again is allowed, so that a cell can be run twice. Another choice under the same name is
    refused: it would be a choice that has seen the test set. A new run begins with `runtime.start`.

    Args:
        run: the lesson's run: anything with ``lesson``, ``profile`` and ``folder``.
        name: what is scored: the arm, with the seed or split where there are several, such as ``fine_tuned-0``.
        test: the test indices; shape (N,), integers, such as ``split.test``.
        chosen: what training and validation decided: setting → value, whatever JSON can hold. Add a digest of the
            weights where a model is trained anew in every run. At least one entry.

    Returns:
        The test indices, sorted, int64, read-only.

    Raises:
        ValueError: if this run opened the test set under this name for another choice or other indices, if `name` or
            `chosen` is empty, or if `chosen` holds what JSON does not.

    >>> import tempfile, types
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run = types.SimpleNamespace(lesson="12_measure", profile="smoke", folder=folder)
    ...     indices = open_test_set(run, "probe", [7, 2], chosen={"C": 0.01})
    ...     [(line["name"], line["chosen"], line["n"]) for line in read_test_log(run)]
    [('probe', {'C': 0.01}, 2)]
    """
    indices = index_array(test, "test")
    opening = {
        "lesson": run.lesson,
        "profile": run.profile,
        "name": name,
        "time": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "chosen": _plain(name, chosen),
        "n": len(indices),
        "indices_sha256": hashlib.sha256(indices.astype("<i8").tobytes()).hexdigest(),
    }
    earlier = _opened_in(run)
    first = earlier.setdefault(name, opening)
    changed = [key for key in ("chosen", "indices_sha256") if first[key] != opening[key]]
    if changed:
        raise ValueError(_refusal(first, opening, changed))
    path = vault_log_path(run)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a", encoding="utf-8", newline="\n") as file:
        file.write(json.dumps({**opening, "again": first is not opening}, ensure_ascii=False) + "\n")
    return indices


def vault_log_path(run) -> Path:
    """The log of a lesson's openings: one JSON line each, of every run in this folder and profile."""
    return Path(run.folder) / run.profile / f"{run.lesson}.test_set.jsonl"


def read_test_log(run) -> list[dict]:
    """Every logged opening of the lesson's test set, oldest first: those of earlier runs too.

    Returns:
        Dicts of `lesson`, `profile`, `name`, `time` (UTC), `chosen`, `n`, `indices_sha256` and `again` (the same choice
        scored again in the same run); an empty list where nothing has been opened.
    """
    path = vault_log_path(run)
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _opened_in(run) -> dict[str, dict]:
    """First openings of this run by name. Runs are told apart by identity: two may have the same fields."""
    for known, openings in _openings:
        if known is run:
            return openings
    _openings.append((run, {}))
    return _openings[-1][1]


def _plain(name: str, chosen: dict) -> dict:
    """The choice as JSON would return it, so that it can be compared and logged."""
    if not name or not isinstance(chosen, dict) or not chosen:
        raise ValueError(
            f"Expected a name and what validation chose, but got {name!r} and {chosen!r}. "
            'Name the arm and its settings, such as "probe" and chosen={"C": 0.01}.'
        )
    try:
        return json.loads(json.dumps(chosen, default=_number, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"Expected `chosen` to hold numbers, text, or lists and dicts of these, but got {chosen!r} ({error}). "
            "Name the settings; give weights as a digest."
        ) from error


def _number(value):
    """What NumPy and PyTorch call numbers and arrays, as Python does."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is not in JSON")


def _refusal(first: dict, opening: dict, changed: list[str]) -> str:
    then = f"the test set of {first['lesson']} was opened as {first['name']!r} at {first['time']}"
    if changed == ["indices_sha256"]:
        what = f"with {first['n']} other examples; now {opening['n']} are asked for"
        remedy = "Give every split its own name."
    else:
        what = f"for {first['chosen']}; now for {opening['chosen']}"
        remedy = (
            "Choose with the validation part, and give another arm another name. To go back on a choice, run the "
            "lesson again from its start cell: the log will show both openings."
        )
    return f"Expected one look at the test set for each choice, but {then} {what}. {remedy}"
