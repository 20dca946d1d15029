"""An office that is a superior, and the bodies below it, for tests of its side of a federation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from support.federation import Body
from support.registry import URL, Registry
from support.signing import Signer

from issuer.federation import collect, enrol, publish
from issuer.federation.own import entity_of
from issuer.federation.terms import Terms
from issuer.records import subordinates
from issuer.records.subordinates import Subordinate
from issuer.sessions import Actor
from shared.clock import system_entropy
from shared.errors import Unavailable
from shared.flow import Fetch, Fetched
from shared.keys import KeyId
from shared.trust.chain import TrustChain, configuration_url, verify_trust_chain
from shared.trust.entitlements import Entitlement, Grants
from shared.trust.federation_anchor import FederationAnchor
from shared.trust.federation_keys import FederationKey, render_jwks
from shared.trust.key_proofs import MEMBER, ROLES, prepare_key_proof
from shared.web import operators
from shared.web.operators import Operator
from shared.web.passphrases import hash_passphrase

VCT = "urn:fdc:vct.example:2027:court-order:1"  # of no type that is installed
ANA, BEN = Actor(role="approver", name="Ana"), Actor(role="admin", name="Ben")
COURT = "https://leeds.courts.example"
SAYS = Terms(grants=Grants(entitlements=(Entitlement(vct=VCT, since=1_700_000_000),)))


class Below(Body):
    """A body that names ``superior``, at the office's time, with a key for its documents."""

    def __init__(self, entity: str = COURT, *, superior: str = URL, **more: Any) -> None:
        super().__init__(entity, superiors=(superior,), **more)
        self.documents = Signer.new()
        self.proving: tuple[Signer, ...] | None = None  # whose proofs it shows; of its documents where a test says nothing else
        self.copied: tuple[str, ...] = ()  # proofs of others
        self.metadata = self.metadata or {"openid_credential_issuer": {"jwks": render_jwks([FederationKey.of(self.documents.public)])}}

    def said(self, at: int, **claims: Any) -> str:
        own = {"federation_entity": {"organization_name": "Leeds"}} | self.metadata
        own = {kind: {**members, MEMBER: self._proofs(kind, at)} if kind in ROLES else members for kind, members in own.items()}
        return self.itself(**{"iat": at - 60, "exp": at + 86_400, "metadata": own, **claims})

    def _proofs(self, kind: str, at: int) -> list[str]:
        return [*self.copied, *(self.proof(each, at, kind) for each in ((self.documents,) if self.proving is None else self.proving))]

    def proof(self, signer: Signer, at: int, kind: str = "openid_credential_issuer") -> str:
        """That it holds that key."""
        key = FederationKey.of(signer.public)
        return signer.finish(prepare_key_proof(entity=self.entity, kind=kind, at=at - 60, exp=at + 86_400, key=KeyId("own"), public=key))


class Street:
    """What the bodies' own addresses serve."""

    def __init__(self, registry: Registry, bodies: Iterable[Below]) -> None:
        self.registry, self.bodies = registry, {configuration_url(each.entity): each for each in bodies}
        self.asked: list[str] = []

    async def __call__(self, fetch: Fetch) -> Fetched:
        self.asked.append(fetch.url)
        if fetch.url not in self.bodies:
            raise Unavailable("nobody answers")
        return Fetched(status=200, body=self.bodies[fetch.url].said(self.registry.clock()).encode())


async def row(registry: Registry, entity: str = COURT) -> Subordinate:
    return await registry.office.storage.read(lambda tx: subordinates.get(tx, entity))


async def enrolled(registry: Registry, body: Below, terms: Terms = SAYS, *, name: str = "Leeds court") -> Subordinate:
    """Invited, joined, visited, approved by another, and published."""
    office = registry.office
    code = await enrol.invite(office, body.entity, name, terms, ANA)
    joined = await enrol.join(office, code, body.said(registry.clock()), published=True)
    found = await enrol.approve(office, body.entity, BEN, version=joined.version)
    await collect.visit(office, Street(registry, [body]))
    await publish.publish(office)
    return found


async def pin(registry: Registry, **how: Any) -> FederationAnchor:
    key = await entity_of(registry.office).key()
    return FederationAnchor(entity=registry.url, keys=(key,), name="Ministry", **how)


async def asked(registry: Registry, path: str, **query: str) -> tuple[int, str, str]:
    answer = await registry.get(f"{path}?{urlencode(query)}")
    return answer.status, answer.content_type, await answer.text()


async def chain_of(registry: Registry, body: Below, **how: Any) -> TrustChain:
    """As a stranger builds it: three fetched statements, one pinned key."""
    tokens = [
        body.said(registry.clock()),
        (await asked(registry, "/federation/fetch", sub=body.entity))[2],
        (await asked(registry, "/.well-known/openid-federation"))[2],
    ]
    return verify_trust_chain(tokens, [await pin(registry, **how)], at=registry.clock())


async def add_ben(registry: Registry, *, handed: bool = False) -> str:
    """A second person of the office; his passphrase, which whoever let him in knows too while it is ``handed``."""
    passphrase = "another-long-one"
    phc = hash_passphrase(passphrase, system_entropy)
    ben = Operator(id="ben", name="Ben", role="approver", passphrase=phc, made_at=0, ended_at=None, handed=handed)
    await registry.office.storage.write(lambda tx: operators.add(tx, ben))
    return passphrase
