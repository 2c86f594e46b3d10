"""From files and annotations to examples: images as cameras and people really make them, and batches of them."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Dataset
from torchvision import tv_tensors

from course_utils.annotations import ImageAnnotations
from course_utils.annotations.targets import annotations_to_target, target_to_annotations
from course_utils.pictures import IMAGE_SUFFIXES, MAX_PIXELS, read_image

__all__ = [
    "IMAGE_SUFFIXES",
    "MAX_PIXELS",
    "AnnotatedImages",
    "MemoryBatches",
    "collate_annotated",
    "list_images",
    "read_image",
]


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


class MemoryBatches:
    """Batches of examples that are in memory already; one pass over it is an epoch.

    Args:
        inputs: (N, …).
        targets: (N, …).
        batch_size: examples in a batch; the last one may be shorter.
        generator: draws a new order for every pass, on the CPU; ``None`` keeps the order as it is.
        change: applied to the inputs of each batch, such as a random turn; ``None`` for no change.

    Raises:
        ValueError: if there are not as many inputs as targets, no example, or `batch_size` is below 1.

    >>> batches = MemoryBatches(torch.arange(5.0), torch.arange(5), batch_size=2)
    >>> [targets.tolist() for _, targets in batches], len(batches)
    ([[0, 1], [2, 3], [4]], 3)
    """

    def __init__(self, inputs, targets, *, batch_size: int, generator=None, change=None):
        if len(inputs) != len(targets) or len(inputs) == 0 or batch_size < 1:
            raise ValueError(
                f"Expected as many inputs as targets, at least one, and a batch size of at least 1, but got "
                f"{len(inputs)} inputs, {len(targets)} targets and batch size {batch_size}. Check the index sets."
            )
        self.inputs, self.targets, self.batch_size = inputs, targets, batch_size
        self.generator, self.change = generator, change

    def __len__(self) -> int:
        return -(-len(self.inputs) // self.batch_size)  # rounded up

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        n = len(self.inputs)
        order = torch.arange(n) if self.generator is None else torch.randperm(n, generator=self.generator)
        for index in order.split(self.batch_size):
            inputs = self.inputs[index.to(self.inputs.device)]
            yield (self.change(inputs) if self.change else inputs), self.targets[index.to(self.targets.device)]
