"""What ends with something else: a death shown to the Public Guardian ends what the person who died had granted, and nobody in the middle."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support.documents import document
from support.own_verifier import DEATH, OwnVerifier, of_margaret, tell
from support.registry import LPA_1, NOON, Registry, Template, collect, serving

from issuer import deciding_news, donors, following, marking, revoke
from issuer.following import News, hear
from issuer.listening import by_hand
from issuer.records import documents, news
from issuer.records import donors as boxes
from issuer.records.sweep import sweep
from issuer.revoke import Wish
from issuer.sessions import Action, Actor, Standing
from shared.clock import DAY
from shared.credentials import by_id
from shared.errors import Conflict, Forbidden, Malformed

LIFE_EVENT, POWER = by_id("life-event").vct, by_id("representation").vct
CLERK, APPROVER = Actor(role="clerk", name="Cleo Clerk"), Actor(role="approver", name="Abel Approver")


@pytest.fixture(scope="module")
def own() -> OwnVerifier:
    return OwnVerifier.new()


@pytest.fixture
async def registry(template: Template, tmp_path: Path, own: OwnVerifier) -> AsyncIterator[Registry]:
    async with serving(template, tmp_path / "registry", listens_to=(own.name,)) as running:
        yield running


async def stands(registry: Registry, made: dict[str, Any]) -> Standing:
    found = await registry.office.storage.read(lambda tx: documents.get(tx, made["id"]))
    return found.standing


async def history(registry: Registry, number: str) -> list[tuple[str, str, str]]:
    found = await registry.office.storage.read(lambda tx: documents.history(tx, number))
    return [(each.kind, each.actor.name or each.actor.role, each.reason) for each in found]


def power(**changes: Any) -> dict[str, Any]:
    """LPA-1 of another donor."""
    return LPA_1 | {"represented": {**LPA_1["represented"], **changes}}


async def test_a_death_ends_all_that_the_donor_granted_and_nothing_else(registry: Registry, own: OwnVerifier) -> None:
    nora, peter = await registry.make(), await registry.make(claims=LPA_1 | {"proxy": {"given_name": "Peter", "family_name": "Ashdown"}})
    stranger = await registry.make(claims=power(address={"postal_code": "ZZ99 7XY"}))
    await (await collect(registry, nora)).copies(3)
    told = own.event(of_margaret(given_name="MARGARÉT"), jti="once")
    first = await tell(registry, told)
    assert (first["state"], first["changed"], first["waits"]) == ("done", 2, 0)
    assert await tell(registry, told) == first
    assert [await stands(registry, each) for each in (nora, peter, stranger)] == [Standing.CANCELLED, Standing.CANCELLED, Standing.IN_FORCE]
    assert (await history(registry, nora["id"]))[-1] == ("cancelled", "service", "donor-died")
    rows = await registry.office.storage.read(lambda tx: tx.fetch("SELECT document, value FROM status_entry"))
    assert [int(row["value"]) for row in rows if row["document"] == nora["id"]] == [1] * 3
    assert sum(row["document"] is None and int(row["value"]) == 1 for row in rows) >= 64, "S23: padded like any other"


@pytest.mark.parametrize(
    ("changes", "waits"),
    [
        ({"address": {}}, 1),
        ({"birthdate": "1938"}, 1),
        ({"address": {"postal_code": "ZZ99 4CD"}}, 1),
        ({"birthdate": "1938-11-20"}, 1),
        ({"given_name": "Joan"}, 1),
        ({"given_name": "Joan", "birthdate": "1940-01-01"}, 0),
    ],
)
async def test_t_fm_1_to_3_what_is_not_certain_waits_for_a_person(
    registry: Registry, own: OwnVerifier, changes: dict[str, Any], waits: int
) -> None:
    """T-FM-1, T-FM-3: neither name and date of birth alone nor a partial date ends anything."""
    made = await registry.make()
    heard = await tell(registry, own.event(of_margaret(**changes)))
    assert (heard["state"], heard["changed"], heard["waits"]) == ("open" if waits else "nothing", 0, waits)
    assert await stands(registry, made) is Standing.IN_FORCE


async def test_an_attorney_is_known_by_name_and_date_alone_so_somebody_looks(registry: Registry, own: OwnVerifier) -> None:
    made = await registry.make()
    heard = await tell(registry, own.event(of_margaret(given_name="Nora", birthdate="1968-03-14")))
    assert (heard["changed"], heard["waits"]) == (0, 1)
    case = await deciding_news.case(registry.office, heard["id"])
    assert [(each.concerned.document, each.concerned.reason, each.concerned.likeness) for each in case.compared] == [
        (made["id"], "attorney-died", "near")
    ]
    assert case.shown is not None
    assert case.shown["subject"]["given_name"] == "Nora"


@pytest.mark.parametrize(
    ("claims", "state"),
    [
        ({**DEATH, "event_type": "marriage"}, "nothing"),
        ({**DEATH, "registration_state": "interim"}, "nothing"),
        ({name: value for name, value in DEATH.items() if name != "event_type"}, "open"),
        ({"event_type": "death"}, "blank"),
        (None, "blank"),
    ],
)
async def test_it_counts_only_where_it_says_what_the_kind_demands(registry: Registry, own: OwnVerifier, claims: Any, state: str) -> None:
    made = await registry.make()
    assert (await tell(registry, own.event(claims)))["state"] == state
    assert await stands(registry, made) is Standing.IN_FORCE


async def test_only_the_named_key_is_heard_now_and_for_this_address(registry: Registry, own: OwnVerifier) -> None:
    made = await registry.make()
    bent = own.event(DEATH).rpartition(".")[0] + "." + own.event(DEATH).rpartition(".")[2]
    assert (await tell(registry, OwnVerifier.new().event(DEATH), status=400))["code"] == "untrusted"
    assert (await tell(registry, bent, status=400))["code"] == "bad_signature"
    assert (await tell(registry, own.event(DEATH, typ="receipt+jwt"), status=400))["code"] == "wrong_typ"
    assert (await tell(registry, own.event(DEATH, aud="https://other.example/api/events"), status=400))["code"] == "malformed"
    assert (await tell(registry, own.event(DEATH, iat=NOON - 301), status=400))["code"] == "expired"
    assert (await tell(registry, own.event(DEATH, iat=NOON + 61), status=400))["code"] == "not_yet_valid"
    assert (await tell(registry, "no token", status=400))["code"] == "malformed"
    for event in (own.event(DEATH, decision="rejected"), own.event(None, event="test"), own.event(DEATH, event="presentation.declined")):
        assert await tell(registry, event) == {"items": []}
    assert await stands(registry, made) is Standing.IN_FORCE


# --- somebody decides ------------------------------------------------------------------------------------------------------------------


async def waiting(registry: Registry, own: OwnVerifier, **changes: Any) -> news.News:
    heard = await tell(registry, own.event(of_margaret(**(changes or {"address": {}}))))
    return await registry.office.storage.read(lambda tx: news.get(tx, heard["id"]))


async def test_a_person_chooses_which_of_them_it_was(registry: Registry, own: OwnVerifier) -> None:
    nora, stranger = await registry.make(), await registry.make(claims=power(address={"postal_code": "ZZ99 7XY"}))
    found = await waiting(registry, own)
    with pytest.raises(Malformed):
        await deciding_news.decide(registry.office, found.id, ["0" * 16], CLERK, version=0)
    decided = await deciding_news.decide(registry.office, found.id, [nora["id"]], CLERK, version=0)
    assert (decided.state, decided.has_claims) == ("settled", False)
    assert (await history(registry, nora["id"]))[-1] == ("cancelled", "Cleo Clerk", "donor-died")
    assert await stands(registry, stranger) is Standing.IN_FORCE
    with pytest.raises(Conflict) as caught:
        await deciding_news.decide(registry.office, found.id, [stranger["id"]], CLERK, version=0)
    assert caught.value.where == "/version"
    with pytest.raises(Conflict, match="nothing"):
        await deciding_news.decide(registry.office, found.id, [], CLERK, version=decided.version)


async def test_a_second_person_confirms_where_the_kind_has_one(template: Template, tmp_path: Path, own: OwnVerifier) -> None:
    settings: dict[str, Any] = {"listens_to": (own.name,), "approve_types": ("representation",)}
    async with serving(template, tmp_path / "registry", **settings) as registry:
        made = await registry.make()
        found = await waiting(registry, own)
        one = await deciding_news.decide(registry.office, found.id, [made["id"]], APPROVER, version=0)
        assert (one.state, one.first_by, await stands(registry, made)) == ("second", "Abel Approver", Standing.IN_FORCE)
        for actor in (APPROVER, CLERK):
            with pytest.raises(Forbidden):
                await deciding_news.confirm(registry.office, found.id, actor, version=one.version)
        admin = Actor(role="admin", name="Iris Admin")
        back = await deciding_news.send_back(registry.office, found.id, admin, version=one.version)
        assert back.state == "open"
        two = await deciding_news.decide(registry.office, found.id, [made["id"]], CLERK, version=back.version)
        done = await deciding_news.confirm(registry.office, found.id, admin, version=two.version)
        assert (done.state, await stands(registry, made)) == ("settled", Standing.CANCELLED)


# --- what it was told for, and mistakes --------------------------------------------------------------------------------------------------


async def test_what_was_made_for_a_request_follows_it(registry: Registry, own: OwnVerifier) -> None:
    """AT-C03-2, the issuer's side: a recorded authority waits and goes on with the one that was shown. Once that counts no longer it waits,
    for somebody who knows whether it has ended or was only corrected.
    """
    made = await registry.make(type="mandate-receipt", claims=document("mandate-receipt"), reference="asked-1")
    lost = await registry.make(type="mandate-receipt", claims=document("mandate-receipt"), reference="asked-1")
    await registry.call("POST", f"/api/credentials/{lost['id']}/hold", {"reason": "device-lost"})
    said: list[Standing] = []
    for became in ("on-hold", "valid", "cancelled"):
        await tell(registry, own.event(None, vct="representation", event="presentation.changed", became=became))
        said.append(await stands(registry, made))
    assert said == [Standing.ON_HOLD, Standing.IN_FORCE, Standing.ON_HOLD]
    assert (await history(registry, made["id"]))[-1] == ("held", "service", "authority-changed")
    was = [(kind, reason) for kind, _, reason in await history(registry, lost["id"])]
    held = [("held", reason) for reason in ("device-lost", "authority-on-hold", "authority-changed")]
    assert was == [("made", ""), *held[:2], ("reinstated", "authority-in-force"), held[2]]
    assert await stands(registry, lost) is Standing.ON_HOLD, "a hold of its own does not end"


async def test_what_waits_goes_on_once_the_authority_is_shown_anew_and_somebody_says_so(registry: Registry, own: OwnVerifier) -> None:
    """Whether the power was only corrected, or its phone was lost. What was held for another reason is not offered."""
    claims = document("mandate-receipt")
    made = await registry.make(type="mandate-receipt", claims=claims, reference="asked-1")
    other = await registry.make(type="mandate-receipt", claims=claims)
    await registry.call("POST", f"/api/credentials/{other['id']}/hold", {"reason": "device-lost"})
    shown = {"represented": claims["represented"], "proxy": claims["proxy"]}
    for became in ("on-hold", "cancelled"):
        await tell(registry, own.event(None, vct="representation", event="presentation.changed", became=became))
    assert (await tell(registry, own.event(shown, vct="representation")))["state"] == "nothing", "that very showing, told late"
    assert (await tell(registry, own.event(None, vct="representation", request="asked-2")))["state"] == "nothing"
    assert await stands(registry, made) is Standing.ON_HOLD
    heard = await tell(registry, own.event(shown, vct="representation", request="asked-2"))
    assert (heard["state"], heard["changed"], heard["waits"]) == ("open", 0, 1)
    await deciding_news.decide(registry.office, heard["id"], [made["id"]], CLERK, version=0)
    assert [await stands(registry, each) for each in (made, other)] == [Standing.IN_FORCE, Standing.ON_HOLD]
    assert (await history(registry, made["id"]))[-1] == ("reinstated", "Cleo Clerk", "authority-in-force")


async def test_one_hold_is_one_task_however_often_the_authority_is_shown(registry: Registry, own: OwnVerifier) -> None:
    """Unless what was shown for it counts no longer itself; and the next hold is another."""
    claims = document("mandate-receipt")
    made = await registry.make(type="mandate-receipt", claims=claims, reference="asked-1")
    shown = {"represented": claims["represented"], "proxy": claims["proxy"]}

    async def becomes(became: str, request: str) -> None:
        told = own.event(None, vct="representation", event="presentation.changed", became=became, request=request)
        await tell(registry, told)

    async def waits(*requests: str) -> list[int]:
        return [(await tell(registry, own.event(shown, vct="representation", request=each)))["waits"] for each in requests]

    await becomes("on-hold", "asked-1")
    assert await waits("asked-2", "asked-3", "asked-4") == [1, 0, 0]
    await becomes("cancelled", "asked-2")
    assert await waits("asked-5", "asked-6") == [1, 0]
    listed = await registry.office.storage.read(lambda tx: news.page(tx, open_only=True, offset=0, limit=50))
    assert len(listed) == 2
    for task in listed:
        await deciding_news.decide(registry.office, task.id, [made["id"]], CLERK, version=task.version)
    assert await stands(registry, made) is Standing.IN_FORCE
    await becomes("valid", "asked-1")
    await becomes("on-hold", "asked-1")
    assert await waits("asked-7", "asked-8") == [1, 0]


async def test_a_task_of_a_hold_that_somebody_ended_by_hand_says_nothing_of_the_next(
    template: Template, tmp_path: Path, storage_uri: str, own: OwnVerifier
) -> None:
    """It keeps no later showing from being a task, and deciding it ends no hold that came after it."""
    async with serving(template, tmp_path / "registry", storage=storage_uri, listens_to=(own.name,)) as registry:
        claims = document("mandate-receipt")
        made = await registry.make(type="mandate-receipt", claims=claims, reference="asked-1")
        shown = {"represented": claims["represented"], "proxy": claims["proxy"]}

        async def heard(became: str, request: str) -> Any:
            registry.clock.at += 10
            if became == "shown":
                return await tell(registry, own.event(shown, vct="representation", request=request))
            told = own.event(None, vct="representation", event="presentation.changed", became=became, request=request)
            return await tell(registry, told)

        await heard("on-hold", "asked-1")
        before = await heard("shown", "asked-2")
        registry.clock.at += 10
        await revoke.change_one(registry.office, made["id"], Wish(action=Action.REINSTATE, reason="authority-in-force", actor=CLERK))
        await heard("valid", "asked-1")
        await heard("on-hold", "asked-1")
        assert await stands(registry, made) is Standing.ON_HOLD
        after = await heard("shown", "asked-3")
        assert [(each["state"], each["waits"]) for each in (before, after)] == [("open", 1)] * 2
        await deciding_news.decide(registry.office, before["id"], [made["id"]], CLERK, version=0)
        assert await stands(registry, made) is Standing.ON_HOLD, "what was shown before the hold is no reason to end it"
        await deciding_news.decide(registry.office, after["id"], [made["id"]], CLERK, version=0)
        assert await stands(registry, made) is Standing.IN_FORCE


async def test_an_estate_goes_on_once_the_corrected_entry_is_shown(registry: Registry, own: OwnVerifier) -> None:
    estate = await registry.make(type="estate-authority", claims=document("estate-authority"))
    arthur = {"given_name": "Arthur", "family_name": "Penhale", "birthdate": "1931-04-20"}
    entry = {**DEATH, "subject": arthur, "death_date": {"value": "2027-02-03"}}
    await tell(registry, own.event(entry))
    await tell(registry, own.event(None, event="presentation.changed", became="cancelled"))
    assert await stands(registry, estate) is Standing.ON_HOLD
    heard = await tell(registry, own.event(entry, request="asked-2"))
    assert (heard["state"], heard["waits"]) == ("open", 1)
    await deciding_news.decide(registry.office, heard["id"], [estate["id"]], CLERK, version=0)
    assert (await history(registry, estate["id"]))[-1] == ("reinstated", "Cleo Clerk", "entry-stands")


async def test_what_ended_by_a_mistake_comes_back_as_new_documents(registry: Registry, own: OwnVerifier) -> None:
    """AT-C05-4, the issuer's side: the entry was cancelled; nothing that ended is ever in force again, and new documents are offered."""
    made = await registry.make(reference="case 7")
    await tell(registry, own.event(DEATH, request="shown-1"))
    heard = await tell(registry, own.event(None, event="presentation.changed", became="cancelled", request="shown-1"))
    assert (heard["state"], heard["changed"], heard["waits"]) == ("open", 0, 1)
    decided = await deciding_news.decide(registry.office, heard["id"], [made["id"]], CLERK, version=0)
    assert decided.state == "settled"
    (each,) = await registry.office.storage.read(lambda tx: news.concerned(tx, heard["id"]))
    assert each.claims is None
    assert await stands(registry, made) is Standing.CANCELLED
    _, listed = await registry.call("GET", "/api/credentials?reference=case%207")
    assert {one["id"]: one["state"] for one in listed["items"]} == {made["id"]: "cancelled", each.made: "invited"}
    assert (await tell(registry, own.event(DEATH)))["changed"] == 1, "the new document ends with a true death as the old one did"


async def test_a_death_that_is_heard_after_its_entry_was_cancelled_ends_nothing_alone(registry: Registry, own: OwnVerifier) -> None:
    """The first telling was late: the later one overtook it."""
    made = await registry.make()
    assert (await tell(registry, own.event(None, event="presentation.changed", became="cancelled")))["state"] == "nothing"
    heard = await tell(registry, own.event(DEATH))
    assert (heard["state"], heard["changed"], heard["waits"]) == ("open", 0, 1)
    assert await stands(registry, made) is Standing.IN_FORCE
    assert (await tell(registry, own.event(DEATH, request="asked-2")))["changed"] == 1, "another entry, which stands"


async def test_an_entry_that_counts_no_longer_leaves_the_case_open_to_whoever_knows_that(registry: Registry, own: OwnVerifier) -> None:
    """A list does not tell a cancelled entry from a corrected one: nothing is settled by it, and who had looked before looks again."""
    made = await registry.make()
    heard = await tell(registry, own.event(of_margaret(address={})))
    assert heard["state"] == "open"
    other = await tell(registry, own.event(None, vct="person", event="presentation.changed", became="cancelled"))
    assert other["state"] == "nothing", "shown beside it"
    case = await deciding_news.case(registry.office, heard["id"])
    assert (case.news.state, case.doubted) == ("open", False)
    await tell(registry, own.event(None, event="presentation.changed", became="cancelled"))
    case = await deciding_news.case(registry.office, heard["id"])
    assert (case.news.state, case.doubted, case.news.has_claims) == ("open", True, True)
    with pytest.raises(Conflict) as caught:
        await deciding_news.decide(registry.office, heard["id"], [made["id"]], CLERK, version=0)
    assert (caught.value.where, await stands(registry, made)) == ("/version", Standing.IN_FORCE)
    done = await deciding_news.decide(registry.office, heard["id"], [made["id"]], CLERK, version=case.news.version)
    assert (done.state, await stands(registry, made)) == ("settled", Standing.CANCELLED)


async def test_what_the_first_of_two_chose_before_the_entry_counted_no_longer_is_chosen_again(
    template: Template, tmp_path: Path, own: OwnVerifier
) -> None:
    settings: dict[str, Any] = {"listens_to": (own.name,), "approve_types": ("representation",)}
    async with serving(template, tmp_path / "registry", **settings) as registry:
        made = await registry.make()
        found = await waiting(registry, own)
        one = await deciding_news.decide(registry.office, found.id, [made["id"]], CLERK, version=0)
        await tell(registry, own.event(None, event="presentation.changed", became="cancelled"))
        with pytest.raises(Conflict):
            await deciding_news.confirm(registry.office, found.id, APPROVER, version=one.version)
        case = await deciding_news.case(registry.office, found.id)
        assert (case.news.state, case.news.first_by, [each.concerned.outcome for each in case.compared]) == ("open", "", ["open"])


async def test_what_comes_back_is_offered_once(registry: Registry, own: OwnVerifier) -> None:
    """Whether a clerk or the registrar says first that it was a mistake."""
    made = [await registry.make(reference=f"case {number}") for number in range(2)]
    by_hand = await tell(registry, own.event(DEATH, request="shown-1"))
    task = await deciding_news.mistake(registry.office, by_hand["id"])
    await deciding_news.decide(registry.office, task.id, [made[0]["id"]], CLERK, version=0)
    heard = await tell(registry, own.event(None, event="presentation.changed", became="cancelled", request="shown-1"))
    case = await deciding_news.case(registry.office, heard["id"])
    assert [each.concerned.document for each in case.compared] == [made[1]["id"]], "left before, and now its entry counts no longer"
    await deciding_news.decide(registry.office, heard["id"], [made[1]["id"]], CLERK, version=0)
    (again,) = (await deciding_news.case(registry.office, heard["id"])).compared
    assert (again.concerned.outcome, bool(again.concerned.made)) == ("changed", True)
    with pytest.raises(Conflict):
        await deciding_news.mistake(registry.office, by_hand["id"])
    _, listed = await registry.call("GET", "/api/credentials?reference=case%200")
    assert sorted(one["state"] for one in listed["items"]) == ["cancelled", "invited"]


async def test_details_of_what_was_left_go_with_their_time(registry: Registry, own: OwnVerifier) -> None:
    """They are held once, for whoever decides otherwise, and no longer than they would have been."""
    made = await registry.make()
    ended = await tell(registry, own.event(DEATH))
    task = await deciding_news.mistake(registry.office, ended["id"])
    await deciding_news.decide(registry.office, task.id, [], CLERK, version=0)
    held = "SELECT news FROM news_document WHERE document = $1 AND claims IS NOT NULL"
    rows = await registry.office.storage.read(lambda tx: tx.fetch(held, made["id"]))
    assert [row["news"] for row in rows] == [task.id]
    registry.clock.at += 91 * DAY
    await registry.office.storage.write(lambda tx: sweep(tx, registry.clock()))
    assert await registry.office.storage.read(lambda tx: tx.fetch(held, made["id"])) == []


async def test_a_clerk_offers_nothing_that_the_registrar_brought_back_already(registry: Registry, own: OwnVerifier) -> None:
    await registry.make()
    first = await tell(registry, own.event(DEATH, request="shown-1"))
    assert (await tell(registry, own.event(None, event="presentation.changed", became="cancelled", request="shown-1")))["waits"] == 1
    with pytest.raises(Conflict):
        await deciding_news.mistake(registry.office, first["id"])


async def test_details_go_after_the_days_that_were_set_whatever_is_heard_meanwhile(registry: Registry, own: OwnVerifier) -> None:
    await registry.make()
    await tell(registry, own.event(DEATH))
    registry.clock.at += 89 * DAY
    told = own.event(None, event="presentation.changed", became="cancelled", iat=registry.clock())
    assert (await tell(registry, told))["waits"] == 1
    held = "SELECT document FROM news_document WHERE claims IS NOT NULL"
    counts = []
    for days in (0, 2):
        registry.clock.at += days * DAY
        await registry.office.storage.write(lambda tx: sweep(tx, registry.clock()))
        counts.append(len(await registry.office.storage.read(lambda tx: tx.fetch(held))))
    assert counts == [1, 0]


async def test_after_a_mistake_the_donor_has_her_side_again(registry: Registry, own: OwnVerifier) -> None:
    """It ended with what it is about; one that had ended before stays away."""
    nora, peter = await registry.make(), await registry.make(claims=LPA_1 | {"proxy": {"given_name": "Peter", "family_name": "Ashdown"}})
    await donors.make(registry.office, nora["id"], actor=CLERK)
    ended = await donors.make(registry.office, peter["id"], actor=CLERK)
    await registry.call("POST", f"/api/credentials/{ended.document}/cancel", {"reason": "made-in-error"})
    await tell(registry, own.event(DEATH))
    heard = await tell(registry, own.event(None, event="presentation.changed", became="cancelled"))
    await deciding_news.decide(registry.office, heard["id"], [nora["id"], peter["id"]], CLERK, version=0)
    found = await registry.office.storage.read(lambda tx: news.concerned(tx, heard["id"]))
    back = {each.document: each.made for each in found}
    hers = [await registry.office.storage.read(partial(boxes.granted_for, representation=back[one["id"]])) for one in (nora, peter)]
    assert hers[1] is None
    _, listed = await registry.call("GET", "/api/credentials")
    states = {one["id"]: one["state"] for one in listed["items"]}
    assert states[str(hers[0])] == "invited"
    assert sorted(states.values()) == ["cancelled"] * 4 + ["invited"] * 3


async def test_only_the_entry_itself_brings_back_what_ended_by_it(registry: Registry, own: OwnVerifier) -> None:
    """What was shown beside it, and is cancelled in the way of all documents, is no mistake of the register."""
    made = await registry.make()
    assert (await tell(registry, own.event(DEATH)))["changed"] == 1
    heard = await tell(registry, own.event(None, vct="person", event="presentation.changed", became="cancelled"))
    assert (heard["state"], heard["waits"]) == ("nothing", 0)
    assert (await tell(registry, own.event(None, event="presentation.changed", became="cancelled")))["waits"] == 1
    assert await stands(registry, made) is Standing.CANCELLED


async def test_what_changes_later_is_known_again_without_its_details(registry: Registry, own: OwnVerifier) -> None:
    """An estate waits once the entry of the death changes, though the desk has long deleted what was shown."""
    estate = await registry.make(type="estate-authority", claims=document("estate-authority"))
    arthur = {"given_name": "Arthur", "family_name": "Penhale", "birthdate": "1931-04-20"}
    assert (await tell(registry, own.event({**DEATH, "subject": arthur, "death_date": {"value": "2027-02-03"}})))["state"] == "nothing"
    assert (await tell(registry, own.event(None, event="presentation.changed", became="on-hold")))["state"] == "nothing"
    heard = await tell(registry, own.event(None, event="presentation.changed", became="cancelled"))
    assert (heard["state"], heard["changed"]) == ("done", 1)
    assert (await history(registry, estate["id"]))[-1] == ("held", "service", "entry-changed")
    other = await tell(registry, own.event(None, event="presentation.changed", became="cancelled", request="another"))
    assert other["state"] == "nothing"


async def test_a_mistake_is_told_by_hand_once_and_while_details_are_held(registry: Registry, own: OwnVerifier) -> None:
    made = await registry.make()
    heard = await tell(registry, own.event(DEATH))
    task = await deciding_news.mistake(registry.office, heard["id"])
    with pytest.raises(Conflict):
        await deciding_news.mistake(registry.office, heard["id"])
    registry.clock.at += 91 * DAY
    await registry.office.storage.write(lambda tx: sweep(tx, registry.clock()))
    assert (await deciding_news.decide(registry.office, task.id, [made["id"]], CLERK, version=0)).state == "settled"
    (each,) = await registry.office.storage.read(lambda tx: news.concerned(tx, task.id))
    assert (each.outcome, each.made) == ("gone", "")
    registry.clock.at += 400 * DAY
    await registry.office.storage.write(lambda tx: sweep(tx, registry.clock()))
    assert await registry.office.storage.read(news.counts) == {}


async def test_documents_of_one_office_follow_each_other(registry: Registry) -> None:
    """An office that makes both: the entry of a death is cancelled, and who deals with the estate waits; a record by names alone is for a person."""
    death = document("life-event", subject={"given_name": "Arthur", "family_name": "Penhale", "birthdate": "1931-04-20"})
    entry = await registry.make(type="life-event", claims=death)
    estate = await registry.make(type="estate-authority", claims=document("estate-authority"))
    power, record = await registry.make(), await registry.make(type="mandate-receipt", claims=document("mandate-receipt"))
    for made, reason in ((entry, "entry-cancelled"), (power, "donor-revoked")):
        assert (await registry.call("POST", f"/api/credentials/{made['id']}/cancel", {"reason": reason}))[0] == 200
    for _ in range(2):
        await following.follow_own(registry.office)
    assert [await stands(registry, each) for each in (estate, record)] == [Standing.ON_HOLD, Standing.IN_FORCE]
    assert (await history(registry, estate["id"]))[-1] == ("held", "service", "entry-changed")
    (task,) = await registry.office.storage.read(lambda tx: news.page(tx, open_only=True, offset=0, limit=9))
    await deciding_news.decide(registry.office, task.id, [record["id"]], CLERK, version=0)
    assert await stands(registry, record) is Standing.ON_HOLD
    assert await registry.office.storage.read(news.changes) == []


# --- what is kept -------------------------------------------------------------------------------------------------------------------------


async def test_documents_of_before_are_looked_at_once_and_corrections_count(registry: Registry, own: OwnVerifier) -> None:
    made = await registry.make()

    async def forget(tx: Any) -> None:
        await tx.execute("DELETE FROM named")
        await tx.execute("UPDATE document SET marked = 0")

    await registry.office.storage.write(forget)
    assert (await tell(registry, own.event(DEATH)))["state"] == "nothing"
    assert await marking.tend(registry.office) == 1
    assert await marking.tend(registry.office) == 0
    moved = power(address={"postal_code": "ZZ99 4CD"})
    status, _ = await registry.call("POST", f"/api/credentials/{made['id']}/correction", {"claims": moved, "reason": "moved"})
    assert status == 200
    assert (await tell(registry, own.event(DEATH)))["waits"] == 1
    assert (await tell(registry, own.event(of_margaret(address={"postal_code": "ZZ99 4CD"}))))["changed"] == 1
    assert await registry.office.storage.read(lambda tx: tx.fetch("SELECT * FROM named")) == []


async def test_a_stolen_disk_names_nobody(registry: Registry, own: OwnVerifier) -> None:
    """S24: digests under a key of the custodian, in the tables and in what waits for somebody."""
    await registry.make()
    await tell(registry, own.event(of_margaret(address={})))
    for sql in ("SELECT * FROM named", "SELECT * FROM news", "SELECT * FROM news_document", "SELECT * FROM news_named"):
        rows = await registry.office.storage.read(lambda tx, sql=sql: tx.fetch(sql))  # type: ignore[misc]  # the default is the loop's own
        assert rows
        assert not any(word in str([tuple(row) for row in rows]).lower() for word in ("margaret", "ashdown", "1938", "zz99", "asked-1"))


async def test_both_databases_hear_decide_and_put_right(template: Template, tmp_path: Path, storage_uri: str, own: OwnVerifier) -> None:
    async with serving(template, tmp_path / "registry", storage=storage_uri, listens_to=(own.name,)) as registry:
        made = await registry.make(reference="case 7")
        found = await waiting(registry, own)
        await deciding_news.decide(registry.office, found.id, [made["id"]], CLERK, version=0)
        task = await deciding_news.mistake(registry.office, found.id)
        await deciding_news.decide(registry.office, task.id, [made["id"]], CLERK, version=0)
        _, listed = await registry.call("GET", "/api/credentials?reference=case%207")
        assert sorted(one["state"] for one in listed["items"]) == ["cancelled", "invited"]
        said = [(await deciding_news.case(registry.office, found.id)).doubted]
        await tell(registry, own.event(None, event="presentation.changed", became="cancelled"))
        said.append((await deciding_news.case(registry.office, found.id)).doubted)
        assert said == [False, True]
        listed_news = await registry.office.storage.read(lambda tx: news.page(tx, open_only=False, offset=0, limit=9))
        for wanted, fitting in (
            (news.Wanted(number=made["id"], said=[]), 2),
            (news.Wanted(number=found.id, said=[]), 1),
            (news.Wanted(number="", said=[(found.vct, found.became), ("urn:none", "shown")]), 1),
            (news.Wanted(number="", said=[]), 0),
        ):
            page = partial(news.page, open_only=False, offset=0, limit=9, wanted=wanted)
            assert len(await registry.office.storage.read(page)) == fitting
            assert await registry.office.storage.read(partial(news.count, open_only=False, wanted=wanted)) == fitting
        counted = await registry.office.storage.read(lambda tx: news.concerned_count(tx, [each.id for each in listed_news]))
        assert sorted(counted.values()) == [1, 1], "the registrar's word brings nothing back a second time"
        await marking.tend(registry.office)
        await registry.office.storage.write(lambda tx: sweep(tx, registry.clock() + 1_000 * DAY))
        assert await registry.office.storage.read(news.counts) == {}


async def test_two_processes_hear_it_once(registry: Registry, own: OwnVerifier) -> None:
    made = await registry.make()
    told = own.event(DEATH)
    heard = await asyncio.gather(*(tell(registry, told) for _ in range(6)))
    assert {each["id"] for each in heard} == {heard[0]["id"]}
    assert [kind for kind, _, _ in await history(registry, made["id"])].count("cancelled") == 1


async def test_news_written_into_a_file(registry: Registry) -> None:
    made = await registry.make()
    told = by_hand(b'{"vct": "%s", "claims": {"subject": {"given_name": "Margaret", "family_name": "Ashdown"}}}' % LIFE_EVENT.encode(), "x")
    assert told.became == "shown"
    assert (await hear(registry.office, told)).waits == 1
    for bad in (b"{}", b'{"vct": "x", "claims": 1}', b'{"vct": "x", "who": "y"}', b'{"vct": "x", "request": 1}'):
        with pytest.raises(Malformed):
            by_hand(bad, "x")
    with pytest.raises(Malformed):
        await hear(registry.office, News(id="1", vct=LIFE_EVENT, became="dead"))
    assert await stands(registry, made) is Standing.IN_FORCE
