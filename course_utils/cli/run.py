"""Lessons executed by papermill: one executed file and one record for each lesson and profile, made when needed."""

import contextlib
import hashlib
import json
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
import psutil

from course_utils import files
from course_utils.cli import anatomy
from course_utils.cli.anatomy import lesson as reading

INPUTS = ("requirements.lock", "data/*.yml", "data/splits/*", "data/checkpoints/*", "course_utils/**/*.py")
NOT_INPUTS = files.REPO / "course_utils" / "cli"  # the tool that runs lessons changes nothing that they compute
SAMPLE_SECONDS = 0.2  # between two looks at the memory of the kernel
SCHEMA = 1  # of book/results/<profile>.json


@dataclass(frozen=True)
class Outcome:
    """How one lesson ended: its record, and whether it was run now or found finished."""

    record: dict
    reused: bool

    @property
    def failed(self) -> bool:
        return self.record["status"] != "done"


def execute(path: Path, *, profile: str, out: Path, parameters: dict | None = None, force: bool = False) -> Outcome:
    """Execute one lesson, or find that it has been executed with the same inputs.

    The executed copy is ``<out>/<profile>/<lesson>.ipynb``, the record ``….json`` beside it. A lesson that fails
    leaves ``<lesson>.failed.ipynb``, and an older good copy as it was.

    Args:
        path: the lesson's source.
        profile: ``smoke``, ``cpu`` or ``gpu``.
        out: folder of executed lessons.
        parameters: values for names of the parameters cell.
        force: execute also when nothing has changed.

    Raises:
        ValueError: for a parameter that the lesson does not have, or has and never reads.
        RuntimeError: when the kernel that the lesson asks for is not installed.
    """
    name, folder = path.stem, Path(out) / profile
    given = {"PROFILE": profile} | (parameters or {})
    check_parameters(path, given)
    check_kernel(path)
    record_path, mark = folder / f"{name}.json", fingerprint(path, given)
    if not force and (old := _finished(folder, name, mark)):
        return Outcome(old, reused=True)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.claims.json").unlink(missing_ok=True)  # of a run that was broken off, or of a reader's own
    with _environment(COURSE_STRICT="1", COURSE_OUT=str(Path(out).resolve()), COURSE_PROFILE=None):
        error, seconds, peak_mb = _run_papermill(path, folder, given)
    record = _record(folder, name, profile) | {"fingerprint": mark, "seconds": seconds, "peak_mb": peak_mb}
    record |= {"status": "failed", "error": error} if error else {"status": "done"}
    files.write_json(record_path, record)
    return Outcome(record, reused=False)


def check_parameters(path: Path, given: dict) -> None:
    """Refuse parameters that papermill would pass over in silence."""
    lesson = anatomy.read_lesson(path)
    cells = lesson.tagged("parameters")
    if len(cells) != 1:
        raise ValueError(f"Expected one cell with the tag parameters in {path.name}, but got {len(cells)}. Tag one.")
    known = set(reading.assigned(cells[0].tree))
    unknown = sorted(set(given) - known)
    if unknown:
        raise ValueError(
            f"Expected parameters of {path.stem}, but got {', '.join(unknown)}. It has {', '.join(sorted(known))}."
        )
    later = lesson.code[lesson.code.index(cells[0]) + 1 :]
    unread = sorted(set(given) - set().union(*(reading.loaded(cell.tree) for cell in later)))
    if unread:
        raise ValueError(
            f"Expected {path.stem} to read {', '.join(unread)}, but no cell after the parameters does. "
            "The value would have no effect: read it in the start cell, or take it out of the parameters cell."
        )


def check_kernel(path: Path) -> None:
    """Refuse to start where the kernel that the notebook names is not installed."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    metadata = nbformat.read(path, as_version=4).metadata
    name = metadata.get("kernelspec", {}).get("name", "python3")
    try:
        KernelSpecManager().get_kernel_spec(name)
    except NoSuchKernel as error:
        raise RuntimeError(
            f"Expected the Jupyter kernel {name!r} for {path.name}, but it is not installed. "
            "Run `python -m ipykernel install --sys-prefix` in the course's environment, or make it anew: "
            "`make clean env`."
        ) from error


def fingerprint(path: Path, parameters: dict) -> str:
    """16 hexadecimal digits over what decides a lesson's numbers: its text, parameters, package, data, lock."""
    digest = hashlib.sha256(json.dumps(parameters, sort_keys=True, default=str).encode())
    for cell in anatomy.read_lesson(path).cells:  # stored outputs are no inputs
        digest.update(f"{cell.id} {cell.kind} {cell.metadata} {cell.source}".encode())
    found = {found for pattern in INPUTS for found in files.REPO.glob(pattern)}
    for source in sorted(file for file in found if NOT_INPUTS not in file.parents):
        digest.update(source.name.encode() + source.read_bytes())
    return digest.hexdigest()[:16]


def _finished(folder: Path, name: str, mark: str) -> dict | None:
    """The record of an earlier run that ended well with the same inputs, if its executed copy is still there."""
    path = folder / f"{name}.json"
    if not path.exists() or not (folder / f"{name}.ipynb").exists():
        return None
    record = files.read_json(path)
    return record if record["status"] == "done" and record["fingerprint"] == mark else None


def _run_papermill(path: Path, folder: Path, parameters: dict) -> tuple[str | None, float, float]:
    """Execute into a temporary file and move it; returns the error in words or None, seconds, and peak megabytes."""
    import papermill  # 4 s: jsonschema builds a grammar when it is imported
    from nbclient.exceptions import DeadKernelError
    from papermill.translators import papermill_translators
    from traitlets.config import Config

    from course_utils.cli.literals import LiteralTranslator

    papermill_translators.register("python", LiteralTranslator)
    encrypted = Config(KernelManager={"transport_encryption": "auto"})  # or each kernel warns that it is not
    good, bad = folder / path.name, folder / f"{path.stem}.failed.ipynb"
    started, error = time.perf_counter(), None
    with tempfile.TemporaryDirectory(prefix=f".{path.stem}-", dir=folder) as scratch, _peak_memory() as peak:
        temporary = Path(scratch) / path.name
        try:
            papermill.execute_notebook(
                path,
                temporary,
                parameters,
                cwd=scratch,
                progress_bar={"desc": path.stem, "leave": False},
                config=encrypted,
            )
        except papermill.PapermillExecutionError as failure:
            error = f"cell {failure.exec_count}: {failure.ename}: {failure.evalue}"
        except DeadKernelError:
            error = "the kernel died: memory ran out, or a library crashed"
        bad.unlink(missing_ok=True)
        temporary.replace(bad if error else good)
    return error, round(time.perf_counter() - started, 1), round(peak[0] / 1e6)


@contextlib.contextmanager
def _peak_memory() -> Iterator[list[float]]:
    """Yield a list whose only number becomes the largest sum of resident memory, in bytes, of all child processes."""
    peak, stop, own = [0.0], threading.Event(), psutil.Process()

    def sample() -> None:
        while not stop.wait(SAMPLE_SECONDS):
            peak[0] = max(peak[0], sum(_resident(child) for child in own.children(recursive=True)))

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        stop.set()
        thread.join()


def _resident(process: psutil.Process) -> int:
    try:
        return process.memory_info().rss
    except psutil.NoSuchProcess:  # it ended between the list and the look
        return 0


@contextlib.contextmanager
def _environment(**values: str | None) -> Iterator[None]:
    """Set environment variables, or unset them where the value is None, for the kernels started inside the block."""
    old = {name: os.environ.get(name) for name in values}
    _set_environment(values)
    try:
        yield
    finally:
        _set_environment(old)


def _set_environment(values: dict[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _record(folder: Path, name: str, profile: str) -> dict:
    """What the lesson itself wrote about its run: environment, settings, claims; nothing if it failed before that."""
    path = folder / f"{name}.claims.json"
    told = files.read_json(path) if path.exists() else {"environment": {}, "settings": {}, "claims": {}}
    path.unlink(missing_ok=True)  # what it holds is in the record now
    kept = {"settings": told["settings"], "claims": told["claims"]}
    return {"lesson": name, "profile": profile, **told["environment"], **kept}


def merge_results(path: Path, records: list[dict]) -> None:
    """Put the records of lessons into ``book/results/<profile>.json``, replacing those lessons alone.

    Raises:
        ValueError: for a record of a run that failed.
    """
    failed = [record["lesson"] for record in records if record["status"] != "done"]
    if failed:
        raise ValueError(
            f"Expected runs that ended well, but {', '.join(failed)} did not. Mend the lesson and run again."
        )
    known = files.read_json(path) if path.exists() else {"schema": SCHEMA, "lessons": {}, "claims": {}}
    for record in records:
        name = record["lesson"]
        keys = ("device", "commit", "lock", "torch", "date", "seconds", "peak_mb")
        known["lessons"][name] = {key: record[key] for key in keys}
        known["claims"] = {full: claim for full, claim in known["claims"].items() if not full.startswith(f"{name}.")}
        known["claims"] |= {f"{name}.{short}": claim for short, claim in record["claims"].items()}
    files.write_json(path, known)
