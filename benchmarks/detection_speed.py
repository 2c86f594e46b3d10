"""How many frames a second does the detector of lesson 30 look at, beside YOLOv5n as the package ultralytics builds it?

Both are built with random weights, with every BatchNorm folded into its convolution, in half precision on an NVIDIA
accelerator, and go from images that lie on the device to decoded boxes; suppression, whose time depends on what was
found, is left to the lesson. They take turns in one process, in an order that is drawn anew for each round; a ratio is
formed in each round. On an accelerator each also runs as a CUDA graph, which is how the lesson serves.

Run: make bench-detection
"""

import datetime
import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
import typer

from course_utils import boxes, engine, export, files, models

sys.path.append(str(files.REPO / ".bench"))  # where `make bench-detection` puts the peer
CLASSES = 3  # of BCCD
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
HALF = torch.float16 if DEVICE.type == "cuda" else torch.float32
PEER = "YOLOv5n"
SIZES = {"course": (32, 3), "course, as large as the peer": (28, 2)}  # width and depth; the first is the lesson's


def course(width: int, depth: int) -> torch.nn.Module:
    """The detector of lesson 30."""
    anchors = torch.full((len(models.STRIDES), models.ANCHORS_EACH, 2), 32.0)
    return models.fuse_norms(models.Yolo(CLASSES, anchors, width=width, depth=depth))


def peer() -> torch.nn.Module:
    """YOLOv5n with the head that ultralytics gives it today."""
    os.environ.setdefault("YOLO_CONFIG_DIR", tempfile.mkdtemp())  # it writes a file of settings
    from ultralytics.nn.tasks import DetectionModel

    return DetectionModel("yolov5n.yaml", nc=CLASSES, verbose=False).fuse(verbose=False)


def make_arms(images: torch.Tensor) -> tuple[dict[str, Callable], dict[str, int]]:
    """Functions without arguments from images (B, 3, S, S) to boxes, and the parameters of each network."""
    networks = {name: course(*size) for name, size in SIZES.items()} | {PEER: peer()}
    arms, counts = {}, {}
    for name, network in networks.items():
        counts[name] = models.count_parameters(network)["total"]
        network = network.to(DEVICE, HALF, memory_format=torch.channels_last).eval()
        forward = torch.inference_mode()(network if name == PEER else _decoded(network, images.shape[2:]))
        arms[name] = lambda forward=forward: forward(images)
        if DEVICE.type == "cuda":
            recorded = export.captured_callable(forward, images)
            arms[f"{name}, recorded"] = lambda recorded=recorded: recorded(images)
    return arms, counts


def _decoded(network: torch.nn.Module, size_hw) -> Callable:
    grid = network.grid(size_hw)
    return lambda images: boxes.decode(network(images), grid)


def main(rounds: int = 300, size: int = 640, batches: list[int] = typer.Option([1, 32])) -> None:  # noqa: B008
    """Frames a second of both at each size of batch, printed and written to benchmarks/results/."""
    generator, found = torch.Generator().manual_seed(0), {}
    torch.backends.cudnn.benchmark = True
    for batch in batches:
        images = torch.rand(batch, 3, size, size, generator=generator).to(DEVICE, HALF)
        arms, counts = make_arms(images.contiguous(memory_format=torch.channels_last))
        taken = engine.time_in_turn(arms, device=DEVICE, rounds=rounds, generator=generator)
        for name, seconds in taken.items():
            theirs = taken[PEER + ", recorded" * name.endswith("recorded")]
            ratio = statistics.median(ours / other for ours, other in zip(seconds, theirs, strict=True))
            frames = batch / statistics.median(seconds)
            found[f"{name}, batch {batch}"] = {"frames_per_second": frames, "time_to_peer": ratio}
            print(f"{name:40} batch {batch:2}: {frames:8,.0f} frames a second, {ratio:.2f} times the peer's time")
    about = {"parameters": counts, "size": size, "rounds": rounds, "precision": str(HALF).removeprefix("torch.")}
    about |= {"device": torch.cuda.get_device_name() if DEVICE.type == "cuda" else f"{torch.get_num_threads()} threads"}
    about |= {"torch": torch.__version__, "date": datetime.date.today().isoformat()}
    files.write_json(Path(__file__).parent / "results" / f"detection_speed.{DEVICE.type}.json", about | found)


if __name__ == "__main__":
    typer.run(main)
