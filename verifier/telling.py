"""What the organisation's own program is told of an exchange: names and codes, put into the queue in the unit of work that they tell of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from shared.openid4vp import PERMISSION, TransactionData
from verifier.desk import Desk
from verifier.details import names_of
from verifier.records.events import Event
from verifier.sessions import Asked, Terms, transactions

DECIDED: Final = "presentation.decided"
DECLINED: Final = "presentation.declined"
OFFERED: Final = "document.offered"
WITHDRAWN: Final = "permission.withdrawn"


def decided(desk: Desk, asked: Asked, verdict: Mapping[str, Any], at: int) -> Event | None:
    """What is told of a rendered verdict; ``None`` where nobody wants to be told."""
    documents = [
        {
            "id": each["query_id"],
            "type": each["vct"],
            "format": each["format"],
            "issuer": each["issuer"],
            "details": names_of([tuple(path) for path in each["disclosed"]]),
        }
        for each in verdict["credentials"]
    ]
    told: dict[str, Any] = {
        "decision": verdict["decision"],
        "code": verdict["code"],
        "level": verdict["level"]["name"],
        "documents": documents,
    }
    if asked.terms.transaction_data:
        told["agreed"] = agreed_of(asked.terms, verdict)
    if "together" in verdict:
        told["together"] = {"agreed": verdict["together"]["agreed"], "needed": verdict["together"]["needed"]}
    return _event(desk, DECIDED, asked, told, at)


def agreed_of(terms: Terms, verdict: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """What the holder was asked to agree to, and by which document that happened; the words themselves are the asker's own."""
    by = [None] * len(terms.transaction_data) if verdict is None else verdict.get("agreed", [])
    return [
        {"type": each.type, "reference": _reference(each), "by": by[number] if number < len(by) else None}
        for number, each in enumerate(transactions(terms))
    ]


def _reference(agreed: TransactionData) -> str:
    """What the asker calls it: of a permission its number."""
    return str(agreed.members.get("permission" if agreed.type == PERMISSION else "reference", ""))


def declined(desk: Desk, asked: Asked, error: str, at: int) -> Event | None:
    """What is told when a wallet said no; a true answer may still come."""
    return _event(desk, DECLINED, asked, {"code": error}, at)


def offered(desk: Desk, exchange: str, kind: str, at: int) -> Event | None:
    """What is told when a document was given after a decision; its link and code go along with each try, and are in no queue."""
    if not desk.settings.webhook_url:
        return None
    return Event(id=desk.secret(), name=OFFERED, exchange=exchange, data={"request": exchange, "type": kind}, made_at=at, next_at=at)


def withdrawn(desk: Desk, permission: str, exchange: str, at: int) -> Event | None:
    """What is told when somebody took a permission back."""
    if not desk.settings.webhook_url:
        return None
    data = {"request": exchange, "permission": permission}
    return Event(id=desk.secret(), name=WITHDRAWN, exchange=exchange, data=data, made_at=at, next_at=at)


def _event(desk: Desk, name: str, asked: Asked, told: Mapping[str, Any], at: int) -> Event | None:
    if not desk.settings.webhook_url:
        return None
    terms = asked.terms
    data = {"request": asked.id, "kind": terms.kind, "purpose_id": terms.purpose_id, "made_by": asked.made_by, **told}
    return Event(id=desk.secret(), name=name, exchange=asked.id, data=data, made_at=at, next_at=at)
