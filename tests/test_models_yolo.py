"""The detector: shapes, order of its places, a forward pass without branches on values, folded normalisation."""

import pytest
import torch

from course_utils import boxes, engine, losses, models

ANCHORS = torch.tensor([[8.0, 8], [10, 12], [14, 12], [16, 20], [24, 18], [24, 30], [40, 36], [50, 60], [70, 50]])
ANCHORS = ANCHORS.reshape(3, 3, 2)


def network(classes=3, width=4, seed=0):
    torch.manual_seed(seed)
    return models.Yolo(classes, ANCHORS, width=width)


@pytest.mark.parametrize(("classes", "size_hw"), [(1, (32, 32)), (3, (64, 96))])
def test_output_has_a_row_for_every_place_of_the_grid(classes, size_hw):
    """Five numbers and one a class for each place, with one class too."""
    one = network(classes)
    assert one(torch.zeros(2, 3, *size_hw)).shape == (2, len(one.grid(size_hw).cells), 5 + classes)


def test_rows_stand_where_the_grid_says():
    """A head that copies column and row into two of its numbers finds them again in the cells of the grid."""
    one = network(classes=1)
    for stride, (rows, columns) in zip(models.STRIDES, ((8, 12), (4, 6), (2, 3)), strict=True):
        maps = torch.zeros(1, 3, 6, rows, columns)
        maps[:, :, 0], maps[:, :, 1] = torch.arange(columns), torch.arange(rows)[:, None]
        maps[:, :, 2] = torch.arange(3)[None, :, None, None]
        found = one._rows(maps.flatten(1, 2))[0]
        grid = one.grid((64, 96))
        torch.testing.assert_close(found[:, :2], grid.cells[grid.strides == stride])
        level = models.STRIDES.index(stride)
        torch.testing.assert_close(ANCHORS[level][found[:, 2].long()], grid.anchors[grid.strides == stride])


def test_an_untrained_network_says_nothing_nearly_everywhere():
    """The mean objectness is about one in a hundred."""
    raw = network(width=8).eval()(torch.rand(2, 3, 64, 64))
    assert 0.003 < raw[..., 4].sigmoid().mean() < 0.03


def test_anchors_travel_with_the_weights():
    """A network with other anchors has the saved ones after loading."""
    other = models.Yolo(3, torch.ones(3, 3, 2), width=4)
    other.load_state_dict(network().state_dict())
    assert torch.equal(other.anchors, ANCHORS)


def test_folding_the_normalisation_changes_no_number():
    """After training statistics have moved, the folded copy puts out the same and has no BatchNorm left."""
    one = network().train()
    for seed in range(3):
        one(torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(seed)) * 3)
    images = torch.rand(2, 3, 64, 64)
    fused = models.fuse_norms(one)
    torch.testing.assert_close(fused(images), one.eval()(images), rtol=1e-4, atol=1e-4)
    assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in fused.modules())
    assert any(isinstance(part, torch.nn.BatchNorm2d) for part in one.modules())


def test_the_forward_pass_can_be_exported():
    """torch.export finds no branch on values: network, decoding and the choice of candidates, in one graph."""

    class Served(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.network = network().eval()

        def forward(self, images):
            grid = boxes.Grid(*(part.clone() for part in GRID))
            return boxes.best_candidates(*boxes.decode(self.network(images), grid), 20).scores

    images = torch.rand(1, 3, 32, 32)
    GRID = network().grid((32, 32))
    served = Served()
    exported = torch.export.export(served, (images,)).module()
    torch.testing.assert_close(exported(images), served(images))


def test_a_batch_can_be_learned_by_heart():
    """The loss of two pictures falls to less than a third in sixty steps."""
    one = network(width=8)
    images, targets = torch.rand(2, 3, 64, 64), torch.tensor([[[0.0, 8, 8, 24, 30]], [[2.0, 30, 20, 60, 50]]])
    grid = one.grid((64, 64))

    def loss(raw, wanted):
        return losses.detection_loss(raw, wanted, grid)

    recipe = engine.Recipe(loss, torch.optim.AdamW(one.parameters(), 0.005))
    history = engine.fit(one, [(images, targets)], None, recipe, epochs=60)
    assert history[-1]["train_loss"] < history[0]["train_loss"] / 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_classes": 0, "anchors": ANCHORS}, "at least one class"),
        ({"num_classes": 2, "anchors": ANCHORS, "width": 5}, "even width"),
        ({"num_classes": 2, "anchors": ANCHORS, "depth": 0}, "depth of at least 1"),
        ({"num_classes": 2, "anchors": ANCHORS.reshape(9, 2)}, r"Expected `anchors` to be \(3, 3, 2\)"),
    ],
)
def test_networks_that_cannot_be_are_refused(arguments, message):
    """No class, an odd width, no depth, a flat list of anchors."""
    with pytest.raises(ValueError, match=message):
        models.Yolo(**arguments)
