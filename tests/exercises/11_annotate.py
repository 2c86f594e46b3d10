"""Wrong answers to the exercises of 11_annotate, named after the mistake; each checker must refuse its own."""

import numpy as np


# 11.1 voc_to_yolo(corners, size_hw)
def first_pixel_taken_for_an_edge(corners, size_hw):
    xmin, ymin, xmax, ymax = corners
    height, width = size_hw
    return (xmin + xmax) / 2 / width, (ymin + ymax) / 2 / height, (xmax - xmin) / width, (ymax - ymin) / height


def one_taken_off_the_last_pixel_too(corners, size_hw):
    xmin, ymin, xmax, ymax = (corner - 1 for corner in corners)
    height, width = size_hw
    return (xmin + xmax) / 2 / width, (ymin + ymax) / 2 / height, (xmax - xmin) / width, (ymax - ymin) / height


def height_and_width_swapped(corners, size_hw):
    xmin, ymin, xmax, ymax = corners
    width, height = size_hw
    x1, y1 = xmin - 1, ymin - 1
    return (x1 + xmax) / 2 / width, (y1 + ymax) / 2 / height, (xmax - x1) / width, (ymax - y1) / height


def pixels_not_shares(corners, size_hw):
    xmin, ymin, xmax, ymax = corners
    return (xmin - 1 + xmax) / 2, (ymin - 1 + ymax) / 2, xmax - xmin + 1, ymax - ymin + 1


def corner_not_centre(corners, size_hw):
    xmin, ymin, xmax, ymax = corners
    height, width = size_hw
    return (xmin - 1) / width, (ymin - 1) / height, (xmax - xmin + 1) / width, (ymax - ymin + 1) / height


def corners_not_sizes_at_the_end(corners, size_hw):
    xmin, ymin, xmax, ymax = corners
    height, width = size_hw
    return (xmin - 1 + xmax) / 2 / width, (ymin - 1 + ymax) / 2 / height, xmax / width, ymax / height


def whole_pixels_of_the_centre(corners, size_hw):
    xmin, ymin, xmax, ymax = corners
    height, width = size_hw
    centre = (xmin - 1 + xmax) // 2 / width, (ymin - 1 + ymax) // 2 / height
    return *centre, (xmax - xmin + 1) / width, (ymax - ymin + 1) / height


# 11.2 majority(votes)
def counts_of(votes):
    return np.stack([(votes == k).sum(axis=0) for k in range(votes.max() + 1)])


def ties_go_to_the_smallest_class(votes):
    return counts_of(votes).argmax(axis=0)


def more_than_half_needed(votes):
    counts = counts_of(votes)
    return np.where(counts.max(axis=0) * 2 > len(votes), counts.argmax(axis=0), -1)


def number_of_votes_not_class(votes):
    return counts_of(votes).max(axis=0)


def axes_swapped(votes):
    counts = np.stack([(votes == k).sum(axis=1) for k in range(votes.max() + 1)])
    return counts.argmax(axis=0)


def largest_class_forgotten(votes):
    counts = np.stack([(votes == k).sum(axis=0) for k in range(max(int(votes.max()), 1))])
    tied = (counts == counts.max(axis=0)).sum(axis=0) > 1
    return np.where(tied, -1, counts.argmax(axis=0))


def median_not_mode(votes):
    return np.median(votes, axis=0).astype(int)


def tie_is_none_of_the_first_two(votes):
    counts = counts_of(votes)
    return np.where(counts[0] == counts[min(1, len(counts) - 1)], -1, counts.argmax(axis=0))


def sorts_the_votes_it_was_given(votes):
    votes.sort(axis=0)
    counts = counts_of(votes)
    tied = (counts == counts.max(axis=0)).sum(axis=0) > 1
    return np.where(tied, -1, counts.argmax(axis=0))


# 11.3 polygon_area(points)
def half_forgotten(points):
    x, y = np.asarray(points, dtype=float).T
    return float(abs((x * np.roll(y, -1) - np.roll(x, -1) * y).sum()))


def sign_left(points):
    x, y = np.asarray(points, dtype=float).T
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


def last_corner_not_joined_to_the_first(points):
    x, y = np.asarray(points, dtype=float).T
    return float(abs((x[:-1] * y[1:] - x[1:] * y[:-1]).sum()) / 2)


def each_term_made_positive(points):
    x, y = np.asarray(points, dtype=float).T
    return float(np.abs(x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


def area_of_the_box_around(points):
    points = np.asarray(points, dtype=float)
    return float(np.prod(points.max(axis=0) - points.min(axis=0)))


def length_of_the_outline(points):
    points = np.asarray(points, dtype=float)
    return float(np.linalg.norm(np.roll(points, -1, axis=0) - points, axis=1).sum())


# 11.4 run_lengths(mask)
def lengths_along(walk, start):
    changes = np.flatnonzero(np.diff(walk, prepend=start))
    return np.diff(changes, prepend=0, append=len(walk)).tolist()


def along_the_rows(mask):
    return lengths_along(np.asarray(mask, dtype=bool).flatten(), False)


def no_zero_where_the_first_pixel_is_inside(mask):
    walk = np.asarray(mask, dtype=bool).flatten(order="F")
    return lengths_along(walk, walk[0])


def inside_counted_first(mask):
    return lengths_along(np.asarray(mask, dtype=bool).flatten(order="F"), True)


def last_run_forgotten(mask):
    walk = np.asarray(mask, dtype=bool).flatten(order="F")
    return np.diff(np.flatnonzero(np.diff(walk, prepend=False)), prepend=0).tolist()


def places_not_distances(mask):
    walk = np.asarray(mask, dtype=bool).flatten(order="F")
    return [*np.flatnonzero(np.diff(walk, prepend=False)).tolist(), len(walk)]


def runs_inside_only(mask):
    return lengths_along(np.asarray(mask, dtype=bool).flatten(order="F"), False)[1::2]


def one_number_a_pixel(mask):
    return np.asarray(mask).flatten(order="F").astype(int).tolist()


WRONG = {
    "11.1": [
        first_pixel_taken_for_an_edge,
        one_taken_off_the_last_pixel_too,
        height_and_width_swapped,
        pixels_not_shares,
        corner_not_centre,
        corners_not_sizes_at_the_end,
        whole_pixels_of_the_centre,
    ],
    "11.2": [
        ties_go_to_the_smallest_class,
        more_than_half_needed,
        number_of_votes_not_class,
        axes_swapped,
        largest_class_forgotten,
        median_not_mode,
        tie_is_none_of_the_first_two,
        sorts_the_votes_it_was_given,
    ],
    "11.3": [
        half_forgotten,
        sign_left,
        last_corner_not_joined_to_the_first,
        each_term_made_positive,
        area_of_the_box_around,
        length_of_the_outline,
    ],
    "11.4": [
        along_the_rows,
        no_zero_where_the_first_pixel_is_inside,
        inside_counted_first,
        last_run_forgotten,
        places_not_distances,
        runs_inside_only,
        one_number_a_pixel,
    ],
}
