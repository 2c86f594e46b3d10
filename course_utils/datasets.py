"""From files and annotations to examples: images as cameras and people really make them, and batches of them."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.data import Dataset
from torchvision import tv_tensors
from torchvision.transforms.v2 import functional

from course_utils.annotations import ImageAnnotations
from course_utils.annotations.targets import annotations_to_class_map, annotations_to_target, target_to_annotations
from course_utils.pictures import IMAGE_SUFFIXES, MAX_PIXELS, read_image

__all__ = [
    "IMAGE_SUFFIXES",
    "MAX_PIXELS",
    "AnnotatedImages",
    "MemoryBatches",
    "collate_annotated",
    "detection_targets",
    "letterbox",
    "list_images",
    "pad_annotations",
    "read_class_maps",
    "read_image",
    "stack_class_maps",
]

GREY = 114  # fills a letterbox, as in YOLOv5


def list_images(folder: str | Path, *, recursive: bool = False) -> list[Path]:
    """List the image files of a folder, by suffix.

    Hidden files (``.DS_Store``, ``._photo.jpg``) are left out.

    Args:
        folder: where to look.
        recursive: look into the folders inside as well.

    Returns:
        Paths sorted by name, so that the order is the same on every machine.

    Raises:
        FileNotFoundError: if there is no such folder.
        ValueError: if it holds no image, saying what was looked for.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"Expected a folder at {folder}, but there is none. Check the spelling.")
    found = sorted(
        path
        for path in folder.glob("**/*" if recursive else "*")
        if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".") and path.is_file()
    )
    if not found:
        raise ValueError(
            f"Expected images in {folder}, but got no file that ends in {', '.join(IMAGE_SUFFIXES)}. "
            f"{'Put some there.' if recursive else 'Are they in a folder inside? Then say `recursive=True`.'}"
        )
    return found


class AnnotatedImages(Dataset):
    """Images with their boxes and masks, as a PyTorch data set.

    A transform sees what the transforms of `torchvision.transforms.v2` expect, so that boxes and masks move with the
    image: a `tv_tensors.Image` and a dict of "boxes" (`tv_tensors.BoundingBoxes`), "labels" and, if there are any,
    "masks" (`tv_tensors.Mask`). Its random draws come from PyTorch's global generator.

    Args:
        pairs: N pairs of an image, uint8 (H, W, 3), and its `ImageAnnotations`.
        transform: takes and returns (image, target); None leaves both as they are. See `transforms.make_scenes_train`.

    Raises:
        ValueError: if an image is not uint8 (H, W, 3), or its annotations are for another size, naming the pair.

    >>> one = ImageAnnotations((4, 6), torch.tensor([[0., 0., 2., 2.]]), torch.tensor([1]))
    >>> image, annotations = AnnotatedImages([(np.zeros((4, 6, 3), np.uint8), one)])[0]
    >>> image.shape, annotations.boxes
    (torch.Size([3, 4, 6]), tensor([[0., 0., 2., 2.]]))
    """

    def __init__(self, pairs: Sequence[tuple[np.ndarray, ImageAnnotations]], *, transform: Callable | None = None):
        for number, (image, annotations) in enumerate(pairs):
            shape = getattr(image, "shape", None)
            if shape != (*annotations.size_hw, 3) or image.dtype != np.uint8:
                raise ValueError(
                    f"Expected image {number} to be uint8 {(*annotations.size_hw, 3)}, as its annotations say, but got "
                    f"{getattr(image, 'dtype', type(image).__name__)} {shape}. Read files with `read_image`."
                )
        self.pairs = pairs
        self.transform = transform

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, ImageAnnotations]:
        """The image, (3, H, W), uint8 or what the transform makes of it, and its annotations."""
        array, annotations = self.pairs[index]
        image = tv_tensors.Image(torch.from_numpy(array.copy()).permute(2, 0, 1))  # (H, W, 3) -> (3, H, W)
        target = annotations_to_target(annotations)
        if self.transform is not None:
            image, target = self.transform(image, target)
        return image.as_subclass(torch.Tensor), target_to_annotations(target, image.shape[-2:])


def collate_annotated(
    batch: Sequence[tuple[torch.Tensor, ImageAnnotations]],
) -> tuple[torch.Tensor, list[ImageAnnotations]]:
    """Join examples of `AnnotatedImages` into a batch; each image keeps its own number of objects.

    Args:
        batch: B pairs of an image, (C, H, W), all of one size, and its annotations.

    Returns:
        The images, (B, C, H, W), and the B annotations as a list. Pass it as `collate_fn` to a `DataLoader`.

    Raises:
        ValueError: if the batch is empty or the sizes differ.

    >>> none = ImageAnnotations((4, 6), torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))
    >>> images, annotations = collate_annotated([(torch.zeros(3, 4, 6), none)] * 2)
    >>> images.shape, [len(one) for one in annotations]
    (torch.Size([2, 3, 4, 6]), [0, 0])
    """
    shapes = {tuple(image.shape) for image, _ in batch}
    if len(shapes) != 1:
        raise ValueError(
            f"Expected a batch of images of one size, but got {len(batch)} images of sizes {sorted(shapes)}. "
            "Resize them first, for example with `transforms.make_scenes_eval`."
        )
    images, annotations = zip(*batch, strict=True)
    return torch.stack(images), list(annotations)


def pad_annotations(annotations: Sequence[ImageAnnotations]) -> torch.Tensor:
    """Put the boxes of several images into one tensor, so that they can be indexed and moved like the images.

    Crowd regions are left out: a detector is not taught to draw one box around many things.

    Args:
        annotations: of N images; an image may have no objects.

    Returns:
        float32 (N, M, 5): rows of label, x1, y1, x2, y2 in pixels, M the largest number of objects, at least 1. Rows
        that only fill up are (−1, 0, 0, 0, 0).

    >>> one = ImageAnnotations((4, 6), torch.tensor([[0., 0., 2., 3.]]), torch.tensor([5]))
    >>> none = ImageAnnotations((4, 6), torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))
    >>> pad_annotations([one, none]).tolist()
    [[[5.0, 0.0, 0.0, 2.0, 3.0]], [[-1.0, 0.0, 0.0, 0.0, 0.0]]]
    """
    rows = [torch.cat([one.labels[:, None].to(one.boxes), one.boxes], dim=1) for one in annotations]
    rows = [row if one.iscrowd is None else row[~one.iscrowd] for row, one in zip(rows, annotations, strict=True)]
    padded = torch.zeros(len(rows), max([1, *map(len, rows)]), 5)
    padded[..., 0] = -1
    for index, row in enumerate(rows):
        padded[index, : len(row)] = row
    return padded


def detection_targets(annotations: Sequence[ImageAnnotations]) -> list[dict[str, torch.Tensor]]:
    """What `metrics.mean_average_precision` takes as the truth: boxes, labels, and which are crowds (iscrowd, int64).

    >>> one = ImageAnnotations((4, 6), torch.tensor([[0., 0., 2., 3.]]), torch.tensor([5]))
    >>> detection_targets([one])[0]["iscrowd"]
    tensor([0])
    """
    crowds = [torch.zeros(len(one)) if one.iscrowd is None else one.iscrowd for one in annotations]
    pairs = zip(annotations, crowds, strict=True)
    return [{"boxes": one.boxes, "labels": one.labels, "iscrowd": crowd.long()} for one, crowd in pairs]


def letterbox(image: np.ndarray, annotations: ImageAnnotations, size: int) -> tuple[torch.Tensor, ImageAnnotations]:
    """Bring an image to a square without bending it: resized to fit, the rest filled with grey, as YOLOv5 does.

    Args:
        image: uint8 (H, W, 3).
        annotations: of that image; masks and key points are left behind.
        size: side of the square, pixels.

    Returns:
        uint8 (3, size, size), the image in its middle, and the annotations moved along.

    >>> none = ImageAnnotations((4, 8), torch.tensor([[0., 0., 8., 4.]]), torch.tensor([0]))
    >>> letterbox(np.zeros((4, 8, 3), np.uint8), none, 16)[1].boxes
    tensor([[ 0.,  4., 16., 12.]])
    """
    height, width = annotations.size_hw
    scale = size / max(height, width)
    inner = [max(1, round(scale * side)) for side in (height, width)]
    top, left = ((size - side) // 2 for side in inner)
    pixels = torch.from_numpy(image.copy()).permute(2, 0, 1)  # (H, W, 3) -> (3, H, W)
    square = torch.full((3, size, size), GREY, dtype=torch.uint8)
    square[:, top : top + inner[0], left : left + inner[1]] = functional.resize(pixels, inner, antialias=True)
    factors = torch.tensor([inner[1] / width, inner[0] / height] * 2)
    moved = annotations.boxes * factors + torch.tensor([left, top] * 2)
    return square, ImageAnnotations((size, size), moved, annotations.labels, iscrowd=annotations.iscrowd)


def stack_class_maps(pairs: Sequence[tuple[np.ndarray, ImageAnnotations]]) -> tuple[np.ndarray, np.ndarray]:
    """Images with masks as semantic segmentation wants them: one class a pixel, 0 for what belongs to no object.

    Args:
        pairs: N pairs of an image, uint8 (H, W, 3), and its annotations with masks, all of one size.

    Returns:
        uint8 images (N, H, W, 3) and uint8 class maps (N, H, W): labels plus 1.

    >>> none = ImageAnnotations((4, 6), torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))
    >>> [one.shape for one in stack_class_maps([(np.zeros((4, 6, 3), np.uint8), none)])]
    [(1, 4, 6, 3), (1, 4, 6)]
    """
    maps = [annotations_to_class_map(annotations).numpy().astype(np.uint8) for _, annotations in pairs]
    return np.stack([image for image, _ in pairs]), np.stack(maps)


def read_class_maps(pairs: Sequence[tuple[Path, Path]]) -> tuple[np.ndarray, np.ndarray]:
    """Read images and the label images beside them, whose grey values or palette indices are classes.

    Args:
        pairs: N pairs of paths: image, label image; all of one size.

    Returns:
        uint8 images (N, H, W, 3) and uint8 class maps (N, H, W).

    Raises:
        ValueError: a label image has colours in the place of indices, or another size than its image.
    """
    images, maps = [], []
    for path, label in pairs:
        images.append(read_image(path))
        with Image.open(label) as file:
            maps.append(np.array(file))
        if maps[-1].dtype != np.uint8 or maps[-1].shape != images[-1].shape[:2]:
            raise ValueError(
                f"Expected {label} to hold one class a pixel, uint8 {images[-1].shape[:2]}, but got {maps[-1].dtype} "
                f"{maps[-1].shape}. Turn colours into class numbers first."
            )
    return np.stack(images), np.stack(maps)


class MemoryBatches:
    """Batches of examples that are in memory already; one pass over it is an epoch.

    Args:
        inputs: (N, …).
        targets: (N, …).
        batch_size: examples in a batch; the last one may be shorter.
        generator: draws a new order for every pass, on the CPU; ``None`` keeps the order as it is.
        change: applied to the inputs of each batch, such as a random turn; ``None`` for no change.
        change_both: applied after it, as ``(inputs, targets, generator)``, such as a mosaic that moves boxes along and
            draws from the generator; returns inputs and targets.

    Raises:
        ValueError: if there are not as many inputs as targets, no example, or `batch_size` is below 1.

    >>> batches = MemoryBatches(torch.arange(5.0), torch.arange(5), batch_size=2)
    >>> [targets.tolist() for _, targets in batches], len(batches)
    ([[0, 1], [2, 3], [4]], 3)
    """

    def __init__(self, inputs, targets, *, batch_size: int, generator=None, change=None, change_both=None):
        if len(inputs) != len(targets) or len(inputs) == 0 or batch_size < 1:
            raise ValueError(
                f"Expected as many inputs as targets, at least one, and a batch size of at least 1, but got "
                f"{len(inputs)} inputs, {len(targets)} targets and batch size {batch_size}. Check the index sets."
            )
        self.inputs, self.targets, self.batch_size = inputs, targets, batch_size
        self.generator, self.change, self.change_both = generator, change, change_both

    def __len__(self) -> int:
        return -(-len(self.inputs) // self.batch_size)  # rounded up

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        n = len(self.inputs)
        order = torch.arange(n) if self.generator is None else torch.randperm(n, generator=self.generator)
        order = order.to(self.inputs.device)  # once an epoch: an accelerator need not wait at every batch
        for index in order.split(self.batch_size):
            inputs, targets = self.inputs[index], self.targets[index.to(self.targets.device)]
            if self.change is not None:
                inputs = self.change(inputs)
            yield (inputs, targets) if self.change_both is None else self.change_both(inputs, targets, self.generator)
