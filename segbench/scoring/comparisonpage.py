"""A comparison as a page: one HTML file that needs no other and runs no script."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator

from segbench.errors import counted
from segbench.markup import escaped, html_page, html_table
from segbench.scoring.comparisoncharts import STYLE, Line, bars, dots, sorted_bars
from segbench.scoring.comparisonpictures import Gallery, Picture, legend
from segbench.scoring.comparisonsheets import (
    Sheet,
    by_difference,
    classes,
    differences,
    heading,
    images,
    labelled,
    matrix,
    method,
    pairs,
    scores,
    signed,
    won_text,
)
from segbench.scoring.comparisontext import sentence
from segbench.scoring.comparisonverdict import ranked, verdict
from segbench.scoring.duels import Comparison, Duel

#: Both themes, as the reader's system asks; the colours of the two are told apart by the colour-blind.
_STYLE = (
    ":root{color-scheme:light dark;--text:#1a1a1a;--back:#fff;--axis:#767676;--first:#0072b2;--second:#d55e00}"
    "@media(prefers-color-scheme:dark){:root{--text:#e8e8e8;--back:#161616;--axis:#8f8f8f;--first:#56b4e9;"
    "--second:#e69f00}}"
    "body{color:var(--text);background:var(--back);line-height:1.4}h1{font-size:1.5em;overflow-wrap:anywhere}"
    "h2{font-size:1.2em;margin-top:2em;overflow-wrap:anywhere}h3{font-size:1em;margin:1.4em 0 .3em;"
    "overflow-wrap:anywhere}"
    ".verdict{font-size:1.15em;font-weight:bold;max-width:50em;overflow-wrap:anywhere}"
    ".scroll{overflow-x:auto}.scroll table{font-variant-numeric:tabular-nums}.segbench thead th{font-size:90%}"
    ".segbench tbody th{overflow-wrap:anywhere;min-width:7em}.segbench td{white-space:nowrap}"
    ".pairs th:nth-child(2),.pairs td:nth-child(2){text-align:left}"
    ".pairs td:nth-child(2){white-space:normal;overflow-wrap:anywhere;min-width:6em}"
    "@media(max-width:40em){.segbench th,.segbench td{padding:.15em .4em}}"
    ".keys{overflow-wrap:anywhere}.keys span{display:inline-block;margin-right:1em}"
    ".keys i{display:inline-block;width:.8em;height:.8em;margin-right:.35em;border:1px solid var(--axis)}"
    ".panels{display:grid;grid-template-columns:2fr 1fr 1fr;gap:.6em;margin:.5em 0}"
    ".panels figure{margin:0}.panels figure:first-child{grid-row:span 2}"
    "@media(max-width:40em){.panels{grid-template-columns:1fr 1fr}"
    ".panels figure:first-child{grid-row:auto;grid-column:span 2}}"
    ".panels img{width:100%;display:block;border:1px solid var(--axis);box-sizing:border-box}"
    ".panels figcaption{font-size:90%;overflow-wrap:anywhere}"
    "details{margin:1em 0}summary{cursor:pointer}.note{max-width:50em;overflow-wrap:anywhere}"
)


def page(comparison: Comparison, n_images: int, pictures: Gallery | None = None) -> str:
    """Return a comparison as a page.

    Parameters
    ----------
    comparison : Comparison
        What is shown.
    n_images : int
        How many images of each pair are listed.
    pictures : Gallery, optional
        Pictures of one of the pairs, or why there are none.

    Returns
    -------
    str
        HTML in ASCII, which follows the theme of the reader's system.
    """
    names = [contender.name for contender in comparison.contenders]
    title = f"{names[0]} against {names[1]}" if len(names) == 2 else f"{len(names)} submissions compared"
    return html_page(title, _body(comparison, n_images, pictures or Gallery()), STYLE + _STYLE)


def _body(comparison: Comparison, n_images: int, pictures: Gallery) -> Iterator[str]:
    yield f"<p class='verdict'>{escaped(sentence(comparison))}.</p>"
    yield f"<p>{escaped(heading(comparison))}</p>"
    for text in comparison.warnings:
        yield f"<p class='note'>Warning: {escaped(text)}.</p>"
    yield from _scores(comparison)
    if len(comparison.duels) == 1:
        yield from _duel(comparison, comparison.duels[0], n_images)
    else:
        yield "<h2>Every pair</h2>"
        yield from _sheets([matrix(comparison), pairs(comparison)])
        for duel in comparison.duels:
            yield f"<details><summary>{escaped(f'{duel.first} against {duel.second}')}</summary>"
            yield f"<p class='note'>{escaped(verdict(comparison, duel))}.</p>"
            yield from _duel(comparison, duel, n_images)
            yield "</details>"
    yield from _gallery(comparison, pictures)
    yield "<h2>How this was made</h2>"
    yield f"<p class='note'>{escaped(method(comparison))}</p>"
    yield f"<p class='note'>Truth: SHA-256 <code>{escaped(comparison.truth)}</code></p>"


def _scores(comparison: Comparison) -> Iterator[str]:
    unit = comparison.units[comparison.primary]
    table = scores(comparison)
    # The first rows are those of the score that ranks.
    found = {row[1]: row[2] for row in table.body[: len(comparison.contenders)]}
    lines = []
    for contender in ranked(comparison):
        spread = contender.spreads.get(comparison.primary)
        value = contender.scores.get(comparison.primary, math.nan)
        interval = None if spread is None else spread.value
        lines.append(Line(contender.name, value, interval, found[contender.name]))
    yield "<h2>Scores</h2>"
    label = f"{labelled(comparison.primary, unit)} of each, with its interval"
    yield f"<p class='note'>{escaped(label)}</p>"
    yield from dots(lines, label)
    yield from _sheets([table], titled=False)


def _duel(comparison: Comparison, duel: Duel, n_images: int) -> Iterator[str]:
    yield from _sheets([differences(comparison, duel)])
    if duel.per_class:
        yield from _classes(comparison, duel)
    if duel.images:
        yield from _images(comparison, duel, n_images)


def _classes(comparison: Comparison, duel: Duel) -> Iterator[str]:
    sheet, unit = classes(comparison, duel), comparison.units[comparison.primary]
    yield f"<h3>{escaped(sheet.title)}</h3>"
    yield _who(duel)
    lines = [
        Line(name, found.value, found.interval, signed(found.value, unit), _better(comparison, found.value))
        for name, found in by_difference(duel.per_class)
    ]
    yield from bars(lines, sheet.title)
    yield f"<details><summary>{counted(len(lines), 'class').replace('classs', 'classes')} as a table</summary>"
    yield from _sheets([sheet], titled=False)
    yield "</details>"


def _images(comparison: Comparison, duel: Duel, n_images: int) -> Iterator[str]:
    sign = 1 if comparison.higher_is_better[comparison.primary] else -1
    gains = [sign * (one.first - one.second) for one in duel.images]
    yield f"<h3>{escaped(f'{comparison.unit.capitalize()} by {comparison.unit}: {won_text(comparison, duel)}')}</h3>"
    yield _who(duel)
    unit = comparison.units[comparison.primary]
    spread = f"From {signed(max(gains), unit)} to {signed(min(gains), unit)}, {labelled(comparison.primary, unit)}"
    yield sorted_bars(gains, f"{won_text(comparison, duel)}. {spread}")
    yield f"<p class='note'>{escaped(spread)}, in favour of {escaped(duel.first)}. The largest differences:</p>"
    yield from _sheets([images(comparison, duel, n_images)], titled=False)


def _better(comparison: Comparison, difference: float) -> str:
    if math.isnan(difference) or difference == 0:
        return ""
    return "first" if comparison.higher_is_better[comparison.primary] == (difference > 0) else "second"


def _who(duel: Duel) -> str:
    sides = (("first", duel.first), ("second", duel.second))
    keys = (_key(f"var(--{who})", f"{name} is better") for who, name in sides)
    return f"<p class='keys'>{' '.join(keys)}</p>"


def _key(color: str, text: str) -> str:
    return f"<span><i style='background:{color}'></i>{escaped(text)}</span>"


def _sheets(sheets: list[Sheet], *, titled: bool = True) -> Iterator[str]:
    for sheet in sheets:
        if titled:
            yield f"<h3>{escaped(sheet.title)}</h3>"
        kind = "scroll pairs" if sheet.n_names == 2 else "scroll"
        yield f"<div class='{kind}' tabindex='0' role='region' aria-label='{escaped(sheet.title)}'>"
        yield from html_table(sheet.head, ((row[0], row[1:]) for row in sheet.body))
        yield "</div>"


def _gallery(comparison: Comparison, gallery: Gallery) -> Iterator[str]:
    if gallery.reason:
        yield f"<p class='note'>{escaped(gallery.reason)}</p>"
    if not gallery.pictures:
        return
    duel = next(d for d in comparison.duels if (d.first, d.second) == (gallery.first, gallery.second))
    sheet = images(comparison, duel, len(duel.images))
    said = {row[0]: f"{duel.first} {row[1]}, {duel.second} {row[2]}" for row in sheet.body}
    yield f"<h2>{escaped(f'Pictures: {gallery.first} and {gallery.second}')}</h2>"
    keys = " ".join(_key(_css(color), text) for text, color in legend(gallery))
    yield f"<p class='keys'>Who is right: {keys}</p>"
    classes_ = " ".join(_key(_css(color), name) for name, color in gallery.classes)
    yield f"<p class='keys'>Classes: {classes_}</p>"
    for picture in gallery.pictures:
        yield f"<h3>{escaped(picture.key)}</h3><p class='note'>{escaped(said.get(picture.key, ''))}</p>"
        yield from _panels(picture, gallery)


def _panels(picture: Picture, gallery: Gallery) -> Iterator[str]:
    panels = (
        ("who is right", picture.right),
        ("image", picture.photo),
        ("truth", picture.truth),
        (gallery.first, picture.first),
        (gallery.second, picture.second),
    )
    yield "<div class='panels'>"
    for name, data in panels:
        if data is not None:
            source = base64.b64encode(data).decode()
            what = escaped(f"{picture.key}: {name}")
            yield f"<figure><img alt='{what}' src='data:image/png;base64,{source}'>"
            yield f"<figcaption>{escaped(name)}</figcaption></figure>"
    yield "</div>"


def _css(color: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*color)
