"""Who takes over from whom below an office: two people look, then everybody who checks knows it (domain sheet C24)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support.registry import URL, Registry, Template, serving
from support.signing import Signer
from support.successions import DAY, acceptance, statement
from support.superior import ANA, BEN, COURT, Below, Street, enrolled, pin

from issuer.app import one_round
from issuer.federation import enrol, publish, successions
from issuer.federation.own import entity_of
from issuer.records import subordinates
from issuer.records import successions as rows
from issuer.sessions import Actor
from shared.errors import BadSignature, Conflict, Forbidden, Malformed, Missing, Untrusted
from shared.flow import Fetch, Fetched
from shared.trust.federation import Federation
from shared.trust.succession import render_succession
from shared.trust.superiors import gather
from shared.web import handing
from shared.web.handing import Handing

HEIR, ELSEWHERE = "https://greater.example", "https://registrar.private.example"
CLERK = Actor(role="clerk", name="Cled")


@pytest.fixture
async def ministry(template: Template, tmp_path: Path, storage_uri: str) -> AsyncIterator[Registry]:
    async with serving(template, tmp_path / "ministry", storage=storage_uri, superior=True) as running:
        await one_round(running.app)
        yield running


class Three:
    """The ministry, and two bodies below it."""

    def __init__(self, ministry: Registry) -> None:
        self.ministry, self.office = ministry, ministry.office
        self.old, self.new, self.other = Below(COURT), Below(HEIR), Below(ELSEWHERE)
        self.street = Street(ministry, [self.old, self.new, self.other])

    def halves(self, **said: Any) -> bytes:
        at = self.ministry.clock()
        successor = said.pop("successor", self.new)
        token = statement(self.old, COURT, successor.entity, **{"iat": at, "from": at, **said})
        return render_succession(token, acceptance(successor, COURT, token, iat=at))

    async def offer(self, data: bytes | None = None, actor: Actor | None = ANA) -> rows.Handed:
        return await successions.offer(self.office, data or self.halves(), actor, self.street)

    async def approve(self, actor: Actor = BEN, version: int = 1, successor: str = HEIR) -> rows.Handed:
        return await successions.approve(self.office, COURT, successor, actor, version=version, fetch=self.street)

    async def known(self) -> Federation:
        """As somebody who pinned the ministry and listens now."""
        await publish.publish(self.office)
        anchor = await pin(self.ministry)
        gathered = await self.ministry.run(gather(anchor, at=self.ministry.clock()))
        return Federation((anchor,), gathered.words)

    async def kinds(self) -> list[str]:
        found = await self.office.storage.read(lambda tx: subordinates.history(tx, COURT))
        return [each.kind for each in reversed(found) if each.kind.startswith("succession")]


@pytest.fixture
async def three(ministry: Registry) -> Three:
    found = Three(ministry)
    for body in (found.old, found.new):
        await enrolled(ministry, body)
    return found


async def test_two_people_and_it_is_known(three: Three) -> None:
    at = three.ministry.clock()
    await three.offer()
    assert (await three.known()).successor(COURT, at) is None
    with pytest.raises(Forbidden, match="somebody else"):
        await three.approve(ANA)
    await three.approve(BEN)
    federation = await three.known()
    found = federation.successor(COURT, at)
    assert found is not None
    assert (found.issuer, found.successor) == (COURT, HEIR)
    assert not federation.successors.faults
    assert await three.kinds() == [successions.OFFERED, successions.PUBLISHED]


async def test_what_comes_over_the_network_is_looked_at_by_two(three: Three) -> None:
    answer = await three.ministry.http.post(three.ministry.base + handing.PATH, data=three.halves())
    assert answer.status == 202
    assert await answer.json() == {"outgoing": COURT, "successor": HEIR, "version": 1}
    first = await three.approve(ANA)
    assert (first.published, first.wanted_by) == (None, "Ana")
    with pytest.raises(Forbidden):
        await three.approve(ANA, version=2)
    assert (await three.approve(BEN, version=2)).published is not None
    assert await three.kinds() == [successions.OFFERED, successions.LOOKED_AT, successions.PUBLISHED]
    answer = await three.ministry.http.post(three.ministry.base + handing.PATH, data=b"{}")
    assert (answer.status, (await answer.json())["error"]) == (400, "invalid_request")


async def test_a_stranger_brings_nothing_back(three: Three) -> None:
    """What was published once everybody has; people of the office may bring it again, and the bodies say it anew."""

    async def posted() -> tuple[int, str]:
        answer = await three.ministry.http.post(three.ministry.base + handing.PATH, data=data)
        return answer.status, await answer.text()

    data = three.halves()
    await three.offer(data)
    await three.approve(BEN)
    await successions.withdraw(three.office, COURT, HEIR, "the law was repealed", BEN, version=2)
    status, told = await posted()
    assert (status, "signed anew" in told) == (409, True)
    await three.offer(data)
    await successions.refuse(three.office, COURT, HEIR, "still repealed", BEN, version=4)
    assert (await posted())[0] == 409
    three.ministry.clock.at += 60
    data = three.halves()
    assert (await posted())[0] == 202


async def test_nobody_else_decides(three: Three) -> None:
    with pytest.raises(Forbidden):
        await three.offer(actor=CLERK)
    await three.offer()
    with pytest.raises(Forbidden):
        await three.approve(CLERK)
    with pytest.raises(Conflict, match="look again"):
        await three.approve(BEN, version=7)
    with pytest.raises(Missing):
        await three.approve(BEN, successor=ELSEWHERE)
    with pytest.raises(Forbidden):
        await successions.withdraw(three.office, COURT, HEIR, "no", CLERK, version=1)
    with pytest.raises(Malformed):
        await successions.withdraw(three.office, COURT, HEIR, " ", BEN, version=1)


async def test_sent_back_and_withdrawn(three: Three) -> None:
    await three.offer()
    with pytest.raises(Conflict, match="nothing of it"):
        await successions.withdraw(three.office, COURT, HEIR, "too early", BEN, version=1)
    await successions.refuse(three.office, COURT, HEIR, "other types", BEN, version=1)
    with pytest.raises(Conflict, match="nothing waits"):
        await three.approve(BEN, version=2)
    await three.offer()
    await three.approve(BEN, version=3)
    assert (await three.known()).successor(COURT, three.ministry.clock()) is not None
    await successions.withdraw(three.office, COURT, HEIR, "the law was repealed", BEN, version=4)
    assert (await three.known()).successor(COURT, three.ministry.clock()) is None
    with pytest.raises(Conflict, match="nothing of it"):
        await successions.refuse(three.office, COURT, HEIR, "again", BEN, version=5)


async def test_an_older_one_is_not_taken_and_a_newer_one_waits_beside_what_is_published(three: Three) -> None:
    three.ministry.clock.at += 120
    data = three.halves()
    await three.offer(data)
    await three.approve(BEN)
    for old in (data, three.halves(iat=three.ministry.clock() - 60)):
        with pytest.raises(Conflict, match="newer"):
            await three.offer(old)
    three.ministry.clock.at += 5
    waiting = await three.offer(three.halves(may_cancel=True))
    assert waiting.published is not None
    assert not waiting.published.may_cancel
    assert waiting.waiting is not None
    assert waiting.waiting.may_cancel
    three.ministry.clock.at += successions.FRESH + 1
    with pytest.raises(Conflict, match="too long ago"):
        await three.approve(BEN, version=waiting.version)


async def test_a_key_that_is_over_signs_nothing_more(three: Three) -> None:
    """Whoever has it could date back; the superior has the last look (S15)."""
    data = three.halves()
    await enrol.end(three.office, COURT, "stolen", ANA, compromised=True)
    with pytest.raises(Untrusted) as refused:
        await three.offer(data)
    assert refused.value.where == "/statement/jwk"


async def test_merger_day(three: Three) -> None:
    """The outgoing body is gone, and so is its key: its superior says it."""
    await enrol.end(three.office, COURT, "its key is lost", ANA, compromised=True)
    at = three.ministry.clock()
    words = Handing(outgoing=COURT, successor=HEIR, since=at - DAY, purposes_carried=["council-tax"], status_duty=True)
    with pytest.raises(Forbidden):
        await successions.say_instead(three.office, words, CLERK)
    with pytest.raises(Missing):
        await successions.say_instead(three.office, Handing(outgoing=ELSEWHERE, successor=HEIR, since=at), ANA)
    token = await successions.say_instead(three.office, words, ANA)
    await three.offer(render_succession(token, acceptance(three.new, COURT, token, iat=at)))
    await three.approve(BEN)
    found = (await three.known()).successor(COURT, at)
    assert found is not None
    assert (found.issuer, found.purposes_carried) == (URL, ("council-tax",))


async def test_a_successor_that_is_below_somebody_else_shows_its_key_itself(three: Three) -> None:
    await three.offer(three.halves(successor=three.other))
    await three.approve(BEN, successor=ELSEWHERE)
    three.ministry.clock.at += 5
    stranger = Below(ELSEWHERE)
    with pytest.raises(Untrusted):
        await three.offer(three.halves(successor=stranger))

    async def swapped(_: Fetch) -> Fetched:
        return Fetched(status=200, body=three.new.said(three.ministry.clock()).encode())

    with pytest.raises(Untrusted, match="somebody else says"):
        await successions.offer(three.office, three.halves(successor=three.other), ANA, swapped)
    answer = await three.ministry.http.post(three.ministry.base + handing.PATH, data=three.halves(successor=three.other))
    assert answer.status == Conflict.status  # a stranger's word makes us ask nobody; nor would it help to try again
    assert "is not below this office" in (await answer.json())["error_description"]


async def test_what_is_not_ours_to_publish(three: Three) -> None:
    at = three.ministry.clock()
    token = statement(three.other, ELSEWHERE, HEIR, iat=at, since=at)
    with pytest.raises(Missing):
        await three.offer(render_succession(token, acceptance(three.new, ELSEWHERE, token, iat=at)))
    forged = three.halves().replace(b'"}', b"")[:-9] + b'AAAAAAAA"}'
    with pytest.raises((BadSignature, Malformed)):
        await three.offer(forged)
    impostor = Below(COURT, signer=Signer.new())
    three.old = impostor
    with pytest.raises(Untrusted):
        await three.offer()


async def test_no_more_than_readers_take(three: Three, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(successions, "MAX_SUCCESSIONS", 0)
    with pytest.raises(Conflict, match="at most"):
        await three.offer()


async def test_only_a_superior_publishes(registry: Registry) -> None:
    with pytest.raises(Forbidden):
        await successions.offer(registry.office, b"{}", ANA, Street(registry, []))


async def test_a_service_signs_both_halves(three: Three) -> None:
    own, at = entity_of(three.office), three.ministry.clock()
    token = await handing.say(own, Handing(outgoing=URL, successor=HEIR, since=at))
    with pytest.raises(Forbidden, match="another body"):
        await handing.accept(own, token)
    mine = statement(three.old, COURT, URL, iat=at, since=at)
    await three.offer(await handing.accept(own, mine))
    await three.approve(BEN, successor=URL)
    found = (await three.known()).successor(COURT, at)
    assert found is not None
    assert found.successor == URL


async def test_two_who_publish_at_once_publish_once(three: Three) -> None:
    await three.offer()
    others = [Actor(role="approver", name=name) for name in ("Ben", "Cara", "Dewi")]
    done = await asyncio.gather(*(three.approve(each) for each in others), return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["Conflict", "Conflict", "Handed"]
    assert await three.kinds() == [successions.OFFERED, successions.PUBLISHED]
