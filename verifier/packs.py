"""Checking packs: one signed file with everything that a desk without a network needs to check what is shown to it (security rule S17)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shared.clock import DAY
from shared.codec import base64url
from shared.errors import ConfigError, Conflict, StatusUnknown, Unavailable
from shared.keys import sign
from shared.private_file import write_whole
from shared.status.token_status_list import MEDIA_TYPE as STATUS_LIST
from shared.status.token_status_list import parse_token
from shared.storage import Tx
from shared.trust.bundle import CERTIFICATE, TYPE_METADATA, Artefact, prepare_bundle
from verifier.desk import BUNDLE, Desk
from verifier.material import issuers
from verifier.records import knowledge
from verifier.records.knowledge import Pack

_TRIES: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A pack ready to be written to a file."""

    pack: Pack
    data: bytes
    lists: int
    issuers: int


async def make(desk: Desk) -> Made:
    """The next pack, from what is kept. ``StatusUnknown`` while some trusted issuer has no list here: the pack would know of nothing."""
    for _ in range(_TRIES):
        try:
            return await _make(desk)
        except Conflict:  # another process has just made one of this number
            continue
    raise Unavailable("others are making checking packs at this moment")


def write(file: Path, data: bytes) -> None:
    """A pack is no secret: whoever carries it may read it."""
    try:
        write_whole(file, data, 0o644)
    except OSError as error:
        raise ConfigError(f"cannot write {file}: {error.strerror}", where="out") from error


async def _make(desk: Desk) -> Made:
    last, artefacts = await desk.storage.read(lambda tx: _contents(tx, desk))
    at = desk.clock()
    seq = 1 if last is None else last.seq + 1
    unsigned = prepare_bundle(
        issuer=desk.entity,
        seq=seq,
        prev=None if last is None else last.digest,
        at=at if last is None else max(at, last.made_at),
        exp=at + desk.settings.pack_days * DAY,
        artefacts=artefacts,
        key=BUNDLE,
        public=await desk.custodian.public(BUNDLE),
    )
    data = await sign(unsigned, desk.custodian)
    digest = base64url.encode(hashlib.sha256(unsigned.signing_input).digest())
    pack = Pack(seq=seq, digest=digest, made_at=at, expires_at=at + desk.settings.pack_days * DAY)
    await desk.storage.write(lambda tx: knowledge.add_pack(tx, pack), point="pack")
    lists = sum(each.media_type == STATUS_LIST for each in artefacts)
    return Made(pack=pack, data=data, lists=lists, issuers=len(issuers(desk)))


async def _contents(tx: Tx, desk: Desk) -> tuple[Pack | None, Sequence[Artefact]]:
    trusted = issuers(desk)
    kept = [each for each in await knowledge.lists(tx) if each.entity in trusted]
    for entity in trusted:
        if all(each.entity != entity for each in kept):
            raise StatusUnknown(f"no list of cancelled documents of {entity} is here: fetch them first")
    tokens = [await knowledge.token(tx, each.uri) for each in kept]
    certificates = {der: None for token in tokens for der in parse_token(token).x5c}
    certificates |= {each.certificate.der: None for each in desk.trust.anchors}  # to look at; nothing inside is trusted for being there
    descriptions = {each.vct: each.data for each in await knowledge.descriptions(tx)}
    artefacts = (
        *(Artefact(media_type=CERTIFICATE, data=der) for der in certificates),
        *(Artefact(media_type=STATUS_LIST, data=token.encode("ascii")) for token in tokens),
        *(Artefact(media_type=TYPE_METADATA, data=data) for data in descriptions.values()),
    )
    return await knowledge.last_pack(tx), artefacts
