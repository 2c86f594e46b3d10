"""Floor 2: the training loop, checkpoints that say what they are, and runs that are stored for the next time."""

from course_utils.engine.box_learner import BoxLearner
from course_utils.engine.checkpoints import architecture, load_checkpoint, read_checkpoint, save_checkpoint
from course_utils.engine.detection import detect, detect_instances
from course_utils.engine.early import fit_early
from course_utils.engine.log import read_log, write_log
from course_utils.engine.profile import StepProfile, profile_step, time_call, time_in_turn, wait_for
from course_utils.engine.range_test import learning_rate_range_test
from course_utils.engine.segmentation import segment
from course_utils.engine.shipped import SHIPPED, load_cells, load_mask_rcnn, load_unet, load_yolo, save_trained
from course_utils.engine.stored import fingerprint, stored
from course_utils.engine.training import Batches, Precision, Recipe, evaluate, fit, predict, train_one_epoch

__all__ = [
    "SHIPPED",
    "Batches",
    "BoxLearner",
    "Precision",
    "Recipe",
    "StepProfile",
    "architecture",
    "detect",
    "detect_instances",
    "evaluate",
    "fingerprint",
    "fit",
    "fit_early",
    "learning_rate_range_test",
    "load_cells",
    "load_checkpoint",
    "load_mask_rcnn",
    "load_unet",
    "load_yolo",
    "predict",
    "profile_step",
    "read_checkpoint",
    "read_log",
    "save_checkpoint",
    "save_trained",
    "segment",
    "stored",
    "time_call",
    "time_in_turn",
    "train_one_epoch",
    "wait_for",
    "write_log",
]
