"""The harness of the checkers, with toy exercises; those of the lessons are tested in notebooks/test_checkers.py."""

import math
import random

import numpy as np
import pytest
import torch

from course_utils import exercises
from course_utils.exercises import Wrong, checker, describe, expect_close

HINT = "Is the sum divided by the count?"


@pytest.fixture(autouse=True)
def lenient(monkeypatch):
    """Each test starts as in a learner's Lab: wrong answers are told, not raised."""
    monkeypatch.delenv("COURSE_STRICT", raising=False)
    monkeypatch.delenv("COURSE_GRADING", raising=False)


@checker("98.1", hint=HINT)
def check_98_1(function, seed):
    """A toy: the mean of a row of numbers."""
    generator = torch.Generator().manual_seed(seed)
    expect_close(function(torch.tensor([1.0, 2.0, 6.0])), 3.0, given="[1, 2, 6]")
    numbers = torch.rand(10, generator=generator)
    expect_close(function(numbers), sum(numbers.tolist()) / 10, given="ten random numbers")
    return "three numbers, ten random numbers"


def printed(capsys) -> str:
    """What was printed, proved to be one line."""
    text = capsys.readouterr().out
    assert text.endswith("\n") and text.count("\n") == 1
    return text.rstrip("\n")


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_right_answer_prints_what_was_checked(capsys, seed):
    """A right answer gets one line with a tick and passes, under any seed."""
    result = check_98_1(torch.mean, seed=seed)
    assert printed(capsys) == "98.1 ✔ three numbers, ten random numbers"
    assert result.passed is True


def test_wrong_answer_prints_input_expected_got_and_hint(capsys):
    """A wrong answer gets one line: the input, both values, and a question."""
    result = check_98_1(torch.sum)
    assert printed(capsys) == f"98.1 ✘ for [1, 2, 6]: expected 3.0000, got 9.0000. {HINT}"
    assert result.passed is False


def test_a_hint_of_the_comparison_replaces_the_general_one(capsys):
    """A message that ends in its own question is not followed by the checker's hint."""

    @checker("98.2", hint=HINT)
    def check_98_2(function, seed):
        expect_close(function(2), 4, given="2", hint="Is it squared?")
        return "one number"

    check_98_2(lambda x: x)
    assert printed(capsys) == "98.2 ✘ for 2: expected 4, got 2. Is it squared?"


@pytest.mark.parametrize("strict", ["0", "1"])
def test_stub_is_not_done_and_never_raises(capsys, monkeypatch, strict):
    """The stripped stub prints "not done yet", also where wrong answers raise."""
    monkeypatch.setenv("COURSE_STRICT", strict)

    def stub(numbers):
        raise NotImplementedError("your turn")

    result = check_98_1(stub)
    assert printed(capsys) == "98.1 … not done yet"
    assert result.passed is None


def test_error_of_the_answer_is_told_in_one_line(capsys):
    """An exception inside the learner's function names the call, its type and its text, and is no traceback."""

    def mean(numbers):
        raise ZeroDivisionError("division\nby zero")

    check_98_1(mean)
    call, error = "mean([1.0000, 2.0000, 6.0000])", "ZeroDivisionError: division by zero"
    assert printed(capsys) == f"98.1 ✘ for {call}: expected an answer, got {error}. {HINT}"


def test_library_error_of_the_not_implemented_kind_is_no_stub(capsys):
    """PyTorch raises NotImplementedError for an operation on the wrong dtype: that answer is wrong, not absent."""
    check_98_1(lambda numbers: torch.nn.functional.adaptive_avg_pool1d(numbers.long()[None, None], 1))
    assert printed(capsys).startswith("98.1 ✘ for <lambda>(")


def test_answer_that_the_checker_cannot_handle_is_wrong(capsys):
    """An answer on which the checker's own code fails gives a ✘ with the hint, not a traceback."""

    @checker("98.3", hint=HINT)
    def check_98_3(function, seed):
        expect_close(function(1).shape, (1,), given="1")
        return "the shape"

    assert check_98_3(lambda x: None).passed is False
    assert "AttributeError" in printed(capsys)


def test_something_that_is_no_function_is_wrong(capsys):
    """Handing over a value instead of the function is told as such."""
    assert check_98_1(3.0).passed is False
    assert printed(capsys).startswith("98.1 ✘ expected a function, got 3.0000.")


def test_strict_raises_on_a_wrong_answer_only(capsys, monkeypatch):
    """COURSE_STRICT=1 raises AssertionError with the line after printing it; right answers pass."""
    monkeypatch.setenv("COURSE_STRICT", "1")
    with pytest.raises(AssertionError, match=r"^98\.1 ✘"):
        check_98_1(torch.sum)
    assert printed(capsys).startswith("98.1 ✘")
    assert check_98_1(torch.mean).passed


def test_grading_raises_on_a_stub(monkeypatch):
    """COURSE_GRADING=1 raises on what is not done, since nbgrader gives every point to a cell without an error."""
    monkeypatch.setenv("COURSE_GRADING", "1")

    def stub(numbers):
        raise NotImplementedError("your turn")

    with pytest.raises(AssertionError, match="not done yet"):
        check_98_1(stub)
    assert check_98_1(torch.mean).passed


def test_long_messages_are_cut(capsys):
    """A message of many lines and thousands of characters stays one readable line that ends in the hint."""

    def talkative(numbers):
        raise RuntimeError("line\n" * 2000)

    check_98_1(talkative)
    line = printed(capsys)
    assert len(line) < 400 and line.endswith(HINT)


def test_checking_leaves_the_generators_alone():
    """A check that draws random numbers does not change those drawn after it."""

    @checker("98.4", hint=HINT)
    def check_98_4(function, seed):
        torch.manual_seed(9), np.random.seed(9), random.seed(9)
        function()
        return "nothing"

    def draws():
        return torch.rand(1).item(), np.random.rand(), random.random()

    torch.manual_seed(0), np.random.seed(0), random.seed(0)
    expected = draws()
    torch.manual_seed(0), np.random.seed(0), random.seed(0)
    check_98_4(draws)
    assert draws() == expected


def test_result_shows_nothing_in_a_notebook():
    """A check as last line of a cell adds no Out[…] below the printed line."""
    from IPython.core.formatters import DisplayFormatter

    data, _ = DisplayFormatter().format(exercises.Result("98.1", True, "98.1 ✔ all"))
    assert data == {}


def test_name_and_number_of_a_checker_agree():
    """A checker whose name belongs to another exercise is refused where it is written."""
    with pytest.raises(ValueError, match="called check_98_5, but got check_98_6"):

        @checker("98.5", hint=HINT)
        def check_98_6(function, seed):
            return "nothing"


def test_checker_that_says_nothing_is_our_own_mistake():
    """A checker that forgets to say what it checked fails as our bug, not as the learner's."""

    @checker("98.7", hint=HINT)
    def check_98_7(function, seed):
        return None

    with pytest.raises(AssertionError, match="must return what it checked"):
        check_98_7(abs)


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (1, 1.0),
        (torch.tensor(0.5), 0.5),
        (np.float32(0.5), 0.5),
        (0.5, np.float64(0.5)),
        (True, np.bool_(True)),
        (math.inf, math.inf),
        ("cat", "cat"),
        (None, None),
        ((1, [2.0, "a"]), (1, [2.0, "a"])),
        ({"a": torch.zeros(2)}, {"a": torch.zeros(2)}),
        (torch.zeros(0, 4), torch.zeros(0, 4)),
        (torch.ones(2, 3, dtype=torch.float64), torch.ones(2, 3)),
        (torch.ones(2, dtype=torch.bfloat16), torch.ones(2)),
        (torch.tensor([1, 2], dtype=torch.int32), torch.tensor([1, 2])),
        (torch.tensor([1.0, 2.0], requires_grad=True), torch.tensor([1.0, 2.0 + 1e-7])),
        (np.array([True, False]), np.array([True, False])),
        (np.array(["a", "b"]), np.array(["a", "b"])),
    ],
)
def test_equal_answers_are_accepted(actual, expected):
    """Values that agree within the tolerance and in kind are accepted, whatever holds them."""
    expect_close(actual, expected, given="x")


@pytest.mark.parametrize(
    ("actual", "expected", "message"),
    [
        (math.nan, 0.5, "expected 0.5000, got nan"),
        (math.nan, math.nan, "expected nan, got nan"),
        (np.array([np.nan]), np.array([np.nan]), "got \\[nan\\]"),
        (None, 0.5, "expected 0.5000, got None"),
        (1, True, "expected True, got 1"),
        ("0.5", 0.5, "expected 0.5000, got '0.5'"),
        (0.50006, 0.50001, "expected 0.50001, got 0.50006|expected 0.5000, got 0.5001"),
        (1e-7, 2.0, "expected 2.0000, got 1e-07"),
        ([0.5, 0.5], torch.zeros(2), "expected a float32 tensor of shape \\(2,\\), got \\[0.5000, 0.5000\\]"),
        (np.zeros((2, 3)), torch.zeros(2, 3), "expected a float32 tensor of shape \\(2, 3\\), got a float64 array"),
        (torch.zeros(3, 2), torch.zeros(2, 3), "expected shape \\(2, 3\\), got shape \\(3, 2\\)"),
        (torch.zeros(2, dtype=torch.int64), torch.zeros(2), "expected a float32 tensor, got an int64 tensor"),
        (torch.zeros(2, dtype=torch.uint8), torch.zeros(2, dtype=torch.bool), "expected a bool tensor, got a uint8"),
        (torch.tensor([0, 1]), torch.tensor([1, 0]), "expected \\[1, 0\\], got \\[0, 1\\]"),
        (torch.eye(3), torch.zeros(3, 3), "expected 0.0000 at \\[0, 0\\], got 1.0000 \\(3 of 9 values differ\\)"),
        ((1, 2), (1, 3), "expected 3 at \\[1\\], got 2"),
        ([1, 2], (1, 2), "expected a tuple of 2, got a list of 2"),
        ((1, 2, 3), (1, 2), "expected a tuple of 2, got a tuple of 3"),
        ({"a": 1}, {"b": 1}, "expected the keys \\['b'\\], got \\['a'\\]"),
        ({"a": 1}, {"a": 2}, "expected 2 at \\['a'\\], got 1"),
        ("dog", "cat", "expected 'cat', got 'dog'"),
    ],
)
def test_unequal_answers_are_told_apart(actual, expected, message):
    """Type, shape, kind and value are compared in this order, and the first difference is named."""
    with pytest.raises(Wrong, match=f"^for x: .*({message})"):
        expect_close(actual, expected, given="x")


def test_close_numbers_are_printed_with_the_digits_that_differ():
    """Two numbers that agree in four decimals but not within the tolerance are printed in full."""
    with pytest.raises(Wrong, match=r"expected 0\.5, got 0\.50001"):
        expect_close(0.50001, 0.5, given="x", tolerance=1e-6)


def test_describe_keeps_large_values_short():
    """Images, long lists and models are named by kind, not printed."""
    assert describe(np.zeros((5, 5, 3), np.uint8)) == "a uint8 array of shape (5, 5, 3)"
    assert describe(list(range(100))) == "a list"
    assert describe(torch.nn.Linear(2, 2)) == "a Linear"
    assert describe([]) == "[]" and describe((1,)) == "(1,)"


def test_checkers_are_found_in_their_lesson(monkeypatch, tmp_path):
    """exercises.check_97_1 imports lesson_97 when it is asked for; an unknown number lists the known ones."""
    source = (
        "from course_utils.exercises import checker, expect_close\n\n\n@checker('97.1', hint='?')\n"
        "def check_97_1(function, seed):\n    expect_close(function(1), 1, given='1')\n    return 'one'\n"
    )
    (tmp_path / "lesson_97.py").write_text(source)
    monkeypatch.setattr(exercises, "__path__", [*exercises.__path__, str(tmp_path)])
    assert exercises.check_97_1(lambda x: x).passed
    with pytest.raises(AttributeError, match=r"lesson_97 \(check_97_1\), but got check_97_9"):
        exercises.check_97_9  # noqa: B018


@pytest.mark.parametrize("name", ["check_96_1", "check_nothing", "nothing"])
def test_unknown_names_are_refused(name):
    """A lesson without checkers, and a name that is none of a checker, raise AttributeError with that name."""
    with pytest.raises(AttributeError, match=name):
        getattr(exercises, name)
