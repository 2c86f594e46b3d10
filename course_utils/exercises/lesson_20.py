"""Checkers of 20_cnn: costs of a convolution, a dilated field, a convolution as a product, a folded normalisation."""

import copy

import torch
from torch import nn
from torch.nn import functional as F

from course_utils.exercises import Wrong, checker, describe, expect_close, question_for


@checker(
    "20.1", hint="Is there one kernel with a slice for every input channel, and one bias, for each output channel?"
)
def check_20_1(function, seed):
    """conv_cost(in_channels, out_channels, kernel, out_height, out_width) -> (parameters, multiplications)."""
    parameters, products = _two(function(2, 5, 3, 4, 6), "2 channels to 5, kernel 3, output 4 × 6")
    mistakes = {
        "Is there a bias for each output channel?": 90,
        "One bias for each output channel, or for each kernel layer?": (91, 92, 100),
        "Does each kernel have a slice for every input channel?": (50, 45),
        "Is the kernel square: k · k weights in each layer?": (35, 30),
    }
    given = "the parameters of 2 channels to 5, kernel 3"
    expect_close(parameters, 95, given=given, hint=question_for(parameters, mistakes))
    mistakes = {
        "A bias is added. Is it counted as a multiplication?": 95 * 24,
        "Is every weight used at every place of the output map, not once?": (90, 95),
        "Does the map have height times width places?": (90 * 10, 90 * 4, 90 * 6, 90 * 16, 90 * 36),
        "Only multiplications were asked for: are additions counted as well?": 90 * 48,
    }
    given = "the multiplications of 2 channels to 5, kernel 3, output 4 × 6"
    expect_close(products, 90 * 24, given=given, hint=question_for(products, mistakes))
    generator = torch.Generator().manual_seed(seed)
    for _ in range(5):
        before, after, kernel, height, width = torch.randint(1, 12, (5,), generator=generator).tolist()
        layer = nn.Conv2d(before, after, kernel)
        expected = sum(p.numel() for p in layer.parameters()), layer.weight.numel() * height * width
        given = f"{before} channels to {after}, kernel {kernel}, output {height} × {width}"
        expect_close(_two(function(before, after, kernel, height, width), given), expected, given=given)
    return "90 weights by hand, five random layers against nn.Conv2d"


def _two(answer, given: str) -> tuple:
    """The answer, if it is a tuple of two."""
    if not isinstance(answer, tuple) or len(answer) != 2:
        question = "Are both numbers returned, the parameters first?"
        raise Wrong(f"for {given}: expected a tuple of two numbers, got {describe(answer)}. {question}")
    return answer


@checker(
    "20.2", hint="Does each layer add dilation · (kernel − 1) times the jump, and multiply the jump by its stride?"
)
def check_20_2(function, seed):
    """dilated_field(layers) -> side of the receptive field in pixels; layers: (kernel, stride, dilation)."""
    cases = [
        ([(3, 1, 1)], 3, {}),
        ([(3, 1, 2)], 5, {"How far apart are the outermost of 3 weights with a gap of one pixel between?": (3, 6, 7)}),
        (
            [(3, 2, 1), (3, 1, 1)],
            7,
            {
                "Does a stride count for the layers after it, not for its own?": (9, 6),
                "Is the stride used: pixels of a later map lie further apart?": 5,
            },
        ),
        (
            [(3, 2, 2), (3, 2, 3)],
            17,
            {"Does the dilation change the jump to the next map? Should it?": (29, 41), "Is the jump used?": 11},
        ),
        (
            [(3, 2, 1), (3, 2, 1), (3, 1, 1)],
            15,
            {"Is the jump multiplied by every stride, so that two strides of 2 make 4?": 13},
        ),
        ([], 1, {"A number that has seen no layer yet is one pixel. Is that where you begin?": 0}),
        ([(1, 2, 5), (3, 1, 1)], 5, {"A kernel of 1 has no gaps. Does its dilation matter?": (9, 13, 25)}),
    ]
    for layers, expected, mistakes in cases:
        found, before = function(copy.copy(layers)), f"layers {layers}"
        expect_close(found, expected, given=before, hint=question_for(found, mistakes))
    generator = torch.Generator().manual_seed(seed)
    for _ in range(4):
        layers = [tuple(row) for row in torch.randint(1, 4, (3, 3), generator=generator).tolist()]
        expect_close(function(copy.copy(layers)), _field_by_gradient(layers), given=f"layers {layers}")
    return "seven stacks by hand, four random ones against the gradient of F.conv2d"


def _field_by_gradient(layers) -> int:
    """Side of what a number in the middle of the last map sees: from its first to its last pixel with a gradient."""
    image = x = torch.ones(1, 1, 1, 301, requires_grad=True)  # one row: the field is a square
    for kernel, stride, dilation in layers:
        x = F.conv2d(x, torch.ones(1, 1, 1, kernel), stride=(1, stride), dilation=(1, dilation))
    x[..., x.shape[-1] // 2].sum().backward()
    seen = image.grad.flatten().nonzero().flatten()
    return int(seen[-1] - seen[0]) + 1


@checker("20.3", hint="Are the kernels, as a matrix, times F.unfold's windows laid out as H' rows of W' places?")
def check_20_3(function, seed):
    """convolve_by_product(images, kernels, stride, padding) -> (B, O, H', W')."""
    images = torch.arange(16.0).reshape(1, 1, 4, 4)
    kernels = torch.tensor([[[[1.0, 0.0], [0.0, -2.0]]]])
    found = function(images, kernels, 2, 0)
    mistakes = {
        "Is the kernel laid down as it is, not turned by 180°?": F.conv2d(images, kernels.flip(2, 3), stride=2),
        "Is the kernel transposed? Does its first index go down the image?": F.conv2d(images, kernels.mT, stride=2),
        "Is the stride handed on?": F.conv2d(images, kernels),
        "Do the places run row by row?": F.conv2d(images, kernels, stride=2).mT,
    }
    given = "one image of 4 × 4, one kernel of 2 × 2, stride 2, padding 0"
    expected = torch.tensor([[[[-10.0, -12.0], [-18.0, -20.0]]]])
    expect_close(found, expected, given=given, hint=question_for(found, mistakes))
    generator = torch.Generator().manual_seed(seed)
    for shape, kernel, stride, padding in (((2, 3, 7, 10), 3, 1, 1), ((3, 2, 9, 6), 3, 2, 1), ((1, 4, 8, 11), 5, 3, 2)):
        x = torch.randn(shape, generator=generator)
        weights = torch.randn(6, shape[1], kernel, kernel, generator=generator)
        kept, given = (
            (x.clone(), weights.clone()),
            f"images {shape}, kernel {kernel}, stride {stride}, padding {padding}",
        )
        with _without_convolutions():
            found = function(x, weights, stride, padding)
        expected = F.conv2d(x, weights, stride=stride, padding=padding)
        expect_close(found, expected, given=given, hint=_layout(found, expected), tolerance=1e-4)
        expect_close(
            (x, weights), kept, given="images and kernels after the call", hint="Are the inputs left as they were?"
        )
    return "one image by hand, three random shapes against F.conv2d"


def _layout(found, expected: torch.Tensor) -> str:
    """The question of an answer whose numbers are right but elsewhere."""
    if not isinstance(found, torch.Tensor) or found.numel() != expected.numel():
        return ""
    if found.shape != expected.shape:
        return "Are there H' rows and W' columns, in this order, behind images and output channels?"
    if torch.allclose(found.flatten(1).sort().values, expected.flatten(1).sort().values, atol=1e-4):
        return "The numbers are right, but not their places. Do output channels come before the places?"
    return ""


class _without_convolutions:
    """Refuses calls of PyTorch's convolutions, which the exercise is to replace."""

    NAMES = ("conv1d", "conv2d", "conv3d")

    def __enter__(self):
        self.kept = {(home, name): getattr(home, name) for home in (F, torch) for name in self.NAMES}
        for home, name in self.kept:
            setattr(home, name, self.refuse)

    def __exit__(self, *_):
        for (home, name), function in self.kept.items():
            setattr(home, name, function)

    @staticmethod
    def refuse(*_, **__):
        raise Wrong("expected a matrix product, got a call of a convolution. What does F.unfold give you?")


@checker("20.4", hint="Is every output channel scaled by γ / √(σ² + ε), its bias too, after the mean is taken off it?")
def check_20_4(function, seed):
    """fold(convolution, norm) -> one nn.Conv2d that equals both in evaluation mode."""
    convolution, norm = nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1, eps=1.0)
    values = {"weight": 6.0, "bias": 5.0, "running_mean": 2.0, "running_var": 8.0}  # σ² + ε = 9
    with torch.no_grad():
        convolution.weight.fill_(4.0), convolution.bias.fill_(3.0)
        for name, value in values.items():
            getattr(norm, name).fill_(value)
    folded = _folded(function, convolution, norm, "a 1 × 1 convolution with weight 4 and bias 3, and ε = 1")
    found = folded.weight.item()
    mistakes = {"Is the root of the variance taken?": 4 * 6 / 9, "Is ε added to the variance?": 4 * 6 / 8**0.5}
    mistakes |= {"Is ε added before the root is taken?": 4 * 6 / (8**0.5 + 1), "Is γ used?": 4 / 3}
    given = "weight 4, γ = 6, σ² = 8, ε = 1: the new weight"
    expect_close(found, 8.0, given=given, hint=question_for(found, mistakes))
    found = folded.bias.item()
    mistakes = {
        "Is the mean taken off before the scale, and the old bias scaled too?": (6.0, 5.0 + 3.0 - 4.0, 5.0 + 6.0 - 2.0),
        "Does the convolution have a bias of its own, which passes through the normalisation?": 1.0,
        "Is the mean subtracted?": (11.0, 15.0),
        "Is β added, unscaled, at the end?": (2.0, 12.0),
    }
    given = "bias 3, μ = 2, β = 5, γ = 6, σ² = 8, ε = 1: the new bias"
    expect_close(found, 7.0, given=given, hint=question_for(found, mistakes))
    for bias, kernel, stride, padding in (
        (True, 3, 1, 1),
        (False, 3, 2, 1),
        (False, 5, 1, 0),
        (True, (1, 3), (1, 2), (0, 1)),
    ):
        _check_random_fold(function, nn.Conv2d(3, 4, kernel, stride, padding, bias=bias), seed)
    return "one weight by hand; four random layers with and without bias, stride and padding, in evaluation mode"


def _folded(function, convolution: nn.Conv2d, norm: nn.BatchNorm2d, given: str) -> nn.Conv2d:
    """Call the answer; the layers must stay as they were, and a new convolution with a bias must come back."""
    before = [copy.deepcopy(layer.state_dict()) for layer in (convolution, norm)]
    modes = convolution.training, norm.training
    folded = function(convolution, norm)
    question = "Do the two layers stay as they are?"
    after = [dict(layer.state_dict()) for layer in (convolution, norm)]
    expect_close(after, [dict(state) for state in before], given="the two layers after the call", hint=question)
    expect_close((convolution.training, norm.training), modes, given="the modes after the call", hint=question)
    if not isinstance(folded, nn.Conv2d):
        raise Wrong(f"for {given}: expected an nn.Conv2d, got {describe(folded)}. Is one layer returned?")
    if folded.bias is None:
        raise Wrong(f"for {given}: expected a bias, got none. Where do μ and β go?")
    if folded is convolution or folded.weight.data_ptr() == convolution.weight.data_ptr():
        raise Wrong(f"for {given}: expected a new layer, got the old one's weights. Is a new nn.Conv2d made?")
    return folded


def _check_random_fold(function, convolution: nn.Conv2d, seed: int) -> None:
    """A convolution and a normalisation with random numbers, against the two of them in evaluation mode."""
    torch.manual_seed(seed)
    norm = nn.BatchNorm2d(4, eps=0.01).eval()
    (
        nn.init.normal_(norm.weight),
        nn.init.normal_(norm.bias),
        norm.running_mean.normal_(),
        norm.running_var.uniform_(0.1, 4),
    )
    x = torch.randn(2, 3, 8, 9)
    shape = f"kernel {convolution.kernel_size}, stride {convolution.stride}, padding {convolution.padding}"
    given = f"{shape}, {'with' if convolution.bias is not None else 'without'} a bias"
    folded = _folded(function, convolution, norm, given)
    with torch.no_grad():
        found, expected = folded(x), norm(convolution(x))
    hint = "" if found.shape == expected.shape else "Are kernel size, stride and padding kept?"
    expect_close(found, expected, given=given, hint=hint, tolerance=1e-4)
