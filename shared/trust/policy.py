"""May this entity say this, at that instant? The one place that decides it: pinned anchors, their snapshots, lists of withdrawn certificates.

An anchor that publishes a snapshot is asked through it: a chain outside the newest one, a key whose time is over and a certificate without
a list of withdrawn ones in force are refused (S15-S17). An anchor of which no snapshot is known here is asked by its certificate alone, as
every foreign authority is online, unless it is among ``needs``: then nothing is decided. From a checking pack every anchor needs one that
its owner did not pin as without (``Policy.sealed``). What any anchor that may speak for an entity says of the end of a key holds under all
others too (S15, S16).

Where no pinned certificate carries an answer, a pinned federation may (``federation``, ADR 0009): of the chain that came along only the key
counts then, and who its superiors say it belongs to. What either world says of the end of a key, or of a certificate, holds in the other.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TypeVar
from urllib.parse import urlsplit

from ..codec import base64url
from ..errors import CertificateRevoked, NotEntitled, Rejected, SnapshotMissing, Undecided, Untrusted, VcError
from ..keys import PublicKey, Role
from ..x509 import Cert, Crl, load_certificate, verify_chain
from .anchors import Anchor, TrustAnchors
from .carried import Carried, Key
from .dids import DidPin
from .federation import FederatedIssuer, Federation
from .missing import MADE_BY
from .registrars import Registered
from .snapshot import KeyHistory, Snapshot, thumbprint_of, worst

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Policy:
    """Trust as a question: (entity, type, instant). Silence is never a yes (S14).

    ``snapshots`` are the newest verified ones by the fingerprint of their anchor, ``crls`` the lists known beside those that a question
    brings, ``needs`` the fingerprints of anchors that may not be asked without a snapshot. ``federation`` is what federations say,
    ``registered`` whom their registrars have registered to ask, by entity.
    """

    anchors: TrustAnchors
    snapshots: Mapping[str, Snapshot] = field(default_factory=dict)
    crls: Sequence[Crl] = ()
    needs: Collection[str] = ()
    federation: Federation = field(default_factory=Federation)
    registered: Mapping[str, Registered] = field(default_factory=dict)

    @classmethod
    def sealed(
        cls,
        anchors: TrustAnchors,
        snapshots: Mapping[str, Snapshot],
        crls: Sequence[Crl] = (),
        *,
        seen: Collection[str] = (),
        federation: Federation | None = None,
    ) -> Policy:
        """The policy of a checking pack. ``seen`` are anchors that are known to publish snapshots, whatever their pins say."""
        needs = {each.fingerprint for each in anchors.anchors if not each.without_snapshot}
        needs |= {each.did for each in anchors.dids if not each.without_snapshot}
        return cls(anchors, snapshots, crls, frozenset(needs.union(seen)), federation or Federation(anchors.federation))

    def check_issuer(
        self,
        x5c: Sequence[bytes],
        entity: str,
        vct: str,
        at: int,
        crls: Sequence[Crl] = (),
        *,
        issued_at: int | None = None,
        kid: bytes = b"",
        trust_chain: Sequence[object] = (),
    ) -> Cert | FederatedIssuer:
        """The leaf, if the chain ends at an anchor that is pinned for issuers, for this entity and this type, at that time; else the entity as a
        federation carries it, by the key of the leaf, or of that ``kid`` where no certificate came. ``trust_chain`` came along.

        ``Untrusted``, ``Expired``, ``NotYetValid``, ``CertificateRevoked`` from the chain and its snapshot; ``NotEntitled`` where the leaf
        does not name ``entity`` as its URI, or the pin is narrower than the question, or no superior lets it say that type, at ``issued_at``
        if that is given; ``CrlStale``, ``SnapshotStale``, ``SnapshotMissing`` where nobody can tell.
        """

        def entitled(anchor: Anchor, leaf: Cert) -> None:
            _check_entity(anchor, leaf, entity)
            if anchor.vcts is not None and vct not in anchor.vcts:
                raise NotEntitled("the issuer is trusted, but not for this type of document")

        try:
            return self._find(Role.CREDENTIAL_ISSUER, x5c, at, crls, entitled)
        except (Rejected, Undecided) as error:
            if not x5c:
                self._check_named(kid, entity, at)

            def ask(leaf: Cert | None) -> FederatedIssuer:
                key = None if leaf is None else _key_of(leaf.der)
                found = self.federation.issuer(entity, vct, at, key=key, kid=kid, tokens=trust_chain)
                self._check_ended(found.key, leaf, entity, at)
                self.check_withdrawn(Role.CREDENTIAL_ISSUER, x5c, entity, at, crls)
                if issued_at is not None:
                    found.check_said(issued_at)
                return found

            known, brought = self.federation.knows(entity), bool(trust_chain)
            return self._federated(error, x5c, at, ask, known=known or brought, brought=brought)

    def check_metadata_signer(
        self, x5c: Sequence[bytes], entity: str, at: int, crls: Sequence[Crl] = (), *, trust_chain: Sequence[object] = ()
    ) -> Cert:
        """The leaf of an issuer that signs what it says of itself: as ``check_issuer``, whatever types its anchor is pinned for."""
        try:
            return self._find(Role.CREDENTIAL_ISSUER, x5c, at, crls, lambda anchor, leaf: _check_entity(anchor, leaf, entity))
        except (Rejected, Undecided) as error:
            return self._body(error, Role.CREDENTIAL_ISSUER, x5c, at=at, entity=entity, tokens=trust_chain)

    def check_heir(self, x5c: Sequence[bytes], entity: str, at: int, crls: Sequence[Crl] = (), *, kid: bytes = b"") -> PublicKey:
        """The key with which ``entity`` signs documents, by its certificate or else by the name ``kid`` in a federation, whatever types it may say.

        Errors as ``check_metadata_signer``.
        """
        if x5c:
            return self.check_metadata_signer(x5c, entity, at, crls).public
        key = self.federation.vouch(Role.CREDENTIAL_ISSUER, entity, at, key=None, kid=kid)[0][1]
        self._check_ended(key, None, entity, at)
        self.check_withdrawn(Role.CREDENTIAL_ISSUER, x5c, entity, at, crls)
        return key.public

    def check_wallet_provider(self, x5c: Sequence[bytes], at: int, crls: Sequence[Crl] = (), *, trust_chain: Sequence[object] = ()) -> Cert:
        """The leaf of whoever vouches for wallets and their keys; errors as ``check_issuer``. An anchor pinned for an entity vouches as it."""

        def entitled(anchor: Anchor, leaf: Cert) -> None:
            if anchor.entity is not None:
                _check_entity(anchor, leaf, anchor.entity)

        try:
            return self._find(Role.WALLET_PROVIDER, x5c, at, crls, entitled)
        except (Rejected, Undecided) as error:
            return self._body(error, Role.WALLET_PROVIDER, x5c, at=at, entity=None, tokens=trust_chain)

    def check_did(self, did: str, vct: str) -> DidPin:
        """The pin of ``did``, if it may say this type. Which key it has is not asked here, and a DID that is not pinned has none that counts.

        ``Untrusted``, ``NotEntitled``; ``SnapshotMissing`` where a checking pack is to answer, which knows nothing of a DID's keys.
        """
        for pin in self.anchors.dids:
            if pin.did == did:
                if pin.vcts is not None and vct not in pin.vcts:
                    raise NotEntitled("the issuer is trusted, but not for this type of document")
                if did in self.needs:
                    raise SnapshotMissing("nobody says which keys of a DID are in force; it may be pinned as one without")
                return pin
        raise Untrusted("this DID is not trusted here")

    def check_relying_party(
        self,
        x5c: Sequence[bytes],
        at: int,
        crls: Sequence[Crl] = (),
        *,
        entity: str | None = None,
        trust_chain: Sequence[object] = (),
    ) -> Cert:
        """The leaf of an organisation that asks; with ``entity``, also that it is this one. Errors as ``check_issuer``.

        Where neither anchors nor superiors carry it, a registrar may: then its key and its names are those that are registered.
        """

        def entitled(anchor: Anchor, leaf: Cert) -> None:
            named = anchor.entity if entity is None else entity
            if named is not None:
                _check_entity(anchor, leaf, named)

        try:
            return self._find(Role.RELYING_PARTY, x5c, at, crls, entitled)
        except (Rejected, Undecided) as error:
            try:
                return self._body(error, Role.RELYING_PARTY, x5c, at=at, entity=entity, tokens=trust_chain)
            except CertificateRevoked:
                raise
            except (Rejected, Undecided):
                leaf = self._registered(x5c, at, entity)
                if leaf is None:
                    raise
                return leaf

    def _registered(self, x5c: Sequence[bytes], at: int, entity: str | None) -> Cert | None:
        """The leaf as a registrar knows it, if it has registered its key; ``CertificateRevoked`` or ``Untrusted`` for a key that has ended."""
        if not x5c or not self.registered:
            return None
        leaf = load_certificate(x5c[0])
        for one in leaf.uris if entity is None else (entity,):
            known = self.registered.get(one)
            if known is not None and known.certificate.public == leaf.public:
                known.check(at)
                _check(self.ended(_key_of(leaf.der), one), at)
                self.check_withdrawn(Role.RELYING_PARTY, x5c, one, at)
                return _known_as(leaf, one, known.certificate.name.en)
        return None

    def _body(
        self,
        error: Rejected | Undecided,
        role: Role,
        x5c: Sequence[bytes],
        *,
        at: int,
        entity: str | None,
        tokens: Sequence[object],
    ) -> Cert:
        """The leaf as its superiors know it, if its key is one of ``entity`` in that role; it names itself where that is ``None``."""

        def ask(leaf: Cert | None) -> Cert:
            if leaf is None:
                raise error
            fault: Rejected | Undecided = error
            for one in leaf.uris if entity is None else (entity,):
                try:
                    carried, key = self.federation.vouch(role, one, at, key=_key_of(leaf.der), tokens=tokens)[0]
                    self._check_ended(key, leaf, one, at)
                    self.check_withdrawn(role, x5c, one, at)
                except (Rejected, Undecided) as other:
                    fault = other
                else:
                    return _as_known(leaf, carried)
            raise fault

        return self._federated(error, x5c, at, ask, known=entity is None or self.federation.knows(entity))

    def _federated(
        self,
        error: Rejected | Undecided,
        x5c: Sequence[bytes],
        at: int,
        ask: Callable[[Cert | None], T],
        *,
        known: bool,
        brought: bool = False,
    ) -> T:
        """What ``ask`` finds in the federation, where the certificates do not carry it; else the error that came closest to a yes.

        A chain that came along (``brought``) is looked at also where no federation is pinned: its end is whom one would have to trust.
        """
        if not (self.federation.anchors or brought) or isinstance(error, CertificateRevoked):
            raise error
        leaf = load_certificate(x5c[0]) if x5c else None
        if leaf is not None:
            _check(worst(self._told(thumbprint_of(leaf.der), leaf.uris)), at)
        try:
            return ask(leaf)
        except CertificateRevoked:
            raise
        except (Rejected, Undecided) as other:
            nearer = isinstance(other, Undecided) or (isinstance(error, Rejected) and (known or not x5c))
            raise other if nearer else error from None

    def _find(self, role: Role, x5c: Sequence[bytes], at: int, crls: Sequence[Crl], check: Callable[[Anchor, Cert], None]) -> Cert:
        """A chain that one anchor carries, of a key that no anchor calls over: then not even "undecided" is left."""
        if not x5c:
            raise Untrusted("no certificate came with it")
        try:
            leaf = self._carried(role, x5c, at, crls, check)
        except Undecided:
            self._check_fate(load_certificate(x5c[0]), at)
            raise
        self._check_fate(leaf, at)
        return leaf

    def fate(self, leaf: Cert) -> KeyHistory | None:
        """How the key of ``leaf`` ended, by the word of anyone who may speak for an entity of it: a compromise, else the earliest end."""
        return self._ended(thumbprint_of(leaf.der), leaf.uris) if self.snapshots or self.federation.words else None

    def ended(self, key: Key, entity: str, carried: Carried | None = None) -> KeyHistory | None:
        """As ``fate``, of a key that stands in no certificate, or in one that names whom it likes; of the body that is ``carried``, if that is given."""
        told = self._told(key.name, (entity,))
        history = self.federation.key(entity, key.name, carried)
        return worst(told if history is None else [*told, history])

    def _ended(self, name: str, entities: Collection[str]) -> KeyHistory | None:
        heard = [self.federation.key(entity, name) for entity in entities] if self.federation.words else []
        return worst([*self._told(name, entities), *(each for each in heard if each is not None)])

    def _told(self, name: str, entities: Collection[str]) -> list[KeyHistory]:
        """By pinned anchors of certificates."""
        told: list[KeyHistory] = []
        for anchor in self.anchors.anchors if self.snapshots else ():
            snapshot = self.snapshots.get(anchor.fingerprint)
            if snapshot is not None and (anchor.entity is None or anchor.entity in entities) and name in snapshot.keys:
                told.append(snapshot.keys[name])
        return told

    def _check_fate(self, leaf: Cert, at: int) -> None:
        _check(self.fate(leaf), at)

    def _check_named(self, kid: bytes, entity: str, at: int) -> None:
        """As ``_check_fate``, of the key of that name where no certificate is known: that of a compromised key is in no snapshot any more."""
        name = base64url.encode(kid)
        for anchor in self.anchors.with_role(Role.CREDENTIAL_ISSUER):
            snapshot = self.snapshots.get(anchor.fingerprint)
            if snapshot is not None and anchor.entity in {None, entity}:
                for each in snapshot.keys.values():
                    if (each.entity, each.kid) == (entity, name):
                        each.check(at)

    def _check_ended(self, key: Key, leaf: Cert | None, entity: str, at: int) -> None:
        """By pinned anchors of certificates, which have been asked of ``leaf`` for those whom it names; the federation has judged it."""
        _check(worst(self._told(key.name, (entity,)) if leaf is None or entity not in leaf.uris else ()), at)

    def check_withdrawn(self, role: Role, x5c: Sequence[bytes], entity: str, at: int, crls: Sequence[Crl] = ()) -> None:
        """Of a key that others than certificates carry: ``SnapshotMissing`` where an authority is pinned for this very entity that has withdrawn
        certificates and does not say of which keys, unless a certificate of the key came along that it has not withdrawn (S16).
        """
        known = (*self.crls, *crls)
        for anchor in self.anchors.with_role(role):
            told = anchor.entity != entity or anchor.fingerprint in self.snapshots
            if told or not any(each.serials and each.is_by(anchor.certificate) for each in known):
                continue
            try:
                verify_chain(x5c, (anchor.certificate,), at=at, role=role, crls=known)
            except VcError as error:
                raise SnapshotMissing("its own authority has withdrawn certificates, and does not say of which keys") from error

    def _carried(self, role: Role, x5c: Sequence[bytes], at: int, crls: Sequence[Crl], check: Callable[[Anchor, Cert], None]) -> Cert:
        """One anchor that carries the chain and is entitled is enough; otherwise the error that came closest to a yes is told."""
        known = (*self.crls, *crls)
        closest: Rejected | Undecided | None = None
        for anchor in self.anchors.with_role(role):
            snapshot = self.snapshots.get(anchor.fingerprint) if self.snapshots else None
            current = None if snapshot is None else snapshot.current(known)
            try:
                leaf = verify_chain(x5c, (anchor.certificate,), at=at, role=role, crls=known, current=current)
            except Untrusted:
                continue
            except (Rejected, Undecided) as error:
                closest = self._closer(snapshot, x5c, role, at, error)
                continue
            try:
                check(anchor, leaf)
                self._check_snapshot(anchor, snapshot, x5c, role, at)
            except (Rejected, Undecided) as error:
                closest = error
            else:
                return leaf
        raise closest or _stranger(x5c)

    @staticmethod
    def _closer(snapshot: Snapshot | None, x5c: Sequence[bytes], role: Role, at: int, error: Rejected | Undecided) -> Rejected | Undecided:
        """A list that is missing leaves open what the snapshot may have settled: a key that is over is a no, not a maybe."""
        if snapshot is None or isinstance(error, Rejected):
            return error
        try:
            snapshot.check_chain(x5c, role, at)
        except Rejected as refusal:
            return refusal
        except Undecided:
            return error
        return error

    def _check_snapshot(self, anchor: Anchor, snapshot: Snapshot | None, x5c: Sequence[bytes], role: Role, at: int) -> None:
        if snapshot is not None:
            snapshot.check_chain(x5c, role, at)
        elif self.needs and anchor.fingerprint in self.needs:
            raise SnapshotMissing("no snapshot of this issuer's anchor is here; it may be pinned as one that publishes none")


def _check(fate: KeyHistory | None, at: int) -> None:
    if fate is not None:
        fate.check(at)


def _stranger(x5c: Sequence[bytes]) -> Untrusted:
    """Whom one would have to trust: the name of the authority is in the certificate nearest to it."""
    name = load_certificate(x5c[-1]).parsed.issuer.rfc4514_string()[:200]
    return Untrusted(f"{MADE_BY}{name}")


def _check_entity(anchor: Anchor, leaf: Cert, entity: str) -> None:
    if entity not in leaf.uris:
        raise NotEntitled("the certificate does not name this entity")
    if anchor.entity is not None and anchor.entity != entity:
        raise NotEntitled("the anchor is trusted for another entity")


@lru_cache(maxsize=256)
def _key_of(der: bytes) -> Key:
    return Key.of(load_certificate(der).public)


def _as_known(leaf: Cert, carried: Carried) -> Cert:
    """The leaf with those names alone that superiors vouch for: it may have made itself."""
    return _known_as(leaf, carried.chain.subject, carried.name)


def _known_as(leaf: Cert, entity: str, name: str) -> Cert:
    host = urlsplit(entity).hostname
    return replace(leaf, subject=name, uris=(entity,), dns=tuple(each for each in leaf.dns if each == host))
