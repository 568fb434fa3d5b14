"""The boundary F score (BF) of label maps: the share of each class's boundary that lies near that of the other map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal, TypeAlias

from segbench.errors import BadParameter
from segbench.frozen import dataclass
from segbench.kernels.boundary import COLUMNS, boundary_counts
from segbench.metrics.contour import ContourMetric, Cut, Numbers
from segbench.metrics.indices import CodePair
from segbench.metrics.rules import FpOnlyRule, Value
from segbench.metrics.tolerance import Limit, reach_squared, rounded_up, squared_length, squared_pixels

Boundary: TypeAlias = Literal["inner4", "inner8", "thick", "seg2bmap"]
Border: TypeAlias = Literal["background", "nothing"]
Rounding: TypeAlias = Literal["none", "up"]


@dataclass(frozen=True)
class BoundaryCut(Cut):
    """Boundary pixels of both maps, and how many of each lie near the other's.

    Parameters
    ----------
    boundary, border, limit, rounding : str
        As the fields of `BoundaryF`.
    tolerance_diagonal, tolerance_px : float
        As the fields of `BoundaryF`.
    """

    n_columns: ClassVar[int] = len(COLUMNS)

    boundary: Boundary
    border: Border
    limit: Limit
    rounding: Rounding
    tolerance_diagonal: float
    tolerance_px: float

    def __str__(self) -> str:
        length = f"{self.tolerance_px}px" if self.tolerance_px else f"{self.tolerance_diagonal}"
        return f"boundary({self.boundary},{self.border},{length},{self.limit},{self.rounding})"

    def reach_squared(self, shape: tuple[int, ...]) -> int:
        """Return the largest squared distance of a hit in an image of a `shape`."""
        given = squared_length(self.tolerance_diagonal, shape)
        square = squared_pixels(self.tolerance_px) if self.tolerance_px else given
        return reach_squared(rounded_up(square) if self.rounding == "up" else square, self.limit)

    def count(self, pair: CodePair) -> Numbers:
        """Return pixels, boundary pixels and hits of each class of a `pair`, see `boundary_counts`."""
        return boundary_counts(
            truth=pair.truth,
            prediction=pair.prediction,
            n_classes=pair.n_classes,
            reach_squared=self.reach_squared(pair.truth.shape),
            definition=self.boundary,
            border=self.border,
        )


@dataclass(frozen=True)
class BoundaryF(ContourMetric):
    """Boundary F score (BF): the F measure of boundary pixels that lie near a boundary of the other map.

    Precision is the share of the predicted boundary pixels of a class whose Euclidean distance to its true boundary is
    within the tolerance, recall the share of the true ones near the predicted boundary. Only classes of the truth
    count in an image.

    Numbers published of MATLAB's ``bfscore`` for images of 224×224 come out with ``tolerance_px=2`` and without the
    background; 0.0075 of the diagonal, 2.4 pixels, does not give them.

    Parameters
    ----------
    tolerance_diagonal : float
        The tolerance as a share of the image diagonal, compared exactly and not rounded.
    tolerance_px : float
        The tolerance in pixels, in the place of that share; 0 for the share.
    limit : {'open', 'closed'}
        Whether a distance equal to the tolerance is a hit (``closed``) or not (``open``).
    rounding : {'none', 'up'}
        ``up`` takes the next whole number of pixels.
    boundary : {'inner4', 'inner8', 'thick', 'seg2bmap'}
        ``inner4`` and ``inner8`` are the pixels of a class with a 4- or 8-neighbour outside it, ``thick`` those on
        either side. ``seg2bmap`` (DAVIS) are those that differ from their right, lower or lower right neighbour.
    border : {'background', 'nothing'}
        Whether a class ends at the border of the image, or goes on; always ``nothing`` with ``seg2bmap``.
    one_empty : {'zero', 'skip'}
        What a class scores of whose boundaries one is empty.
    both_empty : {'skip', 'one'}
        What a class scores that has no boundary in either map, as one that fills the image with ``border="nothing"``.
    fp_only : {'count', 'skip'}
        A class that is predicted in an image but not true there scores zero (``count``) or is left out (``skip``).

    References
    ----------
    Csurka, Larlus and Perronnin, What is a good evaluation measure for semantic segmentation?, BMVC 2013.

    Examples
    --------
    >>> from segbench import boundary_f
    >>> truth, prediction = [[0, 1, 1, 1, 0, 0]], [[0, 0, 0, 1, 1, 1]]
    >>> boundary_f(truth=truth, prediction=prediction, space=2, classes="1", tolerance_px=2).value  # 2 of 3 are hit
    0.6666666666666666
    """

    name: ClassVar[str] = "boundary_f"
    formula: ClassVar[str] = (
        "mean over classes of 2·P·R / (P + R), P and R the shares of predicted and of true boundary pixels that are hit"
    )

    tolerance_diagonal: float = 0.0075
    tolerance_px: float = 0.0
    limit: Limit = "open"
    rounding: Rounding = "none"
    boundary: Boundary = "inner4"
    border: Border = "background"
    one_empty: Literal["zero", "skip"] = "zero"
    both_empty: Literal["skip", "one"] = "skip"
    fp_only: FpOnlyRule = "skip"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("tolerance_diagonal", "tolerance_px"):
            if getattr(self, name) < 0:
                raise BadParameter(
                    f"{self.name}: {name}={getattr(self, name)}", expected="a finite number (float), 0 or more"
                )
        if self.boundary == "seg2bmap" and self.border != "nothing":
            raise BadParameter(
                f"{self.name}: boundary=seg2bmap,border={self.border}", expected="border=nothing with it"
            )

    def cut(self) -> BoundaryCut:
        """Return the boundaries that are compared, and how."""
        fields = ("boundary", "border", "limit", "rounding", "tolerance_diagonal", "tolerance_px")
        return BoundaryCut(**{name: getattr(self, name) for name in fields})

    def class_value(self, true: Sequence[int], untrue: Sequence[int]) -> Value:
        """Return F of a class from its columns; see `ContourMetric.class_value`."""
        counts = dict(
            zip(COLUMNS, map(sum, zip(true, untrue, strict=True)) if self.fp_only == "count" else true, strict=True)
        )
        if not counts["truth_pixels"] and not counts["prediction_pixels"]:
            return None
        if not true[0] and self.fp_only == "skip":
            return None
        n_true, n_predicted = counts["truth_boundary"], counts["prediction_boundary"]
        if not n_true and not n_predicted:
            return None if self.both_empty == "skip" else 1.0
        if not n_true or not n_predicted:
            return None if self.one_empty == "skip" else 0.0
        # 2·P·R / (P + R) of P = h/p and R = g/t is 2·h·g / (h·t + g·p): integers, divided once.
        hits, true_hits = counts["prediction_hits"], counts["truth_hits"]
        whole = hits * n_true + true_hits * n_predicted
        return 2 * hits * true_hits / whole if whole else 0.0


METRICS: tuple[type[ContourMetric], ...] = (BoundaryF,)
