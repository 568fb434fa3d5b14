"""A split that is divided: among shards, and among processes that `torchrun` starts."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import permutations
from pathlib import Path

import pytest

from segbench.harness.runs import Share
from tests.conftest import CHECKOUT, CommandLine
from tests.harness.nets import net
from tests.harness.smalldata import KEYS, over, predicted, result_of


@pytest.mark.parametrize("count", [1, 2, 3, 8])
@pytest.mark.parametrize("ranks", [1, 2, 5])
def test_shares_are_all_of_it_once(count: int, ranks: int) -> None:
    keys = [f"{number:03d}" for number in range(23)]
    shares = [Share(number, count).divided(rank, ranks) for number in range(1, count + 1) for rank in range(ranks)]
    assert sorted(key for share in shares for key in share.of(keys)) == keys
    assert all(1 <= share.number <= share.count == count * ranks for share in shares)
    sizes = [len(share.of(keys)) for share in shares]
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("order", list(permutations((1, 2, 3))))
def test_the_last_shard_scores(order: tuple[int, ...], run: CommandLine, small: Path, pt: Path, tmp_path: Path) -> None:
    assert run(*over(small, tmp_path / "whole", net(pt))).code == 0
    args = [*over(small, tmp_path / "out", net(pt)), "--format", "json"]
    left = len(KEYS)
    for place, number in enumerate(order):
        done = run(*args, "--shard", f"{number}/3")
        assert done.code == 0, done.err
        n = len(KEYS[number - 1 :: 3])
        left -= n
        is_last = place == 2
        assert (done.record[0]["status"], done.record[0]["images_predicted"]) == ("scored" if is_last else "part", n)
        assert (f"{left} images left to the other shards" in done.err) == (not is_last)
        assert (tmp_path / "out/small-val/plain/result.json").exists() == is_last
    assert predicted(tmp_path / "out") == predicted(tmp_path / "whole")
    assert result_of(tmp_path / "out") == result_of(tmp_path / "whole")
    record = done.record[0]["run"]
    assert (record["images"], record["cost"]["images_timed"] + record["cost"]["images_warming"]) == (7, 7)
    # Each of three processes warms up.
    assert record["cost"]["images_warming"] == 3
    assert run(*args, "--shard", "1/3").record[0]["status"] == "there"


def torchrun(*args: object) -> subprocess.CompletedProcess[bytes]:
    """Start two processes that share the work."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    env = {**os.environ, "PYTHONPATH": str(CHECKOUT), "OMP_NUM_THREADS": "1"}
    call = [*launcher, "-m", "segbench", *map(str, args)]
    return subprocess.run(call, env=env, capture_output=True, timeout=120)


def test_two_processes(run: CommandLine, small: Path, pt: Path, tmp_path: Path) -> None:
    """The second one is the slower one: the first, which scores, has to wait for it."""
    assert run(*over(small, tmp_path / "whole", net(pt), "majority")).code == 0
    done = torchrun(*over(small, tmp_path / "out", net(pt, pause=0.3), "majority"))
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.decode().count("scored") == 2
    for name in ("plain", "majority"):
        assert predicted(tmp_path / "out", name) == predicted(tmp_path / "whole", name)
        assert result_of(tmp_path / "out", name) == result_of(tmp_path / "whole", name)
    ledgers = sorted(path.name for path in (tmp_path / "out/small-val/plain").glob("timings-*"))
    assert ledgers == ["timings-1-of-2.jsonl", "timings-2-of-2.jsonl"]


def test_two_processes_of_which_one_fails(small: Path, pt: Path, tmp_path: Path) -> None:
    """The other does not wait for ever, and the failure is told."""
    (small / "images/v1.png").write_bytes(b"no image")
    done = torchrun(*over(small, tmp_path / "out", net(pt)))
    assert done.returncode != 0
    assert "v1.png" in done.stderr.decode()
    # The share of the first process: every other image.
    assert {"v0", "v2", "v4", "v6"} <= predicted(tmp_path / "out").keys()
    assert not (tmp_path / "out/small-val/plain/result.json").exists()


def test_two_processes_of_which_one_cannot_begin(small: Path, pt: Path, tmp_path: Path) -> None:
    """What is wrong with a job before its first image is told by all, and nobody waits."""
    (small / "images/v1.png").unlink()
    done = torchrun(*over(small, tmp_path / "out", net(pt), "majority"))
    assert done.returncode != 0
    assert "no image of v1" in done.stderr.decode()
