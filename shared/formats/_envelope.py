"""The members around the claims that both formats have: status and times."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..codec.strict_json import MAX_INTEGER
from ..credentials import CredentialType, all_types
from ..errors import Malformed, NotBound
from ..keys import PublicKey
from . import BearerType, Credential, StatusReference

MAX_IDENTIFIER = 2_048


def identifier(payload: Mapping[str, Any], name: str, *, optional: bool = False) -> str:
    """A URI or name at the top of ``payload``; the empty string where an optional one is absent."""
    value = payload.get(name)
    if type(value) is str and 0 < len(value) <= MAX_IDENTIFIER:
        return value
    if optional and name not in payload:
        return ""
    raise Malformed(f"a text of 1 to {MAX_IDENTIFIER} characters is demanded here", where=f"/{name}")


def parse_status(payload: Mapping[str, Any]) -> StatusReference | None:
    """``status.status_list`` (Token Status List section 6.2). A status of a kind that we cannot ask is ``Malformed``: never ignored."""
    if "status" not in payload:
        return None
    status = payload["status"]
    listed = status.get("status_list") if type(status) is dict else None
    if type(listed) is not dict:
        raise Malformed("the status is a place in a status list", where="/status/status_list")
    uri, idx = listed.get("uri"), listed.get("idx")
    if type(uri) is not str or not 0 < len(uri) <= MAX_IDENTIFIER:
        raise Malformed("the address of the status list is missing", where="/status/status_list/uri")
    if type(idx) is not int or not 0 <= idx <= MAX_INTEGER:
        raise Malformed("the place in the status list is missing", where="/status/status_list/idx")
    return StatusReference(uri=uri, idx=idx)


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
