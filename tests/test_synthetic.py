"""Tests of the scene generator: same seed, same pixels; exact truth; photographs that never cross parts."""

import hashlib
import socket
from itertools import combinations

import numpy as np
import pytest
import torch

from course_utils.catalogue import card
from course_utils.synthetic import CLASSES, PHOTOGRAPHS, load_backgrounds, make_boxes, make_scene, make_scenes
from course_utils.synthetic import scenes as version_1
from course_utils.synthetic import signs as sign_paint

SMALL = {"size": 96}  # pixels; small scenes keep the tests quick


@pytest.fixture(scope="module")
def scenes():
    """Sixty scenes that the tests only read."""
    return make_scenes(60, seed=7, **SMALL)


def assert_same(one, other):
    """Two scenes agree in every pixel and every annotation."""
    assert np.array_equal(one[0], other[0])
    for field in ("boxes", "labels", "masks"):
        assert torch.equal(getattr(one[1], field), getattr(other[1], field)), field


def tight_box_by_loop(mask):
    """Edges around the set pixels of one mask, pixel by pixel."""
    rows = [y for y, line in enumerate(mask.tolist()) for inside in line if inside]
    columns = [x for line in mask.tolist() for x, inside in enumerate(line) if inside]
    return [float(min(columns)), float(min(rows)), float(max(columns) + 1), float(max(rows) + 1)]


@pytest.mark.parametrize("part", list(PHOTOGRAPHS))
def test_same_seed_gives_the_same_bits(part):
    """A scene drawn twice is equal bit for bit, whatever was drawn in between and however many were asked for."""
    first = make_scenes(3, seed=5, part=part, **SMALL)
    make_scene(6, part=part, **SMALL)
    again = make_scenes(2, seed=5, part=part, **SMALL)
    for one, other in zip(first, again, strict=False):
        assert_same(one, other)
    assert_same(first[0], make_scene(5, part=part, **SMALL))


@pytest.mark.parametrize(
    ("part", "digest"),
    [
        ("train", "ac0e49b7b52269b5c64283333a42e76e5cf26a01bbb056bc03578cd4bc321b62"),
        ("validation", "2c72ff1b95c4f9fbad7424a9953d6842f428f2a3b62655ff081119dd9a2544f8"),
        ("test", "e7a601cbf6d251c88c44260885743af070607bdcf7a674fcfa770a27a9609130"),
    ],
)
def test_pixels_of_version_1_stay_as_they_are(part, digest):
    """Six scenes of each part hash to the stored digest: recorded results rest on these very pixels."""
    digits = hashlib.sha256()
    for image, truth in make_scenes(6, seed=0, part=part):
        masks = np.packbits(truth.masks.numpy())
        for array in (image, truth.boxes.numpy(), truth.labels.numpy(), masks):
            digits.update(array.tobytes())
    assert digits.hexdigest() == digest


def test_seed_index_and_part_each_change_the_scene():
    """Scenes of another seed, another index or another part differ."""
    images = [image for image, _ in make_scenes(2, seed=0, **SMALL)]
    images += [make_scene(1, **SMALL)[0], make_scene(0, part="test", **SMALL)[0]]
    assert not any(np.array_equal(one, other) for one, other in combinations(images, 2))


def test_parts_differ_in_their_signs_too():
    """The same seed in another part gives other signs in other places, so that no arrangement is seen in training."""
    streets = [make_scenes(4, seed=0, part=part, **SMALL) for part in PHOTOGRAPHS]
    boxes = [torch.cat([truth.boxes for _, truth in street]).tolist() for street in streets]
    assert not any(one == other for one, other in combinations(boxes, 2))


def test_drawing_leaves_global_randomness_alone():
    """Neither NumPy's nor torch's global generator is read or moved."""
    np.random.seed(0)
    before, torch_before = np.random.get_state()[1].copy(), torch.get_rng_state()
    make_scene(0, **SMALL)
    assert np.array_equal(before, np.random.get_state()[1])
    assert torch.equal(torch_before, torch.get_rng_state())


def test_parts_share_no_photograph():
    """No photograph, by name or by content, stands behind the scenes of two parts."""
    for one, other in combinations(PHOTOGRAPHS, 2):
        assert not set(PHOTOGRAPHS[one]) & set(PHOTOGRAPHS[other])
        for photo in load_backgrounds(one).values():
            assert not any(np.array_equal(photo, other_photo) for other_photo in load_backgrounds(other).values())


def test_every_photograph_has_a_stated_free_licence():
    """The catalogue gives each background as CC0 or public domain, so the scenes may be published as CC BY 4.0."""
    pictures = card("photos").pictures
    for name in (name for names in PHOTOGRAPHS.values() for name in names):
        assert pictures[name].licence.startswith(("CC0", "public domain")), name


def test_scenes_use_the_photographs_of_their_part_only(monkeypatch):
    """A test scene asks for the test part's photographs and no others."""
    asked = []
    monkeypatch.setattr(version_1, "load_backgrounds", lambda part: asked.append(part) or load_backgrounds(part))
    make_scenes(4, seed=0, part="test", **SMALL)
    assert set(asked) == {"test"}


@pytest.mark.parametrize("part", list(PHOTOGRAPHS))
def test_backgrounds_are_rgb_and_need_no_network(part, monkeypatch):
    """The photographs come from the installed package as read-only uint8 RGB of at least 300 pixels a side."""

    def refuse(*_):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    photos = load_backgrounds.__wrapped__(part)  # past the cache
    assert tuple(photos) == PHOTOGRAPHS[part]
    for photo in photos.values():
        assert photo.dtype == np.uint8 and photo.ndim == 3 and photo.shape[2] == 3 and min(photo.shape[:2]) >= 300
        assert not photo.flags.writeable


def test_scene_has_the_promised_form(scenes):
    """Image, boxes, labels and masks have the documented shapes and types, with 1 to 3 signs."""
    for image, truth in scenes:
        assert image.shape == (96, 96, 3) and image.dtype == np.uint8
        assert truth.size_hw == (96, 96) and 1 <= len(truth) <= 3
        assert truth.masks.shape == (len(truth), 96, 96)


def test_boxes_are_tight_around_masks(scenes):
    """Every box equals the edges that a loop over the mask's pixels finds."""
    for _, truth in scenes[:15]:
        assert truth.boxes.tolist() == [tight_box_by_loop(mask) for mask in truth.masks]


def test_masks_are_disjoint(scenes):
    """No pixel belongs to two signs, though some signs do overlap before the nearer hides the farther."""
    assert all(truth.masks.sum(dim=0).max() <= 1 for _, truth in scenes)
    boxes = [truth.boxes for _, truth in scenes]
    pairs = [pair for of_scene in boxes for pair in combinations(of_scene, 2)]
    assert any((torch.maximum(one[:2], two[:2]) < torch.minimum(one[2:], two[2:])).all() for one, two in pairs)


def test_signs_keep_enough_to_be_seen(monkeypatch):
    """In crowded streets no mask is smaller than the visible share of the smallest sign, a triangle."""
    share, side = version_1.VISIBLE_SHARE, version_1.SIGN_SHARE[0] * 96
    least = share * 0.3 * side**2  # narrowed and tilted, the triangle still covers 30 % of its square
    crowded = make_scenes(15, seed=3, max_signs=12, **SMALL)
    assert max(len(truth) for _, truth in crowded) > 3
    assert all(mask.sum() >= least for _, truth in crowded for mask in truth.masks)
    assert all(truth.masks.sum(dim=0).max() <= 1 for _, truth in crowded)


def test_nearer_signs_and_poles_cut_masks():
    """What the nearer sign and its pole cover by half or more is taken from the farther mask, and only that."""
    far = np.zeros((8, 8), dtype=bool)
    far[2:6, 2:6] = True
    sign, pole = np.zeros((2, 8, 8, 4), dtype=np.float32)
    sign[2:4, 5:7, 3], sign[2:4, 4, 3], pole[3:8, 5, 3] = 1.0, 0.4, 0.6
    expected = far.copy()
    expected[2:6, 5] = False  # two rows under the sign, two under its pole; column 4 is covered by less than half
    (left,) = version_1.visible_masks([far], sign, pole)
    assert np.array_equal(left, expected)


def test_every_sign_stands_on_its_pole():
    """The pole is under the middle of the sign, reaches below it, and the whole sign is in the picture."""
    rng = np.random.default_rng(0)
    for side in (16, 30, 56):
        sign, pole = sign_paint.place_sign(rng, 0, side, 85.0, 70.0, 160)
        rows, columns = np.nonzero(sign[..., 3] >= 0.5)
        pole_rows, pole_columns = np.nonzero(pole[..., 3])
        assert abs(columns.mean() - pole_columns.mean()) < 0.1 * side
        assert rows.min() < pole_rows.min() < rows.max() < pole_rows.max()
        assert 0.7 * side < columns.max() - columns.min() + 1 < 1.3 * side


def test_each_class_is_drawn_about_equally_often():
    """All six classes turn up, none more than twice as often as another."""
    labels = torch.cat([truth.labels for _, truth in make_scenes(150, seed=1, size=64)])
    counts = torch.bincount(labels, minlength=len(CLASSES))
    assert len(counts) == len(CLASSES) and counts.max() <= 2 * counts.min()


@pytest.mark.parametrize(
    ("name", "more", "less"),
    [("stop", 0, 2), ("danger", 0, 2), ("priority", 0, 2), ("speed", 0, 1), ("crossing", 2, 0), ("ahead", 2, 0)],
)
def test_masks_lie_on_the_painted_signs(scenes, name, more, less):
    """Inside the mask the sign's own colour outweighs what stands just around it: truth and pixels agree."""
    gains = []
    for image, truth in scenes:
        contrast = torch.from_numpy(image.astype(np.float32))
        contrast = contrast[..., more] - contrast[..., less]  # (H, W)
        for mask, label in zip(truth.masks, truth.labels, strict=True):
            if CLASSES[label] == name:
                around = torch.nn.functional.max_pool2d(mask[None].float(), 7, 1, 3)[0].bool() & ~truth.masks.any(dim=0)
                gains.append(float(contrast[mask].mean() - contrast[around].mean()))
    assert len(gains) >= 5 and np.mean(gains) > 10


def test_templates_of_the_classes_differ_in_shape_or_colour():
    """The six upright signs fill their squares differently or are painted differently."""
    signs = [np.asarray(sign_paint.sign_template(label, 64), dtype=np.float32) for label in range(len(CLASSES))]
    assert all(np.abs(one - other).mean() > 12 for one, other in combinations(signs, 2))


def test_empty_streets_work():
    """With max_signs=0 there is an image and no sign; with n=0 there is no scene."""
    image, truth = make_scene(0, max_signs=0, **SMALL)
    assert image.std() > 5
    assert len(truth) == 0 and truth.masks.shape == (0, 96, 96) and truth.boxes.shape == (0, 4)
    assert make_scenes(0, seed=0) == []


def test_signs_grow_with_the_scene():
    """Sign sides stay within 10 to 35 % of the scene's side, but for tilt, narrowing and hidden parts."""
    for size in (64, 161):
        for _, truth in make_scenes(10, seed=2, size=size, max_signs=1):
            sides = truth.boxes[:, 2:] - truth.boxes[:, :2]
            assert sides.max() <= 0.35 * size * 1.3 and sides.min() >= 0.1 * size * 0.6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n": -1}, "Expected `n` to be an integer of 0 or more, but got -1"),
        ({"n": 2.0}, "`n` to be an integer"),
        ({"seed": -1}, "Expected `seed` to be an integer of 0 or more, but got -1"),
        ({"seed": None}, "`seed` to be an integer"),
        ({"size": 32}, "Expected `size` to be an integer of 64 or more, but got 32"),
        ({"max_signs": -1}, "`max_signs` to be an integer of 0 or more"),
        ({"part": "val"}, "`part` to be one of train, validation, test, but got 'val'"),
    ],
)
def test_wrong_arguments_are_named(change, message):
    """An argument out of range is refused before anything is drawn, with what was expected."""
    arguments = {"n": 0, "seed": 0} | change
    with pytest.raises(ValueError, match=message):
        make_scenes(arguments.pop("n"), **arguments)


def test_unknown_part_has_no_backgrounds():
    """Photographs of a part that does not exist are refused."""
    with pytest.raises(ValueError, match="`part` to be one of"):
        load_backgrounds("valid")


def test_boxes_lie_inside_and_are_reproducible():
    """Random boxes are float32 xyxy with sides of 5 to 60 % of the image's, equal for equal seeds."""
    boxes = make_boxes(500, size_hw=(100, 200), seed=0)
    assert boxes.shape == (500, 4) and boxes.dtype == torch.float32
    for x1, y1, x2, y2 in boxes.tolist():
        assert 0 <= x1 < x2 <= 200 and 0 <= y1 < y2 <= 100
        assert 9.99 <= x2 - x1 <= 120.01 and 4.99 <= y2 - y1 <= 60.01
    assert torch.equal(boxes, make_boxes(500, size_hw=(100, 200), seed=0))
    assert not torch.equal(boxes, make_boxes(500, size_hw=(100, 200), seed=1))
    assert make_boxes(0, size_hw=(100, 200), seed=0).shape == (0, 4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n": -3}, "Expected `n` to be an integer of 0 or more, but got -3"),
        ({"seed": "0"}, "`seed` to be an integer"),
        ({"size_hw": (1, 50)}, r"`size_hw \(height\)` to be an integer of 2 or more, but got 1"),
        ({"size_hw": (50, 1.5)}, r"`size_hw \(width\)`"),
        ({"size_hw": (50, 50, 3)}, r"`size_hw` to be \(height, width\)"),
    ],
)
def test_boxes_refuse_wrong_arguments(change, message):
    """A count, seed or size out of range is named."""
    arguments = {"n": 2, "seed": 0, "size_hw": (50, 50)} | change
    with pytest.raises(ValueError, match=message):
        make_boxes(arguments.pop("n"), **arguments)
