"""The wallet's page that works in airplane mode: ``/phone/`` (one page without a name in it), its service worker and its manifest.

Everything about a holder lies in the browser's own vault or comes over ``/phone/api``. The shell is rendered once a language and kept
by the service worker under one build name, together with every static file: whatever changes, the name changes, and the browser
fetches all of it before it uses any.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from aiohttp import web
from babel.dates import get_month_names

from shared.codec import strict_json
from shared.credentials import all_types
from shared.credentials._page import page_type
from shared.web.context import SERVICE, SETTINGS
from shared.web.forms import Form
from shared.web.i18n import LOCALES, NAMES
from shared.web.pages import PAGES, Pages, locale_of
from shared.web.security import allow, policy
from shared.web.settings import Common
from wallet.pages.desk import Desk
from wallet.pages.tell_words import REASONS
from wallet.phone_api import PhoneApi

SCOPE = "/phone/"
KEPT = ("app.css", "wallet.css", "icon.svg", "mark.svg", "js/", "phone/", "vendor/")
"""The static files that the page is made of; the service worker fetches them all."""

BUILD = "@build@"
"""Stands in the page where the name of the build will be."""
_PAGE = {
    "script_src": "'wasm-unsafe-eval'",  # the reader of square codes
    "worker_src": "'self'",
    "media_src": "blob:",
    "img_src": "blob:",
    "trusted_types": "muniment-worker",  # names the service worker, and nothing else
}


@dataclass(frozen=True, slots=True)
class Shell:
    """The rendered page in each language and the name of this build."""

    build: str
    texts: dict[str, str]
    worker: str


class PhonePages:
    """``/phone/``, ``/phone/sw.js``, ``/phone/manifest.webmanifest`` and the page's API."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._shell: Shell | None = None

    def add_to(self, app: web.Application) -> None:
        """Register the pages and the API."""
        PhoneApi(self._desk.means, self._desk.unlocked).add_to(app)
        app.router.add_get("/phone", self.to_page)
        app.router.add_get(SCOPE, self.show)
        app.router.add_get(f"{SCOPE}sw.js", self.worker)
        app.router.add_get(f"{SCOPE}manifest.webmanifest", self.manifest)

    async def to_page(self, _: web.Request) -> web.StreamResponse:
        raise web.HTTPMovedPermanently(SCOPE)

    async def show(self, request: web.Request) -> web.StreamResponse:
        """The same for everybody: nothing of a session is in it, so that a phone may keep it."""
        locale = locale_of(request)
        response = web.Response(text=self._made(request).texts[locale], content_type="text/html")
        response.headers["Content-Language"] = locale
        response.headers["Vary"] = "Accept-Language, Cookie"
        allow(response, **_PAGE)
        return response

    async def worker(self, request: web.Request) -> web.StreamResponse:
        """Asked for again by browsers whenever the page is opened; other bytes are a new version."""
        response = web.Response(text=self._made(request).worker, content_type="text/javascript")
        response.headers["Cache-Control"] = "no-cache"
        return response

    async def manifest(self, request: web.Request) -> web.StreamResponse:
        pages = request.config_dict[PAGES]
        words = pages.translations[locale_of(request)].gettext
        icons = [
            {"src": pages.assets.url(f"phone/icon-{size}.png"), "sizes": f"{size}x{size}", "type": "image/png", "purpose": "any maskable"}
            for size in (192, 512)
        ]
        doc = {
            "id": SCOPE,
            "name": words("Wallet without signal"),
            "short_name": words("Wallet"),
            "start_url": SCOPE,
            "scope": SCOPE,
            "display": "standalone",
            "background_color": "#fbfaf6",
            "theme_color": "#12433a",
            "icons": icons,
        }
        return web.Response(body=strict_json.dumps(doc), content_type="application/manifest+json", headers={"Cache-Control": "no-cache"})

    def _made(self, request: web.Request) -> Shell:
        if self._shell is None:
            self._shell = make_shell(request.config_dict[PAGES], request.config_dict[SERVICE], request.config_dict[SETTINGS])
        return self._shell


def make_shell(pages: Pages, service: str, settings: Common) -> Shell:
    """Page and worker. The build's name hashes the texts, their policy and every static file."""
    texts = {locale: pages.render(locale, "wallet/phone.html", _context(pages, service, settings, locale)) for locale in LOCALES}
    build = sha256("\0".join([pages.assets.build, policy(_PAGE), *texts.values()]).encode()).hexdigest()[:12]
    texts = {locale: text.replace(BUILD, build) for locale, text in texts.items()}
    keep = [f"{SCOPE}?lang={locale}" for locale in LOCALES] + [f"{SCOPE}manifest.webmanifest"] + pages.assets.under(*KEPT)
    head = strict_json.dumps({"build": build, "keep": keep}).decode()
    return Shell(build, texts, f"self.MUNIMENT = {head};\n{pages.assets.text('phone/sw.js')}")


def _context(pages: Pages, service: str, settings: Common, locale: str) -> dict[str, object]:
    """What every template knows, for nobody in particular."""
    return {
        "service": service,
        "service_title": pages.title,
        "home": SCOPE,
        "navigation": (),
        "languages": [{"code": code, "name": NAMES[code], "href": f"?lang={code}", "current": code == locale} for code in LOCALES],
        "here": SCOPE,
        "session": None,
        "stay": None,
        "form_token": "",
        "form": Form(),
        "public_url": settings.public_url,
        "sign_language": settings.sign_language,
        "build": BUILD,
        "months": list(get_month_names("wide", locale=locale).values()),
        "reasons": {code: pages.translations[locale].gettext(text) for code, text in REASONS.items()},
        "types": [page_type(kind) for kind in all_types().values()],
    }
