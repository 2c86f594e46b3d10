"""What tests of the lessons share: one smoke run each, without a network, whose results every test reads.

Tests of one lesson have its name first in their brackets, by which ../conftest.py sends them to one process, where the
lesson runs once. Executed copies lie in pytest's cache folder: `course run` leaves those alone whose inputs have not
changed, and `pytest --cache-clear` makes all anew.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from course_utils.cli import anatomy, lessons

HERE = Path(__file__).parent
STRICT = {"COURSE_STRICT": "1", "FIFTYONE_DO_NOT_TRACK": "1"}


@dataclass(frozen=True)
class SmokeRun:
    """What a lesson's smoke run left: how `course run` ended, the executed copy, the record."""

    returncode: int
    output: str
    notebook: Path
    record_path: Path

    @property
    def record(self) -> dict:
        return json.loads(self.record_path.read_text(encoding="utf-8"))


def pytest_generate_tests(metafunc):
    """Give `lesson` the names of the lessons that can run, and `case` the pairs of lesson and exercise."""
    names = lessons.lesson_names()
    if "lesson" in metafunc.fixturenames:
        metafunc.parametrize("lesson", names, scope="session")
    if "case" in metafunc.fixturenames:
        pairs = [(name, at) for name in names for at in exercise_ids(name)]
        metafunc.parametrize("case", pairs, ids="-".join)


def exercise_ids(name: str) -> list[str]:
    """Ids of a lesson's exercises, `22.1` and so on, in order."""
    cells = anatomy.read_lesson(lessons.path_of(name)).tagged("exercise")
    return [cell.metadata.get("exercise", {}).get("id", cell.id) for cell in cells]


def run_offline(*command, **environment) -> subprocess.CompletedProcess:
    """Run a command without a network but loopback; its output, both kinds, as text."""
    return subprocess.run(
        [sys.executable, HERE / "offline.py", *map(str, command)],
        env=os.environ | STRICT | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture(scope="session")
def offline():
    """The function `run_offline`."""
    return run_offline


@pytest.fixture(scope="session")
def kept_folder(request, tmp_path_factory) -> Path:
    """A folder that outlives this run of pytest, where pytest keeps its cache."""
    cache = getattr(request.config, "cache", None)
    return cache.mkdir("lessons") if cache else tmp_path_factory.mktemp("lessons")


@pytest.fixture(scope="session")
def course() -> Path:
    """The console script, beside the Python that runs the tests."""
    return Path(sys.executable).with_name("course")


@pytest.fixture(scope="session")
def smoke(lesson, kept_folder, course) -> SmokeRun:
    """One lesson run by `course run LESSON --profile smoke`, without a network, once for all tests of the lesson."""
    done = run_offline(course, "run", lesson, "--profile", "smoke", "--out", kept_folder)
    folder = kept_folder / "smoke"
    return SmokeRun(done.returncode, done.stdout, folder / f"{lesson}.ipynb", folder / f"{lesson}.json")
