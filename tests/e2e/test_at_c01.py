"""Domain sheet C01, who is presenting: its acceptance scenarios by their names."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from operator import methodcaller
from pathlib import Path
from types import MappingProxyType

import pytest
from aiohttp import ClientSession
from support import desk as desks
from support.browser import Open
from support.desk import Running
from support.documents import DOCUMENTS
from support.hands import at_desk, invited, opened_wallet
from support.long_values import decoded, long_values
from support.offices import BANK, COUNCIL, NINE, OPG, Street, bring, copy_for, given, open_office, set_up_desk, set_up_office
from support.registry import LPA_1
from support.thrift import easy_seal
from support.trial_web import Watch

from shared import addressed
from shared.credentials import all_types
from shared.errors import Unavailable
from shared.flow import Fetch, Fetched
from shared.web import log
from shared.web.trust_file import change
from wallet.upkeep import upkeep

NORA = {**DOCUMENTS["person"], "age_over_18": True}
NAMES = (("given_name",), ("family_name",))
RELY = ("You can rely on this", "")
CHECKERS = tuple(f"https://identity-{number}.example" for number in (1, 2, 3))


@dataclass(kw_only=True)
class Town(Street):
    """Offices that do not answer any more, and whom anybody tried to ask."""

    gone: str = ""
    tried: list[str] = field(default_factory=list)

    async def __call__(self, wanted: Fetch) -> Fetched:
        self.tried.append(wanted.url)
        if self.gone and wanted.url.startswith(self.gone):
            raise Unavailable("nobody answers")
        return await super().__call__(wanted)


@asynccontextmanager
async def open_town(folder: Path, more: Mapping[str, str] = MappingProxyType({})) -> AsyncIterator[Town]:
    """Three offices that make documents about people, one that makes powers, and BANK, which trusts them all, as do ``more`` bodies by their names."""
    clock, makes = Watch(NINE), {**dict.fromkeys(CHECKERS, ("person",)), OPG: ("representation",)}
    async with AsyncExitStack() as stack:
        street = Town(clock=clock, http=await stack.enter_async_context(ClientSession()))
        with easy_seal():
            made = {url: await set_up_office(folder / hex(at), url, f"Office {at}", clock) for at, url in enumerate(makes)}
            trust = [f"{each.anchor}:credential-issuer:{url}" for url, each in made.items()]
            bodies = {BANK: "Northwold Bank", **more}
            templates = {url: await set_up_desk(folder / f"desk-{url[8:12]}", url, name, trust, clock) for url, name in bodies.items()}
        for at, (url, types) in enumerate(makes.items()):
            office = open_office(folder / hex(at), url, made[url], clock, types=types)
            street.offices[url] = await stack.enter_async_context(office)
        for url, template in templates.items():
            serving = desks.serving(template, template.directory, site=street, clock=clock, refresh=False, public_url=url)
            street.desks[url] = await stack.enter_async_context(serving)
        await street.cycle()
        yield street


@pytest.mark.real
async def test_at_c01_1_with_any_one_identity_issuer_gone_every_flow_has_a_path(tmp_path: Path, open_page: Open) -> None:
    """Three make documents about people. Whichever goes off the list of whom BANK trusts, another makes NORA's, and BANK relies on it for each of its
    questions as before, also beside her power of attorney. Copies of one that is merely gone are good to their end, for nobody asks it anything.
    """
    async with open_town(tmp_path) as street, opened_wallet(street, tmp_path / "nora", open_page) as nora:
        bank, clerk = street.desks[BANK], await at_desk(street, BANK, open_page)
        listed = bank.desk.trusted.file.read_bytes()
        await nora.collects(await invited(street, OPG, "representation", LPA_1))
        held = {url: await nora.collects(await invited(street, url, "person", NORA)) for url in CHECKERS}
        for gone, other in zip(CHECKERS, (*CHECKERS[1:], CHECKERS[0]), strict=True):
            street.gone = gone
            street.clock.at += 3_600
            await street.cycle()
            await nora.enters()
            await clerk.enters()
            await upkeep(nora.site.host.means, nora.vault)  # the lists, which wallets fetch by the clock, whatever is shown
            street.tried.clear()
            fresh = await nora.collects(await invited(street, other, "person", NORA))

            async def says(card: str, question: str) -> tuple[str, str]:
                return await clerk.opens(await nora.writes(BANK, "Northwold Bank", f"person/{question}", card=card))

            assert await says(held[gone], "over-18") == RELY
            assert any(url.startswith(other) for url in street.tried)
            assert [url for url in street.tried if url.startswith(gone)] == [], "who is gone is asked nothing"
            (pin,) = (each.fingerprint for each in bank.desk.trust.anchors if each.entity == gone)
            change(bank.desk.trusted.file, methodcaller("remove", pin))
            assert await says(held[gone], "over-18") == ("Do not rely on this", "untrusted")
            for question in ("over-18", "same-person"):
                assert await says(fresh, question) == RELY, (gone, question)
            asked = await bank.ask(type="")  # with a power of attorney: who holds it
            await nora.answers(asked["link"])
            assert await clerk.reads(asked["id"]) == RELY, gone
            bank.desk.trusted.file.write_bytes(listed)


def test_at_c01_1_no_flow_but_who_holds_a_power_asks_who_somebody_is() -> None:
    """Every other question of any kind of document is answered without a document about the person, whoever makes or does not make these."""
    asking = {kind.id for kind in all_types().values() for query in kind.queries if any(other == "person" for other, _ in query.beside)}
    assert asking == {"representation"}


@pytest.mark.real
async def test_at_c01_2_two_presentations_of_nora_share_no_value_of_16_bytes(tmp_path: Path, open_page: Open) -> None:
    """To ABC and to BANK, whose desks accept them: what both decoded presentations have in common, any other holder's has as well. And what the two
    desks write down and show of her has nothing in common but what they write of PETER too.
    """
    async with (
        open_town(tmp_path, {COUNCIL: "Anytown Borough Council"}) as street,
        opened_wallet(street, tmp_path / "nora", open_page) as nora,
    ):
        await nora.collects(await invited(street, CHECKERS[0], "person", NORA))
        peter = await given(street, CHECKERS[0], "person", {**DOCUMENTS["person"], "given_name": "Peter"})
        (small,) = (await peter.holder.copies(1, "person-sd-cwt")).credentials
        constants = decoded("dc+sd-cwt", str(small))
        shown, kept, others = [], [], set()
        for entity, running in street.desks.items():
            brought = await bring(
                street, entity, copy_for(entity, peter, purpose="same-person", paths=NAMES, at=street.clock(), seed=entity)
            )
            assert brought.decision.decision == "accepted"
            others |= await written_down(running, brought.answered.asked.id)
            clerk = await at_desk(street, entity, open_page)
            file = await nora.writes(entity, running.desk.settings.name, "person/same-person")
            assert await clerk.opens(file) == ("You can rely on this", "")
            copy = addressed.parse_file(file)
            assert copy.format == "dc+sd-cwt", "of two forms the smaller one is mailed"
            shown += [decoded(copy.format, wire) for wires in copy.vp_token.values() for wire in wires]
            kept.append(await written_down(running, clerk.walker.page.url.partition("?")[0].rpartition("/")[2]))
    one, two = shown
    assert len(one) > 10
    assert one & two - constants == set()
    assert all(len(each - others) > 2 for each in kept), "something is hers alone"
    assert kept[0] & kept[1] - others == set()


async def written_down(running: Running, number: str) -> set[bytes]:
    """Every value of 16 bytes or more in what a desk shows of a copy, its receipt, and the entry of its log, which is the newest."""
    (newest,) = await running.desk.storage.read(lambda tx: log.page(tx, before=1_000, limit=1))
    return set(long_values([await running.state({"id": number}), newest.entry.entry]))
