"""A detector as `fit` wants it: stored maps stand for images, losses are the detectors' own, and all three learn."""

import pytest
import torch

from course_utils import datasets, engine, losses, models

SIZE = 64


def detectors():
    """An SSD, a Faster R-CNN and a YOLO of three classes from a fixed seed, without ImageNet weights."""
    torch.manual_seed(0)
    backbone = models.Lite0Pyramid(16, pretrained=False)
    return {
        "ssd": models.ssd(3, (8, 16, 24, 32), size=SIZE, backbone=backbone),
        "faster_rcnn": models.faster_rcnn(3, size=SIZE, channels=16, pretrained=False),
        "yolo": models.Yolo(3, torch.full((3, 3, 2), 16.0), width=4),
    }


@pytest.fixture
def examples():
    """Four images uint8 and padded boxes; one image has none."""
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (4, 3, SIZE, SIZE), generator=generator).byte()
    targets = torch.tensor([[[0.0, 8, 10, 26, 30], [2, 30, 28, 60, 50]]]).repeat(4, 1, 1)
    targets[1] = torch.tensor([-1.0, 0, 0, 0, 0])
    targets[2, 1] = torch.tensor([-1.0, 0, 0, 0, 0])
    return images, targets


@pytest.mark.parametrize("name", ["ssd", "faster_rcnn"])
def test_stored_maps_stand_for_images(name, examples):
    """Packed in half precision and unpacked, the maps are those of the images."""
    learner = engine.BoxLearner(detectors()[name], SIZE)
    with torch.no_grad():
        direct = learner(examples[0] / 255)
    stored = learner(learner.store(examples[0], batch_size=3))
    assert list(stored) == list(direct)
    for stride, one in direct.items():
        torch.testing.assert_close(stored[stride], one, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", ["ssd", "faster_rcnn"])
def test_the_loss_is_the_sum_of_the_detectors_own(name, examples):
    """Rows that fill up are no objects, and classes count from 1 inside."""
    detector, twin = detectors()[name], detectors()[name]
    truth = [
        {"boxes": rows[rows[:, 0] >= 0, 1:], "labels": rows[rows[:, 0] >= 0, 0].long() + 1} for rows in examples[1]
    ]
    torch.manual_seed(5)
    frames, _ = twin.transform(list(examples[0] / 255))
    torch.manual_seed(5)
    run = models.run_stages if name == "faster_rcnn" else models.run_single
    expected = sum(run(twin, twin.backbone.body(frames.tensors), (SIZE, SIZE), truth)[1].values())
    learner = engine.BoxLearner(detector, SIZE)
    torch.manual_seed(5)
    torch.testing.assert_close(learner.loss(learner(examples[0] / 255), examples[1]), expected)


def test_of_a_yolo_the_loss_is_that_of_the_losses(examples):
    """The network's raw numbers, and `losses.detection_loss` on its own grid."""
    network = detectors()["yolo"].eval()
    learner = engine.BoxLearner(network, SIZE).eval()
    raw = learner(examples[0] / 255)
    expected = losses.detection_loss(raw, examples[1], network.grid((SIZE, SIZE)))
    torch.testing.assert_close(learner.loss(raw, examples[1]), expected)
    with pytest.raises(TypeError, match="Train it on images"):
        learner.store(examples[0])


@pytest.mark.parametrize("name", ["ssd", "faster_rcnn", "yolo"])
def test_fit_lowers_the_loss(name, examples):
    """The same four images again and again; a frozen body stays as it was."""
    detector = detectors()[name]
    learner = engine.BoxLearner(detector, SIZE)
    inputs = examples[0] / 255 if name == "yolo" else learner.store(examples[0])
    body = {} if name == "yolo" else {key: one.clone() for key, one in detector.backbone.body.state_dict().items()}
    learnt = [parameter for parameter in detector.parameters() if parameter.requires_grad]
    recipe = engine.Recipe(learner.loss, torch.optim.AdamW(learnt, lr=0.005), clip_norm=10.0)
    torch.manual_seed(0)
    batches = datasets.MemoryBatches(inputs, examples[1], batch_size=4)
    history = engine.fit(learner, batches, None, recipe, epochs=12)
    assert history[-1]["train_loss"] < 0.9 * history[0]["train_loss"]
    if body:
        torch.testing.assert_close(detector.backbone.body.state_dict(), body, rtol=0, atol=0)


def test_looking_at_the_shapes_leaves_the_mode_and_the_statistics():
    """A body that learns is in training mode before and after, and BatchNorm has seen nothing."""
    torch.manual_seed(0)
    backbone = models.Lite0Pyramid(16, pretrained=False, frozen=False)
    before = {key: one.clone() for key, one in backbone.state_dict().items()}
    engine.BoxLearner(models.ssd(3, (8, 16, 24, 32), size=SIZE, backbone=backbone), SIZE)
    assert backbone.body.training
    torch.testing.assert_close(backbone.state_dict(), before, rtol=0, atol=0)
