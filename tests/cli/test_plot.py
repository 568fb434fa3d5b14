"""``segbench plot``: where figures go, and which results are refused."""

from __future__ import annotations

import json
import os
import pty
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import CommandLine, start
from tests.datasets.pngs import png

GOLDEN = Path(__file__).parent.parent / "golden"


@pytest.fixture
def net(run: CommandLine, tmp_path: Path) -> Path:
    """A result of the golden set of DRIVE."""
    return scored(run, tmp_path / "net.json", "drive")


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A copy of the protocol of DRIVE under another name."""
    text = (Path(__file__).parents[2] / "segbench/protocols/data/drive.toml").read_text("utf-8")
    path = tmp_path / "vessels.toml"
    path.write_text(text.replace('name = "drive"', 'name = "vessels"'), "utf-8")
    return path


def scored(run: CommandLine, output: Path, dataset: str, *more: object) -> Path:
    where = ["--dataset", dataset, "--data-root", GOLDEN / dataset / "data"]
    assert run("score", GOLDEN / dataset / "predictions", *where, "-o", output, *more).code == 0
    return output


def state(result: Path) -> Path:
    return result.with_name(f"{result.stem}.state.jsonl")


class TestOutput:
    @pytest.mark.parametrize("kind", ["roc", "pr", "calibration"])
    def test_svg_and_png_by_suffix(self, kind: str, run: CommandLine, net: Path, tmp_path: Path) -> None:
        for name, head in (("a.svg", b"<?xml"), ("a.png", b"\x89PNG"), ("b.SVG", b"<?xml")):
            outcome = run("plot", kind, net, "-o", tmp_path / name)
            assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
            assert (tmp_path / name).read_bytes().startswith(head)
        assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.SVG").read_bytes()

    def test_svg_on_standard_output(self, run: CommandLine, net: Path, tmp_path: Path) -> None:
        run("plot", "pr", net, "-o", tmp_path / "pr.svg")
        outcome = run.process("plot", "pr", net)
        assert (outcome.code, outcome.err) == (0, "")
        assert outcome.out.encode() == (tmp_path / "pr.svg").read_bytes()

    def test_a_terminal_is_no_place_for_a_figure(self, net: Path) -> None:
        terminal, end = pty.openpty()
        process = start("plot", "roc", net, stdout=end, stderr=end)
        os.close(end)
        text = b""
        try:
            while block := os.read(terminal, 4096):
                text += block
        except OSError:  # Linux says so that the other end is closed.
            pass
        os.close(terminal)
        assert process.wait(60) == 2
        assert b"no file for the figure; expected -o FILE.svg or -o FILE.png, or a pipe" in text and b"<svg" not in text

    @pytest.mark.parametrize("name", ["figure.pdf", "figure", "none/figure.svg"])
    def test_a_wrong_place_is_told_before_anything_is_read(self, name: str, run: CommandLine, tmp_path: Path) -> None:
        outcome = run("plot", "roc", tmp_path / "nowhere.json", "-o", tmp_path / name)
        assert outcome.code == 2
        assert ("ends in .svg or .png" in outcome.err) != ("existing folder for -o" in outcome.err)

    def test_a_refusal_leaves_the_old_figure(self, run: CommandLine, net: Path, tmp_path: Path) -> None:
        (tmp_path / "old.svg").write_bytes(b"old")
        state(net).unlink()
        before = sorted(tmp_path.iterdir())
        assert run("plot", "roc", net, "-o", tmp_path / "old.svg").code == 4
        assert (tmp_path / "old.svg").read_bytes() == b"old"
        assert sorted(tmp_path.iterdir()) == before

    def test_without_matplotlib(
        self, run: CommandLine, net: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "matplotlib", None)
        outcome = run("plot", "roc", net, "-o", tmp_path / "roc.svg")
        assert outcome.code == 6
        assert outcome.err == (
            "segbench: error[missing-package]: the package 'matplotlib' is not installed; "
            "run: pip install 'segbench[plot]'\n"
        )
        assert not (tmp_path / "roc.svg").exists()

    def test_help_shows_kinds_default_and_example(self, run: CommandLine) -> None:
        text = " ".join(run("plot", "--help").out.split())
        kinds = "{roc|pr|calibration|trimap|reliability|case} RESULT..."
        for part in (kinds, "default: SVG on standard output", "Example: -o roc.svg"):
            assert part in text


def refused(run: CommandLine, *results: Path, code: int = 2) -> str:
    """Assert that nothing is drawn, and return the one line that says why."""
    outcome = run("plot", "roc", *results)
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (code, "", 1)
    return outcome.err


class TestResults:
    def test_other_data_sets_do_not_mix(self, run: CommandLine, net: Path, tmp_path: Path) -> None:
        other = scored(run, tmp_path / "other.json", "chasedb")
        error = refused(run, net, other)
        assert error.startswith(f"segbench: error[bad-parameter]: {other}: protocol chasedb@1, ")
        assert "; expected protocol drive@1, " in error and error.endswith(f", as {net} has\n")

    def test_another_truth_does_not_mix(self, run: CommandLine, net: Path, tmp_path: Path) -> None:
        root = Path(shutil.copytree(GOLDEN / "drive/data", tmp_path / "data"))
        masks = root / "test/mask"
        shutil.copy(masks / "02_test_mask.gif", masks / "01_test_mask.gif")
        where = ["--dataset", "drive", "--data-root", root, "-o", tmp_path / "other.json"]
        assert run("score", GOLDEN / "drive/predictions", *where).code == 0
        digests = [json.loads(path.read_bytes())["provenance"]["truth"][:8] for path in (tmp_path / "other.json", net)]
        assert digests[0] != digests[1]
        error = refused(run, net, tmp_path / "other.json")
        assert error.partition("other.json: ")[2] == f"truth {digests[0]}; expected truth {digests[1]}, as {net} has\n"

    def test_another_way_of_asking_does_not_mix(self, run: CommandLine, net: Path, tmp_path: Path) -> None:
        other = scored(run, tmp_path / "other.json", "drive", "--missing", "miss")
        assert "missing miss; expected missing error, as " in refused(run, net, other)
        outcome = run("plot", "roc", other)
        assert outcome.code == 0 and "| missing=miss</title>" in outcome.out

    def test_label_maps_have_no_curves(self, run: CommandLine, tmp_path: Path) -> None:
        error = refused(run, scored(run, tmp_path / "camvid.json", "camvid"))
        assert "camvid.json: a result of camvid@1, whose predictions are labels; expected probability maps" in error

    def test_membranes_have_none_either(self, run: CommandLine, tmp_path: Path) -> None:
        error = refused(run, scored(run, tmp_path / "membranes.json", "isbi2012"))
        assert "isbi2012@1, whose predictions are membranes" in error

    def test_a_result_without_state(self, run: CommandLine, net: Path) -> None:
        record = json.loads(net.read_bytes())
        net.write_text(json.dumps(record | {"state": None}), "utf-8")
        assert refused(run, net) == (
            f"segbench: error[bad-parameter]: {net}: a result without a state; expected one with counts beside it; "
            "score again with -o RESULT.json\n"
        )

    def test_a_state_that_is_gone(self, run: CommandLine, net: Path) -> None:
        state(net).unlink()
        assert "net.state.jsonl: no such state file; expected the state of net.json; score again with -o" in refused(
            run, net, code=4
        )

    def test_a_state_of_another_run(self, run: CommandLine, net: Path) -> None:
        data = state(net).read_bytes()
        state(net).write_bytes(data.replace(b'"notes"', b'"notez"') if b'"notes"' in data else data + b"\n")
        assert "another state than the result was written with" in refused(run, net, code=4)

    @pytest.mark.parametrize("name", ["../net.state.jsonl", "/etc/passwd", ".", "..", "", "a\0b", None, 3])
    def test_a_state_elsewhere_is_not_opened(self, name: object, run: CommandLine, net: Path) -> None:
        record = json.loads(net.read_bytes())
        record["state"]["file"] = name
        net.write_text(json.dumps(record), "utf-8")
        assert f"a state named {name!r}; expected the name of a file beside it" in refused(run, net)

    @pytest.mark.parametrize(
        "content", [b"", b"{}", b"[]", b"\xff", b"protocol,split\n", b'{"schema": 2}', b"[" * 100_000]
    )
    def test_not_a_result(self, content: bytes, run: CommandLine, tmp_path: Path) -> None:
        (tmp_path / "result.json").write_bytes(content)
        error = refused(run, tmp_path / "result.json")
        assert "result.json: not a result; expected JSON of schema 1; score again with -o RESULT.json" in error

    def test_a_file_that_is_not_there_or_a_folder(self, run: CommandLine, tmp_path: Path) -> None:
        assert "cannot be read: No such file" in refused(run, tmp_path / "none.json")
        assert "cannot be read: Is a directory" in refused(run, tmp_path)

    def test_a_shard(self, run: CommandLine, tmp_path: Path) -> None:
        error = refused(run, scored(run, tmp_path / "part.json", "drive", "--shard", "1/2"))
        assert "shard 1/2 of a run; expected a whole result; run: segbench merge" in error

    def test_merged_shards(self, run: CommandLine, net: Path, tmp_path: Path) -> None:
        parts = [state(scored(run, tmp_path / f"{i}.json", "drive", "--shard", f"{i}/2")) for i in (1, 2)]
        (tmp_path / "merged").mkdir()
        assert run("merge", *parts, "-o", tmp_path / "merged/net.json").code == 0
        assert run("plot", "roc", tmp_path / "merged/net.json").out == run("plot", "roc", net).out

    def test_the_same_twice(self, run: CommandLine, net: Path) -> None:
        assert "net.json: the same result twice; expected each once" in refused(run, net, net)

    def test_a_truth_of_one_class(self, run: CommandLine, tmp_path: Path) -> None:
        for name, value in (("truth", 0), ("predictions", 9)):
            (tmp_path / name).mkdir()
            (tmp_path / name / "a.png").write_bytes(png(np.full((2, 3), value, np.uint8)))
        where = ["--dataset", "drive", "--truth", tmp_path / "truth", "-o", tmp_path / "net.json"]
        assert run("score", tmp_path / "predictions", *where).code == 0
        error = refused(run, tmp_path / "net.json", code=4)
        assert "roc: the truth has no positive pixel; expected pixels of both classes" in error
        assert run("plot", "pr", tmp_path / "net.json").code == 4
        assert run("plot", "calibration", tmp_path / "net.json").code == 0

    def test_a_protocol_of_ones_own(self, run: CommandLine, tmp_path: Path, own: Path) -> None:
        where = ["--dataset", own, "--data-root", GOLDEN / "drive/data", "-o", tmp_path / "net.json"]
        assert run("score", GOLDEN / "drive/predictions", *where).code == 0
        assert "no dataset" in refused(run, tmp_path / "net.json")
        assert run("plot", "roc", tmp_path / "net.json", "--dataset", own, "-o", tmp_path / "a.svg").code == 0


class TestTrimap:
    WIDTHS = ("--metric", "trimap_iou(band_px=1)", "--metric", "trimap_iou(band_px=2)")

    def test_svg_and_png(self, run: CommandLine, tmp_path: Path) -> None:
        net = scored(run, tmp_path / "net.json", "camvid", *self.WIDTHS)
        for name, head in (("a.svg", b"<?xml"), ("a.png", b"\x89PNG")):
            outcome = run("plot", "trimap", net, "-o", tmp_path / name)
            assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
            assert (tmp_path / name).read_bytes().startswith(head)
        assert run("plot", "trimap", net).out.encode() == (tmp_path / "a.svg").read_bytes()

    def test_merged_shards(self, run: CommandLine, tmp_path: Path) -> None:
        net = scored(run, tmp_path / "net.json", "camvid", *self.WIDTHS)
        parts = [
            state(scored(run, tmp_path / f"{i}.json", "camvid", "--shard", f"{i}/2", *self.WIDTHS)) for i in (1, 2)
        ]
        (tmp_path / "merged").mkdir()
        assert run("merge", *parts, "-o", tmp_path / "merged/net.json").code == 0
        assert run("plot", "trimap", tmp_path / "merged/net.json").out == run("plot", "trimap", net).out

    def test_a_result_without_one(self, run: CommandLine, tmp_path: Path) -> None:
        outcome = run("plot", "trimap", scored(run, tmp_path / "net.json", "camvid"))
        assert (outcome.code, outcome.out) == (2, "")
        assert outcome.err == (
            f"segbench: error[bad-parameter]: {tmp_path / 'net.json'}: a result of camvid@1, without a trimap metric; "
            "expected label maps scored by trimap_iou or trimap_accuracy at several widths; score again with "
            "--metric 'trimap_iou(band_px=1)' --metric 'trimap_iou(band_px=2)' … -o RESULT.json\n"
        )

    def test_maps_of_probability_have_none(self, run: CommandLine, net: Path) -> None:
        outcome = run("plot", "trimap", net)
        assert outcome.code == 2 and "whose predictions are levels; expected label maps scored by" in outcome.err

    def test_another_kind_of_band(self, run: CommandLine, tmp_path: Path) -> None:
        net = scored(run, tmp_path / "net.json", "camvid", *self.WIDTHS)
        other = scored(run, tmp_path / "other.json", "camvid", "--metric", "trimap_iou(band_px=1,centre=void)")
        outcome = run("plot", "trimap", net, other)
        assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
        assert (
            "other.json: trimap_iou(absent=zero,band_px=…,centre=void,void_prediction=skip); expected " in outcome.err
        )
