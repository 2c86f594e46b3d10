"""What all tests share: how they are spread over processes, an environment without switches, a toy lesson to break."""

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # one test process per core: threads would only get in each other's way
OFFLINE = Path(__file__).parent / "notebooks" / "offline.py"
SWITCHES = ("COURSE_PROFILE", "COURSE_STRICT", "COURSE_GRADING", "COURSE_DEVICE")
TOY = "90_toy"
FILLER = "We read the number and say what it means for the question at hand. " * 13
OUTPUT = {"output_type": "stream", "name": "stdout", "text": "four equal sums\n"}


def pytest_report_header() -> str:
    """Say which guard keeps lessons off the network on this machine."""
    which = subprocess.run([sys.executable, OFFLINE, "--which"], capture_output=True, text=True)
    return f"lessons run without a network: {which.stdout.strip() or which.stderr.strip()}"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Send all tests of one lesson to one process, where it runs once, and other tests file by file.

    Whatever `--dist` says: loadgroup would do, but pytest 9.2 passes over its groups in silence (pytest-xdist#1386).
    """
    from xdist.scheduler import LoadScopeScheduling

    class LessonScheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            lesson = re.search(r"\[(\d\d_[a-z0-9_]+)", nodeid)
            return lesson[1] if lesson else nodeid.split("::")[0]

    return LessonScheduling(config, log)


@pytest.fixture(autouse=True)
def no_switches(monkeypatch):
    """No test depends on the profile or the strictness that its caller happens to have set."""
    for name in SWITCHES:
        monkeypatch.delenv(name, raising=False)


def code(source: str, name: str, *tags: str, outputs: tuple = (), **metadata):
    """A code cell with an id, tags and stored outputs."""
    from nbformat import from_dict
    from nbformat.v4 import new_code_cell

    metadata = metadata | ({"tags": list(tags)} if tags else {})
    outputs = [from_dict(output) for output in outputs]
    return new_code_cell(source, id=name, metadata=metadata, outputs=outputs, execution_count=1 if outputs else None)


def text(source: str, name: str, *tags: str):
    """A Markdown cell with an id and tags."""
    from nbformat.v4 import new_markdown_cell

    return new_markdown_cell(source, id=name, metadata={"tags": list(tags)} if tags else {})


def write(folder: Path, cells: list, name: str = TOY) -> Path:
    """Write cells as `<folder>/<name>.ipynb` in the stored form."""
    from nbformat.v4 import new_notebook

    from course_utils.cli import refresh

    path = Path(folder) / f"{name}.ipynb"
    path.write_text(refresh.formatted(new_notebook(cells=cells, metadata=refresh.METADATA)), encoding="utf-8")
    return path


def opening(name: str = TOY) -> list:
    """The five cells with which a lesson begins."""
    return [
        text(f"# {name[:2]} · Add numbers\n\nWhat does a sum cost?", "title"),
        text(
            "You will be able to **add**. Needs: nothing. Reading 5 minutes, running 1 second in smoke, cpu and gpu. "
            "Data: none, licence CC0. Path: after 01, before 10.",
            "card",
        ),
        code("import math\n\nfrom course_utils import exercises, ledger, runtime, viz", "imports"),
        code(
            f'LESSON = "{name}"\nPROFILE = "auto"\nSEED = 0\n'
            "EPOCHS = None  # passes over the numbers; None: the profile's value",
            "parameters",
            "parameters",
        ),
        code(
            "run = runtime.start(LESSON, PROFILE, SEED)\nledger.begin(run)\n"
            "EPOCHS = run.pick(EPOCHS, smoke=1, cpu=2, gpu=3)  # enough to see it",
            "start",
        ),
    ]


def exercise(number: int, name: str = TOY) -> list:
    """The three cells of an exercise."""
    at, stars = f"{name[:2]}.{number}", (number - 1) % 3 + 1
    function = f"double_{number}"
    return [
        text(
            f"### Exercise {at} {'★' * stars} · Twice\n\nDouble it.\n\n<details><summary>Hint</summary>Add.</details>",
            f"exercise-{number}-text",
            "exercise-text",
        ),
        code(
            f"def {function}(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION",
            f"exercise-{number}",
            "exercise",
            exercise={"id": at, "stars": stars, "points": 2},
        ),
        code(f"exercises.check_{at.replace('.', '_')}({function})", f"exercise-{number}-check", "check"),
    ]


def toy_cells(name: str = TOY) -> list:
    """Cells of a lesson that no rule complains about."""
    marked = ("nbval-check-output", "keep_output")
    cells = opening(name)
    for number in range(4):
        cells += [
            text(f"## Section {number}\n\n{FILLER}", f"section-{number}"),
            code(f"total_{number} = sum(range(EPOCHS + {number}))\ntotal_{number}", f"sum-{number}"),
            text(f"The sum is small. {FILLER}", f"read-{number}"),
        ]
    proof = 'assert math.isclose(sum([0.1] * 4), 0.4)\nprint("four equal sums")'
    figure = 'viz.show(fig, alt="Line chart of a sum against its length: it rises")'
    claim = 'ledger.claim("sum", "The sum is {value:.0f}.", total_3, unit="ones", at_least=0)'
    cells += [
        code(proof, "proof", *marked, outputs=(OUTPUT,)),
        text("Both agree.", "agree"),
        code(proof, "proof-again", *marked, outputs=(OUTPUT,)),
        code(f"fig = viz.plot_history([], keys=())\n{figure}", "figure"),
        text("It rises.", "rises"),
        code(claim, "claim"),
        text("The sum holds.", "holds"),
    ]
    cells += [cell for number in (1, 2, 3) for cell in exercise(number, name)]
    closing = ("What goes wrong", "Recap", "Next", "References")
    return cells + [text(f"## {heading}\n\n{FILLER}", heading.split()[0].lower()) for heading in closing]


@pytest.fixture
def toy() -> SimpleNamespace:
    """Builders of the toy lesson: code, text, exercise, opening, cells, write(folder, cells, name) and its name."""
    return SimpleNamespace(
        code=code, text=text, exercise=exercise, opening=opening, cells=toy_cells, write=write, name=TOY, output=OUTPUT
    )
