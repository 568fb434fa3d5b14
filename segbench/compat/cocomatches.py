"""Detections matched with true instances, image by image and class by class, and how each is noted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.compat.cocosides import Flags, Floats, FoundRows, Integers, TrueRows, refuse_sizes
from segbench.frozen import dataclass
from segbench.kernels.detection import match, order
from segbench.kernels.outcomes import FALSE, LEFT_OUT, TRUE
from segbench.kernels.overlap import box_iou, mask_iou
from segbench.kernels.runs import starts_of
from segbench.metrics.inner_bands import inner_bands


@dataclass(frozen=True)
class Rules:
    """How detections are matched.

    Parameters
    ----------
    thresholds : ndarray of float64, shape (n_thresholds,)
        The least overlap of a match.
    limits : ndarray of float64, shape (n_areas, 2)
        The least and the largest area of each range.
    most : int
        Detections of an image and class that count.
    width_diagonal : float, optional
        Width of inner bands as a share of the image diagonal, where these are compared as well.
    """

    thresholds: Floats
    limits: Floats
    most: int
    width_diagonal: float | None = None


@dataclass(frozen=True)
class Matched:
    """What became of all detections that count, by class, then image, the surest first.

    Parameters
    ----------
    truth : TrueRows
        By class, then image.
    found : FoundRows
        In the order of the rows.
    cells : ndarray of int64, shape (n_cells, 2)
        The class and the image of each group that holds anything.
    truth_offsets, found_offsets, pair_offsets : ndarray of int64, shape (n_cells + 1,)
        Where the rows and the pairs of each group begin.
    ious : ndarray of float64, shape (n_pairs,)
        Overlaps: of each detection with each true instance of its group.
    outcomes : ndarray of uint8, shape (n_found, n_areas, n_thresholds)
        0 wrong, 1 right, 2 neither.
    taken : ndarray of int32, shape (n_found, n_areas, n_thresholds)
        Row of the true instance that is taken, -1 for none.
    left_out : ndarray of bool, shape (n_truth, n_areas)
        Which true instances do not count.
    """

    truth: TrueRows
    found: FoundRows
    cells: Integers
    truth_offsets: Integers
    found_offsets: Integers
    pair_offsets: Integers
    ious: Floats
    outcomes: NDArray[np.uint8]
    taken: NDArray[np.int32]
    left_out: Flags

    @property
    def ranks(self) -> Integers:
        """The place of each detection in its group."""
        return np.arange(len(self.found.ids)) - np.repeat(self.found_offsets[:-1], np.diff(self.found_offsets))

    @property
    def positives(self) -> Integers:
        """How many true instances of each group count, by area, of shape (n_cells, n_areas)."""
        sums = np.concatenate([np.zeros((1, self.left_out.shape[1]), np.int64), np.cumsum(~self.left_out, axis=0)])
        counts: Integers = sums[self.truth_offsets[1:]] - sums[self.truth_offsets[:-1]]
        return counts

    def overlaps(self) -> Iterator[tuple[int, int, Floats]]:
        """Yield class, image and overlaps of each group that has both, of shape (n_found, n_truth)."""
        for g, (label, image) in enumerate(self.cells.tolist()):
            shape = self.found_offsets[g + 1] - self.found_offsets[g], self.truth_offsets[g + 1] - self.truth_offsets[g]
            if shape[0] and shape[1]:
                yield label, image, self.ious[self.pair_offsets[g] : self.pair_offsets[g + 1]].reshape(shape)

    def notes(self) -> Iterator[tuple[int, int, int, dict[str, Any]]]:
        """Yield class, area, image and what `COCOeval.evalImgs` says of each group that holds anything."""
        for g, (label, image) in enumerate(self.cells.tolist()):
            true = slice(*self.truth_offsets[g : g + 2].tolist())
            found = slice(*self.found_offsets[g : g + 2].tolist())
            for area in range(self.left_out.shape[1]):
                yield label, area, image, self._note(true, found, area)

    def _note(self, true: slice, found: slice, area: int) -> dict[str, Any]:
        left_out = self.left_out[true, area]
        places = np.argsort(left_out, kind="stable")
        taken = self.taken[found, area].T
        n_thresholds, n_found = taken.shape
        ids, found_ids = self.truth.ids[true], self.found.ids[found]
        matches, matched_by = np.zeros((n_thresholds, n_found)), np.zeros((n_thresholds, len(ids)))
        thresholds, columns = np.nonzero(taken >= 0)
        truths = taken[thresholds, columns] - true.start
        matches[thresholds, columns] = ids[truths]
        # Of a crowd that several have taken, the last one is noted: assignments are made in order.
        matched_by[thresholds, truths] = found_ids[columns]
        return {
            "dtIds": found_ids.tolist(),
            "gtIds": ids[places].tolist(),
            "dtMatches": matches,
            "gtMatches": matched_by[:, places],
            "dtScores": self.found.scores[found].tolist(),
            "gtIgnore": left_out[places].astype(np.int64),
            "dtIgnore": (self.outcomes[found, area] == LEFT_OUT).T,
        }


def matched(truth: TrueRows, found: FoundRows, rules: Rules, n_images: int) -> Matched:
    """Match detections.

    Parameters
    ----------
    truth : TrueRows
        The true instances.
    found : FoundRows
        The detections.
    rules : Rules
        How.
    n_images : int
        How many images there are.

    Returns
    -------
    Matched
        A row for each detection that counts.

    Raises
    ------
    ShapeMismatch
        When masks of an image differ in size.
    """
    refuse_sizes(truth, found)
    true, best, cells, ends = _grouped(truth, found, rules.most, n_images)
    ious, pair_offsets = _overlaps(true, best, rules, ends)
    outcomes, taken = match(
        ious=ious,
        pair_offsets=pair_offsets,
        truth_offsets=ends[0],
        prediction_offsets=ends[1],
        truth_areas=true.areas,
        prediction_areas=best.areas,
        truth_ignored=true.ignored,
        truth_reusable=true.crowd,
        prediction_excused=np.zeros(len(best.ids), np.bool_),
        area_ranges=rules.limits,
        thresholds=rules.thresholds,
    )
    _spoil_zero_ids(true, best, rules, outcomes, taken)
    left_out = true.ignored[:, None] | _outside(true.areas, rules.limits)
    return Matched(true, best, cells, *ends, pair_offsets, ious, outcomes, taken, left_out)


def _grouped(
    truth: TrueRows, found: FoundRows, most: int, n_images: int
) -> tuple[TrueRows, FoundRows, Integers, tuple[Integers, Integers]]:
    """Return both sides by class and image, which groups there are, and where the rows of each begin."""
    codes = [side.classes * n_images + side.images for side in (truth, found)]
    cells, groups = np.unique(np.concatenate(codes), return_inverse=True)
    of_truth, of_found = groups[: len(codes[0])], groups[len(codes[0]) :]
    rows, offsets = order(found.scores, of_found, len(cells))
    kept = np.arange(len(rows)) - np.repeat(offsets[:-1], np.diff(offsets)) < most
    ends = (
        starts_of(np.bincount(of_truth, minlength=len(cells))),
        starts_of(np.minimum(np.diff(offsets), most)),
    )
    by_group = np.argsort(of_truth, kind="stable")
    pairs = np.stack(np.divmod(cells, max(1, n_images)), axis=1)
    return truth.take(by_group), found.take(rows[kept]), pairs, ends


def _overlaps(
    truth: TrueRows, found: FoundRows, rules: Rules, ends: tuple[Integers, Integers]
) -> tuple[Floats, Integers]:
    offsets = {"truth_offsets": ends[0], "prediction_offsets": ends[1]}
    if truth.masks is None or found.masks is None:
        return box_iou(truth=truth.boxes, prediction=found.boxes, crowd=truth.crowd, **offsets)
    ious, pair_offsets = mask_iou(truth=truth.masks, prediction=found.masks, crowd=truth.crowd, **offsets)
    if rules.width_diagonal is not None:
        bands = [inner_bands(masks, rules.width_diagonal) for masks in (truth.masks, found.masks)]
        of_bands, _ = mask_iou(truth=bands[0], prediction=bands[1], crowd=truth.crowd, **offsets)
        # Within a crowd the boundary says nothing: its mask alone decides.
        ious = np.where(_of_crowds(truth.crowd, pair_offsets, ends[0]), ious, np.minimum(ious, of_bands))
    return ious, pair_offsets


def _of_crowds(crowd: Flags, pair_offsets: Integers, truth_offsets: Integers) -> Flags:
    """Return for each pair whether its true instance is a crowd."""
    groups = np.repeat(np.arange(len(pair_offsets) - 1), np.diff(pair_offsets))
    places = np.arange(len(groups)) - pair_offsets[groups]
    of_pairs: Flags = crowd[truth_offsets[groups] + places % np.diff(truth_offsets)[groups]]
    return of_pairs


def _outside(areas: Floats, limits: Floats) -> Flags:
    """Return which areas lie outside of which limits, of shape (n, n_areas)."""
    outside: Flags = (areas[:, None] < limits[:, 0]) | (areas[:, None] > limits[:, 1])
    return outside


def _spoil_zero_ids(
    truth: TrueRows, found: FoundRows, rules: Rules, outcomes: NDArray[np.uint8], taken: NDArray[np.int32]
) -> None:
    """Take matches with an annotation of id 0 back, as the official tool does, for which 0 is no match."""
    if (truth.ids != 0).all():
        return
    spoiled = (taken >= 0) & (truth.ids == 0)[taken] & (outcomes == TRUE)
    outside = np.broadcast_to(_outside(found.areas, rules.limits)[:, :, None], outcomes.shape)
    outcomes[spoiled] = np.where(outside[spoiled], LEFT_OUT, FALSE)
