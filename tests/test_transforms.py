"""Images become batches as Pillow would resize them, and the eight turns of a square move every pixel rightly."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from course_utils import transforms
from course_utils.transforms import pixels

LITE0 = {"mean": transforms.LITE0_MEAN, "std": transforms.LITE0_STD}
IMAGENET = {"mean": transforms.IMAGENET_MEAN, "std": transforms.IMAGENET_STD}


def noise(*shape, seed=0):
    """Random uint8 pixels."""
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


# to_batch


@pytest.mark.parametrize("size", [16, 64])
@pytest.mark.parametrize("shape", [(3, 40, 30), (3, 40, 30, 3)])
def test_to_batch_equals_pillow_on_floats(shape, size):
    """Grey and RGB, made smaller and larger: the same as Pillow's bilinear resize and the formula of normalising."""
    images = noise(*shape)
    batch = transforms.to_batch(images, size=size, **IMAGENET)
    assert batch.shape == (3, 3, size, size) and batch.dtype == torch.float32
    for n in range(3):
        for c in range(3):
            channel = images[n, :, :, c] if images.ndim == 4 else images[n]
            resized = Image.fromarray(channel.astype(np.float32)).resize((size, size), Image.Resampling.BILINEAR)
            expected = (np.asarray(resized) / 255 - transforms.IMAGENET_MEAN[c]) / transforms.IMAGENET_STD[c]
            np.testing.assert_allclose(batch[n, c].numpy(), expected, atol=1e-4)


def test_to_batch_in_chunks_equals_one_by_one():
    """More images than a chunk holds, with a short last chunk, give what each image gives alone."""
    images = noise(pixels._CHUNK * 2 + 3, 10, 12)
    whole = transforms.to_batch(images, size=8, **LITE0)
    single = torch.cat([transforms.to_batch(images[n : n + 1], size=8, **LITE0) for n in range(len(images))])
    torch.testing.assert_close(whole, single, rtol=0, atol=1e-6)


def test_to_batch_takes_read_only_arrays_and_tensors_and_leaves_them(recwarn):
    """A read-only array, a strided view and a tensor give the same batch, without a warning, and keep their pixels."""
    images = noise(4, 10, 12)
    expected = transforms.to_batch(images, size=8, **LITE0)
    locked = images.copy()
    locked.flags.writeable = False
    strided = np.repeat(images, 2, axis=0)[::2]
    for other in (locked, strided, torch.from_numpy(images.copy())):
        assert torch.equal(transforms.to_batch(other, size=8, **LITE0), expected)
    assert np.array_equal(images, noise(4, 10, 12)) and len(recwarn) == 0


def test_to_batch_of_nothing_is_an_empty_batch():
    """No images give a batch of no examples with the right shape."""
    assert transforms.to_batch(noise(0, 10, 12), size=8, **LITE0).shape == (0, 3, 8, 8)


@pytest.mark.parametrize(
    ("images", "settings", "error", "message"),
    [
        (np.zeros((2, 8, 8)), {}, TypeError, "Expected `images` to be uint8, 0 … 255, but got float64"),
        (torch.zeros(2, 8, 8), {}, TypeError, "but got torch.float32"),
        (noise(8, 8), {}, ValueError, r"\(N, H, W\) or \(N, H, W, 3\), but got \(8, 8\).*images\[None\]"),
        (noise(2, 3, 8, 8), {}, ValueError, r"but got \(2, 3, 8, 8\).*channels come last"),
        (noise(2, 0, 8), {}, ValueError, r"but got \(2, 0, 8\)"),
        (noise(2, 8, 8), {"size": 0}, ValueError, "Expected `size` to be a whole number of pixels.* but got 0"),
        (noise(2, 8, 8), {"size": (8, 8)}, ValueError, r"but got \(8, 8\)"),
        (noise(2, 8, 8), {"mean": (0.5,)}, ValueError, "Expected `mean` and `std` to be three numbers each"),
        (noise(2, 8, 8), {"std": (0.5, 0.5, 0.0)}, ValueError, "with every std above 0"),
    ],
)
def test_to_batch_refuses_what_does_not_fit(images, settings, error, message):
    """Floats, single images, channels first, empty images, and bad sizes or statistics are refused."""
    with pytest.raises(error, match=message):
        transforms.to_batch(images, **{"size": 8, **LITE0, **settings})


# the eight changes of a square


def turned_by_hand(rows, k):
    """Rows of pixels, mirrored if k >= 4, then turned anticlockwise k mod 4 times, pixel by pixel."""
    if k >= 4:
        rows = [[row[len(row) - 1 - x] for x in range(len(row))] for row in rows]
    for _ in range(k % 4):
        height, width = len(rows), len(rows[0])
        rows = [[rows[x][width - 1 - y] for x in range(height)] for y in range(width)]
    return rows


@pytest.mark.parametrize("k", range(8))
@pytest.mark.parametrize("shape", [(5, 5), (3, 4), (1, 6)])
def test_dihedral_equals_the_slow_way(k, shape):
    """For each of the eight changes and oblong images too, the result is that of moving pixel after pixel."""
    x = torch.arange(shape[0] * shape[1]).reshape(shape)
    assert transforms.dihedral(x, k).tolist() == turned_by_hand(x.tolist(), k)


def test_the_eight_changes_form_a_group():
    """All eight differ, and doing any two after one another is again one of the eight."""
    x = torch.arange(9).reshape(3, 3)
    once = [transforms.dihedral(x, k) for k in range(8)]
    twice = [transforms.dihedral(image, k) for image in once for k in range(8)]
    different = {tuple(image.flatten().tolist()) for image in once}
    assert len(different) == 8 and {tuple(image.flatten().tolist()) for image in twice} == different


@pytest.mark.parametrize(("x", "k", "message"), [(torch.zeros(2, 2), 8, "Expected `k` to be 0 … 7, but got 8"),
                                                 (torch.zeros(2, 2), -1, "but got -1"),
                                                 (torch.zeros(4), 1, r"\(…, H, W\), but got \(4,\)")])  # fmt: skip
def test_dihedral_refuses_what_does_not_fit(x, k, message):
    """A ninth change and a row of numbers are refused."""
    with pytest.raises(ValueError, match=message):
        transforms.dihedral(x, k)


@settings(max_examples=30, deadline=None)
@given(n=st.integers(0, 20), channels=st.sampled_from([(), (2,), (2, 3)]), seed=st.integers(0, 2**31))
def test_random_dihedral_gives_each_example_the_change_that_was_drawn(n, channels, seed):
    """With the same draws, a loop over single examples gives the same batch; the input stays as it was."""
    x = torch.rand(n, *channels, 4, 4)
    before = x.clone()
    out = transforms.random_dihedral(x, torch.Generator().manual_seed(seed))
    draws = torch.randint(8, (n,), generator=torch.Generator().manual_seed(seed)).tolist()
    looped = [transforms.dihedral(example, k) for example, k in zip(x, draws, strict=True)]
    assert out.shape == x.shape and torch.equal(x, before)
    assert all(torch.equal(a, b) for a, b in zip(out, looped, strict=True))


def test_random_dihedral_draws_all_eight_about_equally():
    """Of 1,600 examples each change gets 200, to within five standard deviations of counting."""
    x = torch.arange(4.0).reshape(1, 2, 2).repeat(1600, 1, 1)
    out = transforms.random_dihedral(x, torch.Generator().manual_seed(0))
    counts = torch.unique(out.flatten(1), dim=0, return_counts=True)[1]
    assert len(counts) == 8 and (counts - 200).abs().max() < 5 * (1600 / 8 * 7 / 8) ** 0.5


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (4, 4)])
def test_random_dihedral_refuses_oblong_images_and_single_ones(shape):
    """Quarter turns of oblong images cannot be stacked, and a single image has no batch dimension."""
    with pytest.raises(ValueError, match="with square images, but got"):
        transforms.random_dihedral(torch.zeros(shape), torch.Generator())
