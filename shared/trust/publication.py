"""What an anchor publishes at ``/.well-known/muniment-trust``: its snapshot and every statement that the snapshot names.

``{"snapshot": "<JWS>", "artefacts": {"<SHA-256, base64url>": "<base64>"}}``, the same for everybody who asks. An anchor of certificates that is
also a superior in a federation has both under one address: the member ``federation`` is another such object, by its federation key.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ..codec import strict_json
from ..codec.reader import get_object, get_str
from ..errors import Unavailable, Untrusted
from ..flow import Fetch, Flow
from ..urls import check_https, well_known
from .anchors import Anchor
from .artefact import OF_ANCHORS, OF_SUPERIORS, Artefact, match, render_files
from .snapshot import MAX_BYTES, SeenSnapshot, Snapshot, parse_snapshot, signer_of, verify_snapshot

DOCUMENT: Final = "muniment-trust"
"""Its name below ``/.well-known/``."""
MEDIA_TYPE: Final = "application/json"
MAX_PUBLICATION: Final = 16_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """A snapshot with all that it names; nothing is verified yet."""

    snapshot: Snapshot
    artefacts: tuple[Artefact, ...] = field(repr=False)

    def of(self, media_type: str) -> tuple[bytes, ...]:
        """The statements of one kind."""
        return tuple(each.data for each in self.artefacts if each.media_type == media_type)


def render_publication(snapshot: str, artefacts: Sequence[Artefact]) -> bytes:
    """The bytes that ``parse_publication`` reads."""
    return strict_json.dumps({"snapshot": snapshot, "artefacts": render_files(artefacts)})


def join_publications(own: bytes, federation: bytes) -> bytes:
    """One document of two: what the anchor of certificates says, and what the same body says as a superior."""
    return b'%b,"federation":%b}' % (own.removesuffix(b"}"), federation)


def parse_publication(data: bytes) -> Publication:
    """``Malformed`` or ``TooLarge`` with a pointer, unless snapshot and artefacts name each other exactly.

    Files that anchors of certificates have no business to publish are left out: in a checking pack they could pass for somebody else's.
    """
    return _parse(strict_json.load_object(data, max_bytes=MAX_PUBLICATION), OF_ANCHORS)


def parse_federation_publication(data: bytes) -> Publication:
    """As ``parse_publication``, what a body says as a superior: the member ``federation`` where it says both, else all of it.

    Left out is what superiors have no business to publish.
    """
    obj = strict_json.load_object(data, max_bytes=MAX_PUBLICATION)
    return _parse(get_object(obj, "federation", optional=True) or obj, OF_SUPERIORS)


def _parse(obj: Mapping[str, Any], kinds: Collection[str]) -> Publication:
    snapshot = parse_snapshot(get_str(obj, "snapshot", max_length=MAX_BYTES), "/snapshot")
    listed = [{"media_type": media_type, "sha256": name} for name, media_type in snapshot.statements.items()]
    found = match(listed, get_object(obj, "artefacts"), "/snapshot/statements")
    return Publication(snapshot=snapshot, artefacts=tuple(each for each in found if each.media_type in kinds))


def verify_publication(
    publication: Publication, anchors: Sequence[Anchor], *, seen: Mapping[str, SeenSnapshot], at: int
) -> tuple[Anchor, ...]:
    """The anchors (one certificate may be pinned for two roles) that vouch for it; errors as ``verify_snapshot``, ``Untrusted`` if none."""
    signers = signer_of(publication.snapshot, anchors)
    if not signers:
        raise Untrusted("the snapshot is by no anchor that is trusted here", where="/snapshot")
    for anchor in signers:
        verify_snapshot(publication.snapshot, anchor, seen=seen.get(anchor.fingerprint), at=at)
    return signers


def fetch_publication(site: str, *, plain_http: Collection[str] = ()) -> Flow[Publication | None]:
    """What the entity at ``site`` publishes, unverified; ``None`` if it says that it publishes nothing. The same request from everybody."""
    body = yield from _fetch(well_known(site, DOCUMENT), plain_http)
    return None if body is None else parse_publication(body)


def fetch_publication_at(address: str, *, plain_http: Collection[str] = ()) -> Flow[Publication | None]:
    """As ``fetch_publication``, what a superior says, from an address that its entity names."""
    body = yield from _fetch(address, plain_http)
    return None if body is None else parse_federation_publication(body)


def request_at(address: str, *, plain_http: Collection[str] = ()) -> Fetch:
    """The request for what is published there; ``Malformed`` for an address that is none."""
    url = check_https(address, plain_http=plain_http)
    return Fetch(url=url, headers={"accept": MEDIA_TYPE}, max_bytes=MAX_PUBLICATION)


def _fetch(address: str, plain_http: Collection[str]) -> Flow[bytes | None]:
    got = yield request_at(address, plain_http=plain_http)
    if got.status in {404, 410}:
        return None
    if got.status != 200:
        raise Unavailable(f"it answered {got.status}")
    return got.body
