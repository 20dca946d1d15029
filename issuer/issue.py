"""The credential endpoint: key proofs in, signed copies out (OpenID4VCI section 8).

One read, the cryptography outside of any transaction, one write. What is written: the nonces are used up, the copies' status indices
are taken, the history has one more line. Neither a holder's key nor a copy is ever stored (security rule S24).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from issuer import donors
from issuer.bitstrings import addresses
from issuer.clients import Access, no_access
from issuer.entered import enter_delivery, enter_loss
from issuer.identifiers import split_identifier
from issuer.init import keyring_of
from issuer.nonces import check_nonce
from issuer.office import Configuration, Office, digest, draw_indices
from issuer.publish import list_uri
from issuer.records import documents, statuses, sweep
from issuer.revoke import pad_lost
from issuer.sessions import WALLET, Document, Event, Standing
from shared.clock import DAY, floor_day
from shared.credentials._derive import MDOC_FORMAT
from shared.errors import (
    CredentialRequestDenied,
    InvalidCredentialRequest,
    InvalidNonce,
    InvalidNotificationId,
    InvalidProof,
    Unavailable,
    UnknownCredentialConfiguration,
    UnknownCredentialIdentifier,
    VcError,
)
from shared.formats import Credential, StatusReference
from shared.keys import PublicKey, sign
from shared.openid4vci import (
    Attesting,
    CredentialRequest,
    CredentialResponse,
    KeyDemand,
    KeyProof,
    NotificationRequest,
    verify_attestation_proof,
    verify_key_proofs,
)
from shared.openid4vci import Event as WalletEvent
from shared.storage import Tx
from shared.web import own_trust
from shared.web.signer import Signer
from shared.x509 import load_certificate

_TRIES = 8
_DELIVERY_DAYS = 30
PROOF_ALGS = ("ES256", "ES384", "EdDSA")


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What one request sees of the registry: its entitlement with its documents, and indices that were free a moment ago."""

    granted: documents.Granted
    list: statuses.ListSize
    free: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Series:
    """What all copies of one request have in common."""

    configuration: Configuration
    signer: Signer
    issued_at: int
    expires_at: int
    uri: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Delivery:
    """What a delivery writes down: its id, the nonces (each with its end) that it uses up, and when its copies of which document expire.

    ``made_of`` are the sealed details that were signed, which sealed anew never look the same, and whether one is disputed. ``signed_by`` is
    the key's thumbprint.
    """

    id: str
    document: Document
    made_of: tuple[bytes | None, bool]
    nonces: Mapping[str, int]
    expires_at: int
    signed_by: str


class _KeyOverError(Exception):
    """The key that has signed is over, which this process had not heard yet; nothing was written."""


class _CorrectedError(Exception):
    """The details that were signed are no longer those of the document; nothing was written."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Copies to be made: for whom, of which of the token's documents, and which nonces that uses up, each with its end."""

    configuration: Configuration
    place: int
    holders: Sequence[PublicKey | None]
    nonces: Mapping[str, int]


async def issue(office: Office, access: Access, request: CredentialRequest) -> CredentialResponse:
    """A copy for each proved or attested key; of a type for bearers one copy, for nobody. Errors as ``read``, ``CredentialRequestDenied``."""
    view, wanted = await read(office, access, request)
    return await make_copies(office, access, wanted, view=view)


async def read(office: Office, access: Access, request: CredentialRequest) -> tuple[View, Wanted]:
    """What is asked for, and that it may be. ``InvalidToken``, ``UnknownCredentialConfiguration``, ``UnknownCredentialIdentifier``,
    ``InvalidProof``, ``InvalidNonce``, ``CredentialRequestDenied``.
    """
    at = office.clock()
    view = await _look(office, access, max(1, len(request.proofs)), at)
    configuration, chosen = _chosen(office, view.granted, request)
    check_standing(chosen.document, at)
    proofs, nonces = await _prove(office, configuration, request, view.granted.client, at)
    _check_count(office, configuration, len(proofs))
    holders: list[PublicKey | None] = [proof.holder for proof in proofs] or [None]
    return view, Wanted(configuration, chosen.place, holders, nonces)


async def make_copies(
    office: Office, access: Access, wanted: Wanted, *, view: View | None = None, also: Callable[[Tx], Awaitable[None]] | None = None
) -> CredentialResponse:
    """Sign and deliver. ``also`` is written with the delivery, or nothing is."""
    at = office.clock()
    for _ in range(_TRIES):
        bits, count = _bits(wanted.configuration), len(wanted.holders)
        if view is None or len(view.free) != count or view.list.bits != bits:  # an attestation may speak of more keys than there are proofs
            view = await _look(office, access, count, at, bits)
        held = holding(view.granted, wanted.place)
        claims = held.told(await donors.told(office, wanted.configuration, held.document, held.claims))
        series = _series(office, wanted.configuration, held.document, view.list.id, at)
        copies = [await _sign(office, series, claims, holder, index) for holder, index in zip(wanted.holders, view.free, strict=True)]
        report_pass = await donors.pass_with(office, held.document)
        delivery = _Delivery(
            id=office.secret(16),
            document=held.document,
            made_of=held.made_of,
            nonces=wanted.nonces,
            expires_at=series.expires_at,
            signed_by=series.signer.thumbprint,
        )
        try:
            await office.storage.write(partial(_deliver, office=office, view=view, delivery=delivery, also=also, at=at), point="issue")
        except (statuses.CollisionError, _CorrectedError):  # indices were taken, or details corrected, meanwhile: look again
            view = None
            continue
        except _KeyOverError:
            await keyring_of(office).follow(office.signing)
            continue
        return CredentialResponse(credentials=tuple(copies), notification_id=delivery.id, report_pass=report_pass)
    raise Unavailable("too many requests at the same moment")


def _bits(configuration: Configuration) -> int:
    """Which kind of status list its copies refer to."""
    return statuses.LASTING if configuration.format.name == MDOC_FORMAT else statuses.USUAL


async def _look(office: Office, access: Access, count: int, at: int, bits: int = statuses.USUAL) -> View:
    async def unit(tx: Tx) -> View | None:
        found = await documents.granted(tx, access.digest, at)
        if found is None:
            return None
        current = await statuses.current(tx, bits)
        if current is None:
            raise Unavailable("no status list has been begun")
        free: dict[int, None] = {}  # a list is half empty at least: few rounds are needed
        while len(free) < count:
            drawn = draw_indices(current.size, count - len(free) + 2, office.entropy)
            used = await statuses.taken(tx, current.id, drawn)
            free |= dict.fromkeys(index for index in drawn if index not in used)
        return View(granted=found, list=current, free=tuple(free)[:count])

    view = await office.storage.read(unit, brief=True)
    if view is None:
        raise no_access()
    access.check(view.granted.jkt)
    return view


def holding(granted: documents.Granted, place: int) -> documents.Holding:
    """The token's document at that place."""
    found = next((each for each in granted.holdings if each.place == place), None)
    if found is None:
        raise no_access()
    return found


def _chosen(office: Office, granted: documents.Granted, request: CredentialRequest) -> tuple[Configuration, documents.Holding]:
    """What is asked for: by identifier if, and only if, the token response gave identifiers (OpenID4VCI section 8.2)."""
    if request.identifier is not None:
        return _by_identifier(office, granted, request.identifier)
    if granted.named:
        raise InvalidCredentialRequest("name one of the token's identifiers", where="/credential_identifier")
    configuration = office.configurations.get(request.configuration_id or "")
    held = None if configuration is None else _fitting(granted, configuration)
    if configuration is None or held is None:
        raise UnknownCredentialConfiguration("this access token is not good for that configuration", where="/credential_configuration_id")
    return configuration, held


def _fitting(granted: documents.Granted, configuration: Configuration, place: int | None = None) -> documents.Holding | None:
    """The document of the token that ``configuration`` is of, if that was granted."""
    if granted.configurations and configuration.id not in granted.configurations:
        return None
    fit = (each for each in granted.holdings if each.document.type == configuration.type.id and place in (None, each.place))
    return next(fit, None)


def _by_identifier(office: Office, granted: documents.Granted, identifier: str) -> tuple[Configuration, documents.Holding]:
    found = split_identifier(identifier) if granted.named else None
    configuration = None if found is None else office.configurations.get(found[0])
    held = None if found is None or configuration is None else _fitting(granted, configuration, found[1])
    if configuration is None or held is None:
        raise UnknownCredentialIdentifier("this access token is not good for that identifier", where="/credential_identifier")
    return configuration, held


def _check_count(office: Office, configuration: Configuration, proofs: int) -> None:
    if not configuration.type.bearer and not proofs:
        raise InvalidProof("a key proof is needed", where="/proofs")
    if proofs > office.batch_size:
        raise _too_many(office)


def _too_many(office: Office) -> InvalidCredentialRequest:
    return InvalidCredentialRequest(f"at most {office.batch_size} copies are made at once", where="/proofs/jwt")


def check_standing(document: Document, at: int) -> None:
    if document.standing is Standing.CANCELLED:
        raise CredentialRequestDenied("the office has cancelled this document")
    if document.standing is Standing.ON_HOLD:
        raise CredentialRequestDenied("the office has put this document on hold")
    if document.valid_until is not None and floor_day(document.valid_until) <= at:
        raise CredentialRequestDenied("this document has come to its end")


async def _prove(
    office: Office, configuration: Configuration, request: CredentialRequest, client: str | None, at: int
) -> tuple[tuple[KeyProof, ...], Mapping[str, int]]:
    """The proofs, and each nonce in them with its end."""
    if configuration.type.bearer:
        if request.proofs or request.attestation is not None:
            raise InvalidProof("a document of this kind is tied to no key", where="/proofs")
        return (), {}
    seen: set[str] = set()

    def note(nonce: str) -> bool:
        seen.add(nonce)
        return True

    judging = attesting(office)
    if request.attestation is not None:
        if judging is None:
            raise InvalidProof("nobody is trusted here to attest keys", where="/proofs/attestation")
        proofs = verify_attestation_proof(request.attestation, nonce_seen=note, at=at, attesting=judging, algs=PROOF_ALGS)
    elif len(request.proofs) > office.batch_size:
        raise _too_many(office)
    else:
        audience = office.settings.public_url
        proofs = verify_key_proofs(
            request.proofs, audience=audience, nonce_seen=note, at=at, algs=PROOF_ALGS, client_id=client, attesting=judging
        )
    return proofs, {nonce: await check_nonce(office, nonce, at) for nonce in seen}


def attesting(office: Office) -> Attesting | None:
    """How key attestations are judged; ``None`` where nobody is trusted to make any, and where none is demanded."""
    settings = office.settings
    demand = KeyDemand(key_storage=settings.key_storage, user_authentication=settings.user_authentication)
    makers = office.makers.policy()
    if settings.key_attestations == "demand":
        return Attesting(check_provider=makers.check_wallet_provider, demand=demand)
    if makers.anchors.anchors:
        return Attesting(check_provider=makers.check_wallet_provider)
    return None


def _series(office: Office, configuration: Configuration, document: Document, list_id: int, at: int) -> _Series:
    issued_at, signer = floor_day(at), office.signer  # OpenID4VCI section 15.4.1: a copy does not tell when it was made
    expires_at = issued_at + configuration.type.copy_days * DAY
    if document.valid_until is not None:
        expires_at = min(expires_at, floor_day(document.valid_until))
    if configuration.format.name == MDOC_FORMAT:  # no mdoc outlives the certificate of its signer (ISO/IEC 18013-5 section 9.1.2.4)
        expires_at = min(expires_at, floor_day(load_certificate(signer.x5c[0]).not_after))
    return _Series(configuration=configuration, signer=signer, issued_at=issued_at, expires_at=expires_at, uri=list_uri(office, list_id))


async def _sign(office: Office, series: _Series, claims: Mapping[str, Any], holder: PublicKey | None, index: int) -> str:
    signer = series.signer
    credential = Credential(
        type=series.configuration.type,
        claims=claims,
        issuer=office.settings.public_url,
        issued_at=series.issued_at,
        expires_at=series.expires_at,
        status=StatusReference(uri=series.uri, idx=index),
        bitstrings=addresses(series.uri),
        x5c=signer.x5c,
        alg=signer.alg,
    )
    unsigned = series.configuration.format.prepare(credential, key=signer.key, holder=holder, entropy=office.entropy)
    return await sign(unsigned, office.custodian)


async def _deliver(
    tx: Tx, *, office: Office, view: View, delivery: _Delivery, also: Callable[[Tx], Awaitable[None]] | None, at: int
) -> None:
    """All or nothing: nonces, indices, history. The copies leave the process only after this is durable."""
    await spend_nonces(tx, delivery.nonces)
    if also is not None:
        await also(tx)
    document, count = delivery.document, len(view.free)
    event = Event(at=at, kind="collected" if document.collected_at is None else "renewed", actor=WALLET, reason="", copies=count)
    if not await documents.note_collection(tx, document.id, view.granted.entitlement, event, signed_by=delivery.signed_by):
        raise await _not_now(tx, delivery)
    if await documents.signable(tx, document.id) != delivery.made_of:
        raise _CorrectedError
    if await statuses.live_copies(tx, document.id, at) + count > office.settings.live_copies:
        raise CredentialRequestDenied("too many copies of this document are in force already")
    name = digest("delivery", delivery.id)
    await statuses.reserve(
        tx,
        view.list.id,
        view.free,
        document=document.id,
        delivery=name,
        value=0,
        expires_at=delivery.expires_at,
        signed_by=delivery.signed_by,
        signed_at=at,
    )
    await enter_delivery(tx, office, document, name, until=max(delivery.expires_at, at + _DELIVERY_DAYS * DAY), copies=count, at=at)


async def _not_now(tx: Tx, delivery: _Delivery) -> VcError | _KeyOverError:
    """Why a document that could be collected a moment ago cannot be now."""
    if any(each.thumbprint == delivery.signed_by and each.state.is_over for each in await own_trust.keys(tx)):
        return _KeyOverError()
    if (await documents.get(tx, delivery.document.id)).cleared:
        return CredentialRequestDenied("the office has just cancelled this document, put it on hold, or made a new invitation")
    return Unavailable("the office has just corrected this document: ask again")


async def spend_nonces(tx: Tx, nonces: Mapping[str, int]) -> None:
    """Use nonces up; ``InvalidNonce`` if one of them was."""
    for nonce, end in nonces.items():
        if not await sweep.spend_nonce(tx, digest("nonce", nonce), end):
            raise InvalidNonce("this nonce was used before")


async def notify(office: Office, access: Access, request: NotificationRequest) -> None:
    """What a wallet did with its copies (OpenID4VCI section 11); telling the same twice changes nothing.

    ``credential_deleted`` puts the copies of that delivery on hold for good, and no others: whoever finds them cannot use them.
    """
    at = office.clock()

    async def unit(tx: Tx) -> None:
        granted = await documents.granted(tx, access.digest, at)
        if granted is None:
            raise no_access()
        access.check(granted.jkt)
        delivery = digest("delivery", request.notification_id)
        number = await sweep.delivered(tx, delivery)
        if number is None or number not in {each.document.id for each in granted.holdings}:
            raise InvalidNotificationId("there was no such delivery", where="/notification_id")
        if await sweep.tell_delivery(tx, delivery, number, request.event):
            lost = await _lose(tx, office, delivery, at) if request.event is WalletEvent.DELETED else 0
            kind = request.event.value.removeprefix("credential_")
            await documents.note(tx, number, Event(at=at, kind=f"wallet-{kind}", actor=WALLET, reason="", copies=lost))

    await office.storage.write(unit, point="notify")


async def _lose(tx: Tx, office: Office, delivery: bytes, at: int) -> int:
    """How many copies are lost."""
    lists = await statuses.lose(tx, delivery, at)
    await pad_lost(tx, office, lists)
    return await enter_loss(tx, office, len(lists), at)
