"""A receipt that was given into the holder's hand for a copy: typed in, as a file or as a picture; and how such a receipt is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from shared.errors import Malformed, Missing, TooLarge, Undecided, VcError, WrongTyp
from shared.ovp.receipt import DeskReceipt
from shared.web.app import bound_body
from shared.web.auth import read_files
from shared.web.forms import Form
from shared.web.pages import render
from wallet import given, history
from wallet.confirming import PATIENCE
from wallet.entries import Entry, Sealed
from wallet.pages.desk import PICTURE, Desk, Words, see
from wallet.pages.tell_words import why

PATH = "/history/{seq:\\d{1,12}}/receipt"


class GivenPages:
    """``/history/…/receipt``."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, app: web.Application) -> None:
        """Register the page."""
        app.router.add_get(PATH, self.show)
        app.router.add_post(PATH, self.take)
        bound_body(app, "/history/{seq}/receipt", PICTURE)

    async def _page(self, request: web.Request, form: Form) -> web.StreamResponse:
        vault, seq = (await self._desk.sitting(request)).vault, int(request.match_info["seq"])
        lines = await self._desk.means.storage.read(lambda tx: history.read(tx, vault))
        entry = next((line.entry for line in lines if line.entry.seq == seq), None)
        if entry is None or entry.transaction_type != "addressed-copy":
            raise Missing("there is no such line in this history")
        return await render(request, "wallet/given.html", entry=entry, form=form)

    async def show(self, request: web.Request) -> web.StreamResponse:
        return await self._page(request, Form())

    async def take(self, request: web.Request) -> web.StreamResponse:
        """What fits and what does not is shown on its line of the history; what is no receipt at all is said here, and nothing is kept."""
        posted, files = await read_files(request)
        sitting, form, words = await self._desk.sitting(request), Form(posted), self._desk.words(request)
        picture = files.get("picture")
        try:
            text = await given.read_given(self._desk.means, form.value("text"), picture)
            kept = await given.take_in(self._desk.means, sitting.vault, int(request.match_info["seq"]), text)
            see(f"/history/{kept.seq}")
        except given.OfCounter:
            form.error(
                "text", words._("This says that it is from a counter that passed your letter on. Keep it with you: it is not their answer.")
            )
        except Undecided:
            form.error(
                "text",
                words._(
                    "We cannot check now who signed this, so we have not kept it. Try again later. If it stays like this, ask them for another receipt."
                ),
            )
        except Missing:
            form.error(
                "text",
                words._(
                    "This wallet does not have that copy, so no receipt can be held against it. If it was printed from a phone, take the receipt there."
                ),
            )
        except TooLarge:
            form.error("text", words._("This is too long for a receipt, or this copy has too many receipts already."))
        except VcError as error:
            said = words._("This is not a receipt. Copy all of its text, or take a straight, sharp picture of its square code alone.")
            if not isinstance(error, Malformed | WrongTyp):
                said = words._("Your wallet cannot check it.")
            form.error("text" if picture is None else "picture", said)
        return await self._page(request, form)


@dataclass(frozen=True, slots=True, kw_only=True)
class AtDesk:
    """What a desk's receipt says, for a page. ``confirmed`` is the line on which its organisation confirmed it, 0 for none so far; ``denied`` one
    that says otherwise; ``over`` where neither came while anybody asked.
    """

    said: DeskReceipt
    why: str
    confirmed: int = 0
    denied: int = 0
    over: bool = False


def at_desk(entry: Entry, lines: Sequence[Sealed], words: Words, *, at: int) -> AtDesk | None:
    """Of a line that has one; ``None`` also for one that cannot be read, of which nothing is said but that."""
    if not entry.provisional:
        return None
    try:
        said = given.open_desk_receipt(entry.provisional)
    except VcError:
        return None
    later = [one for one in given.answers_to(lines, entry) if one.receipt and one.provisional == entry.provisional]
    return AtDesk(
        said=said,
        why=why(said.code, words),
        confirmed=next((one.seq for one in later if not one.receipt_problem), 0),
        denied=next((one.seq for one in later if one.receipt_problem), 0),
        over=entry.time + PATIENCE <= at,
    )
