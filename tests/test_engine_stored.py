"""Stored runs: made once, found again, and made anew when anything changes that they depend on."""

import itertools
import linecache
import os
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch

from course_utils import engine

COUNT = itertools.count()

CELL = """
import functools, dataclasses, numpy as np, torch
from course_utils import made_up

RATE, DECAY = 0.1, 0.2
WIDTHS = [4, 8]
TABLE = np.arange(2000)
MAP = torch.zeros(3000)
HALF = torch.zeros(2, dtype=torch.bfloat16)
DTYPE = torch.float32

class Base:
    offset = 1
    def shift(self, x):
        return x + self.offset

class Net(Base):
    factor = 2
    @staticmethod
    def square(x):
        return x * x
    def __call__(self, x):
        return self.shift(scale(x)) * self.factor

@dataclasses.dataclass
class Options:
    depth: int = 3

def scale(x):
    return x * RATE - DECAY

@torch.no_grad()
def decorated(x):
    return deep(x)

def deep(x):
    return x + 10

def used_by_partial(x):
    return x + 20

def in_dict(x):
    return x + 30

def unused(x):
    return x + 40

@functools.cache
def remembered():
    return 50

def outer(power):
    def captured(x):
        return x ** power
    return captured

raised = outer(5)
bound = functools.partial(used_by_partial)
TABLE_OF_CODE = {"a": in_dict}
START = 7

def make(x, start=START):
    def inner(y):
        return decorated(y) + bound(y) + TABLE_OF_CODE["a"](y) + raised(y) + remembered()
    sizes = [len(WIDTHS), len(TABLE), len(MAP), len(HALF), Options().depth]
    return {"x": Net()(x).to(DTYPE) + inner(x)}, {"sizes": sizes}

def other(x):
    return made_up.f(x)
"""


def cell(source: str = CELL) -> dict:
    """What names mean after a cell has run: functions of __main__, whose source inspect finds as in a kernel."""
    name = f"<cell {next(COUNT)}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    module = {"__name__": "__main__"}
    exec(compile(source, name, "exec"), module)
    return module


@pytest.fixture
def made_up(monkeypatch, tmp_path):
    """A function that writes the module course_utils.made_up, which uses a second one, and imports both anew."""
    import course_utils

    def write(formula: str = "x + 1", below: str = "LIMIT = 1"):
        for name, source in (
            ("below", below),
            ("made_up", f"from course_utils.below import Limit\nf = lambda x: {formula}"),
        ):
            source += "\nclass Limit: pass\n" if name == "below" else ""
            path = tmp_path / f"{name}.py"
            path.write_text(source)
            linecache.checkcache(str(path))
            module = types.ModuleType(f"course_utils.{name}")
            module.__file__ = str(path)
            monkeypatch.setitem(sys.modules, module.__name__, module)
            monkeypatch.setattr(course_utils, name, module, raising=False)
            exec(compile(source, str(path), "exec"), module.__dict__)

    write()
    return write


def mark(source: str = CELL, function: str = "make", *arguments, settings=None) -> str:
    """Fingerprint of a function of a cell."""
    return engine.fingerprint(cell(source)[function], *arguments, settings=settings or {})


def test_a_second_call_reads_what_the_first_has_made(tmp_path):
    """The function runs once; both calls give the same tensors and the same JSON, and one file is there."""
    calls = []

    def make(x, k):
        calls.append(k)
        return {"y": x * k}, {"history": [{"loss": 0.25}], "sizes": (1, 2)}

    kept = [
        engine.stored(make, torch.arange(3.0), 2, folder=tmp_path / "deep", name="arm-0", settings={"rate": 0.1})
        for _ in range(2)
    ]
    assert calls == [2]
    for tensors, about in kept:
        assert torch.equal(tensors["y"], torch.tensor([0.0, 2.0, 4.0]))
        assert about == {"history": [{"loss": 0.25}], "sizes": [1, 2]}
    assert len(os.listdir(tmp_path / "deep")) == 1 and os.listdir(tmp_path / "deep")[0].startswith("arm-0-")


def test_a_call_that_fails_stores_nothing(tmp_path):
    """A training that ends in an error leaves no file, and runs again at the next call."""

    def make():
        raise FloatingPointError("diverged")

    for _ in range(2):
        with pytest.raises(FloatingPointError, match="diverged"):
            engine.stored(make, folder=tmp_path, name="arm-0", settings={})
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_stored_run_is_refused(tmp_path):
    """A stored file that lost its end is not taken for a result."""

    def make():
        return {"y": torch.ones(3)}, {}

    engine.stored(make, folder=tmp_path, name="arm-0", settings={})
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="does not read"):
        engine.stored(make, folder=tmp_path, name="arm-0", settings={})


@pytest.mark.parametrize("name", ["", "a/b", "../a", "a b", "a:b"])
def test_names_that_are_no_file_names_are_refused(tmp_path, name):
    """Slashes and spaces in the name of a unit are refused before anything runs."""
    with pytest.raises(ValueError, match=r"Expected name to be made of letters, digits, '_', '\.' and '-', but got"):
        engine.stored(pytest.fail, folder=tmp_path, name=name, settings={})


@pytest.mark.parametrize("value", [object(), {1, 2}, Path("a"), np.array([object()]), [1, object()]])
def test_arguments_and_settings_without_content_are_refused(value):
    """What cannot be hashed by its content would be found again wrongly, or never: it is refused with the remedy."""
    message = "Expected arrays, tensors, numbers, text, or lists and dicts of these, but got .* put what identifies it"
    with pytest.raises(TypeError, match=message):
        engine.fingerprint(len, value, settings={})
    with pytest.raises(TypeError, match=message):
        engine.fingerprint(len, settings={"value": value})


DIFFERENT = [
    (1, 23), (12, 3), (123,), ([1, 23],), ([12, 3],), ([[1], 23],), (1.0, 23), ("1", 23), (True, 23), (None, 23), (),
    ("ab", "c"), ("a", "bc"), ("abc",), ({"a": 1},), ({"a": 2},), ({"b": 1},), (range(3),),
    (np.zeros(2000),), (np.eye(1, 2000, 1000)[0],), (np.zeros((2, 1000)),), (np.zeros(2000, np.float32),),
    (np.zeros((2, 0)),), (np.zeros((0, 2)),), (np.array(1.5),), (np.array([1.5]),), (np.array(""),),
    (np.array(["a", "b"]),),
    (torch.zeros(0, 2),), (torch.tensor(1.5),), (torch.tensor([1.5]),), (torch.tensor([1 + 2j]),),
    (torch.zeros(2000),), (torch.eye(1, 2000)[0],), (torch.zeros(2000).bfloat16(),), (torch.zeros(2000).half(),),
]  # fmt: skip


def test_different_contents_have_different_fingerprints(made_up):
    """Arguments that differ in value, type, shape or grouping never share a fingerprint; nor do settings."""
    assert len({mark(CELL, "make", *arguments) for arguments in DIFFERENT}) == len(DIFFERENT)
    settings = [
        {},
        {"a": 1},
        {"a": 2},
        {"a": 12, "b": 3},
        {"a": 1, "b": 23},
        {"a": np.zeros(2000)},
        {"a": np.ones(2000)},
    ]
    assert len({mark(settings=one) for one in settings}) == len(settings)


def test_equal_contents_have_equal_fingerprints(made_up):
    """The same cell run again, equal arrays elsewhere in memory, and settings in another order give what is stored."""
    assert mark() == mark()
    assert mark(CELL, "make", np.arange(6).reshape(2, 3).T) == mark(CELL, "make", np.arange(6).reshape(2, 3).T.copy())
    assert mark(settings={"a": 1, "b": 2}) == mark(settings={"b": 2, "a": 1})


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return {", "return {**{}, "),  # the function itself
        ("start=START", "start=8"),
        ("y) + bound", "y) - bound"),  # a function inside it
        ("RATE, DECAY = 0.1, 0.2", "RATE, DECAY = 0.3, 0.2"),  # a constant of a function of a class it uses
        ("RATE, DECAY = 0.1, 0.2", "RATE, DECAY = 0.2, 0.1"),  # the same two numbers, exchanged
        ("[4, 8]", "[4, 9]"),
        ("np.arange(2000)", "np.eye(1, 2000, 1000)[0]"),
        ("torch.zeros(3000)", "torch.eye(1, 3000)[0]"),
        ("zeros(2, dtype", "ones(2, dtype"),
        ("torch.float32", "torch.float64"),
        ("START = 7", "START = 8"),  # the value of a default, whose text stays
        ("offset = 1", "offset = 2"),  # a base class
        ("x + self.offset", "x - self.offset"),
        ("factor = 2", "factor = 3"),
        ("return x * x", "return x * x * x"),
        ("depth: int = 3", "depth: int = 4"),
        ("x * RATE", "RATE * x"),
        ("x + 10", "x + 11"),  # below a decorator of torch
        ("x + 20", "x + 21"),
        ("x + 30", "x + 31"),
        ("return 50", "return 51"),  # below functools.cache
        ("x ** power", "x ** -power"),
        ("outer(5)", "outer(6)"),  # a captured value
    ],
)
def test_a_change_in_what_the_function_uses_is_noticed(made_up, old, new):
    """Code, constants, arrays, classes and their bases, captured and default values all count."""
    assert CELL.count(old) == 1
    assert mark(CELL.replace(old, new)) != mark()


@pytest.mark.parametrize("name", ["TABLE", "MAP", "WIDTHS"])
def test_a_change_in_place_is_noticed(made_up, name):
    """Nothing is remembered between two fingerprints: an array, a tensor or a list that was changed counts as it is."""
    module = cell()
    before = engine.fingerprint(module["make"], settings={})
    module[name][0] += 1
    assert engine.fingerprint(module["make"], settings={}) != before
    module[name][0] -= 1
    assert engine.fingerprint(module["make"], settings={}) == before


def test_what_several_functions_name_is_hashed_once(made_up, monkeypatch):
    """Data are long to hash: an array that three functions name, one beside code in a dict, is hashed once."""
    source = "import numpy as np\nX = np.ones(9)\ndef a(): return X\nD = {'x': X, 'a': a}\ndef make(): return a(), X, D"
    stored = sys.modules["course_utils.engine.stored"]  # engine.stored is the function of that name
    module, hashed, content = cell(source), [], stored._content
    monkeypatch.setattr(stored, "_content", lambda value: hashed.append(value) or content(value))
    engine.fingerprint(module["make"], settings={})
    assert sum(value is module["X"] for value in hashed) == 1


@pytest.mark.parametrize(("old", "new"), [("x + 40", "x + 41"), ("return made_up.f(x)", "return x")])
def test_a_change_elsewhere_in_the_notebook_is_not(made_up, old, new):
    """A function that is not used may change, and what is stored stays good."""
    assert CELL.count(old) == 1
    assert mark(CELL.replace(old, new)) == mark()


def test_a_change_in_the_course_package_is_noticed_where_it_is_used(made_up):
    """A function that uses a module of the course depends on its source and on what that imports; others do not."""
    uses, not_used = mark(function="other"), mark()
    made_up("x + 2")
    assert mark(function="other") != uses and mark() == not_used
    made_up()
    assert mark(function="other") == uses
    made_up(below="LIMIT = 2")
    assert mark(function="other") != uses


def test_another_torch_is_noticed(made_up, monkeypatch):
    """Numbers of another version of PyTorch are not taken for those of this one."""
    before = mark()
    monkeypatch.setattr(torch, "__version__", "0.1")
    assert mark() != before
