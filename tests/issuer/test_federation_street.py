"""An office that visits, over real sockets and by the fetcher of services, bodies below and above it that are down, slow, lying or hostile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from support import roadside
from support.federation import Body
from support.registry import NOON, URL, Registry, Template, serving
from support.roadside import BAD, Place
from support.superior import ANA, BEN, COURT, SAYS, Below, row

from issuer.federation import collect, enrol
from issuer.records.subordinates import Subordinate
from shared.errors import Conflict
from shared.trust.chain import configuration_url
from shared.web import above
from shared.web.fetch import Fetcher

DAY = 86_400
SECONDS = 0.4  # the fetcher's bound, where nothing good can be expected
SLACK = 8.0  # of a busy machine; what hangs would take an hour
LIES = (*BAD, "down", "lying", "another_bodys_statement", "redirect_to_an_internal_address", "expired", "clock_skew")


@dataclass
class Street:
    """A ministry; a court below it, and a prime minister above it, who share an address; and a site inside the house."""

    ministry: Registry
    place: Place
    inside: Place
    body: Below
    top: Body
    patient: Fetcher
    quick: Fetcher
    said: dict[str, bytes] = field(default_factory=dict)

    def say(self, path: str) -> bytes:
        """The same bytes each time: the office visits by its own clock, too."""
        if path not in self.said:
            self.said[path] = self._say(path).encode()
        return self.said[path]

    def _say(self, path: str) -> str:
        dates = {"iat": NOON - 60, "exp": NOON + DAY}
        if path == urlsplit(configuration_url(self.body.entity)).path:
            return self.body.said(NOON)
        if path == urlsplit(configuration_url(self.top.entity)).path:
            return self.top.itself(**dates)
        if path.startswith(urlsplit(self.top.fetch).path):
            return self.top.of(Body(URL), **dates)
        return ""

    async def go_wrong(self, lie: str) -> None:
        at = self.ministry.clock()
        lies = {
            "lying": Below(self.body.entity, superior=URL).said(at),  # the right words by another key
            "another_bodys_statement": Below(COURT, superior=URL).said(at),
            "expired": self.body.said(at - 2 * DAY),
            "clock_skew": self.body.said(at + collect.EVERY + 200),
        }
        if lie == "down":
            await self.place.down()
        elif lie in lies:
            self.place.answer = roadside.always(lies[lie].encode())
        elif lie == "redirect_to_an_internal_address":
            self.place.answer = roadside.redirect(f"{self.inside.url}/latest/meta-data/")
        else:
            self.place.answer = BAD[lie]

    async def visit(self, fetcher: Fetcher) -> None:
        self.ministry.clock.at += collect.EVERY
        await in_time(collect.visit(self.ministry.office, fetcher))

    async def joins(self) -> Subordinate:
        """By the endpoint, as bodies do."""
        code = await enrol.invite(self.ministry.office, self.body.entity, "Leeds court", SAYS, ANA)
        sent = {"code": code, "configuration": self.body.said(self.ministry.clock())}
        async with self.ministry.http.post(f"{self.ministry.base}/federation/join", json=sent) as answer:
            assert answer.status == 202, await answer.text()
        return await row(self.ministry, self.body.entity)


async def in_time(work: Awaitable[object]) -> None:
    """Two answers at most, one after the other."""
    begun = asyncio.get_running_loop().time()
    await work
    assert asyncio.get_running_loop().time() - begun < 2 * SECONDS + SLACK


@pytest.fixture
async def street(template: Template, tmp_path: Path) -> AsyncIterator[Street]:
    async with roadside.street(2) as (place, inside):
        allow, top = (f"localhost:{urlsplit(place.url).port}",), Body(f"{place.url}/top")
        async with serving(
            template, tmp_path / "ministry", superior=True, outbound_allow=allow, outbound_seconds=SECONDS, authority_hints=(top.entity,)
        ) as ministry:
            patient, quick = Fetcher(allow=allow), Fetcher(allow=allow, seconds=SECONDS)
            made = Street(ministry, place, inside, Below(f"{place.url}/court", superior=URL), top, patient, quick)
            place.say = made.say
            inside.say = lambda _: b"a secret"
            yield made
            await patient.close()
            await quick.close()


@pytest.mark.parametrize("lie", LIES)
async def test_body_that_is_visited_at_its_worst(street: Street, lie: str) -> None:
    """Its last word and its keys stay, the fault is shown, and the visit ends."""
    waiting = await street.joins()
    await enrol.approve(street.ministry.office, street.body.entity, BEN, version=waiting.version, compared=True)
    await street.visit(street.patient)
    before = await row(street.ministry, street.body.entity)
    assert (before.fault, bool(before.configuration)) == ("", True)
    await street.go_wrong(lie)
    await street.visit(street.quick)
    after = await row(street.ministry, street.body.entity)
    assert after.fault
    assert (after.configuration, after.keys, after.version, after.tried_at) == (
        before.configuration,
        before.keys,
        before.version,
        street.ministry.clock(),
    )
    assert street.inside.asked == []


@pytest.mark.parametrize("lie", ["silent", "slow", "oversized", "gzip_bomb", "down", "lying", "redirect_to_an_internal_address"])
async def test_body_that_joins_while_its_address_is_at_its_worst(street: Street, lie: str) -> None:
    """It waits for a second person, who has to compare the fingerprints."""
    await street.go_wrong(lie)
    begun = asyncio.get_running_loop().time()
    waiting = await street.joins()
    assert asyncio.get_running_loop().time() - begun < SECONDS + SLACK
    assert waiting.published_at is None
    with pytest.raises(Conflict, match="fingerprints"):
        await enrol.approve(street.ministry.office, street.body.entity, BEN, version=waiting.version)
    assert street.inside.asked == []


@pytest.mark.parametrize("lie", [*BAD, "down", "another_bodys_statement", "redirect_to_an_internal_address"])
async def test_superior_above_that_is_at_its_worst(street: Street, lie: str) -> None:
    """What it said of us before is still shown, with the fault."""
    await street.visit(street.patient)
    (before,) = await street.ministry.office.storage.read(above.everybody)
    assert (before.fault, bool(before.statement)) == ("", True)
    await street.go_wrong(lie)
    await street.visit(street.quick)
    (after,) = await street.ministry.office.storage.read(above.everybody)
    assert (bool(after.fault), after.statement, after.tried_at) == (True, before.statement, street.ministry.clock())
    assert street.inside.asked == []
