"""``segbench compare``: results and folders side by side, and what is refused."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from PIL import Image

from segbench.scoring.contenders import is_result, names_of
from tests.cli.submissions import FEW, SCHEMA, asked, compared, put, refused, result, tree_of
from tests.conftest import CommandLine
from tests.datasets.pngs import png

GOLDEN = Path(__file__).parent.parent / "golden"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return tree_of(tmp_path)


class TestContenders:
    def test_results_folders_and_archives_compare_the_same(self, run: CommandLine, own: Path) -> None:
        results = [result(run, own, name) for name in ("net", "rival")]
        folders = [own / "net", own / "rival"]
        shutil.make_archive(str(own / "rival"), "zip", own / "rival")
        truth = ("--truth", own / "truth")
        expected = compared(run, own, *results)
        assert [c["name"] for c in expected["contenders"]] == ["net", "rival"]
        for mixed in ([results[0], folders[1]], folders, [folders[0], own / "rival.zip"]):
            assert compared(run, own, *mixed, *truth) == expected

    def test_numbers_are_those_of_score(self, run: CommandLine, own: Path) -> None:
        found = compared(run, own, own / "net", own / "rival", "--truth", own / "truth")
        for one in found["contenders"]:
            scores = run("score", own / one["name"], *asked(own), "--format", "json", "--quiet").scores
            assert {key: score["value"] for key, score in one["scores"].items()} == {
                key: score["value"] for key, score in scores.items()
            }
            assert {name: c["value"] for name, c in one["per_class"].items()} == scores["mean_iou"]["per_class"]
        (pair,) = found["pairs"]
        first, second = (c["scores"]["mean_iou"]["value"] for c in found["contenders"])
        assert pair["scores"]["mean_iou"]["value"] == first - second > 0
        assert pair["won"] + pair["lost"] + pair["drawn"] == 6 == len(pair["images"])
        apart = [abs(one["first"] - one["second"]) for one in pair["images"]]
        assert apart == sorted(apart, reverse=True)

    def test_a_submission_against_itself(self, run: CommandLine, own: Path) -> None:
        net = result(run, own, "net")
        found = compared(run, own, net, net)
        assert [c["name"] for c in found["contenders"]] == ["net", "net (2)"]
        (pair,) = found["pairs"]
        for one in (*pair["scores"].values(), *pair["per_class"].values()):
            assert one == {"value": 0, "interval": [0, 0], "p": 1}
        assert (pair["won"], pair["lost"], pair["drawn"]) == (0, 0, 6)
        assert found["verdict"].startswith("net and net (2) score the same in mean_iou (p = 1.000; ")
        assert all(c["is_top"] and c["ranks"] == [1, 1] for c in found["contenders"])

    def test_several(self, run: CommandLine, own: Path) -> None:
        shutil.copytree(own / "truth", own / "perfect")
        for path in (own / "perfect").glob("*.png"):
            labels = np.asarray(Image.open(path))
            put(path, png(np.where(labels == 255, 0, labels)))
        outcome = run("compare", *(own / n for n in ("net", "perfect", "rival")), *asked(own), *FEW)
        assert outcome.out.startswith("perfect scores highest in mean_iou (100.00 %); ")
        assert re.search(r"^\[1\] perfect +\+\d", outcome.out, re.M)
        assert re.search(r"^net +perfect +-\d.* 0 +6 +0$", outcome.out, re.M)

    def test_another_metric_is_judged(self, run: CommandLine, own: Path) -> None:
        metric = "mean_iou(pool=image)"
        found = compared(run, own, own / "net", own / "rival", "--truth", own / "truth", "--metric", metric)
        assert found["primary"] == metric and metric in found["verdict"]
        results = [result(run, own, name, "--metric", metric) for name in ("net", "rival")]
        assert compared(run, own, *results, "--metric", "mean_iou( pool = image )") == found
        # Of a mixed pair the folder is scored by it as well.
        assert compared(run, own, results[0], own / "rival", "--truth", own / "truth", "--metric", metric) == found

    def test_a_seed_and_numbers_of_draws(self, run: CommandLine, own: Path) -> None:
        results = [result(run, own, name) for name in ("net", "rival")]
        first = compared(run, own, *results)
        assert compared(run, own, *results) == first
        other = compared(run, own, *results, "--seed", 1)
        assert other["resampling"] == first["resampling"] | {"seed": 1}
        intervals = [c["pairs"][0]["scores"]["mean_iou"]["interval"] for c in (first, other)]
        assert intervals[0] != intervals[1]

    def test_warnings_are_on_standard_error(self, run: CommandLine, own: Path) -> None:
        shutil.copy(own / "net/im0.png", own / "net/stranger.png")
        args = ("compare", own / "net", own / "rival", *asked(own), *FEW)
        outcome = run(*args)
        assert outcome.code == 0 and outcome.err.startswith("segbench: warning: net: ") and "stranger" in outcome.err
        assert run(*args, "--quiet").err == ""

    def test_nothing_is_left_behind(self, run: CommandLine, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        folder = own / "temporary"
        folder.mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(folder))
        before = set(own.rglob("*"))
        assert run("compare", own / "net", own / "rival", *asked(own), *FEW).code == 0
        assert set(own.rglob("*")) == before

    def test_detections_are_no_result(self, tmp_path: Path) -> None:
        for text, expected in (("[]", False), ("\ufeff \n[{", False), ('{"schema": 1}', True), ("", True)):
            (tmp_path / "a.json").write_text(text, "utf-8")
            assert is_result(tmp_path / "a.json") == expected
        (tmp_path / "folder.json").mkdir()
        assert not is_result(tmp_path / "folder.json") and not is_result(tmp_path / "a.zip")

    def test_instances(self, run: CommandLine) -> None:
        where = ("--dataset", "coco-instances", "--data-root", GOLDEN / "coco-instances/data")
        detections = next((GOLDEN / "coco-instances").glob("predictions*"))
        outcome = run("compare", detections, detections, *where, *FEW, "--format", "json", "--quiet")
        assert outcome.record["comparison"]["primary"] == "ap" and outcome.code == 0


class TestNames:
    @pytest.mark.parametrize(
        ("paths", "names"),
        [
            (["a/net.json", "b/rival.json"], ["net", "rival"]),
            (["a/net.json", "b/net.json"], ["a", "b"]),
            (["preds-x/test", "preds-y/test"], ["preds-x", "preds-y"]),
            (["x/test", "y/net.json"], ["x", "net"]),
            (["net/val", "net/test"], ["val", "test"]),
            (["net.json", "net.json", "net.json"], ["net", "net (2)", "net (3)"]),
            (["a/net.json", "b/net.json", "c/rival.zip"], ["a/net", "b/net", "rival"]),
            (["net.zip", "net.tar.gz"], ["net", "net (2)"]),
        ],
    )
    def test_the_part_that_tells_them_apart(self, paths: list[str], names: list[str]) -> None:
        assert names_of([Path(path) for path in paths]) == names

    @pytest.mark.parametrize(
        "name", ["<img src=x onerror=alert(1)>", "$x$ _a_ |b|", "a\nb\x1b[31m", "=1+1", "網\u202e"]
    )
    def test_a_hostile_folder_is_text(self, name: str, run: CommandLine, own: Path) -> None:
        (own / "net").rename(own / name)
        for format_ in ("table", "json", "csv", "md", "latex", "html"):
            outcome = run("compare", own / name, own / "rival", *asked(own), *FEW, "--format", format_)
            assert outcome.code == 0 and not re.search("[\x1b\u202e]", outcome.out)
            assert format_ not in ("html", "md") or "<img src=x" not in outcome.out


class TestOutput:
    def test_a_file_holds_what_its_suffix_says(self, run: CommandLine, own: Path) -> None:
        base = ("compare", own / "net", own / "rival", *asked(own), *FEW)
        suffixes = {"json": "json", "jsonl": "jsonl", "csv": "csv", "md": "md", "tex": "latex", "html": "html"}
        for suffix, format_ in suffixes.items():
            output = own / f"out.{suffix}"
            assert run(*base, "-o", output).out.startswith("net scores ")
            assert output.read_bytes().decode() == run(*base, "--format", format_).out

    def test_a_wrong_place_is_told_before_anything_is_read(self, run: CommandLine, own: Path) -> None:
        for name, words in (("out.pdf", "ends in .json"), ("none/out.html", "an existing folder for -o")):
            err = refused(run("compare", own / "nowhere", own / "nobody", *asked(own), "-o", own / name), 2)
            assert words in err

    def test_help_names_the_options(self, run: CommandLine) -> None:
        text = run("compare", "--help").out
        for option in ("--dataset", "--truth", "--metric", "--permutations", "--images", "--format", "--output"):
            assert option in text


class TestRefused:
    def test_too_few_or_too_little(self, run: CommandLine, own: Path) -> None:
        net = result(run, own, "net")
        assert "one submission; expected at least two" in refused(run("compare", net), 2)
        err = refused(run("compare", own / "rival", net, "--truth", own / "truth"), 2)
        assert f"{own / 'rival'}: predictions without --dataset" in err
        err = refused(run("compare", net, net, "--truth", own / "truth"), 2)
        assert "--truth with results alone; expected --truth with a folder of predictions" in err
        assert "no such folder" in refused(run("compare", own / "nobody", net, *asked(own)), 3)

    def test_other_protocols_splits_and_truths(self, run: CommandLine, own: Path) -> None:
        net = result(run, own, "net")
        text = (own / "own.toml").read_text()
        (own / "own.toml").write_text(text.replace('name = "own"', 'name = "another"'))
        other = result(run, own, "rival").rename(own / "another.json")
        (own / "own.toml").write_text(text)
        err = refused(run("compare", net, other, "--dataset", own / "own.toml"), 4)
        assert "another.json: counts made by another@1; expected own@1" in err
        named = result(run, own, "rival", "--split", "night")
        err = refused(run("compare", net, named, "--dataset", own / "own.toml"), 2)
        assert "rival.json: split night; expected split custom, as " in err and "net.json has" in err
        labels = np.asarray(Image.open(own / "truth/im0.png")).copy()
        labels[5, 5] = (labels[5, 5] + 1) % 3
        put(own / "truth/im0.png", png(labels))
        rival = result(run, own, "rival")
        err = refused(run("compare", net, rival, "--dataset", own / "own.toml"), 2)
        assert re.search(r"rival.json: truth \w{8}; expected truth \w{8}, as ", err)
        # Of a result and a folder too, which is named as the user named it.
        err = refused(run("compare", net, own / "rival", *asked(own)), 2)
        assert f"{own / 'rival'}: truth " in err

    def test_results_of_two_data_sets(self, run: CommandLine, tmp_path: Path) -> None:
        files = []
        for dataset in ("drive", "camvid"):
            files.append(tmp_path / f"{dataset}.json")
            where = ("--dataset", dataset, "--data-root", GOLDEN / dataset / "data", "-o", files[-1], "--quiet")
            assert run("score", GOLDEN / dataset / "predictions", *where).code == 0
        err = refused(run("compare", *files), 2)
        assert "camvid.json: protocol camvid@1, rules " in err and "expected protocol drive@1, rules " in err
        # Also where the data set of folders is named beside a result of another one.
        where = ("--dataset", "drive", "--data-root", GOLDEN / "drive/data")
        assert "protocol drive@1" in refused(run("compare", files[1], GOLDEN / "drive/predictions", *where), 2)

    def test_missing_predictions(self, run: CommandLine, own: Path) -> None:
        net = result(run, own, "net")
        (own / "rival/im3.png").unlink()
        assert "no prediction of im3" in refused(run("compare", own / "net", own / "rival", *asked(own)), 3)
        err = refused(run("compare", net, own / "rival", *asked(own), "--missing", "miss"), 2)
        assert "missing miss; expected missing error, as " in err
        assert run("compare", own / "net", own / "rival", *asked(own), *FEW, "--missing", "miss").code == 0

    def test_a_metric_that_one_of_them_has_not(self, run: CommandLine, own: Path) -> None:
        metric = "mean_dice"
        net, rival = result(run, own, "net", "--metric", metric), result(run, own, "rival")
        dataset = ("--dataset", own / "own.toml")
        err = refused(run("compare", net, rival, *dataset, "--metric", metric), 2)
        assert "no score 'mean_dice' in all of them; expected mean_iou | pixel_accuracy" in err
        assert "did you mean 'mean_iou'" in refused(run("compare", net, rival, *dataset, "--metric", "mean_iuo"), 2)
        outcome = run("compare", net, rival, *dataset, *FEW)
        assert outcome.code == 0 and "mean_dice is not compared: rival does not have it" in outcome.err

    def test_a_state_that_is_gone_and_a_file_that_is_no_result(self, run: CommandLine, own: Path) -> None:
        net, rival = (result(run, own, name) for name in ("net", "rival"))
        (own / "rival.state.jsonl").unlink()
        dataset = ("--dataset", own / "own.toml")
        assert "rival.state.jsonl: no such state file" in refused(run("compare", net, rival, *dataset), 4)
        rival.write_text('{"schema": 7}')
        assert "rival.json: not a result" in refused(run("compare", net, rival, *dataset), 2)
        assert "none.json: cannot be read" in refused(run("compare", net, own / "none.json", *dataset), 2)

    def test_a_refusal_in_json(self, run: CommandLine, own: Path) -> None:
        outcome = run("compare", own / "net", "--format", "json")
        assert outcome.code == 2 and outcome.record["status"] == "refused" and outcome.codes == ["bad-parameter"]


def test_two_networks_for_vessels(run: CommandLine, real_data: Path) -> None:
    """The difference in AUC of two published networks on DRIVE is no more than chance; that in sensitivity is."""
    folders = [real_data / f"drive-{name}-preds/test" for name in ("laddernet", "retina-unet")]
    where = ("--dataset", "drive", "--data-root", real_data / "drive", "--format", "json", "--quiet")
    record = run("compare", *folders, *where, "--resamples", 400, "--permutations", 1000).record
    jsonschema.validate(record, SCHEMA)
    found = record["comparison"]
    assert [one["name"] for one in found["contenders"]] == ["drive-laddernet-preds", "drive-retina-unet-preds"]
    assert "chance alone can explain that" in found["verdict"]
    scores = found["pairs"][0]["scores"]
    low, high = scores["auc"]["interval"]
    assert low < 0 < high and scores["auc"]["p"] > 0.05
    assert scores["sensitivity"]["p"] < 0.05 and scores["sensitivity"]["interval"][0] > 0
