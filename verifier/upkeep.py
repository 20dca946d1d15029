"""Looking after a verifier from the command line: its keys and certificates, and whether everything is in place."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable
from pathlib import Path

from shared.clock import Clock, Entropy
from shared.errors import ConfigError, SnapshotStale, StatusUnknown
from shared.jose.jwk import thumbprint
from shared.keys import Role
from shared.storage import Tx
from shared.web import certificates, doctor, entity, heard, own_keys, ways
from shared.web.doctor import Finding
from shared.web.setup import read_certificate
from shared.x509 import Cert
from verifier import init, keys, registering
from verifier.config import Settings
from verifier.desk import BUNDLE, LOG, RELYING_PARTY, ROLES, STORAGE, Desk
from verifier.material import issuers
from verifier.opening import entity_of, open_desk, own_certificate, stop
from verifier.pages.entrance import ways_in
from verifier.records import knowledge
from verifier.words import age_text

RENEW_DAYS = 60  # a certificate with fewer days left is worth a warning


async def list_keys(directory: Path, settings: Settings, *, clock: Clock, entropy: Entropy) -> list[str]:
    """One line a key and a certificate; nothing in them is secret."""
    async with _publishing(directory, settings, clock=clock, entropy=entropy) as kept:
        states = await own_keys.entered(kept.publisher)
        signer, bundle = await own_keys.signing(kept), await kept.custodian.public(BUNDLE)
        federation = await entity.describe(kept.publisher.storage, kept.custodian)
    return [
        f"{RELYING_PARTY}  no key signs"
        if signer is None
        else f"{signer.key}  {Role.RELYING_PARTY}  {signer.alg}  thumbprint {thumbprint(signer.public)}",
        f"bundle         {Role.BUNDLE}  {bundle.alg}  thumbprint {thumbprint(bundle)}   (desks compare this)",
        f"log            {Role.MAC}",
        f"storage        {Role.SEAL}",
        *federation,
        *own_keys.describe_signer(kept, signer),
        *states,
    ]


def _publishing(directory: Path, settings: Settings, *, clock: Clock, entropy: Entropy) -> own_keys.Publishing:
    return init.anchored(directory, settings, clock=clock, entropy=entropy).opened(init.migrations())


async def change(directory: Path, settings: Settings, arguments: argparse.Namespace, *, clock: Clock, entropy: Entropy) -> str:
    """Withdraw, retire, report as compromised, or only publish; says what is published now."""
    return await own_keys.change(_publishing(directory, settings, clock=clock, entropy=entropy), arguments)


async def create(directory: Path, settings: Settings, *, clock: Clock, entropy: Entropy) -> str:
    """Keys that this verifier lacks because it was set up before it needed them; says which federation key it has."""
    made = await init.anchored(directory, settings, clock=clock, entropy=entropy).certifier().create(ROLES)
    return f"federation key {thumbprint(made[entity.FEDERATION])}"


async def renew(directory: Path, settings: Settings, *, clock: Clock, entropy: Entropy) -> Cert:
    """A new certificate for the same key and the present identifier; needs the anchor's keys in ``anchor.keys``."""
    own = init.anchored(directory, settings, clock=clock, entropy=entropy)
    return await own_keys.renew(own.certifier(), own.opened(init.migrations()))


async def examine(directory: Path, settings: Settings, *, clock: Clock, entropy: Entropy) -> list[Finding]:
    """What ``doctor`` says, in the order in which things depend on each other."""
    return await doctor.examine("verifier", lambda: open_desk(directory, settings, clock=clock, entropy=entropy), _CHECKS, stop)


async def _keys(desk: Desk) -> str:
    await desk.custodian.public(BUNDLE)
    return await doctor.uses_keys(desk.custodian, mac=LOG, seal=STORAGE)


async def _certificate(desk: Desk) -> str:
    anchor = read_certificate(desk.directory / certificates.ANCHOR_FILE)
    return await own_certificate(desk).examine(anchor, at=desk.clock(), days=RENEW_DAYS)


async def _database(desk: Desk) -> str:
    return await doctor.migrates(desk.storage, init.migrations())


async def _sign_in(desk: Desk) -> str:
    return await ways.examine(ways_in(desk), desk.storage, desk.settings, desk.clock())


async def _trust(desk: Desk) -> str:
    """An issuer that is trusted without an address can be checked only with lists that holders bring along."""
    pinned, trust = desk.trust.with_role(Role.CREDENTIAL_ISSUER), desk.trust
    if not (pinned or trust.federation or trust.dids):
        raise ConfigError("nobody is trusted: run `muniment-verifier bundle trust ANCHOR.pem --entity ISSUER_URL`")
    without = [each.name for each in pinned if each.entity is None]
    more = ((trust.federation, "federation(s)"), (trust.dids, "DID(s)"))
    found = [f"{len(pinned)} issuer anchor(s)", *(f"{len(each)} {what}" for each, what in more if each)]
    return ", ".join(found) + (f"; without an address: {', '.join(without)}" if without else "")


async def _lists(desk: Desk) -> str:
    at = desk.clock()

    async def unit(tx: Tx) -> list[knowledge.KeptList]:
        return await knowledge.lists(tx)

    kept = await desk.storage.read(unit)
    if issuers(desk) and not kept:
        raise StatusUnknown("none was fetched yet: run the service, or `muniment-verifier bundle make`")
    return f"{len(kept)} kept, the oldest {age_text(max(0, at - min(each.iat for each in kept)))} old" if kept else ""


async def _in_force(desk: Desk) -> str:
    """What anchors say of their certificates; one that never said anything is no fault here, but no checking pack can be made with it."""
    at, trust = desk.clock(), desk.trust
    known = await desk.storage.read(lambda tx: heard.heard(tx, trust))
    over = [
        each.name for each in trust.anchors if each.fingerprint in known.snapshots and at >= known.snapshots[each.fingerprint].next_update
    ]
    over += known.federation.run_out(at)
    if over:
        raise SnapshotStale(f"it has run out for {', '.join(over)}: fetch it, or apply a newer checking pack")
    silent = [each.name for each in trust.with_role(Role.CREDENTIAL_ISSUER) if each.fingerprint not in known.snapshots]
    silent += [each.name for each in known.federation.silent]
    held_up = [f"; {outgoing} to {heir}: {each.detail}" for (outgoing, heir), each in known.federation.successors.faults.items()]
    return "".join((f"{len(known.snapshots)} anchor(s) heard", f"; nothing heard of {', '.join(silent)}" if silent else "", *held_up))


async def _registered(desk: Desk) -> str:
    """What each use lacks is no fault: wallets show what is said, and say what is not."""
    uses = registering.registered(desk.directory, desk.settings)
    lacking = [f"{use.id} does not say {'; '.join(found)}" for use in uses if (found := registering.lacking(use))]
    return ". ".join((f"{len(uses)} use(s) registered", *lacking))


_CHECKS: dict[str, Callable[[Desk], Awaitable[str]]] = {
    "keys": _keys,
    "certificate": _certificate,
    "keys that follow": lambda desk: keys.keyring_of(desk).examine(),
    "database": _database,
    "who we trust": _trust,
    "what is in force": _in_force,
    "lists of cancelled documents": _lists,
    "what may be asked": _registered,
    "sign-in of operators": _sign_in,
    "federations": lambda desk: entity_of(desk).examine(),
}
