"""Boxes of a mosaic lie where their pixels lie; what is cut away is dropped; the seed decides everything."""

import pytest
import torch

from course_utils import transforms

SIDE = 48


def marked(number, seed=0):
    """Black pictures, each with one white rectangle, and its box; label = number of the picture."""
    generator = torch.Generator().manual_seed(seed)
    images, targets = torch.zeros(number, 3, SIDE, SIDE), torch.zeros(number, 2, 5)
    targets[..., 0] = -1
    for index in range(number):
        x1, y1 = torch.randint(0, 24, (2,), generator=generator).tolist()
        x2, y2 = x1 + 12 + index % 5, y1 + 9 + index % 4
        images[index, :, y1:y2, x1:x2] = 1
        targets[index, 0] = torch.tensor([index, x1, y1, x2, y2])
    return images, targets


@pytest.mark.parametrize("turns", [False, True])
def test_boxes_enclose_their_rectangles_to_the_pixel(turns):
    """Wherever a box is kept, the white pixels around it end where it ends, turned and mirrored tiles included."""
    images, targets = marked(12)
    seen = 0
    for seed in range(4):
        joined, moved = transforms.mosaic(images, targets, torch.Generator().manual_seed(seed), turns=turns)
        for image, rows in zip(joined, moved, strict=True):
            for x1, y1, x2, y2 in rows[rows[:, 0] >= 0][:, 1:].tolist():
                inside = image[0, round(y1) + 1 : round(y2) - 1, round(x1) + 1 : round(x2) - 1]
                assert (inside > 0.9).float().mean() > 0.95
                seen += 1
    assert seen > 60


def test_no_rectangle_is_left_without_its_box():
    """White pixels outside of every box, grown by a pixel, belong to what was dropped as too small: few."""
    images, targets = marked(12)
    joined, moved = transforms.mosaic(images, targets, torch.Generator().manual_seed(0), least_left=0.0)
    for image, rows in zip(joined, moved, strict=True):
        white = image[0] > 0.6
        for x1, y1, x2, y2 in rows[rows[:, 0] >= 0][:, 1:].round().int().tolist():
            white[max(0, y1 - 1) : y2 + 1, max(0, x1 - 1) : x2 + 1] = False
        assert white.sum() <= 40  # slivers thinner than two pixels


def test_boxes_stay_inside_and_keep_their_labels():
    """Every kept box lies in the picture, has its label, and a third of its area or more; the rest is filling."""
    images, targets = marked(8)
    _, moved = transforms.mosaic(images, targets, torch.Generator().manual_seed(1))
    kept = moved[moved[..., 0] >= 0]
    assert moved.shape == (8, 8, 5) and set(kept[:, 0].tolist()) <= set(range(8))
    assert (kept[:, 1:] >= 0).all() and (kept[:, 1:] <= SIDE).all() and (kept[:, 3:] - kept[:, 1:3] >= 2).all()
    assert (moved[moved[..., 0] < 0] == torch.tensor([-1.0, 0, 0, 0, 0])).all()


def test_without_mosaics_pictures_and_boxes_stay_as_they_are():
    """A chance of zero changes nothing but the room for boxes."""
    images, targets = marked(3)
    joined, moved = transforms.mosaic(images, targets, torch.Generator().manual_seed(0), chance=0.0)
    assert torch.equal(joined, images) and torch.equal(moved[:, :2], targets)
    assert (moved[:, 2:, 0] == -1).all()


def test_pictures_without_an_upper_side_are_turned_where_they_are_no_mosaics():
    """With no mosaic at all each picture is one of the eight turns of itself, all are drawn, and boxes go along."""
    images, targets = marked(40)
    joined, moved = transforms.mosaic(images, targets, torch.Generator().manual_seed(0), chance=0.0, turns=True)
    drawn = []
    for image, new, rows in zip(images, joined, moved, strict=True):
        drawn.append([k for k in range(8) if torch.allclose(transforms.dihedral(image, k), new, atol=1e-5)])
        x1, y1, x2, y2 = rows[rows[:, 0] >= 0][0, 1:].round().int().tolist()
        assert new[0, y1:y2, x1:x2].mean() > 0.99 and torch.isclose(new[0, y1:y2, x1:x2].sum(), image[0].sum())
    assert {k for found in drawn for k in found} == set(range(8)) and all(drawn)


def test_the_seed_decides_and_inputs_are_left_alone():
    """Equal seeds give equal mosaics, other seeds others; empty batches and pictures without objects work."""
    images, targets = marked(5)
    before = images.clone(), targets.clone()
    first, again, other = (transforms.mosaic(images, targets, torch.Generator().manual_seed(s)) for s in (0, 0, 1))
    assert torch.equal(first[0], again[0]) and torch.equal(first[1], again[1]) and not torch.equal(first[0], other[0])
    assert torch.equal(images, before[0]) and torch.equal(targets, before[1])
    none = torch.full((5, 1, 5), -1.0)
    assert (transforms.mosaic(images, none, torch.Generator())[1][..., 0] == -1).all()
    assert transforms.mosaic(images[:0], targets[:0], torch.Generator())[1].shape == (0, 8, 5)


@pytest.mark.parametrize(
    ("images", "targets", "more"),
    [
        (torch.zeros(2, 3, 8, 9), torch.zeros(2, 1, 5), {}),
        (torch.zeros(2, 3, 8, 8), torch.zeros(3, 1, 5), {}),
        (torch.zeros(2, 3, 8, 8), torch.zeros(2, 1, 4), {}),
        (torch.zeros(2, 3, 8, 8), torch.zeros(2, 1, 5), {"zoom": (1.2, 0.6)}),
        (torch.zeros(2, 3, 8, 8), torch.zeros(2, 1, 5), {"chance": 1.5}),
    ],
)
def test_what_does_not_fit_is_refused(images, targets, more):
    """Oblong pictures, other numbers of targets, targets without labels, amounts out of range."""
    with pytest.raises(ValueError, match="Expected `"):
        transforms.mosaic(images, targets, torch.Generator(), **more)
