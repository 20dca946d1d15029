"""The credential endpoint: key proofs in, signed copies out (OpenID4VCI section 8).

One read, the cryptography outside of any transaction, one write. What is written: the nonces are used up, the copies' status indices
are taken, the history has one more line. Neither a holder's key nor a copy is ever stored (security rule S24).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from issuer.authorize import check_nonce
from issuer.bitstrings import addresses
from issuer.claims import source
from issuer.office import ISSUER, Configuration, Office, digest, draw_indices
from issuer.publish import list_uri
from issuer.records import documents, statuses, sweep
from issuer.revoke import pad
from issuer.sessions import WALLET, Document, Event, Standing
from shared.clock import DAY, floor_day
from shared.errors import (
    CredentialRequestDenied,
    InvalidCredentialRequest,
    InvalidNonce,
    InvalidNotificationId,
    InvalidProof,
    InvalidToken,
    Unavailable,
    UnknownCredentialConfiguration,
    UnknownCredentialIdentifier,
)
from shared.formats import Credential, StatusReference
from shared.keys import PublicKey, sign
from shared.openid4vci import CredentialRequest, CredentialResponse, KeyProof, NotificationRequest, verify_key_proofs
from shared.openid4vci import Event as WalletEvent
from shared.storage import Tx

_TRIES = 8
_DELIVERY_DAYS = 30
PROOF_ALGS = ("ES256", "ES384", "EdDSA")


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """What one request sees of the registry: its entitlement, its document, and indices that were free a moment ago."""

    granted: documents.Granted
    list: statuses.ListSize
    free: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Series:
    """What all copies of one request have in common."""

    configuration: Configuration
    issued_at: int
    expires_at: int
    uri: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Delivery:
    """What a delivery writes down: its id, the nonces (each with its end) that it uses up, and when its copies expire."""

    id: str
    nonces: Mapping[str, int]
    expires_at: int


async def issue(office: Office, access: bytes, request: CredentialRequest) -> CredentialResponse:
    """A copy for each proved key; of a type for bearers one copy, for nobody. ``access`` is the digest of the access token
    (``authorize.bearer``).

    ``InvalidToken``, ``UnknownCredentialConfiguration``, ``InvalidProof``, ``InvalidNonce``, ``CredentialRequestDenied``.
    """
    at = office.clock()
    view = await _look(office, access, max(1, len(request.proofs)), at)
    configuration = _configuration(office, view.granted.document, request)
    _check_count(configuration, len(request.proofs))
    _check_standing(view.granted.document, at)
    proofs, nonces = await _prove(office, request.proofs, at)
    holders: list[PublicKey | None] = [proof.holder for proof in proofs] or [None]
    claims = await source(office, configuration.type).give(view.granted.claims, view.granted.document)
    for _ in range(_TRIES):
        series = _series(office, configuration, view, at)
        copies = [await _sign(office, series, claims, holder, index) for holder, index in zip(holders, view.free, strict=True)]
        delivery = _Delivery(id=office.secret(16), nonces=nonces, expires_at=series.expires_at)
        try:
            await office.storage.write(partial(_deliver, office=office, view=view, delivery=delivery, at=at), point="issue")
        except statuses.CollisionError:  # another request took one of the indices meanwhile: draw again
            view = await _look(office, access, len(holders), at)
            continue
        return CredentialResponse(credentials=tuple(copies), notification_id=delivery.id)
    raise Unavailable("too many requests at the same moment")


async def _look(office: Office, access: bytes, count: int, at: int) -> _View:
    async def unit(tx: Tx) -> _View | None:
        found = await documents.granted(tx, access, at)
        if found is None:
            return None
        current = await statuses.current(tx)
        if current is None:
            raise Unavailable("no status list has been begun")
        free: dict[int, None] = {}  # a list is half empty at least: few rounds are needed
        while len(free) < count:
            drawn = draw_indices(current.size, count - len(free) + 2, office.entropy)
            used = await statuses.taken(tx, current.id, drawn)
            free |= dict.fromkeys(index for index in drawn if index not in used)
        return _View(granted=found, list=current, free=tuple(free)[:count])

    view = await office.storage.read(unit, brief=True)
    if view is None:
        raise InvalidToken("this access token is not, or no longer, good")
    return view


def _configuration(office: Office, document: Document, request: CredentialRequest) -> Configuration:
    if request.identifier is not None:
        raise UnknownCredentialIdentifier("no identifiers are given out here: name a configuration", where="/credential_identifier")
    found = office.configurations.get(request.configuration_id or "")
    if found is None or found.type.id != document.type:
        raise UnknownCredentialConfiguration("this access token is not good for that configuration", where="/credential_configuration_id")
    return found


def _check_count(configuration: Configuration, proofs: int) -> None:
    if configuration.type.bearer:
        if proofs:
            raise InvalidProof("a document of this kind is tied to no key", where="/proofs")
    elif not proofs:
        raise InvalidProof("a key proof is needed", where="/proofs")
    elif proofs > configuration.type.batch_size:
        raise InvalidCredentialRequest(f"at most {configuration.type.batch_size} copies are made at once", where="/proofs/jwt")


def _check_standing(document: Document, at: int) -> None:
    if document.standing is Standing.CANCELLED:
        raise CredentialRequestDenied("the office has cancelled this document")
    if document.standing is Standing.ON_HOLD:
        raise CredentialRequestDenied("the office has put this document on hold")
    if document.valid_until is not None and floor_day(document.valid_until) <= at:
        raise CredentialRequestDenied("this document has come to its end")


async def _prove(office: Office, tokens: Sequence[str], at: int) -> tuple[tuple[KeyProof, ...], Mapping[str, int]]:
    """The proofs, and each nonce in them with its end."""
    seen: set[str] = set()

    def note(nonce: str) -> bool:
        seen.add(nonce)
        return True

    proofs = verify_key_proofs(tokens, audience=office.settings.public_url, nonce_seen=note, at=at, algs=PROOF_ALGS)
    return proofs, {nonce: await check_nonce(office, nonce, at) for nonce in seen}


def _series(office: Office, configuration: Configuration, view: _View, at: int) -> _Series:
    issued_at = floor_day(at)  # OpenID4VCI section 15.4.1: a copy does not tell when it was made
    expires_at = issued_at + configuration.type.copy_days * DAY
    if view.granted.document.valid_until is not None:
        expires_at = min(expires_at, floor_day(view.granted.document.valid_until))
    return _Series(configuration=configuration, issued_at=issued_at, expires_at=expires_at, uri=list_uri(office, view.list.id))


async def _sign(office: Office, series: _Series, claims: Mapping[str, Any], holder: PublicKey | None, index: int) -> str:
    credential = Credential(
        type=series.configuration.type,
        claims=claims,
        issuer=office.settings.public_url,
        issued_at=series.issued_at,
        expires_at=series.expires_at,
        status=StatusReference(uri=series.uri, idx=index),
        bitstrings=addresses(series.uri),
        x5c=office.x5c,
        alg=office.alg,
    )
    unsigned = series.configuration.format.prepare(credential, key=ISSUER, holder=holder, entropy=office.entropy)
    return await sign(unsigned, office.custodian)


async def _deliver(tx: Tx, *, office: Office, view: _View, delivery: _Delivery, at: int) -> None:
    """All or nothing: nonces, indices, history. The copies leave the process only after this is durable."""
    for nonce, end in delivery.nonces.items():
        if not await sweep.spend_nonce(tx, digest("nonce", nonce), end):
            raise InvalidNonce("this nonce was used before")
    document, count = view.granted.document, len(view.free)
    kind = "collected" if document.collected_at is None else "renewed"
    event = Event(at=at, kind=kind, actor=WALLET, reason="", copies=count)
    if not await documents.note_collection(tx, document.id, view.granted.entitlement, event):
        raise CredentialRequestDenied("the office has just cancelled this document, put it on hold, or made a new invitation")
    if await statuses.live_copies(tx, document.id, at) + count > office.settings.live_copies:
        raise CredentialRequestDenied("too many copies of this document are in force already")
    name = digest("delivery", delivery.id)
    await statuses.reserve(tx, view.list.id, view.free, document=document.id, delivery=name, value=0, expires_at=delivery.expires_at)
    await sweep.add_delivery(tx, name, document.id, max(delivery.expires_at, at + _DELIVERY_DAYS * DAY))


async def notify(office: Office, access: bytes, request: NotificationRequest) -> None:
    """What a wallet did with its copies (OpenID4VCI section 11); telling the same twice changes nothing.

    ``credential_deleted`` puts the copies of that delivery on hold for good, and no others: whoever finds them cannot use them.
    """
    at = office.clock()

    async def unit(tx: Tx) -> None:
        granted = await documents.granted(tx, access, at)
        if granted is None:
            raise InvalidToken("this access token is not, or no longer, good")
        number = granted.document.id
        delivery = digest("delivery", request.notification_id)
        told = await sweep.tell_delivery(tx, delivery, number, request.event)
        if told is None:
            raise InvalidNotificationId("there was no such delivery", where="/notification_id")
        if told:
            lost = await _lose(tx, office, delivery, at) if request.event is WalletEvent.DELETED else 0
            kind = request.event.value.removeprefix("credential_")
            await documents.note(tx, number, Event(at=at, kind=f"wallet-{kind}", actor=WALLET, reason="", copies=lost))

    await office.storage.write(unit, point="notify")


async def _lose(tx: Tx, office: Office, delivery: bytes, at: int) -> int:
    """How many copies are lost. What stays on hold stays there among decoys of its own, also if it was on hold before (security rule S23)."""
    lists = await statuses.lose(tx, delivery, at)
    for number in sorted(set(lists)):
        await pad(tx, office, number, Standing.IN_FORCE, Standing.ON_HOLD, lost=True)
        await statuses.touch(tx, number)
    return len(lists)
