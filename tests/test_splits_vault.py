"""The vault: one choice, one look; every look is logged; a second choice is refused with what the first one was."""

import dataclasses
import hashlib
import json

import numpy as np
import pytest
import torch

from course_utils import runtime, splits


@pytest.fixture
def run(tmp_path):
    """A run of lesson 12 that writes below a temporary folder."""
    return runtime.Run("12_measure", "smoke", 0, torch.device("cpu"), folder=tmp_path)


def test_test_set_is_handed_out_and_logged(run, tmp_path):
    """The indices come back sorted and read-only; the log has lesson, name, time, choice, number and their hash."""
    indices = splits.open_test_set(run, "probe", [9, 2, 5], chosen={"C": np.float32(0.5), "size": (3, 4)})
    assert indices.tolist() == [2, 5, 9] and not indices.flags.writeable
    [line] = (tmp_path / "smoke" / "12_measure.test_set.jsonl").read_text().splitlines()
    entry = json.loads(line)
    digest = hashlib.sha256(b"".join(i.to_bytes(8, "little") for i in (2, 5, 9))).hexdigest()
    assert entry.pop("time").endswith("+00:00")
    assert entry == {
        "lesson": "12_measure",
        "profile": "smoke",
        "name": "probe",
        "chosen": {"C": 0.5, "size": [3, 4]},
        "n": 3,
        "indices_sha256": digest,
        "again": False,
    }


def test_same_choice_may_be_scored_again(run):
    """A cell that is run twice opens the set twice for one choice; the log marks the second time."""
    for _ in range(2):
        splits.open_test_set(run, "probe", [1, 2], chosen={"C": 0.5})
    assert [entry["again"] for entry in splits.read_test_log(run)] == [False, True]


def test_second_choice_is_refused_and_not_logged(run):
    """Another setting under the same name names the first time and choice, and says what to do."""
    splits.open_test_set(run, "probe", [1, 2], chosen={"C": 0.5})
    first = splits.read_test_log(run)[0]["time"].replace("+", r"\+")
    pattern = rf"opened as 'probe' at {first} for {{'C': 0.5}}; now for {{'C': 0.1}}.*again from its start cell"
    with pytest.raises(ValueError, match=pattern):
        splits.open_test_set(run, "probe", [1, 2], chosen={"C": 0.1})
    assert len(splits.read_test_log(run)) == 1


def test_other_indices_under_the_same_name_are_refused(run):
    """A second split needs a name of its own."""
    splits.open_test_set(run, "probe", [1, 2], chosen={"C": 0.5})
    with pytest.raises(ValueError, match=r"with 2 other examples; now 3 are asked for\. Give every split its own name"):
        splits.open_test_set(run, "probe", [1, 2, 3], chosen={"C": 0.5})


def test_other_names_and_other_runs_have_their_own_look(run):
    """Another arm may look, and so may a new run of the same lesson: the log keeps both."""
    splits.open_test_set(run, "probe", [1], chosen={"C": 0.5})
    splits.open_test_set(run, "tuned", [1], chosen={"epochs": 3})
    splits.open_test_set(dataclasses.replace(run), "probe", [1], chosen={"C": 0.1})
    assert [(entry["name"], entry["again"]) for entry in splits.read_test_log(run)] == [
        ("probe", False),
        ("tuned", False),
        ("probe", False),
    ]


def test_log_of_a_lesson_that_never_looked_is_empty(run):
    """No opening, no file, no entries."""
    assert splits.read_test_log(run) == [] and not splits.vault_log_path(run).exists()


@pytest.mark.parametrize(
    ("name", "chosen", "message"),
    [
        ("", {"C": 1}, "Expected a name and what validation chose"),
        ("probe", {}, "Expected a name and what validation chose"),
        ("probe", "C = 1", "Expected a name and what validation chose"),
        ("probe", {"C": float("nan")}, "numbers, text, or lists and dicts"),
        ("probe", {"model": object()}, "give weights as a digest"),
    ],
)
def test_look_without_a_reason_is_refused(run, name, chosen, message):
    """No name, no choice, NaN and objects open nothing and are not logged."""
    with pytest.raises(ValueError, match=message):
        splits.open_test_set(run, name, [1], chosen=chosen)
    assert splits.read_test_log(run) == []


def test_indices_must_be_indices(run):
    """A boolean mask is not taken for indices."""
    with pytest.raises(ValueError, match="Expected `test` to be a one-dimensional list of integers"):
        splits.open_test_set(run, "probe", [True, False], chosen={"C": 1})


def test_nothing_to_test_is_logged_all_the_same(run):
    """An empty test part is handed out as it is."""
    assert splits.open_test_set(run, "probe", [], chosen={"C": 1}).shape == (0,)
    assert splits.read_test_log(run)[0]["n"] == 0
