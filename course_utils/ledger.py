"""Floor 0: claims. A claim is a sentence with a number that the run computed; it fails when it does not hold."""

import dataclasses
import math
import operator
import os
import re
import string
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from IPython.display import Markdown, display
from scipy import special  # scipy.stats has the same quantile, and takes 1.7 s to import in every lesson

from course_utils import files


class ClaimMissed(AssertionError):
    """A claim's mean did not meet its bar."""


@dataclasses.dataclass(frozen=True)
class Claim:
    """One recorded claim; the fields are those of the record."""

    sentence: str
    value: float
    unit: str
    spread: float | None
    n: int
    values: list[float]
    bar: dict | None
    kept: bool | None
    source: str
    seconds: float | None

    def _ipython_display_(self) -> None:
        """Show nothing: the sentence has been shown already."""


class _NoSpread(float):
    """Half width of an interval that one value does not have: formats as a dash in any format."""

    def __format__(self, _):
        return "—"


@dataclasses.dataclass
class _Record:
    """The lesson whose claims are being recorded."""

    run: object
    path: Path
    started: float
    claims: dict[str, dict] = dataclasses.field(default_factory=dict)

    def write(self) -> None:
        run = self.run
        known = {"lesson": run.lesson, "profile": run.profile, "seed": run.seed, "environment": run.environment}
        files.write_json(self.path, {**known, "settings": _jsonable(run.settings), "claims": self.claims})


_record: _Record | None = None  # one lesson a kernel; set by begin


def record_path(folder: Path, profile: str, lesson: str) -> Path:
    """Where the claims of one lesson and profile are written."""
    return Path(folder) / profile / f"{lesson}.claims.json"


def begin(run) -> None:
    """Open the lesson's record, empty, so that no claim of an earlier run survives in it.

    Args:
        run: the lesson's run: anything with ``lesson``, ``profile``, ``seed``, ``settings``, ``environment`` and
            ``folder``.
    """
    global _record
    _record = _Record(run, record_path(run.folder, run.profile, run.lesson), time.perf_counter())
    _record.write()


def claim(
    name: str,
    sentence: str,
    values: float | Sequence[float],
    *,
    unit: str,
    at_least: float | dict[str, float] | None = None,
    at_most: float | dict[str, float] | None = None,
    more_than: float | dict[str, float] | None = None,
    source: str = "run",
    seconds: float | None = None,
) -> Claim:
    """Record a number that this run computed, show its sentence, and fail when it does not meet its bar.

    The record is written before an error is raised. With ``COURSE_STRICT=1`` a missed bar raises; otherwise it is
    shown in red and the lesson goes on.

    Args:
        name: noun phrase in lower case with underscores; the full name is ``<lesson>.<name>``.
        sentence: text with ``{value}`` and, if wanted, ``{spread}`` and ``{n}``, each with a format.
        values: one number, or one for each seed. The claim's value is their mean, its spread the half width of the
            95 % t-interval of the mean (none for a single number).
        unit: for example ``fraction``, ``seconds``, ``ratio``, ``images/s``.
        at_least, at_most, more_than: the bar on the mean: a number for every profile, or one for each profile named.
            A profile without bar records only. NaN meets no bar.
        source: ``run`` when trained or measured live, ``checkpoint`` when a shipped checkpoint was scored.
        seconds: what the measured work took; by default the seconds since the lesson began.

    Returns:
        The claim as recorded.

    Raises:
        RuntimeError: before :func:`begin`.
        ValueError: for a name that is no noun phrase, a sentence without ``{value}`` or with other fields, no values,
            or a bar for a profile that there is not.
        ClaimMissed: when the bar is missed and ``COURSE_STRICT=1``.
    """
    if _record is None:
        raise RuntimeError("Expected an open lesson, but there is none. Call `ledger.begin(run)` in the start cell.")
    _check_words(name, sentence)
    numbers = _finite_list(values)
    value, spread = mean_and_spread(numbers)
    bar = _bar(_record.run.profile, at_least=at_least, at_most=at_most, more_than=more_than)
    text = sentence.format(value=value, spread=_NoSpread("nan") if spread is None else spread, n=len(numbers))
    seconds = round(time.perf_counter() - _record.started if seconds is None else seconds, 1)
    made = Claim(text, value, unit, spread, len(numbers), numbers, bar, _kept(value, bar), source, seconds)
    _record.claims[name] = _jsonable(dataclasses.asdict(made))
    _record.write()
    _show(made)
    if made.kept is False and os.environ.get("COURSE_STRICT") == "1":
        full_name = f"{_record.run.lesson}.{name}"
        raise ClaimMissed(f"{full_name}: {text} Expected {_bar_words(bar)}, but got {value:.6g} {unit}.")
    return made


def mean_and_spread(values: Sequence[float]) -> tuple[float, float | None]:
    """Mean, and half width of the 95 % t-interval of the mean; no half width for a single number.

    Reference: Student (1908), The probable error of a mean, Biometrika 6.

    >>> mean, spread = mean_and_spread([1.0, 2.0, 3.0])
    >>> f"{mean:.1f} ± {spread:.3f}"
    '2.0 ± 2.484'
    """
    mean = float(np.mean(values))
    if len(values) == 1:
        return mean, None
    return mean, float(special.stdtrit(len(values) - 1, 0.975) * np.std(values, ddof=1) / math.sqrt(len(values)))


def _check_words(name: str, sentence: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        raise ValueError(f"Expected a claim's name such as fine_tuned_accuracy, but got {name!r}. Use a-z, 0-9 and _.")
    fields = {field for _, field, _, _ in string.Formatter().parse(sentence) if field is not None}
    if "value" not in fields or not fields <= {"value", "spread", "n"}:
        raise ValueError(
            f"Expected {{value}} in the sentence of {name}, beside it only {{spread}} and {{n}}, but got {sentence!r}. "
            "Do not type the number."
        )


def _finite_list(values) -> list[float]:
    """Values as a list of floats; NaN stays NaN, so that it can miss its bar."""
    numbers = np.atleast_1d(np.asarray(values, dtype=float))
    if numbers.ndim != 1 or numbers.size == 0:
        raise ValueError(f"Expected a number, or one for each seed, but got shape {numbers.shape}. Pass at least one.")
    return [float(number) for number in numbers]


def _bar(profile: str, **limits) -> dict | None:
    """The bars that hold in this profile, e.g. {"at_least": 0.86}; None where there is none."""
    unknown = {word for limit in limits.values() if isinstance(limit, dict) for word in limit} - {"smoke", "cpu", "gpu"}
    if unknown:
        raise ValueError(f"Expected bars for smoke, cpu or gpu, but got one for {', '.join(sorted(unknown))}. Mend it.")
    chosen = {name: limit.get(profile) if isinstance(limit, dict) else limit for name, limit in limits.items()}
    return {name: float(limit) for name, limit in chosen.items() if limit is not None} or None


def _kept(value: float, bar: dict | None) -> bool | None:
    if bar is None:
        return None
    met = {"at_least": operator.ge, "at_most": operator.le, "more_than": operator.gt}
    return math.isfinite(value) and all(met[name](value, limit) for name, limit in bar.items())


def _bar_words(bar: dict) -> str:
    return " and ".join(f"{name.replace('_', ' ')} {limit:g}" for name, limit in sorted(bar.items()))


def _show(made: Claim) -> None:
    """Show the sentence as Markdown: with its bar where there is one, red where it was missed."""
    if made.kept is None:
        display(Markdown(f"**Recorded:** {made.sentence}"))
    elif made.kept:
        display(Markdown(f"**Claim kept ✔** {made.sentence} (bar: {_bar_words(made.bar)})"))
    else:
        words = f"**Claim missed ✘** {made.sentence} (bar: {_bar_words(made.bar)})"
        display(Markdown(f'<span style="color:#D55E00">{words}</span>'))


def _jsonable(value):
    """The same value in what JSON has: tuples become lists, paths text, numbers that are not finite null."""
    if isinstance(value, dict):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, str | int | bool | None) else str(value)
