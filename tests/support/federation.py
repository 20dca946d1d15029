"""A federation of three levels for tests, each statement bent where a test wants it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from support.signing import AT, Signer

from shared.codec import base64url, strict_json
from shared.errors import Unavailable
from shared.flow import Fetch, Fetched, run
from shared.trust.chain import TrustChain, configuration_url, resolve, verify_trust_chain
from shared.trust.federation_anchor import FederationAnchor
from shared.trust.federation_keys import FederationKey, render_jwks
from shared.trust.statements import TYP
from shared.urls import with_query

DAY = 86_400
MINISTRY, COURTS, COURT = "https://justice.example", "https://courts.example", "https://leeds.courts.example"
VCT = "urn:fdc:vct.example:2027:order:1"


def signed(claims: Mapping[str, Any], signer: Signer, **header: Any) -> str:
    """A JWS of anything. A member that is ``None`` is left out, in claims and header."""
    head = {"alg": signer.public.alg, "typ": TYP, "kid": FederationKey.of(signer.public).kid, **header}
    parts = [strict_json.dumps({name: value for name, value in each.items() if value is not None}) for each in (head, claims)]
    signing_input = ".".join(base64url.encode(each) for each in parts)
    return f"{signing_input}.{base64url.encode(signer.raw(signing_input.encode()))}"


@dataclass
class Body:
    """One entity with its key. ``claims`` change what it says of itself, ``about`` what it says of each of those below it."""

    entity: str
    signer: Signer = field(default_factory=Signer.new)
    superiors: tuple[str, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    about: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def key(self) -> FederationKey:
        return FederationKey.of(self.signer.public)

    @property
    def fetch(self) -> str:
        return f"{self.entity}/fetch"

    def pin(self, **how: Any) -> FederationAnchor:
        return FederationAnchor(entity=self.entity, keys=(self.key,), name="Trial", **how)

    def common(self, sub: Body) -> dict[str, Any]:
        return {"iss": self.entity, "sub": sub.entity, "iat": AT - 60, "exp": AT + DAY, "jwks": render_jwks((sub.key,))}

    def itself(self, **claims: Any) -> str:
        """Its configuration."""
        own = {"federation_entity": {"organization_name": self.entity, "federation_fetch_endpoint": self.fetch}} | self.metadata
        said = {"metadata": own, "authority_hints": list(self.superiors) or None}
        return signed({**self.common(self), **said, **self.claims, **claims}, self.signer)

    def of(self, subject: Body, /, **claims: Any) -> str:
        """What it says of another."""
        return signed({**self.common(subject), **self.about.get(subject.entity, {}), **claims}, self.signer)


def critical(**claims: Any) -> dict[str, Any]:
    """Claims that a superior lists as critical."""
    return {**claims, "crit": list(claims)}


def says(vct: str = VCT, since: int = AT - 9 * DAY, until: int | None = None, **limits: Any) -> dict[str, Any]:
    """One entry of ``entitlements`` or ``accredits``."""
    return {"vct": vct, "from": since, **({} if until is None else {"until": until}), **limits}


class Tree:
    """Ministry over court service over one court, which may say ``VCT``."""

    def __init__(self) -> None:
        self.top = Body(MINISTRY)
        self.middle = Body(COURTS, superiors=(MINISTRY,))
        self.leaf = Body(COURT, superiors=(COURTS,), metadata={"openid_credential_issuer": {"display": ["Leeds"]}})
        self.top.about[COURTS] = critical(accredits=[says()])
        self.middle.about[COURT] = critical(entitlements=[says()])

    @property
    def bodies(self) -> tuple[Body, ...]:
        return self.leaf, self.middle, self.top

    def tokens(self, **bent: str) -> list[str]:
        """The chain, each part by its place: ``leaf``, ``about_leaf``, ``about_middle``, ``top``."""
        parts = {
            "leaf": self.leaf.itself(),
            "about_leaf": self.middle.of(self.leaf),
            "about_middle": self.top.of(self.middle),
            "top": self.top.itself(),
        }
        return list((parts | bent).values())

    def chain(self, **bent: str) -> TrustChain:
        return verify_trust_chain(self.tokens(**bent), [self.top.pin()], at=AT)

    def street(self) -> Street:
        return Street(self.bodies)


class Street:
    """What all bodies publish, and who asked for it. ``lies`` change what an address answers: a text, a status, or an error."""

    def __init__(self, bodies: Iterable[Body]) -> None:
        self.bodies = {each.entity: each for each in bodies}
        self.lies: dict[str, str | int | Exception] = {}
        self.asked: list[str] = []

    def answer(self, fetch: Fetch) -> Fetched:
        self.asked.append(fetch.url)
        said = self.lies.get(fetch.url) or self._truth(fetch.url)
        if isinstance(said, Exception):
            raise said
        if isinstance(said, int):
            return Fetched(status=said)
        return Fetched(status=200, body=said.encode())

    def _truth(self, url: str) -> str | Exception:
        for body in self.bodies.values():
            if url == configuration_url(body.entity):
                return body.itself()
            for other in self.bodies.values():
                if other is not body and url == with_query(body.fetch, {"sub": other.entity}):
                    return body.of(other)
        return Unavailable("nobody lives here")

    def resolve(self, entity: str, *anchors: FederationAnchor, **how: Any) -> TrustChain:
        return run(resolve(entity, anchors, **{"at": AT, **how}), self.answer)


def statement_url(superior: Body, sub: Body) -> str:
    return with_query(superior.fetch, {"sub": sub.entity})
