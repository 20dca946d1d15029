"""A sealed letter that its holder takes to a counter in place of having it posted from here: no wrong door (domain sheet C22)."""

from __future__ import annotations

from aiohttp import web

from shared.errors import Conflict, Missing
from shared.inbox import MEDIA_TYPE
from shared.web.auth import read_form
from shared.web.i18n import N_
from shared.web.pages import render
from wallet import replies
from wallet.outbox import Post, can_carry
from wallet.pages.desk import Desk, see
from wallet.records import SENT
from wallet.sent import Sent

PATH = "/tell/{id}/letters/{letter}"
_BUSY = N_("Your wallet was working on this letter in this moment. Look again, then choose.")
_RUN_OUT = N_("The copy in this letter has run out. Do not hand it in.")
_LEFT = N_("This letter waits no more: your wallet sent it, or gave it up. Do not hand it in before you have seen how it stands.")


class HandInPages:
    """``/tell/…/letters/…``."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, app: web.Application) -> None:
        """Register the pages."""
        app.router.add_get(PATH, self.show)
        app.router.add_post(f"{PATH}/hand-in", self.hand_in)
        app.router.add_post(f"{PATH}/send", self.send)
        app.router.add_get(f"{PATH}/letter.jose", self.file)

    async def _sent(self, request: web.Request) -> Sent:
        vault, named = (await self._desk.sitting(request)).vault, request.match_info
        item = await self._desk.means.storage.read(lambda tx: SENT.get(tx, vault, named["letter"]))
        if item.value.telling != named["id"]:
            raise Missing("there is no such letter")
        return item.value

    async def _waiting(self, sent: Sent) -> Post | None:
        """The letter, unless it has arrived or run out."""
        row = await self._desk.outbox.find(sent.row) if sent.row else None
        return row.post if row is not None and can_carry(row.post, self._desk.means.clock()) else None

    async def show(self, request: web.Request) -> web.StreamResponse:
        sent = await self._sent(request)
        await replies.collect(self._desk.means, (await self._desk.sitting(request)).vault, self._desk.outbox)
        post = await self._waiting(sent)
        if post is None:
            see(f"/tell/{sent.telling}")
        here = f"/tell/{sent.telling}/letters/{request.match_info['letter']}"
        return await render(
            request,
            "wallet/hand_in.html",
            here=here,
            telling=sent.telling,
            name=sent.body.name,
            carried=post.carried_at > 0,
            until=post.until,
        )

    async def hand_in(self, request: web.Request) -> web.StreamResponse:
        """From now on it is not posted from here; only then there is a file of it."""
        return await self._carry(request, by_hand=True)

    async def send(self, request: web.Request) -> web.StreamResponse:
        """The holder hands it in no more. Where she has done so meanwhile, it is one letter all the same."""
        return await self._carry(request, by_hand=False)

    async def _carry(self, request: web.Request, *, by_hand: bool) -> web.StreamResponse:
        await read_form(request)
        sent = await self._sent(request)
        over = f"/tell/{sent.telling}"
        try:
            await self._desk.outbox.carry(sent.row, by_hand=by_hand)
        except (Conflict, Missing):
            words, why = self._desk.words(request), await self._why_not(sent)
            return await render(request, "wallet/not_handed_in.html", status=409, over=over, name=sent.body.name, why=words._(why))
        return see(f"{over}/letters/{request.match_info['letter']}" if by_hand else over)

    async def _why_not(self, sent: Sent) -> str:
        """Why it is neither handed in nor sent any more, or not in this moment."""
        if await self._waiting(sent) is not None:
            return _BUSY
        return _RUN_OUT if self._desk.means.clock() >= sent.expires_at else _LEFT

    async def file(self, request: web.Request) -> web.StreamResponse:
        post = await self._waiting(await self._sent(request))
        if post is None or not post.carried_at:
            raise Missing("this letter is not yours to hand in, or not any more")
        headers = {"Content-Disposition": 'attachment; filename="letter.jose"'}
        return web.Response(text=post.jwe, content_type=MEDIA_TYPE, headers=headers)
