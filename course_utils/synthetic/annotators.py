"""Simulated annotators: people who draw boxes and name classes with habits of their own, where the truth is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy import special

from course_utils.annotations import ImageAnnotations
from course_utils.synthetic.arguments import check_count, check_range, check_share

LEAST_SIDE = 1.0  # pixels; no hand draws a thinner box
CROWD, CROWD_RATE = 50, 0.05  # people, and their error rate: those of CIFAR-10H had passed a check


@dataclass(frozen=True)
class Annotator:
    """The habits of one annotator.

    Args:
        jitter: standard deviation of each edge around where this person means it to be, pixels.
        bias: pixels by which every edge lies outside of the object; negative: inside.
        small: an object whose longer side is below this, in pixels, is easily overlooked.
        missed_small: share of the small objects that are overlooked, 0 to 1.
        missed: share of the others that are overlooked, 0 to 1.
        confused: share of the objects that are given another class, 0 to 1.
        confusions: pairs (true class, class given) that are mixed up; empty: any other class, each as likely. Objects
            of a class that is in no pair are never confused.
        num_classes: number of classes to choose from.

    Raises:
        ValueError: A number is out of its range, or a pair names a class twice or one that there is not.
    """

    jitter: float = 1.0
    bias: float = 0.0
    small: float = 24.0
    missed_small: float = 0.0
    missed: float = 0.0
    confused: float = 0.0
    confusions: tuple[tuple[int, int], ...] = ()
    num_classes: int = 6

    def __post_init__(self) -> None:
        check_range("jitter", self.jitter, 0, 1e3)
        check_range("bias", self.bias, -1e3, 1e3)
        check_range("small", self.small, 0, 1e6)
        for name in ("missed_small", "missed", "confused"):
            check_share(name, getattr(self, name))
        check_count("num_classes", self.num_classes, least=1)
        for true, given in self.confusions:
            if true == given or not all(0 <= one < self.num_classes for one in (true, given)):
                raise ValueError(
                    f"Expected pairs of two classes from 0 to {self.num_classes - 1}, but got {(true, given)}. "
                    "A pair is (true class, class given)."
                )


ANNOTATORS = {  # three people for the street scenes; classes: 1 speed, 2 danger, 3 priority, 4 crossing, 5 ahead
    "careful": Annotator(jitter=0.6, missed_small=0.02, confused=0.01),
    "generous": Annotator(jitter=1.0, bias=2.5, missed_small=0.10, confused=0.04),
    "hasty": Annotator(jitter=2.0, missed_small=0.40, missed=0.05, confused=0.25, confusions=((4, 5), (5, 4), (2, 3))),
}


def annotate(truth: ImageAnnotations, *, annotator: Annotator, seed: int) -> ImageAnnotations:
    """Let a simulated annotator draw the boxes of one image.

    Args:
        truth: what is there; masks and key points are not drawn.
        annotator: whose habits.
        seed: 0 or more; another image or another annotator needs another seed.

    Returns:
        The boxes drawn, in the order of the truth without what was overlooked, each at least a pixel wide and high and
        inside the image.

    Raises:
        ValueError: The seed is negative, or a label of the truth is not among the annotator's classes.

    >>> sign = ImageAnnotations((50, 50), torch.tensor([[10.0, 10.0, 40.0, 40.0]]), torch.tensor([2]))
    >>> annotate(sign, annotator=Annotator(jitter=0.0, bias=2.0), seed=0).boxes
    tensor([[ 8.,  8., 42., 42.]])
    """
    check_count("seed", seed, least=0)
    rng = np.random.default_rng(seed)
    boxes = truth.boxes.numpy().astype(float)
    sides = boxes[:, 2:] - boxes[:, :2]
    chance = np.where(sides.max(axis=1, initial=0) < annotator.small, annotator.missed_small, annotator.missed)
    seen = rng.random(len(boxes)) >= chance
    drawn = boxes + annotator.bias * np.array([-1.0, -1.0, 1.0, 1.0])
    drawn += annotator.jitter * rng.standard_normal(boxes.shape)
    labels = name_classes(truth.labels.tolist(), annotator=annotator, seed=seed)
    mended = _mended(drawn, truth.size_hw)[seen].astype(np.float32)
    return ImageAnnotations(truth.size_hw, torch.from_numpy(mended), torch.from_numpy(labels[seen]))


def name_classes(labels: Sequence[int], *, annotator: Annotator, seed: int) -> np.ndarray:
    """Let a simulated annotator name classes.

    Args:
        labels: N true classes.
        annotator: whose habits; those about boxes do not matter.
        seed: 0 or more.

    Returns:
        Int64 (N,), the classes given.

    Raises:
        ValueError: The seed is negative, or a label is not among the annotator's classes.

    >>> name_classes([0, 1, 2], annotator=Annotator(confused=1.0, confusions=((0, 2),), num_classes=3), seed=0)
    array([2, 1, 2])
    """
    check_count("seed", seed, least=0)
    labels = np.asarray(labels, dtype=np.int64)
    if len(labels) and not 0 <= labels.min() <= labels.max() < annotator.num_classes:
        got = f"{labels.min()} to {labels.max()}"
        raise ValueError(f"Expected labels from 0 to {annotator.num_classes - 1}, but got {got}. Set `num_classes`.")
    rng = np.random.default_rng([seed, 1])  # 1: not the numbers of the boxes
    slips = rng.random(len(labels)) < annotator.confused
    others = (labels + rng.integers(1, max(annotator.num_classes, 2), len(labels))) % annotator.num_classes
    if annotator.confusions:
        others = np.array([_mixed_up(label, annotator, rng) for label in labels.tolist()], dtype=np.int64)
    return np.where(slips, others, labels)


@dataclass(frozen=True, eq=False)
class Answers:
    """What people said about the classes of images, and the label sets made of it, as in CIFAR-10N and CIFAR-10H.

    Args:
        clean: int64 (N,), the labels that are taken for true.
        votes: int64 (R, N), the answers of R annotators.
        aggregate: int64 (N,), the most frequent answer; where two are equally frequent, one of them at random.
        worst: int64 (N,), a wrong answer wherever there is one, chosen at random.
        crowd: int64 (M, K), how many of about 50 people chose each class for each of M images.
    """

    clean: np.ndarray
    votes: np.ndarray
    aggregate: np.ndarray
    worst: np.ndarray
    crowd: np.ndarray


def simulate_answers(
    n: int, *, rates: Sequence[float], seed: int, shared: float = 0.0, alike: float = 0.0, num_classes: int = 10
) -> Answers:
    """Answers of simulated annotators, who slip independently of each other, or together on hard images.

    Every image has a chance of a slip of its own, the same draw for all annotators, and a class that it resembles.
    Beside the annotators a crowd of 50 careful people judges the images.

    Args:
        n: images.
        rates: error rate of each annotator, 0 to 1.
        seed: 0 or more.
        shared: correlation of the slips of two annotators, 0 to 0.9; 0: every image is equally hard.
        alike: share of the slips that name the class which the image resembles, 0 to 1; the others name any wrong one.
        num_classes: 2 or more.

    Raises:
        ValueError: A number is out of its range.

    >>> answers = simulate_answers(1000, rates=(0.0, 0.0, 0.3), seed=0)
    >>> bool((answers.aggregate == answers.clean).all()), round(float((answers.worst != answers.clean).mean()), 1)
    (True, 0.3)
    """
    check_count("n", n, least=0)
    check_count("num_classes", num_classes, least=2)
    check_range("shared", shared, 0, 0.9)
    for name, share in (("alike", alike), *(("rates", rate) for rate in rates)):
        check_share(name, share)
    rng = np.random.default_rng([seed, 2])
    clean, hard = rng.integers(0, num_classes, n), rng.random(n)
    wrong = np.full((n, num_classes), (1 - alike) / (num_classes - 1))  # (N, K), what a slip says
    wrong[np.arange(n), (clean + rng.integers(1, num_classes, n)) % num_classes] += alike
    wrong[np.arange(n), clean] = 0
    wrong /= wrong.sum(axis=1, keepdims=True)
    chances = [_slip_chances(hard, rate, shared)[:, None] for rate in (*rates, CROWD_RATE)]
    *shares, of_crowd = [np.eye(num_classes)[clean] * (1 - chance) + wrong * chance for chance in chances]
    votes = np.stack([rng.multinomial(1, share).argmax(axis=1) for share in shares])
    return Answers(clean, votes, *_vote(clean, votes, rng, num_classes), rng.multinomial(CROWD, of_crowd))


def _slip_chances(hard: np.ndarray, rate: float, shared: float) -> np.ndarray:
    """Chance of a slip on each image (N,), mean `rate`, of a Beta distribution at the quantiles `hard`."""
    if shared == 0 or rate in (0, 1):
        return np.full(len(hard), float(rate))
    weight = (1 - shared) / shared  # of a Beta distribution whose intraclass correlation is `shared`
    return special.betaincinv(rate * weight, (1 - rate) * weight, hard)


def _vote(clean: np.ndarray, votes: np.ndarray, rng: np.random.Generator, num_classes: int) -> tuple[np.ndarray, ...]:
    """The most frequent answer and a wrong one, of each image; a random number below 1 decides between equals alone."""
    counts = np.stack([(votes == k).sum(axis=0) for k in range(num_classes)])  # (K, N)
    aggregate = (counts + rng.random(counts.shape) / 2).argmax(axis=0)
    chosen = ((votes != clean) + rng.random(votes.shape) / 2).argmax(axis=0)
    return aggregate, votes[chosen, np.arange(len(clean))]


def _mixed_up(label: int, annotator: Annotator, rng: np.random.Generator) -> int:
    """One of the classes that this annotator takes `label` for; itself where there is none."""
    return int(rng.choice([given for true, given in annotator.confusions if true == label] or [label]))


def _mended(boxes: np.ndarray, size_hw: tuple[int, int]) -> np.ndarray:
    """Boxes (N, 4) at least a pixel wide and high, and inside the image."""
    corners = np.stack([boxes[:, :2], boxes[:, 2:]])  # (2, N, 2)
    low, high = corners.min(axis=0), corners.max(axis=0)
    limit = np.array([size_hw[1], size_hw[0]], dtype=float)
    low = np.clip(low, 0, limit - LEAST_SIDE)
    return np.hstack([low, np.clip(high, low + LEAST_SIDE, limit)])
