"""A verification asks nobody anything: domain checks T-PH, and T-OA-2, 4 and 6 at whoever decides."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from support.desk import PATHS, Running, Site, Template, copy_file, make_copy, opened, refreshed, serving
from support.signing import AT
from support.trial_verify import DAY, LIST, issue, resign, status_token

from shared import addressed
from shared.credentials import all_types
from shared.jose.jws import parse_jws
from verifier.app import one_round, visit
from verifier.uses import Use, wants_of

ROOT = Path(__file__).resolve().parents[2]
COUNTS = ROOT / "tests" / "vectors" / "details-per-use.json"
CACHED = ("tests/verifier/test_check_offline.py", "tests/shared/ovp/test_ovp_vectors.py")


async def test_t_ph_1_everything_is_verified_from_caches_without_a_network() -> None:
    """The tests that verify from packs and vectors pass in a network namespace of their own, where not even loopback is up."""
    unshare = shutil.which("unshare")
    assert unshare is not None
    flag = "-n" if os.geteuid() == 0 else "-rn"
    program = (unshare, flag, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *CACHED)
    process = await asyncio.create_subprocess_exec(*program, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()[-3_000:]
    assert b" passed" in said


async def bring(desk: Running, data: bytes) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {desk.api_key}", "Content-Type": "application/json"}
    async with desk.http.post(f"{desk.base}/api/copies", data=data, headers=headers) as answer:
        assert answer.status == 201, await answer.text()
        return dict(await answer.json())


async def test_t_ph_2_a_verification_causes_no_request(desk: Running) -> None:
    """What is fetched on the timer is the same, in the same order, whoever showed what in between."""
    before = list(desk.site.asked)
    await desk.answer(await desk.ask())
    for seed in ("one", "two"):
        assert (await bring(desk, copy_file(seed=seed)))["decision"] == "accepted"
    await one_round(desk.app)
    assert desk.site.asked == before
    desk.clock.at += 3_600
    await visit(desk.app)
    fetched = desk.site.asked[len(before) :]
    assert sorted(set(fetched)) == sorted(set(before))
    assert not [url for url in fetched if "?" in url or "#" in url]


def test_t_ph_3_nothing_that_leads_to_the_issuer_differs_from_holder_to_holder() -> None:
    told = set()
    for number in range(40):
        jws = parse_jws(issue(seed=f"copy {number}").partition("~")[0])
        payload = json.loads(jws.payload)
        told.add((payload["vct"], payload["iss"], payload["status"]["status_list"]["uri"], tuple(jws.header["x5c"]), jws.header.get("kid")))
        assert set(payload["cnf"]) == {"jwk"}
        assert set(payload["cnf"]["jwk"]) == {"kty", "crv", "x", "y"}
    assert len(told) == 1


@pytest.mark.parametrize(
    "cnf",
    [{"jku": "https://opg.example/keys/nora", "kid": "1"}, {"kid": "https://opg.example/keys/nora"}, {"x5u": "https://opg.example/x"}],
)
async def test_t_ph_3_a_holders_key_that_lies_elsewhere_is_refused(desk: Running, cnf: dict[str, str]) -> None:
    fetched = list(desk.site.asked)
    status, _ = await desk.answer(asked := await desk.ask(), wire=resign(issue(), cnf=cnf))
    assert status in {200, 400}
    state = await desk.state(asked)
    assert state.get("decision") in {None, "rejected"}
    assert state.get("verdict", {}).get("credentials", []) == []
    assert desk.site.asked == fetched


async def test_t_ph_4_a_stapled_list_that_is_too_old_leaves_it_undecided(template: Template, tmp_path: Path) -> None:
    async with serving(template, tmp_path / "desk", site=Site(lists={}), max_status_hours=24) as desk:
        fetched = list(desk.site.asked)
        for days, decision in ((0, "accepted"), (3, "undecided")):
            staple = status_token(iat=AT - days * DAY - 60, exp=AT + 30 * DAY)
            state = await bring(desk, copy_file(seed=f"{days}", staples=(staple,)))
            assert (state["decision"], state.get("code", "")) in {("accepted", ""), ("accepted", None), ("undecided", "status_unknown")}
            assert state["decision"] == decision
        assert desk.site.asked == fetched


async def test_t_ph_5_the_description_of_an_unknown_kind_is_not_fetched(desk: Running) -> None:
    fetched = list(desk.site.asked)
    unknown = resign(issue(), vct="https://opg.example/types/unheard-of")
    state = await bring(desk, addressed.render_file(make_copy(wire=unknown)))
    assert state["decision"] == "rejected"
    status, _ = await desk.answer(asked := await desk.ask(), wire=unknown)
    assert status in {200, 400}
    assert (await desk.state(asked)).get("decision") in {None, "rejected"}
    assert desk.site.asked == fetched
    assert LIST in fetched


# --- over-asking, at whoever decides -----------------------------------------------------------------------------------------------------


async def test_t_oa_2_leaving_out_what_is_optional_does_not_change_the_decision(desk: Running) -> None:
    needed = [path for path in PATHS if path[0] == "represented" and path[-1] != "birthdate"] + [("powers", 0)]
    for paths in (needed, [*needed, ("represented", "birthdate")]):
        asked = await desk.ask(query="council-tax")
        await desk.answer(asked, paths=paths)
        assert (await desk.state(asked))["decision"] == "accepted"


async def test_t_oa_4_details_are_counted_per_decision(desk: Running) -> None:
    await desk.answer(await desk.ask())
    _, log = await desk.call("GET", "/api/log")
    (entry,) = [each for each in log["items"] if each.get("claim_paths") or each.get("entry", {}).get("claim_paths")]
    paths = entry.get("claim_paths") or entry["entry"]["claim_paths"]
    assert len(paths) >= len(PATHS)


def test_t_oa_4_no_use_asks_for_more_details_without_a_word_about_it() -> None:
    """The build fails if a ready question grows. Who means it writes the new number down, beside the changed registration."""
    known = json.loads(COUNTS.read_text(encoding="utf-8"))
    found = {
        f"{kind.id}/{query.id}": {
            "necessary": len(query.paths),
            "optional": len(query.optional),
            "groups": [*map(list, _groups(Use(kind, query)))],
        }
        for kind in all_types().values()
        for query in kind.queries
    }
    assert found == known


def _groups(use: Use) -> tuple[tuple[int, ...], tuple[int, ...]]:
    want = wants_of(use)
    return want.required, want.optional


@pytest.mark.parametrize("missing", PATHS, ids=str)
async def test_t_oa_6_without_any_one_detail_the_decision_fails(desk: Running, missing: Any) -> None:
    """A detail whose absence changes nothing should not have been asked for."""
    asked = await desk.ask()
    await desk.answer(asked, paths=[path for path in PATHS if path != missing])
    assert (await desk.state(asked))["decision"] != "accepted"


async def test_t_fc_2_a_copy_for_one_purpose_serves_no_other(template: Template, tmp_path: Path) -> None:
    """Replayed for another purpose it is ``purpose_mismatch``; the same answer to another request is refused as well."""
    async with opened(template, tmp_path / "desk", purposes=("bank",)) as desk:
        await refreshed(desk)
    async with serving(template, tmp_path / "desk", purposes=("bank",)) as desk:
        state = await bring(desk, copy_file(purpose="council-tax"))
        assert (state["decision"], state["code"]) == ("rejected", "purpose_mismatch")
        first, second = await desk.ask(), await desk.ask()
        old = await desk.read(first)
        status, _ = await desk.answer(second, binding={"nonce": old.nonce})
        assert status in {200, 400}
        assert (await desk.state(second)).get("decision") != "accepted"
