"""Rules on sizes, prose, figures, claims, plain code and stored outputs."""

import ast
import re
import statistics
from collections.abc import Iterator

from course_utils.cli.anatomy.lesson import Lesson

CELLS, WORDS = range(25, 71), range(1200, 3001)
CODE_LINES, CELL_MEDIAN, CELL_CAP, CELL_HARD, OVER_CAP, FIGURES, CODE_RUN = 300, 8, 25, 40, 2, 10, 2
SHORTEST_ALT, MARKED = 20, 2
SECRET = re.compile(
    r"""(?ix) (api_?key|token|secret|passw(or)?d)\w* \s* = \s* ["'][^"']{12,}["'] | environ\W+\w*(KEY|TOKEN|SECRET)
    | \b(sk|hf|ghp)[-_][a-z0-9]{20,} | \bAKIA[0-9A-Z]{16}"""
)


def sizes(lesson: Lesson) -> Iterator[str]:
    """A lesson that fits into one sitting: cells, words, lines of code, figures."""
    lines = [cell.lines for cell in lesson.code]
    words = sum(len(re.findall(r"\w[\w'’-]*", plain_prose(cell.source))) for cell in lesson.prose)
    if len(lesson.cells) not in CELLS:
        yield f"Expected {CELLS.start} to {CELLS.stop - 1} cells, but got {len(lesson.cells)}."
    if words not in WORDS:
        yield f"Expected {WORDS.start} to {WORDS.stop - 1} words of prose, but got {words}."
    if sum(lines) > CODE_LINES or statistics.median(lines or [0]) > CELL_MEDIAN:
        yield (
            f"Expected at most {CODE_LINES} lines of code, at the median {CELL_MEDIAN} a cell, "
            f"but got {sum(lines)} and {statistics.median(lines or [0])}."
        )
    long = [cell for cell in lesson.code if cell.lines > CELL_CAP]
    if len(long) > OVER_CAP or any(cell.lines > CELL_HARD for cell in long):
        got = ", ".join(f"{cell}: {cell.lines}" for cell in long)
        yield f"Expected {CELL_CAP} lines a cell, at most {OVER_CAP} cells with up to {CELL_HARD}, but got {got}."
    figures = len(list(lesson.calls("viz.show")))
    if figures > FIGURES:
        yield f"Expected at most {FIGURES} figures, but got {figures}."


def prose_between_code(lesson: Lesson) -> Iterator[str]:
    """After the start cell, no more than two cells of code in a row."""
    run = 0
    for cell in lesson.cells[lesson.code[2].number :]:
        run = run + 1 if cell.kind == "code" else 0
        if run == CODE_RUN + 1:
            yield f"{cell}: Expected prose after {CODE_RUN} cells of code, but got a third."


def plain_words(lesson: Lesson) -> Iterator[str]:
    """Prose does not say that things are easy, and does not shout."""
    for cell in lesson.prose:
        found = re.findall(r"(?i)\b(?:simply|just|obviously)\b|!", plain_prose(cell.source))
        if found:
            yield f"{cell}: Expected prose without {', '.join(sorted(set(found)))}."


def plain_prose(source: str) -> str:
    """Markdown without code, formulas, tags and addresses.

    >>> plain_prose("See [the paper](https://x.org/a), `a != b` and $n!$ <b>here</b>").split()
    ['See', '[the', 'paper]', ',', 'and', 'here']
    """
    for pattern in (r"(?s)```.*?```", r"`[^`\n]*`", r"(?s)\$\$.*?\$\$", r"\$[^$\n]+\$", r"(?s)<!--.*?-->", r"<[^>]+>"):
        source = re.sub(pattern, " ", source)
    return re.sub(r"\]\([^)]*\)|https?://\S+", "] ", source).replace("![", "[")


def alt_texts(lesson: Lesson) -> Iterator[str]:
    """Every figure is shown through viz.show with an alternative text, and pictures in prose have one too."""
    for cell, call in lesson.calls("viz.show"):
        given = {word.arg: word.value for word in call.keywords}.get("alt")
        written = "".join(_strings(given)) if given is not None else ""
        if given is None or (isinstance(given, ast.Constant | ast.JoinedStr) and len(written) < SHORTEST_ALT):
            yield f"{cell}: Expected alt= with {SHORTEST_ALT} characters or more, but got {written!r}."
    for cell, _ in lesson.calls("plt.show"):
        yield f"{cell}: Expected viz.show(fig, alt=…), but got plt.show."
    for cell in lesson.prose:
        pictures = re.findall(r"!\[\s*\]\(|<img(?![^>]*\balt=\"[^\"]+\")[^>]*>", cell.source)
        if pictures:
            yield f"{cell}: Expected a picture with alternative text, but got {pictures[0]!r}."


def claims(lesson: Lesson) -> Iterator[str]:
    """At least one claim, so that a result is computed and not typed; each name once."""
    calls = [call for _, call in lesson.calls("ledger.claim")]
    names = [call.args[0].value for call in calls if call.args and isinstance(call.args[0], ast.Constant)]
    if not calls or len(set(names)) < len(names):
        yield f"Expected one ledger.claim or more, each name once, but got {names}."


def plain_code(lesson: Lesson) -> Iterator[str]:
    """Plain Python without installs, shell commands, path edits and keys."""
    for cell in lesson.code:
        bad = [line.strip() for line in cell.source.splitlines() if re.match(r"\s*[%!]", line)]
        if not bad and cell.source.strip() and not cell.tree.body and not _only_comments(cell.source):
            bad = ["code that does not parse"]
        bad += re.findall(r"sys\.path\b", cell.source) + (["a key"] if SECRET.search(cell.source) else [])
        if bad:
            yield f"{cell}: Expected plain Python without installs, path edits and keys, but got {bad[0]!r}."


def stored_outputs(lesson: Lesson) -> Iterator[str]:
    """Outputs are stored for cells tagged nbval-check-output and keep_output alone, at least two, and are text."""
    marked = lesson.tagged("nbval-check-output")
    if len(marked) < MARKED:
        yield f"Expected {MARKED} cells or more tagged nbval-check-output, but got {len(marked)}."
    for cell in lesson.code:
        kept = {"nbval-check-output", "keep_output"} & set(cell.tags)
        if len(kept) == 1:
            yield f"{cell}: Expected the tags nbval-check-output and keep_output together, but got {kept}."
        if (cell.outputs or cell.execution_count is not None) and not kept:
            yield f"{cell}: Expected no stored output or execution count. Run `course refresh`."
        if kept and not cell.outputs:
            yield f"{cell}: Expected the stored output of a marked cell, but got none. Run `course refresh`."
        kinds = {kind for output in cell.outputs for kind in _kinds(output)}
        if kept and not kinds <= {"stdout", "text/plain"}:
            yield f"{cell}: Expected a marked cell to print text only, but got {sorted(kinds)}."


def _kinds(output: dict) -> set[str]:
    return set(output["data"]) if "data" in output else {output.get("name", output["output_type"])}


def _only_comments(source: str) -> bool:
    return all(not line.strip() or line.strip().startswith("#") for line in source.splitlines())


def _strings(tree: ast.AST) -> list[str]:
    return [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
