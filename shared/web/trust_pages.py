"""Whom a service trusts, changed by a person at a page: anchors of federations, and of certificates (security rule S17).

A link may fill in whose anchor is wanted. Nothing is looked up before that form was sent, and nothing is pinned before a person has seen whom,
has compared the fingerprint with what the anchor told by another way, and has sent a second form, which pins exactly what was seen.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from ..codec import base64url
from ..errors import ConfigError, Conflict, Malformed, Missing, VcError
from ..keys import Role
from ..storage import Tx
from ..trust.anchors import Anchor, TrustAnchors, parse_anchor
from ..trust.federation_anchor import FederationAnchor
from ..urls import check_link
from . import auth, heard, own_trust
from .app import bound_body
from .context import FETCHER, SETTINGS, now, storage
from .federation_pins import Offered, fingerprints, offered, offered_at, without
from .forms import Form
from .heard import Heard
from .i18n import N_
from .missing_view import TRUST_LINK, TrustLink
from .own_trust import Event
from .pages import render, translator
from .seat import Handler
from .trust_file import TrustFile, change

MAX_FILE: Final = 100_000
MAX_NAME: Final = 120
PINNED, REMOVED = "pinned", "unpinned"
ROLES: Final[Mapping[Role, str]] = {
    Role.CREDENTIAL_ISSUER: N_("It makes documents"),
    Role.RELYING_PARTY: N_("It asks for documents"),
    Role.WALLET_PROVIDER: N_("It makes wallets"),
}
Words = Callable[[str], str]
log = logging.getLogger("muniment.trust")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustPages:
    """``path`` is the page that lists them, ``title`` its heading, marked with ``N_``, ``base`` the template of the service; ``roles`` are what certificates may be pinned for here.

    ``guard`` lets those in who may change the file, ``may`` tells whether somebody may, and ``who`` is the name that the history keeps.
    """

    path: str
    title: str
    base: str
    back: str
    file: Path
    roles: tuple[Role, ...]
    guard: Callable[[Handler], Handler]
    may: Callable[[web.Request], Awaitable[bool]]
    who: Callable[[web.Request], str]

    def add_to(self, app: web.Application, *, listing: bool = True) -> None:
        """Routes of this part; without ``listing`` the service has a page of its own for those who are trusted."""
        app[TRUST_LINK] = TrustLink(self.path, self.may)
        if listing:
            app.router.add_get(self.path, self.guard(self.show))
        for name, ask, answer in (
            ("federation", self.ask_federation, self.federation),
            ("certificate", self.ask_certificate, self.certificate),
            ("remove", self.ask_remove, self.remove),
        ):
            app.router.add_get(f"{self.path}/{name}", self.guard(ask))
            app.router.add_post(f"{self.path}/{name}", self.guard(answer))
            bound_body(app, f"{self.path}/{name}", 3 * MAX_FILE)

    def pins(self) -> TrustAnchors:
        """Whom the service trusts now."""
        return TrustFile(self.file, may_lack=True).read()

    async def _render(self, request: web.Request, page: str, form: Form, **more: Any) -> web.StreamResponse:
        return await render(request, f"trust/{page}.html", form=form, base=self.base, path=self.path, heading=self.title, **more)

    # --- the list

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Everybody who is trusted, how fresh their word is, and who changed what here."""
        trust, at = self.pins(), now(request)

        async def unit(tx: Tx) -> tuple[Heard, dict[str, str], list[Event]]:
            faults = {each.site: each.fault for each in await heard.visits(tx)}
            return await heard.heard(tx, trust), faults, await changes(tx)

        said, faults, history = await storage(request).read(unit)
        rows = [_anchor_row(each, said, faults, at) for each in trust.anchors]
        rows += [_federation_row(each, said, faults, at) for each in trust.federation]
        return await self._render(request, "list", Form(), rows=rows, roles=ROLES, changes=history, back_to=self.back)

    # --- federations

    async def ask_federation(self, request: web.Request) -> web.StreamResponse:
        asked = {"entity": request.query.get("entity", "")[:2_048]}
        return await self._render(request, "federation", Form(asked), body=request.query.get("body", "")[:2_048])

    async def federation(self, request: web.Request) -> web.StreamResponse:
        """First what answers is shown, then exactly that is pinned."""
        posted, files = await auth.read_files(request)
        form, _ = Form(posted), translator(request)
        data = files.get("file", b"") or _carried(form)
        found = await self._offered(request, form, data, _)
        if found is None:
            return await self._render(request, "federation", form, body="")
        typed = form.value("fingerprint").replace(" ", "")
        if typed:
            try:
                found.check_typed(typed)
            except ConfigError:
                form.error("fingerprint", _("Another key is in use there than the one you were told of. Do not go on; ask them again"))
                return await self._render(request, "federation", form, body="")
        name, sure = _seen(form, found.anchor.name, [*found.marks, *found.more], typed, _)
        if sure and not form.wrong:
            anchor = FederationAnchor(entity=found.anchor.entity, keys=found.anchor.keys, name=name)
            await self._pin(request, form, lambda trust: trust.add_federation(anchor), anchor.entity, name)
        more: dict[str, Any] = {
            "what": "federation",
            "marks": found.marks,
            "next_marks": found.more,
            "typed": typed,
            "anchor": found.anchor,
            "name": name,
        }
        return await self._compare(request, form, data, more, entity=found.anchor.entity, role="")

    async def _offered(self, request: web.Request, form: Form, data: bytes, _: Words) -> Offered | None:
        """What the file holds or the address answers; ``None`` with what is wrong in the form."""
        entity = form.value("entity").rstrip("/")
        if not data and not entity:
            form.error("entity", _("Enter the address of the federation’s anchor, or choose its file"))
            return None
        try:
            return offered(data) if data else await offered_at(entity, request.config_dict[FETCHER], at=now(request))
        except ConfigError:
            if data:
                form.error("file", _("This file holds no anchor of a federation"))
            else:
                form.error("entity", _("Enter an address such as https://ministry.example"))
        except VcError as error:
            log.info("no anchor at %s: %s", entity, error.detail)
            form.error("entity", _("Nothing at this address says that it is an anchor. Check the address, or use the anchor’s file"))
        return None

    # --- certificates

    async def ask_certificate(self, request: web.Request) -> web.StreamResponse:
        return await self._certificate(request, Form(), authority=request.query.get("authority", "")[:200])

    async def _certificate(self, request: web.Request, form: Form, *, authority: str = "") -> web.StreamResponse:
        return await self._render(request, "certificate", form, authority=authority, roles={each: ROLES[each] for each in self.roles})

    async def certificate(self, request: web.Request) -> web.StreamResponse:
        """As ``federation``, with the certificate of a certification authority."""
        posted, files = await auth.read_files(request)
        form, _ = Form(posted), translator(request)
        data = files.get("file", b"") or _carried(form)
        anchor = self._read(request, form, data, _)
        if anchor is None:
            return await self._certificate(request, form)
        typed = form.value("fingerprint").replace(" ", "").replace(":", "").lower()
        if typed and typed != anchor.fingerprint:
            form.error("fingerprint", _("This is another certificate than the one you were told of. Do not go on; ask them again"))
            return await self._certificate(request, form)
        name, sure = _seen(form, anchor.name, [anchor.fingerprint], typed, _)
        if sure and not form.wrong:
            named = _named(anchor, name)
            await self._pin(request, form, lambda trust: trust.add(named), anchor.fingerprint, name)
        more: dict[str, Any] = {
            "what": "certificate",
            "marks": [anchor.fingerprint],
            "next_marks": [],
            "typed": typed,
            "anchor": anchor,
            "name": name,
        }
        about = {"role": anchor.role.value, "said": ROLES[anchor.role], "site": anchor.entity or "", "until": anchor.certificate.not_after}
        return await self._compare(request, form, data, more, entity="", **about)

    def _read(self, request: web.Request, form: Form, data: bytes, _: Words) -> Anchor | None:
        role = next((each for each in self.roles if each.value == form.value("role") or len(self.roles) == 1), None)
        site = form.value("site").rstrip("/")
        if not data:
            form.error("file", _("Choose the file with the certificate"))
        if role is None:
            form.error("role", _("Say what it does"), anchor=f"role-{self.roles[0].value}")
        if site:
            try:
                check_link(site, plain_http=request.config_dict[SETTINGS].plain_http)
            except VcError:
                form.error("site", _("Enter an address such as https://registry.example, or leave it empty"))
        if form.wrong or role is None:
            return None
        try:
            return parse_anchor(data, role=role, entity=site or None)
        except VcError:
            form.error("file", _("This file holds no certificate of a certification authority"))
            return None

    # --- both

    async def _compare(self, request: web.Request, form: Form, data: bytes, more: Mapping[str, Any], **fields: Any) -> web.StreamResponse:
        """The page on which a person compares; it carries the file that was chosen, for nothing is kept before somebody is sure."""
        return await self._render(request, "compare", form, data=base64url.encode(data), **more, **fields)

    async def _change(self, request: web.Request, edit: Callable[[TrustAnchors], TrustAnchors], kind: str, subject: str, name: str) -> None:
        """Note who does it, then write it: whoever stops the service in between leaves nobody trusted of whom the history says nothing."""
        edit(self.pins())  # what cannot be done is not noted
        event = Event(at=now(request), actor=self.who(request), kind=kind, subject=subject, reason=name)
        await storage(request).write(lambda tx: own_trust.note(tx, event), point="note-pin")
        change(self.file, edit)
        log.warning("whom this service trusts was changed at a page: %s %s", kind, subject)

    async def _pin(self, request: web.Request, form: Form, edit: Callable[[TrustAnchors], TrustAnchors], subject: str, name: str) -> None:
        """Back to the list; with a word in the form where it was pinned already."""
        _ = translator(request)
        try:
            await self._change(request, edit, PINNED, subject, name)
        except Conflict:
            form.error("name", _("It is trusted already. If its key has changed, remove it first"))
        else:
            raise web.HTTPSeeOther(self.path)

    async def ask_remove(self, request: web.Request) -> web.StreamResponse:
        """Who it is, and what follows; ``Missing`` if nobody is pinned under that name."""
        named = request.query.get("anchor", "")
        for one in self.pins().federation:
            if one.entity == named:
                return await self._render(request, "remove", Form(), anchor=one, named=named, role="", marks=fingerprints(one))
        for each in self.pins().anchors:
            if each.fingerprint == named:
                role = ROLES[each.role]
                return await self._render(request, "remove", Form(), anchor=each, named=named, role=role, marks=[each.fingerprint])
        raise Missing("nobody is trusted here under that name")

    async def remove(self, request: web.Request) -> web.StreamResponse:
        named, before = Form(await auth.read_form(request)).value("anchor"), self.pins()
        names = {each.entity: each.name for each in before.federation} | {each.fingerprint: each.name for each in before.anchors}
        await self._change(request, lambda trust: without(trust, named), REMOVED, named, names.get(named, ""))
        raise web.HTTPSeeOther(self.path)


async def changes(tx: Tx, *, limit: int = 20) -> list[Event]:
    """Who was pinned and removed at the page, the newest first."""
    rows = await tx.fetch("SELECT * FROM trust_event WHERE kind IN ($1, $2) ORDER BY n DESC LIMIT $3", PINNED, REMOVED, limit)
    return [Event(at=int(row["at"]), actor=row["actor"], kind=row["kind"], subject=row["subject"], reason=row["reason"]) for row in rows]


def _seen(form: Form, name: str, marks: list[str], typed: str, _: Words) -> tuple[str, bool]:
    """What to call it, and whether the person has compared what was shown, which has to be what is here now."""
    if form.value("step") != "pin":
        return name, False
    called = form.need("name", _("Enter a name")) or name
    if len(called) > MAX_NAME:
        form.error("name", _("A name has 120 characters or fewer"))
    if form.value("shown") != " ".join(marks):
        form.error("compared", _("It shows another fingerprint now than before. Compare it again"))
    elif not typed and form.value("compared") != "yes":
        form.error("compared", _("Compare the fingerprint first"))
    return called, True


def _named(anchor: Anchor, name: str) -> Anchor:
    return parse_anchor(anchor.certificate.der, role=anchor.role, name=name, entity=anchor.entity)


def _carried(form: Form) -> bytes:
    """The file that an earlier page was sent; none if it is no such thing."""
    try:
        return base64url.decode(form.value("data")[: 2 * MAX_FILE])
    except Malformed:
        return b""


def _anchor_row(each: Anchor, said: Heard, faults: Mapping[str, str], at: int) -> dict[str, Any]:
    snapshot = said.snapshots.get(each.fingerprint)
    return {
        "name": each.name,
        "entity": each.entity or "",
        "role": each.role,
        "marks": [each.fingerprint],
        "until": None if snapshot is None else snapshot.next_update,
        "over": snapshot is not None and at >= snapshot.next_update,
        "fault": bool(faults.get(each.site or "")),
        "named": each.fingerprint,
    }


def _federation_row(each: FederationAnchor, said: Heard, faults: Mapping[str, str], at: int) -> dict[str, Any]:
    until = next((word.snapshot.next_update for word in said.federation.words if word.path == (each.entity,)), None)
    return {
        "name": each.name,
        "entity": each.entity,
        "role": "",
        "marks": fingerprints(each),
        "until": until,
        "over": until is not None and at >= until,
        "fault": bool(faults.get(each.entity)),
        "named": each.entity,
    }
