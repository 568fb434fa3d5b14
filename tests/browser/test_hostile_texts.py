"""What strangers write is text on every page, whatever it looks like."""

from __future__ import annotations

import pytest

from tests.browser.pages import HOSTILE
from tests.browser.visitor import Visitor

PAGES = (
    "index.html",
    "boards/hostile-test.html",
    *(f"entries/hostile-test/{name}.html" for name in ("laddernet", "retina-unet", "second-observer")),
    "compare.html#board=hostile-test&a=laddernet&b=retina-unet",
    "compare.html#board=hostile-test&a=second-observer&b=retina-unet",
)


@pytest.mark.parametrize("page", PAGES)
def test_texts_do_nothing(page: str, visit_file: Visitor) -> None:
    # Without the policy, which would hide that something was let in.
    opened = visit_file(page, bypass_csp=True)
    opened.wait_for_timeout(100)
    assert opened.evaluate("window.harmed") is None
    assert opened.locator("main :is(img:not([src$='.svg']), [onerror], [onfocus], [autofocus])").count() == 0
    links = opened.locator("[href], [src]").evaluate_all("all => all.map(one => one.href || one.src)")
    assert [link for link in links if not str(link).startswith(("file:", "https:", "http:", "data:"))] == []
    assert opened.locator("main script:not([type='application/json'])").count() == 0


def test_texts_are_shown_as_they_are(visit_file: Visitor) -> None:
    told = visit_file("boards/hostile-test.html").locator("main").text_content() or ""
    assert [text for text in HOSTILE if text not in told] == []
    told = visit_file(PAGES[-2]).locator("[data-out]").inner_text()
    assert [text for text in HOSTILE[:2] if text not in told] == []


def test_searching_for_them_does_nothing(visit_file: Visitor) -> None:
    page = visit_file("boards/hostile-test.html", bypass_csp=True)
    for text in HOSTILE:
        page.get_by_role("searchbox").fill(text)
    page.get_by_role("searchbox").fill(HOSTILE[0])
    assert page.locator("tr[data-entry]:visible").count() > 0
    assert page.evaluate("window.harmed") is None
