"""Checks that the values and the geometry of annotations share."""

from __future__ import annotations

import torch
from torch import Tensor

INSIDE_TOLERANCE = 1e-3  # pixels; float32 rounding may push a box this far over the border


def check_size(size_hw: tuple[int, int]) -> None:
    """Raise ValueError unless `size_hw` is a tuple (height, width) of positive integers."""
    fits = isinstance(size_hw, tuple) and len(size_hw) == 2 and all(isinstance(side, int) for side in size_hw)
    if not fits or min(size_hw) < 1:
        raise ValueError(
            f"Expected `size_hw` to be a tuple (height, width) of positive integers, but got {size_hw!r}. "
            "For an array of shape (H, W, 3) that is `image.shape[:2]`."
        )


def check_tensor(name: str, value: Tensor, dtype: torch.dtype, shape: tuple[int | None, ...]) -> None:
    """Raise unless `value` is a tensor of `dtype` and `shape`, where None fits any length."""
    if not isinstance(value, Tensor) or value.dtype != dtype:
        got = value.dtype if isinstance(value, Tensor) else type(value).__name__
        raise TypeError(
            f"Expected `{name}` to be a tensor of {dtype}, but got {got}. "
            f"Convert it with `torch.as_tensor({name}, dtype={dtype})`."
        )
    fits = value.ndim == len(shape) and all(want in (None, got) for want, got in zip(shape, value.shape, strict=True))
    if not fits:
        wanted = ", ".join("any" if want is None else str(want) for want in shape) + ("," if len(shape) == 1 else "")
        raise ValueError(
            f"Expected `{name}` to be ({wanted}), but got {tuple(value.shape)}. "
            "Boxes, labels and masks have one row for each object, also when there is none: boxes `torch.zeros(0, 4)`."
        )
