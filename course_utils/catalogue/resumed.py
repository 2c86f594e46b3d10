"""A downloader for pooch that keeps what has arrived, and asks for the rest only."""

import hashlib
import os
import re
from pathlib import Path

import filelock
import tqdm

_PROGRESS_FROM_MB = 5  # a download as large as this shows a progress bar
_TIMEOUT = 30  # seconds without an answer until the network counts as missing
_PIECE = 1 << 16  # bytes written at a time
_TRIES = 3  # times in a row that a connection may break without a single byte gained


class Interrupted(ConnectionError):
    """The connection broke again and again; the text says how much has arrived and is kept."""


class ResumingDownloader:
    """What pooch calls to download a file; see `pooch.HTTPDownloader`, which starts from nothing every time.

    The bytes go to a file that ends in ``.part``, named after the address, and stay there when the connection breaks.
    The next request asks for the rest (HTTP header ``Range``). A server that ignores the question and sends the whole
    file is obeyed, and the file begun anew. pooch compares the SHA-256 of the result.

    Args:
        folder: where parts are kept.
        bar: size in MB; from 5 MB on a progress bar is shown.

    Attributes:
        resumed: whether the last file was put together from more than one piece.
    """

    def __init__(self, folder: str | os.PathLike, *, bar: float = 0):
        self.folder, self.bar, self.resumed = Path(folder), bar, False

    def __call__(self, url: str, output_file, pooch, check_only: bool = False) -> None:
        """Download `url` to the path `output_file`; raises what `requests` raises, and `Interrupted`."""
        part = self.part(url)
        part.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(f"{part}.lock"):  # two lessons may want the same set
            self.resumed = part.exists()
            self._all_of(url, part)
            part.replace(output_file)

    def part(self, url: str) -> Path:
        """Where the bytes of an address are kept until they are all there."""
        name = re.sub(r"[^A-Za-z0-9._-]", "_", url.rsplit("/", 1)[-1])
        return self.folder / f"{name}-{hashlib.sha256(url.encode()).hexdigest()[:12]}.part"

    def _all_of(self, url: str, part: Path) -> None:
        """Ask until everything is there, or the connection has broken too often without progress."""
        import requests

        broken = 0
        while True:
            before = _size(part)
            try:
                return self._rest_of(url, part)
            except requests.HTTPError:
                raise
            except requests.RequestException:
                broken = 0 if _size(part) > before else broken + 1
                if _size(part) == 0:
                    part.unlink(missing_ok=True)
                    raise
                if broken == _TRIES:
                    raise Interrupted(f"after {_size(part):,} bytes, which are kept and will be built upon") from None
                self.resumed = True

    def _rest_of(self, url: str, part: Path) -> None:
        """One request: the bytes from the end of the part on, appended to it."""
        import requests

        have = _size(part)
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
        with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as answer:
            if have and answer.status_code == 416:  # nothing after the end: the part is all there is, or more than that
                if answer.headers.get("Content-Range", "").endswith(f"/{have}"):
                    return
                part.unlink()
                return self._rest_of(url, part)
            answer.raise_for_status()
            have = have if _goes_on(answer, have) else 0
            self._write(answer, part, have)

    def _write(self, answer, part: Path, have: int) -> None:
        """Append the body of an answer to the first `have` bytes of the part."""
        rest = int(answer.headers.get("Content-Length") or 0)
        shown = {"total": have + rest or None, "initial": have, "unit": "B", "unit_scale": True, "leave": False}
        with open(part, "ab") as file, tqdm.tqdm(**shown, disable=self.bar < _PROGRESS_FROM_MB) as bar:
            file.truncate(have)
            for piece in answer.iter_content(_PIECE):
                file.write(piece)
                bar.update(len(piece))


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _goes_on(answer, have: int) -> bool:
    """Whether an answer is the rest that was asked for, and not the whole file or another piece."""
    return answer.status_code == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")
