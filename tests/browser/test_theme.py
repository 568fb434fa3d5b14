"""Light and dark: as the system has it, until the reader chooses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.pages import KINDS
from tests.browser.visitor import Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Page

#: Every colour of every element.
COLOURS = """() => [...document.querySelectorAll("body, body *")].map(element => {
  const style = getComputedStyle(element);
  return ["color", "backgroundColor", "borderBottomColor", "fill", "stroke"].map(name => style[name]).join();
})"""


def brightness(page: Page) -> int:
    """Return how bright the page is behind its text, 0 to 255."""
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return max(int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(","))


def test_the_system_decides_first(visit_file: Visitor) -> None:
    page = visit_file()
    assert brightness(page) > 200
    page.emulate_media(color_scheme="dark")
    assert brightness(page) < 60


@pytest.mark.parametrize("dark", [False, True])
def test_the_reader_decides_for_all_pages(dark: bool, visit_http: Visitor) -> None:
    page = visit_http(dark=dark)
    switch = page.get_by_role("button", name="Dark theme")
    assert switch.get_attribute("aria-pressed") == str(dark).lower()
    switch.press("Enter")
    assert switch.get_attribute("aria-pressed") == str(not dark).lower()
    assert (brightness(page) < 60) is not dark
    page.get_by_role("link", name="Metrics", exact=True).click()
    page.wait_for_url("**/metrics.html")
    assert (brightness(page) < 60) is not dark
    page.get_by_role("button", name="Dark theme").click()
    assert (brightness(page) < 60) is dark


@pytest.mark.parametrize("page", ["index.html", "boards/shapes-test.html", "entries/camvid-val/espnet.html"])
def test_both_ways_to_dark_give_the_same_colours(page: str, visit_file: Visitor) -> None:
    """What axe-core finds of the system's dark colours holds for the reader's choice."""
    assert page in KINDS
    system = visit_file(page, dark=True, reduced_motion="reduce")
    chosen = visit_file(page, reduced_motion="reduce")
    light = chosen.evaluate(COLOURS)
    chosen.get_by_role("button", name="Dark theme").click()
    # The pointer and the focus are on the switch, in one of both.
    for opened in (system, chosen):
        opened.mouse.move(0, 0)
        opened.evaluate("document.activeElement.blur()")
    dark = chosen.evaluate(COLOURS)
    assert dark == system.evaluate(COLOURS)
    assert dark != light
