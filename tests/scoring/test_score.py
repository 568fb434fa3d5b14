"""A run as a whole: the same bytes however it goes, everything accounted for, and nothing half written."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import resource
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segbench.errors import (
    BadParameter,
    DatasetError,
    OutputProblem,
    Refusal,
    RunIncomplete,
    SegbenchError,
    ShapeMismatch,
    SubmissionError,
    UnclaimedFile,
    UnreadableImage,
)
from segbench.protocols.load import load_protocol
from segbench.result import Result
from segbench.scoring.executors import ExecutorKind
from segbench.scoring.plan import Plan
from segbench.scoring.score import score
from segbench.scoring.statefile import states_of
from segbench.version import __version__
from tests.bad_inputs.clean import build
from tests.conftest import CommandLine
from tests.datasets.pngs import png
from tests.scoring import trees
from tests.scoring.dying import DEADLY, DyingJob
from tests.scoring.trees import CLASSES, KEYS, VOID, listing, some_prediction, some_truth, write

#: Metrics of every way of pooling beside the protocol's own.
MORE = ("mean_iou(pool=image)", "mean_dice(pool=class_then_image)", "mean_precision(classes=foreground)")

#: What `shapes` counts, by hand.
FIRST = {"a": np.array([[0, 1, 1, 255]]), "b": np.array([[2, 2, 0, 0]])}
SECOND = {"a": np.array([[0, 1, 0, 0]]), "b": np.array([[2, 255, 0, 0]])}


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("truth"), some_truth())


@pytest.fixture(scope="module")
def predictions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("predictions"), some_prediction(some_truth()))


def scored(predictions: Path, truth: Path, **options: Any) -> Result:
    return score(predictions, **{"dataset": "shapes", "truth": truth, "workers": 1, **options})


def faults_of(predictions: Path, truth: Path, **options: Any) -> tuple[SegbenchError, ...]:
    with pytest.raises(SegbenchError) as caught:
        scored(predictions, truth, **options)
    return caught.value.faults


def text_of(result: Result) -> str:
    return json.dumps(result.as_record(), sort_keys=True, allow_nan=False)


@pytest.fixture(scope="module")
def kept(predictions: Path, truth: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    """A result and its state file."""
    state = tmp_path_factory.mktemp("kept") / "state.jsonl"
    return scored(predictions, truth, metrics=MORE, state=state), state


@pytest.fixture(scope="module")
def reference(kept: tuple[Result, Path]) -> tuple[str, bytes]:
    """The bytes of both."""
    return text_of(kept[0]), kept[1].read_bytes()


@pytest.fixture
def lines(kept: tuple[Result, Path]) -> list[dict[str, Any]]:
    """The lines of the state file."""
    return [json.loads(line) for line in kept[1].read_text("utf-8").splitlines()]


class TestSameBytes:
    @pytest.mark.parametrize("workers", [1, 2, 3, 4])
    @pytest.mark.parametrize("executor", ["threads", "processes"])
    def test_of_any_workers_and_any_order_of_files(
        self, executor: ExecutorKind, workers: int, truth: Path, reference: tuple[str, bytes], tmp_path: Path
    ) -> None:
        shuffled = write(tmp_path / "elsewhere", some_prediction(some_truth()), seed=workers)
        state = tmp_path / "state.jsonl"
        result = scored(shuffled, truth, metrics=MORE, state=state, workers=workers, executor=executor)
        assert (text_of(result), state.read_bytes()) == reference

    @pytest.mark.parametrize("settings", [
        {"PYTHONHASHSEED": "0"},
        {"PYTHONHASHSEED": "12345", "LC_ALL": "C", "TZ": "Asia/Kathmandu"},
        {"PYTHONHASHSEED": "777", "PYTHONIOENCODING": "ascii", "OMP_NUM_THREADS": "1", "HOME": "/nowhere"},
    ], ids=["seed 0", "C locale", "ascii"])  # fmt: skip
    def test_of_any_hash_seed_and_locale(
        self, settings: dict[str, str], predictions: Path, truth: Path, run: CommandLine, reference: tuple[str, bytes],
        tmp_path: Path,
    ) -> None:  # fmt: skip
        where = ["--dataset", "shapes", "--truth", truth, "-o", tmp_path / "r.json", "--format", "json"]
        outcome = run.process("score", predictions, *where, *(f"--metric={m}" for m in MORE), env=settings)
        assert outcome.code == 0
        assert json.dumps(outcome.record, sort_keys=True) == reference[0]
        assert (tmp_path / "r.state.jsonl").read_bytes() == reference[1]
        written = json.loads((tmp_path / "r.json").read_text("utf-8"))
        assert written.pop("state") == {
            "file": "r.state.jsonl",
            "sha256": hashlib.sha256(reference[1]).hexdigest(),
        }
        assert written == {key: value for key, value in outcome.record.items() if key != "state"}

    def test_of_a_wrapping_folder(
        self, truth: Path, reference: tuple[str, bytes], predictions: Path, tmp_path: Path
    ) -> None:
        write(tmp_path / "a/b", some_prediction(some_truth()))
        assert text_of(scored(tmp_path, truth, metrics=MORE)) == reference[0]

    def test_no_path_and_no_time_in_them(self, predictions: Path, truth: Path, reference: tuple[str, bytes]) -> None:
        for text in (reference[0], reference[1].decode()):
            assert str(predictions) not in text
            assert str(truth) not in text


class TestState:
    def test_every_score_again(self, kept: tuple[Result, Path]) -> None:
        plan = Plan.of(load_protocol("shapes"), MORE)
        states = states_of(kept[1], plan)
        assert set(MORE) <= set(kept[0].scores)
        for key, metric in plan.metrics.items():
            again = metric.compute(states[metric.family], plan.space)
            assert replace(kept[0].scores[key], signature="") == again

    def test_the_header(self, lines: list[dict[str, Any]]) -> None:
        header = lines[0]
        assert (header["state"], header["protocol"], header["split"]) == (1, "shapes@1", "custom")
        assert header["n_images"] == len(lines) - 1 == len(KEYS)
        assert load_protocol("shapes").digest() in header.values()

    def test_one_line_an_image_in_the_order_of_the_keys(self, lines: list[dict[str, Any]]) -> None:
        assert [line["key"] for line in lines[1:]] == [[key] for key in KEYS]
        for line, truth in zip(lines[1:], some_truth().values(), strict=True):
            assert line["counts"]["confusion"]["shape"] == list(truth.shape)
            assert sum(count for *_, count in line["counts"]["confusion"]["cells"]) == truth.size

    def test_the_truth_digest_again(self, kept: tuple[Result, Path]) -> None:
        digest = hashlib.sha256()
        for key, truth in some_truth().items():
            values, counts = np.unique(truth, return_counts=True)
            pairs = [[int(v), int(n)] for v, n in zip(values, counts, strict=True)]
            digest.update(json.dumps([[key], list(truth.shape), pairs], separators=(",", ":")).encode() + b"\n")
        assert kept[0].provenance.truth == digest.hexdigest()
        assert f"|truth:{digest.hexdigest()[:8]}|" in kept[0].scores["mean_iou"].signature

    def test_the_digest_of_the_predictions_again(
        self, kept: tuple[Result, Path], lines: list[dict[str, Any]], predictions: Path
    ) -> None:
        digest = hashlib.sha256()
        for key, line in zip(KEYS, lines[1:], strict=True):
            of_file = hashlib.sha256((predictions / f"{key}.png").read_bytes()).hexdigest()
            assert line["prediction"] == of_file
            digest.update(f'[["{key}"],"{of_file}"]\n'.encode())
        assert kept[0].provenance.predictions == digest.hexdigest()

    @pytest.mark.parametrize("damage", ["cut in a line", "cut between lines", "no state", "nothing", "a list", "a key"])
    def test_a_damaged_file(self, kept: tuple[Result, Path], tmp_path: Path, damage: str) -> None:
        data = kept[1].read_bytes()
        content = {
            "cut in a line": data[:-40],
            "cut between lines": data[: data[:-1].rindex(b"\n") + 1],
            "no state": b'{"state":99}\n',
            "nothing": b"",
            "a list": b"[1]\n",
            "a key": data.replace(b'"key":["im003"]', b'"key":[3]'),
        }
        (tmp_path / "state.jsonl").write_bytes(content[damage])
        with pytest.raises(DatasetError):
            states_of(tmp_path / "state.jsonl", Plan.of(load_protocol("shapes"), MORE))


class TestSignature:
    def test_to_the_letter(self, tmp_path: Path) -> None:
        result = scored(write(tmp_path / "p", SECOND), write(tmp_path / "t", FIRST))
        content = b'[["a"],[1,4],[[0,1],[1,2],[255,1]]]\n[["b"],[1,4],[[0,2],[2,2]]]\n'
        digest = hashlib.sha256(content).hexdigest()
        assert result.scores["mean_iou"].signature == (
            f"shapes@1|custom|2|truth:{digest[:8]}|-|-|error|-|"
            "mean_iou(absent=skip,classes=all,fp_only=count,pool=dataset,void_prediction=miss)|"
            f"segbench:{__version__}"
        )
        # background 3 of 4, plain-disc 1 of 2, striped-disc 1 of 2
        assert result.scores["mean_iou"].value == math.fsum([3 / 4, 1 / 2, 1 / 2]) / 3

    def test_content_and_not_bytes_of_the_truth(self, tmp_path: Path) -> None:
        predictions, truth = write(tmp_path / "p", SECOND), write(tmp_path / "t", FIRST)
        before = scored(predictions, truth)
        for key, labels in FIRST.items():
            (truth / f"{key}.png").write_bytes(png(labels, interlaced=True, extra=[(b"tEXt", b"k\0v")]))
        assert text_of(scored(predictions, truth)) == text_of(before)


class TestMissing:
    @pytest.mark.parametrize("dataset", ["camvid", "voc", "shapes"])
    def test_every_pixel_of_it_is_a_miss(self, dataset: str, tmp_path: Path) -> None:
        protocol = load_protocol(dataset)
        ids = [c.id for c in protocol.space.evaluated]
        void, name = protocol.space.void[0], protocol.space.evaluated[1].name
        # The image that is there: four pixels of each class, all right, and void. The other: twelve of class 1.
        maps = {"a": np.array([[i] * 4 for i in [*ids, void]]), "b": np.array([[ids[1]] * 12 + [void] * 4])}
        there = np.where(maps["a"] == void, ids[0], maps["a"])
        truth, predictions = write(tmp_path / "t", maps), write(tmp_path / "p", {"a": there})

        result = scored(predictions, truth, dataset=dataset, missing="miss")
        k = len(ids)
        for key in ("mean_iou", "mean_iou(void_prediction=miss)", "mean_accuracy"):
            if key in result.scores:
                assert result.scores[key].per_class[name] == 4 / (4 + 12)
                assert result.scores[key].value == math.fsum([1.0] * (k - 1) + [4 / 16]) / k
        accuracy = next(score for key, score in result.scores.items() if key.startswith("pixel_accuracy"))
        assert accuracy.value == 4 * k / (4 * k + 12)
        assert all(score.signature.split("|")[6] == "miss" for score in result.scores.values())
        assert "1 of 2 images has no prediction and counts as missed" in result.warnings

        assert [(f.code, f.exit) for f in faults_of(predictions, truth, dataset=dataset)] == [("missing-prediction", 3)]

    def test_nothing_at_all_scores_nothing(self, truth: Path, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        state = tmp_path / "state.jsonl"
        result = scored(tmp_path / "empty", truth, missing="miss", state=state)
        assert result.scores["mean_iou"].value == result.scores["pixel_accuracy"].value == 0
        records = [json.loads(line) for line in state.read_text().splitlines()[1:]]
        assert {record["prediction"] for record in records} == {None}

    def test_other_faults_stay_faults(self, tmp_path: Path) -> None:
        truth = write(tmp_path / "t", FIRST)
        predictions = write(tmp_path / "p", {"a": np.array([[0, 1, 99, 0]])})
        assert [fault.code for fault in faults_of(predictions, truth, missing="miss")] == ["stray-label"]
        (predictions / "a.png").write_bytes(b"")
        assert [fault.code for fault in faults_of(predictions, truth, missing="miss")] == ["unreadable-image"]

    def test_no_such_choice(self, truth: Path) -> None:
        with pytest.raises(BadParameter, match="missing=zero"):
            scored(truth, truth, missing="zero")


class TestFaults:
    def test_all_of_them_in_the_order_of_the_keys(self, truth: Path, tmp_path: Path) -> None:
        maps = some_prediction(some_truth())
        maps["im001"][3, 4] = 77
        maps["im059"][0, 1] = 99
        maps["im004"] = maps["im004"].T
        predictions = write(tmp_path / "p", maps)
        for key in ("im000", "im030"):
            (predictions / f"{key}.png").unlink()
        (predictions / "im002.png").write_bytes(b"GIF89a")
        (predictions / "im003.PNG").write_bytes((predictions / "im003.png").read_bytes())
        with pytest.raises(Refusal) as caught:
            scored(predictions, truth)
        assert [(Path(fault.file or "").stem, fault.code) for fault in caught.value.faults] == [
            ("im000", "missing-prediction"),
            ("im001", "stray-label"),
            ("im002", "unreadable-image"),
            ("im003", "duplicate-prediction"),
            ("im004", "shape-mismatch"),
            ("im030", "missing-prediction"),
            ("im059", "stray-label"),
        ]
        assert caught.value.faults[1].pixel == (3, 4)
        assert caught.value.exit == 3

    def test_a_fault_of_the_truth_once_and_with_the_others(self, truth: Path, tmp_path: Path) -> None:
        maps = some_truth()
        maps["im005"][2, 2] = 40
        other = write(tmp_path / "t", maps)
        (other / "im007.png").write_bytes(b"")
        predictions = write(tmp_path / "p", {k: v for k, v in some_prediction(some_truth()).items() if k != "im006"})
        for missing, codes in (
            ("error", ["dataset-error", "missing-prediction", "dataset-error"]),
            ("miss", ["dataset-error", "dataset-error"]),
        ):
            with pytest.raises(Refusal) as caught:
                scored(predictions, other, missing=missing)
            assert [fault.code for fault in caught.value.faults] == codes
            assert caught.value.exit == 4

    def test_files_that_change_while_counting(self, truth: Path, tmp_path: Path) -> None:
        predictions = write(tmp_path / "p", some_prediction(some_truth()))

        def meddle(done: int, total: int) -> None:
            if done < total and (predictions / "im055.png").exists():
                (predictions / "im055.png").unlink()
                (predictions / "im056.png").write_bytes(png(np.zeros((900, 900), int)))

        gone, grown = faults_of(predictions, truth, progress=meddle)
        assert isinstance(gone, UnreadableImage) and isinstance(grown, ShapeMismatch)
        assert gone.file == str(predictions / "im055.png")
        assert grown.file == str(predictions / "im056.png")

    def test_a_stray_where_the_truth_is_void(self, tmp_path: Path) -> None:
        truth = write(tmp_path / "t", {"a": np.array([[0, 255]])})
        [fault] = faults_of(write(tmp_path / "p", {"a": np.array([[0, 200]])}), truth)
        assert (fault.code, fault.pixel) == ("stray-label", (0, 1))

    def test_nothing_to_count(self, tmp_path: Path) -> None:
        truth = write(tmp_path / "t", {"a": np.full((3, 3), VOID), "b": np.full((2, 2), VOID)})
        predictions = write(tmp_path / "p", {"a": np.zeros((3, 3), int), "b": np.zeros((2, 2), int)})
        state = tmp_path / "out/state.jsonl"
        state.parent.mkdir()
        with pytest.raises(DatasetError, match="no pixel of the truth has a class") as caught:
            scored(predictions, truth, state=state)
        assert caught.value.file == str(truth)
        assert listing(state.parent) == {}

    @pytest.mark.parametrize("metric", ["mean_iuo", "mean_iou(absnt=skip)", "mean_iou(absent=maybe)", "mean_iou("])
    def test_a_bad_metric_before_anything_is_read(self, metric: str, tmp_path: Path) -> None:
        with pytest.raises(SegbenchError) as caught:
            scored(tmp_path / "nowhere", tmp_path / "nowhere", metrics=[metric])
        assert caught.value.exit == 2


class TestWarnings:
    def test_files_that_belong_to_no_image(self, truth: Path, tmp_path: Path) -> None:
        predictions = write(tmp_path / "p", some_prediction(some_truth()))
        (predictions / "notes\n\x1b[31m.txt").touch()
        for i in range(7):
            (predictions / f"other{i}.png").touch()
        clean = scored(write(tmp_path / "q", some_prediction(some_truth())), truth)
        result = scored(predictions, truth)
        assert result.scores == clean.scores
        [warning] = [text for text in result.warnings if text not in clean.warnings]
        assert warning.startswith("8 files belong to no image of the split: ")
        assert warning.endswith(", …")
        assert not re.search(r"[\x00-\x1f]", warning)

        faults = faults_of(predictions, truth, strict=True)
        assert [type(fault) for fault in faults] == [UnclaimedFile] * 8
        assert {fault.exit for fault in faults} == {3}

    def test_a_split_of_another_size(self, tmp_path: Path) -> None:
        site = build(tmp_path)
        result = score(site.predictions, dataset="voc", data_root=site.root, workers=1)
        assert "4 images scored, the official val split has 1449" in result.warnings

    def test_an_undefined_mean_and_the_value_beside_it(self, tmp_path: Path) -> None:
        truth = write(tmp_path / "t", {"a": np.array([[0, 0, 1, 255]])})
        result = scored(write(tmp_path / "p", {"a": np.array([[0, 1, 1, 2]])}), truth, dataset="voc")
        undefined, beside = result.scores["mean_iou"], result.scores["mean_iou(absent=skip)"]
        assert math.isnan(undefined.value)
        assert beside.value == 1 / 2  # background 1 of 2, aeroplane 1 of 2; "bicycle" falls on void
        assert "(absent=propagate," in undefined.signature
        assert beside.signature == undefined.signature.replace("absent=propagate", "absent=skip")
        record = result.as_record()["scores"]
        assert record["mean_iou"]["value"] is None
        assert record["mean_iou"]["per_class"]["aeroplane"] == 1 / 2
        assert record["mean_iou"]["per_class"]["bicycle"] is None
        [warning] = [text for text in result.warnings if "undefined" in text and text.startswith("mean_iou ")]
        assert "bicycle" in warning and "aeroplane" not in warning

    def test_predictions_read_by_their_colours(self, tmp_path: Path) -> None:
        truth = write(tmp_path / "t", {"a": np.array([[0, 1]])})
        (tmp_path / "p").mkdir()
        (tmp_path / "p/a.png").write_bytes(png(np.array([[[0, 0, 0], [128, 0, 0]]]), kind=2))
        result = scored(tmp_path / "p", truth, dataset="voc")
        assert result.scores["pixel_accuracy"].value == 1
        assert any("RGB" in text for text in result.warnings)


class TestFiles:
    """What is on disk after a run that did not go well."""

    @pytest.fixture
    def earlier(self, tmp_path: Path) -> Path:
        """A folder with the files of an earlier run."""
        folder = tmp_path / "out"
        folder.mkdir()
        for name in ("r.json", "r.state.jsonl", "r.run.json"):
            (folder / name).write_text(f"{name} of an earlier run\n")
        return folder

    @pytest.mark.parametrize("workers", [1, 2])
    @pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
    def test_interrupted(
        self, error: type[BaseException], workers: int, predictions: Path, truth: Path, earlier: Path
    ) -> None:
        before = listing(earlier)

        def interrupt(done: int, total: int) -> None:
            raise error

        with pytest.raises(error):
            scored(predictions, truth, state=earlier / "r.state.jsonl", workers=workers, progress=interrupt)
        assert listing(earlier) == before

    def test_refused(self, truth: Path, earlier: Path, tmp_path: Path) -> None:
        before = listing(earlier)
        maps = some_prediction(some_truth())
        maps["im059"][5, 5] = 99
        with pytest.raises(SubmissionError):
            scored(write(tmp_path / "p", maps), truth, state=earlier / "r.state.jsonl")
        assert listing(earlier) == before

    @pytest.mark.parametrize("place", ["r.json/state.jsonl", "nowhere/state.jsonl", "folder"])
    def test_no_place_for_the_state(self, place: str, predictions: Path, truth: Path, earlier: Path) -> None:
        (earlier / "folder").mkdir()
        before = listing(earlier)
        with pytest.raises(OutputProblem) as caught:
            scored(predictions, truth, state=earlier / place)
        assert caught.value.exit == 6
        assert caught.value.file == str(earlier / place)
        assert listing(earlier) == before

    @pytest.mark.parametrize("limit", [0, 100, 5000])
    def test_a_full_disk(self, limit: int, predictions: Path, truth: Path, earlier: Path, run: CommandLine) -> None:
        """A limit on the size of files stands for the disk; the state has some 60 kB."""
        before = listing(earlier)
        outcome = run.process(
            "score", predictions, "--dataset", "shapes", "--truth", truth, "-o", earlier / "r.json", "--quiet",
            env={"PYTHONDONTWRITEBYTECODE": "1"},
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        )  # fmt: skip
        # Under the lowest limits the message itself is cut, for it goes to a file too; the code says it all the same.
        assert outcome.code == 6
        assert limit < 5000 or "r.state.jsonl: cannot be written: File too large" in outcome.err
        assert listing(earlier) == before

    def test_written_and_overwritten(self, predictions: Path, truth: Path, earlier: Path) -> None:
        scored(predictions, truth, state=earlier / "r.state.jsonl")
        assert sorted(os.listdir(earlier)) == ["r.json", "r.run.json", "r.state.jsonl"]
        assert (earlier / "r.state.jsonl").read_bytes().startswith(b"{")


def test_a_dead_worker_names_its_images(
    predictions: Path, truth: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segbench.scoring.run.Job", DyingJob)
    with pytest.raises(RunIncomplete) as caught:
        scored(predictions, truth, state=tmp_path / "s.jsonl", workers=2, executor="processes")
    assert caught.value.exit == 7
    # The chunk of the deadly image, or an earlier one that was under way.
    first = re.search(r"im(\d+) … im\d+", caught.value.found)
    assert first and int(first[1]) <= int(DEADLY[2:])
    assert listing(tmp_path) == {}


def test_progress_counts_every_image_once(predictions: Path, truth: Path) -> None:
    seen: list[tuple[int, int]] = []
    scored(predictions, truth, progress=lambda done, total: seen.append((done, total)))
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert seen[-1] == (len(KEYS), len(KEYS))


def test_memory_does_not_grow_with_the_data_set(tmp_path: Path, run: CommandLine) -> None:
    """At most 200 bytes an image: names of both files, and nothing that was counted."""
    labels = np.arange(64).reshape(8, 8) % CLASSES
    source = trees.write(tmp_path / "source", {"truth": labels, "prediction": labels.T})
    few, many = 10_000, 50_000
    for n in (few, many):
        for kind in ("truth", "prediction"):
            folder = tmp_path / f"{kind}{n}"
            folder.mkdir()
            for i in range(n):
                os.link(source / f"{kind}.png", folder / f"{i:06}.png")
    peaks = {}
    for n in (few, many):
        where = ["--dataset", "shapes", "--truth", tmp_path / f"truth{n}", "--workers", "1", "--format", "json"]
        outcome = run.process("score", tmp_path / f"prediction{n}", *where, seconds=600)
        assert outcome.record["n_images"] == n
        peaks[n] = outcome.peak_kib
    assert 1024 * (peaks[many] - peaks[few]) / (many - few) < 200
