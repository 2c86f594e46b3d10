"""Sentences about scenes that are true, from annotations and attributes."""

from __future__ import annotations

import numpy as np

from course_utils.annotations import ImageAnnotations
from course_utils.synthetic.arguments import check_count
from course_utils.synthetic.settings import SceneAttributes
from course_utils.synthetic.signs import CLASSES

SIGN_NAMES = {
    "stop": "stop sign",
    "speed": "speed limit sign",
    "danger": "danger sign",
    "priority": "priority road sign",
    "crossing": "crossing sign",
    "ahead": "ahead only sign",
}
COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
WEATHER_WORDS = {"clear": "clear", "rain": "rainy", "fog": "foggy", "snow": "snowy"}
TIME_WORDS = {"day": "by day", "dusk": "at dusk", "night": "at night"}
ASIDE = 0.4  # of the width: a sign whose middle is farther left is on the left; likewise right


def caption(annotations: ImageAnnotations, attributes: SceneAttributes, *, seed: int = 0) -> str:
    """One true sentence about a scene: its signs by class and number, the weather, the time, and sometimes where.

    Args:
        annotations: The signs, labels as in `CLASSES`.
        attributes: Weather and time of day are taken from here.
        seed: 0 or more; chooses among the ways to say it.

    Returns:
        A sentence. Every sign is counted, with its name from `SIGN_NAMES`; "no traffic sign" where there is none.

    Raises:
        ValueError: A label that no class has, or a negative seed.

    >>> from course_utils.synthetic import make_street_scene
    >>> scene = make_street_scene(3)
    >>> caption(scene.annotations, scene.attributes).endswith(".")
    True
    """
    check_count("seed", seed, least=0)
    if len(annotations) and annotations.labels.max() >= len(CLASSES):
        raise ValueError(
            f"Expected labels below {len(CLASSES)}, but got {annotations.labels.max().item()}. "
            "Captions know the classes of `synthetic.CLASSES` alone."
        )
    weather, time = WEATHER_WORDS[attributes.weather], TIME_WORDS[attributes.time_of_day]
    signs = _list_signs(annotations)
    templates = [
        f"A {weather} street {time} with {signs}.",
        f"{signs} on a {weather} street {time}.",
        f"The picture shows {signs}; it is a {weather} scene {time}.",
        f"{time}, in {weather} weather: {signs}.",
    ]
    if len(annotations):
        templates.append(f"A {weather} street {time} with {signs}{_largest_sign(annotations)}.")
    text = templates[np.random.default_rng(seed).integers(len(templates))]
    return text[0].upper() + text[1:]


def _list_signs(annotations: ImageAnnotations) -> str:
    counts = np.bincount(annotations.labels.numpy(), minlength=len(CLASSES))
    parts = [_count_words(int(count), SIGN_NAMES[name]) for name, count in zip(CLASSES, counts, strict=True) if count]
    if not parts:
        return "no traffic sign"
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def _count_words(count: int, name: str) -> str:
    number = COUNTS[count] if count < len(COUNTS) else str(count)
    return f"{number} {name}" + ("s" if count > 1 else "")


def _largest_sign(annotations: ImageAnnotations) -> str:
    """Which sign has the largest box, and on which side it is."""
    boxes = annotations.boxes
    largest = int((boxes[:, 2:] - boxes[:, :2]).prod(dim=1).argmax())
    middle = float(boxes[largest, 0] + boxes[largest, 2]) / 2 / annotations.size_hw[1]
    where = "on the left" if middle < ASIDE else "on the right" if middle > 1 - ASIDE else "in the middle"
    name = SIGN_NAMES[CLASSES[annotations.labels[largest]]]
    article = "an" if name[0] in "aeiou" else "a"
    return f" {where}" if len(boxes) == 1 else f"; the largest, {article} {name}, is {where}"
