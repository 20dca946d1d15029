"""Being asked: a request from a link or a picture, the consent page, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from aiohttp import web

from shared.admitted import admitted_elsewhere
from shared.errors import Malformed, TooLarge, VcError
from shared.openid4vp import RequestObject, permission_reference
from shared.receipts import Receipt, peek_receipt
from shared.urls import with_query
from shared.web.app import bound_body
from shared.web.auth import read_files, read_form
from shared.web.forms import Form
from shared.web.i18n import N_
from shared.web.pages import render
from wallet import permissions
from wallet.consent import Consent, consent
from wallet.cut_off import stop
from wallet.pages.collecting import host_of
from wallet.pages.desk import PICTURE, Desk, link_from, see
from wallet.pages.tell_words import misfit, why
from wallet.present import agree, read_request, refuse, request_object
from wallet.records import REQUESTS


class AskingPages:
    """``/present`` and ``/authorize`` (where other sites' "open in my wallet" leads)."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, app: web.Application) -> None:
        """Register the pages."""
        app.router.add_get("/authorize", self.opened)
        app.router.add_get("/present", self.show)
        app.router.add_post("/present", self.read)
        app.router.add_get("/present/{id}", self.show_request)
        app.router.add_post("/present/{id}", self.decide)
        bound_body(app, "/present", PICTURE)

    async def opened(self, request: web.Request) -> web.StreamResponse:
        """Somebody's page led here. Nothing is fetched before the holder says so."""
        await self._desk.sitting(request)
        link = f"{self._desk.settings.public_url}/authorize?{request.rel_url.raw_query_string}"
        return await render(request, "wallet/opened.html", link=link, host=host_of(request.query.get("request_uri")), kind="request")

    async def show(self, request: web.Request) -> web.StreamResponse:
        await self._desk.sitting(request)
        return await render(request, "wallet/present.html")

    async def read(self, request: web.Request) -> web.StreamResponse:
        posted, files = await read_files(request)
        sitting, form, words = await self._desk.sitting(request), Form(posted), self._desk.words(request)
        try:
            link = await link_from(self._desk.means, form.value("link"), files.get("picture"))
            item = await read_request(self._desk.means, sitting.vault, link)
        except (Malformed, TooLarge) as error:
            if error.where == "picture":
                form.error(
                    "picture", words._("We found no request in this picture. Take it again: straight, sharp, and close to the square code.")
                )
            else:
                form.error(
                    "link", words._("This is not the link of a request. Copy the whole link, or upload a picture of the square code.")
                )
            return await render(request, "wallet/present.html", form=form)
        return see(f"/present/{item.id}")

    async def _view(self, request: web.Request) -> Consent:
        sitting, words = await self._desk.sitting(request), self._desk.words(request)
        return await consent(
            self._desk.means,
            sitting.vault,
            request.match_info["id"],
            chosen=_named(request.query, "use."),
            ways=_named(request.query, "way."),
            translate=words._,
            locale=words.locale,
            dates=words.dates,
        )

    async def _asked(self, request: web.Request) -> RequestObject:
        means, vault = self._desk.means, (await self._desk.sitting(request)).vault
        item = await means.storage.read(lambda tx: REQUESTS.get(tx, vault, request.match_info["id"]))
        return request_object(means, item.value)

    async def _permissions(self, request: web.Request) -> list[dict[str, str]]:
        """What was allowed by agreeing, by its name here and its reference."""
        given = await permissions.given_by(self._desk.means, (await self._desk.sitting(request)).vault, await self._asked(request))
        return [{"id": each.id, "reference": permission_reference(each.value.permission)} for each in given]

    async def show_request(self, request: web.Request) -> web.StreamResponse:
        view = await self._view(request)
        if view.state != "asked":
            receipt, words = _receipt(view), self._desk.words(request)
            reason = "" if receipt is None else why(receipt.reason_code, words)
            return await render(
                request,
                "wallet/result.html",
                view=view,
                permissions=await self._permissions(request),
                receipt=receipt,
                words=DECISIONS,
                why=reason,
                accepted=admitted_elsewhere(view.refusal, words.locale),
                misfit=partial(misfit, words=words),
            )
        asked = await self._asked(request)
        own = self._desk.runs(view.asker.party, asked.response_uri, asked.origin or "")
        return await render(request, "wallet/consent.html", view=view, chosen=_Chosen(request), own_house=own)

    async def decide(self, request: web.Request) -> web.StreamResponse:
        form = Form(await read_form(request))
        vault, name = (await self._desk.sitting(request)).vault, request.match_info["id"]
        if form.value("decision") == "share":
            chosen = {query: form.value(f"use.{query}") for query in form.values("query") if form.value(f"use.{query}")}
            ways = {position: form.value(f"way.{position}") for position in form.values("position")}
            seen = {query: form.value(f"seen.{query}") for query in chosen}
            await agree(self._desk.means, vault, name, optional=form.values("optional"), chosen=chosen, ways=ways, seen=seen)
        elif form.value("decision") == "stop":
            await stop(self._desk.means, vault, name)
        else:
            await refuse(self._desk.means, vault, name)
        return see(f"/present/{name}")


def _named(query: Mapping[str, str], prefix: str) -> dict[str, str]:
    """The parameters that begin so, by what follows."""
    return {name.removeprefix(prefix): value for name, value in query.items() if name.startswith(prefix)}


class _Chosen:
    """Addresses of the same page with one more thing chosen, and everything that was chosen before."""

    def __init__(self, request: web.Request) -> None:
        self._path, self._query = request.path, request.query

    def __call__(self, name: str, value: str) -> str:
        kept = {key: each for key, each in self._query.items() if key.startswith(("use.", "way."))}
        return with_query(self._path, {**kept, name: value})


DECISIONS = {
    "accepted": N_("They can rely on this"),
    "rejected": N_("They do not rely on this"),
    "undecided": N_("They cannot tell yet"),
}


def _receipt(view: Consent) -> Receipt | None:
    """What the receipt says; whether it fits what was sent was checked when it came."""
    if view.receipt is None:
        return None
    try:
        return peek_receipt(view.receipt)
    except VcError:
        return None
