"""Where time and memory of a training step go: a fair clock, and a thin reader of `torch.profiler`."""

import collections
import dataclasses
import itertools
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import profiler

_OPERATION = "aten::"  # how PyTorch names its operations; other rows are Python functions or kernels counted twice
_QUIET = ("KINETO_LOG_LEVEL", "9")  # else the profiler reports its own start and end to the screen


@dataclasses.dataclass(frozen=True)
class StepProfile:
    """What one step did.

    Attributes:
        operations: a dict for each kind of operation with ``name``, ``calls`` and ``seconds`` a run, the slowest first.
            Seconds are those of the device, without those of the operations that it calls in turn.
        memory: (seconds since the first change, bytes allocated on the device beyond those before the step), one pair
            for each change, in order of time.
    """

    operations: list[dict]
    memory: list[tuple[float, int]]

    @property
    def seconds(self) -> float:
        """Seconds of all operations together; the profiler itself slows a step down."""
        return sum(row["seconds"] for row in self.operations)

    @property
    def peak_bytes(self) -> int:
        """Most bytes allocated at one time, beyond those before the step."""
        return max((held for _, held in self.memory), default=0)


def profile_step(step: Callable[[], object], *, device: torch.device | str = "cpu", runs: int = 1) -> StepProfile:
    """Run a step some times under the profiler, after one run that warms up, and average the time of its operations.

    Args:
        step: does one training step; what it returns is dropped.
        device: where its tensors are.
        runs: how often it is run and read, at least 1: the shorter an operation, the more its time varies.

    Returns:
        Time by operation, and the memory of the last run over time. It begins at zero and may fall below, when the step
        gives back what the step before it left, such as old gradients. What a library takes past PyTorch's allocator is
        not seen.

    Raises:
        ValueError: if `runs` is below 1.

    >>> matrix = torch.rand(64, 64)
    >>> profile = profile_step(lambda: matrix @ matrix)
    >>> profile.operations[0]["name"], profile.peak_bytes
    ('aten::mm', 16384)
    """
    device = torch.device(device)
    os.environ.setdefault(*_QUIET)
    activities = [profiler.ProfilerActivity.CPU]
    if device.type == "cuda":
        activities.append(profiler.ProfilerActivity.CUDA)
    if runs < 1:
        raise ValueError(f"Expected runs of at least 1, but got {runs}. Try 5.")
    traces = []
    for _ in range(1 + runs):  # the profiler knows what is given back only if it saw it taken: it watches the first too
        with profiler.profile(activities=activities, profile_memory=True) as trace:
            step()
            wait_for(device)
        traces.append(trace)
    return StepProfile(_operations(traces[1:], device), _memory(trace, device))


def wait_for(device: torch.device | str) -> None:
    """Wait until the device has done what it was asked to do; an accelerator works while Python goes on."""
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)


def time_call(function: Callable, *arguments, device: torch.device | str = "cpu") -> tuple[float, object]:
    """Seconds of one call, begun when the device is idle and ended when it has finished, and what the call returned.

    >>> seconds, total = time_call(sum, [1, 2, 3])
    >>> seconds > 0, total
    (True, 6)
    """
    wait_for(device)
    start = time.perf_counter()
    returned = function(*arguments)
    wait_for(device)
    return time.perf_counter() - start, returned


def time_in_turn(
    steps: dict[str, Callable[[], object]],
    *,
    device: torch.device | str = "cpu",
    rounds: int,
    count: int = 1,
    generator: torch.Generator | None = None,
) -> dict[str, list[float]]:
    """Time several ways to do something in turn, so that a machine that is busy for a while hurts all of them alike.

    Args:
        steps: by name, what is timed.
        device: where the work is done; it is waited for before the clock is read.
        rounds: how often each is timed, at least 1. One round before them warms up and is dropped.
        count: calls of a step in a round; the seconds are divided by it.
        generator: draws the order of each round, so that none always follows the same one; ``None`` keeps theirs.

    Returns:
        Seconds a call by name, one for each round, so that ratios can be formed within rounds.

    Raises:
        ValueError: if `rounds` or `count` is below 1.

    >>> seconds = time_in_turn({"short": lambda: sum(range(9)), "long": lambda: sum(range(99_999))}, rounds=3)
    >>> [long > short for long, short in zip(seconds["long"], seconds["short"])]
    [True, True, True]
    """
    if rounds < 1 or count < 1:
        raise ValueError(f"Expected rounds and count of at least 1, but got {rounds} and {count}. Try 5 and 1.")
    seconds = {name: [] for name in steps}
    names = list(steps)
    for _ in range(rounds + 1):
        order = range(len(names)) if generator is None else torch.randperm(len(names), generator=generator).tolist()
        for name in (names[index] for index in order):
            taken, _ = time_call(_repeat, steps[name], count, device=device)
            seconds[name].append(taken / count)
    return {name: times[1:] for name, times in seconds.items()}


def _repeat(step: Callable[[], object], count: int) -> None:
    for _ in range(count):
        step()


def _operations(traces: list[profiler.profile], device: torch.device) -> list[dict]:
    microseconds = "self_device_time_total" if device.type == "cuda" else "self_cpu_time_total"
    calls, seconds = collections.Counter(), collections.Counter()
    for event in itertools.chain.from_iterable(trace.key_averages() for trace in traces):
        if event.key.startswith(_OPERATION):
            calls[event.key] += event.count / len(traces)
            seconds[event.key] += getattr(event, microseconds) / 1e6 / len(traces)
    return [{"name": name, "calls": calls[name], "seconds": each} for name, each in seconds.most_common()]


def _memory(trace: profiler.profile, device: torch.device) -> list[tuple[float, int]]:
    """Read the changes of memory from the trace as it is exported, a public format (open it in ui.perfetto.dev)."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.json"
        trace.export_chrome_trace(str(path))
        events = json.loads(path.read_text(encoding="utf-8"))["traceEvents"]
    kind = 1 if device.type == "cuda" else 0  # c10::DeviceType
    changes = [event for event in events if event["name"] == "[memory]" and event["args"]["Device Type"] == kind]
    changes.sort(key=lambda event: event["ts"])
    held = itertools.accumulate(event["args"]["Bytes"] for event in changes)
    return [((event["ts"] - changes[0]["ts"]) / 1e6, total) for event, total in zip(changes, held, strict=True)]
