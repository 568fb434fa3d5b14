"""Thousands of ways to damage a PNG file, each drawn from a seed."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable, Mapping

from tests.datasets.pngs import Chunk, chunk, join

Damage = Callable[[list[Chunk], random.Random], bytes]

#: Kinds Pillow treats in code of its own, one it does not know, and some that are no kind at all.
KINDS = (
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"pHYs", b"tEXt", b"zTXt", b"iTXt", b"iCCP",
    b"eXIf", b"acTL", b"fcTL", b"fdAT", b"DDAT", b"juNk", b"\0\0\0\0", b"\xff\xfe\xfd\xfc", b"a b1",
)  # fmt: skip

_EIGHT_MEGABYTES = zlib.compress(bytes(8 << 20))


def truncated(chunks: list[Chunk], dice: random.Random) -> bytes:
    data = join(chunks)
    return data[: dice.randrange(len(data))]


def flipped_bytes(chunks: list[Chunk], dice: random.Random) -> bytes:
    data = bytearray(join(chunks))
    for _ in range(dice.randint(1, 3)):
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    return bytes(data)


def changed_content(chunks: list[Chunk], dice: random.Random) -> bytes:
    """Change bytes inside a chunk and put its checksum right, so that the damage gets further in."""
    i = dice.choice([i for i, (_, content) in enumerate(chunks) if content])
    kind, content = chunks[i]
    changed = bytearray(content)
    for _ in range(dice.randint(1, 4)):
        changed[dice.randrange(len(changed))] = dice.randrange(256)
    return join([*chunks[:i], (kind, bytes(changed)), *chunks[i + 1 :]])


def wrong_checksum(chunks: list[Chunk], dice: random.Random) -> bytes:
    i = dice.randrange(len(chunks))
    return join(chunks[:i]) + chunk(*chunks[i], checksum=dice.getrandbits(32)) + join(chunks[i + 1 :])[8:]


def wrong_length(chunks: list[Chunk], dice: random.Random) -> bytes:
    i = dice.randrange(len(chunks))
    kind, content = chunks[i]
    length = dice.choice([0, 1, len(content) - 1, len(content) + 1, 1 << 16, (1 << 31) - 1, (1 << 32) - 1])
    wrong = struct.pack(">I", max(length, 0)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    return join(chunks[:i]) + wrong + join(chunks[i + 1 :])[8:]


def added_chunks(chunks: list[Chunk], dice: random.Random) -> bytes:
    for _ in range(dice.randint(1, 3)):
        content = dice.choice([b"", dice.randbytes(dice.randint(1, 40)), _text(dice), bytes(dice.randint(1, 40))])
        # Anywhere from before the header to behind the end.
        at = dice.randint(0, len(chunks))
        chunks = [*chunks[:at], (dice.choice(KINDS), content), *chunks[at:]]
    return join(chunks)


def shuffled_chunks(chunks: list[Chunk], dice: random.Random) -> bytes:
    first, second = dice.randrange(len(chunks)), dice.randrange(len(chunks))
    chunks = list(chunks)
    match dice.randrange(3):
        case 0:
            chunks[first], chunks[second] = chunks[second], chunks[first]
        case 1:
            del chunks[first]
        case _:
            chunks.insert(second, chunks[first])
    return join(chunks)


def other_header(chunks: list[Chunk], dice: random.Random) -> bytes:
    """Change the header only: huge and zero sizes, unknown depths, kinds, filters and interlacings."""
    (_, content), rest = chunks[0], chunks[1:]
    width, height, depth, kind, *methods = struct.unpack(">IIBBBBB", content)
    sizes = [0, 1, width, height, width + 1, height - 1, 20_000, 1 << 20, (1 << 31) - 1, 1 << 31, (1 << 32) - 1]
    depth, kind = dice.choice([depth, dice.choice([0, 1, 2, 3, 4, 8, 16, 32])]), dice.choice([kind, dice.randrange(8)])
    methods = [dice.choice([method, dice.randrange(3)]) for method in methods]
    changed = struct.pack(">IIBBBBB", dice.choice(sizes), dice.choice(sizes), depth, kind, *methods)
    return join([(b"IHDR", changed[: dice.choice([13, 13, 13, 12, 0])]), *rest])


def two_headers(chunks: list[Chunk], dice: random.Random) -> bytes:
    (_, content), *rest = chunks
    width, height, depth, kind, *methods = struct.unpack(">IIBBBBB", content)
    second = struct.pack(
        ">IIBBBBB", dice.choice([width, 1, 20_000]), dice.choice([height, 1]), dice.choice([depth, 8]),
        dice.choice([kind, 0, 2, 3]), *methods,
    )  # fmt: skip
    at = dice.randint(0, len(rest))
    return join([chunks[0], *rest[:at], (b"IHDR", second), *rest[at:]])


def compressed_bomb(chunks: list[Chunk], dice: random.Random) -> bytes:
    """Add text or a colour profile that unpacks to eight megabytes."""
    kind, content = dice.choice([(b"zTXt", b"k\0\0"), (b"iCCP", b"k\0\0"), (b"iTXt", b"k\0\1\0\0\0")])
    at = dice.randint(1, len(chunks) - 1)
    return join([*chunks[:at], (kind, content + _EIGHT_MEGABYTES), *chunks[at:]])


def _text(dice: random.Random) -> bytes:
    return b"key\0" + bytes([dice.randrange(2)]) + zlib.compress(b"text" * dice.randrange(50))


#: By name, and how many are drawn of each.
DAMAGES: Mapping[str, tuple[Damage, int]] = {
    damage.__name__: (damage, n)
    for damage, n in (
        (truncated, 600),
        (flipped_bytes, 900),
        (changed_content, 900),
        (wrong_checksum, 150),
        (wrong_length, 200),
        (added_chunks, 1500),
        (shuffled_chunks, 250),
        (other_header, 1200),
        (two_headers, 200),
        (compressed_bomb, 40),
    )
}
