"""Files are whole or not there, JSON has no NaN, and the folders follow the environment."""

import hashlib
import json
import os
import stat
from pathlib import Path

import pytest

from course_utils import files


def names(folder: Path) -> list[str]:
    """Everything in a folder, hidden files too."""
    return sorted(os.listdir(folder))


@pytest.mark.parametrize("before", [None, "old"])
def test_block_that_fails_leaves_what_was_there_before(tmp_path, before):
    """When writing breaks half way, a new file does not appear, an old one keeps its text, and nothing is left over."""
    path = tmp_path / "a.txt"
    if before:
        path.write_text(before)

    def break_half_way():
        with files.replacing(path) as temporary:
            temporary.write_text("hal")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        break_half_way()
    assert names(tmp_path) == (["a.txt"] if before else [])
    assert not before or path.read_text() == before


def test_old_file_stays_readable_until_the_new_one_is_whole(tmp_path):
    """Inside the block the target still has its old text; afterwards the new one, and no temporary file."""
    path = tmp_path / "a.txt"
    path.write_text("old")
    with files.replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
        assert temporary.parent == path.parent and temporary.suffix == ".txt"
    assert path.read_text() == "new" and names(tmp_path) == ["a.txt"]


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_written_files_have_the_permissions_of_ordinary_ones(tmp_path):
    """A replaced file may be read by those who may read a file made by open()."""
    (tmp_path / "plain").touch()
    files.write_text(tmp_path / "made", "x")
    assert stat.S_IMODE((tmp_path / "made").stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


def test_text_is_utf8_with_unix_ends_and_folders_are_made(tmp_path):
    """Text is written byte for byte the same on every system, below folders that were missing."""
    files.write_text(tmp_path / "deep" / "a.txt", "é\n·\n")
    assert (tmp_path / "deep" / "a.txt").read_bytes() == b"\xc3\xa9\n\xc2\xb7\n"


def test_json_comes_back_and_does_not_depend_on_the_order_of_keys(tmp_path):
    """Two dicts that are equal give equal bytes, and json.loads gives them back."""
    files.write_json(tmp_path / "a", {"b": [1, 2.5, None], "a": "·"})
    files.write_json(tmp_path / "b", {"a": "·", "b": [1, 2.5, None]})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert json.loads((tmp_path / "a").read_text("utf-8")) == files.read_json(tmp_path / "a")
    assert files.read_json(tmp_path / "a") == {"a": "·", "b": [1, 2.5, None]}


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_numbers_that_json_does_not_have_are_refused(tmp_path, number):
    """NaN and infinity raise, and no file is left."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.write_json(tmp_path / "a.json", {"value": number})
    assert names(tmp_path) == []


def test_damaged_json_names_file_line_and_remedy(tmp_path):
    """A record that was cut off says where and what to do; a missing one is FileNotFoundError."""
    (tmp_path / "cut.json").write_text('{"a": 1,\n "b"')
    with pytest.raises(ValueError, match=r"cut\.json to be JSON, but line 2 does not parse .* Delete the file"):
        files.read_json(tmp_path / "cut.json")
    with pytest.raises(FileNotFoundError, match="none"):
        files.read_json(tmp_path / "none.json")


@pytest.mark.parametrize("content", [b"", b"abc", bytes(300_000)])
def test_hash_is_that_of_all_bytes(tmp_path, content):
    """Empty, small and large files hash as hashlib does in one go; "abc" as in FIPS 180-4."""
    (tmp_path / "a").write_bytes(content)
    assert files.sha256(tmp_path / "a") == hashlib.sha256(content).hexdigest()
    if content == b"abc":
        assert files.sha256(tmp_path / "a").startswith("ba7816bf8f01cfea414140de5dae2223")


def test_folders_follow_the_environment(monkeypatch, tmp_path):
    """COURSE_DATA moves data and runs, COURSE_OUT the runs alone; unset or empty, both lie in the checkout."""
    for empty in (None, ""):
        for name in ("COURSE_DATA", "COURSE_OUT"):
            monkeypatch.delenv(name, raising=False) if empty is None else monkeypatch.setenv(name, empty)
        assert files.data_root() == files.REPO / "data" / "cache"
        assert files.out_root() == files.REPO / "data" / "cache" / "runs"
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "d"))
    assert (files.data_root(), files.out_root()) == (tmp_path / "d", tmp_path / "d" / "runs")
    monkeypatch.setenv("COURSE_OUT", "~/runs")
    assert (files.data_root(), files.out_root()) == (tmp_path / "d", Path.home().resolve() / "runs")
    assert (files.REPO / "pyproject.toml").exists()
