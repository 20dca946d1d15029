"""The trust bundle: one signed file from which a verifier without network answers itself (security rules S16-S18).

``{"manifest": "<JWS, typ trust-bundle+jwt>", "artefacts": {"<SHA-256, base64url>": "<base64>"}}`` with the manifest
``{iss, seq, prev, iat, exp, artefacts: [{media_type, sha256}]}``. The signer's key stands in the header and is pinned out of band.

What is inside is trusted for its own signatures only: a certificate here never becomes an anchor, a snapshot counts for the pinned anchor
that signed it, a status list still needs an entitled signer. The manifest only says what belongs together and which pack is newer; it
moves no clock. Two kinds are for browsers alone, which believe the signer of their own organisation: flattened keys, and types.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from ..codec import base64url, strict_json
from ..codec.reader import get_int, get_object, get_objects, get_str
from ..errors import BundleIncomplete, BundleRolledBack, BundleStale, Malformed, NotYetValid, Unavailable, Untrusted, VcError
from ..flow import Fetch, Fetched
from ..jose.jwk import parse_public_jwk, render_jwk, thumbprint
from ..jose.jws import Jws, parse_jws, prepare_jws, verify_jws
from ..keys import KeyId, PublicKey, Unsigned
from ..status.memory import StatusMemory
from ..status.token_status_list import StatusToken, parse_token
from ..x509 import Crl, load_certificate, parse_crls
from .anchors import Anchor
from .artefact import (
    CERTIFICATE,
    CRL,
    ENTITY_STATEMENT,
    MAX_ARTEFACT,
    OF_ANCHORS,
    OF_SUPERIORS,
    PAGE_KEYS,
    PAGE_TYPES,
    RP_CERTIFICATE,
    SNAPSHOT,
    STATUS_LIST,
    STATUS_LIST_CWT,
    SUCCESSOR,
    TYPE_METADATA,
    Artefact,
    distinct,
    match,
    render_files,
    render_list,
)
from .certificates import chains_of
from .federation import Federation
from .federation_anchor import FederationAnchor
from .memory import BundleMemory, SeenBundle, parse_memory, render_memory
from .snapshot import SeenSnapshot, Snapshot, parse_snapshot, signer_of, verify_snapshot
from .statements import parse_statement
from .succession import parse_succession
from .superiors import Word, unpack

__all__ = [
    "CERTIFICATE",
    "CRL",
    "MAX_ARTEFACT",
    "PAGE_KEYS",
    "PAGE_TYPES",
    "RP_CERTIFICATE",
    "SNAPSHOT",
    "STATUS_LIST",
    "STATUS_LIST_CWT",
    "TYPE_METADATA",
    "Artefact",
    "Bundle",
    "BundleMemory",
    "SeenBundle",
    "Source",
    "VerifiedBundle",
    "describe",
    "parse_bundle",
    "parse_memory",
    "prepare_bundle",
    "render_memory",
    "verify_bundle",
]

TYP = "trust-bundle+jwt"
MAX_BYTES = 64_000_000  # the whole file
MAX_MANIFEST = 8_000_000
MAX_PACKED = 50_000  # artefacts: whoever fills its share of a federation (``room``) leaves packs room for all others
AHEAD = 300  # seconds that a pack's date may be ahead of the clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where knowledge came from and how old it is; shown with every decision."""

    iss: str
    signer: str
    seq: int
    iat: int
    exp: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A parsed pack whose contents match its manifest byte for byte. Nothing vouches for the manifest yet.

    ``digest`` is SHA-256 (base64url) of the manifest's signing input: what the next pack names as ``prev``.
    """

    iss: str
    seq: int
    prev: str | None
    iat: int
    exp: int
    artefacts: tuple[Artefact, ...]
    public: PublicKey
    jws: Jws = field(repr=False)

    @property
    def digest(self) -> str:
        return _digest(self.jws)

    @property
    def signer(self) -> str:
        """RFC 7638 thumbprint of the key that claims to have signed."""
        return thumbprint(self.public)

    def of(self, media_type: str) -> tuple[bytes, ...]:
        """The artefacts of one kind."""
        return tuple(each.data for each in self.artefacts if each.media_type == media_type)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedBundle:
    """A pack by a pinned signer, not older than anything seen before. ``memory`` is what its reader must now keep.

    ``snapshots`` are those of pinned anchors, by fingerprint; ``certificates`` the chains inside by entity and ``kid``, for documents that
    carry only a key's name. ``federation`` is what pinned federation anchors and those below them say. ``status_lists`` are by address, each in
    one of the forms that are there.
    """

    bundle: Bundle
    status_lists: Mapping[str, StatusToken]
    snapshots: Mapping[str, Snapshot]
    crls: tuple[Crl, ...]
    certificates: Mapping[tuple[str, bytes], tuple[bytes, ...]]
    type_metadata: Mapping[str, bytes]
    memory: BundleMemory
    federation: Federation = field(default_factory=Federation)

    @property
    def source(self) -> Source:
        """For the decision: who made the pack and when."""
        own = self.bundle
        return Source(iss=own.iss, signer=own.signer, seq=own.seq, iat=own.iat, exp=own.exp)

    def answer(self, fetch: Fetch) -> Fetched:
        """A driver of flows: what the pack holds under that address, or ``Unavailable``. There is no other way out of it."""
        token = self.status_lists.get(fetch.url)
        if token is None or fetch.method != "GET":
            raise Unavailable("the checking pack does not hold this")
        return Fetched(status=200, headers={"content-type": token.media_type}, body=token.body)


def prepare_bundle(
    *,
    issuer: str,
    seq: int,
    prev: str | None,
    at: int,
    exp: int,
    artefacts: Sequence[Artefact],
    key: KeyId,
    public: PublicKey,
) -> Unsigned[bytes]:
    """The file, lacking only the signature. ``seq`` grows by one a pack, ``prev`` is the digest of the one before or ``None``.

    The same bytes given twice are there once. ``TooLarge`` for what no reader would take.
    """
    artefacts = distinct(artefacts, MAX_PACKED)
    manifest = {
        "iss": issuer,
        "seq": seq,
        "prev": prev,
        "iat": at,
        "exp": exp,
        "artefacts": render_list(artefacts),
    }
    files = render_files(artefacts)
    unsigned = prepare_jws(typ=TYP, payload=strict_json.dumps(manifest), key=key, alg=public.alg, header={"jwk": render_jwk(public)})

    def complete(signature: bytes) -> bytes:
        return strict_json.dumps({"manifest": unsigned.complete(signature), "artefacts": files})

    return Unsigned(key=key, typ=TYP, signing_input=unsigned.signing_input, complete=complete)


def parse_bundle(data: bytes) -> Bundle:
    """Structure, bounds, and that manifest and artefacts name each other exactly; ``Malformed`` or ``TooLarge`` with a pointer."""
    obj = strict_json.load_object(data, max_bytes=MAX_BYTES)
    jws = parse_jws(get_str(obj, "manifest", max_length=MAX_MANIFEST), max_bytes=MAX_MANIFEST, where="/manifest")
    public = parse_public_jwk(get_object(jws.header, "jwk", "/manifest"), where="/manifest/jwk")
    manifest = strict_json.load_object(jws.payload, where="/manifest", max_bytes=MAX_MANIFEST)
    listed = get_objects(manifest, "artefacts", "/manifest", max_items=MAX_PACKED)
    return Bundle(
        iss=get_str(manifest, "iss", "/manifest"),
        seq=get_int(manifest, "seq", "/manifest", minimum=1),
        prev=None if manifest.get("prev", "") is None else get_str(manifest, "prev", "/manifest"),
        iat=get_int(manifest, "iat", "/manifest"),
        exp=get_int(manifest, "exp", "/manifest"),
        artefacts=match(listed, get_object(obj, "artefacts"), "/manifest/artefacts"),
        public=public,
        jws=jws,
    )


def verify_bundle(
    bundle: Bundle,
    *,
    signers: Collection[str],
    at: int,
    memory: BundleMemory,
    anchors: Sequence[Anchor] = (),
    federation: Sequence[FederationAnchor] = (),
) -> VerifiedBundle:
    """The pack as something to answer from. ``anchors`` and ``federation`` are those that are pinned: what is inside about others is not looked at.

    ``at`` is the clock's own reading, or the floor could climb on itself. ``Untrusted`` unless the signer's thumbprint is in ``signers``;
    ``BadSignature``; ``NotYetValid`` when dated more than five minutes ahead; ``BundleRolledBack`` if a newer pack, snapshot or status list
    was seen before; ``BundleStale`` (undecided) once past its end; ``BundleIncomplete`` (undecided) where it lacks what its snapshots name.
    """
    if bundle.signer not in signers:
        raise Untrusted("the checking pack is by nobody whose packs are read here", where="/manifest/jwk")
    verify_jws(bundle.jws, bundle.public, typ=TYP)
    if bundle.iat > at + AHEAD:
        raise NotYetValid("the checking pack is dated in the future", where="/manifest/iat")
    _check_order(bundle, memory.signers.get(bundle.signer))
    inside = [parse_snapshot(_text(data), "/artefacts") for data in bundle.of(SNAPSHOT)]
    snapshots = _snapshots(inside, anchors, memory.snapshots, at)
    words = _words(bundle, inside, federation, memory, at)
    for fingerprint, snapshot in snapshots.items():
        memory = memory.with_snapshot(fingerprint, snapshot)
    memory = memory.with_words(words, at)
    if max(at, memory.floor) >= bundle.exp:
        raise BundleStale("the checking pack is too old to begin with", where="/manifest/exp")
    _check_whole(bundle, snapshots.values(), words)
    seen = SeenBundle(seq=bundle.seq, iat=bundle.iat, digest=bundle.digest)
    return VerifiedBundle(
        bundle=bundle,
        status_lists=_status_lists(bundle, memory.statuses),
        snapshots=snapshots,
        crls=parse_crls(_named(bundle, snapshots.values(), CRL)),
        certificates=chains_of(_named(bundle, snapshots.values(), CERTIFICATE), anchors),
        type_metadata=_type_metadata(bundle),
        memory=replace(memory, signers={**memory.signers, bundle.signer: seen}),
        federation=Federation(tuple(federation), words, frozenset(memory.snapshots)),
    )


def _check_order(bundle: Bundle, seen: SeenBundle | None) -> None:
    if seen is None:
        return
    if bundle.seq < seen.seq or (bundle.seq > seen.seq and bundle.iat < seen.iat):
        raise BundleRolledBack("a newer checking pack was used here before", where="/manifest/seq")
    if bundle.seq == seen.seq and bundle.digest != seen.digest:
        raise BundleRolledBack("another checking pack with this number was used here before", where="/manifest/seq")
    if bundle.seq == seen.seq + 1 and bundle.prev != seen.digest:
        raise BundleRolledBack("the checking pack does not follow the one used here before", where="/manifest/prev")


def _snapshots(inside: Sequence[Snapshot], anchors: Sequence[Anchor], seen: Mapping[str, SeenSnapshot], at: int) -> Mapping[str, Snapshot]:
    """Those of pinned anchors. One that is by nobody who is pinned is a file like any other (S17)."""
    found: dict[str, Snapshot] = {}
    for snapshot in inside:
        for anchor in {each.fingerprint: each for each in signer_of(snapshot, anchors)}.values():
            verify_snapshot(snapshot, anchor, seen=seen.get(anchor.fingerprint), at=at)
            _add(found, anchor.fingerprint, snapshot)
    return found


def _words(
    bundle: Bundle, inside: Sequence[Snapshot], anchors: Sequence[FederationAnchor], memory: BundleMemory, at: int
) -> tuple[Word, ...]:
    """Of superiors below pinned federation anchors, likewise."""
    files = {each.sha256: each for each in bundle.artefacts} if anchors else {}
    return tuple(word for anchor in anchors for word in unpack(anchor, inside, files, memory.snapshots, at=at, dates=memory.dates))


def _check_whole(bundle: Bundle, snapshots: Iterable[Snapshot], words: Iterable[Word]) -> None:
    """A pack that leaves out a list of withdrawn certificates, a certificate, or a statement, is no pack to check with (S17)."""
    named = {name for snapshot in snapshots for name, kind in snapshot.statements.items() if kind in OF_ANCHORS}
    named |= {name for word in words for name, kind in word.snapshot.statements.items() if kind in OF_SUPERIORS}
    if named - {each.sha256 for each in bundle.artefacts}:
        raise BundleIncomplete("the checking pack lacks something that a snapshot in it names", where="/artefacts")


def _named(bundle: Bundle, snapshots: Iterable[Snapshot], kind: str) -> tuple[bytes, ...]:
    """All files of a kind, by the manifest or by an anchor: what others call the same bytes is nothing to it."""
    names = {name for snapshot in snapshots for name, other in snapshot.statements.items() if other == kind}
    return tuple(each.data for each in bundle.artefacts if each.media_type == kind or each.sha256 in names)


def _status_lists(bundle: Bundle, statuses: StatusMemory) -> Mapping[str, StatusToken]:
    """Each list may be there in both forms, and then in one version (Token Status List section 5)."""
    forms: dict[tuple[str, str], StatusToken] = {}
    for data in (*bundle.of(STATUS_LIST), *bundle.of(STATUS_LIST_CWT)):
        token = parse_token(data)
        _check_newer(token.uri, token.iat, token.x5c, statuses)
        _add(forms, (token.uri, token.media_type), token)
    lists: dict[str, StatusToken] = {}
    for (uri, _), token in forms.items():
        other = lists.setdefault(uri, token)
        if (other.iat, other.bits, other.compressed) != (token.iat, token.bits, token.compressed):
            raise Malformed("two versions of one thing are in the checking pack", where="/artefacts")
    return lists


def _check_newer(uri: str, iat: int, x5c: Sequence[bytes], statuses: StatusMemory) -> None:
    if any((issuer, uri) in statuses.lists and iat < statuses.lists[issuer, uri].iat for issuer in _speakers(x5c)):
        raise BundleRolledBack("the checking pack brings back an older status list", where="/artefacts")


def _speakers(x5c: Sequence[bytes]) -> tuple[str, ...]:
    """Whose list it says it is. Without a certificate nobody can tell yet; the check of a document that names the list will."""
    return load_certificate(x5c[0], "/artefacts").uris if x5c else ()


K = TypeVar("K")
V = TypeVar("V")


def _add(found: dict[K, V], name: K, value: V) -> None:
    if name in found:
        raise Malformed("two versions of one thing are in the checking pack", where="/artefacts")
    found[name] = value


def _text(data: bytes) -> str:
    try:
        return data.decode("ascii")
    except UnicodeDecodeError as error:
        raise Malformed("a signed object is ASCII", where="/artefacts") from error


def _type_metadata(bundle: Bundle) -> Mapping[str, bytes]:
    documents: dict[str, bytes] = {}
    for data in bundle.of(TYPE_METADATA):
        _add(documents, get_str(strict_json.load_object(data, where="/artefacts"), "vct", "/artefacts"), data)
    return documents


def _digest(jws: Jws) -> str:
    return base64url.encode(hashlib.sha256(jws.signing_input).digest())


def describe(bundle: Bundle) -> list[dict[str, Any]]:
    """For people: each artefact's kind, size and own name, as far as it can be read. Nothing in it is verified."""
    return [
        {"media_type": each.media_type, "sha256": each.sha256, "bytes": len(each.data), "name": _name(each)} for each in bundle.artefacts
    ]


def _name(artefact: Artefact) -> str:
    try:
        if artefact.media_type in {STATUS_LIST, STATUS_LIST_CWT}:
            return parse_token(artefact.data).uri
        if artefact.media_type == SNAPSHOT:
            snapshot = parse_snapshot(_text(artefact.data))
            return f"{snapshot.iss}, number {snapshot.seq}"
        if artefact.media_type == ENTITY_STATEMENT:
            statement = parse_statement(_text(artefact.data))
            return f"{statement.iss} of {'itself' if statement.is_configuration else statement.sub}"
        if artefact.media_type == SUCCESSOR:
            succession = parse_succession(artefact.data)
            return f"{succession.successor} after {succession.outgoing}"
        if artefact.media_type == CERTIFICATE:
            return load_certificate(artefact.data, "").subject
        if artefact.media_type == TYPE_METADATA:
            return get_str(strict_json.load_object(artefact.data), "vct")
    except VcError:
        return "unreadable"
    return ""
