"""What a desk's page asks of the service while there is a network: being set up, its certificate, the checking pack, a second judgement.

The desk calls with a bearer token of its own that it got when it was set up. Only the setting up needs somebody who is signed in, an admin.
"""

from __future__ import annotations

import re
import sys
from typing import Annotated, Any, Final, Literal

from aiohttp import hdrs, web
from msgspec import Meta, Struct

from shared.codec import base64url
from shared.errors import Forbidden, InvalidToken
from shared.jose.jwk import parse_public_jwk
from shared.web import auth
from shared.web.entrance import seat
from shared.web.openapi import Param, Reply, Route, add_routes
from shared.web.rates import Limit, allow
from shared.web.seat import check_admin
from verifier import desk_receipts, judging, scan
from verifier.desk import Desk
from verifier.material import Store
from verifier.records.scan import ScanDesk, ServedPack

PREFIX: Final = "/desk/scan/api"
MEDIA_TYPE: Final = "application/vnd.muniment.trust-bundle+json"
_DESK: Final = "desk"
_CALLER: web.RequestKey[ScanDesk] = web.RequestKey("CALLER", ScanDesk)
_JUDGED: Final = Limit("desk-judge", 120, 60)
_TOLD: Final = Limit("desk-receipts", 120, 60)
Bytes = Annotated[str, Meta(max_length=24_000, pattern="^[A-Za-z0-9_-]*$", description="base64url")]


class Key(Struct, frozen=True, forbid_unknown_fields=True):
    """A public key on P-256 (RFC 7518 section 6.2)."""

    kty: Literal["EC"]
    crv: Literal["P-256"]
    x: Annotated[str, Meta(max_length=64)]
    y: Annotated[str, Meta(max_length=64)]


class Enrol(Struct, frozen=True, forbid_unknown_fields=True):
    """A desk that is being set up. Its private key was made in the browser and stays there."""

    name: Annotated[str, Meta(min_length=1, max_length=40, pattern=r"\S", description="As holders see it beside the organisation.")]
    key: Key


class Certificate(Struct, frozen=True):
    """The desk's newest certificate (`desk-cert`, CBOR), signed by the organisation's own key."""

    certificate: str
    certified_until: int
    at: Annotated[int, Meta(description="The service's clock.")]


class Enrolled(Struct, frozen=True):
    """`token` is told once: the desk calls with it. `signer` is whose checking packs the desk is to believe, and nobody else's."""

    id: str
    token: str
    entity: str
    organisation: str
    signer: str
    certificate: str
    certified_until: int
    at: int


class Judge(Struct, frozen=True, forbid_unknown_fields=True):
    """What was shown to the desk, opened. `live`: with the `challenge` that it answers; `code`: with the `code` and `use`; `copy`: alone."""

    mode: Literal["live", "code", "copy"]
    answer: Annotated[str, Meta(max_length=30_000, description="`OVP1:` or `OVJ1:` and base45, as on a square code.")]
    challenge: Bytes = ""
    code: Annotated[str, Meta(max_length=10, pattern="^([0-9]{10})?$")] = ""
    use: Annotated[str, Meta(max_length=200)] = ""
    told: Annotated[
        dict[Literal["restrictions_allow", "capacity_evidence"], bool], Meta(description="What a person at the desk has read or seen.")
    ] = {}


class Judged(Struct, frozen=True):
    """The service's own verdict, as `/api/schemas/verdict` describes it."""

    verdict: dict[str, Any]


class Given(Struct, frozen=True, forbid_unknown_fields=True):
    """A receipt that the desk gave without a network (`desk-receipt`, CBOR), and what was shown for it: by name alone."""

    receipt: Annotated[str, Meta(max_length=3_814, pattern="^[A-Za-z0-9_-]*$", description="base64url")]
    mode: Literal["live", "code", "copy"]
    vct: Annotated[str, Meta(max_length=200)] = ""
    claim_paths: Annotated[tuple[Annotated[str, Meta(max_length=200)], ...], Meta(max_length=256)] = ()


class GivenReceipts(Struct, frozen=True, forbid_unknown_fields=True):
    """Those that were not told before, oldest first."""

    receipts: Annotated[tuple[Given, ...], Meta(min_length=1, max_length=10)]


class Taken(Struct, frozen=True):
    """In the order of what was told: false for one that is not by this desk, or beyond its certificate. None of them need be told again."""

    taken: list[bool]


class ScanApi:
    """The operations of the desks of one organisation."""

    def __init__(self, desk: Desk, store: Store) -> None:
        self._desk = desk
        self._store = store
        self._packs = scan.Packs(desk)

    def add_to(self, app: web.Application) -> None:
        """Register the routes, with their description at ``PREFIX/openapi.json``."""
        add_routes(
            app,
            self.routes(),
            title="Checking desks",
            prefix=PREFIX,
            guard=self._guard,
            description="For the page that checks without a network. A desk calls with `Authorization: Bearer` and its own token.",
        )

    def routes(self) -> list[Route]:
        return [
            Route(
                "POST", f"{PREFIX}/desks", self.enrol, body=Enrol, out=Enrolled, status=201, errors=(InvalidToken, Forbidden),
                summary="Set up a desk", description="Needs the session of an admin, from a page of this service.",
            ),
            Route("POST", f"{PREFIX}/certificate", self.renew, out=Certificate, scope=_DESK, summary="A new certificate for the same key"),
            Route(
                "GET", f"{PREFIX}/pack", self.pack, scope=_DESK, summary="The checking pack", media=MEDIA_TYPE,
                description="Knows `If-None-Match`, and `Range` with `If-Range`, so that a download that broke off can go on.",
                params=(Param("If-None-Match"), Param("Range"), Param("If-Range")),
            ),
            Route(
                "POST", f"{PREFIX}/judge", self.judge, body=Judge, out=Judged, scope=_DESK, summary="A second judgement",
                description="The service verifies by itself, with its own knowledge. Each challenge, code and copy is good once.",
                max_body=65_536,
            ),
            Route(
                "POST", f"{PREFIX}/receipts", self.receipts, body=GivenReceipts, out=Taken, scope=_DESK, summary="Receipts that the desk gave",
                description="Entered in the log once each, however often they are told. Whoever has one gets it confirmed at `/receipts/desk`.",
                max_body=600_000,
            ),
        ]  # fmt: skip

    async def _guard(self, request: web.Request, scope: str) -> object:
        del scope  # there is one
        scheme, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        if scheme.lower() != "bearer":
            raise InvalidToken("a desk calls with the token that it was given")
        request[_CALLER] = await scan.admit(self._desk, token.strip())
        return request[_CALLER]

    async def enrol(self, request: web.Request, *, body: Enrol) -> Enrolled:
        auth.check_same_origin(request)
        operator = await seat(request)
        check_admin(operator)
        public = parse_public_jwk({"kty": body.key.kty, "crv": body.key.crv, "x": body.key.x, "y": body.key.y}, where="/key")
        made = await scan.enrol(self._desk, name=body.name.strip(), public=public, by=operator.id)
        told = made.certified
        return Enrolled(
            id=told.desk.id,
            token=made.token,
            entity=self._desk.entity,
            organisation=self._desk.settings.name,
            signer=made.signer,
            certificate=base64url.encode(told.certificate),
            certified_until=told.desk.certified_until,
            at=self._desk.clock(),
        )

    async def renew(self, request: web.Request) -> Certificate:
        told = await scan.certify(self._desk, request[_CALLER])
        return Certificate(certificate=base64url.encode(told.certificate), certified_until=told.desk.certified_until, at=self._desk.clock())

    async def pack(self, request: web.Request) -> web.Response:
        return render_pack(await self._packs.current(), request)

    async def judge(self, request: web.Request, *, body: Judge) -> Reply:
        caller = request[_CALLER]
        await allow(self._desk.storage, _JUDGED, caller.id, at=self._desk.clock())
        shown = judging.Shown(
            mode=body.mode,
            answer=body.answer,
            challenge=base64url.decode(body.challenge, where="/challenge"),
            code=body.code,
            use=body.use,
            told={str(name): said for name, said in body.told.items()},
        )
        return Reply(Judged(await judging.judge(self._desk, self._store, caller, shown)))

    async def receipts(self, request: web.Request, *, body: GivenReceipts) -> Taken:
        caller = request[_CALLER]
        await allow(self._desk.storage, _TOLD, caller.id, at=self._desk.clock())
        given = [
            desk_receipts.Given(
                receipt=base64url.decode(each.receipt, where=f"/receipts/{index}/receipt"),
                mode=each.mode,
                vct=each.vct,
                claim_paths=each.claim_paths,
            )
            for index, each in enumerate(body.receipts)
        ]
        return Taken(await desk_receipts.take(self._desk, caller, given))


def render_pack(pack: ServedPack, request: web.Request) -> web.Response:
    """RFC 9110 sections 13 and 14: unchanged, whole, or the rest of what was begun. Of several ranges none is served."""
    tag = f'"{pack.etag}"'
    headers = {hdrs.ETAG: tag, hdrs.ACCEPT_RANGES: "bytes", hdrs.CACHE_CONTROL: "no-cache", hdrs.CONTENT_TYPE: MEDIA_TYPE}
    if tag in [each.strip() for each in request.headers.get(hdrs.IF_NONE_MATCH, "").split(",")]:
        return web.Response(status=304, headers=headers)
    piece = _piece(request, tag)
    if piece is None:
        return web.Response(body=pack.data, headers=headers)
    start, end = piece[0], min(piece[1], len(pack.data))
    if start >= len(pack.data):
        return web.Response(status=416, headers=headers | {hdrs.CONTENT_RANGE: f"bytes */{len(pack.data)}"})
    headers[hdrs.CONTENT_RANGE] = f"bytes {start}-{end - 1}/{len(pack.data)}"
    return web.Response(status=206, body=pack.data[start:end], headers=headers)


_RANGE = re.compile(r"bytes=([0-9]{1,12})-([0-9]{0,12})")


def _piece(request: web.Request, tag: str) -> tuple[int, int] | None:
    """From where to where: ``bytes=N-`` or ``bytes=N-M``, where a rest of the very same pack; else the whole is the answer.

    A first piece needs no ``If-Range``: there is nothing yet that it could fail to fit.
    """
    found = _RANGE.fullmatch(request.headers.get(hdrs.RANGE, ""))
    if found is None or (found[2] and int(found[2]) < int(found[1])):
        return None
    start, end = int(found[1]), int(found[2]) + 1 if found[2] else sys.maxsize
    begun = request.headers.get(hdrs.IF_RANGE)
    return (start, end) if begun == tag or (begun is None and not start) else None
