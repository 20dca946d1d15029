"""The pages behind ``/authorize``: who asks, sign in, which document, what will be made, yes or no (OpenID4VCI section 5)."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from issuer import authorization, outside, people
from issuer.authorization import Pending
from issuer.office import Office
from issuer.pages import extending
from issuer.pages import form as questions
from issuer.pages import visit as visits
from issuer.pages import words as phrases
from issuer.pages.visit import Visit
from issuer.people import Fitting
from issuer.sessions import Approval
from shared.clock import DAY
from shared.codec import base64url
from shared.credentials import CredentialType
from shared.errors import AccessDenied, Conflict, Malformed, Missing, SignInRequired, Unavailable, VcError
from shared.flow import arun
from shared.oauth import parse_pushed_reference
from shared.web import oidc, passkeys, rates
from shared.web.context import FETCHER
from shared.web.forms import Form
from shared.web.oidc import Provider
from shared.web.pages import locale_of, translator
from shared.web.passkeys import AtHome, Passkey
from shared.web.security import allow, client_address, leave_for

PATH = "/authorize"
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?")
_SCHEME = re.compile(r"[a-z][a-z0-9.+-]*")

Handler = Callable[[web.Request, Visit, Pending], Awaitable[web.StreamResponse]]


def add_to(app: web.Application, office: Office) -> None:
    """Routes of this part, below the path of ``public_url``."""
    part = Collecting(office)
    base = part.base
    app.router.add_get(base, part.begin)
    for method, path, handler, member in (
        ("GET", "/sign-in", part.ask_sign_in, False),
        ("POST", "/sign-in", part.sign_in, False),
        ("GET", "/same", part.ask_same, True),
        ("POST", "/same", part.join, True),
        ("GET", "/documents", part.ask_documents, True),
        ("GET", "/agree", part.ask_agree, True),
        ("POST", "/agree", part.agree, True),
        ("POST", "/refuse", part.refuse, False),
        ("POST", "/passkey", part.use_passkey, False),
        ("POST", "/login", part.go_to_login, False),
        ("GET", "/login/back", part.come_back, False),
        ("GET", "/passkeys", part.ask_passkeys, True),
        ("POST", "/passkeys", part.add_passkey, True),
        ("POST", "/passkeys/remove", part.remove_passkey, True),
    ):
        app.router.add_route(method, base + path, part.visited(handler, member=member))
    extending.add_to(app, office, base)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One kind of document that is asked for, with those of the holder that it may be."""

    kind: CredentialType
    title: str
    found: Sequence[Fitting]


class Collecting:
    def __init__(self, office: Office) -> None:
        self._office = office
        where = urlsplit(office.settings.public_url)
        self.base = where.path + PATH
        self._login = outside.provider(office)
        self._at_home = AtHome(where.hostname or "", office.settings.origin, office.settings.name)

    def visited(self, handler: Handler, *, member: bool) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """``handler`` for a visit whose request still waits; ``member``: only once somebody has signed in."""

        async def serve(request: web.Request) -> web.StreamResponse:
            visit = await visits.current(request, self._office)
            pending = await authorization.pending(self._office, visit.pending)
            if member and visit.holder is None:
                raise web.HTTPSeeOther(f"{self.base}/sign-in")
            return await handler(request, visit, pending)

        return serve

    async def begin(self, request: web.Request) -> web.StreamResponse:
        """Where a wallet sends the browser. Whoever was signed in for another request signs in anew for this one."""
        reference = parse_pushed_reference(request.query_string)
        pending = await authorization.begin(self._office, reference.client_id, reference.request_uri)
        response = web.HTTPSeeOther(f"{self.base}/sign-in")
        await visits.begin(request, response, self._office, pending.id)
        raise response

    # --- signing in ----------------------------------------------------------------------------------------------------------------------

    async def ask_sign_in(self, request: web.Request, visit: Visit, pending: Pending) -> web.StreamResponse:
        return await self._ask_sign_in(request, visit, pending, Form())

    async def _ask_sign_in(self, request: web.Request, visit: Visit, pending: Pending, form: Form) -> web.StreamResponse:
        options = passkeys.request_options(self._at_home, visit.challenge)
        login = self._office.settings.login_name if self._login is not None else ""
        titles = self._titles(request, pending)
        return await self._show(request, visit, pending, "sign_in", form=form, titles=titles, options=options, login=login)

    async def sign_in(self, request: web.Request, visit: Visit, pending: Pending) -> web.StreamResponse:
        """The same words and the same steps whether the code or the date of birth was wrong, or the letter is blocked."""
        form, words = Form(await visits.read_form(request, visit)), translator(request)
        code = form.need("code", words("Enter the code from your letter"))
        birth = self._birth_date(form, words)
        if form.wrong:
            return await self._ask_sign_in(request, visit, pending, form)
        await rates.allow(self._office.storage, people.BY_ADDRESS, client_address(request), at=self._office.clock())
        try:
            holder = await people.sign_in(self._office, code[:100], birth)
        except SignInRequired:
            form.error("code", words("Code and date of birth do not match, or the code has been used. Check both and try again"))
            return await self._ask_sign_in(request, visit, pending, form)
        if visit.holder is not None and await people.may_be_one(self._office, visit.holder, holder, birth):
            raise await self._onward(request, visit, holder, "/same", beside=visit.holder)
        raise await self._onward(request, visit, holder, "/documents")

    async def ask_same(self, request: web.Request, visit: Visit, pending: Pending) -> web.StreamResponse:
        """Two letters that ask for one date of birth are one person's, or twins'."""
        if visit.beside is None:
            raise web.HTTPSeeOther(f"{self.base}/documents")
        return await self._show(request, visit, pending, "same")

    async def join(self, request: web.Request, visit: Visit, _: Pending) -> web.StreamResponse:
        """Only where she says yes, once; whoever used the last letter is signed in alone otherwise."""
        posted, holder = await visits.read_form(request, visit), visit.holder
        if visit.beside is not None and holder is not None and posted.get("same") == "yes":
            await people.join(self._office, visit.beside, holder)
            holder = visit.beside
        raise await self._onward(request, visit, holder, "/documents")

    async def _onward(
        self, request: web.Request, visit: Visit, holder: str | None, path: str, *, beside: str | None = None
    ) -> web.HTTPSeeOther:
        """A new cookie, for ``holder`` and nobody else: several people may use one browser."""
        response = web.HTTPSeeOther(self.base + path)
        await visits.begin(request, response, self._office, visit.pending, holder, beside=beside)
        return response

    # --- an account elsewhere ------------------------------------------------------------------------------------------------------------

    async def go_to_login(self, request: web.Request, visit: Visit, pending: Pending) -> web.StreamResponse:
        """A link, for browsers forbid forms to lead elsewhere."""
        await visits.read_form(request, visit)
        provider, fetch = self._provider(), request.config_dict[FETCHER]
        await rates.allow(self._office.storage, people.BY_ADDRESS, client_address(request), at=self._office.clock())
        metadata = await arun(oidc.fetch_provider(provider), fetch)
        address = oidc.sign_in_url(provider, metadata, visit.attempt)
        login, host = self._office.settings.login_name, urlsplit(address).netloc
        return await self._show(request, visit, pending, "elsewhere", address=address, host=host, login=login)

    async def come_back(self, request: web.Request, visit: Visit, pending: Pending) -> web.StreamResponse:
        """What the provider says of whoever signed in there; whatever is wrong with it, she signs in in another way, or tries again."""
        provider, fetch = self._provider(), request.config_dict[FETCHER]
        form, words = Form(), translator(request)
        url = provider.redirect_uri + ("?" + request.rel_url.raw_query_string if request.query_string else "")
        not_signed_in = words("You were not signed in there. Try again, or use your letter")
        if not oidc.is_answer(visit.attempt, url):
            form.error("login", not_signed_in, anchor="code")
            return await self._ask_sign_in(request, visit, pending, form)
        await rates.allow(self._office.storage, people.BY_ADDRESS, client_address(request), at=self._office.clock())
        try:
            metadata = await arun(oidc.fetch_provider(provider), fetch)
            account = await arun(oidc.finish(provider, metadata, visit.attempt, url, at=self._office.clock()), fetch)
            holder = await people.sign_in_by_account(self._office, account)
        except SignInRequired:
            form.error("login", words("Nothing was made here for that account. Use your letter, or ask the office"), anchor="code")
        except Unavailable:
            raise
        except VcError:
            form.error("login", not_signed_in, anchor="code")
        else:
            raise await self._onward(request, visit, holder, "/documents")
        return await self._ask_sign_in(request, visit, pending, form)

    def _provider(self) -> Provider:
        if self._login is None:
            raise Missing("there is nothing at this address")
        return self._login

    # --- passkeys ------------------------------------------------------------------------------------------------------------------------

    async def use_passkey(self, request: web.Request, visit: Visit, pending: Pending) -> web.StreamResponse:
        """Whoever is not known, and whatever is not right, reads the same."""
        form, words = Form(await visits.read_form(request, visit)), translator(request)
        await rates.allow(self._office.storage, people.BY_ADDRESS, client_address(request), at=self._office.clock())
        try:
            holder = await people.sign_in_by_passkey(self._office, self._at_home, form.value("passkey"), visit.challenge)
        except SignInRequired:
            form.error("passkey", words("That passkey does not sign anybody in here. Use your letter"), anchor="code")
            return await self._ask_sign_in(request, visit, pending, form)
        raise await self._onward(request, visit, holder, "/documents")

    async def ask_passkeys(self, request: web.Request, visit: Visit, pending: Pending) -> web.StreamResponse:
        return await self._ask_passkeys(request, visit, pending, Form())

    async def _ask_passkeys(self, request: web.Request, visit: Visit, pending: Pending, form: Form) -> web.StreamResponse:
        known = await people.passkeys_of(self._office, visit.holder or "")
        handle = sha256(visit.challenge).digest()  # random, and for no other passkey
        options = passkeys.creation_options(self._at_home, visit.challenge, handle=handle, name=self._at_home.name, known=known)
        return await self._show(request, visit, pending, "passkeys", form=form, known=[_shown(each) for each in known], options=options)

    async def add_passkey(self, request: web.Request, visit: Visit, pending: Pending) -> web.StreamResponse:
        """The challenge serves once: the visit goes on with another."""
        form, words = Form(await visits.read_form(request, visit)), translator(request)
        name = form.value("name")[:60] or words("Passkey")
        try:
            made = passkeys.check_creation(self._at_home, form.value("passkey"), visit.challenge)
            await people.add_passkey(self._office, visit.holder or "", made, handle=sha256(visit.challenge).digest(), name=name)
        except (Malformed, Conflict):
            form.error("name", words("That passkey could not be added. Try again, or go on without"))
            return await self._ask_passkeys(request, visit, pending, form)
        raise await self._onward(request, visit, visit.holder, "/passkeys")

    async def remove_passkey(self, request: web.Request, visit: Visit, _: Pending) -> web.StreamResponse:
        posted = await visits.read_form(request, visit)
        await people.remove_passkey(self._office, visit.holder or "", posted.get("id", ""))
        raise web.HTTPSeeOther(f"{self.base}/passkeys")

    def _birth_date(self, form: Form, words: phrases.Words) -> str:
        text = form.date("birth")
        try:
            people.check_birth_date(text, self._office.clock())
        except Malformed:
            message = words("The date of birth must be a real date") if text else words("Enter your date of birth")
            form.error("birth", message, anchor="birth.day")
        return text

    # --- which ---------------------------------------------------------------------------------------------------------------------------

    async def _choices(self, request: web.Request, visit: Visit, pending: Pending) -> list[Choice]:
        """For each kind that is asked for: the holder's documents, that of her letter first."""
        fitting = await people.fitting(self._office, visit.holder or "", pending.types)
        fitting.sort(key=lambda each: each.document.id != pending.hint)
        kinds = [self._office.type(name) for name in pending.types]
        return [
            Choice(kind=kind, title=kind.title.in_(locale_of(request)), found=[each for each in fitting if each.document.type == kind.id])
            for kind in kinds
        ]

    async def ask_documents(self, request: web.Request, visit: Visit, pending: Pending) -> web.StreamResponse:
        """Only where there is something to choose, or nothing at all."""
        choices = await self._choices(request, visit, pending)
        found = [choice for choice in choices if choice.found]
        if found and all(len(choice.found) == 1 for choice in found):
            query = urlencode([("document", choice.found[0].document.id) for choice in found])
            raise web.HTTPSeeOther(f"{self.base}/agree?{query}")
        return await self._show(
            request,
            visit,
            pending,
            "documents" if found else "nothing",
            questions=[self._question(request, choice) for choice in found],
            titles=[choice.title for choice in choices if not choice.found],
        )

    def _question(self, request: web.Request, choice: Choice) -> dict[str, Any]:
        """Of each document only what tells it from the others; the whole of it comes on the next page."""
        told = [[line for _, lines in self._told(request, choice.kind, each) for line in lines] for each in choice.found]
        options = [
            {
                "value": each.document.id,
                "text": phrases.spaced(each.document.id),
                "made_at": each.document.made_at,
                "told": [line for line in own if not all(line in others for others in told)],
            }
            for each, own in zip(choice.found, told, strict=True)
        ]
        return {"name": f"document-{choice.kind.id}", "title": choice.title, "options": options}

    def _told(self, request: web.Request, kind: CredentialType, fitting: Fitting) -> list[tuple[str, list[questions.Answer]]]:
        return questions.answers(kind, fitting.claims, locale_of(request), translator(request))

    # --- yes or no -----------------------------------------------------------------------------------------------------------------------

    async def _chosen(self, request: web.Request, visit: Visit, pending: Pending, numbers: Sequence[str]) -> list[tuple[Choice, Fitting]]:
        """Those of the holder's documents; one of a kind. ``Malformed`` for what is not hers, or not asked for."""
        choices = await self._choices(request, visit, pending)
        chosen = [(choice, each) for choice in choices for each in choice.found if each.document.id in numbers]
        kinds = {choice.kind.id for choice, _ in chosen}
        if not chosen or not len(numbers) == len(chosen) == len(kinds):
            raise Malformed("these documents cannot be chosen", where="/document")
        return chosen

    async def ask_agree(self, request: web.Request, visit: Visit, pending: Pending) -> web.StreamResponse:
        numbers = [value for name, value in request.query.items() if name.startswith("document")]
        if not numbers:
            raise web.HTTPSeeOther(f"{self.base}/documents")
        return await self._ask_agree(request, visit, pending, numbers)

    async def _ask_agree(
        self, request: web.Request, visit: Visit, pending: Pending, numbers: Sequence[str], *, changed: bool = False
    ) -> web.StreamResponse:
        chosen = await self._chosen(request, visit, pending, numbers)
        several = any(len(choice.found) > 1 for choice, _ in chosen)
        made = [self._made(request, choice, fitting) for choice, fitting in chosen]
        status = 409 if changed else 200
        return await self._show(request, visit, pending, "agree", status=status, made=made, several=several, changed=changed)

    def _made(self, request: web.Request, choice: Choice, fitting: Fitting) -> dict[str, Any]:
        document = fitting.document
        return {
            "id": document.id,
            "version": document.version,
            "number": phrases.spaced(document.id),
            "title": choice.title,
            "about": choice.kind.description.in_(locale_of(request)),
            "told": self._told(request, choice.kind, fitting),
            "copies": self._office.batch_size,
            "copy_days": choice.kind.copy_days,
            "last_day": None if document.valid_until is None else document.valid_until - DAY,
            "waits": document.approval is Approval.WAITING,
        }

    async def agree(self, request: web.Request, visit: Visit, pending: Pending) -> web.StreamResponse:
        """To what the page showed. Details that were changed meanwhile are shown first."""
        posted = await visits.read_form(request, visit)
        numbers = posted.getall("document", [])
        chosen = await self._chosen(request, visit, pending, numbers)
        seen = {number: questions.version_of(posted.get(f"version-{number}", "")) for number in numbers}
        try:
            address = await authorization.grant(self._office, pending.id, numbers, seen=seen)
        except Conflict as error:
            if error.where != "/version":
                raise
            return await self._ask_agree(request, visit, pending, numbers, changed=True)
        await people.note_agreement(self._office, [fitting.document.id for _, fitting in chosen])
        raise await self._leave(request, visit, address)

    async def refuse(self, request: web.Request, visit: Visit, pending: Pending) -> web.StreamResponse:
        await visits.read_form(request, visit)
        raise await self._leave(request, visit, await authorization.deny(self._office, pending.id, AccessDenied("the holder said no")))

    async def _leave(self, request: web.Request, visit: Visit, address: str) -> web.HTTPSeeOther:
        response = leave_for(address)
        await visits.end(request, response, self._office, visit)
        return response

    # --- what all of them show -----------------------------------------------------------------------------------------------------------

    def _titles(self, request: web.Request, pending: Pending) -> list[str]:
        return [self._office.type(name).title.in_(locale_of(request)) for name in pending.types]

    async def _show(self, request: web.Request, visit: Visit, pending: Pending, template: str, **context: Any) -> web.Response:
        """Each page has a form that leads back to the wallet, so its policy names where that is."""
        known: dict[str, Any] = {
            "pending": pending,
            "path": self.base,
            "office": self._office.settings.name,
            "home": f"{self.base}/sign-in",
        }
        known["stay"] = extending.stay(self._office, self.base, visit, pending)
        response = await visits.show(request, visit, template, lands=lands(pending.redirect_uri), **known, **context)
        if target := form_target(pending.redirect_uri):
            allow(response, form_action=target)
        return response


def _shown(known: Passkey) -> dict[str, Any]:
    return {"id": base64url.encode(known.id), "name": known.name, "made_at": known.made_at, "used_at": known.used_at}


def lands(redirect_uri: str) -> dict[str, str]:
    """Where she comes back to, as people can compare it: the ``host`` of a site, or the name that an ``app`` registered."""
    parts = urlsplit(redirect_uri)
    return {"host": parts.netloc} if parts.scheme in {"https", "http"} else {"app": parts.scheme}


def form_target(redirect_uri: str) -> str:
    """What ``form-action`` has to allow so that a form may lead to ``redirect_uri``; empty where that cannot be said (CSP3 section 2.3.1)."""
    parts = urlsplit(redirect_uri)
    if parts.scheme in {"https", "http"}:
        origin = f"{parts.scheme}://{parts.netloc.lower()}"
        return origin if _ORIGIN.fullmatch(origin) else ""
    return f"{parts.scheme}:" if _SCHEME.fullmatch(parts.scheme) else ""
