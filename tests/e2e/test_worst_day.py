"""The worst day, played: a key that signed 100 documents is in other hands, and 40 of them were signed since it was.

A real office over HTTP, a real wallet, and a counter that checks with packs alone. What to do stands in docs/federation.md, in this order.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from support.desk import BANK, opened
from support.desk import Template as DeskTemplate
from support.registry import Holder, Registry, collect, serving
from support.street import office
from support.thrift import easy_seal
from support.wallets import Wallet, open_wallet
from support.world import World

from issuer import recall
from issuer.app import one_round
from issuer.sessions import Actor
from shared.clock import DAY, system_entropy
from shared.formats import formats
from shared.keys import Role
from shared.openid4vci import refresh
from shared.trust.anchors import TrustAnchors
from shared.trust.policy import Policy
from shared.urls import LOOPBACK
from shared.web.fetch import Fetcher
from shared.web.setup import read_anchor
from verifier import init, packs
from verifier.desk import Desk
from verifier.material import Store
from verifier.offline import Memory, decide
from wallet.invite import read_invitation
from wallet.share import Wish, make_out
from wallet.upkeep import collect_and_look, upkeep

HOUR = 3_600
IRIS = Actor(role="admin", name="Iris Admin")
WHY = "a stick with the key is missing"


@dataclass
class Day:
    """Who takes part. Everybody's clock shows the same."""

    registry: Registry
    wallet: Wallet
    desk: Desk
    fetcher: Fetcher

    def go(self, seconds: int) -> None:
        self.registry.clock.at += seconds
        self.wallet.world.clock.at = self.registry.clock.at

    async def documents(self, count: int) -> list[Holder]:
        """So many, each collected by a holder of its own."""
        holders = [await collect(self.registry, await self.registry.make()) for _ in range(count)]
        for each in holders:
            await each.copies(1)
        return holders

    async def collected(self) -> str:
        """One more, by the wallet."""
        made = await self.registry.make()
        invitation = await read_invitation(self.wallet.means, self.wallet.vault, made["invitation_link"])
        return (await collect_and_look(self.wallet.means, self.wallet.vault, invitation.id, made["code"])).id

    async def copy(self, document: str) -> bytes:
        """Made out to the bank, from the copies that the wallet has now."""
        wish = Wish(entity=BANK, name="Northwold Bank", purpose_id="bank", query="bank", document=document)
        return (await make_out(self.wallet.means, self.wallet.vault, wish)).value.file.encode()

    async def pack(self) -> bytes:
        """The newest checking pack."""
        await Store(self.desk).refresh(self.fetcher)
        return (await packs.make(self.desk)).data

    def check(self, copy: bytes, pack: bytes) -> tuple[str, str]:
        """At a counter without any network."""
        judged, _ = decide([copy], pack, Memory(), trust=self.desk.trust, entity=BANK, at=self.registry.clock())
        return judged.decision.decision, judged.decision.code

    async def statuses(self) -> dict[str, str]:
        """What the wallet has seen of each document, after it did what was due: what is cancelled, other copies, and how those stand."""
        for _ in range(2):
            await upkeep(self.wallet.means, self.wallet.vault)
        return {each.id: each.value.status.value for each in await self.wallet.documents()}


@pytest.fixture
async def day(tmp_path: Path) -> AsyncIterator[Day]:
    async with AsyncExitStack() as stack:
        registry = await stack.enter_async_context(serving(await office(tmp_path / "template"), tmp_path / "registry", local=True))
        fetcher, world = Fetcher(allow=("localhost:*",)), World()
        stack.push_async_callback(fetcher.close)
        world.clock.at = registry.clock.at
        anchor = read_anchor(registry.directory / "anchor.pem", Role.CREDENTIAL_ISSUER, entity=registry.url)
        wallet = await stack.enter_async_context(open_wallet(f"sqlite:///{tmp_path}/wallet.db", world=world))
        policy = Policy(TrustAnchors(anchors=(anchor,)))
        wallet.means = replace(wallet.means, fetch=fetcher, trust=lambda: policy, plain_http=LOOPBACK)
        wish = init.Wish(
            directory=tmp_path / "bank",
            name="Northwold Bank",
            public_url="http://localhost:8103",
            port=8103,
            entity=BANK,
            operator="Bea Clerk",
            passphrase="correct-horse-battery",
            trust=(f"{registry.directory}/anchor.pem:credential-issuer:{registry.url}",),
        )
        with easy_seal():
            made = await init.set_up(wish, clock=registry.clock, entropy=system_entropy)
        template = DeskTemplate(tmp_path / "bank", made)
        desk = await stack.enter_async_context(opened(template, tmp_path / "desk", clock=registry.clock))
        yield Day(registry, wallet, desk, fetcher)


async def test_the_worst_day(day: Day) -> None:
    registry, old = day.registry, day.registry.office.signer
    await day.documents(59)
    early = await day.collected()
    day.go(DAY)
    since = registry.clock()  # the day on which the stick was last seen
    holders, late = await day.documents(39), await day.collected()
    day.go(HOUR)
    shown = {name: await day.copy(name) for name in (early, late)}
    monday = await day.pack()
    assert [day.check(each, monday) for each in shown.values()] == [("accepted", "")] * 2

    # what did it sign?
    ((key,), at) = await recall.keys(registry.office), registry.clock()
    everything, newer = [await recall.look(registry.office, key.kid, since=moment) for moment in (0, since)]
    assert (everything.documents, newer.documents, newer.earlier) == (100, 40, 60)
    # say so: another key signs, and whoever hears the office is told
    assert await recall.report(registry.office, key.kid, reason=WHY, actor=IRIS)
    assert registry.office.signer.thumbprint != old.thumbprint
    # call in what may be somebody else's, first
    await recall.begin(registry.office, key.kid, since=since, reason=WHY, actor=IRIS, confirm_count=40)
    day.go(60)
    await one_round(registry.app)
    (done,) = (await recall.look(registry.office, key.kid, since=0)).recalls
    assert (done.done, done.ended_at) == (40, at + 60)

    # whoever checks with the newest pack refuses all of it; the pack of Monday knows nothing yet
    tuesday = await day.pack()
    assert [day.check(each, tuesday) for each in shown.values()] == [("rejected", "certificate_revoked")] * 2
    assert day.check(shown[late], monday) == ("accepted", "")

    # the wallet looks by its clock, and gets other copies of what was called in
    day.go(HOUR)
    assert await day.statuses() == {early: "valid", late: "valid"}
    renewed = await day.copy(late)
    tuesday = await day.pack()
    assert day.check(renewed, tuesday) == ("accepted", "")
    assert day.check(await day.copy(early), tuesday) == ("rejected", "certificate_revoked")
    for each in holders:
        assert each.token.refresh_token is not None
        each.token = await registry.run(refresh(each.metadata, each.token.refresh_token))
        (wire,) = (await each.copies(1)).credentials
        assert formats()["dc+sd-jwt"].parse(wire).x5c == registry.office.signer.x5c

    # then the rest: nothing by that key counts, whatever date it bears (S15)
    await recall.begin(registry.office, key.kid, since=0, reason=WHY, actor=IRIS, confirm_count=60)
    await one_round(registry.app)
    assert (await recall.look(registry.office, key.kid, since=0)).documents == 0
    day.go(HOUR)
    assert await day.statuses() == {early: "valid", late: "valid"}
    last = await day.pack()
    assert [day.check(await day.copy(each), last) for each in (early, late)] == [("accepted", "")] * 2
