"""A result for readers: Markdown, LaTeX and HTML tables, in percent with two decimals.

Names come from strangers: in every table they are text and nothing else.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from segbench.errors import counted, printable

if TYPE_CHECKING:
    # For names in signatures only: a result renders itself through this module.
    from segbench.result import Result, Score

#: Not the package `html`: it brings a table of all entities, at half the cost of a whole `segbench --help`.
_HTML = {ord(c): f"&{name};" for c, name in {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "#x27"}.items()}
_MARKDOWN = {
    **_HTML,
    **{ord(c): f"\\{c}" for c in "\\`*_[]~|#"},
    # Left alone it makes a link of what looks like one.
    ord(":"): "&#58;",
}
#: What might mention somebody; the version of a protocol, at the end of its name, does not.
_MENTION = re.compile(r"(?<!\w)@|@(?!\d+$)")
#: A hyphen that is a sign.
_MINUS = re.compile(r"(?<!\S)-(?=\d)")
_LATEX = {
    **{ord(c): f"\\{c}" for c in "&%$#_{}"},
    ord("\\"): r"\textbackslash{}",
    ord("~"): r"\textasciitilde{}",
    ord("^"): r"\textasciicircum{}",
    ord("<"): r"\textless{}",
    ord(">"): r"\textgreater{}",
    ord("|"): r"\textbar{}",
    # At the start of a row they would be the option of the line break before it.
    ord("["): "{[}",
    ord("*"): "{*}",
    ord("–"): "--",
}
#: Letters beyond ASCII that every LaTeX sets without another package.
_LETTERS = "àáâãäåæçèéêëìíîïñòóôõöøùúûüýÿßÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝćčďěłńňőœřśşšťůűźżžĆČĎĚŁŃŇŐŒŘŚŞŠŤŮŰŹŻŽ"

_STYLE = (
    # No colour of its own but the reader's, so that light and dark notebooks are both readable.
    ".segbench table{color:inherit;border-collapse:collapse;margin:.5em 0}"
    ".segbench th,.segbench td{padding:.15em .8em;border-bottom:1px solid;text-align:right;color:inherit;"
    "background:none}.segbench th:first-child{text-align:left;font-weight:inherit}.segbench code{font-size:85%;"
    "overflow-wrap:anywhere;color:inherit;background:none}"
)

#: A page runs no script and fetches nothing.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"

_PAGE_STYLE = (
    "body{font-family:sans-serif;max-width:72em;margin:1em auto;padding:0 1em}img{max-width:100%;background:#fff}"
)


def number(value: float, unit: str) -> str:
    """Return a value as tables show it: a fraction in percent, undefined as a dash."""
    if math.isnan(value):
        return "–"
    return f"{100 * value:.2f}" if unit == "fraction" else f"{value:.4g}"


def bounds(ci: tuple[float, float] | None, unit: str) -> str:
    """Return an interval as tables show it, in the unit of its value; undefined as a dash."""
    return "–" if ci is None else " to ".join(number(bound, unit) for bound in ci)


def interval_title(result: Result) -> str:
    """Return what the column of intervals is called; nothing where a `result` has none."""
    return "" if result.resampling is None else f"{100 * result.resampling['level']:g} % interval"


def _score_rows(result: Result) -> Iterator[list[str]]:
    """Yield name, value and unit of each score, and its interval where intervals were asked for."""
    for key, score in result.scores.items():
        interval = [bounds(score.ci, score.unit)] if result.resampling is not None else []
        yield [key, number(score.value, score.unit), *interval, _unit(score)]


def _score_head(result: Result) -> list[str]:
    return ["score", "value", *filter(None, [interval_title(result)]), "unit"]


def markdown(result: Result) -> str:
    """Return GitHub tables: the scores, then the classes."""
    lines = [
        f"**{_md(result.protocol)}**, {_md(result.split)}, {counted(result.n_images, 'image')}",
        "",
        f"| {' | '.join(_score_head(result))} |",
        f"|:--|{'--:|' * (len(_score_head(result)) - 2)}:--|",
        *(f"| {' | '.join(map(_md, row))} |" for row in _score_rows(result)),
    ]
    classes = dict(_classes(result))
    if classes:
        head = " | ".join(["class", *map(_md, result.scores)])
        lines += ["", f"| {head} |", "|:--|" + "--:|" * len(result.scores)]
        lines += (f"| {' | '.join([_md(name), *cells])} |" for name, cells in classes.items())
    if result.slices:
        head = " | ".join(["slice", "images", *map(_md, result.scores)])
        lines += ["", f"| {head} |", "|:--|" + "--:|" * (1 + len(result.scores))]
        lines += (f"| {' | '.join([_md(name), *cells])} |" for name, cells in slice_rows(result))
    return "\n".join(lines) + "\n"


def markdown_text(text: str) -> str:
    """Return a stranger's text as it stands in Markdown."""
    return _md(text)


def _md(text: str) -> str:
    return _MENTION.sub("&#64;", printable(text).translate(_MARKDOWN))


def latex(result: Result) -> str:
    """Return tables that need no package but booktabs; signatures are comments."""
    lines = [
        r"% \usepackage{booktabs}",
        *(f"% {printable(key)}: {printable(score.signature)}" for key, score in result.scores.items()),
        *_tabular(
            f"l{'r' * (len(_score_head(result)) - 2)}l",
            [*map(_tex, _score_head(result))],
            ([*map(_tex, row)] for row in _score_rows(result)),
        ),
    ]
    classes = dict(_classes(result))
    if classes:
        columns = "l" + "r" * len(result.scores)
        body = ([_tex(name), *map(_tex, cells)] for name, cells in classes.items())
        lines += ["", *_tabular(columns, ["class", *map(_tex, result.scores)], body)]
    if result.slices:
        columns = "lr" + "r" * len(result.scores)
        body = ([_tex(name), *map(_tex, cells)] for name, cells in slice_rows(result))
        lines += ["", *_tabular(columns, ["slice", "images", *map(_tex, result.scores)], body)]
    return "\n".join(lines) + "\n"


def _tabular(columns: str, head: list[str], body: Iterator[list[str]]) -> Iterator[str]:
    yield f"\\begin{{tabular}}{{{columns}}}"
    yield r"\toprule"
    yield " & ".join(head) + r" \\"
    yield r"\midrule"
    for cells in body:
        yield " & ".join(cells) + r" \\"
    yield r"\bottomrule"
    yield r"\end{tabular}"


def latex_text(text: str) -> str:
    """Return a stranger's text as it stands in LaTeX."""
    return _tex(text)


def latex_table(head: list[str], body: Iterable[list[str]], n_names: int) -> str:
    """Return a table for LaTeX with booktabs; as `markdown_table`."""
    lines = ([*map(_tex, row[:n_names]), *(_MINUS.sub("$-$", _tex(c)) for c in row[n_names:])] for row in body)
    return "\n".join(_tabular("l" * n_names + "r" * (len(head) - n_names), [*map(_tex, head)], lines)) + "\n"


def _tex(text: str) -> str:
    safe = (c if c.isascii() or c in _LETTERS or c == "–" else f"U+{ord(c):04X}" for c in printable(text))
    return "".join(safe).translate(_LATEX)


def html_fragment(result: Result) -> str:
    """Return a fragment without scripts for notebooks and pages, in ASCII."""
    head = f"<b>{escaped(result.protocol)}</b>, {escaped(result.split)}, {counted(result.n_images, 'image')}"
    lines = [
        f"<div class='segbench'><style>{_STYLE}</style><p>{head}</p>",
        *html_table(_score_head(result), ((key, cells) for key, *cells in _score_rows(result))),
        *_html_classes(result),
        *(f"<p><code>{escaped(score.signature)}</code></p>" for score in list(result.scores.values())[:1]),
        "</div>",
    ]
    # Pure ASCII, so that the fragment reads the same whatever encoding the page around it has.
    return ("\n".join(lines) + "\n").encode("ascii", "xmlcharrefreplace").decode("ascii")


def html_page(title: str, body: Iterable[str], style: str = "") -> str:
    """Return a page without scripts that needs no other file, in ASCII.

    Parameters
    ----------
    title : str
        Text.
    body : iterable of str
        HTML.
    style : str
        More rules in CSS.

    Returns
    -------
    str
        HTML, which asks for nothing from elsewhere, and may not.
    """
    lines = [
        "<!DOCTYPE html>",
        f"<html lang='en'><head><meta charset='utf-8'><title>{escaped(title)}</title>",
        "<meta name='viewport' content='width=device-width,initial-scale=1'>",
        f"<meta http-equiv='Content-Security-Policy' content=\"{_POLICY}\">",
        f"<style>{_STYLE}{_PAGE_STYLE}{style}</style></head><body><div class='segbench'>",
        f"<h1>{escaped(title)}</h1>",
        *body,
        "</div></body></html>",
    ]
    return ("\n".join(lines) + "\n").encode("ascii", "xmlcharrefreplace").decode("ascii")


def markdown_table(head: list[str], body: Iterable[list[str]], n_names: int) -> str:
    """Return a GitHub table under a `head`: its first columns are names, the others numbers; all of it is text."""
    rule = "|" + ":--|" * n_names + "--:|" * (len(head) - n_names)
    rows = [f"| {' | '.join(map(_md, row))} |" for row in (head, *body)]
    return "\n".join([rows[0], rule, *rows[1:]]) + "\n"


def _html_classes(result: Result) -> Iterator[str]:
    classes = dict(_classes(result))
    if classes:
        yield f"<details open><summary>{len(classes)} classes</summary>"
        yield from html_table(["class", *result.scores], classes.items())
        yield "</details>"
    if result.slices:
        yield from html_table(["slice", "images", *result.scores], slice_rows(result))


def html_table(head: list[str], body: Iterable[tuple[str, list[str]]]) -> Iterator[str]:
    """Yield the lines of a table: under a `head` the name and the cells of each row; all of it is text."""
    yield f"<table><thead><tr>{''.join(f'<th>{escaped(name)}</th>' for name in head)}</tr></thead><tbody>"
    for name, cells in body:
        numbers = "".join(f"<td>{escaped(cell)}</td>" for cell in cells)
        yield f"<tr><th scope='row'>{escaped(name)}</th>{numbers}</tr>"
    yield "</tbody></table>"


def escaped(text: str) -> str:
    """Return a stranger's text as it stands between tags, or in an attribute."""
    return printable(text).translate(_HTML)


def slice_rows(result: Result) -> Iterator[tuple[str, list[str]]]:
    """Yield each slice of a result with its images and its number under every score."""
    for name, part in result.slices.items():
        found = (part.scores.get(key) for key in result.scores)
        yield name, [str(part.n_images), *("" if s is None else number(s.value, s.unit) for s in found)]


def _classes(result: Result) -> Iterator[tuple[str, list[str]]]:
    """Yield each class with its number under every score, empty where a score has no such class."""
    scores = list(result.scores.values())
    for name in dict.fromkeys(name for score in scores for name in score.per_class):
        yield name, [number(s.per_class[name], s.unit) if name in s.per_class else "" for s in scores]


def _unit(score: Score) -> str:
    return "%" if score.unit == "fraction" else score.unit
