"""CIFAR-10 to 94 % in seconds: the recipe at the end of lesson 25, in one file to read from top to bottom.

Training images stay on the device; a batch is a slice of them. The first layer is computed, not learned: it whitens
2 × 2 patches. Filters are trained with Muon, which steps along the nearest orthogonal matrix of the momentum, the rest
with SGD. On a GPU weights are half-precision numbers, and a whole step is recorded once and then replayed.

Claim, hardware and number of runs: see `25_speedrun` in book/results/gpu.json.

Reference: K. Jordan (2024), 94% on CIFAR-10 in 3.29 seconds on a single GPU, arXiv:2404.00498, for network, whitening,
alternating flips and test views; K. Jordan et al. (2024), Muon, https://kellerjordan.github.io/posts/muon/.
"""

import dataclasses
from collections.abc import Callable, Iterator

import torch
from torch import nn
from torch.nn import functional as F


@dataclasses.dataclass(frozen=True)
class Settings:
    """What was tuned; the values are those for CIFAR-10."""

    epochs: int = 8
    batch_size: int = 2000
    widths: tuple[int, int, int] = (64, 256, 256)
    muon_rate: float = 0.24  # length of a filter matrix's step along each direction of the orthogonal matrix
    muon_momentum: float = 0.6
    bias_rate: float = 0.07  # BatchNorm's biases, and the bias of the whitening layer while it is trained
    head_rate: float = 0.67
    momentum: float = 0.85
    decay: float = 0.004  # share by which a weight of the SGD groups shrinks in a step, at the highest rate
    smoothing: float = 0.2
    whitening_epochs: int = 3  # after these, the bias of the whitening layer is frozen


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


class Divide(nn.Module):
    """Logits by a constant: weights of size one and small logits suit half precision."""

    def __init__(self, by: float):
        super().__init__()
        self.by = by

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Any shape, unchanged."""
        return x / self.by


def make_network(images: torch.Tensor, widths: tuple[int, ...], num_classes: int) -> nn.Sequential:
    """Whitening, groups of two convolutions, and a linear layer: images (B, C, 32, 32) → logits (B, K).

    The images (N, C, 32, 32), normalised, also say where the network lives, and in which precision; BatchNorm keeps
    float32, since its averages and its bias move in steps that half precision would lose.
    """
    filters = whitening_filters(images)
    first = nn.Conv2d(filters.shape[1], len(filters), filters.shape[2])
    first.weight, first.bias = nn.Parameter(filters, requires_grad=False), nn.Parameter(torch.zeros(len(filters)))
    layers = [first, nn.GELU()]
    for before, width in zip((len(filters), *widths), widths, strict=False):
        layers += [convolution(before, width), nn.MaxPool2d(2), norm(width), nn.GELU()]
        layers += [convolution(width, width), norm(width), nn.GELU()]
    head = nn.Linear(widths[-1], num_classes, bias=False)
    nn.init.normal_(head.weight)
    layers += [nn.MaxPool2d(3), nn.Flatten(), head, Divide(widths[-1])]
    placed = [layer.to(images.device, None if isinstance(layer, nn.BatchNorm2d) else images.dtype) for layer in layers]
    return nn.Sequential(*placed).to(memory_format=torch.channels_last)


def orthogonal(matrix: torch.Tensor, steps: int = 3) -> torch.Tensor:
    """About U Vᵀ of a matrix U Σ Vᵀ (M, N): all directions get about the same weight.

    Each round maps a singular value s to 3.4445 s − 4.7750 s³ + 2.0315 s⁵, which lifts small ones steeply and keeps
    large ones near one. Products of matrices are all it takes, and bfloat16 is enough for them.
    """
    x = matrix.bfloat16() if matrix.is_cuda else matrix.float()
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = 3.4445 * x + (2.0315 * gram @ gram - 4.7750 * gram) @ x
    return x.to(matrix.dtype)


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
                weight.mul_(len(weight) ** 0.5 / weight.norm())
                weight.sub_(group["lr"] * orthogonal(ahead.flatten(1)).view_as(weight))


def rates_at(done: float, settings: Settings) -> dict[str, float]:
    """Learning rates at the share `done` of the training: straight lines to zero, the whitening layer's bias sooner."""
    early = max(0.0, 1 - done * settings.epochs / settings.whitening_epochs)
    highest = {"norms": settings.bias_rate, "head": settings.head_rate, "filters": settings.muon_rate}
    return {name: rate * (1 - done) for name, rate in highest.items()} | {"whitening": settings.bias_rate * early}


def make_optimizers(network: nn.Sequential, rates: dict, settings: Settings) -> list[torch.optim.Optimizer]:
    """SGD for biases and the linear layer, Muon for the filters; `rates` are tensors by the names of `rates_at`."""
    norms = [layer.bias for layer in network if isinstance(layer, nn.BatchNorm2d)]
    filters = [layer.weight for layer in network[1:] if isinstance(layer, nn.Conv2d)]
    learned = {"whitening": [network[0].bias], "norms": norms, "head": [network[-2].weight]}
    decays = {name: settings.decay / rate for name, rate in rates_at(0.0, settings).items()}
    groups = [{"params": some, "lr": rates[name], "weight_decay": decays[name]} for name, some in learned.items()]
    sgd = torch.optim.SGD(groups, momentum=settings.momentum, nesterov=True, fused=True)
    return [sgd, Muon(filters, rates["filters"], settings.muon_momentum)]


def alternating_epochs(images: torch.Tensor, epochs: int, generator: torch.Generator, pad: int = 2) -> Iterator:
    """The training images of each epoch: shifted at random, mirrored in every second epoch.

    Which half is mirrored first is drawn once; after that each image alternates, so that any two epochs in a row show
    both. Independent draws would show the same side twice half of the time.

    Args:
        images: (N, C, H, W).
        epochs: Number of epochs.
        generator: Source of chance on the device of the images.
        pad: Most pixels by which an image is shifted along each axis.

    Yields:
        (N, C, H, W), in the order of `images`, for one epoch after the other.
    """
    count, device = len(images), images.device
    first = torch.rand(count, 1, 1, 1, generator=generator, device=device) < 0.5
    padded = F.pad(torch.where(first, images.flip(-1), images), (pad,) * 4, "reflect")
    side = torch.arange(images.shape[-1], device=device)
    for epoch in range(epochs):
        x, y = torch.randint(0, 2 * pad + 1, (2, count, 1), generator=generator, device=device)
        rows, columns = (y + side)[:, :, None], (x + side)[:, None, :]
        moved = padded[torch.arange(count, device=device)[:, None, None], :, rows, columns].permute(0, 3, 1, 2)
        yield moved.flip(-1) if epoch % 2 else moved


class Speedrun:
    """Everything that is made before the clock starts; each call of `train` begins anew from its seed.

    Args:
        images: uint8 (N, 32, 32, C), training images on the device that trains.
        labels: int64 (N,), 0 to K − 1, on the same device.
        settings: see :class:`Settings`.
    """

    def __init__(self, images: torch.Tensor, labels: torch.Tensor, settings: Settings):
        self.images, self.labels, self.settings, self.classes = images, labels, settings, int(labels.max()) + 1
        self.std, self.mean = torch.std_mean(images / 255, dim=(0, 1, 2))  # of each channel
        self.batch = self.normalised(images[: settings.batch_size]), labels[: settings.batch_size].clone()
        self.network = make_network(self.batch[0], settings.widths, self.classes)
        self.rates = {name: torch.zeros((), device=images.device) for name in rates_at(0.0, settings)}
        self.optimizers = make_optimizers(self.network, self.rates, settings)
        # The bias of the whitening layer learns, or it does not: then nothing has to come back through the largest map.
        steps = {True: lambda: self._step(True), False: lambda: self._step(False)}
        self.steps = {learns: recorded(step) if images.is_cuda else step for learns, step in steps.items()}

    def normalised(self, images: torch.Tensor) -> torch.Tensor:
        """Put uint8 images (N, 32, 32, C) on the scale that the network expects: (N, C, 32, 32), channels_last."""
        scaled = (images / 255 - self.mean) / self.std  # (N, 32, 32, C): the channels of a pixel stay side by side
        return scaled.permute(0, 3, 1, 2).to(torch.float16 if images.is_cuda else torch.float32)

    def _step(self, whitening_learns: bool) -> None:
        self.network[0].bias.requires_grad_(whitening_learns)
        self.network.zero_grad(set_to_none=True)
        logits = self.network(self.batch[0])
        F.cross_entropy(logits, self.batch[1], label_smoothing=self.settings.smoothing, reduction="sum").backward()
        for optimizer in self.optimizers:
            optimizer.step()

    def _begin(self, images: torch.Tensor) -> None:
        """Fill weights, averages and momenta with the values of a new start; tensors stay where the graph has them."""
        self.network.load_state_dict(make_network(images, self.settings.widths, self.classes).state_dict())
        for state in [state for optimizer in self.optimizers for state in optimizer.state.values()]:
            for value in state.values():
                value.zero_()

    def train(self, seed: int) -> nn.Sequential:
        """Train from a new start, and return the network in evaluation mode (the same object each time)."""
        torch.manual_seed(seed)
        generator, images = torch.Generator(self.images.device).manual_seed(seed), self.normalised(self.images)
        self._begin(images[:5000])
        self.network.train()
        config, size, count = self.settings, self.settings.batch_size, len(images) // self.settings.batch_size
        for epoch, moved in enumerate(alternating_epochs(images, config.epochs, generator)):
            order = torch.randperm(len(images), generator=generator, device=images.device)[: count * size]
            for step, index in enumerate(order.split(size), start=epoch * count):
                for name, rate in rates_at(step / (config.epochs * count), config).items():
                    self.rates[name].fill_(rate)
                self.batch[0].copy_(moved[index])
                self.batch[1].copy_(self.labels[index])
                self.steps[epoch < config.whitening_epochs]()
        return self.network.eval()


def recorded(step: Callable[[], None]) -> Callable[[], None]:
    """Record what a function without arguments does on the GPU, and return a function that replays it.

    Launching some hundred small kernels from Python takes longer than running them; a replay is a single launch.
    """
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(3):  # chooses algorithms, and allocates the optimisers' states outside of the recording
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
        views = (2, chunk), (1, padded[..., :-2, :-2]), (1, padded[..., 2:, 2:])
        logits.append(sum(weight * (network(x) + network(x.flip(-1))) for weight, x in views) / 8)
    return torch.cat(logits)
