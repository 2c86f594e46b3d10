"""Wrong answers to the exercises of 10_acquire, each named after its mistake; the checkers must reject every one."""

import hashlib

import numpy as np


# 10.1 arrived_whole(chunks, expected)
def last_piece_alone(chunks, expected):
    digest = hashlib.sha256()
    for chunk in chunks:
        digest = hashlib.sha256(chunk)
    return digest.hexdigest() == expected.lower()


def first_piece_alone(chunks, expected):
    return hashlib.sha256(next(iter(chunks), b"")).hexdigest() == expected.lower()


def hash_of_the_hashes(chunks, expected):
    digests = [hashlib.sha256(chunk).digest() for chunk in chunks]
    return hashlib.sha256(b"".join(digests)).hexdigest() == expected.lower()


def stops_at_an_empty_piece(chunks, expected):
    digest = hashlib.sha256()
    for chunk in chunks:
        if not chunk:
            break
        digest.update(chunk)
    return digest.hexdigest() == expected.lower()


def upper_case_forgotten(chunks, expected):
    return hashlib.sha256(b"".join(chunks)).hexdigest() == expected


def another_hash(chunks, expected):
    return hashlib.md5(b"".join(chunks)).hexdigest() == expected.lower()


def pieces_sorted(chunks, expected):
    digest = hashlib.sha256()
    for chunk in sorted(chunks):
        digest.update(chunk)
    return digest.hexdigest() == expected.lower()


def always_whole(chunks, expected):
    return True


def empty_file_refused(chunks, expected):
    content = b"".join(chunks)
    return bool(content) and hashlib.sha256(content).hexdigest() == expected.lower()


def bytes_compared_with_digits(chunks, expected):
    return hashlib.sha256(b"".join(chunks)).digest() == expected.lower()


def answer_printed(chunks, expected):
    hashlib.sha256(b"".join(chunks)).hexdigest() == expected.lower()  # noqa: B015 - the mistake


# 10.2 missing_ranges(pieces, size)
def walked(pieces, size):
    missing, here = [], 0
    for start, stop in pieces:
        if start > here:
            missing.append((here, start))
        here = max(here, stop)
    return [*missing, (here, size)] if here < size else missing


def not_sorted(pieces, size):
    return walked([piece for piece in pieces if piece[0] < piece[1]], size)


def sorts_in_place(pieces, size):
    pieces.sort()
    return walked([piece for piece in pieces if piece[0] < piece[1]], size)


def place_moves_back(pieces, size):
    missing, here = [], 0
    for start, stop in sorted(piece for piece in pieces if piece[0] < piece[1]):
        if start > here:
            missing.append((here, start))
        here = stop
    return [*missing, (here, size)] if here < size else missing


def end_forgotten(pieces, size):
    return [pair for pair in walked(sorted(p for p in pieces if p[0] < p[1]), size) if pair[1] < size]


def beginning_forgotten(pieces, size):
    return [pair for pair in walked(sorted(p for p in pieces if p[0] < p[1]), size) if pair[0] > 0 or not pieces]


def empty_pieces_cut_gaps(pieces, size):
    return walked(sorted(pieces), size)


def last_byte_included(pieces, size):
    return [(start, stop - 1) for start, stop in walked(sorted(p for p in pieces if p[0] < p[1]), size)]


def touching_pieces_leave_an_empty_gap(pieces, size):
    missing, here = [], 0
    for start, stop in sorted(piece for piece in pieces if piece[0] < piece[1]):
        if start >= here and (start or here):
            missing.append((here, start))
        here = max(here, stop)
    return [*missing, (here, size)] if here < size else missing


def byte_by_byte(pieces, size):
    there = {byte for start, stop in pieces for byte in range(start, stop)}
    return [(byte, byte + 1) for byte in range(size) if byte not in there]


def what_is_there_instead(pieces, size):
    return sorted(pieces)


def number_of_bytes(pieces, size):
    return [(start, stop - start) for start, stop in walked(sorted(p for p in pieces if p[0] < p[1]), size)]


# 10.3 upright(pixels, orientation)
def turned(pixels, orientation, *, swap, left_right, top_bottom):
    pixels = pixels.transpose(1, 0, 2) if orientation in swap else pixels
    pixels = pixels[:, ::-1] if orientation in left_right else pixels
    return pixels[::-1] if orientation in top_bottom else pixels


def six_and_eight_swapped(pixels, orientation):
    return turned(pixels, orientation, swap=(5, 6, 7, 8), left_right=(2, 3, 7, 8), top_bottom=(3, 4, 6, 7))


def five_and_seven_swapped(pixels, orientation):
    return turned(pixels, orientation, swap=(5, 6, 7, 8), left_right=(2, 3, 5, 6), top_bottom=(3, 4, 5, 8))


def two_and_four_swapped(pixels, orientation):
    return turned(pixels, orientation, swap=(5, 6, 7, 8), left_right=(3, 4, 6, 7), top_bottom=(2, 3, 7, 8))


def mirrors_ignored(pixels, orientation):
    quarter = {3: 2, 6: -1, 8: 1}.get(orientation, 0)
    return np.rot90(pixels, quarter)


def nothing_done(pixels, orientation):
    return pixels


def rows_never_become_columns(pixels, orientation):
    return turned(pixels, orientation, swap=(), left_right=(2, 3, 6, 7), top_bottom=(3, 4, 7, 8))


def channels_reversed_too(pixels, orientation):
    if orientation >= 5:
        pixels = pixels.transpose(1, 0, 2)[..., ::-1]
    return turned(pixels, orientation, swap=(), left_right=(2, 3, 6, 7), top_bottom=(3, 4, 7, 8))


def mirrored_before_the_swap(pixels, orientation):
    pixels = pixels[:, ::-1] if orientation in (2, 3, 6, 7) else pixels
    pixels = pixels[::-1] if orientation in (3, 4, 7, 8) else pixels
    return pixels.transpose(1, 0, 2) if orientation >= 5 else pixels


def flips_all_axes(pixels, orientation):
    return pixels[::-1, ::-1, ::-1] if orientation == 3 else six_right(pixels, orientation)


def six_right(pixels, orientation):
    return turned(pixels, orientation, swap=(5, 6, 7, 8), left_right=(2, 3, 6, 7), top_bottom=(3, 4, 7, 8))


def turned_in_place(pixels, orientation):
    if orientation < 5:
        pixels[:] = six_right(pixels.copy(), orientation)
        return pixels
    return six_right(pixels, orientation)


def three_is_one_mirror(pixels, orientation):
    return pixels[::-1] if orientation == 3 else six_right(pixels, orientation)


# 10.4 paste(background, sign, corner)
def mixed(background, sign, corner):
    """The layer (H, W, 4) that lies over the background, cut off at its borders."""
    (height, width), (x, y) = background.shape[:2], corner
    layer = np.zeros((height, width, 4))
    top, left = max(y, 0), max(x, 0)
    bottom, right = max(top, min(y + len(sign), height)), max(left, min(x + sign.shape[1], width))
    layer[top:bottom, left:right] = sign[top - y : bottom - y, left - x : right - x]
    return layer


def painted(background, layer):
    alpha = layer[..., 3:]
    return (alpha * layer[..., :3] + (1 - alpha) * background).round().astype(np.uint8)


def tight(layer, least=0.5, far=1):
    rows, columns = np.nonzero(layer[..., 3] >= least)
    if len(rows) == 0:
        return None
    return int(columns.min()), int(rows.min()), int(columns.max()) + far, int(rows.max()) + far


def box_off_by_one(background, sign, corner):
    layer = mixed(background, sign, corner)
    return painted(background, layer), tight(layer, far=0)


def box_of_the_whole_sign(background, sign, corner):
    layer = mixed(background, sign, corner)
    x, y = corner
    return painted(background, layer), (x, y, x + sign.shape[1], y + len(sign))


def thin_paint_counted(background, sign, corner):
    layer = mixed(background, sign, corner)
    return painted(background, layer), tight(layer, least=0.01)


def exactly_half_left_out(background, sign, corner):
    layer = mixed(background, sign, corner)
    return painted(background, layer), tight(layer, least=0.5 + 1e-9)


def rows_before_columns(background, sign, corner):
    layer = mixed(background, sign, corner)
    box = tight(layer)
    return painted(background, layer), box and (box[1], box[0], box[3], box[2])


def corner_taken_for_row_and_column(background, sign, corner):
    layer = mixed(background, sign, corner[::-1])
    return painted(background, layer), tight(layer)


def opacity_ignored(background, sign, corner):
    layer = mixed(background, sign, corner)
    picture = np.where(layer[..., 3:] > 0, layer[..., :3], background).astype(np.uint8)
    return picture, tight(layer)


def not_rounded(background, sign, corner):
    layer = mixed(background, sign, corner)
    alpha = layer[..., 3:]
    return (alpha * layer[..., :3] + (1 - alpha) * background).astype(np.uint8), tight(layer)


def floats_handed_back(background, sign, corner):
    layer = mixed(background, sign, corner)
    return painted(background, layer).astype(float), tight(layer)


def paints_on_the_original(background, sign, corner):
    layer = mixed(background, sign, corner)
    background[:] = painted(background, layer)
    return background, tight(layer)


def borders_wrap_around(background, sign, corner):
    layer = np.zeros((*background.shape[:2], 4))
    layer[: len(sign), : sign.shape[1]] = sign
    layer = np.roll(layer, corner[::-1], axis=(0, 1))
    return painted(background, layer), tight(layer)


def empty_box_instead_of_none(background, sign, corner):
    layer = mixed(background, sign, corner)
    return painted(background, layer), tight(layer) or (0, 0, 0, 0)


def width_and_height(background, sign, corner):
    layer = mixed(background, sign, corner)
    box = tight(layer)
    return painted(background, layer), box and (box[0], box[1], box[2] - box[0], box[3] - box[1])


def box_forgotten(background, sign, corner):
    return painted(background, mixed(background, sign, corner))


WRONG = {
    "10.1": [
        last_piece_alone,
        first_piece_alone,
        hash_of_the_hashes,
        stops_at_an_empty_piece,
        upper_case_forgotten,
        another_hash,
        pieces_sorted,
        always_whole,
        empty_file_refused,
        bytes_compared_with_digits,
        answer_printed,
    ],
    "10.2": [
        not_sorted,
        sorts_in_place,
        place_moves_back,
        end_forgotten,
        beginning_forgotten,
        empty_pieces_cut_gaps,
        last_byte_included,
        touching_pieces_leave_an_empty_gap,
        byte_by_byte,
        what_is_there_instead,
        number_of_bytes,
    ],
    "10.3": [
        six_and_eight_swapped,
        five_and_seven_swapped,
        two_and_four_swapped,
        mirrors_ignored,
        nothing_done,
        rows_never_become_columns,
        channels_reversed_too,
        mirrored_before_the_swap,
        flips_all_axes,
        turned_in_place,
        three_is_one_mirror,
    ],
    "10.4": [
        box_off_by_one,
        box_of_the_whole_sign,
        thin_paint_counted,
        exactly_half_left_out,
        rows_before_columns,
        corner_taken_for_row_and_column,
        opacity_ignored,
        not_rounded,
        floats_handed_back,
        paints_on_the_original,
        borders_wrap_around,
        empty_box_instead_of_none,
        width_and_height,
        box_forgotten,
    ],
}
