"""That the holder says a detail is wrong and the issuer has not answered yet: one leaf that documents of every type can have, in clear.

No type names it, no form asks for it and no question either: an issuer adds it to the copies that it makes meanwhile, and whoever checks
one finds it beside the limits (ADR 0012).
"""

from __future__ import annotations

from typing import Final

from ._claim import Claim, Disclosure, Kind, Text

DISPUTED: Final = "disputed"
"""Its name, and the remark of a verdict."""
LEAF: Final = Claim(
    path=(DISPUTED,),
    kind=Kind.BOOLEAN,
    label=Text(
        "The holder says a detail is wrong, and the issuer is looking",
        "Mae’r deiliad yn dweud bod manylyn yn anghywir, ac mae’r cyhoeddwr yn edrych",
    ),
    group="",
    disclosure=Disclosure.ALWAYS,
    cwt=63,  # the last number that a limit can have in an mdoc
)
