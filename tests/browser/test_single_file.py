"""The site as one file: every page in it, reached by address, complete without a second request."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from segbench.leaderboard.site import build
from tests.browser.pages import boards
from tests.browser.test_accessibility import serious
from tests.browser.visitor import PHONE, Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that holds the file alone."""
    folder = tmp_path_factory.mktemp("single")
    build(boards(), folder / "boards.html", single_file=True)
    return folder


@pytest.fixture
def visit(browser: Browser, single: Path) -> Iterator[Visitor]:
    with Visitor(browser, f"{single.as_uri()}/boards.html") as visitor:
        yield visitor


def test_links_lead_from_page_to_page(visit: Visitor) -> None:
    page = visit("")
    assert page.locator("h1:visible").all_inner_texts() == ["Segmentation leaderboards"]
    page.get_by_role("link", name="DRIVE, vessels in retina images").first.click()
    assert page.locator("h1:visible").all_inner_texts() == ["DRIVE, vessels in retina images test"]
    page.get_by_role("link", name="LadderNet", exact=True).first.click()
    assert page.locator("h1:visible").all_inner_texts() == ["LadderNet"]
    page.go_back()
    assert page.locator("h1:visible").all_inner_texts() == ["DRIVE, vessels in retina images test"]


def test_tables_work_and_pairs_have_addresses(visit: Visitor) -> None:
    page = visit("#boards/drive-test.html")
    page.get_by_role("checkbox", name="Top group only").check()
    assert page.locator("tr[data-entry]:visible").count() == 2
    page.get_by_role("button", name="specificity", exact=True).click()
    page.get_by_role("link", name="Compare", exact=True).last.click()
    assert page.locator("h1:visible").all_inner_texts() == ["Compare two entries"]
    told = page.locator("[data-out]").inner_text()
    assert "LadderNet" in told
    again = visit(page.url.removeprefix(visit.address))
    assert again.locator("[data-out]").inner_text() == told


@pytest.mark.parametrize("asked", ["#%", "#no-such-page.html", "#compare.html?board=__proto__", "#main"])
def test_a_damaged_address_opens_a_page(asked: str, visit: Visitor) -> None:
    assert visit(asked).locator("h1:visible").count() == 1


def test_a_file_is_inside(visit: Visitor, site: Path) -> None:
    page = visit("#boards/drive-test.html")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV", exact=True).first.click()
    assert Path(download.value.path()).read_bytes() == (site / "data/drive-test.csv").read_bytes()


def test_it_reads_without_scripts(visit: Visitor) -> None:
    page = visit("", java_script_enabled=False)
    assert page.get_by_role("heading", name="LadderNet", exact=True).first.is_visible()
    assert page.locator("tr[data-entry]:visible").count() == page.locator("tr[data-entry]").count() > 5


@pytest.mark.parametrize("part", ["", "#boards/shapes-test.html", "#compare.html", "#metrics/mean_iou.html"])
def test_it_fits_a_phone(part: str, visit: Visitor) -> None:
    assert visit(part, width=PHONE).evaluate("document.documentElement.scrollWidth") == PHONE


def test_it_is_accessible(visit: Visitor, axe: str) -> None:
    page = visit("#boards/shapes-test.html", width=PHONE, reduced_motion="reduce", bypass_csp=True)
    page.evaluate(axe)
    assert serious(page) == []


def test_no_text_does_anything(visit: Visitor) -> None:
    page = visit("", bypass_csp=True)
    page.wait_for_timeout(100)
    assert page.evaluate("window.harmed") is None
    links = page.locator("main :is([href], [src])").evaluate_all("all => all.map(one => one.href || one.src)")
    assert [link[:80] for link in links if not str(link).startswith(("file:", "https:", "http:", "data:"))] == []
