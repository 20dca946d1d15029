"""What the office's API takes and tells, as its OpenAPI document shows it."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from issuer.revoke import MAX_MANY

Reference = Annotated[str, Meta(min_length=1, max_length=200)]
State = Literal["invited", "collected", "on_hold", "cancelled", "locked", "lapsed", "withdrawn"]


class Order(Struct, frozen=True, forbid_unknown_fields=True):
    """A document to be made."""

    type: Annotated[str, Meta(max_length=64, description="Kind of document, such as `representation`.", examples=["representation"])]
    claims: Annotated[
        dict[str, Any],
        Meta(
            description="The details, as the schema of the type says (`GET /api/types`). A photo may be any JPEG, PNG or WebP picture "
            "of up to 6 MB in base64: it is cut to 48 by 60 pixels and 800 bytes."
        ),
    ]
    reference: Annotated[
        Reference | None, Meta(description="Your own case reference. Only a keyed digest of it is kept, to find the document by.")
    ] = None
    tx_code: Annotated[bool, Meta(description="Ask for a collection code, which reaches the holder by another way than the link.")] = True
    valid_until: Annotated[dt.date | None, Meta(description="Last day on which the document is valid; no end if left out.")] = None
    account: Annotated[
        Annotated[str, Meta(min_length=1, max_length=255)] | None,
        Meta(
            description="What the outside login of this office calls whoever will carry the document (`sub` of its ID token): who signs in "
            "there with that account may collect it. Only a keyed digest of it is kept.",
        ),
    ] = None
    birth_date: Annotated[
        dt.date | None,
        Meta(
            description="Date of birth of whoever will carry the document: an activation code for a letter is made, with which and with "
            "this date that person signs in from any wallet. Only a keyed digest of it is kept."
        ),
    ] = None


class Made(Struct, frozen=True):
    """An invitation to collect the document. Link and code must reach the holder by different ways."""

    id: Annotated[str, Meta(description="The document's number.")]
    state: State
    invitation_link: Annotated[str, Meta(description="A page that anybody's camera can open; the offer lies behind it.")]
    invitation_link_by_value: Annotated[str, Meta(description="The same page with the whole offer in the link.")]
    offer_uri: Annotated[str, Meta(description="The same for wallets that registered the scheme `openid-credential-offer`.")]
    offer_uri_by_value: str
    offer: Annotated[dict[str, Any], Meta(description="The credential offer itself (OpenID4VCI section 4.1.1).")]
    offer_qr: Annotated[str, Meta(description="Address of the link as a QR picture (SVG).")]
    offer_qr_png: str
    code: Annotated[str | None, Meta(description="The collection code, or null if none is asked for.")]
    sign_in_link: Annotated[
        str, Meta(description="A page for those who sign in; there is nothing secret in it, so that it goes on a letter.")
    ]
    sign_in_offer: Annotated[dict[str, Any], Meta(description="The credential offer behind it, with an `issuer_state`.")]
    activation_code: Annotated[str | None, Meta(description="The code for the letter, or null if none was asked for.")]
    expires_at: Annotated[dt.datetime, Meta(description="When the invitation lapses.")]


class Happening(Struct, frozen=True):
    """One line of a document's history."""

    at: dt.datetime
    what: str
    role: str
    who: str
    reason: str
    copies: int


class Standing(Struct, frozen=True):
    """How a document stands."""

    id: str
    type: str
    state: State
    made_at: dt.datetime
    collected_at: dt.datetime | None
    valid_until: dt.date | None


class Detail(Struct, frozen=True):
    """A document with its history; ``copies`` counts those in force."""

    id: str
    type: str
    state: State
    made_at: dt.datetime
    collected_at: dt.datetime | None
    valid_until: dt.date | None
    version: Annotated[int, Meta(description="That of the details: a correction makes it another one.")]
    copies: int
    history: list[Happening]


class Found(Struct, frozen=True):
    """A page of documents, newest first; ``total`` counts all."""

    items: list[Standing]
    total: int


class Search(Struct, frozen=True, forbid_unknown_fields=True):
    """Which documents: those under a reference, or a page of all."""

    reference: Annotated[Reference | None, Meta(description="Your own case reference.")] = None
    offset: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 0
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class Why(Struct, frozen=True, forbid_unknown_fields=True):
    """Why a standing changes: a code of the type's own list."""

    reason: Annotated[str, Meta(max_length=64, examples=["donor-died"])]


class Correction(Struct, frozen=True, forbid_unknown_fields=True):
    """Other details for a document: all of them, as in an order."""

    claims: Annotated[dict[str, Any], Meta(description="The details as they are now, as the schema of the type says.")]
    reason: Annotated[str, Meta(min_length=1, max_length=300, description="Why, for the history of the document.")]
    version: Annotated[
        int | None, Meta(description="The `version` that this corrects: if somebody else corrected it meanwhile, nothing changes (409).")
    ] = None
    answers: Annotated[
        str, Meta(max_length=64, description="Number of what its holder said was wrong: it is answered by this, and their wallet hears so.")
    ] = ""


class Renewal(Struct, frozen=True, forbid_unknown_fields=True):
    """A new invitation to a document that was made before."""

    tx_code: bool = True


class ManyChanges(Struct, frozen=True, forbid_unknown_fields=True):
    """A change to all documents under a list of references. Ask with ``preview`` first, then confirm its number."""

    references: Annotated[list[Reference], Meta(min_length=1, max_length=MAX_MANY)]
    action: Literal["cancel", "hold", "reinstate"]
    reason: Annotated[str, Meta(max_length=64)]
    preview: Annotated[bool, Meta(description="Only say what would change.")] = True
    confirm_count: Annotated[
        Annotated[int, Meta(ge=0)] | None, Meta(description="The number that the preview told; anything else changes nothing.")
    ] = None


class RegisterWord(Struct, frozen=True, forbid_unknown_fields=True):
    """What a register says of its entry. The kind of document knows its words (``GET /api/types``) and what each means."""

    type: Annotated[str, Meta(max_length=64, examples=["representation"])]
    reference: Annotated[Reference, Meta(description="The reference that documents of the entry were made under.")]
    word: Annotated[str, Meta(max_length=64, description="The register's own word.", examples=["suspended", "de-registered"])]
    reason: Annotated[str, Meta(max_length=64, description="Why, as a reason code of the kind of document.")]
    document: Annotated[
        str,
        Meta(
            max_length=64, description="Number of the document of one holder, for a word that is said of one (`of_holder`), and only then."
        ),
    ] = ""
    preview: Annotated[bool, Meta(description="Only say what would change.")] = True
    confirm_count: Annotated[
        Annotated[int, Meta(ge=0)] | None, Meta(description="The number that the preview told; anything else changes nothing.")
    ] = None


class Changed(Struct, frozen=True):
    """``unknown`` are positions in the list of references, from 0."""

    documents: int
    unchanged: int
    unknown: list[int]
    done: bool
    summary: str


class ReasonLine(Struct, frozen=True):
    code: str
    label: str
    actions: list[str]


class TypeLine(Struct, frozen=True):
    """A kind of document that this office makes; ``schema`` is JSON Schema 2020-12 of its details."""

    id: str
    vct: str
    title: str
    description: str
    configurations: list[str]
    states: Annotated[dict[str, str], Meta(description="The words of its register, each with what documents then are.")]
    of_holder: Annotated[list[str], Meta(description="Those words that are said of one holder, and not of all of the entry.")]
    reasons: list[ReasonLine]
    schema: dict[str, Any]


class Types(Struct, frozen=True):
    items: list[TypeLine]
