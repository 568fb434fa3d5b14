import numpy as np
from numpy.typing import NDArray

WORDS: int

def match(
    ious: NDArray[np.float64],
    pair_offsets: NDArray[np.int64],
    truth_offsets: NDArray[np.int64],
    prediction_offsets: NDArray[np.int64],
    truth_areas: NDArray[np.float64],
    prediction_areas: NDArray[np.float64],
    truth_ignored: NDArray[np.uint8],
    truth_reusable: NDArray[np.uint8],
    prediction_excused: NDArray[np.uint8],
    area_ranges: NDArray[np.float64],
    limits: NDArray[np.float64],
    later_wins: bool,
    outcomes: NDArray[np.uint8],
    matched: NDArray[np.int32],
    taken: NDArray[np.uint8],
    outside: NDArray[np.uint8],
    candidates: NDArray[np.int64],
) -> None: ...
def match_any(
    ious: NDArray[np.float64],
    pair_offsets: NDArray[np.int64],
    truth_offsets: NDArray[np.int64],
    prediction_offsets: NDArray[np.int64],
    limits: NDArray[np.float64],
    outcomes: NDArray[np.uint8],
    matched: NDArray[np.int32],
    taken: NDArray[np.uint8],
) -> None: ...
def order(
    scores: NDArray[np.float64],
    classes: NDArray[np.int64],
    n_classes: int,
    rows: NDArray[np.int64],
    offsets: NDArray[np.int64],
    work: NDArray[np.int64],
) -> None: ...
def most_true(outcomes: NDArray[np.uint8], class_offsets: NDArray[np.int64], counts: NDArray[np.int32]) -> int: ...
def curves(
    outcomes: NDArray[np.uint8],
    scores: NDArray[np.float64],
    ranks: NDArray[np.int64],
    class_offsets: NDArray[np.int64],
    positives: NDArray[np.int64],
    levels: NDArray[np.float64],
    limits: NDArray[np.int64],
    eps: float,
    precision: NDArray[np.float64],
    recall: NDArray[np.float64],
    score_at: NDArray[np.float64],
    judged: NDArray[np.int32],
    places: NDArray[np.int64],
    lists: NDArray[np.int32],
    envelope: NDArray[np.float64],
) -> None: ...
