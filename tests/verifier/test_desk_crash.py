"""Killed at the worst moment of every write: nothing is half decided, nothing is taken twice, nothing that was promised is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.counting import rows
from support.desk import BANK, PATHS, Running, Site, Template, copy_file, present, serving
from support.desk_killed import die
from support.joint_acts import ASK, PETER, agree, answer_of, next_of
from support.merged import ABC, HEIR, Town, answered, councils, in_the_name_of, kept, merge
from support.receiver import HOOK, Receiver
from support.signing import AT
from support.trial_verify import CLAIMS

from shared.errors import AccessDenied
from shared.openid4vp import render_refusal, render_response
from shared.receipts import peek_receipt
from verifier import config, packs
from verifier.app import one_round
from verifier.settle import verify_decisions
from verifier.webhooks import deliver


async def count(desk: Running, table: str) -> int:
    return await rows(desk.desk.storage, table)


def receipt_id(receipt: str) -> str:
    return peek_receipt(receipt).receipt_id


@pytest.fixture
def storage(storage_uri: str) -> str:
    return storage_uri


def settings(storage: str) -> dict[str, Any]:
    return {"storage": storage}


MOMENTS = ("before", "after")


@pytest.mark.parametrize("moment", MOMENTS)
async def test_killed_while_asking(template: Template, tmp_path: Path, storage: str, moment: str) -> None:
    folder = tmp_path / "desk"
    async with serving(template, folder, **settings(storage)):
        pass
    await die(folder, storage, "request", f"request:{moment}")
    async with serving(template, folder, **settings(storage)) as desk:
        _, recent = await desk.call("GET", "/api/presentation-requests")
        assert len(recent["items"]) == (0 if moment == "before" else 1)
        for item in recent["items"]:
            async with desk.http.get(f"{desk.base}/vp/request/{item['id']}") as answer:
                assert answer.status == 200


@pytest.mark.parametrize("moment", MOMENTS)
async def test_killed_while_handing_out_the_request(template: Template, tmp_path: Path, storage: str, moment: str) -> None:
    folder = tmp_path / "desk"
    async with serving(template, folder, **settings(storage)) as desk:
        asked = await desk.ask()
    await die(folder, storage, "retrieve", f"retrieve:{moment}", asked["id"])
    async with serving(template, folder, **settings(storage)) as desk:
        assert (await desk.state(asked))["state"] == ("requested" if moment == "before" else "retrieved")
        assert (await desk.answer(asked))[0] == 200


@pytest.mark.parametrize("moment", MOMENTS)
async def test_killed_while_taking_an_answer(template: Template, tmp_path: Path, storage: str, moment: str) -> None:
    """Either nothing happened and the same answer is good, or all of it happened: verdict, log line, replay mark, receipt."""
    folder = tmp_path / "desk"
    async with serving(template, folder, **settings(storage)) as desk:
        asked = await desk.ask()
        request = await desk.read(asked)
        body = render_response(request, present(request, at=AT))
        (folder / "body").write_bytes(body)
    await die(folder, storage, "answer", f"answer:{moment}", asked["id"])
    async with serving(template, folder, **settings(storage)) as desk:
        state = await desk.state(asked)
        done = moment == "after"
        assert (state["state"], await count(desk, "log_entry"), await count(desk, "seen_presentation")) == (
            ("answered", 1, 2) if done else ("retrieved", 0, 0)
        )  # the presentation, and the copy that it was made of
        status, told = await desk.post(asked, body)
        state = await desk.state(asked)
        assert (status, receipt_id(told["receipt"])) == (200, receipt_id(state["receipt"])), (
            "whoever heard nothing posts the same once more"
        )
        assert (state["decision"], state["receipt"] is not None, await count(desk, "log_entry")) == ("accepted", True, 1)
        await verify_decisions(desk.desk)


@pytest.mark.parametrize("moment", MOMENTS)
async def test_killed_while_taking_a_no(template: Template, tmp_path: Path, storage: str, moment: str) -> None:
    folder = tmp_path / "desk"
    async with serving(template, folder, **settings(storage)) as desk:
        asked = await desk.ask()
        request = await desk.read(asked)
        (folder / "body").write_bytes(render_refusal(AccessDenied("no"), request.state))
    await die(folder, storage, "decline", f"decline:{moment}", asked["id"])
    async with serving(template, folder, **settings(storage)) as desk:
        assert (await desk.state(asked))["state"] == ("retrieved" if moment == "before" else "declined")
        assert (await desk.answer(asked))[0] == 200


@pytest.mark.parametrize("moment", MOMENTS)
async def test_killed_while_checking_a_copy(template: Template, tmp_path: Path, storage: str, moment: str) -> None:
    folder, data = tmp_path / "desk", copy_file()
    async with serving(template, folder, **settings(storage)):
        (folder / "body").write_bytes(data)
    await die(folder, storage, "copy", f"answer:{moment}")
    async with serving(template, folder, **settings(storage)) as desk:
        counts = [await count(desk, table) for table in ("exchange", "log_entry", "seen_presentation")]
        assert counts == ([0, 0, 0] if moment == "before" else [1, 1, 2])
        status, state = await desk.call("POST", "/api/copies", json.loads(data))
        assert (status, state["decision"]) == (201, "accepted" if moment == "before" else "rejected")
        await verify_decisions(desk.desk)


@pytest.mark.parametrize("moment", MOMENTS)
async def test_killed_while_looking_again(template: Template, tmp_path: Path, storage: str, moment: str) -> None:
    folder = tmp_path / "desk"
    limited = CLAIMS | {"has_restrictions": True, "restrictions_text": "Not to sell Poplar Court while I live."}
    async with serving(template, folder, **settings(storage)) as desk:
        data = json.loads(copy_file(claims=limited, paths=(*PATHS, ("restrictions_text",))))
        _, first = await desk.call("POST", "/api/copies", data)
        assert first["decision"] == "undecided"
    await die(folder, storage, "again", f"answer:{moment}", first["id"])
    async with serving(template, folder, **settings(storage)) as desk:
        state = await desk.state(first)
        assert state["decision"] == ("undecided" if moment == "before" else "accepted")
        assert await count(desk, "log_entry") == (1 if moment == "before" else 2)
        await verify_decisions(desk.desk)


@pytest.mark.parametrize("moment", MOMENTS)
async def test_killed_while_fetching_lists(template: Template, tmp_path: Path, storage: str, moment: str) -> None:
    folder = tmp_path / "desk"
    async with serving(template, folder, refresh=False, **settings(storage)) as desk:
        pages = {url: body.decode() for url, body in desk.site.pages().items()}
        (folder / "site.json").write_text(json.dumps(pages))
    await die(folder, storage, "material", f"keep-material:{moment}")
    async with serving(template, folder, refresh=False, site=Site(), **settings(storage)) as desk:
        kept = [await count(desk, table) for table in ("status_list", "type_metadata", "status_memory", "issuer")]
        assert kept == ([0, 0, 0, 0] if moment == "before" else [1, 1, 1, 1])
        assert (await desk.call("POST", "/api/refresh"))[1]["issuers"][0]["faults"] == []


@pytest.mark.parametrize("moment", MOMENTS)
async def test_killed_while_making_a_pack(template: Template, tmp_path: Path, storage: str, moment: str) -> None:
    """A number is never used twice: whoever saw the lost pack would refuse the next."""
    folder = tmp_path / "desk"
    async with serving(template, folder, **settings(storage)):
        pass
    await die(folder, storage, "pack", f"pack:{moment}")
    async with serving(template, folder, **settings(storage)) as desk:
        made = await packs.make(desk.desk)
        assert made.pack.seq == (1 if moment == "before" else 2)


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("point", ["webhook", "webhook-told"])
async def test_killed_while_telling(template: Template, tmp_path: Path, storage: str, point: str, moment: str) -> None:
    """Nothing that was decided stays untold: what was begun and not finished is told again, under the same id."""
    folder, hook = tmp_path / "desk", settings(storage) | {"webhook_url": HOOK}
    async with serving(template, folder, **hook) as desk:
        assert (await desk.answer(await desk.ask()))[0] == 200
        with config.toml(folder).open("a") as file:
            file.write(f"webhook_url = {json.dumps(HOOK)}\n")
        [event] = await desk.desk.storage.read(lambda tx: tx.fetch("SELECT id FROM event"))
    await die(folder, storage, "webhook", f"{point}:{moment}")
    site = Receiver()
    async with serving(template, folder, site=site, **hook) as desk:
        begun = (point, moment) != ("webhook", "before")
        assert await deliver(desk.desk, site) == int(not begun)  # whoever begins has five minutes
        desk.clock.at += 300
        await deliver(desk.desk, site)
        assert [fetch.headers["webhook-id"] for fetch in site.told] == [event["id"]] * ((point, moment) != ("webhook-told", "after"))


@pytest.mark.parametrize("moment", MOMENTS)
async def test_killed_while_deleting(template: Template, tmp_path: Path, storage: str, moment: str) -> None:
    """The next start takes off the disk what the killed process could not."""
    folder = tmp_path / "desk"
    async with serving(template, folder, **settings(storage)) as desk:
        asked = await desk.ask()
        assert (await desk.answer(asked))[0] == 200
    await die(folder, storage, "purge", f"purge:{moment}", at=AT + 16 * 60)
    async with serving(template, folder, **settings(storage)) as desk:
        desk.clock.at += 16 * 60
        assert (await desk.state(asked))["verdict"] is None
        from verifier.app import one_round

        await one_round(desk.app)
        await verify_decisions(desk.desk)


@pytest.mark.parametrize("moment", MOMENTS)
async def test_killed_while_deleting_what_was_not_handed_over(template: Template, tmp_path: Path, storage: str, moment: str) -> None:
    """Details, line of the log and record go together: nothing is deleted without a record, and nothing recorded that is still here."""
    town, folder = Town(realm=councils()), tmp_path / "desk"
    async with in_the_name_of(template, folder, ABC, town, **settings(storage)) as desk:
        for _ in range(2):
            await answered(desk, query="bank")
    merge(town.realm, ABC)
    async with in_the_name_of(template, folder, HEIR, town, **settings(storage)):
        pass
    (folder / "verifier.toml").write_text((folder / "verifier.toml").read_text().replace(BANK, HEIR))
    await die(folder, storage, "inherited", f"delete-inherited:{moment}")
    async with in_the_name_of(template, folder, HEIR, town, **settings(storage)) as desk:
        done = moment == "after"
        assert (await kept(desk), await count(desk, "deletion"), await count(desk, "log_entry")) == ((0, 1, 3) if done else (2, 0, 2))
        await one_round(desk.app)
        assert (await kept(desk), await count(desk, "deletion"), await count(desk, "log_entry")) == (0, 1, 3)
        await verify_decisions(desk.desk)


@pytest.mark.parametrize("point", [f"{point}:{moment}" for point in ("answer", "together", "together-look") for moment in MOMENTS])
async def test_killed_between_two_who_must_act_together(template: Template, tmp_path: Path, storage: str, point: str) -> None:
    """The second answer is taken whole or not at all; the first is told of it once, at the latest in the next round."""
    folder = tmp_path / "desk"
    async with serving(template, folder, **settings(storage)) as desk:
        first = await desk.ask(**ASK)
        await agree(desk, first)
    async with serving(template, folder, **settings(storage)) as desk:  # what the first agreed to outlives the service
        second = await next_of(desk, first)
        body = await answer_of(desk, second, number=2, by=PETER)
        (folder / "body").write_bytes(body)
    await die(folder, storage, "answer", point, second["id"])
    async with serving(template, folder, **settings(storage)) as desk:
        if point == "answer:before":
            assert (await desk.state(second))["decision"] is None
            assert (await desk.post(second, body))[0] == 200
        await one_round(desk.app)
        for asked in (first, second):
            assert (await desk.state(asked))["decision"] == "accepted"
        assert await count(desk, "log_entry") == 3
        status, told = await desk.post(second, body)
        assert (status, receipt_id(told["receipt"])) == (200, receipt_id((await desk.state(second))["receipt"]))
        assert await count(desk, "log_entry") == 3
        await verify_decisions(desk.desk)
