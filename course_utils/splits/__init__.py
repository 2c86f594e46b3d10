"""Index sets for training, validation and test: made, kept as committed files, checked for leaks, opened once.

The course fixes a split once, commits it as a CSV file with the columns `index,part`, and from then on reads it. A
split made afresh in every notebook would quietly move examples between the sets whenever a library changes.
"""

from course_utils.splits.drawn import grouped_split, random_split, stratified_split, time_split
from course_utils.splits.leaks import find_leaks, perceptual_hashes
from course_utils.splits.manifest import Manifest, ManifestCheck, check_manifest, read_manifest, write_manifest
from course_utils.splits.parts import ELPV_SEEDS, PARTS, Split, check_split, elpv_split, read_split, write_split
from course_utils.splits.vault import open_test_set, read_test_log, vault_log_path

__all__ = [
    "ELPV_SEEDS",
    "PARTS",
    "Manifest",
    "ManifestCheck",
    "Split",
    "check_manifest",
    "check_split",
    "elpv_split",
    "find_leaks",
    "grouped_split",
    "open_test_set",
    "perceptual_hashes",
    "random_split",
    "read_manifest",
    "read_split",
    "read_test_log",
    "stratified_split",
    "time_split",
    "vault_log_path",
    "write_manifest",
    "write_split",
]
