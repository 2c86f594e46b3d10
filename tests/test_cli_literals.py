"""Parameters arrive in a lesson as the values that were given."""

import math

import pytest

from course_utils.cli.literals import LiteralTranslator


def injected(value):
    """What a lesson finds after the injected cell has run."""
    names = {}
    exec(LiteralTranslator.codify({"GIVEN": value}), names)
    return names["GIVEN"]


@pytest.mark.parametrize(
    "value", [None, True, 3, 0.02, "it's\n“so”", (), (1,), [1, (2, 3)], {20: (3, 5), "a": None}, {(1, 2): {4}}]
)
def test_literals_keep_value_and_type(value):
    """Tuples stay tuples, numbers stay numbers as keys, and quotes and line ends survive."""
    assert injected(value) == value and type(injected(value)) is type(value)


def test_numbers_without_literals_arrive_too():
    """Not a number, and infinite."""
    assert math.isnan(injected(math.nan)) and injected(-math.inf) == -math.inf
