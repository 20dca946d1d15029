"""An office as superior: what it publishes of those below it, and what others read in it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from support.registry import URL, Registry, Template, serving
from support.superior import ANA, BEN, COURT, SAYS, Below, asked, enrolled, pin

from issuer.app import one_round
from issuer.federation import enrol, publish
from issuer.federation.terms import Terms
from shared.clock import DAY
from shared.codec import strict_json
from shared.errors import Forbidden
from shared.jose.jws import parse_jws, verify_jws
from shared.keys import Role
from shared.trust.artefact import ENTITY_STATEMENT, TRUST_MARK
from shared.trust.chain import verify_trust_chain
from shared.trust.publication import parse_federation_publication
from shared.trust.snapshot import verify_snapshot_of
from shared.trust.statements import parse_statement
from shared.trust.trust_marks import parse_trust_mark

MARK = "https://justice.example/marks/inspected"


@pytest.fixture
async def ministry(template: Template, tmp_path: Path, storage_uri: str) -> AsyncIterator[Registry]:
    async with serving(template, tmp_path / "ministry", storage=storage_uri, superior=True) as running:
        await one_round(running.app)
        yield running


async def test_it_is_all_published_as_one_numbered_whole(ministry: Registry) -> None:
    body = Below()
    await enrolled(ministry, body, replace(SAYS, trust_marks=(MARK,)))
    answer = await ministry.get("/federation/trust")
    assert (answer.status, answer.content_type) == (200, "application/json")
    told, anchor = parse_federation_publication(await answer.read()), await pin(ministry)
    verify_snapshot_of(told.snapshot, URL, [each.public for each in anchor.keys], seen=None, at=ministry.clock())
    statements = [parse_statement(each.decode()) for each in told.of(ENTITY_STATEMENT)]
    assert [(each.iss, each.sub) for each in statements] == [(URL, URL), (URL, COURT), (COURT, COURT)]
    (mark,) = [parse_trust_mark(each.decode()) for each in told.of(TRUST_MARK)]
    assert (mark.sub, mark.trust_mark_type, mark.exp - mark.iat) == (COURT, MARK, 14 * DAY)
    assert {(each.entity, each.role) for each in told.snapshot.keys.values()} == {
        (URL, Role.FEDERATION),
        (COURT, Role.FEDERATION),
        (COURT, Role.CREDENTIAL_ISSUER),
    }
    own = statements[0].metadata["federation_entity"]
    assert own["muniment_trust_endpoint"] == f"{URL}/federation/trust"
    first = await publish.publish(ministry.office)
    assert (await publish.publish(ministry.office)).seq == first.seq
    ministry.clock.at += DAY
    assert (await publish.publish(ministry.office)).seq == first.seq + 1


async def test_ten_processes_that_publish_at_once_publish_one_number(ministry: Registry) -> None:
    await enrolled(ministry, Below())
    ministry.clock.at += DAY
    made = await asyncio.gather(*(publish.publish(ministry.office) for _ in range(10)))
    assert len({(each.seq, each.document) for each in made}) == 1


async def test_marks_are_renewed_withdrawn_and_told(ministry: Registry) -> None:
    office, body = ministry.office, Below()
    found = await enrolled(ministry, body, replace(SAYS, trust_marks=(MARK,)))
    status, kind, first = await asked(ministry, "/federation/trust-mark", sub=COURT, trust_mark_type=MARK)
    assert (status, kind) == (200, "application/trust-mark+jwt")
    assert await told(ministry, first) == "active"
    assert json.loads((await asked(ministry, "/federation/trust-marked", trust_mark_type=MARK))[2]) == [COURT]
    ministry.clock.at += 8 * DAY
    await publish.publish(office)
    second = (await asked(ministry, "/federation/trust-mark", sub=COURT, trust_mark_type=MARK))[2]
    assert second != first
    assert (await told(ministry, first), await told(ministry, second)) == ("active", "active")
    wanted = await enrol.propose(office, COURT, SAYS, ANA, version=found.version)
    await enrol.approve(office, COURT, BEN, version=wanted.version)
    await publish.publish(office)
    assert (await told(ministry, first), await told(ministry, second)) == ("revoked", "revoked")
    assert (await asked(ministry, "/federation/trust-mark", sub=COURT, trust_mark_type=MARK))[0] == 404
    answer = await ministry.http.post(f"{ministry.base}/federation/trust-mark-status", data={"trust_mark": first[:-8] + "AAAAAAAA"})
    assert (answer.status, (await answer.json())["error"]) == (404, "not_found")


async def told(registry: Registry, mark: str) -> str:
    answer = await registry.http.post(f"{registry.base}/federation/trust-mark-status", data={"trust_mark": mark})
    assert (answer.status, answer.content_type) == (200, "application/trust-mark-status-response+jwt")
    claims = await signed(registry, await answer.text(), "trust-mark-status-response+jwt")
    assert claims["trust_mark"] == mark
    return str(claims["status"])


async def signed(registry: Registry, token: str, typ: str) -> dict[str, Any]:
    """The claims, by the pinned key under its name."""
    jws, (key,) = parse_jws(token), (await pin(registry)).keys
    verify_jws(jws, key.public, typ=typ)
    assert jws.header["kid"] == key.kid
    return strict_json.load_object(jws.payload)


async def test_the_list_is_filtered_as_the_specification_has_it(ministry: Registry) -> None:
    await enrolled(ministry, Below(), replace(SAYS, trust_marks=(MARK,)))
    bank = Below("https://bank.example", metadata={"openid_credential_verifier": {}})
    await enrolled(ministry, bank, Terms(), name="Bank")

    async def listed(**query: str) -> Any:
        status, kind, text = await asked(ministry, "/federation/list", **query)
        assert (status, kind) == (200, "application/json")
        return json.loads(text)

    assert await listed() == [bank.entity, COURT]
    assert await listed(entity_type="openid_credential_verifier") == [bank.entity]
    assert await listed(trust_marked="true") == await listed(trust_mark_type=MARK) == [COURT]
    assert await listed(intermediate="true") == []
    assert await listed(intermediate="false", unknown="ignored") == [bank.entity, COURT]
    answer = await ministry.get("/federation/list?entity_type=openid_credential_issuer&entity_type=federation_entity")
    assert await answer.json() == [COURT]


async def test_it_resolves_who_is_right_below_it(ministry: Registry) -> None:
    body = Below()
    await enrolled(ministry, body, replace(SAYS, trust_marks=(MARK,), policy={"openid_credential_issuer": {"contact": {"value": "x"}}}))
    status, kind, token = await asked(ministry, "/federation/resolve", sub=COURT, trust_anchor=URL)
    assert (status, kind) == (200, "application/resolve-response+jwt")
    claims = await signed(ministry, token, "resolve-response+jwt")
    assert claims["metadata"]["openid_credential_issuer"]["contact"] == "x"
    chain = verify_trust_chain(claims["trust_chain"], [await pin(ministry)], at=ministry.clock())
    assert claims["exp"] == min(chain.exp, parse_trust_mark(claims["trust_marks"][0]["trust_mark"]).exp)
    assert (await asked(ministry, "/federation/resolve", sub=COURT, trust_anchor=URL))[2] == token
    part = await signed(
        ministry, (await asked(ministry, "/federation/resolve", sub=COURT, trust_anchor=URL, entity_type="openid_provider"))[2],
        "resolve-response+jwt",
    )  # fmt: skip
    assert part["metadata"] == {}
    own = await signed(ministry, (await asked(ministry, "/federation/resolve", sub=URL, trust_anchor=URL))[2], "resolve-response+jwt")
    assert len(own["trust_chain"]) == 1
    status, _, text = await asked(ministry, "/federation/resolve", sub=COURT, trust_anchor="https://other.example")
    assert (status, json.loads(text)["error"]) == (404, "invalid_trust_anchor")
    ministry.clock.at += 2 * DAY  # what the body said of itself has run out
    status, _, text = await asked(ministry, "/federation/resolve", sub=COURT, trust_anchor=URL)
    assert (status, json.loads(text)["error"]) == (400, "invalid_trust_chain")


async def test_keys_of_its_own_that_ended_stay_known(ministry: Registry) -> None:
    answer = await ministry.get("/federation/historical-keys")
    assert (answer.status, answer.content_type) == (200, "application/jwk-set+jwt")
    claims = await signed(ministry, await answer.text(), "jwk-set+jwt")
    assert (claims["iss"], claims["keys"]) == (URL, [])


RUBBISH = (
    ("/federation/fetch", 400, "invalid_request"),
    ("/federation/fetch?sub=", 400, "invalid_request"),
    ("/federation/fetch?sub=a&sub=b", 400, "invalid_request"),
    (f"/federation/fetch?{urlencode({'sub': URL})}", 400, "invalid_request"),
    ("/federation/fetch?sub=%00", 400, "invalid_request"),
    ("/federation/fetch?sub=%ff", 404, "not_found"),
    (f"/federation/fetch?sub={'a' * 7_000}", 404, "not_found"),
    ("/federation/list?intermediate=perhaps", 400, "invalid_request"),
    ("/federation/list?trust_marked=true&trust_marked=true", 400, "invalid_request"),
    ("/federation/resolve?sub=x", 400, "invalid_request"),
    (f"/federation/resolve?{urlencode({'sub': 'https://x.example', 'trust_anchor': URL})}", 404, "not_found"),
    ("/federation/trust-mark?sub=x", 400, "invalid_request"),
    ("/federation/trust-mark?sub=x&trust_mark_type=y", 404, "not_found"),
    ("/federation/trust-marked", 400, "invalid_request"),
)


async def test_rubbish_is_answered_in_the_codes_of_the_specification(ministry: Registry) -> None:
    for path, status, code in RUBBISH:
        answer = await ministry.get(path)
        assert (answer.status, answer.content_type) == (status, "application/json"), path
        assert (await answer.json())["error"] == code
    for body in (b"", b"trust_mark=x", b"trust_mark=" + b"a" * 200_000, b"\xff\xfe", b"a=1&a=2", b"trust_mark=a.b.c"):
        for path in ("/federation/trust-mark-status", "/federation/join"):
            answer = await ministry.http.post(ministry.base + path, data=body)
            assert answer.status in {400, 404, 413}, path
            assert "error" in await answer.json()


async def test_an_office_that_is_no_superior_answers_nothing_of_the_kind(template: Template, tmp_path: Path) -> None:
    async with serving(template, tmp_path / "office") as office:
        for path in ("/federation/fetch?sub=x", "/federation/list", "/federation/trust"):
            assert (await office.get(path)).status == 404
        with pytest.raises(Forbidden, match="superior"):
            enrol.check_superior(office.office)
