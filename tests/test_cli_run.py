"""Lessons are run once for the same inputs, leave a whole record, and refuse what would have no effect."""

import json
import os
import re
from pathlib import Path
from types import SimpleNamespace

import nbformat
import papermill
import psutil
import pytest
from jupyter_client.kernelspec import NATIVE_KERNEL_NAME, KernelSpecManager
from nbformat.v4 import new_code_cell, new_notebook, new_output

from course_utils import files
from course_utils.cli import run as running

PARAMETERS = 'PROFILE = "auto"\nMODE = "good"\nSHAPES = None\nUNREAD = 1'
# What runtime and ledger write, without their import of PyTorch
START = """
import json, os, pathlib
if MODE == "early":
    raise ValueError("too early")
told = {name: os.environ.get(f"COURSE_{name.upper()}") for name in ("strict", "profile")}
told |= {"MODE": MODE, "shapes": repr(SHAPES)}
folder = pathlib.Path(os.environ["COURSE_OUT"], PROFILE)
claims = {"sum": {"sentence": "Four.", "value": 4.0, "kept": True}}
environment = {"device": "d", "commit": "c", "lock": "l", "torch": "t", "date": "2026-01-02"}
record = {"lesson": "90_toy", "settings": told, "claims": claims, "environment": environment}
(folder / "90_toy.claims.json").write_text(json.dumps(record))
""".strip()
END = 'if MODE == "late":\n    raise ValueError("too late")\nif MODE == "die":\n    os._exit(3)\nprint(MODE)'


def write(folder: Path, start: str = START) -> Path:
    """A lesson of three cells."""
    cells = [new_code_cell(source, id=name) for name, source in (("parameters", PARAMETERS), ("a", start), ("b", END))]
    cells[0].metadata["tags"] = ["parameters"]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path = folder / "90_toy.ipynb"
    path.write_text(nbformat.writes(new_notebook(cells=cells, metadata={"kernelspec": kernel})))
    return path


def listed(folder: Path) -> list[str]:
    """Everything in a folder, hidden files too."""
    return sorted(os.listdir(folder))


@pytest.fixture
def path(tmp_path) -> Path:
    """The source of the lesson."""
    return write(tmp_path)


@pytest.fixture
def out(tmp_path) -> Path:
    """Folder of executed lessons."""
    return tmp_path / "out"


@pytest.fixture
def fake(monkeypatch):
    """Papermill without a kernel: runs the cells here, as far as an error; `.runs` holds the parameters of each run."""
    fake = SimpleNamespace(runs=[])

    def execute(source, target, parameters, **_):
        fake.runs.append(parameters)
        notebook, names = nbformat.read(source, as_version=4), {}
        for count, cell in enumerate(notebook.cells, 1):
            try:
                exec(cell.source, names)
            except Exception as error:
                nbformat.write(notebook, target)
                what = {"ename": type(error).__name__, "evalue": str(error), "traceback": []}
                raise papermill.PapermillExecutionError(count, count, cell.source, **what) from None
            names |= parameters if count == 1 else {}
        nbformat.write(notebook, target)

    monkeypatch.setattr(papermill, "execute_notebook", execute)
    return fake


# with a kernel: three runs of one lesson into one folder


@pytest.fixture(scope="module")
def three(tmp_path_factory) -> SimpleNamespace:
    """Outcome and files of a good run, of one that then fails, and of one whose kernel dies."""
    folder = tmp_path_factory.mktemp("three")
    path = write(folder)
    source = path.read_bytes()
    switches = {"COURSE_PROFILE": "gpu", "COURSE_STRICT": "0", "COURSE_OUT": "elsewhere"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_WARM", "")  # a kernel of its own, whose memory can be measured
        for name, value in switches.items():
            patch.setenv(name, value)
        outcomes, folders = {}, {}
        for mode in ("good", "late", "die"):
            given = {"MODE": mode, "SHAPES": {20: (3, None)}}
            outcomes[mode] = running.execute(path, profile="smoke", out=folder / "out", parameters=given)
            folders[mode] = {name: (folder / "out/smoke" / name).read_bytes() for name in listed(folder / "out/smoke")}
        left = {name: os.environ.get(name) for name in switches}
    return SimpleNamespace(
        unchanged=path.read_bytes() == source, outcomes=outcomes, folders=folders, switches=switches, left=left
    )


def test_a_good_run_leaves_executed_copy_and_record(three):
    """The copy has the outputs; the record has settings, claims, environment, times; nothing else is left."""
    folder, record = three.folders["good"], three.outcomes["good"].record
    assert set(folder) == {"90_toy.ipynb", "90_toy.json"}
    assert json.loads(folder["90_toy.json"]) == record and not three.outcomes["good"].failed
    assert nbformat.reads(folder["90_toy.ipynb"].decode(), as_version=4).cells[-1].outputs[0].text == "good\n"
    seconds, peak_mb, mark = (record.pop(key) for key in ("seconds", "peak_mb", "fingerprint"))
    assert record == {
        "lesson": "90_toy", "profile": "smoke", "status": "done",
        "settings": {"MODE": "good", "shapes": "{20: (3, None)}", "strict": "1", "profile": None},
        "claims": {"sum": {"sentence": "Four.", "value": 4.0, "kept": True}},
        "device": "d", "commit": "c", "lock": "l", "torch": "t", "date": "2026-01-02",
    }  # fmt: skip
    assert 0 < seconds < 120 and re.fullmatch("[0-9a-f]{16}", mark)
    assert 20 < peak_mb < psutil.virtual_memory().total / 1e6  # a kernel alone has more than 20 MB
    assert three.unchanged  # the lesson's source


def test_a_failed_run_is_told_and_leaves_the_older_good_copy(three):
    """The copy that failed has another name, the good one is as it was, and the record says which cell and why."""
    good, late = three.folders["good"], three.folders["late"]
    assert set(late) == {"90_toy.failed.ipynb", "90_toy.ipynb", "90_toy.json"}
    assert late["90_toy.ipynb"] == good["90_toy.ipynb"]
    assert b"too late" in late["90_toy.failed.ipynb"]
    record = three.outcomes["late"].record
    assert three.outcomes["late"].failed and record["status"] == "failed"
    assert re.fullmatch(r"cell \d: ValueError: too late", record["error"])
    assert set(record["claims"]) == {"sum"}  # what was claimed before the error


def test_a_kernel_that_dies_is_a_failed_run(three):
    """Where memory runs out there is no exception in the lesson; the run has failed, and the good copy stays."""
    assert three.outcomes["die"].record["error"].startswith("the kernel died: ")
    assert set(three.folders["die"]) == {"90_toy.failed.ipynb", "90_toy.ipynb", "90_toy.json"}
    assert three.folders["die"]["90_toy.ipynb"] == three.folders["good"]["90_toy.ipynb"]
    assert b"MODE = 'die'" in three.folders["die"]["90_toy.failed.ipynb"]  # as papermill injects it


def test_the_environment_is_as_before_the_run(three):
    """Strictness, output folder and profile are set for the kernel alone."""
    assert three.left == three.switches


# run again, or not


def test_a_finished_lesson_is_not_run_again_until_something_changes(path, out, fake):
    """The same inputs give the old record; a parameter, a profile, force, and another text of the lesson run it."""
    first = running.execute(path, profile="smoke", out=out)
    again = running.execute(path, profile="smoke", out=out)
    assert (first.reused, again.reused) == (False, True) and again.record == first.record
    assert fake.runs == [{"PROFILE": "smoke"}]
    assert not running.execute(path, profile="smoke", out=out, force=True).reused
    assert not running.execute(path, profile="smoke", out=out, parameters={"MODE": "other"}).reused
    assert not running.execute(path, profile="cpu", out=out).reused
    assert running.execute(path, profile="cpu", out=out).reused
    write(path.parent, START + "\n# changed")
    assert not running.execute(path, profile="cpu", out=out).reused
    assert [run["PROFILE"] for run in fake.runs] == ["smoke", "smoke", "smoke", "cpu", "cpu"]


@pytest.mark.parametrize("gone", ["90_toy.ipynb", "90_toy.json"])
def test_a_lesson_whose_copy_or_record_is_gone_is_run(path, out, fake, gone):
    """A record without its executed copy is not a finished lesson, nor the other way round."""
    running.execute(path, profile="smoke", out=out)
    (out / "smoke" / gone).unlink()
    assert not running.execute(path, profile="smoke", out=out).reused
    assert listed(out / "smoke") == ["90_toy.ipynb", "90_toy.json"]


def test_a_failed_lesson_is_run_again_and_then_leaves_no_trace(path, out, fake):
    """After a failure the same inputs run once more, also beside an older good copy; a good run removes the failed."""
    running.execute(path, profile="smoke", out=out)
    for _ in range(2):
        assert running.execute(path, profile="smoke", out=out, parameters={"MODE": "late"}).failed
    assert len(fake.runs) == 3
    assert listed(out / "smoke") == ["90_toy.failed.ipynb", "90_toy.ipynb", "90_toy.json"]
    assert not running.execute(path, profile="smoke", out=out).failed
    assert listed(out / "smoke") == ["90_toy.ipynb", "90_toy.json"]


def test_claims_of_a_run_that_was_broken_off_are_not_taken_over(path, out, fake):
    """A claims file that lies there already is not this run's: a lesson that fails at once has no claims."""
    (out / "smoke").mkdir(parents=True)
    old = {"claims": {"old": {"value": 1}}, "settings": {}, "environment": {}}
    files.write_json(out / "smoke" / "90_toy.claims.json", old)
    record = running.execute(path, profile="smoke", out=out, parameters={"MODE": "early"}).record
    assert record["claims"] == {} and record["error"] == "cell 2: ValueError: too early"


def test_a_damaged_record_says_what_to_do(path, out, fake):
    """A record that does not parse names its file and the remedy, and nothing runs."""
    running.execute(path, profile="smoke", out=out)
    (out / "smoke" / "90_toy.json").write_text('{"status"')
    with pytest.raises(ValueError, match=r"90_toy\.json to be JSON.*Delete the file if it is a record of a run"):
        running.execute(path, profile="smoke", out=out)
    assert len(fake.runs) == 1


def test_an_interrupted_run_leaves_nothing_and_the_environment_as_it_was(path, out, monkeypatch):
    """Ctrl-C in the middle removes the scratch folder, writes no record, and unsets what was set."""

    def interrupted(source, target, *_, **__):
        Path(target).write_text("half")
        raise KeyboardInterrupt

    monkeypatch.setattr(papermill, "execute_notebook", interrupted)
    before = dict(os.environ)
    with pytest.raises(KeyboardInterrupt):
        running.execute(path, profile="smoke", out=out)
    assert listed(out / "smoke") == [] and dict(os.environ) == before


# what a run depends on


def test_lock_data_and_package_count_and_the_tool_does_not(monkeypatch, tmp_path, path):
    """A change of lock, catalogue, split, checkpoint or package changes the fingerprint; one of the tool does not."""
    inputs = ("requirements.lock", "data/catalogue.yml", "data/splits/elpv_0.csv", "data/checkpoints/22.a.safetensors")
    inputs += ("course_utils/a.py", "course_utils/engine/b.py")
    others = ("course_utils/cli/c.py", "course_utils/cli/anatomy/d.py", "data/cache/e.npz", "README.md")
    monkeypatch.setattr(files, "REPO", tmp_path)
    monkeypatch.setattr(running, "NOT_INPUTS", tmp_path / "course_utils" / "cli")
    for name in inputs + others:
        files.write_text(tmp_path / name, "1")
    marks = [running.fingerprint(path, {})]
    for name in inputs:
        files.write_text(tmp_path / name, "2")
        marks.append(running.fingerprint(path, {}))
    files.write_text(tmp_path / "data/splits/elpv_1.csv", "1")
    marks.append(running.fingerprint(path, {}))
    assert len(set(marks)) == len(inputs) + 2
    for name in others:
        files.write_text(tmp_path / name, "2")
    assert running.fingerprint(path, {}) == marks[-1]


def test_stored_outputs_are_no_inputs(path):
    """Outputs and counts in the source change nothing; a source line, a tag and the order of cells do."""
    first, notebook = running.fingerprint(path, {}), nbformat.read(path, as_version=4)

    def mark() -> str:
        nbformat.write(notebook, path)
        return running.fingerprint(path, {})

    cell = notebook.cells[1]
    cell.outputs, cell.execution_count = [new_output("stream", text="4")], 7
    assert mark() == first
    cell.metadata["tags"] = ["check"]
    second = mark()
    notebook.cells[1:] = notebook.cells[:0:-1]
    assert len({first, second, mark()}) == 3


# what is refused


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"EPOCH": 3}, r"Expected parameters of 90_toy, but got EPOCH\. It has MODE, PROFILE, SHAPES, UNREAD\."),
        ({"B": 1, "A": 1}, r"but got A, B\. It has"),
        ({"UNREAD": 2}, r"Expected 90_toy to read UNREAD, but no cell after the parameters does\. .* have no effect"),
    ],
)
def test_parameters_without_effect_are_refused(path, out, fake, given, message):
    """A name that the lesson does not have, and one that it never reads, are refused before anything is written."""
    with pytest.raises(ValueError, match=message):
        running.execute(path, profile="smoke", out=out, parameters=given)
    assert fake.runs == [] and not out.exists()


def test_a_lesson_that_ignores_its_profile_is_refused(toy, tmp_path, out):
    """A lesson that has PROFILE and never reads it would run in any profile: that is an error."""
    cells = [toy.code('PROFILE = "auto"', "parameters", "parameters"), toy.code('PROFILE = "smoke"', "start")]
    with pytest.raises(ValueError, match="Expected 90_toy to read PROFILE"):
        running.execute(toy.write(tmp_path, cells), profile="smoke", out=out)


@pytest.mark.parametrize("count", [0, 2])
def test_a_lesson_needs_one_parameters_cell(toy, tmp_path, out, count):
    """Without a tagged cell papermill would inject at the top, with two it would choose: both are refused."""
    cells = [toy.code('PROFILE = "auto"', f"parameters-{number}", "parameters") for number in range(count)]
    path = toy.write(tmp_path, [*cells, toy.code("PROFILE", "start")])
    with pytest.raises(ValueError, match=rf"one cell with the tag parameters in 90_toy\.ipynb, but got {count}\. Tag"):
        running.execute(path, profile="smoke", out=out)


def test_a_missing_kernel_names_the_remedy(path, out, fake):
    """A lesson for a kernel that is not installed does not start; the error says how to install it; no file is left."""
    path.write_text(path.read_text().replace('"name": "python3"', '"name": "julia-9"'))
    message = r"kernel 'julia-9' for 90_toy\.ipynb, but it is not installed\. Run `python -m ipykernel install"
    with pytest.raises(RuntimeError, match=message):
        running.execute(path, profile="smoke", out=out)
    assert fake.runs == [] and not out.exists()


def test_an_environment_without_ipykernel_is_told(path, out, monkeypatch):
    """Where ipykernel itself is missing, the course's own kernel is missing too."""
    monkeypatch.setattr(KernelSpecManager, "ensure_native_kernel", False)
    monkeypatch.setattr(KernelSpecManager, "_find_spec_directory", lambda self, name: None)
    with pytest.raises(RuntimeError, match=f"kernel {NATIVE_KERNEL_NAME!r} .* `make clean env`"):
        running.execute(path, profile="smoke", out=out)


# committed results


ABOUT = {"device": "d", "commit": "c", "lock": "l", "torch": "t", "date": "2026-01-02"}


def record(name: str = "22_x", **changes) -> dict:
    """The record of a run that ended well."""
    about = ABOUT | {"seconds": 9.0, "peak_mb": 7}
    rest = {"lesson": name, "profile": "cpu", "status": "done", "fingerprint": "f", "settings": {"EPOCHS": 8}}
    return about | rest | {"claims": {"accuracy": {"value": 0.87}}} | changes


def test_results_have_the_agreed_form(tmp_path):
    """A first record makes the file: schema, seven facts a lesson, claims under their full names, keys sorted."""
    path = tmp_path / "results" / "cpu.json"
    running.merge_results(path, [record()])
    text = path.read_text("utf-8")
    assert json.loads(text) == {
        "schema": 1,
        "lessons": {"22_x": ABOUT | {"seconds": 9.0, "peak_mb": 7}},
        "claims": {"22_x.accuracy": {"value": 0.87}},
    }
    assert text == json.dumps(json.loads(text), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def test_only_the_lessons_that_ran_are_replaced(tmp_path):
    """Claims that a lesson no longer makes vanish; other lessons stay, one whose name begins alike too."""
    path = tmp_path / "cpu.json"
    running.merge_results(path, [record("22_x"), record("22_xy"), record("60_z")])
    claims = {"gain": {"value": 0.1}}
    running.merge_results(path, [record("22_x", claims=claims, seconds=1.0), record("60_z", claims={})])
    found = files.read_json(path)
    assert found["claims"] == {"22_x.gain": {"value": 0.1}, "22_xy.accuracy": {"value": 0.87}}
    assert [found["lessons"][name]["seconds"] for name in ("22_x", "22_xy", "60_z")] == [1.0, 9.0, 9.0]


def test_failed_runs_are_not_recorded(tmp_path):
    """One failed record among several refuses them all, by name, and the file stays as it was."""
    path = tmp_path / "cpu.json"
    running.merge_results(path, [record()])
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"Expected runs that ended well, but 60_z did not\. Mend the lesson"):
        running.merge_results(path, [record(seconds=1.0), record("60_z", status="failed")])
    assert path.read_bytes() == before
