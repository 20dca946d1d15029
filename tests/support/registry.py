"""An issuer for tests: set up once a session, copied for each test, served in this process under its public name, with a clock to set."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import yarl
from aiohttp import ClientResponse, ClientSession, CookieJar, TCPConnector, web
from support.ports import free_port
from support.signing import Signer
from support.thrift import easy_seal
from support.trial_web import Watch

from demo.authority import Authority
from issuer import app as composition
from issuer import config, init, upkeep
from issuer.office import SCOPES, Office
from shared.clock import system_clock, system_entropy
from shared.flow import Fetch, Fetched, Flow, arun
from shared.keys import KeyId
from shared.openid4vci import (
    PRE_AUTHORIZED,
    Configuration,
    CredentialResponse,
    Metadata,
    TokenResponse,
    credential_request,
    fresh_nonce,
    offer_metadata,
    prepare_key_proof,
    redeem,
    request_credentials,
    resolve_offer,
)
from shared.urls import LOOPBACK
from shared.web.operators import first_operator
from shared.web.settings import load

URL = "https://registry.example"
NOON = 1_800_014_400  # 2027-01-15T12:00:00Z

LPA_1: dict[str, Any] = {
    "representation_kind": "power_of_attorney",
    "instrument_type": "lpa-property-and-affairs",
    "attestation_basis": "register",
    "decision_rule": "jointly-and-severally",
    "usable_when": "when-has-capacity",
    "has_restrictions": False,
    "substitution": "not_allowed",
    "powers": ["council-tax", "banking", "utilities"],
    "represented": {
        "given_name": "Margaret",
        "family_name": "Ashdown",
        "birthdate": "1938-11-02",
        "address": {"postal_code": "ZZ99 1AB"},
    },
    "proxy": {"given_name": "Nora", "family_name": "Ashdown", "birthdate": "1968-03-14", "appointment_type": "original"},
    "grant_date": "2021-05-04",
    "registration_date": "2021-07-19",
    "register_entry": "urn:fdc:opg.example:2027:lpa:M-7890-0400-4000",
    "issuing_authority": "Office of the Public Guardian (test)",
    "issuing_country": "GB",
    "issuing_jurisdiction": "GB-EAW",
}


Change = Callable[[Office], Office]


class _Running(Watch):
    """The real clock, for strangers who read it too."""

    def __call__(self) -> int:
        return system_clock()


@dataclass(frozen=True)
class Template:
    """A folder that ``init`` made, and what it told."""

    directory: Path
    made: init.SetUp


async def make_template(directory: Path) -> Template:
    wish = init.Wish(
        directory=directory,
        name="Office of the Public Guardian (test)",
        public_url=URL,
        port=8101,
        storage="",
        operator="Iris Admin",
        passphrase="correct-horse-battery",
    )
    with easy_seal():
        return Template(directory, await init.set_up(wish, clock=Watch(NOON - 3600), entropy=system_entropy))


@dataclass
class Registry:
    """A running issuer. ``base`` is where it truly listens; everything else calls it by ``url``."""

    office: Office
    app: web.Application
    directory: Path
    clock: Watch
    api_key: str
    passphrase: str
    url: str
    base: str
    http: ClientSession

    async def fetch(self, wanted: Fetch) -> Fetched:
        """The driver of flows."""
        async with self.http.request(
            wanted.method, wanted.url.replace(URL, self.base), headers=dict(wanted.headers), data=wanted.body, allow_redirects=False
        ) as answer:
            headers = {name.lower(): value for name, value in answer.headers.items()}
            return Fetched(status=answer.status, headers=headers, body=await answer.read())

    async def run(self, flow: Flow[Any]) -> Any:
        return await arun(flow, self.fetch)

    async def call(
        self, method: str, path: str, body: object = None, *, headers: Mapping[str, str] | None = None, key: str | None = None
    ) -> tuple[int, Any]:
        """The operators' API: status and JSON."""
        sent = {"Authorization": f"Bearer {self.api_key if key is None else key}", **(headers or {})}
        async with self.http.request(method, self.base + path, json=body, headers=sent) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text else None

    async def make(self, *, claims: Mapping[str, Any] = LPA_1, key: str | None = None, **more: Any) -> dict[str, Any]:
        """Make a document; the answer of the API."""
        once = key or system_entropy(8).hex()
        status, made = await self.call(
            "POST", "/api/credentials", {"type": "representation", "claims": claims, **more}, headers={"Idempotency-Key": once}
        )
        assert status == 201, made
        return dict(made)

    async def redeem(self, made: Mapping[str, Any], code: str | None) -> tuple[int, Any]:
        """One try at an invitation, as its holder or anybody who saw the link."""
        grant = made["offer"]["grants"][PRE_AUTHORIZED]
        fields = {"grant_type": PRE_AUTHORIZED, "pre-authorized_code": grant["pre-authorized_code"]}
        return await self.form("/token", fields if code is None else fields | {"tx_code": code})

    async def form(self, path: str, fields: Mapping[str, str]) -> tuple[int, Any]:
        """Post a form as a wallet does."""
        async with self.http.post(self.base + path, data=dict(fields)) as answer:
            return answer.status, await answer.json()

    async def credential(self, access: str, body: object, *, headers: Mapping[str, str] | None = None) -> tuple[int, Any]:
        """Post to the credential endpoint, JSON or raw bytes."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Authorization": f"Bearer {access}", "Content-Type": "application/json", **(headers or {})}
        async with self.http.post(self.base + "/credential", data=data, headers=sent) as answer:
            return answer.status, await answer.json()

    async def get(self, path: str, **headers: str) -> ClientResponse:
        """A page or document, read to its end."""
        answer = await self.http.get(self.base + path, headers=headers)
        await answer.read()
        return answer

    async def nonce(self) -> str:
        async with self.http.post(self.base + "/nonce") as answer:
            return str((await answer.json())["c_nonce"])


@dataclass
class Holder:
    """A wallet as small as can be."""

    registry: Registry
    metadata: Metadata
    token: TokenResponse
    keys: list[Signer] = field(default_factory=list)
    alg: str = "ES256"

    def configuration(self, name: str = "representation-sd-jwt") -> Configuration:
        return self.metadata.issuer.configurations[name]

    def proofs(self, nonce: str | None, count: int) -> list[str]:
        self.keys = [Signer.new(self.alg) for _ in range(count)]
        return [
            one.finish(
                prepare_key_proof(key=KeyId("k"), public=one.public, audience=self.registry.url, nonce=nonce, at=self.registry.clock())
            )
            for one in self.keys
        ]

    async def copies(self, count: int = 1, name: str = "representation-sd-jwt") -> CredentialResponse:
        nonce = await self.registry.run(fresh_nonce(self.metadata))
        request = credential_request(self.configuration(name), self.token, self.proofs(nonce, count))
        response: CredentialResponse = await self.registry.run(request_credentials(self.metadata, self.token, request))
        return response


async def collect(registry: Registry, made: Mapping[str, Any]) -> Holder:
    """Follow the link, redeem the code."""
    plain = () if registry.url.startswith(URL) else LOOPBACK
    offer = await registry.run(resolve_offer(made["invitation_link"], plain_http=plain))
    metadata = await registry.run(offer_metadata(offer, plain_http=plain))
    return Holder(registry, metadata, await registry.run(redeem(metadata, offer, tx_code=made["code"])))


@asynccontextmanager
async def serving(
    template: Template,
    directory: Path,
    *,
    local: bool = False,
    join: bool = False,
    path: str = "",
    change: Change | None = None,
    tls: Authority | None = None,
    **settings: Any,
) -> AsyncIterator[Registry]:
    """A copy of the template in ``directory``, served until the end of the block; ``local`` under its true address, for browsers.

    ``tls``: over https, with its certificate.

    Housekeeping goes round once before anybody comes, and later only as a test says; ``local`` ones, which strangers use, keep house by the clock.
    ``path`` is added to its public address. ``change`` may replace parts of the office before it opens; ``join``: others are in the database of ``storage`` already.
    """
    shutil.copytree(template.directory, directory, dirs_exist_ok=True)
    clock, port = Watch(NOON), free_port()
    base = f"{'https' if tls else 'http'}://localhost:{port}"
    plain = load(config.Settings, config.toml(directory), {}, config.PREFIX)
    known = msgspec.structs.replace(config.settle(plain, directory), **settings)
    if local or path:
        clock = _Running() if tls else Watch(system_clock())
        address = base + path if local else URL + path
        known = msgspec.structs.replace(known, public_url=address)
        await upkeep.renew(directory, known, clock=lambda: clock() - 3600, entropy=system_entropy)
    office = composition.open_office(directory, known, clock=clock)
    office = office if change is None else change(office)
    api_key = template.made.api_key
    if "storage" in settings and not join:  # another database than the template's, and nobody in it yet
        await office.storage.migrate(init.migrations())
        api_key = await first_operator(
            office.storage, "Iris Admin", template.made.passphrase, scopes=SCOPES, at=clock(), entropy=system_entropy
        )
    app = composition.build(office, chores=local)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    if not local:
        await composition.one_round(app)
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls.server() if tls else None).start()
    jar = CookieJar(unsafe=True, treat_as_secure_origin=yarl.URL(base))  # what the reverse proxy before it makes true
    async with ClientSession(cookie_jar=jar, connector=TCPConnector(ssl=tls.client()) if tls else None) as http:
        try:
            yield Registry(
                office=office,
                app=app,
                directory=directory,
                clock=clock,
                api_key=api_key,
                passphrase=template.made.passphrase,
                url=known.public_url,
                base=base,
                http=http,
            )
        finally:
            await runner.cleanup()
            await asyncio.sleep(0)
