"""A folder of real life: every odd file is read or reported with the reason, nothing is lost, frames stay together."""

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from course_utils import catalogue, datasets

NOISE = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)


def encoded(image=None, kind="JPEG", **options):
    """The bytes of an image file."""
    buffer = io.BytesIO()
    (Image.fromarray(NOISE) if image is None else image.copy()).save(buffer, format=kind, **options)
    return buffer.getvalue()


def exif(**tags):
    """EXIF with a camera's entries: orientation, taken, gps."""
    made = Image.Exif()
    if "orientation" in tags:
        made[0x0112] = tags["orientation"]
    if "taken" in tags:
        made.get_ifd(0x8769)[0x9003] = tags["taken"]
    if "gps" in tags:
        made.get_ifd(0x8825).update({1: "N", 2: (52.0, 12.0, 0.0), 3: "E", 4: (0.0, 7.0, 0.0)})
    return made


def png_chunks(*chunks, crc=0):
    """A PNG put together by hand; `crc` is added to each checksum."""
    packed = (
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", (zlib.crc32(kind + body) + crc) & 0xFFFFFFFF)
        for kind, body in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def header(width, height, colour=2):
    """The first chunk of a PNG, 8 bits a channel."""
    return b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)


def flipped(content, place):
    """One byte turned round, at a share of the length."""
    at = int(len(content) * place)
    return content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :]


ROWS = zlib.compress(bytes(4 * (1 + 3 * 4)))  # four black rows of four pixels
BROKEN = {  # name: (content, part of the reason)
    "cut_30.jpg": (encoded()[:900], "cut off or damaged"),
    "cut_90.jpg": (encoded()[: int(0.9 * len(encoded()))], "cut off or damaged"),
    "cut.png": (encoded(kind="PNG")[:5000], "cut off or damaged"),
    "cut.gif": (encoded(kind="GIF")[:1500], "cut off or damaged"),
    "cut.webp": (encoded(kind="WEBP")[:1000], "image"),
    "cut.bmp": (encoded(kind="BMP")[:5000], "cut off or damaged"),
    "cut.tif": (encoded(kind="TIFF")[:5000], "image"),
    "wrong_checksum.png": (png_chunks(header(4, 4), (b"IDAT", ROWS), (b"IEND", b""), crc=1), "image"),
    "wrong_data_checksum.png": (flipped(encoded(kind="PNG"), 0.5), "cut off or damaged"),
    "header_only.png": (png_chunks(header(4, 4)), "image"),
    "without_pixels.png": (png_chunks(header(4, 4), (b"IEND", b"")), "cut off or damaged"),
    "size_zero.png": (png_chunks(header(0, 4), (b"IDAT", ROWS), (b"IEND", b"")), "image"),
    "bomb.png": (png_chunks(header(10_000, 6_000), (b"IDAT", ROWS)), "10,000 × 6,000"),
    "large_bomb.png": (png_chunks(header(60_000, 60_000), (b"IDAT", ROWS)), "decompression bomb"),
    "bomb.bmp": (b"BM" + struct.pack("<IIIIiiHHIIiiII", 54, 0, 54, 40, 20000, 20000, 1, 24, 0, 0, 1, 1, 0, 0), "bomb"),
    "empty.jpg": (b"", "it is empty"),
    "zeros.jpg": (bytes(10_000), "no image format"),
    "text.jpg": (b"these are not the pixels you are looking for", "no image format"),
    "page.png": (b"<html><body>404 not found</body></html>", "no image format"),
    "archive.jpg": (b"PK\x03\x04" + bytes(200), "no image format"),
    "program.gif": (b"\x7fELF" + bytes(200), "no image format"),
    "start_only.jpg": (b"\xff\xd8\xff", "image"),
    "float.tif": (encoded(Image.fromarray(np.full((4, 4), 0.5, np.float32)), "TIFF"), "floats"),
    "long.tif": (encoded(Image.fromarray(np.full((4, 4), 70_000, np.int32)), "TIFF"), "8 or 16 bits"),
    "telephone.heic": (b"\0\0\0\x18ftypheic" + bytes(100), "it is HEIC"),
    "telephone.jpg": (b"\0\0\0\x18ftypmif1" + bytes(100), "it is HEIC"),
    "camera.nef": (encoded(kind="TIFF"), "raw file"),
    "camera.CR2": (b"II*\0" + bytes(50), "raw file"),
    "vector.png": (b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>", "no image format"),
    "mac.png": (b"\0\x05\x16\x07\0\x02\0\0Mac OS X        " + bytes(50), "no image format"),
}

GREY = Image.fromarray(NOISE[..., 0])
PALETTE = Image.fromarray(NOISE).quantize(16)
PICTURES = [Image.fromarray(np.full((20, 30, 3), value, np.uint8)) for value in (0, 100, 200)]
SEVERAL = {"save_all": True, "append_images": PICTURES[1:]}
ODD = {  # name: (content, what the row says)
    "plain.jpg": (encoded(), {"mode": "RGB", "format": "JPEG", "size_hw": (60, 80), "oriented": False, "notes": ()}),
    "grey.png": (encoded(GREY, "PNG"), {"mode": "L", "notes": ()}),
    "bilevel.png": (encoded(GREY.convert("1"), "PNG"), {"mode": "1", "notes": ()}),
    "sixteen.png": (encoded(Image.fromarray(np.full((4, 6), 60000, np.uint16)), "PNG"), {"notes": "16 bits"}),
    "sixteen.tif": (encoded(Image.fromarray(np.full((4, 6), 60000, np.uint16)), "TIFF"), {"notes": "16 bits"}),
    "print.jpg": (encoded(Image.fromarray(NOISE).convert("CMYK")), {"mode": "CMYK", "notes": "CMYK"}),
    "print.tif": (encoded(Image.fromarray(NOISE).convert("CMYK"), "TIFF"), {"mode": "CMYK", "notes": "CMYK"}),
    "lab.tif": (encoded(Image.fromarray(NOISE).convert("LAB"), "TIFF"), {"mode": "LAB"}),
    "ycbcr.jpg": (encoded(Image.fromarray(NOISE).convert("YCbCr")), {"mode": "RGB"}),
    "palette.png": (encoded(PALETTE, "PNG"), {"mode": "P", "notes": ()}),
    "see_through.png": (encoded(PALETTE, "PNG", transparency=0), {"mode": "P", "notes": "transparent"}),
    "alpha.png": (encoded(Image.new("RGBA", (8, 6), (0, 0, 0, 9)), "PNG"), {"mode": "RGBA", "notes": "transparent"}),
    "grey_alpha.png": (encoded(Image.new("LA", (8, 6), (0, 9)), "PNG"), {"mode": "LA", "notes": "transparent"}),
    "moving.gif": (encoded(PICTURES[0], "GIF", **SEVERAL), {"frames": 3, "notes": "3 pictures in one file"}),
    "moving.webp": (encoded(PICTURES[0], "WEBP", **SEVERAL), {"frames": 3, "notes": "3 pictures"}),
    "moving.png": (encoded(PICTURES[0], "PNG", **SEVERAL), {"frames": 3, "notes": "3 pictures"}),
    "pages.tif": (encoded(PICTURES[0], "TIFF", **SEVERAL), {"frames": 3, "notes": "3 pictures"}),
    "png_called.jpg": (encoded(kind="PNG"), {"format": "PNG", "notes": "called .jpg, but its content is PNG"}),
    "UPPER.JPEG": (encoded(), {"format": "JPEG"}),
    "camera.jfif": (encoded(), {"format": "JPEG", "notes": ()}),
    "one_pixel.png": (encoded(Image.new("RGB", (1, 1)), "PNG"), {"size_hw": (1, 1)}),
    "name with space and ü.png": (encoded(GREY, "PNG"), {"mode": "L"}),
    "progressive.jpg": (encoded(progressive=True), {"notes": ()}),
    "trailing.jpg": (encoded() + b"\0" * 5000, {"format": "JPEG"}),
    "dated.jpg": (encoded(exif=exif(taken="2026:11:22 10:30:00")), {"taken_at": "2026-11-22T10:30:00"}),
    "no_clock.jpg": (encoded(exif=exif(taken="0000:00:00 00:00:00")), {"taken_at": "", "notes": ()}),
    "odd_clock.jpg": (encoded(exif=exif(taken="yesterday")), {"taken_at": "", "notes": "cannot be read"}),
    "located.jpg": (encoded(exif=exif(gps=True)), {"gps": True}),
    "orientation_9.jpg": (encoded(exif=exif(orientation=9)), {"oriented": False, "notes": "not one of 1 to 8"}),
}


def lay(folder, contents):
    """Write files by name."""
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_are_reported_with_the_reason(tmp_path, name):
    """A file that cannot be used stands in the table of the broken, by name, with a reason that says what it is."""
    content, reason = BROKEN[name]
    capture = catalogue.from_folder(lay(tmp_path, {name: content}))
    assert capture.images == () and [row.file for row in capture.broken] == [name]
    assert reason in capture.broken[0].reason and str(tmp_path) not in capture.broken[0].reason


@pytest.mark.parametrize("name", ODD)
def test_odd_files_are_read_and_what_is_odd_is_said(tmp_path, name):
    """A file that can be used stands in the table of images, with what a user has to know; `read_image` agrees."""
    content, wanted = ODD[name]
    capture = catalogue.from_folder(lay(tmp_path, {name: content}))
    assert capture.broken == () and [row.file for row in capture.images] == [name]
    row = capture.images[0]
    for key, value in wanted.items():
        if key == "notes" and value:
            assert value in " ".join(row.notes)
        else:
            assert getattr(row, key) == value, key
    assert row.group == name and datasets.read_image(capture.paths()[0]).shape == (*row.size_hw, 3)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_table_speaks_of_the_upright_picture(tmp_path, orientation):
    """Orientations 5 to 8 swap height and width; all but 1 are marked."""
    lay(tmp_path, {"a.jpg": encoded(exif=exif(orientation=orientation))})
    row = catalogue.from_folder(tmp_path).images[0]
    assert row.size_hw == ((60, 80) if orientation < 5 else (80, 60)) and row.oriented == (orientation > 1)


def test_all_of_it_in_one_folder(tmp_path):
    """More than sixty files at once: each stands in exactly one table, sorted, and nothing is deleted or changed."""
    contents = {name: content for name, (content, _) in (BROKEN | ODD).items()}
    lay(tmp_path, contents)
    capture = catalogue.from_folder(tmp_path)
    assert [row.file for row in capture.images] == sorted(ODD) and [row.file for row in capture.broken] == sorted(
        BROKEN
    )
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == contents
    assert len(BROKEN) >= 30 and "licence: unknown · people and consent: unknown" in capture.summary()
    assert "1 images tell where they were taken" in capture.summary()


def test_what_is_no_image_is_left_alone(tmp_path):
    """Texts and sidecars are other files, films are clips, hidden files are passed over."""
    names = ("notes.txt", "IMG_1.xmp", "Thumbs.db", "film.MP4", ".DS_Store", "._a.jpg", ".cache/a.jpg")
    capture = catalogue.from_folder(lay(tmp_path, dict.fromkeys(names, b"x")))
    assert capture.others == ("IMG_1.xmp", "Thumbs.db", "notes.txt") and capture.clips == ("film.MP4",)
    assert capture.images == capture.broken == () and capture.card.examples == 0


def test_an_empty_folder_is_an_empty_capture(tmp_path):
    """No files, no rows; a folder that is not there is refused."""
    capture = catalogue.from_folder(tmp_path)
    assert capture.images == () and capture.summary().startswith("0 images in 0 groups, 0 broken")
    with pytest.raises(FileNotFoundError, match=r"Expected a folder at .*nowhere, but there is none"):
        catalogue.from_folder(tmp_path / "nowhere")


def test_folders_inside_are_looked_into_when_asked(tmp_path):
    """Names below the folder are given with slashes; without `recursive` only the top counts."""
    lay(tmp_path, {"a.jpg": encoded(), "day 1/b.jpg": encoded(GREY), "day 1/deep/c.jpg": encoded(PICTURES[0])})
    names = [row.file for row in catalogue.from_folder(tmp_path).images]
    assert names == ["a.jpg", "day 1/b.jpg", "day 1/deep/c.jpg"]
    assert [row.file for row in catalogue.from_folder(tmp_path, recursive=False).images] == ["a.jpg"]


def test_a_folder_called_like_an_image_is_reported_and_looked_into(tmp_path):
    """A folder named x.png is no image; an image inside it is."""
    lay(tmp_path, {"x.png/a.jpg": encoded()})
    capture = catalogue.from_folder(tmp_path, set_aside=True)
    assert [(row.file, row.reason) for row in capture.broken] == [("x.png", "a folder that is called like an image")]
    assert [row.file for row in capture.images] == ["x.png/a.jpg"]


def test_links_are_not_followed_out_of_the_folder(tmp_path):
    """A link to a file elsewhere, to a folder elsewhere, to nothing and to a file inside are told apart; none moves."""
    outside, inside = lay(tmp_path / "outside", {"secret.jpg": encoded()}), tmp_path / "inside"
    lay(inside, {"a.jpg": encoded()})
    targets = {"b.jpg": outside / "secret.jpg", "c": outside, "d.jpg": inside / "gone", "e.jpg": inside / "a.jpg"}
    for name, target in targets.items():
        (inside / name).symlink_to(target)
    capture = catalogue.from_folder(inside, set_aside=True)
    reasons = {row.file: row.reason for row in capture.broken}
    assert set(reasons) == set(targets) and [row.file for row in capture.images] == ["a.jpg"]
    assert all("leads out of the folder" in reasons[name] for name in ("b.jpg", "c"))
    assert reasons["d.jpg"] == "a link to nothing" and "listed itself" in reasons["e.jpg"]
    assert all((inside / name).is_symlink() for name in targets)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
def test_a_pipe_does_not_hang_the_reader(tmp_path):
    """A pipe with an image's name is reported without being opened."""
    os.mkfifo(tmp_path / "a.jpg")
    assert "a pipe or a device" in catalogue.from_folder(tmp_path).broken[0].reason


def test_a_file_that_may_not_be_read_is_reported(tmp_path, monkeypatch):
    """An error of the disk is the reason of one row, not the end of the look through the folder."""
    lay(tmp_path, {"a.jpg": encoded(), "b.jpg": encoded(GREY)})
    own = Image.open

    def denied(path, *args, **kwargs):
        if Path(path).name == "a.jpg":
            raise PermissionError(13, "Permission denied")
        return own(path, *args, **kwargs)

    monkeypatch.setattr(Image, "open", denied)
    capture = catalogue.from_folder(tmp_path)
    assert "Permission denied" in capture.broken[0].reason and [row.file for row in capture.images] == ["b.jpg"]


def test_broken_files_are_set_aside_when_asked_and_never_lost(tmp_path):
    """They move to `set_aside`, in their folders, under free names, and are not looked at again."""
    lay(tmp_path, {"a.jpg": b"no", "day/a.jpg": b"nor this", "b.jpg": encoded()})
    first = catalogue.from_folder(tmp_path, set_aside=True)
    assert [row.file for row in first.broken] == ["set_aside/a.jpg", "set_aside/day/a.jpg"]
    lay(tmp_path, {"a.jpg": b"another"})
    second = catalogue.from_folder(tmp_path, set_aside=True)
    assert [row.file for row in second.broken] == ["set_aside/a (2).jpg"] and len(second.images) == 1
    found = {path.relative_to(tmp_path).as_posix(): path.read_bytes() for path in tmp_path.rglob("*.jpg")}
    assert found["set_aside/a.jpg"] == b"no" and found["set_aside/a (2).jpg"] == b"another"
    assert found["set_aside/day/a.jpg"] == b"nor this" and catalogue.from_folder(tmp_path).broken == ()


def test_copies_are_noted(tmp_path):
    """The same bytes under another name carry a note with the first name."""
    lay(tmp_path, {"a.jpg": encoded(), "b.jpg": encoded()})
    assert catalogue.from_folder(tmp_path).images[1].notes == ("the same file as a.jpg",)


def test_copies_share_the_group_of_their_original(tmp_path):
    """A copy stays with its original, whatever stands between, and a copy of a frame joins the clip."""
    frame, other = encoded(PICTURES[0], "PNG"), encoded(PICTURES[1], "PNG")
    lay(tmp_path, {"a.jpg": encoded(), "b.jpg": encoded(GREY), "c.jpg": encoded(), "still.png": frame})
    lay(tmp_path, {"walk.avi.frames/0.png": frame, "walk.avi.frames/1.png": other})
    groups = {row.file: row.group for row in catalogue.from_folder(tmp_path).images}
    assert groups["c.jpg"] == groups["a.jpg"] == "a.jpg" and groups["b.jpg"] == "b.jpg"
    assert {groups[f"walk.avi.frames/{number}.png"] for number in (0, 1)} == {groups["still.png"]} == {"walk.avi"}


def test_clips_that_share_a_frame_are_one_group(tmp_path):
    """The same file in two clips joins them with all their frames; a third clip stays alone."""
    frames = [encoded(picture, "PNG") for picture in PICTURES]
    lay(tmp_path, {"x.avi.frames/0.png": frames[0], "x.avi.frames/1.png": frames[1]})
    lay(
        tmp_path,
        {"y.avi.frames/0.png": frames[1], "y.avi.frames/1.png": encoded(GREY), "z.avi.frames/0.png": frames[2]},
    )
    assert [row.group for row in catalogue.from_folder(tmp_path).images] == ["x.avi"] * 4 + ["z.avi"]


# capture.yml


def test_capture_yml_fills_the_card(tmp_path):
    """Licence, consent and the rest come from the file beside the pictures; the rest is unknown and non-commercial."""
    unknown = catalogue.from_folder(lay(tmp_path, {"a.jpg": encoded()})).card
    assert (unknown.licence, unknown.people_and_consent, unknown.non_commercial) == ("unknown", "unknown", True)
    assert unknown.examples == 1 and unknown.access == "folder" and unknown.kind == "real"
    (tmp_path / "capture.yml").write_text("licence: CC BY-NC 4.0\npeople_and_consent: two friends, who agreed\n")
    told = catalogue.from_folder(tmp_path).card
    assert told.people_and_consent == "two friends, who agreed" and told.non_commercial and told.licence_known()
    for licence, non_commercial in (("CC0", False), ("my own", True), ("n/a", True), ("none stated", True)):
        (tmp_path / "capture.yml").write_text(f"licence: {licence}\n")
        assert catalogue.from_folder(tmp_path).card.non_commercial == non_commercial


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("licence: CC BY 4.0\n  people: [", r"capture\.yml, line 2 to be YAML"),
        ("- a list", "to hold lines such as .* but got list"),
        ("license: CC0", "to be among title, .*, but got 'license'. Rename it"),
        ("licence: 4.0", "`licence` in .* to be str, but got 4.0"),
        ("non_commercial: perhaps", "`non_commercial` in .* to be bool, but got 'perhaps'"),
        ("title: \x00", r"capture\.yml.* to be YAML"),
    ],
)
def test_wrong_capture_files_are_refused(tmp_path, text, message):
    """A file that does not parse, a misspelt field and a value of another kind are refused with line or field."""
    (tmp_path / "capture.yml").write_text(text)
    with pytest.raises(ValueError, match=message):
        catalogue.from_folder(tmp_path)


# frames of clips


def write_clip(path, n=10, rate=10.0, size=(64, 48), noise=0):
    """A film whose n-th frame is 20 n bright, with noise if wanted."""
    import cv2

    film = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), rate, size)
    for number in range(n):
        grain = np.random.default_rng(0).integers(0, 1 + noise, (size[1], size[0], 3))
        film.write((20 * number + grain).astype(np.uint8))
    film.release()
    return path


def levels(paths):
    """Brightness of each frame in steps of 20."""
    return [round(datasets.read_image(path).mean() / 20) for path in paths]


@pytest.mark.parametrize(
    ("step", "numbers"),
    [
        ({"every": 1}, list(range(10))),
        ({"every": 4}, [0, 4, 8]),
        ({"every_s": 0.3}, [0, 3, 6, 9]),
        ({"every_s": 0.01}, list(range(10))),
        ({"every": 20}, [0]),
        ({"every": 2, "at_most": 2}, [0, 2]),
    ],
)
def test_frames_of_a_film_are_those_asked_for(tmp_path, step, numbers):
    """Every n-th frame, or one every s seconds, named by its number in the clip."""
    frames = catalogue.extract_frames(write_clip(tmp_path / "walk.avi"), **step)
    assert [path.name for path in frames] == [f"{number:06d}.png" for number in numbers]
    assert levels(frames) == numbers and frames[0].parent == tmp_path / "walk.avi.frames"


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png", ".tif"])
def test_frames_of_animations_are_read_as_well(tmp_path, suffix):
    """Animated GIF, WebP and PNG, and the pages of a TIFF, give their pictures in order."""
    path = tmp_path / f"walk{suffix}"
    PICTURES[0].save(path, **SEVERAL, **({} if suffix == ".tif" else {"duration": 500}))
    assert levels(catalogue.extract_frames(path, every=1)) == [0, 5, 10]
    assert levels(catalogue.extract_frames(path, tmp_path / "slow", every_s=1 if suffix != ".tif" else 0.2)) == [0, 10]


def test_frames_of_one_clip_share_a_group(tmp_path):
    """In the table, frames carry the name of their clip, and photographs their own."""
    catalogue.extract_frames(write_clip(tmp_path / "walk.avi"), every=5)
    lay(tmp_path, {"a.jpg": encoded()})
    capture = catalogue.from_folder(tmp_path)
    assert [row.group for row in capture.images] == ["a.jpg", "walk.avi", "walk.avi"] and capture.clips == ("walk.avi",)


def test_colours_of_a_film_are_not_swapped(tmp_path):
    """A red film gives red frames: OpenCV's order of channels is turned round."""
    import cv2

    film = cv2.VideoWriter(str(tmp_path / "red.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 5, (32, 32))
    film.write(np.full((32, 32, 3), (0, 0, 255), np.uint8))
    film.release()
    red = datasets.read_image(catalogue.extract_frames(tmp_path / "red.avi", every=1)[0]).mean(axis=(0, 1))
    assert red[0] > 240 and red[1:].max() < 15


def test_broken_clips_are_refused_and_leave_nothing(tmp_path):
    """A text called film and a film without frames are refused; one that is cut off gives what it has, and warns."""
    lay(tmp_path, {"text.mp4": b"no film", "one.gif": b"GIF89a"})
    for name in ("text.mp4", "one.gif"):
        with pytest.raises(ValueError, match=name):
            catalogue.extract_frames(tmp_path / name, every=1)
    whole = write_clip(tmp_path / "walk.avi", size=(640, 480), noise=60).read_bytes()
    (tmp_path / "cut.avi").write_bytes(whole[: int(0.6 * len(whole))])
    with pytest.warns(UserWarning, match="announces 10 frames, but only"):
        assert 3 <= len(catalogue.extract_frames(tmp_path / "cut.avi", every=1)) <= 7
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["cut.avi.frames"]


def test_frames_are_not_mixed_with_older_ones(tmp_path):
    """A second extraction beside the first is refused; a step that is none, and a missing clip, too."""
    clip = write_clip(tmp_path / "walk.avi")
    catalogue.extract_frames(clip, every=5)
    with pytest.raises(ValueError, match=r"no frames of walk\.avi yet, but there is .*walk\.avi\.frames"):
        catalogue.extract_frames(clip, every=2)
    for step in ({}, {"every": 1, "every_s": 1.0}, {"every": 0}, {"every_s": -1.0}, {"every": 1, "at_most": 0}):
        with pytest.raises(ValueError, match="Expected one of `every`"):
            catalogue.extract_frames(clip, **step)
    with pytest.raises(FileNotFoundError, match=r"Expected a clip at .*gone"):
        catalogue.extract_frames(tmp_path / "gone.mp4", every=1)


# the example


def test_the_example_folder_has_every_fault_that_it_names(tmp_path):
    """Each file stands in the table that its fault leads to, and the pictures are the photographs."""
    faults = catalogue.write_example_folder(tmp_path / "mine")
    capture = catalogue.from_folder(tmp_path / "mine")
    images = {row.file: row for row in capture.images}
    assert {*images, *(row.file for row in capture.broken)} == set(faults) and len(images) == 7
    assert images["IMG_0001.jpg"].oriented and images["IMG_0001.jpg"].taken_at == "2026-11-21T09:30:00"
    assert [name for name, row in images.items() if row.gps] == ["IMG_0002.jpg", "copy of IMG_0002.jpg"]
    assert images["for print.tif"].mode == "CMYK" and images["burst.gif"].frames == 2
    cat, camera = catalogue.load_photos("chelsea", "camera").values()
    assert np.abs(datasets.read_image(tmp_path / "mine" / "IMG_0001.jpg").astype(int) - cat).mean() < 5
    assert np.abs(datasets.read_image(tmp_path / "mine" / "scan.png").astype(int) - camera).max() <= 1
