"""SSD on the pyramid: stored maps give what images give, in both modes, and the boxes have the sides asked for."""

import pytest
import torch

from course_utils import annotations, models
from course_utils.models import single_shot

SIZE, SIDES = 64, (8.0, 16.0, 24.0, 32.0)


@pytest.fixture
def scene():
    """Two images, one without objects, and their targets."""
    images = torch.rand(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    one = annotations.ImageAnnotations(
        (SIZE, SIZE), torch.tensor([[8.0, 10, 26, 30], [30, 28, 60, 50]]), torch.tensor([0, 2])
    )
    none = annotations.ImageAnnotations((SIZE, SIZE), torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))
    return images, [models.rcnn_targets(each) for each in (one, none)]


def build(**changed):
    """A detector of three classes from a fixed seed, without ImageNet weights."""
    torch.manual_seed(0)
    backbone = models.Lite0Pyramid(16, pretrained=False)
    return single_shot.ssd(3, SIDES, size=SIZE, backbone=backbone, **changed)


def test_detections_from_maps_equal_those_from_images(scene):
    """Body, then run_single, is what torchvision's own forward pass does."""
    detector = build(score_thresh=0.0).eval()
    with torch.no_grad():
        expected = detector(list(scene[0]))
        found, losses = single_shot.run_single(detector, detector.backbone.body(scene[0] * 2 - 1), (SIZE, SIZE))
    assert losses == {} and sum(len(one["scores"]) for one in expected) > 0
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_losses_from_maps_equal_those_from_images(scene):
    """An image without objects takes part."""
    expected = build()(list(scene[0]), [dict(one) for one in scene[1]])
    detector = build()  # BatchNorm of the first has seen the batch
    found, losses = single_shot.run_single(detector, detector.backbone.body(scene[0] * 2 - 1), (SIZE, SIZE), scene[1])
    assert found == [] and all(torch.isfinite(one) for one in losses.values())
    torch.testing.assert_close(losses, dict(expected))


def test_default_boxes_have_the_sides_asked_for(scene):
    """Two squares a cell, around its centre: the stride's side, and the geometric mean of it and the next one."""
    detector = build()
    frame, _ = detector.transform(list(scene[0]))
    maps = [torch.zeros(2, 1, SIZE // stride, SIZE // stride) for stride in (4, 8, 16, 32)]
    laid = detector.anchor_generator(frame, maps)[0]
    sides = laid[:, 2:] - laid[:, :2]
    torch.testing.assert_close((laid[:2, :2] + laid[:2, 2:]) / 2, torch.full((2, 2), 2.0))
    torch.testing.assert_close(sides[0], torch.tensor([8.0, 8.0]))
    torch.testing.assert_close(sides[1], torch.full((2,), (8.0 * 16.0) ** 0.5))
    torch.testing.assert_close(sides[-2], torch.tensor([32.0, 32.0]))
    assert len(laid) == 2 * (16**2 + 8**2 + 4**2 + 2**2)


@pytest.mark.parametrize(
    ("classes", "sides", "size"),
    [(0, SIDES, 64), (3, SIDES, 100), (3, SIDES[:3], 64), (3, (16, 8, 24, 32), 64), (3, (0, 8, 16, 24), 64)],
)
def test_bad_arguments_are_refused(classes, sides, size):
    """No class, a size that cannot be halved, too few sides, sides that do not grow from above 0."""
    with pytest.raises(ValueError, match="growing sides"):
        single_shot.ssd(classes, sides, size=size)


def test_the_body_learns_where_it_is_asked_to():
    """A frozen body has no gradients; one that is not frozen has."""
    for frozen in (True, False):
        body = models.Lite0Body(pretrained=False, frozen=frozen).train()
        assert all(parameter.requires_grad is not frozen for parameter in body.parameters())
        assert any(layer.training for layer in body.encoder.modules()) is not frozen


def test_arguments_for_other_objects_reach_the_detector():
    """Anchors of the sides asked for, as many proposals and detections, and levels that go with the image's size."""
    how = models.boxes_of_sides((10, 20, 40, 80), 256, objects=30, most=70)
    detector = models.faster_rcnn(3, size=256, channels=16, pretrained=False, **how)
    anchors = [level[0, 2] - level[0, 0] for level in detector.rpn.anchor_generator.cell_anchors]
    assert [float(side) for side in anchors] == [10, 20, 40, 80]
    assert detector.rpn._post_nms_top_n == {"training": 240, "testing": 70}
    assert detector.roi_heads.detections_per_img == 70
    assert detector.roi_heads.box_roi_pool.canonical_scale == 128


def test_other_than_four_sides_are_refused():
    """One side a stride."""
    with pytest.raises(ValueError, match="4 sides"):
        models.boxes_of_sides((10, 20), 256)
