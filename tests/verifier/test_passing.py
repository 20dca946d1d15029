"""No wrong door: a counter takes a sealed letter for another body, cannot read it, gives a receipt and passes it on (C22, T-EX-6)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.clerk import Clerk
from support.desk import Running, Site, Template, make_copy, make_template, read_anchor, serving
from support.posting import Sent, ask, check, inbox_of, post, written

from shared.codec import base64url
from shared.errors import Unavailable
from shared.flow import Fetch, Fetched
from shared.inbox import digest
from shared.keys import Role
from shared.receipts import presentation_bytes, verify_receipt
from shared.storage import Tx
from shared.trust.anchors import TrustAnchors, parse_anchor, render_trust
from shared.trust.policy import Policy
from verifier import config, passing
from verifier.app import one_round
from verifier.records import passed

COUNCIL, DOOR = "https://anytown-bc.example", "https://post.anytown-bc.example"


@dataclass
class Town:
    """A library, with a council whose registration it has heard."""

    library: Running
    council: Running
    up: bool = True
    status: int = 0

    async def send(self, fetch: Fetch) -> Fetched:
        if not self.up:
            raise Unavailable("nobody answers")
        if self.status:
            return Fetched(status=self.status)
        assert fetch.url == f"{DOOR}/inbox"
        return await self.council.fetch(fetch)

    def letter(self, seed: str = "copy") -> Sent:
        return written(self.council, make_copy(to=COUNCIL, at=self.council.clock(), seed=seed))


@pytest.fixture
async def town(template: Template, tmp_path: Path) -> AsyncIterator[Town]:
    other = await make_template(tmp_path / "council-template" / "desk", name="Anytown Borough Council", entity=COUNCIL, url=DOOR)
    async with serving(other, tmp_path / "council", public_url=DOOR) as council:
        await _publish(council)
        library_site = Heard(council)
        async with serving(template, tmp_path / "library", local=True, site=library_site, refresh=False) as library:
            _pin(library, council)
            await library.store.refresh(library_site)
            yield Town(library, council)


class Heard(Site):
    """The network of the library: what the council's anchor publishes is there too."""

    def __init__(self, council: Running) -> None:
        super().__init__()
        self.council = council

    async def __call__(self, fetch: Fetch) -> Fetched:
        if fetch.url.startswith(COUNCIL):
            return await self.council.fetch(Fetch(url=fetch.url.replace(COUNCIL, DOOR)))
        return await super().__call__(fetch)


async def _publish(council: Running) -> None:
    await one_round(council.app)


def _pin(library: Running, council: Running) -> None:
    known = library.desk.trust
    anchor = parse_anchor(read_anchor(council.desk), role=Role.RELYING_PARTY, entity=COUNCIL)
    trust = TrustAnchors(anchors=(*known.anchors, anchor), bundle_signers=known.bundle_signers)
    config.trust(library.desk.directory).write_bytes(render_trust(trust))


async def hand_in(clerk: Clerk, token: str, *, status: int = 200) -> str:
    return await clerk.upload("/desk/pass-on", token.encode(), "letter.jose", status=status, text="")


async def test_a_counter_passes_on_what_it_cannot_read(town: Town) -> None:
    clerk, letter = await Clerk(town.library).sign_in(), town.letter()
    page = await hand_in(clerk, letter.token)
    assert "Anytown Borough Council" in page
    assert "on its way" in page
    path = clerk.at
    async with town.library.http.get(f"{town.library.base}{path}/receipt") as answer:
        token = await answer.text()
    policy = Policy(TrustAnchors(anchors=(parse_anchor(read_anchor(town.library.desk), role=Role.RELYING_PARTY),)))
    presentation, nonce = presentation_bytes(passing.presented(letter.token)), nonce_of(letter)
    receipt = verify_receipt(token, policy=policy, at=town.library.clock(), presentation=presentation, nonce=nonce)
    assert (receipt.decision, receipt.reason_code) == ("undecided", "passed_on")
    assert (await ask(town.council, letter.ticket))[0] == 404
    assert await passing.deliver(town.library.desk, town.send) == 1
    assert "arrived" in await clerk.get(path)
    assert check(town.council, letter, (await ask(town.council, letter.ticket))[1]).decision == "accepted"
    assert "a letter for somebody else" in await clerk.get("/desk/decisions")


def nonce_of(letter: Sent) -> str:
    return base64url.encode(digest(letter.token))


async def test_the_letter_goes_once_it_has_arrived_and_nothing_in_it_stays(town: Town) -> None:
    clerk, letter = await Clerk(town.library).sign_in(), town.letter()
    await hand_in(clerk, letter.token)
    before = await rows(town)
    assert before[0].letter == letter.token
    await passing.deliver(town.library.desk, town.send)
    after = await rows(town)
    assert (after[0].letter, after[0].fault) == ("", "")
    await town.library.desk.storage.checkpoint()
    for file in town.library.desk.directory.rglob("*"):
        assert not file.is_file() or b"Ashdown" not in file.read_bytes()


async def rows(town: Town) -> list[passed.Passed]:
    async def unit(tx: Tx) -> list[passed.Passed]:
        return await passed.recent(tx, 10)

    return await town.library.desk.storage.read(unit)


async def test_it_is_tried_until_it_arrives(town: Town) -> None:
    clerk, letter = await Clerk(town.library).sign_in(), town.letter()
    await hand_in(clerk, letter.token)
    town.up = False
    for wait in (0, 60, 300, 1_800):
        town.library.clock.at += wait
        assert await passing.deliver(town.library.desk, town.send) == 0
        assert await passing.deliver(town.library.desk, town.send) == 0
    town.up = True
    town.library.clock.at += 7_200
    assert await passing.deliver(town.library.desk, town.send) == 1
    assert (await rows(town))[0].tries == 5


@pytest.mark.parametrize("status", [400, 413])
async def test_what_the_other_will_never_take_is_given_up(town: Town, status: int) -> None:
    clerk, letter = await Clerk(town.library).sign_in(), town.letter()
    await hand_in(clerk, letter.token)
    town.status = status
    await passing.deliver(town.library.desk, town.send)
    assert "It could not be delivered" in await clerk.get(clerk.at)
    assert (await rows(town))[0].letter == ""


async def test_handed_in_twice_it_is_one(town: Town) -> None:
    clerk, letter = await Clerk(town.library).sign_in(), town.letter()
    await hand_in(clerk, letter.token)
    first = clerk.at
    await hand_in(clerk, letter.token)
    assert clerk.at == first


async def test_a_letter_for_ourselves_is_taken_as_post(town: Town) -> None:
    clerk, letter = await Clerk(town.library).sign_in(), written(town.library)
    page = await hand_in(clerk, letter.token)
    assert "Bank account" in page or "/desk/inbox/" in clerk.at
    assert (await post(town.library, letter))[0] == 200


async def test_what_nobody_can_open_is_given_back(town: Town) -> None:
    clerk = await Clerk(town.library).sign_in()
    assert "This is no sealed letter" in await hand_in(clerk, "a.b.c.d.e", status=400)
    assert "Choose the file" in await clerk.post("/desk/pass-on", {"form_token": await clerk.token("/desk/pass-on")}, status=400)
    stranger = written(town.library).token
    assert inbox_of(town.library).kid != inbox_of(town.council).kid
    await town.library.desk.storage.write(lambda tx: tx.execute("DELETE FROM inbox_key"))
    assert "Nobody whom we know can open this" in await hand_in(clerk, stranger, status=400)
