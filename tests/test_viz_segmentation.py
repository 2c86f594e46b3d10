"""Figures of class maps: colours stay with their class, wrong pixels are marked, and no class is left unnamed."""

import numpy as np
import pytest

from course_utils import viz
from course_utils.viz.segmentation import coloured


def test_coloured_keeps_to_the_palette():
    """Each class has its colour; what is beyond the classes is grey."""
    picture = coloured([[0, 1, 9]], ["white", "black"])
    assert picture.tolist() == [[[255] * 3, [0] * 3, [187] * 3]]


def test_more_classes_than_five_have_colours_of_their_own():
    """Eleven classes and a background: twelve colours, of which the first after the background are the course's."""
    colours = viz.class_colours(12, background=True)
    assert len(set(colours)) == 12 and colours[1:6] == list(viz.COLOURS)


def test_plot_class_maps_marks_what_is_wrong():
    """Four pictures a row; the last is red at the wrong pixels alone, and not where there is no class."""
    image = np.full((4, 6, 3), 90, np.uint8)
    truth, predicted = np.zeros((4, 6), int), np.zeros((4, 6), int)
    predicted[0, 0], truth[3], predicted[3] = 1, 255, 1
    fig = viz.plot_class_maps([(image, truth, predicted)], ["road", "sign"], titles=["one"], title="a finding")
    pictures = [ax.images[0].get_array() for ax in fig.axes]
    red = np.all(pictures[3] == (227, 0, 15), axis=2)
    assert len(pictures) == 4 and red.sum() == 1 and red[0, 0]
    assert [text.get_text() for text in fig.legends[0].get_texts()] == ["road", "sign", "unlabelled"]
    with pytest.raises(ValueError, match="one title"):
        viz.plot_class_maps([], ["road"], titles=[])


def test_plot_class_scores_draws_one_point_a_class():
    """Means over runs, NaN left out of no other class, shares beside the names."""
    scores = {"a": np.array([[0.2, np.nan], [0.4, np.nan]]), "b": [0.5, 0.6]}
    fig = viz.plot_class_scores(scores, ["road", "sign"], shares=[0.99, 0.01], title="t", xlabel="IoU")
    ax = fig.axes[0]
    assert ax.get_lines()[0].get_xdata()[0] == pytest.approx(0.3) and np.isnan(ax.get_lines()[0].get_xdata()[1])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["road (99.0%)", "sign (1.0%)"]
    with pytest.raises(ValueError, match="One a class"):
        viz.plot_class_scores({"a": [1.0]}, ["road", "sign"], title="t", xlabel="IoU")
