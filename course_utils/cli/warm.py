"""Run a command whose kernels start warm: `python -m course_utils.cli.warm COMMAND …`, on Linux.

Ten of the twenty seconds that a lesson takes in the profile `smoke` go into imports, the same for every lesson. One
process imports those libraries once; each kernel that the command asks Jupyter for is a fork of it, with the directory,
environment, streams and network of whoever asked. No code of the course is imported beforehand, and no kernel sees
what another did. On other systems the command runs as it is.
"""

import contextlib
import ctypes
import importlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

LIBRARIES = (
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "IPython.core.completer",
    "matplotlib_inline.backend_inline",
    "matplotlib.pyplot",
    "torch",
    "torchvision.transforms.v2",
    "timm",
    "scipy.stats",
    "sklearn.linear_model",
    "sklearn.ensemble",
    "sklearn.pipeline",
    "sklearn.manifold",
    "skimage.data",
    "torchmetrics.functional",
    "torchmetrics.detection",
    "pandas",
    "yaml",
)
SERVE, ASK = "--serve", "--ask"
NAMESPACES = ("/proc/self/ns/user", "/proc/self/ns/net")  # in this order: the first gives the right to the second
LARGEST_REQUEST = 1 << 20  # bytes; an environment is some kilobytes
MOST_DESCRIPTORS = 8
TICK = 0.05  # seconds between two looks for kernels that have ended


def main(command: list[str]) -> int:
    """Run a command with warm kernels where the system allows them; returns its exit status."""
    if not sys.platform.startswith("linux"):
        return subprocess.run(command).returncode
    with warm_kernels() as environment:
        return subprocess.run(command, env=os.environ | environment).returncode


@contextlib.contextmanager
def warm_kernels(libraries: tuple[str, ...] = LIBRARIES) -> Iterator[dict[str, str]]:
    """Yield the environment variables by which Jupyter finds warm kernels as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="course-warm-") as folder:
        address, spec = Path(folder) / "socket", Path(folder) / "kernels" / "python3" / "kernel.json"
        argv = [sys.executable, "-S", "-E", "-P", str(Path(__file__).resolve()), ASK, "{connection_file}"]
        spec.parent.mkdir(parents=True)
        spec.write_text(json.dumps({"argv": argv, "display_name": "Python 3 (ipykernel)", "language": "python"}))
        words = [sys.executable, "-P", "-m", "course_utils.cli.warm", SERVE, str(address), *libraries]
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
            if not server.stdout.readline():
                raise RuntimeError("Expected libraries to import for warm kernels, but the import failed: see above.")
            paths = [folder, os.environ.get("JUPYTER_PATH", "")]
            yield {"JUPYTER_PATH": os.pathsep.join(filter(None, paths)), "COURSE_WARM": str(address)}


def stand_for_kernel(address: str, connection_file: str) -> int:
    """Ask for a kernel and stand for it until it ends: whoever manages kernels holds the number of this process.

    Hands over directory, environment, streams and namespaces, then waits; a signal goes on to the
    kernel, and the end of one is the end of the other. Returns the kernel's exit status.
    """
    streams = [0, 1, 2, *(os.open(path, os.O_RDONLY) for path in NAMESPACES)]
    request = {"file": os.path.abspath(connection_file), "folder": os.getcwd(), "environment": dict(os.environ)}
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as link:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        link.connect(address)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda number, frame: link.send(str(number).encode()))
        socket.send_fds(link, [json.dumps(request).encode()], streams)
        answer = link.recv(64)
    return int(answer or b"1")


def ask(connection_file: str) -> int:
    """Be the process that Jupyter started: of a warm kernel where there is one to be had, else the kernel itself."""
    address = os.environ.get("COURSE_WARM", "")
    if Path(address).is_socket() and os.environ.get("COURSE_OFFLINE") != "guard":  # only new processes obey the guard
        return stand_for_kernel(address, connection_file)
    os.execv(sys.executable, [sys.executable, "-m", "ipykernel_launcher", "-f", connection_file])


def serve(address: str, libraries: list[str]) -> None:
    """Import libraries, then fork a kernel for each request, until standard input ends."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for library in libraries:
            importlib.import_module(library)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening, selectors.DefaultSelector() as selector:
        listening.bind(address)
        listening.listen(64)
        print("ready", flush=True)
        selector.register(listening, selectors.EVENT_READ)
        selector.register(sys.stdin, selectors.EVENT_READ)
        kernels: dict[socket.socket, int] = {}
        while True:
            for key, _ in selector.select(TICK):
                if key.fileobj is sys.stdin:
                    return _kill(kernels.values())
                if key.fileobj is listening:
                    link = listening.accept()[0]
                    kernels[link] = _fork_kernel(link, [listening, *kernels])
                    selector.register(link, selectors.EVENT_READ)
                elif not _pass_signal(key.fileobj, kernels[key.fileobj]):
                    _kill([kernels[key.fileobj]])
            for link in _ended(kernels):
                selector.unregister(link)
                link.close()


def _fork_kernel(link: socket.socket, others: list[socket.socket]) -> int:
    """Fork a kernel for the request that waits on a link; returns its process number."""
    message, streams, _, _ = socket.recv_fds(link, LARGEST_REQUEST, MOST_DESCRIPTORS)
    kernel = os.fork()
    if kernel:
        for stream in streams:
            os.close(stream)
        return kernel
    for other in [link, *others]:
        other.close()
    try:
        _become_kernel(json.loads(message), streams)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _become_kernel(request: dict, streams: list[int]) -> None:
    """Take over the streams, network, folder and environment of whoever asked, and be an IPython kernel."""
    os.setsid()
    for stream, number in zip(streams[:3], (0, 1, 2), strict=True):
        os.dup2(stream, number)
    for namespace, path in zip(streams[3:], NAMESPACES, strict=True):
        if os.fstat(namespace).st_ino != os.stat(path).st_ino:
            _enter(namespace)
    for stream in streams:
        os.close(stream)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    from ipykernel.kernelapp import IPKernelApp

    sys.argv = ["ipykernel_launcher", "-f", request["file"], f"--IPKernelApp.parent_handle={os.getppid()}"]
    IPKernelApp.launch_instance()


def _enter(namespace: int) -> None:
    """Move this process into the namespace of a file descriptor (`os.setns` of Python 3.12)."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"Expected to enter the caller's namespace, but got: {os.strerror(number)}")


def _pass_signal(link: socket.socket, kernel: int) -> bool:
    """Hand the signal that came over a link to its kernel; False when the other side is gone."""
    try:
        message = link.recv(64)
    except ConnectionError:
        message = b""
    if message:
        with contextlib.suppress(ProcessLookupError):
            os.kill(kernel, int(message))
    return bool(message)


def _kill(kernels: Iterable[int]) -> None:
    for kernel in kernels:
        with contextlib.suppress(ProcessLookupError):
            os.kill(kernel, signal.SIGKILL)


def _ended(kernels: dict[socket.socket, int]) -> list[socket.socket]:
    """Take the kernels that have ended out of the table, and tell their callers the exit status."""
    ended = []
    for link, kernel in list(kernels.items()):
        number, status = os.waitpid(kernel, os.WNOHANG)
        if number:
            del kernels[link]
            ended.append(link)
            with contextlib.suppress(OSError):  # the caller is gone
                link.send(str(os.waitstatus_to_exitcode(status) % 256).encode())
    return ended


if __name__ == "__main__":
    if sys.argv[1:2] == [SERVE]:
        serve(sys.argv[2], sys.argv[3:])
    elif sys.argv[1:2] == [ASK]:
        sys.exit(ask(sys.argv[2]))
    else:
        sys.exit(main(sys.argv[1:]))
