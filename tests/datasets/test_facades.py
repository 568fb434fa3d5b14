"""CMP facades: rectangles by hand, a literal transcription on random annotations, and hostile XML."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from segbench.datasets.facades import BACKGROUND, PAINTING_ORDER, FacadeObject, facade_objects, rasterised
from segbench.errors import BadParameter, DatasetError
from tests.oracles import cmp_facades


def box(label: object, x: Sequence[object], y: Sequence[object], name: str = "any") -> bytes:
    """Return an object in the form of the data set: all x, then all y, and white space around what is said."""
    points = "".join(f"\t<x>\n{v}\n</x>\n" for v in x) + "".join(f"\t<y>\n{v}\n</y>\n" for v in y)
    return (
        f"<object>\n<points>\n{points}</points>\n<label>\n{label}\n</label>\n"
        f"<labelname>\n{name}\n</labelname>\n<flag>\n0\n</flag>\n</object>\n"
    ).encode()


WHOLE = box(2, (0, 1), (0, 1))


def refusal(data: bytes) -> DatasetError:
    with pytest.raises(DatasetError) as caught:
        facade_objects(data)
    assert caught.value.expected.startswith("an object with points")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400
    return caught.value


class TestObjects:
    def test_x_is_vertical_and_either_end_may_come_first(self) -> None:
        assert facade_objects(box(7, (0.75, 0.25), (0.1, 0.9)) + box(12, (0, 1), (1, 0.5))) == [
            FacadeObject(label=7, top=0.25, bottom=0.75, left=0.1, right=0.9),
            FacadeObject(label=12, top=0.0, bottom=1.0, left=0.5, right=1.0),
        ]

    def test_x_and_y_in_turns(self) -> None:
        points = b"<points><x>0.1</x><y>0.2</y><x>0.3</x><y>0.4</y></points>"
        assert facade_objects(b"<object>" + points + b"<label>1</label></object>") == [
            FacadeObject(1, 0.1, 0.3, 0.2, 0.4)
        ]

    @pytest.mark.parametrize(
        ("start", "end"),
        [
            (b"", b""),
            (b"<root>", b"</root>"),
            (b"<?xml version='1.0'?>\n", b""),
            (b"\xef\xbb\xbf<?xml version='1.0' encoding='UTF-8'?><annotation>", b"</annotation>"),
            (b"\xef\xbb\xbf", b"\n\n"),
            (b"<!-- drawn by hand -->", b""),
        ],
    )
    def test_with_and_without_a_root(self, start: bytes, end: bytes) -> None:
        assert facade_objects(start + WHOLE + end) == [FacadeObject(2, 0, 1, 0, 1)]

    def test_a_little_beyond_the_image(self) -> None:
        data = box(3, (-0.01, 1.02), (0.5, 1.5))
        assert facade_objects(data) == [FacadeObject(3, -0.01, 1.02, 0.5, 1.5)]
        assert rasterised(data, (2, 4)).tolist() == [[1, 1, 3, 3]] * 2


class TestDrawing:
    def test_by_hand(self) -> None:
        # On 4 rows and 10 columns: rows [1, 2), columns [2, 5).
        image = rasterised(box(3, (0.5, 0.25), (0.2, 0.5)), (4, 10))
        assert image.dtype == np.uint8
        assert np.argwhere(image == 3).tolist() == [[1, 2], [1, 3], [1, 4]]
        assert (image == BACKGROUND).sum() == 37

    def test_the_centre_of_a_pixel_decides(self) -> None:
        # 0.5 · 5 = 2.5 is the centre of row 2: it belongs to what begins there, not to what ends there.
        assert rasterised(box(3, (0, 0.5), (0, 1)), (5, 1)).ravel().tolist() == [3, 3, 1, 1, 1]
        assert rasterised(box(3, (0.5, 1), (0, 1)), (5, 1)).ravel().tolist() == [1, 1, 3, 3, 3]

    def test_between_two_centres_there_is_nothing(self) -> None:
        # 0.6 · 1 and 0.9 · 1 lie behind the centre 0.5 of the only row, 0.5 to 0.5 is empty.
        assert rasterised(box(3, (0.6, 0.9), (0, 1)), (1, 1)).item() == BACKGROUND
        assert rasterised(box(3, (0.5, 0.5), (0, 1)), (1, 1)).item() == BACKGROUND

    def test_the_painting_order_beats_the_file(self) -> None:
        pillar, window = box(11, (0, 1), (0.75, 1)), box(3, (0, 1), (0.25, 1))
        assert rasterised(pillar + window + WHOLE, (1, 4)).tolist() == [[2, 3, 3, 11]]
        # The shop comes later in the file and has the larger label, and is painted before the window.
        assert rasterised(box(3, (0, 1), (0, 1)) + box(12, (0, 1), (0, 1)), (1, 1)).item() == 3

    def test_every_pair_of_labels(self) -> None:
        order = [cmp_facades.NAMES[label] for label in PAINTING_ORDER]
        assert order == list(cmp_facades.Z_ORDER)
        for first in PAINTING_ORDER:
            for second in PAINTING_ORDER:
                front = max(first, second, key=PAINTING_ORDER.index)
                data = box(first, (0, 1), (0, 1)) + box(second, (0, 1), (0, 1))
                assert rasterised(data, (1, 1)).item() == front

    @pytest.mark.parametrize("seed", range(40))
    def test_against_the_transcription(self, seed: int) -> None:
        dice = random.Random(seed)
        rows, columns = dice.randint(1, 40), dice.randint(1, 40)
        # Multiples of a half pixel, so that centres are hit, as well as anything else.
        data = b"".join(
            box(dice.randint(1, 12), *([ends(dice, size) for _ in range(2)] for size in (rows, columns)))
            for _ in range(dice.randint(1, 25))
        )
        expected = cmp_facades.rasterise(data.decode(), rows, columns)
        assert np.array_equal(rasterised(data, (rows, columns)), expected)

    @pytest.mark.parametrize("shape", [(0, 4), (4, 0), (-1, 2)])
    def test_no_pixels(self, shape: tuple[int, int]) -> None:
        with pytest.raises(BadParameter):
            rasterised(WHOLE, shape)


def ends(dice: random.Random, size: int) -> float:
    return dice.choice([dice.randint(0, 2 * size) / (2 * size), dice.random(), dice.uniform(-0.2, 1.2)])


class TestFaults:
    @pytest.mark.parametrize(
        ("data", "found"),
        [
            (b"", "an annotation without objects"),
            (b"<points/>", "an annotation without objects"),
            (b"nothing", "an annotation without objects"),
            (WHOLE + box(13, (0, 1), (0, 1)), "object 2 with label '13'"),
            (box(0, (0, 1), (0, 1)), "object 1 with label '0'"),
            (box("2.0", (0, 1), (0, 1)), "object 1 with label '2.0'"),
            (box("٣", (0, 1), (0, 1)), "object 1 with label '٣'"),
            (box("", (0, 1), (0, 1)), "object 1 with label ''"),
            (WHOLE.replace(b"label>", b"lable>"), "object 1 with label none"),
            (box("2</label><label>3", (0, 1), (0, 1)), "object 1 with label '2', '3'"),
            (box(2, (0,), (0, 1)), "object 1 with x '0'"),
            (box(2, (0, 1), ()), "object 1 with y none"),
            (box(2, (0, 0.5, 1), (0, 1)), "object 1 with x '0', '0.5', '1'"),
            (box(2, (0, "half"), (0, 1)), "object 1 with x '0', 'half'"),
            (box(2, (0, ""), (0, 1)), "object 1 with x '0', ''"),
            (box(2, (0, "nan"), (0, 1)), "object 1 with x '0', 'nan'"),
            (box(2, ("nan", 0), (0, 1)), "object 1 with x 'nan', '0'"),
            (box(2, (0, 1), (0, "inf")), "object 1 with y '0', 'inf'"),
            (box(2, (0, 1), (12, 480)), "object 1 with y '12', '480'"),
            (WHOLE.replace(b"points>", b"corners>"), "object 1 with x none"),
        ],
    )
    def test_by_number(self, data: bytes, found: str) -> None:
        assert refusal(data).found == found

    @pytest.mark.parametrize(
        "data",
        [
            WHOLE[:-3],
            WHOLE + b"<object>",
            b"</facade>" + WHOLE,
            b"</facade><facade>" + WHOLE,
            WHOLE.replace(b"any", b"\xff\xfe"),
            WHOLE.replace(b"any", b"a & b"),
            WHOLE.replace(b"any", b"\0"),
            WHOLE.decode().encode("utf-16"),
            b"\x89PNG\r\n\x1a\n",
        ],
        ids=["cut", "open", "closed too early", "two roots", "no UTF-8", "ampersand", "null", "UTF-16", "a PNG"],
    )
    def test_no_xml(self, data: bytes) -> None:
        assert refusal(data).found.startswith("damaged XML: ")

    def test_no_document_type(self) -> None:
        bomb = b'<!DOCTYPE d [<!ENTITY a "0"><!ENTITY b "&a;&a;&a;&a;">]>'
        assert refusal(bomb + WHOLE).found.startswith("damaged XML: ")
        assert refusal(b"<?xml version='1.0'?>" + bomb + b"<d>" + WHOLE + b"</d>").found.startswith("damaged XML: ")
        assert refusal(b"</facade>" + bomb + b"<facade>" + WHOLE).found.startswith("damaged XML: ")
        assert refusal(WHOLE.replace(b"any", b"&a;")).found.startswith("damaged XML: undefined entity")

    def test_nothing_is_fetched(self, tmp_path: Path) -> None:
        secret = tmp_path / "secret"
        secret.write_text("2")
        outside = f'<!DOCTYPE d [<!ENTITY a SYSTEM "file://{secret}">]>'.encode()
        assert refusal(outside + box("&a;", (0, 1), (0, 1))).found.startswith("damaged XML: ")
        # XInclude is no part of reading: it stays an element like any other.
        include = f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" parse="text" href="{secret}"/>'
        assert refusal(box(include, (0, 1), (0, 1))).found == "object 1 with label ''"

    @pytest.mark.parametrize("closed", [True, False])
    def test_very_deep(self, closed: bool) -> None:
        n = 200_000
        start = time.process_time()
        refusal(b"<a>" * n + b"</a>" * (n if closed else 0))
        assert time.process_time() - start < 10

    def test_very_long_numbers(self) -> None:
        start = time.process_time()
        refusal(box("9" * 1_000_000, (0, 1), (0, 1)))
        refusal(box(2, (0, "9" * 1_000_000), (0, 1)))
        refusal(box(2, ["0"] * 100_000, (0, 1)))
        assert time.process_time() - start < 5

    def test_damage_is_one_error_or_none(self) -> None:
        outcomes = {"read": 0, "refused": 0}
        whole = WHOLE + box(3, (0.2, 0.4), (0.1, 0.9)) + box(11, (0.25, 0.75), (0, 0.5))
        for seed in range(2000):
            dice = random.Random(seed)
            data = bytearray(whole)
            for _ in range(dice.randint(1, 3)):
                at = dice.randrange(len(data))
                match dice.randrange(8):
                    case 0:
                        data[at] ^= 1 << dice.randrange(8)
                    case 1:
                        del data[at : at + dice.randint(1, 40)]
                    case 2:
                        data[at:at] = dice.choice([b"<", b">", b"&", b"</object>", b"<label>", b"]]>", b"<!--", b"\0"])
                    case 3:
                        data[at] = dice.randrange(256)
                    case _:
                        digits = [i for i, byte in enumerate(data) if byte in b"0123456789"]
                        data[dice.choice(digits)] = dice.choice(b"0123456789.-")
            try:
                labels = rasterised(bytes(data), (6, 7))
            except DatasetError:
                outcomes["refused"] += 1
            else:
                outcomes["read"] += 1
                assert set(np.unique(labels).tolist()) <= set(PAINTING_ORDER)
        assert min(outcomes.values()) > 200
