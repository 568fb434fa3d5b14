"""The packages that peers come from; none of them has to be installed."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any


def package(module: str, distribution: str) -> tuple[Any, str] | None:
    """Return a module, and its distribution with the version; None when it does not import."""
    try:
        return importlib.import_module(module), f"{distribution} {version(distribution)}"
    except ImportError:
        return None


def absent(packages: Mapping[str, str]) -> list[str]:
    """Return the distributions whose module does not import."""
    return [distribution for module, distribution in packages.items() if package(module, distribution) is None]
