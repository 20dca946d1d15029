"""The status lists once more, as the W3C has them: one credential a purpose, beside each Token Status List and saying the same.

Made from the token that is published, so that every process tells the same values under the same date; signed when somebody asks.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field, replace

from issuer.office import Office
from issuer.publish import Publication, StatusLists, list_uri
from shared.codec.inflate import inflate
from shared.errors import Missing
from shared.keys import sign
from shared.status.bitstring import MEDIA_TYPE, PURPOSES, bits_of, encode_list, prepare_list
from shared.status.token_status_list import MAX_INFLATED, StatusList, StatusToken, parse_token
from shared.status.token_status_list import MEDIA_TYPE as TOKEN_TYPE


def addresses(uri: str) -> dict[str, str]:
    """Where the list at ``uri`` is found in this form, by purpose."""
    return {purpose: f"{uri}/{purpose}" for purpose in PURPOSES}


@dataclass(slots=True)
class Bitstrings:
    """The lists of one office, the newest of each in memory."""

    office: Office
    lists: StatusLists
    _kept: dict[tuple[int, str], tuple[str, Publication]] = field(default_factory=dict)

    async def get(self, number: int, purpose: str) -> Publication:
        """The list of one purpose; ``Missing`` if there is no such list."""
        told = await self.lists.get(number)
        if told.media_type != TOKEN_TYPE:
            raise Missing("this list has no other form")
        kept = self._kept.get((number, purpose))
        if kept is None or kept[0] != told.etag:
            kept = (told.etag, await self._make(number, purpose, parse_token(told.body)))
            self._kept[number, purpose] = kept
        return replace(kept[1], fresh_for=told.fresh_for)

    async def _make(self, number: int, purpose: str, token: StatusToken) -> Publication:
        office, signer = self.office, self.office.signer
        unsigned = prepare_list(
            encoded=await asyncio.to_thread(_encoded, token, PURPOSES[purpose]),
            purpose=purpose,
            uri=addresses(list_uri(office, number))[purpose],
            issuer=office.settings.public_url,
            iat=token.iat,
            exp=token.exp,
            ttl=token.ttl,
            key=signer.key,
            x5c=signer.x5c,
            alg=signer.alg,
        )
        body = (await sign(unsigned, office.custodian)).encode()
        return Publication(media_type=MEDIA_TYPE, body=body, zipped=b"", etag=hashlib.sha256(body).hexdigest()[:32], fresh_for=0)


def _encoded(token: StatusToken, value: int) -> str:
    return encode_list(bits_of(StatusList.from_bytes(token.bits, inflate(token.compressed, max_bytes=MAX_INFLATED)), value))
