"""Wrong answers to the exercises of 30_yolo, named after the mistake; each checker must refuse its own."""

import torch
from torchvision import ops


# 30.1 count_places(height, width, strides, anchors_each)
def anchors_forgotten(height, width, strides, anchors_each):
    return sum((height // stride) * (width // stride) for stride in strides)


def square_of_the_height(height, width, strides, anchors_each):
    return anchors_each * sum((height // stride) ** 2 for stride in strides)


def finest_grid_only(height, width, strides, anchors_each):
    return anchors_each * (height // min(strides)) * (width // min(strides))


def anchors_added_once(height, width, strides, anchors_each):
    return anchors_each + sum((height // stride) * (width // stride) for stride in strides)


def a_fraction(height, width, strides, anchors_each):
    return anchors_each * sum(height * width / stride for stride in strides)


# 30.2 encode(box, cell, stride, anchor)
def parts(box, cell, stride, anchor):
    return (box[:2] + box[2:]) / 2 / stride - cell, (box[2:] - box[:2]) / anchor


def sigmoid_not_undone(box, cell, stride, anchor):
    where, ratio = parts(box, cell, stride, anchor)
    return torch.cat([(where + 0.5) / 2, ratio.sqrt() / 2])


def half_a_cell_forgotten(box, cell, stride, anchor):
    where, ratio = parts(box, cell, stride, anchor)
    return torch.logit(torch.cat([where / 2, ratio.sqrt() / 2]).clamp(1e-6, 1 - 1e-6))


def root_forgotten(box, cell, stride, anchor):
    where, ratio = parts(box, cell, stride, anchor)
    return torch.logit(torch.cat([(where + 0.5) / 2, ratio / 2]).clamp(1e-6, 1 - 1e-6))


def halved_before_the_root(box, cell, stride, anchor):
    where, ratio = parts(box, cell, stride, anchor)
    return torch.logit(torch.cat([(where + 0.5) / 2, (ratio / 2).sqrt()]).clamp(1e-6, 1 - 1e-6))


def upper_left_corner_as_the_centre(box, cell, stride, anchor):
    _, ratio = parts(box, cell, stride, anchor)
    where = box[:2] / stride - cell
    return torch.logit(torch.cat([(where + 0.5) / 2, ratio.sqrt() / 2]).clamp(1e-6, 1 - 1e-6))


def logarithm_as_in_yolo_v3(box, cell, stride, anchor):
    where, ratio = parts(box, cell, stride, anchor)
    return torch.cat([torch.logit(((where + 0.5) / 2).clamp(1e-6, 1 - 1e-6)), ratio.log()])


# 30.3 nms_by_class(candidates, scores, labels, threshold)
def classes_ignored(candidates, scores, labels, threshold):
    return ops.nms(candidates, scores, threshold)


def one_pixel_apart(candidates, scores, labels, threshold):
    return ops.nms(candidates + labels[:, None], scores, threshold)


def moved_to_the_right_only_at_its_left_edge(candidates, scores, labels, threshold):
    if not len(candidates):
        return torch.zeros(0, dtype=torch.int64)
    moved = candidates.clone()
    moved[:, 0] -= labels * (candidates.max() - candidates.min() + 1)
    return ops.nms(moved, scores, threshold)


def negative_coordinates_forgotten(candidates, scores, labels, threshold):
    if not len(candidates):
        return torch.zeros(0, dtype=torch.int64)
    return ops.nms(candidates + (labels * (candidates.max() + 1))[:, None], scores, threshold)


def mask_in_place_of_positions(candidates, scores, labels, threshold):
    kept = ops.batched_nms(candidates, scores, labels, threshold)
    return torch.zeros(len(scores), dtype=torch.bool).index_fill(0, kept, True)


def in_order_of_position(candidates, scores, labels, threshold):
    return ops.batched_nms(candidates, scores, labels, threshold).sort().values


def inputs_moved(candidates, scores, labels, threshold):
    if len(candidates):
        candidates += (labels * (candidates.max() - candidates.min() + 1))[:, None]
    return ops.nms(candidates, scores, threshold)


def fails_without_boxes(candidates, scores, labels, threshold):
    return ops.nms(candidates + (labels * (candidates.max() - candidates.min() + 1))[:, None], scores, threshold)


# 30.4 soft_nms(candidates, scores, sigma)
def decayed(candidates, scores, sigma, *, squared=True, anew=True, taken_too=False):
    scores, left = scores.clone(), torch.ones(len(scores), dtype=torch.bool)
    first = scores.clone()
    while left.any():
        best = (scores if anew else first).masked_fill(~left, -torch.inf).argmax()
        left[best] = False
        overlap = ops.box_iou(candidates[best][None], candidates)[0]
        factor = torch.exp(-(overlap**2 if squared else overlap) / sigma)
        chosen = torch.ones_like(left) if taken_too else left
        chosen = chosen & (torch.arange(len(left)) != best)
        scores = torch.where(chosen, scores * factor, scores)
    return scores


def overlap_not_squared(candidates, scores, sigma):
    return decayed(candidates, scores, sigma, squared=False)


def order_decided_once(candidates, scores, sigma):
    return decayed(candidates, scores, sigma, anew=False)


def boxes_taken_are_lowered_too(candidates, scores, sigma):
    return decayed(candidates, scores, sigma, taken_too=True)


def sorted_by_score(candidates, scores, sigma):
    return decayed(candidates, scores, sigma).sort(descending=True).values


def only_the_best_lowers(candidates, scores, sigma):
    if not len(scores):
        return scores
    best = scores.argmax()
    factor = torch.exp(-(ops.box_iou(candidates[best][None], candidates)[0] ** 2) / sigma)
    return torch.where(torch.arange(len(scores)) == best, scores, scores * factor)


def dropped_as_in_hard_nms(candidates, scores, sigma):
    kept = ops.nms(candidates, scores, 0.5)
    return torch.zeros_like(scores).index_copy(0, kept, scores[kept])


def its_own_overlap_counted(candidates, scores, sigma):
    scores, left = scores.clone(), torch.ones(len(scores), dtype=torch.bool)
    while left.any():
        best = scores.masked_fill(~left, -torch.inf).argmax()
        overlap = ops.box_iou(candidates[best][None], candidates)[0]
        scores = torch.where(left, scores * torch.exp(-(overlap**2) / sigma), scores)
        left[best] = False
    return scores


WRONG = {
    "30.1": [anchors_forgotten, square_of_the_height, finest_grid_only, anchors_added_once, a_fraction],
    "30.2": [
        sigmoid_not_undone,
        half_a_cell_forgotten,
        root_forgotten,
        halved_before_the_root,
        upper_left_corner_as_the_centre,
        logarithm_as_in_yolo_v3,
    ],
    "30.3": [
        classes_ignored,
        one_pixel_apart,
        moved_to_the_right_only_at_its_left_edge,
        negative_coordinates_forgotten,
        mask_in_place_of_positions,
        in_order_of_position,
        inputs_moved,
        fails_without_boxes,
    ],
    "30.4": [
        overlap_not_squared,
        order_decided_once,
        boxes_taken_are_lowered_too,
        sorted_by_score,
        only_the_best_lowers,
        dropped_as_in_hard_nms,
        its_own_overlap_counted,
    ],
}
