"""Tests of the six formats: random sets survive each, other readers agree, files as tools write them are read."""

import base64
import io
import json
import tempfile
import warnings
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pycocotools.coco import COCO
from torchvision import datasets

from course_utils import annotations, catalogue
from course_utils.annotations import FORMATS, AnnotationSet, ImageAnnotations

NAMES = st.text("aé ñ&<>'\"#:{}[]%,no1-_", min_size=1, max_size=8).map(str.strip).filter(bool)
STEMS = st.text("aBé0 &<>'_-.", min_size=1, max_size=6).filter(lambda stem: stem == stem.strip(" .") and stem)
FEW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
BOX_LIMIT = {  # pixels at a side of 40, with the reason
    "coco": 1e-5,  # width and height are differences of float32
    "voc": 1.0,  # whole pixels; half a pixel for boxes of a pixel or more
    "yolo": 1e-4,  # six decimals of the side
    "labelme": 0.0,
    "via": 1e-5,
    "cvat": 0.0,
}


@st.composite
def boxes_and_masks(draw, size_hw, masks):
    """1 to 3 boxes, or as many masks without holes in mind and their tight boxes."""
    height, width = size_hw
    count = draw(st.integers(1, 3))
    if masks:
        seed = draw(st.integers(0, 2**32 - 1))
        drawn = torch.from_numpy(np.random.default_rng(seed).random((count, height, width)) < draw(st.floats(0.05, 1)))
        drawn[:, draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))] = True
        return annotations.masks_to_boxes(drawn), drawn
    sides = [st.lists(st.floats(0, side, width=32), min_size=2, max_size=2).map(sorted) for side in (width, height)]
    pairs = st.tuples(*[side.filter(lambda pair: pair[1] - pair[0] > 0.02) for side in sides])
    chosen = draw(st.lists(pairs, min_size=count, max_size=count))
    return torch.tensor([[x1, y1, x2, y2] for (x1, x2), (y1, y2) in chosen]), None


@st.composite
def image_annotations(draw, classes, masks, points):
    """Annotations of one image of 1 to 40 pixels a side; one in four has no objects."""
    size_hw = draw(st.tuples(st.integers(1, 40), st.integers(1, 40)))
    if draw(st.integers(0, 3)) == 0:
        return ImageAnnotations(size_hw, torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))
    boxes, drawn = draw(boxes_and_masks(size_hw, masks))
    labels = torch.tensor(draw(st.lists(st.integers(0, classes - 1), min_size=len(boxes), max_size=len(boxes))))
    keypoints = None
    if points:
        unit = torch.tensor(draw(st.lists(st.floats(0, 1, width=32), min_size=2, max_size=2)))
        seen = torch.arange(len(boxes) * points).reshape(-1, points, 1) % 3
        place = torch.rand(len(boxes), points, 2, generator=torch.Generator().manual_seed(0)) * unit
        keypoints = torch.cat([place * torch.tensor(size_hw[::-1]) * (seen > 0), seen.float()], dim=2)
    crowd = torch.tensor(draw(st.lists(st.booleans(), min_size=len(boxes), max_size=len(boxes))))
    return ImageAnnotations(size_hw, boxes, labels, drawn, keypoints, crowd if crowd.any() else None)


@st.composite
def annotation_sets(draw, masks=None, points=0):
    """A set of 0 to 3 images with odd names and classes, boxes alone or masks."""
    classes = tuple(draw(st.lists(NAMES, min_size=1, max_size=4, unique=True)))
    stems = draw(st.lists(STEMS, max_size=3, unique=True))
    masks = draw(st.booleans()) if masks is None else masks
    return AnnotationSet(
        {
            f"{'sub/' * (place % 2)}{stem}.jpg": draw(image_annotations(len(classes), masks, points))
            for place, stem in enumerate(stems)
        },
        classes,
    )


def sent_round(name, value, **options):
    """A set written and read again, with what the format itself does not keep given to the reader."""
    given_to = {
        "voc": {"classes": value.classes},
        "labelme": {"classes": value.classes},
        "yolo": {"images": {image: one.size_hw for image, one in value.images.items()}},
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FORMATS[name].path
        FORMATS[name].write(value, path, **options)
        if not value.images and name in ("voc", "labelme"):  # a folder without files is refused
            return value
        return FORMATS[name].read(path, **given_to.get(name, {}))


def check_same(before, after, limit):
    """The same images, sizes and labels in the same order, and boxes within a limit in pixels."""
    assert sorted(after.images) == sorted(before.images) and after.classes == before.classes
    for image, one in before.images.items():
        other = after.images[image]
        assert other.size_hw == one.size_hw
        assert other.labels.tolist() == one.labels.tolist()
        for expected, got in zip(one.boxes.tolist(), other.boxes.tolist(), strict=True):
            assert max(abs(a - b) for a, b in zip(expected, got, strict=True)) <= limit


def crowds(one):
    return [False] * len(one) if one.iscrowd is None else one.iscrowd.tolist()


@pytest.mark.parametrize("name", FORMATS)
@FEW
@given(value=annotation_sets(masks=False))
def test_boxes_labels_and_sizes_survive_every_format(name, value):
    """Random boxes come back in order, within the limit of each format and never by more than a pixel."""
    after = sent_round(name, value)
    check_same(value, after, BOX_LIMIT[name])
    assert all(one.masks is None for one in after.images.values())


@FEW
@given(value=annotation_sets(masks=False))
def test_voc_moves_boxes_of_a_pixel_or_more_by_half_a_pixel_at_most(value):
    """Rounding to whole pixels costs half a pixel, but for boxes that would vanish."""
    after = sent_round("voc", value)
    for image, one in value.images.items():
        wide = (one.boxes[:, 2:] - one.boxes[:, :2] > 1).all(dim=1)
        assert ((after.images[image].boxes - one.boxes).abs()[wide] <= 0.5).all()


@pytest.mark.parametrize("name", ["coco", "cvat"])
@FEW
@given(value=annotation_sets(masks=True, points=3))
def test_coco_and_cvat_lose_nothing(name, value):
    """Masks with all their holes, key points and crowds are the same after both formats with run lengths."""
    after = sent_round(name, value)
    check_same(value, after, BOX_LIMIT[name])
    for image, one in value.images.items():
        other = after.images[image]
        assert crowds(other) == crowds(one)
        assert len(one) == 0 or torch.equal(other.masks, one.masks)
        assert len(one) == 0 or torch.equal(other.keypoints, one.keypoints)


POLYGONS = {"coco": {"polygons": True}, "yolo": {"task": "segment"}, "labelme": {}, "via": {}}


@pytest.mark.parametrize(("name", "options"), POLYGONS.items())
@FEW
@given(value=annotation_sets(masks=True))
def test_polygons_keep_every_pixel_but_fill_holes(name, options, value):
    """Formats with polygons give masks that hold the original ones; what is new was a hole, closed in by the object."""
    after = sent_round(name, value, **options)
    check_same(value, after, 1e-4 if name == "yolo" else 0.0)
    for image, one in value.images.items():
        for row in range(len(one)):
            before, drawn = one.masks[row].numpy(), after.images[image].masks[row].numpy()
            assert not (before & ~drawn).any()
            assert not (drawn & outside(before)).any()


def outside(mask):
    """Pixels from which one can walk out of the image without crossing the mask, diagonal steps too, by flooding."""
    height, width = mask.shape
    todo = [(-1, -1)]
    seen = set(todo)
    while todo:
        row, column = todo.pop()
        around = [(row + down, column + right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
        for r, c in around:
            inside = 0 <= r < height and 0 <= c < width
            if (r, c) not in seen and -1 <= r <= height and -1 <= c <= width and not (inside and mask[r, c]):
                seen.add((r, c))
                todo.append((r, c))
    result = np.zeros_like(mask)
    for r, c in seen:
        if 0 <= r < height and 0 <= c < width:
            result[r, c] = True
    return result


@FEW
@given(value=annotation_sets(masks=False, points=4))
def test_pose_files_keep_key_points(value):
    """YOLO's pose files bring key points back to six decimals of the side, with their visibility."""
    after = sent_round("yolo", value, task="pose")
    check_same(value, after, 1e-4)
    for image, one in value.images.items():
        if len(one):
            torch.testing.assert_close(after.images[image].keypoints, one.keypoints, atol=1e-4, rtol=0)


@FEW
@given(value=annotation_sets(masks=False))
def test_voc_keeps_crowds_as_difficult(value):
    """A crowd is written as difficult and read as a crowd."""
    after = sent_round("voc", value)
    assert all(crowds(after.images[image]) == crowds(one) for image, one in value.images.items())


def everything():
    """Two images: one with all fields, a mask with a hole and one of two parts; one without objects."""
    masks = torch.zeros(3, 20, 30, dtype=torch.bool)
    masks[0, 2:9, 3:12] = True
    masks[0, 4:6, 6:8] = False  # a hole
    masks[1, 10:12, 1:5] = True
    masks[1, 15:19, 2:9] = True  # a second part
    masks[2, 1:20, 20:29] = True
    keypoints = torch.tensor([[[3.25, 4.0, 2.0], [0.0, 0.0, 0.0]], [[2.0, 11.5, 1.0], [8.0, 16.0, 2.0]]])
    keypoints = torch.cat([keypoints, torch.zeros(1, 2, 3)])
    one = ImageAnnotations(
        (20, 30),
        annotations.masks_to_boxes(masks),
        torch.tensor([2, 0, 2]),
        masks,
        keypoints,
        torch.tensor([False, False, True]),
    )
    none = ImageAnnotations((7, 5), torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))
    return AnnotationSet({"one.png": one, "train/none.png": none}, ("stop", "unused", "danger"))


ROWS = ["coco", "coco polygons", "voc", "yolo", "yolo segment", "yolo pose", "labelme", "via", "cvat"]


def test_losses_are_those_that_the_table_states(tmp_path):
    """What `FORMATS` says that a format holds is what comes back from a set that has everything."""
    rows = {row["format"]: row for row in annotations.round_trip_losses(everything(), tmp_path)}
    assert list(rows) == ROWS
    for name, form in FORMATS.items():
        same = [row for key, row in rows.items() if key.split()[0] == name]
        assert max(row["masks"] for row in same) > 0.9 if form.masks else same[0]["masks"] == 0
        for field in ("keypoints", "crowd"):
            assert any(row[field] for row in same) == getattr(form, field), (name, field)
        for field in ("image_size", "class_list"):
            assert all(row[field] == getattr(form, field) for row in same), (name, field)
    for row in rows.values():
        assert row["objects"] == 3 and row["labels"] and row["empty_images"]
        assert row["box_error"] <= 1e-4, row  # tight boxes of masks are whole pixels, which every format holds
        assert row["bytes"] > 0


def test_losses_of_masks_are_the_hole(tmp_path):
    """A mask of 63 pixels with a hole of 4 comes back whole by run lengths, and with IoU 59/63 by polygons."""
    rows = {row["format"]: row["masks"] for row in annotations.round_trip_losses(everything(), tmp_path)}
    assert rows["coco"] == rows["cvat"] == 1.0
    for name in ("coco polygons", "yolo segment", "labelme", "via"):
        assert rows[name] == pytest.approx(59 / 63)


def test_losses_of_boxes_alone(tmp_path):
    """A set without masks, points, crowds or empty images has None there, and no rows for outlines and points."""
    one = ImageAnnotations((50, 70), torch.tensor([[1.3, 2.6, 30.1, 40.9]]), torch.tensor([0]))
    rows = annotations.round_trip_losses(AnnotationSet({"a.jpg": one}, ("stop",)), tmp_path)
    assert [row["format"] for row in rows] == list(FORMATS)
    for row in rows:
        assert row["masks"] is row["keypoints"] is row["crowd"] is row["empty_images"] is None
    errors = {row["format"]: row["box_error"] for row in rows}
    assert errors["voc"] == pytest.approx(0.4, abs=1e-5) and errors["labelme"] == errors["cvat"] == 0


def test_sets_without_images_are_written_and_read(tmp_path):
    """A set without images is a file without images; a folder without files is refused: it may be the wrong one."""
    value = AnnotationSet({}, ("stop", "go"))
    for name in ("coco", "via", "cvat", "yolo"):
        after = sent_round(name, value)
        assert after.classes == value.classes and len(after) == 0
    (tmp_path / "empty").mkdir()
    for read in (annotations.read_voc, annotations.read_labelme):
        with pytest.raises(ValueError, match=r"a folder with files that end in .*, but got none"):
            read(tmp_path / "empty")
        with pytest.raises(FileNotFoundError, match="there is none"):
            read(tmp_path / "nowhere")


# Other readers find what we wrote ---------------------------------------------------------------------------------


def test_pycocotools_and_torchvision_read_our_coco(tmp_path):
    """`COCO` gives the same masks, and `CocoDetection` the same boxes and labels."""
    value = everything()
    for polygons in (False, True):
        annotations.write_coco(value, tmp_path / "a.json", polygons=polygons)
        coco = COCO(tmp_path / "a.json")
        loaded = coco.loadAnns(coco.getAnnIds(imgIds=1))
        masks = [coco.annToMask(one).astype(bool) for one in loaded]
        assert polygons or np.array_equal(masks, value.images["one.png"].masks.numpy())
        assert [one["num_keypoints"] for one in loaded] == [1, 2, 0]
        assert [one["iscrowd"] for one in loaded] == [0, 0, 1]
    Image.new("RGB", (30, 20)).save(tmp_path / "one.png")
    (tmp_path / "train").mkdir()
    Image.new("RGB", (5, 7)).save(tmp_path / "train" / "none.png")
    data = datasets.CocoDetection(tmp_path, tmp_path / "a.json")
    (_, targets), (_, none) = data[0], data[1]
    assert [coco.cats[one["category_id"]]["name"] for one in targets] == ["danger", "stop", "danger"] and none == []
    x, y, width, height = torch.tensor([one["bbox"] for one in targets]).T
    assert torch.equal(torch.stack([x, y, x + width, y + height], dim=1), value.images["one.png"].boxes)


def test_torchvision_reads_our_voc(tmp_path):
    """`VOCDetection` finds our objects in the layout of the challenge: pixels from 1, first and last inclusive."""
    root = tmp_path / "VOCdevkit" / "VOC2012"
    one = ImageAnnotations((20, 30), torch.tensor([[0.0, 2.0, 30.0, 9.0], [4.0, 5.0, 5.0, 6.0]]), torch.tensor([1, 0]))
    annotations.write_voc(AnnotationSet({"a.jpg": one}, ("a & b", "stop")), root / "Annotations")
    for name in ("ImageSets/Main", "JPEGImages"):
        (root / name).mkdir(parents=True)
    (root / "ImageSets" / "Main" / "train.txt").write_text("a\n")
    Image.new("RGB", (30, 20)).save(root / "JPEGImages" / "a.jpg")
    _, target = datasets.VOCDetection(tmp_path, year="2012", image_set="train")[0]
    found = target["annotation"]["object"]
    assert [one["name"] for one in found] == ["stop", "a & b"]
    assert [[int(one["bndbox"][tag]) for tag in ("xmin", "ymin", "xmax", "ymax")] for one in found] == [
        [1, 3, 30, 9],
        [5, 6, 5, 6],  # one pixel
    ]
    assert target["annotation"]["size"] == {"width": "30", "height": "20", "depth": "3"}


def test_other_files_hold_the_numbers_that_their_formats_ask_for(tmp_path):
    """A box from (3, 4) to (9, 12) in an image of height 16 and width 20, in the numbers of each format."""
    one = ImageAnnotations((16, 20), torch.tensor([[3.0, 4.0, 9.0, 12.0]]), torch.tensor([1]))
    value = AnnotationSet({"a.jpg": one}, ("go", "stop"))
    for name, form in FORMATS.items():
        form.write(value, tmp_path / name / form.path)
    assert (tmp_path / "yolo/yolo/labels/a.txt").read_text() == "1 0.300000 0.500000 0.300000 0.500000\n"
    assert json.loads((tmp_path / "coco/annotations.json").read_text())["annotations"][0]["bbox"] == [3, 4, 6, 8]
    shape = json.loads((tmp_path / "labelme/labelme/a.json").read_text())["shapes"][0]
    assert (shape["shape_type"], shape["points"], shape["label"]) == ("rectangle", [[3, 4], [9, 12]], "stop")
    via = json.loads((tmp_path / "via/via.json").read_text())
    (entry,) = via["_via_img_metadata"].values()
    assert entry["regions"][0]["shape_attributes"] == {"name": "rect", "x": 3, "y": 4, "width": 6, "height": 8}
    assert list(via["_via_attributes"]["region"]["label"]["options"]) == ["go", "stop"]
    box = ElementTree.parse(tmp_path / "cvat/annotations.xml").find("image/box")
    assert [float(box.get(corner)) for corner in ("xtl", "ytl", "xbr", "ybr")] == [3, 4, 9, 12]


# Files as the tools write them ------------------------------------------------------------------------------------

ZERO_SIZE = """<annotation>
\t<folder>JPEGImages</folder>
\t<filename>cells_1.jpg</filename>
\t<source>
\t\t<database>Unknown</database>
\t</source>
\t<size>
\t\t<width>640</width>
\t\t<height>480</height>
\t\t<depth>3</depth>
\t</size>
\t<segmented>0</segmented>
\t<object>
\t\t<name>WBC</name>
\t\t<pose>Unspecified</pose>
\t\t<truncated>0</truncated>
\t\t<difficult>0</difficult>
\t\t<bndbox>
\t\t\t<xmin>1</xmin>
\t\t\t<ymin>81</ymin>
\t\t\t<xmax>555</xmax>
\t\t\t<ymax>182</ymax>
\t\t</bndbox>
\t</object>
\t<object>
\t\t<name>RBC</name>
\t\t<pose>Unspecified</pose>
\t\t<truncated>0</truncated>
\t\t<difficult>1</difficult>
\t\t<bndbox>
\t\t\t<xmin>504</xmin>
\t\t\t<ymin>337</ymin>
\t\t\t<xmax>504</xmax>
\t\t\t<ymax>337</ymax>
\t\t</bndbox>
\t</object>
</annotation>
"""


def test_box_of_zero_size_is_refused_set_aside_or_a_pixel(tmp_path):
    """A click without a drag is named with file, line and object; what it becomes is the reader's choice."""
    (tmp_path / "cells_1.xml").write_text(ZERO_SIZE)
    with pytest.raises(ValueError, match=r"cells_1\.xml, line 30, object 1 \(RBC\), but got \(504, 337, 504, 337\)"):
        annotations.read_voc(tmp_path)
    with pytest.warns(
        UserWarning, match=r"Set aside 1 object of zero size: .*cells_1\.xml, line 30, object 1"
    ) as caught:
        left = annotations.read_voc(tmp_path, drop_empty=True)
    assert caught[0].filename == __file__  # the warning points at the caller
    assert left.images["cells_1.jpg"].boxes.tolist() == [[0, 80, 555, 182]] and left.classes == ("RBC", "WBC")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        whole = annotations.read_voc(tmp_path, pixels="inclusive", drop_empty=True)
    assert whole.images["cells_1.jpg"].boxes[1].tolist() == [503, 336, 504, 337]
    assert whole.images["cells_1.jpg"].iscrowd.tolist() == [False, True]  # difficult
    with pytest.warns(UserWarning, match="1 object of zero size"):
        corners = annotations.read_voc(tmp_path, pixels="edges", drop_empty=True)
    assert corners.images["cells_1.jpg"].boxes.tolist() == [[1, 81, 555, 182]]


@pytest.mark.skipif(not catalogue.at_hand("bccd"), reason="bccd is not laid out below the data root")
def test_bccd_has_two_boxes_of_zero_size():
    """The real set of 364 images has 4,888 boxes, two of them clicks without a drag."""
    folder = catalogue.load_bccd().folder / "Annotations"
    with pytest.warns(UserWarning, match=r"Set aside 2 objects .*BloodImage_00338\.xml.*BloodImage_00343\.xml"):
        cells = annotations.read_voc(folder, drop_empty=True, pixels="edges")
    assert len(cells) == 364 and sum(len(one) for one in cells.images.values()) == 4886
    assert cells.classes == ("Platelets", "RBC", "WBC")


def test_labelme_shapes_of_all_kinds(tmp_path):
    """Rectangles drawn from any corner, circles, masks and polygons in groups become boxes and masks."""
    png = io.BytesIO()
    Image.fromarray(np.array([[255, 0, 255], [255, 255, 255]], dtype=np.uint8)).save(png, "PNG")
    shape = {"group_id": None, "flags": {}, "label": "cell"}
    shapes = [
        shape | {"shape_type": "polygon", "points": [[1, 1], [4, 1], [4, 3], [1, 3]], "group_id": 7},
        shape | {"shape_type": "circle", "points": [[10, 10], [13, 14]]},
        shape | {"shape_type": "mask", "points": [[2, 12], [4, 13]], "mask": base64.b64encode(png.getvalue()).decode()},
        shape | {"shape_type": "polygon", "points": [[6, 1], [9, 1], [9, 3]], "group_id": 7},
    ]
    document = {"shapes": shapes, "imagePath": "a.jpg", "imageHeight": 20, "imageWidth": 24, "imageData": None}
    (tmp_path / "a.json").write_text(json.dumps(document))
    one = annotations.read_labelme(tmp_path).images["a.jpg"]
    assert one.boxes.tolist()[0] == [1, 1, 9, 3] and one.boxes.tolist()[2] == [2, 12, 5, 14]
    torch.testing.assert_close(one.boxes[1], torch.tensor([5.0, 5.0, 15.0, 15.0]))
    assert one.masks[0, 1:3, 1:4].all() and one.masks[0].sum() in (8, 9, 10)  # six pixels and half of six
    assert abs(int(one.masks[1].sum()) - 25 * np.pi) < 4
    assert one.masks[2].nonzero().tolist() == [[12, 2], [12, 4], [13, 2], [13, 3], [13, 4]]
    document["shapes"] = [shape | {"shape_type": "rectangle", "points": [[9, 3], [1, 8]]}]
    (tmp_path / "a.json").write_text(json.dumps(document))
    one = annotations.read_labelme(tmp_path).images["a.jpg"]
    assert one.boxes.tolist() == [[1, 3, 9, 8]] and one.masks is None


def test_via_annotations_exported_alone(tmp_path):
    """An export without project has neither classes nor sizes: the names that occur, and the argument."""
    rect = {"name": "rect", "x": 1, "y": 2, "width": 3, "height": 4}
    regions = [
        {"shape_attributes": rect, "region_attributes": {"type": "stop"}},
        {"shape_attributes": rect | {"x": 5}, "region_attributes": {"type": "go"}},
    ]
    entry = {"filename": "a.jpg", "size": 4321, "regions": regions, "file_attributes": {}}
    (tmp_path / "via.json").write_text(json.dumps({"a.jpg4321": entry}))
    value = annotations.read_via(tmp_path / "via.json", {"a.jpg": (10, 12)})
    assert value.classes == ("go", "stop") and value.images["a.jpg"].labels.tolist() == [1, 0]
    assert value.images["a.jpg"].boxes.tolist() == [[1, 2, 4, 6], [5, 2, 8, 6]]
    entry["regions"] = {"0": regions[0]}  # as version 1 wrote them
    (tmp_path / "via.json").write_text(json.dumps({"a.jpg4321": entry}))
    assert len(annotations.read_via(tmp_path / "via.json", {"a.jpg": (10, 12)}).images["a.jpg"]) == 1


CVAT = """<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta><task><labels>
    <label><name>person</name><color>#fa3253</color><attributes></attributes></label>
    <label><name>car</name></label>
  </labels></task></meta>
  <image id="0" name="dir/a.jpg" width="8" height="6">
    {elements}
  </image>
</annotations>
"""


def cvat_image(tmp_path, elements, **options):
    (tmp_path / "a.xml").write_text(CVAT.format(elements=elements))
    return annotations.read_cvat(tmp_path / "a.xml", **options).images["dir/a.jpg"]


def test_cvat_elements_of_all_kinds(tmp_path):
    """A mask is run lengths in its box, rows first, outside first; a point of a skeleton may be outside or occluded."""
    mask = '<mask label="car" occluded="0" rle="1, 2, 1, 2" left="2" top="1" width="3" height="2" z_order="0"></mask>'
    one = cvat_image(tmp_path, mask)
    assert one.masks[0].nonzero().tolist() == [[1, 3], [1, 4], [2, 3], [2, 4]]
    assert one.boxes.tolist() == [[3, 1, 5, 3]] and one.labels.tolist() == [1]
    corners = 'xtl="1.5" ytl="0" xbr="4.25" ybr="6"'
    group = f"""<box label="person" {corners} group_id="3"><attribute name="is_crowd">true</attribute></box>
    <skeleton label="person" group_id="3">
      <points label="1" occluded="0" outside="0" points="2.00,3.00"></points>
      <points label="2" occluded="1" outside="0" points="4.50,5.00"></points>
      <points label="3" occluded="0" outside="1" points="0.00,0.00"></points>
    </skeleton>"""
    one = cvat_image(tmp_path, group)
    assert one.boxes.tolist() == [[1.5, 0, 4.25, 6]] and one.iscrowd.tolist() == [True]
    assert one.keypoints.tolist() == [[[2, 3, 2], [4.5, 5, 1], [0, 0, 0]]]


def test_cvat_groups_of_several_boxes_stay_several_objects(tmp_path):
    """People group whole objects too: two boxes in a group are two objects; polygons of a group are parts of one."""
    boxes = "".join(f'<box label="car" xtl="{x}" ytl="0" xbr="{x + 1}" ybr="2" group_id="1"/>' for x in (0, 3))
    assert len(cvat_image(tmp_path, boxes)) == 2
    points = ("0,0;2,0;2,2", "4,4;6,4;6,6")
    parts = "".join(f'<polygon label="car" points="{each}" group_id="1"/>' for each in points)
    one = cvat_image(tmp_path, parts)
    assert one.boxes.tolist() == [[0, 0, 6, 6]]
    assert len(cvat_image(tmp_path, parts.replace('group_id="1"', 'group_id="0"'))) == 2


def test_coco_of_other_tools(tmp_path):
    """Category ids with gaps, uncompressed run lengths, polygons of two parts, and annotations before their image's."""
    document = {
        "categories": [{"id": 90, "name": "b"}, {"id": 7, "name": "a"}],
        "images": [{"id": i, "file_name": f"{i}.jpg", "height": 3, "width": 4} for i in (5, 2)],
        "annotations": [
            {"id": 9, "image_id": 2, "category_id": 90, "bbox": [0, 1, 2, 2], "iscrowd": 1}
            | {"segmentation": {"size": [3, 4], "counts": [1, 2, 1, 2, 6]}},
            {"id": 3, "image_id": 5, "category_id": 7, "bbox": [0.5, 0, 3, 3], "iscrowd": 0}
            | {"segmentation": [[0, 0, 1, 0, 1, 1, 0, 1], [3, 2, 4, 2, 4, 3, 3, 3]]},
        ],
    }
    (tmp_path / "a.json").write_text("\ufeff" + json.dumps(document), encoding="utf-8")  # with a byte-order mark
    value = annotations.read_coco(tmp_path / "a.json")
    assert list(value.images) == ["5.jpg", "2.jpg"] and value.classes == ("a", "b")
    assert value.images["2.jpg"].masks[0].nonzero().tolist() == [[1, 0], [1, 1], [2, 0], [2, 1]]  # columns first
    assert value.images["2.jpg"].labels.tolist() == [1] and value.images["2.jpg"].iscrowd.tolist() == [True]
    assert value.images["5.jpg"].masks[0].nonzero().tolist() == [[0, 0], [2, 3]]
    assert value.images["5.jpg"].iscrowd is None
    assert annotations.read_coco(tmp_path / "a.json", masks=False).images["5.jpg"].masks is None


def yolo_folder(tmp_path, labels, data="names: [go, stop]\n"):
    (tmp_path / "labels").mkdir(parents=True, exist_ok=True)
    (tmp_path / "data.yaml").write_text(data)
    for name, text in labels.items():
        (tmp_path / "labels" / name).write_text(text)
    return tmp_path


def test_yolo_takes_sizes_from_pictures_as_they_are_shown(tmp_path):
    """Sizes come from the folder `images`, after the EXIF orientation; a picture without text has no objects."""
    yolo_folder(tmp_path, {"a.txt": "1 0.5 0.5 0.5 1\n\n"}, data="nc: 2\nnames:\n  1: no\n  0: yes\n")
    (tmp_path / "images").mkdir()
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.new("RGB", (40, 20)).save(tmp_path / "images" / "a.jpg", exif=turned)
    Image.new("RGB", (30, 10)).save(tmp_path / "images" / "b.png")
    value = annotations.read_yolo(tmp_path)
    assert value.classes == ("yes", "no")  # YAML's own reader would make True and False of them
    assert value.images["a.jpg"].size_hw == (40, 20) and value.images["a.jpg"].boxes.tolist() == [[5, 0, 15, 40]]
    assert len(value.images["b.png"]) == 0
    assert annotations.image_sizes(tmp_path / "images") == {"a.jpg": (40, 20), "b.png": (10, 30)}


def test_yolo_key_points_without_visibility(tmp_path):
    """Two numbers a point: (0, 0) is not labelled, everything else is seen."""
    folder = yolo_folder(tmp_path, {"a.txt": "0 0.5 0.5 1 1 0.25 0.5 0 0\n"}, "names: [a]\nkpt_shape: [2, 2]\n")
    value = annotations.read_yolo(folder, {"a.jpg": (10, 20)})
    assert value.images["a.jpg"].keypoints.tolist() == [[[5, 5, 2], [0, 0, 0]]]


# Asked for: clipping and setting aside -----------------------------------------------------------------------------


def test_boxes_outside_are_clipped_when_asked(tmp_path):
    """A box over the border is cut; one that lies wholly outside has zero size then, and is set aside when asked."""
    folder = yolo_folder(tmp_path, {"a.txt": "0 0 0.5 0.5 0.5\n1 2 2 0.5 0.5\n0 0.5 0.5 0.2 0.2\n"})
    sizes = {"a.jpg": (10, 20)}
    with pytest.raises(ValueError, match=r"a\.txt, line 1, but got \(-5, 2\.5, 5, 7\.5\).*clip=True"):
        annotations.read_yolo(folder, sizes)
    with pytest.raises(ValueError, match=r"line 2.*drop_empty=True"):
        annotations.read_yolo(folder, sizes, clip=True)
    with pytest.warns(UserWarning, match=r"Set aside 1 object of zero size: .*a\.txt, line 2"):
        value = annotations.read_yolo(folder, sizes, clip=True, drop_empty=True)
    torch.testing.assert_close(value.images["a.jpg"].boxes, torch.tensor([[0, 2.5, 5, 7.5], [8, 4, 12, 6]]))
    assert value.images["a.jpg"].labels.tolist() == [0, 0]


def test_polygons_outside_are_clipped_when_asked(tmp_path):
    """Corners over the border are moved to it."""
    folder = yolo_folder(tmp_path, {"a.txt": "0 -0.1 -0.1 0.5 -0.1 0.5 0.5 -0.1 0.5\n"})
    with pytest.raises(ValueError, match=r"inside the image .*a\.txt, line 1"):
        annotations.read_yolo(folder, {"a.jpg": (10, 20)})
    one = annotations.read_yolo(folder, {"a.jpg": (10, 20)}, clip=True).images["a.jpg"]
    assert one.boxes.tolist() == [[0, 0, 10, 5]] and one.masks[0].sum() == 50


def test_warning_lists_twenty_and_counts_the_rest(tmp_path):
    """A warning of many objects stays readable."""
    folder = yolo_folder(tmp_path, {"a.txt": "0 0.5 0.5 0 0\n" * 25})
    with pytest.warns(UserWarning, match=r"Set aside 25 objects .*line 20; and 5 more\."):
        value = annotations.read_yolo(folder, {"a.jpg": (10, 20)}, drop_empty=True)
    assert len(value.images["a.jpg"]) == 0 and value.images["a.jpg"].boxes.shape == (0, 4)


# What writers refuse -----------------------------------------------------------------------------------------------


def one_object(box, mask=None):
    masks = None if mask is None else mask[None]
    return ImageAnnotations((10, 12), torch.tensor([box]), torch.tensor([0]), masks)


@pytest.mark.parametrize("name", FORMATS)
def test_writers_refuse_boxes_of_zero_size_and_leave_nothing(name, tmp_path):
    """No file comes into being that no reader would take."""
    value = AnnotationSet(
        {"a.jpg": one_object([1.0, 1.0, 2.0, 2.0]), "b.jpg": one_object([3.0, 1.0, 3.0, 2.0])}, ("x",)
    )
    with pytest.raises(ValueError, match=r"width and height above zero in b\.jpg, object 0"):
        FORMATS[name].write(value, tmp_path / "there")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "options"), [("yolo", {"task": "segment"}), ("labelme", {}), ("via", {})])
def test_formats_of_one_shape_refuse_boxes_that_are_not_their_masks(name, options, tmp_path):
    """Where the outline alone is written, a box that says something else would be lost in silence: it is refused."""
    mask = torch.zeros(10, 12, dtype=torch.bool)
    mask[2:5, 3:6] = True
    value = AnnotationSet({"a.jpg": one_object([3.0, 2.0, 9.0, 5.0], mask)}, ("x",))
    with pytest.raises(ValueError, match=r"box within 1 pixel of its mask in a\.jpg, object 0, but got 3\.0 pixels"):
        FORMATS[name].write(value, tmp_path / "there", **options)
    empty = AnnotationSet({"a.jpg": one_object([3.0, 2.0, 9.0, 5.0], torch.zeros_like(mask))}, ("x",))
    with pytest.raises(ValueError, match="at least one pixel"):
        FORMATS[name].write(empty, tmp_path / "there", **options)
    FORMATS[name].write(value, tmp_path / "there", **({} if name == "yolo" else {"masks": False}))


@pytest.mark.parametrize("name", ["voc", "yolo", "labelme"])
def test_folders_refuse_two_images_of_one_file_and_files_of_others(name, tmp_path):
    """`a.jpg` and `a.png` would share a file; files that lie there already would be read back too."""
    one = one_object([1.0, 1.0, 2.0, 2.0])
    with pytest.raises(ValueError, match=r"one image for each file .*a\.png"):
        FORMATS[name].write(AnnotationSet({"a.jpg": one, "a.png": one}, ("x",)), tmp_path)
    FORMATS[name].write(AnnotationSet({"a.jpg": one}, ("x",)), tmp_path)
    FORMATS[name].write(AnnotationSet({"a.jpg": one}, ("x",)), tmp_path)  # again is fine
    with pytest.raises(ValueError, match="files of other images"):
        FORMATS[name].write(AnnotationSet({"b.jpg": one}, ("x",)), tmp_path)


@pytest.mark.parametrize(
    ("task", "message"),
    [("segment", "masks for task='segment' in a.jpg"), ("pose", "key points for task='pose'"), ("boxes", "one of")],
)
def test_yolo_tasks_want_their_fields(task, message, tmp_path):
    """Outlines want masks, poses want key points, and other words are no tasks."""
    with pytest.raises(ValueError, match=message):
        annotations.write_yolo(AnnotationSet({"a.jpg": one_object([1.0, 1.0, 2.0, 2.0])}, ("x",)), tmp_path, task=task)


def test_one_number_of_key_points_in_a_pose_folder(tmp_path):
    """`kpt_shape` holds one number for the whole folder."""
    boxes, labels = torch.tensor([[1.0, 1.0, 2.0, 2.0]]), torch.tensor([0])
    images = {f"{k}.jpg": ImageAnnotations((10, 12), boxes, labels, keypoints=torch.zeros(1, k, 3)) for k in (2, 3)}
    with pytest.raises(ValueError, match=r"one number of key points .* \[2, 3\]"):
        annotations.write_yolo(AnnotationSet(images, ("x",)), tmp_path, task="pose")


def test_empty_lists_of_key_points_are_none(tmp_path):
    """Some tools write an empty list of key points for objects that have none."""
    one = ImageAnnotations(
        (10, 12), torch.tensor([[1.0, 1.0, 2.0, 2.0]]), torch.tensor([0]), keypoints=torch.zeros(1, 0, 3)
    )
    value = AnnotationSet({"a.jpg": one}, ("x",))
    for name in ("coco", "cvat"):
        assert sent_round(name, value).images["a.jpg"].keypoints is None
    with pytest.raises(ValueError, match="key points for task='pose'"):
        annotations.write_yolo(value, tmp_path, task="pose")


@pytest.mark.parametrize("name", FORMATS)
def test_boxes_thinner_than_any_decimal_survive(name):
    """A box of a millionth of a pixel is still a box after every format, at most a pixel away."""
    thin = ImageAnnotations((40, 40), torch.tensor([[0.5, 3.0, 0.500001, 3.000001]]), torch.tensor([0]))
    check_same(AnnotationSet({"a.jpg": thin}, ("x",)), sent_round(name, AnnotationSet({"a.jpg": thin}, ("x",))), 1)


def test_a_set_without_classes_is_kept():
    """No classes and images without objects go through formats that list classes."""
    none = ImageAnnotations((7, 5), torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))
    for name in FORMATS:
        assert sent_round(name, AnnotationSet({"a.jpg": none}, ())).classes == ()


def test_unknown_counting_of_pixels_is_refused(tmp_path):
    """`pixels` is inclusive, edges or None."""
    with pytest.raises(ValueError, match="`pixels` to be None or one of"):
        annotations.read_voc(tmp_path, pixels="zero")
