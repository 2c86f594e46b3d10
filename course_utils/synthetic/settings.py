"""What is asked of a street scene, and what comes back: settings, scene, attributes; frozen and checked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from course_utils.annotations import ImageAnnotations
from course_utils.synthetic.arguments import check_choice, check_scene, check_share
from course_utils.synthetic.cameras import CAMERAS, Camera
from course_utils.synthetic.signs import CLASSES

WEATHERS = ("clear", "rain", "fog", "snow")
TIMES_OF_DAY = ("day", "dusk", "night")
SMALLEST_SIGN = 4  # pixels; a smaller sign is a speck without a form
LARGEST_SHARE = 0.5  # of the scene's side; a larger sign leaves no room for the street


@dataclass(frozen=True)
class SceneSettings:
    """How a street scene is to be; where a field is None, the seed decides.

    Args:
        size: Side of the square scene, pixels, 64 or more.
        part: "train", "validation" or "test": which photographs stand behind the street.
        max_signs: 1 to this many signs are tried in a scene; 0 gives an empty street.
        sign_share: Smallest and largest sign side, as share of the scene's side; 4 pixels or more, 0.5 or less.
        classes: Which signs stand there, names from `CLASSES`, drawn equally often; a name given twice, twice as often.
        camera: A name from `CAMERAS`, or a `Camera`.
        weather: One of `WEATHERS`.
        time_of_day: One of `TIMES_OF_DAY`.
        occlusion: Chance that something stands in front of a sign (a parked lorry, a branch), 0 to 1.
        randomise: Strength of domain randomisation, 0 (a plausible town) to 1 (any colours, textures, light, wear).

    Raises:
        ValueError: A field is out of its range.

    >>> SceneSettings(weather="fog", sign_share=(0.05, 0.1)).size
    160
    """

    size: int = 160
    part: str = "train"
    max_signs: int = 3
    sign_share: tuple[float, float] = (0.10, 0.35)
    classes: tuple[str, ...] = CLASSES
    camera: str | Camera | None = None
    weather: str | None = None
    time_of_day: str | None = None
    occlusion: float = 0.0
    randomise: float = 0.0

    def __post_init__(self) -> None:
        check_scene(0, self.size, self.part, self.max_signs)
        self._check_sign_share()
        self._check_classes()
        if not isinstance(self.camera, Camera):
            check_choice("camera", self.camera, (*CAMERAS, None))
        check_choice("weather", self.weather, (*WEATHERS, None))
        check_choice("time_of_day", self.time_of_day, (*TIMES_OF_DAY, None))
        check_share("occlusion", self.occlusion)
        check_share("randomise", self.randomise)

    def _check_sign_share(self) -> None:
        pair = self.sign_share
        fits = isinstance(pair, tuple) and len(pair) == 2 and all(isinstance(end, (int, float)) for end in pair)
        least = SMALLEST_SIGN / self.size
        if not fits or not least <= pair[0] <= pair[1] <= LARGEST_SHARE:
            raise ValueError(
                f"Expected `sign_share` to be (least, most) between {least:.3g} and {LARGEST_SHARE}, but got {pair!r}. "
                f"Signs need {SMALLEST_SIGN} pixels, and this scene has {self.size}."
            )

    def _check_classes(self) -> None:
        if not isinstance(self.classes, tuple) or not self.classes:
            raise ValueError(
                f"Expected `classes` to be a tuple of names, but got {self.classes!r}. "
                "For a street without signs set `max_signs=0`."
            )
        for name in self.classes:
            check_choice("classes", name, CLASSES)


@dataclass(frozen=True)
class SceneAttributes:
    """What is true of a scene beside its signs.

    Args:
        seed: Of the scene, or of the drive that it is a frame of.
        part: "train", "validation" or "test".
        photograph: Name in `skimage.data` of what stands behind the street.
        camera: Name of the camera that took it.
        weather: One of `WEATHERS`.
        time_of_day: One of `TIMES_OF_DAY`.
        randomise: Strength of domain randomisation, 0 to 1.
        taken_at: When, on a clock that agrees with the time of day.
        visible_shares: For each sign, in the order of the annotations: the pixels of its mask over those of the whole
            sign, had nothing covered it and the picture not ended.
        drive: Name of the drive; None for a single scene.
        frame: Number in the drive from 0; None for a single scene.
        caption: One true sentence about the scene.
    """

    seed: int
    part: str
    photograph: str
    camera: str
    weather: str
    time_of_day: str
    randomise: float
    taken_at: datetime
    visible_shares: tuple[float, ...]
    drive: str | None = None
    frame: int | None = None
    caption: str = ""


@dataclass(frozen=True, eq=False)
class Scene:
    """A street scene: image uint8 (H, W, 3) RGB, the annotations of its signs (far ones first), and its attributes."""

    image: np.ndarray
    annotations: ImageAnnotations
    attributes: SceneAttributes
