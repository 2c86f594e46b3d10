"""Download a set: taken up again after an interruption, verified, and moved to its place only when it is whole."""

import logging
import shutil
import tarfile
import tempfile
from pathlib import Path

from course_utils import runtime
from course_utils.catalogue import human_labels
from course_utils.catalogue.dataset_card import DatasetCard, card
from course_utils.catalogue.laid_out import is_whole, missing_files, pinned_sha256, verify_folder
from course_utils.catalogue.resumed import Interrupted, ResumingDownloader

_LAY_OUT = {"cifar10_human_labels": human_labels.lay_out}  # sets whose files are not used as they are downloaded


def fetch(name: str | DatasetCard) -> Path:
    """Download a set unless it is there, and return where it is.

    What has arrived when the connection breaks is kept, in a file that ends in ``.part``: the same call goes on from
    there. The whole file is compared with the SHA-256 of the card, unpacked if it is an archive, its files compared
    with the manifest, and only then moved to its place: what lies there is whole. A folder found in that place with
    the right numbers of files counts as fetched.

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
    if not is_whole(target, entry):
        _refuse_unfinished(target, entry)
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{entry.name}-") as folder:
            _whole_set(entry, Path(folder)).replace(target)
    return target


def _refuse_unfinished(target: Path, entry: DatasetCard) -> None:
    """A folder of somebody's own is never written over."""
    if target.is_dir() and any(target.iterdir()):
        raise ValueError(
            f"Expected {entry.title} at {target}, but {missing_files(target, entry)}. Move that folder away or "
            "complete it; `fetch` does not write into it."
        )


def _whole_set(entry: DatasetCard, folder: Path) -> Path:
    """Download and unpack a set inside a temporary folder, and return it once it is known to be right."""
    if entry.parts:
        parts = {name: _download(entry, part.url, part.sha256, folder) for name, part in entry.parts.items()}
        whole = folder / "laid_out"
        whole.mkdir()
        _LAY_OUT[entry.name](parts, whole)
    else:
        whole = _unpacked(_download(entry, entry.url, pinned_sha256(entry), folder), entry.inside)
    if whole.is_dir() and missing_files(whole, entry):
        raise ValueError(
            f"Expected {entry.url or entry.source} to be {entry.title}, but {missing_files(whole, entry)}, and it was "
            "deleted. The source has changed."
        )
    if whole.is_dir():
        verify_folder(whole, entry)
    return whole


def _download(entry: DatasetCard, url: str, sha256: str, folder: Path) -> Path:
    """Fetch one file through pooch, which compares the hash; a file that was put together from pieces and is wrong is
    fetched once more in one piece, since its source may have changed in between."""
    import requests

    downloader = ResumingDownloader(runtime.data_root() / ".downloads", bar=entry.size_mb)
    try:
        try:
            return _retrieve(url, sha256, folder, downloader)
        except ValueError:
            if not downloader.resumed:
                raise
            return _retrieve(url, sha256, folder, downloader)
    except (requests.RequestException, Interrupted) as error:
        raise ConnectionError(_unreached(entry, url, error)) from None
    except ValueError as error:  # pooch: the hash does not match
        raise ValueError(
            f"Expected {url} to be {entry.title}, but got another or a damaged file, which was deleted. "
            f"Try again; if it stays so, the source has changed. {error}"
        ) from None


def _retrieve(url: str, sha256: str, folder: Path, downloader: ResumingDownloader) -> Path:
    import pooch

    pooch.get_logger().setLevel(logging.WARNING)
    known = f"sha256:{sha256}" if sha256 else None
    return Path(pooch.retrieve(url, known, url.rsplit("/", 1)[-1], folder, downloader=downloader))


def _unreached(entry: DatasetCard, url: str, error: Exception) -> str:
    """One sentence: what is missing, why, and what to do."""
    answer = getattr(getattr(error, "response", None), "status_code", None)
    reason = f"the server answered {answer}" if answer else "the network does not reach it"
    if isinstance(error, Interrupted):
        reason = f"the connection broke off {error}"
    return (
        f"Expected to download {entry.name} ({entry.title}, {entry.size_mb:g} MB) from {url}, but {reason}: run "
        f"`catalogue.fetch({entry.name!r})` where there is a network, or lay the unpacked set at "
        f"{runtime.data_root() / entry.path}."
    )


def _unpacked(file: Path, inside: str) -> Path:
    """Unpack an archive beside itself and return its top folder, or one inside; return any other file as it is."""
    if not tarfile.is_tarfile(file) and file.suffix != ".zip":
        return file
    content = file.parent / "content"
    shutil.unpack_archive(file, content, **({"filter": "data"} if tarfile.is_tarfile(file) else {}))
    tops = list(content.iterdir())
    top = tops[0] if len(tops) == 1 and tops[0].is_dir() else content
    if not (top / inside).is_dir():
        raise ValueError(f"Expected the folder {inside!r} in {file.name}, but got none. The source has changed.")
    return top / inside
