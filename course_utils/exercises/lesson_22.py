"""Checkers of 22_transfer_learning: what may learn, a rate for every depth, a paired interval, a ridge probe.

scikit-learn and SciPy, which two of the checkers compare with, are imported where they are needed: seconds, for few.
"""

import itertools
import math
import statistics

import numpy as np
import torch
from torch import nn

from course_utils.exercises import Wrong, checker, describe, expect_close, question_for


@checker("22.1", hint="Are single numbers counted, of parameters alone, and is the share of nothing 0?")
def check_22_1(function, seed):
    """trainable_share(module) -> share of the numbers in its parameters that receive a gradient, 0 to 1."""
    network = nn.Sequential(nn.Linear(3, 2).requires_grad_(False), nn.BatchNorm1d(2), nn.Linear(2, 1))
    mistakes = {  # numbers: 8 frozen, then 4 and 3 that learn; BatchNorm also has buffers of 2 + 2 + 1
        "Are tensors counted, or the numbers in them?": 4 / 6,
        "Are the running statistics of BatchNorm among the numbers? They are buffers. Should they be?": (
            7 / 20,
            7 / 19,
        ),
        "Is it a share, from 0 to 1, and not a percentage?": 700 / 15,
        "Is the number that learn divided by the number of all?": (7, 7 / 8),
        "Is that the frozen share?": 8 / 15,
        "A layer in training mode may be frozen. Is requires_grad asked?": 1.0,
    }
    before, share = _settings(network), function(network)
    given = "a frozen Linear(3, 2), BatchNorm1d(2) and Linear(2, 1)"
    expect_close(share, 7 / 15, given=given, hint=question_for(share, mistakes))
    hint = "Does the function look at the module, and change nothing in it?"
    expect_close(_settings(network), before, given="requires_grad and modes after the call", hint=hint)
    for module, expected, given, hint in _unusual_modules():
        expect_close(function(module), expected, given=given, hint=hint)
    module, expected = _random_layers(seed)
    expect_close(function(module), expected, given="six random layers, some of them frozen")
    return "a network by hand, all, nothing, one tensor and none to learn, six random layers from their widths"


def _settings(*modules: nn.Module) -> list[bool]:
    """What a function that counts has no reason to change: who gets a gradient, and the mode of each layer."""
    gradients = [parameter.requires_grad for module in modules for parameter in module.parameters()]
    return gradients + [layer.training for module in modules for layer in module.modules()]


def _unusual_modules() -> list[tuple[nn.Module, float, str, str]]:
    """Module, its share counted by hand, what to call it, and the question of the mistake that it brings out."""
    plain = nn.Linear(4, 1)
    plain.bias.requires_grad_(False)
    tied = nn.Linear(4, 4, bias=False).requires_grad_(False)
    scaled = nn.Linear(2, 1).requires_grad_(False)
    scaled.scale = nn.Parameter(torch.tensor(2.0))
    nothing = "A share of nothing cannot be divided out. Is it 0?"
    mode = "Evaluation mode stops no gradient. Is requires_grad asked?"
    return [
        (nn.ReLU(), 0, "ReLU(), which has no parameters", nothing),
        (nn.BatchNorm1d(3, affine=False), 0, "BatchNorm1d(3, affine=False), which has buffers alone", nothing),
        (nn.Linear(3, 2).requires_grad_(False), 0, "a frozen Linear(3, 2)", "Is anything left that learns?"),
        (nn.Linear(3, 2).eval(), 1, "Linear(3, 2) in evaluation mode", mode),
        (plain, 4 / 5, "Linear(4, 1) with a frozen bias", "Is each tensor asked whether it learns?"),
        (
            scaled,
            1 / 4,
            "a frozen Linear(2, 1) with a parameter of its own",
            "Is a number without axes counted as one?",
        ),
        (
            nn.Sequential(tied, nn.ReLU(), tied, nn.Linear(3, 1)),
            4 / 20,
            "one frozen layer of 16 weights used twice, then Linear(3, 1)",
            "Is a tensor that two layers share counted once?",
        ),
    ]


def _random_layers(seed: int) -> tuple[nn.Module, float]:
    """Six layers of random widths, nested, each frozen or not, and the share counted from the widths."""
    generator = torch.Generator().manual_seed(seed)
    widths = torch.randint(1, 9, (7,), generator=generator).tolist()
    learns = [True, False, *(torch.rand(4, generator=generator) < 0.5).tolist()]
    sizes = [(below + 1) * above for below, above in itertools.pairwise(widths)]  # weights and biases
    layers = [nn.Linear(a, b).requires_grad_(on) for (a, b), on in zip(itertools.pairwise(widths), learns, strict=True)]
    learning = sum(size for size, on in zip(sizes, learns, strict=True) if on)
    return nn.Sequential(nn.Sequential(*layers[:3]), nn.Sequential(*layers[3:])), learning / sum(sizes)


STRANGER = "a tensor that is no parameter of these stages"


@checker("22.2", hint="Is the rate of a stage the top rate, divided by `decay` once for each stage above it?")
def check_22_2(function, seed):
    """depth_groups(stages, top_rate, decay) -> list of {"params": [...], "lr": ...}, lowest stage first."""
    stages = [nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 1)]
    names, rates = _groups_of(function, stages, 0.9, 3, given="three stages")
    both = [[f"stages[{stage}].{name}" for name in ("bias", "weight")] for stage in range(3)]
    mistakes = {
        "Is the group of the lowest stage the first?": both[::-1],
        "Are the parameters themselves in the lists? A copy does not train the network. Is it one?": [[STRANGER] * 2]
        * 3,
    }
    expect_close(names, both, given="the parameters of three stages", hint=question_for(names, mistakes))
    mistakes = {
        "Is the rate divided by `decay` on the way down, not multiplied?": [8.1, 2.7, 0.9],
        "Does the last stage have the largest rate?": [0.9, 0.3, 0.1],
        "How many steps is the last stage below the top?": [0.1 / 3, 0.1, 0.3],
        "Is it divided by `decay` once more at each step: decay², not 2 · decay?": [0.15, 0.3, 0.9],
    }
    given = "the rates of three stages, top_rate 0.9 and decay 3"
    expect_close(rates, [0.1, 0.3, 0.9], given=given, hint=question_for(rates, mistakes), tolerance=1e-9)
    _check_stages_left_out(function)
    stages, expected = _random_stages(seed)
    found = _groups_of(function, stages, 2.0, 1.3, given="eight random stages")
    expect_close(found, expected, given="eight random stages, top_rate 2 and decay 1.3", tolerance=1e-9)
    return "three stages by hand, frozen and empty stages in the middle, all frozen, eight random stages"


def _groups_of(function, stages: list, top_rate: float, decay: float, *, given: str) -> tuple[list, list]:
    """Call the answer; names of the parameters (sorted) and rate of each group. The stages must stay as they were."""
    before, kept = _settings(*stages), list(stages)
    groups = function(stages, top_rate, decay)
    if len(stages) != len(kept) or any(a is not b for a, b in zip(stages, kept, strict=True)):
        raise Wrong(f"for {given}: expected the list of stages as it was, got it changed. Is it changed in place?")
    hint = "Does the function look at the stages, and change nothing in them?"
    expect_close(_settings(*stages), before, given="requires_grad and modes after the call", hint=hint)
    if not isinstance(groups, list):
        question = "Are the groups collected in a list, and is it returned?"
        raise Wrong(f"for {given}: expected a list of groups, got a {type(groups).__name__}. {question}")
    names = {
        id(parameter): f"stages[{stage}].{name}"
        for stage, module in enumerate(stages)
        for name, parameter in module.named_parameters()
    }
    for group in groups:
        _check_group(group, given)
    return [sorted(names.get(id(p), STRANGER) for p in group["params"]) for group in groups], [g["lr"] for g in groups]


def _check_group(group, given: str) -> None:
    """One group is a dict of two keys, with a list under the first."""
    if not isinstance(group, dict) or set(group) != {"params", "lr"}:
        got = f"the keys {list(group)}" if isinstance(group, dict) else describe(group)
        raise Wrong(f'for {given}: expected dicts with the keys "params" and "lr", got {got}. Are both keys there?')
    if not isinstance(group["params"], list):
        question = "A generator is used up after one pass. Is it turned into a list?"
        got = type(group["params"]).__name__
        raise Wrong(f'for {given}: expected a list under "params", got a {got}. {question}')


def _check_stages_left_out(function) -> None:
    """Stages without anything to learn give no group, but count as steps."""
    top = nn.Linear(2, 1)
    top.bias.requires_grad_(False)
    stages = [nn.Linear(2, 2), nn.Linear(2, 2).requires_grad_(False), nn.ReLU(), top]
    given = "four stages: the second frozen, the third a ReLU, the last with a frozen bias"
    names, rates = _groups_of(function, stages, 0.9, 3, given=given)
    lowest, frozen, weight = ([f"stages[{i}].bias", f"stages[{i}].weight"] for i in (0, 1, 3))
    empty = "A group without parameters has nothing to do. Is it left out?"
    mistakes = {
        empty: ([lowest, [], [], weight[1:]], [lowest, [], weight[1:]]),
        "Are frozen parameters kept out?": ([lowest, frozen, [], weight], [lowest, frozen, weight]),
        "Is each parameter asked whether it learns, not only the first of a stage?": [lowest, weight],
        "A stage may be frozen in part. Does the rest of it still learn?": [lowest],
    }
    expect_close(names, [lowest, weight[1:]], given=given, hint=question_for(names, mistakes))
    hint = "A stage that is left out still counts as a step. Does it here?"
    expect_close(rates, [0.9 / 27, 0.9], given=f"the rates of {given}", hint=hint, tolerance=1e-9)
    stages = [nn.Linear(2, 2).requires_grad_(False), nn.ReLU()]
    names, _ = _groups_of(function, stages, 0.9, 3, given="two stages with nothing to learn")
    expect_close(names, [], given="two stages with nothing to learn", hint=empty)


def _random_stages(seed: int) -> tuple[list[nn.Module], tuple[list, list]]:
    """Eight stages of two tensors, each frozen or not; names and rates collected on a walk from top to bottom."""
    draws = torch.rand(8, 2, generator=torch.Generator().manual_seed(seed))
    stages, names, rates, rate = [nn.Linear(1, 2) for _ in range(8)], [], [], 2.0
    for index in reversed(range(8)):
        group = []
        for place, name in enumerate(("bias", "weight")):
            learns = bool(draws[index, place] < 0.5)
            getattr(stages[index], name).requires_grad_(learns)
            group += [f"stages[{index}].{name}"] * learns
        if group:
            names.insert(0, group)
            rates.insert(0, rate)
        rate /= 1.3
    return stages, (names, rates)


@checker("22.3", hint="Are the differences a - b formed first, pair by pair, and the rest computed from them alone?")
def check_22_3(function, seed):
    """paired_interval(a, b, quantile) -> (mean of a - b, half width of its interval)."""
    a, b = [0.9, 0.7, 0.85], [0.8, 0.65, 0.85]  # differences 0.1, 0.05 and 0: mean 0.05, deviation 0.05
    given = "a = [0.9, 0.7, 0.85], b = [0.8, 0.65, 0.85] and quantile 2"
    mean, half = _pair(function(a, b, 2), given, "the mean first, then the half width")
    wrong_means = {"Is it a - b?": -0.05, "Mean and half width, or both ends?": 0.05 - 0.1 / math.sqrt(3)}
    hint = question_for(mean, wrong_means)
    expect_close(mean, 0.05, given="the mean for " + given, hint=hint)
    hint = question_for(
        half, _wrong_half_widths(0.05, statistics.variance(a) + statistics.variance(b), n=3, quantile=2)
    )
    expect_close(half, 0.1 / math.sqrt(3), given="the half width for " + given, hint=hint)
    expect_close((a, b), ([0.9, 0.7, 0.85], [0.8, 0.65, 0.85]), given="a and b after the call", hint=UNCHANGED)
    hint = "Does the mean keep its sign, and the half width have none, whichever method is better?"
    expect_close(function(b, a, 2), (-0.05, 0.1 / math.sqrt(3)), given="a and b exchanged, quantile 2", hint=hint)
    hint = "Equal scores differ by nothing, with certainty. Are they subtracted pair by pair?"
    expect_close(function(a, a, 4.303), (0.0, 0.0), given="a method and itself", hint=hint)
    _check_against_scipy(function, seed)
    return "three pairs by hand, exchanged, a method and itself, 20 random pairs against scipy.stats.ttest_rel"


UNCHANGED = "Are the inputs left as they were?"


def _wrong_half_widths(deviation: float, variances: float, *, n: int, quantile: float) -> dict[str, float]:
    """Half widths that come of a known mistake, each under the question that leads out of it."""
    right = quantile * deviation / math.sqrt(n)
    return {
        "Does the sample standard deviation divide by n - 1?": right * math.sqrt((n - 1) / n),
        "Is the deviation divided by √n?": quantile * deviation,
        "By √n, or by n?": quantile * deviation / n,
        "Is that half of the width, or all of it?": 2 * right,
        "Is the standard error multiplied by `quantile`?": right / quantile,
        "Is the given `quantile` used?": 4.303 * right / quantile,
        "Is that a variance, whose root has not been taken?": quantile * deviation**2 / n,
        "Does the spread from split to split cancel: is it the deviation of the differences?": quantile
        * math.sqrt(variances / n),
    }


def _check_against_scipy(function, seed: int) -> None:
    """Arrays of 20 pairs that share a large spread."""
    from scipy import stats

    generator = np.random.default_rng(seed)
    common = generator.normal(0.8, 0.3, 20)
    a, b = common + generator.normal(0.02, 0.05, 20), common + generator.normal(0, 0.05, 20)
    kept = a.copy(), b.copy()
    low, high = stats.ttest_rel(a, b).confidence_interval(0.95)
    given = "arrays of 20 random pairs and the quantile of 19 degrees of freedom"
    mean, half = _pair(function(a, b, float(stats.t.ppf(0.975, 19))), given, "the mean first, then the half width")
    expect_close(mean, float(low + high) / 2, given=f"the mean for {given}")
    expect_close(half, float(high - low) / 2, given=f"the half width for {given}")
    expect_close((a, b), kept, given="a and b after the call", hint=UNCHANGED)


@checker(
    "22.4",
    hint="Is (XᵀX + λI) w = Xᵀy solved, each feature and the targets without their mean, but not divided by anything?",
)
def check_22_4(function, seed):
    """ridge_probe(features (N, D), targets (N,), strength) -> (weights (D,), intercept)."""
    x, y = np.array([[-1.0], [-1.0], [1.0], [1.0]]), np.array([-1.0, -1.0, 1.0, 1.0])
    given = "features [-1, -1, 1, 1] in one column, the same as targets, strength 4"
    mistakes = {
        "Is `strength` used?": 1.0,
        "Is `strength` added as it is, not multiplied by the number of examples?": 0.2,
        "Is the squared error summed, not averaged, so that `strength` is not divided?": 0.8,
        "Do the squares in the formula have a factor of their own?": (1 / 3, 2 / 3),
    }
    _expect_probe(function(x, y, 4.0), (0.5, 0.0), given, mistakes, {})
    given = "features [9, 9, 11, 11] in one column, targets [24, 24, 26, 26], strength 4"
    mistakes = {
        "Is the mean subtracted from the features and from the targets before the weights are solved for?": 1004 / 408,
        "Are the targets centred, and the features too?": (1004 / 8, 4 / 408),
        "Is the intercept penalised? Should it be?": 4032 / 1664,
    }
    wrong_intercepts = {
        "Is an intercept computed?": 0.0,
        "Is the mean of the features, times the weights, subtracted from the mean of the targets?": (25.0, 30.0, -20.0),
    }
    _expect_probe(function(x + 10, y + 25, 4.0), (0.5, 20.0), given, mistakes, wrong_intercepts)
    _check_against_sklearn(function, seed)
    return "two columns by hand; random, few and constant features against sklearn.linear_model.Ridge"


def _expect_probe(answer, expected: tuple[float, float], given: str, weights: dict, intercepts: dict) -> None:
    """Compare a probe of one feature, the weight first, so that each half has its own questions."""
    weight, intercept = _pair(answer, given, "the weights first, then the intercept")
    shape = "Are the weights first, an array of one number for each feature, without a further axis?"
    hint = question_for(weight, {question: _columns(value) for question, value in weights.items()})
    hint = hint if np.shape(weight) == (1,) else shape
    expect_close(weight, np.array([expected[0]]), given=f"the weights for {given}", hint=hint)
    hint = question_for(intercept, intercepts)
    expect_close(intercept, expected[1], given=f"the intercept for {given}", hint=hint)


def _columns(value: float | tuple) -> tuple[np.ndarray, ...]:
    """Wrong weights of one feature, as the arrays (1,) that an answer would hold."""
    return tuple(np.array([number]) for number in (value if isinstance(value, tuple) else (value,)))


def _check_against_sklearn(function, seed: int) -> None:
    """Many examples, fewer than features, a constant column; the arrays must stay as they were."""
    from sklearn.linear_model import Ridge

    generator = np.random.default_rng(seed)
    for n, d, strength, kind in ((60, 5, 3.0, "random"), (8, 20, 0.5, "fewer"), (30, 4, 2.0, "constant")):
        features, targets = generator.normal(2, 1, (n, d)) * np.linspace(1, 5, d), generator.normal(3, 1, n)
        if kind == "constant":
            features[:, 2] = 7.0
        kept = features.copy(), targets.copy()
        ridge = Ridge(alpha=strength).fit(features, targets)
        given = f"{n} examples of {d} features{' (one constant)' * (kind == 'constant')}, strength {strength}"
        answer = _pair(function(features, targets, strength), given, "the weights first, then the intercept")
        expect_close(answer, (ridge.coef_, float(ridge.intercept_)), given=given)
        expect_close((features, targets), kept, given="features and targets after the call", hint=UNCHANGED)


def _pair(answer, given: str, order: str) -> tuple:
    """The answer, if it is a pair."""
    if not isinstance(answer, tuple) or len(answer) != 2:
        raise Wrong(f"for {given}: expected a pair, got {describe(answer)}. Are two values returned, {order}?")
    return answer
