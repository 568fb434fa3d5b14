"""Reading of our own records: TOML into dataclasses, with complaints that name file, table and key."""

from __future__ import annotations

import dataclasses
import json
import re
import tomllib
from functools import cache
from typing import Any, TypeVar, get_args, get_type_hints

import msgspec

from segbench.errors import BadParameter, did_you_mean

T = TypeVar("T")
# Made once: json.dumps would make one for each line of a state file.
_LINES = msgspec.json.Encoder()
_CANONICAL = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
_AT = re.compile(r"(?P<what>.*?)(?: - at `\$\.?(?P<path>[^`]*)`)?", re.DOTALL)


def read_toml(text: str, kind: type[T], *, file: str) -> T:
    """Read TOML text as a dataclass.

    Parameters
    ----------
    text : str
        The TOML document.
    kind : type
        A dataclass; nested dataclasses are tables.
    file : str
        Name of the file in complaints.

    Returns
    -------
    dataclass
        The record.

    Raises
    ------
    BadParameter
        When the text is no TOML, a key is unknown or missing, or a value has another type.
    """
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadParameter(f"no TOML: {error}", expected="a TOML document", file=file) from None
    return read_table(data, kind, file=file)


def read_table(data: dict[str, Any], kind: type[T], *, file: str) -> T:
    """Read a table that was parsed already as a dataclass; see `read_toml`.

    Parameters
    ----------
    data : dict of str to object
        The table, as `tomllib` gives it.
    kind : type
        A dataclass; nested dataclasses are tables.
    file : str
        Name of the file in complaints.

    Returns
    -------
    dataclass
        The record.

    Raises
    ------
    BadParameter
        When a key is unknown or missing, or a value has another type.
    """
    _refuse_unknown(data, kind, "", file)
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        match = _AT.fullmatch(str(error))
        what, path = (match["what"], match["path"] or "") if match else (str(error), "")
        raise BadParameter(f"{place(path)}: {what}", file=file) from None


def place(path: str) -> str:
    """Return where a value of a TOML document stands: `classes[3].id` is entry 4 of table classes, key id."""
    # A value of a table without fixed keys: msgspec does not say under which key.
    path = path.replace("[...]", ".(any)")
    table, dot, key = path.rpartition(".")
    named = re.sub(r"\[(\d+)\]", lambda match: f" entry {int(match[1]) + 1}", table if dot else "")
    last = re.sub(r"\[(\d+)\]", lambda match: f" entry {int(match[1]) + 1}", key)
    return f"table {named or '(top)'}, key {last or '(any)'}"


def read_json_rows(data: bytes, kind: type[T]) -> list[T]:
    """Read a JSON list of objects as dataclasses; keys that these do not have are passed over.

    Parameters
    ----------
    data : bytes
        The list.
    kind : type
        A dataclass.

    Returns
    -------
    list of dataclass
        The rows.

    Raises
    ------
    BadParameter
        When it is no such list; says which entry, and what is wrong with it.
    """
    try:
        return msgspec.json.decode(data, type=list[kind])  # type: ignore[valid-type]
    except msgspec.DecodeError as error:
        match = _AT.fullmatch(str(error))
        what, path = (match["what"], match["path"] or "") if match else (str(error), "")
        raise BadParameter(f"{path or 'the list'}: {what}", expected="a list of objects") from None


def canonical_json(value: Any) -> str:
    """Return JSON with sorted keys and no spaces, the form digests are made of."""
    return _CANONICAL.encode(value)


def json_line(value: list[Any]) -> bytes:
    """Return the canonical JSON of nested lists of strings and integers, several times as fast, as UTF-8."""
    return msgspec.json.encode(value)


def json_lines(values: list[Any]) -> bytes:
    """Return `json_line` of each value with a line feed after it."""
    return _LINES.encode_lines(values)


def pretty_json(value: Any) -> str:
    """Return JSON for files and screens: sorted keys, two spaces, a line feed at the end."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _refuse_unknown(data: Any, kind: Any, path: str, file: str) -> None:
    if isinstance(data, dict):
        # A table that may be left out: `Table | None`.
        kind = next((option for option in get_args(kind) if dataclasses.is_dataclass(option)), kind)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type) and isinstance(data, dict):
        hints = _hints(kind)
        for key, value in data.items():
            here = f"{path}.{key}" if path else key
            if key not in hints:
                raise BadParameter(
                    f"{place(here)}: no such key",
                    expected=", ".join(hints),
                    mend=did_you_mean(key, hints),
                    file=file,
                )
            _refuse_unknown(value, hints[key], here, file)
    elif isinstance(data, list) and get_args(kind):
        for i, value in enumerate(data):
            _refuse_unknown(value, get_args(kind)[0], f"{path}[{i}]", file)
