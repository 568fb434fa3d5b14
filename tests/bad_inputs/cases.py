"""Everything that goes wrong with submissions and data sets, one function a case, and the answer each must get.

Names and reasons are those of a matrix of 113 cases that the usual scripts were tried on: ``lm_`` label maps, ``fd_``
folders, ``gt_`` truth. A function spoils a clean `Site`. Where the matrix leaves a choice, the answer here is the one
that is held.
"""

from __future__ import annotations

import io
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from tests.bad_inputs.clean import (
    DEPTHS,
    FIRST,
    FOUR_BITS,
    HEIGHT,
    ONE_BIT,
    TWO_BITS,
    VOID,
    WIDTH,
    Site,
    prediction,
    truth,
)
from tests.datasets.pngs import GREY, GREY_ALPHA, PALETTE, RGB, RGBA, bomb, chunk, chunks_of, header, join, png


@dataclass(frozen=True)
class Refused:
    """No score: the code of the one fault, or the codes of several, and what the message points at."""

    code: str
    exit: int = 3
    #: End of the path of the file that the first fault names.
    file: str = f"/predictions/{FIRST}.png"
    pixel: tuple[int, int] | None = None
    #: Part of what the first fault advises.
    mend: str = ""


@dataclass(frozen=True)
class Same:
    """The score of the clean submission, with one warning more if one is named."""

    warning: str = ""


@dataclass(frozen=True)
class Scored:
    """A score, of whatever height: the content is odd, yet all of it is legal."""


Answer = Refused | Same | Scored


@dataclass(frozen=True)
class Case:
    """One way to spoil a site, and the answer it must get."""

    spoil: Callable[[Site], None]
    answer: Answer

    def __str__(self) -> str:
        return self.spoil.__name__


def lm_truncated(site: Site) -> None:
    data = site.file().read_bytes()
    site.put(data[: len(data) // 2])


def lm_flipped_pixel_bytes(site: Site) -> None:
    data = bytearray(site.file().read_bytes())
    data[-60] ^= 0xFF
    site.put(bytes(data))


def lm_no_iend(site: Site) -> None:
    site.put(site.file().read_bytes()[:-12])


def lm_bad_crc(site: Site) -> None:
    *start, pixels, end = chunks_of(prediction(FIRST), kind=PALETTE)
    site.put(join(start) + chunk(*pixels, checksum=0) + chunk(*end))


def lm_missing_rows(site: Site) -> None:
    site.put(png(prediction(FIRST), kind=PALETTE, n_rows=HEIGHT - 5))


def lm_zero_bytes(site: Site) -> None:
    site.put(b"")


def lm_text_as_png(site: Site) -> None:
    site.put(b"these are not the labels\n" * 9)


def lm_jpeg_as_png(site: Site) -> None:
    file = io.BytesIO()
    Image.fromarray(prediction(FIRST)).save(file, "JPEG")
    site.put(file.getvalue())


def lm_rgb(site: Site) -> None:
    site.put(png(_voc_colors()[prediction(FIRST)], kind=RGB))


def lm_rgba(site: Site) -> None:
    colors = _voc_colors()[prediction(FIRST)]
    site.put(png(np.dstack([colors, np.full((HEIGHT, WIDTH), 255)]), kind=RGBA))


def lm_rgb_foreign_colours(site: Site) -> None:
    colors = _voc_colors()[prediction(FIRST)]
    colors[5, 6] = (1, 2, 3)
    site.put(png(colors, kind=RGB))


def lm_gray_alpha(site: Site) -> None:
    labels = prediction(FIRST)
    site.put(png(np.dstack([labels, np.full_like(labels, 255)]), kind=GREY_ALPHA))


def lm_gray16_in_range(site: Site) -> None:
    site.put(png(prediction(FIRST), kind=GREY, depth=16))


def lm_gray16_wraps(site: Site) -> None:
    site.put(png(prediction(FIRST).astype(int) + 256, kind=GREY, depth=16))


def lm_1bit(site: Site) -> None:
    site.put(png(prediction(ONE_BIT), kind=GREY, depth=1), ONE_BIT)


def lm_gray2_scaled(site: Site) -> None:
    site.put(png(prediction(TWO_BITS), kind=GREY, depth=2), TWO_BITS)


def lm_gray4_scaled(site: Site) -> None:
    site.put(png(prediction(FOUR_BITS), kind=GREY, depth=4), FOUR_BITS)


def lm_palette_4bit(site: Site) -> None:
    site.put(png(prediction(FOUR_BITS), kind=PALETTE, depth=4), FOUR_BITS)


def lm_palette_remapped(site: Site) -> None:
    site.put_labels(np.random.default_rng(0).permutation(21)[prediction(FIRST)])


def lm_palette_foreign(site: Site) -> None:
    chunks = chunks_of(prediction(FIRST), kind=PALETTE)
    site.put(join([(kind, content[::-1] if kind == b"PLTE" else content) for kind, content in chunks]))


def lm_gray8(site: Site) -> None:
    site.put(png(prediction(FIRST), kind=GREY))


def lm_interlaced(site: Site) -> None:
    site.put(png(prediction(FIRST), kind=PALETTE, interlaced=True))


def lm_larger(site: Site) -> None:
    site.put_labels(np.kron(prediction(FIRST), np.ones((2, 2), int)))


def lm_one_row_short(site: Site) -> None:
    site.put_labels(prediction(FIRST)[:-1])


def lm_transposed(site: Site) -> None:
    site.put_labels(prediction(FIRST).T)


def lm_out_of_range(site: Site) -> None:
    labels = prediction(FIRST)
    labels[7, 9] = labels[30, 2] = 77
    site.put_labels(labels)


def lm_out_of_range_under_void(site: Site) -> None:
    labels = prediction(FIRST)
    labels[0, 3] = 77  # the truth is void in the whole first row
    site.put_labels(labels)


def lm_offset_by_one(site: Site) -> None:
    for key in DEPTHS:
        site.put_labels(prediction(key) + 1, key)


def lm_all_255(site: Site) -> None:
    site.put_labels(np.full((HEIGHT, WIDTH), VOID))


def lm_part_255(site: Site) -> None:
    labels, right = prediction(FIRST), truth(FIRST)
    labels[labels != right] = VOID
    site.put_labels(labels)


def lm_255_under_void(site: Site) -> None:
    labels = prediction(FIRST)
    labels[0, 0] = VOID
    site.put_labels(labels)


def lm_zero_width(site: Site) -> None:
    site.put(join([header(HEIGHT, 0), *chunks_of(prediction(FIRST))[1:]]))


def lm_header_huge(site: Site) -> None:
    site.put(join([header((1 << 31) - 1, (1 << 31) - 1), *chunks_of(prediction(FIRST))[1:]]))


def lm_header_wide(site: Site) -> None:
    site.put(join([header(1, (1 << 31) - 1), *chunks_of(prediction(FIRST))[1:]]))


def lm_second_header(site: Site) -> None:
    first, *rest = chunks_of(prediction(FIRST))
    site.put(join([first, header(20_000, 20_000), *rest]))


def lm_bomb_20000(site: Site) -> None:
    site.put(bomb(20_000, 20_000))


def lm_bomb_12000(site: Site) -> None:
    site.put(bomb(12_000, 12_000))


def lm_text_chunk_bomb(site: Site) -> None:
    large = bomb(8_000, 8_000)  # its pixels serve as a stream of 64 MB
    text = b"comment\0\0" + large[large.index(b"IDAT") + 4 : -16]
    site.put(png(prediction(FIRST), kind=PALETTE, extra=[(b"zTXt", text)]))


def lm_animated(site: Site) -> None:
    site.put(png(prediction(FIRST), kind=PALETTE, extra=[(b"acTL", b"\0\0\0\2\0\0\0\0")]))


def fd_missing_one(site: Site) -> None:
    site.file().unlink()


def fd_empty(site: Site) -> None:
    for key in DEPTHS:
        site.file(key).unlink()


def fd_no_such_folder(site: Site) -> None:
    site.predictions.rename(site.folder / "elsewhere")


def fd_a_file(site: Site) -> None:
    site.predictions.rename(site.folder / "elsewhere")
    site.predictions.write_bytes(b"results")


def fd_extra_png(site: Site) -> None:
    site.add("2007_999999.png", b"not even read")


def fd_extra_text(site: Site) -> None:
    site.add("README.txt")


def fd_many_files(site: Site) -> None:
    for i in range(2000):
        site.add(f"{i}.txt")


def fd_upper_ext(site: Site) -> None:
    site.file().rename(site.predictions / f"{FIRST}.PNG")


def fd_upper_stem(site: Site) -> None:
    site.file(ONE_BIT).rename(site.predictions / "CAF\u00c9.png")


def fd_nfd_name(site: Site) -> None:
    site.file(ONE_BIT).rename(site.predictions / "cafe\u0301.png")


def fd_dup_case(site: Site) -> None:
    site.add(f"{FIRST}.PNG", site.file().read_bytes())


def fd_dup_ext(site: Site) -> None:
    site.add(f"{FIRST}.npy")


def fd_non_utf8_name(site: Site) -> None:
    site.add(b"caf\xe9.png")


def fd_terminal_escape_name(site: Site) -> None:
    site.add("\x1b]0;owned\x07\x1b[31m\x9b2J\u202egnp.png")


def fd_newline_name(site: Site) -> None:
    site.add("a\nsegbench: all is well\r.png")


def fd_html_name(site: Site) -> None:
    site.add("<img src=x onerror=alert(1)>.png")


def fd_long_name(site: Site) -> None:
    site.add("x" * 251 + ".png")


def fd_nested(site: Site) -> None:
    site.predictions.rename(site.folder / "inner")
    (site.predictions / "results").mkdir(parents=True)
    (site.folder / "inner").rename(site.predictions / "results/comp5_test_cls")


def fd_macosx_junk(site: Site) -> None:
    (site.predictions / "__MACOSX").mkdir()
    for name in (f"__MACOSX/._{FIRST}.png", f"__MACOSX/{FIRST}.png", f"._{FIRST}.png", ".DS_Store", "Thumbs.db"):
        site.add(name)


def fd_dir_named_png(site: Site) -> None:
    site.file().unlink()
    site.file().mkdir()


def fd_fifo(site: Site) -> None:
    site.file().unlink()
    os.mkfifo(site.file())


def fd_socket(site: Site) -> None:
    site.file().unlink()
    here = os.open(".", os.O_RDONLY)
    try:  # the path of a socket may be no longer than 107 bytes
        os.chdir(site.predictions)
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(f"{FIRST}.png")
    finally:
        os.fchdir(here)
        os.close(here)


def fd_symlink_loop(site: Site) -> None:
    (site.predictions / "loop").symlink_to(site.predictions, target_is_directory=True)


def fd_symlink_self(site: Site) -> None:
    site.file().unlink()
    site.file().symlink_to(site.file())


def fd_symlink_dangling(site: Site) -> None:
    site.file().unlink()
    site.file().symlink_to(site.folder / "gone.png")


def fd_symlink_device(site: Site) -> None:
    site.file().unlink()
    site.file().symlink_to("/dev/zero")


def fd_symlink_to_gt(site: Site) -> None:
    site.file().unlink()
    site.file().symlink_to(site.truth_file())


def fd_symlinked_folder_of_gt(site: Site) -> None:
    site.file().unlink()
    (site.predictions / "more").symlink_to(site.truth_file().parent, target_is_directory=True)


def gt_label_40(site: Site) -> None:
    labels = truth(FIRST)
    labels[3, 4] = 40
    site.truth_file().write_bytes(png(labels, kind=PALETTE))


def gt_one_all_void(site: Site) -> None:
    site.truth_file(TWO_BITS).write_bytes(png(np.full((HEIGHT, WIDTH), VOID)))


def gt_all_void(site: Site) -> None:
    for key in DEPTHS:
        site.truth_file(key).write_bytes(png(np.full((HEIGHT, WIDTH), VOID)))


def gt_one_pixel_changed(site: Site) -> None:
    labels = truth(FIRST)
    labels[20, 20] = (labels[20, 20] + 1) % 21
    site.truth_file().write_bytes(png(labels, kind=PALETTE))


def gt_listed_file_missing(site: Site) -> None:
    site.truth_file().unlink()


def gt_truncated(site: Site) -> None:
    data = site.truth_file().read_bytes()
    site.truth_file().write_bytes(data[: len(data) // 2])


def gt_damaged_and_one_prediction_missing(site: Site) -> None:
    site.file(FOUR_BITS).unlink()
    gt_truncated(site)


def gt_duplicate_line(site: Site) -> None:
    _relist(site, lambda text: f"{text}{FIRST}\n".encode())


def gt_up_in_list(site: Site) -> None:
    _relist(site, lambda text: f"{text}..\n".encode())


def gt_paths_in_list(site: Site) -> None:
    # Only the last part of a path counts, as the lists of SegNet need: nothing is ever read from elsewhere.
    _relist(site, lambda text: text.replace("2007", "../../../../etc/2007").encode())


def gt_empty_list(site: Site) -> None:
    _relist(site, lambda text: b"\n\n")


def gt_binary_list(site: Site) -> None:
    _relist(site, lambda text: b"\x89PNG\xff\xfe")


def gt_crlf_list(site: Site) -> None:
    _relist(site, lambda text: text.replace("\n", "\r\n").encode())


def gt_list_with_byte_order_mark(site: Site) -> None:
    _relist(site, lambda text: text.encode("utf-8-sig"))


def gt_no_list(site: Site) -> None:
    site.list.unlink()


def gt_nowhere(site: Site) -> None:
    site.root.rename(site.folder / "elsewhere")


def _relist(site: Site, change: Callable[[str], bytes]) -> None:
    site.list.write_bytes(change(site.list.read_text("utf-8")))


def _voc_colors() -> np.ndarray:
    """Return the colours of VOC by the rule of VOClabelcolormap.m: bits of the index, three at a time."""
    bits = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)[:, ::-1].astype(int)
    channels = [sum(bits[:, 3 * i + c] << (7 - i) for i in range(3) if 3 * i + c < 8) for c in range(3)]
    return np.stack(channels, axis=1)


_LIST = "/ImageSets/Segmentation/val.txt"
_TRUTH = f"/SegmentationClass/{FIRST}.png"
_PART = np.argwhere(prediction(FIRST) != truth(FIRST))[0]
_LEFT_OVER = "1 file belongs to no image"

CASES = (
    Case(lm_truncated, Refused("unreadable-image")),
    Case(lm_flipped_pixel_bytes, Refused("unreadable-image")),
    Case(lm_no_iend, Same()),
    Case(lm_bad_crc, Refused("unreadable-image")),
    Case(lm_missing_rows, Refused("unreadable-image")),
    Case(lm_zero_bytes, Refused("unreadable-image")),
    Case(lm_text_as_png, Refused("unreadable-image")),
    Case(lm_jpeg_as_png, Refused("unreadable-image", mend="PNG")),
    Case(lm_rgb, Same("RGB")),
    Case(lm_rgba, Refused("unreadable-image")),
    Case(lm_rgb_foreign_colours, Refused("stray-label", pixel=(5, 6))),
    Case(lm_gray_alpha, Refused("unreadable-image")),
    Case(lm_gray16_in_range, Same()),
    Case(lm_gray16_wraps, Refused("stray-label", pixel=(0, 0))),
    Case(lm_1bit, Same()),
    Case(lm_gray2_scaled, Same()),
    Case(lm_gray4_scaled, Same()),
    Case(lm_palette_4bit, Same()),
    Case(lm_palette_remapped, Scored()),
    Case(lm_palette_foreign, Same()),
    Case(lm_gray8, Same()),
    Case(lm_interlaced, Same()),
    Case(lm_larger, Refused("shape-mismatch")),
    Case(lm_one_row_short, Refused("shape-mismatch")),
    Case(lm_transposed, Refused("shape-mismatch", mend="transposed?")),
    Case(lm_out_of_range, Refused("stray-label", pixel=(7, 9))),
    Case(lm_out_of_range_under_void, Refused("stray-label", pixel=(0, 3))),
    Case(lm_offset_by_one, Refused("stray-label", pixel=tuple(np.argwhere(prediction(FIRST) == 20)[0].tolist()))),
    Case(lm_all_255, Refused("void-prediction", pixel=(0, 0))),
    Case(lm_part_255, Refused("void-prediction", pixel=tuple(_PART.tolist()))),
    Case(lm_255_under_void, Refused("void-prediction", pixel=(0, 0))),
    Case(lm_zero_width, Refused("unreadable-image")),
    Case(lm_header_huge, Refused("shape-mismatch")),
    Case(lm_header_wide, Refused("shape-mismatch")),
    Case(lm_second_header, Refused("unreadable-image")),
    Case(lm_bomb_20000, Refused("shape-mismatch")),
    Case(lm_bomb_12000, Refused("shape-mismatch")),
    Case(lm_text_chunk_bomb, Refused("unreadable-image")),
    Case(lm_animated, Refused("unreadable-image")),
    Case(fd_missing_one, Refused("missing-prediction")),
    Case(fd_empty, Refused("missing-prediction " * 4)),
    Case(fd_no_such_folder, Refused("submission-error", file="/predictions")),
    Case(fd_a_file, Refused("submission-error", file="/predictions")),
    Case(fd_extra_png, Same(_LEFT_OVER)),
    Case(fd_extra_text, Same(_LEFT_OVER)),
    Case(fd_many_files, Same("2000 files belong to no image")),
    Case(fd_upper_ext, Same()),
    Case(fd_upper_stem, Refused("missing-prediction", file=f"/{ONE_BIT}.png", mend="'CAF\u00c9.png' meant?")),
    Case(fd_nfd_name, Same()),
    Case(fd_dup_case, Refused("duplicate-prediction")),
    Case(fd_dup_ext, Refused("duplicate-prediction", file=f"/{FIRST}.npy")),
    Case(fd_non_utf8_name, Same(_LEFT_OVER)),
    Case(fd_terminal_escape_name, Same(_LEFT_OVER)),
    Case(fd_newline_name, Same(_LEFT_OVER)),
    Case(fd_html_name, Same(_LEFT_OVER)),
    Case(fd_long_name, Same(_LEFT_OVER)),
    Case(fd_nested, Same()),
    Case(fd_macosx_junk, Same()),
    Case(fd_dir_named_png, Refused("missing-prediction")),
    Case(fd_fifo, Refused("unreadable-image")),
    Case(fd_socket, Refused("unreadable-image")),
    Case(fd_symlink_loop, Same(_LEFT_OVER)),
    Case(fd_symlink_self, Refused("unreadable-image")),
    Case(fd_symlink_dangling, Refused("unreadable-image")),
    Case(fd_symlink_device, Refused("unreadable-image")),
    Case(fd_symlink_to_gt, Refused("unreadable-image")),
    Case(fd_symlinked_folder_of_gt, Refused("missing-prediction")),
    Case(gt_label_40, Refused("dataset-error", 4, _TRUTH, pixel=(3, 4))),
    Case(gt_one_all_void, Scored()),
    Case(gt_all_void, Refused("dataset-error", 4, "/VOC2012")),
    Case(gt_one_pixel_changed, Scored()),
    Case(gt_listed_file_missing, Refused("dataset-error", 4, _TRUTH)),
    Case(gt_truncated, Refused("dataset-error", 4, _TRUTH)),
    Case(gt_damaged_and_one_prediction_missing, Refused("dataset-error missing-prediction", 4, _TRUTH)),
    Case(gt_duplicate_line, Refused("dataset-error", 4, _LIST)),
    Case(gt_up_in_list, Refused("dataset-error", 4, _LIST)),
    Case(gt_paths_in_list, Same()),
    Case(gt_empty_list, Refused("dataset-error", 4, _LIST)),
    Case(gt_binary_list, Refused("dataset-error", 4, _LIST)),
    Case(gt_crlf_list, Same()),
    Case(gt_list_with_byte_order_mark, Same()),
    Case(gt_no_list, Refused("dataset-error", 4, _LIST)),
    Case(gt_nowhere, Refused("dataset-error", 4, "/VOC2012")),
)
