"""The book's page of results: every recorded claim, and beside it what this build's own runs gave."""

from collections.abc import Iterable, Mapping

PROFILES = ("cpu", "gpu", "smoke")
KEPT = {True: "✔ kept", False: "✘ missed", None: "no bar"}
NOTHING = "No result is recorded yet. `course run --record` writes the first."
HEADER = "| Claim | Recorded | Bar | Source | This build |\n|---|---|---|---|---|"


def results_text(recorded: Mapping[str, dict], own: Iterable[dict] = (), *, linked: Iterable[str] = ()) -> str:
    """Markdown of the results: a section for each profile, a table for each lesson, a row for each claim.

    Args:
        recorded: profile → the record committed as `book/results/<profile>.json`.
        own: the records of the runs that this book is built from, one a lesson, as `course run` writes them.
        linked: names of the lessons that have a page in this book.

    Returns:
        Markdown that begins with a heading of the second level, or one sentence where there is nothing to show.
    """
    own, linked = list(own), set(linked)
    sections = []
    for profile in PROFILES:
        record = recorded.get(profile, {"lessons": {}, "claims": {}})
        built = {run["lesson"]: run for run in own if run["profile"] == profile}
        names = sorted({*record["lessons"], *(name for name, run in built.items() if run.get("claims"))})
        tables = [_lesson_text(name, record, built.get(name), linked=name in linked) for name in names]
        if tables:
            sections += [f"## Profile `{profile}`", *tables]
    if not any(record["claims"] for record in recorded.values()):
        sections.insert(0, NOTHING)
    return "\n\n".join(sections)


def _lesson_text(name: str, record: dict, run: dict | None, *, linked: bool) -> str:
    """Heading, origin of the numbers and table of one lesson."""
    old = {key.split(".", 1)[1]: claim for key, claim in record["claims"].items() if key.split(".", 1)[0] == name}
    new = (run or {}).get("claims", {})
    lines = [f"### [{name}](notebooks/{name}.ipynb)" if linked else f"### {name}"]
    if name in record["lessons"]:
        lines.append(f"Recorded: {run_text(record['lessons'][name])}.")
    if run:
        lines.append(f"This build: {run_text(run)}.")
    if not old and not new:
        return "\n\n".join([*lines, "This lesson makes no claims."])
    rows = [_row(old.get(claim), new.get(claim)) for claim in dict.fromkeys([*old, *new])]
    return "\n\n".join([*lines, "\n".join([HEADER, *rows])])


def run_text(run: dict) -> str:
    """Where and when a lesson ran, in one phrase.

    >>> run_text({"device": "one CPU", "date": "2026-11-22", "torch": "2.14.1", "seconds": 93.4, "commit": "abc123"})
    'one CPU, 2026-11-22, torch 2.14.1, commit abc123, 93 s'
    """
    seconds = [f"{run['seconds']:.0f} s"] if run.get("seconds") is not None else []
    words = {"torch": "torch ", "commit": "commit "}
    known = [f"{words.get(key, '')}{run[key]}" for key in ("device", "date", "torch", "commit") if run.get(key)]
    return ", ".join(known + seconds) or "no details"


def _row(old: dict | None, new: dict | None) -> str:
    """One row: the sentence as recorded, or as this build says it where nothing is recorded."""
    shown = old or new
    sentence = shown["sentence"].replace("|", "\\|").replace("\n", " ")
    return f"| {sentence} | {_value_text(old)} | {_bar_text(shown)} | {shown['source']} | {_value_text(new)} |"


def _value_text(claim: dict | None) -> str:
    """Value, spread, number of values and verdict of a claim.

    >>> _value_text({"value": 0.8712, "unit": "fraction", "spread": 0.0123, "n": 3, "kept": True})
    '87.1\\xa0%\\xa0± 1.2 (n = 3), ✔ kept'
    """
    if claim is None:
        return "—"
    text = _number(claim["value"], claim["unit"])
    if claim["spread"] is not None:
        spread = f"{100 * claim['spread']:.1f}" if claim["unit"] == "fraction" else f"{claim['spread']:.3g}"
        text += f"\N{NO-BREAK SPACE}± {spread}"
    return f"{text} (n = {claim['n']}), {KEPT[claim['kept']]}"


def _bar_text(claim: dict) -> str:
    """The bar of a claim in signs; a dash where it has none."""
    signs = {"at_least": "≥", "at_most": "≤", "more_than": ">"}
    bars = sorted((claim["bar"] or {}).items())
    limits = [f"{signs[key]}\N{NO-BREAK SPACE}{_number(limit, claim['unit'])}" for key, limit in bars]
    return " and ".join(limits) or "—"


def _number(value: float | None, unit: str) -> str:
    """A number with its unit; fractions as per cent, and words where the number was not finite.

    >>> _number(0.5, "fraction"), _number(1234.5, "images/s"), _number(None, "ratio")
    ('50.0\\xa0%', '1234 images/s', 'not a number')
    """
    if value is None:
        return "not a number"
    if unit == "fraction":
        return f"{100 * value:.1f}\N{NO-BREAK SPACE}%"
    return f"{value:.4g} {unit}".strip() if abs(value) < 1000 else f"{value:.0f} {unit}".strip()
