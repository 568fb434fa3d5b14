"""Every format of a result tells the same numbers, and a stranger's name is text in all of them."""

from __future__ import annotations

import csv
import html
import html.parser
import io
import json
import math
import random
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from segbench.cli import report
from segbench.errors import BadParameter, MissingPackage, UnknownName
from segbench.formats import COLUMNS, FORMATS, SUFFIXES, format_of, number, render, rows
from segbench.result import Provenance, Result, Score, Slice
from segbench.scoring.output import write_result
from tests.conftest import CommandLine

HOSTILE = (
    "<script>alert(1)</script>",
    '" onmouseover="alert(1)',
    '=HYPERLINK("http://evil.example")',
    "+cmd|' /C calc'!A0",
    "-1+1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "a|b\\|c",
    "two\nlines",
    "right\u202eto left",
    "\x1b[31mred\x1b[0m\x07",
    "\\input{/etc/passwd} 100% $x_1^2$ #{~}&",
    "[2cm] *",
    "[link](javascript:alert(1)) ![](http://evil.example/x.png)",
    "`code` **bold** ~~gone~~",
    "&amp;",
    "'quoted', \"quoted\"",
    "中文 é",
    "\ud800",
)


def result(scores: dict[str, Score]) -> Result:
    return Result("voc2012@1", "val", 3, scores, Provenance("p", "t", {"segbench": "0"}), ("a warning",))


def drawn(seed: int) -> Result:
    """A result of random floats, some of them undefined, whose scores share some classes."""
    dice = random.Random(seed)

    def value() -> float:
        kinds = (dice.random(), math.nan, 0.0, 1.0, dice.random() * 1e-9, 1 / 3, 0.1 + 0.2, dice.random(), 0.5)
        return dice.choice(kinds)

    scores = {
        key: Score(
            value(),
            {name: value() for name in dice.sample(["road", "sky", "car", *HOSTILE], 7)},
            unit,
            unit == "fraction",
            f"voc2012@1|val|3|truth:00000000|-|-|error|-|{key}|segbench:0",
        )
        for key, unit in (("mean_iou", "fraction"), ("mean_iou(pool=image)", "fraction"), ("hausdorff", "mm"))
    }
    return result(scores)


DRAWN = [drawn(seed) for seed in range(40)]
Numbers = dict[tuple[str, str | None], float]


def numbers(result: Result) -> Numbers:
    return {(row.key, row.part): row.value for row in rows(result)}


def sliced(result: Result) -> Result:
    """The result with two slices, one of which lacks a score."""
    few = dict(list(result.scores.items())[:1])
    return replace(result, slices={"night": Slice(2, result.scores), "day": Slice(1, few)})


def same(mine: Numbers, other: Numbers) -> bool:
    """Whether both hold the same bits, undefined included."""
    return {k: repr(v) for k, v in mine.items()} == {k: repr(v) for k, v in other.items()}


def shown(name: str) -> str:
    """A name as every format but JSON shows it: what is no text is spelled out."""
    return report.printable(name)


def from_record(record: dict[str, object]) -> Numbers:
    found: Numbers = {}
    for key, score in record["scores"].items():  # type: ignore[attr-defined]
        values = [(None, score["value"]), *score["per_class"].items()]
        found |= {(key, name): math.nan if value is None else value for name, value in values}
    return found


@pytest.mark.parametrize("seed", range(len(DRAWN)))
@pytest.mark.parametrize("format_", ["json", "jsonl"])
def test_json_reads_back(format_: str, seed: int) -> None:
    text = render(DRAWN[seed], format_)
    assert same(from_record(json.loads(text)), numbers(DRAWN[seed]))
    assert "NaN" not in text
    assert text.endswith("\n")
    assert format_ == "json" or text.count("\n") == 1


@pytest.mark.parametrize("seed", range(len(DRAWN)))
def test_csv_reads_back(seed: int) -> None:
    text = render(DRAWN[seed], "csv")
    table = list(csv.DictReader(io.StringIO(text)))
    assert tuple(table[0]) == COLUMNS
    assert text.count("\n") == len(table) + 1, "one line a row, for tools that know no quotes"
    for line, row in zip(table, rows(DRAWN[seed]), strict=True):
        assert line["value"] == ("" if math.isnan(row.value) else repr(row.value))
        assert line["class"].removeprefix("'") == shown(row.part or "").removeprefix("'")
        assert (line["key"], line["unit"], line["signature"]) == (row.key, row.unit, row.signature)
        assert line["higher_is_better"] == str(row.higher_is_better).lower()
        assert not line["class"].startswith(("=", "+", "-", "@", "\t", "\r"))


@pytest.mark.parametrize("seed", range(len(DRAWN)))
def test_value_is_the_primary_score_alone(seed: int) -> None:
    for key, score in DRAWN[seed].scores.items():
        expected = "\n" if math.isnan(score.value) else f"{score.value!r}\n"
        assert render(DRAWN[seed], "value", primary=key) == expected
    assert render(DRAWN[seed], "value") == render(DRAWN[seed], "value", primary="mean_iou")


@pytest.mark.parametrize("seed", range(len(DRAWN)))
def test_flat_and_frame_hold_the_same_floats(seed: int) -> None:
    expected = numbers(DRAWN[seed])
    flat = DRAWN[seed].flat("val")
    assert same({(k, n): flat["/".join(("val", k, n) if n is not None else ("val", k))] for k, n in expected}, expected)
    assert len(flat) == len(expected)
    assert set(DRAWN[seed].flat()) == {name.removeprefix("val/") for name in flat}
    frame = DRAWN[seed].to_frame()
    assert tuple(frame.columns) == COLUMNS
    keys = [(key, None if name != name else name) for key, name in zip(frame["key"], frame["class"], strict=True)]
    spelled = {(key, name if name is None else shown(name)): value for (key, name), value in expected.items()}
    assert same(dict(zip(keys, frame["value"].tolist(), strict=True)), spelled)
    assert frame["higher_is_better"].tolist() == [row.higher_is_better for row in rows(DRAWN[seed])]


def shown_cells(result: Result) -> tuple[list[list[str]], list[list[str]]]:
    """The two tables that people see: scores, and classes."""
    units = {"fraction": "%"}
    scores = [[k, number(s.value, s.unit), units.get(s.unit, s.unit)] for k, s in result.scores.items()]
    names = dict.fromkeys(name for score in result.scores.values() for name in score.per_class)
    classes = [
        [
            shown(name),
            *(number(s.per_class[name], s.unit) if name in s.per_class else "" for s in result.scores.values()),
        ]
        for name in names
    ]
    return scores, classes


def markdown_tables(text: str) -> list[list[list[str]]]:
    """Read GitHub tables without their heads; a bar divides cells unless it is escaped."""
    tables: list[list[list[str]]] = [[]]
    for line in text.splitlines()[2:]:
        if not line:
            tables.append([])
        else:
            cells = re.split(r"(?<!\\)(?:\\\\)*\|", line)[1:-1]
            tables[-1].append([html.unescape(re.sub(r"\\(.)", r"\1", cell.strip())) for cell in cells])
    return [table[2:] for table in tables]


class Tables(html.parser.HTMLParser):
    """Reads the cells of an HTML fragment and refuses what it may not hold."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        assert tag in {
            "div",
            "style",
            "p",
            "b",
            "table",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
            "details",
            "summary",
            "code",
        }
        assert {name for name, _ in attributes} <= {"class", "scope", "open"}
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
        if self.inside:
            self.tables[-1][-1][-1] += data


def latex_tables(text: str) -> list[list[list[str]]]:
    """Read tabulars without their heads, undoing every escape."""
    bodies = re.findall(r"\\midrule\n(.*?)\\bottomrule", text, re.DOTALL)
    return [
        [[plain(cell) for cell in re.split(r"(?<!\\) & ", row)] for row in body.split(" \\\\\n")[:-1]]
        for body in bodies
    ]


def plain(cell: str) -> str:
    names = {"textbackslash": "\\", "textasciitilde": "~", "textasciicircum": "^"}
    names |= {"textless": "<", "textgreater": ">", "textbar": "|"}
    pattern = r"\\(text[a-z]+)\{\}|\{(.)\}|\\(.)|(?<![-])--(?!-)"
    return re.sub(pattern, lambda m: names[m[1]] if m[1] else m[2] or m[3] or "–", cell)


@pytest.mark.parametrize("seed", range(len(DRAWN)))
def test_tables_for_people_show_the_same_numbers(seed: int) -> None:
    scores, classes = shown_cells(DRAWN[seed])
    assert markdown_tables(render(DRAWN[seed], "md")) == [scores, classes]
    heads_and_rows = Tables(render(DRAWN[seed], "html")).tables
    assert [table[1:] for table in heads_and_rows] == [scores, classes]
    spelled = [[re.sub("[中文]", lambda m: f"U+{ord(m[0]):04X}", cell) for cell in line] for line in classes]
    assert latex_tables(render(DRAWN[seed], "latex")) == [scores, spelled]
    terminal = report.table(DRAWN[seed])
    for key, value, _ in scores:
        assert re.search(rf"{re.escape(key)} +{re.escape(value)} ", terminal)


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_name_is_text(name: str, format_: str) -> None:
    hostile = result({name: Score(0.25, {name: 0.5}, unit=name, signature=name)})
    text = render(hostile, format_)
    text.encode()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)
    if format_ == "html":
        table = Tables(text).tables[1]
        assert table[1] == [shown(name), table[1][1]]
    if format_ == "latex":
        assert not any("\\input" in line for line in text.splitlines() if not line.startswith("%"))


def test_latex_has_balanced_braces_and_as_many_cells_as_columns() -> None:
    text = render(result({name: Score(0.25, dict.fromkeys(HOSTILE, 0.5)) for name in HOSTILE}), "latex")
    for line in text.splitlines():
        bare = re.sub(r"\\[{}]", "", line)
        assert line.startswith("%") or bare.count("{") == bare.count("}")
        if line.endswith(r" \\"):
            assert len(re.findall(r"(?<!\\)&", line)) in (2, len(HOSTILE))


@pytest.mark.parametrize("seed", range(3))
def test_slices_are_in_every_format(seed: int) -> None:
    whole, parts = DRAWN[seed], sliced(DRAWN[seed])
    record = json.loads(render(parts, "json"))["slices"]
    assert same(from_record(record["night"]), numbers(whole))
    table = list(csv.DictReader(io.StringIO(render(parts, "csv"))))
    assert tuple(table[0]) == (*COLUMNS, "slice")
    night = [{**row, "slice": ""} for row in table if row["slice"] == "night"]
    assert night == [row for row in table if not row["slice"]]
    assert parts.to_frame()["slice"].tolist().count("day") == 8
    flat = parts.flat()
    assert same(
        {(k, None): flat[f"night/{k}"] for k in flat if f"night/{k}" in flat},
        {(k, None): v for k, v in whole.flat().items()},
    )
    shown_slices = [
        [
            name,
            str(part.n_images),
            *(number(part.scores[k].value, s.unit) if k in part.scores else "" for k, s in whole.scores.items()),
        ]
        for name, part in parts.slices.items()
    ]
    assert markdown_tables(render(parts, "md"))[2] == shown_slices
    assert Tables(render(parts, "html")).tables[2][1:] == shown_slices
    assert latex_tables(render(parts, "latex"))[2] == shown_slices
    assert [line.split() for line in report.table(parts).splitlines() if line.startswith(("night", "day"))] == [
        [cell for cell in line if cell] for line in shown_slices
    ]


@pytest.mark.parametrize("format_", FORMATS)
def test_a_score_without_classes_renders(format_: str) -> None:
    assert render(result({"mean_iou": Score(math.nan)}), format_).endswith("\n")


def test_an_undefined_score_is_null_empty_or_a_dash() -> None:
    undefined = result({"mean_iou": Score(math.nan, {"cat": math.nan})})
    assert json.loads(render(undefined, "json"))["scores"]["mean_iou"]["value"] is None
    assert render(undefined, "csv").splitlines()[1] == "mean_iou,,,fraction,true,"
    assert render(undefined, "md").count("| – |") == 2
    assert math.isnan(undefined.flat()["mean_iou/cat"])


def test_html_is_ascii_and_what_a_notebook_shows() -> None:
    fragment = DRAWN[0]._repr_html_()
    assert fragment.isascii()
    assert fragment == render(DRAWN[0], "html")
    assert not re.search(r"(?<!background:)(?<!-)color:(?!inherit)", fragment), "light and dark keep their own colours"


def test_unknown_format_and_primary() -> None:
    with pytest.raises(BadParameter, match="json | jsonl"):
        render(DRAWN[0], "jsn")
    with pytest.raises(UnknownName, match="no score 'pq'"):
        render(DRAWN[0], "value", primary="pq")


def test_suffixes_name_formats() -> None:
    assert {format_of(f"a.b{suffix}") for suffix in SUFFIXES} == set(FORMATS) - {"value"}
    assert format_of("RESULT.JSON") == "json"
    for name in ("result", "result.txt", "json", ""):
        with pytest.raises(BadParameter, match=r"\.json \| \.jsonl \| \.csv \| \.md \| \.tex \| \.html"):
            format_of(name)


def test_without_pandas_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingPackage, match=r"pip install 'segbench\[publish\]'"):
        DRAWN[0].to_frame()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_holds_what_its_suffix_says(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"result{suffix}"
    assert write_result(DRAWN[0], path, seconds=1.0) == DRAWN[0]
    assert path.read_bytes().decode() == render(DRAWN[0], SUFFIXES[suffix])
    assert (tmp_path / "result.run.json").exists()


def test_the_command_line_agrees_with_itself(run: CommandLine, shapes_root: Path, tmp_path: Path) -> None:
    def score(*options: object) -> str:
        outcome = run("score", shapes_root / "SegmentationClass", "--data-root", shapes_root, *base, *options)
        assert outcome.code == 0
        return outcome.out

    base = ("--dataset", "shapes", "--workers", "1", "--missing", "miss", "--quiet")
    record = json.loads(score("--format", "json"))
    value = record["scores"]["mean_iou"]["value"]
    assert json.loads(score("--format", "jsonl")) == record
    assert score("--format", "value") == f"{value!r}\n"
    for suffix, format_ in SUFFIXES.items():
        output = tmp_path / f"result{suffix}"
        assert score("--format", format_, "-o", output) == score("--format", format_)
        assert (tmp_path / "result.state.jsonl").exists()
        if format_ not in ("json", "jsonl"):
            assert output.read_text("utf-8") == score("--format", format_)
    assert json.loads((tmp_path / "result.json").read_text())["state"]["file"] == "result.state.jsonl"
    assert run("score", "x", *base, "-o", tmp_path / "result.txt").code == 2
