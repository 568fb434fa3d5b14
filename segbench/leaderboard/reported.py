"""Numbers that others published, from TOML: one file a data set, each number with its source."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from segbench.codec import place, read_toml
from segbench.errors import BadParameter, SegbenchError, did_you_mean
from segbench.frozen import dataclass
from segbench.leaderboard.entry import LONGEST, refuse_link
from segbench.leaderboard.standings import Reported
from segbench.protocols.load import protocol_names

#: The largest value of each unit; the smallest is 0.
UNITS = {"percent": 100.0, "fraction": 1.0, "pixels": math.inf, "millimetres": math.inf, "seconds": math.inf}

#: What a number is nothing without.
_NEEDED = ("system", "split", "metric", "source")


@dataclass(frozen=True)
class _Number:
    system: str
    split: str
    metric: str
    value: float
    source: str
    unit: str = "percent"
    parameters: int | None = None
    time: str = ""
    table: str = ""
    url: str = ""
    caveat: str = ""


@dataclass(frozen=True)
class _File:
    dataset: str
    number: tuple[_Number, ...]
    board: str = ""


def read_reported(folder: Path) -> list[Reported]:
    """Read all numbers of a folder.

    A file has ``dataset``, ``board`` (a protocol, or empty) and tables ``[[number]]`` with the other fields of
    `Reported`.

    Parameters
    ----------
    folder : Path
        Holds ``*.toml``.

    Returns
    -------
    list of Reported
        In the order of the files' names, then as they stand there.

    Raises
    ------
    BadParameter
        When the folder or a file cannot be read; for a key that does not exist, a board that is no protocol, a value
        out of the range of its unit, a text that is missing, or a number that is there twice.
    """
    if not folder.is_dir():
        raise BadParameter("no such folder", expected="a folder of .toml files", file=str(folder))
    numbers: list[Reported] = []
    seen: dict[tuple[str, ...], str] = {}
    for path in sorted(folder.glob("*.toml")):
        for where, number in _numbers(path):
            key = (number.dataset, number.system, number.split, number.metric, number.source)
            if key in seen:
                mend = "drop one, or say in system, split or metric what differs"
                raise BadParameter(f"{where}: stands in {seen[key]} already", mend=mend, file=path.name)
            seen[key] = f"{path.name}, {where}"
            numbers.append(number)
    return numbers


def _numbers(path: Path) -> Iterator[tuple[str, Reported]]:
    """Yield each number of a file after where it stands."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadParameter(f"cannot be read: {error}", expected="numbers in TOML", file=path.name) from None
    record = read_toml(text, _File, file=path.name)
    try:
        _check_top(record)
    except SegbenchError as error:
        raise error.about(path.name) from None
    for i, number in enumerate(record.number):
        try:
            _check(number, f"number[{i}]")
        except SegbenchError as error:
            raise error.about(path.name) from None
        fields = asdict(number)
        yield (
            f"table number entry {i + 1}",
            Reported(dataset=record.dataset, board=record.board, file=path.name, **fields),
        )


def _check_top(record: _File) -> None:
    if not record.dataset.strip():
        raise BadParameter(f"{place('dataset')}: {record.dataset!r}", expected="what the data set is called")
    known = set(protocol_names().values())
    if record.board and record.board not in known:
        raise BadParameter(
            f"{place('board')}: no protocol {record.board!r}",
            expected=f"{' | '.join(sorted(known))}, or empty",
            mend=did_you_mean(record.board, known),
        )


def _check(number: _Number, path: str) -> None:
    for name, text in asdict(number).items():
        if isinstance(text, str) and len(text) > LONGEST:
            found = f"{place(f'{path}.{name}')}: {len(text)} characters"
            raise BadParameter(found, expected=f"{LONGEST} at most")
    for name in _NEEDED:
        if not getattr(number, name).strip():
            raise BadParameter(f"{place(f'{path}.{name}')}: empty", expected="a text")
    _check_value(number, path)
    if number.parameters is not None and number.parameters <= 0:
        found = f"{place(f'{path}.parameters')}: {number.parameters}"
        raise BadParameter(found, expected="a number above 0, or no such key")
    refuse_link(place(f"{path}.url"), number.url)


def _check_value(number: _Number, path: str) -> None:
    if number.unit not in UNITS:
        raise BadParameter(
            f"{place(f'{path}.unit')}: {number.unit!r}",
            expected=" | ".join(UNITS),
            mend=did_you_mean(number.unit, UNITS),
        )
    largest = UNITS[number.unit]
    if not (0 <= number.value <= largest and math.isfinite(number.value)):
        expected = "a number from 0 on" if math.isinf(largest) else f"0 to {largest:g}"
        mend = "is it in percent?" if number.unit == "fraction" and 1 < number.value <= 100 else ""
        raise BadParameter(f"{place(f'{path}.value')}: {number.value:g}", expected=expected, mend=mend)
