"""What a network found becomes annotations: the sure ones, inside the image; and a class map goes there and back."""

import pytest
import torch

from course_utils import annotations, synthetic
from course_utils.annotations.targets import annotations_to_class_map

SIZE = (8, 12)


def found(boxes, scores, labels, **more):
    """Detections of one image."""
    boxes = torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)
    return {"boxes": boxes, "scores": torch.tensor(scores), "labels": torch.tensor(labels, dtype=torch.int64)} | more


def test_sure_boxes_are_kept_and_cut_at_the_border():
    """The score may equal the limit; a box beyond the image is left out, one across its border is cut."""
    boxes = [[-3, 2, 5, 9], [1, 1, 4, 4], [12.5, 0, 14, 3], [2, 2, 3, 3]]
    kept, scores = annotations.found_to_annotations(found(boxes, [0.9, 0.5, 0.8, 0.49], [0, 1, 2, 3]), SIZE)
    assert kept.boxes.tolist() == [[0, 2, 5, 8], [1, 1, 4, 4]] and kept.labels.tolist() == [0, 1]
    assert scores.tolist() == pytest.approx([0.9, 0.5]) and kept.size_hw == SIZE and kept.masks is None


def test_masks_decide_the_boxes():
    """A box is that of its mask; a thing without a pixel is left out."""
    masks = torch.zeros(2, *SIZE, dtype=torch.bool)
    masks[0, 2:4, 3:7] = True
    kept, scores = annotations.found_to_annotations(
        found([[0, 0, 9, 9], [1, 1, 2, 2]], [0.8, 0.9], [4, 5], masks=masks), SIZE
    )
    assert kept.boxes.tolist() == [[3, 2, 7, 4]] and torch.equal(kept.masks, masks[:1])
    assert kept.labels.tolist() == [4] and scores.tolist() == pytest.approx([0.8])


@pytest.mark.parametrize("more", [{}, {"masks": torch.zeros(0, *SIZE, dtype=torch.bool)}])
def test_nothing_found_is_an_empty_annotation(more):
    """No boxes, no masks, no error."""
    kept, scores = annotations.found_to_annotations(found([], [], [], **more), SIZE)
    assert len(kept) == len(scores) == 0 and kept.size_hw == SIZE


def test_class_map_goes_to_annotations_and_back():
    """Each class is one object again, whatever the number of its things."""
    for _, truth in synthetic.make_touching_scenes(3, seed=0, size=64):
        classes = annotations_to_class_map(truth)
        joined = annotations.class_map_to_annotations(classes)
        assert joined.labels.tolist() == sorted(set(truth.labels.tolist()))
        assert torch.equal(annotations_to_class_map(joined), classes)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64])
def test_background_alone_is_no_object(dtype):
    """An empty street has no objects; small whole numbers will do."""
    assert len(annotations.class_map_to_annotations(torch.zeros(SIZE, dtype=dtype))) == 0
    one = annotations.class_map_to_annotations(torch.full(SIZE, 3, dtype=dtype))
    assert one.labels.tolist() == [2] and one.masks.all()
