"""The guard itself: each kind of fault in a page is noticed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.visitor import Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FAULTS = {
    "<script>missing()</script>": "missing is not defined",
    "<script>Promise.reject(new Error('late'))</script>": "late",
    "<script>console.error('told')</script>": "told",
    "<script>console.warn('hinted')</script>": "hinted",
    "<img src='absent.png' alt=''>": "absent.png",
    "<img src='https://example.org/x.png' alt=''>": "asks for https://example.org/x.png",
    "<script>alert('box')</script>": "message box: box",
    "<meta http-equiv=Content-Security-Policy content=\"script-src 'none'\"><script>let x = 1</script>": "script-src",
}


@pytest.mark.parametrize(("html", "fault"), FAULTS.items())
def test_a_fault_is_noticed(html: str, fault: str, browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(f"<!doctype html><title>page</title>{html}", "utf-8")
    with pytest.raises(AssertionError, match=fault), Visitor(browser, f"{tmp_path.as_uri()}/") as visit:
        visit("page.html").wait_for_timeout(100)


def test_a_sound_page_passes(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<!doctype html><title>page</title><script>let x = 1</script>", "utf-8")
    with Visitor(browser, f"{tmp_path.as_uri()}/") as visit:
        assert visit("page.html").title() == "page"
