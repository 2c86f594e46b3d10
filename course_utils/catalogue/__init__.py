"""The data sets of the course: a card for each, access to the images, verified download.

A card says what a set is, who may use it for what, what is wrong with it, and who is in the pictures. The cards stand
in `data/catalogue.yml`. Most sets come with an installed package or are drawn by us, so that the course needs no
network; the others are downloaded once, checked against their SHA-256, and kept below the data root (`COURSE_DATA`).
"""

import dataclasses
import functools
import hashlib
import importlib.util
import shutil
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

from course_utils import files, runtime

CATALOGUE_YML = files.REPO / "data" / "catalogue.yml"
DEFECTIVE_FROM = 0.5  # elpv: a cell counts as defective from this probability on
_PROGRESS_FROM_MB = 5  # a download as large as this shows a progress bar
_TIMEOUT = 30  # seconds without an answer until the network counts as missing


@dataclasses.dataclass(frozen=True)
class Picture:
    """One photograph of a set whose pictures have origins of their own; `file` is its name in the package."""

    title: str
    file: str
    licence: str
    source: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class DatasetCard:
    """What to know of a data set before using it.

    Args:
        name: short name, e.g. ``"elpv"``; the key of the catalogue.
        title: full name.
        description: what the examples are.
        kind: ``"real"`` (taken by a camera or scanner) or ``"generated"`` (drawn by a program).
        access: ``"package"`` (comes with an installed package), ``"generated"`` or ``"download"``.
        examples: number of examples; None where a generator makes as many as wanted.
        size_mb: megabytes to download or, for a package, on disk.
        licence: name of the licence, or what is known where there is none.
        licence_url: where its text is; empty if there is none.
        non_commercial: True if pictures, checkpoints and pages made from the set must not be used commercially.
        attribution: the line to print beside pictures made from the set.
        source: address of the official source.
        citations: keys in the course's bibliography.
        known_bias: what the set over- or under-represents, and faults known in it.
        people_and_consent: who can be seen, and whether they agreed.
        sha256: of the content (package, see `verify`) or of the file to download; empty if generated.
        module: the module to import; packages only.
        url: address of the file to download; downloads only.
        path: file or folder below the data root; an archive's top folder is moved there; downloads only.
        pictures: title, licence and source of each picture, where they differ.
    """

    name: str
    title: str
    description: str
    kind: str
    access: str
    examples: int | None
    size_mb: float
    licence: str
    licence_url: str
    non_commercial: bool
    attribution: str
    source: str
    citations: tuple[str, ...]
    known_bias: str
    people_and_consent: str
    sha256: str = ""
    module: str = ""
    url: str = ""
    path: str = ""
    pictures: dict[str, Picture] = dataclasses.field(default_factory=dict)

    def terms(self) -> dict[str, str | bool]:
        """What must go with everything made from the set: licence, attribution, whether commercial use is excluded."""
        return {key: getattr(self, key) for key in ("licence", "attribution", "non_commercial")}


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


@functools.cache
def read_cards(path: str | Path) -> dict[str, DatasetCard]:
    """Read a catalogue file, once.

    Args:
        path: YAML file, a mapping from names to the fields of `DatasetCard`.

    Returns:
        The cards by name, in the order of the file.

    Raises:
        ValueError: if a card lacks a field, has an unknown one, or a value that does not fit, naming card and field.
    """
    entries = yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}
    return {name: _entry_to_card(name, entry) for name, entry in entries.items()}


def cards() -> dict[str, DatasetCard]:
    """All data sets of the course, by name.

    >>> {name: card.kind for name, card in cards().items() if card.access != "download"}
    {'elpv': 'real', 'photos': 'real', 'faces': 'real', 'digits': 'real', 'scenes': 'generated'}
    """
    return dict(read_cards(CATALOGUE_YML))


def card(name: str) -> DatasetCard:
    """The card of one data set.

    Raises:
        ValueError: if there is no set of that name, listing those there are.

    >>> card("elpv").licence, card("elpv").non_commercial
    ('CC BY-NC-SA 4.0', True)
    """
    known = cards()
    if name not in known:
        raise ValueError(f"Expected `name` to be one of {', '.join(known)}, but got {name!r}. Check the spelling.")
    return known[name]


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


def verify(name: str) -> None:
    """Make sure that an installed set is, byte for byte, the one that its card describes.

    The SHA-256 runs over the arrays of the set (elpv, faces, digits: images, then labels), or over the files of the
    photographs in the order of the card.

    Args:
        name: a set with ``access == "package"``.

    Raises:
        ValueError: if the installed data differ, or if the set does not come with a package.

    >>> verify("digits")
    """
    entry = card(name)
    if entry.access != "package":
        raise ValueError(
            f"Expected a set that comes with a package, but got {name!r} (access: {entry.access}). "
            "Generated sets need no check, and `fetch` checks a download when it arrives."
        )
    _check_content(entry, _package_content(entry))


def at_hand(name: str | DatasetCard) -> bool:
    """Say whether a set can be used without a network: generated, installed, or downloaded before.

    >>> at_hand("elpv"), at_hand("scenes")
    (True, True)
    """
    entry = card(name) if isinstance(name, str) else name
    if entry.access == "download":
        return _is_whole(runtime.data_root() / entry.path, entry)
    return entry.access == "generated" or importlib.util.find_spec(entry.module) is not None


def fetch(name: str | DatasetCard) -> Path:
    """Download a set unless it is there, and return where it is.

    The file goes to a temporary folder, is compared with the SHA-256 of the card, unpacked if it is an archive, and
    only then moved to its place: what lies there is whole. A folder found in that place counts as fetched.

    Args:
        name: a set with ``access == "download"``, or a card of your own.

    Returns:
        The set's file or folder below the data root.

    Raises:
        ValueError: if the set is not a download, or what arrives is not what the card describes; nothing is kept.
        ConnectionError: if there is no network, saying which set is missing, its size, and how to get it.
    """
    entry = card(name) if isinstance(name, str) else name
    if entry.access != "download":
        raise ValueError(
            f"Expected a set to download, but got {entry.name!r}, which every installation has "
            f"(access: {entry.access}). Load it with the functions of `catalogue` or `synthetic`."
        )
    target = runtime.data_root() / entry.path
    if not _is_whole(target, entry):
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{entry.name}-") as folder:
            _unpacked(_download(entry, Path(folder))).replace(target)
    return target


def _entry_to_card(name: str, entry: dict) -> DatasetCard:
    fields = {field.name: field for field in dataclasses.fields(DatasetCard)}
    required = {key for key, field in fields.items() if field.default is field.default_factory}  # both are MISSING
    required -= {"name"}
    required |= {"package": {"module", "sha256"}, "download": {"url", "path", "sha256"}}.get(entry.get("access"), set())
    missing, unknown = sorted(required - set(entry)), sorted(set(entry) - set(fields))
    if missing or unknown:
        raise ValueError(
            f"Expected the card {name!r} to have the fields of `DatasetCard`, but got none for {missing} and unknown "
            f"ones {unknown}. Add or rename them in the catalogue file."
        )
    for key, values in {"kind": ("real", "generated"), "access": ("package", "generated", "download")}.items():
        if entry[key] not in values:
            raise ValueError(
                f"Expected `{key}` of the card {name!r} to be one of {values}, but got {entry[key]!r}. "
                "Correct it in the catalogue file."
            )
    pictures = {key: Picture(**picture) for key, picture in entry.get("pictures", {}).items()}
    return DatasetCard(**entry | {"name": name, "citations": tuple(entry["citations"]), "pictures": pictures})


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
        _check_content(entry, [images, *labels])
        try:
            with files.replacing(kept) as temporary:
                np.save(temporary, images)
        except OSError:  # a full or read-only disk costs time, no more
            return images
    return np.asarray(np.load(kept, mmap_mode="c"))  # copy on write: the file stays as it is


def _package_content(entry: DatasetCard) -> Iterable[np.ndarray | bytes]:
    if entry.name == "elpv":
        return _elpv_arrays()
    if entry.name == "photos":
        folder = _package_folder("skimage") / "data"
        return ((folder / picture.file).read_bytes() for picture in entry.pictures.values())
    return {"faces": load_faces, "digits": load_digits}[entry.name]()


def _check_content(entry: DatasetCard, pieces: Iterable[np.ndarray | bytes]) -> None:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    if digest.hexdigest() != entry.sha256:
        raise ValueError(
            f"Expected {entry.title} to have SHA-256 {entry.sha256}, but got {digest.hexdigest()} from the installed "
            f"`{entry.module}`. Install the version of requirements.lock again."
        )


def _is_whole(target: Path, entry: DatasetCard) -> bool:
    return target.is_dir() or (target.is_file() and files.sha256(target) == entry.sha256)


def _download(entry: DatasetCard, folder: Path) -> Path:
    import pooch
    import requests

    loader = pooch.HTTPDownloader(progressbar=entry.size_mb > _PROGRESS_FROM_MB, timeout=_TIMEOUT)
    file_name = entry.url.rsplit("/", 1)[-1]
    try:
        return Path(pooch.retrieve(entry.url, f"sha256:{entry.sha256}", file_name, folder, downloader=loader))
    except requests.RequestException as error:
        answer = getattr(error.response, "status_code", None)
        reason = f"the server answered {answer}" if answer else "the network does not reach it"
        raise ConnectionError(
            f"Expected to download {entry.name} ({entry.title}, {entry.size_mb:g} MB) from {entry.url}, but {reason}: "
            f"run `catalogue.fetch({entry.name!r})` where there is a network, or lay the unpacked set at "
            f"{runtime.data_root() / entry.path}."
        ) from None
    except ValueError as error:  # pooch: the hash does not match
        raise ValueError(
            f"Expected {entry.url} to be {entry.title}, but got another or a damaged file, which was deleted. "
            f"Try again; if it stays so, the source has changed. {error}"
        ) from None


def _unpacked(file: Path) -> Path:
    """Unpack an archive beside itself and return its top folder; return any other file as it is."""
    if not tarfile.is_tarfile(file) and file.suffix != ".zip":
        return file
    content = file.parent / "content"
    shutil.unpack_archive(file, content, **({"filter": "data"} if tarfile.is_tarfile(file) else {}))
    tops = list(content.iterdir())
    return tops[0] if len(tops) == 1 and tops[0].is_dir() else content
