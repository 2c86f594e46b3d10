"""FiftyOne's brain on our own embeddings and logits: scores that say where to look first.

Its default models would be downloaded; here every number comes from what the caller computed.
"""

import numpy as np

from course_utils.curate.database import load_fiftyone


def embed(dataset, embeddings, *, method: str = "pca", key: str = "map", seed: int = 0) -> np.ndarray:
    """Lay out a data set as a map of points, which the App shows in its panel Embeddings.

    Args:
        dataset: data set or view of N samples.
        embeddings: float (N, D), N of at least 2, one row a sample.
        method: `pca` (fast, straight axes) or `tsne` (keeps neighbours; distances between groups mean little).
        key: under which the App lists the map.
        seed: of t-SNE's random start.

    Returns:
        Float (N, 2), the points.

    Raises:
        ValueError: another method, or embeddings that do not fit.
    """
    if method not in ("pca", "tsne"):
        raise ValueError(f"Expected `method` to be pca or tsne, but got {method!r}. UMAP is not part of the course.")
    embeddings = _checked(dataset, embeddings)
    options = {}
    if method == "tsne":
        options = {"perplexity": min(30.0, (len(embeddings) - 1) / 3), "pca_dims": min(50, *embeddings.shape)}
    settings = {"brain_key": key, "method": method, "seed": seed, "progress": False, **options}
    return load_fiftyone().brain.compute_visualization(dataset, embeddings=embeddings, **settings).points


def uniqueness(dataset, embeddings) -> np.ndarray:
    """Score how far each sample is from its three nearest neighbours; stored in the field `uniqueness`.

    The distance is one minus the cosine of the embeddings, taken from their mean; the nearest counts most. FiftyOne
    1.22 by itself leaves the nearest neighbour of each sample out, so that the two of a pair of copies look unique;
    here it is counted.

    Args:
        dataset: data set or view of N samples.
        embeddings: float (N, D), N of at least 4.

    Returns:
        Float (N,) in [0, 1]; the most unusual sample has 1. Near-duplicates come last.
    """
    embeddings = _checked(dataset, embeddings, least=4)
    brain = load_fiftyone().brain
    index = brain.compute_similarity(dataset, embeddings=False, backend="sklearn", progress=False)
    index.add_to_index(embeddings, dataset.values("id"))
    _count_nearest(index)
    brain.compute_uniqueness(dataset, similarity_index=index, progress=False)
    return np.array(dataset.values("uniqueness"))


def _count_nearest(index) -> None:
    """Put each sample itself, at distance 0, in front of its neighbours: FiftyOne takes the first away as itself.

    Its index, however, has left the sample out already.
    """
    found = index._kneighbors

    def with_itself(*, k: int, return_dists: bool):
        neighbours, distances = found(k=k - 1, return_dists=return_dists)
        return neighbours, [[0.0, *row] for row in distances]

    index._kneighbors = with_itself


def similarity(dataset, embeddings, *, key: str = "similar"):
    """Index a data set for search by similarity: the App then sorts by “like this one”.

    Args:
        dataset: data set or view of N samples.
        embeddings: float (N, D).
        key: name of the index, as in `dataset.sort_by_similarity(sample_id, brain_key=key, k=10)`.

    Returns:
        FiftyOne's index, which also finds near-duplicates: `index.find_duplicates(thresh=0.1)`.
    """
    embeddings = _checked(dataset, embeddings)
    brain = load_fiftyone().brain
    return brain.compute_similarity(dataset, embeddings=embeddings, brain_key=key, backend="sklearn", progress=False)


def mistakenness(dataset, *, prediction: str = "prediction", label: str = "ground_truth") -> np.ndarray:
    """Score how likely each label is wrong, from a model's predictions; stored in the field `mistakenness`.

    A confident prediction that contradicts the label scores near 1, one that agrees near 0. For boxes, the score of an
    image is that of its worst box, and the fields `possible_missing` and `possible_spurious` count boxes.

    Args:
        dataset: data set or view of N samples.
        prediction: field of predictions with confidence, and logits where they are classes.
        label: field of the labels to doubt.

    Returns:
        Float (N,) in [0, 1]; NaN where there was nothing to compare.
    """
    brain, objects = load_fiftyone().brain, _is_objects(dataset, label)
    brain.compute_mistakenness(dataset, prediction, label_field=label, use_logits=not objects, progress=False)
    return np.array([np.nan if score is None else score for score in dataset.values("mistakenness")], dtype=float)


def hardness(dataset, *, prediction: str = "prediction") -> np.ndarray:
    """Score how undecided a model is about each image: the entropy of its softmax; stored in the field `hardness`.

    Args:
        dataset: data set or view of N samples.
        prediction: field of predicted classes with logits.

    Returns:
        Float (N,), in nats, from 0 to the logarithm of the number of classes.
    """
    load_fiftyone().brain.compute_hardness(dataset, prediction, progress=False)
    return np.array(dataset.values("hardness"))


def _is_objects(dataset, field: str) -> bool:
    return dataset.get_field(field).document_type is load_fiftyone().Detections


def _checked(dataset, embeddings, *, least: int = 2) -> np.ndarray:
    embeddings = np.array(embeddings, dtype=np.float32)  # a copy: FiftyOne takes the mean away in place
    if embeddings.ndim != 2 or len(embeddings) != len(dataset) or len(embeddings) < least:
        raise ValueError(
            f"Expected `embeddings` to be ({len(dataset)}, D), a row a sample and {least} rows at least, "
            f"but got {embeddings.shape}. Keep the order of the samples."
        )
    if not np.isfinite(embeddings).all():
        raise ValueError("Expected finite `embeddings`, but got NaN or infinity. Look for a network that diverged.")
    return embeddings
