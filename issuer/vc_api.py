"""``POST /credentials/issue``: any credential of the W3C's data model, signed under a DID of the office. Off unless the setting says so.

The key is one of its own, made when it is first needed, and is certified by nobody: whoever pins the DID trusts what callers with an API key
had signed, and nothing of that is ever a document of this office under its certificate.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any
from urllib.parse import urlsplit

from aiohttp import hdrs, web
from msgspec import Meta, Struct

from issuer.office import Office
from shared import did, vc_api
from shared.codec import strict_json
from shared.errors import Conflict, InvalidRequest, Missing
from shared.keys import KeyId, PublicKey, Role, sign
from shared.web.openapi import Route
from shared.web.problem import PROBLEM, speak

KEY = KeyId("vc-api")
SCOPE = "credentials:create"
_WEB_KEY = "key-1"


class ToIssue(Struct, frozen=True):
    """`credential` is any credential of the data model 2.0 that leaves issuer, status and signature to the office."""

    credential: dict[str, Any]
    options: dict[str, Any] = {}


class Issued(Struct, frozen=True, rename="camel"):
    verifiable_credential: Annotated[dict[str, Any], Meta(description="An `EnvelopedVerifiableCredential`, `vc+jwt`.")]


class VcApi:
    """The routes of one office."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def add_to(self, app: web.Application) -> None:
        """What is no operation of the API: the form of errors, and the document of the office's own ``did:web``."""
        settings = self._office.settings
        if settings.vc_api == "off":
            return
        speak(app, PROBLEM, f"{urlsplit(settings.public_url).path}/credentials")
        if settings.vc_api == "did:web":
            app.router.add_get(urlsplit(did.address_of(did.did_web(settings.public_url))).path, self.show_document)

    def routes(self) -> list[Route]:
        """Nothing at all where the setting ``vc_api`` is off."""
        settings = self._office.settings
        if settings.vc_api == "off":
            return []
        return [
            Route(
                "POST",
                f"{urlsplit(settings.public_url).path}/credentials/issue",
                self.issue,
                body=ToIssue,
                raw=("application/json",),
                out=Issued,
                status=201,
                scope=SCOPE,
                errors=(InvalidRequest,),
                max_body=vc_api.MAX_BODY,
                summary="Sign a W3C credential under the office's DID",
            )
        ]

    async def issue(self, _: web.Request, *, body: bytes) -> web.Response:
        credential = vc_api.parse_issue_request(body)
        public = await self._public()
        name, key_name = self._names(public)
        unsigned = vc_api.prepare_credential(credential, did=name, name=key_name, key=KEY, alg=public.alg)
        return _json(strict_json.dumps(vc_api.render_issued(await sign(unsigned, self._office.custodian))), status=201)

    async def show_document(self, _: web.Request) -> web.Response:
        """The document of the office's ``did:web``."""
        public = await self._public()
        return _json(did.render_document(self._names(public)[0], public, _WEB_KEY), media_type="application/did+json")

    def _names(self, public: PublicKey) -> tuple[str, str]:
        """The DID, and the DID URL of its key."""
        if self._office.settings.vc_api == "did:web":
            name = did.did_web(self._office.settings.public_url)
            return name, f"{name}#{_WEB_KEY}"
        name = did.did_key(public)
        return name, f"{name}#{name.removeprefix('did:key:')}"

    async def _public(self) -> PublicKey:
        custodian = self._office.custodian
        try:
            return await custodian.public(KEY)
        except Missing:
            with suppress(Conflict):  # another process was first
                await custodian.create(KEY, Role.CREDENTIAL_ISSUER)
            return await custodian.public(KEY)


def _json(body: bytes, *, status: int = 200, media_type: str = "application/json") -> web.Response:
    return web.Response(status=status, body=body, content_type=media_type, headers={hdrs.CACHE_CONTROL: "no-store"})
