"""Your own pictures: a folder looked through file by file, what is broken set aside with the reason, and its card."""

import dataclasses
import datetime
import os
import re
import warnings
from pathlib import Path, PurePosixPath

import yaml
from PIL import Image, ImageOps

from course_utils import files, pictures
from course_utils.catalogue.clips import CLIP_SUFFIXES, FRAMES
from course_utils.catalogue.dataset_card import CAPTURE_YML, UNKNOWN, DatasetCard

SET_ASIDE = "set_aside"  # folder for what is broken; never looked into
RAW_SUFFIXES = (".arw", ".cr2", ".cr3", ".dng", ".nef", ".nrw", ".orf", ".raf", ".rw2")  # some hold a preview only
OTHER_SUFFIXES = (".avif", ".heic", ".heif", ".hif", ".jfif", ".jp2", ".jpe", ".pbm", ".pgm", ".ppm", ".tga")
_FIELDS = {  # of capture.yml: those of the card that only a person can know
    **{"title": str, "description": str, "licence": str, "licence_url": str, "attribution": str, "source": str},
    **{"known_bias": str, "people_and_consent": str, "non_commercial": bool},
}
_EXIF, _GPS = 0x8769, 0x8825  # directories inside EXIF
_ORIENTATION, _TAKEN, _CHANGED = 0x0112, 0x9003, 0x0132


@dataclasses.dataclass(frozen=True)
class CapturedImage:
    """One image file that can be read; a row of the table.

    Args:
        file: path below the folder, with forward slashes on every system.
        size_hw: height and width of the upright picture, pixels.
        mode: pixels as stored, in Pillow's words: "RGB", "L" grey, "P" palette, "CMYK", "I;16" 16-bit grey, …
        format: what the content is, whatever the suffix says: "JPEG", "PNG", …
        frames: pictures in the file; of more than one, `read_image` takes the first.
        oriented: whether the camera noted a turn or mirroring (EXIF), which `read_image` applies.
        taken_at: date and time of the exposure by the camera's clock, ISO 8601, without a time zone; empty if absent.
        gps: whether the file tells where it was taken.
        group: what must stay together in a split: the clip that a frame comes from, else the file itself. Equal files
            share a group, and so do the clips that they come from.
        sha256: of the file.
        notes: what is odd about it.
    """

    file: str
    size_hw: tuple[int, int]
    mode: str
    format: str
    frames: int
    oriented: bool
    taken_at: str
    gps: bool
    group: str
    sha256: str
    notes: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class BrokenFile:
    """One file that cannot be used, and why; `file` is where it lies now."""

    file: str
    reason: str


@dataclasses.dataclass(frozen=True)
class Capture:
    """A folder of your own pictures, looked through.

    Args:
        folder: where it is.
        images: the files that can be read.
        broken: the files that cannot, with the reason.
        clips: films, from which `extract_frames` takes pictures.
        others: files that are no pictures, left alone.
        card: what is known of the set; "unknown" where `capture.yml` does not say.
    """

    folder: Path
    images: tuple[CapturedImage, ...]
    broken: tuple[BrokenFile, ...]
    clips: tuple[str, ...]
    others: tuple[str, ...]
    card: DatasetCard

    def paths(self) -> list[Path]:
        """The image files, for `datasets.read_image`."""
        return [self.folder / image.file for image in self.images]

    def summary(self) -> str:
        """What is in the folder and what to think about before using it, in a few lines."""
        located = sum(image.gps for image in self.images)
        lines = [
            f"{len(self.images)} images in {len({image.group for image in self.images})} groups, "
            f"{len(self.broken)} broken, {len(self.clips)} clips, {len(self.others)} other files",
            f"licence: {self.card.licence} · people and consent: {self.card.people_and_consent}",
        ]
        lines += [f"{located} images tell where they were taken: remove that before you share them"] if located else []
        return "\n".join(lines)


def from_folder(
    folder: str | Path, *, recursive: bool = True, set_aside: bool = False, max_pixels: int = pictures.MAX_PIXELS
) -> Capture:
    """Look through a folder of pictures: every file is opened and decoded once, and nothing is deleted.

    Links that lead out of the folder are not followed. Hidden files are passed over. Licence, consent and what else
    only a person can know are read from a file `capture.yml` in the folder, a mapping from the fields of the card
    (title, description, licence, licence_url, attribution, source, known_bias, people_and_consent, non_commercial).

    Args:
        folder: where the pictures are.
        recursive: look into the folders inside as well.
        set_aside: move broken files to the folder `set_aside` inside, where later calls do not look.
        max_pixels: limit of width × height, as in `datasets.read_image`.

    Returns:
        The tables of images and of broken files, and a card.

    Raises:
        FileNotFoundError: if there is no such folder.
        ValueError: if `capture.yml` is no such mapping, naming file and line or field.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"Expected a folder at {folder}, but there is none. Check the spelling.")
    folder = folder.resolve()
    told = _read_capture_yml(folder / CAPTURE_YML)
    images, broken, clips, others = [], [], [], []
    for path in _walk(folder, recursive):
        name, suffix = path.relative_to(folder).as_posix(), path.suffix.lower()
        reason = _unusable(path, folder)
        if reason is None and suffix in CLIP_SUFFIXES:
            clips.append(name)
        elif reason is None and suffix not in (*pictures.IMAGE_SUFFIXES, *OTHER_SUFFIXES):
            others.append(name)
        elif reason is not None or isinstance(found := _examined(path, name, max_pixels), str):
            moved = _set_aside(path, folder) if set_aside else name
            broken.append(BrokenFile(moved, reason or found))
        else:
            images.append(found)
    return Capture(
        folder, _with_copies(images), tuple(broken), tuple(clips), tuple(others), _card(folder, told, images)
    )


def _walk(folder: Path, recursive: bool) -> list[Path]:
    """Everything to be judged, sorted: files, links, and folders that are called like images."""
    found = []
    for place, inside, names in os.walk(folder, followlinks=False):
        named = [name for name in inside if Path(name).suffix.lower() in pictures.IMAGE_SUFFIXES]
        links = [name for name in inside if (Path(place) / name).is_symlink()]
        found += [Path(place) / name for name in {*names, *named, *links} if not name.startswith(".")]
        hidden = {name for name in inside if name.startswith(".") or name == SET_ASIDE}
        inside[:] = [name for name in inside if name not in hidden] if recursive else []
    return sorted(path for path in found if path != folder / CAPTURE_YML)


def _unusable(path: Path, folder: Path) -> str | None:
    """Why a path is not even opened; None if it is."""
    if path.is_symlink():
        target = path.resolve()
        if not target.is_relative_to(folder):
            return f"a link that leads out of the folder, to {target}; copy the file itself"
        return "a link to a file of this folder, which is listed itself" if target.exists() else "a link to nothing"
    if path.is_dir():
        return "a folder that is called like an image"
    if not path.is_file():
        return "neither a file nor a folder, but a pipe or a device"
    if path.suffix.lower() in RAW_SUFFIXES:
        return "a camera's raw file; develop it to TIFF or JPEG first"
    return None


def _examined(path: Path, name: str, max_pixels: int) -> CapturedImage | str:
    """The row of one file, or the reason why it has none."""
    try:
        with pictures.opened(path, max_pixels=max_pixels) as image:
            if image.format == "PNG":
                image.verify()  # compares all checksums, which decoding does not
        with pictures.opened(path, max_pixels=max_pixels) as image:
            about = _header(image, path)
            upright = pictures.image_to_rgb(ImageOps.exif_transpose(image))
    except (ValueError, OSError) as error:
        return str(error).replace(f"Expected {path} ", "expected ")
    group = next((part.removesuffix(FRAMES) for part in PurePosixPath(name).parts[:-1] if part.endswith(FRAMES)), name)
    return CapturedImage(name, upright.shape[:2], **about, group=group, sha256=files.sha256(path))


def _header(image: Image.Image, path: Path) -> dict:
    """What a file says of itself beside its pixels."""
    exif = image.getexif()
    orientation = exif.get(_ORIENTATION, 1)
    taken, notes = _taken_at(exif)
    frames = getattr(image, "n_frames", 1)
    notes += [f"{frames} pictures in one file: the first counts"] if frames > 1 else []
    notes += ["CMYK, made for print: colours are approximate"] if image.mode == "CMYK" else []
    notes += ["16 bits a pixel: scaled to 8"] if image.mode in pictures.SIXTEEN_BIT else []
    notes += ["transparent in places: shown over white"] if image.has_transparency_data else []
    notes += [f"orientation {orientation} is not one of 1 to 8"] if orientation not in range(1, 9) else []
    usual = Image.registered_extensions().get(path.suffix.lower(), image.format)
    notes += (
        [f"called {path.suffix}, but its content is {image.format}"] if _family(usual) != _family(image.format) else []
    )
    return {
        **{"mode": image.mode, "format": image.format, "frames": frames, "oriented": orientation in range(2, 9)},
        **{"taken_at": taken, "gps": bool(exif.get_ifd(_GPS)), "notes": tuple(notes)},
    }


def _family(name: str) -> str:
    return {"MPO": "JPEG", "JPEG2000": "JPEG2000"}.get(name, name)  # a JPEG of two pictures, as stereo cameras write


def _taken_at(exif: Image.Exif) -> tuple[str, list[str]]:
    """When the picture was taken, and a note if that cannot be read."""
    text = str(exif.get_ifd(_EXIF).get(_TAKEN) or exif.get(_CHANGED) or "").strip(" \0")
    if not text or re.fullmatch(r"[0: ]+", text):  # cameras without a clock write zeros
        return "", []
    try:
        return datetime.datetime.strptime(text[:19], "%Y:%m:%d %H:%M:%S").isoformat(), []
    except ValueError:
        return "", [f"the date {text[:19]!r} cannot be read"]


def _with_copies(images: list[CapturedImage]) -> tuple[CapturedImage, ...]:
    """The rows, with a note on files that equal an earlier one byte for byte, and one group for both."""
    first, rows, joined = {}, [], _joined_groups(images)
    for image in images:
        original = first.setdefault(image.sha256, image.file)
        note = () if original == image.file else (f"the same file as {original}",)
        rows.append(dataclasses.replace(image, group=joined[image.group], notes=image.notes + note))
    return tuple(rows)


def _joined_groups(images: list[CapturedImage]) -> dict[str, str]:
    """New names of the groups: those that hold the same file become one, named after a clip if there is one."""
    groups, seen = {image.group: image.group for image in images}, {}
    for image in sorted(images, key=lambda image: image.group == image.file):  # frames of clips first
        wanted, own = groups[seen.setdefault(image.sha256, image.group)], groups[image.group]
        if wanted != own:
            groups = {name: wanted if group == own else group for name, group in groups.items()}
    return groups


def _set_aside(path: Path, folder: Path) -> str:
    """Move a broken file out of the way, under a free name; links and folders stay. Returns where it lies."""
    name = path.relative_to(folder).as_posix()
    if path.is_symlink() or not path.is_file():
        return name
    target = folder / SET_ASIDE / name
    number = 1
    while target.exists():
        number += 1
        target = (folder / SET_ASIDE / name).with_name(f"{path.stem} ({number}){path.suffix}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)
    except OSError as error:
        warnings.warn(f"{path} could not be moved to {target.parent} ({error})", stacklevel=3)
        return name
    return target.relative_to(folder).as_posix()


def _read_capture_yml(path: Path) -> dict:
    """The fields that a person has written beside the pictures; none if there is no such file."""
    if not path.is_file():
        return {}
    try:
        told = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        line = f", line {error.problem_mark.line + 1}" if getattr(error, "problem_mark", None) else ""
        raise ValueError(
            f"Expected {path}{line} to be YAML, but it does not parse. Is a colon or quote missing?"
        ) from None
    if not isinstance(told, dict):
        raise ValueError(f"Expected {path} to hold lines such as `licence: CC BY 4.0`, but got {type(told).__name__}.")
    for key, value in told.items():
        if key not in _FIELDS:
            raise ValueError(
                f"Expected the fields of {path} to be among {', '.join(_FIELDS)}, but got {key!r}. Rename it."
            )
        if not isinstance(value, _FIELDS[key]):
            raise ValueError(
                f"Expected `{key}` in {path} to be {_FIELDS[key].__name__}, but got {value!r}. Quote a text."
            )
    return told


def _card(folder: Path, told: dict, images: list[CapturedImage]) -> DatasetCard:
    """The card of a folder. It counts as non-commercial unless its licence is known to allow commerce."""
    bytes_in_all = sum((folder / image.file).stat().st_size for image in images)
    unsaid = dict.fromkeys(("licence", "attribution", "known_bias", "people_and_consent"), UNKNOWN)
    unsaid |= {"title": folder.name, "description": "Pictures of your own.", "source": str(folder), "licence_url": ""}
    fixed = {"name": folder.name, "kind": "real", "access": "folder", "citations": ()}
    fixed |= {"examples": len(images), "size_mb": round(bytes_in_all / 1e6, 1)}
    made = DatasetCard(**unsaid | {"non_commercial": True} | told | fixed)
    free = "non_commercial" not in told and made.commerce_allowed()
    return dataclasses.replace(made, non_commercial=False) if free else made
