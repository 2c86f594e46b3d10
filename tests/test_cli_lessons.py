"""The index of the course: read, searched, and equal to the files that repeat it."""

import pytest
import yaml

from course_utils.cli import lessons


def lesson(name: str, status: str = "ready") -> dict:
    """One lesson of a small index."""
    return {"name": name, "title": "Look", "summary": "One thing.", "status": status, "data": ["photos"]}


def index_of(*entries: dict) -> dict:
    """An index with a single part."""
    return {"title": "A course", "url": "", "parts": [{"page": "parts/0", "title": "Part", "lessons": list(entries)}]}


@pytest.fixture
def small(monkeypatch, tmp_path):
    """A course of two lessons that can be run, one without its file and one that is planned."""
    entries = [lesson("20_cnn"), lesson("22_transfer"), lesson("23_gone"), lesson("24_vit", "planned")]
    monkeypatch.setattr(lessons, "index", lambda: index_of(*entries))
    monkeypatch.setattr(lessons, "NOTEBOOKS", tmp_path)
    for name in ("20_cnn", "22_transfer", "24_vit"):
        (tmp_path / f"{name}.ipynb").touch()


def written(tmp_path, index: dict):
    """The index as a file."""
    path = tmp_path / "lessons.yml"
    path.write_text(yaml.safe_dump(index), encoding="utf-8")
    return path


def test_committed_files_are_those_that_would_be_generated():
    """The contents of the book and the tables of the README hold what the index and the data cards say."""
    for path, text in lessons.generated().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name} is out of date: run `course refresh`"


def test_every_ready_lesson_has_a_notebook():
    """A lesson that the index calls ready can be run."""
    assert lessons.lesson_names() == lessons.ready_names()


def test_course_goes_upwards():
    """Lessons stand in the order of their numbers, and no number stands twice."""
    numbers = [entry["name"][:2] for entry in lessons.all_lessons()]
    assert numbers == sorted(set(numbers))


def test_planned_lessons_are_in_the_readme_and_not_in_the_contents():
    """What cannot be read yet is announced and not linked."""
    table, toc = lessons.readme_table(), lessons.toc_text()
    for entry in lessons.all_lessons():
        ready = entry["status"] == "ready"
        assert (entry["name"] in toc) == ready
        assert f"(notebooks/{entry['name']}.ipynb)" in table if ready else f"| {entry['name']} |" in table
    assert table.count("| planned |") == len(lessons.all_lessons()) - len(lessons.ready_names())


def test_lessons_that_can_be_run_are_ready_and_have_a_file(small):
    """A planned lesson and one without a file are left out."""
    assert lessons.lesson_names() == ["20_cnn", "22_transfer"]


@pytest.mark.parametrize("text", ["22", "22_transfer", "notebooks/22_transfer.ipynb", "22_tr"])
def test_lesson_is_found_by_its_beginning(small, text):
    """A number, a beginning, a name and a path mean the same lesson."""
    assert lessons.find(text) == "22_transfer"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("22_trnsfer", "Did you mean 22_transfer"),
        ("9", "Did you mean 20_cnn or 22_transfer"),
        ("", "but got ''"),
        ("2", "it fits 20_cnn, 22_transfer"),
        ("24", "24_vit has no notebook yet"),
        ("23", "23_gone has no notebook yet"),
    ],
)
def test_lesson_that_is_not_there_is_refused_with_what_is_near(small, text, words):
    """The message says which names come near, that the name is short, or that the lesson is planned."""
    with pytest.raises(ValueError, match=words):
        lessons.find(text)


def test_index_without_lessons_is_read(tmp_path):
    """A part may be empty."""
    assert lessons.all_lessons(lessons.read_index(written(tmp_path, index_of()))) == []


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"name": "20_cnn"}, "a lesson of lessons.yml to have the keys"),
        (lesson("cnn"), "a lesson's name such as"),
        (lesson("20_cnn", "soon"), "ready or planned, but got 'soon'"),
        ("20_cnn", "but got '20_cnn'"),
    ],
)
def test_index_of_another_form_is_refused(tmp_path, entry, words):
    """A missing key, a wrong name and an unknown status are named."""
    with pytest.raises(ValueError, match=words):
        lessons.read_index(written(tmp_path, index_of(entry)))


def test_lesson_that_stands_twice_is_refused(tmp_path):
    """Each lesson is in the index once."""
    with pytest.raises(ValueError, match=r"\['20_cnn'\] twice"):
        lessons.read_index(written(tmp_path, index_of(lesson("20_cnn"), lesson("20_cnn"))))


def test_tables_replace_what_stands_between_their_markers():
    """The text around a table stays, and writing it a second time changes nothing."""
    text = "before\n<!-- a: begin, made by a tool -->\nold\nold\n<!-- a: end -->\nafter\n"
    once = lessons.readme_text(text, {"a": r"| \1 |"})
    assert once == "before\n<!-- a: begin, made by a tool -->\n| \\1 |\n<!-- a: end -->\nafter\n"
    assert lessons.readme_text(once, {"a": r"| \1 |"}) == once


@pytest.mark.parametrize("text", ["", "<!-- a: end -->\n<!-- a: begin -->", "<!-- a: begin -->\n<!-- a: end -->\n" * 2])
def test_readme_without_its_markers_is_refused(text):
    """Markers that are missing, swapped or doubled are an error, and nothing is written."""
    with pytest.raises(ValueError, match="once each"):
        lessons.readme_text(text, {"a": "table"})
