"""`course checkpoints verify`: every shipped checkpoint is loaded, and scored again on the test cells of its record."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from course_utils import (
    catalogue,
    datasets,
    engine,
    export,
    metrics,
    models,
    splits,
    synthetic,
    transforms,
)
from course_utils.cli.doctor import Finding
from course_utils.engine import shipped

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


def verify(folder: Path = shipped.SHIPPED) -> list[Finding]:
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
    words = f"score {found:.4f}, recorded {about['score']:.4f}"
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
    settings, whole = about["settings"], engine.load_cells(path)
    lower, upper = models.lite0_stages(whole, frozen_blocks=settings["FROZEN_BLOCKS"])
    elpv, test = catalogue.load_elpv(), splits.elpv_split(about["split"]).test
    scale = {"size": settings["IMAGE_SIZE"], "mean": transforms.LITE0_MEAN, "std": transforms.LITE0_STD}
    images = transforms.to_batch(elpv.images[test], **scale)
    maps = export.frozen_callable(lower, images[:1])(images)
    fast = export.frozen_callable(upper, maps[:1])
    views = [fast(transforms.dihedral(maps, k)).softmax(dim=1)[:, 1] for k in range(settings["VIEWS"])]
    return metrics.accuracy(torch.stack(views).mean(dim=0).numpy() >= 0.5, elpv.defective[test])


def score_scenes(path: Path, about: dict) -> float:
    """Mean IoU on the test scenes as lesson 32 computes it; the frozen encoder comes with its own package."""
    settings, network = shipped.scene_settings(about), engine.load_unet(path)
    drawn = synthetic.make_scenes(settings["IMAGES"][2], seed=0, size=96, part="test", max_signs=6)
    images, maps = (torch.from_numpy(one) for one in datasets.stack_class_maps(drawn))
    said = engine.segment(network, images.permute(0, 3, 1, 2), batch_size=20, prepare=lambda x: x / 127.5 - 1)
    return float(metrics.segmentation_iou(said, maps, num_classes=1 + len(synthetic.CLASSES)).nanmean())


def score_detector(path: Path, about: dict) -> float:
    """mAP50 on the test scenes as lesson 30 computes it."""
    settings, network = shipped.scene_settings(about), engine.load_yolo(path)
    count, size = settings["EXAMPLES"]["test"], settings["SIZE"]
    pairs = synthetic.make_scenes(count, seed=1, size=size, part="test")  # as the lesson has it
    images = torch.stack([datasets.letterbox(*pair, size)[0] for pair in pairs])
    found = engine.detect(network, images, every_class=True)
    return metrics.mean_average_precision(found, datasets.detection_targets([truth for _, truth in pairs]))["map50"]


def score_instances(path: Path, about: dict) -> float:
    """Mask AP50 on the test scenes as lesson 33 computes it: ordinary streets, and ones in which signs touch."""
    settings, network = shipped.scene_settings(about), engine.load_mask_rcnn(path)
    drawn = {"seed": 4, "size": settings["SIZE"], "part": "test"}  # as the lesson has it
    makers = (synthetic.make_scenes, synthetic.make_touching_scenes)
    pairs = [pair for make in makers for pair in make(settings["TEST"] // 2, **drawn)]
    images = torch.from_numpy(np.stack([image for image, _ in pairs])).permute(0, 3, 1, 2)  # (N, 3, H, W)
    truths = [{"labels": truth.labels, "masks": truth.masks} for _, truth in pairs]
    found = engine.detect_instances(network, images)
    return metrics.mean_average_precision(found, truths, masks=True)["map50"]


SCORERS: dict[str, Callable[[Path, dict], float]] = {
    "22_transfer_learning": score_elpv,
    "30_yolo": score_detector,
    "32_unet": score_scenes,
    "33_mask_rcnn": score_instances,
}
