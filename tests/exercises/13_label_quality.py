"""Wrong answers to the exercises of 13_label_quality, each named after its mistake."""

import math

import numpy as np
import torch
from torch.nn import functional as F


# 13.1 reviews_needed(wrong, share)
def counts_from_zero(wrong, share):
    seen = np.cumsum(wrong) if len(wrong) else np.array([0])
    return int(np.argmax(seen >= share * seen[-1]))


def share_of_the_list(wrong, share):
    return math.ceil(share * len(wrong)) if any(wrong) else 0


def share_rounded_down(wrong, share):
    places = [place for place, is_wrong in enumerate(wrong, start=1) if is_wrong]
    needed = int(share * len(places))
    return places[needed - 1] if needed else 0


def more_than_the_share(wrong, share):
    seen = np.cumsum([0, *wrong])
    enough = seen > share * seen[-1]
    return int(np.argmax(enough)) if enough.any() else len(wrong) if any(wrong) else 0


def number_of_wrong_labels(wrong, share):
    return math.ceil(share * sum(wrong))


def from_the_bottom(wrong, share):
    seen = np.cumsum([0, *wrong[::-1]])
    return int(np.argmax(seen >= share * seen[-1]))


def looks_at_all_without_a_wrong_one(wrong, share):
    seen = np.cumsum([0, *wrong])
    return int(np.argmax(seen >= share * seen[-1])) if any(wrong) else len(wrong)


def crashes_on_nothing(wrong, share):
    places = [place for place, is_wrong in enumerate(wrong, start=1) if is_wrong]
    return places[max(0, math.ceil(share * len(places)) - 1)]


def share_of_nothing_needs_one(wrong, share):
    places = [place for place, is_wrong in enumerate(wrong, start=1) if is_wrong]
    return places[max(0, math.ceil(share * len(places)) - 1)] if places else 0


def as_a_share_of_the_list(wrong, share):
    seen = np.cumsum([0, *wrong])
    return float(np.argmax(seen >= share * seen[-1]) / max(1, len(wrong)))


def sorts_the_list(wrong, share):
    seen = np.cumsum([0, *wrong])
    wrong.sort()
    return int(np.argmax(seen >= share * seen[-1]))


# 13.2 noise_matrix(given, true, num_classes)
def counted(rows, columns, num_classes):
    counts = np.zeros((num_classes, num_classes))
    np.add.at(counts, (rows, columns), 1)
    return counts


def swapped_axes(given, true, num_classes):
    counts = counted(given, true, num_classes)
    with np.errstate(invalid="ignore"):
        return counts / counts.sum(axis=1, keepdims=True)


def columns_sum_to_one(given, true, num_classes):
    counts = counted(true, given, num_classes)
    with np.errstate(invalid="ignore"):
        return counts / counts.sum(axis=0, keepdims=True)


def joint_not_conditional(given, true, num_classes):
    return counted(true, given, num_classes) / len(true)


def counts_not_shares(given, true, num_classes):
    return counted(true, given, num_classes)


def zeros_for_an_unseen_class(given, true, num_classes):
    counts = counted(true, given, num_classes)
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)


def identity_for_an_unseen_class(given, true, num_classes):
    counts = counted(true, given, num_classes)
    counts[counts.sum(axis=1) == 0] = np.eye(num_classes)[counts.sum(axis=1) == 0]
    return counts / counts.sum(axis=1, keepdims=True)


def repeated_pairs_counted_once(given, true, num_classes):
    counts = np.zeros((num_classes, num_classes))
    counts[true, given] += 1
    with np.errstate(invalid="ignore"):
        return counts / counts.sum(axis=1, keepdims=True)


def only_seen_classes(given, true, num_classes):
    classes = np.unique(true)
    return np.array([[np.mean(given[true == k] == j) for j in classes] for k in classes])


def row_sums_without_their_axis(given, true, num_classes):
    counts = counted(true, given, num_classes)
    with np.errstate(invalid="ignore"):
        return counts / counts.sum(axis=1)


def percentages(given, true, num_classes):
    counts = counted(true, given, num_classes)
    with np.errstate(invalid="ignore"):
        return 100 * counts / counts.sum(axis=1, keepdims=True)


# 13.3 forward_loss(logits, given, noise)
def transposed_noise(logits, given, noise):
    return F.nll_loss((logits.softmax(dim=1) @ noise.T).log(), given)


def noise_on_the_logits(logits, given, noise):
    return F.cross_entropy(logits @ noise, given)


def noise_forgotten(logits, given, noise):
    return F.cross_entropy(logits, given)


def softmax_twice(logits, given, noise):
    return F.cross_entropy(logits.softmax(dim=1) @ noise, given)


def sum_not_mean(logits, given, noise):
    return F.nll_loss((logits.softmax(dim=1) @ noise).log(), given, reduction="sum")


def sign_forgotten(logits, given, noise):
    return -F.nll_loss((logits.softmax(dim=1) @ noise).log(), given)


def logarithm_forgotten(logits, given, noise):
    return F.nll_loss(logits.softmax(dim=1) @ noise, given)


def softmax_over_the_batch(logits, given, noise):
    return F.nll_loss((logits.softmax(dim=0) @ noise).log(), given)


def backward_correction(logits, given, noise):
    losses = -(logits.log_softmax(dim=1) @ torch.linalg.pinv(noise).T)
    return losses.gather(1, given[:, None]).mean()


def weighted_by_the_diagonal(logits, given, noise):
    return F.cross_entropy(logits, given, weight=noise.diagonal())


def gradient_cut(logits, given, noise):
    return F.nll_loss((logits.detach().softmax(dim=1) @ noise).log(), given)


def plain_number(logits, given, noise):
    return F.nll_loss((logits.softmax(dim=1) @ noise).log(), given).item()


WRONG = {
    "13.1": [
        counts_from_zero,
        share_of_the_list,
        share_rounded_down,
        more_than_the_share,
        number_of_wrong_labels,
        from_the_bottom,
        looks_at_all_without_a_wrong_one,
        crashes_on_nothing,
        share_of_nothing_needs_one,
        as_a_share_of_the_list,
        sorts_the_list,
    ],
    "13.2": [
        swapped_axes,
        columns_sum_to_one,
        joint_not_conditional,
        counts_not_shares,
        zeros_for_an_unseen_class,
        identity_for_an_unseen_class,
        repeated_pairs_counted_once,
        only_seen_classes,
        row_sums_without_their_axis,
        percentages,
    ],
    "13.3": [
        transposed_noise,
        noise_on_the_logits,
        noise_forgotten,
        softmax_twice,
        sum_not_mean,
        sign_forgotten,
        logarithm_forgotten,
        softmax_over_the_batch,
        backward_correction,
        weighted_by_the_diagonal,
        gradient_cut,
        plain_number,
    ],
}
