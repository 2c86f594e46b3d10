"""Ground floor: where the checkout lies, and files that are either whole or not there."""

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent  # the checkout; the package is installed editable


def data_root() -> Path:
    """Folder of downloaded sets, stored runs and caches: ``COURSE_DATA``, else ``data/cache`` of the checkout."""
    return Path(os.environ.get("COURSE_DATA") or REPO / "data" / "cache").expanduser().resolve()


def out_root() -> Path:
    """Folder of executed lessons and their records: ``COURSE_OUT``, else ``runs`` below the data root."""
    return Path(os.environ.get("COURSE_OUT") or data_root() / "runs").expanduser().resolve()


@contextlib.contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; move it there when the block ends well, delete it when it fails.

    Args:
        path: the file to write. Missing parent folders are made.

    Yields:
        A path in the same folder with the same ending, so that libraries that look at the ending keep working.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     target = Path(folder) / "deep" / "note.txt"
    ...     with replacing(target) as temporary:
    ...         _ = temporary.write_text("whole")
    ...     target.read_text()
    'whole'
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())  # mkstemp makes files that only their owner may read
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_text(path: str | os.PathLike, text: str) -> None:
    """Write ``text`` as UTF-8 with Unix line ends, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: str | os.PathLike, value: object) -> None:
    """Write ``value`` as JSON with sorted keys, whole or not at all; NaN is refused, since JSON has none."""
    write_text(path, json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: str | os.PathLike) -> dict:
    """Read a JSON file.

    Raises:
        FileNotFoundError: when there is none.
        ValueError: when the text is not JSON, with file and line.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(
            f"Expected {path} to be JSON, but line {error.lineno} does not parse ({error.msg}). "
            "Delete the file if it is a record of a run; restore it from git if it is committed."
        ) from error


def sha256(path: str | os.PathLike) -> str:
    """SHA-256 of a file's bytes as 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
