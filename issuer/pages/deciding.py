"""What somebody decides on a page about one that waits: done and published at once, or the page again with what is wrong or was changed meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from aiohttp import web

from issuer.approval import MAX_REASON
from issuer.federation import publish
from issuer.office import Office
from issuer.pages.desk import actor
from issuer.pages.form import version_of
from issuer.sessions import Actor
from shared.errors import Conflict, Rejected, Unavailable, VcError
from shared.web import auth
from shared.web.forms import Form
from shared.web.pages import translator

K = TypeVar("K")  # names one that waits
K_contra = TypeVar("K_contra", contravariant=True)
Words = Callable[[str], str]


class Show(Protocol[K_contra]):
    """The page about one of them; ``changed`` since somebody looked."""

    async def __call__(self, request: web.Request, one: K_contra, form: Form, /, *, changed: bool = False) -> web.StreamResponse: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """``version`` is the one that was looked at; new keys were ``compared`` with the body itself, or its keys are in other hands."""

    by: Actor
    version: int
    compared: bool
    compromised: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Deciding(Generic[K]):
    """``named`` says which one a form is about, ``show`` is its page and ``link`` the address of that."""

    office: Office
    named: Callable[[Form], K]
    show: Show[K]
    link: Callable[[K], str]

    async def decide(
        self,
        request: web.Request,
        act: Callable[[K, Answer], Awaitable[object]],
        *,
        why: str = "",
        compare: str = "",
        fault: Callable[[VcError, Words], str] | None = None,
    ) -> web.StreamResponse:
        """``why`` is the field of a reason, where one is needed; ``compare`` is said where a fingerprint was not compared, and ``fault`` says
        what is wrong where it no longer holds what was looked at.
        """
        form, words = Form(await auth.read_form(request)), translator(request)
        one, reason = self.named(form), reason_of(form, why, words("Say why"), words) if why else ""
        if form.wrong:
            return await self.show(request, one, form)
        answer = Answer(
            by=actor(request),
            version=version_of(form.value("version")),
            compared=form.value("compared") == "yes",
            compromised=form.value("compromised") == "yes",
            reason=reason,
        )
        try:
            await act(one, answer)
        except Conflict as error:
            if error.where != "/compared":
                return await self.again(request, one, error)
            form.error("compared", compare)
            return await self.show(request, one, form)
        except (Rejected, Unavailable) as error:
            if fault is None:
                raise
            form.error("approve", fault(error, words), anchor="main-content")
            return await self.show(request, one, form)
        return await self.done(one)

    async def again(self, request: web.Request, one: K, error: Conflict) -> web.StreamResponse:
        """Whoever looked at what was changed meanwhile looks again."""
        if error.where != "/version":
            raise error
        return await self.show(request, one, Form(), changed=True)

    async def done(self, one: K) -> web.StreamResponse:
        """Published at once, and shown."""
        await publish.tend(self.office)
        raise web.HTTPSeeOther(self.link(one))


def body_of(form: Form) -> str:
    """Which body or organisation a form is about."""
    return form.value("entity")


def reason_of(form: Form, name: str, missing: str, words: Words) -> str:
    """What was typed there; with an error in the form if it is none."""
    reason = form.need(name, missing)
    if len(reason) > MAX_REASON:
        form.error(name, words("Use 300 characters or fewer"))
    return reason
