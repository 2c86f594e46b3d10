"""Checkers of 24_vit: patches joined, numbers counted, attention with gaps, positions for a larger picture.

timm, which one of the checkers compares with, is imported where it is needed.
"""

import math

import torch

from course_utils import models
from course_utils.exercises import checker, expect_close

UNCHANGED = "Are the inputs left as they were?"


def _numbers(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _rows(images: torch.Tensor, size: int) -> torch.Tensor:
    """Patches by a loop over places, (B, C, H, W) → (B, N, C·P·P)."""
    height, width = images.shape[-2:]
    corners = [(y, x) for y in range(0, height, size) for x in range(0, width, size)]
    return torch.stack([images[:, :, y : y + size, x : x + size].flatten(1) for y, x in corners], dim=1)


@checker("24.1", hint="Do the axes stand as (B, C, H/P, P, W/P, P) before two at a time become one?")
def check_24_1(function, seed):
    """join(rows, size, width) -> images (B, C, H, W)."""
    ramp = torch.arange(16.0).reshape(1, 1, 4, 4)
    hint = "The first patch holds 0, 1, 4, 5. Do they become two rows of the image?"
    expect_close(function(_rows(ramp, 2), 2, 4), ramp, given="the four patches of a 4 × 4 image", hint=hint)
    oblong = torch.arange(24.0).reshape(1, 1, 4, 6)
    hint = "The image is 6 pixels wide and 4 high. Is the number of patches in a row width // size?"
    expect_close(function(_rows(oblong, 2), 2, 6), oblong, given="the six patches of a 4 × 6 image", hint=hint)
    colour = _numbers(seed, 2, 3, 12, 8)
    rows = _rows(colour, 4)
    kept = rows.clone()
    hint = "Each row holds its channels one after the other: C first, then the rows of the patch. Is it split so?"
    expect_close(function(rows, 4, 8), colour, given="the patches of two random 12 × 8 colour images", hint=hint)
    expect_close(rows, kept, given="the patches after the call", hint=UNCHANGED)
    return "a square, an oblong, two random colour images against a loop over places"


@checker("24.2", hint="Are all parts there: embedding, class token, positions, blocks, last normalisation, head?")
def check_24_2(function, seed):
    """vit_parameters(image_size, patch_size, channels, dim, depth, classes) -> whole number."""
    small = (32, 8, 3, 48, 0, 10)
    hint = "Without blocks: 3 · 64 · 48 + 48, a class token, 17 positions, 2 · 48 for the normalisation, 48 · 10 + 10?"
    expect_close(function(*small), _counted(*small), given="32 pixels, patches of 8, 3 channels, no block", hint=hint)
    one = (32, 8, 3, 48, 1, 10)
    hint = "A block has two normalisations and layers D → 3D, D → D, D → 4D and 4D → D, each with biases?"
    added = function(*one) - function(*small)
    expect_close(added, _counted(*one) - _counted(*small), given="one block more, dim 48", hint=hint)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(4):
        patch, side, channels, heads, depth, classes = torch.randint(1, 7, (6,), generator=generator).tolist()
        sizes = (patch * side, patch, channels, 4 * heads, depth, classes)
        expect_close(function(*sizes), _counted(*sizes), given=f"image, patch, channels, dim, depth, classes {sizes}")
    tiny = (224, 16, 3, 192, 12, 1000)
    expect_close(function(*tiny), 5717416, given="ViT-Tiny, 224 pixels, patches of 16", tolerance=0)
    return "no block, one block, four random sizes against models.VisionTransformer, ViT-Tiny by its published count"


def _counted(image_size: int, patch_size: int, channels: int, dim: int, depth: int, classes: int) -> int:
    with torch.device("meta"):
        stem = models.PatchEmbedding(channels, dim, patch_size)
        tokens = (image_size // patch_size) ** 2
        network = models.VisionTransformer(classes, stem, tokens=tokens, dim=dim, depth=depth, heads=4)
    return models.count_parameters(network)["total"]


@checker("24.3", hint="Do the tokens that are not real have the score −∞ before the softmax?")
def check_24_3(function, seed):
    """masked_attention(query, key, value, real) -> (B, N, d)."""
    query, key = torch.zeros(1, 1, 2), torch.zeros(1, 3, 2)
    value = torch.tensor([[[3.0, 0.0], [0.0, 6.0], [90.0, 90.0]]])
    real = torch.tensor([[True, True, False]])
    hint = "All scores are equal, so the answer is the mean of the two real values. Do their shares sum to 1?"
    given = "equal scores, values (3, 0), (0, 6), (90, 90), the last not real"
    expect_close(function(query, key, value, real), torch.tensor([[[1.5, 3.0]]]), given=given, hint=hint)
    one = torch.tensor([[False, False, True]])
    hint = "Only one token is real: is the answer its value, whatever its score?"
    low = torch.full((1, 3, 2), -1e4) * one[..., None]
    answer = function(torch.ones(1, 1, 2), low, value, one)
    expect_close(answer, value[:, 2:], given="one real token with a very low score", hint=hint)
    _check_random_attention(function, seed)
    return "a mean by hand, a single real token, random batches of two lengths against loops"


def _check_random_attention(function, seed: int) -> None:
    query, key, value = _numbers(seed, 3, 4, 8), _numbers(seed + 1, 3, 6, 8), _numbers(seed + 2, 3, 6, 5)
    real = torch.arange(6) < torch.tensor([[6], [1], [4]])
    kept = [one.clone() for one in (query, key, value, real)]
    wanted = torch.zeros(3, 4, 5)
    for b in range(3):
        for n in range(4):
            scores = [math.exp(float(query[b, n] @ key[b, m]) / 8**0.5) if real[b, m] else 0.0 for m in range(6)]
            wanted[b, n] = sum(s / sum(scores) * value[b, m] for m, s in enumerate(scores))
    hint = "Is each score divided by √d, and is each picture's own mask used?"
    given = "three pictures with 6, 1 and 4 real tokens"
    expect_close(function(query, key, value, real), wanted, given=given, hint=hint, tolerance=1e-4)
    hint = "Two equal changes of all scores of a row leave the shares as they are. Does the softmax go along the keys?"
    expect_close([query, key, value, real], kept, given="the inputs after the call", hint=UNCHANGED)
    more = function(query, key + 1, value, real)
    expect_close(more, wanted, given="the same with 1 added to every key", hint=hint, tolerance=1e-4)
    expect_close([query, key, value, real], kept, given="the inputs after the call", hint=UNCHANGED)


@checker("24.4", hint="Is the class token's row taken off first and put back in front?")
def check_24_4(function, seed):
    """grown_positions(positions, side) -> (1, 1 + side², D)."""
    from timm.layers import resample_abs_pos_embed

    positions = _numbers(seed, 1, 1 + 9, 4)
    kept = positions.clone()
    hint = "Is the class token's row kept apart, and are the others transposed, not reshaped, to (D, n, n)?"
    expect_close(function(positions, 3), positions, given="3 × 3 positions and side 3", hint=hint)
    slope = torch.arange(4.0).repeat(4, 1)  # rises from left to right
    both = torch.stack([slope, slope.T], dim=2).reshape(1, 16, 2)
    answer = function(torch.cat([torch.full((1, 1, 2), 7.0), both], dim=1), 8)
    wanted = resample_abs_pos_embed(torch.cat([torch.full((1, 1, 2), 7.0), both], dim=1), new_size=[8, 8])
    hint = "Channel 0 rises from left to right, 1 downwards: still so, and bicubic, antialiased, corners not aligned?"
    expect_close(answer, wanted, given="4 × 4 positions that rise along one axis each, side 8", hint=hint)
    for side in (2, 5, 14):
        wanted = resample_abs_pos_embed(positions, new_size=[side, side])
        hint = "Are they bicubic with antialias=True, corners not aligned?"
        expect_close(function(positions, side), wanted, given=f"3 × 3 random positions, side {side}", hint=hint)
    expect_close(positions, kept, given="the positions after the call", hint=UNCHANGED)
    return "the same size, two slopes, three random sizes against timm's resample_abs_pos_embed"
