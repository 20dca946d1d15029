"""The donor's document: made from the attorney's, tied to it by a secret that is stored nowhere (security rule S27, ADR 0011)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from issuer import offers
from issuer.claims import details, source
from issuer.offers import Made, Order
from issuer.office import Configuration, Office, keyed
from issuer.people import BY_INVITATION, Opening
from issuer.records import documents, donors
from issuer.sessions import Actor, Document, Standing
from shared.codec import base64url
from shared.credentials import CredentialType
from shared.credentials._marks import without_marks
from shared.credentials._reports import SECRET, TAG
from shared.donor import PASS_BYTES, SECRET_BYTES, tag_of
from shared.errors import Conflict, CredentialRequestDenied, Unavailable
from shared.storage import Tx

GRANTED = "representation-granted"
_SAME = ("powers", "representation_kind", "instrument_type", "decision_rule", "restrictions_text")
_SINCE = ("grant_date", "registration_date")
_ISSUER = ("issuing_authority", "issuing_country", "issuing_jurisdiction")


def makes_them(office: Office) -> bool:
    """Whether this office makes documents for donors at all."""
    return any(each.id == GRANTED for each in office.types)


async def make(office: Office, number: str, *, actor: Actor, opening: Opening = BY_INVITATION, needs_code: bool = True) -> Made:
    """The donor's document about the attorney's of that ``number``, with an invitation for her.

    ``Conflict`` where there is one that can be collected, where the other has ended, or its details are no longer held; ``Malformed`` if it is no power of attorney.
    """

    async def look(tx: Tx) -> tuple[Document, Document | None]:
        made = await donors.granted_for(tx, number)
        return await documents.get(tx, number), None if made is None else await documents.get(tx, made)

    document, made = await office.storage.read(look)
    if office.type(document.type).claim(TAG) is None or not makes_them(office):
        raise Conflict("there is no donor's side to a document of this kind")
    if made is not None and can_be_collected(made):
        raise Conflict("the donor has a document already: make a new invitation to it")
    if document.standing is not Standing.IN_FORCE:
        raise Conflict("only of a document in force can there be a donor's side")
    held = await details(office, document)
    if held is None:
        raise Conflict("the details of this document are no longer held: make it anew")
    tag, turn = await mark_of(office, number), None if made is None else await next_secret(office, number)
    order = Order(type=GRANTED, claims=seen_by_donor(held), needs_code=needs_code, valid_until=document.valid_until, opening=opening)

    async def also(tx: Tx, name: str) -> None:
        await donors.link(tx, name, number, tag)
        if turn is not None:  # somebody may have had the one before
            await turn_secret(tx, turn)

    key = f"donor's side of {number} after {'' if made is None else made.id}"
    return await offers.make(office, order, actor=actor, idempotency_key=key, also=also)


def can_be_collected(hers: Document) -> bool:
    """Whether a donor's document needs no other in its place: it has not ended, nor was it left uncollected until its details went."""
    return hers.standing is not Standing.CANCELLED and hers.has_claims


async def told(office: Office, configuration: Configuration, document: Document, sealed: bytes | None) -> Mapping[str, Any]:
    """What copies say: the details as they are now, and the half of the secret that belongs into a document of this kind.

    The donor's document says what the attorney's says now, while that is held. A form that is always shown whole has no marks.
    """
    kind = configuration.type
    made = await _told(office, kind, document, await source(office, kind).give(sealed, document))
    return made if configuration.format.withholds else without_marks(kind, made)


async def _told(office: Office, kind: CredentialType, document: Document, claims: Mapping[str, Any]) -> Mapping[str, Any]:
    if kind.claim(TAG) is not None and not kind.bearer and makes_them(office):
        return {**claims, str(TAG[0]): base64url.encode(await _mark(office, document.id))}
    if kind.claim(SECRET) is None:
        return claims
    about = await office.storage.read(lambda tx: donors.representation_of(tx, document.id))
    if about is None:
        return claims
    return {**claims, **await _now(office, about), str(SECRET[0]): base64url.encode(await secret_of(office, about))}


async def _mark(office: Office, number: str) -> bytes:
    """The mark of an attorney's document, by which it is known from its first copies on."""
    tag = await mark_of(office, number)
    if await office.storage.read(lambda tx: donors.box(tx, tag)) is None:
        await office.storage.write(lambda tx: donors.open_box(tx, number, tag), point="report-box")
    return tag


async def side_of(tx: Tx, office: Office, number: str) -> Document | None:
    """The donor's document about the attorney's of that ``number``, unless it has ended or the office makes such documents no longer."""
    made = await donors.granted_for(tx, number)
    hers = None if made is None else await documents.get(tx, made)
    return None if hers is None or hers.standing is Standing.CANCELLED or office.find_type(hers.type) is None else hers


async def check_own(office: Office, number: str) -> None:
    """``Conflict`` for a donor's document, which says what the attorney's says and is corrected with it."""
    about = await office.storage.read(lambda tx: donors.representation_of(tx, number))
    if about is not None:
        raise Conflict(f"a donor's document says what the attorney's says: correct that one, {about}")


async def cleared(office: Office, document: Document) -> bool:
    """Copies may be made now: nobody has to look at it first, or somebody has; of a donor's document at the attorney's too."""
    if office.type(document.type).claim(SECRET) is None:
        return document.cleared
    return await office.storage.read(lambda tx: donors.cleared(tx, document))


async def _now(office: Office, number: str) -> Mapping[str, Any]:
    async def look(tx: Tx) -> tuple[Document, bytes | None]:
        return await documents.get(tx, number), await documents.sealed_claims(tx, number)

    document, sealed = await office.storage.read(look)
    if not document.cleared:  # corrected since ``cleared`` was asked
        raise Unavailable("the office has just corrected this document: ask again")
    try:
        return seen_by_donor(await source(office, office.type(document.type)).give(sealed, document))
    except CredentialRequestDenied:
        return {}  # it says what it said


@dataclass(frozen=True, slots=True, kw_only=True)
class NextSecret:
    """What opens the box of ``representation`` once the donor's secret has turned for the ``turn``th time."""

    representation: str
    turn: int
    opener: bytes


async def mark_of(office: Office, number: str) -> bytes:
    """The mark of the attorney's document of that number: always the same, whatever turns."""
    return tag_of(await _secret(office, number, 0))


async def secret_of(office: Office, number: str) -> bytes:
    """The secret of the donor of the attorney's document of that number, as it is now: known to nobody without the custodian."""
    found = await office.storage.read(lambda tx: donors.box_for(tx, number))
    return await _secret(office, number, 0 if found is None else found.secret_turn)


async def _secret(office: Office, number: str, turn: int) -> bytes:
    return (await keyed(office, "report secret", _turned(number, turn)))[:SECRET_BYTES]


async def pass_of(office: Office, number: str) -> bytes:
    """What the wallet of the attorney leaves reports with now: stored nowhere, and in no document, so that nobody is ever shown it (ADR 0011)."""
    found = await office.storage.read(lambda tx: donors.box_for(tx, number))
    return await pass_after(office, number, 0 if found is None else found.pass_turn)


async def pass_after(office: Office, number: str, turn: int) -> bytes:
    """The same once it has turned so often."""
    return (await keyed(office, "report pass", _turned(number, turn)))[:PASS_BYTES]


def _turned(number: str, turn: int) -> str:
    return f"{number}\0{turn}" if turn else number


async def next_secret(office: Office, number: str) -> NextSecret | None:
    """For ``turn_secret``; ``None`` where nobody has one yet."""
    found = await office.storage.read(lambda tx: donors.box_for(tx, number))
    if found is None:
        return None
    turn = found.secret_turn + 1
    return NextSecret(representation=number, turn=turn, opener=tag_of(await _secret(office, number, turn)))


async def turn_secret(tx: Tx, new: NextSecret) -> None:
    """What donors' wallets had opens nothing from now on. ``Conflict`` if somebody else turned it meanwhile."""
    if not await donors.turn_secret(tx, new.representation, turn=new.turn, opener=new.opener):
        raise Conflict("somebody else changed this document at the same moment")


async def pass_with(office: Office, document: Document) -> str | None:
    """It goes along with each batch of copies of a document that is reported on."""
    if office.type(document.type).claim(TAG) is None or not makes_them(office):
        return None
    return base64url.encode(await pass_of(office, document.id))


def seen_by_donor(held: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the donor's document says, of the details of the attorney's; without marks."""
    names = {who: {name: held[who][name] for name in ("given_name", "family_name")} for who in ("proxy", "represented")}
    since = next(({"since": held[name]} for name in _SINCE if name in held), {})
    return {**{name: held[name] for name in (*_SAME, *_ISSUER) if name in held}, **names, **since}


def attorneys_name(detail: str, held: Mapping[str, Any]) -> str:
    """What a detail of the donor's document is called in the attorney's, of these details."""
    return next((name for name in _SINCE if name in held), detail) if detail == "since" else detail
