"""A set that lies below the data root is recognised by its files, and verified byte by byte once."""

import dataclasses
import json
import os
import pickle

import numpy as np
import pytest
import torch
from PIL import Image

from course_utils import catalogue, files, runtime
from course_utils.catalogue import human_labels, laid_out

DOWNLOADS = [entry for entry in catalogue.cards().values() if entry.access == "download"]
KEYS = human_labels.LABEL_SETS


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A card for a set of two texts and an array, laid out below an own data root, with its manifest."""
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(laid_out, "MANIFESTS", tmp_path)
    folder = tmp_path / "data" / "Toy"
    folder.mkdir(parents=True)
    for name in ("a.txt", "b.txt"):
        (folder / name).write_text(name)
    np.savez(folder / "labels.npz", first=np.arange(3, dtype=np.uint8))
    lines = [f"{files.sha256(folder / name)}  {name}" for name in ("a.txt", "b.txt")]
    lines += ["ae4b3280e56e2faf83f414a6e3dabe9d5fbe18976544c05fed121accb85b53fc  labels.npz/first"]  # of bytes 0, 1, 2
    (tmp_path / "toy.sha256").write_text("\n".join(lines) + "\n")
    own = {"name": "toy", "title": "Toy set", "path": "Toy", "manifest": "toy.sha256", "counts": {"*.txt": 2}}
    return dataclasses.replace(catalogue.card("bccd"), **own)


def test_a_set_is_recognised_by_its_numbers_of_files(toy):
    """All files are there: at hand; one is missing, or one too many: not."""
    folder = runtime.data_root() / "Toy"
    assert catalogue.at_hand(toy)
    (folder / "c.txt").touch()
    assert not catalogue.at_hand(toy)
    for name in ("c.txt", "b.txt"):
        (folder / name).unlink()
    assert not catalogue.at_hand(toy)
    with pytest.raises(FileNotFoundError, match=r"are 1 files of \*\.txt where 2 .*fetch\('toy'\).*COURSE_DATA"):
        catalogue.verify(toy)


def test_an_empty_folder_is_not_the_set(tmp_path, monkeypatch):
    """A folder with the right name and nothing inside does not count as CIFAR-10."""
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    (tmp_path / "cifar-10-batches-py").mkdir()
    assert not catalogue.at_hand("cifar10")


@pytest.mark.parametrize("name", ["a.txt", "labels.npz"])
def test_verification_names_the_file_that_differs(toy, name):
    """A changed file and a damaged archive are named; what was verified before does not hide it."""
    catalogue.verify(toy)
    (runtime.data_root() / "Toy" / name).write_text("changed")
    with pytest.raises(ValueError, match=rf"of 3 published files 1 differ or are missing: {name}.*Move the folder"):
        catalogue.verify(toy)


def test_verification_is_remembered_until_a_file_is_touched(toy, monkeypatch):
    """The second call hashes nothing; after a change of date it hashes again; a damaged stamp only costs time."""
    hashed = []
    monkeypatch.setattr(
        laid_out, "_digest", lambda folder, name, own=laid_out._digest: hashed.append(name) or own(folder, name)
    )
    for _ in range(2):
        catalogue.verify(toy)
    assert len(hashed) == 3
    os.utime(runtime.data_root() / "Toy" / "a.txt", (1, 1))
    catalogue.verify(toy)
    assert len(hashed) == 6
    (runtime.data_root() / ".verified" / "toy.json").write_text("{")
    catalogue.verify(toy)
    assert len(hashed) == 9


def test_arrays_are_compared_by_their_values(toy):
    """The same array packed with another compression is the same set."""
    np.savez_compressed(runtime.data_root() / "Toy" / "labels.npz", first=np.arange(3, dtype=np.uint8))
    catalogue.verify(toy)


@pytest.mark.parametrize("entry", DOWNLOADS, ids=lambda entry: entry.name)
def test_every_download_can_be_verified(entry):
    """Each card has numbers of files and a manifest of hashes; its SHA-256 pins the archive or the manifest."""
    manifest = laid_out.read_manifest(entry)
    assert all(len(digest) == 64 and not name.startswith(("/", "..")) for name, digest in manifest.items())
    pinned = entry.sha256 == files.sha256(laid_out.MANIFESTS / entry.manifest)
    assert pinned != bool(laid_out.pinned_sha256(entry)) and pinned == (entry.name != "cifar10")
    assert len(manifest) in (sum(entry.counts.values()), 701, 8)  # camvid: labels alone; human labels: arrays


@pytest.mark.parametrize(
    "load",
    [catalogue.load_cifar10, catalogue.load_cifar10_human_labels, catalogue.load_bccd, catalogue.load_camvid],
)
def test_loading_a_set_that_is_not_there_says_how_to_get_it(tmp_path, monkeypatch, load):
    """Each loader names the set's place, the command that fetches it, and its size."""
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"but it is not there\. Run `catalogue\.fetch\('.*'\)` .* \(\d+ MB\)"):
        load()


# the sets themselves, where this machine has them


def wanted(name):
    """Skip a test on machines without the set."""
    return pytest.mark.skipif(not catalogue.at_hand(name), reason=f"{name} is not below the data root")


@wanted("cifar10")
def test_cifar10_has_the_published_counts():
    """50,000 and 10,000 images, each class equally often, with the first labels that everybody knows."""
    cifar = catalogue.load_cifar10()
    assert cifar.train_images.shape == (50000, 32, 32, 3) and cifar.train_images.dtype == np.uint8
    assert cifar.test_images.shape == (10000, 32, 32, 3) and cifar.train_labels.dtype == np.int64
    assert (
        np.bincount(cifar.train_labels).tolist() == [5000] * 10
        and np.bincount(cifar.test_labels).tolist() == [1000] * 10
    )
    assert [cifar.classes[label] for label in cifar.train_labels[:3]] == ["frog", "truck", "truck"]


@wanted("cifar10_human_labels")
def test_human_labels_have_the_published_noise():
    """Noise rates of the paper to a twentieth of a point, about 50 votes a test image, 54 of 275 labels rejected."""
    human = catalogue.load_cifar10_human_labels()
    published = {"aggregate": 9.03, "worse": 40.21, "random1": 17.23, "random2": 18.12, "random3": 17.64}
    for name, percent in published.items():
        assert 100 * (getattr(human, name) != human.clean).mean() == pytest.approx(percent, abs=0.05)
    assert human.test_counts.shape == (10000, 10) and human.test_counts.sum(axis=1).min() >= 47
    errors = human.test_errors
    assert len(errors.index) == 275 and errors.wrong().sum() == 54 and (errors.votes.sum(axis=1) == 5).all()
    assert (np.diff(errors.index) > 0).all()


@wanted("bccd")
def test_bccd_has_the_published_split():
    """205, 87 and 72 images, each with its annotation, none in two parts."""
    bccd = catalogue.load_bccd()
    assert [len(part) for part in (bccd.train, bccd.validation, bccd.test)] == [205, 87, 72]
    pairs = [*bccd.train, *bccd.validation, *bccd.test]
    assert len(set(pairs)) == 364 and all(path.is_file() for pair in pairs for path in pair)


@wanted("camvid")
def test_camvid_has_the_published_split():
    """367, 101 and 233 frames with labels from 0 to 11 in the size of the image."""
    camvid = catalogue.load_camvid()
    assert [len(part) for part in (camvid.train, camvid.validation, camvid.test)] == [367, 101, 233]
    for image, label in camvid.test[::50]:
        values = np.asarray(Image.open(label))
        assert (
            values.shape == (360, 480) == Image.open(image).size[::-1] and values.max() <= catalogue.CAMVID_UNLABELLED
        )


# how the human labels are laid out from what their makers publish


@pytest.fixture
def published(tmp_path):
    """The three files in the published form, with made-up labels."""
    rng = np.random.default_rng(0)
    labels = {key: rng.integers(0, 10, 50000) for key in KEYS}
    torch.save(labels, tmp_path / "CIFAR-10_human.pt")
    np.save(tmp_path / "cifar10h-counts.npy", rng.integers(0, 50, (10000, 10)).astype(np.float64))
    votes = {"given": 1, "guessed": 4, "neither": 0, "both": 0}
    rows = [{"id": i, "given_original_label": 7, "our_guessed_label": 5, "mturk": votes} for i in (52, 20)]
    (tmp_path / "cifar10_mturk.json").write_text(json.dumps(rows))
    return {path.name: path for path in tmp_path.iterdir()}, labels


def test_published_human_labels_become_plain_arrays(published, tmp_path):
    """Tensors, counts and JSON become two archives without pickles and a text, with the same values."""
    parts, labels = published
    (tmp_path / "out").mkdir()
    human_labels.lay_out(parts, tmp_path / "out")
    with np.load(tmp_path / "out" / human_labels.TRAIN, allow_pickle=False) as arrays:
        assert all(np.array_equal(arrays[key], labels[key]) and arrays[key].dtype == np.uint8 for key in KEYS)
    errors = human_labels._read_errors(tmp_path / "out" / human_labels.ERRORS)
    assert errors.index.tolist() == [20, 52] and errors.votes.tolist() == [[1, 4, 0, 0]] * 2 and errors.wrong().all()


def test_a_pickle_from_before_numpy_2_is_read(tmp_path, monkeypatch):
    """The published file names NumPy's modules as they were called in 2021."""
    rebuild = np.zeros(1).__reduce__()[0]
    monkeypatch.setattr(rebuild, "__module__", "numpy.core.multiarray")
    torch.save({"clean_label": np.arange(5)}, tmp_path / "old.pt")
    monkeypatch.undo()
    assert b"numpy.core.multiarray" in (tmp_path / "old.pt").read_bytes()
    assert human_labels._read_tensors(tmp_path / "old.pt")["clean_label"].tolist() == [0, 1, 2, 3, 4]


class Evil:
    """A pickle that would run a command."""

    def __reduce__(self):
        return os.system, ("touch /tmp/evil-was-here",)


@pytest.mark.parametrize(
    "content",
    [b"<html>", pickle.dumps(Evil(), 2), pickle.dumps({"clean_label": [1]}, 2)],
    ids=["page", "command", "labels missing"],
)
def test_published_files_of_another_kind_are_refused(published, tmp_path, content):
    """A page, a pickle that would run a command and a dict without the labels are refused, and nothing is run."""
    parts, _ = published
    parts["CIFAR-10_human.pt"].write_bytes(content)
    (tmp_path / "out").mkdir()
    with pytest.raises(ValueError, match="not in the published form"):
        human_labels.lay_out(parts, tmp_path / "out")
    assert not os.path.exists("/tmp/evil-was-here")
