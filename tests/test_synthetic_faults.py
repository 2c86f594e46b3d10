"""Planted faults: exactly as many as asked for, truth that fits, input left alone, the same from the same seed."""

import dataclasses

import imagehash
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage import data, metrics

from course_utils import synthetic
from course_utils.annotations import ImageAnnotations
from course_utils.metrics import box_iou


@pytest.fixture
def photos() -> list[np.ndarray]:
    """Fifty crops of a photograph, no two alike."""
    camera = data.camera()
    return [camera[row : row + 128, column : column + 160] for row in range(0, 350, 75) for column in range(0, 350, 36)]


@pytest.fixture
def boxes() -> list[ImageAnnotations]:
    """Twenty images of 3, 1 and 0 objects in turn, with masks and keypoints."""
    return [annotations(size, seed) for seed, size in enumerate([3, 1, 0, 4] * 5)]


def annotations(n: int, seed: int) -> ImageAnnotations:
    """n random objects in an image of 60 × 80."""
    rng = np.random.default_rng(seed)
    corner, sides = rng.uniform(0, 30, (n, 2)), rng.uniform(5, 25, (n, 2))
    xyxy = torch.from_numpy(np.hstack([corner, corner + sides]).astype(np.float32))
    masks = torch.from_numpy(rng.random((n, 60, 80)) < 0.5)
    labels = torch.from_numpy(rng.integers(0, 6, n))
    return ImageAnnotations((60, 80), xyxy, labels, masks, keypoints=torch.zeros(n, 2, 3))


@settings(max_examples=60, deadline=None)
@given(
    labels=st.lists(st.integers(0, 4), max_size=60),
    share=st.floats(0, 1),
    seed=st.integers(0, 9),
    more=st.integers(0, 3),
)
def test_flips_are_exact_wrong_and_known(labels, share, seed, more):
    """The share of labels is flipped, each to another class, and the truth marks exactly the places that differ."""
    before = list(labels)
    changed, flipped = synthetic.flip_labels(labels, share=share, seed=seed, num_classes=5 + more)
    assert labels == before and changed.dtype == np.int64 and changed.shape == flipped.shape == (len(labels),)
    assert flipped.sum() == round(share * len(labels))
    assert np.array_equal(flipped, changed != np.array(labels, dtype=int))
    assert ((changed >= 0) & (changed < 5 + more)).all()


def test_symmetric_flips_go_everywhere_alike():
    """Of 9,000 flips among four classes, each pair of classes gets its twelfth within five standard deviations."""
    labels = np.arange(12_000) % 4
    changed, _ = synthetic.flip_labels(labels, share=0.75, seed=0, num_classes=4)
    counts = np.zeros((4, 4), dtype=int)
    np.add.at(counts, (labels, changed), 1)
    off = counts[~np.eye(4, dtype=bool)]
    assert off.sum() == 9_000 and (abs(off - 750) < 5 * np.sqrt(750)).all()


def test_flips_by_class():
    """Shares by class flip that part of each class, and weights decide where they go."""
    labels = np.repeat([0, 1, 2], [100, 50, 10])
    towards = np.array([[9, 0, 1], [1, 0, 0], [1, 1, 0]])
    changed, flipped = synthetic.flip_labels(labels, share=(0.1, 0.5, 0), seed=3, num_classes=3, towards=towards)
    assert [int(flipped[labels == k].sum()) for k in range(3)] == [10, 25, 0]
    assert set(changed[:100][flipped[:100]]) == {2} and set(changed[100:150]) == {0, 1}


def test_same_seed_same_flips_and_another_seed_others():
    """The seed alone decides which labels are flipped."""
    labels = np.zeros(100, dtype=int)
    first, again, other = (synthetic.flip_labels(labels, share=0.3, seed=seed, num_classes=2)[1] for seed in (4, 4, 5))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("labels", "options", "message"),
    [
        ([0, 2], {}, r"`labels` in 0…1, but got 0…2"),
        ([-1], {}, r"but got -1…-1"),
        ([[0, 1]], {}, r"got shape \(1, 2\)"),
        ([0.5], {}, "of float64"),
        ([0], {"share": 1.5}, "number from 0 to 1, but got 1.5"),
        ([0], {"share": (0.1, 0.1, 0.1)}, "or 2, one a class"),
        ([0], {"seed": -1}, "`seed` to be an integer of 0"),
        ([0], {"num_classes": 1}, "`num_classes` to be an integer of 2"),
        ([0], {"towards": np.ones((3, 3))}, r"`towards` to be \(2, 2\)"),
        ([0], {"towards": np.array([[0, -1], [1, 0]])}, "weights of 0 or more"),
        ([0], {"towards": np.eye(2)}, "weight off the diagonal"),
    ],
)
def test_bad_flips_are_refused(labels, options, message):
    """Labels, shares and weights that do not fit are named."""
    with pytest.raises(ValueError, match=message):
        synthetic.flip_labels(labels, **{"share": 0.5, "seed": 0, "num_classes": 2} | options)


def test_duplicates_are_near_but_not_equal(photos):
    """Copies have the shape of their image and its look, are dealt evenly, and leave the images as they were."""
    before = [photo.copy() for photo in photos]
    copies, kinds = synthetic.plant_duplicates(photos, seed=1)
    assert all(np.array_equal(*pair) for pair in zip(photos, before, strict=True))
    assert sorted(np.unique(kinds, return_counts=True)[1]) == [10] * 5
    for photo, copy, kind in zip(photos, copies, kinds, strict=True):
        assert copy.dtype == np.uint8 and not np.array_equal(copy, photo)
        assert copy.shape in (photo.shape, photo.shape[::-1]) and (kind == "turn" or copy.shape == photo.shape)


@pytest.mark.parametrize(("kind", "least"), [("jpeg", 0.6), ("brightness", 0.8)])
def test_compressed_and_lit_copies_keep_their_structure(photos, kind, least):
    """scikit-image's structural similarity and imagehash's distance both call these copies near."""
    copies, _ = synthetic.plant_duplicates(photos, seed=2, kinds=[kind])
    hashes = [[imagehash.phash(Image.fromarray(image)) for image in pair] for pair in zip(photos, copies, strict=True)]
    assert np.median([a - b for a, b in hashes]) <= 4
    assert all(metrics.structural_similarity(*pair) > least for pair in zip(photos, copies, strict=True))


def test_cropped_copy_lies_inside_its_image():
    """A ramp from 0 to 250 loses 2 to 6 % at each end when it is cropped, and stays a ramp."""
    ramp = np.tile(np.linspace(0, 250, 200), (100, 1)).astype(np.uint8)
    for seed in range(5):
        (copy,), _ = synthetic.plant_duplicates([ramp], seed=seed, kinds=["crop"])
        middle = copy[50].astype(int)
        assert 4 <= middle[0] <= 16 and 234 <= middle[-1] <= 246 and (np.diff(middle) >= 0).all()


def test_rotated_copy_turns_by_two_to_six_degrees():
    """A dark bar, fitted through its darkest pixels, slopes by 2 to 6 degrees; no corner is black."""
    image = np.full((200, 200), 200, np.uint8)
    image[98:102] = 20
    for seed in range(6):
        (copy,), _ = synthetic.plant_duplicates([image], seed=seed, kinds=["rotation"])
        columns = np.arange(30, 170)
        slope = np.polyfit(columns, copy[:, columns].argmin(axis=0), 1)[0]
        assert 1.8 <= abs(np.degrees(np.arctan(slope))) <= 6.2
        assert min(copy[0, 0], copy[0, -1], copy[-1, 0], copy[-1, -1]) > 150


def test_turned_copies_are_quarter_turns(photos):
    """A turned copy equals one of three quarter turns of its image."""
    copies, _ = synthetic.plant_duplicates(photos, seed=5, kinds=["turn"])
    found = [
        [np.array_equal(np.rot90(photo, k), copy) for k in (1, 2, 3)]
        for photo, copy in zip(photos, copies, strict=True)
    ]
    assert np.array(found).any(axis=1).all() and np.array(found).any(axis=0).all()


def test_duplicates_of_colour_and_of_nothing():
    """Every kind works on RGB, and no images give no copies."""
    colour = data.astronaut()[:90, :120]
    copies, kinds = synthetic.plant_duplicates([colour] * 5, seed=0)
    assert {copy.shape for copy in copies} <= {(90, 120, 3), (120, 90, 3)} and len(set(kinds.tolist())) == 5
    copies, kinds = synthetic.plant_duplicates([], seed=0)
    assert copies == [] and len(kinds) == 0


@pytest.mark.parametrize(
    ("images", "kinds", "message"),
    [
        ([np.zeros((4, 4))], None, "image 0 to be uint8"),
        ([np.zeros((4, 4), np.uint8), np.zeros(4, np.uint8)], None, r"image 1 .* got uint8 \(4,\)"),
        ([np.zeros((4, 4), np.uint8)], ["mirror"], r"Expected `kinds` among jpeg, .* but got \('mirror',\)"),
        ([np.zeros((4, 4), np.uint8)], [], "Name at least one"),
    ],
)
def test_bad_duplicates_are_refused(images, kinds, message):
    """Images of another type or shape, and unknown kinds, are named."""
    with pytest.raises(ValueError, match=message):
        synthetic.plant_duplicates(images, seed=0, kinds=kinds)


@pytest.mark.parametrize("channels", [(), (3,)])
def test_shortcut_changes_its_corner_and_nothing_else(channels):
    """The patch lies in the lower right corner of the marked images; shares are exact; the input is untouched."""
    images = np.full((60, 40, 50, *channels), 100, np.uint8)
    labels = np.arange(60) % 3
    stamped, patched = synthetic.plant_shortcut(images, labels, target=2, seed=0, shares=(0.9, 0.1), size=0.2)
    assert (images == 100).all()
    assert patched[labels == 2].sum() == 18 and patched[labels != 2].sum() == 4
    assert np.array_equal((stamped != images).any(axis=tuple(range(1, images.ndim))), patched)
    assert (stamped[:, :-8] == 100).all() and (stamped[:, :, :-8] == 100).all()
    corner = stamped[patched][:, -8:, -8:]
    assert set(np.unique(corner)) == {0, 255} and corner.mean() == 127.5


def test_shortcut_of_no_images():
    """Nothing to stamp is no error."""
    stamped, patched = synthetic.plant_shortcut(np.zeros((0, 8, 8), np.uint8), [], target=1, seed=0)
    assert stamped.shape == (0, 8, 8) and patched.shape == (0,)


@pytest.mark.parametrize(
    ("labels", "options", "message"),
    [
        ([0], {}, "one label for each of 2 images"),
        ([0, 1], {"size": 0}, "`size` above 0"),
        ([0, 1], {"shares": (-0.1, 0)}, "`shares` to be a number from 0 to 1"),
        ([0, 1], {"shares": (1, 2)}, "`shares` to be a number from 0 to 1"),
    ],
)
def test_bad_shortcuts_are_refused(labels, options, message):
    """Numbers out of range and labels of another length are named."""
    with pytest.raises(ValueError, match=message):
        synthetic.plant_shortcut(np.zeros((2, 8, 8), np.uint8), labels, **{"target": 1, "seed": 0} | options)


@pytest.mark.parametrize("by", [0.1, 0.3, 0.5])
def test_shifted_boxes_overlap_as_computed(boxes, by):
    """A box moved by b both ways keeps (1 − b)² of its area, so its IoU is that over 2 − that; the others stay."""
    moved, truth = synthetic.shift_boxes(boxes, share=0.4, seed=0, by=by)
    assert sum(rows.sum() for rows in truth) == round(0.4 * sum(map(len, boxes)))
    shared = (1 - by) ** 2
    for before, after, rows in zip(boxes, moved, truth, strict=True):
        iou = box_iou(before.boxes, after.boxes).diagonal().numpy()
        np.testing.assert_allclose(iou[rows], shared / (2 - shared), atol=1e-4)
        assert torch.equal(before.boxes[torch.from_numpy(~rows)], after.boxes[torch.from_numpy(~rows)])
        assert torch.equal(before.masks, after.masks) and torch.equal(before.labels, after.labels)


def test_shifted_box_that_fills_the_image_stays_inside():
    """Where there is no room on either side, the box is cut off at the border, and the value stays valid."""
    full = ImageAnnotations((10, 10), torch.tensor([[0.0, 0.0, 10.0, 10.0]]), torch.tensor([0]))
    moved, _ = synthetic.shift_boxes([full], share=1, seed=0, by=0.2)
    assert (moved[0].boxes[0, 2:] - moved[0].boxes[0, :2]).tolist() == [8.0, 8.0]


def test_dropped_boxes_are_gone_with_all_their_fields(boxes):
    """What is left are the unmarked rows of every field; the truth has a row for each box that was there."""
    left, truth = synthetic.drop_boxes(boxes, share=0.25, seed=1)
    assert sum(rows.sum() for rows in truth) == round(0.25 * sum(map(len, boxes)))
    for before, after, rows in zip(boxes, left, truth, strict=True):
        for field in dataclasses.fields(before):
            was, now = getattr(before, field.name), getattr(after, field.name)
            if isinstance(was, torch.Tensor):
                assert torch.equal(was[torch.from_numpy(~rows)], now)
            else:
                assert was == now


def test_relabelled_boxes_change_their_class_alone(boxes):
    """The marked boxes, and no others, carry another class."""
    changed, truth = synthetic.relabel_boxes(boxes, share=0.3, seed=2, num_classes=6)
    assert sum(rows.sum() for rows in truth) == round(0.3 * sum(map(len, boxes)))
    for before, after, rows in zip(boxes, changed, truth, strict=True):
        assert np.array_equal((before.labels != after.labels).numpy(), rows)
        assert torch.equal(before.boxes, after.boxes)


def test_three_faults_at_once_are_those_of_the_truth(boxes):
    """What is left differs from what was there in the marked places and in no others, and each fault has its share."""
    given, faults = synthetic.plant_box_faults(boxes, share=0.2, seed=0, num_classes=6, by=0.3)
    total = sum(map(len, boxes))
    assert sum(rows.sum() for rows in faults["dropped"]) == round(0.2 * total) == total - sum(map(len, given))
    for before, after, moved, renamed, dropped in zip(boxes, given, *faults.values(), strict=True):
        there = before.boxes[torch.from_numpy(~dropped)], before.labels[torch.from_numpy(~dropped)]
        assert np.array_equal((there[0] != after.boxes).any(dim=1).numpy(), moved)
        assert np.array_equal((there[1] != after.labels).numpy(), renamed)
    assert 0 < sum(rows.sum() for rows in faults["moved"]) <= round(0.2 * total)


@pytest.mark.parametrize(
    "plant",
    [
        synthetic.shift_boxes,
        synthetic.drop_boxes,
        lambda boxes, **options: synthetic.relabel_boxes(boxes, num_classes=6, **options),
    ],
    ids=["shift", "drop", "relabel"],
)
def test_box_faults_of_nothing_and_of_nonsense(plant, boxes):
    """No images, and images without boxes, are fine; a share above 1 and a negative seed are not."""
    assert plant([], share=0.5, seed=0) == ([], [])
    changed, truth = plant([annotations(0, 0)] * 2, share=1, seed=0)
    assert [len(one) for one in changed] == [0, 0] and [rows.shape for rows in truth] == [(0,), (0,)]
    with pytest.raises(ValueError, match="`share` to be a number from 0 to 1"):
        plant(boxes, share=1.5, seed=0)
    with pytest.raises(ValueError, match="`seed` to be an integer of 0"):
        plant(boxes, share=0.5, seed=-1)


def test_shift_by_nothing_is_refused(boxes):
    """A shift of 0 would mark boxes as moved that are not."""
    with pytest.raises(ValueError, match="`by` above 0, but got 0"):
        synthetic.shift_boxes(boxes, share=0.5, seed=0, by=0)
