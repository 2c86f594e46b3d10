"""A lesson as the rules see it: cells with their trees, and questions about names."""

import ast
import io
import json
import symtable
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

FIXED = ("LESSON", "PROFILE", "SEED")  # parameters of every lesson; the others are tunables


@dataclass(frozen=True)
class Cell:
    """One cell of a lesson; `number` counts from 1, as a reader does."""

    number: int
    id: str
    kind: str
    source: str
    metadata: dict = field(default_factory=dict)
    outputs: tuple = ()
    execution_count: int | None = None

    @property
    def tags(self) -> tuple[str, ...]:
        return tuple(self.metadata.get("tags", ()))

    @cached_property
    def tree(self) -> ast.Module:
        """The code as a tree; empty for prose, and for code that is no plain Python."""
        try:
            return ast.parse(self.source if self.kind == "code" else "")
        except SyntaxError:
            return ast.Module([], [])

    @cached_property
    def lines(self) -> int:
        """Lines of code: neither empty nor only a comment."""
        return sum(bool(line.strip()) and not line.strip().startswith("#") for line in self.source.splitlines())

    def __str__(self) -> str:
        return f"cell {self.number} ({self.id})"


@dataclass(frozen=True)
class Lesson:
    """A lesson read from its notebook."""

    name: str
    cells: tuple[Cell, ...]
    kernel: str
    format: tuple[int, int]

    @property
    def code(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.kind == "code"]

    @property
    def prose(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.kind == "markdown"]

    def tagged(self, tag: str) -> list[Cell]:
        return [cell for cell in self.cells if tag in cell.tags]

    def calls(self, name: str) -> Iterator[tuple[Cell, ast.Call]]:
        """Every call of `name`, such as `viz.show`, with its cell."""
        for cell in self.code:
            for node in ast.walk(cell.tree):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == name:
                    yield cell, node


def read_lesson(path: str | Path) -> Lesson:
    """Read `NN_topic.ipynb` as it is stored: nbformat would mend what the rules are to find.

    Raises:
        ValueError: the file is no notebook of format 4.
    """
    path = Path(path)
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        cells = tuple(_cell(number, cell) for number, cell in enumerate(notebook["cells"], start=1))
        kernel = notebook["metadata"].get("kernelspec", {}).get("name", "none")
        return Lesson(path.stem, cells, kernel, (notebook["nbformat"], notebook["nbformat_minor"]))
    except (json.JSONDecodeError, KeyError) as error:
        raise ValueError(f"Expected {path} to be a notebook, but it does not parse. Restore it from git.") from error


def _cell(number: int, stored: dict) -> Cell:
    return Cell(
        number,
        stored.get("id", "no id"),
        stored["cell_type"],
        "".join(stored["source"]),
        stored["metadata"],
        tuple(stored.get("outputs", ())),
        stored.get("execution_count"),
    )


def function_name(cell: Cell) -> str:
    """Name of the first function that a cell defines; empty where it defines none."""
    return next((node.name for node in cell.tree.body if isinstance(node, ast.FunctionDef)), "")


def tunables(lesson: Lesson) -> list[str]:
    """Names in the parameters cell besides LESSON, PROFILE and SEED."""
    return [name for name in assigned(lesson.code[1].tree) if name not in FIXED]


def assigned(tree: ast.Module) -> list[str]:
    """Names that code assigns at its top level, in order."""
    targets = [target for node in tree.body if isinstance(node, ast.Assign) for target in node.targets]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def loaded(tree: ast.AST) -> set[str]:
    """Names that code reads."""
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def imported(tree: ast.Module) -> set[str]:
    """Names that imports bind."""
    nodes = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    return {(alias.asname or alias.name).split(".")[0] for node in nodes for alias in node.names}


def free_names(source: str) -> set[str]:
    """Names that a function reads from outside of itself, builtins among them."""
    tables = [symtable.symtable(source, "exercise", "exec")]
    free = {symbol.get_name() for symbol in tables[0].get_symbols() if symbol.is_referenced()}
    while tables:
        table = tables.pop()
        tables += table.get_children()
        free |= {symbol.get_name() for symbol in table.get_symbols() if symbol.is_global() and symbol.is_referenced()}
    return free


def comments(source: str) -> dict[str, str]:
    """First word of a line → comment at its end."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {(token.line.split() or [""])[0]: token.string for token in tokens if token.type == tokenize.COMMENT}
