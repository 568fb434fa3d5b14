"""What a server's form makes of a file: kept where it is right, else the same labels written anew."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from segbench.datasets.packing import Packer, natural
from segbench.datasets.road import keys_of
from segbench.datasets.truth import TruthSet
from segbench.errors import BadParameter, DatasetError, SubmissionError
from segbench.protocols.load import load_protocol
from tests.datasets.pngs import GREY, PALETTE, RGB, png

LABELS = np.array([[0, 1, 2], [3, 4, 5]], np.uint8)


def packer(name: str, **changes: Any) -> Packer:
    protocol = load_protocol(name)
    assert protocol.pack is not None
    truth = TruthSet(protocol, protocol.layout, protocol.default_split, Path("nowhere"), [])
    return Packer(truth, protocol.pack, **changes)


def pixels(data: bytes) -> NDArray[Any]:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


def tiff(values: NDArray[Any], **options: Any) -> bytes:
    file = io.BytesIO()
    pytest.importorskip("tifffile").imwrite(file, values, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    ("options", "of_ids", "of_indices"),
    [
        ({"kind": GREY}, True, False),
        ({"kind": PALETTE}, True, True),
        ({"kind": GREY, "depth": 16}, False, False),
        ({"kind": GREY, "depth": 4}, False, False),
        ({"kind": PALETTE, "depth": 4}, False, False),
        ({"kind": PALETTE, "interlaced": True}, False, False),
    ],
)
def test_only_plain_pngs_are_kept(options: dict[str, Any], of_ids: bool, of_indices: bool) -> None:
    data = png(LABELS, **options)
    for name, kept in (("lip", of_ids), ("voc2012", of_indices)):
        made = packer(name).content("a", data)
        assert (made == data) is kept
        np.testing.assert_array_equal(pixels(made), LABELS)
        with Image.open(io.BytesIO(made)) as image:
            assert image.mode == "P" or name == "lip"


def test_colours_become_ids() -> None:
    voc = packer("voc2012")
    made = voc.content("a", png(voc.palette[LABELS], kind=RGB))
    np.testing.assert_array_equal(pixels(made), LABELS)
    with Image.open(io.BytesIO(made)) as image:
        np.testing.assert_array_equal(np.asarray(image.convert("RGB")), voc.palette[LABELS])


def test_the_palette_of_voc_follows_its_rule() -> None:
    palette = packer("voc2012").palette
    for i in range(21):
        bits = [sum((i >> (3 * j + channel) & 1) << (7 - j) for j in range(3)) for channel in range(3)]
        assert palette[i].tolist() == bits
    assert palette[255].tolist() == [224, 224, 192]


def test_ids_that_do_not_fit_into_a_byte_are_refused() -> None:
    with pytest.raises(SubmissionError, match="ids from 0 to 300"):
        packer("lip").content("a", png(np.array([[0, 300]]), depth=16))


def test_numbers_are_replaced_even_where_the_file_has_the_form() -> None:
    made = packer("lip", numbering={i: 19 - i for i in range(20)}).content("a", png(LABELS))
    np.testing.assert_array_equal(pixels(made), 19 - LABELS)


COLORS = np.array([(255, 255, 255), (0, 0, 255), (0, 255, 255), (0, 255, 0), (255, 255, 0), (255, 0, 0), (0, 0, 0)])


def test_tiles_are_rgb_tiffs() -> None:
    potsdam, rgb = packer("isprs-potsdam"), COLORS[LABELS].astype(np.uint8)
    kept = tiff(rgb, photometric="rgb", compression="zlib")
    assert potsdam.content("2_13", kept) == kept
    with_alpha = np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])
    for data in (
        tiff(LABELS, photometric="minisblack"),
        tiff(with_alpha, photometric="rgb", extrasamples=["unassalpha"]),
        png(LABELS),
        png(rgb, kind=RGB),
    ):
        made = potsdam.content("2_13", data)
        assert made != data and made[:4] == b"II*\0"
        np.testing.assert_array_equal(pixels(made), rgb)


def test_void_is_painted_too() -> None:
    made = packer("isprs-vaihingen").content("2", png(np.array([[6, 5]])))
    assert pixels(made).tolist() == [[[0, 0, 0], [255, 0, 0]]]


@pytest.mark.parametrize(("depth", "factor"), [(8, 1), (16, 256), (4, 1)])
def test_levels_are_grey_of_8_bits(depth: int, factor: int) -> None:
    data = png(LABELS.astype(np.int64) * factor, depth=depth)
    made = packer("kitti-road-birdseye").content("um_road_000000", data)
    assert (made == data) is (depth == 8)
    np.testing.assert_array_equal(pixels(made), LABELS * (17 if depth == 4 else 1))


def test_a_view_needs_the_calibration() -> None:
    road = packer("kitti-road")
    with pytest.raises(DatasetError) as caught:
        road.content("um_road_000004", png(LABELS))
    assert caught.value.file == str(Path("nowhere/training/calib/um_000004.txt"))
    by_path = replace(road, truth=replace(road.truth, by_path=True))
    with pytest.raises(BadParameter, match="--data-root"):
        by_path.content("um_road_000004", png(LABELS))


def test_keys_are_sorted_as_people_do() -> None:
    keys = ["10", "9", "slice-2", "slice-10", "slice-1", "0", "a"]
    assert sorted(keys, key=natural) == ["0", "9", "10", "a", "slice-1", "slice-2", "slice-10"]


@pytest.mark.parametrize(
    ("street", "keys"),
    [
        ("um_000001", ["um_lane_000001", "um_road_000001"]),
        ("umm_000000", ["umm_road_000000"]),
        ("uu_000099", ["uu_road_000099"]),
    ],
)
def test_what_is_sought_on_a_street(street: str, keys: list[str]) -> None:
    assert keys_of(street) == keys


@pytest.mark.parametrize("street", ["um_1", "um", "uv_000001", "um_000001_10", "um_lane_000001", ""])
def test_other_names_are_no_street(street: str) -> None:
    with pytest.raises(DatasetError, match="six digits"):
        keys_of(street)
