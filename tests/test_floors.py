"""The floors of the package: a module imports from lower floors only, and every module is on one."""

import ast
from pathlib import Path

import pytest

import course_utils

PACKAGE = Path(course_utils.__file__).parent
FLOORS = (
    {"files"},
    {"runtime", "annotations", "boxes", "ledger", "pictures"},
    {"catalogue", "synthetic", "splits", "transforms", "datasets", "models", "losses", "metrics"},
    {"engine", "speedrun"},
    {"explain", "compress", "export", "serve", "monitor", "audit", "exercises", "viz", "curate"},
    {"cli"},
)
FLOOR = {module: floor for floor, modules in enumerate(FLOORS) for module in modules}
VAGUE = {"utils", "helpers", "common", "misc", "tools"}
LONGEST = 500  # lines of one file


def modules(package: Path) -> dict[str, list[Path]]:
    """Name of each module of a package, and its files: one, or all below a folder of that name."""
    found = {path.stem: [path] for path in package.glob("*.py") if path.stem != "__init__"}
    folders = [path for path in package.iterdir() if path.is_dir() and any(path.rglob("*.py"))]
    return found | {folder.name: sorted(folder.rglob("*.py")) for folder in folders if folder.name != "__pycache__"}


def imports(path: Path, package: Path) -> set[str]:
    """Modules of the package that a file imports, anywhere in it, by whatever form of import."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = path.relative_to(package.parent).parent.parts[: -(node.level - 1) or None] if node.level else ()
            origin = ".".join([*above, *filter(None, [node.module])])
            found |= {f"{origin}.{alias.name}" for alias in node.names}
    dotted = [name.split(".") for name in found]
    return {parts[1] for parts in dotted if parts[0] == package.name and len(parts) > 1}


def floor_complaints(package: Path) -> list[str]:
    """What is wrong with the floors of a package; empty where all is well."""
    complaints = []
    for module, paths in sorted(modules(package).items()):
        if module not in FLOOR:
            complaints.append(f"Expected every module on a floor, but {module} is on none. Give it one in FLOORS.")
            continue
        for path in paths:
            for other in sorted(imports(path, package) - {module, "__version__"}):
                if FLOOR.get(other, len(FLOORS)) >= FLOOR[module]:
                    complaints.append(
                        f"Expected {module} to import from lower floors only, but {path.name} takes {other}."
                    )
    return complaints


def form_complaints(package: Path) -> list[str]:
    """Files with vague names, files that are too long, and a package that holds more than its version."""
    complaints = []
    for path in sorted(package.rglob("*.py")):
        if path.stem in VAGUE:
            complaints.append(f"Expected a name that says what is inside, but got {path.name}.")
        if len(path.read_text(encoding="utf-8").splitlines()) > LONGEST:
            complaints.append(f"Expected at most {LONGEST} lines, but {path.name} has more. Split it by kind.")
    statements = ast.parse((package / "__init__.py").read_text(encoding="utf-8")).body
    code = [ast.unparse(node) for node in statements if not isinstance(node, ast.Expr)]
    if len(code) != 1 or not code[0].startswith("__version__ = "):
        complaints.append(f"Expected __init__.py to hold the version only, but got {code}.")
    return complaints


@pytest.fixture
def package(tmp_path):
    """A package that keeps the floors."""
    root = tmp_path / "course_utils"
    (root / "cli").mkdir(parents=True)
    (root / "__init__.py").write_text('"""A course."""\n\n__version__ = "1"\n')
    (root / "files.py").write_text("import pathlib\n")
    (root / "runtime.py").write_text("from course_utils import __version__, files\n")
    (root / "metrics.py").write_text("import course_utils.runtime\nfrom course_utils.files import REPO\n")
    (root / "engine.py").write_text("def f():\n    from course_utils import metrics\n")
    (root / "cli" / "__init__.py").write_text("from . import run\nfrom .. import engine\n")
    (root / "cli" / "run.py").write_text("from course_utils.cli import other\nfrom course_utils import files\n")
    return root


def test_package_keeps_its_floors():
    """Every module of course_utils is on a floor, and imports from lower ones only."""
    assert floor_complaints(PACKAGE) == []


def test_files_are_named_and_sized_as_agreed():
    """No vague names, no file over 500 lines, and nothing but the version in __init__."""
    assert form_complaints(PACKAGE) == []


def test_package_that_keeps_the_floors_gets_no_complaint(package):
    """Imports downward, of the version, and within a package of one floor are fine."""
    assert floor_complaints(package) == [] and form_complaints(package) == []


@pytest.mark.parametrize(
    ("path", "source", "message"),
    [
        ("cellar.py", "", "cellar is on none"),
        ("cellar/__init__.py", "", "cellar is on none"),
        ("runtime.py", "from course_utils import engine", "runtime to import from lower .* takes engine"),
        ("runtime.py", "import course_utils.ledger", "takes ledger"),
        ("metrics.py", "def f():\n    from course_utils.losses import dice_loss", "takes losses"),
        ("engine.py", "from course_utils import viz as v", "takes viz"),
        ("audit.py", "from . import viz", "takes viz"),
        ("exercises/lesson_22.py", "from ..cli import run", "takes cli"),
        ("exercises/lesson_22.py", "from .. import audit", "takes audit"),
    ],
)
def test_planted_module_and_import_are_found(package, path, source, message):
    """A module on no floor, and an import upwards or sideways in any form, are named."""
    (package / path).parent.mkdir(exist_ok=True)
    (package / path).write_text(source + "\n")
    found = floor_complaints(package)
    assert len(found) == 1
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(found[0])


@pytest.mark.parametrize(
    ("path", "source", "message"),
    [
        ("cli/utils.py", "", r"got utils\.py"),
        ("files.py", "x = 1\n" * 501, r"files\.py has more"),
        ("__init__.py", '__version__ = "1"\nimport torch', "hold the version only"),
    ],
)
def test_planted_faults_of_form_are_found(package, path, source, message):
    """A vague name, a long file and an __init__ that does work are named."""
    (package / path).write_text(source + "\n")
    with pytest.raises(AssertionError, match=message):
        raise AssertionError("\n".join(form_complaints(package)))


def test_every_module_has_its_tests():
    """Each module of the package has a file tests/test_<module>.py, each module of cli a tests/test_cli_<module>.py."""
    tests = {path.stem for path in Path(__file__).parent.glob("test_*.py")}
    wanted = {f"test_{module}" for module in modules(PACKAGE) if module != "cli"}
    wanted |= {f"test_cli_{module}" for module in modules(PACKAGE / "cli")}
    assert sorted(wanted - tests) == []
