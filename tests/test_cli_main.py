"""The command line: every command explains itself, and what a user can mend is one line without a traceback."""

import subprocess
import sys
from types import SimpleNamespace

import pytest
import typer
from typer.testing import CliRunner

from course_utils.cli import doctor, lessons, main, session

COMMANDS = ["book", "checkpoints", "checkpoints verify", "doctor", "environment", "refresh", "run", "start"]


def course(*words: str):
    """The result of the command in this process."""
    return CliRunner().invoke(main.app, list(words))


def names(group=None, before: str = "") -> list[str]:
    """Every command of the tree."""
    found = []
    for name, command in (group or typer.main.get_command(main.app)).commands.items():
        found.append(f"{before}{name}")
        found += names(command, f"{before}{name} ") if hasattr(command, "commands") else []
    return sorted(found)


def assert_one_line(result, *words: str):
    """The command ended with code 2, one line on stderr with the words, nothing on stdout, and no traceback."""
    assert result.exit_code == 2 and result.stdout == ""
    assert result.stderr.startswith("course: ") and result.stderr.count("\n") == 1
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in result.stderr


# help


def test_the_commands_are_those_agreed():
    """No command is missing from these tests."""
    assert names() == COMMANDS


@pytest.mark.parametrize("words", ["", *COMMANDS])
def test_every_command_explains_itself(words):
    """--help ends well, shows how to call the command, and says in a sentence what it does."""
    result = course(*words.split(), "--help")
    assert result.exit_code == 0 and result.stderr == ""
    lines = result.stdout.split("\n\n")
    assert lines[0].split()[0] == "Usage:" and words in lines[0]
    assert lines[1].strip().endswith(".")


def test_help_lists_what_there_is_and_answers_at_once():
    """The console script shows its commands without importing PyTorch, papermill or matplotlib."""
    heavy = "{'torch', 'papermill', 'matplotlib', 'sphinx', 'fiftyone', 'pandas'}"
    script = f"""
import sys
from course_utils.cli import main
try:
    main.app(["--help"])
finally:
    print("heavy:", sorted({heavy} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0 and "heavy: []" in done.stdout
    for command in ("doctor", "run", "refresh", "book", "start", "checkpoints"):
        assert f"\n  {command} " in done.stdout


def test_without_a_command_the_help_is_shown():
    """`course` alone shows what there is."""
    assert "Usage:" in course().output


# what a user can mend


def test_an_unknown_lesson_lists_those_that_come_near():
    """A slip of the pen in a lesson's name is answered with the name."""
    name = lessons.lesson_names()[0]
    wrong = name[:4] + name[5:]
    assert_one_line(course("run", wrong), f"got {wrong!r}. Did you mean", name)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["run", "--profile", "fast"], "one of auto, smoke, cpu, gpu, but got 'fast'"),
        (["run", "99"], "Expected a lesson, but got '99'"),
        (["run", "-p", "EPOCHS"], "Expected --parameter NAME=VALUE, but got 'EPOCHS'"),
        (["refresh", "99"], "Expected a lesson, but got '99'"),
        (["start", "somewhere", "99"], "Expected a lesson, but got '99'"),
    ],
)
def test_what_a_user_can_mend_is_one_line(words, told, monkeypatch, tmp_path):
    """Wrong words on the command line give one sentence on stderr and code 2, and leave no file."""
    monkeypatch.chdir(tmp_path)
    assert_one_line(course(*words), told)
    assert list(tmp_path.iterdir()) == []


def test_a_profile_misspelt_in_the_environment_is_one_line(monkeypatch):
    """COURSE_PROFILE is named as the culprit."""
    monkeypatch.setenv("COURSE_PROFILE", "fast")
    assert_one_line(course("run"), "Expected COURSE_PROFILE to be one of")


@pytest.mark.parametrize("error", [ValueError, RuntimeError, OSError, FileNotFoundError, NotADirectoryError])
def test_errors_with_a_remedy_are_told_without_a_traceback(monkeypatch, error):
    """Bad input, a missing kernel and a full disk are sentences."""

    def broken(*_, **__):
        raise error("Expected a disk, but it is full. Make room.")

    monkeypatch.setattr(session, "run", broken)
    assert_one_line(course("run"), "course: Expected a disk, but it is full. Make room.")


def test_a_fault_of_ours_keeps_its_traceback(monkeypatch):
    """A KeyError is nobody's input: it is not dressed up as advice."""

    def broken(*_, **__):
        raise KeyError("seconds")

    monkeypatch.setattr(session, "run", broken)
    result = course("run")
    assert isinstance(result.exception, KeyError) and "course:" not in result.stderr


def test_an_unknown_option_is_refused():
    """An option that a command does not have ends with code 2 and names it."""
    result = course("run", "--fast")
    assert result.exit_code == 2 and "--fast" in result.stderr


# what is handed on


@pytest.mark.parametrize(("ended", "code"), [(True, 0), (False, 1)])
def test_the_exit_code_says_whether_every_lesson_ended_well(monkeypatch, ended, code):
    """run and refresh end with 0 or 1."""
    monkeypatch.setattr(session, "run", lambda *_, **__: ended)
    monkeypatch.setattr(session, "refresh", lambda *_: ended)
    assert (course("run").exit_code, course("refresh").exit_code) == (code, code)


def test_options_of_run_reach_the_session(monkeypatch, tmp_path):
    """Names, profile, folder, flags and parameters arrive as they were given; without them the defaults."""
    seen = []
    monkeypatch.setattr(session, "run", lambda *given, **named: seen.append((given, named)) or True)
    for words in (f"run 22 00 --profile smoke --out {tmp_path} -p A=1 -p B=2", "run --force", "run --record"):
        course(*words.split())
    assert seen == [
        ((["22", "00"], "smoke", tmp_path), {"record": False, "force": False, "parameters": ["A=1", "B=2"]}),
        ((None, "auto", None), {"record": False, "force": True, "parameters": []}),
        ((None, "auto", None), {"record": True, "force": False, "parameters": []}),
    ]


@pytest.mark.parametrize(("ok", "code"), [(True, 0), (False, 1)])
def test_doctor_shows_each_finding_and_ends_with_their_sum(monkeypatch, ok, code):
    """One line a finding; code 1 as soon as something is to do."""
    found = [doctor.Finding("disk", True, "9 GB free"), doctor.Finding("kernel", ok, "python3")]
    monkeypatch.setattr(doctor, "examine", lambda: found)
    result = course("doctor")
    assert result.exit_code == code
    assert result.stdout.splitlines() == ["OK   disk: 9 GB free", f"{'OK  ' if ok else 'TO DO'} kernel: python3"]


def test_start_tells_what_it_wrote_and_what_it_kept(monkeypatch, tmp_path):
    """Copies that were written and those that were there already are told apart."""
    from course_utils.cli import learner

    done = SimpleNamespace(written=["22_x.ipynb"], kept=["00_tour.ipynb"])
    monkeypatch.setattr(learner, "start", lambda directory, paths: done)
    result = course("start", str(tmp_path))
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        f"written: {tmp_path / '22_x.ipynb'}",
        f"kept as it was: {tmp_path / '00_tour.ipynb'}",
    ]
