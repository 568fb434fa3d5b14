"""What is shown of a comparison: the sentence, and the same numbers in every format."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import segbench
from segbench.errors import BadParameter, printable
from segbench.scoring.comparisonpage import page
from segbench.scoring.comparisonpictures import Gallery
from segbench.scoring.comparisonrecord import COLUMNS
from segbench.scoring.comparisonsheets import Sheet, of_duel, sheets
from segbench.scoring.comparisontext import FORMATS, render, sentence
from segbench.scoring.comparisonverdict import amount, listed, p_text, verdict
from segbench.scoring.duels import Comparison
from tests.scoring.compared import comparison, contender, drawn, duel, of_two
from tests.scoring.comparisonreaders import Page, markdown_tables, numbers_of_csv, numbers_of_json, rounded, stripped
from tests.test_formats import HOSTILE, latex_tables

SCHEMA = json.loads((Path(segbench.__file__).parent / "schema" / "comparison.json").read_text("utf-8"))

#: Comparisons of two and of four, under plain and under hostile names.
DRAWN = [drawn(seed, ["net", "other net"]) for seed in range(20)]
DRAWN += [drawn(seed, ["a", "b", "c", "d"]) for seed in range(20, 30)]
DRAWN += [drawn(30 + i, [name, f"{name} 2"], HOSTILE) for i, name in enumerate(HOSTILE)]


def cells(sheet: Sheet) -> list[list[str]]:
    return [[printable(cell) for cell in row] for row in sheet.body]


class TestSentence:
    def test_more_than_chance_or_not(self) -> None:
        sure = "95 % interval of the difference 0.0045 to 0.0200)"
        expected = f"one scores 0.0123 higher in mean_iou than other; that is more than chance (p = 0.012; {sure}"
        assert sentence(of_two()) == expected
        assert sentence(of_two(p=0.41)) == (
            f"one scores 0.0123 higher in mean_iou than other; chance alone can explain that (p = 0.410; {sure}"
        )
        # At the very limit a difference is no more than chance, as in the group of the best.
        assert "chance alone can" in sentence(of_two(p=0.05)) and "more than" in sentence(of_two(p=0.0499))

    def test_lower_and_the_direction_of_a_distance(self) -> None:
        assert "one scores 0.0123 lower in mean_iou than other; that" in sentence(of_two(-0.0123))
        distance: dict[str, Any] = {"units": {"mean_iou": "mm"}, "higher_is_better": {"mean_iou": False}}
        worse, better = (sentence(of_two(value, interval=(-7.0, 8.5), **distance)) for value in (1.25, -1.25))
        assert worse.startswith("one scores 1.25 mm higher in mean_iou than other, which is worse; ")
        assert better.startswith("one scores 1.25 mm lower in mean_iou than other, which is better; ")
        assert worse.endswith("interval of the difference -7 to 8.5 mm)")

    def test_the_same_undefined_and_without_interval(self) -> None:
        assert sentence(of_two(0.0, p=1.0, interval=None)) == (
            "one and other score the same in mean_iou (p = 1.000; no interval)"
        )
        assert "whether by chance cannot be said (no p-value; no interval)" in sentence(
            of_two(p=math.nan, interval=None)
        )
        undefined = comparison([contender("one", math.nan), contender("other", 0.5)], [duel(value=math.nan)])
        assert sentence(undefined) == "one and other cannot be compared in mean_iou, which is undefined for one"

    @pytest.mark.parametrize(
        ("p", "text"),
        [
            (0.0009999, "< 0.001"),
            (0.001, "0.001"),
            (0.0, "< 0.001"),
            (1.0, "1.000"),
            (0.0996, "0.100"),
            (math.nan, "–"),
        ],
    )
    def test_p_values(self, p: float, text: str) -> None:
        assert p_text(p) == text
        assert (f"(p {text};" if "<" in text else f"(p = {text};") in sentence(of_two(p=p)) or text == "–"

    @pytest.mark.parametrize(
        ("value", "text"), [(0.00005, "0.0001"), (-0.00004, "less than 0.0001"), (1e-12, "less than 0.0001")]
    )
    def test_a_small_difference_is_no_zero(self, value: float, text: str) -> None:
        assert amount(value, "fraction") == text

    def test_several(self) -> None:
        def of(tops: str, *names: str) -> str:
            found = [contender(name, 0.9 - i / 10, is_top=name in tops) for i, name in enumerate(names)]
            return sentence(comparison(found, [duel(a, b) for a in names for b in names if a < b]))

        start = "a scores highest in mean_iou (90.00 %); "
        assert of("abc", "a", "b", "c") == f"{start}chance alone can explain its lead over b and c"
        assert of("ab", "a", "b", "c", "d") == f"{start}chance alone can explain its lead over b, not over c and d"
        assert of("a", "a", "b", "c") == f"{start}its lead over b and c is more than chance"
        assert listed("abcdefg") == "a, b, c, d, e and 2 more" and listed("ab") == "a and b" and listed("a") == "a"

    def test_the_best_of_a_distance_is_the_least(self) -> None:
        found = [contender("a", 3.0, is_top=False), contender("b", 2.0), contender("c", math.nan, is_top=False)]
        mm = {"units": {"mean_iou": "mm"}, "higher_is_better": {"mean_iou": False}}
        text = sentence(comparison(found, [duel("a", "b"), duel("a", "c"), duel("b", "c")], **mm))
        assert text == "b scores lowest, which is best, in mean_iou (2 mm); its lead over a and c is more than chance"


class TestFormatsAgree:
    @pytest.mark.parametrize("found", DRAWN)
    def test_tables_show_the_same_cells(self, found: Comparison) -> None:
        expected = [cells(sheet) for sheet in sheets(found, 3)]
        assert [stripped(table) for table in markdown_tables(render(found, "md", 3))] == list(map(stripped, expected))
        spelled = [[[re.sub("[中文]", lambda m: f"U+{ord(m[0]):04X}", c) for c in row] for row in t] for t in expected]
        assert latex_tables(render(found, "latex", 3).replace("$-$", "-")) == spelled
        lines = render(found, "table", 3).splitlines()
        for row in (row for table in expected for row in table):
            pattern = r" *".join(re.escape(cell) for cell in row)
            assert any(re.fullmatch(pattern, line) for line in lines)

    @pytest.mark.parametrize("found", DRAWN)
    def test_a_page_shows_the_same_cells_of_every_pair(self, found: Comparison) -> None:
        several = len(found.duels) > 1
        expected = [cells(sheet) for sheet in sheets(found, 3)[: 3 if several else 1]]
        expected += [cells(sheet) for one in found.duels for sheet in of_duel(found, one, 3)]
        shown = Page(page(found, 3))
        assert [table[1:] for table in shown.tables] == expected
        for one in found.duels:
            assert printable(verdict(found, one)) in shown.words

    @pytest.mark.parametrize("found", DRAWN)
    def test_json_and_csv_hold_the_same_floats(self, found: Comparison) -> None:
        record = json.loads(render(found, "json", 3))
        jsonschema.validate(record, SCHEMA)
        assert json.loads(render(found, "jsonl", 3)) == record and render(found, "jsonl", 3).count("\n") == 1
        text = render(found, "csv", 3)
        table = list(csv.DictReader(io.StringIO(text)))
        assert tuple(table[0]) == COLUMNS and text.count("\n") == len(table) + 1
        assert numbers_of_csv(table) == numbers_of_json(record["comparison"])

    @pytest.mark.parametrize("found", DRAWN)
    def test_tables_round_what_json_holds(self, found: Comparison) -> None:
        record = json.loads(render(found, "json", 3))["comparison"]
        units = {key: one["unit"] for key, one in record["keys"].items()}
        for pair, one in zip(record["pairs"], found.duels, strict=True):
            scores, *_ = of_duel(found, one, 3)
            for row in scores.body:
                key = row[0].rpartition(" (")[0]
                assert row[1:] == rounded(pair["scores"][key], units[key])

    def test_classes_are_sorted_by_difference(self) -> None:
        for found in DRAWN:
            values = {name: one.value for name, one in found.duels[0].per_class.items()}
            sheet = next(s for s in of_duel(found, found.duels[0], 3) if s.title.startswith("By class"))
            shown = [values[row[0]] for row in sheet.body]
            defined = [value for value in shown if not math.isnan(value)]
            assert len(shown) == len(values) and shown[: len(defined)] == sorted(defined, reverse=True)

    def test_a_matrix_has_opposite_signs_and_marks(self) -> None:
        names = ["a", "b", "c"]
        found = comparison(
            [contender(name, value) for name, value in zip(names, (0.1, 0.5, 0.3), strict=True)],
            [duel("a", "b", -0.4, p=0.01), duel("a", "c", -0.2, p=0.2), duel("b", "c", 0.2, p=0.049)],
        )
        matrix = next(sheet for sheet in sheets(found, 0) if sheet.title.startswith("Differences"))
        assert matrix.body == [
            ["[1] b", "", "+20.00*", "+40.00*"],
            ["[2] c", "-20.00*", "", "+20.00"],
            ["[3] a", "-40.00*", "-20.00", ""],
        ]

    def test_what_is_undefined_has_no_rank(self) -> None:
        found = comparison([contender("a", math.nan), contender("b", 0.5, ranks=(1, 1))], [duel("a", "b", math.nan)])
        assert [row[1:3] + row[4:] for row in sheets(found, 0)[0].body] == [["b", "50.00", "1"], ["a", "–", "–"]]

    @pytest.mark.parametrize("n", [0, 1, 50])
    def test_so_many_images_as_asked_for(self, n: int) -> None:
        found = DRAWN[0]
        listed_ = json.loads(render(found, "json", n))["comparison"]["pairs"][0]["images"]
        assert len(listed_) == min(n, 3)
        assert render(found, "table", n).count("\n000") == min(n, 3)
        assert page(found, n).count("<th scope='row'>000") == min(n, 3)


class TestNamesAreText:
    @pytest.mark.parametrize("format_", [*FORMATS, "html"])
    @pytest.mark.parametrize("found", DRAWN[30:], ids=range(len(HOSTILE)))
    def test_nothing_steers_a_terminal(self, found: Comparison, format_: str) -> None:
        text = page(found, 3) if format_ == "html" else render(found, format_, 3)
        text.encode()
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)
        assert format_ not in ("html", "md") or not re.search("<script|<img", text)
        assert format_ != "latex" or "\\input" not in text

    @pytest.mark.parametrize("found", DRAWN[30:], ids=range(len(HOSTILE)))
    def test_no_cell_is_a_formula(self, found: Comparison) -> None:
        for row in csv.reader(io.StringIO(render(found, "csv", 3))):
            for cell in (*row[:6], row[10]):
                assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))

    def test_latex_has_balanced_braces(self) -> None:
        for found in DRAWN[30:]:
            for line in render(found, "latex", 3).splitlines():
                bare = re.sub(r"\\[{}]", "", line)
                assert line.startswith("%") or bare.count("{") == bare.count("}")

    def test_a_page_names_a_hostile_pair(self) -> None:
        for found in DRAWN[30:]:
            first, second = (contender.name for contender in found.contenders)
            shown = Page(page(found, 3, Gallery(first, second, reason=f"No pictures of {first}.")))
            assert printable(f"{first} against {second}") in shown.words
            assert printable(f"No pictures of {first}.") in shown.words


def test_a_page_is_ascii_of_both_themes_and_fits_a_phone() -> None:
    text = page(DRAWN[0], 3)
    assert text.isascii() and "prefers-color-scheme:dark" in text and "width=device-width" in text
    assert "default-src 'none'" in text and "url(" not in text and "@import" not in text


def test_an_unknown_format() -> None:
    with pytest.raises(BadParameter, match="table | json"):
        render(DRAWN[0], "jsn")


def test_the_schema_is_one_and_refuses_a_bare_difference() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    record = json.loads(render(DRAWN[0], "json"))
    record["comparison"]["pairs"][0]["scores"]["mean_iou"] = 0.5
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(record, SCHEMA)
