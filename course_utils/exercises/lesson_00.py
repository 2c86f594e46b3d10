"""Checkers of 00_tour: guesses, abstention, class maps, nearest neighbours."""

import math

import torch
from torch.nn import functional as F

from course_utils.exercises import checker, expect_close


def _hint(answer) -> str:
    """A hint for an answer that is not there; empty otherwise, which leaves the checker's own."""
    return "Is there a `return`?" if answer is None else ""


@checker("00.1", hint="Do all the classes share the probability of one, before the best k are taken?")
def check_00_1(function, seed):
    """best_guesses(logits (K,), k) -> list of k pairs (class index, probability), most probable first."""
    logits = torch.tensor([1.0, 3.0, 2.0])
    total = math.exp(1) + math.exp(3) + math.exp(2)
    expected = [(1, math.exp(3) / total), (2, math.exp(2) / total)]
    answer = function(logits, 2)
    swapped = isinstance(answer, list) and answer and isinstance(answer[0], tuple) and isinstance(answer[0][0], float)
    hint = "Is the class index first in each pair?" if swapped else _hint(answer)
    expect_close(answer, expected, given="logits [1, 3, 2] and k = 2", hint=hint)
    logits = torch.randn(1000, generator=torch.Generator().manual_seed(seed))
    powers = [math.exp(value) for value in logits.tolist()]
    order = sorted(range(1000), key=lambda index: -powers[index])[:5]
    expected = [(index, powers[index] / sum(powers)) for index in order]
    expect_close(function(logits, 5), expected, given="1,000 random logits and k = 5")
    expected = [(1, 1.0), (0, 0.0)]
    hint = "Does exp overflow? torch.softmax, or subtracting the largest logit first, avoids it. Did you?"
    expect_close(function(torch.tensor([0.0, 500.0]), 2), expected, given="logits [0, 500] and k = 2", hint=hint)
    return "three logits, 1,000 random ones against a plain loop, very large ones"


@checker("00.2", hint="Is the greatest probability of each row compared with the threshold?")
def check_00_2(function, seed):
    """answer_or_abstain(probabilities (N, K), threshold) -> int64 (N,): class index, or -1 below the threshold."""
    probabilities = torch.tensor([[0.75, 0.25], [0.5, 0.5], [0.125, 0.875]])
    given = "rows [0.75, 0.25], [0.5, 0.5], [0.125, 0.875] and threshold 0.7"
    answer = function(probabilities, 0.7)
    expect_close(answer, torch.tensor([0, -1, 1]), given=given, hint=_hint(answer))
    hint = "A row whose greatest probability equals the threshold is answered. Is it?"
    given = "the same rows and threshold 0.75"
    expect_close(function(probabilities, 0.75), torch.tensor([0, -1, 1]), given=given, hint=hint)
    rows = torch.randn(200, 7, generator=torch.Generator().manual_seed(seed)).mul(2).softmax(dim=1)
    expected = [row.index(max(row)) if max(row) >= 0.6 else -1 for row in rows.tolist()]
    expect_close(function(rows, 0.6), torch.tensor(expected), given="200 random rows and threshold 0.6")
    return "sure, unsure and exactly at the threshold; 200 random rows against a plain loop"


@checker("00.3", hint="Is a pixel the class of its thing plus one, and zero where there is no thing?")
def check_00_3(function, seed):
    """masks_to_class_map(masks (N, H, W) bool, labels (N,)) -> int64 (H, W): 0 background, label + 1 elsewhere."""
    masks = torch.zeros(2, 2, 3, dtype=torch.bool)
    masks[0, 0, 0] = masks[1, 1, 1:] = True
    expected = torch.tensor([[5, 0, 0], [0, 1, 1]])
    given = "a thing of class 4 in one corner and one of class 0 in the row below"
    answer = function(masks, torch.tensor([4, 0]))
    expect_close(answer, expected, given=given, hint=_hint(answer))
    masks, labels = _random_masks(seed)
    expected = torch.zeros(12, 20, dtype=torch.int64)
    for mask, label in zip(masks, labels.tolist(), strict=True):
        for row, column in mask.nonzero().tolist():
            expected[row, column] = label + 1
    expect_close(function(masks, labels), expected, given="five random things in 12 × 20 pixels")
    empty = function(torch.zeros(0, 4, 6, dtype=torch.bool), torch.zeros(0, dtype=torch.int64))
    hint = "A picture may show no thing at all. What is its map?"
    expect_close(empty, torch.zeros(4, 6, dtype=torch.int64), given="no things in 4 × 6 pixels", hint=hint)
    return "two things by hand, five random ones pixel by pixel, a picture without things"


def _random_masks(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Five disjoint masks (5, 12, 20), each some of the pixels of a random partition, two of them of one class."""
    owner = torch.randint(0, 8, (12, 20), generator=torch.Generator().manual_seed(seed))
    return torch.stack([owner == thing for thing in range(5)]), torch.tensor([2, 5, 2, 0, 3])


@checker("00.4", hint="Are the rows scaled to length one, and is a row kept from finding itself?")
def check_00_4(function, seed):
    """nearest_neighbours(embeddings (N, D)) -> int64 (N,): for each row the other row of greatest cosine similarity."""
    embeddings = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.2, 0.1], [5.0, 6.0], [-9.0, -0.5]])
    given = "rows [1, 0], [0, 1], [0.2, 0.1], [5, 6], [-9, -0.5]"
    answer = function(embeddings)
    expect_close(answer, torch.tensor([2, 3, 3, 2, 1]), given=given, hint=_hint(answer))
    generator = torch.Generator().manual_seed(seed)
    embeddings = torch.randn(40, 6, generator=generator) * torch.rand(40, 1, generator=generator).mul(10)
    expected = []
    for index, row in enumerate(embeddings):
        similarity = [F.cosine_similarity(row, other, dim=0).item() for other in embeddings]
        similarity[index] = -math.inf
        expected.append(similarity.index(max(similarity)))
    expect_close(function(embeddings), torch.tensor(expected), given="40 random rows of very different lengths")
    return "five rows by hand, 40 random ones against torch.nn.functional.cosine_similarity"
