"""What a body below an office may be: a maker of wallets only by name (security rule S14)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from support.registry import Registry, Template, serving
from support.superior import ANA, BEN, COURT, SAYS, Below, Street, enrolled, pin, row
from support.trial_verify import Authority

from issuer.app import one_round
from issuer.federation import collect, enrol, publish
from issuer.federation.terms import DEFAULT_KINDS, Terms, parse_terms
from issuer.records import subordinates
from shared.errors import NotEntitled
from shared.flow import Fetched, run
from shared.keys import Role
from shared.trust.anchors import TrustAnchors
from shared.trust.federation import Federation
from shared.trust.federation_keys import FederationKey, render_jwks
from shared.trust.policy import Policy
from shared.trust.snapshot import KeyState
from shared.trust.superiors import gather

MAKES = replace(SAYS, constraints={"allowed_entity_types": ["openid_credential_issuer", "openid_wallet_provider"]})


@pytest.fixture
async def ministry(template: Template, tmp_path: Path) -> AsyncIterator[Registry]:
    async with serving(template, tmp_path / "ministry", superior=True) as running:
        await one_round(running.app)
        yield running


def with_wallets(body: Below) -> Authority:
    """The body says from now on that it makes wallets too, and proves the key."""
    maker = Authority.new(COURT, role=Role.WALLET_PROVIDER)
    body.metadata = body.metadata | {"openid_wallet_provider": {"jwks": render_jwks([FederationKey.of(maker.signer.public)])}}
    body.proving = (body.documents, maker.signer)
    return maker


async def heard(ministry: Registry, body: Below) -> Policy:
    """What others know once the body was visited again."""
    ministry.clock.at += collect.EVERY + 10
    await collect.visit(ministry.office, Street(ministry, [body]))
    assert (await row(ministry)).fault == ""
    await publish.publish(ministry.office)
    document = await publish.newest(ministry.office) or b""
    anchor = await pin(ministry)
    words = run(gather(anchor, at=ministry.clock()), lambda _: Fetched(status=200, body=document)).words
    return Policy(TrustAnchors(federation=(anchor,)), federation=Federation((anchor,), words))


def test_terms_that_say_nothing_of_kinds() -> None:
    assert Terms().limits == {"allowed_entity_types": list(DEFAULT_KINDS)}
    said = parse_terms('{"constraints": {"max_path_length": 1, "allowed_entity_types": ["x"]}}')
    assert said.limits == said.constraints
    assert "openid_wallet_provider" not in DEFAULT_KINDS


async def test_a_court_does_not_make_itself_a_maker_of_wallets(ministry: Registry) -> None:
    body = Below()
    await enrolled(ministry, body)
    maker = with_wallets(body)
    asked = await heard(ministry, body)
    with pytest.raises(NotEntitled):
        asked.check_wallet_provider(maker.x5c[:1], ministry.clock())
    assert Role.WALLET_PROVIDER not in {each.role for each in await ministry.office.storage.read(subordinates.keys)}
    found = await enrol.propose(ministry.office, COURT, MAKES, ANA, version=(await row(ministry)).version)
    await enrol.approve(ministry.office, COURT, BEN, version=found.version)
    assert (await heard(ministry, body)).check_wallet_provider(maker.x5c[:1], ministry.clock()).uris == (COURT,)


async def test_what_was_known_before_kinds_were_named_begins_with_the_name(ministry: Registry) -> None:
    """A row of an earlier version: its key of wallets is listed, and counts no more until somebody names the kind."""
    body = Below()
    maker = with_wallets(body)
    await enrolled(ministry, body, MAKES)
    await heard(ministry, body)
    before = await row(ministry)
    unnamed = replace(before, terms=before.terms.replace("allowed_entity_types", "x"), version=before.version + 1)
    await ministry.office.storage.write(lambda tx: subordinates.put(tx, unnamed, before=before))
    asked = await heard(ministry, body)
    with pytest.raises(NotEntitled):
        asked.check_wallet_provider(maker.x5c[:1], ministry.clock())
    known = await ministry.office.storage.read(subordinates.keys)
    assert [each.state for each in known if each.role is Role.WALLET_PROVIDER] == [KeyState.ACTIVE]
    found = await enrol.propose(ministry.office, COURT, MAKES, ANA, version=unnamed.version)
    await enrol.approve(ministry.office, COURT, BEN, version=found.version)
    assert (await heard(ministry, body)).check_wallet_provider(maker.x5c[:1], ministry.clock()).uris == (COURT,)
