"""Checkers of 11_annotate: a box out of VOC, a vote, the area of an outline, run lengths of a mask.

pycocotools, which one of the checkers compares with, is imported where it is needed.
"""

import math

import numpy as np

from course_utils.exercises import Wrong, checker, describe, expect_close


@checker("11.1", hint="Does pixel number n, counted from 1, lie between the edges n − 1 and n?")
def check_11_1(function, seed):
    """voc_to_yolo(corners, size_hw) -> (cx, cy, width, height) in shares of the image."""
    given = "(41, 21, 80, 60) in an image of height 120 and width 160"
    found = function((41, 21, 80, 60), (120, 160))
    mistakes = {
        "Are the first pixels taken for edges? Pixel 41 begins at the edge 40.": (0.378125, 0.3375, 0.24375, 0.325),
        "Is one taken off the last pixel as well? It ends at its own number.": (0.371875, 0.329167, 0.24375, 0.325),
        "Is the width of the image used for x, its height for y?": (0.5, 0.25, 1 / 3, 0.25),
        "Are they pixels? YOLO has shares of the image.": (60, 40, 40, 40),
        "Does the box begin with its centre? That is its corner.": (0.25, 1 / 6, 0.25, 1 / 3),
        "Do width and height of the box come last? Those are its last corner.": (0.375, 1 / 3, 0.5, 0.5),
    }
    expect_close(found, (0.375, 1 / 3, 0.25, 1 / 3), given=given, hint=_question(found, mistakes))
    whole = "(1, 1, 6, 4), the whole image of height 4 and width 6"
    expect_close(function((1, 1, 6, 4), (4, 6)), (0.5, 0.5, 1, 1), given=whole)
    hint = "How wide is a box whose first and last pixel are the same?"
    expect_close(function((1, 1, 1, 1), (10, 20)), (0.025, 0.05, 0.05, 0.1), given="(1, 1, 1, 1), one pixel", hint=hint)
    for corners, size_hw in _random_corners(seed):
        x1, y1, x2, y2 = corners[0] - 1, corners[1] - 1, corners[2], corners[3]
        height, width = size_hw
        expected = ((x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height)
        expect_close(function(corners, size_hw), expected, given=f"{corners} in {size_hw}", tolerance=1e-9)
    return "a box by hand, the whole image, a single pixel, 20 random boxes"


def _random_corners(seed: int) -> list[tuple[tuple[int, ...], tuple[int, int]]]:
    """VOC corners and the (H, W) of their image."""
    rng, made = np.random.default_rng(seed), []
    for _ in range(20):
        height, width = rng.integers(5, 400, 2).tolist()
        (xmin, xmax), (ymin, ymax) = (np.sort(rng.integers(1, side + 1, 2)).tolist() for side in (width, height))
        made.append(((xmin, ymin, xmax, ymax), (height, width)))
    return made


@checker("11.2", hint="How many votes has each class, image by image, and is the largest number there once?")
def check_11_2(function, seed):
    """majority(votes) -> for each image the class with the most votes, −1 where several share the first place."""
    votes = np.array([[0, 1, 2, 0, 3], [0, 1, 1, 2, 3], [1, 1, 0, 2, 0], [2, 0, 2, 0, 3]])
    given, expected = "four votes on five images", np.array([0, 1, 2, -1, 3])
    found = _whole_numbers(function(votes.copy()), expected, given)
    mistakes = {
        "Two votes for 0 and two for 2: is that a tie, marked by −1?": ([0, 1, 2, 0, 3], [0, 1, 2, 2, 3]),
        "Is the class returned, or the number of its votes?": ([2, 3, 2, 2, 3], [2, 3, 2, -1, 3]),
        "Is the majority taken over the annotators, the first axis?": (),
    }
    expect_close(found, expected, given=given, hint=_question(found, mistakes))
    half = np.array([[4], [4], [0], [1], [2]])
    hint = "Two of five are the most here. Must the winner have more than half?"
    expect_close(
        _whole_numbers(function(half), np.array([4]), "4, 4, 0, 1, 2"), np.array([4]), given="4, 4, 0, 1, 2", hint=hint
    )
    for votes, given in _random_votes(seed):
        before, expected = votes.copy(), _slow_majority(votes)
        expect_close(_whole_numbers(function(votes), expected, given), expected, given=given)
        if not np.array_equal(votes, before):
            raise Wrong(f"for {given}: expected the votes to stay as they are, got them changed. Is a copy sorted?")
    return "by hand with a tie and without more than half, one annotator, unanimous, 200 random images"


def _whole_numbers(found, expected: np.ndarray, given: str) -> np.ndarray:
    """The answer as int64, of whatever width its integers are."""
    if not isinstance(found, np.ndarray) or not np.issubdtype(found.dtype, np.integer) or found.shape != expected.shape:
        raise Wrong(
            f"for {given}: expected an integer array of shape {expected.shape}, got {describe(found)}. "
            "Is there one whole number for each image?"
        )
    return found.astype(np.int64)


def _random_votes(seed: int) -> list[tuple[np.ndarray, str]]:
    rng = np.random.default_rng(seed)
    return [
        (rng.integers(0, 5, (1, 6)), "a single annotator"),
        (np.full((3, 2), 2), "three who all say 2"),
        (rng.integers(0, 4, (5, 200)), "five random votes on 200 images"),
        (rng.integers(0, 3, (4, 50)) * 3, "four votes of the classes 0, 3 and 6"),
    ]


def _slow_majority(votes: np.ndarray) -> np.ndarray:
    """The most frequent vote of each column, by counting in a list."""
    winners = []
    for column in votes.T.tolist():
        counts = {one: column.count(one) for one in column}
        first = [one for one, count in counts.items() if count == max(counts.values())]
        winners.append(first[0] if len(first) == 1 else -1)
    return np.array(winners)


@checker("11.3", hint="Does the sum go round to the first corner again, and is half of its size the area?")
def check_11_3(function, seed):
    """polygon_area(points) -> area inside, square pixels."""
    square = np.array([[2.0, 1.0], [6.0, 1.0], [6.0, 4.0], [2.0, 4.0]])
    given, found = "a rectangle 4 wide and 3 high", function(square.copy())
    mistakes = {
        "The formula has a half in front. Is it there?": 24.0,
        "Is the last corner joined to the first?": (9.0, 11.0, 3.0, 10.0, 7.0),
        "Is it the area, not the length of the outline?": 14.0,
    }
    expect_close(found, 12.0, given=given, hint=_question(found, mistakes))
    hint = "The corners run the other way round here. Is the sign taken off?"
    expect_close(function(square[::-1].copy()), 12.0, given="the same rectangle, other way round", hint=hint)
    corner = np.array([[0, 0], [4, 0], [4, 1], [1, 1], [1, 4], [0, 4]])
    hint = "The outline has a corner that points inwards. Is it more than the box or the hull around it?"
    expect_close(function(corner), 7.0, given="an L of whole numbers, 4 high and wide, 1 thick", hint=hint)
    for sides, radius in ((3, 2.0), (12, 5.0), (50, 1.0)):
        points, area = _regular(sides, radius, seed)
        expect_close(function(points), area, given=f"a regular polygon of {sides} sides and radius {radius:g}")
    expect_close(function(np.array([[1.0, 1.0], [5.0, 5.0]])), 0.0, given="two corners, a line")
    return "a rectangle in both directions, an L, regular polygons against their formula, a line"


def _regular(sides: int, radius: float, seed: int) -> tuple[np.ndarray, float]:
    """Corners of a regular polygon somewhere, and its area ½ n r² sin(2π / n)."""
    rng = np.random.default_rng(seed)
    angles = rng.uniform(0, 2 * math.pi) + 2 * math.pi * np.arange(sides) / sides
    points = rng.uniform(-50, 50, 2) + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return points, sides * radius**2 * math.sin(2 * math.pi / sides) / 2


@checker("11.4", hint="Down the columns, and outside first: does the first number count pixels outside?")
def check_11_4(function, seed):
    """run_lengths(mask) -> COCO's counts, down the columns, pixels outside first."""
    mask = np.array([[0, 1, 1], [0, 1, 0]], dtype=bool)
    given, found = "the mask 0 1 1 / 0 1 0", _counts(function(mask.copy()), "the mask 0 1 1 / 0 1 0")
    mistakes = {
        "Is the walk along the rows? COCO walks down the columns.": [1, 2, 1, 1, 1],
        "Does the last run reach to the end of the mask?": ([2, 3], [2]),
        "Are these the places where it changes, not the distances between them?": ([2, 5], [2, 5, 6]),
        "Are the pixels outside counted too?": ([3], [2, 1]),
    }
    expect_close(found, [2, 3, 1], given=given, hint=_question(found, mistakes))
    hint = "The first pixel is inside: does the list begin with 0 pixels outside?"
    corner = np.array([[1, 0], [1, 1]], dtype=bool)
    expect_close(_counts(function(corner), "1 0 / 1 1"), [0, 2, 1, 1], given="the mask 1 0 / 1 1", hint=hint)
    for full, expected in ((False, [6]), (True, [0, 6])):
        word = "full" if full else "empty"
        given = f"a mask of 2 × 3 pixels, {word}"
        expect_close(_counts(function(np.full((2, 3), full)), given), expected, given=given)
    for mask in _random_masks(seed):
        _check_by_library(_counts(function(mask.copy()), f"a random mask of shape {mask.shape}"), mask)
    return "by hand, first pixel inside, empty, full, 12 random masks decoded by pycocotools"


def _counts(found, given: str) -> list[int]:
    """The answer as a list of whole numbers."""
    whole = isinstance(found, list | tuple) and all(isinstance(one, int | np.integer) for one in found)
    if not whole or any(isinstance(one, bool) for one in found):
        raise Wrong(f"for {given}: expected a list of whole numbers, got {describe(found)}. Does `.tolist()` help?")
    return [int(one) for one in found]


def _random_masks(seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.random(tuple(rng.integers(1, 9, 2))) < share for share in np.linspace(0.1, 0.9, 12)]


def _check_by_library(counts: list[int], mask: np.ndarray) -> None:
    """Raise unless pycocotools makes the mask of the counts again, and the counts are as short as they can be."""
    from pycocotools import mask as coco_mask

    given = f"a random mask of shape {mask.shape}"
    if sum(counts) != mask.size or min(counts) < 0 or 0 in counts[1:]:
        question = "Do the runs fill the mask, and is none but the first of length 0?"
        raise Wrong(f"for {given}: expected runs that add up to {mask.size}, got {describe(counts)}. {question}")
    height, width = mask.shape
    encoded = coco_mask.frPyObjects({"size": [height, width], "counts": counts}, height, width)
    if not np.array_equal(coco_mask.decode(encoded).astype(bool), mask):
        question = "Is the walk down the columns, and are the pixels outside counted first?"
        raise Wrong(f"for {given}: expected counts that pycocotools turns into it, got {describe(counts)}. {question}")


def _question(found, mistakes: dict[str, object]) -> str:
    """The question of the first mistake whose result (or one of whose results) is the answer; empty for none."""
    for question, results in mistakes.items():
        several = isinstance(results, tuple) and results and isinstance(results[0], list | tuple | float)
        for result in results if several else (results,):
            wanted = np.asarray(result, dtype=float)
            try:
                answer = np.asarray(found, dtype=float)
            except (TypeError, ValueError):
                return ""
            if answer.shape == wanted.shape and wanted.size and np.allclose(answer, wanted, atol=1e-4):
                return question
    return ""
