"""Folders are listed in order, and batches keep image and annotations together."""

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


def annotations(size_hw, *, boxes=((1.0, 1.0, 3.0, 2.0),), masks=False):
    """Annotations with the given boxes, class 0, and filled masks if wanted."""
    tensor = torch.tensor(boxes).reshape(-1, 4)
    filled = torch.zeros(len(tensor), *size_hw, dtype=torch.bool)
    for mask, (x1, y1, x2, y2) in zip(filled, tensor.int().tolist(), strict=True):
        mask[y1:y2, x1:x2] = True
    return ImageAnnotations(size_hw, tensor, torch.zeros(len(tensor), dtype=torch.int64), filled if masks else None)


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


def test_a_change_of_both_moves_targets_along():
    """It sees the changed inputs and the targets of each batch, and what it returns is the batch; memory stays."""
    inputs, targets = torch.arange(5.0), torch.arange(5)

    def mirrored(x, y, generator):
        assert generator is None  # the order is kept: there is none to draw from
        return x.flip(0), y.flip(0)

    how = {"change": lambda x: x + 10, "change_both": mirrored}
    found = list(datasets.MemoryBatches(inputs, targets, batch_size=3, **how))
    assert [x.tolist() for x, _ in found] == [[12.0, 11.0, 10.0], [14.0, 13.0]]
    assert [y.tolist() for _, y in found] == [[2, 1, 0], [4, 3]]
    assert inputs.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0] and targets.tolist() == [0, 1, 2, 3, 4]


def test_changes_draw_from_the_generator_of_the_order():
    """One generator for order and changes: equal seeds give equal batches, other seeds and passes others."""

    def noisy(x, y, generator):
        return x + torch.rand(x.shape, generator=generator), y

    def drawn(seed):
        chance = torch.Generator().manual_seed(seed)
        how = {"generator": chance, "change_both": noisy}
        batches = datasets.MemoryBatches(torch.arange(10.0), torch.arange(10), batch_size=4, **how)
        passes = [tuple(map(torch.cat, zip(*batches, strict=True))) for _ in range(2)]
        assert all(torch.equal(inputs.floor().long(), targets) for inputs, targets in passes)
        return torch.stack([inputs[targets.argsort()] % 1 for inputs, targets in passes])

    assert torch.equal(drawn(1), drawn(1)) and not torch.equal(drawn(1), drawn(2))
    assert not torch.equal(*drawn(1))


@pytest.mark.parametrize(("n", "m", "size"), [(3, 2, 1), (0, 0, 1), (3, 3, 0), (3, 3, -1)])
def test_batches_in_memory_that_do_not_fit_are_refused(n, m, size):
    """Unequal numbers, no example and no batch size are refused, with the three numbers."""
    message = f"but got {n} inputs, {m} targets and batch size {size}. Check the index sets"
    with pytest.raises(ValueError, match=message):
        datasets.MemoryBatches(torch.zeros(n, 2), torch.zeros(m), batch_size=size)


def test_class_maps_stack_with_their_images():
    """Background is 0, an object its label plus 1, later masks lie on top; without objects all is background."""
    two = torch.zeros(2, 4, 6, dtype=torch.bool)
    two[0, :2], two[1, 1:3] = True, True
    full = ImageAnnotations.from_masks(two, torch.tensor([3, 0]))
    none = ImageAnnotations((4, 6), torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))
    pictures = [np.full((4, 6, 3), value, np.uint8) for value in (1, 2)]
    images, maps = datasets.stack_class_maps(list(zip(pictures, (full, none), strict=True)))
    assert images[:, 0, 0, 0].tolist() == [1, 2] and images.dtype == maps.dtype == np.uint8
    assert maps[:, :, 0].tolist() == [[4, 1, 1, 0], [0, 0, 0, 0]]
    boxes = ImageAnnotations((4, 6), torch.tensor([[0.0, 0.0, 1.0, 1.0]]), torch.tensor([0]))
    with pytest.raises(ValueError, match="have masks"):
        datasets.stack_class_maps([(pictures[0], boxes)])


@pytest.mark.parametrize("mode", ["L", "P"])
def test_label_images_are_read_as_classes(tmp_path, mode):
    """Grey values and palette indices are classes; colours, and a label of another size, are refused."""
    classes = np.arange(24, dtype=np.uint8).reshape(4, 6)
    label = Image.fromarray(classes)
    if mode == "P":
        label = Image.frombytes("P", (6, 4), classes.tobytes())
        label.putpalette(list(range(255, -1, -1)) * 3)
    Image.fromarray(np.zeros((4, 6, 3), np.uint8)).save(tmp_path / "a.png")
    label.save(tmp_path / "label.png")
    images, maps = datasets.read_class_maps([(tmp_path / "a.png", tmp_path / "label.png")])
    assert images.shape == (1, 4, 6, 3) and np.array_equal(maps[0], classes)
    Image.fromarray(np.zeros((4, 6, 3), np.uint8)).save(tmp_path / "colour.png")
    Image.fromarray(np.zeros((4, 5), np.uint8)).save(tmp_path / "narrow.png")
    for wrong in ("colour.png", "narrow.png"):
        with pytest.raises(ValueError, match="one class a pixel"):
            datasets.read_class_maps([(tmp_path / "a.png", tmp_path / wrong)])
