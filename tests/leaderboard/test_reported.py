"""Published numbers: what is committed reads and has a source, and complaints about a file say where."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path

import pytest

from segbench.errors import BadParameter
from segbench.leaderboard.reported import UNITS, read_reported
from segbench.leaderboard.standings import Reported
from segbench.protocols.load import protocol_names

LEADERBOARDS = Path(__file__).parent.parent.parent / "leaderboards"
REPORTED, RECALLED = LEADERBOARDS / "reported", LEADERBOARDS / "recalled"
FILES = sorted(path.relative_to(LEADERBOARDS) for folder in (REPORTED, RECALLED) for path in folder.glob("*.toml"))

SLIDES = "Eyal Gruss, Semantic Segmentation, slides, 2017"

#: The slides' numbers, typed a second time, as they print them.
ON_SLIDES = {
    "voc2012.toml": "51.6 62.2 67.2 71.6 79.7 86.9 70.5 72.5 59.9 71.3 75.3 73.3 82.5 85.4",
    "cityscapes.toml": "67.1 70.4 81.3 78.4 80.2 .35 .29",
    "cityscapes-polygons.toml": "61.4",
    "ade20k.toml": "56.74 57.21",
    "not-stated.toml": "90.7",
}

OWN = """
dataset = "Own data"
board = "voc2012"

[[number]]
system = "FCN-8s"
split = "test"
metric = "mean IoU"
value = 62.2
source = "Long, Shelhamer, Darrell, 2015"

[[number]]
system = "Other"
split = "val"
metric = "class IoU"
value = 0
unit = "fraction"
parameters = 134_000_000
time = "175 ms an image"
source = "Somebody, 2016"
table = "Table 3"
url = "https://example.org/paper"
caveat = "An ensemble."
"""


def read(tmp_path: Path, text: str = OWN) -> list[Reported]:
    (tmp_path / "own.toml").write_text(text, "utf-8")
    return read_reported(tmp_path)


def words(number: Reported) -> str:
    return " ".join(text for text in asdict(number).values() if isinstance(text, str)).lower()


def identity(number: Reported) -> tuple[str | float, ...]:
    return number.dataset, number.system, number.split, number.metric, number.value


@pytest.fixture(scope="module")
def reported() -> list[Reported]:
    return read_reported(REPORTED)


@pytest.fixture(scope="module")
def recalled() -> list[Reported]:
    return read_reported(RECALLED)


def test_every_committed_file_holds_numbers(reported: list[Reported], recalled: list[Reported]) -> None:
    assert {number.file for number in reported} == {path.name for path in FILES if path.parts[0] == "reported"}
    assert {number.file for number in recalled} == {path.name for path in FILES if path.parts[0] == "recalled"}


def test_every_number_has_a_source(reported: list[Reported]) -> None:
    for number in reported:
        assert number.source.strip() and number.system.strip() and number.split.strip(), number
        assert 0 <= number.value <= UNITS[number.unit] and math.isfinite(number.value), number


def test_nothing_reported_is_recalled(reported: list[Reported], recalled: list[Reported]) -> None:
    for number in reported:
        assert not any(word in words(number) for word in ("recalled", "memory", "probable")), number
    assert not {identity(number) for number in reported} & {identity(number) for number in recalled}


def test_every_recalled_number_says_why_it_is_not_shown(recalled: list[Reported]) -> None:
    for number in recalled:
        assert any(word in number.caveat for word in ("From memory", "disagree", "Read, but")), number


@pytest.mark.parametrize("path", FILES, ids=str)
def test_a_file_with_a_board_is_called_like_it(path: Path) -> None:
    numbers = [n for n in read_reported(LEADERBOARDS / path.parts[0]) if n.file == path.name]
    (board,) = {number.board for number in numbers}
    # Data sets that only look like a protocol's are kept from its board.
    assert board == (path.stem if path.stem in protocol_names() and path.stem not in ("isbi2012", "lvis") else "")


def test_the_numbers_of_the_slides_are_all_there(reported: list[Reported]) -> None:
    for file, printed in ON_SLIDES.items():
        found = [number.value for number in reported if number.file == file and SLIDES in number.source]
        # The slides round: each of theirs is one of ours at their digits.
        theirs = [(float(text), len(text.partition(".")[2])) for text in printed.split()]
        assert len(found) == len(theirs), file
        for value, digits in theirs:
            assert value in [round(ours, digits) for ours in found], (file, value)
    assert {number.file for number in reported if SLIDES in number.source} == set(ON_SLIDES)


def test_numbers_of_one_work_agree(reported: list[Reported], recalled: list[Reported]) -> None:
    (mean,) = [number.value for number in reported if number.metric == "mean IoU over 8 classes"]
    classes = [number.value for number in recalled if number.file == "cityscapes-polygons.toml"]
    assert len(classes) == 8 and round(math.fsum(classes) / 8, 1) == mean

    # The confusion matrix that the same file prints: rows are the truth, without and with vessels.
    (tn, fp), (fn, tp) = (3_895_256, 65_238), (134_513, 443_136)
    drive = {n.metric: n.value for n in reported if n.file == "drive.toml" and n.system.startswith("Orobix")}
    assert drive["accuracy"] == pytest.approx((tp + tn) / (tp + tn + fp + fn), abs=1e-11)
    assert drive["sensitivity"] == pytest.approx(tp / (tp + fn), abs=1e-11)
    assert drive["specificity"] == pytest.approx(tn / (tn + fp), abs=1e-11)
    assert drive["precision"] == pytest.approx(tp / (tp + fp), abs=1e-11)
    assert drive["F1 score"] == pytest.approx(2 * tp / (2 * tp + fp + fn), abs=1e-11)


def test_all_fields_arrive(tmp_path: Path) -> None:
    first, second = read(tmp_path)
    assert first == Reported(
        system="FCN-8s",
        dataset="Own data",
        split="test",
        metric="mean IoU",
        value=62.2,
        board="voc2012",
        source="Long, Shelhamer, Darrell, 2015",
        file="own.toml",
    )
    assert (second.value, second.unit, second.parameters) == (0.0, "fraction", 134_000_000)
    assert (second.time, second.table, second.caveat) == ("175 ms an image", "Table 3", "An ensemble.")
    assert second.url == "https://example.org/paper"


def test_files_come_by_name_and_numbers_as_they_stand(tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_text(OWN, "utf-8")
    (tmp_path / "a.toml").write_text(OWN.replace("Own data", "Data before"), "utf-8")
    (tmp_path / "notes.txt").write_text("no TOML", "utf-8")
    numbers = read_reported(tmp_path)
    assert [(number.file, number.system) for number in numbers] == [
        ("a.toml", "FCN-8s"),
        ("a.toml", "Other"),
        ("b.toml", "FCN-8s"),
        ("b.toml", "Other"),
    ]


def test_an_empty_folder_holds_none(tmp_path: Path) -> None:
    assert read_reported(tmp_path) == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("value = 62.2", "value = 100.5", "entry 1, key value: 100.5; expected 0 to 100"),
        ("value = 62.2", "value = -0.1", "entry 1, key value: -0.1; expected 0 to 100"),
        ("value = 62.2", "value = nan", "entry 1, key value: nan; expected 0 to 100"),
        ("value = 62.2", 'value = 62.2\nunit = "fraction"', "expected 0 to 1; is it in percent?"),
        ("value = 62.2", 'value = inf\nunit = "seconds"', "expected a number from 0 on"),
        ("value = 62.2", 'value = 62.2\nunit = "precent"', "key unit: 'precent'; expected percent | fraction"),
        ("value = 62.2", 'value = "62.2"', "table number entry 1, key value"),
        ("value = 62.2", "value = 62.2\nvalu = 1.0", "key valu: no such key"),
        ("value = 62.2\n", "", "`value`"),
        ('source = "Somebody, 2016"\n', "", "`source`"),
        ("Somebody, 2016", " ", "table number entry 2, key source: empty"),
        ('system = "Other"', 'system = ""', "table number entry 2, key system: empty"),
        ("134_000_000", "0", "table number entry 2, key parameters: 0"),
        ("134_000_000", "1.5", "table number entry 2, key parameters"),
        ("https://example.org/paper", "javascript:alert(1)", "table number entry 2, key url 'javascript:alert(1)'"),
        ("An ensemble.", "x" * 2001, "table number entry 2, key caveat: 2001 characters; expected 2000 at most"),
        ('board = "voc2012"', 'board = "voc2021"', "no protocol 'voc2021'"),
        # An alias is no name of a board.
        ('board = "voc2012"', 'board = "voc"', "no protocol 'voc'"),
        ('"Own data"', '""', "key dataset: ''"),
        ('board = "voc2012"', 'bord = "voc2012"', "key bord: no such key"),
        ("[[number]]", "[[number", "no TOML"),
    ],
)
def test_complaints_say_where(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in OWN
    with pytest.raises(BadParameter) as caught:
        read(tmp_path, OWN.replace(old, new, 1))
    assert says in str(caught.value)
    assert str(caught.value).startswith("own.toml: ") and "\n" not in str(caught.value)


def test_a_number_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    twice = OWN.replace("Other", "FCN-8s").replace("Somebody, 2016", "Long, Shelhamer, Darrell, 2015")
    twice = twice.replace('"val"', '"test"').replace("class IoU", "mean IoU")
    with pytest.raises(BadParameter, match=r"entry 2: stands in own.toml, table number entry 1 already"):
        read(tmp_path, twice)


def test_a_number_that_is_in_two_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "again.toml").write_text(OWN, "utf-8")
    with pytest.raises(BadParameter, match=r"own.toml: table number entry 1: stands in again.toml") as caught:
        read(tmp_path)
    assert caught.value.file == "own.toml"


def test_one_value_in_two_sources_is_two_numbers(tmp_path: Path) -> None:
    (tmp_path / "again.toml").write_text(OWN.replace("2015", "2014").replace("2016", "2014"), "utf-8")
    assert len(read(tmp_path)) == 4


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadParameter, match="no such folder"):
        read_reported(tmp_path / "nowhere")
    (tmp_path / "own.toml").write_bytes(b'dataset = "\xff"')
    with pytest.raises(BadParameter, match=r"own.toml: cannot be read"):
        read_reported(tmp_path)
