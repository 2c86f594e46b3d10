"""Tests of malformed files in the six formats: each is refused with its file, its line or key, and a remedy.

Each case is a good file with one change: a value at a key, or a piece of text for another. That the good files are read
is tested too, so that no case passes for another reason.
"""

import copy
import json
import re
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from course_utils import annotations
from course_utils.annotations import AnnotationSet

GONE = object()  # as a value: the key is taken out
SIZES = {"a.jpg": (10, 20), "b.jpg": (10, 20)}
SQUARE = [1.0, 1.0, 5.0, 1.0, 5.0, 5.0, 1.0, 5.0]

COCO = {
    "images": [{"id": i, "file_name": f"{name}.jpg", "height": 10, "width": 20} for i, name in ((1, "a"), (2, "b"))],
    "categories": [{"id": 1, "name": "go"}, {"id": 2, "name": "stop"}],
    "annotations": [
        {"id": 1, "image_id": 1, "category_id": 2, "bbox": [1, 1, 4, 4], "iscrowd": 0, "segmentation": [SQUARE]},
        {"id": 2, "image_id": 2, "category_id": 1, "bbox": [0, 0, 2, 2], "iscrowd": 1}
        | {"segmentation": {"size": [10, 20], "counts": [0, 2, 198]}, "keypoints": [1, 1, 2, 0, 0, 0]},
    ],
}
LABELME = {
    "shapes": [{"label": "go", "points": [[1, 1], [5, 1], [5, 5]], "shape_type": "polygon", "group_id": None}],
    "imagePath": "a.jpg",
    "imageHeight": 10,
    "imageWidth": 20,
}
CIRCLE = {"label": "go", "shape_type": "circle", "points": [[5, 5], [1e308, 1e308]]}
PICTURE = {"label": "go", "shape_type": "mask", "points": [[1, 1], [3, 3]], "mask": "eHl6"}
RECT = {"name": "rect", "x": 1, "y": 1, "width": 4, "height": 4}
VIA = {
    "_via_img_metadata": {
        name: {
            "filename": name,
            "size": -1,
            "regions": [{"shape_attributes": RECT, "region_attributes": {"label": "go"}}],
            "file_attributes": {"width": "20", "height": "10"},
        }
        for name in SIZES
    },
    "_via_attributes": {"region": {"label": {"options": {"go": "", "stop": ""}}}},
}
VOC = """<annotation>
  <filename>a.jpg</filename>
  <size><width>20</width><height>10</height><depth>3</depth></size>
  <object>
    <name>stop</name>
    <difficult>0</difficult>
    <bndbox><xmin>1</xmin><ymin>2</ymin><xmax>5</xmax><ymax>6</ymax></bndbox>
  </object>
</annotation>
"""
CVAT = """<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta><task><labels><label><name>go</name></label><label><name>stop</name></label></labels></task></meta>
  <image id="0" name="a.jpg" width="20" height="10">
    <box label="go" xtl="1.0" ytl="1.0" xbr="5.0" ybr="5.0" group_id="1"></box>
    <mask label="go" rle="0, 6" left="1" top="1" width="3" height="2" group_id="1"></mask>
    <skeleton label="go" group_id="1"><points label="1" points="2.0,3.0" occluded="0" outside="0"></points></skeleton>
  </image>
  <image id="1" name="b.jpg" width="20" height="10">
    <polygon label="stop" points="1.0,1.0;5.0,1.0;5.0,5.0"></polygon>
  </image>
</annotations>
"""
YAML = "nc: 2\nnames:\n  0: go\n  1: stop\n"
LINE = "1 0.5 0.5 0.25 0.5\n"
ENTITY = "<!DOCTYPE annotation [<!ENTITY x {}>]>\n<annotation><filename>&x;</filename></annotation>"
BOMB = '"ha"><!ENTITY y "&x;&x;&x;&x;&x;&x;&x;&x;"><!ENTITY z "&y;&y;&y;&y;&y;&y;&y;&y;"'
IMAGE, OBJECT, SHAPE, ENTRY = "images[0]", "annotations[0]", "shapes[0]", '_via_img_metadata["a.jpg"]'
REGION = f"{ENTRY}.regions[0].shape_attributes"

NAMES = {  # what must not lead out of the folder
    "climbs out": "../../etc/passwd",
    "absolute": "/etc/passwd",
    "backslashes": "..\\..\\windows\\a.jpg",
    "drive letter": "C:/a.jpg",
    "nul": "a\0.jpg",
    "half a surrogate": "\ud800.jpg",
    "empty name": "",
}

NO_XML = ("nul", "half a surrogate")  # not to be written in XML at all

# (what is wrong, key, value, message): the value goes to the key of the good document
COCO_CASES = [
    *(
        (what, f"{IMAGE}.file_name", name, r"name of an image .* key images\[0\]\.file_name")
        for what, name in NAMES.items()
    ),
    ("not an object", "", [1, 2], "object with braces in .*, but got"),
    ("no images", "images", GONE, "the key 'images' in .* no such key"),
    ("images of another kind", "images", {"a": 1}, "a list with square brackets in .* key images"),
    ("no annotations", "annotations", GONE, "the key 'annotations'"),
    ("no categories", "categories", GONE, "the key 'categories'"),
    ("image is a number", IMAGE, 7, r"object with braces in .* key images\[0\]"),
    ("no width", f"{IMAGE}.width", GONE, r"the key 'width' in .* key images\[0\]\.width"),
    ("width as text", f"{IMAGE}.width", "20", r"a whole number in .* key images\[0\]\.width, but got '20'"),
    ("width is true", f"{IMAGE}.width", True, "a whole number .* but got True"),
    ("negative height", f"{IMAGE}.height", -10, r"height and width from 1 to 100,000 in .* key images\[0\]"),
    ("enormous image", f"{IMAGE}.height", 10**9, "from 1 to 100,000"),
    (
        "too large for masks",
        IMAGE,
        {"id": 1, "file_name": "a.jpg", "height": 100_000, "width": 100_000},
        "masks of at most",
    ),
    ("half a pixel wide", f"{IMAGE}.width", 20.5, "a whole number .* got 20.5"),
    ("image id twice", "images[1].id", 1, r"each id once in .* key images\[1\]\.id"),
    ("file name twice", "images[1].file_name", "a.jpg", r"each image once in .* key images\[1\]\.file_name"),
    ("annotation id twice", "annotations[1].id", 1, r"each id once in .* key annotations\[1\]\.id"),
    ("category id twice", "categories[1].id", 1, r"each id once in .* key categories\[1\]\.id"),
    ("category name twice", "categories[1].name", "go", "each class once in .* key categories"),
    ("category without name", "categories[1].name", "", "names of classes in .* key categories"),
    ("unknown image", f"{OBJECT}.image_id", 9, r"id of one of the images in .* key annotations\[0\]\.image_id"),
    ("unknown category", f"{OBJECT}.category_id", 9, r"an id out of \[1, 2\] in .* key annotations\[0\]\.category_id"),
    ("no box", f"{OBJECT}.bbox", GONE, r"the key 'bbox' in .* key annotations\[0\]\.bbox"),
    ("box of three numbers", f"{OBJECT}.bbox", [1, 1, 4], r"4 numbers in .* key annotations\[0\]\.bbox"),
    ("box as text", f"{OBJECT}.bbox", "1 1 4 4", "a list of numbers"),
    ("text in a box", f"{OBJECT}.bbox", [1, 1, "4", 4], r"a number in .* key annotations\[0\]\.bbox\[2\]"),
    ("none in a box", f"{OBJECT}.bbox", [1, 1, None, 4], r"a number in .*bbox\[2\]"),
    ("negative width of a box", f"{OBJECT}.bbox", [5, 1, -4, 4], r"x1 <= x2 .* key annotations\[0\]\.bbox"),
    ("box outside", f"{OBJECT}.bbox", [18, 1, 4, 4], r"inside the image .* key annotations\[0\]\.bbox.*clip=True"),
    ("box of zero size", f"{OBJECT}.bbox", [1, 1, 4, 0], r"width and height above zero .*drop_empty=True"),
    ("box of vanishing size", f"{OBJECT}.bbox", [1, 1, 1e-300, 4], r"width and height above zero"),
    ("polygon of two points", f"{OBJECT}.segmentation", [[1, 1, 5, 5]], r"three corners .*segmentation\[0\]"),
    ("polygon of an odd number", f"{OBJECT}.segmentation", [[*SQUARE, 3]], "two numbers each.* 9 numbers"),
    (
        "polygon outside",
        f"{OBJECT}.segmentation",
        [[1, 1, 50, 1, 5, 5]],
        r"inside the image .*annotations\[0\]\.segmentation",
    ),
    ("text in a polygon", f"{OBJECT}.segmentation", [[*SQUARE, "3", 4]], r"a number in .*segmentation\[0\]\[8\]"),
    ("runs too short", "annotations[1].segmentation.counts", [0, 2], r"with the sum 200.* sum 2"),
    ("runs negative", "annotations[1].segmentation.counts", [300, -100], "runs of 0 or more"),
    ("runs as broken text", "annotations[1].segmentation.counts", "abc\x7f", "compressed run lengths"),
    ("runs as text cut off", "annotations[1].segmentation.counts", "02P", "middle of a number"),
    ("runs as text too short", "annotations[1].segmentation.counts", "02", "with the sum 200"),
    ("mask of another size", "annotations[1].segmentation.size", [20, 10], r"\[10, 20\], height and width"),
    (
        "mask of one object only",
        OBJECT,
        {"id": 1, "image_id": 2, "category_id": 2, "bbox": [1, 1, 4, 4]},
        "a mask or polygon",
    ),
    ("crowd of two", f"{OBJECT}.iscrowd", 2, r"0 or 1 in .* key annotations\[0\]\.iscrowd"),
    ("points of two numbers", "annotations[1].keypoints", [1, 1], "three numbers a key point"),
    ("point of visibility 3", "annotations[1].keypoints", [1, 1, 3], "visibility 0, 1 or 2"),
    ("point outside", "annotations[1].keypoints", [99, 1, 2], "key points inside the image"),
]
LABELME_CASES = [
    *((what, "imagePath", name, "name of an image .* key imagePath") for what, name in NAMES.items()),
    ("no shapes", "shapes", GONE, "the key 'shapes'"),
    ("no height", "imageHeight", GONE, "the key 'imageHeight'"),
    ("width of zero", "imageWidth", 0, "height and width from 1"),
    ("no label", f"{SHAPE}.label", GONE, r"the key 'label' in .* key shapes\[0\]\.label"),
    ("label is a number", f"{SHAPE}.label", 3, r"a text in quotes in .* key shapes\[0\]\.label"),
    ("label is empty", f"{SHAPE}.label", "", r"names of classes in .* key shapes\[0\]"),
    ("polygon of two points", f"{SHAPE}.points", [[1, 1], [5, 5]], r"three corners .* key shapes\[0\]\.points"),
    ("point of three numbers", f"{SHAPE}.points", [[1, 1, 1], [5, 5, 5], [1, 5, 2]], r"2 numbers in .*points\[0\]"),
    ("a line", f"{SHAPE}.shape_type", "line", r"a polygon, rectangle.* key shapes\[0\]\.shape_type.*no area"),
    ("rectangle of three points", f"{SHAPE}.shape_type", "rectangle", "two points for a rectangle"),
    ("polygon outside", f"{SHAPE}.points", [[1, 1], [21, 1], [5, 5]], r"inside the image .* key shapes\[0\]\.points"),
    ("polygon of no area", f"{SHAPE}.points", [[1, 1], [5, 1], [3, 1]], r"above zero in .* key shapes\[0\]\.points"),
    ("group of text", f"{SHAPE}.group_id", "one", r"a whole number in .* key shapes\[0\]\.group_id"),
    ("circle too large", SHAPE, CIRCLE, "inside the image"),
    ("mask that is no picture", SHAPE, PICTURE, r"a PNG in base64 in .* key shapes\[0\]\.mask"),
]
VIA_CASES = [
    *((what, f"{ENTRY}.filename", name, r'name of an image .*\["a\.jpg"\]\.filename') for what, name in NAMES.items()),
    ("entry is a list", ENTRY, [], r'object with braces in .*\["a\.jpg"\]'),
    ("no file name", f"{ENTRY}.filename", GONE, "the key 'filename'"),
    ("file name twice", f"{ENTRY}.filename", "b.jpg", "each image once"),
    ("no regions", f"{ENTRY}.regions", GONE, "the key 'regions'"),
    ("no size", f"{ENTRY}.file_attributes", {}, r"width and height in pixels.*images=\{name"),
    ("size of words", f"{ENTRY}.file_attributes.width", "wide", r"a finite number in .*file_attributes\.width"),
    ("no class", f"{ENTRY}.regions[0].region_attributes", {}, r"one of .*label.* in .*regions\[0\]\.region_attributes"),
    ("unknown class", f"{ENTRY}.regions[0].region_attributes.label", "walk", r"a class out of .*'go', 'stop'.*'walk'"),
    ("no shape", f"{ENTRY}.regions[0].shape_attributes", GONE, "the key 'shape_attributes'"),
    ("an ellipse", f"{REGION}.name", "ellipse", r"rect or polygon in .*regions\[0\]\.shape_attributes\.name"),
    ("no y", f"{REGION}.y", GONE, r"the key 'y' in .*shape_attributes\.y"),
    ("x of text", f"{REGION}.x", "1", r"a number in .*shape_attributes\.x"),
    ("negative height", f"{REGION}.height", -1, "x1 <= x2 and y1 <= y2"),
    ("box outside", f"{REGION}.x", 19, r"inside the image.*regions\[0\]\.shape_attributes"),
    (
        "polygon of two points",
        REGION,
        {"name": "polygon", "all_points_x": [1, 5], "all_points_y": [1, 5]},
        "three corners",
    ),
    ("more x than y", REGION, {"name": "polygon", "all_points_x": [1, 5, 5], "all_points_y": [1, 5]}, "3 x, 2 y"),
]
# (what is wrong, value, message): in JSON text, where `json.dumps` would not write it
ANCHORS = {"coco": '"height": 10', "labelme": '"imageHeight": 10', "via": '"x": 1'}
JSON_TEXT_CASES = [
    ("NaN", "NaN", r"a finite number in .* key .*(eight|x), but got NaN"),
    ("Infinity", "-Infinity", r"a finite number in .* key .*(eight|x), but got -Infinity"),
    ("number beyond floats", "1e999", "a finite number in .* key .*(eight|x), but got inf"),
    ("number of 5,000 digits", "1" * 5000, "JSON that a person or a tool would write"),
    ("cut off", "", r"JSON in .* line 1, but got Expecting value"),
    ("brackets thousands deep", "[" * 100_000 + "]" * 100_000, "JSON that a person or a tool would write"),
]
# (what is wrong, text, other text, message): the text of the good file is exchanged, everywhere
VOC_CASES = [
    *(
        (what, "a.jpg", name, "name of an image .* line 2, <filename>")
        for what, name in NAMES.items()
        if what not in NO_XML
    ),
    ("external entity", VOC, ENTITY.format('SYSTEM "file:///etc/passwd"'), "no document type, entities .* line 1"),
    ("entity bomb", VOC, ENTITY.format(BOMB), "no document type, entities"),
    ("document type", "<annotation>", "<!DOCTYPE a SYSTEM 'http://example.com/a.dtd'><annotation>", "DTDForbidden"),
    ("not closed", "</object>", "", "XML in .* line 9, but got mismatched tag"),
    ("nothing", VOC, "", "XML in .* line 1"),
    ("another root", "annotation>", "doc>", "<annotation> as the outermost element .* got 'doc'"),
    ("deep", "<depth>", "<a>" * 1000 + "</a>" * 1000 + "<depth>", "more than 50 deep"),
    ("unknown encoding", "<annotation>\n", '<?xml version="1.0" encoding="klingon"?><annotation>\n', "line 1"),
    ("no file name", "<filename>a.jpg</filename>", "", "one <filename> in .* line 1, <annotation>, but got none"),
    ("no size", "size>", "sizes>", "one <size> in .* line 1, <annotation>, but got none"),
    ("two sizes", "<object>", "<size/><object>", "one <size> in .* the second in line 4"),
    ("no width", "<width>20</width>", "", "one <width> in .* line 3, <size>"),
    ("width of zero", "<width>20", "<width>0", "height and width from 1 .* line 3"),
    ("width of words", "<width>20", "<width>wide", "a finite number in .* line 3, <width>, but got 'wide'"),
    ("height of nan", "<height>10", "<height>nan", "a finite number in .* line 3, <height>"),
    ("no name", "<name>stop</name>", "", "one <name> in .* line 4, <object>"),
    ("empty name", "<name>stop", "<name>", "names of classes in .* line 7"),
    ("no box", "bndbox", "box", "one <bndbox> in .* line 4, <object>"),
    ("no corner", "<ymax>6</ymax>", "", "one <ymax> in .* line 7, <bndbox>"),
    ("corner of infinity", "<ymax>6", "<ymax>inf", "a finite number in .* line 7, <ymax>"),
    ("corner with underscore", "<ymax>6", "<ymax>1_0", "a finite number"),
    ("pixels from zero", "<xmin>1", "<xmin>0", r'xmin and ymin of 1 or more in .* line 7, object 0.*pixels="edges"'),
    ("corners swapped", "<xmin>1", "<xmin>9", r"x1 <= x2 and y1 <= y2 in .* line 7, object 0 \(stop\)"),
    ("zero size", "<xmin>1", "<xmin>5", r"above zero in .* line 7, object 0 \(stop\).*drop_empty=True"),
    ("box outside", "<xmax>5", "<xmax>21", r"inside the image .* line 7, object 0.*clip=True"),
    ("difficult of words", "<difficult>0", "<difficult>very", "a finite number in .* line 6, <difficult>"),
    ("two boxes", "<bndbox>", "<bndbox/><bndbox>", "one <bndbox>"),
]
CVAT_CASES = [
    *(
        (what, "a.jpg", name, "name of an image .* line 5, <image>")
        for what, name in NAMES.items()
        if what not in NO_XML
    ),
    (
        "external entity",
        "<annotations>",
        "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///a'>]><annotations>",
        "no document type",
    ),
    ("no version", "<version>1.1</version>", "", "one <version>"),
    ("version 1.0", "1.1<", "1.0<", "1.1 in .* line 3, <version>"),
    ("a video", '<image id="0"', '<track/><image id="0"', "images in .* line 5, <track>"),
    ("class twice", "<name>go<", "<name>stop<", "each class once in .* line 4, <labels>"),
    (
        "unknown class",
        'polygon label="stop"',
        'polygon label="walk"',
        r"a class out of .* line 11, <polygon>, but got 'walk'",
    ),
    ("image twice", "b.jpg", "a.jpg", "each image once in .* line 10, <image>"),
    (
        "no width",
        ' width="20" height="10">\n    <box',
        ' height="10"><box',
        "the attribute 'width' in .* line 5, <image>",
    ),
    ("no label", '<polygon label="stop"', "<polygon", "the attribute 'label' in .* line 11"),
    ("corner of words", 'xtl="1.0"', 'xtl="left"', "a finite number in .* line 6, <box> xtl"),
    ("no corner", 'xtl="1.0"', "", "the attribute 'xtl' in .* line 6, <box>"),
    ("corners swapped", 'xtl="1.0"', 'xtl="7.0"', "x1 <= x2 .* line 6, <box>"),
    ("zero size", 'xtl="1.0"', 'xtl="5.0"', "above zero in .* line 6, <box>"),
    ("box outside", 'xbr="5.0"', 'xbr="25.0"', "inside the image .* line 6, <box>"),
    ("box turned", 'ybr="5.0"', 'ybr="5.0" rotation="30"', "without rotation in .* line 6"),
    (
        "polygon of two points",
        "1.0,1.0;5.0,1.0;5.0,5.0",
        "1.0,1.0;5.0,5.0",
        "three corners .* line 11, <polygon> points",
    ),
    ("point of three numbers", '5.0,5.0"', '5.0,5.0,5.0"', "x,y;x,y;… in .* line 11"),
    ("polygon outside", '5.0,5.0"', '5.0,55.0"', "inside the image .* line 11, <polygon>"),
    ("a polyline", "polygon", "polyline", "one of .* line 11, <polyline>.*Draw it as a polygon"),
    ("runs too long", "0, 6", "0, 7", "with the sum 6, .* line 7, <mask> rle"),
    ("runs negative", "0, 6", "-1, 7", "a number of 0 or more in .* line 7, <mask> rle"),
    ("mask outside", 'left="1"', 'left="18"', "a mask inside the image .* line 7"),
    ("mask of no pixels", 'width="3" height="2"', 'width="0" height="2"', "a number of 1 or more in .* line 7"),
    ("two points at once", "2.0,3.0", "2.0,3.0;4.0,5.0", "one point in each part of a skeleton in .* line 8"),
    ("group of words", 'group_id="1"></box>', 'group_id="x"></box>', "a finite number in .* line 6, <box> group_id"),
]
YOLO_CASES = [
    ("a word", LINE, "stop 0.5 0.5 0.25 0.5\n", "a finite number in .*a.txt, line 1, but got 'stop'"),
    ("class of a half", LINE, "0.5 0.5 0.5 0.25 0.5\n", "a whole number in .*a.txt, line 1"),
    ("negative class", LINE, "-1 0.5 0.5 0.25 0.5\n", "a number of 0 or more in .*a.txt, line 1"),
    ("unknown class", LINE, LINE + "2 0.5 0.5 0.25 0.5\n", "a class from 0 to 1 in .*a.txt, line 2, but got 2"),
    ("three numbers", LINE, "\n\n1 0.5 0.5 0.5\n", "4 numbers after the class.* in .*a.txt, line 3, but got 3 numbers"),
    ("five numbers", LINE, "1 0.5 0.5 0.25 0.5 0.9\n", "an outline of three corners or more.* got 5 numbers"),
    ("nan", LINE, "1 0.5 nan 0.25 0.5\n", "a finite number in .*a.txt, line 1, but got 'nan'"),
    ("negative width", LINE, "1 0.5 0.5 -0.25 0.5\n", "a width and height of 0 or more in .*a.txt, line 1"),
    ("zero size", LINE, "1 0.5 0.5 0 0.5\n", "above zero in .*a.txt, line 1.*drop_empty=True"),
    ("pixels", LINE, "1 10 5 5 5\n", "inside the image .*a.txt, line 1.*clip=True"),
    ("polygon of two points", LINE, "1 0 0 0.5 0 0.5 0.5\n0 0.1 0.1 0.5 0.5\n", "a mask or polygon.*a.txt, line 2"),
    ("polygon outside", LINE, "1 0 0 1.5 0 0.5 0.5\n", "inside the image .*a.txt, line 1"),
    ("not utf-8", LINE, "1 0.5 \udcff\n", "UTF-8 in .*a.txt, line 1, but got the byte 0xff"),
]
DATA_CASES = [
    ("not yaml", YAML, "names: [go, stop", "YAML in .*data.yaml, line 1"),
    ("yaml deep", YAML, "[" * 20_000, "YAML in .*data.yaml"),
    ("a list", YAML, "- go\n- stop\n", "names of the classes in .*data.yaml, key names"),
    ("no names", YAML, "nc: 2\n", "names of the classes in .*data.yaml, key names, but got None"),
    ("names of a number", YAML, "names: 2\n", "names of the classes in .*key names, but got '2'"),
    ("name in a name", YAML, "names: [[go], stop]\n", "names of classes in .*data.yaml, key names"),
    ("name twice", YAML, "names: [go, go]\n", "each class once in .*data.yaml, key names"),
    ("numbers with a gap", YAML, "names: {0: go, 2: stop}\n", "without a gap"),
    ("number of words", YAML, "names: {one: go, two: stop}\n", "a finite number in .*data.yaml, key names"),
    ("another count", YAML, "nc: 3\nnames: [go, stop]\n", "2, the number of names in .*key nc"),
    ("points of no shape", YAML, YAML + "kpt_shape: 17\n", "two numbers, such as .* key kpt_shape"),
    ("points of four numbers", YAML, YAML + "kpt_shape: [17, 4]\n", "2 or 3 numbers a key point"),
    ("points that are missing", YAML, YAML + "kpt_shape: [2, 3]\n", "10 numbers after the class in .*a.txt, line 1"),
    (
        "unknown python",
        YAML,
        "names: !!python/object/apply:os.system ['true']\n",
        r"a class from 0 to 0 in .*a\.txt, line 1",
    ),
]


def put(document, key, value):
    """A copy of a document with another value at a key such as ``images[0].id``; "" is the document itself."""
    if not key:
        return value
    document = place = copy.deepcopy(document)
    steps = [name or quoted or int(number) for name, number, quoted in STEP.findall(key)]
    for step in steps[:-1]:
        place = place[step]
    if value is GONE:
        del place[steps[-1]]
    else:
        place[steps[-1]] = value
    return document


STEP = re.compile(r'([a-zA-Z_]+)|\[(\d+)\]|\["([^"]+)"\]')
GOOD = {
    "coco": json.dumps(COCO),
    "labelme": json.dumps(LABELME),
    "via": json.dumps(VIA),
    "voc": VOC,
    "cvat": CVAT,
    "yolo": LINE,
    "data": YAML,
}
FILES = {"coco": "c.json", "labelme": "a.json", "via": "v.json", "voc": "a.xml", "cvat": "c.xml", "yolo": "a.txt"}
FILES["data"] = "data.yaml"


def cases():
    """Format, text of the file and message of every case."""
    for name, document, table in (
        ("coco", COCO, COCO_CASES),
        ("labelme", LABELME, LABELME_CASES),
        ("via", VIA, VIA_CASES),
    ):
        for what, key, value, message in table:
            yield pytest.param(name, json.dumps(put(document, key, value)), message, id=f"{name}: {what}")
        for what, value, message in JSON_TEXT_CASES:
            text = GOOD[name].replace(ANCHORS[name], f"{ANCHORS[name].split(':')[0]}: {value}", 1)
            yield pytest.param(name, text, message, id=f"{name}: {what}")
        twice = GOOD[name].replace(ANCHORS[name], f"{ANCHORS[name]}, {ANCHORS[name]}", 1)
        yield pytest.param(name, twice, r"the key '.*' once in .* key .*, but got it twice", id=f"{name}: key twice")
    tables = {"voc": VOC_CASES, "cvat": CVAT_CASES, "yolo": YOLO_CASES, "data": DATA_CASES}
    for name, table in tables.items():
        for what, old, new, message in table:
            assert old in GOOD[name], what
            yield pytest.param(name, GOOD[name].replace(old, new), message, id=f"{name}: {what}")


def read(name, data, folder, **options):
    """Read bytes as a file of a format; for YOLO beside a good ``data.yaml``, or a good text file."""
    folder.mkdir(parents=True, exist_ok=True)
    if name in ("yolo", "data"):
        (folder / "labels").mkdir(exist_ok=True)
        (folder / "data.yaml").write_bytes(data if name == "data" else YAML.encode())
        (folder / "labels" / "a.txt").write_bytes(data if name == "yolo" else LINE.encode())
        return annotations.read_yolo(folder, SIZES, **options)
    path = folder / FILES[name]
    path.write_bytes(data)
    reader = getattr(annotations, f"read_{name}")
    return reader(folder if name in ("voc", "labelme") else path, **options)


@pytest.mark.parametrize("name", GOOD)
def test_the_good_files_are_good(name, tmp_path):
    """Without the change of a case, every file is read."""
    value = read(name, GOOD[name].encode(), tmp_path)
    assert isinstance(value, AnnotationSet) and sum(len(one) for one in value.images.values()) >= 1


def test_there_are_enough_cases():
    """At least sixty malformed files, and at least ten of each format."""
    found = [case.values[0].replace("data", "yolo") for case in cases()]
    assert len(found) >= 60 and min(found.count(name) for name in set(found)) >= 10 and len(set(found)) == 6


@pytest.mark.parametrize(("name", "text", "message"), cases())
def test_malformed_file_is_refused(name, text, message, tmp_path):
    """The error is a plain ValueError, at once, that says what was expected where, what came and what to do."""
    started = time.process_time()
    with pytest.raises(ValueError, match=message) as caught:
        read(name, text.encode("utf-8", "surrogateescape"), tmp_path)
    said = str(caught.value)
    assert type(caught.value) is ValueError
    assert FILES[name] in said or FILES["yolo"] in said
    assert re.search(r"(key |line \d|\.json|\.yaml)", said)
    assert re.search(r"Expected .*, but got .*[.?] \S.*[.?]$", said, re.DOTALL), said
    assert len(said) < 1500 and time.process_time() - started < 2


@pytest.mark.parametrize("name", GOOD)
def test_large_files_are_refused_before_they_are_read(name, tmp_path):
    """Above `max_mb` a file is refused with its size, the limit and how to raise it."""
    data = GOOD[name].encode() + b" " * 2000
    if name == "data":
        data += b"#" * 1_000_000  # data.yaml has a limit of its own
    with pytest.raises(ValueError, match=rf"at most max_mb=.* MB in .*{FILES[name]}, but got .* MB\..*max_mb=…"):
        read(name, data, tmp_path, **({} if name == "data" else {"max_mb": 0.002}))


@pytest.mark.parametrize("name", ["voc", "labelme", "yolo"])
def test_one_bad_file_of_a_folder_refuses_the_folder(name, tmp_path):
    """There are no partial results: a good file beside a bad one does not come back alone."""
    read(name, GOOD[name].encode(), tmp_path)
    bad = (tmp_path / "labels" if name == "yolo" else tmp_path) / FILES[name].replace("a.", "b.")
    bad.write_text("{")
    with pytest.raises(ValueError, match=bad.name):
        read(name, GOOD[name].encode(), tmp_path)


@pytest.mark.parametrize("name", ["voc", "labelme"])
def test_two_files_of_one_image_are_refused(name, tmp_path):
    """Two files that name the same image are refused, whatever they are called."""
    read(name, GOOD[name].encode(), tmp_path)
    (tmp_path / FILES[name].replace("a.", "again.")).write_text(GOOD[name])
    with pytest.raises(ValueError, match=r"each image once in .*again\..*'a\.jpg'"):
        read(name, GOOD[name].encode(), tmp_path)


@pytest.mark.parametrize("name", ["voc", "labelme"])
def test_unknown_category_where_the_classes_are_given(name, tmp_path):
    """With `classes=`, a name that is not among them is refused with its place."""
    with pytest.raises(ValueError, match=rf"a class out of \['walk'\] in .*{FILES[name]}"):
        read(name, GOOD[name].encode(), tmp_path, classes=("walk",))


def test_yolo_text_without_image_and_images_of_one_name(tmp_path):
    """A text file needs its image, and two images cannot share one."""
    read("yolo", LINE.encode(), tmp_path)
    with pytest.raises(ValueError, match=r"an image for every text file in .*labels/a\.txt"):
        annotations.read_yolo(tmp_path, {"b.jpg": (10, 20)})
    with pytest.raises(ValueError, match=r"one image for each file in .*a\.txt, but got a\.jpg and a\.png"):
        annotations.read_yolo(tmp_path, {"a.jpg": (10, 20), "a.png": (10, 20)})
    with pytest.raises(ValueError, match=r"a folder `images`, or the argument `images`"):
        annotations.read_yolo(tmp_path)
    with pytest.raises(ValueError, match=r"name of an image .* the argument `images`"):
        annotations.read_yolo(tmp_path, {"../a.jpg": (10, 20)})
    with pytest.raises(ValueError, match=r"height and width from 1 .* size of a\.jpg"):
        annotations.read_yolo(tmp_path, {"a.jpg": (0, 20)})
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.jpg").write_text("no picture")
    with pytest.raises(ValueError, match=r"an image in .*a\.jpg, but got UnidentifiedImageError"):
        annotations.read_yolo(tmp_path)


@pytest.mark.parametrize("name", GOOD)
def test_files_that_are_missing_or_folders(name, tmp_path):
    """What is not there is a FileNotFoundError; a folder in place of a file is refused."""
    reader = getattr(annotations, f"read_{name.replace('data', 'yolo')}")
    options = {"images": SIZES} if name in ("yolo", "data") else {}
    with pytest.raises(FileNotFoundError):
        reader(tmp_path / "nowhere", **options)
    if name in ("coco", "via", "cvat"):
        with pytest.raises(ValueError, match=r"a file in .*, but got a folder"):
            reader(tmp_path)


@pytest.mark.parametrize("name", GOOD)
@settings(max_examples=60, deadline=5000, suppress_health_check=list(HealthCheck))
@given(draw=st.data())
def test_damaged_files_are_read_or_refused(name, tmp_path, draw):
    """A good file cut off, or with bytes changed, put in or out, is read or a ValueError, nothing else, no hang."""
    data = bytearray(GOOD[name].encode())
    for _ in range(draw.draw(st.integers(1, 4), "changes")):
        place = draw.draw(st.integers(0, max(len(data) - 1, 0)), "place")
        new = draw.draw(st.binary(max_size=3) | st.sampled_from(TOKENS), "new")
        until = draw.draw(st.sampled_from([place, place + 1, place + 5, len(data)]), "until")
        data[place:until] = new
    try:
        value = read(name, bytes(data), tmp_path)
    except ValueError as error:
        assert "Expected" in str(error)
    else:
        assert isinstance(value, AnnotationSet)


TOKENS = [b"-", b"9" * 9, b"1e308", b"-1e308", b"null", b"[", b"]", b"{", b"}", b"<", b"/>", b"&", b"&#0;", b"&#x41;"]
TOKENS += [
    b'"',
    b"\\u0000",
    b"\xff\xfe",
    b"\0",
    b"nan",
    b"true",
    b" ",
    b"\n",
    b"..",
    b"/",
    b",",
    b";",
    b"0 " * 10,
    b"!!",
]
