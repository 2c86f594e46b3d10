"""Every lesson as it is stored: anatomy, sizes, tags, parameters, prose, outputs. Nothing is executed."""

import nbformat

from course_utils.cli import anatomy, lessons, refresh


def test_lesson_follows_the_anatomy(lesson):
    """No rule of the anatomy has a complaint."""
    complaints = anatomy.check_lesson(lessons.path_of(lesson))
    assert complaints == [], "\n".join(complaints)


def test_lesson_is_stored_as_refresh_writes_it(lesson):
    """The file is what `course refresh` would write, to the byte, and valid: an editor's traces do not reach git."""
    path = lessons.path_of(lesson)
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert path.read_text(encoding="utf-8") == refresh.formatted(refresh.normalised(notebook)), "Run `course refresh`."


def test_every_notebook_is_a_lesson_of_the_index():
    """No notebook lies in the folder that the index does not know as ready, and none that is ready is missing."""
    ready = {lesson["name"] for lesson in lessons.all_lessons() if lesson["status"] == "ready"}
    assert {path.stem for path in lessons.NOTEBOOKS.glob("*.ipynb")} == ready
