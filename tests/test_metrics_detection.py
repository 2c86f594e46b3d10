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
