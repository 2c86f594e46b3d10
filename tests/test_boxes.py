"""Anchors, places, assignment and suppression, each against a slow loop or another library."""

import math

import pytest
import torch
from torchvision import ops

from course_utils import boxes, synthetic

STRIDES = (8, 16, 32)
ANCHORS = torch.tensor([[6.0, 8], [9, 7], [12, 12], [16, 20], [24, 18], [24, 30], [40, 36], [50, 60], [70, 50]])


def make_grid(size_hw=(64, 96)):
    return boxes.make_grid(size_hw, ANCHORS.reshape(3, 3, 2), STRIDES)


def drawn_targets(seed, *, images=6, most=5, size_hw=(64, 96), whole=False):
    """Padded targets (B, M, 5) with 0 to `most` random boxes an image, labels 0 to 3."""
    generator = torch.Generator().manual_seed(seed)
    targets = torch.zeros(images, most, 5)
    targets[..., 0] = boxes.NO_OBJECT
    for row in targets:
        number = int(torch.randint(0, most + 1, (1,), generator=generator))
        seed = int(torch.randint(0, 10_000, (1,), generator=generator))
        found = synthetic.make_boxes(number, size_hw=size_hw, seed=seed)
        row[:number, 1:] = found.round() if whole else found
        row[:number, 0] = torch.randint(0, 4, (number,), generator=generator).float()
    return targets


def assigned_by_loop(targets, grid):
    """(image, place, label) of every pair, by the rule written out for one box and anchor at a time."""
    pairs = []
    for image, rows in enumerate(targets.tolist()):
        for label, x1, y1, x2, y2 in rows:
            for first, columns, lines in grid.kinds.tolist() if label >= 0 and x2 > x1 and y2 > y1 else []:
                stride, (width, height) = grid.strides[first].item(), grid.anchors[first].tolist()
                ratios = ((x2 - x1) / width, (y2 - y1) / height)
                if max(max(ratio, 1 / ratio) for ratio in ratios) >= 4:
                    continue
                x, y = (x1 + x2) / 2 / stride, (y1 + y2) / 2 / stride
                column, line = min(math.floor(x), columns - 1), min(math.floor(y), lines - 1)
                beside = (column - 1 if x - column < 0.5 else column + 1, line)
                above = (column, line - 1 if y - line < 0.5 else line + 1)
                for c, r in ((column, line), beside, above):
                    if 0 <= c < columns and 0 <= r < lines:
                        pairs.append((image, first + r * columns + c, int(label)))
    return sorted(pairs)


# anchors


def test_anchors_are_the_means_of_the_boxes_nearest_to_them():
    """Two clusters without overlap give their two means, by growing area."""
    sides = torch.tensor([[10.0, 10], [12, 10], [11, 13], [50, 80], [54, 84]])
    found = boxes.fit_anchors(sides, 2, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(found, torch.tensor([[11.0, 11.0], [52.0, 82.0]]))


def test_more_anchors_fit_better_and_the_scale_does_not_matter():
    """The mean best IoU grows with the number of anchors; boxes ten times as large have anchors ten times as large."""
    sides = synthetic.make_boxes(200, size_hw=(100, 100), seed=0)
    sides = sides[:, 2:] - sides[:, :2]
    fits = [boxes.fit_anchors(sides, k, generator=torch.Generator().manual_seed(0)) for k in (1, 3, 9)]
    scores = [boxes.mean_best_iou(sides, anchors) for anchors in fits]
    assert scores == sorted(scores) and scores[-1] - scores[0] > 0.2
    large = boxes.fit_anchors(10 * sides, 9, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(large, 10 * fits[-1])


def test_overlap_of_sides_is_that_of_boxes_on_one_corner():
    """Against torchvision on boxes that start at the origin."""
    a, b = torch.rand(20, 2) + 0.1, torch.rand(7, 2) + 0.1
    full = [torch.cat([torch.zeros_like(sides), sides], dim=1) for sides in (a, b)]
    torch.testing.assert_close(boxes.side_iou(a, b), ops.box_iou(*full))


@pytest.mark.parametrize("sides", [torch.zeros(0, 2), torch.ones(3, 4), torch.tensor([[1.0, 0.0], [2.0, 2.0]])])
def test_anchors_of_nothing_are_refused(sides):
    """No boxes, boxes in place of sides, and sides without area."""
    with pytest.raises(ValueError, match="Expected `sides` to be"):
        boxes.fit_anchors(sides, 2, generator=torch.Generator())


# places


def test_places_stand_in_the_order_of_the_network():
    """Stride, then anchor, then row, then column: each place by a loop."""
    grid, place = make_grid(), 0
    for level, stride in enumerate(STRIDES):
        for anchor in ANCHORS.reshape(3, 3, 2)[level]:
            for row in range(64 // stride):
                for column in range(96 // stride):
                    assert grid.cells[place].tolist() == [column, row] and grid.strides[place] == stride
                    assert torch.equal(grid.anchors[place], anchor)
                    place += 1
    assert place == len(grid.cells)


def test_grids_that_do_not_fit_are_refused():
    """Two strides with anchors of three, and a size that 32 does not divide."""
    with pytest.raises(ValueError, match=r"Expected `anchors` to be \(L, A, 2\)"):
        boxes.make_grid((64, 64), ANCHORS.reshape(3, 3, 2), (8, 16))
    with pytest.raises(ValueError, match="multiples of 32"):
        make_grid((64, 100))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_decoding_is_the_published_formula_in_full_precision(dtype):
    """Each place by Python's own numbers; half precision comes in and full precision goes out."""
    grid = make_grid((32, 32))
    raw = torch.randn(2, len(grid.cells), 7, generator=torch.Generator().manual_seed(0)).to(dtype)
    found, scores = boxes.decode(raw, grid)
    assert found.dtype == scores.dtype == torch.float32
    for place in range(len(grid.cells)):
        x, y, w, h, there, *classes = (1 / (1 + math.exp(-t)) for t in raw[1, place].tolist())
        (column, row), stride, (width, height) = grid.cells[place], grid.strides[place], grid.anchors[place]
        cx, cy = (2 * x - 0.5 + column) * stride, (2 * y - 0.5 + row) * stride
        w, h = (max(0.1, (2 * t) ** 2 * side) for t, side in ((w, width), (h, height)))
        wanted = torch.tensor([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2])
        torch.testing.assert_close(found[1, place], wanted, rtol=1e-4, atol=1e-3)
        torch.testing.assert_close(scores[1, place], torch.tensor([there * c for c in classes]))


def test_a_box_never_vanishes():
    """However negative the numbers, width and height stay above zero in float32, so that no shape is 0/0."""
    grid = make_grid((640, 640))
    found, _ = boxes.decode(torch.full((1, len(grid.cells), 6), -60.0), grid)
    assert ((found[..., 2:] - found[..., :2]) > 0).all()


# assignment


@pytest.mark.parametrize("seed", range(5))
def test_assignment_equals_the_loop(seed):
    """The same pairs of image and place with the same labels and boxes, whole coordinates on cell borders included."""
    grid, targets = make_grid(), drawn_targets(seed, whole=bool(seed % 2))
    found = boxes.assign(targets, grid)
    assert sorted(zip(*(x.tolist() for x in (found.image, found.place, found.labels)), strict=True)) == (
        assigned_by_loop(targets, grid)
    )
    for image, box, label in zip(found.image, found.boxes, found.labels, strict=True):
        rows = targets[image]
        assert ((rows[:, 1:] == box).all(dim=1) & (rows[:, 0] == label)).any()


@pytest.mark.parametrize("targets", [torch.zeros(0, 3, 5), torch.full((2, 1, 5), -1.0), torch.zeros(2, 4, 5)])
def test_nothing_to_assign_is_no_error(targets):
    """No images, rows that fill up, and boxes without area: no pair, and shapes as ever."""
    found = boxes.assign(targets, make_grid())
    assert [tuple(part.shape) for part in found] == [(0,), (0,), (0, 4), (0,)]


def test_boxes_on_the_border_stay_in_the_grid():
    """Centres in the corner cells have neighbours on one side only; a slim box on the right edge is still assigned."""
    rows = torch.tensor([[[0.0, 0, 0, 6, 6], [1, 90, 58, 96, 64], [2, 91.9, 20, 96, 28]]])
    found = boxes.assign(rows, make_grid())
    assert set(found.labels.tolist()) == {0, 1, 2}
    assert ((found.place >= 0) & (found.place < len(make_grid().cells))).all()


def test_assignment_refuses_other_shapes():
    """Targets without labels, and a ratio that nothing meets."""
    with pytest.raises(ValueError, match="pad_annotations"):
        boxes.assign(torch.zeros(2, 3, 4), make_grid())
    with pytest.raises(ValueError, match="above 1"):
        boxes.assign(torch.zeros(2, 3, 5), make_grid(), largest_ratio=1.0)


# suppression


def detections(seed, images=3, number=60, classes=3):
    """Boxes (B, N, 4), some nearly on one another and some with negative coordinates, and scores (B, N, K)."""
    generator = torch.Generator().manual_seed(seed)
    corners = torch.rand(images, number, 2, generator=generator) * 80 - 10
    found = torch.cat([corners, corners + 5 + torch.rand(images, number, 2, generator=generator) * 30], dim=2)
    found[:, ::2] = found[:, 1::2] + 0.7
    return found, torch.rand(images, number, classes, generator=generator)


@pytest.mark.parametrize("seed", range(3))
def test_suppression_equals_torchvision_image_by_image_and_class_by_class(seed):
    """One call for the whole batch keeps what a call for each image and class keeps, in the order of scores."""
    found, scores = detections(seed)
    kept = boxes.suppress(boxes.best_candidates(found, scores, 1000), lowest=0.2, iou=0.5, most=1000)
    for image, one in enumerate(kept):
        rows = []
        for label in range(scores.shape[2]):
            sure = scores[image, :, label] > 0.2
            chosen, values = found[image, sure], scores[image, sure, label]
            rows += [(values[i].item(), label, chosen[i].tolist()) for i in ops.nms(chosen, values, 0.5).tolist()]
        rows.sort(reverse=True)
        assert [row[1] for row in rows] == one["labels"].tolist()
        torch.testing.assert_close(torch.tensor([row[0] for row in rows]), one["scores"])
        torch.testing.assert_close(torch.tensor([row[2] for row in rows]), one["boxes"])


def test_suppression_across_classes_equals_one_call_that_knows_no_labels():
    """Without regard to classes the best box of any class stays, with its own label; images still do not meet."""
    found, scores = detections(0)
    candidates = boxes.best_candidates(found, scores, 1000, every_class=False)
    kept = boxes.suppress(candidates, lowest=0.2, iou=0.5, most=1000, by_class=False)
    for image, one in enumerate(kept):
        best, labels = scores[image].max(dim=1)
        rows = ops.nms(found[image], best, 0.5)
        rows = rows[best[rows] > 0.2]
        torch.testing.assert_close(one["boxes"], found[image, rows])
        assert torch.equal(one["labels"], labels[rows])
    assert sum(len(one["labels"]) for one in kept) < sum(
        len(one["labels"]) for one in boxes.suppress(candidates, lowest=0.2, iou=0.5, most=1000)
    )


def test_nothing_above_the_lowest_score_gives_empty_results_of_the_right_shape():
    """No candidate, in one image or in all: (0, 4), (0) and int64 (0)."""
    found, scores = detections(0)
    scores[1] = 0
    kept = boxes.suppress(boxes.best_candidates(found, scores), lowest=0.5)
    assert len(kept[0]["scores"]) > 0 and len(kept[1]["scores"]) == 0
    empty = boxes.suppress(boxes.best_candidates(found, 0 * scores))
    assert [tuple(one["boxes"].shape) for one in empty] == [(0, 4)] * 3 and empty[0]["labels"].dtype == torch.int64


def test_one_class_and_fewer_places_than_candidates_work():
    """A single class and three boxes, where 500 candidates are asked for; at most two are kept."""
    found, scores = detections(0, images=1, number=4, classes=1)
    candidates = boxes.best_candidates(found, scores)
    assert candidates.scores.shape == (1, 4)
    assert len(boxes.suppress(candidates, iou=1.0, most=2)[0]["scores"]) == 2


def test_candidates_have_shapes_that_do_not_depend_on_the_content():
    """The best pairs by falling score, equal to sorting all of them."""
    found, scores = detections(1)
    candidates = boxes.best_candidates(found, scores, 10)
    assert [tuple(part.shape) for part in candidates] == [(3, 10, 4), (3, 10), (3, 10)]
    single = boxes.best_candidates(found, scores, 60, every_class=False)
    torch.testing.assert_close(single.scores, scores.amax(dim=2).sort(descending=True).values)
    torch.testing.assert_close(candidates.scores, scores.flatten(1).sort(descending=True).values[:, :10])
    with pytest.raises(ValueError, match="Decode the network's output"):
        boxes.best_candidates(found[0], scores)
