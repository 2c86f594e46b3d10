"""FiftyOne behind curate: data sets, scores, exports, a database for each process, and nothing left behind."""

import ast
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import course_utils
from course_utils import annotations, curate, synthetic
from course_utils.curate import database, watchdog

CLASSES = ("stop", "speed", "danger")
SCRIPT = """
import json, os, sys
import numpy as np
from course_utils import curate
images = [np.full((8, 8, 3), shade, np.uint8) for shade in range({n})]
with curate.fiftyone_dataset("same name", images, labels=[0] * {n}, classes=("one",)) as dataset:
    names = curate.load_fiftyone().list_datasets()
    print(json.dumps([names, len(dataset), os.environ["FIFTYONE_DATABASE_URI"]]), flush=True)
    sys.stdin.read()
"""


def boxes_of(*rows) -> annotations.ImageAnnotations:
    """Annotations of an image of 40 × 60 pixels, class 0 for each box."""
    boxes = torch.tensor(rows, dtype=torch.float32).reshape(-1, 4)
    return annotations.ImageAnnotations((40, 60), boxes, torch.zeros(len(rows), dtype=torch.int64))


@pytest.fixture(scope="module")
def scenes():
    """Six small scenes: images and truth."""
    images, truth = zip(*synthetic.make_scenes(6, seed=3, size=96), strict=True)
    return list(images), list(truth)


@pytest.fixture(scope="module")
def dataset(scenes):
    """The scenes in FiftyOne."""
    images, truth = scenes
    with curate.fiftyone_dataset("scenes", images, annotations=truth, classes=synthetic.CLASSES) as made:
        yield made


def start(n: int) -> subprocess.Popen:
    """A process with a data set of n images, which it holds until its standard input ends; a database of its own.

    Its environment is that of a process below one that uses FiftyOne, on a network that does not reach that one's.
    """
    environment = os.environ | {database.URI: "mongodb://127.0.0.1:1", database.OWNER: "1"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", SCRIPT.format(n=n)], env=environment, **pipes)


def own_folders(processes: list[subprocess.Popen]) -> set[Path]:
    """Folders of databases whose watchdog is a child of one of the processes."""
    found = set()
    for folder in Path(tempfile.gettempdir()).glob(f"{database.PREFIX}*"):
        for process in processes:
            listed = subprocess.run(
                ["ps", "-ww", "--ppid", str(process.pid), "-o", "args="], capture_output=True, text=True, check=False
            ).stdout
            if str(folder) in listed:
                found.add(folder)
    return found


def wait_until(true, seconds: float = 30) -> bool:
    """Whether something becomes true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not true():
        time.sleep(0.1)
    return true()


def test_boxes_and_classes_survive(dataset, scenes):
    """Every box comes back to a thousandth of a pixel with its class, in the order of the images."""
    back = curate.annotations_of(dataset, "ground_truth", synthetic.CLASSES)
    for ours, theirs in zip(scenes[1], back, strict=True):
        torch.testing.assert_close(theirs.boxes, ours.boxes, atol=1e-3, rtol=0)
        assert theirs.labels.tolist() == ours.labels.tolist() and theirs.size_hw == ours.size_hw


def test_masks_are_cut_to_their_boxes(dataset, scenes):
    """A mask in FiftyOne is the part of ours inside the box, pixel by pixel."""
    for truth, detections in zip(scenes[1], dataset.values("ground_truth.detections"), strict=True):
        for box, mask, detection in zip(truth.boxes.int().tolist(), truth.masks, detections, strict=True):
            x1, y1, x2, y2 = box
            assert np.array_equal(detection.mask, mask[y1:y2, x1:x2].numpy())


@pytest.mark.parametrize("kind", curate.EXPORTS)
def test_exports_are_read_by_our_own_readers(dataset, scenes, tmp_path, kind):
    """What FiftyOne's exporters write, our readers read: same classes, boxes within a pixel."""
    folder = curate.export(dataset, tmp_path / kind, kind=kind)
    if kind == "coco":
        found = annotations.read_coco(folder / "labels.json")
    elif kind == "voc":  # FiftyOne writes corners, not first and last pixel
        found = annotations.read_voc(folder / "labels", classes=synthetic.CLASSES, pixels="edges")
    else:
        found = annotations.read_yolo(folder)
    for name, ours in zip(sorted(found.images), scenes[1], strict=True):
        theirs = found.images[name]
        names = [found.classes[label] for label in theirs.labels.tolist()]
        assert names == [synthetic.CLASSES[label] for label in ours.labels.tolist()]
        torch.testing.assert_close(theirs.boxes, ours.boxes, atol=1.01, rtol=0)


def test_export_refuses_other_kinds_and_full_folders(dataset, tmp_path):
    """A kind that there is not, and a folder with files in it, are refused before anything is written."""
    with pytest.raises(ValueError, match="one of coco, voc, yolo"):
        curate.export(dataset, tmp_path, kind="cvat")
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(ValueError, match="Expected an empty folder"):
        curate.export(dataset, tmp_path, kind="coco")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_tags_and_views(dataset):
    """Tagged samples are found again, nothing else; no rows tag nothing."""
    curate.tag(dataset, "odd", [1, 3])
    curate.tag(dataset, "none", [])
    view = dataset.match_tags("odd")
    assert view.values("filepath") == [dataset.values("filepath")[row] for row in (1, 3)]
    assert len(dataset.match_tags("none")) == 0


def test_uniqueness_puts_a_copy_last(dataset):
    """Of six embeddings of which two are equal, these two are the least unique; the embeddings stay as they were."""
    embeddings = np.eye(6, 8, dtype=np.float32)
    embeddings[5] = embeddings[2]
    scores = curate.uniqueness(dataset, embeddings)
    assert set(np.argsort(scores)[:2]) == {2, 5} and scores.max() == 1
    assert (embeddings == np.eye(6, 8)[[0, 1, 2, 3, 4, 2]]).all()


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_map_keeps_order(dataset, method):
    """Two groups of embeddings are two groups of points, row by row."""
    embeddings = np.random.default_rng(0).normal(size=(6, 5)) + 50 * np.arange(6)[:, None] * [1, 0, 0, 0, 0]
    points = curate.embed(dataset, embeddings, method=method, key=method)
    assert points.shape == (6, 2) and np.isfinite(points).all()
    if method == "pca":
        assert abs(np.corrcoef(points[:, 0], np.arange(6))[0, 1]) > 0.99


def test_similarity_finds_the_twin(dataset):
    """The most similar sample to the second is its twin."""
    embeddings = np.random.default_rng(1).normal(size=(6, 8))
    embeddings[4] = embeddings[1] + 0.001
    index = curate.similarity(dataset, embeddings)
    ids = dataset.values("id")
    found = dataset.sort_by_similarity(ids[1], brain_key="similar", k=2).values("id")
    assert found == [ids[1], ids[4]] and index.total_index_size == 6


@pytest.mark.parametrize(
    ("embeddings", "message"),
    [(np.zeros((5, 3)), "a row a sample"), (np.zeros(6), "a row a sample"), (np.full((6, 2), np.nan), "finite")],
)
def test_embeddings_that_do_not_fit_are_refused(dataset, embeddings, message):
    """A missing row, a missing axis and NaN are named."""
    with pytest.raises(ValueError, match=message):
        curate.uniqueness(dataset, embeddings)
    with pytest.raises(ValueError, match="pca or tsne"):
        curate.embed(dataset, embeddings, method="umap")


def test_mistakenness_and_hardness_of_classes():
    """The label that a sure model contradicts is the most suspicious; an undecided model finds its image hard."""
    images = [np.full((8, 8), shade, np.uint8) for shade in range(4)]
    logits = np.array([[5.0, 0.0], [0.0, 5.0], [0.0, 5.0], [0.1, 0.0]])
    with curate.fiftyone_dataset("classes", images, labels=[0, 0, 1, 0], classes=("a", "b")) as made:
        curate.add_labels(made, "prediction", logits.argmax(1), ("a", "b"), logits=logits)
        doubt, hard = curate.mistakenness(made), curate.hardness(made)
        shares = torch.from_numpy(logits).softmax(dim=1)
        confidence = made.values("prediction.confidence")
    assert doubt.argmax() == 1 and doubt[1] > 0.9 > 0.1 > doubt[0]
    entropy = -(shares * shares.log()).sum(dim=1).numpy()
    np.testing.assert_allclose(hard, entropy, atol=1e-6)
    np.testing.assert_allclose(confidence, shares.max(dim=1).values.numpy(), atol=1e-6)


def test_mistakenness_of_boxes_counts_what_is_missing():
    """A confident box that nobody drew counts as possibly missing."""
    images = [np.zeros((40, 60, 3), np.uint8)] * 2
    truth, found = (
        [boxes_of((0, 0, 20, 20))] * 2,
        [boxes_of((0, 0, 20, 20)), boxes_of((0, 0, 20, 20), (30, 10, 50, 30))],
    )
    with curate.fiftyone_dataset("boxes", images, annotations=truth, classes=CLASSES) as made:
        curate.add_annotations(made, "found", found, CLASSES, scores=[[0.99], [0.99, 0.99]])
        curate.mistakenness(made, prediction="found")
        assert made.values("possible_missing") == [0, 1]


def test_nothing_of_a_data_set_is_left(scenes):
    """At the end of the block the data set and the files made for it are gone; given files stay."""
    fo = curate.load_fiftyone()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mine.png"
        Image.fromarray(scenes[0][0]).save(path)
        with curate.fiftyone_dataset("brief", [path, scenes[0][1]]) as made:
            written = Path(made.last().filepath)
            assert written.exists() and Path(made.first().filepath) == path.resolve()
        assert path.exists() and not written.exists() and not fo.dataset_exists("brief")


def test_no_images_make_an_empty_data_set():
    """Zero images and zero annotations work."""
    with curate.fiftyone_dataset("empty", [], annotations=[], classes=CLASSES) as made:
        assert len(made) == 0 and curate.annotations_of(made, "ground_truth", CLASSES) == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"labels": [0]}, "one of `labels` an image, 2, but got 1"),
        ({"labels": [0, 7], "classes": CLASSES}, "labels from 0 to 2, but got 7"),
        ({"labels": [0, 0], "annotations": [boxes_of(), boxes_of()]}, "but got both"),
        ({"file_names": ["../a.png", "b.png"]}, "plain `file_names`"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(settings, message):
    """Missing labels, unknown classes, two kinds of labels and names with folders are named."""
    images = [np.zeros((40, 60, 3), np.uint8)] * 2
    with pytest.raises(ValueError, match=message), curate.fiftyone_dataset("wrong", images, **settings):
        pass


@pytest.mark.parametrize("image", [np.zeros((4, 4, 3)), np.zeros((3, 4, 4), np.uint8), "nowhere.png"])
def test_what_is_no_image_is_refused(image):
    """Floats, channels in front and a missing file are refused."""
    with pytest.raises(ValueError, match="Expected an image"), curate.fiftyone_dataset("wrong", [image]):
        pass


def test_two_processes_at_once_have_a_database_each_and_leave_nothing():
    """Two programs that start together use one name without meeting, and end with their servers and folders."""
    started = [start(n) for n in (2, 3)]
    firsts = [json.loads(process.stdout.readline()) for process in started]
    folders = own_folders(started)
    for process in started:
        process.communicate(timeout=120)  # closes its standard input, for which it waits
    assert [process.returncode for process in started] == [0, 0]
    assert [(names, n) for names, n, _ in firsts] == [(["same name"], 2), (["same name"], 3)]
    assert firsts[0][2] != firsts[1][2]
    assert len(folders) == 2 and not any(folder.exists() for folder in folders)


def test_what_somebody_else_set_is_respected(monkeypatch):
    """A server of one's own, and folders of one's own below a process that uses FiftyOne, are kept."""
    folders = dict(zip(database.FOLDERS, ("/mine", f"/tmp/{database.PREFIX}1/x"), strict=False))
    for name, value in {database.URI: "mongodb://mine", **folders}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv(database.OWNER, raising=False)
    database._forget_inherited()
    assert os.environ[database.URI] == "mongodb://mine"
    monkeypatch.setenv(database.OWNER, "1")
    database._forget_inherited()
    assert [name in os.environ for name in (database.URI, database.OWNER, *folders)] == [False, False, True, False]


def test_a_killed_process_leaves_nothing():
    """After SIGKILL, which no program can answer, the watchdog stops the server and removes its folder."""
    process = start(1)
    process.stdout.readline()
    folders = own_folders([process])
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    assert len(folders) == 1 and wait_until(lambda: not any(folder.exists() for folder in folders))


def test_server_that_does_not_start_is_told(monkeypatch, tmp_path):
    """A server that ends at once: its last words and what to do; nothing is left in the temporary folder."""
    server = tmp_path / "mongod"
    server.write_text(f"#!{sys.executable}\nprint('no space left on device')\nraise SystemExit(3)\n")
    server.chmod(0o755)
    monkeypatch.setattr(database, "find_server", lambda: server)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    with pytest.raises(curate.DatabaseError, match=r"no space left on device.*course doctor.*FIFTYONE_DATABASE_URI"):
        database._start_server()
    assert list((tmp_path / "temporary").iterdir()) == []


def test_missing_server_is_told(monkeypatch):
    """Without any server the message says where to get one."""
    monkeypatch.setattr(database, "find_server", lambda: None)
    with pytest.raises(curate.DatabaseError, match=r"found none.*make clean env.*FIFTYONE_DATABASE_URI"):
        database._start_server()


def test_old_folders_are_removed_and_young_ones_stay(monkeypatch, tmp_path):
    """What a crash of the machine left days ago goes; what somebody may use stays."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    old, young, other = (tmp_path / name for name in (f"{database.PREFIX}old", f"{database.PREFIX}young", "other"))
    for folder in (old, young, other):
        folder.mkdir()
        (folder / "server.log").write_text("")
    for path in (old / "server.log", old, other / "server.log", other):
        os.utime(path, (0, 0))
    database._remove_stale_folders()
    assert not old.exists() and young.exists() and other.exists()


def test_watchdog_keeps_the_log_of_a_server_that_ends(tmp_path):
    """A server that ends by itself gives its code, and its log stays for whoever asks why."""
    command = [
        sys.executable,
        watchdog.__file__,
        str(tmp_path),
        sys.executable,
        "-c",
        "print('bye'); raise SystemExit(4)",
    ]
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    assert process.wait(30) == 4 and (tmp_path / "server.log").read_text() == "bye\n"
    process.stdin.close()


def test_widget_and_annotations_are_one_to_the_other():
    """Boxes put into the widget come back as they were, from images of either kind."""
    truth = boxes_of((1, 2, 30, 20), (0, 0, 60, 40))
    widget = curate.box_widget(np.zeros((40, 60, 3), np.uint8), CLASSES, annotations=truth)
    back = curate.widget_to_annotations(widget.bboxes, (40, 60), CLASSES)
    assert back.boxes.tolist() == truth.boxes.tolist() and back.labels.tolist() == [0, 0]
    assert widget.image_bytes[:4] == b"\x89PNG" and list(widget.classes) == list(CLASSES)
    assert curate.box_widget(np.zeros((4, 6), np.uint8), CLASSES).bboxes == []
    assert len(curate.widget_to_annotations([], (40, 60), CLASSES)) == 0


def test_boxes_drawn_backwards_and_over_the_edge_are_mended():
    """A negative width is turned round, and what reaches out of the picture is cut."""
    drawn = [{"x": 20, "y": 30, "width": -15, "height": -10, "label": "stop"}]
    drawn += [{"x": 50, "y": -5, "width": 30, "height": 15, "label": "danger"}]
    found = curate.widget_to_annotations(drawn, (40, 60), CLASSES)
    assert found.boxes.tolist() == [[5, 20, 20, 30], [50, 0, 60, 10]] and found.labels.tolist() == [0, 2]


@pytest.mark.parametrize(
    ("bbox", "message"),
    [
        ({"x": 1, "y": 1, "width": 5, "height": 5, "label": ""}, "a class for box 0"),
        ({"x": 1, "y": 1, "width": 5, "height": 5, "label": "tree"}, "a class for box 0.*tree"),
        ({"x": 1, "y": 1, "width": 0, "height": 5, "label": "stop"}, "box 0 to have an area"),
        ({"x": 99, "y": 1, "width": 9, "height": 5, "label": "stop"}, "box 0 to have an area"),
        ({"x": 1, "y": 1, "width": 5, "label": "stop"}, "x, y, width and height in box 0"),
        ({"x": 1, "y": 1, "width": "a", "height": 5, "label": "stop"}, "x, y, width and height in box 0"),
        ({"x": 1, "y": float("nan"), "width": 5, "height": 5, "label": "stop"}, "finite numbers in box 0"),
    ],
)
def test_drawings_that_are_no_boxes_are_refused(bbox, message):
    """A box without class, area, or numbers is named by its position."""
    with pytest.raises(ValueError, match=message):
        curate.widget_to_annotations([bbox], (40, 60), CLASSES)


def test_widget_refuses_what_is_no_image():
    """Floats from 0 to 1 would be a black picture."""
    with pytest.raises(ValueError, match="uint8"):
        curate.box_widget(np.zeros((4, 4, 3)), CLASSES)


def test_matching_takes_the_best_sum_and_nothing_below_the_limit():
    """The best pairing overall, against all pairings of four boxes; boxes that hardly touch stay alone."""
    a = boxes_of((0, 0, 20, 20), (8, 0, 28, 20), (40, 20, 60, 40))
    b = boxes_of((4, 0, 24, 20), (12, 0, 32, 20), (0, 30, 9, 40))
    rows, columns, iou = curate.match_boxes(a, b)
    assert (rows.tolist(), columns.tolist()) == ([0, 1], [0, 1])
    np.testing.assert_allclose(iou, [320 / 480, 320 / 480])
    overlap = annotations_iou(a, b)
    best = max(sum(overlap[i][p] for i, p in enumerate(order)) for order in itertools.permutations(range(3)))
    assert iou.sum() == pytest.approx(best)
    assert [len(column) for column in curate.match_boxes(boxes_of(), b)] == [0, 0, 0]


def annotations_iou(a, b) -> list[list[float]]:
    """IoU by the definition, in loops; overlaps below one half count as none."""
    table = []
    for one in a.boxes.tolist():
        row = []
        for other in b.boxes.tolist():
            wide = max(0.0, min(one[2], other[2]) - max(one[0], other[0]))
            high = max(0.0, min(one[3], other[3]) - max(one[1], other[1]))
            areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
            share = wide * high / (sum(areas) - wide * high)
            row.append(share if share >= 0.5 else 0.0)
        table.append(row)
    return table


def test_consensus_is_the_median_of_what_two_drew():
    """Median edges, most frequent class; what one person alone saw is left out; nobody's drawing is refused."""
    three = [boxes_of((10, 10, 30, 30)), boxes_of((12, 10, 31, 34), (40, 0, 50, 9)), boxes_of((9, 11, 30, 31))]
    labels = [torch.tensor([2]), torch.tensor([1, 0]), torch.tensor([2])]
    three = [annotations.ImageAnnotations((40, 60), one.boxes, label) for one, label in zip(three, labels, strict=True)]
    agreed = curate.consensus(three)
    assert agreed.boxes.tolist() == [[10, 10, 30, 31]] and agreed.labels.tolist() == [2]
    assert len(curate.consensus(three, least=1)) == 2 and len(curate.consensus([boxes_of(), boxes_of()])) == 0
    with pytest.raises(ValueError, match="one drawing or more"):
        curate.consensus([])


def test_fiftyone_is_imported_inside_curate_alone():
    """No other module imports fiftyone, and curate does so inside of functions."""
    package = Path(course_utils.__file__).parent
    for path in package.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        nodes = list(ast.walk(tree)) if path.parent.name != "curate" else tree.body
        names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
        names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
        assert not any(name.split(".")[0] == "fiftyone" for name in names), path
