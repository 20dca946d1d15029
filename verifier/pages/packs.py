"""Checking packs at the desk: which one is in use and how old it is, taking one in from a file, giving one out, and all that came before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aiohttp import hdrs, web

from shared.errors import Rejected, Undecided
from shared.jose.jwk import thumbprint
from shared.storage import Tx
from shared.trust import artefact as kinds
from shared.trust.bundle import MAX_BYTES
from shared.web import auth, heard
from shared.web.app import bound_body
from shared.web.entrance import OPERATOR, seated
from shared.web.forms import Form
from shared.web.pages import render, translator
from shared.web.problem import PROBLEM, speak
from shared.web.seat import check_admin
from verifier import applying, scan
from verifier.desk import BUNDLE, Desk
from verifier.material import Store
from verifier.packs import lacking
from verifier.pages.seat import spoken
from verifier.pages.trusting import run_out
from verifier.records import knowledge, packs
from verifier.records.packs import Applied
from verifier.scan_api import render_pack
from verifier.words import N_, Spoken, reason_of

_PATH: Final = "/desk/trust/packs"
NEWEST: Final = "/packs/newest"
"""Where other installations fetch: no secret, the same for everybody."""

KINDS: Final[Mapping[str, str]] = {
    kinds.STATUS_LIST: N_("Lists of cancelled documents"),
    kinds.SNAPSHOT: N_("Statements of what is in force"),
    kinds.CERTIFICATE: N_("Certificates"),
    kinds.CRL: N_("Lists of withdrawn certificates"),
    kinds.RP_CERTIFICATE: N_("Organisations that may ask"),
    kinds.TYPE_METADATA: N_("Descriptions of kinds of document"),
}
"""What people are told is inside; what only programs look at is left out."""

LACKING: Final[Mapping[str, str]] = {
    "status_unknown": N_("Somebody whose documents count here has sent no list of cancelled documents yet, so none can be made now."),
    "snapshot_missing": N_("Somebody whose documents count here has not said yet what is in force, so none can be made now."),
}
"""Why none can be made at this moment, by the code of ``lacking``."""


def add_to(app: web.Application, desk: Desk, store: Store) -> None:
    """Routes of this part."""
    part = Packs(desk, store)
    app.router.add_get(_PATH, seated(part.show))
    app.router.add_post(_PATH, seated(part.apply, check=check_admin))
    app.router.add_get(f"{_PATH}/newest", seated(part.download))
    app.router.add_get(NEWEST, part.newest)
    bound_body(app, _PATH, MAX_BYTES + 100_000)
    speak(app, PROBLEM, "/packs")


class Packs:
    def __init__(self, desk: Desk, store: Store) -> None:
        self._desk = desk
        self._store = store
        self._packs = scan.Packs(desk)

    async def show(self, request: web.Request) -> web.StreamResponse:
        return await self._page(request, Form())

    async def _page(self, request: web.Request, form: Form, *, taken: applying.Taken | None = None) -> web.Response:
        desk, talk = self._desk, spoken(request)

        async def unit(tx: Tx) -> tuple[Applied | None, list[Applied], list[knowledge.Pack], packs.Download, bool, str | None]:
            return (
                await packs.in_use(tx),
                await packs.applied(tx),
                list(await packs.made(tx)),
                await packs.download(tx, desk.settings.pack_url),
                bool(await knowledge.lists(tx)),
                await lacking(tx, desk),
            )

        current, applied, made, download, begun, missing = await desk.storage.read(unit)
        return await render(
            request,
            "desk/packs.html",
            form=form,
            admin=request[OPERATOR].role == "admin",
            status=400 if form.wrong else 200,
            taken=taken,
            current=None if current is None else _told(current, talk, desk.clock()),
            stale=run_out(desk, await desk.storage.read(lambda tx: heard.heard(tx, desk.trust))),
            applied=applied,
            made=made,
            download=download,
            begun=begun,
            missing=missing and talk.translate(LACKING[missing]),
            fetched_from=desk.settings.pack_url,
            visits=desk.settings.visit_issuers,
            signer=thumbprint(await desk.custodian.public(BUNDLE)),
            days=desk.settings.pack_days,
            at=desk.clock(),
        )

    async def apply(self, request: web.Request) -> web.StreamResponse:
        """Take in the pack of a file; what is wrong with it is said beside the field."""
        posted, files = await auth.read_files(request)
        form, _ = Form(posted), translator(request)
        data = files.get("file")
        if not data:
            form.error("file", _("Choose the file of a checking pack"))
            return await self._page(request, form)
        try:
            taken = await applying.apply(self._desk, data, actor=request[OPERATOR].name)
        except (Rejected, Undecided) as error:
            form.error("file", _(_REFUSALS.get(error.code, reason_of(error.code).why)))
            return await self._page(request, form)
        return await self._page(request, Form(), taken=taken)

    async def download(self, request: web.Request) -> web.StreamResponse:
        """The newest pack as a file to carry away."""
        response = await self.newest(request)
        if response.status == 200:
            response.headers[hdrs.CONTENT_DISPOSITION] = 'attachment; filename="checking-pack.json"'
        return response

    async def newest(self, request: web.Request) -> web.Response:
        """The newest pack, made anew when there is newer knowledge. Knows ``If-None-Match``, and ``Range`` with ``If-Range``."""
        return render_pack(await self._packs.current(), request)


_REFUSALS: Final[Mapping[str, str]] = {
    "untrusted": N_("This is no checking pack, or it is by nobody whose checking packs are used here."),
    "bad_signature": N_("This checking pack was changed after it was made."),
    "not_yet_valid": N_("This checking pack is dated in the future. Compare the clock here."),
}


def _told(pack: Applied, talk: Spoken, at: int) -> dict[str, object]:
    return {
        "number": pack.seq,
        "by": pack.iss,
        "as_of": talk.moment(pack.iat),
        "age": talk.age(max(0, at - pack.iat)),
        "over": at >= pack.exp,
        "until": talk.moment(pack.exp),
        "contents": [(pack.contents[kind], talk.translate(words)) for kind, words in KINDS.items() if pack.contents.get(kind)],
    }
