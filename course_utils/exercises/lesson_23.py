"""Checkers of 23_mixed_precision: a sum by pairs, clipping in true units, rounding by lot."""

import math

import torch

from course_utils.exercises import Wrong, checker, describe, expect_close

HALVES = (torch.float16, torch.bfloat16)


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _unchanged(given: torch.Tensor, before: torch.Tensor, what: str) -> None:
    if not torch.equal(given, before):
        raise Wrong(f"for {what}: expected the input as it was, got it changed. Is it changed in place?")


def _check_format(answer, dtype: torch.dtype, shape: tuple, given: str) -> None:
    if not isinstance(answer, torch.Tensor):
        question = "Is there a `return`?" if answer is None else "Is it a tensor?"
        raise Wrong(f"for {given}: expected a {_name(dtype)} tensor, got {describe(answer)}. {question}")
    if answer.dtype != dtype:
        question = "Is everything computed and returned in the format of the input?"
        raise Wrong(f"for {given}: expected {_name(dtype)}, got {_name(answer.dtype)}. {question}")
    if tuple(answer.shape) != shape:
        raise Wrong(f"for {given}: expected shape {shape}, got shape {tuple(answer.shape)}. Is one number left?")


@checker("23.1", hint="Are neighbours added in pairs, and then the sums in pairs, until one number is left?")
def check_23_1(function, seed):
    """pairwise_sum(values) -> their sum in their own format, by pairs."""
    for dtype in HALVES:
        _check_ones(function, dtype)
        generator = torch.Generator().manual_seed(seed)
        for n in (2, 3, 7, 100, 3001):
            values = torch.rand(n, generator=generator).to(dtype)
            kept, given = values.clone(), f"{n} random {_name(dtype)} numbers in [0, 1)"
            answer = function(values)
            _unchanged(values, kept, given)
            _check_format(answer, dtype, (), given)
            exact, step = values.double().sum().item(), torch.finfo(dtype).eps
            allowed = step * math.ceil(math.log2(n))  # a rounding of half a step in each round of pairs, twice over
            question = "Does every number take part once, and in no more than log2(N) sums?"
            expect_close(answer.item(), exact, given=given, tolerance=allowed, hint=question)
    _check_no_wider_format(function)
    return "ones that a running sum would lose, one number, none, random numbers, two formats and no wider one"


def _check_ones(function, dtype: torch.dtype) -> None:
    """Counts that are exact by pairs, whatever the format, and at which running sums have stopped."""
    for n, question in (
        (1, "Does one number stay what it is?"),
        (0, "Is the sum of no numbers zero?"),
        (4096, "Does the sum stop growing? Are numbers of equal size added?"),
        (5, "Is the last of an odd number of values kept?"),
        (96, "Is the last of an odd number of values kept, in every round?"),
    ):
        given = f"{n} ones in {_name(dtype)}"
        answer = function(torch.ones(n, dtype=dtype))
        _check_format(answer, dtype, (), given)
        expect_close(answer.item(), float(n), given=given, hint=question, tolerance=0)


def _check_no_wider_format(function) -> None:
    """In float16, 40,000 + 40,000 − 40,000 − 40,000 by pairs is ∞ − ∞; in a wider format it would be 0."""
    values = torch.tensor([40_000.0, 40_000.0, -40_000.0, -40_000.0], dtype=torch.float16)
    given = "40,000, 40,000, −40,000, −40,000 in float16, whose first pair overflows"
    answer = function(values)
    _check_format(answer, torch.float16, (), given)
    if answer.isfinite():
        question = "Are neighbours paired, and is nothing computed in a wider format (as torch.sum does inside)?"
        raise Wrong(f"for {given}: expected NaN, got {describe(answer.item())}. {question}")


@checker("23.2", hint="Is it divided by the scale first, and then shrunk by one factor for all?")
def check_23_2(function, seed):
    """unscale_and_clip(gradients, scale, max_norm) -> true gradients with a bounded common norm, or None."""
    gradients = [torch.tensor([3.0, 0.0]) * 1024, torch.tensor([[0.0], [4.0]]) * 1024]  # norm 5 in true units
    kept = [gradient.clone() for gradient in gradients]
    given = "true gradients (3, 0) and (0, 4), scale 1024"
    clipped = [torch.tensor([1.5, 0.0]), torch.tensor([[0.0], [2.0]])]
    answer = function(gradients, 1024.0, 2.5)
    for one, before in zip(gradients, kept, strict=True):
        _unchanged(one, before, given)
    _check_list(answer, clipped, given + ", largest norm 2.5")
    question = "Is a norm up to the limit left alone, in true units?"
    expect_close(
        function(kept, 1024.0, 100.0), [c * 2 for c in clipped], given=given + ", largest norm 100", hint=question
    )
    expect_close(function(kept, 1024.0, 5.0), [c * 2 for c in clipped], given=given + ", largest norm 5", hint=question)
    _check_not_finite(function)
    zeros = [torch.zeros(3), torch.zeros(2, 2)]
    expect_close(function(zeros, 8.0, 1.0), zeros, given="gradients of zero", hint="Is 0 divided by 0?")
    _check_random_clips(function, seed)
    return "two tensors by hand, norms below and at the limit, infinity and NaN, zeros, five random sets against torch"


def _check_list(answer, expected: list, given: str) -> None:
    if answer is None:
        raise Wrong(f"for {given}: expected two tensors, got None. Are all numbers finite, or is a `return` missing?")
    if not isinstance(answer, list):
        raise Wrong(f"for {given}: expected a list, got {describe(answer)}. Is it a list of new tensors?")
    mistakes = {
        "The norm is that of all of them together: is each tensor, or each number, clipped alone?": [2.5, 2.5],
        "This is the sum of the norms, 7: is the common norm 5, the root of all squares?": [7.5 / 7, 10 / 7],
        "Is it clipped before it is unscaled?": [expected[0][0].item() / 1024, expected[1][1].item() / 1024],
        "Is it divided by the scale?": [1.5 * 1024, 2.0 * 1024],
        "Is anything clipped?": [3.0, 4.0],
    }
    found = [one.abs().max().item() for one in answer if isinstance(one, torch.Tensor) and one.numel()]
    for question, values in mistakes.items():
        if len(found) == 2 and all(math.isclose(a, b, rel_tol=1e-3) for a, b in zip(found, values, strict=True)):
            expect_close(answer, expected, given=given, hint=question)
    expect_close(answer, expected, given=given)


def _check_not_finite(function) -> None:
    for value in (math.inf, -math.inf, math.nan):
        gradients = [torch.tensor([1.0, 2.0]), torch.tensor([0.5, value])]
        answer = function(gradients, 2.0, 1.0)
        if answer is not None:
            question = "Is the step skipped if any number of any tensor is infinite or NaN?"
            raise Wrong(f"for a gradient with {value}: expected None, got {describe(answer)}. {question}")


def _check_random_clips(function, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for power in range(5):
        scale, limit = 2.0 ** (4 * power), 0.5 + power
        true = [torch.randn(shape, generator=generator) for shape in ((4,), (3, 2), (2, 2, 2))]
        holders = [torch.zeros_like(one, requires_grad=True) for one in true]
        for holder, one in zip(holders, true, strict=True):
            holder.grad = one.clone()
        torch.nn.utils.clip_grad_norm_(holders, limit)
        given = f"three random tensors, scale {scale:g}, largest norm {limit:g}"
        expected = [holder.grad for holder in holders]
        expect_close(function([one * scale for one in true], scale, limit), expected, given=given, tolerance=1e-4)


@checker("23.3", hint="Does a number go up with a probability equal to how far up it lies between its two neighbours?")
def check_23_3(function, seed):
    """stochastic_bfloat16(x, generator) -> x rounded by lot to bfloat16."""
    known = torch.tensor([[0.0, 1.0, -2.5], [0.15625, 3e38, -1e-30]]).bfloat16()
    given = "numbers that bfloat16 has"
    answer = _drawn(function, known.float(), seed, given)
    expect_close(answer.float(), known.float(), given=given, tolerance=0, hint="Do they stay as they are?")
    for share in (0.25, 0.5, 0.9):
        _check_share(function, share, seed)
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(50, 40, generator=generator)
    kept = x.clone()
    answer = _drawn(function, x, seed + 1, "2,000 random numbers")  # with the seed of x, draws would follow x
    _unchanged(x, kept, "2,000 random numbers")
    _check_neighbours(x, answer)
    _drawn(function, x.t(), seed, "a transposed tensor (40, 50)")
    _check_generator(function, x, seed)
    return "known numbers stay, both neighbours with the right shares, 2,000 random numbers, draws from the generator"


def _drawn(function, x: torch.Tensor, seed: int, given: str) -> torch.Tensor:
    answer = function(x, torch.Generator().manual_seed(seed))
    if not isinstance(answer, torch.Tensor):
        question = "Is there a `return`?" if answer is None else "Is it a tensor?"
        raise Wrong(f"for {given}: expected a bfloat16 tensor, got {describe(answer)}. {question}")
    if answer.dtype != torch.bfloat16 or answer.shape != x.shape:
        expected = f"bfloat16 of shape {tuple(x.shape)}"
        raise Wrong(f"for {given}: expected {expected}, got {describe(answer)}. Is it bfloat16, of the shape of x?")
    return answer


def _check_share(function, share: float, seed: int, n: int = 20_000) -> None:
    """Between 1 and the next number of bfloat16, and between their negatives: how often each neighbour is taken."""
    step = torch.finfo(torch.bfloat16).eps
    for sign in (1.0, -1.0):
        x = torch.full((n,), sign * (1 + share * step))
        given = f"{n:,} times {sign * (1 + share * step):.6f}, {share:.0%} of the way from {sign:g} to its neighbour"
        answer = _drawn(function, x, seed, given).double() * sign
        if not ((answer == 1) | (answer == 1 + step)).all():
            question = "Is the result always one of the two neighbours, and x between them?"
            raise Wrong(f"for {given}: expected ±1 and ±{1 + step}, got others. {question}")
        taken = (answer > 1).double().mean().item()
        if abs(taken - share) > 5 * math.sqrt(share * (1 - share) / n):
            question = "The share is how far up x lies: is it rounded to the nearest, evenly, or all by one draw?"
            raise Wrong(f"for {given}: expected the farther from 0 in {share:.0%}, got {taken:.1%}. {question}")


def _check_neighbours(x: torch.Tensor, answer: torch.Tensor) -> None:
    toward_zero = (x.view(torch.int32) & -65536).view(torch.float32)
    away = ((x.view(torch.int32) & -65536) + 65536).view(torch.float32)
    near = (answer.float() == toward_zero) | (answer.float() == away)
    if not near.all():
        row, column = (int(place) for place in (~near).nonzero()[0])
        value, got = x[row, column].item(), answer[row, column].item()
        pair = f"{toward_zero[row, column].item():.6g} or {away[row, column].item():.6g}"
        raise Wrong(f"for {value:.6g}: expected {pair}, got {got:.6g}. Are they the two neighbours in bfloat16?")
    lost = ((answer.double() - x.double()) / x.double().abs()).mean().item()
    if abs(lost) > 6 * 0.0023 / math.sqrt(x.numel()):  # the standard deviation of one rounding is 0.0023 at most
        raise Wrong(
            f"for 2,000 random numbers: expected a mean change of about 0, got {lost:.2g} of their size. "
            "Is nothing lost on average?"
        )


def _check_generator(function, x: torch.Tensor, seed: int) -> None:
    """The same generator gives the same draws, another one others, and every number has its own."""
    one, again, other = (_drawn(function, x, number, "random numbers") for number in (seed, seed, seed + 1))
    if not torch.equal(one, again):
        raise Wrong("for one generator seed, twice: expected equal results, got different ones. Is it drawn from it?")
    if torch.equal(one, other):
        raise Wrong("for two generator seeds: expected different results, got equal ones. Is it drawn from it?")
    same = torch.full((1000,), 1 + torch.finfo(torch.bfloat16).eps / 2)
    if len(_drawn(function, same, seed, "1,000 equal numbers").unique()) == 1:
        raise Wrong("for 1,000 equal numbers: expected both neighbours, got one. Does each number have its own draw?")
