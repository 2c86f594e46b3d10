"""Mosaic: four training pictures joined into one, whose boxes move along; a whole batch at once, on any device."""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F

NO_OBJECT = -1  # label of a row that only fills up
GREY = 114 / 255  # what stands where there is no picture, as in YOLOv5
TILES = 4  # upper left, upper right, lower left, lower right
MEETING = (0.3, 0.7)  # where the four meet, as a share of the side
SMALLEST_SIDE = 2.0  # pixels: what is cut down to less cannot be recognised


class _Tiles(NamedTuple):
    """Which picture lies where: p = zoom · turn (q − S/2) + zoom · S/2 + corner for a point q of it, in pixels."""

    partner: torch.Tensor  # int64 (B, 4), which picture of the batch
    turn: torch.Tensor  # (B, 4, 2, 2), a quarter turn or mirror image
    zoom: torch.Tensor  # (B, 4)
    corner: torch.Tensor  # (B, 4, 2), upper left corner of the tile, x and y
    window: torch.Tensor  # (B, 4, 4), what of the new picture it may fill, xyxy


def mosaic(
    images: torch.Tensor,
    targets: torch.Tensor,
    generator: torch.Generator,
    *,
    chance: float = 1.0,
    zoom: tuple[float, float] = (0.6, 1.2),
    turns: bool = False,
    least_left: float = 0.3,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Join four pictures of the batch at a random point of each new picture, each enlarged or shrunk by itself.

    The corners of the four meet at the point; what reaches over the border is cut off, and so are the boxes. A picture
    that is no mosaic stays as it is, or is turned alone. The picture at the upper left of a mosaic is the one whose
    place it takes.

    Args:
        images: float (B, 3, S, S), values in [0, 1], square.
        targets: float (B, M, 5), rows of label, x1, y1, x2, y2 in pixels; rows with label −1 only fill up.
        generator: a generator on the CPU, so that the draws are the same on every device.
        chance: share of the pictures that become mosaics.
        zoom: smallest and largest size of a tile, as a factor.
        turns: turn and mirror each tile at random, as `dihedral` does, and each picture that is no mosaic; for pictures
            that have no upper side.
        least_left: a box with a smaller share of its area left is dropped, 0 to 1.

    Returns:
        Images (B, 3, S, S); targets (B, 4 M, 5).

    Raises:
        ValueError: shapes do not fit, images are not square, or an amount is out of its range.

    Reference:
        Bochkovskiy et al., YOLOv4, 2020, https://arxiv.org/abs/2004.10934

    >>> images, targets = torch.rand(3, 3, 32, 32), torch.tensor([[[1.0, 4, 4, 20, 20]]]).repeat(3, 1, 1)
    >>> joined, moved = mosaic(images, targets, torch.Generator().manual_seed(0))
    >>> joined.shape, moved.shape
    (torch.Size([3, 3, 32, 32]), torch.Size([3, 4, 5]))
    """
    _check(images, targets, chance, zoom, least_left)
    if len(images) == 0:
        return images.clone(), targets.repeat(1, TILES, 1)
    side, chosen = images.shape[-1], torch.rand(len(images), generator=generator) < chance
    tiles = _drawn(chosen, side, generator, zoom, turns)
    tiles = _Tiles(*(value.to(images.device) for value in tiles))
    joined, moved = images.clone(), F.pad(targets, (0, 0, 0, (TILES - 1) * targets.shape[1]), value=NO_OBJECT)
    if len(tiles.partner):
        joined[tiles.partner[:, 0]] = _joined(images, tiles)
        moved[tiles.partner[:, 0]] = _moved(targets, tiles, side, least_left)
    return joined, moved


def _drawn(chosen: torch.Tensor, side: int, generator: torch.Generator, zoom: tuple, turns: bool) -> _Tiles:
    """Draw what lies where, for the pictures that change; their first tile is their own."""
    own = (chosen | turns).nonzero()  # (B, 1), B of them from here on
    partner = torch.cat([own, torch.randint(len(chosen), (len(own), TILES - 1), generator=generator)], dim=1)
    share = torch.rand(len(own), 1, 2, generator=generator)
    meeting = (side * (MEETING[0] + (MEETING[1] - MEETING[0]) * share)).round()  # (B, 1, 2)
    scale = torch.rand(len(own), TILES, generator=generator) * math.log(zoom[1] / zoom[0])
    scale = zoom[0] * scale.exp()  # as often below the middle as above it, seen as factors
    alone = ~chosen[own[:, 0]]  # turned, no mosaic: the first tile fills the new picture
    meeting[alone], scale[alone] = float(side), 1.0
    quarter = torch.randint(8, (len(own), TILES), generator=generator) * int(turns)
    beyond = torch.tensor([[0, 0], [1, 0], [0, 1], [1, 1]])  # (4, 2): 0 before the meeting point, 1 beyond it, x and y
    corner = meeting - scale[..., None] * side * (1 - beyond)  # (B, 4, 2)
    window = torch.cat([meeting * beyond, torch.where(beyond == 1, float(side), meeting)], dim=2)  # (B, 4, 4)
    return _Tiles(partner, _turns()[quarter], scale, corner, window)


def _turns() -> torch.Tensor:
    """The eight ways to lay a square on itself, (8, 2, 2); the first leaves it as it is."""
    quarter, mirror = torch.tensor([[0.0, -1.0], [1.0, 0.0]]), torch.tensor([[-1.0, 0.0], [0.0, 1.0]])
    turns = [torch.linalg.matrix_power(quarter, k) for k in range(4)]
    return torch.stack([*turns, *(turn @ mirror for turn in turns)])


def _joined(images: torch.Tensor, tiles: _Tiles) -> torch.Tensor:
    """Look up each pixel of the new pictures in the tile that fills it."""
    side = images.shape[-1]
    back = tiles.turn.transpose(2, 3)  # (B, 4, 2, 2), from the new picture to the old
    offset = (1 - 2 * tiles.corner / side) / tiles.zoom[..., None] - 1  # (B, 4, 2), in coordinates from −1 to 1
    theta = torch.cat([back / tiles.zoom[..., None, None], back @ offset[..., None]], dim=3).to(images)  # (B, 4, 2, 3)
    pixel = torch.arange(side, device=images.device) + 0.5
    joined = torch.full_like(images[tiles.partner[:, 0]], GREY)
    for k in range(TILES):
        grid = F.affine_grid(theta[:, k], list(joined.shape), align_corners=False)  # (B, S, S, 2)
        shown = F.grid_sample(images[tiles.partner[:, k]] - GREY, grid, align_corners=False) + GREY
        shown = shown.clamp(0, 1)  # grey taken off and put back may leave white a ten-millionth too bright
        x1, y1, x2, y2 = (edge[:, None] for edge in tiles.window[:, k].unbind(dim=1))  # (B, 1) each
        across, down = (pixel > x1) & (pixel < x2), (pixel > y1) & (pixel < y2)  # (B, S)
        joined = torch.where(down[:, None, :, None] & across[:, None, None, :], shown, joined)
    return joined


def _moved(targets: torch.Tensor, tiles: _Tiles, side: int, least_left: float) -> torch.Tensor:
    """Boxes of the four pictures, (B, M, 5) each, moved with them and cut at their windows: (B, 4 M, 5)."""
    there = targets[tiles.partner]  # (B, 4, M, 5)
    points = there[..., 1:].unflatten(3, (2, 2)) - side / 2  # (B, 4, M, 2, 2): two corners, x and y
    points = torch.einsum("bkij,bkmcj->bkmci", tiles.turn, points) + side / 2
    points = tiles.zoom[..., None, None, None] * points + tiles.corner[:, :, None, None]
    whole = torch.cat([points.amin(dim=3), points.amax(dim=3)], dim=3)  # (B, 4, M, 4)
    window = tiles.window[:, :, None]  # (B, 4, 1, 4)
    cut = torch.maximum(torch.minimum(whole, window[..., 2:].repeat(1, 1, 1, 2)), window[..., :2].repeat(1, 1, 1, 2))
    sides = cut[..., 2:] - cut[..., :2]
    enough = sides.prod(dim=3) >= least_left * (whole[..., 2:] - whole[..., :2]).prod(dim=3)
    kept = (there[..., 0] != NO_OBJECT) & enough & (sides >= SMALLEST_SIDE).all(dim=3)  # (B, 4, M)
    nothing = torch.tensor([NO_OBJECT, 0, 0, 0, 0]).to(there)
    rows = torch.where(kept[..., None], torch.cat([there[..., :1], cut], dim=3), nothing)
    return rows.flatten(1, 2)


def _check(images: torch.Tensor, targets: torch.Tensor, chance: float, zoom: tuple, least_left: float) -> None:
    if images.ndim != 4 or images.shape[-1] != images.shape[-2] or targets.shape != (len(images), targets.shape[1], 5):
        raise ValueError(
            f"Expected `images` to be (B, C, S, S) and `targets` (B, M, 5), but got {tuple(images.shape)} and "
            f"{tuple(targets.shape)}. Bring pictures to a square with `datasets.letterbox`."
        )
    if not (0 <= chance <= 1 and 0 < zoom[0] <= zoom[1] and 0 <= least_left <= 1):
        raise ValueError(
            "Expected `chance` and `least_left` from 0 to 1 and `zoom` as two growing factors above 0, but got "
            f"{chance}, {least_left} and {zoom}."
        )
