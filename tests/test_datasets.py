"""Images are read as a person sees them or refused with the reason; batches keep image and annotations together."""

import io
import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader
from torchvision import tv_tensors

from course_utils import datasets
from course_utils.annotations import ImageAnnotations


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


def annotations(size_hw, *, boxes=((1.0, 1.0, 3.0, 2.0),), masks=False):
    """Annotations with the given boxes, class 0, and filled masks if wanted."""
    tensor = torch.tensor(boxes).reshape(-1, 4)
    filled = torch.zeros(len(tensor), *size_hw, dtype=torch.bool)
    for mask, (x1, y1, x2, y2) in zip(filled, tensor.int().tolist(), strict=True):
        mask[y1:y2, x1:x2] = True
    return ImageAnnotations(size_hw, tensor, torch.zeros(len(tensor), dtype=torch.int64), filled if masks else None)


# reading


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".webp", ".gif"])
def test_formats_without_loss_give_the_pixels_that_were_written(tmp_path, suffix):
    """An RGB picture comes back exactly, from every format that keeps pixels."""
    picture = corner_picture()
    Image.fromarray(picture).save(tmp_path / f"a{suffix}", **({"lossless": True} if suffix == ".webp" else {}))
    read = datasets.read_image(str(tmp_path / f"a{suffix}"))
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
    assert np.array_equal(datasets.read_image(tmp_path / "a.png"), turn(corner_picture()))


def test_sixteen_bits_become_eight_over_the_full_range(tmp_path):
    """Each 16-bit value becomes round(value / 257); black stays 0 and 65535 becomes 255."""
    values = np.linspace(0, 65535, 24 * 40).astype(np.uint16).reshape(24, 40)
    for suffix in (".png", ".tif"):
        Image.fromarray(values).save(tmp_path / f"a{suffix}")
        read = datasets.read_image(tmp_path / f"a{suffix}")
        by_hand = np.array([[round(int(value) / 257) for value in row] for row in values])
        assert read.shape == (24, 40, 3) and all(np.array_equal(read[..., c], by_hand) for c in range(3))


def test_palette_with_transparency_shows_white_where_nothing_is(tmp_path):
    """Index 0 is transparent red: it is read as white, the opaque blue index as blue."""
    image = Image.fromarray(np.array([[0, 1]], np.uint8)).convert("L")
    image = Image.frombytes("P", (2, 1), image.tobytes())
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.save(tmp_path / "a.png", transparency=0)
    assert datasets.read_image(tmp_path / "a.png").tolist() == [[[255, 255, 255], [0, 0, 255]]]


def test_half_transparent_pixels_are_mixed_with_white(tmp_path):
    """Black at alpha 51 of 255 is a fifth of black over white: 204; grey with alpha likewise."""
    Image.new("RGBA", (3, 2), (0, 0, 0, 51)).save(tmp_path / "rgba.png")
    Image.new("LA", (3, 2), (0, 51)).save(tmp_path / "la.png")
    for name in ("rgba.png", "la.png"):
        assert np.array_equal(datasets.read_image(tmp_path / name), np.full((2, 3, 3), 204))


def test_cmyk_and_grey_and_bilevel_become_rgb(tmp_path):
    """No ink is white, full cyan has no red, grey has equal channels, and one-bit white is 255."""
    Image.new("CMYK", (8, 8), (255, 0, 0, 0)).save(tmp_path / "cyan.jpg", quality=100)
    Image.new("L", (8, 8), 77).save(tmp_path / "grey.png")
    Image.new("1", (8, 8), 1).save(tmp_path / "bilevel.png")
    assert np.abs(datasets.read_image(tmp_path / "cyan.jpg").astype(int) - [0, 255, 255]).max() <= 3
    assert np.array_equal(datasets.read_image(tmp_path / "grey.png"), np.full((8, 8, 3), 77))
    assert np.array_equal(datasets.read_image(tmp_path / "bilevel.png"), np.full((8, 8, 3), 255))


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
        datasets.read_image(path)


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
        datasets.read_image(tmp_path / "bomb.png")
    assert [str(warning.message) for warning in recwarn] == []


def test_pixel_limit_is_exact(tmp_path):
    """A picture of exactly `max_pixels` is read, one row more is refused."""
    Image.new("RGB", (10, 10)).save(tmp_path / "a.png")
    assert datasets.read_image(tmp_path / "a.png", max_pixels=100).shape == (10, 10, 3)
    with pytest.raises(ValueError, match="to have at most 99 pixels"):
        datasets.read_image(tmp_path / "a.png", max_pixels=99)


@pytest.mark.parametrize("content", [b"", b"hello, I am a text", b"PK\x03\x04" + bytes(100)])
def test_files_that_are_no_images_are_refused(tmp_path, content):
    """An empty file, a text and an archive with an image's suffix are told apart from damaged images."""
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.jpg to be an image, but its content is in no image format"):
        datasets.read_image(tmp_path / "a.jpg")


def test_values_without_a_range_are_refused(tmp_path):
    """Float pixels and 32-bit values have no known white, so they are refused rather than guessed."""
    Image.fromarray(np.full((4, 4), 0.5, np.float32)).save(tmp_path / "float.tif")
    Image.fromarray(np.full((4, 4), 70_000, np.int32)).save(tmp_path / "long.tif")
    with pytest.raises(ValueError, match=r"float\.tif to hold whole numbers, but it holds floats"):
        datasets.read_image(tmp_path / "float.tif")
    with pytest.raises(ValueError, match=r"long\.tif to hold values of 8 or 16 bits, but got 70000 … 70000"):
        datasets.read_image(tmp_path / "long.tif")


def test_missing_files_and_folders_are_told_apart(tmp_path):
    """A path to nothing says to check it, a path to a folder says how to list it."""
    with pytest.raises(FileNotFoundError, match=r"nothing\.png, but there is none. Check the spelling"):
        datasets.read_image(tmp_path / "nothing.png")
    with pytest.raises(FileNotFoundError, match="List its images with `list_images`"):
        datasets.read_image(tmp_path)


# listing


def test_listing_is_sorted_and_leaves_other_files_out(tmp_path):
    """Only image suffixes count, in either case; hidden files, folders and texts do not; inner folders when asked."""
    for name in ("b.JPG", "a.png", "._a.png", "notes.txt", "inner/c.tiff", "folder.png/d.webp"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [path.name for path in datasets.list_images(tmp_path)] == ["a.png", "b.JPG"]
    found = datasets.list_images(tmp_path, recursive=True)
    assert {path.name for path in found} == {"a.png", "b.JPG", "c.tiff", "d.webp"} and found == sorted(found)


def test_folders_without_images_are_refused(tmp_path):
    """An empty folder says what was looked for and how to look deeper; a missing folder says so."""
    with pytest.raises(ValueError, match=r"Expected images in .* but got no file that ends in \.bmp, .*recursive=True"):
        datasets.list_images(tmp_path)
    with pytest.raises(ValueError, match="Put some there"):
        datasets.list_images(tmp_path, recursive=True)
    with pytest.raises(FileNotFoundError, match=r"Expected a folder at .*elsewhere"):
        datasets.list_images(tmp_path / "elsewhere")


# annotated images and batches


@pytest.mark.parametrize("masks", [False, True])
def test_without_a_transform_nothing_changes(masks):
    """Pixels, boxes, labels and masks come out as they went in, as plain tensors with memory of their own."""
    picture, truth = corner_picture(4, 6), annotations((4, 6), masks=masks)
    image, out = datasets.AnnotatedImages([(picture, truth)])[0]
    assert type(image) is type(out.boxes) is torch.Tensor
    assert np.array_equal(image.numpy().transpose(1, 2, 0), picture)
    assert torch.equal(out.boxes, truth.boxes) and torch.equal(out.labels, truth.labels) and out.size_hw == (4, 6)
    assert (out.masks is None) if not masks else torch.equal(out.masks, truth.masks)
    image.zero_(), out.boxes.zero_()
    assert picture.any() and truth.boxes.any()


def test_transforms_see_tv_tensors_and_their_size_counts():
    """A transform gets an Image, BoundingBoxes and a Mask; what it crops away changes size_hw."""
    seen = {}

    def cut_right_half(image, target):
        seen.update(image=type(image), **{key: type(value) for key, value in target.items()})
        target["masks"] = target["masks"][..., :3]
        return image[..., :3], target

    pair = (corner_picture(4, 6), annotations((4, 6), masks=True))
    _, out = datasets.AnnotatedImages([pair], transform=cut_right_half)[0]
    assert out.size_hw == (4, 3)
    assert seen == {
        "image": tv_tensors.Image, "boxes": tv_tensors.BoundingBoxes, "labels": torch.Tensor, "masks": tv_tensors.Mask,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((6, 4, 3), np.uint8), r"image 1 to be uint8 \(4, 6, 3\), .* but got uint8 \(6, 4, 3\)"),
        (np.zeros((4, 6, 3), np.float32), r"image 1 .* but got float32 \(4, 6, 3\)"),
        (np.zeros((4, 6), np.uint8), r"image 1 .* but got uint8 \(4, 6\)"),
        ("a.png", "image 1 .* but got str None. Read files with `read_image`"),
    ],
)
def test_images_that_do_not_fit_their_annotations_are_refused(image, message):
    """Swapped sides, floats, grey pictures and file names are refused with the number of the pair."""
    good = (np.zeros((4, 6, 3), np.uint8), annotations((4, 6)))
    with pytest.raises(ValueError, match=message):
        datasets.AnnotatedImages([good, (image, annotations((4, 6)))])


def test_a_loader_gives_batches_to_the_last_short_one():
    """Five images with 0, 1, 2, 0, 1 objects come in batches of 2, 2 and 1, in order; no images, no batches."""
    counts = [0, 1, 2, 0, 1]
    box = (1.0, 1.0, 3.0, 2.0)
    pairs = [(np.full((4, 6, 3), i, np.uint8), annotations((4, 6), boxes=[box] * n)) for i, n in enumerate(counts)]
    loader = DataLoader(datasets.AnnotatedImages(pairs), batch_size=2, collate_fn=datasets.collate_annotated)
    batches = list(loader)
    assert [tuple(images.shape) for images, _ in batches] == [(2, 3, 4, 6), (2, 3, 4, 6), (1, 3, 4, 6)]
    assert [len(one) for _, several in batches for one in several] == counts
    assert torch.cat([images[:, 0, 0, 0] for images, _ in batches]).tolist() == [0, 1, 2, 3, 4]
    assert len(datasets.AnnotatedImages([])) == 0


def test_batches_of_nothing_or_of_several_sizes_are_refused():
    """An empty batch and images of two sizes are refused, with the sizes and what to do."""
    with pytest.raises(ValueError, match="but got 0 images"):
        datasets.collate_annotated([])
    mixed = [(torch.zeros(3, 4, 6), annotations((4, 6))), (torch.zeros(3, 4, 5), annotations((4, 5)))]
    with pytest.raises(ValueError, match=r"but got 2 images of sizes \[\(3, 4, 5\), \(3, 4, 6\)\]. Resize them"):
        datasets.collate_annotated(mixed)


# batches in memory


def test_batches_in_memory_keep_order_and_the_short_end():
    """Without a generator a pass gives the examples as they lie, the last batch short, as often as it is asked."""
    inputs, targets = torch.arange(10.0).view(5, 2), torch.arange(5)
    batches = datasets.MemoryBatches(inputs, targets, batch_size=2)
    for _ in range(2):
        found = list(batches)
        assert [len(one) for one, _ in found] == [2, 2, 1] and len(batches) == 3
        assert torch.equal(torch.cat([one for one, _ in found]), inputs)
        assert torch.equal(torch.cat([one for _, one in found]), targets)


@pytest.mark.parametrize(("n", "size", "count"), [(1, 1, 1), (4, 2, 2), (5, 2, 3), (3, 100, 1)])
def test_batches_in_memory_are_counted_as_they_come(n, size, count):
    """The announced length is the number of batches, for one example and for a size above all examples too."""
    batches = datasets.MemoryBatches(torch.zeros(n, 1), torch.zeros(n), batch_size=size)
    assert len(batches) == len(list(batches)) == count


def test_each_pass_draws_an_order_of_its_own_from_the_generator():
    """Every pass holds each example once with its own target, orders differ between passes, and a seed repeats them."""
    orders = []
    for _ in range(2):
        chance = torch.Generator().manual_seed(4)
        batches = datasets.MemoryBatches(torch.arange(50) * 10, torch.arange(50), batch_size=8, generator=chance)
        for _ in range(2):
            inputs, targets = map(torch.cat, zip(*batches, strict=True))
            assert torch.equal(inputs, targets * 10)
            assert sorted(targets.tolist()) == list(range(50))
            orders.append(targets.tolist())
    assert orders[:2] == orders[2:] and orders[0] != orders[1] and orders[0] != list(range(50))


def test_a_change_is_made_to_each_batch_and_not_to_the_examples():
    """The function sees whole batches of inputs; targets and the tensors in memory stay as they are."""
    seen, inputs = [], torch.arange(5.0)

    def double(batch):
        seen.append(len(batch))
        return batch.mul_(2)

    batches = datasets.MemoryBatches(inputs, torch.arange(5), batch_size=3, change=double)
    for _ in range(2):
        assert torch.cat([one for one, _ in batches]).tolist() == [0.0, 2.0, 4.0, 6.0, 8.0]
    assert seen == [3, 2, 3, 2] and inputs.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert torch.cat([one for _, one in batches]).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("n", "m", "size"), [(3, 2, 1), (0, 0, 1), (3, 3, 0), (3, 3, -1)])
def test_batches_in_memory_that_do_not_fit_are_refused(n, m, size):
    """Unequal numbers, no example and no batch size are refused, with the three numbers."""
    message = f"but got {n} inputs, {m} targets and batch size {size}. Check the index sets"
    with pytest.raises(ValueError, match=message):
        datasets.MemoryBatches(torch.zeros(n, 2), torch.zeros(m), batch_size=size)
