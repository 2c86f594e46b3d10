"""U-Net against the same network written out as plain calls, and dilation against the layers as they were trained."""

import pytest
import torch
from torch.nn import functional as F

from course_utils import models
from course_utils.models.unet import resized_by_products


def unet_by_hand(network, images):
    """`UNet` on a `PlainEncoder` of three widths, one call a line."""
    first, second, third = network.encoder.stages
    a = first(images)
    b = second(F.max_pool2d(a, 2))
    c = third(F.max_pool2d(b, 2))
    x = network.decoder.steps[0](torch.cat([F.interpolate(c, scale_factor=2, mode="bilinear"), b], dim=1))
    x = network.decoder.steps[1](torch.cat([F.interpolate(x, scale_factor=2, mode="bilinear"), a], dim=1))
    return F.conv2d(x, network.head.weight, network.head.bias)


def test_unet_is_the_network_written_out():
    """Down by pooling, up by interpolation, each skip beside the map of its size, a 1 × 1 convolution at the end."""
    network = models.UNet(models.PlainEncoder((4, 8, 16)), 5, widths=(8, 4)).eval()
    images = torch.randn(2, 3, 32, 48)
    torch.testing.assert_close(network(images), unet_by_hand(network, images))


@pytest.mark.parametrize("size_hw", [(32, 32), (33, 50), (7, 5)])
def test_unet_keeps_any_size(size_hw):
    """Sizes that do not halve evenly are rounded up on the way down and met again on the way up."""
    network = models.UNet(models.PlainEncoder((4, 8, 16)), 5, widths=(8, 4)).eval()
    assert network(torch.zeros(1, 3, *size_hw)).shape == (1, 5, *size_hw)


@pytest.mark.parametrize("with_image", [False, True])
def test_lite0_encoder_halves_five_times(with_image):
    """Maps at strides 2 to 32 with the channels that `channels` says; the image comes first where it is asked for."""
    encoder = models.Lite0Encoder(pretrained=False, with_image=with_image).eval()
    images = torch.randn(1, 3, 64, 96)
    maps = encoder(images)
    assert tuple(one.shape[1] for one in maps) == encoder.channels
    strides = [1, 2, 4, 8, 16, 32][not with_image :]
    assert [tuple(one.shape[2:]) for one in maps] == [(64 // s, 96 // s) for s in strides]
    assert not with_image or maps[0] is images
    network = models.UNet(encoder, 3, widths=(8,) * (len(maps) - 1)).eval()
    assert network(images).shape == (1, 3, 64, 96)


def test_lite0_encoder_is_the_classifier_without_its_head():
    """The coarsest map goes through the classifier's own head to the classifier's own logits."""
    classifier = models.load_lite0().eval()
    with torch.inference_mode():
        images = torch.randn(1, 3, 64, 64)
        coarsest = models.Lite0Encoder().eval()(images)[-1]
        torch.testing.assert_close(
            classifier.forward_head(classifier.bn2(classifier.conv_head(coarsest))), classifier(images)
        )


@pytest.mark.parametrize(("output_stride", "places"), [(16, slice(1, None, 2)), (8, slice(3, None, 4))])
def test_dilated_stages_compute_what_the_strided_ones_did(output_stride, places):
    """At the places that the stride would have visited, the denser map has the very same numbers."""
    images = torch.randn(1, 3, 64, 96)
    with torch.inference_mode():
        strided = models.Lite0Encoder().eval()(images)
        dense = models.Lite0Encoder(output_stride=output_stride).eval()(images)
    assert dense[-1].shape[2:] == (64 // output_stride, 96 // output_stride)
    torch.testing.assert_close(dense[-1][..., places, places], strided[-1], rtol=0, atol=1e-4)


def test_stored_maps_teach_the_same():
    """Loss gradients of the decoder from packed maps are those from images, up to half precision."""
    torch.manual_seed(0)
    encoder = models.freeze(models.Lite0Encoder(pretrained=False))
    network = models.UNet(encoder, 3, widths=(8, 8, 8, 8)).train()
    images, targets = torch.randn(2, 3, 32, 48), torch.randint(3, (2, 32, 48))
    on_maps = models.OnStoredMaps(network, images[:1]).train()

    def gradient(logits):
        network.zero_grad()
        F.cross_entropy(logits, targets).backward()
        return network.head.weight.grad.clone()

    torch.testing.assert_close(
        gradient(on_maps(models.stored_maps(encoder, images))), gradient(network(images)), rtol=0, atol=2e-3
    )


def test_wrong_settings_say_so():
    """An output stride that there is not, and a width too few, are refused."""
    with pytest.raises(ValueError, match="output_stride"):
        models.Lite0Encoder(pretrained=False, output_stride=4)
    with pytest.raises(ValueError, match="one width fewer"):
        models.UNetDecoder((4, 8, 16), (8,))


@pytest.mark.parametrize("size_hw", [(12, 20), (7, 9), (6, 11), (2, 3)])
def test_products_resize_as_pytorch_does(size_hw):
    """Values and gradients equal F.interpolate's, larger and smaller, also after a first call in inference mode."""
    x = torch.randn(2, 3, 6, 10)
    with torch.inference_mode():
        resized_by_products(x, size_hw)
    ours, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
    found = resized_by_products(ours, size_hw)
    expected = F.interpolate(theirs, size=size_hw, mode="bilinear")
    torch.testing.assert_close(found, expected)
    weights = torch.randn_like(found)
    (found * weights).sum().backward(), (expected * weights).sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad)
