"""The one index of the course, `book/lessons.yml`: read, searched, and turned into the files that repeat it."""

import difflib
import functools
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TypedDict

import yaml

from course_utils import files

LESSONS_YML = files.REPO / "book" / "lessons.yml"
TOC_YML = files.REPO / "book" / "_toc.yml"
README = files.REPO / "README.md"
NOTEBOOKS = files.REPO / "notebooks"
STATUSES = ("ready", "planned")
# Behind the lessons.
REFERENCE_PAGES = ("results", "data", "article_checked", "glossary", "instructor_guide", "references")


class Lesson(TypedDict):
    """One lesson of the index; `name` is the notebook's file name without its ending."""

    name: str
    title: str
    summary: str
    status: str
    data: list[str]


class Part(TypedDict):
    """One part of the course; `page` is its page in the book, without ending."""

    page: str
    title: str
    lessons: list[Lesson]


class Index(TypedDict):
    """The whole index; an empty `url` means that the repository cannot be seen anywhere yet."""

    title: str
    url: str
    parts: list[Part]


def read_index(path: Path) -> Index:
    """Read an index file and check its form.

    Args:
        path: a YAML file such as `book/lessons.yml`.

    Raises:
        ValueError: a key is missing or too many, a name is no `NN_topic` or stands twice, a status is unknown.
    """
    index = yaml.safe_load(path.read_text(encoding="utf-8"))
    _check_keys(index, Index, path.name)
    for part in index["parts"]:
        _check_keys(part, Part, f"a part of {path.name}")
        for lesson in part["lessons"]:
            _check_keys(lesson, Lesson, f"a lesson of {path.name}")
            _check_lesson(lesson)
    names = [lesson["name"] for lesson in all_lessons(index)]
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"Expected each lesson once in {path.name}, but got {twice} twice. Remove one.")
    return index


def _check_keys(value: object, form: type, where: str) -> None:
    """Raise unless `value` is a dict with exactly the keys of the TypedDict `form`."""
    expected = set(form.__annotations__)
    keys = set(value) if isinstance(value, dict) else set()
    if keys != expected:
        raise ValueError(
            f"Expected {where} to have the keys {sorted(expected)}, but got {sorted(keys) or value!r}. "
            "Add what is missing and remove what is not known."
        )


def _check_lesson(lesson: Lesson) -> None:
    if not re.fullmatch(r"\d\d_[a-z0-9_]+", lesson["name"]):
        raise ValueError(
            f"Expected a lesson's name such as 22_transfer_learning, but got {lesson['name']!r}. Use NN_topic."
        )
    if lesson["status"] not in STATUSES:
        raise ValueError(
            f"Expected the status of {lesson['name']} to be ready or planned, but got {lesson['status']!r}. Choose one."
        )


@functools.cache
def index() -> Index:
    """The index of this checkout.

    >>> [part["title"] for part in index()["parts"]][:2]
    ['See the whole path', 'Get data you can trust']
    """
    return read_index(LESSONS_YML)


def all_lessons(of: Index | None = None) -> list[Lesson]:
    """Every lesson, ready or planned, in the order of the course."""
    return [lesson for part in (of or index())["parts"] for lesson in part["lessons"]]


def ready_names(of: Index | None = None) -> list[str]:
    """Names of the lessons that the index calls ready, in the order of the course."""
    return [lesson["name"] for lesson in all_lessons(of) if lesson["status"] == "ready"]


def lesson_names() -> list[str]:
    """Names of the lessons that can be run: ready, and with a file in `notebooks/`, in the order of the course."""
    return [name for name in ready_names() if path_of(name).exists()]


def path_of(name: str) -> Path:
    """Path of a lesson's notebook, whether or not it exists.

    >>> path_of("22_transfer_learning").name
    '22_transfer_learning.ipynb'
    """
    return NOTEBOOKS / f"{name}.ipynb"


def find(text: str) -> str:
    """Find the lesson that can be run and whose name is or begins with `text`.

    Args:
        text: a name (`22_transfer_learning`), its beginning (`22`), or a path to its notebook.

    Returns:
        The full name.

    Raises:
        ValueError: no lesson, a planned lesson, or several lessons fit; the message lists those that come near.
    """
    wanted = Path(text).name.removesuffix(".ipynb")
    ready = lesson_names()
    fitting = [wanted] if wanted in ready else [name for name in ready if wanted and name.startswith(wanted)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise ValueError(
            f"Expected {text!r} to mean one lesson, but it fits {', '.join(fitting)}. Write more of the name."
        )
    planned = [lesson["name"] for lesson in all_lessons() if wanted and lesson["name"].startswith(wanted)]
    if planned:
        raise ValueError(
            f"Expected a lesson that can be run, but {', '.join(planned)} has no notebook yet. "
            f"Ready: {', '.join(ready) or 'none'}."
        )
    near = difflib.get_close_matches(wanted, ready, n=3, cutoff=0.4) or ready
    raise ValueError(f"Expected a lesson, but got {text!r}. Did you mean {' or '.join(near) or '(none is ready)'}?")


def choose(texts: Iterable[str] | None) -> list[str]:
    """Full names of the lessons that are asked for, in the order of the course; all that can run when none is named.

    Raises:
        ValueError: see :func:`find`; also when no lesson can run.
    """
    names = lesson_names()
    if not names:
        raise ValueError(f"Expected lessons in {NOTEBOOKS}, but none is ready there. Restore the notebooks from git.")
    wanted = {find(text) for text in texts or names}
    return [name for name in names if name in wanted]


def toc_text(of: Index | None = None) -> str:
    """Text of `book/_toc.yml`: part pages with their ready lessons below them, then the pages of reference."""
    chapters = []
    for part in (of or index())["parts"]:
        pages = [{"file": f"notebooks/{lesson['name']}"} for lesson in part["lessons"] if lesson["status"] == "ready"]
        chapters.append({"file": part["page"]} | ({"sections": pages} if pages else {}))
    reference = [{"file": page} for page in REFERENCE_PAGES]
    parts = [{"caption": "Lessons", "chapters": chapters}, {"caption": "Reference", "chapters": reference}]
    toc = {"format": "jb-book", "root": "intro", "parts": parts}
    return "# Generated from lessons.yml by `course refresh`. Do not edit.\n" + yaml.safe_dump(toc, sort_keys=False)


def readme_table() -> str:
    """Markdown table of every lesson, one row each, planned lessons marked as planned."""
    rows = ["| Lesson | What you do there | Data | |", "|---|---|---|---|"]
    for part in index()["parts"]:
        rows.append(f"| **{part['title']}** | | | |")
        rows += [_readme_row(lesson) for lesson in part["lessons"]]
    return "\n".join(rows)


def _readme_row(lesson: Lesson) -> str:
    ready = lesson["status"] == "ready"
    name = f"[{lesson['name']}](notebooks/{lesson['name']}.ipynb)" if ready else lesson["name"]
    return f"| {name} | {lesson['title']}. {lesson['summary']} | {', '.join(lesson['data'])} | {lesson['status']} |"


def readme_text(text: str, tables: dict[str, str]) -> str:
    """The README with each table put anew between its markers.

    Args:
        text: the README as it is.
        tables: name of a table → its Markdown. Its markers are the lines `<!-- name: begin -->` (words may follow
            `begin`) and `<!-- name: end -->`.

    Raises:
        ValueError: the two markers of a table do not stand in the text, in order and once.

    >>> print(readme_text("<!-- a: begin -->\\nold\\n<!-- a: end -->", {"a": "new"}))
    <!-- a: begin -->
    new
    <!-- a: end -->
    """
    for name, table in tables.items():
        marked = re.compile(rf"(<!-- {name}: begin[^\n]*-->\n).*?(\n?<!-- {name}: end -->)", re.DOTALL)
        if len(marked.findall(text)) != 1:
            raise ValueError(
                f"Expected the README to hold `<!-- {name}: begin -->` and then `<!-- {name}: end -->`, once each. "
                "Put the two lines back."
            )
        text = marked.sub(lambda found, table=table: f"{found[1]}{table}\n{found[2].lstrip()}", text)
    return text


def generated() -> dict[Path, str]:
    """What the files that are made from the index and the data cards have to hold: path → text."""
    from course_utils.cli import cards  # imports PyTorch, which reading the index has no need of

    tables = {"lessons": readme_table(), "licences": cards.licence_table()}
    return {TOC_YML: toc_text(), README: readme_text(README.read_text(encoding="utf-8"), tables)}


def write_generated() -> list[Path]:
    """Write `book/_toc.yml` and the tables of the README where they are out of date; return the paths that changed."""
    changed = [path for path, text in generated().items() if not path.exists() or path.read_text("utf-8") != text]
    for path in changed:
        files.write_text(path, generated()[path])
    return changed
