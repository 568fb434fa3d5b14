"""What the command line prints: tables and JSON on stdout, everything else on stderr."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterable
from typing import TextIO

from segbench.codec import pretty_json
from segbench.errors import SegbenchError, printable
from segbench.result import Result, Score

#: Faults shown before the rest is only counted.
SHOWN = 10

_STYLES = {"error": "31", "warning": "33", "bold": "1", "dim": "2"}


def table(result: Result) -> str:
    """Return the table of a result: one line a score, then one a class.

    Values are percentages with two decimals; `–` is undefined.
    """
    keys = list(result.scores)
    width = max(len(key) for key in keys)
    lines = [style(f"{result.protocol}  {result.split}  {result.n_images} images", "bold"), ""]
    for i, (key, score) in enumerate(result.scores.items(), 1):
        lines.append(f"[{i}] {key:<{width}}  {number(score.value, score.unit):>7}{_unit(score)}")
    classes = list(dict.fromkeys(name for score in result.scores.values() for name in score.per_class))
    if classes:
        lines += ["", *_class_lines(classes, list(result.scores.values()))]
    lines += ["", style(f"signature of [1]: {result.scores[keys[0]].signature}", "dim")]
    return "\n".join(lines) + "\n"


def number(value: float, unit: str) -> str:
    """Return a value as tables show it: a fraction in percent."""
    if math.isnan(value):
        return "–"
    return f"{100 * value:.2f}" if unit == "fraction" else f"{value:.4g}"


def style(text: str, name: str, stream: TextIO | None = None) -> str:
    """Return text with a terminal style, where the stream is a terminal that wants it."""
    stream = sys.stdout if stream is None else stream
    wanted = bool(os.environ.get("FORCE_COLOR")) or stream.isatty()
    if os.environ.get("NO_COLOR") or not wanted:
        return text
    return f"\033[{_STYLES[name]}m{text}\033[0m"


def message(kind: str, text: str) -> None:
    """Print one line on stderr."""
    name = "warning" if kind == "warning" else "error"
    print(style(f"segbench: {kind}:", name, sys.stderr), printable(text), file=sys.stderr)


def warnings(texts: Iterable[str]) -> None:
    """Print the warnings of a result."""
    for text in texts:
        message("warning", text)


def refusal(error: SegbenchError, *, as_json: bool) -> None:
    """Print why there is no score: the first faults and their number on stderr, all of them as JSON on stdout."""
    faults = error.faults
    for fault in faults[:SHOWN]:
        message(f"error[{fault.code}]", str(fault))
    if len(faults) > SHOWN:
        message("error", f"{len(faults)} faults in all; the first {SHOWN} are shown (--format json lists all)")
    elif len(faults) > 1:
        message("error", f"{len(faults)} faults in all")
    if as_json:
        record = {"status": "refused", "exit": error.exit, "errors": [fault.as_record() for fault in faults]}
        sys.stdout.write(pretty_json(record))


def _class_lines(classes: list[str], scores: list[Score]) -> list[str]:
    width = max(len("class"), *(len(printable(name)) for name in classes))
    head = "".join(f"{f'[{i}]':>9}" for i in range(1, len(scores) + 1))
    lines = [style(f"{'class':<{width}}{head}", "bold")]
    for name in classes:
        cells = (number(score.per_class[name], score.unit) if name in score.per_class else "" for score in scores)
        lines.append(f"{printable(name):<{width}}{''.join(f'{cell:>9}' for cell in cells)}")
    return lines


def _unit(score: Score) -> str:
    return " %" if score.unit == "fraction" else f" {score.unit}"
