"""BCCD as pairs of image and boxes: the split's order, the boxes of its files, the two without area dropped."""

import numpy as np
import pytest
from PIL import Image

from course_utils.catalogue import blood_cells, downloaded

VOC = """<annotation><filename>{name}.jpg</filename><size><width>64</width><height>48</height><depth>3</depth></size>
{objects}</annotation>"""
OBJECT = """<object><name>{kind}</name><bndbox><xmin>{0}</xmin><ymin>{1}</ymin><xmax>{2}</xmax><ymax>{3}</ymax></bndbox>
</object>"""


@pytest.fixture
def laid_out(tmp_path, monkeypatch):
    """Three pictures with files beside them; the second has a box without area."""
    (tmp_path / "images").mkdir()
    (tmp_path / "boxes").mkdir()
    pairs = []
    for number, kinds in enumerate((("RBC",), ("WBC", "RBC"), ("Platelets",))):
        boxes = [(4, 6, 20, 30), (9, 9, 9, 9)]
        objects = "".join(OBJECT.format(*box, kind=kind) for kind, box in zip(kinds, boxes, strict=False))
        image, note = tmp_path / "images" / f"{number}.jpg", tmp_path / "boxes" / f"{number}.xml"
        Image.fromarray(np.full((48, 64, 3), 40 * number, np.uint8)).save(image)
        note.write_text(VOC.format(name=number, objects=objects), encoding="utf-8")
        pairs.append((image, note))
    files = downloaded.AnnotatedFiles(tmp_path, train=tuple(pairs[:2]), validation=(), test=tuple(pairs[2:]))
    monkeypatch.setattr(blood_cells, "load_bccd", lambda: files)


@pytest.mark.filterwarnings("ignore:Set aside")
def test_images_and_boxes_come_in_the_order_of_the_split(laid_out):
    """Classes count as in BCCD_CLASSES, and the box without area is gone."""
    pairs = blood_cells.read_bccd("train")
    assert [image.shape for image, _ in pairs] == [(48, 64, 3)] * 2
    assert [truth.labels.tolist() for _, truth in pairs] == [[0], [1]]
    assert pairs[0][1].boxes.tolist() == [[4, 6, 20, 30]]
    assert blood_cells.read_bccd("test")[0][1].labels.tolist() == [2]


@pytest.mark.filterwarnings("ignore:Set aside")
def test_a_count_takes_the_first(laid_out):
    """As many as asked for."""
    assert len(blood_cells.read_bccd("train", 1)) == 1


def test_an_unknown_part_is_refused():
    """Before anything is read."""
    with pytest.raises(ValueError, match="train, validation or test"):
        blood_cells.read_bccd("val")


def test_no_image_is_refused():
    """A count of none is a slip, not an empty set."""
    with pytest.raises(ValueError, match="count of at least 1"):
        blood_cells.read_bccd("test", 0)
