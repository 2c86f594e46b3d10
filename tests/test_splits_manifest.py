"""Manifests: every difference between a folder and its manifest is named, and an interrupted one goes on."""

import hashlib

import pytest

from course_utils import files, splits

NAMES = [f"drive_{i}/frame.txt" for i in range(4)]


@pytest.fixture
def folder(tmp_path):
    """A folder of four files, each with its own bytes."""
    for number, name in enumerate(NAMES):
        (tmp_path / "data" / name).parent.mkdir(parents=True)
        (tmp_path / "data" / name).write_text(f"frame {number}")
    return tmp_path / "data"


@pytest.fixture
def manifest(folder, tmp_path):
    """Its manifest: two files train, one validates, one tests."""
    splits.write_manifest(splits.Split([0, 2], [1], [3]), NAMES, tmp_path / "mine.csv", folder=folder)
    return splits.read_manifest(tmp_path / "mine.csv")


def test_manifest_says_part_and_hash_of_every_file(manifest, folder, tmp_path):
    """What is read is what was written, with hashes that hashlib gives too, and no partial file is left."""
    assert manifest.split.train.tolist() == [0, 2] and manifest.split.test.tolist() == [3]
    assert manifest.split.name == "mine" and manifest.names == tuple(NAMES)
    assert manifest.sha256 == tuple(hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in NAMES)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "mine.csv"]
    assert splits.check_manifest(manifest, folder).ok


def test_each_difference_is_named(manifest, folder):
    """A file that is gone, one with other bytes, one under another name and a stranger are told apart."""
    (folder / NAMES[0]).unlink()
    (folder / NAMES[1]).write_text("frame 1, retouched")
    (folder / NAMES[2]).rename(folder / "elsewhere.txt")
    (folder / "stranger.txt").write_text("who am I?")
    check = splits.check_manifest(manifest, folder)
    assert check == splits.ManifestCheck(
        missing=(NAMES[0],), changed=(NAMES[1],), moved={NAMES[2]: "elsewhere.txt"}, new=("stranger.txt",)
    )
    assert not check.ok


def test_two_moved_files_with_the_same_bytes_are_two(folder, tmp_path):
    """A moved copy stands for one file only: if two are gone and one is found, one is missing."""
    (folder / NAMES[1]).write_text("frame 0")
    splits.write_manifest(splits.Split([0, 1, 2], [], [3]), NAMES, tmp_path / "twins.csv", folder=folder)
    (folder / NAMES[0]).rename(folder / "now.txt")
    (folder / NAMES[1]).unlink()
    check = splits.check_manifest(splits.read_manifest(tmp_path / "twins.csv"), folder)
    assert check.moved == {NAMES[0]: "now.txt"} and check.missing == (NAMES[1],) and check.new == ()


def test_pattern_says_which_files_are_data(manifest, folder):
    """A note beside the pictures is no new picture."""
    (folder / "README").write_text("about this folder")
    assert splits.check_manifest(manifest, folder, pattern="**/*.txt").ok
    assert splits.check_manifest(manifest, folder).new == ("README",)


def test_interrupted_manifest_goes_on_where_it_stopped(folder, tmp_path, monkeypatch):
    """After a failure at the third file, the second run reads the rest and what changed in between, and no more."""
    read, real = [], files.sha256

    def failing(path):
        if len(read) == 2:
            raise OSError("cable pulled")
        read.append(path.parent.name)
        return real(path)

    monkeypatch.setattr(files, "sha256", failing)
    split, path = splits.Split([0, 1], [2], [3]), tmp_path / "long.csv"
    with pytest.raises(OSError, match="cable pulled"):
        splits.write_manifest(split, NAMES, path, folder=folder)
    assert not path.exists()
    (folder / NAMES[0]).write_text("frame 0, changed meanwhile")
    with open(tmp_path / "long.csv.partial", "a") as torn:
        torn.write("0123")  # a line that was being written
    again = []
    monkeypatch.setattr(files, "sha256", lambda path: again.append(path.parent.name) or real(path))
    splits.write_manifest(split, NAMES, path, folder=folder)
    assert read == ["drive_0", "drive_1"] and again == ["drive_0", "drive_2", "drive_3"]
    assert splits.check_manifest(splits.read_manifest(path), folder).ok


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a", "b", "c", "../d"], "below the data folder, with forward slashes, but got '../d'"),
        (["a", "b", "c", "/etc/passwd"], "but got '/etc/passwd'"),
        (["a", "b", "c", "d\\e"], "forward slashes"),
        (["a", "b", "c", ""], "but got ''"),
        (["a", "b", "c", "a"], "every file to be one example, but got 1 names again"),
        (["a", "b", "c"], "to lie in 0 … 2"),
        (["a", "b", "c", "d", "e"], "to cover all 5 examples"),
    ],
)
def test_names_that_do_not_fit_are_refused(tmp_path, names, message):
    """Paths out of the folder, repeated files, and too few or too many names leave no manifest."""
    with pytest.raises(ValueError, match=message):
        splits.write_manifest(splits.Split([0, 1], [2], [3]), names, tmp_path / "bad.csv", folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_missing_files_are_refused(folder, tmp_path):
    """A file that is not there, and a manifest that is not there, each raise."""
    with pytest.raises(FileNotFoundError):
        splits.write_manifest(splits.Split([0], [], []), ["nowhere.txt"], tmp_path / "m.csv", folder=folder)
    with pytest.raises(FileNotFoundError, match="Write it with `write_manifest`"):
        splits.read_manifest(tmp_path / "m.csv")


GOOD = "index,part,sha256,file\n0,train," + "0" * 64 + ",a.png\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "first line of"),
        (GOOD + "2,train," + "0" * 64 + ",b.png\n", "Expected line 3 .* to be example 1"),
        (GOOD + "1,trian," + "0" * 64 + ",b.png\n", "line 3"),
        (GOOD + "1,train,123,b.png\n", "line 3"),
        (GOOD + "1,train," + "0" * 64 + "\n", "line 3"),
        (GOOD + "1,train," + "0" * 64 + ",../b.png\n", "below the data folder"),
        (GOOD + "1,test," + "0" * 64 + ",a.png\n", "every file to be one example"),
    ],
)
def test_damaged_manifests_are_refused(tmp_path, text, message):
    """Wrong header, order, part, hash, number of fields, a path that climbs out and a repeated file are refused."""
    (tmp_path / "damaged.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        splits.read_manifest(tmp_path / "damaged.csv")
