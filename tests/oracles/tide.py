"""Plain reference for TIDE (Bolya et al. 2020), in the form of tidecv 1.0.1 (quantify.py, ap.py, main_errors.py).

In each image the 100 surest detections of all classes, surest first, take the instance of their class that they overlap
most among those left, when the IoU is at least 0.5. One that takes nothing but lies in a crowd of its class (more than
half of itself) is left out of AP; it is an error none the less. The first of these that holds says what a detection
without an instance is: Loc, the best IoU with an instance of its class, taken or not, is from 0.1 to 0.5, both
included; Cls, the best with one of another class is at least 0.5; Dupe, with a taken one of its class at least 0.5;
Bkg, with any at most 0.1; Both. In an image without instances all are Bkg.

To correct Loc and Cls is to make the surest detection of each instance that is still free right, in the class of the
instance, and to take away the others; to correct Dupe, Bkg and Both is to take them away. Miss is an instance not taken
which neither Loc nor Cls would correct; to correct it is not to count it. What AP gains, if anything, is the cost.
FalsePos has all that is wrong after all that is right, FalseNeg counts none that was not taken.

AP is a percentage: the mean over 101 recalls k/100 of the best precision there or further on, and over classes that
have instances or detections; 0 for those that have no instance. Equal scores stay in the order of images and files, but
with anything corrected all errors come first. Scores must be above -1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from pycocotools import mask as coco_mask

KINDS = ("Cls", "Loc", "Both", "Dupe", "Bkg", "Miss")
#: The least IoU of what is right, the most of what is background, and detections an image.
RIGHT, BACKGROUND, MOST = 0.5, 0.1, 100


class Truth(NamedTuple):
    """The shape is a box x, y, width, height, or a mask of pycocotools; None, of a crowd, is the whole image."""

    image: int
    label: int
    shape: object
    crowd: bool = False


class Found(NamedTuple):
    image: int
    label: int
    shape: object
    score: float


class Point(NamedTuple):
    """What counts in the AP of a class."""

    label: int
    score: float
    right: bool


@dataclass
class Instance:
    label: int
    taken: bool = False
    #: The surest error that could be made right with it.
    surest: Error | None = None


@dataclass
class Error:
    """A detection without an instance, or, of the kind Miss, an instance without a detection."""

    kind: str
    label: int
    score: float = math.nan
    left_out: bool = False
    instance: Instance | None = None

    def as_found(self) -> list[Point]:
        return [] if self.left_out or self.kind == "Miss" else [Point(self.label, self.score, False)]

    def corrected(self) -> list[Point]:
        if self.instance is None or self.kind == "Miss" or self.instance.surest is not self:
            return []
        return [Point(self.instance.label, self.score, True)]


class Outcome(NamedTuple):
    #: Detections that count, in order.
    points: list[Point]
    errors: list[Error]
    instances: list[Instance]


class Result(NamedTuple):
    ap: float
    counts: dict[str, int]
    costs: dict[str, float]


def evaluate(truth: Sequence[Truth], results: Sequence[Found], images: Sequence[int]) -> Result:
    """AP in percent, how many errors of each kind, and their costs; NaN when no class is left."""
    outcome = Outcome([], [], [])
    for image in images:
        look([t for t in truth if t.image == image], [r for r in results if r.image == image], outcome)
    ap = mean_ap(outcome.points, [one.label for one in outcome.instances])
    costs = {kind: gain(corrected(outcome, kind), ap) for kind in KINDS}
    as_found = rearranged(outcome, lambda error: error.as_found())
    extremes = [Point(p.label, float(p.right), p.right) for p in as_found]
    costs["FalsePos"] = mean_ap(extremes, [one.label for one in outcome.instances]) - ap
    costs["FalseNeg"] = mean_ap(as_found, [one.label for one in outcome.instances if one.taken]) - ap
    return Result(ap, {kind: sum(error.kind == kind for error in outcome.errors) for kind in KINDS}, costs)


def look(truth: list[Truth], results: list[Found], outcome: Outcome) -> None:
    """Add what one image holds to the outcome."""
    solid = [t for t in truth if not t.crowd]
    instances = [Instance(t.label) for t in solid]
    found = sorted(results, key=lambda r: -r.score)[:MOST]
    overlap = overlaps(found, [t.shape for t in solid], crowd=False)
    own = overlap * np.array([[r.label == t.label for t in solid] for r in found]).reshape(overlap.shape)
    takes = matches(own, instances)
    for i, one in enumerate(found):
        left_out = not takes[i] and any(covers(t, one) for t in truth if t.crowd)
        if not left_out:
            outcome.points.append(Point(one.label, one.score, takes[i]))
        if not takes[i]:
            outcome.errors.append(error_of(one, left_out, overlap[i], own[i], instances))
    outcome.instances.extend(instances)
    outcome.errors.extend(Error("Miss", t.label) for t in instances if not t.taken and t.surest is None)


def overlaps(found: Sequence[Found], shapes: Sequence[object], *, crowd: bool) -> np.ndarray:
    if not found or not shapes:
        return np.zeros((len(found), len(shapes)))
    return np.asarray(coco_mask.iou([r.shape for r in found], list(shapes), [crowd] * len(shapes)))


def matches(own: np.ndarray, instances: list[Instance]) -> list[bool]:
    """Whether each detection takes an instance, of equally good ones the first."""
    left = own.copy()
    takes = []
    for row in left:
        best = int(row.argmax()) if len(instances) else -1
        takes.append(best >= 0 and bool(row[best] >= RIGHT))
        if takes[-1]:
            instances[best].taken = True
            left[:, best] = 0
    return takes


def covers(crowd: Truth, one: Found) -> bool:
    if crowd.label != one.label:
        return False
    return crowd.shape is None or bool(overlaps([one], [crowd.shape], crowd=True)[0, 0] > RIGHT)


def error_of(one: Found, left_out: bool, overlap: np.ndarray, own: np.ndarray, instances: list[Instance]) -> Error:
    """The error that a detection without an instance is."""
    error = Error("Bkg", one.label, one.score, left_out)
    if not instances:
        return error
    others = overlap * np.array([t.label != one.label for t in instances])
    taken = own * np.array([t.taken for t in instances])
    if BACKGROUND <= own.max() <= RIGHT:
        error.kind = "Loc"
        claim(error, instances[int(own.argmax())])
    elif others.max() >= RIGHT:
        error.kind = "Cls"
        claim(error, instances[int(others.argmax())])
    elif taken.max() >= RIGHT:
        error.kind = "Dupe"
    elif overlap.max() > BACKGROUND:
        error.kind = "Both"
    return error


def claim(error: Error, instance: Instance) -> None:
    """An instance that is taken makes nothing right any more; of equally sure errors the first has it."""
    if instance.taken:
        return
    error.instance = instance
    if instance.surest is None or error.score > instance.surest.score:
        instance.surest = error


def rearranged(outcome: Outcome, form: Callable[[Error], list[Point]]) -> list[Point]:
    """All errors in a form, and after them what is right."""
    return [point for error in outcome.errors for point in form(error)] + [p for p in outcome.points if p.right]


def corrected(outcome: Outcome, kind: str) -> float:
    """AP without the errors of a kind."""
    points = rearranged(outcome, lambda error: error.corrected() if error.kind == kind else error.as_found())
    counted = [one for one in outcome.instances if kind != "Miss" or one.taken or one.surest is not None]
    return mean_ap(points, [one.label for one in counted])


def gain(ap: float, before: float) -> float:
    """NaN stays NaN."""
    return 0.0 if ap < before else ap - before


def mean_ap(points: Sequence[Point], instances: Sequence[int]) -> float:
    """The mean over classes that points or instances have; in what order it is added up is not defined."""
    known = {p.label for p in points} | set(instances)
    values = [class_ap([p for p in points if p.label == k], list(instances).count(k)) for k in sorted(known)]
    return math.fsum(values) / len(values) if values else math.nan


def class_ap(points: Sequence[Point], n_instances: int) -> float:
    if not n_instances:
        return 0.0
    right = np.cumsum([p.right for p in sorted(points, key=lambda p: -p.score)]).astype(float)
    precision = right / np.arange(1, len(right) + 1)
    recall = right / n_instances
    best = [float(precision[recall >= k / 100].max(initial=0.0)) for k in range(101)]
    return sum(best) / 101 * 100
