"""Charts of networks: boxes as high as the maps, costs on their axes, and refusals."""

import itertools

import pytest

from course_utils import viz

SHAPES = {"one": [(3, 32), (6, 28), (6, 14), (84, 1)], "two": [(1, 32), (16, 32), (16, 32), (16, 32)]}


def test_every_map_is_a_box_of_its_height():
    """Boxes are as high as the maps, equal neighbours are one box, and the labels name channels and pixels."""
    fig = viz.plot_shapes(SHAPES, title="Maps shrink")
    first, second = fig.axes
    assert [round(box.get_height(), 2) for box in first.patches] == [32, 28, 14, 1.92]
    assert [text.get_text() for text in first.texts] == ["3·32²", "6·28²", "6·14²", "84"]
    assert [text.get_text() for text in second.texts] == ["1·32²", "16·32²\n× 3"]
    assert [ax.get_title(loc="left") for ax in fig.axes] == ["one", "two"]


def test_boxes_stand_beside_each_other():
    """No box begins before the one on its left has ended."""
    boxes = viz.plot_shapes(SHAPES, title="Maps shrink").axes[0].patches
    for left, right in itertools.pairwise(boxes):
        assert left.get_x() + left.get_width() < right.get_x()


@pytest.mark.parametrize("networks", [{}, {"empty": []}])
def test_nothing_to_draw_is_refused(networks):
    """No networks, or a network without shapes, is an error."""
    with pytest.raises(ValueError, match="at least one network with at least one shape"):
        viz.plot_shapes(networks, title="Nothing")


def test_each_panel_has_its_cost():
    """A point stands at its cost in each panel, at its score, and is named once."""
    points = {"a": ((100, 0.5), [0.7, 0.8, 0.9]), "b": ((1000, 2.0), [0.9])}
    fig = viz.plot_tradeoff(points, title="More costs more", xlabels=["parameters", "seconds"], ylabel="accuracy")
    assert [ax.get_xlabel() for ax in fig.axes] == ["parameters", "seconds"]
    for panel, ax in enumerate(fig.axes):
        places = [bar.lines[0].get_xydata().tolist()[0] for bar in ax.containers]
        assert places == [[points["a"][0][panel], pytest.approx(0.8)], [points["b"][0][panel], 0.9]]
        assert ax.get_xscale() == "log"
    assert [text.get_text() for text in fig.legends[0].get_texts()] == ["a", "b"]
    half = 4.302653 * 0.1 / 3**0.5  # Student's t of two degrees of freedom times the standard error
    bars = fig.axes[0].containers[0].lines[2][0].get_segments()[0]
    assert bars[:, 1].tolist() == pytest.approx([0.8 - half, 0.8 + half])
    assert fig.axes[0].containers[1].lines[2] == ()  # no interval, no bar


def test_labels_of_costs_are_short_and_do_not_touch():
    """Millions are named by a letter, and each label ends before the next begins."""
    points = {"small": ((6e4, 0.5), [0.5]), "large": ((6e6, 9e3), [0.6])}  # two decades, and four
    fig = viz.plot_tradeoff(points, title="t", xlabels=["parameters", "seconds"], ylabel="accuracy")
    fig.canvas.draw()
    for ax, expected in zip(fig.axes, ("3 M", "1,000"), strict=True):
        low, high = ax.get_xlim()
        shown = [label for label in ax.get_xticklabels() if low <= label.get_position()[0] <= high]
        assert expected in [label.get_text() for label in shown]
        boxes = sorted((label.get_window_extent().x0, label.get_window_extent().x1) for label in shown)
        assert all(one[1] < two[0] for one, two in itertools.pairwise(boxes))


@pytest.mark.parametrize("costs", [(1.0,), (1.0, 0.0), (1.0, 2.0, 3.0)])
def test_costs_that_do_not_fit_are_refused(costs):
    """Each point needs one cost a panel, above zero."""
    with pytest.raises(ValueError, match="2 costs above 0 for 'a'"):
        viz.plot_tradeoff({"a": (costs, [1.0, 2.0])}, title="No", xlabels=["x", "y"], ylabel="z")


def test_no_points_are_refused():
    """An empty chart is an error."""
    with pytest.raises(ValueError, match="at least one point"):
        viz.plot_tradeoff({}, title="No", xlabels=["x"], ylabel="z")
