"""FiftyOne's App in a browser: it opens the data set, counts its samples, lists its fields and draws its pictures."""

import re

from playwright import sync_api

from course_utils import curate, synthetic


def test_app_shows_samples_and_labels(page):
    """The page of a data set of seven scenes counts seven samples, has the field switched on, and draws seven."""
    images, truth = zip(*synthetic.make_scenes(7, seed=5, size=96), strict=True)
    with (
        curate.fiftyone_dataset("browser test", images, annotations=truth, classes=synthetic.CLASSES) as dataset,
        curate.launch_app(dataset) as address,
    ):
        page.goto(address)
        sync_api.expect(page.get_by_text(re.compile(r"^7\s*samples$")).first).to_be_visible()
        assert page.url == f"{address}datasets/browser%20test"
        sync_api.expect(page.get_by_text("ground_truth").first).to_be_visible()
        sync_api.expect(page.locator("canvas[canvas-loaded=true]")).to_have_count(7)
