"""DeepLabV3+: the atrous convolution against a loop, the pyramid's branches, one picture in training."""

import pytest
import torch

from course_utils import models


@pytest.mark.parametrize("dilation", [1, 2, 5])
def test_atrous_block_reaches_as_far_as_it_says(dilation):
    """A single lit pixel comes out at nine places, `dilation` apart, and nowhere else."""
    convolution = models.atrous_block(1, 1, dilation=dilation)[0]
    torch.nn.init.ones_(convolution.weight)
    image = torch.zeros(1, 1, 15, 15)
    image[0, 0, 7, 7] = 1
    places = convolution(image)[0, 0].nonzero().tolist()
    reach = (-dilation, 0, dilation)
    assert places == [[7 + y, 7 + x] for y in reach for x in reach]


def test_pyramid_sees_the_whole_picture():
    """A change at one corner moves the answer at the other: the branch of the mean."""
    torch.manual_seed(0)
    pyramid = models.AtrousPyramid(4, 8, rates=(1,)).eval()
    x = torch.randn(1, 4, 12, 12)
    changed = x.clone()
    changed[..., 0, 0] += 100
    assert not torch.equal(pyramid(x)[..., -1, -1], pyramid(changed)[..., -1, -1])


@pytest.mark.parametrize("output_stride", [8, 16, 32])
def test_deeplab_gives_every_pixel_logits(output_stride):
    """Any output stride and an odd size; and a single picture in training, where the mean has one value a channel."""
    encoder = models.Lite0Encoder(pretrained=False, output_stride=output_stride)
    network = models.DeepLabV3Plus(encoder, 5, width=8, skip_width=4, rates=(1, 2)).train()
    logits = network(torch.randn(1, 3, 50, 70))
    assert logits.shape == (1, 5, 50, 70)
    logits.sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
