"""Any two entries of a board are compared, by an address that can be passed on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.visitor import Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

PAIR = "compare.html#board=drive-test&a=laddernet&b=second-observer"


def choice(page: Page, name: str) -> Locator:
    return page.get_by_role("combobox", name=name, exact=True)


def chosen(page: Page) -> list[str]:
    return [choice(page, name).input_value() for name in ("Board", "First", "Second")]


def cells(page: Page, table: str, row: str) -> list[str]:
    """Return the cells of a row of what is compared."""
    found = page.locator("[data-out]").get_by_role("table", name=table).locator("tr")
    return found.filter(has=page.locator(f"th:text-is('{row}')")).locator("td").all_inner_texts()


def duel(site: Path, first: str, second: str) -> dict[str, Any]:
    """Return a pair of the board of DRIVE as its JSON has it."""
    board = json.loads((site / "data/drive-test.json").read_text("utf-8"))
    (found,) = (duel for duel in board["duels"] if (duel["first"], duel["second"]) == (first, second))
    return found


def points(value: float) -> str:
    """Return a difference as pages write it."""
    return f"{100 * value:+.2f}".replace("-", "−")


def test_a_permalink_opens_its_pair(visit_file: Visitor, site: Path) -> None:
    page = visit_file(PAIR)
    assert chosen(page) == ["drive-test", "laddernet", "second-observer"]
    found = duel(site, "laddernet", "second-observer")
    difference = found["scores"]["auc"]
    low, high = map(points, difference["interval"])
    p = "< 0.001" if difference["p"] < 0.001 else f"{difference['p']:.3f}"
    assert cells(page, "Scores of both", "auc")[2:] == [points(difference["value"]), f"{low} to {high}", p]
    told = page.locator("[data-out]").inner_text()
    assert f"LadderNet is better on {found['won']}, Second human observer on {found['lost']}" in told
    assert f"the same on {found['drawn']}." in told
    assert "more than chance" in told


def test_what_chance_explains_is_said_to_be_chance(visit_file: Visitor, site: Path) -> None:
    assert duel(site, "laddernet", "retina-unet")["scores"]["auc"]["p"] > 0.05
    page = visit_file("compare.html#board=drive-test&a=laddernet&b=retina-unet")
    assert "may be chance" in page.locator(".verdict").inner_text()


def test_images_are_those_that_differ_most(visit_file: Visitor, site: Path) -> None:
    board = json.loads((site / "data/drive-test.json").read_text("utf-8"))
    first, second = (
        next(s["images"] for s in board["standings"] if s["entry"]["id"] == name)
        for name in ("laddernet", "second-observer")
    )
    most = sorted(first, key=lambda key: (-abs(first[key] - second[key]), key))
    table = visit_file(PAIR).locator("[data-out]").get_by_role("table", name="Images in which they differ most")
    assert table.locator("tbody th").all_inner_texts() == most[:12]


def test_swapping_turns_every_sign(visit_file: Visitor) -> None:
    page = visit_file(PAIR)
    ahead, behind, difference, interval, p = cells(page, "Scores of both", "auc")
    page.get_by_role("button", name="Swap").press("Enter")
    assert chosen(page) == ["drive-test", "second-observer", "laddernet"]
    assert page.url.endswith("#board=drive-test&a=second-observer&b=laddernet")
    low, high = interval.translate(str.maketrans("+−", "−+")).split(" to ")[::-1]
    expected = [behind, ahead, difference.replace("+", "−"), f"{low} to {high}", p]
    assert cells(page, "Scores of both", "auc") == expected


def test_a_choice_changes_the_address(visit_http: Visitor) -> None:
    page = visit_http(PAIR)
    choice(page, "Board").select_option("shapes-test")
    address = page.url
    assert "board=shapes-test" in address
    told = page.locator("[data-out]").inner_text()
    again = visit_http(address.removeprefix(visit_http.address))
    assert chosen(again) == chosen(page)
    assert again.locator("[data-out]").inner_text() == told


def test_the_address_may_change_under_an_open_page(visit_file: Visitor) -> None:
    page = visit_file(PAIR)
    page.evaluate("location.hash = '#board=drive-test&a=retina-unet&b=laddernet'")
    page.wait_for_function("document.querySelector('[data-out] h2').textContent.startsWith('Orobix')")
    assert chosen(page) == ["drive-test", "retina-unet", "laddernet"]


@pytest.mark.parametrize(
    "asked",
    [
        "",
        "#",
        "#%",
        "#board=%E0%A4%A",
        "#board=no-such-board&a=x&b=y",
        "#board=drive-test&a=no-such-entry",
        "#board=__proto__&a=constructor&b=toString",
        "#board=drive-test&a=%3Cimg%20src%3Dx%20onerror%3D%22window.harmed%3D1%22%3E",
    ],
)
def test_a_damaged_permalink_opens_some_pair(asked: str, visit_file: Visitor) -> None:
    page = visit_file(f"compare.html{asked}")
    assert len(page.locator("[data-out]").get_by_role("table").all()) >= 2
    assert page.evaluate("window.harmed") is None


def test_one_entry_against_itself_is_refused_in_words(visit_file: Visitor) -> None:
    page = visit_file("compare.html#board=drive-test&a=laddernet&b=laddernet")
    assert page.locator("[data-out]").inner_text() == "Choose two different entries."


def test_a_board_leads_to_its_pairs(visit_file: Visitor) -> None:
    page = visit_file("boards/drive-test.html")
    choice(page, "First").select_option("retina-unet")
    choice(page, "Second").select_option("second-observer")
    page.get_by_role("link", name="Compare", exact=True).last.click()
    page.wait_for_url("**/compare.html#*")
    assert chosen(page) == ["drive-test", "retina-unet", "second-observer"]


def test_an_entry_leads_to_its_pairs(visit_file: Visitor) -> None:
    page = visit_file("entries/drive-test/laddernet.html")
    page.get_by_role("link", name="LadderNet and Orobix").click()
    page.wait_for_url("**/compare.html#*")
    assert chosen(page) == ["drive-test", "laddernet", "retina-unet"]
