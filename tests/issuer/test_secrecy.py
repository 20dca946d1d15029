"""What lies on the issuer's disk, and what does not (security rules S22 and S24)."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import itertools
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from support.registry import LPA_1, NOON, Registry, Template, collect, serving

from issuer.app import one_round
from issuer.office import Office, configurations, reference_mac
from shared.clock import DAY
from shared.codec import base64url, cbor
from shared.errors import Unavailable
from shared.jose.jwk import render_jwk
from shared.storage import Row, Work


def disk(registry: Registry) -> bytes:
    """Every byte of the database, its log and whatever else lies in the folder, but for certificates and settings."""
    kept = {"anchor.pem", "issuer.pem", "issuer.toml"}
    return b"".join(file.read_bytes() for file in registry.directory.iterdir() if file.name not in kept)


def values(registry: Registry) -> list[bytes]:
    """Every value of every row, as a thief with the database reads them."""
    database = sqlite3.connect(registry.directory / "issuer.db")
    tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found = [cell for table in tables for row in database.execute(f"SELECT * FROM {table}") for cell in row]  # noqa: S608 - a name from the schema
    database.close()
    return [cell if isinstance(cell, bytes) else str(cell).encode() for cell in found if cell is not None]


async def test_stolen_issuer_disk_reference_dictionary(registry: Registry) -> None:
    """All possible references are tried: none is recognised without the custodian's key, the right one with it."""
    reference = "M-7890-0400-4000"
    made = await registry.make(reference=reference)
    stolen = values(registry)
    whole = b"\n".join(stolen)
    salts = [value for value in stolen if len(value) <= 64]
    tried = [f"M-7890-0400-{number:04d}" for number in range(3990, 4011)]
    for guess in tried:
        plain = "".join(guess.casefold().split())
        for text, salt in itertools.product((guess, plain, f"reference\0{plain}"), [b"", *salts]):
            for digest in (
                hashlib.sha256(salt + text.encode()).digest(),
                hashlib.sha256(text.encode() + salt).digest(),
                hmac.digest(salt, text.encode(), "sha256"),
            ):
                assert digest not in whole
                assert digest.hex().encode() not in whole
        assert guess.encode() not in whole
    assert await reference_mac(registry.office, reference) in stolen
    assert made["id"].encode() in whole


async def test_orders_cannot_be_guessed_from_the_disk(registry: Registry) -> None:
    """The fingerprint of a repeated request is keyed too: it is made over names and dates."""
    from issuer import offers

    await registry.make(reference="case 1")
    order = offers.Order(type="representation", claims=LPA_1, reference="case 1")
    whole = b"\n".join(values(registry))
    for text in (offers._canonical(order), f"order\0{offers._canonical(order)}"):
        assert hashlib.sha256(text.encode()).digest() not in whole


async def test_claims_codes_and_tokens_are_never_in_clear(registry: Registry) -> None:
    empty = disk(registry)  # words of the tables themselves, such as "register", tell nothing
    made = await registry.make(reference="case 1")
    holder = await collect(registry, made)
    token = made["offer_qr"].split("/")[-2]
    told = [each for each in leaves(LPA_1) if each.encode() not in empty]
    assert len(told) > len(leaves(LPA_1)) * 3 // 4
    secrets = [token, made["code"], holder.token.access_token, holder.token.refresh_token or "", *told]
    await holder.copies(3)
    await registry.office.storage.checkpoint()
    seen = disk(registry)
    for secret in secrets:
        assert secret.encode() not in seen, secret


def leaves(claims: Any) -> list[str]:
    """Every text of some length in the claims: short codes occur in any file."""
    if isinstance(claims, dict):
        return [leaf for value in claims.values() for leaf in leaves(value)]
    if isinstance(claims, list):
        return [leaf for value in claims for leaf in leaves(value)]
    return [claims] if isinstance(claims, str) and len(claims) >= 5 and claims != LPA_1["issuing_authority"] else []


async def test_holder_keys_and_copies_are_dropped_after_delivery(registry: Registry) -> None:
    holder = await collect(registry, await registry.make())
    response = await holder.copies(20)
    for when in ("before", "after"):
        if when == "after":
            await one_round(registry.app)
        seen = disk(registry)
        for key in holder.keys:
            jwk = render_jwk(key.public)
            for part in ("x", "y"):
                assert jwk[part].encode() not in seen
                assert base64url.decode(jwk[part]) not in seen
        for wire in response.credentials:
            for piece in wire.replace("~", ".").split("."):
                assert len(piece) < 16 or piece[:60].encode() not in seen


async def test_copies_share_no_short_stable_value(registry: Registry) -> None:
    """Conformance: distinct salts, keys and indices, no progression, and times that do not tell when a copy was made."""
    from shared.formats import formats

    holder = await collect(registry, await registry.make())
    wires = list((await holder.copies(20)).credentials)
    registry.clock.at += 7
    wires += (await holder.copies(20)).credentials
    parsed = [formats()["dc+sd-jwt"].parse(wire) for wire in wires]
    indices = [each.status.idx for each in parsed if each.status is not None]
    assert len(set(indices)) == 40
    assert len({b - a for a, b in itertools.pairwise(indices)}) > 30
    assert len({each.status.uri for each in parsed if each.status is not None}) == 1
    assert {(each.payload["iat"] % DAY, each.payload["exp"] % DAY) for each in parsed} == {(0, 0)}
    salted = [one for each in parsed for one in each.disclosures]
    assert len(salted) == len(set(salted))
    assert len({each.payload["cnf"]["jwk"]["x"] for each in parsed}) == 40


async def test_compact_copies_share_nothing_but_what_the_issuer_says(registry: Registry) -> None:
    """S22, leaf by leaf: whatever two compact copies have in common is the same in the copies of every other document."""
    holder = await collect(registry, await registry.make(claims=LPA_1 | {"register_entry": "urn:example:1"}))
    mine = [cwt_leaves(wire) for wire in (await holder.copies(20, "representation-sd-cwt")).credentials]
    claims = LPA_1 | {"represented": {"given_name": "Amy", "family_name": "Pryce", "birthdate": "1941-02-03"}}
    other = await collect(registry, await registry.make(claims=claims))
    theirs = cwt_leaves((await other.copies(1, "representation-sd-cwt")).credentials[0])
    hidden = {leaf for leaves in mine for leaf in leaves if leaf[0] == "disclosed"}
    for one, two in itertools.combinations(mine, 2):
        assert one & two - hidden <= theirs


def cwt_leaves(wire: str) -> set[tuple[str, str]]:
    """Every value in a compact copy, those behind digests apart from what stands in clear. Salts are as they come."""
    outer = cbor.loads(base64url.decode(wire), redacted=True).value
    found: set[tuple[str, str]] = set()

    def walk(value: Any, kind: str) -> None:
        if isinstance(value, dict):
            for each in value.items():
                walk(list(each), kind)
        elif isinstance(value, list | tuple):
            for each in value:
                walk(each, kind)
        else:
            found.add((kind, repr(value)))

    walk(cbor.loads(outer[0]), "protected")
    walk({key: value for key, value in outer[1].items() if key != 17}, "unprotected")
    payload = cbor.loads(outer[2], redacted=True)
    walk({**payload, 8: payload[8][1][-2]}, "payload")  # of the holder's key its one coordinate: the sign of the other is a bit
    for disclosure in outer[1][17]:
        salt, *rest = cbor.loads(disclosure, redacted=True)
        found.add(("salt", repr(salt)))
        walk(rest, "disclosed")
    return found


def until_collected(office: Office) -> Office:
    types = tuple(dataclasses.replace(each, retention="until-collected") for each in office.types)
    return dataclasses.replace(office, types=types, configurations=configurations(types))


async def test_claims_held_until_collected_are_gone_from_disk(template: Template, tmp_path: Path) -> None:
    async with serving(template, tmp_path / "registry", change=until_collected) as registry:
        made = await registry.make()
        sealed = await registry.office.storage.read(lambda tx: tx.fetchrow("SELECT claims FROM document"))
        assert sealed is not None
        blob = bytes(sealed["claims"])
        holder = await collect(registry, made)
        assert holder.token.refresh_token is None
        await holder.copies(2)
        await holder.copies(2)
        registry.clock.at = NOON + 300
        await one_round(registry.app)
        assert blob[:64] not in disk(registry)
        status, problem = await registry.call("POST", f"/api/credentials/{made['id']}/invitation", {})
        assert (status, problem["code"]) == (409, "conflict")


async def test_claims_go_with_cancelling_lapsing_and_time(registry: Registry) -> None:
    async def held() -> int:
        rows = await registry.office.storage.read(lambda tx: tx.fetch("SELECT id FROM document WHERE claims IS NOT NULL"))
        return len(rows)

    cancelled, lapsing, kept = [await registry.make() for _ in range(3)]
    await (await collect(registry, kept)).copies(1)
    await registry.call("POST", f"/api/credentials/{cancelled['id']}/cancel", {"reason": "made-in-error"})
    assert await held() == 2
    registry.clock.at = NOON + 30 * DAY
    await one_round(registry.app)
    assert await held() == 1
    assert (await registry.call("GET", f"/api/credentials/{lapsing['id']}"))[1]["state"] == "lapsed"
    registry.clock.at = NOON + 1_095 * DAY
    await one_round(registry.app)
    assert await held() == 0


def everything(table: str) -> Work[list[Row]]:
    return lambda tx: tx.fetch(f"SELECT * FROM {table}")  # noqa: S608 - names from this file


async def test_sweep_forgets_and_unlinks(registry: Registry) -> None:
    holder = await collect(registry, await registry.make())
    await holder.copies(3)
    registry.clock.at = NOON + 200 * DAY
    await one_round(registry.app)
    for table in ("spent_nonce", "delivery", "idempotency", "token", "entitlement"):
        rows = await registry.office.storage.read(everything(table))
        assert rows == [], table
    entries = await registry.office.storage.read(lambda tx: tx.fetch("SELECT document FROM status_entry"))
    assert [row["document"] for row in entries] == [None] * 3


async def test_a_round_that_fails_takes_off_the_disk_all_the_same(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes wrong in it may go wrong for weeks."""

    async def fail(*_: object) -> None:
        raise Unavailable("out of order")

    monkeypatch.setattr("issuer.app.recall.tend", fail)
    await registry.make(reference="case 1")
    wal = registry.directory / "issuer.db-wal"
    assert wal.stat().st_size > 0
    with pytest.raises(Unavailable, match="out of order"):
        await one_round(registry.app)
    assert wal.stat().st_size == 0
