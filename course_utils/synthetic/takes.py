"""From a seed to a picture with its truth: what single scenes and the frames of a drive have in common."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import torch

from course_utils.annotations import ImageAnnotations
from course_utils.synthetic.backgrounds import PHOTOGRAPHS, crop_photo, load_backgrounds
from course_utils.synthetic.cameras import CAMERAS, Camera, take_picture
from course_utils.synthetic.captions import caption
from course_utils.synthetic.layers import paint_layer
from course_utils.synthetic.light import add_headlights, paint_sky, shine
from course_utils.synthetic.palette import Palette, add_texture, make_palette
from course_utils.synthetic.placing import Stage
from course_utils.synthetic.settings import TIMES_OF_DAY, WEATHERS, Scene, SceneAttributes, SceneSettings
from course_utils.synthetic.town import Car, House, View, make_cars, make_houses
from course_utils.synthetic.townscape import draw_townscape
from course_utils.synthetic.weather import add_weather, prepare_ground, wet_reflection

VERSION = 2  # part of every stream, so that no scene repeats one of version 1
PURPOSES = (
    *("choice", "clock", "street", "cars", "signs", "look"),
    *("texture", "ground", "shake", "fall", "camera", "words"),
)
HOURS = {"day": (9, 16), "dusk": (18, 19), "night": (21, 27)}  # o'clock between which a picture is taken
FIRST_DAY, DAYS = datetime(2026, 3, 1), 60  # pictures are taken on one of so many days
NIGHT_GAIN = {"day": 1.0, "dusk": 1.5, "night": 1.7}  # cameras amplify in the dark, and with the light the noise
SHAKE = 0.003  # of the side: how far the horizon moves from frame to frame, standard deviation


@dataclass(frozen=True)
class Streams:
    """Random numbers by purpose: what one purpose takes moves no other, so that a setting changes one thing alone."""

    seed: int
    part: str
    drive: bool = False
    frame: int = 0

    def __call__(self, purpose: str, *, still: bool = False) -> np.random.Generator:
        """A fresh generator; `still` gives every frame of a drive the same."""
        part, frame = list(PHOTOGRAPHS).index(self.part), 0 if still else self.frame
        return np.random.default_rng([VERSION, int(self.seed), part, int(self.drive), PURPOSES.index(purpose), frame])


@dataclass(frozen=True)
class Conditions:
    """What the seed, or the settings, chose for a scene or a drive; `density` is that of rain, fog or snow, 0 to 1."""

    camera: Camera
    weather: str
    time_of_day: str
    density: float
    began: datetime


@dataclass(frozen=True)
class Street:
    """What stays the same while a camera drives along a street; horizon and vanishing point as shares of the side."""

    photo: np.ndarray
    photograph: str
    horizon: float
    vanishing: float
    houses: list[House]
    cars: list[Car]
    palette: Palette

    def view(self, size: int, travelled: float = 0.0, shake: float = 0.0) -> View:
        """How a camera sees it that has come `travelled` metres along the road."""
        return View(size, size * (self.horizon + shake), size * self.vanishing, travelled)


def choose_conditions(streams: Streams, settings: SceneSettings) -> Conditions:
    """Camera, weather, time of day and date; the settings come first, then the seed."""
    rng, clock = streams("choice", still=True), streams("clock", still=True)
    names = [list(choices)[rng.integers(len(choices))] for choices in (CAMERAS, WEATHERS, TIMES_OF_DAY)]
    camera = names[0] if settings.camera is None else settings.camera
    weather, time_of_day = settings.weather or names[1], settings.time_of_day or names[2]
    day, hour = int(clock.integers(DAYS)), clock.uniform(*HOURS[time_of_day])
    began = FIRST_DAY + timedelta(days=day, seconds=int(3600 * hour))
    return Conditions(CAMERAS[camera] if isinstance(camera, str) else camera, weather, time_of_day, rng.random(), began)


def make_street(streams: Streams, settings: SceneSettings, time_of_day: str, length: float = 0.0) -> Street:
    """Photograph, houses, cars and colours of `length` metres of street."""
    rng = streams("street", still=True)
    photos = load_backgrounds(streams.part)
    photograph = list(photos)[rng.integers(len(photos))]
    photo = np.asarray(crop_photo(rng, photos[photograph], settings.size), dtype=np.float32) / 255
    horizon, vanishing = rng.uniform(0.48, 0.62), rng.uniform(0.3, 0.7)
    cars = make_cars(streams("cars", still=True), length) if time_of_day != "day" else []
    palette = make_palette(streams("look", still=True), settings.randomise)
    return Street(photo, photograph, horizon, vanishing, make_houses(rng, length), cars, palette)


def finish_scene(
    streams: Streams,
    stage: Stage,
    street: Street,
    conditions: Conditions,
    seconds: float | None = None,
) -> Scene:
    """Light the stage, take the picture, and write down what is true; `seconds` since a drive began."""
    seen = stage.signs[::-1]  # far signs first
    size = stage.view.size
    masks = torch.from_numpy(np.array([sign.mask for sign in seen], dtype=bool).reshape(-1, size, size))  # (N, H, W)
    annotations = ImageAnnotations.from_masks(masks, torch.tensor([sign.label for sign in seen], dtype=torch.int64))
    attributes = SceneAttributes(
        seed=int(streams.seed),
        part=streams.part,
        photograph=street.photograph,
        camera=conditions.camera.name,
        weather=conditions.weather,
        time_of_day=conditions.time_of_day,
        randomise=float(stage.strength),
        taken_at=conditions.began + timedelta(seconds=seconds or 0.0),
        visible_shares=tuple(sign.share for sign in seen),
        drive=f"{streams.part}-{streams.seed}" if streams.drive else None,
        frame=streams.frame - 1 if streams.drive else None,
    )
    words = caption(annotations, attributes, seed=int(streams("words").integers(1 << 31)))
    image = _take(streams, stage, street, conditions, seconds or 0.0)
    return Scene(image, annotations, replace(attributes, caption=words))


def _take(streams: Streams, stage: Stage, street: Street, conditions: Conditions, seconds: float) -> np.ndarray:
    """The picture, uint8 (H, W, 3): paint, then light, then weather, then the camera."""
    view, weather, time_of_day = stage.view, conditions.weather, conditions.time_of_day
    canvas = draw_townscape(view, street.photo, street.houses, street.palette)
    paint_sky(canvas, view, time_of_day, weather, street.palette)
    canvas.paint = add_texture(streams("texture", still=True), canvas.paint, stage.strength)
    prepare_ground(streams("ground", still=True), canvas, view, weather)
    for layer in reversed(stage.layers):  # from far to near
        paint_layer(canvas, layer)
    light = shine(canvas, time_of_day, view, street.palette)
    if weather == "rain":
        light = wet_reflection(light, canvas, view)
    light = add_weather(streams("fall"), light, canvas, view, (weather, time_of_day, conditions.density))
    light = add_headlights(light, view, street.cars, seconds, canvas.depth)
    camera = conditions.camera
    camera = replace(camera, gain=min(camera.gain * NIGHT_GAIN[time_of_day], 50))
    return take_picture(streams("camera"), light, camera)
