"""The command line as people and programs meet it: exit codes, streams, colours, files and signals."""

from __future__ import annotations

import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segbench.cli.main import COMMANDS
from segbench.leaderboard import html
from segbench.version import __version__
from tests.bad_inputs.cases import fd_missing_one, fd_terminal_escape_name, gt_truncated, lm_out_of_range
from tests.bad_inputs.clean import FIRST, Site, build
from tests.conftest import CHECKOUT, CommandLine, Outcome, start
from tests.scoring.dying import DyingJob
from tests.scoring.trees import CLASSES, listing, some_prediction, some_truth, write

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A data set in the layout of VOC and a clean submission, which is scored with a warning about its size."""
    return build(tmp_path)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> list[object]:
    """Arguments for a submission to `shapes` that is scored without a warning."""
    folder = tmp_path_factory.mktemp("tree")
    write(folder / "truth", some_truth())
    write(folder / "predictions", some_prediction(some_truth()))
    return [folder / "predictions", "--dataset", "shapes", "--truth", folder / "truth", "--workers", "1"]


def of(site: Site, *more: object) -> list[object]:
    return [site.predictions, "--dataset", "voc", "--data-root", site.root, "--workers", "1", *more]


class TestExitCodes:
    def test_0_scored(self, run: CommandLine, tree: list[object]) -> None:
        outcome = run("score", *tree)
        assert (outcome.code, outcome.err) == (0, "")
        assert outcome.out.startswith("shapes@1  custom  60 images\n\n[1] mean_iou ")

    def test_1_a_gate_failed(self, run: CommandLine, tree: list[object]) -> None:
        outcome = run("score", *tree, "--fail-under", "mean_iou=0.999")
        assert outcome.code == 1
        assert re.search(r"segbench: failed: mean_iou is 0\.\d{6}, not at least 0.999 \(--fail-under\)\n", outcome.err)
        assert outcome.out.startswith("shapes@1")

    def test_1_warnings_under_strict(self, run: CommandLine, site: Site) -> None:
        assert run("score", *of(site)).code == 0
        outcome = run("score", *of(site, "--strict"))
        assert outcome.code == 1
        assert "segbench: failed: 1 warning (--strict)\n" in outcome.err

    @pytest.mark.parametrize("args", [
        ["scroe"],
        ["score"],
        ["score", "p"],
        ["score", "p", "--dataset", "voc", "--colour"],
        ["score", "p", "--dataset", "voc", "--workers", "0"],
        ["score", "p", "--dataset", "voc", "--missing", "zero"],
        ["score", "p", "--dataset", "vco"],
        ["score", "p", "--dataset", "voc"],
        ["score", "p", "--dataset", "voc", "--data-root", "d", "--truth", "t"],
        ["score", "p", "--dataset", "voc", "--data-root", "d", "--split", "vall"],
        ["score", "p", "--dataset", "voc", "--metric", "mean_iuo"],
        ["score", "p", "--dataset", "nowhere.toml"],
        ["score", "p", "--dataset", "voc", "-o", "result.png"],
        ["score", "p", "--dataset", "voc", "-o", "no/such/folder/result.json"],
    ], ids=" ".join)  # fmt: skip
    @pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
    def test_2_usage(
        self, args: list[str], as_json: bool, run: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv("SEGBENCH_DATA", raising=False)
        outcome = run(*args, *(["--format", "json"] if as_json else []))
        assert outcome.code == 2
        [line] = outcome.err.splitlines()
        assert re.match(r"segbench: error\[(usage-error|unknown-name|bad-parameter)\]: \S", line)
        if as_json:
            assert (outcome.record["status"], outcome.record["exit"]) == ("refused", 2)
            assert f"error[{outcome.codes[0]}]" in line
        else:
            assert outcome.out == ""

    @pytest.mark.parametrize(("dataset", "metric", "said"), [
        ("voc", "auc", "metric auc on voc2012, whose predictions are labels; expected mean_iou | pixel_accuracy | "),
        ("drive", "mean_iou(absent=zero)", "metric mean_iou on drive, whose predictions are levels; expected auc | "),
        ("drive", "v_rand", "metric v_rand on drive, whose predictions are levels; expected auc | "),
        ("isbi2012", "f1", "metric f1 on isbi2012, whose predictions are membranes; expected v_rand | v_info\n"),
    ])  # fmt: skip
    def test_2_a_metric_of_another_kind(self, dataset: str, metric: str, said: str, run: CommandLine) -> None:
        # No folder is there, which would be the complaint if anything had been read before.
        outcome = run("score", "nowhere", "--dataset", dataset, "--truth", "nowhere", "--metric", metric)
        assert (outcome.code, outcome.out) == (2, "")
        assert outcome.err.startswith(f"segbench: error[bad-parameter]: {said}") and outcome.err.count("\n") == 1

    def test_3_the_submission(self, run: CommandLine, site: Site) -> None:
        fd_missing_one(site)
        outcome = run("score", *of(site))
        assert (outcome.code, outcome.out) == (3, "")
        assert f"segbench: error[missing-prediction]: {site.file()}: no prediction of {FIRST}" in outcome.err

    def test_4_the_data_set(self, run: CommandLine, site: Site) -> None:
        gt_truncated(site)
        assert run("score", *of(site)).code == 4

    def test_6_the_disk(self, run: CommandLine, tree: list[object], tmp_path: Path) -> None:
        (tmp_path / "r.state.jsonl").mkdir()
        outcome = run("score", *tree, "-o", tmp_path / "r.json")
        assert (outcome.code, outcome.out) == (6, "")
        assert "segbench: error[output-problem]: " in outcome.err
        assert listing(tmp_path) == {}

    def test_7_a_dead_worker(
        self, run: CommandLine, tree: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("segbench.scoring.run.Job", DyingJob)
        parallel = ["--workers", "2", "--executor", "processes"]
        outcome = run("score", *tree, *parallel, "--format", "json", "-o", tmp_path / "r.json")
        assert (outcome.code, outcome.codes) == (7, ["run-incomplete"])
        assert re.search(r"segbench: error\[run-incomplete\]: a worker died; .*im\d+", outcome.err)
        assert listing(tmp_path) == {}

    def test_5_no_memory(self, run: CommandLine, tree: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
        def full(*args: Any, **kwargs: Any) -> None:
            raise MemoryError("Unable to allocate 447. GiB")

        monkeypatch.setattr("segbench.scoring.score.score", full)
        outcome = run("score", *tree, "--format", "json")
        assert (outcome.code, outcome.codes) == (5, ["resource-error"])
        assert "no memory left: Unable to allocate 447. GiB" in outcome.err

    @pytest.mark.parametrize("debug", [False, True])
    def test_70_a_bug(self, debug: bool, run: CommandLine, tree: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(*args: Any, **kwargs: Any) -> None:
            raise ZeroDivisionError("division by\x1b[31m zero")

        monkeypatch.setattr("segbench.scoring.score.score", broken)
        outcome = run(*["--debug"] * debug, "score", *tree)
        assert (outcome.code, outcome.out) == (70, "")
        assert "segbench: error[internal]: ZeroDivisionError: division by\\x1b[31m zero; this is a bug" in outcome.err
        assert ("Traceback" in outcome.err) == debug


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Truth and predictions of so many images that there is time to interrupt."""
    folder = tmp_path_factory.mktemp("many")
    source = write(folder / "source", {"a": np.arange(64).reshape(8, 8) % CLASSES})
    for kind in ("truth", "predictions"):
        (folder / kind).mkdir()
        for i in range(12_000):
            os.link(source / "a.png", folder / kind / f"{i}.png")
    return folder


class TestSignals:
    @pytest.mark.parametrize("executor", ["threads", "processes"])
    @pytest.mark.parametrize(("number", "code", "word"), [
        (signal.SIGINT, 130, "interrupted"),
        (signal.SIGTERM, 143, "terminated"),
    ])  # fmt: skip
    def test_stops_at_once_and_leaves_nothing(
        self, number: signal.Signals, code: int, word: str, executor: str, many: Path, tmp_path: Path
    ) -> None:
        where = ["--dataset", "shapes", "--truth", many / "truth", "--workers", "2", "--executor", executor]
        process = start(
            "score", many / "predictions", *where, "-o", tmp_path / "r.json",
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        _until_busy(process, tmp_path / "r.state.jsonl.part")
        begin = time.monotonic()
        # Ctrl-C reaches every process of a terminal; the order to end, as a rule, the first one only.
        if number == signal.SIGINT:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out) == (code, b"")
        assert time.monotonic() - begin < 15
        assert f"segbench: {word}: nothing was written" in err.decode()
        assert "Traceback" not in err.decode()
        assert listing(tmp_path) == {}

    def test_ctrl_c_while_a_worker_starts(self, many: Path, tmp_path: Path) -> None:
        started = tmp_path / "started"
        (tmp_path / "sitecustomize.py").write_text(
            "import pathlib, sys, time\n"
            "if '--multiprocessing-fork' in sys.orig_argv:\n"
            f"    pathlib.Path({str(started)!r}).touch()\n"
            "    time.sleep(1)\n"
        )
        where = ["--dataset", "shapes", "--truth", many / "truth", "--workers", "2", "--executor", "processes"]
        process = start(
            "score", many / "predictions", *where, "-o", tmp_path / "r.json",
            env={"PYTHONPATH": f"{tmp_path}{os.pathsep}{CHECKOUT}"},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        while not started.exists():
            assert process.poll() is None
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out) == (130, b"")
        assert err.decode().strip() == "segbench: interrupted: nothing was written; run the same command again"


def _until_busy(process: subprocess.Popen[bytes], growing: Path) -> None:
    """Wait until both workers have counted for a while."""
    end = time.monotonic() + 90
    while not (growing.exists() and growing.stat().st_size > 100_000):
        assert process.poll() is None, "it ended before it was interrupted"
        assert time.monotonic() < end
        time.sleep(0.02)


class TestHelp:
    @pytest.mark.parametrize("args", [["--help"], ["-h"], []], ids=["--help", "-h", "nothing"])
    def test_of_the_whole(self, args: list[str], run: CommandLine) -> None:
        outcome = run(*args)
        assert (outcome.code, outcome.err) == (0, "")
        assert outcome.out.startswith("Usage: segbench [OPTIONS] COMMAND")
        for name in COMMANDS:
            assert re.search(rf"^  {name} ", outcome.out, re.MULTILINE)

    @pytest.mark.parametrize("name", COMMANDS)
    def test_of_each_command(self, name: str, run: CommandLine) -> None:
        outcome = run(name, "--help")
        assert (outcome.code, outcome.err) == (0, "")
        assert outcome.out.startswith(f"Usage: segbench {name}")
        assert "--help" in outcome.out

    def test_version(self, run: CommandLine) -> None:
        outcome = run("--version")
        assert (outcome.code, outcome.out, outcome.err) == (0, f"segbench, version {__version__}\n", "")

    @pytest.mark.parametrize(("args", "hint"), [
        (["scroe"], "did you mean 'score'?"),
        (["score", "p", "--dataset", "vco"], "did you mean 'voc'?"),
        (["score", "p", "--dataset", "camvit"], "did you mean 'camvid'?"),
        (["score", "p", "--dataset", "voc", "--metric", "mean_iuo"], "did you mean 'mean_iou'?"),
        (["score", "p", "--dataset", "voc", "--metric", "mean_iou(absnt=skip)"], "did you mean 'absent'?"),
        (["score", "p", "--dataset", "voc", "--fail-under", "mean_uoi=0.5"], "did you mean 'mean_iou'?"),
        (["score", "p", "--dataset", "voc", "--split", "traiin", "--data-root", "d"], "did you mean 'train'?"),
        (["score", "p", "--datset", "voc"], "--dataset"),
    ], ids=lambda value: " ".join(value) if isinstance(value, list) else "")  # fmt: skip
    def test_did_you_mean(self, args: list[str], hint: str, run: CommandLine) -> None:
        outcome = run(*args)
        assert outcome.code == 2
        assert hint in outcome.err


@pytest.mark.parametrize(
    ("command", "own", "expected"), [("score", None, "1"), ("score", "3", "3"), ("train", None, None)]
)
def test_threads_of_linear_algebra(
    command: str, own: str | None, expected: str | None, run: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None beside the first, unless somebody asks for them, or nets are trained."""
    name = "OPENBLAS_NUM_THREADS"
    # Set first, so that it is put back afterwards, whatever it was.
    monkeypatch.setenv(name, own or "")
    if own is None:
        monkeypatch.delenv(name)
    assert run(command, "--help").code == 0
    assert os.environ.get(name) == expected


class TestStreams:
    def test_data_and_nothing_else_on_standard_output(self, run: CommandLine, site: Site) -> None:
        site.add("notes.txt")
        table, record = run("score", *of(site)), run("score", *of(site, "--format", "json"))
        assert table.err == record.err
        assert [line.split(":")[1] for line in table.err.splitlines()] == [" warning"] * 2
        assert "warning" not in table.out
        assert len(record.record["warnings"]) == 2
        assert f"{100 * record.scores['mean_iou']['value']:.2f} %" in table.out
        assert record.scores["mean_iou"]["signature"] in table.out

    def test_quiet(self, run: CommandLine, site: Site) -> None:
        outcome = run("score", *of(site, "--quiet"))
        assert (outcome.code, outcome.err) == (0, "")

    def test_json_is_sorted_and_ends_with_a_line_feed(self, run: CommandLine, tree: list[object]) -> None:
        outcome = run("score", *tree, "--format", "json")
        assert outcome.out == json.dumps(outcome.record, sort_keys=True, ensure_ascii=False, indent=2) + "\n"
        assert "NaN" not in outcome.out
        assert outcome.record["state"] is None

    def test_undefined_is_null_or_a_dash(self, run: CommandLine, tmp_path: Path) -> None:
        write(tmp_path / "truth", {"a": np.array([[0, 1]])})
        write(tmp_path / "predictions", {"a": np.array([[0, 1]])})
        args = ["score", tmp_path / "predictions", "--dataset", "voc", "--truth", tmp_path / "truth"]
        table, record = run(*args), run(*args, "--format", "json")
        assert (table.code, record.code) == (0, 0)
        assert record.scores["mean_iou"]["value"] is None
        assert re.search(r"^\[1\] mean_iou +– %$", table.out, re.MULTILINE)
        assert "mean_iou is undefined" in table.err

    @pytest.mark.parametrize(("settings", "colored"), [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        ({"NO_COLOR": "", "FORCE_COLOR": "1"}, True),
    ], ids=str)  # fmt: skip
    def test_colours(
        self, settings: dict[str, str], colored: bool, run: CommandLine, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("NO_COLOR", "FORCE_COLOR"):
            monkeypatch.delenv(name, raising=False)
        plain = run("score", *of(site))
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        outcome = run("score", *of(site))
        assert bool(ESCAPE.search(outcome.out)) == bool(ESCAPE.search(outcome.err)) == colored
        assert (ESCAPE.sub("", outcome.out), ESCAPE.sub("", outcome.err)) == (plain.out, plain.err)

    @pytest.mark.parametrize("args", [["--help"], ["score", "--format", "json"], ["score"], ["env"]], ids=" ".join)
    def test_a_reader_that_has_gone(self, args: list[str], tree: list[object]) -> None:
        reader, writer = os.pipe()
        os.close(reader)  # as `| head` does once it has seen enough
        process = start(
            *args[:1], *(tree if args[0] == "score" else []), *args[1:], stdout=writer, stderr=subprocess.PIPE
        )
        os.close(writer)
        _, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, b"")

    def test_a_gate_counts_though_the_reader_has_gone(self, tree: list[object]) -> None:
        reader, writer = os.pipe()
        os.close(reader)
        process = start("score", *tree, "--fail-under", "mean_iou=1", stdout=writer, stderr=subprocess.PIPE)
        os.close(writer)
        assert b"segbench: failed: " in process.communicate(timeout=60)[1]
        assert process.returncode == 1

    def test_head(self, tree: list[object]) -> None:
        process = start("score", *tree, "--format", "json", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        with subprocess.Popen(["head", "-1"], stdin=process.stdout, stdout=subprocess.PIPE) as head:
            assert process.stdout is not None
            process.stdout.close()
            assert head.communicate(timeout=60)[0] == b"{\n"
        assert process.stderr is not None
        with process.stderr:
            assert process.stderr.read() == b""
        assert process.wait(timeout=60) == 0

    @pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
    @pytest.mark.parametrize("more", [[], ["--format", "json"]])
    def test_a_full_disk_behind_standard_output(self, tree: list[object], more: list[str]) -> None:
        with open("/dev/full", "wb") as full:
            process = start("score", *tree, *more, stdout=full, stderr=subprocess.PIPE)
            _, err = process.communicate(timeout=60)
        assert process.returncode == 6
        assert err.startswith(b"segbench: error[output-problem]: standard output: cannot be written: No space left")
        assert err.count(b"\n") == 1

    @pytest.mark.parametrize("format_", ["table", "json"])
    @pytest.mark.parametrize("strict", [False, True], ids=["warned", "refused"])
    def test_hostile_names(self, format_: str, strict: bool, run: CommandLine, site: Site) -> None:
        fd_terminal_escape_name(site)
        outcome = run("score", *of(site, "--format", format_, *["--strict"] * strict))
        assert outcome.code == (3 if strict else 0)
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", outcome.out + outcome.err)
        assert "\\x1b]0;owned" in outcome.err
        if strict and format_ == "json":
            # A program gets the name as it is.
            assert outcome.record["errors"][0]["file"].endswith("/\x1b]0;owned\x07\x1b[31m\x9b2J\u202egnp.png")

    @pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
    def test_any_locale(self, encoding: str, run: CommandLine, site: Site) -> None:
        site.file().unlink()
        for args in (of(site, "--format", "json"), of(site, "--missing", "miss")):
            here, there = run("score", *args), run.process("score", *args, env={"PYTHONIOENCODING": encoding})
            assert (there.code, there.out) == (here.code, here.out)


class TestGates:
    @pytest.mark.parametrize(("gate", "code"), [
        ("mean_iou=0.1", 0),
        ("mean_iou=0.99", 1),
        ("pixel_accuracy=-1e9", 0),
        ("mean_iou(pool=image)=0.1", 0),
        ("mean_iou(pool=image)=1.0", 1),
    ])  # fmt: skip
    def test_values(self, gate: str, code: int, run: CommandLine, tree: list[object]) -> None:
        assert run("score", *tree, "--metric", "mean_iou(pool=image)", "--fail-under", gate).code == code

    def test_every_gate_counts(self, run: CommandLine, tree: list[object]) -> None:
        outcome = run("score", *tree, "--fail-under", "mean_iou=0.999", "--fail-under", "pixel_accuracy=0.998")
        assert outcome.code == 1
        assert outcome.err.count("segbench: failed: ") == 2

    def test_the_very_value_passes(self, run: CommandLine, tree: list[object]) -> None:
        value = run("score", *tree, "--format", "json").scores["mean_iou"]["value"]
        for limit, code in ((value, 0), (math.nextafter(value, 1), 1)):
            assert run("score", *tree, "--fail-under", f"mean_iou={limit!r}").code == code

    def test_undefined_fails(self, run: CommandLine, tmp_path: Path) -> None:
        folder = write(tmp_path, {"a": np.array([[0, 1]])})
        outcome = run("score", folder, "--dataset", "voc", "--truth", folder, "--fail-under", "mean_iou=0")
        assert outcome.code == 1
        assert "mean_iou is undefined, not at least 0 (--fail-under)" in outcome.err

    @pytest.mark.parametrize("gate", [
        "mean_iou", "mean_iou=", "=0.5", "mean_iou=high", "mean_iou=nan", "mean_iuo=0.5", "mean_iou(pool=image)=0.5",
    ])  # fmt: skip
    def test_a_slip_of_the_pen_costs_no_run(self, gate: str, run: CommandLine, tmp_path: Path) -> None:
        # Neither folder is there, which would be the complaint if anything had been read before.
        nowhere = tmp_path / "nowhere"
        outcome = run("score", nowhere, "--dataset", "shapes", "--truth", nowhere, "--fail-under", gate)
        assert (outcome.code, outcome.out) == (2, "")
        assert "--fail-under" in outcome.err

    def test_a_score_that_could_be_asked_for(self, run: CommandLine) -> None:
        outcome = run("score", "p", "--dataset", "shapes", "--fail-under", "mean_iou(pool=image)=0.5")
        assert "did you mean" in outcome.err or "--metric 'mean_iou(pool=image)'" in outcome.err


class TestOutput:
    def test_three_files(self, run: CommandLine, tree: list[object], tmp_path: Path) -> None:
        outcome = run("score", *tree, "--format", "json", "-o", tmp_path / "r.json")
        assert outcome.code == 0
        assert sorted(os.listdir(tmp_path)) == ["r.json", "r.run.json", "r.state.jsonl"]
        result = json.loads((tmp_path / "r.json").read_text("utf-8"))
        assert result["state"]["file"] == "r.state.jsonl"
        assert {**result, "state": None} == outcome.record
        about = json.loads((tmp_path / "r.run.json").read_text("utf-8"))
        assert set(about) >= {"host", "seconds", "finished"}
        assert about["finished"].endswith("+00:00")

    def test_the_same_bytes_again(self, run: CommandLine, tree: list[object], tmp_path: Path) -> None:
        for folder in ("a", "b"):
            (tmp_path / folder).mkdir()
            assert run("score", *tree, "-o", tmp_path / folder / "r.json").code == 0
        first, second = listing(tmp_path / "a"), listing(tmp_path / "b")
        for name in ("r.json", "r.state.jsonl"):
            assert first[name] == second[name]
            assert str(tmp_path).encode() not in first[name]

    def test_permissions_are_those_of_any_new_file(self, run: CommandLine, tree: list[object], tmp_path: Path) -> None:
        run("score", *tree, "-o", tmp_path / "r.json")
        (tmp_path / "plain").touch()
        modes = {path.stat().st_mode for path in tmp_path.iterdir()}
        assert len(modes) == 1

    def test_a_refusal_writes_nothing(self, run: CommandLine, site: Site, tmp_path: Path) -> None:
        (tmp_path / "out").mkdir()
        lm_out_of_range(site)
        assert run("score", *of(site, "-o", tmp_path / "out/r.json")).code == 3
        assert listing(tmp_path / "out") == {}


class TestWhereDataIs:
    def test_the_variable(
        self, run: CommandLine, shapes_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "shapes").symlink_to(shapes_root)
        (tmp_path / "empty").mkdir()
        monkeypatch.setenv("SEGBENCH_DATA", str(tmp_path))
        outcome = run("score", tmp_path / "empty", "--dataset", "shapes", "--missing", "miss", "--format", "json")
        assert (outcome.code, outcome.record["n_images"], outcome.record["split"]) == (0, 60, "test")

    def test_searched_in_vain(self, run: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SEGBENCH_DATA", str(tmp_path))
        outcome = run("score", "p", "--dataset", "voc")
        assert outcome.code == 4
        for place in ("voc2012", "voc/VOC2012", "voc/VOCdevkit/VOC2012"):
            assert str(tmp_path / place) in outcome.err


class TestCheck:
    def test_accepted(self, run: CommandLine, site: Site) -> None:
        outcome = run("check", *of(site))
        assert outcome.code == 0
        assert outcome.out == "accepted: 4 images of voc2012@1, val\n"
        assert run("check", *of(site, "--strict")).code == 1
        record = run("check", *of(site, "--format", "json")).record
        assert (record["status"], record["n_images"], len(record["warnings"])) == ("accepted", 4, 1)

    def test_refused(self, run: CommandLine, site: Site) -> None:
        lm_out_of_range(site)
        outcome = run("check", *of(site, "--format", "json"))
        assert (outcome.code, outcome.codes) == (3, ["stray-label"])


class TestEnv:
    def test_table_and_json_agree(self, run: CommandLine) -> None:
        table, record = run("env"), run("env", "--format", "json")
        assert (table.code, table.err, record.code, record.err) == (0, "", 0, "")
        assert dict(line.split(maxsplit=1) for line in table.out.splitlines()) == record.record
        assert record.record["segbench"] == __version__
        assert record.record["kernels"].startswith("_confusion")

    def test_a_hostile_variable(self, run: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SEGBENCH_DATA", "/data\x1b[31m")
        assert "\x1b" not in run("env").out + run("env", "--format", "json").out


def test_demo(run: CommandLine, tmp_path: Path) -> None:
    outcome = run.process("demo", "--dir", tmp_path / "demo", seconds=300)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.count("shapes@1  test  60 images") == 2
    written = sorted(path.name for path in (tmp_path / "demo").glob("*.json"))
    assert [name for name in written if ".run." not in name] == ["nearest-colour.json", "smoothed-colour.json"]
    # What it says to try next works.
    commands = re.findall(
        r"^  (?:\S*/|python -m )?segbench (score|check|compare) (\S+/nearest-colour.*)$", outcome.out, re.MULTILINE
    )
    assert {name for name, _ in commands} == {"score", "check", "compare"}
    for name, rest in commands:
        again: Outcome = run(name, *rest.replace("'", "").split())
        assert again.code == 0
    # The site is where it says, and ranks both.
    (index,) = re.findall(r"open (\S+/index\.html)", outcome.out)
    assert "Smoothed colour" in Path(index).read_text("utf-8")


def test_a_demo_without_pages(run: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever only scores has not the packages that build pages; the rest of the demo is worth having all the same."""
    # Whatever other tests have built before.
    html._environment.cache_clear()
    monkeypatch.setitem(sys.modules, "jinja2", None)
    outcome = run("demo", "--dir", tmp_path / "demo")
    assert outcome.code == 0 and "pip install 'segbench[publish]'" in outcome.out
    assert not (tmp_path / "demo/site").exists()
