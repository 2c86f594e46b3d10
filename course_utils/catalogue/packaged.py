"""Sets that come with installed packages: elpv, photographs, faces, digits."""

import dataclasses
import hashlib
import importlib.util
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from course_utils import files, runtime
from course_utils.catalogue.dataset_card import DatasetCard, card

DEFECTIVE_FROM = 0.5  # elpv: a cell counts as defective from this probability on


@dataclasses.dataclass(frozen=True, eq=False)
class Elpv:
    """The solar cells of elpv, photographed by the light that they emit under current (electroluminescence).

    Args:
        images: uint8 (2624, 300, 300), 0 … 255; cracks and inactive areas are dark.
        probability: float32 (2624,), the annotators' probability of a defect: 0, 1/3, 2/3 or 1.
        defective: bool (2624,), probability of at least 0.5.
        module_type: str (2624,), ``"mono"`` or ``"poly"`` crystalline.
    """

    images: np.ndarray
    probability: np.ndarray
    defective: np.ndarray
    module_type: np.ndarray


def load_elpv() -> Elpv:
    """Load the 2,624 solar cells of elpv.

    Decoding takes seconds, so the first call keeps the decoded images (236 MB) below the data root, once their SHA-256
    is right; later calls map that file into memory and read only the images that are looked at. What a caller writes
    into the arrays stays with the caller. Where the data root cannot be written, every call decodes.

    Returns:
        The images with probabilities, labels and module types.

    Raises:
        ValueError: if the installed package holds other data than the card says.

    Reference:
        Buerhop-Lutz et al. 2018; Deitsch et al. 2019; Deitsch et al. 2021. CC BY-NC-SA 4.0.
    """
    images = _elpv_images()
    probability, module_type = load_elpv_labels()
    return Elpv(images, probability, probability >= DEFECTIVE_FROM, module_type)


def load_elpv_labels() -> tuple[np.ndarray, np.ndarray]:
    """Load probabilities and module types alone, as in `Elpv`, without decoding an image.

    >>> probability, module_type = load_elpv_labels()
    >>> len(probability), int((probability >= 0.5).sum()), int((module_type == "mono").sum())
    (2624, 821, 1074)
    """
    table = np.loadtxt(_package_folder("elpv_dataset") / "data" / "labels.csv", dtype=str, usecols=(1, 2))
    return table[:, 0].astype(np.float64).astype(np.float32), table[:, 1].astype("<U4")


def load_photos(*names: str) -> dict[str, np.ndarray]:
    """Load photographs that come with scikit-image.

    Args:
        names: keys of ``card("photos").pictures``, e.g. ``"chelsea"``; none: all of them.

    Returns:
        The photographs by name: uint8 (H, W, 3), RGB; grey ones have three equal channels.

    Raises:
        ValueError: if there is no photograph of a name.

    >>> {name: photo.shape for name, photo in load_photos("chelsea", "camera").items()}
    {'chelsea': (300, 451, 3), 'camera': (512, 512, 3)}
    """
    known = card("photos").pictures
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"Expected names of photographs, but got {unknown}. There are {', '.join(known)}.")
    photos = {}
    for name in names or known:
        with Image.open(_package_folder("skimage") / "data" / known[name].file) as photo:
            photos[name] = np.array(photo.convert("RGB"))
    return photos


def load_faces() -> tuple[np.ndarray, np.ndarray]:
    """Load 100 small faces and 100 pieces of background from press photographs. See the card for consent.

    Returns:
        Images float32 (200, 25, 25), grey, 0 … 1, and labels int64 (200,): 1 face, 0 background.

    >>> images, labels = load_faces()
    >>> images.shape, int(labels.sum())
    ((200, 25, 25), 100)
    """
    images = np.load(_package_folder("skimage") / "data" / "lfw_subset.npy")
    return images.astype(np.float32), np.repeat([1, 0], 100).astype(np.int64)


def load_digits() -> tuple[np.ndarray, np.ndarray]:
    """Load 1,797 handwritten digits.

    Returns:
        Images uint8 (1797, 8, 8), ink in steps from 0 to 16 (not 255), and labels int64 (1797,), 0 … 9.

    >>> images, labels = load_digits()
    >>> images.shape, int(images.max()), labels[:4].tolist()
    ((1797, 8, 8), 16, [0, 1, 2, 3])
    """
    # The file that sklearn.datasets.load_digits reads; importing scikit-learn takes seconds.
    path = _package_folder("sklearn") / "datasets" / "data" / "digits.csv.gz"
    table = np.loadtxt(path, delimiter=",", dtype=np.int64)
    return table[:, :-1].astype(np.uint8).reshape(-1, 8, 8), table[:, -1].copy()  # (N, 64) -> (N, 8, 8)


def _package_folder(module: str) -> Path:
    spec = importlib.util.find_spec(module)
    if spec is None:
        raise ModuleNotFoundError(f"Expected the package of `{module}` to be installed, but it is not. Run `make lab`.")
    return Path(spec.origin).parent


def _elpv_arrays() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    from elpv_dataset.utils import load_dataset

    images, probability, module_type = load_dataset()
    return images, np.ascontiguousarray(probability), module_type  # the package returns a strided view


def _elpv_images() -> np.ndarray:
    entry = card("elpv")
    kept = runtime.data_root() / "elpv" / f"images-{entry.sha256[:8]}.npy"
    if not kept.exists():
        images, *labels = _elpv_arrays()
        check_content(entry, [images, *labels])
        try:
            with files.replacing(kept) as temporary:
                np.save(temporary, images)
        except OSError:  # a full or read-only disk costs time, no more
            return images
    return np.asarray(np.load(kept, mmap_mode="c"))  # copy on write: the file stays as it is


def package_content(entry: DatasetCard) -> Iterable[np.ndarray | bytes]:
    """What the SHA-256 of an installed set runs over: arrays (images, then labels), or the bytes of the photographs."""
    if entry.name == "elpv":
        return _elpv_arrays()
    if entry.name == "photos":
        folder = _package_folder("skimage") / "data"
        return ((folder / picture.file).read_bytes() for picture in entry.pictures.values())
    return {"faces": load_faces, "digits": load_digits}[entry.name]()


def check_content(entry: DatasetCard, pieces: Iterable[np.ndarray | bytes]) -> None:
    """Raise `ValueError` unless the content of an installed set has the SHA-256 of its card."""
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    if digest.hexdigest() != entry.sha256:
        raise ValueError(
            f"Expected {entry.title} to have SHA-256 {entry.sha256}, but got {digest.hexdigest()} from the installed "
            f"`{entry.module}`. Install the version of requirements.lock again."
        )
