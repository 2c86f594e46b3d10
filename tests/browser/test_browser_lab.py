"""JupyterLab in a browser: a box drawn with the mouse arrives in Python as a program would have set it."""

import json
import os
import subprocess
import sys
import time
import urllib.request

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from course_utils.curate import database

CELL = """
import json, pathlib
from course_utils import curate, synthetic
image, truth = synthetic.make_scene(0, size=240)

def keep(change):
    drawn = curate.widget_to_annotations(board.bboxes, image.shape[:2], synthetic.CLASSES)
    said = {"boxes": drawn.boxes.tolist(), "labels": drawn.labels.tolist()}
    pathlib.Path("drawn.part").write_text(json.dumps(said))
    pathlib.Path("drawn.part").replace("drawn.json")

board = curate.box_widget(image, synthetic.CLASSES)
board.observe(keep, "bboxes")
board
"""


@pytest.fixture
def lab(tmp_path):
    """The address of a JupyterLab on a folder with one notebook, `board.ipynb`."""
    free_port = database.free_port()
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}}
    nbformat.write(new_notebook(cells=[new_code_cell(CELL)], metadata=metadata), tmp_path / "board.ipynb")
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={free_port}"]
    command += ["--IdentityProvider.token=key", f"--ServerApp.root_dir={tmp_path}", "--ServerApp.port_retries=0"]
    command += ["--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    homes = {name: str(tmp_path / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")}
    with open(tmp_path / "lab.log", "wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | homes, cwd=tmp_path)
    address = f"http://127.0.0.1:{free_port}"
    try:
        wait_for(lambda: answers(f"{address}/api/status?token=key"), tmp_path / "lab.log")
        yield f"{address}/lab/tree/board.ipynb?token=key&reset"
    finally:
        server.terminate()
        server.wait(30)


def answers(address: str) -> bool:
    """Whether a server answers, asked without any proxy."""
    try:
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(address, timeout=5).close()
    except OSError:
        return False
    return True


def wait_for(happened, log) -> None:
    """Wait until something has happened, at most two minutes; then say what the server had to say."""
    deadline = time.monotonic() + 120
    while not happened():
        assert time.monotonic() < deadline, log.read_text(errors="replace")[-2000:]
        time.sleep(0.2)


def test_box_drawn_with_the_mouse_arrives_in_python(page, lab, tmp_path):
    """A drag over the widget becomes one box of the first class, in image pixels, by the lesson's own function."""
    page.goto(lab)
    page.locator(".jp-Notebook .jp-CodeCell").first.click()
    page.keyboard.press("Shift+Enter")
    board = page.locator(".jp-OutputArea-output img").first
    board.wait_for()
    place = board.bounding_box()
    shown = min(place["width"], place["height"])
    scale = 240 / shown
    start, end = (0.25, 0.30), (0.60, 0.75)
    page.mouse.move(place["x"] + start[0] * place["width"], place["y"] + start[1] * place["height"])
    page.mouse.down()
    for share in (0.3, 0.6, 1.0):
        at = [a + share * (b - a) for a, b in zip(start, end, strict=True)]
        page.mouse.move(place["x"] + at[0] * place["width"], place["y"] + at[1] * place["height"])
    page.mouse.up()
    wait_for((tmp_path / "drawn.json").exists, tmp_path / "lab.log")
    drawn = json.loads((tmp_path / "drawn.json").read_text())
    wanted = [240 * value for value in (*start, *end)]
    assert drawn["labels"] == [0]
    assert drawn["boxes"][0] == pytest.approx(wanted, abs=2 * scale + 1)
