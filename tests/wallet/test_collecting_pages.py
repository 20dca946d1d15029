"""The pages and the API of a sign-in at an issuer, without a browser: what is said, where it leads, and what another site cannot do."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from support.strict_issuer import StrictIssuer
from support.strict_wallet import town
from support.trial_verify import CLAIMS
from support.wallets import Site

from shared.errors import AccessDenied
from shared.openid4vci import render_as_metadata
from wallet.upkeep import upkeep


class Visitor:
    """A browser without JavaScript. ``leave`` follows the link to the issuer, but does not go there."""

    def __init__(self, site: Site) -> None:
        self.site, self.text, self.status, self.path = site, "", 0, "/"

    async def get(self, path: str, **headers: str) -> str:
        async with self.site.http.get(self.site.base + path, headers=headers) as answer:
            self.text, self.status, self.path = await answer.text(), answer.status, answer.url.path
        return self.text

    async def post(self, path: str, **fields: str) -> str:
        found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', self.text)
        async with self.site.http.post(self.site.base + path, data=dict(found) | fields) as answer:
            self.text, self.status, self.path = await answer.text(), answer.status, answer.url.path
        return self.text

    async def enter(self) -> None:
        await self.get("/sign-in")
        await self.post("/sign-in", holder=self.site.made.holder, passphrase=self.site.made.passphrase)

    async def invited(self, link: str) -> str:
        """The page of an invitation."""
        await self.get("/receive")
        await self.post("/receive", link=link)
        assert self.path.startswith("/receive/"), self.text
        return self.path

    async def leave(self, path: str, **headers: str) -> str:
        async with self.site.http.get(f"{self.site.base}{path}/sign-in", allow_redirects=False, headers=headers) as answer:
            self.text, self.status = await answer.text(), answer.status
            return answer.headers.get("Location", "")

    async def back(self, url: str) -> str:
        assert url.startswith(self.site.base + "/returned?")
        return await self.get(url.removeprefix(self.site.base))


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[tuple[Visitor, StrictIssuer]]:
    async with town(tmp_path) as (site, (issuer,)):
        visitor = Visitor(site)
        await visitor.enter()
        yield visitor, issuer


Place = tuple[Visitor, StrictIssuer]


async def test_there_and_back_again(place: Place) -> None:
    visitor, issuer = place
    path = await visitor.invited(issuer.link())
    host = issuer.base.removeprefix("http://")
    assert "Go and sign in" in visitor.text
    assert f"Next you go to {host}" in visitor.text
    url = await visitor.leave(path)
    assert url.startswith(f"{issuer.base}/authorize?")
    await visitor.get(path)
    assert "have not come back from there" in visitor.text
    await visitor.back(issuer.agree(url))
    assert "Document collected" in visitor.text
    assert visitor.path.startswith("/cards/"), "and no code is left in the address"


async def test_the_address_of_the_sign_in_is_followed_as_it_stands(place: Place) -> None:
    visitor, issuer = place
    endpoint = f"{issuer.base}/a%2Fb/../sign-in?at=%7E"
    document = render_as_metadata(issuer.as_metadata()) | {"authorization_endpoint": endpoint}
    issuer.instead["/.well-known/oauth-authorization-server"] = lambda _: web.json_response(document)
    url = await visitor.leave(await visitor.invited(issuer.link()))
    assert url.startswith(f"{endpoint}&client_id=")


async def test_by_the_address_alone(place: Place) -> None:
    visitor, issuer = place
    await visitor.get("/issuers")
    await visitor.post("/issuers", issuer=issuer.base)
    assert "What Strict office (test) makes" in visitor.text
    await visitor.post("/issuers/choose", type="representation")
    assert "Go and sign in" in visitor.text
    await visitor.back(issuer.agree(await visitor.leave(visitor.path)))
    assert "Document collected" in visitor.text


async def test_addresses_that_lead_nowhere(place: Place) -> None:
    visitor, issuer = place
    for typed, said in {
        "": "Enter the address of the office",
        "no address": "There is no office at this address",
        "http://localhost:1": "Nobody answered at this address",
        "http://169.254.169.254": "There is no office at this address",
    }.items():
        await visitor.get("/issuers")
        await visitor.post("/issuers", issuer=typed)
        assert said in visitor.text, typed
    issuer.instead["/.well-known/openid-credential-issuer"] = lambda _: web.json_response({})
    await visitor.post("/issuers", issuer=issuer.base)
    assert "There is no office at this address" in visitor.text
    issuer.instead.clear()
    issuer.ways.formats = ("dc+other",)
    await visitor.post("/issuers", issuer=issuer.base)
    assert "makes nothing that your wallet can keep" in visitor.text
    issuer.ways.formats = ("dc+sd-jwt",)
    await visitor.post("/issuers/choose", issuer=issuer.base, type="nothing")
    assert "Choose a document" in visitor.text


async def test_what_went_wrong_is_said_in_words(place: Place) -> None:
    visitor, issuer = place
    path = await visitor.invited(issuer.link())
    await visitor.back(issuer.deny(await visitor.leave(path), AccessDenied("no")))
    assert "You broke the sign-in off, or were not let in there." in visitor.text
    await visitor.back(issuer.agree(await visitor.leave(path), issuer="https://evil.example"))
    assert "does not fit what your wallet asked for" in visitor.text
    url = await visitor.leave(path)
    issuer.instead["/token"] = lambda _: web.Response(status=503)
    await visitor.back(issuer.agree(url))
    assert "The office did not answer" in visitor.text
    await visitor.back(issuer.agree(url))
    assert "not begun in this wallet, or it is over already" in visitor.text
    issuer.instead["/par"] = lambda _: web.json_response({"error": "invalid_client"}, status=401)
    await visitor.leave(path)
    assert "does not know who vouches for this wallet" in visitor.text
    await visitor.get(path)
    assert "Go and sign in" in visitor.text, "and it can be tried again"


async def test_only_our_own_page_sends_anybody_anywhere(place: Place) -> None:
    visitor, issuer = place
    path = await visitor.invited(issuer.link())
    for site in ("cross-site", "same-site"):
        assert await visitor.leave(path, **{"Sec-Fetch-Site": site}) == ""
        assert visitor.status == 403
    assert not issuer.calls("/par")
    assert (await visitor.leave(path, **{"Sec-Fetch-Site": "same-origin"})).startswith(issuer.base)


async def test_a_stranger_who_comes_back_is_asked_to_open_the_wallet_first(place: Place) -> None:
    visitor, issuer = place
    path = await visitor.invited(issuer.link())
    answer = issuer.agree(await visitor.leave(path))
    visitor.site.http.cookie_jar.clear()
    await visitor.back(answer)
    assert visitor.path == "/sign-in"
    assert "Your wallet closed while you were away." in visitor.text
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', visitor.text))
    assert hidden["next"].startswith("/returned?code=")
    await visitor.post(
        "/sign-in", holder=visitor.site.made.holder, passphrase=visitor.site.made.passphrase, next=hidden["next"].replace("&amp;", "&")
    )
    assert "Document collected" in visitor.text


async def test_what_is_being_approved_stands_among_the_documents(tmp_path: Path) -> None:
    async with town(tmp_path, waits=1, interval=3_600) as (site, (issuer,)):
        visitor = Visitor(site)
        await visitor.enter()
        path = await visitor.invited(issuer.link())
        await visitor.back(issuer.agree(await visitor.leave(path)))
        assert "Being approved" in visitor.text
        assert "We ask again" in visitor.text
        await visitor.get("/")
        assert "being approved" in visitor.text
        assert path in visitor.text
        site.world.clock.at += 3_600
        issuer.instead["/deferred"] = lambda _: web.json_response({"error": "credential_request_denied"}, status=400)
        await visitor.enter()
        for vault in site.host.unlocked.vaults():
            await upkeep(site.host.means, vault)
        await visitor.get(path)
        assert "You were not given this document" in visitor.text
        assert "did not pass our checks" not in visitor.text


async def test_what_is_promised_for_never_can_be_given_up(tmp_path: Path) -> None:
    """Whatever interval an issuer says, there is a page, and a way out."""
    async with town(tmp_path, waits=1, interval=2**53 - 1) as (site, (issuer,)):
        visitor = Visitor(site)
        await visitor.enter()
        path = await visitor.invited(issuer.link())
        await visitor.back(issuer.agree(await visitor.leave(path)))
        assert (visitor.status, "Being approved" in visitor.text) == (200, True)
        await visitor.post(f"{path}/give-up")
        assert visitor.path == "/"
        assert path not in visitor.text
        await visitor.get(path)
        assert visitor.status == 404


async def test_programs_sign_in_too(tmp_path: Path) -> None:
    async with town(tmp_path, waits=1, interval=60) as (site, (issuer,)):
        await site.open()
        status, kinds = await site.call("POST", "/api/issuers", {"issuer": issuer.base})
        assert (status, kinds["titles"]) == (200, {"representation": "Power of attorney"})
        status, made = await site.call("POST", "/api/receive", {"issuer": issuer.base, "type": "representation"})
        assert (status, made["state"], made["sign_in_at"]) == (200, "offered", issuer.base.removeprefix("http://"))
        status, begun = await site.call("POST", f"/api/receive/{made['id']}/sign-in")
        assert status == 200, begun
        told: Any
        status, told = await site.call("POST", f"/api/receive/{made['id']}/collect", {})
        assert (status, told["code"]) == (400, "refused")
        status, told = await site.call("POST", "/api/returned", {"url": issuer.agree(begun["url"])})
        assert (status, told["state"], told["next_at"]) == (200, "promised", site.world.clock() + 60)
        status, told = await site.call("POST", f"/api/receive/{made['id']}/collect", {})
        assert (status, told["state"]) == (200, "promised")
        site.world.clock.at += 60
        status, told = await site.call("POST", f"/api/receive/{made['id']}/collect", {})
        assert (status, told["state"]) == (200, "kept")
        status, told = await site.call("POST", f"/api/receive/{made['id']}/sign-in")
        assert status == 409
        status, told = await site.call("POST", "/api/returned", {"url": issuer.agree(begun["url"])})
        assert status == 404


async def test_several_documents_by_one_grant_are_cards_each(tmp_path: Path) -> None:
    async with town(tmp_path, identified=True, documents=2) as (site, (issuer,)):
        issuer.datasets = {"2": {**CLAIMS, "represented": {**CLAIMS["represented"], "given_name": "Arthur"}}}
        visitor = Visitor(site)
        await visitor.enter()
        await visitor.back(issuer.agree(await visitor.leave(await visitor.invited(issuer.link()))))
        assert visitor.path == "/", "the list, where both are"
        assert "Margaret Ashdown" in visitor.text
        assert "Arthur Ashdown" in visitor.text
        await site.open()
        made: Any
        _, made = await site.call("POST", "/api/receive", {"link": issuer.link()})
        shown: Any
        _, shown = await site.call("GET", "/api/cards")
        assert {made["document"], *made["others"]} == {card["id"] for card in shown["cards"]}
        assert len(made["others"]) == 1


async def test_an_issuer_that_is_not_trusted_gives_nothing(place: Place) -> None:
    visitor, issuer = place
    world: Any = visitor.site.world
    path = await visitor.invited(issuer.link())
    world.known.clear()
    await visitor.back(issuer.agree(await visitor.leave(path)))
    assert "We do not know this sender" in visitor.text
    world.known.append(issuer)
    await visitor.get(path)
    assert "Collect the document" in visitor.text, "signed in already"
    await visitor.post(path)
    assert "Document collected" in visitor.text


async def test_a_grant_that_ran_out_leads_to_the_sign_in_again(place: Place) -> None:
    visitor, issuer = place
    path = await visitor.invited(issuer.link())
    url = await visitor.leave(path)
    issuer.instead["/credential"] = lambda _: web.Response(status=503)
    await visitor.back(issuer.agree(url))
    issuer.access.clear()
    issuer.instead.clear()
    await visitor.get(path)
    await visitor.post(path)
    assert "The time to collect this document is over. Sign in again." in visitor.text
