"""Segmentation batch by batch against the argmax of all logits, with padding and with a mirror image."""

import pytest
import torch
from torch import nn

from course_utils import engine


class OnlyMultiples(nn.Module):
    """A convolution that refuses sides which are no multiples of 8, as networks without resizing do."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(3, 4, 3, padding=1, padding_mode="reflect")

    def forward(self, x):
        assert not any(side % 8 for side in x.shape[2:])
        return self.layer(x)


def test_segment_is_the_argmax_of_the_logits():
    """Whatever the batch size, a short last batch included; `prepare` is applied first, and the mode is evaluation."""
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)).train()
    images = torch.randn(5, 3, 6, 7)
    found = engine.segment(model, images, batch_size=2, prepare=lambda x: 2 * x)
    assert found.dtype == torch.uint8 and not model.training
    assert torch.equal(found.long(), model(2 * images).argmax(1))


def test_padding_is_cut_off_again():
    """A reflecting layer sees at the padded border what it would see at its own: the classes are the same."""
    model, images = OnlyMultiples(), torch.randn(2, 3, 13, 22)
    assert torch.equal(engine.segment(model, images, batch_size=2, multiple=8).long(), model.layer(images).argmax(1))


def test_mirror_averages_probabilities():
    """The mean of the probabilities of an image and of its mirror image, laid back."""
    model, images = nn.Conv2d(3, 4, 3, padding=1), torch.randn(2, 3, 6, 8)
    shares = model(images).softmax(1) + model(images.flip(-1)).softmax(1).flip(-1)
    found = engine.segment(model, images, batch_size=2, mirror=True)
    assert torch.equal(found.long(), shares.argmax(1)) and not torch.equal(found.long(), model(images).argmax(1))


def test_nothing_to_segment_says_so():
    """No image is refused."""
    with pytest.raises(ValueError, match="Is the split empty"):
        engine.segment(nn.Conv2d(3, 4, 1), torch.zeros(0, 3, 4, 4), batch_size=2)
