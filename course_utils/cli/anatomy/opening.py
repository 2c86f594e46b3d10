"""Rules on the form of the file and on its opening: title, card; imports, parameters and start, prose between them."""

import ast
import importlib.machinery
import importlib.util
import re
from collections.abc import Iterator

from course_utils.cli.anatomy.lesson import FIXED, Lesson, assigned, comments, loaded, tunables

CARD = {  # point of the card: words of which it needs one
    "able to": "able to",
    "needs": "needs",
    "reading time": "reading",
    "running time": "running",
    "data": "data",
    "licence": "licen[cs]e|cc0|cc by|public domain",
    "place in the path": r"\bsits\b|\bpath\b",
}
TAGS = {"parameters", "exercise-text", "exercise", "check", "nbval-check-output", "keep_output"}


def notebook_form(lesson: Lesson) -> Iterator[str]:
    """Format 4.5 with unique cell ids, the kernel that every machine has, a name NN_topic, known tags."""
    if not re.fullmatch(r"\d\d_[a-z0-9_]+", lesson.name):
        yield f"Expected a file name such as 22_transfer_learning.ipynb, but got {lesson.name}.ipynb."
    if lesson.format < (4, 5) or lesson.kernel != "python3":
        yield f"Expected format 4.5 and kernel python3, but got {lesson.format} and {lesson.kernel}."
    ids = [cell.id for cell in lesson.cells]
    for twice in sorted({name for name in ids if ids.count(name) > 1}):
        yield f"Expected each cell id once, but got {twice!r} twice."
    for cell in lesson.cells:
        for tag in sorted(set(cell.tags) - TAGS):
            yield f"{cell}: Expected tags among {sorted(TAGS)}, but got {tag!r}."


def title_and_card(lesson: Lesson) -> Iterator[str]:
    """First the title `# NN · Verb phrase`, then the card with its seven points."""
    title, card = lesson.cells[:2]
    if title.kind != "markdown" or not re.match(rf"# {lesson.name[:2]} · \S", title.source):
        yield f"{title}: Expected the title '# {lesson.name[:2]} · …', but got {title.source[:40]!r}."
    missing = [point for point, words in CARD.items() if not re.search(words, card.source.lower())]
    if card.kind != "markdown" or missing:
        yield f"{card}: Expected the card with {', '.join(CARD)}, but it lacks {', '.join(missing)}."


def imports(lesson: Lesson) -> Iterator[str]:
    """The first code cell: imports of modules, not of names out of them."""
    cell = lesson.code[0]
    if cell.kind != "code" or not cell.tree.body:
        yield f"{cell}: Expected the imports, but got {cell.source[:40]!r}."
    for node in cell.tree.body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if not is_module(f"{node.module}.{alias.name}"):
                    yield f"{cell}: Expected modules to be imported, but got {alias.name} out of {node.module}."
        elif not isinstance(node, ast.Import):
            yield f"{cell}: Expected nothing but imports, but got {ast.unparse(node)[:40]!r}."


def is_module(name: str) -> bool:
    """Whether a dotted name is a module; packages on the way are looked up, not imported.

    >>> is_module("importlib.util"), is_module("importlib.util.find_spec")
    (True, False)
    """
    top, *rest = name.split(".")
    spec = importlib.util.find_spec(top)
    for part in rest:
        if spec is None or not spec.submodule_search_locations:
            return False
        spec = importlib.machinery.PathFinder.find_spec(part, list(spec.submodule_search_locations))
    return spec is not None


def parameters(lesson: Lesson) -> Iterator[str]:
    """The second code cell: literals, LESSON as the file is called, PROFILE auto, tunables None with a comment."""
    cell = lesson.code[1]
    if lesson.tagged("parameters") != [cell]:
        yield f"{cell}: Expected the tag parameters on the second code cell and on no other."
    values = {}
    for node in cell.tree.body:
        try:
            values[node.targets[0].id] = ast.literal_eval(node.value)
        except (AttributeError, ValueError):
            yield f"{cell}: Expected literals only, but got {ast.unparse(node)!r}."
    for name, value in zip(FIXED, (lesson.name, "auto", 0), strict=True):
        if values.get(name) != value:
            yield f"{cell}: Expected {name} = {value!r}, but got {values.get(name)!r}."
    notes = comments(cell.source)
    for name in tunables(lesson):
        if values.get(name) is not None or not re.search(r"\S.*None: \S", notes.get(name, "")):
            got = f"{values.get(name)!r} with {notes.get(name, 'no comment')!r}"
            yield f"{cell}: Expected '{name} = None  # what it is; None: what then', but got {got}."


def start_cell(lesson: Lesson) -> Iterator[str]:
    """The third code cell: runtime.start, ledger.begin, and one run.pick for each tunable, there and nowhere else."""
    cell = lesson.code[2]
    first = [ast.unparse(node) for node in cell.tree.body[:2]] + ["nothing"] * 2
    if not first[0].startswith("run = runtime.start(LESSON, PROFILE, SEED"):
        yield f"{cell}: Expected run = runtime.start(LESSON, PROFILE, SEED) first, but got {first[0]!r}."
    if first[1] != "ledger.begin(run)":
        yield f"{cell}: Expected ledger.begin(run) second, but got {first[1]!r}."
    picked = []
    for node in cell.tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.value).startswith("run.pick("):
            picked.append(ast.unparse(node.targets[0]))
            given = [ast.unparse(value) for value in node.value.args], [word.arg for word in node.value.keywords]
            if given != ([picked[-1]], ["smoke", "cpu", "gpu"]):
                want = f"{picked[-1]} = run.pick({picked[-1]}, smoke=…, cpu=…, gpu=…)"
                yield f"{cell}: Expected {want}, but got {ast.unparse(node)!r}."
    if sorted(picked) != sorted(tunables(lesson)):
        yield f"{cell}: Expected one run.pick for each of {tunables(lesson)}, but got {picked}."
    for other, call in lesson.calls("run.pick"):
        if other is not cell:
            yield f"{other}: Expected run.pick in the start cell only, but got {ast.unparse(call)!r}."


def parameters_are_read(lesson: Lesson) -> Iterator[str]:
    """Every parameter is used: LESSON, PROFILE and SEED by the start cell at least, a tunable after its pick."""
    for name in assigned(lesson.code[1].tree):
        readers = [node for cell in lesson.code[2:] for node in cell.tree.body if name in loaded(node)]
        picks = [node for node in readers if ast.unparse(node).startswith(f"{name} = run.pick(")]
        if len(readers) == len(picks):
            yield f"{lesson.code[1]}: Expected the parameter {name} to be read by a later cell, but none does."


def no_branch_on_profile(lesson: Lesson) -> Iterator[str]:
    """The code is the same in every profile: what differs is picked in the start cell."""
    forks = ast.If | ast.IfExp | ast.While | ast.Compare | ast.Match | ast.Subscript
    for cell in lesson.code:
        for node in ast.walk(cell.tree):
            test = getattr(node, "test", None) or getattr(node, "subject", None) or node
            if isinstance(node, forks) and re.search(r"\bPROFILE\b|\brun\.profile\b", ast.unparse(test)):
                yield f"{cell}: Expected no branch on the profile, but got {ast.unparse(test)!r}. Use run.pick."
                break
