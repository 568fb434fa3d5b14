"""A result as text: one function a format, every number from the same float.

``json``, ``jsonl``, ``csv`` and ``value`` carry the float to its last digit (its `repr`); ``md``, ``latex`` and
``html`` show it in percent with two decimals, as the terminal table does. Names come from strangers: in every format
they are text and nothing else.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from segbench.codec import canonical_json, pretty_json
from segbench.errors import BadParameter, UnknownName, did_you_mean, printable, require
from segbench.late import late
from segbench.markup import html_fragment, latex, markdown
from segbench.markup import number as number

if TYPE_CHECKING:
    # For names in signatures only: a result renders itself through this module.
    from segbench.result import Result

#: Characters that a terminal obeys or that are no text; JSON itself escapes only those below U+0020.
_UNSAFE = re.compile(r"[\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

_writer = late("csv:writer")

#: A spreadsheet takes a cell that begins with one of these for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Row(NamedTuple):
    """One number of a result; `part` is the class, None for the score itself, and `piece` the slice, None for all."""

    key: str
    part: str | None
    value: float
    unit: str
    higher_is_better: bool
    signature: str
    piece: str | None
    ci: tuple[float, float] | None = None


#: Columns of the long form, but those that are there only when slices or intervals were asked for.
COLUMNS = ("key", "class", "value", "unit", "higher_is_better", "signature")


def rows(result: Result) -> Iterator[Row]:
    """Yield every number of a result: each score, then its classes; then the same of each slice."""
    for piece, scores in ((None, result.scores), *((name, part.scores) for name, part in result.slices.items())):
        for key, score in scores.items():
            bounds: dict[str | None, tuple[float, float] | None] = {None: score.ci} | dict(score.class_ci)
            for part, value in ((None, score.value), *score.per_class.items()):
                of_score = (score.unit, score.higher_is_better, score.signature)
                yield Row(key, part, value, *of_score, piece, bounds.get(part))


def columns(result: Result) -> list[str]:
    """Return the columns of the long form of a result."""
    return [*COLUMNS, *(["slice"] if result.slices else []), *(["low", "high"] if result.resampling else [])]


def flat(result: Result, prefix: str = "") -> dict[str, float]:
    """Return the numbers by name for loggers, NaN where undefined.

    Parameters
    ----------
    result : Result
        The result.
    prefix : str
        What the names begin with: ``prefix/mean_iou``, ``prefix/mean_iou/road``, of a slice
        ``prefix/night/mean_iou``.

    Returns
    -------
    dict of str to float
        The numbers.
    """
    parts = (((prefix or None, row.piece, row.key, row.part), row.value) for row in rows(result))
    return {"/".join(name for name in names if name is not None): value for names, value in parts}


def frame(result: Result) -> Any:
    """Return the numbers as a pandas DataFrame in long form; the class of a score itself is missing.

    Parameters
    ----------
    result : Result
        The result.

    Returns
    -------
    pandas.DataFrame
        A row for each number, in the columns of `columns`.

    Raises
    ------
    MissingPackage
        When pandas is not installed.
    """
    pandas = require("pandas", extra="publish")
    # Made printable as in CSV: some string types of pandas refuse what is no UTF-8.
    names = columns(result)
    listed = [[printable(c) if isinstance(c, str) else c for c in _cells(result, row)] for row in rows(result)]
    return pandas.DataFrame(listed, columns=names)


def _cells(result: Result, row: Row) -> list[Any]:
    """Return what stands in the columns of a row."""
    piece = [row.piece] if result.slices else []
    bounds = list(row.ci or (math.nan, math.nan)) if result.resampling else []
    return [*row[: len(COLUMNS)], *piece, *bounds]


def json_text(record: Any, *, line: bool = False) -> str:
    """Return JSON in which a stranger's name cannot steer a terminal; on one line, or for people."""
    text = canonical_json(record) + "\n" if line else pretty_json(record)
    return _UNSAFE.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def render(result: Result, format_: str, *, primary: str | None = None) -> str:
    """Return a result as text.

    Parameters
    ----------
    result : Result
        The result.
    format_ : str
        One of `FORMATS`.
    primary : str, optional
        Key of the score that ``value`` prints, else the first.

    Returns
    -------
    str
        The text, which ends with a line feed.

    Raises
    ------
    BadParameter
        For another format.
    UnknownName
        When the result has no score of the primary key.
    """
    if format_ == "value":
        return _value(result, primary)
    if format_ not in _RENDERERS:
        raise BadParameter(f"format {format_!r}", expected=" | ".join(FORMATS), mend=did_you_mean(format_, FORMATS))
    return _RENDERERS[format_](result)


def format_of(file: str) -> str:
    """Return the format that the suffix of a file name means.

    Parameters
    ----------
    file : str
        Name or path of the file.

    Returns
    -------
    str
        One of `FORMATS`.

    Raises
    ------
    BadParameter
        For any other suffix.
    """
    suffix = "." + file.rpartition(".")[2].lower()
    if suffix not in SUFFIXES or "." not in file:
        raise BadParameter(f"a file named {file!r}", expected=f"a name that ends in {' | '.join(SUFFIXES)}")
    return SUFFIXES[suffix]


def _json(result: Result) -> str:
    return json_text(result.as_record())


def _jsonl(result: Result) -> str:
    return json_text(result.as_record(), line=True)


def _value(result: Result, primary: str | None) -> str:
    key = next(iter(result.scores)) if primary is None else primary
    if key not in result.scores:
        raise UnknownName(f"no score {key!r}", expected=" | ".join(result.scores))
    return f"{_repr(result.scores[key].value)}\n"


def _csv(result: Result) -> str:
    file = io.StringIO()
    writer = _writer(file, lineterminator="\n")
    writer.writerow(columns(result))
    for row in rows(result):
        writer.writerow([_written(cell) for cell in _cells(result, row)])
    return file.getvalue()


def _written(cell: str | float | bool | None) -> str:
    if isinstance(cell, bool):
        return str(cell).lower()
    return _cell(cell or "") if cell is None or isinstance(cell, str) else _repr(cell)


def csv_line(cells: Sequence[str | float]) -> str:
    """Return one line of CSV without its line feed: text made safe for spreadsheets, numbers by their `repr`."""
    file = io.StringIO()
    _writer(file, lineterminator="").writerow([_cell(c) if isinstance(c, str) else _repr(c) for c in cells])
    return file.getvalue()


def _repr(value: float) -> str:
    # float() first: a NumPy scalar would name its type.
    return "" if math.isnan(value) else repr(float(value))


def _cell(text: str) -> str:
    # The first character as given decides; one that is escaped would hide from a reader that undoes escapes.
    return f"'{printable(text)}" if text.startswith(_FORMULA) else printable(text)


_RENDERERS: Mapping[str, Callable[[Result], str]] = {
    "json": _json,
    "jsonl": _jsonl,
    "csv": _csv,
    "md": markdown,
    "latex": latex,
    "html": html_fragment,
}

#: Names of the formats.
FORMATS: tuple[str, ...] = ("json", "jsonl", "csv", "md", "latex", "value", "html")

#: Format of each suffix of a file.
SUFFIXES: Mapping[str, str] = {
    ".json": "json",
    ".jsonl": "jsonl",
    ".csv": "csv",
    ".md": "md",
    ".tex": "latex",
    ".html": "html",
}
