"""The blood cells of BCCD as a detector wants them: images with their boxes."""

import numpy as np

from course_utils import annotations
from course_utils.catalogue.downloaded import BCCD_CLASSES, load_bccd
from course_utils.pictures import read_image


def read_bccd(part: str, count: int | None = None) -> list[tuple[np.ndarray, annotations.ImageAnnotations]]:
    """Read images and boxes of BCCD; the two boxes that have no area are dropped, with a warning.

    Args:
        part: "train" (205 images), "validation" (87) or "test" (72), in the published split.
        count: the first so many; None: all.

    Returns:
        Pairs of an image, uint8 (480, 640, 3), and its annotations: classes as in `BCCD_CLASSES`.

    Raises:
        FileNotFoundError: if the set is not below the data root, saying how to get it.
        ValueError: if there is no such part, `count` is below 1, or the files are not the published ones.
    """
    if part not in ("train", "validation", "test"):
        raise ValueError(f"Expected part to be train, validation or test, but got {part!r}. Name one of these.")
    if count is not None and count < 1:
        raise ValueError(f"Expected count of at least 1, or None for all images, but got {count}.")
    paths = getattr(load_bccd(), part)[:count]
    rules = {"pixels": "edges", "clip": True, "drop_empty": True}
    known = annotations.read_voc(paths[0][1].parent, classes=BCCD_CLASSES, **rules).images
    return [(read_image(image), known[image.name]) for image, _ in paths]
