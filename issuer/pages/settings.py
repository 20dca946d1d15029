"""What is in force: certificate and keys, people and their roles, keys of programs."""

from __future__ import annotations

from aiohttp import web

from issuer.office import SCOPES, Office
from issuer.pages import words as phrases
from issuer.pages.desk import ROLES, may, seated
from issuer.records import key_makers
from shared.errors import Conflict, Malformed
from shared.jose.jwk import thumbprint
from shared.storage import Tx
from shared.web import api_keys, auth, operators
from shared.web.entrance import OPERATOR
from shared.web.forms import Form
from shared.web.operators import Operator
from shared.web.pages import render, translator
from shared.web.passphrases import check_new_passphrase, generate_passphrase
from shared.x509 import load_certificate

PATH = "/console/settings"


def add_to(app: web.Application, office: Office) -> None:
    """Routes of this part."""
    part = SettingsPages(office)
    app.router.add_get(PATH, seated(part.show))
    for path, handler in (
        ("people", part.add_person),
        ("people/{id}/remove", part.remove_person),
        ("keys", part.add_key),
        ("keys/{id}/end", part.end_key),
    ):
        app.router.add_post(f"{PATH}/{path}", seated(handler, role="admin"))


class SettingsPages:
    def __init__(self, office: Office) -> None:
        self._office = office

    async def show(self, request: web.Request) -> web.StreamResponse:
        return await self._show(request, Form())

    async def _show(self, request: web.Request, form: Form, *, told: dict[str, str] | None = None) -> web.StreamResponse:
        signer = None if self._office.signing.is_stopped else self._office.signer
        words = translator(request)
        everybody, keys, makers = await self._office.storage.read(_everything)
        gone = {each.name for each in everybody if each.ended_at is not None}
        return await render(
            request,
            "console/settings.html",
            form=form,
            told=told,
            office=self._office.settings,
            leaf=None if signer is None else load_certificate(signer.x5c[0]),
            thumbprint="" if signer is None else thumbprint(signer.public),
            everybody=[each for each in everybody if each.ended_at is None],
            keys=keys,
            makers={key: [(name, name in gone) for name in names] for key, names in makers.items()},
            roles={name: phrases.role(name, words) for name in ROLES},
            scopes={name: phrases.scope(name, words) for name in SCOPES},
            own=request[OPERATOR].id,
            is_admin=may(request[OPERATOR], "admin"),
            now=self._office.clock(),
        )

    async def add_person(self, request: web.Request) -> web.StreamResponse:
        """A new operator, who chooses her own passphrase first. Without one typed in, one is made and shown once."""
        posted = await auth.read_form(request)
        form, _ = Form(posted), translator(request)
        name = form.need("name", _("Enter a name"))
        role = form.value("role")
        if len(name) > 100:
            form.error("name", _("A name has 100 characters or fewer"))
        if role not in ROLES:
            form.error("role", _("Choose a role"))
        passphrase = posted.get("passphrase", "").strip() or generate_passphrase(self._office.entropy)
        try:
            check_new_passphrase(passphrase)
        except Malformed:
            form.error("passphrase", _("A passphrase has 12 characters or more"))
        if form.wrong:
            return await self._show(request, form)
        operator = Operator(
            id=self._office.secret(12),
            name=" ".join(name.split()),
            role=role,
            passphrase=await auth.passphrases(request).hash(passphrase),
            made_at=self._office.clock(),
            ended_at=None,
            let_in_by=request[OPERATOR].name,
            handed=True,
        )
        try:
            await self._office.storage.write(lambda tx: operators.add(tx, operator))
        except Conflict:
            form.error("name", _("Somebody has that name already"))
            return await self._show(request, form)
        told = {"title": _("%(name)s can sign in now") % {"name": operator.name}, "label": _("Passphrase, shown once"), "value": passphrase}
        return await self._show(request, Form(), told=told)

    async def remove_person(self, request: web.Request) -> web.StreamResponse:
        await auth.read_form(request)
        identifier, at = request.match_info["id"], self._office.clock()
        await self._office.storage.write(lambda tx: operators.end(tx, identifier, at))
        raise web.HTTPSeeOther(PATH)

    async def add_key(self, request: web.Request) -> web.StreamResponse:
        form, _ = Form(await auth.read_form(request)), translator(request)
        name = form.need("key_name", _("Enter what the key is for"))
        scopes = [scope for scope in form.values("scopes") if scope in SCOPES]
        if len(name) > 100:
            form.error("key_name", _("A name has 100 characters or fewer"))
        if not scopes:
            form.error("scopes", _("Choose what the key may do"))
        if form.wrong:
            return await self._show(request, form)
        at = self._office.clock()

        async def make(tx: Tx) -> api_keys.NewApiKey:
            await key_makers.note(tx, name, request[OPERATOR].name)
            return await api_keys.create(tx, name=name, scopes=scopes, at=at, entropy=self._office.entropy)

        key = await self._office.storage.write(make)
        told = {"title": _("The key was made"), "label": _("Key, shown once"), "value": key.token}
        return await self._show(request, Form(), told=told)

    async def end_key(self, request: web.Request) -> web.StreamResponse:
        await auth.read_form(request)
        identifier, at = request.match_info["id"], self._office.clock()
        await self._office.storage.write(lambda tx: api_keys.revoke(tx, identifier, at=at))
        raise web.HTTPSeeOther(PATH)


async def _everything(tx: Tx) -> tuple[list[Operator], list[api_keys.KeyLine], dict[str, list[str]]]:
    return await operators.everybody(tx), await api_keys.all_keys(tx), await key_makers.makers(tx)
