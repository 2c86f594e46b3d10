"""Wrong answers to the exercises of 12_measure, named after the mistake; each checker must refuse its own."""

import math

import numpy as np


# 12.1 balanced_accuracy(predicted, target)
def plain_accuracy(predicted, target):
    return float((predicted == target).mean())


def precision_instead_of_recall(predicted, target):
    return float(np.mean([(target[predicted == k] == k).mean() for k in np.unique(predicted)]))


def never_true_class_counts_as_failure(predicted, target):
    classes = np.union1d(predicted, target)
    return float(np.mean([(predicted[target == k] == k).mean() if (target == k).any() else 0.0 for k in classes]))


def classes_numbered_from_zero(predicted, target):
    recalls = [(predicted[target == k] == k).mean() if (target == k).any() else 0 for k in range(target.max() + 1)]
    return float(np.mean(recalls))


def two_classes_only(predicted, target):
    hits = [((predicted == k) & (target == k)).sum() / max(1, (target == k).sum()) for k in (0, 1)]
    return float(sum(hits) / 2)


def weighted_by_class_size(predicted, target):
    return float(sum((target == k).mean() * (predicted[target == k] == k).mean() for k in np.unique(target)))


def mean_f1(predicted, target):
    scores = []
    for k in np.unique(target):
        hits = ((predicted == k) & (target == k)).sum()
        scores.append(2 * hits / ((predicted == k).sum() + (target == k).sum()))
    return float(np.mean(scores))


def percent_not_share(predicted, target):
    return 100 * float(np.mean([(predicted[target == k] == k).mean() for k in np.unique(target)]))


# 12.2 generalised_iou(a, b)
def parts_of(a, b):
    """Shared area, union and enclosing area of two boxes."""
    shared = max(0, min(a[2], b[2]) - max(a[0], b[0])) * max(0, min(a[3], b[3]) - max(a[1], b[1]))
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
    enclosing = (max(a[2], b[2]) - min(a[0], b[0])) * (max(a[3], b[3]) - min(a[1], b[1]))
    return shared, union, enclosing


def plain_iou(a, b):
    shared, union, _ = parts_of(a, b)
    return shared / union


def divided_by_union(a, b):
    shared, union, enclosing = parts_of(a, b)
    return shared / union - (enclosing - union) / union


def empty_part_added(a, b):
    shared, union, enclosing = parts_of(a, b)
    return shared / union + (enclosing - union) / enclosing


def empty_area_not_divided(a, b):
    shared, union, enclosing = parts_of(a, b)
    return shared / union - (enclosing - union)


def clipped_at_zero(a, b):
    shared, union, enclosing = parts_of(a, b)
    return max(0.0, shared / union - (enclosing - union) / enclosing)


def enclosing_edges_swapped(a, b):
    shared, union, _ = parts_of(a, b)
    enclosing = (min(a[2], b[2]) - max(a[0], b[0])) * (min(a[3], b[3]) - max(a[1], b[1]))
    return shared / union - (enclosing - union) / enclosing


def shared_part_counted_twice(a, b):
    shared, union, enclosing = parts_of(a, b)
    return shared / union - (enclosing - union - shared) / enclosing


def overlap_without_clamp(a, b):
    shared = (min(a[2], b[2]) - max(a[0], b[0])) * (min(a[3], b[3]) - max(a[1], b[1]))
    _, _, enclosing = parts_of(a, b)
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
    return shared / union - (enclosing - union) / enclosing


# 12.3 conformal_quantile(scores, miss_rate)
def plain_quantile(scores, miss_rate):
    return float(np.quantile(scores, 1 - miss_rate))


def new_example_not_counted(scores, miss_rate):
    return float(np.sort(scores)[math.ceil(len(scores) * (1 - miss_rate)) - 1])


def rounded_down(scores, miss_rate):
    return float(np.sort(scores)[math.floor((len(scores) + 1) * (1 - miss_rate)) - 1])


def rank_counted_from_zero(scores, miss_rate):
    rank = math.ceil((len(scores) + 1) * (1 - miss_rate))
    return float(np.sort(scores)[rank]) if rank < len(scores) else math.inf


def higher_of_two_neighbours(scores, miss_rate):
    level = math.ceil((len(scores) + 1) * (1 - miss_rate)) / len(scores)
    return float(np.quantile(scores, level, method="higher")) if level <= 1 else math.inf


def misses_taken_for_hits(scores, miss_rate):
    return float(np.sort(scores)[math.ceil((len(scores) + 1) * miss_rate) - 1])


def largest_where_too_few(scores, miss_rate):
    rank = min(math.ceil((len(scores) + 1) * (1 - miss_rate)), len(scores))
    return float(np.sort(scores)[rank - 1])


def nothing_where_too_few(scores, miss_rate):
    rank = math.ceil((len(scores) + 1) * (1 - miss_rate))
    return float(np.sort(scores)[rank - 1]) if rank <= len(scores) else None


def sorted_in_place(scores, miss_rate):
    scores.sort()
    rank = math.ceil((len(scores) + 1) * (1 - miss_rate))
    return float(scores[rank - 1]) if rank <= len(scores) else math.inf


def not_sorted(scores, miss_rate):
    rank = math.ceil((len(scores) + 1) * (1 - miss_rate))
    return float(scores[rank - 1]) if rank <= len(scores) else math.inf


WRONG = {
    "12.1": [
        plain_accuracy,
        precision_instead_of_recall,
        never_true_class_counts_as_failure,
        classes_numbered_from_zero,
        two_classes_only,
        weighted_by_class_size,
        mean_f1,
        percent_not_share,
    ],
    "12.2": [
        plain_iou,
        divided_by_union,
        empty_part_added,
        empty_area_not_divided,
        clipped_at_zero,
        enclosing_edges_swapped,
        shared_part_counted_twice,
        overlap_without_clamp,
    ],
    "12.3": [
        plain_quantile,
        new_example_not_counted,
        rounded_down,
        rank_counted_from_zero,
        higher_of_two_neighbours,
        misses_taken_for_hits,
        largest_where_too_few,
        nothing_where_too_few,
        sorted_in_place,
        not_sorted,
    ],
}
