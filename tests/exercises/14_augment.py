"""Wrong answers to the exercises of 14_augment, named after the mistake; each checker must refuse its own."""

import math

import torch


# 14.1 quarter_turn_boxes(boxes, width)
def clockwise_with_width_for_height(boxes, width):
    x1, y1, x2, y2 = boxes.unbind(dim=1)
    return torch.stack([width - y2, x1, width - y1, x2], dim=1)


def axes_swapped_only(boxes, width):
    return boxes[:, [1, 0, 3, 2]]


def corners_not_exchanged(boxes, width):
    x1, y1, x2, y2 = boxes.unbind(dim=1)
    return torch.stack([y1, width - x1, y2, width - x2], dim=1)


def counts_pixels_not_edges(boxes, width):
    x1, y1, x2, y2 = boxes.unbind(dim=1)
    return torch.stack([y1, width - 1 - x2, y2, width - 1 - x1], dim=1)


def mirrored_not_turned(boxes, width):
    x1, y1, x2, y2 = boxes.unbind(dim=1)
    return torch.stack([width - x2, y1, width - x1, y2], dim=1)


def stacked_along_the_wrong_axis(boxes, width):
    x1, y1, x2, y2 = boxes.unbind(dim=1)
    return torch.stack([y1, width - x2, y2, width - x1], dim=0)


def turned_in_place(boxes, width):
    x1, y1, x2, y2 = boxes.clone().unbind(dim=1)
    boxes[:] = torch.stack([y1, width - x2, y2, width - x1], dim=1)
    return boxes


def forgets_to_return(boxes, width):
    x1, y1, x2, y2 = boxes.unbind(dim=1)
    torch.stack([y1, width - x2, y2, width - x1], dim=1)


# 14.2 crop_objects(boxes, labels, crop, smallest)
def cut_boxes(boxes, crop):
    corner = torch.tensor([*crop[:2], *crop[:2]], dtype=boxes.dtype)
    limit = torch.tensor([*crop[2:], *crop[2:]], dtype=boxes.dtype) - corner
    return (boxes - corner).clamp(min=0).minimum(limit)


def labels_forgotten(boxes, labels, crop, smallest):
    cut = cut_boxes(boxes, crop)
    return cut[((cut[:, 2:] - cut[:, :2]) >= smallest).all(dim=1)], labels


def nothing_dropped(boxes, labels, crop, smallest):
    return cut_boxes(boxes, crop), labels


def dropped_if_both_sides_are_too_small(boxes, labels, crop, smallest):
    cut = cut_boxes(boxes, crop)
    left = ((cut[:, 2:] - cut[:, :2]) >= smallest).any(dim=1)
    return cut[left], labels[left]


def exactly_smallest_is_dropped(boxes, labels, crop, smallest):
    cut = cut_boxes(boxes, crop)
    left = ((cut[:, 2:] - cut[:, :2]) > smallest).all(dim=1)
    return cut[left], labels[left]


def measured_from_the_old_corner(boxes, labels, crop, smallest):
    cut = boxes.maximum(torch.tensor([*crop[:2], *crop[:2]]).float()).minimum(
        torch.tensor([*crop[2:], *crop[2:]]).float()
    )
    left = ((cut[:, 2:] - cut[:, :2]) >= smallest).all(dim=1)
    return cut[left], labels[left]


def not_cut_at_the_border(boxes, labels, crop, smallest):
    cut = cut_boxes(boxes, crop)
    left = ((cut[:, 2:] - cut[:, :2]) >= smallest).all(dim=1)
    return (boxes - torch.tensor([*crop[:2], *crop[:2]]))[left], labels[left]


def size_before_the_cut_judged(boxes, labels, crop, smallest):
    left = ((boxes[:, 2:] - boxes[:, :2]) >= smallest).all(dim=1)
    return cut_boxes(boxes, crop)[left], labels[left]


def cut_at_the_far_corner_instead_of_the_width(boxes, labels, crop, smallest):
    corner = torch.tensor([*crop[:2], *crop[:2]], dtype=boxes.dtype)
    cut = (boxes - corner).clamp(min=0).minimum(torch.tensor([*crop[2:], *crop[2:]], dtype=boxes.dtype))
    left = ((cut[:, 2:] - cut[:, :2]) >= smallest).all(dim=1)
    return cut[left], labels[left]


def list_instead_of_a_pair(boxes, labels, crop, smallest):
    cut = cut_boxes(boxes, crop)
    left = ((cut[:, 2:] - cut[:, :2]) >= smallest).all(dim=1)
    return [cut[left], labels[left]]


# 14.3 cutmix_shares(shares, partner, box, size_hw)
def pasted_area(box, size_hw):
    x1, x2 = (min(max(x, 0), size_hw[1]) for x in (box[0], box[2]))
    y1, y2 = (min(max(y, 0), size_hw[0]) for y in (box[1], box[3]))
    return (x2 - x1) * (y2 - y1) / (size_hw[0] * size_hw[1])


def border_forgotten(shares, partner, box, size_hw):
    pasted = (box[2] - box[0]) * (box[3] - box[1]) / (size_hw[0] * size_hw[1])
    return (1 - pasted) * shares + pasted * shares[partner]


def shares_exchanged(shares, partner, box, size_hw):
    pasted = pasted_area(box, size_hw)
    return pasted * shares + (1 - pasted) * shares[partner]


def height_and_width_exchanged(shares, partner, box, size_hw):
    pasted = pasted_area(box, size_hw[::-1])
    return (1 - pasted) * shares + pasted * shares[partner]


def always_the_example_before(shares, partner, box, size_hw):
    pasted = pasted_area(box, size_hw)
    return (1 - pasted) * shares + pasted * shares.roll(-1, dims=0)


def partner_inverted(shares, partner, box, size_hw):
    pasted = pasted_area(box, size_hw)
    return (1 - pasted) * shares + pasted * shares[partner.argsort()]


def winner_takes_all(shares, partner, box, size_hw):
    return shares[partner] if pasted_area(box, size_hw) > 0.5 else shares.clone()


def half_and_half(shares, partner, box, size_hw):
    return (shares + shares[partner]) / 2


def outside_counts_as_negative(shares, partner, box, size_hw):
    x1, x2 = max(box[0], 0), min(box[2], size_hw[1])
    y1, y2 = max(box[1], 0), min(box[3], size_hw[0])
    pasted = (x2 - x1) * (y2 - y1) / (size_hw[0] * size_hw[1])
    return (1 - pasted) * shares + pasted * shares[partner]


def mixed_in_place(shares, partner, box, size_hw):
    pasted = pasted_area(box, size_hw)
    shares[:] = (1 - pasted) * shares + pasted * shares[partner]
    return shares


# 14.4 turn_boxes(boxes, degrees, size_hw)
def turned(boxes, degrees, centre, corners=((0, 1), (2, 1), (2, 3), (0, 3))):
    angle = math.radians(degrees)
    x = boxes[:, [corner[0] for corner in corners]] - centre[0]
    y = boxes[:, [corner[1] for corner in corners]] - centre[1]
    new_x = x * math.cos(angle) + y * math.sin(angle) + centre[0]
    new_y = y * math.cos(angle) - x * math.sin(angle) + centre[1]
    return new_x, new_y


def enclosed(new_x, new_y, size_hw):
    x, y = new_x.clamp(0, size_hw[1]), new_y.clamp(0, size_hw[0])
    return torch.stack([x.amin(1), y.amin(1), x.amax(1), y.amax(1)], dim=1)


def clockwise(boxes, degrees, size_hw):
    return enclosed(*turned(boxes, -degrees, (size_hw[1] / 2, size_hw[0] / 2)), size_hw)


def two_corners_only(boxes, degrees, size_hw):
    centre = (size_hw[1] / 2, size_hw[0] / 2)
    return enclosed(*turned(boxes, degrees, centre, ((0, 1), (2, 3))), size_hw)


def about_the_upper_left_corner(boxes, degrees, size_hw):
    return enclosed(*turned(boxes, degrees, (0, 0)), size_hw)


def centre_of_the_box(boxes, degrees, size_hw):
    parts = []
    for box in boxes:
        centre = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
        parts.append(enclosed(*turned(box[None], degrees, centre), size_hw))
    return torch.cat(parts) if parts else boxes


def height_and_width_of_the_image_exchanged(boxes, degrees, size_hw):
    centre = (size_hw[0] / 2, size_hw[1] / 2)
    return enclosed(*turned(boxes, degrees, centre), size_hw[::-1])


def border_of_the_image_forgotten(boxes, degrees, size_hw):
    return enclosed(*turned(boxes, degrees, (size_hw[1] / 2, size_hw[0] / 2)), (10**6, 10**6)) - 0.0


def degrees_taken_for_radians(boxes, degrees, size_hw):
    return enclosed(*turned(boxes, math.degrees(degrees), (size_hw[1] / 2, size_hw[0] / 2)), size_hw)


def centre_of_pixels_not_of_edges(boxes, degrees, size_hw):
    return enclosed(*turned(boxes, degrees, ((size_hw[1] - 1) / 2, (size_hw[0] - 1) / 2)), size_hw)


def not_enclosed_upright(boxes, degrees, size_hw):
    x, y = turned(boxes, degrees, (size_hw[1] / 2, size_hw[0] / 2))
    return torch.stack([x[:, 0], y[:, 0], x[:, 2], y[:, 2]], dim=1)


WRONG = {
    "14.1": [
        clockwise_with_width_for_height,
        axes_swapped_only,
        corners_not_exchanged,
        counts_pixels_not_edges,
        mirrored_not_turned,
        stacked_along_the_wrong_axis,
        turned_in_place,
        forgets_to_return,
    ],
    "14.2": [
        labels_forgotten,
        nothing_dropped,
        dropped_if_both_sides_are_too_small,
        exactly_smallest_is_dropped,
        measured_from_the_old_corner,
        not_cut_at_the_border,
        size_before_the_cut_judged,
        cut_at_the_far_corner_instead_of_the_width,
        list_instead_of_a_pair,
    ],
    "14.3": [
        border_forgotten,
        shares_exchanged,
        height_and_width_exchanged,
        always_the_example_before,
        partner_inverted,
        winner_takes_all,
        half_and_half,
        outside_counts_as_negative,
        mixed_in_place,
    ],
    "14.4": [
        clockwise,
        two_corners_only,
        about_the_upper_left_corner,
        centre_of_the_box,
        height_and_width_of_the_image_exchanged,
        border_of_the_image_forgotten,
        degrees_taken_for_radians,
        centre_of_pixels_not_of_edges,
        not_enclosed_upright,
    ],
}
