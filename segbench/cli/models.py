"""``segbench models``."""

from __future__ import annotations

from typing import Any

import click

from segbench.cli import page, report
from segbench.cli.losses import losses
from segbench.cli.options import output_format
from segbench.late import late
from segbench.models.table import MODELS, find_card

_measure = late("segbench.models.measure:measure")


@click.group(invoke_without_command=True, short_help="List the reference models, show one, state the losses.")
@click.pass_context
def models(context: click.Context) -> None:
    """List the reference models, show what is known of one, and state the losses that train them."""
    if context.invoked_subcommand is None:
        report.data(f"{context.get_help()}\n")


@models.command("list", short_help="List the models.")
@click.option("--measured", is_flag=True, help="Build each one without its memory, and count its parameters.")
@output_format("table", "json")
def list_(measured: bool, format_: str) -> int:
    """List the reference models.

    With --measured each one is built in its reference configuration, on a device that holds shapes and no numbers, and
    its parameters are counted: all of them, and those that training changes. That needs torch.

    \b
    Example:
      segbench models list --measured --format json
    """
    records = _measured() if measured else [{"name": name, "title": title} for name, (_, title) in MODELS.items()]
    if format_ == "json":
        report.data(report.json_text(records))
        return 0
    shown = [name for name in records[0] if name != "configuration"]
    lines = page.table(shown, ([str(record[name]) for name in shown] for record in records))
    hint = page.paragraph("Configurations: segbench models show NAME.") if measured else []
    report.data(page.text([*lines, *([""] if hint else []), *hint]))
    return 0


def _measured() -> list[dict[str, Any]]:
    sizes = [_measure(find_card(name)) for name in MODELS]
    fields = ("name", "configuration", "parameters", "trainable")
    return [{field: getattr(size, field) for field in fields} for size in sizes]


@models.command(short_help="Show what is known of a model.")
@click.argument("name")
def show(name: str) -> int:
    """Show what is known of the model NAME: its source, configuration, options, weights, and traps.

    NAME may also be a card of your own, as package.module:CARD. Cards are read with their models: that needs torch.

    \b
    Example:
      segbench models show unet
    """
    card = find_card(name)
    size = _measure(card)
    lines = [
        *page.title(f"{card.title} ({card.name})"),
        *page.section("source", page.bullets(card.source)),
        *page.section("reference configuration", page.paragraph(card.configuration)),
        *page.section("model", page.pairs(_facts(card, size))),
        *page.section("options", page.pairs((option, repr(default)) for option, default in card.options.items())),
        *page.section("weights by name", page.pairs((key, named.torchvision) for key, named in card.weights.items())),
        *page.section("notes", page.bullets(card.notes)),
    ]
    report.data(page.text(lines))
    return 0


def _facts(card: Any, size: Any) -> list[tuple[str, str]]:
    """Return what a page says of the size of a model, and of what goes in and comes out."""
    prepared = card.preprocessing
    stride = f"at every {card.output_stride} pixels, enlarged" if card.output_stride > 1 else "of the size of the input"
    aligned = ", corner pixels aligned" if card.align_corners else ""
    return [
        ("parameters", f"{size.parameters:,}, of which {size.trainable:,} are trained"),
        ("task", card.task),
        ("classes", str(card.classes)),
        ("channels", f"{card.channels}{f', {prepared.order}' if card.channels == 3 else ', grey'}"),
        ("values", f"0 to {prepared.high:g}, less {_numbers(prepared.mean)}, over {_numbers(prepared.std)}"),
        ("output", "smaller by an unpadded margin: runs in tiles" if card.valid else f"{stride}{aligned}"),
        ("licence", card.licence),
    ]


def _numbers(values: tuple[float, ...]) -> str:
    return " / ".join(f"{value:g}" for value in values)


models.add_command(losses)
