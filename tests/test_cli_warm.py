"""Kernels that start warm: fresh each time, in the caller's folder, environment and network, and gone afterwards."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from course_utils.cli import warm

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere commands run as they are")
FEW = ("ipykernel.kernelapp", "ipykernel.ipkernel", "colorsys")  # colorsys: no kernel imports it by itself
OFFLINE = Path(__file__).parent / "notebooks" / "offline.py"
OUTSIDE = """
import socket
try:
    socket.create_connection(("192.0.2.1", 80), 5)
except OSError as error:
    print(error)
"""
ASK = """
import sys
from jupyter_client.manager import start_new_kernel
manager, client = start_new_kernel()
client.execute_interactive(sys.argv[1], timeout=60, output_hook=lambda m: print(m["content"].get("text", ""), end=""))
client.stop_channels()
manager.shutdown_kernel(now=True)
"""


@pytest.fixture(scope="module")
def warmth():
    """The environment of warm kernels with few libraries."""
    with warm.warm_kernels(FEW) as environment:
        yield environment


@pytest.fixture
def ask(warmth, tmp_path):
    """A function that executes code in a new kernel of another process, and returns what it prints."""

    def run(code: str, *before, **environment) -> str:
        words = [*map(str, before), sys.executable, "-c", ASK, code]
        environment = os.environ | warmth | environment
        done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_libraries_are_there_and_the_kernel_is_new(ask):
    """A kernel finds the library imported, and not what an earlier kernel left in it."""
    look = "import sys; old = sys.modules.get('colorsys'); print(old is not None, hasattr(old, 'left'))"
    code = f"{look}; import colorsys; colorsys.left = 1"
    assert [ask(code), ask(code)] == ["True False\n"] * 2


def test_without_the_server_a_kernel_starts_cold(ask):
    """A stale address is no obstacle: the kernel is started in the ordinary way."""
    assert ask("import sys; print('colorsys' in sys.modules)", COURSE_WARM="/nowhere") == "False\n"


def test_folder_environment_and_path_are_the_callers(ask, tmp_path):
    """Folder and environment come from whoever asks for the kernel, the module path holds no folder of ours."""
    said = ask("import os, sys; print(os.getcwd(), os.environ['COURSE_WORD'], *sys.path)", COURSE_WORD="own")
    folder, word, *path = said.split()
    assert (Path(folder), word) == (tmp_path, "own")
    assert not any(entry.endswith("cli") for entry in path)


@pytest.mark.parametrize("kind", [{}, {"COURSE_OFFLINE": "guard"}], ids=["as here", "socket guard"])
def test_kernel_of_an_offline_command_is_offline(ask, kind):
    """Behind the guard that keeps lessons off the network, a warm kernel has no network either."""
    said = ask(OUTSIDE, sys.executable, OFFLINE, **kind)
    assert "unreachable" in said or "Expected loopback only" in said


def test_interrupt_reaches_the_kernel(warmth, monkeypatch):
    """Interrupting stops the cell, and the kernel answers the next one."""
    from jupyter_client.manager import start_new_kernel

    for name, value in warmth.items():
        monkeypatch.setenv(name, value)
    manager, client = start_new_kernel()
    try:
        threading.Timer(1.0, manager.interrupt_kernel).start()
        started = time.monotonic()
        reply = client.execute_interactive("import time; time.sleep(60)", timeout=50, output_hook=lambda message: None)
        assert reply["content"]["ename"] == "KeyboardInterrupt" and time.monotonic() - started < 50
        assert client.execute_interactive("1", timeout=50)["content"]["status"] == "ok"
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_kernel_ends_with_its_caller(warmth, monkeypatch):
    """A caller that is killed, as notebook tools do, takes its kernel with it."""
    from jupyter_client.manager import start_new_kernel

    for name, value in warmth.items():
        monkeypatch.setenv(name, value)
    manager, client = start_new_kernel()
    said = []
    hook = lambda message: said.append(message["content"].get("text", ""))  # noqa: E731
    client.execute_interactive("import os; print(os.getpid())", timeout=50, output_hook=hook)
    kernel = psutil.Process(int("".join(said)))
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    psutil.wait_procs([kernel], timeout=20)
    assert not kernel.is_running() or kernel.status() == psutil.STATUS_ZOMBIE


def test_command_prefix_hands_on_the_exit_status():
    """`python -m course_utils.cli.warm COMMAND` ends as the command does, and leaves no process behind."""
    with warm.warm_kernels(FEW) as environment:
        server = [p for p in psutil.Process().children() if environment["COURSE_WARM"] in p.cmdline()]
    assert len(server) == 1 and not server[0].is_running()
    command = [sys.executable, "-c", "raise SystemExit(7)"]
    program = "import sys; from course_utils.cli import warm; warm.LIBRARIES = (); sys.exit(warm.main(sys.argv[1:]))"
    assert subprocess.run([sys.executable, "-c", program, *command]).returncode == 7


def test_library_that_is_not_there_is_told():
    """A library that cannot be imported stops the command before it starts."""
    with pytest.raises(RuntimeError, match="Expected libraries to import"), warm.warm_kernels(("no_such_library",)):
        pass
