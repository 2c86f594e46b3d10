"""The classic networks: published numbers of parameters, torchvision's outputs, and residual against plain."""

import pytest
import torch
import torchvision
from torch import nn
from torch.nn import functional as F
from torchvision.models import vgg

from course_utils import models


def parameters(network: nn.Module) -> int:
    """All numbers that are learnt."""
    return models.count_parameters(network)["total"]


def images(channels: int = 3, side: int = 32) -> torch.Tensor:
    """Four random images, the same every time."""
    return torch.randn(4, channels, side, side, generator=torch.Generator().manual_seed(0))


def copied(into: nn.Module, weights: dict[str, torch.Tensor]) -> nn.Module:
    """A network with the tensors of another, in their order; every shape must agree."""
    wanted = into.state_dict()
    assert [value.shape for value in wanted.values()] == [value.shape for value in weights.values()]
    into.load_state_dict(dict(zip(wanted, weights.values(), strict=True)))
    return into.eval()


def test_lenet_has_the_parameters_of_a_count_by_hand():
    """156 + 2,416 + 48,120 + 10,164 + 850 = 61,706, layer by layer, for grey images and ten classes."""
    network = models.lenet(10, in_channels=1)
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    assert [parameters(layer) for layer in layers] == [156, 2416, 48_120, 10_164, 850]


@pytest.mark.parametrize("norm", [False, True])
def test_vgg_of_width_64_computes_what_torchvision_computes(norm):
    """With the same weights, the convolutional part of VGG-11 gives torchvision's features."""
    theirs = vgg.make_layers(vgg.cfgs["A"], batch_norm=norm).eval()
    weights = theirs.state_dict()
    for name, layer in theirs.named_children():
        if norm and isinstance(layer, nn.Conv2d):  # torchvision keeps biases, which the normalisation takes off again
            nn.init.zeros_(layer.bias)
            weights.pop(f"{name}.bias")
    body = models.vgg(10, width=64, norm=norm)[:-4]  # all but flattening, two dense blocks and the last layer
    with torch.no_grad():
        torch.testing.assert_close(copied(body, weights)(images()), theirs(images()))


def test_vgg_16_has_thirteen_convolutions():
    """Other numbers of convolutions give the other members of the family."""
    theirs = vgg.make_layers(vgg.cfgs["D"])
    ours = models.vgg(10, width=64, convolutions=(2, 2, 3, 3, 3))[:-4]
    assert parameters(ours) == parameters(theirs) == 14_714_688


def test_alexnet_has_the_channels_of_torchvision():
    """At width 64, all convolutions but the first two have torchvision's shapes; those two have smaller kernels."""
    with torch.device("meta"):
        theirs = [layer for layer in torchvision.models.alexnet().features if isinstance(layer, nn.Conv2d)]
    ours = [layer for layer in models.alexnet(10, width=64).modules() if isinstance(layer, nn.Conv2d)]
    assert [layer.out_channels for layer in ours] == [layer.out_channels for layer in theirs]
    assert [layer.weight.shape for layer in ours[1:]] == [layer.weight.shape for layer in theirs[1:]]


@pytest.mark.parametrize(("depth", "millions"), [(20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85), (110, 1.7)])
def test_resnet_has_the_parameters_of_the_paper(depth, millions):
    """Table 6 of He et al. gives them in millions for ten classes; the plain network has as many, name by name."""
    network, plain = models.resnet(10, depth=depth), models.resnet(10, depth=depth, residual=False)
    assert round(parameters(network) / 1e6, 1 if depth == 110 else 2) == millions
    shapes = [{name: value.shape for name, value in one.state_dict().items()} for one in (network, plain)]
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("depth", [8, 20, 32])
def test_resnet_has_as_many_layers_as_its_name_says(depth):
    """Convolutions and the linear layer together are 6n + 2."""
    layers = [layer for layer in models.resnet(10, depth=depth).modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    assert len(layers) == depth


@pytest.mark.parametrize("depth", [0, 2, 7, 18, 34])
def test_depth_that_does_not_divide_is_refused(depth):
    """ResNet-18 and ResNet-34 belong to another family, with other stages."""
    with pytest.raises(ValueError, match=rf"6n \+ 2 with n of at least 1, but got {depth}\. Try 8"):
        models.resnet(10, depth=depth)


@pytest.mark.parametrize(("inner", "outer", "stride"), [(3, 3, 1), (3, 6, 2), (3, 5, 1), (4, 4, 2)])
def test_pair_computes_what_is_written_out_by_hand(inner, outer, stride):
    """Two convolutions with normalisation, and the input with zeros appended, summed before the last ReLU."""
    torch.manual_seed(1)
    pair, plain = (models.ConvPair(inner, outer, stride=stride, residual=flag).eval() for flag in (True, False))
    plain.load_state_dict(pair.state_dict())
    x = torch.randn(2, inner, 7, 7)
    hidden = F.conv2d(x, pair.first[0].weight, stride=stride, padding=1) / (1 + 1e-5) ** 0.5
    found = F.conv2d(hidden.relu(), pair.second[0].weight, padding=1) / (1 + 1e-5) ** 0.5
    kept = torch.zeros_like(found)
    kept[:, :inner] = x[:, :, ::stride, ::stride]
    torch.testing.assert_close(pair(x), (found + kept).relu())
    torch.testing.assert_close(plain(x), found.relu())


def test_residual_pair_that_finds_nothing_passes_its_input_on():
    """With the second normalisation at zero the residual pair hands its input on, and the plain one gives zero."""
    x = torch.rand(2, 3, 5, 5)
    for residual, expected in ((True, x), (False, torch.zeros_like(x))):
        pair = models.ConvPair(3, 3, residual=residual)
        nn.init.zeros_(pair.second[1].weight)
        torch.testing.assert_close(pair(x), expected)


NETWORKS = {
    "lenet": models.lenet,
    "alexnet": models.alexnet,
    "vgg": models.vgg,
    "resnet": models.resnet,
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("channels", [1, 3])
def test_networks_give_logits_for_any_number_of_images(name, channels):
    """One image, many and none work in evaluation mode, grey and in colour."""
    network = NETWORKS[name](7, in_channels=channels).eval()
    batch = images(channels)
    with torch.no_grad():
        assert network(batch).shape == (4, 7) and network(batch[:0]).shape == (0, 7)
        torch.testing.assert_close(network(batch[:1]), network(batch)[:1])


@pytest.mark.parametrize("name", ["lenet", "alexnet", "vgg"])
def test_networks_with_a_flattened_head_refuse_other_sizes(name):
    """Their first dense layer is made for 32 × 32 pixels; resnet averages over the image and takes any size."""
    with pytest.raises(RuntimeError, match="mat1 and mat2 shapes cannot be multiplied"):
        NETWORKS[name](2).eval()(images(side=64))
    assert models.resnet(2, depth=8).eval()(images(side=20)).shape == (4, 2)


@pytest.mark.parametrize("make", [models.conv_block, models.dense_block])
def test_initial_values_keep_the_size_of_the_signal(make):
    """Ten blocks in a row change the mean square of a random input by less than a factor of two."""
    torch.manual_seed(0)
    arguments = {"norm": False} if make is models.conv_block else {}
    blocks = nn.Sequential(*[make(256, 256, **arguments) for _ in range(10)])
    x = torch.randn(64, 256, 3, 3) if make is models.conv_block else torch.randn(64, 256)
    with torch.no_grad():
        measured = (blocks[:1](x).square().mean(), blocks(x).square().mean())
    # zeros at the border take from the signal of small maps: their share is the same in every layer
    lost = 1.0 if make is models.dense_block else (49 / 81) ** 9
    assert 0.5 < measured[1] / measured[0] / lost < 2
