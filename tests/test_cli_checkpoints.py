"""Tests of course_utils.cli.checkpoints."""

import dataclasses

import numpy as np
import pytest
import torch

from course_utils import datasets, engine, metrics, models, splits, synthetic
from course_utils.cli import checkpoints

ABOUT = {
    "lesson": "22_transfer_learning",
    "arm": "toy",
    "command": "course run 22",
    "commit": "abc",
    "settings": {"FROZEN_BLOCKS": 6, "IMAGE_SIZE": 64, "VIEWS": 2},
    "split": 0,
    "score": 0.5,
    "device": "a processor",
    "licence": "CC BY-NC-SA 4.0",
    "attribution": "somebody",
    "non_commercial": True,
}


@pytest.fixture
def few_test_cells(monkeypatch):
    """Splits whose test part holds the first 40 cells, so that scoring takes a second."""
    original = splits.elpv_split

    def shortened(seed=0):
        split = original(seed)
        return dataclasses.replace(split, test=split.test[:40])

    monkeypatch.setattr(splits, "elpv_split", shortened)


def save(folder, **changes):
    """Write a checkpoint of an untrained network with the record ABOUT, changed."""
    torch.manual_seed(0)
    about = ABOUT | changes
    path = folder / f"{about['lesson']}.toy.safetensors"
    return engine.save_checkpoint(path, models.load_lite0(num_classes=2), about, half=True)


def test_score_that_agrees_with_its_record_is_ok_and_another_is_not(tmp_path, few_test_cells):
    """A checkpoint is scored again; half a point of difference is allowed and no more."""
    path = save(tmp_path)
    true = checkpoints.score_elpv(path, ABOUT)
    save(tmp_path, score=true + 0.004)
    assert [finding.ok for finding in checkpoints.verify(tmp_path)] == [True]
    save(tmp_path, score=true + 0.006)
    finding = checkpoints.verify(tmp_path)[0]
    assert not finding.ok and f"{true:.4f}" in finding.words and "course run 22" in finding.words


def test_score_equals_one_computed_from_whole_images(tmp_path, few_test_cells):
    """With one view, cutting the network in two and running one half elsewhere gives the accuracy of the whole."""
    from course_utils import catalogue, transforms

    settings = ABOUT["settings"] | {"VIEWS": 1}
    path = save(tmp_path, settings=settings)
    network = models.load_lite0(num_classes=2).eval()
    engine.load_checkpoint(path, network)
    elpv, test = catalogue.load_elpv(), splits.elpv_split(0).test
    with torch.inference_mode():
        scale = {"size": 64, "mean": transforms.LITE0_MEAN, "std": transforms.LITE0_STD}
        answers = network(transforms.to_batch(elpv.images[test], **scale)).argmax(1).numpy()
    expected = np.mean(answers == elpv.defective[test])
    assert checkpoints.score_elpv(path, ABOUT | {"settings": settings}) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"licence": ""}, "licence"),
        ({"attribution": ""}, "attribution"),
        ({"score": None}, "score"),
        ({"arm": "other"}, "22_transfer_learning.other"),
    ],
)
def test_checkpoint_without_a_full_record_is_a_finding(tmp_path, changes, words):
    """What is missing or misnamed is said, and nothing is scored."""
    save(tmp_path, **changes)
    finding = checkpoints.verify(tmp_path)[0]
    assert not finding.ok and words in finding.words


def test_checkpoint_of_a_lesson_without_a_scorer_is_a_finding(tmp_path):
    """A lesson that ships a checkpoint needs a way to score it again."""
    save(tmp_path, lesson="99_unknown")
    assert "99_unknown" in checkpoints.verify(tmp_path)[0].words


def test_pickle_among_the_checkpoints_is_a_finding(tmp_path):
    """A pickle with the right ending is refused without being opened as one."""
    torch.save({"weight": torch.zeros(2)}, tmp_path / "22_transfer_learning.toy.safetensors")
    finding = checkpoints.verify(tmp_path)[0]
    assert not finding.ok and "pickle" in finding.words


def test_too_large_a_checkpoint_is_a_finding(tmp_path, monkeypatch):
    """A file over the limit is named with its size, and so is a folder over the limit for all."""
    save(tmp_path)
    monkeypatch.setattr(checkpoints, "LARGEST", 1e6)
    monkeypatch.setattr(checkpoints, "LARGEST_TOGETHER", 2e6)
    first, second = checkpoints.verify(tmp_path)
    assert "at most 7 MB" in first.words and "MiB together" in second.words


def test_folder_without_checkpoints_is_ok(tmp_path):
    """Nothing shipped is nothing wrong, and is said."""
    assert [(finding.ok, finding.words) for finding in checkpoints.verify(tmp_path)] == [(True, f"none in {tmp_path}")]


def test_shipped_checkpoints_still_score_what_their_records_say():
    """Every checkpoint of this repository loads and comes within half a point on its whole test set."""
    assert [str(finding) for finding in checkpoints.verify() if not finding.ok] == []


def test_a_decoder_is_scored_with_the_encoder_of_its_package(tmp_path):
    """The scenes' decoder alone is in the file; its score is that of the whole network on the test scenes."""
    widths = (8, 8, 8, 8)
    network = models.UNet(models.Lite0Encoder(), 7, widths=widths).eval()
    about = ABOUT | {
        "lesson": "32_unet",
        "arm": "scenes",
        "settings": {"DATA": "scenes", "WIDTHS": widths, "IMAGES": [0, 0, 3]},
    }
    learnt = torch.nn.ModuleDict({"decoder": network.decoder, "head": network.head})
    path = engine.save_checkpoint(tmp_path / "32_unet.scenes.safetensors", learnt, about, half=True)
    images, maps = datasets.stack_class_maps(synthetic.make_scenes(3, seed=0, size=96, part="test", max_signs=6))
    with torch.inference_mode():
        said = network(torch.from_numpy(images).permute(0, 3, 1, 2) / 127.5 - 1).argmax(1)
    expected = metrics.segmentation_iou(said, torch.from_numpy(maps), num_classes=7).nanmean()
    assert checkpoints.score_scenes(path, about) == pytest.approx(float(expected), abs=1e-3)


def save_detector(folder, **changes):
    """Write an untrained detector of small scenes with a record like lesson 30's."""
    torch.manual_seed(0)
    settings = {"DATA": "scenes", "SIZE": 64, "WIDTH": 4, "DEPTH": 1, "EXAMPLES": {"test": 3}}
    about = ABOUT | {"lesson": "30_yolo", "arm": "scenes", "split": "test", "settings": settings} | changes
    network = models.Yolo(len(synthetic.CLASSES), torch.full((3, 3, 2), 12.0), width=4)
    return engine.save_checkpoint(folder / "30_yolo.scenes.safetensors", network, about, half=True), about


def test_detector_is_scored_on_the_test_scenes(tmp_path):
    """An untrained detector finds nothing: its score is about 0, and a record that promises half is refused."""
    path, about = save_detector(tmp_path)
    assert checkpoints.score_detector(path, about) < 0.1
    assert not checkpoints.verify(tmp_path)[0].ok
    save_detector(tmp_path, score=checkpoints.score_detector(path, about))
    assert checkpoints.verify(tmp_path)[0].ok


def test_detector_of_other_data_is_refused(tmp_path):
    """Blood cells are not at hand everywhere: only a network of scenes can be scored again."""
    path, about = save_detector(tmp_path)
    about["settings"]["DATA"] = "bccd"
    with pytest.raises(ValueError, match="a network of scenes"):
        checkpoints.score_detector(path, about)


def save_outliner(folder):
    """Write what an untrained Mask R-CNN of small scenes would learn, with a record like lesson 33's, and score it."""
    torch.manual_seed(0)
    network = models.mask_rcnn(len(synthetic.CLASSES), size=64).eval()
    settings = {"SIZE": 64, "TEST": 4, "overlap": 0.3}
    about = ABOUT | {"lesson": "33_mask_rcnn", "arm": "scenes", "split": "test", "settings": settings}
    path = folder / "33_mask_rcnn.scenes.safetensors"
    return engine.save_checkpoint(path, models.learnt_part(network), about, half=True), about


def test_instances_are_scored_on_both_kinds_of_test_scenes(tmp_path, monkeypatch):
    """A network that outlines the truth scores 1; one that knows ordinary streets alone does not."""
    path, about = save_outliner(tmp_path)
    makers = (synthetic.make_scenes, synthetic.make_touching_scenes)
    ordinary, touching = ([truth for _, truth in make(2, seed=4, size=64, part="test")] for make in makers)

    def answers(truths):
        return [{"masks": one.masks, "labels": one.labels, "scores": torch.ones(len(one))} for one in truths]

    monkeypatch.setattr(engine, "detect_instances", lambda network, images: answers(ordinary + touching))
    assert checkpoints.score_instances(path, about) == pytest.approx(1)
    none = [{name: value[:0] for name, value in one.items()} for one in answers(touching)]
    monkeypatch.setattr(engine, "detect_instances", lambda network, images: answers(ordinary) + none)
    assert checkpoints.score_instances(path, about) < 0.9


def test_untrained_instances_score_little(tmp_path):
    """The file is loaded and asked: an untrained network finds next to nothing."""
    path, about = save_outliner(tmp_path)
    assert checkpoints.score_instances(path, about) < 0.1
