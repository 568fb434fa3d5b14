"""``segbench compare``: the page with pictures of the images in which two submissions differ most."""

from __future__ import annotations

import base64
import io
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segbench.scoring.comparisonpictures import RIGHT
from tests.cli.submissions import FEW, SHAPE, asked, compared, put, result, tree_of
from tests.conftest import CommandLine
from tests.datasets.pngs import png

GOLDEN = Path(__file__).parent.parent / "golden"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return tree_of(tmp_path)


def pictures(text: str) -> dict[str, np.ndarray]:
    """Every picture of a page as RGB, by its words."""
    found = re.findall(r"<img alt='([^']*)' src='data:image/png;base64,([^']*)'>", text)
    return {name: np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")) for name, data in found}


def labels_of(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path)).astype(int)


class TestPictures:
    def test_who_is_right_is_counted(self, run: CommandLine, own: Path) -> None:
        text = run("compare", own / "net", own / "rival", *asked(own), *FEW, "--format", "html", "--images", 2).out
        shown = pictures(text)
        keys = list(dict.fromkeys(name.partition(":")[0] for name in shown))
        listed = compared(run, own, own / "net", own / "rival", "--truth", own / "truth", "--images", 2)
        assert keys == [image["key"] for image in listed["pairs"][0]["images"]]
        colors = dict(RIGHT)
        for key in keys:
            truth, net, rival = (labels_of(own / f"{name}/{key}.png") for name in ("truth", "net", "rival"))
            counted = truth != 255
            expected = {
                "not counted": ~counted,
                "both are right": counted & (net == truth) & (rival == truth),
                "only {first} is right": counted & (net == truth) & (rival != truth),
                "only {second} is right": counted & (net != truth) & (rival == truth),
                "neither is right": counted & (net != truth) & (rival != truth),
            }
            picture = shown[f"{key}: who is right"]
            for name, where in expected.items():
                assert np.array_equal((picture == colors[name]).all(axis=2), where) and where.any()
            # The one class with a colour has it in all three maps, and void is white.
            for name, labels in (("truth", truth), ("net", net), ("rival", rival)):
                assert np.array_equal((shown[f"{key}: {name}"] == (9, 8, 7)).all(axis=2), labels == 2)
            assert (shown[f"{key}: truth"][:2] == 255).all()

    def test_probabilities_are_cut_at_one_half(self, run: CommandLine, tmp_path: Path) -> None:
        truth = np.array([[0, 255], [255, 0]], np.uint8)
        put(tmp_path / "truth/a.png", png(truth))
        put(tmp_path / "truth/b.png", png(truth))
        for name, levels in (("net", [[127, 128], [128, 128]]), ("rival", [[0, 255], [127, 0]])):
            for key in "ab":
                put(tmp_path / f"{name}/{key}.png", png(np.array(levels, np.uint8)))
        where = ("--dataset", "drive", "--truth", tmp_path / "truth", "--quiet", "--format", "html")
        text = run("compare", tmp_path / "net", tmp_path / "rival", *where, *FEW).out
        shown = pictures(text)
        white, black = (255, 255, 255), (0, 0, 0)
        assert shown["a: net"].tolist() == [[[*black], [*white]], [[*white], [*white]]]
        assert shown["a: rival"].tolist() == [[[*black], [*white]], [[*black], [*black]]]
        colors = [color for _, color in RIGHT]
        # Both are right on the background, both find the vessel; one each is found by one of them only.
        assert shown["a: who is right"].tolist() == [
            [[*colors[1]], [*colors[2]]],
            [[*colors[3]], [*colors[4]]],
        ]

    def test_photographs_are_in_few_colours(self, run: CommandLine, shapes_root: Path, tmp_path: Path) -> None:
        where = ("--dataset", "shapes", "--data-root", shapes_root, *FEW)
        flat = tmp_path / "flat"
        for path in (shapes_root / "SegmentationClass").glob("test_*.png"):
            put(flat / path.name, png(np.zeros(labels_of(path).shape, np.uint8)))
        truth = tmp_path / "same"
        shutil.copytree(shapes_root / "SegmentationClass", truth, ignore=shutil.ignore_patterns("train*", "val*"))
        outcome = run("compare", truth, flat, *where, "--format", "html", "--images", 1, "--quiet")
        shown = pictures(outcome.out)
        key = next(iter(shown)).partition(":")[0]
        photo = np.asarray(Image.open(shapes_root / f"JPEGImages/{key}.png").convert("RGB")).astype(int)
        # In 128 colours: near to what it was.
        assert shown[f"{key}: image"].shape == photo.shape
        assert np.abs(shown[f"{key}: image"] - photo).mean() < 8

    def test_a_photograph_that_cannot_be_read_is_left_out(self, run: CommandLine, tmp_path: Path) -> None:
        data = tmp_path / "data"
        shutil.copytree(GOLDEN / "camvid/data", data)
        where = ("--dataset", "camvid", "--data-root", data, *FEW, "--format", "html", "--quiet")
        folders = [GOLDEN / "camvid/predictions"] * 2
        keys = sorted(path.stem for path in (data / "valannot").glob("*.png"))
        for suffix, key in zip(("jpg", "png"), keys, strict=False):
            put(data / "val" / f"{key}.{suffix}", b"\xff\xd8\xff no picture")
        shown = pictures(run("compare", *folders, *where).out)
        assert f"{keys[0]}: truth" in shown and not any(name.endswith(": image") for name in shown)
        Image.new("RGB", (900, 450), (200, 30, 30)).save(data / "val" / f"{keys[0]}.jpg")
        shown = pictures(run("compare", *folders, *where).out)
        assert shown[f"{keys[0]}: image"].shape == (200, 400, 3)
        assert np.abs(shown[f"{keys[0]}: image"] - np.array([200.0, 30, 30])).max() <= 4

    def test_a_large_map_is_drawn_smaller(self, run: CommandLine, own: Path) -> None:
        for name in ("truth", "net", "rival"):
            labels = np.kron(labels_of(own / f"{name}/im0.png"), np.ones((50, 50), int)).astype(np.uint8)
            put(own / f"{name}/im0.png", png(labels))
        text = run("compare", own / "net", own / "rival", *asked(own), *FEW, "--format", "html").out
        shown = pictures(text)
        assert shown["im0: truth"].shape == (450, 600, 3) and shown["im1: truth"].shape == (*SHAPE, 3)

    def test_a_missing_prediction_is_blank(self, run: CommandLine, own: Path) -> None:
        (own / "rival/im3.png").unlink()
        options = ("--missing", "miss", "--quiet", "--format", "html")
        shown = pictures(run("compare", own / "net", own / "rival", *asked(own), *FEW, *options).out)
        assert (shown["im3: rival"] == 255).all()
        second = dict(RIGHT)["only {second} is right"]
        assert not (shown["im3: who is right"] == second).all(axis=2).any()

    def test_the_same_bytes_twice_and_nothing_that_runs_or_fetches(self, run: CommandLine, own: Path) -> None:
        args = ("compare", own / "net", own / "rival", *asked(own), *FEW, "--format", "html")
        text = run(*args).out
        assert run(*args).out == text and text.isascii()
        assert "<script" not in text and not re.findall(r"(?:src|href)='(?!data:image/png)", text)
        assert not pictures(run(*args, "--images", 0).out)

    def test_of_several_the_two_best(self, run: CommandLine, own: Path) -> None:
        shutil.copytree(own / "rival", own / "worst")
        for path in (own / "worst").glob("*.png"):
            put(path, png(np.zeros(SHAPE, np.uint8)))
        folders = [own / name for name in ("worst", "net", "rival")]
        text = run("compare", *folders, *asked(own), *FEW, "--format", "html").out
        assert {name.partition(": ")[2] for name in pictures(text)} == {"truth", "net", "rival", "who is right"}

    def test_why_there_are_none(self, run: CommandLine, own: Path) -> None:
        net = result(run, own, "net")
        text = run("compare", net, own / "rival", *asked(own), *FEW, "--format", "html").out
        assert "No pictures: name the folder of predictions in place of net.json." in text and not pictures(text)
        volumes = GOLDEN / "volumes"
        where = ("--dataset", "volumes", "--data-root", volumes / "data", "--format", "html", "--quiet")
        text = run("compare", volumes / "predictions", volumes / "predictions", *where, *FEW).out
        assert "No pictures: predictions of volumes are volumes" in text and not pictures(text)
