"""Checking packs: one signed file with everything that a desk without a network needs to check what is shown to it (security rules S16, S17)."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from shared.clock import DAY
from shared.codec import base64url, strict_json
from shared.credentials._page import page_type
from shared.errors import ConfigError, Conflict, SnapshotMissing, StatusUnknown, Unavailable
from shared.keys import Role, sign
from shared.private_file import write_whole
from shared.status.token_status_list import MEDIA_TYPE, body_of, parse_token
from shared.storage import Tx
from shared.trust.artefact import (
    CERTIFICATE,
    CRL,
    PAGE_KEYS,
    PAGE_TYPES,
    SNAPSHOT,
    STATUS_LIST_CWT,
    TYPE_METADATA,
    Artefact,
)
from shared.trust.bundle import MAX_BYTES, prepare_bundle
from shared.trust.page_keys import Own, page_keys
from shared.trust.policy import Policy
from shared.verify import allowed_age
from shared.web import heard
from shared.web.heard import Heard
from shared.x509 import parse_crls
from verifier.desk import BUNDLE, Desk
from verifier.material import issuers
from verifier.records import knowledge
from verifier.records.knowledge import KeptList, Pack

_ROOM: Final = MAX_BYTES * 3 // 4 - 1_000_000  # bytes of all files, which are written in base64
_LISTED: Final = 200  # of each: its name, twice
_TRIES: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A pack ready to be written to a file."""

    pack: Pack
    data: bytes
    lists: int
    issuers: int


async def make(desk: Desk) -> Made:
    """The next pack, from what is kept.

    ``StatusUnknown`` while some trusted issuer has no list here: the pack would know of nothing. ``SnapshotMissing`` while its anchor has
    said nothing of what is in force: with the pack alone nothing of it could be relied on.
    """
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
    at, own = desk.clock(), await _own(desk)
    contents = await desk.storage.read(lambda tx: _contents(tx, desk, own, at))
    last, artefacts, exp = contents.last, contents.artefacts, min(contents.until, at + desk.settings.pack_days * DAY)
    seq = 1 if last is None else last.seq + 1
    unsigned = prepare_bundle(
        issuer=desk.entity,
        seq=seq,
        prev=None if last is None else last.digest,
        at=at if last is None else max(at, last.made_at),
        exp=exp,
        artefacts=artefacts,
        key=BUNDLE,
        public=await desk.custodian.public(BUNDLE),
    )
    data = await sign(unsigned, desk.custodian)
    digest = base64url.encode(hashlib.sha256(unsigned.signing_input).digest())
    pack = Pack(seq=seq, digest=digest, made_at=at, expires_at=exp)
    await desk.storage.write(lambda tx: knowledge.add_pack(tx, pack), point="pack")
    lists = len({parse_token(each.data).uri for each in artefacts if each.media_type in {MEDIA_TYPE, STATUS_LIST_CWT}})
    return Made(pack=pack, data=data, lists=lists, issuers=contents.issuers)


async def _own(desk: Desk) -> Own:
    return Own(entity=desk.entity, name=desk.settings.name, public=desk.signer.public)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Contents:
    """``until`` is when the first snapshot or list of withdrawn certificates inside runs out: a page believes the pack, and could not tell
    by itself.
    """

    last: Pack | None
    artefacts: Sequence[Artefact]
    issuers: int
    until: int


async def lacking(tx: Tx, desk: Desk) -> str | None:
    """The code of what keeps ``make`` from making one now; ``None`` if nothing does."""
    try:
        await _complete(tx, desk)
    except (StatusUnknown, SnapshotMissing) as error:
        return error.code
    return None


async def _complete(tx: Tx, desk: Desk) -> tuple[Heard, Sequence[KeptList]]:
    trusted = issuers(desk)
    known = await heard.heard(tx, desk.trust)
    kept = [each for each in await knowledge.lists(tx) if each.entity in trusted or known.federation.knows(each.entity)]
    for entity in trusted:
        if all(each.entity != entity for each in kept):
            raise StatusUnknown(f"no list of cancelled documents of {entity} is here: fetch them first")
    _check_snapshots(desk, known)
    return known, kept


async def _contents(tx: Tx, desk: Desk, own: Own, at: int) -> _Contents:
    trusted, (known, kept) = issuers(desk), await _complete(tx, desk)
    tokens = {each.uri: body_of(await knowledge.token(tx, each.uri)) for each in kept}
    others = {each.uri: data for each in kept if (data := await _other_form(tx, each, tokens[each.uri])) is not None}
    descriptions = {each.vct: each.data for each in await knowledge.descriptions(tx)}
    certificates = _certificates(desk, known, tokens.values())
    pinned = {each.fingerprint for each in desk.trust.with_role(Role.CREDENTIAL_ISSUER)}
    crls = parse_crls(known.of(CRL))
    policy = Policy.sealed(desk.trust, known.snapshots, crls, seen=known.seen, federation=known.federation)
    said = [*(each.next_update for each in crls), *(each.next_update for name, each in known.snapshots.items() if name in pinned)]
    ends = [each for each in said if at < each]
    rest = (
        *(Artefact(media_type=SNAPSHOT, data=each.jws.token.encode("ascii")) for each in known.snapshots.values()),
        *(Artefact(media_type=SNAPSHOT, data=each.snapshot.jws.token.encode("ascii")) for each in known.federation.words),
        *known.artefacts,
        *(Artefact(media_type=CERTIFICATE, data=der) for der in certificates),
        *(Artefact(media_type=TYPE_METADATA, data=data) for data in descriptions.values()),
        Artefact(media_type=PAGE_KEYS, data=page_keys(policy, certificates, own, at=at, floor=known.floor)),
        _page_types(desk),
    )
    lists = [
        (
            each.entity,
            [Artefact(media_type=parse_token(data).media_type, data=data) for data in (tokens[each.uri], others.get(each.uri)) if data],
        )
        for each in kept
    ]
    fitting = _fitting(lists, trusted, sum(len(each.data) + _LISTED for each in rest))
    artefacts, last = (*rest, *(part for _, parts in fitting for part in parts)), await knowledge.last_pack(tx)
    return _Contents(last=last, artefacts=artefacts, issuers=len({entity for entity, _ in fitting}), until=min(ends, default=sys.maxsize))


Lists = Sequence[tuple[str, Sequence[Artefact]]]
"""Each list in its forms, with its issuer."""


def _fitting(lists: Lists, pinned: Collection[str], taken: int) -> Lists:
    """Those for which there is room: of pinned issuers all, of others those of whoever has the least first. Without its list a document is
    undecided; in a pack that is too large, all are.
    """
    size = dict.fromkeys((entity for entity, _ in lists), 0)
    for entity, parts in lists:
        size[entity] += sum(len(each.data) + _LISTED for each in parts)
    fitting, left = set(), _ROOM - taken
    for entity in sorted(size, key=lambda each: (each not in pinned, size[each], each)):
        left -= size[entity]
        if entity in pinned or left >= 0:
            fitting.add(entity)
    return [(entity, parts) for entity, parts in lists if entity in fitting]


async def _other_form(tx: Tx, kept: KeptList, token: bytes) -> bytes | None:
    """The same list in CBOR for pages, if it says the same to the bit: a pack holds one version of a thing."""
    data = await knowledge.cwt(tx, kept.uri, kept.iat)
    if data is None:
        return None
    one, other = parse_token(token), parse_token(data)
    return data if (one.bits, one.compressed) == (other.bits, other.compressed) else None


def _check_snapshots(desk: Desk, known: Heard) -> None:
    for anchor in desk.trust.with_role(Role.CREDENTIAL_ISSUER):
        if anchor.fingerprint not in known.snapshots and (not anchor.without_snapshot or anchor.fingerprint in known.seen):
            raise SnapshotMissing(
                f"{anchor.name} does not say which of its certificates are in force, and a checking pack needs that: fetch it first, or pin "
                "the anchor with --without-snapshot if it never says so"
            )
    for silent in known.federation.silent:
        raise SnapshotMissing(f"{silent.name} does not say who belongs to its federation, and a checking pack needs that: fetch it first")


def _certificates(desk: Desk, known: Heard, tokens: Iterable[bytes]) -> list[bytes]:
    """To look at, and to find chains by; nothing inside is trusted for being there."""
    found = dict.fromkeys(known.of(CERTIFICATE))
    found |= dict.fromkeys(der for token in tokens for der in parse_token(token).x5c)
    return list(found | dict.fromkeys(each.certificate.der for each in desk.trust.anchors))


def _page_types(desk: Desk) -> Artefact:
    """A page holds the owner's own limit on the age of lists against what is at stake, and what is admitted for a use, as the service does."""
    admitted = {(use.type.vct, use.query.id): use.query for use in desk.admits.uses()}
    limit = desk.settings.max_status_hours * 3_600 or None
    types = [
        page_type(replace(each, queries=tuple(admitted[each.vct, query.id] for query in each.queries)))
        | {"status_max_age": {stakes: allowed_age(each, {"stakes": stakes}, limit) for stakes in ("low", "high")}}
        for each in desk.types.values()
    ]
    return Artefact(media_type=PAGE_TYPES, data=strict_json.dumps({"version": 1, "types": types}))
