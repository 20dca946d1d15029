"""Posting to a verifier's inbox, as a wallet does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from support.desk import Running, make_copy, read_anchor

from shared import addressed
from shared.addressed import AddressedPresentation
from shared.clock import system_entropy
from shared.codec import base64url
from shared.inbox import MEDIA_TYPE, Inbox, Letter, seal_letter
from shared.jose.jwt import parse_jwt
from shared.keys import Role
from shared.receipts import Exchange, Receipt, presentation_bytes, verify_receipt
from shared.trust.anchors import TrustAnchors, parse_anchor
from shared.trust.policy import Policy
from verifier.inbox_file import registered_inbox


@dataclass(frozen=True)
class Sent:
    """A copy with its ticket, sealed for the desk's registered key."""

    copy: AddressedPresentation
    ticket: bytes
    token: str

    @property
    def claims(self) -> dict[str, Any]:
        """What the holder signed."""
        (wires,) = self.copy.vp_token.values()
        return dict(parse_jwt(wires[0].rsplit("~", 1)[1]).claims)


def inbox_of(desk: Running) -> Inbox:
    found = registered_inbox(desk.desk.directory, desk.desk.settings)
    assert found is not None
    return found


def written(desk: Running, copy: AddressedPresentation | None = None, *, ticket: bytes = b"", about: str = "", **how: Any) -> Sent:
    """A letter with ``copy``, or one made as ``how`` says."""
    copy, ticket = copy or make_copy(at=desk.clock(), **how), ticket or system_entropy(16)
    return Sent(copy, ticket, seal_letter(Letter(addressed.render_file(copy).decode(), ticket, about), inbox_of(desk)))


async def post(desk: Running, sent: Sent | str) -> tuple[int, dict[str, Any]]:
    token = sent if isinstance(sent, str) else sent.token
    async with desk.http.post(f"{desk.base}/inbox", data=token.encode(), headers={"Content-Type": MEDIA_TYPE}) as answer:
        return answer.status, await answer.json()


async def ask(desk: Running, ticket: bytes) -> tuple[int, dict[str, Any]]:
    async with desk.http.post(f"{desk.base}/inbox/answer", json={"ticket": base64url.encode(ticket)}) as answer:
        return answer.status, await answer.json()


def check(desk: Running, sent: Sent, told: dict[str, Any]) -> Receipt:
    """The receipt, as the wallet that sent the letter verifies it."""
    policy = Policy(TrustAnchors(anchors=(parse_anchor(read_anchor(desk.desk), role=Role.RELYING_PARTY),)))
    presentation = presentation_bytes(sent.copy.vp_token)
    return verify_receipt(told["receipt"], Exchange(at=desk.clock(), presentation=presentation, nonce=sent.claims["nonce"]), policy=policy)
