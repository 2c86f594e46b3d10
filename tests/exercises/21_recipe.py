"""Wrong answers to the exercises of 21_recipe, named after the mistake; each checker must refuse its own."""

import math

import numpy as np
import torch


# 21.1 sensible_start(counts)
def entropy(shares):
    return -(shares * shares.log()).sum()


def shares_instead_of_logits(counts):
    shares = counts / counts.sum()
    return shares, entropy(shares)


def logarithms_of_counts(counts):
    shares = counts / counts.sum()
    return counts.float().log(), entropy(shares)


def mean_over_classes(counts):
    shares = counts / counts.sum()
    return shares.log(), -shares.log().mean()


def sum_over_examples(counts):
    shares = counts / counts.sum()
    return shares.log(), -(counts * shares.log()).sum()


def sign_forgotten(counts):
    shares = counts / counts.sum()
    return shares.log(), (shares * shares.log()).sum()


def loss_of_equal_classes(counts):
    shares = counts / counts.sum()
    return shares.log(), math.log(len(counts))


def bits_instead_of_nats(counts):
    shares = counts / counts.sum()
    return shares.log(), entropy(shares) / math.log(2)


def rare_classes_first(counts):
    shares = counts / counts.sum()
    return (1 / shares).log(), entropy(shares)


def centred_logits(counts):
    shares = counts / counts.sum()
    return shares.log() - shares.log().mean(), entropy(shares)


def loss_forgotten(counts):
    return (counts / counts.sum()).log()


# 21.2 keep_and_stop(losses, patience)
def walk(losses, patience, *, better, ends):
    kept, lowest, waited = 1, math.inf, 0
    for epoch, loss in enumerate(losses, start=1):
        if better(loss, lowest):
            kept, lowest, waited = epoch, loss, 0
        else:
            waited += 1
        if ends(waited, patience):
            return kept, epoch
    return kept, len(losses)


def counts_from_zero(losses, patience):
    kept, trained = walk(losses, patience, better=lambda a, b: a < b, ends=lambda w, p: w >= p)
    return kept - 1, trained


def one_epoch_too_many(losses, patience):
    return walk(losses, patience, better=lambda a, b: a < b, ends=lambda w, p: w > p)


def equal_counts_as_better(losses, patience):
    return walk(losses, patience, better=lambda a, b: a <= b, ends=lambda w, p: w >= p)


def never_stops(losses, patience):
    return losses.index(min(losses)) + 1, len(losses)


def keeps_the_last_epoch(losses, patience):
    _, trained = walk(losses, patience, better=lambda a, b: a < b, ends=lambda w, p: w >= p)
    return trained, trained


def looks_at_epochs_never_trained(losses, patience):
    _, trained = walk(losses, patience, better=lambda a, b: a < b, ends=lambda w, p: w >= p)
    return losses.index(min(losses)) + 1, trained


def compares_with_the_epoch_before(losses, patience):
    waited = 0
    for epoch in range(2, len(losses) + 1):
        waited = waited + 1 if losses[epoch - 1] >= losses[epoch - 2] else 0
        if waited >= patience:
            return losses.index(min(losses[:epoch])) + 1, epoch
    return losses.index(min(losses)) + 1, len(losses)


def count_never_set_back(losses, patience):
    kept, lowest, waited = 1, math.inf, 0
    for epoch, loss in enumerate(losses, start=1):
        if loss < lowest:
            kept, lowest = epoch, loss
        else:
            waited += 1
        if waited >= patience:
            return kept, epoch
    return kept, len(losses)


def order_of_the_pair(losses, patience):
    kept, trained = walk(losses, patience, better=lambda a, b: a < b, ends=lambda w, p: w >= p)
    return trained, kept


# 21.3 false_discovery(p)
def holm_instead(p):
    order, adjusted = np.argsort(p), np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1)
    return adjusted


def bonferroni_instead(p):
    return np.minimum(p * len(p), 1)


def not_made_monotone(p):
    order, adjusted = np.argsort(p), np.empty(len(p))
    adjusted[order] = p[order] * len(p) / np.arange(1, len(p) + 1)
    return adjusted


def left_in_sorted_order(p):
    ranked = np.sort(p) * len(p) / np.arange(1, len(p) + 1)
    return np.minimum.accumulate(ranked[::-1])[::-1]


def minimum_from_the_left(p):
    order, adjusted = np.argsort(p), np.empty(len(p))
    adjusted[order] = np.minimum.accumulate(p[order] * len(p) / np.arange(1, len(p) + 1))
    return adjusted


def ranks_from_zero(p):
    order, adjusted = np.argsort(p), np.empty(len(p))
    scaled = p[order] * len(p) / np.maximum(np.arange(len(p)), 1)
    adjusted[order] = np.minimum.accumulate(scaled[::-1])[::-1]
    return adjusted


def sorted_in_place(p):
    kept = p.copy()
    p.sort()
    order, adjusted = np.argsort(kept), np.empty(len(p))
    adjusted[order] = np.minimum.accumulate((p * len(p) / np.arange(1, len(p) + 1))[::-1])[::-1]
    return adjusted


def back_by_the_wrong_index(p):
    order = np.argsort(p)
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    return np.minimum.accumulate(scaled[::-1])[::-1][order]


def decisions_instead_of_values(p):
    order, adjusted = np.argsort(p), np.empty(len(p))
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    adjusted[order] = np.minimum.accumulate(scaled[::-1])[::-1]
    return adjusted < 0.05


def tensor_instead_of_array(p):
    order, adjusted = np.argsort(p), np.empty(len(p))
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    adjusted[order] = np.minimum.accumulate(scaled[::-1])[::-1]
    return torch.from_numpy(adjusted)


WRONG = {
    "21.1": [
        shares_instead_of_logits,
        logarithms_of_counts,
        mean_over_classes,
        sum_over_examples,
        sign_forgotten,
        loss_of_equal_classes,
        bits_instead_of_nats,
        rare_classes_first,
        centred_logits,
        loss_forgotten,
    ],
    "21.2": [
        counts_from_zero,
        one_epoch_too_many,
        equal_counts_as_better,
        never_stops,
        keeps_the_last_epoch,
        looks_at_epochs_never_trained,
        compares_with_the_epoch_before,
        count_never_set_back,
        order_of_the_pair,
    ],
    "21.3": [
        holm_instead,
        bonferroni_instead,
        not_made_monotone,
        left_in_sorted_order,
        minimum_from_the_left,
        ranks_from_zero,
        sorted_in_place,
        back_by_the_wrong_index,
        decisions_instead_of_values,
        tensor_instead_of_array,
    ],
}
