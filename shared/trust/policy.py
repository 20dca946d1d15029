"""May this entity say this, at that instant? Today the answer comes from pinned anchors; trust chains will answer the same question."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..errors import NotEntitled, Rejected, Undecided, Untrusted
from ..keys import Role
from ..x509 import Cert, Crl, verify_chain
from .anchors import Anchor, TrustAnchors


@dataclass(frozen=True, slots=True)
class Policy:
    """Trust as a question: (entity, type, instant). Silence is never a yes (S14)."""

    anchors: TrustAnchors

    def check_issuer(self, x5c: Sequence[bytes], entity: str, vct: str, at: int, crls: Sequence[Crl] = ()) -> Cert:
        """The leaf, if the chain ends at an anchor that is pinned for issuers, for this entity and this type, at that time.

        ``Untrusted``, ``Expired``, ``NotYetValid``, ``CertificateRevoked`` from the chain; ``NotEntitled`` where the leaf does not name
        ``entity`` as its URI, or the pin is narrower than the question.
        """

        def entitled(anchor: Anchor, leaf: Cert) -> None:
            _check_entity(anchor, leaf, entity)
            if anchor.vcts is not None and vct not in anchor.vcts:
                raise NotEntitled("the issuer is trusted, but not for this type of document")

        return self._find(Role.CREDENTIAL_ISSUER, x5c, at, crls, entitled)

    def check_relying_party(self, x5c: Sequence[bytes], at: int, crls: Sequence[Crl] = (), *, entity: str | None = None) -> Cert:
        """The leaf of an organisation that asks; with ``entity``, also that it is this one. Errors as ``check_issuer``."""

        def entitled(anchor: Anchor, leaf: Cert) -> None:
            named = anchor.entity if entity is None else entity
            if named is not None:
                _check_entity(anchor, leaf, named)

        return self._find(Role.RELYING_PARTY, x5c, at, crls, entitled)

    def _find(self, role: Role, x5c: Sequence[bytes], at: int, crls: Sequence[Crl], check: Callable[[Anchor, Cert], None]) -> Cert:
        """One anchor that carries the chain and is entitled is enough; otherwise the error that came closest to a yes is told."""
        if not x5c:
            raise Untrusted("no certificate came with it")
        closest: Rejected | Undecided = Untrusted("the certificates lead to nobody who is trusted here")
        for anchor in self.anchors.with_role(role):
            try:
                leaf = verify_chain(x5c, (anchor.certificate,), at=at, role=role, crls=crls)
                check(anchor, leaf)
            except Untrusted:
                continue
            except (Rejected, Undecided) as error:
                closest = error
            else:
                return leaf
        raise closest


def _check_entity(anchor: Anchor, leaf: Cert, entity: str) -> None:
    if entity not in leaf.uris:
        raise NotEntitled("the certificate does not name this entity")
    if anchor.entity is not None and anchor.entity != entity:
        raise NotEntitled("the anchor is trusted for another entity")
