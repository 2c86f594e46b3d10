"""The vision transformer: timm's network with the same weights, patches in their order, shares that sum to one."""

import pytest
import timm
import torch

from course_utils import models
from course_utils.models.transformer import SelfAttention

SIZES = {"embed_dim": 48, "depth": 3, "num_heads": 4}


@pytest.fixture
def pair():
    """Ours and timm's network of the same sizes, in evaluation mode, with random numbers in every tensor of timm's."""
    torch.manual_seed(0)
    ours = models.VisionTransformer(5, models.PatchEmbedding(1, 48, 8), tokens=16, dim=48, depth=3, heads=4).eval()
    sizes = {"img_size": 32, "patch_size": 8, "in_chans": 1, "num_classes": 5, **SIZES}
    theirs = timm.create_model("vit_tiny_patch16_224", pretrained=False, **sizes).eval()
    for tensor in theirs.state_dict().values():  # a fresh bias is 0: one that is forgotten would go unnoticed
        tensor += 0.1 * torch.randn_like(tensor)
    return ours, theirs


def test_output_equals_timms_with_the_same_weights_both_ways(pair):
    """timm's tensors loaded into ours, and ours into timm's, give the same logits to rounding."""
    ours, theirs = pair
    images = torch.randn(3, 1, 32, 32)
    with torch.no_grad():
        fresh = ours(images)
        ours.load_state_dict(theirs.state_dict())
        torch.testing.assert_close(ours(images), theirs(images), rtol=0, atol=1e-5)
        assert not torch.allclose(ours(images), fresh, atol=1e-2)
        for tensor in ours.state_dict().values():
            tensor += 0.1 * torch.randn_like(tensor)
        theirs.load_state_dict(ours.state_dict())
        torch.testing.assert_close(theirs(images), ours(images), rtol=0, atol=1e-5)


def test_attention_maps_are_the_shares_that_the_forward_pass_uses(pair):
    """Rows of every map sum to 1, and the first block's map times the values is what its attention puts out."""
    ours, _ = pair
    images = torch.randn(2, 1, 32, 32)
    maps = ours.attention_maps(images)
    assert maps.shape == (3, 2, 4, 17, 17)
    torch.testing.assert_close(maps.sum(dim=-1), torch.ones(3, 2, 4, 17))
    attn, x = ours.blocks[0].attn, ours.blocks[0].norm1(ours.tokens(images))
    values = attn.qkv(x)[..., 96:].unflatten(-1, (4, 12)).transpose(1, 2)  # (B, heads, N, D/heads)
    mixed = (maps[0] @ values).transpose(1, 2).flatten(2)
    torch.testing.assert_close(attn.proj(mixed), attn(x))


def test_patches_follow_row_by_row_after_the_class_token(pair):
    """A change of the pixel at row 3, column 20 changes token 1 + 2 alone; one at row 20, column 3 token 1 + 8."""
    ours, _ = pair
    image = torch.zeros(1, 1, 32, 32)
    with torch.no_grad():
        bare = ours.tokens(image)
        for row, column, token in ((3, 20, 3), (20, 3, 9)):
            touched = image.clone()
            touched[0, 0, row, column] = 1
            changed = (ours.tokens(touched) != bare).any(dim=2)[0].nonzero().flatten()
            assert changed.tolist() == [token]


def test_attention_equals_torchs_multihead_attention():
    """With the same weights, self-attention gives what `nn.MultiheadAttention` gives, shares included."""
    torch.manual_seed(0)
    ours, theirs = SelfAttention(24, 3), torch.nn.MultiheadAttention(24, 3, batch_first=True)
    theirs.in_proj_weight.data, theirs.in_proj_bias.data = ours.qkv.weight.data, ours.qkv.bias.data
    theirs.out_proj.load_state_dict(ours.proj.state_dict())
    x = torch.randn(2, 7, 24)
    mixed, shares = theirs(x, x, x, average_attn_weights=False)
    torch.testing.assert_close(ours(x), mixed)
    torch.testing.assert_close(ours.weights(x), shares)


@pytest.mark.parametrize("patch", [2, 4, 8, 16])
def test_stem_of_convolutions_makes_as_many_tokens_as_the_cut(patch):
    """The stem puts out the map that the cut does, by log2(P) convolutions of stride 2, the last as wide as a token."""
    stem = models.convolutional_stem(3, 48, patch)
    images = torch.randn(2, 3, 32, 32)
    assert stem(images).shape == models.PatchEmbedding(3, 48, patch)(images).shape
    strided = [layer for layer in stem if getattr(layer, "stride", None) == (2, 2)]
    assert len(strided) == patch.bit_length() - 1
    assert strided[-1].out_channels == 48
    tokens = (32 // patch) ** 2
    assert models.VisionTransformer(5, stem, tokens=tokens)(images).shape == (2, 5)


def test_an_empty_batch_gives_no_logits(pair):
    """Zero images are zero rows, not an error."""
    ours, _ = pair
    assert ours(torch.zeros(0, 1, 32, 32)).shape == (0, 5)


def test_same_seed_same_network():
    """Starting values follow torch's seed: biases of zero, and weights that suit the width of their layer."""
    first, second = (_seeded() for _ in range(2))
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, second.state_dict()[name]), name
    assert first.head.bias.abs().max() == 0
    for layer in (first.blocks[0].mlp.fc1, first.blocks[2].attn.proj):
        expected = (2 / sum(layer.weight.shape)) ** 0.5  # Glorot: by the numbers of inputs and outputs
        assert layer.weight.std().item() == pytest.approx(expected, rel=0.05)


def _seeded():
    torch.manual_seed(4)
    return models.VisionTransformer(2, models.PatchEmbedding(1, 48, 8), tokens=16)


def test_images_of_another_size_are_refused(pair):
    """64 patches where the positions are for 16: an error that names both."""
    with pytest.raises(ValueError, match="Expected 16 patches an image, but got 64"):
        pair[0](torch.zeros(1, 1, 64, 64))


@pytest.mark.parametrize("size", [0, 1, 3, 6, 12])
def test_stem_refuses_patches_that_are_no_power_of_two(size):
    """A stem of halvings cannot make patches of 6 pixels."""
    with pytest.raises(ValueError, match=f"a power of 2 .* but got {size} and 48"):
        models.convolutional_stem(1, 48, size)


def test_stem_refuses_a_width_that_cannot_be_halved():
    """50 channels cannot be halved twice."""
    with pytest.raises(ValueError, match="`dim` a multiple of half of it, but got 8 and 50"):
        models.convolutional_stem(1, 50, 8)


def test_heads_that_do_not_divide_the_width_are_refused():
    """48 numbers for 5 heads: an error that names both."""
    with pytest.raises(ValueError, match="multiple of `heads`, but got 48 and 5"):
        models.VisionTransformer(2, models.PatchEmbedding(1, 48, 8), tokens=16, heads=5)
