"""An executed lesson becomes a page of the book: the gates first, then exercises as stub, hints and closed solution.

A page is a notebook too. What is taken away: the cell that papermill injects, widgets that need a kernel, second copies
of figures. What is moved: an exercise with its solution becomes the stub that learners get, and behind it closed
dropdowns.
"""

import html.parser
import re
import textwrap
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

PICTURES = ("image/png", "image/jpeg", "image/svg+xml")
WIDGET = "application/vnd.jupyter.widget-view+json"
DETAILS = re.compile(r"<details[^>]*>\s*<summary>(.*?)</summary>(.*?)</details>", re.DOTALL)
SOLUTION_MARK = re.compile(r"^\s*### (BEGIN|END) SOLUTION.*\n?", re.MULTILINE)


def read_executed(path: Path, *, source: Path | None = None) -> NotebookNode:
    """Read an executed lesson and let it pass every gate of the book.

    Args:
        path: the executed copy that `course run` wrote.
        source: the lesson's notebook; where given, the copy must come from it as it is now.

    Returns:
        The notebook, nbformat 4.

    Raises:
        ValueError: a cell was not executed or ended in an error, a picture has no alt text, or the source has changed.
    """
    notebook = nbformat.read(path, as_version=4)
    check_executed(notebook, name=path.stem)
    check_alt(notebook, name=path.stem)
    if source is not None:
        check_current(notebook, nbformat.read(source, as_version=4), name=path.stem)
    return notebook


def check_executed(notebook: NotebookNode, *, name: str) -> None:
    """Raise ValueError unless every code cell ran and none ended in an error."""
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type != "code" or not cell.source.strip():
            continue
        errors = [f"{output.ename}: {output.evalue}" for output in cell.outputs if output.output_type == "error"]
        if errors:
            raise ValueError(
                f"Expected {name} to run without error, but cell {number} ended with {errors[0]}. "
                f"Correct the lesson, then `course run {name}`."
            )
        if cell.execution_count is None:
            raise ValueError(
                f"Expected every cell of {name} to be executed, but cell {number} is not. Run `course run {name}`."
            )


def check_alt(notebook: NotebookNode, *, name: str) -> None:
    """Raise ValueError unless every picture, among the outputs and in the text, has an alternative text."""
    for number, cell in enumerate(notebook.cells, start=1):
        bundles = [output.data for output in cell.get("outputs", []) if "data" in output]
        texts = [_joined(data["text/html"]) for data in bundles if "text/html" in data]
        naked = [data for data in bundles if data.keys() & set(PICTURES) and not _alts(data.get("text/html", ""))]
        if cell.cell_type == "markdown":
            texts.append(cell.source)
            naked += re.findall(r"!\[\s*\]\(", cell.source)
        if naked or not all(alt for text in texts for alt in _alts(text)):
            raise ValueError(
                f"Expected every picture of {name} to have alt text, but one in cell {number} has none. "
                'Show figures with `viz.show(fig, alt="kind of chart, axes, finding")`.'
            )


class _Images(html.parser.HTMLParser):
    """Collects the alt text of each <img>, empty where there is none."""

    def __init__(self):
        super().__init__()
        self.alts: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag == "img":
            self.alts.append((dict(attrs).get("alt") or "").strip())


def _alts(text: str | list[str]) -> list[str]:
    """Alt text of every <img> in a piece of HTML.

    >>> _alts('<img src="a.png" alt="a cat"><img src="b.png">')
    ['a cat', '']
    """
    parser = _Images()
    parser.feed(_joined(text))
    return parser.alts


def _joined(text: str | list[str]) -> str:
    """nbformat allows a text to be a list of lines."""
    return text if isinstance(text, str) else "".join(text)


def check_current(notebook: NotebookNode, source: NotebookNode, *, name: str) -> None:
    """Raise ValueError when the executed copy holds other cells than the lesson's notebook does now."""
    ran = [cell.source for cell in notebook.cells if "injected-parameters" not in _tags(cell)]
    if ran != [cell.source for cell in source.cells]:
        raise ValueError(
            f"Expected the executed copy of {name} to be made from the lesson as it is now, but it has changed. "
            f"Run `course run {name}`."
        )


def _tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def page_from_notebook(notebook: NotebookNode, *, run_line: str = "") -> NotebookNode:
    """Make the page of a lesson out of its executed notebook.

    Args:
        notebook: as :func:`read_executed` returns it; it is left as it is.
        run_line: one sentence about the run, shown below the title; empty: none.

    Returns:
        A notebook for the book: no injected cell, parameters folded, exercises as text, stub, hints, solution, check.
    """
    page = nbformat.from_dict(notebook)
    page.metadata.pop("papermill", None)
    page.metadata.pop("widgets", None)
    cells, hints = [], ""
    for cell in map(_cleaned, page.cells):
        if "injected-parameters" in _tags(cell):
            continue
        if "exercise-text" in _tags(cell):
            cell.source, hints = _split_hints(cell.source)
            cells.append(cell)
        elif "exercise" in _tags(cell):
            cells += _exercise_cells(cell, hints)
            hints = ""
        else:
            cells.append(cell)
    if run_line and cells:
        cells[0].source += f"\n\n:::{{div}} run-line\n{run_line}\n:::"
    page.cells = cells
    return page


def _cleaned(cell: NotebookNode) -> NotebookNode:
    """A copy of a cell without papermill's marks; hints become dropdowns, parameters are folded, outputs made lean."""
    cell = nbformat.from_dict(cell)
    cell.metadata.pop("papermill", None)
    if cell.cell_type == "markdown" and "exercise-text" not in _tags(cell):
        cell.source = DETAILS.sub(lambda found: f"\n{dropdown(found[1], found[2])}\n", cell.source)
    if cell.cell_type == "code":
        cell.outputs = [_lean(output) for output in cell.outputs if WIDGET not in output.get("data", {})]
    if "parameters" in _tags(cell):
        cell.metadata["tags"] = [*_tags(cell), "hide-input"]
        cell.metadata["mystnb"] = {"code_prompt_show": "Show the parameters", "code_prompt_hide": "Hide the parameters"}
    return cell


def _lean(output: NotebookNode) -> NotebookNode:
    """The output without the second copy of a picture that its HTML form already holds."""
    if _alts(output.get("data", {}).get("text/html", "")):
        for kind in PICTURES:
            output.data.pop(kind, None)
    return output


def _split_hints(text: str) -> tuple[str, str]:
    """Split an exercise's text into the task and its hints, the hints as closed dropdowns.

    >>> task, hints = _split_hints("Add one.<details><summary>Hint 1</summary>Use `+`.</details>")
    >>> task
    'Add one.'
    >>> print(hints)
    :::::{dropdown} Hint 1
    :icon: light-bulb
    Use `+`.
    :::::
    """
    hints = [dropdown(title, body) for title, body in DETAILS.findall(text)]
    return DETAILS.sub("", text).strip(), "\n\n".join(hints)


def dropdown(title: str, body: str, *, icon: str = "light-bulb") -> str:
    """A closed dropdown in MyST Markdown; its body is Markdown too."""
    body = textwrap.dedent(body.strip("\n")).strip()
    return f":::::{{dropdown}} {title.strip()}\n:icon: {icon}\n{body}\n:::::"


def _exercise_cells(cell: NotebookNode, hints: str) -> list[NotebookNode]:
    """The stub, the hints if there are any, and the solution, from the cell that holds the solution."""
    from course_utils.cli import learner  # nbgrader is slow to import, and only exercises need it

    code = SOLUTION_MARK.sub("", cell.source).strip()
    solution = dropdown("Solution", f"```python\n{code}\n```", icon="check-circle")
    stub = nbformat.from_dict(cell)
    stub.source, stub.outputs, stub.execution_count = learner.stripped_source(cell.source), [], None
    answer = new_markdown_cell(f"{hints}\n\n{solution}".strip(), id=f"{cell.id[:50]}-solution")
    return [stub, answer]
