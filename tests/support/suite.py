"""What the official suite's wallet does to an issuer, apart from what every wallet does: it sprinkles, bends, and looks at what comes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from support.attested import Wallet, attested
from support.registry import NOON, Registry

from shared.clock import DAY, system_entropy
from shared.flow import Fetch, Fetched
from shared.formats import formats
from shared.openid4vci import CredentialResponse, TokenResponse, credential_request, render_credential_request
from shared.x509 import load_certificate, parse_x5c

NAME = "representation-sd-jwt"
Bend = Callable[[Fetch], Fetch]


@dataclass
class Emulated(Wallet):
    """``bend`` changes each request on its way out; ``got`` is the last answer of the server."""

    bend: Bend | None = None
    got: Fetched | None = None

    async def fetch(self, wanted: Fetch) -> Fetched:
        self.got = await super().fetch(wanted if self.bend is None else self.bend(wanted))
        return self.got

    @property
    def error(self) -> tuple[int, str]:
        """What the last answer refused with."""
        assert self.got is not None
        return self.got.status, str(json.loads(self.got.body)["error"])

    async def ask(self, token: TokenResponse, **changes: Any) -> Fetched:
        """A credential request as JSON, with changes; ``None`` leaves a member out."""
        proofs = tuple(self.proofs(await self.nonce()))
        doc = render_credential_request(credential_request(self.metadata.issuer.configurations[NAME], token, proofs)) | changes
        return await self.post(token, {name: value for name, value in doc.items() if value is not None})

    async def post(self, token: TokenResponse, doc: Mapping[str, Any], **headers: str) -> Fetched:
        """Straight to the credential endpoint."""
        sent = {"authorization": token.authorization, "content-type": "application/json"} | headers
        url = self.metadata.issuer.credential_endpoint
        return await self.protected(Fetch(url=url, method="POST", headers=sent, body=json.dumps(doc).encode()))


async def emulated(registry: Registry, **members: Any) -> Emulated:
    """With its maker pinned."""
    plain = await attested(registry)
    return Emulated(registry, plain.by, plain.metadata, **members)


def sprinkle(wanted: Fetch) -> Fetch:
    """A field that nobody knows in each body."""
    kind, word = wanted.headers.get("content-type", ""), system_entropy(6).hex()
    if kind == "application/x-www-form-urlencoded":
        return replace(wanted, body=(wanted.body or b"") + f"&x_{word}={word}".encode())
    if kind == "application/json":
        return replace(wanted, body=json.dumps(json.loads(wanted.body or b"{}") | {f"x_{word}": {word: [word]}}).encode())
    return wanted


def bending(header: str, change: Callable[[str], str]) -> Bend:
    """Change one header field of the pushed request and of no other."""

    def bend(wanted: Fetch) -> Fetch:
        if header not in wanted.headers or not wanted.url.endswith("/par"):
            return wanted
        return replace(wanted, headers={**wanted.headers, header: change(wanted.headers[header])})

    return bend


def broken(token: str) -> str:
    """The same JWT with another signature of the same length."""
    head, _, signature = token.rpartition(".")
    return f"{head}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"


def look_at(wallet: Wallet, response: CredentialResponse) -> list[int]:
    """All that the suite checks of copies; their status indices. HAIP section 6.1, OpenID4VCI section 15.4.1."""
    form, registry = formats()["dc+sd-jwt"], wallet.registry
    anchor = load_certificate((registry.directory / "anchor.pem").read_bytes())
    keys = {str(each.public.key) for each in wallet.keys}
    seen: list[int] = []
    salts: set[str] = set()
    for wire, key in zip(response.credentials, wallet.keys, strict=True):
        parsed = form.parse(wire)
        chain = [load_certificate(der) for der in parse_x5c(parsed.header["x5c"], "/x5c")]
        assert anchor.der not in {each.der for each in chain}
        assert not chain[0].is_self_issued
        told = form.check_received(parsed, chain[0].public, holder=key.public, at=NOON)
        assert told.issued_at % DAY == 0
        assert told.expires_at is not None
        assert told.expires_at % DAY == 0
        assert parsed.header["typ"] == "dc+sd-jwt"
        assert told.status is not None
        assert told.status.uri == registry.url + "/status/1"
        seen.append(told.status.idx)
        salts |= set(wire.split("~")[1:-1])
    assert len(keys) == len(response.credentials) == len(set(seen))
    assert len(salts) == sum(len(wire.split("~")) - 2 for wire in response.credentials)
    return seen
