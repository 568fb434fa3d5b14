"""What tests of the harness share: a small data set, weights for it, and one thread, as sums come out the same."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.harness.nets import weights
from tests.harness.smalldata import write_small


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return write_small(tmp_path / "small")


@pytest.fixture
def pt(tmp_path: Path) -> Path:
    return weights(tmp_path / "plain.pt")
