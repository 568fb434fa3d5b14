"""Hypothesis strategies of whole data sets in the JSON of COCO, which shrink to the least set that fails.

Everything is drawn from few values, so that scores, overlaps and areas are often equal or on a limit.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from hypothesis import strategies as st

from tests.protocols.coco_sets import Mask, Record, compressed, listed

Set: TypeAlias = tuple[Record, list[Record]]
Box: TypeAlias = tuple[int, int, int, int]

SIZES = ((40, 48), (100, 120), (1, 1), (7, 5))
#: A box of 32 × 32 or 96 × 96 has an area on a limit; one without height or width has none.
SIDES = (8, 4, 32, 96, 5, 1, 0)
PLACES = (0, 1, 2, 8, 40)
#: None is the true area; the others are on the limits, beside them, and anywhere.
AREAS = (None, 1024, 9216, 1023.5, 9216.5, 0, 50, 1e5)
SCORES = (0.5, 0.25, 1.0, 0.75, 0.0, -1.5)
#: Ids are in no order, and not one after another.
IDS = st.integers(1, 2**31)
#: More than the 100 detections of a class that count in an image.
MANY = 103


@st.composite
def coco_sets(draw: st.DrawFn, *, boxes: bool = False, masks: bool = True) -> Set:
    """A truth with at least one annotation, and at least one result with `boxes`, `masks`, or both."""
    sizes = draw(_by_id(st.sampled_from(SIZES), most=4))
    images = [{"id": i, "height": height, "width": width} for i, (height, width) in sizes]
    categories = [{"id": i, "name": f"class {i}"} for i, _ in draw(_by_id(st.none(), most=3))]
    places = st.tuples(st.sampled_from(images), st.sampled_from(categories))
    things = draw(st.lists(st.tuples(places, _boxes()), min_size=1, max_size=8))
    between = draw(st.booleans())
    if between:
        things += _two_beside(things[0])
    numbers = draw(st.lists(IDS | st.just(0), min_size=len(things), max_size=len(things), unique=True))
    annotations = [draw(_annotations(*thing, number)) for thing, number in zip(things, numbers, strict=True)]
    found = draw(st.lists(_near(things) | st.tuples(places, _boxes()), min_size=1, max_size=10))
    results = [draw(_results(*thing, boxes=boxes, masks=masks)) for thing in found]
    if between:
        results += draw(_between(things[0], boxes=boxes, masks=masks))
    if draw(st.integers(0, 19)) == 19:
        results += [dict(results[0]) for _ in range(MANY)]
    known = {"images": images, "categories": categories, "annotations": annotations}
    return known, draw(st.permutations(results)) if len(results) < MANY else results


def _by_id(values: st.SearchStrategy[Any], *, most: int) -> st.SearchStrategy[list[tuple[int, Any]]]:
    return st.lists(st.tuples(IDS, values), min_size=1, max_size=most, unique_by=lambda pair: pair[0])


def _boxes() -> st.SearchStrategy[Box]:
    return st.tuples(*[st.sampled_from(PLACES)] * 2, *[st.sampled_from(SIDES)] * 2)


def _near(things: list[Any]) -> st.SearchStrategy[Any]:
    """A true thing again, as it is or a pixel aside."""
    step = st.sampled_from((0, 0, 1))
    moved = st.tuples(st.sampled_from(things), step, step)
    return moved.map(lambda m: (m[0][0], (m[0][1][0] + m[1], m[0][1][1] + m[2], *m[0][1][2:])))


def _two_beside(thing: Any) -> list[Any]:
    """Two of the size of 8 × 8, one to the left and one to the right of a place."""
    return [(thing[0], (x, 9, 8, 8)) for x in (8, 10)]


@st.composite
def _between(draw: st.DrawFn, thing: Any, *, boxes: bool, masks: bool) -> list[Record]:
    """A result that overlaps both equally, and a less sure one on the first or the second: only one order serves it."""
    middle = draw(_results(thing[0], (9, 9, 8, 8), boxes=boxes, masks=masks))
    other = draw(_results(thing[0], (draw(st.sampled_from((7, 11))), 9, 8, 8), boxes=boxes, masks=masks))
    return [{**middle, "score": 3.0}, {**other, "score": 2.0}]


@st.composite
def _annotations(draw: st.DrawFn, place: tuple[Record, Record], box: Box, number: int) -> Record:
    image, category = place
    mask = rectangle(image, box)
    area = draw(st.sampled_from(AREAS))
    polygons = [outline(box)], [outline(box), outline((0, 0, 6, 3))]
    one = {
        "id": number,
        "image_id": image["id"],
        "category_id": category["id"],
        "bbox": [float(side) for side in box],
        "segmentation": draw(st.sampled_from((*polygons, listed(mask), compressed(mask)))),
        "area": float(box[2] * box[3]) if area is None else area,
        "iscrowd": draw(st.sampled_from((0, 0, 0, 1))),
    }
    ignore = draw(st.sampled_from((None, None, 0, 1)))
    return one if ignore is None else {**one, "ignore": ignore}


@st.composite
def _results(draw: st.DrawFn, place: tuple[Record, Record], box: Box, *, boxes: bool, masks: bool) -> Record:
    image, category = place
    one: Record = {"image_id": image["id"], "category_id": category["id"]}
    one["score"] = draw(st.sampled_from(SCORES) | st.floats(0, 1))
    one |= {"segmentation": compressed(rectangle(image, box))} if masks else {}
    return one | ({"bbox": [float(side) for side in box]} if boxes else {})


def rectangle(image: Record, box: Box) -> Mask:
    """The pixels of a box that are in the image."""
    mask = np.zeros((image["height"], image["width"]), np.uint8)
    x, y, width, height = box
    mask[y : y + height, x : x + width] = 1
    return mask


def outline(box: Box) -> list[float]:
    x, y, width, height = (float(side) for side in box)
    return [x, y, x, y + height, x + width, y + height, x + width, y]


def traits(truth: Record, results: list[Record]) -> set[str]:
    """What a set has of that which is easily judged wrongly."""
    rows, sizes = truth["annotations"], {image["id"]: image for image in truth["images"]}
    groups = [[(one["image_id"], one["category_id"]) for one in side] for side in (rows, results)]
    scores = [one["score"] for one in results]
    shapes = [one["segmentation"] for one in rows]
    found = {
        "crowd of polygons": any(one["iscrowd"] and isinstance(one["segmentation"], list) for one in rows),
        "crowd of runs": any(one["iscrowd"] and isinstance(one["segmentation"], dict) for one in rows),
        "runs as a list": any(isinstance(shape, dict) and isinstance(shape["counts"], list) for shape in shapes),
        "ignore": any(one.get("ignore") and not one["iscrowd"] for one in rows),
        "id 0": any(one["id"] == 0 for one in rows),
        "on the lower limit": any(one["area"] == 1024 for one in rows),
        "on the upper limit": any(one["area"] == 9216 for one in rows),
        "area of something else": any(one["area"] != one["bbox"][2] * one["bbox"][3] for one in rows),
        "no area": any(one["bbox"][2] * one["bbox"][3] == 0 for one in rows),
        "equal scores": len(set(scores)) < len(scores),
        "equal truths": len({(*g, *one["bbox"]) for g, one in zip(groups[0], rows, strict=True)}) < len(rows),
        "an image without truth": bool(sizes.keys() - {image for image, _ in groups[0]}),
        "a class without truth": bool({k["id"] for k in truth["categories"]} - {k for _, k in groups[0]}),
        "a class only predicted": bool({k for _, k in groups[1]} - {k for _, k in groups[0]}),
        "more than 100 of a class": len(results) > 100,
        "beyond the image": any(one["bbox"][0] + one["bbox"][2] > sizes[one["image_id"]]["width"] for one in rows),
        "results by falling image": any(a[0] > b[0] for a, b in zip(groups[1], groups[1][1:], strict=False)),
    }
    return {name for name, there in found.items() if there}
