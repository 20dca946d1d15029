"""Who sits at the desk: the signed-in operator, asked anew for every page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from shared.errors import SignInRequired
from shared.web import auth
from shared.web.context import SETTINGS
from shared.web.dates import Dates
from shared.web.pages import PAGES, locale_of
from verifier.desk import Desk
from verifier.records import people
from verifier.records.people import Operator
from verifier.words import N_, Spoken

OPERATOR: web.RequestKey[Operator] = web.RequestKey("OPERATOR", Operator)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def seated(desk: Desk, handler: Handler) -> Handler:
    """``handler`` for people who are signed in. The operator is ``request[OPERATOR]``; one who was removed since is out at once."""

    async def serve(request: web.Request) -> web.StreamResponse:
        session = await auth.require_session(request)
        found = await desk.storage.read(lambda tx: people.by_id(tx, session.subject))
        if found is None:
            raise SignInRequired("sign in first")
        request[OPERATOR] = found
        return await handler(request)

    return serve


def spoken(request: web.Request) -> Spoken:
    """How the reader of this request is spoken to."""
    locale = locale_of(request)
    words = request.config_dict[PAGES].translations[locale]

    def age(seconds: int) -> str:
        for size, one, many in _UNITS:
            if seconds >= size:
                return words.ngettext(one, many, seconds // size) % {"num": seconds // size}
        return words.gettext(_SHORT)

    return Spoken(translate=words.gettext, moment=Dates(locale, request.config_dict[SETTINGS].time_zone).moment, age=age, locale=locale)


_SHORT = N_("less than a minute")
_UNITS = (
    (86_400, N_("%(num)s day"), N_("%(num)s days")),
    (3_600, N_("%(num)s hour"), N_("%(num)s hours")),
    (60, N_("%(num)s minute"), N_("%(num)s minutes")),
)
