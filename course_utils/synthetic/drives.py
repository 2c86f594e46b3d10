"""Drives: the frames of one camera that moves down one street, nearly alike from one to the next."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from course_utils.synthetic.arguments import check_count, check_range
from course_utils.synthetic.placing import Stage, make_occluder, show_signs
from course_utils.synthetic.settings import Scene, SceneSettings
from course_utils.synthetic.signs import CLASSES
from course_utils.synthetic.takes import SHAKE, Streams, Street, choose_conditions, finish_scene, make_street
from course_utils.synthetic.town import FOCAL, Occluder, Sign, make_sign

SPEED = 5.0  # metres a second of our car
SIGN_EVERY = (12.0, 33.0)  # metres between the signs of a drive, over `max_signs`
ASIDE, UP = (1.25, 2.2), (0.1, 0.9)  # metres: signs from the middle of the road, their middles above the eye
SIDE = 1.0  # metres: of the signs of a drive
LOOK_FROM = 7.0  # metres: from here a branch hides what it is meant to hide of a sign
DRIVE = SceneSettings(sign_share=(0.05, 0.35))


def make_drive(
    n_frames: int, *, seed: int, settings: SceneSettings = DRIVE, frames_per_second: float = 25.0
) -> list[Scene]:
    """Draw what a camera sees that drives down one street: neighbouring frames nearly alike, signs that grow and leave.

    Args:
        n_frames: How many, 0 or more; frame i does not depend on it.
        seed: 0 or more; another seed is another street.
        settings: How the frames are to be; a sign comes into view at the lower end of `sign_share` and leaves at the
            upper. A drive has branches before its signs and no lorries. A sign of which less than 30 % would show is
            not drawn.
        frames_per_second: Of the camera, 0.1 to 240; the car makes 5 metres a second, so that at 1 it sees another
            street in every frame, and at 25 nearly the same.

    Returns:
        Scenes whose attributes name drive, frame and time.

    Raises:
        ValueError: An argument is out of its range.

    >>> drive = make_drive(3, seed=0)
    >>> [scene.attributes.frame for scene in drive], {scene.attributes.drive for scene in drive}
    ([0, 1, 2], {'train-0'})
    """
    check_count("n_frames", n_frames, least=0)
    check_count("seed", seed, least=0)
    check_range("frames_per_second", frames_per_second, 0.1, 240)
    streams = Streams(seed, settings.part, drive=True)
    conditions = choose_conditions(streams, settings)
    length = SPEED * n_frames / frames_per_second
    street = make_street(streams, settings, conditions.time_of_day, length)
    signs = _line_up_signs(streams("signs"), settings, length)
    frames = []
    for frame in range(n_frames):
        now, seconds = replace(streams, frame=frame + 1), frame / frames_per_second
        stage = _set_stage(now, street, settings, SPEED * seconds)
        show_signs(stage, signs, settings.sign_share)
        frames.append(finish_scene(now, stage, street, conditions, seconds))
    return frames


def _set_stage(streams: Streams, street: Street, settings: SceneSettings, travelled: float) -> Stage:
    shake = float(streams("shake").normal(0, SHAKE))
    return Stage(street.view(settings.size, travelled, shake), settings.randomise)


def _line_up_signs(
    rng: np.random.Generator, settings: SceneSettings, length: float
) -> list[tuple[Sign, Occluder | None]]:
    """Signs along the street, near to far, each with what hangs before it."""
    signs, z = [], FOCAL * SIDE / settings.sign_share[1]
    while settings.max_signs:
        z += rng.uniform(*SIGN_EVERY) / settings.max_signs
        if z > length + FOCAL * SIDE / settings.sign_share[0]:
            break
        label = CLASSES.index(settings.classes[rng.integers(len(settings.classes))])
        sign = make_sign(rng, label, (rng.choice((-1, 1)) * rng.uniform(*ASIDE), rng.uniform(*UP), z), SIDE)
        before = make_occluder(rng, sign, LOOK_FROM, narrow=False)
        signs.append((sign, before if rng.random() < settings.occlusion else None))
    return signs
