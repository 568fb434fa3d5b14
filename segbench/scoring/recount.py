"""Results on disk, counted again from the state beside them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segbench.errors import BadParameter, DatasetError
from segbench.frozen import dataclass
from segbench.protocols.load import load_protocol
from segbench.result import SCHEMA
from segbench.scoring.judge import Case
from segbench.scoring.outcome import Outcome, Record
from segbench.scoring.statefile import case_of, describe, outcome_of, read_header, whole_of

if TYPE_CHECKING:
    # Few runs draw resamples.
    from segbench.scoring.units import Resampling

_AGAIN = "score again with -o RESULT.json"


@dataclass(frozen=True)
class Recount:
    """A result and the counts that it was made of.

    Parameters
    ----------
    file : str
        The result, as the user named it.
    case : Case
        What was judged.
    outcome : Outcome
        The counts of all images.
    """

    file: str
    case: Case
    outcome: Outcome

    @property
    def terms(self) -> dict[str, str]:
        """What must be equal for two results to be compared, as in the signature."""
        case = self.case
        return {
            "protocol": case.protocol.identity,
            "rules": case.protocol.digest()[:8],
            "split": case.split,
            "images": str(self.outcome.n_images),
            "truth": self.outcome.truth_digest[:8],
            "missing": case.missing,
            "resize": case.resize,
            "input": case.input,
        }


def recount(
    path: Path,
    dataset: str | None = None,
    on_record: Callable[[Record], None] | None = None,
    resampling: Resampling | None = None,
) -> Recount:
    """Read a result and count its state again.

    Parameters
    ----------
    path : Path
        The result, in JSON.
    dataset : str, optional
        The data set, where it is a protocol of one's own.
    on_record : callable, optional
        Called with the record of each image.
    resampling : Resampling, optional
        How resamples will be drawn: then the counts of each image are kept by themselves.

    Returns
    -------
    Recount
        The counts.

    Raises
    ------
    BadParameter
        When the file is no result, has no state, or is only a shard.
    DatasetError
        When the state is missing, damaged or another one than the result was written with.
    """
    state = _state_of(path, _record(path))
    header = read_header(state)
    if header.shard:
        raise BadParameter(
            f"shard {header.shard} of a run", expected="a whole result", mend="run: segbench merge", file=str(path)
        )
    case = case_of(whole_of([header]), load_protocol(dataset or header.protocol.partition("@")[0]))
    case = replace(case, resampling=resampling)
    outcome = outcome_of([state], case.plan, on_record, case.start())
    if outcome.n_images != header.n_images:
        raise DatasetError(
            f"{outcome.n_images} images", expected=f"{header.n_images} as the header says", file=str(state)
        )
    return Recount(str(path), case, outcome)


def refuse_mixed(counted: Sequence[Recount]) -> None:
    """Refuse results that may not be compared.

    Parameters
    ----------
    counted : sequence of Recount
        At least one.

    Raises
    ------
    BadParameter
        When two differ in protocol, truth or how they were asked for; names both files and the difference.
    """
    first = counted[0]
    for other in counted[1:]:
        differing = [name for name, value in first.terms.items() if other.terms[name] != value]
        if differing:
            mine, theirs = (", ".join(f"{name} {c.terms[name]}" for name in differing) for c in (other, first))
            raise BadParameter(mine, expected=f"{theirs}, as {first.file} has", file=other.file)


def _record(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_bytes())
    except OSError as error:
        raise BadParameter(f"cannot be read: {error.strerror}", expected="a result", file=str(path)) from None
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict) or record.get("schema") != SCHEMA:
        raise BadParameter("not a result", expected=f"JSON of schema {SCHEMA}", mend=_AGAIN, file=str(path))
    return record


def _state_of(path: Path, record: dict[str, Any]) -> Path:
    """Return the state file that a result describes, once it is known to be that very file."""
    described = record.get("state")
    if not isinstance(described, dict):
        raise BadParameter(
            "a result without a state", expected="one with counts beside it", mend=_AGAIN, file=str(path)
        )
    name = described.get("file")
    if not isinstance(name, str) or name in ("", ".", "..") or Path(name).name != name or "\0" in name:
        raise BadParameter(f"a state named {name!r}", expected="the name of a file beside it", file=str(path))
    state = path.with_name(name)
    if not state.is_file():
        raise DatasetError("no such state file", expected=f"the state of {path.name}", mend=_AGAIN, file=str(state))
    if describe(state).sha256 != described.get("sha256"):
        raise DatasetError(
            "another state than the result was written with", expected="the same bytes", mend=_AGAIN, file=str(state)
        )
    return state
