"""Where signs stand, and what of them is seen: the truth of version 2."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from course_utils.synthetic.layers import LORRY_WIDTH, Layer, covered, occluder_layer, pole_layer, sign_layer
from course_utils.synthetic.settings import SceneSettings
from course_utils.synthetic.signs import CLASSES
from course_utils.synthetic.town import FOCAL, KERB, SIGN_SIDE, WALL, Occluder, Sign, View, make_sign

LEAST_VISIBLE = 0.6  # share of a sign that other signs leave free
LEAST_OCCLUDED = 0.3  # share that a lorry or branch leaves free; a sign of which less would show is not drawn at all
MOST_OCCLUDED = 0.9  # share above which what stands before the sign does not count as hiding it
TRIES = 4  # places tried for a sign, and for what stands before it
CLOSER = 0.92  # distance of what stands before a sign, as share of the distance it is looked at from
LEAST_PIXELS = 4  # of a mask: less is a speck
LORRY_ROOF = (1.3, 1.9)  # metres above the eye
NEAREST_SIGN = 3.0  # metres: nearer ones would have to stand on the road
BEFORE_WALL = WALL - 0.2  # metres from the middle of the road
WIDEST_LORRY = 0.5  # share of the picture's side; before a nearer sign hangs a branch


@dataclass(frozen=True)
class Seen:
    """A sign in the picture: its class, visible mask bool (H, W), and the share of the whole sign that this is."""

    label: int
    mask: np.ndarray
    share: float


class Stage:
    """Layers from near to far, with what they already hide: each new one stands behind all that came before."""

    def __init__(self, view: View, strength: float) -> None:
        self.view, self.strength = view, strength
        self.hidden = np.zeros((view.size, view.size), dtype=bool)
        self.layers: list[Layer] = []
        self.signs: list[Seen] = []

    def look(self, sign: Sign, before: Occluder | None = None) -> tuple[Seen, list[Layer]]:
        """What would be seen of a sign, with `before` in front of it; and the layers, from near to far."""
        z = sign.z - self.view.travelled
        layers = [] if before is None else [occluder_layer(before, self.view, before.z - self.view.travelled)]
        face = sign_layer(sign, self.view, z, self.strength)
        mask = covered(face, self.view.size) & ~self.hidden
        for layer in layers:
            mask &= ~covered(layer, self.view.size)
        whole = int((face.paint[..., 3] >= 0.5).sum())
        share = float(mask.sum() / whole) if whole else 0.0
        return Seen(sign.label, mask, share), [*layers, face, pole_layer(sign, self.view, z)]

    def add(self, seen: Seen, layers: list[Layer]) -> None:
        """Keep a sign and all that belongs to it."""
        self.signs.append(seen)
        self.hide(layers)

    def hide(self, layers: list[Layer]) -> None:
        """Keep layers, from near to far, before all that comes later."""
        for layer in layers:
            self.layers.append(layer)
            self.hidden |= covered(layer, self.view.size)


def place_signs(rng: np.random.Generator, stage: Stage, settings: SceneSettings) -> None:
    """Put up to `max_signs` signs on the stage, near ones first; one that finds no free place is left out."""
    tried = rng.integers(1, settings.max_signs + 1) if settings.max_signs else 0
    hiding = rng.spawn(1)[0]  # what stands before signs moves no sign
    for z, side in sorted(_draw_sizes(rng, settings.sign_share) for _ in range(tried)):
        label = CLASSES.index(settings.classes[rng.integers(len(settings.classes))])
        hide = hiding.random() < settings.occlusion
        for _ in range(TRIES):
            sign = _stand_sign(rng, label, z, side, stage.view)
            seen, layers = stage.look(sign)
            if seen.share >= LEAST_VISIBLE and seen.mask.sum() >= LEAST_PIXELS:
                stage.add(*(_hide_sign(hiding, stage, sign) if hide else None) or (seen, layers))
                break


def _draw_sizes(rng: np.random.Generator, sign_share: tuple[float, float]) -> tuple[float, float]:
    """Distance and side of a sign, metres, whose share of the picture's side is in the range: small ones may be far."""
    share = float(np.exp(rng.uniform(*np.log(sign_share))))
    least = min(max(SIGN_SIDE[0], NEAREST_SIGN * share / FOCAL), SIGN_SIDE[1])
    side = float(np.exp(rng.uniform(*np.log((least, SIGN_SIDE[1])))))
    return FOCAL * side / share, side


def _stand_sign(rng: np.random.Generator, label: int, z: float, metres: float, view: View) -> Sign:
    """A sign z metres ahead, at the roadside, before the houses, and in the picture."""
    side = metres * view.scale(z)
    up = min(rng.uniform(0.1, 0.8) * side, view.horizon - 0.55 * side)  # pixels; its top stays in the picture
    kerb = KERB * 1.1 * view.scale(z)
    reach = {-1: view.vanishing - 0.55 * side, 1: view.size - 0.55 * side - view.vanishing}
    direction = int(rng.choice([way for way in reach if reach[way] > kerb] or [max(reach, key=reach.get)]))
    # Near signs have little room between kerb and border: they may stand over the kerb, lest all stand in one spot.
    farthest = min(reach[direction], BEFORE_WALL * view.scale(z))
    across = direction * rng.uniform(min(kerb, farthest - 0.4 * side), farthest)
    return make_sign(rng, label, (across / view.scale(z), up / view.scale(z), z), metres)


def _hide_sign(rng: np.random.Generator, stage: Stage, sign: Sign) -> tuple[Seen, list[Layer]] | None:
    """The sign with something in front of it that leaves 30 to 90 % of it free; None where nothing fits."""
    narrow = LORRY_WIDTH * stage.view.scale(sign.z) < WIDEST_LORRY * stage.view.size
    for _ in range(TRIES):
        before = make_occluder(rng, sign, sign.z, narrow=narrow)
        seen, layers = stage.look(sign, before)
        if LEAST_OCCLUDED <= seen.share <= MOST_OCCLUDED and seen.mask.sum() >= LEAST_PIXELS:
            return seen, layers
    return None


def make_occluder(rng: np.random.Generator, sign: Sign, distance: float, *, narrow: bool) -> Occluder:
    """A lorry on the road's side of a sign, where one would be narrow enough, or a branch from anywhere above.

    It is where it hides the sign for who looks from `distance` metres.
    """
    look, z = int(rng.integers(1 << 31)), sign.z - (1 - CLOSER) * distance
    if narrow and rng.random() < 0.5:
        edge = sign.x + sign.side * rng.uniform(-0.25, 0.25)  # how far across the sign the lorry reaches
        inner = edge - LORRY_WIDTH if sign.x > 0 else edge
        return Occluder("lorry", inner * CLOSER, max(rng.uniform(*LORRY_ROOF), sign.up * CLOSER + 0.5), z, look)
    angle, reach = float(-np.pi / 2 + rng.uniform(-1.2, 1.2)), float(rng.uniform(-0.15, 0.2))
    return Occluder("branch", sign.x * CLOSER, sign.up * CLOSER, z, look, angle, reach, sign.side)


def show_signs(stage: Stage, signs: list[tuple[Sign, Occluder | None]], sign_share: tuple[float, float]) -> None:
    """Put on the stage what is in view of a drive's signs; one of which too little would show is not drawn."""
    nearest, farthest = (FOCAL / share for share in reversed(sign_share))
    for sign, before in sorted(signs, key=lambda pair: pair[0].z):
        if not nearest * sign.side <= sign.z - stage.view.travelled <= farthest * sign.side:
            continue
        seen, layers = stage.look(sign, before)
        if seen.share >= LEAST_OCCLUDED and seen.mask.sum() >= LEAST_PIXELS:
            stage.add(seen, layers)
        elif before is not None:
            stage.hide(layers[:1])  # the branch is there all the same
