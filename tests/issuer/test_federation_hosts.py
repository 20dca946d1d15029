"""What a superior exports, served by nginx and Apache by the very lines of its README, after the service itself is gone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

import pytest
from aiohttp import ClientSession
from support.registry import Template, serving
from support.superior import COURT, VCT, Below, enrolled, pin
from support.web_hosts import HOSTS, hosted, readable, types
from yarl import URL

from issuer.federation import export
from shared.flow import Fetch, Fetched, arun
from shared.trust.chain import resolve
from shared.trust.federation import Federation
from shared.trust.federation_anchor import FederationAnchor
from shared.trust.statements import MEDIA_TYPE
from shared.trust.superiors import gather
from shared.web.fetch import Fetcher

pytestmark = pytest.mark.real


@dataclass(frozen=True)
class Left:
    """What is left of a ministry: its files at its own address, its pin, and what a body below it says of itself."""

    url: str
    root: Path
    anchor: FederationAnchor
    at: int
    said: str
    fetcher: Fetcher

    async def fetch(self, wanted: Fetch) -> Fetched:
        """The real fetcher; only the body below has no address on this machine."""
        return Fetched(status=200, body=self.said.encode()) if wanted.url.startswith(COURT) else await self.fetcher(wanted)

    async def get(self, path: str) -> tuple[int, str, bytes]:
        async with ClientSession() as http, http.get(URL(self.url + path, encoded=True), allow_redirects=False) as answer:
            return answer.status, answer.headers.get("Content-Type", ""), await answer.read()


@pytest.fixture(params=HOSTS)
async def left(request: pytest.FixtureRequest, template: Template, tmp_path: Path) -> AsyncIterator[Left]:
    with readable() as folder:
        root = folder / "www"
        async with serving(template, tmp_path / "ministry", local=True, superior=True) as ministry:
            body = Below(superior=ministry.url)
            await enrolled(ministry, body)
            await export.export(ministry.office, root)
            at, anchor = ministry.clock(), await pin(ministry)
        port = int(urlsplit(ministry.url).port or 0)
        fetcher = Fetcher(allow=[f"localhost:{port}"])
        async with hosted(str(request.param), root, port):
            yield Left(ministry.url, root, anchor, at, body.said(at), fetcher)
        await fetcher.close()


async def test_the_lines_of_the_readme_serve_what_the_service_served(left: Left) -> None:
    """Whoever relies by the publication, and whoever fetches one statement after another, finds what was there before."""
    gathered = await arun(gather(left.anchor, at=left.at), left.fetch)
    assert not gathered.faults
    Federation(anchors=(left.anchor,), words=gathered.words).chain(COURT, left.at, vct=VCT).check_entitled(VCT, left.at)
    chain = await arun(resolve(COURT, [left.anchor], at=left.at), left.fetch)
    chain.check_entitled(VCT, left.at)


async def test_each_address_has_its_content_type(left: Left) -> None:
    fixed = types((left.root / "README.txt").read_text())
    assert len(fixed) == 5
    for path, kind in fixed.items():
        status, told, body = await left.get(path)
        assert (status, told.partition(";")[0]) == (200, kind), path
        assert body == (left.root / path.lstrip("/")).read_bytes()


async def test_a_body_is_found_with_percent_signs_or_without(left: Left) -> None:
    file = left.root / "federation/fetch" / quote(COURT, safe="")
    for query in (urlencode({"sub": COURT}), f"sub={COURT}", f"sub={quote(COURT, safe='').replace('%3A', '%3a').replace('%2F', '%2f')}"):
        status, told, body = await left.get(f"/federation/fetch?{query}")
        assert (status, told.partition(";")[0], body) == (200, MEDIA_TYPE, file.read_bytes()), query


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?sub=",
        "?sub=https%3A%2F%2Fnobody.example",
        "?sub=https://..",
        "?sub=https%3A%2F%2F..",
        "?sub=https%3A%2F%2F..%2F..%2FREADME.txt",
        "?sub=https://../../README.txt",
        "?sub=..%2F..%2FREADME.txt",
        "?sub=https://leeds.courts.example%00",
        "?sub=https://leeds.courts.example%0d%0aX-Injected:%201",
        "?subs=https://leeds.courts.example",
    ],
)
async def test_nothing_else_is_found(left: Left, query: str) -> None:
    """Neither another file by a question, nor a list of bodies."""
    status, _, body = await left.get(f"/federation/fetch{query}")
    assert status in {301, 400, 403, 404}
    assert b"federation, as files" not in body
    assert b"leeds" not in body
