"""From images to the tensors that a network eats, and the changes of an image that do not change what it shows.

- `pixels`: scale, resize and normalise stored images.
- `batched`: random changes of whole batches, a draw of its own for every example.
- `annotated`: images whose boxes, masks and key points change with them.
- `mosaic`: four pictures with their boxes joined into one.
- `segmented`: images and their class maps cropped, scaled and mirrored together, in batches; another light.
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
from course_utils.transforms.mosaic import mosaic
from course_utils.transforms.pixels import IMAGENET_MEAN, IMAGENET_STD, LITE0_MEAN, LITE0_STD, to_batch
from course_utils.transforms.segmented import random_crops, random_tint

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
    "mosaic",
    "on_each",
    "random_affine",
    "random_crops",
    "random_dihedral",
    "random_tint",
    "random_tone",
    "to_batch",
    "transform_annotated",
]
