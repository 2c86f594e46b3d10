"""The training loop: one path with and without mixed precision."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterable

import torch
from torch import nn
from tqdm import tqdm

Batches = Iterable[tuple[torch.Tensor, torch.Tensor]]  # one pass over the examples; iterated again each epoch
CHECK_EVERY = 50  # steps between looks at the loss
NO_BATCH = "Expected at least one batch, but got none. Is the split empty, or an iterator already used up?"


class Precision:
    """How numbers are computed in the forward pass: one code path for full and mixed precision.

    Args:
        device: where the model lives.
        dtype: ``None`` for float32 throughout; ``torch.bfloat16`` or ``torch.float16`` for autocast. Only float16
            needs its gradients scaled, since its smallest number is 6e-8.

    Reference: Micikevicius et al. (2018), Mixed precision training, arXiv:1710.03740.
    """

    def __init__(self, device: torch.device | str = "cpu", dtype: torch.dtype | None = None):
        if dtype not in (None, torch.float16, torch.bfloat16):
            raise ValueError(
                f"Expected dtype to be None, float16 or bfloat16, but got {dtype}. None is full precision."
            )
        self.device = torch.device(device)
        self.dtype = dtype
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=dtype is torch.float16)

    def autocast(self):
        """Context of the forward pass; does nothing in full precision."""
        if self.dtype is None:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, dtype=self.dtype)


@dataclasses.dataclass
class Recipe:
    """What turns a network into a trained one: loss, optimiser, schedule, precision, clipping.

    Attributes:
        loss_fn: maps (outputs, targets) to the mean loss of the batch, a scalar tensor.
        optimizer: holds the parameters that are trained.
        scheduler: stepped after every batch, or ``None``.
        precision: ``None`` for float32.
        clip_norm: largest norm of the trained parameters' gradient, or ``None`` for no clipping.
    """

    loss_fn: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    optimizer: torch.optim.Optimizer
    scheduler: torch.optim.lr_scheduler.LRScheduler | None = None
    precision: Precision | None = None
    clip_norm: float | None = None


def train_one_epoch(model: nn.Module, batches: Batches, recipe: Recipe) -> float:
    """Train on every batch once.

    Args:
        model: in any mode; it is put into training mode.
        batches: pairs of inputs (B, …) and targets (B, …), moved to the model's device here.
        recipe: see :class:`Recipe`.

    Returns:
        Mean training loss by example.

    Raises:
        ValueError: when there is no batch.
        FloatingPointError: when the loss is not finite any more.
    """
    device = next(model.parameters()).device
    precision = recipe.precision or Precision(device)
    model.train()
    total, examples, asked = torch.zeros((), device=device), 0, None
    for step, (inputs, targets) in enumerate(batches):
        inputs, targets = inputs.to(device, non_blocking=True), targets.to(device, non_blocking=True)
        with precision.autocast():
            loss = recipe.loss_fn(model(inputs), targets)
        _descend(loss, recipe, precision.scaler)
        total += loss.detach() * len(inputs)
        examples += len(inputs)
        if step % CHECK_EVERY == 0:
            asked = _look(total, asked)
    return _mean_loss(total, examples)


def _descend(loss: torch.Tensor, recipe: Recipe, scaler: torch.amp.GradScaler) -> None:
    """One step of the optimiser; the scaler is the identity unless the precision is float16."""
    recipe.optimizer.zero_grad(set_to_none=True)
    scaler.scale(loss).backward()
    if recipe.clip_norm is not None:
        scaler.unscale_(recipe.optimizer)  # the norm is meant in true units
        trained = [parameter for group in recipe.optimizer.param_groups for parameter in group["params"]]
        nn.utils.clip_grad_norm_(trained, recipe.clip_norm)
    scaler.step(recipe.optimizer)
    scaler.update()
    if recipe.scheduler is not None:
        recipe.scheduler.step()


def _look(total: torch.Tensor, asked: tuple[torch.Tensor, torch.cuda.Event] | None):
    """Look at the loss; an accelerator is not waited for: what it is asked now is read when it is asked again."""
    if not total.is_cuda:
        return _check_finite(total)
    if asked is not None:
        copy, copied = asked
        copied.synchronize()
        _check_finite(copy)
    copy = total.to("cpu", non_blocking=True)
    return copy, torch.cuda.current_stream(total.device).record_event()


def _check_finite(total: torch.Tensor) -> None:
    if not torch.isfinite(total):
        raise FloatingPointError(
            f"Expected a finite loss, but got {total.item()}. "
            "Lower the learning rate, clip the gradient (clip_norm=1.0), or look for NaN in the inputs."
        )


def _mean_loss(total: torch.Tensor, examples: int) -> float:
    if examples == 0:
        raise ValueError(NO_BATCH)
    _check_finite(total)
    return total.item() / examples


@torch.inference_mode()
def predict(model: nn.Module, batches: Batches) -> tuple[torch.Tensor, torch.Tensor]:
    """Outputs and targets of every example, in order, on the CPU, with the model in evaluation mode.

    Returns:
        outputs (N, …) and targets (N, …).

    Raises:
        ValueError: when there is no batch.
    """
    device = next(model.parameters()).device
    model.eval()
    pairs = [(model(inputs.to(device)).float().cpu(), targets.cpu()) for inputs, targets in batches]
    if not pairs:
        raise ValueError(NO_BATCH)
    outputs, targets = zip(*pairs, strict=True)
    return torch.cat(outputs), torch.cat(targets)


def evaluate(
    model: nn.Module, batches: Batches, loss_fn: Callable, *, scores: dict[str, Callable] | None = None
) -> dict[str, float]:
    """Loss and scores over all examples at once, so that a short last batch weighs no more than its examples.

    Args:
        model, batches, loss_fn: as in :func:`train_one_epoch`.
        scores: functions of (outputs, targets), by name.

    Returns:
        ``{"loss": …}`` and one entry for each score.
    """
    device = next(model.parameters()).device
    outputs, targets = (tensor.to(device) for tensor in predict(model, batches))  # where the loss may keep weights
    results = {"loss": float(loss_fn(outputs, targets))}
    return results | {name: float(score(outputs, targets)) for name, score in (scores or {}).items()}


def fit(
    model: nn.Module,
    train: Batches,
    validation: Batches | None,
    recipe: Recipe,
    *,
    epochs: int,
    scores: dict[str, Callable] | None = None,
) -> list[dict[str, float]]:
    """Train for some epochs, with a progress bar.

    Args:
        model, recipe: see :func:`train_one_epoch`.
        train: training batches.
        validation: batches that are scored after each epoch; ``None`` for none. Never the test set.
        epochs: passes over ``train``, at least 1.
        scores: see :func:`evaluate`.

    Returns:
        History: one dict an epoch with ``epoch`` (from 1), ``train_loss`` and ``validation_<score>``.

    Raises:
        ValueError: for fewer than one epoch, or no batch.
        FloatingPointError: when the loss is not finite any more.
    """
    if epochs < 1:
        raise ValueError(f"Expected epochs to be at least 1, but got {epochs}. To score only, call evaluate.")
    history = []
    with tqdm(range(1, epochs + 1), unit="epoch", leave=False) as bar:
        for epoch in bar:
            row = {"epoch": epoch, "train_loss": train_one_epoch(model, train, recipe)}
            if validation is not None:
                found = evaluate(model, validation, recipe.loss_fn, scores=scores)
                row |= {f"validation_{name}": value for name, value in found.items()}
            history.append(row)
            bar.set_postfix({name: f"{value:.3f}" for name, value in row.items() if name != "epoch"}, refresh=False)
    return history
