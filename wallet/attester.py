"""Who vouches for this wallet and for where it keeps its keys, towards issuers that ask for it (HAIP 1.0 section 4.4).

The setting ``attester`` says who, by the scheme of its URI: ``own:`` is this service itself, whose anchor issuers have to pin, ``none:``
is nobody, and an https address is somebody outside, asked with two messages (``OutsideAttester``).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from shared.clock import Clock
from shared.codec import reader, strict_json
from shared.errors import ConfigError, Malformed, Refused
from shared.flow import Fetch, Fetched, Flow, arun
from shared.jose import jwk, jwt
from shared.keys import Custodian, KeyId, PublicKey, sign
from shared.oauth import media_type, parse_error, prepare_attestation
from shared.openid4vci import KeyDemand, prepare_key_attestation
from shared.trust.snapshot import ATTESTATION_LIFE
from shared.urls import check_https
from shared.web.signer import Signing

ATTESTER = KeyId("attester")  # the custodian's first WALLET_PROVIDER key
SOFTWARE = "iso_18045_basic"  # what keys in a sealed database, opened by a passphrase, stand up to (OpenID4VCI appendix D.2)
LIFE = ATTESTATION_LIFE  # seconds that an attestation of a wallet counts
_KEYS_LIFE = 600
_NAME = "Muniment wallet"


@dataclass(frozen=True, slots=True)
class Attested:
    """Who this wallet is, and the proof of it, which counts until ``until``; no proof where nobody vouches for it. ``by`` as ``Attester.by``."""

    client_id: str
    attestation: str = ""
    until: int = 0
    by: str = ""


class Attester(Protocol):
    """Vouches for one wallet's keys. Every issuer gets an attestation of its own, for a key of its own.

    ``client_id`` is the name of all wallets of this make, where nobody has to vouch for it.
    """

    client_id: str

    async def by(self) -> str:
        """The thumbprint of the key that vouches now, whose word stands in the place of any other's; empty where that is not known here."""

    async def attest_wallet(self, instance: PublicKey) -> Attested:
        """That the holder of ``instance`` is a wallet of this make."""

    def meets(self, demand: KeyDemand) -> bool:
        """Whether keys of this wallet can be attested as an issuer demands."""

    async def attest_keys(self, keys: Sequence[PublicKey], *, nonce: str | None, demand: KeyDemand) -> str:
        """Where ``keys`` are held, for the issuer whose ``nonce`` it is."""


class NoAttester:
    """Nobody vouches; issuers that ask for it give nothing to this wallet."""

    def __init__(self, client_id: str = "muniment-wallet") -> None:
        self.client_id = client_id

    async def by(self) -> str:
        """Nobody's."""
        return ""

    async def attest_wallet(self, instance: PublicKey) -> Attested:
        """Only a name."""
        del instance
        return Attested(self.client_id)

    def meets(self, demand: KeyDemand) -> bool:
        """No demand."""
        del demand
        return False

    async def attest_keys(self, keys: Sequence[PublicKey], *, nonce: str | None, demand: KeyDemand) -> str:
        """``Refused``."""
        del keys, nonce, demand
        raise Refused("nobody vouches for the keys of this wallet")


async def _as_it_is() -> None:
    """Nobody else changes who signs."""


class OwnAttester:
    """This service, by a key in its custodian and a certificate of its own anchor. All its wallets have one name, which is its address.

    ``signing`` knows the key that signs; before each signature ``follow`` has it know who does by now. Nothing is signed by a key that is over.
    """

    def __init__(
        self,
        custodian: Custodian,
        signing: Signing,
        entity: str,
        clock: Clock,
        follow: Callable[[], Awaitable[None]] = _as_it_is,
    ) -> None:
        self._custodian, self._signing, self.client_id, self._clock, self._follow = custodian, signing, entity, clock, follow

    async def by(self) -> str:
        """Empty while no key signs."""
        await self._follow()
        return "" if self._signing.is_stopped else self._signing.signer.thumbprint

    async def attest_wallet(self, instance: PublicKey) -> Attested:
        """For a day. ``Unavailable`` while no key signs."""
        await self._follow()
        at, signer = self._clock(), self._signing.signer
        unsigned = prepare_attestation(
            key=signer.key,
            alg=signer.alg,
            x5c=signer.x5c,
            client_id=self.client_id,
            instance=instance,
            at=at,
            lifetime=LIFE,
            issuer=self.client_id,
            name=_NAME,
        )
        return Attested(self.client_id, await sign(unsigned, self._custodian), at + LIFE, signer.thumbprint)

    def meets(self, demand: KeyDemand) -> bool:
        """Keys lie in a sealed database: the lowest level, and never more is claimed."""
        return all(not levels or SOFTWARE in levels for levels in (demand.key_storage, demand.user_authentication))

    async def attest_keys(self, keys: Sequence[PublicKey], *, nonce: str | None, demand: KeyDemand) -> str:
        """``Refused`` where more is demanded than is so; ``Unavailable`` while no key signs."""
        if not self.meets(demand):
            raise Refused("the issuer demands that keys are held more safely than in this wallet")
        await self._follow()
        signer = self._signing.signer
        unsigned = prepare_key_attestation(
            key=signer.key,
            alg=signer.alg,
            x5c=signer.x5c,
            keys=keys,
            at=self._clock(),
            lifetime=_KEYS_LIFE,
            nonce=nonce,
            key_storage=(SOFTWARE,),
            user_authentication=(SOFTWARE,),
            issuer=self.client_id,
        )
        return await sign(unsigned, self._custodian)


class OutsideAttester:
    """Somebody else, at ``url``: ``POST …/wallet`` {"jwk"} and ``POST …/keys`` {"keys", "nonce", "key_storage", "user_authentication"}.

    Both answer {"attestation"}, a JWT as its typ says. ``token`` is what the requests are authorized with. What is answered is looked at
    only for the name in it and its end: it is the issuers' to judge.
    """

    def __init__(self, url: str, token: str, client_id: str, fetch: Callable[[Fetch], Awaitable[Fetched]]) -> None:
        self._url, self._token, self.client_id, self._fetch = url.rstrip("/"), token, client_id, fetch

    async def by(self) -> str:
        """They say when what they said has run out."""
        return ""

    async def attest_wallet(self, instance: PublicKey) -> Attested:
        """``Unavailable`` and ``Refused`` as they say, ``Malformed`` for what is no attestation of this key."""
        token = await self._ask("wallet", {"jwk": jwk.render_jwk(instance)})
        claims = jwt.parse_jwt(token).claims
        attested = jwk.parse_public_jwk(reader.get_object(reader.get_object(claims, "cnf"), "jwk", "/cnf"), where="/cnf/jwk")
        if attested != instance:
            raise Malformed("the attestation is of another key", where="/cnf/jwk")
        return Attested(reader.get_str(claims, "sub", max_length=1_024), token, int(jwt.get_time(claims, "exp")))

    def meets(self, demand: KeyDemand) -> bool:
        """They are asked when it comes to it."""
        del demand
        return True

    async def attest_keys(self, keys: Sequence[PublicKey], *, nonce: str | None, demand: KeyDemand) -> str:
        """Errors as above."""
        doc: dict[str, Any] = {
            "keys": [jwk.render_jwk(key) for key in keys],
            "nonce": nonce,
            "key_storage": list(demand.key_storage),
            "user_authentication": list(demand.user_authentication),
        }
        return await self._ask("keys", doc)

    async def _ask(self, what: str, doc: dict[str, Any]) -> str:
        return await arun(self._asked(f"{self._url}/{what}", doc), self._fetch)

    def _asked(self, url: str, doc: dict[str, Any]) -> Flow[str]:
        headers = {"content-type": "application/json", "accept": "application/json"}
        if self._token:
            headers["authorization"] = f"Bearer {self._token}"
        got = yield Fetch(url=url, method="POST", headers=headers, body=strict_json.dumps(doc), max_bytes=262_144)
        if got.status != 200:
            raise parse_error(got)
        if media_type(got) != "application/json":
            raise Malformed("whoever vouches for this wallet did not answer with JSON")
        return reader.get_str(strict_json.load_object(got.body, max_bytes=262_144), "attestation", max_length=131_072)


def check_uri(uri: str, plain_http: Sequence[str] = ()) -> str:
    """The scheme; ``ConfigError`` for a URI that names nobody."""
    if uri in {"own:", "none:"}:
        return uri.removesuffix(":")
    try:
        check_https(uri, plain_http=plain_http)
    except Malformed as error:
        raise ConfigError("write own:, none: or the https address of whoever vouches for this wallet", where="attester") from error
    return "outside"
