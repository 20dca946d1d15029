"""The trust bundle: one signed file from which a verifier without network answers itself (security rules S17, S18).

``{"manifest": "<JWS, typ trust-bundle+jwt>", "artefacts": {"<SHA-256, base64url>": "<base64>"}}`` with the manifest
``{iss, seq, prev, iat, exp, artefacts: [{media_type, sha256}]}``. The signer's key stands in the header and is pinned out of band.

What is inside is trusted for its own signatures only: a certificate here never becomes an anchor, a status list still needs an entitled
signer. The manifest only says what belongs together and which pack is newer.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from ..codec import base64url, strict_json
from ..codec.reader import get_int, get_object, get_objects, get_str, pointer
from ..errors import BundleRolledBack, BundleStale, Malformed, NotYetValid, TooLarge, Unavailable, Untrusted, VcError
from ..flow import Fetch, Fetched
from ..jose.jwk import parse_public_jwk, render_jwk, thumbprint
from ..jose.jws import Jws, parse_jws, prepare_jws, verify_jws
from ..keys import KeyId, PublicKey, Unsigned
from ..status.memory import StatusMemory, parse_statuses, render_statuses
from ..status.token_status_list import MEDIA_TYPE, StatusToken, parse_token
from ..x509 import Crl, load_certificate, parse_crl

TYP = "trust-bundle+jwt"
STATUS_LIST = MEDIA_TYPE
CERTIFICATE = "application/pkix-cert"
CRL = "application/pkix-crl"
TYPE_METADATA = "application/vct+json"
MAX_BYTES = 64_000_000  # the whole file
MAX_ARTEFACT = 10_000_000  # bytes of one artefact
MAX_ARTEFACTS = 2000
AHEAD = 300  # seconds that a pack's date may be ahead of the clock, and the most that it may push the clock (S18)


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefact:
    """One file inside, whatever it is."""

    media_type: str
    data: bytes = field(repr=False)

    @property
    def sha256(self) -> str:
        """base64url, the name under which the file lists it."""
        return base64url.encode(hashlib.sha256(self.data).digest())


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenBundle:
    """The newest pack seen of one signer. ``digest`` is that of its manifest's signing input."""

    seq: int
    iat: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleMemory:
    """What must survive between two uses: newest pack a signer, the time floor, and what status lists have taught."""

    signers: Mapping[str, SeenBundle] = field(default_factory=dict)
    floor: int = 0
    statuses: StatusMemory = field(default_factory=StatusMemory)

    def with_statuses(self, learnt: StatusMemory) -> BundleMemory:
        """Joined with what a check has taught."""
        return replace(self, statuses=self.statuses.merge(learnt))


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
    """A pack by a pinned signer, not older than anything seen before. ``memory`` is what its reader must now keep."""

    bundle: Bundle
    status_lists: Mapping[str, StatusToken]
    crls: tuple[Crl, ...]
    type_metadata: Mapping[str, bytes]
    memory: BundleMemory

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
        return Fetched(status=200, headers={"content-type": STATUS_LIST}, body=token.jws.token.encode("ascii"))


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
    artefacts = tuple({each.sha256: each for each in artefacts}.values())
    if len(artefacts) > MAX_ARTEFACTS or any(len(each.data) > MAX_ARTEFACT for each in artefacts):
        raise TooLarge("a checking pack holds at most 2,000 artefacts of 10 MB each", where="/artefacts")
    manifest = {
        "iss": issuer,
        "seq": seq,
        "prev": prev,
        "iat": at,
        "exp": exp,
        "artefacts": [{"media_type": each.media_type, "sha256": each.sha256} for each in artefacts],
    }
    files = {each.sha256: base64.b64encode(each.data).decode("ascii") for each in artefacts}
    unsigned = prepare_jws(typ=TYP, payload=strict_json.dumps(manifest), key=key, alg=public.alg, header={"jwk": render_jwk(public)})

    def complete(signature: bytes) -> bytes:
        return strict_json.dumps({"manifest": unsigned.complete(signature), "artefacts": files})

    return Unsigned(key=key, typ=TYP, signing_input=unsigned.signing_input, complete=complete)


def parse_bundle(data: bytes) -> Bundle:
    """Structure, bounds, and that manifest and artefacts name each other exactly; ``Malformed`` or ``TooLarge`` with a pointer."""
    obj = strict_json.load_object(data, max_bytes=MAX_BYTES)
    jws = parse_jws(get_str(obj, "manifest", max_length=1_000_000), where="/manifest")
    public = parse_public_jwk(get_object(jws.header, "jwk", "/manifest"), where="/manifest/jwk")
    manifest = strict_json.load_object(jws.payload, where="/manifest")
    listed = get_objects(manifest, "artefacts", "/manifest", max_items=MAX_ARTEFACTS)
    return Bundle(
        iss=get_str(manifest, "iss", "/manifest"),
        seq=get_int(manifest, "seq", "/manifest", minimum=1),
        prev=None if manifest.get("prev", "") is None else get_str(manifest, "prev", "/manifest"),
        iat=get_int(manifest, "iat", "/manifest"),
        exp=get_int(manifest, "exp", "/manifest"),
        artefacts=_match(listed, get_object(obj, "artefacts")),
        public=public,
        jws=jws,
    )


def _match(listed: Sequence[Mapping[str, Any]], files: Mapping[str, Any]) -> tuple[Artefact, ...]:
    found: dict[str, Artefact] = {}
    for index, entry in enumerate(listed):
        where = f"/manifest/artefacts/{index}"
        name = get_str(entry, "sha256", where)
        if name in found:
            raise Malformed("the manifest names this artefact twice", where=where)
        found[name] = Artefact(media_type=get_str(entry, "media_type", where), data=_decode(files, name))
        if found[name].sha256 != name:
            raise Malformed("the artefact is not the one that the manifest names", where=pointer("/artefacts", name))
    extra = files.keys() - found.keys()
    if extra:
        raise Malformed("the manifest does not name this artefact", where=pointer("/artefacts", min(extra)))
    return tuple(found.values())


def _decode(files: Mapping[str, Any], name: str) -> bytes:
    text = get_str(files, name, "/artefacts", min_length=0, max_length=MAX_ARTEFACT * 4 // 3 + 4)
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise Malformed("an artefact is base64", where=pointer("/artefacts", name)) from error


def verify_bundle(bundle: Bundle, *, signers: Collection[str], at: int, memory: BundleMemory) -> VerifiedBundle:
    """The pack as something to answer from.

    ``at`` is the clock's own reading, or the floor could climb on itself. ``Untrusted`` unless the signer's thumbprint is in ``signers``; ``BadSignature``; ``NotYetValid`` when dated more than five minutes
    ahead of ``at``; ``BundleRolledBack`` for an older pack, another pack of the same number, or an older status list than one seen;
    ``BundleStale`` (undecided) past ``exp``.
    """
    if bundle.signer not in signers:
        raise Untrusted("the checking pack is by nobody whose packs are read here", where="/manifest/jwk")
    verify_jws(bundle.jws, bundle.public, typ=TYP)
    if bundle.iat > at + AHEAD:
        raise NotYetValid("the checking pack is dated in the future", where="/manifest/iat")
    _check_order(bundle, memory.signers.get(bundle.signer))
    now = max(at, memory.floor)
    if now >= bundle.exp:
        raise BundleStale("the checking pack is too old to begin with", where="/manifest/exp")
    status_lists = _status_lists(bundle, memory.statuses)
    seen = SeenBundle(seq=bundle.seq, iat=bundle.iat, digest=bundle.digest)
    return VerifiedBundle(
        bundle=bundle,
        status_lists=status_lists,
        crls=tuple(parse_crl(each) for each in bundle.of(CRL)),
        type_metadata=_type_metadata(bundle),
        memory=replace(memory, signers={**memory.signers, bundle.signer: seen}, floor=max(memory.floor, bundle.iat)),
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


def _status_lists(bundle: Bundle, statuses: StatusMemory) -> Mapping[str, StatusToken]:
    lists: dict[str, StatusToken] = {}
    for data in bundle.of(STATUS_LIST):
        token = parse_token(_text(data))
        if any((issuer, token.uri) in statuses.lists and token.iat < statuses.lists[issuer, token.uri].iat for issuer in _speakers(token)):
            raise BundleRolledBack("the checking pack brings back an older status list", where="/artefacts")
        _add(lists, token.uri, token)
    return lists


def _speakers(token: StatusToken) -> tuple[str, ...]:
    """Whose list it says it is. Without a certificate nobody can tell yet; the check of a document that names the list will."""
    return load_certificate(token.x5c[0], "/artefacts").uris if token.x5c else ()


V = TypeVar("V")


def _add(found: dict[str, V], name: str, value: V) -> None:
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
        if artefact.media_type == STATUS_LIST:
            return parse_token(_text(artefact.data)).uri
        if artefact.media_type == CERTIFICATE:
            return load_certificate(artefact.data, "").subject
        if artefact.media_type == TYPE_METADATA:
            return get_str(strict_json.load_object(artefact.data), "vct")
    except VcError:
        return "unreadable"
    return ""


def render_memory(memory: BundleMemory) -> bytes:
    """The bytes that ``parse_memory`` reads back to the same value."""
    signers = {signer: {"seq": each.seq, "iat": each.iat, "digest": each.digest} for signer, each in sorted(memory.signers.items())}
    return strict_json.dumps({"version": 1, "floor": memory.floor, "signers": signers, "statuses": render_statuses(memory.statuses)})


def parse_memory(data: bytes) -> BundleMemory:
    """``Malformed`` with a pointer unless ``data`` was written by ``render_memory``: a broken memory is never an empty one."""
    obj = strict_json.load_object(data, max_bytes=MAX_BYTES)
    if get_int(obj, "version") != 1:
        raise Malformed("this program reads version 1", where="/version")
    signers = get_object(obj, "signers")
    return BundleMemory(
        signers={signer: _parse_seen(get_object(signers, signer, "/signers"), pointer("/signers", signer)) for signer in signers},
        floor=get_int(obj, "floor"),
        statuses=parse_statuses(get_object(obj, "statuses"), "/statuses"),
    )


def _parse_seen(obj: Mapping[str, Any], where: str) -> SeenBundle:
    return SeenBundle(seq=get_int(obj, "seq", where), iat=get_int(obj, "iat", where), digest=get_str(obj, "digest", where))
