"""Files that a signed list names by kind and digest: the contents of a checking pack, and of what an anchor publishes.

The list and the files must name each other exactly: ``[{media_type, sha256}]`` beside ``{"<SHA-256, base64url>": "<base64>"}``.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..codec import base64url
from ..codec.reader import get_str, pointer
from ..errors import Malformed, TooLarge
from ..status.token_status_list import CWT_MEDIA_TYPE, MEDIA_TYPE

STATUS_LIST = MEDIA_TYPE
STATUS_LIST_CWT = CWT_MEDIA_TYPE
CERTIFICATE = "application/pkix-cert"
CRL = "application/pkix-crl"
TYPE_METADATA = "application/vct+json"
SNAPSHOT = "application/vnd.muniment.snapshot+jwt"
RP_CERTIFICATE = "application/vnd.muniment.rp-cert+cwt"
ENTITY_STATEMENT = "application/entity-statement+jwt"
TRUST_MARK = "application/trust-mark+jwt"
SUCCESSOR = "application/vnd.muniment.successor+jwt"
OF_ANCHORS = frozenset({CERTIFICATE, CRL, RP_CERTIFICATE})
"""All that is read of what an anchor of certificates publishes."""
OF_SUPERIORS = frozenset({ENTITY_STATEMENT, TRUST_MARK, SUCCESSOR, RP_CERTIFICATE})
"""All that is read of what a superior in a federation publishes."""
PAGE_KEYS = "application/vnd.muniment.keys+json"
PAGE_TYPES = "application/vnd.muniment.types+json"

MAX_ARTEFACT = 10_000_000  # bytes of one artefact
MAX_ARTEFACTS = 20_000  # that one anchor or superior publishes
MAX_MEDIA_TYPE = 255  # characters (RFC 6838)


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefact:
    """One file inside, whatever it is."""

    media_type: str
    data: bytes = field(repr=False)

    @property
    def sha256(self) -> str:
        """base64url, the name under which the file is listed."""
        return name_of(self.data)


def name_of(data: bytes) -> str:
    """SHA-256, base64url."""
    return base64url.encode(hashlib.sha256(data).digest())


def distinct(artefacts: Iterable[Artefact], most: int = MAX_ARTEFACTS) -> tuple[Artefact, ...]:
    """The same bytes given twice are there once. ``TooLarge`` for what no reader would take."""
    found = tuple({each.sha256: each for each in artefacts}.values())
    if len(found) > most or any(len(each.data) > MAX_ARTEFACT for each in found):
        raise TooLarge(f"at most {most:,} artefacts of 10 MB each", where="/artefacts")
    return found


def render_list(artefacts: Iterable[Artefact]) -> list[dict[str, str]]:
    """What is signed."""
    return [{"media_type": each.media_type, "sha256": each.sha256} for each in artefacts]


def render_files(artefacts: Iterable[Artefact]) -> dict[str, str]:
    """What lies beside it."""
    return {each.sha256: base64.b64encode(each.data).decode("ascii") for each in artefacts}


def match(listed: Sequence[Mapping[str, Any]], files: Mapping[str, Any], where: str) -> tuple[Artefact, ...]:
    """The files, if both name each other exactly; ``where`` is the pointer of the list. ``Malformed`` with a pointer otherwise."""
    found: dict[str, Artefact] = {}
    for index, entry in enumerate(listed):
        place = f"{where}/{index}"
        name = get_str(entry, "sha256", place)
        if name in found:
            raise Malformed("the signed list names this artefact twice", where=place)
        found[name] = Artefact(media_type=_media_type(entry, place), data=_decode(files, name))
        if found[name].sha256 != name:
            raise Malformed("the artefact is not the one that the signed list names", where=pointer("/artefacts", name))
    extra = files.keys() - found.keys()
    if extra:
        raise Malformed("the signed list does not name this artefact", where=pointer("/artefacts", min(extra)))
    return tuple(found.values())


def _media_type(entry: Mapping[str, Any], place: str) -> str:
    kind = get_str(entry, "media_type", place, max_length=MAX_MEDIA_TYPE)
    if not (kind.isascii() and kind.isprintable()):
        raise Malformed("a media type is printable ASCII", where=pointer(place, "media_type"))
    return kind


def _decode(files: Mapping[str, Any], name: str) -> bytes:
    text = get_str(files, name, "/artefacts", min_length=0, max_length=MAX_ARTEFACT * 4 // 3 + 4)
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise Malformed("an artefact is base64", where=pointer("/artefacts", name)) from error
