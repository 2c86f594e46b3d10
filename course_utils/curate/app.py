"""FiftyOne's App without a browser of its own: a web page on this machine, for as long as a block runs."""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
import types
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from course_utils.curate.database import (
    LOG,
    PREFIX,
    DatabaseError,
    free_port,
    last_words,
    load_fiftyone,
    start_watched,
    stop_watched,
)

ANSWER_SECONDS = 180  # it takes about 9 s on an idle machine


@contextlib.contextmanager
def launch_app(dataset, *, port: int | None = None) -> Iterator[str]:
    """Serve the App for a data set or a view, and close it at the end of the block.

    Args:
        dataset: what it opens with.
        port: where; by default a free one.

    Yields:
        The address to open in a browser, once the page answers. It is reachable from this machine alone.

    Raises:
        DatabaseError: the App did not answer in time, or ended.
    """
    fo = load_fiftyone()
    port = port or free_port()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    server = _start_server(fo, folder, port)
    try:
        address = f"http://127.0.0.1:{port}/"
        _await_answer(f"{address}fiftyone", server, folder / LOG)
        # FiftyOne starts a server of its own for a port that it does not know, and waits 60 s for it, not longer.
        fo.core.session.session._server_services[port] = types.SimpleNamespace(stop=lambda: None)
        view = {"view": dataset} if isinstance(dataset, fo.DatasetView) else {"dataset": dataset}
        remote = not fo.core.context.is_notebook_context()  # which knows no remote sessions: there auto=False will do
        session = fo.launch_app(**view, port=port, address="127.0.0.1", remote=remote, auto=False)
        session._disable_wait_warning = True  # a short visit is meant, not a mistake
        yield address
    finally:
        fo.close_app()
        stop_watched(server)


def _start_server(fo: types.ModuleType, folder: Path, port: int) -> subprocess.Popen:
    """The program behind the App, which talks to the database of this process."""
    program = Path(fo.constants.SERVER_DIR) / "main.py"
    command = [sys.executable, str(program), "--port", str(port), "--address", "127.0.0.1"]
    return start_watched(command, folder, cwd=program.parent, env={**os.environ, "FIFTYONE_DISABLE_SERVICES": "1"})


def _await_answer(address: str, server: subprocess.Popen, log: Path) -> None:
    """Wait until the page answers; a proxy in the environment is passed by."""
    ask, deadline = urllib.request.build_opener(urllib.request.ProxyHandler({})), time.monotonic() + ANSWER_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(OSError), ask.open(address, timeout=5) as reply:
            reply.read()
            return
        time.sleep(0.2)
    raise DatabaseError(
        f"Expected FiftyOne's App to answer at {address}, but it did not within {ANSWER_SECONDS} s: {last_words(log)} "
        "Is the port taken, or the machine very busy? Start it again without `port`."
    )
