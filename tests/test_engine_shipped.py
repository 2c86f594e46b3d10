"""Trained networks go into a file and come back from it; what is not theirs is refused."""

import pytest
import torch
from torch import nn

from course_utils import engine, models, runtime, synthetic
from course_utils.engine import shipped

CLASSES = len(synthetic.CLASSES)


@pytest.fixture
def save(tmp_path, monkeypatch):
    """Save a model as a lesson does that was run with some settings; the path."""
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))

    def saved(lesson, model, *, chosen=None, **settings):
        run = runtime.Run(lesson, "cpu", 0, torch.device("cpu"), environment={"device": "a processor"})
        run.settings |= settings
        return engine.save_trained(run, model, data="scenes", score=0.5, **(chosen or {}))

    return saved


def test_what_is_saved_says_what_it_is(save, tmp_path):
    """Name, record and licence are those that a shipped checkpoint needs; numbers have 16 bits."""
    path = save("30_yolo", nn.Linear(3, 2), WIDTH=4, chosen={"threshold": 0.3})
    tensors, about = engine.read_checkpoint(path)
    assert path == tmp_path / "checkpoints" / "30_yolo.scenes.safetensors"
    assert tensors["weight"].dtype == torch.float16
    expected = {"lesson": "30_yolo", "arm": "scenes", "split": "test", "score": 0.5, "device": "a processor"}
    expected |= {
        "settings": {"WIDTH": 4, "threshold": 0.3},
        "command": "course run 30_yolo --profile cpu",
        "non_commercial": False,
    }
    assert expected.items() <= about.items() and "CC BY 4.0" in about["licence"] and about["attribution"]


def test_what_half_precision_cannot_hold_is_saved_whole(save):
    """A network with large numbers is refused in 16 bits and kept in 32; an arm of its own names the file."""
    large = nn.Linear(1, 1)
    nn.init.constant_(large.weight, 1e5)
    with pytest.raises(ValueError, match="half=False"):
        save("32_unet", large)
    path = save("32_unet", large, chosen={"half": False, "arm": "large"})
    tensors, about = engine.read_checkpoint(path)
    assert (path.name, about["arm"], tensors["weight"].item()) == ("32_unet.large.safetensors", "large", 1e5)
    assert "half" not in about["settings"] and "CC BY 4.0" in about["licence"]


def test_data_without_a_card_have_no_licence(save):
    """What cannot say its licence is not saved."""
    run = runtime.Run("30_yolo", "cpu", 0, torch.device("cpu"))
    with pytest.raises(ValueError, match="nowhere"):
        engine.save_trained(run, nn.Linear(3, 2), data="nowhere", score=0.5)


def assert_fixed(network):
    """In evaluation mode for good, and nothing in it learns."""
    assert not any(layer.training for layer in network.train().modules())
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_yolo_comes_back_with_its_anchors(save):
    """Same answer up to 16 bits; the anchors are those of the file."""
    torch.manual_seed(0)
    network = models.Yolo(CLASSES, torch.full((3, 3, 2), 12.0), width=4, depth=2).eval()
    loaded = engine.load_yolo(save("30_yolo", network, DATA="scenes", WIDTH=4, DEPTH=2))
    images = torch.rand(1, 3, 64, 64)
    torch.testing.assert_close(loaded(images), network(images), atol=0.02, rtol=0.02)
    assert torch.equal(loaded.anchors, network.anchors)
    assert_fixed(loaded)


def test_unet_comes_back_on_its_encoder(save):
    """Decoder and head are in the file, the encoder in its package."""
    torch.manual_seed(0)
    network = models.UNet(models.Lite0Encoder(), CLASSES + 1, widths=(8, 8, 8, 8)).eval()
    learnt = nn.ModuleDict({"decoder": network.decoder, "head": network.head})
    loaded = engine.load_unet(save("32_unet", learnt, DATA="scenes", WIDTHS=(8, 8, 8, 8)))
    images = torch.rand(1, 3, 64, 64)
    torch.testing.assert_close(loaded(images), network(images), atol=0.02, rtol=0.02)
    assert_fixed(loaded)


def test_mask_rcnn_comes_back_on_its_body(save):
    """Pyramid, proposals and heads are in the file; images are brought to the size that it learnt from."""
    torch.manual_seed(0)
    network = models.mask_rcnn(CLASSES, size=64).eval()
    loaded = engine.load_mask_rcnn(save("33_mask_rcnn", models.learnt_part(network), SIZE=64, chosen={"overlap": 0.2}))
    for (name, ours), theirs in zip(loaded.state_dict().items(), network.state_dict().values(), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-3, rtol=1e-3, msg=name)
    assert loaded.transform.min_size == (64,) and loaded.roi_heads.nms_thresh == 0.2
    assert_fixed(loaded)


def test_network_of_other_data_is_refused(save):
    """Its classes are others: their names would be wrong."""
    network = models.Yolo(CLASSES, torch.ones(3, 3, 2), width=4)
    path = save("30_yolo", network, DATA="bccd", WIDTH=4, DEPTH=1)
    with pytest.raises(ValueError, match="a network of scenes, but got one of bccd"):
        engine.load_yolo(path)


def test_file_of_another_lesson_and_no_file_are_refused(save, tmp_path):
    """Settings of one lesson with the tensors of another do not pass; a missing file is named."""
    path = save("32_unet", nn.Linear(3, 2), WIDTHS=(8, 8, 8, 8))
    with pytest.raises(ValueError, match="to hold the tensors of"):
        engine.load_unet(path)
    for load in (engine.load_yolo, engine.load_unet, engine.load_mask_rcnn):
        with pytest.raises(FileNotFoundError, match="nothing"):
            load(tmp_path / "nothing.safetensors")


@pytest.mark.parametrize("load", [engine.load_yolo, engine.load_unet, engine.load_mask_rcnn])
def test_shipped_networks_load(load):
    """Each of the three is in the repository, and fits the code of today."""
    assert_fixed(load())
    assert shipped.SHIPPED.is_dir()


def test_the_classifier_of_cells_is_the_one_that_was_saved(tmp_path):
    """The file's numbers in the whole network, which no longer changes: two logits an image."""
    torch.manual_seed(0)
    saved = models.load_lite0(num_classes=2, pretrained=False)
    path = engine.save_checkpoint(tmp_path / "cells.safetensors", saved, {"settings": {}}, half=False)
    network, images = engine.load_cells(path), torch.rand(2, 3, 64, 64)
    assert_fixed(network)
    with torch.inference_mode():
        torch.testing.assert_close(network(images), saved.eval()(images))
    shipped_one = engine.load_cells()
    assert shipped_one(images).shape == (2, 2) and not torch.equal(
        shipped_one.conv_stem.weight, network.conv_stem.weight
    )
