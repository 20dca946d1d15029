"""An organisation that is taken over (domain sheet C24): what an old trust list still tells, and what the successor may do with what it got."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from support.desk import Site, Template, copy_file, opened, refreshed
from support.federation import MINISTRY, critical, says
from support.federations import Member, Realm, justice
from support.signing import AT
from support.successions import handed, publish
from support.trial_verify import ISSUER, LIST, VCT, Authority, status_cwt, status_token

from shared.flow import Fetch, Fetched
from shared.formats import StatusReference
from shared.jose.jwk import thumbprint
from shared.keys import Role
from shared.trust.anchors import TrustAnchors, render_trust
from shared.trust.publication import DOCUMENT
from shared.urls import well_known
from shared.verify import Decision
from verifier import copies, offline, packs
from verifier.desk import BUNDLE, Desk
from verifier.material import Store

HEIR = "https://greater-anytown.example"
HEIR_LIST = f"{HEIR}/status/1"
NAMES = {"federation_entity": {"organization_name": "Greater Anytown", "organization_name#cy": "Anytown Fwyaf"}}


@cache
def heir() -> Authority:
    return Authority.new(HEIR)


def county() -> Realm:
    """The realm with a body that has no document to make yet."""
    realm = justice()
    realm.members[HEIR] = Member(HEIR, superiors=(MINISTRY,), keys={Role.CREDENTIAL_ISSUER: heir().signer}, metadata=NAMES)
    return realm


def merge(realm: Realm, outgoing: str = ISSUER, **said: Any) -> None:
    """The ministry publishes that the successor takes over, and lets it say what the outgoing body said."""
    realm[MINISTRY].about[HEIR] = critical(entitlements=[says(VCT)])
    publish(realm, MINISTRY, handed(realm[outgoing], outgoing, realm[HEIR], **said))


@dataclass
class Town(Site):
    """The registry's site and all superiors of a federation."""

    trust: Any = None
    realm: Realm = field(default_factory=county)

    async def __call__(self, fetch: Fetch) -> Fetched:
        if fetch.url in {well_known(each, DOCUMENT) for each in self.realm.members}:
            return self.realm.street().answer(fetch)
        return await super().__call__(fetch)


def pin(desk: Desk, realm: Realm, *signers: str) -> None:
    """``trust add`` for the ministry, and nobody else."""
    trust = TrustAnchors(federation=(realm.pin(MINISTRY),), bundle_signers=signers)
    (desk.directory / "trust.json").write_bytes(render_trust(trust))


def old(seed: str = "old", **how: Any) -> bytes:
    return copy_file(seed=seed, **how)


def new(seed: str = "new") -> bytes:
    """Made by the successor, whose own list says that it counts."""
    status = StatusReference(uri=HEIR_LIST, idx=7)
    return copy_file(seed=seed, by=heir(), status=status, staples=(status_token(by=heir(), uri=HEIR_LIST),))


async def check(desk: Desk, store: Store, copy: bytes) -> Decision:
    return (await copies.bring(desk, store, copy, made_by="desk")).decision


def told(decision: Decision) -> tuple[str, str, str]:
    return decision.decision, decision.code, decision.line("issuer_trust").code


async def test_at_c24_2(template: Template, tmp_path: Path) -> None:
    """A verifier with only the old trust list still verifies old documents; new ones need the statement. Online, and by checking packs."""
    town = Town(cwt={LIST: status_cwt()})
    async with opened(template, tmp_path / "desk") as desk:
        pin(desk, town.realm)
        store = await refreshed(desk, town)
        before = await packs.make(desk)
        merge(town.realm, status_duty=True, may_cancel=True)
        assert told(await check(desk, store, old())) == ("accepted", "", "")
        assert told(await check(desk, store, new()))[:2] == ("rejected", "not_entitled")
        await store.refresh(town)
        after = await packs.make(desk)
        assert told(await check(desk, store, old("old, again"))) == ("accepted", "", "succeeded")
        assert told(await check(desk, store, new("new, again"))) == ("accepted", "", "")
        pin(desk, town.realm, thumbprint(await desk.custodian.public(BUNDLE)))
        for pack, expected in (
            (before, [("accepted", ""), ("rejected", "not_entitled")]),
            (after, [("accepted", "succeeded"), ("accepted", "")]),
        ):
            found = [
                offline.decide([each], pack.data, offline.Memory(), trust=desk.trust, entity=desk.entity, at=AT)[0].decision
                for each in (old(), new())
            ]
            assert [(each.decision, each.line("issuer_trust").code) for each in found] == expected


@pytest.mark.parametrize(("duty", "decision"), [({}, "undecided"), ({"status_duty": True}, "accepted")])
async def test_a_list_by_the_successor_needs_the_statement(
    template: Template, tmp_path: Path, duty: dict[str, Any], decision: str
) -> None:
    town = Town(lists={})
    async with opened(template, tmp_path / "desk") as desk:
        pin(desk, town.realm)
        store = await refreshed(desk, town)
        staples = (status_token(by=heir()),)
        assert (await check(desk, store, old(staples=staples))).code == "status_unknown"
        merge(town.realm, **duty)
        await store.refresh(town)
        assert (await check(desk, store, old("again", staples=staples))).decision == decision
