"""Checkers of 10_acquire: checksums of pieces, missing bytes, upright pictures, painting with a known box."""

import hashlib
import io

import numpy as np
from PIL import Image, ImageOps

from course_utils.exercises import Wrong, checker, expect_close


def _hint(answer) -> str:
    """A hint for an answer that is not there; empty otherwise, which leaves the checker's own."""
    return "Is there a `return`?" if answer is None else ""


@checker("10.1", hint="Do all pieces, one after the other, go into one SHA-256?")
def check_10_1(function, seed):
    """arrived_whole(chunks iterator of bytes, expected hexadecimal digits) -> bool."""
    content = np.random.default_rng(seed).bytes(100_000)
    expected = hashlib.sha256(content).hexdigest()
    pieces = [content[:1], content[1:70_000], b"", content[70_000:]]
    answer = function(iter(pieces), expected)
    expect_close(answer, True, given="100,000 bytes in four pieces, one of them empty", hint=_hint(answer))
    damaged = bytearray(content)
    damaged[50_000] ^= 4
    expect_close(function(iter([bytes(damaged)]), expected), False, given="the same bytes with one bit flipped")
    swapped = [pieces[3], *pieces[:3]]
    expect_close(function(iter(swapped), expected), False, given="the same pieces in another order")
    expect_close(function(iter(pieces[:2]), expected), False, given="the first two pieces alone")
    hint = "Digits may be written in upper case. Are both sides compared in the same case?"
    expect_close(function(iter(pieces), expected.upper()), True, given="the expected digits in upper case", hint=hint)
    empty = hashlib.sha256().hexdigest()
    hint = "A file without bytes has a SHA-256 too. Is it accepted?"
    expect_close(function(iter([]), empty), True, given="no pieces and the SHA-256 of nothing", hint=hint)
    expect_close(function(iter([b"a"]), empty), False, given="one byte and the SHA-256 of nothing")
    return "four pieces, a flipped bit, another order, a part alone, upper case, an empty file"


@checker("10.2", hint="Up to which byte is everything there, when the pieces are walked through in order?")
def check_10_2(function, seed):
    """missing_ranges(pieces list of (start, stop), size) -> list of (start, stop), ascending, as few as possible."""
    answer = function([(0, 4), (6, 8)], 10)
    expect_close(answer, [(4, 6), (8, 10)], given="pieces (0, 4) and (6, 8) of 10 bytes", hint=_hint(answer))
    cases = [
        ([(6, 8), (0, 4)], 10, [(4, 6), (8, 10)], "Pieces come in any order. Are they sorted first?"),
        ([(0, 9), (2, 4)], 12, [(9, 12)], "A piece may lie inside another. Does the place ever move back?"),
        ([(0, 4), (4, 10)], 10, [], "Two pieces may touch. Is nothing missing between them?"),
        ([], 5, [(0, 5)], "Where nothing has arrived, everything is missing. Is that the answer?"),
        ([(3, 3)], 5, [(0, 5)], "An empty piece holds no byte, and must not cut a gap in two. Does it?"),
        ([], 0, [], "A file without bytes lacks nothing. Is the list empty?"),
        ([(2, 5)], 5, [(0, 2)], "Is the beginning looked at as well?"),
    ]
    for pieces, size, expected, hint in cases:
        given = f"pieces {pieces} of {size} bytes"
        expect_close([tuple(pair) for pair in function(list(pieces), size)], expected, given=given, hint=hint)
    rng = np.random.default_rng(seed)
    for _ in range(30):
        starts, lengths = rng.integers(0, [[60], [20]], (2, rng.integers(0, 8))).tolist()
        pieces = [(start, min(60, start + length)) for start, length in zip(starts, lengths, strict=True)]
        kept = list(pieces)
        answer = function(pieces, 60)
        expect_close([tuple(pair) for pair in answer], _gaps(kept, 60), given=f"pieces {kept} of 60 bytes")
        if pieces != kept:
            raise Wrong("for a list of pieces: expected it unchanged, got it in another order. Is it sorted in place?")
    return "eight cases by hand, thirty random ones byte by byte"


def _gaps(pieces: list[tuple[int, int]], size: int) -> list[tuple[int, int]]:
    """The missing ranges, found by marking every byte."""
    there = np.zeros(size + 2, dtype=bool)
    there[[0, -1]] = True  # a byte before and one after the file
    for start, stop in pieces:
        there[start + 1 : stop + 1] = True
    edges = np.flatnonzero(np.diff(there.astype(int)))  # last byte there, and last byte missing, in turn
    return [(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]


@checker("10.3", hint="Does row 0 of the stored array end up where the table says, and column 0 too?")
def check_10_3(function, seed):
    """upright(pixels (H, W, 3), orientation 1 to 8) -> the array as a person should see it."""
    pixels = np.random.default_rng(seed).integers(0, 256, (6, 9, 3), dtype=np.uint8)
    before = pixels.copy()
    for orientation in range(1, 9):
        expected = _turned_by_pillow(before, orientation)
        answer = function(pixels, orientation)
        given = f"random pixels (6, 9, 3) and orientation {orientation}"
        if answer is None or getattr(answer, "shape", None) != expected.shape:
            expect_close(answer, expected, given=given, hint=_hint(answer))
        expect_close(np.ascontiguousarray(answer), expected, given=given)
        if not np.array_equal(pixels, before):
            raise Wrong(f"for {given}: expected the given array unchanged, got it overwritten. Is it turned in place?")
    return "all eight orientations against Pillow"


def _turned_by_pillow(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """The same, through a file with that entry."""
    exif, buffer = Image.Exif(), io.BytesIO()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(buffer, format="PNG", exif=exif)
    with Image.open(buffer) as image:
        return np.asarray(ImageOps.exif_transpose(image))


@checker("10.4", hint="Are picture and box those of the part of the sign that lies inside the picture?")
def check_10_4(function, seed):
    """paste(background uint8 (H, W, 3), sign (h, w, 4), corner (x, y)) -> (picture, box or None)."""
    background = 4 * np.random.default_rng(seed).integers(0, 64, (20, 30, 3), dtype=np.uint8)  # no mixture ends in .5
    sign = np.zeros((6, 8, 4))
    sign[..., :3] = (200, 32, 40)
    sign[1:5, 2:7, 3] = 1  # a border without opacity
    sign[1, 2:7, 3] = 0.3  # a row too thin to count
    sign[2:5, 6, 3] = 0.5  # a column that counts, and only just
    places = {"inside": (10, 5), "in the corner": (-4, -2), "at the right border": (25, 16)}
    places |= {"wholly outside": (40, 3), "far to the left": (-20, 3), "with its covered part outside": (28, 8)}
    for name, corner in places.items():
        kept, painted = background.copy(), sign.copy()
        answer = function(background, sign, corner)
        _expect_painted(answer, _pasted(kept, sign, corner), f"a sign {name}, corner {corner}")
        if not (np.array_equal(background, kept) and np.array_equal(sign, painted)):
            raise Wrong(f"for a sign {name}: expected the background unchanged, got it painted on. Is it copied first?")
    return (
        "a sign inside, over two borders, wholly outside and with its covered part outside, opacity of exactly one half"
    )


def _expect_painted(answer, expected: tuple, given: str) -> None:
    if not isinstance(answer, tuple) or len(answer) != 2:
        hint = _hint(answer) or "Is it a pair, the picture first?"
        raise Wrong(f"for {given}: expected a pair (picture, box), got {type(answer).__name__}. {hint}")
    picture, box = answer
    expect_close(
        picture, expected[0], given=given, hint="Is `corner` read as (x, y)? Is the mixture rounded, of type uint8?"
    )
    hint = "Is the box tight around what is covered by half or more, with the far edges one past the last pixel?"
    if (box is None) != (expected[1] is None) or (box is not None and len(box) != 4):
        raise Wrong(f"for {given}: expected the box {expected[1]}, got {box}. {hint}")
    if box is not None:
        expect_close(
            tuple(float(edge) for edge in box), tuple(map(float, expected[1])), given=f"the box of {given}", hint=hint
        )


def _pasted(background: np.ndarray, sign: np.ndarray, corner: tuple[int, int]) -> tuple[np.ndarray, tuple | None]:
    """The same in a plain loop over the pixels of the sign."""
    picture, covered = background.astype(float), []
    for (row, column), alpha in np.ndenumerate(sign[..., 3]):
        y, x = corner[1] + row, corner[0] + column
        if 0 <= y < len(picture) and 0 <= x < picture.shape[1]:
            picture[y, x] = alpha * sign[row, column, :3] + (1 - alpha) * picture[y, x]
            covered += [(x, y)] if alpha >= 0.5 else []
    if not covered:
        return picture.round().astype(np.uint8), None
    xs, ys = zip(*covered, strict=True)
    return picture.round().astype(np.uint8), (min(xs), min(ys), max(xs) + 1, max(ys) + 1)
