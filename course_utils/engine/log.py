"""Run logs that TensorBoard shows, written from rows of numbers and read back as rows.

TensorBoard is imported inside the functions: it takes seconds, and most lessons write no such log.
"""

import math
import tempfile
from pathlib import Path

EVENTS = "events.out.tfevents.*"  # how TensorBoard names its files


def write_log(folder: str | Path, rows: list[dict[str, float]], *, step: str = "step") -> Path:
    """Write rows of numbers as a TensorBoard run; `tensorboard --logdir` on a folder above shows all runs below it.

    Args:
        folder: one run, such as ``logs/base-0``; a log that lies there is replaced.
        rows: one dict a step or epoch, such as the history of `fit`. Numbers are kept as float32.
        step: the entry that counts steps, whole numbers, in every row.

    Returns:
        The folder.

    Raises:
        ValueError: there are no rows, or one lacks the step, has a step that is no whole number, or holds no number.
    """
    if not rows:
        raise ValueError("Expected at least one row, but got none. Log what a run has measured.")
    for number, row in enumerate(rows):
        _check_row(number, row, step)
    from torch.utils.tensorboard import SummaryWriter

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as beside:
        with SummaryWriter(beside) as writer:
            for row in rows:
                for name, value in row.items():
                    if name != step:
                        writer.add_scalar(name, value, global_step=int(row[step]))
        old = list(folder.glob(EVENTS))
        for written in Path(beside).glob(EVENTS):  # named by the moment and a counter: no two are alike
            written.replace(folder / written.name)
        for path in old:
            path.unlink()
    return folder


def _check_row(number: int, row: dict, step: str) -> None:
    got = row.get(step)
    if isinstance(got, bool) or not isinstance(got, int | float) or not math.isfinite(got) or got != int(got):
        raise ValueError(
            f"Expected a whole number as {step!r} in every row, but row {number} has {got!r}. Name the entry in `step`."
        )
    wrong = [name for name, value in row.items() if not isinstance(value, int | float)]
    if wrong:
        raise ValueError(
            f"Expected numbers, but row {number} has {row[wrong[0]]!r} as {wrong[0]!r}. Convert tensors with .item()."
        )


def read_log(folder: str | Path, *, step: str = "step") -> list[dict[str, float]]:
    """Read the numbers of one TensorBoard run back.

    Args:
        folder: what `write_log`, or any `SummaryWriter`, has written to.
        step: what to call the entry that counts steps.

    Returns:
        One dict a step, ascending: the step as an int, and the numbers logged for it, float32 in precision.

    Raises:
        FileNotFoundError: there is no log in the folder.
    """
    folder = Path(folder)
    if not any(folder.glob(EVENTS)):
        raise FileNotFoundError(
            f"Expected a TensorBoard log in {folder}, but there is none. Check the path; runs lie in folders below it."
        )
    from tensorboard.backend.event_processing.event_accumulator import SCALARS, EventAccumulator

    reader = EventAccumulator(str(folder), size_guidance={SCALARS: 0})  # 0: all of them, not a sample
    reader.Reload()
    rows: dict[int, dict[str, float]] = {}
    for name in reader.Tags()["scalars"]:
        for event in reader.Scalars(name):
            rows.setdefault(event.step, {step: event.step})[name] = event.value
    return [rows[number] for number in sorted(rows)]
