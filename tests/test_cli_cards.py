"""The data cards in the README and in the book."""

import dataclasses

import pytest

from course_utils import catalogue
from course_utils.cli import cards


@pytest.fixture(scope="module")
def elpv() -> catalogue.DatasetCard:
    """The card of the set whose licence matters most."""
    return catalogue.card("elpv")


def test_every_card_has_a_row_and_a_section():
    """No set is left out of the README or the book."""
    table, text = cards.licence_table(), cards.cards_text()
    for name, card in catalogue.cards().items():
        assert f"\n| {name} |" in table
        assert f"## {name}: {card.title}" in text


def test_non_commercial_sets_say_so(elpv):
    """Licence, attribution and the word stand in the row and in the section."""
    for text in (cards.licence_table([elpv]), cards.cards_text([elpv])):
        assert "CC BY-NC-SA 4.0" in text and "**non-commercial**" in text and "Buerhop-Lutz" in text


def test_commercial_sets_are_not_called_non_commercial(elpv):
    """The word depends on the card's field, not on its texts."""
    free = dataclasses.replace(elpv, non_commercial=False)
    assert "**non-commercial**" not in cards.licence_table([free]) + cards.cards_text([free])


def test_text_cannot_break_a_table(elpv):
    """Bars and line ends in a card stay inside their cell."""
    odd = dataclasses.replace(elpv, known_bias="a | b\nc", attribution="d | e")
    assert r"| a \| b c |" in cards.cards_text([odd])
    assert r"| d \| e |" in cards.licence_table([odd])


def test_no_cards_give_an_empty_table():
    """An empty catalogue is a table without rows."""
    assert len(cards.licence_table([]).splitlines()) == 2
    assert cards.cards_text([]) == ""


def test_sets_in_parts_name_the_licence_of_each_and_how_they_are_checked():
    """The page of the human labels has a row a part with licence and address, and says what is compared."""
    text = cards.cards_text([catalogue.card("cifar10_human_labels")])
    assert "| CIFAR-10H | CC BY-NC-SA 4.0 | <https://github.com/jcpeterson/cifar-10h" in text
    assert "`data/manifests/cifar10_human_labels.sha256` lists, by SHA-256" in text
    assert "drawn from a seed" in cards.cards_text([catalogue.card("scenes")])
