"""Functions whose module is read when they are first called, for what few runs need."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from typing import Any


def late(where: str) -> Callable[..., Any]:
    """Return a function that stands for another one.

    Parameters
    ----------
    where : str
        Module and name of the other function, as ``segbench.datasets.geo:open_raster``.

    Returns
    -------
    callable
        Imports the module when it is first called, and passes everything on.
    """

    def call(*arguments: Any, **keywords: Any) -> Any:
        return _found(where)(*arguments, **keywords)

    return call


@cache
def _found(where: str) -> Any:
    module, _, name = where.partition(":")
    return getattr(importlib.import_module(module), name)
