"""The question of a program, as JSON, made into an order."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from shared.credentials import Text
from shared.errors import InvalidRequest
from shared.openid4vp import Agreement, is_seen
from verifier.ordering import FORMAT, MAX_WORDS, Order

Word = Annotated[str, Meta(min_length=1, max_length=64)]
Words = Annotated[str, Meta(min_length=1, max_length=MAX_WORDS)]


class Use(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the check of a document is told beyond the ready question; each kind of document asks for some of it (docs/types.md)."""

    stakes: Annotated[
        Literal["low", "high"] | None, Meta(description="How much depends on it: chooses how old a list of cancelled documents may be.")
    ] = None
    powers: Annotated[list[Word] | None, Meta(description="Codes of the powers that are needed.")] = None
    attorneys: Annotated[Annotated[int, Meta(ge=1, le=32)] | None, Meta(description="How many act together now.")] = None
    instruments: Annotated[list[Word] | None, Meta(description="Codes of the instruments that are admitted.")] = None
    bases: Annotated[list[Word] | None, Meta(description="Codes of the ways of establishing it that are admitted.")] = None
    events: Annotated[list[Word] | None, Meta(description="Codes of the events in a civil register that are admitted.")] = None
    states: Annotated[list[Word] | None, Meta(description="Codes of the states of such an entry that are admitted.")] = None
    died_by: Annotated[
        Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None,
        Meta(description="The day on or before which the person has to have died."),
    ] = None
    full_date: Annotated[bool | None, Meta(description="Whether the very day of death is needed.")] = None
    authority: Annotated[Word | None, Meta(description="Code of the least authority over an estate that is needed.")] = None
    acts: Annotated[list[Word] | None, Meta(description="Codes of what is to be done for an estate.")] = None
    bands: Annotated[
        list[Word] | None, Meta(description="Codes of the bands of an estate's value that are small enough, as is each below them.")
    ] = None
    accepted_by: Annotated[list[Words] | None, Meta(description="Bodies on whose record of an authority you rely.")] = None
    discloser: Annotated[Words | None, Meta(description="Identifier of the body that is to tell.")] = None
    recipient: Annotated[Words | None, Meta(description="Identifier of the body that is to be told.")] = None
    categories: Annotated[list[Word] | None, Meta(description="Codes of what is to be told.")] = None
    used: Annotated[Annotated[int, Meta(ge=0)] | None, Meta(description="How often that permission was used before.")] = None
    capacity_evidence: Annotated[bool | None, Meta(description="Whether separate evidence was seen.")] = None
    same_person: Annotated[
        bool | None, Meta(description="What a person says who compared the names in documents that were shown together.")
    ] = None
    restrictions_allow: Annotated[bool | None, Meta(description="What a person who read the restrictions says about this use.")] = None


class Agree(Struct, frozen=True, forbid_unknown_fields=True):
    """Words that the holder agrees to by showing the document."""

    statement: Words
    statement_cy: Annotated[Words | None, Meta(description="The same in Welsh; English stands in if left out.")] = None
    reference: Annotated[str, Meta(max_length=200, description="Your own name for it.")] = ""


class Ask(Struct, frozen=True, forbid_unknown_fields=True):
    """A question. Either `query` (a ready question, see `/api/uses`), or `dcql_query` with `purpose`."""

    type: Annotated[
        str,
        Meta(
            max_length=64,
            description="Kind of document; left out, one document of each kind that has this question.",
            examples=["representation"],
        ),
    ] = ""
    query: Annotated[str, Meta(max_length=64, description="Ready question of that kind.", examples=["council-tax"])] = ""
    format: Annotated[Word, Meta(description="Form of the document, for a ready question.")] = FORMAT
    formats: Annotated[
        Annotated[list[Word], Meta(min_length=1, max_length=8)] | None,
        Meta(description="Several forms instead, of which the holder's wallet shows one of each kind of document."),
    ] = None
    dcql_query: Annotated[dict[str, Any] | None, Meta(description="A DCQL query (OpenID4VP 1.0 section 6).")] = None
    purpose: Annotated[Words | None, Meta(description="Why, in English, as the holder is shown it.")] = None
    purpose_cy: Annotated[Words | None, Meta(description="Why, in Welsh; English stands in if left out.")] = None
    purpose_id: Annotated[str, Meta(max_length=200, description="Your own name for this use, for receipts and the log.")] = ""
    redirect_uri: Annotated[
        str, Meta(max_length=2_000, description="Where the holder's browser goes afterwards, with `response_code` added to it.")
    ] = ""
    same_device: Annotated[
        bool,
        Meta(
            description="The holder's wallet is on the device that began: send its browser to `link`. That very browser comes back and goes on "
            "to `redirect_uri`, which is needed; what came of it is told once your program has brought the number that arrives there."
        ),
    ] = False
    encrypted: Annotated[
        bool, Meta(description="False asks for an answer in clear (`direct_post`), which the profile for high assurance does not allow.")
    ] = True
    agree: Annotated[Agree | None, Meta(description="What the holder agrees to, as a transaction of our own type.")] = None
    transaction_data: Annotated[
        Annotated[list[dict[str, Any]], Meta(max_length=8)] | None,
        Meta(description="Transactions of other types: objects with `type`; `credential_ids` is filled in (OpenID4VP 1.0 section 5.1)."),
    ] = None
    use: Use = Use()


def order_of(body: Ask) -> Order:
    """``InvalidRequest`` for a purpose in Welsh alone."""
    purpose = None if body.purpose is None else Text(body.purpose, body.purpose_cy or body.purpose)
    if body.purpose is None and body.purpose_cy is not None:
        raise InvalidRequest("give the purpose in English too", where="/purpose")
    if body.use.died_by is not None and not _is_day(body.use.died_by):
        raise InvalidRequest("there is no such day", where="/use/died_by")
    return Order(
        type=body.type,
        query=body.query,
        formats=body.formats or [body.format],
        dcql_query=body.dcql_query,
        purpose_id=body.purpose_id,
        purpose=purpose,
        redirect_uri=body.redirect_uri,
        same_device=body.same_device,
        locked=body.encrypted,
        agreement=None if body.agree is None else _agreement(body.agree),
        transactions=body.transaction_data or (),
        use=msgspec.to_builtins(body.use),
    )


def _is_day(text: str) -> bool:
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _agreement(agree: Agree) -> Agreement:
    for name, words in (("statement", agree.statement), ("statement_cy", agree.statement_cy or ""), ("reference", agree.reference)):
        if not is_seen(words):
            raise InvalidRequest("only letters that can be seen", where=f"/agree/{name}")
    return Agreement(statement=Text(agree.statement, agree.statement_cy or agree.statement), reference=agree.reference)
