"""Oddities and faults of a truth in the JSON of COCO: each one is found, and a sound truth has none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from segbench.datasets.coco import read_coco
from segbench.datasets.cocoreview import EXAMPLES, Review, review

#: A square of 8 × 8 pixels, in an image 40 high and 60 wide.
SQUARE = [4.0, 6.0, 12.0, 6.0, 12.0, 14.0, 4.0, 14.0]
BOX = [4, 6, 8, 8]


def annotation(number: int, **changes: Any) -> dict[str, Any]:
    whole = {
        "id": number,
        "image_id": 5,
        "category_id": 1,
        "bbox": BOX,
        "area": 64,
        "iscrowd": 0,
        "segmentation": [SQUARE],
        **changes,
    }
    return {key: value for key, value in whole.items() if value is not None}


def crowd(counts: list[int], size: tuple[int, int] = (40, 60)) -> dict[str, Any]:
    return {"iscrowd": 1, "segmentation": {"size": list(size), "counts": counts}}


def reviewed(tmp_path: Path, *annotations: dict[str, Any], images: int = 1, categories: int = 1) -> Review:
    truth = {
        "images": [{"id": 5 + i, "height": 40, "width": 60, "file_name": f"{i}.jpg"} for i in range(images)],
        "categories": [{"id": 1 + k, "name": f"class {k}"} for k in range(categories)],
        "annotations": list(annotations),
    }
    path = tmp_path / "truth.json"
    path.write_text(json.dumps(truth), "utf-8")
    return review(read_coco(path))


def names(found: Review) -> list[str]:
    return [oddity.name for oddity in found.oddities]


def test_a_sound_truth(tmp_path: Path) -> None:
    # 100 background pixels, 50 of the crowd: two columns and a bit.
    sound = annotation(2, area=50, bbox=[2, 0, 2, 40], **crowd([100, 50, 2250]))
    assert reviewed(tmp_path, annotation(1), sound) == Review((), ())


ODD: dict[str, dict[str, Any]] = {
    "no mask": {"segmentation": None},
    "no box": {"bbox": None},
    "id 0": {"id": 0},
    "ignore": {"ignore": 1},
    "crowd in polygons": {"iscrowd": 1},
    "area on a limit": {"area": 1024, "segmentation": [[0, 0, 32, 0, 32, 32, 0, 32]], "bbox": [0, 0, 32, 32]},
    "no area": {"area": 0, "segmentation": None},
    "flat box": {"bbox": [4, 6, 8, 0], "segmentation": None},
    "outside": {"segmentation": None, "bbox": [50, 6, 12, 8]},
    "tiny polygon": {"segmentation": [SQUARE, [4, 6, 5, 6, 5, 7]]},
    "empty mask": {"area": 0.5, "segmentation": {"size": [40, 60], "counts": [2400]}},
    "other area": {"area": 90},
    "other box": {"bbox": [4, 6, 11, 8]},
}


@pytest.mark.parametrize("name", ODD)
def test_each_oddity(name: str, tmp_path: Path) -> None:
    found = reviewed(tmp_path, annotation(1, **ODD[name]))
    assert not found.faults
    beside = {"no area": ["no mask"], "flat box": ["no mask"], "outside": ["no mask"]}.get(name, [])
    assert names(found) == sorted([name, *beside], key=["no mask", name].index)
    (oddity,) = (one for one in found.oddities if one.name == name)
    assert (oddity.count, oddity.examples) == (1, (f"annotation {0 if name == 'id 0' else 1} of image 5",))


@pytest.mark.parametrize(
    "changes",
    [
        # Half the box's outline is 16: an area is off from 17 pixels on, and a box from more than two pixels on.
        {"area": 64 + 16},
        {"bbox": [4, 6, 10, 8]},
        # A pixel beyond the image may be a matter of rounding.
        {"segmentation": None, "bbox": [53, 33, 8, 8]},
        {"iscrowd": 1, "ignore": 1, **crowd([246, 8, 2146]), "area": 8, "bbox": [6, 6, 1, 8]},
        # 2400 pixels, with 100 around half of them: 119 more are less than a twentieth, 121 more are not.
        {"area": 2400 + 119, "segmentation": {"size": [40, 60], "counts": [0, 2400]}, "bbox": [0, 0, 60, 40]},
        {"area": 2400 + 121, "segmentation": {"size": [40, 60], "counts": [0, 2400]}, "bbox": [0, 0, 60, 40]},
    ],
)
def test_what_is_usual_is_not_odd(changes: dict[str, Any], tmp_path: Path) -> None:
    expected = ["no mask"] if changes.get("segmentation", 1) is None else []
    expected += ["other area"] if changes.get("area") == 2521 else []
    assert names(reviewed(tmp_path, annotation(1, **changes))) == expected


def test_polygons_beyond_the_image(tmp_path: Path) -> None:
    beyond = annotation(1, segmentation=[SQUARE, [50, 30, 62, 30, 62, 38]])
    assert "outside" in names(reviewed(tmp_path, beyond))
    within = annotation(1, segmentation=[[-1, 6, 12, 6, 12, 14, -1, 14]], bbox=[0, 6, 12, 8], area=96)
    assert names(reviewed(tmp_path, within)) == []


def test_what_is_there_twice(tmp_path: Path) -> None:
    other_class, other_image = annotation(4, category_id=2), annotation(5, image_id=6)
    moved = annotation(3, bbox=[4, 6, 8, 9])
    found = reviewed(
        tmp_path, annotation(1), annotation(2), moved, other_class, other_image, annotation(9), images=2, categories=2
    )
    (twice,) = found.oddities
    assert (twice.name, twice.count) == ("twice", 2)
    assert twice.examples == ("annotation 2 of image 5", "annotation 9 of image 5")
    # A crowd is never missed, so two of them do no harm.
    crowds = [annotation(i, area=50, bbox=[2, 0, 2, 40], **crowd([100, 50, 2250])) for i in (1, 2)]
    assert names(reviewed(tmp_path, *crowds)) == []


def test_images_and_categories_without_annotation(tmp_path: Path) -> None:
    found = reviewed(tmp_path, annotation(1), images=6, categories=2)
    assert names(found) == ["empty category", "empty image"]
    assert found.oddities[0].examples == ("class 1",)
    assert found.oddities[1].count == 5
    assert found.oddities[1].examples == ("image 6", "image 7", "image 8")
    assert names(reviewed(tmp_path)) == ["empty category", "empty image"]


def test_examples_are_the_first(tmp_path: Path) -> None:
    (oddity,) = reviewed(tmp_path, *(annotation(i, bbox=[4 + i, 6, 12, 8]) for i in range(1, 9))).oddities
    assert oddity.count == 8
    assert oddity.examples == tuple(f"annotation {i} of image 5" for i in range(1, EXAMPLES + 1))


def test_damaged_masks_are_all_told(tmp_path: Path) -> None:
    found = reviewed(
        tmp_path,
        annotation(1, **crowd([100, 50])),
        annotation(2),
        annotation(3, **crowd([2400], size=(60, 40))),
        annotation(4, segmentation=[[1, 1, 2, 2]]),
        annotation(5, segmentation=[]),
    )
    texts = [str(fault) for fault in found.faults]
    assert "annotation 3 (id 3): a segmentation of 60×40 pixels; expected 40×60 pixels, as its image" in texts[0]
    assert sorted(text.partition("annotation ")[2][0] for text in texts) == ["1", "3", "4", "5"]
    assert all(fault.exit == 4 for fault in found.faults)


def test_the_search_for_damage_ends(tmp_path: Path) -> None:
    found = reviewed(tmp_path, *(annotation(i, **crowd([100, 50])) for i in range(1, 60)))
    assert 10 < len(found.faults) < 40


def test_real_data_is_sound(real_data: Path) -> None:
    found = review(read_coco(real_data / "coco100-instances/instances_val2014_100.json"))
    assert not found.faults
    # Crowds drawn by a coarse brush, boxes of thin outlines, and classes that 100 images do not have.
    assert [(one.name, one.count) for one in found.oddities] == [
        ("other area", 5),
        ("other box", 11),
        ("empty category", 10),
    ]
