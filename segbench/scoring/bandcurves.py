"""What a figure of trimap curves shows, before it is drawn: a metric inside a band against the width of the band."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from segbench.errors import BadParameter, DatasetError
from segbench.frozen import dataclass
from segbench.metrics.trimap import Trimap
from segbench.scoring.diagrams import MOST, check_number, names_of
from segbench.scoring.recount import Recount, recount, refuse_mixed

#: What each metric measures.
_QUANTITIES = {"trimap_iou": "mean IoU", "trimap_accuracy": "accuracy"}

#: The width in a metric as it is written.
_WIDTH = re.compile(r"(?<=[(,]band_px=)[^,)]+")


@dataclass(frozen=True)
class BandCurve:
    """One line of the figure: of a result and a kind of band.

    Parameters
    ----------
    name : str
        What tells it from the others.
    widths_px : ndarray of float64, shape (points,)
        Widths of the band in pixels, the smallest first.
    values : ndarray of float64, shape (points,)
        Value of the metric at each width, NaN where it is undefined.
    """

    name: str
    widths_px: NDArray[np.float64]
    values: NDArray[np.float64]


@dataclass(frozen=True)
class BandDiagram:
    """All that a figure of trimap curves shows.

    Parameters
    ----------
    terms : mapping of str to str
        What all results have in common, as in their signatures.
    names : list of str
        The results, in the order they were named.
    metrics : list of str
        What was measured, as metrics are written, without a width.
    quantity : str
        What the values are, in words.
    curves : tuple of BandCurve
        The lines: of the first result, then of the next.
    """

    kind: ClassVar[str] = "trimap"

    terms: Mapping[str, str]
    names: list[str]
    metrics: list[str]
    quantity: str
    curves: tuple[BandCurve, ...]


def band_diagram(paths: Sequence[Path], dataset: str | None = None) -> BandDiagram:
    """Return what is drawn of results that were scored inside bands of several widths.

    Parameters
    ----------
    paths : sequence of Path
        Results in JSON, their states beside them.
    dataset : str, optional
        The data set, where it is a protocol of one's own.

    Returns
    -------
    BandDiagram
        The lines and their names.

    Raises
    ------
    BadParameter
        When a result has no state or no trimap metric, is named twice or may not be compared with the others.
    DatasetError
        When a state is damaged, or a metric is undefined at every width.
    """
    check_number(paths)
    counted = [recount(path, dataset) for path in paths]
    found = [_by_kind(one) for one in counted]
    refuse_mixed(counted)
    kinds = list(found[0])
    _refuse_other_kinds(kinds, found, counted)
    if (n := len(counted) * len(kinds)) > MOST:
        raise BadParameter(f"{n} lines, {len(kinds)} of each result", expected=f"1 to {MOST} in one figure")
    names = names_of(paths)
    curves = tuple(
        _curve(_label(name, len(names) > 1, words), one, metrics[kind])
        for name, one, metrics in zip(names, counted, found, strict=True)
        for kind, words in zip(kinds, differences(kinds), strict=True)
    )
    quantities = dict.fromkeys(_QUANTITIES[kind.name] for kind in kinds)
    return BandDiagram(counted[0].terms, names, list(map(_written, kinds)), " or ".join(quantities), curves)


def differences(kinds: Sequence[Trimap]) -> list[str]:
    """Return in words what tells each of several `kinds` of band from the others; nothing of one alone."""
    words: list[list[str]] = [[] for _ in kinds]
    if len({kind.name for kind in kinds}) > 1:
        words = [[_QUANTITIES[kind.name]] for kind in kinds]
    for field in sorted({field for kind in kinds for field in kind.field_names()}):
        having = [i for i, kind in enumerate(kinds) if hasattr(kind, field)]
        if len({getattr(kinds[i], field) for i in having}) > 1:
            for i in having:
                words[i].append(f"{field}={_shown(getattr(kinds[i], field))}")
    return [", ".join(parts) for parts in words]


def _by_kind(counted: Recount) -> dict[Trimap, list[Trimap]]:
    """Return the trimap metrics of a result, the narrowest first, by what they are without their width."""
    found: dict[Trimap, list[Trimap]] = {}
    metrics = [metric for metric in counted.case.plan.metrics.values() if isinstance(metric, Trimap)]
    for metric in sorted(metrics, key=lambda metric: metric.band_px):
        found.setdefault(replace(metric, band_px=1.0), []).append(metric)
    if not found:
        protocol = counted.case.protocol
        what = "without a trimap metric" if protocol.kind == "labels" else f"whose predictions are {protocol.kind}"
        mend = "score again with --metric 'trimap_iou(band_px=1)' --metric 'trimap_iou(band_px=2)' … -o RESULT.json"
        raise BadParameter(
            f"a result of {protocol.identity}, {what}",
            expected="label maps scored by trimap_iou or trimap_accuracy at several widths",
            mend=mend if protocol.kind == "labels" else "",
            file=counted.file,
        )
    # In the order of their names, not of their narrowest width.
    return {kind: found[kind] for kind in sorted(found, key=_order)}


def _order(kind: Trimap) -> tuple[int, str]:
    return list(_QUANTITIES).index(kind.name), kind.signature()


def _refuse_other_kinds(
    kinds: Sequence[Trimap], found: Sequence[Mapping[Trimap, Sequence[Trimap]]], counted: Sequence[Recount]
) -> None:
    expected = ", ".join(map(_written, kinds))
    for theirs, one in zip(found, counted, strict=True):
        if list(theirs) != list(kinds):
            mine = ", ".join(map(_written, theirs))
            raise BadParameter(mine, expected=f"{expected}, as {counted[0].file} has", file=one.file)


def _curve(name: str, counted: Recount, metrics: Sequence[Trimap]) -> BandCurve:
    state, space = counted.outcome.states[Trimap.family], counted.case.plan.space
    values = np.array([metric.compute(state, space).value for metric in metrics])
    if np.isnan(values).all():
        raise DatasetError(
            f"{_written(metrics[0])} is undefined at every width", expected="a value to draw", file=counted.file
        )
    return BandCurve(name, np.array([float(metric.band_px) for metric in metrics]), values)


def _label(name: str, several: bool, words: str) -> str:
    return ", ".join(part for part in (name if several or not words else "", words) if part)


def _written(metric: Trimap) -> str:
    return _WIDTH.sub("…", str(metric), count=1)


def _shown(value: object) -> str:
    return f"[{','.join(map(str, value))}]" if isinstance(value, tuple) else str(value)
