"""Changes of whole batches equal those of single images, each with a draw of its own, and repeat with their seed."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.transforms import InterpolationMode, v2

from course_utils import transforms


def amounts(n: int, seed: int, *, largest_shift: float = 4.0) -> dict[str, torch.Tensor]:
    """Random turns, shifts and scales of n images."""
    generator = torch.Generator().manual_seed(seed)
    draws = torch.rand(4, n, generator=generator)
    degrees, shifts = 360 * draws[0] - 180, (2 * draws[1:3].T - 1) * largest_shift
    return {"degrees": degrees, "shifts": shifts, "scales": 0.5 + 1.5 * draws[3]}


@settings(max_examples=30, deadline=None)
@given(n=st.integers(0, 4), height=st.integers(2, 20), width=st.integers(2, 20), seed=st.integers(0, 2**31))
def test_affine_each_equals_torchvision_image_by_image(n, height, width, seed):
    """Oblong images too: turned, scaled and shifted as torchvision does it, one after the other."""
    images = torch.rand(n, 2, height, width, generator=torch.Generator().manual_seed(seed))
    drawn = amounts(n, seed)
    batch = transforms.affine_each(images, **drawn, padding="zeros")
    assert batch.shape == images.shape
    for k in range(n):
        expected = v2.functional.affine(
            images[k],
            angle=drawn["degrees"][k].item(),
            translate=drawn["shifts"][k].tolist(),
            scale=drawn["scales"][k].item(),
            shear=[0.0, 0.0],
            interpolation=InterpolationMode.BILINEAR,
        )
        # a pixel at the very border of the image may fall on either side of it
        assert ((batch[k] - expected).abs() < 1e-3).float().mean() > 0.97


def test_affine_each_with_no_amount_changes_nothing():
    """No turn, no shift, scale 1 give the image back, whatever stands around it."""
    images = torch.rand(3, 1, 7, 9)
    none = {"degrees": torch.zeros(3), "shifts": torch.zeros(3, 2), "scales": torch.ones(3)}
    for padding in ("reflection", "border", "zeros"):
        torch.testing.assert_close(transforms.affine_each(images, **none, padding=padding), images, atol=1e-5, rtol=0)


def test_affine_each_moves_to_the_right_and_down_by_whole_pixels():
    """A shift of (2, 1) brings the pixel of row 3, column 4 to row 4, column 6."""
    images = torch.zeros(1, 1, 8, 8)
    images[0, 0, 3, 4] = 1.0
    moved = transforms.affine_each(
        images, degrees=torch.zeros(1), shifts=torch.tensor([[2.0, 1.0]]), scales=torch.ones(1), padding="zeros"
    )
    assert moved[0, 0, 4, 6].item() == pytest.approx(1.0, abs=1e-4)
    assert moved.sum().item() == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("change", [transforms.random_affine, transforms.random_tone])
@pytest.mark.parametrize("n", [0, 1, 5])
def test_random_changes_give_each_image_its_own_and_repeat_with_their_seed(change, n):
    """Equal images come out different, the same seed gives the same, the input stays as it was."""
    images = torch.rand(1, 1, 12, 12).expand(n, 1, 12, 12).clone()
    before = images.clone()
    first, again, other = (change(images, torch.Generator().manual_seed(seed)) for seed in (5, 5, 6))
    assert torch.equal(images, before) and first.shape == images.shape
    assert torch.equal(first, again) and (n == 0 or not torch.equal(first, other))
    assert len({tuple(image.flatten().tolist()) for image in first}) == n


def test_random_affine_without_amounts_changes_nothing():
    """Largest amounts of zero leave the images."""
    images = torch.rand(3, 2, 9, 7)
    same = transforms.random_affine(images, torch.Generator(), degrees=0, shift=0, zoom=0)
    torch.testing.assert_close(same, images, atol=1e-5, rtol=0)


def test_random_tone_stays_within_its_bounds():
    """The mean moves by at most the brightness, and the spread by at most the share of contrast."""
    images = torch.randn(400, 1, 8, 8)
    toned = transforms.random_tone(images, torch.Generator().manual_seed(0), brightness=0.2, contrast=0.3)
    moved = (toned.mean(dim=(1, 2, 3)) - images.mean(dim=(1, 2, 3))).abs()
    grown = toned.std(dim=(1, 2, 3)) / images.std(dim=(1, 2, 3))
    assert moved.max() <= 0.2 + 1e-5 and moved.max() > 0.15
    assert 0.7 - 1e-4 <= grown.min() < 0.75 and 1.25 < grown.max() <= 1.3 + 1e-4


@pytest.mark.parametrize("make", [v2.MixUp, v2.CutMix])
def test_drawn_from_repeats_and_leaves_the_global_generator_alone(make):
    """The same generator state gives the same mix; the global draws go on as if nothing had happened."""
    images, labels = torch.rand(6, 1, 8, 8), torch.tensor([0, 1, 2, 0, 1, 2])
    torch.manual_seed(7)
    expected = torch.rand(2)
    torch.manual_seed(7)
    found = []
    for seed in (1, 1, 2):
        mix = transforms.drawn_from(make(num_classes=3), torch.Generator().manual_seed(seed))
        found.append([mix(images, labels)[0], mix(images, labels)[0]])
    assert torch.equal(torch.rand(2), expected)
    assert torch.equal(found[0][0], found[1][0]) and torch.equal(found[0][1], found[1][1])
    assert not torch.equal(found[0][0], found[0][1]) and not torch.equal(found[0][0], found[2][0])


def test_drawn_from_does_not_depend_on_the_global_seed():
    """Whatever the global seed is, RandAugment makes the same of an image."""
    image = torch.randint(0, 256, (3, 16, 16), dtype=torch.uint8)
    found = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        found.append(transforms.drawn_from(v2.RandAugment(), torch.Generator().manual_seed(3))(image))
    assert torch.equal(*found)


def test_on_each_gives_every_image_its_own_draw():
    """Of eight equal images through a random turn most come out different; torchvision turns a batch as one."""
    images = torch.rand(1, 1, 9, 9).expand(8, 1, 9, 9).clone()
    turn = v2.RandomRotation(90)
    torch.manual_seed(0)
    assert len({tuple(image.flatten().tolist()) for image in transforms.on_each(turn, images)}) >= 6
    assert len({tuple(image.flatten().tolist()) for image in turn(images)}) == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: transforms.affine_each(x[0], **amounts(2, 0)), r"Expected `images` to be \(N, C, H, W\)"),
        (lambda x: transforms.affine_each(x, **amounts(3, 0)), r"\(2, 1, 4, 4\), \(3,\), \(3, 2\), \(3,\)"),
        (
            lambda x: transforms.affine_each(x, **{**amounts(2, 0), "scales": torch.tensor([1.0, 0.0])}),
            "Expected every scale to be above 0, but got 0.0",
        ),
        (lambda x: transforms.random_affine(x, torch.Generator(), zoom=1.0), "`zoom` below 1, but got 10.0, 0.05, 1.0"),
        (lambda x: transforms.random_affine(x, torch.Generator(), degrees=-1), "of at least 0"),
        (lambda x: transforms.random_tone(x[0], torch.Generator()), r"but got \(1, 4, 4\)"),
        (lambda x: transforms.random_tone(x, torch.Generator(), contrast=-0.1), "at least 0, but got"),
        (lambda x: transforms.on_each(torch.neg, x[:0]), "Expected at least one image, but got none"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    """Wrong shapes, amounts out of range and empty batches are refused with what was expected."""
    with pytest.raises(ValueError, match=message):
        call(torch.zeros(2, 1, 4, 4))
