"""Wrong answers to the exercises of 31_two_stage, named after the mistake; each checker must refuse its own."""

import torch
from scipy import optimize


# 31.1 decode(offsets, defaults, scale)
def decoded(offsets, defaults, scale, *, undo=torch.exp, per_side=True, corners=True, corner_start=False):
    moved = offsets / torch.tensor(scale)
    sides = defaults[:, 2:] - defaults[:, :2]
    start = defaults[:, :2] if corner_start else (defaults[:, :2] + defaults[:, 2:]) / 2
    centres = start + moved[:, :2] * (sides if per_side else 1)
    halves = sides * undo(moved[:, 2:]) / 2
    return torch.cat([centres - halves, centres + halves] if corners else [centres, 2 * halves], dim=1)


def factors_forgotten(offsets, defaults, scale):
    return decoded(offsets, defaults, (1.0, 1.0, 1.0, 1.0))


def multiplied_with_the_factors(offsets, defaults, scale):
    return decoded(offsets, defaults, tuple(1 / factor for factor in scale))


def exponential_forgotten(offsets, defaults, scale):
    return decoded(offsets, defaults, scale, undo=lambda t: 1 + t)


def moved_in_pixels(offsets, defaults, scale):
    return decoded(offsets, defaults, scale, per_side=False)


def centre_and_sides_returned(offsets, defaults, scale):
    return decoded(offsets, defaults, scale, corners=False)


def from_the_corner(offsets, defaults, scale):
    return decoded(offsets, defaults, scale, corner_start=True)


def one_factor_for_all(offsets, defaults, scale):
    return decoded(offsets, defaults, (scale[0],) * 4)


# 31.2 hard_negatives(box_losses, answers, ratio)
def rank_of(values, descending=True):
    return values.argsort(dim=1, descending=descending).argsort(dim=1)


def boxes_that_answer_taken_too(box_losses, answers, ratio):
    ranked = box_losses.masked_fill(answers, -torch.inf)
    return rank_of(ranked) < ratio * answers.sum(dim=1, keepdim=True)


def ranked_among_all(box_losses, answers, ratio):
    return (rank_of(box_losses) < ratio * answers.sum(dim=1, keepdim=True)) & ~answers


def easiest_taken(box_losses, answers, ratio):
    ranked = box_losses.masked_fill(answers, torch.inf)
    return (rank_of(ranked, descending=False) < ratio * answers.sum(dim=1, keepdim=True)) & ~answers


def order_in_place_of_rank(box_losses, answers, ratio):
    order = box_losses.masked_fill(answers, -torch.inf).argsort(dim=1, descending=True)
    return (order < ratio * answers.sum(dim=1, keepdim=True)) & ~answers


def number_of_the_whole_batch(box_losses, answers, ratio):
    ranked = box_losses.masked_fill(answers, -torch.inf)
    return (rank_of(ranked) < ratio * answers.sum()) & ~answers


def ratio_forgotten(box_losses, answers, ratio):
    ranked = box_losses.masked_fill(answers, -torch.inf)
    return (rank_of(ranked) < answers.sum(dim=1, keepdim=True)) & ~answers


def losses_overwritten(box_losses, answers, ratio):
    box_losses[answers] = -torch.inf
    return (rank_of(box_losses) < ratio * answers.sum(dim=1, keepdim=True)) & ~answers


# 31.3 query_targets(probabilities, distances, labels, weight)
def costs_of(probabilities, distances, labels, weight):
    return weight * distances - probabilities[:, labels]


def nothing_is_class_zero(probabilities, distances, labels, weight):
    rows, columns = optimize.linear_sum_assignment(costs_of(probabilities, distances, labels, weight))
    targets = torch.zeros(len(probabilities), dtype=torch.int64)
    targets[rows] = labels[columns]
    return targets


def probability_added(probabilities, distances, labels, weight):
    rows, columns = optimize.linear_sum_assignment(weight * distances + probabilities[:, labels])
    targets = torch.full((len(probabilities),), probabilities.shape[1] - 1)
    targets[rows] = labels[columns]
    return targets


def object_number_as_the_class(probabilities, distances, labels, weight):
    rows, columns = optimize.linear_sum_assignment(costs_of(probabilities, distances, labels, weight))
    targets = torch.full((len(probabilities),), probabilities.shape[1] - 1)
    targets[rows] = torch.from_numpy(columns)
    return targets


def cheapest_pair_first(probabilities, distances, labels, weight):
    costs = costs_of(probabilities, distances, labels, weight).clone()
    targets = torch.full((len(probabilities),), probabilities.shape[1] - 1)
    for _ in labels:
        row, column = divmod(int(costs.argmin()), costs.shape[1])
        targets[row] = labels[column]
        costs[row], costs[:, column] = torch.inf, torch.inf
    return targets


def each_to_its_nearest(probabilities, distances, labels, weight):
    if not len(labels):
        return torch.full((len(probabilities),), probabilities.shape[1] - 1)
    return labels[costs_of(probabilities, distances, labels, weight).argmin(dim=1)]


def columns_forgotten(probabilities, distances, labels, weight):
    columns = costs_of(probabilities, distances, labels, weight).argmin(dim=0)
    targets = torch.full((len(probabilities),), probabilities.shape[1] - 1)
    targets[columns] = labels  # two objects may choose one query
    return targets


def weight_forgotten(probabilities, distances, labels, weight):
    rows, columns = optimize.linear_sum_assignment(distances - probabilities[:, labels])
    targets = torch.full((len(probabilities),), probabilities.shape[1] - 1)
    targets[rows] = labels[columns]
    return targets


WRONG = {
    "31.1": [
        factors_forgotten,
        multiplied_with_the_factors,
        exponential_forgotten,
        moved_in_pixels,
        centre_and_sides_returned,
        from_the_corner,
        one_factor_for_all,
    ],
    "31.2": [
        boxes_that_answer_taken_too,
        ranked_among_all,
        easiest_taken,
        order_in_place_of_rank,
        number_of_the_whole_batch,
        ratio_forgotten,
        losses_overwritten,
    ],
    "31.3": [
        nothing_is_class_zero,
        probability_added,
        object_number_as_the_class,
        cheapest_pair_first,
        each_to_its_nearest,
        columns_forgotten,
        weight_forgotten,
    ],
}
