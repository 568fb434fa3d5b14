"""What predictions cost: each number again from the ledger, and from counting by hand."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segbench.errors import BadParameter
from segbench.harness.cost import Ledger, batch_of, cost_of, rows_of
from segbench.harness.record import Cost
from segbench.leaderboard.entryfile import read_run
from tests.conftest import CommandLine
from tests.harness.nets import PLACE, digest, net, weights
from tests.harness.smalldata import KEYS, over


def written(folder: Path, *rows: dict[str, Any], share: tuple[int, int] = (1, 1)) -> Path:
    with Ledger(folder, share) as ledger:
        for row in rows:
            ledger.write(row)
    return folder


def image(key: str, seconds: float, *, warming: bool = False, batch: int = 1) -> dict[str, Any]:
    return {"key": key, "seconds": seconds, "batch": batch, "warming": warming}


def ledger_rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for path in folder.glob("timings-*") for line in path.read_text().splitlines() if line]


def test_nothing_was_predicted(tmp_path: Path) -> None:
    assert cost_of(tmp_path) == Cost() and batch_of(tmp_path) == 1


@pytest.mark.parametrize("n", [1, 2, 7, 40])
def test_median_and_95th_percentile(n: int, tmp_path: Path) -> None:
    seconds = np.random.default_rng(n).gamma(2, 0.1, n).tolist()
    warm = [image(f"w{i}", 100.0, warming=True) for i in range(3)]
    cost = cost_of(written(tmp_path, *warm, *(image(f"i{i}", s) for i, s in enumerate(seconds))))
    assert (cost.seconds_median, cost.seconds_p95) == (np.median(seconds), np.percentile(seconds, 95))
    assert (cost.images_timed, cost.images_warming) == (n, 3)


def test_of_an_image_predicted_twice_the_later_time_counts(tmp_path: Path) -> None:
    cost = cost_of(written(tmp_path, image("a", 5.0), image("b", 1.0), image("a", 3.0)))
    assert (cost.seconds_median, cost.images_timed) == (2.0, 2)


def test_several_processes(tmp_path: Path) -> None:
    counted = {**image("a", 9.0, warming=True), "flops": 12.0, "flops_of": [3, 4]}
    written(tmp_path, {"parameters": 5}, counted, {"peak_memory": 10, "memory_of": "process"}, share=(1, 2))
    written(tmp_path, {"parameters": 5}, image("b", 2.0), {"peak_memory": 30, "memory_of": "device"}, share=(2, 2))
    cost = cost_of(tmp_path)
    assert cost == Cost(5, 12.0, (3, 4), 2.0, 2.0, 1, 1, 30, "device")


@pytest.mark.parametrize("cut", range(1, 40, 6))
def test_a_line_that_was_cut_off_is_passed_over(cut: int, tmp_path: Path) -> None:
    written(tmp_path, image("a", 1.0), image("b", 3.0))
    path = tmp_path / "timings-1-of-1.jsonl"
    path.write_bytes(path.read_bytes().rstrip()[:-cut])
    assert cost_of(tmp_path).seconds_median == 1.0
    # Nor does it swallow the line after it.
    cost = cost_of(written(tmp_path, image("c", 2.0)))
    assert (cost.seconds_median, cost.images_timed) == (1.5, 2)
    assert [row["key"] for row in rows_of(tmp_path)] == ["a", "c"]


@pytest.mark.parametrize(
    "line",
    [
        "3",
        "[]",
        "null",
        '"key"',
        "\xff\xfe",
        "",
        '{"key": "b"}',
        '{"peak_memory": "much"}',
        '{"parameters": [1]}',
        '{"key": "b", "seconds": "1", "warming": false, "batch": 1}',
    ],
)
def test_lines_that_are_no_rows(line: str, tmp_path: Path) -> None:
    written(tmp_path, image("a", 1.0))
    with open(tmp_path / "timings-1-of-1.jsonl", "a", encoding="latin-1") as file:
        file.write(f"{line}\n")
    assert len(rows_of(tmp_path)) == 1 and cost_of(tmp_path).images_timed == 1


def test_the_batch_of_most_images(tmp_path: Path) -> None:
    rows = [image(f"{batch}-{i}", 1.0, batch=batch) for batch in (4, 4, 3) for i in range(batch)]
    assert batch_of(written(tmp_path, *rows)) == 4


@pytest.mark.parametrize("name", ["parameters", "flops", "seconds_median", "seconds_p95", "peak_memory"])
@pytest.mark.parametrize("value", [-1, float("inf"), float("nan")])
def test_what_is_no_cost(name: str, value: float) -> None:
    with pytest.raises(BadParameter, match=name):
        Cost(**{name: value})


@pytest.mark.parametrize("side", [1, 3])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize(("more", "factor"), [((), 1), (("--flip",), 2), (("--resize", "22,28"), 4)])
def test_operations_and_parameters_by_hand(
    side: int, batch: int, more: tuple[str, ...], factor: int, run: CommandLine, small: Path, tmp_path: Path
) -> None:
    """Of a convolution: for each pixel and class, taps · channels multiplications, each with its addition."""
    path = weights(tmp_path / "w.pt", side=side)
    done = run(*over(small, tmp_path / "out", net(path, side=side)), "--batch", batch, *more, "--format", "json")
    cost = done.record[0]["run"]["cost"]
    # The first image has 11×14 pixels; twice in each direction are four times as many.
    assert (cost["flops"], cost["flops_of"]) == (factor * 2 * 3 * 3 * side**2 * 11 * 14, [11, 14])
    assert cost["parameters"] == 3 * 3 * side**2 + 3
    assert cost["memory_of"] == "process" and cost["peak_memory"] > 1 << 20


def test_the_record(run: CommandLine, small: Path, pt: Path, tmp_path: Path) -> None:
    args = [*over(small, tmp_path / "out", net(pt)), "--batch", "3", "--format", "json"]
    done = run(*args)
    folder = tmp_path / "out/small-val/plain"
    record = json.loads((folder / "run.json").read_text())
    assert done.record[0]["run"] == record == json.loads(json.dumps(read_run(folder / "run.json").as_record()))
    model = {"name": "plain", "model": PLACE, "options": {}, "weights": digest(pt), "trained_on": ""}
    assert record["models"] == [model]
    told = {key: record[key] for key in ("dataset", "split", "images", "precision", "batch", "views")}
    assert told == {
        "dataset": "small@1",
        "split": "val",
        "images": 7,
        "precision": "float32",
        "batch": 3,
        "views": "-",
    }
    assert record["device"].startswith("cpu: ") and record["device"].endswith(", 1 thread")
    assert record["versions"].keys() == {"segbench", "python", "torch", "torchvision", "numpy"}
    assert record["finished"].endswith("+00:00")
    cost, rows = record["cost"], [row for row in ledger_rows(folder) if "key" in row]
    seconds = [row["seconds"] for row in rows if not row["warming"]]
    assert [row["key"] for row in rows] == list(KEYS)
    # The first batch is left out.
    assert [row["key"] for row in rows if row["warming"]] == ["v0", "v1", "v2"]
    assert (cost["images_timed"], cost["images_warming"]) == (4, 3)
    assert (cost["seconds_median"], cost["seconds_p95"]) == (np.median(seconds), np.percentile(seconds, 95))


def test_the_record_survives_a_second_run(run: CommandLine, small: Path, pt: Path, tmp_path: Path) -> None:
    args, folder = over(small, tmp_path / "out", net(pt)), tmp_path / "out/small-val/plain"
    assert run(*args).code == 0
    first = json.loads((folder / "run.json").read_text())
    (folder / "predictions/v6.png").unlink()
    assert run(*args).code == 0
    second = json.loads((folder / "run.json").read_text())
    for key in first.keys() - {"cost", "finished"}:
        assert second[key] == first[key]
    for key in ("parameters", "flops", "flops_of"):
        assert second["cost"][key] == first["cost"][key]
    # The image that a second process began with is no longer timed.
    assert (second["cost"]["images_timed"], second["cost"]["images_warming"]) == (5, 2)
    assert run(*args, "--format", "json").record[0]["run"] == second


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux forgets what a process has held")
def test_memory_that_another_model_has_held_is_not_counted(
    run: CommandLine, small: Path, pt: Path, tmp_path: Path
) -> None:
    greedy, modest = net(pt, held=400 << 20), net(pt)
    args = over(small, tmp_path / "out", greedy, modest)
    assert run(*args).code == 0
    first, second = (
        json.loads((tmp_path / f"out/small-val/{name}/run.json").read_text())["cost"]["peak_memory"]
        for name in ("plain", "plain-2")
    )
    assert first - second > 300 << 20


def test_rules_cost_no_operations(run: CommandLine, small: Path, tmp_path: Path) -> None:
    done = run(*over(small, tmp_path / "out", "majority,nearest_colour"), "--format", "json")
    majority, colour = (row["run"]["cost"] for row in done.record)
    assert majority["flops"] is colour["flops"] is None
    # One class; three classes with three colours.
    assert (majority["parameters"], colour["parameters"]) == (1, 9)
