"""The store: what it takes, what it refuses, and that it says why."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import segbench
from segbench.errors import BadParameter, DatasetError, SegbenchError, SubmissionError, UnknownName
from segbench.leaderboard.store import Stored, add, check, read_store, standing_entries
from segbench.version import __version__
from tests.leaderboard.submissions import (
    HOSTILE,
    blank,
    data_set,
    entry,
    lines_of,
    predicted,
    record,
    rewrite,
    scored,
    sign,
)
from tests.scoring.trees import KEYS, some_prediction, some_truth

Edit = Callable[[dict[str, Any]], object]


def refused(error: type[SegbenchError], words: str, result: Path, store: Path, **told: Any) -> SegbenchError:
    """Assert that a result is refused with some words, that the error names a file, and that nothing was written."""
    before = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
    with pytest.raises(error, match=words) as caught:
        add(result, entry(**told), store)
    assert type(caught.value) is error
    assert caught.value.file
    assert "\n" not in str(caught.value)
    assert {path: path.read_bytes() for path in store.rglob("*") if path.is_file()} == before
    return caught.value


class TestAdding:
    def test_an_entry_is_the_result_with_what_is_told(self, result: Path, store: Path) -> None:
        told = entry("net-1", authors=("A", "B"), parameters=12, seconds_per_image=0.5)
        stored = add(result, told, store)
        assert stored.path == store / "shapes@1/net-1.json"
        assert stored.state == store / "shapes@1/net-1.state.jsonl" == segbench.state_path(stored.path)
        assert stored.file == "shapes@1/net-1.json"
        assert stored.board == ("shapes@1", "test")
        assert stored.state.read_bytes() == segbench.state_path(result).read_bytes()
        given, kept = record(result), record(stored.path)
        assert kept.pop("entry") == told.as_record()
        assert kept.pop("state") == {"file": "net-1.state.jsonl", "sha256": given.pop("state")["sha256"]}
        assert given.pop("entry") is None
        assert kept == given
        assert read_store(store) == [stored]
        assert check(store) == []
        assert sorted(os.listdir(store / "shapes@1")) == ["net-1.json", "net-1.state.jsonl"]

    def test_what_is_stored_is_a_result_by_the_published_schema(self, result: Path, store: Path) -> None:
        jsonschema = pytest.importorskip("jsonschema")
        schema = json.loads((Path(segbench.__file__).parent / "schema/result-1.json").read_bytes())
        jsonschema.validate(record(add(result, entry(), store).path), schema)

    def test_files_get_the_permissions_of_new_files(self, result: Path, store: Path) -> None:
        before = os.umask(0o027)
        try:
            stored = add(result, entry(), store)
        finally:
            os.umask(before)
        assert [path.stat().st_mode & 0o777 for path in (stored.path, stored.state)] == [0o640, 0o640]

    def test_entries_by_protocol_and_id(self, result: Path, store: Path) -> None:
        for name in ("b", "a", "a-b", "c"):
            add(result, entry(name), store)
        assert [stored.entry.id for stored in read_store(store)] == ["a-b", "a", "b", "c"]

    def test_intervals_are_left_out(self, result: Path, store: Path, tmp_path: Path) -> None:
        again = scored(tmp_path / "again", ci=True, resamples=20)
        assert record(again)["resampling"]["resamples"] == 20
        assert any(score["ci"] for score in record(again)["scores"].values())
        first, second = add(result, entry("plain"), store), add(again, entry("intervals"), store)
        # What only intervals warn of goes with them.
        rewrite(again, record(again) | {"warnings": ["mean_iou is undefined in 3 of 20 resamples"]})
        third = add(again, entry("warned"), store)
        assert third.result["warnings"] == first.result["warnings"]
        dropped = ("entry", "state")
        plain, without = ({k: v for k, v in s.result.items() if k not in dropped} for s in (first, second))
        assert without == plain
        assert check(store) == []

    def test_a_result_of_another_version(self, result: Path, store: Path) -> None:
        text = result.read_text("utf-8").replace(f"segbench:{__version__}", "segbench:0.0.7")
        found = json.loads(text)
        found["provenance"]["versions"]["segbench"] = "0.0.7"
        # Its words may have changed since, its numbers may not.
        rewrite(result, found | {"warnings": ["in other words"]})
        stored = add(result, entry(), store)
        assert record(stored.path)["warnings"] == ["in other words"]
        assert {score["signature"].rpartition("|")[2] for score in stored.result["scores"].values()} == {
            "segbench:0.0.7"
        }
        assert check(store) == []

    @pytest.mark.parametrize("text", HOSTILE)
    def test_hostile_text_is_kept_as_text(self, text: str, result: Path, store: Path) -> None:
        told = entry(name=text, authors=(text, text), origin=text, licence=text, device=text)
        stored = add(result, told, store)
        data = stored.path.read_text("utf-8")
        assert read_store(store)[0].entry == told
        assert not re.search("[\x00-\x09\x0b-\x1f\u202e\u2066]", data)
        assert os.listdir(store) == ["shapes@1"]
        assert check(store) == []

    def test_half_a_character_is_refused(self, result: Path, store: Path) -> None:
        refused(BadParameter, "half a character", result, store, name="half \ud800")
        text = result.read_text("utf-8")
        result.write_text(text.replace('"python": "', '"python": "\\ud800'), "utf-8")
        refused(BadParameter, "not a result", result, store)

    @pytest.mark.parametrize("id_", ["", "..", "a/b", "A", "a.b", "-a", "a" * 65, "ä", "a\n", "con nul"])
    def test_ids_are_names_of_files(self, id_: str) -> None:
        with pytest.raises(BadParameter, match="id"):
            entry(id_)


def remove_score(found: dict[str, Any]) -> None:
    del found["scores"]["mean_dice"]


def forge(path: str, value: Any) -> Edit:
    """An edit of the value at a path of keys."""

    def edit(found: dict[str, Any]) -> None:
        *outer, last = path.split("/")
        for key in outer:
            found = found[key]
        assert found.get(last) != value
        found[last] = value

    return edit


SIGNATURE = f"shapes@1|test|60|truth:00000000|-|-|error|-|mean_iou(absent=skip)|segbench:{__version__}"

FORGERIES: dict[str, Edit] = {
    "scores.mean_iou.value": forge("scores/mean_iou/value", 0.75),
    "scores.mean_dice.value": forge("scores/mean_dice/value", None),
    "scores.mean_iou.per_class.plain-disc": forge("scores/mean_iou/per_class/plain-disc", 1),
    "scores.mean_iou.per_class.other": forge("scores/mean_iou/per_class/other", 0.5),
    "scores.mean_iou.unit": forge("scores/mean_iou/unit", "pixels"),
    "scores.mean_iou.higher_is_better": forge("scores/mean_iou/higher_is_better", False),
    "scores.mean_iou.signature": forge("scores/mean_iou/signature", SIGNATURE),
    "scores.pixel_accuracy.signature": forge("scores/pixel_accuracy/signature", "0.9"),
    "scores.mean_iou.infinite": forge("scores/mean_iou/infinite", 1),
    "scores.mean_dice": remove_score,
    "split": forge("split", "val"),
    "protocol": forge("protocol", "shapes@2"),
    "n_images": forge("n_images", 61),
    "provenance.truth": forge("provenance/truth", "0" * 64),
    "provenance.predictions": forge("provenance/predictions", "0" * 64),
    "warnings": forge("warnings", ["all is well"]),
}


class TestNumbers:
    @pytest.mark.parametrize("name", FORGERIES)
    def test_what_does_not_derive_again_is_named(self, name: str, result: Path, store: Path) -> None:
        found = record(result)
        FORGERIES[name](found)
        rewrite(result, found)
        error = refused(SubmissionError, f": {re.escape(name)} is ", result, store)
        assert error.file == str(result)

    def test_found_and_expected_stand_in_the_error(self, result: Path, store: Path) -> None:
        found = record(result)
        was = found["scores"]["mean_iou"]["value"]
        found["scores"]["mean_iou"]["value"] = was + 1e-15
        found["scores"]["mean_dice"]["value"] = 0.25
        rewrite(result, found)
        error = refused(SubmissionError, "scores.mean_dice.value is 0.25", result, store)
        assert error.count == 2
        assert "(and 1 more differ)" in str(error)
        found["scores"]["mean_dice"]["value"] = record(result)["scores"]["mean_dice"]["value"]
        rewrite(result, found | {"scores": {**found["scores"], "mean_dice": _right(result, "mean_dice")}})
        error = refused(SubmissionError, re.escape(repr(was + 1e-15)), result, store)
        assert f"expected {was!r} by the counts" in str(error)

    @pytest.mark.parametrize("version", ["", "0.1|x", "<b>", "1 2", "9" * 65])
    def test_a_version_is_a_version(self, version: str, result: Path, store: Path) -> None:
        rewrite(result, forged_version(record(result), version))
        refused(DatasetError, "of segbench", result, store)

    def test_a_number_that_is_none(self, result: Path, store: Path) -> None:
        for text in ("NaN", '"0.5"', "[0.5]", "true", "{}"):
            kept = result.read_text("utf-8")
            changed = re.sub(r'"value": 0\.\d+', f'"value": {text}', kept, count=1)
            assert changed != kept
            result.write_text(changed, "utf-8")
            refused(BadParameter, "result|value", result, store)
            result.write_text(kept, "utf-8")

    def test_more_keys_than_a_result_has(self, result: Path, store: Path) -> None:
        rewrite(result, record(result) | {"note": "x"})
        assert "note" in str(refused(BadParameter, "no such key", result, store))


def forged_version(found: dict[str, Any], version: str) -> dict[str, Any]:
    found["provenance"]["versions"]["segbench"] = version
    return found


def _right(result: Path, key: str) -> Any:
    """A score as the counts have it."""
    return segbench.merge([segbench.state_path(result)]).as_record()["scores"][key]


class TestUnfit:
    def test_without_a_state(self, result: Path, store: Path) -> None:
        rewrite(result, record(result) | {"state": None})
        refused(BadParameter, "without a state", result, store)

    def test_state_gone_or_another(self, result: Path, store: Path) -> None:
        state = segbench.state_path(result)
        state.write_bytes(state.read_bytes() + b"\n")
        refused(DatasetError, "another state", result, store)
        state.unlink()
        refused(DatasetError, "no such state", result, store)

    @pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"{", b"\xff", b"[" * 100_000, b'{"schema": 2}'])
    def test_no_result(self, data: bytes, result: Path, store: Path) -> None:
        result.write_bytes(data)
        refused(BadParameter, "not a result", result, store)

    def test_a_file_that_is_too_large(self, result: Path, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("segbench.leaderboard.stored.LARGEST", result.stat().st_size - 1)
        refused(BadParameter, "more than [0-9]+ bytes", result, store)
        monkeypatch.setattr("segbench.leaderboard.stored.LARGEST", result.stat().st_size + 1000)
        assert add(result, entry(), store)

    def test_no_such_file(self, tmp_path: Path, store: Path) -> None:
        refused(BadParameter, "no plain file", tmp_path / "none.json", store)
        os.mkfifo(tmp_path / "pipe.json")
        refused(BadParameter, "no plain file", tmp_path / "pipe.json", store)

    def test_missing_predictions(self, tmp_path: Path, store: Path) -> None:
        some = dict(list(some_prediction(some_truth()).items())[:-1])
        refused(SubmissionError, "--missing miss", scored(tmp_path, maps=some, missing="miss"), store)
        # Whole, but it would have been allowed.
        refused(SubmissionError, "--missing miss", scored(tmp_path, name="whole", missing="miss"), store)

    def test_missing_predictions_under_another_name(self, tmp_path: Path, store: Path) -> None:
        some = dict(list(some_prediction(some_truth()).items())[:-1])
        result = scored(tmp_path, maps=some, missing="miss")
        header, *records = lines_of(result)
        sign(result, [header | {"missing": "error"}, *records])
        refused(SubmissionError, "1 image without a prediction", result, store)

    def test_resized(self, tmp_path: Path, store: Path) -> None:
        small = {key: np.zeros((3, 7), np.uint8) for key in KEYS}
        refused(SubmissionError, "--resize nearest", scored(tmp_path, maps=small, resize="nearest"), store)

    def test_slices(self, tmp_path: Path, store: Path) -> None:
        refused(SubmissionError, "slices", scored(tmp_path, slices={"some": KEYS[:3]}), store)

    def test_a_shard(self, tmp_path: Path, store: Path) -> None:
        refused(BadParameter, "shard 1/2", scored(tmp_path, shard="1/2"), store)

    def test_a_truth_of_ones_own(self, tmp_path: Path, store: Path) -> None:
        truth = predicted(tmp_path / "truth", some_truth())
        refused(SubmissionError, "'custom'", scored(tmp_path, truth=truth), store)

    def test_a_part_of_the_split(self, tmp_path: Path, store: Path) -> None:
        truth = some_truth()
        root = data_set(tmp_path / "data", truth, listed=59)
        some = dict(list(some_prediction(truth).items())[:59])
        refused(SubmissionError, "59 images; expected 60", scored(tmp_path, maps=some, data_root=root), store)

    def test_a_protocol_of_ones_own(self, result: Path, tmp_path: Path, store: Path) -> None:
        for name in ("circles", "../circles.toml", f"{tmp_path}/circles.toml"):
            found = lines_of(result)
            sign(result, [found[0] | {"protocol": f"{name}@1"}, *found[1:]])
            rewrite(result, record(result) | {"protocol": f"{name}@1"})
            refused(UnknownName, "the protocol", result, store)

    def test_rules_that_have_changed(self, result: Path, store: Path) -> None:
        header, *records = lines_of(result)
        sign(result, [header | {"digest": "0" * 64}, *records])
        refused(DatasetError, "same rules", result, store)


class TestForgedStates:
    def test_an_image_counted_twice_in_place_of_another(self, result: Path, store: Path) -> None:
        header, first, second, *others = lines_of(result)
        sign(result, [header, first, second, *others[:-1], first])
        refused(DatasetError, "each image once", result, store)

    def test_images_in_another_order(self, result: Path, store: Path) -> None:
        header, *records = lines_of(result)
        sign(result, [header, *reversed(records)])
        refused(DatasetError, "each image once, in the order", result, store)

    def test_nothing_counted(self, result: Path, store: Path) -> None:
        header, *records = lines_of(result)
        void = {"confusion": {"cells": [[255, 0, 126]], "shape": [9, 14]}}
        sign(result, [header, *({**line, "counts": void} for line in records)])
        refused(DatasetError, "no pixel of the truth has a class", result, store)

    @pytest.mark.parametrize(
        "line",
        [
            {"key": 5, "prediction": "0", "counts": {}},
            {"key": [5], "prediction": "0", "counts": {}},
            {"key": ["im000"], "prediction": "0", "counts": []},
            {"key": ["im000"], "prediction": "0", "counts": {"confusion": None}},
            {"key": ["im000"], "prediction": "0", "counts": {"confusion": {"cells": [[0, 0]], "shape": [1, 1]}}},
            {"key": ["im000"], "prediction": "0", "counts": {"confusion": {"cells": [["a", 0, 1]], "shape": [1, 1]}}},
            {"key": ["im000"], "prediction": "0", "counts": {"confusion": {"cells": [[0, 999, 1]], "shape": [1, 1]}}},
            {"key": ["im000"], "counts": {}},
            {},
            [],
            "{",
            "[" * 50_000,
        ],
        ids=range(12),
    )
    def test_nonsense(self, line: Any, result: Path, store: Path) -> None:
        header, _, *others = lines_of(result)
        sign(result, [header, line, *others])
        refused(DatasetError, "damaged", result, store)

    @pytest.mark.parametrize(
        "change",
        [
            *(
                {name: 5}
                for name in ("metrics", "split", "classes", "unclaimed", "missing", "resize", "input", "shard")
            ),
            *({name: "5"} for name in ("n_images", "expected", "n_unclaimed")),
            {"metrics": [5]},
            {"split": ["test"]},
            {"split": {"test": 60}},
            {"more": 1},
        ],
        ids=str,
    )
    def test_nonsense_in_the_header(self, change: dict[str, Any], result: Path, store: Path) -> None:
        header, *others = lines_of(result)
        sign(result, [header | change, *others])
        with pytest.raises(SegbenchError) as caught:
            add(result, entry(), store)
        assert caught.value.exit in (2, 3, 4)
        assert caught.value.file


class TestBeside:
    def test_another_truth(self, result: Path, tmp_path: Path, store: Path) -> None:
        add(result, entry("first"), store)
        truth = some_truth()
        truth["im007"][0, 0] = (truth["im007"][0, 0] + 1) % 7
        other = scored(tmp_path / "other", data_root=data_set(tmp_path / "other/data", truth))
        error = refused(SubmissionError, "truth [0-9a-f]{8}", other, store)
        assert error.expected.endswith("as shapes@1/first.json has")
        # What corrects the only entry may have another truth: that may be what was wrong.
        add(other, entry("second", replaces="first"), store)
        refused(SubmissionError, "truth", result, store, id_="third")

    def test_another_form_of_input(self, result: Path, store: Path) -> None:
        add(result, entry("first"), store)
        header, *records = lines_of(result)
        sign(result, [header | {"input": "trainids"}, *records])
        found = record(result)
        for score in found["scores"].values():
            score["signature"] = score["signature"].replace("|error|-|", "|error|trainids|")
        rewrite(result, found)
        refused(SubmissionError, "input trainids; expected -, as shapes@1/first.json has", result, store)

    def test_an_id_that_is_taken(self, result: Path, tmp_path: Path, store: Path) -> None:
        add(result, entry("net"), store)
        refused(BadParameter, "'net' is taken", scored(tmp_path / "other", maps=blank()), store)
        assert check(store) == []

    def test_splits_share_a_folder_and_not_a_board(self, result: Path, tmp_path: Path, store: Path) -> None:
        add(result, entry("net"), store)
        truth = some_truth()
        truth["im007"][0, 0] = (truth["im007"][0, 0] + 1) % 7
        root = data_set(tmp_path / "data", truth, split="val")
        val = scored(tmp_path / "val", split="val", data_root=root)
        refused(SubmissionError, "expected an entry of shapes@1, val: it has none", val, store, id_="b", replaces="net")
        add(val, entry("b"), store)
        assert [stored.board for stored in read_store(store)] == [("shapes@1", "val"), ("shapes@1", "test")]
        assert check(store) == []

    def test_corrections(self, result: Path, tmp_path: Path, store: Path) -> None:
        other = scored(tmp_path / "other", maps=blank())
        add(result, entry("a"), store)
        refused(SubmissionError, "replaces 'x'; expected an entry of shapes@1, test: a$", other, store, replaces="x")
        refused(SubmissionError, "replaces 'net'", other, store, id_="net", replaces="net")
        add(other, entry("b", replaces="a"), store)
        error = refused(SubmissionError, "as 'b' does already", result, store, id_="c", replaces="a")
        assert error.mend == "set replaces = 'b'"
        add(result, entry("c", replaces="b"), store)
        assert [stored.entry.id for stored in read_store(store)] == ["a", "b", "c"]
        assert [stored.entry.id for stored in standing_entries(read_store(store))] == ["c"]
        assert check(store) == []


def damaged(stored: Stored, change: Callable[[str], str]) -> None:
    text = stored.path.read_text("utf-8")
    assert change(text) != text
    stored.path.write_text(change(text), "utf-8")


DAMAGES: dict[str, tuple[Callable[[str], str], str]] = {
    "cut": (lambda text: text[: len(text) // 2], "not a result"),
    "empty": (lambda text: "", "not a result"),
    "no JSON": (lambda text: "<" + text, "not a result"),
    "NaN": (lambda text: re.sub(r'"value": 0\.\d+', '"value": NaN', text, count=1), "not a result"),
    "no entry": (lambda text: json.dumps({**json.loads(text), "entry": None}), "id"),
    "unknown field": (lambda text: text.replace('"licence":', '"license":'), "license"),
    "a number as name": (lambda text: text.replace('"name": "Network net"', '"name": 5'), "name"),
    "a bad link": (lambda text: text.replace('"paper": ""', '"paper": "javascript:alert(1)"'), "paper"),
    "another id": (lambda text: text.replace('"id": "net"', '"id": "ten"'), "the id 'ten'"),
    "another protocol": (lambda text: text.replace('"protocol": "shapes@1"', '"protocol": "drive@1"'), "the protocol"),
    "another state": (lambda text: text.replace("net.state.jsonl", "../state.jsonl"), "the state"),
    "no state": (lambda text: json.dumps({**json.loads(text), "state": None}), "the state None"),
    "a score that is none": (lambda text: json.dumps({**json.loads(text), "scores": {"a": 1}}), "score a"),
}


class TestReading:
    @pytest.mark.parametrize("name", DAMAGES)
    def test_a_damaged_entry_is_one_error_that_names_it(self, name: str, result: Path, store: Path) -> None:
        add(result, entry("other"), store)
        change, words = DAMAGES[name]
        stored = add(result, entry(), store)
        damaged(stored, change)
        with pytest.raises(DatasetError, match=words) as caught:
            read_store(store)
        assert str(caught.value).startswith(str(stored.path))
        assert "\n" not in str(caught.value)
        assert [type(fault) for fault in check(store)] == [DatasetError]

    def test_links_and_pipes_are_no_entries(self, result: Path, store: Path) -> None:
        stored = add(result, entry("net"), store)
        link = stored.path.with_name("link.json")
        for make in (lambda: link.symlink_to(stored.path), lambda: os.mkfifo(link)):
            make()
            with pytest.raises(DatasetError, match=r"link\.json: no plain file"):
                read_store(store)
            link.unlink()

    def test_no_store(self, store: Path) -> None:
        for look in (read_store, check):
            with pytest.raises(DatasetError, match="no such folder"):
                look(store)

    def test_an_empty_store(self, store: Path) -> None:
        store.mkdir()
        (store / "README.md").write_text("what is here")
        (store / "shapes@1").mkdir()
        assert read_store(store) == check(store) == []
