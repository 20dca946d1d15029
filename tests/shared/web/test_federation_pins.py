"""Pinning the anchor of a federation: files as they were given, and addresses only with a fingerprint that was told by another way."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.federation import COURTS, MINISTRY
from support.federations import Member, justice
from support.rotated import rotated
from support.signing import AT
from support.trial_verify import VCT, registry

from shared.codec import strict_json
from shared.errors import BadSignature, ConfigError, Conflict, Expired, Malformed, Missing, Unavailable
from shared.flow import Fetch, Fetched
from shared.trust.anchors import TrustAnchors
from shared.trust.chain import configuration_url
from shared.trust.federation_anchor import parse_federation_anchor, render_federation_anchor
from shared.trust.statements import parse_statement
from shared.web.federation_pins import (
    compared,
    describe,
    fetch_federation,
    find_federation,
    fingerprints,
    is_federation,
    offered,
    read_federation,
    signed_with,
    with_federation,
    without,
)
from shared.web.settings import Common

REALM = justice()
OWN = REALM[MINISTRY].itself().encode()
PIN = REALM.pin(MINISTRY)


def answering(body: bytes, status: int = 200, *, asked: list[Fetch] | None = None) -> Any:
    async def fetch(one: Fetch) -> Fetched:
        if asked is not None:
            asked.append(one)
        return Fetched(status=status, body=body)

    return fetch


def test_a_file_is_the_configuration_or_an_entry_of_trust() -> None:
    found = read_federation(OWN + b"\n")
    assert (found.entity, found.keys, found.name, found.vcts) == (MINISTRY, PIN.keys, f"The body at {MINISTRY}", None)
    entry = strict_json.dumps(render_federation_anchor(REALM.pin(MINISTRY, vcts=("urn:one",), without_snapshot=True)))
    assert read_federation(entry) == REALM.pin(MINISTRY, vcts=("urn:one",), without_snapshot=True)
    bent = read_federation(entry, name="Justice", vcts=[VCT])
    assert (bent.name, bent.vcts, bent.without_snapshot) == ("Justice", (VCT,), True)
    assert read_federation(OWN, without_snapshot=True).without_snapshot
    assert is_federation(OWN)
    assert is_federation(entry)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"-----BEGIN CERTIFICATE-----",
        registry().certificate.der,
        REALM[MINISTRY].of(REALM[COURTS]).encode(),
        OWN.rpartition(b".")[0] + b"." + b"A" * 86,
        strict_json.dumps({"manifest": "x", "artefacts": {}}),
    ],
)
def test_what_is_no_anchor(data: bytes) -> None:
    assert not is_federation(data)
    with pytest.raises(ConfigError):
        read_federation(data)


async def test_what_answers_at_an_address_is_compared() -> None:
    asked: list[Fetch] = []
    found = await fetch_federation(MINISTRY, answering(OWN, asked=asked), at=AT)
    assert [each.url for each in asked] == [configuration_url(MINISTRY)]
    mark = signed_with(found)
    assert mark in describe(PIN)
    assert [mark] == fingerprints(PIN)
    with pytest.raises(ConfigError, match=mark):
        compared(found, None)
    with pytest.raises(ConfigError, match=mark):
        compared(found, "another")
    assert compared(found, mark, name="Trial") == PIN
    assert compared(found, mark, vcts=[VCT]).vcts == (VCT,)


@pytest.mark.parametrize(("own", "typed"), [(MINISTRY, f"{MINISTRY}/"), (f"{MINISTRY}/", MINISTRY)])
async def test_a_final_slash_is_nobody_else(own: str, typed: str) -> None:
    """The same address answers for both, and what is pinned is what it calls itself."""
    found = await fetch_federation(typed, answering(Member(own).itself().encode()), at=AT)
    assert compared(found, signed_with(found)).entity == own


async def test_who_lies_at_an_address() -> None:
    for body, at, error in (
        (REALM[COURTS].itself().encode(), AT, Malformed),  # another body
        (REALM[MINISTRY].of(REALM[COURTS]).encode(), AT, Malformed),
        (OWN, AT + 9 * 86_400, Expired),
        (OWN.rpartition(b".")[0] + b"." + b"A" * 86, AT, BadSignature),
    ):
        with pytest.raises(error):
            await fetch_federation(MINISTRY, answering(body), at=at)
    with pytest.raises(Unavailable):
        await fetch_federation(MINISTRY, answering(b"", 404), at=AT)
    with pytest.raises(ConfigError):
        await fetch_federation("http://inside.example", answering(OWN), at=AT)


def test_what_trust_add_names(tmp_path: Path) -> None:
    def ask(text: str) -> Any:
        return find_federation(text, settings=Common, thumbprint=None, at=AT, name="Trial")

    file = tmp_path / "anchor"
    file.write_bytes(OWN)
    assert ask(str(file)) == PIN
    file.write_bytes(registry().certificate.der)
    assert ask(str(file)) is None
    with pytest.raises(ConfigError):
        ask(str(tmp_path / "nothing"))
    with pytest.raises(ConfigError):
        ask("http://inside.example")


@pytest.mark.parametrize("proves", [True, False])
def test_no_key_that_signs_no_more_is_pinned(*, proves: bool) -> None:
    """S15: what is pinned is the key that was compared, and next ones that prove themselves; each is shown."""
    body, keys = rotated(REALM[MINISTRY], proves=proves)
    now = replace(PIN, keys=keys)
    mark, *more = fingerprints(now)
    seen = offered(body)
    assert (seen.anchor.keys, seen.marks, seen.more) == (now.keys, (mark,), tuple(more))
    assert compared(parse_statement(body.decode()), mark, name="Trial") == now
    assert read_federation(body, fingerprint=mark).keys == now.keys
    with pytest.raises(ConfigError):
        read_federation(body, fingerprint=fingerprints(PIN)[0])


def test_keys_of_a_pin_change_with_a_fingerprint_only() -> None:
    """S17: and nothing else of it changes."""
    now = replace(PIN, keys=rotated(REALM[MINISTRY])[1])
    narrow = replace(PIN, vcts=(VCT,), name="Ours")
    before = TrustAnchors(federation=(REALM.pin(COURTS), narrow))
    assert with_federation(before, PIN) == before
    with pytest.raises(Conflict, match="--thumbprint"):
        with_federation(before, now)
    after = with_federation(before, now, sure=True)
    assert after.federation == (REALM.pin(COURTS), replace(narrow, keys=now.keys))
    for other in (replace(now, without_snapshot=True), replace(now, vcts=("urn:one",))):
        with pytest.raises(Conflict, match="remove it first"):
            with_federation(before, other, sure=True)


def test_pins_come_and_go() -> None:
    trust = with_federation(TrustAnchors(anchors=(registry().pin(),)), PIN)
    assert with_federation(trust, PIN) == trust
    assert without(trust, MINISTRY) == TrustAnchors(anchors=(registry().pin(),))
    assert without(trust, registry().pin().fingerprint).federation == (PIN,)
    with pytest.raises(Missing):
        without(trust, "https://nobody.example")


@pytest.mark.parametrize("program", ["verifier", "wallet", "issuer"])
def test_every_service_pins_lists_and_removes(program: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``trust add``, ``trust list`` and ``trust remove`` of all three, as an owner types them."""
    from importlib import import_module

    folder, anchor = tmp_path / program, tmp_path / "anchor.jwt"
    folder.mkdir()
    anchor.write_bytes(OWN)
    (folder / "wallet.toml").write_text("")  # the mark of a wallet service that was set up
    main = import_module(f"{program}.cli").main

    def type_(*words: str) -> tuple[int, str]:
        code = main(["trust", *words, "--dir", str(folder)])
        told = capsys.readouterr()
        return code, told.out + told.err

    assert type_("add", str(anchor))[0] == 0
    body, keys = rotated(REALM[MINISTRY])
    now = replace(PIN, keys=keys)
    anchor.write_bytes(body)
    code, told = type_("add", str(anchor))
    assert (code == 0, "--thumbprint" in told) == (False, True)
    assert type_("add", str(anchor), "--thumbprint", "another")[0] != 0
    code, told = type_("list")
    assert (code, fingerprints(PIN)[0] in told, MINISTRY in told) == (0, True, True)
    assert len(json.loads((folder / "trust.json").read_bytes())["federation"]) == 1
    code, told = type_("add", str(anchor), "--thumbprint", fingerprints(now)[0])
    assert (code, " ".join(fingerprints(now)) in told) == (0, True)
    (entry,) = json.loads((folder / "trust.json").read_bytes())["federation"]
    assert parse_federation_anchor(entry).keys == now.keys
    assert type_("remove", MINISTRY)[0] == 0
    assert "federation" not in json.loads((folder / "trust.json").read_bytes())
    assert type_("remove", MINISTRY)[0] != 0
    anchor.write_bytes(b"nothing")
    assert type_("add", str(anchor))[0] != 0
