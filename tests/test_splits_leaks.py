"""Leaks: planted copies are found, in every disguise that a finder claims to see through, and nothing else is."""

import numpy as np
import pytest
from PIL import Image

from course_utils import splits
from course_utils.splits import leaks


def pictures(n, seed=0):
    """Smooth random pictures, uint8 (64, 64, 3): unrelated, but no white noise."""
    small = np.random.default_rng(seed).integers(0, 256, size=(n, 6, 6, 3), dtype=np.uint8)
    return [np.asarray(Image.fromarray(image).resize((64, 64), Image.Resampling.BICUBIC)) for image in small]


def halves(n):
    """A split that trains on the first half and tests on the second."""
    return splits.Split(range(n // 2), [], range(n // 2, n))


def pairs(found):
    """The pairs of a table of leaks."""
    return [(row["first"], row["second"]) for row in found]


def test_planted_copy_is_found_with_its_parts():
    """The copy of a training picture in the test part is the one pair, at distance 0."""
    images = pictures(10)
    images[7] = images[2].copy()
    expected = [{"first": 2, "second": 7, "first_part": "train", "second_part": "test", "distance": 0.0}]
    assert splits.find_leaks(images, halves(10)) == expected
    assert pairs(splits.find_leaks(images, halves(10), by="perceptual")) == [(2, 7)]


def test_copies_inside_of_a_part_are_listed_on_request_only():
    """Two equal training pictures are no leak between parts, but can be asked for."""
    images = pictures(10)
    images[3] = images[2]
    assert splits.find_leaks(images, halves(10)) == []
    assert pairs(splits.find_leaks(images, halves(10), within=True)) == [(2, 3)]


def test_exact_search_tells_shape_and_type_apart():
    """The same bytes in another shape, or the same values in another type, are other pictures."""
    images = [np.zeros((2, 3)), np.zeros((3, 2)), np.zeros((2, 3), np.float32)]
    assert splits.find_leaks(images, splits.Split([0], [], [1, 2])) == []


@pytest.mark.parametrize(
    "disguise",
    [
        lambda image: np.clip(image * 0.8 + 20, 0, 255).astype(np.uint8),
        lambda image: np.asarray(Image.fromarray(image).resize((37, 41))),
        lambda image: np.clip(image + np.random.default_rng(1).normal(0, 5, image.shape), 0, 255).astype(np.uint8),
    ],
)
def test_perceptual_search_sees_through_disguises(disguise):
    """A copy that was brightened, made smaller or made noisy is found; unrelated pictures are not."""
    images = pictures(40)
    images[30] = disguise(images[5])
    assert splits.find_leaks(images, halves(40)) == []
    assert pairs(splits.find_leaks(images, halves(40), by="perceptual")) == [(5, 30)]


def test_given_hashes_save_the_pictures():
    """Hashes that were computed before give the same pairs as the pictures."""
    images = pictures(20)
    images[15] = images[1]
    hashes = splits.perceptual_hashes(images)
    assert hashes.shape == (20, 64) and hashes.dtype == bool
    found = splits.find_leaks(hashes, halves(20), by="perceptual", at_most=20)
    assert found == splits.find_leaks(images, halves(20), by="perceptual", at_most=20)


def test_hamming_distances_and_limit_equal_a_slow_loop():
    """Pairs and distances of random bits equal those counted one by one, at every limit."""
    hashes = np.random.default_rng(0).random((30, 16)) < 0.5
    for limit in (0, 3, 8, 16):
        found = splits.find_leaks(hashes, halves(30), by="perceptual", at_most=limit)
        slow = {(i, j): int((hashes[i] != hashes[j]).sum()) for i in range(15) for j in range(15, 30)}
        assert {(row["first"], row["second"]): row["distance"] for row in found} == {
            pair: distance for pair, distance in slow.items() if distance <= limit
        }


def test_cosine_distances_equal_a_slow_loop_also_over_blocks(monkeypatch):
    """In blocks of seven rows, pairs and distances of random features are those computed one by one."""
    monkeypatch.setattr(leaks, "_ROWS", 7)
    features = np.random.default_rng(0).normal(size=(30, 5))
    found = splits.find_leaks(features, halves(30), by="embedding", at_most=0.6)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    slow = {(i, j): 1 - float(unit[i] @ unit[j]) for i in range(15) for j in range(15, 30)}
    slow = {pair: distance for pair, distance in slow.items() if distance <= 0.6}
    assert {(row["first"], row["second"]): row["distance"] for row in found} == pytest.approx(slow, abs=1e-6)
    assert [row["distance"] for row in found] == sorted(row["distance"] for row in found)


def test_cosine_does_not_see_length():
    """Features that differ in length alone are the same direction: distance 0."""
    found = splits.find_leaks(np.array([[1.0, 2.0], [3.0, 6.0]]), splits.Split([0], [], [1]), by="embedding")
    assert len(found) == 1 and found[0]["distance"] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("by", splits.leaks.KINDS)
def test_nothing_leaks_from_nothing(by):
    """No examples give no pairs."""
    empty = np.zeros((0, 4)) if by == "embedding" else []
    assert splits.find_leaks(empty, splits.Split([], [], []), by=by) == []


@pytest.mark.parametrize(
    ("examples", "by", "message"),
    [
        (np.zeros((2, 2)), "looks", "Expected `by` to be one of exact, perceptual, embedding, but got 'looks'"),
        (np.zeros((3, 2)), "exact", "to cover all 3 examples"),
        ([np.zeros((4, 4)), np.zeros((4, 4))], "perceptual", "image 0 to be uint8"),
        ([np.zeros((4, 4, 4), np.uint8)] * 2, "perceptual", r"uint8 \(H, W\) or \(H, W, 3\), but got uint8 \(4, 4, 4"),
        (np.array([[1.0, np.nan], [1, 1]]), "embedding", "finite features"),
        (np.array([[0.0, 0.0], [1, 1]]), "embedding", "none of them all zeros"),
        (np.ones((2, 3, 3)), "embedding", r"but got shape \(2, 3, 3\)"),
    ],
)
def test_examples_that_do_not_fit_are_refused(examples, by, message):
    """An unknown kind, a foreign split, and examples of the wrong form are told apart."""
    with pytest.raises(ValueError, match=message):
        splits.find_leaks(examples, splits.Split([0], [], [1]), by=by)
