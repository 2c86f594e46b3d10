"""Two-stage detectors: stored maps give what images give, only the learnt part learns, labels go there and back."""

import pytest
import torch

from course_utils import annotations, models
from course_utils.models import two_stage

SIZE = 64
BUILDERS = [two_stage.faster_rcnn, two_stage.mask_rcnn]


@pytest.fixture
def scene():
    """Two images, one without objects, and their annotations; masks are the filled boxes."""
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(2, 3, SIZE, SIZE, generator=generator)
    masks = torch.zeros(2, SIZE, SIZE, dtype=torch.bool)
    masks[0, 8:24, 10:30] = masks[1, 30:50, 28:60] = True
    one = annotations.ImageAnnotations.from_masks(masks, torch.tensor([0, 2]))
    none = annotations.ImageAnnotations.from_masks(masks[:0], torch.zeros(0, dtype=torch.int64))
    return images, [one, none]


def build(builder):
    """A detector of three classes from a fixed seed, without ImageNet weights."""
    torch.manual_seed(0)
    return builder(3, size=SIZE, channels=16, pretrained=False)


def flat(detections):
    """All tensors of all images, by image and name."""
    return [one[name] for one in detections for name in sorted(one)]


@pytest.mark.parametrize("builder", BUILDERS)
def test_detections_from_stored_maps_equal_those_from_images(builder, scene):
    """Body, then run_stages, is what torchvision's own forward pass does."""
    detector = build(builder).eval()
    detector.roi_heads.score_thresh = 0.0  # an untrained network is sure of nothing
    with torch.no_grad():
        expected = detector(list(scene[0]))
        found, losses = two_stage.run_stages(detector, detector.backbone.body((scene[0] - 0.5) / 0.5), (SIZE, SIZE))
    assert losses == {} and sum(len(one["scores"]) for one in expected) > 0
    torch.testing.assert_close(flat(found), flat(expected))


@pytest.mark.parametrize(("builder", "names"), zip(BUILDERS, [4, 5], strict=True))
def test_losses_from_stored_maps_equal_those_from_images(builder, names, scene):
    """The same seed samples the same anchors and proposals; an image without objects takes part."""
    detector = build(builder)
    targets = [two_stage.rcnn_targets(one) for one in scene[1]]
    torch.manual_seed(1)
    expected = detector(list(scene[0]), targets)
    fresh = build(builder)  # BatchNorm of the first has seen the batch
    torch.manual_seed(1)
    frames, _ = fresh.transform(list(scene[0]))  # draws a size for each image, from the only one that there is
    found, losses = two_stage.run_stages(fresh, fresh.backbone.body(frames.tensors), (SIZE, SIZE), targets)
    assert found == [] and len(losses) == names and all(torch.isfinite(one) for one in losses.values())
    torch.testing.assert_close(losses, dict(expected))


def test_only_the_learnt_part_has_gradients_and_the_body_stays(scene):
    """A step reaches pyramid, proposals and heads; body and its statistics are as before, also in training mode."""
    detector = build(two_stage.mask_rcnn).train()
    before = {name: value.clone() for name, value in detector.backbone.body.state_dict().items()}
    losses = detector(list(scene[0]), [two_stage.rcnn_targets(one) for one in scene[1]])
    sum(losses.values()).backward()
    reached = {name for name, parameter in detector.named_parameters() if parameter.grad is not None}
    learnt = {id(parameter) for parameter in two_stage.learnt_part(detector).parameters()}
    assert {id(p) for p in detector.parameters() if p.requires_grad} == learnt
    assert reached == {name for name, parameter in detector.named_parameters() if id(parameter) in learnt}
    torch.testing.assert_close(detector.backbone.body.state_dict(), before, rtol=0, atol=0)


def test_learnt_part_carries_a_detector_over(scene):
    """Loading the learnt part into another detector gives the same detections."""
    first, second = build(two_stage.mask_rcnn), two_stage.mask_rcnn(3, size=SIZE, channels=16, pretrained=False)
    second.backbone.body.load_state_dict(first.backbone.body.state_dict())
    two_stage.learnt_part(second).load_state_dict(two_stage.learnt_part(first).state_dict())
    with torch.no_grad():
        expected, found = first.eval()(list(scene[0])), second.eval()(list(scene[0]))
    torch.testing.assert_close(flat(found), flat(expected))


def test_targets_and_labels_go_there_and_back(scene):
    """Labels are one more than the course's on the way in and one less on the way out; no objects are no problem."""
    one, none = (two_stage.rcnn_targets(each) for each in scene[1])
    assert one["labels"].tolist() == [1, 3] and one["masks"].dtype == torch.uint8 and none["masks"].shape == (0, 64, 64)
    back = two_stage.to_course_labels([{**one, "masks": one["masks"][:, None].float()}, {"labels": none["labels"]}])
    torch.testing.assert_close(back[0]["labels"], scene[1][0].labels)
    assert torch.equal(back[0]["masks"], scene[1][0].masks) and list(back[1]) == ["labels"]


def test_crowds_are_left_out_of_the_targets():
    """A region of many things is no example of one."""
    crowd = annotations.ImageAnnotations(
        (4, 6), torch.tensor([[0.0, 0, 2, 2], [1, 1, 3, 3]]), torch.tensor([0, 1]), iscrowd=torch.tensor([True, False])
    )
    assert two_stage.rcnn_targets(crowd)["labels"].tolist() == [2]


@pytest.mark.parametrize(("num_classes", "size"), [(0, 64), (3, 100), (3, 0)])
def test_bad_sizes_are_refused(num_classes, size):
    """No class, and a size that the five stages cannot halve."""
    with pytest.raises(ValueError, match="multiple of 32"):
        two_stage.mask_rcnn(num_classes, size=size, pretrained=False)


def test_the_builders_can_be_reached_through_models():
    """Lessons write models.mask_rcnn."""
    assert models.mask_rcnn is two_stage.mask_rcnn and models.faster_rcnn is two_stage.faster_rcnn


@pytest.mark.parametrize("asked", [True, False])
def test_determinism_is_asked_for_again_afterwards(asked, scene):
    """The stages run without it, and the setting comes back, warnings included."""
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    detector, seen = build(two_stage.faster_rcnn).eval(), []
    detector.rpn.register_forward_hook(lambda *_: seen.append(torch.are_deterministic_algorithms_enabled()))
    try:
        torch.use_deterministic_algorithms(asked, warn_only=asked)
        with torch.no_grad():
            two_stage.run_stages(detector, detector.backbone.body(scene[0]), (SIZE, SIZE))
        assert seen == [False] and torch.are_deterministic_algorithms_enabled() is asked
        assert torch.is_deterministic_algorithms_warn_only_enabled() is asked
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
