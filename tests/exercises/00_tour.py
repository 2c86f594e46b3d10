"""Wrong answers to the exercises of 00_tour, named after the mistake; each checker must refuse its own."""

import torch


# 00.1 best_guesses(logits, k)
def logits_returned_as_probabilities(logits, k):
    values, indices = logits.topk(k)
    return list(zip(indices.tolist(), values.tolist(), strict=True))


def softmax_among_the_best_k_only(logits, k):
    values, indices = logits.topk(k)
    return list(zip(indices.tolist(), torch.softmax(values, dim=0).tolist(), strict=True))


def sigmoid_instead_of_softmax(logits, k):
    values, indices = torch.sigmoid(logits).topk(k)
    return list(zip(indices.tolist(), values.tolist(), strict=True))


def least_probable_first(logits, k):
    values, indices = torch.softmax(logits, dim=0).topk(k)
    return list(zip(indices.tolist(), values.tolist(), strict=True))[::-1]


def pair_the_wrong_way_round(logits, k):
    values, indices = torch.softmax(logits, dim=0).topk(k)
    return list(zip(values.tolist(), indices.tolist(), strict=True))


def exponential_overflows(logits, k):
    powers = torch.exp(logits)
    values, indices = (powers / powers.sum()).topk(k)
    return list(zip(indices.tolist(), values.tolist(), strict=True))


# 00.2 answer_or_abstain(probabilities, threshold)
def equal_is_withheld(probabilities, threshold):
    confidence, index = probabilities.max(dim=1)
    return torch.where(confidence > threshold, index, -1)


def greatest_of_each_column(probabilities, threshold):
    confidence, index = probabilities.max(dim=0)
    return torch.where(confidence >= threshold, index, -1)


def sure_ones_withheld(probabilities, threshold):
    confidence, index = probabilities.max(dim=1)
    return torch.where(confidence >= threshold, -1, index)


def class_zero_means_no_answer(probabilities, threshold):
    confidence, index = probabilities.max(dim=1)
    return torch.where(confidence >= threshold, index, 0)


def never_abstains(probabilities, threshold):
    return probabilities.argmax(dim=1)


def probability_returned_instead_of_class(probabilities, threshold):
    confidence = probabilities.max(dim=1).values
    return torch.where(confidence >= threshold, confidence, -1.0)


def nothing_returned(probabilities, threshold):
    confidence, index = probabilities.max(dim=1)
    torch.where(confidence >= threshold, index, -1)


# 00.3 masks_to_class_map(masks, labels)
def class_zero_lost_in_the_background(masks, labels):
    class_map = torch.zeros(masks.shape[1:], dtype=torch.int64)
    for mask, label in zip(masks, labels, strict=True):
        class_map[mask] = label
    return class_map


def things_numbered_instead_of_classes(masks, labels):
    class_map = torch.zeros(masks.shape[1:], dtype=torch.int64)
    for number, mask in enumerate(masks, start=1):
        class_map[mask] = number
    return class_map


def axes_swapped(masks, labels):
    class_map = torch.zeros(masks.shape[2], masks.shape[1], dtype=torch.int64)
    for mask, label in zip(masks, labels, strict=True):
        class_map[mask.T] = label + 1
    return class_map


def first_thing_forgotten(masks, labels):
    class_map = torch.zeros(masks.shape[1:], dtype=torch.int64)
    for mask, label in zip(masks[1:], labels[1:], strict=True):
        class_map[mask] = label + 1
    return class_map


def fails_without_things(masks, labels):
    return (masks * (labels + 1)[:, None, None]).max(dim=0).values


def background_gets_the_last_class(masks, labels):
    class_map = torch.full(masks.shape[1:], -1, dtype=torch.int64)
    for mask, label in zip(masks, labels, strict=True):
        class_map[mask] = label
    return class_map


# 00.4 nearest_neighbours(embeddings)
def finds_itself(embeddings):
    unit = embeddings / embeddings.norm(dim=1, keepdim=True)
    return (unit @ unit.T).argmax(dim=1)


def lengths_not_divided_out(embeddings):
    return (embeddings @ embeddings.T).fill_diagonal_(-torch.inf).argmax(dim=1)


def columns_scaled_instead_of_rows(embeddings):
    unit = embeddings / embeddings.norm(dim=0, keepdim=True)
    return (unit @ unit.T).fill_diagonal_(-torch.inf).argmax(dim=1)


def least_similar(embeddings):
    unit = embeddings / embeddings.norm(dim=1, keepdim=True)
    return (unit @ unit.T).fill_diagonal_(torch.inf).argmin(dim=1)


def distance_of_raw_rows(embeddings):
    return torch.cdist(embeddings, embeddings).fill_diagonal_(torch.inf).argmin(dim=1)


def diagonal_of_zero_beats_negative_similarities(embeddings):
    unit = embeddings / embeddings.norm(dim=1, keepdim=True)
    return (unit @ unit.T).fill_diagonal_(0).argmax(dim=1)


WRONG = {
    "00.1": [
        logits_returned_as_probabilities,
        softmax_among_the_best_k_only,
        sigmoid_instead_of_softmax,
        least_probable_first,
        pair_the_wrong_way_round,
        exponential_overflows,
    ],
    "00.2": [
        equal_is_withheld,
        greatest_of_each_column,
        sure_ones_withheld,
        class_zero_means_no_answer,
        never_abstains,
        probability_returned_instead_of_class,
        nothing_returned,
    ],
    "00.3": [
        class_zero_lost_in_the_background,
        things_numbered_instead_of_classes,
        axes_swapped,
        first_thing_forgotten,
        fails_without_things,
        background_gets_the_last_class,
    ],
    "00.4": [
        finds_itself,
        lengths_not_divided_out,
        columns_scaled_instead_of_rows,
        least_similar,
        distance_of_raw_rows,
        diagonal_of_zero_beats_negative_similarities,
    ],
}
