"""The references for surfaces held against the packages: MedPy, MONAI, surface-distance, Metrics Reloaded.

All of them agree to the last bit, but MONAI by surfel, which adds float32 areas. All of MONAI is float32, and reduced
by torch. surface-distance 0.1 asks for np.Inf where a mask is empty, which NumPy 2 no longer has; the rest of it runs.
Metrics Reloaded is on no package index; a checkout on the path is found.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from . import surfaces, surfels

Mask = np.ndarray
Scores = dict[str, float]
SEEDS = 24
SPACINGS: tuple[tuple[float, ...], ...] = ((1, 1, 1), (2.5, 0.7, 1.25), (0.1, 0.3, 0.2), (1.17, 0.83, 3.9))


class Case(NamedTuple):
    truth: Mask
    prediction: Mask
    spacing: tuple[float, ...]
    tolerance: float


def smooth(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Noise averaged over neighbours a few times: its level sets are blobs."""
    field = rng.standard_normal(shape)
    for axis in [*range(len(shape))] * 3:
        field = field + np.roll(field, 1, axis) + np.roll(field, -1, axis)
    return field


def random_case(seed: int) -> Case:
    """Blobs that touch the frame, and a prediction near them; the tolerance is often an attainable distance."""
    rng = np.random.default_rng(seed)
    ndim = 2 + seed % 2
    shape = tuple(int(n) for n in rng.integers(8, 60 if ndim == 2 else 20, ndim))
    spacing = SPACINGS[seed // 2 % len(SPACINGS)][:ndim]
    field = smooth(rng, shape)
    other = field + 0.5 * smooth(rng, shape)
    truth, prediction = field > np.quantile(field, 0.6), other > np.quantile(other, 0.65)
    return Case(truth, prediction, spacing, float(rng.choice([0, 1, 2, 3])) * float(rng.choice([1, spacing[0]])))


def ellipsoids() -> Case:
    grid = np.indices((40, 40, 20)) - np.array([20, 20, 10])[:, None, None, None]
    truth = sum((axis / radius) ** 2 for axis, radius in zip(grid, (12, 10, 6), strict=True)) <= 1
    prediction = sum((axis / radius) ** 2 for axis, radius in zip(grid - 1, (11, 11, 5), strict=True)) <= 1
    return Case(truth, prediction, (1, 1, 2.5), 1)


CASES = {"ellipsoids": ellipsoids(), **{str(seed): random_case(seed) for seed in range(SEEDS)}}
each_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@pytest.fixture(scope="module")
def medpy() -> Any:
    return pytest.importorskip("medpy.metric.binary")


@pytest.fixture(scope="module")
def monai() -> Any:
    pytest.importorskip("monai")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("monai.metrics")


@pytest.fixture
def deepmind(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(np, "Inf", np.inf, raising=False)
    monkeypatch.setattr(np, "NaN", np.nan, raising=False)
    return pytest.importorskip("surface_distance")


@pytest.fixture(scope="module")
def reloaded() -> Any:
    return pytest.importorskip("MetricsReloaded.metrics.pairwise_measures").BinaryPairwiseMeasures


def ours(case: Case) -> tuple[surfaces.Distances, tuple[surfels.Surfels, surfels.Surfels]]:
    return surfaces.distances(*case[:3]), surfels.surfels(*case[:3])


def test_the_cases_reach_what_they_are_for() -> None:
    framed = [case for case in CASES.values() if case.truth[0].any() and case.truth[..., -1].any()]
    ties = [case for case in CASES.values() if (np.concatenate(ours(case)[0]) == case.tolerance).any()]
    assert len(framed) > SEEDS // 2 and len(ties) > SEEDS // 2
    assert any(
        surfaces.percentile_max(p) != surfaces.percentile_pooled(p) for p in (ours(c)[0] for c in CASES.values())
    )


# MedPy


def medpy_scores(medpy: Any, case: Case) -> Scores:
    pair = case.prediction, case.truth, case.spacing
    return {"hausdorff": medpy.hd(*pair), "hd95": medpy.hd95(*pair), "assd": medpy.assd(*pair)}


@each_case
def test_medpy(medpy: Any, case: Case) -> None:
    pixels, _ = ours(case)
    assert medpy_scores(medpy, case) == {
        "hausdorff": surfaces.hausdorff(pixels),
        "hd95": surfaces.percentile_pooled(pixels),
        "assd": surfaces.assd(pixels),
    }


# MONAI


def monai_scores(monai: Any, case: Case, **options: Any) -> Scores:
    torch = importlib.import_module("torch")
    pair = [torch.tensor(mask[None, None], dtype=torch.float32) for mask in (case.prediction, case.truth)]
    same = {"include_background": True, "spacing": [float(s) for s in case.spacing]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        warnings.filterwarnings("ignore", message=".*is all 0", category=UserWarning)
        found = {
            "hausdorff": monai.compute_hausdorff_distance(*pair, **same),
            "hd95": monai.compute_hausdorff_distance(*pair, percentile=95, **same),
            "assd": monai.compute_average_surface_distance(*pair, symmetric=True, **same),
            "surface_dice": monai.compute_surface_dice(*pair, [case.tolerance], **same, **options),
        }
    return {name: value.item() for name, value in found.items()}


@each_case
def test_monai(monai: Any, case: Case) -> None:
    """Equal bits once the distances are float32, and torch reduces them; MONAI takes the prediction first."""
    torch = importlib.import_module("torch")
    pixels, _ = ours(case)
    single = [torch.tensor(one, dtype=torch.float32) for one in (pixels.prediction, pixels.truth)]
    near = sum((one <= case.tolerance).sum() for one in single)
    assert monai_scores(monai, case) == {
        "hausdorff": np.float32(surfaces.hausdorff(pixels)),
        "hd95": max(torch.quantile(one, 0.95).item() for one in single),
        "assd": torch.cat(single).mean().item(),
        "surface_dice": (near / sum(map(len, single))).item(),
    }


@each_case
def test_monai_has_the_definitions(monai: Any, case: Case) -> None:
    pixels, _ = ours(case)
    found = monai_scores(monai, case)
    # The mean is a few roundings of 2⁻²⁴ off. So is the rank of 95 %, and the percentile by as much of a step.
    assert found["assd"] == pytest.approx(surfaces.assd(pixels), rel=1e-6)
    off = 2**-23 * max(len(one) * np.diff(np.sort(one)).max() + one.max() for one in pixels)
    assert found["hd95"] == pytest.approx(surfaces.percentile_max(pixels), abs=off)


@each_case
def test_monai_by_surfel(monai: Any, case: Case) -> None:
    # Areas are float32 and added so; a tie with the tolerance is judged in float32 too.
    _, area = ours(case)
    single = [surfels.Surfels(one.distances.astype(np.float32), one.sizes) for one in area]
    expected = surfels.surface_dice(tuple(single), np.float32(case.tolerance))
    assert monai_scores(monai, case, use_subvoxels=True)["surface_dice"] == pytest.approx(expected, rel=1e-6)


def test_monai_judges_ties_in_float32(monai: Any) -> None:
    truth = np.zeros((1, 12), bool)
    truth[0, 4] = True
    case = Case(truth, np.roll(truth, 3, axis=1), (1, 0.1), 0.3)
    # 3 · 0.1 is above 0.3 in float64, and no longer in float32.
    assert monai_scores(monai, case)["surface_dice"] == 1
    assert surfaces.surface_dice(surfaces.distances(*case[:3]), case.tolerance) == 0


# surface-distance


def deepmind_scores(deepmind: Any, case: Case) -> Scores:
    found = deepmind.compute_surface_distances(*case[:3])
    averages = deepmind.compute_average_surface_distance(found)
    return {
        "hausdorff": deepmind.compute_robust_hausdorff(found, 100),
        "hd95": deepmind.compute_robust_hausdorff(found, 95),
        "from_truth": averages[0],
        "from_prediction": averages[1],
        "surface_dice": deepmind.compute_surface_dice_at_tolerance(found, case.tolerance),
    }


@each_case
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_surface_distance(deepmind: Any, case: Case) -> None:
    _, area = ours(case)
    averages = surfels.averages(area)
    assert deepmind_scores(deepmind, case) == {
        "hausdorff": surfels.hausdorff(area),
        "hd95": surfels.hausdorff(area, 95),
        "from_truth": averages[0],
        "from_prediction": averages[1],
        "surface_dice": surfels.surface_dice(area, case.tolerance),
    }


@pytest.mark.parametrize("seed", range(20))
def test_tables_of_surface_distance(deepmind: Any, seed: int) -> None:
    spacing = np.random.default_rng(seed).uniform(0.1, 5, 3)
    tables = deepmind.metrics.lookup_tables
    assert np.array_equal(surfels.areas(spacing), tables.create_table_neighbour_code_to_surface_area(spacing))
    flat = tables.create_table_neighbour_code_to_contour_length(spacing[:2])
    assert np.array_equal(surfels.lengths(spacing[:2]), flat)


# Metrics Reloaded


def reloaded_scores(reloaded: Any, case: Case) -> Scores:
    options = {"nsd": case.tolerance, "hd_perc": 95}
    masks = case.prediction.astype(int), case.truth.astype(int)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pair = reloaded(*masks, pixdim=case.spacing, dict_args=options)
        hausdorff, assd, hd95, masd = pair.measured_distance()
        dice = pair.normalised_surface_distance()
    return {"hausdorff": hausdorff, "hd95": hd95, "assd": assd, "masd": masd, "surface_dice": dice}


@each_case
def test_metrics_reloaded(reloaded: Any, case: Case) -> None:
    pixels, _ = ours(case)
    assd, masd = surfaces.whole_map_means(*case[:3])
    assert reloaded_scores(reloaded, case) == {
        "hausdorff": surfaces.hausdorff(pixels),
        "hd95": surfaces.percentile_max(pixels),
        "assd": assd,
        "masd": masd,
        "surface_dice": surfaces.surface_dice(pixels, case.tolerance),
    }


# Empty masks


def check_empties(package: str, scores: Callable[[Case], Scores]) -> None:
    """What a package answers without truth, without prediction and without both is what was reported."""
    some, none = np.pad(np.ones((2, 3), bool), 2), np.zeros((6, 7), bool)
    for place, pair in enumerate(((none, none), (some, none), (none, some))):
        expected = {name: reported[place] for name, reported in surfaces.REPORTED[package].items()}
        with np.errstate(invalid="ignore"):
            found = scores(Case(*pair, (1, 1), 1))
        assert found.keys() == expected.keys()
        assert list(found.values()) == pytest.approx(list(expected.values()), abs=0, rel=0, nan_ok=True)


def test_medpy_refuses_empty_masks(medpy: Any) -> None:
    some, none = np.pad(np.ones((2, 3), bool), 2), np.zeros((6, 7), bool)
    for name, function in (("hausdorff", medpy.hd), ("hd95", medpy.hd95), ("assd", medpy.assd)):
        for pair, reported in zip(
            ((none, none), (none, some), (some, none)), surfaces.REPORTED["medpy"][name], strict=True
        ):
            assert reported == surfaces.REFUSES
            with pytest.raises(RuntimeError):
                function(*pair)


@pytest.mark.parametrize("subvoxels", [False, True])
def test_empty_masks_of_monai(monai: Any, subvoxels: bool) -> None:
    check_empties("monai", lambda case: monai_scores(monai, case, use_subvoxels=subvoxels))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_empty_masks_of_surface_distance(deepmind: Any) -> None:
    check_empties("surface_distance", lambda case: deepmind_scores(deepmind, case))


def test_empty_masks_of_metrics_reloaded(reloaded: Any) -> None:
    check_empties("metrics_reloaded", lambda case: reloaded_scores(reloaded, case))


def test_surfels_answer_as_surface_distance() -> None:
    def scores(case: Case) -> Scores:
        area = surfels.surfels(*case[:3])
        averages = surfels.averages(area)
        return {
            "hausdorff": surfels.hausdorff(area),
            "hd95": surfels.hausdorff(area, 95),
            "from_truth": averages[0],
            "from_prediction": averages[1],
            "surface_dice": surfels.surface_dice(area, case.tolerance),
        }

    check_empties("surface_distance", scores)
