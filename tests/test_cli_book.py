"""The book: the committed texts render without warning or network, and the gates stop what must not be shown."""

import html.parser
import json
import shutil
from pathlib import Path

import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_utils.cli import book, lessons

pytestmark = pytest.mark.xdist_group("book")  # one rendered book serves the whole file
ALT = "Line chart of a sum against its length: it rises"
FIGURE = {"text/html": f'<img alt="{ALT}" src="data:image/png;base64,aGVsbG8=">', "image/png": "aGVsbG8="}
MATHS = r"Minus $\log p$ with the {term}`softmax` $$p_k = \frac{e^{z_k}}{\sum_j e^{z_j}}$$ ({cite:t}`howard2018`)."
TASK = "## Exercise 9.1\n\nDouble it.\n\n<details><summary>Hint</summary>Think of `2 * x`.</details>"
SOLVED = "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION"


def executed_lesson(name: str) -> nbformat.NotebookNode:
    """A small executed lesson with mathematics, a figure and an exercise."""
    cells = [
        new_markdown_cell(f"# {name[:2]} · Try\n\n{MATHS}"),
        new_code_cell("fig", execution_count=1, outputs=[new_output("display_data", data=FIGURE)]),
        new_markdown_cell(TASK, metadata={"tags": ["exercise-text"]}),
        new_code_cell(SOLVED, execution_count=2, metadata={"tags": ["exercise"]}),
        new_code_cell("check(double)", execution_count=3, outputs=[new_output("stream", text="✔ five numbers\n")]),
    ]
    return new_notebook(cells=cells, metadata={"language_info": {"name": "python"}})


def write_lessons(folder: Path, names: list[str]) -> Path:
    """Write executed copies, which serve as sources too, and the record of the last one."""
    folder.mkdir()
    for name in names:
        nbformat.write(executed_lesson(name), folder / f"{name}.ipynb")
    record = {"lesson": names[-1], "profile": "cpu", "device": "two old cores", "status": "done", "claims": {}}
    (folder / f"{names[-1]}.json").write_text(json.dumps(record))
    return folder


@pytest.fixture(scope="module")
def rendered(tmp_path_factory) -> Path:
    """The committed book with a small lesson in the place of each ready one, rendered over an older book."""
    folder = tmp_path_factory.mktemp("book")
    executed, out = write_lessons(folder / "executed", lessons.ready_names()), folder / "html"
    out.mkdir()
    (out / "index.html").write_text("older")
    (out / "gone.html").write_text("a page of the older book")
    assert book.build(executed, out, notebooks=executed) == out / "index.html"
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []
    return out


@pytest.fixture
def tiny(tmp_path) -> Path:
    """A book of one lesson with the committed settings, to break."""
    folder = tmp_path / "book"
    folder.mkdir()
    for name in ("_config.yml", "references.bib", "results.md", "data.md"):
        shutil.copy(book.BOOK / name, folder)
    for name in lessons.REFERENCE_PAGES[2:]:
        (folder / f"{name}.md").write_text(f"# {name}\n")
    shutil.copytree(book.BOOK / "_static", folder / "_static")
    (folder / "_vendor").mkdir()
    (folder / "intro.md").write_text("# Hello\n")
    (folder / "part.md").write_text(f"# Part\n\n{book.LESSONS_MARK}\n")
    entry = {"name": "90_toy", "title": "Try", "summary": "One.", "status": "ready", "data": []}
    index = {"title": "T", "url": "", "parts": [{"page": "part", "title": "Part", "lessons": [entry]}]}
    (folder / "lessons.yml").write_text(yaml.safe_dump(index))
    return folder


class Resources(html.parser.HTMLParser):
    """Collects what a page loads: scripts, styles, pictures and frames, but not the links for readers."""

    def __init__(self, text: str):
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        address = dict(attrs).get("href" if tag == "link" else "src")
        if tag in ("script", "link", "img", "iframe", "source") and address:
            self.found.append(address)


def page_of(rendered: Path) -> str:
    """HTML of the last lesson's page."""
    return (rendered / "notebooks" / f"{lessons.ready_names()[-1]}.html").read_text(encoding="utf-8")


def test_pages_load_nothing_from_a_network(rendered):
    """Every script, style, picture and font of every page, and of its styles, lies in the book's folder."""
    for page in [*rendered.glob("*.html"), *rendered.glob("[np]*/*.html")]:  # _static has templates of the theme
        for address in Resources(page.read_text(encoding="utf-8")).found:
            if address.startswith("data:"):
                continue
            assert "//" not in address, f"{page.name} loads {address}"
            assert (page.parent / address.split("?")[0].split("#")[0]).exists(), f"{page.name} misses {address}"
    for style in rendered.rglob("*.css"):
        assert "url(http" not in style.read_text(encoding="utf-8").replace('"', "").replace("'", "")


def test_mathematics_is_drawn_by_the_copy_in_the_book(rendered):
    """The page has its formulas and a local MathJax, in one file with its licence."""
    page = page_of(rendered)
    assert r"\(\log p\)" in page and r"\frac{e^{z_k}}" in page
    assert "../mathjax/tex-svg-full.js" in page
    assert (rendered / "mathjax" / "LICENSE").exists()
    assert sum(path.stat().st_size for path in (rendered / "mathjax").iterdir()) < 3e6


def test_solution_is_closed_and_behind_the_stub(rendered):
    """A reader sees stub, closed hint, closed solution and the check's output, in this order."""
    page = page_of(rendered).split("<article")[1]
    places = [page.index(text) for text in ("NotImplementedError", "Hint", "Solution", "five numbers")]
    assert places == sorted(places)
    assert page.count("<details") == 2 and "<details open" not in page
    assert "BEGIN SOLUTION" not in page


def test_figures_keep_their_alt_text(rendered):
    """The text for those who do not see the figure reaches the page."""
    assert f'alt="{ALT}"' in page_of(rendered)


def test_planned_lessons_are_listed_on_their_part_page_without_a_page(rendered):
    """What is planned is announced where it will stand."""
    text = (rendered / "parts" / "7_capstone.html").read_text(encoding="utf-8")
    assert "(planned)" in text and "70 ·" in text
    assert not (rendered / "notebooks" / "70_capstone.html").exists()


def test_run_is_named_on_the_page_and_among_the_results(rendered):
    """The record of this build's run stands on its page; without claims the results do not list it."""
    assert "two old cores" in page_of(rendered)


def test_older_book_is_replaced_as_a_whole(rendered):
    """No page of the older book stays, and the first page is the new one."""
    assert not (rendered / "gone.html").exists()
    assert "older" not in (rendered / "index.html").read_text(encoding="utf-8")


def test_page_with_a_warning_stops_the_build_and_leaves_the_old_book(tiny, tmp_path):
    """A link to nothing is an error that names the page, and the last good book stays."""
    executed = write_lessons(tmp_path / "executed", ["90_toy"])
    (tiny / "glossary.md").write_text("# Glossary\n\n```{glossary}\nsoftmax\n  A function.\n```\n\n[x](nowhere.md)\n")
    (tmp_path / "html").mkdir()
    (tmp_path / "html" / "index.html").write_text("last good book")
    with pytest.raises(RuntimeError, match=r"glossary.md:\d+: WARNING.*nowhere"):
        book.build(executed, tmp_path / "html", book=tiny, notebooks=executed)
    assert (tmp_path / "html" / "index.html").read_text() == "last good book"
    assert not list(tmp_path.glob(".book-*"))


def break_lesson(executed: Path, change) -> None:
    """Change the executed copy, and the source with it."""
    path = executed / "90_toy.ipynb"
    notebook = nbformat.read(path, as_version=4)
    change(notebook.cells[1])
    nbformat.write(notebook, path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda cell: cell.update(execution_count=None), "90_toy to be executed, but cell 2 is not"),
        (lambda cell: cell.outputs.append(new_output("error", ename="E", evalue="no")), "cell 2 ended with E: no"),
        (lambda cell: cell.outputs[0].data.pop("text/html"), "alt text, but one in cell 2 has none"),
    ],
)
def test_planted_fault_in_a_lesson_stops_the_book(tiny, tmp_path, change, words):
    """A cell that did not run or failed, and a figure without alt text, are refused before anything is written."""
    executed = write_lessons(tmp_path / "executed", ["90_toy"])
    break_lesson(executed, change)
    with pytest.raises(ValueError, match=words):
        book.build(executed, tmp_path / "html", book=tiny, notebooks=executed)
    assert not (tmp_path / "html").exists()


def test_lesson_that_was_not_executed_is_named_with_the_remedy(tiny, tmp_path):
    """Without executed copies the message says which are missing and how to make them, in the profile asked for."""
    with pytest.raises(FileNotFoundError, match=r"90_toy is not there\. Run `course run --profile gpu` first"):
        book.build(tmp_path / "gpu", tmp_path / "html", book=tiny)


def test_lesson_whose_last_run_failed_is_refused(tiny, tmp_path):
    """The copy of an older run is not shown in the place of one that failed."""
    executed = write_lessons(tmp_path / "executed", ["90_toy"])
    (executed / "90_toy.json").write_text('{"lesson": "90_toy", "status": "failed"}')
    with pytest.raises(ValueError, match="the last run of 90_toy failed"):
        book.build(executed, tmp_path / "html", book=tiny, notebooks=executed)


def test_folder_with_other_files_is_not_replaced(tiny, tmp_path):
    """Somebody's folder is never taken for an older book."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years of work")
    with pytest.raises(FileExistsError, match="holds other files"):
        book.build(tmp_path, tmp_path / "mine", book=tiny)
    assert (tmp_path / "mine" / "thesis.tex").exists()


def test_repository_button_comes_with_the_address():
    """An empty URL draws no button; a URL does."""
    text = (book.BOOK / "_config.yml").read_text(encoding="utf-8")
    index = lessons.index()
    bare = yaml.safe_load(book.config_text(text, index | {"url": ""}))
    full = yaml.safe_load(book.config_text(text, index | {"url": "https://example.org/course"}))
    assert bare["title"] == index["title"]
    assert "repository" not in bare and "use_repository_button" not in bare["html"]
    assert full["repository"]["url"] == "https://example.org/course" and full["html"]["use_repository_button"]


def test_page_without_its_mark_is_refused(tiny, tmp_path):
    """A part page that lost the place of its table is an error, not a page without lessons."""
    executed = write_lessons(tmp_path / "executed", ["90_toy"])
    (tiny / "part.md").write_text("# Part\n")
    with pytest.raises(ValueError, match=r"part\.md to hold"):
        book.build(executed, tmp_path / "html", book=tiny, notebooks=executed)


def test_every_glossary_term_and_reference_stands_once():
    """No term and no key of the bibliography is there twice, and the glossary is in alphabetical order."""
    text = (book.BOOK / "glossary.md").read_text(encoding="utf-8").split("```{glossary}")[1].split("```")[0]
    terms = [line.casefold() for line in text.splitlines() if line and not line.startswith(" ")]
    assert terms == sorted(set(terms))
    keys = [line for line in (book.BOOK / "references.bib").read_text(encoding="utf-8").splitlines() if line[:1] == "@"]
    assert len(keys) == len(set(keys))
