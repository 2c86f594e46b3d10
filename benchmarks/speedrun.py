"""How fast is the recipe of lesson 25? Beside `train94` of the package airbench in one process, and from a cold start.

Both train on CIFAR-10 that is on the device already. What is timed is one training run, alike on both sides: from the
first random weight, with initialisation, whitening and normalisation of the images, to the end of the last step, waited
for. (The peer's own clock leaves out the making of its network and optimiser.) Outside are the loading of the images, a
whole run that warms up, the recording of the step (ours), the building of the two loaders (the peer's), and scoring,
each by its own test views. They take turns in an order that is drawn anew for each pair; the ratio is formed in pairs.

A cold start is a new Python process that imports, loads, records, trains once and scores, timed from outside.

Run: make bench-speedrun
"""

import contextlib
import dataclasses
import datetime
import importlib.util
import io
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import torch
import typer

from course_utils import engine, files, speedrun

sys.path.append(str(files.REPO / ".bench"))  # where `make bench-speedrun` puts the peer
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
Arm = tuple[Callable, Callable]  # seed -> network, and network -> logits of the test images


def course(data: dict) -> Arm:
    """The recipe of lesson 25."""
    settings = speedrun.Settings(**data["settings"])
    run = speedrun.Speedrun(*(one.to(DEVICE) for one in data["train"]), settings)
    unseen = run.normalised(data["test"][0].to(DEVICE))
    return run.train, lambda network: speedrun.predict(network, unseen)


def peer(data: dict, folder: Path) -> Arm:
    """`train94` of airbench with its own settings; its loaders are built once, and it does not print."""
    from airbench import lib_airbench94, utils

    for part in ("train", "test"):  # the files that its loader would make of a download
        images, labels = data[part]
        torch.save({"images": images, "labels": labels, "classes": list(range(10))}, folder / f"{part}.pt")
    hyp = lib_airbench94.hyp
    known = utils.CifarLoader(folder, train=True, batch_size=hyp["opt"]["batch_size"], aug=hyp["aug"], altflip=True)
    unseen = utils.CifarLoader(folder, train=False, batch_size=2000)

    def train(seed: int):
        torch.manual_seed(seed)
        with (
            mock.patch.object(utils, "CifarLoader", lambda *_, **__: unseen),
            contextlib.redirect_stdout(io.StringIO()),
        ):
            return lib_airbench94.train94(known, verbose=False)

    return train, lambda network: utils.infer(network, unseen, hyp["net"]["tta_level"])


def accuracy(logits: torch.Tensor, data: dict) -> float:
    """Share of test images whose highest logit is the right one."""
    return (logits.argmax(1).cpu() == data["test"][1]).double().mean().item()


def take_turns(arms: dict[str, Arm], data: dict, pairs: int) -> dict[str, dict[str, list[float]]]:
    """Seconds and accuracies of every arm, one of each for every pair."""
    torch.backends.cudnn.benchmark = True  # as the peer sets it
    for train, _ in arms.values():
        train(pairs)
    found, order = {name: {"seconds": [], "accuracy": []} for name in arms}, random.Random(0)
    for seed in range(pairs):
        for name in order.sample(list(arms), len(arms)):
            seconds, network = engine.time_call(arms[name][0], seed, device=DEVICE)
            found[name]["seconds"].append(seconds)
            found[name]["accuracy"].append(accuracy(arms[name][1](network), data))
    return found


def race(data: dict, pairs: int) -> dict:
    """What both sides took and reached, and the ratio of each pair; ours alone where there is no airbench or no GPU."""
    with tempfile.TemporaryDirectory() as folder:
        arms = {"course": course(data)}
        if DEVICE == "cuda" and importlib.util.find_spec("airbench"):
            arms["peer"] = peer(data, Path(folder))
        else:
            print("No peer: it needs an NVIDIA accelerator, and `make bench-speedrun` installs it.", file=sys.stderr)
        found = take_turns(arms, data, pairs)
    if "peer" in found:
        times = zip(found["course"]["seconds"], found["peer"]["seconds"], strict=True)
        found["ratio"] = [ours / theirs for ours, theirs in times]
    return found


@app.command()
def once(path: Path) -> None:
    """Train once, and print the accuracy as JSON: what a cold start does."""
    data = torch.load(path)
    train, score = course(data)
    print(json.dumps({"accuracy": accuracy(score(train(0)), data)}))


def cold_start(path: Path) -> tuple[float, float]:
    """Seconds from the start of a Python process that trains once to its end, and the accuracy that it reached."""
    begun = time.perf_counter()
    done = subprocess.run([sys.executable, __file__, "once", str(path)], check=True, capture_output=True, text=True)
    return time.perf_counter() - begun, json.loads(done.stdout)["accuracy"]


@app.command()
def measure(path: Path, pairs: int = 12, colds: int = 3) -> dict:
    """Race and cold starts on the images and settings of a file, printed as JSON; none of either where it is 0."""
    found = race(torch.load(path), pairs) if pairs else {}
    if colds:
        seconds, reached = zip(*(cold_start(path) for _ in range(colds)), strict=True)
        found["cold"] = {"seconds": seconds, "accuracy": reached}
    print(json.dumps(found))
    return found


def write_cifar10(path: Path) -> None:
    """Put CIFAR-10 and the recipe's own settings into the file that the commands read."""
    from course_utils import catalogue  # here, so that a cold start does not wait for it

    cifar = catalogue.load_cifar10()
    train = torch.from_numpy(cifar.train_images), torch.from_numpy(cifar.train_labels)
    test = torch.from_numpy(cifar.test_images), torch.from_numpy(cifar.test_labels)
    torch.save({"train": train, "test": test, "settings": dataclasses.asdict(speedrun.Settings())}, path)


@app.callback(invoke_without_command=True)
def main(context: typer.Context, pairs: int = 12, colds: int = 3) -> None:
    """Race and cold starts on CIFAR-10, printed and written to benchmarks/results/."""
    if context.invoked_subcommand:
        return
    with tempfile.TemporaryDirectory() as folder:
        write_cifar10(Path(folder) / "cifar10.pt")
        found = measure(Path(folder) / "cifar10.pt", pairs, colds)
    found |= {
        "device": torch.cuda.get_device_name() if DEVICE == "cuda" else f"{torch.get_num_threads()} CPU threads",
        "torch": torch.__version__,
        "date": datetime.date.today().isoformat(),
    }
    files.write_json(Path(__file__).parent / "results" / f"speedrun.{DEVICE}.json", found)
    for name in ("course", "peer", "cold"):
        if name in found:
            means = [sum(found[name][key]) / len(found[name][key]) for key in ("seconds", "accuracy")]
            print(f"{name:7} {means[0]:7.3f} s, accuracy {means[1]:.2%} (n = {len(found[name]['seconds'])})")
    if sum(found.get("ratio", [])) > len(found.get("ratio", [])):
        sys.exit("Expected the recipe to be no slower than the peer. Close other programs and run it again.")


if __name__ == "__main__":
    app()
