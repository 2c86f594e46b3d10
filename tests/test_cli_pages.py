"""Pages of the book: what is refused, and what an exercise becomes."""

import copy
import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_utils.cli import pages

IMAGE = "aGVsbG8="
ALT = '<img alt="Line chart: it falls" src="data:image/png;base64,aGVsbG8=">'


def ran(source: str, *outputs, tags=()) -> nbformat.NotebookNode:
    """A code cell that was executed."""
    return new_code_cell(source, execution_count=1, outputs=list(outputs), metadata={"tags": list(tags)})


def shown(**data) -> nbformat.NotebookNode:
    """A displayed output; `text_html` stands for text/html."""
    return new_output("display_data", data={key.replace("_", "/"): value for key, value in data.items()})


def notebook(*cells) -> nbformat.NotebookNode:
    """A notebook with a title and the given cells."""
    return new_notebook(cells=[new_markdown_cell("# 22 · Try"), *cells])


@pytest.fixture
def exercise(toy) -> list:
    """The three cells of an exercise, executed."""
    cells = toy.exercise(1)
    for cell in cells[1:]:
        cell.execution_count = 1
    cells[2].outputs = [new_output("stream", text="✔ five numbers\n")]
    return cells


def test_executed_notebook_passes_the_gates(tmp_path):
    """Run cells, empty cells, Markdown and a figure with alt text are let through."""
    made = notebook(
        ran("1", shown(text_html=ALT, image_png=IMAGE)), new_code_cell(""), new_markdown_cell("![a cat](a.png)")
    )
    path = tmp_path / "22_x.ipynb"
    nbformat.write(made, path)
    assert len(pages.read_executed(path).cells) == 4


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (new_code_cell("1"), "22_x to be executed, but cell 2 is not. Run `course run 22_x`"),
        (
            ran("1/0", new_output("error", ename="ZeroDivisionError", evalue="by zero")),
            "cell 2 ended with ZeroDivisionError",
        ),
        (ran("fig", shown(image_png=IMAGE)), "alt text, but one in cell 2 has none"),
        (ran("fig", shown(image_png=IMAGE, text_html="<img src='x'>")), "alt text"),
        (ran("fig", shown(image_png=IMAGE, text_html="<p>no picture</p>")), "alt text"),
        (ran("fig", shown(text_html="<img alt=' ' src='x'>")), "alt text"),
        (ran("fig", new_output("execute_result", data={"image/svg+xml": "<svg/>"}, execution_count=1)), "alt text"),
        (new_markdown_cell("![](a.png)"), "alt text"),
        (new_markdown_cell("<img src='a.png'>"), "alt text"),
    ],
)
def test_planted_fault_turns_the_gate_red(tmp_path, cell, words):
    """A cell that did not run, an error, and a picture without alt text of any kind are refused by number."""
    path = tmp_path / "22_x.ipynb"
    nbformat.write(notebook(cell), path)
    with pytest.raises(ValueError, match=words):
        pages.read_executed(path)


def test_copy_of_an_older_source_is_refused(tmp_path):
    """An executed copy passes only while the lesson is as it was; the injected cell does not count."""
    source, copied = notebook(ran("a = 1")), notebook(ran("a = 1"), ran("P = 2", tags=["injected-parameters"]))
    pages.check_current(copied, source, name="22_x")
    source.cells[1].source = "a = 2"
    with pytest.raises(ValueError, match="22_x to be made from the lesson as it is now"):
        pages.check_current(copied, source, name="22_x")


def test_exercise_becomes_text_stub_dropdowns_and_check(exercise):
    """The solution leaves the code cell and comes back in a closed dropdown behind the hints."""
    page = pages.page_from_notebook(notebook(*exercise))
    text, stub, folded, check = page.cells[1:]
    assert "Double it." in text.source and "<details>" not in text.source
    assert stub.source == 'def double_1(x):\n    raise NotImplementedError("your turn")'
    assert stub.outputs == [] and stub.execution_count is None
    assert re.findall(r":::::\{dropdown\} (.*)", folded.source) == ["Hint", "Solution"]
    assert "return 2 * x" in folded.source and "SOLUTION" not in folded.source and ":open:" not in folded.source
    assert check.outputs[0].text == "✔ five numbers\n"
    nbformat.validate(page)


def test_page_leaves_the_notebook_as_it_was(exercise):
    """Making a page changes nothing in the notebook that it is made from."""
    made = notebook(*exercise)
    before = copy.deepcopy(made)
    pages.page_from_notebook(made, run_line="Two cores.")
    assert made == before


def test_what_papermill_and_widgets_leave_is_taken_away():
    """No injected cell, no marks of papermill, no widgets, parameters folded, one copy of a figure."""
    made = notebook(
        ran("EPOCHS = None", tags=["parameters"]),
        ran("EPOCHS = 3", tags=["injected-parameters"]),
        ran("bar()", shown(**{"application/vnd.jupyter.widget-view+json": {}, "text_plain": "HBox()"})),
        ran("fig", shown(text_html=ALT, image_png=IMAGE)),
    )
    made.metadata.update(papermill={"duration": 1}, widgets={"state": {}})
    made.cells[1].metadata["papermill"] = {"status": "completed"}
    page = pages.page_from_notebook(made)
    assert [cell.source for cell in page.cells[1:]] == ["EPOCHS = None", "bar()", "fig"]
    assert not {"papermill", "widgets"} & (page.metadata.keys() | page.cells[1].metadata.keys())
    assert "hide-input" in page.cells[1].metadata.tags
    assert page.cells[2].outputs == [] and set(page.cells[3].outputs[0].data) == {"text/html"}


def test_details_outside_exercises_are_dropdowns_too():
    """Markdown and mathematics inside <details> would not be rendered as HTML."""
    made = notebook(new_markdown_cell("A.\n<details open><summary>Why</summary>\n\n  $x$\n\n</details>\nB."))
    assert ":::::{dropdown} Why\n:icon: light-bulb\n$x$\n:::::" in pages.page_from_notebook(made).cells[1].source


def test_run_line_stands_below_the_title():
    """A reader sees at once which run a page shows."""
    page = pages.page_from_notebook(notebook(), run_line="Two cores, 90 s.")
    assert page.cells[0].source == "# 22 · Try\n\n:::{div} run-line\nTwo cores, 90 s.\n:::"


def test_empty_notebook_is_an_empty_page():
    """No cells are no reason to fail."""
    assert pages.page_from_notebook(new_notebook(), run_line="x").cells == []
