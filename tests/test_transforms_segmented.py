"""Crops of images with their class maps: both move alike, classes stay classes, what lies outside is unlabelled."""

import pytest
import torch

from course_utils import transforms

SIZES = {"size_hw": (32, 48), "unlabelled": 255}


def chance(seed=0):
    return torch.Generator().manual_seed(seed)


def test_image_and_map_move_alike():
    """An image that shows its own classes still does after the crop, away from the borders between them."""
    maps = torch.zeros(8, 64, 96, dtype=torch.int64)
    maps[:, 20:40, 30:60] = 2
    maps[:, :, 70:] = 1
    images, cut = transforms.random_crops(maps[:, None].float(), maps, chance(), zoom=(0.7, 2.0), **SIZES)
    whole = (images[:, 0] - images[:, 0].round()).abs() < 1e-4  # interpolated pixels lie between two classes
    kept = whole & (cut != 255)
    assert kept.float().mean() > 0.6
    assert torch.equal(images[:, 0].round().long()[kept], cut[kept])


def test_no_change_is_no_change():
    """At zoom 1 and full size, an example is either itself or its mirror image; both occur."""
    images, maps = torch.randn(20, 3, 32, 48), torch.randint(5, (20, 32, 48), generator=chance())
    seen, cut = transforms.random_crops(images, maps, chance(), zoom=(1.0, 1.0), **SIZES)
    plain = torch.tensor([torch.equal(a, b) for a, b in zip(cut, maps, strict=True)])
    mirrored = torch.tensor([torch.equal(a, b.flip(-1)) for a, b in zip(cut, maps, strict=True)])
    assert (plain ^ mirrored).all() and plain.any() and mirrored.any()
    torch.testing.assert_close(seen[plain], images[plain], rtol=0, atol=1e-4)
    torch.testing.assert_close(seen[mirrored], images[mirrored].flip(-1), rtol=0, atol=1e-4)


def test_what_lies_outside_is_unlabelled():
    """Shrunk to a half, the picture fills a quarter of a window of its own size, whose rest has no class."""
    maps = torch.ones(4, 32, 48, dtype=torch.int64)
    _, cut = transforms.random_crops(torch.zeros(4, 3, 32, 48), maps, chance(), zoom=(0.5, 0.5), **SIZES)
    assert ((cut == 1).float().mean(dim=(1, 2)) == 0.25).all()
    assert set(cut.unique().tolist()) == {1, 255}


def test_same_seed_same_crops_and_wrong_shapes():
    """Draws come from the generator alone; a map of another size is refused."""
    images, maps = torch.randn(3, 3, 40, 60), torch.randint(5, (3, 40, 60))
    first, again, other = (transforms.random_crops(images, maps, chance(s), **SIZES)[0] for s in (0, 0, 1))
    assert torch.equal(first, again) and not torch.equal(first, other)
    with pytest.raises(ValueError, match="One map an image"):
        transforms.random_crops(images, maps[:, :-1], chance(), **SIZES)
    with pytest.raises(ValueError, match="factors"):
        transforms.random_crops(images, maps, chance(), zoom=(0.0, 1.0), **SIZES)


def test_tint_moves_each_channel_by_its_own_factor():
    """One factor for all pixels of a channel, within the strength, other for each image; strength 0 changes nothing."""
    images = torch.full((20, 3, 4, 4), 100, dtype=torch.uint8)
    found = transforms.random_tint(images, chance(), strength=0.4)
    assert (found.flatten(2).amin(2) == found.flatten(2).amax(2)).all()
    assert found.min() >= 67 and found.max() <= 150 and len(found[:, :, 0, 0].unique(dim=0)) > 15
    assert torch.equal(transforms.random_tint(images, chance(), strength=0.0), images)
    assert (transforms.random_tint(torch.full_like(images, 255), chance(), strength=0.4) > 150).all()
    with pytest.raises(ValueError, match="uint8"):
        transforms.random_tint(images.float(), chance())
