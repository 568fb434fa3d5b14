"""Tables sort, search and filter, by mouse and by keyboard."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from segbench.leaderboard.site import build
from tests.browser.pages import boards
from tests.browser.visitor import Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

DRIVE = "boards/drive-test.html"
VALUES = "cells => cells.map(cell => cell.dataset.value)"


def entries(page: Page) -> list[str]:
    """Return the ids of the entries that a board shows, from the top."""
    return page.locator("tr[data-entry]:visible").evaluate_all("rows => rows.map(row => row.dataset.entry)")


def values(page: Page, key: str) -> list[float | None]:
    """Return a column of a board, from the top; None where it is undefined."""
    cells = page.locator(f"tr[data-entry]:visible td[data-key='{key}']").evaluate_all(VALUES)
    return [float(text) if text else None for text in cells]


def header(page: Page, name: str) -> Locator:
    return page.get_by_role("table", name="Verified entries").get_by_role("button", name=name, exact=True)


def sorted_by(page: Page) -> list[list[str]]:
    """Return the columns that say that their table is sorted by them, and how."""
    heads = page.locator("table.board th[aria-sort]:not([aria-sort=none])")
    return heads.evaluate_all("heads => heads.map(head => [head.innerText.trim(), head.ariaSort])")


@pytest.mark.parametrize("press", ["click", "Enter", "Space"])
def test_a_header_sorts(press: str, visit_file: Visitor) -> None:
    page = visit_file(DRIVE)
    assert values(page, "auc") == sorted(values(page, "auc"), reverse=True)
    button = header(page, "sensitivity")
    for direction in ("descending", "ascending", "descending"):
        button.click() if press == "click" else button.press(press)
        assert sorted_by(page) == [["sensitivity", direction]]
        found = values(page, "sensitivity")
        assert found == sorted(found, reverse=direction == "descending")
        assert len(set(found)) == 3
        assert button.evaluate("button => button === document.activeElement") or press == "click"


def test_another_header_takes_over(visit_file: Visitor) -> None:
    page = visit_file(DRIVE)
    header(page, "f1").click()
    header(page, "Entry").click()
    assert sorted_by(page) == [["Entry", "ascending"]]
    assert entries(page) == ["laddernet", "retina-unet", "second-observer"]
    header(page, "Date").click()
    assert entries(page) == ["laddernet", "retina-unet", "second-observer"]
    header(page, "Date").click()
    assert entries(page) == ["second-observer", "retina-unet", "laddernet"]


def test_undefined_values_stay_last(visit_file: Visitor) -> None:
    page = visit_file("boards/hostile-test.html")
    for _ in range(2):
        header(page, "auc").click()
        first, second, undefined = values(page, "auc")
        assert undefined is None
        assert first is not None
        assert second is not None
        assert (first > second) == (sorted_by(page) == [["auc", "descending"]])


def test_search_leaves_rows_that_have_every_word(visit_file: Visitor) -> None:
    page = visit_file(DRIVE)
    search = page.get_by_role("searchbox")
    search.fill("ORobix  retina")
    assert entries(page) == ["retina-unet"]
    count = page.locator("section", has=page.get_by_role("heading", name="Verified entries")).locator("[aria-live]")
    assert count.inner_text() == "1 of 3 rows"
    search.fill("nothing of that kind")
    assert entries(page) == []
    assert count.inner_text() == "0 of 3 rows"
    search.fill("")
    assert len(entries(page)) == 3
    assert count.inner_text() == "3 rows"


def test_filters_add_up(visit_file: Visitor) -> None:
    page = visit_file(DRIVE)
    page.get_by_label("Top group only").check()
    assert entries(page) == ["laddernet", "retina-unet"]
    page.get_by_role("searchbox").fill("ladder")
    assert entries(page) == ["laddernet"]
    page.get_by_label("Top group only").uncheck()
    page.get_by_role("searchbox").fill("")
    page.get_by_label("With code").check()
    assert "second-observer" not in entries(page)


def test_a_filter_survives_sorting(visit_file: Visitor) -> None:
    page = visit_file(DRIVE)
    page.get_by_label("Top group only").check()
    header(page, "specificity").click()
    assert entries(page) == ["retina-unet", "laddernet"]


def test_published_numbers_hide_and_narrow(visit_file: Visitor) -> None:
    page = visit_file(DRIVE)
    rows = page.get_by_role("table", name="Published numbers").locator("tbody tr:visible")
    everything = rows.count()
    page.get_by_label("Metric").select_option("F1 score")
    assert 0 < rows.count() < everything
    assert set(rows.locator("td:nth-of-type(2)").all_inner_texts()) == {"F1 score"}
    page.get_by_label("Metric").select_option("all")
    assert rows.count() == everything
    page.get_by_label("Hide published numbers").check()
    assert rows.count() == 0
    assert len(entries(page)) == 3


def test_classes_have_columns_on_demand(visit_file: Visitor) -> None:
    page = visit_file("boards/shapes-test.html")
    of_classes = page.get_by_role("table", name="Verified entries").locator("td[data-class]:visible")
    assert of_classes.count() == 0
    page.get_by_label("Show a column for each").check()
    classes = of_classes.evaluate_all("cells => cells.map(cell => cell.dataset.class)")
    assert len(set(classes)) > 1
    header(page, classes[-1]).click()
    column = page.locator(f"tr[data-entry] td[data-class='{classes[-1]}']").evaluate_all(VALUES)
    assert [float(text) for text in column] == sorted(map(float, column), reverse=True)
    page.get_by_label("Show a column for each").uncheck()
    assert of_classes.count() == 0


def test_classes_by_entry_sort(visit_file: Visitor) -> None:
    page = visit_file("boards/shapes-test.html")
    table = page.get_by_role("table", name="of each class, by entry")
    table.get_by_role("button").nth(1).click()
    column = table.locator("tbody td:nth-of-type(1)").evaluate_all(VALUES)
    assert [float(text) for text in column] == sorted(map(float, column), reverse=True)


def test_boards_are_searched(visit_file: Visitor) -> None:
    page = visit_file()
    cards = page.locator(".card:visible h3")
    everything = cards.count()
    page.get_by_role("searchbox").fill("laddernet")
    assert cards.all_inner_texts() == ["DRIVE, vessels in retina images"]
    assert page.locator("[aria-live]:visible").inner_text() == f"1 of {everything} boards"
    page.get_by_role("searchbox").fill("")
    assert cards.count() == everything


def test_a_single_board_is_counted_as_one(browser: Browser, tmp_path: Path) -> None:
    build(boards()[:1], tmp_path)
    with Visitor(browser, f"{tmp_path.as_uri()}/") as visit:
        assert visit().locator("[aria-live]:visible").inner_text() == "1 board"


@pytest.mark.parametrize("kind", ["metrics", "protocols"])
def test_explained_things_are_searched(kind: str, visit_file: Visitor) -> None:
    page = visit_file(f"{kind}.html")
    rows = page.locator("tbody tr:visible")
    everything = rows.count()
    word = {"metrics": "hausdorff", "protocols": "cityscapes"}[kind]
    page.get_by_role("searchbox").fill(word)
    assert 0 < rows.count() < everything
    assert all(word in text.lower() for text in rows.all_inner_texts())
    page.locator("tbody a:visible").first.click()
    assert word in page.locator("h1").inner_text().lower() + page.url
