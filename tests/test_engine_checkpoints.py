"""Checkpoints give back what was saved, and refuse what they are not: pickles, other networks, damaged files."""

import copy
import io
import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

from course_utils import engine, models
from course_utils.engine import checkpoints


def network(seed: int = 0) -> nn.Sequential:
    """A small network with every kind of tensor: weights, statistics and a counter."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 3))


def assert_equal_states(one: nn.Module, other: nn.Module):
    """Every tensor of two models agrees bit for bit."""
    for name, tensor in one.state_dict().items():
        assert torch.equal(tensor, other.state_dict()[name]), name


@pytest.fixture
def saved(tmp_path):
    """A network whose BatchNorm has seen four batches, and its checkpoint."""
    model = network()
    for _ in range(4):
        model(torch.randn(6, 5))
    return model, engine.save_checkpoint(tmp_path / "22.arm.safetensors", model, {"score": 0.9, "licence": "MIT"})


def test_a_checkpoint_gives_back_tensors_and_metadata(saved):
    """Another network gets every tensor bit for bit, counters too; plain safetensors reads the file as well."""
    model, path = saved
    other = network(seed=1)
    about = engine.load_checkpoint(path, other)
    assert_equal_states(model, other)
    assert int(other[1].num_batches_tracked) == 4
    assert (about["score"], about["licence"]) == (0.9, "MIT")
    assert about["architecture"] == engine.architecture(model.state_dict())
    assert safetensors.torch.load_file(path).keys() == model.state_dict().keys()
    assert os.listdir(path.parent) == [path.name]


def test_half_takes_half_the_room_and_rounds(saved):
    """With half=True each number is that of float16, loaded into float32; counters stay whole numbers."""
    model, path = saved
    model.append(nn.Linear(3, 2000))  # so that the header weighs little
    full = engine.save_checkpoint(path.with_name("full.safetensors"), model, {})
    half = engine.save_checkpoint(path.with_name("half.safetensors"), model, {}, half=True)
    assert half.stat().st_size < 0.6 * full.stat().st_size
    other = copy.deepcopy(model)
    for parameter in other.parameters():
        nn.init.zeros_(parameter)
    engine.load_checkpoint(half, other)
    for name, tensor in other.state_dict().items():
        expected = torch.as_tensor(model.state_dict()[name].numpy().astype(np.float16).astype(tensor.numpy().dtype))
        assert tensor.dtype == model.state_dict()[name].dtype and torch.equal(tensor, expected), name
    assert next(model.parameters()).dtype == torch.float32  # the saved model is not touched


def test_architecture_is_names_and_shapes_alone():
    """Values, types and order do not count; a name or a shape does."""
    state = {"a": torch.zeros(2, 3), "b": torch.zeros(4)}
    same = {"b": torch.ones(4).half(), "a": torch.ones(2, 3)}
    assert engine.architecture(state) == engine.architecture(same)
    assert engine.architecture(state) != engine.architecture(state | {"a": torch.zeros(3, 2)})
    assert engine.architecture(state) != engine.architecture({"a": state["a"], "c": state["b"]})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda: nn.Sequential(*network()[:4], nn.Linear(8, 2)), r"4\.weight is \(3, 8\), not \(2, 8\); 4\.bias is"),
        (lambda: network().append(nn.Linear(3, 1)), r"5\.weight is None, not \(1, 3\); 5\.bias is None, not \(1,\)"),
        (lambda: network()[:1], r"1\.\w+ is \(.*\), not None; .*; and 4 more"),
        (lambda: models.SmallCNN(2, width=4), "to hold the tensors of SmallCNN, but "),
    ],
)
def test_a_checkpoint_of_another_architecture_is_refused(saved, change, message):
    """The first tensors that differ are named with both shapes, and the model is as it was."""
    _, path = saved
    model = change()
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(ValueError, match=f"{message}.*Build the model with the settings of the checkpoint's metadata"):
        engine.load_checkpoint(path, model)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


class Trap:
    """Unpickling it makes a folder where the program runs."""

    def __reduce__(self):
        return os.mkdir, ("sprung",)


def torch_saved(**how) -> bytes:
    """What torch.save writes."""
    file = io.BytesIO()
    torch.save(network().state_dict(), file, **how)
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        torch_saved(),
        torch_saved(_use_new_zipfile_serialization=False),
        *(pickle.dumps(Trap(), protocol) for protocol in range(2, 6)),
        pickle.dumps(1),
    ],
    ids=["torch zip", "torch legacy", "protocol 2", "protocol 3", "protocol 4", "protocol 5", "five bytes"],
)
def test_pickles_are_refused_unopened(saved, content, monkeypatch):
    """A pickle, of torch or bare, is called one, with the way to convert it, and is not unpickled on the way."""
    model, path = saved
    path.write_bytes(content)
    monkeypatch.chdir(path.parent)
    message = r"but it is a pickle, which may run code .*torch\.load\(…, weights_only=True\)"
    with pytest.raises(ValueError, match=message):
        engine.load_checkpoint(path, model)
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("keep", [0, 4, 8, 200, -1])
def test_a_truncated_checkpoint_is_refused(saved, keep):
    """A file that ends in the length, the header or the numbers, or is empty, does not read."""
    model, path = saved
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match=r"22\.arm\.safetensors to be a safetensors file, but it does not read \("):
        engine.load_checkpoint(path, model)


def test_an_old_pickle_of_text_is_refused(saved):
    """The first pickle format begins with any letter; it is no safetensors file either."""
    model, path = saved
    path.write_bytes(pickle.dumps(Trap(), 0))
    with pytest.raises(ValueError, match="does not read"):
        engine.load_checkpoint(path, model)


@pytest.mark.parametrize("position", [-1, -40])
def test_a_changed_byte_is_found(saved, position):
    """One flipped bit among the numbers changes the hash, and the model stays as it was."""
    model, path = saved
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(ValueError, match=r"to have hash [0-9a-f]{16}, but got [0-9a-f]{16}\. The file was damaged"):
        engine.load_checkpoint(path, model)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize("names", [("1.weight", "1.bias"), ("0.bias", "0.bies")])
def test_swapped_and_renamed_tensors_are_found(saved, names):
    """The hash covers which values belong to which name, not the values alone."""
    _, path = saved
    tensors, about = engine.read_checkpoint(path)
    exchanged = dict(zip(names, reversed(names), strict=True))
    changed = {exchanged.get(name, name): tensor for name, tensor in tensors.items()}
    safetensors.torch.save_file(changed, path, {"about": json.dumps(about)})
    with pytest.raises(ValueError, match="The file was damaged or not written by save_checkpoint"):
        engine.read_checkpoint(path)


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}])
def test_safetensors_of_others_are_refused(saved, metadata):
    """A safetensors file without our metadata is no checkpoint of ours."""
    model, path = saved
    safetensors.torch.save_file(model.state_dict(), path, metadata)
    with pytest.raises(ValueError, match=r"to have hash None, but got .* not written by save_checkpoint"):
        engine.read_checkpoint(path)


def test_a_missing_checkpoint_says_what_to_do(tmp_path):
    """Where there is no file, the path and the remedies are named."""
    with pytest.raises(FileNotFoundError, match=r"checkpoint at .*none\.safetensors, but there is none\. .*restore it"):
        engine.load_checkpoint(tmp_path / "none.safetensors", network())


@pytest.mark.parametrize("name", ["a.pt", "a.pth", "a", "a.safetensors.zip"])
def test_other_endings_are_refused(tmp_path, name):
    """A checkpoint is written as safetensors only, and nothing is left."""
    with pytest.raises(ValueError, match=rf"Expected a path ending in \.safetensors, but got {name}"):
        engine.save_checkpoint(tmp_path / name, network(), {})
    assert os.listdir(tmp_path) == []


def test_a_checkpoint_that_cannot_be_written_leaves_the_old_one(saved, monkeypatch):
    """When the disk is full half way, or the metadata are no JSON, the old file is whole and alone."""
    model, path = saved
    before = path.read_bytes()

    def half_way(tensors, target, metadata):
        Path(target).write_bytes(b"half")
        raise OSError("disk full")

    with pytest.raises(TypeError, match="not JSON serializable"):
        engine.save_checkpoint(path, model, {"score": torch.ones(1)})
    monkeypatch.setattr(safetensors.torch, "save_file", half_way)
    with pytest.raises(OSError, match="disk full"):
        engine.save_checkpoint(path, model, {})
    assert path.read_bytes() == before and os.listdir(path.parent) == [path.name]


def test_every_kind_of_tensor_is_hashed():
    """Scalars, empty tensors, truth values, bfloat16 and views that are not contiguous have bytes: numpy's."""
    for tensor in (torch.tensor(2.5), torch.zeros(0, 3), torch.tensor([True, False]), torch.arange(6).view(2, 3).T):
        assert checkpoints.tensor_bytes(tensor) == np.ascontiguousarray(tensor.numpy()).tobytes()
    assert checkpoints.tensor_bytes(torch.tensor([1.0], dtype=torch.bfloat16)) == b"\x80\x3f"


def test_number_too_large_for_half_precision_is_refused(tmp_path):
    """A value over 65504 would become infinite in float16: the tensor is named and no file is left."""
    model = nn.Linear(2, 1)
    model.weight.data.fill_(1e6)
    with pytest.raises(ValueError, match=r"weight has 1e\+06"):
        engine.save_checkpoint(tmp_path / "large.safetensors", model, {}, half=True)
    assert list(tmp_path.iterdir()) == []
