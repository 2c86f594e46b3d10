"""Runs a server for as long as somebody holds this program's standard input open; then stops it and removes its folder.

Started as a program of its own, so that the server also ends when the process that needs it is killed outright: the
operating system closes the pipe whatever happens. It imports nothing outside the standard library, to start at once.
"""

import os
import shutil
import subprocess
import sys
import threading

PATIENCE = 10  # seconds that the server has to shut down in good order


def watch(folder: str, command: list[str]) -> int:
    """Run `command` with its output in `folder`/server.log until standard input ends, or until it ends by itself.

    Returns:
        The command's exit code; `folder` is gone where standard input ended, and kept, with its log, where it did not.
    """
    with open(f"{folder}/server.log", "wb") as log:
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
    abandoned = threading.Event()
    threading.Thread(target=_await_end, args=(server, abandoned), daemon=True).start()
    code = server.wait()
    if abandoned.is_set():
        shutil.rmtree(folder, ignore_errors=True)
    return code


def _await_end(server: subprocess.Popen, abandoned: threading.Event) -> None:
    while os.read(0, 1024):  # the descriptor: a thread that holds sys.stdin would abort the program's end
        pass
    abandoned.set()
    server.terminate()
    try:
        server.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        server.kill()


if __name__ == "__main__":
    sys.exit(watch(sys.argv[1], sys.argv[2:]))
