"""Plain reference for the boundary F score of Csurka et al. 2013 (BF, `bfscore`).

For a class of an image: precision is the share of the predicted boundary pixels whose Euclidean distance to the true
boundary is less than the tolerance, recall the share of the true ones near the predicted boundary, F = 2PR / (P + R).
The tolerance is 0.75 % of the image diagonal, not rounded, or a number of pixels. Only classes of the truth are scored;
an image is the mean over its classes, the split is the mean over its images.

Distances are compared exactly, squared and as fractions: 480 × 640 has a tolerance of 6, and 400 × 400 one of √18, the
distance of the offset (3, 3). In floats that is a matter of how the product is written; 400 × 800 misses √45.

A class of the truth scores 0 where its boundary or that of its prediction is empty; where both are empty (a class that
fills the image while the frame bounds nothing) it is left out. Every score is an exact fraction, turned into the
nearest float once; means are math.fsum over floats.

Not in the sources: void. It is cut out of both maps before their boundaries are taken, as DAVIS does it. The image
border could not be told apart in the published numbers; the default is that of a perimeter padded with 0.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from fractions import Fraction
from typing import Literal, NamedTuple

import numpy as np

from .boundary_maps import Border, Definition, Real, boundary, class_mask, exact, near, offsets


class Rules(NamedTuple):
    """What may differ between two boundary F scores."""

    tolerance_diagonal: Real = Fraction(3, 400)
    tolerance_px: Real | None = None  # instead of the share of the diagonal
    closed: bool = False  # whether a distance equal to the tolerance is a hit
    definition: Definition = "inner4"
    border: Border = "background"
    one_empty: Literal["zero", "skip"] = "zero"


class Counts(NamedTuple):
    """Boundary pixels, and those of them near the other boundary."""

    prediction_hits: int
    prediction: int
    truth_hits: int
    truth: int


class BoundaryResult(NamedTuple):
    mean: float  # over classes of the truth, then over images
    images: list[float]
    scores: list[dict[int, float]]  # by image, then by class
    per_class: dict[int, float]  # over images that hold the class
    class_mean: float  # of per_class
    pooled_per_class: dict[int, float]  # counts summed over images that hold the class
    pooled: float  # mean of those


DEFAULT = Rules()


def tolerance_squared(shape: tuple[int, ...], rules: Rules) -> Fraction:
    if rules.tolerance_px is not None:
        return exact(rules.tolerance_px) ** 2
    height, width = shape
    return exact(rules.tolerance_diagonal) ** 2 * (height * height + width * width)


def count(truth: np.ndarray, prediction: np.ndarray, rules: Rules = DEFAULT) -> Counts:
    """Compare the boundaries of two masks of one shape."""
    if truth.shape != prediction.shape:
        raise ValueError(f"size differs: truth {truth.shape}, prediction {prediction.shape}")
    around = offsets(tolerance_squared(truth.shape, rules), rules.closed)
    t, p = (boundary(mask, rules.definition, rules.border) for mask in (truth, prediction))
    hits = (p & near(t, around)).sum(), (t & near(p, around)).sum()
    return Counts(int(hits[0]), int(p.sum()), int(hits[1]), int(t.sum()))


def f_score(counts: Counts, one_empty: str = "zero") -> Fraction | None:
    """None is left out of every mean."""
    if not counts.truth or not counts.prediction:
        neither = counts.truth == counts.prediction
        return None if neither or one_empty == "skip" else Fraction(0)
    precision = Fraction(counts.prediction_hits, counts.prediction)
    recall = Fraction(counts.truth_hits, counts.truth)
    return 2 * precision * recall / (precision + recall) if precision + recall else Fraction(0)


def image_counts(
    truth: np.ndarray, prediction: np.ndarray, classes: Iterable[int], void_ids: Collection[int], rules: Rules
) -> dict[int, Counts]:
    """The counts of every class that the truth holds."""
    found = {}
    for c in classes:
        mask = class_mask(truth, c, truth, void_ids)
        if mask.any():
            found[c] = count(mask, class_mask(prediction, c, truth, void_ids), rules)
    return found


def mean(values: Collection[float]) -> float:
    return math.fsum(values) / len(values) if values else math.nan


def defined(counts: dict[int, Counts], rules: Rules) -> dict[int, float]:
    scores = {c: f_score(one, rules.one_empty) for c, one in counts.items()}
    return {c: float(f) for c, f in scores.items() if f is not None}


def evaluate(
    truths: Sequence[np.ndarray],
    predictions: Sequence[np.ndarray],
    classes: Sequence[int],
    void_ids: Collection[int] = (),
    rules: Rules = DEFAULT,
) -> BoundaryResult:
    """Score label maps; `bfscore` leaves the background out of `classes`."""
    counts = [image_counts(t, p, classes, void_ids, rules) for t, p in zip(truths, predictions, strict=True)]
    scores = [defined(one, rules) for one in counts]
    images = [mean(one.values()) for one in scores]
    shown = [c for c in classes if any(c in one for one in scores)]
    per_class = {c: mean([one[c] for one in scores if c in one]) for c in shown}
    pooled = {
        c: Counts(*map(sum, zip(*[one[c] for one in counts if c in one], strict=True)))
        for c in classes
        if any(c in one for one in counts)
    }
    pooled_per_class = defined(pooled, rules)
    return BoundaryResult(
        mean=mean([value for value in images if not math.isnan(value)]),
        images=images,
        scores=scores,
        per_class=per_class,
        class_mean=mean(per_class.values()),
        pooled_per_class=pooled_per_class,
        pooled=mean(pooled_per_class.values()),
    )
