"""The worst day of a body in a federation: whoever pins nobody but the anchor refuses what its key signed, from the anchor's next word on."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from support.levels import HOST, come_below, gathered, hear
from support.registry import Registry, Template, make_template, serving
from support.superior import SAYS, VCT, pin, row

from issuer import recall
from issuer.app import one_round
from issuer.sessions import Actor
from shared.clock import DAY
from shared.errors import CertificateRevoked
from shared.trust.anchors import TrustAnchors
from shared.trust.federation import Federation
from shared.trust.policy import Policy
from shared.trust.snapshot import KeyState


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """An office with keys of its own."""
    return asyncio.run(make_template(tmp_path_factory.mktemp("court") / "court"))


async def stranger(ministry: Registry) -> Policy:
    """Somebody who pins the ministry and has heard its newest word."""
    anchor, heard = await pin(ministry), await gathered(ministry)
    assert not heard.faults
    return Policy(TrustAnchors(federation=(anchor,)), federation=Federation(anchors=(anchor,), words=heard.words))


async def test_ended_for_everybody_at_the_superiors_next_visit(template: Template, other: Template, tmp_path: Path) -> None:
    """S15 and S16: without the body's own word the key would go on as one that was replaced in good order, for another month."""
    async with (
        serving(template, tmp_path / "ministry", local=True, superior=True, outbound_allow=HOST) as ministry,
        serving(other, tmp_path / "court", local=True, authority_hints=(ministry.url,), outbound_allow=HOST) as court,
    ):
        court.clock.at = ministry.clock()
        await one_round(court.app)
        await come_below(ministry, court, SAYS)
        old = court.office.signer
        asked = await stranger(ministry)
        assert asked.check_issuer(old.x5c, court.url, VCT, ministry.clock()).public == old.public
        court.clock.at = ministry.clock.at = ministry.clock() + DAY
        ((key,), who) = await recall.keys(court.office), Actor(role="admin", name="Iris Admin")
        assert await recall.report(court.office, key.kid, reason="a stick is missing", actor=who)
        await hear(ministry)
        asked, new = await stranger(ministry), court.office.signer
        for backdated in (None, ministry.clock() - DAY):
            with pytest.raises(CertificateRevoked):
                asked.check_issuer(old.x5c, court.url, VCT, ministry.clock(), issued_at=backdated)
        assert asked.check_issuer(new.x5c, court.url, VCT, ministry.clock()).public == new.public
        told = asked.federation.key(court.url, old.thumbprint)
        assert told is not None
        assert (told.state, told.reason) == (KeyState.COMPROMISED, "compromised")
        assert (await row(ministry, court.url)).fault == ""
