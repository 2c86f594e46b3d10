"""Street scenes with traffic signs, drawn by us over real photographs, whose truth is known to the pixel.

A scene is one of scikit-image's bundled photographs seen through translucent paint (sky, houses, pavement, road), with
signs of six classes in front. Class, box, mask and instance come from the paint itself, so no annotator was needed and
none erred. Training, validation and test scenes use different photographs. A seed decides every pixel.

* `make_scenes`: version 1, streets by day; its pixels do not change.
* `make_touching_scenes`: the same streets with signs of one class that touch.
* `make_street_scene`, `make_street_scenes`, `make_drive`: version 2, with cameras, weather, time of day, occlusion,
  domain randomisation and captions, as `SceneSettings` say; truth and attributes come back in a `Scene`.
* `apply_camera`, `add_camera_fault`: another camera, or a failing one, for any image.
* `render_digits`: digits drawn with fonts, in the format of scikit-learn's handwritten ones.
* Faults with known truth: `flip_labels`, `plant_duplicates`, `plant_shortcut`, `shift_boxes`, `drop_boxes`,
  `relabel_boxes`; and `annotate`: annotators who err in their own ways.
"""

from course_utils.synthetic.annotators import (
    ANNOTATORS,
    Annotator,
    Answers,
    annotate,
    name_classes,
    simulate_answers,
)
from course_utils.synthetic.backgrounds import PHOTOGRAPHS, load_backgrounds
from course_utils.synthetic.box_faults import drop_boxes, plant_box_faults, relabel_boxes, shift_boxes
from course_utils.synthetic.camera_faults import CAMERA_FAULTS, add_camera_fault
from course_utils.synthetic.cameras import CAMERAS, Camera, apply_camera
from course_utils.synthetic.captions import SIGN_NAMES, caption
from course_utils.synthetic.digits import render_digits
from course_utils.synthetic.drives import make_drive
from course_utils.synthetic.faults import DUPLICATES, flip_labels, plant_duplicates, plant_shortcut
from course_utils.synthetic.scenes import make_boxes, make_scene, make_scenes
from course_utils.synthetic.settings import TIMES_OF_DAY, WEATHERS, Scene, SceneAttributes, SceneSettings
from course_utils.synthetic.signs import CLASSES
from course_utils.synthetic.street_scenes import make_street_scene, make_street_scenes
from course_utils.synthetic.touching import make_touching_scenes

__all__ = [
    "ANNOTATORS",
    "CAMERAS",
    "CAMERA_FAULTS",
    "CLASSES",
    "DUPLICATES",
    "PHOTOGRAPHS",
    "SIGN_NAMES",
    "TIMES_OF_DAY",
    "WEATHERS",
    "Annotator",
    "Answers",
    "Camera",
    "Scene",
    "SceneAttributes",
    "SceneSettings",
    "add_camera_fault",
    "annotate",
    "apply_camera",
    "caption",
    "drop_boxes",
    "flip_labels",
    "load_backgrounds",
    "make_boxes",
    "make_drive",
    "make_scene",
    "make_scenes",
    "make_street_scene",
    "make_street_scenes",
    "make_touching_scenes",
    "name_classes",
    "plant_box_faults",
    "plant_duplicates",
    "plant_shortcut",
    "relabel_boxes",
    "render_digits",
    "shift_boxes",
    "simulate_answers",
]
