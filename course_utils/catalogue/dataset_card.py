"""What a card holds, and the cards of the course."""

import dataclasses
import functools
import re
import warnings
from pathlib import Path

import yaml

from course_utils import files

CATALOGUE_YML = files.REPO / "data" / "catalogue.yml"
UNKNOWN = "unknown"  # licence or consent that nobody has written down
CAPTURE_YML = "capture.yml"  # beside your own pictures: licence, consent, who took them
_UNSTATED = re.compile(  # beginnings of texts that give no permission
    r"unknown|none|null|nil|no$|no licen[cs]e|not (stated|known|specified|given|sure)|un(stated|specified|clear)"
    r"|unlicensed|n\W?a\W?$|tbd|todo|i? ?do(n.t| not) know|\W*$|((copyright|\(c\)|©).*)?all rights reserved",
    re.IGNORECASE,
)
_COMMERCE = re.compile(  # beginnings of licences that allow commercial use, unless they say NC
    r"CC ?0|CC[ -]BY|public domain|MIT\b|Apache|BSD|ISC\b|Unlicense|ODbL|ODC|CDLA-Permissive|[AL]?GPL", re.IGNORECASE
)
_NON_COMMERCIAL = re.compile(r"\bNC\b|non-?commercial", re.IGNORECASE)
KINDS, ACCESSES = ("real", "generated"), ("package", "generated", "download")


@dataclasses.dataclass(frozen=True)
class Picture:
    """One photograph of a set whose pictures have origins of their own; `file` is its name in the package."""

    title: str
    file: str
    licence: str
    source: str


@dataclasses.dataclass(frozen=True)
class Part:
    """One file of a set that comes in several, each under its own licence.

    Args:
        title: what the file holds.
        licence: its licence.
        url: where it is downloaded.
        sha256: of the downloaded file; empty where its source may write it anew without changing its content, which
            the manifest of the set then checks.
    """

    title: str
    licence: str
    url: str
    sha256: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class DatasetCard:
    """What to know of a data set before using it.

    Args:
        name: short name, e.g. ``"elpv"``; the key of the catalogue.
        title: full name.
        description: what the examples are.
        kind: ``"real"`` (taken by a camera or scanner) or ``"generated"`` (drawn by a program).
        access: ``"package"`` (comes with an installed package), ``"generated"``, ``"download"``, or ``"folder"`` (your
            own, see `from_folder`).
        examples: number of examples; None where a generator makes as many as wanted.
        size_mb: megabytes to download or, for a package, on disk.
        licence: name of the licence, or what is known where there is none.
        licence_url: where its text is; empty if there is none.
        non_commercial: True if pictures, checkpoints and pages made from the set must not be used commercially.
        attribution: the line to print beside pictures made from the set.
        source: address of the official source.
        citations: keys in the course's bibliography.
        known_bias: what the set over- or under-represents, and faults known in it.
        people_and_consent: who can be seen, and whether they agreed.
        sha256: of the content (package, see `verify`), of the file to download, or of the manifest where the archive is
            packed anew for every download; empty for generated sets and folders.
        module: the module to import; packages only.
        url: address of the file to download; downloads only, unless there are `parts`.
        path: file or folder below the data root; an archive's top folder is moved there; downloads only.
        inside: folder inside the archive that is the set; empty for the archive's top folder.
        counts: how many files a laid-out set has, by pattern below its folder, e.g. ``{"train/*": 367}``.
        manifest: name of the file in ``data/manifests`` with the SHA-256 of every file of the set.
        parts: the files of a set that comes in several, by the name of the downloaded file.
        pictures: title, licence and source of each picture, where they differ.
    """

    name: str
    title: str
    description: str
    kind: str
    access: str
    examples: int | None
    size_mb: float
    licence: str
    licence_url: str
    non_commercial: bool
    attribution: str
    source: str
    citations: tuple[str, ...]
    known_bias: str
    people_and_consent: str
    sha256: str = ""
    module: str = ""
    url: str = ""
    path: str = ""
    inside: str = ""
    counts: dict[str, int] = dataclasses.field(default_factory=dict)
    manifest: str = ""
    parts: dict[str, Part] = dataclasses.field(default_factory=dict)
    pictures: dict[str, Picture] = dataclasses.field(default_factory=dict)

    def licence_known(self) -> bool:
        """Whether somebody has said what may be done with the set; "none stated" and "all rights reserved" do not."""
        return not _UNSTATED.match(self.licence.strip())

    def commerce_allowed(self) -> bool:
        """Whether the licence is one of those known to allow commercial use; a doubt counts as no."""
        text = self.licence.strip()
        return self.licence_known() and bool(_COMMERCE.match(text)) and not _NON_COMMERCIAL.search(text)

    def terms(self) -> dict[str, str | bool]:
        """What must go with everything made from the set: licence, attribution, whether commercial use is excluded."""
        return {key: getattr(self, key) for key in ("licence", "attribution", "non_commercial")}


@functools.cache
def read_cards(path: str | Path) -> dict[str, DatasetCard]:
    """Read a catalogue file, once.

    Args:
        path: YAML file, a mapping from names to the fields of `DatasetCard`.

    Returns:
        The cards by name, in the order of the file.

    Raises:
        ValueError: if a card lacks a field, has an unknown one, or a value that does not fit, naming card and field.
    """
    entries = yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}
    return {name: _entry_to_card(name, entry) for name, entry in entries.items()}


def cards() -> dict[str, DatasetCard]:
    """All data sets of the course, by name.

    >>> {name: card.kind for name, card in cards().items() if card.access != "download"}
    {'elpv': 'real', 'photos': 'real', 'faces': 'real', 'digits': 'real', 'scenes': 'generated'}
    """
    return dict(read_cards(CATALOGUE_YML))


def card(name: str) -> DatasetCard:
    """The card of one data set.

    Raises:
        ValueError: if there is no set of that name, listing those there are.

    >>> card("elpv").licence, card("elpv").non_commercial
    ('CC BY-NC-SA 4.0', True)
    """
    known = cards()
    if name not in known:
        raise ValueError(f"Expected `name` to be one of {', '.join(known)}, but got {name!r}. Check the spelling.")
    return known[name]


def require_licence(entry: DatasetCard, *, accept_unknown: bool = False) -> dict[str, str | bool]:
    """Refuse a set whose licence nobody has stated, or say aloud that it is used all the same.

    Call it before training. Pictures without a licence belong to whoever took them, and a network that learnt from
    them may have to be thrown away.

    Args:
        entry: the card of the set, from `card` or of a capture.
        accept_unknown: go on without a licence. The run then warns, so that it is written where the result is.

    Returns:
        What must go with everything made from the set, see `DatasetCard.terms`.

    Raises:
        ValueError: if the licence is unknown and that is not accepted.

    >>> require_licence(card("elpv"))["non_commercial"]
    True
    """
    if entry.licence_known():
        return entry.terms()
    if not accept_unknown:
        remedy = (
            f"Ask whoever took the pictures, and write `licence:` into {CAPTURE_YML} beside them"
            if entry.access == "folder"
            else f"Ask its makers ({entry.source})"
        )
        raise ValueError(
            f"Expected the set {entry.name!r} to have a licence, but its card says {entry.licence!r}. {remedy}, or "
            "pass `accept_unknown=True` where the law or the makers allow your use; the run then says so."
        )
    warnings.warn(
        f"This run uses the set {entry.name!r} without a licence (its card says {entry.licence!r}). Whoever took the "
        "pictures may forbid what is made from them.",
        stacklevel=2,
    )
    return entry.terms()


def _entry_to_card(name: str, entry: dict) -> DatasetCard:
    fields = {field.name: field for field in dataclasses.fields(DatasetCard)}
    required = {key for key, field in fields.items() if field.default is field.default_factory}  # both are MISSING
    required -= {"name"}
    required |= {"package": {"module", "sha256"}, "download": {"path", "sha256"}}.get(entry.get("access"), set())
    required |= {"url"} if entry.get("access") == "download" and "parts" not in entry else set()
    missing, unknown = sorted(required - set(entry)), sorted(set(entry) - set(fields))
    if missing or unknown:
        raise ValueError(
            f"Expected the card {name!r} to have the fields of `DatasetCard`, but got none for {missing} and unknown "
            f"ones {unknown}. Add or rename them in the catalogue file."
        )
    for key, values in {"kind": KINDS, "access": ACCESSES}.items():
        if entry[key] not in values:
            raise ValueError(
                f"Expected `{key}` of the card {name!r} to be one of {values}, but got {entry[key]!r}. "
                "Correct it in the catalogue file."
            )
    pictures = {key: Picture(**picture) for key, picture in entry.get("pictures", {}).items()}
    parts = {key: Part(**part) for key, part in entry.get("parts", {}).items()}
    made = {"name": name, "citations": tuple(entry["citations"]), "pictures": pictures, "parts": parts}
    return DatasetCard(**entry | made)
