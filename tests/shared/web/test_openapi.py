from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct
from support.trial_web import Build, Client, Serve, Watch

from shared.clock import system_entropy
from shared.errors import Conflict, Malformed, Missing
from shared.storage import Storage
from shared.web import api_keys, auth, openapi, pages
from shared.web.openapi import Param, Reply, Route


class Person(Struct, frozen=True, forbid_unknown_fields=True):
    """A person named in a document."""

    name: Annotated[str, Meta(min_length=1, max_length=80, description="As it stands on the document.")]
    born: int | None = None


class Make(Struct, frozen=True, forbid_unknown_fields=True):
    kind: Annotated[str, Meta(pattern="^[a-z]+$")]
    people: Annotated[list[Person], Meta(min_length=1, max_length=5)]
    copies: Annotated[int, Meta(ge=1, le=100)] = 20


class Made(Struct, frozen=True):
    id: str
    copies: int


class Search(Struct, frozen=True, forbid_unknown_fields=True):
    reference: Annotated[str, Meta(max_length=60, description="Your own reference.")]
    limit: Annotated[int, Meta(ge=1, le=100)] = 20


async def make(request: web.Request, *, body: Make) -> Reply:
    return Reply(Made(id="1", copies=body.copies), headers={"Location": f"{request.path}/1"})


async def find(_: web.Request, *, query: Search) -> list[Made]:
    return [Made(id="1", copies=query.limit + len(query.reference))]


async def show(request: web.Request) -> Made:
    if request.match_info["id"] != "1":
        raise Missing("no document has this id")
    return Made(id="1", copies=1)


async def drop(_: web.Request) -> None:
    return None


async def either(_: web.Request, *, body: Person) -> Made | None:
    return Made(id=body.name, copies=1) if body.name == "Nora" else None


async def picture(_: web.Request, *, body: bytes | Person) -> Made:
    return Made(id="picture" if isinstance(body, bytes) else body.name, copies=len(body) if isinstance(body, bytes) else 0)


async def order(request: web.Request) -> Made:
    return Made(id="1", copies=len(request.headers["Idempotency-Key"]))


ROUTES = [
    Route(
        "POST",
        "/api/things",
        make,
        body=Make,
        out=Made,
        status=201,
        summary="Make a thing",
        scope="issue",
        errors=(Conflict,),
        tag="things",
    ),
    Route("GET", "/api/things", find, query=Search, out=list[Made], summary="Find things", scope="read"),
    Route("GET", r"/api/things/{id:\w{1,20}}", show, out=Made, summary="Show a thing", params=(Param("X-Trace", description="Yours."),)),
    Route(
        "POST", "/api/orders", order, out=Made, params=(Param("Idempotency-Key", required=True, schema={"type": "string", "minLength": 1}),)
    ),
    Route(
        "POST",
        "/api/things/{id}/all",
        either,
        body=Person,
        out=Made,
        status=201,
        summary="Both",
        scope="issue read",
        nothing="Nothing came of it.",
    ),
    Route("DELETE", "/api/things/{id}/copies", drop, status=204, summary="Drop its copies", description="They are gone for good."),
    Route(
        "POST", "/api/pictures", picture, body=Person, raw=("image/png", "image/jpeg"), out=Made, summary="Read a picture", max_body=150_000
    ),
]


@pytest.fixture
async def client(app_of: Build, serve: Serve) -> Client:
    app = app_of(max_body=100_000)
    auth.use_auth(app)
    pages.use_pages(app, package="", title="Trial")
    openapi.add_routes(app, ROUTES, title="Trial API", description="For trials.", guard=auth.require_scope)
    return await serve(app)


@pytest.fixture
async def key(store: Storage, watch: Watch) -> dict[str, str]:
    new = await store.write(lambda tx: api_keys.create(tx, name="k", scopes=["issue", "read"], at=watch.at, entropy=system_entropy))
    return {"Authorization": f"Bearer {new.token}"}


async def test_a_good_request_is_answered(client: Client, key: dict[str, str]) -> None:
    answer = await client.post("/api/things", json={"kind": "x", "people": [{"name": "Nora"}], "copies": 3.0}, headers=key)
    assert (answer.status, await answer.json()) == (201, {"id": "1", "copies": 3})
    assert answer.headers["Location"] == "/api/things/1"
    found = await client.get("/api/things?reference=LPA-1&limit=7", headers=key)
    assert await found.json() == [{"id": "1", "copies": 12}]
    assert (await client.delete("/api/things/1/copies")).status == 204
    assert await (await client.post("/api/pictures", data=b"\x89PNG", headers={"Content-Type": "image/png"})).json() == {
        "id": "picture",
        "copies": 4,
    }
    assert (await (await client.post("/api/pictures", json={"name": "Nora"})).json())["id"] == "Nora"


async def test_several_scopes_are_all_needed_and_nothing_may_come_of_it(
    client: Client, key: dict[str, str], store: Storage, watch: Watch
) -> None:
    for scopes in (["issue"], ["read"]):
        new = await store.write(partial(api_keys.create, name="k", scopes=scopes, at=watch.at, entropy=system_entropy))
        answer = await client.post("/api/things/1/all", json={"name": "Nora"}, headers={"Authorization": f"Bearer {new.token}"})
        assert (answer.status, (await answer.json())["code"]) == (403, "insufficient_scope")
    for name, status in (("Nora", 201), ("Peter", 204)):
        assert (await client.post("/api/things/1/all", json={"name": name}, headers=key)).status == status
    described = await (await client.get("/api/openapi.json")).json()
    operation = described["paths"]["/api/things/{id}/all"]["post"]
    assert operation["security"] == [{"api_key": ["issue", "read"]}]
    assert operation["responses"]["204"] == {"description": "Nothing came of it."}
    assert "content" in operation["responses"]["201"]
    page = await (await client.get("/api/docs")).text()
    assert "the scope <code>issue</code> and the scope <code>read</code>:" in page


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b"", ""),
        (b"[]", ""),
        (b"\xff", ""),
        (b'{"kind": "x", "kind": "x", "people": [{"name": "Nora"}]}', None),
        (b'{"kind": "x"}', "/people"),
        (b'{"kind": "x", "people": []}', "/people"),
        (b'{"kind": "X", "people": [{"name": "Nora"}]}', "/kind"),
        (b'{"kind": "x", "people": [{"name": "Nora"}, {"name": ""}]}', "/people/1/name"),
        (b'{"kind": "x", "people": [{"name": "Nora", "born": "1990"}]}', "/people/0/born"),
        (b'{"kind": "x", "people": [{"name": "Nora", "a/b~c": 1}]}', "/people/0/a~1b~0c"),
        (b'{"kind": "x", "people": [{"name": "Nora"}], "copies": 0}', "/copies"),
        (b'{"kind": "x", "people": [{"name": "Nora"}], "copies": 1.5}', "/copies"),
        (b'{"kind": "x", "people": [{"name": "Nora"}], "copies": NaN}', None),
        (b'{"kind": "x", "people": [{"name": "Nora"}]} x', ""),
    ],
)
async def test_every_mistake_has_its_pointer(client: Client, key: dict[str, str], body: bytes, pointer: str | None) -> None:
    answer = await client.post("/api/things", data=body, headers={**key, "Content-Type": "application/json"})
    told = await answer.json()
    assert (answer.status, answer.content_type, told["code"]) == (400, "application/problem+json", "malformed")
    assert pointer is None or told["pointer"] == pointer


async def test_what_is_not_json_is_refused(client: Client, key: dict[str, str]) -> None:
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1", "application/jsonx"):
        answer = await client.post("/api/things", data=b"{}", headers={**key, "Content-Type": content_type})
        assert answer.status == 415, content_type
    assert (await client.post("/api/things", data=b"x" * 100_001, headers={**key, "Content-Type": "application/json"})).status == 413
    assert (await client.post("/api/pictures", data=b"x" * 150_001, headers={"Content-Type": "image/png"})).status == 413
    assert (await client.post("/api/pictures", data=b"x" * 150_000, headers={"Content-Type": "image/png"})).status == 200


async def test_unknown_and_repeated_query_parameters_are_refused(client: Client, key: dict[str, str]) -> None:
    for query in ("", "?reference=a&reference=b", "?reference=a&x=1", "?reference=a&limit=many", "?reference=a&limit=0"):
        assert (await client.get(f"/api/things{query}", headers=key)).status == 400
    assert (await client.get("/api/things/1?x=1")).status == 400


async def test_a_path_that_cannot_be_is_not_found(client: Client) -> None:
    for path in ("/api/things/2", "/api/things/a%20b", "/api/things/" + "x" * 21, "/api/things/%00/copies", "/api/things/1%0A/copies"):
        answer = await client.request("DELETE" if path.endswith("copies") else "GET", path)
        assert (answer.status, answer.content_type) == (404, "application/problem+json"), path


async def test_a_header_that_is_needed(client: Client) -> None:
    assert (await client.post("/api/orders")).status == 400
    assert (await client.post("/api/orders", headers={"Idempotency-Key": "abc"})).status == 200


async def test_the_scope_is_asked_for_before_the_body(client: Client) -> None:
    answer = await client.post("/api/things", data=b"not json", headers={"Content-Type": "application/json"})
    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="muniment"')


async def test_other_methods_are_told_what_there_is(client: Client) -> None:
    answer = await client.put("/api/things")
    assert answer.status == 405
    assert set(answer.headers["Allow"].split(",")) == {"GET", "HEAD", "POST"}


async def test_the_document_says_what_the_routes_do(client: Client) -> None:
    document: dict[str, Any] = await (await client.get("/api/openapi.json")).json()
    assert document["openapi"] == "3.1.0"
    things = {"/api/things", "/api/things/{id}", "/api/things/{id}/all", "/api/things/{id}/copies"}
    assert set(document["paths"]) == {*things, "/api/pictures", "/api/orders"}
    made = document["paths"]["/api/things"]["post"]
    assert made["security"] == [{"api_key": ["issue"]}]
    assert set(made["responses"]) == {"201", "400", "401", "403", "409", "413", "415", "429", "503"}
    assert document["paths"]["/api/things"]["get"]["parameters"][0] == {
        "name": "reference",
        "in": "query",
        "required": True,
        "description": "Your own reference.",
        "schema": {"type": "string", "maxLength": 60, "description": "Your own reference."},
    }
    assert [one["name"] for one in document["paths"]["/api/things/{id}"]["get"]["parameters"]] == ["id", "X-Trace"]
    assert set(document["paths"]["/api/pictures"]["post"]["requestBody"]["content"]) == {"application/json", "image/png", "image/jpeg"}
    assert "204" in document["paths"]["/api/things/{id}/copies"]["delete"]["responses"]
    assert document["components"]["schemas"]["Person"]["additionalProperties"] is False


async def test_the_page_shows_every_operation_and_kind_of_data(client: Client) -> None:
    answer = await client.get("/api/docs")
    page = await answer.text()
    assert answer.content_type == "text/html"
    for words in (
        "POST /api/things",
        "They are gone for good.",
        'id="schema-Person"',
        "A person named in a document.",
        "<code>issue</code>",
    ):
        assert words in page
    assert "<script>" not in page


def test_a_scope_without_a_guard_is_a_bug_at_start() -> None:
    with pytest.raises(ValueError, match="nobody guards"):
        openapi.add_routes(web.Application(), ROUTES, title="x")


@pytest.mark.real
async def test_schemathesis_finds_no_difference_between_document_and_service(client: Client, key: dict[str, str], tmp_path: Path) -> None:
    command: list[str | Path] = [
        Path(sys.executable).with_name("schemathesis"),
        "run",
        str(client.make_url("/api/openapi.json")),
        *("--checks", "all", "--max-examples", "20", "--seed", "7", "--no-color", "--suppress-health-check", "all"),
        *("-H", f"Authorization: {key['Authorization']}"),
    ]
    process = await asyncio.create_subprocess_exec(*command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    told, _ = await process.communicate()
    assert process.returncode == 0, told.decode()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["kind", "people", "name", "born", "copies", "~/"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=60))
def test_any_body_is_a_value_or_malformed(data: bytes) -> None:
    try:
        made = openapi.decode(data, Make)
    except Malformed as error:
        assert not error.where or error.where.startswith("/")  # noqa: PT017 - most cases raise nothing
    else:
        assert isinstance(made, Make)
        msgspec.json.decode(msgspec.json.encode(made), type=Make)
