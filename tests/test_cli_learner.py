"""Learners' copies: what nbgrader takes out, what our tags become, and that a learner's file is never lost."""

import ast

import nbformat
import pytest
from nbgrader.nbgraderformat import MetadataValidator
from nbgrader.utils import determine_grade

from course_utils.cli import learner

SOLVED = (
    "def half(x):\n    if x:\n        ### BEGIN SOLUTION\n        y = x / 2\n        return y\n        ### END SOLUTION"
)


@pytest.fixture
def notebook(toy, tmp_path):
    """The toy lesson, read."""
    return nbformat.read(toy.write(tmp_path, toy.cells()), as_version=4)


def test_stub_takes_the_place_and_the_indentation_of_the_solution():
    """The lines between the markers, and the markers, become one line as deep as they were."""
    expected = 'def half(x):\n    if x:\n        raise NotImplementedError("your turn")'
    assert learner.stripped_source(SOLVED) == expected
    ast.parse(expected)


def test_code_around_a_solution_stays():
    """What stands before and after the markers is given to the learner."""
    source = "def f():\n    a = 1\n    ### BEGIN SOLUTION\n    b = 2\n    ### END SOLUTION\n    return a + b"
    assert learner.stripped_source(source).splitlines() == [
        "def f():",
        "    a = 1",
        '    raise NotImplementedError("your turn")',
        "    return a + b",
    ]


@pytest.mark.parametrize("source", ["", "x = 1\n", "# a comment", "print('BEGIN SOLUTION')"])
def test_code_without_markers_comes_back_unchanged(source):
    """Nothing is taken from a cell without a marked solution, an empty one among them."""
    assert learner.stripped_source(source) == source


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("### BEGIN SOLUTION\nx = 1", "Expected ### END SOLUTION after line 1, but got none"),
        ("x = 1\n### END SOLUTION", "Expected ### BEGIN SOLUTION before line 2, but got ### END"),
        (
            "### BEGIN SOLUTION\n### BEGIN SOLUTION\n### END SOLUTION",
            "Expected ### END SOLUTION before line 2, but got a second",
        ),
        ("### END SOLUTION\n### BEGIN SOLUTION", "Expected ### BEGIN SOLUTION before line 1"),
    ],
)
def test_unbalanced_markers_are_refused(source, message, notebook):
    """A marker without its partner is an error, in a lesson with the names of notebook and cell."""
    with pytest.raises(ValueError, match=message):
        learner.stripped_source(source)
    cell = next(cell for cell in notebook.cells if cell.id == "exercise-2")
    cell.source = source
    with pytest.raises(
        ValueError, match=rf"toy\.ipynb, cell {notebook.cells.index(cell) + 1} \(exercise-2\): {message}"
    ):
        learner.learner_copy(notebook, name="toy.ipynb")


def test_copy_has_no_solutions_and_no_outputs(notebook):
    """No marker, no line of a solution and no output is left, and the lesson itself is as before."""
    before = nbformat.writes(notebook)
    copy = learner.learner_copy(notebook)
    assert nbformat.writes(notebook) == before
    assert "SOLUTION" not in nbformat.writes(copy) and "2 * x" not in nbformat.writes(copy)
    assert all(not cell.outputs and cell.execution_count is None for cell in copy.cells if cell.cell_type == "code")
    assert sum(learner.STUB in cell.source for cell in copy.cells) == 3
    assert [cell.id for cell in copy.cells] == [cell.id for cell in notebook.cells]


def test_tags_become_metadata_of_nbgrader(notebook):
    """Exercises are solutions to be edited, checks are locked and graded, everything else is untouched."""
    copy = learner.learner_copy(notebook)
    MetadataValidator().validate_nb(copy)
    marked = {cell.id: cell.metadata.nbgrader for cell in copy.cells if "nbgrader" in cell.metadata}
    assert len(marked) == 6
    assert dict(marked["exercise-2"]) == {
        "cell_type": "code",
        "grade": False,
        "grade_id": "exercise-90-2",
        "locked": False,
        "schema_version": 3,
        "solution": True,
        "task": False,
    }
    check = marked["exercise-2-check"]
    assert (check.grade, check.solution, check.locked, check.points) == (True, False, True, 2)
    assert check.grade_id == "check-90-2"


def test_check_earns_its_points_unless_it_raises(notebook, toy):
    """nbgrader gives a check all points without an error and none with one, which is why COURSE_GRADING raises."""
    check = next(cell for cell in learner.learner_copy(notebook).cells if cell.id == "exercise-1-check")
    assert determine_grade(check) == (2, 2)
    error = {"output_type": "error", "ename": "AssertionError", "evalue": "90.1 … not done yet", "traceback": []}
    check.outputs = [nbformat.from_dict(error)]
    assert determine_grade(check) == (0, 2)


def test_missing_metadata_and_stray_solutions_are_refused(notebook):
    """An exercise without id, a check without exercise, and a solution without tag name notebook and cell."""
    cells = {cell.id: cell for cell in notebook.cells}
    facts = cells["exercise-1"].metadata.pop("exercise")
    with pytest.raises(ValueError, match=r"toy, cell \d+ \(exercise-1\): Expected metadata exercise"):
        learner.learner_copy(notebook, name="toy")
    cells["exercise-1"].metadata = {"exercise": facts, "tags": []}
    with pytest.raises(ValueError, match=r"\(exercise-1\): Expected the tag exercise"):
        learner.learner_copy(notebook, name="toy")
    cells["exercise-1"].source = "x = 1"
    with pytest.raises(ValueError, match=r"\(exercise-1-check\): Expected an exercise before this check"):
        learner.learner_copy(notebook, name="toy")


def test_start_writes_copies_once(toy, tmp_path):
    """The first call writes every lesson, the second none: a learner's work stays as it is."""
    lessons = [toy.write(tmp_path, toy.cells(name), name) for name in ("90_toy", "91_toy")]
    folder = tmp_path / "deep" / "mine"
    first = learner.start(folder, lessons)
    assert first == learner.Started(("90_toy.ipynb", "91_toy.ipynb"), ())
    assert "course start" in (folder / "START.md").read_text()
    (folder / "90_toy.ipynb").write_text("my work")
    (folder / "91_toy.ipynb").unlink()
    assert learner.start(folder, lessons) == learner.Started(("91_toy.ipynb",), ("90_toy.ipynb",))
    assert (folder / "90_toy.ipynb").read_text() == "my work"
    assert sorted(path.name for path in folder.iterdir()) == ["90_toy.ipynb", "91_toy.ipynb", "START.md"]
    nbformat.validate(nbformat.read(folder / "91_toy.ipynb", as_version=4))


def test_start_leaves_no_partial_file(toy, tmp_path):
    """A lesson that cannot be stripped leaves nothing of itself behind."""
    cells = toy.cells()
    next(cell for cell in cells if cell.id == "exercise-1").source = "### BEGIN SOLUTION"
    lesson = toy.write(tmp_path, cells)
    with pytest.raises(ValueError, match=r"90_toy\.ipynb, cell \d+"):
        learner.start(tmp_path / "mine", [lesson])
    assert not list((tmp_path / "mine").glob("*"))


def test_start_refuses_a_file_as_folder(tmp_path):
    """A path that is a file is refused with the remedy; an empty list of lessons makes a folder with its START.md."""
    (tmp_path / "mine").write_text("a file")
    with pytest.raises(NotADirectoryError, match="Name another folder"):
        learner.start(tmp_path / "mine", [])
    assert learner.start(tmp_path / "other", []) == learner.Started((), ())
    assert (tmp_path / "other" / "START.md").exists()
