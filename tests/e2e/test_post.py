"""A wallet's letters in a desk's inbox: both for real, with nothing but a network between them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import pytest
from support.desk import Running, make_template, read_anchor, serving
from support.holdings import put_document
from support.inboxes import DEATH, Town
from support.letters import ARTHUR, Joan
from support.trial_verify import LIST, status_token
from support.wallets import open_wallet

from shared.clock import DAY
from shared.flow import Fetch, Fetched
from shared.keys import Role
from shared.trust.anchors import parse_anchor
from shared.trust.policy import Policy
from shared.web.operators import everybody
from verifier import inbox_desk, registering
from verifier.app import one_round
from verifier.inbox_desk import Said
from wallet import resend, telling
from wallet.outbox import Outbox
from wallet.records import STATUS
from wallet.sessions import StatusCopy, StatusSeen
from wallet.telling import Picked

WATER = "https://water.example"
KEY = f"{WATER} tell-of-death"


@dataclass
class Street(Town):
    """The town with one real desk in it."""

    desk: Running | None = None

    async def __call__(self, fetch: Fetch) -> Fetched:
        if self.desk is not None and fetch.url.startswith(WATER):
            return await self.desk.fetch(fetch)
        return await super().__call__(fetch)

    def policy(self) -> Policy:
        found = super().policy()
        if self.desk is None:
            return found
        pin = parse_anchor(read_anchor(self.desk.desk), role=Role.RELYING_PARTY, entity=WATER)
        return replace(found, anchors=replace(found.anchors, anchors=(*found.anchors.anchors, pin)))


@asynccontextmanager
async def at_home(folder: Path, uri: str) -> AsyncIterator[tuple[Joan, Running]]:
    """Joan with her wallet, and the water company with its desk."""
    street = Street()
    template = await make_template(folder / "template" / "desk", name="Brightwater Utilities", entity=WATER, url=WATER)
    async with serving(template, folder / "desk", clock=street.clock, public_url=WATER, retention_days=30) as desk:
        street.desk = desk
        await one_round(desk.app)
        async with open_wallet(uri, world=street, holder="Joan Penhale") as wallet:
            means = wallet.means
            outbox = Outbox(storage=wallet.storage, custodian=wallet.custodian, fetch=street, clock=street.clock, entropy=means.entropy)
            document = await put_document(means, wallet.vault, ("dc+sd-jwt",), vct=DEATH.vct, claims=ARTHUR, copies=20)
            one = Joan(wallet, street, outbox, document)
            await one.hear()
            yield one, desk


@pytest.fixture
async def both(tmp_path: Path, sqlite_uri: str) -> AsyncIterator[tuple[Joan, Running]]:
    async with at_home(tmp_path, sqlite_uri) as found:
        yield found


async def tell(joan: Joan, name: str = "once") -> str:
    """Joan tells the water company, and hears how it stands."""
    means, vault = joan.wallet.means, joan.wallet.vault
    await telling.tell(means, vault, joan.outbox, name, Picked(document=joan.document, keys=[KEY]))
    await joan.post()
    return (await joan.states())["Brightwater Utilities"]


async def test_the_desk_decides_by_itself(both: tuple[Joan, Running]) -> None:
    joan, _ = both
    assert await tell(joan) == "accepted"
    assert await joan.rows() == 0


async def test_a_person_decides_the_next_morning(both: tuple[Joan, Running]) -> None:
    joan, desk = both
    registering.state(desk.desk.directory, desk.desk.settings, "tell-of-death", {"decides": "person"})
    assert await tell(joan) == "sent"
    (bea,) = await desk.desk.storage.read(everybody)
    (waiting,) = await inbox_desk.listed(desk.desk, bea, "penhale")
    await inbox_desk.decide(desk.desk, desk.store, waiting, Said(accept=False, reason="no_account"))
    await joan.post(3_600)
    assert await joan.states() == {"Brightwater Utilities": "refused"}
    (sent,) = await joan.sent()
    assert sent.reason == "no_account"


async def test_nobody_decides(both: tuple[Joan, Running]) -> None:
    joan, desk = both
    registering.state(desk.desk.directory, desk.desk.settings, "tell-of-death", {"decides": "person"})
    assert await tell(joan) == "sent"
    await joan.post(5 * DAY)
    assert await joan.states() == {"Brightwater Utilities": "unanswered"}


@pytest.mark.parametrize("heard", ["by the desk", "by the wallet alone"])
async def test_at_c05_4_what_was_cancelled_is_called_back_and_undone(both: tuple[Joan, Running], heard: str) -> None:
    """The desk had acted on it: it hears at once that the document is cancelled, and what to undo stays open until somebody did. Where its own
    list is of before, the wallet's goes along with the letter.
    """
    joan, desk = both
    (document,) = await joan.wallet.documents()
    lines = tuple(msgspec.structs.replace(each, status_uri=LIST, status_idx=at) for at, each in enumerate(document.value.copies))
    await joan.change(copies=lines)
    assert await tell(joan) == "accepted"
    joan.town.clock.at += 3_600
    ended = status_token(dict.fromkeys(range(1_000), 1), iat=joan.town.clock())
    if heard == "by the desk":
        desk.site.lists[LIST] = ended
        await desk.store.refresh(desk.site)
    means, vault = joan.wallet.means, joan.wallet.vault
    seen = StatusCopy(uri=LIST, token=ended, iat=joan.town.clock(), fetched_at=joan.town.clock())
    await means.storage.write(lambda tx: STATUS.save(tx, vault, vault.tag("status list", LIST), seen, entropy=means.entropy))
    await joan.change(status=StatusSeen(value="invalid", checked_at=joan.town.clock()))
    told = [one for one in await resend.told_of(means, vault, joan.document) if one.stale]
    await resend.resend(means, vault, joan.outbox, joan.document, told, name="again")
    await joan.post()
    assert sorted((one.decision, one.reason) for one in await joan.sent()) == [("accepted", ""), ("rejected", "revoked")]
    (bea,) = await desk.desk.storage.read(everybody)
    called = (await inbox_desk.listed(desk.desk, bea))[0]
    earlier, _ = await inbox_desk.about(desk.desk, bea, called)
    assert called.letter.undo == "open"
    assert earlier is not None
    assert earlier.exchange.decision == "accepted"
    await inbox_desk.undone(desk.desk, called)
    assert [each.letter.undo for each in await inbox_desk.listed(desk.desk, bea) if each.letter.undo] == ["done"]
