"""Class weights equal scikit-learn and the paper's formula; the sampler shows every class as often as the others."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight

from course_utils import transforms

labels_of = st.lists(st.integers(0, 4), min_size=1, max_size=60)


@settings(max_examples=60, deadline=None)
@given(labels=labels_of)
def test_inverse_frequency_equals_scikit_learn(labels):
    """The weights of the classes that occur are scikit-learn's "balanced" ones, the others 0, an example's mean 1."""
    array = np.array(labels)
    weights = transforms.inverse_frequency_weights(array, num_classes=5)
    present = np.unique(array)
    expected = compute_class_weight("balanced", classes=present, y=array)
    np.testing.assert_allclose(weights[present].numpy(), expected, rtol=1e-5)
    assert weights.sum().item() == pytest.approx(expected.sum(), rel=1e-5) and weights.dtype == torch.float32
    assert weights[array].mean().item() == pytest.approx(1.0, rel=1e-5)


@settings(max_examples=60, deadline=None)
@given(labels=labels_of, beta=st.floats(0.0, 0.9999))
def test_effective_number_is_in_the_ratio_of_the_paper(labels, beta):
    """Between any two classes the weights stand as (1 − β) / (1 − βⁿ) does, summed term by term: 1 / (1 + β + β² …)."""
    counts = np.bincount(labels, minlength=5)
    weights = transforms.effective_number_weights(torch.tensor(labels), num_classes=5, beta=beta).double().numpy()
    by_hand = np.array([1 / sum(beta**k for k in range(n)) if n else 0.0 for n in counts])
    np.testing.assert_allclose(weights / weights.sum(), by_hand / by_hand.sum(), rtol=1e-4)
    assert weights[labels].mean() == pytest.approx(1.0, rel=1e-5)


def test_effective_number_goes_from_no_weights_to_inverse_frequency():
    """β = 0 weighs all classes the same; β close to 1 weighs by inverse frequency."""
    labels = torch.tensor([0] * 90 + [1] * 9 + [2])
    flat = transforms.effective_number_weights(labels, num_classes=3, beta=0.0)
    steep = transforms.effective_number_weights(labels, num_classes=3, beta=1 - 1e-9)
    torch.testing.assert_close(flat, torch.ones(3))
    inverse = transforms.inverse_frequency_weights(labels, num_classes=3)
    torch.testing.assert_close(steep, inverse, rtol=1e-3, atol=0)


def test_sampler_draws_each_class_about_equally_and_repeats_with_its_seed():
    """Of 6,000 draws from classes of 900, 90 and 10 each gets 2,000 within five standard deviations."""
    labels = torch.tensor([0] * 900 + [1] * 90 + [2] * 10)
    first, again, other = (
        list(
            transforms.balanced_sampler(
                labels, num_classes=3, generator=torch.Generator().manual_seed(seed), num_samples=6000
            )
        )
        for seed in (0, 0, 1)
    )
    counts = torch.bincount(labels[first])
    assert (counts - 2000).abs().max() < 5 * (6000 * 1 / 3 * 2 / 3) ** 0.5
    assert first == again != other
    assert set(labels[torch.tensor(first)].tolist()) == {0, 1, 2} and len(set(first)) > 800


def test_sampler_leaves_absent_classes_out():
    """A class without examples changes nothing, and every pass has as many examples as the part."""
    labels = np.array([0, 0, 0, 3])
    sampler = transforms.balanced_sampler(labels, num_classes=5, generator=torch.Generator().manual_seed(0))
    assert len(sampler) == len(list(sampler)) == 4


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        (torch.tensor([0.5]), TypeError, "Expected `labels` to be class indices, but got torch.float32"),
        (torch.tensor([True]), TypeError, "but got torch.bool"),
        (torch.zeros(2, 2, dtype=torch.int64), ValueError, r"\(N,\) with N of at least 1, but got \(2, 2\)"),
        (torch.zeros(0, dtype=torch.int64), ValueError, r"but got \(0,\)"),
        (torch.tensor([0, 3]), ValueError, r"Expected `labels` in 0…2, but got 0…3"),
        (torch.tensor([-1, 0]), ValueError, r"but got -1…0"),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels, error, message):
    """Probabilities, truth values, tables, nothing and classes out of range are refused by all three."""
    for call in (
        transforms.inverse_frequency_weights,
        transforms.effective_number_weights,
        lambda given, num_classes: transforms.balanced_sampler(given, num_classes=num_classes, generator=None),
    ):
        with pytest.raises(error, match=message):
            call(labels, num_classes=3)


@pytest.mark.parametrize("beta", [-0.1, 1.0])
def test_beta_is_a_share_below_one(beta):
    """β of 1 would divide by zero, below 0 it means nothing."""
    with pytest.raises(ValueError, match=r"Expected `beta` in \[0, 1\)"):
        transforms.effective_number_weights(torch.tensor([0]), num_classes=1, beta=beta)
