"""Boundary IoU of label maps: the IoU of what lies along the inside of each class's boundary."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Self

from segbench.errors import BadParameter
from segbench.frozen import dataclass
from segbench.kernels.bands import COLUMNS, band_counts
from segbench.labels import LabelSpace
from segbench.metrics.contour import ContourMetric, ContourPool, Cut, Numbers
from segbench.metrics.indices import CodePair
from segbench.metrics.rules import AbsentRule, FpOnlyRule, Value
from segbench.metrics.states import State


@dataclass(frozen=True)
class BandCut(Cut):
    """Pixels of each class along its boundary, in truth, prediction and both.

    Parameters
    ----------
    width_diagonal : float
        Width of the bands as a share of the image diagonal.
    """

    n_columns: ClassVar[int] = len(COLUMNS)

    width_diagonal: float

    def __str__(self) -> str:
        return f"band({self.width_diagonal})"

    def width_px(self, shape: tuple[int, ...]) -> int:
        """Return the width in an image of a `shape`: at least 1, half a pixel rounded to even as officially."""
        rows, columns = shape
        return max(1, round(self.width_diagonal * math.sqrt(rows * rows + columns * columns)))

    def count(self, pair: CodePair) -> Numbers:
        """Return pixels of each class of a `pair` and of its bands, see `band_counts`."""
        return band_counts(
            truth=pair.truth,
            prediction=pair.prediction,
            n_classes=pair.n_classes,
            width_px=self.width_px(pair.truth.shape),
        )


@dataclass(frozen=True)
class MeanBoundaryIou(ContourMetric):
    """Mean Boundary IoU: the IoU of the pixels of a class that lie at most a width from its boundary.

    The band of a class are its pixels whose distance to another class or to the outside of the image, by the larger
    coordinate, is at most the width: max(1, round(share · diagonal)), half to even. Objects narrower than two widths
    are all band, and score their IoU.

    Parameters
    ----------
    pool : {'image', 'class_then_image', 'dataset'}
        ``dataset`` adds the counts of all images before dividing. ``image`` takes the mean over classes in each image,
        then over images; its per-class values are means over the images where the class is defined.
        ``class_then_image`` is the mean of those per-class values.
    width_diagonal : float
        The width as a share of the image diagonal: 0.02 as for COCO and LVIS, 0.005 as for Cityscapes.
    absent : {'propagate', 'skip', 'zero', 'one'}
        A class with neither truth nor prediction makes itself and the mean undefined (``propagate``), is left out
        (``skip``), or scores ``zero`` or ``one``.
    fp_only : {'count', 'skip'}
        A class that is predicted but never true scores zero (``count``) or is left out (``skip``).

    References
    ----------
    Cheng et al., Boundary IoU: Improving Object-Centric Image Segmentation Evaluation, CVPR 2021.

    Examples
    --------
    >>> from segbench import mean_boundary_iou
    >>> truth, prediction = [[0, 1, 1, 1, 0, 0]], [[0, 0, 0, 1, 1, 1]]
    >>> mean_boundary_iou(truth=truth, prediction=prediction, space=2).per_class  # one row: all is band
    {'0': 0.2, '1': 0.2}
    """

    name: ClassVar[str] = "mean_boundary_iou"
    formula: ClassVar[str] = "mean over classes of |G ∩ P| / |G ∪ P|, G and P the bands of truth and prediction"

    pool: ContourPool = "dataset"
    width_diagonal: float = 0.02
    absent: AbsentRule = "skip"
    fp_only: FpOnlyRule = "count"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.width_diagonal <= 1:
            found = f"{self.name}: width_diagonal={self.width_diagonal}"
            raise BadParameter(found, expected="a finite number (float) from 0 to 1")

    def cut(self) -> BandCut:
        """Return the bands that are compared."""
        return BandCut(self.width_diagonal)

    def where_defined(self) -> Self:
        """Return the same metric with absent classes left out."""
        return replace(self, absent="skip")

    def undefined_classes(self, state: State, space: LabelSpace) -> list[str]:
        """Return the names of the classes of a `space` that a `state` has in neither truth nor prediction."""
        pixels = state.counts(str(self.cut())).values[..., :2].sum(axis=(0, 2)).tolist()
        return [space.names[i] for i in space.select(self.classes) if not pixels[i]]

    def class_value(self, true: Sequence[int], untrue: Sequence[int]) -> Value:
        """Return the IoU of both bands of a class; see `ContourMetric.class_value`."""
        counts = dict(zip(COLUMNS, map(sum, zip(true, untrue, strict=True)), strict=True))
        truth, prediction, both = counts["truth_band"], counts["prediction_band"], counts["both"]
        if not truth and not prediction:
            return {"propagate": math.nan, "zero": 0.0, "one": 1.0}.get(self.absent)
        if not truth and self.fp_only == "skip":
            return None
        return both / (truth + prediction - both)


METRICS: tuple[type[ContourMetric], ...] = (MeanBoundaryIou,)
