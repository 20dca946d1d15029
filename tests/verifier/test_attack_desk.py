"""What keys with fewer rights, and browsers that did not begin, must not get out of a desk."""

from __future__ import annotations

from pathlib import Path

from support.desk import Running, Site, Template, copy_file, serving
from support.trial_verify import LIST, status_token

from shared.clock import system_entropy
from shared.web import api_keys

OTHER = "https://opg.example/status/2"


async def key_for(desk: Running, *scopes: str) -> str:
    at = desk.clock()
    made = await desk.desk.storage.write(lambda tx: api_keys.create(tx, name="kiosk", scopes=scopes, at=at, entropy=system_entropy))
    return made.token


async def test_who_may_only_ask_does_not_read_by_looking_again(template: Template, tmp_path: Path) -> None:
    async with serving(template, tmp_path / "desk", site=Site(lists={OTHER: status_token(uri=OTHER)})) as desk:
        async with desk.http.post(
            desk.base + "/api/copies",
            data=copy_file(),
            headers={"Authorization": f"Bearer {desk.api_key}", "Content-Type": "application/json"},
        ) as answer:
            first = await answer.json()
        assert first["code"] == "status_unknown"
        desk.site.lists[LIST] = status_token()
        await desk.call("POST", "/api/refresh")
        path = f"/api/presentation-requests/{first['id']}/recheck"
        status, told = await desk.call("POST", path, {}, key=await key_for(desk, "requests:create"))
        assert (status, told["code"]) == (403, "insufficient_scope")
        assert "Margaret" not in str(told)
        status, told = await desk.call("POST", path, {}, key=await key_for(desk, "requests:create", "requests:read"))
        assert (status, told["decision"]) == (200, "accepted")


async def test_looking_again_needs_the_number_that_the_browser_came_back_with(template: Template, tmp_path: Path) -> None:
    async with serving(template, tmp_path / "desk", site=Site(lists={OTHER: status_token(uri=OTHER)})) as desk:
        asked = await desk.ask(redirect_uri="https://bank.example/done")
        status, told = await desk.answer(asked)
        assert status == 200
        code = told["redirect_uri"].partition("response_code=")[2]
        desk.site.lists[LIST] = status_token()
        await desk.call("POST", "/api/refresh")
        path = f"/api/presentation-requests/{asked['id']}/recheck"
        for wrong in ({}, {"response_code": "guess"}):
            status, problem = await desk.call("POST", path, wrong)
            assert (status, problem["pointer"]) == (400, "response_code")
        status, state = await desk.call("POST", path, {"response_code": code})
        assert (status, state["decision"]) == (200, "accepted")
