"""What is compared: results with their states, and folders of predictions, which are scored first."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import Any

from segbench.errors import BadParameter, SegbenchError
from segbench.frozen import dataclass
from segbench.protocols.load import load_protocol
from segbench.scoring.comparison import compare_counts
from segbench.scoring.duels import Comparison
from segbench.scoring.options import Progress
from segbench.scoring.output import state_path, write_result
from segbench.scoring.recount import Recount, recount
from segbench.scoring.score import score
from segbench.scoring.units import Resampling

#: Names of folders that half of all submissions have.
_VAGUE = frozenset({"train", "val", "test", "predictions", "preds", "results"})

#: Bytes at the beginning of a file that tell a result from a list of detections.
_HEAD = 64


@dataclass(frozen=True)
class Scoring:
    """How folders of predictions are scored before they are compared.

    Parameters
    ----------
    dataset : str, optional
        The data set; of results only where it is a protocol of one's own.
    metric : str, optional
        A metric that is scored beside the protocol's own.
    options : mapping of str to object
        Further options of `segbench.score`: the split, where the truth lies, and so on.
    """

    dataset: str | None = None
    metric: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


def compare(
    *submissions: str | Path,
    dataset: str | None = None,
    metric: str | None = None,
    resamples: int = 2000,
    permutations: int = 5000,
    seed: int = 0,
    **options: Any,
) -> Comparison:
    """Compare submissions on the same truth: by how much they differ, and whether that is more than chance.

    Parameters
    ----------
    *submissions : path
        Two or more: results that `write_result` wrote with their states, or folders or archives of predictions, which
        are scored first.
    dataset : str, optional
        The data set of predictions; of results only where it is a protocol of one's own.
    metric : str, optional
        The score that is judged, else the one that ranks.
    resamples, permutations : int
        Of intervals and p-values.
    seed : int
        Of what is drawn.
    **options
        How predictions are scored; see `score`.

    Returns
    -------
    Comparison
        Differences with intervals and p-values, ranks, images won and lost.

    Raises
    ------
    UsageError
        When they may not be compared; says why.
    SegbenchError
        Whatever `score` refuses.
    """
    paths = [Path(path) for path in submissions]
    how, scoring = Resampling(resamples, seed), Scoring(dataset, metric, options)
    counted = [read_contender(path, scoring, how)[0] for path in paths]
    primary = primary_of(counted, metric) if counted else None
    return compare_counts(counted, names_of(paths), primary=primary, how=how, permutations=permutations)


def is_result(path: Path) -> bool:
    """Whether a path is meant as a result rather than as predictions: a JSON file that does not begin as a list."""
    if not path.name.lower().endswith(".json") or os.path.isdir(path):
        return False
    try:
        with open(path, "rb") as file:
            return not file.read(_HEAD).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")
    except OSError:
        # Whoever reads it will say why it cannot be read.
        return True


def read_contender(
    path: Path, scoring: Scoring, how: Resampling, progress: Progress | None = None
) -> tuple[Recount, tuple[str, ...]]:
    """Count a submission image by image.

    Parameters
    ----------
    path : Path
        A result, or a folder or archive of predictions.
    scoring : Scoring
        How predictions are scored.
    how : Resampling
        How resamples will be drawn.
    progress : callable, optional
        Called with the images done and all images, where predictions are scored.

    Returns
    -------
    Recount
        The counts.
    tuple of str
        What a reader should know of predictions that were scored.

    Raises
    ------
    SegbenchError
        Whatever `segbench.score` or `recount` refuses.
    """
    if is_result(path):
        try:
            return recount(path, _own(scoring.dataset), resampling=how), ()
        except SegbenchError as error:
            raise error.about(str(path)) from None
    if scoring.dataset is None:
        raise BadParameter("predictions without --dataset", expected="--dataset NAME, or a result", file=str(path))
    protocol = load_protocol(scoring.dataset)
    asked = [protocol.metric(scoring.metric)] if scoring.metric is not None else []
    keys = [protocol.key(metric) for metric in protocol.metrics]
    more = [str(scoring.metric) for metric in asked if protocol.key(metric) not in keys]
    with tempfile.TemporaryDirectory(prefix="segbench-") as folder:
        output = Path(folder) / "result.json"
        state = state_path(output)
        result = score(
            path, dataset=scoring.dataset, metrics=more, state=state, progress=progress, **dict(scoring.options)
        )
        write_result(result, output, seconds=0.0, state=state)
        found = recount(output, _own(scoring.dataset), resampling=how)
    return replace(found, file=str(path)), result.warnings


def primary_of(recounts: Sequence[Recount], metric: str | None) -> str | None:
    """Return the score key that a metric as the user wrote it has; None where none was asked for."""
    if metric is None:
        return None
    known = recounts[0].case.plan.metrics
    protocol = recounts[0].case.protocol
    return metric if metric in known else protocol.key(protocol.metric(metric))


def names_of(paths: Sequence[Path]) -> list[str]:
    """Return a name for each submission, all different.

    Parameters
    ----------
    paths : sequence of Path
        As the user wrote them.

    Returns
    -------
    list of str
        The last part of each path that tells it from the others: the file without its suffix, or else a folder
        above; a path that comes twice has a number.
    """
    parts = [_parts(path) for path in paths]
    clear = [_without_vague(own) for own in parts]
    if len(set(clear)) == len(set(parts)):
        parts = clear
    names = [_telling(own, parts) for own in parts]
    found: list[str] = []
    for name in names:
        number = 2
        unique = name
        while unique in found:
            unique, number = f"{name} ({number})", number + 1
        found.append(unique)
    return found


def _parts(path: Path) -> tuple[str, ...]:
    """Return the parts of a path, the last one first."""
    whole = Path(os.path.abspath(path))
    stem = whole.name
    for suffix in (".json", ".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz"):
        if stem.lower().endswith(suffix) and len(stem) > len(suffix):
            stem = stem[: -len(suffix)]
            break
    return (stem, *reversed(whole.parts[1:-1])) if whole.name else (str(whole),)


def _without_vague(parts: tuple[str, ...]) -> tuple[str, ...]:
    """Return the parts of a path without those at its end that say nothing of the submission."""
    n = next((i for i, part in enumerate(parts) if part.lower() not in _VAGUE), 0)
    return parts[n:]


def _telling(own: tuple[str, ...], others: Sequence[tuple[str, ...]]) -> str:
    """Return the first part that no other path has at its place, else all that it needs to be told apart."""
    different = [other for other in others if other != own]
    for i, part in enumerate(own):
        if all(other[i : i + 1] != (part,) for other in different):
            return part
        if any(other[: i + 1] != own[: i + 1] for other in different):
            # Some are told apart here and some are not: what follows has to stand with it.
            rest = _telling(own[i + 1 :], [o[i + 1 :] for o in different if o[: i + 1] == own[: i + 1]])
            return f"{rest}/{part}" if rest else part
    return own[0] if own else ""


def _own(dataset: str | None) -> str | None:
    """Return a data set only where it is a protocol of one's own: a result of another one is refused as such."""
    return dataset if dataset is not None and dataset.lower().endswith(".toml") else None
