"""`course doctor`: one line for each thing that a lesson needs, OK or what to do about it."""

import importlib.metadata
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass

from course_utils import files
from course_utils.cli import environment

LEAST_GB = 2  # stored runs, caches and executed lessons of the whole course
START_SECONDS = 30  # a database that has not answered by then will not


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    what: str
    ok: bool
    words: str

    def __str__(self) -> str:
        return f"{'OK  ' if self.ok else 'TO DO'} {self.what}: {self.words}"


def examine() -> list[Finding]:
    """Look at everything, each look on its own: one that breaks is a finding, not the end."""
    looks = (python, packages, devices, disk, kernel, database)
    return [_looked(look) for look in looks]


def _looked(look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except Exception as error:  # a report goes on, and says what broke
        return Finding(
            look.__name__, False, f"{type(error).__name__}: {error}. Make the environment anew: make clean env."
        )


def python() -> Finding:
    """The interpreter's version."""
    version = ".".join(map(str, sys.version_info[:3]))
    good = sys.version_info[:2] in ((3, 11), (3, 12))
    return Finding("python", good, f"{version} at {sys.executable}" if good else f"{version}; install 3.11 or 3.12.")


def packages() -> Finding:
    """Installed versions against the lock."""
    wrong = []
    for name, pins in environment.pins().items():
        pin = next((pin for pin in pins if pin.marker is None or pin.marker.evaluate()), None)
        if pin is None:
            continue
        try:
            found = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found = "missing"
        if not pin.specifier.contains(found if found != "missing" else "0", prereleases=True):
            wrong.append(f"{name} is {found}, not {pin.specifier}")
    if wrong:
        return Finding("packages", False, f"{'; '.join(wrong[:5])} ({len(wrong)} in all). Run `make clean env`.")
    return Finding("packages", True, "as in requirements.lock")


def devices() -> Finding:
    """Processor, and accelerator where PyTorch sees one."""
    import torch

    from course_utils import runtime

    words = [f"{os.cpu_count()} cores, {runtime.describe_device(torch.device('cpu'))}"]
    words += [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    if not torch.cuda.is_available():
        words.append("no accelerator: lessons run in the profile cpu")
    return Finding("devices", True, "; ".join(words))


def disk() -> Finding:
    """Room below the data root, and leave to write there."""
    root = files.data_root()
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=root):
        free = shutil.disk_usage(root).free / 1e9
    words = f"{free:.0f} GB free at {root}"
    if free < LEAST_GB:
        return Finding(
            "disk", False, f"{words}; {LEAST_GB} GB are needed. Make room, or set COURSE_DATA to another disk."
        )
    return Finding("disk", True, words)


def kernel() -> Finding:
    """The Jupyter kernel of the lessons."""
    from jupyter_client.kernelspec import KernelSpecManager

    spec = KernelSpecManager().get_kernel_spec("python3")
    return Finding("kernel", True, f"python3 at {spec.resource_dir}")


def database() -> Finding:
    """FiftyOne's database: started on a free port in an empty folder, asked to answer, and stopped."""
    from course_utils import curate

    server = curate.find_server()
    if server is None:
        return Finding(
            "database",
            False,
            "no mongod for FiftyOne. Install MongoDB and set FIFTYONE_DATABASE_URI (lessons 11 and 13).",
        )
    with tempfile.TemporaryDirectory() as folder:
        port = _free_port()
        command = [str(server), "--dbpath", folder, "--port", str(port), "--bind_ip", "127.0.0.1"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            good = _answers(port, process)
        finally:
            process.terminate()
            output = process.communicate()[0]
    words = (
        f"starts ({server})"
        if good
        else f"{server} did not answer: {output.strip().splitlines()[-1:]}. Install MongoDB."
    )
    return Finding("database", good, words)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _answers(port: int, process: subprocess.Popen) -> bool:
    """Whether something listens on the port before the process ends or time is up."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.2)
    return False
