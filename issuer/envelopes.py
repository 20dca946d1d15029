"""The keys that wallets encrypt their requests for, and what is opened with them (OpenID4VCI sections 8.2, 10 and 12.2.4).

They are the service's, not the issuer's: made by it, kept sealed in the database for all processes, renewed each month. What was
encrypted for the one before is still opened for a week.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from issuer.office import STORAGE, Office
from issuer.records import service_keys
from shared.clock import DAY
from shared.codec import strict_json
from shared.errors import InvalidEncryptionParameters, Malformed
from shared.jose import jwe
from shared.openid4vci import Opened, RequestEncryption, ResponseEncryption, open_message

RENEW_DAYS = 30
KEEP_DAYS = 37
_MAX_MESSAGE = 262_144  # bytes


class Envelopes:
    """The private keys of one office in memory, newest first."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._keys: tuple[Mapping[str, Any], ...] = ()

    async def refresh(self) -> None:
        """Make a key where there is none or the newest is a month old, forget old ones, and read what other processes made."""
        office, at = self._office, self._office.clock()
        newest = await office.storage.read(service_keys.newest)
        if newest is None or newest + RENEW_DAYS * DAY <= at:
            key = jwe.generate_ephemeral()
            sealed = await office.custodian.seal(STORAGE, strict_json.dumps(key), context=_context(key["kid"]))
            await office.storage.write(
                lambda tx: service_keys.renew(tx, key["kid"], sealed, at=at, newest=newest, keep=at - KEEP_DAYS * DAY), point="service-key"
            )
        await self._load()

    async def _load(self) -> None:
        rows = await self._office.storage.read(service_keys.everything)
        if tuple(kid for kid, _ in rows) != tuple(key["kid"] for key in self._keys):
            opened = [await self._office.custodian.unseal(STORAGE, sealed, context=_context(kid)) for kid, sealed in rows]
            self._keys = tuple(strict_json.load_object(each) for each in opened)

    async def requests(self) -> RequestEncryption:
        """What is published of the newest key."""
        if not self._keys:
            await self.refresh()
        keys = tuple(jwe.public_half(key) for key in self._keys[:1])
        return RequestEncryption(keys=keys, required=self._required)

    async def private(self, kid: str) -> Mapping[str, Any]:
        """The key of that name; ``Malformed`` for one that nobody has, or no longer."""
        for again in (False, True):
            if again:
                await self._load()  # another process may have made a new key meanwhile
            for key in self._keys:
                if key["kid"] == kid:
                    return key
        raise Malformed("this was sealed for a key that is over: read the metadata again", where="/kid")

    @property
    def answers(self) -> ResponseEncryption:
        """How answers can be encrypted."""
        return ResponseEncryption(required=self._required)

    @property
    def _required(self) -> bool:
        return self._office.settings.encryption == "demand"

    async def open(self, body: bytes, media_type: str) -> Opened:
        """The JSON of a request; ``InvalidEncryptionParameters`` for what cannot be opened, ``Malformed`` for another media type."""
        try:
            return self._open(body, media_type)
        except InvalidEncryptionParameters:
            await self._load()  # another process may have made a new key meanwhile
            return self._open(body, media_type)

    def _open(self, body: bytes, media_type: str) -> Opened:
        if media_type not in {"application/json", "application/jwt"}:
            raise Malformed("a request is application/json, or encrypted as application/jwt")
        return open_message(body, media_type, self._keys, max_bytes=_MAX_MESSAGE)


def _context(kid: str) -> bytes:
    return f"service-key\0{kid}".encode()
