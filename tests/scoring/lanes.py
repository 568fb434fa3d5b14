"""Data sets and submissions that the fast lane of scoring takes whole, in part or not at all.

Each site is a function that fills a folder. It says how many images the fast lane is to take when one worker counts.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.datasets import shapes
from segbench.protocols.load import load_protocol
from tests.bad_inputs.clean import FIRST, build, prediction
from tests.datasets.packing import packed
from tests.datasets.pngs import PALETTE, RGB, chunks_of, join, png
from tests.scoring.test_ways_in import write_city
from tests.scoring.trees import VOID, some_prediction, some_truth, write

N = 30
KEYS = tuple(f"im{i:02}" for i in range(N))

#: Bytes of a file beside four for each pixel that the careful way reads at most.
MOST_BESIDE = 1 << 20


@dataclass(frozen=True)
class Site:
    """A submission, and how it is to be scored.

    Parameters
    ----------
    predictions : Path
        The submission.
    taken : int
        Images that the fast lane counts.
    options : mapping
        What `score` is given beside.
    refused : str
        Codes of the faults, one after the other; empty where there is a score.
    """

    predictions: Path
    taken: int
    options: Mapping[str, Any] = field(default_factory=dict)
    refused: str = ""


def labels_of(key: str) -> NDArray[np.uint8]:
    """Return the prediction of an image."""
    return some_prediction(some_truth(KEYS))[key]


def sound(folder: Path, taken: int = N, refused: str = "", **options: Any) -> Site:
    """Write a submission without a fault, every other file with a palette, to be spoilt by the caller."""
    truth = some_truth(KEYS)
    write(folder / "truth", truth)
    write(folder / "predictions", some_prediction(truth))
    for key in KEYS[::2]:
        (folder / f"predictions/{key}.png").write_bytes(png(labels_of(key), kind=PALETTE))
    return Site(folder / "predictions", taken, {"dataset": "shapes", "truth": folder / "truth", **options}, refused)


def put(site: Site, files: Mapping[str, bytes]) -> Site:
    for key, data in files.items():
        (site.predictions / f"{key}.png").write_bytes(data)
    return site


def unclaimed_files(folder: Path) -> Site:
    return put(sound(folder), {"none": b"", "zz": b"no png"})


def unclaimed_files_are_faults(folder: Path) -> Site:
    return put(sound(folder, refused="unclaimed-file unclaimed-file", strict=True), {"none": b"", "zz": b"no png"})


def stray_values(folder: Path) -> Site:
    site = sound(folder, N - 3, "stray-label " * 3)
    for value, key in zip((7, 99, 254), KEYS[4:7], strict=True):
        put(site, {key: png(np.where(labels_of(key) == 1, value, labels_of(key)))})
    return site


def stray_values_in_the_truth(folder: Path) -> Site:
    site = sound(folder, N - 1, "dataset-error")
    write(folder / "truth", {KEYS[9]: np.full((9, 14), 77)})
    return site


def damaged_files(folder: Path) -> Site:
    site = sound(folder, N - 4, "unreadable-image " * 4)
    good = [png(labels_of(key)) for key in KEYS]
    head, *rest = chunks_of(labels_of(KEYS[2]), kind=PALETTE)
    two_headers = join([head, head, *rest])
    wrong_checksum = good[1][:-1] + bytes([good[1][-1] ^ 1])
    put(site, {KEYS[0]: good[0][:-20], KEYS[1]: wrong_checksum, KEYS[2]: two_headers})
    return put(site, {KEYS[20]: png(labels_of(KEYS[20]), n_rows=5)})


def damaged_truth(folder: Path) -> Site:
    site = sound(folder, N - 2, "dataset-error dataset-error")
    for key in (KEYS[3], KEYS[29]):
        path = folder / f"truth/{key}.png"
        path.write_bytes(path.read_bytes()[:-20])
    return site


def every_fault_at_once(folder: Path) -> Site:
    codes = "unreadable-image missing-prediction stray-label dataset-error shape-mismatch unreadable-image"
    site = sound(folder, N - 7, f"{codes} unreadable-image")
    put(site, {KEYS[2]: png(labels_of(KEYS[2]))[:-30], KEYS[9]: png(np.full((9, 14), 8))})
    (site.predictions / f"{KEYS[5]}.png").unlink()
    write(folder / "truth", {KEYS[11]: np.full((9, 14), 77)})
    put(site, {KEYS[12]: png(labels_of(KEYS[12]).T), KEYS[15]: b""})
    return put(site, {KEYS[28]: png(labels_of(KEYS[28]), n_rows=2)})


def links_pipes_and_folders(folder: Path) -> Site:
    site = sound(folder, N - 3, "unreadable-image " * 3)
    paths = [site.predictions / f"{key}.png" for key in KEYS[:3]]
    for path in paths:
        path.unlink()
    paths[0].symlink_to(folder / f"truth/{KEYS[0]}.png")
    os.mkfifo(paths[1])
    paths[2].symlink_to("/dev/zero")
    return site


def links_in_the_truth(folder: Path) -> Site:
    site = sound(folder)
    (folder / "truth").rename(folder / "real")
    (folder / "truth").mkdir()
    for key in KEYS:
        (folder / f"truth/{key}.png").symlink_to(folder / f"real/{key}.png")
    return site


def colors(keys: Iterable[str], site: Site) -> Site:
    """Put RGB files in the colours of `shapes` in the place of some."""
    table = np.zeros((256, 3), np.uint8)
    for color, value in load_protocol("shapes").colors.items():
        table[value] = color
    return put(site, {key: png(table[labels_of(key)], kind=RGB) for key in keys})


def rgb_among_palettes(folder: Path) -> Site:
    return colors(KEYS[5:9], sound(folder, N - 4))


def other_palette(folder: Path) -> Site:
    site = sound(folder)
    for key in KEYS[3:12]:
        palette = np.roll(shapes.palette(), 1 if key < KEYS[8] else 0, axis=0)
        head, _, *rest = chunks_of(labels_of(key) % 6 + 1, kind=PALETTE)
        put(site, {key: join([head, (b"PLTE", palette.astype(np.uint8).tobytes()), *rest])})
    return site


def other_kinds(folder: Path) -> Site:
    few = np.minimum(labels_of(KEYS[0]), 3)
    return put(sound(folder, N - 5), {
        KEYS[0]: png(few, depth=2), KEYS[1]: png(labels_of(KEYS[1]) % 7, depth=4, kind=PALETTE),
        KEYS[2]: png(labels_of(KEYS[2]), depth=16), KEYS[13]: png(labels_of(KEYS[13]), interlaced=True),
        KEYS[14]: png(labels_of(KEYS[14]), extra=[(b"zTXt", b"k\0\0")]), KEYS[15]: png(labels_of(KEYS[15]), parts=5),
    })  # fmt: skip


def missing_files(folder: Path) -> Site:
    site = sound(folder, N - 3, missing="miss")
    for key in (KEYS[3], KEYS[17], KEYS[18]):
        (site.predictions / f"{key}.png").unlink()
    return site


def other_sizes(folder: Path) -> Site:
    site = sound(folder, 0, resize="nearest")
    return put(site, {key: png(labels_of(key)[::2, ::2]) for key in KEYS[:12]})


def other_sizes_are_faults(folder: Path) -> Site:
    site = sound(folder, N - 2, "shape-mismatch shape-mismatch")
    return put(site, {KEYS[4]: png(labels_of(KEYS[4])[:, :3]), KEYS[25]: png(labels_of(KEYS[25]).T)})


def shard(folder: Path) -> Site:
    return sound(folder, N // 3, shard="2/3")


def slices(folder: Path) -> Site:
    return colors(KEYS[2:4], sound(folder, N - 2, slices={"odd": KEYS[1::2], "few": KEYS[2:4]}))


def metrics_of_every_pool(folder: Path) -> Site:
    metrics = ["mean_iou(pool=image)", "mean_dice(pool=class_then_image)", "mean_precision(classes=foreground)"]
    return colors(KEYS[8:10], sound(folder, N - 2, metrics=metrics))


def names_of_every_kind(folder: Path) -> Site:
    written = {"café": "cafe\u0301", "новый/é": "новый/é", "a b/日本": "a b/日本"}
    truth = some_truth(tuple(written))
    write(folder / "truth", truth)
    write(folder / "predictions", {written[key]: labels for key, labels in some_prediction(truth).items()})
    return Site(folder / "predictions", 3, {"dataset": "shapes", "truth": folder / "truth"})


def bytes_behind_the_end(folder: Path) -> Site:
    site = sound(folder)
    return put(site, {key: png(labels_of(key)) + b"whatever" * 9 for key in KEYS[::7]})


def long_files(folder: Path) -> Site:
    """Files as long as the careful way allows: far beyond what the fast lane reads."""
    data, most = png(labels_of(KEYS[0])), 4 * 9 * 14 + MOST_BESIDE
    return put(sound(folder, N - 1), {KEYS[0]: data + bytes(most - len(data))})


def files_that_are_too_long(folder: Path) -> Site:
    data, most = png(labels_of(KEYS[0])), 4 * 9 * 14 + MOST_BESIDE
    return put(sound(folder, N - 1, "submission-error"), {KEYS[0]: data + bytes(most + 1 - len(data))})


def long_truth(folder: Path) -> Site:
    site = sound(folder, N - 1)
    with open(folder / f"truth/{KEYS[1]}.png", "ab") as file:
        file.write(bytes(2 * MOST_BESIDE))
    return site


def voc(folder: Path) -> Site:
    site = build(folder)
    return Site(site.predictions, 4, {"dataset": "voc", "data_root": site.root})


def void_before_the_classes(folder: Path) -> Site:
    """Void is 0 here, and stands behind all classes in the table."""
    rng = np.random.default_rng(0)
    for name in ("truth", "predictions"):
        write(folder / name, {key: rng.integers(name == "predictions", 151, (40, 50)) for key in KEYS[:9]})
    return Site(folder / "predictions", 9, {"dataset": "ade20k", "truth": folder / "truth"})


def void_where_it_is_refused(folder: Path) -> Site:
    site = build(folder)
    site.put_labels(np.where(prediction(FIRST) == 3, VOID, prediction(FIRST)))
    return Site(site.predictions, 3, {"dataset": "voc", "data_root": site.root}, "void-prediction")


def instances(folder: Path) -> Site:
    write_city(folder, np.random.default_rng(0))
    return Site(folder / "predictions", 0, {"dataset": "cityscapes", "data_root": folder})


def archive(kind: str) -> Callable[[Path], Site]:
    def pack(folder: Path) -> Site:
        site = colors(KEYS[8:10], put(sound(folder, N - 2), {"none": b""}))
        return Site(packed(kind, site.predictions, folder), site.taken, site.options)

    pack.__name__ = kind
    return pack


def damaged_member(folder: Path) -> Site:
    """A zip in which one byte behind the end of an image is not what its checksum says."""
    site = bytes_behind_the_end(folder)
    path = packed("stored", site.predictions, folder)
    path.write_bytes(path.read_bytes().replace(b"whatever", b"whatewer", 1))
    return Site(path, N - 1, site.options, "unreadable-image")


SITES = (
    sound, unclaimed_files, unclaimed_files_are_faults, stray_values, stray_values_in_the_truth, damaged_files,
    damaged_truth, every_fault_at_once, links_pipes_and_folders, links_in_the_truth, rgb_among_palettes, other_palette,
    other_kinds, missing_files, other_sizes, other_sizes_are_faults, shard, slices, metrics_of_every_pool,
    names_of_every_kind, bytes_behind_the_end, long_files, files_that_are_too_long, long_truth, voc,
    void_before_the_classes, void_where_it_is_refused, instances, archive("stored"), archive("deflated"),
    archive("tar"), archive("tar_gz"), damaged_member,
)  # fmt: skip
