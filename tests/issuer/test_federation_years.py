"""The federation keys of a body and of an anchor over the years: told ahead, followed from above, historical with their reasons."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.levels import come_below, gathered, hear
from support.registry import Registry, Template, serving
from support.signing import Signer
from support.superior import COURT, SAYS, VCT, Below, Street, enrolled, pin, row

from issuer.app import one_round, publisher_of
from issuer.federation import collect, publish
from issuer.federation.own import entity_of
from issuer.init import keyring_of
from issuer.records import subordinates
from shared.clock import DAY
from shared.codec import strict_json
from shared.errors import ConfigError
from shared.jose.jwk import thumbprint
from shared.jose.jws import parse_jws, verify_jws
from shared.keys import Role
from shared.trust.artefact import TRUST_MARK
from shared.trust.federation import Federation
from shared.trust.federation_anchor import FederationAnchor
from shared.trust.federation_keys import FederationKey, render_jwks
from shared.trust.key_proofs import ENDS, MEMBER, proven_federation_keys
from shared.trust.snapshot import KeyState
from shared.trust.statements import EntityStatement, parse_statement
from shared.trust.trust_marks import parse_trust_mark
from shared.web import above, own_trust
from shared.web.context import FETCHER
from shared.web.own_trust import OwnKey

AHEAD = 10 * DAY


async def keys(registry: Registry) -> list[OwnKey]:
    return await registry.office.storage.read(lambda tx: own_trust.own_keys(tx, Role.FEDERATION))


async def states(registry: Registry) -> list[tuple[str, KeyState]]:
    return [(each.name, each.state) for each in await keys(registry)]


async def said(registry: Registry) -> EntityStatement:
    await entity_of(registry.office).tend()
    return parse_statement(await entity_of(registry.office).newest())


async def historical(registry: Registry) -> list[dict[str, Any]]:
    """Section 8.7, as anybody reads it."""
    await publish.publish(registry.office)
    jws = parse_jws(await (await registry.get("/federation/historical-keys")).text())
    verify_jws(jws, (await entity_of(registry.office).key()).public, typ="jwk-set+jwt")
    found: list[dict[str, Any]] = strict_json.load_object(jws.payload)["keys"]
    return found


async def test_a_body_s_next_key_signs_once_those_above_name_it(ministry: Registry, courts: Registry) -> None:
    courts.clock.at = ministry.clock()
    await come_below(ministry, courts, SAYS)
    first = await entity_of(courts.office).key()
    due = ((await keys(courts))[0].active_at or 0) + 365 * DAY
    courts.clock.at = ministry.clock.at = due - AHEAD - 1
    assert len((await said(courts)).keys) == 1
    at = courts.clock.at = ministry.clock.at = due - AHEAD
    told = await said(courts)
    await hear(ministry)
    assert await states(courts) == [("federation", KeyState.ACTIVE), ("federation-2", KeyState.CREATED)]
    assert len(told.keys) == len(proven_federation_keys(told, at=at)) == 2
    assert told.metadata["federation_entity"][MEMBER]
    courts.clock.at = ministry.clock.at = due
    await hear(ministry)
    assert (await said(courts)).kid == first.kid  # whatever the clock says: it is not known yet to be followed
    with pytest.raises(ConfigError, match=f"waits for {ministry.url}"):
        await entity_of(courts.office).examine()
    await collect.visit(courts.office, courts.app[FETCHER])
    now = await said(courts)
    assert now.kid != first.kid
    assert await states(courts) == [("federation", KeyState.VERIFY_ONLY), ("federation-2", KeyState.ACTIVE)]
    assert [each.kid for each in now.keys] == [first.kid, now.kid]
    await hear(ministry)
    assert (await row(ministry, courts.url)).fault == ""
    await enrolled(courts, Below(superior=courts.url))
    heard = await gathered(ministry)
    assert not heard.faults
    Federation(anchors=(await pin(ministry),), words=heard.words).chain(courts.url, due, vct=VCT)
    (old,) = await historical(courts)
    assert (old["kid"], old["revoked"]) == (first.kid, {"revoked_at": due, "reason": "superseded"})
    courts.clock.at = ministry.clock.at = due + 7 * DAY
    assert [each.kid for each in (await said(courts)).keys] == [now.kid]
    assert await states(courts) == [("federation", KeyState.ENDED), ("federation-2", KeyState.ACTIVE)]
    await hear(ministry)
    known = await ministry.office.storage.read(lambda tx: subordinates.keys(tx, courts.url))
    assert sorted(each.state for each in known if each.role is Role.FEDERATION) == [KeyState.ACTIVE, KeyState.VERIFY_ONLY]


async def test_the_doctor_says_that_those_above_know_another_key(ministry: Registry, courts: Registry) -> None:
    """Nothing that it signs is taken there, at no later visit either, until it has joined again."""
    courts.clock.at = ministry.clock()
    await come_below(ministry, courts, SAYS)
    await above.ask(courts.office.storage, ministry.url, courts.app[FETCHER], own=courts.url, clock=courts.clock)
    own = entity_of(courts.office)
    assert f"below {ministry.url}" in await own.examine()
    await own.ring.rotate(now=True, actor="Iris")
    with pytest.raises(ConfigError, match=r"does not know the key .*: it has to invite this service again"):
        await own.examine()


async def test_the_key_of_an_anchor_is_changed_by_people_who_pin_it(ministry: Registry) -> None:
    """No clock does it. Who pins it once the next key is told needs no other pin."""
    court, before = Below(superior=ministry.url), await pin(ministry)
    await enrolled(ministry, court, replace(SAYS, trust_marks=("https://justice.example/marks/inspected",)))
    ministry.clock.at += 400 * DAY
    assert (await said(ministry)).kid == before.keys[0].kid
    assert await states(ministry) == [("federation", KeyState.ACTIVE)]
    ring = entity_of(ministry.office).ring
    assert (await ring.rotate(now=False, actor="Ben")).name == "federation-2"
    told = await said(ministry)
    assert "by `keys rotate` only" in await entity_of(ministry.office).examine()
    pins = FederationAnchor(entity=ministry.url, keys=told.keys, name="Ministry")
    assert (await ring.rotate(now=True, actor="Ben")).name == "federation-2"
    await collect.visit(ministry.office, Street(ministry, [court]))
    await publish.publish(ministry.office)
    heard = await gathered(ministry, pins)
    assert not heard.faults
    at = ministry.clock()
    Federation(anchors=(pins,), words=heard.words).chain(court.entity, at, vct=VCT)
    marks = [parse_trust_mark(each.decode()) for each in heard.words[0].publication.of(TRUST_MARK)]
    assert [each.jws.header["kid"] for each in marks] == [told.keys[1].kid]
    assert {each.state for each in heard.words[0].snapshot.keys.values() if each.entity == ministry.url} == {
        KeyState.VERIFY_ONLY,
        KeyState.ACTIVE,
    }
    assert (await gathered(ministry, before)).faults
    answer = await ministry.get(f"/federation/resolve?sub={court.entity}&trust_anchor={ministry.url}")
    assert answer.status == 200


async def test_a_federation_key_in_other_hands_is_historical_as_such_and_followed(ministry: Registry) -> None:
    first = await entity_of(ministry.office).key()
    (known,) = await keys(ministry)
    await publisher_of(ministry.office).end_key(known.history.kid, KeyState.COMPROMISED, reason="stolen", actor="Ben")
    now = await said(ministry)
    assert [each.kid for each in now.keys] == [now.kid]
    assert await states(ministry) == [("federation", KeyState.COMPROMISED), ("federation-2", KeyState.ACTIVE)]
    (old,) = await historical(ministry)
    assert (old["kid"], old["revoked"]["reason"]) == (first.kid, "compromised")


async def test_the_document_keys_of_an_office_are_listed_with_their_ends(template: Template, tmp_path: Path, storage_uri: str) -> None:
    """Those that only verify are named with the time since when, so that superiors let nobody back-date with them (S15)."""
    async with serving(template, tmp_path / "office", storage=storage_uri) as office:
        ring = keyring_of(office.office)
        await one_round(office.app)
        first = office.office.signer.public
        await ring.rotate(now=True, actor="Iris")
        await ring.rotate(now=False, actor="Iris")
        members = (await said(office)).metadata["openid_credential_issuer"]
        assert len(members["jwks"]["keys"]) == len(members[MEMBER]) == 3
        assert members[ENDS] == {thumbprint(first): office.clock()}


async def test_a_superior_takes_the_end_of_a_document_key_from_its_body(template: Template, tmp_path: Path) -> None:
    async with serving(template, tmp_path / "ministry", superior=True) as ministry:
        body, next_key = Below(), Signer.new()
        await enrolled(ministry, body)
        at = ministry.clock()
        both = render_jwks([FederationKey.of(body.documents.public), FederationKey.of(next_key.public)])
        body.proving = (body.documents, next_key)
        for end, until in ((at - DAY, at - DAY), (at + 90 * DAY, at - DAY)):  # told once, it stays
            body.metadata = {"openid_credential_issuer": {"jwks": both, ENDS: {thumbprint(body.documents.public): end}}}
            ministry.clock.at += collect.EVERY
            await collect.visit(ministry.office, Street(ministry, [body]))
            assert (await row(ministry)).fault == ""
            known = await ministry.office.storage.read(lambda tx: subordinates.keys(tx, COURT))
            over = [each for each in known if each.state is not KeyState.ACTIVE]
            assert [(each.state, each.until) for each in over] == [(KeyState.VERIFY_ONLY, until)]
        body.metadata = {"openid_credential_issuer": {"jwks": both}}
        ministry.clock.at += collect.EVERY
        await collect.visit(ministry.office, Street(ministry, [body]))
        assert "does not begin again" in (await row(ministry)).fault
        body.metadata = {"openid_credential_issuer": {"jwks": both, ENDS: []}}
        ministry.clock.at += collect.EVERY
        await collect.visit(ministry.office, Street(ministry, [body]))
        assert "object" in (await row(ministry)).fault
