"""Stage one where a prediction is several files: the slices and views of each case are gathered by their names."""

from __future__ import annotations

from typing import TypeAlias

from segbench.datasets.forms import Parts, Piece
from segbench.datasets.predictions import PredictionSet
from segbench.errors import MissingPrediction, SubmissionError
from segbench.scoring.pairing import Fault, Pairing, find_key, missing_fault, twice

#: Files by number, of each view of a case.
Views: TypeAlias = dict[str, dict[int, str]]


def gather(keys: list[str], predictions: PredictionSet) -> Pairing:
    """Join the files of a submission with the cases of a split.

    Parameters
    ----------
    keys : list of str
        Sorted keys of the truth.
    predictions : PredictionSet
        The submission, in a form of several files.

    Returns
    -------
    Pairing
        For each key its `Parts`, None where a view has no file; what is left over; two files of one slice, and cases
        and views without a file.

    Raises
    ------
    SubmissionError
        When there are more or fewer views than the form says.
    """
    cases: list[Views] = [{} for _ in keys]
    unclaimed: list[str] = []
    faults: list[Fault] = []
    for file in predictions.files:
        piece = _piece(file, predictions)
        i = None if piece is None else find_key(keys, piece.key)
        if piece is None or i is None:
            unclaimed.append(file)
            continue
        other = cases[i].setdefault(piece.view, {}).setdefault(piece.number, file)
        if other != file:
            faults.append((keys[i], twice(predictions, _called(piece, predictions), other, file)))
    unclaimed += predictions.others
    views = _views(cases, predictions)
    files: list[str | None] = []
    for key, case in zip(keys, cases, strict=True):
        found, lacking = _parts(key, case, views, predictions)
        files.append(found)
        faults += lacking
    return Pairing(files, unclaimed, faults)


def _piece(file: str, predictions: PredictionSet) -> Piece | None:
    if not file.startswith(predictions.prefix):
        return None
    return predictions.naming.form.piece(file.removeprefix(predictions.prefix))


def _called(piece: Piece, predictions: PredictionSet) -> str:
    form = predictions.naming.form
    text = f"slice {piece.number} of {piece.key}" if form.has_slices else piece.key
    return f"{text} in the view {piece.view}" if form.rule else text


def _views(cases: list[Views], predictions: PredictionSet) -> list[str]:
    """Return the names of the views, sorted; none where nothing is predicted."""
    form = predictions.naming.form
    names = sorted({view for case in cases for view in case})
    if names and len(names) != len(form.axes):
        raise SubmissionError(
            f"{len(names)} view{'s'[: len(names) != 1]}: {', '.join(names)}",
            expected=f"{len(form.axes)} folders with predictions, one for each view of {form}",
            file=str(predictions.source.path),
        )
    return names


def _parts(key: str, case: Views, views: list[str], predictions: PredictionSet) -> tuple[Parts | None, list[Fault]]:
    if not case:
        return None, [(key, missing_fault(key, None, predictions))]
    lacking = [view for view in views if view not in case]
    if lacking:
        return None, [(key, _missing_view(key, view, predictions)) for view in lacking]
    return Parts(f"{predictions.prefix}{key}", [case[view] for view in views]), []


def _missing_view(key: str, view: str, predictions: PredictionSet) -> MissingPrediction:
    names = predictions.naming.form.names(key, view)
    return MissingPrediction(
        f"no prediction of {key} in the view {view!r}",
        expected=" or ".join(names),
        file=predictions.where(f"{predictions.prefix}{names[0]}"),
    )
