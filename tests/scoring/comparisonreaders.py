"""What tests read out of a comparison in each format."""

from __future__ import annotations

import html
import html.parser
import math
import re
from typing import Any

from segbench.errors import printable

#: Elements and attributes that a page may hold: none that runs or fetches anything.
ELEMENTS = re.compile(
    "html|head|meta|title|style|body|div|h[1-3]|p|i|b|span|code|table|thead|tbody|tr|th|td|details|summary|figure|"
    "figcaption|img|svg|line|rect|path"
)
ATTRIBUTES = re.compile(
    "lang|charset|name|content|http-equiv|class|style|role|aria-label|aria-hidden|scope|tabindex|alt|src|viewbox|"
    "preserveaspectratio|[xy][12]?|width|height|d|vector-effect"
)


class Page(html.parser.HTMLParser):
    """Reads the tables of a page, and refuses what it may not hold."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.words = ""
        self.inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        assert ELEMENTS.fullmatch(tag)
        assert all(ATTRIBUTES.fullmatch(name) for name, _ in attributes)
        assert all((value or "").startswith("data:image/png;base64,") for name, value in attributes if name == "src")
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("th", "td"):
            self.tables[-1][-1].append("")
            self.inside = True

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag not in ("th", "td")

    def handle_data(self, data: str) -> None:
        self.words += data
        if self.inside:
            self.tables[-1][-1][-1] += data


def markdown_tables(text: str) -> list[list[list[str]]]:
    """The tables of a text without their heads; a bar divides cells unless it is escaped."""
    rows: list[list[list[str]]] = []
    for block in text.split("\n\n"):
        lines = block.strip().splitlines()
        if len(lines) > 1 and lines[1].startswith("|:--"):
            split = [re.split(r"(?<!\\)(?:\\\\)*\|", line)[1:-1] for line in lines[2:]]
            rows.append([[html.unescape(re.sub(r"\\(.)", r"\1", cell.strip())) for cell in row] for row in split])
    return rows


def stripped(table: list[list[str]]) -> list[list[str]]:
    return [[cell.strip() for cell in row] for row in table]


def numbers_of_csv(table: list[dict[str, str]]) -> dict[tuple[str, ...], Any]:
    def number(text: str) -> float | None:
        return float(text) if text and math.isfinite(float(text)) else None

    found = {}
    for row in table:
        names = [row[name].removeprefix("'") for name in ("first", "second", "key", "class", "image")]
        found[(row["what"], *names)] = tuple(number(row[name]) for name in ("value", "low", "high", "p"))
    assert len(found) == len(table)
    return found


def numbers_of_json(record: dict[str, Any]) -> dict[tuple[str, ...], Any]:
    primary, found = record["primary"], {}

    def name(text: str) -> str:
        return printable(text).removeprefix("'")

    def put(what: str, names: list[str], value: float | None, interval: Any = None, p: float | None = None) -> None:
        found[(what, *map(name, names))] = (value, *(interval or (None, None)), p)

    for one in record["contenders"]:
        for key, score in one["scores"].items():
            put("score", [one["name"], "", key, "", ""], score["value"], score["interval"])
        for part, score in one["per_class"].items():
            put("score", [one["name"], "", primary, part, ""], score["value"], score["interval"])
        for what, rank in zip(("best_rank", "worst_rank"), one["ranks"], strict=True):
            put(what, [one["name"], "", primary, "", ""], rank)
    for pair in record["pairs"]:
        both = [pair["first"], pair["second"]]
        for key, one in pair["scores"].items():
            put("difference", [*both, key, "", ""], one["value"], one["interval"], one["p"])
        for part, one in pair["per_class"].items():
            put("difference", [*both, primary, part, ""], one["value"], one["interval"], one["p"])
        for what in ("won", "lost", "drawn"):
            put(what, [*both, primary, "", ""], pair[what])
        for image in pair["images"]:
            for side in ("first", "second"):
                # Of several pairs the scores of the first one that lists them; those made up here differ by pair.
                names = [pair[side], "", primary, "", image["key"]]
                if ("score", *map(name, names)) not in found:
                    put("score", names, image[side])
            put("difference", [*both, primary, "", image["key"]], image["first"] - image["second"])
    return found


def rounded(one: dict[str, Any], unit: str) -> list[str]:
    """The cells of a difference, made of what JSON holds: percent with two decimals, p-values with three."""

    def text(value: float, sign: str = "") -> str:
        return f"{100 * value:{sign}.2f}" if unit == "fraction" else f"{value:{sign}.4g}"

    if one["value"] is None:
        shown = "+inf" if "infinite" in one else "–"
    else:
        shown = text(one["value"], "+" if one["value"] else "")
    interval = "–" if one["interval"] is None else " to ".join(map(text, one["interval"]))
    p = "–" if one["p"] is None else f"{one['p']:.3f}" if one["p"] >= 0.001 else "< 0.001"
    return [shown, interval, p]
