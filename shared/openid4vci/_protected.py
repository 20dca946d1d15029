"""A fetch that proves who asks: client attestation where tokens are given, DPoP there and where they are used.

Flows know nothing of it. They are driven with ``Protected`` instead of the plain fetch; signing stands between their fetches.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NamedTuple

from ..clock import Clock, Entropy
from ..codec import base64url
from ..errors import UseAttestationChallenge, UseDpopNonce
from ..flow import Fetch, Fetched, arun
from ..jose import jwk
from ..keys import KeyId, PublicKey, Unsigned
from ..oauth import (
    ATTESTATION_HEADER,
    CHALLENGE_HEADER,
    POP_HEADER,
    parse_error,
    prepare_attestation_pop,
    prepare_dpop,
)
from ..urls import split
from ._server import AsMetadata
from ._sign_in import fresh_challenge

Sign = Callable[[Unsigned[str]], Awaitable[str]]
_DPOP = "dpop"
_NONCE = "dpop-nonce"
_MAX_HEADER = 1_024  # characters of a nonce or challenge


class KeyPair(NamedTuple):
    """A key that somebody holds, and its public half."""

    key: KeyId
    public: PublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientKeys:
    """A wallet towards one authorization server. ``attestation`` is its maker's word for ``instance``; both or neither.

    Roles: ``dpop`` is of role DPOP, ``instance`` of role CLIENT; neither ever serves two servers (HAIP 1.0 section 4.4.1).
    """

    client_id: str
    dpop: KeyPair
    instance: KeyPair | None = None
    attestation: str | None = None

    @property
    def jkt(self) -> str:
        """The thumbprint that tokens are tied to."""
        return jwk.thumbprint(self.dpop.public)


class Protected:
    """``fetch`` for one authorization server and the issuers that take its tokens. It remembers the newest nonce of each server."""

    def __init__(
        self,
        keys: ClientKeys,
        server: AsMetadata,
        *,
        sign: Sign,
        fetch: Callable[[Fetch], Awaitable[Fetched]],
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._keys, self._server = keys, server
        self._sign, self._fetch, self._clock, self._entropy = sign, fetch, clock, entropy
        self._nonces: dict[str, str] = {}  # newest, by origin
        self._challenge: str | None = None

    async def __call__(self, want: Fetch) -> Fetched:
        """Make ``want`` with what it needs; once more where the server wants its own nonce in it, and once where its own challenge."""
        attested = want.method == "POST" and want.url in {self._server.token_endpoint, self._server.par_endpoint}
        scheme, _, token = want.headers.get("authorization", "").partition(" ")
        bound = token if scheme == "DPoP" else None
        if bound is None and not attested:
            return self._heard(want, await self._fetch(want), attested=False)
        got = await self._send(want, attested=attested, bound=bound)
        tried: set[type[Exception]] = set()
        while (wish := self._wish(got)) is not None and wish not in tried:
            tried.add(wish)
            got = await self._send(want, attested=attested, bound=bound)
        return got

    def _wish(self, got: Fetched) -> type[Exception] | None:
        """What the server asks to be sent again with, if it gave it along."""
        if got.status not in {400, 401}:
            return None
        error = parse_error(got)
        if isinstance(error, UseDpopNonce) and _NONCE in got.headers:
            return UseDpopNonce
        if isinstance(error, UseAttestationChallenge) and (self._challenge is not None or self._server.challenge_endpoint is not None):
            return UseAttestationChallenge
        return None

    async def _send(self, want: Fetch, *, attested: bool, bound: str | None) -> Fetched:
        added: dict[str, str] = {}
        if attested and self._keys.attestation is not None and self._server.attests:
            added |= await self._attest(self._keys.attestation)
        if bound is not None or self._keys.dpop.public.alg in self._server.dpop_algs:
            added[_DPOP] = await self._dpop(want, bound)
        sent = Fetch(url=want.url, method=want.method, headers={**want.headers, **added}, body=want.body, max_bytes=want.max_bytes)
        return self._heard(want, await self._fetch(sent), attested=attested)

    async def _attest(self, attestation: str) -> dict[str, str]:
        """Where the server has an address for challenges, each serves once; else the newest that it gave (ABCA -07 section 8)."""
        if self._keys.instance is None:
            return {}
        challenge = self._challenge
        if self._server.challenge_endpoint is not None:
            challenge, self._challenge = challenge or await arun(fresh_challenge(self._server), self._fetch), None
        pop = prepare_attestation_pop(
            key=self._keys.instance.key,
            public=self._keys.instance.public,
            client_id=self._keys.client_id,
            audience=self._server.issuer,
            at=self._clock(),
            jti=self._unique(),
            challenge=challenge,
        )
        return {ATTESTATION_HEADER.lower(): attestation, POP_HEADER.lower(): await self._sign(pop)}

    async def _dpop(self, want: Fetch, bound: str | None) -> str:
        return await self._sign(
            prepare_dpop(
                key=self._keys.dpop.key,
                public=self._keys.dpop.public,
                method=want.method,
                url=want.url,
                at=self._clock(),
                jti=self._unique(),
                nonce=self._nonces.get(_origin(want.url)),
                access_token=bound,
            )
        )

    def _unique(self) -> str:
        return base64url.encode(self._entropy(16))

    def _heard(self, want: Fetch, got: Fetched, *, attested: bool) -> Fetched:
        """Any answer may bring the next nonce of its server (RFC 9449 section 8.2); challenges come from the authorization server alone."""
        nonce, challenge = got.headers.get(_NONCE, ""), got.headers.get(CHALLENGE_HEADER.lower(), "")
        if 0 < len(nonce) <= _MAX_HEADER:
            self._nonces[_origin(want.url)] = nonce
        if attested and 0 < len(challenge) <= _MAX_HEADER:
            self._challenge = challenge
        return got


def _origin(url: str) -> str:
    parts = split(url)
    return f"{parts.scheme}://{parts.netloc}"
