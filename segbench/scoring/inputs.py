"""How predictions are written: in which values, and of which parts."""

from __future__ import annotations

from segbench.datasets.forms import SINGLE, WRITTEN, Form
from segbench.errors import BadParameter
from segbench.protocols.observed import input_of
from segbench.protocols.protocol import Protocol
from segbench.scoring.options import check_choice


def form_of(protocol: Protocol, input_: str) -> Form:
    """Return how the prediction of an image is put together.

    Parameters
    ----------
    protocol : Protocol
        The data set.
    input_ : str
        As for `segbench.score`.

    Returns
    -------
    Form
        From slices or views, else a single file.

    Raises
    ------
    BadParameter
        When it is malformed, or predictions are no volumes.
    """
    if not input_.lstrip().startswith(("slices", "fused")):
        return SINGLE
    form = Form.parse(input_)
    if protocol.kind != "volumes":
        raise BadParameter(f"input={form} for {protocol.name}", expected="a data set of volumes, as volumes")
    return form


def numbering_of(protocol: Protocol, input_: str) -> dict[int, int]:
    """Return the id of each value of predictions that hold `input_`; nothing where they hold ids.

    Parameters
    ----------
    protocol : Protocol
        The data set.
    input_ : {"ids", "trainids"}
        What they hold.

    Returns
    -------
    dict of int to int
        Ids by value.

    Raises
    ------
    BadParameter
        When the data set has no such values.
    """
    if input_ == "trainids" and protocol.train_ids:
        return dict(protocol.train_ids)
    forms = WRITTEN if protocol.kind == "volumes" else ()
    choices = ("ids", "trainids") if protocol.train_ids else ("ids", *forms)
    check_choice("input", input_, choices)
    return {}


def input_field(protocol: Protocol, form: Form, input_: str) -> str:
    """Return the field of the signature that says how predictions are written.

    Parameters
    ----------
    protocol : Protocol
        The data set.
    form : Form
        How the prediction of an image is put together.
    input_ : str
        As for `segbench.score`.

    Returns
    -------
    str
        How they are put together, and which classes were seen; ``-`` where nothing is to be said.
    """
    parts = [str(form)] if not form.is_single else []
    if protocol.observed:
        parts.append(input_of(protocol))
    return "+".join(parts) or ("-" if input_ == "ids" else input_)
