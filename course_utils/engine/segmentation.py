"""What a network for segmentation says of many images, batch by batch: only the classes are kept, not the logits."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn


@torch.no_grad()
def segment(
    model: nn.Module,
    inputs: torch.Tensor,
    *,
    batch_size: int,
    prepare: Callable[[torch.Tensor], torch.Tensor] | None = None,
    multiple: int = 1,
    mirror: bool = False,
) -> torch.Tensor:
    """Class of every pixel, with the model in evaluation mode.

    Args:
        model: maps a batch to logits (B, K, H, W), K at most 255.
        inputs: (N, …), what the model takes or what `prepare` turns into it; on the model's device.
        batch_size: inputs in a batch.
        prepare: applied to each batch; ``None`` for nothing.
        multiple: images (B, C, H, W) are mirrored below and at the right up to a multiple of this many pixels, and
            their logits cut again, for models that ask for it.
        mirror: average the probabilities of each image and its mirror image, left to right.

    Returns:
        uint8 (N, H, W), on the same device.

    Raises:
        ValueError: there is nothing to segment, or `batch_size` is below 1.

    >>> segment(nn.Conv2d(1, 3, 1), torch.zeros(5, 1, 4, 6), batch_size=2).shape
    torch.Size([5, 4, 6])
    """
    if not len(inputs) or batch_size < 1:
        raise ValueError(
            f"Expected at least one input and `batch_size` of at least 1, but got {len(inputs)} inputs and batch size "
            f"{batch_size}. Is the split empty?"
        )
    model.eval()
    found = []
    for batch in inputs.split(batch_size):
        batch = batch if prepare is None else prepare(batch)
        score = _logits(model, batch, multiple)  # (B, K, H, W); one view's largest logit is its largest probability
        if mirror:
            score = score.softmax(dim=1) + _logits(model, batch.flip(-1), multiple).softmax(dim=1).flip(-1)
        found.append(score.argmax(dim=1).byte())
    return torch.cat(found)


def _logits(model: nn.Module, batch: torch.Tensor, multiple: int) -> torch.Tensor:
    """Logits of a batch that is padded where its sides are no multiples."""
    if multiple == 1:
        return model(batch)
    height, width = batch.shape[-2:]
    padded = F.pad(batch, (0, -width % multiple, 0, -height % multiple), mode="reflect")
    return model(padded)[..., :height, :width]
