"""The gates themselves: each planted fault turns its gate red, and the same lesson without it passes."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from course_utils.cli import anatomy, run

CLAIM = 'ledger.claim("epochs", "{value:.0f} epochs.", EPOCHS, unit="epochs", at_least=1)'
FIGURE = """
from matplotlib.figure import Figure
from course_utils import viz

viz.show(Figure(), alt="An empty figure, for want of anything to draw")
"""


@pytest.fixture
def make(toy, tmp_path):
    """A function that writes a lesson: the opening of every lesson, and a cell for each source."""

    def write(*sources: str) -> Path:
        cells = toy.opening()
        cells[2].source = "from course_utils import ledger, runtime"
        cells += [toy.code(source, f"cell-{number}") for number, source in enumerate(sources)]
        return toy.write(tmp_path, cells)

    return write


def nbval(path: Path, **environment) -> subprocess.CompletedProcess:
    """Run `pytest --nbval-lax` on one notebook, as `make test` does on all."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--nbval-lax",
        "--nbval-current-env",
        "-p",
        "no:cacheprovider",
        path.name,
    ]
    return subprocess.run(command, cwd=path.parent, env=os.environ | environment, capture_output=True, text=True)


def test_sound_lesson_passes_by_both_routes(make, tmp_path):
    """A lesson run with the parameter PROFILE, and one run with COURSE_PROFILE, end well with the same settings."""
    path = make(CLAIM, FIGURE)
    outcome = run.execute(path, profile="smoke", out=tmp_path / "parameter")
    assert not outcome.failed, outcome.record
    assert outcome.record["claims"]["epochs"]["kept"] is True
    route = {"COURSE_PROFILE": "smoke", "COURSE_STRICT": "1", "COURSE_OUT": str(tmp_path / "variable")}
    done = nbval(path, **route)
    assert done.returncode == 0, done.stdout
    told = json.loads((tmp_path / "variable" / "smoke" / "90_toy.claims.json").read_text())
    assert told["profile"] == outcome.record["profile"] == "smoke"
    assert told["settings"] == outcome.record["settings"] == {"EPOCHS": 1}


def test_failing_cell_turns_the_run_red(toy, tmp_path):
    """A cell that raises ends the run as failed, with its error, and leaves no copy that looks finished."""
    cells = [toy.code('PROFILE = "auto"', "parameters", "parameters"), toy.code("print(PROFILE)\n1 / 0", "planted")]
    outcome = run.execute(toy.write(tmp_path, cells), profile="smoke", out=tmp_path)
    assert outcome.failed and "ZeroDivisionError" in outcome.record["error"]
    assert not (tmp_path / "smoke" / "90_toy.ipynb").exists()


def test_missed_claim_turns_the_run_red(make, tmp_path):
    """A parameter given to the run is used and recorded; the claim that it pushes below its bar fails the run."""
    outcome = run.execute(make(CLAIM), profile="smoke", out=tmp_path, parameters={"EPOCHS": 0})
    assert outcome.record["settings"] == {"EPOCHS": 0}
    assert outcome.failed and "ClaimMissed" in outcome.record["error"]
    assert outcome.record["claims"]["epochs"]["kept"] is False


def test_figure_without_alt_text_turns_the_run_red(make, tmp_path):
    """A figure whose alternative text is empty ends the run as failed, and is found before any run."""
    path = make(FIGURE.replace("An empty figure, for want of anything to draw", ""))
    outcome = run.execute(path, profile="smoke", out=tmp_path)
    assert outcome.failed and "Expected `alt`" in outcome.record["error"]
    assert any("Expected alt=" in complaint for complaint in anatomy.check_lesson(path))


def test_unknown_parameter_is_refused(make, tmp_path):
    """A parameter that the lesson does not have is refused by name, before a kernel starts."""
    with pytest.raises(ValueError, match=r"Expected parameters of 90_toy, but got EPOCHS_. .*EPOCHS"):
        run.execute(make(CLAIM), profile="smoke", out=tmp_path / "out", parameters={"EPOCHS_": 3})
    assert not (tmp_path / "out").exists()


def test_unread_parameter_is_refused(make, tmp_path):
    """A parameter that no later cell reads is refused by name, before a kernel starts, and by the anatomy."""
    path = make(CLAIM)
    path.write_text(path.read_text().replace('SEED = 0\\n"', 'SEED = 0\\n",\n    "WIDTH = None  # px; None: 96\\n"'))
    with pytest.raises(ValueError, match="read WIDTH, but no cell"):
        run.execute(path, profile="smoke", out=tmp_path / "out", parameters={"WIDTH": 3})
    assert not (tmp_path / "out").exists()
    assert any("parameter WIDTH to be read" in complaint for complaint in anatomy.check_lesson(path))


@pytest.mark.parametrize("drifted", [False, True])
def test_drifted_output_turns_nbval_red(toy, tmp_path, drifted):
    """nbval passes a marked cell whose stored output is what it prints, and fails it when the two part."""
    marked = ("nbval-check-output", "keep_output")
    source = 'print("three equal sums")' if drifted else 'print("four equal sums")'
    done = nbval(toy.write(tmp_path, [toy.code(source, "proof", *marked, outputs=(toy.output,))]))
    assert done.returncode == (1 if drifted else 0), done.stdout
    assert ("three equal sums" in done.stdout) is drifted


def test_tests_of_one_lesson_share_a_process(tmp_path):
    """Tests of a lesson, in whatever file, go to one process, and so do those of a file without lessons."""
    shutil.copy(Path(__file__).parent.parent / "conftest.py", tmp_path)
    marks = "import pytest\n\n@pytest.mark.parametrize('lesson', ['10_a', '11_b', '12_c'])\n"
    for name in ("one", "two", "three"):
        (tmp_path / f"test_{name}.py").write_text(f"{marks}def test_{name}(lesson):\n    pass\n")
    (tmp_path / "test_four.py").write_text("def test_x():\n    pass\n\n\ndef test_y():\n    pass\n")
    command = [sys.executable, "-m", "pytest", "-v", "-n", "2", "--dist", "loadgroup", "-p", "no:cacheprovider"]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True).stdout
    found = re.findall(r"\[(gw\d)\].*PASSED test_\w+\.py::(?:test_\w+\[)?(\w+)", told)
    assert len(found) == 11, told
    assert len({worker for worker, _ in found}) == 2
    lessons = [(worker, name) for worker, name in found if name[0] == "1"]
    assert len(set(lessons)) == len({name for _, name in lessons}) == 3
