"""Average precision against pycocotools itself: no library between us and COCO's own thresholds."""

import contextlib
import io

import pytest
import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from course_utils import metrics

CLASSES = 3


def detections(seed):
    """Forty images of up to five objects, detected with jitter, misses, wrong classes and false alarms."""
    generator = torch.Generator().manual_seed(seed)
    predictions, targets = [], []
    for _ in range(40):
        n = int(torch.randint(0, 6, (1,), generator=generator))
        corners = torch.randint(0, 80, (n, 2), generator=generator).float()
        boxes = torch.cat([corners, corners + torch.randint(10, 40, (n, 2), generator=generator)], dim=1)
        labels = torch.randint(CLASSES, (n,), generator=generator)
        moved = boxes + torch.randn(n, 1, generator=generator) * 3
        again = torch.cat([moved, boxes + torch.randn(n, 1, generator=generator) * 8])
        keep = torch.rand(2 * n, generator=generator) < 0.7
        scores = torch.rand(2 * n, generator=generator)
        predictions.append({"boxes": again[keep], "scores": scores[keep], "labels": labels.repeat(2)[keep]})
        targets.append({"boxes": boxes, "labels": labels})
    return predictions, targets


def evaluated_by_pycocotools(predictions, targets):
    """The first three numbers and the last recall of COCOeval's summary."""

    def rows(images, key=lambda found, i: {}):
        for image, found in enumerate(images):
            for i, (x1, y1, x2, y2) in enumerate(found["boxes"].tolist()):
                row = {"image_id": image, "category_id": int(found["labels"][i]), "bbox": [x1, y1, x2 - x1, y2 - y1]}
                yield {**row, "area": (x2 - x1) * (y2 - y1), "iscrowd": 0, **key(found, i)}

    images, categories = [{"id": i} for i in range(len(targets))], [{"id": i} for i in range(CLASSES)]
    truth, found = COCO(), COCO()
    with contextlib.redirect_stdout(io.StringIO()):
        annotations = [{**row, "id": i} for i, row in enumerate(rows(targets), start=1)]
        truth.dataset = {"images": images, "categories": categories, "annotations": annotations}
        scored = rows(predictions, key=lambda found, i: {"score": float(found["scores"][i])})
        annotations = [{**row, "id": i} for i, row in enumerate(scored, start=1)]
        found.dataset = {"images": images, "categories": categories, "annotations": annotations}
        truth.createIndex()
        found.createIndex()
        evaluation = COCOeval(truth, found, "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return dict(zip(("map50_95", "map50", "map75", "recall100"), evaluation.stats[[0, 1, 2, 8]].tolist(), strict=True))


@pytest.mark.parametrize("seed", range(4))
def test_average_precision_equals_pycocotools_to_six_digits(seed):
    """Every number is COCO's own, where torchmetrics' float32 thresholds would move the third digit."""
    predictions, targets = detections(seed)
    expected = evaluated_by_pycocotools(predictions, targets)
    assert 0.1 < expected["map50"] < 0.9
    assert metrics.mean_average_precision(predictions, targets) == pytest.approx(expected, abs=1e-6)


def test_recall_on_a_threshold_counts():
    """Three of ten objects found without error: recall 0.3 reaches COCO's point 0.30, which makes 31 of 101."""
    boxes = torch.tensor([[20.0 * i, 0, 20 * i + 10, 10] for i in range(10)])
    label = torch.zeros(10, dtype=torch.int64)
    found = {"boxes": boxes[:3], "scores": torch.tensor([0.9, 0.8, 0.7]), "labels": label[:3]}
    score = metrics.mean_average_precision([found], [{"boxes": boxes, "labels": label}])["map50"]
    assert score == pytest.approx(31 / 101, abs=1e-6)


def square_masks(*corners, side=8, size=24):
    """Bool (N, size, size): filled squares by their upper left corners (row, column)."""
    masks = torch.zeros(len(corners), size, size, dtype=torch.bool)
    for mask, (row, column) in zip(masks, corners, strict=True):
        mask[row : row + side, column : column + side] = True
    return masks


def as_found(masks, scores=None):
    """Detections or truth of one class from masks."""
    labels = torch.zeros(len(masks), dtype=torch.int64)
    return {"masks": masks, "labels": labels} | ({} if scores is None else {"scores": torch.tensor(scores)})


def test_masks_of_two_objects_that_touch_count_as_two():
    """Two squares side by side: found as two, all is well; their union overlaps each by half, no more than 0.5."""
    two = square_masks((4, 4), (4, 12))
    whole = two.any(dim=0, keepdim=True)
    right = metrics.mean_average_precision([as_found(two, [0.9, 0.8])], [as_found(two)], masks=True)
    merged = metrics.mean_average_precision([as_found(whole, [0.9])], [as_found(two)], masks=True)
    assert right["map50"] == right["map75"] == pytest.approx(1) and merged["map75"] == 0
    assert merged["map50"] == pytest.approx(51 / 101)  # IoU is exactly 0.5: one of two is found


def test_an_object_found_twice_counts_once():
    """The second mask on the same object is a false alarm: the truth of another image then comes after it."""
    one, other = square_masks((4, 4)), square_masks((10, 10))
    twice = as_found(one.repeat(2, 1, 1), [0.9, 0.8])
    truths = [as_found(one), as_found(other)]
    found = metrics.mean_average_precision([twice, as_found(other, [0.7])], truths, masks=True)
    assert found["map50"] == pytest.approx((51 + 50 * 2 / 3) / 101, abs=1e-6)


@pytest.mark.parametrize(("empty", "score"), [("prediction", 51 / 101), ("truth", 1.0), ("both", 1.0)])
def test_masks_of_empty_images_and_of_no_predictions(empty, score):
    """No mask found in an image costs its objects; an image without objects costs nothing where nothing is found."""
    one, none = square_masks((4, 4)), square_masks()
    second = {"prediction": (none, one), "truth": (none, none), "both": (none, none)}[empty]
    predictions = [as_found(one, [0.9]), as_found(second[0], [])]
    found = metrics.mean_average_precision(predictions, [as_found(one), as_found(second[1])], masks=True)
    assert found["map50"] == pytest.approx(score)


def test_a_mask_found_where_nothing_is_costs_precision():
    """A surer false alarm in an empty image halves the precision of what comes after it."""
    one, none = square_masks((4, 4)), square_masks()
    predictions = [as_found(one, [0.8]), as_found(one, [0.9])]
    found = metrics.mean_average_precision(predictions, [as_found(one), as_found(none)], masks=True)
    assert found["map50"] == pytest.approx(0.5)


def test_nothing_found_at_all_is_zero_and_no_truth_at_all_is_nan():
    """Zero is a failure, NaN is no question."""
    one, none = square_masks((4, 4)), square_masks()
    assert metrics.mean_average_precision([as_found(none, [])], [as_found(one)], masks=True)["map50"] == 0
    undefined = metrics.mean_average_precision([as_found(one, [0.9])], [as_found(none)], masks=True)["map50"]
    assert undefined != undefined


# boxes: crowds, borders, nothing, and faults by name


def box_found(*rows, scores=None, crowd=None):
    """Detections or truth from rows of label, x1, y1, x2, y2."""
    rows = torch.tensor(rows, dtype=torch.float32).reshape(-1, 5)
    extra = {} if scores is None else {"scores": torch.tensor(scores, dtype=torch.float32)}
    extra |= {} if crowd is None else {"iscrowd": torch.tensor(crowd)}
    return {"boxes": rows[:, 1:], "labels": rows[:, 0].long(), **extra}


def test_boxes_of_empty_images_and_of_no_predictions():
    """Nothing found where something is costs recall; nothing where nothing is costs nothing; a false alarm costs."""
    one, none = (0, 10, 10, 30, 30), box_found()
    right, nothing = box_found(one, scores=[0.9]), box_found(scores=[])
    truth = [box_found(one), none]
    assert metrics.mean_average_precision([right, nothing], truth)["map50"] == 1
    assert metrics.mean_average_precision([nothing, nothing], truth)["map50"] == 0
    alarm = box_found((0, 40, 40, 60, 60), scores=[0.95])
    assert metrics.mean_average_precision([right, alarm], truth)["map50"] == pytest.approx(0.5)
    assert metrics.mean_average_precision([alarm], [none])["map50"] != 0  # undefined, not zero


def test_crowds_count_neither_as_found_nor_as_missed():
    """A crowd that nobody finds costs nothing, boxes inside of it are no false alarms; without the mark they are."""
    rows = (0, 0, 0, 10, 10), (0, 40, 40, 90, 90)
    found = box_found((0, 0, 0, 10, 10), (0, 42, 42, 60, 60), scores=[0.8, 0.9])
    marked, unmarked = (box_found(*rows, crowd=crowd) for crowd in ([0, 1], [0, 0]))
    assert metrics.mean_average_precision([found], [marked])["map50"] == 1
    assert metrics.mean_average_precision([found], [unmarked])["map50"] < 0.5


def test_boxes_on_the_border_and_a_single_class():
    """A box over the whole picture and slim ones along its edges, of one class whose number is not 0."""
    rows = (3, 0, 0, 100, 60), (3, 0, 0, 100, 4), (3, 96, 0, 100, 60)
    scores = metrics.mean_average_precision([box_found(*rows, scores=[0.9, 0.8, 0.7])], [box_found(*rows)])
    assert scores["map50"] == scores["map50_95"] == pytest.approx(1)


def test_faults_are_named():
    """One of each kind in one image; a low score is not looked at; a crowd is no object."""
    truth = box_found((0, 0, 0, 10, 10), (1, 20, 0, 30, 10), (2, 40, 0, 50, 10), (2, 70, 0, 99, 30), crowd=[0, 0, 0, 1])
    rows = {
        (0, 0, 0, 10, 10): 0.9,  # right
        (0, 1, 0, 11, 10): 0.8,  # found twice
        (0, 20, 0, 30, 10): 0.7,  # wrong class
        (2, 46, 0, 56, 10): 0.6,  # misplaced: IoU 4/16
        (2, 0, 50, 10, 60): 0.5,  # nothing there
        (1, 20, 0, 30, 10): 0.2,  # not looked at
    }
    found = box_found(*rows, scores=list(rows.values()))
    wanted = ["found twice", "wrong class", "misplaced", "nothing there", "missed", "missed"]
    assert metrics.detection_faults(found, truth) == wanted


def test_faults_of_empty_images():
    """No objects and nothing found: none; one side empty: misses or boxes on nothing."""
    one, none = (0, 0, 0, 10, 10), box_found(scores=[])
    assert metrics.detection_faults(none, box_found()) == []
    assert metrics.detection_faults(none, box_found(one)) == ["missed"]
    assert metrics.detection_faults(box_found(one, scores=[0.9]), box_found()) == ["nothing there"]


def test_best_overlaps_equal_a_loop():
    """For every object the largest IoU of its image's boxes; 0 where there are none."""
    predictions, targets = detections(5)
    found, true = [one["boxes"] for one in predictions], [one["boxes"] for one in targets]
    expected = [
        max((metrics.box_iou(box[None], other[None]).item() for other in boxes), default=0.0)
        for boxes, objects in zip(found, true, strict=True)
        for box in objects
    ]
    torch.testing.assert_close(metrics.best_overlaps(found, true), torch.tensor(expected))
    assert 0.0 in expected and len(metrics.best_overlaps(found[:1], [torch.zeros(0, 4)])) == 0


def test_best_overlaps_refuse_lists_of_other_lengths():
    """One set of boxes for each image."""
    with pytest.raises(ValueError, match="for each image"):
        metrics.best_overlaps([], [])
