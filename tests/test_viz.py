"""Figures are tested by their structure and numbers, never by pixels."""

import base64
import logging
import types

import matplotlib
import nbformat
import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from nbconvert import HTMLExporter

from course_utils import viz

NAMES = ("stop", "yield", "keep right")


@pytest.fixture
def scene():
    """An image of 40 × 60 pixels with two things of class 0 and one of class 2, masks equal to their boxes."""
    masks = np.zeros((3, 40, 60), dtype=bool)
    corners = [(2, 3, 12, 13), (20, 5, 30, 25), (40, 20, 55, 35)]
    for mask, (x1, y1, x2, y2) in zip(masks, corners, strict=True):
        mask[y1:y2, x1:x2] = True  # boxes lie between pixel edges
    annotations = types.SimpleNamespace(boxes=np.array(corners, float), labels=np.array([0, 0, 2]), masks=masks)
    return np.full((40, 60, 3), 128, np.uint8), annotations


@pytest.fixture
def nothing():
    """Annotations of an image that shows none of the classes."""
    return types.SimpleNamespace(boxes=np.zeros((0, 4)), labels=np.zeros(0, int), masks=np.zeros((0, 40, 60), bool))


@pytest.fixture
def shown(monkeypatch):
    """What `show` hands to the notebook, collected in a list."""
    bundles = []
    monkeypatch.setattr(viz.base, "display", lambda bundle, raw: bundles.append(bundle))
    return bundles


def texts(ax):
    """All strings written into an axes."""
    return [text.get_text() for text in ax.texts]


@pytest.mark.parametrize("alt", ["", "   ", "a line chart", " " * 30])
def test_show_refuses_an_alt_text_that_describes_nothing(alt):
    """An empty, blank or very short alt text is an error that says what to write."""
    with pytest.raises(ValueError, match="kind of chart"):
        viz.show(Figure(), alt=alt)


def test_show_emits_html_with_escaped_alt_text_and_the_same_png(shown):
    """The HTML form carries the alt text with quotes and brackets escaped, and the picture of the image/png form."""
    viz.show(Figure(), alt='Line chart where "a" < b & c, over time')
    bundle = shown[0]
    assert set(bundle) == {"text/html", "image/png", "text/plain"}
    assert 'alt="Line chart where &quot;a&quot; &lt; b &amp; c, over time"' in bundle["text/html"]
    assert bundle["image/png"] in bundle["text/html"]
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")


def test_nbconvert_keeps_the_alt_text_and_does_not_warn(shown, caplog):
    """A notebook with our bundle renders to one image with its alt text; nbconvert warns of a bare image/png."""
    viz.show(Figure(), alt="An empty figure, for this test")

    def rendered(data):
        output = nbformat.v4.new_output("display_data", data=data)
        cell = nbformat.v4.new_code_cell("x", outputs=[output], execution_count=1)
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            page, _ = HTMLExporter().from_notebook_node(nbformat.v4.new_notebook(cells=[cell]))
        return page, "lternative text is missing" in caplog.text

    page, warned = rendered(shown[0])
    assert page.count('alt="An empty figure, for this test"') == 1
    assert not warned
    assert rendered({"image/png": shown[0]["image/png"]})[1]


def test_show_closes_the_figure(shown):
    """A figure of the reader's own, made with pyplot, is gone from pyplot's list after it is shown."""
    fig = viz.base.plt.figure()
    viz.show(fig, alt="A figure that pyplot knows of")
    assert fig.number not in viz.base.plt.get_fignums()


def test_plotting_leaves_the_readers_settings_and_pyplot_alone():
    """The style holds inside a call only, and no figure waits in pyplot to be drawn without alt text."""
    before, figures = matplotlib.rcParams.copy(), viz.base.plt.get_fignums()
    viz.plot_intervals({"a": (1, 0, 2)}, title="A finding", xlabel="Accuracy")
    assert matplotlib.rcParams == before
    assert viz.base.plt.get_fignums() == figures


def test_plot_images_puts_each_image_under_its_title():
    """Five images in three columns: five axes with the given pixels and titles, and the statement on top."""
    images = [np.full((4 + i, 5, 3), 10 * i, np.uint8) for i in range(5)]
    fig = viz.plot_images(images, titles=list("abcde"), columns=3, title="Five greys")
    assert [ax.get_title(loc="left") for ax in fig.axes] == list("abcde")
    assert all((ax.images[0].get_array() == image).all() for ax, image in zip(fig.axes, images, strict=True))
    assert fig.get_suptitle() == "Five greys"


def test_plot_images_takes_none_and_grey():
    """No images give an empty figure; a dark grey image without channel axis is drawn dark, not stretched to white."""
    assert viz.plot_images([], title="Nothing found").axes == []
    grey = viz.plot_images([np.full((3, 3), 9, np.uint8)]).axes[0].images[0]
    assert grey.get_clim() == (0, 255)


def test_plot_images_refuses_wrong_shapes_and_counts():
    """Channels first and a title too few are errors that name the shape or the numbers."""
    with pytest.raises(ValueError, match=r"\(3, 8, 8\).*channels last"):
        viz.plot_images([np.zeros((3, 8, 8))])
    with pytest.raises(ValueError, match="1 for 2"):
        viz.plot_images([np.zeros((3, 3))] * 2, titles=["a"])


def test_class_style_is_constant_and_never_repeats_within_fifteen_classes():
    """Fifteen classes have fifteen different pairs of colour and line style."""
    assert len({viz.class_style(label) for label in range(15)}) == 15


def test_plot_boxes_draws_a_two_tone_outline_and_a_name_for_each_box(scene):
    """Each box gives a white and a coloured rectangle round its pixels, coloured by class, and its name with score."""
    image, annotations = scene
    ax = viz.plot_boxes(image, annotations, NAMES, scores=[0.9, 0.8, 0.714]).axes[0]
    outlines = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    assert len(outlines) == 6
    for outer, inner, box, label in zip(outlines[::2], outlines[1::2], annotations.boxes, (0, 0, 2), strict=True):
        assert outer.get_edgecolor() == to_rgba("white") and outer.get_linewidth() > inner.get_linewidth()
        assert inner.get_edgecolor() == to_rgba(viz.COLOURS[label])
        assert (*inner.get_xy(), inner.get_width(), inner.get_height()) == (*(box[:2] - 0.5), *(box[2:] - box[:2]))
    assert texts(ax) == ["stop 0.90", "stop 0.80", "keep right 0.71"]


def test_plot_boxes_and_masks_take_an_image_without_things(scene, nothing):
    """Zero boxes and zero masks leave the picture alone."""
    for plot in (viz.plot_boxes, viz.plot_masks):
        ax = plot(scene[0], nothing, NAMES).axes[0]
        assert texts(ax) == [] and len(ax.patches) == 0 and len(ax.images) == 1


def test_plot_masks_tints_the_pixels_of_each_thing_and_numbers_it(scene):
    """Instance masks: one tint per thing, covering exactly its pixels, two outlines each, numbered names."""
    image, annotations = scene
    ax = viz.plot_masks(image, annotations, NAMES).axes[0]
    tints = [np.asarray(layer.get_array())[..., 3] > 0 for layer in ax.images[1:]]
    np.testing.assert_array_equal(tints, annotations.masks)
    assert texts(ax) == ["1 stop", "2 stop", "3 keep right"]
    assert len(ax.collections) == 6  # a white and a coloured contour for each of three


def test_a_name_does_not_cover_the_thing_behind(scene):
    """The name stands above its box, but below where the box begins inside another; an empty mask gets none."""
    image, annotations = scene
    annotations.boxes[1], annotations.masks[1] = (8, 8, 20, 20), False
    annotations.masks[1, 14:20, 8:20] = True
    ax = viz.plot_boxes(image, annotations, NAMES).axes[0]
    assert [text.get_position()[1] for text in ax.texts] == [2.4, 22, 18]  # 0.06 of 40 rows; 20 + 2; 20 - 2
    annotations.masks[0] = False
    assert texts(viz.plot_masks(image, annotations, NAMES).axes[0]) == ["2 stop", "3 keep right"]


def test_plot_masks_merges_things_of_one_class_when_semantic(scene):
    """Semantic masks: both things of class 0 become one area with one name."""
    image, annotations = scene
    ax = viz.plot_masks(image, annotations, NAMES, semantic=True).axes[0]
    tint = np.asarray(ax.images[1].get_array())[..., 3] > 0
    np.testing.assert_array_equal(tint, annotations.masks[0] | annotations.masks[1])
    assert texts(ax) == ["stop", "keep right"]


def test_plot_masks_says_when_there_are_none(scene):
    """Annotations without masks are an error that points to the boxes."""
    image, annotations = scene
    annotations.masks = None
    with pytest.raises(ValueError, match="plot_boxes"):
        viz.plot_masks(image, annotations, NAMES)


def test_boxes_and_masks_can_share_a_figure(scene):
    """Given axes are drawn on, and their figure is returned."""
    fig = Figure()
    left, right = fig.subplots(1, 2)
    assert viz.plot_boxes(*scene, NAMES, title="Boxes", ax=left) is fig
    assert viz.plot_masks(*scene, NAMES, title="Masks", ax=right) is fig
    assert [ax.get_title(loc="left") for ax in fig.axes] == ["Boxes", "Masks"]


def test_plot_annotations_shows_the_four_ways_side_by_side(scene):
    """Two things of one class have two boxes, one area in the semantic panel and two in the instance panel."""
    bare, boxes, areas, things = viz.plot_annotations(*scene, NAMES, title="Truth").axes
    assert texts(bare) == []
    assert texts(boxes) == ["stop", "stop", "keep right"]
    assert texts(areas) == ["stop", "keep right"]
    assert texts(things) == ["1 stop", "2 stop", "3 keep right"]


def curve(fig, name):
    """The line of a given name in a figure with one axes."""
    return next(line for line in fig.axes[0].get_lines() if line.get_label() == name)


def test_plot_curves_draws_the_mean_and_its_t_interval():
    """Three runs give their mean as line and, as band, mean ± 4.303 standard errors; a single run has no band."""
    runs = np.array([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]])
    fig = viz.plot_curves([1, 2], {"many": runs, "one": [0, 0]}, title="t", xlabel="x", ylabel="y")
    np.testing.assert_allclose(curve(fig, "many").get_ydata(), [2, 4])
    (band,) = fig.axes[0].collections
    heights = band.get_paths()[0].vertices[:, 1]
    np.testing.assert_allclose(heights.max(), 4 + 4.303 * 2 / np.sqrt(3), rtol=1e-4)


def test_plot_curves_names_each_line_and_gives_it_its_own_marker():
    """Names stand at the right end in the order of the lines' ends, at least a line of text apart."""
    fig = viz.plot_curves([1, 2], {"a": [0, 1], "b": [1, 0.99], "c": [0, 0]}, title="t", xlabel="x", ylabel="y")
    labels = {text.get_text(): text.xy[1] for text in fig.axes[0].texts}
    assert sorted(labels, key=labels.get) == ["c", "b", "a"]
    assert np.diff(sorted(labels.values())).min() >= 0.079
    assert len({curve(fig, name).get_marker() for name in "abc"}) == 3


def test_plot_curves_log_axis_has_ticks_at_the_given_positions():
    """With log_x the ticks carry the positions themselves."""
    fig = viz.plot_curves([10, 300], {"a": [0, 1]}, title="t", xlabel="Labels", ylabel="Accuracy", log_x=True)
    assert fig.axes[0].get_xscale() == "log"
    assert [label.get_text() for label in fig.axes[0].get_xticklabels()] == ["10", "300"]


def test_plot_curves_refuses_a_series_of_another_length():
    """Three values over two positions are an error that names the series and both numbers."""
    with pytest.raises(ValueError, match=r"'a' to have 2 values.*\(1, 3\)"):
        viz.plot_curves([1, 2], {"a": [1, 2, 3]}, title="t", xlabel="x", ylabel="y")


def test_plot_history_reads_epochs_and_leaves_a_gap_where_nothing_was_measured():
    """Training loss in every epoch, validation loss in the second only: a value and a NaN."""
    history = [{"epoch": 1, "train_loss": 2.0}, {"epoch": 2, "train_loss": 1.0, "validation_loss": 1.5}]
    fig = viz.plot_history(history, title="t")
    np.testing.assert_array_equal(curve(fig, "training loss").get_xydata(), [[1, 2], [2, 1]])
    np.testing.assert_array_equal(curve(fig, "validation loss").get_ydata(), [np.nan, 1.5])
    with pytest.raises(ValueError, match=r"\['epoch', 'mse'\]"):
        viz.plot_history([{"epoch": 1, "mse": 1.0}], title="t")


def test_curves_over_whole_numbers_have_no_ticks_between_them():
    """Three epochs are labelled 1, 2, 3; rates between whole numbers keep their fractions."""
    for x, whole in (([1, 2, 3], True), ([0.25, 0.5, 0.75], False)):
        ax = viz.plot_curves(x, {"loss": [3.0, 2.0, 1.0]}, title="t", xlabel="x", ylabel="y").axes[0]
        assert all(tick == round(tick) for tick in ax.get_xticks()) is whole


def test_plot_intervals_draws_bar_and_point_of_each_row():
    """Tuples and dicts give the same: the bar from low to high, the point at the mean, the first row on top."""
    rows = {"frozen": (0.8, 0.7, 0.9), "fine-tuned": {"mean": 0.9, "low": 0.85, "high": 0.95, "n": 3}}
    ax = viz.plot_intervals(rows, title="t", xlabel="Accuracy", zero_line=True).axes[0]
    bars, points, zero = ax.get_lines()[0:4:2], ax.get_lines()[1:4:2], ax.get_lines()[4]
    assert [list(bar.get_xdata()) for bar in bars] == [[0.7, 0.9], [0.85, 0.95]]
    assert [list(point.get_xydata()[0]) for point in points] == [[0.8, 0], [0.9, 1]]
    assert list(zero.get_xdata()) == [0, 0]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == list(rows) and ax.yaxis_inverted()
    with pytest.raises(ValueError, match="at least one row"):
        viz.plot_intervals({}, title="t", xlabel="x")


def test_plot_top_predictions_sorts_the_classes_by_probability():
    """The two most probable of four classes, greatest first, as lengths and as text."""
    images, rows = [np.zeros((4, 4))] * 2, [[0.1, 0.2, 0.65, 0.05], [0.7, 0.1, 0.15, 0.05]]
    fig = viz.plot_top_predictions(images, rows, ("ant", "bee", "cat", "dog"), k=2, titles=["x", "y"], title="t")
    bars = [fig.axes[1], fig.axes[3]]
    assert [[patch.get_width() for patch in ax.patches] for ax in bars] == [[0.65, 0.2], [0.7, 0.15]]
    assert [texts(ax) for ax in bars] == [["cat  0.65", "bee  0.20"], ["ant  0.70", "cat  0.15"]]
    with pytest.raises(ValueError, match=r"\(1, 4\).*got \(4,\)"):
        viz.plot_top_predictions(images[:1], [0.1, 0.2, 0.65, 0.05], ("ant", "bee", "cat", "dog"))


def test_plot_matrix_writes_every_number_in_its_cell():
    """Counts are written as whole numbers, fractions with two digits, rows from top to bottom."""
    ax = viz.plot_matrix(np.array([[5, 1], [0, 7]]), ["a", "b"], title="t", label="Images").axes[0]
    assert texts(ax) == ["5", "1", "0", "7"]
    ax = viz.plot_matrix(np.eye(2) / 3, ["a", "b"], title="t", label="Share").axes[0]
    assert texts(ax) == ["0.33", "0.00", "0.00", "0.33"]
    with pytest.raises(ValueError, match="one name a row"):
        viz.plot_matrix(np.eye(3), ["a", "b"], title="t", label="Share")
