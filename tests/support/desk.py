"""A verifier for tests: set up once a session, copied for each test; an issuer's site as a dictionary; copies and answers by a small wallet."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
import yarl
from aiohttp import ClientSession, CookieJar, web
from support.ports import free_port
from support.signing import AT, Signer
from support.thrift import easy_seal
from support.trial_verify import ISSUER, LIST, VCT, Dice, credential_type, issue, registry, show, status_token
from support.trial_web import Watch
from support.trusting import Publisher

from shared import addressed
from shared.addressed import AddressedPresentation
from shared.clock import system_entropy
from shared.credentials._derive import type_metadata_bytes
from shared.errors import Unavailable
from shared.flow import Fetch, Fetched, arun
from shared.formats import Binding
from shared.keys import Role
from shared.openid4vci import (
    AsMetadata,
    Configuration,
    IssuerMetadata,
    render_as_metadata,
    render_issuer_metadata,
)
from shared.openid4vp import RequestObject, render_response, resolve_request
from shared.trust.anchors import TrustAnchors, parse_anchor
from shared.trust.artefact import STATUS_LIST_CWT
from shared.trust.policy import Policy
from shared.urls import LOOPBACK
from shared.web.context import FETCHER
from shared.web.operators import first_operator
from shared.web.settings import load
from shared.x509 import render_pem
from verifier import app as composition
from verifier import config, init
from verifier.desk import SCOPES, Desk
from verifier.material import Store
from verifier.opening import open_desk, start, stop

URL = "https://desk.example"
BANK = "https://northwold-bank.example"
PURPOSE = "bank"
TRUST = f"{ISSUER}/.well-known/muniment-trust"
PATHS = (
    ("represented", "given_name"),
    ("represented", "family_name"),
    ("represented", "birthdate"),
    ("represented", "address", "postal_code"),
    ("proxy", "given_name"),
    ("proxy", "family_name"),
    ("powers", 1),
)
"""What the bank's ready question asks of the trial document, whose second power is banking."""


@dataclass
class Site:
    """What the registry publishes, as a driver of flows that counts who asked for what. ``cwt`` are its lists in their other form.

    ``trust`` is what its anchor says is in force; ``None`` if it publishes nothing of the kind.
    """

    trust: Publisher | None = field(default_factory=Publisher)
    cwt: dict[str, bytes] = field(default_factory=dict)
    lists: dict[str, str] = field(default_factory=lambda: {LIST: status_token()})
    down: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def pages(self) -> dict[str, bytes]:
        metadata = IssuerMetadata(
            issuer=ISSUER,
            credential_endpoint=f"{ISSUER}/credential",
            configurations={
                "poa": Configuration(id="poa", format="dc+sd-jwt", vct=VCT, binding_methods=("jwk",), proof_algs=("ES256",)),
            },
        )
        server = render_as_metadata(AsMetadata(issuer=ISSUER, token_endpoint=f"{ISSUER}/token"))
        return {
            f"{ISSUER}/.well-known/openid-credential-issuer": _json(render_issuer_metadata(metadata)),
            f"{ISSUER}/.well-known/oauth-authorization-server": _json(server | {"status_list_aggregation_endpoint": f"{ISSUER}/lists"}),
            f"{ISSUER}/lists": _json({"status_lists": list(self.lists)}),
            f"{ISSUER}/types/{VCT}": type_metadata_bytes(credential_type()),
            **{uri: token.encode() for uri, token in self.lists.items()},
            **({} if self.trust is None else {TRUST: self.trust.publication()}),
        }

    async def __call__(self, fetch: Fetch) -> Fetched:
        self.asked.append(fetch.url)
        body = self.pages().get(fetch.url)
        if fetch.headers.get("accept") == STATUS_LIST_CWT:
            body = self.cwt.get(fetch.url, body)
        if body is None and fetch.url == TRUST and TRUST not in self.down:
            return Fetched(status=404)
        if body is None or fetch.url in self.down:
            raise Unavailable("nobody answers")
        return Fetched(status=200, headers={"content-type": "application/json"}, body=body)


def _json(doc: object) -> bytes:
    return json.dumps(doc).encode()


@dataclass(frozen=True)
class Template:
    """A folder that ``init`` made, and what it told."""

    directory: Path
    made: init.SetUp


async def make_template(directory: Path, *, name: str = "Northwold Bank", entity: str = BANK, url: str = URL) -> Template:
    directory.parent.mkdir(parents=True, exist_ok=True)
    anchor = directory.parent / "registry.pem"
    anchor.write_text(render_pem(registry().certificate.der))
    wish = init.Wish(
        directory=directory,
        name=name,
        public_url=url,
        port=8103,
        entity=entity,
        operator="Bea Clerk",
        passphrase="correct-horse-battery",
        trust=(f"{anchor}:credential-issuer:{ISSUER}",),
    )
    with easy_seal():
        return Template(directory, await init.set_up(wish, clock=Watch(AT - 3600), entropy=system_entropy))


def settings_of(directory: Path, **changes: Any) -> config.Settings:
    known = config.settle(load(config.Settings, config.toml(directory), {}, config.PREFIX), directory)
    return msgspec.structs.replace(known, **changes)


def place(template: Template, directory: Path) -> None:
    """A copy of the template, unless there is one."""
    if not directory.exists():
        shutil.copytree(template.directory, directory)


@asynccontextmanager
async def opened(template: Template, directory: Path, *, clock: Watch | None = None, **settings: Any) -> AsyncIterator[Desk]:
    """A copy of the template in ``directory``, opened without serving."""
    place(template, directory)
    desk = open_desk(directory, settings_of(directory, **settings), clock=clock or Watch(AT))
    try:
        await start(desk)
        yield desk
    finally:
        await stop(desk)


async def refreshed(desk: Desk, site: Site | None = None) -> Store:
    store = Store(desk)
    await store.refresh(site or Site())
    return store


# --- a wallet as small as can be -------------------------------------------------------------------------------------------------------


def make_copy(
    *,
    to: str = BANK,
    purpose: str = PURPOSE,
    at: int = AT,
    days: int = 14,
    seed: str = "copy",
    paths: Sequence[Any] = PATHS,
    wire: str | None = None,
    staples: Sequence[str] = (),
    **changes: Any,
) -> AddressedPresentation:
    """A copy made out to ``to``; ``changes`` are those of the document."""
    binding = addressed.make_binding(entity=to, purpose_id=purpose, at=at, entropy=Dice(seed), days=days)
    shown = show(wire or issue(seed=seed, **changes), paths=paths, binding=binding, at=at)
    return AddressedPresentation(
        format="dc+sd-jwt",
        aud=addressed.audience(to),
        purpose_id=purpose,
        vp_token={purpose: (shown,)},
        status_list_tokens=tuple(staples),
    )


def copy_file(**how: Any) -> bytes:
    return addressed.render_file(make_copy(**how))


def lines(verdict: Mapping[str, Any]) -> dict[str, str]:
    return {line["name"]: line["state"] for line in verdict["checks"]}


# --- a running desk --------------------------------------------------------------------------------------------------------------------


@dataclass
class Running:
    """A verifier that answers, under its public name. ``base`` is where it truly listens."""

    desk: Desk
    app: web.Application
    store: Store
    site: Site
    clock: Watch
    api_key: str
    base: str
    http: ClientSession
    url: str = URL

    async def call(self, method: str, path: str, body: object = None, *, key: str | None = None, **how: Any) -> tuple[int, Any]:
        """The API: status and JSON."""
        headers = {"Authorization": f"Bearer {self.api_key if key is None else key}"} | how.pop("headers", {})
        async with self.http.request(method, self.base + path, json=body, headers=headers, **how) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text else None

    async def fetch(self, wanted: Fetch) -> Fetched:
        """The driver of a wallet's flows."""
        async with self.http.request(
            wanted.method, wanted.url.replace(self.url, self.base), headers=dict(wanted.headers), data=wanted.body, allow_redirects=False
        ) as answer:
            headers = {name.lower(): value for name, value in answer.headers.items()}
            return Fetched(status=answer.status, headers=headers, body=await answer.read())

    async def ask(self, **order: Any) -> dict[str, Any]:
        status, asked = await self.call("POST", "/api/presentation-requests", {"type": "representation", "query": "bank"} | order)
        assert status == 201, asked
        return dict(asked)

    async def read(self, asked: Mapping[str, Any], *, wallet_nonce: str = "w" * 22) -> RequestObject:
        """What a wallet makes of the link."""
        policy = Policy(TrustAnchors(anchors=(parse_anchor(read_anchor(self.desk), role=Role.RELYING_PARTY),)))
        plain = LOOPBACK if self.url != URL else ()
        flow = resolve_request(asked["link"], wallet_nonce=wallet_nonce, policy=policy, at=self.clock(), plain_http=plain)
        resolved = await arun(flow, self.fetch)
        assert resolved.asker is not None
        return resolved.request

    async def post(self, asked: Mapping[str, Any], body: bytes) -> tuple[int, dict[str, Any]]:
        headers = {"content-type": "application/x-www-form-urlencoded"}
        async with self.http.post(f"{self.base}/vp/response/{asked['id']}", data=BytesIO(body), headers=headers) as answer:
            return answer.status, await answer.json()

    async def answer(self, asked: Mapping[str, Any], **how: Any) -> tuple[int, dict[str, Any]]:
        """Read the request, show the trial document, post the answer."""
        request = await self.read(asked)
        return await self.post(asked, render_response(request, present(request, at=self.clock(), **how)))

    async def state(self, asked: Mapping[str, Any], **query: str) -> dict[str, Any]:
        status, state = await self.call("GET", f"/api/presentation-requests/{asked['id']}", params=query)
        assert status == 200, state
        return dict(state)


async def _key(template: Template, desk: Desk, directory: Path) -> str:
    """A database of its own has no people in it yet; what was made for it lies beside its desk."""
    file = directory / "api-key"
    if not file.exists():
        file.write_text(
            await first_operator(
                desk.storage, template.made.operator, template.made.passphrase, scopes=SCOPES, at=AT, entropy=system_entropy
            )
        )
    return file.read_text()


def read_anchor(desk: Desk) -> bytes:
    return (desk.directory / "anchor.pem").read_bytes()


def present(
    request: RequestObject, *, at: int, paths: Sequence[Any] = PATHS, wire: str | None = None, binding: Mapping[str, Any] | None = None,
    by: Signer | None = None, seed: str = "live", **changes: Any,
) -> dict[str, list[str]]:  # fmt: skip
    """A ``vp_token`` for ``request``; ``binding`` bends what the holder signs, ``changes`` the document."""
    signed = Binding(**({"audience": request.client_id, "nonce": request.nonce} | dict(binding or {})))
    shown = show(wire or issue(seed=seed, **changes), paths=paths, binding=signed, at=at, by=by)
    return {request.query.credentials[0].id: [shown]}


@asynccontextmanager
async def serving(
    template: Template,
    directory: Path,
    *,
    site: Site | None = None,
    clock: Watch | None = None,
    refresh: bool = True,
    local: bool = False,
    **settings: Any,
) -> AsyncIterator[Running]:
    """A copy of the template in ``directory``, served until the end of the block; its lists were fetched unless ``refresh`` is false.

    ``local``: under the address where it truly listens, as a browser needs it.
    """
    place(template, directory)
    port = free_port()
    if local:
        settings["public_url"] = f"http://localhost:{port}"
    clock, site = clock or Watch(AT), site or Site()
    desk = open_desk(directory, settings_of(directory, **settings), clock=clock)
    app = composition.build(desk, chores=False)
    outbound: Callable[[Fetch], Awaitable[Fetched]] = site
    app[FETCHER] = outbound
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    server = web.TCPSite(runner, "127.0.0.1", port)
    await server.start()
    jar = CookieJar(
        unsafe=True, treat_as_secure_origin=yarl.URL(f"http://127.0.0.1:{port}")
    )  # also where the desk's own address is another
    async with ClientSession(cookie_jar=jar) as http:
        try:
            api_key = await _key(template, desk, directory) if "storage" in settings else template.made.api_key
            if refresh:
                await app[composition.STORE].refresh(site)
            yield Running(
                desk=desk,
                app=app,
                store=app[composition.STORE],
                site=site,
                clock=clock,
                api_key=api_key,
                base=f"http://localhost:{port}" if local else f"http://127.0.0.1:{port}",
                http=http,
                url=settings.get("public_url", URL),
            )
        finally:
            await runner.cleanup()
            await asyncio.sleep(0)
