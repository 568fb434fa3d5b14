"""A report on the cases of a result of volumes: one HTML file with the table and a picture of each of the worst."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence

from segbench.markup import escaped, html_page, html_table, number
from segbench.scoring.casepictures import CasePicture
from segbench.scoring.casetable import NAMES, CaseRows, CaseTable, caption, rows
from segbench.scoring.plots import draw_cases


def case_page(table: CaseTable, cases: Sequence[CaseRows], pictures: Sequence[CasePicture]) -> str:
    """Return a report as a page that needs no other file and runs no script.

    Parameters
    ----------
    table : CaseTable
        The result.
    cases : sequence of CaseRows
        The cases of the table.
    pictures : sequence of CasePicture
        Those of them that are shown.

    Returns
    -------
    str
        HTML in ASCII.

    Raises
    ------
    MissingPackage
        When matplotlib is not installed.
    """
    return html_page(f"Cases of {table.counted.file}", _body(table, cases, pictures))


def _body(table: CaseTable, cases: Sequence[CaseRows], pictures: Sequence[CasePicture]) -> Iterator[str]:
    terms = ", ".join(f"{name} {value}" for name, value in table.counted.terms.items() if value != "-")
    yield f"<p>{escaped(terms)}</p>"
    yield f"<p>{escaped(caption(table))}.</p>"
    for picture in pictures:
        svg = base64.b64encode(draw_cases(table, [picture])).decode()
        what = escaped(f"{picture.case.name}: {picture.structure.name}, three slices")
        yield f"<p><img alt='{what}' src='data:image/svg+xml;base64,{svg}'></p>"
    keys = list(table.units)
    head = [*NAMES, *(f"{key} ({'%' if table.units[key] == 'fraction' else table.units[key]})" for key in keys)]
    body = ((names[0], [*names[1:], *(number(v[k], table.units[k]) for k in keys)]) for names, v in rows(cases))
    yield from html_table(head, body)
