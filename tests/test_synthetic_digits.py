"""Tests of rendered digits: scikit-learn's format, one seed one digit, and more variety with more randomisation."""

from pathlib import Path

import matplotlib
import numpy as np
import pytest
from sklearn.datasets import load_digits

from course_utils.synthetic import render_digits
from course_utils.synthetic.digits import DIGIT_FONTS


def test_format_is_that_of_the_handwritten_digits():
    """Shape, range and whole numbers are those of `load_digits`, and the amount of ink is alike."""
    real = load_digits().images
    for strength in (0, 0.5, 1):
        images, labels = render_digits(200, seed=0, randomise=strength)
        assert images.shape == (200, 8, 8) and images.dtype == np.float32 and labels.dtype == np.int64
        assert images.min() == 0 and images.max() == 16 and np.array_equal(images, images.round())
        assert 0.7 < images.mean() / real.mean() < 1.2


def test_counts_are_those_of_the_blocks_of_a_bitmap(monkeypatch):
    """Each of the 64 numbers is how many of 4 × 4 pixels are ink, counted by a loop."""
    from course_utils.synthetic import digits

    bitmap = np.random.default_rng(0).random((32, 32)) > 0.4
    counted = [
        [sum(bitmap[4 * r + y, 4 * c + x] for y in range(4) for x in range(4)) for c in range(8)] for r in range(8)
    ]
    monkeypatch.setattr(digits, "_draw_bitmap", lambda *_: bitmap)
    assert render_digits(1, seed=0)[0][0].tolist() == counted


def test_same_seed_gives_the_same_digits_whatever_their_number():
    """Digit i depends on seed and strength, not on how many are drawn; another seed draws others."""
    few, many, others = (render_digits(n, seed=seed)[0] for n, seed in ((12, 3), (40, 3), (12, 4)))
    assert np.array_equal(few, many[:12]) and not np.array_equal(few, others)


def test_classes_are_equally_frequent():
    """Labels run through the ten classes in turn."""
    assert render_digits(25, seed=0)[1].tolist() == [i % 10 for i in range(25)]


def test_plain_digits_are_ten_images_that_fill_the_height():
    """Without randomisation there is one image of each class, touching top and bottom, in the middle."""
    images, _ = render_digits(60, seed=0, randomise=0)
    assert len(np.unique(images, axis=0)) == 10
    assert (images[:, 0].max(axis=1) > 0).all() and (images[:, -1].max(axis=1) > 0).all()
    columns = (images.sum(axis=1) * np.arange(8)).sum(axis=1) / images.sum(axis=(1, 2))
    assert np.abs(columns - 3.5).max() < 0.8


def test_more_randomisation_means_more_variety():
    """Images of one class spread further from their mean as the strength grows."""
    spread = []
    for strength in (0, 0.3, 0.6, 1):
        images, labels = render_digits(400, seed=0, randomise=strength)
        spread.append(np.mean([images[labels == c].std(axis=0).mean() for c in range(10)]))
    assert spread[0] == 0 < spread[1] < spread[2] < spread[3]


@pytest.mark.parametrize(("strength", "least"), [(0.3, 0.9), (1.0, 0.6)])
def test_randomised_digits_still_look_like_their_class(strength, least):
    """The nearest of other rendered digits is mostly of the same class, nearly always so at low strength."""
    (train, labels), (test, truth) = (render_digits(n, seed=s, randomise=strength) for n, s in ((1200, 0), (300, 1)))
    distance = ((test[:, None] - train) ** 2).sum(axis=(2, 3))
    assert (labels[distance.argmin(axis=1)] == truth).mean() > least


def test_fonts_come_with_matplotlib_and_opencv():
    """Every font file is in the installed package, so nothing depends on the machine's fonts."""
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    assert all((folder / f"{font}.ttf").exists() for font in DIGIT_FONTS if not font.startswith("HERSHEY"))
    assert len(set(DIGIT_FONTS)) == len(DIGIT_FONTS) >= 20


def test_no_digits_is_an_empty_set():
    """n=0 gives arrays without a row."""
    images, labels = render_digits(0, seed=0)
    assert images.shape == (0, 8, 8) and labels.shape == (0,)


def test_true_and_false_are_the_ends_of_the_strength():
    """randomise=True is full strength and False is none."""
    for flag, strength in ((True, 1.0), (False, 0.0)):
        one, other = (render_digits(20, seed=0, randomise=value)[0] for value in (flag, strength))
        assert np.array_equal(one, other)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n": -1}, "`n` to be an integer of 0 or more, but got -1"),
        ({"seed": None}, "`seed` to be an integer"),
        ({"randomise": 1.1}, "`randomise` to be a number from 0 to 1, but got 1.1"),
        ({"randomise": None}, "`randomise`"),
    ],
)
def test_wrong_arguments_are_named(change, message):
    """An argument out of range is refused."""
    arguments = {"n": 2, "seed": 0} | change
    with pytest.raises(ValueError, match=message):
        render_digits(arguments.pop("n"), **arguments)
