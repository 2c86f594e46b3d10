"""Tests of drives: neighbouring frames are near-duplicates, signs grow and leave, frames know where they belong."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import imagehash
import numpy as np
import pytest
import torch
from PIL import Image

from course_utils.synthetic import PHOTOGRAPHS, SceneSettings, make_drive

SETTINGS = SceneSettings(size=96, sign_share=(0.05, 0.35), camera="reference", weather="clear", time_of_day="day")


@pytest.fixture(scope="module")
def drives():
    """Six drives of twelve frames each, of every camera, weather and time, that the tests only read."""
    settings = SceneSettings(size=96, sign_share=(0.05, 0.35))
    return [make_drive(12, seed=seed, settings=settings) for seed in range(6)]


def perceptual_hash(scene):
    """64 bits that near-duplicates share."""
    return imagehash.phash(Image.fromarray(scene.image))


def test_frames_of_a_drive_are_near_duplicates_and_different_drives_are_not(drives):
    """Perceptual hashes of neighbours differ in few of 64 bits, those of different drives in many more."""
    hashes = [[perceptual_hash(scene) for scene in drive] for drive in drives]
    near = [one - two for drive in hashes for one, two in pairwise(drive)]
    apart = [one - two for i, drive in enumerate(hashes) for other in hashes[:i] for one in drive for two in other]
    assert np.median(near) <= 6 and np.quantile(near, 0.9) <= 12
    assert np.median(apart) >= 24 and np.quantile(near, 0.9) < np.quantile(apart, 0.1)


def test_neighbours_are_not_the_same_picture(drives):
    """No two frames of a drive are equal in their bytes."""
    for drive in drives:
        assert len({scene.image.tobytes() for scene in drive}) == len(drive)


def test_frames_know_their_drive_number_and_time(drives):
    """Drive, part, camera, weather and time of day are those of all frames; number and clock run on."""
    for seed, drive in enumerate(drives):
        attributes = [scene.attributes for scene in drive]
        for name in ("drive", "part", "camera", "weather", "time_of_day", "photograph", "seed"):
            assert len({getattr(of_frame, name) for of_frame in attributes}) == 1, name
        assert [of_frame.frame for of_frame in attributes] == list(range(12))
        assert attributes[0].drive == f"train-{seed}"
        steps = {b.taken_at - a.taken_at for a, b in pairwise(attributes)}
        assert steps == {timedelta(seconds=0.04)}


def test_frame_i_does_not_depend_on_how_many_are_asked_for():
    """A short drive is the beginning of a long one, in pixels and truth."""
    short, long = (make_drive(n, seed=3, settings=replace(SETTINGS, occlusion=0.5, weather="rain")) for n in (3, 9))
    for one, two in zip(short, long, strict=False):
        assert np.array_equal(one.image, two.image) and one.attributes == two.attributes
        assert torch.equal(one.annotations.boxes, two.annotations.boxes)
    assert make_drive(0, seed=3) == []


def test_signs_grow_and_leave():
    """With one sign at a time: it grows from frame to frame, is cut by the border at last, and then it is gone."""
    grew, left, cut = 0, 0, 0
    for seed in range(4):
        frames = make_drive(60, seed=seed, settings=replace(SETTINGS, max_signs=1), frames_per_second=10)
        largest = [
            max(scene.annotations.boxes.tolist(), key=lambda box: box[3] - box[1], default=None) for scene in frames
        ]
        for now, then in pairwise(largest):
            if now is None or now[3] - now[1] < 14:
                continue
            whole = now[0] > 0 and now[2] < 96
            stays = then is not None and (now[0] < 48) == (then[0] < 48) and then[3] - then[1] > 0.8 * (now[3] - now[1])
            grew += stays and whole and then[3] - then[1] > now[3] - now[1]
            left += not stays
            cut += not whole
    assert left >= 4 and grew > 2 * left and cut >= 2


def test_truth_of_frames_is_exact(drives):
    """Boxes are tight, masks disjoint, shares between 30 % and all, and no sliver is annotated."""
    count = 0
    for scene in (scene for drive in drives for scene in drive):
        truth = scene.annotations
        assert not len(truth) or truth.masks.sum(dim=0).max() <= 1
        for mask, box, share in zip(truth.masks, truth.boxes, scene.attributes.visible_shares, strict=True):
            rows, columns = torch.nonzero(mask, as_tuple=True)
            assert box.tolist() == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            assert 0.3 <= share <= 1
            count += 1
    assert count > 40


def test_parts_drive_down_different_streets():
    """The same seed gives each part another drive, before its own photographs."""
    drives = [make_drive(1, seed=0, settings=replace(SETTINGS, part=part))[0] for part in PHOTOGRAPHS]
    assert [scene.attributes.drive for scene in drives] == [f"{part}-0" for part in PHOTOGRAPHS]
    assert all(scene.attributes.photograph in PHOTOGRAPHS[scene.attributes.part] for scene in drives)
    assert len({scene.image.tobytes() for scene in drives}) == 3


def test_branches_hide_signs_in_a_drive():
    """With occlusion, the same drive shows less of its signs."""
    shares = [
        np.mean([np.mean(s.attributes.visible_shares or [1]) for s in make_drive(12, seed=5, settings=settings)])
        for settings in (SETTINGS, replace(SETTINGS, occlusion=1.0))
    ]
    assert shares[1] < shares[0] - 0.05


def test_empty_drive_has_no_signs():
    """With max_signs=0 the street is empty from the first frame to the last."""
    assert all(len(s.annotations) == 0 for s in make_drive(4, seed=0, settings=replace(SETTINGS, max_signs=0)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_frames": -1}, "`n_frames` to be an integer of 0 or more, but got -1"),
        ({"seed": 0.5}, "`seed` to be an integer"),
        ({"frames_per_second": 0}, "`frames_per_second` to be a number from 0.1 to 240, but got 0"),
        ({"frames_per_second": float("nan")}, "`frames_per_second`"),
    ],
)
def test_wrong_drives_are_named(change, message):
    """An argument out of range is refused before anything is drawn."""
    arguments = {"n_frames": 2, "seed": 0} | change
    with pytest.raises(ValueError, match=message):
        make_drive(arguments.pop("n_frames"), **arguments)
