"""The members around the claims that both formats have: status and times."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..codec import reader
from ..credentials import CredentialType, all_types
from ..errors import Malformed, NotBound
from ..keys import PublicKey
from . import BearerType, Credential, StatusReference

MAX_IDENTIFIER = 2_048


def parse_status(payload: Mapping[str, Any]) -> StatusReference | None:
    """``status.status_list`` (Token Status List section 6.2). A status of a kind that we cannot ask is ``Malformed``: never ignored."""
    if "status" not in payload:
        return None
    status = reader.get_object(payload, "status")
    listed = reader.get_object(status, "status_list", "/status")
    where = "/status/status_list"
    return StatusReference(uri=reader.get_str(listed, "uri", where, max_length=MAX_IDENTIFIER), idx=reader.get_int(listed, "idx", where))


def render_status(status: StatusReference) -> dict[str, Any]:
    return {"status_list": {"idx": status.idx, "uri": status.uri}}


def seconds(payload: Mapping[str, Any], name: str) -> int:
    """A NumericDate whose form ``check_times`` has checked, in whole seconds; 0 where there is none."""
    return int(payload.get(name, 0))


def check_issuable(credential: Credential, holder: PublicKey | None) -> None:
    """What no issuer of ours signs: a document without a holder (S2), without status, without an end."""
    if (holder is None) is not credential.type.bearer:
        raise NotBound("only a type that its file calls bearer has no holder, and that one never has")
    if credential.status is None and credential.type.status_bits:
        raise Malformed("this type of document has a status", where="/status")
    if not credential.issued_at < credential.expires_at:
        raise Malformed("a document ends after it begins", where="/exp")


def check_status_there(rules: CredentialType | None, status: StatusReference | None) -> None:
    """A type with a status has it in clear in every copy (S3)."""
    if rules is not None and rules.status_bits and status is None:
        raise Malformed("this type of document has a status", where="/status")


def check_bearer(binding: BearerType, vct: str, holder: PublicKey | None, *, bound: bool) -> None:
    """Bearer exists for a type whose file says so, and only where nothing was stripped (S2)."""
    rules = all_types().get(vct)
    if vct != binding.vct or rules is None or not rules.bearer or holder is not None or bound:
        raise NotBound("this document is for its holder alone")
