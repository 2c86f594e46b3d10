"""Wrong answers to the exercises of 33_mask_rcnn, named after the mistake; each checker must refuse its own."""

import math

import numpy as np
import torch
from scipy import ndimage


# 33.1 count_things(area)
def edges_only(area):
    return int(ndimage.label(area)[1])


def counts_pixels(area):
    return int(area.sum())


def wraps_around_the_border(area):
    left, things = set(zip(*(axis.tolist() for axis in area.nonzero()), strict=True)), 0
    while left:
        things += 1
        waiting = [left.pop()]
        while waiting:
            y, x = waiting.pop()
            near = {((y + dy) % area.shape[0], (x + dx) % area.shape[1]) for dy in (-1, 0, 1) for dx in (-1, 0, 1)}
            near &= left
            left -= near
            waiting += near
    return things


def runs_of_rows(area):
    padded = np.pad(area, ((0, 0), (1, 0)))
    return int((padded[:, 1:] & ~padded[:, :-1]).sum())


def erases_the_picture(area):
    things = int(ndimage.label(area, np.ones((3, 3)))[1])
    area[:] = False
    return things


def calls_itself(area):
    left, things = set(zip(*(axis.tolist() for axis in area.nonzero()), strict=True)), 0

    def spread(y, x):
        for near in [(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]:
            if near in left:
                left.remove(near)
                spread(*near)

    while left:
        things += 1
        spread(*left.pop())
    return things


def background_counted(area):
    return int(ndimage.label(area, np.ones((3, 3)))[1]) + 1


# 33.2 pyramid_level(box, canonical, level)
def _level(side, canonical, level, rounded=math.floor):
    return 2 if side <= 0 else min(max(rounded(level + math.log2(side / canonical)), 2), 5)


def _side(box):
    return ((box[2] - box[0]) * (box[3] - box[1])) ** 0.5


def longer_side(box, canonical, level):
    return _level(max(box[2] - box[0], box[3] - box[1]), canonical, level)


def area_not_side(box, canonical, level):
    return _level(_side(box) ** 2, canonical, level)


def nearest_level(box, canonical, level):
    return _level(_side(box), canonical, level, rounded=round)


def cut_towards_zero(box, canonical, level):
    side = _side(box)
    return 2 if side <= 0 else min(max(level + int(math.log2(side / canonical)), 2), 5)


def natural_logarithm(box, canonical, level):
    side = _side(box)
    return 2 if side <= 0 else min(max(math.floor(level + math.log(side / canonical)), 2), 5)


def not_clamped(box, canonical, level):
    side = _side(box)
    return 2 if side <= 0 else math.floor(level + math.log2(side / canonical))


def no_area_forgotten(box, canonical, level):
    return min(max(math.floor(level + math.log2(_side(box) / canonical)), 2), 5)


def settings_of_the_paper(box, canonical, level):
    return _level(_side(box), 64, 4)


# 33.3 is_right(overlaps, scores, threshold)
def _greedy(overlaps, scores, threshold, order):
    free, right = overlaps.clone(), torch.zeros(len(scores), dtype=torch.bool)
    for row in order if overlaps.shape[1] else []:
        best = free[row].argmax()
        if free[row, best] >= threshold:
            right[row] = True
            free[:, best] = -1
    return right


def order_of_the_input(overlaps, scores, threshold):
    return _greedy(overlaps, scores, threshold, range(len(scores)))


def lowest_score_first(overlaps, scores, threshold):
    return _greedy(overlaps, scores, threshold, scores.argsort().tolist())


def masks_taken_twice(overlaps, scores, threshold):
    if overlaps.shape[1] == 0:
        return torch.zeros(len(scores), dtype=torch.bool)
    return overlaps.max(dim=1).values >= threshold


def sorted_output(overlaps, scores, threshold):
    order = scores.argsort(descending=True)
    return _greedy(overlaps, scores, threshold, order.tolist())[order]


def more_than_the_threshold(overlaps, scores, threshold):
    return _greedy(overlaps, scores, threshold + 1e-6, scores.argsort(descending=True).tolist())


def only_the_best_mask_is_asked(overlaps, scores, threshold):
    right, taken = torch.zeros(len(scores), dtype=torch.bool), set()
    for row in scores.argsort(descending=True).tolist() if overlaps.shape[1] else []:
        best = overlaps[row].argmax().item()
        if overlaps[row, best] >= threshold and best not in taken:
            right[row] = True
            taken.add(best)
    return right


def wrong_ones_take_a_mask_too(overlaps, scores, threshold):
    free, right = overlaps.clone(), torch.zeros(len(scores), dtype=torch.bool)
    for row in scores.argsort(descending=True).tolist() if overlaps.shape[1] else []:
        best = free[row].argmax()
        right[row] = bool(free[row, best] >= threshold)
        free[:, best] = -1
    return right


def changes_its_input(overlaps, scores, threshold):
    right = torch.zeros(len(scores), dtype=torch.bool)
    for row in scores.argsort(descending=True).tolist() if overlaps.shape[1] else []:
        best = overlaps[row].argmax()
        if overlaps[row, best] >= threshold:
            right[row] = True
            overlaps[:, best] = -1
    return right


def fails_without_truth(overlaps, scores, threshold):
    free, right = overlaps.clone(), torch.zeros(len(scores), dtype=torch.bool)
    for row in scores.argsort(descending=True).tolist():
        best = free[row].argmax()
        if free[row, best] >= threshold:
            right[row] = True
            free[:, best] = -1
    return right


WRONG = {
    "33.1": [
        edges_only,
        counts_pixels,
        wraps_around_the_border,
        runs_of_rows,
        erases_the_picture,
        calls_itself,
        background_counted,
    ],
    "33.2": [
        longer_side,
        area_not_side,
        nearest_level,
        cut_towards_zero,
        natural_logarithm,
        not_clamped,
        no_area_forgotten,
        settings_of_the_paper,
    ],
    "33.3": [
        order_of_the_input,
        lowest_score_first,
        masks_taken_twice,
        sorted_output,
        more_than_the_threshold,
        only_the_best_mask_is_asked,
        wrong_ones_take_a_mask_too,
        changes_its_input,
        fails_without_truth,
    ],
}
