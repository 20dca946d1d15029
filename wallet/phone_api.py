"""What a holder's phone page asks of this service, with the cookie of the open wallet: ``/phone/api``. Errors are RFC 9457.

The page works without all of this once it has its copies. It never asks here because a copy was shown or is about to be (security rule
S21): copies and lists come on days that were settled before, whole batches at a time.
"""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct

from shared.codec import base64url
from shared.errors import Conflict, InvalidProof, Missing, Refused, Untrusted
from shared.jose import jwk
from shared.web.auth import require_api_session, require_session
from shared.web.openapi import Route, add_routes
from shared.web.rates import Limit, allow
from wallet import phone, register, showings
from wallet.batch import MAX_BATCH
from wallet.cards import card
from wallet.deliveries import Begun, Delivery, Lost, OnPhone, Received
from wallet.keep import Vault
from wallet.keepers import keeper_of
from wallet.means import Means
from wallet.records import DOCUMENTS, Item
from wallet.sessions import Document
from wallet.showings import Showing
from wallet.unlocked import Sitting, Unlocked

MAX_PROOF = 4_096
BEGUN = Limit("phone-begin", 60, 3_600)
TOLD = Limit("phone-showings", 60, 3_600)

PhoneName = Annotated[str, Meta(pattern="^[0-9a-f]{32}$", description="A random name that the phone gave itself.")]
Id = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,200}$")]


class Whose(Struct, frozen=True, forbid_unknown_fields=True):
    """Which phone asks."""

    phone: PhoneName


class Successor(Struct, frozen=True):
    """Who keeps the records of an office now, since ``since``; its name by language. ``private``: it is no public body."""

    entity: str
    name: dict[str, str]
    since: int
    private: bool


class Keepable(Struct, frozen=True):
    """A document of the wallet. ``keepable``: the office gives new copies of it, as far as is known here. ``keeper`` is who took over from it."""

    id: str
    type: str
    vct: str
    title: str
    subtitle: str
    issuer: str
    issuer_name: str
    state_code: str
    checked_at: int
    keepable: bool
    keeper: Successor | None = None


class BatchLine(Struct, frozen=True):
    """A batch of copies. ``state`` is begun, received (waits for the phone), on-phone or lost (the office has not heard it yet)."""

    id: str
    document: str
    mine: bool
    state: str
    at: int
    count: int
    renew_at: int
    expires_at: int


class PhoneState(Struct, frozen=True):
    """The wallet as far as a phone needs it. ``at`` is this service's clock, in seconds."""

    at: int
    holder: str
    documents: tuple[Keepable, ...]
    batches: tuple[BatchLine, ...]


class Begin(Struct, frozen=True, forbid_unknown_fields=True):
    """A batch of one document for one phone."""

    document: Id
    phone: PhoneName


class Challenge(Struct, frozen=True):
    """What each of ``count`` key proofs must say: audience, nonce and time. ``state`` is received if copies wait from an earlier attempt."""

    id: str
    state: str
    audience: str
    nonce: str
    at: int
    count: int


class Proofs(Struct, frozen=True, forbid_unknown_fields=True):
    """Key proofs (OpenID4VCI appendix F.1), one a key; each key is for one copy."""

    proofs: Annotated[tuple[Annotated[str, Meta(max_length=MAX_PROOF)], ...], Meta(max_length=MAX_BATCH)] = ()


class Copies(Struct, frozen=True):
    """Checked copies in any order, and the key that the office signed them with (a public JWK)."""

    id: str
    issuer: str
    issuer_name: str
    issuer_key: dict[str, str]
    copies: tuple[str, ...]
    renew_at: int


class AnchorKey(Struct, frozen=True):
    """A key that vouches for organisations (a public JWK): for one of them, or for any where ``entity`` is null. Days of its certificate.

    Of a registrar in a federation: its identifier, the countries whose organisations it registers, and until when its superiors let it.
    """

    key: dict[str, str]
    entity: str | None
    not_before: int
    not_after: int
    registrar: str | None = None
    countries: tuple[str, ...] | None = None


class PhoneRegister(Struct, frozen=True):
    """Who may ask: each organisation's certificate (rp-cert, base64url), the same for every wallet here. ``at`` is when it was read."""

    at: int
    certificates: tuple[str, ...]
    anchors: tuple[AnchorKey, ...]


class Staples(Struct, frozen=True):
    """The office's latest words about each copy on this phone (status assertions, base64url)."""

    staples: tuple[str, ...]


class WhyNot(Struct, frozen=True, forbid_unknown_fields=True):
    """The code of the check that failed on the phone."""

    code: Annotated[str, Meta(pattern="^[a-z_]{1,60}$")]


TOLD_AT_ONCE = 2_000_000  # bytes


class Showings(Struct, frozen=True, forbid_unknown_fields=True):
    """What happened without a network."""

    showings: Annotated[tuple[Showing, ...], Meta(max_length=200)]


class PhoneApi:
    """The handlers, and what they work with."""

    def __init__(self, means: Means, unlocked: Unlocked) -> None:
        self._means = means
        self._unlocked = unlocked

    def add_to(self, app: web.Application) -> None:
        """Register everything under ``/phone/api``."""
        add_routes(
            app,
            self._routes(),
            title="Wallet on a phone",
            prefix="/phone/api",
            guard=require_api_session,
            description="For the wallet's own page that works without a network.",
        )

    def _routes(self) -> list[Route]:
        holder, batch = "holder", "/phone/api/batches/{id}"
        asking = (Conflict, Untrusted, Refused)
        return [
            Route("GET", "/phone/api/state", self.state, query=Whose, out=PhoneState, scope=holder, summary="Documents, and the batches that phones keep"),
            Route("POST", "/phone/api/batches", self.begin, body=Begin, out=Challenge, scope=holder, summary="Begin a batch: what its key proofs must say", errors=(*asking, Missing)),
            Route(
                "POST", f"{batch}/copies", self.copies, body=Proofs, out=Copies, scope=holder, max_body=MAX_BATCH * (MAX_PROOF + 100),
                summary="Send the key proofs to the office and get the copies; again after a broken connection", errors=(*asking, InvalidProof),
            ),
            Route("POST", f"{batch}/kept", self.kept, scope=holder, status=204, summary="The phone has stored them", errors=(Conflict,)),
            Route("POST", f"{batch}/refused", self.refused, body=WhyNot, scope=holder, status=204, summary="The phone's own check failed; nobody keeps them"),
            Route("POST", f"{batch}/lost", self.lost, scope=holder, status=204, summary="They are gone from the phone: the office is asked to put them on hold"),
            Route("GET", "/phone/api/register", self.register, out=PhoneRegister, scope=holder, summary="Who may ask, for a phone to keep"),
            Route("GET", "/phone/api/staples", self.staples, query=Whose, out=Staples, scope=holder, summary="What the office last said of each copy on this phone"),
            Route("POST", "/phone/api/showings", self.add_showings, body=Showings, scope=holder, status=204, max_body=TOLD_AT_ONCE, summary="Add what was shown without a network to the history"),
        ]  # fmt: skip

    async def _sitting(self, request: web.Request) -> Sitting:
        return self._unlocked.get((await require_session(request)).key)

    async def state(self, request: web.Request, *, query: Whose) -> PhoneState:
        sitting = await self._sitting(request)
        documents = await self._means.storage.read(lambda tx: DOCUMENTS.all(tx, sitting.vault))
        batches = await phone.all_deliveries(self._means, sitting.vault)
        newest = sorted(documents, key=lambda item: -item.value.received_at)
        return PhoneState(
            at=self._means.clock(),
            holder=sitting.holder,
            documents=tuple(self._keepable(item) for item in newest),
            batches=tuple(batch_line(item, query.phone) for item in batches),
        )

    def _keepable(self, item: Item[Document]) -> Keepable:
        at = self._means.clock()
        one, keeper = card(item.value, at=at), keeper_of(self._means.trust(), item.value, at)
        waits = keeper is not None and keeper.asks
        return Keepable(
            id=one.id,
            type=one.type,
            vct=item.value.vct,
            title=one.title,
            subtitle=one.subtitle,
            issuer=one.issuer,
            issuer_name=one.issuer_name,
            state_code=item.value.standing,
            checked_at=one.checked_at,
            keepable=item.value.renewal is not None and item.value.status.value != "invalid" and not waits,
            keeper=None
            if keeper is None
            else Successor(entity=keeper.entity, name=dict(keeper.name), since=keeper.since, private=keeper.private),
        )

    async def begin(self, request: web.Request, *, body: Begin) -> Challenge:
        vault = (await self._sitting(request)).vault
        await allow(self._means.storage, BEGUN, vault.wallet, at=self._means.clock())  # each asks the office
        item = await phone.begin(self._means, vault, body.document, body.phone)
        state, issuer = item.value.state, await self._issuer(vault, body.document)
        nonce, count = (
            (state.nonce, state.count) if isinstance(state, Begun) else ("", len(state.lines) if isinstance(state, Received) else 0)
        )
        return Challenge(item.id, word_of(item.value), issuer, nonce, self._means.clock(), count)

    async def copies(self, request: web.Request, *, body: Proofs) -> Copies:
        vault, name = (await self._sitting(request)).vault, request.match_info["id"]
        item = await phone.fetch_copies(self._means, vault, name, body.proofs)
        received = item.value.state
        if not isinstance(received, Received):
            raise Conflict("these copies are not here")
        issuer = await self._issuer(vault, item.value.document)
        return Copies(item.id, issuer, received.issuer_name, received.issuer_key, received.wires, received.renew_at)

    async def _issuer(self, vault: Vault, document: str) -> str:
        return (await self._means.storage.read(lambda tx: DOCUMENTS.get(tx, vault, document))).value.issuer

    async def kept(self, request: web.Request) -> None:
        await phone.kept(self._means, (await self._sitting(request)).vault, request.match_info["id"])

    async def refused(self, request: web.Request, *, body: WhyNot) -> None:
        await phone.refused(self._means, (await self._sitting(request)).vault, request.match_info["id"], body.code)

    async def lost(self, request: web.Request) -> None:
        await phone.lost(self._means, (await self._sitting(request)).vault, request.match_info["id"])

    async def register(self, request: web.Request) -> PhoneRegister:
        await self._sitting(request)
        known = await register.directory(self._means)
        anchors = register.askers(self._means).anchors
        return PhoneRegister(
            at=self._means.clock(),
            certificates=tuple(base64url.encode(file) for file in known.files.values()),
            anchors=tuple(
                AnchorKey(
                    key=dict(jwk.render_jwk(one.certificate.public)),
                    entity=one.entity,
                    not_before=one.certificate.not_before,
                    not_after=one.certificate.not_after,
                )
                for one in anchors
            )
            + tuple(
                AnchorKey(
                    key=dict(jwk.render_jwk(one.public)),
                    entity=None,
                    not_before=one.since,
                    not_after=one.until - 1,
                    registrar=one.entity,
                    countries=one.countries,
                )
                for one in known.registrars
            ),
        )

    async def staples(self, request: web.Request, *, query: Whose) -> Staples:
        batches = await phone.all_deliveries(self._means, (await self._sitting(request)).vault)
        mine = (item.value.state for item in batches if item.value.phone == query.phone)
        return Staples(tuple(base64url.encode(one) for state in mine if isinstance(state, OnPhone) for one in state.staples))

    async def add_showings(self, request: web.Request, *, body: Showings) -> None:
        vault = (await self._sitting(request)).vault
        await allow(self._means.storage, TOLD, vault.wallet, at=self._means.clock())  # a history only grows
        await showings.add(self._means, vault, body.showings)


def word_of(delivery: Delivery) -> str:
    """The state of a batch as one word."""
    match delivery.state:
        case Begun():
            return "begun"
        case Received():
            return "received"
        case OnPhone():
            return "on-phone"
        case Lost():
            return "lost"


def batch_line(item: Item[Delivery], phone_name: str) -> BatchLine:
    """One batch as the page sees it."""
    state = item.value.state
    lines, renew_at = (state.lines, state.renew_at) if isinstance(state, Received | OnPhone) else ((), 0)
    return BatchLine(
        id=item.id,
        document=item.value.document,
        mine=item.value.phone == phone_name,
        state=word_of(item.value),
        at=item.value.at,
        count=len(lines),
        renew_at=renew_at,
        expires_at=min((line.expires_at for line in lines), default=0),
    )
