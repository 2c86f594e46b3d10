"""Several lessons in one command: all are tried, all are told, and only what is worth it is recorded."""

import json
import re

import pytest
import torch

from course_utils import files
from course_utils.cli import run as running
from course_utils.cli import session

NAMES = ["10_first", "20_second", "30_third"]


@pytest.fixture
def lessons(monkeypatch, tmp_path):
    """A course of three lessons that take no time; `.fails` names those that fail, `.calls` has each run in order."""

    class Lessons:
        fails, calls, reused = set(), [], set()

    def execute(path, *, profile, out, parameters, force):
        name = path.stem
        Lessons.calls.append({"name": name, "profile": profile, "out": out, "parameters": parameters, "force": force})
        kept = {"a": True, "b": False, "c": True, "d": None, "e": False, "f": True}  # three, two, and one without a bar
        claims = {name: {"kept": value} for name, value in kept.items()}
        record = {key: "x" for key in ("device", "commit", "lock", "torch", "date")}
        record |= {"lesson": name, "seconds": 12.34, "peak_mb": 567, "claims": claims, "status": "done"}
        if name in Lessons.fails:
            record |= {"status": "failed", "error": "cell 3: ValueError: [no] such thing", "claims": {}}
        return running.Outcome(record, reused=name in Lessons.reused)

    Lessons.calls, Lessons.fails, Lessons.reused = [], set(), set()
    monkeypatch.setattr(session.index, "lesson_names", lambda: NAMES)
    monkeypatch.setattr(session.index, "path_of", lambda name: tmp_path / f"{name}.ipynb")
    monkeypatch.setattr(running, "execute", execute)
    monkeypatch.setattr(session, "RESULTS", tmp_path / "results")
    monkeypatch.setenv("COURSE_OUT", str(tmp_path / "out"))
    return Lessons


def run(names=None, profile="cpu", out=None, *, record=False, force=False, parameters=()):
    """Call session.run as the command does without options."""
    return session.run(names, profile, out, record=record, force=force, parameters=list(parameters))


# profile and parameters


@pytest.mark.parametrize("profile", ["smoke", "cpu", "gpu"])
def test_a_named_profile_is_taken(profile, monkeypatch):
    """A profile on the command line goes before the environment."""
    monkeypatch.setenv("COURSE_PROFILE", "smoke")
    assert session.resolved(profile) == profile


def test_auto_follows_environment_and_machine(monkeypatch):
    """auto is COURSE_PROFILE where it is set, else gpu with an accelerator, else cpu."""
    for there, expected in ((True, "gpu"), (False, "cpu")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=there: there)
        assert session.resolved("auto") == expected
    monkeypatch.setenv("COURSE_PROFILE", "smoke")
    assert session.resolved("auto") == "smoke"


@pytest.mark.parametrize(
    ("words", "given"),
    [
        ([], {}),
        (["EPOCHS=3", "RATE=1e-3", "NAME=frozen"], {"EPOCHS": 3, "RATE": 0.001, "NAME": "frozen"}),
        (["SIZES=[8, 16]", "FLAG=False", "NONE=None"], {"SIZES": [8, 16], "FLAG": False, "NONE": None}),
        (["TEXT='3'", "EQUAL=a=b", "EMPTY="], {"TEXT": "3", "EQUAL": "a=b", "EMPTY": ""}),
        (["CODE=__import__('os')"], {"CODE": "__import__('os')"}),  # text: nothing is executed
        (["A=1", "A=2"], {"A": 2}),
    ],
)
def test_parameters_are_python_literals_or_text(words, given):
    """NAME=VALUE words become values of Python where they are literals, and text where they are not."""
    assert session.parsed(words) == given


@pytest.mark.parametrize("word", ["EPOCHS", "=3", "a b=3", "1x=3", ""])
def test_words_that_are_no_parameters_are_refused(word):
    """A word without a name or without an equals sign is shown, with an example."""
    message = re.escape(f"Expected --parameter NAME=VALUE, but got {word!r}. For example: -p EPOCHS=3.")
    with pytest.raises(ValueError, match=message):
        session.parsed([word])


# running


def test_all_lessons_run_in_order_and_are_told(lessons, capsys, tmp_path):
    """Without names every lesson runs, into the default folder; the table has times, memory, kept and missed claims."""
    lessons.reused = {"20_second"}
    assert run(profile="smoke") is True
    assert [call["name"] for call in lessons.calls] == NAMES
    assert lessons.calls[0] | {"name": ""} == {
        "name": "", "profile": "smoke", "out": tmp_path / "out", "parameters": {}, "force": False
    }  # fmt: skip
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in capsys.readouterr().out.splitlines()]
    assert [row for row in rows if row] == [
        ["10_first", "12.3", "567", "3", "2", "run"],
        ["20_second", "12.3", "567", "3", "2", "unchanged, not run again"],
        ["30_third", "12.3", "567", "3", "2", "run"],
    ]


def test_named_lessons_run_in_the_order_of_the_course(lessons, tmp_path):
    """Beginnings of names choose lessons; folder and force are handed on."""
    assert run(["30", "10_first"], out=tmp_path / "mine", force=True)
    assert [call["name"] for call in lessons.calls] == ["10_first", "30_third"]
    assert all(call["out"] == tmp_path / "mine" and call["force"] for call in lessons.calls)


def test_lessons_go_on_after_one_that_fails(lessons, capsys):
    """A lesson that fails does not stop those behind it, is told on stderr with its reason, and makes the end bad."""
    lessons.fails = {"10_first"}
    assert run() is False
    assert [call["name"] for call in lessons.calls] == NAMES
    shown = capsys.readouterr()
    assert "10_first failed: cell 3: ValueError: [no] such thing" in shown.err.replace("\n", " ")
    assert len(re.findall(r"│ failed +│", shown.out)) == 1 and len(re.findall(r"│ run +│", shown.out)) == 2


def test_parameters_are_for_one_lesson(lessons):
    """With one lesson named they are handed on as values; with several, or all, nothing runs."""
    assert run(["20"], parameters=["EPOCHS=3"])
    assert [call["parameters"] for call in lessons.calls] == [{"EPOCHS": 3}]
    for names in (None, ["10", "20"]):
        with pytest.raises(ValueError, match=r"Expected one lesson with --parameter, but got \d\. Name the lesson"):
            run(names, parameters=["EPOCHS=3"])
    assert len(lessons.calls) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"names": ["99"]}, "Expected a lesson, but got '99'"),
        ({"profile": "fast"}, "one of auto, smoke, cpu, gpu, but got 'fast'"),
        ({"names": ["10"], "parameters": ["EPOCHS"]}, "Expected --parameter NAME=VALUE"),
        ({"names": ["10"], "parameters": ["EPOCHS=3"], "record": True}, r"own parameters with --record.*without -p"),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(lessons, options, message, tmp_path):
    """Unknown lessons and profiles, malformed parameters, and records of other parameters cost no run."""
    with pytest.raises(ValueError, match=message):
        run(**options)
    assert lessons.calls == [] and not (tmp_path / "results").exists()


# records


def test_good_lessons_are_recorded_and_failed_ones_are_not(lessons, capsys, tmp_path):
    """--record merges what ended well into the profile's file and says where; a failed lesson keeps its old numbers."""
    lessons.fails = {"20_second"}
    old = {"schema": 1, "lessons": {"20_second": {"seconds": 1}}, "claims": {"20_second.a": {"kept": True}}}
    files.write_json(tmp_path / "results" / "cpu.json", old)
    assert run(record=True) is False
    found = json.loads((tmp_path / "results" / "cpu.json").read_text())
    assert found["lessons"]["20_second"] == {"seconds": 1} and found["claims"]["20_second.a"] == {"kept": True}
    assert set(found["lessons"]) == set(NAMES) and "10_first.d" in found["claims"]
    assert f"Recorded in {tmp_path / 'results' / 'cpu.json'}" in capsys.readouterr().out


@pytest.mark.parametrize(("record", "fails"), [(False, set()), (True, set(NAMES))])
def test_nothing_is_recorded_unasked_or_where_all_failed(lessons, tmp_path, record, fails):
    """Without --record, and where no lesson ended well, the committed results are not touched."""
    lessons.fails = fails
    run(record=record)
    assert not (tmp_path / "results").exists()


# refresh


def test_refresh_runs_smoke_and_writes_back(lessons, monkeypatch, capsys, tmp_path):
    """Lessons run in smoke; then marked outputs and the index's files are written, and each path is told."""
    seen = []
    monkeypatch.setattr(session.refreshing, "refresh", lambda paths, folder: seen.append((paths, folder)) or paths)
    monkeypatch.setattr(session.index, "write_generated", lambda: [tmp_path / "_toc.yml"])
    assert session.refresh(["20"]) is True
    path = tmp_path / "20_second.ipynb"
    assert seen == [([path], tmp_path / "out" / "smoke")]
    assert [call["profile"] for call in lessons.calls] == ["smoke"]
    told = capsys.readouterr().out
    assert f"written: {path}" in told and f"written: {tmp_path / '_toc.yml'}" in told


def test_refresh_writes_nothing_after_a_failure(lessons, monkeypatch):
    """Where a lesson fails, no source and no generated file is touched."""
    lessons.fails = {"20_second"}
    for module, name in ((session.refreshing, "refresh"), (session.index, "write_generated")):
        monkeypatch.setattr(module, name, lambda *_: pytest.fail("written"))
    assert session.refresh(None) is False
