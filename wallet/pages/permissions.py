"""Permissions that the holder gave: what they allow, what was told by them, and taking them back."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from shared.credentials import Text
from shared.errors import Missing
from shared.openid4vp import category_text, permission_reference
from shared.receipts import peek_receipt
from shared.web.auth import read_form
from shared.web.i18n import N_
from shared.web.pages import render
from wallet import permissions
from wallet.pages.desk import Desk, Words, see
from wallet.pages.tell_words import MISFITS, misfit
from wallet.permitted import Permitted, State
from wallet.records import Item

STATES: dict[State, tuple[str, str]] = {
    "sent": (N_("not heard yet whether it counts"), "yellow"),
    "in-force": (N_("in force"), "green"),
    "withdrawing": (N_("you took it back; they have not heard yet"), "yellow"),
    "withdrawn": (N_("taken back"), "grey"),
    "used-up": (N_("used up"), "grey"),
    "over": (N_("over"), "grey"),
}


class PermissionPages:
    """``/permissions``."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, app: web.Application) -> None:
        """Register the pages."""
        app.router.add_get("/permissions", self.list)
        app.router.add_get("/permissions/{id}", self.show)
        app.router.add_post("/permissions/{id}/withdraw", self.withdraw)
        app.router.add_post("/permissions/{id}/look", self.look)

    async def list(self, request: web.Request) -> web.StreamResponse:
        vault, words = (await self._desk.sitting(request)).vault, self._desk.words(request)
        rows = [_row(item, words) for item in await permissions.given(self._desk.means, vault)]
        return await render(request, "wallet/permissions.html", rows=rows)

    async def show(self, request: web.Request) -> web.StreamResponse:
        vault, words = (await self._desk.sitting(request)).vault, self._desk.words(request)
        item = await permissions.find(self._desk.means, vault, request.match_info["id"])
        return await render(
            request,
            "wallet/permission.html",
            row=_row(item, words),
            sentence=_sentence(item.value, words),
            uses=[_use(token, words) for token in item.value.receipts],
            problem=_problem(item.value, words),
            open=item.value.state in {"sent", "in-force", "withdrawing"},
            most=item.value.max_uses,
        )

    async def withdraw(self, request: web.Request) -> web.StreamResponse:
        """Said at once; what is not heard is said again by the clock."""
        await read_form(request)
        vault = (await self._desk.sitting(request)).vault
        item = await permissions.withdraw(self._desk.means, vault, request.match_info["id"])
        see(f"/permissions/{item.id}")

    async def look(self, request: web.Request) -> web.StreamResponse:
        """Ask now what was told by it."""
        await read_form(request)
        vault = (await self._desk.sitting(request)).vault
        item = await permissions.look(self._desk.means, vault, request.match_info["id"])
        see(f"/permissions/{item.id}")


def _row(item: Item[Permitted], words: Words) -> dict[str, Any]:
    state, colour = STATES[item.value.state]
    return {
        "id": item.id,
        "name": item.value.name,
        "recipient": item.value.recipient,
        "at": item.value.at,
        "reference": permission_reference(item.value.permission),
        "taken_back_at": item.value.asked_at,
        "used": len(item.value.receipts),
        "state": words._(state),
        "colour": colour,
        "withdrawn_at": item.value.withdrawn_at,
    }


def _problem(value: Permitted, words: Words) -> str:
    """What was in the way when the wallet last asked, as a sentence."""
    code = value.problem.partition(":")[0]
    if not code:
        return ""
    if code == Missing.code:
        return words._("They know of no such permission, or nobody knows whether they got it.")
    if code in MISFITS:
        return misfit(value.problem, words)
    if value.state == "withdrawing" and not value.next_at:
        return words._("They did not hear that it is over. Take it back once more.")
    return words._("They could not be reached, or did not answer as they should.")


def _sentence(value: Permitted, words: Words) -> str:
    said = {one.lang: one.content for one in value.statement}
    return Text(said["en"], said["cy"]).in_(words.locale)


def _use(token: str, words: Words) -> dict[str, Any]:
    receipt = peek_receipt(token)
    return {
        "at": receipt.received_at,
        "what": ", ".join(category_text(code, words.locale) for code in receipt.told),
        "number": receipt.receipt_id,
    }
