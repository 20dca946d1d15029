"""A wallet that its maker vouches for, at the issuer's own authorization server: the real client core, one small step after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from support.registry import Registry
from support.signing import Signer
from support.trial_verify import Authority

from issuer import authorization, config
from issuer.authorization import Pending
from shared.clock import system_entropy
from shared.flow import Fetch, Fetched, Flow, arun
from shared.keys import KeyId, Role, Unsigned
from shared.oauth import PushedResponse, parse_pushed_reference, prepare_attestation
from shared.openid4vci import (
    AUTHORIZATION_CODE,
    ClientKeys,
    CredentialResponse,
    KeyPair,
    Metadata,
    Protected,
    SignIn,
    TokenResponse,
    credential_request,
    fetch_metadata,
    finish_sign_in,
    fresh_nonce,
    prepare_key_proof,
    prepare_sign_in,
    push,
    redeem_code,
    request_credentials,
    sign_in_url,
)
from shared.private_file import write_whole
from shared.trust.anchors import TrustAnchors, render_trust
from shared.urls import LOOPBACK

MAKER = "https://wallet-maker.example"
CALLBACK = "https://wallet.example/callback"
WALLET = "https://wallet-maker.example/wallet/1"


def maker() -> Authority:
    """Who vouches for wallets."""
    return Authority.new(MAKER, role=Role.WALLET_PROVIDER, subject="Wallet maker (test)")


def trust(registry: Registry, *makers: Authority) -> None:
    """Pin them at the running issuer."""
    anchors = tuple(each.pin(role=Role.WALLET_PROVIDER) for each in makers)
    write_whole(config.trust(registry.directory), render_trust(TrustAnchors(anchors=anchors)))


@dataclass
class Wallet:
    """One instance towards one issuer. Change a member to misbehave."""

    registry: Registry
    by: Authority
    metadata: Metadata
    client_id: str = WALLET
    instance: Signer = field(default_factory=Signer.new)
    dpop: Signer = field(default_factory=Signer.new)
    sent: list[Fetch] = field(default_factory=list)
    keys: list[Signer] = field(default_factory=list)
    protected: Protected = field(init=False)

    def __post_init__(self) -> None:
        self.protected = self.protect()

    @property
    def configurations(self) -> tuple[Any, ...]:
        return tuple(self.metadata.issuer.configurations.values())

    def attestation(self, **changes: Any) -> str:
        at = self.registry.clock()
        said: dict[str, Any] = {
            "client_id": self.client_id,
            "instance": self.instance.public,
            "at": at,
            "lifetime": 3600,
            "name": "A wallet",
        }
        return self.by.signer.finish(prepare_attestation(key=KeyId("maker"), alg="ES256", x5c=self.by.x5c, **(said | changes)))

    def protect(self, attestation: str | None = None) -> Protected:
        keys = ClientKeys(
            client_id=self.client_id,
            dpop=KeyPair(KeyId("dpop"), self.dpop.public),
            instance=KeyPair(KeyId("instance"), self.instance.public),
            attestation=attestation or self.attestation(),
        )
        return Protected(keys, self.metadata.server, sign=self.sign, fetch=self.fetch, clock=self.registry.clock, entropy=system_entropy)

    async def sign(self, unsigned: Unsigned[str]) -> str:
        return {"dpop": self.dpop, "instance": self.instance}[unsigned.key].finish(unsigned)

    async def fetch(self, wanted: Fetch) -> Fetched:
        self.sent.append(wanted)
        return await self.registry.fetch(wanted)

    async def run(self, flow: Flow[Any]) -> Any:
        return await arun(flow, self.protected)

    def prepare(self, *names: str, **more: Any) -> tuple[SignIn, Any]:
        chosen = [self.metadata.issuer.configurations[name] for name in names or ("representation-sd-jwt",)]
        redirect_uri = more.pop("redirect_uri", CALLBACK)
        return prepare_sign_in(self.metadata, chosen, client_id=self.client_id, redirect_uri=redirect_uri, entropy=system_entropy, **more)

    async def push(self, *names: str, **more: Any) -> tuple[SignIn, PushedResponse]:
        sign_in, request = self.prepare(*names, **more)
        return sign_in, await self.run(push(self.metadata.server, request))

    async def begin(self, pushed: PushedResponse) -> Pending:
        """As the person's browser does."""
        reference = parse_pushed_reference(sign_in_url(self.metadata.server, self.client_id, pushed).partition("?")[2])
        return await authorization.begin(self.registry.office, reference.client_id, reference.request_uri)

    async def sign_in(self, numbers: Sequence[str], *names: str, **more: Any) -> tuple[SignIn, str]:
        """Push, and agree to ``numbers`` as their holder; where the browser comes back to."""
        sign_in, pushed = await self.push(*names, **more)
        return sign_in, await authorization.grant(self.registry.office, (await self.begin(pushed)).id, numbers)

    async def token(self, numbers: Sequence[str], *names: str, **more: Any) -> TokenResponse:
        sign_in, url = await self.sign_in(numbers, *names, **more)
        return await self.change(sign_in, url)

    async def change(self, sign_in: SignIn, url: str) -> TokenResponse:
        return await self.redeem(sign_in, finish_sign_in(self.metadata.server, sign_in, url))

    async def redeem(self, sign_in: SignIn, code: str) -> TokenResponse:
        token: TokenResponse = await self.run(redeem_code(self.metadata.server, sign_in, code))
        return token

    def proofs(self, nonce: str | None, count: int = 1, **more: Any) -> list[str]:
        self.keys = [Signer.new() for _ in range(count)]
        said: dict[str, Any] = {
            "audience": self.registry.url, "nonce": nonce, "at": self.registry.clock(), "client_id": self.client_id
        }  # fmt: skip
        return [one.finish(prepare_key_proof(key=KeyId("k"), public=one.public, **(said | more))) for one in self.keys]

    async def nonce(self) -> str:
        found: str = await self.run(fresh_nonce(self.metadata))
        return found

    async def copies(self, token: TokenResponse, count: int = 1, name: str = "representation-sd-jwt", **more: Any) -> CredentialResponse:
        configuration = self.metadata.issuer.configurations[name]
        request = replace(credential_request(configuration, token, self.proofs(await self.nonce(), count)), **more)
        response: CredentialResponse = await self.run(request_credentials(self.metadata, token, request))
        return response


async def attested(registry: Registry, by: Authority | None = None, **members: Any) -> Wallet:
    """A wallet whose maker ``registry`` trusts, if no other one is named."""
    if by is None:
        trust(registry, by := maker())
    flow = fetch_metadata(registry.url, grant=AUTHORIZATION_CODE, plain_http=() if registry.url.startswith("https:") else LOOPBACK)
    return Wallet(registry, by, await registry.run(flow), **members)
