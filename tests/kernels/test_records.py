"""The scanner of COCO files: what it reads, what it refuses and what it says then."""

from __future__ import annotations

import importlib.util
import inspect
import json
import mmap
import re
import sys
import tracemalloc
from pathlib import Path
from random import Random

import numpy as np
import pytest

from segbench.errors import BadJson, BadParameter, KernelsNotBuilt
from segbench.kernels import jsonfaults, recordcolumns, records, reference_records
from segbench.kernels.jsonfaults import KEYS, JsonFault, Reason
from tests.kernels.jsonfiles import ANNOTATION, RESULT, agree, beside, listed, masked, same_columns, true
from tests.kernels.turns import others_run_during

SOURCES = Path(__file__).parents[2] / "src_ext"
SCANS = {name: (getattr(records, name), getattr(reference_records, name)) for name in ("scan_results", "scan_truth")}


def test_every_scan_has_a_twin_of_the_same_signature():
    own = inspect.getmembers(records, inspect.isfunction)
    assert {n for n, f in own if f.__module__ == records.__name__ and not n.startswith("_")} == set(SCANS)
    for kernel, twin in SCANS.values():
        assert inspect.signature(kernel) == inspect.signature(twin)


def test_loops_and_python_give_the_same_names_to_numbers():
    text, values = ((SOURCES / name).read_text("utf-8") for name in ("json_text.h", "record_values.h"))
    reasons = re.search(r"typedef enum \{([^}]*)\} json_reason", text)[1].replace(",", " ").split()
    assert reasons == ["FINE", *(reason.name for reason in sorted(Reason))]
    assert [reason.value for reason in sorted(Reason)] == list(range(1, len(reasons)))
    names = re.findall(r'NAMED\("(\w+)"\)', values)
    assert names[:9] == list(KEYS[:9])
    enums = [re.sub(r"\s+|=.*?(?=,)", "", body).split(",") for body in re.findall(r"enum \{([^}]*)\}", values)]
    assert enums[0] == [*(key.upper() for key in KEYS[:9]), "N_NAMES"]
    assert enums[1] == [key.rpartition(".")[2].upper() for key in KEYS[9:]]
    assert enums[2] == ["NO_MASK", "STRING", "RUNS", "POLYGONS"]
    assert [getattr(recordcolumns, name) for name in enums[2]] == [0, 1, 2, 3]
    for name in ("MOST_DEEP", "MOST_DIGITS", "MOST_KEYS"):
        assert int(re.search(rf"{name} = (\d+)", text)[1]) == getattr(jsonfaults, name)
    numbers = (SOURCES / "json_numbers.h").read_text("utf-8")
    assert int(re.search(r"MOST_POWER = (\d+)", numbers)[1]) == records._MOST_POWER


def test_a_small_results_file():
    data = (
        b' [{"image_id": 42, "category_id": 18.0, "segmentation": {"size": [478, 640], "counts": "VQi\\\\31m"},'
        b' "score": 2.36e-1},\n{"score":1,"bbox":[1,-2.5,3e2,4],"category_id":7,"image_id":-3,"x":[{}]}] '
    )
    found = agree(*SCANS["scan_results"], data)
    assert found.image_ids.tolist() == [42, -3] and found.category_ids.tolist() == [18, 7]
    assert found.scores.tolist() == [0.236, 1.0]
    assert found.kinds.tolist() == [1, 0] and found.sizes.tolist() == [[478, 640], [-1, -1]]
    start, length = int(found.counts_starts[0]), int(found.counts_lengths[0])
    assert data[start : start + length] == b"VQi\\\\31m" and found.escaped.tolist() == [1, 0]
    assert found.has_box.tolist() == [False, True] and found.boxes[1].tolist() == [1, -2.5, 300, 4]
    assert np.isnan(found.boxes[0]).all()
    assert [data[at : at + 1] for at in found.starts] == [b"{", b"{"]
    assert len(found) == 2


def test_a_small_truth_file():
    data = (
        b'{"images": [{"id": 1}], "annotations": [{"id": 0, "image_id": 1, "category_id": 2, "iscrowd": 1,'
        b'"segmentation": {"counts": [3, 0, 4], "size": [1, 7]}, "area": 4}, {"image_id": 1, "category_id": 3,'
        b'"segmentation": [[1, 2, 3.5, 4], [], [5]], "ignore": true}], "categories": null}'
    )
    found = agree(*SCANS["scan_truth"], data)
    assert found.has_id.tolist() == [True, False] == found.has_area.tolist() == found.has_crowd.tolist()
    assert found.crowd.tolist() == [1, 0] and found.ignore.tolist() == [0, 1]
    assert found.areas[0] == 4 and np.isnan(found.areas[1])
    assert found.kinds.tolist() == [2, 3]
    assert found.list_counts.tolist() == [3, 0, 4] and found.list_offsets.tolist() == [0, 3, 3]
    assert found.points.tolist() == [1, 2, 3.5, 4, 5]
    assert found.polygon_offsets.tolist() == [0, 4, 4, 5] and found.annotation_polygons.tolist() == [0, 0, 3]
    assert data[slice(*found.images_span)] == b'[{"id": 1}]'
    assert data[slice(*found.categories_span)] == b"null"


def test_nothing_detected_and_nothing_true():
    assert len(agree(*SCANS["scan_results"], b"[]")) == 0
    found = agree(*SCANS["scan_truth"], b'{"annotations":[]}')
    assert len(found) == 0 and found.images_span == (-1, -1) == found.categories_span


@pytest.mark.parametrize("make", [bytes, bytearray, memoryview, lambda d: np.frombuffer(d, np.uint8)])
def test_any_buffer_of_bytes(make, tmp_path):
    data = f"[{RESULT}]".encode()
    same_columns(records.scan_results(make(data)), reference_records.scan_results(data))
    (tmp_path / "results.json").write_bytes(data)
    with (tmp_path / "results.json").open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        same_columns(records.scan_results(mapped), reference_records.scan_results(data))


def test_a_memory_map_can_be_closed_after_an_error(tmp_path):
    for data in (b"[{}]", "[]".encode("utf-16")):
        (tmp_path / "results.json").write_bytes(data)
        with (tmp_path / "results.json").open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        with pytest.raises(BadJson), mapped:
            records.scan_results(mapped)
        assert mapped.closed


@pytest.mark.parametrize("data", ["[]", None, 7, memoryview(b"[ ]")[::2], np.zeros((4, 4))[:, ::2]])
def test_what_is_no_buffer(data):
    with pytest.raises(BadParameter, match="bytes"):
        records.scan_results(data)


def test_columns_grow_one_by_one():
    random = Random(5)
    for most in (1, 3000):
        runs, polygons, points = (random.randrange(1, most + 1) for _ in range(3))
        annotations = [
            {"image_id": i, "category_id": 1, "segmentation": mask}
            for i in range(700 if most == 1 else 5)
            for mask in (
                {"size": [1, 2], "counts": list(range(runs))},
                [[0.25 * i] * 2] * polygons,
                [list(range(points))],
                {"size": [3, 4], "counts": "x"},
            )
        ]
        agree(*SCANS["scan_truth"], json.dumps({"annotations": annotations, "images": []}).encode())
    one = [{"image_id": 1, "category_id": 1, "segmentation": [[0.5] * 100_000, *[[1]] * 9000]}]
    agree(*SCANS["scan_truth"], json.dumps({"x": 1, "annotations": one, "y": {"x": 1}}).encode())


@pytest.mark.parametrize("way", records._loops.WAYS)
def test_strings_of_every_length_in_every_way(way, monkeypatch):
    monkeypatch.setattr(records, "_WAY", way)
    for special in ("", "\\\\", "\\u0041", "é", '\\"', "\x1f", "\ud83d"):
        for before in range(40):
            text = "m" * before + special + "~" * ((before * 7) % 20)
            data = listed(masked(counts=f'"{text}"')).encode("utf-8", "surrogatepass")
            agree(*SCANS["scan_results"], data)
            agree(*SCANS["scan_results"], data[: data.index(b"m" * before) + len(text)])


def test_numbers_are_those_of_python():
    random = Random(6)
    texts = [number(random) for _ in range(60_000)]
    texts += ["0", "-0", "-0.0", "0e9", "4.9e-324", "2.4e-324", "2.5e-324", "1.7976931348623157e308", "1e22", "1e23"]
    texts += ["9007199254740993", "9007199254740993.00000000000000000000000000000000001", "8.5e-65", "1e64", "1e65"]
    texts = [text for text in texts if abs(float(text)) < float("inf")]
    data = true(beside("segmentation", f"[[{','.join(texts)}]]", ANNOTATION)).encode()
    expected = np.array([float(text) for text in texts])
    assert records.scan_truth(data).points.tobytes() == expected.tobytes()


def number(random: Random) -> str:
    """Return a number that is hard to read: long, large, small, or between two doubles or right beside the middle."""
    digits = random.randrange(10 ** random.randrange(1, 60))
    middle = (2 * random.randrange(2**52, 2**53) + 1) << random.randrange(12)
    half = random.randrange(2**53, 2**54) * 5 ** (k := random.randrange(1, 25))
    texts = (
        f"{random.random()}",
        f"{digits}e{random.randrange(-360, 320)}",
        f"{random.randrange(2**64)}e{random.randrange(-66, 66)}",
        f"{random.random():.{random.randrange(1, 60)}f}",
        f"{middle + random.choice((0, 0, 1, -1))}",
        f"{middle}.{random.choice(('0' * 30, '0' * 30 + '1'))}",
        f"{half}e-{k}",
    )
    return random.choice(("", "-")) + random.choice(texts)


def test_memory_stays_near_that_of_the_file():
    polygon = [[round(0.37 * i + 100, 2) for i in range(40)]]
    truth = {"annotations": [{"image_id": i, "category_id": 1, "segmentation": polygon} for i in range(40_000)]}
    box = {"category_id": 1, "bbox": [1.25, 2.5, 33.75, 4.125], "score": 0.53125}
    boxes = [{"image_id": 10**5 + i, **box} for i in range(99_999)]
    for scan, value in ((records.scan_truth, truth), (records.scan_results, boxes)):
        data = json.dumps(value).encode()
        scan(b'{"annotations":[]}' if scan is records.scan_truth else b"[]")
        tracemalloc.start()
        scan(data)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        # Room for keys is asked for at once, 28 bytes each, and hardly touched.
        assert peak - 28 * jsonfaults.MOST_DEEP * jsonfaults.MOST_KEYS < 1.5 * len(data)


def test_other_threads_run_during_a_scan():
    one = json.dumps({"image_id": 1, "category_id": 1, "score": 0.5, "x": "m" * 1000})
    data = f"[{','.join([one] * 60_000)}]".encode()
    assert others_run_during(lambda: records.scan_results(data))


def test_real_files(real_data):
    for path in sorted((real_data / "coco100-instances").glob("*.json")):
        name = "scan_results" if "results" in path.name else "scan_truth"
        data = path.read_bytes()
        found = agree(*SCANS[name], data)
        values = json.loads(data)
        assert len(found) == len(values if name == "scan_results" else values["annotations"]) > 100


def test_a_missing_build_is_one_clear_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "segbench.kernels._records", None)
    spec = importlib.util.spec_from_file_location("records_without_build", records.__file__)
    with pytest.raises(KernelsNotBuilt, match=r"pip install .*in the checkout"):
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


def test_a_fault_is_a_value_error():
    assert issubclass(JsonFault, ValueError)
