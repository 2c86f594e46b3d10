"""`environment.yml` for conda, written from the ranges of pyproject.toml and the pins of requirements.lock."""

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

from course_utils import files

PYPROJECT, LOCK, TARGET = (files.REPO / name for name in ("pyproject.toml", "requirements.lock", "environment.yml"))
HEAD = """# Written by `make lock` from pyproject.toml and requirements.lock; do not edit.
# Use: conda env create -f environment.yml
name: course
channels:
  - conda-forge
dependencies:
  - python=3.11
  - pip
  - make
  - pip:
      - --constraint requirements.lock
"""


def wanted() -> list[Requirement]:
    """What pyproject.toml asks for."""
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    return [Requirement(text) for text in project["dependencies"]]


def pins() -> dict[str, list[Requirement]]:
    """Lines of the lock by normalised name; a package may have one for each of several markers."""
    found: dict[str, list[Requirement]] = {}
    for line in LOCK.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            pin = Requirement(line)
            found.setdefault(normalised(pin.name), []).append(pin)
    return found


def normalised(name: str) -> str:
    """A package's name as indexes compare it.

    >>> normalised("Jupyter_Book")
    'jupyter-book'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def text() -> str:
    """Text of environment.yml: Python and pip from conda, our direct needs with pip at locked versions."""
    locked = pins()
    lines = [f"      - '{pin}'" for need in wanted() for pin in locked[normalised(need.name)]]
    return HEAD + "\n".join([*lines, "      - --editable ."]) + "\n"


def write() -> Path:
    """Write environment.yml anew."""
    files.write_text(TARGET, text())
    return TARGET
