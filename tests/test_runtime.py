"""Profile, seeds and settings of a lesson: decided in one order, and refused where they make no sense."""

import random
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

from course_utils import files, runtime

PICK = {"smoke": 1, "cpu": 8, "gpu": 40}


@pytest.fixture(autouse=True)
def left_as_found(monkeypatch):
    """Seeding asks torch for deterministic algorithms; other tests shall not notice."""
    before, benchmark = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark
    filled = torch.utils.deterministic.fill_uninitialized_memory
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    yield
    torch.use_deterministic_algorithms(before)
    torch.backends.cudnn.benchmark = benchmark
    torch.utils.deterministic.fill_uninitialized_memory = filled


@pytest.fixture
def accelerator(monkeypatch):
    """A function that gives this machine an accelerator, or takes it away, as far as torch tells."""
    return lambda there: monkeypatch.setattr(torch.cuda, "is_available", lambda: there)


# profile


@pytest.mark.parametrize(
    ("argument", "environment", "there", "sets_at_hand", "expected"),
    [
        ("smoke", "cpu", True, True, "smoke"),  # the argument comes first
        ("gpu", "cpu", False, False, "gpu"),
        ("auto", "cpu", True, True, "cpu"),  # then the environment
        ("auto", "gpu", False, False, "gpu"),
        ("auto", "auto", True, True, "gpu"),  # then accelerator and sets, both
        ("auto", None, True, True, "gpu"),
        ("auto", None, True, False, "cpu"),
        ("auto", None, False, True, "cpu"),
        ("auto", "", False, False, "cpu"),  # empty is as good as unset
    ],
)
def test_profile_is_decided_in_order(monkeypatch, accelerator, argument, environment, there, sets_at_hand, expected):
    """Argument, then COURSE_PROFILE, then gpu where accelerator and data sets are at hand, else cpu."""
    accelerator(there)
    if environment is not None:
        monkeypatch.setenv("COURSE_PROFILE", environment)
    assert runtime.resolve_profile(argument, sets_at_hand=sets_at_hand) == expected


@pytest.mark.parametrize("word", ["smok", "CPU", "cuda", "", None])
def test_misspelt_profile_is_refused(word):
    """A word that is no profile is shown, with the four that are and what they mean."""
    message = rf"Expected profile to be one of auto, smoke, cpu, gpu, but got {word!r}\. smoke proves"
    with pytest.raises(ValueError, match=message):
        runtime.resolve_profile(word)


def test_misspelt_profile_in_the_environment_is_refused_by_its_name(monkeypatch):
    """The error says that COURSE_PROFILE is wrong, and not the parameter."""
    monkeypatch.setenv("COURSE_PROFILE", "fast")
    with pytest.raises(ValueError, match=r"Expected COURSE_PROFILE to be one of .* but got 'fast'"):
        runtime.start("90_toy")


@pytest.mark.parametrize("there", [True, False])
def test_full_size_on_the_processor_when_it_is_asked_for(monkeypatch, accelerator, there):
    """COURSE_DEVICE=cpu runs the gpu profile on the processor, whether or not there is an accelerator."""
    accelerator(there)
    monkeypatch.setenv("COURSE_DEVICE", "cpu")
    run = runtime.start("00_tour", "gpu", 0)
    assert (run.profile, run.device.type) == ("gpu", "cpu")


def test_other_devices_are_not_asked_for_by_name(monkeypatch):
    """A word other than cpu in COURSE_DEVICE is refused."""
    monkeypatch.setenv("COURSE_DEVICE", "gpu")
    with pytest.raises(ValueError, match="Expected COURSE_DEVICE to be cpu"):
        runtime.pick_device()


def test_gpu_without_an_accelerator_says_what_to_do(accelerator):
    """A lesson that is to run in gpu does not begin on a machine without an accelerator."""
    accelerator(False)
    with pytest.raises(ValueError, match=r"Expected an accelerator for the profile gpu.* profile cpu.*course doctor"):
        runtime.start("90_toy", "gpu")
    assert runtime.pick_device() == torch.device("cpu")


def test_only_gpu_uses_the_accelerator(accelerator):
    """smoke and cpu run on the processor also where there is an accelerator, so that their numbers compare."""
    accelerator(True)
    assert runtime.pick_device() == torch.device("cuda")
    assert [runtime.start("90_toy", profile).device.type for profile in ("smoke", "cpu")] == ["cpu", "cpu"]


# seeds


def draws() -> list[float]:
    """One number of each generator."""
    return [random.random(), np.random.rand(), torch.rand(()).item()]


def test_a_seed_repeats_every_generator():
    """Python, NumPy and torch draw the same numbers after the same seed, each others after another."""
    drawn = []
    for seed in (7, 7, 8):
        runtime.seed_everything(seed)
        drawn.append(draws())
    assert drawn[0] == drawn[1]
    assert all(first != other for first, other in zip(drawn[0], drawn[2], strict=True))
    assert torch.are_deterministic_algorithms_enabled()
    assert not torch.utils.deterministic.fill_uninitialized_memory  # which would cost a fifth of all operations


@pytest.mark.parametrize("seed", [0, 2**32 - 1])
def test_seeds_at_both_ends_are_taken(seed):
    """The smallest and the largest seed that all three generators take work."""
    runtime.seed_everything(seed)


@pytest.mark.parametrize("seed", [-1, 2**32, 1.0, True, "0", None])
def test_what_is_no_seed_is_refused(seed):
    """Numbers out of range, fractions, truth values and text are refused and shown."""
    message = re.escape(f"Expected seed to be a whole number from 0 to 2**32 - 1, but got {seed!r}. Try 0.")
    with pytest.raises(ValueError, match=message):
        runtime.start("90_toy", "smoke", seed)


# start and pick


def test_start_prints_one_line_and_knows_the_run(capsys, monkeypatch, tmp_path):
    """The line has lesson, profile, seed and versions; the run has the same, its folder, and where it comes from."""
    monkeypatch.setenv("COURSE_OUT", str(tmp_path))
    run = runtime.start("90_toy", "smoke", 3)
    line = capsys.readouterr().out
    assert line.count("\n") == 1
    assert line.startswith("90_toy · profile smoke · seed 3 · ") and f"torch {torch.__version__}" in line
    assert (run.lesson, run.profile, run.seed, run.folder, run.settings) == ("90_toy", "smoke", 3, tmp_path, {})
    assert set(run.environment) == {"device", "commit", "lock", "torch", "date"}
    assert run.environment["lock"] == files.sha256(files.REPO / "requirements.lock")[:12]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", run.environment["date"])


@pytest.mark.parametrize("way", ["argument", "environment"])
@pytest.mark.parametrize("profile", ["smoke", "cpu"])
def test_settings_are_the_same_by_either_way(monkeypatch, profile, way):
    """A profile given as parameter and one given by COURSE_PROFILE pick the same settings, by hand those above."""
    if way == "environment":
        monkeypatch.setenv("COURSE_PROFILE", profile)
    run = runtime.start("90_toy", profile if way == "argument" else "auto")
    EPOCHS = run.pick(None, **PICK)
    assert run.settings == {"EPOCHS": PICK[profile]} and PICK[profile] == EPOCHS


def test_pick_keeps_what_the_reader_gave_also_where_it_is_false():
    """A given value wins, be it 0, False or empty; None asks for the profile's; each is remembered under its name."""
    run = runtime.Run("90_toy", "cpu", 0, torch.device("cpu"))
    GIVEN = run.pick(3, **PICK)
    ZERO = run.pick(0, **PICK)
    NO = run.pick(False, **PICK)
    EMPTY = run.pick((), **PICK)
    OPEN = run.pick(
        None,
        **PICK,
    )
    assert run.settings == {"GIVEN": 3, "ZERO": 0, "NO": False, "EMPTY": (), "OPEN": 8}
    assert (GIVEN, ZERO, NO, EMPTY, OPEN) == (3, 0, False, (), 8)


def test_picks_without_a_name_of_their_own_are_remembered_too():
    """Where no single name is assigned, each value still gets an entry."""
    run = runtime.Run("90_toy", "gpu", 0, torch.device("cpu"))
    assert (run.pick(None, **PICK), run.pick(2, **PICK)) == (40, 2)
    assert run.settings == {"setting_0": 40, "setting_1": 2}


@pytest.mark.parametrize("missing", ["smoke", "cpu", "gpu"])
def test_pick_wants_a_value_for_each_profile(missing):
    """A tunable that lacks a profile's value is an error in every profile, not only in that one."""
    run = runtime.Run("90_toy", "cpu", 0, torch.device("cpu"))
    with pytest.raises(TypeError, match=f"missing 1 required keyword-only argument: '{missing}'"):
        run.pick(None, **{name: value for name, value in PICK.items() if name != missing})


# environment report


def test_commit_is_that_of_git_or_none(monkeypatch, tmp_path):
    """In a repository the report has its short commit; in a plain folder, or without git, the word none."""
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@t", "-C", str(tmp_path)]
    monkeypatch.setattr(files, "REPO", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    report = runtime.environment_report(torch.device("cpu"))
    assert (report["commit"], report["lock"]) == ("none", "none")
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout
    assert runtime.environment_report(torch.device("cpu"))["commit"] == head[:12]
    monkeypatch.setenv("PATH", str(Path(tmp_path) / "nothing"))
    assert runtime.environment_report(torch.device("cpu"))["commit"] == "none"
