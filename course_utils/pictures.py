"""Image files as cameras and people really make them: read upright as RGB, or refused with the reason."""

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

IMAGE_SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
MAX_PIXELS = 50_000_000  # 150 MB decoded; a larger file is more likely an attack or a scan than a photograph
SIXTEEN_BIT = ("I;16", "I;16L", "I;16B", "I;16N", "I")  # modes of Pillow whose values go to 65535
_HEIF = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")  # brands after "ftyp" in a HEIF file


def read_image(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Read an image file as RGB, the way a person would see it.

    The orientation noted by the camera (EXIF) is applied. 16-bit values are scaled to 8 bits over the full range:
    65535 becomes 255. Grey, palette and CMYK become RGB; what is transparent becomes white; of an animation the first
    frame counts.

    Args:
        path: file in any format that Pillow reads.
        max_pixels: limit of width × height, checked before anything is decoded.

    Returns:
        uint8 (H, W, 3), RGB, 0 … 255.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is no image, is cut off or damaged, has more than `max_pixels` pixels (a decompression
            bomb), or holds values without a known range (float, 32-bit); naming the file and what to do.
        OSError: if the file may not be read.
    """
    with opened(path, max_pixels=max_pixels) as image:
        return image_to_rgb(ImageOps.exif_transpose(image))


@contextlib.contextmanager
def opened(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> Iterator[Image.Image]:
    """Open an image file with Pillow, its size checked before anything is decoded.

    Whatever goes wrong inside the block counts against the file and is told as `read_image` tells it.

    Args:
        path: file in any format that Pillow reads.
        max_pixels: limit of width × height.

    Yields:
        The image, not decoded yet.

    Raises:
        FileNotFoundError, ValueError, OSError: as `read_image`.
    """
    path = Path(path)
    if not path.is_file():
        remedy = "List its images with `list_images`." if path.is_dir() else "Check the spelling and the folder."
        raise FileNotFoundError(f"Expected an image file at {path}, but there is none. {remedy}")
    try:
        with _open_within(path, max_pixels) as image:
            yield image
    except _Refused as refusal:
        raise ValueError(f"Expected {path} {refusal}") from None
    except Image.UnidentifiedImageError:
        raise ValueError(f"Expected {path} to be an image, but {_what_it_is(path)}") from None
    except Exception as error:  # Pillow's decoders raise a dozen types on damaged files
        if getattr(error, "errno", None) is not None:  # but this is the disk: no permission, no answer
            raise
        raise ValueError(
            f"Expected {path} to be a whole image, but it is cut off or damaged ({error}). "
            "Copy or download it again, or remove it."
        ) from error


def image_to_rgb(image: Image.Image) -> np.ndarray:
    """The pixels of an opened image as uint8 (H, W, 3), as `read_image` describes; its orientation is left alone.

    Raises inside `opened`, which names the file.
    """
    if image.mode in SIXTEEN_BIT:
        return _sixteen_bit_to_rgb(np.asarray(image))
    if image.mode == "F":
        raise _Refused("to hold whole numbers, but it holds floats, whose range no file states. Scale them yourself.")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.array(image.convert("RGB"))


class _Refused(Exception):
    """Why a file that may well be whole is not read; the text goes on after 'Expected <path> '."""


def _open_within(path: Path, max_pixels: int) -> Image.Image:
    """Open a file without decoding it, unless its header announces too many pixels."""
    limit = f"to have at most {max_pixels:,} pixels, but"
    remedy = "It may be a decompression bomb: trust it before you raise `max_pixels`, or scale it down."
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # Pillow's own limit; ours is told below
        try:
            image = Image.open(path)
        except Image.DecompressionBombError:
            raise _Refused(f"{limit} it announces more than twice Pillow's own limit. {remedy}") from None
    if image.width * image.height > max_pixels:
        image.close()
        raise _Refused(f"{limit} it announces {image.width:,} × {image.height:,}. {remedy}")
    return image


def _what_it_is(path: Path) -> str:
    """Why Pillow does not know a file, and what to do: a telephone's HEIC is the usual case."""
    with open(path, "rb") as file:
        start = file.read(12)
    if start[4:8] == b"ftyp" and start[8:12] in _HEIF:
        return (
            "it is HEIC, which only some programs read. Let the telephone save JPEG (iOS: Camera, Formats, Most "
            "Compatible), or convert it."
        )
    if not start:
        return "it is empty: its content is in no image format. Copy it again, or remove it."
    return "its content is in no image format. Remove it, or is the suffix wrong?"


def _sixteen_bit_to_rgb(values: np.ndarray) -> np.ndarray:
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > 65535:
        raise _Refused(f"to hold values of 8 or 16 bits, but got {low} … {high}. Scale them to 0 … 65535 first.")
    grey = ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)  # 65535 / 255 = 257, rounded to the nearest
    return np.stack([grey] * 3, axis=-1)  # (H, W) -> (H, W, 3)
