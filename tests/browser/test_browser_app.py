"""FiftyOne's App in a browser: it opens with the data set that a lesson gave it."""

import re

from course_utils import curate, synthetic


def test_app_shows_the_data_set(page):
    """The page counts the samples and lists the field with the boxes; afterwards nobody answers any more."""
    images, truths = zip(*synthetic.make_scenes(7, seed=0, size=96), strict=True)
    with curate.fiftyone_dataset("street", images, annotations=truths, classes=synthetic.CLASSES) as dataset:
        with curate.launch_app(dataset) as address:
            page.goto(address)
            page.get_by_text(re.compile(r"7 samples")).first.wait_for()
            page.get_by_text("ground_truth", exact=True).first.wait_for()
            assert page.locator("canvas, img").count() > 0
        page.goto("about:blank")
