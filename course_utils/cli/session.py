"""What `course run` and `course refresh` do with several lessons: choose, execute, record, report."""

import ast
from pathlib import Path

from rich.console import Console
from rich.table import Table

from course_utils import files
from course_utils.cli import lessons as index
from course_utils.cli import refresh as refreshing
from course_utils.cli import run as running

RESULTS = files.REPO / "book" / "results"
PROFILES = ("smoke", "cpu", "gpu")


def run(
    lessons: list[str] | None, profile: str, out: Path | None, *, record: bool, force: bool, parameters: list[str]
) -> bool:
    """Execute lessons in order, going on after one that fails, and print a table.

    Returns:
        Whether every lesson ended well.

    Raises:
        ValueError: for an unknown lesson, profile or parameter, parameters for several lessons, or a record with them.
    """
    names, profile = index.choose(lessons), resolved(profile)
    given = parsed(parameters)
    if given and len(names) != 1:
        raise ValueError(f"Expected one lesson with --parameter, but got {len(names)}. Name the lesson.")
    if given and record:
        raise ValueError("Expected the lesson's own parameters with --record, but got others. Record without -p.")
    out, outcomes = out or files.out_root(), {}
    for name in names:
        path = index.path_of(name)
        outcomes[name] = running.execute(path, profile=profile, out=out, parameters=given, force=force)
        if outcomes[name].failed:
            Console(stderr=True).print(f"{name} failed: {outcomes[name].record['error']}", markup=False)
    _print_table(outcomes, out / profile)
    good = [outcome.record for outcome in outcomes.values() if not outcome.failed]
    if record and good:
        running.merge_results(RESULTS / f"{profile}.json", good)
        print(f"Recorded in {RESULTS / f'{profile}.json'}")
    return len(good) == len(outcomes)


def refresh(lessons: list[str] | None) -> bool:
    """Run lessons in smoke, write marked outputs back, and write the generated files of the book's index."""
    names = index.choose(lessons)
    if not run(names, "smoke", None, record=False, force=False, parameters=[]):
        return False
    paths = [index.path_of(name) for name in names]
    for path in [*refreshing.refresh(paths, files.out_root() / "smoke"), *index.write_generated()]:
        print(f"written: {path}")
    return True


def resolved(profile: str) -> str:
    """The profile to run in; `auto` looks for an accelerator, which imports PyTorch."""
    if profile in PROFILES:
        return profile
    from course_utils import runtime

    return runtime.resolve_profile(profile)


def parsed(parameters: list[str]) -> dict:
    """Turn `NAME=VALUE` words into a dict; a value that is no Python literal is text.

    >>> parsed(["EPOCHS=3", "ARM=frozen"])
    {'EPOCHS': 3, 'ARM': 'frozen'}
    """
    given = {}
    for word in parameters:
        name, equals, value = word.partition("=")
        if not equals or not name.isidentifier():
            raise ValueError(f"Expected --parameter NAME=VALUE, but got {word!r}. For example: -p EPOCHS=3.")
        try:
            given[name] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            given[name] = value
    return given


def _print_table(outcomes: dict, folder: Path) -> None:
    """Seconds, peak memory, and claims kept and missed of each lesson; where the executed copies lie."""
    table = Table(title=f"Executed lessons in {folder}", title_justify="left")
    for heading, justify in (("lesson", "left"), ("seconds", "right"), ("peak MB", "right"), ("kept", "right")):
        table.add_column(heading, justify=justify)
    table.add_column("missed", justify="right")
    table.add_column("", justify="left")
    for name, outcome in outcomes.items():
        kept = [claim["kept"] for claim in outcome.record["claims"].values()]
        state = "failed" if outcome.failed else "unchanged, not run again" if outcome.reused else "run"
        seconds, peak = f"{outcome.record['seconds']:.1f}", str(outcome.record["peak_mb"])
        table.add_row(name, seconds, peak, str(kept.count(True)), str(kept.count(False)), state)
    Console(width=max(100, Console().width)).print(table)
