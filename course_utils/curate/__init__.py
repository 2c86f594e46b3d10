"""Floor 3: look at a data set as a whole, with FiftyOne; draw boxes in JupyterLab; compare what several people drew.

The only module that imports fiftyone, which takes 6 s: inside functions, after its own database has been started for
this process. Two lessons at once have two databases; when a process ends, however it ends, its database goes with it.
"""

from course_utils.curate.agreement import consensus, match_boxes
from course_utils.curate.app import launch_app
from course_utils.curate.brain import embed, hardness, mistakenness, similarity, uniqueness
from course_utils.curate.collection import add_annotations, add_labels, annotations_of, fiftyone_dataset, tag
from course_utils.curate.database import DatabaseError, find_server, load_fiftyone
from course_utils.curate.exporters import EXPORTS, export
from course_utils.curate.widget import annotations_to_widget, box_widget, widget_to_annotations

__all__ = [
    "EXPORTS",
    "DatabaseError",
    "add_annotations",
    "add_labels",
    "annotations_of",
    "annotations_to_widget",
    "box_widget",
    "consensus",
    "embed",
    "export",
    "fiftyone_dataset",
    "find_server",
    "hardness",
    "launch_app",
    "load_fiftyone",
    "match_boxes",
    "mistakenness",
    "similarity",
    "tag",
    "uniqueness",
    "widget_to_annotations",
]
