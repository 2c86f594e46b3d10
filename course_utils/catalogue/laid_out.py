"""Sets that lie below the data root: are they there, and are they, byte for byte, what their makers published?"""

import hashlib
import importlib.util
from pathlib import Path

import numpy as np

from course_utils import files, runtime
from course_utils.catalogue.dataset_card import DatasetCard, card
from course_utils.catalogue.packaged import check_content, package_content

MANIFESTS = files.REPO / "data" / "manifests"


def at_hand(name: str | DatasetCard) -> bool:
    """Say whether a set can be used without a network: generated, installed, or laid out below the data root.

    A set that lies there counts when its card's numbers of files are met; `verify` looks inside them.

    >>> at_hand("elpv"), at_hand("scenes")
    (True, True)
    """
    entry = card(name) if isinstance(name, str) else name
    if entry.access == "download":
        return is_whole(runtime.data_root() / entry.path, entry)
    return entry.access == "generated" or importlib.util.find_spec(entry.module) is not None


def verify(name: str | DatasetCard) -> None:
    """Make sure that a set is, byte for byte, the one that its card describes.

    Installed sets: the SHA-256 runs over the arrays of the set (elpv, faces, digits: images, then labels), or over
    the files of the photographs in the order of the card. Downloaded sets: every file of the set's manifest is hashed,
    wherever the folder came from. That takes a second, so a stamp below the data root remembers it until a size or a
    date of change differs.

    Args:
        name: a set with ``access`` "package" or "download", or its card.

    Raises:
        ValueError: if the data differ, naming the first files that do, or if the set is generated.
        FileNotFoundError: if a downloaded set is not there.

    >>> verify("digits")
    """
    entry = card(name) if isinstance(name, str) else name
    if entry.access == "package":
        return check_content(entry, package_content(entry))
    if entry.access != "download":
        raise ValueError(
            f"Expected a set that comes with a package or is downloaded, but got {entry.name!r} (access: "
            f"{entry.access}). Generated sets need no check: the same seed draws the same pixels."
        )
    return verify_folder(found(entry), entry)


def found(name: str | DatasetCard) -> Path:
    """Where a downloaded set lies.

    Raises:
        FileNotFoundError: if it does not lie there whole, saying how to get it.
    """
    entry = card(name) if isinstance(name, str) else name
    target = runtime.data_root() / entry.path
    if not is_whole(target, entry):
        missing = missing_files(target, entry)
        what = f"but {missing}" if target.exists() and missing else "but it is not there"
        raise FileNotFoundError(
            f"Expected {entry.title} at {target}, {what}. Run `catalogue.fetch({entry.name!r})` where there is a "
            f"network ({entry.size_mb:g} MB), or set COURSE_DATA to the folder that holds `{entry.path}`."
        )
    return target


def is_whole(target: Path, entry: DatasetCard) -> bool:
    """Whether a folder has the numbers of files of its card, or a file its SHA-256."""
    if target.is_dir():
        return not missing_files(target, entry)
    return target.is_file() and files.sha256(target) == entry.sha256


def missing_files(folder: Path, entry: DatasetCard) -> str:
    """The first number of files that is not as the card says, in words; empty if all are."""
    for pattern, wanted in entry.counts.items():
        number = sum(1 for path in folder.glob(pattern) if path.is_file())
        if number != wanted:
            return f"there are {number} files of {pattern} where {wanted} should be"
    return ""


def read_manifest(entry: DatasetCard) -> dict[str, str]:
    """SHA-256 of every file of a set, by its path below the set's folder.

    The manifest is a text as `sha256sum` writes it. An array inside an archive of NumPy (`labels.npz/aggregate`) is
    hashed by its values, since the same arrays may be packed into different bytes.
    """
    lines = (MANIFESTS / entry.manifest).read_text(encoding="utf-8").splitlines()
    return {name: digest for digest, name in (line.split("  ", 1) for line in lines)}


def pinned_sha256(entry: DatasetCard) -> str:
    """SHA-256 of the file to download; empty where the card's hash is that of the manifest instead."""
    if entry.parts or (entry.manifest and files.sha256(MANIFESTS / entry.manifest) == entry.sha256):
        return ""
    return entry.sha256


def verify_folder(folder: Path, entry: DatasetCard) -> None:
    """Hash every file of the manifest below a folder, unless the stamp says that nothing has changed since.

    Raises:
        ValueError: if a file is missing or differs, naming the first three.
    """
    if not entry.manifest:
        return
    wanted = read_manifest(entry)
    stamp = runtime.data_root() / ".verified" / f"{entry.name}.json"
    state = {"manifest": files.sha256(MANIFESTS / entry.manifest), "files": _state(folder, wanted)}
    if stamp.is_file() and _read_stamp(stamp) == state:
        return
    wrong = [name for name, digest in wanted.items() if _digest(folder, name) != digest]
    if wrong:
        raise ValueError(
            f"Expected {entry.title} in {folder}, but of {len(wanted):,} published files {len(wrong):,} differ or are "
            f"missing: {', '.join(wrong[:3])}{' …' if len(wrong) > 3 else ''}. Move the folder away and run "
            f"`catalogue.fetch({entry.name!r})`."
        )
    try:
        files.write_json(stamp, state)
    except OSError:  # where nothing can be written, the next call hashes again
        return


def _read_stamp(stamp: Path) -> dict | None:
    try:
        return files.read_json(stamp)
    except (ValueError, OSError):
        return None


def _state(folder: Path, names) -> str:
    """One hash over names, sizes and dates of change of the files: it changes when somebody touches one."""
    lines = []
    for file in sorted({_file(folder, name) for name in names}):
        about = file.stat() if file.is_file() else None
        lines.append(f"{file.name} {about.st_size} {about.st_mtime_ns}" if about else f"{file.name} missing")
    return hashlib.sha256("\n".join([str(folder), *lines]).encode()).hexdigest()


def _file(folder: Path, name: str) -> Path:
    """The file that a line of a manifest speaks of: for an array, the archive around it."""
    path = folder / name
    return path.parent if path.parent.suffix == ".npz" else path


def _digest(folder: Path, name: str) -> str:
    """SHA-256 of a file, or of an array's values; empty if it is not there or cannot be read."""
    path = _file(folder, name)
    if not path.is_file():
        return ""
    if path == folder / name:
        return files.sha256(path)
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return hashlib.sha256(np.ascontiguousarray(arrays[Path(name).name])).hexdigest()
    except Exception:  # zipfile, zlib and NumPy raise a dozen types on damaged archives
        return ""
