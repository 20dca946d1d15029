"""The page that checks without a network: its shell, its service worker, how it is installed, and the list of desks.

The shell is the same for everybody and holds nothing about anybody, so that a browser may keep it. What a desk may ask of the service
is in ``verifier.scan_api``.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any, Final

from aiohttp import hdrs, web

from shared.credentials._joint import is_joint
from shared.days import months
from shared.storage import Tx
from shared.trust.relying_party import MAX_DESK_DAYS
from shared.web import auth, operators
from shared.web.context import SERVICE, SETTINGS
from shared.web.entrance import OPERATOR, seated
from shared.web.forms import Form
from shared.web.i18n import LOCALES
from shared.web.pages import PAGES, locale_of, render, translator
from shared.web.seat import check_admin
from shared.web.security import allow, policy
from verifier import scan, words
from verifier.desk import Desk
from verifier.material import Store
from verifier.pages.seat import spoken
from verifier.records import scan as records
from verifier.records.scan import ScanDesk
from verifier.words import Spoken

HOME: Final = "/desk/scan/"
_KEPT: Final = ("js/", "vendor/", "scan/", "app.css", "verifier.css", "icon.svg", "mark.svg")
_ICONS: Final = ((192, "any"), (512, "any"), (512, "maskable"))
_SHELL: Final = "desk/scan.html"
_WIDER: Final = {
    "script_src": "'wasm-unsafe-eval'",
    "img_src": "blob:",
    "media_src": "blob:",
    "worker_src": "'self'",
    "trusted_types": "muniment-worker",
}


def add_to(app: web.Application, desk: Desk, store: Store) -> None:
    """Routes of this part."""
    del store
    part = Scan(desk)
    app.router.add_get(HOME.rstrip("/"), part.to_home)
    app.router.add_get(HOME, part.shell)
    app.router.add_get(f"{HOME}sw.js", part.worker)
    app.router.add_get(f"{HOME}app.webmanifest", part.manifest)
    app.router.add_get(f"{HOME}desks", seated(part.desks))
    app.router.add_post(f"{HOME}desks/{{id}}/end", seated(part.end, check=check_admin))


class Scan:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._named: tuple[tuple[str, ...], str] = ((), "")

    async def to_home(self, _: web.Request) -> web.StreamResponse:
        raise web.HTTPSeeOther(HOME)

    async def shell(self, request: web.Request) -> web.StreamResponse:
        """The page itself, whoever asks: nobody is signed in on it."""
        response = await render(request, _SHELL, **self._told(request, locale_of(request)))
        allow(response, **_WIDER)
        response.headers[hdrs.CACHE_CONTROL] = "no-cache"
        return response

    def _told(self, request: web.Request, locale: str) -> dict[str, Any]:
        """What the template knows, for nobody in particular."""
        return {
            "session": None,
            "stay": None,
            "navigation": [],
            "form_token": "",
            "organisation": self._desk.settings.name,
            "minutes": self._desk.settings.keep_minutes,
            "words": self._words(spoken(request, locale)),
            "static": request.config_dict[PAGES].assets.url("scan/main.js").removesuffix("scan/main.js"),
        }

    def _build(self, request: web.Request) -> str:
        """Names the static files and all that the page says, so that a browser also notices other words or another policy.

        The page is put together for this only where one of these is another than the last time: anybody may ask, as often as they like.
        """
        said = (request.config_dict[PAGES].assets.build, policy(_WIDER), json.dumps(words.tables()))
        if self._named[0] != said:
            digest = sha256(chr(0).join([*said[1:], *self._texts(request)]).encode()).hexdigest()
            self._named = (said, f"{said[0]}-{digest[:12]}")
        return self._named[1]

    def _texts(self, request: web.Request) -> list[str]:
        """The page in all languages, as nobody in particular gets it."""
        pages = request.config_dict[PAGES]
        common = {
            "service": request.config_dict[SERVICE],
            "service_title": pages.title,
            "home": pages.home,
            "languages": [],
            "here": HOME,
            "form": Form(),
            "public_url": request.config_dict[SETTINGS].public_url,
            "sign_language": request.config_dict[SETTINGS].sign_language,
        }
        return [pages.render(locale, _SHELL, common | self._told(request, locale)) for locale in LOCALES]

    def _words(self, talk: Spoken) -> dict[str, Any]:
        """What the scripts say: the sentences of ``verifier.words`` in the reader's language."""
        return {
            "locale": talk.locale,
            "entity": self._desk.entity,
            "uses": [
                {
                    "vct": use.type.vct,
                    "kind": use.type.title.in_(talk.locale),
                    "id": use.query.id,
                    "title": use.query.title.in_(talk.locale),
                    "purpose": use.query.purpose.in_(talk.locale),
                    "details": use.labels(use.query.paths, talk.locale),
                    "optional": use.labels(use.query.optional, talk.locale),
                    "together": is_joint(use.query),
                }
                for use in self._desk.uses()
            ],
            "ages": [[size, [talk.age(size * number) for number in range(1, count)]] for size, count in _AGES],
            "short": talk.age(0),
            "months": months(talk.locale),
            **words.tables(talk.translate),
        }

    async def worker(self, request: web.Request) -> web.StreamResponse:
        """The service worker, with the list of what it keeps. A new build makes other bytes of it, which is how browsers notice."""
        assets = request.config_dict[PAGES].assets
        plan = {
            "build": self._build(request),
            "pages": [f"{HOME}?lang={locale}" for locale in LOCALES],
            "files": [*assets.under(*_KEPT), *(f"{HOME}app.webmanifest?lang={locale}" for locale in LOCALES)],
        }
        text = f"const PLAN = {json.dumps(plan)};\n{assets.text('scan/sw.js')}"
        return web.Response(text=text, content_type="text/javascript", headers={hdrs.CACHE_CONTROL: "no-cache"})

    async def manifest(self, request: web.Request) -> web.StreamResponse:
        """How a browser installs the page (W3C Web Application Manifest)."""
        _, locale, assets = translator(request), locale_of(request), request.config_dict[PAGES].assets
        told = {
            "id": HOME,
            "start_url": HOME,
            "scope": HOME,
            "name": _("Checking desk"),
            "short_name": _("Checking desk"),
            "description": _("Check documents that are shown to you, also without a network."),
            "lang": locale,
            "display": "standalone",
            "orientation": "any",
            "background_color": "#ffffff",
            "theme_color": "#0b3d34",
            "icons": [
                {"src": assets.url(f"scan/icon-{size}-{purpose}.png"), "sizes": f"{size}x{size}", "type": "image/png", "purpose": purpose}
                for size, purpose in _ICONS
            ],
        }
        return web.json_response(told, content_type="application/manifest+json", headers={hdrs.CACHE_CONTROL: "no-cache"})

    async def desks(self, request: web.Request) -> web.StreamResponse:
        """All desks: until when each is certified, when it was last heard of, and the way to end it."""

        async def unit(tx: Tx) -> tuple[list[ScanDesk], dict[str, str]]:
            return await records.everybody(tx), {each.id: each.name for each in await operators.everybody(tx)}

        found, people = await self._desk.storage.read(unit)
        return await render(
            request,
            "desk/scan_desks.html",
            desks=found,
            people=people,
            admin=request[OPERATOR].role == "admin",
            at=self._desk.clock(),
            days=MAX_DESK_DAYS,
        )

    async def end(self, request: web.Request) -> web.StreamResponse:
        await auth.read_form(request)
        await scan.end(self._desk, request.match_info["id"])
        raise web.HTTPSeeOther(f"{HOME}desks")


_AGES: Final = ((86_400, 100), (3_600, 24), (60, 60))
"""Ages in words are looked up by their number: scripts need no language's rules of plurals."""
