"""Whether a result follows from the counts beside it: they are counted again, and every number is made again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from segbench.codec import canonical_json, read_table
from segbench.errors import DatasetError, SegbenchError, SubmissionError, UnknownName
from segbench.protocols.load import protocol_names
from segbench.scoring.outcome import Record
from segbench.scoring.recount import Recount, recount
from segbench.scoring.statefile import Header, read_header
from segbench.version import __version__

#: What a state can do that is no state.
_NONSENSE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)

#: Characters of a value that a message shows.
_SHOWN = 60


def count_again(path: Path, record: Mapping[str, Any]) -> Recount:
    """Count the state of a result again.

    Parameters
    ----------
    path : Path
        The result.
    record : mapping of str to object
        Its JSON.

    Returns
    -------
    Recount
        The counts.

    Raises
    ------
    UnknownName
        When its protocol is none that comes with segbench.
    BadParameter
        When it has no state, or is only a shard.
    DatasetError
        When the state is missing or damaged, or the protocol has changed since.
    """
    name = record["protocol"].partition("@")[0]
    if name not in protocol_names().values():
        raise UnknownName(f"the protocol {name!r}", expected="one that comes with segbench", file=str(path))
    try:
        again = recount(path, dataset=name, on_record=_Order(path).see)
        # Its header has the types that counting writes, not only some that work as well.
        state = path.with_name(record["state"]["file"])
        read_table(dict(vars(read_header(state))), Header, file=f"{state}, header")
        return again
    except SegbenchError as error:
        raise error.about(str(path)) from None
    except _NONSENSE as error:
        raise _damaged(error, str(path)) from None


def _damaged(error: Exception, file: str) -> DatasetError:
    return DatasetError(f"a damaged state ({type(error).__name__})", expected="what counting wrote", file=file)


class _Order:
    """Sees that no image is counted twice: keys rise from line to line."""

    def __init__(self, path: Path) -> None:
        self._path, self._last = path, ""

    def see(self, record: Record) -> None:
        key = "/".join(record.key)
        if key <= self._last:
            raise DatasetError(
                f"the image {key!r} behind {self._last!r} in the state",
                expected="each image once, in the order of their keys",
                file=str(self._path),
            )
        self._last = key


def expected_record(again: Recount, record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the JSON of a result should hold, by its counts.

    Parameters
    ----------
    again : Recount
        The result, counted again.
    record : mapping of str to object
        Its JSON, whose version, entry and name of the state are taken as they are; so are the warnings of another
        version, whose words may have changed.

    Returns
    -------
    dict of str to object
        The record, without intervals: boards draw their own, the same way for all entries.

    Raises
    ------
    DatasetError
        When nothing was counted.
    """
    try:
        expected = again.case.result(again.outcome).as_record()
    except SegbenchError as error:
        raise error.about(again.file) from None
    except _NONSENSE as error:
        raise _damaged(error, again.file) from None
    versions = record["provenance"]["versions"]
    version = versions.get("segbench", "")
    if not re.fullmatch(r"[0-9A-Za-z.+!-]{1,64}", version):
        raise DatasetError(f"version {version!r} of segbench", expected="the one that scored", file=again.file)
    for score in expected["scores"].values():
        score["signature"] = f"{score['signature'].removesuffix(f'|segbench:{__version__}')}|segbench:{version}"
    expected["provenance"]["versions"] = versions
    expected |= {"entry": record["entry"], "state": record["state"]}
    if version != __version__:
        expected["warnings"] = record["warnings"]
    return expected


def refuse_differing(found: Mapping[str, Any], expected: Mapping[str, Any], file: str) -> None:
    """Refuse a result that does not derive again.

    Parameters
    ----------
    found, expected : mapping of str to object
        The JSON as it is, and by the counts.
    file : str
        The result.

    Raises
    ------
    SubmissionError
        When they differ; names the first number, and how many there are.
    """
    differing = list(differences(found, expected))
    if differing:
        name, mine, derived = differing[0]
        more = f" (and {len(differing) - 1} more differ)" if len(differing) > 1 else ""
        raise SubmissionError(
            f"{name} is {_shown(mine)}",
            expected=f"{_shown(derived)} by the counts in its state{more}",
            mend="score again with -o RESULT.json",
            file=file,
            count=len(differing),
        )


#: Stands for what is not there.
_NOTHING = object()


def differences(found: Any, expected: Any, name: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield name, what was found and what was expected of everything in which two JSON values differ."""
    if isinstance(found, dict) and isinstance(expected, dict):
        for key in sorted({*found, *expected}):
            inner = f"{name}.{key}" if name else key
            yield from differences(found.get(key, _NOTHING), expected.get(key, _NOTHING), inner)
    elif found != expected:
        yield name, found, expected


def _shown(value: Any) -> str:
    text = "nothing" if value is _NOTHING else canonical_json(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
