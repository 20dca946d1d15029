"""Making a document: its details are sealed, and an invitation to collect it is made. Nothing is signed before it is collected."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from issuer import entered, people
from issuer.approval import first_approval
from issuer.claims import check_claims, keep_until, source
from issuer.instruments import marked
from issuer.marking import follows_any, marks
from issuer.office import STORAGE, Office, digest, keyed, reference_mac
from issuer.people import BY_INVITATION, Opening
from issuer.portrait import settle_portraits
from issuer.records import documents, invitations, named
from issuer.records import donors as boxes
from issuer.sessions import Actor, Document, Event, Offered, Standing
from shared.clock import DAY
from shared.codec import base64url, strict_json
from shared.errors import Conflict, Malformed, Missing
from shared.openid4vci import AuthorizationCodeGrant, CredentialOffer, OfferReference, PreAuthorizedGrant, TxCode, offer_links
from shared.storage import Tx
from shared.urls import Links

MAX_REFERENCE = 200
Also = Callable[[Tx, str], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a clerk or a program wants made. ``reference`` is the office's own; ``valid_until`` is seconds, or no end.

    ``opening``: what else than the invitation opens it.
    """

    type: str
    claims: Mapping[str, Any]
    reference: str | None = None
    needs_code: bool = True
    valid_until: int | None = None
    opening: Opening = BY_INVITATION


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What goes to the holder: the token in the link, and apart from it the collection code, or in a letter the activation code."""

    token: str
    code: str | None
    activation: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    document: str
    type: str
    secrets: Secrets
    expires_at: int


async def make(
    office: Office, order: Order, *, actor: Actor, idempotency_key: str, under: bytes | None = None, also: Also | None = None
) -> Made:
    """Make a document and its invitation, once for each key of the same caller. ``under`` is the HMAC of a reference that nobody here knows.
    ``also`` is written with it, by its number.

    A photo among the claims is made small. ``Malformed`` with a pointer for wrong claims, ``Conflict`` when the key was used for another
    order.
    """
    kind = office.type(order.type)
    order = replace(order, claims=await asyncio.to_thread(settle_portraits, kind, order.claims))
    order = replace(order, claims=await marked(office, kind, order.claims, order.reference))
    check_claims(kind, order.claims)
    at = office.clock()
    _check_order(office, order, at)
    made = Made(
        document=office.number(),
        type=kind.id,
        secrets=_draw(office, order.needs_code, letter=order.opening.birth_date is not None),
        expires_at=_lapses(office, at, order),
    )
    sealed = await source(office, kind).keep(made.document, order.claims)
    document = documents.NewDocument(
        id=made.document,
        type=kind.id,
        reference=under if order.reference is None else await reference_mac(office, order.reference),
        claims=sealed,
        made_at=at,
        valid_until=order.valid_until,
        keep_until=keep_until(office, at, order.valid_until),
        approval=first_approval(office, kind),
    )
    persons = await marks(office, kind, order.claims)
    invitation = await _new_invitation(office, made)
    opening = await people.prepare(office, made.document, made.secrets.activation, order.opening)
    repeat = hashlib.sha256(f"{actor.role}\0{actor.name}\0{idempotency_key}".encode()).digest()
    body = await keyed(office, "order", _canonical(order))
    answer = await office.custodian.seal(STORAGE, strict_json.dumps(_answer(made)), context=repeat)

    async def unit(tx: Tx) -> bytes | None:
        earlier = await documents.remember_answer(tx, repeat, body, answer, at + office.settings.answer_hours * 3600)
        if earlier is None:
            await documents.insert(tx, document, actor)
            if follows_any(kind):
                await named.write(tx, made.document, persons)
            await _insert(tx, invitation, opening, at)
            if also is not None:
                await also(tx, made.document)
        if earlier is None:
            names = entered.names_of(kind, order.claims)
            await entered.enter(tx, office, "made", actor=actor, at=at, type=kind.id, claim_paths=names)
        return earlier

    earlier = await office.storage.write(unit, point="make")
    return made if earlier is None else _made(await office.custodian.unseal(STORAGE, earlier, context=repeat))


async def _insert(tx: Tx, invitation: invitations.NewInvitation, opening: people.Prepared, at: int) -> None:
    await invitations.insert(tx, invitation)
    await people.keep(tx, opening, document=invitation.document, invitation=invitation.id, at=at, expires_at=invitation.expires_at)


async def invite_again(office: Office, number: str, *, actor: Actor, needs_code: bool = True, first: Also | None = None) -> Made:
    """A new invitation to a document whose details are still held, and a new letter if there was one; what was open to it before is
    withdrawn, the pass of the wallet that had collected it included. ``first`` is written with it and before it, by the document's number.
    """
    at = office.clock()

    async def look(tx: Tx) -> tuple[Document, bool]:
        return await documents.get(tx, number), await people.has_letter(tx, number)

    known, letter = await office.storage.read(look)
    if known.standing is not Standing.IN_FORCE:
        raise Conflict("only a document in force can be collected")
    if not known.has_claims or known.keep_until <= at:
        raise Conflict("the details of this document are no longer held: make it anew")
    made = Made(
        document=number,
        type=known.type,
        secrets=_draw(office, needs_code, letter=letter),
        expires_at=min(at + office.settings.invitation_days * DAY, known.keep_until),
    )
    invitation = await _new_invitation(office, made)
    opening = await people.prepare(office, number, made.secrets.activation, BY_INVITATION)

    async def unit(tx: Tx) -> None:
        if first is not None:
            await first(tx, number)
        if (await documents.get(tx, number)).standing is not Standing.IN_FORCE:  # on hold or cancelled since
            raise Conflict("only a document in force can be collected")
        await invitations.withdraw_all(tx, number)
        await boxes.turn_pass(tx, number)  # the next wallet counts uses from 1 again
        await _insert(tx, invitation, opening, at)
        await documents.note(tx, number, Event(at=at, kind="invited", actor=actor, reason="", copies=0))

    await office.storage.write(unit, point="invite")
    return made


async def secrets_of(office: Office, number: str) -> Made | None:
    """Link and code of the open invitation to a document, for the clerk; ``None`` once it has ended."""
    found = await office.storage.read(lambda tx: invitations.newest(tx, number))
    if found is None or found[1] is None or not isinstance(found[0], Offered):
        return None
    return _made(await office.custodian.unseal(STORAGE, found[1], context=_context(found[0].id)))


async def offer_of(office: Office, token: str) -> tuple[CredentialOffer, Document]:
    """The offer behind an invitation link, or that behind the link of a letter; ``Missing`` when there is none, or it is over."""
    at = office.clock()

    async def unit(tx: Tx) -> tuple[Offered | None, Document] | None:
        number = await invitations.by_issuer_state(tx, digest("issuer state", token), at)
        return await _look_up(tx, digest("page", token)) if number is None else (None, await documents.get(tx, number))

    found = await office.storage.read(unit)
    if found is not None and found[0] is None:
        return _sign_in_offer(office, found[1].type, token), found[1]
    if found is None or found[0] is None or found[0].expires_at <= at:
        raise Missing("this invitation does not exist, was used already, or has lapsed")
    return credential_offer(office, found[1].type, token, needs_code=found[0].needs_code), found[1]


async def _look_up(tx: Tx, page: bytes) -> tuple[Offered, Document] | None:
    found = await invitations.by_page(tx, page)
    if not isinstance(found, Offered):
        return None
    return found, await documents.get(tx, found.document)


def credential_offer(office: Office, type_id: str, token: str, *, needs_code: bool) -> CredentialOffer:
    """OpenID4VCI section 4.1.1, by value: whoever has it collects, with the code that came apart."""
    code = TxCode(input_mode="numeric", length=office.settings.code_digits, description=_CODE_WORDS) if needs_code else None
    return CredentialOffer(
        issuer=office.settings.public_url,
        configuration_ids=office.configurations_of(type_id),
        pre_authorized=PreAuthorizedGrant(code=pre_authorized_code(token), tx_code=code),
    )


def sign_in_offer(office: Office, type_id: str, token: str) -> CredentialOffer:
    """The same invitation for whoever signs in: it says what it is about and gives no right to it (OpenID4VCI section 4.1.1)."""
    return _sign_in_offer(office, type_id, issuer_state(token))


def _sign_in_offer(office: Office, type_id: str, state: str) -> CredentialOffer:
    return CredentialOffer(
        issuer=office.settings.public_url,
        configuration_ids=office.configurations_of(type_id),
        authorization_code=AuthorizationCodeGrant(issuer_state=state),
    )


_CODE_WORDS = "The collection code that the office sent you separately"


def links(office: Office, token: str) -> Links:
    """The invitation by reference: our own page, and the scheme link."""
    return offer_links(OfferReference(office.url(f"/credential-offer/{token}")), office.url(f"/offer/{token}"))


def letter_links(office: Office, token: str) -> Links:
    """The same as ``links`` for a letter: there is nothing secret in them."""
    return links(office, issuer_state(token))


def links_by_value(office: Office, made: Made) -> Links:
    """The same with the whole offer inside."""
    offer = credential_offer(office, made.type, made.secrets.token, needs_code=made.secrets.code is not None)
    return offer_links(offer, office.url(f"/offer/{made.secrets.token}"))


def pre_authorized_code(token: str) -> str:
    """The code follows from the token in the link, so that only a digest of either has to be stored."""
    return base64url.encode(digest("pre-authorized code", token))


def issuer_state(token: str) -> str:
    """Follows from the token in the link too, but not from the pre-authorized code, nor that from it."""
    return base64url.encode(digest("offer with a sign-in", token))


def _draw(office: Office, needs_code: bool, *, letter: bool) -> Secrets:
    return Secrets(
        token=office.secret(16), code=_digits(office) if needs_code else None, activation=people.draw_code(office) if letter else None
    )


def _digits(office: Office) -> str:
    """Uniform over all codes: 64 random bits more than needed make the remainder's bias negligible."""
    number = int.from_bytes(office.entropy(16), "big") % 10**office.settings.code_digits
    return f"{number:0{office.settings.code_digits}d}"


async def _new_invitation(office: Office, made: Made) -> invitations.NewInvitation:
    identifier = office.secret(16)
    code = made.secrets.code
    return invitations.NewInvitation(
        id=identifier,
        document=made.document,
        page=digest("page", made.secrets.token),
        code=digest("code", pre_authorized_code(made.secrets.token)),
        tx_code=None if code is None else await tx_code_mac(office, made.document, code),
        sealed=await office.custodian.seal(STORAGE, strict_json.dumps(_answer(made)), context=_context(identifier)),
        expires_at=made.expires_at,
        issuer_state=digest("issuer state", issuer_state(made.secrets.token)),
    )


async def tx_code_mac(office: Office, document: str, code: str) -> bytes:
    return await keyed(office, f"collection code\0{document}", code)


def _context(invitation: str) -> bytes:
    return f"invitation\0{invitation}".encode()


def _lapses(office: Office, at: int, order: Order) -> int:
    latest = at + office.settings.invitation_days * DAY
    return latest if order.valid_until is None else min(latest, order.valid_until)


def _check_order(office: Office, order: Order, at: int) -> None:
    if order.valid_until is not None and order.valid_until < at + DAY:
        raise Malformed("a document must be valid for a day at least", where="/valid_until")
    if order.reference is not None and not (order.reference.strip() and len(order.reference) <= MAX_REFERENCE):
        raise Malformed(f"a reference has 1 to {MAX_REFERENCE} characters", where="/reference")
    if order.opening.birth_date is not None:
        people.check_birth_date(order.opening.birth_date, at)
    if order.opening.account is not None:
        people.check_account(office, order.opening.account)


def _canonical(order: Order) -> str:
    parts = [
        order.type,
        order.claims,
        order.reference,
        order.needs_code,
        order.valid_until,
        order.opening.birth_date,
        order.opening.account,
    ]
    return json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _answer(made: Made) -> dict[str, Any]:
    return {
        "document": made.document,
        "type": made.type,
        "token": made.secrets.token,
        "code": made.secrets.code,
        "activation": made.secrets.activation,
        "expires_at": made.expires_at,
    }


def _made(answer: bytes) -> Made:
    found = strict_json.load_object(answer)
    return Made(
        document=found["document"],
        type=found["type"],
        secrets=Secrets(token=found["token"], code=found["code"], activation=found.get("activation")),
        expires_at=found["expires_at"],
    )
