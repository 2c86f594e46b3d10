"""Tests of version 2 of the scenes: exact truth in all weathers, paired settings, looks that are what they claim."""

import itertools
import re
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
import torch

from course_utils.synthetic import (
    CAMERAS,
    CLASSES,
    PHOTOGRAPHS,
    SIGN_NAMES,
    TIMES_OF_DAY,
    WEATHERS,
    SceneSettings,
    caption,
    load_backgrounds,
    make_scenes,
    make_street_scene,
    make_street_scenes,
    takes,
)
from course_utils.synthetic.captions import COUNTS, TIME_WORDS, WEATHER_WORDS
from course_utils.synthetic.town import View
from course_utils.synthetic.townscape import Canvas
from course_utils.synthetic.weather import add_weather

PLAIN = SceneSettings(size=96, camera="reference", weather="clear", time_of_day="day")
NUMBER = {word: number for number, word in enumerate(COUNTS)} | {"no": 0}


@pytest.fixture(scope="module")
def scenes():
    """Forty scenes of every kind, some signs hidden in part, that the tests only read."""
    return make_street_scenes(40, seed=3, settings=SceneSettings(size=96, occlusion=0.5, randomise=0.3))


def assert_same_truth(one, other):
    """Two scenes agree in every annotation."""
    for field in ("boxes", "labels", "masks"):
        assert torch.equal(getattr(one.annotations, field), getattr(other.annotations, field)), field


def drawn(settings, seeds=range(8)):
    """Scenes of these settings, one for each seed."""
    return [make_street_scene(seed, settings=settings) for seed in seeds]


def grey(scene):
    """Brightness of a scene, float (H, W) in 0..1."""
    return scene.image.mean(axis=2) / 255


def test_same_seed_gives_the_same_scene():
    """A scene drawn twice is equal in pixels, truth and attributes, whatever was drawn in between."""
    settings = SceneSettings(size=96, occlusion=1.0, randomise=1.0)
    one = make_street_scene(5, settings=settings)
    make_street_scene(6)
    other = make_street_scene(5, settings=settings)
    assert np.array_equal(one.image, other.image) and one.attributes == other.attributes
    assert_same_truth(one, other)


def test_scene_i_does_not_depend_on_how_many_are_asked_for():
    """The first of two scenes is the only one of one, and n=0 gives none."""
    one, two = (make_street_scenes(n, seed=4, settings=PLAIN) for n in (1, 2))
    assert np.array_equal(one[0].image, two[0].image) and not np.array_equal(two[0].image, two[1].image)
    assert make_street_scenes(0, seed=4) == []


def test_version_2_repeats_no_scene_of_version_1():
    """The same seed gives another street than `make_scenes`."""
    (image, truth), scene = make_scenes(1, seed=0)[0], make_street_scene(0)
    assert not np.array_equal(image, scene.image) and truth.boxes.tolist() != scene.annotations.boxes.tolist()


def test_drawing_leaves_global_randomness_alone():
    """Neither NumPy's nor torch's global generator is read or moved."""
    np.random.seed(0)
    before, torch_before = np.random.get_state()[1].copy(), torch.get_rng_state()
    make_street_scene(0, settings=SceneSettings(size=64, weather="snow", randomise=1.0))
    assert np.array_equal(before, np.random.get_state()[1]) and torch.equal(torch_before, torch.get_rng_state())


def test_scene_has_the_promised_form(scenes):
    """Image, annotations and attributes have the documented types, with one visible share for each sign."""
    for scene in scenes:
        assert scene.image.shape == (96, 96, 3) and scene.image.dtype == np.uint8
        assert scene.annotations.size_hw == (96, 96) and len(scene.annotations) <= 3
        assert len(scene.attributes.visible_shares) == len(scene.annotations)
        assert scene.attributes.weather in WEATHERS and scene.attributes.time_of_day in TIMES_OF_DAY
        assert scene.attributes.camera in CAMERAS and scene.attributes.drive is scene.attributes.frame is None
    with pytest.raises(FrozenInstanceError):
        scenes[0].attributes.weather = "hail"


def test_masks_agree_with_boxes_and_are_disjoint(scenes):
    """Every box is tight around its mask, inside the image, and no pixel belongs to two signs."""
    for scene in scenes:
        truth = scene.annotations
        for mask, box in zip(truth.masks, truth.boxes, strict=True):
            rows, columns = torch.nonzero(mask, as_tuple=True)
            assert box.tolist() == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        assert not len(truth) or truth.masks.sum(dim=0).max() <= 1


@pytest.mark.parametrize(
    "change",
    [{"camera": "old_webcam"}, {"weather": "fog"}, {"weather": "snow"}, {"time_of_day": "night"}, {"randomise": 1.0}],
)
def test_what_is_not_geometry_leaves_the_truth(change):
    """Another camera, weather, time of day or domain randomisation changes the pixels and no annotation."""
    for one, other in zip(drawn(PLAIN, range(4)), drawn(replace(PLAIN, **change), range(4)), strict=True):
        assert_same_truth(one, other)
        assert np.abs(one.image.astype(int) - other.image).mean() > 3


@pytest.mark.parametrize("size", [64, 320])
def test_every_combination_of_conditions_works(size):
    """All weathers, times of day and cameras give a valid scene, at the smallest size and at a large one."""
    combinations = list(itertools.product(WEATHERS, TIMES_OF_DAY, CAMERAS))
    for seed, (weather, time_of_day, camera) in enumerate(combinations[:: 1 if size == 64 else 5]):
        settings = SceneSettings(size=size, weather=weather, time_of_day=time_of_day, camera=camera)
        scene = make_street_scene(seed, settings=settings)
        attributes = scene.attributes
        assert scene.image.shape == (size, size, 3) and scene.image.std() > 1
        assert (attributes.weather, attributes.time_of_day, attributes.camera) == (weather, time_of_day, camera)


def test_the_seed_chooses_every_condition(scenes):
    """Where the settings leave it open, all cameras, weathers and times of day turn up."""
    found = [{getattr(scene.attributes, name) for scene in scenes} for name in ("camera", "weather", "time_of_day")]
    assert found == [set(CAMERAS), set(WEATHERS), set(TIMES_OF_DAY)]


def test_clock_agrees_with_the_time_of_day(scenes):
    """Pictures by day are taken between 9 and 16, at dusk between 18 and 19, at night between 21 and 3 o'clock."""
    hours = {"day": range(9, 16), "dusk": range(18, 19), "night": (21, 22, 23, 0, 1, 2)}
    assert all(scene.attributes.taken_at.hour in hours[scene.attributes.time_of_day] for scene in scenes)


def test_night_is_darker_than_dusk_and_dusk_than_day():
    """The same streets lose light from day to dusk and from dusk to night; the signs stay brighter than the rest."""
    day, dusk, night = (drawn(replace(PLAIN, time_of_day=time)) for time in TIMES_OF_DAY)
    for of_day, of_dusk, of_night in zip(day, dusk, night, strict=True):
        assert grey(of_day).mean() > 1.3 * grey(of_dusk).mean() > 1.3 * 1.3 * grey(of_night).mean()
    assert all(
        grey(scene)[scene.annotations.masks.any(dim=0).numpy()].mean() > 1.5 * grey(scene).mean() for scene in night
    )


def test_oncoming_headlights_dazzle_at_night_only():
    """Some nights have pixels as bright as white paper by day on the road; no day has lamps."""
    settings = replace(PLAIN, max_signs=0)
    night, day = (drawn(replace(settings, time_of_day=time), range(12)) for time in ("night", "day"))
    road = [grey(scene)[48:, 20:76].max() for scene in night]
    assert 0 < sum(peak > 0.95 for peak in road) < len(road)
    assert all(np.median(grey(scene)[48:]) > 0.15 for scene in day)


def test_fog_takes_contrast_and_takes_more_of_it_far_away():
    """In fog the same street has weaker edges, by half at its sides and by more where the road ends."""
    clear, fog = (drawn(replace(PLAIN, weather=weather, max_signs=0)) for weather in ("clear", "fog"))
    middle, sides = np.s_[40:64, 30:66], np.s_[40:64, [*range(10), *range(86, 96)]]

    def edges_left(part):
        strong, weak = (np.mean([grey(s)[part].std(axis=0).mean() for s in of]) for of in (clear, fog))
        return weak / strong

    assert edges_left(middle) < 0.75 * edges_left(sides) and edges_left(middle) < 0.6


def test_fog_hides_far_signs_more_than_near_ones():
    """What is left of a sign's contrast to its surroundings in fog is less for far signs than for near ones."""

    def left(share):
        ratios = []
        for seed in range(12):
            scenes = [
                make_street_scene(seed, settings=replace(PLAIN, size=160, weather=w, max_signs=1, sign_share=share))
                for w in ("clear", "fog")
            ]
            mask = scenes[0].annotations.masks[0].numpy()
            clear, fog = (scene.image[mask].std(axis=0).mean() for scene in scenes)
            ratios.append(fog / clear)
        return np.mean(ratios)

    assert left((0.04, 0.05)) < 0.75 * left((0.3, 0.35))


@pytest.mark.parametrize("time_of_day", TIMES_OF_DAY)
def test_rain_has_streaks_and_snow_has_flakes(time_of_day):
    """Before an even grey, rain is bright lines that run down rather than across, and snow is bright specks."""
    flat, size = np.full((160, 160), 5, dtype=np.float32), 160  # metres: all is near
    canvas = Canvas(None, flat, None, None, None, None)
    light = np.full((size, size, 3), 0.2, dtype=np.float32)
    detail = {}
    for kind in ("rain", "snow", "fog"):
        seen = add_weather(np.random.default_rng(0), light, canvas, View(size, 80, 80), (kind, time_of_day, 0.5))
        detail[kind] = [np.abs(np.diff(seen[..., 0], axis=axis)).mean() for axis in (1, 0)]
    assert detail["rain"][0] > 1.5 * detail["rain"][1] > 3 * max(detail["fog"])
    assert 0.8 < detail["snow"][0] / detail["snow"][1] < 1.25 and min(detail["snow"]) > 3 * max(detail["fog"])


def test_snow_whitens_the_ground():
    """The lowest rows of the same street are brighter in snow."""
    day, snow = (drawn(replace(PLAIN, max_signs=0, weather=weather), range(6)) for weather in ("clear", "snow"))
    assert all(grey(s)[-12:].mean() > 1.4 * grey(c)[-12:].mean() for c, s in zip(day, snow, strict=True))


def test_small_range_gives_small_signs():
    """Sides of boxes follow `sign_share`, and signs of the far range are smaller than those of the near one."""
    for size, share in ((160, (0.03, 0.06)), (96, (0.10, 0.35)), (64, (0.4, 0.5))):
        sides = []
        for scene in drawn(replace(PLAIN, size=size, sign_share=share, max_signs=1), range(10)):
            sides += (scene.annotations.boxes[:, 2:] - scene.annotations.boxes[:, :2]).flatten().tolist()
        assert len(sides) >= 16
        assert max(sides) <= share[1] * size * 1.3 + 1 and min(sides) >= share[0] * size * 0.6 - 1


def test_visible_share_is_exact():
    """A hidden sign's mask is part of the same sign's mask in the open, and its share is the quotient of the two."""
    open_, hidden = (replace(PLAIN, size=160, max_signs=1, occlusion=chance) for chance in (0.0, 1.0))
    count = 0
    for seed in range(16):
        whole, left = (make_street_scene(seed, settings=settings) for settings in (open_, hidden))
        (mask,), (part,) = whole.annotations.masks, left.annotations.masks
        assert whole.attributes.visible_shares == (1.0,) and not (part & ~mask).any()
        share = left.attributes.visible_shares[0]
        assert share == pytest.approx(part.sum().item() / mask.sum().item(), abs=1e-9)
        assert 0.3 <= share <= 1
        count += share < 1
    assert count >= 13  # a few signs find nothing that fits before them


def test_what_hides_a_sign_is_seen_in_the_picture():
    """Pixels that an occluder takes from a mask look different from the sign in the open; the rest looks the same."""
    quiet = replace(PLAIN, size=160, max_signs=1, camera=replace(CAMERAS["reference"], gain=0, blur=0))
    taken, kept = [], []
    for seed in range(12):
        whole, left = (make_street_scene(seed, settings=replace(quiet, occlusion=c)) for c in (0.0, 1.0))
        change = np.abs(whole.image.astype(int) - left.image).mean(axis=2)
        mask, part = whole.annotations.masks[0].numpy(), left.annotations.masks[0].numpy()
        if part.sum() < mask.sum():
            taken.append(change[mask & ~part].mean())
            kept.append(np.median(change[part]))
    assert len(taken) >= 9 and min(taken) > 15 and max(kept) == 0


def test_masks_lie_on_the_painted_signs():
    """Inside the masks of blue signs there is more blue than around them, in red ones more red."""
    for name, more, less in (("ahead", 2, 0), ("crossing", 2, 0), ("stop", 0, 2), ("danger", 0, 2), ("priority", 0, 2)):
        gains = []
        for scene in drawn(replace(PLAIN, classes=(name,)), range(12)):
            assert all(CLASSES[label] == name for label in scene.annotations.labels)
            contrast = torch.from_numpy(scene.image.astype(np.float32))
            contrast = contrast[..., more] - contrast[..., less]  # (H, W)
            for mask in scene.annotations.masks:
                around = torch.nn.functional.max_pool2d(mask[None].float(), 7, 1, 3)[0].bool() & ~mask
                gains.append(float(contrast[mask].mean() - contrast[around].mean()))
        assert len(gains) >= 12 and np.mean(gains) > 10, name


def test_classes_are_drawn_equally_often_and_can_be_weighted():
    """All six classes turn up by default; a name given three times stands about three times as often."""
    settings = replace(PLAIN, size=64, max_signs=1)
    labels = [int(s.annotations.labels[0]) for s in make_street_scenes(90, seed=0, settings=settings)]
    assert min(np.bincount(labels, minlength=6)) >= 6
    skewed = replace(settings, classes=("stop", "stop", "stop", "speed"))
    labels = [int(s.annotations.labels[0]) for s in make_street_scenes(60, seed=0, settings=skewed)]
    assert set(labels) == {0, 1} and 0.62 < labels.count(0) / len(labels) < 0.88


def test_domain_randomisation_widens_the_range_of_looks():
    """With strength, mean colours of scenes spread, and those of signs spread less than those of the streets."""
    spreads = []
    for strength in (0.0, 0.5, 1.0):
        scenes = drawn(replace(PLAIN, randomise=strength), range(16))
        spreads.append(np.mean([np.std([scene.image[..., c].mean() for scene in scenes]) for c in range(3)]))
    assert spreads[0] < spreads[1] < spreads[2]


def test_parts_use_their_own_photographs_and_differ(monkeypatch):
    """A scene of a part asks for the photographs of that part and no others, and its signs stand elsewhere."""
    asked = []
    monkeypatch.setattr(takes, "load_backgrounds", lambda part: asked.append(part) or load_backgrounds(part))
    boxes = []
    for part in PHOTOGRAPHS:
        asked.clear()
        scenes = drawn(replace(PLAIN, part=part), range(4))
        assert set(asked) == {part}
        assert all(s.attributes.photograph in PHOTOGRAPHS[part] and s.attributes.part == part for s in scenes)
        boxes.append([s.annotations.boxes.tolist() for s in scenes])
    assert boxes[0] != boxes[1] != boxes[2] != boxes[0]


def test_empty_streets_work():
    """With max_signs=0 there is an image, no sign, and a caption that says so."""
    scene = make_street_scene(0, settings=replace(PLAIN, max_signs=0))
    assert scene.image.std() > 5 and scene.annotations.masks.shape == (0, 96, 96)
    assert scene.attributes.visible_shares == () and "no traffic sign" in scene.attributes.caption.lower()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": 32}, "`size` to be an integer of 64 or more, but got 32"),
        ({"part": "val"}, "`part` to be one of train, validation, test"),
        ({"max_signs": -1}, "`max_signs` to be an integer of 0 or more"),
        ({"sign_share": (0.01, 0.2)}, r"`sign_share` to be \(least, most\) between 0.025 and 0.5"),
        ({"sign_share": (0.3, 0.2)}, "`sign_share`"),
        ({"sign_share": 0.2}, "`sign_share`"),
        ({"sign_share": (0.1, float("nan"))}, "`sign_share`"),
        ({"classes": ()}, "`classes` to be a tuple of names"),
        ({"classes": ("yield",)}, "`classes` to be one of stop, speed"),
        ({"camera": "nikon"}, "`camera` to be one of reference, phone, dashcam, old_webcam, None, but got 'nikon'"),
        ({"weather": "hail"}, "`weather` to be one of clear, rain, fog, snow, None"),
        ({"time_of_day": "noon"}, "`time_of_day` to be one of day, dusk, night, None"),
        ({"occlusion": 1.5}, "`occlusion` to be a number from 0 to 1, but got 1.5"),
        ({"randomise": "much"}, "`randomise` to be a number from 0 to 1"),
    ],
)
def test_wrong_settings_are_named(change, message):
    """A setting out of range is refused when the settings are made."""
    with pytest.raises(ValueError, match=message):
        SceneSettings(**change)


@pytest.mark.parametrize("seed", [-1, 1.5, "0", None])
def test_wrong_seeds_are_named(seed):
    """A seed that is no whole number of 0 or more is refused."""
    with pytest.raises(ValueError, match="`seed` to be an integer of 0 or more"):
        make_street_scene(seed)
    with pytest.raises(ValueError, match="`seed` to be an integer of 0 or more"):
        make_street_scenes(1, seed=seed)


def signs_said(text):
    """How many signs of each class a caption counts, read back word by word."""
    said = {}
    for name, words in SIGN_NAMES.items():
        found = re.findall(rf"(\w+) {words}(?:s\b|\b)", text.lower().split("; the largest")[0])
        assert len(found) <= 1
        said[name] = NUMBER[found[0]] if found else 0
    return said


def test_captions_are_true(scenes):
    """Read back, a caption gives the number of every class, the weather and the time of day, in five ways to say it."""
    ways = set()
    for scene in scenes:
        for seed in range(8):
            text = caption(scene.annotations, scene.attributes, seed=seed)
            counts = torch.bincount(scene.annotations.labels, minlength=len(CLASSES)).tolist()
            assert signs_said(text) == dict(zip(CLASSES, counts, strict=True)), text
            assert WEATHER_WORDS[scene.attributes.weather] in text.lower()
            assert TIME_WORDS[scene.attributes.time_of_day] in text.lower()
            assert text[0].isupper() and text.endswith(".") and text.count(".") == 1
            ways.add(re.sub("|".join([*WEATHERS, *WEATHER_WORDS.values(), *TIME_WORDS.values()]), "", text)[:6])
        assert scene.attributes.caption in {caption(scene.annotations, scene.attributes, seed=s) for s in range(60)}
    assert len(ways) >= 4


def test_captions_say_where_the_largest_sign_is():
    """Where a caption places a sign, the largest box's middle is on that side."""
    for scene in drawn(replace(PLAIN, max_signs=1), range(10)):
        texts = {caption(scene.annotations, scene.attributes, seed=seed) for seed in range(30)}
        (placed,) = [text for text in texts if re.search(" (on the left|on the right|in the middle)", text)]
        middle = float(scene.annotations.boxes[0, 0] + scene.annotations.boxes[0, 2]) / 2 / 96
        assert ("left" in placed) == (middle < 0.4) and ("right" in placed) == (middle > 0.6)


def test_captions_refuse_labels_that_no_class_has():
    """A label beyond the six classes is named, not guessed."""
    scene = make_street_scene(0, settings=replace(PLAIN, max_signs=1))
    strange = replace(scene.annotations, labels=torch.tensor([6]))
    with pytest.raises(ValueError, match="Expected labels below 6, but got 6"):
        caption(strange, scene.attributes)
    with pytest.raises(ValueError, match="`seed`"):
        caption(scene.annotations, scene.attributes, seed=-1)
