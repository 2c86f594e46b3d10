"""Films: single frames written out as images that remember which clip they come from."""

import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence

from course_utils import pictures

CLIP_SUFFIXES = (".3gp", ".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm", ".wmv")
FRAMES = ".frames"  # ending of the folder that holds the frames of a clip
_ANIMATED = (".gif", ".png", ".tif", ".tiff", ".webp")  # read by Pillow
_SLACK = 0.95  # containers count their frames roughly; fewer than this share of them means that the clip is cut off


def extract_frames(
    clip: str | Path,
    folder: str | Path | None = None,
    *,
    every: int | None = None,
    every_s: float | None = None,
    at_most: int | None = None,
) -> list[Path]:
    """Write every n-th frame of a clip, or one every s seconds, as PNG files.

    The frames go to a folder named after the clip (`walk.mp4.frames/000120.png`, counted from 0), which appears once
    all of them are written. `from_folder` takes that name as the group of each frame: neighbouring frames are nearly
    equal, and a split has to keep them together.

    Args:
        clip: a film that OpenCV reads, or an animated GIF, PNG, WebP or a TIFF of several pages.
        folder: where the folder of frames goes; by default beside the clip.
        every: take every n-th frame, from the first on. This or `every_s`.
        every_s: take a frame every so many seconds, by the times that the clip states.
        at_most: stop after so many frames.

    Returns:
        The files, in the order of the clip.

    Raises:
        FileNotFoundError: if there is no such clip.
        ValueError: if it cannot be read, a frame is larger than `pictures.MAX_PIXELS`, the frames are there already,
            or not exactly one of `every` and `every_s` is a positive number.
    """
    clip = Path(clip)
    _check_step(every, every_s, at_most)
    if not clip.is_file():
        raise FileNotFoundError(f"Expected a clip at {clip}, but there is none. Check the spelling.")
    target = (clip.parent if folder is None else Path(folder)) / f"{clip.name}{FRAMES}"
    if target.exists():
        raise ValueError(
            f"Expected no frames of {clip.name} yet, but there is {target}. Move it away to extract again."
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{clip.name}-") as temporary:
        work = Path(temporary) / "frames"
        work.mkdir()
        for written, (number, frame) in enumerate(_chosen(_frames(clip), every, every_s), start=1):
            Image.fromarray(frame).save(work / f"{number:06d}.png")
            if written == at_most:
                break
        if not any(work.iterdir()):
            raise ValueError(f"Expected frames in {clip}, but got none. Does the clip play, and is it whole?")
        work.replace(target)
    return sorted(target.iterdir())


def _check_step(every: int | None, every_s: float | None, at_most: int | None) -> None:
    steps = [step for step in (every, every_s) if step is not None]
    if len(steps) != 1 or steps[0] <= 0 or (at_most is not None and at_most < 1):
        raise ValueError(
            f"Expected one of `every` (frames) and `every_s` (seconds) above 0, and `at_most` 1 or more, but got "
            f"{every}, {every_s} and {at_most}. For two frames a second, pass `every_s=0.5`."
        )


def _chosen(frames, every: int | None, every_s: float | None) -> Iterator[tuple[int, np.ndarray]]:
    """Of (number, seconds, function that decodes it): those wanted, decoded."""
    due = 0.0
    for number, seconds, decode in frames:
        if every is not None and number % every == 0:
            yield number, decode()
        elif every_s is not None and seconds >= due - 1e-6:
            due = max(due + every_s, seconds)
            yield number, decode()


def _frames(clip: Path) -> Iterator[tuple[int, float, object]]:
    return _animated_frames(clip) if clip.suffix.lower() in _ANIMATED else _film_frames(clip)


def _animated_frames(clip: Path) -> Iterator[tuple[int, float, object]]:
    with pictures.opened(clip) as image:
        seconds = 0.0
        for number, frame in enumerate(ImageSequence.Iterator(image)):
            frame.load()  # a WebP states the duration of a frame once it is decoded
            yield number, seconds, lambda frame=frame: pictures.image_to_rgb(frame)
            seconds += frame.info.get("duration", 100) / 1000  # a page of a TIFF has no duration: ten a second


def _film_frames(clip: Path) -> Iterator[tuple[int, float, object]]:
    import cv2

    film = cv2.VideoCapture(str(clip))
    try:
        if not film.isOpened():
            raise ValueError(f"Expected {clip} to be a film, but OpenCV cannot open it. Convert it to MP4 (H.264).")
        size = film.get(cv2.CAP_PROP_FRAME_WIDTH) * film.get(cv2.CAP_PROP_FRAME_HEIGHT)
        if size > pictures.MAX_PIXELS:
            raise ValueError(
                f"Expected {clip} to have at most {pictures.MAX_PIXELS:,} pixels a frame, but got {size:,.0f}."
            )
        rate, announced, number = film.get(cv2.CAP_PROP_FPS), film.get(cv2.CAP_PROP_FRAME_COUNT), 0
        while film.grab():
            stated = film.get(cv2.CAP_PROP_POS_MSEC) / 1000
            yield number, stated or (number / rate if rate > 0 else 0.0), lambda: _retrieved(film, clip)
            number += 1
        if number < _SLACK * announced:
            warnings.warn(f"{clip} announces {announced:.0f} frames, but only {number} can be read", stacklevel=4)
    finally:
        film.release()


def _retrieved(film, clip: Path) -> np.ndarray:
    """The frame that was grabbed last, uint8 (H, W, 3) RGB."""
    whole, frame = film.retrieve()
    if not whole:
        raise ValueError(f"Expected whole frames in {clip}, but one cannot be decoded. Convert the clip, or cut it.")
    return frame[..., ::-1].copy()  # BGR -> RGB
