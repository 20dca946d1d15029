"""What the desk keeps of lists that come in two forms."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import pytest
from support.desk import PATHS, Site, Template, opened, refreshed, serving
from support.signing import AT
from support.trial_verify import ISSUER, LIST, credential_type, issue, show, status_cwt, status_token

from shared.formats import StatusReference
from shared.openid4vp import render_response
from shared.status import token_status_list as tsl
from shared.status.token_status_list import parse_token
from verifier.records import knowledge

OTHER = LIST + "/2"


class CborAlone(Site):
    """``cwt`` are lists that have no other form, as those of mdocs."""

    def pages(self) -> dict[str, bytes]:
        known = json.dumps({"status_lists": [*self.lists, *self.cwt]}).encode()
        return super().pages() | self.cwt | {f"{ISSUER}/lists": known}


async def test_both_forms_of_one_version_teach_one_thing(template: Template, tmp_path: Path) -> None:
    site = Site(lists={LIST: status_token(iat=AT - 60)}, cwt={LIST: status_cwt(iat=AT - 60)})
    async with opened(template, tmp_path / "desk") as desk:
        await refreshed(desk, site)
        memory = await desk.storage.read(knowledge.memory)
        assert (memory.lists[ISSUER, LIST].iat, memory.equivocations) == (AT - 60, {})
        assert await desk.storage.read(lambda tx: knowledge.cwt(tx, LIST, AT - 60)) == site.cwt[LIST]
        [visit] = await desk.storage.read(knowledge.visits)
        assert visit.faults == ()


async def test_a_lie_in_the_other_form_is_kept_as_evidence(template: Template, tmp_path: Path) -> None:
    site = Site(lists={LIST: status_token(iat=AT - 60)}, cwt={LIST: status_cwt({1: 1}, iat=AT - 60)})
    async with opened(template, tmp_path / "desk") as desk:
        await refreshed(desk, site)
        memory = await desk.storage.read(knowledge.memory)
        proof = memory.equivocations[ISSUER, LIST, AT - 60]
        assert proof.tokens == {site.lists[LIST], parse_token(site.cwt[LIST]).text}


async def test_a_list_that_cannot_be_unpacked_teaches_nothing(template: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither does it keep the other lists from being kept."""
    monkeypatch.setattr(tsl.StatusList, "compressed", lambda _self: zlib.compress(bytes(100_000_000), 9))
    bomb = status_token(uri=OTHER, iat=AT - 60)
    monkeypatch.undo()
    async with opened(template, tmp_path / "desk") as desk:
        await refreshed(desk, Site(lists={LIST: status_token(iat=AT - 60), OTHER: bomb}))
        memory = await desk.storage.read(knowledge.memory)
        assert set(memory.lists) == {(ISSUER, LIST)}
        assert [each.uri for each in await desk.storage.read(knowledge.lists)] == [LIST]
        [visit] = await desk.storage.read(knowledge.visits)
        assert [OTHER in fault for fault in visit.faults] == [True]


@pytest.mark.parametrize(
    ("value", "decision", "code"), [(0, "accepted", ""), (1, "rejected", "revoked"), (None, "undecided", "status_unknown")]
)
async def test_an_mdoc_is_judged_by_its_list_in_cbor_alone(
    template: Template, tmp_path: Path, value: int | None, decision: str, code: str
) -> None:
    """Its list of one bit has no other form; without it nothing is known, whatever the other list says."""
    lists = {} if value is None else {OTHER: status_cwt({7: value} if value else None, uri=OTHER, bits=1)}
    site, kind = CborAlone(cwt=lists), credential_type()
    elements = [*((kind.doctype, claim.mdoc_element) for claim in kind.claims if claim.path in PATHS), (kind.doctype, "powers")]
    wire = issue("mso_mdoc", seed="cbor", status=StatusReference(uri=OTHER, idx=7))
    async with serving(template, tmp_path / "desk", site=site) as desk:
        assert {each.uri for each in await desk.desk.storage.read(knowledge.lists)} == {LIST, *lists}
        asked = await desk.ask(format="mso_mdoc")
        request = await desk.read(asked)
        shown = show(wire, format_name="mso_mdoc", paths=elements, binding=request.binding(), at=AT)
        await desk.post(asked, render_response(request, {request.query.credentials[0].id: [shown]}))
        state = await desk.state(asked)
        assert (state["decision"], state["code"]) == (decision, code)
