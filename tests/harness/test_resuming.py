"""A run that was stopped goes on image by image, and comes to the same bytes."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen

import pytest

from segbench.harness.cost import Ledger
from segbench.harness.networks import Net
from tests.conftest import CommandLine, start
from tests.harness.nets import net, weights
from tests.harness.smalldata import KEYS, over, predicted, result_of


@pytest.fixture
def never_loaded(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    def forbid() -> None:
        def load(*args: object) -> None:
            raise AssertionError("a model is loaded")

        monkeypatch.setattr(Net, "load", load)

    return forbid


def test_only_what_is_missing_is_predicted(run: CommandLine, small: Path, pt: Path, tmp_path: Path) -> None:
    args = over(small, tmp_path / "out", net(pt))
    assert run(*args).code == 0
    before, result = predicted(tmp_path / "out"), result_of(tmp_path / "out")
    assert list(before) == list(KEYS) and len(set(before.values())) == len(KEYS)
    folder = tmp_path / "out/small-val/plain/predictions"
    for key in ("v1", "v5"):
        (folder / f"{key}.png").unlink()
    times = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    done = run(*args, "--format", "json")
    assert (done.record[0]["status"], done.record[0]["images_predicted"]) == ("scored", 2)
    assert {name: (folder / name).stat().st_mtime_ns for name in times} == times
    assert (predicted(tmp_path / "out"), result_of(tmp_path / "out")) == (before, result)


def test_nothing_left_loads_no_model(
    run: CommandLine, small: Path, pt: Path, tmp_path: Path, never_loaded: Callable[[], None]
) -> None:
    args = over(small, tmp_path / "out", net(pt))
    assert run(*args).code == 0
    result = result_of(tmp_path / "out")
    for file in ("result.json", "run.json"):
        (tmp_path / "out/small-val/plain" / file).unlink()
    never_loaded()
    done = run(*args, "--format", "json")
    assert (done.code, done.record[0]["status"], done.record[0]["images_predicted"]) == (0, "scored", 0)
    assert result_of(tmp_path / "out") == result
    (tmp_path / "out/small-val/plain/predictions/v3.png").unlink()
    assert "a model is loaded" in run(*args).err


@pytest.mark.parametrize("half", [b"", b"\x89PNG\r\n"])
def test_what_is_half_written_under_another_name_counts_for_nothing(
    half: bytes, run: CommandLine, small: Path, pt: Path, tmp_path: Path
) -> None:
    """So a process leaves it that is killed while it writes."""
    folder = tmp_path / "out/small-val/plain/predictions"
    folder.mkdir(parents=True)
    (folder / ".v2.png.abc123").write_bytes(half)
    assert run(*over(small, tmp_path / "out", net(pt))).code == 0
    assert run(*over(small, tmp_path / "whole", net(pt))).code == 0
    assert predicted(tmp_path / "out") == predicted(tmp_path / "whole")
    assert result_of(tmp_path / "out") == result_of(tmp_path / "whole")


def begun(args: list[object], folder: Path, n: int) -> Popen[bytes]:
    """Start a run, and return when it has predicted some images."""
    process = start(*args, stdout=DEVNULL, stderr=PIPE, env={"OMP_NUM_THREADS": "1"})
    deadline = time.monotonic() + 60
    while len(list(folder.glob("*.png"))) < n:
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.01)
    return process


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_stopped_and_started_again(
    number: signal.Signals, code: int, run: CommandLine, small: Path, pt: Path, tmp_path: Path
) -> None:
    model = net(pt, pause=0.3)
    args, folder = over(small, tmp_path / "out", model), tmp_path / "out/small-val/plain/predictions"
    process = begun(args, folder, 2)
    process.send_signal(number)
    told = process.communicate(timeout=30)[1].decode()
    assert process.returncode == code
    assert ("what was finished is kept" in told) == (number != signal.SIGKILL)
    n = len(list(folder.glob("*.png")))
    assert 2 <= n < len(KEYS) and not (folder.parent / "result.json").exists()
    done = run(*args, "--format", "json")
    assert (done.code, done.record[0]["images_predicted"]) == (0, len(KEYS) - n), done.err
    assert run(*over(small, tmp_path / "whole", net(pt))).code == 0
    assert predicted(tmp_path / "out") == predicted(tmp_path / "whole")
    assert result_of(tmp_path / "out") == result_of(tmp_path / "whole")


@pytest.mark.parametrize(
    ("other", "more", "differs"),
    [
        ("weights", (), "models"),
        ("options", (), "models"),
        ("", ("--flip",), "views"),
        ("", ("--resize", "4,5"), "views"),
        ("", ("--precision", "bfloat16"), "precision"),
    ],
)
def test_the_folder_of_another_run_is_refused(
    other: str, more: tuple[str, ...], differs: str, run: CommandLine, small: Path, pt: Path, tmp_path: Path
) -> None:
    assert run(*over(small, tmp_path / "out", net(pt))).code == 0
    before = predicted(tmp_path / "out")
    second = weights(tmp_path / "second.pt", seed=1) if other == "weights" else pt
    model = net(second, pause=0.001) if other == "options" else net(second)
    done = run(*over(small, tmp_path / "out", model), *more)
    assert done.code == 2
    assert f"another run, which differs in {differs};" in done.err and "choose another folder" in done.err
    assert predicted(tmp_path / "out") == before


@pytest.mark.parametrize("content", ["", "{", "[]", "3", '{"models": []}'])
def test_a_damaged_identity_is_another_run(
    content: str, run: CommandLine, small: Path, pt: Path, tmp_path: Path
) -> None:
    args = over(small, tmp_path / "out", net(pt))
    assert run(*args).code == 0
    (tmp_path / "out/small-val/plain/job.json").write_text(content)
    assert run(*args).code == 2


def test_the_same_weights_elsewhere_are_the_same_run(run: CommandLine, small: Path, pt: Path, tmp_path: Path) -> None:
    assert run(*over(small, tmp_path / "out", net(pt))).code == 0
    moved = pt.rename(tmp_path / "moved.pt")
    done = run(*over(small, tmp_path / "out", net(moved)), "--format", "json")
    assert (done.code, done.record[0]["status"]) == (0, "there")


@pytest.mark.parametrize("name", ["result.json", "run.json"])
@pytest.mark.parametrize(
    "content", ["", "{}", "[]", "3", '{"scores": 3}', '{"cost": 3}', '{"cost": {"seconds_median": "x"}}']
)
def test_what_was_damaged_is_made_again(
    name: str, content: str, run: CommandLine, small: Path, pt: Path, tmp_path: Path
) -> None:
    args, path = over(small, tmp_path / "out", net(pt)), tmp_path / "out/small-val/plain" / name
    assert run(*args).code == 0
    result = result_of(tmp_path / "out")
    path.write_text(content)
    done = run(*args, "--format", "json")
    assert (done.code, done.record[0]["status"], done.record[0]["images_predicted"]) == (0, "scored", 0), done.err
    assert result_of(tmp_path / "out") == result
    assert run(*args, "--format", "json").record[0]["status"] == "there"


def test_an_image_that_has_changed_since_it_was_predicted(
    run: CommandLine, small: Path, pt: Path, tmp_path: Path
) -> None:
    args = over(small, tmp_path / "out", net(pt))
    assert run(*args, "--shard", "1/2").code == 0
    before = predicted(tmp_path / "out")
    path = small / "images/v2.png"
    whole = path.read_bytes()
    path.write_bytes(whole + b" ")
    for more in ((), ("--plan",)):
        done = run(*args, *more)
        assert done.code == 4 and "image v2 of" in done.err and "choose another folder" in done.err
    assert predicted(tmp_path / "out") == before
    path.write_bytes(whole)
    # Of an image that is not predicted yet, whatever lies there is taken.
    (small / "images/v1.png").write_bytes((small / "images/v3.png").read_bytes() + b" ")
    assert run(*args).code == 0


def test_a_rule_of_other_images(run: CommandLine, small: Path, tmp_path: Path) -> None:
    args = over(small, tmp_path / "out", "nearest_colour")
    assert run(*args).code == 0
    with open(small / "images/t1.png", "ab") as file:
        file.write(b" ")
    done = run(*args)
    assert done.code == 2 and "another run, which differs in fitted_on" in done.err


def test_one_run_at_a_time(run: CommandLine, small: Path, pt: Path, tmp_path: Path) -> None:
    args, folder = over(small, tmp_path / "out", net(pt)), tmp_path / "out/small-val/plain"
    folder.mkdir(parents=True)
    with Ledger(folder, (1, 1)):
        done = run(*args)
        assert done.code == 6 and f"{folder}: another run is at work on these images" in done.err
        assert predicted(tmp_path / "out") == {}
        # Another share is nobody's but its own; what others are writing is left alone.
        (folder / "predictions/.v0.png.abc").write_bytes(b"")
        assert [run(*args, "--shard", f"{i}/2").code for i in (1, 2)] == [0, 0]
        assert (folder / "predictions/.v0.png.abc").exists()
    (folder / "predictions/v6.png").unlink()
    assert run(*args).code == 0
    assert not (folder / "predictions/.v0.png.abc").exists()


def test_a_plan_of_the_folder_of_another_run(run: CommandLine, small: Path, pt: Path, tmp_path: Path) -> None:
    assert run(*over(small, tmp_path / "out", net(pt))).code == 0
    done = run(*over(small, tmp_path / "out", net(pt)), "--flip", "--plan")
    assert done.code == 2 and "differs in views" in done.err
