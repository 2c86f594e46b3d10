"""What does a training loop cost? `engine.fit` beside a bare PyTorch loop, Lightning and fastai, in one process.

All train the same network from the same start on the same batches with the same optimiser, so that they end with the
same weights, which is checked first. Then they take turns: one repetition times each of them once, in an order that is
drawn anew, and what is reported is the ratio of the least times, and the spread of the ratios in single repetitions.

On a processor that other programs share, such ratios are good to some hundredths. So the loops also train a network so
small that the loop is most of the time: the difference to the bare loop is what each adds to a step, to microseconds.

Run: make benchmark        (or, on an accelerator: PYTHONPATH=.bench .venv/bin/python benchmarks/training_loop.py)
"""

import contextlib
import copy
import datetime
import functools
import io
import logging
import random
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import torch
import typer
from torch import nn
from torch.nn import functional as F
from tqdm import tqdm

from course_utils import engine, files, models

STEPS = 60  # batches an epoch
EPOCHS = 2
BATCH = 16  # a short step, so that what a loop adds to it shows
RATE = 0.01


def bare(model, batches):
    """The loop that everybody writes, with the mean loss of each epoch."""
    optimizer = torch.optim.SGD(model.parameters(), RATE, momentum=0.9)
    device = next(model.parameters()).device
    model.train()
    for _ in range(EPOCHS):
        total, examples = torch.zeros((), device=device), 0
        for inputs, targets in batches:
            inputs, targets = inputs.to(device), targets.to(device)
            loss = F.cross_entropy(model(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.detach() * len(inputs)
            examples += len(inputs)
        total.item() / examples


def course(model, batches):
    """`engine.fit`, with its progress bar and its watch over the loss."""
    optimizer = torch.optim.SGD(model.parameters(), RATE, momentum=0.9)
    engine.fit(model, batches, None, engine.Recipe(F.cross_entropy, optimizer), epochs=EPOCHS)


def lightning(model, batches):
    """Lightning's Trainer with everything switched off that can be."""
    from lightning.pytorch import LightningModule, Trainer

    class Module(LightningModule):
        def __init__(self):
            super().__init__()
            self.model = model

        def training_step(self, batch, _):
            return F.cross_entropy(self.model(batch[0]), batch[1])

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), RATE, momentum=0.9)

    off = ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary")
    accelerator = "gpu" if next(model.parameters()).is_cuda else "cpu"
    Trainer(max_epochs=EPOCHS, accelerator=accelerator, devices=1, **dict.fromkeys(off, False)).fit(Module(), batches)


def fastai(model, batches):
    """fastai's Learner without its bar."""
    from fastai.data.core import DataLoaders
    from fastai.learner import Learner
    from fastai.optimizer import OptimWrapper

    optimizer = functools.partial(OptimWrapper, opt=torch.optim.SGD, momentum=0.9)
    device = next(model.parameters()).device
    loaders = DataLoaders(batches, Batches(), device=device)
    learner = Learner(loaders, model, F.cross_entropy, optimizer, lr=RATE, train_bn=True)
    learner.remove_cbs([callback for callback in learner.cbs if type(callback).__name__ == "ProgressCallback"])
    learner.fit(EPOCHS, RATE)


LOOPS = {"bare": bare, "course": course, "lightning": lightning, "fastai": fastai}


class Batches(list):
    """A list of batches on their device that also answers what fastai asks of a loader."""

    bs = BATCH
    device = torch.device("cpu")

    def to(self, device):
        """Nothing to move: the batches are where they are needed."""
        return self


def make_batches(device: torch.device) -> Batches:
    """Random images with random labels: what the loop costs does not depend on what is learned."""
    chance = torch.Generator().manual_seed(0)
    images = torch.randn(STEPS * BATCH, 3, 32, 32, generator=chance).to(device)
    labels = torch.randint(0, 10, (STEPS * BATCH,), generator=chance).to(device)
    batches = Batches(zip(images.split(BATCH), labels.split(BATCH), strict=True))
    batches.device = device
    return batches


def timed(loop, start: torch.nn.Module, batches: Batches) -> tuple[float, torch.Tensor]:
    """Seconds of one training run from the given start, and all trained parameters in one row."""
    model = copy.deepcopy(start)
    engine.wait_for(batches.device)
    begun = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        loop(model, batches)
    engine.wait_for(batches.device)
    seconds = time.perf_counter() - begun
    return seconds, torch.cat([parameter.detach().flatten().cpu() for parameter in model.parameters()])


def measure(names: list[str], repetitions: int, device: torch.device, build) -> dict[str, list[float]]:
    """Seconds of these loops, for a network that is built anew, in every repetition after a first one.

    The first checks that all loops do the same.
    """
    torch.manual_seed(0)
    torch.backends.cudnn.deterministic = True  # on an accelerator: otherwise the same loop ends elsewhere each time
    start, batches = build().to(device), make_batches(device)
    ends = {name: timed(LOOPS[name], start, batches)[1] for name in names}
    for name, end in ends.items():
        torch.testing.assert_close(end, ends["bare"], rtol=1e-3, atol=1e-3, msg=lambda text, n=name: f"{n}: {text}")
    seconds, order = {name: [] for name in names}, random.Random(0)
    for _ in tqdm(range(repetitions), unit="repetition"):
        for name in order.sample(names, len(names)):
            seconds[name].append(timed(LOOPS[name], start, batches)[0])
    return seconds


def summary(seconds: dict[str, list[float]], small: dict[str, list[float]]) -> dict[str, dict]:
    """Milliseconds a step, ratio to the bare loop, and the share of a bare step that a loop adds (`small`: see above).

    Ratios are those of the least times (the least time is what the code takes; whatever a run takes beyond it, other
    programs took) and of each repetition, with quartiles.
    """
    loops, steps = {}, STEPS * EPOCHS
    print("loop       ms a step    of the bare loop (in repetitions)  adds to a step")
    for name, values in seconds.items():
        least = round(min(values) / min(seconds["bare"]), 4)
        low, middle, high = (round(x, 4) for x in np.quantile(np.divide(values, seconds["bare"]), [0.25, 0.5, 0.75]))
        each = round(1000 * min(values) / steps, 3)
        added = (min(small[name]) - min(small["bare"])) / steps  # seconds
        loops[name] = {"ratio_of_least": least, "median_ratio": middle, "quartiles": [low, high]}
        loops[name] |= {"milliseconds_a_step": each, "microseconds_added_to_a_step": round(1e6 * added, 1)}
        loops[name]["share_added"] = round(added / (min(seconds["bare"]) / steps), 5)
        share = f"{1e6 * added:6.0f} µs = {loops[name]['share_added']:.2%}"
        print(f"{name:10} {each:9.2f}    {least:.3f} ({low:.3f} to {high:.3f})            {share}")
    return loops


def main(
    repetitions: int = 15,
    device: str = "cuda" if torch.cuda.is_available() else "cpu",
    beside: list[str] = typer.Option(["lightning", "fastai"]),  # noqa: B008
) -> None:
    """Print the ratios and write them to benchmarks/results/."""
    warnings.simplefilter("ignore")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    torch.set_num_threads(1)  # two threads wait for each other whenever anything else runs: more noise than we look for
    names, on = ["bare", "course", *beside], torch.device(device)
    small = measure(names, 3 * repetitions, on, lambda: nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 10)))
    loops = summary(measure(names, repetitions, on, lambda: models.SmallResNet(10)), small)
    record = {
        "device": torch.cuda.get_device_name() if device == "cuda" else f"{torch.get_num_threads()} CPU threads",
        "torch": torch.__version__,
        "date": datetime.date.today().isoformat(),
        "setting": f"SmallResNet, 32 × 32 pixels, batch {BATCH}, {STEPS * EPOCHS} steps a run",
        "repetitions": repetitions,
        "loops": loops,
    }
    files.write_json(Path(__file__).parent / "results" / f"training_loop.{device}.json", record)
    added, others = loops["course"]["share_added"], [loops[name]["share_added"] for name in beside]
    if max(added, loops["course"]["ratio_of_least"] - 1) > 0.01 or added > min(others, default=1):
        sys.exit(
            "Expected engine.fit within 1 % of the bare loop, in both columns, and below the others. Where only "
            "the ratio is above, the machine is busy: close other programs and run it again."
        )


if __name__ == "__main__":
    typer.run(main)
