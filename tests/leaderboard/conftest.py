"""What tests of the leaderboard share."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import segbench
from tests.leaderboard.submissions import scored


@pytest.fixture(scope="session")
def scored_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A result of `shapes`, not to be changed."""
    return scored(tmp_path_factory.mktemp("scored"))


@pytest.fixture
def result(scored_once: Path, tmp_path: Path) -> Path:
    """A copy of that result and its state, to be changed at will."""
    for path in (scored_once, segbench.state_path(scored_once)):
        shutil.copy(path, tmp_path / path.name)
    return tmp_path / scored_once.name


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """The place of a store."""
    return tmp_path / "store"
