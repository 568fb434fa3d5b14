"""Boards with made-up numbers: nobody measured anything here. Names and texts are hostile on purpose."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from segbench.leaderboard.entry import Entry
from segbench.leaderboard.standings import Board, Confusions, Reported, Standing
from segbench.result import Signature
from segbench.scoring.duels import Difference, Duel, ImageScores, Spread
from segbench.version import __version__

CLASSES = ("road", "sky", "tree", "never seen")
PRIMARY = "mean_iou"
IMAGES = tuple(f"img_{i:02}" for i in range(12))
TRUTH = "0123456789abcdef" * 4

#: Texts that would do harm where they are not taken for text.
HOSTILE = (
    "<script>alert('made up')</script>",
    '"><img src=x onerror=alert(1)>',
    "</script><script>alert(2)</script>",
    '=HYPERLINK("http://example.org")',
    "{{ 7 * 7 }} {% raw %} `code` [link](javascript:alert(3)) @someone",
    "tab\there\x1b[31m\u202eright to left\u2028line\ud800",
    "&amp; ' \" } \\end{document} %",
)

#: The metrics of the made-up entries.
_METRICS = {
    PRIMARY: "mean_iou(absent=skip,classes=all,fp_only=count,pool=dataset,void_prediction=miss)",
    "pixel_accuracy": "pixel_accuracy(absent=skip,classes=all,fp_only=count,pool=dataset,void_prediction=miss)",
}


def standing(entry: Entry, value: float | None, ranks: tuple[int, int], *, is_top: bool = False) -> Standing:
    """Return an entry with made-up numbers around a value."""
    chance = random.Random(entry.id)
    parts = {name: None if value is None else min(1.0, value + chance.uniform(-0.2, 0.2)) for name in CLASSES[:-1]}
    parts[CLASSES[-1]] = None
    images = {key: None if value is None else min(1.0, value + chance.uniform(-0.1, 0.1)) for key in IMAGES}
    images[IMAGES[0]] = None
    spread = None if value is None else (value - 0.01234567890123, value + 0.01)
    classes = {name: (part - 0.02, part + 0.02) for name, part in parts.items() if part is not None}
    return Standing(
        entry=entry,
        result=result(entry, value, parts),
        file=f"voc2012@1/{entry.id}.json",
        ranks=ranks,
        is_top=is_top,
        spreads={PRIMARY: Spread(spread, classes), "pixel_accuracy": Spread(spread)},
        images=images,
        confusions=Confusions(CLASSES[:3], CLASSES[:3], ((90, 5, 5), (1, 80, 19), (0, 0, 0))),
        curves={"precision recall": ((1.0, 0.3), (0.5, 0.8), (0.1, 1.0)), "trimap": ((1.0, 0.4), (5.0, 0.6))},
    )


def result(entry: Entry, value: float | None, parts: dict[str, float | None]) -> dict[str, Any]:
    """Return a result as its JSON has it."""
    run = Signature("voc2012@1", "val", len(IMAGES), TRUTH, "", __version__)
    scores = {
        key: {
            "value": value,
            "per_class": parts if key == PRIMARY else {},
            "ci": None,
            "unit": "fraction",
            "higher_is_better": True,
            "signature": run.of(metric),
        }
        for key, metric in _METRICS.items()
    }
    return {
        "schema": 1,
        "entry": entry.as_record(),
        "protocol": "voc2012@1",
        "split": "val",
        "n_images": len(IMAGES),
        "scores": scores,
        "state": {"file": f"{entry.id}.state.jsonl", "sha256": "f" * 64},
        "provenance": {"predictions": "e" * 64, "truth": TRUTH, "versions": {"segbench": __version__}},
        "warnings": [HOSTILE[0]],
    }


def duel(first: Standing, second: Standing) -> Duel:
    """Return two entries against each other, their difference and made-up chances."""
    scores = [standing.result["scores"][PRIMARY] for standing in (first, second)]
    pairs = [(key, a, second.images[key]) for key, a in first.images.items()]
    images = [ImageScores(key, a, b) for key, a, b in pairs if a is not None and b is not None]
    images.sort(key=lambda image: -abs(image.first - image.second))
    return Duel(
        first=first.entry.id,
        second=second.entry.id,
        scores={PRIMARY: difference(*(score["value"] for score in scores))},
        per_class={name: difference(*(score["per_class"][name] for score in scores)) for name in CLASSES},
        won=sum(image.first > image.second for image in images),
        lost=sum(image.first < image.second for image in images),
        drawn=0,
        images=tuple(images),
    )


def difference(first: float | None, second: float | None) -> Difference:
    """Return how two numbers differ, with a made-up interval and chance."""
    if first is None or second is None:
        return Difference(float("nan"), None, float("nan"))
    by = first - second
    return Difference(by, (by - 0.03, by + 0.02), 0.25)


def standings() -> tuple[Standing, ...]:
    """Return entries, the best first, of which two are tied and one has no score."""
    plain = Entry("plain", "Made-up net", ("A. Author",), "2020-05", parameters=7_800_000, seconds_per_image=0.25)
    small = Entry("small", "Made-up small net", date="2021", parameters=900_000, seconds_per_image=0.05)
    evil = Entry(
        id="evil",
        name=HOSTILE[0],
        authors=HOSTILE,
        date="2019-01-02",
        paper="https://example.org/?a=1&b='<x>{}",
        training_data=HOSTILE[1],
        backbone=HOSTILE[2],
        post_processing=HOSTILE[3],
        licence=HOSTILE[4],
        origin=HOSTILE[5],
        device=HOSTILE[6],
        parameters=90_000_000,
    )
    formula = Entry("formula", HOSTILE[3], date="2018")
    lost = Entry("undefined", HOSTILE[5])
    return (
        standing(plain, 0.7512345678901234, (1, 2), is_top=True),
        standing(evil, 0.7412345678901234, (1, 3), is_top=True),
        standing(small, 0.7, (2, 3)),
        standing(formula, 0.5, (4, 4)),
        standing(lost, None, (5, 5)),
    )


def made_up() -> list[Board]:
    """Return a board with ties, undefined numbers and hostile texts, one with one entry, and one without any."""
    ranked = standings()
    duels = tuple(duel(a, b) for i, a in enumerate(ranked) for b in ranked[i + 1 :])
    full = Board(
        id="voc2012-val",
        protocol="voc2012@1",
        title="Made-up numbers",
        split="val",
        n_images=len(IMAGES),
        truth=TRUTH,
        primary=PRIMARY,
        standings=ranked,
        duels=duels,
        reported=tuple(reported()),
        resampling="made up, and said so",
    )
    alone = replace(full, id="alone-val", title="One entry, made up", standings=ranked[:1], duels=(), reported=())
    bare = replace(full, id="bare-test", title="Published only, made up", standings=(), duels=(), n_images=0, truth="")
    return [alone, bare, full]


def reported() -> list[Reported]:
    """Return published numbers, made up, in hostile words."""
    numbers = [
        Reported(text, "Made-up", "val", "mean IoU", 50.0 + i, board="voc2012", source=text, caveat=text, time=text)
        for i, text in enumerate(HOSTILE)
    ]
    link = Reported("Link", "Made-up", "val", "accuracy", 0.5, "fraction", source="a page", url="javascript:alert(4)")
    sized = [
        replace(numbers[0], system=f"Sized {i}", parameters=i * 10_000_000, value=60.0 + i, source="a paper")
        for i in (1, 2, 4)
    ]
    return [*numbers, link, *sized]
