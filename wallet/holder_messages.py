"""What the holder's own programs send and get: the messages of the JSON API."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from shared.addressed import MAX_DAYS
from wallet import share
from wallet.keepers import Keeper
from wallet.sessions import CodeLook

PICTURE = 12_000_000  # bytes of a request that carries a picture

Link = Annotated[str, Meta(min_length=1, max_length=8_192)]
Name = Annotated[str, Meta(min_length=1, max_length=200)]


class SignIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Name and passphrase of a wallet."""

    holder: Name
    passphrase: Annotated[str, Meta(max_length=1_024)]


class Token(Struct, frozen=True):
    """The key to the open wallet, while it is open."""

    token: str
    holder: str
    idle_seconds: int


class NewWallet(Struct, frozen=True):
    """A wallet that was just made; the recovery code is told here and never again."""

    holder: str
    recovery_code: str


class Collect(Struct, frozen=True, forbid_unknown_fields=True):
    """An invitation: its link, or a picture of its QR code (base64); the collection code if it is at hand.

    Without an invitation: the address of an ``issuer`` and the ``type`` of the document, as ``/api/issuers`` told it.
    """

    link: Link | None = None
    issuer: Link | None = None
    type: Name | None = None
    picture_base64: Annotated[str, Meta(max_length=PICTURE)] | None = None
    code: Annotated[str, Meta(max_length=100)] | None = None


class Code(Struct, frozen=True, forbid_unknown_fields=True):
    """The collection code."""

    code: Annotated[str, Meta(max_length=100)] | None = None


class Invitation(Struct, frozen=True):
    """``state``: offered, sent (to the issuer, to sign in), granted (redeemed, not yet collected), promised (the issuer needs time until

    ``next_at``), kept or declined. ``document`` is what it led to, ``others`` are further ones that came with it. ``issuer_name`` is what
    the sender calls itself, ``sign_in_at`` the host of a sign-in that is needed.
    """

    id: str
    state: str
    issuer: str
    issuer_name: str
    titles: tuple[str, ...]
    code: CodeLook | None
    document: str | None
    problem: str
    sign_in_at: str = ""
    next_at: int = 0
    others: tuple[str, ...] = ()


class SignInAt(Struct, frozen=True):
    """Where the holder's browser goes, until ``until``; the address that it comes back to goes to ``/api/returned``."""

    url: str
    until: int


class Returned(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole address that a browser came back with from a sign-in."""

    url: Link


class IssuerAddress(Struct, frozen=True, forbid_unknown_fields=True):
    """An issuer's identifier."""

    issuer: Link


class IssuerKinds(Struct, frozen=True):
    """What an issuer makes that this wallet can keep: titles by type."""

    issuer: str
    name: str
    sign_in_at: str
    titles: dict[str, str]


class CardLine(Struct, frozen=True):
    """One detail of a document."""

    key: str
    label: str
    value: str
    group: str
    always: bool


class CardOut(Struct, frozen=True):
    """``state_code``: valid, suspended, invalid, renewing (copies count no more, and new ones are asked for), unknown or expired. ``copies_left`` are for
    showing online, ``codes_left`` for one body.

    ``keeper`` is who took over the records. Where it ``asks``, nothing is shown and no new copies are fetched before you say that it is known.
    """

    id: str
    type: str
    title: str
    subtitle: str
    issuer: str
    issuer_name: str
    state: str
    state_code: str
    expires_on: str
    copies_left: int
    codes_left: int
    copies_total: int
    checked_at: int
    renews_at: int
    trouble: str
    details: tuple[CardLine, ...]
    keeper: Keeper | None = None


class Known(Struct, frozen=True, forbid_unknown_fields=True):
    """``statement`` is that of the ``keeper`` who was looked at."""

    statement: Annotated[str, Meta(max_length=100)]


class Cards(Struct, frozen=True):
    """All documents, newest first."""

    cards: tuple[CardOut, ...]


class Asking(Struct, frozen=True, forbid_unknown_fields=True):
    """A request: its link, or a picture of its QR code (base64)."""

    link: Link | None = None
    picture_base64: Annotated[str, Meta(max_length=PICTURE)] | None = None


class Looking(Struct, frozen=True, forbid_unknown_fields=True):
    """Which way to answer is looked at, for each of the ``alternatives`` that has several."""

    ways: Annotated[
        str, Meta(max_length=1_000, description="`POSITION=NAME`, with commas between; of others the one that is proposed.")
    ] = ""


class Agreement(Struct, frozen=True, forbid_unknown_fields=True):
    """``optional`` are keys of ticked details. ``documents`` names the document that was looked at for each query, ``seen`` what was looked at
    of it: both as the request told them, or as one of the ``choices`` of its ``parts`` does. Where that would now show something else, the
    answer is `conflict`, and nothing is shown.

    ``ways`` chooses how each of the ``alternatives`` is met: its ``position`` and the ``name`` of one of its ways.
    """

    documents: dict[str, str]
    seen: dict[str, str]
    optional: Annotated[tuple[str, ...], Meta(max_length=64)] = ()
    ways: dict[str, str] = {}


class PlatformRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """What the Digital Credentials API brought: ``protocol``, its ``data`` as it came, and the ``origin`` of the site that asks.

    Whoever sends this is believed about the origin.
    """

    protocol: Annotated[str, Meta(min_length=1, max_length=64)]
    data: dict[str, Any]
    origin: Annotated[str, Meta(min_length=1, max_length=2_048)]


class CopyWish(Struct, frozen=True, forbid_unknown_fields=True):
    """A copy made out to ``to`` (an organisation's identifier, a URI) for ``purpose_id``."""

    to: Annotated[str, Meta(min_length=1, max_length=2_000)]
    purpose_id: Name
    to_name: Annotated[str, Meta(max_length=200)] = ""
    type: Name = "representation"
    query: Name | None = None
    claims: Annotated[tuple[Name, ...], Meta(max_length=64)] = ()
    document: Name | None = None
    days: Annotated[int, Meta(ge=1, le=MAX_DAYS)] = share.DEFAULT_DAYS
    together: Annotated[
        str, Meta(max_length=64, description="Of a question for people who act together: what the first of them was given; empty begins.")
    ] = ""


class CopyOut(Struct, frozen=True):
    """``file`` is the copy itself. ``qr_png_base64`` is null when it shows too much for one QR code.

    ``together`` is for the others who have to agree to the same, each by a copy made with it; empty where nobody has to.
    """

    id: str
    sentence: str
    to: str
    to_name: str
    purpose_id: str
    expires_at: int
    shown: tuple[str, ...]
    file: dict[str, Any]
    qr_png_base64: str | None
    together: str = ""


class History(Struct, frozen=True):
    """Every exchange, newest first, with the field names of EUDI TS10. ``intact`` says that the chain holds."""

    entries: tuple[dict[str, Any], ...]
    intact: bool
