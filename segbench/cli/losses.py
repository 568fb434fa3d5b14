"""``segbench models losses``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from segbench.cli import page, report
from segbench.cli.options import output_format
from segbench.training.formulas import FORMULAS, WEIGHTS

_LETTERS = (
    ("i", "the pixels of a batch whose truth is not void, N of them"),
    ("c", "the classes; means over them leave out those that `absent` leaves out, of which the truth has no pixel"),
    ("p", "1 where the truth is the class, else 0"),
    ("q", "the softmax of the logits; q_y is that of the true class"),
    ("w", "the weight of a class, by how often it occurs in the training set: n_c of its n pixels that are not void"),
)


@click.command(short_help="List the losses with their formulas.")
@output_format("table", "json")
def losses(format_: str) -> int:
    """List the losses that recipes may name, with formulas, parameters and sources.

    A recipe writes name(parameter=value,...), or several with factors:

    \b
      loss = "cross_entropy(weights=median_frequency)"
      loss = "cross_entropy+0.1*total_variation(void=in)"
    """
    report.data(report.json_text(_records()) if format_ == "json" else page.text(_lines()))
    return 0


def _records() -> list[dict[str, Any]]:
    return [
        {"name": name, "formula": known.text, "parameters": dict(known.parameters), "source": known.source}
        for name, known in FORMULAS.items()
    ]


def _lines() -> Iterator[str]:
    yield from page.title("Losses")
    for name, known in FORMULAS.items():
        yield from page.section(name, page.paragraph(known.text, hanging="  "))
        yield from page.pairs(known.parameters.items())
        yield from page.paragraph(known.source)
    yield from page.section("Letters", page.pairs(_LETTERS))
    yield from page.section("Weights", page.pairs(WEIGHTS.items(), most=30))
    yield from page.section("Choices", page.paragraph("The first of several values is the default."))
