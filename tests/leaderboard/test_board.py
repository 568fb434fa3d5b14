"""From a store to boards: order, ranks, duels, curves, published numbers."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from segbench.leaderboard.board import boards_of
from segbench.leaderboard.reported import read_reported
from segbench.leaderboard.standings import Board, Reported
from segbench.leaderboard.store import add
from segbench.scoring.units import Resampling
from tests.leaderboard.submissions import blank, entry, scored
from tests.scoring.trees import VOID, some_prediction, some_truth

CHECKOUT = Path(__file__).parents[2]
STORE, REPORTED = CHECKOUT / "leaderboards/results", CHECKOUT / "leaderboards/reported"
HOW = Resampling(resamples=100)


@pytest.fixture(scope="module")
def boards() -> dict[str, Board]:
    return {board.id: board for board in boards_of(STORE, read_reported(REPORTED), how=HOW, permutations=200)}


def test_the_boards_that_the_site_shows(boards: dict[str, Board]) -> None:
    named = {board.protocol.partition("@")[0] for board in boards.values()}
    assert named >= {"voc2012", "cityscapes", "ade20k", "camvid", "coco-instances", "drive", "shapes"}
    assert list(boards) == sorted(boards)


def test_entries_are_in_the_order_of_their_scores(boards: dict[str, Board]) -> None:
    for board in boards.values():
        values = [standing.result["scores"][board.primary]["value"] for standing in board.standings]
        assert values == sorted(values, reverse=board.higher_is_better)
        assert all(1 <= low <= high <= len(values) for low, high in (s.ranks for s in board.standings))
        assert not board.standings or board.standings[0].is_top
        ids = [standing.entry.id for standing in board.standings]
        pairs = [(first, second) for i, first in enumerate(ids) for second in ids[i + 1 :]]
        assert [(duel.first, duel.second) for duel in board.duels] == pairs
        for duel in board.duels:
            assert all(difference.interval is not None for difference in duel.scores.values())
            assert [key for key, difference in duel.scores.items() if difference.p >= 0] == [board.primary]
            assert duel.won + duel.lost + duel.drawn == board.n_images


def test_two_networks_are_tied_and_the_second_observer_is_not(boards: dict[str, Board]) -> None:
    standings = {standing.entry.id: standing for standing in boards["drive-test"].standings}
    assert standings["laddernet"].ranks == standings["retina-unet"].ranks == (1, 2)
    assert standings["laddernet"].is_top and standings["retina-unet"].is_top
    assert standings["second-observer"].ranks == (3, 3) and not standings["second-observer"].is_top


def test_curves_are_those_of_the_scores(boards: dict[str, Board]) -> None:
    for standing in boards["drive-test"].standings:
        scores, curves = standing.result["scores"], standing.curves
        if standing.entry.id == "second-observer":
            # A binary map has one working point, and no curve.
            assert not curves
            continue
        x, y = np.array(curves["roc"]).T
        assert np.trapezoid(y, x) == pytest.approx(scores["auc"]["value"], abs=1e-12)
        recall, precision = np.array(curves["precision recall"]).T
        assert (np.diff(recall) <= 0).all() and 0 < precision.min() <= precision.max() <= 1


def test_confusions_come_to_the_scores(boards: dict[str, Board]) -> None:
    for name in ("camvid-val", "shapes-test"):
        for standing in boards[name].standings:
            confusions = standing.confusions
            assert confusions is not None
            counts = np.array(confusions.counts)
            hits = counts.diagonal()
            recall = hits / counts.sum(axis=1)
            # Of CamVid the mean accuracy leaves out what is predicted void: the last column.
            if len(confusions.prediction) > len(confusions.truth):
                recall = hits / counts[:, :-1].sum(axis=1)
            per_class = standing.result["scores"]["mean_accuracy"]["per_class"]
            assert dict(zip(confusions.truth, recall.tolist(), strict=True)) == per_class


def test_intervals_hold_the_scores(boards: dict[str, Board]) -> None:
    for board in boards.values():
        for standing in board.standings:
            assert standing.spreads.keys() == standing.result["scores"].keys()
            for key, spread in standing.spreads.items():
                low, high = spread.value or (math.nan, math.nan)
                assert low <= standing.result["scores"][key]["value"] <= high
            assert len(standing.images) == board.n_images


def test_published_numbers_stand_beside_their_split_and_are_never_ranked(boards: dict[str, Board]) -> None:
    assert boards["drive-test"].reported and all(number.board == "drive" for number in boards["drive-test"].reported)
    voc = boards["voc2012-test"]
    assert voc.reported and not voc.standings and voc.n_images == 0
    shown = sum(len(board.reported) for board in boards.values())
    assert shown == sum(bool(number.board) for number in read_reported(REPORTED))


def test_the_same_store_gives_the_same_boards() -> None:
    # By their text: what is undefined is not equal to itself.
    first, second = (repr(boards_of(STORE, how=HOW, permutations=50)) for _ in range(2))
    assert first == second


def test_a_corrected_entry_leaves_the_board(store: Path, tmp_path: Path) -> None:
    truth = some_truth()
    add(scored(tmp_path, maps=some_prediction(truth)), entry("old"), store)
    right = {key: np.where(labels == VOID, 0, labels).astype(np.uint8) for key, labels in truth.items()}
    add(scored(tmp_path, maps=right, name="better"), entry("new", replaces="old"), store)
    add(scored(tmp_path, maps=blank(), name="blank"), entry("blank"), store)
    (board,) = boards_of(store, how=HOW, permutations=50)
    assert [standing.entry.id for standing in board.standings] == ["new", "blank"]
    assert board.id == "shapes-test" and board.n_images == 60
    assert len(board.duels) == 1 and board.duels[0].won == 60


def test_a_split_nobody_has_results_of_has_a_board_of_published_numbers(store: Path) -> None:
    store.mkdir()
    number = Reported("Net", "CamVid", "test", "mean IoU", 60.1, board="camvid", source="a paper")
    unknown = Reported("Net", "Elsewhere", "test", "mean IoU", 60.1, source="a paper")
    (board,) = boards_of(store, [number, unknown])
    assert (board.id, board.protocol, board.reported) == ("camvid-test", "camvid@1", (number,))


def test_progress_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[tuple[int, int]] = []
    boards_of(STORE, how=HOW, permutations=10, progress=lambda done, n: seen.append((done, n)))
    assert seen[0] == (0, len(seen) - 1) and seen[-1] == (len(seen) - 1, len(seen) - 1)
