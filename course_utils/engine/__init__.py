"""Floor 2: the training loop, checkpoints that say what they are, and runs that are stored for the next time."""

from course_utils.engine.checkpoints import architecture, load_checkpoint, read_checkpoint, save_checkpoint
from course_utils.engine.stored import fingerprint, stored
from course_utils.engine.training import Batches, Precision, Recipe, evaluate, fit, predict, train_one_epoch

__all__ = [
    "Batches",
    "Precision",
    "Recipe",
    "architecture",
    "evaluate",
    "fingerprint",
    "fit",
    "load_checkpoint",
    "predict",
    "read_checkpoint",
    "save_checkpoint",
    "stored",
    "train_one_epoch",
]
