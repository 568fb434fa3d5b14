"""The mistakes people really make are named, and nothing is named that is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import segbench
from segbench.errors import Refusal, SegbenchError
from segbench.protocols.protocol import Protocol
from segbench.scoring import hints
from tests.bad_inputs.clean import Site, build, prediction
from tests.datasets.pngs import PALETTE, png

Map = np.ndarray
VOC = segbench.load_protocol("voc")
CITY = segbench.load_protocol("cityscapes")
ADE = segbench.load_protocol("ade20k")


def block_truth(ids: list[int], seed: int = 0) -> Map:
    rng = np.random.default_rng(seed)
    return np.kron(rng.choice(ids, (6, 8)), np.ones((8, 8), int)).astype(np.uint8)


def outcome(tmp_path: Path, dataset: str, truth: Map, predicted: Map) -> segbench.Result:
    for name, labels in (("truth", truth), ("predictions", predicted)):
        (tmp_path / name).mkdir()
        Image.fromarray(labels.astype(np.uint8)).save(tmp_path / name / "a.png")
    return segbench.score(tmp_path / "predictions", dataset=dataset, truth=tmp_path / "truth")


def refused(tmp_path: Path, dataset: str, truth: Map, predicted: Map) -> SegbenchError:
    with pytest.raises(SegbenchError) as caught:
        outcome(tmp_path, dataset, truth, predicted)
    return caught.value


def test_a_binary_mask(tmp_path: Path) -> None:
    truth = block_truth([0, 1])
    assert "0/255 mask" in refused(tmp_path, "voc", truth, truth * 255).mend


def test_every_label_one_too_high_is_refused_with_a_hint(tmp_path: Path) -> None:
    truth = block_truth(list(range(1, 151)))
    truth[0] = 150
    assert "one too high" in refused(tmp_path, "ade20k", truth, truth + 1).mend


def test_every_label_one_too_low_is_warned_of(tmp_path: Path) -> None:
    truth = block_truth(list(range(1, 151)))
    warnings = outcome(tmp_path, "ade20k", truth, truth - 1).warnings
    assert [w for w in warnings if "in 100 % of the pixels when every label is raised by one" in w]


def test_train_ids_without_a_stray(tmp_path: Path) -> None:
    truth = block_truth([7, 8, 11, 26])
    predicted = np.vectorize({7: 0, 8: 1, 11: 2, 26: 13}.get)(truth)
    warnings = hints.on_table(table_of(CITY, truth, predicted), CITY)
    assert [w for w in warnings if "--input trainids" in w]


def test_train_ids_with_a_stray() -> None:
    assert "--input trainids" in hints.on_values({0, 1, 13, 255}, CITY)


def test_255_where_it_is_no_id() -> None:
    assert "255 is no id here (void is 0)" in hints.on_values({1, 2, 255}, ADE)


def test_the_copied_void_border(tmp_path: Path) -> None:
    truth = block_truth([0, 3, 5])
    truth[:, ::9] = 255
    assert "void border" in refused(tmp_path, "voc", truth, truth).mend


def table_of(protocol: Protocol, truth: Map, predicted: Map) -> Map:
    code = {value: i for i, value in enumerate(protocol.space.columns)}
    table = np.zeros((len(code), len(code) + 1), np.int64)
    for t, p in zip(truth.flat, predicted.flat, strict=True):
        table[code[int(t)], code[int(p)]] += 1
    return table


@pytest.mark.parametrize("protocol", [VOC, ADE, CITY], ids=lambda protocol: protocol.name)
def test_a_fair_prediction_gets_no_hint(protocol: Protocol) -> None:
    rng = np.random.default_rng(0)
    ids = [c.id for c in protocol.space.evaluated]
    for quality in (0.0, 0.3, 0.6, 1.0):
        truth = rng.choice(ids, 4000)
        predicted = np.where(rng.random(4000) < quality, truth, rng.choice(ids, 4000))
        assert hints.on_table(table_of(protocol, truth, predicted), protocol) == []


def test_an_odd_value_gets_no_hint_that_does_not_fit() -> None:
    assert hints.on_values({0, 3, 77}, VOC) == ""


def spoil_colors(order: Callable[[Map], Map]) -> Callable[[Site], None]:
    def spoil(site: Site) -> None:
        colors = np.array([c.color for c in VOC.space.classes], np.uint8)
        for key in ("2007_000033", "2007_000042"):
            Image.fromarray(order(colors[prediction(key)])).save(site.file(key))

    return spoil


def test_colours_in_the_order_of_opencv(tmp_path: Path) -> None:
    site = build(tmp_path)
    colors = {c.color for c in VOC.space.classes}
    spoil_colors(lambda rgb: np.ascontiguousarray(rgb[..., ::-1]))(site)
    if all(color[::-1] in colors for color in colors):
        pytest.fail("the table reads the same both ways, so nothing is tested")
    with pytest.raises(SegbenchError) as caught:
        segbench.score(site.predictions, dataset="voc", data_root=site.root)
    assert [fault for fault in caught.value.faults if "BGR" in fault.mend]


def test_colours_in_the_right_order_are_read_with_a_warning(tmp_path: Path) -> None:
    site = build(tmp_path)
    before = segbench.score(site.predictions, dataset="voc", data_root=site.root)
    spoil_colors(lambda rgb: rgb)(site)
    after = segbench.score(site.predictions, dataset="voc", data_root=site.root)
    assert "2 predictions are RGB and were read by the data set's colours" in after.warnings
    assert repr(before.scores) == repr(after.scores)


def test_a_palette_in_another_order_is_warned_of(tmp_path: Path) -> None:
    site = build(tmp_path)
    labels = prediction("2007_000033")
    order = np.random.default_rng(0).permutation(21)
    colors = np.array([c.color for c in VOC.space.classes], np.uint8)
    image = Image.fromarray(np.argsort(order)[labels].astype(np.uint8))
    image.putpalette(colors[order].tobytes())
    image.save(site.file("2007_000033"))
    warnings = segbench.score(site.predictions, dataset="voc", data_root=site.root).warnings
    assert [w for w in warnings if w.startswith("1 prediction has a palette whose colours stand for other classes")]


@pytest.mark.parametrize(
    ("n", "said"),
    [(1, "leaves out 1 pixel that is predicted void"), (2, "leaves out 2 pixels that are predicted void")],
)
def test_one_is_said_otherwise_than_two(tmp_path: Path, n: int, said: str) -> None:
    predicted = block_truth([0, 1])
    predicted.flat[:n] = 11
    warnings = outcome(tmp_path, "camvid", block_truth([0, 1]), predicted).warnings
    assert [warning for warning in warnings if said in warning]


def test_a_foreign_palette_is_nothing_to_warn_of(tmp_path: Path) -> None:
    site = build(tmp_path)
    site.put(png(prediction("2007_000033"), kind=PALETTE))
    warnings = segbench.score(site.predictions, dataset="voc", data_root=site.root).warnings
    assert not [w for w in warnings if "palette" in w]


def test_the_wrong_split(tmp_path: Path) -> None:
    site = build(tmp_path)
    lists = site.root / "ImageSets/Segmentation"
    (lists / "train.txt").write_text("".join(f"other_{i}\n" for i in range(6)))
    for i in range(6):
        site.add(f"other_{i}.png", png(prediction("2007_000033"), kind=PALETTE))
    for key in ("2007_000033", "2007_000042", "2007_000061"):
        site.file(key).unlink()
    with pytest.raises(Refusal) as caught:
        segbench.score(site.predictions, dataset="voc", data_root=site.root)
    assert {fault.mend for fault in caught.value.faults} == {
        "are these the predictions of the split train? score them with --split train"
    }
