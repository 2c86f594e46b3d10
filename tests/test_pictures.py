"""Image files are read as a person sees them, or refused with the reason."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from course_utils import datasets, pictures


def corner_picture(height=24, width=40):
    """Black, with a white block in the upper left corner, so that every turn shows."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[:8, :8] = 255
    return picture


def png_header(width, height):
    """A PNG that announces its size and holds next to no pixels, put together by hand from the standard."""
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(bytes(100)))]
    packed = (
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".webp", ".gif"])
def test_formats_without_loss_give_the_pixels_that_were_written(tmp_path, suffix):
    """An RGB picture comes back exactly, from every format that keeps pixels."""
    picture = corner_picture()
    Image.fromarray(picture).save(tmp_path / f"a{suffix}", **({"lossless": True} if suffix == ".webp" else {}))
    read = pictures.read_image(str(tmp_path / f"a{suffix}"))
    assert read.dtype == np.uint8 and np.array_equal(read, picture)


# EXIF orientation -> what a viewer must do with the stored pixels, as the standard says, by NumPy's own turns
EXIF_TURNS = {
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
    8: lambda a: np.rot90(a, 1),
}


@pytest.mark.parametrize(("orientation", "turn"), EXIF_TURNS.items())
def test_exif_orientation_is_applied(tmp_path, orientation, turn):
    """A photograph taken with the camera turned is read upright, for each of the eight orientations."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(corner_picture()).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(pictures.read_image(tmp_path / "a.png"), turn(corner_picture()))


def test_sixteen_bits_become_eight_over_the_full_range(tmp_path):
    """Each 16-bit value becomes round(value / 257); black stays 0 and 65535 becomes 255."""
    values = np.linspace(0, 65535, 24 * 40).astype(np.uint16).reshape(24, 40)
    for suffix in (".png", ".tif"):
        Image.fromarray(values).save(tmp_path / f"a{suffix}")
        read = pictures.read_image(tmp_path / f"a{suffix}")
        by_hand = np.array([[round(int(value) / 257) for value in row] for row in values])
        assert read.shape == (24, 40, 3) and all(np.array_equal(read[..., c], by_hand) for c in range(3))


def test_palette_with_transparency_shows_white_where_nothing_is(tmp_path):
    """Index 0 is transparent red: it is read as white, the opaque blue index as blue."""
    image = Image.fromarray(np.array([[0, 1]], np.uint8)).convert("L")
    image = Image.frombytes("P", (2, 1), image.tobytes())
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.save(tmp_path / "a.png", transparency=0)
    assert pictures.read_image(tmp_path / "a.png").tolist() == [[[255, 255, 255], [0, 0, 255]]]


def test_half_transparent_pixels_are_mixed_with_white(tmp_path):
    """Black at alpha 51 of 255 is a fifth of black over white: 204; grey with alpha likewise."""
    Image.new("RGBA", (3, 2), (0, 0, 0, 51)).save(tmp_path / "rgba.png")
    Image.new("LA", (3, 2), (0, 51)).save(tmp_path / "la.png")
    for name in ("rgba.png", "la.png"):
        assert np.array_equal(pictures.read_image(tmp_path / name), np.full((2, 3, 3), 204))


def test_cmyk_and_grey_and_bilevel_become_rgb(tmp_path):
    """No ink is white, full cyan has no red, grey has equal channels, and one-bit white is 255."""
    Image.new("CMYK", (8, 8), (255, 0, 0, 0)).save(tmp_path / "cyan.jpg", quality=100)
    Image.new("L", (8, 8), 77).save(tmp_path / "grey.png")
    Image.new("1", (8, 8), 1).save(tmp_path / "bilevel.png")
    assert np.abs(pictures.read_image(tmp_path / "cyan.jpg").astype(int) - [0, 255, 255]).max() <= 3
    assert np.array_equal(pictures.read_image(tmp_path / "grey.png"), np.full((8, 8, 3), 77))
    assert np.array_equal(pictures.read_image(tmp_path / "bilevel.png"), np.full((8, 8, 3), 255))


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".gif", ".webp", ".bmp"])
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9])
def test_truncated_files_are_refused(tmp_path, suffix, kept):
    """A file cut off anywhere is refused with its name and the remedy, not read as a half grey picture."""
    noise = np.random.default_rng(0).integers(0, 256, (60, 60, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, format=Image.registered_extensions()[suffix])
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(buffer.getvalue()[: int(len(buffer.getvalue()) * kept)])
    with pytest.raises(ValueError, match=rf"Expected .*cut{suffix} to be (a whole|an) image, but .* (again|Remove it)"):
        pictures.read_image(path)


@pytest.mark.parametrize(
    ("width", "height", "message"),
    [
        (10_000, 6_000, "10,000 × 6,000"),
        (12_000, 12_000, "12,000 × 12,000"),  # Pillow warns from 89 million on
        (60_000, 60_000, "more than twice Pillow's own limit"),  # and refuses from 179 million on
    ],
)
def test_decompression_bombs_are_refused_before_decoding(tmp_path, width, height, message, recwarn):
    """A header that announces too many pixels is enough to refuse, without a warning of Pillow's beside it."""
    (tmp_path / "bomb.png").write_bytes(png_header(width, height))
    message = rf"bomb\.png to have at most 50,000,000 pixels, but it announces {message}.*before you raise"
    with pytest.raises(ValueError, match=message):
        pictures.read_image(tmp_path / "bomb.png")
    assert [str(warning.message) for warning in recwarn] == []


def test_pixel_limit_is_exact(tmp_path):
    """A picture of exactly `max_pixels` is read, one row more is refused."""
    Image.new("RGB", (10, 10)).save(tmp_path / "a.png")
    assert pictures.read_image(tmp_path / "a.png", max_pixels=100).shape == (10, 10, 3)
    with pytest.raises(ValueError, match="to have at most 99 pixels"):
        pictures.read_image(tmp_path / "a.png", max_pixels=99)


@pytest.mark.parametrize("content", [b"", b"hello, I am a text", b"PK\x03\x04" + bytes(100)])
def test_files_that_are_no_images_are_refused(tmp_path, content):
    """An empty file, a text and an archive with an image's suffix are told apart from damaged images."""
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.jpg to be an image, but .*its content is in no image format"):
        pictures.read_image(tmp_path / "a.jpg")


def test_values_without_a_range_are_refused(tmp_path):
    """Float pixels and 32-bit values have no known white, so they are refused rather than guessed."""
    Image.fromarray(np.full((4, 4), 0.5, np.float32)).save(tmp_path / "float.tif")
    Image.fromarray(np.full((4, 4), 70_000, np.int32)).save(tmp_path / "long.tif")
    with pytest.raises(ValueError, match=r"float\.tif to hold whole numbers, but it holds floats"):
        pictures.read_image(tmp_path / "float.tif")
    with pytest.raises(ValueError, match=r"long\.tif to hold values of 8 or 16 bits, but got 70000 … 70000"):
        pictures.read_image(tmp_path / "long.tif")


def test_missing_files_and_folders_are_told_apart(tmp_path):
    """A path to nothing says to check it, a path to a folder says how to list it."""
    with pytest.raises(FileNotFoundError, match=r"nothing\.png, but there is none. Check the spelling"):
        pictures.read_image(tmp_path / "nothing.png")
    with pytest.raises(FileNotFoundError, match="List its images with `list_images`"):
        pictures.read_image(tmp_path)


@pytest.mark.parametrize("brand", [b"heic", b"mif1"])
def test_a_telephones_heic_is_named(tmp_path, brand):
    """A file of the kind that telephones write is told apart, with the setting that avoids it."""
    (tmp_path / "IMG_0001.HEIC").write_bytes(b"\0\0\0\x18ftyp" + brand + bytes(40))
    with pytest.raises(ValueError, match=r"IMG_0001\.HEIC to be an image, but it is HEIC.*Most Compatible"):
        pictures.read_image(tmp_path / "IMG_0001.HEIC")


def test_data_sets_read_images_the_same_way():
    """`datasets` hands on the reader and its limits."""
    assert datasets.read_image is pictures.read_image and datasets.MAX_PIXELS == pictures.MAX_PIXELS
