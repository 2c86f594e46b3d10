"""`course checkpoints verify`: every shipped checkpoint is loaded, and scored again on the test cells of its record."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from course_utils import catalogue, datasets, engine, export, files, metrics, models, splits, transforms
from course_utils.cli.doctor import Finding

FOLDER = files.REPO / "data" / "checkpoints"
TOLERANCE = 0.005  # half a point: what float16 and another processor may move
LARGEST, LARGEST_TOGETHER = 7e6, 30 * 2**20  # bytes
NEEDED = {
    "lesson",
    "arm",
    "command",
    "commit",
    "settings",
    "split",
    "score",
    "device",
    "licence",
    "attribution",
    "non_commercial",
}


def verify(folder: Path = FOLDER) -> list[Finding]:
    """Check every checkpoint of a folder: size, record, licence, content, score.

    Returns:
        One finding a checkpoint; one that says so where there is none.
    """
    paths = sorted(Path(folder).glob("*.safetensors"))
    if not paths:
        return [Finding("checkpoints", True, f"none in {folder}")]
    together = sum(path.stat().st_size for path in paths)
    findings = [_verified(path) for path in paths]
    if together > LARGEST_TOGETHER:
        findings.append(Finding("checkpoints", False, f"{together / 2**20:.1f} MiB together; 30 MiB are allowed."))
    return findings


def _verified(path: Path) -> Finding:
    try:
        _, about = engine.read_checkpoint(path)
        _check_record(path, about)
        found = SCORERS[about["lesson"]](path, about)
    except ValueError as error:
        return Finding(path.name, False, str(error))
    words = f"accuracy {found:.4f}, recorded {about['score']:.4f}"
    if abs(found - about["score"]) > TOLERANCE:
        return Finding(path.name, False, f"{words}. Train again: {about['command']}.")
    return Finding(path.name, True, words)


def _check_record(path: Path, about: dict) -> None:
    """Refuse a checkpoint that is too large, or does not say what it is."""
    missing = sorted(key for key in NEEDED if about.get(key) in (None, ""))
    if missing:
        raise ValueError(f"Expected the metadata to say {', '.join(missing)}, but it does not. Save it with them.")
    if path.stem != f"{about['lesson']}.{about['arm']}":
        raise ValueError(f"Expected the name {about['lesson']}.{about['arm']}.safetensors. Rename the file.")
    if path.stat().st_size > LARGEST:
        raise ValueError(f"Expected at most 7 MB, but got {path.stat().st_size / 1e6:.1f} MB. Save it with half=True.")
    if about["lesson"] not in SCORERS:
        raise ValueError(f"Expected a lesson that has a scorer, but got {about['lesson']}. Write one in {__name__}.")


def score_elpv(path: Path, about: dict) -> float:
    """Accuracy on the test cells as lesson 22 computes it: mean over turns of the maps of the frozen part."""
    network, settings = models.load_lite0(num_classes=2), about["settings"]
    engine.load_checkpoint(path, network)
    lower, upper = models.lite0_stages(network.eval(), frozen_blocks=settings["FROZEN_BLOCKS"])
    elpv, test = catalogue.load_elpv(), splits.elpv_split(about["split"]).test
    maps = _lower_maps(lower, elpv.images[test], settings["IMAGE_SIZE"])
    turns = [transforms.dihedral(maps, k) for k in range(settings["VIEWS"])]
    views = [engine.predict(upper, datasets.MemoryBatches(turn, turn, batch_size=64))[0] for turn in turns]
    defect = torch.stack([view.softmax(dim=1)[:, 1] for view in views]).mean(dim=0)
    return metrics.accuracy(defect.numpy() >= 0.5, elpv.defective[test])


def _lower_maps(lower: torch.nn.Module, images: np.ndarray, size: int) -> torch.Tensor:
    scale = {"size": size, "mean": transforms.LITE0_MEAN, "std": transforms.LITE0_STD}
    fast = export.frozen_callable(lower, transforms.to_batch(images[:1], **scale))
    return torch.cat([fast(transforms.to_batch(chunk, **scale)) for chunk in np.array_split(images, len(images) // 32)])


SCORERS: dict[str, Callable[[Path, dict], float]] = {"22_transfer_learning": score_elpv}
