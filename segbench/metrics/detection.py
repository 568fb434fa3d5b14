"""The tally of instances: which detections are right, at which size and overlap.

Rows are kept by image and place in the file, so that precision and recall are computed over all images at once, in
the order of the official tool.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.frozen import dataclass
from segbench.labels import LabelSpace
from segbench.metrics.annotations import Annotations, Detections, Integers, Labelled
from segbench.metrics.base import Content, Tally
from segbench.metrics.instance_samples import annotations_of, detections_of, image_number
from segbench.metrics.matching import matched, positives
from segbench.metrics.matchingrules import AREAS, Matching
from segbench.metrics.parts import Arrays, Counts, Rows
from segbench.metrics.states import State
from segbench.samples import Sample

#: The column of outcomes is named by this and its thresholds, of shape (n, 4, n_thresholds).
_OUTCOMES = "iou "


@dataclass(frozen=True)
class Demand:
    """What is asked of one way of matching.

    Parameters
    ----------
    thresholds : tuple of float
        The least IoU of a match, ascending.
    most : int
        Detections that count, as the rules of the matching say.
    """

    thresholds: tuple[float, ...]
    most: int


@dataclass(frozen=True)
class DetectionTally(Tally):
    """Matches the instances of each image.

    Parameters
    ----------
    space : LabelSpace
        The classes.
    demands : mapping of Matching to Demand
        What is asked of each way of matching.
    """

    space: LabelSpace
    demands: Mapping[Matching, Demand]

    def start(self) -> State:
        """Return no rows, and no true instance."""
        parts: dict[str, Rows | Counts] = {"annotations": Counts.zeros(1)}
        for matching, demand in self.demands.items():
            parts[str(matching)] = Rows(("image", "order"), [_no_rows(demand.thresholds)])
            parts[f"{matching} positives"] = Counts.zeros(len(self.space.evaluated), len(AREAS))
        return State(parts)

    def count_one(self, state: State, sample: Sample) -> Content:
        """Count one `sample` into a `state`; see `Tally.count_one`."""
        image = image_number(sample.key)
        truth = annotations_of(sample.truth, self.space, image)
        detections = detections_of(sample.prediction, self.space, image)
        counted = self.count_columns(state, truth, detections)
        return self.contents(truth, counted, np.array([image]))[0]

    def count_columns(
        self, state: State, truth: Annotations, detections: Detections, labelled: Labelled | None = None
    ) -> dict[str, Arrays]:
        """Count whole images into a state.

        Parameters
        ----------
        state : State
            Written to.
        truth : Annotations
            All true instances of the images, those of each image in the order of the file.
        detections : Detections
            All detections of the images, those of each image in the order of the file.
        labelled : Labelled, optional
            Where not every class is labelled in every image.

        Returns
        -------
        dict of str to dict of ndarray
            The rows of each way of matching, as `contents` takes them, and the positives of each image.
        """
        n = len(self.space.evaluated)
        state.counts("annotations").add(np.array([len(truth)], np.int64))
        counted: dict[str, Arrays] = {}
        by_class = np.zeros((n, len(AREAS)), np.int64)
        for matching, demand in self.demands.items():
            thresholds = np.array(demand.thresholds)
            found = matched(
                matching,
                truth,
                detections,
                thresholds=thresholds,
                most=demand.most,
                n_classes=n,
                labelled=labelled,
            )
            rows: Arrays = {
                "image": detections.images[found.rows],
                "order": detections.order[found.rows],
                "label": detections.classes[found.rows],
                "score": detections.scores[found.rows],
                "rank": found.ranks,
                _column(demand.thresholds): found.outcomes,
            }
            state.rows(str(matching)).add(**rows)
            images, classes, counts = positives(matching, truth, n)
            by_class[...] = 0
            np.add.at(by_class, classes, counts)
            state.counts(f"{matching} positives").add(by_class)
            counted[str(matching)] = rows
            counted[f"{matching} positives"] = {"image": images, "label": classes, "counts": counts}
        return counted

    def contents(self, truth: Annotations, counted: Mapping[str, Arrays], images: Integers) -> list[Content]:
        """Return what is recorded of each image.

        Parameters
        ----------
        truth : Annotations
            What was counted.
        counted : mapping of str to dict of ndarray
            What `count_columns` returned.
        images : ndarray of int64
            The numbers of the images.

        Returns
        -------
        list of dict
            One for each image: true instances, positives, and rows with their outcomes as hexadecimal digits.
        """
        contents: list[Content] = [{"annotations": n} for n in _per_image(truth.images, images)]
        ids = np.array([c.id for c in self.space.evaluated], np.int64)
        for matching, demand in self.demands.items():
            rows, cells = counted[str(matching)], counted[f"{matching} positives"]
            columns = (rows["order"], ids[rows["label"]], rows["score"], rows["rank"], _packed(rows, demand.thresholds))
            found = _by_image(rows["image"], columns, images)
            true = _by_image(cells["image"], (ids[cells["label"]], *cells["counts"].T), images)
            for content, image, mine, theirs in zip(contents, images.tolist(), true, found, strict=True):
                content[str(matching)] = {"image": image, "positives": mine, "detections": theirs}
        return contents

    def is_empty(self, state: State) -> bool:
        """Return whether the truth holds no instance at all."""
        return not state.counts("annotations").values[0]

    def add_record(self, state: State, content: Content) -> None:
        """Count one recorded image."""
        state.counts("annotations").add(np.array([content["annotations"]], np.int64))
        rows_of = {c.id: i for i, c in enumerate(self.space.evaluated)}
        for matching, demand in self.demands.items():
            recorded = content[str(matching)]
            counts = np.zeros((len(rows_of), len(AREAS)), np.int64)
            for label, *numbers in recorded["positives"]:
                counts[rows_of[label]] += numbers
            state.counts(f"{matching} positives").add(counts)
            state.rows(str(matching)).add(**_unpacked(recorded, rows_of, demand.thresholds))


def _no_rows(thresholds: Sequence[float]) -> Arrays:
    """Return the columns without a row: also of nothing it is known what was asked."""
    kinds = {"image": np.int64, "order": np.int64, "label": np.int64, "score": np.float64, "rank": np.int64}
    outcomes = np.zeros((0, len(AREAS), len(thresholds)), np.uint8)
    return {**{name: np.zeros(0, kind) for name, kind in kinds.items()}, _column(thresholds): outcomes}


def outcomes_of(columns: Arrays, thresholds: Sequence[float] | None, area: int) -> NDArray[np.uint8]:
    """Return the outcomes of rows at some thresholds.

    Parameters
    ----------
    columns : dict of str to ndarray
        The rows.
    thresholds : sequence of float, optional
        The thresholds; by default all that are counted.
    area : int
        Which of the areas.

    Returns
    -------
    ndarray of uint8, shape (n, 1, n_thresholds)
        0 wrong, 1 right, 2 neither.
    """
    of_area = columns[_outcomes_in(columns)][:, area]
    if thresholds is not None and (places := places_of(columns, thresholds)) != list(range(of_area.shape[1])):
        of_area = of_area[:, places]
    return np.ascontiguousarray(of_area)[:, None, :]


def places_of(columns: Arrays, thresholds: Sequence[float]) -> list[int]:
    """Return the place of each of some `thresholds` among those that rows with these `columns` were counted at."""
    counted = _outcomes_in(columns).removeprefix(_OUTCOMES).split()
    return [counted.index(repr(t)) for t in thresholds]


def _outcomes_in(columns: Arrays) -> str:
    return next(name for name in columns if name.startswith(_OUTCOMES))


def _column(thresholds: Sequence[float]) -> str:
    return _OUTCOMES + " ".join(map(repr, thresholds))


def _by_image(rows: Integers, columns: Sequence[NDArray[Any]], images: Integers) -> list[list[list[Any]]]:
    """Return the rows of each image, as lists of plain values, in the order of their images and then as they come."""
    by_image = np.argsort(rows, kind="stable")
    ordered = rows[by_image]
    listed = [list(row) for row in zip(*(column[by_image].tolist() for column in columns), strict=True)]
    starts, ends = np.searchsorted(ordered, images), np.searchsorted(ordered, images, side="right")
    return [listed[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]


def _per_image(rows: Integers, images: Integers) -> list[int]:
    ordered = np.sort(rows)
    counts: list[int] = (np.searchsorted(ordered, images, side="right") - np.searchsorted(ordered, images)).tolist()
    return counts


def _packed(rows: Arrays, thresholds: Sequence[float]) -> NDArray[Any]:
    """Return the outcomes of each row as text, a digit for each area and threshold."""
    outcomes = rows[_column(thresholds)]
    n = len(outcomes)
    # Written out, for -1 stands for nothing where there are no rows.
    digits = np.ascontiguousarray(outcomes.reshape(n, math.prod(outcomes.shape[1:])) + np.uint8(ord("0")))
    return digits.view(f"S{digits.shape[1]}").reshape(n).astype(np.str_)


def _unpacked(recorded: Content, rows_of: Mapping[int, int], thresholds: Sequence[float]) -> Arrays:
    found = recorded["detections"]
    n = len(found)
    width = len(AREAS) * len(thresholds)
    if any(len(row[4]) != width for row in found):
        raise ValueError("outcomes of another number of thresholds")
    digits = np.frombuffer("".join(row[4] for row in found).encode("ascii"), np.uint8) - np.uint8(ord("0"))
    outcomes = digits.reshape(n, len(AREAS), len(thresholds))
    return {
        "image": np.full(n, recorded["image"], np.int64),
        "order": np.array([row[0] for row in found], np.int64),
        "label": np.array([rows_of[row[1]] for row in found], np.int64),
        "score": np.array([row[2] for row in found], np.float64),
        "rank": np.array([row[3] for row in found], np.int64),
        _column(thresholds): outcomes,
    }


def thresholds_of(text: str | tuple[str, ...]) -> tuple[float, ...]:
    """Return the thresholds that a `text` asks for; ``coco`` are the ten of the official tool, to the last bit."""
    if text == "coco":
        return tuple(np.linspace(0.5, 0.95, 10).tolist())
    return tuple(float(part) for part in ((text,) if isinstance(text, str) else text))
