"""A vision transformer small enough to read, with the tensor names of timm's, so that weights travel both ways.

`network.load_state_dict(timm_network.state_dict())` and the reverse work as they are where the sizes agree. What timm
offers beside this (dropout, layer scale, other norms and poolings) is left out.
"""

import functools

import torch
from torch import nn
from torch.nn import functional as F

LayerNorm = functools.partial(nn.LayerNorm, eps=1e-6)  # as in timm; PyTorch's default is 1e-5
INITIAL_STD = 0.02  # of positions and, unlike timm's 1e-6, the class token
MLP_RATIO = 4  # width of the hidden layer in a block, as a multiple of the tokens' width


class PatchEmbedding(nn.Module):
    """Cut an image into squares and map each to a token: a convolution whose stride is its size."""

    def __init__(self, in_channels: int, dim: int, patch_size: int):
        super().__init__()
        self.proj = nn.Conv2d(in_channels, dim, kernel_size=patch_size, stride=patch_size)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images (B, C, H, W) → maps (B, D, H/P, W/P)."""
        return self.proj(images)


def convolutional_stem(in_channels: int, dim: int, patch_size: int) -> nn.Sequential:
    """Convolutions 3 × 3 of stride 2 in the place of one cut into patches, with as many tokens in the end.

    Args:
        in_channels: Channels C of the images.
        dim: Width D of the tokens, a multiple of `patch_size` / 2: the first convolution has 2 · D / P channels, and
            each one after it twice as many.
        patch_size: P, a power of 2 from 2 on: log2(P) convolutions.

    Returns:
        Network from images (B, C, H, W) to maps (B, D, H/P, W/P).

    Raises:
        ValueError: `patch_size` is no power of 2, or `dim` does not fit.

    Reference:
        Xiao et al., Early convolutions help transformers see better, NeurIPS 2021, https://arxiv.org/abs/2106.14881

    >>> convolutional_stem(1, 48, 8)(torch.zeros(2, 1, 32, 32)).shape
    torch.Size([2, 48, 4, 4])
    """
    steps = patch_size.bit_length() - 1
    if patch_size < 2 or patch_size != 2**steps or dim % 2 ** (steps - 1):
        raise ValueError(
            f"Expected `patch_size` to be a power of 2 and `dim` a multiple of half of it, but got {patch_size} and "
            f"{dim}. Each convolution halves the image and doubles the channels: try 8 and 48."
        )
    layers, channels = [], in_channels
    for width in (dim >> step for step in reversed(range(steps))):
        # No bias: BatchNorm subtracts the mean, so a constant added before it would vanish.
        convolution = nn.Conv2d(channels, width, kernel_size=3, stride=2, padding=1, bias=False)
        layers += [convolution, nn.BatchNorm2d(width), nn.ReLU()]
        channels = width
    return nn.Sequential(*layers, nn.Conv2d(dim, dim, kernel_size=1))


class SelfAttention(nn.Module):
    """Every token asks all tokens, in several heads at once, and gets the mean of their values that it weighs itself.

    Reference:
        Vaswani et al., Attention is all you need, NeurIPS 2017, https://arxiv.org/abs/1706.03762
    """

    def __init__(self, dim: int, heads: int):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)  # queries, keys and values by one product
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Tokens (B, N, D) → (B, N, D)."""
        mixed = F.scaled_dot_product_attention(*self._split(x))  # (B, heads, N, D/heads)
        return self.proj(mixed.transpose(1, 2).flatten(2))  # (B, N, D)

    def weights(self, x: torch.Tensor) -> torch.Tensor:
        """Tokens (B, N, D) → how much token n takes of token m, (B, heads, N, N); each row sums to 1."""
        query, key, _ = self._split(x)
        return (query @ key.transpose(-2, -1) / query.shape[-1] ** 0.5).softmax(dim=-1)

    def _split(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Tokens (B, N, D) → queries, keys and values, (B, heads, N, D/heads) each."""
        parts = self.qkv(x).unflatten(-1, (3, self.heads, -1))  # (B, N, 3, heads, D/heads)
        return parts.permute(2, 0, 3, 1, 4).unbind(0)


class _MLP(nn.Module):
    """Two linear layers with a GELU between them, applied to each token alone."""

    def __init__(self, dim: int):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(dim, MLP_RATIO * dim), nn.Linear(MLP_RATIO * dim, dim)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc2(F.gelu(self.fc1(x)))


class TransformerBlock(nn.Module):
    """Attention, then a small network for each token alone; both are added to what came in (pre-norm)."""

    def __init__(self, dim: int, heads: int):
        super().__init__()
        self.norm1, self.attn = LayerNorm(dim), SelfAttention(dim, heads)
        self.norm2, self.mlp = LayerNorm(dim), _MLP(dim)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Tokens (B, N, D) → (B, N, D)."""
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class VisionTransformer(nn.Module):
    """An image as a sequence of patches, with a class token in front that the answer is read from.

    Args:
        num_classes: Number of logits K.
        stem: Network from images (B, C, H, W) to maps (B, D, h, w), whose places become the tokens: `PatchEmbedding`,
            or `convolutional_stem` for a hybrid.
        tokens: Number N = h · w of places.
        dim: Width D of the tokens; a multiple of `heads`.
        depth: Number of blocks.
        heads: Attention heads in a block.

    Raises:
        ValueError: `dim` is no multiple of `heads`.

    Reference:
        Dosovitskiy et al., An image is worth 16x16 words, ICLR 2021, https://arxiv.org/abs/2010.11929

    >>> network = VisionTransformer(10, PatchEmbedding(3, 48, 8), tokens=16)
    >>> network(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self, num_classes: int, stem: nn.Module, *, tokens: int, dim: int = 48, depth: int = 3, heads: int = 3
    ):
        super().__init__()
        if dim % heads:
            raise ValueError(
                f"Expected `dim` to be a multiple of `heads`, but got {dim} and {heads}. Each head gets an equal part."
            )
        self.patch_embed = stem
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + tokens, dim))  # the class token is the first
        self.blocks = nn.Sequential(*[TransformerBlock(dim, heads) for _ in range(depth)])
        self.norm, self.head = LayerNorm(dim), nn.Linear(dim, num_classes)
        self._start()

    def _start(self) -> None:
        """Starting values: positions small, linear layers by their width, biases zero; convolutions as in PyTorch.

        timm draws linear layers with a deviation of 0.02, which suits tokens of some hundred numbers and more. In
        narrow networks the signals then fade, and training begins with a long standstill.

        Reference:
            Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks, AISTATS 2010,
            https://proceedings.mlr.press/v9/glorot10a.html
        """
        nn.init.trunc_normal_(self.pos_embed, std=INITIAL_STD)
        nn.init.trunc_normal_(self.cls_token, std=INITIAL_STD)
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)  # as in the paper's own code
                nn.init.zeros_(layer.bias)

    def tokens(self, images: torch.Tensor) -> torch.Tensor:
        """Images (B, C, H, W) → what enters the first block, (B, N + 1, D): class token and patches, with positions."""
        patches = self.patch_embed(images).flatten(2).transpose(1, 2)  # (B, D, h, w) → (B, N, D), row by row
        if 1 + patches.shape[1] != self.pos_embed.shape[1]:
            raise ValueError(
                f"Expected {self.pos_embed.shape[1] - 1} patches an image, but got {patches.shape[1]}. "
                "The positions are learnt for one size of image: resize it."
            )
        first = self.cls_token.expand(len(images), -1, -1)
        return torch.cat([first, patches], dim=1) + self.pos_embed

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images (B, C, H, W), all of one size → logits (B, K)."""
        x = self.blocks(self.tokens(images))
        return self.head(self.norm(x)[:, 0])

    @torch.no_grad()
    def attention_maps(self, images: torch.Tensor) -> torch.Tensor:
        """Attention weights of every block.

        Args:
            images: (B, C, H, W).

        Returns:
            (depth, B, heads, N + 1, N + 1); rows sum to 1. Token 0 is the class token, the patches follow row by row.
        """
        x, maps = self.tokens(images), []
        for block in self.blocks:
            maps.append(block.attn.weights(block.norm1(x)))
            x = block(x)
        return torch.stack(maps)
