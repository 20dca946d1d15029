"""What this organisation may ask for and why: the public register with all its versions, and the pages on which its staff argue each use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from shared.credentials import all_types
from shared.errors import ConfigError, Missing
from shared.trust.deletion import peek_deletion
from shared.trust.register_json import SCHEMA, changes, render_versions
from shared.trust.registered_use import RegisteredUse
from shared.web import auth
from shared.web.entrance import seated
from shared.web.forms import Form
from shared.web.pages import locale_of, render, translator
from shared.web.registered_view import change_view, use_view
from shared.web.seat import check_admin
from verifier import admission, inherited, registering, registrars
from verifier.desk import Desk
from verifier.inbox_file import registered_inbox
from verifier.inherited import Kept
from verifier.material import Store
from verifier.records import deletions, known, registrations
from verifier.registering import REGISTER, REGISTER_JSON, Argued
from verifier.uses import alone

_PATH = "/desk/uses"


def add_to(app: web.Application, desk: Desk, store: Store) -> None:
    """Routes of this part."""
    part, below = Registered(desk, store), urlsplit(desk.settings.public_url).path
    app.router.add_get(f"{below}{REGISTER}", part.show)
    app.router.add_get(f"{below}{REGISTER_JSON}", part.download)
    app.router.add_get(_PATH, seated(part.list))
    app.router.add_get(f"{_PATH}/{{use}}", seated(part.form))
    app.router.add_post(f"{_PATH}/{{use}}", seated(part.state, check=check_admin))


class Registered:
    def __init__(self, desk: Desk, store: Store) -> None:
        self._desk = desk
        self._store = store

    def _uses(self) -> list[RegisteredUse]:
        return registering.registered(self._desk.directory, self._desk.settings)

    async def show(self, request: web.Request) -> web.StreamResponse:
        """For any citizen: what is registered now, and what changed when."""
        locale = locale_of(request)
        versions = await self._desk.storage.read(registrations.versions)
        uses = versions[-1].uses if versions else ()
        told = [
            {"n": now.n, "at": now.at, "changes": [change_view(each, locale) for each in changes(before, now, tuple(all_types().values()))]}
            for before, now in zip((None, *versions), versions, strict=False)
        ]
        return await render(
            request,
            "register.html",
            organisation=self._desk.settings.name,
            entity=self._desk.entity,
            uses=[use_view(use, tuple(all_types().values()), locale) for use in uses],
            versions=told[::-1],
            **await self._inherited(locale, uses),
            twice=await self._twice(locale),
            json_path=f"{self._desk.settings.public_url}{REGISTER_JSON}",
        )

    async def _twice(self, locale: str) -> list[dict[str, Any]]:
        """How often it asked for what it had recorded already, the most often first (check T-OA-5)."""
        titles = {use.query.id: use.query.title.in_(locale) for use in self._desk.uses()}
        found = await self._desk.storage.read(known.asked_twice)
        return [{"use": titles.get(use, use), "count": count} for use, count in sorted(found.items(), key=lambda one: (-one[1], one[0]))]

    async def _inherited(self, locale: str, uses: Sequence[RegisteredUse]) -> dict[str, Any]:
        """From whom it took over and who took over from it, and what was deleted then."""
        desk, federation, at = self._desk, await self._store.federation(), self._desk.clock()
        titles = {use.id: use.title.in_(locale) for use in uses} | {use.query.id: use.query.title.in_(locale) for use in desk.uses()}
        records = [peek_deletion(each) for each in await desk.storage.read(deletions.everything)]
        return {
            "before": [_kept_view(each, titles, locale) for each in inherited.before_us(federation, desk.entity, at)],
            "after": [_kept_view(each, titles, locale) for each in inherited.after_us(desk, federation)],
            "deleted": [
                {
                    "at": each.at,
                    "count": each.count,
                    "use": titles.get(each.use, each.use),
                    "outgoing": federation.name(each.outgoing).in_(locale),
                }
                for each in records
            ],
        }

    async def download(self, _: web.Request) -> web.StreamResponse:
        """The same for everybody: no address, cookie or header of the one who asks changes it."""
        versions = await self._desk.storage.read(registrations.versions)
        inbox = registered_inbox(self._desk.directory, self._desk.settings)
        party = registering.party(self._desk.settings, versions[-1].uses if versions else (), inbox)
        told: dict[str, Any] = {"schema": SCHEMA, "parties": [party], "versions": render_versions(versions, tuple(all_types().values()))}
        told |= await inherited.told(self._desk, await self._store.federation())
        told["asked_twice"] = await self._desk.storage.read(known.asked_twice)
        headers = {
            hdrs.CACHE_CONTROL: "public, max-age=300",
            "Access-Control-Allow-Origin": "*",
            "Cross-Origin-Resource-Policy": "cross-origin",
        }
        return web.json_response(told, headers=headers)

    async def list(self, request: web.Request) -> web.StreamResponse:
        locale = locale_of(request)
        uses = [use_view(use, tuple(all_types().values()), locale) | {"lacks": len(use.lacks())} for use in self._uses()]
        found = registrars.standing(self._desk, await self._store.federation())
        told = None if found is None or found.certificate.registrar is None else found.certificate.registrar.name.in_(locale)
        differs = found is not None and list(found.certificate.uses) != registrars.applied(self._desk)
        return await render(request, "desk/uses.html", uses=uses, registrar=told, differs=differs)

    def _use(self, request: web.Request) -> RegisteredUse:
        found = next((use for use in self._uses() if use.id == request.match_info["use"]), None)
        if found is None:
            raise Missing("there is no such use here")
        return found

    async def form(self, request: web.Request) -> web.StreamResponse:
        use = self._use(request)
        return await self._form(request, use, Form(), registering.argued_of(self._desk.directory, use.id))

    def _admits(self, use: str, locale: str) -> Mapping[str, Sequence[tuple[str, str]]]:
        return {member: admission.choices(self._desk.types.values(), use, member, locale) for member in admission.MEMBERS}

    async def _form(self, request: web.Request, use: RegisteredUse, form: Form, argued: Argued) -> web.Response:
        view = use_view(use, tuple(all_types().values()), locale_of(request))
        told: dict[str, Any] = {"admits": self._admits(use.id, locale_of(request)), "joint": use.id != alone(use.id)}
        return await render(request, "desk/use.html", use=view, form=form, argued=argued, lacks=use.lacks(), **told)

    async def state(self, request: web.Request) -> web.StreamResponse:
        """It is certified and published in the next round."""
        use, form, _ = self._use(request), Form(await auth.read_form(request)), translator(request)
        said: dict[str, Any] = {
            name: " ".join(form.value(name).split())
            for name in ("benefit", "benefit_cy", "could_stop", "could_stop_cy", "evidence", "team")
        }
        said["undo"] = _steps(form.value("undo"))
        before, boxes = registering.argued_of(self._desk.directory, use.id), self._admits(use.id, locale_of(request))
        for member in admission.MEMBERS:  # what was listed by other ways and has no box here stays
            kept = [code for code in getattr(before, member) if code not in dict(boxes[member])]
            said[member] = (*form.values(member), *kept)
        said["decides"] = "person" if form.value("decides") == "person" else "itself"
        try:
            changed = {name: value for name, value in said.items() if _plain(value) != _plain(getattr(before, name))}
            if said["undo"] != _steps(before.undo):
                changed["undo"] = said["undo"]
            if changed:  # what nobody touched goes on following the use for a single person
                registering.state(self._desk.directory, self._desk.settings, use.id, changed)
        except ConfigError as error:
            words = {"evidence": _("Enter an address that begins with https://"), "team": _("Use at most 60 characters")}
            words |= dict.fromkeys(admission.MEMBERS, _("Choose from the list"))
            form.error(error.where or "benefit", words.get(error.where, _("Use at most 1,000 characters")))
            return await self._form(request, use, form, Argued(**said))
        raise web.HTTPSeeOther(_PATH)


def _plain(value: str | tuple[str, ...]) -> str | set[str]:
    """As the form tells it back: in any order, or with other spaces, it says the same."""
    return " ".join(value.split()) if isinstance(value, str) else set(value)


def _steps(text: str) -> str:
    """A step a line, as somebody typed them."""
    return "\n".join(line for line in (" ".join(each.split()) for each in text.splitlines()) if line)


def _kept_view(kept: Kept, titles: Mapping[str, str], locale: str) -> dict[str, Any]:
    """For people; a use whose words are not known here keeps its name."""
    succession = kept.succession
    return {
        "outgoing": kept.outgoing.in_(locale),
        "keeper": kept.keeper.in_(locale),
        "keeper_entity": succession.successor,
        "since": succession.since,
        "private": succession.private,
        "note": succession.note.in_(locale),
        "uses": [titles.get(use, use) for use in kept.uses],
    }
