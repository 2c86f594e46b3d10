"""Floor 0: profile, device, seeds and the environment that a lesson runs in."""

import dataclasses
import datetime
import functools
import hashlib
import os
import platform
import random
import subprocess
import sys
from pathlib import Path

import executing
import numpy as np
import torch

from course_utils import files
from course_utils.files import data_root, out_root  # noqa: F401 - data_root is for lessons

PROFILES = ("smoke", "cpu", "gpu")


def pick_device() -> torch.device:
    """The accelerator where there is one, else the processor; ``COURSE_DEVICE=cpu`` asks for the processor anyway.

    Raises:
        ValueError: for any other word in ``COURSE_DEVICE``.
    """
    wanted = os.environ.get("COURSE_DEVICE", "")
    if wanted not in ("", "cpu"):
        raise ValueError(
            f"Expected COURSE_DEVICE to be cpu, or not to be set, but got {wanted!r}. Accelerators are found."
        )
    return torch.device("cuda" if torch.cuda.is_available() and not wanted else "cpu")


def resolve_profile(profile: str = "auto", *, sets_at_hand: bool = True) -> str:
    """Decide which profile a lesson runs in.

    Order: a ``profile`` other than ``auto``, then the environment variable ``COURSE_PROFILE``, then ``gpu`` where an
    accelerator and the lesson's real data sets are at hand, else ``cpu``.

    Args:
        profile: ``auto``, ``smoke``, ``cpu`` or ``gpu``.
        sets_at_hand: whether the real data sets of the lesson's ``gpu`` profile are on this machine.

    Raises:
        ValueError: for any other word, also from the environment.

    >>> resolve_profile("smoke")
    'smoke'
    """
    for word, origin in ((profile, "profile"), (os.environ.get("COURSE_PROFILE") or "auto", "COURSE_PROFILE")):
        if word not in (*PROFILES, "auto"):
            raise ValueError(
                f"Expected {origin} to be one of auto, smoke, cpu, gpu, but got {word!r}. "
                "smoke proves that the lesson runs, cpu teaches on two cores, gpu uses the real benchmark sets."
            )
        if word != "auto":
            return word
    return "gpu" if torch.cuda.is_available() and sets_at_hand else "cpu"


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and PyTorch, and ask PyTorch for deterministic algorithms.

    Args:
        seed: 0 ≤ seed < 2**32.

    Raises:
        ValueError: for a seed that is no such whole number.
    """
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 2**32:
        raise ValueError(f"Expected seed to be a whole number from 0 to 2**32 - 1, but got {seed!r}. Try 0.")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # deterministic matrix products on a GPU need it
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # with NaN: a fifth more operations
    torch.backends.cudnn.benchmark = False


@dataclasses.dataclass
class Run:
    """What a lesson knows about its own run; made by :func:`start`."""

    lesson: str
    profile: str
    seed: int
    device: torch.device
    folder: Path = dataclasses.field(default_factory=out_root)
    environment: dict[str, str] = dataclasses.field(default_factory=dict)
    settings: dict = dataclasses.field(default_factory=dict)

    def pick(self, value, *, smoke, cpu, gpu):
        """Return ``value`` when the reader gave one, else the profile's; remember it under the assigned name.

        Args:
            value: the tunable as it stands in the parameters cell; ``None`` asks for the profile's value.
            smoke, cpu, gpu: the value of each profile.

        >>> EPOCHS = None
        >>> run = Run("00_tour", "cpu", 0, torch.device("cpu"))
        >>> run.pick(EPOCHS, smoke=1, cpu=8, gpu=40), run.pick(3, smoke=1, cpu=8, gpu=40)
        (8, 3)
        """
        chosen = {"smoke": smoke, "cpu": cpu, "gpu": gpu}[self.profile] if value is None else value
        self.settings[_assigned_name(sys._getframe(1)) or f"setting_{len(self.settings)}"] = chosen
        return chosen


def _assigned_name(frame) -> str | None:
    """Name on the left of the assignment that is being executed in ``frame``; None where there is no such statement."""
    statements = executing.Source.executing(frame).statements or set()
    targets = [target for node in statements for target in getattr(node, "targets", [])]
    return targets[0].id if len(targets) == 1 and hasattr(targets[0], "id") else None


def start(lesson: str, profile: str = "auto", seed: int = 0, *, sets_at_hand: bool = True) -> Run:
    """Begin a lesson: decide the profile, seed every generator, print one line about the environment.

    Args:
        lesson: the notebook's name without its ending, such as ``22_transfer_learning``.
        profile: see :func:`resolve_profile`.
        seed: see :func:`seed_everything`.
        sets_at_hand: see :func:`resolve_profile`.

    Returns:
        The run, whose ``pick`` gives each tunable its value.

    Raises:
        ValueError: for an unknown profile or seed, or for ``gpu`` on a machine without an accelerator, unless
            ``COURSE_DEVICE=cpu`` says that the processor is meant.
    """
    profile = resolve_profile(profile, sets_at_hand=sets_at_hand)
    if profile == "gpu" and not torch.cuda.is_available() and not os.environ.get("COURSE_DEVICE"):
        raise ValueError(
            "Expected an accelerator for the profile gpu, but PyTorch sees none. "
            "Run with the profile cpu, or check the driver with `course doctor`. "
            "COURSE_DEVICE=cpu runs the full size on the processor, which takes hours where networks are trained."
        )
    seed_everything(seed)
    device = torch.device("cpu") if profile != "gpu" else pick_device()
    print(f"{lesson} · profile {profile} · seed {seed} · {describe_device(device)} · {describe_software()}")
    return Run(lesson, profile, seed, device, environment=environment_report(device))


def describe_device(device: torch.device) -> str:
    """Name of the processor or accelerator, for people."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{_processor_name()}, {torch.get_num_threads()} threads"


@functools.cache
def _processor_name() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def describe_software() -> str:
    """Versions that numbers depend on, in one phrase."""
    return f"Python {platform.python_version()}, torch {torch.__version__}"


def environment_report(device: torch.device) -> dict[str, str]:
    """What a record says about where a number comes from: device, commit, lock, torch and date."""
    lock = files.REPO / "requirements.lock"
    return {
        "device": describe_device(device),
        "commit": _commit(),
        "lock": hashlib.sha256(lock.read_bytes()).hexdigest()[:12] if lock.exists() else "none",
        "torch": torch.__version__,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }


def _commit() -> str:
    """Short commit of the checkout; 'none' where the course was unpacked without git."""
    command = ["git", "-C", str(files.REPO), "rev-parse", "--short=12", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "none"
