"""LZW in TIFF files: what the specification says, from whole streams and damaged ones, and never a crash."""

from __future__ import annotations

import io
import random

import imagecodecs
import pytest
import tifffile
from PIL import Image

from segbench.datasets.lzw import undo_lzw
from segbench.errors import UnreadableImage
from tests.datasets.test_geo import refusal, some_values, whole
from tests.datasets.tifffiles import page, tiff
from tests.oracles import lzw

LENGTHS = (1, 2, 60, 500, 5000, 20_000)


def contents(seed: int) -> tuple[random.Random, bytes]:
    dice = random.Random(seed)
    return dice, bytes(dice.choices(range(dice.choice([1, 2, 8, 256])), k=dice.choice(LENGTHS)))


@pytest.mark.parametrize("seed", range(40))
def test_whole_streams(seed: int) -> None:
    dice, content = contents(seed)
    stream = imagecodecs.lzw_encode(content)
    assert lzw.decode(stream) == (content, False)
    assert undo_lzw(stream, 1, len(content)) == undo_lzw(stream, len(content), 1) == content
    part = dice.randint(1, len(content))
    assert undo_lzw(stream, 1, part) == content[:part], "what stands behind is left"
    with pytest.raises(UnreadableImage, match="a damaged TIFF: LZW: "):
        undo_lzw(stream, 1, len(content) + 1)


def damaged(dice: random.Random, stream: bytes) -> bytes:
    match dice.randrange(4):
        case 0:
            return dice.randbytes(dice.randrange(200))
        case 1:
            return stream[: dice.randrange(len(stream) + 1)]
        case _:
            changed = bytearray(stream)
            for _ in range(dice.randint(1, 4)):
                changed[dice.randrange(len(changed))] = dice.randrange(256)
            return bytes(changed)


def test_damaged_streams() -> None:
    outcomes = {"read": 0, "refused": 0}
    for seed in range(3000):
        dice, content = contents(seed)
        stream = damaged(dice, imagecodecs.lzw_encode(content))
        said, _ = lzw.decode(stream)
        try:
            found = undo_lzw(stream, 1, len(content))
        except UnreadableImage as error:
            assert len(said) < len(content), error
            outcomes["refused"] += 1
        else:
            assert found == said[: len(content)], (seed, stream)
            outcomes["read"] += 1
    assert min(outcomes.values()) > 300


def test_the_codes_of_other_writers() -> None:
    pixels = some_values((300, 200), "u1")
    file, again = io.BytesIO(), io.BytesIO()
    Image.fromarray(pixels).save(file, format="TIFF", compression="tiff_lzw")
    tifffile.imwrite(again, pixels, compression="lzw", rowsperstrip=300)
    assert (whole(file.getvalue()) == pixels).all() and (whole(again.getvalue()) == pixels).all()


def test_a_damaged_strip_is_refused() -> None:
    stream = b"\x80\x3f\xff\xff\xff"
    fields = {"COMPRESSION": 5, "STRIP_BYTES": len(stream)}
    assert refusal(tiff([page(6, 10, 16, **fields)], stream)).found.startswith("a damaged TIFF: LZW: ")
