"""The page of results: what was recorded, and beside it what this build gave."""

from course_utils.cli import results


def claim(value=0.871, **changes) -> dict:
    """A claim as the ledger records it."""
    made = {"sentence": "Right in 87.1%.", "value": value, "unit": "fraction", "spread": 0.012, "n": 3, "values": []}
    return made | {"bar": {"at_least": 0.86}, "kept": True, "source": "run", "seconds": 9.0} | changes


def recorded(**claims: dict) -> dict:
    """A committed record with one lesson."""
    lesson = {"device": "two cores", "date": "2026-01-02", "torch": "2.14.1", "commit": "abc", "seconds": 90.2}
    return {"schema": 1, "lessons": {"22_x": lesson}, "claims": {f"22_x.{name}": one for name, one in claims.items()}}


def own(profile: str = "cpu", **claims: dict) -> dict:
    """The record of a run of this build."""
    return {"lesson": "22_x", "profile": profile, "device": "my laptop", "claims": claims}


def rows(text: str) -> list[list[str]]:
    """Cells of the rows below the tables' heads, with ordinary spaces."""
    lines = [line for line in text.replace("\xa0", " ").splitlines() if line.startswith("|")]
    return [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in lines
        if not line.startswith(("| Claim", "|--"))
    ]


def test_nothing_recorded_is_said():
    """Without a record the page says so and how to make one."""
    assert results.results_text({}) == results.NOTHING
    assert results.NOTHING in results.results_text({}, [own(a=claim())])


def test_recorded_and_own_value_stand_in_one_row():
    """A claim has one row: sentence, recorded value, bar, source, value of this build."""
    text = results.results_text(
        {"cpu": recorded(accuracy=claim())}, [own(accuracy=claim(0.85, kept=False, n=1, spread=None))]
    )
    assert rows(text) == [
        ["Right in 87.1%.", "87.1 % ± 1.2 (n = 3), ✔ kept", "≥ 86.0 %", "run", "85.0 % (n = 1), ✘ missed"]
    ]
    assert "Recorded: two cores, 2026-01-02, torch 2.14.1, commit abc, 90 s." in text
    assert "This build: my laptop." in text and results.NOTHING not in text


def test_profiles_are_not_mixed():
    """A smoke run does not stand beside a recorded cpu run."""
    text = results.results_text({"cpu": recorded(accuracy=claim())}, [own("smoke", accuracy=claim(0.5))])
    assert [row[-1] for row in rows(text)] == ["—", "50.0 % ± 1.2 (n = 3), ✔ kept"]
    assert text.index("## Profile `cpu`") < text.index("## Profile `smoke`")


def test_claims_without_bar_unit_or_number_are_shown():
    """No bar, an upper bar, another unit and a number that was not finite each have their words."""
    text = results.results_text(
        {
            "gpu": recorded(
                free=claim(bar=None, kept=None),
                fast=claim(12.5, unit="seconds", spread=0.5, bar={"at_most": 20.0}, source="checkpoint"),
                broken=claim(None, spread=None, kept=False),
            )
        }
    )
    assert [row[1:4] for row in rows(text)] == [
        ["87.1 % ± 1.2 (n = 3), no bar", "—", "run"],
        ["12.5 seconds ± 0.5 (n = 3), ✔ kept", "≤ 20 seconds", "checkpoint"],
        ["not a number (n = 3), ✘ missed", "≥ 86.0 %", "run"],
    ]


def test_sentence_cannot_break_the_table():
    """A bar or a line end in a sentence stays inside its cell."""
    text = results.results_text({"cpu": recorded(a=claim(sentence="a | b\nc"))})
    assert r"| a \| b c |" in text


def test_lesson_is_linked_where_the_book_has_its_page():
    """Only lessons of this book are linked: a link to nothing would be an error."""
    record = {"cpu": recorded(a=claim())}
    assert "### [22_x](notebooks/22_x.ipynb)" in results.results_text(record, linked=["22_x"])
    assert "### 22_x" in results.results_text(record)


def test_lesson_without_claims_is_named():
    """A recorded lesson that claims nothing still has its machine and date."""
    assert "This lesson makes no claims." in results.results_text({"cpu": recorded()})
