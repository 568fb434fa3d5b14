"""From the state files of shards to a signed result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from segbench.errors import BadParameter, counted
from segbench.late import late
from segbench.protocols.load import load_protocol
from segbench.result import Result
from segbench.scoring.lines import LineWriter
from segbench.scoring.statefile import case_of, outcome_of, read_header, whole_of

_resampling = late("segbench.scoring.units:Resampling")


def merge(
    states: Sequence[str | Path],
    *,
    dataset: str | None = None,
    state: str | Path | None = None,
    ci: bool = False,
    resamples: int = 2000,
    seed: int = 0,
) -> Result:
    """Put the state files of all shards of a submission together.

    Parameters
    ----------
    states : sequence of path
        The state file of every shard.
    dataset : str, optional
        The data set, where it is a protocol of one's own.
    state : path, optional
        File for the merged state: the same bytes as that of an undivided run.
    ci, resamples, seed
        Whether scores get intervals, and how, as for `score`.

    Returns
    -------
    Result
        The same as of an undivided run.

    Raises
    ------
    BadParameter
        When the files are not the shards of one run.
    DatasetError
        When a file is damaged, or its protocol has changed since.
    """
    paths = [Path(path) for path in states]
    headers = [read_header(path) for path in paths]
    whole = whole_of(headers)
    case = case_of(whole, load_protocol(dataset or whole.protocol.partition("@")[0]))
    if ci:
        case = replace(case, resampling=_resampling(resamples, seed))
    with LineWriter(None if state is None else Path(state)) as writer:
        writer.write([whole.line()])
        outcome = outcome_of(paths, case.plan, lambda record: writer.write([record.line()]), case.start())
        if outcome.n_images != whole.n_images:
            raise BadParameter(
                f"{counted(outcome.n_images, 'image')} in {counted(len(paths), 'state file')}",
                expected=counted(whole.n_images, "image"),
            )
        # The file takes its name only when the whole is not refused.
        return case.result(outcome)
