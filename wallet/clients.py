"""The wallet as a client of one issuer: keys that tie tokens to it, what its maker says of it, and a fetch that proves both.

One DPoP key and one instance key for each pair of issuer and authorization server, so that no two issuers can tell by them that they
deal with the same wallet (security rule S1, HAIP 1.0 section 4.4.1). They are written down (``client``) before anything is asked with them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from shared.custody.memory import MemoryCustodian
from shared.errors import Refused
from shared.flow import Fetch, Fetched, Flow, arun
from shared.jose import jwe
from shared.keys import KeyId, Role, Unsigned, sign
from shared.openid4vci import (
    PRE_AUTHORIZED,
    AuthorizationDetail,
    ClientKeys,
    IssuerMetadata,
    KeyPair,
    Metadata,
    Protected,
    SignedBy,
    TokenResponse,
    answer_key,
    choose_key,
    fetch_metadata,
)
from shared.storage import Tx
from wallet.keep import Vault
from wallet.means import Means
from wallet.records import CLIENTS, Item
from wallet.sessions import ClientSecrets, Granted

T = TypeVar("T")

_DPOP, _INSTANCE = KeyId("dpop"), KeyId("instance")
_EARLY = 3_600  # seconds before its end at which an attestation is made anew


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """``fetch`` proves who asks wherever ``metadata`` say that it is asked for. ``attested``: somebody vouches for this wallet there."""

    metadata: Metadata
    client_id: str
    fetch: Callable[[Fetch], Awaitable[Fetched]]
    jkt: str | None = None
    attested: bool = False

    async def run(self, flow: Flow[T]) -> T:
        """Drive a flow."""
        return await arun(flow, self.fetch)

    @property
    def named(self) -> str | None:
        """The client id for a pre-authorized code: where nobody has to give one, none is given (OpenID4VCI section 6.1)."""
        return self.client_id if self.attested or not self.metadata.server.anonymous else None

    @property
    def server(self) -> str:
        """The authorization server, where the issuer names any."""
        return self.metadata.server.issuer if self.metadata.issuer.authorization_servers else ""


def signed_by(means: Means, issuer: str) -> SignedBy | None:
    """Who may sign the metadata of an issuer that is trusted by its name; of others the plain ones are taken."""
    policy = means.trust()
    if all(anchor.entity != issuer for anchor in policy.anchors.with_role(Role.CREDENTIAL_ISSUER)):
        return None
    return SignedBy(lambda x5c, at: policy.check_metadata_signer(x5c, issuer, at), means.clock())


async def metadata_of(means: Means, issuer: str, server: str = "", grant: str = PRE_AUTHORIZED) -> Metadata:
    """What ``issuer`` and the ``server`` that was chosen among its own say now."""
    flow = fetch_metadata(
        issuer, authorization_server=server or None, grant=grant, plain_http=means.plain_http, signed=signed_by(means, issuer)
    )
    return await arun(flow, means.fetch)


async def client_of(means: Means, vault: Vault, issuer: str, server: str = "") -> Client:
    """As ``client_for``, with the metadata of now."""
    return await client_for(means, vault, await metadata_of(means, issuer, server))


async def client_for(means: Means, vault: Vault, metadata: Metadata) -> Client:
    """This wallet towards the issuer and server of ``metadata``; without keys where neither asks for any."""
    server = metadata.server
    if not server.attests and not server.dpop_algs:
        return Client(metadata=metadata, client_id=means.attester.client_id, fetch=means.fetch)
    secrets = await _secrets(means, vault, metadata)
    custodian = MemoryCustodian(entropy=means.entropy)
    custodian.add(_DPOP, Role.DPOP, secrets.dpop)
    custodian.add(_INSTANCE, Role.CLIENT, secrets.instance)

    async def signing(unsigned: Unsigned[str]) -> str:
        return await sign(unsigned, custodian)

    keys = ClientKeys(
        client_id=secrets.client_id,
        dpop=KeyPair(_DPOP, await custodian.public(_DPOP)),
        instance=KeyPair(_INSTANCE, await custodian.public(_INSTANCE)),
        attestation=secrets.attestation or None,
    )
    return Client(
        metadata=metadata,
        client_id=secrets.client_id,
        fetch=Protected(keys, server, sign=signing, fetch=means.fetch, clock=means.clock, entropy=means.entropy),
        jkt=keys.jkt if keys.dpop.public.alg in server.dpop_algs else None,
        attested=server.attests and bool(secrets.attestation),
    )


def client_name(vault: Vault, issuer: str, server: str) -> str:
    """Under which the secrets for a pair of issuer and server are kept."""
    return vault.tag("client", issuer, server)


async def _secrets(means: Means, vault: Vault, metadata: Metadata) -> ClientSecrets:
    """What was kept, or is made now; where the server asks for any, with an attestation that still counts for a while, by the maker's key of now."""
    issuer, server, at = metadata.issuer.issuer, metadata.server.issuer, means.clock()
    name = client_name(vault, issuer, server)
    async with means.locks.of(f"{vault.wallet}/client/{name}"):
        known = await means.storage.read(lambda tx: CLIENTS.find(tx, vault, name))
        value = known.value if known is not None else await _new_secrets(means, issuer, server)
        if metadata.server.attests and (value.attested_until - _EARLY <= at or value.attested_by != await means.attester.by()):
            value = await _attest(means, value)
        if known is not None and value == known.value:
            return value
        await means.storage.write(lambda tx: _keep(tx, means, vault, known or name, value), point="client")
        return value


async def _keep(tx: Tx, means: Means, vault: Vault, known: Item[ClientSecrets] | str, value: ClientSecrets) -> None:
    """In the place of what is ``known``, or under a new name."""
    if isinstance(known, str):
        await CLIENTS.put(tx, vault, known, value, entropy=means.entropy)
    else:
        await CLIENTS.replace(tx, vault, known, value, entropy=means.entropy)


async def _new_secrets(means: Means, issuer: str, server: str) -> ClientSecrets:
    custodian = MemoryCustodian(entropy=means.entropy)
    for key, role in ((_DPOP, Role.DPOP), (_INSTANCE, Role.CLIENT)):
        await custodian.create(key, role)
    return ClientSecrets(
        issuer=issuer,
        server=server,
        dpop=custodian.private_bytes(_DPOP),
        instance=custodian.private_bytes(_INSTANCE),
        client_id=means.attester.client_id,
    )


async def _attest(means: Means, value: ClientSecrets) -> ClientSecrets:
    custodian = MemoryCustodian(entropy=means.entropy)
    custodian.add(_INSTANCE, Role.CLIENT, value.instance)
    said = await means.attester.attest_wallet(await custodian.public(_INSTANCE))
    return msgspec.structs.replace(
        value, client_id=said.client_id, attestation=said.attestation, attested_until=said.until, attested_by=said.by
    )


# --- what a grant is good for ------------------------------------------------------------------------------------------------------------


def granted(client: Client, token: TokenResponse, *, client_id: str | None, at: int, life: int) -> Granted:
    """What is written down of a token."""
    named: dict[str, tuple[str, ...]] = {}
    for detail in token.details:
        named[detail.configuration_id] = tuple(dict.fromkeys((*named.get(detail.configuration_id, ()), *detail.identifiers)))
    return Granted(
        access_token=token.access_token,
        refresh_token=token.refresh_token,
        expires_at=at + (token.expires_in or life),
        token_type=token.token_type,
        server=client.server,
        client_id=client_id or "",
        identifiers=named,
    )


def token_of(grant: Granted) -> TokenResponse:
    """The token again, with the names of what it is good for."""
    details = (AuthorizationDetail(configuration_id=name, identifiers=names) for name, names in grant.identifiers.items())
    return TokenResponse(
        access_token=grant.access_token, token_type=grant.token_type, refresh_token=grant.refresh_token, details=tuple(details)
    )


def can_encrypt(about: IssuerMetadata) -> bool:
    """Whether the issuer offers encryption both ways in a manner that is known here: then it is used, demanded or not."""
    if about.request_encryption is None or about.response_encryption is None:
        return False
    try:
        choose_key(about.request_encryption)
        answer_key(about.response_encryption, jwe.generate_ephemeral())
    except Refused:
        return False
    return True
