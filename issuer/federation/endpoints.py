"""Where a superior answers (OpenID Federation 1.0 section 8): fetch, list, resolve, trust marks, historical keys, and its publication.

All of it was signed before; only a resolve response and the status of a mark are signed for whoever asks, and the first are kept. Nobody's
question makes this office ask anybody else: bodies two levels below are resolved at the one between.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from aiohttp import web

from issuer.federation import collect, enrol, own, successions
from issuer.federation.terms import parse_terms
from issuer.office import Office
from issuer.records import subordinates, superior
from issuer.records.subordinates import State, Subordinate
from shared.codec import reader, strict_json
from shared.errors import Conflict, Malformed, Missing, VcError
from shared.flow import Fetch, Fetched, run
from shared.jose.jws import prepare_jws
from shared.keys import sign
from shared.storage import Tx
from shared.trust.artefact import name_of
from shared.trust.chain import FETCH_ENDPOINT, TrustChain, answer_from, resolve
from shared.trust.constraints import FEDERATION_ENTITY, parse_constraints
from shared.trust.federation_anchor import FederationAnchor
from shared.trust.federation_keys import FederationKey
from shared.trust.publication import MEDIA_TYPE as PUBLICATION
from shared.trust.statements import MEDIA_TYPE, EntityStatement, parse_statement
from shared.trust.trust_marks import MAX_BYTES as MAX_MARK
from shared.trust.trust_marks import parse_trust_mark
from shared.urls import parse_form
from shared.web import handing
from shared.web.app import bound_body
from shared.web.context import FETCHER
from shared.web.entity import public, refusal, told
from shared.web.problem import OAUTH, speak

RESOLVED, STATUS, MARK, KEYS = (
    "application/resolve-response+jwt",
    "application/trust-mark-status-response+jwt",
    "application/trust-mark+jwt",
    "application/jwk-set+jwt",
)
MAX_JOIN: Final = 70_000


class Endpoints:
    """What one superior answers."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._resolved: dict[str, tuple[str, int]] = {}  # the answer and its end; at most one a body
        self._seq = 0

    def add_to(self, app: web.Application) -> None:
        """Register the routes, below the path of the public address as everything else."""
        for path, handler in (
            (own.FETCH, self.fetch),
            (own.LIST, self.listing),
            (own.RESOLVE, self.resolve),
            (own.MARK, self.mark),
            (own.MARKED, self.marked),
            (own.HISTORICAL, self.historical),
            (own.TRUST, self.trust),
        ):
            app.router.add_get(path, told(handler))
        app.router.add_post(own.MARK_STATUS, told(self.mark_status))
        app.router.add_post(own.JOIN, told(self.join))
        app.router.add_post(handing.PATH, told(self.hand_over))
        speak(app, OAUTH, "/federation")
        bound_body(app, own.MARK_STATUS, 2 * MAX_MARK)
        bound_body(app, own.JOIN, MAX_JOIN)
        bound_body(app, handing.PATH, handing.MAX_BYTES)

    async def fetch(self, request: web.Request) -> web.StreamResponse:
        """Section 8.1."""
        sub = _one(request, "sub")
        if sub == self._office.settings.public_url:
            raise Malformed("what this body says of itself is at its well-known address", where="/sub")
        found = await self._office.storage.read(lambda tx: superior.statement(tx, sub))
        if found is None:
            raise Missing("nothing is said here about that body")
        return public(found.token, MEDIA_TYPE)

    async def listing(self, request: web.Request) -> web.StreamResponse:
        """Section 8.2, with all its filters."""
        wanted, kind = set(request.query.getall("entity_type", [])), _one(request, "trust_mark_type", optional=True)
        marked, between = _flag(request, "trust_marked"), _flag(request, "intermediate")

        async def unit(tx: Tx) -> tuple[list[Subordinate], list[superior.Mark]]:
            return await subordinates.everybody(tx), await superior.marks(tx, self._office.clock())

        everybody, marks = await self._office.storage.read(unit)
        holders = {each.sub for each in marks if kind in {"", each.type}}
        found = [
            each.entity
            for each in everybody
            if each.state is State.ACTIVE
            and (not (marked or kind) or each.entity in holders)
            and wanted <= types_of(each)
            and (between is None or between == _is_between(each))
            and (marked is not False or each.entity not in holders)
        ]
        return public(strict_json.dumps(found), "application/json")

    async def mark(self, request: web.Request) -> web.StreamResponse:
        """Section 8.6: marks are no secret."""
        kind, sub = _one(request, "trust_mark_type"), _one(request, "sub")
        for each in reversed(await self._marks()):
            if (each.type, each.sub) == (kind, sub):
                return public(each.token, MARK)
        raise Missing("that body has no such trust mark")

    async def marked(self, request: web.Request) -> web.StreamResponse:
        """Section 8.5."""
        kind, sub = _one(request, "trust_mark_type"), _one(request, "sub", optional=True)
        found = dict.fromkeys(each.sub for each in await self._marks() if each.type == kind and sub in {"", each.sub})
        return public(strict_json.dumps(list(found)), "application/json")

    async def _marks(self) -> list[superior.Mark]:
        return await self._office.storage.read(lambda tx: superior.marks(tx, self._office.clock()))

    async def mark_status(self, request: web.Request) -> web.StreamResponse:
        """Section 8.4: of marks that are ours."""
        token = reader.get_str(parse_form(await request.read(), max_bytes=2 * MAX_MARK), "trust_mark", max_length=MAX_MARK)
        parse_trust_mark(token)
        found = await self._office.storage.read(lambda tx: superior.mark(tx, name_of(token.encode())))
        if found is None:
            raise Missing("this trust mark is none of ours")
        claims = {"trust_mark": token, "status": found.status(self._office.clock())}
        response = public(await signed(self._office, "trust-mark-status-response+jwt", claims), STATUS)
        response.headers["Cache-Control"] = "no-store"
        return response

    async def historical(self, _: web.Request) -> web.StreamResponse:
        """Section 8.7."""
        return public((await self._office.storage.read(superior.newest)).historical, KEYS)

    async def trust(self, _: web.Request) -> web.StreamResponse:
        """The snapshot and every file that it names."""
        return public((await self._office.storage.read(superior.newest)).document or b"", PUBLICATION)

    async def resolve(self, request: web.Request) -> web.StreamResponse:
        """Section 8.3, for this superior as the anchor and for whoever is right below it."""
        sub, anchors = _one(request, "sub"), request.query.getall("trust_anchor", [])
        if not anchors:
            raise Malformed("say under which trust anchor", where="/trust_anchor")
        if self._office.settings.public_url not in anchors:
            return refusal("invalid_trust_anchor", 404, "this body resolves under itself only")
        try:
            return public(await self._resolve(sub, request.query.getall("entity_type", [])), RESOLVED)
        except Missing:
            raise
        except VcError as error:
            return refusal("invalid_trust_chain", 400, error.detail)

    async def _resolve(self, sub: str, types: Collection[str]) -> str:
        """The whole answer is kept until something else is published or it ends; a part of it is signed for whoever asks."""
        if types:
            return (await resolve_response(self._office, sub, types))[0]
        last = await self._office.storage.read(superior.newest)
        if last.seq != self._seq:
            self._seq, self._resolved = last.seq, {}
        if sub not in self._resolved or self._resolved[sub][1] <= self._office.clock():
            self._resolved[sub] = await resolve_response(self._office, sub)
        return self._resolved[sub][0]

    async def join(self, request: web.Request) -> web.StreamResponse:
        """``{"code", "configuration"}``: the invited body joins, with what it says of itself."""
        body = strict_json.load_object(await request.read(), max_bytes=MAX_JOIN)
        code = reader.get_str(body, "code", max_length=100)
        invited = await enrol.invited(self._office, code)
        token = reader.get_str(body, "configuration", max_length=MAX_JOIN)
        joined = await enrol.join(self._office, code, token, published=await _is_published(request, invited.entity, token))
        return web.json_response({"entity": joined.entity, "state": joined.state.value}, status=202)

    async def hand_over(self, request: web.Request) -> web.StreamResponse:
        """Both halves of a succession, which prove themselves; two people look at it. A stranger's word makes us ask nobody."""
        found = await successions.offer(self._office, await request.read(), None, _ask_nobody)
        return web.json_response({"outgoing": found.outgoing, "successor": found.successor, "version": found.version}, status=202)


async def _ask_nobody(_: Fetch) -> Fetched:
    raise Conflict("the successor is not below this office: give its people both halves in a file, for `federation succession offer`")


async def _is_published(request: web.Request, entity: str, token: str) -> bool:
    """Whether the body's own address shows the same keys. Only who holds an unused code makes us look."""
    try:
        said = await collect.read_configuration(entity, request.config_dict[FETCHER])
    except VcError:
        return False
    return said.sub == entity and said.keys == parse_statement(token).keys


def types_of(each: Subordinate) -> set[str]:
    """The entity types of a body, as far as its superior lets it have them."""
    if not each.configuration:
        return set()
    limits = parse_constraints(parse_terms(each.terms).limits)
    return set(limits.filter_types(parse_statement(each.configuration).metadata))


def _is_between(each: Subordinate) -> bool:
    """Whether it is a superior itself."""
    return bool(each.configuration) and FETCH_ENDPOINT in parse_statement(each.configuration).metadata.get(FEDERATION_ENTITY, {})


async def signed(office: Office, typ: str, claims: Mapping[str, Any]) -> str:
    """An answer of this superior's, dated now."""
    signer = await own.entity_of(office).signer()
    payload = strict_json.dumps({"iss": office.settings.public_url, "iat": office.clock(), **claims})
    unsigned = prepare_jws(typ=typ, payload=payload, key=signer.name, alg=signer.key.public.alg, header={"kid": signer.key.kid})
    return await sign(unsigned, office.custodian)


async def resolve_response(office: Office, sub: str, types: Collection[str] = ()) -> tuple[str, int]:
    """What the chain of ``sub`` comes to (section 8.3.2), with our marks of it, and when that ends.

    ``Missing`` for bodies that are not right below; errors as ``chain.resolve``.
    """
    chain = await chain_of(office, sub)
    marks = [each for each in await office.storage.read(lambda tx: superior.marks(tx, office.clock())) if each.sub == sub]
    exp = min([chain.exp, *(each.expires_at for each in marks)])
    claims = {
        "sub": sub,
        "exp": exp,
        "metadata": {kind: members for kind, members in chain.metadata.items() if not types or kind in types},
        "trust_marks": [{"trust_mark_type": each.type, "trust_mark": each.token} for each in marks],
        "trust_chain": list(chain.tokens),
    }
    return await signed(office, "resolve-response+jwt", claims), exp


async def chain_of(office: Office, sub: str) -> TrustChain:
    """From a body right below, or this one, to this one; from what was published, asking nobody."""
    entity = own.entity_of(office)

    async def unit(tx: Tx) -> list[EntityStatement]:
        found, statement = await subordinates.find(tx, sub), await superior.statement(tx, sub)
        both = [] if found is None or statement is None else [found.configuration, statement.token]
        return [parse_statement(each) for each in both if each]

    known = await office.storage.read(unit)
    if not known and sub != entity.entity:
        raise Missing("nothing is said here about that body")
    anchor = FederationAnchor(
        entity=entity.entity, keys=tuple(FederationKey.of(each.public) for each in await entity.listed()), name=office.settings.name
    )
    held = [parse_statement(await entity.newest()), *known]
    return run(resolve(sub, [anchor], at=office.clock()), answer_from(held))


def _one(request: web.Request, name: str, *, optional: bool = False) -> str:
    """A parameter that is there once; ``Malformed`` otherwise. Empty where it may be absent and is."""
    found = request.query.getall(name, [])
    if len(found) > 1 or (not found and not optional) or found == [""]:
        raise Malformed(f"the parameter {name} is needed once", where=f"/{name}")
    return found[0] if found else ""


def _flag(request: web.Request, name: str) -> bool | None:
    text = _one(request, name, optional=True)
    if text not in {"", "true", "false"}:
        raise Malformed(f"the parameter {name} is true or false", where=f"/{name}")
    return {"true": True, "false": False}.get(text)
