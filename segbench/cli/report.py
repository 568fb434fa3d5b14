"""What the command line prints: tables and JSON on stdout, everything else on stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import TextIO

from segbench.errors import OutputProblem, SegbenchError, counted, printable
from segbench.formats import json_text as json_text
from segbench.formats import number
from segbench.markup import bounds, interval_title, slice_rows
from segbench.result import Result, Score

#: Faults shown before the rest is only counted.
SHOWN = 10

_STYLES = {"error": "31", "warning": "33", "bold": "1", "dim": "2"}


def data(text: str) -> None:
    """Print on standard output, and see that it arrives, unless nobody reads any more (`| head`).

    Parameters
    ----------
    text : str
        What to print, with its line feeds.

    Raises
    ------
    OutputProblem
        When it cannot be written, because a disk is full.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # The work is done all the same, and the exit code still tells what became of it.
        abandon_stdout()
    except OSError as error:
        abandon_stdout()
        raise OutputProblem(f"cannot be written: {error.strerror}", file="standard output") from None


def abandon_stdout() -> None:
    """Keep the interpreter from flushing once more, as it ends, what could not be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def table(result: Result) -> str:
    """Return the table of a result: one line a score, then one a class, then one a slice.

    Parameters
    ----------
    result : Result
        The result, with at least one score.

    Returns
    -------
    str
        Lines with a line feed each; fractions are percentages with two decimals, and `–` is undefined.
    """
    keys = list(result.scores)
    width = max(len(key) for key in keys)
    lines = [style(f"{result.protocol}  {result.split}  {counted(result.n_images, 'image')}", "bold"), ""]
    places = len(f"[{len(keys)}]")
    for i, (key, score) in enumerate(result.scores.items(), 1):
        interval = f"  {interval_title(result)} {bounds(score.ci, score.unit)}" if result.resampling else ""
        lines.append(
            f"{f'[{i}]':<{places}} {key:<{width}}  {number(score.value, score.unit):>7}{_unit(score)}{interval}"
        )
    classes = list(dict.fromkeys(name for score in result.scores.values() for name in score.per_class))
    if classes:
        lines += ["", *_class_lines(classes, list(result.scores.values()))]
    if result.slices:
        lines += ["", *_slice_lines(result)]
    lines += ["", style(f"signature of [1]: {result.scores[keys[0]].signature}", "dim")]
    return "\n".join(lines) + "\n"


def style(text: str, name: str, stream: TextIO | None = None) -> str:
    """Return text with a terminal style, where the stream is a terminal that wants it."""
    return f"\033[{_STYLES[name]}m{text}\033[0m" if _wants_color(stream or sys.stdout) else text


def swatch(color: tuple[int, int, int] | None) -> str:
    """Return a patch of a colour, or blanks for none, where standard output is a terminal that wants colours."""
    if not _wants_color(sys.stdout):
        return ""
    return "   " if color is None else "\033[48;2;{};{};{}m  \033[0m ".format(*color)


def _wants_color(stream: TextIO) -> bool:
    wanted = bool(os.environ.get("FORCE_COLOR")) or stream.isatty()
    return wanted and not os.environ.get("NO_COLOR")


def message(kind: str, text: str) -> None:
    """Print one line on stderr."""
    name = "warning" if kind == "warning" else "error"
    # Where not even a message can be written, the exit code still says it.
    with suppress(OSError):
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
        data(json_text(record))


def _class_lines(classes: list[str], scores: list[Score]) -> list[str]:
    width = max(len("class"), *(len(printable(name)) for name in classes))
    head = "".join(f"{f'[{i}]':>9}" for i in range(1, len(scores) + 1))
    lines = [style(f"{'class':<{width}}{head}", "bold")]
    for name in classes:
        cells = (number(score.per_class[name], score.unit) if name in score.per_class else "" for score in scores)
        lines.append(f"{printable(name):<{width}}{''.join(f'{cell:>9}' for cell in cells)}")
    return lines


def _slice_lines(result: Result) -> list[str]:
    width = max(len("slice"), *(len(printable(name)) for name in result.slices))
    head = "".join(f"{f'[{i}]':>9}" for i in range(1, len(result.scores) + 1))
    lines = [style(f"{'slice':<{width}}{'images':>9}{head}", "bold")]
    for name, cells in slice_rows(result):
        lines.append(f"{printable(name):<{width}}{''.join(f'{cell:>9}' for cell in cells)}")
    return lines


def _unit(score: Score) -> str:
    return " %" if score.unit == "fraction" else f" {score.unit}"
