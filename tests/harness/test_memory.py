"""A batch that is too large for the memory is halved, once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from segbench.models.failures import is_out_of_memory
from tests.conftest import CommandLine
from tests.harness import nets
from tests.harness.nets import net
from tests.harness.smalldata import KEYS, over, predicted, result_of


def test_half_a_batch_fits(
    run: CommandLine, small: Path, pt: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(*over(small, tmp_path / "whole", net(pt))).code == 0
    monkeypatch.setattr(nets, "MEMORY", {8: 2, 11: 2})
    args = [*over(small, tmp_path / "out", net(pt)), "--batch", "4"]
    done = run(*args)
    assert done.code == 0, done.err
    said = "plain on small, val: no memory left for 4 images of 11×14 on cpu"
    assert done.err.count(said) == done.err.count("no memory left") == 1
    assert "going on with 2 at a time" in done.err
    assert predicted(tmp_path / "out") == predicted(tmp_path / "whole")
    assert result_of(tmp_path / "out") == result_of(tmp_path / "whole")


def test_what_it_costs_is_known_all_the_same(
    run: CommandLine, small: Path, pt: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Operations are counted on the first batch that has an answer, and that one is not timed."""
    monkeypatch.setattr(nets, "MEMORY", {8: 2, 11: 2})
    assert run(*over(small, tmp_path / "out", net(pt)), "--batch", "4").code == 0
    cost = json.loads((tmp_path / "out/small-val/plain/run.json").read_text())["cost"]
    # A 1×1 convolution from 3 channels to 3: nine multiplications with their additions for each pixel.
    assert (cost["flops"], cost["flops_of"]) == (2 * 9 * 11 * 14, [11, 14])
    assert (cost["images_warming"], cost["images_timed"]) == (2, 5)


def test_half_is_too_much(
    run: CommandLine, small: Path, pt: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(*over(small, tmp_path / "whole", net(pt))).code == 0
    # Four of the first size; of the second size three, and half of three is one.
    monkeypatch.setattr(nets, "MEMORY", {8: 0})
    args = [*over(small, tmp_path / "out", net(pt)), "--batch", "4"]
    done = run(*args)
    assert done.code == 5
    assert "going on with 1 at a time" in done.err
    assert "v4: plain on small, val: no memory left for 1 image of 8×9" in done.err and "--batch" in done.err
    assert predicted(tmp_path / "out").keys() == set(KEYS[:4])
    monkeypatch.setattr(nets, "MEMORY", {})
    again = run(*args, "--format", "json")
    assert (again.code, again.record[0]["images_predicted"]) == (0, 3), again.err
    assert predicted(tmp_path / "out") == predicted(tmp_path / "whole")
    assert result_of(tmp_path / "out") == result_of(tmp_path / "whole")


def test_it_is_halved_once_only(
    run: CommandLine, small: Path, pt: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nets, "MEMORY", {11: 1})
    done = run(*over(small, tmp_path / "out", net(pt)), "--batch", "4")
    assert done.code == 5 and done.err.count("going on with") == 1
    assert "no memory left for 2 images of 11×14" in done.err


def test_a_single_image_is_too_much(
    run: CommandLine, small: Path, pt: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nets, "MEMORY", {11: 0})
    done = run(*over(small, tmp_path / "out", net(pt), "majority"), "--format", "json")
    assert done.code == 5
    # The other one is scored.
    assert (tmp_path / "out/small-val/majority/result.json").exists()


def test_another_failure_is_told(run: CommandLine, small: Path, pt: Path, tmp_path: Path) -> None:
    done = run(*over(small, tmp_path / "out", net(pt, broken=True)), "--batch", "4")
    assert done.code == 3 and "memory" not in done.err
    assert "v0, v1, v2, v3: model plain gives no answer: RuntimeError: the net is broken" in done.err
    assert predicted(tmp_path / "out") == {}


@pytest.mark.parametrize(
    ("error", "is_full"),
    [
        (torch.OutOfMemoryError("x"), True),
        (MemoryError(), True),
        # What torch 2 says on a CPU, and on devices without an error of their own.
        (RuntimeError("[enforce fail at alloc_cpu.cpp:119] . DefaultCPUAllocator: can't allocate memory: you"), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"), True),
        (RuntimeError("the net is broken"), False),
        (ValueError("out of memory"), False),
        (KeyError("x"), False),
    ],
)
def test_what_says_that_memory_is_at_an_end(error: Exception, is_full: bool) -> None:
    assert is_out_of_memory(error) is is_full


def test_torch_itself_on_a_cpu() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert is_out_of_memory(caught.value)
