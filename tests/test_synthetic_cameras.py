"""Tests of cameras and their faults: deterministic, told apart by what they store, and blind to the truth."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from course_utils.synthetic import (
    CAMERA_FAULTS,
    CAMERAS,
    Camera,
    SceneSettings,
    add_camera_fault,
    apply_camera,
    make_street_scene,
)

GREY = np.full((96, 96, 3), 128, dtype=np.uint8)
DAY = SceneSettings(size=96, weather="clear", time_of_day="day")


@pytest.fixture(scope="module")
def street():
    """One scene as a flawless camera sees it."""
    return make_street_scene(1, settings=replace(DAY, camera=Camera("flawless", gain=0, blur=0))).image


def noise_of(image):
    """Standard deviation of what neighbouring pixels do not share."""
    laplacian = cv2.filter2D(
        image.astype(np.float32).mean(axis=2), -1, np.float32([[1, -2, 1], [-2, 4, -2], [1, -2, 1]])
    )
    return float(np.median(np.abs(laplacian)) / 6 * 1.48)


def features(scene):
    """What tells cameras apart: log ratios of the mean colours, noise, and light lost in the corners."""
    red, green, blue = scene.image.reshape(-1, 3).mean(axis=0)
    noise = noise_of(scene.image)
    corner = np.mean([scene.image[y, x].mean() for y in (np.s_[:12], np.s_[-12:]) for x in (np.s_[:12], np.s_[-12:])])
    return np.array([np.log(red / green), np.log(blue / green), np.log(noise + 0.3), corner / scene.image.mean()])


def test_at_least_three_cameras_are_named_by_their_keys():
    """Every camera goes by its own name, and no two have the same look."""
    assert len(CAMERAS) >= 3 and all(name == camera.name for name, camera in CAMERAS.items())
    assert len({replace(camera, name="") for camera in CAMERAS.values()}) == len(CAMERAS)


def test_cameras_are_told_apart_by_colour_and_noise():
    """Centres of four numbers from ten scenes of each camera name the camera of at least 85 % of other scenes."""
    seen = {
        name: np.array([features(make_street_scene(s, settings=replace(DAY, camera=name))) for s in range(20)])
        for name in CAMERAS
    }
    spread = np.concatenate([values[:10] - values[:10].mean(axis=0) for values in seen.values()]).std(axis=0)
    centres = np.array([values[:10].mean(axis=0) for values in seen.values()]) / spread
    right = [
        np.linalg.norm(centres - values / spread, axis=1).argmin() == number
        for number, of_camera in enumerate(seen.values())
        for values in of_camera[10:]
    ]
    assert np.mean(right) >= 0.85


def test_apply_camera_is_deterministic_and_leaves_its_input():
    """Same image, camera and seed give the same bytes; another seed other noise; the input stays."""
    image = GREY.copy()
    one, same, other = (apply_camera(image, CAMERAS["dashcam"], seed=seed) for seed in (3, 3, 4))
    assert np.array_equal(one, same) and not np.array_equal(one, other) and np.array_equal(image, GREY)


def test_camera_that_does_nothing_changes_nothing(street):
    """Without noise, blur, vignetting, sharpening or JPEG the pixels come through as they were."""
    assert np.array_equal(apply_camera(street, Camera("flawless", gain=0, blur=0), seed=0), street)


def test_white_balance_exposure_and_gamma_do_what_their_formulas_say():
    """Even grey of 128 becomes 255 · (128/255 · exposure · factor) ** gamma in every channel."""
    camera = Camera("odd", (1.2, 1.0, 0.5), exposure=0.8, gamma=1.5, gain=0, blur=0)
    expected = np.round(255 * (128 / 255 * 0.8 * np.array([1.2, 1.0, 0.5])) ** 1.5)
    assert np.abs(apply_camera(GREY, camera, seed=0).astype(int) - expected).max() <= 1


def test_each_setting_leaves_its_mark(street):
    """Gain adds noise, blur and coarse sensors take detail, sharpening adds it, corners darken, JPEG changes bytes."""
    flawless = Camera("flawless", gain=0, blur=0)

    def taken(image=street, **change):
        return apply_camera(image, replace(flawless, **change), seed=0).astype(float)

    def detail(image):
        return np.abs(np.diff(image, axis=1)).mean()

    assert taken(GREY, gain=1.0).std() < taken(GREY, gain=4.0).std() < taken(GREY, gain=16.0).std()
    assert (
        detail(taken(blur=2.0)) < detail(taken(blur=0.7)) < detail(street.astype(float)) < detail(taken(sharpening=1.0))
    )
    assert detail(taken(resolution=0.4)) < 0.8 * detail(street.astype(float))
    dark = taken(GREY, vignetting=0.5)
    assert dark[0, 0, 0] == pytest.approx(64, abs=2) and dark[48, 48, 0] >= 127
    assert 0 < np.abs(taken(jpeg_quality=90) - street).mean() < np.abs(taken(jpeg_quality=10) - street).mean()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gain": -1}, "`gain` to be from 0 to 50, but got -1"),
        ({"blur": "much"}, "`blur` to be from 0 to 10"),
        ({"vignetting": 1.2}, "`vignetting` to be from 0 to 1"),
        ({"resolution": 0}, "`resolution` to be from 0.1 to 1"),
        ({"jpeg_quality": 0}, "`jpeg_quality` to be from 1 to 100"),
        ({"exposure": float("nan")}, "`exposure`"),
        ({"white_balance": (1, 1)}, "`white_balance` to be three factors"),
        ({"white_balance": (1, 0, 1)}, "`white_balance` to be three factors"),
    ],
)
def test_impossible_cameras_are_refused(change, message):
    """A field out of range is named when the camera is made."""
    with pytest.raises(ValueError, match=message):
        Camera("odd", **change)


@pytest.mark.parametrize(
    "image",
    [GREY.astype(np.float32), GREY[..., 0], np.zeros((0, 4, 3), np.uint8), np.zeros((4, 4, 4), np.uint8), None],
)
def test_apply_camera_refuses_what_is_no_rgb_image(image):
    """Floats, grey images, empty images and four channels are refused with what was expected."""
    with pytest.raises(ValueError, match=r"Expected `image` to be a uint8 array \(H, W, 3\), but got"):
        apply_camera(image, CAMERAS["phone"], seed=0)


@pytest.mark.parametrize("fault", CAMERA_FAULTS)
def test_faults_change_the_image_the_more_the_more_severe(fault, street):
    """Severity 0 is a copy; from there the image strays further and further, for three failing cameras."""
    for seed in range(3):
        steps = [add_camera_fault(street, fault, severity=s, seed=seed).astype(float) for s in (0, 0.25, 0.5, 1)]
        assert np.array_equal(steps[0], street) and all(step.shape == street.shape for step in steps)
        far = [np.abs(step - street).mean() for step in steps]
        assert far[0] == 0 < far[1] < far[2] < far[3] and far[3] > 5


@pytest.mark.parametrize("fault", CAMERA_FAULTS)
def test_faults_work_on_grey_images_and_are_deterministic(fault):
    """Grey (H, W) images of any shape stay grey; the same seed does the same; the input stays."""
    image = np.random.default_rng(0).integers(0, 256, (40, 70), dtype=np.uint8)
    before = image.copy()
    one, same = (add_camera_fault(image, fault, severity=0.7, seed=2) for _ in range(2))
    assert one.shape == (40, 70) and one.dtype == np.uint8 and np.array_equal(one, same)
    assert np.array_equal(image, before) and not np.array_equal(one, image)


def test_dirt_and_dead_lines_stay_where_they_are():
    """In two different frames, one camera's dirt and dead lines lie on the same pixels."""
    for fault in ("dirt", "dead_lines"):
        spots = [
            add_camera_fault(np.full((64, 64, 3), light, np.uint8), fault, severity=0.5, seed=7) != light
            for light in (200, 240)
        ]
        assert (spots[0] & spots[1]).sum() > 0.9 * (spots[0] | spots[1]).sum() > 0


def test_faults_are_what_they_claim(street):
    """Defocus takes detail, dead lines are whole, exposure goes up or down, colour shifts, breath takes contrast."""

    def failed(fault, seed=0):
        return add_camera_fault(street, fault, severity=0.8, seed=seed).astype(float)

    detail = np.abs(np.diff(street.astype(float), axis=1)).mean()
    assert np.abs(np.diff(failed("defocus"), axis=1)).mean() < 0.6 * detail
    dead = np.isin(failed("dead_lines"), (0, 255)).all(axis=2)
    assert dead.all(axis=1).sum() >= 10 and dead.all(axis=0).sum() >= 10
    light = [failed("stuck_exposure", seed).mean() / street.mean() for seed in range(8)]
    assert min(light) < 0.3 and max(light) > 1.5 and not any(0.5 < ratio < 1.3 for ratio in light)
    ratio = failed("colour_shift").mean(axis=(0, 1)) / street.mean(axis=(0, 1))
    assert ratio.max() / ratio.min() > 2
    assert failed("condensation").std() < 0.7 * street.std()
    assert failed("dirt").mean() < 0.95 * street.mean()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fault": "broken"}, "`fault` to be one of dirt, defocus, stuck_exposure"),
        ({"severity": 2}, "`severity` to be a number from 0 to 1, but got 2"),
        ({"severity": float("nan")}, "`severity`"),
        ({"seed": -1}, "`seed` to be an integer of 0 or more"),
        ({"image": GREY / 255}, r"`image` to be a uint8 array \(H, W, 3\) or \(H, W\), but got float64"),
    ],
)
def test_wrong_faults_are_named(change, message):
    """An argument out of range is refused."""
    arguments = {"image": GREY, "fault": "dirt", "severity": 0.5, "seed": 0} | change
    with pytest.raises(ValueError, match=message):
        add_camera_fault(arguments.pop("image"), arguments.pop("fault"), **arguments)
