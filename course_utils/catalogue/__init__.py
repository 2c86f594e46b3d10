"""The data sets of the course: a card for each, access to the images, verified download, and your own pictures.

A card says what a set is, who may use it for what, what is wrong with it, and who is in the pictures. The cards stand
in `data/catalogue.yml`. Most sets come with an installed package or are drawn by us, so that the course needs no
network; the others are downloaded once, checked against their SHA-256, and kept below the data root (`COURSE_DATA`).
"""

from course_utils.catalogue.blood_cells import read_bccd
from course_utils.catalogue.capture import BrokenFile, Capture, CapturedImage, from_folder
from course_utils.catalogue.clips import extract_frames
from course_utils.catalogue.dataset_card import (
    CATALOGUE_YML,
    DatasetCard,
    Part,
    Picture,
    card,
    cards,
    read_cards,
    require_licence,
)
from course_utils.catalogue.download import fetch
from course_utils.catalogue.downloaded import (
    BCCD_CLASSES,
    CAMVID_CLASSES,
    CAMVID_UNLABELLED,
    AnnotatedFiles,
    Cifar10,
    load_bccd,
    load_camvid,
    load_cifar10,
)
from course_utils.catalogue.example_folder import write_example_folder
from course_utils.catalogue.human_labels import Cifar10Human, ReviewedErrors, load_cifar10_human_labels
from course_utils.catalogue.laid_out import at_hand, verify
from course_utils.catalogue.packaged import (
    DEFECTIVE_FROM,
    Elpv,
    load_digits,
    load_elpv,
    load_elpv_labels,
    load_faces,
    load_photos,
)

__all__ = [
    "BCCD_CLASSES",
    "CAMVID_CLASSES",
    "CAMVID_UNLABELLED",
    "CATALOGUE_YML",
    "DEFECTIVE_FROM",
    "AnnotatedFiles",
    "BrokenFile",
    "Capture",
    "CapturedImage",
    "Cifar10",
    "Cifar10Human",
    "DatasetCard",
    "Elpv",
    "Part",
    "Picture",
    "ReviewedErrors",
    "at_hand",
    "card",
    "cards",
    "extract_frames",
    "fetch",
    "from_folder",
    "load_bccd",
    "load_camvid",
    "load_cifar10",
    "load_cifar10_human_labels",
    "load_digits",
    "load_elpv",
    "load_elpv_labels",
    "load_faces",
    "load_photos",
    "read_bccd",
    "read_cards",
    "require_licence",
    "verify",
    "write_example_folder",
]
