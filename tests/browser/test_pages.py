"""Every page opens without a fault, from the disk and from a server, fits its window, and reads without scripts."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.browser.pages import KINDS, written
from tests.browser.visitor import DESK, PHONE, Visitor


def test_every_page_opens(visit_file: Visitor, site: Path) -> None:
    page = visit_file()
    titles: dict[str, list[str]] = {}
    for path in written(site):
        page.goto(visit_file.address + path)
        assert page.locator("h1:visible").count() == 1, path
        titles.setdefault(page.title(), []).append(path)
    assert [paths for paths in titles.values() if len(paths) > 1] == []


def test_pages_open_from_a_server(visit_http: Visitor) -> None:
    page = visit_http()
    for path in KINDS:
        page.goto(visit_http.address + path)
        assert page.locator("h1:visible").count() == 1, path


@pytest.mark.parametrize("page", KINDS)
def test_no_page_scrolls_sideways(page: str, visit_file: Visitor, tmp_path: Path) -> None:
    """Wide tables scroll in their frames. The pictures are for people to look at."""
    pictures = Path(os.environ.get("SEGBENCH_SCREENSHOTS", tmp_path))
    opened = visit_file(page)
    for width in (PHONE, DESK):
        opened.set_viewport_size({"width": width, "height": 800})
        for theme in ("light", "dark"):
            opened.emulate_media(color_scheme=theme)
            name = re.sub(r"[^a-z0-9]+", "-", page)
            opened.screenshot(path=pictures / f"{name}-{width}-{theme}.png", full_page=True)
        assert opened.evaluate("document.documentElement.scrollWidth") == width


#: What a reader wants of a page, apart from what only a script can bring to life.
CONTENT = ":is(tbody tr, li, h2, h3, p, svg, pre, dd):not(.js, .js *, .nojs, .nojs *, details *, [data-out] *)"
SHOWN = "elements => elements.map(element => [element.textContent.trim(), element.checkVisibility()])"


@pytest.mark.parametrize("page", [page for page in KINDS if "#" not in page])
def test_it_reads_without_scripts(page: str, visit_file: Visitor) -> None:
    still, lively = visit_file(page, java_script_enabled=False), visit_file(page)
    assert still.locator("button:visible, input[type=search]:visible, select:visible").count() == 0
    content = still.locator(f"main {CONTENT}").evaluate_all(SHOWN)
    assert len(content) > 5
    assert [text for text, shown in content if not shown] == []
    assert content == lively.locator(f"main {CONTENT}").evaluate_all(SHOWN)
