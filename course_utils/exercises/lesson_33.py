"""Checkers of 33_mask_rcnn: connected components, the pyramid level of a box, which detections are right."""

import math

import numpy as np
import torch
from scipy import ndimage

from course_utils.exercises import checker, expect_close, question_for

EIGHT = np.ones((3, 3))  # pixels that share an edge or a corner


@checker("33.1", hint="Is every pixel visited once, from a list (no function that calls itself), inside the borders?")
def check_33_1(function, seed):
    """count_things(area bool (H, W)) -> number of connected components, corners counting."""
    for rows, expected, given, hint in PICTURES:
        area = np.array([[letter == "#" for letter in row] for row in rows.split()])
        kept = area.copy()
        expect_close(function(area), expected, given=given, hint=hint)
        hint = "Is the picture left as it was? Keep your own list of what has been visited."
        expect_close(area, kept, given=f"the picture after the call with {given}", hint=hint)
    area = np.random.default_rng(seed).random((30, 50)) < 0.25
    expect_close(function(area), int(ndimage.label(area, EIGHT)[1]), given="30 × 50 random pixels")
    long = np.zeros((60, 60), dtype=bool)
    long[::2], long[1::4, -1], long[3::4, 0] = True, True, True
    hint = "A winding line of 1,800 pixels is one thing. Is a list kept in place of a function that calls itself?"
    expect_close(function(long), 1, given="one line that winds through 60 rows", hint=hint)
    return "seven small pictures by hand, random pixels against scipy.ndimage.label, a line that winds"


CORNER = "Do pixels that meet at a corner belong together?"
BORDER = "Index −1 is the other end of the picture. Are the borders minded?"
PICTURES = (  # rows, things, what to call it, the question of the mistake that it brings out
    ("....#....", 1, "a single pixel", "Is a thing counted, not its pixels?"),
    ("##.##", 2, "two pairs in a row", "Are pixels side by side one thing, also at the border, and is a gap a gap?"),
    ("#. .#", 1, "two pixels that meet at a corner", CORNER),
    (".# #.", 1, "two pixels that meet at the other corner", CORNER),
    ("#...# ..... #...#", 4, "the four corners of a picture", BORDER),
    ("#.# #.# ###", 1, "a U", "Two arms that meet further down are one thing. Are all neighbours followed?"),
    ("... ...", 0, "an empty picture", "Nothing is no thing. Is it 0?"),
)


@checker(
    "33.2", hint="Is it the logarithm to the base 2 of side over `canonical`, plus `level`, rounded down, in 2 to 5?"
)
def check_33_2(function, seed):
    """pyramid_level(box xyxy, canonical, level) -> level from 2 to 5."""
    for side, expected, hint in (
        (64, 4, "A box of the canonical side belongs to `level`. Does it?"),
        (32, 3, "Half the side is one level lower. Is it?"),
        (128, 5, "Twice the side is one level higher. Is it?"),
        (63, 3, "Is it rounded down, not to the nearest or towards 0?"),
        (45, 3, "Is −0.5 rounded down to −1?"),
        (4, 2, "Is nothing lower than 2?"),
        (4000, 5, "Is nothing higher than 5?"),
        (0, 2, "A box without area has no logarithm. Is it on level 2?"),
    ):
        box = (10.0, 20.0, 10.0 + side, 20.0 + side)
        expect_close(function(box, 64, 4), expected, given=f"a square of side {side}, canonical 64, level 4", hint=hint)
    tall = function((0.0, 0.0, 16.0, 64.0), 64, 4)
    mistakes = {
        "Is the root of the area taken, not the longer side?": 4,
        "Is the root of the area taken, not the shorter side?": 2,
    }
    hint = question_for(tall, mistakes)
    expect_close(tall, 3, given="a box 16 wide and 64 high, canonical 64, level 4", hint=hint)
    hint = "Are `canonical` and `level` used?"
    expect_close(function((0.0, 0.0, 112.0, 112.0), 224, 4), 3, given="a square of side 112, canonical 224", hint=hint)
    expect_close(function((0.0, 0.0, 64.0, 64.0), 64, 3), 3, given="the canonical square, level 3", hint=hint)
    generator = np.random.default_rng(seed)
    for left, top, wide, high in generator.uniform(1, 300, (50, 4)).tolist():
        steps = sum(math.sqrt(wide * high) >= 50 * 2.0**k for k in (-1, 0, 1))  # counted, not computed
        box = (left, top, left + wide, top + high)
        expect_close(function(box, 50, 4), 2 + steps, given=f"a box {wide:.1f} wide and {high:.1f} high, canonical 50")
    return "eight squares and a tall box by hand, other settings, 50 random boxes counted in doublings"


@checker("33.3", hint="Does each detection, the surest first, take the best of the masks that are still free?")
def check_33_3(function, seed):
    """is_right(overlaps (N, M), scores (N,), threshold) -> bool (N,)."""
    for overlaps, scores, threshold, expected, given, hint in CASES:
        overlaps, scores = torch.tensor(overlaps), torch.tensor(scores)
        kept = overlaps.clone(), scores.clone()
        found = function(overlaps, scores, threshold)
        expect_close(found, torch.tensor(expected), given=given, hint=hint)
        hint = "Are the inputs left as they were? Work on a copy."
        expect_close((overlaps, scores), kept, given="overlaps and scores after the call", hint=hint)
    for shape in ((0, 2), (2, 0), (0, 0)):
        hint = "Without detections there is nothing to say; without true masks nothing is right. Is that so here?"
        found = function(torch.zeros(shape), torch.arange(shape[0]).float(), 0.5)
        expect_close(found, torch.zeros(shape[0], dtype=torch.bool), given=f"overlaps of shape {shape}", hint=hint)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(5):
        overlaps, scores = torch.rand(12, 7, generator=generator), torch.rand(12, generator=generator)
        expect_close(function(overlaps, scores, 0.6), _matched(overlaps, scores, 0.6), given="12 × 7 random overlaps")
    return "five cases by hand, none of either, five random tables"


CASES = (  # overlaps, scores, threshold, right ones, what to call it, the question of the mistake that it brings out
    (
        [[0.9, 0.0], [0.0, 0.3]],
        [0.8, 0.9],
        0.5,
        [True, False],
        "two detections, one of which overlaps enough",
        "Is the overlap compared with the threshold, and the order of the input kept?",
    ),
    ([[0.5]], [0.9], 0.5, [True], "an overlap equal to the threshold", "Is “at least” at least?"),
    (
        [[0.9], [0.7]],
        [0.8, 0.9],
        0.5,
        [False, True],
        "two detections of one mask, the surer with the smaller overlap",
        "A mask is taken once, by the surest. Is it?",
    ),
    (
        [[0.6, 0.8], [0.1, 0.9]],
        [0.7, 0.9],
        0.5,
        [True, True],
        "two detections whose best mask is the same",
        "Whose best mask is taken may still take another. May it here?",
    ),
    (
        [[0.4, 0.0], [0.7, 0.0], [0.0, 0.6]],
        [0.9, 0.8, 0.7],
        0.5,
        [False, True, True],
        "a sure detection that overlaps too little",
        "A detection that is wrong takes no mask. Does it here?",
    ),
)


def _matched(overlaps: torch.Tensor, scores: torch.Tensor, threshold: float) -> torch.Tensor:
    """A slow loop over scores in falling order and free masks by name."""
    free, right = set(range(overlaps.shape[1])), [False] * len(scores)
    for row in sorted(range(len(scores)), key=lambda i: -scores[i].item()):
        best = max(free, key=lambda column: overlaps[row, column].item(), default=None)
        if best is not None and overlaps[row, best] >= threshold:
            right[row] = True
            free.remove(best)
    return torch.tensor(right)
