"""Asking: what is wanted and why, as a signed request that a wallet fetches, and the links and the square code that lead to it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from shared.codec import strict_json
from shared.credentials._joint import TOGETHER
from shared.dcql import parse_query
from shared.errors import Conflict, Missing, NeedsMoreAttorneys
from shared.jose import jwe
from shared.keys import sign
from shared.openid4vp import (
    IntendedUse,
    RequestObject,
    prepare_request_object,
    render_use,
    request_links,
)
from shared.storage import Tx
from shared.trust.artefact import RP_CERTIFICATE
from shared.trust.publication import parse_publication
from shared.urls import Links
from shared.web import own_trust
from verifier import together
from verifier.desk import STORAGE, Desk
from verifier.ordering import Order, terms_of
from verifier.records import exchanges
from verifier.registering import days_kept
from verifier.sessions import Answered, Asked, Exchange, Expired, Terms, transactions

_REMEMBERED: Final = 256  # signed requests that are kept for the second fetch


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What only we and the wallet that answers know. ``key`` is the private JWK that opens the answer; one a request.

    The request by the Digital Credentials API is another one, with a nonce and a key of its own.
    """

    nonce: str
    state: str
    key: Mapping[str, str] = field(repr=False)
    digital_nonce: str = ""
    digital_key: Mapping[str, str] = field(default_factory=dict, repr=False)


async def make(desk: Desk, order: Order, *, made_by: str) -> Asked:
    """A new request; it can be answered once, within the minutes of the settings."""
    return await _make(desk, terms_of(desk, order), made_by=made_by)


async def make_next(desk: Desk, exchange: Exchange, *, made_by: str) -> Asked:
    """A request of the next of several who have to agree to the same; ``Conflict`` where nobody else has to, or their time is over.

    Where only one was asked who may not act alone, it is a request of the first of them.
    """
    terms = exchange.asked.terms
    if not isinstance(exchange, Answered) or exchange.code != NeedsMoreAttorneys.code:
        raise Conflict("nobody else has to agree to this")
    if not terms.together:
        order = Order(type=terms.type, query=terms.ready + TOGETHER, formats=desk.settings.formats)
        if not terms.ready or not desk.uses_of(order.type, order.query):
            raise Conflict("this cannot be asked of several")
        return await _make(desk, terms_of(desk, order), made_by=made_by)
    if await together.standing_of(desk, exchange.asked) is None:
        raise Conflict("the time in which others could agree is over: ask everybody again")
    if not terms.transaction_data:
        order = Order(type=terms.type, query=terms.ready, formats=desk.settings.formats, together=terms.together)
        return await _make(desk, replace(terms_of(desk, order), instrument=terms.instrument), made_by=made_by)
    return await _make(desk, replace(terms, client_id=desk.client_id, redirect_uri="", same_device=False), made_by=made_by)


async def _make(desk: Desk, terms: Terms, *, made_by: str) -> Asked:
    at = desk.clock()
    asked = Asked(
        id=desk.secret(),
        entity=desk.entity,
        terms=terms,
        made_by=made_by,
        made_at=at,
        expires_at=at + desk.settings.request_minutes * 60,
    )
    secrets = Secrets(
        nonce=desk.secret(32),
        state=desk.secret(32),
        key=jwe.generate_ephemeral(),
        digital_nonce=desk.secret(32),
        digital_key=jwe.generate_ephemeral(),
    )
    sealed = await _seal(desk, asked.id, secrets)
    forget_at = at + desk.settings.request_hours * 3_600
    act = await together.asking(desk, asked)

    async def unit(tx: Tx) -> None:
        await exchanges.add_request(tx, asked, sealed, forget_at=forget_at)
        if act is not None:
            await act(tx)

    await desk.storage.write(unit, point="request")
    return asked


# --- sealed secrets --------------------------------------------------------------------------------------------------------------------


async def _seal(desk: Desk, identifier: str, secrets: Secrets) -> bytes:
    plain = strict_json.dumps({name: getattr(secrets, name) for name in Secrets.__dataclass_fields__})
    return await desk.custodian.seal(STORAGE, plain, context=f"request:{identifier}".encode())


async def open_secrets(desk: Desk, identifier: str, sealed: bytes) -> Secrets:
    """Nonce, state and key of a request that is still open."""
    doc = strict_json.load_object(await desk.custodian.unseal(STORAGE, sealed, context=f"request:{identifier}".encode()))
    return Secrets(**doc)


# --- what a wallet gets ----------------------------------------------------------------------------------------------------------------


def links(desk: Desk, asked: Asked) -> Links:
    """The page that any camera can open, with what a wallet needs in its query; and the link for wallets that registered the scheme."""
    return request_links(
        page=desk.url(f"/request/{asked.id}"), client_id=asked.terms.client_id, request_uri=desk.url(f"/vp/request/{asked.id}")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What goes with a request when it is fetched: our certificate, and how many have agreed before, where several are to."""

    registration: bytes | None = None
    agreed: int | None = None


NOTHING_BESIDE: Final = Beside()


async def beside(desk: Desk, asked: Asked) -> Beside:
    """As things stand now."""
    standing = await together.standing_of(desk, asked)
    agreed = (standing.agreed if standing else 0) if asked.terms.together else None
    return Beside(registration=await registration(desk), agreed=agreed)


def intended_use(desk: Desk, terms: Terms, what: Beside = NOTHING_BESIDE) -> IntendedUse:
    """Why we ask, in our own words, with the certificate that says what of it is registered."""
    settings = desk.settings
    days = days_kept(desk.directory, settings, terms.purpose_id)
    return IntendedUse(
        identifier=terms.purpose_id,
        purpose=terms.purpose,
        privacy_policy=settings.privacy_policy or None,
        retention_days=days if days >= 0 else None,
        claims_kept=settings.claims_kept,
        contact=settings.contact or None,
        how_to_complain=settings.how_to_complain or None,
        registration=what.registration,
        agreed=what.agreed,
    )


async def registration(desk: Desk) -> bytes | None:
    """Our certificate as it is published now (rp-cert): wallets that keep no register read there what we may ask."""
    known = await desk.storage.read(own_trust.last)
    if known is None or known.document is None:
        return None
    return next(iter(parse_publication(known.document).of(RP_CERTIFICATE)), None)


def request_object(
    desk: Desk, asked: Asked, secrets: Secrets, *, wallet_nonce: str | None = None, what: Beside = NOTHING_BESIDE
) -> RequestObject:
    """The request (OpenID4VP sections 5 and 5.10)."""
    return RequestObject(
        client_id=asked.terms.client_id,
        response_uri=desk.url(f"/vp/response/{asked.id}"),
        response_mode=asked.terms.response_mode,
        nonce=secrets.nonce,
        state=secrets.state,
        query=parse_query(asked.terms.query),
        encryption_keys=(jwe.public_half(secrets.key),),
        verifier_info=(render_use(intended_use(desk, asked.terms, what)),),
        transaction_data=transactions(asked.terms),
        wallet_nonce=wallet_nonce,
        expires_at=asked.expires_at,
    )


def digital_request(desk: Desk, asked: Asked, secrets: Secrets, *, what: Beside = NOTHING_BESIDE) -> RequestObject:
    """The same for a browser's own way to wallets: no address to answer to, but the site that it is good on (appendix A)."""
    origin = desk.settings.origin
    return RequestObject(
        client_id=asked.terms.client_id,
        response_mode="dc_api.jwt",
        nonce=secrets.digital_nonce,
        query=parse_query(asked.terms.query),
        encryption_keys=(jwe.public_half(secrets.digital_key),),
        verifier_info=(render_use(intended_use(desk, asked.terms, what)),),
        transaction_data=transactions(asked.terms),
        expires_at=asked.expires_at,
        expected_origins=(origin,),
        origin=origin,
    )


@dataclass(slots=True)
class Requests:
    """Signed requests as they are handed out. The plain form of each is remembered, so that a second fetch gets the same bytes."""

    desk: Desk
    _signed: OrderedDict[str, str] = field(default_factory=OrderedDict)

    async def fetch(self, identifier: str, *, wallet_nonce: str | None = None) -> str:
        """The signed request; ``Missing`` if there is none that could be answered. The first fetch is noted."""
        desk = self.desk
        exchange, sealed = await self._find(identifier)
        if wallet_nonce is None and identifier in self._signed:
            return self._signed[identifier]
        asked = exchange.asked
        secrets, what = await open_secrets(desk, identifier, sealed), await beside(desk, asked)
        prepared = request_object(desk, asked, secrets, wallet_nonce=wallet_nonce, what=what)
        unsigned = prepare_request_object(prepared, key=desk.signer.key, x5c=desk.x5c, at=asked.made_at, alg=desk.alg)
        token = await sign(unsigned, desk.custodian)
        await desk.storage.write(lambda tx: exchanges.retrieve(tx, identifier), point="retrieve")
        if wallet_nonce is None:
            self._remember(identifier, token)
        return token

    async def fetch_digital(self, identifier: str) -> str:
        """The signed request for a browser on our own site; each has its own signature, and all say the same."""
        desk = self.desk
        exchange, sealed = await self._find(identifier)
        secrets, what = await open_secrets(desk, identifier, sealed), await beside(desk, exchange.asked)
        prepared = digital_request(desk, exchange.asked, secrets, what=what)
        unsigned = prepare_request_object(prepared, key=desk.signer.key, x5c=desk.x5c, at=exchange.asked.made_at, alg=desk.alg)
        token = await sign(unsigned, desk.custodian)
        await desk.storage.write(lambda tx: exchanges.retrieve(tx, identifier), point="retrieve")
        return token

    async def _find(self, identifier: str) -> tuple[Exchange, bytes]:
        at = self.desk.clock()
        found = await self.desk.storage.read(lambda tx: exchanges.find_open(tx, identifier, at))
        if found is None or isinstance(found[0], Answered | Expired) or not found[1]:
            raise Missing("there is no such request, or it has been answered or has run out")
        return found

    def _remember(self, identifier: str, token: str) -> None:
        self._signed[identifier] = token
        while len(self._signed) > _REMEMBERED:
            self._signed.popitem(last=False)


async def find(desk: Desk, identifier: str) -> Exchange:
    """How a request or brought copy stands; ``Missing`` if there is none of that name any more."""
    at = desk.clock()
    found = await desk.storage.read(lambda tx: exchanges.find(tx, identifier, at))
    if found is None:
        raise Missing("there is no such request, or its time is over")
    return found
