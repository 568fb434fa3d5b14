"""Templates of pages: every text is escaped, and nothing that is missing passes in silence."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from segbench.codec import canonical_json
from segbench.errors import BadParameter, printable, require
from segbench.formats import number
from segbench.leaderboard.entry import refuse_link

TEMPLATES = Path(__file__).parent / "templates"

#: What could end a script, begin a tag, end a line of a script, or is no text, inside JSON.
_STEERING = re.compile("[<>&\u2028\u2029\ud800-\udfff]")

#: Steps of colour in a heat map.
_STEPS = 10


def render(template: str, context: Mapping[str, Any]) -> str:
    """Return a page.

    Parameters
    ----------
    template : str
        Name of a file in `TEMPLATES`.
    context : mapping of str to object
        What it shows. Texts are escaped, and their control characters shown as text.

    Returns
    -------
    str
        HTML, SVG or XML, by the template.

    Raises
    ------
    MissingPackage
        When jinja2 is not installed.
    """
    return str(_environment().get_template(template).render(context))


def inlined(record: Any) -> Any:
    """Return JSON that may stand inside a page: no text in it can end the element around it."""
    text = _STEERING.sub(lambda match: f"\\u{ord(match.group()):04x}", canonical_json(record))
    return trusted(text)


def trusted(text: str) -> Any:
    """Return our own markup as templates take it: it is not escaped."""
    return require("markupsafe", extra="publish").Markup(text)


def broken(name: str) -> Any:
    """Return a name that may be broken into lines where its words end."""
    markup = require("markupsafe", extra="publish")
    words = re.split(r"(?<=[_(,=])", printable(name))
    return markup.Markup("<wbr>").join(words)


@cache
def _environment() -> Any:
    jinja2 = require("jinja2", extra="publish")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES, encoding="utf-8"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_shown,
    )
    environment.filters |= {
        "number": shown_number,
        "exact": exact,
        "interval": interval,
        "heat": heat,
        "inlined": inlined,
        "web": web,
        "broken": broken,
        "size": size,
    }
    return environment


def _shown(value: Any) -> Any:
    """Return what an expression shows: of a stranger's text no character that steers; markup of ours as it is."""
    return printable(value) if type(value) is str else value


def shown_number(value: float | None, unit: str = "fraction") -> str:
    """Return a value as pages show it: a fraction in percent, undefined as a dash."""
    return "–" if value is None else number(value, unit).replace("-", "−")


def exact(value: float | None) -> str:
    """Return a value to its last digit, as JSON has it; nothing where it is undefined."""
    return "" if value is None or math.isnan(value) else repr(float(value))


def interval(bounds: tuple[float, float] | None, unit: str = "fraction") -> str:
    """Return an interval as pages show it; nothing where there is none."""
    if bounds is None:
        return ""
    low, high = (shown_number(bound, unit) for bound in bounds)
    return f"{low} to {high}" if "−" in low + high else f"{low}–{high}"


def heat(share: float | None) -> str:
    """Return the step of a colour scale that stands for a share, 0 to 10; nothing where it is undefined."""
    if share is None or math.isnan(share):
        return ""
    return str(round(_STEPS * min(max(share, 0.0), 1.0)))


def web(address: str) -> str:
    """Return an address if a link may lead there, else nothing."""
    try:
        refuse_link("address", address)
    except BadParameter:
        return ""
    return address


def size(count: float | None) -> str:
    """Return a count of parameters or operations as people say it: ``7.8 M``; nothing where it is unknown."""
    if count is None:
        return ""
    for power, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= power:
            return f"{count / power:.3g} {letter}"
    return f"{count:.3g}"
