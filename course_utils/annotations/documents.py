"""Annotation files as strangers send them: read within a limit, and every complaint names the file and line or key.

Both kinds of file become nodes that know where they stand and that give out numbers and texts only after a check.
XML goes through defusedxml, which refuses entities and what they could fetch or blow up.
"""

from __future__ import annotations

import json
import math
import os
import reprlib
import xml.sax
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import defusedxml.sax
from defusedxml import DefusedXmlException

MAX_MB = 100  # of one file; COCO's instances_val2017.json has 20, instances_train2017.json 470
DEEPEST = 50  # elements of XML inside each other; the deepest of our formats has 7


def fault(where: str, wish: str, got: object, remedy: str) -> ValueError:
    """The error for one thing that is wrong in a file: where, what was expected, what came, what to do.

    >>> fault("a.xml, line 3", "a number", "wide", "Put the width in pixels there.")
    ValueError("Expected a number in a.xml, line 3, but got 'wide'. Put the width in pixels there.")
    """
    shown = got if isinstance(got, Said) else reprlib.repr(got)
    return ValueError(f"Expected {wish} in {where}, but got {shown}. {remedy}")


class Said(str):
    """What came, in words, to be shown without quotes."""


def to_number(value: object, where: str, *, least: float | None = None) -> float:
    """A finite number from JSON or from text, or the error that names the place."""
    if isinstance(value, str) and "_" in value:  # Python would read 1_0 as 10
        value = Said(value)
    try:
        right = isinstance(value, (int, float, str)) and not isinstance(value, (bool, Said))
        number = float(value) if right else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise fault(where, "a finite number", value, "Correct the file or leave this object out.")
    if least is not None and number < least:
        raise fault(where, f"a number of {least} or more", value, "Correct the file or leave this object out.")
    return number


def to_whole(value: object, where: str, *, least: int | None = None) -> int:
    """A whole number from JSON or from text; 3.0 is one."""
    number = to_number(value, where, least=least)
    if number != int(number) or abs(number) > 2**53:
        raise fault(where, "a whole number", value, "Correct the file or leave this object out.")
    return int(number)


@dataclass(frozen=True)
class Node:
    """A value inside a JSON file and the way to it, such as ``annotations[3].bbox``."""

    value: object
    file: str
    key: str = ""

    @property
    def where(self) -> str:
        return f"{self.file}, key {self.key}" if self.key else self.file

    def fault(self, wish: str, remedy: str) -> ValueError:
        return fault(self.where, wish, self.value, remedy)

    def __contains__(self, key: str) -> bool:
        return isinstance(self.value, dict) and self.value.get(key) is not None

    def get(self, key: str) -> Node:
        """The value below a key that must be there."""
        self._is(dict, "an object with braces")
        below = f"{self.key}.{key}" if self.key else key
        if key not in self.value:
            got = Said("no such key")
            raise fault(f"{self.file}, key {below}", f"the key {key!r}", got, "Add it, or is it another format?")
        return Node(self.value[key], self.file, below)

    def items(self) -> Iterator[tuple[str, Node]]:
        """Keys and values of an object."""
        self._is(dict, "an object with braces")
        for key, value in self.value.items():
            yield key, Node(value, self.file, f"{self.key}[{json.dumps(key)}]")

    def each(self) -> list[Node]:
        """The entries of a list."""
        self._is(list, "a list with square brackets")
        return [Node(value, self.file, f"{self.key}[{place}]") for place, value in enumerate(self.value)]

    def numbers(self, length: int | None = None) -> list[float]:
        """A list of finite numbers, of a length if one is given."""
        self._is(list, "a list of numbers")
        if length is not None and len(self.value) != length:
            raise fault(self.where, f"{length} numbers", self.value, "Correct the file or leave this object out.")
        if all(type(value) is float and math.isfinite(value) for value in self.value):  # nearly always, and quick
            return self.value
        return [to_number(entry._is((int, float), "a number").value, entry.where) for entry in self.each()]

    def number(self, least: float | None = None) -> float:
        return to_number(self._is((int, float), "a number").value, self.where, least=least)

    def whole(self, least: int | None = None) -> int:
        return to_whole(self._is((int, float), "a whole number").value, self.where, least=least)

    def text(self) -> str:
        return self._is(str, "a text in quotes").value

    def _is(self, kind: type | tuple[type, ...], wish: str) -> Node:
        """Itself, if its value is of a kind; true and false are no numbers."""
        if not isinstance(self.value, kind) or isinstance(self.value, bool):
            raise fault(self.where, wish, self.value, "Correct the file, or is it another format?")
        return self


@dataclass
class Element:
    """One element of an XML file with the line where it begins."""

    tag: str
    attributes: dict[str, str]
    file: str
    line: int
    children: list[Element] = field(default_factory=list)
    text: str = ""

    @property
    def where(self) -> str:
        return f"{self.file}, line {self.line}, <{self.tag}>"

    def all(self, tag: str) -> list[Element]:
        return [child for child in self.children if child.tag == tag]

    def one(self, tag: str) -> Element:
        """The child of that name, which must be there once."""
        found = self.all(tag)
        if len(found) != 1:
            got = Said("none" if not found else f"{len(found)}, the second in line {found[1].line}")
            raise fault(self.where, f"one <{tag}>", got, "Correct the file, or is it another format?")
        return found[0]

    def number(self, least: float | None = None) -> float:
        return to_number(self.text.strip(), self.where, least=least)

    def whole(self, least: int | None = None) -> int:
        return to_whole(self.text.strip(), self.where, least=least)

    def attribute(self, name: str) -> str:
        if name not in self.attributes:
            got = Said(f"only {sorted(self.attributes)}")
            raise fault(self.where, f"the attribute {name!r}", got, "Add it, or is it another format?")
        return self.attributes[name]

    def attribute_number(self, name: str, least: float | None = None) -> float:
        return to_number(self.attribute(name), f"{self.where} {name}", least=least)

    def attribute_whole(self, name: str, least: int | None = None) -> int:
        return to_whole(self.attribute(name), f"{self.where} {name}", least=least)


def read_limited(path: str | os.PathLike, max_mb: float) -> bytes:
    """Bytes of a file that is not larger than a limit; a larger one is refused before it is read.

    Raises:
        FileNotFoundError: There is none.
        ValueError: It is too large, or a folder.
    """
    path = Path(path)
    size = path.stat().st_size
    if not path.is_file():
        raise fault(str(path), "a file", Said("a folder"), "Give the path of the file inside it.")
    if size > max_mb * 1e6:
        remedy = f"If you trust it and have about {size / 1e8:.1f} GB of memory to spare, raise the limit: max_mb=…."
        raise fault(str(path), f"at most max_mb={max_mb:g} MB", Said(f"{size / 1e6:.1f} MB"), remedy)
    return path.read_bytes()


def decoded(data: bytes, file: str) -> str:
    """UTF-8 text, with or without byte-order mark, or the error that names the line."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        got = Said(f"the byte 0x{data[error.start]:02x}")
        raise fault(f"{file}, line {line}", "UTF-8", got, "Save it again as UTF-8, or fetch it again.") from error


def read_json(path: str | os.PathLike, max_mb: float) -> Node:
    """A JSON file whose outermost value is an object; no NaN, no Infinity, no key twice.

    Raises:
        FileNotFoundError: There is none.
        ValueError: It is larger than `max_mb`, or not such a file, with the line or key.
    """
    file, text = str(path), decoded(read_limited(path, max_mb), str(path))
    remedy = "Fetch or export it again."
    try:
        value = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_no_key_twice)
    except json.JSONDecodeError as error:
        raise fault(f"{file}, line {error.lineno}", "JSON", Said(error.msg), remedy) from error
    except _Constant as error:
        at = f"{file}, key {_way_to(text, lambda value: isinstance(value, float) and not math.isfinite(value))}"
        raise fault(at, "a finite number", Said(error), "JSON has no NaN and no Infinity; leave it out.") from error
    except _Twice as error:
        at = f"{file}, key {_way_to(text, lambda value: isinstance(value, _Doubled)) or '(outermost)'}"
        raise fault(at, f"the key {str(error)!r} once", Said("it twice"), "Rename or remove one of them.") from error
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits; brackets thousands deep
        raise fault(file, "JSON that a person or a tool would write", Said(str(error)[:80]), remedy) from error
    return Node(value, file)


def read_xml(path: str | os.PathLike, root: str, max_mb: float) -> Element:
    """An XML file with the given outermost element; no document type, no entities.

    Raises:
        FileNotFoundError: There is none.
        ValueError: It is larger than `max_mb`, or not such a file, with the line.
    """
    data, parser = read_limited(path, max_mb), defusedxml.sax.make_parser()
    builder = _Builder(str(path), parser)
    parser.forbid_dtd = True
    parser.setContentHandler(builder)
    remedy = "Export it again without them."
    try:
        parser.feed(data)
        parser.close()
    except DefusedXmlException as error:
        got = Said(type(error).__name__)
        raise fault(builder.where, "no document type, entities or references outside", got, remedy) from error
    except xml.sax.SAXParseException as error:
        at, got = f"{path}, line {error.getLineNumber()}", Said(error.getMessage())
        raise fault(at, "XML", got, "Correct it or export it again.") from error
    except (LookupError, UnicodeError) as error:
        raise fault(builder.where, "text in UTF-8", Said(str(error)[:80]), "Save it again as UTF-8.") from error
    if builder.root is None or builder.root.tag != root:
        got = builder.root.tag if builder.root else Said("nothing")
        raise fault(f"{path}, line 1", f"<{root}> as the outermost element", got, "Is it another format?")
    return builder.root


class _Constant(Exception):
    """NaN, Infinity or -Infinity met in JSON."""


class _Twice(Exception):
    """A key met twice in one object of JSON."""


def _no_constant(name: str) -> None:
    raise _Constant(name)


def _no_key_twice(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Twice(Counter(key for key, _ in pairs).most_common(1)[0][0])
    return found


class _Doubled(dict):
    """An object of JSON with a key twice."""


def _marked(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else _Doubled(found)


def _way_to(text: str, bad: Callable[[object], bool]) -> str:
    """Key of the first value in JSON that is bad; the second reading that only an error costs."""
    todo: list[tuple[str, object]] = [("", json.loads(text, object_pairs_hook=_marked))]
    while todo:
        key, value = todo.pop()
        if bad(value):
            return key
        if isinstance(value, dict):
            todo += [(f"{key}.{name}".lstrip("."), below) for name, below in reversed(value.items())]
        elif isinstance(value, list):
            todo += [(f"{key}[{place}]", below) for place, below in reversed(list(enumerate(value)))]
    return "?"


class _Builder(xml.sax.ContentHandler):
    """Builds elements out of what the parser meets."""

    def __init__(self, file: str, locator: xml.sax.xmlreader.Locator) -> None:
        super().__init__()
        self.file, self.root, self.locator = file, None, locator
        self.open: list[tuple[Element, list[str]]] = []  # elements not closed yet, and the pieces of their texts

    @property
    def where(self) -> str:
        return f"{self.file}, line {self.locator.getLineNumber()}"

    def startElement(self, name: str, attrs: xml.sax.xmlreader.AttributesImpl) -> None:
        element = Element(name, dict(attrs.items()), self.file, self.locator.getLineNumber())
        if len(self.open) >= DEEPEST:
            raise xml.sax.SAXParseException(f"elements more than {DEEPEST} deep", None, self.locator)
        if self.open:
            self.open[-1][0].children.append(element)
        else:
            self.root = element
        self.open.append((element, []))

    def endElement(self, name: str) -> None:
        element, pieces = self.open.pop()
        element.text = "".join(pieces)

    def characters(self, content: str) -> None:
        self.open[-1][1].append(content)
