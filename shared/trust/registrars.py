"""Registrars that a federation carries: who registers those who ask for documents, in which countries, and whom (domain sheet C23).

A registrar is a body whose chain grants ``may_register`` (security rule S14). It signs certificates of relying parties (rp-cert) with its
federation key and names them in its own snapshot, where they are heard by the clock like everything else (S17, S21). Any number of them stand
side by side; none needs another.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..cose import REGISTRATION
from ..cose.sign1 import verify_sign1
from ..errors import CertificateRevoked, NotEntitled, Rejected, Untrusted, VcError
from ..keys import PublicKey, Role
from .artefact import RP_CERTIFICATE
from .carried import ENTITY_TYPES, Carried, Key
from .relying_party import Register, RpCertificate, check_in_force, parse_rp_certificate
from .snapshot import KeyState
from .superiors import Word

if TYPE_CHECKING:
    from .policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrarKey:
    """A key with which ``entity`` may register organisations of ``countries``, from ``since`` on and before ``until``; ``anchor`` is on top."""

    anchor: str
    entity: str
    name: str
    public: PublicKey
    kid: bytes
    countries: tuple[str, ...]
    since: int
    until: int

    def check(self, one: RpCertificate, *, at: int) -> None:
        """Raise unless it may have registered ``one`` and did. ``Untrusted``, ``WrongTyp``, ``BadSignature``, ``NotEntitled``, ``Expired``, ``NotYetValid``."""
        if one.kid != self.kid:
            raise Untrusted("this organisation was registered with another key")
        verify_sign1(one.sign1, self.public, typ=REGISTRATION)
        if one.anchor != self.entity:
            raise Untrusted("this organisation was registered by somebody else")
        if one.country not in self.countries:
            raise NotEntitled("no superior lets the registrar register organisations of this country")
        check_in_force(one.issued_at, one.expires_at, at=at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """One organisation as a registrar has registered it; ``data`` is its certificate as signed."""

    certificate: RpCertificate
    data: bytes = field(repr=False)
    by: RegistrarKey

    def check(self, at: int) -> None:
        """Raise unless it counts at ``at``, by what was heard when it was found."""
        check_in_force(self.certificate.issued_at, min(self.certificate.expires_at, self.by.until), at=at)


def registrar_keys(policy: Policy, word: Word, *, at: int) -> tuple[RegistrarKey, ...]:
    """Of the body that speaks in ``word``, on the way on which it was reached; none where nobody lets it register anybody."""
    with suppress(VcError):
        word.snapshot.check_current(at)
        for carried in policy.federation.chains(word.entity, at):
            if carried.words[0].path == word.path[:-1] and carried.chain.may_register:
                return tuple(_keys(policy, carried, word, at))
    return ()


def _keys(policy: Policy, carried: Carried, word: Word, at: int) -> Iterator[RegistrarKey]:
    above = carried.words[0].snapshot
    for each in carried.chain.keys:
        key = Key.of(each.public)
        history = above.keys.get(key.name)
        if history is None or (history.entity, history.role) != (word.entity, Role.FEDERATION):
            continue
        with suppress(Rejected):
            history.check(at)
            _check_not_ended(policy, key, word.entity, at, carried)
            yield RegistrarKey(
                anchor=word.path[0],
                entity=word.entity,
                name=carried.name,
                public=each.public,
                kid=key.kid,
                countries=carried.chain.may_register,
                since=history.since,
                until=min(carried.until, word.snapshot.next_update),
            )


def registered(policy: Policy, own: Register, *, at: int) -> dict[str, Registered]:
    """Everybody whom registrars have registered, by entity; of several certificates of one organisation the newest.

    ``own`` are those for whom pinned anchors of certificates speak. A certificate with another key than the one that these, or the
    organisation's superiors, know of it counts for nothing, nor does one of a key that has ended by the word of anybody who may speak for it.
    What another registrar reports as compromised counts where none of these knows the key (S15, S16). Where registrars know different keys of
    one organisation, nobody can tell who asks: none counts.
    """
    newest = dict[tuple[str, str], Registered]()
    for one in _Judge(policy, own, at).everybody():
        place = one.certificate.entity, one.by.entity
        if place not in newest or newest[place].certificate.issued_at < one.certificate.issued_at:
            newest[place] = one
    told: dict[str, list[Registered]] = {}
    for (entity, _), one in newest.items():
        told.setdefault(entity, []).append(one)
    agreed = {entity: each for entity, each in told.items() if all(one.certificate.public == each[0].certificate.public for one in each)}
    return {entity: max(each, key=lambda one: one.certificate.issued_at) for entity, each in agreed.items()}


@dataclass(frozen=True, slots=True)
class _Judge:
    policy: Policy
    own: Register
    at: int

    def everybody(self) -> Iterator[Registered]:
        """Each certificate that counts, by whichever registrar."""
        words = [
            each for each in self.policy.federation.words if any(key.role is Role.RELYING_PARTY for key in each.snapshot.keys.values())
        ]
        registrars = [(each, keys) for each in words if (keys := registrar_keys(self.policy, each, at=self.at))]
        stolen = {name for word, _ in registrars for name, each in word.snapshot.keys.items() if each.state is KeyState.COMPROMISED}
        for word, keys in registrars:
            for data in word.publication.of(RP_CERTIFICATE):
                with suppress(VcError):
                    yield self._judge(word, keys, stolen, data)

    def _judge(self, word: Word, keys: Sequence[RegistrarKey], stolen: Collection[str], data: bytes) -> Registered:
        one = parse_rp_certificate(data)
        by = next((each for each in keys if each.kid == one.kid), None)
        if by is None:
            raise Untrusted("the registrar is not known to have this key")
        by.check(one, at=self.at)
        if not self._check_asker(word, one) and Key.of(one.public).name in stolen:
            raise CertificateRevoked("a registrar reports this key as compromised")
        return Registered(certificate=one, data=data, by=by)

    def _check_asker(self, word: Word, one: RpCertificate) -> bool:
        """Its key is in force by the registrar's newest word, and nobody who may speak for it knows another. Whether somebody knows this one."""
        history, key, pinned = word.snapshot.key(one.public), Key.of(one.public), self.own.certificates.get(one.entity)
        if history is None or (history.entity, history.role) != (one.entity, Role.RELYING_PARTY):
            raise Untrusted("the newest word of the registrar does not know this key")
        history.check(self.at)
        _check_not_ended(self.policy, key, one.entity, self.at)
        if pinned is not None and pinned.public != one.public:
            raise Untrusted("the organisation's own anchor says that it has another key")
        knowing = [each for each in self._chains(one.entity) if ENTITY_TYPES[Role.RELYING_PARTY] in each.chain.metadata]
        if knowing and not any(self._knows(each, key) for each in knowing):
            raise Untrusted("the superiors of the organisation say that it has another key")
        return pinned is not None or bool(knowing)

    def _chains(self, entity: str) -> list[Carried]:
        """None where nobody speaks of it, or nothing of it is in force: then the registrar's word stands alone."""
        try:
            return self.policy.federation.chains(entity, self.at)
        except VcError:
            return []

    def _knows(self, carried: Carried, key: Key) -> bool:
        try:
            carried.check_key(key, Role.RELYING_PARTY, self.at)
        except Rejected:
            return False
        return True


def _check_not_ended(policy: Policy, key: Key, entity: str, at: int, carried: Carried | None = None) -> None:
    """By the word of anybody who may speak for its body, in either world (S16)."""
    ended = policy.ended(key, entity, carried)
    if ended is not None:
        ended.check(at)
