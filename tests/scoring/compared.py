"""Comparisons made up for tests of what is shown of them."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from itertools import combinations
from typing import Any

from segbench.scoring.duels import Comparison, Contender, Difference, Duel, ImageScores, Spread

KEYS = {"mean_iou": "fraction", "f1(threshold=0.25)": "fraction", "hausdorff": "mm"}


def duel(first: str = "one", second: str = "other", value: float = 0.0123, **fields: Any) -> Duel:
    """A pair that differs in mean IoU alone."""
    interval, p = fields.pop("interval", (0.0045, 0.02)), fields.pop("p", 0.012)
    return Duel(first, second, {"mean_iou": Difference(value, interval, p)}, **fields)


def contender(name: str, value: float, **fields: Any) -> Contender:
    given = {"per_class": {}, "spreads": {}, "ranks": (1, 2), "is_top": True, **fields}
    return Contender(name=name, scores={"mean_iou": value}, **given)


def comparison(contenders: Sequence[Contender], duels: Sequence[Duel], **fields: Any) -> Comparison:
    given: dict[str, Any] = {
        "protocol": "voc2012@1",
        "split": "val",
        "truth": "0123456789abcdef" * 4,
        "n_images": 30,
        "primary": "mean_iou",
        "units": {"mean_iou": "fraction"},
        "higher_is_better": {"mean_iou": True},
        **fields,
    }
    return Comparison(contenders=tuple(contenders), duels=tuple(duels), **given)


def of_two(value: float = 0.0123, **fields: Any) -> Comparison:
    """A comparison of two in mean IoU, the first of which has 0.5."""
    more = {name: fields.pop(name) for name in ("units", "higher_is_better") if name in fields}
    return comparison([contender("one", 0.5), contender("other", 0.5 - value)], [duel(value=value, **fields)], **more)


def drawn(seed: int, names: Sequence[str], more: Sequence[str] = ()) -> Comparison:
    """A comparison of random numbers, some of them undefined or infinite; `more` are names of classes and images."""
    dice = random.Random(seed)

    def value() -> float:
        kinds = (dice.uniform(-1, 1), math.nan, 0.0, dice.uniform(-1, 1) * 1e-9, 1 / 3, -0.1, math.inf, dice.random())
        return dice.choice(kinds)

    def interval() -> tuple[float, float] | None:
        low = dice.uniform(-1, 1)
        return dice.choice([(low, low + dice.random()), None])

    def difference() -> Difference:
        return Difference(value(), interval(), dice.choice([math.nan, 1.0, 0.0004, 0.001, dice.random()]))

    def spread() -> Spread:
        return Spread(interval(), {name: found for name in classes if (found := interval()) is not None})

    classes = ["road", "sky", *more]
    contenders = [
        Contender(
            name,
            {key: value() for key in KEYS},
            {part: value() for part in classes},
            {key: spread() for key in dice.sample([*KEYS], 2)},
            dice.choice([(1, 1), (1, 3), (2, 3)]),
            dice.random() < 0.5,
        )
        for name in names
    ]
    duels = [
        Duel(
            first,
            second,
            {key: difference() for key in KEYS},
            {part: difference() for part in classes},
            *(dice.randrange(9) for _ in range(3)),
            tuple(ImageScores(key, dice.random(), dice.random()) for key in ("0001", "0002", *more, "0003")),
        )
        for first, second in combinations(names, 2)
    ]
    directions = {key: unit == "fraction" for key, unit in KEYS.items()}
    primary = dice.choice([*KEYS])
    return comparison(contenders, duels, units=dict(KEYS), higher_is_better=directions, primary=primary)
