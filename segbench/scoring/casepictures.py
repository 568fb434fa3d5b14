"""What pictures of single cases show: the volumes that were scored, and no others, cut into slices."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.datasets.forms import SINGLE, Form
from segbench.datasets.predictions import Naming, PredictionSet, open_predictions
from segbench.datasets.truth import TruthSet, open_truth
from segbench.errors import BadParameter, DatasetError, MissingPrediction, SubmissionError, UnknownName, did_you_mean
from segbench.frozen import dataclass
from segbench.late import late
from segbench.metrics.indices import CodePair, code_pair
from segbench.samples import Sample
from segbench.scoring.caseslices import Cut, cut
from segbench.scoring.casetable import CaseRows, CaseTable, StructureRow
from segbench.scoring.pairing import find_key, pair
from segbench.scoring.reading import Reader, Reading

_truth_grid = late("segbench.datasets.volumes:truth_grid")
_scan = late("segbench.datasets.scans:scan")

#: What a scan may be called beside its case: of nnU-Net it has the number of its channel.
_SCANS = ("{}.nii.gz", "{}.nii", "{}_0000.nii.gz", "{}_0000.nii")

_AGAIN = "name the folders that were scored, or score again"


@dataclass(frozen=True)
class CasePicture:
    """All that the picture of a case shows.

    Parameters
    ----------
    case : CaseRows
        The case and its values.
    structure : StructureRow
        The structure whose outlines are drawn.
    truth, prediction : tuple of ndarray of bool, shape (a, b)
        The structure in the slice across each axis.
    others : tuple of ndarray of bool, shape (a, b)
        Where the truth has another structure.
    scans : tuple of ndarray of float, shape (a, b)
        The scan, between 0 and 1; empty where none was named.
    cut : Cut
        Where the slices lie.
    spacing : tuple of float
        How far voxels lie apart along each axis, in mm.
    directions : tuple of str
        Where each axis leads to, as R (right), A (anterior), S (superior) and their opposites; empty where the file
        does not say.
    """

    case: CaseRows
    structure: StructureRow
    truth: tuple[NDArray[np.bool_], ...]
    prediction: tuple[NDArray[np.bool_], ...]
    others: tuple[NDArray[np.bool_], ...]
    scans: tuple[NDArray[np.float64], ...]
    cut: Cut
    spacing: tuple[float, ...]
    directions: tuple[str, ...]


@dataclass(frozen=True)
class Volumes:
    """Where the volumes of a result lie.

    Parameters
    ----------
    predictions : Path
        Folder or archive of the submission.
    truth, data_root : Path, optional
        Folder of truth volumes, or of the data set.
    images : Path, optional
        Folder of scans.
    """

    predictions: Path
    truth: Path | None = None
    data_root: Path | None = None
    images: Path | None = None


def case_pictures(
    table: CaseTable, cases: list[CaseRows], volumes: Volumes, structure: str | None = None
) -> list[CasePicture]:
    """Read the volumes of some cases and cut them.

    Parameters
    ----------
    table : CaseTable
        The result.
    cases : list of CaseRows
        Which of its cases.
    volumes : Volumes
        Where the volumes lie.
    structure : str, optional
        The structure to show; default: the worst of each case.

    Returns
    -------
    list of CasePicture
        In the order of the cases.

    Raises
    ------
    UnknownName
        When the result has no such structure.
    SubmissionError
        When a prediction is missing, damaged, or not the one that was scored.
    DatasetError
        When a truth or scan is, or its grid is another one.
    """
    case = table.counted.case
    split = None if case.split == "custom" else case.split
    truths = open_truth(case.protocol, split=split, truth=volumes.truth, data_root=volumes.data_root)
    naming = Naming.of(case.protocol.kind, truths.layout, _form_of(case.input))
    with open_predictions(volumes.predictions, truths.keys, naming) as submission:
        files = pair(truths.keys, submission).files
        return [_picture(table, one, _structure(one, structure), truths, submission, files, volumes) for one in cases]


def _form_of(input_: str) -> Form:
    head = input_.partition("+classes(")[0]
    return Form.parse(head) if head.startswith(("slices(", "fused(")) else SINGLE


def _structure(case: CaseRows, name: str | None) -> StructureRow:
    if not case.structures:
        raise BadParameter(f"case {case.name!r} without a structure", expected="values by structure")
    if name is None:
        return case.structures[0]
    found = next((one for one in case.structures if one.name == name), None)
    if found is None:
        names = sorted(one.name for one in case.structures)
        raise UnknownName(f"no structure {name!r}", expected=" | ".join(names), mend=did_you_mean(name, names))
    return found


def _picture(
    table: CaseTable,
    case: CaseRows,
    structure: StructureRow,
    truths: TruthSet,
    submission: PredictionSet,
    files: list[str | None],
    volumes: Volumes,
) -> CasePicture:
    # The key comes from a state file: it is a path only once it is known to be that of a truth.
    i = find_key(truths.keys, case.name)
    if i is None:
        raise DatasetError(f"no truth of {case.name}", expected="the truth that was scored", file=str(truths.root))
    if files[i] is None and case.record.prediction is not None:
        found, where = f"no prediction of {case.name}", str(volumes.predictions)
        raise MissingPrediction(found, expected="the file that was scored", mend=_AGAIN, file=where)
    reading = _read(table, case, truths, submission, files[i])
    pair_ = _codes(table, reading.sample)
    truth, prediction = _mask(pair_.truth, structure.rows), _mask(pair_.prediction, structure.rows)
    grid = _truth_grid(truths, case.name)
    place = cut(truth=truth, prediction=prediction, spacing=grid.spacing)
    others = _mask(pair_.truth, _others(table, structure))
    scan = None if volumes.images is None else _scan(_scan_path(volumes.images, case.name), grid)
    return CasePicture(
        case,
        structure,
        _views(place, truth),
        _views(place, prediction),
        _views(place, others),
        () if scan is None else _grey(_views(place, scan)),
        place,
        grid.spacing,
        grid.directions,
    )


def _read(table: CaseTable, case: CaseRows, truths: TruthSet, submission: PredictionSet, file: str | None) -> Reading:
    """Read truth and prediction of a case, and see that both are what was scored."""
    where = str(truths.root) if file is None else submission.where(file)
    try:
        reading = Reader(truths, submission).read(case.name, file)
    except SubmissionError as error:
        raise error.about(where) from None
    if reading.digest != case.record.prediction:
        raise SubmissionError(
            f"another prediction of {case.name} than was scored",
            expected=f"SHA-256 {(case.record.prediction or 'of none')[:8]}…",
            mend=_AGAIN,
            file=where,
        )
    _refuse_other_truth(table, case, reading.sample, truths)
    return reading


def _refuse_other_truth(table: CaseTable, case: CaseRows, sample: Sample, truths: TruthSet) -> None:
    """Refuse a truth whose voxels come to other counts, or that has another spacing."""
    tally: Any = table.counted.case.plan.tallies["confusion"]
    _, content = tally.count(sample)
    spacing = case.record.counts.get("surface", {}).get("spacing")
    moved = spacing is not None and list(sample.spacing or ()) != spacing
    if moved or content != case.record.counts["confusion"]:
        raise DatasetError(
            f"another truth of {case.name} than was scored",
            expected="the same volume",
            mend=_AGAIN,
            file=truths.path(case.name),
        )


def _codes(table: CaseTable, sample: Sample) -> CodePair:
    tally: Any = table.counted.case.plan.tallies["confusion"]
    n_classes = len(table.counted.case.plan.space.evaluated)
    return code_pair(sample, tally.encoding, n_classes, volumes=True).without_void()


def _mask(codes: NDArray[Any], rows: tuple[int, ...]) -> NDArray[np.bool_]:
    return np.isin(codes, rows)


def _others(table: CaseTable, structure: StructureRow) -> tuple[int, ...]:
    """Return the rows of all other structures that the result has values of."""
    shown = {i for case in table.cases for one in case.structures for i in one.rows}
    return tuple(sorted(shown - set(structure.rows)))


def _views(place: Cut, volume: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    return tuple(place.view(volume, axis) for axis in (2, 1, 0))


def _grey(views: tuple[NDArray[np.float64], ...]) -> tuple[NDArray[np.float64], ...]:
    """Return slices between 0 and 1: the first and the last hundredth of the shown values are black and white."""
    shown = np.concatenate([view.ravel() for view in views])
    finite = shown[np.isfinite(shown)]
    low, high = np.percentile(finite, (1, 99)) if finite.size else (0.0, 1.0)
    width = high - low if high > low else 1.0
    return tuple(np.nan_to_num(np.clip((view - low) / width, 0.0, 1.0)) for view in views)


def _scan_path(folder: Path, key: str) -> Path:
    names = [name.format(key) for name in _SCANS]
    found = next((folder / name for name in names if os.path.isfile(folder / name)), None)
    if found is None:
        raise DatasetError(f"no scan of {key}", expected=" or ".join(names), file=str(folder))
    return found
