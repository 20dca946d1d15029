"""A permission to tell another body something: asked, signed, kept, used within its limits, withdrawn (domain sheet C04)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support.clerk import Clerk
from support.desk import BANK, Running, Template, present, read_anchor, serving
from support.receiver import HOOK, Receiver
from support.signing import AT, Signer
from support.trial_verify import IDX, LIST, Dice, issue, show, status_token

from shared.asks import WITHDRAW, make_binding, render_ask, render_told
from shared.clock import DAY
from shared.errors import OutsidePermission
from shared.keys import Role
from shared.openid4vp import agreed_members, parse_permission, render_response
from shared.receipts import Exchange, peek_receipt, presentation_bytes, verify_receipt
from shared.status.token_status_list import INVALID, SUSPENDED, VALID
from shared.storage import Tx
from shared.trust.anchors import TrustAnchors, parse_anchor
from shared.trust.policy import Policy
from shared.web import log
from verifier import granting, permissions
from verifier.cli import main
from verifier.opening import open_desk, start, stop
from verifier.records import permissions as records
from verifier.webhooks import deliver

MIDNIGHT = 1_800_057_600  # of 2027-01-16, UTC
DWP = "https://dwp.example"
ASSESSMENT = "care-contribution-assessment"
PERMIT = {
    "type": "representation", "query": "bank", "recipient": DWP, "recipient_name": "the Pensions department", "categories": [ASSESSMENT],
    "purpose": "so that her Pension Credit is right", "until": "2027-06-30",
}  # fmt: skip


@pytest.fixture
def site() -> Receiver:
    return Receiver()


@pytest.fixture
async def desk(template: Template, tmp_path: Path, site: Receiver) -> AsyncIterator[Running]:
    async with serving(template, tmp_path / "desk", site=site, webhook_url=HOOK) as running:
        yield running


class Nora:
    """Signs with one key, and remembers what she signed."""

    def __init__(self, desk: Running) -> None:
        self.desk, self.vp_token, self.nonce, self.permission = desk, {}, "", ""

    vp_token: dict[str, list[str]]

    async def permit(self, *, agree: bool = True, **changes: Any) -> dict[str, Any]:
        status, asked = await self.desk.call("POST", "/api/permission-requests", PERMIT | changes)
        assert status == 201, asked
        request = await self.desk.read(asked)
        (entry,) = request.transaction_data
        permission = parse_permission(entry)
        assert permission is not None
        extra = agreed_members([entry]) if agree else {}
        self.vp_token = present(request, at=self.desk.clock(), binding={"extra": extra})
        self.nonce, self.permission = request.nonce, permission.id
        await self.desk.post(asked, render_response(request, self.vp_token))
        return await self.desk.state(asked)

    async def ask(self, what: str, *, by: Signer | None = None, about: str = "", to: str = BANK) -> tuple[int, Any]:
        about, at = about or self.permission, self.desk.clock()
        binding = make_binding(what, about, entity=to, at=at, entropy=Dice(what))
        wire = show(issue(seed="live"), paths=(), binding=binding, at=at, by=by)
        return await self._post(render_ask(wire, "dc+sd-jwt", what=what, about=about, entity=to))

    async def look(self, *, about: str = "", shown: bytes = b"") -> tuple[int, Any]:
        return await self._post(render_told(about or self.permission, shown or presentation_bytes(self.vp_token)))

    async def _post(self, body: bytes) -> tuple[int, Any]:
        async with self.desk.http.post(f"{self.desk.base}/permissions", data=body) as answer:
            return answer.status, json.loads(await answer.text())

    async def tell(self, *categories: str, **how: str) -> tuple[int, Any]:
        body = {"categories": list(categories) or [ASSESSMENT]} | how
        return await self.desk.call("POST", f"/api/permissions/{self.permission}/uses", body)

    async def state(self) -> dict[str, Any]:
        status, told = await self.desk.call("GET", f"/api/permissions/{self.permission}")
        assert status == 200, told
        return dict(told)


@pytest.fixture
async def nora(desk: Running) -> Nora:
    return Nora(desk)


async def lines(desk: Running) -> list[Mapping[str, Any]]:
    newest = await desk.desk.storage.read(lambda tx: log.page(tx, before=1_000, limit=100))
    return [dict(line.entry.entry or {}) for line in reversed(newest)]


async def test_what_was_signed_is_kept(nora: Nora) -> None:
    told = await nora.permit()
    assert (told["decision"], told["agreed"]) == ("accepted", [
        {"type": "urn:muniment:transaction:permission:1", "reference": nora.permission, "by": "bank"},
    ])  # fmt: skip
    state = await nora.state()
    assert {name: state[name] for name in ("state", "recipient", "categories", "expires", "max_uses", "used", "uses")} == {
        "state": "in-force", "recipient": DWP, "categories": [ASSESSMENT], "expires": "2027-06-30", "max_uses": 1, "used": 0, "uses": [],
    }  # fmt: skip
    _, listed = await nora.desk.call("GET", "/api/permissions")
    assert [each["id"] for each in listed["items"]] == [nora.permission]


async def test_nobody_is_named_in_a_row(nora: Nora) -> None:
    await nora.permit()
    row = await nora.desk.desk.storage.read(lambda tx: tx.fetchrow("SELECT * FROM permission"))
    assert row is not None
    plain = str([row[name] for name in ("id", "exchange", "terms", "sealed")])
    assert all(name not in plain for name in ("Margaret", "Nora", "Ashdown", "ZZ99"))


async def test_what_was_not_signed_is_not_kept(nora: Nora) -> None:
    assert (await nora.permit(agree=False))["decision"] == "rejected"
    assert (await nora.desk.call("GET", f"/api/permissions/{nora.permission}"))[0] == 404


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"until": "2028-01-01"}, "/until"),
        ({"categories": ["shoe-size"]}, "/categories/0"),
        ({"query": "poll-tax"}, "/query"),
        ({"type": "library-card"}, "/type"),
    ],
)
async def test_what_nobody_could_permit_is_not_asked(desk: Running, change: dict[str, Any], where: str) -> None:
    status, told = await desk.call("POST", "/api/permission-requests", PERMIT | change)
    assert status == 400
    assert told["pointer"].startswith(where.rpartition("/0")[0] or where)


async def test_it_is_told_once_and_the_giver_gets_a_receipt(nora: Nora) -> None:
    await nora.permit()
    assert (await nora.tell())[0] == 201
    assert (await nora.state())["state"] == "used-up"
    status, told = await nora.tell()
    assert (status, told["code"], told["pointer"]) == (400, "outside_permission", "/max_uses")
    _, answer = await nora.look()
    assert (answer["state"], answer["used"], len(answer["receipts"])) == ("used-up", 1, 1)
    policy = Policy(TrustAnchors(anchors=(parse_anchor(read_anchor(nora.desk.desk), role=Role.RELYING_PARTY),)))
    receipt = verify_receipt(
        answer["receipts"][0], Exchange(at=AT, presentation=presentation_bytes(nora.vp_token), nonce=nora.nonce), policy=policy
    )
    assert (receipt.entity, receipt.recipient, receipt.told, receipt.decision) == (BANK, DWP, (ASSESSMENT,), "accepted")
    assert receipt.log_head is not None
    assert receipt.retain_until == (await nora.desk.desk.storage.read(lambda tx: records.recent(tx, AT, 2)))[0].keep_until > AT
    _, again = await nora.look()
    assert peek_receipt(again["receipts"][0]) == receipt


async def test_something_else_is_blocked_and_written_down(nora: Nora) -> None:
    await nora.permit()
    status, told = await nora.tell(ASSESSMENT, "savings")
    assert (status, told["code"], told["pointer"]) == (400, "outside_permission", "/data_categories")
    assert (await nora.tell(recipient="https://hmrc.example"))[1]["pointer"] == "/recipient"
    assert [(each["code"], each["where"]) for each in (await nora.state())["uses"]] == [
        ("outside_permission", "/data_categories"), ("outside_permission", "/recipient"),
    ]  # fmt: skip
    assert [(each["decision"], each["claim_paths"], each["where"]) for each in await lines(nora.desk) if each["kind"] == "disclosure"] == [
        ("rejected", [ASSESSMENT, "savings"], "/data_categories"), ("rejected", [ASSESSMENT], "/recipient"),
    ]  # fmt: skip
    assert (await nora.tell())[0] == 201


async def test_withdrawn_is_over_from_the_next_second(nora: Nora, site: Receiver) -> None:
    await nora.permit(max_uses=5)
    status, answer = await nora.ask(WITHDRAW)
    assert (status, answer["state"], answer["withdrawn_at"]) == (200, "withdrawn", AT)
    nora.desk.clock.at += 1
    status, told = await nora.tell()
    assert (status, told["code"], told["pointer"]) == (400, "outside_permission", "/withdrawn")
    assert (await nora.ask(WITHDRAW))[1]["withdrawn_at"] == AT
    assert [each["kind"] for each in await lines(nora.desk)] == ["request", "withdrawal", "disclosure"]
    await deliver(nora.desk.desk, site)
    events = [site.claims(number) for number in range(len(site.told))]
    assert [each["data"]["permission"] for each in events if each["event"] == "permission.withdrawn"] == [nora.permission]


async def test_nobody_else_withdraws_it_or_learns_of_it(nora: Nora) -> None:
    await nora.permit()
    stranger = [
        await nora.ask(WITHDRAW, by=Signer.new()),
        await nora.look(shown=b"{}"),
        await nora.look(about="AAECAwQFBgcICQoLDA0ODw"),
        await nora.ask(WITHDRAW, about="AAECAwQFBgcICQoLDA0ODw"),
        await nora.ask(WITHDRAW, to=DWP),
    ]
    assert {(status, told["code"], told["detail"]) for status, told in stranger} == {
        (404, "not_found", "there is no such permission of yours")
    }
    assert (await nora.state())["state"] == "in-force"
    async with nora.desk.http.post(f"{nora.desk.base}/permissions", data=b"rubbish") as answer:
        assert answer.status == 400


async def test_the_same_reference_is_the_same_use(nora: Nora) -> None:
    await nora.permit()
    first = await nora.tell(reference="letter 7")
    assert await nora.tell(reference="letter 7") == first
    assert (await nora.state())["used"] == 1
    assert (await nora.tell("savings", reference="letter 7"))[1]["code"] == "conflict"
    refused = await nora.tell("savings", reference="letter 8")
    assert (await nora.tell("savings", reference="letter 8"))[1]["pointer"] == refused[1]["pointer"]
    assert len((await nora.state())["uses"]) == 2


async def test_what_is_repeated_is_judged_again(nora: Nora) -> None:
    """A message that is sent again is told again: to nobody else, and not after it was withdrawn or has ended."""
    await nora.permit(until="2027-01-20")
    first = await nora.tell(reference="letter 7")
    assert (await nora.tell(reference="letter 7", recipient="https://hmrc.example"))[1]["pointer"] == "/recipient"
    assert await nora.tell(reference="letter 7", recipient=DWP) == first
    nora.desk.clock.at = AT + 6 * 86_400
    assert (await nora.tell(reference="letter 7"))[1]["pointer"] == "/expires"
    await nora.ask(WITHDRAW)
    assert (await nora.tell(reference="letter 7"))[1]["pointer"] == "/withdrawn"
    state = await nora.state()
    assert (state["used"], [each["where"] for each in state["uses"]]) == (1, ["", "/recipient", "/expires", "/withdrawn"])


async def test_two_at_once_use_it_once(nora: Nora) -> None:
    await nora.permit()
    found = await asyncio.gather(*(nora.tell() for _ in range(4)))
    assert sorted(status for status, _ in found) == [201, 400, 400, 400]
    assert (await nora.state())["used"] == 1


async def test_two_processes_use_it_as_often_as_it_says_and_not_once_it_was_withdrawn(
    template: Template, tmp_path: Path, site: Receiver, storage_uri: str
) -> None:
    """Two desks on one database, eight at once, some for what is not allowed: two uses, then none at the moment of its withdrawal."""
    async with serving(template, tmp_path / "desk", site=site, storage=storage_uri) as desk:
        nora, other = Nora(desk), open_desk(desk.desk.directory, desk.desk.settings, clock=desk.clock)
        await start(other)
        try:
            await nora.permit(max_uses=2)

            async def tell(number: int, category: str = ASSESSMENT) -> str:
                by = (desk.desk, other)[number % 2]
                try:
                    await permissions.tell(by, desk.store, nora.permission, permissions.Tell(categories=[category]))
                except OutsidePermission as fault:
                    return fault.where
                return "told"

            found = await asyncio.gather(*(tell(number) for number in range(5)), *(tell(number, "savings") for number in range(3)))
            assert (found.count("told"), set(found[:5]), set(found[5:]) <= {"/data_categories", "/max_uses"}) == (
                2,
                {"told", "/max_uses"},
                True,
            )
            kept, uses = await permissions.find(other, nora.permission)
            assert (kept.used, len(uses), [use.number for use in uses]) == (2, 8, list(range(1, 9)))
            await nora.permit(max_uses=9)
            (_, told), *found = await asyncio.gather(nora.ask(WITHDRAW), *(tell(number) for number in range(4)))
            assert set(found) <= {"told", "/withdrawn"}
            assert (await tell(0), await tell(1)) == ("/withdrawn", "/withdrawn")
            called = await other.storage.read(lambda tx: records.called(tx, nora.permission[:6], AT, 5))
            assert [each.id for each in called] == [nora.permission]
            kept, uses = await permissions.find(other, nora.permission)
            assert kept.used == found.count("told") == sum(not use.code for use in uses)
            assert len(told["receipts"]) <= kept.used
            await log.check(desk.desk.storage)
        finally:
            await stop(other)


@pytest.mark.parametrize("there", [("Pacific/Auckland", 13, 16), ("America/Los_Angeles", -8, 15)])
async def test_its_days_are_those_of_whoever_tells(template: Template, tmp_path: Path, site: Receiver, there: tuple[str, int, int]) -> None:
    """A permission until the 20th is over at midnight after it there, not in Greenwich; and it begins on the day on which it was asked for."""
    zone, early, first = there
    async with serving(template, tmp_path / "desk", site=site, time_zone=zone) as desk:
        nora = Nora(desk)
        desk.clock.at = MIDNIGHT + (first - 16) * DAY - early * 3_600 + 1  # just past midnight there
        await nora.permit(until="2027-01-20", max_uses=5)
        assert (await nora.state())["not_before"] == f"2027-01-{first}"
        assert (await nora.tell())[0] == 201
        over = MIDNIGHT + 5 * DAY - early * 3_600
        for at, told, state in ((over - 1, (201, ""), "in-force"), (over, (400, "/expires"), "over")):
            desk.clock.at = at
            status, answer = await nora.tell()
            assert ((status, answer.get("pointer", "")), (await nora.state())["state"]) == (told, state)


async def test_it_is_over_after_its_last_day(nora: Nora) -> None:
    await nora.permit(until="2027-01-20", max_uses=5)
    nora.desk.clock.at = AT + 6 * 86_400
    assert (await nora.tell())[1]["pointer"] == "/expires"
    assert (await nora.state())["state"] == "over"


async def test_it_waits_and_ends_with_the_document_that_it_was_given_with(nora: Nora, site: Receiver) -> None:
    """Nora's power is put on hold, goes on, and is revoked: the lists say so, and nothing is told that it does not carry (C04, status)."""
    await nora.permit(max_uses=5)
    told = []
    for hours, value in enumerate((SUSPENDED, VALID, INVALID), 1):
        nora.desk.clock.at = AT + hours * 3_600
        site.lists[LIST] = status_token({IDX: value}, iat=nora.desk.clock.at)
        await nora.desk.store.refresh(site)
        status, answer = await nora.tell()
        told.append((status, answer.get("pointer", "")))
    assert told == [(400, "/authority"), (201, ""), (400, "/authority")]


async def test_it_lasts_no_longer_than_the_copy_with_which_it_was_given(nora: Nora, site: Receiver) -> None:
    """After that nobody can tell whether the power still counts, and lists may have forgotten that it was cancelled."""
    await nora.permit(max_uses=5)
    kept, _ = await permissions.find(nora.desk.desk, nora.permission)
    nora.desk.clock.at = int((await granting.opened(nora.desk.desk, kept))["follows_until"]) - 1
    assert (await nora.tell(reference="letter 7"))[0] == 201
    nora.desk.clock.at += 1
    site.lists[LIST] = status_token({IDX: INVALID}, iat=nora.desk.clock.at)
    await nora.desk.store.refresh(site)
    assert [(await nora.tell(reference=each))[1]["pointer"] for each in ("letter 7", "letter 8")] == ["/authority", "/authority"]


async def test_by_command(nora: Nora, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """As somebody at a terminal does it, beside the service."""
    monkeypatch.setattr("verifier.opening.open_desk", partial(open_desk, clock=nora.desk.clock))
    await nora.permit()
    folder = str(nora.desk.desk.directory)
    for words, code in (
        (["list"], 0), (["use", nora.permission, "--category", "savings"], 1),
        (["use", nora.permission, "--category", ASSESSMENT, "--reference", "letter 7"], 0), (["list", "--json"], 0),
    ):  # fmt: skip
        assert await asyncio.to_thread(main, ["permission", *words, "--dir", folder]) == code
    said = capsys.readouterr().out
    assert f"{nora.permission}  in-force: {ASSESSMENT} to {DWP}, 0 of 1, until 2027-06-30" in said
    assert "Do not tell this. outside_permission: " in said
    assert '"state": "used-up"' in said


async def test_what_has_had_its_time_goes(nora: Nora) -> None:
    await nora.permit()
    await nora.tell()

    async def sweep(tx: Tx) -> int:
        return await records.purge(tx, AT + 700 * 86_400)

    assert await nora.desk.desk.storage.write(sweep) == 2


# --- the desk's pages ------------------------------------------------------------------------------------------------------------------


@pytest.fixture
async def local(template: Template, tmp_path: Path) -> AsyncIterator[Running]:
    async with serving(template, tmp_path / "local", local=True) as running:
        yield running


async def test_a_clerk_asks_finds_and_writes_down(local: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    clerk, nora = await Clerk(local).sign_in(), Nora(local)
    assert "Nobody has given a permission yet." in await clerk.get("/desk/permissions")
    wish = {"recipient_name": "the Pensions department", "recipient": DWP, "category": ASSESSMENT, "purpose": "so that it is right"}
    form = wish | {"max_uses": "1", "until": "2027-06-30", "use": "representation/bank"}
    path = "/desk/permissions/new"
    for wrong, words in (
        ({"until": "soon"}, "Enter the last day"), ({"max_uses": "many"}, "Enter a number"), ({"use": ""}, "Choose the document"),
        ({"until": "2028-06-30"}, "within half a year"), ({"recipient_name": "x" * 200}, "too long"),
    ):  # fmt: skip
        assert words in await clerk.post(path, {"form_token": await clerk.token(path)} | form | wrong, status=400)
    await clerk.post(path, {"form_token": await clerk.token(path)} | form)
    assert clerk.at.startswith("/desk/requests/")
    await nora.permit(max_uses=2)
    listed = await clerk.get(f"/desk/permissions?q={nora.permission[:4]}")
    assert (nora.permission[:8] in listed, "Margaret" in listed) == (True, False)
    assert "Nothing fits." in await clerk.get("/desk/permissions?q=hmrc")
    monkeypatch.setattr("verifier.pages.permissions._SEARCHED", 0)
    assert nora.permission[:8] in await clerk.get(f"/desk/permissions?q={nora.permission[:8]}")
    assert "Nothing fits." in await clerk.get("/desk/permissions?q=%00")
    monkeypatch.setattr("verifier.pages.permissions._SEARCHED", 1)
    assert "Only the first 1 were looked through." in await clerk.get("/desk/permissions?q=hmrc")
    page = f"/desk/permissions/{nora.permission}"
    shown = await clerk.get(page)
    assert all(words in shown for words in ("Margaret Ashdown", "Nora Ashdown", "0 of 2", "I allow Northwold Bank to tell"))
    token = await clerk.token(page)
    assert "Tick what you tell" in await clerk.post(page, {"form_token": token}, status=400)
    assert "does not allow all that you ticked" in await clerk.post(page, {"form_token": token, "category": "savings"}, status=400)
    assert "1 of 2" in await clerk.post(page, {"form_token": token, "category": ASSESSMENT, "reference": "letter 7"})
    again = await clerk.post(page, {"form_token": token, "category": ASSESSMENT, "reference": "letter 7"})
    assert ("This reference was counted before, on 15 January 2027" in again, "1 of 2" in again) == (True, True)
    assert "used for something else" in await clerk.post(
        page, {"form_token": token, "category": "savings", "reference": "letter 7"}, status=400
    )
    decisions = await clerk.get("/desk/decisions")
    assert all(
        words in decisions for words in ("Told by a permission", "Not told: the permission does not allow it", "to https://dwp.example")
    )
    assert "First make sure who it is" in await clerk.post(f"{page}/withdraw", {"form_token": token}, status=400)
    assert (await nora.look())[1]["state"] == "in-force"
    for _ in range(2):
        over = await clerk.post(f"{page}/withdraw", {"form_token": token, "sure": "yes"})
        assert ("withdrawn" in over, "What do you tell now?" in over, "They took it back" in over) == (True, False, False)
    assert (await nora.look())[1] | {"receipts": []} == {"state": "withdrawn", "used": 1, "withdrawn_at": local.clock(), "receipts": []}
    entries = [each for each in await lines(local) if each["kind"] == "withdrawal"]
    assert [each["staff_role"] for each in entries] == ["desk"], "she said so there, and nothing was signed"
    assert "It was withdrawn." in await clerk.post(page, {"form_token": token, "category": ASSESSMENT}, status=400)
