"""The references for CMP Facade and ISPRS, held against hand-computed values and each known trap."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image as PillowImage

from . import cmp_facades, isprs

Image = np.ndarray


def values(*numbers: int) -> Image:
    return np.array([numbers], dtype=np.uint8)


# CMP Facade.


def test_cmp_by_hand() -> None:
    result = cmp_facades.evaluate([values(1, 1, 2, 3), values(12)], [values(1, 2, 2, 4), values(12)])
    # background 1 / 2, facade 1 / 2 (one false), window 0 / 1, door only predicted 0 / 1, shop 1; seven are absent.
    assert result["mean_iou"] == (1 / 2 + 1 / 2 + 0 + 0 + 1) / 5
    # Accuracies 1/2, 1, 0, 1; door has no truth and is left out here.
    assert result["class_accuracy"] == (1 / 2 + 1 + 0 + 1) / 4
    assert math.isnan(result["accuracy"]["door"]) and result["pixel_accuracy"] == 3 / 5


@pytest.mark.parametrize("value", [0, 13])
def test_cmp_has_neither_zero_nor_thirteen(value: int) -> None:
    for pair in ((values(1), values(value)), (values(value), values(1))):
        with pytest.raises(ValueError, match=r"outside 1\.\.12"):
            cmp_facades.evaluate([pair[0]], [pair[1]])


def test_cmp_opened_as_greyscale_is_refused() -> None:
    colors = np.array([list(cmp_facades.PALETTE.values())], dtype=np.uint8)
    grey = np.asarray(PillowImage.fromarray(colors).convert("L"))
    reported = np.array([19, 29, 79, 129, 179, 194, 210, 226, 176, 126, 76, 51])
    assert np.abs(grey[0].astype(int) - reported).max() <= 1  # the inferred palette explains what users see
    with pytest.raises(ValueError, match="prediction value 19"):
        cmp_facades.evaluate([np.arange(1, 13, dtype=np.uint8)[None]], [grey])


def box(label: int, x: tuple[float, float], y: tuple[float, float]) -> str:
    points = "".join(f"<x> {v} </x>" for v in x) + "".join(f"<y> {v} </y>" for v in y)
    return f"<object><points>{points}</points><label> {label} </label><labelname> any </labelname></object>\n"


def test_cmp_x_is_vertical() -> None:
    # On 4 rows and 10 columns: rows [1, 2) and columns [2, 5). The larger coordinate may come first.
    image = cmp_facades.rasterise(box(3, (0.5, 0.25), (0.2, 0.5)), 4, 10)
    assert [(int(r), int(c)) for r, c in np.argwhere(image == 3)] == [(1, 2), (1, 3), (1, 4)]
    assert (image == 1).sum() == 37  # what nothing covers is background


def test_cmp_z_order_beats_file_order() -> None:
    pillar, window, facade = box(11, (0, 1), (0.75, 1)), box(3, (0, 1), (0.25, 1)), box(2, (0, 1), (0, 1))
    # z: facade 2, window 10, pillar 12. The facade comes last in the file and still lies below.
    assert cmp_facades.rasterise(pillar + window + facade, 1, 4).tolist() == [[2, 3, 3, 11]]
    # Shop has the larger value (12 against 3) and comes later, but its z is 9 and that of window is 10.
    window_over_shop = box(3, (0, 1), (0, 1)) + box(12, (0, 1), (0, 1))
    assert cmp_facades.rasterise(window_over_shop, 1, 1).tolist() == [[3]]


def test_cmp_boxes_that_share_an_edge_leave_no_gap() -> None:
    # 0.5 * 5 = 2.5 is the centre of row 2: it belongs to the box that begins there.
    image = cmp_facades.rasterise(box(3, (0, 0.5), (0, 1)) + box(4, (0.5, 1), (0, 1)), 5, 1)
    assert image.ravel().tolist() == [3, 3, 4, 4, 4]


def test_cmp_xml_has_no_root() -> None:
    assert len(cmp_facades.read_boxes(box(2, (0, 1), (0, 1)) * 2)) == 2
    with pytest.raises(ValueError, match="label 13"):
        cmp_facades.read_boxes(box(13, (0, 1), (0, 1)))
    with pytest.raises(ValueError, match="two finite x"):
        cmp_facades.read_boxes(box(2, (0, math.nan), (0, 1)))


# ISPRS.

BLACK = {"black": isprs.BOUNDARY}


def tile(*names: str) -> Image:
    return np.array([[(isprs.COLORS | BLACK)[name] for name in names]], dtype=np.uint8)


def test_isprs_by_hand() -> None:
    truth = tile("building", "building", "tree", "clutter", "clutter", "black")
    prediction = tile("building", "tree", "tree", "clutter", "car", "car")
    result = isprs.evaluate([truth], [prediction])
    # building: 1 hit, 2 true, 1 predicted: F1 2 / 3, IoU 1 / 2. tree: 1, 1, 2: the same. clutter: 1, 2, 1: the same.
    # car: only predicted (once, the other is on black): 0. The two others are absent. 3 of 5 pixels are right.
    assert result["completeness"]["building"] == 1 / 2 and result["correctness"]["building"] == 1.0
    assert result["mean_f1_5"] == pytest.approx((2 / 3 + 2 / 3 + 0) / 3)
    assert result["mean_f1_6"] == pytest.approx((2 / 3 + 2 / 3 + 0 + 2 / 3) / 4)
    assert result["mean_iou_5"] == pytest.approx(1 / 3) and result["mean_iou_6"] == pytest.approx(3 / 8)
    assert result["overall_accuracy"] == 3 / 5  # clutter counts here in any case


def test_isprs_black_in_a_prediction() -> None:
    truth, prediction = tile("car", "car"), tile("car", "black")
    with pytest.raises(ValueError, match="no black"):
        isprs.evaluate([truth], [prediction])
    result = isprs.evaluate([truth], [prediction], black_prediction="miss")
    assert result["overall_accuracy"] == result["completeness"]["car"] == 1 / 2 and result["correctness"]["car"] == 1.0


def test_isprs_colours_read_backwards_swap_classes() -> None:
    assert isprs.indices(tile(*isprs.NAMES, "black")).tolist() == [[0, 1, 2, 3, 4, 5, 6]]  # clutter is 5, not 0
    # In BGR building and clutter change places, low vegetation and car too, and no colour is unknown.
    assert isprs.indices(tile(*isprs.NAMES)[:, :, ::-1]).tolist() == [[0, 5, 4, 3, 2, 1]]


def test_isprs_unknown_colour_is_an_error() -> None:
    with pytest.raises(ValueError, match="in no table"):
        isprs.indices(np.array([[[0, 0, 254]]], dtype=np.uint8))


def test_isprs_erosion_of_a_straight_border() -> None:
    eroded = isprs.indices(isprs.erode(tile(*["building"] * 5, *["tree"] * 5)))
    # Three pixels on each side are within 3 px of the other class; the ends of the image are no border.
    assert eroded.tolist() == [[1, 1, 6, 6, 6, 6, 6, 6, 3, 3]]


def test_isprs_erosion_is_a_disc() -> None:
    full = tile(*["building"] * 81).reshape(9, 9, 3)
    full[4, 4] = isprs.COLORS["car"]
    eroded = isprs.indices(isprs.erode(full)) == isprs.VOID
    # r2 + c2 <= 9 has 29 whole solutions: 7 + 2 * 5 + 2 * 5 + 2 * 1 by rows. (2, 2) is in, (3, 1) is out.
    assert eroded.sum() == 7 + 5 * 4 + 2 and eroded[4, 7] and eroded[6, 6] and not eroded[5, 7]
