"""Who may ask: the whole register of organisations that trusted anchors and registrars vouch for, kept in advance (security rules S17, S21).

Fetched on a timer for all of them alike, never because one of them asks; a request is checked against what is here already, and what is
not here is unknown. The register is the same for every wallet of this host and holds nothing of anybody.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from shared.errors import VcError
from shared.keys import Role
from shared.trust.anchors import TrustAnchors
from shared.trust.artefact import RP_CERTIFICATE, name_of
from shared.trust.policy import Policy
from shared.trust.registrars import Registered, RegistrarKey, registered
from shared.trust.relying_party import Register, RpCertificate, parse_rp_certificate
from shared.trust.snapshot import Snapshot
from shared.web import heard
from shared.web.heard import Heard
from wallet.means import Means

log = logging.getLogger("muniment.wallet")

_KEPT = 300  # seconds: keys and certificates end by themselves, too


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """``register`` says who may ask and for what; ``files`` are the same certificates as signed (rp-cert), by entity, for a page that
    checks by itself; ``registered`` those of them that registrars of federations have signed. ``until`` is the second at which the first of
    the snapshots behind them runs out, ``None`` where there are none.
    """

    register: Register = field(default_factory=Register)
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    registered: Mapping[str, Registered] = field(default_factory=dict)
    until: int | None = None

    @property
    def registrars(self) -> tuple[RegistrarKey, ...]:
        """The keys of the registrars, each once."""
        return tuple({(each.by.entity, each.by.kid): each.by for each in self.registered.values()}.values())


async def register(means: Means) -> Register:
    """Everybody who may ask, as of now. From what was kept, never from the network."""
    return (await directory(means)).register


async def calling(means: Means, locale: str) -> Callable[[str, str], str]:
    """What an organisation is called in a language, by its identifier and the name that was written down: that very name, unless it is the English
    one in the register that was kept here.
    """
    known = (await register(means)).certificates.values()
    names = {(party.entity, party.name.en): party.name.in_(locale) for party in known}
    return lambda entity, name: names.get((entity, name), name)


async def purposes(means: Means, locale: str) -> Callable[[str, str], str]:
    """The same of why it asks: the registered words of a use for its English ones, or for the use's own name."""
    uses = [(party.entity, use) for party in (await register(means)).certificates.values() for use in party.uses]
    said = {(entity, words): use.purpose.in_(locale) for entity, use in uses for words in (use.id, use.purpose.en)}
    return lambda entity, words: said.get((entity, words), words)


async def directory(means: Means) -> Directory:
    """As ``register``, with what stands behind it: worked out anew when something else was heard, and every few minutes."""
    trust, at = askers(means), means.clock()
    behind = trust, await means.storage.read(heard.seen)
    found = means.last.find(behind, at)
    if found is None:
        found = directory_of(await means.storage.read(lambda tx: heard.heard(tx, trust)), trust, at=at)
        means.last.keep(behind, found, since=at, until=min(found.until or at, at + _KEPT))
    return found


def directory_of(known: Heard, trust: TrustAnchors, *, at: int) -> Directory:
    """Those whose certificate and key the newest snapshot of their anchor names, while it is in force, and whom registrars have registered.

    Who is registered by both may ask for what the registrar says: an organisation's own anchor is its own word.
    """
    snapshots = [each for each in known.snapshots.values() if at < each.next_update]
    files = [data for data in known.of(RP_CERTIFICATE) if _stands(data, snapshots, at)]
    own = Register.of(files, trust, at=at)
    chosen = {one.sign1.signature: entity for entity, one in own.certificates.items()}
    signed = {chosen[one.sign1.signature]: data for data in files if (one := parse_rp_certificate(data)).sign1.signature in chosen}
    found = registered(Policy(trust, known.snapshots, federation=known.federation), own, at=at)
    return Directory(
        register=Register({**own.certificates, **{entity: each.certificate for entity, each in found.items()}}),
        files={**signed, **{entity: each.data for entity, each in found.items()}},
        registered=found,
        until=min([*(each.next_update for each in snapshots), *(each.by.until for each in found.values())], default=None),
    )


def _stands(data: bytes, snapshots: list[Snapshot], at: int) -> bool:
    """In a snapshot in force, and for a key whose time is not over (security rules S15, S17)."""
    name = name_of(data)
    try:
        one = parse_rp_certificate(data)
        return any(name in each.statements and _knows(each, one, at) for each in snapshots)
    except VcError as error:
        log.info("an organisation's registration was not taken: %s", error.code)
        return False


def _knows(snapshot: Snapshot, one: RpCertificate, at: int) -> bool:
    history = snapshot.key(one.public)
    if history is None or history.role is not Role.RELYING_PARTY or history.entity != one.entity:
        return False
    history.check(at)
    return True


async def refresh(means: Means, *, now: bool = False) -> bool:
    """Fetch what the anchors of all organisations publish, if it is time or ``now``; whether it was. Writes: ``hear-anchor``, once a site."""
    trust = askers(means)
    async with means.locks.of("register"):
        if not now and not await heard.due(means.storage, trust, every=means.register_every, at=means.clock()):
            return False
        for visit in await heard.listen(means.storage, means.fetch, trust, at=means.clock, plain_http=means.plain_http):
            if visit.fault:
                log.info("what an anchor publishes could not be had: %s", visit.fault)
    await recall(means)
    return True


def askers(means: Means) -> TrustAnchors:
    """The anchors of organisations that ask, and those of federations: all that a wallet listens to."""
    trust = means.trust().anchors
    return TrustAnchors(anchors=trust.with_role(Role.RELYING_PARTY), federation=trust.federation)


async def recall(means: Means) -> None:
    """Let ``means.trust`` know what was heard before: whose certificate was withdrawn, whose key is over, whom registrars registered."""
    trust = askers(means)
    known = await means.storage.read(lambda tx: heard.heard(tx, trust))
    means.learn(known, directory_of(known, trust, at=means.clock()).registered)
