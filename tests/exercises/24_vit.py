"""Wrong answers to the exercises of 24_vit, named after the mistake; each checker must refuse its own."""

import torch
from torch.nn import functional as F


# 24.1 join(rows, size, width)
def reshaped_only(rows, size, width):
    channels = rows.shape[2] // size**2
    return rows.reshape(len(rows), channels, -1, width)


def square_images_only(rows, size, width):
    side = round(rows.shape[1] ** 0.5)
    x = rows[:, : side * side].unflatten(2, (-1, size, size)).unflatten(1, (side, side))
    return x.permute(0, 3, 1, 4, 2, 5).flatten(4, 5).flatten(2, 3)


def places_transposed(rows, size, width):
    x = rows.unflatten(2, (-1, size, size)).unflatten(1, (width // size, -1))
    return x.permute(0, 3, 2, 4, 1, 5).flatten(4, 5).flatten(2, 3)


def patches_transposed(rows, size, width):
    x = rows.unflatten(2, (-1, size, size)).unflatten(1, (-1, width // size))
    return x.permute(0, 3, 1, 5, 2, 4).flatten(4, 5).flatten(2, 3)


def channels_last_in_a_row(rows, size, width):
    x = rows.unflatten(2, (size, size, -1)).unflatten(1, (-1, width // size))
    return x.permute(0, 5, 1, 3, 2, 4).flatten(4, 5).flatten(2, 3)


def width_counted_in_patches(rows, size, width):
    x = rows.unflatten(2, (-1, size, size)).unflatten(1, (-1, width))
    return x.permute(0, 3, 1, 4, 2, 5).flatten(4, 5).flatten(2, 3)


def channels_left_behind(rows, size, width):
    x = rows.unflatten(2, (-1, size, size)).unflatten(1, (-1, width // size))
    return x.permute(0, 1, 4, 2, 5, 3).flatten(3, 4).flatten(1, 2)


# 24.2 vit_parameters(image_size, patch_size, channels, dim, depth, classes)
def counted(image_size, patch_size, channels, dim, depth, classes, **changes):
    parts = {
        "embedding": channels * patch_size**2 * dim + dim,
        "token": dim,
        "positions": (1 + (image_size // patch_size) ** 2) * dim,
        "block": 12 * dim**2 + 9 * dim + 4 * dim,
        "norm": 2 * dim,
        "head": dim * classes + classes,
    } | changes
    return sum(value * (depth if name == "block" else 1) for name, value in parts.items())


def class_token_forgotten(image_size, patch_size, channels, dim, depth, classes):
    return counted(image_size, patch_size, channels, dim, depth, classes, token=0)


def no_position_for_the_class_token(image_size, patch_size, channels, dim, depth, classes):
    positions = (image_size // patch_size) ** 2 * dim
    return counted(image_size, patch_size, channels, dim, depth, classes, positions=positions)


def biases_of_the_block_forgotten(image_size, patch_size, channels, dim, depth, classes):
    return counted(image_size, patch_size, channels, dim, depth, classes, block=12 * dim**2 + 4 * dim)


def one_normalisation_a_block(image_size, patch_size, channels, dim, depth, classes):
    return counted(image_size, patch_size, channels, dim, depth, classes, block=12 * dim**2 + 11 * dim)


def output_layer_of_attention_forgotten(image_size, patch_size, channels, dim, depth, classes):
    return counted(image_size, patch_size, channels, dim, depth, classes, block=11 * dim**2 + 12 * dim)


def last_normalisation_forgotten(image_size, patch_size, channels, dim, depth, classes):
    return counted(image_size, patch_size, channels, dim, depth, classes, norm=0)


def channels_forgotten(image_size, patch_size, channels, dim, depth, classes):
    return counted(image_size, patch_size, channels, dim, depth, classes, embedding=patch_size**2 * dim + dim)


def blocks_share_their_weights(image_size, patch_size, channels, dim, depth, classes):
    return counted(image_size, patch_size, channels, dim, min(depth, 1), classes)


def rounded_to_thousands(image_size, patch_size, channels, dim, depth, classes):
    return round(counted(image_size, patch_size, channels, dim, depth, classes), -3)


# 24.3 masked_attention(query, key, value, real)
def shares(query, key):
    return (query @ key.transpose(1, 2) / query.shape[-1] ** 0.5).softmax(dim=-1)


def mask_ignored(query, key, value, real):
    return shares(query, key) @ value


def masked_after_the_softmax(query, key, value, real):
    return (shares(query, key) * real[:, None, :]) @ value


def values_set_to_zero(query, key, value, real):
    return shares(query, key) @ (value * real[..., None])


def keys_set_to_zero(query, key, value, real):
    return shares(query, key * real[..., None]) @ value


def score_of_zero_in_place_of_minus_infinity(query, key, value, real):
    scores = query @ key.transpose(1, 2) / query.shape[-1] ** 0.5
    return (scores * real[:, None, :]).softmax(dim=-1) @ value


def mask_turned_round(query, key, value, real):
    scores = query @ key.transpose(1, 2) / query.shape[-1] ** 0.5
    return scores.masked_fill(real[:, None, :], -torch.inf).softmax(dim=-1).nan_to_num() @ value


def not_divided_by_the_root(query, key, value, real):
    scores = (query @ key.transpose(1, 2)).masked_fill(~real[:, None, :], -torch.inf)
    return scores.softmax(dim=-1) @ value


def softmax_along_the_queries(query, key, value, real):
    scores = query @ key.transpose(1, 2) / query.shape[-1] ** 0.5
    return scores.masked_fill(~real[:, None, :], -1e9).softmax(dim=1) @ value


def divided_by_the_number_of_tokens(query, key, value, real):
    scores = query @ key.transpose(1, 2) / key.shape[1] ** 0.5
    return scores.masked_fill(~real[:, None, :], -torch.inf).softmax(dim=-1) @ value


def penalty_too_small_for_a_low_score(query, key, value, real):
    scores = query @ key.transpose(1, 2) / query.shape[-1] ** 0.5
    return (scores - 100.0 * ~real[:, None, :]).softmax(dim=-1) @ value


def mask_of_the_first_picture_for_all(query, key, value, real):
    scores = query @ key.transpose(1, 2) / query.shape[-1] ** 0.5
    return scores.masked_fill(~real[:1, None, :], -torch.inf).softmax(dim=-1) @ value


# 24.4 grown_positions(positions, side)
def resized(grid, side, **changes):
    """(1, n², D) → (1, side², D)."""
    old = round(grid.shape[1] ** 0.5)
    picture = grid.transpose(1, 2).unflatten(2, (old, old))
    how = {"mode": "bicubic", "antialias": True} | changes
    return F.interpolate(picture, size=(side, side), **how).flatten(2).transpose(1, 2)


def class_token_lost(positions, side):
    return resized(positions[:, 1:], side)


def class_token_at_the_end(positions, side):
    return torch.cat([resized(positions[:, 1:], side), positions[:, :1]], dim=1)


def class_token_set_to_zero(positions, side):
    return torch.cat([torch.zeros_like(positions[:, :1]), resized(positions[:, 1:], side)], dim=1)


def bilinear(positions, side):
    return torch.cat([positions[:, :1], resized(positions[:, 1:], side, mode="bilinear")], dim=1)


def corners_aligned(positions, side):
    return torch.cat([positions[:, :1], resized(positions[:, 1:], side, align_corners=True)], dim=1)


def without_antialiasing(positions, side):
    return torch.cat([positions[:, :1], resized(positions[:, 1:], side, antialias=False)], dim=1)


def reshaped_without_moving_the_channels(positions, side):
    grid = positions[:, 1:]
    old = round(grid.shape[1] ** 0.5)
    picture = grid.reshape(1, -1, old, old)
    grown = F.interpolate(picture, size=(side, side), mode="bicubic", antialias=True)
    return torch.cat([positions[:, :1], grown.reshape(1, side * side, -1)], dim=1)


def rows_repeated_to_fill(positions, side):
    grid = positions[:, 1:]
    times = -(-(side * side) // grid.shape[1])
    return torch.cat([positions[:, :1], grid.repeat(1, times, 1)[:, : side * side]], dim=1)


def rows_and_columns_exchanged(positions, side):
    grown = resized(positions[:, 1:], side).unflatten(1, (side, side)).transpose(1, 2).flatten(1, 2)
    return torch.cat([positions[:, :1], grown], dim=1)


WRONG = {
    "24.1": [
        reshaped_only,
        square_images_only,
        places_transposed,
        patches_transposed,
        channels_last_in_a_row,
        width_counted_in_patches,
        channels_left_behind,
    ],
    "24.2": [
        class_token_forgotten,
        no_position_for_the_class_token,
        biases_of_the_block_forgotten,
        one_normalisation_a_block,
        output_layer_of_attention_forgotten,
        last_normalisation_forgotten,
        channels_forgotten,
        blocks_share_their_weights,
        rounded_to_thousands,
    ],
    "24.3": [
        mask_ignored,
        masked_after_the_softmax,
        values_set_to_zero,
        keys_set_to_zero,
        score_of_zero_in_place_of_minus_infinity,
        mask_turned_round,
        not_divided_by_the_root,
        softmax_along_the_queries,
        divided_by_the_number_of_tokens,
        penalty_too_small_for_a_low_score,
        mask_of_the_first_picture_for_all,
    ],
    "24.4": [
        class_token_lost,
        class_token_at_the_end,
        class_token_set_to_zero,
        bilinear,
        corners_aligned,
        without_antialiasing,
        reshaped_without_moving_the_channels,
        rows_repeated_to_fill,
        rows_and_columns_exchanged,
    ],
}
