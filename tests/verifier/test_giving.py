"""A desk gives a record of the authority that it accepted: its own issuer makes it, once."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support.clerk import Clerk
from support.desk import PATHS, Running, Template, copy_file, serving
from support.joint_acts import ASK, PETER, agree, next_of
from support.own_office import KEY, OWN, OwnOffice
from support.receiver import HOOK
from support.signing import AT
from support.trial_verify import CLAIMS

from shared.errors import Malformed, Unavailable
from shared.flow import Fetch, Fetched
from shared.storage import Tx
from verifier import giving
from verifier import request as requests
from verifier.app import follow
from verifier.known import Customer, find, forget, make_known
from verifier.records import given, known
from verifier.sessions import Answered
from verifier.settle import open_verdict
from verifier.webhooks import deliver


@pytest.fixture
def office() -> OwnOffice:
    return OwnOffice()


@pytest.fixture
async def desk(template: Template, tmp_path: Path, office: OwnOffice) -> AsyncIterator[Running]:
    async with serving(template, tmp_path / "desk", site=office, local=True, own_issuer=OWN, webhook_url=HOOK) as running:
        key = running.desk.directory / "own-issuer.key"
        key.write_text(KEY)
        key.chmod(0o600)
        yield running


async def accept(desk: Running, **how: Any) -> str:
    status, told = await desk.call("POST", "/api/copies", data=copy_file(**how), headers={"content-type": "application/json"})
    assert (status, told["decision"]) == (201, "accepted"), told
    return str(told["id"])


async def give(desk: Running, identifier: str, **body: str) -> tuple[int, Any]:
    return await desk.call("POST", f"/api/presentation-requests/{identifier}/record", body)


async def test_what_was_accepted_is_recorded_without_its_contents(desk: Running, office: OwnOffice) -> None:
    status, offer = await give(desk, await accept(desk), case_ref="NB-77")
    assert (status, offer["type"], offer["invitation_link"]) == (201, "mandate-receipt", f"{OWN}/offer/{offer['id']}")
    order = office.order()
    assert order["type"] == "mandate-receipt"
    assert order["claims"] == {
        "accepted_by": "Northwold Bank", "decision": "accepted", "received_at": "2027-01-15", "effective_from": "2027-01-15",
        "scope": ["banking"], "review_on": order["valid_until"], "case_ref": "NB-77",
        "represented": {"given_name": "Margaret", "family_name": "Ashdown", "address": {"postal_code": "ZZ99 4CD"}},
        "proxy": {"given_name": "Nora", "family_name": "Ashdown"},
        "issuing_authority": "Northwold Bank", "issuing_country": "GB", "issuing_jurisdiction": "GB-EAW",
    }  # fmt: skip
    assert CLAIMS["represented"]["birthdate"] not in json.dumps(order)


async def test_it_ends_with_the_copy_that_was_shown(desk: Running, office: OwnOffice) -> None:
    await give(desk, await accept(desk))
    assert office.order()["valid_until"] == "2027-02-12"  # the copy is of 14 January and lives 30 days


async def test_asked_again_it_is_the_same(desk: Running, office: OwnOffice) -> None:
    identifier = await accept(desk)
    first = await give(desk, identifier)
    assert await give(desk, identifier, case_ref="another") == first
    assert len(office.orders) == 1


async def test_a_desk_that_died_before_the_answer_asks_for_the_same(desk: Running, office: OwnOffice) -> None:
    identifier = await accept(desk)
    first = await give(desk, identifier, case_ref="NB-77")
    kept = await desk.desk.storage.read(lambda tx: given.find(tx, identifier, giving.MANDATE))
    assert kept is not None
    order = {"order": office.order(), "follows": []}
    sealed = await giving.seal(desk.desk, identifier, giving.MANDATE, order)

    async def die(tx: Tx) -> None:
        await tx.execute("UPDATE given_document SET state = 'ordered', sealed = $1", sealed)

    await desk.desk.storage.write(die)
    assert await give(desk, identifier, case_ref="typed anew") == first
    assert (len(office.documents), office.order()["claims"]["case_ref"]) == (1, "NB-77")


async def test_what_the_issuer_refuses_can_be_ordered_anew(desk: Running, office: OwnOffice) -> None:
    identifier, office.status = await accept(desk), 400
    status, told = await give(desk, identifier)
    assert (status, told["code"]) == (409, "conflict")
    office.status = 201
    assert (await give(desk, identifier))[0] == 201


@pytest.mark.parametrize(("status", "told"), [(503, 503), (401, 500)])
async def test_an_issuer_that_cannot(desk: Running, office: OwnOffice, status: int, told: int) -> None:
    identifier, office.status = await accept(desk), status
    assert (await give(desk, identifier))[0] == told
    office.status = 201
    assert (await give(desk, identifier))[0] == 201


async def test_nothing_is_recorded_of_what_was_refused(desk: Running, office: OwnOffice) -> None:
    _, told = await desk.call("POST", "/api/copies", data=b"rubbish", headers={"content-type": "application/json"})
    assert (await give(desk, told["id"]))[0] == 409
    assert office.orders == []


async def test_who_has_to_act_with_others_gets_no_record_of_acting_alone(desk: Running, office: OwnOffice) -> None:
    """Rule R1: a record names one attorney and no others, so that a department that goes by it would let NORA do alone what takes PETER too."""
    first = await desk.ask(**ASK)
    await agree(desk, first)
    second = await next_of(desk, first)
    await agree(desk, second, number=2, by=PETER)
    assert (await desk.state(first))["decision"] == "accepted"
    for asked in (first, second):
        assert (await give(desk, asked["id"]))[0] == 409
    for rule in ("jointly", "jointly-for-some-severally-for-others"):  # of the latter, which decisions are joint is said in words only
        said = await desk.ask(query="bank", use={"attorneys": 2})
        await agree(desk, said, paths=PATHS, claims={"decision_rule": rule})
        assert (await desk.state(said))["decision"] == "accepted", "their own program counts them"
        assert (await give(desk, said["id"]))[0] == 409
    assert office.orders == []
    clerk = await Clerk(desk).sign_in()
    assert f"/desk/requests/{second['id']}/record" not in await clerk.get(f"/desk/requests/{second['id']}")
    assert (await give(desk, await accept(desk, claims=CLAIMS | {"decision_rule": "jointly-and-severally"})))[0] == 201


async def test_the_own_program_gets_the_way_to_it(desk: Running, office: OwnOffice) -> None:
    _, given_offer = await give(desk, await accept(desk))
    await deliver(desk.desk, office)
    told = [office.claims(number) for number in range(len(office.told))]
    offered = next(each for each in told if each["event"] == "document.offered")
    assert offered["data"]["offer"] == {"link": given_offer["invitation_link"], "code": "123456", "expires_at": "2027-01-29T08:00:00Z"}
    events = await desk.desk.storage.read(lambda tx: tx.fetch("SELECT data FROM event"))
    assert all("offer/" not in row["data"] for row in events)


async def test_by_the_pages(desk: Running, office: OwnOffice) -> None:
    clerk = await Clerk(desk).sign_in()
    page = await clerk.bring(copy_file())
    record = f"{clerk.at}/record"
    assert record in page
    form = await clerk.get(record)
    assert "Northwold Bank" in form
    assert "1938" not in form
    page = await clerk.post(record, {"form_token": await clerk.token(record), "case_ref": "NB-77"})
    assert (clerk.at, "123456" in page) == (record, True)
    async with desk.http.get(f"{desk.base}{record}/qr.svg") as answer:
        assert answer.content_type == "image/svg+xml"
    assert office.order()["claims"]["case_ref"] == "NB-77"


async def test_details_go_when_the_document_is_over(desk: Running) -> None:
    await give(desk, await accept(desk))
    at = AT + 40 * 86_400
    assert await desk.desk.storage.write(lambda tx: given.purge(tx, at)) == 1


async def twice(desk: Running) -> dict[str, int]:
    async with desk.http.get(f"{desk.base}/register.json") as answer:
        return dict((await answer.json())["asked_twice"])


async def test_t_oa_5_what_was_recorded_and_is_asked_again_is_counted_in_public(desk: Running) -> None:
    """Counted by use, once a body has recorded it itself, while that holds; nobody can be looked up in it."""
    first = await accept(desk)
    await accept(desk, seed="not recorded yet")
    assert await twice(desk) == {}
    await give(desk, first)
    await accept(desk, seed="asked again")
    await accept(desk, seed="and again")
    stranger = CLAIMS | {"represented": CLAIMS["represented"] | {"given_name": "Mary"}}
    await accept(desk, seed="somebody else", claims=stranger)
    assert await twice(desk) == {"bank": 2}
    rows = await desk.desk.storage.read(lambda tx: tx.fetch("SELECT key FROM recorded_fact"))
    assert [len(bytes(row["key"])) for row in rows] == [32]
    async with desk.http.get(f"{desk.base}/register") as answer:
        assert "Bank account: 2 times" in await answer.text()
    desk.clock.at = AT + 29 * 86_400
    await desk.store.refresh(desk.site)
    until = await desk.desk.storage.read(lambda tx: tx.fetchrow("SELECT until FROM recorded_fact"))
    assert until is not None
    assert int(until["until"]) == AT - AT % 86_400 + 29 * 86_400


@pytest.mark.parametrize("kind", ["new", "again"])
async def test_whoever_is_known_is_kept_once(desk: Running, office: OwnOffice, kind: str) -> None:
    clerk = await Clerk(desk).sign_in()
    path = "/desk/known/new"
    page = await clerk.get(path)
    wish = re.search(r'name="wish" value="([^"]+)"', page)
    token = re.search(r'name="form_token" value="([^"]+)"', page)
    assert wish is not None
    assert token is not None
    form = {"form_token": token[1], "wish": wish[1], "after": "", "name": "Nora Ashdown", "language": "cy", "adjustment": "large-print"}
    for _ in range(2 if kind == "again" else 1):
        assert "123456" in await clerk.post(path, form)
    assert len(office.documents) == 1
    claims = office.order()["claims"]
    assert (claims["known_since"], claims["preferred_language"], claims["adjustments"]) == ("2027-01-15", "cy", ["large-print"])
    assert re.fullmatch(r"[0-9A-Z]{4}(-[0-9A-Z]{4}){3}", claims["case_ref"])
    rows = await desk.desk.storage.read(lambda tx: tx.fetch("SELECT key, sealed FROM known_customer"))
    assert len(rows) == 1
    assert b"Ashdown" not in bytes(rows[0]["sealed"])
    assert "Enter a name" in await clerk.post(path, form | {"name": "", "wish": "w" * 22}, status=400)
    assert "at most 500" in await clerk.post(path, form | {"how": "x" * 501, "wish": "w" * 22}, status=400)


async def test_whoever_has_no_wallet_is_known_by_a_slip(desk: Running, office: OwnOffice) -> None:
    """The clerk prints a reference once; typed in later it brings the form back, to be kept or forgotten, each time with a line in the log. What
    is wrong, forgotten, or came without making sure who it is, shows nothing.
    """
    clerk = await Clerk(desk).sign_in()
    page = await clerk.get("/desk/known/new")
    assert 'href="/desk/known/slip"' in page
    (wish,) = re.findall(r'name="wish" value="([^"]+)"', page)
    await clerk.get(f"/desk/known/{wish}/slip", status=404)
    form = {
        "form_token": await clerk.token(),
        "wish": wish,
        "after": "",
        "name": "Nora Ashdown",
        "telephone": "01632 960123",
        "language": "cy",
    }
    assert f'href="/desk/known/{wish}/slip"' in await clerk.post("/desk/known/new", form)
    printed = await clerk.get(f"/desk/known/{wish}/slip")
    (reference,) = re.findall(r"<code>([0-9A-Z-]{19})</code>", printed)
    assert reference == office.order()["claims"]["case_ref"]
    assert "Ashdown" not in printed

    async def bring(*, status: int = 200, **fields: str) -> str:
        sent = {"form_token": await clerk.token("/desk/known/slip"), "reference": reference, "sure": "yes", **fields}
        return await clerk.post("/desk/known/slip", sent, status=status)

    other = reference[:-1] + ("0" if reference[-1] != "0" else "1")
    for wrong, said in (
        ({"sure": ""}, "First make sure who it is"),
        ({"reference": other}, "Nothing is kept for this slip"),
        ({"reference": ""}, "Enter the ref"),
    ):
        page = await bring(status=400, **wrong)
        assert said in page
        assert "01632" not in page
    typed = reference.replace("-", " ").lower().replace("0", "o").replace("1", "l")
    page = await bring(reference=typed)
    for text in ("Nora Ashdown", "01632 960123"):
        assert f'value="{text}"' in page
    assert re.search(r'value="cy"[^>]* checked', page)
    assert 'value="01632 960999"' in await bring(do="keep", name="Nora Ashdown", telephone="01632 960999", language="cy")
    assert "at most 500" in await bring(status=400, do="keep", name="x" * 501)
    assert 'value="01632 960999"' in await bring()
    page = await clerk.get("/desk/decisions")
    assert page.count("Known by a slip") == 4
    assert "01632" not in page
    assert "01632" not in await bring(status=400, do="x")
    assert "Their document has ended." in await bring(do="forget")
    assert (await clerk.get("/desk/decisions")).count("Known by a slip") == 5
    assert "Nothing is kept for this slip" in await bring(status=400)


async def test_whoever_became_known_after_a_decision_is_asked_twice_from_then_on(desk: Running) -> None:
    """Also by what was given so: the body knows whom it accepted, and asks again (T-OA-5)."""
    clerk = await Clerk(desk).sign_in()
    await clerk.bring(copy_file())
    path = f"/desk/known/new?after={clerk.at.rpartition('/')[2]}"
    page = await clerk.get(path)
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
    assert hidden["after"]
    await clerk.post("/desk/known/new", hidden | {"name": "Nora Ashdown"})
    assert await twice(desk) == {}
    await accept(desk, seed="asked again")
    assert await twice(desk) == {"bank": 1}


@pytest.mark.parametrize("trouble", [503, 429, 400, 401, "key", "nobody"])
async def test_a_document_ends_though_our_issuer_did_not_take_it_at_once(desk: Running, office: OwnOffice, trouble: int | str) -> None:
    """What was told is gone at once, with what was recorded for it; whatever stands in the way, the document ends later."""
    identifier = await accept(desk)
    exchange = await requests.find(desk.desk, identifier)
    opened = await open_verdict(desk.desk, exchange) if isinstance(exchange, Answered) else None
    assert isinstance(exchange, Answered)
    assert opened is not None
    await make_known(desk.desk, office, "w" * 22, Customer(since="2027-01-15", fields={"name": "Nora"}), after=(exchange, opened))
    reference = office.order()["claims"]["case_ref"]
    customer = await find(desk.desk, reference)
    assert customer is not None
    key, made = desk.desk.directory / "own-issuer.key", len(office.orders)
    if trouble == "key":
        key.unlink()
    office.status = trouble if isinstance(trouble, int) else 201
    assert not await forget(desk.desk, _nobody if trouble == "nobody" else office, reference, customer)
    assert await find(desk.desk, reference) is None
    rows = await desk.desk.storage.read(lambda tx: tx.fetch("SELECT key FROM recorded_fact"))
    assert rows == []
    assert await giving.offer_of(desk.desk, "w" * 22, "known-here") is None
    office.status = 201
    key.write_text(KEY)
    key.chmod(0o600)
    await follow(desk.app)
    ended = [each for each in office.orders[made:] if each.url.endswith(f"/api/credentials/{customer.document}/cancel")][-1]
    assert json.loads(ended.body or b"") == {"reason": "asked-to-delete"}
    told = len(office.orders)
    await follow(desk.app)
    assert len(office.orders) == told
    assert await desk.desk.storage.read(lambda tx: tx.fetch("SELECT kind FROM given_document")) == []


async def _nobody(fetch: Fetch) -> Fetched:
    raise Unavailable(f"nobody answers at {fetch.url}")


async def test_what_somebody_told_goes_with_its_time(desk: Running) -> None:
    await desk.desk.storage.write(lambda tx: known.keep(tx, b"k", b"s", AT + 1))
    assert await desk.desk.storage.write(lambda tx: known.purge(tx, AT + 1)) == 1


async def test_asked_for_a_year_at_most_and_only_what_a_type_knows(desk: Running, office: OwnOffice) -> None:
    customer = Customer(since="2027-01-15", fields={"name": "Nora"}, adjustments=("shoe-horn",))
    with pytest.raises(Malformed):
        await make_known(desk.desk, office, "w" * 22, customer)
    assert office.orders == []
