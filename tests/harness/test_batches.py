"""Batches hold images of one size in their order, and what cannot be read is told by its name."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from segbench.harness.cost import Ledger
from segbench.harness.device import Device
from segbench.harness.work import Work
from tests.conftest import CommandLine
from tests.harness.nets import net
from tests.harness.smalldata import KEYS, over, predicted, result_of, size_of, write_small

Image = NDArray[np.uint8]


class Kept:
    """A sink in memory, and a predictor that answers with the names it is told."""

    parameters = 0

    def __init__(self, *done: str) -> None:
        self.found: dict[str, Any] = dict.fromkeys(done)
        self.calls: list[tuple[list[str], list[tuple[int, ...]]]] = []

    def done(self) -> set[str]:
        return set(self.found)

    def write(self, key: str, answer: Any) -> None:
        self.found[key] = answer

    def close(self, keys: Sequence[str]) -> Path:
        raise AssertionError("not of this process")

    def predict(self, images: Sequence[Image], names: Sequence[str]) -> list[tuple[str, int]]:
        self.calls.append((list(names), [image.shape[:2] for image in images]))
        return [(name, int(image[0, 0, 0])) for name, image in zip(names, images, strict=True)]


def worked(kept: Kept, folder: Path, batch: int, delays: Sequence[float] = (0.0,)) -> list[tuple[int, int]]:
    """Work on the keys; an image holds its number. Return the progress."""
    told: list[tuple[int, int]] = []

    def read(key: str) -> Image:
        number = int(key[1:])
        time.sleep(delays[number % len(delays)])
        return np.full((*size_of(key), 3), number, np.uint8)

    work = Work(
        "job",
        KEYS,
        read,
        lambda key: 0,
        lambda: kept,
        kept,
        Ledger(folder, (1, 1)),
        Device(torch.device("cpu")),
        batch,
        lambda done, total: told.append((done, total)),
    )
    n = work.run()
    # The first batch is answered twice: once to count its operations, which is thrown away.
    assert kept.calls.pop(0) == kept.calls[0]
    assert n == sum(len(names) for names, _ in kept.calls)
    return told


@pytest.mark.parametrize(
    ("batch", "sizes"), [(1, [1] * 7), (2, [2, 2, 2, 1]), (3, [3, 1, 3]), (4, [4, 3]), (100, [4, 3])]
)
def test_batches_are_of_one_size_and_in_order(batch: int, sizes: list[int], tmp_path: Path) -> None:
    kept = Kept()
    told = worked(kept, tmp_path, batch, delays=(0.02, 0.0, 0.005))
    assert [len(names) for names, _ in kept.calls] == sizes
    assert [name for names, _ in kept.calls for name in names] == list(KEYS)
    assert all(set(seen) == {size_of(name)} for names, shapes in kept.calls for name in names[:1] for seen in [shapes])
    # Each key has its own pixels, though they were read ahead.
    assert kept.found == {key: (key, int(key[1:])) for key in KEYS}
    assert told == [(int(done), 7) for done in np.cumsum(sizes)]


def test_what_is_there_is_left_alone(tmp_path: Path) -> None:
    kept = Kept("v0", "v2", "v5")
    told = worked(kept, tmp_path, 2)
    assert [names for names, _ in kept.calls] == [["v1", "v3"], ["v4", "v6"]]
    assert told == [(5, 7), (7, 7)]


@pytest.mark.parametrize("batch", [2, 3, 16])
def test_the_size_of_batches_changes_nothing(
    batch: int, run: CommandLine, small: Path, pt: Path, tmp_path: Path
) -> None:
    assert run(*over(small, tmp_path / "one", net(pt))).code == 0
    assert run(*over(small, tmp_path / "out", net(pt)), "--batch", str(batch)).code == 0
    assert predicted(tmp_path / "out") == predicted(tmp_path / "one")
    assert result_of(tmp_path / "out") == result_of(tmp_path / "one")


@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("content", [b"", b"no image", "half"])
def test_an_unreadable_image_is_named(
    batch: int, content: bytes | str, run: CommandLine, small: Path, pt: Path, tmp_path: Path
) -> None:
    path = small / "images/v5.png"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if isinstance(content, str) else content)
    args = [*over(small, tmp_path / "out", net(pt)), "--batch", str(batch)]
    done = run(*args)
    assert done.code == 4 and str(path) in done.err
    # Of the images of the other size, all were predicted before.
    before = predicted(tmp_path / "out")
    assert before.keys() >= set(KEYS[:4]) and "v5" not in before
    path.write_bytes(whole)
    assert run(*args).code == 0
    assert predicted(tmp_path / "out").keys() == set(KEYS)


def test_an_image_that_is_not_there(run: CommandLine, pt: Path, tmp_path: Path) -> None:
    small = write_small(tmp_path / "other")
    (small / "images/v4.png").unlink()
    done = run(*over(small, tmp_path / "out", net(pt)))
    assert done.code == 4 and "v4" in done.err and not (tmp_path / "out").exists()
