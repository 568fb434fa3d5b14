"""Precision and recall of all that was matched, in the tables of `COCOeval.eval`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.compat.cocomatches import Matched
from segbench.compat.cocosides import Flags, Floats, Integers
from segbench.errors import BadParameter
from segbench.frozen import dataclass
from segbench.kernels.detection import order, precision_recall
from segbench.kernels.outcomes import LEFT_OUT


@dataclass(frozen=True)
class Judged:
    """Detections as they are judged, by class, then image, the surest first.

    Parameters
    ----------
    images, classes, ranks : ndarray of int64, shape (n,)
        Places of image and class, and that of the detection among those of both.
    scores : ndarray of float64, shape (n,)
        How sure each is.
    outcomes : ndarray of uint8, shape (n, n_areas, n_thresholds)
        0 wrong, 1 right, 2 neither.
    cells : ndarray of int64, shape (n_cells, 2)
        Class and image of each group that holds anything.
    positives : ndarray of int64, shape (n_cells, n_areas)
        How many true instances of it count.
    """

    images: Integers
    classes: Integers
    ranks: Integers
    scores: Floats
    outcomes: NDArray[np.uint8]
    cells: Integers
    positives: Integers

    @classmethod
    def of(cls, matched: Matched) -> Judged:
        """Return what was `matched` as it is judged."""
        found = matched.found
        columns = found.images, found.classes, matched.ranks, found.scores
        return cls(*columns, matched.outcomes, matched.cells, matched.positives)

    @classmethod
    def of_notes(cls, notes: Sequence[Any], shape: tuple[int, int, int], n_thresholds: int) -> Judged:
        """Judge what `COCOeval.evalImgs` says.

        Parameters
        ----------
        notes : sequence of dict or None
            By class, area and image.
        shape : tuple of int
            How many of each there are.
        n_thresholds : int
            How many thresholds there are.

        Returns
        -------
        Judged
            The same.

        Raises
        ------
        BadParameter
            When there are more or less of them.
        """
        n_classes, n_areas, n_images = shape
        if len(notes) != n_classes * n_areas * n_images:
            expected = f"{n_classes} categories × {n_areas} areas × {n_images} images"
            raise BadParameter(f"evalImgs of {len(notes)} entries", expected=expected)
        by_cell = [
            (k, i, [notes[(k * n_areas + a) * n_images + i] for a in range(n_areas)])
            for k in range(n_classes)
            for i in range(n_images)
        ]
        by_cell = [cell for cell in by_cell if cell[2] and cell[2][0] is not None]
        cells = np.array([cell[:2] for cell in by_cell], np.int64).reshape(-1, 2)
        scores = [np.asarray(own[0]["dtScores"], np.float64) for _, _, own in by_cell]
        sizes = np.array([len(one) for one in scores], np.int64)
        of_cells = np.repeat(np.arange(len(cells)), sizes)
        outcomes = [np.stack([_outcomes(note) for note in own], axis=1) for _, _, own in by_cell]
        positives = [[np.count_nonzero(np.asarray(note["gtIgnore"]) == 0) for note in own] for _, _, own in by_cell]
        return cls(
            cells[of_cells, 1],
            cells[of_cells, 0],
            np.arange(len(of_cells)) - np.repeat(np.cumsum(sizes) - sizes, sizes),
            np.concatenate([np.zeros(0), *scores]),
            np.concatenate([np.zeros((0, n_areas, n_thresholds), np.uint8), *outcomes]),
            cells,
            np.array(positives, np.int64).reshape(-1, n_areas),
        )

    def within(self, images: Flags) -> Judged:
        """Return what was judged of some `images`."""
        if images.all():
            return self
        rows, cells = images[self.images], images[self.cells[:, 1]]
        return Judged(
            self.images[rows],
            self.classes[rows],
            self.ranks[rows],
            self.scores[rows],
            self.outcomes[rows],
            self.cells[cells],
            self.positives[cells],
        )

    def curves(self, n_classes: int, levels: Any, limits: Any) -> tuple[Floats, Floats, Floats]:
        """Return precision, recall and scores.

        Parameters
        ----------
        n_classes : int
            How many classes there are.
        levels : array_like of float, shape (n_levels,)
            Where precision is read.
        limits : array_like of int, shape (n_limits,)
            How many detections of an image and class count.

        Returns
        -------
        precision, recall, scores : ndarray of float64
            As in `segbench.kernels.detection.precision_recall`.
        """
        rows, offsets = order(self.scores, self.classes, n_classes)
        positives = np.zeros((n_classes, self.positives.shape[1]), np.int64)
        np.add.at(positives, self.cells[:, 0], self.positives)
        return precision_recall(
            outcomes=self.outcomes[rows],
            scores=self.scores[rows],
            ranks=self.ranks[rows],
            class_offsets=offsets,
            positives=positives,
            recall_thresholds=np.asarray(levels, np.float64),
            max_detections=np.asarray(limits, np.int64),
        )


def _outcomes(note: dict[str, Any]) -> NDArray[np.uint8]:
    """Return the outcomes of one note, of shape (n, n_thresholds)."""
    matches, ignored = np.asarray(note["dtMatches"]), np.asarray(note["dtIgnore"], np.bool_)
    return np.where(ignored, LEFT_OUT, matches != 0).astype(np.uint8).T
