"""Training does what ten lines by hand do, stops when it diverges, and gives the same bytes for the same seed."""

import copy
import itertools
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from course_utils import datasets, engine, models, runtime
from course_utils.engine import training

COUNT = itertools.count()


def network(seed: int = 0) -> nn.Sequential:
    """Five features to three classes, with the two layers that behave differently in training: BatchNorm, dropout."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 3))


def examples(n: int = 22) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs (n, 5) and classes (n,) that a linear rule tells apart."""
    chance = torch.Generator().manual_seed(1)
    inputs = torch.randn(n, 5, generator=chance)
    return inputs, inputs[:, :3].argmax(1)


def batches(size: int = 6, n: int = 22) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """The examples in batches; the last one is short unless `size` divides `n`."""
    return list(zip(*(tensor.split(size) for tensor in examples(n)), strict=True))


def sgd(model: nn.Module, rate: float = 0.1, **more) -> engine.Recipe:
    """Cross entropy with plain gradient descent."""
    return engine.Recipe(F.cross_entropy, torch.optim.SGD(model.parameters(), lr=rate), **more)


def assert_equal_states(one: nn.Module, other: nn.Module, tolerance: float = 1e-6):
    """Every tensor of two models agrees."""
    for name, tensor in one.state_dict().items():
        torch.testing.assert_close(tensor, other.state_dict()[name], rtol=0, atol=tolerance, msg=name)


# the loop


@pytest.mark.parametrize("clip", [None, 0.05])
def test_fit_equals_a_loop_by_hand(clip):
    """Three epochs with AdamW, OneCycle, BatchNorm and dropout give the weights and losses of ten lines of torch."""
    model, twin = network(), network()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.05, total_steps=12)
    torch.manual_seed(5)
    recipe = engine.Recipe(F.cross_entropy, optimizer, schedule, clip_norm=clip)
    history = engine.fit(model, batches(), None, recipe, epochs=3)

    optimizer = torch.optim.AdamW(twin.parameters(), lr=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.05, total_steps=12)
    torch.manual_seed(5)
    by_hand = []
    for _ in range(3):
        losses = []
        for inputs, targets in batches():
            optimizer.zero_grad()
            loss = F.cross_entropy(twin(inputs), targets)
            loss.backward()
            if clip:
                nn.utils.clip_grad_norm_(twin.parameters(), clip)
            optimizer.step()
            schedule.step()
            losses += [loss.item()] * len(inputs)
        by_hand.append(sum(losses) / len(losses))
    assert_equal_states(model, twin)
    assert [row["train_loss"] for row in history] == pytest.approx(by_hand, abs=1e-6)


def test_history_has_a_row_for_each_epoch():
    """Epochs count from 1; validation adds its loss and scores, and without it there is the training loss alone."""
    model = network()
    right = {"accuracy": lambda outputs, targets: (outputs.argmax(1) == targets).float().mean()}
    history = engine.fit(model, batches(), batches(), sgd(model), epochs=2, scores=right)
    assert [row["epoch"] for row in history] == [1, 2]
    assert all(set(row) == {"epoch", "train_loss", "validation_loss", "validation_accuracy"} for row in history)
    last = engine.evaluate(model, batches(), F.cross_entropy, scores=right)
    assert {f"validation_{name}": value for name, value in last.items()}.items() <= history[-1].items()
    assert all(type(value) is float for value in last.values())
    assert [set(row) for row in engine.fit(model, batches(), None, sgd(model), epochs=1)] == [{"epoch", "train_loss"}]


def test_validation_does_not_change_the_training():
    """Scoring after each epoch leaves the weights as they would be without: it draws no number and trains nothing."""
    trained = []
    for validation in (None, batches(5)):
        model = network()
        torch.manual_seed(2)
        engine.fit(model, batches(), validation, sgd(model), epochs=3)
        trained.append(model)
    assert_equal_states(*trained, tolerance=0)


def test_the_schedule_is_stepped_once_a_batch():
    """Four batches in two epochs are eight steps of the schedule, as OneCycle and cosine schedules count."""
    model = network()
    recipe = sgd(model)
    recipe.scheduler = torch.optim.lr_scheduler.LambdaLR(recipe.optimizer, lambda step: 0.5**step)
    engine.fit(model, batches(), None, recipe, epochs=2)
    assert recipe.optimizer.param_groups[0]["lr"] == pytest.approx(0.1 * 0.5**8)


def test_a_short_last_batch_weighs_its_examples():
    """Five examples in batches of four and one: the loss is the mean over five, not over two batches."""
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    recipe = engine.Recipe(F.mse_loss, torch.optim.SGD(model.parameters(), lr=0.0))
    inputs, targets = torch.ones(5, 1), torch.tensor([[1.0]] * 4 + [[6.0]])
    short = list(zip(inputs.split(4), targets.split(4), strict=True))
    by_hand = (4 * 1 + 36) / 5
    assert engine.train_one_epoch(model, short, recipe) == pytest.approx(by_hand)
    assert engine.evaluate(model, short, F.mse_loss) == {"loss": pytest.approx(by_hand)}


def test_clipping_looks_at_the_trained_parameters_alone():
    """Gradients that pile up in a part that nobody trains do not shrink the steps of the part that is trained."""
    body, head = nn.Linear(5, 4), nn.Linear(4, 3)
    start = copy.deepcopy(head)
    recipe = engine.Recipe(F.cross_entropy, torch.optim.SGD(head.parameters(), lr=1.0), clip_norm=1e-3)
    engine.train_one_epoch(nn.Sequential(body, head), batches(11), recipe)  # two steps, both of length 1e-3
    for inputs, targets in batches(11):
        loss = F.cross_entropy(start(body(inputs)), targets)
        slopes = torch.autograd.grad(loss, list(start.parameters()))
        length = math.sqrt(sum(float(slope.square().sum()) for slope in slopes))
        with torch.no_grad():
            for parameter, slope in zip(start.parameters(), slopes, strict=True):
                parameter -= slope * 1e-3 / length
    assert_equal_states(head, start)


# precision


def test_bfloat16_computes_in_bfloat16_and_learns():
    """The forward pass of training is in bfloat16, the weights stay float32, and the rule is learnt."""
    model, seen = network(), []
    model[0].register_forward_hook(lambda layer, inputs, output: seen.append((layer.training, output.dtype)))
    recipe = sgd(model, 0.3, precision=engine.Precision("cpu", torch.bfloat16))
    history = engine.fit(model, batches(), batches(), recipe, epochs=30)
    assert set(seen) == {(True, torch.bfloat16), (False, torch.float32)}
    assert all(parameter.dtype == torch.float32 for parameter in model.parameters())
    assert history[-1]["validation_loss"] < 0.5 * history[0]["validation_loss"]


@pytest.mark.parametrize("dtype", [None, torch.bfloat16, torch.float16])
def test_only_float16_scales_its_gradients(dtype):
    """The scaler works for float16, and is the identity for bfloat16 and full precision."""
    assert engine.Precision("cpu", dtype).scaler.is_enabled() == (dtype is torch.float16)


def test_full_precision_is_the_same_with_and_without_a_precision():
    """A recipe without a precision trains as one that asks for float32."""
    trained = []
    for precision in (None, engine.Precision("cpu")):
        model = network()
        torch.manual_seed(2)
        engine.train_one_epoch(model, batches(), sgd(model, precision=precision))
        trained.append(model)
    assert_equal_states(*trained, tolerance=0)


def test_float16_clips_true_gradients():
    """With a rate of 1 a clipped step is as long as the bound; clipped while still scaled, it would be far shorter."""
    model = nn.Linear(5, 3)
    before = torch.cat([parameter.detach().flatten().clone() for parameter in model.parameters()])
    precision = engine.Precision("cpu", torch.float16)
    engine.train_one_epoch(model, batches(22), sgd(model, 1.0, precision=precision, clip_norm=0.01))
    after = torch.cat([parameter.detach().flatten() for parameter in model.parameters()])
    assert float((after - before).norm()) == pytest.approx(0.01, rel=1e-3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, "float16"])
def test_other_types_are_refused(dtype):
    """What autocast has no use for is refused, with the word for full precision."""
    with pytest.raises(ValueError, match=r"Expected dtype to be None, float16 or bfloat16, but got .*None is full"):
        engine.Precision("cpu", dtype)


# what goes wrong


@pytest.mark.parametrize(("bad", "steps"), [(0, 1), (3, training.CHECK_EVERY + 1), (99, 100)])
def test_a_loss_that_is_not_finite_stops_the_training(bad, steps):
    """NaN in a batch ends the epoch with the remedies: at once, at the next look, or at its end at the latest."""
    model, used = network(), []

    def some_bad():
        for number in range(100):
            inputs, targets = batches(22)[0]
            used.append(number)
            yield (inputs * math.nan if number == bad else inputs), targets

    with pytest.raises(
        FloatingPointError, match=r"Expected a finite loss, but got nan\. Lower the learning rate, clip"
    ):
        engine.fit(model, some_bad(), None, sgd(model), epochs=1)
    assert len(used) == steps


def test_no_batch_is_refused():
    """Training and scoring on nothing, and an iterator that is used up after the first epoch, say what may be wrong."""
    model = network()
    message = "Expected at least one batch, but got none. Is the split empty, or an iterator already used up"
    with pytest.raises(ValueError, match=message):
        engine.train_one_epoch(model, [], sgd(model))
    with pytest.raises(ValueError, match=message):
        engine.evaluate(model, [], F.cross_entropy)
    with pytest.raises(ValueError, match=message):
        engine.fit(model, batches(), [], sgd(model), epochs=1)
    with pytest.raises(ValueError, match=message):
        engine.fit(model, iter(batches()), None, sgd(model), epochs=2)


@pytest.mark.parametrize("epochs", [0, -1])
def test_no_epoch_is_refused(epochs):
    """Fewer than one epoch says how to score without training."""
    model = network()
    with pytest.raises(ValueError, match=f"at least 1, but got {epochs}. To score only, call evaluate"):
        engine.fit(model, batches(), None, sgd(model), epochs=epochs)


def test_inputs_of_another_width_are_refused():
    """A batch that does not fit the network is torch's error, with both shapes."""
    model = network()
    with pytest.raises(RuntimeError, match=r"4x6 and 5x8"):
        engine.train_one_epoch(model, [(torch.zeros(4, 6), torch.zeros(4).long())], sgd(model))


# evaluation


def test_evaluation_uses_neither_dropout_nor_batch_statistics():
    """Outputs equal those of the layers written out with stored statistics, in order; nothing in the model changes."""
    model = network()
    engine.train_one_epoch(model, batches(), sgd(model))  # statistics that differ from those at the start
    model.zero_grad(set_to_none=True)
    before = copy.deepcopy(model.state_dict())
    model.train()
    outputs, targets = engine.predict(model, batches(5))
    inputs, classes = examples()
    first, norm, last = model[0], model[1], model[4]
    hidden = inputs @ first.weight.T + first.bias
    hidden = (hidden - norm.running_mean) / (norm.running_var + norm.eps).sqrt() * norm.weight + norm.bias
    torch.testing.assert_close(outputs, (hidden.clamp(min=0) @ last.weight.T + last.bias).detach())
    assert torch.equal(targets, classes)
    assert not outputs.requires_grad and all(parameter.grad is None for parameter in model.parameters())
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_training_goes_on_in_training_mode_after_an_evaluation():
    """A model that was scored is trained with dropout and batch statistics again."""
    model = network()
    engine.evaluate(model, batches(), F.cross_entropy)
    engine.train_one_epoch(model, batches(), sgd(model))
    assert model.training and int(model[1].num_batches_tracked) == 4


def test_scores_see_all_examples_at_once():
    """A score that is no mean over batches, the number of examples, is right with a short last batch."""
    count = {"n": lambda outputs, targets: len(outputs), "classes": lambda outputs, targets: len(set(targets.tolist()))}
    found = engine.evaluate(network(), batches(7), F.cross_entropy, scores=count)
    assert (found["n"], found["classes"]) == (22.0, 3.0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an accelerator")
def test_an_accelerator_is_not_waited_for():
    """There a loss that is not finite is noticed one look later."""
    model, used = network().cuda(), []

    def some_bad():
        for number in range(3 * training.CHECK_EVERY):
            inputs, targets = batches(22)[0]
            used.append(number)
            yield (inputs * math.nan if number == 3 else inputs), targets

    with pytest.raises(FloatingPointError, match="Expected a finite loss, but got nan"):
        engine.fit(model, some_bad(), None, sgd(model), epochs=1)
    assert len(used) == 2 * training.CHECK_EVERY + 1


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an accelerator")
def test_batches_that_live_on_the_accelerator_work():
    """Inputs and targets may lie on the device already; scores are computed on the processor."""
    model, (inputs, targets) = network().cuda(), examples()
    held = datasets.MemoryBatches(inputs.cuda(), targets.cuda(), batch_size=6)
    recipe = sgd(model, precision=engine.Precision("cuda", torch.float16))
    history = engine.fit(model, held, held, recipe, epochs=2)
    assert math.isfinite(history[-1]["validation_loss"])
    assert {tensor.device.type for tensor in engine.predict(model, held)} == {"cpu"}


# same seed, same checkpoint


def train_and_save(path: Path, seed: int) -> bytes:
    """Train a small convolutional network from a seed, with shuffling and dropout; the bytes of its checkpoint."""
    runtime.seed_everything(seed)
    model = nn.Sequential(models.SmallCNN(6, width=4), nn.Dropout(0.2), nn.Linear(6, 3))
    chance = torch.Generator().manual_seed(seed)
    pictures = torch.randn(20, 3, 12, 12, generator=torch.Generator().manual_seed(9))
    held = datasets.MemoryBatches(pictures, torch.arange(20) % 3, batch_size=8, generator=chance)
    recipe = engine.Recipe(F.cross_entropy, torch.optim.AdamW(model.parameters(), lr=0.01))
    history = engine.fit(model, held, None, recipe, epochs=2)
    engine.save_checkpoint(path, model, {"settings": {"seed": seed, "epochs": 2}, "history": history})
    return path.read_bytes()


@pytest.fixture
def deterministic():
    """Seeding asks torch for deterministic algorithms; other tests shall not notice."""
    before = torch.are_deterministic_algorithms_enabled()
    yield
    torch.use_deterministic_algorithms(before)


def test_same_seed_gives_equal_checkpoints_bit_for_bit(tmp_path, deterministic):
    """Twice in this process and once in another, one seed gives equal files; another seed gives other weights."""
    first = train_and_save(tmp_path / "a.safetensors", 0)
    assert train_and_save(tmp_path / "b.safetensors", 0) == first
    call = (
        f"import test_engine, pathlib; test_engine.train_and_save(pathlib.Path({str(tmp_path / 'c.safetensors')!r}), 0)"
    )
    places = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parent.parent)])
    environment = os.environ | {"PYTHONPATH": places, "OMP_NUM_THREADS": str(torch.get_num_threads())}
    subprocess.run([sys.executable, "-c", call], env=environment, check=True)
    assert (tmp_path / "c.safetensors").read_bytes() == first
    train_and_save(tmp_path / "d.safetensors", 1)
    other, _ = engine.read_checkpoint(tmp_path / "d.safetensors")
    assert not torch.equal(other["2.weight"], engine.read_checkpoint(tmp_path / "a.safetensors")[0]["2.weight"])
