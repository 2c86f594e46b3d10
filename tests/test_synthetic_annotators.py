"""Simulated annotators: their habits show in what they draw, at the rates that were asked for."""

import numpy as np
import pytest
import torch

from course_utils import annotations, synthetic
from course_utils.synthetic import Annotator, annotate, name_classes

PERFECT = Annotator(jitter=0.0)


def grid(side: float, n: int = 400, size: int = 1000) -> annotations.ImageAnnotations:
    """n boxes of one side in a large image, away from its border, class 0 to 5 in turn."""
    rng = np.random.default_rng(0)
    corners = rng.uniform(100, size - 100 - side, (n, 2)).astype(np.float32)
    boxes = torch.from_numpy(np.hstack([corners, corners + np.float32(side)]))
    return annotations.ImageAnnotations((size, size), boxes, torch.arange(n) % 6)


def test_perfect_annotator_draws_the_truth():
    """Without habits the boxes and classes are those of the truth; masks are not drawn."""
    _, truth = synthetic.make_scene(1, size=96)
    drawn = annotate(truth, annotator=PERFECT, seed=5)
    assert torch.equal(drawn.boxes, truth.boxes) and torch.equal(drawn.labels, truth.labels) and drawn.masks is None


def test_jitter_and_bias_are_those_asked_for():
    """Edges lie `bias` outside on average and scatter by `jitter` around that."""
    truth = grid(200.0)
    drawn = annotate(truth, annotator=Annotator(jitter=2.0, bias=3.0), seed=0)
    outside = (drawn.boxes - truth.boxes) * torch.tensor([-1.0, -1.0, 1.0, 1.0])
    assert outside.mean().item() == pytest.approx(3.0, abs=0.2) and outside.std().item() == pytest.approx(2.0, abs=0.2)


@pytest.mark.parametrize(("side", "rate"), [(20.0, 0.4), (30.0, 0.1)])
def test_small_objects_are_overlooked_more_often(side, rate):
    """Objects below the limit are missed at one rate, the others at the other."""
    annotator = Annotator(small=24.0, missed_small=0.4, missed=0.1)
    drawn = annotate(grid(side), annotator=annotator, seed=1)
    assert 1 - len(drawn) / 400 == pytest.approx(rate, abs=0.07)


def test_confusions_keep_to_their_pairs():
    """Only the pairs named are mixed up, at the rate asked for; without pairs any other class is given."""
    labels = np.arange(6000) % 6
    annotator = Annotator(confused=0.3, confusions=((4, 5), (2, 3), (2, 0)))
    given = name_classes(labels, annotator=annotator, seed=0)
    pairs = set(zip(labels[given != labels].tolist(), given[given != labels].tolist(), strict=True))
    assert pairs == {(4, 5), (2, 3), (2, 0)}
    assert (given != labels)[labels == 4].mean() == pytest.approx(0.3, abs=0.05)
    given = name_classes(labels, annotator=Annotator(confused=0.3), seed=0)
    assert (given != labels).mean() == pytest.approx(0.3, abs=0.03)
    assert set(given[(labels == 1) & (given != 1)].tolist()) == {0, 2, 3, 4, 5}


def test_same_seed_same_boxes_and_classes():
    """A seed decides everything; another seed gives other boxes; `annotate` names classes as `name_classes` does."""
    truth, annotator = grid(40.0), synthetic.ANNOTATORS["hasty"]
    once, again, other = (annotate(truth, annotator=annotator, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(once.boxes, again.boxes) and torch.equal(once.labels, again.labels)
    assert once.boxes.shape != other.boxes.shape or not torch.equal(once.boxes, other.boxes)
    all_seen = annotate(truth, annotator=Annotator(confused=0.5), seed=3)
    assert all_seen.labels.tolist() == name_classes(truth.labels, annotator=Annotator(confused=0.5), seed=3).tolist()


@pytest.mark.parametrize("name", synthetic.ANNOTATORS)
def test_boxes_stay_boxes(name):
    """Whatever the hand does, a box stays inside the image and a pixel wide; no objects give no boxes."""
    truth = annotations.ImageAnnotations((8, 8), torch.tensor([[0.0, 0, 8, 8], [7, 7, 8, 8]]), torch.tensor([0, 5]))
    for seed in range(30):
        drawn = annotate(truth, annotator=synthetic.ANNOTATORS[name], seed=seed)
        assert len(drawn) <= 2 and ((drawn.boxes[:, 2:] - drawn.boxes[:, :2]) >= 1).all()
    nothing = annotations.ImageAnnotations((8, 8), torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))
    assert len(annotate(nothing, annotator=synthetic.ANNOTATORS[name], seed=0)) == 0


def test_one_class_leaves_nothing_to_confuse():
    """With a single class every label stays."""
    assert name_classes([0, 0], annotator=Annotator(confused=1.0, num_classes=1), seed=0).tolist() == [0, 0]
    assert name_classes([], annotator=PERFECT, seed=0).shape == (0,)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"jitter": -1.0}, "jitter"),
        ({"missed": 1.5}, "missed"),
        ({"confusions": ((1, 1),)}, "pairs of two classes"),
        ({"confusions": ((1, 9),)}, "pairs of two classes"),
        ({"num_classes": 0}, "num_classes"),
    ],
)
def test_impossible_habits_are_refused(settings, message):
    """Rates out of range and pairs that are none are named."""
    with pytest.raises(ValueError, match=message):
        Annotator(**settings)


def test_unknown_class_and_seed_are_refused():
    """A label beyond the annotator's classes and a negative seed are named."""
    with pytest.raises(ValueError, match="labels from 0 to 5, but got 2 to 7"):
        name_classes([2, 7], annotator=PERFECT, seed=0)
    with pytest.raises(ValueError, match="seed"):
        annotate(grid(20.0, n=2), annotator=PERFECT, seed=-1)


def test_answers_follow_their_definitions():
    """The aggregate is a most frequent answer, the worst a wrong one where there is one, and rates are kept."""
    answers = synthetic.simulate_answers(4000, rates=(0.2, 0.3, 0.4), seed=0, num_classes=4)
    for column in range(200):
        said = answers.votes[:, column].tolist()
        assert said.count(answers.aggregate[column]) == max(map(said.count, said))
        wrong = [one for one in said if one != answers.clean[column]]
        assert answers.worst[column] in (wrong or [answers.clean[column]])
    rates = (answers.votes != answers.clean).mean(axis=1)
    np.testing.assert_allclose(rates, (0.2, 0.3, 0.4), atol=0.03)
    assert answers.crowd.shape == (4000, 4) and (answers.crowd.sum(axis=1) == 50).all()
    again = synthetic.simulate_answers(4000, rates=(0.2, 0.3, 0.4), seed=0, num_classes=4)
    assert (again.votes == answers.votes).all() and (again.aggregate == answers.aggregate).all()


def test_hard_images_make_people_slip_together():
    """The correlation of slips, the error rates and the share of equal wrong answers are those asked for."""
    answers = synthetic.simulate_answers(20_000, rates=(0.2, 0.2), seed=1, shared=0.3, alike=0.5)
    wrong = answers.votes != answers.clean
    np.testing.assert_allclose(wrong.mean(axis=1), 0.2, atol=0.02)
    assert np.corrcoef(wrong)[0, 1] == pytest.approx(0.3, abs=0.03)
    same = (answers.votes[0] == answers.votes[1])[wrong.all(axis=0)].mean()
    assert same == pytest.approx((0.5 + 0.5 / 9) ** 2 + 8 * (0.5 / 9) ** 2, abs=0.04)
    alone = synthetic.simulate_answers(20_000, rates=(0.2, 0.2), seed=1)
    assert np.corrcoef(alone.votes != alone.clean)[0, 1] == pytest.approx(0, abs=0.03)
    with pytest.raises(ValueError, match="rates"):
        synthetic.simulate_answers(5, rates=(0.2, 1.2), seed=0)
