"""`segbench explain` knows every data set, every metric and every signature, and fits a terminal of 80 columns."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

import segbench
from segbench.cli import explanation, protocol_page
from segbench.errors import BadParameter
from segbench.metrics.instance_scores import Ap
from segbench.metrics.table import METRICS
from segbench.protocols.conventions import COMPARED, CONVENTIONS, MEANINGS
from segbench.protocols.load import DATA, load_protocol, protocol_names
from segbench.result import Signature
from tests.conftest import CommandLine

NAMES = sorted(set(protocol_names().values()))
REAL = (
    "voc2012@1|val|1449|truth:1a2b3c4d|-|-|error|-|"
    "mean_iou(absent=propagate,classes=all,fp_only=count,pool=dataset,void_prediction=error)|segbench:0.1.0"
)


def page(run: CommandLine, *args: str) -> str:
    outcome = run("explain", *args)
    assert outcome.code == 0, outcome.err
    assert "\033" not in outcome.out
    for line in outcome.out.splitlines():
        assert len(line) <= 80, line
        assert line == line.rstrip()
    return " ".join(outcome.out.split())


def test_the_list_names_everything(run: CommandLine) -> None:
    text = page(run)
    for name in NAMES:
        assert f" {name} {load_protocol(name).title}" in text
    for name, cls in METRICS.items():
        assert f" {name} " in text
        assert f"= {cls.formula}" in text


@pytest.mark.parametrize("name", NAMES)
def test_every_data_set_explains(run: CommandLine, name: str) -> None:
    protocol = load_protocol(name)
    text = page(run, name)
    for expected in (protocol.title, protocol.identity, *protocol.source, *protocol.notes, protocol.packing):
        assert " ".join(expected.split()) in text
    # Of instances whose classes the truth names, nothing is known of them here.
    for c in () if protocol.observed and protocol.kind == "instances" else protocol.space.classes:
        assert re.search(rf"\b{c.id} (#[0-9a-f]{{6}} )?{re.escape(c.name)}\b", text)
    for metric in protocol.metrics:
        assert f"{protocol.key(metric)} {metric.formula}" in text
    assert f"* {protocol.primary} " in text
    for split, n in protocol.splits.items():
        assert f"{split} {n or 'any number of'} image{'s' if n != 1 else ''}" in text


@pytest.mark.parametrize("name", NAMES)
def test_aliases_and_versions_mean_the_same(run: CommandLine, name: str) -> None:
    protocol = load_protocol(name)
    for other in (*protocol.aliases, protocol.identity):
        assert page(run, other) == page(run, name)
    assert run("explain", f"{name}@999").code == 2


@pytest.mark.parametrize("convention", [c for c in CONVENTIONS if c.protocol], ids=lambda c: c.name)
def test_a_protocol_follows_the_convention_it_is_named_for(convention: protocol_page.Convention) -> None:
    protocol = load_protocol(convention.protocol)
    assert protocol_page.differences(protocol.metrics[0], convention) == []


def test_differing_cells_are_marked(run: CommandLine) -> None:
    text = page(run, "voc2012")
    assert "voc2012 here 255 error propagate count" in text
    assert "ADE20K devkit 0 miss * zero * count" in text
    assert "detectron2, COCO-Stuff mapped – skip * skip *" in text


def test_every_choice_of_a_policy_has_a_meaning(run: CommandLine) -> None:
    metric = METRICS["mean_iou"]()
    for policy in COMPARED:
        for choice, meaning in MEANINGS[policy].items():
            assert " ".join(meaning.format(void="a void value").split()) in page(run, f"mean_iou({policy}={choice})")
    assert set(COMPARED) <= set(metric.field_names())


def test_colours_only_where_they_are_wanted(run: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    lines = run("explain", "voc").out.splitlines()
    assert "   1  \033[48;2;128;0;0m  \033[0m #800000  aeroplane" in lines
    assert "  id     colour   name" in lines
    for name in NAMES:
        plain = re.sub(r"\033\[[0-9;]*m", "", run("explain", name).out)
        assert all(len(line) <= 80 for line in plain.splitlines())
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\033" not in run("explain", "voc").out


def test_a_protocol_of_ones_own_is_text(run: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(
        'name = "own"\nversion = 1\ntitle = "mine \\u001b[31m"\nmetrics = ["pixel_accuracy"]\ndefault_split = "all"\n'
        'source = ["recalled: from a talk"]\n'
        'classes = [{ id = 1, name = "cat\\u202e", color = [1, 2, 3] }, { id = 2, name = "dog" }]\n'
        '[splits]\nall = 0\n[layout]\ntruth = "{key}.png"\n',
        "utf-8",
    )
    text = page(run, str(path))
    assert "cat\\u202e" in text
    assert "recalled: from a talk" in text
    assert "No value is void" in text
    assert "all any number of images" in text
    assert run("explain", str(path), "--format", "json").record["recalled"] == ["recalled: from a talk"]


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_explains(run: CommandLine, name: str) -> None:
    text = page(run, name)
    assert text.startswith(f"{METRICS[name]()} ")
    assert METRICS[name].formula in text and "``" not in text
    for field in METRICS[name].field_names():
        assert re.search(rf"{field}=\S+ \(the default; ", text)
    record = run("explain", name, "--format", "json").record
    assert all(field["meaning"] and field["choices"] for field in record["fields"].values())


def test_a_metric_says_what_was_changed_and_who_scores_it(run: CommandLine) -> None:
    text = page(run, "mean_iou(absent=zero)")
    assert "absent=zero (default skip; propagate | skip | zero | one)" in text
    assert "voc2012 as mean_iou(absent=propagate,void_prediction=error)" in text
    assert "Everingham" in text


@pytest.mark.parametrize("name", NAMES)
def test_the_record_of_a_data_set_matches_its_protocol(run: CommandLine, name: str) -> None:
    protocol = load_protocol(name)
    record = run("explain", name, "--format", "json").record
    assert [c["name"] for c in record["classes"]] == [c.name for c in protocol.space.classes]
    assert [m["signature"] for m in record["metrics"]] == [m.signature() for m in protocol.metrics]
    assert record["splits"] == dict(protocol.splits)
    # What only metrics of instances have is explained by their own documentation.
    known = {*MEANINGS, "bound", *Ap.field_names()}
    assert set(record["policies"]) <= known and all(record["policies"].values())


@pytest.mark.parametrize("name", NAMES)
def test_what_is_only_recalled_is_said(run: CommandLine, name: str) -> None:
    written = tomllib.loads((DATA / f"{name}.toml").read_text("utf-8"))
    texts = [text for key in ("source", "notes") for text in written.get(key, ())]
    recalled = [text for text in texts if "recalled" in text.lower()]
    assert all(text.startswith("Recalled: ") for text in recalled)
    assert run("explain", name, "--format", "json").record["recalled"] == recalled
    shown = page(run, name)
    assert all(" ".join(text.split()) in shown for text in recalled)


def test_something_is_recalled(run: CommandLine) -> None:
    record = run("explain", "camvid32", "--format", "json").record
    assert record["recalled"][0] == "Recalled: the mean over 31 classes without black"
    assert run("explain", "voc2012", "--format", "json").record["recalled"] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_record_has_the_layouts_of_the_protocol(run: CommandLine, name: str) -> None:
    protocol = load_protocol(name)
    record = run("explain", name, "--format", "json").record
    assert record["kind"] == protocol.kind
    assert record["classes_from"] == (protocol.classes_from or None)
    assert record["keys"] == {split: list(keys) for split, keys in protocol.keys.items()}
    assert {tuple(c["color"]): c["id"] for c in record["colors"]} == protocol.colors
    for layout, shown in zip(protocol.layouts, record["layouts"], strict=True):
        assert shown["splits"] == list(layout.splits or protocol.splits)
        assert (shown["values"], shown["roots"]) == (layout.values, list(layout.roots))
        assert shown["instance_base"] == (layout.instance_base if layout.instances else None)
        kinds = {"truth": layout.truth, "mask": layout.mask, "instance ids": layout.instances, "images": layout.images}
        assert {what for what, pattern in kinds.items() if pattern} <= set(shown["files"].values())
    assert record["files"] == next(
        shown["files"] for shown in record["layouts"] if protocol.default_split in shown["splits"]
    )
    assert bool(record["conventions"]) == (protocol.kind == "labels")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("kitti-semantic", "Classes (19 scored, 15 not), those of cityscapes@1"),
        (
            "drive",
            "not counted, whatever is predicted there. Where the data set has a mask of the image, pixels outside",
        ),
        ("isbi2012", "Only pixels inside the true cells (inside) are counted."),
        ("camvid32-segnet", "Further colours 1 Building #c00080, #008040, #400040, #40c000 2 Pole #000040"),
        ("auc", "Judges maps of probability, p = level / 255, of the second of two classes"),
        ("mean_iiou", "Judges label maps, beside maps of instance ids in the truth"),
        ("v_rand", "Judges maps of the probability of being inside a cell"),
        ("v_rand", "B Σ p² over the predicted cells, of which each pixel on a line is one"),
        ("v_info", "H(S) entropy of the predicted cells"),
        ("auc", "P counted positive pixels of the truth N counted negative pixels of the truth a fraction"),
        ("max_f", "TP positive pixels whose level is the threshold or more FP"),
        ("max_f", "PRE precision, TP / (TP + FP + 1e-10) REC recall, TP / P a fraction"),
        ("mean_iou", "PR counted pixels of the class in the prediction a fraction"),
        ("trimap_accuracy", "TP pixels of the band where truth and prediction are the class GT counted pixels of the"),
        ("trimap_iou", "Judges label maps, inside a narrow band around the boundaries or the void of the truth"),
        ("trimap_iou(band_px=8)", "band_px=8 (default 4; a number) Width of the band in pixels."),
        ("boundary_f", "2·P·R / (P + R), P and R the shares of predicted and of true boundary pixels that are hit a"),
        ("boundary_f", "within the tolerance, recall the share of the true ones near the predicted boundary."),
        ("boundary_f", "tolerance_diagonal=0.0075 (the default; a number) The tolerance as a share of the image diag"),
        ("mean_boundary_iou", "G and P the bands of truth and prediction a fraction, shown in percent"),
        ("mean_boundary_iou", "Judges label maps, by the boundaries of their classes"),
        ("j_decay", "J intersection over union of an object and its answer in a frame; 1 where both are empty a"),
        ("davis2017", "are named SEQUENCE/FRAME.png"),
        ("davis2017", "truth numbers of objects, from 1; 0 is background"),
        ("davis2016", "truth 0 is background, whatever is above 0 is object"),
        ("davis2016", "frames=inner The first and the last frame of each video are left out."),
    ],
)
def test_a_page_says(run: CommandLine, name: str, said: str) -> None:
    assert said in page(run, name)


@pytest.mark.parametrize("name", [name for name in NAMES if load_protocol(name).kind != "labels"])
def test_maps_of_probability_are_not_compared_with_scorers_of_labels(run: CommandLine, name: str) -> None:
    assert "Other conventions" not in page(run, name)


def test_the_list_says_what_is_predicted(run: CommandLine) -> None:
    text = page(run)
    assert "DRIVE, vessels in retina images 2 classes, maps of probability, ranked by auc" in text
    assert "2 classes, maps of the probability of being inside, ranked by v_rand" in text
    assert "21 classes, label maps, ranked by mean_iou" in text


@pytest.mark.parametrize(
    ("metric", "said"),
    [
        ("mean_iou(absent=zero)", "counts as missed in every pixel"),
        ("auc", "has level 0 everywhere"),
        ("v_rand", "has probability 0 everywhere"),
        ("j_mean", "has an empty mask for every object"),
    ],
)
def test_a_missing_image_counts_as_the_metric_counts_it(run: CommandLine, metric: str, said: str) -> None:
    head = REAL.partition("|mean_iou")[0].replace("|error|", "|miss|")
    text = page(run, f"{head}|{METRICS[metric.partition('(')[0]]().signature()}|segbench:0.1.0")
    assert f"missing: an image without a prediction {said}; not for a leaderboard" in text


def test_the_list_as_a_record(run: CommandLine) -> None:
    record = run("explain", "--format", "json").record
    assert [entry["name"] for entry in record["datasets"]] == NAMES
    assert [entry["name"] for entry in record["metrics"]] == list(METRICS)


def test_signatures_of_real_results_explain(run: CommandLine, shapes_root: Path) -> None:
    result = segbench.score(
        shapes_root / "SegmentationClass",
        dataset="shapes",
        data_root=shapes_root,
        metrics=["mean_iou(pool=image)", "mean_iou(classes=[box,plain-disc])"],
        missing="miss",
    )
    for key, score in result.scores.items():
        assert str(Signature.parse(score.signature)) == score.signature
        text = page(run, score.signature)
        assert f"Its score key {key} " in text
        assert "60 images: the whole official split" in text
        assert "miss missing: an image without a prediction counts as missed" in text


def test_a_signature_that_is_not_quite_official(run: CommandLine) -> None:
    assert "1448 images: scored, while the official split has 1449" in page(run, REAL.replace("|1449|", "|1448|"))
    assert "none of the data set's own" in page(run, REAL.replace("|val|", "|custom|"))
    assert "none that this segbench knows" in page(run, REAL.replace("voc2012@1", "voc2012@77"))
    assert "none that this segbench knows" in page(run, REAL.replace("voc2012@1", "mine@1"))
    assert "here runs" in page(run, REAL.replace(":0.1.0", ":0.0.9"))
    barred = REAL.replace("classes=all", "classes=['a|b',c]")
    assert Signature.parse(barred).metric == barred.split("|", 8)[8].rpartition("|")[0]
    assert "classes=[a|b,c]" in page(run, barred)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("voc2012@1|", "", "9 parts"),
        ("voc2012@1", "voc2012", "protocol@version"),
        ("1449", "many", "images"),
        ("1449", "0", "images"),
        ("truth:1a2b3c4d", "truth:xyz", "truth:digest"),
        ("|error|", "|perhaps|", "missing"),
        ("mean_iou", "mean_uou", "did you mean 'mean_iou'"),
        ("absent=propagate", "absent=never", "absent=never"),
        ("|segbench:0.1.0", "", "9 parts"),
        ("segbench:", "other:", "segbench:version"),
    ],
)
def test_a_malformed_signature_is_refused(run: CommandLine, old: str, new: str, said: str) -> None:
    outcome = run("explain", REAL.replace(old, new, 1))
    assert outcome.code == 2
    assert "error[bad-parameter]" in outcome.err
    assert said in outcome.err


def test_parsing_keeps_every_part() -> None:
    signature = replace(Signature.parse(REAL), slice="night", resize="nearest", input="trainids", missing="miss")
    assert Signature.parse(str(signature)) == signature
    with pytest.raises(BadParameter):
        Signature.parse("")


@pytest.mark.parametrize("name", ["vco", "mean_uou", "mean_iou(absnt=zero)", "nothing like it"])
def test_an_unknown_name_says_what_was_meant(run: CommandLine, name: str) -> None:
    outcome = run("explain", name)
    assert outcome.code == 2
    assert "did you mean" in outcome.err or "lists both" in outcome.err


def test_the_work_is_the_page(run: CommandLine) -> None:
    _, lines = explanation.explain("voc")
    assert run("explain", "voc").out == "\n".join(lines) + "\n"
