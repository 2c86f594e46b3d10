"""CIFAR-10 as people see it: CIFAR-10N on the training images, CIFAR-10H and reviewed errors on the test images."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np

from course_utils.catalogue.laid_out import found, verify

TRAIN, TEST, ERRORS = "cifar10n_train_human.npz", "cifar10h_test_counts.npz", "cifar10_test_label_errors_mturk.json"
LABEL_SETS = ("clean_label", "aggre_label", "worse_label", "random_label1", "random_label2", "random_label3")
VOTES = ("given", "guessed", "neither", "both")


@dataclasses.dataclass(frozen=True, eq=False)
class ReviewedErrors:
    """Test images of CIFAR-10 whose label a program doubted, each judged by five people.

    Args:
        index: int64 (275,), position in the test set, ascending.
        given: int64 (275,), the published label.
        guessed: int64 (275,), the label that the program proposed.
        votes: int64 (275, 4), how many of the five saw the given class, the guessed one, neither, both.
    """

    index: np.ndarray
    given: np.ndarray
    guessed: np.ndarray
    votes: np.ndarray

    def wrong(self) -> np.ndarray:
        """bool (275,): three or more of the five did not see the given class (they saw the guessed one, or neither,
        or both)."""
        return self.votes[:, 1:].sum(axis=1) >= 3


@dataclasses.dataclass(frozen=True, eq=False)
class Cifar10Human:
    """Labels that people gave to the images of CIFAR-10, in the order of its files.

    Args:
        clean: int64 (50000,), the published training labels.
        aggregate: int64 (50000,), the majority of three annotators; a random one of the three where they disagree.
        worse: int64 (50000,), one of the wrong answers where any of the three was wrong.
        random1, random2, random3: int64 (50000,), the answers of the first, second and third annotator.
        test_counts: int64 (10000, 10), how many of about 50 people chose each class for a test image.
        test_errors: test labels that were doubted and reviewed.
    """

    clean: np.ndarray
    aggregate: np.ndarray
    worse: np.ndarray
    random1: np.ndarray
    random2: np.ndarray
    random3: np.ndarray
    test_counts: np.ndarray
    test_errors: ReviewedErrors


def load_cifar10_human_labels() -> Cifar10Human:
    """Load the human labels of CIFAR-10, once they have been verified.

    Raises:
        FileNotFoundError: if they are not below the data root, saying how to get them.
        ValueError: if the files are not the published ones.

    Reference:
        Wei et al. 2022 (CIFAR-10N, CC BY-NC 4.0); Peterson et al. 2019 (CIFAR-10H, CC BY-NC-SA 4.0); Northcutt et al.
        2021 (reviewed errors, Apache-2.0).
    """
    folder = found("cifar10_human_labels")
    verify("cifar10_human_labels")
    with np.load(folder / TRAIN) as arrays:
        train = [arrays[key].astype(np.int64) for key in LABEL_SETS]
    with np.load(folder / TEST) as arrays:
        counts = arrays["counts"].astype(np.int64)
    return Cifar10Human(*train, counts, _read_errors(folder / ERRORS))


def lay_out(parts: dict[str, Path], folder: Path) -> None:
    """Turn the published files into arrays that can be read without running code from them.

    Args:
        parts: the downloaded files by the names on the card.
        folder: where the three files of the set go.

    Raises:
        ValueError: if a file is not of the form that was published.
    """
    try:
        train = _read_tensors(parts["CIFAR-10_human.pt"])
        counts = np.load(parts["cifar10h-counts.npy"], allow_pickle=False)
        np.savez_compressed(folder / TRAIN, **{key: np.asarray(train[key]).astype(np.uint8) for key in LABEL_SETS})
        np.savez_compressed(folder / TEST, counts=counts.astype(np.uint8))
    except Exception as error:  # a page of HTML in the place of a file, another key, another pickle
        raise ValueError(f"The labels of CIFAR-10N and CIFAR-10H are not in the published form ({error}).") from None
    shutil.copyfile(parts["cifar10_mturk.json"], folder / ERRORS)


def _read_tensors(path: Path) -> dict[str, np.ndarray]:
    """A dict of arrays saved by PyTorch; only the names that arrays need are allowed, so no code of the file runs."""
    import torch

    rebuild = np.zeros(1).__reduce__()[0]  # numpy's _reconstruct; published files use its name before NumPy 2
    allowed = [(rebuild, "numpy.core.multiarray._reconstruct"), rebuild, np.ndarray, np.dtype]
    allowed += [type(np.dtype(kind)) for kind in ("int64", "int32", "uint8", "float64")]
    with torch.serialization.safe_globals(allowed):
        return torch.load(path, weights_only=True)


def _read_errors(path: Path) -> ReviewedErrors:
    rows = sorted(json.loads(path.read_text(encoding="utf-8")), key=lambda row: row["id"])
    columns = ([row[key] for row in rows] for key in ("id", "given_original_label", "our_guessed_label"))
    votes = [[row["mturk"][answer] for answer in VOTES] for row in rows]
    return ReviewedErrors(*(np.array(column, dtype=np.int64) for column in (*columns, votes)))
