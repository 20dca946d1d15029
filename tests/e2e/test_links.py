"""No link leads nowhere: every address on every page that can be reached from the three homes, signed in, answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin, urlsplit

import pytest
from playwright.async_api import APIRequestContext
from support.browser import LAPTOP, Open
from support.house import House
from support.scenes import (
    clerk_signs_in,
    desk_asks,
    desk_checks_copy,
    desk_signs_in,
    nora_collects,
    nora_makes_copy,
    nora_opens_request,
    nora_signs_in,
)
from support.walk import Walker

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("journey")]

MOST = 400  # pages


class Addresses(HTMLParser):
    """Where a page leads (``href``), what it loads (``src``), and the names of its places."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.base = base
        self.found: list[str] = []
        self.places: set[str] = {""}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del tag
        for name, value in attrs:
            if name == "id":
                self.places.add(value or "")
            elif name in {"href", "src", "data-poll"}:
                assert value, f"{self.base}: an empty {name}"
                self.found.append(urljoin(self.base, value))


@dataclass(slots=True)
class Crawler:
    """Follows every link within the house, once."""

    request: APIRequestContext
    inside: frozenset[str]
    seen: dict[str, str] = field(default_factory=dict)  # address -> page that it stands on
    dead: list[str] = field(default_factory=list)
    pages: int = 0

    async def crawl(self, start: str) -> None:
        waiting = [(start, "the start")]
        while waiting:
            address, source = waiting.pop()
            if (page := _page(address)) in self.seen:
                continue
            self.seen[page] = source
            waiting += [(one, address) for one in await self._visit(address, source)]

    async def _visit(self, address: str, source: str) -> list[str]:
        answer = await self.request.get(address)
        if answer.status >= 400:
            self.dead.append(f"{address} on {source}: {answer.status}")
            return []
        if not answer.headers.get("content-type", "").startswith("text/html"):
            return []
        self.pages += 1
        assert self.pages < MOST, "the pages never end"
        page = Addresses(answer.url)
        page.feed(await answer.text())
        for one in page.found:
            target, place = urldefrag(one)
            if target == answer.url and place not in page.places:
                self.dead.append(f"{one}: the page has no place of that name")
        return [target for target in (urldefrag(one)[0] for one in page.found) if self._follows(target)]

    def _follows(self, address: str) -> bool:
        parts = urlsplit(address)
        return f"{parts.scheme}://{parts.netloc}" in self.inside


def _page(address: str) -> str:
    """The same page for signing in, wherever it leads back to."""
    parts = urlsplit(address)
    return address if not parts.path.endswith("/sign-in") else address.removesuffix(f"?{parts.query}")


async def test_no_link_leads_nowhere(house: House, open_page: Open) -> None:
    clerk, nora, counter = [Walker(watched=await open_page(LAPTOP)) for _ in range(3)]
    await clerk_signs_in(clerk, house)
    await nora_signs_in(nora, house)
    await desk_signs_in(counter, house)
    await nora_collects(nora, house, await house.invite())
    await house.invite()
    await nora_opens_request(nora, house, await desk_asks(counter, house))
    await nora.press("Share once")
    await desk_asks(counter, house)
    await desk_checks_copy(counter, house, (await nora_makes_copy(nora, house)).file)
    inside = frozenset({house.issuer, house.wallet, house.desk})
    for walker, home in ((clerk, f"{house.issuer}/console/"), (nora, f"{house.wallet}/"), (counter, f"{house.desk}/desk/")):
        crawler = Crawler(walker.page.context.request, inside)
        await crawler.crawl(home)
        assert crawler.dead == []
        assert crawler.pages > 10
