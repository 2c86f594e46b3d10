"""A split nailed to its files: which file is which example, in which part, with the SHA-256 of its bytes."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from course_utils import files
from course_utils.splits.parts import PARTS, Split, check_split

_COLUMNS = ["index", "part", "sha256", "file"]


@dataclass(frozen=True, eq=False)
class Manifest:
    """What `read_manifest` found.

    Args:
        split: the index sets.
        names: path of every example's file below the data folder, with forward slashes; N strings.
        sha256: SHA-256 of every file, 64 hexadecimal digits; N strings.
    """

    split: Split
    names: tuple[str, ...]
    sha256: tuple[str, ...]


@dataclass(frozen=True)
class ManifestCheck:
    """How a folder differs from its manifest.

    Args:
        missing: files named in the manifest that are nowhere in the folder.
        changed: files whose bytes are others than when the manifest was written.
        moved: files found under another name with the same bytes: name in the manifest → name now.
        new: files that the manifest does not name.
    """

    missing: tuple[str, ...]
    changed: tuple[str, ...]
    moved: dict[str, str]
    new: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """The folder holds the files of the manifest, unchanged, and no others."""
        return not (self.missing or self.changed or self.moved or self.new)


def write_manifest(split: Split, names: Sequence[str], path: str | Path, *, folder: str | Path) -> None:
    """Hash every example's file and write the split as CSV with the columns `index,part,sha256,file`.

    What has been hashed is kept in a file beside `path` that ends in `.partial` until the manifest is whole. Call again
    after an interruption, and only the rest is read; a file that changed in between is read again.

    Args:
        split: the split; must be whole (see `check_split`).
        names: path of example 0, 1, … below `folder`, with forward slashes; N strings, each once.
        path: file to write.
        folder: folder of the data.

    Raises:
        ValueError: if the split has gaps or overlaps, if the names are not one for each example, if one is repeated or
            leads out of the folder.
        FileNotFoundError: if a file is not there.
    """
    path, folder = Path(path), Path(folder)
    check_split(split, len(names))
    _check_names(names)
    digests = _digests(names, path, folder)
    rows = [[index, part, next(digests), names[index]] for index, part in enumerate(split.parts)]
    with files.replacing(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        writer.writerows(rows)
    _partial(path).unlink(missing_ok=True)


def read_manifest(path: str | Path) -> Manifest:
    """Read what `write_manifest` wrote; the split is named after the file.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if a line does not parse, with its number, or the split has gaps or overlaps.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"Expected a manifest at {path}, but there is none. Write it with `write_manifest`.")
    indices, names, digests = {part: [] for part in PARTS}, [], []
    with open(path, newline="", encoding="utf-8") as file:
        rows = csv.reader(file)
        if next(rows, None) != _COLUMNS:
            raise ValueError(f"Expected the first line of {path} to be {','.join(_COLUMNS)!r}. Write it again.")
        for index, row in enumerate(rows):
            right = len(row) == 4 and row[0] == str(index) and row[1] in PARTS and _is_digest(row[2])
            if not right:
                raise ValueError(
                    f"Expected line {rows.line_num} of {path} to be example {index}, its part, 64 hexadecimal digits "
                    f"and a file, but got {','.join(row)!r}. Write the manifest with `write_manifest`."
                )
            indices[row[1]].append(index)
            digests.append(row[2])
            names.append(row[3])
    _check_names(names)
    return Manifest(Split(**indices, name=path.stem), tuple(names), tuple(digests))


def check_manifest(manifest: Manifest, folder: str | Path, *, pattern: str = "**/*") -> ManifestCheck:
    """Compare a folder with a manifest, reading every file.

    Args:
        manifest: what `read_manifest` returned.
        folder: folder of the data.
        pattern: which files count as data when looking for new ones, as `pathlib.Path.glob` takes it: ``"**/*.png"``.

    Returns:
        A `ManifestCheck` with every difference named.
    """
    folder = Path(folder)
    expected = dict(zip(manifest.names, manifest.sha256, strict=True))
    there = {name for name in expected if (folder / name).is_file()}
    changed = [name for name in manifest.names if name in there and files.sha256(folder / name) != expected[name]]
    found = sorted(path.relative_to(folder).as_posix() for path in folder.glob(pattern) if path.is_file())
    others = {name: files.sha256(folder / name) for name in found if name not in expected}
    gone, moved = [name for name in manifest.names if name not in there], {}
    for name in gone:
        now = next((other for other, digest in others.items() if digest == expected[name]), None)
        if now is not None:
            moved[name] = now
            del others[now]
    missing = tuple(name for name in gone if name not in moved)
    return ManifestCheck(missing, tuple(changed), moved, tuple(others))


def _check_names(names: Sequence[str]) -> None:
    for name in names:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name or name in ("", "."):
            raise ValueError(
                f"Expected file names below the data folder, with forward slashes, but got {name!r}. "
                "Use `path.relative_to(folder).as_posix()`."
            )
    repeated = len(names) - len(set(names))
    if repeated:
        raise ValueError(
            f"Expected every file to be one example, but got {repeated} names again. A file in two parts is a leak."
        )


def _is_digest(text: str) -> bool:
    return len(text) == 64 and set(text) <= set("0123456789abcdef")


def _partial(path: Path) -> Path:
    return path.with_name(path.name + ".partial")


def _digests(names: Sequence[str], path: Path, folder: Path) -> Iterator[str]:
    """SHA-256 of each file, in order; those read before an interruption and unchanged since are not read again."""
    known = {}
    if _partial(path).is_file():
        with open(_partial(path), newline="", encoding="utf-8") as file:
            known = {tuple(row[1:]): row[0] for row in csv.reader(file) if len(row) == 4 and _is_digest(row[0])}
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(_partial(path), "a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        file.write("\n" if _partial(path).stat().st_size else "")  # an interrupted last line ends here
        for name in names:
            status = (folder / name).stat()
            state = (str(status.st_size), str(status.st_mtime_ns), name)
            digest = known.get(state)
            if digest is None:
                digest = files.sha256(folder / name)
                writer.writerow([digest, *state])
                file.flush()
            yield digest
