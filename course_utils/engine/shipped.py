"""The course's own trained networks: saved by the lesson that trains them, built again from their files.

A file holds what was learnt, and in its metadata the settings from which the network around it is built; encoders that
stayed as they were come from the package with their weights. `load_checkpoint` is the way for networks of your own.
"""

from pathlib import Path

import torch
from torch import nn

from course_utils import catalogue, files, models, synthetic
from course_utils.engine.checkpoints import load_checkpoint, read_checkpoint, save_checkpoint
from course_utils.runtime import Run

SHIPPED = files.REPO / "data" / "checkpoints"


def save_trained(
    run: Run,
    model: nn.Module,
    *,
    data: str,
    score: float,
    arm: str | None = None,
    split: int | str = "test",
    half: bool = True,
    **chosen: object,
) -> Path:
    """Save what a lesson has trained, with everything that a shipped checkpoint has to say.

    Args:
        run: of the lesson; its settings and environment go into the file.
        model: what was learnt; a part that stayed as it was need not be in it.
        data: name of the card of the set that it learnt from: its licence goes with the file.
        score: what the lesson computed for this model on the test examples.
        arm: what the file is called; None: as the data.
        split: which test examples.
        half: in half precision; False where a number is too large for it.
        chosen: settings that the lesson chose on the way, on validation; they go with those of the run.

    Returns:
        The path, `checkpoints/<lesson>.<arm>.safetensors` below the data root.

    Raises:
        ValueError: There is no such card, or a number is too large for half precision.
    """
    arm = arm or data
    about = {"lesson": run.lesson, "arm": arm, "split": split, "score": score}
    about |= {"settings": run.settings | chosen, "command": f"course run {run.lesson} --profile {run.profile}"}
    path = files.data_root() / "checkpoints" / f"{run.lesson}.{arm}.safetensors"
    return save_checkpoint(path, model, about | catalogue.card(data).terms() | run.environment, half=half)


def scene_settings(about: dict) -> dict:
    """Settings of a network that was trained on street scenes.

    Args:
        about: metadata of a checkpoint.

    Raises:
        ValueError: It learnt from other data.

    >>> scene_settings({"settings": {"SIZE": 128}})
    {'SIZE': 128}
    """
    settings = about["settings"]
    if settings.get("DATA", "scenes") != "scenes":
        raise ValueError(
            f"Expected a network of scenes, but got one of {settings['DATA']}. Build it as its lesson does, and fill "
            "it with `load_checkpoint`."
        )
    return settings


def load_cells(path: str | Path = SHIPPED / "22_transfer_learning.fine_tuned.safetensors") -> nn.Module:
    """The classifier of lesson 22, which tells defective solar cells from fine ones.

    Args:
        path: of its checkpoint, whose settings say the side of the images that it learnt from, `IMAGE_SIZE`.

    Returns:
        EfficientNet-Lite0 as a fixed function, see `models.freeze`: images float32 (B, 3, H, W), normalised with 0.5
        and 0.5, → logits (B, 2), fine and defective.

    Raises:
        FileNotFoundError, ValueError: see `load_checkpoint`.
    """
    network = models.load_lite0(num_classes=2, pretrained=False)
    load_checkpoint(path, network)
    return models.freeze(network)


def load_yolo(path: str | Path = SHIPPED / "30_yolo.scenes.safetensors") -> nn.Module:
    """The detector of lesson 30, which finds signs in street scenes: classes `synthetic.CLASSES`.

    Args:
        path: of its checkpoint.

    Returns:
        `models.Yolo` as a fixed function, see `models.freeze`; `detect` asks it.

    Raises:
        FileNotFoundError, ValueError: see `load_checkpoint` and `scene_settings`.

    >>> load_yolo().numbers  # four of a box, objectness, and one for each of six classes
    11
    """
    settings = scene_settings(read_checkpoint(path)[1])
    anchors = torch.ones(len(models.STRIDES), models.ANCHORS_EACH, 2)  # the true ones are in the file
    network = models.Yolo(len(synthetic.CLASSES), anchors, width=settings["WIDTH"], depth=settings["DEPTH"])
    load_checkpoint(path, network)
    return models.freeze(network)


def load_unet(path: str | Path = SHIPPED / "32_unet.scenes.safetensors") -> nn.Module:
    """The U-Net of lesson 32, which names each pixel of a street scene: background, then `synthetic.CLASSES`.

    Args:
        path: of its checkpoint: decoder and head.

    Returns:
        `models.UNet` as a fixed function, see `models.freeze`: images float32 (B, 3, H, W), normalised with 0.5 and
        0.5, → logits (B, 7, H, W). It learnt from scenes of 96 pixels.

    Raises:
        FileNotFoundError, ValueError: see `load_checkpoint` and `scene_settings`.
    """
    settings = scene_settings(read_checkpoint(path)[1])
    network = models.UNet(models.Lite0Encoder(), 1 + len(synthetic.CLASSES), widths=settings["WIDTHS"])
    load_checkpoint(path, nn.ModuleDict({"decoder": network.decoder, "head": network.head}))
    return models.freeze(network)


def load_mask_rcnn(path: str | Path = SHIPPED / "33_mask_rcnn.scenes.safetensors") -> nn.Module:
    """The Mask R-CNN of lesson 33, which outlines each sign in a street scene.

    Args:
        path: of its checkpoint: `models.learnt_part`.

    Returns:
        What `models.mask_rcnn` builds as a fixed function, see `models.freeze`; `detect_instances` asks it. Images are
        brought to the size that it learnt from, and what is found back to theirs.

    Raises:
        FileNotFoundError, ValueError: see `load_checkpoint` and `scene_settings`.
    """
    settings = scene_settings(read_checkpoint(path)[1])
    network = models.mask_rcnn(len(synthetic.CLASSES), size=settings["SIZE"], box_nms_thresh=settings["overlap"])
    load_checkpoint(path, models.learnt_part(network))
    return models.freeze(network)
