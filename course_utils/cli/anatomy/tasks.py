"""Rules on the exercises and on the sections that follow them."""

import ast
import builtins
import re
from collections.abc import Iterator

from course_utils.cli.anatomy.lesson import Lesson, free_names, function_name, imported, loaded
from course_utils.cli.learner import BEGIN, marker_complaint

CLOSING = ("what goes wrong", "recap", "next", "references")
EXERCISES = range(3, 6)


def exercise_cells(lesson: Lesson) -> Iterator[str]:
    """Three to five exercises of three cells each: text, one function, its check."""
    solutions = lesson.tagged("exercise")
    if len(solutions) not in EXERCISES:
        yield f"Expected {EXERCISES.start} to {EXERCISES.stop - 1} exercises, but got {len(solutions)}."
    kinds = [(cell.number, tag) for cell in lesson.cells for tag in cell.tags if tag in ("exercise-text", "check")]
    wanted = [(cell.number + step, tag) for cell in solutions for step, tag in ((-1, "exercise-text"), (1, "check"))]
    if sorted(kinds) != sorted(wanted):
        yield f"Expected exercise-text, exercise and check in a row, but got them in the cells {kinds}."
    for index, cell in enumerate(solutions, start=1):
        facts, expected = cell.metadata.get("exercise", {}), f"{lesson.name[:2]}.{index}"
        if set(facts) != {"id", "stars", "points"} or facts["id"] != expected or facts["stars"] not in (1, 2, 3):
            yield f"{cell}: Expected metadata exercise with id {expected}, stars 1 to 3 and points, but got {facts}."
            continue
        text, check = lesson.cells[cell.number - 2], lesson.cells[min(cell.number, len(lesson.cells) - 1)]
        heading = f"### Exercise {expected} {'★' * facts['stars']} · "
        if not text.source.startswith(heading) or "<summary>" not in text.source:
            yield f"{text}: Expected {heading!r} and hints in <details><summary>, but got {text.source[:40]!r}."
        call = f"exercises.check_{expected.replace('.', '_')}({function_name(cell)})"
        if check.source.strip() != call:
            yield f"{check}: Expected {call}, but got {check.source[:60]!r}."


def exercise_functions(lesson: Lesson) -> Iterator[str]:
    """An exercise is exactly one function with one marked solution, and marks stand nowhere else."""
    for cell in lesson.code:
        complaint = marker_complaint(cell.source)
        if complaint:
            yield f"{cell}: {complaint}"
        elif "exercise" in cell.tags:
            kinds = [type(node).__name__ for node in cell.tree.body]
            if kinds != ["FunctionDef"] or cell.source.count(BEGIN) != 1:
                yield f"{cell}: Expected one function with one {BEGIN}, but got {kinds}."
        elif BEGIN in cell.source:
            yield f"{cell}: Expected {BEGIN} in cells tagged exercise only."


def exercise_stands_alone(lesson: Lesson) -> Iterator[str]:
    """An exercise uses its arguments, the imports, and functions written out before it: nothing that a run computed."""
    known = set(dir(builtins)) | imported(lesson.code[0].tree)
    for cell in lesson.code:
        if "exercise" in cell.tags:
            strange = sorted(free_names(cell.source) - known - {function_name(cell)}) if cell.tree.body else []
            if strange:
                yield f"{cell}: Expected only arguments, imports and earlier functions to be used, but got {strange}."
        else:
            known |= {node.name for node in cell.tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}


def no_name_of_an_exercise(lesson: Lesson) -> Iterator[str]:
    """No cell but its check uses the name that an exercise defines, so that an open exercise stops nothing."""
    for exercise in lesson.tagged("exercise"):
        name = function_name(exercise)
        for cell in lesson.cells[exercise.number :]:
            if "check" not in cell.tags and any(name in loaded(node) for node in cell.tree.body):
                yield f"{cell}: Expected no use of {name}, which the exercise in {exercise} defines."


def closing_sections(lesson: Lesson) -> Iterator[str]:
    """After the exercises: what goes wrong, recap, next, references, in this order."""
    last = max((cell.number for cell in lesson.tagged("check")), default=0)
    headings = [
        heading.lower()
        for cell in lesson.prose
        if cell.number > last
        for heading in re.findall(r"^## +(.+)$", cell.source, re.MULTILINE)
    ]
    found = [name for heading in headings for name in CLOSING if heading.startswith(name)]
    if found != list(CLOSING):
        yield f"Expected the sections {', '.join(CLOSING)} after the exercises, but got {found or headings}."
