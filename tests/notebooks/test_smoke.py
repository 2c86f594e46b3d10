"""Every lesson run to its end in the profile smoke, without a network, and what the run left behind."""

import warnings

import nbformat

from course_utils.cli import lessons, refresh

HEAVY = ("11", "13", "40", "60")  # FiftyOne, FAISS, SHAP: 40 seconds instead of 25
SLACK = 3  # tests run side by side, on machines that are not ours


def test_lesson_runs_to_its_end(smoke):
    """`course run LESSON --profile smoke` succeeds, and leaves an executed copy and a record."""
    assert smoke.returncode == 0, smoke.output
    assert smoke.notebook.exists() and smoke.record_path.exists(), smoke.output


def test_claims_are_kept(smoke):
    """The record holds at least one claim, and none that was missed."""
    claims = smoke.record["claims"]
    assert claims
    assert [name for name, claim in claims.items() if claim["kept"] is False] == []


def test_record_says_where_it_comes_from(smoke, lesson):
    """The record names lesson, profile, settings, device, versions, date, time and memory."""
    record = smoke.record
    assert (record["lesson"], record["profile"]) == (lesson, "smoke")
    assert {"settings", "device", "torch", "commit", "lock", "date", "seconds", "peak_mb"} <= record.keys()


def test_lesson_keeps_its_budget(smoke, lesson):
    """Smoke takes 25 seconds with the start of the kernel, 40 with heavy libraries: more warns, three times fails."""
    budget, seconds = 40 if lesson.startswith(HEAVY) else 25, smoke.record["seconds"]
    if seconds > budget:
        warnings.warn(f"{lesson} took {seconds} s in smoke, of {budget} s", stacklevel=1)
    assert seconds <= SLACK * budget


def test_every_figure_has_alt_text(smoke):
    """Each picture that the run drew comes with an HTML form whose alternative text is not empty."""
    cells = nbformat.read(smoke.notebook, as_version=4).cells
    outputs = [output for cell in cells if cell.cell_type == "code" for output in cell.outputs]
    pictures = [output.data for output in outputs if "image/png" in output.get("data", {})]
    assert [data.get("text/plain") for data in pictures if 'alt="' not in data.get("text/html", "")] == []


def test_marked_outputs_are_as_stored(smoke, lesson):
    """`course refresh` after this run would change nothing, which also proves that nbval will pass."""
    path = lessons.path_of(lesson)
    made = refresh.refreshed(
        nbformat.read(path, as_version=4), nbformat.read(smoke.notebook, as_version=4), name=lesson
    )
    assert refresh.formatted(made) == path.read_text(encoding="utf-8")
