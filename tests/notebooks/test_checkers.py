"""Every exercise: its checker accepts the reference solution and refuses each stored wrong answer, under three seeds.

Wrong answers of lesson NN_topic lie in tests/exercises/NN_topic.py as `WRONG = {"NN.1": [function, …], …}`, functions
named after the mistake; right answers in another form than the lesson's may lie beside them, as `RIGHT`.
"""

import ast
import runpy
from pathlib import Path

import pytest

from course_utils import exercises
from course_utils.cli import anatomy, lessons
from course_utils.cli.anatomy.lesson import function_name
from course_utils.cli.learner import stripped_source

ANSWERS = Path(__file__).parent.parent / "exercises"
SEEDS = (0, 1, 2)
FEWEST = 4


def function_of(path: Path, at: str, *, stripped: bool = False):
    """The function of one exercise, made from the imports, the functions and classes before it, and its own cell."""
    namespace: dict = {}
    lesson = anatomy.read_lesson(path)
    for cell in lesson.code:
        if "exercise" in cell.tags and cell.metadata["exercise"]["id"] == at:
            exec(stripped_source(cell.source) if stripped else cell.source, namespace)
            return namespace[function_name(cell)]
        if cell is lesson.code[0]:
            exec(cell.source, namespace)
        elif "exercise" not in cell.tags:
            defined = [node for node in cell.tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
            exec(compile(ast.Module(defined, []), str(path), "exec"), namespace)
    raise ValueError(f"Expected an exercise {at} in {path.name}, but there is none. Look at the cells' metadata.")


def checker_of(at: str):
    """The checker of one exercise, `exercises.check_NN_k`."""
    return getattr(exercises, f"check_{at.replace('.', '_')}")


def wrong_answers(name: str) -> dict:
    """The stored wrong answers of one lesson."""
    return runpy.run_path(str(ANSWERS / f"{name}.py"))["WRONG"]


@pytest.mark.parametrize("seed", SEEDS)
def test_reference_is_accepted(case, seed, capsys):
    """The solution in the lesson passes its checker, which says in one line what it checked."""
    name, at = case
    result = checker_of(at)(function_of(lessons.path_of(name), at), seed=seed)
    assert result.passed, result.message
    assert capsys.readouterr().out.splitlines()[-1].startswith(f"{at} ✔ ")


@pytest.mark.parametrize("seed", SEEDS)
def test_right_answers_in_another_form_are_accepted(lesson, seed):
    """What a learner may write as well passes too."""
    for at, answers in runpy.run_path(str(ANSWERS / f"{lesson}.py")).get("RIGHT", {}).items():
        for answer in answers:
            result = checker_of(at)(answer, seed=seed)
            assert result.passed, f"{answer.__name__}: {result.message}"


def test_stub_is_not_done(case):
    """What learners get is told to be not done yet."""
    name, at = case
    result = checker_of(at)(function_of(lessons.path_of(name), at, stripped=True))
    assert (result.passed, result.message) == (None, f"{at} … not done yet")


@pytest.mark.parametrize("seed", SEEDS)
def test_wrong_answers_are_refused(case, seed):
    """Each stored wrong answer fails its checker, with an input or a reason, and a question."""
    name, at = case
    for answer in wrong_answers(name)[at]:
        result = checker_of(at)(answer, seed=seed)
        assert result.passed is False, f"{answer.__name__} passes {at}"
        assert result.message.endswith("?"), result.message


def test_wrong_answers_are_many_and_named(case):
    """At least four wrong answers, each with a name of its own that says what is wrong."""
    name, at = case
    names = [answer.__name__ for answer in wrong_answers(name)[at]]
    assert len(set(names)) == len(names) >= FEWEST and "<lambda>" not in names


def test_wrong_answers_belong_to_exercises(lesson):
    """No wrong answers are stored for an exercise that the lesson does not have."""
    ids = {cell.metadata["exercise"]["id"] for cell in anatomy.read_lesson(lessons.path_of(lesson)).tagged("exercise")}
    assert set(wrong_answers(lesson)) == ids


def test_function_is_made_from_imports_and_earlier_functions(toy, tmp_path):
    """The solution of the toy lesson is found, with a function written out before it; the lesson does not run."""
    cells = toy.cells()
    by_id = {cell.id: cell for cell in cells}
    by_id["sum-0"].source = "def once(x):\n    return math.floor(x)\n\n\nraise RuntimeError"
    by_id["exercise-2"].source = by_id["exercise-2"].source.replace("2 * x", "2 * once(x)")
    path = toy.write(tmp_path, cells)
    assert function_of(path, "90.2")(3.5) == 6
    with pytest.raises(NotImplementedError, match="your turn"):
        function_of(path, "90.2", stripped=True)(3)
    with pytest.raises(ValueError, match=r"an exercise 90\.9 in 90_toy"):
        function_of(path, "90.9")
