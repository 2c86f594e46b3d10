"""Learners' copies: solutions and outputs taken out by nbgrader's preprocessors, its metadata made from our tags."""

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from course_utils import files

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
STUB = 'raise NotImplementedError("your turn")'
START_TEXT = """# Your copies of the lessons

Open them with `jupyter lab`, in the order of their numbers. They are yours: `course start` never writes over one.

- An exercise says `raise NotImplementedError("your turn")`. Put your code in its place, run the cell and the next one.
- The next cell checks: ✔ says what was tried, ✘ names an input, what was expected, what came, and asks a question.
- An exercise that is left out stops nothing: no later cell needs it.
- The book shows hints and a solution of each exercise, folded away.
- To begin a lesson afresh, rename or delete its file here and run `course start` again.

For nbgrader: cells are marked already. Set `COURSE_GRADING=1` for its autograder, so that an exercise without an answer
earns nothing.
"""


@dataclass(frozen=True)
class Started:
    """What `start` did: names of the files that it wrote, and of those that were there and stayed as they were."""

    written: tuple[str, ...]
    kept: tuple[str, ...]


def stripped_source(source: str) -> str:
    """Replace each marked solution by a stub in the same indentation.

    Args:
        source: the text of one code cell; without markers it comes back unchanged.

    Raises:
        ValueError: a marker without its partner, or one solution inside another.

    >>> print(stripped_source("def half(x):\\n    ### BEGIN SOLUTION\\n    return x / 2\\n    ### END SOLUTION"))
    def half(x):
        raise NotImplementedError("your turn")
    """
    complaint = marker_complaint(source)
    if complaint:
        raise ValueError(f"{complaint} Put each {BEGIN} and its {END} on lines of their own.")
    if BEGIN not in source:
        return source
    cell = new_code_cell(source)
    return _without_solutions(new_notebook(cells=[cell]), only_marked=False).cells[0].source


def marker_complaint(source: str) -> str | None:
    """What is wrong with the solution markers of a cell; None where each BEGIN has its END.

    >>> marker_complaint("### END SOLUTION")
    'Expected ### BEGIN SOLUTION before line 1, but got ### END SOLUTION.'
    """
    begun = 0
    for number, line in enumerate(source.splitlines(), start=1):
        if BEGIN in line and begun:
            return f"Expected {END} before line {number}, but got a second {BEGIN}."
        if END in line and not begun:
            return f"Expected {BEGIN} before line {number}, but got {END}."
        begun = number if BEGIN in line else 0 if END in line else begun
    return f"Expected {END} after line {begun}, but got none." if begun else None


def learner_copy(notebook: NotebookNode, *, name: str = "notebook") -> NotebookNode:
    """Make a learner's copy of a lesson: no solutions, no outputs, cells marked for nbgrader.

    Args:
        notebook: a lesson; it is not changed.
        name: what to call it in errors.

    Raises:
        ValueError: unbalanced solution markers, or a tag whose exercise metadata are missing, with notebook and cell.
    """
    from nbgrader.nbgraderformat import MetadataValidator
    from nbgrader.preprocessors import ClearOutput

    made = copy.deepcopy(notebook)
    for number, cell in enumerate(made.cells, start=1):
        complaint = marker_complaint(cell.source) if cell.cell_type == "code" else None
        if complaint:
            raise ValueError(f"{name}, cell {number} ({cell.get('id', 'no id')}): {complaint}")
    _mark_for_nbgrader(made, name)
    made = _without_solutions(made, only_marked=True)
    made, _ = ClearOutput().preprocess(made, {})
    MetadataValidator().validate_nb(made)
    return made


def start(directory: str | Path, lessons: Iterable[str | Path]) -> Started:
    """Write learners' copies into a folder, leaving every file that is already there as it is.

    Args:
        directory: the learner's folder; made where it is missing.
        lessons: paths of lessons, `notebooks/NN_topic.ipynb`.

    Raises:
        NotADirectoryError: `directory` is a file.
        ValueError: a lesson cannot be stripped; the copies made before it stay.
    """
    directory = Path(directory)
    if directory.exists() and not directory.is_dir():
        raise NotADirectoryError(f"Expected a folder for your copies, but {directory} is a file. Name another folder.")
    written, kept = [], []
    for path in map(Path, lessons):
        if (directory / path.name).exists():
            kept.append(path.name)
            continue
        made = learner_copy(nbformat.read(path, as_version=4), name=path.name)
        files.write_text(directory / path.name, nbformat.writes(made, indent=1) + "\n")
        written.append(path.name)
    if not (directory / "START.md").exists():
        files.write_text(directory / "START.md", START_TEXT)
    return Started(tuple(written), tuple(kept))


def _without_solutions(notebook: NotebookNode, *, only_marked: bool) -> NotebookNode:
    """Run nbgrader's ClearSolutions; `only_marked` refuses solutions in cells that are not marked as such."""
    from nbgrader.preprocessors import ClearSolutions  # 4 seconds, which no other command of `course` should wait for

    clear = ClearSolutions(
        code_stub={"python": STUB},
        begin_solution_delimeter=BEGIN,
        end_solution_delimeter=END,
        enforce_metadata=only_marked,
    )
    return clear.preprocess(notebook, {})[0]


def _mark_for_nbgrader(notebook: NotebookNode, name: str) -> None:
    """Give exercise and check cells the metadata of nbgrader, schema 3, made from tags and `exercise`."""
    exercise = None
    for number, cell in enumerate(notebook.cells, start=1):
        tags = cell.metadata.get("tags", [])
        where = f"{name}, cell {number} ({cell.get('id', 'no id')})"
        if "exercise" in tags:
            exercise = cell.metadata.get("exercise", {})
            if not {"id", "points"} <= exercise.keys():
                raise ValueError(
                    f"{where}: Expected metadata exercise {{id, stars, points}}, but got {dict(exercise)}."
                )
            cell.metadata["nbgrader"] = _nbgrader("exercise", exercise["id"], solution=True)
        elif "check" in tags:
            if exercise is None:
                raise ValueError(f"{where}: Expected an exercise before this check, but got none. Look at the tags.")
            cell.metadata["nbgrader"] = _nbgrader("check", exercise["id"], solution=False, points=exercise["points"])
            exercise = None
        elif BEGIN in cell.source:
            raise ValueError(f"{where}: Expected the tag exercise on a cell with a solution, but got {tags}.")


def _nbgrader(kind: str, exercise: str, *, solution: bool, points: float | None = None) -> dict:
    """Metadata of one cell: a solution that the learner edits, or a check that is locked and earns points."""
    grade = {} if points is None else {"points": points}
    return grade | {
        "cell_type": "code",
        "grade": points is not None,
        "grade_id": f"{kind}-{exercise.replace('.', '-')}",
        "locked": not solution,
        "schema_version": 3,
        "solution": solution,
        "task": False,
    }
