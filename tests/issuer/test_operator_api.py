from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from support.registry import LPA_1, Registry, Template, collect, serving

from shared.clock import system_entropy
from shared.credentials import all_types
from shared.web import api_keys


async def key_with(registry: Registry, *scopes: str) -> str:
    at = registry.clock()
    made = await registry.office.storage.write(lambda tx: api_keys.create(tx, name="test", scopes=scopes, at=at, entropy=system_entropy))
    return made.token


async def post(registry: Registry, body: Any, *, once: str | None = "once", raw: bytes | None = None, **more: Any) -> tuple[int, Any]:
    headers = {} if once is None else {"Idempotency-Key": once}
    if raw is None:
        return await registry.call("POST", "/api/credentials", body, headers=headers, **more)
    sent = headers | {"Authorization": f"Bearer {registry.api_key}", "Content-Type": "application/json"}
    async with registry.http.post(registry.base + "/api/credentials", data=raw, headers=sent) as answer:
        return answer.status, await answer.json()


ORDER = {"type": "representation", "claims": LPA_1, "reference": "M-7890"}


async def test_keys_and_scopes(registry: Registry) -> None:
    reader, maker = await key_with(registry, "credentials:read"), await key_with(registry, "credentials:create")
    assert (await post(registry, ORDER, key=reader))[0] == 403
    status, made = await post(registry, ORDER, key=maker)
    assert status == 201
    path = f"/api/credentials/{made['id']}"
    assert (await registry.call("GET", path, key=reader))[0] == 200
    assert (await registry.call("GET", path, key=maker))[1]["code"] == "insufficient_scope"
    assert (await registry.call("POST", f"{path}/cancel", {"reason": "donor-died"}, key=reader))[0] == 403
    for key in ("", "mun_nothing", f"{reader}x"):
        assert (await registry.call("GET", path, key=key))[0] == 401
    keys = await registry.office.storage.read(api_keys.all_keys)
    at = registry.clock()
    (number,) = [line.id for line in keys if line.scopes == "credentials:read"]
    await registry.office.storage.write(lambda tx: api_keys.revoke(tx, number, at=at))
    assert (await registry.call("GET", path, key=reader))[0] == 401


async def test_same_key_same_answer(registry: Registry) -> None:
    status, first = await post(registry, ORDER)
    assert status == 201
    for _ in range(3):
        assert await post(registry, ORDER) == (201, first)
    assert await post(registry, {name: ORDER[name] for name in reversed(ORDER)}) == (201, first)
    status, problem = await post(registry, ORDER | {"reference": "another"})
    assert (status, problem["code"], problem["pointer"]) == (409, "conflict", "Idempotency-Key")
    other_caller = await key_with(registry, "credentials:create")
    status, second = await post(registry, ORDER, key=other_caller)
    assert (status, second["id"] != first["id"]) == (201, True)
    assert (await registry.call("GET", "/api/credentials"))[1]["total"] == 2
    registry.clock.at += 25 * 3600
    from issuer.app import one_round

    await one_round(registry.app)
    assert (await post(registry, ORDER))[1]["id"] != first["id"]


async def test_fifty_repetitions_at_once_make_one_document(registry: Registry) -> None:
    answers = await asyncio.gather(*(post(registry, ORDER) for _ in range(50)))
    assert {status for status, _ in answers} == {201}
    assert len({made["id"] for _, made in answers}) == 1
    assert (await registry.call("GET", "/api/credentials"))[1]["total"] == 1


async def test_idempotency_key_is_demanded(registry: Registry) -> None:
    status, problem = await post(registry, ORDER, once=None)
    assert (status, "Idempotency-Key" in problem["detail"]) == (400, True)
    assert (await post(registry, ORDER, once="x" * 201))[0] == 400


def changed(**changes: Any) -> dict[str, Any]:
    return ORDER | {"claims": {name: value for name, value in (LPA_1 | changes).items() if value is not None}}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (changed(decision_rule="by lot"), "/claims/decision_rule"),
        (changed(decision_rule=None), "/claims/decision_rule"),
        (changed(nonsense=1), "/claims/nonsense"),
        (changed(powers=["council-tax", "flying"]), "/claims/powers/1"),
        (changed(powers="council-tax"), "/claims/powers"),
        (changed(powers=[]), "/claims/powers"),
        (changed(powers=["health-decisions"]), "/claims/powers/0"),
        (changed(represented={**LPA_1["represented"], "birthdate": "1938-02-30"}), "/claims/represented/birthdate"),
        (changed(represented={**LPA_1["represented"], "birthdate": 1938}), "/claims/represented/birthdate"),
        (changed(represented={"given_name": "Margaret"}), "/claims/represented/family_name"),
        (changed(has_restrictions="no"), "/claims/has_restrictions"),
        (changed(has_restrictions=True), "/claims/restrictions_text"),
        (changed(decision_rule="jointly"), "/claims/cardinality"),
        (changed(register_entry="x" * 300), "/claims/register_entry"),
        (changed(**{"a/b~c": 1}), "/claims/a~1b~0c"),
        (ORDER | {"type": "unknown"}, "/type"),
        (ORDER | {"extra": 1}, "/extra"),
        (ORDER | {"claims": []}, "/claims"),
        (ORDER | {"reference": ""}, "/reference"),
        (ORDER | {"reference": "x" * 201}, "/reference"),
        (ORDER | {"valid_until": "2027-02-30"}, "/valid_until"),
        (ORDER | {"valid_until": "2026-01-01"}, "/valid_until"),
        ({"claims": LPA_1}, "/type"),
        ([], ""),
    ],
)
async def test_every_error_points(registry: Registry, body: Any, pointer: str) -> None:
    status, problem = await post(registry, body)
    assert (status, problem["pointer"]) == (400, pointer), problem
    assert problem["type"].endswith(f"/errors#{problem['code']}")
    assert "Margaret" not in str(problem)
    assert (await registry.call("GET", "/api/credentials"))[1]["total"] == 0


async def test_raw_bodies(registry: Registry) -> None:
    for raw, status in (
        (b'{"type": "a", "type": "representation", "claims": {}}', 400),
        (b'{"type": "representation", "claims": {"powers": [], "powers": ["banking"]}}', 400),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b'{"a":' * 40 + b"1" + b"}" * 40, 413),
    ):
        assert (await post(registry, None, raw=raw))[0] == status
    async with registry.http.post(
        registry.base + "/api/credentials", data=b"a=b", headers={"Authorization": f"Bearer {registry.api_key}", "Idempotency-Key": "x"}
    ) as answer:
        assert answer.status == 415


async def test_oversized_body(template: Template, tmp_path: Path) -> None:
    async with serving(template, tmp_path / "registry", max_body=20_000) as registry:
        wide = {"references": ["x" * 200] * 150, "action": "cancel", "reason": "donor-died"}
        status, problem = await registry.call("POST", "/api/status-changes", wide)
        assert (status, problem["code"]) == (413, "too_large")
        assert (await post(registry, ORDER))[0] == 201


async def test_found_by_reference(registry: Registry) -> None:
    _, made = await post(registry, ORDER)
    await registry.make(reference="other")
    for asked in ("M-7890", "m-7890", " M -7890 "):
        _, found = await registry.call("GET", f"/api/credentials?reference={asked.replace(' ', '%20')}")
        assert [item["id"] for item in found["items"]] == [made["id"]]
    assert (await registry.call("GET", "/api/credentials?reference=M-789"))[1]["items"] == []
    assert (await registry.call("GET", "/api/credentials?reference=a&reference=b"))[0] == 400
    assert (await registry.call("GET", "/api/credentials?limit=1&offset=1"))[1]["total"] == 2
    assert (await registry.call("GET", "/api/credentials?limit=0"))[0] == 400
    dashed = "-".join(made["id"][start : start + 4] for start in range(0, 16, 4)).lower()
    assert (await registry.call("GET", f"/api/credentials/{dashed}"))[1]["id"] == made["id"]
    for number in ("nothing", "0" * 16, "é" * 16):
        assert (await registry.call("GET", f"/api/credentials/{number}"))[0] == 404


async def test_both_ways_of_inviting(registry: Registry) -> None:
    from shared.openid4vci import CredentialOffer, OfferReference, parse_offer_link, render_offer

    _, made = await post(registry, ORDER)
    for name in ("invitation_link", "offer_uri"):
        assert isinstance(parse_offer_link(made[name]), OfferReference)
        offer = parse_offer_link(made[f"{name}_by_value"])
        assert isinstance(offer, CredentialOffer)
        assert render_offer(offer) == made["offer"]
    assert made["offer_uri"].startswith("openid-credential-offer://?credential_offer_uri=")
    assert made["offer"]["credential_configuration_ids"] == list(registry.office.configurations_of("representation"))
    from shared.codec import qr

    picture = await (await registry.get(made["offer_qr_png"].removeprefix(registry.url))).read()
    assert qr.read(picture) == [made["invitation_link"]]
    assert (await (await registry.get(made["offer_qr"].removeprefix(registry.url))).text()).startswith("<svg")


async def test_last_day(registry: Registry) -> None:
    from shared.formats import formats

    made = await registry.make(valid_until="2027-01-20")
    assert made["expires_at"] == "2027-01-21T00:00:00Z"
    holder = await collect(registry, made)
    wire = (await holder.copies(1)).credentials[0]
    assert formats()["dc+sd-jwt"].parse(wire).payload["exp"] == 1_800_489_600  # midnight after the last day
    assert (await registry.call("GET", f"/api/credentials/{made['id']}"))[1]["valid_until"] == "2027-01-20"


async def test_document_and_page(registry: Registry) -> None:
    described = await (await registry.get("/api/openapi.json")).json()
    assert described["openapi"] == "3.1.0"
    assert set(described["paths"]) == {
        "/api/credentials",
        "/api/credentials/{id}",
        "/api/credentials/{id}/invitation",
        "/api/credentials/{id}/correction",
        "/api/credentials/{id}/donor",
        "/api/credentials/{id}/cancel",
        "/api/credentials/{id}/hold",
        "/api/credentials/{id}/reinstate",
        "/api/credentials/{id}/lost",
        "/api/events",
        "/api/register-words",
        "/api/status-changes",
        "/api/types",
    }
    assert (await registry.get("/api/docs")).status == 200
    _, types = await registry.call("GET", "/api/types")
    assert sorted(each["id"] for each in types["items"]) == sorted(each.id for each in all_types().values())
    assert types["items"][0]["schema"]["$schema"] == "https://json-schema.org/draft/2020-12/schema"


async def test_sessions_do_not_open_the_api(registry: Registry) -> None:
    """The API knows keys only: a page of another site cannot use an operator's cookie for it."""
    async with registry.http.post(
        registry.base + "/console/sign-in", data={"name": "Iris Admin", "passphrase": registry.passphrase, "next": ""}
    ) as answer:
        assert answer.status == 200
    async with registry.http.get(registry.base + "/api/credentials") as answer:
        assert answer.status == 401
