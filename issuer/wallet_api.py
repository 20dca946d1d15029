"""What wallets and verifiers speak with: OpenID4VCI, its authorization server, status lists, type metadata. Errors are OAuth JSON."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from issuer import assertions, authorize, issue, offers
from issuer.bitstrings import Bitstrings
from issuer.office import COMPACT, Configuration, Office
from issuer.publish import Publication, StatusLists
from shared import openid4vci
from shared.codec import base64url, strict_json
from shared.cose import alg_id
from shared.credentials._derive import VCDM_FORMATS, credential_metadata, type_metadata_bytes
from shared.errors import InvalidCredentialRequest, InvalidRequest, Missing, NotAcceptable, UnsupportedMediaType
from shared.status.bitstring import PURPOSES
from shared.status.token_status_list import CWT_MEDIA_TYPE, MEDIA_TYPE
from shared.urls import well_known
from shared.web import rates
from shared.web.app import bound_body
from shared.web.problem import OAUTH, speak
from shared.web.security import client_address

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_DAY_OLD = "public, max-age=86400"
_FRESH = "public, max-age=300"
_OPEN = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
_LIST = "/status/{number:[0-9]{1,9}}"
_PURPOSE = f"/{{purpose:{'|'.join(PURPOSES)}}}"
_PREFLIGHT = _OPEN | {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Accept",
    "Access-Control-Max-Age": "86400",
}


class WalletApi:
    """The routes of one office. Documents that never change while it runs are rendered once."""

    def __init__(self, office: Office, lists: StatusLists) -> None:
        self._office = office
        self._lists = lists
        self._bitstrings = Bitstrings(office, lists)
        self._issuer_metadata = _render(openid4vci.render_issuer_metadata(issuer_metadata(office)))
        self._server_metadata = _render(server_metadata(office))
        self._types = {each.vct: type_metadata_bytes(each) for each in office.types}

    def add_to(self, app: web.Application) -> None:
        """Register the routes below the path of ``public_url``, and the well-known documents where the standards insert them."""
        base = urlsplit(self._office.settings.public_url).path
        issuer_document = urlsplit(well_known(self._office.settings.public_url, openid4vci.ISSUER_DOCUMENT)).path
        server_document = urlsplit(well_known(self._office.settings.public_url, openid4vci.SERVER_DOCUMENT)).path
        routes: list[tuple[str, str, Handler]] = [
            ("GET", issuer_document, self.show_issuer_metadata),
            ("GET", server_document, self.show_server_metadata),
            ("GET", f"{base}/credential-offer/{{token}}", self.show_offer),
            ("POST", f"{base}/token", self.token),
            ("POST", f"{base}/nonce", self.nonce),
            ("POST", f"{base}/credential", self.credential),
            ("POST", f"{base}/notification", self.notification),
            ("GET", f"{base}/status", self.list_lists),
            ("GET", base + _LIST, self.show_list),
            ("GET", base + _LIST + _PURPOSE, self.show_bitstring),
            ("POST", f"{base}{_LIST}/assertions", self.show_assertions),
            ("GET", f"{base}/types/{{vct:.+}}", self.show_type),
        ]
        for method, path, handler in routes:
            app.router.add_route(method, path, _opened(handler))
            if method == "GET":
                app.router.add_route("HEAD", path, _opened(handler))
            app.router.add_route("OPTIONS", path, _preflight)
        for path, size in (("/token", 16_384), ("/nonce", 1_024), ("/credential", 262_144), ("/notification", 16_384)):
            bound_body(app, base + path, size)
        bound_body(app, f"{base}/status/{{number}}/assertions", 4_096)
        names = ("/credential-offer", "/token", "/nonce", "/credential", "/notification", "/status", "/types")
        speak(app, OAUTH, "/.well-known", *(base + name for name in names))

    async def show_issuer_metadata(self, _: web.Request) -> web.Response:
        return web.Response(body=self._issuer_metadata, content_type="application/json", headers={hdrs.CACHE_CONTROL: _FRESH})

    async def show_server_metadata(self, _: web.Request) -> web.Response:
        return web.Response(body=self._server_metadata, content_type="application/json", headers={hdrs.CACHE_CONTROL: _FRESH})

    async def show_offer(self, request: web.Request) -> web.Response:
        offer, _ = await offers.offer_of(self._office, request.match_info["token"])
        return _json(openid4vci.render_offer(offer))

    async def token(self, request: web.Request) -> web.Response:
        if request.content_type != "application/x-www-form-urlencoded":
            raise InvalidRequest("a token request is a form")
        if request.query_string:
            raise InvalidRequest("a token request has no query")
        answer = await authorize.token(self._office, openid4vci.parse_token_request(await request.read()))
        return _json(openid4vci.render_token_response(answer))

    async def nonce(self, _: web.Request) -> web.Response:
        return _json(openid4vci.render_nonce_response(await authorize.fresh_nonce(self._office)))

    async def credential(self, request: web.Request) -> web.Response:
        access = authorize.bearer(request.headers.get(hdrs.AUTHORIZATION))
        _need_json(request, InvalidCredentialRequest)
        asked = openid4vci.parse_credential_request(await request.read())
        return _json(openid4vci.render_credential_response(await issue.issue(self._office, access, asked)))

    async def notification(self, request: web.Request) -> web.Response:
        access = authorize.bearer(request.headers.get(hdrs.AUTHORIZATION))
        _need_json(request, UnsupportedMediaType)
        await issue.notify(self._office, access, openid4vci.parse_notification(await request.read()))
        return web.Response(status=204)

    async def list_lists(self, _: web.Request) -> web.Response:
        """Status list aggregation (Token Status List section 9)."""
        body = _render({"status_lists": await self._lists.uris()})
        return web.Response(body=body, content_type="application/json", headers={hdrs.CACHE_CONTROL: _FRESH})

    async def show_list(self, request: web.Request) -> web.Response:
        """A status list token (section 8), in the form that is asked for. The same for everybody: nothing depends on who asks."""
        return _published(request, await self._lists.get(int(request.match_info["number"]), _form(request)))

    async def show_bitstring(self, request: web.Request) -> web.Response:
        """The same list for one purpose, as a credential of the W3C (Bitstring Status List section 2.2)."""
        return _published(request, await self._bitstrings.get(int(request.match_info["number"]), request.match_info["purpose"]))

    async def show_assertions(self, request: web.Request) -> web.Response:
        """What single copies' statuses are, each signed for itself."""
        _need_json(request, UnsupportedMediaType)
        await rates.allow(self._office.storage, assertions.RATE, client_address(request), at=self._office.clock())
        indices = assertions.parse_indices(await request.read())
        found = await assertions.assertions(self._office, int(request.match_info["number"]), indices)
        return _json({"assertions": [base64url.encode(each) for each in found]})

    async def show_type(self, request: web.Request) -> web.Response:
        """Type metadata, byte for byte as ``vct#integrity`` ties them (SD-JWT VC section 6)."""
        body = self._types.get(request.match_info["vct"])
        if body is None:
            raise Missing("this office does not make that kind of document")
        return web.Response(body=body, content_type="application/json", headers={hdrs.CACHE_CONTROL: _DAY_OLD})


def _published(request: web.Request, known: Publication) -> web.Response:
    """One form of a list, to be kept for a while by whoever asks; gzipped where that is wanted and gains something."""
    zipped = bool(known.zipped) and "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, "")
    etag = f'"{known.etag}{"-gzip" if zipped else ""}"'
    headers = {
        hdrs.ETAG: etag,
        hdrs.CACHE_CONTROL: f"public, max-age={min(known.fresh_for, 300)}",
        hdrs.VARY: "Accept, Accept-Encoding",
    }
    if etag in [tag.strip() for tag in request.headers.get(hdrs.IF_NONE_MATCH, "").split(",")]:
        return web.Response(status=304, headers=headers)
    if zipped:
        headers[hdrs.CONTENT_ENCODING] = "gzip"
    return web.Response(body=known.zipped if zipped else known.body, content_type=known.media_type, headers=headers)


def _opened(handler: Handler) -> Handler:
    """Browsers' scripts from anywhere may call what needs no cookie."""

    async def serve(request: web.Request) -> web.StreamResponse:
        response = await handler(request)
        response.headers.update(_OPEN)
        return response

    return serve


async def _preflight(_: web.Request) -> web.Response:
    return web.Response(status=204, headers=_PREFLIGHT)


def _render(doc: Any) -> bytes:
    return strict_json.dumps(doc)


def _json(doc: Any) -> web.Response:
    """Never stored anywhere (OpenID4VCI sections 6.2, 7.2, 8.3)."""
    return web.Response(body=_render(doc), content_type="application/json", headers={hdrs.CACHE_CONTROL: "no-store"})


def _need_json(request: web.Request, refuse: type[InvalidCredentialRequest | UnsupportedMediaType]) -> None:
    if request.content_type != "application/json":
        raise refuse("this address takes application/json")


def _form(request: web.Request) -> str:
    """Token Status List section 8.1: the JWT unless the CWT is preferred."""
    accept = request.headers.get(hdrs.ACCEPT, "*/*").lower()
    jwt, cwt = _quality(accept, MEDIA_TYPE), _quality(accept, CWT_MEDIA_TYPE)
    if not jwt and not cwt:
        raise NotAcceptable(f"status lists are given as {MEDIA_TYPE} and {CWT_MEDIA_TYPE}")
    return CWT_MEDIA_TYPE if cwt > jwt else MEDIA_TYPE


def _quality(accept: str, media_type: str) -> float:
    """How much a kind is wanted, by the narrowest range that it is in (RFC 9110 section 12.5.1); 0 for not at all."""
    ranges = {each.split(";")[0].strip(): each for each in accept.split(",")}
    found = next((ranges[name] for name in (media_type, "application/*", "*/*") if name in ranges), ";q=0")
    weight = next((part.strip()[2:] for part in found.split(";")[1:] if part.strip().startswith("q=")), "1")
    try:
        return min(1.0, max(0.0, float(weight)))
    except ValueError:
        return 1.0


# --- documents -------------------------------------------------------------------------------------------------------------------------


def issuer_metadata(office: Office) -> openid4vci.IssuerMetadata:
    """OpenID4VCI section 12.2.4."""
    return openid4vci.IssuerMetadata(
        issuer=office.settings.public_url,
        credential_endpoint=office.url("/credential"),
        configurations={each.id: _configuration(office, each) for each in office.configurations.values()},
        nonce_endpoint=office.url("/nonce"),
        notification_endpoint=office.url("/notification"),
        batch_size=max(each.batch_size for each in office.types),
        display=({"name": office.settings.name, "locale": "en"},),
    )


def _configuration(office: Office, each: Configuration) -> openid4vci.Configuration:
    """There is no registered identifier for the W3C data model 2.0; ``vc+jwt`` and ``vc+sd-jwt`` as identifiers are ours (ADR 0003).

    What is CBOR has its algorithms as COSE numbers and its keys as COSE keys (appendix A.2.2); key proofs are JWTs all the same.
    """
    w3c, compact = each.format.name in VCDM_FORMATS, each.format.name == COMPACT
    return openid4vci.Configuration(
        id=each.id,
        format=each.format.name,
        vct=each.type.vct,
        types=("VerifiableCredential", each.type.vcdm_type) if w3c else (),
        scope=each.id,
        signing_algs=(alg_id(office.alg) if compact else office.alg,),
        binding_methods=() if each.type.bearer else ("cose_key",) if compact else ("jwk",),
        proof_algs=() if each.type.bearer else issue.PROOF_ALGS,
        metadata=credential_metadata(each.type, each.format.name),
    )


def server_metadata(office: Office) -> dict[str, Any]:
    """RFC 8414, and where the addresses of all status lists are told (Token Status List section 9.1)."""
    known = openid4vci.AsMetadata(issuer=office.settings.public_url, token_endpoint=office.url("/token"))
    return openid4vci.render_as_metadata(known) | {"status_list_aggregation_endpoint": office.url("/status")}
