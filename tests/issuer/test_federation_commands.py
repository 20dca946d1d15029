"""``muniment-issuer federation`` over two services that talk to each other, and what it writes for hosts that know nothing."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from aiohttp import ClientSession
from support.commands import say, two_people
from support.registry import Registry, Template, make_template, serving
from support.superior import ANA, BEN, VCT, Below, add_ben, enrolled, pin

from issuer.federation import collect, enrol
from issuer.federation.own import entity_of
from issuer.federation.publish import newest
from issuer.federation.terms import Terms, parse_terms
from issuer.records import subordinates
from shared.clock import DAY, floor_day, system_entropy
from shared.errors import ConfigError, Conflict, Forbidden, Missing, Refused, WrongPassphrase
from shared.flow import Fetch, Fetched, arun
from shared.keys import Role
from shared.trust.chain import resolve
from shared.trust.federation import Federation
from shared.trust.publication import parse_federation_publication
from shared.trust.statements import parse_statement
from shared.trust.superiors import gather
from shared.web import above, operators
from shared.web.certificates import day
from shared.web.context import FETCHER
from shared.web.passphrases import hash_passphrase

HOST = ("localhost:*",)


@pytest.fixture
async def ministry(template: Template, tmp_path: Path) -> AsyncIterator[Registry]:
    async with serving(template, tmp_path / "ministry", local=True, superior=True, outbound_allow=HOST) as running:
        yield running


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """An office with keys of its own: two bodies with one key are refused."""
    return asyncio.run(make_template(tmp_path_factory.mktemp("court") / "court"))


@pytest.fixture
async def court(other: Template, tmp_path: Path, ministry: Registry) -> AsyncIterator[Registry]:
    async with serving(other, tmp_path / "court", local=True, authority_hints=(ministry.url,), outbound_allow=HOST) as running:
        yield running


@pytest.fixture
async def people(ministry: Registry, tmp_path: Path) -> tuple[list[str], list[str]]:
    return await two_people(ministry, tmp_path)


async def test_a_body_joins_in_five_steps(ministry: Registry, court: Registry, people: tuple[list[str], list[str]]) -> None:
    (iris, ben), office = people, ministry.office
    lines = await say(office, "invite", court.url, "--name", "Court", "--says", VCT, "--mark", "https://m.example", *iris)
    code = lines[1].split()[-1]
    assert "fingerprint" in (await say(court.office, "join", ministry.url, code))[0]
    with pytest.raises(Refused, match="unknown, was used"):
        await say(court.office, "join", ministry.url, code)
    (told,) = json.loads((await say(office, "list", "--json"))[0])
    assert (told["state"], told["its_address_shows_them"]) == ("waiting", True)
    assert any("joined by" in line for line in await say(office, "list", court.url))
    version = str(told["version"])
    with pytest.raises(Forbidden):
        await say(office, "approve", court.url, "--version", version, *iris)
    with pytest.raises(WrongPassphrase):
        await say(office, "approve", court.url, "--version", version, "--by", "Ben", *iris[2:])
    assert "published" in (await say(office, "approve", court.url, "--version", version, *ben))[0]
    known = await office.storage.read(lambda tx: subordinates.keys(tx, court.url))
    assert Role.CREDENTIAL_ISSUER in {each.role for each in known}  # with what was just published, and not an hour later
    await court.office.storage.write(lambda tx: tx.execute("DELETE FROM own_superior"))
    await collect.visit(court.office, court.app[FETCHER])
    await entity_of(court.office).configure()
    async with ClientSession() as http:
        chain = await arun(resolve(court.url, [await pin(ministry)], at=ministry.clock()), partial(_fetch, http))
    chain.check_entitled(VCT, floor_day(ministry.clock()))  # all that a copy tells of when it was made
    (mark,) = chain.trust_marks  # the court shows by itself what it was given
    assert (mark.iss, mark.trust_mark_type) == (ministry.url, "https://m.example")
    await say(office, "entitle", court.url, "--says", "urn:other", *ben)
    (told,) = json.loads((await say(office, "list", "--json"))[0])
    await say(office, "approve", court.url, "--version", str(told["version"]), "--refuse", "not agreed", *iris)
    assert "Ended" in (await say(office, "end", court.url, "--reason", "closed", *iris))[0]


async def test_whoever_is_known_there_by_another_key_joins_again(
    ministry: Registry, court: Registry, people: tuple[list[str], list[str]]
) -> None:
    """Whatever the doctor says of a key that nobody above knows: to join is what helps against it."""
    (iris, ben), own = people, entity_of(court.office)

    async def come() -> None:
        lines = await say(ministry.office, "invite", court.url, "--name", "Court", *iris)
        await say(court.office, "join", ministry.url, lines[1].split()[-1])
        (told,) = json.loads((await say(ministry.office, "list", "--json"))[0])
        assert len(await say(ministry.office, "approve", court.url, "--version", str(told["version"]), *ben)) == 1
        await above.ask(court.office.storage, ministry.url, court.app[FETCHER], own=court.url, clock=court.office.clock)

    await come()
    await own.ring.rotate(now=True, actor="Iris")
    with pytest.raises(ConfigError, match="has to invite this service again"):
        await own.examine()
    await come()
    assert f"below {ministry.url}" in await own.examine()


async def test_whose_passphrase_another_knows_decides_nothing_at_a_terminal(ministry: Registry, tmp_path: Path) -> None:
    """Or one person would be two: whoever let her in still knows it."""
    (tmp_path / "ben.txt").write_text(await add_ben(ministry, handed=True))
    ben = ["--by", "Ben", "--passphrase-file", str(tmp_path / "ben.txt")]
    with pytest.raises(Forbidden, match="choose one of your own"):
        await say(ministry.office, "approve", "https://leeds.courts.example", "--version", "1", *ben)
    await ministry.office.storage.write(
        lambda tx: operators.set_passphrase(tx, "ben", hash_passphrase("his own and longer", system_entropy))
    )
    (tmp_path / "ben.txt").write_text("his own and longer")
    with pytest.raises(Missing):
        await say(ministry.office, "approve", "https://leeds.courts.example", "--version", "1", *ben)


async def test_whoever_approves_is_told_that_nothing_was_taken_at_the_first_visit(
    ministry: Registry, people: tuple[list[str], list[str]]
) -> None:
    body = Below("http://localhost:9", superior=ministry.url)
    code = await enrol.invite(ministry.office, body.entity, "Court", Terms(), ANA)
    version = (await enrol.join(ministry.office, code, body.said(ministry.clock()), published=True)).version
    told = await say(ministry.office, "approve", body.entity, "--version", str(version), *people[1])
    assert "Approved" in told[0]
    assert "nothing was taken of what it says of itself" in told[1]


async def test_what_cannot_be_is_told_before_anything_is_sent(
    ministry: Registry, court: Registry, people: tuple[list[str], list[str]], tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="authority_hints"):
        await say(court.office, "join", "https://elsewhere.example", "code")
    with pytest.raises(Forbidden, match="superior"):
        await say(court.office, "export", str(tmp_path / "files"))
    (tmp_path / "terms.json").write_text('{"entitlements": 3}')
    with pytest.raises(ConfigError, match="/entitlements"):
        await say(ministry.office, "invite", court.url, "--name", "C", "--terms", str(tmp_path / "terms.json"), *people[0])
    with pytest.raises(ConfigError, match="cannot read"):
        await say(ministry.office, "invite", court.url, "--name", "C", "--terms", str(tmp_path / "none.json"), *people[0])
    with pytest.raises(Conflict):
        await say(ministry.office, "invite", ministry.url, "--name", "Ourselves", *people[0])
    assert await say(ministry.office, "list") == ["Nobody."]


# --- files -----------------------------------------------------------------------------------------------------------------------------


class Plain(SimpleHTTPRequestHandler):
    """A host that knows paths only."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Ruled(Plain):
    """A host with the rule of the README: what follows ``sub=`` names the file."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if found := re.fullmatch(r"sub=https(?:%3A%2F%2F|://)([^/%]+)", parts.query):
            self.path = f"{parts.path}/https%253A%252F%252F{found[1]}"
        super().do_GET()


@contextmanager
def hosted(folder: Path, port: int, kind: type[Plain]) -> Iterator[None]:
    server = ThreadingHTTPServer(("localhost", port), partial(kind, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


async def _fetch(http: ClientSession, wanted: Fetch) -> Fetched:
    async with http.get(wanted.url) as answer:
        return Fetched(status=answer.status, body=await answer.read())


async def test_it_is_all_there_as_files_that_any_host_serves(template: Template, tmp_path: Path) -> None:
    """The service is gone, a host that knows nothing answers under its address, and the chain holds; no body below is asked anything."""
    folder, mark = tmp_path / "files", "https://m.example/inspected"
    async with serving(template, tmp_path / "ministry", local=True, superior=True) as ministry:
        body = Below(superior=ministry.url)
        terms = Terms(grants=parse_terms(json.dumps({"entitlements": [{"vct": VCT, "from": 1}]})).grants, trust_marks=(mark,))
        await enrolled(ministry, body, terms)
        (line,) = await say(ministry.office, "export", str(folder))
        anchor, at, configuration = await pin(ministry), ministry.clock(), body.said(ministry.clock())
        assert "README.txt" in line
    port = int(urlsplit(ministry.url).port or 0)
    with hosted(folder, port, Plain):
        async with ClientSession() as http:
            gathered = await arun(gather(anchor, at=at), partial(_fetch, http))
    assert not gathered.faults
    Federation(anchors=(anchor,), words=gathered.words).chain(body.entity, at, vct=VCT).check_entitled(VCT, at)

    async def fetch(http: ClientSession, wanted: Fetch) -> Fetched:
        if wanted.url.startswith(body.entity):
            return Fetched(status=200, body=configuration.encode())
        return await _fetch(http, wanted)

    with hosted(folder, port, Ruled):
        async with ClientSession() as http:
            chain = await arun(resolve(body.entity, [anchor], at=at), partial(fetch, http))
    chain.check_entitled(VCT, at)
    readme = (folder / "README.txt").read_text()
    for needed in (
        "/.well-known/openid-federation  application/entity-statement+jwt",
        "/federation/historical-keys  application/jwk-set+jwt",
    ):
        assert needed in readme
    assert {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()} == {
        "README.txt",
        ".well-known/openid-federation",
        ".well-known/muniment-trust",
        "federation/trust",
        "federation/list",
        "federation/historical-keys",
        "federation/fetch/https%3A%2F%2Fleeds.courts.example",
        "federation/resolve/https%3A%2F%2Fleeds.courts.example",
        "federation/trust-mark/https%3A%2F%2Fm.example%2Finspected/https%3A%2F%2Fleeds.courts.example",
    }


async def test_a_host_is_told_the_day_on_which_the_first_of_its_files_runs_out(template: Template, tmp_path: Path) -> None:
    """Not a life from today on: what was signed earlier today, or yesterday, is not signed anew for an export."""
    async with serving(template, tmp_path / "ministry", superior=True) as ministry:
        await enrolled(ministry, Below())
        made = parse_federation_publication(await newest(ministry.office) or b"").snapshot
        ministry.clock.at += 23 * 3600
        await say(ministry.office, "export", str(tmp_path / "files"))
        said = parse_statement((tmp_path / "files/federation/fetch/https%3A%2F%2Fleeds.courts.example").read_text())
        readme = (tmp_path / "files/README.txt").read_text()
    assert f"Signed until {day(min(made.next_update, said.exp))}:" in readme
    assert min(made.next_update, said.exp) < ministry.clock() + ministry.office.settings.snapshot_days * DAY - 20 * 3600


async def test_what_is_over_is_taken_away_when_it_is_written_again(template: Template, tmp_path: Path) -> None:
    async with serving(template, tmp_path / "ministry", superior=True) as ministry:
        await enrolled(ministry, Below())
        await say(ministry.office, "export", str(tmp_path / "files"))
        assert list((tmp_path / "files/federation/fetch").iterdir())
        await enrol.end(ministry.office, Below().entity, "stolen", ANA, compromised=True)
        ministry.clock.at += DAY
        await say(ministry.office, "export", str(tmp_path / "files"))
        assert not list((tmp_path / "files/federation/fetch").iterdir())
        assert BEN.name not in (tmp_path / "files/federation/trust").read_text()
