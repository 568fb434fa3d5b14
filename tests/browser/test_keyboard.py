"""Every page can be used without a mouse."""

from __future__ import annotations

import pytest

from tests.browser.pages import KINDS
from tests.browser.visitor import Visitor

#: What a reader can act on, apart from what is hidden or folded away.
CONTROLS = "a[href], button, input, select, summary, [tabindex='0']"
VISIBLE = "all => all.filter(one => one.checkVisibility({visibilityProperty: true}))"
#: The element that has the focus: which one it is, and whether one sees that it has it.
FOCUSED = """selector => {
  const one = document.activeElement, within = one.closest("li, label") || one;
  const seen = style => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  const marked = [getComputedStyle(one), getComputedStyle(one, "::after")].some(seen);
  const all = [...document.querySelectorAll(selector)].filter(one => one.checkVisibility({visibilityProperty: true}));
  return [all.indexOf(one), marked, one.outerHTML.slice(0, 120)];
}"""


@pytest.mark.parametrize("page", [page for page in KINDS if "camvid" not in page])
def test_tab_reaches_everything_and_shows_where_it_is(page: str, visit_file: Visitor) -> None:
    opened = visit_file(page)
    n = len(opened.locator(CONTROLS).evaluate_all(f"all => ({VISIBLE})(all).map(one => one.tagName)"))
    reached = []
    for _ in range(min(n, 40)):
        opened.keyboard.press("Tab")
        place, marked, html = opened.evaluate(FOCUSED, CONTROLS)
        assert marked, html
        reached.append(place)
    assert reached == list(range(len(reached)))


def test_the_first_link_skips_to_the_content(visit_file: Visitor) -> None:
    page = visit_file("boards/drive-test.html")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to content")
    assert skip.evaluate("link => link === document.activeElement && link.getBoundingClientRect().left >= 0")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_a_whole_comparison_by_keyboard(visit_file: Visitor) -> None:
    page = visit_file("boards/drive-test.html")
    page.get_by_role("combobox", name="Second", exact=True).focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/compare.html#*b=second-observer")
    assert page.locator(".verdict").is_visible()
