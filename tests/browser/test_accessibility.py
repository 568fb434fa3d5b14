"""axe-core finds nothing serious on any kind of page, in either theme, on a phone and on a desk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.pages import KINDS
from tests.browser.visitor import DESK, PHONE, Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


#: Without reading style sheets a second time, which pages on a disk may not.
RUN = "axe.run(document, {resultTypes: ['violations'], preload: false})"


def serious(page: Page) -> list[str]:
    """Return what keeps people from using a page, by axe-core, which has been put into it."""
    found = page.evaluate(RUN)
    assert len(found["passes"]) > 5
    return [
        f"{rule['id']}: {node['target']}: {node['failureSummary']}"
        for rule in found["violations"]
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("page", KINDS)
def test_nothing_serious(page: str, visit_file: Visitor, axe: str) -> None:
    opened = visit_file(page, reduced_motion="reduce", bypass_csp=True)
    opened.evaluate(axe)
    for width in (PHONE, DESK):
        opened.set_viewport_size({"width": width, "height": 800})
        for theme in ("light", "dark"):
            opened.emulate_media(color_scheme=theme)
            assert serious(opened) == [], (width, theme)


def test_axe_finds_faults(browser: Browser, axe: str, tmp_path: Path) -> None:
    html = "<!doctype html><html lang=en><title>page</title><main><h1>Page</h1><p>Text</p><a href=a>Link</a>{}</main>"
    for fault in ("<p style='color: #999'>Pale</p>", "<img src='data:,'>", "<button></button>"):
        (tmp_path / "page.html").write_text(html.format(fault), "utf-8")
        with Visitor(browser, f"{tmp_path.as_uri()}/") as visit:
            page = visit("page.html")
            page.evaluate(axe)
            assert len(serious(page)) == 1, fault
