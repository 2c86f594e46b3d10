"""Real benchmark sets that are downloaded once: CIFAR-10, blood cells, streets."""

import dataclasses
from pathlib import Path

import numpy as np

from course_utils.catalogue.laid_out import found, verify

BCCD_CLASSES = ("RBC", "WBC", "Platelets")
CAMVID_CLASSES = (
    *("sky", "building", "pole", "road", "pavement", "tree"),
    *("sign", "fence", "car", "pedestrian", "bicyclist"),
)
CAMVID_UNLABELLED = 11  # value of label pixels that count for nothing
_PARTS = {"train": "train", "validation": "val", "test": "test"}  # our names, the sets' names


@dataclasses.dataclass(frozen=True, eq=False)
class Cifar10:
    """CIFAR-10 in the order of its files.

    Args:
        train_images: uint8 (50000, 32, 32, 3), RGB.
        train_labels: int64 (50000,), 0 … 9.
        test_images: uint8 (10000, 32, 32, 3), RGB.
        test_labels: int64 (10000,), 0 … 9.
        classes: the ten names.
    """

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    classes: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class AnnotatedFiles:
    """Image files with their annotation files, in the split that the makers published.

    Args:
        folder: where the set lies.
        train, validation, test: pairs (image, annotation) of paths, sorted as the split lists them.
    """

    folder: Path
    train: tuple[tuple[Path, Path], ...]
    validation: tuple[tuple[Path, Path], ...]
    test: tuple[tuple[Path, Path], ...]


def load_cifar10() -> Cifar10:
    """Load CIFAR-10 into memory (184 MB), once its files have been verified.

    Raises:
        FileNotFoundError: if it is not below the data root, saying how to get it.
        ValueError: if the files are not the published ones: they are pickles, which run code, so none is opened.

    Reference:
        Krizhevsky 2009.
    """
    folder = found("cifar10")
    verify("cifar10")
    from torchvision.datasets import CIFAR10

    train, test = (CIFAR10(folder.parent, train=part, download=False) for part in (True, False))
    labels = [np.array(part.targets, dtype=np.int64) for part in (train, test)]
    return Cifar10(train.data, labels[0], test.data, labels[1], tuple(train.classes))


def load_bccd() -> AnnotatedFiles:
    """List the 364 blood-cell images of BCCD with their Pascal VOC files, in the published split 205/87/72.

    Two boxes have no area (BloodImage_00338 and BloodImage_00343); `annotations.read_voc` refuses or drops them.

    Raises:
        FileNotFoundError: if the set is not below the data root, saying how to get it.
        ValueError: if the files are not the published ones.

    Reference:
        Shenggan, BCCD Dataset, MIT licence.
    """
    folder = found("bccd") / "BCCD"
    verify("bccd")

    def pairs(part: str) -> tuple[tuple[Path, Path], ...]:
        names = (folder / "ImageSets" / "Main" / f"{part}.txt").read_text(encoding="utf-8").split()
        return tuple((folder / "JPEGImages" / f"{n}.jpg", folder / "Annotations" / f"{n}.xml") for n in names)

    return AnnotatedFiles(folder, **{ours: pairs(theirs) for ours, theirs in _PARTS.items()})


def load_camvid() -> AnnotatedFiles:
    """List the 701 street images of CamVid (480 × 360) with their label images, in the published split 367/101/233.

    A label image holds a class index a pixel, see `CAMVID_CLASSES`, or `CAMVID_UNLABELLED`. The labels are verified by
    hash and the images by number: they may have been saved in another format.

    Raises:
        FileNotFoundError: if the set is not below the data root, saying how to get it.
        ValueError: if a label is not the published one, or an image has no label.

    Reference:
        Brostow et al. 2009; Badrinarayanan et al. 2017. CC BY-NC 4.0.
    """
    folder = found("camvid")
    verify("camvid")

    def pairs(part: str) -> tuple[tuple[Path, Path], ...]:
        images = sorted(path for path in (folder / part).iterdir() if not path.name.startswith("."))
        labels = [folder / f"{part}annot" / f"{image.stem}.png" for image in images]
        lonely = [image.name for image, label in zip(images, labels, strict=True) if not label.is_file()]
        if lonely:
            raise ValueError(f"Expected a label for each image of {folder / part}, but got none for {lonely[:3]}.")
        return tuple(zip(images, labels, strict=True))

    return AnnotatedFiles(folder, **{ours: pairs(theirs) for ours, theirs in _PARTS.items()})
