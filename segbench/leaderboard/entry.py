"""What is told of a submission on a board, beside its numbers."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any, Literal
from urllib.parse import urlsplit

from segbench.errors import BadParameter
from segbench.frozen import dataclass
from segbench.harness.record import RunRecord

#: What an entry may be called in file names and addresses.
ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")

#: Fields that hold a link, which a page shows as one.
LINKS = ("paper", "code")

_DATE = re.compile(r"[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?")

#: Characters of a text at most: no field is a page of its own.
LONGEST = 2000

#: Characters of the record of a run at most: of twenty models with their options.
_LONGEST_RUN = 40_000


@dataclass(frozen=True)
class Entry:
    """What people say of a submission; all of it is a stranger's text.

    Parameters
    ----------
    id : str
        Name in files and addresses: small letters, digits and hyphens.
    name : str
        What boards call it.
    authors : tuple of str
        Who made the predictions or the method.
    date : str
        ``2018``, ``2018-10`` or ``2018-10-01``: when the method was published or the predictions made.
    paper, code : str
        Links, http or https; empty when there are none.
    training_data, backbone, post_processing, licence : str
        In words; empty when unknown.
    parameters : int, optional
        Numbers that are learned.
    flops : float, optional
        Multiplications and additions for one image.
    seconds_per_image : float, optional
        On the `device`.
    device : str
        Where that was measured.
    origin : str
        Where the predictions came from: enough to find or to make them again.
    replaces : str
        The entry that this one corrects; empty when it corrects none.
    run : RunRecord, optional
        How `segbench run` has made the predictions, and what they cost.
    status : {'verified'}
        Scored by segbench from predictions.
    """

    id: str
    name: str
    authors: tuple[str, ...] = ()
    date: str = ""
    paper: str = ""
    code: str = ""
    training_data: str = ""
    backbone: str = ""
    parameters: int | None = None
    flops: float | None = None
    seconds_per_image: float | None = None
    device: str = ""
    post_processing: str = ""
    licence: str = ""
    origin: str = ""
    replaces: str = ""
    run: RunRecord | None = None
    status: Literal["verified"] = "verified"

    def __post_init__(self) -> None:
        for name in ("id", "replaces"):
            value = getattr(self, name)
            if not ID.fullmatch(value) and (value or name == "id"):
                raise BadParameter(f"{name} {value!r}", expected="small letters, digits and hyphens, 64 at most")
        if not self.name.strip():
            raise BadParameter(f"name {self.name!r}", expected="what boards call the entry")
        if self.date and not _DATE.fullmatch(self.date):
            raise BadParameter(f"date {self.date!r}", expected="2018, 2018-10 or 2018-10-01")
        for name in LINKS:
            refuse_link(name, getattr(self, name))
        for name, value in asdict(self).items():
            for text in (value,) if isinstance(value, str) else value if isinstance(value, tuple) else ():
                if len(text) > LONGEST:
                    raise BadParameter(f"{name} of {len(text)} characters", expected=f"{LONGEST} at most")
        if self.run is not None and len(str(self.run.as_record())) > _LONGEST_RUN:
            raise BadParameter("a record of a run that is too long", expected=f"{_LONGEST_RUN} characters at most")
        for name in ("parameters", "flops", "seconds_per_image"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < float("inf"):
                raise BadParameter(f"{name} {value}", expected="a number from 0 on")

    def as_record(self) -> dict[str, Any]:
        """Return the entry as JSON holds it."""
        return asdict(self) | {"authors": list(self.authors)}


def refuse_link(name: str, text: str) -> None:
    """Refuse a link that is neither http nor https.

    Parameters
    ----------
    name : str
        The field.
    text : str
        Its value; empty is no link, and passes.

    Raises
    ------
    BadParameter
        For anything else.
    """
    try:
        parts = urlsplit(text)
        is_link = parts.scheme in ("http", "https") and bool(parts.hostname) and not re.search(r"[\s\x00-\x1f]", text)
    except ValueError:
        is_link = False
    if text and not is_link:
        raise BadParameter(f"{name} {text!r}", expected="an address that begins with https:// or http://")
