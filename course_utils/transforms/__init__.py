"""From images to the tensors that a network eats, and the changes of an image that do not change what it shows.

- `pixels`: scale, resize and normalise stored images.
- `batched`: random changes of whole batches, a draw of its own for every example.
- `annotated`: images whose boxes, masks and key points change with them.
- `balance`: weights and a sampler for classes of unequal size.
"""

from course_utils.transforms.annotated import (
    Changed,
    DropUnseen,
    make_scenes_eval,
    make_scenes_train,
    transform_annotated,
)
from course_utils.transforms.balance import (
    balanced_sampler,
    class_counts,
    effective_number_weights,
    inverse_frequency_weights,
)
from course_utils.transforms.batched import (
    DIHEDRAL,
    affine_each,
    dihedral,
    drawn_from,
    mixed_in_batches,
    on_each,
    random_affine,
    random_dihedral,
    random_tone,
)
from course_utils.transforms.pixels import IMAGENET_MEAN, IMAGENET_STD, LITE0_MEAN, LITE0_STD, to_batch

__all__ = [
    "DIHEDRAL",
    "IMAGENET_MEAN",
    "IMAGENET_STD",
    "LITE0_MEAN",
    "LITE0_STD",
    "Changed",
    "DropUnseen",
    "affine_each",
    "balanced_sampler",
    "class_counts",
    "dihedral",
    "drawn_from",
    "effective_number_weights",
    "inverse_frequency_weights",
    "make_scenes_eval",
    "make_scenes_train",
    "mixed_in_batches",
    "on_each",
    "random_affine",
    "random_dihedral",
    "random_tone",
    "to_batch",
    "transform_annotated",
]
