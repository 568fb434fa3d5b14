"""Submissions on the same truth: differences, p-values, ranks, images won and lost."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

import segbench
from segbench.errors import BadParameter, UnknownName
from segbench.metrics.intervals import bootstrap_weights, holm, interval
from segbench.scoring.comparison import compare_counts, standing
from segbench.scoring.duels import Comparison
from segbench.scoring.recount import Recount, recount
from segbench.scoring.units import Resampling
from tests.scoring.trees import KEYS, VOID, Maps, some_truth, write

HOW = Resampling(resamples=80, seed=3)
FEW = KEYS[:8]


def worse(truth: Maps, share: float, seed: int) -> dict[str, np.ndarray]:
    """Predictions that are wrong in a share of the pixels."""
    rng = np.random.default_rng(seed)
    maps = {}
    for key, labels in truth.items():
        wrong = (rng.random(labels.shape) < share) | (labels == VOID)
        maps[key] = np.where(wrong, rng.integers(0, 7, labels.shape), labels).astype(np.uint8)
    return maps


class Results:
    """Scores predictions into results with states, once each."""

    def __init__(self, folder: Path, truth: Maps) -> None:
        self.folder, self.truth = folder, truth
        write(folder / "truth", truth)

    def of(self, name: str, maps: Maps, *metrics: str) -> Path:
        output = self.folder / f"{name}.json"
        state = segbench.state_path(output)
        options = {"dataset": "shapes", "truth": self.folder / "truth", "state": state, "metrics": metrics}
        result = segbench.score(write(self.folder / name, maps), **options)
        segbench.write_result(result, output, seconds=1.0, state=state)
        return output

    def counted(self, name: str, maps: Maps, *metrics: str) -> Recount:
        return recount(self.of(name, maps, *metrics), resampling=HOW)


@pytest.fixture
def few(tmp_path: Path) -> Results:
    return Results(tmp_path, some_truth(FEW))


def compared(*recounts: Recount, permutations: int = 60, **options: object) -> Comparison:
    names = [Path(one.file).stem for one in recounts]
    return compare_counts(recounts, names, how=HOW, permutations=permutations, **options)  # type: ignore[arg-type]


def test_every_number_of_a_pair_derives_by_hand(few: Results) -> None:
    """Tables are added up image by image for every resample and for every way of swapping, with NumPy alone."""
    maps = {"one": worse(few.truth, 0.1, 0), "two": worse(few.truth, 0.15, 1)}
    found = compared(*(few.counted(name, m) for name, m in maps.items()), permutations=256)
    (duel,) = found.duels
    tables = {name: np.stack([table(few.truth[key], m[key]) for key in FEW]) for name, m in maps.items()}
    scores = {name: mean_iou(t.sum(axis=0)) for name, t in tables.items()}
    assert duel.scores["mean_iou"].value == pytest.approx(scores["one"] - scores["two"], rel=1e-13)
    weights = bootstrap_weights(8, 80, 3)
    drawn = {name: [mean_iou(np.tensordot(w, t, 1)) for w in weights] for name, t in tables.items()}
    apart = np.array(drawn["one"]) - np.array(drawn["two"])
    assert duel.scores["mean_iou"].interval == pytest.approx(interval(apart), rel=1e-12)
    assert found.contenders[0].spreads["mean_iou"].value == pytest.approx(interval(np.array(drawn["one"])), rel=1e-12)
    null = []
    for swapped in product([False, True], repeat=8):
        chosen = np.array(swapped)[:, None, None]
        mine, theirs = (np.where(chosen == other, tables["one"], tables["two"]).sum(axis=0) for other in (0, 1))
        null.append(mean_iou(mine) - mean_iou(theirs))
    observed = scores["one"] - scores["two"]
    tails = [sum(d <= observed + 1e-12 for d in null), sum(d >= observed - 1e-12 for d in null)]
    assert duel.scores["mean_iou"].p == min(1.0, 2 * min(tails) / 256)


def table(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    counts = np.zeros((7, 7), np.int64)
    counted = truth != VOID
    np.add.at(counts, (truth[counted], prediction[counted]), 1)
    return counts


def mean_iou(counts: np.ndarray) -> float:
    hits = np.diag(counts)
    return float(np.mean(hits / (counts.sum(axis=0) + counts.sum(axis=1) - hits)))


def test_a_submission_does_not_differ_from_itself(few: Results) -> None:
    maps = worse(few.truth, 0.2, 0)
    found = compared(few.counted("one", maps), few.counted("other", maps))
    (duel,) = found.duels
    assert all((d.value, d.interval, d.p) == (0.0, (0.0, 0.0), 1.0) for d in duel.scores.values())
    assert all((d.value, d.interval, d.p) == (0.0, (0.0, 0.0), 1.0) for d in duel.per_class.values())
    assert (duel.won, duel.lost, duel.drawn) == (0, 0, 8)
    assert [c.ranks for c in found.contenders] == [(1, 1), (1, 1)] and all(c.is_top for c in found.contenders)


def test_the_other_way_round_is_the_same_with_another_sign(few: Results) -> None:
    one, two = few.counted("one", worse(few.truth, 0.1, 0)), few.counted("two", worse(few.truth, 0.12, 1))
    (there,), (back,) = compared(one, two, permutations=256).duels, compared(two, one, permutations=256).duels
    for key, difference in there.scores.items():
        low, high = difference.interval or (math.nan, math.nan)
        assert back.scores[key].value == -difference.value and back.scores[key].p == difference.p
        assert back.scores[key].interval == pytest.approx((-high, -low), rel=1e-12)
    assert (back.won, back.lost) == (there.lost, there.won)
    assert [(i.key, i.first, i.second) for i in back.images] == [(i.key, i.second, i.first) for i in there.images]


def test_a_clear_difference_is_found_and_a_small_one_is_not(tmp_path: Path) -> None:
    results = Results(tmp_path, some_truth(KEYS[:20]))
    shares = {"best": 0.1, "same": 0.1, "bad": 0.4}
    recounts = [results.counted(n, worse(results.truth, s, i)) for i, (n, s) in enumerate(shares.items())]
    found = compared(*recounts, permutations=600)
    by_pair = {(duel.first, duel.second): duel for duel in found.duels}
    assert list(by_pair) == [("best", "same"), ("best", "bad"), ("same", "bad")]
    assert by_pair["best", "same"].scores["mean_iou"].p > 0.2
    for name in ("best", "same"):
        duel = by_pair[name, "bad"]
        low, high = duel.scores["mean_iou"].interval or (math.nan, math.nan)
        assert duel.scores["mean_iou"].p < 0.05 and 0 < low < duel.scores["mean_iou"].value < high
        assert (duel.won, duel.lost) == (20, 0)
    assert [c.is_top for c in found.contenders] == [True, True, False]
    assert [c.ranks for c in found.contenders] == [(1, 2), (1, 2), (3, 3)]


def test_p_values_are_corrected_for_what_is_compared_at_once(few: Results) -> None:
    maps = {"one": worse(few.truth, 0.1, 0), "two": worse(few.truth, 0.2, 1), "three": worse(few.truth, 0.14, 2)}
    recounts = {name: few.counted(name, m) for name, m in maps.items()}
    pairs = [("one", "two"), ("one", "three"), ("two", "three")]
    alone = [compared(recounts[a], recounts[b], permutations=256).duels[0] for a, b in pairs]
    together = compared(*recounts.values(), permutations=256).duels
    assert [d.scores["mean_iou"].p for d in together] == holm([d.scores["mean_iou"].p for d in alone])
    for name in together[0].per_class:
        assert all(t.per_class[name].p >= a.per_class[name].p for t, a in zip(together, alone, strict=True))


def test_images_are_listed_by_how_much_they_differ(few: Results) -> None:
    one, two = few.counted("one", worse(few.truth, 0.1, 0)), few.counted("two", worse(few.truth, 0.2, 1))
    (duel,) = compared(one, two).duels
    gaps = [abs(image.first - image.second) for image in duel.images]
    assert gaps == sorted(gaps, reverse=True) and {image.key for image in duel.images} == set(FEW)
    assert duel.won == sum(image.first > image.second for image in duel.images)


def test_scores_that_only_one_has_are_left_out_with_a_word(few: Results) -> None:
    maps = worse(few.truth, 0.1, 0)
    found = compared(few.counted("one", maps, "boundary_f"), few.counted("two", maps))
    assert "boundary_f" not in found.units
    assert "boundary_f is not compared: two does not have it" in found.warnings


def test_another_score_may_rank(few: Results) -> None:
    maps = worse(few.truth, 0.1, 0), worse(few.truth, 0.2, 1)
    recounts = [few.counted(f"r{i}", m, "pixel_accuracy(pool=image)") for i, m in enumerate(maps)]
    found = compared(*recounts, primary="pixel_accuracy(pool=image)")
    assert found.primary == "pixel_accuracy(pool=image)"
    with pytest.raises(UnknownName, match="mean_precision"):
        compared(*recounts, primary="mean_precision")


def test_where_less_is_better_less_wins(few: Results) -> None:
    metric = "hausdorff_distance(variant=max)"
    recounts = [few.counted(n, worse(few.truth, s, 0), metric) for n, s in (("good", 0.02), ("bad", 0.5))]
    (key,) = (key for key in recounts[0].case.plan.metrics if key.startswith("hausdorff"))
    found = compared(*recounts, primary=key)
    assert found.duels[0].scores[key].value < 0 and found.duels[0].won > found.duels[0].lost
    assert [c.ranks[0] for c in found.contenders] == [1, 2]


def test_one_image_is_compared_without_chance(tmp_path: Path) -> None:
    results = Results(tmp_path, some_truth(KEYS[:1]))
    found = compared(*(results.counted(n, worse(results.truth, s, 0)) for n, s in (("a", 0.1), ("b", 0.3))))
    difference = found.duels[0].scores["mean_iou"]
    assert difference.value > 0 and difference.interval is None and math.isnan(difference.p)
    assert any("at least 2 images" in text for text in found.warnings)
    assert [c.ranks for c in found.contenders] == [(1, 2), (1, 2)]


def test_too_few_permutations_are_told(tmp_path: Path) -> None:
    results = Results(tmp_path, some_truth(KEYS[:12]))
    recounts = [results.counted(n, worse(results.truth, s, 0)) for n, s in (("a", 0.1), ("b", 0.3))]
    assert any("permutations are too few" in text for text in compared(*recounts, permutations=100).warnings)
    assert not any("too few" in text for text in compared(*recounts, permutations=400).warnings)


def test_a_single_one_stands_alone(few: Results) -> None:
    one = few.counted("one", worse(few.truth, 0.1, 0))
    found = standing([one], ["one"], primary=None, how=HOW, permutations=10)
    assert found.duels == () and found.contenders[0].ranks == (1, 1) and found.contenders[0].is_top
    with pytest.raises(BadParameter, match="1 submission"):
        compared(one)


def changed(counted: Recount, **fields: object) -> Recount:
    return replace(counted, case=replace(counted.case, **fields))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "word"),
    [({"split": "train"}, "split"), ({"missing": "miss"}, "missing"), ({"resize": "nearest"}, "resize")],
)
def test_results_asked_for_in_another_way_are_refused(few: Results, fields: Mapping[str, str], word: str) -> None:
    one, two = (few.counted(name, worse(few.truth, 0.1, 0)) for name in ("one", "two"))
    with pytest.raises(BadParameter, match=word):
        compared(one, changed(two, **fields))


def test_another_truth_is_refused(few: Results, tmp_path: Path) -> None:
    other = Results(tmp_path / "other", {key: np.minimum(labels, 5) for key, labels in few.truth.items()})
    with pytest.raises(BadParameter, match="truth"):
        compared(few.counted("one", few.truth | {}), other.counted("two", other.truth))


def test_one_name_for_two_is_refused(few: Results) -> None:
    one = few.counted("one", worse(few.truth, 0.1, 0))
    with pytest.raises(BadParameter, match="two submissions called 'one'"):
        compared(one, one)
    with pytest.raises(BadParameter, match="permutations"):
        compare_counts([one, one], ["a", "b"], how=HOW, permutations=0)


def test_counts_without_images_are_refused(few: Results) -> None:
    path = few.of("one", worse(few.truth, 0.1, 0))
    with pytest.raises(BadParameter, match="without the counts of each image"):
        compare_counts([recount(path), recount(path)], ["a", "b"], how=HOW)


def test_what_stands_beside_an_undefined_score_is_not_compared(tmp_path: Path) -> None:
    truth = {key: np.minimum(labels, 3).astype(np.uint8) for key, labels in some_truth(FEW).items()}
    results = Results(tmp_path, truth)
    metric = "mean_iou(absent=propagate)"
    recounts = [results.counted(n, m, metric) for n, m in (("a", truth), ("b", {k: v * 0 for k, v in truth.items()}))]
    found = compared(*recounts, primary=metric)
    assert math.isnan(found.duels[0].scores[metric].value) and math.isnan(found.duels[0].scores[metric].p)
    assert found.duels[0].scores["mean_iou"].value > 0


def test_the_same_from_paths(few: Results) -> None:
    paths = [few.of(name, worse(few.truth, share, 0)) for name, share in (("one", 0.1), ("two", 0.2))]
    found = segbench.compare(paths[0], str(paths[1]), resamples=80, seed=3, permutations=60)
    assert found == compared(*(recount(path, resampling=HOW) for path in paths))
    folders = [few.folder / name for name in ("one", "two")]
    assert found == segbench.compare(
        *folders, dataset="shapes", truth=few.folder / "truth", resamples=80, seed=3, permutations=60
    )
    with pytest.raises(BadParameter, match="0 submissions"):
        segbench.compare()
