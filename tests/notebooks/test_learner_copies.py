"""Every learner's copy, solutions stripped, runs to its end in the profile smoke: an open exercise stops nothing."""

import sys

import nbformat
import pytest

from course_utils import files
from course_utils.cli import learner, lessons

EXECUTE = """
import sys
from pathlib import Path
from course_utils.cli import run
outcome = run.execute(Path(sys.argv[1]), profile="smoke", out=Path(sys.argv[2]))
sys.exit(outcome.record.get("error"))
"""


@pytest.fixture(scope="session")
def executed_copy(lesson, kept_folder, offline):
    """The learner's copy of a lesson, executed in smoke under COURSE_STRICT=1 without a network."""
    stripped = learner.learner_copy(nbformat.read(lessons.path_of(lesson), as_version=4), name=lesson)
    path = kept_folder / "stripped" / f"{lesson}.ipynb"
    files.write_text(path, nbformat.writes(stripped, indent=1) + "\n")
    done = offline(sys.executable, "-c", EXECUTE, path, kept_folder / "copies")
    assert done.returncode == 0, done.stdout
    return nbformat.read(kept_folder / "copies" / "smoke" / f"{lesson}.ipynb", as_version=4)


def test_stripped_copy_runs_to_its_end(executed_copy):
    """Each code cell was executed, and each check says "not done yet"."""
    cells = [cell for cell in executed_copy.cells if cell.cell_type == "code" and cell.source.strip()]
    assert [cell.id for cell in cells if cell.execution_count is None] == []
    checks = [cell for cell in cells if "check" in cell.metadata.get("tags", [])]
    said = ["".join(output.get("text", "") for output in cell.outputs) for cell in checks]
    assert said and all(line.endswith(" … not done yet\n") for line in said), said


def test_copy_holds_no_solution(executed_copy, lesson):
    """No line between the markers of the source is left in the copy, and neither are the markers."""
    source = nbformat.read(lessons.path_of(lesson), as_version=4)
    copies = {cell.id: cell.source for cell in executed_copy.cells if "id" in cell}
    for cell in source.cells:
        if "exercise" in cell.metadata.get("tags", []):
            assert copies[cell.id] == learner.stripped_source(cell.source)
            assert learner.BEGIN not in copies[cell.id] and learner.STUB in copies[cell.id]
