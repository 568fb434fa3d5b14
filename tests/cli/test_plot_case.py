"""``segbench plot case``: the cases of a result of volumes, the worst first, and pictures of what was scored."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import math
import re
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.test_plot import scored
from tests.cli.test_plot import state as state_of
from tests.conftest import CommandLine, Outcome
from tests.datasets.niftis import nifti, put
from tests.datasets.pngs import png

SHAPE, SPACING = (12, 11, 5), (0.5, 0.5, 2.0)
DICE = "mean_dice"
HD95 = "hausdorff_distance(percentile=95)"


def blocks(*places: int | None) -> np.ndarray:
    """A volume with a block of 1, 2, … that begins at each place of the first axis; None for no block."""
    labels = np.zeros(SHAPE, np.uint8)
    for i, place in enumerate(places, 1):
        if place is not None:
            labels[place : place + 3, 2:8, 1:4] = i
    return labels


#: Blocks of each prediction; the truth of each case is at 1 and 6.
CASES = {"bad": (3, 6), "fair": (1, 7), "missed": (1, None), "right": (1, 6), "spurious": (1, 6, 9)}


@pytest.fixture
def tree(run: CommandLine, tmp_path: Path) -> Path:
    """Truth, predictions and their result."""
    for name, places in CASES.items():
        put(tmp_path / f"truth/{name}.nii.gz", nifti(blocks(1, 6), SPACING))
        put(tmp_path / f"predictions/{name}.nii.gz", nifti(blocks(*places), SPACING))
    asked = ("--dataset", "volumes", "--truth", tmp_path / "truth", "-o", tmp_path / "net.json", "--quiet")
    assert run("score", tmp_path / "predictions", *asked).code == 0
    return tmp_path


def case(run: CommandLine, tree: Path, *more: object) -> Outcome:
    return run("plot", "case", tree / "net.json", *more)


def drawn(run: CommandLine, tree: Path, name: str, *more: object) -> Outcome:
    where = ("--predictions", tree / "predictions", "--truth", tree / "truth")
    return case(run, tree, *where, "-o", tree / name, *more)


def record(run: CommandLine, tree: Path, *more: object) -> Any:
    outcome = case(run, tree, "--format", "json", *more)
    assert (outcome.code, outcome.err) == (0, "")
    return json.loads(outcome.out)


def refused(outcome: Outcome, code: int) -> str:
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (code, "", 1)
    return outcome.err


def scored_in_parts(run: CommandLine, tree: Path, input_: str) -> Path:
    """Score the predictions of the tree again, as slices or as views of them; return their folder."""
    for name, places in CASES.items():
        for i in range(SHAPE[2]):
            put(tree / f"slices/{name}/{i}.png", png(blocks(*places)[:, :, i]))
        for view in ("one", "two"):
            put(tree / f"fused/{view}/{name}.nii.gz", nifti(blocks(*places), SPACING))
    folder = tree / input_.partition("(")[0]
    asked = ("--dataset", "volumes", "--truth", tree / "truth", "-o", tree / "net.json", "--quiet")
    assert run("score", folder, *asked, "--input", input_).code == 0
    return folder


def marks(path: Path) -> list[str]:
    """The outlines and the background of each slice of a picture."""
    text = path.read_text("utf-8")
    return re.findall(r'<g id="LineCollection.*?</g>', text, re.S) + re.findall(r'<image[^>]*base64,([^"]+)"', text)


class TestTable:
    def test_missed_and_spurious_come_first_then_the_worst(self, run: CommandLine, tree: Path) -> None:
        found = record(run, tree)
        # Dice of each structure: missed 1 and 0; spurious 1, 1 and 0; bad 1/3 and 1; fair 1 and 2/3.
        assert [one["case"] for one in found["cases"]] == ["missed", "spurious", "bad", "fair", "right"]
        assert [one["values"][DICE] for one in found["cases"]] == pytest.approx([1 / 2, 2 / 3, 2 / 3, 5 / 6, 1])
        names = [[(s["structure"], s["state"]) for s in one["structures"]] for one in found["cases"]]
        assert names[0] == [("2", "missed"), ("1", "found"), ("3", "absent")]
        assert names[1][0] == ("3", "spurious")
        assert names[2][0] == ("1", "found") and names[3][0] == ("2", "found")
        assert found["cases"][0]["structures"][0]["voxels"] == {"truth": 54, "prediction": 0}

    def test_by_a_distance_the_largest_is_the_worst(self, run: CommandLine, tree: Path) -> None:
        cases = record(run, tree, "--by", HD95)["cases"]
        numbers = [one["values"][HD95] for one in cases]
        assert numbers[:2] == sorted(numbers[:2], reverse=True) and numbers[2:] == sorted(numbers[2:], reverse=True)
        assert numbers[2] == 0.5  # of two structures, one moved by 1 mm: two voxels of 0.5 mm

    def test_structures_that_are_skipped_still_come_first(self, run: CommandLine, tree: Path) -> None:
        skipping = "hausdorff_distance(percentile=95,empty=skip)"
        asked = ("--dataset", "volumes", "--truth", tree / "truth", "--metric", skipping, "--quiet")
        assert run("score", tree / "predictions", *asked, "-o", tree / "net.json").code == 0
        key = next(key for key in record(run, tree)["units"] if "skip" in key)
        first = record(run, tree, "--by", key)["cases"]
        assert {one["case"] for one in first[:2]} == {"missed", "spurious"}
        assert next(one for one in first if one["case"] == "missed")["structures"][0]["values"][key] is None

    def test_infinity_is_the_worst_and_no_number(self, run: CommandLine, tree: Path) -> None:
        asked = ("--dataset", "volumes", "--truth", tree / "truth", "--quiet", "-o", tree / "net.json")
        metric = "hausdorff_distance(percentile=95,empty=infinity)"
        assert run("score", tree / "predictions", *asked, "--metric", metric).code == 0
        key = next(key for key in record(run, tree)["units"] if "infinity" in key)
        assert record(run, tree, "--by", key, "--worst", 1)["cases"][0]["values"][key] == "infinity"

    def test_all_formats_hold_the_same(self, run: CommandLine, tree: Path) -> None:
        found = record(run, tree)
        rows = list(csv.DictReader(io.StringIO(case(run, tree, "--format", "csv").out)))
        expected = [one[DICE] for c in found["cases"] for one in (c["values"], *(s["values"] for s in c["structures"]))]
        assert [float(row[DICE]) if row[DICE] else None for row in rows] == expected
        assert len(case(run, tree, "--format", "md").out.splitlines()) == 2 + len(rows)
        table = case(run, tree).out
        assert table.startswith("5 cases: first the 2 with missed or spurious structures, each part by mean_dice, the ")
        assert re.search(r"^missed +50\.00", table, re.M) and re.search(r"^ +2 +missed +54 +0 +0\.00", table, re.M)

    def test_some_of_the_cases(self, run: CommandLine, tree: Path) -> None:
        assert [one["case"] for one in record(run, tree, "--worst", 2)["cases"]] == ["missed", "spurious"]
        assert [one["case"] for one in record(run, tree, "--case", "fair")["cases"]] == ["fair"]

    def test_the_table_needs_no_volumes(self, run: CommandLine, tree: Path) -> None:
        expected = case(run, tree).out
        shutil.rmtree(tree / "truth")
        shutil.rmtree(tree / "predictions")
        assert case(run, tree).out == expected


class TestPictures:
    def test_formats_by_suffix_and_the_same_bytes_twice(self, run: CommandLine, tree: Path) -> None:
        for name, head in (("a.svg", b"<?xml"), ("a.png", b"\x89PNG"), ("a.html", b"<!DOCTYPE html>")):
            assert drawn(run, tree, name).code == 0
            data = (tree / name).read_bytes()
            assert data.startswith(head)
            assert drawn(run, tree, name).code == 0
            assert (tree / name).read_bytes() == data
        ET.parse(tree / "a.svg")

    def test_a_page_shows_the_worst_and_runs_no_script(self, run: CommandLine, tree: Path) -> None:
        assert drawn(run, tree, "a.html", "--worst", 3).code == 0
        page = (tree / "a.html").read_text("ascii")
        pictures = re.findall(r"src='data:image/svg\+xml;base64,([^']+)'", page)
        titles = [re.search(rb"<title>(\w+):", base64.b64decode(one)) for one in pictures]
        assert [found and found[1] for found in titles] == [b"missed", b"spurious", b"bad"]
        assert "<script" not in page and not re.findall(r"(?:src|href)='(?!data:)", page)

    @pytest.mark.parametrize("name", ["<img src=x onerror=alert(1)>", "$x^2$ _a_ |b|", "a\nb\x1b[31m", "網\u202e"])
    def test_a_hostile_name_is_text(self, name: str, run: CommandLine, tree: Path) -> None:
        for folder in ("truth", "predictions"):
            (tree / folder / "bad.nii.gz").rename(tree / folder / f"{name}.nii.gz")
        asked = ("--dataset", "volumes", "--truth", tree / "truth", "-o", tree / "net.json", "--quiet")
        assert run("score", tree / "predictions", *asked).code == 0
        for file in ("a.svg", "a.html"):
            assert drawn(run, tree, file, "--case", name).code == 0
        ET.parse(tree / "a.svg")
        assert "<img src=x" not in (tree / "a.html").read_text("ascii")
        for form in ("table", "json", "csv", "md"):
            out = case(run, tree, "--format", form).out
            assert "\x1b" not in out and "\u202e" not in out
            assert form != "md" or "<img" not in out

    def test_merged_shards_draw_the_same(self, run: CommandLine, tree: Path) -> None:
        asked = ("--dataset", "volumes", "--truth", tree / "truth", "--quiet")
        for i in (1, 2):
            assert run("score", tree / "predictions", *asked, "--shard", f"{i}/2", "-o", tree / f"{i}.json").code == 0
        assert drawn(run, tree, "a.svg").code == 0
        assert run("merge", *(state_of(tree / f"{i}.json") for i in (1, 2)), "-o", tree / "net.json").code == 0
        assert drawn(run, tree, "b.svg").code == 0
        assert (tree / "a.svg").read_bytes() == (tree / "b.svg").read_bytes()

    @pytest.mark.parametrize("input_", ["slices(axis=2)", "fused(vote,2)"])
    def test_volumes_put_together_are_drawn_as_the_volume(self, input_: str, run: CommandLine, tree: Path) -> None:
        """Of the same labels outlines and background are the same: only the caption names the input."""
        assert drawn(run, tree, "a.svg").code == 0
        folder = scored_in_parts(run, tree, input_)
        outcome = case(run, tree, "--predictions", folder, "--truth", tree / "truth", "-o", tree / "b.svg")
        assert (outcome.code, outcome.err) == (0, "")
        shown, expected = (marks(tree / name) for name in ("b.svg", "a.svg"))
        assert shown == expected and len(shown) > 3
        assert (tree / "b.svg").read_bytes() != (tree / "a.svg").read_bytes()

    @pytest.mark.parametrize(
        "input_, spoilt", [("slices(axis=2)", "slices/missed/2.png"), ("fused(vote,2)", "fused/two/missed.nii.gz")]
    )
    def test_one_part_that_is_another_one(self, input_: str, spoilt: str, run: CommandLine, tree: Path) -> None:
        folder = scored_in_parts(run, tree, input_)
        labels = blocks(1, 6)
        put(tree / spoilt, png(labels[:, :, 2]) if spoilt.endswith(".png") else nifti(labels, SPACING))
        outcome = case(run, tree, "--predictions", folder, "--truth", tree / "truth", "-o", tree / "b.svg")
        assert "another prediction of missed than was scored" in refused(outcome, 3)

    def test_a_missing_prediction_that_was_scored_as_missing(self, run: CommandLine, tree: Path) -> None:
        (tree / "predictions/bad.nii.gz").unlink()
        asked = ("--dataset", "volumes", "--truth", tree / "truth", "-o", tree / "net.json", "--quiet")
        assert run("score", tree / "predictions", *asked, "--missing", "miss").code == 0
        assert drawn(run, tree, "a.svg", "--case", "bad").code == 0
        put(tree / "predictions/bad.nii.gz", nifti(blocks(1, 6), SPACING))
        assert "another prediction of bad than was scored" in refused(drawn(run, tree, "b.svg", "--case", "bad"), 3)

    def test_scans(self, run: CommandLine, tree: Path) -> None:
        scan = np.random.default_rng(0).normal(100, 30, SHAPE).astype(np.float32)
        put(tree / "scans/bad_0000.nii.gz", nifti(scan, SPACING))
        assert drawn(run, tree, "a.png", "--case", "bad", "--images", tree / "scans").code == 0
        assert drawn(run, tree, "b.png", "--case", "bad").code == 0
        assert (tree / "a.png").read_bytes() != (tree / "b.png").read_bytes()
        err = refused(drawn(run, tree, "c.png", "--case", "fair", "--images", tree / "scans"), 4)
        assert "scans: no scan of fair; expected fair.nii.gz or fair.nii or " in err
        put(tree / "scans/fair.nii.gz", nifti(scan, (0.5, 0.5, 1.0)))
        assert "spacing 0.5" in refused(drawn(run, tree, "c.png", "--case", "fair", "--images", tree / "scans"), 4)


class TestRefused:
    def test_options_that_do_not_fit(self, run: CommandLine, tree: Path) -> None:
        for more, words in (
            (("--case", "bad", "--worst", "2"), "--case together with --worst"),
            (("--truth", tree), "--truth without -o"),
            (("-o", tree / "a.svg"), "a picture without volumes; expected --predictions PREDICTIONS and --truth"),
            (("-o", tree / "a.pdf"), "ends in .svg, .png or .html"),
            (("-o", tree / "none/a.svg"), "existing folder for -o"),
            (("--by", "mean_dise"), "no score 'mean_dise'; expected mean_dice | "),
            (
                ("--case", "fairy"),
                "no case 'fairy'; expected bad, fair, missed, right, spurious; did you mean",
            ),
        ):
            assert words in refused(case(run, tree, *more), 2)
        assert "no structure '9'" in refused(drawn(run, tree, "a.svg", "--structure", "9"), 2)
        assert "2 results" in refused(case(run, tree, tree / "net.json"), 2)
        assert "--worst with roc" in refused(run("plot", "roc", tree / "net.json", "--worst", 1), 2)
        assert not (tree / "a.svg").exists()

    def test_no_result_of_volumes(self, run: CommandLine, tmp_path: Path) -> None:
        camvid = scored(run, tmp_path / "net.json", "camvid")
        err = refused(run("plot", "case", camvid), 2)
        assert "net.json: a result of camvid@1, whose predictions are labels; expected volumes" in err

    def test_a_state_that_is_gone(self, run: CommandLine, tree: Path) -> None:
        state_of(tree / "net.json").unlink()
        assert "net.state.jsonl: no such state file" in refused(case(run, tree), 4)

    def test_a_prediction_that_is_another_one(self, run: CommandLine, tree: Path) -> None:
        """Also where its content is the same: the digest is of the file."""
        put(tree / "predictions/missed.nii.gz", nifti(blocks(1, 6), SPACING))
        err = refused(drawn(run, tree, "a.svg"), 3)
        assert "missed.nii.gz: another prediction of missed than was scored; expected SHA-256 " in err
        assert not (tree / "a.svg").exists()

    def test_a_prediction_that_is_gone(self, run: CommandLine, tree: Path) -> None:
        (tree / "predictions/missed.nii.gz").unlink()
        assert "predictions: no prediction of missed; expected the file" in refused(drawn(run, tree, "a.svg"), 3)

    @pytest.mark.parametrize("labels, spacing", [(blocks(2, 6), SPACING), (blocks(1, 6), (0.5, 1.0, 2.0))])
    def test_a_truth_that_is_another_one(
        self, labels: np.ndarray, spacing: tuple[float, ...], run: CommandLine, tree: Path
    ) -> None:
        put(tree / "truth/missed.nii.gz", nifti(labels, spacing))
        put(tree / "predictions/missed.nii.gz", (tree / "predictions/missed.nii.gz").read_bytes())
        outcome = drawn(run, tree, "a.svg")
        # Of another spacing the prediction is refused first: it lies elsewhere than the truth.
        code = 4 if spacing == SPACING else 3
        words = "missed.nii.gz: another truth of missed than was scored" if code == 4 else "missed.nii.gz: spacing"
        assert words in refused(outcome, code)

    def test_a_truth_that_is_gone(self, run: CommandLine, tree: Path) -> None:
        (tree / "truth/missed.nii.gz").unlink()
        assert "truth: no truth of missed; expected the truth that was scored" in refused(drawn(run, tree, "a.svg"), 4)

    def test_a_key_of_the_state_is_no_path(self, run: CommandLine, tree: Path) -> None:
        """Whoever writes a state file and its digest still opens no file outside the truth."""
        state = state_of(tree / "net.json")
        state.write_bytes(state.read_bytes().replace(b'"key":["missed"]', b'"key":["..","truth","missed"]'))
        result = json.loads((tree / "net.json").read_bytes())
        result["state"]["sha256"] = hashlib.sha256(state.read_bytes()).hexdigest()
        (tree / "net.json").write_text(json.dumps(result), "utf-8")
        assert "no truth of ../truth/missed" in refused(drawn(run, tree, "a.svg", "--images", tree / "truth"), 4)


def test_the_value_of_a_case_is_that_of_per_image(run: CommandLine, tree: Path) -> None:
    asked = ("--dataset", "volumes", "--truth", tree / "truth", "--quiet", "--per-image", tree / "cases.csv")
    assert run("score", tree / "predictions", *asked).code == 0
    rows = {row["image"]: row for row in csv.DictReader(io.StringIO((tree / "cases.csv").read_text("utf-8")))}
    for one in record(run, tree)["cases"]:
        for key, value in one["values"].items():
            assert math.isclose(float(rows[one["case"]][key]), value, rel_tol=0, abs_tol=0)
