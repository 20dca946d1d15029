"""The wallet itself: change the passphrase, take a backup, take the wallet away, and what its host can and cannot see."""

from __future__ import annotations

from aiohttp import web

from shared.errors import SignInRequired
from shared.web.auth import read_form, sign_out, throttle_sign_in
from shared.web.forms import Form
from shared.web.keyring import Coming
from shared.web.keyring_view import NEXT
from shared.web.pages import render
from wallet.cards import iso_day
from wallet.pages.desk import Desk
from wallet.pages.sheet import show_sheet
from wallet.pages.trusting import looks_after


class SettingsPages:
    """``/settings``."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, app: web.Application) -> None:
        """Register the pages."""
        app.router.add_get("/settings", self.show)
        app.router.add_post("/settings/passphrase", self.change)
        app.router.add_post("/settings/backup", self.backup)
        app.router.add_get("/settings/remove", self.ask_remove)
        app.router.add_post("/settings/remove", self.remove)

    async def _page(self, request: web.Request, form: Form) -> web.StreamResponse:
        sitting = await self._desk.sitting(request)
        trusted, here = self._desk.means.trust().anchors, looks_after(self._desk, sitting)
        vouching = self._desk.vouching if here else None
        coming = None if vouching is None else await vouching.ring.outlook()
        return await render(
            request,
            "wallet/settings.html",
            form=form,
            holder=sitting.holder,
            idle=self._desk.settings.idle_minutes,
            trusted=trusted.anchors,
            federations=trusted.federation,
            above=bool(self._desk.settings.authority_hints),
            looks_after=here,
            coming=coming,
            next="" if coming is None else NEXT.get(coming.coming, ""),
            warns=coming is not None and coming.coming in {Coming.LATE, Coming.UNTOLD},
        )

    async def show(self, request: web.Request) -> web.StreamResponse:
        return await self._page(request, Form())

    async def change(self, request: web.Request) -> web.StreamResponse:
        form, words, sitting = Form(await read_form(request)), self._desk.words(request), await self._desk.sitting(request)
        old = form.need("passphrase", words._("Enter your passphrase"))
        new = form.need("new_passphrase", words._("Choose a passphrase"))
        if new and not 12 <= len(new) <= 256:
            form.error("new_passphrase", words._("Choose a passphrase of 12 to 256 characters"))
        if new != form.value("repeat"):
            form.error("repeat", words._("The two passphrases are not the same"))
        if form.wrong:
            return await self._page(request, form)
        await throttle_sign_in(request, sitting.vault.wallet)
        try:
            opened = await self._desk.doors.change(sitting.vault.wallet, old, new)
        except SignInRequired:
            form.error("passphrase", words._("This is not your passphrase"))
            return await self._page(request, form)
        self._desk.unlocked.close_wallet(sitting.vault.wallet, but=sitting.session.key)
        return await show_sheet(self._desk, request, opened)

    async def backup(self, request: web.Request) -> web.StreamResponse:
        """Only for who knows the passphrase: somebody else's hands at an open wallet take nothing away from it."""
        form, words, sitting = Form(await read_form(request)), self._desk.words(request), await self._desk.sitting(request)
        own = form.need("own_passphrase", words._("Enter your passphrase"))
        passphrase = form.need("backup_passphrase", words._("Choose a passphrase for the backup"))
        if passphrase and not 12 <= len(passphrase) <= 256:
            form.error("backup_passphrase", words._("Choose a passphrase of 12 to 256 characters"))
        if not form.wrong:
            await throttle_sign_in(request, sitting.vault.wallet)
            try:
                await self._desk.doors.check(sitting.vault.wallet, own)
            except SignInRequired:
                form.error("own_passphrase", words._("This is not your passphrase"))
        if form.wrong:
            return await self._page(request, form)
        data = await self._desk.backups.back_up(sitting.vault, holder=sitting.holder, passphrase=passphrase)
        name = f"wallet-{iso_day(self._desk.means.clock())}.backup"
        return web.Response(
            body=data, content_type="application/octet-stream", headers={"Content-Disposition": f'attachment; filename="{name}"'}
        )

    async def ask_remove(self, request: web.Request) -> web.StreamResponse:
        sitting = await self._desk.sitting(request)
        return await render(request, "wallet/remove_wallet.html", holder=sitting.holder)

    async def remove(self, request: web.Request) -> web.StreamResponse:
        form, words, sitting = Form(await read_form(request)), self._desk.words(request), await self._desk.sitting(request)
        passphrase = form.need("passphrase", words._("Enter your passphrase"))
        if not form.wrong:
            await throttle_sign_in(request, sitting.vault.wallet)
            try:
                await self._desk.doors.check(sitting.vault.wallet, passphrase)
                self._desk.unlocked.close_wallet(sitting.vault.wallet, but=sitting.session.key)  # other phones begin nothing more
                await self._desk.doors.delete(sitting.vault.wallet, passphrase)
            except SignInRequired:
                form.error("passphrase", words._("This is not your passphrase"))
        if form.wrong:
            return await render(request, "wallet/remove_wallet.html", form=form, holder=sitting.holder)
        response = web.HTTPSeeOther("/")
        await sign_out(request, response)
        self._desk.unlocked.close_wallet(sitting.vault.wallet)
        return response
