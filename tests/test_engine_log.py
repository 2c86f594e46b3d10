"""Run logs come back from TensorBoard's files as they were written."""

import pytest

from course_utils import engine

ROWS = [{"step": step, "loss": 1 / (step + 1), "rate": 0.1 * step} for step in range(15_000, 0, -5000)]


def test_log_comes_back(tmp_path):
    """Steps ascend, numbers are equal to float32, and the folder is returned."""
    folder = engine.write_log(tmp_path / "base-0", ROWS)
    found = engine.read_log(folder)
    assert [row["step"] for row in found] == [5000, 10_000, 15_000]
    for row, wanted in zip(found, reversed(ROWS), strict=True):
        assert row == pytest.approx(wanted, rel=1e-6)


def test_every_step_is_read(tmp_path):
    """TensorBoard's reader keeps a sample of 10,000 numbers unless told otherwise: all 10,001 come back."""
    engine.write_log(tmp_path, [{"step": step, "loss": 0.5} for step in range(10_001)])
    assert len(engine.read_log(tmp_path)) == 10_001


def test_history_of_fit_is_logged_by_epoch(tmp_path):
    """The step's name is free, and entries may be missing in some rows."""
    rows = [{"epoch": 1, "train_loss": 1.0}, {"epoch": 2, "train_loss": 0.5, "validation_loss": 2.0}]
    assert engine.read_log(engine.write_log(tmp_path, rows, step="epoch"), step="epoch") == rows


def test_log_is_replaced(tmp_path):
    """A second log of the same name leaves nothing of the first, and touches no other file."""
    (tmp_path / "notes.txt").write_text("kept")
    engine.write_log(tmp_path, ROWS)
    engine.write_log(tmp_path, [{"step": 1, "loss": 0.25}])
    assert engine.read_log(tmp_path) == [{"step": 1, "loss": 0.25}]
    assert (tmp_path / "notes.txt").read_text() == "kept"


def test_what_is_not_finite_can_be_logged(tmp_path):
    """A loss that became NaN is worth seeing: it is written and read as NaN."""
    found = engine.read_log(engine.write_log(tmp_path, [{"step": 0, "loss": float("nan")}]))
    assert found[0]["loss"] != found[0]["loss"]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "at least one row"),
        ([{"loss": 1.0}], "row 0 has None"),
        ([{"step": 0, "loss": 1.0}, {"step": 0.5, "loss": 1.0}], "row 1 has 0.5"),
        ([{"step": 0, "loss": "low"}], "'low' as 'loss'"),
    ],
)
def test_rows_that_do_not_fit_are_told(tmp_path, rows, words):
    """No rows, a missing or broken step and text for a number are refused, and nothing is written."""
    with pytest.raises(ValueError, match=words):
        engine.write_log(tmp_path / "run", rows)
    assert not (tmp_path / "run").exists()


def test_reading_where_nothing_is_says_so(tmp_path):
    """A folder without a log is named."""
    with pytest.raises(FileNotFoundError, match="Expected a TensorBoard log in"):
        engine.read_log(tmp_path)
