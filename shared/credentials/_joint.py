"""What joint acts need: by one random tag the documents of several people are known as those of one instrument (security rule S26).

The issuer makes the tag once for each instrument, 128 bits in base64url, and puts it into each document made on it. It would link its
holders' other uses, so that it stands in a group of its own, and nobody asks for it otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from ._claim import Claim, ClaimPath, Disclosure, Group, Kind, Text
from ._model import ReadyQuery
from ._rules import Expression, Rule, fault, said

TAG: ClaimPath = ("instrument_tag",)
NUMBER: ClaimPath = ("attorney_number",)
CARDINALITY: ClaimPath = ("cardinality",)
RULE: ClaimPath = ("decision_rule",)
SEVERALLY: Final = ("alone", "jointly-and-severally")
"""By which rules one of them may act without the others. Where only words say which decisions are joint, and for what is new, all must agree."""
TOGETHER: Final = "-together"
"""What the name of a question ends in that is asked of several who act together."""
_CHARACTERS = 22


def joint(cwt: int, within: str) -> Group:
    """The group, by its number in the compact form."""
    return Group(id="joint", label=Text("For acting together", "Ar gyfer gweithredu gyda’i gilydd"), cwt=cwt, within=within)


def joint_claims(cwt: int) -> tuple[Claim, Claim]:
    """Its leaves; ``cwt`` is the key of the first, the other follows."""
    return (
        Claim(
            path=("instrument_tag",),
            kind=Kind.TEXT,
            label=Text("Mark of the instrument", "Marc yr offeryn"),
            group="joint",
            disclosure=Disclosure.ONCE,
            max_length=_CHARACTERS,
            hint=Text(
                "Leave it out: it is made here, the same for all who act together, and shown only for that",
                "Gadewch ef allan: fe’i gwneir yma, yr un fath i bawb sy’n gweithredu gyda’i gilydd, a dim ond ar gyfer hynny",
            ),
            cwt=cwt,
        ),
        Claim(
            path=("attorney_number",),
            kind=Kind.INTEGER,
            label=Text("Which of them", "Pa un ohonynt"),
            group="joint",
            disclosure=Disclosure.ONCE,
            hint=Text(
                "1 for the first in the instrument; only where several act together",
                "1 i’r cyntaf yn yr offeryn; dim ond lle mae sawl un yn gweithredu gyda’i gilydd",
            ),
            cwt=cwt + 1,
        ),
    )


def joint_rules(alone: Expression) -> tuple[Rule, ...]:
    """What an issuer is asked; ``alone`` says that nobody acts together."""
    return (
        *(fault(f"/{name}", ["all", alone, said(str(name))], "who acts alone needs no mark") for (name,) in (TAG, NUMBER)),
        fault("/attorney_number", ["not", ["is", said("instrument_tag"), said("attorney_number")]], "mark and number go together"),
        fault("/attorney_number", ["less", ["else", ["claim", "attorney_number"], 1], 1], "they are counted from 1"),
    )


def together(queries: Iterable[ReadyQuery]) -> Iterator[ReadyQuery]:
    """Each question, and the same for those who must act together: only that one asks for the mark, so that it links nothing else."""
    for query in queries:
        yield query
        yield replace(
            query,
            id=query.id + TOGETHER,
            title=Text(f"{query.title.en}, acting together", f"{query.title.cy}, gan weithredu gyda’i gilydd"),
            paths=(*query.paths, TAG, NUMBER),
        )


def is_joint(query: ReadyQuery) -> bool:
    """Whether it is asked of several who act together."""
    return TAG in query.paths


def acts_alone(claims: Mapping[str, Any]) -> bool:
    """Whether whoever shows ``claims`` may act without others."""
    return claims.get(str(RULE[0])) in SEVERALLY
