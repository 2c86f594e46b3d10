"""Claims: recorded before they are judged, judged by their mean, and never kept by what is not a number."""

import json
import math
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from course_utils import ledger

WORDS = "Right in {value:.1%} ± {spread:.1%} (n = {n})."
NAN = float("nan")


@pytest.fixture
def lesson(monkeypatch, tmp_path):
    """A function that opens a lesson in a profile; `.read()` gives its record, strict JSON, `.shown` what it showed."""
    shown = []
    monkeypatch.setattr(ledger, "_record", None)
    monkeypatch.setattr(ledger, "display", lambda made: shown.append(made.data))

    def refuse(word):
        raise AssertionError(f"the record holds {word}, which JSON does not have")

    def open_lesson(profile="cpu", name="90_toy", **settings):
        run = SimpleNamespace(lesson=name, profile=profile, seed=3, settings=settings, environment={"device": "d"})
        run.folder = tmp_path
        ledger.begin(run)
        return run

    def read(profile="cpu", name="90_toy"):
        return json.loads((tmp_path / profile / f"{name}.claims.json").read_text("utf-8"), parse_constant=refuse)

    open_lesson.read, open_lesson.shown = read, shown
    return open_lesson


def claim(values=0.9, name="accuracy", sentence=WORDS, **more):
    """A claim with fixed words."""
    return ledger.claim(name, sentence, values, **{"unit": "fraction"} | more)


# record


def test_begin_empties_the_record_of_an_earlier_run(lesson):
    """After the start cell no claim of the last run is left; another lesson's record is not touched."""
    lesson(name="91_other")
    claim()
    lesson()
    claim(name="old")
    assert set(lesson.read()["claims"]) == {"old"}
    lesson()
    assert lesson.read()["claims"] == {} and set(lesson.read(name="91_other")["claims"]) == {"accuracy"}


def test_record_holds_the_run_and_every_field_of_the_claims(lesson):
    """The file has lesson, profile, seed, settings, environment, and for each claim the ten agreed fields."""
    run = lesson("smoke", EPOCHS=2)
    run.settings["SIZES"] = (8, 16)  # picked after the start cell
    made = claim([0.8, 1.0], at_least=0.5, seconds=12.34)
    record = lesson.read("smoke")
    claims = record.pop("claims")
    assert record == {
        "lesson": "90_toy", "profile": "smoke", "seed": 3,
        "settings": {"EPOCHS": 2, "SIZES": [8, 16]}, "environment": {"device": "d"},
    }  # fmt: skip
    assert claims["accuracy"] == {
        "sentence": made.sentence, "value": pytest.approx(0.9), "unit": "fraction", "spread": made.spread, "n": 2,
        "values": [0.8, 1.0], "bar": {"at_least": 0.5}, "kept": True, "source": "run", "seconds": 12.3,
    }  # fmt: skip


def test_record_never_holds_nan_or_infinity(lesson):
    """What is no number is null in value, spread, values and settings, so that every reader of JSON can read it."""
    lesson(RATE=NAN)
    claim([NAN, 1.0], name="unknown", at_least=0.0)
    claim(math.inf, name="endless")
    record = lesson.read()
    assert record["settings"] == {"RATE": None}
    unknown, endless = record["claims"]["unknown"], record["claims"]["endless"]
    assert (unknown["value"], unknown["spread"], unknown["values"]) == (None, None, [None, 1.0])
    assert (endless["value"], endless["spread"], endless["values"]) == (None, None, [None])


def test_a_claim_made_again_replaces_itself(lesson):
    """A cell that a reader runs twice leaves one claim, the later one."""
    lesson()
    claim(0.1), claim(0.2)
    assert lesson.read()["claims"]["accuracy"]["value"] == 0.2


def test_seconds_are_counted_from_the_start_of_the_lesson(lesson, monkeypatch):
    """Without seconds of its own, a claim has those since the lesson began."""
    now = [100.0]
    monkeypatch.setattr(ledger.time, "perf_counter", lambda: now[0])
    lesson()
    now[0] = 107.26
    assert claim().seconds == 7.3
    assert claim(source="checkpoint", seconds=0).seconds == 0


def test_claims_need_an_open_lesson(lesson):
    """Before the start cell a claim says what to call."""
    with pytest.raises(RuntimeError, match=r"Expected an open lesson.*`ledger\.begin\(run\)` in the start cell"):
        claim()


# bars


@pytest.mark.parametrize(
    ("value", "limits", "kept"),
    [
        (0.86, {"at_least": 0.86}, True),
        (0.8599, {"at_least": 0.86}, False),
        (0.86, {"at_most": 0.86}, True),
        (0.8601, {"at_most": 0.86}, False),
        (0.5, {"at_least": 0.4, "at_most": 0.6}, True),
        (0.7, {"at_least": 0.4, "at_most": 0.6}, False),
        (0.3, {"at_least": 0.4, "at_most": 0.6}, False),
        (-1, {"at_least": 0}, False),  # a bar of zero is a bar
        (0, {"more_than": 0}, False),
        (1e-9, {"more_than": 0}, True),
        (0.7, {"more_than": 0, "at_most": 0.6}, False),
        (0.5, {}, None),
        (NAN, {}, None),
        (NAN, {"at_least": -math.inf}, False),
        (NAN, {"at_most": math.inf}, False),
        (NAN, {"more_than": -1}, False),
        (NAN, {"at_least": 0, "at_most": 1}, False),
    ],
)
def test_bars_are_met_from_either_side_and_never_by_nan(lesson, value, limits, kept):
    """A value on the bar meets it, unless it is to be more; NaN meets none; without a bar there is nothing to keep."""
    lesson()
    assert claim(value, **limits).kept is kept
    assert lesson.read()["claims"]["accuracy"]["kept"] is kept


@pytest.mark.parametrize(("profile", "kept"), [("smoke", None), ("cpu", True), ("gpu", False)])
def test_each_profile_has_its_own_bar(lesson, profile, kept):
    """Bars by profile hold in theirs alone; a profile that is not named only records."""
    lesson(profile)
    made = claim(0.87, at_least={"cpu": 0.86, "gpu": 0.895}, at_most={"gpu": 1.0})
    bars = {"smoke": None, "cpu": {"at_least": 0.86}, "gpu": {"at_least": 0.895, "at_most": 1.0}}
    assert made.kept is kept and made.bar == bars[profile]


def test_a_bar_for_a_misspelt_profile_is_refused(lesson):
    """A bar that would hold in no profile is an error, and not a claim without a bar."""
    lesson("cpu")
    with pytest.raises(ValueError, match="Expected bars for smoke, cpu or gpu, but got one for cup"):
        claim(at_least={"cup": 0.86})


@pytest.mark.parametrize(("values", "kept"), [([0.80, 0.92, 0.90], True), ([0.95, 0.95, 0.60], False)])
def test_the_mean_meets_the_bar(lesson, values, kept):
    """Neither the best nor the worst seed decides, but the mean of all: 0.873 keeps 0.86, 0.833 does not."""
    lesson()
    assert claim(values, at_least=0.86).kept is kept
    assert claim(np.array(values, np.float32), at_least=0.86).value == pytest.approx(sum(values) / 3)


@pytest.mark.parametrize("values", [[0.86, 0.87], [0.851, 0.874, 0.869], [3.0] * 4, np.linspace(-5, 7, 30)])
def test_spread_is_half_the_t_interval_of_scipy(lesson, values):
    """Value and spread are centre and half width of scipy.stats' 95 % t-interval of the mean."""
    lesson()
    made = claim(values)
    scale = stats.sem(values)
    low, high = stats.t.interval(0.95, len(values) - 1, loc=np.mean(values), scale=scale) if scale else (3.0, 3.0)
    assert (made.value - made.spread, made.value + made.spread) == pytest.approx((low, high))
    assert made.n == len(values) and made.values == pytest.approx(list(values))


def test_one_number_has_no_spread(lesson):
    """A single number, bare or in a list, has spread None, shown as a dash whatever the format."""
    lesson()
    for values in (0.871, [0.871], np.float32(0.871)):
        made = claim(values)
        assert made.spread is None and made.n == 1
        assert made.sentence == "Right in 87.1% ± — (n = 1)."


# strict or not


def test_strict_raises_after_the_record_is_written(lesson, monkeypatch):
    """With COURSE_STRICT=1 a miss ends the lesson with name, bar and number, and is in the record all the same."""
    monkeypatch.setenv("COURSE_STRICT", "1")
    lesson()
    message = r"^90_toy\.accuracy: Right in 50\.0%.* Expected at least 0\.86 and at most 1, but got 0\.5 fraction\.$"
    with pytest.raises(ledger.ClaimMissed, match=message):
        claim(0.5, at_least=0.86, at_most=1)
    found = lesson.read()["claims"]["accuracy"]
    assert found["kept"] is False and found["value"] == 0.5
    assert claim(0.9, at_least=0.86).kept and claim(0.5, name="free").kept is None


def test_nan_is_a_miss_in_strict(lesson, monkeypatch):
    """A training that diverged ends the lesson, and the record can still be read."""
    monkeypatch.setenv("COURSE_STRICT", "1")
    lesson()
    with pytest.raises(ledger.ClaimMissed, match="but got nan fraction"):
        claim([0.9, NAN], at_least=0.86)
    assert lesson.read()["claims"]["accuracy"]["kept"] is False


@pytest.mark.parametrize("strict", [None, "0", ""])
def test_without_strict_a_miss_is_red_and_the_lesson_goes_on(lesson, monkeypatch, strict):
    """In a reader's Lab a miss is shown in red and in words, a claim that is kept is not, and no error is raised."""
    if strict is not None:
        monkeypatch.setenv("COURSE_STRICT", strict)
    lesson()
    claim(0.5, at_least=0.86), claim(0.9, at_least=0.86), claim(0.9)
    missed, kept, plain = lesson.shown
    assert "color:#D55E00" in missed and "missed" in missed and "Right in 50.0%" in missed and "at least 0.86" in missed
    assert "color" not in kept and "kept" in kept and "at least 0.86" in kept
    assert "color" not in plain and "Recorded" in plain and "bar" not in plain


def test_the_sentence_is_shown_once(lesson):
    """A claim as the last line of a cell shows its sentence, and not its fields as well."""
    from IPython.core.formatters import DisplayFormatter

    lesson()
    assert DisplayFormatter().format(claim()) == ({}, {}) and len(lesson.shown) == 1


# bad input


@pytest.mark.parametrize(
    "sentence", ["Right in 87 %.", "Right in {{value}} of {n}.", "Right in {values}.", "{value} for {arm}", "{}"]
)
def test_sentences_without_the_number_are_refused(lesson, sentence):
    """A typed number, doubled braces and unknown fields are no sentence of a claim, and leave no record."""
    lesson()
    with pytest.raises(ValueError, match=r"Expected \{value\} in the sentence of accuracy"):
        claim(sentence=sentence)
    assert lesson.read()["claims"] == {}


@pytest.mark.parametrize("name", ["", "Accuracy", "fine-tuned", "1st", "a__b", "a_", "90_toy.accuracy", "accuracy\n"])
def test_bad_names_are_refused(lesson, name):
    """Names are lower case with single underscores, so that <lesson>.<name> is one key."""
    lesson()
    with pytest.raises(ValueError, match="Expected a claim's name such as fine_tuned_accuracy, but got"):
        claim(name=name)


@pytest.mark.parametrize(("values", "shape"), [([], r"\(0,\)"), ([[0.1, 0.2]], r"\(1, 2\)")])
def test_no_values_and_tables_are_refused(lesson, values, shape):
    """A claim is about one number or one a seed; nothing and a table are refused with their shape."""
    lesson()
    with pytest.raises(ValueError, match=f"Expected a number, or one for each seed, but got shape {shape}"):
        claim(values)
