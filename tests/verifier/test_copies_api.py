from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from support.desk import BANK, Running, Site, Template, copy_file, lines, make_copy, present, read_anchor, serving
from support.signing import AT
from support.trial_verify import CLAIMS, DAY, IDX, LIST, status_token

from shared import addressed
from shared.codec import base64url, qr
from shared.errors import HistoryRewritten
from shared.jose.jwt import parse_jwt
from shared.keys import Role
from shared.openid4vp import render_response
from shared.receipts import Exchange, LogHead, presentation_bytes, verify_receipt
from shared.storage import Tx
from shared.trust.anchors import TrustAnchors, parse_anchor
from shared.trust.policy import Policy
from verifier.app import one_round, visit
from verifier.settle import verify_decisions


async def bring(desk: Running, data: bytes, media: str = "application/json", status: int = 201) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {desk.api_key}", "Content-Type": media}
    async with desk.http.post(f"{desk.base}/api/copies", data=BytesIO(data), headers=headers) as answer:
        assert answer.status == status, await answer.text()
        return dict(await answer.json())


async def test_copy_as_file_text_and_picture(desk: Running) -> None:
    state = await bring(desk, copy_file())
    assert (state["kind"], state["state"], state["decision"], state["purpose_id"]) == ("copy", "answered", "accepted", "bank")
    verdict = state["verdict"]
    assert lines(verdict) == dict.fromkeys(lines(verdict), "passed")
    assert verdict["level"] == {"name": "addressed", "number": 1}
    text = addressed.render_qr(make_copy(seed="two"))
    assert (await bring(desk, text.encode(), "text/plain"))["decision"] == "accepted"
    text = addressed.render_qr(make_copy(seed="three"))
    assert (await bring(desk, qr.png(text, ec="L"), "image/png"))["decision"] == "accepted"
    assert (await bring(desk, b"x", "application/xml", 415))["code"] == "unsupported_media_type"


async def test_receipt_of_a_copy_is_bound_to_it(desk: Running) -> None:
    copy = make_copy()
    state = await bring(desk, addressed.render_file(copy))
    policy = Policy(TrustAnchors(anchors=(parse_anchor(read_anchor(desk.desk), role=Role.RELYING_PARTY),)))
    nonce = parse_jwt(copy.vp_token["bank"][0].rsplit("~", 1)[1]).claims["nonce"]
    receipt = verify_receipt(state["receipt"], Exchange(at=AT, presentation=presentation_bytes(copy.vp_token), nonce=nonce), policy=policy)
    assert (receipt.decision, receipt.purpose_id) == ("accepted", "bank")


async def test_at_c03_3_a_copy_that_is_refused_has_a_receipt_too(template: Template, tmp_path: Path) -> None:
    """Where it proved to be its holder's; of anything else there is nobody to give one to."""
    async with serving(template, tmp_path / "desk", site=Site(lists={LIST: status_token({IDX: 1})})) as desk:
        copy = make_copy()
        state = await bring(desk, addressed.render_file(copy))
        policy = Policy(TrustAnchors(anchors=(parse_anchor(read_anchor(desk.desk), role=Role.RELYING_PARTY),)))
        nonce = parse_jwt(copy.vp_token["bank"][0].rsplit("~", 1)[1]).claims["nonce"]
        receipt = verify_receipt(
            state["receipt"], Exchange(at=AT, presentation=presentation_bytes(copy.vp_token), nonce=nonce), policy=policy
        )
        assert (receipt.decision, receipt.reason_code) == ("rejected", "revoked")
        assert (await bring(desk, copy_file(to="https://somebody.example")))["receipt"] is None


async def test_second_time_is_replayed_also_after_a_restart(template: Template, tmp_path: Path) -> None:
    data = copy_file()
    async with serving(template, tmp_path / "desk") as desk:
        assert (await bring(desk, data))["decision"] == "accepted"
        again = await bring(desk, data)
        assert (again["decision"], again["code"], again["verdict"]["credentials"]) == ("rejected", "replayed", [])
        assert parse_jwt(again["receipt"]).claims["reason_code"] == "replayed"
    async with serving(template, tmp_path / "desk") as desk:
        assert (await bring(desk, data))["code"] == "replayed"
        assert (await bring(desk, copy_file(seed="other")))["decision"] == "accepted"


async def test_undecided_copy_is_not_used_up_and_can_be_looked_at_again(template: Template, tmp_path: Path) -> None:
    other = "https://opg.example/status/2"
    async with serving(template, tmp_path / "desk", site=Site(lists={other: status_token(uri=other)})) as desk:
        data = copy_file()
        first = await bring(desk, data)
        assert (first["decision"], first["code"]) == ("undecided", "status_unknown")
        path = f"/api/presentation-requests/{first['id']}/recheck"
        assert (await desk.call("POST", path, {}))[0] == 409
        desk.site.lists[LIST] = status_token()
        await desk.call("POST", "/api/refresh")
        status, state = await desk.call("POST", path, {})
        assert (status, state["decision"]) == (200, "accepted")
        assert (await desk.call("POST", path, {}))[0] == 409
        assert (await bring(desk, data))["code"] == "replayed"


async def test_restrictions_are_judged_by_a_person(desk: Running) -> None:
    limited = CLAIMS | {"has_restrictions": True, "restrictions_text": "Not to sell Poplar Court while I live."}
    from support.desk import PATHS

    first = await bring(desk, copy_file(claims=limited, paths=(*PATHS, ("restrictions_text",))))
    assert first["code"] == "restrictions_to_read"
    path = f"/api/presentation-requests/{first['id']}/recheck"
    status, state = await desk.call("POST", path, {"use": {"restrictions_allow": True}})
    assert (status, state["decision"]) == (200, "accepted")


async def test_purposes_that_are_not_served_are_refused(template: Template, tmp_path: Path) -> None:
    async with serving(template, tmp_path / "desk", purposes=("council-tax",)) as desk:
        state = await bring(desk, copy_file())
        assert (state["decision"], state["code"], state["purpose_id"]) == ("rejected", "purpose_mismatch", "")
        status, problem = await desk.call("POST", "/api/presentation-requests", {"type": "representation", "query": "bank"})
        assert (status, problem["pointer"]) == (400, "/query")
        _, uses = await desk.call("GET", "/api/uses")
        assert [use["query"] for use in uses["items"]] == ["council-tax", "council-tax-together"]


# --- lists are fetched on a timer, never because of somebody ---------------------------------------------------------------------------


async def test_refill_independent_of_use(desk: Running) -> None:
    """What is fetched, and when, does not depend on what is shown (S21)."""
    before = list(desk.site.asked)
    for seed in ("a", "b"):
        await bring(desk, copy_file(seed=seed))
        await desk.answer(await desk.ask())
    assert desk.site.asked == before
    await visit(desk.app)
    assert desk.site.asked == before
    desk.clock.at += 30 * 60
    await visit(desk.app)
    assert desk.site.asked == before * 2


async def test_refresh_tells_what_it_did_not_get(desk: Running) -> None:
    desk.site.down = {LIST}
    status, told = await desk.call("POST", "/api/refresh")
    (issuer,) = told["issuers"]
    assert (status, issuer["entity"]) == (200, "https://opg.example")
    assert LIST in issuer["faults"][0]
    assert issuer["fetched_at"] is not None
    assert (await bring(desk, copy_file()))["decision"] == "accepted"  # the older list stays in use


async def test_junk_never_takes_the_place_of_a_good_list(desk: Running) -> None:
    from support.trial_verify import stranger

    for bad in (status_token(by=stranger(), iat=AT), status_token(iat=AT + 3600), "junk", status_token(uri=LIST + "0", iat=AT)):
        desk.site.lists[LIST] = bad
        _, told = await desk.call("POST", "/api/refresh")
        assert told["issuers"][0]["faults"]
        assert (await bring(desk, copy_file(seed=bad[-9:])))["decision"] == "accepted"
    desk.site.lists[LIST] = status_token({IDX: 1}, iat=AT - 7200)  # an older one never returns
    await desk.call("POST", "/api/refresh")
    assert (await bring(desk, copy_file(seed="last")))["decision"] == "accepted"


async def test_two_lists_of_one_second_are_believed_by_nobody(desk: Running) -> None:
    desk.site.lists[LIST] = status_token({5: 1})
    await desk.call("POST", "/api/refresh")
    state = await bring(desk, copy_file())
    assert (state["decision"], state["code"]) == ("undecided", "status_unknown")


async def test_one_issuer_that_is_down_does_not_stop_the_visit(desk: Running) -> None:
    desk.site.down = {"https://opg.example/.well-known/openid-credential-issuer"}
    _, told = await desk.call("POST", "/api/refresh")
    assert len(told["issuers"][0]["faults"]) == 1
    desk.clock.at += 31 * 60
    await visit(desk.app)


# --- what was shown is gone ------------------------------------------------------------------------------------------------------------

SECRETS = (b"Margaret", b"Ashdown", b"ZZ99 4CD", b"1938-11-02", b':"Nora"')


def on_disk(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(folder.iterdir()) if file.name.startswith("verifier.db"))


async def sealed(desk: Running, identifier: str) -> bytes | None:
    async def unit(tx: Tx) -> bytes | None:
        row = await tx.fetchrow("SELECT verdict FROM exchange WHERE id = $1", identifier)
        assert row is not None
        return None if row["verdict"] is None else bytes(row["verdict"])

    return await desk.desk.storage.read(unit)


async def test_trap_20_details_are_gone_from_files_wal_and_free_pages(template: Template, tmp_path: Path) -> None:
    folder = tmp_path / "desk"
    async with serving(template, folder) as desk:
        asked = await desk.ask()
        assert (await desk.answer(asked))[0] == 200
        copy = await bring(desk, copy_file())
        blobs = [await sealed(desk, asked["id"]), await sealed(desk, copy["id"])]
        assert all(blob is not None and blob in on_disk(folder) for blob in blobs)
        assert not any(secret in on_disk(folder) for secret in SECRETS)  # never in clear
        await one_round(desk.app)
        assert all(blob is not None and blob in on_disk(folder) for blob in blobs)
        desk.clock.at += 15 * 60
        state = await desk.state(asked)
        assert (state["state"], state["decision"], state["verdict"], state["receipt"]) == ("answered", "accepted", None, None)
        await one_round(desk.app)
        assert [await sealed(desk, asked["id"]), await sealed(desk, copy["id"])] == [None, None]
        rest = on_disk(folder)
        for blob in blobs:
            assert blob is not None
            assert not any(blob[start : start + 24] in rest for start in range(0, len(blob) - 24, 24))
        assert not any(secret in rest for secret in SECRETS)
        assert (await desk.call("GET", "/api/log"))[1]["size"] == 2
    assert not any(secret in on_disk(folder) for secret in SECRETS)


async def test_secrets_of_a_request_go_with_its_end(template: Template, tmp_path: Path) -> None:
    async with serving(template, tmp_path / "desk") as desk:
        asked = await desk.ask()
        desk.clock.at += 600
        await one_round(desk.app)

        async def unit(tx: Tx) -> Any:
            row = await tx.fetchrow("SELECT secrets FROM exchange WHERE id = $1", asked["id"])
            return None if row is None else row["secrets"]

        assert await desk.desk.storage.read(unit) is None
        desk.clock.at += DAY
        await one_round(desk.app)
        assert (await desk.call("GET", f"/api/presentation-requests/{asked['id']}"))[0] == 404


# --- the log ---------------------------------------------------------------------------------------------------------------------------


async def test_log_holds_names_and_is_tied_to_receipts(desk: Running) -> None:
    asked = await desk.ask()
    _, told = await desk.answer(asked)
    await bring(desk, copy_file(to="https://parking.example"))
    _, page = await desk.call("GET", "/api/log")
    assert page["size"] == 2
    newest, first = page["items"]
    assert first["entry"]["decision"] == "accepted"
    assert first["entry"]["claim_paths"] == sorted(first["entry"]["claim_paths"], key=first["entry"]["claim_paths"].index)
    assert set(first["entry"]["claim_paths"]) >= {"represented/given_name", "powers"}
    assert set(first["entry"]) >= {
        "receipt_id", "time", "intendedUseIdentifier", "vct", "claim_paths", "decision", "reason_code", "status_list_iat", "staff_role",
        "presentation_mac", "retain_until", "prev",
    }  # fmt: skip
    assert newest["entry"]["reason_code"] == "wrong_audience"
    assert not any(secret.decode() in json.dumps(page) for secret in SECRETS)
    head = parse_jwt(told["receipt"]).claims["log_head"]
    assert head["size"] == 1
    heads = (LogHead(size=1, digest=base64url.decode(head["digest"])), LogHead(size=2, digest=base64url.decode(page["head"])))
    assert await verify_decisions(desk.desk, heads) == heads[1]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE log_entry SET entry = replace(entry, 'accepted', 'rejected') WHERE n = 1",
        "UPDATE log_entry SET entry = NULL WHERE n = 1",
        "DELETE FROM log_entry WHERE n = 2",
        "UPDATE log_entry SET commitment = (SELECT commitment FROM log_entry WHERE n = 2) WHERE n = 1",
    ],
)
async def test_rewritten_log_is_noticed(desk: Running, change: str) -> None:
    for seed in ("one", "two"):
        await bring(desk, copy_file(seed=seed))
    await desk.desk.storage.write(lambda tx: tx.execute(change))
    with pytest.raises(HistoryRewritten):
        await verify_decisions(desk.desk)


async def test_log_rewritten_whole_is_noticed_by_whoever_kept_a_receipt(desk: Running) -> None:
    state = await bring(desk, copy_file())
    head = parse_jwt(state["receipt"]).claims["log_head"]

    async def start_over(tx: Tx) -> None:
        await tx.execute("DELETE FROM log_entry")
        await tx.execute("UPDATE log_head SET size = 0, digest = NULL")

    await desk.desk.storage.write(start_over)
    await bring(desk, copy_file(seed="other"))
    await verify_decisions(desk.desk)
    with pytest.raises(HistoryRewritten):
        await verify_decisions(desk.desk, [LogHead(size=head["size"], digest=base64url.decode(head["digest"]))])


async def test_log_lines_go_when_their_time_is_over_and_the_chain_holds(template: Template, tmp_path: Path) -> None:
    async with serving(template, tmp_path / "desk", log_days=1) as desk:
        await bring(desk, copy_file())
        desk.clock.at += DAY
        await one_round(desk.app)
        await bring(desk, copy_file(seed="later", at=desk.clock.at))
        _, page = await desk.call("GET", "/api/log")
        assert [line["entry"] is None for line in page["items"]] == [False, True]
        assert page["items"][1]["salt"] is None
        await verify_decisions(desk.desk)


async def test_same_answer_in_another_request_is_no_second_yes(desk: Running) -> None:
    """The replay store knows presentations by what the holder signed, whatever came around it (S9)."""
    asked = await desk.ask()
    request = await desk.read(asked)
    token = present(request, at=AT)
    await desk.post(asked, render_response(request, token))

    async def seen(tx: Tx) -> list[bytes]:
        return [bytes(row["key"]) for row in await tx.fetch("SELECT key FROM seen_presentation")]

    keys = await desk.desk.storage.read(seen)
    assert [len(key) for key in keys] == [32, 32]  # of the presentation, and of the holder key of the copy
    from hashlib import sha256

    signed = token["bank"][0].rsplit("~", 1)[1].rpartition(".")[0]
    assert sha256(signed.encode()).digest() not in keys  # only its keyed digest is on the disk
    assert desk.desk.entity == BANK
