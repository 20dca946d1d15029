"""Desks that check without a network: enrolling them, their certificates of a week, ending them, and the checking pack that they are given.

The relying party's own key never leaves its custodian (security rule S10): it certifies the key that a desk made for itself, for
challenges and provisional receipts only. Desks call on a timer, and never because somebody showed something (S21).
"""

from __future__ import annotations

import asyncio
import hmac
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Final

from shared.clock import DAY
from shared.codec import base64url, cbor
from shared.cose import parse_cose_key, render_cose_key, thumbprint
from shared.errors import Conflict, InvalidToken, Malformed, Missing
from shared.jose.jwk import thumbprint as jwk_thumbprint
from shared.keys import PublicKey, sign
from shared.storage import Tx
from shared.trust.relying_party import MAX_DESK_DAYS, prepare_desk_certificate
from verifier import packs
from verifier.desk import BUNDLE, Desk
from verifier.records import knowledge
from verifier.records import scan as records
from verifier.records.scan import ScanDesk, ServedPack

CERTIFIED: Final = MAX_DESK_DAYS * DAY  # seconds that a desk's certificate lives (S10)
MAX_DESKS: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Certified:
    """A desk with its newest certificate, a COSE_Sign1 of ``typ`` ``desk-cert``."""

    desk: ScanDesk
    certificate: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """``token`` is what the desk calls with; told once and kept nowhere. ``signer`` is whose checking packs it is to believe."""

    certified: Certified
    token: str = field(repr=False)
    signer: str


async def enrol(desk: Desk, *, name: str, public: PublicKey, by: str) -> Enrolled:
    """A new desk that holds the private half of ``public``, set up by the operator ``by``. ``Malformed`` for a key of another kind and a name that cannot be read,
    ``Conflict`` beyond ``MAX_DESKS``.
    """
    if public.alg != "ES256":
        raise Malformed("a desk's key is on P-256", where="/key")
    if not name.isprintable():
        raise Malformed("holders read the name of a desk: it is of printable characters", where="/name")
    at, secret = desk.clock(), desk.secret(32)
    identifier = desk.secret()
    made = ScanDesk(
        id=identifier,
        name=name,
        cose_key=cbor.dumps(render_cose_key(public), canonical=True),
        token_hash=_hashed(secret),
        made_at=at,
        certified_until=at + CERTIFIED,
        seen_at=at,
        enrolled_by=by,
    )
    certificate = await _certificate(desk, made)

    async def unit(tx: Tx) -> None:
        if await records.in_force(tx) >= MAX_DESKS:
            raise Conflict("there are too many desks: end those that are no longer used")
        await records.add(tx, made)

    await desk.storage.write(unit, point="enrol-desk")
    signer = jwk_thumbprint(await desk.custodian.public(BUNDLE))
    return Enrolled(certified=Certified(desk=made, certificate=certificate), token=f"{identifier}.{secret}", signer=signer)


async def certify(desk: Desk, scan_desk: ScanDesk) -> Certified:
    """A new certificate for the same key. ``InvalidToken`` if the desk was ended in the meantime."""
    at = desk.clock()
    renewed = replace(scan_desk, certified_until=at + CERTIFIED, seen_at=at)
    certificate = await _certificate(desk, renewed)
    if not await desk.storage.write(lambda tx: records.certify(tx, renewed.id, until=renewed.certified_until, at=at), point="certify-desk"):
        raise InvalidToken("this desk was ended")
    return Certified(desk=renewed, certificate=certificate)


async def _certificate(desk: Desk, scan_desk: ScanDesk) -> bytes:
    unsigned = prepare_desk_certificate(
        entity=desk.entity,
        entity_public=desk.signer.public,
        key=desk.signer.key,
        name=scan_desk.name,
        public=key_of(scan_desk),
        at=scan_desk.seen_at,
    )
    return await sign(unsigned, desk.custodian)


def key_of(scan_desk: ScanDesk) -> PublicKey:
    """The desk's public key."""
    return parse_cose_key(cbor.loads(scan_desk.cose_key))


def handle_of(scan_desk: ScanDesk) -> bytes:
    """What presentations to this desk are made out to: the whole thumbprint of its key (security rule S5)."""
    return thumbprint(key_of(scan_desk))


async def admit(desk: Desk, token: str) -> ScanDesk:
    """The desk in force that calls with ``token``; ``InvalidToken``, with one and the same sentence, whatever is wrong with it."""
    identifier, _, secret = token.partition(".")
    found = await desk.storage.read(lambda tx: records.find(tx, identifier)) if len(token) <= 200 else None
    known = found.token_hash if found is not None else _hashed("")
    if not hmac.compare_digest(known, _hashed(secret)) or found is None or found.ended_at is not None:
        raise InvalidToken("this desk is not known here, or was ended")
    return found


def _hashed(secret: str) -> str:
    """The secret has 256 bits and needs no slow hash."""
    return sha256(secret.encode("utf-8", "replace")).hexdigest()


async def end(desk: Desk, identifier: str) -> None:
    """Take a desk out of force. Its last certificate still runs out by itself, within a week."""
    at = desk.clock()
    if not await desk.storage.write(lambda tx: records.end(tx, identifier, at), point="end-desk"):
        raise Missing("there is no such desk in force")


@dataclass(slots=True)
class Packs:
    """The checking pack that desks are given: one for all of them, made anew when there is newer knowledge or its time is over."""

    desk: Desk
    _making: asyncio.Lock = field(default_factory=asyncio.Lock)
    _kept: ServedPack | None = None

    async def current(self) -> ServedPack:
        """The present one. ``StatusUnknown`` while some trusted issuer has no list here."""
        async with self._making:
            made_at, newest = await self.desk.storage.read(self._dates)
            due = self.desk.clock() - self.desk.settings.refresh_minutes * 60
            if made_at is None or made_at <= due or made_at < newest:
                await self._make()
            elif self._kept is None or self._kept.made_at != made_at:
                self._kept = await self.desk.storage.read(records.pack)
            if self._kept is None:
                raise Missing("there is no checking pack")
            return self._kept

    async def _dates(self, tx: Tx) -> tuple[int | None, int]:
        kept = await knowledge.lists(tx)
        return await records.pack_made_at(tx), max((each.fetched_at for each in kept), default=0)

    async def _make(self) -> None:
        made = await packs.make(self.desk)
        served = ServedPack(etag=base64url.encode(sha256(made.data).digest()), data=made.data, made_at=made.pack.made_at)
        await self.desk.storage.write(lambda tx: records.keep_pack(tx, served), point="serve-pack")
        self._kept = served
