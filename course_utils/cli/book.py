"""The book: pages made from executed notebooks, rendered by Jupyter Book with warnings as errors, executing nothing.

Everything is put together in a temporary folder beside the result. The finished pages replace the old ones in one move,
so a build that fails leaves the last good book where it was.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
import yaml

from course_utils import files
from course_utils.cli import cards, lessons, pages, results

BOOK = files.REPO / "book"
LESSONS_MARK = "<!-- lessons of this part -->"  # replaced on each part page
RESULTS_MARK = "<!-- results -->"  # replaced on results.md
DATA_MARK = "<!-- data cards -->"  # replaced on data.md
WARNING = re.compile(r"\b(WARNING|ERROR|CRITICAL)\b|Error\b")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")  # Sphinx colours its messages even where nobody sees it
# Without the package by which JSON schemas check addresses: it builds a grammar on import, 3 s that no page needs.
START = "import sys; sys.modules['rfc3987_syntax'] = None; from jupyter_book.cli.main import main; main()"


def build(executed: Path, out: Path, *, book: Path = BOOK, notebooks: Path = lessons.NOTEBOOKS) -> Path:
    """Build the book and put it in place.

    Args:
        executed: folder with `NN_topic.ipynb` as `course run` wrote it for every lesson that is ready, and its record
            `NN_topic.json` beside it where there is one.
        out: folder of the finished pages; an older book there is replaced.
        book: folder with the book's texts, its settings, `lessons.yml` and `results/`.
        notebooks: folder with the lessons' sources; a copy that was made from an older source is refused.

    Returns:
        Path of the first page, `index.html`.

    Raises:
        FileNotFoundError: a lesson that is ready has no executed copy.
        FileExistsError: `out` is a folder that holds something else than a book.
        ValueError: a gate refuses a lesson, see :func:`course_utils.cli.pages.read_executed`, or its last run failed.
        RuntimeError: Jupyter Book gave a warning or an error; the message quotes it.
    """
    executed, out = Path(executed), Path(out).resolve()
    index = lessons.read_index(book / "lessons.yml")
    names = lessons.ready_names(index)
    if out.exists() and any(out.iterdir()) and not (out / "index.html").exists():
        raise FileExistsError(
            f"Expected {out} to be empty or an older book, but it holds other files. Choose another folder."
        )
    notebooks_read = _read_all(executed, names, notebooks)
    records = _read_records(executed, names)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".book-", dir=out.parent) as scratch:
        source = Path(scratch) / "book"
        shutil.copytree(book, source, ignore=shutil.ignore_patterns("_build", ".ipynb_checkpoints"))
        _write_pages(source / "notebooks", notebooks_read, records)
        _write_texts(source, index, records)
        _run_jupyter_book(source)
        _put_in_place(source / "_build" / "html", out, old=Path(scratch) / "old")
    return out / "index.html"


def _read_all(executed: Path, names: list[str], notebooks: Path) -> dict[str, nbformat.NotebookNode]:
    """Read the executed copies, each through every gate."""
    missing = [name for name in names if not (executed / f"{name}.ipynb").exists()]
    if missing:
        raise FileNotFoundError(
            f"Expected executed lessons in {executed}, but {', '.join(missing)} is not there. "
            f"Run `course run --profile {executed.name}` first, or `make book PROFILE={executed.name}`."
        )
    return {name: pages.read_executed(executed / f"{name}.ipynb", source=notebooks / f"{name}.ipynb") for name in names}


def _read_records(executed: Path, names: list[str]) -> dict[str, dict]:
    """Read the records of the runs that there are; refuse a run that failed: its pages are those of an older one."""
    records = {name: files.read_json(path) for name in names if (path := executed / f"{name}.json").exists()}
    failed = [name for name, record in records.items() if record.get("status") == "failed"]
    if failed:
        raise ValueError(
            f"Expected runs that ended well in {executed}, but the last run of {', '.join(failed)} failed. "
            f"Look at {failed[0]}.failed.ipynb there, correct the lesson, then `course run {failed[0]}`."
        )
    return records


def _write_pages(folder: Path, notebooks_read: dict[str, nbformat.NotebookNode], records: dict[str, dict]) -> None:
    """Write one page a lesson, with a line that says which run it shows."""
    folder.mkdir()
    for name, notebook in notebooks_read.items():
        record = records.get(name)
        line = f"A run in the profile `{record['profile']}`: {results.run_text(record)}." if record else ""
        nbformat.write(pages.page_from_notebook(notebook, run_line=line), folder / f"{name}.ipynb")


def _write_texts(source: Path, index: lessons.Index, records: dict[str, dict]) -> None:
    """Write what follows from the index and the records: contents, settings, part pages, results."""
    files.write_text(source / "_toc.yml", lessons.toc_text(index))
    files.write_text(source / "_config.yml", config_text((source / "_config.yml").read_text(encoding="utf-8"), index))
    for part in index["parts"]:
        _replace_mark(source / f"{part['page']}.md", LESSONS_MARK, part_table(part))
    _replace_mark(source / "data.md", DATA_MARK, cards.cards_text())
    recorded = {path.stem: files.read_json(path) for path in sorted((source / "results").glob("*.json"))}
    table = results.results_text(recorded, records.values(), linked=lessons.ready_names(index))
    _replace_mark(source / "results.md", RESULTS_MARK, table)


def config_text(text: str, index: lessons.Index) -> str:
    """The book's settings with the title of the index and, where there is a URL, a button to the repository.

    Args:
        text: the committed `_config.yml`.
        index: the index of the course.

    Returns:
        Text of the complete `_config.yml`.
    """
    config = yaml.safe_load(text) | {"title": index["title"]}
    if index["url"]:
        config["repository"] = {"url": index["url"], "path_to_book": "book", "branch": "main"}
        config["html"] = config.get("html", {}) | {"use_repository_button": True}
    return yaml.safe_dump(config, sort_keys=False)


def part_table(part: lessons.Part) -> str:
    """Markdown table of one part's lessons: the ready ones as links, the planned ones marked.

    >>> lesson = {"name": "31_two_stage", "title": "Compare", "summary": "Two.", "status": "planned", "data": []}
    >>> print(part_table({"page": "parts/3", "title": "Locate", "lessons": [lesson]}))
    | Lesson | What you do there |
    |---|---|
    | **31 · Compare** (planned) | Two. |
    """
    rows = ["| Lesson | What you do there |", "|---|---|"]
    for lesson in part["lessons"]:
        title = f"{lesson['name'][:2]} · {lesson['title']}"
        ready = lesson["status"] == "ready"
        name = f"[{title}](../notebooks/{lesson['name']}.ipynb)" if ready else f"**{title}** (planned)"
        rows.append(f"| {name} | {lesson['summary']} |")
    return "\n".join(rows)


def _replace_mark(path: Path, mark: str, text: str) -> None:
    """Replace the mark in a page by text."""
    page = path.read_text(encoding="utf-8")
    if page.count(mark) != 1:
        raise ValueError(f"Expected {path.name} to hold {mark!r} once, but it does not. Put that line back.")
    files.write_text(path, page.replace(mark, text))


def _run_jupyter_book(source: Path) -> None:
    """Render the folder; any warning fails, and all of them are reported."""
    command = [sys.executable, "-W", "ignore", "-c", START, "build", str(source), "--all", "-W", "-n", "--keep-going"]
    utf8 = os.environ | {"PYTHONUTF8": "1"}
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", errors="replace", env=utf8)
    if done.returncode == 0 and (source / "_build" / "html" / "index.html").exists():
        return
    lines = COLOUR.sub("", done.stderr + done.stdout).replace(f"{source}/", "").splitlines()
    told = [line for line in lines if WARNING.search(line)][:20] or lines[-20:]
    raise RuntimeError(
        "Expected the book to render without warning, but Jupyter Book said:\n  "
        + "\n  ".join(told)
        + "\nCorrect the page that it names, then build again."
    )


def _put_in_place(finished: Path, out: Path, *, old: Path) -> None:
    """Move the finished folder to `out`; an older book moves to `old`, which goes with the temporary folder."""
    if out.exists():
        out.replace(old)
    finished.replace(out)
