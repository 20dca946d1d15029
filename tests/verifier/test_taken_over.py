"""An organisation that is taken over (domain sheet C24): what an old trust list still tells, and what the successor may do with what it got."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from support.clerk import Clerk
from support.desk import BANK, Running, Template, copy_file, opened, refreshed
from support.federation import COURTS, MINISTRY
from support.federations import Member
from support.merged import ABC, HEIR, HEIR_LIST, PARKING, Town, answered, councils, heir, in_the_name_of, kept, merge, pin
from support.signing import AT
from support.successions import handed, publish
from support.trial_verify import LIST, VCT, status_cwt, status_token
from support.trial_web import Watch

from shared.formats import StatusReference
from shared.jose.jwk import thumbprint
from shared.keys import Role
from shared.storage import Tx
from shared.trust.anchors import TrustAnchors, parse_anchor
from shared.trust.deletion import verify_deletion
from shared.trust.policy import Policy
from shared.verify import Decision
from shared.web import log
from verifier import applying, copies, inherited, offline, packs
from verifier.app import one_round
from verifier.cli import main
from verifier.desk import BUNDLE, Desk
from verifier.material import Store
from verifier.records import exchanges
from verifier.settle import verify_decisions


def old(seed: str = "old", **how: Any) -> bytes:
    return copy_file(seed=seed, **how)


def new(seed: str = "new") -> bytes:
    """Made by the successor, whose own list says that it counts."""
    status = StatusReference(uri=HEIR_LIST, idx=7)
    return copy_file(seed=seed, by=heir(), status=status, staples=(status_token(by=heir(), uri=HEIR_LIST),))


async def check(desk: Desk, store: Store, copy: bytes) -> Decision:
    return (await copies.bring(desk, store, copy, made_by="desk")).decision


def told(decision: Decision) -> tuple[str, str, str]:
    return decision.decision, decision.code, decision.line("issuer_trust").code


async def test_at_c24_2(template: Template, tmp_path: Path) -> None:
    """A verifier with only the old trust list still verifies old documents; new ones need the statement. Online, and by checking packs."""
    town = Town(cwt={LIST: status_cwt()})
    async with opened(template, tmp_path / "desk") as desk:
        pin(desk, town.realm)
        store = await refreshed(desk, town)
        before = await packs.make(desk)
        merge(town.realm, status_duty=True, may_cancel=True)
        assert told(await check(desk, store, old())) == ("accepted", "", "")
        assert told(await check(desk, store, new()))[:2] == ("rejected", "not_entitled")
        await store.refresh(town)
        after = await packs.make(desk)
        assert told(await check(desk, store, old("old, again"))) == ("accepted", "", "succeeded")
        assert told(await check(desk, store, new("new, again"))) == ("accepted", "", "")
        pin(desk, town.realm, thumbprint(await desk.custodian.public(BUNDLE)))
        for pack, expected in (
            (before, [("accepted", ""), ("rejected", "not_entitled")]),
            (after, [("accepted", "succeeded"), ("accepted", "")]),
        ):
            found = [
                offline.decide([each], pack.data, offline.Memory(), trust=desk.trust, entity=desk.entity, at=AT)[0].decision
                for each in (old(), new())
            ]
            assert [(each.decision, each.line("issuer_trust").code) for each in found] == expected


@pytest.mark.parametrize(("duty", "decision"), [({}, "undecided"), ({"status_duty": True}, "accepted")])
async def test_a_list_by_the_successor_needs_the_statement(template: Template, tmp_path: Path, duty: dict[str, Any], decision: str) -> None:
    town = Town(lists={})
    async with opened(template, tmp_path / "desk") as desk:
        pin(desk, town.realm)
        store = await refreshed(desk, town)
        staples = (status_token(by=heir()),)
        assert (await check(desk, store, old(staples=staples))).code == "status_unknown"
        merge(town.realm, **duty)
        await store.refresh(town)
        assert (await check(desk, store, old("again", staples=staples))).decision == decision


@pytest.mark.parametrize(("duty", "decision"), [({}, "undecided"), ({"status_duty": True}, "accepted")])
async def test_a_list_by_the_successor_is_kept_and_carried_on(
    template: Template, tmp_path: Path, duty: dict[str, Any], decision: str
) -> None:
    """Where the outgoing body had it; by the next round, and by a pack that another installation takes in."""
    town = Town(lists={LIST: status_token(by=heir())}, cwt={LIST: status_cwt(by=heir())})
    merge(town.realm, **duty)
    async with opened(template, tmp_path / "head") as desk:
        pin(desk, town.realm)
        store = await refreshed(desk, town)
        assert (await check(desk, store, old())).decision == decision
        pack, signer = await packs.make(desk), thumbprint(await desk.custodian.public(BUNDLE))
    assert pack.lists == len(duty)
    async with opened(template, tmp_path / "branch") as desk:
        pin(desk, town.realm, signer)
        await applying.apply(desk, pack.data, actor="test")
        assert (await check(desk, Store(desk), old("again"))).decision == decision


# --- what was received ---------------------------------------------------------------------------------------------------------------------


async def test_at_c24_1(template: Template, tmp_path: Path) -> None:
    """ABC merges into Greater Anytown: what was stored for council tax is used for that only, and what else was stored is deleted on record."""
    town = Town(realm=councils())
    async with in_the_name_of(template, tmp_path / "desk", ABC, town) as running:
        council_tax = await answered(running, query="council-tax")
        others = [await answered(running, query="bank"), await answered(running, query="bank"), await answered(running, **PARKING)]
        await one_round(running.app)
        assert (await running.state(others[0], use="bank"))["verdict"]
        status, refused = await running.call("GET", f"/api/presentation-requests/{others[0]['id']}", params={"use": "council-tax"})
        assert (status, refused["code"]) == (400, "purpose_mismatch")
    merge(town.realm, ABC, purposes_carried=["council-tax"], note="Your record is now kept by Greater Anytown.")
    async with in_the_name_of(template, tmp_path / "desk", HEIR, town) as running:
        await check_what_is_left(running, council_tax, others)


async def check_what_is_left(running: Running, council_tax: dict[str, Any], others: list[dict[str, Any]]) -> None:
    for use in ({}, {"use": "council-tax"}):
        assert (await running.state(council_tax, **use))["verdict"]["decision"] == "accepted"
    for asked, use in ((council_tax, {"use": "parking"}), *((each, {}) for each in others), (others[2], {"use": "parking"})):
        status, refused = await running.call("GET", f"/api/presentation-requests/{asked['id']}", params=use)
        assert (status, refused["code"]) == (400, "purpose_not_carried")
    assert await kept(running) == 4
    await one_round(running.app)
    assert await kept(running) == 1
    assert (await running.state(council_tax))["verdict"]
    await one_round(running.app)
    told = await register(running)
    assert [(each["outgoing"], each["purposesCarried"]) for each in told["inherited"]] == [(ABC, ["council-tax"])]
    assert [(each["intendedUseIdentifier"], each["count"]) for each in told["deletions"]] == [("bank", 2), ("parking", 1)]
    anchor = parse_anchor((running.desk.directory / "anchor.pem").read_bytes(), role=Role.RELYING_PARTY)
    for each in told["deletions"]:
        record = verify_deletion(each["record"], policy=Policy(TrustAnchors(anchors=(anchor,))), at=AT)
        assert (record.entity, record.outgoing, record.count) == (HEIR, ABC, each["count"])
        assert record.statement == told["inherited"][0]["statement"]
    status, page = await running.call("GET", "/api/log", params={"limit": 3})
    lines = [each["entry"] for each in page["items"] if each["entry"]["kind"] == "deletion"]
    assert {each["record"] for each in lines} == {each["record"] for each in told["deletions"]}
    await verify_decisions(running.desk)


async def register(running: Running) -> dict[str, Any]:
    async with running.http.get(f"{running.base}/register.json") as answer:
        return dict(await answer.json())


async def test_pages_api_and_commands_tell(template: Template, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    town, folder = Town(realm=councils()), tmp_path / "desk"
    async with in_the_name_of(template, folder, ABC, town) as running:
        council_tax, bank = await answered(running, query="council-tax"), await answered(running, query="bank")
    merge(town.realm, ABC, purposes_carried=["council-tax"], private=True, note="Ask us.", **{"note#cy": "Holwch ni."})
    async with in_the_name_of(template, folder, HEIR, town, local=True) as running:
        clerk = await Clerk(running).sign_in()
        assert "It was given to https://abc-council.example, which we took over from" in await clerk.get(
            f"/desk/requests/{council_tax['id']}"
        )
        assert "Nobody may use it; its details will be deleted." in await clerk.get(f"/desk/requests/{bank['id']}")
        await one_round(running.app)
        assert "It was given to" in await clerk.get(f"/desk/requests/{bank['id']}")
        assert f"received by {ABC}" in await clerk.get("/desk/decisions")
        page = await clerk.get("/register")
        for told in (
            "What was shown to The body at https://abc-council.example is now kept by Greater Anytown",
            "It may be used only for: Council tax.",
            "Greater Anytown is not a public body.",
            "Ask us.",
            "1 answer that was given to The body at https://abc-council.example for this: Bank account.",
        ):
            assert told in page
        status, told_api = await running.call("GET", "/api/inherited")
        assert (status, told_api["items"][0]["uses"], told_api["deleted"][0]["use"]) == (200, ["council-tax"], "bank")
        shown = await inherited.told(running.desk, await inherited.federation_of(running.desk))
    (folder / "verifier.toml").write_text((folder / "verifier.toml").read_text().replace(BANK, HEIR))
    await asyncio.to_thread(main, ["uses", "inherited", "--dir", str(folder), "--json"])
    assert json.loads(capsys.readouterr().out)["deletions"] == shown["deletions"]
    assert await asyncio.to_thread(main, ["uses", "inherited", "--dir", str(folder), "--of", ABC]) == 78


async def test_a_body_that_was_taken_over_deletes_too(template: Template, tmp_path: Path) -> None:
    """Its own installation, which goes on for a while in its own name."""
    town = Town(realm=councils())
    async with in_the_name_of(template, tmp_path / "desk", ABC, town, authority_hints=(MINISTRY,)) as running:
        council_tax, bank = await answered(running, query="council-tax"), await answered(running, query="bank")
        merge(town.realm, ABC, purposes_carried=["council-tax"], vcts=[VCT])
        await running.store.refresh(town)
        await one_round(running.app)
        assert await kept(running) == 2  # only some kinds of document were handed over
        merge(town.realm, ABC, purposes_carried=["council-tax"])
        await running.store.refresh(town)
        await one_round(running.app)
        assert (await running.state(council_tax))["verdict"]
        assert not (await running.state(bank))["verdict"]
        told = await register(running)
        assert [(each["keeper"], each["purposesCarried"]) for each in told["succeeded"]] == [(HEIR, ["council-tax"])]
        assert [(each["outgoing"], each["intendedUseIdentifier"]) for each in told["deletions"]] == [(ABC, "bank")]


async def test_nobody_makes_up_who_took_over_from_us(template: Template, tmp_path: Path) -> None:
    """A superior that we do not name, somewhere below an anchor that we pinned, speaks of us; nobody there knows better."""
    town = Town(realm=councils())
    async with in_the_name_of(template, tmp_path / "desk", ABC, town, authority_hints=("https://elsewhere.example",)) as running:
        await answered(running, query="bank")
        town.realm.members[ABC] = Member(ABC, superiors=(COURTS,))
        publish(town.realm, COURTS, handed(town.realm[COURTS], ABC, town.realm[HEIR]))
        town.realm.again(MINISTRY)
        await running.store.refresh(town)
        federation = await inherited.federation_of(running.desk)
        assert federation.successor(ABC, AT) is not None
        await one_round(running.app)
        assert await kept(running) == 1
        assert "succeeded" not in await register(running)


async def test_without_a_statement_nothing_is_used_and_nothing_deleted(template: Template, tmp_path: Path) -> None:
    """Neither where nobody took over, nor after the last word of the superiors has run out, when nobody can tell."""
    town, clock = Town(realm=councils()), Watch(AT)
    async with in_the_name_of(template, tmp_path / "desk", ABC, town) as running:
        council_tax = await answered(running, query="council-tax")
    async with in_the_name_of(template, tmp_path / "desk", HEIR, town, clock=clock) as running:

        async def refused() -> tuple[int, int]:
            await one_round(running.app)
            status, _ = await running.call("GET", f"/api/presentation-requests/{council_tax['id']}")
            return status, await kept(running)

        assert await refused() == (400, 1)
        merge(town.realm, ABC, purposes_carried=["council-tax"])
        await running.store.refresh(town)
        await one_round(running.app)
        assert (await running.state(council_tax))["verdict"]
        merge(town.realm, ABC)
        town.realm[MINISTRY].life = 60
        town.realm.again(MINISTRY)
        await running.store.refresh(town)
        clock.at += 120
        assert await refused() == (400, 1)


async def test_a_record_is_of_what_was_deleted(template: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process deleted some of it meanwhile: nothing is written down, and the next round looks again."""
    town = Town(realm=councils())
    async with in_the_name_of(template, tmp_path / "desk", ABC, town) as running:
        first = await answered(running, query="bank")
        await answered(running, query="bank")
    merge(town.realm, ABC)
    async with in_the_name_of(template, tmp_path / "desk", HEIR, town) as running:
        desk, held = running.desk, exchanges.held_of_others

        async def slow(tx: Tx, own: str, at: int) -> list[exchanges.Held]:
            found = await held(tx, own, at)
            await tx.execute("UPDATE exchange SET verdict = NULL WHERE id = $1", first["id"])
            return found

        federation = await running.store.federation()
        with monkeypatch.context() as bent:
            bent.setattr(desk.storage, "read", desk.storage.write)
            bent.setattr(exchanges, "held_of_others", slow)
            assert not await inherited.tend(desk, federation)
        assert (await desk.storage.read(log.head)).size == 2
        assert await inherited.tend(desk, federation)
        assert [each["count"] for each in (await register(running))["deletions"]] == [1]
