"""Status lists in both forms, what is said of single copies, and lists that follow their changes; on each database."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.registry import NOON, URL, Registry, Template, collect, serving

from issuer import publish
from issuer.app import LISTS, one_round
from issuer.assertions import MAX_INDICES, RATE
from issuer.publish import StatusLists
from issuer.records import statuses
from shared.clock import DAY
from shared.codec import base64url
from shared.formats import formats
from shared.status.assertion import VerifiedAssertion, parse_assertion, verify_assertion
from shared.status.deflated import Deflated
from shared.status.token_status_list import StatusToken, VerifiedStatusToken, parse_token, verify_token
from shared.x509 import load_certificate

CWT, JWT = "application/statuslist+cwt", "application/statuslist+jwt"


@pytest.fixture
async def registry(template: Template, tmp_path: Path, storage_uri: str) -> AsyncIterator[Registry]:
    async with serving(template, tmp_path / "registry", storage=storage_uri) as running:
        yield running


async def fetched(registry: Registry, accept: str, number: int = 1) -> StatusToken:
    answer = await registry.get(f"/status/{number}", Accept=accept)
    assert answer.status == 200, await answer.text()
    assert answer.headers["Content-Type"] == accept
    return parse_token(await answer.read())


async def listed(registry: Registry, accept: str = CWT) -> VerifiedStatusToken:
    key = load_certificate(registry.office.signer.x5c[0]).public
    return verify_token(await fetched(registry, accept), uri=f"{URL}/status/1", key=key, at=registry.clock())


async def collected(registry: Registry, count: int = 5) -> tuple[dict[str, Any], list[int]]:
    made = await registry.make()
    wires = (await (await collect(registry, made)).copies(count)).credentials
    return made, [reference.idx for wire in wires if (reference := formats()["dc+sd-jwt"].parse(wire).status) is not None]


async def change(registry: Registry, made: dict[str, Any], action: str) -> None:
    reason = {"cancel": "donor-died", "hold": "investigation", "reinstate": "investigation-closed"}[action]
    status, _ = await registry.call("POST", f"/api/credentials/{made['id']}/{action}", {"reason": reason})
    assert status == 200


async def entries(registry: Registry) -> dict[int, int]:
    """What the database says, which the list has to say too."""
    rows = await registry.office.storage.read(lambda tx: tx.fetch("SELECT idx, value FROM status_entry WHERE value <> 0"))
    return {int(row["idx"]): int(row["value"]) for row in rows}


def values(token: VerifiedStatusToken) -> dict[int, int]:
    return {index: value for index in range(token.statuses.size) if (value := token.statuses.get(index))}


# --- both forms -------------------------------------------------------------------------------------------------------------------------


async def test_both_forms_of_one_moment_say_the_same(registry: Registry) -> None:
    made, mine = await collected(registry)
    cwt = await listed(registry, CWT)
    for action in ("hold", "reinstate", "cancel"):
        await change(registry, made, action)
        cwt, jwt = await listed(registry, CWT), await listed(registry, JWT)
        assert (cwt.iat, cwt.exp, cwt.ttl, cwt.bits, cwt.compressed) == (jwt.iat, jwt.exp, jwt.ttl, jwt.bits, jwt.compressed)
        assert cwt.said == jwt.said
        assert values(cwt) == await entries(registry)
    assert {index for index in mine if cwt.statuses.get(index) == 1} == set(mine)


async def test_the_form_follows_from_what_is_accepted(registry: Registry) -> None:
    wanted = {
        "": JWT,
        "*/*": JWT,
        "application/*": JWT,
        JWT: JWT,
        CWT: CWT,
        f"{CWT}, {JWT}": JWT,
        f"{CWT}, {JWT};q=0.5": CWT,
        f"{CWT};q=0.9, */*;q=0.1": CWT,
        f"{JWT};q=0, */*": CWT,
        f"{CWT}; q=high, {JWT};q=0.2": CWT,
        f"TEXT/HTML, {CWT.upper()}": CWT,
    }
    for accept, form in wanted.items():
        answer = await registry.get("/status/1", **({"Accept": accept} if accept else {}))
        assert (answer.status, answer.headers["Content-Type"]) == (200, form), accept
        assert answer.headers["Vary"] == "Accept, Accept-Encoding"
    for accept in ("text/html", f"{CWT};q=0", "application/jwt, image/*"):
        assert (await registry.get("/status/1", Accept=accept)).status == 406


async def test_each_form_has_its_tag_and_the_text_is_packed(registry: Registry) -> None:
    tags = set()
    for accept in (JWT, CWT):
        for coding in ("gzip", "identity"):
            answer = await registry.get("/status/1", **{"Accept": accept, "Accept-Encoding": coding})
            assert (answer.headers.get("Content-Encoding") == "gzip") is (accept == JWT and coding == "gzip")
            tags.add(answer.headers["ETag"])
            same = await registry.get(
                "/status/1", **{"Accept": accept, "Accept-Encoding": coding, "If-None-Match": f'"x", {answer.headers["ETag"]}'}
            )
            assert (same.status, await same.read()) == (304, b"")
    assert len(tags) == 3
    other = await registry.get("/status/1", **{"Accept": CWT, "If-None-Match": ", ".join(sorted(tags))})
    assert other.status == 304


async def test_lists_from_before_get_their_other_form(registry: Registry) -> None:
    before = (await listed(registry, JWT)).iat
    await registry.office.storage.write(lambda tx: tx.execute("UPDATE status_list SET cwt = NULL"))
    cwt, jwt = await listed(registry, CWT), await listed(registry, JWT)
    assert cwt.said == jwt.said
    assert (cwt.iat, jwt.iat) == (before + 1, before + 1)


# --- lists that follow their changes ----------------------------------------------------------------------------------------------------


async def test_only_changes_are_read_and_written_anew(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    made, _ = await collected(registry)
    await change(registry, made, "hold")  # whoever published the list before, this process follows it from here on
    await listed(registry)
    compressed: list[int] = []

    def deflated(data: bytearray) -> Deflated:
        if len(data) == 2**15:  # not the list for mdocs, which the clock may publish for the first time meanwhile
            compressed.append(len(data))
        return Deflated(data)

    monkeypatch.setattr(publish, "Deflated", deflated)
    for action in ("reinstate", "hold", "cancel"):
        await change(registry, made, action)
        assert values(await listed(registry)) == await entries(registry)
    assert compressed == []
    again = StatusLists(registry.office)  # as after a start, or after kill -9: nothing but the database
    registry.clock.at += 3700
    publication = await again.get(1, CWT)
    assert compressed == [2**15]
    assert parse_token(publication.body).iat == registry.clock.at
    assert values(await listed(registry)) == await entries(registry)


async def test_two_processes_follow_each_other(template: Template, tmp_path: Path, storage_uri: str) -> None:
    """Each publishes in turn from its own memory; both always tell what the database says, in both forms."""
    async with (
        serving(template, tmp_path / "one", storage=storage_uri) as one,
        serving(template, tmp_path / "two", storage=storage_uri, join=True) as two,
    ):
        two.api_key = one.api_key
        await listed(one)
        await listed(two)
        for step, action in enumerate(("hold", "reinstate", "hold", "cancel")):
            made, _ = await collected(one, 2)
            writer, publisher, other = (one, two, one) if step % 2 else (two, one, two)
            await change(writer, made, "hold" if action == "reinstate" else action)
            if action == "reinstate":
                await change(publisher, made, action)
            told = await listed(publisher)
            assert values(told) == await entries(one)
            for form in (CWT, JWT):
                seen = await listed(other, form)
                assert (seen.iat, seen.said) == (told.iat, told.said)
            one.clock.at += 1
            two.clock.at += 1


async def test_what_has_grown_by_changes_is_compressed_anew(registry: Registry) -> None:
    await listed(registry)
    lists = registry.app[LISTS]
    followed = lists._followed[1]
    assert not followed.deflated.worn

    async def scatter(tx: Any) -> None:
        for start in range(0, 6_000, 500):
            some = [index * 7 for index in range(start, start + 500)]
            await statuses.reserve(tx, 1, some, document=None, delivery=None, value=1, expires_at=0)
        await statuses.touch(tx, 1)

    await registry.office.storage.write(scatter)
    grown = await listed(registry)
    assert followed.deflated.worn
    await one_round(registry.app)
    assert not followed.deflated.worn
    assert (await listed(registry)).compressed == grown.compressed  # one version is told in one way
    registry.clock.at += 3700
    small = await listed(registry)
    assert small.said == grown.said
    assert len(small.compressed) < len(grown.compressed)
    assert zlib.decompress(small.compressed) == followed.statuses.data


# --- what is said of single copies ------------------------------------------------------------------------------------------------------


async def ask(registry: Registry, body: object, *, number: int = 1, kind: str = "application/json") -> tuple[int, Any]:
    sent = {"Content-Type": kind}
    data = body if isinstance(body, bytes) else msgspec.json.encode(body)
    async with registry.http.post(f"{registry.base}/status/{number}/assertions", data=data, headers=sent) as answer:
        return answer.status, await answer.json()


async def told(registry: Registry, indices: list[int]) -> list[VerifiedAssertion]:
    status, answer = await ask(registry, {"idx": indices})
    assert status == 200, answer
    key = load_certificate(registry.office.signer.x5c[0]).public
    return [
        verify_assertion(parse_assertion(base64url.decode(text)), uri=f"{URL}/status/1", idx=index, key=key, at=registry.clock())
        for index, text in zip(indices, answer["assertions"], strict=True)
    ]


async def test_an_assertion_says_what_the_list_says(registry: Registry) -> None:
    made, mine = await collected(registry)
    free = next(index for index in range(10_000) if index not in mine)
    assert [each.status for each in await told(registry, [*mine, free])] == [0] * 6
    await change(registry, made, "hold")
    assert [each.status for each in await told(registry, [free, *mine])] == [0, 2, 2, 2, 2, 2]
    await change(registry, made, "cancel")
    assert {each.status for each in await told(registry, mine)} == {1}
    assert values(await listed(registry)).keys() >= set(mine)


async def test_an_assertion_does_not_tell_when_it_was_fetched(registry: Registry) -> None:
    """S22: those fetched together, and those of others in the same hour, have one date and one end."""
    registry.clock.at = NOON + 1_234
    first = await told(registry, [1, 2, 3])
    registry.clock.at = NOON + 3_599
    second = await told(registry, [4])
    assert {(each.iat, each.exp) for each in (*first, *second)} == {(NOON, NOON + 7 * DAY)}
    registry.clock.at = NOON + 3_600
    assert {each.iat for each in await told(registry, [1])} == {NOON + 3_600}


async def test_an_assertion_lives_no_longer_than_lists(template: Template, tmp_path: Path) -> None:
    for days, lives in ((1, 1), (31, 7)):
        async with serving(template, tmp_path / str(days), status_days=days) as registry:
            [said] = await told(registry, [1])
            assert said.exp - said.iat == lives * DAY


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, "/idx"),
        ({"idx": []}, "/idx"),
        ({"idx": list(range(MAX_INDICES + 1))}, "/idx"),
        ({"idx": "1"}, "/idx"),
        ({"idx": [1, -1]}, "/idx/1"),
        ({"idx": [1, True]}, "/idx/1"),
        ({"idx": [1.0]}, "/idx/0"),
        ({"idx": [5, 6, 5]}, "/idx/2"),
        ({"idx": [2**17]}, "/idx/0"),
        ({"idx": [0, 2**53 - 1]}, "/idx/1"),
    ],
)
async def test_a_question_that_is_none(registry: Registry, body: object, where: str) -> None:
    status, answer = await ask(registry, body)
    assert (status, answer["error"]) == (400, "invalid_request")
    assert where in answer["error_description"]


async def test_other_refusals(registry: Registry) -> None:
    for body in (b"", b"[]", b'{"idx":[1],"idx":[2]}', msgspec.json.encode({"idx": [2**64]})):
        assert (await ask(registry, body))[0] == 400
    assert (await ask(registry, {"idx": [1]}, number=9))[0] == 404
    assert (await ask(registry, {"idx": [1]}, kind="text/plain"))[0] == 415
    assert (await ask(registry, b" " * 5_000))[0] == 413
    assert (await registry.get("/status/1/assertions")).status == 405


async def test_as_many_as_a_question_takes(registry: Registry) -> None:
    assert len(await told(registry, list(range(MAX_INDICES)))) == MAX_INDICES


async def test_it_is_open_to_pages_and_bounded(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    async with registry.http.post(f"{registry.base}/status/1/assertions", json={"idx": [1]}) as answer:
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Cache-Control"] == "no-store"
    async with registry.http.options(f"{registry.base}/status/1/assertions") as answer:
        assert answer.status == 204
    monkeypatch.setattr("issuer.assertions.RATE", type(RATE)(RATE.name, 3, RATE.seconds))
    assert [(await ask(registry, {"idx": [1]}))[0] for _ in range(3)] == [200, 200, 429]
    registry.clock.at += RATE.seconds
    assert (await ask(registry, {"idx": [1]}))[0] == 200
