"""Stored outputs of lessons: those of marked cells are written back from an executed copy, all others are taken out."""

import copy
from collections.abc import Iterable
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_utils import files

MARK, KEEP = "nbval-check-output", "keep_output"
RUN = 1  # execution count of marked cells: nbval takes a cell without one for never run, and refuses its output
CELL_METADATA = ("tags", "exercise")  # everything else in a cell's metadata comes from editors and runs
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def refresh(paths: Iterable[str | Path], executed: str | Path) -> list[Path]:
    """Write the outputs of marked cells back into lessons, and bring their files into the stored form.

    Args:
        paths: lessons, `notebooks/NN_topic.ipynb`.
        executed: folder with an executed copy of each, of the same name, such as `<out>/smoke`.

    Returns:
        The lessons that changed; a second call returns none.

    Raises:
        FileNotFoundError: a lesson has no executed copy.
        ValueError: the executed copy is one of an older text of the lesson, or a marked cell failed or drew a picture.
    """
    changed = []
    for path in map(Path, paths):
        ran = Path(executed) / path.name
        if not ran.exists():
            raise FileNotFoundError(f"Expected {ran}, but there is none. Run `course run {path.stem} --profile smoke`.")
        made = refreshed(_read(path), _read(ran), name=path.name)
        if formatted(made) != path.read_text(encoding="utf-8"):
            files.write_text(path, formatted(made))
            changed.append(path)
    return changed


def refreshed(source: NotebookNode, executed: NotebookNode, *, name: str = "notebook") -> NotebookNode:
    """Join the text of a lesson with the outputs of its marked cells in an executed copy.

    Cells are matched by id, so that cells which papermill has put in are passed over.

    Raises:
        ValueError: a marked cell is not in the executed copy, reads otherwise there, failed, or put out more than text.
    """
    made = normalised(source)
    ran = {cell.get("id"): cell for cell in executed.cells}
    for cell in made.cells:
        if MARK not in cell.metadata.get("tags", []):
            continue
        twin = ran.get(cell.id)
        if twin is None or twin.source != cell.source:
            raise ValueError(
                f"Expected the executed copy of {name} to hold the cell {cell.id} as it reads now, but it does not. "
                f"Run `course run {name.removesuffix('.ipynb')} --profile smoke --force`."
            )
        cell.outputs, cell.execution_count = _text_outputs(twin, f"{name}, cell {cell.id}"), RUN
    return made


def normalised(notebook: NotebookNode) -> NotebookNode:
    """The stored form: outputs of marked cells only, with one and the same count, no metadata of editors and runs."""
    made = copy.deepcopy(notebook)
    made.metadata = nbformat.from_dict(METADATA)
    made.nbformat, made.nbformat_minor = 4, 5
    for cell in made.cells:
        cell.metadata = nbformat.from_dict({key: cell.metadata[key] for key in CELL_METADATA if key in cell.metadata})
        tags = cell.metadata.get("tags", [])
        if MARK in tags and KEEP not in tags:
            tags.append(KEEP)
        if cell.cell_type == "code":
            cell.outputs = cell.outputs if MARK in tags else []
            cell.execution_count = RUN if cell.outputs else None
    return made


def formatted(notebook: NotebookNode) -> str:
    """Text of a notebook as it is committed: one space of indentation, sorted keys, a line end."""
    return nbformat.writes(notebook, indent=1) + "\n"


def _text_outputs(cell: NotebookNode, where: str) -> list[NotebookNode]:
    """Outputs of an executed cell without counts; pieces of one stream, which arrive as they please, joined."""
    outputs: list[NotebookNode] = []
    for output in cell.outputs:
        kinds = set(output["data"]) if "data" in output else {output.get("name", output.output_type)}
        if not kinds <= {"stdout", "text/plain"}:
            raise ValueError(
                f"Expected {where} to print text only, but got {', '.join(sorted(kinds))}. "
                f"Print what is the same on every machine, or take the tag {MARK} away."
            )
        if output.output_type == "stream" and outputs and outputs[-1].output_type == "stream":
            outputs[-1].text += output.text
            continue
        outputs.append(_plain(output))
    if not outputs:
        raise ValueError(f"Expected {where} to print something, but it does not. Take the tag {MARK} away.")
    return outputs


def _plain(output: NotebookNode) -> NotebookNode:
    """One output without its execution count and metadata."""
    output = copy.deepcopy(output)
    if "execution_count" in output:
        output.execution_count = None
    if "metadata" in output:
        output.metadata = NotebookNode()
    return output


def _read(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)
