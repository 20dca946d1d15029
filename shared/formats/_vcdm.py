"""What both W3C formats have in common: the document of the data model 2.0 around a type's claim tree, made and read.

Our claim tree hangs below ``credentialSubject``; an inline context gives each of its names an IRI below the type's ``vct``, so that nobody
has to fetch a context to read it, and names the type. ``cnf`` and ``status`` are the JWT claims that bind the copy and say where its
status stands; ``credentialStatus`` says the same about the status to readers of W3C lists.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from ..clock import Entropy
from ..codec.strict_json import MAX_INTEGER
from ..credentials import CredentialType, all_types
from ..errors import Malformed
from ..jose.jwk import render_jwk
from ..jose.jwt import check_times
from ..keys import PublicKey
from ..vcdm import CONTEXT, CREDENTIAL, check_base, instant, is_url, render_instant
from . import Credential, StatusReference
from ._envelope import MAX_IDENTIFIER, check_issuable, identifier, parse_status, render_status
from ._type import in_order

CTY: Final = "vc"
SUBJECT: Final = "credentialSubject"
_ENTRY: Final = "BitstringStatusListEntry"
_UNREAD: Final = "?"
_IGNORED: Final = "refresh"
_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,15}")
_MAX_STATUSES: Final = 8
_MAX_BITS: Final = 8


class Document(Struct, frozen=True, kw_only=True):
    """What a document says about itself; instants are epoch seconds, 0 where it does not say. ``statuses``: all of them count."""

    vct: str
    issuer: str
    valid_from: int
    valid_until: int
    subject: dict[str, Any]
    statuses: tuple[StatusReference, ...]

    @property
    def status(self) -> StatusReference | None:
        return self.statuses[0] if self.statuses else None


def make(credential: Credential, holder: PublicKey | None, entropy: Entropy) -> dict[str, Any]:
    """The document with all of its subject in clear."""
    check_issuable(credential, holder)
    document: dict[str, Any] = {
        "@context": [CONTEXT, context(credential.type)],
        "type": [CREDENTIAL, credential.type.vcdm_type],
        # A number of its own for each copy, so that copies of one document cannot be told to belong together.
        "id": f"urn:uuid:{_uuid(entropy(16))}",
        "issuer": credential.issuer,
        "validFrom": render_instant(credential.issued_at),
        "validUntil": render_instant(credential.expires_at),
        SUBJECT: in_order(credential.type.tree, credential.claims),
    }
    if holder is not None:
        document["cnf"] = {"jwk": render_jwk(holder)}
    if credential.status is not None:
        document["status"] = render_status(credential.status)
        if credential.bitstrings:
            document["credentialStatus"] = _entries(credential.bitstrings, credential.status.idx)
    return document


def _entries(addresses: Mapping[str, str], idx: int) -> list[dict[str, str]]:
    return [
        {"type": _ENTRY, "statusPurpose": purpose, "statusListIndex": str(idx), "statusListCredential": address}
        for purpose, address in addresses.items()
    ]


def read(document: Mapping[str, Any]) -> Document:
    """``Malformed`` for what is no document of one subject. What is about the signature (``exp``, ``nbf``) is not read here."""
    if "vc" in document or "vp" in document:
        raise Malformed("the payload is the document itself", where="/vc" if "vc" in document else "/vp")  # VC-JOSE-COSE section 3.1.3
    subject = document.get(SUBJECT)
    if type(subject) is not dict or not subject:
        raise Malformed("the document is about one subject", where=f"/{SUBJECT}")
    return Document(
        vct=vct_of(document),
        issuer=issuer_of(document),
        valid_from=instant(document, "validFrom"),
        valid_until=instant(document, "validUntil"),
        subject=subject,
        statuses=statuses(document),
    )


def context(rules: CredentialType) -> dict[str, Any]:
    return {rules.vcdm_type: rules.vct, "@vocab": f"{rules.vct}#"}


def vct_of(document: Mapping[str, Any]) -> str:
    """What the document's own context says that its type is; the empty string for a document without such a context."""
    check_base(document, CREDENTIAL)
    types = document["type"]
    names = [name for name in (types if type(types) is list else [types]) if name != CREDENTIAL]
    inline = [each for each in document["@context"] if type(each) is dict]
    if len(names) != 1 or len(inline) != 1 or type(names[0]) is not str:
        return ""
    vct = inline[0].get(names[0])
    if type(vct) is not str or len(vct) > MAX_IDENTIFIER:
        return ""
    rules = all_types().get(vct)
    if rules is not None and inline[0] != context(rules):
        # Another meaning for the same words would be another document.
        raise Malformed("the context is not that of its type", where="/@context")
    return vct


def issuer_of(document: Mapping[str, Any]) -> str:
    """``issuer`` as a URI or an object with ``id``; a JWT ``iss`` says the same (VC-JOSE-COSE section 3.1.3)."""
    issuer = document.get("issuer")
    name = identifier(issuer, "id") if type(issuer) is dict else identifier(document, "issuer")
    if document.get("iss", name) != name:
        raise Malformed("two issuers are named", where="/iss")
    if "jti" in document and document["jti"] != document.get("id"):
        raise Malformed("two numbers are named", where="/jti")
    return name


def check_period(valid_from: int, valid_until: int, claims: Mapping[str, Any], at: int) -> None:
    """The data model's period and, where the JWT has times as well, those of the signature: ``Expired``, ``NotYetValid``."""
    period = {"nbf": valid_from, "exp": valid_until}
    check_times({name: value for name, value in period.items() if value}, at=at)
    check_times(claims, at=at)


# --- status ----------------------------------------------------------------------------------------------------------------------------


def statuses(document: Mapping[str, Any]) -> tuple[StatusReference, ...]:
    """Where the status stands. ``status`` (a Token Status List) is asked where it is there, for ``credentialStatus`` beside it repeats it.

    An entry of a kind that we cannot ask stays one that nobody can: never ignored. ``refresh`` says nothing about whether a document counts.
    """
    token = parse_status(document)
    if token is not None or "credentialStatus" not in document:
        return () if token is None else (token,)
    listed = document["credentialStatus"]
    entries = listed if type(listed) is list else [listed]
    if not 1 <= len(entries) <= _MAX_STATUSES or not all(type(entry) is dict for entry in entries):
        raise Malformed("a status is an object, or a few of them", where="/credentialStatus")
    found = (_entry(entry, f"/credentialStatus/{at}") for at, entry in enumerate(entries))
    return tuple(each for each in found if each.purpose != _IGNORED)


def _entry(entry: Mapping[str, Any], where: str) -> StatusReference:
    """``BitstringStatusListEntry`` (Bitstring Status List 1.0 section 2.1)."""
    kinds = entry.get("type")
    if _ENTRY not in (kinds if type(kinds) is list else [kinds]):
        return StatusReference(uri="", idx=0, purpose=_UNREAD)
    purpose, index, address, size = (
        entry.get("statusPurpose"),
        entry.get("statusListIndex"),
        entry.get("statusListCredential"),
        entry.get("statusSize", 1),
    )
    if type(purpose) is not str or not purpose:
        raise Malformed("the purpose of the status list is missing", where=f"{where}/statusPurpose")
    if type(index) is not str or not _INDEX.fullmatch(index) or int(index) > MAX_INTEGER:
        raise Malformed("the place in the status list is a number in digits, as a text", where=f"{where}/statusListIndex")
    if not is_url(address) or len(address) > MAX_IDENTIFIER or entry.get("id") == address:
        raise Malformed("the address of the status list is missing, or is the entry's own", where=f"{where}/statusListCredential")
    if type(size) is not int or not 1 <= size <= _MAX_BITS:
        raise Malformed(f"a status has 1 to {_MAX_BITS} bits", where=f"{where}/statusSize")
    _check_messages(entry, size, where)
    return StatusReference(uri=address, idx=int(index), purpose=purpose, size=size)


def _check_messages(entry: Mapping[str, Any], size: int, where: str) -> None:
    if "statusMessage" not in entry and size == 1:
        return
    messages = entry.get("statusMessage")
    if type(messages) is not list or len(messages) != 1 << size or not all(_is_message(each) for each in messages):
        raise Malformed("there is one message for each value of the status", where=f"{where}/statusMessage")


def _is_message(each: Any) -> bool:
    return type(each) is dict and type(each.get("status")) is str and type(each.get("message")) is str


def _uuid(random: bytes) -> str:
    """RFC 9562 section 5.4, version 4."""
    number = bytes([*random[:6], random[6] & 0x0F | 0x40, random[7], random[8] & 0x3F | 0x80, *random[9:]]).hex()
    return "-".join((number[:8], number[8:12], number[12:16], number[16:20], number[20:]))
