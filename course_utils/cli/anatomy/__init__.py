"""Static checks of a lesson: its cells in order, its parameters, exercises, prose, sizes and stored outputs.

Each rule is a function from a `Lesson` to complaints, sentences that name the cell; `check_lesson` runs them all.
Nothing is executed here.
"""

from pathlib import Path

from course_utils.cli.anatomy import opening, tasks, text
from course_utils.cli.anatomy.lesson import Lesson, read_lesson

__all__ = ["RULES", "Lesson", "check_lesson", "read_lesson"]

RULES = (
    opening.notebook_form,
    opening.title_and_card,
    opening.imports,
    opening.parameters,
    opening.start_cell,
    opening.parameters_are_read,
    opening.no_branch_on_profile,
    tasks.exercise_cells,
    tasks.exercise_functions,
    tasks.exercise_stands_alone,
    tasks.no_name_of_an_exercise,
    tasks.closing_sections,
    text.sizes,
    text.prose_between_code,
    text.plain_words,
    text.alt_texts,
    text.claims,
    text.plain_code,
    text.stored_outputs,
)


def check_lesson(path: str | Path) -> list[str]:
    """Check one lesson against every rule.

    Args:
        path: `notebooks/NN_topic.ipynb`.

    Returns:
        Complaints, one sentence each; empty for a lesson that is as it should be.
    """
    lesson = read_lesson(path)
    if len(lesson.prose) < 2 or len(lesson.code) < 3:
        return [f"Expected {lesson.name} to open with title, card, imports, parameters and start, but it is shorter."]
    return [complaint for rule in RULES for complaint in rule(lesson)]
