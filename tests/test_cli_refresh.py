"""Writing marked outputs back: nothing else gets in, and a second time changes nothing."""

import copy

import nbformat
import pytest

from course_utils.cli import refresh

MARK, KEEP = "nbval-check-output", "keep_output"


@pytest.fixture
def pair(toy, tmp_path):
    """A lesson without outputs, and its executed copy with outputs, counts and papermill's traces."""
    cells = [
        toy.text("# 90 · Add", "title"),
        toy.code("print(1)\nprint(2)", "marked", MARK),
        toy.code("2 + 2", "value", MARK),
        toy.code("print('seconds: 3')", "plain"),
    ]
    source = nbformat.read(toy.write(tmp_path, cells), as_version=4)
    executed = copy.deepcopy(source)
    executed.metadata["papermill"] = {"duration": 3.2}
    executed.cells.insert(1, toy.code("PROFILE = 'smoke'", "injected", "injected-parameters"))
    pieces = [{"output_type": "stream", "name": "stdout", "text": f"{number}\n"} for number in (1, 2)]
    value = {"output_type": "execute_result", "data": {"text/plain": "4"}, "metadata": {"x": 1}, "execution_count": 3}
    outputs = {"marked": pieces, "value": [value], "plain": pieces}
    for count, cell in enumerate(executed.cells):
        cell.metadata["papermill"] = {"status": "completed"}
        if cell.cell_type == "code":
            cell.execution_count = count
            cell.outputs = [nbformat.from_dict(output) for output in outputs.get(cell.id, [])]
    return source, executed


def test_only_marked_outputs_are_written_back(pair):
    """Outputs of marked cells arrive, joined and without counts; the others, injected cells and traces do not."""
    made = refresh.refreshed(*pair)
    title, marked, value, plain = made.cells
    assert marked.outputs == [{"output_type": "stream", "name": "stdout", "text": "1\n2\n"}]
    assert value.outputs[0].data["text/plain"] == "4"
    assert value.outputs[0].execution_count is None and value.outputs[0].metadata == {}
    assert marked.execution_count == value.execution_count == 1  # nbval compares nothing with a cell that never ran
    assert plain.outputs == [] and plain.execution_count is None and plain.metadata == {}
    assert marked.metadata == {"tags": [MARK, KEEP]} and title.metadata == {}
    assert set(made.metadata) == {"kernelspec", "language_info"}
    nbformat.validate(made)


def test_refreshing_twice_changes_nothing(pair, toy, tmp_path):
    """The second call returns no path and leaves the bytes alone, so that git stays clean."""
    source, executed = pair
    lesson = toy.write(tmp_path, source.cells)
    ran = tmp_path / "smoke"
    ran.mkdir()
    nbformat.write(executed, ran / lesson.name)
    assert refresh.refresh([lesson], ran) == [lesson]
    first = lesson.read_bytes()
    assert refresh.refresh([lesson], ran) == []
    assert lesson.read_bytes() == first and first.endswith(b"}\n")


def test_stored_form_is_its_own_stored_form(pair):
    """Normalising keeps marked outputs, and is the same when done again."""
    made = refresh.refreshed(*pair)
    assert refresh.formatted(refresh.normalised(made)) == refresh.formatted(made)


def test_sources_are_left_alone(pair):
    """Both notebooks handed in are as they were."""
    before = [nbformat.writes(notebook) for notebook in pair]
    refresh.refreshed(*pair)
    assert [nbformat.writes(notebook) for notebook in pair] == before


def test_drifted_output_changes_the_file(pair, toy, tmp_path):
    """An output that is not as stored any more is written, and the file reported as changed."""
    source, executed = pair
    lesson = toy.write(tmp_path, refresh.refreshed(source, executed).cells)
    executed.cells[2].outputs[0].text = "one\n"
    ran = tmp_path / "smoke"
    ran.mkdir()
    nbformat.write(executed, ran / lesson.name)
    assert refresh.refresh([lesson], ran) == [lesson]
    assert "one\\n" in lesson.read_text()


def test_copy_of_an_older_text_is_refused(pair):
    """An executed cell that reads otherwise, or is missing, names the lesson, the cell and the command."""
    source, executed = pair
    executed.cells[2].source = "print(1)"
    with pytest.raises(
        ValueError, match=r"90_toy\.ipynb to hold the cell marked .* `course run 90_toy --profile smoke"
    ):
        refresh.refreshed(source, executed, name="90_toy.ipynb")
    del executed.cells[2]
    with pytest.raises(ValueError, match="the cell marked"):
        refresh.refreshed(source, executed)


@pytest.mark.parametrize(
    ("output", "kind"),
    [
        ({"output_type": "display_data", "data": {"image/png": "", "text/plain": ""}, "metadata": {}}, "image/png"),
        ({"output_type": "stream", "name": "stderr", "text": "warning"}, "stderr"),
        ({"output_type": "error", "ename": "E", "evalue": "", "traceback": []}, "error"),
    ],
)
def test_marked_cell_may_only_print(pair, output, kind):
    """Pictures, warnings and errors in a marked cell are refused by name."""
    source, executed = pair
    executed.cells[2].outputs.append(nbformat.from_dict(output))
    with pytest.raises(ValueError, match=f"cell marked to print text only, but got .*{kind}"):
        refresh.refreshed(source, executed)


def test_marked_cell_without_output_is_refused(pair):
    """A mark on a cell that prints nothing compares nothing, and is refused."""
    source, executed = pair
    executed.cells[2].outputs = []
    with pytest.raises(ValueError, match="Take the tag nbval-check-output away"):
        refresh.refreshed(source, executed)


def test_lesson_that_has_not_run_is_named(pair, toy, tmp_path):
    """Without an executed copy the error says which command makes one; no lesson at all is fine."""
    lesson = toy.write(tmp_path, pair[0].cells)
    with pytest.raises(FileNotFoundError, match="course run 90_toy --profile smoke"):
        refresh.refresh([lesson], tmp_path / "nowhere")
    assert refresh.refresh([], tmp_path / "nowhere") == []
