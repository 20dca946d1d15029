"""What wallets and verifiers speak with: OpenID4VCI, its authorization server, status lists, type metadata. Errors are OAuth JSON."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from issuer import assertions, authorization, authorize, clients, deferred, issue, offers
from issuer.bitstrings import Bitstrings
from issuer.clients import Letter, Prover
from issuer.envelopes import Envelopes
from issuer.metadata import CHALLENGE, CREDENTIAL, DEFERRED, NONCE, NOTIFICATION, PAR, TOKEN, Documents, server_metadata
from issuer.nonces import Purpose, fresh_nonce
from issuer.office import Office
from issuer.publish import Publication, StatusLists
from shared import oauth, openid4vci
from shared.codec import base64url, strict_json
from shared.credentials._derive import type_metadata_bytes
from shared.errors import (
    InvalidCredentialRequest,
    InvalidRequest,
    Missing,
    NotAcceptable,
    Refused,
    UnsupportedMediaType,
    UseAttestationChallenge,
    UseDpopNonce,
)
from shared.status.bitstring import PURPOSES
from shared.status.token_status_list import CWT_MEDIA_TYPE, MEDIA_TYPE
from shared.urls import well_known
from shared.web import rates
from shared.web.app import bound_body
from shared.web.problem import OAUTH, speak, tell
from shared.web.rates import Limit
from shared.web.security import client_address

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_DAY_OLD = "public, max-age=86400"
_FRESH = "public, max-age=300"
_NONCE_HEADER = "DPoP-Nonce"
_OPEN = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": f"{_NONCE_HEADER}, {oauth.CHALLENGE_HEADER}",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
_REFUSALS = Limit("wallet-refusals", 300, 600)
_LIST = "/status/{number:[0-9]{1,9}}"
_PURPOSE = f"/{{purpose:{'|'.join(PURPOSES)}}}"
_PREFLIGHT = _OPEN | {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": f"Authorization, Content-Type, Accept, DPoP, {oauth.ATTESTATION_HEADER}, {oauth.POP_HEADER}",
    "Access-Control-Max-Age": "86400",
}
_BODIES = {  # bytes
    PAR: 65_536,
    TOKEN: 16_384,
    CHALLENGE: 1_024,
    NONCE: 1_024,
    CREDENTIAL: 262_144,
    DEFERRED: 65_536,
    NOTIFICATION: 16_384,
}


class WalletApi:
    """The routes of one office. Documents that never change while it runs are rendered once."""

    def __init__(self, office: Office, lists: StatusLists, envelopes: Envelopes) -> None:
        self._office = office
        self._lists = lists
        self._bitstrings = Bitstrings(office, lists)
        self._envelopes = envelopes
        self._documents = Documents(office, envelopes)
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
            ("POST", f"{base}{PAR}", self.push),
            ("POST", f"{base}{TOKEN}", self.token),
            ("POST", f"{base}{CHALLENGE}", self.challenge),
            ("POST", f"{base}{NONCE}", self.nonce),
            ("POST", f"{base}{CREDENTIAL}", self.credential),
            ("POST", f"{base}{DEFERRED}", self.deferred),
            ("POST", f"{base}{NOTIFICATION}", self.notification),
            ("GET", f"{base}/status", self.list_lists),
            ("GET", base + _LIST, self.show_list),
            ("GET", base + _LIST + _PURPOSE, self.show_bitstring),
            ("POST", f"{base}{_LIST}/assertions", self.show_assertions),
            ("GET", f"{base}/types/{{vct:.+}}", self.show_type),
        ]
        for method, path, handler in routes:
            app.router.add_route(method, path, _opened(self._noncing(handler) if method == "POST" else handler))
            if method == "GET":
                app.router.add_route("HEAD", path, _opened(handler))
            app.router.add_route("OPTIONS", path, _preflight)
        for path, size in _BODIES.items():
            bound_body(app, base + path, size)
        bound_body(app, f"{base}/status/{{number}}/assertions", 4_096)
        names = ("/credential-offer", "/status", "/types", *_BODIES)
        speak(app, OAUTH, "/.well-known", *(base + name for name in names))

    def _noncing(self, handler: Handler) -> Handler:
        """Each answer of this kind, a refusal too, brings the nonce for the next proof, and the challenge for the next attestation."""

        async def serve(request: web.Request) -> web.StreamResponse:
            try:
                response = await handler(request)
            except Refused as error:
                response = await tell(request, error)
            response.headers[_NONCE_HEADER] = await fresh_nonce(self._office, Purpose.DPOP)
            response.headers[oauth.CHALLENGE_HEADER] = await fresh_nonce(self._office, Purpose.CHALLENGE)
            return response

        return serve

    @asynccontextmanager
    async def _proved(self, request: web.Request, path: str, **needs: bool) -> AsyncIterator[Prover]:
        """Whoever sent a form to ``path``, as ``clients.prove`` has it, for what becomes of it.

        Whoever was refused too often is not looked at for a while: an attested wallet by its own key, everybody else by address, which
        many share. To be told of a nonce or challenge is no refusal.
        """
        storage, at, letter, who = self._office.storage, self._office.clock(), _letter(request), client_address(request)
        try:
            if not letter.attestations:
                await rates.check(storage, _REFUSALS, who, at=at)
            _need_form(request)
            prover = await clients.prove(self._office, letter, path, **needs)
            if prover.client is not None:
                who = f"{prover.client_id}\0{prover.instance}"
            await rates.check(storage, _REFUSALS, who, at=at)
            yield prover
        except (UseDpopNonce, UseAttestationChallenge):
            raise
        except Refused:
            await rates.check(storage, _REFUSALS, who, at=at)
            await rates.allow(storage, _REFUSALS, who, at=at)
            raise

    async def show_issuer_metadata(self, request: web.Request) -> web.Response:
        """Plain, unless it is asked for signed (OpenID4VCI section 12.2.2)."""
        accept = request.headers.get(hdrs.ACCEPT, "*/*").lower()
        signed = _quality(accept, openid4vci.JWT) > _quality(accept, "application/json")
        return web.Response(
            body=(await self._documents.signed()).encode() if signed else await self._documents.plain(),
            content_type=openid4vci.JWT if signed else "application/json",
            headers={hdrs.CACHE_CONTROL: _FRESH, hdrs.VARY: "Accept"},
        )

    async def show_server_metadata(self, _: web.Request) -> web.Response:
        return web.Response(body=self._server_metadata, content_type="application/json", headers={hdrs.CACHE_CONTROL: _FRESH})

    async def show_offer(self, request: web.Request) -> web.Response:
        offer, _ = await offers.offer_of(self._office, request.match_info["token"])
        return _json(openid4vci.render_offer(offer))

    async def push(self, request: web.Request) -> web.Response:
        """RFC 9126. A proof without a nonce is taken here: the answer brings the first one."""
        async with self._proved(request, PAR, needs_nonce=False, needs_client=True) as prover:
            answer = await authorization.push(self._office, await request.read(), prover)
        return _json(oauth.render_pushed_response(answer), status=201)

    async def token(self, request: web.Request) -> web.Response:
        async with self._proved(request, TOKEN) as prover:
            answer = await authorize.token(self._office, openid4vci.parse_token_request(await request.read()), prover)
        return _json(openid4vci.render_token_response(answer))

    async def challenge(self, _: web.Request) -> web.Response:
        return _json(openid4vci.render_challenge_response(await fresh_nonce(self._office, Purpose.CHALLENGE)))

    async def nonce(self, _: web.Request) -> web.Response:
        return _json(openid4vci.render_nonce_response(await fresh_nonce(self._office)))

    async def credential(self, request: web.Request) -> web.Response:
        access = await clients.show(self._office, _letter(request), CREDENTIAL)
        opened = await self._open(request)
        asked = openid4vci.parse_credential_request(opened.data)
        await self._check_encryption(asked.encryption, opened)
        return _answer(await deferred.request(self._office, access, asked), asked.encryption)

    async def deferred(self, request: web.Request) -> web.Response:
        """Copies that were not ready (OpenID4VCI section 9). How the answer is encrypted is said anew each time."""
        access = await clients.show(self._office, _letter(request), DEFERRED)
        opened = await self._open(request)
        asked = openid4vci.parse_deferred_request(opened.data)
        await self._check_encryption(asked.encryption, opened)
        return _answer(await deferred.pick_up(self._office, access, asked), asked.encryption)

    async def _open(self, request: web.Request) -> openid4vci.Opened:
        if request.content_type not in {"application/json", openid4vci.JWT}:
            raise InvalidCredentialRequest(f"this address takes application/json and, encrypted, {openid4vci.JWT}")
        return await self._envelopes.open(await request.read(), request.content_type)

    async def _check_encryption(self, asked: openid4vci.Encryption | None, opened: openid4vci.Opened) -> None:
        openid4vci.check_encryption(
            asked, encrypted=opened.encrypted, requests=await self._envelopes.requests(), answers=self._envelopes.answers
        )

    async def notification(self, request: web.Request) -> web.Response:
        access = await clients.show(self._office, _letter(request), NOTIFICATION)
        _need_json(request)
        await issue.notify(self._office, access, openid4vci.parse_notification(await request.read()))
        return web.Response(status=204)

    async def list_lists(self, _: web.Request) -> web.Response:
        """Status list aggregation (Token Status List section 9)."""
        body = _render({"status_lists": await self._lists.uris()})
        return web.Response(body=body, content_type="application/json", headers={hdrs.CACHE_CONTROL: _FRESH})

    async def show_list(self, request: web.Request) -> web.Response:
        """A status list token (section 8), in the form that is asked for. The same for everybody: nothing depends on who asks."""
        known = await self._lists.get(int(request.match_info["number"]), _form(request))
        if not _quality(request.headers.get(hdrs.ACCEPT, "*/*").lower(), known.media_type):
            raise NotAcceptable(f"this list is given as {known.media_type}")
        return _published(request, known)

    async def show_bitstring(self, request: web.Request) -> web.Response:
        """The same list for one purpose, as a credential of the W3C (Bitstring Status List section 2.2)."""
        return _published(request, await self._bitstrings.get(int(request.match_info["number"]), request.match_info["purpose"]))

    async def show_assertions(self, request: web.Request) -> web.Response:
        """What single copies' statuses are, each signed for itself."""
        _need_json(request)
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


def _json(doc: Any, *, status: int = 200) -> web.Response:
    """Never stored anywhere (OpenID4VCI sections 6.2, 7.2, 8.3)."""
    return web.Response(body=_render(doc), status=status, content_type="application/json", headers={hdrs.CACHE_CONTROL: "no-store"})


def _answer(response: openid4vci.CredentialResponse, encryption: openid4vci.Encryption | None) -> web.Response:
    body, kind = openid4vci.seal_message(openid4vci.render_credential_response(response), encryption)
    status = openid4vci.response_status(response)
    return web.Response(body=body, status=status, content_type=kind, headers={hdrs.CACHE_CONTROL: "no-store"})


def _letter(request: web.Request) -> Letter:
    headers = request.headers
    authorizations = headers.getall(hdrs.AUTHORIZATION, [])
    if len(authorizations) > 1:
        raise InvalidRequest("a request has one Authorization header")
    return Letter(
        authorization=next(iter(authorizations), None),
        proofs=headers.getall("DPoP", []),
        attestations=headers.getall(oauth.ATTESTATION_HEADER, []),
        pops=headers.getall(oauth.POP_HEADER, []),
    )


def _need_form(request: web.Request) -> None:
    if request.content_type != "application/x-www-form-urlencoded":
        raise InvalidRequest("a request is a form here")
    if request.query_string:
        raise InvalidRequest("a request has no query here")


def _need_json(request: web.Request) -> None:
    if request.content_type != "application/json":
        raise UnsupportedMediaType("this address takes application/json")


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
