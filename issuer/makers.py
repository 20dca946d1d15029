"""Who may vouch for wallets and their keys: the owner's file, narrowed by what those anchors publish (security rules S15 to S17, S21).

Their sites are visited by the clock alone, whoever asks for what meanwhile; a process that did not visit them itself learns what another one
heard in its next round. An anchor that has once said what is in force is not asked without that again.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shared.errors import SnapshotStale
from shared.keys import Role
from shared.trust.anchors import TrustAnchors
from shared.trust.artefact import CRL
from shared.trust.policy import Policy
from shared.web import heard
from shared.web.heard import Fetching, Heard
from shared.web.trust_file import TrustFile
from shared.x509 import Crl, parse_crls

if TYPE_CHECKING:
    from issuer.office import Office

log = logging.getLogger("muniment.issuer")


@dataclass(slots=True)
class Makers:
    """``trust.json`` as of now, and what was heard of the anchors in it."""

    file: TrustFile
    _heard: Heard = field(default_factory=Heard)
    _crls: Sequence[Crl] = ()

    def anchors(self) -> TrustAnchors:
        """Those of makers and of federations; ``ConfigError`` if the file cannot be read."""
        trust = self.file.read()
        return TrustAnchors(anchors=trust.with_role(Role.WALLET_PROVIDER), federation=trust.federation)

    def policy(self) -> Policy:
        """Who may vouch now."""
        anchors = self.anchors()
        federation = self._heard.federation.pinned(anchors.federation)
        return Policy(anchors, self._heard.snapshots, self._crls, frozenset(self._heard.seen), federation)

    def learn(self, known: Heard) -> None:
        """From now on with what was heard."""
        self._heard, self._crls = known, parse_crls(known.of(CRL))


async def hear(office: Office, fetch: Fetching) -> None:
    """Visit the makers' anchors, if it is time. Writes: ``hear-anchor``, once a site."""
    trust = office.makers.anchors()
    if await heard.due(office.storage, trust, every=office.settings.makers_hours * 3_600, at=office.clock()):
        for visit in await heard.listen(office.storage, fetch, trust, at=office.clock, plain_http=office.settings.plain_http):
            if visit.fault:
                log.info("what the maker of a wallet publishes could not be had: %s", visit.fault)
    await recall(office)


async def recall(office: Office) -> None:
    """Know what was heard before."""
    trust = office.makers.anchors()
    office.makers.learn(await office.storage.read(lambda tx: heard.heard(tx, trust)))


async def examine(office: Office) -> str:
    """For ``doctor``: of whom something was heard; ``SnapshotStale`` where that has run out, for then nobody of that maker gets in."""
    trust, at = office.makers.anchors(), office.clock()
    known = await office.storage.read(lambda tx: heard.heard(tx, trust))
    over = [
        each.name for each in trust.anchors if each.fingerprint in known.snapshots and at >= known.snapshots[each.fingerprint].next_update
    ]
    over += known.federation.run_out(at)
    if over:
        raise SnapshotStale(f"what is in force has run out for {', '.join(over)}: their site did not answer")
    trusted, told = len(trust.anchors) + len(trust.federation), len(known.snapshots) + len(trust.federation) - len(known.federation.silent)
    return f"{trusted} trusted, {told} heard of" if trusted else "nobody trusted"
