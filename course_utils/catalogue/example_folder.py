"""A folder of pictures with the faults of real life, for those who have none at hand yet."""

import struct
from pathlib import Path

import numpy as np
from PIL import Image

from course_utils.catalogue.packaged import load_photos


def write_example_folder(folder: str | Path) -> dict[str, str]:
    """Write files as a telephone, a scanner, a web page and a broken memory card leave them.

    The pictures are photographs of scikit-image in the public domain or under CC0; the faults are ours.

    Args:
        folder: where they go; made if it is not there.

    Returns:
        What is the matter with each file, by its name.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    photos = {name: Image.fromarray(pixels) for name, pixels in load_photos().items()}
    return _write_odd(folder, photos) | _write_broken(folder)


def _write_odd(folder: Path, photos: dict[str, Image.Image]) -> dict[str, str]:
    """Files that can be read, by whoever reads with care."""
    turned = _exif(orientation=6, taken="2026:11:21 09:30:00")
    photos["chelsea"].rotate(90, expand=True).save(folder / "IMG_0001.jpg", exif=turned, quality=90)
    placed = _exif(taken="2026:11:21 09:31:10", latitude=(52.0, 12.0, 0.0))
    photos["coffee"].save(folder / "IMG_0002.jpg", exif=placed)
    (folder / "copy of IMG_0002.jpg").write_bytes((folder / "IMG_0002.jpg").read_bytes())
    photos["rocket"].convert("CMYK").save(folder / "for print.tif")
    grey = np.asarray(photos["camera"])[..., 0].astype(np.uint32)
    grain = np.random.default_rng(0).integers(0, 129, grey.shape)  # less than half a step of 8 bits
    Image.fromarray((grey * 257 + grain).clip(0, 65535).astype(np.uint16)).save(folder / "scan.png")
    photos["astronaut"].resize((128, 128)).quantize(32).save(folder / "icon.png", transparency=0)
    photos["clock"].save(folder / "burst.gif", save_all=True, append_images=[photos["brick"]])
    return {
        **{"IMG_0001.jpg": "lies on its side", "IMG_0002.jpg": "tells where it was taken"},
        **{"copy of IMG_0002.jpg": "is there twice", "for print.tif": "holds inks", "scan.png": "has 16 bits a pixel"},
        **{"icon.png": "is transparent in places", "burst.gif": "holds two pictures"},
    }


def _write_broken(folder: Path) -> dict[str, str]:
    """Files that nobody can use."""
    whole = (folder / "IMG_0002.jpg").read_bytes()
    (folder / "IMG_0003.jpg").write_bytes(whole[: len(whole) // 3])
    (folder / "IMG_0004.HEIC").write_bytes(b"\0\0\0\x18ftypheic" + bytes(100))
    (folder / "IMG_0005.jpg").touch()
    (folder / "download.jpg").write_text("<html>404: not found</html>")
    header = struct.pack("<IIIIiiHHIIiiII", 54, 0, 54, 40, 20000, 20000, 1, 24, 0, 0, 1, 1, 0, 0)
    (folder / "huge.bmp").write_bytes(b"BM" + header)
    return {
        **{"IMG_0003.jpg": "is cut off", "IMG_0004.HEIC": "is in a telephone's own format", "IMG_0005.jpg": "is empty"},
        **{"download.jpg": "is a page", "huge.bmp": "announces 400 million pixels in 54 bytes"},
    }


def _exif(*, orientation: int = 1, taken: str = "", latitude: tuple[float, float, float] | None = None) -> Image.Exif:
    """What a camera notes beside the pixels."""
    made = Image.Exif()
    made[0x0112] = orientation
    made.get_ifd(0x8769)[0x9003] = taken
    if latitude:
        made.get_ifd(0x8825).update({1: "N", 2: latitude, 3: "E", 4: (0.0, 7.0, 0.0)})
    return made
