"""Pages for people: Jinja2 with the govuk macros, in English and Welsh, rendered on the server and whole without JavaScript.

    use_pages(app, package="issuer.web", title=N_("Make documents"), navigation=[Link(N_("Documents"), "/console/documents")])
    return await render(request, "console/list.html", rows=rows)

The folders ``templates``, ``static`` and ``locale`` of ``package`` are added to ours; templates begin ``{% extends "layout.html" %}``.
Every template knows: ``_``, ``ngettext``, ``locale``, ``asset(path)``, ``date(seconds)``, ``moment(seconds)``, ``day(seconds)`` (in UTC), ``country(code)``, the filter ``detail``
(what a kind of document calls a detail in English, as ``locale`` has it), ``session`` (or None),
``form_token``, ``form`` (an empty ``Form`` unless passed), ``sent_again`` (an ``Again``, an address or None), ``service``, ``languages``, ``navigation``, ``public_url``, ``here``,
``sign_language``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from types import CodeType
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from babel import Locale
from jinja2 import (
    BaseLoader,
    BytecodeCache,
    ChainableUndefined,
    ChoiceLoader,
    Environment,
    PackageLoader,
    PrefixLoader,
    StrictUndefined,
    Template,
    TemplateNotFound,
)
from jinja2.bccache import Bucket
from jinja2.utils import missing

from ..credentials import label_in
from ..errors import Untrusted, VcError
from . import faults, staying
from .assets import Assets
from .auth import SESSION, current_session
from .context import REQUEST_ID, SERVICE, SETTINGS, now
from .dates import Dates
from .forms import Form
from .i18n import LOCALES, NAMES, load_translations, negotiate
from .missing_view import missing_view
from .problem import ERROR_PAGE, sign_in_address
from .sessions import Session

LANGUAGE_COOKIE = "muniment-lang"


@dataclass(frozen=True, slots=True)
class Link:
    """A line of the navigation; ``text`` is marked with ``N_``. ``signed_in``: shown only to people who are."""

    text: str
    href: str
    signed_in: bool = True


@dataclass(frozen=True, slots=True)
class Again:
    """How the answer to a form is shown once more, in the other language: the form of that ``id`` on the page is sent to ``path``, with one field more.

    Only for a form without text fields: its first button is the one of the return key.
    """

    form: str
    path: str
    name: str = "again"
    value: str = "yes"


class Strict(StrictUndefined):
    """A name that nobody passed, or an attribute that an object lacks, is a bug. Only a plain dict may lack a member."""

    def __new__(cls, hint: str | None = None, obj: Any = missing, *args: Any, **kwargs: Any) -> Any:
        """The lenient kind for a member of a dict, else a new strict one that jinja2 fills in."""
        return ChainableUndefined(hint, obj, *args, **kwargs) if isinstance(obj, dict) else super().__new__(cls)


class Compiled(BytecodeCache):
    """Templates that this process has compiled, for each language and each service in it. All who share one compile with the same options."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], CodeType | None] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """What was compiled from that very source."""
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it."""
        self._codes[bucket.key, bucket.checksum] = bucket.code


_OURS, _BORROWED = Compiled(), Compiled()


class Borrowed(BaseLoader):
    """The macros of another package, as strict as their author wants: those of govuk ask for many names that are seldom given."""

    def __init__(self, package: str) -> None:
        loader = PrefixLoader({package: PackageLoader(package)})  # its templates import each other by that name
        self._prefix = f"{package}/"
        self._environment = Environment(loader=loader, autoescape=True, undefined=ChainableUndefined, bytecode_cache=_BORROWED)

    def load(self, environment: Environment, name: str, globals: MutableMapping[str, Any] | None = None) -> Template:  # noqa: A002, ARG002 - as jinja2 calls it
        """A template of the other package, compiled in an environment of its own."""
        if not name.startswith(self._prefix):
            raise TemplateNotFound(name)
        return self._environment.get_template(name)


class Pages:
    """One Jinja environment a language, the static files, and what a service says about itself."""

    def __init__(self, *, package: str, title: str, navigation: Sequence[Link] = (), time_zone: str = "UTC", home: str = "/") -> None:
        packages = ["shared.web"] + ([package] if package and package != "shared.web" else [])
        roots = [files(name) for name in packages]
        self.title, self.navigation, self.home = title, tuple(navigation), home
        self.assets = Assets(root / "static" for root in roots if (root / "static").is_dir())
        self.translations = {
            locale: load_translations([root / "locale" for root in reversed(roots) if (root / "locale").is_dir()], locale)
            for locale in LOCALES
        }
        own = [PackageLoader(name) for name in reversed(packages) if (files(name) / "templates").is_dir()]
        loader = ChoiceLoader([*own, Borrowed("govuk_frontend_jinja")])
        self._environments = {locale: self._environment(locale, loader, Dates(locale, time_zone)) for locale in LOCALES}

    def _environment(self, locale: str, loader: BaseLoader, dates: Dates) -> Environment:
        environment = Environment(
            loader=loader,
            autoescape=True,
            undefined=Strict,
            extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
            trim_blocks=True,
            lstrip_blocks=True,
            bytecode_cache=_OURS,
        )
        environment.install_gettext_translations(self.translations[locale], newstyle=True)  # type: ignore[attr-defined]
        environment.globals.update(locale=locale, asset=self.assets.url, date=dates.date, moment=dates.moment, clock_time=dates.time)
        environment.filters["detail"] = partial(label_in, locale=locale)
        environment.globals.update(day=Dates(locale, "UTC").date, country=lambda code: Locale(locale).territories.get(code, code))
        return environment

    def render(self, locale: str, template: str, context: Mapping[str, Any]) -> str:
        """The page as text."""
        return self._environments[locale].get_template(template).render(context)


PAGES: web.AppKey[Pages] = web.AppKey("PAGES", Pages)


def use_pages(app: web.Application, *, package: str, title: str, navigation: Sequence[Link] = (), home: str = "/") -> None:
    """Give ``app`` its pages, static files, the error page for people and the list of error codes."""
    app[PAGES] = Pages(package=package, title=title, navigation=navigation, time_zone=app[SETTINGS].time_zone, home=home)
    app[ERROR_PAGE] = _error_page
    app.router.add_get("/static/{build}/{path:.+}", app[PAGES].assets.serve)
    app.router.add_get("/errors", _error_codes)
    staying.add_to(app)


def locale_of(request: web.Request) -> str:
    """The language of this request's answer."""
    return negotiate(request.query.get("lang"), request.cookies.get(LANGUAGE_COOKIE), request.headers.get("Accept-Language", ""))


def translator(request: web.Request) -> Callable[[str], str]:
    """``_`` for texts made in code."""
    return request.config_dict[PAGES].translations[locale_of(request)].gettext


async def render(request: web.Request, template: str, *, status: int = 200, **context: Any) -> web.Response:
    """``template`` as a response in the reader's language. A form with errors has status 400 unless another is given."""
    pages, locale = request.config_dict[PAGES], locale_of(request)
    session = await current_session(request)
    form, home = context.setdefault("form", Form()), context.setdefault("home", pages.home)
    again: Again | str | None = context.setdefault("sent_again", None)
    known = {
        "service": request.config_dict[SERVICE],
        "service_title": pages.title,
        "navigation": [link for link in pages.navigation if session is not None or not link.signed_in],
        "languages": _languages(request, locale, home, again),
        "here": request.path,
        "session": session,
        "stay": _stay(request, session),
        "form_token": session.form_token if session is not None else "",
        "public_url": request.config_dict[SETTINGS].public_url,
        "sign_language": request.config_dict[SETTINGS].sign_language,
    }
    if status == 200 and isinstance(form, Form) and form.wrong:
        status = 400
    response = web.Response(status=status, text=pages.render(locale, template, known | context), content_type="text/html")
    response.headers["Content-Language"] = locale
    response.headers["Vary"] = "Accept-Language, Cookie"
    if request.query.get("lang") in LOCALES:
        secure = request.config_dict[SETTINGS].secure
        response.set_cookie(LANGUAGE_COOKIE, locale, max_age=365 * 86_400, httponly=True, samesite="Lax", secure=secure, path="/")
    return response


def _stay(request: web.Request, session: Session | None) -> dict[str, Any] | None:
    """What the page needs to warn somebody before she is signed out."""
    if session is None:
        return None
    return {"path": staying.PATH, "seconds": session.idle_until - now(request), "again": sign_in_address(request)}


def _languages(request: web.Request, current: str, home: str, again: Again | str | None) -> list[dict[str, Any]]:
    """The switch: the same page in each language. An answer to a form is not there to be asked for again: where it does not say how (``Again``, or
    an address), the link leads to the form, and home where that has no page of its own.
    """
    here = "/" + request.rel_url.raw_path.lstrip("/")  # two slashes in front would lead to another site
    same = request.method in {"GET", "HEAD"}
    told = again.path if isinstance(again, Again) else again
    path = told or (here if same or _is_page(request) else home)
    kept = [(name, value) for name, value in request.query.items() if name != "lang"] if path == here else []
    return [
        {
            "code": code,
            "name": NAMES[code],
            "href": f"{path}{'&' if '?' in path else '?'}{urlencode([*kept, ('lang', code)])}",
            "current": code == current,
            "same": same,
            "again": again if isinstance(again, Again) else None,
        }
        for code in LOCALES
    ]


def _is_page(request: web.Request) -> bool:
    """Whether the address of a form may also be asked for."""
    mine = request.match_info.route.resource
    places = [each for each in request.app.router.resources() if mine is not None and each.canonical == mine.canonical]
    return any(route.method == "GET" for place in places for route in place)


async def _error_page(request: web.Request, error: VcError) -> web.StreamResponse:
    if error.status >= 500:
        request[SESSION] = None  # what keeps sessions may be what is broken
    missing = await missing_view(request, (error.detail,)) if isinstance(error, Untrusted) else None
    fault = faults.fault_of(request, error)
    return await render(request, "error.html", status=error.status, fault=fault, missing=missing, request_id=REQUEST_ID.get())


async def _error_codes(request: web.Request) -> web.StreamResponse:
    return await render(request, "error_codes.html", codes=faults.codes())
