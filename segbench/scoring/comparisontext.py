"""A comparison as text for terminals, Markdown and LaTeX. Names come from strangers: they stay text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from segbench.errors import BadParameter, did_you_mean, printable
from segbench.formats import json_text
from segbench.markup import latex_table, latex_text, markdown_table, markdown_text
from segbench.scoring.comparisonrecord import as_record, csv_text
from segbench.scoring.comparisonsheets import Sheet, heading, method, sheets
from segbench.scoring.comparisonverdict import leader, verdict
from segbench.scoring.duels import Comparison


def sentence(comparison: Comparison) -> str:
    """Return what a comparison comes to: one sentence without a full stop.

    Parameters
    ----------
    comparison : Comparison
        Of two, or of more.

    Returns
    -------
    str
        Who is better by how much, and whether chance alone can explain it.
    """
    duels = comparison.duels
    return verdict(comparison, duels[0]) if len(duels) == 1 else leader(comparison)


def render(comparison: Comparison, format_: str, n_images: int = 10) -> str:
    """Return a comparison as text.

    Parameters
    ----------
    comparison : Comparison
        What is shown.
    format_ : str
        One of `FORMATS`.
    n_images : int
        How many images of each pair are listed.

    Returns
    -------
    str
        The text, which ends with a line feed.

    Raises
    ------
    BadParameter
        For another format.
    """
    if format_ not in FORMATS:
        raise BadParameter(f"format {format_!r}", expected=" | ".join(FORMATS), mend=did_you_mean(format_, FORMATS))
    return FORMATS[format_](comparison, n_images)


def _json(comparison: Comparison, n_images: int) -> str:
    return json_text(as_record(comparison, sentence(comparison), n_images))


def _jsonl(comparison: Comparison, n_images: int) -> str:
    return json_text(as_record(comparison, sentence(comparison), n_images), line=True)


def _table(comparison: Comparison, n_images: int) -> str:
    lines = [f"{sentence(comparison)}.", "", heading(comparison)]
    text = "".join(f"{printable(line)}\n" for line in lines)
    for sheet in sheets(comparison, n_images):
        text += "\n" + "".join(f"{line}\n" for line in _aligned(sheet))
    return f"{text}\n{printable(method(comparison))}\n"


def _aligned(sheet: Sheet) -> Iterator[str]:
    rows = [[printable(cell) for cell in row] for row in (sheet.head, *sheet.body)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    yield printable(sheet.title)
    for row in rows:
        cells = (
            f"{cell:<{width}}" if i < sheet.n_names else f"{cell:>{width}}"
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join(cells).rstrip()


def _markdown(comparison: Comparison, n_images: int) -> str:
    parts = [f"**{markdown_text(sentence(comparison))}.**\n", f"{markdown_text(heading(comparison))}\n"]
    for sheet in sheets(comparison, n_images):
        parts += [f"{markdown_text(sheet.title)}\n", markdown_table(sheet.head, sheet.body, sheet.n_names)]
    return "\n".join([*parts, f"{markdown_text(method(comparison))}\n"])


def _latex(comparison: Comparison, n_images: int) -> str:
    """Return paragraphs and tables that need no package but booktabs."""
    parts = ["% \\usepackage{booktabs}\n" + f"{latex_text(sentence(comparison))}.\n"]
    parts.append(f"{latex_text(heading(comparison))}\n")
    for sheet in sheets(comparison, n_images):
        table = latex_table(sheet.head, sheet.body, sheet.n_names)
        parts.append(f"\\noindent {latex_text(sheet.title)}\n\n\\noindent\n{table}")
    return "\n".join([*parts, f"{latex_text(method(comparison))}\n"])


def _csv(comparison: Comparison, n_images: int) -> str:
    return csv_text(comparison, n_images)


#: What each format is made by; the page stands apart, for it may hold pictures.
FORMATS: Mapping[str, Callable[[Comparison, int], str]] = {
    "table": _table,
    "json": _json,
    "jsonl": _jsonl,
    "csv": _csv,
    "md": _markdown,
    "latex": _latex,
}
