"""FiftyOne's App in a browser: it opens the data set, counts its samples, and draws their labels."""

import re

from playwright import sync_api

from course_utils import curate, synthetic


def test_app_shows_samples_and_labels(page):
    """The page of a data set of seven scenes says so, shows seven pictures, and lists the fields and the tag."""
    images, truth = zip(*synthetic.make_scenes(7, seed=5, size=96), strict=True)
    with curate.fiftyone_dataset("browser test", images, annotations=truth, classes=synthetic.CLASSES) as dataset:
        curate.tag(dataset, "look again", [1, 2])
        with curate.launch_app(dataset) as address:
            page.goto(address)
            sync_api.expect(page.get_by_text(re.compile(r"^7\s*samples$")).first).to_be_visible()
            sync_api.expect(page.get_by_text("ground_truth").first).to_be_visible()
            sync_api.expect(page.get_by_text("browser test").first).to_be_visible()
            page.wait_for_function("document.querySelectorAll('canvas').length >= 7")
