"""The page "The article, checked" is true of the libraries that are installed, and links lessons that are ready."""

import re

import pytest
import torch
from torchvision import models, transforms
from torchvision.transforms import v2

from course_utils import files
from course_utils.cli import lessons

PAGE = (files.REPO / "book" / "article_checked.md").read_text()


@pytest.mark.parametrize(
    ("old", "words"),
    [
        (lambda: models.resnet18(pretrained=False), "'pretrained' is deprecated since 0.13"),
        (lambda: torch.cuda.amp.autocast(enabled=False), "deprecated"),
        (lambda: torch.cuda.amp.GradScaler(enabled=False), "deprecated"),
        (lambda: v2.ToTensor(), "deprecated"),
    ],
)
def test_old_code_warns(old, words):
    """What the page calls deprecated still runs, with a warning that says so."""
    with pytest.warns(Warning, match=words):
        old()


def test_jitter_without_strengths_changes_nothing():
    """`ColorJitter()` gives the image back, bit for bit; with a strength it does not."""
    image = torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(0))
    assert torch.equal(transforms.ColorJitter()(image), image)
    assert not torch.equal(transforms.ColorJitter(brightness=(0.5, 0.5))(image), image)


def test_frozen_weights_alone_do_not_freeze_batch_norm():
    """In training mode the averages move although no parameter asks for a gradient; in evaluation mode they stay."""
    layer = torch.nn.BatchNorm2d(3).requires_grad_(False)
    image = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(0)) + 1
    layer.eval()(image)
    assert torch.equal(layer.running_mean, torch.zeros(3))
    layer.train()(image)
    assert (layer.running_mean > 0.1).all()


def test_a_whole_resnet_makes_no_map():
    """What the article decodes is a row of 1,000 numbers; its last map has a 32nd of the size."""
    network = models.resnet34(weights=None).eval()
    image = torch.zeros(1, 3, 64, 64)
    assert network(image).shape == (1, 1000)
    assert torch.nn.Sequential(*list(network.children())[:-2])(image).shape == (1, 512, 2, 2)


def test_published_scores_are_those_of_the_weights():
    """Top-1, and the share of mistakes that four more guesses rescue, as torchvision states them for its weights."""
    rescued = {}
    for weights in models.ResNet50_Weights:
        scores = weights.meta["_metrics"]["ImageNet-1K"]
        rescued[f"{scores['acc@5'] - scores['acc@1']:.1f} of {100 - scores['acc@1']:.1f}"] = f"{scores['acc@1']:.1f} %"
    words = " ".join(PAGE.split())
    assert len(rescued) == 2
    for share, top1 in rescued.items():
        assert share.split(" of ")[0] in words and share.split(" of ")[1] in words and top1 in words


def test_lessons_are_links_and_exist():
    """Every lesson that is named is linked, and ready."""
    linked = re.findall(r"\{doc\}`notebooks/([0-9a-z_]+)`", PAGE)
    assert len(linked) >= 10 and set(linked) <= set(lessons.ready_names())
    assert len(re.findall(r"\d\d_[a-z_]+", PAGE)) == len(linked)
