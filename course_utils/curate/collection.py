"""Images and annotations into a FiftyOne data set, and back."""

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from course_utils.annotations import ImageAnnotations
from course_utils.curate.database import load_fiftyone


@contextlib.contextmanager
def fiftyone_dataset(
    name: str,
    images: Sequence,
    *,
    annotations: Sequence[ImageAnnotations] | None = None,
    labels: Sequence[int] | None = None,
    classes: Sequence[str] = (),
    file_names: Sequence[str] | None = None,
) -> Iterator:
    """A FiftyOne data set that lives as long as the `with` block: removed at its end, with the files made for it.

    Args:
        name: what the App shows; a data set of that name in this process is replaced.
        images: N paths of image files, or arrays uint8 (H, W, 3) or (H, W), written as PNG into a temporary folder.
        annotations: N annotations: boxes, and masks where there are any, become the field `ground_truth`.
        labels: N class indices instead: the field `ground_truth` then holds one class an image.
        classes: names, indexed by label.
        file_names: N names of the files made of arrays, without folders; by default 000000.png and so on.

    Yields:
        The `fiftyone.Dataset`, samples in the order of `images`.

    Raises:
        ValueError: numbers do not fit, both or unknown labels, or an array that is no image.
        DatabaseError: the database does not start.
    """
    _check_arguments(images, annotations, labels)
    fo = load_fiftyone()
    with tempfile.TemporaryDirectory(prefix="course-images-") as folder:
        paths = _image_paths(images, file_names, Path(folder))
        dataset = fo.Dataset(name, overwrite=True)
        try:
            dataset.default_classes = list(classes)
            dataset.add_samples([fo.Sample(filepath=str(path)) for path in paths], progress=False)
            if annotations is not None:
                add_annotations(dataset, "ground_truth", annotations, classes)
            if labels is not None:
                add_labels(dataset, "ground_truth", labels, classes)
            yield dataset
        finally:
            if fo.dataset_exists(dataset.name):
                dataset.delete()


def add_annotations(dataset, field: str, annotations: Sequence[ImageAnnotations], classes, *, scores=None) -> None:
    """Write boxes (and masks) of every image into a field of a data set: the truth, or what a model found.

    Args:
        dataset: data set or view of N samples.
        field: name of the field, such as `predictions`.
        annotations: N, in the order of the samples.
        classes: names, indexed by label.
        scores: for predictions, N arrays float (number of boxes,) in 0–1; they become `confidence`.

    Raises:
        ValueError: numbers do not fit, or a label has no name.
    """
    fo = load_fiftyone()
    _check_length("annotations", annotations, dataset)
    scores = [None] * len(annotations) if scores is None else scores
    _check_length("scores", scores, dataset)
    values = [fo.Detections(detections=_detections(*pair, classes)) for pair in zip(annotations, scores, strict=True)]
    _set_field(dataset, field, values, fo.Detections)


def _detections(annotations: ImageAnnotations, scores, classes: Sequence[str]) -> list:
    """FiftyOne's detections: box as (x, y, width, height) in shares of the image, mask cut to its box."""
    fo = load_fiftyone()
    height, width = annotations.size_hw
    found = []
    rows = zip(annotations.boxes.tolist(), annotations.labels.tolist(), strict=True)
    for row, ((x1, y1, x2, y2), label) in enumerate(rows):
        shares = [x1 / width, y1 / height, (x2 - x1) / width, (y2 - y1) / height]
        extra = {} if scores is None else {"confidence": float(scores[row])}
        if annotations.masks is not None:
            across, along = slice(int(y1), -int(-y2 // 1)), slice(int(x1), -int(-x2 // 1))
            extra["mask"] = annotations.masks[row, across, along].numpy()
        found.append(fo.Detection(label=_class_name(classes, label), bounding_box=shares, **extra))
    return found


def add_labels(dataset, field: str, labels: Sequence[int], classes: Sequence[str], *, logits=None) -> None:
    """Write one class an image into a field of a data set: the truth, or what a model said.

    Args:
        dataset: data set or view of N samples.
        field: name of the field, such as `prediction`.
        labels: N class indices, in the order of the samples.
        classes: K names, indexed by label.
        logits: for predictions, float (N, K); `confidence` is the softmax of the label's own.

    Raises:
        ValueError: numbers do not fit, or a label has no name.
    """
    fo = load_fiftyone()
    _check_length("labels", labels, dataset)
    labels = [int(label) for label in labels]
    extras = [{} for _ in labels]
    if logits is not None:
        logits = np.asarray(logits, dtype=float)
        if logits.shape != (len(labels), len(classes)):
            raise ValueError(f"Expected `logits` to be ({len(labels)}, {len(classes)}), but got {logits.shape}. ")
        shares = torch.from_numpy(logits).softmax(dim=1).numpy()
        extras = [{"logits": row, "confidence": share[k]} for row, share, k in zip(logits, shares, labels, strict=True)]
    names = [_class_name(classes, label) for label in labels]
    values = [fo.Classification(label=name, **extra) for name, extra in zip(names, extras, strict=True)]
    _set_field(dataset, field, values, fo.Classification)


def _set_field(dataset, field: str, values: list, kind: type) -> None:
    """Write one value a sample; the field exists afterwards also where there are no samples to tell its kind."""
    whole, embedded = getattr(dataset, "_root_dataset", dataset), load_fiftyone().EmbeddedDocumentField
    if not whole.has_field(field):
        whole.add_sample_field(field, embedded, embedded_doc_type=kind)
    dataset.set_values(field, values)


def annotations_of(dataset, field: str, classes: Sequence[str]) -> list[ImageAnnotations]:
    """Read boxes back out of a data set or a view, in the order of its samples; boxes that reach out are cut.

    Args:
        dataset: data set or view.
        field: name of the field with the detections; a sample without any gives annotations of no objects.
        classes: names, indexed by label.

    Raises:
        ValueError: a label that `classes` does not have.
    """
    found = []
    for path, detections in zip(*dataset.values(["filepath", f"{field}.detections"]), strict=True):
        with Image.open(path) as image:
            width, height = image.size
        shares = np.array([d.bounding_box for d in detections or []], dtype=float).reshape(-1, 4)
        shares[:, 2:] += shares[:, :2]
        boxes = torch.from_numpy((shares.clip(0, 1) * [width, height, width, height]).astype(np.float32))
        labels = [_class_index(classes, d.label) for d in detections or []]
        found.append(ImageAnnotations((height, width), boxes, torch.tensor(labels, dtype=torch.int64)))
    return found


def tag(dataset, word: str, rows: Sequence[int]) -> None:
    """Tag some samples of a data set, so that `dataset.match_tags(word)` finds them.

    Args:
        dataset: the data set.
        word: the tag.
        rows: positions of the samples, from 0.
    """
    if len(rows):
        ids = np.array(dataset.values("id"))[np.asarray(rows, dtype=int)]
        dataset.select(ids.tolist()).tag_samples(word)


def _image_paths(images: Sequence, file_names: Sequence[str] | None, folder: Path) -> list[Path]:
    """A file for each image: its own, or one written into the folder."""
    names = [f"{row:06}.png" for row in range(len(images))] if file_names is None else list(file_names)
    if len(names) != len(images) or any(Path(name).name != name for name in names):
        raise ValueError(f"Expected {len(images)} plain `file_names`, but got {names[:3]}… Leave the folders out.")
    return [_image_path(image, folder / name) for image, name in zip(images, names, strict=True)]


def _image_path(image, path: Path) -> Path:
    if isinstance(image, str | Path):
        if not Path(image).is_file():
            raise ValueError(f"Expected an image file, but there is none at {image}. Check the folder.")
        return Path(image).resolve()
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3):
        raise ValueError(
            f"Expected an image uint8 (H, W, 3) or (H, W), but got {image.dtype} {image.shape}. "
            "Scale to 0–255, and put the channels last."
        )
    Image.fromarray(image).save(path)
    return path


def _check_arguments(images, annotations, labels) -> None:
    if annotations is not None and labels is not None:
        raise ValueError("Expected `annotations` or `labels`, but got both. Add the second field with `add_labels`.")
    for name, values in (("annotations", annotations), ("labels", labels)):
        if values is not None:
            _check_length(name, values, images)


def _check_length(name: str, values, rows) -> None:
    if len(values) != len(rows):
        raise ValueError(f"Expected one of `{name}` an image, {len(rows)}, but got {len(values)}. Keep their order.")


def _class_name(classes: Sequence[str], label: int) -> str:
    if not 0 <= label < len(classes):
        raise ValueError(f"Expected labels from 0 to {len(classes) - 1}, but got {label}. Name every class.")
    return classes[label]


def _class_index(classes: Sequence[str], name: str) -> int:
    if name not in classes:
        raise ValueError(f"Expected one of {', '.join(classes)}, but got {name!r}. Name every class.")
    return list(classes).index(name)
