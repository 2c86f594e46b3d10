"""A profile counts calls and bytes as one does by hand, and leaves out what was there before."""

import functools
import time

import pytest
import torch
from torch import nn

from course_utils import engine

FLOAT = 4  # bytes


def test_calls_are_counted_and_sorted_by_time():
    """Three products and one sum are found with their calls; the slowest operation comes first."""
    matrix = torch.rand(128, 128)

    def step():
        for _ in range(3):
            matrix @ matrix
        return matrix + 1

    found = engine.profile_step(step)
    calls = {row["name"]: row["calls"] for row in found.operations}
    seconds = [row["seconds"] for row in found.operations]
    assert (calls["aten::mm"], calls["aten::add"]) == (3, 1)
    assert seconds == sorted(seconds, reverse=True)
    assert found.seconds == pytest.approx(sum(seconds))


def test_several_runs_are_averaged_after_one_that_warms_up():
    """Four runs with 1, 2, 3 and 4 products: the first is dropped, and the others have three each on average."""
    matrix, runs = torch.rand(64, 64), []

    def step():
        runs.append(1)
        for _ in runs:
            matrix @ matrix

    found = engine.profile_step(step, runs=3)
    single = engine.profile_step(lambda: matrix @ matrix, runs=3).operations[0]["seconds"]
    (products,) = (row for row in found.operations if row["name"] == "aten::mm")
    assert len(runs) == 4
    assert products["calls"] == pytest.approx(3)
    assert products["seconds"] > single  # three products a run take longer than one


def test_no_runs_are_refused():
    """Zero runs leave nothing to average: an error that names a number that works."""
    with pytest.raises(ValueError, match="Expected runs of at least 1, but got 0"):
        engine.profile_step(lambda: None, runs=0)


def test_peak_is_the_sum_of_what_is_held_at_once():
    """Two tensors held together count twice, two held one after the other once."""

    def both():
        one = torch.zeros(1000)
        return one, torch.zeros(1000)

    def in_turn():
        for _ in range(2):
            torch.zeros(1000)

    assert engine.profile_step(both).peak_bytes == 2 * 1000 * FLOAT
    assert engine.profile_step(in_turn).peak_bytes == 1000 * FLOAT


def test_memory_before_the_step_does_not_count():
    """The timeline starts at the first change, rises by what the step takes and falls when it is given back."""
    before = torch.zeros(5000)
    found = engine.profile_step(before.neg)
    assert found.memory[0] == (0.0, 5000 * FLOAT)
    assert found.memory[-1][1] == 0
    assert all(later[0] >= sooner[0] for sooner, later in zip(found.memory, found.memory[1:], strict=False))


def test_a_step_of_training_is_seen_whole():
    """Forward and backward pass of a layer appear, and the step is run twice: to warm up, and to be measured."""
    layer, inputs, runs = nn.Linear(8, 4), torch.rand(16, 8), []

    def step():
        runs.append(1)
        layer(inputs).sum().backward()

    calls = {row["name"]: row["calls"] for row in engine.profile_step(step, device="cpu").operations}
    assert calls["aten::addmm"] == 1
    assert calls["aten::mm"] == 1  # the gradient of the weights; the inputs ask for none
    assert len(runs) == 2


def test_a_step_that_does_nothing_has_an_empty_profile():
    """No operation, no memory, no error."""
    found = engine.profile_step(lambda: None)
    assert (found.operations, found.memory, found.peak_bytes, found.seconds) == ([], [], 0, 0)


def test_steps_are_timed_in_turn_after_a_round_to_warm_up():
    """Two steps, three rounds, two calls each: eight calls a step, in blocks that alternate; the first is dropped."""
    calls = []
    found = engine.time_in_turn({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, rounds=3, count=2)
    assert calls == ["a", "a", "b", "b"] * 4
    assert {name: len(seconds) for name, seconds in found.items()} == {"a": 3, "b": 3}
    assert min(found["a"] + found["b"]) >= 0


def test_every_round_has_its_own_order_of_all_steps():
    """With a generator, each step stands in every round once, not always in the same place; a seed repeats it."""

    def orders():
        calls = []
        steps = {name: functools.partial(calls.append, name) for name in "abcd"}
        found = engine.time_in_turn(steps, rounds=7, generator=torch.Generator().manual_seed(0))
        assert list(found) == list("abcd") and {len(seconds) for seconds in found.values()} == {7}
        return ["".join(calls[start : start + 4]) for start in range(0, len(calls), 4)]

    rounds = orders()
    assert len(rounds) == 8 and {"".join(sorted(order)) for order in rounds} == {"abcd"}
    assert len(set(rounds)) > 2
    assert rounds == orders()


def test_seconds_are_those_of_one_call():
    """A step that sleeps 10 ms takes 10 ms a call, however often it is called in a round."""
    assert engine.time_in_turn({"nap": lambda: time.sleep(0.01)}, rounds=1, count=3)["nap"][0] == pytest.approx(
        0.01, rel=0.9
    )


@pytest.mark.parametrize("wrong", [{"rounds": 0}, {"rounds": 1, "count": 0}])
def test_no_round_and_no_call_are_refused(wrong):
    """Zero rounds or calls would leave nothing to divide."""
    with pytest.raises(ValueError, match="at least 1"):
        engine.time_in_turn({}, **wrong)


def test_time_call_hands_on_the_arguments_and_what_comes_back():
    """A call that sleeps takes at least as long, and its result is returned."""

    def nap(seconds, word):
        time.sleep(seconds)
        return word

    seconds, word = engine.time_call(nap, 0.02, "rested")
    assert 0.02 <= seconds < 5 and word == "rested"
