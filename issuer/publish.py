"""Status lists as signed tokens: made anew after each change and before they grow old, the same bytes from every process.

A verifier that meets two versions of one list with the same ``iat`` trusts neither (security rule S19). Therefore a version is kept in
the database, in both its forms at once, ``iat`` always rises, and whoever signs second serves what the first has kept.

A list is compressed once; afterwards only what changed is written anew (``shared.status.deflated``). That form is in memory alone: a
process that has none, or that was killed, makes it from the entries, and one that fell behind reads what changed since.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import zlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from issuer.office import Office
from issuer.records import statuses
from shared.clock import DAY
from shared.cose import kid_of
from shared.errors import Missing
from shared.keys import sign
from shared.status.deflated import Deflated
from shared.status.token_status_list import CWT_MEDIA_TYPE, MEDIA_TYPE, StatusList, prepare_cwt, prepare_token
from shared.storage import Tx
from shared.web.signer import Signer

AHEAD = 30  # seconds that ``iat`` may run before the clock when changes come faster than it ticks; verifiers bear 60

log = logging.getLogger("muniment.issuer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """One form of a list, ready to serve. ``zipped`` is empty where gzip gains nothing; ``fresh_for`` is seconds until the next look."""

    media_type: str
    body: bytes
    zipped: bytes
    etag: str
    fresh_for: int


@dataclass(slots=True, kw_only=True)
class _Followed:
    """A list in memory: what its entries said at ``version``."""

    version: int
    statuses: StatusList
    deflated: Deflated


def list_uri(office: Office, number: int) -> str:
    return office.url(f"/status/{number}")


@dataclass(slots=True)
class StatusLists:
    """The lists of one office, with the prepared bytes of each token in memory."""

    office: Office
    _kept: dict[tuple[int, str], Publication] = field(default_factory=dict)
    _followed: dict[int, _Followed] = field(default_factory=dict)
    _turns: defaultdict[int, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    async def uris(self) -> list[str]:
        """All lists, for whoever fetches them in advance (Token Status List section 9)."""
        return [list_uri(self.office, number) for number in await self.office.storage.read(statuses.numbers)]

    async def begin(self) -> None:
        """Make sure that there is a list of each kind to take indices from, with more than half of it free."""

        async def wanted(tx: Tx) -> list[int]:
            found = [(bits, await statuses.current(tx, bits)) for bits in (statuses.USUAL, statuses.LASTING)]
            return [bits for bits, each in found if each is None or await statuses.fill(tx, each.id) * 2 > each.size]

        async def unit(tx: Tx) -> None:
            for bits in await wanted(tx):
                await statuses.open_list(tx, self.office.settings.status_size, bits)

        if await self.office.storage.read(wanted):
            await self.office.storage.write(unit, point="begin-list")

    async def get(self, number: int, media_type: str = MEDIA_TYPE) -> Publication:
        """The token that says what the list says now, as a CWT where it has no other form; ``Missing`` if there is no such list."""
        at = self.office.clock()
        known = await self._published(number)
        if self._is_due(known, at):
            known = await self._renew(number, at)
        return self._prepared(number, known, CWT_MEDIA_TYPE if known.bits == statuses.LASTING else media_type, at)

    async def refresh(self) -> None:
        """Sign what is due, so that no reader has to wait for it, and compress anew what has grown by many small changes."""
        for number in await self.office.storage.read(statuses.numbers):
            await self.get(number)
            await self._tidy(number)

    async def _published(self, number: int) -> statuses.Published:
        known = await self.office.storage.read(lambda tx: statuses.published(tx, number))
        if known is None:
            raise Missing("there is no such status list")
        return known

    def _is_due(self, known: statuses.Published, at: int) -> bool:
        changed = known.version != known.published
        if changed and known.issued_at >= at + AHEAD:
            log.error("a change of a status list waits for the clock, which stands %s s behind the last list", known.issued_at - at)
            changed = False
        spoilt = (
            known.spoilt and known.signed_by != self.office.signer.thumbprint
        )  # nobody believes it: the key that signs now says it anew
        return changed or spoilt or not known.cwt or at >= known.issued_at + self.office.settings.status_ttl

    async def _renew(self, number: int, at: int) -> statuses.Published:
        async with self._turns[number]:
            known, followed = await self._follow(number)
            if not self._is_due(known, at):  # somebody else has done it meanwhile
                return known
            issued_at, signer = max(at, known.issued_at + 1), self.office.signer
            token, cwt = await self._sign(number, followed, issued_at, signer)

            async def keep(tx: Tx) -> statuses.Published | None:
                await statuses.publish(
                    tx, number, version=known.version, issued_at=issued_at, token=token, cwt=cwt, signed_by=signer.thumbprint
                )
                return await statuses.published(tx, number)

            return await self.office.storage.write(keep, point="publish") or known

    async def _sign(self, number: int, followed: _Followed, issued_at: int, signer: Signer) -> tuple[str, bytes]:
        """One version in both forms; one for mdocs as a CWT alone, whose certificates are signed (ISO/IEC 18013-5 section 12.3.6)."""
        office, filled, compressed = self.office, followed.statuses, followed.deflated.stream()
        uri, ttl, exp = list_uri(office, number), office.settings.status_ttl, issued_at + office.settings.status_days * DAY
        jwt = prepare_token(
            list=filled, compressed=compressed, uri=uri, iat=issued_at, exp=exp, ttl=ttl, key=signer.key, x5c=signer.x5c, alg=signer.alg
        )
        cwt = prepare_cwt(
            list=filled,
            compressed=compressed,
            uri=uri,
            iat=issued_at,
            exp=exp,
            ttl=ttl,
            key=signer.key,
            kid=kid_of(signer.public),
            x5c=signer.x5c,
            alg=signer.alg,
            certified=filled.bits == statuses.LASTING,
        )
        token = "" if filled.bits == statuses.LASTING else await sign(jwt, office.custodian)
        return token, await sign(cwt, office.custodian)

    async def _follow(self, number: int) -> tuple[statuses.Published, _Followed]:
        """What the entries say now, and the same compressed. Only inside the list's turn."""
        followed = self._followed.get(number)

        async def values(tx: Tx) -> tuple[statuses.Published | None, list[tuple[int, int]]]:
            known = await statuses.published(tx, number)  # before the entries: they may be newer than told, never older
            return known, await (statuses.changed_since(tx, number, followed.version) if followed else statuses.changed(tx, number))

        known, changed = await self.office.storage.read(values)
        if known is None:
            raise Missing("there is no such status list")
        if followed is None:
            filled, data = _filled(known.size, known.bits, changed)
            followed = _Followed(version=known.version, statuses=filled, deflated=await asyncio.to_thread(Deflated, data))
            self._followed[number] = followed
        else:
            for index, value in changed:
                followed.statuses.set(index, value)
            followed.deflated.rewrite({index * known.bits >> 3 for index, _ in changed})
            followed.version = known.version
        return known, followed

    async def _tidy(self, number: int) -> None:
        """The next version will be small again; this one stays as it is."""
        async with self._turns[number]:
            followed = self._followed.get(number)
            if followed is not None and followed.deflated.worn:
                followed.deflated = await asyncio.to_thread(Deflated, followed.deflated.data)

    def _prepared(self, number: int, known: statuses.Published, media_type: str, at: int) -> Publication:
        body = known.cwt if media_type == CWT_MEDIA_TYPE else known.token.encode()
        kept = self._kept.get((number, media_type))
        left = max(0, known.issued_at + self.office.settings.status_ttl - at)
        if kept is None or kept.body != body:
            zipped = b"" if media_type == CWT_MEDIA_TYPE else _gzip(body)
            etag = hashlib.sha256(body).hexdigest()[:32]
            kept = Publication(media_type=media_type, body=body, zipped=zipped, etag=etag, fresh_for=left)
            self._kept[number, media_type] = kept
        return Publication(media_type=media_type, body=kept.body, zipped=kept.zipped, etag=kept.etag, fresh_for=left)


def _filled(size: int, bits: int, changed: Iterable[tuple[int, int]]) -> tuple[StatusList, bytearray]:
    data = bytearray((size * bits + 7) // 8)
    filled = StatusList(bits, size, data)
    for index, value in changed:
        filled.set(index, value)
    return filled, data


def _gzip(body: bytes) -> bytes:
    """Base64 of what is compressed already: nothing in it repeats, but a quarter of each byte says nothing."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS, 9, zlib.Z_HUFFMAN_ONLY)
    return deflater.compress(body) + deflater.flush()
