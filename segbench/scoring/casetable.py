"""The scores of a result of volumes by case and structure, the worst first."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from segbench.errors import BadParameter, DatasetError, UnknownName, counted, did_you_mean
from segbench.frozen import dataclass
from segbench.labels import LabelSpace
from segbench.result import Score
from segbench.scoring.judge import Case
from segbench.scoring.outcome import Record
from segbench.scoring.recount import Recount, recount

_AGAIN = "run: segbench score PREDICTIONS --dataset volumes --truth TRUTH -o RESULT.json"


@dataclass(frozen=True)
class StructureRow:
    """The values of one structure of one case.

    Parameters
    ----------
    name : str
        The class or region.
    rows : tuple of int
        The rows of its classes in the label space.
    voxels : (int, int)
        How many it has in truth and prediction; void is cut out of both.
    values : mapping of str to float
        Its value under each score key, NaN where it is left out.
    """

    name: str
    rows: tuple[int, ...]
    voxels: tuple[int, int]
    values: Mapping[str, float]

    @property
    def state(self) -> str:
        """What became of it: ``found``, ``missed``, ``spurious`` or, in neither map, ``absent``."""
        truth, prediction = self.voxels
        if truth and prediction:
            return "found"
        return "missed" if truth else "spurious" if prediction else "absent"

    @property
    def is_empty_in_one(self) -> bool:
        """Whether it is missed or spurious."""
        return self.state in ("missed", "spurious")


@dataclass(frozen=True)
class CaseRows:
    """The values of one case.

    Parameters
    ----------
    record : Record
        What the state file holds of it.
    values : mapping of str to float
        Its value under each score key.
    structures : tuple of StructureRow
        Its structures, the worst first.
    """

    record: Record
    values: Mapping[str, float]
    structures: tuple[StructureRow, ...]

    @property
    def name(self) -> str:
        """The key of the case."""
        return "/".join(self.record.key)


@dataclass(frozen=True)
class CaseTable:
    """All cases of a result.

    Parameters
    ----------
    counted : Recount
        The result.
    by : str
        Key of the score that the order goes by.
    units : mapping of str to str
        The unit of each score key.
    cases : tuple of CaseRows
        The cases, the worst first.
    """

    counted: Recount
    by: str
    units: Mapping[str, str]
    cases: tuple[CaseRows, ...]

    def case(self, name: str) -> CaseRows:
        """Return a case.

        Parameters
        ----------
        name : str
            Its key.

        Returns
        -------
        CaseRows
            The case.

        Raises
        ------
        UnknownName
            When the result has no such case.
        """
        found = next((case for case in self.cases if case.name == name), None)
        if found is None:
            names = sorted(case.name for case in self.cases)
            shown = ", ".join(names[:5]) + (f" and {len(names) - 5} others" if len(names) > 5 else "")
            raise UnknownName(
                f"no case {name!r}", expected=shown, mend=did_you_mean(name, names), file=self.counted.file
            )
        return found


def case_table(path: Path, *, dataset: str | None = None, by: str | None = None) -> CaseTable:
    """Read the scores of each case and structure from a result.

    Parameters
    ----------
    path : Path
        The result in JSON, its state beside it.
    dataset : str, optional
        The data set, where it is a protocol of one's own.
    by : str, optional
        Key of the score whose worst come first; default: the first of the result.

    Returns
    -------
    CaseTable
        Cases with a missed or spurious structure come before all others, then the worst value, then the name. The
        structures of a case go by the same order; what is in neither map comes last.

    Raises
    ------
    BadParameter
        When the file is no result of volumes, or has no state.
    UnknownName
        When it has no such score.
    DatasetError
        When the state is missing, damaged or another one than the result was written with.
    """
    records: list[Record] = []
    counted_again = recount(path, dataset, records.append)
    case = counted_again.case
    if case.protocol.kind != "volumes":
        raise BadParameter(
            f"a result of {case.protocol.identity}, whose predictions are {case.protocol.kind}",
            expected="volumes",
            mend=_AGAIN,
            file=str(path),
        )
    metrics = case.plan.metrics
    key = next(iter(metrics)) if by is None else by
    if key not in metrics:
        raise UnknownName(f"no score {key!r}", expected=" | ".join(metrics), mend=did_you_mean(key, metrics))
    worst = _worst_first(metrics[key].higher_is_better)
    scored = [_scored(case, record, str(path)) for record in records]
    cases = [
        _case_of(case.plan.space, record, scores, key, worst) for record, scores in zip(records, scored, strict=True)
    ]
    ordered = sorted(
        cases,
        key=lambda one: (not any(s.is_empty_in_one for s in one.structures), worst(one.values[key]), one.name),
    )
    units = {name: score.unit for name, score in scored[0].items()} if scored else {}
    return CaseTable(counted_again, key, units, tuple(ordered))


def _worst_first(higher_is_better: bool) -> Callable[[float], tuple[bool, float]]:
    """Return by what values are sorted, the undefined last."""
    return lambda value: (math.isnan(value), 0.0 if math.isnan(value) else value if higher_is_better else -value)


def _scored(case: Case, record: Record, file: str) -> dict[str, Score]:
    try:
        states = case.plan.start()
        case.plan.add_record(states, record.counts)
        return {key: m.compute(states[m.family], case.plan.space) for key, m in case.plan.metrics.items()}
    except (KeyError, TypeError, ValueError):
        raise DatasetError("a damaged record", expected="a whole state file", file=file) from None


def _case_of(
    space: LabelSpace,
    record: Record,
    scores: Mapping[str, Score],
    key: str,
    worst: Callable[[float], tuple[bool, float]],
) -> CaseRows:
    structures = [
        StructureRow(name, rows, _voxels(space, rows, record), _values(scores, name))
        for name, rows in _structures(space, scores)
    ]
    structures.sort(key=lambda one: (not one.is_empty_in_one, one.state == "absent", *worst(one.values[key])))
    return CaseRows(record, {name: score.value for name, score in scores.items()}, tuple(structures))


def _structures(space: LabelSpace, scores: Mapping[str, Score]) -> list[tuple[str, tuple[int, ...]]]:
    """Return name and rows of each class and region that any of the scores has a value of."""
    named = {name for score in scores.values() for name in score.per_class}
    parts = dict(space.parts("all")) | (dict(space.parts("regions")) if space.regions else {})
    return [(name, rows) for name, rows in parts.items() if name in named]


def _values(scores: Mapping[str, Score], name: str) -> dict[str, float]:
    return {key: score.per_class.get(name, math.nan) for key, score in scores.items()}


def _voxels(space: LabelSpace, rows: Sequence[int], record: Record) -> tuple[int, int]:
    ids = {space.evaluated[i].id for i in rows}
    kept = {c.id for c in space.evaluated}
    cells = [cell for cell in record.counts["confusion"]["cells"] if cell[0] in kept]
    return (
        sum(count for truth, _, count in cells if truth in ids),
        sum(count for _, prediction, count in cells if prediction in ids),
    )


def caption(table: CaseTable) -> str:
    """Return in one sentence which cases a `table` shows, and in which order."""
    n = sum(any(s.is_empty_in_one for s in case.structures) for case in table.cases)
    order = f"by {table.by}, the worst first"
    if n:
        order = f"first the {n} with missed or spurious structures, each part {order}"
    return f"{counted(len(table.cases), 'case')}: {order}"


#: Columns of a table before those of the scores.
NAMES = ("case", "structure", "state", "truth voxels", "prediction voxels")


def rows(cases: Sequence[CaseRows]) -> list[tuple[list[str], Mapping[str, float]]]:
    """Return a row for each case, then one for each of its structures: the cells under `NAMES`, and the values."""
    found: list[tuple[list[str], Mapping[str, float]]] = []
    for case in cases:
        found.append(([case.name, "", "", "", ""], case.values))
        for one in case.structures:
            found.append(([case.name, one.name, one.state, *map(str, one.voxels)], one.values))
    return found


def as_record(table: CaseTable, cases: Sequence[CaseRows]) -> dict[str, Any]:
    """Return some cases of a `table` as JSON shows them: what is left out is null, infinity a text."""
    return {
        "result": table.counted.file,
        "protocol": table.counted.case.protocol.identity,
        "by": table.by,
        "units": dict(table.units),
        "n_cases": len(table.cases),
        "cases": [
            {
                "case": case.name,
                "values": _written(case.values),
                "structures": [
                    {
                        "structure": one.name,
                        "state": one.state,
                        "voxels": {"truth": one.voxels[0], "prediction": one.voxels[1]},
                        "values": _written(one.values),
                    }
                    for one in case.structures
                ],
            }
            for case in cases
        ],
    }


def _written(values: Mapping[str, float]) -> dict[str, float | str | None]:
    return {
        key: None if math.isnan(value) else "infinity" if math.isinf(value) else float(value)
        for key, value in values.items()
    }
