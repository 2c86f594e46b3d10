"""What a detector finds does not depend on the batches, and is what its own parts give step by step."""

import pytest
import torch

from course_utils import boxes, engine, models, synthetic

SIZE = 64


@pytest.fixture
def pictures():
    """Five small street scenes, uint8 (5, 3, 64, 64)."""
    drawn = synthetic.make_scenes(5, seed=0, size=SIZE)
    return torch.stack([torch.from_numpy(image).permute(2, 0, 1) for image, _ in drawn])


@pytest.fixture
def yolo():
    """An untrained one-stage detector whose answers differ from place to place."""
    torch.manual_seed(0)
    network = models.Yolo(6, torch.full((3, 3, 2), 12.0), width=4).eval()
    for head in network.heads:
        torch.nn.init.normal_(head.weight, std=2.0)
    return network


def outliner(**changed):
    """An untrained detector of two stages that takes everything seriously."""
    torch.manual_seed(0)
    return models.mask_rcnn(6, size=SIZE, pretrained=False, box_score_thresh=0.0, **changed).eval()


def assert_same(ours, theirs):
    """Two lists of detections agree up to rounding."""
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("every_class", [True, False])
def test_detect_decodes_and_suppresses_each_image(yolo, pictures, every_class):
    """One image at a time through the parts of lesson 30 gives what batches of two give."""
    expected = []
    with torch.inference_mode():
        for picture in pictures:
            decoded = boxes.decode(yolo(picture[None] / 255), yolo.grid((SIZE, SIZE)))
            expected += boxes.suppress(boxes.best_candidates(*decoded, 1000, every_class=every_class), lowest=0.002)
    found = engine.detect(yolo, pictures, batch_size=2, every_class=every_class, lowest=0.002)
    assert_same(found, expected)
    shared = [(len(one["boxes"]), len(one["boxes"].unique(dim=0))) for one in found]
    assert all((boxes > places) == every_class for boxes, places in shared)  # one box for several classes, or not


def test_detect_passes_suppression_on(yolo, pictures):
    """No score is above one, so nothing is left."""
    assert [len(one["boxes"]) for one in engine.detect(yolo, pictures, lowest=1.0)] == [0] * 5


def test_instances_are_those_of_the_detector_with_labels_from_0(pictures):
    """torchvision's own call gives the same boxes and scores; labels are one lower, masks are cut at one half."""
    detector = outliner()
    with torch.inference_mode():
        expected = detector(list(pictures / 255))
    found = engine.detect_instances(detector, pictures, batch_size=2)
    assert sum(len(one["scores"]) for one in found)
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours["boxes"], theirs["boxes"])
        torch.testing.assert_close(ours["scores"], theirs["scores"])
        assert torch.equal(ours["labels"], theirs["labels"] - 1)
        assert torch.equal(ours["masks"], theirs["masks"][:, 0] >= 0.5)


def test_instances_of_a_detector_without_masks(pictures):
    """Faster R-CNN has boxes, labels and scores."""
    detector = models.faster_rcnn(6, size=SIZE, pretrained=False).eval()
    assert set(engine.detect_instances(detector, pictures)[0]) == {"boxes", "labels", "scores"}


def test_no_images_nothing_found(yolo):
    """An empty batch has an empty answer."""
    none = torch.zeros(0, 3, SIZE, SIZE, dtype=torch.uint8)
    assert engine.detect(yolo, none) == [] and engine.detect_instances(outliner(), none) == []


@pytest.mark.parametrize(
    ("images", "batch_size"),
    [
        (torch.zeros(2, 3, SIZE, SIZE), 2),
        (torch.zeros(2, SIZE, SIZE, 3, dtype=torch.uint8), 2),
        (torch.zeros(3, SIZE, SIZE, dtype=torch.uint8), 2),
        (torch.zeros(2, 3, SIZE, SIZE, dtype=torch.uint8), 0),
    ],
)
def test_other_images_and_no_batch_are_refused(yolo, images, batch_size):
    """Floats, channels last, a missing axis and an empty batch are named."""
    for ask, network in ((engine.detect, yolo), (engine.detect_instances, outliner())):
        with pytest.raises(ValueError, match="uint8"):
            ask(network, images, batch_size=batch_size)
