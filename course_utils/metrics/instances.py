"""Masks of single things against the truth: overlap, and what became of each."""

import torch

RIGHT, NEAR = 0.5, 0.1  # overlap from which a mask is right, and from which it was meant


def mask_iou(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Intersection over union of every mask of one set with every mask of another.

    Args:
        a: bool (N, H, W).
        b: bool (M, H, W).

    Returns:
        float64 (N, M), in [0, 1]; 0 between two masks without a pixel.

    Raises:
        ValueError: A shape is not (N, H, W), or the pictures differ in size.

    >>> left = torch.tensor([[[True, True, False]]])
    >>> mask_iou(left, left.flip(2))
    tensor([[0.3333]], dtype=torch.float64)
    """
    if a.ndim != 3 or b.ndim != 3 or a.shape[1:] != b.shape[1:]:
        raise ValueError(
            f"Expected masks (N, H, W) and (M, H, W) of one picture, but got {tuple(a.shape)} and {tuple(b.shape)}. "
            "Paste the masks into the picture first."
        )
    a, b = a.flatten(1).double(), b.flatten(1).double()  # (N, H*W), (M, H*W)
    shared = a @ b.T  # (N, M)
    return shared / (a.sum(1)[:, None] + b.sum(1) - shared).clamp(min=1)


def sort_errors(
    masks: torch.Tensor, labels: torch.Tensor, found_masks: torch.Tensor, found_labels: torch.Tensor
) -> list[str]:
    """Say of each true thing what became of it, and add a word for each detection that belongs to none.

    True things and detections are paired one to one, those with the largest overlap first; a pair of one class goes
    before a pair of two if both overlap by 0.5 or more.

    Args:
        masks, labels: the truth, bool (N, H, W) and int64 (N,).
        found_masks, found_labels: detections that are taken seriously, bool (M, H, W) and int64 (M,).

    Returns:
        N words in the order of the truth: "found" (overlap of 0.5 or more with a detection of its class), "wrong class"
        (the same overlap), "poor outline" (overlap of 0.1 to 0.5 with one of any class) or "missed"; and "false alarm"
        for each detection that is left over, such as a second one of the same thing.

    >>> mask = torch.ones(1, 2, 2, dtype=torch.bool)
    >>> sort_errors(mask, torch.tensor([0]), mask.repeat(2, 1, 1), torch.tensor([3, 0]))
    ['found', 'false alarm']
    """
    overlap = mask_iou(masks, found_masks)  # (N, M)
    same = labels[:, None] == found_labels
    order = overlap + 2 * (same & (overlap >= RIGHT))  # right ones first, whatever the overlap
    words, used = ["missed"] * len(masks), set()
    for place in order.flatten().argsort(descending=True, stable=True).tolist():
        row, column = divmod(place, len(found_masks))
        if words[row] != "missed" or column in used or overlap[row, column] < NEAR:
            continue
        used.add(column)
        far = "wrong class" if overlap[row, column] >= RIGHT else "poor outline"
        words[row] = "found" if order[row, column] >= 2 else far
    return words + ["false alarm"] * (len(found_masks) - len(used))
