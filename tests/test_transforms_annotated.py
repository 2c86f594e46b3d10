"""Boxes, masks and key points follow their object through every geometric change, and what leaves is dropped whole."""

import functools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision import tv_tensors
from torchvision.transforms import v2

from course_utils import datasets, transforms
from course_utils.annotations import ImageAnnotations, masks_to_boxes
from course_utils.annotations.targets import annotations_to_target, target_to_annotations

few = functools.partial(settings, max_examples=40, deadline=None)


# scenes


def scene(size_hw, boxes, *, masks=True):
    """A grey image with a white block for each box: image, boxes and masks that agree to the pixel."""
    image = np.full((*size_hw, 3), 60, np.uint8)
    blocks = torch.zeros(len(boxes), *size_hw, dtype=torch.bool)
    for mask, (x1, y1, x2, y2) in zip(blocks, boxes, strict=True):
        image[y1:y2, x1:x2] = 255
        mask[y1:y2, x1:x2] = True
    tensor = torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)
    return image, ImageAnnotations(size_hw, tensor, torch.arange(len(boxes)), blocks if masks else None)


def test_eval_resizes_boxes_and_masks_with_the_image():
    """Doubling the width and halving the height does the same to a box; values lie where 0.5/0.5 puts them."""
    data = datasets.AnnotatedImages([scene((64, 16), [(4, 16, 8, 48)])], transform=transforms.make_scenes_eval(32))
    image, truth = data[0]
    assert image.shape == (3, 32, 32) and image.dtype == torch.float32
    assert truth.boxes.tolist() == [[8.0, 8.0, 16.0, 24.0]]
    assert masks_to_boxes(truth.masks).tolist() == truth.boxes.tolist()
    assert image[0, 16, 12].item() == pytest.approx(1.0)
    assert image[0, 0, 0].item() == pytest.approx(60 / 127.5 - 1, abs=0.01)


@pytest.mark.parametrize("seed", range(12))
def test_boxes_and_masks_follow_their_object_in_training(seed):
    """After a random crop the white block, found again in the pixels, lies in its box and mask to within a pixel."""
    torch.manual_seed(seed)
    pair = scene((80, 100), [(40, 30, 64, 56)])
    image, truth = datasets.AnnotatedImages([pair], transform=transforms.make_scenes_train(96, smallest_crop=0.6))[0]
    grey = image.mean(dim=0)
    bright = grey > (grey.min() + grey.max()) / 2
    if len(truth) == 0:
        pytest.fail("a block in the middle cannot be lost by crops of this size")
    found = masks_to_boxes(bright[None])
    torch.testing.assert_close(found, truth.boxes, rtol=0, atol=1.5)
    torch.testing.assert_close(masks_to_boxes(truth.masks), truth.boxes, rtol=0, atol=1.5)


def test_objects_outside_the_crop_are_dropped_whole():
    """Over 40 crops some lose objects; labels, boxes and masks stay in step, and each label keeps its own block."""
    pair = scene((80, 80), [(0, 0, 8, 8), (30, 30, 50, 50), (70, 0, 80, 6)])
    data = datasets.AnnotatedImages([pair], transform=transforms.make_scenes_train(64, smallest_crop=0.3))
    torch.manual_seed(0)
    kept = [data[0][1] for _ in range(40)]
    assert {len(truth) for truth in kept} >= {1, 2}
    for truth in kept:
        assert len(truth.masks) == len(truth.labels) == len(truth) and truth.masks.flatten(1).any(1).all()
        assert ((truth.boxes[:, 2:] - truth.boxes[:, :2]) >= 2).all()
        assert truth.labels.tolist() == sorted(truth.labels.tolist())


def test_an_object_whose_mask_is_cropped_away_is_dropped_although_its_box_is_not():
    """The mask decides what can be seen: a box with an empty mask leaves, a box without masks stays."""
    image, truth = scene((40, 40), [(10, 10, 30, 30)])
    hidden = ImageAnnotations((40, 40), truth.boxes, truth.labels, torch.zeros_like(truth.masks))
    bare = ImageAnnotations((40, 40), truth.boxes, truth.labels)
    train = transforms.make_scenes_train(40, smallest_crop=1.0)
    assert len(datasets.AnnotatedImages([(image, hidden)], transform=train)[0][1]) == 0
    assert len(datasets.AnnotatedImages([(image, bare)], transform=train)[0][1]) == 1


@pytest.mark.parametrize("masks", [False, True])
@pytest.mark.parametrize("make", [transforms.make_scenes_train, transforms.make_scenes_eval])
def test_scenes_without_objects_stay_without(make, masks):
    """Zero boxes go through both transforms and come out as zero boxes of the new size."""
    _, truth = datasets.AnnotatedImages([scene((40, 50), [], masks=masks)], transform=make(32))[0]
    assert len(truth) == 0 and truth.size_hw == (32, 32)
    assert (truth.masks is None) if not masks else truth.masks.shape == (0, 32, 32)


def test_eval_keeps_small_objects_and_train_repeats_with_its_seed():
    """Evaluation drops no truth however small; the same seed of PyTorch gives the same training example."""
    pair = scene((64, 64), [(3, 3, 5, 5), (20, 20, 40, 40)])
    assert len(datasets.AnnotatedImages([pair], transform=transforms.make_scenes_eval(16))[0][1]) == 2
    data = datasets.AnnotatedImages([pair], transform=transforms.make_scenes_train(32))
    drawn = []
    for seed in (5, 5, 6):
        torch.manual_seed(seed)
        drawn.append(data[0][0])
    assert torch.equal(drawn[0], drawn[1]) and not torch.equal(drawn[0], drawn[2])


def test_scene_transforms_refuse_what_does_not_fit():
    """No size, a share of the area outside (0, 1] and statistics of one channel are refused at once."""
    with pytest.raises(ValueError, match="Expected `size`"):
        transforms.make_scenes_eval(0)
    with pytest.raises(ValueError, match=r"Expected `smallest_crop` in \(0, 1\], but got 0"):
        transforms.make_scenes_train(32, smallest_crop=0)
    with pytest.raises(ValueError, match="three numbers each"):
        transforms.make_scenes_train(32, mean=(0.5,))


# any transform of torchvision


@st.composite
def drawn_objects(draw, *, rectangles: bool = False):
    """An image of random size with up to three ellipses or rectangles: image and annotations with tight boxes."""
    height, width = draw(st.integers(24, 48)), draw(st.integers(24, 48))
    rows, columns = np.mgrid[:height, :width] + 0.5
    masks = []
    for _ in range(draw(st.integers(0, 3))):
        x, y = draw(st.integers(6, width - 6)), draw(st.integers(6, height - 6))
        a, b = draw(st.integers(3, 6)), draw(st.integers(3, 6))
        across, down = np.abs(columns - x) / a, np.abs(rows - y) / b
        masks.append(np.maximum(across, down) < 1 if rectangles else across**2 + down**2 < 1)
    stack = torch.from_numpy(np.array(masks, dtype=bool).reshape(-1, height, width))
    image = np.full((height, width, 3), 40, np.uint8)
    image[np.any(masks, axis=0) if masks else np.zeros((height, width), bool)] = 220
    return image, ImageAnnotations.from_masks(stack, torch.arange(len(stack)))


def sticks_out(annotations: ImageAnnotations) -> float:
    """By how many pixels the tight boxes of the masks reach beyond their boxes, at most; 0 for none."""
    if len(annotations) == 0:
        return 0.0
    tight = masks_to_boxes(annotations.masks)
    over = torch.cat([annotations.boxes[:, :2] - tight[:, :2], tight[:, 2:] - annotations.boxes[:, 2:]], dim=1)
    return max(0.0, over.max().item())


def check_labels_follow(annotations: ImageAnnotations, changed: transforms.Changed) -> None:
    """Labels, which are numbers of objects here, and what is told about them agree; nothing is there twice."""
    assert changed.annotations.labels.tolist() == changed.kept.tolist()
    assert sorted(changed.kept.tolist() + changed.dropped.tolist()) == list(range(len(annotations)))
    assert changed.image.shape == (*changed.annotations.size_hw, 3)


EXACT = {
    "left-right": v2.RandomHorizontalFlip(1),
    "up-down": v2.RandomVerticalFlip(1),
    "quarter turn": v2.RandomRotation((90, 90), expand=True),
    "half turn": v2.RandomRotation((180, 180)),
    "three quarters": v2.RandomRotation((270, 270), expand=True),
    "pad": v2.Pad((3, 5, 7, 2)),
    "room around": v2.RandomZoomOut(p=1),
}


@pytest.mark.parametrize("name", EXACT)
@few()
@given(pair=drawn_objects(), seed=st.integers(0, 2**31))
def test_boxes_stay_tight_under_flips_quarter_turns_and_padding(name, pair, seed):
    """After a change that moves pixels whole, the box is the tight box of the moved mask, to the last pixel."""
    changed = transforms.transform_annotated(*pair, EXACT[name], seed=seed)
    check_labels_follow(pair[1], changed)
    if len(changed.annotations):
        assert (
            masks_to_boxes(changed.annotations.masks).tolist() == changed.annotations.boxes.round(decimals=3).tolist()
        )
    assert len(changed.dropped) == 0
    bright = torch.from_numpy(changed.image[..., 0] > 130)
    assert torch.equal(changed.annotations.masks.any(dim=0), bright)


@few()
@given(pair=drawn_objects(rectangles=True), factor=st.sampled_from([2, 3]))
def test_boxes_stay_tight_when_everything_is_enlarged_by_a_whole_number(pair, factor):
    """Twice and three times as large: box and mask agree to the pixel."""
    size = [factor * side for side in pair[1].size_hw]
    changed = transforms.transform_annotated(*pair, v2.Resize(size))
    assert torch.equal(changed.annotations.boxes, pair[1].boxes * factor)
    assert len(pair[1]) == 0 or torch.equal(masks_to_boxes(changed.annotations.masks), changed.annotations.boxes)


@few()
@given(pair=drawn_objects(rectangles=True), seed=st.integers(0, 2**31))
def test_boxes_of_rectangles_are_cut_where_the_crop_cuts_them(pair, seed):
    """After a crop the box of a rectangle is the tight box of what is left; less than two pixels are dropped."""
    changed = transforms.transform_annotated(*pair, v2.RandomCrop(16), seed=seed)
    check_labels_follow(pair[1], changed)
    if len(changed.annotations):
        assert torch.equal(masks_to_boxes(changed.annotations.masks), changed.annotations.boxes)
    everything = transforms.transform_annotated(*pair, v2.RandomCrop(16), seed=seed, smallest_side=0).annotations
    sides = everything.boxes[:, 2:] - everything.boxes[:, :2]
    assert int((sides >= 2).all(dim=1).sum()) == len(changed.kept)


FREE = {
    "turn": v2.RandomRotation(180),
    "turn with room": v2.RandomRotation(180, expand=True),
    "affine": v2.RandomAffine(30, (0.2, 0.2), (0.7, 1.4), 15),
    "perspective": v2.RandomPerspective(0.4, p=1),
    "resize": v2.Resize((37, 53)),
    "crop and resize": v2.RandomResizedCrop(40, scale=(0.3, 1.0)),
    "jitter of scale": v2.ScaleJitter((40, 40), scale_range=(0.5, 1.5)),
    "one after another": v2.Compose([v2.RandomHorizontalFlip(), v2.RandomRotation(20), v2.RandomResizedCrop(40)]),
}


@pytest.mark.parametrize("name", FREE)
@few()
@given(pair=drawn_objects(), seed=st.integers(0, 2**31))
def test_boxes_enclose_their_object_after_any_turn_or_stretch(name, pair, seed):
    """No moved mask reaches out of its moved box by more than the rounding of masks to whole pixels."""
    changed = transforms.transform_annotated(*pair, FREE[name], seed=seed)
    check_labels_follow(pair[1], changed)
    assert sticks_out(changed.annotations) <= 2.0


def test_an_elastic_change_is_the_one_that_boxes_do_not_follow():
    """torchvision moves the corners of a box alone, so that a bent object reaches out of it: told in the lesson."""
    rows, columns = np.mgrid[:160, :160]
    masks = torch.from_numpy((rows - 80) ** 2 + (columns - 80) ** 2 < 50**2)[None]
    truth = ImageAnnotations.from_masks(masks, torch.tensor([0]))
    bend = v2.ElasticTransform(alpha=200.0, sigma=8.0)
    image = np.zeros((160, 160, 3), np.uint8)
    found = [sticks_out(transforms.transform_annotated(image, truth, bend, seed=k).annotations) for k in range(5)]
    assert max(found) > 4


@few()
@given(pair=drawn_objects(), seed=st.integers(0, 2**31), points=st.integers(1, 4))
def test_key_points_keep_their_place_in_the_object(pair, seed, points):
    """A point given as a share of its box is at that share of the moved box, if that stays upright."""
    generator = torch.Generator().manual_seed(seed)
    _, truth = pair
    sides = truth.boxes[:, None, 2:] - truth.boxes[:, None, :2]  # (N, 1, 2)
    share = torch.rand(len(truth), points, 2, generator=generator)
    placed = torch.cat([truth.boxes[:, None, :2] + share * sides, torch.full((len(truth), points, 1), 2.0)], dim=2)
    marked = ImageAnnotations(truth.size_hw, truth.boxes, truth.labels, truth.masks, placed)
    for transform, mirrored in (
        (v2.RandomHorizontalFlip(1), (True, False)),
        (v2.RandomVerticalFlip(1), (False, True)),
        (v2.Resize((31, 57)), (False, False)),
        (v2.Pad(4), (False, False)),
        (v2.RandomRotation((180, 180)), (True, True)),
    ):
        moved = transforms.transform_annotated(pair[0], marked, transform, smallest_side=0).annotations
        there = torch.where(torch.tensor(mirrored), 1 - share, share)
        sides = moved.boxes[:, None, 2:] - moved.boxes[:, None, :2]
        expected = moved.boxes[:, None, :2] + there * sides
        torch.testing.assert_close(moved.keypoints[..., :2], expected, rtol=0, atol=1e-3)
        assert (moved.keypoints[..., 2] == 2).all()


def test_torchvision_mirrors_its_own_key_points_one_pixel_aside():
    """The reason for `EdgePoints`: when this fails, torchvision has changed, and the class can go."""
    centre = torch.tensor([[0.5, 0.5]])
    theirs = tv_tensors.KeyPoints(centre, canvas_size=(4, 6))
    assert v2.functional.horizontal_flip(theirs).tolist() == [[4.5, 0.5]]
    assert v2.functional.resize(theirs, [8, 12]).tolist() == [[1.0, 1.0]]


def test_key_points_that_leave_the_image_are_no_longer_marked():
    """Cut off by a crop, a point is (0, 0, 0); the others keep their visibility."""
    points = torch.tensor([[[2.0, 2.0, 1.0], [17.0, 3.0, 2.0]]])
    boxes, label = torch.tensor([[1.0, 1.0, 19.0, 5.0]]), torch.tensor([0])
    truth = ImageAnnotations((20, 20), boxes, label, keypoints=points)
    right = transforms.transform_annotated(np.zeros((20, 20, 3), np.uint8), truth, v2.CenterCrop((20, 16)))
    assert right.annotations.keypoints.tolist() == [[[0.0, 2.0, 1.0], [15.0, 3.0, 2.0]]]
    narrow = transforms.transform_annotated(np.zeros((20, 20, 3), np.uint8), truth, v2.CenterCrop((20, 12)))
    assert narrow.annotations.keypoints.tolist() == [[[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]]


@pytest.mark.parametrize("transform", [*EXACT.values(), *FREE.values(), v2.ElasticTransform(), v2.RandomIoUCrop()])
@pytest.mark.parametrize("full", [False, True])
def test_images_without_objects_go_through_every_transform(transform, full):
    """Zero boxes, with or without masks and points, come out as zero boxes of the image's new size."""
    nothing = torch.zeros(0, 30, 40, dtype=torch.bool), torch.zeros(0, 2, 3), torch.zeros(0, dtype=torch.bool)
    truth = ImageAnnotations((30, 40), torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64), *(nothing if full else ()))
    changed = transforms.transform_annotated(np.zeros((30, 40, 3), np.uint8), truth, transform, seed=0)
    assert len(changed.annotations) == len(changed.dropped) == 0
    assert changed.annotations.size_hw == changed.image.shape[:2]
    assert (changed.annotations.keypoints is None) == (not full)


def test_the_same_seed_gives_the_same_change_and_leaves_the_global_generator_alone():
    """Seeds 3 and 3 agree, 4 differs, and what is drawn globally afterwards does not depend on it."""
    pair = scene((40, 50), [(5, 5, 20, 30)])
    turn = v2.RandomRotation(90)
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    images = [transforms.transform_annotated(*pair, turn, seed=seed).image for seed in (3, 3, 4)]
    assert torch.equal(torch.rand(3), expected)
    assert np.array_equal(images[0], images[1]) and not np.array_equal(images[0], images[2])


def test_every_part_of_a_dropped_object_goes_with_it():
    """Of three objects the one outside the crop takes label, mask, points and crowd flag along, and is told."""
    image, truth = scene((40, 40), [(2, 2, 8, 8), (15, 15, 25, 25), (30, 30, 38, 38)])
    points = torch.tensor([[[5.0, 5.0, 2.0]], [[20.0, 20.0, 2.0]], [[34.0, 34.0, 1.0]]])
    crowd = torch.tensor([False, True, False])
    truth = ImageAnnotations((40, 40), truth.boxes, truth.labels, truth.masks, points, crowd)
    changed = transforms.transform_annotated(image, truth, v2.CenterCrop(20))
    assert (changed.kept.tolist(), changed.dropped.tolist()) == ([1], [0, 2])
    left = changed.annotations
    assert (left.labels.tolist(), left.iscrowd.tolist()) == ([1], [True])
    assert left.boxes.tolist() == [[5.0, 5.0, 15.0, 15.0]] and left.keypoints.tolist() == [[[10.0, 10.0, 2.0]]]
    assert torch.equal(masks_to_boxes(left.masks), left.boxes)


def test_a_transform_that_drops_boxes_alone_is_refused():
    """`SanitizeBoundingBoxes` forgets what it was not told of: refused, with the remedy named."""
    pair = scene((40, 40), [(2, 2, 8, 8), (15, 15, 25, 25)])
    forgetful = v2.Compose([v2.CenterCrop(20), v2.SanitizeBoundingBoxes()])
    with pytest.raises(ValueError, match=r"as many of each, but got .*'boxes': 1.*`DropUnseen` in its place"):
        transforms.transform_annotated(*pair, forgetful)


def test_annotations_of_another_image_are_refused():
    """Image and annotations of different sizes, float pixels and a negative side are refused."""
    image, truth = scene((40, 50), [(2, 2, 8, 8)])
    with pytest.raises(ValueError, match=r"Expected `image` to be uint8 \(40, 50, 3\), .* got uint8 \(50, 40, 3\)"):
        transforms.transform_annotated(image.transpose(1, 0, 2), truth, v2.Identity())
    with pytest.raises(ValueError, match="but got float64"):
        transforms.transform_annotated(image / 255, truth, v2.Identity())
    with pytest.raises(ValueError, match="Expected `smallest_side` of at least 0 pixels, but got -1"):
        transforms.DropUnseen(-1)


def test_there_and_back_keeps_everything():
    """Wrapping and unwrapping gives the same annotations, as copies."""
    _, truth = scene((40, 50), [(2, 2, 8, 8), (5, 5, 9, 12)])
    points, crowd = torch.rand(2, 3, 3).round(decimals=2), torch.tensor([True, False])
    points[..., 2] = 2
    full = ImageAnnotations((40, 50), truth.boxes, truth.labels, truth.masks, points, crowd)
    target = annotations_to_target(full)
    again = target_to_annotations(target, (40, 50))
    for name in ("boxes", "labels", "masks", "keypoints", "iscrowd"):
        assert torch.equal(getattr(again, name), getattr(full, name)), name
        assert type(getattr(again, name)) is torch.Tensor
    target["boxes"][0, 0] = 1
    assert full.boxes[0, 0] == 2


def test_data_sets_keep_key_points_and_crowd_flags():
    """`AnnotatedImages` hands on everything that annotations hold, moved along."""
    _, truth = scene((40, 40), [(2, 2, 8, 8)])
    points, crowd = torch.tensor([[[3.0, 4.0, 2.0]]]), torch.tensor([True])
    full = ImageAnnotations((40, 40), truth.boxes, truth.labels, truth.masks, points, crowd)
    data = datasets.AnnotatedImages([(np.zeros((40, 40, 3), np.uint8), full)], transform=v2.RandomHorizontalFlip(1))
    moved = data[0][1]
    assert moved.keypoints.tolist() == [[[37.0, 4.0, 2.0]]] and moved.iscrowd.tolist() == [True]
