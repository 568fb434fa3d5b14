"""Pairs on standard input: one line of JSON each, whatever is wrong with some of them."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

import segbench
from segbench.errors import BadParameter
from tests.bad_inputs.clean import DEPTHS, build
from tests.conftest import CommandLine


def test_each_pair_is_scored_on_its_own(tmp_path: Path) -> None:
    site = build(tmp_path)
    lines = [f"{site.file(key)}\t{site.truth_file(key)}\n" for key in DEPTHS]
    records = list(segbench.score_pairs(lines, dataset="voc", metrics=["mean_dice"]))
    for key, record in zip(DEPTHS, records, strict=True):
        alone = tmp_path / f"{key}-truth"
        alone.mkdir()
        (alone / f"{key}.png").write_bytes(site.truth_file(key).read_bytes())
        expected = segbench.score(site.predictions, dataset="voc", truth=alone, metrics=["mean_dice"])
        for name, score in record["scores"].items():
            assert score["value"] == expected.as_record()["scores"][name]["value"]
        assert (record["status"], record["prediction"]) == ("scored", str(site.file(key)))


def test_a_bad_line_does_not_end_the_rest(tmp_path: Path, run: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    site = build(tmp_path)
    good = f"{site.file()}\t{site.truth_file()}"
    lines = [
        "no tab here",
        "",
        f"{tmp_path}/none.png\t{site.truth_file()}",
        f"{site.file()}\t{tmp_path}/none.png",
        good,
    ]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(lines) + "\n"))
    done = run("score", "-", "--dataset", "voc")
    records = [json.loads(line) for line in done.out.splitlines()]
    assert [record["status"] for record in records] == ["refused", "refused", "refused", "scored"]
    assert [record.get("exit") for record in records] == [2, 3, 4, None]
    assert [record["errors"][0]["file"] for record in records[1:3]] == [f"{tmp_path}/none.png"] * 2
    assert done.code == 4


def test_a_metric_that_needs_more_than_a_pair_is_refused() -> None:
    with pytest.raises(BadParameter, match="more than two label maps"):
        list(segbench.score_pairs([], dataset="cityscapes", metrics=["mean_iiou"]))
