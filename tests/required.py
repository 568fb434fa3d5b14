"""What a test needs that pip does not install: a browser, and packages of the npm registry."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

import pytest

NODE_MODULES = Path(__file__).parent / "node_modules"


def missing(what: str) -> NoReturn:
    """Skip the test, or fail it where SEGBENCH_REQUIRE_BROWSER says that nothing may be missing."""
    if os.environ.get("SEGBENCH_REQUIRE_BROWSER") == "1":
        pytest.fail(f"{what}, and SEGBENCH_REQUIRE_BROWSER is set")
    pytest.skip(what)


def node_package(name: str) -> Path:
    """Return the folder of a package that ``tests/package-lock.json`` names; no part of the repository."""
    if not (folder := NODE_MODULES / name).is_dir():
        missing(f"{name} is not installed; run: npm ci --prefix tests --ignore-scripts")
    return folder
