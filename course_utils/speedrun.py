"""CIFAR-10 to 94 % in seconds: the recipe at the end of lesson 25, in one file to read from top to bottom.

Training images stay on the device as half-precision numbers, already normalised; a batch is a slice of them. The first
layer is computed, not learned: it whitens 2 × 2 patches. Filters are trained with Muon, which steps along the nearest
orthogonal matrix of the momentum, everything else with SGD. One whole step is recorded as a CUDA graph and replayed.

Claim, hardware and number of runs: see `25_speedrun` in book/results/gpu.json.

Reference: K. Jordan (2024), 94% on CIFAR-10 in 3.29 seconds on a single GPU, arXiv:2404.00498, for network, whitening,
alternating flips and test views; K. Jordan et al. (2024), Muon, https://kellerjordan.github.io/posts/muon/.
"""

import dataclasses
import math
from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional as F

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)  # of the training images, in shares of 255
PAD = 2  # pixels by which a training image may be shifted


@dataclasses.dataclass(frozen=True)
class Settings:
    """What was tuned, on a validation part cut from the training images."""

    epochs: int = 8
    batch_size: int = 2000
    widths: tuple[int, int, int] = (64, 256, 256)
    muon_rate: float = 0.24  # share of its own norm by which a filter matrix turns in a step
    muon_momentum: float = 0.6
    bias_rate: float = 0.053  # BatchNorm's biases, and the bias of the whitening layer while it is trained
    head_rate: float = 0.67
    momentum: float = 0.85
    decay: float = 0.004  # share by which a weight of the SGD groups shrinks in a step, at the highest rate
    smoothing: float = 0.2
    whitening_epochs: int = 3  # after these, the bias of the whitening layer is frozen


def normalise(images: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Put uint8 (N, 32, 32, 3) on the scale that the network expects: dtype (N, 3, 32, 32), channels last."""
    mean, std = (torch.tensor(values, device=images.device) for values in (MEAN, STD))
    scaled = ((images / 255 - mean) / std).to(dtype)
    return scaled.permute(0, 3, 1, 2)  # memory still holds the channels of a pixel side by side


def whitening_filters(images: torch.Tensor, size: int = 2, eps: float = 5e-4) -> torch.Tensor:
    """Filters that turn patches into uncorrelated numbers of equal variance, and their negatives.

    Args:
        images: (N, C, H, W), normalised; a few thousand suffice.
        size: Side of the patches, pixels.
        eps: Added to each variance, so that directions that hold noise alone are not blown up.

    Returns:
        float32 (2 D, C, size, size) with D = C · size²: eigenvectors of the patches' covariance over the root of their
        variance, largest first, then the same with the sign turned.
    """
    patches = F.unfold(images.float(), size).transpose(1, 2).flatten(0, 1)  # (N, D, L) -> (N L, D)
    variances, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))  # ascending; vectors in columns
    filters = (vectors / (variances + eps).sqrt()).flip(1).T.unflatten(1, (images.shape[1], size, size))
    return torch.cat([filters, -filters])


def convolution(in_channels: int, out_channels: int) -> nn.Conv2d:
    """A 3 × 3 convolution that begins by handing its inputs on, as far as it has channels for them."""
    layer = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
    nn.init.dirac_(layer.weight.data[:in_channels])
    return layer


def norm(channels: int) -> nn.BatchNorm2d:
    """Batch normalisation with a bias alone; its averages follow fast, since there are few steps."""
    layer = nn.BatchNorm2d(channels, eps=1e-12, momentum=0.4)
    layer.weight.requires_grad_(False)
    return layer


def make_network(filters: torch.Tensor, settings: Settings, num_classes: int = 10) -> nn.Sequential:
    """Whitening, three groups of two convolutions, and a linear layer: images (B, 3, 32, 32) → logits (B, K)."""
    first = nn.Conv2d(filters.shape[1], len(filters), filters.shape[2])
    first.weight = nn.Parameter(filters.clone(), requires_grad=False)
    nn.init.zeros_(first.bias)
    layers, channels = [first, nn.GELU()], len(filters)
    for width in settings.widths:
        layers += [convolution(channels, width), nn.MaxPool2d(2), norm(width), nn.GELU()]
        layers += [convolution(width, width), norm(width), nn.GELU()]
        channels = width
    head = nn.Linear(channels, num_classes, bias=False)
    nn.init.normal_(head.weight)
    return nn.Sequential(*layers, nn.MaxPool2d(3), nn.Flatten(), head, Divide(channels))


class Divide(nn.Module):
    """Logits by a constant: weights of size one and small logits suit half precision."""

    def __init__(self, by: float):
        super().__init__()
        self.by = by

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Any shape, unchanged."""
        return x / self.by


def orthogonal(matrix: torch.Tensor, steps: int = 3) -> torch.Tensor:
    """About U Vᵀ of a matrix U Σ Vᵀ (M, N): all directions get the same weight.

    Each round maps a singular value s to 3.4445 s − 4.7750 s³ + 2.0315 s⁵, which lifts small ones steeply and keeps
    large ones near one. Products of matrices are all it takes, and bfloat16 is enough for them.
    """
    x = matrix.bfloat16() if matrix.is_cuda else matrix.float()
    x = x / (x.norm() + 1e-7)
    x = x.T if len(matrix) > matrix.shape[1] else x
    for _ in range(steps):
        gram = x @ x.T
        x = 3.4445 * x + (2.0315 * gram @ gram - 4.7750 * gram) @ x
    return (x.T if len(matrix) > matrix.shape[1] else x).to(matrix.dtype)


class Muon(torch.optim.Optimizer):
    """Nesterov's momentum whose step for each filter matrix is made orthogonal; weights keep a fixed norm.

    Args:
        params: Convolution weights (out, in, h, w).
        lr: Size of the step, a number or a tensor on the device of the weights (which a recorded graph reads anew).
        momentum: Share of the past that is kept, 0 to 1.
    """

    def __init__(self, params, lr: float | torch.Tensor, momentum: float):
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self) -> None:
        """Update every weight that has a gradient."""
        for group in self.param_groups:
            for weight in group["params"]:
                past = self.state[weight].setdefault("past", torch.zeros_like(weight))
                past.mul_(group["momentum"]).add_(weight.grad)
                ahead = weight.grad + group["momentum"] * past
                weight.mul_(math.sqrt(len(weight)) / weight.norm())
                weight.sub_(group["lr"] * orthogonal(ahead.flatten(1)).view_as(weight))


def alternating_epochs(images: torch.Tensor, epochs: int, generator: torch.Generator) -> Iterator[torch.Tensor]:
    """The training images of each epoch: shifted at random, mirrored in every second epoch.

    Which half is mirrored first is drawn once; after that each image alternates, so that any two epochs in a row show
    both. Independent draws would show the same side twice half of the time.

    Args:
        images: (N, C, H, W).
        epochs: Number of epochs.
        generator: Source of chance on the device of the images.
    """
    count, device = len(images), images.device
    first = torch.rand(count, 1, 1, 1, generator=generator, device=device) < 0.5
    padded = F.pad(torch.where(first, images.flip(-1), images), (PAD,) * 4, "reflect")
    side = torch.arange(images.shape[-1], device=device)
    for epoch in range(epochs):
        x, y = torch.randint(0, 2 * PAD + 1, (2, count, 1), generator=generator, device=device)
        rows, columns = (y + side)[:, :, None], (x + side)[:, None, :]
        moved = padded[torch.arange(count, device=device)[:, None, None], :, rows, columns].permute(0, 3, 1, 2)
        yield moved.flip(-1) if epoch % 2 else moved


class Speedrun:
    """Everything that is made before the clock starts; each call of `train` begins anew from its seed.

    Args:
        images: uint8 (N, 32, 32, 3), training images on the device that trains.
        labels: int64 (N,), on the same device.
        settings: see :class:`Settings`.
    """

    def __init__(self, images: torch.Tensor, labels: torch.Tensor, settings: Settings):
        self.settings, self.labels, device = settings, labels, images.device
        self.dtype = torch.float16 if images.is_cuda else torch.float32
        self.images = normalise(images, self.dtype)
        self.network = self._fresh_network()
        self.rates = {name: torch.zeros((), device=device) for name in ("whitening", "norms", "head", "filters")}
        self.batch = self.images[: settings.batch_size].clone(), labels[: settings.batch_size].clone()
        self.optimizers = self._make_optimizers()
        self.step = recorded(self._step) if images.is_cuda else self._step

    def _fresh_network(self) -> nn.Sequential:
        network = make_network(whitening_filters(self.images[:5000]), self.settings).to(self.images.device, self.dtype)
        for layer in network:
            if isinstance(layer, nn.BatchNorm2d):
                layer.float()  # its averages and its bias move in steps that half precision would lose
        return network.to(memory_format=torch.channels_last)

    def _make_optimizers(self) -> list[torch.optim.Optimizer]:
        config, layers = self.settings, list(self.network)
        norms = [layer.bias for layer in layers if isinstance(layer, nn.BatchNorm2d)]
        filters = [layer.weight for layer in layers[1:] if isinstance(layer, nn.Conv2d)]
        groups = [
            {
                "params": [layers[0].bias],
                "lr": self.rates["whitening"],
                "weight_decay": config.decay / config.bias_rate,
            },
            {"params": norms, "lr": self.rates["norms"], "weight_decay": config.decay / config.bias_rate},
            {"params": [layers[-2].weight], "lr": self.rates["head"], "weight_decay": config.decay / config.head_rate},
        ]
        sgd = torch.optim.SGD(groups, momentum=config.momentum, nesterov=True, fused=True)
        return [sgd, Muon(filters, self.rates["filters"], config.muon_momentum)]

    def _step(self) -> None:
        images, labels = self.batch
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        logits = self.network(images)
        F.cross_entropy(logits, labels, label_smoothing=self.settings.smoothing, reduction="sum").backward()
        for optimizer in self.optimizers:
            optimizer.step()

    def _begin(self) -> None:
        """Fill weights, averages and momenta with the values of a new start; tensors stay where the graph has them."""
        with torch.no_grad():
            fresh = self._fresh_network().state_dict()
            for name, value in self.network.state_dict().items():
                value.copy_(fresh[name])
            for optimizer in self.optimizers:
                for state in optimizer.state.values():
                    for value in state.values():
                        value.zero_()

    def _set_rates(self, done: float) -> None:
        """Rates fall in a straight line to zero; that of the whitening layer's bias sooner."""
        config, left = self.settings, 1 - done
        early = max(0.0, 1 - done * config.epochs / config.whitening_epochs)
        highest = {"norms": config.bias_rate, "head": config.head_rate, "filters": config.muon_rate}
        for name, rate in highest.items():
            self.rates[name].fill_(rate * left)
        self.rates["whitening"].fill_(config.bias_rate * early)

    def train(self, seed: int) -> nn.Sequential:
        """Train from a new start, and return the network in evaluation mode (the same object each time)."""
        torch.manual_seed(seed)
        generator = torch.Generator(self.images.device).manual_seed(seed)
        self._begin()
        self.network.train()
        size, count, step = self.settings.batch_size, len(self.images), 0
        steps = self.settings.epochs * (count // size)
        for images in alternating_epochs(self.images, self.settings.epochs, generator):
            for index in torch.randperm(count, generator=generator, device=images.device).split(size)[: count // size]:
                self._set_rates(step / steps)
                self.batch[0].copy_(images[index])
                self.batch[1].copy_(self.labels[index])
                self.step()
                step += 1
        return self.network.eval()


def recorded(step, warm_up: int = 3):
    """Record what a function without arguments does on the GPU, and return a function that replays it.

    Launching some hundred small kernels from Python takes longer than running them; a replay is a single launch.
    """
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(warm_up):  # chooses algorithms, and allocates the optimisers' states outside of the recording
            step()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


@torch.inference_mode()
def predict(network: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Logits (N, K) of normalised images (N, C, 32, 32), averaged over six views.

    The image counts a half, shifts by one pixel up and left and down and right a quarter each; each also mirrored.
    """
    logits = []
    for chunk in images.split(2000):
        padded = F.pad(chunk, (1,) * 4, "reflect")
        views = {0.5: [chunk], 0.25: [padded[..., :-2, :-2], padded[..., 2:, 2:]]}
        both = [weight * (network(x) + network(x.flip(-1))) / 2 for weight, many in views.items() for x in many]
        logits.append(sum(both))
    return torch.cat(logits)
