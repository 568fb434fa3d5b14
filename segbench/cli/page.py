"""Pages of text for a terminal of 80 columns: headings, paragraphs, pairs and tables."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from segbench.cli import report
from segbench.errors import printable

WIDTH = 80
_INDENT = "  "


def title(text: str) -> list[str]:
    """Return the first line of a page."""
    return [report.style(line, "bold") for line in _wrapped(text)]


def section(name: str, lines: Iterable[str]) -> list[str]:
    """Return a section with a heading, or nothing where it has no lines."""
    listed = list(lines)
    return ["", report.style(printable(name), "bold"), *listed] if listed else []


def paragraph(text: str, indent: str = _INDENT, hanging: str = "") -> list[str]:
    """Return a text broken into lines; `hanging` indents all but the first further."""
    return _wrapped(text, indent, indent + hanging)


def bullets(texts: Iterable[str]) -> list[str]:
    """Return a list of points."""
    return [line for text in texts for line in paragraph(f"- {text}", hanging="  ")]


def pairs(items: Iterable[tuple[str, str]], most: int = 24) -> list[str]:
    """Return terms and what they mean side by side; a term longer than `most` stands on a line of its own.

    Parameters
    ----------
    items : iterable of (str, str)
        Each term and what it means, in which a line feed begins a new line.
    most : int
        Columns of the longest term that has its meaning beside it.

    Returns
    -------
    list of str
        The lines.
    """
    listed = [(printable(term), text) for term, text in items]
    width = max((len(term) for term, _ in listed if len(term) <= most), default=0)
    hang = " " * (len(_INDENT) + width + 2)
    lines: list[str] = []
    for term, text in listed:
        body = [line for part in text.split("\n") for line in paragraph(part, indent=hang)] or [hang]
        if len(term) <= width:
            lines += [f"{_INDENT}{term:<{width}}  {body[0][len(hang) :]}".rstrip(), *body[1:]]
        else:
            lines += [*paragraph(term, hanging=_INDENT), *(body if text else [])]
    return lines


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return columns of texts under a head; numbers are right-aligned, and columns without text left out."""
    cells = [[printable(cell) for cell in row] for row in (head, *rows)]
    kept = [i for i in range(len(head)) if any(row[i] for row in cells[1:])]
    widths = {i: max(len(row[i]) for row in cells) for i in kept}
    right = {i for i in kept if all(row[i].isdigit() for row in cells[1:] if row[i])}
    lines = [
        "  ".join(f"{row[i]:>{widths[i]}}" if i in right else f"{row[i]:<{widths[i]}}" for i in kept) for row in cells
    ]
    return [f"{_INDENT}{line}".rstrip() for line in lines]


def columns(entries: Sequence[str], indent: str = _INDENT) -> list[str]:
    """Return short entries in as many columns as fit, to be read downwards."""
    texts = [printable(entry) for entry in entries]
    width = max(map(len, texts), default=0)
    n = max(1, (WIDTH - len(indent) + 2) // (width + 2))
    height = -(-len(texts) // n)
    rows = (texts[start::height] for start in range(height))
    return [(indent + "  ".join(f"{text:<{width}}" for text in row)).rstrip() for row in rows]


def ids(values: Iterable[int]) -> str:
    """Return ids with runs shortened: ``0–6, 9, 14–16``."""
    runs: list[list[int]] = []
    for value in sorted(values):
        if runs and value == runs[-1][-1] + 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    texts = (f"{run[0]}–{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs)
    return ", ".join(texts)


def _wrapped(text: str, first: str = "", rest: str = "") -> list[str]:
    # A path that is too long stays whole, so that it can be copied.
    return textwrap.wrap(
        printable(text),
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def text(lines: Iterable[str]) -> str:
    """Return the page."""
    return "\n".join(lines) + "\n"
