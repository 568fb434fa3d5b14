"""LZW as TIFF 6.0 (section 13) words it, code by code."""

from __future__ import annotations

CLEAR, END = 256, 257
MOST_CODES = 4096


def decode(stream: bytes) -> tuple[bytes, bool]:
    """Return what a stream says up to its end or to the first code without a meaning, and whether there was one."""
    bits = "".join(f"{byte:08b}" for byte in stream)
    table: list[bytes] = []
    at, said, previous = 0, bytearray(), b""
    while True:
        # Codes become longer one code before the table needs it.
        width = max(9, min(12, (len(table) + 1).bit_length()))
        if at + width > len(bits):
            return bytes(said), False
        code = int(bits[at : at + width], 2)
        at += width
        if code == END:
            return bytes(said), False
        if code == CLEAR:
            table, previous = [bytes([i]) for i in range(256)] + [b"", b""], b""
            continue
        if not table:
            return bytes(said), True
        if not previous:
            if code > END:
                return bytes(said), True
            found = table[code]
        elif code < len(table):
            found = table[code]
            table.append(previous + found[:1])
        elif code == len(table):
            found = previous + previous[:1]
            table.append(found)
        else:
            return bytes(said), True
        said += found
        previous = found
