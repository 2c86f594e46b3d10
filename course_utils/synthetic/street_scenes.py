"""Version 2 of the scenes: cameras, weather, time of day, occlusion, domain randomisation; one seed, one picture."""

from __future__ import annotations

from course_utils.synthetic.arguments import check_count
from course_utils.synthetic.placing import Stage, place_signs
from course_utils.synthetic.settings import Scene, SceneSettings
from course_utils.synthetic.takes import Streams, choose_conditions, finish_scene, make_street

SEEDS_APART = 1_000_003  # between the first scenes of two seeds of `make_street_scenes`
DEFAULT = SceneSettings()


def make_street_scene(seed: int, *, settings: SceneSettings = DEFAULT) -> Scene:
    """Draw one street scene; seed, part and settings decide every pixel.

    The same seed with another camera, weather, time of day or `randomise` shows the same street with the same truth, so
    that only what was changed can make a difference.

    Args:
        seed: 0 or more.
        settings: How the scene is to be.

    Returns:
        Image, annotations and attributes. A mask holds the pixels that a sign covers by half or more and that nothing
        nearer covers by half: masks are disjoint, boxes are tight, poles and occluders belong to no sign. Fog, night
        and glare hide signs from the eye, not from the truth.

    Raises:
        ValueError: A negative seed.

    >>> scene = make_street_scene(0, settings=SceneSettings(size=64, weather="fog"))
    >>> scene.image.shape, scene.attributes.weather, len(scene.annotations) == len(scene.attributes.visible_shares)
    ((64, 64, 3), 'fog', True)
    """
    check_count("seed", seed, least=0)
    streams = Streams(seed, settings.part)
    conditions = choose_conditions(streams, settings)
    street = make_street(streams, settings, conditions.time_of_day)
    stage = Stage(street.view(settings.size), settings.randomise)
    place_signs(streams("signs"), stage, settings)
    return finish_scene(streams, stage, street, conditions)


def make_street_scenes(n: int, *, seed: int, settings: SceneSettings = DEFAULT) -> list[Scene]:
    """Draw n street scenes; scene i depends on (seed, part, settings, i) and not on n.

    Args:
        n: How many, 0 or more, at most 1,000,003.
        seed: 0 or more.
        settings: How each scene is to be.

    Returns:
        n scenes, the i-th being `make_street_scene(1_000_003 * seed + i)`.

    Raises:
        ValueError: An argument is out of its range.

    >>> [len(make_street_scenes(n, seed=0, settings=SceneSettings(size=64))) for n in (0, 2)]
    [0, 2]
    """
    check_count("n", n, least=0)
    check_count("seed", seed, least=0)
    return [make_street_scene(SEEDS_APART * seed + index, settings=settings) for index in range(n)]
