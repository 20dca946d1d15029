"""Collecting: an invitation from a link or a picture, who sends it, the collection code, and what came of it."""

from __future__ import annotations

import asyncio
import logging

from aiohttp import web

from shared.errors import (
    AccessDenied,
    InvalidClient,
    InvalidClientAttestation,
    InvalidGrant,
    InvalidToken,
    Malformed,
    Missing,
    NotEntitled,
    TooLarge,
    UnauthorizedClient,
    Unavailable,
    Untrusted,
    VcError,
)
from shared.urls import split
from shared.web.app import bound_body
from shared.web.auth import check_same_origin, read_files, read_form
from shared.web.forms import Form
from shared.web.missing_view import missing_view
from shared.web.pages import render
from shared.web.security import leave_for
from wallet import sign_in
from wallet.invite import read_invitation
from wallet.keep import Vault
from wallet.pages.desk import PICTURE, Desk, Words, link_from, see
from wallet.receive import REFUSED, give_up
from wallet.records import RECEIVING, Item
from wallet.sessions import Declined, Granted, Kept, Promised, Receiving, Sent
from wallet.upkeep import collect_and_look

log = logging.getLogger("muniment.wallet")

_PATIENCE = 3.0  # seconds that a form waits for the document before it shows how far things are


class CollectingPages:
    """``/receive``, ``/offer`` (where other sites' "open in my wallet" leads), ``/returned`` (where sign-ins at issuers lead back to)."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._running: dict[str, asyncio.Task[object]] = {}
        self._ended: dict[str, VcError] = {}

    def add_to(self, app: web.Application) -> None:
        """Register the pages."""
        app.router.add_get("/offer", self.offered)
        app.router.add_get("/receive", self.show)
        app.router.add_post("/receive", self.read)
        app.router.add_get("/receive/{id}", self.show_invitation)
        app.router.add_post("/receive/{id}", self.collect)
        app.router.add_post("/receive/{id}/give-up", self.give_up)
        app.router.add_get("/receive/{id}/state", self.state)
        app.router.add_get("/receive/{id}/sign-in", self.sign_in)
        app.router.add_get(sign_in.RETURN_PATH, self.returned)
        bound_body(app, "/receive", PICTURE)

    async def offered(self, request: web.Request) -> web.StreamResponse:
        """Somebody's page led here. Nothing is fetched before the holder says so."""
        await self._desk.sitting(request)
        link = f"{self._desk.settings.public_url}/offer?{request.rel_url.raw_query_string}"
        return await render(
            request, "wallet/opened.html", link=link, host=host_of(request.query.get("credential_offer_uri")), kind="invitation"
        )

    async def show(self, request: web.Request) -> web.StreamResponse:
        await self._desk.sitting(request)
        return await render(request, "wallet/receive.html")

    async def read(self, request: web.Request) -> web.StreamResponse:
        posted, files = await read_files(request)
        sitting, form, words = await self._desk.sitting(request), Form(posted), self._desk.words(request)
        try:
            link = await link_from(self._desk.means, form.value("link"), files.get("picture"))
            item = await read_invitation(self._desk.means, sitting.vault, link, locale=words.locale)
        except (Malformed, TooLarge) as error:
            if error.where == "picture":
                form.error(
                    "picture",
                    words._("We found no invitation in this picture. Take it again: straight, sharp, and close to the square code."),
                )
            else:
                form.error(
                    "link", words._("This is not the link of an invitation. Copy the whole link, or upload a picture of the square code.")
                )
            return await render(request, "wallet/receive.html", form=form)
        return see(f"/receive/{item.id}")

    async def _item(self, request: web.Request) -> Item[Receiving]:
        vault = (await self._desk.sitting(request)).vault
        return await self._desk.means.storage.read(lambda tx: RECEIVING.get(tx, vault, request.match_info["id"]))

    async def show_invitation(self, request: web.Request, form: Form | None = None) -> web.StreamResponse:
        await asyncio.sleep(0)  # a collection that just ended tells how
        item, form, words = await self._item(request), form or Form(), self._desk.words(request)
        if isinstance(item.value.state, Kept):
            see("/" if item.value.state.others else f"/cards/{item.value.state.document}?new=1")
        match self._ended.pop(item.id, None):
            case InvalidGrant():
                form.error(
                    "code",
                    words._(
                        "This code is not right, or the invitation was used already or has run out. After a few wrong codes you need a new invitation."
                    ),
                )
            case InvalidToken() if item.value.sign_in_at:
                form.error("code", words._("The time to collect this document is over. Sign in again."), anchor="again")
            case InvalidToken():
                form.error("code", words._("The time to collect this document is over. Ask the sender for a new invitation."))
            case Untrusted() | NotEntitled() as error:
                return await self._page(request, item, form, unknown=error)
            case VcError() as error if not isinstance(item.value.state, Declined | Promised):
                raise error
        return await self._page(request, item, form)

    async def _page(self, request: web.Request, item: Item[Receiving], form: Form, *, unknown: VcError | None = None) -> web.StreamResponse:
        state, trust = item.value.state, self._desk.means.trust()
        known = {anchor.entity for anchor in trust.anchors.anchors if anchor.entity}
        return await render(
            request,
            "wallet/invitation.html",
            form=form,
            item=item,
            invitation=item.value,
            host=host_of(item.value.issuer),
            own_house=self._desk.runs(item.value.issuer),
            known=item.value.issuer in known or trust.federation.knows(item.value.issuer),
            unknown=unknown is not None,
            missing=None if unknown is None else await missing_view(request, (unknown.detail,)),
            running=item.id in self._running,
            refused=REFUSED,
            declined=state if isinstance(state, Declined) else None,
            promised=state if isinstance(state, Promised) else None,
            away=isinstance(state, Sent),
            signed_in=isinstance(state, Granted) and state.expires_at > self._desk.means.clock(),
        )

    async def collect(self, request: web.Request) -> web.StreamResponse:
        form, words = Form(await read_form(request)), self._desk.words(request)
        item, vault = await self._item(request), (await self._desk.sitting(request)).vault
        code = None
        if item.value.code is not None:
            code = form.need("code", words._("Enter the collection code that was sent to you separately"))
            if form.wrong:
                return await self._page(request, item, form)
        task = self._running.get(item.id) or self._begin(vault, item.id, code)
        done, _ = await asyncio.wait({task}, timeout=_PATIENCE)
        if not done:
            see(f"/receive/{item.id}")
        return await self.show_invitation(request, form)

    async def give_up(self, request: web.Request) -> web.StreamResponse:
        """The holder no longer waits."""
        await read_form(request)
        await give_up(self._desk.means, (await self._desk.sitting(request)).vault, request.match_info["id"])
        return see("/")

    async def sign_in(self, request: web.Request) -> web.StreamResponse:
        """Off to the issuer. Only a link on our own page leads here: the browser forbids forms to lead to other sites."""
        check_same_origin(request)
        vault, item = (await self._desk.sitting(request)).vault, await self._item(request)
        back = self._desk.settings.public_url + sign_in.RETURN_PATH
        try:
            item = await sign_in.begin(self._desk.means, vault, item.id, redirect_uri=back)
        except VcError as error:
            return await self._not_signed_in(request, item, error)
        state = item.value.state
        if isinstance(state, Sent):
            raise leave_for(state.url)
        return see(f"/receive/{item.id}")

    async def returned(self, request: web.Request) -> web.StreamResponse:
        """Back from the issuer: the code leaves the address bar, and collecting begins."""
        vault, item = (await self._desk.sitting(request)).vault, None
        url = f"{self._desk.settings.public_url}{sign_in.RETURN_PATH}?{request.rel_url.raw_query_string}"
        try:
            item = await sign_in.find(self._desk.means, vault, url)
            item = await sign_in.finish(self._desk.means, vault, url)
        except VcError as error:
            return await self._not_signed_in(request, item, error)
        task = self._running.get(item.id) or self._begin(vault, item.id, None)
        await asyncio.wait({task}, timeout=_PATIENCE)
        return see(f"/receive/{item.id}")

    async def _not_signed_in(self, request: web.Request, item: Item[Receiving] | None, error: VcError) -> web.StreamResponse:
        words = self._desk.words(request)
        host = item.value.sign_in_at if item is not None else ""
        return await render(
            request, "wallet/not_signed_in.html", status=error.status, item=item, host=host, text=_words_for(error, words), code=error.code
        )

    def _begin(self, vault: Vault, name: str, code: str | None) -> asyncio.Task[object]:
        """Collecting goes on though the browser may leave; how it ended is told on the next look."""
        task: asyncio.Task[object] = asyncio.create_task(collect_and_look(self._desk.means, vault, name, code))
        self._running[name] = task

        def ended(task: asyncio.Task[object]) -> None:
            del self._running[name]
            error = None if task.cancelled() else task.exception()
            if isinstance(error, VcError):
                self._ended[name] = error
            elif error is not None:
                log.error("a bug while collecting", exc_info=error)
                self._ended[name] = Unavailable("something went wrong here")

        task.add_done_callback(ended)
        return task

    async def state(self, request: web.Request) -> web.StreamResponse:
        """How far a collection is, for the page that waits."""
        item, words = await self._item(request), self._desk.words(request)
        task = self._running.get(item.id)
        if task is not None and not task.done():
            return web.json_response({"state": "waiting", "text": words._("Collecting your document and checking every copy…")})
        return web.json_response({"state": "done", "href": f"/receive/{item.id}"})


def _words_for(error: VcError, words: Words) -> str:
    """Why a sign-in came to nothing, for people."""
    match error:
        case AccessDenied():
            return words._("You broke the sign-in off, or were not let in there.")
        case Missing():
            return words._("This sign-in was not begun in this wallet, or it is over already.")
        case Unavailable():
            return words._("The office did not answer. Try again in a while.")
        case InvalidClient() | InvalidClientAttestation() | UnauthorizedClient():
            return words._("The office does not know who vouches for this wallet, and gives nothing to it. Tell whoever runs this site.")
        case _:
            return words._("What came back from the sign-in does not fit what your wallet asked for. If it happens again, tell the office.")


def host_of(address: str | None) -> str:
    """Whose address a link leads to, in the form that people compare."""
    try:
        return split(address or "").netloc
    except VcError:
        return ""
