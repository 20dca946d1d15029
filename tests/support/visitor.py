"""A holder's browser without JavaScript: cookies of its own, forms as they stand on the page, redirects one at a time."""

from __future__ import annotations

import html
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import yarl
from aiohttp import ClientResponse, ClientSession, CookieJar, TCPConnector
from support.attested import Wallet
from support.registry import LPA_1, Registry
from support.soft_authenticator import SoftAuthenticator

from demo.authority import Authority
from issuer import offers
from issuer.offers import Made, Order
from issuer.people import Opening
from issuer.sessions import Actor
from shared.clock import system_entropy
from shared.codec import base64url
from shared.oauth import PushedResponse
from shared.openid4vci import sign_in_url

CLERK = Actor(role="clerk", name="Cora Clerk")
BORN = {"birth.day": "14", "birth.month": "3", "birth.year": "1968"}


async def letter(registry: Registry, born: str = "1968-03-14", account: str | None = None, **claims: Any) -> Made:
    """A document that is collected with a letter."""
    order = Order(type="representation", claims=LPA_1 | claims, opening=Opening(birth_date=born, account=account))
    return await offers.make(registry.office, order, actor=CLERK, idempotency_key=system_entropy(8).hex())


def code(made: Made) -> str:
    """The one in the letter."""
    assert made.secrets.activation is not None
    return made.secrets.activation


@dataclass
class Visitor:
    """``left`` is where the office last sent her outside of its own pages."""

    registry: Registry
    http: ClientSession
    text: str = ""
    status: int = 0
    path: str = ""
    left: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    async def open(self, address: str) -> str:
        return await self._follow(await self.http.get(self._here(address), allow_redirects=False))

    async def send(self, path: str, *fields: tuple[str, str], **headers: str) -> str:
        """Post a form with the token of the page at hand, unless one is given."""
        sent = list(fields)
        if "form_token" not in dict(sent):
            sent.append(("form_token", self.token()))
        return await self._follow(await self.http.post(self._here(path), data=sent, headers=headers, allow_redirects=False))

    def token(self) -> str:
        found = re.search(r'name="form_token" value="([^"]*)"', self.text)
        return found[1] if found else ""

    def _here(self, address: str) -> str:
        return self.registry.base + address if address.startswith("/") else address.replace(self.registry.url, self.registry.base, 1)

    async def _follow(self, answer: ClientResponse) -> str:
        while answer.status in {302, 303}:
            to = answer.headers["Location"]
            if not to.startswith("/"):
                self.left, self.text = to, ""
                return ""
            answer = await self.http.get(self.registry.base + to, allow_redirects=False)
        self.text, self.status, self.path = html.unescape(await answer.text()), answer.status, answer.url.path
        self.headers = dict(answer.headers)
        return self.text

    async def come(self, wallet: Wallet, pushed: PushedResponse) -> str:
        """From the wallet."""
        return await self.open(sign_in_url(wallet.metadata.server, wallet.client_id, pushed))

    async def sign_in(self, code: str, born: dict[str, str] = BORN, **headers: str) -> str:
        return await self.send("/authorize/sign-in", ("code", code), *born.items(), **headers)

    async def agree(self, *numbers: str) -> str:
        """To what the page at hand shows."""
        versions = re.findall(r'name="(version-\w+)" value="(\d+)"', self.text)
        return await self.send("/authorize/agree", *(("document", number) for number in numbers), *versions)

    async def choose(self, *numbers: str) -> str:
        return await self.open("/authorize/agree?" + urlencode([("document-x", number) for number in numbers]))


@asynccontextmanager
async def visitor(registry: Registry, tls: Authority | None = None) -> AsyncIterator[Visitor]:
    """``tls``: who certified the office, if it is served over https."""
    jar = CookieJar(unsafe=True, treat_as_secure_origin=yarl.URL(registry.base))
    async with ClientSession(cookie_jar=jar, connector=TCPConnector(ssl=tls.client()) if tls else None) as http:
        yield Visitor(registry, http)


def challenge(page: str) -> bytes:
    found = re.search(r'data-passkey-options="(\{.*?\})"', page)
    assert found is not None
    return base64url.decode(json.loads(found[1])["challenge"])


async def add_passkey(visitor: Visitor) -> SoftAuthenticator:
    asked = challenge(await visitor.open("/authorize/passkeys"))
    made = SoftAuthenticator(host="registry.example", origin="https://registry.example", handle=sha256(asked).digest())
    await visitor.send("/authorize/passkeys", ("passkey", made.create(asked)), ("name", "Phone"))
    assert "Phone" in visitor.text
    return made


async def use_passkey(visitor: Visitor, passkey: SoftAuthenticator) -> None:
    asked = challenge(await visitor.open("/authorize/sign-in"))
    await visitor.send("/authorize/passkey", ("passkey", passkey.get(asked)))
