"""Surface metrics against the definitions of the packages in use, and what becomes of empty structures."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from segbench import (
    HausdorffDistance,
    Running,
    SurfaceDice,
    average_symmetric_surface_distance,
    hausdorff_distance,
    mean_average_surface_distance,
    surface_dice,
)
from segbench.errors import BadParameter, DatasetError, ShapeMismatch, StrayLabel
from segbench.labels import LabelSpace
from segbench.metrics.surface import SurfaceMetric
from segbench.metrics.table import METRICS
from segbench.samples import Sample
from tests.oracles import surfaces, surfels

DISTANCES = (hausdorff_distance, average_symmetric_surface_distance, mean_average_surface_distance)
Masks = tuple[NDArray[np.uint8], NDArray[np.uint8], tuple[float, ...]]


def masks(seed: int) -> Masks:
    """Two blobs that overlap or not, as label 1, with pixels of odd sizes."""
    rng = np.random.default_rng(seed)
    n_axes = 2 + seed % 2
    shape = tuple(rng.integers(4, 40 if n_axes == 2 else 18, n_axes).tolist())
    spacing = tuple(rng.choice([0.5, 0.586, 1.0, 2.5, 3.3], n_axes).tolist())
    found = []
    for _ in range(2):
        grid = np.indices(shape).reshape(n_axes, -1).T
        centre, radius = rng.uniform(0, shape), rng.uniform(1.5, max(shape) / 2)
        mask = (((grid - centre) ** 2).sum(axis=1) <= radius**2).reshape(shape)
        mask ^= rng.random(shape) < rng.choice([0, 0.02])
        mask.flat[rng.integers(mask.size)] = True
        found.append(mask.astype(np.uint8))
    return found[0], found[1], spacing


@pytest.mark.parametrize("seed", range(120))
def test_every_measure_is_what_its_package_says(seed: int) -> None:
    truth, prediction, spacing = masks(seed)
    pair, areas = surfaces.distances(truth, prediction, spacing), surfels.surfels(truth, prediction, spacing)
    case: dict[str, Any] = {"truth": truth, "prediction": prediction, "space": 2, "classes": "1", "spacing_mm": spacing}
    assert hausdorff_distance(**case).value == surfaces.hausdorff(pair)
    assert hausdorff_distance(**case, variant="area").value == surfels.hausdorff(areas)
    for percent in (95, 50, 12.5):
        found = {v: hausdorff_distance(**case, percentile=percent, variant=v).value for v in ("max", "pooled", "area")}
        assert found["max"] == surfaces.percentile_max(pair, percent)
        assert found["pooled"] == surfaces.percentile_pooled(pair, percent)
        assert found["area"] == surfels.hausdorff(areas, percent)
    assert average_symmetric_surface_distance(**case).value == surfaces.assd(pair)
    assert mean_average_surface_distance(**case).value == surfaces.masd(pair)
    for tolerance in (0.0, 0.586, 1.0, 3.3):
        assert surface_dice(**case, tolerance_mm=tolerance).value == surfaces.surface_dice(pair, tolerance)
        by_area = surface_dice(**case, tolerance_mm=tolerance, element="surfel").value
        assert by_area == surfels.surface_dice(areas, tolerance)


def disk_with_hole() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    y, x = np.ogrid[:64, :64]
    disk = ((y - 32) ** 2 + (x - 32) ** 2 <= 400).astype(np.uint8)
    holed = disk.copy()
    holed[31:34, 31:34] = 0
    return disk, holed


def test_three_packages_three_numbers() -> None:
    """A disk of radius 20 against itself with a hole of 3 × 3: protocols differ by more than the methods they rank."""
    truth, prediction = disk_with_hole()
    case = {"truth": truth, "prediction": prediction, "space": 2, "classes": "1", "percentile": 95}
    found = {variant: hausdorff_distance(**case, variant=variant).value for variant in ("max", "pooled", "area")}
    pair, areas = surfaces.distances(truth, prediction, (1, 1)), surfels.surfels(truth, prediction, (1, 1))
    assert found["max"] == surfaces.percentile_max(pair) == 17.0
    assert found["pooled"] == surfaces.percentile_pooled(pair) == pytest.approx(4.25)
    assert found["area"] == surfels.hausdorff(areas, 95) == pytest.approx(17.889, abs=5e-4)


def empties() -> dict[str, tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    some, none = np.zeros((3, 4), np.uint8), np.zeros((3, 4), np.uint8)
    some[1, 1:3] = 1
    return {"missed": (some, none), "spurious": (none, some), "both": (none, none)}


@pytest.mark.parametrize("empty", ["worst", "infinity", "skip"])
@pytest.mark.parametrize("which", ["missed", "spurious", "both"])
def test_an_empty_structure_is_never_dropped_unsaid(empty: str, which: str) -> None:
    truth, prediction = empties()[which]
    case = {"truth": truth, "prediction": prediction, "space": 2, "classes": "1", "spacing_mm": (2.0, 1.5)}
    expected = surfaces.filled(truth, prediction, (2.0, 1.5), empty)
    for measure in DISTANCES:
        value = measure(**case, empty=empty).value
        assert value == expected or (math.isnan(value) and expected is None), measure
    expected = surfaces.filled(truth, prediction, (2.0, 1.5), empty, "dice")
    value = surface_dice(**case, empty=empty).value
    assert value == expected or (math.isnan(value) and expected is None)


def counted(metric: SurfaceMetric, cases: list[tuple[Any, Any]], spacing: Any = None) -> Running[Any]:
    running = Running(metric, 3)
    for truth, prediction in cases:
        running.update(truth=truth, prediction=prediction, spacing=spacing)
    return running


def test_warnings_say_what_was_not_measured() -> None:
    metric = HausdorffDistance(classes=("1", "2"), empty="skip")
    running = counted(metric, list(empties().values()))
    # Class 1 is missed once, spurious once and in neither once; class 2 is in neither three times.
    assert metric.warnings(running.state, LabelSpace.of(3)) == [
        f"{metric.short()} takes 2 structures missed or not there for left out (empty=skip)",
        f"{metric.short()} takes 4 structures in neither truth nor prediction for perfect",
    ]


def test_one_missed_structure_makes_infinity_of_the_mean_and_skip_leaves_it_out() -> None:
    good = np.zeros((3, 4), np.uint8)
    good[1, 1] = 1
    cases = [(good, good), empties()["missed"]]
    infinite = counted(HausdorffDistance(classes="1", empty="infinity"), cases).compute()
    assert (infinite.value, infinite.per_class["1"]) == (math.inf, math.inf)
    assert counted(HausdorffDistance(classes="1", empty="skip"), cases).compute().value == 0.0
    assert counted(HausdorffDistance(classes="1"), cases).compute().value == math.hypot(3, 4) / 2
    assert counted(SurfaceDice(classes="1"), cases).compute().value == 0.5


def test_the_unit_is_that_of_the_spacing() -> None:
    case = empties()["missed"]
    assert counted(HausdorffDistance(), [case]).compute().unit == "px"
    assert counted(HausdorffDistance(), [case], (1.0, 1.0)).compute().unit == "mm"
    assert counted(SurfaceDice(), [case]).compute().unit == "fraction"


def test_pools_and_records() -> None:
    rng = np.random.default_rng(0)
    space = LabelSpace.of(4, void=255)
    metrics = [
        METRICS[name](pool=pool, empty=empty)
        for name, cls in METRICS.items()
        if cls.family == "surface"
        for pool in ("image", "class_then_image")
        for empty in ("worst", "infinity", "skip")
    ]
    tally = type(metrics[0]).tally(metrics, space)
    state, rebuilt, halves = tally.start(), tally.start(), [tally.start(), tally.start()]
    for i in range(6):
        maps = [rng.choice([0, 1, 2, 3, 255], (5, 6), p=[0.6, 0.2, 0.1, 0.05, 0.05]).astype(np.uint8) for _ in "tp"]
        sample = Sample((str(i),), *maps, spacing=(1.0, 0.5))
        content = tally.count_one(state, sample)
        tally.add_record(rebuilt, json.loads(json.dumps(content, allow_nan=False)))
        tally.count_one(halves[i % 2], sample)
    assert rebuilt.to_bytes() == state.to_bytes() == halves[1].merge(halves[0]).to_bytes()
    for metric in metrics:
        score = metric.compute(state, space)
        if metric.pool == "class_then_image" and not math.isinf(score.value):
            defined = [value for value in score.per_class.values() if not math.isnan(value)]
            assert score.value == math.fsum(defined) / len(defined)


@pytest.mark.parametrize("move", [np.flip, np.transpose])
def test_turning_changes_nothing_but_the_last_bits_of_means(move: Any) -> None:
    for seed in range(30):
        truth, prediction, _ = masks(seed)
        case = {"space": 2, "classes": "1"}
        before = hausdorff_distance(truth=truth, prediction=prediction, **case).value
        assert hausdorff_distance(truth=move(truth), prediction=move(prediction), **case).value == before
        assert hausdorff_distance(truth=prediction, prediction=truth, **case).value == before


def test_faults_are_named() -> None:
    good = np.zeros((4, 5), np.uint8)
    with pytest.raises(StrayLabel):
        hausdorff_distance(truth=good, prediction=good + 7, space=2)
    with pytest.raises(DatasetError):
        hausdorff_distance(truth=good + 7, prediction=good, space=2)
    with pytest.raises(ShapeMismatch):
        hausdorff_distance(truth=good, prediction=good[:3], space=2)
    for spacing in ((1.0,), (1.0, 0.0), (1.0, math.nan), (1.0, 1.0, 1.0)):
        with pytest.raises(BadParameter, match="spacing"):
            hausdorff_distance(truth=good, prediction=good, space=2, spacing_mm=spacing)
    with pytest.raises(BadParameter, match="percentile"):
        HausdorffDistance(percentile=101.0)
    with pytest.raises(BadParameter, match="tolerance_mm"):
        SurfaceDice(tolerance_mm=-1.0)
