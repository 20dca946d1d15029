"""An issuer and its authorization server as OpenID4VCI 1.0 and HAIP 1.0 have them, on loopback: strict with wallets, and bad on demand."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web
from support.ports import free_port
from support.signing import AT
from support.trial_verify import VCT, Authority, status_token
from support.trial_web import Watch
from support.world import Office

from shared.credentials import all_types
from shared.credentials._derive import credential_metadata
from shared.errors import InvalidGrant, InvalidToken, InvalidTransactionId, UseDpopNonce, VcError
from shared.formats import StatusReference
from shared.jose import jwe
from shared.keys import KeyId, PublicKey
from shared.oauth import (
    ATTEST_AUTH,
    ATTESTATION_HEADER,
    POP_HEADER,
    AuthorizationRequest,
    CheckProvider,
    check_pkce,
    code_response_url,
    error_response_url,
    parse_authorization,
    parse_pushed_reference,
    parse_pushed_request,
    verify_client_attestation,
    verify_dpop,
)
from shared.openid4vci import (
    AUTHORIZATION_CODE,
    PRE_AUTHORIZED,
    AsMetadata,
    Attesting,
    AuthorizationCodeGrant,
    AuthorizationCodeRequest,
    AuthorizationDetail,
    Configuration,
    CredentialOffer,
    CredentialResponse,
    Encryption,
    IssuerMetadata,
    KeyDemand,
    OfferReference,
    RequestEncryption,
    ResponseEncryption,
    TokenResponse,
    asked_details,
    check_encryption,
    offer_links,
    open_message,
    parse_credential_request,
    parse_deferred_request,
    parse_token_request,
    prepare_signed_metadata,
    render_as_metadata,
    render_credential_response,
    render_issuer_metadata,
    render_offer,
    render_token_response,
    seal_message,
    verify_attestation_proof,
    verify_key_proofs,
)

Handler = Callable[[web.Request], web.StreamResponse]
DETAILS = "openid_credential"


@dataclass(kw_only=True)
class Ways:
    """How this one does it. ``by_details``: there is no scope; ``identified``: the token response names documents, ``documents`` of each."""

    dpop: bool = True
    names_itself: bool = True
    dpop_nonces: bool = True
    attests: bool = True
    challenges: bool = False
    batch_size: int = 10
    reverse: bool = True
    by_details: bool = False
    identified: bool = False
    documents: int = 1
    encryption: str = ""  # offered, required
    demand: KeyDemand | None = None
    attestation_only: bool = False
    waits: int = 0  # how often "not yet" is said
    late: tuple[str, ...] = ()  # of which formats; empty: of all
    interval: int = 60
    refreshes: bool = True
    notifies: bool = True
    signed: bool = False
    formats: tuple[str, ...] = ("dc+sd-jwt",)
    path: str = ""  # of the authorization server; empty: the issuer itself
    servers: tuple[str, ...] | None = None
    access_seconds: int = 300


@dataclass
class StrictIssuer:
    """``log`` is what came; ``instead`` answers in the place of a path; ``refused`` are the errors that were told."""

    base: str
    clock: Watch
    by: Authority
    maker: CheckProvider
    ways: Ways
    log: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    refused: list[VcError] = field(default_factory=list)
    instead: dict[str, Handler] = field(default_factory=dict)
    pushed: dict[str, tuple[AuthorizationRequest, str | None]] = field(default_factory=dict)
    codes: dict[str, tuple[AuthorizationRequest, str | None]] = field(default_factory=dict)
    access: dict[str, tuple[str | None, int]] = field(default_factory=dict)  # key and end of a token
    rotating: dict[str, str | None] = field(default_factory=dict)
    nonces: set[str] = field(default_factory=set)
    challenges: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)
    dpop_nonce: int = 0
    count: int = 0
    transactions: dict[str, tuple[tuple[PublicKey, ...], str, int]] = field(default_factory=dict)
    notified: list[dict[str, Any]] = field(default_factory=list)
    attestations: list[str] = field(default_factory=list)
    popped: list[str | None] = field(default_factory=list)  # challenges in proofs
    batches: list[int] = field(default_factory=list)
    claims: Mapping[str, Any] | None = None
    datasets: dict[str, Mapping[str, Any]] = field(default_factory=dict)  # by the number of a document, where they differ
    renamed: tuple[AuthorizationDetail, ...] = ()  # what a refreshed token is good for, if it says so
    secret: dict[str, Any] = field(default_factory=lambda: dict(jwe.generate_ephemeral()))

    # --- what it publishes

    @property
    def server(self) -> str:
        return self.base + self.ways.path

    def metadata(self) -> IssuerMetadata:
        ways, offered = self.ways, bool(self.ways.encryption)
        required = ways.encryption == "required"
        servers = (self.server,) if ways.path else ()
        return IssuerMetadata(
            issuer=self.base,
            credential_endpoint=f"{self.base}/credential",
            nonce_endpoint=f"{self.base}/nonce",
            notification_endpoint=f"{self.base}/notification",
            deferred_endpoint=f"{self.base}/deferred",
            configurations={f"poa-{name}": self._configuration(name) for name in ways.formats},
            authorization_servers=servers if ways.servers is None else ways.servers,
            batch_size=ways.batch_size,
            request_encryption=RequestEncryption(keys=(jwe.public_half(self.secret),), required=required) if offered else None,
            response_encryption=ResponseEncryption(required=required) if offered else None,
            display=({"name": "Strict office (test)", "locale": "en"},),
        )

    def _configuration(self, name: str) -> Configuration:
        kind, ways = all_types()[VCT], self.ways
        return Configuration(
            id=f"poa-{name}",
            format=name,
            vct=VCT if name.startswith("dc+") else None,
            types=() if name.startswith("dc+") else ("VerifiableCredential", kind.vcdm_type),
            scope=None if ways.by_details else f"poa-{name}",
            binding_methods=("jwk",),
            proof_algs=() if ways.attestation_only else ("ES256",),
            key_demand=None if ways.attestation_only else ways.demand,
            attestation_algs=("ES256",) if ways.attestation_only else (),
            attestation_demand=(ways.demand or KeyDemand()) if ways.attestation_only else None,
            metadata=credential_metadata(kind, name),
        )

    def as_metadata(self) -> AsMetadata:
        ways, server = self.ways, self.server
        return AsMetadata(
            issuer=server,
            token_endpoint=f"{server}/token",
            authorization_endpoint=f"{server}/authorize",
            par_endpoint=f"{server}/par",
            requires_par=True,
            challenge_endpoint=f"{server}/challenge" if ways.challenges else None,
            grant_types=(AUTHORIZATION_CODE, PRE_AUTHORIZED, "refresh_token"),
            names_itself=ways.names_itself,
            response_types=("code",),
            detail_types=(DETAILS,),
            pkce_methods=("S256",),
            auth_methods=(ATTEST_AUTH,) if ways.attests else ("none",),
            dpop_algs=("ES256",) if ways.dpop else (),
        )

    def offer(self, **changes: Any) -> CredentialOffer:
        state = AuthorizationCodeGrant(issuer_state="state-of-the-issuer")
        ids = tuple(f"poa-{name}" for name in self.ways.formats)
        return replace(CredentialOffer(issuer=self.base, configuration_ids=ids, authorization_code=state), **changes)

    def link(self, scheme: str = "openid-credential-offer", **changes: Any) -> str:
        """By value."""
        return offer_links(self.offer(**changes), f"{self.base}/offer").scheme.replace("openid-credential-offer", scheme, 1)

    def reference(self) -> str:
        return offer_links(OfferReference(f"{self.base}/offers/1"), f"{self.base}/offer").https

    # --- the person at the sign-in page

    def agree(self, url: str, **changes: str) -> str:
        """The holder signs in and agrees: the address that the browser is sent to."""
        request, jkt = self.pushed[parse_pushed_reference(url.partition("?")[2]).request_uri]
        code = self._new("code")
        self.codes[code] = (request, jkt)
        members = {"issuer": self.server, "state": request.state, "code": code} | changes
        return code_response_url(request.redirect_uri, issuer=str(members["issuer"]), state=members["state"], code=str(members["code"]))

    def deny(self, url: str, error: VcError) -> str:
        request, _ = self.pushed[parse_pushed_reference(url.partition("?")[2]).request_uri]
        return error_response_url(request.redirect_uri, issuer=self.server, state=request.state, error=error)

    # --- answers

    def _new(self, kind: str) -> str:
        self.count += 1
        return f"{kind}-{self.count}"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        path, body = request.path, await request.read()
        self.log.append((f"{request.method} {path}", {name.lower(): value for name, value in request.headers.items()}, body))
        if path in self.instead:
            return self.instead[path](request)
        name = path.removeprefix("/.well-known") if path.startswith("/.well-known") else path.removeprefix(self.ways.path)
        handlers: dict[str, Callable[[web.Request, bytes], web.StreamResponse]] = {
            "/openid-credential-issuer": self._issuer_document,
            f"/oauth-authorization-server{self.ways.path}": lambda _r, _b: web.json_response(render_as_metadata(self.as_metadata())),
            "/offers/1": lambda _r, _b: web.json_response(render_offer(self.offer())),
            "/par": self._par,
            "/authorize": self._page,
            "/agreed": self._agreed,
            "/token": self._token,
            "/challenge": self._challenge,
            "/nonce": self._nonce,
            "/credential": self._credential,
            "/deferred": self._deferred,
            "/notification": self._notification,
            "/status/1": self._status,
        }
        if name not in handlers:
            return web.Response(status=404)
        try:
            response = handlers[name](request, body)
        except VcError as error:
            self.refused.append(error)
            response = web.json_response({"error": error.error, "error_description": error.detail}, status=error.status)
            if isinstance(error, UseDpopNonce) and name in {"/credential", "/deferred", "/notification"}:
                response = web.json_response({}, status=401, headers={"WWW-Authenticate": f'DPoP error="{error.error}"'})
        if self.ways.dpop_nonces and name in {"/par", "/token", "/credential", "/deferred", "/notification", "/nonce"}:
            response.headers["DPoP-Nonce"] = f"dpop-nonce-{self.dpop_nonce}"
        return response

    def _issuer_document(self, request: web.Request, _: bytes) -> web.StreamResponse:
        if self.ways.signed and "application/jwt" in request.headers.get("Accept", ""):
            alg = self.by.signer.public.alg
            unsigned = prepare_signed_metadata(self.metadata(), key=KeyId("issuer"), alg=alg, x5c=self.by.x5c, at=self.clock())
            return web.Response(text=self.by.signer.finish(unsigned), content_type="application/jwt")
        return web.json_response(render_issuer_metadata(self.metadata()))

    def _page(self, request: web.Request, _: bytes) -> web.StreamResponse:
        reference = parse_pushed_reference(request.query_string)
        assert reference.client_id == self.pushed[reference.request_uri][0].client_id
        text = (
            '<!doctype html><html lang="en"><title>Strict office</title><main><h1>Strict office</h1>'
            f'<a href="{self.ways.path}/agreed?{request.query_string}">Agree</a></main>'
        )
        return web.Response(text=text, content_type="text/html")

    def _agreed(self, request: web.Request, _: bytes) -> web.StreamResponse:
        return web.Response(status=303, headers={"Location": self.agree(str(request.rel_url))})

    def _par(self, request: web.Request, body: bytes) -> web.StreamResponse:
        client_id = self._client(request)
        jkt = self._prove(request, f"{self.server}/par") if "DPoP" in request.headers else None
        asked = parse_pushed_request(body, client_id=client_id, plain_http=("localhost",))
        assert asked.state is not None
        assert len(asked.state) >= 22
        jkt = asked.dpop_jkt or jkt
        uri = f"urn:ietf:params:oauth:request_uri:{self._new('request')}"
        self.pushed[uri] = (asked, jkt)
        return web.json_response({"request_uri": uri, "expires_in": 90}, status=201)

    def _client(self, request: web.Request) -> str | None:
        if not self.ways.attests:
            return None
        attestation, pop = request.headers.getone(ATTESTATION_HEADER, ""), request.headers.getone(POP_HEADER, "")
        client = verify_client_attestation(
            attestation, pop, check_provider=self.maker, audience=self.server, at=self.clock(), challenge_ok=self._challenge_ok
        )
        assert client.jti not in self.seen
        self.seen.add(client.jti)
        self.attestations.append(attestation)
        self.popped.append(client.challenge)
        return client.client_id

    def _challenge_ok(self, challenge: str | None) -> bool:
        if not self.ways.challenges:
            return True
        known = challenge in self.challenges
        self.challenges -= {challenge or ""}
        return known

    def _prove(self, request: web.Request, url: str, access: str | None = None) -> str:
        wanted = f"dpop-nonce-{self.dpop_nonce}"
        proof = verify_dpop(
            request.headers.getone("DPoP", ""),
            method=request.method,
            url=url,
            at=self.clock(),
            nonce_ok=lambda nonce: not self.ways.dpop_nonces or nonce == wanted,
            access_token=access,
        )
        assert proof.jti not in self.seen
        self.seen.add(proof.jti)
        return proof.jkt

    def _token(self, request: web.Request, body: bytes) -> web.StreamResponse:
        client_id = self._client(request)
        jkt = self._prove(request, f"{self.server}/token") if self.ways.dpop else None
        asked = parse_token_request(body)
        assert client_id is None or asked.client_id in (None, client_id)
        details: tuple[AuthorizationDetail, ...] = ()
        if isinstance(asked, AuthorizationCodeRequest):
            if asked.code not in self.codes:
                raise InvalidGrant("no such code")
            wanted, bound = self.codes.pop(asked.code)
            check_pkce(asked.code_verifier, wanted.code_challenge)
            if (wanted.redirect_uri, wanted.client_id) != (asked.redirect_uri, asked.client_id) or bound not in (None, jkt):
                raise InvalidGrant("another address, client or key")
            details = self._granted(wanted)
        else:
            shown = getattr(asked, "refresh_token", "")
            if shown not in self.rotating or self.rotating.pop(shown) != jkt:
                raise InvalidGrant("no such refresh token of this key")
            details = self.renamed
        return web.json_response(render_token_response(self._give(jkt, details)), headers={"Cache-Control": "no-store"})

    def _granted(self, wanted: AuthorizationRequest) -> tuple[AuthorizationDetail, ...]:
        ids = [each.configuration_id for each in asked_details(wanted.details)]
        names = ids or (list(wanted.scope) if self.ways.identified else [])
        numbers = range(1, self.ways.documents + 1)
        return tuple(
            AuthorizationDetail(configuration_id=name, identifiers=tuple(f"{name}:{number}" for number in numbers[:: -1 if odd % 2 else 1]))
            for odd, name in enumerate(names)
        )

    def _give(self, jkt: str | None, details: tuple[AuthorizationDetail, ...]) -> TokenResponse:
        access, refresh = self._new("access"), self._new("refresh")
        self.access[access] = (jkt, self.clock() + self.ways.access_seconds)
        if self.ways.refreshes:
            self.rotating[refresh] = jkt
        kind = "DPoP" if jkt else "Bearer"
        refreshed = refresh if self.ways.refreshes else None
        return TokenResponse(
            access_token=access, token_type=kind, expires_in=self.ways.access_seconds, refresh_token=refreshed, details=details
        )

    def _challenge(self, _: web.Request, __: bytes) -> web.StreamResponse:
        self.challenges.add(challenge := self._new("challenge"))
        return web.json_response({"attestation_challenge": challenge}, headers={"Cache-Control": "no-store"})

    def _nonce(self, _: web.Request, __: bytes) -> web.StreamResponse:
        self.nonces.add(nonce := self._new("nonce"))
        return web.json_response({"c_nonce": nonce}, headers={"Cache-Control": "no-store"})

    def _allow(self, request: web.Request) -> None:
        shown = parse_authorization(request.headers.get("Authorization"))
        jkt, end = self.access.get(shown.value, (None, 0))
        if end <= self.clock() or shown.dpop != (jkt is not None):
            raise InvalidToken("no such token")
        if jkt is not None and self._prove(request, f"{self.base}{request.path}", shown.value) != jkt:
            raise InvalidToken("a token of another key")

    def _open(self, request: web.Request, body: bytes) -> tuple[bytes, bool]:
        opened = open_message(body, request.content_type, (self.secret,))
        return opened.data, opened.encrypted

    def _credential(self, request: web.Request, body: bytes) -> web.StreamResponse:
        self._allow(request)
        data, encrypted = self._open(request, body)
        asked, about = parse_credential_request(data), self.metadata()
        check_encryption(asked.encryption, encrypted=encrypted, requests=about.request_encryption, answers=about.response_encryption)
        what = (asked.configuration_id or asked.identifier or "").removeprefix("poa-")
        name = what.partition(":")[0]
        attesting = Attesting(check_provider=self.maker, demand=self.ways.demand)
        if asked.attestation is not None:
            proofs = verify_attestation_proof(asked.attestation, nonce_seen=self.nonces.__contains__, at=self.clock(), attesting=attesting)
        else:
            known = frozenset(self.nonces)
            proofs = verify_key_proofs(
                asked.proofs,
                audience=self.base,
                nonce_seen=known.__contains__,
                at=self.clock(),
                attesting=attesting if self.ways.demand else None,
            )
        self.nonces.clear()  # each serves one request
        assert 1 <= len(proofs) <= self.ways.batch_size
        self.batches.append(len(proofs))
        keys = tuple(proof.holder for proof in proofs)
        if self.ways.waits and name in (self.ways.late or self.ways.formats):
            self.transactions[transaction := self._new("transaction")] = (keys, what, self.ways.waits)
            later = CredentialResponse(transaction_id=transaction, interval=self.ways.interval)
            return self._say(later, asked.encryption)
        return self._say(self._copies(what, keys), asked.encryption)

    def _copies(self, what: str, keys: Sequence[PublicKey]) -> CredentialResponse:
        name, _, number = what.partition(":")
        office = Office(self.clock, by=self.by)
        office.claims = self.datasets.get(number) or self.claims or office.claims
        wires = []
        for key in keys:
            self.count += 1
            office.issued = self.count
            wires.append(office.copy(name, key, status=StatusReference(uri=f"{self.base}/status/1", idx=1_000 + self.count)))
        return CredentialResponse(
            credentials=tuple(reversed(wires) if self.ways.reverse else wires),
            notification_id=self._new("notification") if self.ways.notifies else None,
        )

    def _say(self, response: CredentialResponse, encryption: Encryption | None) -> web.StreamResponse:
        body, kind = seal_message(render_credential_response(response), encryption)
        return web.Response(body=body, content_type=kind, status=202 if response.transaction_id else 200)

    def _deferred(self, request: web.Request, body: bytes) -> web.StreamResponse:
        self._allow(request)
        data, encrypted = self._open(request, body)
        asked, about = parse_deferred_request(data), self.metadata()
        check_encryption(asked.encryption, encrypted=encrypted, requests=about.request_encryption, answers=about.response_encryption)
        if asked.transaction_id not in self.transactions:
            raise InvalidTransactionId("no such transaction")
        keys, name, left = self.transactions.pop(asked.transaction_id)
        if left > 1:
            self.transactions[asked.transaction_id] = (keys, name, left - 1)
            return self._say(CredentialResponse(transaction_id=asked.transaction_id, interval=self.ways.interval), asked.encryption)
        return self._say(self._copies(name, keys), asked.encryption)

    def _notification(self, request: web.Request, body: bytes) -> web.StreamResponse:
        self._allow(request)
        self.notified.append(json.loads(body))
        return web.Response(status=204)

    def _status(self, _: web.Request, __: bytes) -> web.StreamResponse:
        token = status_token({}, by=self.by, uri=f"{self.base}/status/1", iat=self.clock())
        return web.Response(text=token, content_type="application/statuslist+jwt")

    def calls(self, path: str) -> list[tuple[dict[str, str], bytes]]:
        """Headers and bodies of what came to ``path``."""
        return [(headers, body) for what, headers, body in self.log if what.partition(" ")[2] == path]


@asynccontextmanager
async def strict_issuer(maker: CheckProvider, *, clock: Watch | None = None, **ways: Any) -> AsyncIterator[StrictIssuer]:
    """Listening on loopback; ``maker`` is the check of whoever vouches for wallets."""
    port = free_port()
    base = f"http://localhost:{port}"
    issuer = StrictIssuer(base, clock or Watch(AT), Authority.new(base), maker, Ways(**ways))
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", issuer.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield issuer
    finally:
        await runner.cleanup()
