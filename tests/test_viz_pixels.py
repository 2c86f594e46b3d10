"""Figures of pixels and of learning, tested by their structure and numbers, never by pixels."""

import numpy as np
import pytest

from course_utils import viz


def texts(ax):
    """All strings written into an axes."""
    return [text.get_text() for text in ax.texts]


def test_plot_pixels_writes_every_number_in_its_place():
    """Whole numbers are written as they are, fractions with two digits, row by row; a bar names the unit."""
    fig = viz.plot_pixels(np.array([[0, 16, 3], [255, 1, 2]], np.uint8), title="Six numbers", label="ink")
    ax, bar = fig.axes
    assert texts(ax) == ["0", "16", "3", "255", "1", "2"]
    assert [text.get_position() for text in ax.texts[:4]] == [(0, 0), (1, 0), (2, 0), (0, 1)]
    assert (ax.get_xlabel(), ax.get_ylabel(), bar.get_ylabel()) == ("column", "row", "ink")
    assert fig.get_suptitle() == "Six numbers"
    assert texts(viz.plot_pixels(np.array([[0.5, 1 / 3]]), title="t", label="l").axes[0]) == ["0.50", "0.33"]


def test_plot_pixels_writes_dark_on_light_and_light_on_dark():
    """The number of the darkest pixel is white, that of the brightest black; an even image does not fail."""
    ax = viz.plot_pixels(np.array([[0, 9]]), title="t", label="l").axes[0]
    assert [text.get_color() for text in ax.texts] == ["white", "black"]
    assert texts(viz.plot_pixels(np.full((2, 2), 7), title="t", label="l").axes[0]) == ["7"] * 4


@pytest.mark.parametrize("shape", [(8, 8, 3), (0, 4), (33, 8), (8,)])
def test_plot_pixels_refuses_what_cannot_be_read(shape):
    """Colour, nothing, too many pixels and a single axis are errors that name the shape."""
    with pytest.raises(ValueError, match=rf"at most 32 a side, but got \({shape[0]},"):
        viz.plot_pixels(np.zeros(shape), title="t", label="l")


def test_plot_sizes_shrinks_large_pictures_with_antialiasing_and_shows_small_ones_as_squares():
    """600 columns are drawn antialiased, 60 columns as they are; both under their titles, in equal space."""
    images = [np.zeros((400, 600, 3), np.uint8), np.ones((40, 60), np.uint8)]
    fig = viz.plot_sizes(images, titles=["large", "small"], columns=2, title="Sizes")
    assert [ax.get_title(loc="left") for ax in fig.axes] == ["large", "small"]
    assert [ax.images[0].get_interpolation() for ax in fig.axes] == ["antialiased", "nearest"]
    assert [ax.images[0].get_array().shape[:2] for ax in fig.axes] == [(400, 600), (40, 60)]
    assert fig.get_suptitle() == "Sizes"


def test_plot_sizes_does_not_stretch_greys():
    """A float picture of greys about one half stays grey, and a dark uint8 picture stays dark."""
    fig = viz.plot_sizes([np.full((4, 4), 0.5), np.full((4, 4), 9, np.uint8)], titles="ab")
    assert [ax.images[0].get_clim() for ax in fig.axes] == [(0, 1), (0, 255)]


def test_plot_sizes_refuses_wrong_counts_and_shapes():
    """No picture, a title too few, and channels first are errors that name the numbers or the shape."""
    with pytest.raises(ValueError, match="got 0 for 0"):
        viz.plot_sizes([], titles=[])
    with pytest.raises(ValueError, match="got 1 for 2"):
        viz.plot_sizes([np.zeros((3, 3))] * 2, titles=["a"])
    with pytest.raises(ValueError, match=r"\(3, 8, 8\).*channels last"):
        viz.plot_sizes([np.zeros((3, 8, 8))], titles=["a"])


def test_plot_slope_draws_the_line_through_the_point():
    """For x² at 1 with slope 2 the line is 2x − 1, and the point stands where it was put."""
    x = np.linspace(-2, 2, 9)
    ax = viz.plot_slope(x, x**2, at=(1, 1), slope=2, title="t", xlabel="w", ylabel="loss").axes[0]
    curve, line, point = ax.get_lines()
    np.testing.assert_allclose(curve.get_ydata(), x**2)
    np.testing.assert_allclose(line.get_ydata(), 2 * x - 1)
    assert point.get_xydata().tolist() == [[1, 1]]
    assert ax.get_ylim()[0] > -1  # the line reaches down to -5 and is cut off: the curve stays readable
    assert [text.get_text() for text in ax.get_legend().get_texts()][1] == "line of slope 2"


@pytest.mark.parametrize(("x", "values"), [([1, 2], [1]), ([1], [1]), ([], []), ([[1, 2]], [[1, 2]])])
def test_plot_slope_refuses_positions_without_values(x, values):
    """Different lengths, a single position, none and two axes are errors that name both shapes."""
    with pytest.raises(ValueError, match="one value a position"):
        viz.plot_slope(x, values, at=(1, 1), slope=0, title="t", xlabel="x", ylabel="y")


def history(*pairs):
    """A history as `engine.fit` returns it, from (training loss, validation loss) an epoch."""
    return [{"epoch": i, "train_loss": a, "validation_loss": b} for i, (a, b) in enumerate(pairs, start=1)]


def test_plot_fits_draws_means_and_intervals_of_each_network_on_one_scale():
    """Two runs give their mean and its t-interval; three networks fill three panels of four, with one y axis."""
    runs = [history((2, 3), (1, 2)), history((4, 5), (1, 4))]
    fig = viz.plot_fits({"small": runs, "fair": runs[:1], "large": runs[:1]}, title="Fits")
    small, fair, large, empty = fig.axes
    training, validation = small.get_lines()
    assert (training.get_label(), validation.get_label()) == ("training", "validation")
    assert training.get_xydata().tolist() == [[1, 3], [2, 1]] and validation.get_ydata().tolist() == [4, 3]
    band = small.collections[0].get_paths()[0].vertices[:, 1]
    np.testing.assert_allclose(band.max(), 3 + 12.706 * np.sqrt(2) / np.sqrt(2), rtol=1e-4)
    assert band.min() == 0 and len(fair.collections) == 0  # a loss is not negative; a single run has no interval
    assert [ax.get_title(loc="left") for ax in (small, fair, large)] == ["small", "fair", "large"]
    assert small.get_ylim() == large.get_ylim() and small.get_ylim()[0] == 0
    assert not empty.axison


def test_plot_fits_refuses_networks_that_were_not_trained():
    """No fit, and a fit without history, are errors."""
    for fits in ({}, {"small": []}):
        with pytest.raises(ValueError, match="at least one history"):
            viz.plot_fits(fits, title="t")
