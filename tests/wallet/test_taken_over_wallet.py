"""A document whose records came to another body (AT-C24-3): who signs now is shown, and the holder is asked first where that is no public body."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from support.federation import MINISTRY
from support.federations import Realm
from support.privatised import NOTE, REGISTER, company, knowing, privatised
from support.successions import handed, publish
from support.trial_verify import DAY, ISSUER, Authority, Dice, registry, status_token
from support.wallet_visitor import Visitor
from support.wallets import Wallet, open_wallet, serve_wallet
from support.world import COUNCIL, World

from shared.custody.memory import MemoryCustodian
from shared.errors import Conflict, Missing, VcError
from shared.flow import Fetch, Fetched
from shared.keys import KeyId, Role
from shared.openid4vci import AsMetadata, render_as_metadata
from shared.status.token_status_list import INVALID, parse_token
from wallet import at_keeper, phone, share
from wallet.at_successor import list_signer
from wallet.cli import parser
from wallet.clients import client_name
from wallet.keepers import acknowledge, keeper_of
from wallet.present import agree, refuse
from wallet.records import CLIENTS
from wallet.sessions import ClientSecrets, Document, Withheld
from wallet.share import Wish
from wallet.upkeep import renew

TO_COUNCIL = Wish(entity=COUNCIL, name="Council", purpose_id="council-tax", query="council-tax")


class Privatised:
    """A wallet with one document, which hears of the succession when a test says so."""

    def __init__(self, wallet: Wallet) -> None:
        self.wallet = wallet
        self.realm: Realm | None = None
        world = wallet.world
        wallet.means = replace(wallet.means, trust=lambda: world.policy() if self.realm is None else knowing(world, self.realm))

    async def statement(self) -> str:
        found = keeper_of(self.wallet.means.trust(), await self.wallet.document(), self.wallet.world.clock())
        assert found is not None
        return found.statement

    async def acknowledge(self) -> None:
        document = await self.wallet.document()
        await acknowledge(self.wallet.means, self.wallet.vault, document.id, await self.statement())


@pytest.fixture
async def privatising(storage_uri: str) -> AsyncIterator[Privatised]:
    async with open_wallet(storage_uri) as wallet:
        world = wallet.world
        world.office.formats = ("dc+sd-jwt", "dc+sd-cwt")
        found = Privatised(wallet)
        await wallet.collect()
        yield found


async def test_at_c24_3(privatising: Privatised) -> None:
    """Privatised register: the wallet shows who signs now; Don't share is all there is until that was acknowledged, which is kept."""
    wallet = privatising.wallet
    assert (await wallet.ask(wallet.world.council.ask())).problem == ""
    privatising.realm = privatised()
    view = await wallet.ask(link := wallet.world.council.ask())
    keeper = view.parts[0].choices[0].keeper
    assert keeper is not None
    assert (keeper.name["en"], keeper.name["cy"], keeper.private, keeper.asks) == ("Register Ltd", "Cofrestr Cyf", True, True)
    assert keeper.note["en"] == NOTE["note"]
    assert view.problem.startswith("Register Ltd keeps this record now, and is not a public body.")
    with pytest.raises(Conflict) as refused:
        await wallet.share(link)
    assert refused.value.where == "keeper"
    assert wallet.world.council.got == []
    assert isinstance((await refuse(wallet.means, wallet.vault, view.id)).value.state, Withheld)
    again = await wallet.ask(wallet.world.council.ask())
    await privatising.acknowledge()
    await privatising.acknowledge()
    lines = [line.entry for line in await wallet.lines() if line.entry.transaction_type == "keeper-known"]
    assert [(line.interacting_party_name, line.interacting_party_identifier.identifier) for line in lines] == [("Register Ltd", REGISTER)]
    assert (await wallet.document()).acknowledged == (await privatising.statement(),)
    view = await wallet.look(again.id)
    assert view.problem == ""
    assert view.parts[0].choices[0].keeper == msgspec.structs.replace(keeper, asks=False, agreed=True)
    await agree(wallet.means, wallet.vault, view.id, chosen=view.documents, seen=view.seen)
    assert len(wallet.world.council.got) == 1


async def test_nothing_is_fetched_and_no_copy_is_made_before(privatising: Privatised) -> None:
    """Neither by the clock nor by hand, nor for a phone, nor made out to a body; the hour of the next copies is not lost."""
    wallet, world = privatising.wallet, privatising.wallet.world
    privatising.realm = privatised()
    (item,) = await wallet.documents()
    assert item.value.renewal is not None
    world.clock.at = item.value.renewal.at
    privatising.realm.again(MINISTRY, at=world.clock.at - 60)
    issued = world.office.issued
    await wallet.upkeep()
    with pytest.raises(Conflict):
        await renew(wallet.means, wallet.vault, item)
    with pytest.raises(Conflict):
        await share.make_out(wallet.means, wallet.vault, TO_COUNCIL)
    with pytest.raises(Conflict):
        await phone.begin(wallet.means, wallet.vault, item.id, "p" * 22)
    assert world.office.issued == issued
    await privatising.acknowledge()
    await wallet.upkeep()
    assert world.office.issued > issued
    await share.make_out(wallet.means, wallet.vault, TO_COUNCIL)
    await phone.begin(wallet.means, wallet.vault, item.id, "p" * 22)


async def test_a_public_successor_is_shown_and_nobody_is_asked(privatising: Privatised) -> None:
    wallet = privatising.wallet
    privatising.realm = privatised(private=False)
    view = await wallet.ask(wallet.world.council.ask())
    keeper = view.parts[0].choices[0].keeper
    assert keeper is not None
    assert (keeper.private, keeper.asks, view.problem) == (False, False, "")
    assert not keeper.agreed
    await privatising.acknowledge()
    assert (await wallet.document()).acknowledged == (await privatising.statement(),)


async def test_what_was_acknowledged_is_not_what_holds_now(privatising: Privatised) -> None:
    """Another statement asks again; one that nobody published, or that was taken back, cannot be acknowledged."""
    wallet = privatising.wallet
    document = await wallet.document()
    with pytest.raises(Conflict):
        await acknowledge(wallet.means, wallet.vault, document.id, "anything")
    privatising.realm = privatised()
    first = await privatising.statement()
    await privatising.acknowledge()
    privatising.realm = privatised(note="The terms have changed.")
    with pytest.raises(Conflict):
        await acknowledge(wallet.means, wallet.vault, document.id, first)
    assert (await wallet.ask(wallet.world.council.ask())).problem
    privatising.realm = privatised(vcts=["urn:other"])
    assert (await wallet.ask(wallet.world.council.ask())).problem == ""


async def test_in_a_circle_nobody_keeps_it(privatising: Privatised) -> None:
    wallet, realm = privatising.wallet, privatised()
    back = handed(realm[REGISTER], REGISTER, realm[ISSUER], private=True)
    privatising.realm = publish(realm, MINISTRY, handed(realm[ISSUER], ISSUER, realm[REGISTER], private=True), back)
    assert (await wallet.ask(wallet.world.council.ask())).problem == ""


async def test_pages_and_programs(tmp_path: Path) -> None:
    """Without JavaScript: the card says who keeps it, the question cannot be answered, and then it can. Programs see and say the same."""
    async with serve_wallet(tmp_path / "wallet") as site:
        visitor, world, known = Visitor(site), site.world, [World.policy(site.world)]
        object.__setattr__(site.host.means, "trust", lambda: known[0])
        await visitor.enter()
        await visitor.collect()
        card = visitor.path
        known[0] = knowing(world, privatised())
        await visitor.get(card)
        assert "Register Ltd keeps this record now" in visitor.text
        assert "Register Ltd is not a public body. Until you say that you know this" in visitor.text
        assert NOTE["note"] in visitor.text
        await visitor.get("/present")
        question = await visitor.post("/present", {"link": world.council.ask()}, files={})
        request = visitor.path
        assert "Register Ltd keeps this record now, since 14 January 2027." in question
        assert "Say on the document’s page that you know this" in question
        assert 'value="share"' not in question
        look = await visitor.post(
            "/copies/new", {"to": COUNCIL, "to_name": "Council", "question": "representation/council-tax", "days": "7"}
        )
        assert "Make this copy" not in look
        await site.open()
        _, told = await site.call("GET", f"/api{card}")
        assert (told["keeper"]["entity"], told["keeper"]["asks"]) == (REGISTER, True)
        status, _ = await site.call("POST", f"/api{card}/keeper", {"statement": "another"})
        assert status == 409
        await visitor.get(card)
        assert "You said that you know this." in await visitor.post(f"{card}/keeper")
        assert 'value="share"' in await visitor.get(request)
        status, told = await site.call("POST", f"/api{card}/keeper", {"statement": told["keeper"]["statement"]})
        assert (status, told["keeper"]["asks"]) == (200, False)
        assert "Known who keeps it" in await visitor.get("/history")
        await visitor.get(f"{card}?lang=cy")
        assert "Mae Cofrestr Cyf yn cadw’r cofnod hwn nawr" in visitor.text


async def test_at_a_terminal(privatising: Privatised, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    wallet, loop = privatising.wallet, asyncio.get_running_loop()
    host: Any = SimpleNamespace(means=wallet.means)
    document = (await wallet.document()).id

    def with_wallet(_: argparse.Namespace, work: Callable[[Any, Any], Any]) -> int:
        return int(asyncio.run_coroutine_threadsafe(work(host, wallet.opened), loop).result())

    monkeypatch.setattr(at_keeper, "with_wallet", with_wallet)
    monkeypatch.setattr(sys, "stdin", StringIO())

    async def say(*words: str) -> tuple[int, str]:
        arguments = parser().parse_args(["keeper", document, *words])
        return await asyncio.to_thread(at_keeper.keeper, arguments), capsys.readouterr().out

    with pytest.raises(Missing):
        await say()
    privatising.realm = privatised()
    code, told = await say()
    assert code == 1
    assert f"Register Ltd ({REGISTER}) keeps this record now, and is no public body: say that you know it first" in told
    assert f"They say: {NOTE['note']}" in told
    assert (await say("--yes"))[0] == 0
    assert await say() == (0, f"Register Ltd ({REGISTER}) keeps this record now, and is no public body\nThey say: {NOTE['note']}\n")


# --- new copies --------------------------------------------------------------------------------------------------------------------------


class Moved(Privatised):
    """The office is gone, and its successor serves what that had under its own address."""

    def __init__(self, before: Privatised) -> None:
        self.wallet, self.realm = before.wallet, before.realm
        world = self.wallet.world
        office = world.office
        self.heir = replace(office, by=company(), place=REGISTER, says={}, clock=world.clock)
        self.asked: list[str] = []
        self.left: Fetched | None = None  # what the address of the office still answers
        before.realm = privatised(private=False)
        world.down.add(ISSUER)

        async def fetch(one: Fetch) -> Fetched:
            self.asked.append(one.url)
            if self.left is not None and one.url.startswith(f"{ISSUER}/"):
                return self.left
            return self.heir.answer(one) if one.url.startswith(f"{REGISTER}/") else await world(one)

        self.wallet.means = replace(self.wallet.means, fetch=fetch)

    async def due(self) -> Document:
        """It is time for new copies."""
        (item,) = await self.wallet.documents()
        assert item.value.renewal is not None
        await self.wallet.replace(
            item, msgspec.structs.replace(item.value, renewal=msgspec.structs.replace(item.value.renewal, at=self.wallet.world.clock()))
        )
        await self.wallet.upkeep()
        return await self.wallet.document()


async def test_new_copies_from_the_successor(privatising: Privatised) -> None:
    """Not while the office answers, nor before the holder agreed; then all copies are the successor's, checked as its own."""
    wallet = privatising.wallet
    moved = Moved(privatising)
    assert (await moved.due()).issuer == ISSUER
    assert not any(url.startswith(REGISTER) for url in moved.asked)
    await privatising.acknowledge()
    wallet.world.down.clear()
    assert (await moved.due()).issuer == ISSUER
    assert not any(url.startswith(REGISTER) for url in moved.asked)
    await wallet.share(wallet.world.council.ask())
    moved.heir.refresh_tokens.update(wallet.world.office.refresh_tokens)
    wallet.world.down.add(ISSUER)
    document = await moved.due()
    assert (document.issuer, document.issuer_name) == (REGISTER, "Register Ltd")
    assert document.renewal is not None
    assert (document.renewal.issuer, document.renewal.problem) == (REGISTER, "")
    assert all(copy.status_uri.startswith(f"{REGISTER}/") and not copy.shown_to for copy in document.copies)
    assert {item.id for item in await wallet.copies()} == {copy.id for copy in document.copies}
    assert keeper_of(wallet.means.trust(), document, wallet.world.clock()) is None
    await wallet.upkeep()
    assert (await wallet.document()).status.value == "valid"
    assert (await moved.due()).issuer == REGISTER
    await wallet.share(wallet.world.council.ask())
    assert len(wallet.world.council.got) == 2


@pytest.mark.parametrize(
    "left",
    [
        Fetched(status=404, body=b"<html>not here</html>", headers={"content-type": "text/html"}),
        Fetched(status=301, body=b"", headers={"location": f"{REGISTER}/"}),
        Fetched(status=200, body=b"<html>We have moved</html>", headers={"content-type": "text/html"}),
    ],
    ids=["gone", "led on", "a page"],
)
async def test_an_address_that_is_left_behind_makes_no_documents(privatising: Privatised, left: Fetched) -> None:
    """What a closed office leaves at its address is no reason to wait for it for ever; before the holder agreed it is asked alone."""
    moved = Moved(privatising)
    moved.left = left
    assert (await moved.due()).issuer == ISSUER
    assert not any(url.startswith(REGISTER) for url in moved.asked)
    await privatising.acknowledge()
    moved.heir.refresh_tokens.update(privatising.wallet.world.office.refresh_tokens)
    assert (await moved.due()).issuer == REGISTER


async def test_copies_of_somebody_else_are_not_kept(privatising: Privatised) -> None:
    """The successor hands on what another made, who is trusted as well."""
    moved = Moved(privatising)
    await privatising.acknowledge()
    moved.heir.by = registry()
    document = await moved.due()
    assert document.issuer == ISSUER
    assert document.renewal is not None
    assert document.renewal.problem == "untrusted"


async def test_the_successor_knows_the_wallet_by_the_keys_that_the_office_knew(privatising: Privatised) -> None:
    """A token that was given to a key is of use to that key alone."""
    wallet, moved = privatising.wallet, Moved(privatising)
    await privatising.acknowledge()
    server = AsMetadata(issuer=REGISTER, token_endpoint=f"{REGISTER}/token", dpop_algs=("ES256",))
    body = json.dumps(render_as_metadata(server)).encode()
    moved.heir.says["/.well-known/oauth-authorization-server"] = lambda _: Fetched(
        status=200, headers={"content-type": "application/json"}, body=body
    )
    with_keys = ClientSecrets(
        issuer=ISSUER, server=ISSUER, dpop=await _private(Role.DPOP), instance=await _private(Role.CLIENT), client_id="w"
    )
    name = client_name(wallet.vault, ISSUER, ISSUER)
    await wallet.storage.write(lambda tx: CLIENTS.put(tx, wallet.vault, name, with_keys, entropy=wallet.means.entropy))
    assert (await moved.due()).issuer == REGISTER
    theirs = await wallet.storage.read(lambda tx: CLIENTS.get(tx, wallet.vault, client_name(wallet.vault, REGISTER, REGISTER)))
    assert theirs.value == msgspec.structs.replace(with_keys, issuer=REGISTER, server=REGISTER)
    assert (await moved.due()).issuer == REGISTER


async def _private(role: Role) -> bytes:
    custodian = MemoryCustodian(entropy=Dice("client"))
    await custodian.create(KeyId("own"), role)
    return custodian.private_bytes(KeyId("own"))


# --- what became of it -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "believed"),
    [
        ({"status_duty": True, "may_cancel": True}, True),
        ({"status_duty": True}, False),
        ({"may_cancel": True}, False),
        ({"status_duty": True, "may_cancel": True, "vcts": ["urn:other"]}, False),
    ],
)
async def test_a_list_by_the_successor(privatising: Privatised, said: dict[str, Any], believed: bool) -> None:
    wallet, office = privatising.wallet, privatising.wallet.world.office
    assert (await wallet.document()).status.value == "valid"
    office.statuses = {1_000 + number: INVALID for number in range(1, 40)}
    office.refresh_tokens.clear()  # there are no others in their place
    wallet.world.clock.at += 7_200
    office.says = {
        f"/status/{number}": lambda one: Fetched(
            status=200, body=status_token(office.statuses, by=company(), uri=one.url, iat=office.clock()).encode()
        )
        for number in (1, 2)
    }
    privatising.realm = privatised(private=False, **said)
    privatising.realm.again(MINISTRY, at=office.clock() - 60)
    await wallet.upkeep()
    assert (await wallet.document()).status.value == ("invalid" if believed else "valid")


async def test_a_list_by_nobody_who_took_over(privatising: Privatised) -> None:
    """Nor by one who had not yet when it was signed."""
    wallet, office = privatising.wallet, privatising.wallet.world.office
    document = await wallet.document()
    policy = knowing(wallet.world, privatised(status_duty=True, may_cancel=True))
    (uri,) = {copy.status_uri for copy in document.copies[:1]}
    for by, iat in ((Authority.new(), office.clock()), (company(), office.clock() - 2 * DAY)):
        token = parse_token(status_token(by=by, uri=uri, iat=iat).encode())
        with pytest.raises(VcError):
            list_signer(policy, document, token, token.x5c, office.clock())
    good = parse_token(status_token(by=company(), uri=uri, iat=office.clock()).encode())
    assert list_signer(policy, document, good, good.x5c, office.clock()) == company().signer.public
