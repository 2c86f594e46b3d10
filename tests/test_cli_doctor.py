"""The doctor finds what is wrong, says what to do about it, and goes on."""

import importlib.metadata
import os
import shutil
import socket
import sys
import time
from collections import namedtuple

import pytest
import torch
from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

from course_utils import curate
from course_utils.cli import doctor, environment

LOOKS = ["python", "packages", "devices", "disk", "kernel", "database"]


@pytest.fixture
def installed(monkeypatch):
    """Installed versions as the lock has them; a dict of other versions may be put in, None for not installed."""
    versions = {}
    for name, pins in environment.pins().items():
        for pin in pins:
            if pin.marker is None or pin.marker.evaluate():
                versions[name] = str(pin.specifier).removeprefix("==")

    def version(name):
        if versions.get(name) is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(importlib.metadata, "version", version)
    return versions


def looked(monkeypatch, what: str) -> doctor.Finding:
    """The finding of one look, made as the report makes it, with the others left out."""
    for look in set(LOOKS) - {what}:
        monkeypatch.setattr(doctor, look, lambda look=look: doctor.Finding(look, True, "fine"))
    return next(finding for finding in doctor.examine() if finding.what == what)


def assert_to_do(finding: doctor.Finding, *words: str):
    """The finding is one line that begins with TO DO and has the words."""
    assert not finding.ok
    assert str(finding).startswith(f"TO DO {finding.what}: ") and "\n" not in str(finding)
    for word in words:
        assert word in finding.words


def test_every_look_is_one_line(monkeypatch, tmp_path):
    """Six lines, each OK or TO DO with a name and words, whatever the state of this machine."""
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    found = doctor.examine()
    assert [finding.what for finding in found] == LOOKS
    for finding in found:
        assert str(finding).startswith(("OK   " if finding.ok else "TO DO ") + f"{finding.what}: ")
        assert len(finding.words) > 5 and "\n" not in finding.words
    assert os.listdir(tmp_path) == []  # looking leaves nothing behind


def test_a_look_that_breaks_is_a_finding_and_the_others_follow(monkeypatch):
    """An error in one look becomes a line with the error and a remedy; all the others are told as well."""
    for look in LOOKS:
        monkeypatch.setattr(doctor, look, lambda look=look: doctor.Finding(look, True, "fine"))

    def devices():
        raise ImportError("libcuda is gone")

    monkeypatch.setattr(doctor, "devices", devices)
    found = doctor.examine()
    assert [finding.what for finding in found] == LOOKS
    assert_to_do(found[2], "ImportError: libcuda is gone", "make clean env")
    assert [finding.ok for finding in found] == [True, True, False, True, True, True]


@pytest.mark.parametrize(
    ("version", "ok"), [((3, 10, 9), False), ((3, 11, 0), True), ((3, 12, 9), True), ((3, 13, 0), False)]
)
def test_python_is_one_of_two(monkeypatch, version, ok):
    """3.11 and 3.12 will do; others say which to install."""
    monkeypatch.setattr(sys, "version_info", version)
    found = doctor.python()
    assert found.ok is ok and ".".join(map(str, version)) in found.words
    assert ok or "install 3.11 or 3.12" in found.words


def test_packages_as_in_the_lock_are_fine(installed):
    """All pins met is OK, also for a build of PyTorch with a local version."""
    installed["torch"] += "+cpu"
    assert doctor.packages() == doctor.Finding("packages", True, "as in requirements.lock")


@pytest.mark.parametrize(("version", "words"), [("0.1", "timm is 0.1, not =="), (None, "timm is missing, not ==")])
def test_a_package_of_another_version_is_found(installed, version, words):
    """A package that is not as locked, or not there, is named with its pin and the remedy."""
    installed["timm"] = version
    assert_to_do(doctor.packages(), words, "(1 in all)", "make clean env")


def test_many_wrong_packages_are_counted(installed):
    """Of an environment that has nothing to do with the course, five packages are named and all counted."""
    count = len(installed)
    installed.clear()
    found = doctor.packages()
    assert_to_do(found, f"({count} in all)")
    assert found.words.count(" is missing") == 5


def test_packages_of_other_systems_are_not_missed(installed):
    """What the lock has for another system or Python need not be installed here."""
    foreign = [
        name
        for name, pins in environment.pins().items()
        if not any(pin.marker is None or pin.marker.evaluate() for pin in pins)
    ]
    assert foreign and not set(foreign) & set(installed) and doctor.packages().ok


@pytest.mark.parametrize("there", [True, False])
def test_devices_are_told_with_and_without_an_accelerator(monkeypatch, there):
    """An accelerator is named; without one the profile that lessons run in is. Either is fine."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: int(there))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda number: "Big GPU")
    found = doctor.devices()
    assert found.ok and f"{os.cpu_count()} cores" in found.words
    assert ("Big GPU" in found.words, "profile cpu" in found.words) == (there, not there)


def test_a_full_disk_says_how_much_is_needed(monkeypatch, tmp_path):
    """Less than two gigabytes at the data root are too little; the line says where, and how to move it."""
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
    usage = namedtuple("usage", "total used free")
    for free, ok in ((1.9e9, False), (2.1e9, True)):
        monkeypatch.setattr(shutil, "disk_usage", lambda path, free=free: usage(9e9, 0, free))
        found = doctor.disk()
        assert found.ok is ok and str(tmp_path / "data") in found.words
        assert ok or "COURSE_DATA" in found.words


def test_a_data_root_that_cannot_be_written_is_found(monkeypatch, tmp_path):
    """A data root below a file cannot be made: that is a finding, not a traceback."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "file" / "data"))
    assert_to_do(looked(monkeypatch, "disk"), "NotADirectoryError")


def test_a_missing_kernel_is_found(monkeypatch):
    """Where Jupyter knows no python3 the line says so."""

    def missing(self, name):
        raise NoSuchKernel(name)

    monkeypatch.setattr(KernelSpecManager, "get_kernel_spec", missing)
    assert_to_do(looked(monkeypatch, "kernel"), "No such kernel named python3", "make clean env")


# database


def test_a_missing_database_says_what_to_install(monkeypatch):
    """Without FiftyOne's server and without one on the path, the line says what to install and to set."""
    monkeypatch.setattr(importlib.metadata, "files", lambda name: [])
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert_to_do(doctor.database(), "no mongod", "Install MongoDB and set FIFTYONE_DATABASE_URI")


@pytest.mark.skipif(os.name != "posix", reason="a shell script stands in for the server")
@pytest.mark.parametrize(("script", "words"), [("echo first; echo no library; exit 1", "no library"), ("exit 0", "[]")])
def test_a_database_that_ends_at_once_is_found(monkeypatch, tmp_path, script, words):
    """A server that does not start shows its last line, and is not waited for."""
    server = tmp_path / "mongod"
    server.write_text(f"#!/bin/sh\n{script}\n")
    server.chmod(0o755)
    monkeypatch.setattr(curate, "find_server", lambda: server)
    started = time.monotonic()
    assert_to_do(doctor.database(), f"{server} did not answer", words, "Install MongoDB")
    assert time.monotonic() - started < doctor.START_SECONDS / 2


@pytest.mark.skipif(os.name != "posix", reason="a shell script stands in for the server")
def test_a_database_that_hangs_is_given_up(monkeypatch, tmp_path):
    """A server that runs and never answers is stopped when its time is up."""
    server = tmp_path / "mongod"
    server.write_text("#!/bin/sh\nexec sleep 60\n")
    server.chmod(0o755)
    monkeypatch.setattr(curate, "find_server", lambda: server)
    monkeypatch.setattr(doctor, "START_SECONDS", 0.3)
    assert_to_do(doctor.database(), "did not answer")


@pytest.mark.skipif(curate.find_server() is None, reason="no database server on this machine")
def test_the_database_starts(monkeypatch):
    """The real server starts in an empty folder, answers on a free port, and is gone afterwards."""
    ports = []
    free_port = doctor._free_port
    monkeypatch.setattr(doctor, "_free_port", lambda: ports.append(free_port()) or ports[-1])
    found = doctor.database()
    assert found.ok and found.words == f"starts ({curate.find_server()})"
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", ports[0])) != 0
