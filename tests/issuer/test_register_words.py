"""A register's own word about an entry, done to the documents that were made of it."""

from __future__ import annotations

from typing import Any

import pytest
from support.documents import document
from support.registry import Registry

LPA = "LPA M-7890-0400-4000"


async def say(registry: Registry, word: str, reason: str, count: int | None = None, **more: Any) -> tuple[int, Any]:
    body: dict[str, Any] = {"type": "representation", "reference": LPA, "word": word, "reason": reason, "preview": count is None, **more}
    return await registry.call("POST", "/api/register-words", body | ({} if count is None else {"confirm_count": count}))


async def test_the_word_decides_what_becomes_of_all_documents_of_the_entry(registry: Registry) -> None:
    nora, peter = await registry.make(reference=LPA), await registry.make(reference=LPA)
    beside = await registry.make(type="person", claims=document("person"), reference=LPA)
    _, seen = await say(registry, "suspended", "investigation")
    assert (seen["documents"], seen["unchanged"], seen["done"]) == (2, 0, False)
    standings = []
    for word, reason in (("suspended", "investigation"), ("registered", "investigation-closed"), ("de-registered", "donor-revoked")):
        assert (await say(registry, word, reason, 1))[0] == 409
        status, told = await say(registry, word, reason, 2)
        assert (status, told["documents"], told["done"]) == (200, 2, True)
        standings.append([(await registry.call("GET", f"/api/credentials/{each['id']}"))[1]["state"] for each in (nora, peter, beside)])
    assert standings == [["on_hold", "on_hold", "invited"], ["invited", "invited", "invited"], ["cancelled", "cancelled", "invited"]]
    _, nothing = await say(registry, "registered", "registered", 0)
    assert (nothing["documents"], nothing["unchanged"]) == (0, 2), "never in force again"


async def test_what_is_said_of_one_attorney_leaves_the_other(registry: Registry) -> None:
    """Domain sheet C02: `inactive` and `removed` are invalid for that attorney only, though both documents are of one entry."""
    nora, peter = await registry.make(reference=LPA), await registry.make(reference=LPA)
    elsewhere = await registry.make(reference="LPA M-7890-0400-4018")
    for wrong in ({}, {"document": elsewhere["id"]}, {"document": "no-such-document"}):
        status, told = await say(registry, "removed", "attorney-stopped", **wrong)
        assert (status, told.get("pointer", "")) == (400, "/document"), told
    status, told = await say(registry, "suspended", "investigation", document=nora["id"])
    assert (status, told.get("pointer", "")) == (400, "/document"), "that is said of the whole entry"
    status, told = await say(registry, "removed", "attorney-stopped", 1, document=nora["id"])
    assert (status, told["documents"], told["done"]) == (200, 1, True)
    states = [(await registry.call("GET", f"/api/credentials/{each['id']}"))[1]["state"] for each in (nora, peter, elsewhere)]
    assert states == ["cancelled", "invited", "invited"]


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({"word": "in-progress", "reason": "registered"}, 409, ""),
        ({"word": "unheard", "reason": "registered"}, 400, "/word"),
        ({"word": "suspended", "reason": "donor-died"}, 400, "/reason"),
        ({"word": "suspended", "reason": "investigation", "type": "unheard"}, 400, "/type"),
    ],
)
async def test_what_nothing_follows_from(registry: Registry, body: dict[str, Any], status: int, pointer: str) -> None:
    await registry.make(reference=LPA)
    found, told = await say(registry, **body)
    assert (found, told.get("pointer", "")) == (status, pointer), told


async def test_programs_are_told_the_words(registry: Registry) -> None:
    _, types = await registry.call("GET", "/api/types")
    states = {each["id"]: each["states"] for each in types["items"]}
    assert states["representation"]["suspended"] == "on-hold"
    assert states["life-event"]["cancellation_removed"] == "cancelled"
    said_of_one = {each["id"]: each["of_holder"] for each in types["items"]}
    assert (said_of_one["representation"], said_of_one["life-event"]) == (["active", "inactive", "removed"], [])
