"""What a service says of itself in federations: its entity configuration, signed by the clock with its federation key, served to everybody.

OpenID Federation 1.0 sections 3.1.2, 5.1.1 and 9. It is signed anew every day and whenever it says something else, and lives seven days. It
lies in the database, so that all processes of the service serve the same. Nothing in it entitles the service to anything (security rule S14).
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlsplit

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from ..clock import DAY, Clock
from ..codec import base64url, strict_json
from ..credentials import Text
from ..errors import ConfigError, Missing, Unavailable, VcError
from ..jose.jwk import thumbprint
from ..keys import Custodian, KeyId, Role, sign
from ..storage import Storage, Tx
from ..trust.carried import ENTITY_TYPES
from ..trust.chain import configuration_url
from ..trust.constraints import FEDERATION_ENTITY
from ..trust.federation_keys import FederationKey, render_jwks
from ..trust.key_proofs import COMPROMISED, ENDS, MEMBER, prepare_key_proof
from ..trust.snapshot import MAX_LIFE, KeyHistory, KeyState
from ..trust.statements import MEDIA_TYPE, HeldMark, parse_statement, prepare_entity_configuration
from . import above, own_trust
from .certificates import day
from .keyring import Keyring
from .own_trust import OwnKey
from .settings import Common

log = logging.getLogger("muniment.trust")

FEDERATION: Final = KeyId("federation")
ROLES: Final[Mapping[KeyId, Role]] = {FEDERATION: Role.FEDERATION}
EVERY: Final = DAY  # seconds after which the same is said again, with new dates
_LISTED: Final = frozenset({KeyState.CREATED, KeyState.ACTIVE, KeyState.VERIFY_ONLY})
_TYPES: Final[Mapping[Role, str]] = {**ENTITY_TYPES, Role.FEDERATION: FEDERATION_ENTITY}
Metadata = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Said:
    """More that an entity says of itself: metadata by entity type, who issues which trust marks, and those that it has.

    ``keys`` are those of its documents, questions and wallets, by entity type and by the custodian's names: they are listed, and prove themselves.
    """

    metadata: Metadata
    keys: Mapping[str, Sequence[KeyId]] = field(default_factory=dict)
    trust_mark_issuers: Mapping[str, Sequence[str]] | None = None
    trust_marks: Sequence[HeldMark] = ()


@dataclass(frozen=True, slots=True)
class FederationSigner:
    """The federation key that signs at present, and what the custodian calls it."""

    name: KeyId
    key: FederationKey


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnEntity:
    """``entity`` is its identifier, ``url`` the public address where it is served; ``says`` what the service is, asked before each signature.

    ``days`` is how long a federation key signs, as the setting ``key_days`` has it.
    """

    storage: Storage
    custodian: Custodian
    clock: Clock
    entity: str
    url: str
    name: Text
    hints: Sequence[str]
    days: int
    says: Callable[[], Awaitable[Said]]

    async def signer(self) -> FederationSigner:
        """The federation key that signs at present. ``Missing`` for a service that was set up before it had one; ``Unavailable`` once it is over
        and no other follows.
        """
        active = _active(await self.storage.read(_keys))
        name = FEDERATION if active is None else active.name
        key = FederationKey.of(await self.custodian.public(name))
        if active is None or key.public != active.public:

            async def begin(tx: Tx) -> OwnKey | None:
                await own_trust.begin(tx, key.public, name=name, role=Role.FEDERATION, entity=self.entity, at=self.clock())
                return _active(await _keys(tx))

            if await self.storage.write(begin, point="begin-key") is None:
                raise Unavailable("the federation key of this service is over, and no other follows: run `keys rotate federation --now`")
        return FederationSigner(name, key)

    async def key(self) -> FederationKey:
        """As ``signer``, the key alone."""
        return (await self.signer()).key

    @property
    def ring(self) -> Keyring:
        """Its federation keys, one after another."""
        return federation_ring(self.storage, self.custodian, self.clock, entity=self.entity, hints=self.hints, days=self.days)

    async def listed(self) -> list[OwnKey]:
        """The federation keys that it names: who signs, who is to, and who did lately. Errors as ``signer``."""
        await self.signer()
        return [each for each in await self.storage.read(_keys) if each.state in _LISTED]

    async def configure(self) -> str:
        """Its configuration, signed anew if it says something else or a day has passed. ``Missing`` without a key."""
        signer, said, at = await self.signer(), await self.says(), self.clock()
        own = await self.listed()
        keys = [FederationKey.of(each.public) for each in own]
        names = {"organization_name": self.name.en, "organization_name#cy": self.name.cy}
        listed = {kind: await self._public(names) for kind, names in said.keys.items()}
        more = {kind: {**said.metadata.get(kind, {}), "jwks": render_jwks(each.values())} for kind, each in listed.items()}
        metadata = {**said.metadata, **more, FEDERATION_ENTITY: {**names, **said.metadata.get(FEDERATION_ENTITY, {})}}
        for kind, reported in _reported(await self.storage.read(own_trust.keys)).items():
            if kind in metadata:
                metadata[kind] = {**metadata[kind], COMPROMISED: reported}
        told = [
            self.entity,
            signer.key.kid,
            [each.kid for each in keys],
            metadata,
            list(self.hints),
            said.trust_mark_issuers,
            [list(each) for each in said.trust_marks],
        ]
        content = base64url.encode(sha256(strict_json.dumps(told)).digest())
        row = await self.storage.read(self._last)
        if row is not None and row["content"] == content and at < int(row["issued_at"]) + EVERY:
            return str(row["token"])
        issued = at if row is None else max(at, int(row["issued_at"]))
        proving = {
            **listed,
            FEDERATION_ENTITY: {each.name: FederationKey.of(each.public) for each in own if each.state is KeyState.CREATED},
        }
        token = await sign(
            prepare_entity_configuration(
                entity=self.entity,
                keys=keys,
                at=issued,
                exp=issued + MAX_LIFE,
                metadata={**metadata, **await self._proofs(metadata, proving, issued)},
                key=signer.name,
                signer=signer.key,
                authority_hints=self.hints,
                trust_marks=said.trust_marks,
                trust_mark_issuers=said.trust_mark_issuers,
            ),
            self.custodian,
        )

        async def keep(tx: Tx) -> str:
            now = await self._last(tx)
            if now is not None and now["content"] == content and int(now["issued_at"]) >= issued:
                return str(now["token"])  # another process was faster
            if now is not None and signer.name != _name(await _keys(tx)):
                return str(now["token"])  # another key signs since
            await own_trust.tell(tx, [each.history for each in own], at=issued)
            await tx.execute(
                "INSERT INTO own_configuration (entity, issued_at, expires_at, content, token) VALUES ($1, $2, $3, $4, $5) "
                "ON CONFLICT (entity) DO UPDATE SET issued_at = $2, expires_at = $3, content = $4, token = $5",
                self.entity,
                issued,
                issued + MAX_LIFE,
                content,
                token,
            )
            return token

        return await self.storage.write(keep, point="configure")

    async def _public(self, keys: Iterable[KeyId]) -> dict[KeyId, FederationKey]:
        """Named by their thumbprints (RFC 7638)."""
        return {each: FederationKey.of(await self.custodian.public(each)) for each in keys}

    async def _proofs(self, metadata: Metadata, listed: Mapping[str, Mapping[KeyId, FederationKey]], at: int) -> Metadata:
        """The metadata of each entity type that has keys, with a proof of each of them."""
        found = dict[str, Mapping[str, Any]]()
        for kind, keys in listed.items():
            made = [
                await sign(prepare_key_proof(entity=self.entity, kind=kind, at=at, exp=at + MAX_LIFE, key=key, public=each), self.custodian)
                for key, each in keys.items()
            ]
            found[kind] = {**metadata[kind], MEMBER: made}
        return found

    async def _last(self, tx: Tx) -> Any:
        return await tx.fetchrow("SELECT * FROM own_configuration WHERE entity = $1", self.entity)

    async def tend(self, _: object = None) -> None:
        """As ``configure``, on the timer, after its next key was seen to. A service without a key says nothing of itself."""
        await self.ring.tend()
        try:
            await self.configure()
        except Missing:
            log.debug("this service has no federation key: `keys create` makes one")
        except VcError as error:
            log.warning("what this service says of itself in federations could not be signed: %s", error)

    async def newest(self) -> str:
        """What is served; ``Missing`` before the first."""
        row = await self.storage.read(self._last)
        if row is None:
            raise Missing("nothing is said here in any federation")
        return str(row["token"])

    async def examine(self) -> str:
        """For whoever looks after the service; ``ConfigError`` without a key, and for one that somebody above, as last heard, does not know."""
        try:
            key, following = await self.key(), await self.ring.examine()
            until = parse_statement(await self.configure()).exp
        except Missing as error:
            raise ConfigError("there is no federation key: run `keys create`") from error
        said = [each for each in await self.storage.read(above.everybody) if each.entity in self.hints and each.statement]
        unknown = [each.entity for each in said if all(one.public != key.public for one in parse_statement(each.statement).keys)]
        if unknown:
            raise ConfigError(f"{', '.join(unknown)} does not know the key {key.kid}: it has to invite this service again")
        where = f"below {', '.join(self.hints)}" if self.hints else "below nobody"
        return f"key {key.kid}, {where}, said until {day(until)}; {following}"

    def add_to(self, app: web.Application) -> None:
        """Serve it at ``/.well-known/openid-federation``, below the path of the public address (section 9)."""
        app.router.add_get(urlsplit(configuration_url(self.url)).path, told(self.show))

    async def show(self, _: web.Request) -> web.Response:
        """The same for everybody."""
        return public(await self.newest(), MEDIA_TYPE)


def _reported(known: Iterable[KeyHistory]) -> dict[str, list[str]]:
    """The keys that are in other hands, by entity type."""
    found = dict[str, list[str]]()
    for each in known:
        if each.state is KeyState.COMPROMISED and each.role in _TYPES:
            found.setdefault(_TYPES[each.role], []).append(each.thumbprint)
    return found


async def verifying(storage: Storage, role: Role) -> list[OwnKey]:
    """The keys of ``role`` that verify: the one that signs, the next, and those before while what they signed may be about."""
    known = await storage.read(lambda tx: own_trust.own_keys(tx, role))
    return [each for each in known if each.name and each.state not in {KeyState.ENDED, KeyState.COMPROMISED}]


def key_ends(known: Iterable[OwnKey]) -> dict[str, Any]:
    """Since when those of them sign no more that only verify, as the metadata of their entity type has it; empty where there are none."""
    ends = {thumbprint(each.public): each.history.until for each in known if each.state is KeyState.VERIFY_ONLY}
    return {ENDS: ends} if ends else {}


async def describe(storage: Storage, custodian: Custodian) -> list[str]:
    """A line for the list of keys on the federation key that signs, and on the one that is told ahead; none where there is no such key."""
    told = [each for each in await storage.read(_keys) if not each.state.is_over]
    with suppress(Missing):
        keys = [(each.name, each.public) for each in told] or [(FEDERATION, await custodian.public(FEDERATION))]
        return [f"{name}  {Role.FEDERATION}  {key.alg}  thumbprint {thumbprint(key)}   (superiors compare this)" for name, key in keys]
    return []


def public(body: str | bytes, media_type: str) -> web.Response:
    """An answer that is the same for everybody, whichever page asks for it."""
    headers = {
        hdrs.CACHE_CONTROL: "public, max-age=300",
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    return web.Response(body=body.encode() if isinstance(body, str) else body, content_type=media_type, headers=headers)


def told(handler: Handler) -> Handler:
    """``handler``, whose errors are told in the codes of section 8.9."""

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except VcError as error:
            codes = {404: "not_found", 503: "temporarily_unavailable"}
            return refusal(codes.get(error.status, "invalid_request" if error.status < 500 else "server_error"), error.status, error.detail)

    return handle


def refusal(code: str, status: int, words: str) -> web.Response:
    """An error as section 8.9 has it."""
    body = strict_json.dumps({"error": code, "error_description": words})
    return web.Response(body=body, status=status, content_type="application/json", headers={hdrs.CACHE_CONTROL: "no-store"})


def name_of(settings: Common, fallback: str) -> Text:
    """The organisation in both languages, as the settings have it."""
    name = settings.organization_name or fallback
    return Text(name, settings.organization_name_cy or name)


async def _keys(tx: Tx) -> list[OwnKey]:
    return await own_trust.own_keys(tx, Role.FEDERATION)


def _active(keys: Iterable[OwnKey]) -> OwnKey | None:
    return next((each for each in keys if each.state is KeyState.ACTIVE), None)


def _name(keys: Iterable[OwnKey]) -> KeyId | None:
    active = _active(keys)
    return None if active is None else active.name


def federation_ring(storage: Storage, custodian: Custodian, clock: Clock, *, entity: str, hints: Sequence[str], days: int) -> Keyring:
    """The federation keys of ``entity``, one after another. Below nobody it may be pinned by people, who follow no clock: there they decide.

    A key signs only once everybody above, as far as is known, names it as this entity's.
    """

    async def lagging(key: OwnKey) -> Sequence[str]:
        said = {each.entity: each.statement for each in await storage.read(above.everybody) if each.statement}
        return [hint for hint in hints if hint not in said or all(each.public != key.public for each in parse_statement(said[hint]).keys)]

    return Keyring(
        storage=storage,
        custodian=custodian,
        clock=clock,
        first=FEDERATION,
        role=Role.FEDERATION,
        entity=entity,
        days=days if hints else 0,
        life=MAX_LIFE + DAY,
        lagging=lagging,
    )
