"""A FiftyOne data set written to disk through FiftyOne's own exporters."""

from pathlib import Path

from course_utils.curate.database import load_fiftyone

EXPORTS = {"coco": "COCODetectionDataset", "voc": "VOCDetectionDataset", "yolo": "YOLOv5Dataset"}


def export(dataset, folder: str | Path, *, kind: str, field: str = "ground_truth", classes=None) -> Path:
    """Write images and boxes of a data set or a view into a new folder.

    Args:
        dataset: data set or view; what a filter leaves is what is written.
        folder: must not exist yet, or be empty.
        kind: `coco` (data/, labels.json), `voc` (data/, labels/*.xml) or `yolo` (images/, labels/, data.yaml).
        field: the detections to write.
        classes: names in order; by default those of the data set.

    Returns:
        The folder.

    Raises:
        ValueError: another kind, or a folder that holds something.
    """
    if kind not in EXPORTS:
        raise ValueError(f"Expected `kind` to be one of {', '.join(EXPORTS)}, but got {kind!r}. Mend the word.")
    folder = Path(folder)
    if folder.exists() and any(folder.iterdir()):
        raise ValueError(f"Expected an empty folder, but {folder} holds files. Choose another: nothing is overwritten.")
    if folder.exists():
        folder.rmdir()  # FiftyOne would warn about it
    fo = load_fiftyone()
    settings = {"label_field": field, "export_media": True, "progress": False}
    if kind != "voc":  # which has no list of classes
        settings["classes"] = list(classes or dataset.default_classes) or None
    if kind == "yolo":
        settings["yaml_path"] = "data.yaml"  # its usual name, by which our reader finds it
    dataset.export(export_dir=str(folder), dataset_type=getattr(fo.types, EXPORTS[kind]), **settings)
    return folder
