"""TIDE equals its own tool, tidecv 1.0.1, on random sets; skipped where that is not installed."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from segbench.metrics.tide import CORRECTIONS, decompose, errors
from tests.metrics.detected import Found, True_, compared, random_sets

N_CLASSES = 3


@pytest.fixture(scope="module")
def tool() -> Iterator[Any]:
    """The tool without its figures, for which it would import half a dozen packages."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "tidecv.plotting", SimpleNamespace(Plotter=lambda: None))
        yield pytest.importorskip("tidecv", exc_type=ImportError)
        for name in [name for name in sys.modules if name.partition(".")[0] == "tidecv"]:
            patch.delitem(sys.modules, name)


def official(
    tool: Any, true: Sequence[True_], found: Sequence[Found], unlabelled: Sequence[tuple[int, int]]
) -> tuple[dict[str, float], dict[str, int]]:
    """AP and costs in percent, and numbers of errors."""
    truth, results = tool.Data("truth"), tool.Data("results")
    for image in range(6):
        truth.add_image(image, str(image))
    for image, label, box, crowd in true:
        (truth.add_ignore_region if crowd else truth.add_ground_truth)(image, label, list(box), None)
    for image, label in unlabelled:
        truth.add_ignore_region(image, label)
    for image, label, box, score in found:
        results.add_detection(image, label, score, list(box), None)
    tide = tool.TIDE()
    run = tide.evaluate(truth, results, mode="bbox")
    both = tide.get_all_errors()
    counts = {error.short_name: n for error, n in run.count_errors().items()}
    return {"ap": run.ap, **both["main"]["results"], **both["special"]["results"]}, counts


@pytest.mark.parametrize("share", [0, 0.3])
def test_equals_the_tool(share: float, tool: Any) -> None:
    """A `share` of classes is not labelled in an image, as in LVIS."""
    compared_sets = 0
    for seed in range(400):
        true, found = random_sets(seed)
        drawn = np.random.default_rng(seed).random((6, N_CLASSES)) < share
        unlabelled = [(int(image), int(label)) for image, label in np.argwhere(drawn)]
        both = compared(true, found, excused=[i for i, row in enumerate(found) if row[:2] in unlabelled])
        kinds = errors(both)
        result = decompose(both, kinds, N_CLASSES)
        try:
            costs, counts = official(tool, true, found, unlabelled)
        except ZeroDivisionError:
            # It divides by the number of classes that have anything left: undefined here.
            assert any(value != value for value in (result.ap, *result.delta.values()))
            continue
        assert {kind: int(n.sum()) for kind, n in result.counts.items()} == counts, seed
        measured = {"ap": result.ap, **{kind: result.delta[kind] for kind in CORRECTIONS}}
        # Percents, which it adds up one by one: its rounding, and not more.
        assert {kind: 100 * value for kind, value in measured.items()} == pytest.approx(costs, abs=1e-11), seed
        compared_sets += 1
    assert compared_sets > 300
