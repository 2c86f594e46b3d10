"""Signs that touch: one class, one connected area, the same for the same seed."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from course_utils import synthetic


@pytest.fixture(scope="module")
def scenes():
    """Twenty small scenes."""
    return synthetic.make_touching_scenes(20, seed=5, size=96, part="validation", max_signs=4)


def test_every_scene_holds_one_class_in_two_to_four_signs_that_touch(scenes):
    """Masks are disjoint, none is empty, and each sign touches another."""
    eight = np.ones((3, 3))
    assert {len(truth) for _, truth in scenes} == {2, 3, 4}
    for image, truth in scenes:
        assert image.shape == (96, 96, 3) and image.dtype == np.uint8 and len(truth.labels.unique()) == 1
        assert truth.masks.sum(dim=0).max() == 1
        grown = [torch.from_numpy(ndimage.binary_dilation(one.numpy(), eight)) for one in truth.masks]
        for i, one in enumerate(grown):
            assert any((one & other).any() for j, other in enumerate(truth.masks) if j != i)


def test_components_undercount_the_signs(scenes):
    """What the scenes are for: the area of the class has fewer parts than there are signs."""
    parts = [ndimage.label(truth.masks.any(dim=0).numpy(), np.ones((3, 3)))[1] for _, truth in scenes]
    assert sum(parts) < 0.7 * sum(len(truth) for _, truth in scenes)


def test_a_scene_depends_on_seed_part_and_place_alone():
    """The first of many is the only one of one; another seed or part is another scene."""
    image, truth = synthetic.make_touching_scenes(1, seed=0, size=64)[0]
    same, again = synthetic.make_touching_scenes(3, seed=0, size=64)[0]
    assert np.array_equal(image, same) and torch.equal(truth.masks, again.masks)
    for other in ({"seed": 1}, {"seed": 0, "part": "test"}):
        assert not np.array_equal(image, synthetic.make_touching_scenes(1, size=64, **other)[0][0])


@pytest.mark.parametrize(
    ("arguments", "match"),
    [({"n": -1}, "`n`"), ({"max_signs": 1}, "`max_signs`"), ({"size": 32}, "`size`"), ({"part": "rest"}, "rest")],
)
def test_arguments_out_of_range_are_refused(arguments, match):
    """Each is named."""
    with pytest.raises(ValueError, match=match):
        synthetic.make_touching_scenes(**{"n": 1, "seed": 0, **arguments})


def test_no_scenes_are_no_problem():
    """Zero scenes are an empty list."""
    assert synthetic.make_touching_scenes(0, seed=0) == []
