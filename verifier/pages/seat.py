"""How whoever sits at the desk is spoken to."""

from __future__ import annotations

from aiohttp import web

from shared.web.context import SETTINGS
from shared.web.dates import Dates
from shared.web.pages import PAGES, locale_of
from verifier.words import N_, Spoken


def spoken(request: web.Request, language: str = "") -> Spoken:
    """How the reader of this request is spoken to, in the reader's own language unless another is named."""
    locale = language or locale_of(request)
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
