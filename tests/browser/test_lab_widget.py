"""Lesson 11 in JupyterLab: a box drawn with the mouse arrives in Python, as the same box does that a program sets."""

import contextlib
import json
import os
import re
import secrets
import subprocess
import sys
import urllib.request

import nbformat
import pytest

from course_utils import files
from course_utils.curate.database import free_port

CELLS = ("imports", "parameters", "start", "scenes", "board", "board-read")  # of the lesson, up to the drawing board
TELL = """
import json
by_program = curate.box_widget(images[shown], synthetic.CLASSES)
by_program.bboxes = [dict(box) for box in board.bboxes]
again = curate.widget_to_annotations(by_program.bboxes, images[shown].shape[:2], synthetic.CLASSES)
told = {name: [one.boxes.tolist(), one.labels.tolist()] for name, one in (("drawn", from_board), ("set", again))}
pathlib.Path("told.json").write_text(json.dumps(told))
"""
SETTINGS = {  # of Lab, for a page that keeps still
    "notebook-extension/tracker.jupyterlab-settings": {"windowingMode": "none"},  # every cell is laid out in full
    "apputils-extension/notification.jupyterlab-settings": {"fetchNews": "false", "checkForUpdates": False},
}
READY = "window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status == 'idle'"
RUN = """number => {
    jupyterapp.shell.currentWidget.content.activeCellIndex = number;
    jupyterapp.commands.execute("notebook:run-cell");
}"""
LONGEST = 300_000  # milliseconds for a cell: to import everything takes a minute on a busy machine
START, END = (0.25, 0.50), (0.50, 0.75)  # corners of the box to draw, in shares of the picture


@pytest.fixture
def lab(tmp_path):
    """JupyterLab with a notebook of the lesson's first cells, in its smoke profile; the address that opens it."""
    lesson = nbformat.read(files.REPO / "notebooks" / "11_annotate.ipynb", as_version=4)
    cells = {cell.id: cell for cell in lesson.cells}
    lesson.cells = [*(cells[name] for name in CELLS), nbformat.v4.new_code_cell(TELL)]
    nbformat.write(lesson, tmp_path / "draw.ipynb")
    port, token = free_port(), secrets.token_hex(16)
    options = [f"--ServerApp.port={port}", f"--IdentityProvider.token={token}", "--ServerApp.ip=127.0.0.1"]
    options += ["--no-browser", "--allow-root", f"--ServerApp.root_dir={tmp_path}"]
    options += ["--expose-app-in-browser"]  # as window.jupyterapp, for Lab's own tests and for ours
    for name, values in SETTINGS.items():
        (tmp_path / "settings" / "@jupyterlab" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "settings" / "@jupyterlab" / name).write_text(json.dumps(values))
    environment = {
        "COURSE_PROFILE": "smoke",
        "COURSE_OUT": str(tmp_path),
        "JUPYTER_CONFIG_DIR": str(tmp_path / "config"),
        "JUPYTERLAB_SETTINGS_DIR": str(tmp_path / "settings"),
    }
    with open(tmp_path / "lab.log", "w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options], env={**os.environ, **environment}, stdout=log, stderr=log
        )
    try:
        yield f"http://127.0.0.1:{port}/lab/tree/draw.ipynb?token={token}"
    finally:
        server.terminate()
        server.wait(30)


def answers(address: str) -> bool:
    """Whether a server answers at an address."""
    with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5) as reply:
        return reply.status == 200
    return False


def run_cell(page, number: int) -> None:
    """Run one cell by Lab's own command, and wait until it has its number; a key pressed too early would be lost."""
    from playwright import sync_api

    page.evaluate(RUN, number)
    prompt = page.locator(".jp-Notebook .jp-CodeCell").nth(number).locator(".jp-InputPrompt")
    sync_api.expect(prompt).to_have_text(re.compile(r"\[\d+\]:"), timeout=LONGEST)


def place_at_rest(locator, wait_until) -> dict[str, float]:
    """Where an element is once the page has stopped moving it: the same place twice, half a second apart."""
    places = [None]

    def rests() -> bool:
        locator.page.wait_for_timeout(500)
        places.append(locator.bounding_box())
        return places[-1] is not None and places[-1] == places[-2]

    assert wait_until(rests), f"Expected the picture to come to rest, but it was at {places[-5:]}."
    return places[-1]


def test_box_drawn_by_mouse_arrives_in_python(page, lab, tmp_path, wait_until):
    """Press, drag and release over the picture; the box has the places of the mouse, within two pixels."""
    assert wait_until(lambda: answers(lab)), (tmp_path / "lab.log").read_text()[-2000:]
    page.goto(lab)
    page.wait_for_function(READY, timeout=LONGEST)  # what is run before may be lost
    for number in range(CELLS.index("board") + 1):
        run_cell(page, number)
    picture = page.locator(".jp-OutputArea img[src^='blob:']")
    picture.wait_for()
    picture.scroll_into_view_if_needed()
    area = place_at_rest(picture, wait_until)
    at = [(area["x"] + x * area["width"], area["y"] + y * area["height"]) for x, y in (START, END)]
    page.mouse.move(*at[0])
    page.mouse.down()
    page.mouse.move(*at[1], steps=8)
    page.mouse.up()
    run_cell(page, CELLS.index("board-read"))
    run_cell(page, len(CELLS))  # TELL
    told = json.loads((tmp_path / "told.json").read_text())
    assert told["drawn"] == told["set"] and told["drawn"][1] == [0]
    wanted = [160 * share for share in (*START, *END)]
    assert told["drawn"][0] == [pytest.approx(wanted, abs=2)]
