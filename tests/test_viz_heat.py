"""Maps over pictures, tested by their structure and numbers."""

import numpy as np
import pytest

from course_utils import viz


def test_plot_heat_lays_each_map_over_the_whole_of_its_picture():
    """Every axes holds the grey picture and, over its extent, the map; one scale runs from least to greatest share."""
    images = [np.zeros((8, 12), np.uint8), np.full((8, 12, 3), 200, np.uint8)]
    maps = np.array([[[0.1, 0.2]], [[0.3, 0.8]]])
    fig = viz.plot_heat(images, maps, titles=["first", "second"], title="Two maps", label="share of attention")
    *axes, scale = fig.axes
    for ax, heat, text in zip(axes, maps, ("first", "second"), strict=True):
        picture, shade = ax.get_images()
        assert np.array_equal(shade.get_array(), heat)
        assert shade.get_extent() == [-0.5, 11.5, 7.5, -0.5] == picture.get_extent()
        assert (shade.norm.vmin, shade.norm.vmax) == (0.1, 0.8)
        assert ax.get_title(loc="left") == text
    assert axes[1].get_images()[0].get_array().shape == (8, 12)
    assert scale.get_ylabel() == "share of attention"


@pytest.mark.parametrize("shape", [(2, 4), (3, 2, 2), (0, 2, 2)])
def test_plot_heat_refuses_maps_that_do_not_fit(shape):
    """Maps without rows and columns, and another number of them than of images, are errors that name the shape."""
    with pytest.raises(ValueError, match=rf"to be \(2, h, w\).* got \({shape[0]}, "):
        viz.plot_heat([np.zeros((4, 4))] * 2, np.zeros(shape))


def test_plot_heat_refuses_other_numbers_of_titles():
    """Three titles for two images are an error."""
    with pytest.raises(ValueError, match=r"as many titles, but got .* and 3"):
        viz.plot_heat([np.zeros((4, 4))] * 2, np.ones((2, 2, 2)), titles=["a", "b", "c"])
