"""Every example in a docstring of segbench runs, and comes out as it says."""

from __future__ import annotations

import doctest
import importlib
import os
import pkgutil
from pathlib import Path

import pytest

import segbench

#: Modules that need a package of an extra, and the package.
OPTIONAL: dict[str, str] = {}
NAMES = [
    "segbench",
    *(
        info.name
        for info in pkgutil.walk_packages(segbench.__path__, "segbench.")
        if not info.name.rpartition(".")[2].startswith("_")
    ),
]
#: Functions are made from classes, so their examples are found twice; a broken collection would find none.
FEWEST = {
    "segbench.metrics.functions": 9,
    "segbench.metrics.region": 8,
    "segbench.metrics.groups": 4,
    "segbench.metrics.running": 1,
}


@pytest.mark.parametrize("name", NAMES)
def test_examples(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if name in OPTIONAL:
        pytest.importorskip(OPTIONAL[name], reason=f"{name} needs {OPTIONAL[name]}")
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    examples = [test for test in doctest.DocTestFinder(exclude_empty=True).find(module) if test.examples]
    runner = doctest.DocTestRunner(optionflags=doctest.FAIL_FAST)
    for example in examples:
        assert not runner.run(example).failed, f"{example.name} (see the captured output)"
    assert len(examples) >= FEWEST.get(name, 0)
    assert not os.listdir(tmp_path), "an example leaves files behind"
