"""The site: the same bytes twice, every link leads somewhere, a text is a text, a number the same everywhere."""

from __future__ import annotations

import csv
import io
import json
import re
import xml.etree.ElementTree as ElementTree
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from segbench.errors import BadParameter, OutputProblem, printable
from segbench.leaderboard.boardrows import numbers
from segbench.leaderboard.html import shown_number
from segbench.leaderboard.metricpages import metric_contexts
from segbench.leaderboard.site import build
from segbench.leaderboard.standings import Board
from tests.leaderboard.boards import CLASSES, HOSTILE, PRIMARY, made_up
from tests.leaderboard.readpages import Read

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'"
)


@pytest.fixture(scope="module")
def boards() -> list[Board]:
    return made_up()


@pytest.fixture(scope="module")
def site(boards: list[Board], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    assert build(boards, folder) == folder / "index.html"
    return folder


@pytest.fixture(scope="module")
def read(site: Path) -> dict[str, Read]:
    return {str(path.relative_to(site)): Read(path.read_text("utf-8")) for path in sorted(site.rglob("*.html"))}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_boards_give_the_same_bytes(boards: list[Board], site: Path, tmp_path: Path) -> None:
    build(made_up(), tmp_path)
    assert contents(tmp_path) == contents(site)


def test_building_again_over_a_site_gives_the_same_bytes(boards: list[Board], site: Path) -> None:
    before = contents(site)
    build(boards, site)
    assert contents(site) == before


def test_the_pages_that_there_are(site: Path, read: dict[str, Read]) -> None:
    for name in ("index", "compare", "metrics", "protocols", "submit", "metrics/mean_iou", "protocols/voc2012"):
        assert f"{name}.html" in read
    for board in made_up():
        assert f"boards/{board.id}.html" in read
        for standing in board.standings:
            assert f"entries/{board.id}/{standing.entry.id}.html" in read
            assert (site / f"badges/{board.id}-{standing.entry.id}.svg").is_file()


def test_every_link_leads_to_a_file_or_an_allowed_address(site: Path, read: dict[str, Read]) -> None:
    addresses = {standing.entry.paper for board in made_up() for standing in board.standings} - {""}
    for name, page in read.items():
        for tag, attributes in page.tags:
            for kind in ("href", "src"):
                target = attributes.get(kind)
                if target is None or target == "data:,":
                    continue
                parts = urlsplit(target)
                if parts.scheme:
                    assert tag == "a" and target in addresses, (name, target)
                    assert "noopener" in str(attributes["rel"])
                    continue
                path = (site / name).parent / parts.path if parts.path else site / name
                assert path.resolve().is_file(), (name, target)
                assert site.resolve() in path.resolve().parents
                if parts.fragment and "=" not in parts.fragment:
                    assert parts.fragment in read[str(path.resolve().relative_to(site.resolve()))].ids(), (name, target)


def test_nothing_is_fetched_and_nothing_runs_inline(read: dict[str, Read]) -> None:
    for name, page in read.items():
        policies = [a["content"] for tag, a in page.tags if tag == "meta" and "http-equiv" in a]
        assert policies == [POLICY], name
        for tag, attributes in page.tags:
            assert "style" not in attributes and tag not in ("style", "iframe", "object", "embed", "base"), name
            assert not [key for key in attributes if key.startswith("on")], (name, attributes)
            if tag == "script":
                assert attributes.get("type") == "application/json" or attributes.get("src", "").endswith("site.js")


def test_hostile_texts_are_texts(site: Path, read: dict[str, Read]) -> None:
    for page in read.values():
        assert Counter(tag for tag, _ in page.tags)["script"] <= 2
        assert not [a for tag, a in page.tags if tag == "img" and "onerror" in a]
    board = "".join(read["boards/voc2012-val.html"].text)
    for text in (HOSTILE[0], HOSTILE[3]):
        assert text in board
    entry = read["entries/voc2012-val/evil.html"]
    whole = "".join(entry.text)
    for text in (*HOSTILE[:5], "\\x1b[31m", "\\u202e", "\\ud800"):
        assert text in whole
    assert "javascript:" not in [str(a.get("href"))[:11] for page in read.values() for tag, a in page.tags]


def test_no_file_holds_a_character_that_steers(site: Path) -> None:
    for path in site.rglob("*.*"):
        if path.is_file():
            assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", path.read_text("utf-8")), (
                path
            )


def test_each_page_is_sound(read: dict[str, Read]) -> None:
    for name, page in read.items():
        assert len(page.ids()) == len(set(page.ids())), f"{name}: an id twice"
        tags = [tag for tag, _ in page.tags]
        for landmark in ("main", "header", "nav", "footer", "h1", "title"):
            assert tags.count(landmark) == 1 or landmark == "title", (name, landmark)
        assert tags.count("table") == tags.count("caption"), name
        levels = [int(tag[1]) for tag in tags if re.fullmatch("h[1-6]", tag)]
        assert levels[0] == 1 and all(b <= a + 1 for a, b in zip(levels, levels[1:], strict=False)), (name, levels)
        known = set(page.ids())
        for _, attributes in page.tags:
            for key in ("aria-labelledby", "aria-controls"):
                assert attributes.get(key) is None or attributes[key] in known, (name, attributes)
        for tag, attributes in page.tags:
            assert tag != "th" or attributes.get("scope") in ("col", "row"), name
            assert tag != "img" or attributes.get("alt"), name


def cells(page: Read, entry: str) -> dict[tuple[str, str], tuple[str, str]]:
    """Return value and shown text of each number in the row of an entry, by score and class."""
    (row,) = [cells for tag, cells in zip(page.row_tags, page.rows, strict=True) if tag.get("data-entry") == entry]
    found = {}
    for attributes, text in row:
        if "data-key" in attributes:
            found[str(attributes["data-key"]), ""] = str(attributes["data-value"]), text
        if "data-class" in attributes:
            found[PRIMARY, str(attributes["data-class"])] = str(attributes["data-value"]), text
    return found


def test_table_csv_and_json_hold_the_same_numbers(boards: list[Board], site: Path, read: dict[str, Read]) -> None:
    for board in boards:
        lines = list(csv.DictReader(io.StringIO((site / f"data/{board.id}.csv").read_text("utf-8"))))
        record = json.loads((site / f"data/{board.id}.json").read_text("utf-8"))
        for standing, told in zip(board.standings, record["standings"], strict=True):
            name = standing.entry.id
            table = cells(read[f"boards/{board.id}.html"], name)
            in_csv = {(line["key"], line["class"]): line for line in lines if line["entry"] == name}
            expected = list(numbers(board, standing))
            assert len(table) == len(in_csv) == len(expected) == len(CLASSES) + 2
            for number in expected:
                place = number.key, number.part or ""
                score = told["scores"][number.key]
                cell = score if number.part is None else score["per_class"][number.part]
                written = "" if number.value is None else repr(number.value)
                assert cell["value"] == number.value
                assert table[place][0] == in_csv[place]["value"] == written
                assert table[place][1].split()[0] == shown_number(number.value, number.unit)
                low, high = number.interval or (None, None)
                assert cell["interval"] == (None if low is None else [low, high])
                assert in_csv[place]["low"] == ("" if low is None else repr(low))


def test_undefined_is_a_dash_and_no_number(read: dict[str, Read]) -> None:
    row = cells(read["boards/voc2012-val.html"], "undefined")
    assert {text.strip() for _, text in row.values()} == {"–"} and {value for value, _ in row.values()} == {""}
    for name, page in read.items():
        shown = {text.strip() for row in page.rows for _, text in row}
        assert not shown & {"nan", "NaN", "None", "inf", "null"}, name


def test_formulas_are_text_in_csv(site: Path) -> None:
    for path in site.rglob("*.csv"):
        for row in csv.reader(io.StringIO(path.read_text("utf-8"))):
            for cell in row:
                assert not cell.startswith(("=", "+", "@")), (path.name, cell)
                assert not cell.startswith("-") or float(cell)


def test_results_are_those_of_the_store(boards: list[Board], site: Path) -> None:
    for board in boards:
        for standing in board.standings:
            text = (site / f"data/results/{board.id}/{standing.entry.id}.json").read_text("utf-8")
            assert json.loads(text)["scores"] == standing.result["scores"]


def test_published_numbers_are_below_and_have_no_rank(read: dict[str, Read]) -> None:
    page = read["boards/voc2012-val.html"]
    places = [i for i, tag in enumerate(page.row_tags) if "data-choice" in tag]
    entries = [i for i, tag in enumerate(page.row_tags) if "data-entry" in tag]
    assert len(places) == len(HOSTILE) + 4 and max(entries) < min(places)
    heads = [text for _, text in page.rows[places[0] - 1]]
    assert heads[0] == "System" and "Rank" not in heads
    assert "data-entry" not in {key for i in places for key in page.row_tags[i]}


def test_ranks_and_the_top_group(read: dict[str, Read]) -> None:
    page = read["boards/voc2012-val.html"]
    rows = {
        tag["data-entry"]: cells for tag, cells in zip(page.row_tags, page.rows, strict=True) if "data-entry" in tag
    }
    assert [row[0][1] for row in rows.values()] == ["1–2", "1–3", "2–3", "4", "5"]
    assert [name for name, row in rows.items() if "top group" in row[1][1]] == ["plain", "evil"]


def test_the_cheapest_and_the_best_are_on_the_front(read: dict[str, Read]) -> None:
    page = read["boards/voc2012-val.html"]
    told = {row[0][1]: row[-1][1] for row in page.rows if len(row) == 4 and row[-1][1] in ("on it", "")}
    assert told["Made-up net"] == told["Made-up small net"] == "on it" and told[HOSTILE[0]] == ""


def inlined(text: str) -> Any:
    found = re.search(r'<script type="application/json" data-compare-data>(.*?)</script>', text, re.DOTALL)
    assert found
    return json.loads(found[1])


def test_what_is_compared_stands_in_the_page(boards: list[Board], site: Path) -> None:
    data = inlined((site / "compare.html").read_text("utf-8"))
    assert data.keys() == {"voc2012-val"}
    record, board = data["voc2012-val"], boards[-1]
    assert [entry["name"] for entry in record["entries"]] == [printable(s.entry.name) for s in board.standings]
    for entry, standing in zip(record["entries"], board.standings, strict=True):
        assert dict(zip(record["images"], entry["images"], strict=True)) == dict(standing.images)
    for told, duel in zip(record["duels"], board.duels, strict=True):
        assert (told["a"], told["b"], told["won"], told["lost"]) == (duel.first, duel.second, duel.won, duel.lost)


def test_the_feed_is_atom_with_the_dates_of_entries(boards: list[Board], site: Path) -> None:
    root = ElementTree.parse(site / "feed.xml").getroot()
    space = {"a": "http://www.w3.org/2005/Atom"}
    updated = [element.text for element in root.findall("a:entry/a:updated", space)]
    assert updated == sorted(filter(None, updated), reverse=True) and updated[0] == "2021-01-01T00:00:00Z"
    assert len(updated) == sum(len(board.standings) for board in boards)
    ids = [element.text for element in root.findall("a:entry/a:id", space)]
    assert len(set(ids)) == len(ids)
    for link in root.findall("a:entry/a:link", space):
        assert (site / link.attrib["href"]).is_file()


def test_badges_are_pictures_without_scripts(site: Path) -> None:
    for path in (site / "badges").iterdir():
        root = ElementTree.parse(path).getroot()
        assert {element.tag.rpartition("}")[2] for element in root.iter()} <= {"svg", "title", "path", "g", "text"}


def test_bibtex_holds_its_braces(read: dict[str, Read]) -> None:
    text = "".join(read["entries/voc2012-val/evil.html"].text)
    cited = text[text.index("@misc{") : text.index("\n}", text.index("@misc{")) + 2]
    bare = re.sub(r"\\[{}]", "", cited)
    assert bare.count("{") == bare.count("}") and "\\end{document}" not in cited


def test_boards_of_one_id_or_none_are_refused(boards: list[Board], tmp_path: Path) -> None:
    with pytest.raises(BadParameter, match="two of the id 'alone-val'"):
        build([boards[0], boards[0]], tmp_path)
    with pytest.raises(BadParameter, match="a board of the id"):
        build([replace(boards[0], id="../outside")], tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_folder_in_the_way_is_told(boards: list[Board], tmp_path: Path) -> None:
    (tmp_path / "index.html").mkdir()
    with pytest.raises(OutputProblem, match="index.html"):
        build(boards, tmp_path)


def test_no_board_at_all(tmp_path: Path) -> None:
    build([], tmp_path)
    assert "No entry yet" in "".join(Read((tmp_path / "index.html").read_text("utf-8")).text)


def test_the_page_of_a_metric_tells_the_choices_that_it_has(read: dict[str, Read]) -> None:
    told = "".join(read["metrics/auc.html"].text)
    assert "class_then_image" not in told and "The pixels of all images are added up" in told
    assert "class_then_image" in "".join(read["metrics/mean_iou.html"].text)


def test_every_convention_has_its_choices() -> None:
    for page in metric_contexts():
        for name, default, words in page["alternatives"]:
            # Classes may also be named.
            assert words and (name == "classes" or default in [word for word, _ in words]), page["name"]
