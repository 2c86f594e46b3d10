"""The parts of the fast recipe against what they are meant to be, and the whole of it on handwritten digits."""

import ast
import dataclasses
import functools
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch.nn import functional as F

from course_utils import speedrun

SMALL = speedrun.Settings(epochs=4, batch_size=50, widths=(8, 16, 16))


@pytest.fixture(scope="module")
def digits():
    """Handwritten digits as colour images, uint8 (N, 32, 32, 3), and their labels (N,)."""
    found = load_digits()
    grey = torch.tensor(found.images, dtype=torch.float32)[:700, None] / 16 * 255
    large = F.interpolate(grey, size=(32, 32), mode="bilinear").expand(-1, 3, -1, -1)
    return large.permute(0, 2, 3, 1).round().to(torch.uint8).contiguous(), torch.tensor(found.target[:700])


@pytest.fixture(scope="module")
def trained(digits):
    """A run on 500 digits, and the logits of two networks: after seed 0 twice, and after seed 1."""
    run = speedrun.Speedrun(digits[0][:500], digits[1][:500], SMALL)
    unseen = run.normalised(digits[0][500:])
    return run, [speedrun.predict(run.train(seed), unseen) for seed in (0, 0, 1)]


@pytest.mark.parametrize("channels", [1, 3])
def test_normalised_images_have_mean_zero_and_deviation_one(channels):
    """Each channel of the training images comes out standardised, channels first, and lies channels last."""
    values = np.random.default_rng(0).integers(0, (50, 120, 255)[:channels], (200, 32, 32, channels), dtype=np.uint8)
    images = torch.tensor(values)
    out = speedrun.Speedrun(images, torch.arange(200) % 2, SMALL).normalised(images)
    assert out.shape == (200, channels, 32, 32) and out.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(out.mean(dim=(0, 2, 3)), torch.zeros(channels), atol=1e-4, rtol=0)
    torch.testing.assert_close(out.std(dim=(0, 2, 3)), torch.ones(channels), atol=1e-4, rtol=0)


def test_whitened_patches_are_uncorrelated_with_variance_one():
    """The covariance of the first 12 filters' outputs is the identity; the other 12 are their negatives."""
    chance = torch.Generator().manual_seed(0)
    mixed = torch.einsum(
        "dc,nchw->ndhw", torch.randn(3, 3, generator=chance), torch.randn(64, 3, 16, 16, generator=chance)
    )
    filters = speedrun.whitening_filters(mixed, eps=0.0)
    out = F.conv2d(mixed, filters[:12]).transpose(0, 1).flatten(1)
    torch.testing.assert_close(out @ out.T / out.shape[1], torch.eye(12), atol=1e-3, rtol=0)
    assert torch.equal(filters[12:], -filters[:12])


@pytest.mark.parametrize("shape", [(16, 40), (40, 16), (8, 8)])
def test_orthogonal_step_has_the_directions_of_the_decomposition(shape):
    """After five rounds all singular values lie near one, and the directions are those of U Vᵀ."""
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    u, _, vt = torch.linalg.svd(matrix, full_matrices=False)
    found = speedrun.orthogonal(matrix, steps=5)
    assert found.shape == shape
    values = (u.T @ found @ vt.T).diagonal()
    assert values.min() > 0.5 and values.max() < 1.5
    torch.testing.assert_close(u.T @ found @ vt.T, torch.diag(values), atol=1e-3, rtol=0)


def test_muon_keeps_the_norm_and_moves_by_its_rate():
    """A weight is scaled to the norm √out, then moved by the rate along an orthogonal matrix."""
    weight = torch.nn.Parameter(torch.randn(8, 4, 3, 3, generator=torch.Generator().manual_seed(0)))
    before = (weight / weight.norm() * 8**0.5).detach()
    optimizer = speedrun.Muon([weight], lr=0.1, momentum=0.0)
    weight.grad = torch.randn(8, 4, 3, 3, generator=torch.Generator().manual_seed(1))
    optimizer.step()
    torch.testing.assert_close(
        weight.detach(), before - 0.1 * speedrun.orthogonal(weight.grad.flatten(1)).view_as(before)
    )


def test_epochs_alternate_and_shift_by_two_pixels_at_most():
    """Shifts undone, an image of one epoch is the mirror image of the same image in the next."""
    images = torch.zeros(40, 1, 12, 12)
    images[:, :, 5, 3] = 1  # one bright pixel, left of the middle
    epochs = list(speedrun.alternating_epochs(images, 4, torch.Generator().manual_seed(0)))
    spots = torch.stack([epoch.flatten(1).argmax(1) for epoch in epochs])  # (E, N)
    rows, columns = spots // 12, spots % 12
    assert ((rows - 5).abs() <= 2).all() and len(rows.unique()) == 5
    mirrored = columns > 5  # 3 ± 2 as it is, 8 ± 2 mirrored
    assert (mirrored[1:] != mirrored[:-1]).all() and 8 < int(mirrored[0].sum()) < 32


def test_a_run_repeats_with_its_seed(trained):
    """The same seed gives the same logits whatever was trained before; another seed gives others."""
    _, (first, again, other) = trained
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_digits_are_learned_in_four_epochs(trained, digits):
    """Forty steps suffice for most digits that were not seen."""
    for logits in trained[1]:
        assert (logits.argmax(1) == digits[1][500:]).float().mean() > 0.8


def test_views_are_averaged(trained, digits):
    """Six views with their weights, computed one by one."""
    network, images = trained[0].network, trained[0].normalised(digits[0][:3])
    padded = F.pad(images, (1, 1, 1, 1), "reflect")
    shifted = [padded[:, :, 1:-1, 1:-1], padded[:, :, :-2, :-2], padded[:, :, 2:, 2:]]
    with torch.no_grad():
        each = [(network(x) + network(x.flip(-1))) / 2 for x in shifted]
    torch.testing.assert_close(speedrun.predict(network, images), each[0] / 2 + each[1] / 4 + each[2] / 4)


def test_rates_fall_to_zero():
    """At the end every rate is zero; that of the whitening layer's bias is so from its epoch on."""
    settings = dataclasses.replace(SMALL, epochs=8, whitening_epochs=2)
    begin, early, end = (speedrun.rates_at(done, settings) for done in (0.0, 0.25, 1.0))
    assert begin["whitening"] == begin["norms"] == SMALL.bias_rate and begin["head"] == SMALL.head_rate
    assert early["whitening"] == 0 and early["filters"] == pytest.approx(0.75 * SMALL.muon_rate)
    assert all(rate == 0 for rate in end.values())


def test_whitening_keeps_its_filters_and_its_bias_after_its_epochs(digits):
    """The first layer's filters are never trained, its bias for the first epochs alone; other weights go on."""
    settings, seen = dataclasses.replace(SMALL, epochs=3, whitening_epochs=1), []
    run = speedrun.Speedrun(digits[0][:200], digits[1][:200], settings)
    network = run.train(0)
    torch.testing.assert_close(network[0].weight, speedrun.whitening_filters(run.normalised(digits[0][:200])))
    assert network[0].bias.abs().max() > 0 and not network[0].bias.requires_grad
    run.steps[False] = lambda: (
        run._step(False),
        seen.append((run.network[0].bias.clone(), run.network[2].weight.clone())),
    )
    run.train(0)
    assert len(seen) == 2 * 4 and torch.equal(seen[0][0], seen[-1][0]) and not torch.equal(seen[0][1], seen[-1][1])


def test_recipe_has_at_most_150_lines():
    """Lines of code: neither empty, nor comment, nor docstring."""
    source = Path(speedrun.__file__).read_text(encoding="utf-8")
    silent = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            silent |= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    lines = [line.strip() for number, line in enumerate(source.splitlines(), 1) if number not in silent]
    assert sum(bool(line) and not line.startswith("#") for line in lines) <= 150


@pytest.mark.skipif(not torch.cuda.is_available(), reason="records a CUDA graph")
def test_recorded_step_equals_the_plain_one(digits):
    """Replaying the graph trains as the step itself does."""
    images, labels = (part[:500].cuda() for part in digits)
    run = speedrun.Speedrun(images, labels, dataclasses.replace(SMALL, whitening_epochs=2))  # both recordings are used
    unseen = run.normalised(digits[0][500:].cuda())
    replayed = speedrun.predict(run.train(0), unseen).argmax(1)
    run.steps = {learns: functools.partial(run._step, learns) for learns in (True, False)}
    assert (speedrun.predict(run.train(0), unseen).argmax(1) == replayed).float().mean() > 0.95
