"""The data cards as people read them: the table of licences in the README and the book's page on data."""

from collections.abc import Iterable

from course_utils import catalogue
from course_utils.catalogue import DatasetCard


def licence_table(cards: Iterable[DatasetCard] | None = None) -> str:
    """Markdown table: every set with its licence, whether it may be used commercially, and whom to name.

    Args:
        cards: the cards to show; by default all of `data/catalogue.yml`.

    Returns:
        A table with one row a card, in the order of the cards.
    """
    rows = ["| Set | Images | Licence | Use | Attribution |", "|---|---|---|---|---|"]
    for card in _all(cards):
        use = "**non-commercial**" if card.non_commercial else "see the licence"
        rows.append(f"| {card.name} | {card.kind} | {_licence(card)} | {use} | {_line(card.attribution)} |")
    return "\n".join(rows)


def cards_text(cards: Iterable[DatasetCard] | None = None) -> str:
    """Markdown of the cards: a section each, with what is in the set, who may use it, and what is wrong with it."""
    return "\n\n".join(_card_text(card) for card in _all(cards))


def _card_text(card: DatasetCard) -> str:
    size = f"{card.examples:,} images, " if card.examples else ""
    source = f"<{card.source}>" if card.source.startswith("http") else f"`{card.source}`"
    cited = f" {{cite:p}}`{','.join(card.citations)}`" if card.citations else ""
    facts = {
        "Images": f"{size}{card.kind}, {_access(card)}",
        "Licence": _licence(card) + (", **non-commercial**" if card.non_commercial else ""),
        "Attribution": f"{_line(card.attribution)}{cited}",
        "Source": source,
        "Checked": _checked(card),
        "Known bias": _line(card.known_bias),
        "People and consent": _line(card.people_and_consent),
    }
    table = "\n".join(["| | |", "|---|---|", *(f"| **{name}** | {fact} |" for name, fact in facts.items())])
    rows = [f"| {picture.title} | {picture.licence} | {_line(picture.source)} |" for picture in card.pictures.values()]
    if rows:
        table += "\n\n" + "\n".join(["| Picture | Licence | Source |", "|---|---|---|", *rows])
    rows = [f"| {part.title} | {part.licence} | <{part.url}> |" for part in card.parts.values()]
    if rows:
        table += "\n\n" + "\n".join(["| Part | Licence | Source |", "|---|---|---|", *rows])
    return f"## {card.name}: {card.title}\n\n{_line(card.description)}\n\n{table}"


def _all(cards: Iterable[DatasetCard] | None) -> list[DatasetCard]:
    return list(catalogue.cards().values() if cards is None else cards)


def _licence(card: DatasetCard) -> str:
    return f"[{card.licence}]({card.licence_url})" if card.licence_url else card.licence


def _access(card: DatasetCard) -> str:
    """How the images come to the machine, in words."""
    ways = {"package": "comes with an installed package", "generated": "drawn on your machine from a seed"}
    return ways.get(card.access, f"downloaded once, {card.size_mb:g} MB")


def _checked(card: DatasetCard) -> str:
    """How the course makes sure that the set is the described one, in words."""
    if card.manifest:
        return f"every file that `data/manifests/{card.manifest}` lists, by SHA-256 (`catalogue.verify`)"
    return f"SHA-256 {card.sha256}" if card.sha256 else "drawn from a seed: the same seed gives the same pixels"


def _line(text: str) -> str:
    """Text fit for one cell of a table.

    >>> _line("a | b\\nc")
    'a \\\\| b c'
    """
    return " ".join(text.split()).replace("|", "\\|")
