"""Asking for a permission to tell another body something, and keeping it once a holder has given it (domain sheet C04).

A permission is an entry of ``transaction_data`` that the holder signs with a document. It is kept in the unit of work of the decision that
accepted that document, with the key by which its giver withdraws it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlsplit

from shared.codec import base64url, strict_json
from shared.credentials import CredentialType, Text
from shared.errors import InvalidRequest, InvalidTransactionData
from shared.jose.jwk import render_jwk
from shared.openid4vp import (
    PERMISSION,
    Body,
    Permission,
    check_letters,
    parse_permission,
    parse_permission_members,
    permission_members,
)
from shared.receipts import presentation_bytes
from shared.verify import Decision, VerifiedCredential
from shared.web.dates import zone_of
from verifier.desk import STORAGE, Desk
from verifier.records.permissions import Kept
from verifier.sessions import Asked, transactions

PATH: Final = "/permissions"
_PLACES: Final = (
    ("/expires", "/until"),
    ("/data_categories", "/categories"),
    ("/recipient/id", "/recipient"),
    ("/recipient/name", "/recipient_name"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be permitted. ``until`` is the last day on which something may be told."""

    recipient: Body
    categories: Sequence[str]
    purpose: Text
    until: dt.date
    max_uses: int = 1


def entry(desk: Desk, wish: Wish, kind: CredentialType) -> dict[str, Any]:
    """What whoever holds a document of ``kind`` is to agree to. ``InvalidRequest`` with a pointer for what nobody could permit."""
    permission = Permission(
        id=desk.secret(),
        discloser=Body(id=desk.entity, name=desk.settings.name),
        recipient=wish.recipient,
        categories=tuple(wish.categories),
        purpose=wish.purpose,
        not_before=today(desk, desk.clock()),
        expires=wish.until.isoformat(),
        max_uses=wish.max_uses,
        withdraw_at=desk.url(PATH),
        on_behalf_of=bool(kind.represents),
    )
    try:
        parse_permission_members(permission_members(permission))
        check_letters(permission)
    except InvalidTransactionData as error:
        raise InvalidRequest(error.detail, where=_place(error.where)) from error
    return {"type": PERMISSION, **permission_members(permission)}


def _place(where: str) -> str:
    """What a limit is called where it is asked for."""
    return next((own + where[len(limit) :] for limit, own in _PLACES if where.startswith(limit)), where)


def today(desk: Desk, at: int) -> str:
    """The day on which a permission begins, or is used: where the organisation that tells is, whose days it names."""
    return dt.datetime.fromtimestamp(at, zone_of(desk.settings.time_zone)).date().isoformat()


def path(desk: Desk) -> str:
    """Below the path of ``public_url``, as a holder's wallet calls it."""
    return urlsplit(desk.settings.public_url).path + PATH


async def granted(desk: Desk, asked: Asked, decision: Decision, vp_token: Mapping[str, Sequence[str]], nonce: str) -> list[Kept]:
    """The permissions that go with an answer, to be kept with its decision if that is a yes; none for what was not asked in our name."""
    if decision.decision != "accepted":
        return []
    found: list[Kept] = []
    for number, each in enumerate(transactions(asked.terms)):
        permission = parse_permission(each)
        by = decision.agreed[number] if number < len(decision.agreed) else ""
        shown = next((one for one in decision.credentials if one.query_id == by), None)
        if permission is not None and shown is not None and permission.discloser.id == desk.entity and shown.claims.holder is not None:
            kept = await _keep(desk, permission, shown, presentation_bytes(vp_token), nonce)
            found.append(replace(kept, exchange=asked.id))
    return found


async def _keep(desk: Desk, permission: Permission, shown: VerifiedCredential, presentation: bytes, nonce: str) -> Kept:
    claims, kind, holder = shown.claims, desk.types[shown.claims.vct], shown.claims.holder
    assert holder is not None  # noqa: S101 - only documents that are somebody's agree
    status = claims.status
    inside = {
        "holder": render_jwk(holder),
        "presentation": base64url.encode(presentation),
        "nonce": nonce,
        "signer": _name(claims.claims, kind.holder or ()),
        "subject": _name(claims.claims, kind.represents or kind.about or kind.holder or ()),
        "follows": None
        if status is None or status.purpose
        else {"vct": claims.vct, "issuer": claims.issuer, "uri": status.uri, "idx": status.idx},
        "follows_until": claims.expires_at,
    }
    return Kept(
        id=permission.id,
        exchange="",
        terms=strict_json.dumps(permission_members(permission)).decode(),
        sealed=await desk.custodian.seal(STORAGE, strict_json.dumps(inside), context=_context(permission.id)),
        given_at=desk.clock(),
        keep_until=permission.kept_until,
    )


def kept_until(asked: Asked) -> int:
    """Until when what is shown with the permissions that are asked for is kept to prove them; 0 where none is asked for."""
    wanted = (parse_permission(each) for each in transactions(asked.terms))
    return max((each.kept_until for each in wanted if each is not None), default=0)


async def opened(desk: Desk, kept: Kept) -> Mapping[str, Any]:
    """Who gave it, and what was shown with it."""
    return strict_json.load_object(await desk.custodian.unseal(STORAGE, kept.sealed, context=_context(kept.id)), max_bytes=16_000_000)


def _name(claims: Mapping[str, Any], below: Iterable[str]) -> str:
    """For people at the desk; empty where it was not shown."""
    found: Any = claims
    for part in below:
        found = found.get(part) if isinstance(found, Mapping) else None
    names = [found.get(name) for name in ("given_name", "family_name")] if isinstance(found, Mapping) else []
    return " ".join(name for name in names if isinstance(name, str))


def _context(identifier: str) -> bytes:
    return f"permission:{identifier}".encode()
