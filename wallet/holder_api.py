"""The JSON API of a wallet's own holder: collect, look, be asked, agree, make copies out. Errors are RFC 9457.

A program opens a wallet with ``POST /api/session`` and sends the token as ``Authorization: Bearer``, until the wallet was idle too long.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Mapping
from typing import Any

import msgspec
from aiohttp import web

from shared.codec import qr
from shared.errors import (
    AccessDenied,
    Conflict,
    Forbidden,
    InvalidGrant,
    Malformed,
    Missing,
    Refused,
    SignInRequired,
    TooLarge,
    Unavailable,
    Untrusted,
)
from shared.web.auth import forgive_sign_in, require_api_session, require_session, throttle_sign_in
from shared.web.openapi import Reply, Route, add_routes
from wallet import history, invite, share, sign_in
from wallet.cards import card
from wallet.config import WalletSettings
from wallet.consent import Consent, consent
from wallet.corrections_api import Corrections
from wallet.donor_api import BothSides
from wallet.enter import Doors
from wallet.given_api import GivenReceipts
from wallet.holder_messages import (
    PICTURE,
    Agreement,
    Asking,
    CardOut,
    Cards,
    Code,
    Collect,
    CopyOut,
    CopyWish,
    History,
    Invitation,
    IssuerAddress,
    IssuerKinds,
    Known,
    Looking,
    NewWallet,
    PlatformRequest,
    Returned,
    SignIn,
    SignInAt,
    Token,
)
from wallet.keepers import acknowledge, keeper_of
from wallet.links_api import LockedLinks
from wallet.means import Means
from wallet.outbox import Outbox
from wallet.permissions_api import GivenPermissions
from wallet.present import agree, read_platform_request, read_request, refuse
from wallet.records import DOCUMENTS, RECEIVING, Item
from wallet.sessions import Addressed, Declined, Kept, Promised, Receiving, Sent
from wallet.share import Wish
from wallet.statement_api import Statements
from wallet.tell_api import Tellings
from wallet.unlocked import Sitting, Unlocked
from wallet.upkeep import collect_and_look
from wallet.views import Views


class HolderApi:
    """The handlers, and what they work with."""

    def __init__(self, means: Means, doors: Doors, unlocked: Unlocked, settings: WalletSettings, views: Views, *, outbox: Outbox) -> None:
        self._tellings = Tellings(means, unlocked, outbox)
        self._corrections = Corrections(means, unlocked)
        self._sides = BothSides(means, unlocked)
        self._permissions = GivenPermissions(means, unlocked)
        self._statements = Statements(means, unlocked)
        self._given = GivenReceipts(means, unlocked)
        self._links = LockedLinks(means, unlocked, views, settings.public_url)
        self._means = means
        self._doors = doors
        self._unlocked = unlocked
        self._settings = settings

    def add_to(self, app: web.Application) -> None:
        """Register everything under ``/api``."""
        add_routes(
            app,
            self._routes(),
            title="Wallet",
            guard=require_api_session,
            description="For the holder's own programs. Organisations speak OpenID4VCI and OpenID4VP with the wallet instead.",
        )

    def _routes(self) -> list[Route]:
        holder = "holder"
        known = (Untrusted, Refused, Conflict)
        return [
            Route("POST", "/api/session", self.open_wallet, body=SignIn, out=Token, summary="Open a wallet", errors=(SignInRequired,)),
            Route("DELETE", "/api/session", self.close_wallet, scope=holder, status=204, summary="Close it again"),
            Route(
                "POST", "/api/wallets", self.make_wallet, body=SignIn, out=NewWallet, status=201, summary="Make a wallet, where the host lets everybody do so", errors=(Forbidden, Conflict),
            ),
            Route(
                "POST", "/api/receive", self.receive, body=Collect, out=Invitation, scope=holder, max_body=PICTURE,
                summary="Read an invitation, and collect the document if the code is at hand or none is needed", errors=(*known, InvalidGrant),
            ),
            Route(
                "POST", "/api/returned", self.returned, body=Returned, out=Invitation, scope=holder, summary="Come back from a sign-in at an issuer, and collect", errors=(*known, AccessDenied, Missing),
            ),
            Route("POST", "/api/receive/{id}/sign-in", self.sign_in, out=SignInAt, scope=holder, summary="Begin a sign-in at the issuer", errors=known),
            Route("POST", "/api/issuers", self.look, body=IssuerAddress, out=IssuerKinds, scope=holder, summary="What an issuer makes", errors=known),
            Route("GET", "/api/receive/{id}", self.show_invitation, out=Invitation, scope=holder, summary="How an invitation stands"),
            Route(
                "POST", "/api/receive/{id}/collect", self.collect, body=Code, out=Invitation, scope=holder, summary="Collect the document", errors=(*known, InvalidGrant),
            ),
            Route("GET", "/api/cards", self.cards, out=Cards, scope=holder, summary="All documents"),
            Route("GET", "/api/cards/{id}", self.one_card, out=CardOut, scope=holder, summary="One document"),
            Route(
                "POST", "/api/cards/{id}/keeper", self.know_keeper, body=Known, out=CardOut, scope=holder,
                summary="Say that it is known who keeps a record now", errors=(Conflict,),
            ),
            Route(
                "POST", "/api/requests", self.ask, body=Asking, out=Consent, scope=holder, max_body=PICTURE,
                summary="Read a request and say what agreeing would show", errors=known,
            ),
            Route(
                "POST", "/api/platform-requests", self.ask_by_platform, body=PlatformRequest, out=Consent, scope=holder,
                summary="Read a request of the Digital Credentials API; once decided, `handed` goes back to the platform", errors=known,
            ),
            Route(
                "GET", "/api/requests/{id}", self.show_request, query=Looking, out=Consent, scope=holder, summary="How a request stands",
            ),
            Route(
                "POST", "/api/requests/{id}/agree", self.agree, body=Agreement, out=Consent, scope=holder, summary="Share once", errors=(Conflict, AccessDenied),
            ),
            Route("POST", "/api/requests/{id}/refuse", self.refuse, out=Consent, scope=holder, summary="Do not share"),
            Route(
                "POST", "/api/addressed", self.address, body=CopyWish, out=CopyOut, status=201, scope=holder, summary="Make a copy out to one organisation", errors=(AccessDenied, Conflict),
            ),
            Route("GET", "/api/addressed/{id}", self.show_copy, out=CopyOut, scope=holder, summary="A copy that was made"),
            *self._links.routes(holder),
            *self._permissions.routes(holder),
            *self._tellings.routes(holder),
            *self._corrections.routes(holder),
            *self._sides.routes(holder),
            *self._statements.routes(holder),
            *self._given.routes(holder),
            Route("GET", "/api/history", self.history, out=History, scope=holder, summary="Every exchange"),
        ]  # fmt: skip

    # --- the wallet itself

    async def open_wallet(self, request: web.Request, *, body: SignIn) -> Token:
        account = await self._doors.account(body.holder)
        await throttle_sign_in(request, account)
        since = self._unlocked.mark()
        opened = await self._doors.open(body.holder, body.passphrase)
        token, _ = self._unlocked.open(opened.vault, opened.holder, since=since)
        await forgive_sign_in(request, account)
        return Token(token, opened.holder, self._settings.idle_minutes * 60)

    async def close_wallet(self, request: web.Request) -> None:
        self._unlocked.close((await require_session(request)).key)

    async def make_wallet(self, request: web.Request, *, body: SignIn) -> NewWallet:
        if not self._settings.open_to_all:
            raise Forbidden("this host does not let everybody make a wallet")
        await throttle_sign_in(request, "new wallet")
        opened = await self._doors.make(body.holder, body.passphrase)
        return NewWallet(opened.holder, opened.recovery_code)

    async def _sitting(self, request: web.Request) -> Sitting:
        return self._unlocked.get((await require_session(request)).key)

    async def _link(self, body: Collect | Asking) -> str:
        """Off the event loop, for a picture takes its time; one at a time, for it takes memory."""
        if body.picture_base64 is None:
            return link_of(body.link, None)
        async with self._means.reading:
            return await asyncio.to_thread(link_of, body.link, body.picture_base64)

    # --- receiving

    async def receive(self, request: web.Request, *, body: Collect) -> Invitation:
        vault = (await self._sitting(request)).vault
        if body.issuer is not None:
            issuer = invite.address_of(body.issuer, tuple(self._means.plain_http))
            item = await invite.choose(self._means, vault, issuer, body.type or "")
        else:
            item = await invite.read_invitation(self._means, vault, await self._link(body))
        waits = item.value.sign_in_at or (item.value.code is not None and body.code is None)
        if isinstance(item.value.state, Kept) or waits:
            return _invitation(item)
        return await self._collected(request, item.id, body.code)

    async def look(self, request: web.Request, *, body: IssuerAddress) -> IssuerKinds:
        await self._sitting(request)
        kinds = await invite.look_at(self._means, invite.address_of(body.issuer, tuple(self._means.plain_http)))
        return IssuerKinds(kinds.issuer, kinds.name, kinds.sign_in_at, dict(kinds.titles))

    async def sign_in(self, request: web.Request) -> SignInAt:
        vault = (await self._sitting(request)).vault
        back = self._settings.public_url + sign_in.RETURN_PATH
        item = await sign_in.begin(self._means, vault, request.match_info["id"], redirect_uri=back)
        state = item.value.state
        if not isinstance(state, Sent):
            raise Conflict("there is nothing to sign in for")
        return SignInAt(state.url, state.until)

    async def returned(self, request: web.Request, *, body: Returned) -> Invitation:
        item = await sign_in.finish(self._means, (await self._sitting(request)).vault, body.url)
        return await self._collected(request, item.id, None)

    async def _collected(self, request: web.Request, name: str, code: str | None) -> Invitation:
        """How the invitation stands after the try; that the issuer needs time is no error."""
        try:
            await collect_and_look(self._means, (await self._sitting(request)).vault, name, code)
        except Unavailable:
            now = await self._invitation(request, name)
            if now.state != "promised":
                raise
            return now
        return await self._invitation(request, name)

    async def show_invitation(self, request: web.Request) -> Invitation:
        return await self._invitation(request, request.match_info["id"])

    async def collect(self, request: web.Request, *, body: Code) -> Invitation:
        return await self._collected(request, request.match_info["id"], body.code)

    async def _invitation(self, request: web.Request, name: str) -> Invitation:
        vault = (await self._sitting(request)).vault
        return _invitation(await self._means.storage.read(lambda tx: RECEIVING.get(tx, vault, name)))

    # --- documents

    async def cards(self, request: web.Request) -> Cards:
        vault = (await self._sitting(request)).vault
        items = await self._means.storage.read(lambda tx: DOCUMENTS.all(tx, vault))
        newest = sorted(items, key=lambda item: -item.value.received_at)
        return Cards(tuple(self._card(item) for item in newest))

    async def one_card(self, request: web.Request) -> CardOut:
        vault = (await self._sitting(request)).vault
        return self._card(await self._means.storage.read(lambda tx: DOCUMENTS.get(tx, vault, request.match_info["id"])))

    def _card(self, item: Item[Any]) -> CardOut:
        at = self._means.clock()
        return msgspec.convert(
            card(item.value, at=at, keeper=keeper_of(self._means.trust(), item.value, at)), CardOut, from_attributes=True
        )

    async def know_keeper(self, request: web.Request, *, body: Known) -> CardOut:
        vault = (await self._sitting(request)).vault
        return self._card(await acknowledge(self._means, vault, request.match_info["id"], body.statement))

    # --- being asked

    async def ask(self, request: web.Request, *, body: Asking) -> Consent:
        vault = (await self._sitting(request)).vault
        item = await read_request(self._means, vault, await self._link(body))
        return await consent(self._means, vault, item.id)

    async def ask_by_platform(self, request: web.Request, *, body: PlatformRequest) -> Consent:
        vault = (await self._sitting(request)).vault
        item = await read_platform_request(self._means, vault, body.protocol, body.data, body.origin)
        return await consent(self._means, vault, item.id)

    async def show_request(self, request: web.Request, *, query: Looking) -> Consent:
        ways = {position: name for position, _, name in (each.partition("=") for each in query.ways.split(",") if each)}
        return await consent(self._means, (await self._sitting(request)).vault, request.match_info["id"], ways=ways)

    async def agree(self, request: web.Request, *, body: Agreement) -> Consent:
        vault, name = (await self._sitting(request)).vault, request.match_info["id"]
        await agree(self._means, vault, name, optional=body.optional, chosen=body.documents, ways=body.ways, seen=body.seen)
        return await consent(self._means, vault, name)

    async def refuse(self, request: web.Request) -> Consent:
        vault, name = (await self._sitting(request)).vault, request.match_info["id"]
        await refuse(self._means, vault, name)
        return await consent(self._means, vault, name)

    # --- copies made out, history

    async def address(self, request: web.Request, *, body: CopyWish) -> Reply:
        vault = (await self._sitting(request)).vault
        wish = Wish(
            entity=body.to,
            name=body.to_name,
            purpose_id=body.purpose_id,
            type=body.type,
            query=body.query,
            claims=body.claims,
            document=body.document,
            days=body.days,
            together=body.together,
        )
        return Reply(copy_out(await share.make_out(self._means, vault, wish)))

    async def show_copy(self, request: web.Request) -> CopyOut:
        vault = (await self._sitting(request)).vault
        return copy_out(await share.get_copy(self._means, vault, request.match_info["id"]))

    async def history(self, request: web.Request) -> History:
        vault = (await self._sitting(request)).vault
        lines, intact = await history.read_checked(self._means.storage, vault)
        entries: list[Mapping[str, Any]] = [msgspec.to_builtins(line.entry) for line in reversed(lines)]
        return History(tuple(dict(entry) for entry in entries), intact)


def link_of(link: str | None, picture_base64: str | None) -> str:
    """The link itself, or the one in the picture. Exactly one of the two is given."""
    if (link is None) == (picture_base64 is None):
        raise Malformed("send a link, or a picture of one", where="/link")
    if link is not None:
        return link
    try:
        picture = base64.b64decode(picture_base64 or "", validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed("the picture is not base64", where="/picture_base64") from error
    return link_in(picture)


def link_in(picture: bytes) -> str:
    """The one link in a picture; ``Malformed`` when there is none, or several."""
    texts = list(dict.fromkeys(text.strip() for text in qr.read(picture)))
    links = [text for text in texts if "://" in text]
    if not links:
        raise Malformed("the code in this picture holds no link")
    if len(links) > 1:
        raise Malformed("there are several codes in this picture; send one that shows only the right one")
    return links[0]


def _invitation(item: Item[Receiving]) -> Invitation:
    value, state = item.value, item.value.state
    return Invitation(
        id=item.id,
        state=type(state).__name__.lower(),
        issuer=value.issuer,
        issuer_name=value.issuer_name,
        titles=value.titles,
        code=value.code,
        document=state.document if isinstance(state, Kept) else None,
        problem=f"{state.code}: {state.detail}" if isinstance(state, Declined) else "",
        sign_in_at=value.sign_in_at,
        next_at=state.next_at if isinstance(state, Promised) else 0,
        others=state.others if isinstance(state, Kept) else (),
    )


def copy_out(item: Item[Addressed]) -> CopyOut:
    """A finished copy for programs."""
    made = item.value
    try:
        picture = base64.b64encode(share.qr_png(made)).decode()
    except TooLarge:
        picture = None
    return CopyOut(
        id=item.id,
        sentence=share.sentence(made),
        to=made.entity,
        to_name=made.name,
        purpose_id=made.purpose_id,
        expires_at=made.expires_at,
        shown=made.shown,
        file=msgspec.json.decode(made.file),
        qr_png_base64=picture,
        together=made.together,
    )
