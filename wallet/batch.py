"""Copies on their way: asked for with fresh keys, perhaps promised for later, and all of them checked before any is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from shared.clock import DAY
from shared.errors import Malformed, NotEntitled, Refused, Untrusted, VcError
from shared.openid4vci import (
    AttestedKeys,
    Configuration,
    CredentialResponse,
    KeyDemand,
    Metadata,
    Proofs,
    TokenResponse,
    ask_copies,
    match_copies,
    request_deferred,
)
from shared.storage import Tx
from wallet.check import Checked, check_batch, proof_type, same_document, type_offered
from wallet.clients import Client, can_encrypt, token_of
from wallet.holding import KeyRing, load_keys, make_keys
from wallet.keep import Vault
from wallet.means import Means
from wallet.records import COPIES
from wallet.sessions import Copy, CopyLine, Granted, Part, Renewal

MAX_BATCH = 50
MAX_DOCUMENTS = 20  # by one grant
MAX_ATTESTED = 20  # keys at once where each proof carries what is said of all of them
LONGEST_WAIT = 7 * DAY
UNKNOWN_SENDER = (Untrusted, NotEntitled)


class NotKeptError(Exception):
    """A check of a received copy failed: ``cause``, with the notifications that the issuer is owed."""

    def __init__(self, cause: VcError, notification_ids: Sequence[str]) -> None:
        super().__init__(str(cause))
        self.cause = cause
        self.notification_ids = notification_ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Checked copies of one document with their keys, and the ``parts`` that they came in, one for each configuration."""

    checked: Sequence[Checked]
    parts: Sequence[Part]

    @property
    def keys(self) -> Mapping[str, bytes]:
        return {name: private for part in self.parts for name, private in part.keys.items()}

    @property
    def formats(self) -> Mapping[str, str]:
        """By which configuration each format came."""
        return {part.format: part.configuration for part in self.parts}

    @property
    def identifiers(self) -> Mapping[str, str]:
        """What the document is called in the grant, by configuration."""
        return {part.configuration: part.identifier for part in self.parts if part.identifier}

    @property
    def report_pass(self) -> str:
        """What reports on the document are left with; empty where nobody is reported to."""
        return next((part.report_pass for part in self.parts if part.report_pass), "")

    @property
    def notification_ids(self) -> Sequence[str]:
        return _notifications(self.parts)


def _notifications(parts: Sequence[Part]) -> Sequence[str]:
    return tuple(part.notification_id for part in parts if part.notification_id)


def usable(means: Means, metadata: Metadata, ids: Sequence[str]) -> tuple[Configuration, ...]:
    """The offered configurations whose format and type are known here; ``Refused`` if there is none."""
    known = metadata.issuer.configurations
    found = tuple(known[name] for name in ids if name in known and type_offered(known[name], means.attester) is not None)
    if not found:
        raise Refused("this wallet does not know the kind of document that is offered", where="/credential_configuration_ids")
    if len({type_offered(configuration, means.attester) for configuration in found}) > 1:
        raise Refused("this wallet collects one kind of document at a time", where="/credential_configuration_ids")
    return found


# --- asking ------------------------------------------------------------------------------------------------------------------------------


async def ask_parts(means: Means, client: Client, grant: Granted, wanted: Sequence[Configuration]) -> tuple[Part, ...]:
    """One key a copy and format (S1), one request a configuration and document (OpenID4VCI section 8.2), a fresh nonce a request.

    ``Refused`` for more documents at once than anybody looks through.
    """
    named = [(each, identifier) for each in wanted for identifier in grant.identifiers.get(each.id, ("",))]
    if len(named) > MAX_DOCUMENTS * len(wanted):
        raise Refused(f"this wallet collects at most {MAX_DOCUMENTS} documents at a time", where="/authorization_details")
    return tuple([await _ask_part(means, client, grant, configuration, identifier) for configuration, identifier in named])


async def _ask_part(means: Means, client: Client, grant: Granted, configuration: Configuration, identifier: str) -> Part:
    about = client.metadata.issuer
    attested = configuration.key_demand is not None
    ring = await make_keys(min(about.batch_size, MAX_ATTESTED if attested else MAX_BATCH), means.entropy)

    async def prove(nonce: str | None) -> Proofs:
        return await _prove(means, client, grant, configuration=configuration, ring=ring, nonce=nonce)

    response = await ask_copies(
        client.metadata,
        token_of(grant),
        configuration,
        prove=prove,
        fetch=client.fetch,
        identifier=identifier or None,
        encrypted=can_encrypt(about),
    )
    part = Part(configuration=configuration.id, format=configuration.format, keys=ring.sealable(), identifier=identifier)
    return _answered(part, response)


async def _prove(means: Means, client: Client, grant: Granted, *, configuration: Configuration, ring: KeyRing, nonce: str | None) -> Proofs:
    keys = tuple(ring.public.values())
    if proof_type(configuration, means.attester) == "attestation":
        demand = configuration.attestation_demand or KeyDemand()
        return AttestedKeys(await means.attester.attest_keys(keys, nonce=nonce, demand=demand))
    attestation = None
    if configuration.key_demand is not None:
        attestation = await means.attester.attest_keys(keys, nonce=nonce, demand=configuration.key_demand)
    audience, by = client.metadata.issuer.issuer, grant.client_id or None
    return await ring.prove(audience=audience, nonce=nonce, at=means.clock(), client_id=by, key_attestation=attestation)


def _answered(part: Part, response: CredentialResponse) -> Part:
    if response.transaction_id is not None:
        return msgspec.structs.replace(part, transaction=response.transaction_id, interval=response.interval or 60)
    came = {"notification_id": response.notification_id or "", "report_pass": response.report_pass or ""}
    return msgspec.structs.replace(part, wires=response.credentials, transaction="", **came)


async def ask_again(client: Client, token: TokenResponse, parts: Sequence[Part]) -> tuple[Part, ...]:
    """What is here stays, what was promised is asked for by its transaction (OpenID4VCI section 9)."""
    encrypted = can_encrypt(client.metadata.issuer)
    return tuple(
        [
            part
            if not part.transaction
            else _answered(part, await client.run(request_deferred(client.metadata, token, part.transaction, encrypted=encrypted)))
            for part in parts
        ]
    )


def wait_of(parts: Sequence[Part]) -> int:
    """Seconds until the issuer may be asked again, a week at most whatever it says; 0 when everything is here."""
    return min(max((part.interval for part in parts if part.transaction), default=0), LONGEST_WAIT)


# --- checking ----------------------------------------------------------------------------------------------------------------------------


async def check_parts(means: Means, parts: Sequence[Part]) -> tuple[Batch, ...]:
    """Every copy checked, and all of one document alike. ``NotKeptError``, ``Untrusted`` or ``NotEntitled``.

    One document where the grant names none or one; else one for each name, and what comes in another format belongs to the one that says
    the same, for names tell nothing.
    """
    several = len({part.configuration for part in parts}) < len(parts)
    batches: list[Batch] = []
    for part in parts:
        try:
            before = batches[0].checked if batches and not several else ()
            checked = await _check_part(means, part, before)
        except UNKNOWN_SENDER:
            raise
        except VcError as error:
            raise NotKeptError(error, _notifications(parts)) from error
        place = next((number for number, batch in enumerate(batches) if not several or _belongs(part, checked, batch)), len(batches))
        known = batches[place] if place < len(batches) else Batch(checked=(), parts=())
        batches[place : place + 1] = [Batch(checked=[*known.checked, *checked], parts=[*known.parts, part])]
    return tuple(batches)


async def check_renewed(means: Means, parts: Sequence[Part]) -> Batch:
    """The same for new copies of one document."""
    batch, *others = await check_parts(means, parts)
    if others:
        raise NotKeptError(Malformed("the issuer sent copies of several documents", where="/credentials"), _notifications(parts))
    return batch


async def _check_part(means: Means, part: Part, before: Sequence[Checked]) -> list[Checked]:
    keys = (await load_keys(part.keys, means.entropy)).public
    bound, bearer = match_copies(CredentialResponse(credentials=part.wires), keys, format_name=part.format)
    return check_batch(bound, bearer, keys, policy=means.trust(), at=means.clock(), before=before)


def _belongs(part: Part, checked: Sequence[Checked], batch: Batch) -> bool:
    return all(each.configuration != part.configuration for each in batch.parts) and same_document(batch.checked[0], checked[0])


# --- keeping -----------------------------------------------------------------------------------------------------------------------------


async def put_copies(tx: Tx, means: Means, vault: Vault, document: str, batch: Batch) -> None:
    """The copies of a batch with their private keys."""
    for one in batch.checked:
        copy = Copy(document=document, wire=one.parsed.wire, private=batch.keys[one.id])
        await COPIES.put(tx, vault, one.id, copy, entropy=means.entropy)


def ledger(checked: Sequence[Checked]) -> tuple[CopyLine, ...]:
    """A line a copy, none shown yet."""
    return tuple(
        CopyLine(
            id=one.id,
            format=one.parsed.format,
            expires_at=one.claims.expires_at,
            status_uri=one.claims.status.uri if one.claims.status else "",
            status_idx=one.claims.status.idx if one.claims.status else 0,
        )
        for one in checked
    )


def renewal(batch: Batch, issuer: str, grant: Granted, token: str, at: int, *, shared: str = "") -> Renewal:
    """New copies after two thirds of these copies' life: an hour that is settled now, whatever is shown meanwhile (S21).

    ``shared`` is the name of the grant, where several documents came by it.
    """
    expires = min(one.claims.expires_at for one in batch.checked)
    alone = {name: names[0] for name, names in grant.identifiers.items() if len(names) == 1}
    return Renewal(
        issuer=issuer,
        token=token,
        at=at + max(3_600, (expires - at) * 2 // 3),
        server=grant.server,
        client_id=grant.client_id,
        identifiers={**alone, **batch.identifiers},
        grant=shared,
    )
